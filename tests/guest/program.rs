//! Programs and scripts with deterministic output. Each `NAME.expected` below `guests` is a test. The program gets an
//! empty directory, arguments, a variable, and `NAME.input` as input if that file exists. It must leave the directory
//! unchanged.

use std::path::PathBuf;

use kinglet_testing::snapshot;
use kinglet_tests::folder::Folder;

use crate::Test;
use crate::mode::{Guest, Mode};
use crate::paths;

/// The programs of a language, in a directory below `guests`.
struct Language {
    directory: &'static str,
    /// The guest's name for its directory. Go's library finds the current directory only by its absolute path.
    current: &'static str,
    module: fn(&str) -> PathBuf,
    /// The extension of scripts, if the module is an interpreter.
    script: Option<&'static str>,
}

const LANGUAGES: &[Language] = &[
    Language { directory: "", current: ".", module: paths::committed, script: None },
    Language { directory: "rust", current: ".", module: |name| built("rust", name), script: None },
    Language { directory: "c", current: ".", module: |name| built("c", name), script: None },
    Language { directory: "cpp", current: ".", module: |name| built("cpp", name), script: None },
    Language { directory: "go", current: "/", module: |name| built("go", name), script: None },
    Language { directory: "assemblyscript", current: ".", module: |name| built("assemblyscript", name), script: None },
    Language { directory: "python", current: ".", module: |_| paths::program("python.wasm"), script: Some("py") },
    Language { directory: "javascript", current: ".", module: |_| paths::program("qjs.wasm"), script: Some("js") },
];

/// Exit statuses other than 0, by path below `guests`.
const STATUSES: &[(&str, i32)] = &[
    ("panic", 134),
    ("rust/collections", 3),
    ("c/library", 3),
    ("cpp/containers", 3),
    ("go/routines", 3),
    ("assemblyscript/classes", 3),
    ("python/exit", 7),
    ("python/failure", 1),
    ("javascript/exit", 9),
    ("javascript/failure", 1),
    ("javascript/recursion", 134),
];

/// Returns a test for each file of expected output.
pub(crate) fn tests() -> Vec<Test> {
    let mut tests = Vec::new();
    for language in LANGUAGES {
        for name in paths::names(language.directory, ".expected") {
            let path = [language.directory, &name].join("/").trim_start_matches('/').to_string();
            // The module `ledger` tests the ledger.
            if path == "ledger" {
                continue;
            }
            tests.push(Test {
                name: if language.directory.is_empty() { format!("committed/{name}") } else { path.clone() },
                module: (language.module)(&name),
                run: Box::new(move |mode| check(mode, language, &name, &path)),
            });
        }
    }
    tests
}

fn check(mode: &'static Mode, language: &Language, name: &str, path: &str) {
    let read = |extension: &str| std::fs::read_to_string(paths::guests().join(format!("{path}.{extension}")));
    let directory = Folder::new();
    let mut args = Vec::new();
    if let Some(extension) = language.script {
        let script = format!("{name}.{extension}");
        directory.file(&script, read(extension).expect("the script is beside its expected output"));
        args.push(script);
    }
    let before = contents(&directory);
    let args: Vec<&str> = args.iter().map(String::as_str).chain(["one", "two words"]).collect();
    let guest = Guest::new((language.module)(name)).directory(directory.path(), language.current);
    let guest = guest.args(if language.directory.is_empty() { &[] } else { &args }).env("NAME", "value");
    let outcome = guest.input(&read("input").unwrap_or_default()).run(mode);
    let expected = paths::guests().join(format!("{path}.expected"));
    snapshot::check_file(&expected, &outcome.out).unwrap_or_else(|difference| panic!("{difference}\n{}", outcome.err));
    assert_eq!(outcome.code, STATUSES.iter().find(|row| row.0 == path).map_or(0, |row| row.1), "{outcome:?}");
    assert_eq!(contents(&directory), before, "the program leaves its directory unchanged");
}

fn contents(directory: &Folder) -> Vec<std::ffi::OsString> {
    let entries = std::fs::read_dir(directory.path()).expect("the directory can be read");
    entries.flatten().map(|entry| entry.file_name()).collect()
}

fn built(directory: &str, name: &str) -> PathBuf {
    paths::program(&format!("{directory}/{name}.wasm"))
}
