//! Runs: the input of a guest, its end, and the messages when it cannot start.

use std::process::Command;
use std::time::Duration;

use kinglet_tests::folder::Folder;
use kinglet_tests::program::{finish, kinglet, run, run_with, start};

use crate::{ARGUMENTS, FUNCTIONS, MAKE_FOLDER, READ, program, run_text};

#[test]
fn a_program_sees_only_its_arguments_and_variables() {
    let run = run_text(ARGUMENTS, &["--env", "A=1", "--env=B=x=y"], &["one", "--env", "C=2", "--"]);
    run.prints("guest.wasm\none\n--env\nC=2\n--\nA=1\nB=x=y\n");
}

#[test]
fn the_command_run_is_optional() {
    run_text(ARGUMENTS, &["run"], &["run"]).prints("guest.wasm\nrun\n");
    run_text(ARGUMENTS, &["--"], &["x"]).prints("guest.wasm\nx\n");
}

#[test]
fn neutral_options_change_nothing() {
    let options = ["--no-cache", "--run-mode", "INTERPRETER", "--log-level=off", "--time-limit=0", "--wasm-3"];
    run_text(ARGUMENTS, &options, &[]).prints("guest.wasm\n");
}

#[test]
fn a_directory_is_writable_unless_it_is_readonly() {
    let folder = Folder::new();
    let host = folder.path().to_str().unwrap();
    assert_ne!(run_text(MAKE_FOLDER, &["--dir", &format!(".:{host}:readonly")], &[]).code(), 0);
    assert!(!folder.path().join("made").exists());
    assert_eq!(run_text(MAKE_FOLDER, &["--dir", &format!(".:{host}")], &[]).code(), 0);
    assert!(folder.path().join("made").is_dir());
    assert_ne!(run_text(MAKE_FOLDER, &[], &[]).code(), 0);
}

#[test]
fn the_message_names_a_directory_that_cannot_be_opened() {
    let run = run_text(MAKE_FOLDER, &["--dir", "x:/no/such/folder"], &[]);
    run.fails(1, &["/no/such/folder", "No such file or directory"]);
    let folder = Folder::new();
    let file = folder.file("a-file", "");
    run_text(MAKE_FOLDER, &["--dir", &file], &[]).fails(1, &[&file, "Not a directory"]);
}

#[test]
fn a_program_of_2019_runs() {
    let text = r#"(module (import "wasi_unstable" "proc_exit" (func $exit (param i32)))
        (memory (export "memory") 1) (func (export "_start") (call $exit (i32.const 7))))"#;
    assert_eq!(run_text(text, &[], &[]).code(), 7);
}

#[test]
fn the_programs_exit_status_is_the_commands() {
    let exit = |code: i32| {
        format!(
            "(module (import \"wasi_snapshot_preview1\" \"proc_exit\" (func $exit (param i32))) \
             (memory (export \"memory\") 1) (func (export \"_start\") (call $exit (i32.const {code}))))"
        )
    };
    let larger = [256, 70000, -1, i32::MIN].map(|code| (code, 255));
    for (code, status) in [0, 1, 3, 134, 255].map(|code| (code, code)).into_iter().chain(larger) {
        let run = run_text(exit(code), &[], &[]);
        assert_eq!(run.code(), status, "{code}");
        assert_eq!(run.err, "");
    }
}

#[test]
fn a_trap_exits_with_134_and_is_no_signal() {
    let cases = [
        ("unreachable", "unreachable"),
        ("(drop (i32.div_s (i32.const 1) (i32.const 0)))", "integer divide by zero"),
        ("(call $inner)", "call stack exhausted"),
    ];
    for (body, message) in cases {
        let run = run_text(program(body), &[], &[]);
        run.fails(134, &[message]);
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&run.status), None);
        assert!(run.out.is_empty());
    }
}

#[test]
fn a_trap_has_a_backtrace() {
    run_text(program("unreachable"), &[], &[]).fails(134, &["wasm trap: unreachable", "inner", "outer"]);
}

