//! One module, compiled once, that runs on several threads. Each thread has its own store.

use std::thread;

use kinglet::{Engine, Linker, Module, Result, Store};

const GUEST: &str = r#"(module
    (import "host" "step" (func $step (param i64) (result i64)))
    (func (export "sum") (param $n i64) (result i64) (local $sum i64)
        (loop $next
            (local.set $sum (i64.add (local.get $sum) (call $step (local.get $n))))
            (br_if $next (i64.ne (local.tee $n (i64.sub (local.get $n) (i64.const 1))) (i64.const 0))))
        (local.get $sum)))"#;

fn main() -> Result<()> {
    let engine = Engine::default();
    let module = Module::new(&engine, GUEST)?;
    let mut linker: Linker<i64> = Linker::new(&engine);
    linker.func_wrap("host", "step", |caller: kinglet::Caller<'_, i64>, n: i64| n * caller.data())?;

    let run = |factor: i64| -> Result<i64> {
        let mut store = Store::new(&engine, factor);
        let instance = linker.instantiate(&mut store, &module)?;
        instance.get_typed_func::<i64, i64>(&mut store, "sum")?.call(&mut store, 1000)
    };
    let sums: Vec<Result<i64>> = thread::scope(|scope| {
        let run = &run;
        let threads: Vec<_> = (1..=4).map(|factor| scope.spawn(move || run(factor))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no thread panics")).collect()
    });
    for (factor, sum) in (1..).zip(sums) {
        println!("thread {factor}: {}", sum?);
    }
    Ok(())
}
