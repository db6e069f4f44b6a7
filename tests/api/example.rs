//! The programs of `examples/` print the documented output.

use std::process::Command;

#[track_caller]
fn prints(name: &str, expected: &str) {
    let mut cargo = Command::new(env!("CARGO"));
    // All packages are selected, as in other builds. With fewer, cargo may compile Cranelift again.
    cargo.args(["build", "--quiet", "--workspace", "--example", name]).env_remove("RUSTC_BOOTSTRAP");
    let target = kinglet_tests::target();
    cargo.arg("--target-dir").arg(&target).env_remove("CARGO_BUILD_TARGET");
    let built = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("cargo runs");
    assert!(built.status.success(), "{built:?}");
    let output = Command::new(target.join("debug/examples").join(name)).output().expect("the example was built");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
}

#[test]
fn backtrace_prints_files_lines_and_the_hosts_error() {
    let expected = "trapped: integer divide by zero
wasm trap: integer divide by zero
    0: split (func[2]) at 0xb2 in guest.wasm: i32.div_s
           at ./guest.c:8:18 (share, inlined)
           at ./guest.c:15:12
    1: bill (func[1]) at 0x5d in guest.wasm: call
           at ./guest.c:19:12
share was at line 8
split was at line 15
bill was at line 19
refused: item 3 does not exist
wasm backtrace:
    0: split (func[2]) at 0x8b in guest.wasm: call
           at ./guest.c:14:18
    1: bill (func[1]) at 0x5d in guest.wasm: call
           at ./guest.c:19:12
split was at line 14
bill was at line 19
3 items, 2 people: 31 each
";
    prints("backtrace", expected);
}

#[test]
fn captured_stdio_prints_the_programs_input_and_output() {
    let expected = r#""one\ntwo\n": "1: one\n2: two\n2 lines\n", status 0
"": "0 lines\n", status 0
"no line end": "1: no line end\n1 lines\n", status 0
exit 7: status 7, 0 bytes of output, 0 of messages
"#;
    prints("captured_stdio", expected);
}

#[test]
fn hello_greets() {
    prints("hello", "Hello from the guest: 42\n");
}

#[test]
fn host_functions_log_and_return_errors() {
    let line = "guest: from the guest's memory\n";
    prints("host_functions", &format!("{line}left: 30\n{line}refused: 20 short\nlines logged: 2\n"));
}

#[test]
fn interrupt_stops_both_guests_in_time() {
    let both = "spin: interrupted, in time: true\nsleep: interrupted, in time: true\n";
    prints("interrupt", &format!("{both}the store is still usable: 42\n"));
}

#[test]
fn linked_modules_use_each_others_exports() {
    let expected = "linked modules
LINKED MODULES
1 + 1 = 2
host.print: func (param i32 i32)
library.memory: memory of 1 or more pages
library.printers: table of 2 or more funcref
library.show: func (param i32 i32 i32)
tool._start: func
tool.next: func (result i32)
";
    prints("linked_modules", expected);
}

#[test]
fn failing_plugins_do_not_affect_others() {
    let each = ["broken: integer divide by zero", "double: 20", "endless: interrupted", "greedy: -1", "triangle: 55"];
    let lines: String = each.iter().map(|line| format!("{line} (5 times)\n")).collect();
    prints("plugins", &format!("{lines}the host was called 50 times\n"));
}

#[test]
fn host_and_guest_change_shared_data() {
    let expected = r#"Ada: [1, 2, 3] became [1, 4, 9]
Ada: [10] became [100]
Ada: counter at 102
Bob: [4, 5] became [16, 25]
Bob: counter at 101
the board: {"Ada": [14, 100], "Bob": [41]}
"#;
    prints("shared_data", expected);
}

#[test]
fn each_thread_computes_its_sum() {
    prints("threads", "thread 1: 500500\nthread 2: 1001000\nthread 3: 1501500\nthread 4: 2002000\n");
}
