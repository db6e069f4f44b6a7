//! The command under WasmEdge's name, through a link: messages, streams and statuses are those that WasmEdge's scripts
//! expect.

use std::os::unix::fs::symlink;
use std::process::{Command, Output};

use kinglet_tests::folder::Folder;
use kinglet_tests::program::{in_mode, kinglet};

use crate::{ARGUMENTS, FUNCTIONS, MAKE_FOLDER, program};

/// Runs the command through a link of this name.
fn as_name(name: &str, folder: &Folder, args: &[&str]) -> Output {
    let link = folder.path().join(name);
    if !link.exists() {
        symlink(kinglet().canonicalize().unwrap(), &link).unwrap();
    }
    let args = if name == "wasmedgec" { args.to_vec() } else { in_mode(args) };
    Command::new(&link).args(args).current_dir(folder.path()).output().unwrap()
}

/// Status, standard output and standard error of `wasmedge ARGS`.
fn wasmedge(folder: &Folder, args: &[&str]) -> (i32, String, String) {
    let output = as_name("wasmedge", folder, args);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().expect("no signal"), text(output.stdout), text(output.stderr))
}

#[test]
fn the_version_is_that_of_the_name() {
    let folder = Folder::new();
    let (code, out, _) = wasmedge(&folder, &["--version"]);
    let link = folder.path().join("wasmedge");
    assert_eq!(
        (code, out.lines().next().unwrap()),
        (0, format!("{} version 0.17.1 (kinglet {})", link.display(), env!("CARGO_PKG_VERSION")).as_str())
    );
    assert!(
        String::from_utf8(as_name("wasmedgec", &folder, &["--version"]).stdout).unwrap().contains("wasmedgec version ")
    );
}

#[test]
fn usage_errors_are_printed_on_standard_output() {
    let folder = Folder::new();
    let cases: [(&[&str], &str); 3] = [
        (&["--dri", "x.wasm"], "unknown option: dri\n"),
        (&["--reactor=1", "x.wasm"], "option reactor doesn't need arguments.\n"),
        (&["instantiate", "a.wasm", "b.wasm"], "positional argument exceeds maximum consuming.\n"),
    ];
    for (args, expected) in cases {
        assert_eq!(wasmedge(&folder, args), (1, expected.to_string(), String::new()));
    }
    let (code, out, err) = wasmedge(&folder, &[]);
    assert!(code == 1 && out.contains("Usage: wasmedge [OPTIONS] FILE") && err.is_empty(), "{out}");
    let (code, out, err) = wasmedge(&folder, &["compile"]);
    assert!(code == 1 && out.contains("Usage: wasmedge compile ") && err.is_empty(), "{out}");
}

#[test]
fn options_of_missing_features_are_ignored_with_a_warning() {
    let folder = Folder::new();
    let file = folder.file("nop.wat", program("nop"));
    for option in ["--enable-threads", "--enable-component", "--enable-coredump", "--allow-af-unix"] {
        let (code, out, err) = wasmedge(&folder, &[option, &file]);
        let warned = out.lines().count() == 1 && out.contains(&format!("] [warning] {option} is ignored: "));
        assert!(code == 0 && warned && err.is_empty(), "{out}");
    }
    assert_eq!(wasmedge(&folder, &["--forbidden-plugin", "wasi_nn", &file]), (0, String::new(), String::new()));
    let (code, out, _) = wasmedge(&folder, &["--nn-rpc-uri", "x", &file]);
    assert!(code == 1 && out.contains("[error] `--nn-rpc-uri` is refused"), "{out}");
}

#[test]
fn numbers_are_parsed_as_wasmedge_parses_them() {
    let folder = Folder::new();
    let file = folder.file("functions.wat", FUNCTIONS);
    let add = |a: &str, b: &str| wasmedge(&folder, &["--reactor", &file, "add", a, b]);
    assert_eq!(add("+7", " 7"), (0, "14\n".into(), String::new()));
    assert_eq!(wasmedge(&folder, &["--gas-limit", " +1000", "--reactor", &file, "add", "1", "2"]).1, "3\n");
    assert_eq!(
        wasmedge(&folder, &["--gas-limit", "1", "--gas-limit", "1000", "--reactor", &file, "add", "1", "2"]).1,
        "3\n"
    );
}

