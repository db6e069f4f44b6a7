//! Host values in a guest's table, global and function.

use kinglet::*;

pub(crate) fn main() -> Result<()> {
    let mut config = Config::new();
    config.wasm_reference_types(true);
    let engine = Engine::new(&config)?;
    let mut store = Store::new(&engine, ());
    let module = Module::from_file(&engine, "ported/externref.wat")?;
    let instance = Instance::new(&mut store, &module, &[])?;

    let externref = ExternRef::new(&mut store, "Hello, World!")?;
    assert!(externref.data(&store)?.unwrap().is::<&'static str>());
    assert_eq!(*externref.data(&store)?.unwrap().downcast_ref::<&'static str>().unwrap(), "Hello, World!");

    let table = instance.get_table(&mut store, "table").unwrap();
    table.set(&mut store, 3, Some(externref).into())?;
    let elem = table.get(&mut store, 3).unwrap().unwrap_extern().copied().unwrap();
    assert!(Rooted::ref_eq(&store, &elem, &externref)?);

    let global = instance.get_global(&mut store, "global").unwrap();
    global.set(&mut store, Some(externref).into())?;
    let global_val = global.get(&mut store).unwrap_externref().copied().unwrap();
    assert!(Rooted::ref_eq(&store, &global_val, &externref)?);

    let func = instance.get_typed_func::<Option<Rooted<ExternRef>>, Option<Rooted<ExternRef>>>(&mut store, "func")?;
    let ret = func.call(&mut store, Some(externref))?;
    assert!(ret.is_some());
    assert!(Rooted::ref_eq(&store, &ret.unwrap(), &externref)?);

    store.gc(None)?;
    Ok(())
}
