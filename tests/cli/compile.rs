//! `kinglet compile`, and running what it makes.

use std::io::Write;

use kinglet_tests::folder::Folder;
use kinglet_tests::program::{Run, finish, run, start};

use crate::FUNCTIONS;

/// A file of this name in a folder.
fn path(folder: &Folder, name: &str) -> String {
    folder.path().join(name).to_str().unwrap().to_string()
}

/// Runs with these bytes coming through a pipe.
fn piped(args: &[&str], bytes: &[u8]) -> Run {
    let mut child = start(args);
    let mut stdin = child.stdin.take().unwrap();
    // The program may end without reading it all.
    let _ = stdin.write_all(bytes);
    drop(stdin);
    finish(child)
}

#[test]
fn the_form_follows_the_name_or_what_is_said() {
    let folder = Folder::new();
    let file = folder.file("f.wat", FUNCTIONS);
    let native = |path: &str| std::fs::read(path).unwrap().starts_with(b"kinglet\0");
    for (name, option, is_native) in [
        ("a.so", None, true),
        ("a.dylib", None, true),
        ("a.dll", None, true),
        ("a.wasm", None, false),
        ("a", None, false),
        ("b.so", Some("--format=wasm"), false),
        ("b.wasm", Some("--format=native"), true),
    ] {
        let output = path(&folder, name);
        let args: Vec<&str> = ["compile", &file, &output].into_iter().chain(option).collect();
        run(&args).prints("");
        assert_eq!(native(&output), is_native, "{name}");
        run(&["--allow-precompiled", "--invoke", "add", &output, "40", "2"]).prints("42\n");
        run(&["--run-mode", "aot", "--invoke", "vector", &output, "1"]).prints("1\n");
    }
    let output = path(&folder, "c.so");
    run(&["compile", "-o", &output, "--optimize", "z", &file]).prints("");
    assert!(native(&output));
}

#[test]
fn native_code_is_used_only_where_it_is_asked_for() {
    let folder = Folder::new();
    let file = folder.file("f.wat", FUNCTIONS);
    for name in ["a.so", "a.wasm"] {
        let output = path(&folder, name);
        run(&["compile", &file, &output]).prints("");
        let plain = run(&["--invoke", "add", &output, "40", "2"]);
        plain.prints("42\n");
        assert_eq!(plain.err.lines().count(), 1, "{plain:?}");
        assert!(
            plain
                .err
                .contains("contains native code, ignored by default; pass --allow-precompiled if you trust its author"),
            "{plain:?}"
        );
        let used = run(&["--allow-precompiled", "--log-level", "debug", "--invoke", "add", &output, "40", "2"]);
        used.prints("42\n");
        assert!(used.err.contains("native code published") && !used.err.contains("ignored"), "{used:?}");
        run(&["inspect", &output]).code();
        run(&["validate", &output]).code();
    }
    let warned = run(&["--run-mode", "aot", "--invoke", "add", &file, "1", "2"]);
    warned.prints("3\n");
    assert!(warned.err.contains("warning") && warned.err.contains("contains no native code"), "{warned:?}");
}

