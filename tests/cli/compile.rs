//! `kinglet compile`, and running what it makes.

use kinglet_tests::folder::Folder;
use kinglet_tests::program::run;

use crate::FUNCTIONS;

/// A file of this name in a folder.
fn path(folder: &Folder, name: &str) -> String {
    folder.path().join(name).to_str().unwrap().to_string()
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
        assert!(plain.err.contains("native code in it is not used; --allow-precompiled uses it"), "{plain:?}");
        let used = run(&["--allow-precompiled", "--log-level", "debug", "--invoke", "add", &output, "40", "2"]);
        used.prints("42\n");
        assert!(used.err.contains("native code is there") && !used.err.contains("not used"), "{used:?}");
        run(&["inspect", &output]).code();
        run(&["validate", &output]).code();
    }
    let warned = run(&["--run-mode", "aot", "--invoke", "add", &file, "1", "2"]);
    warned.prints("3\n");
    assert!(warned.err.contains("warning") && warned.err.contains("it has no native code"), "{warned:?}");
}

#[test]
fn code_that_does_not_fit_is_made_again_and_damage_is_refused() {
    let folder = Folder::new();
    let file = folder.file("f.wat", FUNCTIONS);
    let output = path(&folder, "a.so");
    run(&["compile", &file, &output]).prints("");
    let limited = run(&["--allow-precompiled", "--time-limit", "60000", "--invoke", "add", &output, "1", "2"]);
    limited.prints("3\n");
    assert!(limited.err.contains("made again: it was made with interrupts off, and here it is on"), "{limited:?}");
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
        assert!(here || run.err.contains(&format!("it was made for {triple}")), "{run:?}");
    }
    let generic = path(&folder, "generic.so");
    run(&["compile", "--generic-binary", &file, &generic]).prints("");
    run(&["--allow-precompiled", "--invoke", "add", &generic, "1", "2"]).prints("3\n");
    run(&["compile", "--target", "pdp11", &file, &generic]).fails(1, &["`pdp11` is no target triple"]);
    run(&["compile", "--cpu-features", "+teleport", &file, &generic]).fails(1, &["`teleport` is no feature of"]);
    run(&["compile", "--cpu-features", "avx2", &file, &generic]).fails(1, &["+avx2,-avx512f"]);
}

#[test]
fn mistakes_are_told_with_what_to_try() {
    let folder = Folder::new();
    let file = folder.file("f.wat", FUNCTIONS);
    run(&["compile", &file]).fails(1, &["no file to write is given", "f.so"]);
    run(&["compile", "-o", "x", &file, "y"]).fails(1, &["two files to write"]);
    run(&["compile", &file, &path(&folder, "no/such.so")]).fails(1, &["cannot write", "no/such.so"]);
    run(&["compile", &path(&folder, "none.wasm"), "x.so"]).fails(1, &["cannot read", "none.wasm"]);
    let invalid = folder.file("invalid.wat", "(module (func (result i32)))");
    run(&["compile", &invalid, &path(&folder, "x.so")]).fails(1, &["invalid.wat", "type mismatch"]);
    assert!(!folder.path().join("x.so").exists());
}
