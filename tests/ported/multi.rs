//! Functions with several results, of the guest and of the host.

use kinglet::*;

pub(crate) fn main() -> Result<()> {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let module = Module::from_file(&engine, "ported/multi.wat")?;

    let callback_type = FuncType::new(
        // Wasmtime: store.engine(),
        [ValType::I32, ValType::I64],
        [ValType::I64, ValType::I32],
    );
    let callback_func = Func::new(&mut store, callback_type, |_, args, results| {
        results[0] = Val::I64(args[1].unwrap_i64() + 1);
        results[1] = Val::I32(args[0].unwrap_i32() + 1);
        Ok(())
    });
    let instance = Instance::new(&mut store, &module, &[callback_func.into()])?;

    let g = instance.get_typed_func::<(i32, i64), (i64, i32)>(&mut store, "g")?;
    assert_eq!(g.call(&mut store, (1, 3))?, (4, 2));

    let round_trip_many =
        instance.get_typed_func::<(i64, i64, i64, i64), (i64, i64, i64, i64)>(&mut store, "round_trip_many")?;
    assert_eq!(round_trip_many.call(&mut store, (0, 1, 2, 3))?, (0, 1, 2, 3));
    Ok(())
}
