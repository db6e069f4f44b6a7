//! Tier-up from outside. Hot code becomes native while it runs. Nothing else changes: results, traps and their
//! locations, threads, and mappings remain the same.

use std::time::{Duration, Instant};

use kinglet::{
    Caller, Config, Engine, ExternRef, Feature, Func, Instance, Linker, Module, Rooted, RunMode, Store, TierThresholds,
    Trap, V128, Val, WasmBacktrace, testing,
};

use crate::{module, trap_of};

/// Returns an engine that compiles synchronously after a number of samples.
fn at_once(samples: u32) -> Engine {
    tiering(met(samples))
}

/// Thresholds for synchronous compilation after a number of samples.
fn met(samples: u32) -> TierThresholds {
    TierThresholds { sampling_interval: Duration::ZERO, samples, bytes_a_sample: u32::MAX }
}

fn tiering(thresholds: TierThresholds) -> Engine {
    Engine::new(Config::new().tier_thresholds(thresholds)).unwrap()
}

fn interpreter() -> Engine {
    Engine::new(Config::new().run_mode(RunMode::Interpreter)).unwrap()
}

/// Formats an export's name with the outcome of a call: the result, or the trap and the location of each frame.
fn shown(store: &mut Store<()>, instance: &Instance, name: &str, argument: i32) -> String {
    let func = instance.get_typed_func::<i32, i64>(&mut *store, name).unwrap();
    match func.call(&mut *store, argument) {
        Ok(result) => format!("{name}({argument}) = {result}"),
        Err(error) => {
            let frames = error.downcast_ref::<WasmBacktrace>().unwrap().frames().iter();
            let frames: Vec<_> = frames.map(|frame| (frame.func_index(), frame.offset())).collect();
            format!("{name}({argument}): {} {frames:?}", trap_of(&error))
        }
    }
}

