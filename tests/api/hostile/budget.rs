//! A table of hostile modules with their budgets of CPU time and memory at each stage. Each stage of a row runs in a
//! separate process, so that its usage can be measured. A budget is many times the usual usage, which the test prints,
//! and far below quadratic growth in the module's size. Larger variants of the same modules test that time and memory
//! grow in proportion.

use std::process::Command;
use std::time::Duration;

use kinglet::{Config, Engine, Feature, Instance, Linker, Module, RunMode, Store, TierThresholds, Trap, Val};
use kinglet_tests::hostile;
use kinglet_wasm::outline::Outline;
use rustix::time::{ClockId, clock_gettime};

use super::{debug, function, parts};

/// A stage of processing a module.
#[derive(Clone, Copy, Debug)]
enum Stage {
    /// The module is read and validated. Functions that are called are also lowered to bytecode.
    Validate,
    /// The module is compiled before it runs, except functions over the compiler's memory limit.
    Compile,
    /// Its function is called in the default mode until tier-up has compiled its hot code, or rejected it by the
    /// smaller limit there.
    TierUp,
    /// The module is instantiated in the default mode.
    Instantiate,
    /// The module traps, and its backtrace is formatted.
    Backtrace,
    /// The parts of the module are listed, as by `kinglet inspect`.
    Apart,
}

use Stage::{Apart, Backtrace, Compile, Instantiate, TierUp, Validate};

struct Row {
    name: &'static str,
    /// Generates the module with about this many of its repeated parts.
    generate: fn(usize) -> Vec<u8>,
    size: usize,
    /// The stages, each with its limit of CPU time in seconds and of additional memory in MiB.
    stages: &'static [(Stage, u64, u64)],
    /// The factor by which usage may grow for a module that is four times as large.
    growth: u64,
}

impl Row {
    /// Sets the growth of a module whose cost is not linear. It is proportional to a product of two or three of its
    /// parts, up to the compiler's limit. Or Cranelift's internal checks, which only unoptimised builds run, are not
    /// linear.
    const fn growing(self, growth: u64) -> Row {
        Row { growth, ..self }
    }
}

const fn row(
    name: &'static str,
    generate: fn(usize) -> Vec<u8>,
    size: usize,
    stages: &'static [(Stage, u64, u64)],
) -> Row {
    Row { name, generate, size, stages, growth: 4 }
}