#[test]
fn a_trap_while_instantiating_is_a_trap() {
    run_text("(module (func $f unreachable) (start $f) (func (export \"_start\")))", &[], &[])
        .fails(134, &["unreachable"]);
}

#[test]
fn a_time_limit_ends_a_loop_a_recursion_and_a_blocking_read() {
    let recursion = "(module (func $f (result i32) (call $f) (call $f) (i32.add)) \
                     (func (export \"_start\") (loop $again (drop (call $g (i32.const 30))) (br $again))) \
                     (func $g (param i32) (result i32) (if (result i32) (local.get 0) \
                       (then (i32.add (call $g (i32.sub (local.get 0) (i32.const 1))) \
                                      (call $g (i32.sub (local.get 0) (i32.const 1))))) \
                       (else (i32.const 1)))))";
    let tail = "(module (func $f (export \"_start\") (return_call $f)))";
    for text in [program("(loop (br 0))").as_str(), recursion, tail] {
        let run = run_text(text, &["--time-limit", "200"], &[]);
        run.fails(134, &["error: stopped: exceeded the time limit of 200 ms\n    0: "]);
        assert!((Duration::from_millis(150)..Duration::from_secs(20)).contains(&run.took), "{run:?}");
    }
    let folder = Folder::new();
    let mut child = start(&["--time-limit=200", &folder.file("read.wat", READ)]);
    // The pipe stays open, and nothing is written to it.
    let _stdin = child.stdin.take();
    finish(child).fails(134, &["error: stopped: exceeded the time limit of 200 ms\n"]);
}

#[test]
fn a_time_limit_ends_the_wait_for_a_module() {
    let folder = Folder::new();
    let path = folder.path().join("fifo.wasm");
    rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).unwrap();
    let run = run(&["--time-limit", "200", path.to_str().unwrap()]);
    run.fails(134, &["stopped: exceeded the time limit of 200 ms\n"]);
    assert!((Duration::from_millis(150)..Duration::from_secs(20)).contains(&run.took), "{run:?}");
}

#[test]
fn an_unreached_time_limit_changes_nothing() {
    run_text(program("nop"), &["--time-limit", "60000"], &[]).prints("");
    let folder = Folder::new();
    run_with(&["--time-limit=60000", &folder.file("read.wat", READ)], "line\n").prints("");
}

#[test]
fn functions_are_invoked_by_their_types() {
    let invoke = |name: &str, args: &[&str]| run_text(FUNCTIONS, &["--invoke", name], args);
    invoke("add", &["2", "-3"]).prints("-1\n");
    invoke("add", &["0xffffffff", "4294967295"]).prints("-2\n");
    invoke("swap", &["-9223372036854775808", "1.5"]).prints("1.5\n-9223372036854775808\n");
    invoke("half", &["3"]).prints("1.5\n");
    invoke("half", &["-inf"]).prints("-inf\n");
    invoke("vector", &["340282366920938463463374607431768211455"]).prints("340282366920938463463374607431768211455\n");
    invoke("refs", &[]).prints("<funcref>\n<null funcref>\n<null externref>\n");
    invoke("nothing", &[]).prints("");
    run_text(FUNCTIONS, &["--reactor"], &["add", "1", "1"]).prints("2\n");
    run_text(FUNCTIONS, &[], &["add", "1", "1"]).prints("2\n");
}