/// A program with nested loops, operands on the stack across them, references in locals, calls of all kinds, tail
/// calls, a start function, and every kind of trap inside a loop.
const PROGRAM: &str = r#"(module
  (type $unary (func (param i32) (result i64)))
  (memory 1) (global $count (mut i64) (i64.const 0))
  (table $t 4 funcref) (elem (table $t) (i32.const 0) func $square $sum $even)
  (func $started (local $i i32)
    (loop $l (global.set $count (i64.add (global.get $count) (i64.const 1)))
      (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 50)))))
  (start $started)
  (func (export "started") (param i32) (result i64) (global.get $count))
  (func $square (type $unary) (i64.extend_i32_s (i32.mul (local.get 0) (local.get 0))))
  (func $sum (export "sum") (type $unary) (local $sum i64)
    (loop $l (local.set $sum (i64.add (local.get $sum) (call $square (local.get 0))))
      (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get $sum))
  (func $even (export "even") (type $unary)
    (if (i32.eqz (local.get 0)) (then (return (i64.const 1))))
    (return_call $odd (i32.sub (local.get 0) (i32.const 1))))
  (func $odd (type $unary)
    (if (i32.eqz (local.get 0)) (then (return (i64.const 0))))
    (return_call $even (i32.sub (local.get 0) (i32.const 1))))
  (func (export "indirect") (type $unary) (local $i i32) (local $sum i64)
    (loop $l (local.set $sum (i64.add (local.get $sum)
        (call_indirect $t (type $unary) (i32.const 7) (i32.and (local.get $i) (i32.const 1)))))
      (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get 0))))
    (local.get $sum))
  (func (export "nested") (type $unary) (local $i i32) (local $j i32) (local $sum i64)
    (i64.add (i64.const 1000) (loop $outer (result i64)
      (local.set $j (i32.const 0))
      (i64.const 5) (loop $inner
        (local.set $sum (i64.add (local.get $sum) (i64.extend_i32_u (i32.xor (local.get $i) (local.get $j)))))
        (br_if $inner (i32.lt_u (local.tee $j (i32.add (local.get $j) (i32.const 1))) (i32.const 9))))
      (br_if $outer (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get 0)))
      (i64.add (local.get $sum)))))
  (func (export "deep") (type $unary) (local $i i32) (local $j i32) (local $k i32) (local $sum i64)
    (i64.const 3) (loop $outer (param i64) (result i64)
      (loop $before (br_if $before (i32.lt_s (local.tee $j (i32.sub (local.get $j) (i32.const 2))) (i32.const -5))))
      (local.set $j (i32.const 0))
      (i64.const 7) (loop $middle (param i64) (result i64)
        (local.set $k (i32.const 0))
        (local.get $i)
        (if (i32.and (local.get $j) (i32.const 1)) (then (loop $inner
          (local.set $sum (i64.add (local.get $sum) (i64.extend_i32_u (i32.xor (local.get $j) (local.get $k)))))
          (br_if $inner (i32.lt_u (local.tee $k (i32.add (local.get $k) (i32.const 1))) (i32.const 5))))))
        (i64.add (i64.extend_i32_u))
        (br_if $middle (i32.lt_u (local.tee $j (i32.add (local.get $j) (i32.const 1))) (i32.const 4))))
      (i64.add)
      (br_if $outer (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get 0))))
    (i64.add (local.get $sum)))
  (func $fib (export "fib") (type $unary)
    (if (result i64) (i32.lt_u (local.get 0) (i32.const 2)) (then (i64.extend_i32_u (local.get 0)))
      (else (i64.add (call $fib (i32.sub (local.get 0) (i32.const 1))) (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
  (func $outside (export "outside") (type $unary) (local $at i32)
    (loop $l (i32.store8 (local.get $at) (i32.load8_u (local.get $at)))
      (local.set $at (i32.add (local.get $at) (local.get 0))) (br $l)) (unreachable))
  (func (export "deep_outside") (type $unary)
    (if (result i64) (local.get 0)
      (then (call $outside (i32.const 1000))) (else (i64.const 0))))
  (func (export "divided") (type $unary) (local $i i32)
    (loop $l (result i64) (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (drop (i32.div_u (i32.const 100) (i32.sub (local.get 0) (local.get $i)))) (br $l)))
  (func (export "uninitialized") (type $unary) (local $i i32)
    (loop $l (result i64)
      (drop (call_indirect $t (type $unary) (i32.const 4) (i32.div_u (local.get $i) (local.get 0))))
      (local.set $i (i32.add (local.get $i) (i32.const 1))) (br $l))))"#;

const CALLS: [(&str, i32); 13] = [
    ("started", 0),
    ("sum", 60),
    ("even", 101),
    ("even", 100),
    ("indirect", 90),
    ("nested", 40),
    ("deep", 25),
    ("fib", 12),
    ("outside", 999),
    ("deep_outside", 1),
    ("divided", 77),
    ("uninitialized", 30),
    ("sum", 3),
];

fn run(engine: &Engine, times: usize) -> Vec<String> {
    let module = module(engine, PROGRAM);
    let mut store = crate::store(engine);
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    (0..times).flat_map(|_| CALLS).map(|(name, argument)| shown(&mut store, &instance, name, argument)).collect()
}

#[test]
fn tier_up_at_any_time_changes_neither_results_nor_trap_locations() {
    let expected = run(&interpreter(), 3);
    assert!(expected.iter().filter(|line| line.contains("): ")).count() == 12, "{expected:#?}");
    for samples in (1..30).chain([50, 100]) {
        assert_eq!(run(&at_once(samples), 3), expected, "native after {samples} samples");
    }
}

#[test]
fn tier_up_with_gas_or_explicit_checks_does_not_change_results() {
    let expected = run(&interpreter(), 2);
    for samples in [1, 2, 5, 11, 20] {
        let thresholds = TierThresholds { sampling_interval: Duration::ZERO, samples, bytes_a_sample: u32::MAX };
        let gas = Engine::new(Config::new().tier_thresholds(thresholds).gas(true)).unwrap();
        assert_eq!(run(&gas, 2), expected, "metered, {samples} samples");
        let checks = Engine::new(Config::new().tier_thresholds(thresholds).signals_based_traps(false)).unwrap();
        assert_eq!(run(&checks, 2), expected, "checked, {samples} samples");
    }
}

#[test]
fn tier_up_does_not_change_gas() {
    let used = |config: &mut Config| {
        let engine = Engine::new(config.gas(true)).unwrap();
        let module = module(&engine, PROGRAM);
        let mut store = crate::store(&engine);
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        CALLS.map(|(name, argument)| {
            store.set_gas(1_000_000).unwrap();
            shown(&mut store, &instance, name, argument);
            store.gas()
        })
    };
    let expected = used(Config::new().run_mode(RunMode::Interpreter));
    for samples in 1..20 {
        let thresholds = TierThresholds { sampling_interval: Duration::ZERO, samples, bytes_a_sample: u32::MAX };
        assert_eq!(used(Config::new().tier_thresholds(thresholds)), expected, "{samples} samples");
    }
}

#[test]
fn a_function_becomes_native_after_enough_samples() {
    let engine = at_once(5);
    let module = module(&engine, PROGRAM);
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let before = module.native_functions();
    // The first call takes two samples, because it also lowers the function.
    for _ in 0..3 {
        shown(&mut store, &instance, "even", 0);
    }
    assert_eq!(module.native_functions(), before);
    shown(&mut store, &instance, "even", 0);
    assert_eq!(module.native_functions(), before + 1);
}

#[test]
fn a_running_loop_becomes_native_by_osr() {
    let engine = at_once(10);
    let module = module(&engine, PROGRAM);
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    assert_eq!(testing::loops_entered(&mut store), 1, "the start function's loop");
    shown(&mut store, &instance, "nested", 1000);
    assert_eq!(testing::loops_entered(&mut store), 2);
}

/// A loop that calls a function, `$step`, a number of times.
const STEPS: &str = r#"(module
    (func $step (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
    (func $steps (export "steps") (param i32) (result i32) (local $sum i32)
        (loop $l (local.set $sum (call $step (local.get $sum)))
            (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (local.get $sum)))"#;

#[test]
fn statistics_count_native_code() {
    let engine = at_once(5);
    let module = module(&engine, STEPS);
    assert_eq!(module.stats().tier_up, kinglet::TierUpStats::default());
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let steps = instance.get_typed_func::<i32, i32>(&mut store, "steps").unwrap();
    let start = Instant::now();
    assert_eq!(steps.call(&mut store, 100).unwrap(), 100);
    let stats = module.stats();
    let tier_up = stats.tier_up;
    assert_eq!((tier_up.functions, tier_up.loops, tier_up.loops_entered), (2, 1, 1), "{stats:?}");
    assert_eq!((stats.lowered.count, stats.compiled.count), (2, 3), "{stats:?}");
    assert!((10..40).contains(&tier_up.samples), "native code takes no samples: {stats:?}");
    assert!(!tier_up.settled.is_zero() && tier_up.settled >= stats.compiled.time / 2, "{stats:?}");
    let settled = tier_up.settled;
    assert_eq!(steps.call(&mut store, 100).unwrap(), 100);
    assert_eq!(module.stats().tier_up.settled, settled, "no more code became native");
    assert!(start.elapsed() >= stats.compiled.time, "{stats:?}");
}

#[test]
fn every_decision_is_an_event() {
    let output = crate::native::alone("tier_up::listen_to_decisions");
    assert!(output.status.success(), "{output:?}");
}

#[test]
#[ignore = "run by every_decision_is_an_event in a separate process"]
fn listen_to_decisions() {
    let lines = crate::event::listen();
    let (mut store, instance) = crate::load_with(&at_once(5), STEPS);
    let steps = instance.get_typed_func::<i32, i32>(&mut store, "steps").unwrap();
    for _ in 0..2 {
        assert_eq!(steps.call(&mut store, 100).unwrap(), 100);
    }
    let lines = lines.lock().unwrap();
    let about = |function: &str, part: &str| {
        let is = |line: &&String| line.contains(function) && line.contains(part);
        let found: Vec<_> = lines.iter().enumerate().filter(|(_, line)| is(line)).map(|(at, _)| at).collect();
        assert_eq!(found.len(), 1, "{function} {part}: {lines:#?}");
        found[0]
    };
    for decided in ["function=\"step\" entries=", "function=\"steps\" entries=", "function=\"steps\" loop="] {
        let function = decided.trim_end_matches(" entries=");
        let waits = about(decided, "message=hot: queued for compilation");
        assert!(lines[waits].starts_with("TRACE ") && lines[waits].contains(" calling="), "{lines:#?}");
        assert!(lines[waits].contains(" at_loops=") && lines[waits].contains(" bytes="), "{lines:#?}");
        let of = |part| {
            let is = |line: &str| {
                line.contains(function) && line.contains(part) && line.contains("loop=") == decided.contains("loop=")
            };
            lines.iter().position(|line| is(line)).unwrap_or_else(|| panic!("no {part} of {decided}: {lines:#?}"))
        };
        assert!(
            waits < of("message=compiling") && of("message=compiling") < of("message=native code in use"),
            "{lines:#?}"
        );
    }
    assert!(
        about("function=\"steps\" loop=", "message=entered by OSR")
            > about("function=\"steps\" loop=", "message=native code in use")
    );
}

#[test]
fn a_long_loop_becomes_native_in_the_background() {
    let engine = Engine::default();
    let module = module(&engine, PROGRAM);
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let start = Instant::now();
    // In the interpreter, each takes a large part of a second.
    while testing::loops_entered(&mut store) == 0 {
        assert_eq!(shown(&mut store, &instance, "sum", 5_000_000), "sum(5000000) = 17142479235552");
        assert!(start.elapsed() < Duration::from_secs(60), "the loop stays interpreted");
    }
}

/// A guest that waits in the host for longer than the sampler's patience is sampled again once it continues.
#[test]
fn a_loop_becomes_native_after_a_long_wait() {
    let engine = Engine::default();
    let module = module(
        &engine,
        r#"(module (import "host" "wait" (func $wait))
            (func (export "spin") (param i64) (result i64) (local $sum i64)
                (call $wait)
                (loop $l (local.set $sum (i64.add (local.get $sum) (i64.xor (local.get 0) (i64.const 5))))
                    (br_if $l (i64.ne (local.tee 0 (i64.sub (local.get 0) (i64.const 1))) (i64.const 0))))
                (local.get $sum)))"#,
    );
    let mut store = Store::new(&engine, ());
    let mut linker = Linker::new(&engine);
    linker.func_wrap("host", "wait", || std::thread::sleep(Duration::from_millis(200))).unwrap();
    let spin = linker.instantiate(&mut store, &module).unwrap();
    let spin = spin.get_typed_func::<i64, i64>(&mut store, "spin").unwrap();
    spin.call(&mut store, 400_000_000).unwrap();
    assert_eq!(testing::loops_entered(&mut store), 1);
}

#[test]
fn without_tier_up_small_modules_are_compiled_before_they_start() {
    let engine = Engine::new(Config::new().tier_up(false)).unwrap();
    assert_eq!(module(&engine, PROGRAM).native_functions(), 14);
    assert_eq!(run(&engine, 1), run(&interpreter(), 1));
}

#[test]
fn wait_compiled_compiles_every_function() {
    let engine = Engine::default();
    let module = module(&engine, PROGRAM);
    assert_eq!(module.native_functions(), 0);
    module.wait_compiled().unwrap();
    assert_eq!(module.native_functions(), 14);
    let interpreted = Module::new(&interpreter(), PROGRAM).unwrap();
    interpreted.wait_compiled().unwrap();
    assert_eq!(interpreted.native_functions(), 0);
}

/// References are created before their functions have native code. The references are in the host, in tables, in
/// globals of another instance, and in imports.
#[test]
fn older_function_references_call_native_code() {
    let engine = at_once(4);
    let mut store = Store::new(&engine, ());
    let callee = module(
        &engine,
        r#"(module (type $f (func (param i32) (result i64)))
            (func $triple (export "triple") (type $f) (i64.mul (i64.const 3) (i64.extend_i32_s (local.get 0))))
            (global (export "held") (ref $f) (ref.func $triple))
            (table (export "table") 2 funcref) (elem (i32.const 0) func $triple))"#,
    );
    let caller = module(
        &engine,
        r#"(module (type $f (func (param i32) (result i64)))
            (import "a" "triple" (func $triple (type $f)))
            (import "a" "held" (global $held (ref $f)))
            (import "a" "table" (table $t 2 funcref))
            (func (export "all") (type $f)
                (i64.add (call $triple (local.get 0)) (i64.add (call_ref $f (local.get 0) (global.get $held))
                    (call_indirect $t (type $f) (local.get 0) (i32.const 0))))))"#,
    );
    let callee = Instance::new(&mut store, &callee, &[]).unwrap();
    let held = callee.get_typed_func::<i32, i64>(&mut store, "triple").unwrap();
    let mut linker = Linker::new(&engine);
    linker.instance(&mut store, "a", callee).unwrap();
    let caller = linker.instantiate(&mut store, &caller).unwrap();
    let all = caller.get_typed_func::<i32, i64>(&mut store, "all").unwrap();
    for i in 0..20 {
        assert_eq!(all.call(&mut store, i).unwrap(), 9 * i64::from(i));
        assert_eq!(held.call(&mut store, i).unwrap(), 3 * i64::from(i));
    }
}

/// References on the operand stack across loops and a `try_table`, while other objects are collected.
const BOXES: &str = r#"(module
  (type $box (struct (field (mut i32)))) (tag $e)
  (func (export "boxes") (param i32) (result i64) (local $i i32) (local $j i32) (local $sum i64)
    (struct.new $box (i32.const 5))
    (loop $outer (param (ref $box)) (result (ref $box))
      (struct.new $box (local.get $i))
      (block $caught (try_table (catch $e $caught)
        (local.set $j (i32.const 0))
        (loop $inner
          (drop (struct.new $box (i32.const -1)))
          (br_if $inner (i32.lt_u (local.tee $j (i32.add (local.get $j) (i32.const 1))) (i32.const 100))))
        (if (i32.and (local.get $i) (i32.const 1)) (then (throw $e)))
        (local.set $sum (i64.add (local.get $sum) (i64.const 1000000)))))
      (local.set $sum (i64.add (i64.extend_i32_u (struct.get $box 0)) (local.get $sum)))
      (br_if $outer (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get 0))))
    (i64.add (i64.extend_i32_u (struct.get $box 0)) (local.get $sum))))"#;

#[test]
fn osr_transfers_references_below_loops() {
    for samples in [3, 5, 50, 150, 333] {
        let mut config = Config::new();
        config.tier_thresholds(met(samples)).feature(Feature::Gc, true).feature(Feature::Exceptions, true);
        let engine = Engine::new(&config).unwrap();
        let mut store = Store::new(&engine, ());
        let module = module(&engine, BOXES);
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        assert_eq!(shown(&mut store, &instance, "boxes", 2000), "boxes(2000) = 1001999005");
        assert!(module.stats().tier_up.loops_entered > 0, "{samples} samples");
        assert!(testing::collections(&mut store) > 1);
    }
}

/// Twelve nested loops, more than the OSR path passes through. Branches from there go to each of them in
/// turn. A number and a reference are on the stack below each loop, and each has a parameter.
#[test]
fn osr_into_a_deeply_nested_loop_transfers_all_operands() {
    const LOOPS: usize = 12;
    let open = |i| {
        format!(
            "(i64.const {i}) (struct.new $box (local.get 0)) (i64.const {i}) loop $l{i} (param i64) (result i64)
               (local.set $sum (i64.add (local.get $sum) (i64.const 1{})))",
            "0".repeat(i)
        )
    };
    let branch = |i| {
        format!(
            "(br_if $l{i} (i32.eq (i32.rem_u (local.get 0) (i32.const {LOOPS})) (i32.const {i})))",
            i = LOOPS - 1 - i
        )
    };
    let close = "end (local.set $r) (i64.extend_i32_u (struct.get $box 0)) (i64.add) (i64.add (local.get $r))";
    let program = format!(
        r#"(module (type $box (struct (field (mut i32))))
          (func (export "far") (param i32) (result i64) (local $sum i64) (local $r i64)
            {open}
            (drop (struct.new $box (i32.const -1)))
            (i64.add (i64.const 1))
            (block $done (param i64) (result i64)
              (br_if $done (i32.eqz (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
              {branches})
            {close}
            (i64.add (local.get $sum))))"#,
        open = (0..LOOPS).map(open).collect::<String>(),
        branches = (0..LOOPS).map(branch).collect::<String>(),
        close = [close; LOOPS].join(" (i64.add) "),
    );
    let run = |config: &mut Config| {
        let engine = Engine::new(config.feature(Feature::Gc, true)).unwrap();
        let mut store = Store::new(&engine, ());
        let module = module(&engine, &program);
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        (shown(&mut store, &instance, "far", 300), module.stats().tier_up.loops_entered)
    };
    let (expected, _) = run(Config::new().run_mode(RunMode::Interpreter));
    for samples in [3, 9, 20] {
        let (shown, entered) = run(Config::new().tier_thresholds(met(samples)));
        assert_eq!(shown, expected);
        assert!(entered > 0, "{samples} samples");
    }
}

/// A native loop calls functions that have no native code when it starts: one of another instance, which becomes native
/// meanwhile, and one of the host. Arguments are in registers of both kinds and on the stack.
#[test]
fn a_native_loop_calls_imports_that_become_native_later() {
    let engine = at_once(50);
    let mut store = Store::new(&engine, ());
    let ty = "(param i32 f64 i64 i32 f32 i64 i64 i32 i64 i64 i64 f64) (result i64 f64)";
    let callee = module(
        &engine,
        &format!(
            r#"(module (func (export "guest") {ty}
                (i64.sub (local.get 10) (i64.mul (local.get 8) (i64.extend_i32_s (local.get 0))))
                (f64.sub (local.get 11) (local.get 1))))"#
        ),
    );
    let caller = module(
        &engine,
        &format!(
            r#"(module (import "a" "guest" (func $guest {ty})) (import "a" "host" (func $host {ty}))
                (func (export "run") (param $n i32) (result i64 f64) (local $i i64) (local $f f64)
                    (loop $l
                        (call $guest (local.get $n) (local.get $f) (i64.const 2) (i32.const 3) (f32.const 4)
                            (i64.const 5) (i64.const 6) (i32.const 7) (i64.const 8) (i64.const 9) (local.get $i)
                            (f64.const 1.5))
                        (local.set $f) (local.set $i)
                        (call $host (local.get $n) (local.get $f) (i64.const 2) (i32.const 3) (f32.const 4)
                            (i64.const 5) (i64.const 6) (i32.const 7) (i64.const 8) (i64.const 9) (local.get $i)
                            (f64.const 0.5))
                        (local.set $f) (local.set $i)
                        (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
                    (local.get $i) (local.get $f)))"#
        ),
    );
    caller.wait_compiled().unwrap();
    let mut linker = Linker::new(&engine);
    let guest = Instance::new(&mut store, &callee, &[]).unwrap();
    linker.instance(&mut store, "a", guest).unwrap();
    let signature = guest.get_func(&mut store, "guest").unwrap().ty(&store);
    let host = Func::try_new(&mut store, signature, |_, args, results| {
        let [Val::I32(n), Val::F64(f), .., Val::I64(nine), Val::I64(i), Val::F64(g)] = args else { unreachable!() };
        results[0] = Val::I64(i ^ (nine * i64::from(*n)));
        results[1] = Val::F64((f64::from_bits(*g) - f64::from_bits(*f)).to_bits());
        Ok(())
    });
    linker.define(&store, "a", "host", host.unwrap()).unwrap();
    let instance = linker.instantiate(&mut store, &caller).unwrap();
    let run = instance.get_typed_func::<i32, (i64, f64)>(&mut store, "run").unwrap();
    assert_eq!(callee.native_functions(), 0);
    let (mut i, mut f) = (0_i64, 0.0);
    for n in (1..=500_i64).rev() {
        i = (i - 8 * n) ^ (9 * n);
        f = 0.5 - (1.5 - f);
    }
    assert_eq!(run.call(&mut store, 500).unwrap(), (i, f));
    assert_eq!(callee.native_functions(), 1);
    assert_eq!(run.call(&mut store, 500).unwrap(), (i, f));
}

/// The same test with results of every number and type that a processor may return differently. Results are in
/// registers of both kinds, or in memory whose address is an argument.
#[test]
fn a_native_loop_calls_imports_with_all_kinds_of_results() {
    let types = ["i32", "i64", "f32", "f64", "v128"];
    let alike = types.iter().flat_map(|ty| [1, 2, 3, 4, 8, 9, 17].map(|n| vec![*ty; n]));
    let mixed = [vec!["i32", "f64"], vec!["f32", "i64", "i32"], vec!["v128", "i32"], types.repeat(2)];
    let modules: Vec<_> = alike.chain(mixed).map(|results| (results_of_loop(&results), results)).collect();
    for ((callee, caller), results) in modules {
        let engine = at_once(20);
        let mut store = Store::new(&engine, ());
        let (callee, caller) = (module(&engine, &callee), module(&engine, &caller));
        caller.wait_compiled().unwrap();
        let guest = Instance::new(&mut store, &callee, &[]).unwrap();
        let mut linker = Linker::new(&engine);
        linker.instance(&mut store, "a", guest).unwrap();
        let signature = guest.get_func(&mut store, "guest").unwrap().ty(&store);
        let host = Func::try_new(&mut store, signature, |_, args, values| {
            let Val::I32(n) = args[0] else { unreachable!() };
            for (value, i) in values.iter_mut().zip(n..) {
                *value = match value {
                    Val::I32(_) => Val::I32(i),
                    Val::I64(_) => Val::I64(i.into()),
                    Val::F32(_) => Val::F32((i as f32).to_bits()),
                    Val::F64(_) => Val::F64(f64::from(i).to_bits()),
                    _ => Val::V128(V128::from_u128(i as u128)),
                };
            }
            Ok(())
        });
        linker.define(&store, "a", "host", host.unwrap()).unwrap();
        let run = linker.instantiate(&mut store, &caller).unwrap();
        let run = run.get_typed_func::<i32, i64>(&mut store, "run").unwrap();
        let bits = |ty: &str, i: i32| match ty {
            "f32" => i64::from((i as f32).to_bits()),
            "f64" => f64::from(i).to_bits() as i64,
            _ => i.into(),
        };
        let calls = (1..=100).rev().flat_map(|n| [n, n]);
        let all = calls.flat_map(|n| results.iter().zip(n..).map(|(ty, i)| bits(ty, i)));
        let sum = all.fold(0_i64, |sum, bits| sum.wrapping_mul(31).wrapping_add(bits));
        assert_eq!(callee.native_functions(), 0);
        assert_eq!(run.call(&mut store, 100).unwrap(), sum, "{results:?}");
        // A RISC-V processor may lack vectors; functions with vectors stay interpreted there.
        let native = cfg!(not(target_arch = "riscv64")) || !results.contains(&"v128");
        assert_eq!(callee.native_functions(), usize::from(native), "{results:?}");
        assert_eq!(run.call(&mut store, 100).unwrap(), sum, "{results:?}, again");
    }
}

/// Returns two modules. The function of the first returns its argument and the numbers that follow it, as results of
/// these types. The second calls this function and a similar host function in turn, and adds up their results.
fn results_of_loop(results: &[&str]) -> (String, String) {
    let ty = format!("(param i32) (result {})", results.join(" "));
    let (mut given, mut taken, mut locals) = (String::new(), String::new(), String::new());
    for (i, ty) in results.iter().enumerate() {
        let number = format!("(i32.add (local.get 0) (i32.const {i}))");
        given += &match *ty {
            "i32" => number,
            "i64" => format!("(i64.extend_i32_s {number})"),
            "v128" => format!("(i32x4.replace_lane 0 (v128.const i64x2 0 0) {number})"),
            ty => format!("({ty}.convert_i32_s {number})"),
        };
        locals += &format!("(local $r{i} {ty})");
        let value = format!("(local.get $r{i})");
        let bits = match *ty {
            "i32" => format!("(i64.extend_i32_s {value})"),
            "f32" => format!("(i64.extend_i32_u (i32.reinterpret_f32 {value}))"),
            "f64" => format!("(i64.reinterpret_f64 {value})"),
            "v128" => format!("(i64x2.extract_lane 0 {value})"),
            _ => value,
        };
        taken += &format!("(local.set $sum (i64.add (i64.mul (local.get $sum) (i64.const 31)) {bits}))");
    }
    let set: String = (0..results.len()).rev().map(|i| format!("(local.set $r{i})")).collect();
    let call = |function: &str| format!("(call {function} (local.get $n)) {set} {taken}");
    let callee = format!("(module (func (export \"guest\") {ty} {given}))");
    let caller = format!(
        r#"(module (import "a" "guest" (func $guest {ty})) (import "a" "host" (func $host {ty}))
            (func (export "run") (param $n i32) (result i64) (local $sum i64) {locals}
                (loop $l {} {} (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
                (local.get $sum)))"#,
        call("$guest"),
        call("$host")
    );
    (callee, caller)
}

/// A host function calls back and captures backtraces while its callers change tiers.
#[test]
fn backtraces_show_frames_of_both_tiers_alike() {
    let told = |engine: &Engine| {
        let module = module(
            engine,
            r#"(module (import "host" "look" (func $look (param externref i32)))
                (func $inner (param externref i32) (local $i i32)
                    (loop $l (call $look (local.get 0) (local.get $i))
                        (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get 1)))))
                (func (export "outer") (param externref i32)
                    (loop $l (call $inner (local.get 0) (i32.const 3))
                        (br_if $l (local.tee 1 (i32.sub (local.get 1) (i32.const 1)))))))"#,
        );
        let mut store = Store::new(engine, Vec::new());
        let mut linker: Linker<Vec<String>> = Linker::new(engine);
        let look = |mut caller: Caller<'_, Vec<String>>, held: Option<Rooted<ExternRef>>, i: i32| {
            let text = held.unwrap().data(&caller).unwrap().unwrap().downcast_ref::<String>().unwrap().clone();
            let frames = WasmBacktrace::capture(&caller);
            let frames: Vec<_> = frames.frames().iter().map(|frame| (frame.func_index(), frame.offset())).collect();
            caller.data_mut().push(format!("{text} {i} {frames:?}"));
        };
        linker.func_wrap("host", "look", look).unwrap();
        let instance = linker.instantiate(&mut store, &module).unwrap();
        let outer: Func = instance.get_func(&mut store, "outer").unwrap();
        let held = ExternRef::new(&mut store, "held".to_string()).unwrap();
        outer.call(&mut store, &[Val::ExternRef(Some(held)), Val::I32(12)], &mut []).unwrap();
        store.into_data()
    };
    let expected = told(&interpreter());
    assert_eq!(expected.len(), 36);
    for samples in 1..16 {
        assert_eq!(told(&at_once(samples)), expected, "{samples} samples");
    }
}

/// An uncaught exception's backtrace has all frames of both tiers, and a distant handler catches exceptions.
#[test]
fn exceptions_unwind_frames_of_both_tiers() {
    let seen = |engine: &Engine| {
        let module = module(
            engine,
            r#"(module (tag $own (param i32)) (tag $other)
                (func $throw (param i32 i32) (if (i32.eqz (local.get 1)) (then (throw $own (local.get 0)))))
                (func $down (export "down") (param i32 i32)
                    (if (local.get 1) (then (call $up (local.get 0) (i32.sub (local.get 1) (i32.const 1)))))
                    (call $throw (local.get 0) (local.get 1)))
                (func $up (param i32 i32) (local $i i32)
                    (loop $l
                        (block $caught (try_table (catch $other $caught)
                            (if (i32.eq (local.get $i) (i32.const 2)) (then (call $down (local.get 0) (local.get 1))))))
                        (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 4)))))
                (func (export "catch") (param i32 i32) (result i32)
                    (block $caught (result i32) (try_table (catch $own $caught)
                        (call $down (local.get 0) (local.get 1))) (i32.const -1))))"#,
        );
        let mut store = Store::new(engine, ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        let mut seen = Vec::new();
        for i in 0..12 {
            let catch = instance.get_typed_func::<(i32, i32), i32>(&mut store, "catch").unwrap();
            seen.push(catch.call(&mut store, (i, i)).unwrap().to_string());
            let down = instance.get_typed_func::<(i32, i32), ()>(&mut store, "down").unwrap();
            let error = down.call(&mut store, (i, i)).unwrap_err();
            assert_eq!(error.downcast_ref(), Some(&Trap::UncaughtException));
            let frames = error.downcast_ref::<WasmBacktrace>().unwrap().frames();
            assert_eq!(frames.len(), 2 + 2 * i as usize);
            let places: Vec<_> = frames.iter().map(|frame| (frame.func_index(), frame.offset())).collect();
            seen.push(format!("{places:?}"));
        }
        seen
    };
    let throwing = |samples: Option<u32>| {
        let mut config = Config::new();
        config.feature(Feature::Exceptions, true);
        match samples {
            None => config.run_mode(RunMode::Interpreter),
            Some(samples) => config.tier_thresholds(met(samples)),
        };
        Engine::new(&config).unwrap()
    };
    let expected = seen(&throwing(None));
    for samples in 1..16 {
        assert_eq!(seen(&throwing(Some(samples))), expected, "{samples} samples");
    }
}

