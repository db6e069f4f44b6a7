//! Tests of QuickJS beyond single scripts: expressions on its command line, modules in several files, errors.

use kinglet_tests::folder::Folder;

use crate::mode::{Guest, Mode};
use crate::paths;
use crate::{NamedTest, Test};

/// Returns the tests of QuickJS.
pub(crate) fn tests() -> Vec<Test> {
    let tests: [NamedTest; 4] = [
        ("evaluates_an_expression", evaluates_an_expression),
        ("imports_modules_from_the_directory", imports_modules_from_the_directory),
        ("reports_the_position_of_an_exception", reports_the_position_of_an_exception),
        ("rejects_missing_and_malformed_scripts", rejects_missing_and_malformed_scripts),
    ];
    let test = |(name, run)| Test { name: format!("javascript/{name}"), module: module(), run: Box::new(run) };
    tests.into_iter().map(test).collect()
}

fn module() -> std::path::PathBuf {
    paths::program("qjs.wasm")
}

fn evaluates_an_expression(mode: &Mode) {
    let script = "print(6 * 7, scriptArgs.length, [3, 1, 2].sort())";
    Guest::new(module()).args(&["--eval", script]).run(mode).prints("42 0 1,2,3\n");
}

fn imports_modules_from_the_directory(mode: &Mode) {
    let directory = Folder::new();
    directory
        .file("main.mjs", "import area, { unit } from './shape.mjs';\nconsole.log(area(3), unit, import.meta.main);\n");
    directory.file("shape.mjs", "export const unit = 'cm';\nexport default (side) => side ** 2;\n");
    Guest::new(module()).args(&["main.mjs"]).directory(directory.path(), ".").run(mode).prints("9 cm true\n");
}

fn reports_the_position_of_an_exception(mode: &Mode) {
    let directory = Folder::new();
    directory.file("wrong.js", "function f() {\n  throw new RangeError('too far');\n}\nf();\n");
    let outcome = Guest::new(module()).args(&["wrong.js"]).directory(directory.path(), ".").run(mode);
    outcome.fails(1, &["RangeError: too far", "at f (wrong.js:2:", "at <anonymous> (wrong.js:4:"]);
}

fn rejects_missing_and_malformed_scripts(mode: &Mode) {
    let directory = Folder::new();
    directory.file("broken.js", "let x = ;\n");
    let broken = Guest::new(module()).args(&["broken.js"]).directory(directory.path(), ".").run(mode);
    broken.fails(1, &["SyntaxError", "broken.js:1"]);
    let missing = Guest::new(module()).args(&["missing.js"]).directory(directory.path(), ".").run(mode);
    missing.fails(1, &["missing.js"]);
}
