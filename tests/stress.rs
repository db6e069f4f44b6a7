//! Many threads run modules during tier-up, for a given time: `--seconds N`, `--threads N`. Every call must end as in
//! the interpreter, with the same backtrace if it traps. Each round creates an engine with the next settings. `cargo
//! xtask stress` runs the test for longer, and under ThreadSanitizer.

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use kinglet::{
    Caller, Config, Engine, Feature, Func, InstancePre, Linker, Module, ModuleStats, PoolingAllocationConfig, Result,
    RunMode, Store, TierThresholds, TypedFunc, WasmBacktrace,
};

/// The guest. [`CALLS`] lists its exports with their arguments. All are called in this order, and then again.
const GUEST: &str = include_str!("stress/guest.wat");
const LENDER: &str = include_str!("stress/lender.wat");
const CALLS: [(&str, i32); 16] = [
    ("started", 0),
    ("direct", 50),
    ("recursive", 11),
    ("through_host", 30),
    ("indirect", 60),
    ("references", 60),
    ("tail", 41),
    ("nested", 20),
    ("grow", 150),
    ("exceptions", 50),
    ("structures", 90),
    ("outside", 1),
    ("divided", 66),
    ("no_element", 30),
    ("uncaught", 40),
    ("direct", 7),
];

/// The number of stores that a thread creates in a round, one after another.
const STORES: usize = 3;

