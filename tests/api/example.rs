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
fn backtrace_has_files_and_lines_and_the_hosts_own_error() {
    let expected = "trapped: integer divide by zero
wasm trap: integer divide by zero
    0: split (func[2]) at 0xb2 in guest.wasm
           at ./guest.c:8:18 (share, inlined)
           at ./guest.c:15:12
    1: bill (func[1]) at 0x5d in guest.wasm
           at ./guest.c:19:12
share was at line 8
split was at line 15
bill was at line 19
refused: there is no item 3
wasm backtrace:
    0: split (func[2]) at 0x8b in guest.wasm
           at ./guest.c:14:18
    1: bill (func[1]) at 0x5d in guest.wasm
           at ./guest.c:19:12
split was at line 14
bill was at line 19
3 items, 2 people: 31 each
";
    prints("backtrace", expected);
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
