//! What the command does where the system has little to give: no threads, or little address space. It does without, or says
//! what is missing; it never panics or aborts.

use std::process::{Command, Stdio};

use kinglet_tests::folder::Folder;
use kinglet_tests::program::{CACHE, Run, finish, kinglet};

/// Runs a text where no thread can be started: the stack that a thread is to have is larger than the address space.
fn without_threads(text: &str, args: &[&str]) -> Run {
    let folder = Folder::new();
    let file = folder.file("guest.wat", text);
    let mut command = Command::new(kinglet());
    command.env("RUST_MIN_STACK", (1_u64 << 50).to_string()).env(CACHE, "").args(args).arg(file).arg("7");
    finish(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
}

/// A module whose code is enough to be validated and compiled on several threads, and which calls all of it.
fn large() -> String {
    let nothing = "nop ".repeat(15_000);
    let function =
        |i| format!("(func $f{i} (param i32) (result i32) {nothing} (i32.add (local.get 0) (i32.const {i})))\n");
    let functions: String = (0..20).map(function).collect();
    let calls: String = (0..20).map(|i| format!("(local.set 0 (call $f{i} (local.get 0)))")).collect();
    format!("(module {functions} (func (export \"f\") (param i32) (result i32) {calls} (local.get 0)))")
}

#[test]
fn everything_runs_where_no_thread_can_be_started() {
    let text = large();
    for mode in ["interpreter", "auto", "jit"] {
        without_threads(&text, &["--run-mode", mode, "--invoke", "f"]).prints("197\n");
    }
}

#[test]
fn a_time_limit_that_cannot_be_kept_is_refused() {
    let text = "(module (func (export \"f\") (param i32)))";
    let run = without_threads(text, &["--time-limit", "1000", "--invoke", "f"]);
    run.fails(1, &["the time limit cannot be kept", "no thread can be started", "ulimit -u"]);
    assert_eq!(without_threads(text, &["--time-limit", "0", "--invoke", "f"]).code(), 0);
}
