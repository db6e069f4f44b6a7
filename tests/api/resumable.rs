//! Resumable calls, paused by a host function's error, in the interpreter and in native code.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kinglet::{
    Caller, Config, Engine, Error, ExternRef, Feature, Func, FuncType, Instance, Linker, Result, ResumableCall,
    ResumableCallHostTrap, RunMode, Store, Trap, TypedResumableCall, V128, Val, ValType,
};

use crate::{module, trap_of};

/// The error of host functions in these tests.
#[derive(Debug, PartialEq)]
struct Ask(i32);

impl std::fmt::Display for Ask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "asked for {}", self.0)
    }
}

impl std::error::Error for Ask {}

/// Returns engines of all run modes.
fn engines(set: impl Fn(&mut Config)) -> Vec<Engine> {
    let modes = if cfg!(feature = "jit") { &[RunMode::Interpreter, RunMode::Jit][..] } else { &[RunMode::Interpreter] };
    let engine = |mode: &RunMode| {
        let mut config = Config::new();
        set(config.run_mode(*mode));
        Engine::new(&config).unwrap()
    };
    modes.iter().map(engine).collect()
}

/// Returns an instance whose import `ask` fails with its argument.
fn asking(engine: &Engine, text: &str) -> (Store<u32>, Instance) {
    let mut linker = Linker::new(engine);
    linker.func_wrap("host", "ask", |x: i32| -> Result<i32> { Err(Ask(x).into()) }).unwrap();
    let mut store = Store::new(engine, 0);
    let instance = linker.instantiate(&mut store, &module(engine, text)).unwrap();
    (store, instance)
}

const SUMS: &str = r#"(module
  (import "host" "ask" (func $ask (param i32) (result i32)))
  (func (export "one") (param i32) (result i32) (i32.add (i32.const 1000) (call $ask (local.get 0))))
  (func $down (export "down") (param i32) (result i32)
    (if (result i32) (i32.eqz (local.get 0))
      (then (i32.const 0))
      (else (i32.add (call $ask (local.get 0)) (call $down (i32.sub (local.get 0) (i32.const 1)))))))
  (func $deep (export "deep") (param i32) (result i32)
    (if (result i32) (i32.eqz (local.get 0))
      (then (call $ask (i32.const 7)))
      (else (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1)))))))
  (func (export "divide") (param i32) (result i32) (i32.div_u (i32.const 10) (call $ask (local.get 0))))
  (func (export "spin") (param i32) (result i32) (drop (call $ask (local.get 0))) (loop (br 0)) (unreachable))
  (func $recurse (param i32) (result i32) (i32.add (i32.const 1) (call $recurse (local.get 0))))
  (func (export "overflow") (param i32) (result i32) (call $recurse (call $ask (local.get 0)))))"#;

#[track_caller]
fn paused(call: Result<ResumableCall>) -> ResumableCallHostTrap {
    match call {
        Ok(ResumableCall::HostTrap(paused)) => paused,
        other => panic!("not paused: {other:?}"),
    }
}

#[track_caller]
fn asked(paused: &ResumableCallHostTrap) -> i32 {
    paused.host_error().downcast_ref::<Ask>().expect("the error comes from the host function").0
}

#[track_caller]
fn call(store: &mut Store<u32>, instance: &Instance, name: &str, argument: i32) -> ResumableCallHostTrap {
    let func = instance.get_func(&mut *store, name).unwrap();
    paused(func.call_resumable(store, &[Val::I32(argument)], &mut [Val::I32(0)]))
}

#[track_caller]
fn finish(store: &mut Store<u32>, paused: ResumableCallHostTrap, input: i32) -> Result<i32> {
    let mut results = [Val::I32(0)];
    match paused.resume(store, &[Val::I32(input)], &mut results)? {
        ResumableCall::Finished => Ok(results[0].i32().unwrap()),
        ResumableCall::HostTrap(paused) => panic!("paused again: {paused:?}"),
    }
}

#[test]
fn a_resumed_call_continues_with_the_hosts_values() {
    for engine in engines(|_| ()) {
        let (mut store, instance) = asking(&engine, SUMS);
        let waiting = call(&mut store, &instance, "one", 5);
        assert_eq!(asked(&waiting), 5);
        assert_eq!(waiting.host_func().ty(&store).to_string(), "func (param i32) (result i32)");
        assert_eq!(finish(&mut store, waiting, 42).unwrap(), 1042);
    }
}