#[test]
fn compiling_logs_its_stages() {
    let folder = Folder::new();
    let file = folder.file("nop.wat", program("nop"));
    let (code, out, err) = wasmedge(&folder, &["compile", &file, "out.so"]);
    let stages: Vec<&str> =
        out.lines().filter_map(|line| line.split_once("] [info] ")).map(|(_, stage)| stage).collect();
    let expected = ["compile start", "verify start", "optimize start", "codegen start", "output start", "compile done"];
    assert_eq!((code, &stages[..], err.as_str()), (0, &expected[..], ""), "{out}");
}

#[test]
fn help_is_about_the_command_under_its_name() {
    let folder = Folder::new();
    for args in [&["-h"][..], &["--help"], &["run", "-h"], &["run", "--help"], &["validate", "--help"]] {
        let (code, out, _) = wasmedge(&folder, args);
        assert!(code == 0 && out.contains("Usage: wasmedge ") && !out.contains("kinglet"), "{out}");
    }
    assert!(!wasmedge(&folder, &["-h"]).1.contains("\n  inspect "));
    let compiler = String::from_utf8(as_name("wasmedgec", &folder, &["-h"]).stdout).unwrap();
    assert!(compiler.contains("Usage: wasmedgec [OPTIONS] FILE OUTPUT"), "{compiler}");
}

#[test]
fn rejected_modules_have_wasmedges_words() {
    let folder = Folder::new();
    let cases: [(&str, &[u8], &str); 4] = [
        ("cut.wasm", b"\0asm\x01\0\0\0\x01\x05", "loading failed: unexpected end, Code: 0x102"),
        ("text.wasm", b"#!/bin/sh\n", "loading failed: magic header not detected, Code: 0x103"),
        ("new.wasm", b"\0asm\x02\0\0\0", "loading failed: unknown binary version, Code: 0x104"),
        ("bad.wat", b"(module (func (result i32)))", "validation failed: type mismatch, Code: 0x202"),
    ];
    for (name, bytes, first) in cases {
        folder.file(name, bytes);
        let (code, out, _) = wasmedge(&folder, &[name]);
        assert!(code == 1 && out.lines().next().unwrap().ends_with(&format!("] [error] {first}")), "{out}");
    }
    let (code, out, _) = wasmedge(&folder, &["gone.wasm"]);
    assert!(code == 1 && out.contains("[error] loading failed: invalid path, Code: 0x100"), "{out}");
}

#[test]
fn statuses_are_wasmedges() {
    let folder = Folder::new();
    let exit = |code: i32| {
        let text = format!(
            "(module (import \"wasi_snapshot_preview1\" \"proc_exit\" (func $exit (param i32))) \
             (memory (export \"memory\") 1) (func (export \"_start\") (call $exit (i32.const {code}))))"
        );
        folder.file("exit.wat", text);
        wasmedge(&folder, &["exit.wat"]).0
    };
    assert_eq!([0, 3, 255, 256, 300, -1].map(exit), [0, 3, 255, 0, 44, 255]);
    // Failures of instantiation have status 1, even traps; traps of a running program have 134.
    let start = folder.file("start.wat", "(module (func $f unreachable) (start $f) (func (export \"_start\")))");
    let data = folder.file("data.wat", "(module (memory 0) (data (i32.const 0) \"x\") (func (export \"_start\")))");
    for (args, words) in [
        (&[start.as_str()][..], "execution failed: unreachable, Code: 0x40a"),
        (&["instantiate", &start], "execution failed: unreachable, Code: 0x40a"),
        (&[&data], "out of bounds memory access, Code: 0x408"),
        (&["instantiate", &data], "data segment 0"),
    ] {
        let (code, out, _) = wasmedge(&folder, args);
        assert!(code == 1 && out.contains(words), "{code} {out}");
    }
}

