//! Measures pooled instances in Kinglet and Wasmtime: creates a store and an instance, optionally calls a function, and
//! drops both. The modules are one with a page of memory, alone or beside many live instances, and CPython. The path of
//! CPython's module is `KINGLET_PYTHON`, by default that in `target/programs` after `cargo xtask test guest`.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};

/// A module with one page of memory. `add` does not access the page; `note` reads and writes it.
const SMALL: &str = r#"(module
    (memory (export "memory") 1)
    (data (i32.const 16) "a few bytes to begin with")
    (func (export "add") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
    (func (export "note") (param i32) (result i32)
        (i32.store offset=1024 (i32.const 0) (local.get 0))
        (i32.load (i32.const 16))))"#;

/// The numbers of live instances of the small module during a measurement.
const LIVE: [usize; 4] = [1, 100, 1000, 10_000];

/// Generates the measured code for one of the two crates, whose items have the same names.
macro_rules! instances {
    ($name:ident, $engine:ident) => {
        mod $name {
            use $engine::{Engine, InstancePre, Linker, Module, Store};

            pub(crate) struct Prepared {
                engine: Engine,
                pre: InstancePre<()>,
            }

            impl Prepared {
                pub(crate) fn new(engine: &Engine, module: &[u8]) -> Prepared {
                    let module = Module::new(engine, module).unwrap();
                    let mut linker = Linker::new(engine);
                    linker.define_unknown_imports_as_traps(&module).unwrap();
                    Prepared { engine: engine.clone(), pre: linker.instantiate_pre(&module).unwrap() }
                }

                pub(crate) fn instantiate(&self) -> Store<()> {
                    let mut store = Store::new(&self.engine, ());
                    self.pre.instantiate(&mut store).unwrap();
                    store
                }

                pub(crate) fn call(&self, name: &str) -> (Store<()>, i32) {
                    let mut store = Store::new(&self.engine, ());
                    let instance = self.pre.instantiate(&mut store).unwrap();
                    let run = instance.get_typed_func::<i32, i32>(&mut store, name).unwrap();
                    let result = run.call(&mut store, 7).unwrap();
                    (store, result)
                }
            }
        }
    };
}

instances!(with_kinglet, kinglet);
instances!(with_wasmtime, wasmtime);

/// Creates a Kinglet engine without interrupt checks. Wasmtime has none by default either.
fn kinglet(pool: bool) -> kinglet::Engine {
    let mut config = kinglet::Config::new();
    if pool {
        let mut pool = kinglet::PoolingAllocationConfig::new();
        pool.max_unused_warm_slots(11_000);
        config.allocation_strategy(pool);
    }
    config.interruptible(false);
    kinglet::Engine::new(&config).unwrap()
}

fn wasmtime() -> wasmtime::Engine {
    let mut pool = wasmtime::PoolingAllocationConfig::new();
    pool.total_core_instances(11_000).total_memories(11_000).total_tables(11_000);
    let mut config = wasmtime::Config::new();
    config.allocation_strategy(wasmtime::InstanceAllocationStrategy::Pooling(pool));
    wasmtime::Engine::new(&config).unwrap()
}

/// Measures the same operation in each of the engines.
fn compare<T, U>(c: &mut Criterion, group: &str, kinglet: [impl FnMut() -> T; 2], mut wasmtime: impl FnMut() -> U) {
    let mut group = c.benchmark_group(group);
    let [mut pooled, mut on_demand] = kinglet;
    group.bench_function("kinglet", |b| b.iter(|| black_box(pooled())));
    group.bench_function("wasmtime", |b| b.iter(|| black_box(wasmtime())));
    group.bench_function("kinglet without pool", |b| b.iter(|| black_box(on_demand())));
    group.finish();
}

fn measure(c: &mut Criterion) {
    let kinglet = [kinglet(true), kinglet(false)];
    let wasmtime = wasmtime();
    let small = |engine| with_kinglet::Prepared::new(engine, SMALL.as_bytes());
    let (ours, theirs) = (kinglet.each_ref().map(small), with_wasmtime::Prepared::new(&wasmtime, SMALL.as_bytes()));
    compare(c, "small: instantiate, drop", ours.each_ref().map(|it| || it.instantiate()), || theirs.instantiate());
    for name in ["add", "note"] {
        let group = format!("small: instantiate, call {name}, drop");
        compare(c, &group, ours.each_ref().map(|it| || it.call(name)), || theirs.call(name));
    }
    for live in LIVE {
        // One engine after the other, because the process cannot have enough mappings for both.
        let mut group = c.benchmark_group(format!("small: instantiate, call add, drop, beside {live} live"));
        let stores: Vec<_> = (0..live).map(|_| ours[0].call("note")).collect();
        group.bench_function("kinglet", |b| b.iter(|| black_box(ours[0].call("add"))));
        drop(stores);
        let stores: Vec<_> = (0..live).map(|_| theirs.call("note")).collect();
        group.bench_function("wasmtime", |b| b.iter(|| black_box(theirs.call("add"))));
        drop(stores);
        group.finish();
    }
    let python = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/programs/python.wasm");
    let python = std::env::var_os("KINGLET_PYTHON").unwrap_or(python.into());
    let Ok(python) = std::fs::read(python) else {
        println!("skipping CPython: its module is missing");
        return;
    };
    let ours = kinglet.each_ref().map(|engine| with_kinglet::Prepared::new(engine, &python));
    let theirs = with_wasmtime::Prepared::new(&wasmtime, &python);
    compare(c, "CPython: instantiate, drop", ours.each_ref().map(|it| || it.instantiate()), || theirs.instantiate());
}

criterion_group!(instances, measure);
criterion_main!(instances);
