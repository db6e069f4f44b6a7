//! Runs random modules interpreted, compiled, becoming native on the way, and in Wasmi, and compares all that can be seen
//! of them. Half of the modules show no NaN that is not canonical; of the others Wasmi's bits differ, so they are run
//! without it, and all of Kinglet's settings must agree in every bit. Stops at the first difference, with the module in a file.

mod engine;
mod frames;
mod random;
mod smith;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use kinglet_wasm::decode;

use engine::{Engine, Outcome, groups};
use random::Random;
use smith::Smith;

const HELP: &str = "\
usage: cargo xtask fuzz differential [OPTIONS]

Makes random modules and runs each interpreted, compiled, becoming native on the way, and in Wasmi.
Half of them come from wasm-smith; the others look like what compilers of C make.

options:
  --modules N   how many; without it, --minutes and --seconds it goes on until it is stopped
  --minutes N   for how long
  --seconds N   for how long
  --seed N      the first module's seed; the next has the next. The time of day if not given
  --only KIND   `smith` or `frames`
  --exact       only modules that may show any NaN, without Wasmi; with --file this module is taken for one
  --file PATH   this module alone, binary or text, with the arguments that --seed says
  --print       print the first module, if it is text, and run nothing
  --help        show this

A difference ends it with status 1. The module is then in target/fuzz/differential, and the command that
compares it again is printed.
";

/// What the command line asks for.
#[derive(Clone)]
struct Options {
    modules: u64,
    time: Duration,
    seed: u64,
    only: Option<String>,
    exact: bool,
    file: Option<PathBuf>,
    print: bool,
}

fn main() -> ExitCode {
    let options = match options(std::env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(message) => {
            eprintln!("{message}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    if options.print {
        let (mut random, kind) = generator(options.seed, options.exact);
        print!("{}", frames::module(&mut random, kind.exact));
        return ExitCode::SUCCESS;
    }
    if let Some(file) = &options.file {
        return one(file, &options);
    }
    println!("first seed: {}", options.seed);
    let (next, compared, limited) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let found: Mutex<Option<String>> = Mutex::new(None);
    let start = Instant::now();
    let groups = groups();
    let work = || {
        let mut smith = None;
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let over = number >= options.modules || start.elapsed() > options.time;
            if over || found.lock().is_ok_and(|found| found.is_some()) {
                break;
            }
            match check(&groups, &mut smith, options.seed.wrapping_add(number), &options) {
                Ok(true) => _ = compared.fetch_add(1, Ordering::Relaxed),
                Ok(false) => _ = limited.fetch_add(1, Ordering::Relaxed),
                Err(difference) => *found.lock().unwrap_or_else(|e| e.into_inner()) = Some(difference),
            }
            if number % 1000 == 999 {
                println!("{} modules, {:.0} s", number + 1, start.elapsed().as_secs_f64());
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            // Guests may use much of a thread's stack.
            _ = std::thread::Builder::new().stack_size(8 << 20).spawn_scoped(scope, work);
        }
    });
    let failed = found.into_inner().unwrap_or_else(|e| e.into_inner());
    if let Some(difference) = &failed {
        println!("{difference}");
    }
    println!("{} passed, {} failed, {} skipped", compared.into_inner(), u8::from(failed.is_some()), 0);
    println!("{} modules met a limit and show nothing", limited.into_inner());
    ExitCode::from(u8::from(failed.is_some()))
}

fn options(mut args: impl Iterator<Item = String>) -> Result<Option<Options>, String> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let mut options = Options {
        modules: u64::MAX,
        time: Duration::MAX,
        seed: now.as_secs() << 20,
        only: None,
        exact: false,
        file: None,
        print: false,
    };
    while let Some(arg) = args.next() {
        if arg == "--help" {
            return Ok(None);
        }
        if arg == "--print" {
            options.print = true;
            continue;
        }
        if arg == "--exact" {
            options.exact = true;
            continue;
        }
        let value = args.next().ok_or_else(|| format!("`{arg}` needs a value"))?;
        let number = || value.parse::<u64>().map_err(|_| format!("`{value}` is no number"));
        match arg.as_str() {
            "--modules" => options.modules = number()?,
            "--minutes" => options.time = Duration::from_secs(number()?.saturating_mul(60)),
            "--seconds" => options.time = Duration::from_secs(number()?),
            "--seed" => options.seed = number()?,
            "--file" => options.file = Some(value.into()),
            "--only" if value == "smith" || value == "frames" => options.only = Some(value),
            _ => return Err(format!("unknown option `{arg} {value}`")),
        }
    }
    Ok(Some(options))
}

