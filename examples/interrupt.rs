//! Interrupting a guest from another thread: once in an endless loop, and once asleep in a host function.

use std::thread;
use std::time::{Duration, Instant};

use kinglet::{Caller, Engine, Linker, Module, Result, Store, Trap};

const GUEST: &str = r#"(module
    (import "host" "sleep" (func $sleep))
    (func (export "spin") (loop (br 0)))
    (func (export "sleep") (call $sleep))
    (func (export "answer") (result i32) (i32.const 42)))"#;

fn main() -> Result<()> {
    let engine = Engine::default();
    let mut linker = Linker::new(&engine);
    // A blocking host function waits through the caller's waiter, so that an interrupt wakes it.
    linker.func_wrap("host", "sleep", |caller: Caller<'_, ()>| caller.waiter().sleep(None))?;
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate(&mut store, &Module::new(&engine, GUEST)?)?;

    for name in ["spin", "sleep"] {
        let handle = store.interrupt_handle();
        let timer = thread::spawn(move || {
            thread::sleep(Duration::from_millis(50));
            handle.interrupt();
        });
        let start = Instant::now();
        let ended = instance.get_typed_func::<(), ()>(&mut store, name)?.call(&mut store, ());
        timer.join().expect("the timer does not panic");
        let trap = ended.err().and_then(|error| error.downcast_ref::<Trap>().copied());
        println!("{name}: {}, in time: {}", trap.map_or("returned", Trap::message), start.elapsed().as_secs() < 5);
    }

    let answer = instance.get_typed_func::<(), i32>(&mut store, "answer")?;
    println!("the store is still usable: {}", answer.call(&mut store, ())?);
    Ok(())
}
