//! A compiled module that is kept as bytes and loaded by another engine.

use kinglet::*;

fn serialize() -> Result<Vec<u8>> {
    let engine = Engine::default();
    let module = Module::from_file(&engine, "ported/hello.wat")?;
    let serialized = module.serialize()?;
    Ok(serialized)
}

fn deserialize(buffer: &[u8]) -> Result<()> {
    let mut store: Store<()> = Store::default();
    // SAFETY: the bytes come from `Module::serialize` and are unchanged.
    let module = unsafe { Module::deserialize(store.engine(), buffer)? };
    let hello_func = Func::wrap(&mut store, || ());
    let instance = Instance::new(&mut store, &module, &[hello_func.into()])?;
    let hello = instance.get_typed_func::<(), ()>(&mut store, "hello")?;
    hello.call(&mut store, ())
}

pub(crate) fn main() -> Result<()> {
    let file = serialize()?;
    assert!(Engine::detect_precompiled(&file).is_some());
    deserialize(&file)
}
