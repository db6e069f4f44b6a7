//! Limits of what a guest may allocate.

use kinglet::*;

struct MyState {
    limits: StoreLimits,
}

pub(crate) fn main() -> Result<()> {
    let engine = Engine::default();
    let limits = StoreLimitsBuilder::new().memory_size(2 << 16).instances(1).trap_on_grow_failure(true).build();
    let mut store = Store::new(&engine, MyState { limits });
    store.limiter(|state| &mut state.limits);
    let wat = r#"(module (memory 1) (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))"#;
    let module = Module::new(&engine, wat)?;
    let instance = Instance::new(&mut store, &module, &[])?;
    let grow = instance.get_typed_func::<i32, i32>(&mut store, "grow")?;
    assert_eq!(grow.call(&mut store, 1)?, 1);
    assert!(grow.call(&mut store, 1).is_err());
    assert!(Instance::new(&mut store, &module, &[]).is_err());
    Ok(())
}