#[test]
fn wrong_invocations_are_explained() {
    let invoke = |name: &str, args: &[&str]| run_text(FUNCTIONS, &["--invoke", name], args);
    invoke("add", &["1"]).fails(1, &["takes 2 arguments, but 1 is given", "add(i32, i32) -> (i32)"]);
    invoke("add", &["1", "2", "3"]).fails(1, &["takes 2", "3 are given"]);
    invoke("add", &["1", "two"]).fails(1, &["argument 2 of `add`: `two` is not an i32; for example 42"]);
    invoke("add", &["1", "4294967296"]).fails(1, &["argument 2 of `add`: 4294967296 is out of range for i32"]);
    invoke("sub", &[]).fails(1, &["`sub`", "add"]);
    let memory = "(module (memory (export \"m\") 1) (func (export \"i\")) (func (export \"\")))";
    run_text(memory, &["--invoke", "m"], &[]).fails(1, &["the export `m` is a memory", "hint: It exports i, \"\"."]);
    invoke("takes-ref", &["x"]).fails(1, &["externref; for example null"]);
    run_text(FUNCTIONS, &[], &[]).fails(1, &["not a program", "--invoke", "add"]);
    run_text("(module)", &[], &[]).fails(1, &["not a program", "It exports no functions."]);
}

#[test]
fn a_reactor_is_initialised_once_and_first() {
    let text = "(module (global $g (mut i32) (i32.const 1)) \
                (func (export \"_initialize\") (global.set $g (i32.mul (global.get $g) (i32.const 7)))) \
                (func (export \"get\") (result i32) (global.get $g)))";
    run_text(text, &["--invoke", "get"], &[]).prints("7\n");
    let trapping = "(module (func (export \"_initialize\") unreachable) (func (export \"get\")))";
    run_text(trapping, &["--invoke", "get"], &[]).fails(134, &["unreachable"]);
}

#[test]
fn memory_grows_to_the_page_limit_and_no_further() {
    run_text(FUNCTIONS, &["--memory-page-limit", "3", "--invoke", "grow"], &["2"]).prints("1\n");
    run_text(FUNCTIONS, &["--memory-page-limit", "3", "--invoke", "grow"], &["3"]).prints("-1\n");
    run_text("(module (memory 4) (func (export \"_start\")))", &["--memory-page-limit=3"], &[]).fails(1, &[]);
}

#[test]
fn proposals_can_be_switched() {
    let vector = "(module (func (export \"_start\") (drop (i8x16.splat (i32.const 1)))))";
    run_text(vector, &[], &[]).prints("");
    run_text(vector, &["--disable-simd"], &[]).fails(1, &["SIMD"]);
    run_text(vector, &["--wasm-1"], &[]).fails(1, &["SIMD"]);
    let two = "(module (func (result i32 i32) unreachable) (func (drop (i8x16.splat (i32.const 1)))))";
    let switches = "--enable-multi-value --enable-simd enables them";
    run_text(two, &["--wasm-1"], &[]).fails(1, &["it needs multi-value and simd, which are disabled", switches]);
    run_text(vector, &["--wasm-1", "--enable-simd"], &[]).prints("");
    run_text(vector, &["--wasm-2"], &[]).prints("");
    run_text("(module (type (struct)) (func (export \"_start\")))", &[], &[]).fails(1, &["gc"]);
}

/// Returns the binary of a text with a large custom section. It has slightly more than 16 MiB.
fn large(text: &str) -> Vec<u8> {
    let mut binary = kinglet_wasm::decode::to_binary(text.as_bytes()).unwrap().into_owned();
    const SIZE: usize = (16 << 20) + 5000;
    let length = (SIZE as u32).to_le_bytes();
    // The size as LEB128, for which a number of this size needs four bytes.
    let size = u32::from_le_bytes(length);
    binary.push(0);
    binary.extend([0, 7, 14, 21].map(|shift| (size >> shift) as u8 & 0x7f | if shift < 21 { 0x80 } else { 0 }));
    binary.extend([1, b'x']);
    binary.resize(binary.len() + SIZE - 2, 0);
    binary
}

