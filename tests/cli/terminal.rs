//! Behaviour that differs on a terminal. These tests need pseudo-terminals.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};

use kinglet_tests::folder::Folder;
use kinglet_tests::program::{finish, kinglet, run};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// Opens a pseudo-terminal: the end of the terminal emulator, and the terminal.
fn terminal() -> (OwnedFd, OwnedFd) {
    let pty = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&pty).unwrap();
    unlockpt(&pty).unwrap();
    let name = ptsname(&pty, Vec::new()).unwrap().into_string().unwrap();
    (pty, File::options().read(true).write(true).open(name).unwrap().into())
}

/// Returns the command's output on a terminal, from standard output and standard error.
fn on_a_terminal(args: &[&str], variables: &[(&str, &str)]) -> String {
    let (pty, terminal) = terminal();
    let mut command = Command::new(kinglet());
    command
        .args(args)
        .env("KINGLET_CACHE_DIR", "")
        .env_remove("NO_COLOR")
        .env("TERM", "xterm")
        .envs(variables.iter().copied());
    command.stdin(Stdio::null()).stdout(terminal.try_clone().unwrap()).stderr(terminal);
    let mut child = command.spawn().unwrap();
    // Only the child has the other ends of the terminal, so that reading ends when it exits.
    drop(command);
    let mut out = Vec::new();
    // On Linux, reading from a terminal whose other end is closed is an error, not the end of the file.
    let _ = File::from(pty).read_to_end(&mut out);
    child.wait().unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn only_terminals_that_support_it_get_colour() {
    for args in [&["/no/such.wasm"][..], &["--help"]] {
        assert!(on_a_terminal(args, &[]).contains("\x1b["), "{args:?}");
        assert!(
            on_a_terminal(args, &[("NO_COLOR", "")]).contains("\x1b["),
            "an empty NO_COLOR has no effect: {args:?}"
        );
        for variables in [("NO_COLOR", "1"), ("TERM", "dumb")] {
            let out = on_a_terminal(args, &[variables]);
            assert!(!out.is_empty() && !out.contains('\x1b'), "{args:?} {variables:?}");
        }
        let piped = run(args);
        assert!(!piped.out.contains('\x1b') && !piped.err.contains('\x1b'));
    }
}

#[test]
fn a_binary_module_is_not_written_to_a_terminal() {
    let folder = Folder::new();
    let out = on_a_terminal(&["wasm", &folder.file("a.wat", "(module)")], &[("NO_COLOR", "1")]);
    assert!(out.contains("not written to a terminal") && !out.contains("\0asm"), "{out}");
}

/// A program that writes 150,000 bytes at once, once or endlessly.
fn writes(for_ever: bool) -> String {
    format!(
        r#"(module
          (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 3)
          (func (export "_start")
            (memory.fill (i32.const 16) (i32.const 65) (i32.const 150000))
            (i32.store (i32.const 0) (i32.const 16))
            (i32.store (i32.const 4) (i32.const 150000))
            (loop
              (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
              (br_if 0 (i32.const {})))))"#,
        u32::from(for_ever)
    )
}

#[test]
fn one_write_to_a_terminal_writes_all_bytes() {
    let folder = Folder::new();
    let out = on_a_terminal(&[&folder.file("writes.wat", writes(false))], &[]);
    assert_eq!((out.len(), out.chars().all(|char| char == 'A')), (150_000, true));
}

#[test]
fn a_time_limit_applies_on_a_stopped_terminal() {
    let folder = Folder::new();
    let (pty, terminal) = terminal();
    let mut command = Command::new(kinglet());
    command.args(["--time-limit", "300", &folder.file("writes.wat", writes(true))]).env("KINGLET_CACHE_DIR", "");
    command.stdin(Stdio::null()).stdout(terminal.try_clone().unwrap()).stderr(terminal.try_clone().unwrap());
    let run = finish(command.spawn().unwrap());
    assert_eq!(run.code(), 134);
    assert!(run.took.as_secs() < 20, "{:?}", run.took);
    let flags = rustix::fs::fcntl_getfl(&terminal).unwrap();
    assert!(!flags.contains(rustix::fs::OFlags::NONBLOCK), "the shared terminal's flags do not change");
    drop(pty);
}
