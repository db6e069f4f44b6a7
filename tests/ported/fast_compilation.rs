//! Settings for fast compilation.

use kinglet::{Config, Engine, Module, Result, Strategy};

pub(crate) fn main() -> Result<()> {
    let mut config = Config::new();
    config.strategy(Strategy::Winch);
    config.parallel_compilation(true);
    let engine = Engine::new(&config)?;
    let module = Module::from_file(&engine, "ported/gcd.wat")?;
    assert!(module.get_export("gcd").is_some());
    Ok(())
}
