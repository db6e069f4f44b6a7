//! Every number of a `Config` at 0, at 1, at its limits and beyond them. Each value has the documented effect or is a
//! clear error. A guest observes no other change.

#[cfg(feature = "jit")]
use kinglet::{Cache, CacheConfig};
use kinglet::{
    Config, Engine, Feature, Instance, Linker, Memory, MemoryType, Module, PoolingAllocationConfig, RunMode, Store,
    Table, TableType, TierThresholds,
};
use std::time::Duration;

use crate::{module, trap_of};

const ALL: u64 = u64::MAX;

/// A setting: its name, the tested values, and the setter.
type Setting = (&'static str, &'static [u64], fn(&mut Config, u64));

/// Values that need other checks are tested elsewhere: gas in `gas`.
#[rustfmt::skip]
const SETTINGS: &[Setting] = &[
    ("max_wasm_stack", &[0, 1, 64 << 10, (64 << 10) + 1, 1 << 40, ALL], |config, n| _ = config.max_wasm_stack(n as usize)),
    ("max_host_stack", &[0, 1, 4 << 10, 16 << 10, 100_001, 512 << 10], |config, n| _ = config.max_host_stack(n as usize)),
    ("memory_page_limit", &[65_536, 65_537, ALL], |config, n| _ = config.memory_page_limit(Some(n))),
    ("memory_reservation", &[0, 1, (4 << 30) - 1, 4 << 30, (4 << 30) + 1, 1 << 46, 1 << 47, ALL - 1, ALL],
        |config, n| _ = config.memory_reservation(n)),
    ("memory_guard_size", &[0, 1, 64 << 10, (64 << 10) + 1, 4 << 30, 1 << 46, 1 << 47, ALL - 65_535, ALL],
        |config, n| _ = config.memory_guard_size(n)),
    ("compiler_threads", &[0, 1, 256, 257, ALL], |config, n| _ = config.compiler_threads(n as usize)),
    ("compiler_memory", &[0, 1, ALL], |config, n| _ = config.compiler_memory(n as usize)),
    ("samples", &[0, 1, u32::MAX as u64], |config, n| thresholds(config, |to| to.samples = n as u32)),
    ("bytes_a_sample", &[0, 1, u32::MAX as u64], |config, n| thresholds(config, |to| to.bytes_a_sample = n as u32)),
    ("sampling_interval", &[0, 1, 1_000_000_000, ALL],
        |config, n| thresholds(config, |to| to.sampling_interval = Duration::from_nanos(n))),
    ("the longest sampling_interval", &[0],
        |config, _| thresholds(config, |to| to.sampling_interval = Duration::MAX)),
    ("max_unused_warm_slots", &[0, 1, u32::MAX as u64],
        |config, n| pooling(config, |pool| _ = pool.max_unused_warm_slots(n as u32))),
    ("linear_memory_keep_resident", &[0, 1, 4097, ALL],
        |config, n| pooling(config, |pool| _ = pool.linear_memory_keep_resident(n as usize))),
];

fn thresholds(config: &mut Config, set: impl Fn(&mut TierThresholds)) {
    let mut thresholds = TierThresholds { samples: 1, ..TierThresholds::default() };
    set(&mut thresholds);
    config.run_mode(RunMode::Auto).tier_thresholds(thresholds);
}

fn pooling(config: &mut Config, set: impl Fn(&mut PoolingAllocationConfig)) {
    let mut pool = PoolingAllocationConfig::new();
    set(&mut pool);
    config.allocation_strategy(pool);
}

