//! Host functions: parameters and results, and errors and panics that cross guest frames.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use kinglet::{
    Caller, Engine, Error, Extern, Func, FuncType, Instance, Linker, Result, Store, Trap, V128, Val, ValType,
    WasmBacktrace,
};

use crate::{module, trap_of};

#[derive(Debug, PartialEq)]
struct Own(u32);

impl fmt::Display for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "own error {}", self.0)
    }
}

impl std::error::Error for Own {}

/// Calls the guest's export `name` from a host function.
fn back_in(caller: &mut Caller<'_, u32>, name: &str) -> Result<()> {
    let func = caller.get_export(name).and_then(Extern::into_func).ok_or_else(|| Error::msg("no such export"))?;
    func.typed::<(), ()>(&*caller)?.call(caller, ())
}

const NESTED: &str = r#"(module
    (import "host" "outer" (func $outer))
    (import "host" "inner" (func $inner))
    (func (export "run") (call $outer))
    (func (export "again") (call $inner))
    (func (export "fine") (result i32) (i32.const 5)))"#;

fn nested(inner: impl Fn(Caller<'_, u32>) -> Result<()> + Send + Sync + 'static) -> (Store<u32>, Instance) {
    let engine = Engine::default();
    let mut linker = Linker::new(&engine);
    linker.func_wrap("host", "outer", |mut caller: Caller<'_, u32>| back_in(&mut caller, "again")).unwrap();
    linker.func_wrap("host", "inner", inner).unwrap();
    let mut store = Store::new(&engine, 0);
    let instance = linker.instantiate(&mut store, &module(&engine, NESTED)).unwrap();
    (store, instance)
}

#[track_caller]
fn assert_still_usable(store: &mut Store<u32>, instance: &Instance) {
    assert_eq!(instance.get_typed_func::<(), i32>(&mut *store, "fine").unwrap().call(store, ()).unwrap(), 5);
}

#[test]
fn an_error_passes_two_levels_of_guests_unchanged() {
    let (mut store, instance) = nested(|_| Err(Own(7).into()));
    let run = instance.get_typed_func::<(), ()>(&mut store, "run").unwrap();
    let error = run.call(&mut store, ()).unwrap_err();
    assert_eq!(error.downcast_ref::<Own>(), Some(&Own(7)));
    assert_eq!(error.downcast::<Own>().unwrap(), Own(7));
    assert_still_usable(&mut store, &instance);
}

#[test]
fn a_panic_passes_two_levels_of_guests_with_its_payload() {
    let (mut store, instance) = nested(|_| std::panic::panic_any(Own(8)));
    let run = instance.get_typed_func::<(), ()>(&mut store, "run").unwrap();
    for _ in 0..3 {
        let panic = catch_unwind(AssertUnwindSafe(|| run.call(&mut store, ()))).unwrap_err();
        assert_eq!(*panic.downcast::<Own>().unwrap(), Own(8));
        assert_still_usable(&mut store, &instance);
    }
}

#[test]
fn a_host_function_can_catch_a_panic_from_below_a_guest() {
    let engine = Engine::default();
    let mut linker = Linker::new(&engine);
    linker
        .func_wrap("host", "outer", |mut caller: Caller<'_, u32>| {
            let caught = catch_unwind(AssertUnwindSafe(|| back_in(&mut caller, "again")));
            assert!(caught.is_err());
            *caller.data_mut() += 1;
        })
        .unwrap();
    linker.func_wrap("host", "inner", || -> Result<()> { std::panic::panic_any(1_u8) }).unwrap();
    let mut store = Store::new(&engine, 0);
    let instance = linker.instantiate(&mut store, &module(&engine, NESTED)).unwrap();
    instance.get_typed_func::<(), ()>(&mut store, "run").unwrap().call(&mut store, ()).unwrap();
    assert_eq!(*store.data(), 1);
    assert_still_usable(&mut store, &instance);
}

#[test]
fn the_backtrace_of_a_trap_continues_below_a_host_function() {
    let engine = Engine::default();
    let text = r#"(module $twice
        (import "host" "f" (func $host))
        (func $run (export "run") (call $host))
        (func $again (export "again") (call $deep))
        (func $deep unreachable))"#;
    let mut linker = Linker::new(&engine);
    linker.func_wrap("host", "f", |mut caller: Caller<'_, u32>| back_in(&mut caller, "again")).unwrap();
    let mut store = Store::new(&engine, 0);
    let instance = linker.instantiate(&mut store, &module(&engine, text)).unwrap();
    let run = instance.get_typed_func::<(), ()>(&mut store, "run").unwrap();
    let error = run.call(&mut store, ()).unwrap_err();
    assert_eq!(trap_of(&error), Trap::Unreachable);
    let backtrace = error.downcast_ref::<WasmBacktrace>().unwrap();
    let names: Vec<_> = backtrace.frames().iter().map(|f| (f.func_name().unwrap(), f.func_index().unwrap())).collect();
    assert_eq!(names, [("deep", 3), ("again", 2), ("run", 1)]);
    assert!(backtrace.frames().iter().all(|f| f.module_name() == Some("twice") && f.offset().is_some()));
}

#[test]
fn a_host_function_can_handle_a_trap() {
    let engine = Engine::default();
    let text = r#"(module
        (import "host" "f" (func $host (result i32)))
        (func (export "run") (param i32) (result i32) (i32.add (local.get 0) (call $host)))
        (func (export "again") unreachable))"#;
    let mut linker = Linker::new(&engine);
    linker
        .func_wrap("host", "f", |mut caller: Caller<'_, u32>| {
            let error = back_in(&mut caller, "again").unwrap_err();
            trap_of(&error) as i32
        })
        .unwrap();
    let mut store = Store::new(&engine, 0);
    let instance = linker.instantiate(&mut store, &module(&engine, text)).unwrap();
    let run = instance.get_typed_func::<i32, i32>(&mut store, "run").unwrap();
    assert_eq!(run.call(&mut store, 41).unwrap(), 42);
}

