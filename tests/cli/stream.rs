//! Streams and signals: closed pipes, full pipes without a reader, full disks, Ctrl-C.

use std::fs::File;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use kinglet_tests::folder::Folder;
use kinglet_tests::program::{finish, in_mode, kinglet, start};

use crate::{FUNCTIONS, program};

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
        // The command may have written everything before the reader closes the pipe.
        assert!([0, 141].contains(&run.code()), "{run:?}");
    }
}

/// Returns a program that writes to a descriptor until an error occurs, and exits with its number.
fn writes(descriptor: u32, length: u32) -> String {
    format!(
        r#"(module
          (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
          (memory (export "memory") 3)
          (func (export "_start") (local $errno i32)
            (i32.store (i32.const 0) (i32.const 16))
            (i32.store (i32.const 4) (i32.const {length}))
            (loop
              (local.set $errno (call $write (i32.const {descriptor}) (i32.const 0) (i32.const 1) (i32.const 8)))
              (br_if 0 (i32.eqz (local.get $errno))))
            (call $exit (local.get $errno))))"#
    )
}

#[test]
fn one_write_to_a_pipe_writes_all() {
    let text = writes(1, 150_000).replace("(br_if 0", "(br_if 1 (i32.const 0)) (drop");
    let run = crate::run_text(text, &[], &[]);
    assert_eq!((run.code(), run.out.len()), (0, 150_000));
}

/// Returns a program that prints a character and then executes `then`.
fn runs(then: &str) -> String {
    format!(
        r#"(module
          (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 1)
          (data (i32.const 0) "\08\00\00\00\01\00\00\00!")
          (func (export "_start")
            (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))
            {then}))"#
    )
}

const LOOPS: &str = "(loop (br 0))";
const WAITS: &str = "(drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 16)))";

/// Starts a program with these arguments through a shell or another program.
fn start_by(means: &[&str], args: &[&str]) -> std::process::Child {
    let mut command = Command::new(means[0]);
    command.args(&means[1..]).args(args).env("KINGLET_CACHE_DIR", "");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits until the guest from [`runs`] is running.
fn wait_until_it_runs(child: &mut std::process::Child) {
    let output = child.stdout.as_mut().expect("standard output is a pipe");
    output.read_exact(&mut [0]).expect("the guest prints a character");
}

fn signal(child: &std::process::Child, signal: rustix::process::Signal) {
    rustix::process::kill_process(rustix::process::Pid::from_child(child), signal).unwrap();
}

/// Sets the default actions of signals, which a shell on a terminal uses. The test process may ignore them.
const DEFAULTS: [&str; 2] = ["env", "--default-signal=HUP,INT,TERM"];

#[test]
fn a_signal_that_ends_the_command_is_what_it_dies_of_whatever_the_guest_does() {
    use rustix::process::Signal;
    let folder = Folder::new();
    let loops = folder.file("loop.wat", runs(LOOPS));
    let waits = folder.file("wait.wat", runs(WAITS));
    let program = kinglet();
    for (file, name) in [(&loops, Signal::INT), (&waits, Signal::INT), (&loops, Signal::TERM), (&waits, Signal::HUP)] {
        let args = [&[program.to_str().unwrap()], &in_mode(&[file])[..]].concat();
        let mut child = start_by(&DEFAULTS, &args);
        let stdin = child.stdin.take();
        wait_until_it_runs(&mut child);
        signal(&child, name);
        let run = finish(child);
        drop(stdin);
        let ended = (run.status.signal(), run.status.code(), run.err.as_str());
        assert_eq!(ended, (Some(name.as_raw()), None, ""));
    }
}

/// A program that writes 64 KiB at a time to a new file until an error occurs, and exits with its number.
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

/// Starts the command as a child of a shell that ignores a signal.
fn start_ignoring(name: &str, file: &str) -> std::process::Child {
    let program = kinglet();
    let args = [&[program.to_str().unwrap()], &in_mode(&[file])[..]].concat();
    start_by(&["sh", "-c", &format!("trap '' {name}; exec \"$@\""), "sh"], &args)
}

#[test]
fn a_signal_that_the_parent_ignores_stays_ignored() {
    use rustix::process::Signal;
    let folder = Folder::new();
    let loops = folder.file("loop.wat", runs(LOOPS));
    for (name, ignored) in [("INT", Signal::INT), ("HUP", Signal::HUP)] {
        let mut child = start_ignoring(name, &loops);
        wait_until_it_runs(&mut child);
        signal(&child, ignored);
        std::thread::sleep(Duration::from_millis(50));
        assert!(child.try_wait().unwrap().is_none(), "SIG{name}");
        signal(&child, Signal::TERM);
        assert_eq!(finish(child).status.signal(), Some(Signal::TERM.as_raw()));
    }
    // The guest gets EPIPE, which has the number 64 in WASI.
    let mut child = start_ignoring("PIPE", &folder.file("write.wat", writes(1, 6)));
    drop(child.stdout.take());
    let run = finish(child);
    assert_eq!((run.code(), run.err.as_str()), (64, ""));
}

/// Returns the only child of a process.
fn child_of(parent: u32) -> rustix::process::Pid {
    let children = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap();
    children.trim().parse().ok().and_then(rustix::process::Pid::from_raw).expect("it has one child")
}

#[test]
fn the_first_process_of_a_container_exits_as_a_shell_shows_a_signal() {
    use rustix::process::Signal;
    const CONTAINER: &[&str] = &["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child"];
    let contained = |args: &[&str]| start_by(&[&DEFAULTS, CONTAINER].concat(), args);
    if !finish(contained(&["true"])).status.success() {
        println!("not run: this machine lets its users make no containers");
        return;
    }
    let folder = Folder::new();
    let loops = folder.file("loop.wat", runs(LOOPS));
    let program = kinglet();
    for (name, status) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let mut child = contained(&[&[program.to_str().unwrap()], &in_mode(&[&loops])[..]].concat());
        wait_until_it_runs(&mut child);
        // The signal comes from outside the container. From inside, the first process only gets signals that it
        // handles.
        rustix::process::kill_process(child_of(child.id()), name).unwrap();
        assert_eq!(finish(child).status.code(), Some(status), "{name:?}");
    }
}

