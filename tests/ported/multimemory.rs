//! A module with two memories.

use kinglet::*;

pub(crate) fn main() -> Result<()> {
    let mut config = Config::new();
    config.wasm_multi_memory(true);
    let engine = Engine::new(&config)?;
    let mut store = Store::new(&engine, ());
    let module = Module::from_file(store.engine(), "ported/multimemory.wat")?;
    let instance = Instance::new(&mut store, &module, &[])?;

    let memory0 = instance.get_memory(&mut store, "memory0").unwrap();
    let memory1 = instance.get_memory(&mut store, "memory1").unwrap();
    let load0 = instance.get_typed_func::<i32, i32>(&mut store, "load0")?;
    let load1 = instance.get_typed_func::<i32, i32>(&mut store, "load1")?;
    assert_eq!((memory0.size(&store), memory1.size(&store)), (2, 3));
    memory0.data_mut(&mut store)[0x1000] = 7;
    memory1.data_mut(&mut store)[0x1000] = 8;
    assert_eq!((load0.call(&mut store, 0x1000)?, load1.call(&mut store, 0x1000)?), (7, 8));
    memory1.grow(&mut store, 1)?;
    assert_eq!((memory0.size(&store), memory1.size(&store)), (2, 4));
    Ok(())
}