/// Compares a module from a file.
fn one(file: &Path, options: &Options) -> ExitCode {
    let read = std::fs::read(file).map_err(|error| error.to_string());
    let wasm = match read.and_then(|bytes| binary(&bytes)) {
        Ok(wasm) => wasm,
        Err(error) => {
            eprintln!("{}: {error}", file.display());
            return ExitCode::from(2);
        }
    };
    match compare(&groups(), &wasm, options.seed, options.exact) {
        Ok(compared) => {
            println!("{}", if compared { "no difference" } else { "a limit was met" });
            ExitCode::SUCCESS
        }
        Err(difference) => {
            println!("{difference}");
            ExitCode::FAILURE
        }
    }
}

/// A module, binary or text, as a binary.
fn binary(bytes: &[u8]) -> Result<Vec<u8>, String> {
    decode::to_binary(bytes).map(|wasm| wasm.into_owned()).map_err(|error| error.to_string())
}

/// What a module is.
struct Kind {
    /// Whether it is one of ours.
    frames: bool,
    /// Whether it may show any NaN.
    exact: bool,
}

/// The random numbers that a module with a seed is made of, and what it is.
fn generator(seed: u64, exact: bool) -> (Random, Kind) {
    let mut random = Random::new(seed);
    let (frames, either) = (random.once_in(2), random.once_in(2));
    (random, Kind { frames, exact: exact || either })
}

/// Compares a random module in all engines; false if there was nothing to compare. Starts the generator if it is wanted
/// and not there yet.
fn check(
    groups: &[Vec<Box<dyn Engine>>],
    smith: &mut Option<Smith>,
    seed: u64,
    options: &Options,
) -> Result<bool, String> {
    let (mut random, kind) = generator(seed, options.exact);
    let wasm = if options.only.as_ref().map_or(kind.frames, |only| only == "frames") {
        let text = frames::module(&mut random, kind.exact);
        binary(text.as_bytes()).map_err(|error| format!("seed {seed}: the generator: {error}"))?
    } else {
        let failed = |error: std::io::Error| format!("seed {seed}: {error}");
        let smith = match smith {
            Some(smith) => smith,
            None => smith.insert(Smith::start().map_err(failed)?),
        };
        let Some(wasm) = smith.module(&mut random, kind.exact).map_err(failed)? else { return Ok(false) };
        wasm
    };
    compare(groups, &wasm, seed, kind.exact).map_err(|difference| {
        let file = keep(&wasm, seed);
        let exact = if kind.exact { " --exact" } else { "" };
        let again = format!("cargo xtask fuzz differential --seed {seed}{exact} --file {}", file.display());
        format!("seed {seed}: {difference}\n  again: {again}")
    })
}

/// Runs a module in all engines whose NaN may be looked at; false if there was nothing to compare.
fn compare(groups: &[Vec<Box<dyn Engine>>], wasm: &[u8], seed: u64, exact: bool) -> Result<bool, String> {
    // A module that shows the canonical NaN alone shows the same with it and without.
    let groups = if exact { groups } else { &groups[..1] };
    let mut compared = true;
    for group in groups {
        let engines = group.iter().map(|engine| &**engine).filter(|engine| !exact || engine.has_our_nan());
        compared &= compare_group(&engines.collect::<Vec<_>>(), wasm, seed)?;
    }
    Ok(compared)
}

fn compare_group(engines: &[&dyn Engine], wasm: &[u8], seed: u64) -> Result<bool, String> {
    let outcomes: Vec<Outcome> = engines.iter().map(|engine| engine.run(wasm, seed)).collect();
    if outcomes.contains(&Outcome::Limit) {
        return Ok(false);
    }
    for (engine, outcome) in engines.iter().zip(&outcomes).skip(1) {
        if *outcome != outcomes[0] {
            let place = difference(&outcomes[0], outcome);
            return Err(format!("{} and {} differ: {place}", engines[0].name(), engine.name()));
        }
    }
    Ok(true)
}

/// The first thing that differs.
fn difference(a: &Outcome, b: &Outcome) -> String {
    if let (Outcome::Ran(a), Outcome::Ran(b)) = (a, b) {
        for (a, b) in a.iter().zip(b) {
            if a.result != b.result {
                return format!("`{}` of {:x?} gives {:x?} and {:x?}", a.function, a.args, a.result, b.result);
            }
            if a != b {
                return format!("after `{}`: {a:x?} and {b:x?}", a.function);
            }
        }
    }
    format!("{a:x?} and {b:x?}")
}

fn keep(wasm: &[u8], seed: u64) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    let folder = target.join("fuzz").join("differential");
    let file = folder.join(format!("{seed}.wasm"));
    if let Err(error) = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&file, wasm)) {
        eprintln!("cannot write {}: {error}", file.display());
    }
    file
}
