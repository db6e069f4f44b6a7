//! Programs and scripts that always print the same: each `NAME.expected` below `guests` is a test. The program is given
//! an empty folder, arguments, a variable, and `NAME.input` if there is such a file; it must leave the folder as it was.

use std::path::PathBuf;

use kinglet_testing::snapshot;
use kinglet_tests::folder::Folder;

use crate::Test;
use crate::mode::{Guest, Mode};
use crate::place;

/// A folder below `guests`.
struct Language {
    folder: &'static str,
    /// How the program's folder is called: Go's library knows the current folder only by its full name.
    current: &'static str,
    module: fn(&str) -> PathBuf,
    /// The ending of scripts, where the module is an interpreter.
    script: Option<&'static str>,
}

const LANGUAGES: &[Language] = &[
    Language { folder: "", current: ".", module: place::committed, script: None },
    Language { folder: "rust", current: ".", module: |name| built("rust", name), script: None },
    Language { folder: "c", current: ".", module: |name| built("c", name), script: None },
    Language { folder: "cpp", current: ".", module: |name| built("cpp", name), script: None },
    Language { folder: "go", current: "/", module: |name| built("go", name), script: None },
    Language { folder: "assemblyscript", current: ".", module: |name| built("assemblyscript", name), script: None },
    Language { folder: "python", current: ".", module: |_| place::program("python.wasm"), script: Some("py") },
    Language { folder: "javascript", current: ".", module: |_| place::program("qjs.wasm"), script: Some("js") },
];

/// What does not end with status 0, by path below `guests`.
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

/// One test for each expected output.
pub(crate) fn tests() -> Vec<Test> {
    let mut tests = Vec::new();
    for language in LANGUAGES {
        for name in place::names(language.folder, ".expected") {
            let path = [language.folder, &name].join("/").trim_start_matches('/').to_string();
            // The ledger has tests of its own.
            if path == "ledger" {
                continue;
            }
            tests.push(Test {
                name: if language.folder.is_empty() { format!("committed/{name}") } else { path.clone() },
                module: (language.module)(&name),
                run: Box::new(move |mode| check(mode, language, &name, &path)),
            });
        }
    }
    tests
}

fn check(mode: &'static Mode, language: &Language, name: &str, path: &str) {
    let beside = |ending: &str| std::fs::read_to_string(place::guests().join(format!("{path}.{ending}")));
    let folder = Folder::new();
    let mut args = Vec::new();
    if let Some(ending) = language.script {
        let script = format!("{name}.{ending}");
        folder.file(&script, beside(ending).expect("the script is beside its output"));
        args.push(script);
    }
    let before = contents(&folder);
    let args: Vec<&str> = args.iter().map(String::as_str).chain(["one", "two words"]).collect();
    let guest = Guest::new((language.module)(name)).folder(folder.path(), language.current);
    let guest = guest.args(if language.folder.is_empty() { &[] } else { &args }).env("NAME", "value");
    let outcome = guest.input(&beside("input").unwrap_or_default()).run(mode);
    let expected = place::guests().join(format!("{path}.expected"));
    snapshot::check_file(&expected, &outcome.out).unwrap_or_else(|why| panic!("{why}\n{}", outcome.err));
    assert_eq!(outcome.code, STATUSES.iter().find(|row| row.0 == path).map_or(0, |row| row.1), "{outcome:?}");
    assert_eq!(contents(&folder), before, "it leaves its folder as it was");
}

fn contents(folder: &Folder) -> Vec<std::ffi::OsString> {
    let entries = std::fs::read_dir(folder.path()).expect("the folder can be read");
    entries.flatten().map(|entry| entry.file_name()).collect()
}

fn built(folder: &str, name: &str) -> PathBuf {
    place::program(&format!("{folder}/{name}.wasm"))
}