#[test]
fn code_that_does_not_fit_is_made_again_and_damage_is_refused() {
    let folder = Folder::new();
    let file = folder.file("f.wat", FUNCTIONS);
    let output = path(&folder, "a.so");
    run(&["compile", &file, &output]).prints("");
    let limited = run(&["--allow-precompiled", "--time-limit", "60000", "--invoke", "add", &output, "1", "2"]);
    limited.prints("3\n");
    assert!(
        limited.err.contains("recompiled: it was compiled with interrupts = off, but this engine has interrupts = on"),
        "{limited:?}"
    );
    assert!(
        limited.err.contains("hint: kinglet compile --interruptible emits code that can be stopped"),
        "{limited:?}"
    );
    let metered = ["--allow-precompiled", "--gas-limit", "1000", "--invoke", "add", &output, "1", "2"];
    let uncounted = run(&metered);
    assert!(uncounted.err.contains("hint: kinglet compile --enable-gas-measuring emits code that"), "{uncounted:?}");
    run(&["compile", "--enable-gas-measuring", &file, &output]).prints("");
    let counted = run(&metered);
    counted.prints("3\n");
    assert_eq!(counted.err, "");
    run(&["compile", "--interruptible", &file, &output]).prints("");
    let limited = run(&["--allow-precompiled", "--time-limit", "60000", "--invoke", "add", &output, "1", "2"]);
    limited.prints("3\n");
    assert_eq!(limited.err, "");
    let mut bytes = std::fs::read(&output).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let damaged = folder.file("damaged.so", bytes);
    run(&["--allow-precompiled", "--invoke", "add", &damaged, "1", "2"])
        .fails(1, &["damaged.so", "the artifact is damaged", "compile the module again"]);
}

#[test]
fn other_targets_and_processors_can_be_compiled_for() {
    let folder = Folder::new();
    let file = folder.file("f.wat", FUNCTIONS);
    let listed = run(&["targets"]);
    for target in ["x86_64", "aarch64", "riscv64gc", "s390x"] {
        let triple = format!("{target}-unknown-linux-gnu");
        assert!(listed.out.contains(&triple), "{}", listed.out);
        let output = path(&folder, &format!("{target}.so"));
        run(&["compile", "--target", &triple, &file, &output]).prints("");
        let run = run(&["--allow-precompiled", "--invoke", "add", &output, "1", "2"]);
        run.prints("3\n");
        let here = std::env::consts::ARCH == target;
        assert!(here || run.err.contains(&format!("it was compiled for {triple}")), "{run:?}");
    }
    let generic = path(&folder, "generic.so");
    run(&["compile", "--generic-binary", &file, &generic]).prints("");
    run(&["--allow-precompiled", "--invoke", "add", &generic, "1", "2"]).prints("3\n");
    let blames = |args: &[&str], option: &str, message: &str| {
        let run = run(&[args, &[&file, "-o", &generic]].concat());
        run.fails(1, &[&format!("error: bad value for `{option}`: {message}"), "`kinglet targets`"]);
        assert!(!run.err.contains("f.wat"), "{run:?}");
    };
    for command in ["compile", "explore"] {
        blames(&[command, "--target", "pdp11"], "--target", "`pdp11` is not a target triple");
        blames(&[command, "--cpu-features", "+teleport"], "--cpu-features", "`teleport` is not a feature of");
    }
    run(&["compile", "--cpu-features", "avx2", &file, &generic]).fails(1, &["+avx2,-avx512f"]);
}

#[test]
fn mistakes_are_told_with_what_to_try() {
    let folder = Folder::new();
    let file = folder.file("f.wat", FUNCTIONS);
    run(&["compile", &file]).fails(1, &["no output file given", "f.so"]);
    run(&["compile", "-o", "x", &file, "y"]).fails(1, &["two output files are given"]);
    run(&["compile", &file, &path(&folder, "no/such.so")]).fails(1, &["cannot write", "no/such.so"]);
    run(&["compile", &path(&folder, "none.wasm"), "x.so"]).fails(1, &["cannot read", "none.wasm"]);
    let invalid = folder.file("invalid.wat", "(module (func (result i32)))");
    run(&["compile", &invalid, &path(&folder, "x.so")]).fails(1, &["invalid.wat", "type mismatch"]);
    assert!(!folder.path().join("x.so").exists());
}

