//! A module that is compiled ahead of time and loaded from a file.

use kinglet::{Config, Engine, Instance, Module, Result, Store};

pub(crate) fn main() -> Result<()> {
    let mut config = Config::new();
    config.consume_fuel(true);
    let engine = Engine::new(&config)?;
    let wasm = std::fs::read("ported/gcd.wat")?;
    let precompiled = engine.precompile_module(&wasm)?;
    let path = std::env::temp_dir().join(format!("kinglet-pre-compile-{}", std::process::id()));
    std::fs::write(&path, precompiled)?;

    let runtime = Engine::new(&config)?;
    // SAFETY: the file comes from `Engine::precompile_module` and is unchanged.
    let module = unsafe { Module::deserialize_file(&runtime, &path)? };
    let mut store = Store::new(&runtime, ());
    store.set_fuel(1000)?;
    let instance = Instance::new(&mut store, &module, &[])?;
    let gcd = instance.get_typed_func::<(i32, i32), i32>(&mut store, "gcd")?;
    assert_eq!(gcd.call(&mut store, (10, 4))?, 2);
    std::fs::remove_file(&path)?;
    Ok(())
}