#[test]
fn closures_have_every_type_of_parameters_and_results() {
    let engine = Engine::default();
    let text = r#"(module
        (import "host" "mix" (func $mix (param i32 i64 f32 f64 v128 externref funcref) (result funcref externref v128 f64 f32 i64 i32)))
        (import "host" "sixteen" (func $sixteen (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
        (import "host" "none" (func $none))
        (func (export "mix") (param i32 i64 f32 f64 v128 externref funcref) (result funcref externref v128 f64 f32 i64 i32)
            (call $none)
            (call $mix (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4) (local.get 5) (local.get 6)))
        (func (export "sixteen") (result i32)
            (call $sixteen (i32.const 1) (i32.const 2) (i32.const 3) (i32.const 4) (i32.const 5) (i32.const 6) (i32.const 7)
                (i32.const 8) (i32.const 9) (i32.const 10) (i32.const 11) (i32.const 12) (i32.const 13) (i32.const 14)
                (i32.const 15) (i32.const 16))))"#;
    type Ref = Option<kinglet::Rooted<kinglet::ExternRef>>;
    type Fun = Option<Func>;
    let mut linker: Linker<()> = Linker::new(&engine);
    let mix = |a: i32, b: i64, c: f32, d: f64, e: V128, f: Ref, g: Fun| (g, f, e, d, c, b, a);
    linker.func_wrap("host", "mix", mix).unwrap();
    linker.func_wrap("host", "none", |_: Caller<'_, ()>| ()).unwrap();
    #[rustfmt::skip]
    linker.func_wrap("host", "sixteen", |a: i32, b: i32, c: i32, d: i32, e: i32, f: i32, g: i32, h: i32,
        i: i32, j: i32, k: i32, l: i32, m: i32, n: i32, o: i32, p: i32| -> Result<i32> {
        Ok([a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p].iter().zip(1..).map(|(v, at)| v * at).sum())
    }).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate(&mut store, &module(&engine, text)).unwrap();
    let object = kinglet::ExternRef::new(&mut store, 3).unwrap();
    let f = instance.get_func(&mut store, "sixteen");
    let mix = instance.get_typed_func::<(i32, i64, f32, f64, V128, Ref, Fun), (Fun, Ref, V128, f64, f32, i64, i32)>(
        &mut store, "mix",
    );
    let given = (1, 2, 3.0, 4.0, V128::from_u128(5 << 99), Some(object), f);
    let back = mix.unwrap().call(&mut store, given).unwrap();
    assert_eq!((back.0, back.1, back.2.to_u128()), (f, Some(object), 5 << 99));
    assert_eq!((back.3, back.4, back.5, back.6), (4.0, 3.0, 2, 1));
    let sixteen = f.unwrap().typed::<(), i32>(&store).unwrap();
    assert_eq!(sixteen.call(&mut store, ()).unwrap(), (1..=16).map(|i| i * i).sum::<i32>());
}

#[test]
fn results_of_an_untyped_closure_are_checked() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let ty = FuncType::new([], [ValType::I32, ValType::I64]);
    let f = Func::try_new(&mut store, ty.clone(), |_, _, results| {
        results[1] = Val::F64(0);
        Ok(())
    });
    let f = f.unwrap();
    let error = f.call(&mut store, &[], &mut [Val::I32(0), Val::I32(0)]).unwrap_err();
    assert!(error.to_string().contains("expected a value of type i64, found f64"), "{error}");
    // A result that the closure does not set is zero.
    let f = Func::try_new(&mut store, ty, |_, _, _| Ok(())).unwrap();
    let mut back = [Val::I32(1), Val::I32(1)];
    f.call(&mut store, &[], &mut back).unwrap();
    assert_eq!((back[0].i32(), back[1].i64()), (Some(0), Some(0)));
}

#[test]
fn the_host_can_call_host_functions() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, 1_u32);
    let f = Func::wrap(&mut store, |mut caller: Caller<'_, u32>, x: i32| {
        assert!(caller.get_export("memory").is_none());
        *caller.data_mut() += x as u32;
        x + 1
    });
    assert_eq!(f.typed::<i32, i32>(&store).unwrap().call(&mut store, 4).unwrap(), 5);
    assert_eq!(store.into_data(), 5);
    let mut store = Store::new(&engine, 1_u32);
    let f = Func::wrap(&mut store, || -> Result<()> { Err(Own(1).into()) });
    assert_eq!(f.call(&mut store, &[], &mut []).unwrap_err().downcast_ref::<Own>(), Some(&Own(1)));
    let f = Func::wrap(&mut store, || -> Result<()> { std::panic::panic_any(2_u16) });
    let panic = catch_unwind(AssertUnwindSafe(|| f.call(&mut store, &[], &mut []))).unwrap_err();
    assert_eq!(panic.downcast_ref::<u16>(), Some(&2));
}

