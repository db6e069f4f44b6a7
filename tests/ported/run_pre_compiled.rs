//! An artifact that another engine has compiled ahead of time.

use kinglet::*;

pub(crate) fn main() -> Result<()> {
    let file = std::env::temp_dir().join(format!("kinglet-ported-{}.cwasm", std::process::id()));
    std::fs::write(&file, Engine::default().precompile_module(&std::fs::read("ported/gcd.wat")?)?)?;
    let config = Config::default();
    let engine = Engine::new(&config)?;
    // SAFETY: this program has just written the file.
    let module = unsafe { Module::deserialize_file(&engine, &file)? };
    std::fs::remove_file(&file)?;
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[])?;
    let gcd = instance.get_typed_func::<(i32, i32), i32>(&mut store, "gcd")?;
    assert_eq!(gcd.call(&mut store, (6, 27))?, 3);
    Ok(())
}
