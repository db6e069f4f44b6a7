//! Decodes modules and lowers them to bytecode. If a module is valid, the walk must agree with the validator, lowering must
//! not panic, and the module must have an outline.

use std::io::Result;
use std::path::Path;
use std::sync::LazyLock;

use kinglet::{Config, Engine, FEATURES, Module, RunMode};
use kinglet_wasm::outline::{Outline, instruction_at, local_names};

/// The maximum number of functions that are lowered in each module.
const MAX_LOWERED: u32 = 50;

static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let mut config = Config::new();
    config.run_mode(RunMode::Interpreter).gas(true);
    for row in FEATURES {
        config.feature(row.feature, true);
    }
    Engine::new(&config).expect("the configuration is valid")
});

pub(super) fn run(input: &[u8]) {
    let outline = Outline::new(input, None);
    let Ok(module) = Module::new(&ENGINE, input) else { return };
    let binary = module.binary();
    let outline = if input == binary { outline } else { Outline::new(binary, None) };
    let outline = outline.expect("a valid module has an outline");
    if let Err(error) = module.check_walk() {
        // Validation accepts operators of unfinished proposals, some of which have no row.
        assert!(
            error.to_string().contains("an operator without a row"),
            "the walk differs from the validator: {error}"
        );
    }
    for (defined, func) in (0..MAX_LOWERED).zip(&outline.funcs) {
        // Lowering fails if the function exceeds a limit of the interpreter.
        let _ = module.interpreter_listing(defined);
        let _ = (local_names(binary, func.index), instruction_at(binary, func.range.start));
    }
    assert_eq!(module.imports().count(), outline.imports.len());
    assert_eq!(module.exports().count(), outline.exports.len());
    let types = module.imports().map(|it| it.ty().to_string()).chain(module.exports().map(|it| it.ty().to_string()));
    let _ = (types.count(), module.name(), module.custom_sections().map(|it| it.data().len()).sum::<usize>());
}

pub(super) fn seeds(root: &Path) -> Result<Vec<Vec<u8>>> {
    let mut seeds = super::modules(root, 1 << 16)?;
    let binary = |text: &Vec<u8>| Some(kinglet_wasm::decode::to_binary(text).ok()?.into_owned());
    let binaries: Vec<_> = seeds.iter().filter(|text| !text.starts_with(b"\0asm")).filter_map(binary).collect();
    seeds.extend(binaries);
    Ok(seeds)
}
