//! QuickJS where it is given more than a script: expressions on its command line, modules of several files, errors.

use kinglet_tests::folder::Folder;

use crate::mode::{Guest, Mode};
use crate::place;
use crate::{Named, Test};

/// One test for each way to start QuickJS.
pub(crate) fn tests() -> Vec<Test> {
    let tests: [Named; 4] = [
        ("evaluates_an_expression", evaluates_an_expression),
        ("imports_modules_of_the_folder", imports_modules_of_the_folder),
        ("shows_where_an_exception_was_thrown", shows_where_an_exception_was_thrown),
        ("rejects_what_is_no_script", rejects_what_is_no_script),
    ];
    let test = |(name, run)| Test { name: format!("javascript/{name}"), module: module(), run: Box::new(run) };
    tests.into_iter().map(test).collect()
}

fn module() -> std::path::PathBuf {
    place::program("qjs.wasm")
}

fn evaluates_an_expression(mode: &Mode) {
    let script = "print(6 * 7, scriptArgs.length, [3, 1, 2].sort())";
    Guest::new(module()).args(&["--eval", script]).run(mode).prints("42 0 1,2,3\n");
}

fn imports_modules_of_the_folder(mode: &Mode) {
    let folder = Folder::new();
    folder
        .file("main.mjs", "import area, { unit } from './shape.mjs';\nconsole.log(area(3), unit, import.meta.main);\n");
    folder.file("shape.mjs", "export const unit = 'cm';\nexport default (side) => side ** 2;\n");
    Guest::new(module()).args(&["main.mjs"]).folder(folder.path(), ".").run(mode).prints("9 cm true\n");
}

fn shows_where_an_exception_was_thrown(mode: &Mode) {
    let folder = Folder::new();
    folder.file("wrong.js", "function f() {\n  throw new RangeError('too far');\n}\nf();\n");
    let outcome = Guest::new(module()).args(&["wrong.js"]).folder(folder.path(), ".").run(mode);
    outcome.fails(1, &["RangeError: too far", "at f (wrong.js:2:", "at <anonymous> (wrong.js:4:"]);
}

fn rejects_what_is_no_script(mode: &Mode) {
    let folder = Folder::new();
    folder.file("broken.js", "let x = ;\n");
    let broken = Guest::new(module()).args(&["broken.js"]).folder(folder.path(), ".").run(mode);
    broken.fails(1, &["SyntaxError", "broken.js:1"]);
    let missing = Guest::new(module()).args(&["missing.js"]).folder(folder.path(), ".").run(mode);
    missing.fails(1, &["missing.js"]);
}
