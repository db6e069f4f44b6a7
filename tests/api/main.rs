//! Tests of the embedding API from outside, as an embedder uses it. They check the documented guarantees, above all for
//! faulty guests and hosts. One module per subject.

#[cfg(feature = "jit")]
mod cache;
mod call;
#[cfg(feature = "jit")]
mod compile_limit;
mod config;
mod data;
mod dwarf;
mod epoch;
mod event;
mod example;
mod gas;
mod hook;
mod host;
mod hostile;
#[cfg(all(target_os = "linux", target_pointer_width = "64", feature = "jit"))]
mod injected;
mod interrupt;
mod large;
mod lifetime;
mod limit;
mod link;
#[cfg(feature = "jit")]
mod listing;
#[cfg(feature = "jit")]
mod nan;
#[cfg(feature = "jit")]
mod native;
#[cfg(feature = "jit")]
mod op;
mod overflow;
mod pool;
#[cfg(feature = "jit")]
mod precompiled;
#[cfg(all(target_os = "linux", feature = "jit"))]
mod refused;
#[cfg(target_os = "linux")]
mod release;
mod resumable;
#[cfg(all(target_os = "linux", feature = "jit"))]
mod scarce;
mod stale;
mod thread;
#[cfg(feature = "jit")]
mod tier_up;
#[cfg(feature = "jit")]
mod tracer;
mod trap;
mod types;

use kinglet::{Config, Engine, Error, Feature, Instance, Module, Store, Trap};

/// Returns an engine with the given settings.
fn engine(set: impl FnOnce(&mut Config)) -> Engine {
    let mut config = Config::new();
    set(&mut config);
    Engine::new(&config).expect("the settings are valid")
}

/// Returns an engine whose guests can throw exceptions.
fn throwing_engine() -> Engine {
    engine(|config| {
        config.feature(Feature::Exceptions, true);
    })
}

#[track_caller]
fn module(engine: &Engine, text: &str) -> Module {
    Module::new(engine, text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Returns a store, with all the gas that a store can have if the engine meters.
fn store(engine: &Engine) -> Store<()> {
    let mut store = Store::new(engine, ());
    let _ = store.set_gas(u64::MAX);
    store
}

/// Returns an instance without imports, in a new store.
#[track_caller]
fn load_with(engine: &Engine, text: &str) -> (Store<()>, Instance) {
    let mut store = store(engine);
    let instance = Instance::new(&mut store, &module(engine, text), &[]).expect("the module can be instantiated");
    (store, instance)
}

#[track_caller]
fn load(text: &str) -> (Store<()>, Instance) {
    load_with(&Engine::default(), text)
}

/// Returns the trap in an error.
#[track_caller]
fn trap_of(error: &Error) -> Trap {
    *error.downcast_ref::<Trap>().unwrap_or_else(|| panic!("not a trap: {error:?}"))
}

/// Calls a function without parameters and results, and returns its trap.
#[track_caller]
fn trap(store: &mut Store<()>, instance: &Instance, name: &str) -> Trap {
    let func = instance.get_typed_func::<(), ()>(&mut *store, name).expect("the function is exported");
    trap_of(&func.call(store, ()).expect_err("the call traps"))
}
