//! The programs of `examples/` print what they promise.

use std::process::Command;

#[track_caller]
fn prints(name: &str, expected: &str) {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["run", "--quiet", "--package", "kinglet-examples", "--example", name]);
    let output = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("cargo runs");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
}

#[test]
fn hello_greets() {
    prints("hello", "Hello from the guest: 42\n");
}

#[test]
fn host_functions_log_and_refuse() {
    let line = "guest: from the guest's memory\n";
    prints("host_functions", &format!("{line}left: 30\n{line}refused: 20 short\nlines logged: 2\n"));
}

#[test]
fn interrupt_ends_both_guests_in_time() {
    let both = "spin: interrupted, in time: true\nsleep: interrupted, in time: true\n";
    prints("interrupt", &format!("{both}and the store goes on: 42\n"));
}

#[test]
fn threads_each_have_their_sum() {
    prints("threads", "thread 1: 500500\nthread 2: 1001000\nthread 3: 1501500\nthread 4: 2002000\n");
}
