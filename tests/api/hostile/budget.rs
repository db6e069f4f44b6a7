//! A table of hostile modules with the time and the memory that each may take at a stage. Each row runs in a process of
//! its own, so that its memory can be told.

use std::process::Command;
use std::time::Instant;

use kinglet::{Config, Engine, Instance, Module, RunMode, Store};
use kinglet_wasm::outline::Outline;

use super::debug;

/// What is done with a module.
#[derive(Clone, Copy, Debug)]
enum Stage {
    /// It traps, and its backtrace is shown.
    Backtrace,
    /// It is taken apart, as `kinglet inspect` does.
    Apart,
}

struct Row {
    name: &'static str,
    generate: fn() -> Vec<u8>,
    stage: Stage,
    /// On a machine with other work: many times what it takes.
    seconds: u64,
    /// More than before, while it lasts.
    mib: u64,
}

use Stage::{Apart, Backtrace};

#[rustfmt::skip]
const ROWS: &[Row] = &[
    Row { name: "units_that_share_lines", generate: debug::units_that_share_lines, stage: Backtrace, seconds: 10, mib: 32 },
    Row { name: "lines_that_overlap", generate: debug::lines_that_overlap, stage: Backtrace, seconds: 10, mib: 32 },
    Row { name: "abbreviations_that_overlap", generate: debug::abbreviations_that_overlap, stage: Backtrace,
        seconds: 10, mib: 64 },
    Row { name: "attributes_without_bytes", generate: debug::attributes_without_bytes, stage: Backtrace,
        seconds: 10, mib: 64 },
    Row { name: "units_without_code", generate: debug::units_without_code, stage: Backtrace, seconds: 10, mib: 64 },
    Row { name: "strings_without_end", generate: debug::strings_without_end, stage: Backtrace, seconds: 10, mib: 32 },
    Row { name: "long_folders", generate: debug::long_folders, stage: Backtrace, seconds: 10, mib: 48 },
    Row { name: "names_that_grow", generate: debug::names_that_grow, stage: Backtrace, seconds: 10, mib: 32 },
    Row { name: "many_names", generate: debug::many_names, stage: Backtrace, seconds: 10, mib: 64 },
    Row { name: "many_sections", generate: debug::many_sections, stage: Backtrace, seconds: 10, mib: 128 },
    Row { name: "many_names", generate: debug::many_names, stage: Apart, seconds: 10, mib: 128 },
    Row { name: "many_producers", generate: debug::many_producers, stage: Apart, seconds: 10, mib: 160 },
    Row { name: "many_sections", generate: debug::many_sections, stage: Apart, seconds: 10, mib: 128 },
];

const VARIABLE: &str = "KINGLET_HOSTILE_ROW";

#[test]
fn hostile_modules_stay_within_their_budgets() {
    let mut wrong = Vec::new();
    for (index, row) in ROWS.iter().enumerate() {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "hostile::budget::one_row", "--include-ignored", "--nocapture"]);
        let output = command.env(VARIABLE, index.to_string()).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let told = text.lines().find_map(|line| line.split_once("row took ").map(|(_, told)| told.to_string()));
        let numbers = told
            .as_deref()
            .and_then(|told| told.split_once(" ms, "))
            .and_then(|(ms, kib)| Some((ms.parse::<u64>().ok()?, kib.strip_suffix(" KiB")?.parse::<u64>().ok()?)));
        println!("{:<28} {:?}: {}", row.name, row.stage, told.unwrap_or_default());
        match numbers {
            Some((ms, kib)) if ms <= row.seconds * 1000 && kib <= row.mib << 10 => {}
            Some((ms, kib)) => wrong.push(format!("{} ({:?}): {ms} ms, {kib} KiB", row.name, row.stage)),
            None => wrong.push(format!("{} ({:?}): {}", row.name, row.stage, output.status)),
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Runs the row that the environment names.
#[test]
#[ignore = "run by hostile_modules_stay_within_their_budgets in a process of its own"]
fn one_row() {
    let Some(index) = std::env::var(VARIABLE).ok().and_then(|index| index.parse::<usize>().ok()) else { return };
    let row = &ROWS[index];
    let module = (row.generate)();
    let before = Memory::start();
    let start = Instant::now();
    run(row.stage, &module);
    let (time, kib) = (start.elapsed(), before.grown());
    println!("row took {} ms, {kib} KiB", time.as_millis());
}

fn run(stage: Stage, module: &[u8]) {
    match stage {
        Stage::Apart => drop(Outline::new(module, None)),
        Stage::Backtrace => {
            let engine = Engine::new(Config::new().run_mode(RunMode::Interpreter)).unwrap();
            let module = Module::new(&engine, module).unwrap();
            let mut store = Store::new(&engine, ());
            let instance = Instance::new(&mut store, &module, &[]).unwrap();
            let trap = instance.get_typed_func::<(), ()>(&mut store, "trap").unwrap();
            let error = trap.call(&mut store, ()).unwrap_err();
            assert!(error.to_string().contains("unreachable"));
        }
    }
}

/// The memory of this process; 0 where it cannot be told.
struct Memory {
    before: u64,
}

impl Memory {
    fn start() -> Memory {
        // The peak is forgotten.
        let _ = std::fs::write("/proc/self/clear_refs", "5");
        Memory { before: Memory::kib("VmRSS:") }
    }

    fn grown(&self) -> u64 {
        Memory::kib("VmHWM:").saturating_sub(self.before)
    }

    fn kib(name: &str) -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
    }
}
