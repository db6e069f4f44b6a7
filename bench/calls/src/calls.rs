//! Measures calls between host and guest in Kinglet and Wasmtime: from host to guest through a typed function, from
//! guest to host, and from guest to guest across instances. The callee is always an addition.

use criterion::{Criterion, criterion_group, criterion_main};
use kinglet::{Config, Engine, RunMode};

/// The callee.
const CALLEE: &str = r#"(module (func (export "add") (param i32 i32) (result i32)
    (i32.add (local.get 0) (local.get 1))))"#;

/// Calls the imported function `n` times, to add 1 each time.
const CALLER: &str = r#"(module (import "m" "add" (func $add (param i32 i32) (result i32)))
    (func (export "run") (param $n i32) (result i32) (local $sum i32)
        (loop $l
            (local.set $sum (call $add (local.get $sum) (i32.const 1)))
            (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (local.get $sum)))"#;

/// The number of calls that the guest makes per call of the host.
const CALLS: i32 = 1000;

/// Generates the measured code for one of the two crates, whose items have the same names.
macro_rules! calls {
    ($name:ident, $engine:ident) => {
        mod $name {
            use $engine::{Engine, Func, Instance, Module, Store, TypedFunc};

            use super::{CALLEE, CALLER};

            pub(crate) struct Calls {
                pub(crate) store: Store<()>,
                pub(crate) add: TypedFunc<(i32, i32), i32>,
                pub(crate) to_host: TypedFunc<i32, i32>,
                pub(crate) to_guest: TypedFunc<i32, i32>,
            }

            pub(crate) fn calls(engine: &Engine) -> Calls {
                let mut store = Store::new(engine, ());
                let callee = Instance::new(&mut store, &Module::new(engine, CALLEE).unwrap(), &[]).unwrap();
                let caller = Module::new(engine, CALLER).unwrap();
                let host = Func::wrap(&mut store, |a: i32, b: i32| a.wrapping_add(b));
                let to_host = Instance::new(&mut store, &caller, &[host.into()]).unwrap();
                let add = callee.get_func(&mut store, "add").unwrap();
                let to_guest = Instance::new(&mut store, &caller, &[add.into()]).unwrap();
                let run = |instance: Instance, store: &mut Store<()>| instance.get_typed_func(store, "run").unwrap();
                let (to_host, to_guest) = (run(to_host, &mut store), run(to_guest, &mut store));
                let add = add.typed(&store).unwrap();
                Calls { store, add, to_host, to_guest }
            }
        }
    };
}

calls!(with_kinglet, kinglet);
calls!(with_wasmtime, wasmtime);

/// Creates a Kinglet engine without interrupt checks. Wasmtime has none by default either.
fn engine(mode: RunMode) -> Engine {
    Engine::new(Config::new().run_mode(mode).interruptible(false)).unwrap()
}

fn measure(c: &mut Criterion) {
    let mut kinglet = with_kinglet::calls(&engine(RunMode::Jit));
    let mut interpreter = with_kinglet::calls(&engine(RunMode::Interpreter));
    let mut wasmtime = with_wasmtime::calls(&wasmtime::Engine::default());

    let mut group = c.benchmark_group("host to guest");
    group.bench_function("kinglet", |b| b.iter(|| kinglet.add.call(&mut kinglet.store, (1, 2)).unwrap()));
    group.bench_function("wasmtime", |b| b.iter(|| wasmtime.add.call(&mut wasmtime.store, (1, 2)).unwrap()));
    group.bench_function("interpreter", |b| b.iter(|| interpreter.add.call(&mut interpreter.store, (1, 2)).unwrap()));
    group.finish();

    let mut group = c.benchmark_group("guest to host and back, a thousand times");
    group.bench_function("kinglet", |b| b.iter(|| kinglet.to_host.call(&mut kinglet.store, CALLS).unwrap()));
    group.bench_function("wasmtime", |b| b.iter(|| wasmtime.to_host.call(&mut wasmtime.store, CALLS).unwrap()));
    group
        .bench_function("interpreter", |b| b.iter(|| interpreter.to_host.call(&mut interpreter.store, CALLS).unwrap()));
    group.finish();

    let mut group = c.benchmark_group("guest to guest across instances, a thousand times");
    group.bench_function("kinglet", |b| b.iter(|| kinglet.to_guest.call(&mut kinglet.store, CALLS).unwrap()));
    group.bench_function("wasmtime", |b| b.iter(|| wasmtime.to_guest.call(&mut wasmtime.store, CALLS).unwrap()));
    group.bench_function("interpreter", |b| {
        b.iter(|| interpreter.to_guest.call(&mut interpreter.store, CALLS).unwrap())
    });
    group.finish();
}

criterion_group!(calls, measure);
criterion_main!(calls);
