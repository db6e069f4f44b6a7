//! A harness for tests that are found at run time, and that are skipped if a requirement is missing. It runs as many tests
//! in parallel as there are processors. Its last line of output has the counts that `cargo xtask test` adds up.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// A test that is found at run time. It fails if it panics.
pub struct Case {
    /// Its name. Arguments of the harness select tests by parts of their names.
    pub name: String,
    /// The requirement that is missing, if any. The test is then skipped.
    pub lacks: Option<String>,
    /// The test function.
    pub run: Box<dyn Fn() + Send + Sync>,
}

impl Case {
    /// Creates a test without missing requirements.
    pub fn new(name: impl Into<String>, run: impl Fn() + Send + Sync + 'static) -> Case {
        Case { name: name.into(), lacks: None, run: Box::new(run) }
    }
}

/// The stack size of test threads in bytes, which is that of a program's main thread on most systems.
const STACK: usize = 8 << 20;

/// Runs the tests with a name that contains one of the arguments, or all tests without arguments. With `--list`, only
/// prints their names.
pub fn main(cases: &[Case]) -> ExitCode {
    let filters: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let wanted = |case: &&Case| filters.is_empty() || filters.iter().any(|part| case.name.contains(part));
    if std::env::args().any(|arg| arg == "--list") {
        cases.iter().filter(wanted).for_each(|case| println!("{}: test", case.name));
        return ExitCode::SUCCESS;
    }
    let wanted: Vec<&Case> = cases.iter().filter(wanted).collect();
    let next = AtomicUsize::new(0);
    let counts = [const { AtomicUsize::new(0) }; 3];
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(wanted.len());
    std::thread::scope(|scope| {
        for _ in 0..workers {
            let work = || {
                while let Some(case) = wanted.get(next.fetch_add(1, Ordering::Relaxed)) {
                    counts[run(case) as usize].fetch_add(1, Ordering::Relaxed);
                }
            };
            let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
            thread.expect("a thread can be spawned");
        }
    });
    let [passed, failed, skipped] = counts.map(AtomicUsize::into_inner);
    println!("{passed} passed, {failed} failed, {skipped} skipped");
    ExitCode::from(u8::from(failed > 0))
}

/// The outcome of a test.
enum Outcome {
    Passed,
    Failed,
    Skipped,
}

fn run(case: &Case) -> Outcome {
    if let Some(lacks) = &case.lacks {
        println!("test {} ... not run: needs {lacks}", case.name);
        return Outcome::Skipped;
    }
    let start = Instant::now();
    let passed = catch_unwind(AssertUnwindSafe(|| (case.run)())).is_ok();
    let (outcome, seconds) = (if passed { "ok" } else { "FAILED" }, start.elapsed().as_secs_f64());
    println!("test {} ... {outcome} <{seconds:.3}s>", case.name);
    if passed { Outcome::Passed } else { Outcome::Failed }
}