/// Many threads run one module during tier-up, each in its own store.
#[test]
fn many_threads_run_a_module_during_tier_up() {
    let expected = run(&interpreter(), 2);
    let thresholds =
        TierThresholds { sampling_interval: Duration::from_micros(20), samples: 1, bytes_a_sample: u32::MAX };
    for _ in 0..3 {
        let engine = tiering(thresholds);
        let module = module(&engine, PROGRAM);
        std::thread::scope(|scope| {
            for _ in 0..32 {
                scope.spawn(|| {
                    for _ in 0..10 {
                        let mut store = Store::new(&engine, ());
                        let instance = Instance::new(&mut store, &module, &[]).unwrap();
                        let calls = (0..2).flat_map(|_| CALLS);
                        let seen: Vec<_> =
                            calls.map(|(name, argument)| shown(&mut store, &instance, name, argument)).collect();
                        assert_eq!(seen, expected);
                    }
                });
            }
        });
        testing::drain(&engine);
        assert!(module.native_functions() > 0, "with so many samples some function is hot");
    }
}

#[test]
fn endless_recursion_traps_during_tier_up() {
    let text = r#"(module (func $f (export "f") (param i32) (result i32)
        (i32.add (call $f (i32.add (local.get 0) (i32.const 1))) (i32.const 2))))"#;
    for samples in [1, 3, 100, 5000] {
        let engine = at_once(samples);
        let (mut store, instance) = crate::load_with(&engine, text);
        let f = instance.get_typed_func::<i32, i32>(&mut store, "f").unwrap();
        for _ in 0..3 {
            assert_eq!(trap_of(&f.call(&mut store, 1).unwrap_err()), Trap::StackOverflow, "{samples} samples");
        }
    }
}