#[test]
fn the_message_names_the_proposals_that_a_module_needs() {
    let text =
        "(module (memory 1) (memory 1) (func (result i32 i32) unreachable) (func (drop (i8x16.splat (i32.const 1)))))";
    let named = "it needs multi-value, simd and multi-memory, which are disabled";
    run_text(text, &["--wasm-1"], &[]).fails(1, &[named]);
    run_text(large(text), &["--wasm-1"], &[])
        .fails(1, &[named, "--enable-multi-value --enable-simd --enable-multi-memory"]);
    let legacy = "(module (func (export \"_start\") try catch_all end))";
    let named = "hint: it needs legacy-exceptions, which this version cannot run yet";
    for text in [legacy.as_bytes(), &large(legacy)] {
        run_text(text, &[], &[]).fails(1, &["legacy_exceptions", named]);
        run_text(text, &["validate"], &[]).fails(1, &[named]);
    }
    run_text(legacy, &["--wasm-1"], &[]).fails(1, &[named]);
    let both = "(module (func try catch_all end) (func (drop (i8x16.splat (i32.const 1)))))";
    let named = "it needs simd and legacy-exceptions; this version cannot run legacy-exceptions yet";
    run_text(both, &["--disable-simd"], &[]).fails(1, &[named]);
    let tagged = "(module (tag) (func try catch 0 end))";
    run_text(tagged, &[], &[]).fails(1, &["it needs exception-handling and legacy-exceptions, which this version"]);
    let wrong = run_text("(module (func try catch_all end) (func (i32.add)))", &[], &[]);
    assert!(wrong.code() == 1 && !wrong.err.contains("hint"), "{wrong:?}");
}