#[test]
fn a_host_function_has_access_to_its_calling_instance() {
    // The helper calls in every possible way; its caller has its own memory.
    let engine = Engine::default();
    let helper = r#"(module
        (type $t (func (result i32)))
        (import "host" "first" (func $first (type $t)))
        (memory (export "memory") 1)
        (data (i32.const 0) "\02")
        (table funcref (elem $first))
        (elem declare func $first)
        (func (export "call") (type $t) (call $first))
        (func (export "call_indirect") (type $t) (call_indirect (type $t) (i32.const 0)))
        (func (export "call_ref") (type $t) (call_ref $t (ref.func $first)))
        (func (export "return_call") (type $t) (return_call $first))
        (func (export "return_call_indirect") (type $t) (return_call_indirect (type $t) (i32.const 0)))
        (func (export "return_call_ref") (type $t) (return_call_ref $t (ref.func $first))))"#;
    let main = |name: &str| {
        format!(
            r#"(module
                (import "helper" "{name}" (func $f (result i32)))
                (memory (export "memory") 1)
                (data (i32.const 0) "\01")
                (func (export "run") (result i32)
                    (i32.add (i32.mul (call $f) (i32.const 10)) (i32.load8_u (i32.const 0)))))"#
        )
    };
    let mut linker = Linker::new(&engine);
    linker
        .func_wrap("host", "first", |mut caller: Caller<'_, ()>| -> Result<i32> {
            let memory = caller.get_export("memory").and_then(Extern::into_memory);
            let memory = memory.ok_or_else(|| Error::msg("no memory"))?;
            Ok(memory.data(&caller)[0].into())
        })
        .unwrap();
    let mut store = Store::new(&engine, ());
    let helper = linker.instantiate(&mut store, &module(&engine, helper)).unwrap();
    linker.instance(&mut store, "helper", helper).unwrap();
    for name in ["call", "call_indirect", "call_ref", "return_call", "return_call_indirect", "return_call_ref"] {
        let instance = linker.instantiate(&mut store, &module(&engine, &main(name))).unwrap();
        let run = instance.get_typed_func::<(), i32>(&mut store, "run").unwrap();
        assert_eq!(run.call(&mut store, ()).unwrap(), 21, "{name}");
    }
}