/// Modules and engines are dropped while their code is being compiled.
#[test]
fn code_compiled_for_dropped_modules_is_freed() {
    let thresholds =
        TierThresholds { sampling_interval: Duration::from_micros(20), samples: 1, bytes_a_sample: u32::MAX };
    let kept = tiering(thresholds);
    for i in 0..60 {
        let engine = if i % 2 == 0 { kept.clone() } else { tiering(thresholds) };
        let (mut store, instance) = crate::load_with(&engine, PROGRAM);
        shown(&mut store, &instance, "sum", 2_000 * i + 1);
    }
    testing::drain(&kept);
}

#[cfg(target_os = "linux")]
#[test]
fn a_thousand_engines_leak_no_thread_and_no_mapping() {
    let output = crate::native::alone("tier_up::make_and_drop_engines");
    assert!(output.status.success(), "{output:?}");
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "run by a_thousand_engines_leak_no_thread_and_no_mapping in a separate process"]
fn make_and_drop_engines() {
    let threads = || std::fs::read_dir("/proc/self/task").unwrap().count();
    let mappings = || std::fs::read_to_string("/proc/self/maps").unwrap().lines().count();
    let once = |interval| {
        let engine = tiering(TierThresholds { sampling_interval: interval, samples: 1, bytes_a_sample: u32::MAX });
        let (mut store, instance) = crate::load_with(&engine, PROGRAM);
        for (name, argument) in CALLS {
            shown(&mut store, &instance, name, argument);
        }
    };
    // These rounds create the objects that exist once per process.
    (0..20).for_each(|_| once(Duration::from_micros(20)));
    let before = (threads(), mappings());
    for i in 0..1000 {
        once(if i % 10 == 0 { Duration::ZERO } else { Duration::from_micros(20) });
    }
    // A thread that is compiling a function when its engine is dropped ends by itself.
    let deadline = Instant::now() + Duration::from_secs(60);
    while threads() != before.0 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(10));
    }
    let after = (threads(), mappings());
    assert_eq!(after.0, before.0, "threads");
    // The allocator may have created a few more.
    assert!(after.1 <= before.1 + 8, "mappings: {before:?} {after:?}");
}

