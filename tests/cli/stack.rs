//! The depth of calls: on every size of the system's stack, endless recursion is a trap, and `--stack-limit` is
//! available completely.

use std::process::{Command, Stdio};

use kinglet_tests::folder::Folder;
use kinglet_tests::program::{Run, finish, kinglet};

use crate::run_text;

/// Counts down with recursive calls, and up as they return.
const DEEP: &str = "(module (func $f (export \"f\") (param i32) (result i32) (if (result i32) (local.get 0) \
                    (then (i32.add (i32.const 1) (call $f (i32.sub (local.get 0) (i32.const 1))))) \
                    (else (i32.const 0)))))";

/// Calls itself endlessly.
const ENDLESS: &str = "(module (func $f (export \"_start\") (call $f)))";

/// Runs a text with a system limit for stacks, in KiB, and an environment of a given size.
fn limited(text: &str, stack: &str, environment: usize, args: &[&str]) -> Run {
    const LONGEST: usize = 100 << 10;
    let folder = Folder::new();
    let file = folder.file("deep.wat", text);
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -s $0 && exec \"$@\"", stack]).arg(kinglet()).args(args).arg(file);
    for (number, start) in (0..environment).step_by(LONGEST).enumerate() {
        command.env(format!("FILLING_{number}"), "x".repeat(LONGEST.min(environment - start)));
    }
    finish(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
}

#[test]
fn endless_recursion_traps_on_any_stack() {
    for mode in ["jit", "auto", "interpreter"] {
        for (stack, environment) in [("8192", 0), ("8192", 1 << 20), ("1024", 0), ("256", 0), ("128", 0), ("64", 0)] {
            let run = limited(ENDLESS, stack, environment, &["--run-mode", mode]);
            run.fails(134, &["call stack exhausted", "try a larger stack: --stack-limit 65536"]);
            assert!(!run.err.contains("warning"), "{mode}, {stack} KiB: {run:?}");
        }
        limited(ENDLESS, "256", 0, &["--run-mode", mode, "--stack-limit", "64"]).fails(134, &["call stack exhausted"]);
        assert_eq!(limited(ENDLESS, "256", 0, &["instantiate", "--run-mode", mode]).code(), 0);
    }
}

#[test]
fn the_whole_stack_limit_is_available() {
    let deep = |mode: &str, limit: &str, calls: &str| {
        run_text(DEEP, &["--run-mode", mode, "--stack-limit", limit, "--invoke", "f"], &[calls])
    };
    deep("jit", "131072", "1000000").prints("1000000\n");
    deep("interpreter", "131072", "1000000").prints("1000000\n");
    deep("jit", "1024", "100000000").fails(134, &["call stack exhausted", "a larger stack: --stack-limit 65536"]);
    deep("jit", "20000", "100000000").fails(134, &["call stack exhausted", "a larger stack: --stack-limit 80000"]);
}
