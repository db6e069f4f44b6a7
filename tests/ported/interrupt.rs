//! An epoch that ends an endless loop from another thread.

use kinglet::*;

pub(crate) fn main() -> Result<()> {
    let engine = Engine::new(Config::new().epoch_interruption(true))?;
    let mut store = Store::new(&engine, ());
    store.set_epoch_deadline(1);
    let module = Module::from_file(&engine, "ported/interrupt.wat")?;
    let instance = Instance::new(&mut store, &module, &[])?;
    let run = instance.get_typed_func::<(), ()>(&mut store, "run")?;

    std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(50));
        engine.increment_epoch();
    });

    let err = run.call(&mut store, ()).unwrap_err();
    let trap: Trap = err.downcast()?;
    assert_eq!(trap, Trap::Interrupt);
    Ok(())
}