/// The name of an engine's settings, and a function that sets them.
type Setting = (&'static str, fn(&mut Config));

/// The settings of the engines.
#[rustfmt::skip]
const SETTINGS: [Setting; 6] = [
    ("sampled", |_| {}),
    ("every entry and back-edge is a sample", |config| { config.tier_thresholds(thresholds(0, 7)); }),
    ("explicit checks", |config| { config.signals_based_traps(false); }),
    ("gas", |config| { config.gas(true); }),
    ("pooled", |config| { config.allocation_strategy(PoolingAllocationConfig::new()); }),
    ("sampled rarely", |config| { config.tier_thresholds(thresholds(100, 2)); }),
];

fn thresholds(microseconds: u64, samples: u32) -> TierThresholds {
    let sampling_interval = Duration::from_micros(microseconds);
    TierThresholds { sampling_interval, samples, bytes_a_sample: u32::MAX }
}

fn engine(set: impl FnOnce(&mut Config)) -> Engine {
    let mut config = Config::new();
    config.feature(Feature::Exceptions, true).feature(Feature::Gc, true).tier_thresholds(thresholds(10, 1));
    set(&mut config);
    Engine::new(&config).expect("the settings agree")
}

/// A host function that calls the guest back.
fn again(mut caller: Caller<'_, ()>, argument: i32) -> Result<i64> {
    let recursive = caller.get_export("recursive").and_then(kinglet::Extern::into_func).expect("it is exported");
    let recursive: TypedFunc<i32, i64> = recursive.typed(&caller)?;
    let frames = WasmBacktrace::capture(&caller).frames().len() as i64;
    Ok(frames + recursive.call(&mut caller, argument & 7)?)
}

/// The guest and its own instance of the lender, in a new store.
struct Guest {
    store: Store<()>,
    calls: Vec<(&'static str, i32, TypedFunc<i32, i64>)>,
}

impl Guest {
    fn new(engine: &Engine, lender: &InstancePre<()>, guest: &Module) -> Guest {
        let mut store = Store::new(engine, ());
        let _ = store.set_gas(u64::MAX);
        let lender = lender.instantiate(&mut store).expect("the lender starts");
        let mut linker = Linker::new(engine);
        linker.func_wrap("host", "again", again).expect("it is new");
        linker.instance(&mut store, "lender", lender).expect("they are new");
        let instance = linker.instantiate(&mut store, guest).expect("the guest starts");
        // These handles exist while their functions become native.
        let held = CALLS.map(|(name, argument)| {
            let func: Func = instance.get_func(&mut store, name).expect("it is exported");
            (name, argument, func.typed(&store).expect("all have one type"))
        });
        Guest { store, calls: held.to_vec() }
    }

    /// Returns the outcome of each call.
    fn run(&mut self) -> Vec<String> {
        let Guest { store, calls } = self;
        let twice = calls.iter().chain(calls.iter());
        twice.map(|(name, argument, func)| format!("{name}({argument}): {}", end(store, func, *argument))).collect()
    }
}

fn end(store: &mut Store<()>, func: &TypedFunc<i32, i64>, argument: i32) -> String {
    match func.call(store, argument) {
        Ok(result) => result.to_string(),
        Err(error) => {
            let frames = error.downcast_ref::<WasmBacktrace>().map(WasmBacktrace::frames).unwrap_or_default();
            let frames: Vec<_> = frames.iter().map(|frame| (frame.func_index(), frame.offset())).collect();
            format!("{} {frames:?}", error.root_cause())
        }
    }
}

/// Compiles the modules on an engine.
fn modules(engine: &Engine) -> (InstancePre<()>, Module) {
    let lender = Module::new(engine, LENDER).unwrap_or_else(|error| panic!("lender.wat: {error:#}"));
    let guest = Module::new(engine, GUEST).unwrap_or_else(|error| panic!("guest.wat: {error:#}"));
    (Linker::new(engine).instantiate_pre(&lender).expect("it imports nothing"), guest)
}

/// Runs a round, in which every thread runs the guest in a few stores. Returns the number of different outcomes, and
/// the module's statistics.
fn round(engine: &Engine, threads: usize, expected: &[String], calls: &AtomicU64) -> (u64, ModuleStats) {
    let (lender, guest) = modules(engine);
    let wrong = AtomicU64::new(0);
    let work = || {
        for _ in 0..STORES {
            let seen = Guest::new(engine, &lender, &guest).run();
            calls.fetch_add(seen.len() as u64, Ordering::Relaxed);
            for (seen, expected) in seen.iter().zip(expected).filter(|(seen, expected)| seen != expected) {
                println!("{seen}\n  but interpreted {expected}");
                wrong.fetch_add(1, Ordering::Relaxed);
            }
        }
    };
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    (wrong.into_inner(), guest.stats())
}

/// Returns the number after an option, or the default if the option is absent.
fn option(name: &str, default: u64) -> u64 {
    let mut args = std::env::args().skip_while(|arg| arg != name);
    let value = args.nth(1).map(|value| value.parse());
    value.map_or(default, |value| value.unwrap_or_else(|_| panic!("{name} needs a number")))
}

fn main() -> ExitCode {
    if std::env::args().any(|arg| arg == "--list") {
        println!("stress: test");
        return ExitCode::SUCCESS;
    }
    let (seconds, threads) = (option("--seconds", 3), option("--threads", 32) as usize);
    let interpreter = engine(|config| _ = config.run_mode(RunMode::Interpreter));
    let (lender, guest) = modules(&interpreter);
    let expected = Guest::new(&interpreter, &lender, &guest).run();
    let trapped = expected.iter().filter(|line| line.contains('[')).count();
    assert_eq!(trapped, 8, "four exports trap or throw: {expected:#?}");
    let start = Instant::now();
    let (calls, mut wrong, mut rounds) = (AtomicU64::new(0), 0, 0);
    let mut all = ModuleStats::default();
    while rounds < SETTINGS.len() || start.elapsed() < Duration::from_secs(seconds) {
        let (name, set) = SETTINGS[rounds % SETTINGS.len()];
        let (differing, stats) = round(&engine(set), threads, &expected, &calls);
        if differing > 0 {
            println!("{differing} calls differed: {name}");
        }
        wrong += differing;
        all.compiled += stats.compiled;
        all.tier_up += stats.tier_up;
        rounds += 1;
    }
    let tier_up = all.tier_up;
    println!(
        "{threads} threads made {calls} calls in {rounds} rounds of {:.1} s in all: {} functions and {} loops became \
         native, loops were entered {} times, {} samples",
        start.elapsed().as_secs_f64(),
        tier_up.functions,
        tier_up.loops,
        tier_up.loops_entered,
        tier_up.samples,
        calls = calls.into_inner(),
    );
    let idle = cfg!(feature = "jit") && (tier_up.functions == 0 || tier_up.loops_entered == 0);
    if idle {
        println!("but nothing became native");
    }
    let failed = u8::from(wrong > 0 || idle);
    println!("{} passed, {failed} failed, 0 skipped", 1 - failed);
    ExitCode::from(failed)
}