#[test]
fn ten_million_tail_calls_before_a_host_function_take_constant_space() {
    let engine = Engine::default();
    let text = r#"(module
        (import "host" "last" (func $last (param i32) (result i32)))
        (func $a (export "a") (param i32) (result i32)
            (if (i32.eqz (local.get 0)) (then (return_call $last (i32.const 6))))
            (return_call $b (i32.sub (local.get 0) (i32.const 1))))
        (func $b (param i32) (result i32) (return_call $a (local.get 0))))"#;
    let mut linker: Linker<()> = Linker::new(&engine);
    linker.func_wrap("host", "last", |x: i32| x * 7).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate(&mut store, &module(&engine, text)).unwrap();
    let a = instance.get_typed_func::<i32, i32>(&mut store, "a").unwrap();
    assert_eq!(a.call(&mut store, 5_000_000).unwrap(), 42);
}

#[test]
fn captured_values_are_dropped_with_their_owners() {
    let engine = Engine::default();
    let count = Arc::new(());
    let calls = Arc::new(AtomicUsize::new(0));
    let mut linker: Linker<()> = Linker::new(&engine);
    let (held, counter) = (count.clone(), calls.clone());
    linker
        .func_wrap("host", "f", move || {
            let _ = &held;
            counter.fetch_add(1, Ordering::Relaxed);
        })
        .unwrap();
    let module = module(&engine, r#"(module (import "host" "f" (func $f)) (start $f))"#);
    let mut store = Store::new(&engine, ());
    for _ in 0..10 {
        linker.instantiate(&mut store, &module).unwrap();
    }
    drop(linker);
    assert_eq!((Arc::strong_count(&count), calls.load(Ordering::Relaxed)), (2, 10));
    drop(store);
    assert_eq!(Arc::strong_count(&count), 1);
}

#[test]
fn diverging_closures_have_no_results() {
    use std::convert::Infallible;
    let engine = Engine::default();
    let mut linker: Linker<()> = Linker::new(&engine);
    linker.func_wrap("host", "panic", |_: i32| panic!("asked for")).unwrap();
    linker.func_wrap("host", "fail", || -> Result<Infallible> { Err(kinglet::Error::msg("never")) }).unwrap();
    let text = r#"(module
        (import "host" "panic" (func $panic (param i32))) (import "host" "fail" (func $fail))
        (func (export "panic") (call $panic (i32.const 1))) (func (export "fail") (call $fail)))"#;
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate(&mut store, &module(&engine, text)).unwrap();
    let fail = instance.get_typed_func::<(), ()>(&mut store, "fail").unwrap();
    assert!(fail.call(&mut store, ()).unwrap_err().to_string().starts_with("never\n    0: fail (func[3])"));
    let panic = instance.get_typed_func::<(), ()>(&mut store, "panic").unwrap();
    let payload = catch_unwind(AssertUnwindSafe(|| panic.call(&mut store, ()))).unwrap_err();
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"asked for"));
}

#[test]
fn nested_host_functions_count_their_time_once() {
    let pause = Duration::from_millis(20);
    let (mut store, instance) = nested(move |_| {
        std::thread::sleep(pause);
        Ok(())
    });
    let run = instance.get_typed_func::<(), ()>(&mut store, "run").unwrap();
    run.call(&mut store, ()).unwrap();
    assert_eq!(store.host_time(), Duration::ZERO, "timing is off by default");
    store.measure_host_time();
    let start = Instant::now();
    run.call(&mut store, ()).unwrap();
    let spent = store.host_time();
    assert!((pause..=start.elapsed()).contains(&spent), "{spent:?}");
}
