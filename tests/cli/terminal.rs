//! What the command does differently on a terminal. A test target of its own, since a machine may have no
//! pseudo-terminals.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};

use kinglet_tests::folder::Folder;
use kinglet_tests::program::{kinglet, run};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// What the command prints when standard output and standard error are a terminal.
fn on_a_terminal(args: &[&str], variables: &[(&str, &str)]) -> String {
    let pty = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&pty).unwrap();
    unlockpt(&pty).unwrap();
    let name = ptsname(&pty, Vec::new()).unwrap().into_string().unwrap();
    let terminal: OwnedFd = File::options().read(true).write(true).open(name).unwrap().into();
    let mut command = Command::new(kinglet());
    command
        .args(args)
        .env("KINGLET_CACHE_DIR", "")
        .env_remove("NO_COLOR")
        .env("TERM", "xterm")
        .envs(variables.iter().copied());
    command.stdin(Stdio::null()).stdout(terminal.try_clone().unwrap()).stderr(terminal);
    let mut child = command.spawn().unwrap();
    // The terminal's other ends are the child's alone, so that reading ends with it.
    drop(command);
    let mut out = Vec::new();
    // A terminal whose other end is gone is an error on Linux, not an end.
    let _ = File::from(pty).read_to_end(&mut out);
    child.wait().unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn only_a_terminal_that_wants_it_gets_colour() {
    for args in [&["/no/such.wasm"][..], &["--help"]] {
        assert!(on_a_terminal(args, &[]).contains("\x1b["), "{args:?}");
        assert!(on_a_terminal(args, &[("NO_COLOR", "")]).contains("\x1b["), "an empty NO_COLOR says nothing: {args:?}");
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
