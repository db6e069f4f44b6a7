//! Call hooks: a store's hook sees every transition between the guest and the host, and its error or panic ends the guest.

use kinglet::CallHook::{CallingHost, CallingWasm, ReturningFromHost, ReturningFromWasm};
use kinglet::{CallHook, Caller, Error, Extern, Instance, Linker, Result, RunMode, Store, TypedFunc, Val};

use crate::{engine, module};

/// The run modes of this build.
const MODES: &[RunMode] =
    if cfg!(feature = "jit") { &[RunMode::Interpreter, RunMode::Jit] } else { &[RunMode::Interpreter] };

/// A log of transitions, and the one that fails.
#[derive(Default)]
struct Log {
    seen: Vec<CallHook>,
    fails: Option<CallHook>,
}

/// A guest that calls a host function, which calls the guest. Six parameters do not fit into registers.
const GUEST: &str = r#"(module
    (import "host" "few" (func $few (param i32) (result i32)))
    (import "host" "many" (func $many (param i64 i64 i64 i64 i64 i64) (result i64)))
    (func (export "leaf"))
    (func (export "few") (param i32) (result i32) (call $few (local.get 0)))
    (func (export "many") (param i64) (result i64)
        (call $many (local.get 0) (i64.const 2) (i64.const 3) (i64.const 4) (i64.const 5) (i64.const 6))))"#;

fn load(mode: RunMode) -> (Store<Log>, Instance) {
    let engine = engine(|config| {
        config.run_mode(mode);
    });
    let mut linker = Linker::new(&engine);
    let few = |mut caller: Caller<'_, Log>, n: i32| -> Result<i32> {
        let leaf = caller.get_export("leaf").and_then(Extern::into_func).expect("it is exported");
        leaf.typed::<(), ()>(&caller)?.call(&mut caller, ())?;
        Ok(n + 1)
    };
    linker.func_wrap("host", "few", few).unwrap();
    linker.func_wrap("host", "many", |a: i64, b: i64, c: i64, d: i64, e: i64, f: i64| a + b + c + d + e + f).unwrap();
    let mut store = Store::new(&engine, Log::default());
    let instance = linker.instantiate(&mut store, &module(&engine, GUEST)).unwrap();
    store.call_hook(|mut context, transition| {
        context.data_mut().seen.push(transition);
        if context.data().fails == Some(transition) { Err(Error::msg("the hook fails")) } else { Ok(()) }
    });
    (store, instance)
}

fn few(store: &mut Store<Log>, instance: Instance) -> TypedFunc<i32, i32> {
    instance.get_typed_func(store, "few").unwrap()
}

const WHOLE: [CallHook; 6] =
    [CallingWasm, CallingHost, CallingWasm, ReturningFromWasm, ReturningFromHost, ReturningFromWasm];

#[test]
fn a_hook_sees_every_transition_in_order() {
    for mode in MODES {
        let (mut store, instance) = load(*mode);
        assert_eq!(few(&mut store, instance).call(&mut store, 41).unwrap(), 42);
        assert_eq!(std::mem::take(&mut store.data_mut().seen), WHOLE, "{mode:?}");
        let many = instance.get_typed_func::<i64, i64>(&mut store, "many").unwrap();
        assert_eq!(many.call(&mut store, 1).unwrap(), 21);
        assert_eq!(store.data().seen, [CallingWasm, CallingHost, ReturningFromHost, ReturningFromWasm], "{mode:?}");
        assert!(CallingHost.entering_host() && ReturningFromWasm.entering_host());
        assert!(CallingWasm.exiting_host() && ReturningFromHost.exiting_host() && !CallingWasm.entering_host());
    }
}

#[test]
fn a_hook_and_the_measuring_of_host_time_go_together() {
    for mode in MODES {
        let (mut store, instance) = load(*mode);
        store.measure_host_time();
        assert_eq!(few(&mut store, instance).call(&mut store, 1).unwrap(), 2);
        assert_eq!(store.data().seen, WHOLE, "{mode:?}");
        assert!(!store.host_time().is_zero());
    }
}

#[test]
fn an_error_of_the_hook_ends_the_call_wherever_it_comes() {
    for mode in MODES {
        for (fails, seen) in [
            (CallingWasm, &[CallingWasm][..]),
            (CallingHost, &[CallingWasm, CallingHost, ReturningFromWasm]),
            (
                ReturningFromHost,
                &[CallingWasm, CallingHost, CallingWasm, ReturningFromWasm, ReturningFromHost, ReturningFromWasm],
            ),
            (ReturningFromWasm, &WHOLE),
        ] {
            let (mut store, instance) = load(*mode);
            store.data_mut().fails = Some(fails);
            let error = few(&mut store, instance).call(&mut store, 1).unwrap_err();
            assert!(format!("{error:?}").contains("the hook fails"), "{mode:?}: {error:?}");
            assert_eq!(store.data().seen, seen, "{mode:?}: {fails:?}");
            // The store can be used again.
            *store.data_mut() = Log::default();
            assert_eq!(few(&mut store, instance).call(&mut store, 1).unwrap(), 2);
            assert_eq!(store.data().seen, WHOLE, "{mode:?}");
        }
    }
}

#[test]
fn a_panic_of_the_hook_reaches_the_caller() {
    for mode in MODES {
        let (mut store, instance) = load(*mode);
        store.call_hook(|_, transition| {
            assert!(transition != CallingHost, "the hook panics");
            Ok(())
        });
        let f = few(&mut store, instance);
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| f.call(&mut store, 1)));
        assert_eq!(panic.unwrap_err().downcast_ref::<&str>(), Some(&"the hook panics"), "{mode:?}");
    }
}

#[test]
fn a_hook_sees_start_functions_and_resumable_calls() {
    for mode in MODES {
        let (mut store, instance) = load(*mode);
        let start = r#"(module (func $start) (start $start))"#;
        let module = module(store.engine(), start);
        Instance::new(&mut store, &module, &[]).unwrap();
        assert_eq!(std::mem::take(&mut store.data_mut().seen), [CallingWasm, ReturningFromWasm], "{mode:?}");
        let leaf = instance.get_func(&mut store, "leaf").unwrap();
        leaf.call_resumable(&mut store, &[], &mut [] as &mut [Val]).unwrap();
        assert_eq!(store.data().seen, [CallingWasm, ReturningFromWasm], "{mode:?}");
    }
}
