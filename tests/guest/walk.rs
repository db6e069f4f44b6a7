//! Tests that the walk over every function of every program tracks the same stacks as the validator.

use std::path::Path;

use kinglet_tests::harness::Case;

use crate::{kernel, paths};

/// Returns one case for all committed modules, and one for each other module.
pub(crate) fn cases() -> Vec<Case> {
    let committed = Case::new("walk::committed", || {
        paths::names("", ".wasm").iter().for_each(|name| check_walk(&paths::committed(name)));
    });
    let languages = ["rust", "c", "cpp", "go", "assemblyscript"].map(|language| format!("{language}/ledger.wasm"));
    let interpreters = ["python.wasm", "qjs.wasm"].map(String::from);
    let others = languages.into_iter().chain(interpreters).chain(kernel::files()).map(|file| {
        let module = paths::program(&file);
        Case { name: format!("walk::{file}"), lacks: paths::lacks(&module), run: Box::new(move || check_walk(&module)) }
    });
    std::iter::once(committed).chain(others).collect()
}

fn check_walk(module: &Path) {
    let engine = kinglet::Engine::default();
    kinglet::Module::from_file(&engine, module).unwrap().check_walk().unwrap();
}
