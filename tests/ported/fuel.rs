//! Fuel, which ends a function that takes too many operations.

use kinglet::*;

pub(crate) fn main() -> Result<()> {
    let mut config = Config::new();
    config.consume_fuel(true);
    let engine = Engine::new(&config)?;
    let mut store = Store::new(&engine, ());
    store.set_fuel(10_000)?;
    let module = Module::from_file(store.engine(), "ported/fuel.wat")?;
    let instance = Instance::new(&mut store, &module, &[])?;

    let fibonacci = instance.get_typed_func::<i32, i32>(&mut store, "fibonacci")?;
    let mut reached = 0;
    for n in 1.. {
        let fuel_before = store.get_fuel().unwrap();
        let output = match fibonacci.call(&mut store, n) {
            Ok(v) => v,
            Err(e) => {
                assert_eq!(e.downcast::<Trap>()?, Trap::OutOfFuel);
                break;
            }
        };
        let fuel_consumed = fuel_before - store.get_fuel().unwrap();
        assert!(output > 0 && fuel_consumed > 0);
        store.set_fuel(10_000)?;
        reached = n;
    }
    assert!(reached > 5);
    Ok(())
}
