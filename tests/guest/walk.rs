//! The walk over every function of every program keeps the stacks that the validator keeps.

use std::path::Path;

use kinglet_tests::harness::Case;

use crate::{kernel, place};

/// One case for the committed modules, one for each of the others.
pub(crate) fn cases() -> Vec<Case> {
    let committed = Case::new("walk::committed", || {
        place::names("", ".wasm").iter().for_each(|name| agrees(&place::committed(name)));
    });
    let languages = ["rust", "c", "cpp", "go", "assemblyscript"].map(|language| format!("{language}/ledger.wasm"));
    let interpreters = ["python.wasm", "qjs.wasm"].map(String::from);
    let others = languages.into_iter().chain(interpreters).chain(kernel::files()).map(|file| {
        let module = place::program(&file);
        Case { name: format!("walk::{file}"), lacks: place::lacks(&module), run: Box::new(move || agrees(&module)) }
    });
    std::iter::once(committed).chain(others).collect()
}

fn agrees(module: &Path) {
    let engine = kinglet::Engine::default();
    kinglet::Module::from_file(&engine, module).unwrap().check_walk().unwrap();
}