#[test]
fn hints_are_about_the_command_under_its_name() {
    let folder = Folder::new();
    let trap = folder.file("trap.wat", program("(drop (i32.div_s (i32.const 1) (i32.const 0)))"));
    assert!(wasmedge(&folder, &[&trap]).1.contains("hint: kinglet wat --offsets FILE"), "only we have that");
    let reactor = folder.file("functions.wat", FUNCTIONS);
    let required = "A function name is required when reactor mode is enabled.\n";
    assert_eq!(wasmedge(&folder, &[&reactor]), (1, String::new(), required.into()));
    let compiled = String::from_utf8(as_name("wasmedgec", &folder, &[&trap, "out.so"]).stdout).unwrap();
    assert!(!compiled.contains("hint: kinglet "), "{compiled}");
}

#[test]
fn traps_are_logged_on_standard_output() {
    let folder = Folder::new();
    let file = folder.file("trap.wat", program("unreachable"));
    let (code, out, err) = wasmedge(&folder, &[&file]);
    assert_eq!((code, err.as_str()), (134, ""));
    let lines: Vec<&str> = out.lines().collect();
    // [2026-01-31 12:34:56.789] [error] …
    assert!(lines[0].starts_with("[20") && lines[0].as_bytes()[24] == b']', "{out}");
    assert!(lines[0].ends_with("] [error] execution failed: unreachable, Code: 0x40a"), "{out}");
    assert!(lines.iter().all(|line| line.contains("] [error] ")) && out.contains("inner (func[0])"), "{out}");
    let (code, out, _) = wasmedge(&folder, &["--log-level", "off", &file]);
    assert_eq!((code, out.as_str()), (134, ""));
    let needy = folder.file("needy.wat", "(module (import \"a\" \"b\" (func)) (func (export \"_start\")))");
    let (code, out, _) = wasmedge(&folder, &[&needy]);
    assert!(code == 1 && out.contains("[error] instantiation failed: unknown import, Code: 0x302"), "{out}");
}

#[test]
fn limits_end_with_wasmedges_words() {
    let folder = Folder::new();
    let file = folder.file("loop.wat", program("(loop (br 0))"));
    let (code, out, _) = wasmedge(&folder, &["--gas-limit", "100", &file]);
    assert!(code == 134 && out.contains("cost limit exceeded, Code: 0x3"), "{out}");
    let (code, out, _) = wasmedge(&folder, &["--time-limit", "100", &file]);
    assert!(code == 134 && out.contains("execution interrupted, Code: 0x7"), "{out}");
}

#[test]
fn functions_are_called_as_wasmedge_calls_them() {
    let folder = Folder::new();
    let file = folder.file("functions.wat", FUNCTIONS);
    let call = |args: &[&str]| wasmedge(&folder, &[&["--reactor", file.as_str()], args].concat());
    assert_eq!(call(&["add", "2", "-3"]), (0, "-1\n".into(), String::new()));
    assert_eq!(call(&["refs"]).1, "<funcref>\n<null funcref>\n<null externref>\n");
    let (code, out, _) = call(&["add", "1", "2", "3"]);
    assert!(code == 134 && out.contains("function signature mismatch"), "{out}");
    assert_eq!(call(&["add", "1", "2", "three"]).0, 1);
    assert_eq!(call(&["add", "1"]).0, 1);
    assert_eq!(call(&["sub"]).0, 1);
    let (code, out, err) = call(&[]);
    assert_eq!(
        (code, out.as_str(), err.as_str()),
        (1, "", "A function name is required when reactor mode is enabled.\n")
    );
}

