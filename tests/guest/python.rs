//! CPython where it is given more than a script: files of the host, programs on its command line and standard input.

use kinglet_tests::folder::Folder;

use crate::mode::{Guest, Mode};
use crate::place;
use crate::{Named, Test};

/// One test for each way to start CPython.
pub(crate) fn tests() -> Vec<Test> {
    let tests: [Named; 6] = [
        ("works_on_files_of_the_host", works_on_files_of_the_host),
        ("runs_a_line", runs_a_line),
        ("runs_its_input", runs_its_input),
        ("runs_a_module", runs_a_module),
        ("misses_a_script", misses_a_script),
        ("shows_a_traceback", shows_a_traceback),
    ];
    let module = || place::program("python.wasm");
    tests
        .into_iter()
        .map(|(name, test)| Test { name: format!("python/{name}"), module: module(), run: Box::new(test) })
        .collect()
}

fn python() -> Guest {
    Guest::new(place::program("python.wasm"))
}

fn works_on_files_of_the_host(mode: &Mode) {
    let folder = Folder::new();
    folder.file("in.txt", "one\ntwo\nthree\n");
    let script = "import os\n\
                  lines = open('in.txt').read().splitlines()\n\
                  with open('out.txt', 'w') as out:\n    \
                      for line in reversed(lines):\n        print(line.upper(), file=out)\n\
                  print(sorted(os.listdir('.')), os.stat('out.txt').st_size)\n\
                  os.remove('in.txt')\n";
    folder.file("script.py", script);
    let outcome = python().args(&["script.py"]).folder(folder.path(), ".").run(mode);
    outcome.prints("['in.txt', 'out.txt', 'script.py'] 14\n");
    assert_eq!(std::fs::read_to_string(folder.path().join("out.txt")).unwrap(), "THREE\nTWO\nONE\n");
    assert!(!folder.path().join("in.txt").exists());
}

fn runs_a_line(mode: &Mode) {
    python().args(&["-c", "import sys; print(1 + 1, sys.argv[1:])", "a", "b c"]).run(mode).prints("2 ['a', 'b c']\n");
}

fn runs_its_input(mode: &Mode) {
    python().args(&["-"]).input("x = [n * n for n in range(5)]\nprint(x)\n").run(mode).prints("[0, 1, 4, 9, 16]\n");
}

fn runs_a_module(mode: &Mode) {
    let outcome = python().args(&["-m", "json.tool", "--compact"]).input("{\"a\": [1, 2,\n 3]}").run(mode);
    outcome.prints("{\"a\":[1,2,3]}\n");
}

fn misses_a_script(mode: &Mode) {
    python().args(&["missing.py"]).run(mode).fails(2, &["can't open file", "missing.py"]);
}

fn shows_a_traceback(mode: &Mode) {
    let folder = Folder::new();
    folder.file(
        "script.py",
        "def f():\n    return [][1]\ntry:\n    f()\nexcept IndexError as e:\n    raise KeyError from e\n",
    );
    let outcome = python().args(&["script.py"]).folder(folder.path(), ".").run(mode);
    outcome
        .fails(1, &["line 2, in f", "IndexError: list index", "The above exception was the direct cause", "KeyError"]);
}
