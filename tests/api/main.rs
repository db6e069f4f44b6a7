//! The embedding API from outside, as an embedder uses it: every promise of its documentation that a test can check,
//! above all what happens when guests or hosts misbehave. One module per subject.

#[cfg(feature = "jit")]
mod cache;
mod call;
#[cfg(feature = "jit")]
mod compile_limit;
mod config;
mod data;
mod dwarf;
mod event;
mod example;
mod gas;
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

/// An engine with some settings.
fn engine(set: impl FnOnce(&mut Config)) -> Engine {
    let mut config = Config::new();
    set(&mut config);
    Engine::new(&config).expect("the settings agree")
}

/// An engine on which guests can throw.
fn throwing_engine() -> Engine {
    engine(|config| {
        config.feature(Feature::Exceptions, true);
    })
}

#[track_caller]
fn module(engine: &Engine, text: &str) -> Module {
    Module::new(engine, text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// A store that has all the gas there can be, if the engine meters.
fn store(engine: &Engine) -> Store<()> {
    let mut store = Store::new(engine, ());
    let _ = store.set_gas(u64::MAX);
    store
}

/// An instance without imports in a store of its own.
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

/// The trap that an error is.
#[track_caller]
fn trap_of(error: &Error) -> Trap {
    *error.downcast_ref::<Trap>().unwrap_or_else(|| panic!("not a trap: {error:?}"))
}

/// How a function without parameters or results traps.
#[track_caller]
fn trap(store: &mut Store<()>, instance: &Instance, name: &str) -> Trap {
    let func = instance.get_typed_func::<(), ()>(&mut *store, name).expect("it is exported");
    trap_of(&func.call(store, ()).expect_err("it traps"))
}
