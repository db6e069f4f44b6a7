//! Two stores with different deadlines, whose guests share an engine and its epoch.

use kinglet::{Config, Engine, Instance, Module, Result, Store, Trap};

pub(crate) fn main() -> Result<()> {
    let mut config = Config::new();
    config.epoch_interruption(true);
    let engine = Engine::new(&config)?;
    let module = Module::from_file(&engine, "ported/interrupt.wat")?;

    let ticker = engine.weak();
    let ticks = std::thread::spawn(move || {
        while let Some(engine) = ticker.upgrade() {
            engine.increment_epoch();
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    });
    let guests: Vec<_> = [2, 4]
        .map(|deadline| {
            let (engine, module) = (engine.clone(), module.clone());
            std::thread::spawn(move || -> Result<Trap> {
                let mut store = Store::new(&engine, ());
                store.epoch_deadline_trap();
                store.set_epoch_deadline(deadline);
                let instance = Instance::new(&mut store, &module, &[])?;
                let run = instance.get_typed_func::<(), ()>(&mut store, "run")?;
                run.call(&mut store, ()).unwrap_err().downcast::<Trap>()
            })
        })
        .into();
    for guest in guests {
        assert_eq!(guest.join().unwrap()?, Trap::Interrupt);
    }
    drop((module, engine));
    ticks.join().unwrap();
    Ok(())
}
