//! Differential fuzzing: runs random modules in the interpreter, in the native tier, with tier-up, and in Wasmi, and
//! compares all observable results. Half of the modules canonicalise each NaN. The other half exposes NaN bits, in which
//! Wasmi differs, so it runs without Wasmi, and all configurations of Kinglet must agree in every bit. The program stops at
//! the first difference and writes the module to a file.

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

use engine::{ModuleRunner, Outcome, groups};
use random::Random;
use smith::Smith;

const HELP: &str = "\
usage: cargo xtask fuzz differential [OPTIONS]

Generates random modules and runs each in the interpreter, in the native tier, with tier-up, and in Wasmi.
Half of the modules come from wasm-smith; the other half resembles compiled C.

options:
  --modules N   stop after N modules [default: no limit]
  --minutes N   stop after N minutes [default: no limit]
  --seconds N   stop after N seconds [default: no limit]
  --seed N      seed of the first module; later modules use the following numbers [default: the current time]
  --only KIND   generate only modules of this kind: `smith` or `frames`
  --exact       generate only modules that expose NaN bits, without Wasmi; with --file, treat the module as one
  --file PATH   run only this module, binary or text, with the arguments of --seed
  --print       print the `frames` module of --seed and run nothing
  --help        show this help

If a difference is found, the module is written to target/fuzz/differential, the command to reproduce the
difference is printed, and the exit status is 1.
";

/// The options of the command line.
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
        return run_file(file, &options);
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
            let finished = number >= options.modules || start.elapsed() > options.time;
            if finished || found.lock().is_ok_and(|found| found.is_some()) {
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
            // Guests may need a large stack.
            _ = std::thread::Builder::new().stack_size(8 << 20).spawn_scoped(scope, work);
        }
    });
    let failed = found.into_inner().unwrap_or_else(|e| e.into_inner());
    if let Some(difference) = &failed {
        println!("{difference}");
    }
    println!("{} passed, {} failed, {} skipped", compared.into_inner(), u8::from(failed.is_some()), 0);
    println!("{} modules reached a limit and were not compared", limited.into_inner());
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
        let number = || value.parse::<u64>().map_err(|_| format!("`{value}` is not a number"));
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
fn run_file(file: &Path, options: &Options) -> ExitCode {
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
            println!("{}", if compared { "no difference" } else { "the module reached a limit" });
            ExitCode::SUCCESS
        }
        Err(difference) => {
            println!("{difference}");
            ExitCode::FAILURE
        }
    }
}

/// Converts a module in binary or text format to a binary.
fn binary(bytes: &[u8]) -> Result<Vec<u8>, String> {
    decode::to_binary(bytes).map(|wasm| wasm.into_owned()).map_err(|error| error.to_string())
}

/// The kind of a module.
struct ModuleKind {
    /// Whether [`frames`] generates it; otherwise wasm-smith does.
    frames: bool,
    /// Whether it may expose the bits of any NaN.
    exact: bool,
}

/// Returns the random number generator and the kind of the module with this seed.
fn generator(seed: u64, exact: bool) -> (Random, ModuleKind) {
    let mut random = Random::new(seed);
    let (frames, random_exact) = (random.one_in(2), random.one_in(2));
    (random, ModuleKind { frames, exact: exact || random_exact })
}

/// Compares a random module in all engines. Returns false if the module could not be compared. Starts wasm-smith when it is
/// first needed.
fn check(
    groups: &[Vec<Box<dyn ModuleRunner>>],
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
        let file = save(&wasm, seed);
        let exact = if kind.exact { " --exact" } else { "" };
        let command = format!("cargo xtask fuzz differential --seed {seed}{exact} --file {}", file.display());
        format!("seed {seed}: {difference}\n  reproduce: {command}")
    })
}

/// Compares a module in all engines. If the module is `exact`, skips engines with other NaN bits. Returns false if the
/// module could not be compared.
fn compare(groups: &[Vec<Box<dyn ModuleRunner>>], wasm: &[u8], seed: u64, exact: bool) -> Result<bool, String> {
    // NaN canonicalisation does not change the results of other modules.
    let groups = if exact { groups } else { &groups[..1] };
    let mut compared = true;
    for group in groups {
        let engines = group.iter().map(|engine| &**engine).filter(|engine| !exact || engine.has_kinglet_nan());
        compared &= compare_group(&engines.collect::<Vec<_>>(), wasm, seed)?;
    }
    Ok(compared)
}

fn compare_group(engines: &[&dyn ModuleRunner], wasm: &[u8], seed: u64) -> Result<bool, String> {
    let outcomes: Vec<Outcome> = engines.iter().map(|engine| engine.run(wasm, seed)).collect();
    if outcomes.contains(&Outcome::Limit) {
        return Ok(false);
    }
    for (engine, outcome) in engines.iter().zip(&outcomes).skip(1) {
        if *outcome != outcomes[0] {
            let difference = first_difference(&outcomes[0], outcome);
            return Err(format!("{} and {} differ: {difference}", engines[0].name(), engine.name()));
        }
    }
    Ok(true)
}

/// Describes the first difference.
fn first_difference(a: &Outcome, b: &Outcome) -> String {
    if let (Outcome::Ran(a), Outcome::Ran(b)) = (a, b) {
        for (a, b) in a.iter().zip(b) {
            if a.result != b.result {
                return format!("`{}` of {:x?} returns {:x?} and {:x?}", a.function, a.args, a.result, b.result);
            }
            if a != b {
                return format!("after `{}`: {a:x?} and {b:x?}", a.function);
            }
        }
    }
    format!("{a:x?} and {b:x?}")
}

fn save(wasm: &[u8], seed: u64) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    let directory = target.join("fuzz").join("differential");
    let file = directory.join(format!("{seed}.wasm"));
    if let Err(error) = std::fs::create_dir_all(&directory).and_then(|()| std::fs::write(&file, wasm)) {
        eprintln!("cannot write {}: {error}", file.display());
    }
    file
}