#[test]
fn typed_and_untyped_calls_pause_at_every_host_error() {
    for engine in engines(|_| ()) {
        let (mut store, instance) = asking(&engine, SUMS);
        let down = instance.get_typed_func::<i32, i32>(&mut store, "down").unwrap();
        for _ in 0..3 {
            let mut call = down.call_resumable(&mut store, 100).unwrap();
            let mut left = 100;
            let sum = loop {
                match call {
                    TypedResumableCall::Finished(sum) => break sum,
                    TypedResumableCall::HostTrap(paused) => {
                        assert_eq!(paused.host_error().downcast_ref(), Some(&Ask(left)));
                        assert_eq!(paused.host_func().ty(&store).results(), [ValType::I32]);
                        left -= 1;
                        call = paused.resume(&mut store, &[Val::I32(2)]).unwrap();
                    }
                }
            };
            assert_eq!((sum, left), (200, 0));
        }
        let TypedResumableCall::HostTrap(paused) = down.call_resumable(&mut store, 1).unwrap() else { panic!() };
        assert_eq!(paused.into_host_error().downcast::<Ask>().unwrap(), Ask(1));
    }
}

#[test]
fn results_of_every_type_reach_the_guest() {
    let types =
        [ValType::I32, ValType::I64, ValType::F32, ValType::F64, ValType::V128, ValType::FUNCREF, ValType::EXTERNREF];
    for engine in engines(|_| ()) {
        let mut store = Store::new(&engine, 0);
        let ty = FuncType::new([], types);
        let fail = Func::try_new(&mut store, ty, |_, _, _| Err(Ask(0).into())).unwrap();
        let module = module(
            &engine,
            r#"(module (type $t (func (result i32 i64 f32 f64 v128 funcref externref)))
                (import "host" "fail" (func $fail (type $t))) (func (export "run") (type $t) (call $fail)))"#,
        );
        let instance = Instance::new(&mut store, &module, &[fail.into()]).unwrap();
        let value = ExternRef::new(&mut store, "a value").unwrap();
        let run = instance.get_func(&mut store, "run").unwrap();
        let inputs = [
            Val::I32(-1),
            Val::I64(i64::MIN),
            Val::F32(1.5_f32.to_bits()),
            Val::F64((-0.0_f64).to_bits()),
            Val::V128(V128::from_u128(u128::MAX - 5)),
            Val::FuncRef(Some(run)),
            Val::ExternRef(Some(value)),
        ];
        let mut outputs = vec![Val::I32(0); 7];
        let waiting = paused(run.call_resumable(&mut store, &[], &mut outputs));
        assert_eq!(waiting.host_func(), fail);
        let ResumableCall::Finished = waiting.resume(&mut store, &inputs, &mut outputs).unwrap() else { panic!() };
        assert_eq!(format!("{outputs:?}"), format!("{inputs:?}"));
    }
}

#[test]
fn calls_can_be_resumed_in_any_order_and_others_run_meanwhile() {
    for engine in engines(|_| ()) {
        let (mut store, instance) = asking(&engine, SUMS);
        let mut waiting: Vec<_> = (0..20).map(|i| call(&mut store, &instance, "deep", i * 50)).collect();
        // The host's error ends an ordinary call in between.
        let one = instance.get_typed_func::<i32, i32>(&mut store, "one").unwrap();
        assert_eq!(one.call(&mut store, 3).unwrap_err().downcast_ref(), Some(&Ask(3)));
        let mut order = 7;
        while !waiting.is_empty() {
            order = (order * 31) % 101;
            let index = order % waiting.len();
            let ask = waiting.remove(index);
            assert_eq!(asked(&ask), 7);
            let sum = finish(&mut store, ask, 10_000).unwrap();
            assert_eq!((sum - 10_000) % 50, 0);
        }
    }
}

#[test]
fn paused_calls_are_dropped_with_their_handle_or_store() {
    for engine in engines(|_| ()) {
        let captured = Arc::new(());
        let (mut store, instance) = asking(&engine, SUMS);
        let held = captured.clone();
        Func::wrap(&mut store, move || assert_eq!(*held, ()));
        for i in 0..2000 {
            drop(call(&mut store, &instance, "deep", i % 100));
        }
        let _kept: Vec<_> = (0..50).map(|i| call(&mut store, &instance, "deep", i)).collect();
        let one = call(&mut store, &instance, "one", 1);
        assert_eq!(finish(&mut store, one, 2).unwrap(), 1002);
        assert_eq!(Arc::strong_count(&captured), 2);
        drop(store);
        assert_eq!(Arc::strong_count(&captured), 1);
    }
}

#[test]
fn taking_a_stores_data_ends_its_paused_calls() {
    for engine in engines(|_| ()) {
        let (mut store, instance) = asking(&engine, SUMS);
        let _kept = call(&mut store, &instance, "deep", 10);
        *store.data_mut() = 9;
        assert_eq!(store.into_data(), 9);
    }
}