#[rustfmt::skip]
const ROWS: &[Row] = &[
    row("units_that_share_lines", |_| debug::units_that_share_lines(), 0, &[(Backtrace, 10, 32)]),
    row("lines_that_overlap", |_| debug::lines_that_overlap(), 0, &[(Backtrace, 10, 32)]),
    row("abbreviations_that_overlap", |_| debug::abbreviations_that_overlap(), 0, &[(Backtrace, 10, 64)]),
    row("attributes_without_bytes", |_| debug::attributes_without_bytes(), 0, &[(Backtrace, 10, 64)]),
    row("units_without_code", |_| debug::units_without_code(), 0, &[(Backtrace, 10, 64)]),
    row("strings_without_end", |_| debug::strings_without_end(), 0, &[(Backtrace, 10, 32)]),
    row("long_folders", |_| debug::long_folders(), 0, &[(Backtrace, 10, 48)]),
    row("names_that_grow", |_| debug::names_that_grow(), 0, &[(Backtrace, 10, 32)]),
    row("many_names", |_| debug::many_names(), 0, &[(Backtrace, 10, 64), (Apart, 10, 128)]),
    row("many_producers", |_| debug::many_producers(), 0, &[(Apart, 10, 160)]),
    row("many_sections", |_| debug::many_sections(), 0, &[(Backtrace, 10, 128), (Apart, 10, 128)]),

    row("rotating", |size| function::text(&hostile::rotating(size, 999)), 20, CODE).growing(16),
    row("changing", |size| function::text(&hostile::changing(size, size)), 100, CODE).growing(16),
    row("loops", |size| function::text(&hostile::loops(size, 30)), 30, CODE).growing(16),
    row("table", |size| function::text(&hostile::table(size, 100)), 20, CODE).growing(16),
    row("references", |size| function::text(&hostile::references(size)), 100, CODE).growing(16),
    row("row", |size| function::text(&hostile::row(size)), 300, CODE).growing(16),
    row("locals_and_blocks", function::locals_and_blocks, 300, CODE),
    row("nested_blocks", function::nested_blocks, 10_000, CODE).growing(16),
    row("nested_loops", function::nested_loops, 1000, CODE).growing(16),
    row("nested_ifs", function::nested_ifs, 500, CODE).growing(16),
    row("branches_to_loops", function::branches_to_loops, 500, CODE).growing(64),
    row("loops_with_parameters", function::loops_with_parameters, 20, CODE),
    row("many_cases", function::many_cases, 5000, CODE),
    row("many_branch_tables", function::many_branch_tables, 20, CODE),
    row("branches_with_values", function::branches_with_values, 10, CODE),
    row("state_machine", function::state_machine, 200, CODE),
    row("chain", function::chain, 1000, CODE),
    row("pending", function::pending, 1000, CODE).growing(16),
    row("rewritten", function::rewritten, 100, CODE),
    row("selects", function::selects, 1000, CODE),
    row("vectors_over_calls", function::vectors_over_calls, 200, CODE).growing(16),
    row("wide_arithmetic", function::wide_arithmetic, 300, CODE),
    row("accesses", function::accesses, 500, CODE),
    row("bulk", function::bulk, 100, CODE),
    row("indirect_calls", function::indirect_calls, 200, CODE),
    row("wide_calls", function::wide_calls, 10, CODE).growing(16),
    row("wide_functions", function::wide_functions, 10, CODE),
    row("tail_calls", function::tail_calls, 100, CODE),
    row("tail_calls_of_one", function::tail_calls_of_one, 100, CODE),
    row("many_clauses", function::many_clauses, 500, CODE).growing(16),
    row("nested_tries", function::nested_tries, 200, CODE),
    row("clauses_with_values", function::clauses_with_values, 10, CODE).growing(16),
    row("casts", function::casts, 100, CODE),
    row("large_structures", function::large_structures, 20, CODE),
    row("unreachable", function::unreachable, 10_000, CODE),
    row("hot_loops", function::hot_loops, 100, CODE),

    row("empty_functions", parts::empty_functions, 1000, CODE),
    row("functions_of_many_locals", parts::functions_of_many_locals, 30, CODE),
    row("functions_of_many_references", parts::functions_of_many_references, 30, CODE),
    row("functions_of_many_types", parts::functions_of_many_types, 300, CODE),
    row("many_types", parts::many_types, 5000, PARTS),
    row("wide_types", parts::wide_types, 100, PARTS),
    row("large_group", parts::large_group, 5000, PARTS),
    row("many_groups", parts::many_groups, 500, PARTS),
    row("subtypes", parts::subtypes, 10, PARTS),
    row("types_of_types", parts::types_of_types, 5000, PARTS),
    row("imports_of_long_names", parts::imports_of_long_names, 300, PARTS),
    row("imports_of_many_types", parts::imports_of_many_types, 200, PARTS),
    row("imports_of_wide_types", parts::imports_of_wide_types, 10, PARTS),
    row("exports_of_long_names", parts::exports_of_long_names, 300, PARTS),
    row("globals_of_globals", parts::globals_of_globals, 10_000, PARTS),
    row("long_constant", parts::long_constant, 50_000, PARTS),
    row("globals_in_use", parts::globals_in_use, 500, CODE),
    row("many_element_segments", parts::many_element_segments, 10_000, PARTS),
    row("large_element_segments", parts::large_element_segments, 30_000, PARTS),
    row("many_data_segments", parts::many_data_segments, 10_000, PARTS),
    row("data_far_apart", parts::data_far_apart, 1000, PARTS),
    row("large_data_segment", parts::large_data_segment, 200_000, PARTS),
    row("many_tags", parts::many_tags, 5000, PARTS),
    row("many_tables", parts::many_tables, 1000, PARTS),
];
const CODE: &[(Stage, u64, u64)] = &[(Validate, 1, 32), (Compile, 5, 128), (TierUp, 5, 128)];
const PARTS: &[(Stage, u64, u64)] = &[(Validate, 1, 32), (Instantiate, 1, 32)];

/// Returns the stages of a row that exist in this build, with their indices.
fn stages(row: &Row) -> impl Iterator<Item = (usize, &(Stage, u64, u64))> {
    let is_there = |stage: Stage| cfg!(feature = "jit") || !matches!(stage, Compile | TierUp);
    row.stages.iter().enumerate().filter(move |(_, (stage, ..))| is_there(*stage))
}