/// Returns a full pipe.
fn full_pipe() -> (std::io::PipeReader, std::io::PipeWriter) {
    let (reader, writer) = std::io::pipe().unwrap();
    rustix::io::ioctl_fionbio(&writer, true).unwrap();
    for length in [4096, 1] {
        while rustix::io::write(&writer, &vec![7; length]).is_ok() {}
    }
    rustix::io::ioctl_fionbio(&writer, false).unwrap();
    (reader, writer)
}

#[test]
fn a_time_limit_holds_when_nobody_reads_what_the_guest_and_the_command_say() {
    let folder = Folder::new();
    let writes = folder.file("writes.wat", writes(2, 60_000));
    let loops = folder.file("loop.wat", program("(loop (br 0))"));
    let results = folder.file("results.wat", FUNCTIONS);
    let traps = folder.file("traps.wat", program("unreachable"));
    for (args, status) in [
        (&[writes.as_str()][..], 134),
        (&[&loops], 134),
        (&["--log-level", "trace", &loops], 134),
        // Neither the result nor the message about it can be written.
        (&["--invoke", "add", &results, "1", "2"], 134),
        (&["--invoke", "none", &results], 1),
        (&[&traps], 134),
        (&["/no/such/file"], 1),
    ] {
        let (reader, writer) = full_pipe();
        let start = Instant::now();
        let mut command = Command::new(kinglet());
        command.args(in_mode(&["run"])).args(["--time-limit", "300"]).args(args).env("KINGLET_CACHE_DIR", "");
        command.stdin(Stdio::null()).stdout(writer.try_clone().unwrap()).stderr(writer);
        let child = command.spawn().unwrap();
        drop(command);
        let run = finish(child);
        assert_eq!(run.code(), status, "{args:?}");
        assert!(start.elapsed() < Duration::from_secs(20), "{args:?} took {:?}", start.elapsed());
        drop(reader);
    }
}

#[test]
fn a_time_limit_holds_in_one_call_that_moves_gigabytes() {
    const LENGTH: u64 = 0xf000_0000;
    let folder = Folder::new();
    let path = folder.path().join("file");
    File::create(&path).unwrap().set_len(LENGTH).unwrap();
    let module = folder.file(
        "read.wat",
        format!(
            r#"(module
              (import "wasi_snapshot_preview1" "fd_pread" (func $read (param i32 i32 i32 i64 i32) (result i32)))
              (import "wasi_snapshot_preview1" "path_open"
                (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
              (memory (export "memory") 65535)
              (data (i32.const 0) "file")
              (func (export "_start")
                (drop (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 0) (i64.const 6)
                  (i64.const 0) (i32.const 0) (i32.const 100)))
                (i32.store (i32.const 8) (i32.const 65536))
                (i32.store (i32.const 12) (i32.const {LENGTH}))
                (loop
                  (drop (call $read (i32.load (i32.const 100)) (i32.const 8) (i32.const 1) (i64.const 0) (i32.const 4)))
                  (br 0))))"#
        ),
    );
    let run = kinglet_tests::program::run(&["--time-limit", "200", "--dir", folder.path().to_str().unwrap(), &module]);
    run.fails(134, &["stopped: exceeded the time limit of 200 ms"]);
    assert!(run.took < Duration::from_secs(3), "{:?}", run.took);
}