#[test]
fn a_resumed_call_can_trap_run_out_of_gas_overflow_and_be_interrupted() {
    for engine in engines(|config| {
        config.gas(true).interruptible(true);
    }) {
        let (mut store, instance) = asking(&engine, SUMS);
        store.set_gas(1_000_000).unwrap();
        let divide = call(&mut store, &instance, "divide", 5);
        let error = finish(&mut store, divide, 0).unwrap_err();
        assert_eq!(trap_of(&error), Trap::IntegerDivideByZero);
        let backtrace = error.downcast_ref::<kinglet::WasmBacktrace>().unwrap();
        assert_eq!(backtrace.frames().len(), 1);

        let spin = call(&mut store, &instance, "spin", 5);
        assert!(store.gas() > 100_000);
        assert_eq!(trap_of(&finish(&mut store, spin, 0).unwrap_err()), Trap::OutOfGas);

        store.set_gas(u64::MAX).unwrap();
        let overflow = call(&mut store, &instance, "overflow", 5);
        assert_eq!(trap_of(&finish(&mut store, overflow, 0).unwrap_err()), Trap::StackOverflow);

        let spin = call(&mut store, &instance, "spin", 5);
        let handle = store.interrupt_handle();
        let interrupter = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(30));
            handle.interrupt();
        });
        assert_eq!(trap_of(&finish(&mut store, spin, 0).unwrap_err()), Trap::Interrupted);
        interrupter.join().unwrap();
        let one = call(&mut store, &instance, "one", 1);
        assert_eq!(finish(&mut store, one, 2).unwrap(), 1002);
    }
}

#[test]
fn resuming_with_wrong_values_or_stores_is_an_error() {
    for engine in engines(|_| ()) {
        let (mut store, instance) = asking(&engine, SUMS);
        let one = instance.get_func(&mut store, "one").unwrap();
        let mut results = [Val::I32(0)];
        assert!(one.call_resumable(&mut store, &[], &mut results).is_err());
        for inputs in [&[][..], &[Val::I64(1)], &[Val::I32(1), Val::I32(2)]] {
            let waiting = paused(one.call_resumable(&mut store, &[Val::I32(1)], &mut results));
            waiting.resume(&mut store, inputs, &mut results).unwrap_err();
        }
        let waiting = paused(one.call_resumable(&mut store, &[Val::I32(1)], &mut results));
        waiting.resume(&mut store, &[Val::I32(1)], &mut []).unwrap_err();
        let waiting = paused(one.call_resumable(&mut store, &[Val::I32(1)], &mut results));
        let (mut other, _) = asking(&engine, SUMS);
        let error = waiting.resume(&mut other, &[Val::I32(1)], &mut [Val::I32(0)]).unwrap_err();
        assert!(error.to_string().contains("a store that it does not belong to"), "{error}");
        let one = call(&mut store, &instance, "one", 1);
        assert_eq!(finish(&mut store, one, 2).unwrap(), 1002);
    }
}

#[test]
fn a_paused_call_moves_between_threads_with_its_store() {
    for engine in engines(|_| ()) {
        let (mut store, instance) = asking(&engine, SUMS);
        let mut waiting = call(&mut store, &instance, "down", 50);
        for left in (1..50).rev() {
            (store, waiting) = std::thread::spawn(move || {
                let next = paused(waiting.resume(&mut store, &[Val::I32(1)], &mut [Val::I32(0)]));
                assert_eq!(asked(&next), left);
                (store, next)
            })
            .join()
            .unwrap();
        }
        // The fault occurs on another thread than the one that started the call.
        let divide = call(&mut store, &instance, "divide", 5);
        let (mut store, result) = std::thread::spawn(move || {
            let result = finish(&mut store, divide, 0);
            (store, result)
        })
        .join()
        .unwrap();
        assert_eq!(trap_of(&result.unwrap_err()), Trap::IntegerDivideByZero);
        assert_eq!(finish(&mut store, waiting, 1).unwrap(), 50);
    }
}

/// `outer` calls back into the guest, which calls `ask`.
const NESTED: &str = r#"(module
  (import "host" "ask" (func $ask (param i32) (result i32)))
  (import "host" "outer" (func $outer (param i32) (result i32)))
  (func (export "inner") (param i32) (result i32) (i32.add (i32.const 10) (call $ask (local.get 0))))
  (func (export "run") (param i32) (result i32) (i32.add (i32.const 100) (call $outer (local.get 0)))))"#;