/// Rows whose code has instructions that the native tier does not implement yet.
const INTERPRETED: &[&str] = &["casts", "large_structures"];

const VARIABLE: &str = "KINGLET_HOSTILE_ROW";

/// The time and the memory that a stage of a row took.
#[derive(Clone, Copy)]
struct Taken {
    ms: u64,
    kib: u64,
}

/// Runs a stage of a row in a separate process, with a module that is larger by a factor.
fn taken(row: usize, stage: usize, factor: usize) -> Result<Taken, String> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "hostile::budget::one_row", "--include-ignored", "--nocapture"]);
    let output = command.env(VARIABLE, format!("{row} {stage} {factor}")).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let told = text.lines().find_map(|line| line.split_once("row took ").map(|(_, told)| told.to_string()));
    let Row { name, stages, .. } = &ROWS[row];
    let memory = if cfg!(target_os = "linux") { "" } else { "; memory is not measured" };
    println!("{name:<28} {:?} x{factor}: {}{memory}", stages[stage].0, told.as_deref().unwrap_or("failed"));
    let numbers = told.as_deref().and_then(|told| told.split_once(" KiB")).and_then(|(told, _)| {
        let (ms, kib) = told.split_once(" ms, ")?;
        Some(Taken { ms: ms.parse().ok()?, kib: kib.parse().ok()? })
    });
    numbers.ok_or_else(|| format!("{}: {text}{}", output.status, String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn hostile_modules_stay_within_their_budgets() {
    let mut wrong = Vec::new();
    for (index, row) in ROWS.iter().enumerate() {
        for (at, (stage, seconds, mib)) in stages(row) {
            match taken(index, at, 1) {
                Ok(Taken { ms, kib }) if ms <= seconds * 1000 && kib <= mib << 10 => {}
                Ok(Taken { ms, kib }) => wrong.push(format!("{} ({stage:?}): {ms} ms, {kib} KiB", row.name)),
                Err(error) => wrong.push(format!("{} ({stage:?}): {error}", row.name)),
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

mod heavy {
    use super::*;

    /// The tolerance of a measurement: time that a busy machine adds, memory that allocators and doubling tables
    /// retain.
    const NOISE: Taken = Taken { ms: 200, kib: 16 << 10 };

    #[test]
    #[ignore = "heavy: modules of some megabytes, at every stage"]
    fn four_times_as_large_hostile_modules_take_about_four_times_as_much() {
        let mut wrong = Vec::new();
        for (index, row) in ROWS.iter().enumerate().filter(|(_, row)| row.size > 0) {
            for (at, (stage, ..)) in stages(row) {
                let [small, large] = [1, 4].map(|factor| taken(index, at, factor));
                match (small, large) {
                    (Ok(small), Ok(large)) => {
                        let most = |small: u64, noise: u64| 2 * row.growth * small + noise;
                        if large.ms > most(small.ms, NOISE.ms) || large.kib > most(small.kib, NOISE.kib) {
                            let [small, large] = [small, large].map(|it| format!("{} ms, {} KiB", it.ms, it.kib));
                            wrong.push(format!("{} ({stage:?}): {small}; four times as large {large}", row.name));
                        }
                    }
                    (Err(error), _) | (_, Err(error)) => wrong.push(format!("{} ({stage:?}): {error}", row.name)),
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}

/// Runs the stage of a row that the environment variable selects.
#[test]
#[ignore = "run by hostile_modules_stay_within_their_budgets in a separate process"]
fn one_row() {
    let Ok(variable) = std::env::var(VARIABLE) else { return };
    let numbers: Vec<usize> = variable.split(' ').map(|number| number.parse().unwrap()).collect();
    let [row, stage, factor] = numbers[..] else { panic!("{variable}") };
    let (row, stage) = (&ROWS[row], ROWS[row].stages[stage].0);
    let binary = (row.generate)(row.size * factor);
    let native = run(stage, &binary);
    println!("native functions: {native:?}");
    // A larger variant may be rejected.
    if factor == 1 && !INTERPRETED.contains(&row.name) {
        assert_ne!(native, Some(0), "no function was compiled");
    }
}

/// Runs a closure, and prints its time and memory.
fn measured<T>(binary: &[u8], run: impl FnOnce() -> T) -> T {
    let (before, start) = (Memory::start(), processor_time());
    let result = run();
    let (time, kib) = (processor_time() - start, before.grown());
    println!("row took {} ms, {kib} KiB for a module of {} bytes", time.as_millis(), binary.len());
    result
}

/// Returns the CPU time of this process.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn engine(set: impl FnOnce(&mut Config)) -> Engine {
    crate::engine(|config| {
        config.feature(Feature::Gc, true).feature(Feature::Exceptions, true);
        set(config);
    })
}

/// Returns an instance, with definitions for all imports.
fn instance(store: &mut Store<()>, module: &Module) -> Instance {
    let mut linker = Linker::new(module.engine());
    linker.define_unknown_imports_as_default_values(&mut *store, module).unwrap();
    linker.instantiate(store, module).unwrap()
}

/// Calls `f` with 0.
fn call(store: &mut Store<()>, instance: &Instance) {
    let f = instance.get_func(&mut *store, "f").unwrap();
    let mut results = vec![Val::I32(0); f.ty(&*store).results().len()];
    if let Err(error) = f.call(store, &[Val::I32(0)], &mut results) {
        assert_eq!(crate::trap_of(&error), Trap::Unsupported, "{error:?}");
    }
}

/// Measures a stage. Returns the number of native functions, if the stage compiles.
fn run(stage: Stage, binary: &[u8]) -> Option<usize> {
    match stage {
        Stage::Validate => {
            let engine = engine(|config| _ = config.run_mode(RunMode::Interpreter));
            measured(binary, || {
                let module = Module::new(&engine, binary).unwrap();
                let mut store = Store::new(&engine, ());
                let instance = instance(&mut store, &module);
                call(&mut store, &instance);
            });
        }
        Stage::Compile => {
            let engine = engine(|config| _ = config.run_mode(RunMode::Jit));
            let module = measured(binary, || Module::new(&engine, binary).unwrap());
            return Some(module.native_functions());
        }
        Stage::TierUp => {
            let hot = TierThresholds { sampling_interval: Duration::ZERO, samples: 1, bytes_a_sample: u32::MAX };
            let engine = engine(|config| _ = config.tier_thresholds(hot));
            let module = Module::new(&engine, binary).unwrap();
            let mut store = Store::new(&engine, ());
            let instance = instance(&mut store, &module);
            measured(binary, || (0..3).for_each(|_| call(&mut store, &instance)));
            return Some(module.native_functions());
        }
        Stage::Instantiate => {
            let engine = engine(|_| ());
            let module = Module::new(&engine, binary).unwrap();
            let mut store = Store::new(&engine, ());
            measured(binary, || instance(&mut store, &module));
        }
        Stage::Apart => measured(binary, || drop(Outline::new(binary, None))),
        Stage::Backtrace => measured(binary, || {
            let engine = Engine::new(Config::new().run_mode(RunMode::Interpreter)).unwrap();
            let module = Module::new(&engine, binary).unwrap();
            let mut store = Store::new(&engine, ());
            let instance = Instance::new(&mut store, &module, &[]).unwrap();
            let trap = instance.get_typed_func::<(), ()>(&mut store, "trap").unwrap();
            let error = trap.call(&mut store, ()).unwrap_err();
            assert!(error.to_string().contains("unreachable"));
        }),
    }
    None
}

/// The memory of this process; 0 on systems other than Linux.
struct Memory {
    before: u64,
}

impl Memory {
    fn start() -> Memory {
        // Free memory that the allocator retains would hide later allocations.
        #[cfg(all(target_os = "linux", target_env = "gnu"))]
        // SAFETY: the call only returns free memory to the system.
        unsafe {
            libc::malloc_trim(0);
        }
        // Resets the peak.
        if cfg!(target_os = "linux") {
            std::fs::write("/proc/self/clear_refs", "5").expect("the kernel can reset the peak");
        }
        Memory { before: Memory::kib("VmRSS:") }
    }

    fn grown(&self) -> u64 {
        Memory::kib("VmHWM:").saturating_sub(self.before)
    }

    fn kib(name: &str) -> u64 {
        if !cfg!(target_os = "linux") {
            return 0;
        }
        let status = std::fs::read_to_string("/proc/self/status").expect("the kernel reports the process's memory");
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let figure = line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok());
        figure.unwrap_or_else(|| panic!("no {name} in {status}"))
    }
}
