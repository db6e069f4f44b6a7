//! A host function with access to the store's data.

use kinglet::*;

struct MyState {
    name: String,
    count: usize,
}

pub(crate) fn main() -> Result<()> {
    let engine = Engine::default();
    let module = Module::from_file(&engine, "ported/hello.wat")?;
    let mut store = Store::new(&engine, MyState { name: "hello, world!".to_string(), count: 0 });
    let hello_func = Func::wrap(&mut store, |mut caller: Caller<'_, MyState>| {
        assert_eq!(caller.data().name, "hello, world!");
        caller.data_mut().count += 1;
    });
    let imports = [hello_func.into()];
    let instance = Instance::new(&mut store, &module, &imports)?;
    let hello = instance.get_typed_func::<(), ()>(&mut store, "hello")?;
    hello.call(&mut store, ())?;
    assert_eq!(store.data().count, 1);
    Ok(())
}
