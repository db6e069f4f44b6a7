//! Tests of the ledger, a program that exists in every compiled language. All versions have the same input, the same
//! expected output, and the same failures. Also tests of the committed guests whose behaviour depends on their
//! arguments and environment.

use kinglet_tests::folder::Folder;

use crate::mode::{Guest, Mode};
use crate::paths;
use crate::{NamedTest, Test};

/// A suffix for the test's name, and a test in a mode and a language.
type LedgerTest = (&'static str, fn(&Mode, &str));

const LANGUAGES: &[&str] = &["rust", "c", "cpp", "go", "assemblyscript"];

/// Returns the tests of the ledger in every language, and of the guests `exit` and `tour`.
pub(crate) fn tests() -> Vec<Test> {
    let mut tests = Vec::new();
    let ledger_tests: [LedgerTest; 3] = [
        ("", prints_the_ledger),
        ("/usage", requires_two_arguments),
        ("/no-directory", cannot_write_without_a_directory),
    ];
    for language in LANGUAGES {
        for (suffix, test) in ledger_tests {
            let name = format!("{language}/ledger{suffix}");
            tests.push(Test { name, module: module(language), run: Box::new(move |mode| test(mode, language)) });
        }
    }
    let committed: [NamedTest; 2] = [("exit", exit), ("tour", tour)];
    for (name, test) in committed {
        tests.push(Test { name: format!("committed/{name}"), module: paths::committed(name), run: Box::new(test) });
    }
    tests
}

fn module(language: &str) -> std::path::PathBuf {
    paths::program(&format!("{language}/ledger.wasm"))
}

fn prints_the_ledger(mode: &Mode, language: &str) {
    let read = |name: &str| std::fs::read_to_string(paths::guests().join(name)).expect("the file exists");
    let directory = Folder::new();
    let guest = Guest::new(module(language)).directory(directory.path(), "/").args(&["the books", "out.txt"]);
    let outcome = guest.env("CURRENCY", "EUR").input(&read("ledger.input")).run(mode);
    assert_eq!(outcome.out, read("ledger.expected"), "{outcome:?}");
    // The status is the number of malformed lines.
    assert_eq!((outcome.code, outcome.err.as_str()), (2, ""));
    assert!(std::fs::read_dir(directory.path()).expect("the directory still exists").next().is_none());
}

fn requires_two_arguments(mode: &Mode, language: &str) {
    Guest::new(module(language)).args(&["alone"]).run(mode).fails(64, &["usage: ledger TITLE FILE\n"]);
}

fn cannot_write_without_a_directory(mode: &Mode, language: &str) {
    let outcome = Guest::new(module(language)).args(&["books", "out.txt"]).run(mode);
    outcome.fails(74, &["ledger: cannot write out.txt\n"]);
    assert!(outcome.out.starts_with("books, in no currency, 2 arguments\nhash: cbf29ce484222325\n"), "{outcome:?}");
}

fn exit(mode: &Mode) {
    for code in [0, 1, 7, 255] {
        let outcome = Guest::new(paths::committed("exit")).args(&[&code.to_string()]).run(mode);
        assert_eq!(outcome.code, code, "{outcome:?}");
    }
}

fn tour(mode: &Mode) {
    let directory = Folder::new();
    directory.file("a-file-to-see.txt", "seen");
    let guest = Guest::new(paths::committed("tour")).directory(directory.path(), ".").args(&["an-argument"]);
    let outcome = guest.env("NAME", "value").run(mode);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    for part in ["an-argument", "a-file-to-see.txt  (4 bytes)", "NAME=value", "no, "] {
        assert!(outcome.out.contains(part), "no {part} in {outcome:?}");
    }
}
