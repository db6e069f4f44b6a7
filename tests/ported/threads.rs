//! One module and one linker on many threads, each with stores of its own, and a store that moves between threads.

use std::thread;

use kinglet::*;

const N_THREADS: i32 = 4;
const N_REPS: i32 = 3;

fn run(engine: &Engine, module: &Module, linker: &Linker<()>) -> Result<()> {
    let mut store = Store::new(engine, ());
    for _ in 0..N_REPS {
        let instance = linker.instantiate(&mut store, module)?;
        let run = instance.get_typed_func::<(), ()>(&mut store, "hello")?;
        run.call(&mut store, ())?;
    }
    let child = thread::spawn(move || drop(store));
    child.join().expect("the thread does not panic");
    Ok(())
}

pub(crate) fn main() -> Result<()> {
    let engine = Engine::default();
    let module = Module::from_file(&engine, "ported/hello.wat")?;
    let mut linker = Linker::new(&engine);
    linker.func_wrap("", "hello", || assert!(!thread::panicking()))?;
    let children: Vec<_> = (0..N_THREADS)
        .map(|_| {
            let (engine, module, linker) = (engine.clone(), module.clone(), linker.clone());
            thread::spawn(move || run(&engine, &module, &linker).expect("it runs"))
        })
        .collect();
    for child in children {
        child.join().expect("the thread does not panic");
    }
    Ok(())
}