fn nested(
    engine: &Engine,
    outer: impl Fn(Caller<'_, u32>, Func, i32) -> Result<i32> + Send + Sync + 'static,
) -> (Store<u32>, Instance) {
    let mut linker = Linker::new(engine);
    linker.func_wrap("host", "ask", |x: i32| -> Result<i32> { Err(Ask(x).into()) }).unwrap();
    let outer = move |mut caller: Caller<'_, u32>, x: i32| {
        let inner = caller.get_export("inner").and_then(|export| export.into_func()).unwrap();
        outer(caller, inner, x)
    };
    linker.func_wrap("host", "outer", outer).unwrap();
    let mut store = Store::new(engine, 0);
    let instance = linker.instantiate(&mut store, &module(engine, NESTED)).unwrap();
    (store, instance)
}

#[test]
fn an_error_below_a_host_function_pauses_only_the_inner_call() {
    for engine in engines(|_| ()) {
        let (mut store, instance) = nested(&engine, |mut caller, inner, x| {
            let error = inner.call(&mut caller, &[Val::I32(x)], &mut [Val::I32(0)]).unwrap_err();
            assert_eq!(error.downcast_ref(), Some(&Ask(x)));
            Err(Ask(x + 1).into())
        });
        let waiting = call(&mut store, &instance, "run", 5);
        assert_eq!(asked(&waiting), 6);
        assert_eq!(finish(&mut store, waiting, 1).unwrap(), 101);
    }
}

#[test]
fn a_host_function_can_resume_its_own_calls() {
    for engine in engines(|_| ()) {
        let (mut store, instance) = nested(&engine, |mut caller, inner, x| {
            let mut results = [Val::I32(0)];
            let waiting = paused(inner.call_resumable(&mut caller, &[Val::I32(x)], &mut results));
            let ResumableCall::Finished = waiting.resume(&mut caller, &[Val::I32(x)], &mut results)? else { panic!() };
            match x {
                5 => Err(Ask(results[0].i32().unwrap()).into()),
                _ => Ok(results[0].i32().unwrap()),
            }
        });
        let waiting = call(&mut store, &instance, "run", 5);
        assert_eq!(asked(&waiting), 15);
        assert_eq!(finish(&mut store, waiting, 1).unwrap(), 101);
        let run = instance.get_typed_func::<i32, i32>(&mut store, "run").unwrap();
        assert_eq!(run.call(&mut store, 6).unwrap(), 116);
    }
}

#[test]
fn traps_panics_and_host_functions_called_by_the_host_do_not_pause() {
    for engine in engines(|_| ()) {
        let mut store = Store::new(&engine, 0);
        let text = r#"(module (import "host" "fail" (func $fail)) (func (export "run") (call $fail)))"#;
        let module = module(&engine, text);
        let trap = Func::wrap(&mut store, || -> Result<()> { Err(Error::new(Trap::Unreachable)) });
        let instance = Instance::new(&mut store, &module, &[trap.into()]).unwrap();
        let run = instance.get_func(&mut store, "run").unwrap();
        assert_eq!(trap_of(&run.call_resumable(&mut store, &[], &mut []).unwrap_err()), Trap::Unreachable);

        let panic = Func::wrap(&mut store, || std::panic::panic_any("own"));
        let instance = Instance::new(&mut store, &module, &[panic.into()]).unwrap();
        let run = instance.get_func(&mut store, "run").unwrap();
        let call = std::panic::AssertUnwindSafe(|| run.call_resumable(&mut store, &[], &mut []).is_ok());
        assert_eq!(std::panic::catch_unwind(call).unwrap_err().downcast_ref(), Some(&"own"));

        let fail = Func::wrap(&mut store, || -> Result<()> { Err(Ask(1).into()) });
        let error = fail.call_resumable(&mut store, &[], &mut []).unwrap_err();
        assert_eq!(error.downcast_ref(), Some(&Ask(1)));
        let instance = Instance::new(&mut store, &module, &[fail.into()]).unwrap();
        let run = instance.get_func(&mut store, "run").unwrap();
        let waiting = paused(run.call_resumable(&mut store, &[], &mut []));
        let ResumableCall::Finished = waiting.resume(&mut store, &[], &mut []).unwrap() else { panic!() };
    }
}