#[test]
fn programs_run_as_they_do_under_our_name() {
    let folder = Folder::new();
    let file = folder.file("arguments.wat", ARGUMENTS);
    let (code, out, err) = wasmedge(&folder, &["run", "--env", "A=1", "--env", "B", &file, "--x", "run"]);
    assert_eq!((code, out.as_str(), err.as_str()), (0, "arguments.wasm\n--x\nrun\nA=1\nB=\n", ""));
}

#[test]
fn missing_directories_are_only_logged() {
    let folder = Folder::new();
    let file = folder.file("make.wat", MAKE_FOLDER);
    let (code, out, _) = wasmedge(&folder, &["--dir", "x:/no/such/folder", &file]);
    assert!(code != 1 && out.contains("[error] Bind guest directory failed"), "{code} {out}");
    std::fs::create_dir(folder.path().join("host")).unwrap();
    assert_eq!(wasmedge(&folder, &["--dir", ".:host:rw", &file]).0, 0);
    assert!(folder.path().join("host/made").is_dir());
    assert_ne!(wasmedge(&folder, &["--dir", ".:host:readonly", &file]).0, 0);
}

#[test]
fn stages_succeed_in_wasmedges_words() {
    let folder = Folder::new();
    let file = folder.file("nop.wat", program("nop"));
    for (command, word) in [("validate", "Validation"), ("instantiate", "Instantiation")] {
        let (code, out, _) = wasmedge(&folder, &[command, &file]);
        assert!(code == 0 && out.ends_with(&format!("] [info] {word} succeeded.\n")), "{out}");
    }
    assert!(wasmedge(&folder, &["parse", &file]).1.contains("file format wasm 0x1"));
}

#[test]
fn words_that_are_not_wasmedges_commands_are_files() {
    let folder = Folder::new();
    folder.file("inspect", program("nop"));
    assert_eq!(wasmedge(&folder, &["inspect"]).0, 0);
    let (code, out, _) = wasmedge(&folder, &["wat", "x"]);
    assert!(code == 1 && out.contains("wat: No such file"), "{out}");
}

#[test]
fn unknown_modes_cause_a_warning_and_compiled_files_need_the_mode_aot() {
    let folder = Folder::new();
    let file = folder.file("nop.wat", program("nop"));
    let (code, out, _) = wasmedge(&folder, &["--run-mode", "fast", &file]);
    assert!(code == 0 && out.contains("[warning] unknown run mode `fast`"), "{out}");
    let (code, out, _) = wasmedge(&folder, &["--run-mode", "AOT", &file]);
    assert!(code == 0 && out.contains("[warning]") && out.contains("contains no native code"), "{out}");
    for mode in ["--enable-jit", "--force-interpreter", "--run-mode=jit", "--run-mode=Interpreter"] {
        let (code, out, _) = wasmedge(&folder, &[mode, &file]);
        assert!(code == 0 && out.is_empty(), "{mode}: {out}");
    }
    let compiled = as_name("wasmedgec", &folder, &[&file, "out.so"]);
    assert_eq!(compiled.status.code(), Some(0), "{compiled:?}");
    assert_eq!(wasmedge(&folder, &["--run-mode=auto", "out.so"]), (0, String::new(), String::new()));
    let (code, out, err) = wasmedge(&folder, &["--run-mode=auto", "--log-level", "debug", "out.so"]);
    let advice = "out.so: contains native code, ignored by default; pass --allow-precompiled if you trust its author";
    assert!(code == 0 && err.contains(&format!("] [debug] {advice}")) && !out.contains("precompiled"), "{out}{err}");
    let (code, out, _) = wasmedge(&folder, &["--run-mode", "aot", "out.so"]);
    assert!(code == 0 && out.is_empty(), "{out}");
}

#[test]
fn statistics_are_logged() {
    let folder = Folder::new();
    let file = folder.file("nop.wat", program("nop"));
    let (code, out, err) = wasmedge(&folder, &["--enable-all-statistics", &file]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.lines().all(|line| line.contains("] [info] ")) && out.contains("Gas costs: "), "{out}");
}