#[test]
fn native_code_comes_through_pipes_too() {
    let folder = Folder::new();
    let file = folder.file("f.wat", FUNCTIONS);
    for name in ["a.so", "a.wasm"] {
        let output = path(&folder, name);
        run(&["compile", &file, &output]).prints("");
        let bytes = std::fs::read(&output).unwrap();
        for input in ["-", "/dev/stdin"] {
            for option in ["--run-mode=aot", "--allow-precompiled"] {
                let used = piped(&[option, "--log-level=debug", "--invoke", "add", input, "40", "2"], &bytes);
                used.prints("42\n");
                assert!(used.err.contains("native code published") && !used.err.contains("ignored"), "{used:?}");
                assert!(!used.err.contains("contains no native code"), "{used:?}");
            }
            let plain = piped(&["--invoke", "add", input, "40", "2"], &bytes);
            plain.prints("42\n");
            assert!(
                plain.err.contains(
                    "contains native code, ignored by default; pass --allow-precompiled if you trust its author"
                ),
                "{plain:?}"
            );
        }
    }
}

#[test]
fn that_code_does_not_fit_is_said_once() {
    let folder = Folder::new();
    let file = folder.file("f.wat", FUNCTIONS);
    let output = path(&folder, "a.so");
    run(&["compile", "--interruptible", &file, &output]).prints("");
    for level in ["warning", "info", "debug"] {
        let run = run(&["--log-level", level, "--allow-precompiled", "--invoke", "add", &output, "1", "2"]);
        run.prints("3\n");
        assert_eq!(run.err.matches("does not fit, and the module is recompiled").count(), 1, "{run:?}");
    }
}

#[test]
fn an_image_that_is_cut_short_is_called_that() {
    let folder = Folder::new();
    let file = folder.file("f.wat", FUNCTIONS);
    let output = path(&folder, "a.so");
    run(&["compile", &file, &output]).prints("");
    let bytes = std::fs::read(&output).unwrap();
    for length in [20, bytes.len() / 2, bytes.len() - 1] {
        let cut = folder.file("cut.so", &bytes[..length]);
        let message = "cut.so: the artifact is damaged: it is truncated; compile the module again";
        for command in ["run", "validate", "inspect", "wat", "instantiate"] {
            let run = run(&[command, &cut]);
            run.fails(1, &[message]);
            assert!(!run.err.contains("ignored"), "{run:?}");
        }
        run(&["run", "--allow-precompiled", &cut]).fails(1, &[message]);
        let run = piped(&["run", "-"], &bytes[..length]);
        run.fails(1, &["standard input: the artifact is damaged: it is truncated"]);
    }
}

#[test]
fn code_that_would_not_be_used_anyhow_is_not_offered() {
    let folder = Folder::new();
    let file = folder.file("f.wat", FUNCTIONS);
    for name in ["a.so", "a.wasm"] {
        let output = path(&folder, name);
        run(&["compile", &file, &output]).prints("");
        let valid = run(&["validate", &output]);
        valid.prints(&format!("{output}: valid\n"));
        assert_eq!(valid.err, "");
        let interpreted = run(&["--run-mode", "interpreter", "--invoke", "add", &output, "1", "2"]);
        interpreted.prints("3\n");
        assert_eq!(interpreted.err, "");
    }
}

#[test]
fn limits_of_what_is_compiled_are_given_when_it_is_run() {
    let folder = Folder::new();
    let file = folder.file("f.wat", FUNCTIONS);
    let refused = |option: &str, hint: &str| {
        let run = run(&["compile", option, "5", &file, &path(&folder, "a.so")]);
        run.fails(1, &[option, "needs `--format exe`; for other formats, pass it when you run the file", hint]);
    };
    refused("--gas-limit", "hint: kinglet compile --enable-gas-measuring emits code that counts gas");
    refused("--time-limit", "hint: kinglet compile --interruptible emits code that can be stopped");
}

#[test]
fn a_level_may_stand_right_behind_its_letter() {
    let folder = Folder::new();
    let file = folder.file("f.wat", FUNCTIONS);
    for level in ["-O0", "-O3", "-Os"] {
        let output = path(&folder, "a.so");
        run(&["compile", level, &file, &output]).prints("");
        run(&["--run-mode", "aot", "--invoke", "add", &output, "1", "2"]).prints("3\n");
    }
}