#[test]
fn endless_recursion_through_the_host_allocates_a_bounded_number_of_stacks() {
    for engine in engines(|_| ()) {
        let depth = Arc::new(AtomicUsize::new(0));
        let seen = depth.clone();
        let mut linker = Linker::new(&engine);
        let again = move |mut caller: Caller<'_, u32>| -> Result<()> {
            seen.fetch_add(1, Ordering::Relaxed);
            let run = caller.get_export("run").and_then(|export| export.into_func()).unwrap();
            run.call_resumable(&mut caller, &[], &mut []).map(|_| ())
        };
        linker.func_wrap("host", "again", again).unwrap();
        let text = r#"(module (import "host" "again" (func $again)) (func (export "run") (call $again)))"#;
        let mut store = Store::new(&engine, 0);
        let instance = linker.instantiate(&mut store, &module(&engine, text)).unwrap();
        let run = instance.get_func(&mut store, "run").unwrap();
        let error = run.call_resumable(&mut store, &[], &mut []).unwrap_err();
        assert_eq!(trap_of(&error), Trap::StackOverflow);
        assert_eq!(depth.load(Ordering::Relaxed), 64);
    }
}

#[test]
fn references_in_paused_calls_survive_collections() {
    let text = r#"(module
      (import "host" "ask" (func $ask (param i32) (result i32)))
      (type $box (struct (field (mut i32))))
      (func (export "kept") (param i32) (result i32) (local $b (ref null $box))
        (local.set $b (struct.new $box (local.get 0)))
        (struct.set $box 0 (local.get $b)
          (i32.add (struct.get $box 0 (local.get $b)) (call $ask (local.get 0))))
        (struct.get $box 0 (local.get $b)))
      (func (export "litter") (param i32)
        (loop $l (drop (struct.new $box (i32.const -1)))
          (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))"#;
    for engine in engines(|config| {
        config.feature(Feature::Gc, true);
    }) {
        let (mut store, instance) = asking(&engine, text);
        let waiting: Vec<_> = (0..10).map(|i| call(&mut store, &instance, "kept", i * 1000)).collect();
        let litter = instance.get_typed_func::<i32, ()>(&mut store, "litter").unwrap();
        litter.call(&mut store, 200_000).unwrap();
        kinglet::testing::collect(&mut store);
        assert!(kinglet::testing::collections(&mut store) > 1);
        for (i, waiting) in (0..10).zip(waiting) {
            assert_eq!(finish(&mut store, waiting, 7).unwrap(), i * 1000 + 7);
        }
    }
}

/// Returns the number of this process's mappings.
#[cfg(target_os = "linux")]
fn mappings() -> usize {
    std::fs::read_to_string("/proc/self/maps").unwrap().lines().count()
}

/// Returns the time of a call that pauses once while a number of other calls are paused, and the number of mappings of
/// the paused calls.
#[cfg(target_os = "linux")]
fn beside(engine: &Engine, others: usize) -> (std::time::Duration, usize) {
    let (mut store, instance) = asking(engine, SUMS);
    let before = mappings();
    let waiting: Vec<_> = (0..others).map(|_| call(&mut store, &instance, "one", 1)).collect();
    let mapped = mappings().saturating_sub(before);
    let rounds = 500;
    let round = |store: &mut Store<u32>| {
        let start = std::time::Instant::now();
        // Each round makes two calls, so that stacks are both allocated and reused.
        let (first, second) = (call(store, &instance, "one", 1), call(store, &instance, "one", 2));
        assert_eq!(finish(store, first, 42).unwrap() + finish(store, second, 1).unwrap(), 2043);
        start.elapsed()
    };
    let mut costs: Vec<_> = (0..rounds).map(|_| round(&mut store)).collect();
    costs.sort_unstable();
    for waiting in waiting.into_iter().step_by(2) {
        assert_eq!(finish(&mut store, waiting, 7).unwrap(), 1007);
    }
    (costs[rounds / 2], mapped)
}

/// Other tests of this process create mappings as well.
#[cfg(target_os = "linux")]
fn paused_calls_cost_the_same(others: usize) {
    for engine in engines(|_| ()) {
        let start = std::time::Instant::now();
        let ((few, _), (many, mapped)) = (beside(&engine, 10), beside(&engine, others));
        println!("beside 10 {few:?}, beside {others} {many:?}, {mapped} mappings, all in {:?}", start.elapsed());
        assert!(many < few * 3, "beside 10 {few:?}, beside {others} {many:?}");
        assert!(mapped < others / 4 + 200, "{mapped} mappings for {others} paused calls");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn paused_calls_cost_the_same_whatever_their_number() {
    paused_calls_cost_the_same(2_000);
}

/// The same test with the documented number.
#[cfg(target_os = "linux")]
mod heavy {
    use super::paused_calls_cost_the_same;

    #[test]
    #[ignore = "heavy: 20,000 paused calls"]
    fn twenty_thousand_paused_calls_cost_the_same_and_fit_in_a_process() {
        paused_calls_cost_the_same(20_000);
    }
}
