//! Streams and signals: pipes that close, disks that are full, Ctrl-C.

use std::fs::File;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::time::Duration;

use kinglet_tests::folder::Folder;
use kinglet_tests::program::{finish, in_mode, kinglet, start};

use crate::{FUNCTIONS, READ, program};

#[test]
#[cfg(target_os = "linux")]
fn a_result_that_cannot_be_written_is_an_error() {
    let folder = Folder::new();
    let file = folder.file("guest.wat", FUNCTIONS);
    let full = || File::options().write(true).open("/dev/full").expect("Linux has it");
    for args in [
        &["--help"][..],
        &["--version"],
        &["--invoke", "add", &file, "1", "2"],
        &["validate", &file],
        &["inspect", &file],
        &["wat", &file],
        &["help", "--man"],
    ] {
        let output = Command::new(kinglet()).args(in_mode(args)).stdout(full()).output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert!(message.starts_with("kinglet: error: cannot write to standard output: No space left"), "{message}");
    }
}

#[test]
fn a_reader_that_goes_away_ends_command_and_guest_quietly() {
    let folder = Folder::new();
    let talker = folder.file(
        "talker.wat",
        r#"(module
          (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 1)
          (data (i32.const 0) "\08\00\00\00\06\00\00\00hello\n")
          (func (export "_start") (loop
            (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16))) (br 0))))"#,
    );
    for args in [&["--help"][..], &["help", "--markdown"], &[talker.as_str()]] {
        let mut child = start(args);
        let mut first = [0; 6];
        let mut out = child.stdout.take().unwrap();
        out.read_exact(&mut first).unwrap();
        drop(out);
        let run = finish(child);
        assert_eq!(run.err, "", "{args:?}");
        // What is written before the reader goes may have been all.
        assert!([0, 141].contains(&run.code()), "{run:?}");
    }
}

#[test]
fn ctrl_c_is_130_whatever_the_guest_does() {
    let folder = Folder::new();
    let loops = folder.file("loop.wat", program("(loop (br 0))"));
    let reads = folder.file("read.wat", READ);
    for file in [loops, reads] {
        let mut child = start(&[&file]);
        let stdin = child.stdin.take();
        std::thread::sleep(Duration::from_millis(300));
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
        let run = finish(child);
        drop(stdin);
        assert_eq!((run.status.signal(), run.status.code(), run.err.as_str()), (None, Some(130), ""));
    }
}

/// A program that writes 64 KiB at a time to a new file, until that fails, and exits with the error's number.
const WRITE: &str = r#"(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 2)
  (data (i32.const 0) "\00\00\01\00\00\00\01\00new")
  (func (export "_start") (local $error i32)
    (if (call $open (i32.const 3) (i32.const 0) (i32.const 8) (i32.const 3) (i32.const 1)
          (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 16))
      (then (call $exit (i32.const 100))))
    (loop $more
      (local.set $error (call $write (i32.load (i32.const 16)) (i32.const 0) (i32.const 1) (i32.const 20)))
      (br_if $more (i32.eqz (local.get $error))))
    (call $exit (local.get $error))))"#;

#[test]
fn a_file_that_may_not_grow_is_an_error_and_no_signal() {
    const FBIG: i32 = 22;
    let folder = Folder::new();
    let file = folder.file("write.wat", WRITE);
    let limited = |args: &[&str]| {
        let mut command = Command::new("sh");
        command
            .args(["-c", "ulimit -f 64 && exec \"$0\" \"$@\""])
            .arg(kinglet())
            .args(args)
            .env("KINGLET_CACHE_DIR", "");
        command.output().unwrap()
    };
    let host = format!(".:{}", folder.path().display());
    let output = limited(&in_mode(&["--dir", &host, &file]));
    assert_eq!(output.status.code(), Some(FBIG), "{output:?}");
    let size = folder.path().join("new").metadata().unwrap().len();
    assert!((1..=64 << 10).contains(&size), "{size}");

    let large = folder.file("large.wat", format!("(module (func {}))", "nop ".repeat(100_000)));
    let output = limited(&["wasm", &large, "-o", &format!("{large}.wasm")]);
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && message.contains("File too large"), "{message}");
}