/// Guests recurse as deeply as the interpreter's stack allows, regardless of the native code. If the host's stack is
/// exhausted, calls continue in the interpreter. Arguments of every type are in registers and on the stack.
#[test]
fn native_code_recurses_as_deeply_as_the_interpreter() {
    const DEEP: &str = r#"(module
      (type $many (func (param i32 i64 f32 f64 v128 i32 i64 i32 i64 i32 i64 f64 f64 f64 f64 f64 f64 f64 f64)
        (result i64 f64 v128)))
      (table funcref (elem $indirect))
      (func $count (export "count") (param i32) (result i64)
        (if (i32.eqz (local.get 0)) (then (return (i64.const 0))))
        (i64.add (i64.const 1) (call $count (i32.sub (local.get 0) (i32.const 1)))))
      (func $indirect (export "indirect") (param i32) (result i64) (local $i i32)
        (if (i32.eqz (local.get 0)) (then (return (i64.const 0))))
        (loop $l (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 3))))
        (i64.add (i64.extend_i32_u (local.get $i))
          (call_indirect (param i32) (result i64) (i32.sub (local.get 0) (i32.const 1)) (i32.const 0))))
      (func $many (type $many)
        (if (i32.eqz (local.get 0)) (then (return
          (i64.add (i64.add (local.get 1) (local.get 6)) (i64.add (local.get 8) (local.get 10)))
          (f64.add (f64.add (local.get 3) (local.get 11)) (f64.add (local.get 17) (local.get 18)))
          (local.get 4))))
        (call $many (i32.sub (local.get 0) (i32.const 1)) (i64.add (local.get 1) (i64.const 1)) (local.get 2)
          (f64.add (local.get 3) (f64.const 0.5)) (i32x4.add (local.get 4) (v128.const i32x4 1 2 3 4))
          (local.get 5) (i64.add (local.get 6) (i64.const 1)) (local.get 7) (local.get 8) (local.get 9)
          (i64.add (local.get 10) (i64.const 2)) (local.get 11) (local.get 12) (local.get 13) (local.get 14)
          (local.get 15) (local.get 16) (local.get 17) (f64.add (local.get 18) (f64.const 1))))
      (func $to_many (param $n i32) (result i64 f64 v128)
        (return_call $many (local.get $n) (i64.const 1) (f32.const 2) (f64.const 3) (v128.const i32x4 0 0 0 0)
          (i32.const 5) (i64.const 6) (i32.const 7) (i64.const 8) (i32.const 9) (i64.const 10) (f64.const 11) (f64.const 12)
          (f64.const 13) (f64.const 14) (f64.const 15) (f64.const 16) (f64.const 17) (f64.const 18)))
      (func (export "many") (param i32) (result i64) (local $f f64) (local $v v128) (local $i i64)
        (call $to_many (local.get 0)) (local.set $v) (local.set $f) (local.set $i)
        (i64.add (i64.add (local.get $i) (i64.trunc_sat_f64_s (local.get $f)))
          (i64.extend_i32_s (i32x4.extract_lane 3 (local.get $v)))))
      (func $fails (export "fails") (param i32) (result i64)
        (if (i32.eqz (local.get 0)) (then unreachable))
        (i64.add (i64.const 1) (call $fails (i32.sub (local.get 0) (i32.const 1)))))
      (func $endless (export "endless") (param i32) (result i64) (i64.add (i64.const 1) (call $endless (local.get 0)))))"#;
    const CALLS: [(&str, i32); 4] = [("count", 100_000), ("indirect", 100_000), ("many", 20_000), ("fails", 50_000)];
    let deep = |config: &mut Config| {
        let engine = Engine::new(config.max_host_stack(256 << 10)).unwrap();
        let module = module(&engine, DEEP);
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        // The calls repeat after all code is native and after the stack was exhausted.
        let twice = (0..2).map(|_| {
            let calls = CALLS.map(|(name, depth)| shown(&mut store, &instance, name, depth));
            let endless = instance.get_typed_func::<i32, i64>(&mut store, "endless").unwrap();
            assert_eq!(trap_of(&endless.call(&mut store, 0).unwrap_err()), Trap::StackOverflow);
            calls
        });
        twice.collect::<Vec<_>>()
    };
    let expected = deep(Config::new().run_mode(RunMode::Interpreter));
    assert!(expected[0][0] == "count(100000) = 100000" && expected[0] == expected[1], "{expected:?}");
    for samples in [1, 1000] {
        let thresholds = TierThresholds { sampling_interval: Duration::ZERO, samples, bytes_a_sample: u32::MAX };
        for signals in [true, false] {
            let found = deep(Config::new().tier_thresholds(thresholds).signals_based_traps(signals));
            assert!(found == expected, "{samples} samples, signals: {signals}: {:?}", found[0]);
        }
    }
    for signals in [true, false] {
        let found = deep(Config::new().run_mode(RunMode::Jit).signals_based_traps(signals));
        assert!(found == expected, "native, signals: {signals}: {:?}", found[0]);
    }
    assert!(deep(&mut Config::new()) == expected, "sampled");
}
