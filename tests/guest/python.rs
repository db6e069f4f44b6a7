//! Tests of CPython beyond single scripts: files of the host, programs on its command line and standard input.

use kinglet_tests::folder::Folder;

use crate::mode::{Guest, Mode};
use crate::paths;
use crate::{NamedTest, Test};

/// Returns the tests of CPython.
pub(crate) fn tests() -> Vec<Test> {
    let tests: [NamedTest; 6] = [
        ("reads_and_writes_host_files", reads_and_writes_host_files),
        ("runs_a_command_line_program", runs_a_command_line_program),
        ("runs_a_program_from_standard_input", runs_a_program_from_standard_input),
        ("runs_a_library_module", runs_a_library_module),
        ("reports_a_missing_script", reports_a_missing_script),
        ("prints_a_traceback", prints_a_traceback),
    ];
    let module = || paths::program("python.wasm");
    tests
        .into_iter()
        .map(|(name, test)| Test { name: format!("python/{name}"), module: module(), run: Box::new(test) })
        .collect()
}

fn python() -> Guest {
    Guest::new(paths::program("python.wasm"))
}

fn reads_and_writes_host_files(mode: &Mode) {
    let directory = Folder::new();
    directory.file("in.txt", "one\ntwo\nthree\n");
    let script = "import os\n\
                  lines = open('in.txt').read().splitlines()\n\
                  with open('out.txt', 'w') as out:\n    \
                      for line in reversed(lines):\n        print(line.upper(), file=out)\n\
                  print(sorted(os.listdir('.')), os.stat('out.txt').st_size)\n\
                  os.remove('in.txt')\n";
    directory.file("script.py", script);
    let outcome = python().args(&["script.py"]).directory(directory.path(), ".").run(mode);
    outcome.prints("['in.txt', 'out.txt', 'script.py'] 14\n");
    assert_eq!(std::fs::read_to_string(directory.path().join("out.txt")).unwrap(), "THREE\nTWO\nONE\n");
    assert!(!directory.path().join("in.txt").exists());
}

fn runs_a_command_line_program(mode: &Mode) {
    python().args(&["-c", "import sys; print(1 + 1, sys.argv[1:])", "a", "b c"]).run(mode).prints("2 ['a', 'b c']\n");
}

fn runs_a_program_from_standard_input(mode: &Mode) {
    python().args(&["-"]).input("x = [n * n for n in range(5)]\nprint(x)\n").run(mode).prints("[0, 1, 4, 9, 16]\n");
}

fn runs_a_library_module(mode: &Mode) {
    let outcome = python().args(&["-m", "json.tool", "--compact"]).input("{\"a\": [1, 2,\n 3]}").run(mode);
    outcome.prints("{\"a\":[1,2,3]}\n");
}

fn reports_a_missing_script(mode: &Mode) {
    python().args(&["missing.py"]).run(mode).fails(2, &["can't open file", "missing.py"]);
}

fn prints_a_traceback(mode: &Mode) {
    let directory = Folder::new();
    directory.file(
        "script.py",
        "def f():\n    return [][1]\ntry:\n    f()\nexcept IndexError as e:\n    raise KeyError from e\n",
    );
    let outcome = python().args(&["script.py"]).directory(directory.path(), ".").run(mode);
    outcome
        .fails(1, &["line 2, in f", "IndexError: list index", "The above exception was the direct cause", "KeyError"]);
}
