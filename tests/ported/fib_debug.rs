//! A recursive function, compiled without optimizations.

use kinglet::*;

pub(crate) fn main() -> Result<()> {
    let engine = Engine::new(
        Config::new()
            // Wasmtime: .debug_info(true)
            .cranelift_opt_level(OptLevel::None),
    )?;
    let mut store = Store::new(&engine, ());
    let module = Module::from_file(&engine, "ported/fuel.wat")?;
    let instance = Instance::new(&mut store, &module, &[])?;
    let fib = instance.get_typed_func::<i32, i32>(&mut store, "fibonacci")?;
    assert_eq!(fib.call(&mut store, 6)?, 13);
    Ok(())
}
