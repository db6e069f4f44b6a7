//! Real programs in Kinglet: the committed guests with the output expected of them, and CPython running scripts.
//! `KINGLET_GUESTS` names another folder to take the guests' modules from, `KINGLET_PROGRAMS` the one with CPython.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use kinglet_tests::folder::Folder;
use kinglet_tests::harness::{self, Case};
use kinglet_tests::program::{Run, run_with};

fn main() -> ExitCode {
    let mut cases: Vec<Case> = fixtures().into_iter().map(fixture).collect();
    cases.push(Case::new("fixtures::exit", exit));
    cases.push(Case::new("fixtures::tour", tour));
    let python_tests: &[(&str, fn())] = &[
        ("imports_the_standard_library", imports_the_standard_library),
        ("reads_and_writes_a_file", reads_and_writes_a_file),
        ("reads_standard_input", reads_standard_input),
        ("exits_with_its_code", exits_with_its_code),
        ("shows_a_traceback", shows_a_traceback),
    ];
    let lacks = || (!python().exists()).then(|| "python.wasm: cargo xtask programs".to_string());
    cases.push(Case::new("walk::fixtures", || fixtures().iter().for_each(|name| walk_agrees(&guest(name)))));
    cases.push(Case { name: "walk::python".into(), lacks: lacks(), run: Box::new(|| walk_agrees(&python())) });
    for (name, test) in python_tests {
        let lacks = lacks();
        cases.push(Case { name: format!("python::{name}"), lacks, run: Box::new(test) });
    }
    harness::main(&cases)
}

/// Guests that do not end with status 0.
const STATUSES: &[(&str, i32)] = &[("panic", 134)];

/// The guests that have an expected output, by name.
fn fixtures() -> Vec<String> {
    let entries = std::fs::read_dir(committed()).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter_map(|name| Some(name.strip_suffix(".expected")?.to_string())).collect();
    names.sort();
    names
}

/// Runs a guest in an empty folder; `NAME.input` is its input if it exists, `NAME.expected` what it must print.
fn fixture(name: String) -> Case {
    let label = format!("fixtures::{name}");
    Case::new(label, move || {
        let beside = |extension: &str| std::fs::read_to_string(committed().join(format!("{name}.{extension}")));
        let folder = Folder::new();
        let input = beside("input").unwrap_or_default();
        let run = run_in(&folder, &guest(&name), &[], &input);
        assert_eq!(run.code(), STATUSES.iter().find(|row| row.0 == name).map_or(0, |row| row.1), "{run:?}");
        assert_eq!(run.out, beside("expected").expect("the expected output is there"));
    })
}

/// The walk over every function keeps the stacks that the validator keeps.
fn walk_agrees(module: &Path) {
    let engine = kinglet::Engine::default();
    kinglet::Module::from_file(&engine, module).unwrap().check_walk().unwrap();
}

fn exit() {
    for code in [0, 1, 7, 255] {
        assert_eq!(run_in(&Folder::new(), &guest("exit"), &[&code.to_string()], "").code(), code);
    }
}

fn tour() {
    let folder = Folder::new();
    folder.file("a-file-to-see.txt", "seen");
    let run = run_in(&folder, &guest("tour"), &["an-argument"], "");
    assert_eq!(run.code(), 0, "{run:?}");
    ["an-argument", "a-file-to-see.txt"]
        .iter()
        .for_each(|part| assert!(run.out.contains(part), "no {part} in {run:?}"));
}

fn imports_the_standard_library() {
    let script = "import json, os, re, sys\n\
                  print(json.dumps({'a': [1, 2.5, None]}, sort_keys=True))\n\
                  print(re.sub(r'(\\w+) (\\w+)', r'\\2 \\1', 'hello world'))\n\
                  print(os.environ['NAME'], sys.argv[1:], 2 ** 200)\n";
    let power = "1606938044258990275541962092341162602522202993782792835301376";
    python_runs(&Folder::new(), script, "")
        .prints(&format!("{{\"a\": [1, 2.5, null]}}\nworld hello\nvalue ['x', 'y z'] {power}\n"));
}

fn reads_and_writes_a_file() {
    let folder = Folder::new();
    folder.file("in.txt", "one\ntwo\nthree\n");
    let script = "import os\n\
                  lines = open('in.txt').read().splitlines()\n\
                  with open('out.txt', 'w') as out:\n    \
                      for line in reversed(lines):\n        print(line.upper(), file=out)\n\
                  print(sorted(os.listdir('.')), os.stat('out.txt').st_size)\n\
                  os.remove('in.txt')\n";
    python_runs(&folder, script, "").prints("['in.txt', 'out.txt', 'script.py'] 14\n");
    assert_eq!(std::fs::read_to_string(folder.path().join("out.txt")).unwrap(), "THREE\nTWO\nONE\n");
    assert!(!folder.path().join("in.txt").exists());
}

fn reads_standard_input() {
    let script = "import sys\nprint(sum(int(line) for line in sys.stdin))\n";
    python_runs(&Folder::new(), script, "1\n20\n300\n").prints("321\n");
}

fn exits_with_its_code() {
    assert_eq!(python_runs(&Folder::new(), "import sys\nsys.exit(3)\n", "").code(), 3);
}

fn shows_a_traceback() {
    let run = python_runs(&Folder::new(), "def f():\n    return [][1]\nf()\n", "");
    assert_eq!(run.code(), 1);
    ["Traceback", "in f", "IndexError"].iter().for_each(|part| assert!(run.err.contains(part), "no {part} in {run:?}"));
}

/// Runs a script in CPython, with a folder, an environment variable and arguments.
fn python_runs(folder: &Folder, script: &str, input: &str) -> Run {
    folder.file("script.py", script);
    run_in(folder, &python(), &["script.py", "x", "y z"], input)
}

/// Runs a program that sees `folder` as its current one.
fn run_in(folder: &Folder, module: &Path, args: &[&str], input: &str) -> Run {
    let dir = format!(".:{}", folder.path().display());
    let before = ["--dir", &dir, "--env", "NAME=value", module.to_str().expect("paths here are UTF-8")];
    run_with(&[&before, args].concat(), input)
}

fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../guests")
}

fn guest(name: &str) -> PathBuf {
    let folder = std::env::var_os("KINGLET_GUESTS").map_or_else(committed, PathBuf::from);
    folder.join(format!("{name}.wasm"))
}

fn python() -> PathBuf {
    let folder =
        std::env::var_os("KINGLET_PROGRAMS").map_or_else(|| kinglet_tests::target().join("programs"), PathBuf::from);
    folder.join("python.wasm")
}
