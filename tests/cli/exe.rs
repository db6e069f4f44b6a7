//! `kinglet compile --format exe`: stand-alone executables.

use std::path::{Path, PathBuf};

use kinglet_tests::folder::Folder;
use kinglet_tests::program::{Run, kinglet, run, run_program};

use crate::{ARGUMENTS, FUNCTIONS, MAKE_FOLDER};

/// The beginning of the mark in every command, and the offsets of the build and the target in the mark.
const MAGIC: &[u8] = b"\x7fkinglet carries";
const BUILD: usize = 16;
const TARGET: usize = 96;

/// A directory with an executable.
struct Exe {
    folder: Folder,
    path: PathBuf,
}

impl Exe {
    #[track_caller]
    fn new(text: &str, options: &[&str]) -> Exe {
        let folder = Folder::new();
        let file = folder.file("program.wat", text);
        let path = folder.path().join("program");
        run(&[&["compile", "--format", "exe"], options, &[&file, path.to_str().unwrap()]].concat()).prints("");
        Exe { folder, path }
    }

    #[track_caller]
    fn run(&self, args: &[&str]) -> Run {
        run_program(&self.path, args, "")
    }

    /// Returns the path of a copy of the executable with changed bytes.
    fn changed(&self, change: impl FnOnce(&mut Vec<u8>)) -> PathBuf {
        let mut bytes = std::fs::read(&self.path).unwrap();
        change(&mut bytes);
        let path = self.folder.path().join("changed");
        std::fs::copy(&self.path, &path).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

fn place(bytes: &[u8]) -> usize {
    bytes.windows(MAGIC.len()).position(|window| window == MAGIC).expect("a command has a mark")
}

#[test]
fn a_program_needs_nothing_else_and_takes_all_arguments() {
    let exe = Exe::new(ARGUMENTS, &[]);
    let name = exe.path.to_str().unwrap();
    exe.run(&[]).prints(&format!("{name}\n"));
    let plain = exe.run(&["--version", "--dir", "", "-h", "run", "--", "ü"]);
    plain.prints(&format!("{name}\n--version\n--dir\n\n-h\nrun\n--\nü\n"));
    assert_eq!(plain.err, "");
    let elsewhere = Folder::new();
    let moved = elsewhere.path().join("wasmedge");
    std::fs::rename(&exe.path, &moved).unwrap();
    run_program(&moved, &["-v"], "").prints(&format!("{}\n-v\n", moved.to_str().unwrap()));
    drop(exe);
    run_program(&moved, &["x"], "").prints(&format!("{}\nx\n", moved.to_str().unwrap()));
}

#[test]
fn a_program_is_run_with_the_options_it_was_compiled_with() {
    let exe = Exe::new(ARGUMENTS, &["--env", "A=1=2", "--env=B=", "--env", "C=a b\nc"]);
    exe.run(&["x"]).prints(&format!("{}\nx\nA=1=2\nB=\nC=a b\nc\n", exe.path.to_str().unwrap()));

    let made = Folder::new();
    let host = format!("/d:{}", made.path().to_str().unwrap());
    let exe = Exe::new(MAKE_FOLDER, &["--dir", &host]);
    assert_eq!(exe.run(&[]).code(), 0);
    assert!(made.path().join("made").is_dir());
    assert_ne!(Exe::new(MAKE_FOLDER, &["--dir", &format!("{host}:readonly")]).run(&[]).code(), 0);
    let nowhere = Exe::new(MAKE_FOLDER, &[]);
    assert_eq!(nowhere.run(&[]).code(), 8, "a bad descriptor, because a program has no directories by default");

    let endless = "(module (func (export \"_start\") (loop (br 0))))";
    for (option, message) in
        [("--time-limit=50", "stopped: exceeded the time limit of 50 ms"), ("--gas-limit=1000", "gas")]
    {
        let stopped = Exe::new(endless, &[option]).run(&[]);
        stopped.fails(134, &[message]);
        assert!(!stopped.err.contains("recompiled"), "{stopped:?}");
    }
    let deep = "(module (func $f (call $f) (call $f)) (export \"_start\" (func $f)))";
    Exe::new(deep, &["--stack-limit", "100"])
        .run(&[])
        .fails(134, &["call stack exhausted", "Pass this program's options to `kinglet compile --format exe`"]);
    let counted = Exe::new("(module (func (export \"_start\")))", &["--enable-gas-measuring"]).run(&[]);
    counted.prints("");
    assert!(counted.err.contains("Gas") && !counted.err.contains("recompiled"), "{counted:?}");
}

#[test]
fn functions_can_be_called_too() {
    let exe = Exe::new(FUNCTIONS, &[]);
    exe.run(&["add", "40", "2"]).prints("42\n");
    let name = exe.path.to_str().unwrap();
    exe.run(&[]).fails(1, &[name, "is not a program", "program FUNCTION [ARGS…]", "add"]);
    Exe::new(FUNCTIONS, &["--invoke", "add"]).run(&["40", "2"]).prints("42\n");
}

#[test]
fn a_program_ends_as_one_that_is_run() {
    let exit = "(module (import \"wasi_snapshot_preview1\" \"proc_exit\" (func $exit (param i32)))
        (memory (export \"memory\") 1) (func (export \"_start\") (call $exit (i32.const 7))))";
    assert_eq!(Exe::new(exit, &[]).run(&[]).code(), 7);
    let trap = Exe::new(&crate::program("unreachable"), &[]).run(&[]);
    trap.fails(134, &["wasm trap: unreachable", "0: inner (func[0]) at 0x", "1: outer (func[1]) at 0x"]);
    let missing = Exe::new("(module (import \"a\" \"b\" (func)) (func (export \"_start\")))", &[]);
    missing.run(&[]).fails(
        1,
        &[
            "unknown import \"a\" \"b\"",
            "hint: run without it: --unknown-imports trap",
            "Pass this program's options to `kinglet compile --format exe`",
        ],
    );
    let option = &["--unknown-imports", "trap"];
    Exe::new("(module (import \"a\" \"b\" (func)) (func (export \"_start\")))", option).run(&[]).prints("");
}

#[test]
fn damage_is_refused() {
    let exe = Exe::new(ARGUMENTS, &["--env", "A=1"]);
    let run = |path: PathBuf| run_program(&path, &["x"], "");
    run(exe.changed(|_| ())).code();
    let length = std::fs::metadata(&exe.path).unwrap().len() as usize;
    // A truncation of the command's own part is detected by the system, not by Kinglet.
    for shorter in [1, 1000, 9000] {
        let cut = run(exe.changed(|bytes| bytes.truncate(length - shorter)));
        cut.fails(1, &["the program is damaged: its file has the wrong length", "download or build it again"]);
    }
    run(exe.changed(|bytes| bytes.push(0))).fails(1, &["the program is damaged"]);
    let options = run(exe.changed(|bytes| bytes[length - 1] = b'2'));
    options.fails(1, &["the program is damaged: its options have the wrong checksum"]);
    let module = run(exe.changed(|bytes| bytes[length - 1000] ^= 1));
    module.fails(1, &["changed: the artifact is damaged", "compile the module again"]);
}

#[test]
fn a_program_is_made_of_a_command_of_its_target_and_build() {
    let folder = Folder::new();
    let file = folder.file("program.wat", ARGUMENTS);
    let out = folder.path().join("out").to_str().unwrap().to_string();
    let compile = |options: &[&str]| run(&[&["compile", "--format=exe"], options, &[&file, &out]].concat());
    let command = std::fs::read(kinglet()).unwrap();
    let mark = place(&command);
    let changed = |name: &str, at: usize, text: &[u8]| {
        let mut bytes = command.clone();
        bytes[mark + at..][..text.len()].copy_from_slice(text);
        folder.file(name, bytes)
    };
    let other = "s390x-unknown-linux-gnu";
    compile(&["--target", other])
        .fails(1, &["an executable for s390x-unknown-linux-gnu needs a `kinglet`", "--runtime FILE"]);
    let newer = changed("newer", BUILD, b"0123");
    compile(&["--runtime", &newer]).fails(1, &["newer", "it is another build of Kinglet"]);
    let own = kinglet();
    let own = own.to_str().unwrap();
    compile(&["--target", other, "--runtime", own]).fails(1, &["is a `kinglet` for", &format!("not for {other}")]);
    let theirs = changed("theirs", TARGET, format!("{other}\0").as_bytes());
    let with = |target| ["--runtime", &theirs, "--target", target];
    for options in [&["--runtime", &theirs][..], &with(other), &with("s390x")] {
        compile(options).prints("");
        // It is a program of this machine, with code for another.
        let again = run_program(Path::new(&out), &["x"], "");
        again.prints(&format!("{out}\nx\n"));
        let message = format!("does not fit, and the module is recompiled: it was compiled for {other}");
        assert!(again.err.contains(&message), "{again:?}");
        std::fs::remove_file(&out).unwrap();
    }
    compile(&["--runtime", own]).prints("");
    compile(&["--runtime", &out]).fails(1, &["out", "it already contains a module"]);
    compile(&["--runtime", &file]).fails(1, &["program.wat", "it is not a Linux executable"]);
    let foreign = folder.file("foreign", b"\x7fELF and more");
    compile(&["--runtime", &foreign]).fails(1, &["it is not a `kinglet` with native code"]);
    compile(&["--runtime", "none"]).fails(1, &["cannot read none"]);
}

#[test]
fn options_that_mean_nothing_are_refused() {
    let folder = Folder::new();
    let file = folder.file("program.wat", ARGUMENTS);
    let out = folder.path().join("out").to_str().unwrap().to_string();
    let compile = |options: &[&str]| run(&[&["compile"], options, &[&file, &out]].concat());
    compile(&["--dir", "."]).fails(1, &["`--dir` needs `--format exe`"]);
    compile(&["--format=native", "--gas-limit", "1"]).fails(1, &["`--gas-limit` needs `--format exe`"]);
    compile(&["--runtime", &out]).fails(1, &["`--runtime` needs `--format exe`"]);
    compile(&["--format=exe", "--interruptible"]).fails(1, &["--interruptible", "--time-limit instead"]);
    compile(&["--format=exe", "--module", "a:b"]).fails(1, &["`--module` is an option of run, instantiate"]);
    compile(&["--format=elf"]).fails(1, &["`elf` is not one of native, wasm, exe"]);
    assert!(!Path::new(&out).exists());
}

#[test]
fn a_program_has_a_name_of_its_own_and_variables_of_where_it_is_started() {
    let exe = Exe::new(ARGUMENTS, &["--argv0", "tool", "--env", "KINGLET_TEST_EXE", "--limit", "total-memory=1MiB"]);
    let run = |value: Option<&str>| {
        let mut command = std::process::Command::new(&exe.path);
        command.arg("x").env_remove("KINGLET_TEST_EXE").envs(value.map(|value| ("KINGLET_TEST_EXE", value)));
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    assert_eq!(run(Some("1")), "tool\nx\nKINGLET_TEST_EXE=1\n");
    assert_eq!(run(None), "tool\nx\n");
}
