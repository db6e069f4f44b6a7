//! Settings for fast native code.

use kinglet::{Config, Engine, Instance, Module, OptLevel, Result, Store, Strategy};

pub(crate) fn main() -> Result<()> {
    let mut config = Config::new();
    config.strategy(Strategy::Cranelift);
    config.cranelift_opt_level(OptLevel::Speed);
    config.signals_based_traps(true);
    config.memory_reservation(1 << 32);
    config.memory_guard_size(1 << 32);
    let engine = Engine::new(&config)?;
    let module = Module::from_file(&engine, "ported/gcd.wat")?;
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[])?;
    let gcd = instance.get_typed_func::<(i32, i32), i32>(&mut store, "gcd")?;
    assert_eq!(gcd.call(&mut store, (21, 14))?, 7);
    Ok(())
}
