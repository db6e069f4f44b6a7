//! The program that exists in every language with a compiler: one input, one expected output, and the same failures. And
//! the committed guests whose behaviour depends on what they are given.

use kinglet_tests::folder::Folder;

use crate::mode::{Guest, Mode};
use crate::place;
use crate::{Named, Test};

/// A name and what it does in a mode, in a language.
type Kind = (&'static str, fn(&Mode, &str));

const LANGUAGES: &[&str] = &["rust", "c", "cpp", "go", "assemblyscript"];

/// What the ledger does, for every language, and the guests `exit` and `tour`.
pub(crate) fn tests() -> Vec<Test> {
    let mut tests = Vec::new();
    let kinds: [Kind; 3] =
        [("", keeps_the_ledger), ("/usage", wants_two_arguments), ("/no-folder", cannot_write_without_a_folder)];
    for language in LANGUAGES {
        for (kind, test) in kinds {
            let name = format!("{language}/ledger{kind}");
            tests.push(Test { name, module: module(language), run: Box::new(move |mode| test(mode, language)) });
        }
    }
    let committed: [Named; 2] = [("exit", exit), ("tour", tour)];
    for (name, test) in committed {
        tests.push(Test { name: format!("committed/{name}"), module: place::committed(name), run: Box::new(test) });
    }
    tests
}

fn module(language: &str) -> std::path::PathBuf {
    place::program(&format!("{language}/ledger.wasm"))
}

fn keeps_the_ledger(mode: &Mode, language: &str) {
    let read = |name: &str| std::fs::read_to_string(place::guests().join(name)).expect("it is there");
    let folder = Folder::new();
    let guest = Guest::new(module(language)).folder(folder.path(), "/").args(&["the books", "out.txt"]);
    let outcome = guest.env("CURRENCY", "EUR").input(&read("ledger.input")).run(mode);
    assert_eq!(outcome.out, read("ledger.expected"), "{outcome:?}");
    // As many as there are lines that it cannot read.
    assert_eq!((outcome.code, outcome.err.as_str()), (2, ""));
    assert!(std::fs::read_dir(folder.path()).expect("the folder is still there").next().is_none());
}

fn wants_two_arguments(mode: &Mode, language: &str) {
    Guest::new(module(language)).args(&["alone"]).run(mode).fails(64, &["usage: ledger TITLE FILE\n"]);
}

fn cannot_write_without_a_folder(mode: &Mode, language: &str) {
    let outcome = Guest::new(module(language)).args(&["books", "out.txt"]).run(mode);
    outcome.fails(74, &["ledger: cannot write out.txt\n"]);
    assert!(outcome.out.starts_with("books, in no currency, 2 arguments\nhash: cbf29ce484222325\n"), "{outcome:?}");
}

fn exit(mode: &Mode) {
    for code in [0, 1, 7, 255] {
        let outcome = Guest::new(place::committed("exit")).args(&[&code.to_string()]).run(mode);
        assert_eq!(outcome.code, code, "{outcome:?}");
    }
}

fn tour(mode: &Mode) {
    let folder = Folder::new();
    folder.file("a-file-to-see.txt", "seen");
    let guest = Guest::new(place::committed("tour")).folder(folder.path(), ".").args(&["an-argument"]);
    let outcome = guest.env("NAME", "value").run(mode);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    for part in ["an-argument", "a-file-to-see.txt  (4 bytes)", "NAME=value", "no, "] {
        assert!(outcome.out.contains(part), "no {part} in {outcome:?}");
    }
}