/// Accesses the last bytes of the largest 32-bit memory, nests calls, and loops.
const PROGRAM: &str = r#"(module (memory 1)
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export "last") (param i32) (result i32)
      (i32.store8 (local.get 0) (i32.const 7)) (i32.load8_u (local.get 0)))
    (func (export "word") (param i32) (result i32) (i32.load (local.get 0)))
    (func (export "far") (param i32) (result i32) (i32.load8_u offset=0xfffffffe (local.get 0)))
    (func $deep (export "deep") (param i32) (result i32)
      (if (result i32) (local.get 0)
        (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1))))) (else (i32.const 0))))
    (func (export "loop") (param i32) (result i32) (local i32)
      (loop (local.set 1 (i32.add (local.get 1) (local.get 0)))
        (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (local.get 1)))"#;

#[rustfmt::skip]
const CALLS: [(&str, i32); 10] = [
    ("last", 65_535), ("last", 65_536), ("grow", 65_535), ("grow", 1), ("last", -1), ("word", -4), ("word", -3),
    ("far", 1), ("far", 2), ("loop", 3000),
];

/// Returns the results of the program on an engine, for two consecutive stores.
fn results(engine: &Engine, calls: &[(&str, i32)]) -> Vec<String> {
    let module = module(engine, PROGRAM);
    let once = || {
        let mut store = Store::new(engine, ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        let call = |(name, argument): &(&str, i32)| {
            let func = instance.get_typed_func::<i32, i32>(&mut store, name).unwrap();
            match func.call(&mut store, *argument) {
                Ok(result) => format!("{name}({argument}) = {result}"),
                Err(error) => format!("{name}({argument}): {}", trap_of(&error)),
            }
        };
        calls.iter().chain(&[("deep", 300)]).map(call).collect::<Vec<_>>()
    };
    [once(), once()].concat()
}

#[test]
fn every_number_of_every_setting_has_the_documented_effect() {
    let engine = |mode: RunMode, set: &dyn Fn(&mut Config)| {
        let mut config = Config::new();
        config.run_mode(mode);
        set(&mut config);
        Engine::new(&config)
    };
    let expected = results(&engine(RunMode::Interpreter, &|_| ()).unwrap(), &CALLS);
    assert!(expected.contains(&"last(-1) = 7".to_string()), "{expected:?}");
    let modes = if cfg!(feature = "jit") { &[RunMode::Interpreter, RunMode::Jit][..] } else { &[RunMode::Interpreter] };
    for (name, values, set) in SETTINGS {
        for value in *values {
            for mode in modes {
                let engine = engine(*mode, &|config| set(config, *value)).unwrap();
                assert_eq!(results(&engine, &CALLS), expected, "{name} {value}, {mode:?}");
            }
        }
    }
}

#[test]
fn a_page_limit_bounds_the_size_of_a_memory() {
    for mode in [RunMode::Interpreter, RunMode::Auto] {
        for limit in [0, 1, 2, 65_536, u64::MAX] {
            let engine = Engine::new(Config::new().run_mode(mode).memory_page_limit(Some(limit))).unwrap();
            let mut store = Store::new(&engine, ());
            let of = |pages: u64| Module::new(&engine, format!("(module (memory {pages}))")).unwrap();
            for pages in [0, 1, 2] {
                let made = Instance::new(&mut store, &of(pages), &[]);
                assert_eq!(made.is_ok(), pages <= limit, "{pages} of {limit}");
            }
        }
    }
}

#[test]
fn a_host_stack_can_have_any_size_up_to_the_threads_stack() {
    // A size beyond the thread's stack is reduced to it.
    for mode in [RunMode::Interpreter, RunMode::Auto] {
        let engine = Engine::new(Config::new().run_mode(mode).max_host_stack(usize::MAX)).unwrap();
        assert_eq!(results(&engine, &[("last", 1)])[1], "deep(300) = 300");
    }
}

#[cfg(feature = "jit")]
#[test]
fn a_cache_can_have_any_size() {
    let folder = std::env::temp_dir().join(format!("kinglet-config-{}", std::process::id()));
    for limit in [0, 1, 4096, u64::MAX] {
        for _ in 0..2 {
            let mut config = CacheConfig::new();
            config.with_directory(&folder).with_files_total_size_soft_limit(limit);
            let cache = Cache::new(&config).unwrap();
            let engine = Engine::new(Config::new().cache(Some(cache)).tier_up(false)).unwrap();
            assert_eq!(results(&engine, &[("last", 1)])[0], "last(1) = 7", "{limit}");
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn hosts_create_only_types_that_the_engines_modules_can_have() {
    let shared = MemoryType { shared: true, ..MemoryType::new(1, Some(2)) };
    let wide = MemoryType { index: kinglet::IndexType::I64, ..MemoryType::new(1, None) };
    let bytes = MemoryType { page_size_log2: 0, ..MemoryType::new(1, None) };
    for (ty, feature) in [(shared, Feature::Threads), (wide, Feature::Memory64), (bytes, Feature::CustomPageSizes)] {
        for on in [true, false] {
            let engine = Engine::new(Config::new().feature(feature, on)).unwrap();
            let made = Memory::new(Store::new(&engine, ()), ty);
            assert_eq!(made.is_ok(), on, "{feature:?}: {made:?}");
            assert!(on || made.unwrap_err().to_string().contains(feature.row().name));
        }
    }
    let without_end = MemoryType { max: None, ..shared };
    let threads = Engine::new(Config::new().feature(Feature::Threads, true)).unwrap();
    assert!(Memory::new(Store::new(&threads, ()), without_end).is_err());

    let engine = Engine::new(Config::new().feature(Feature::Memory64, false)).unwrap();
    let table = TableType { index: kinglet::IndexType::I64, ..TableType::new(kinglet::RefType::FUNCREF, 1, None) };
    assert!(Table::new(Store::new(&engine, ()), table, kinglet::Ref::Func(None)).is_err());
    let mut linker: Linker<()> = Linker::new(&engine);
    let mut store = Store::new(&engine, ());
    let memory = Memory::new(&mut store, MemoryType::new(1, None)).unwrap();
    assert!(linker.define(&store, "host", "memory", memory).is_ok());
}