#[test]
fn the_export_with_the_empty_name_is_a_program() {
    let text = ARGUMENTS.replace("(export \"_start\")", "(export \"\")");
    run_text(&text, &["--env", "A=1"], &["one", "two"]).prints("guest.wasm\none\ntwo\nA=1\n");
    let both = "(module (import \"wasi_snapshot_preview1\" \"proc_exit\" (func $exit (param i32))) (memory (export \"memory\") 1)
        (global $g (mut i32) (i32.const 5))
        (func (export \"_initialize\") (global.set $g (i32.const 7)))
        (func (export \"_start\") unreachable)
        (func (export \"\") (call $exit (global.get $g))))";
    assert_eq!(run_text(both, &[], &["x"]).code(), 7);
    let function = "(module (func (export \"\") (param i32) (result i32) (local.get 0)))";
    run_text(function, &[], &["5"]).prints("5\n");
    run_text(function, &[], &[]).fails(1, &["`\"\"` takes 1 argument, but 0 are given", "\"\"(i32) -> (i32)"]);
    run_text(function, &["--reactor"], &[]).fails(1, &["the name of a function must follow the file"]);
    run_text("(module (memory (export \"\") 1) (func (export \"_start\")))", &[], &[]).prints("");
}

#[test]
fn numbers_have_the_notation_of_the_text_format() {
    run_text(FUNCTIONS, &["--invoke", "half"], &["0x1.8p3"]).prints("6\n");
    run_text(FUNCTIONS, &["--invoke", "half"], &["-1_0.5e+1"]).prints("-52.5\n");
    run_text(FUNCTIONS, &["--invoke", "half"], &["-inf"]).prints("-inf\n");
    run_text(FUNCTIONS, &["--invoke", "add"], &["+0x1_0", "-1"]).prints("15\n");
    run_text(FUNCTIONS, &["--invoke", "vector"], &["i32x4 1 0 0 0"]).prints("1\n");
    let bits = "(module (func (export \"bits\") (param f64) (result i64) (i64.reinterpret_f64 (local.get 0))))";
    run_text(bits, &["--invoke", "bits"], &["nan:0x8_0000_0000_0001"]).prints("9221120237041090561\n");
    run_text(bits, &["--invoke", "bits"], &["-nan:0x1"]).prints("-4503599627370495\n");
    run_text(bits, &["--invoke", "bits"], &["nan:0x0"])
        .fails(1, &["argument 1 of `bits`: `nan:0x0` is not an f64", "0x1.8p3, inf, nan or nan:0x"]);
}

#[test]
fn mangled_names_of_rust_are_readable() {
    let text = "(module (func $_RNvNtCs1234_7mycrate3foo3bar (unreachable))
        (func $_ZN4core9panicking5panic17h0123456789abcdefE (call 0))
        (func (export \"_start\") (call 1)))";
    let run = run_text(text, &[], &[]);
    run.fails(
        134,
        &["    0: mycrate::foo::bar (func[0]) at ", "    1: core::panicking::panic (func[1]) at ", "2: _start "],
    );
    let invalid = "(module (func $_RNvNtCs1234_7mycrate3foo3bar (i32.add)))";
    run_text(invalid, &[], &[]).fails(1, &["in mycrate::foo::bar (func[0]) at "]);
    let inspected = run_text(text, &["inspect"], &[]);
    assert!(inspected.out.contains("mycrate::foo::bar: ") && !inspected.out.contains("_RNv"), "{inspected:?}");
    assert!(run_text(text, &["inspect", "--json"], &[]).out.contains("_RNvNtCs1234_7mycrate3foo3bar"));
}

#[test]
fn unfinished_proposals_can_be_validated_but_not_run() {
    let Some(row) = kinglet::FEATURES.iter().find(|row| !row.finished) else { return };
    let switch = format!("--enable-{}", row.name);
    for command in ["run", "instantiate"] {
        run_text(program("nop"), &[command, &switch], &[]).fails(1, &[&switch, "not in this version yet", "hint: "]);
    }
    let looked = run_text(program("nop"), &["validate", &switch], &[]);
    assert_eq!(looked.code(), 0);
    assert!(looked.err.starts_with(&format!("kinglet: warning: {switch}: not finished")), "{looked:?}");
    assert_eq!(run_text(program("nop"), &["--enable-simd"], &[]).err, "");
}

#[test]
fn bad_files_get_one_clear_message() {
    run(&["/no/such/file.wasm"]).fails(1, &["/no/such/file.wasm", "No such file or directory"]);
    run(&["/"]).fails(1, &["Is a directory"]);
    let fails = |bytes: &[u8], parts: &[&str]| {
        let run = run_text(bytes, &[], &[]);
        run.fails(1, &[&["guest.wat: malformed module: "], parts].concat());
        assert!(!run.err.contains("  0x") && run.err.lines().count() <= 6, "{run:?}");
    };
    fails(b"\0asm\x01\0\0", &["the header is cut short", "hint: the file is cut short"]);
    fails(b"\0asm\x01\0\0\0\x01\x05", &["unexpected end", "(at byte 0xa)", "hint: the file is cut short"]);
    fails(b"\x7fELF\0\0\0\xff", &["hint: this is a native program"]);
    fails(b"\x1f\x8b\x08", &["hint: this is compressed"]);
    fails(b"#!/bin/sh\n", &["hint: this is not WebAssembly: a binary module begins with \\0asm, text with `(`"]);
    fails(b"<!DOCTYPE html>", &["hint: this is a web page"]);
    fails(b"\0asm\x02\0\0\0", &["unknown binary version: 0x2", "hint: binary modules have version 1"]);
    fails(b"\0asm\x0d\0\x01\0", &["a component, not a core module", "hint: this version cannot run components"]);
    assert!(!run_text(b"\0asm\x0d\0\x01\0", &[], &[]).err.contains("feature"));
    fails(b"", &["the file is empty"]);
    fails(b"\xff\xfe", &["expected \\0asm or text in UTF-8", "hint: this is not WebAssembly: a binary"]);
}

#[test]
fn segments_that_do_not_fit_are_named() {
    let hint = "hint: the module is wrong, or a memory or table that it imports is too small";
    let data =
        "(module (memory 1) (data (i32.const 0) \"x\") (data (i32.const 70000) \"abc\") (func (export \"_start\")))";
    let message = "out of bounds memory access: data segment 1 of length 3 does not fit at 0x11170 of memory 0, whose size is 0x10000";
    run_text(data, &[], &[]).fails(134, &[message, hint]);
    run_text(data, &["instantiate"], &[]).fails(134, &[message, hint]);
    let elements = "(module (table 1 funcref) (func $f) (elem (i32.const 1) $f) (func (export \"_start\")))";
    run_text(elements, &[], &[]).fails(134, &["element segment 0 of length 1 does not fit at 1 of table 0", hint]);
}

#[test]
fn repeated_frames_are_shown_once() {
    let deep = run_text("(module (func $f (export \"_start\") (call $f)))", &[], &[]);
    deep.fails(
        134,
        &[
            "call stack exhausted",
            "    0: f (func[0]) at 0x",
            "… the same frame 63 more times",
            " frames omitted\n",
            "--stack-limit",
        ],
    );
    assert!(deep.err.lines().count() < 8, "{deep:?}");
}

#[test]
fn a_missing_import_is_named() {
    let text = "(module (import \"env\" \"gone\" (func)) (func (export \"_start\")))";
    run_text(text, &[], &[]).fails(1, &["env", "gone"]);
    let wrong = "(module (import \"wasi_snapshot_preview1\" \"proc_exit\" (func)) (func (export \"_start\")))";
    run_text(wrong, &[], &[]).fails(1, &["wasi_snapshot_preview1", "proc_exit"]);
    let component =
        "(module (import \"wasi:cli/stdout@0.2.0\" \"get-stdout\" (func (result i32))) (func (export \"_start\")))";
    run_text(component, &[], &[])
        .fails(1, &["unknown import", "hint: this version cannot run components; compile for"]);
}

#[test]
fn an_invalid_module_says_where() {
    run_text("(module (func (export \"_start\") (i32.const 1)))", &[], &[])
        .fails(1, &["end of block\n    in _start (func[0]) at 0x"]);
    let text = "(module (func $mixed (drop (i32.add (i32.const 1) (f32.const 1)))) (func (export \"_start\")))";
    run_text(text, &[], &[]).fails(1, &["type mismatch", "in mixed (func[0]) at 0x", ": i32.add"]);
}

#[test]
fn errors_in_text_show_line_column_and_a_caret() {
    let run = run_text("(module\n  (func (export \"_start\")\n    i32.cons 1))", &[], &[]);
    run.fails(1, &["guest.wat:3:5", "i32.cons 1", "^"]);
}

#[test]
fn a_line_that_is_the_whole_file_is_shown_around_the_error() {
    for before in [300, 250_000] {
        let text = format!("(module{}(nonsense){})", " ".repeat(before), " ".repeat(250_000));
        let run = run_text(&text, &[], &[]);
        run.fails(1, &[&format!("guest.wat:1:{}\n", before + 9), "…"]);
        assert!(run.err.len() < 1000, "{} bytes", run.err.len());
        let lines: Vec<Vec<char>> = run.err.lines().map(|line| line.chars().collect()).collect();
        let caret = lines[4].iter().position(|c| *c == '^').expect("a caret");
        assert_eq!(lines[3][caret..caret + 8].iter().collect::<String>(), "nonsense", "{}", run.err);
    }
}

#[test]
fn a_message_names_its_file_whatever_it_is_called() {
    let folder = Folder::new();
    for name in ["m", "a", "<anon>"] {
        folder.file(name, "(module (func \"<anon>\"))");
        let output = Command::new(kinglet()).args(["validate", name]).current_dir(folder.path()).output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(message.starts_with(&format!("kinglet: error: {name}: malformed module: ")), "{message}");
        assert!(message.contains(&format!("--> {name}:1:15\n")) && message.contains("(func \"<anon>\")"), "{message}");
    }
}

#[test]
fn a_file_larger_than_any_module_is_not_read() {
    let folder = Folder::new();
    let file = folder.file("huge.wasm", "");
    std::fs::File::options().write(true).open(&file).unwrap().set_len((1 << 30) + 1).unwrap();
    run(&[&file]).fails(1, &["huge.wasm: implementation limit exceeded: it has more than 1073741824 bytes"]);
}

#[test]
fn validate_says_which_modules_are_valid() {
    let folder = Folder::new();
    let (good, bad) = (folder.file("good.wat", "(module)"), folder.file("bad.wat", "(module (func i32.const 1))"));
    run(&["validate", &good]).prints(&format!("{good}: valid\n"));
    let run = run(&["validate", &bad, &good]);
    run.fails(1, &["bad.wat"]);
    assert!(run.out.contains("good.wat: valid"));
}

#[test]
fn wast_fails_when_a_directive_does() {
    let folder = Folder::new();
    let good = folder.file(
        "good.wast",
        "(module (func (export \"f\") (result f32) (f32.const nan)))\n\
                                         (assert_return (invoke \"f\") (f32.const nan:canonical))\n",
    );
    run(&["wast", &good]).prints(&format!("{good}: 2 passed, 0 failed, 0 out of scope\n"));
    let bad = folder.file(
        "bad.wast",
        "(module (func (export \"f\") (result i32) (i32.const 1)))\n\
                                       (assert_return (invoke \"f\") (i32.const 2))\n\
                                       (assert_trap (invoke \"f\") \"unreachable\")\n\
                                       (assert_invalid (module) \"x\")\n(assert_malformed (module quote \"(func)\") \"x\")\n\
                                       (assert_unlinkable (module) \"x\")\n(invoke \"g\")\n(register \"m\" $m)\n",
    );
    let run_bad = run(&["wast", &bad]);
    run_bad.fails(
        1,
        &[
            "bad.wast:2:",
            "expected i32 2",
            "bad.wast:3:",
            "bad.wast:4:",
            "bad.wast:5:",
            "bad.wast:6:",
            "bad.wast:7:",
            "bad.wast:8:",
        ],
    );
    let named = folder.file(
        "named.wast",
        "(module $a (global $g (mut i32) (i32.const 0)) (func (export \"next\") (result i32)\n\
         (global.set $g (i32.add (global.get $g) (i32.const 1))) (global.get $g)))\n\
         (module (import \"a\" \"next\" (func (result i32))) (export \"next\" (func 0)))\n\
         (assert_return (invoke \"next\") (i32.const 1))\n\
         (module instance $b $a)\n(assert_return (invoke $b \"next\") (i32.const 1))\n\
         (module (import \"b\" \"next\" (func (result i32))) (export \"next\" (func 0)))\n\
         (assert_return (invoke \"next\") (i32.const 2))\n\
         (module definition $c (func (export \"next\") (result i32) (i32.const 9)))\n\
         (assert_unlinkable (module (import \"c\" \"next\" (func (result i32)))) \"unknown import\")\n\
         (module instance)\n(assert_return (invoke \"next\") (i32.const 9))\n\
         (register \"b\")\n(module instance $b $a)\n\
         (module (import \"b\" \"next\" (func (result i32))) (export \"next\" (func 0)))\n\
         (assert_return (invoke \"next\") (i32.const 9))\n\
         (module $spectest)\n(module (import \"spectest\" \"print\" (func)))\n",
    );
    run(&["wast", &named]).prints(&format!("{named}: 17 passed, 0 failed, 0 out of scope\n"));
    run(&["wast", &folder.file("broken.wast", "(module\n  (nonsense))")]).fails(1, &["broken.wast:2:"]);
    run(&["wast", "/no/such.wast"]).fails(1, &["/no/such.wast"]);
}

#[test]
fn a_guest_that_stops_is_shown_with_files_and_lines_of_its_source() {
    let guest = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/backtrace/guest.wasm");
    let bill = |missing: &str, items: &str, people: &str| {
        run(&["--unknown-imports", missing, "--invoke", "bill", guest, items, people])
    };
    bill("zero", "3", "0").fails(134, &["divide by zero", "at ./guest.c:8:18 (share, inlined)", "at ./guest.c:15:12"]);
    bill("trap", "3", "1").fails(134, &["\"host\" \"price\"", "split (func[2])", "at ./guest.c:14:18"]);
    bill("trap", "0", "1").prints("1\n");
}
