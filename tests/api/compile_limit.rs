//! Limits of compilation: functions over the memory limit stay interpreted in every mode. Modules share the compiler's
//! time, and no guest waits for it.

use std::time::{Duration, Instant};

use kinglet::{Config, Engine, Feature, Instance, Module, RunMode, Store, TierThresholds, testing};
use kinglet_tests::hostile::{hostile, rotating};

use crate::module;

fn call(module: &Module, argument: i32) -> i32 {
    let mut store = Store::new(module.engine(), ());
    let instance = Instance::new(&mut store, module, &[]).unwrap();
    instance.get_typed_func::<i32, i32>(&mut store, "f").unwrap().call(&mut store, argument).unwrap()
}

/// Returns the peak memory of this process, in MiB.
#[cfg(target_os = "linux")]
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() >> 10
}

#[cfg(target_os = "linux")]
#[test]
fn compiling_hostile_functions_stays_within_the_memory_limit() {
    let output = crate::native::alone("compile_limit::compile_hostile_functions");
    assert!(output.status.success(), "{output:?}");
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "run by compiling_hostile_functions_stays_within_the_memory_limit in a separate process"]
fn compile_hostile_functions() {
    for (name, text) in hostile() {
        let engine = |mode| {
            let mut config = Config::new();
            Engine::new(config.run_mode(mode).compiler_memory(64 << 20).feature(Feature::Gc, true)).unwrap()
        };
        let interpreted = Module::new(&engine(RunMode::Interpreter), &text).expect(name);
        let (binary, expected) = (interpreted.binary().to_vec(), call(&interpreted, 0));
        let (engine, before, start) = (engine(RunMode::Jit), peak(), Instant::now());
        let compiled = Module::new(&engine, &binary).unwrap();
        let (took, memory) = (start.elapsed(), peak() - before);
        assert!(memory < 128 && took < Duration::from_secs(60), "{name}: {memory} MiB, {took:?}");
        assert_eq!(call(&compiled, 0), expected, "{name}");
    }
}

#[test]
fn oversized_functions_stay_interpreted_in_every_mode() {
    let text = rotating(60, 500);
    let expected = call(&module(&Engine::new(Config::new().run_mode(RunMode::Interpreter)).unwrap(), &text), 0);
    let at_once = TierThresholds { sampling_interval: Duration::ZERO, samples: 1, bytes_a_sample: u32::MAX };
    for (memory, native) in [(4 << 20, 1), (1 << 30, 2)] {
        let engine = |mode| Engine::new(Config::new().run_mode(mode).compiler_memory(memory)).unwrap();
        let compiled = module(&engine(RunMode::Jit), &text);
        assert_eq!((compiled.native_functions(), call(&compiled, 0)), (native, expected), "{memory}");
        let artifact = engine(RunMode::Jit).precompile_module(&text).unwrap();
        // SAFETY: the engine has just compiled the artifact.
        let loaded = unsafe { Module::deserialize(&engine(RunMode::Jit), artifact) }.unwrap();
        assert_eq!((loaded.native_functions(), call(&loaded, 0)), (native, expected), "{memory}");
        let mut config = Config::new();
        let hot = module(&Engine::new(config.compiler_memory(memory).tier_thresholds(at_once)).unwrap(), &text);
        (0..3).for_each(|_| assert_eq!(call(&hot, 0), expected));
        assert_eq!(hot.native_functions(), native, "{memory}");
    }
}

#[test]
fn every_number_is_a_valid_limit() {
    for (memory, native) in [(0, 0), (1, 0), (usize::MAX, 2)] {
        let engine = Engine::new(Config::new().run_mode(RunMode::Jit).compiler_memory(memory)).unwrap();
        let compiled = module(&engine, &rotating(3, 5));
        assert_eq!((compiled.native_functions(), call(&compiled, 0)), (native, 7), "{memory}");
    }
}

#[test]
fn a_listing_shows_the_limit() {
    let engine = Engine::new(Config::new().compiler_memory(1 << 20)).unwrap();
    let error = module(&engine, &rotating(60, 500)).native_listing(1).unwrap_err().to_string();
    assert!(error.contains("the compiler's memory limit of 1 MiB"), "{error}");
}

/// The size of a function that takes long to compile.
const LARGE: usize = 3000;

fn large() -> String {
    format!("(module {} {CALLING})", branching(LARGE))
}

fn branching(times: usize) -> String {
    let body = "(if (local.get 0) (then (local.set 1 (i32.add (local.get 1) (i32.const 3))))
        (else (local.set 1 (i32.xor (local.get 1) (i32.const 1)))))";
    format!("(func $large (param i32) (result i32) (local i32) {} (local.get 1))", body.repeat(times))
}

const CALLING: &str = r#"(func (export "f") (param i32) (result i32) (local i32)
    (loop (local.set 1 (call $large (local.get 0)))
      (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (local.get 1))"#;

#[test]
fn dropping_an_engine_does_not_wait_for_the_compiler() {
    let thresholds =
        TierThresholds { sampling_interval: Duration::from_micros(50), samples: 1, bytes_a_sample: u32::MAX };
    let engine = Engine::new(Config::new().tier_thresholds(thresholds).compiler_threads(1)).unwrap();
    let large = module(&engine, &large());
    call(&large, 200);
    drop(large);
    let start = Instant::now();
    drop(engine);
    // On an idle machine it takes a tenth of a second.
    assert!(start.elapsed() < Duration::from_millis(1000), "{:?}", start.elapsed());
}

#[test]
fn dropped_modules_do_not_delay_the_compilation_of_others() {
    let thresholds =
        TierThresholds { sampling_interval: Duration::from_micros(50), samples: 1, bytes_a_sample: u32::MAX };
    let engine = Engine::new(Config::new().tier_thresholds(thresholds).compiler_threads(1)).unwrap();
    // Each of them has more code than the compiler can finish in time.
    let functions: String = (0..40).map(|i| branching(300).replace("$large", &format!("$large{i}"))).collect();
    let calls: String = (0..40).map(|i| format!("(drop (call $large{i} (local.get 0)))")).collect();
    for _ in 0..3 {
        let text = format!(
            r#"(module {functions} (func (export "f") (param i32) (result i32)
                 (loop {calls} (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (i32.const 0)))"#
        );
        call(&module(&engine, &text), 30);
    }
    let small = module(&engine, &format!("(module {} {CALLING})", branching(3)));
    let start = Instant::now();
    while small.native_functions() == 0 && start.elapsed() < Duration::from_secs(60) {
        call(&small, 1000);
    }
    assert!(small.native_functions() > 0);
    testing::drain(&engine);
}
