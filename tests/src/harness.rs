//! A harness for tests that are found when they run, and that may lack what they need. It ends with the one line of
//! counts that `cargo xtask test` sums up.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

/// A test found at run time. It fails by panicking.
pub struct Case {
    /// What arguments of the harness select by.
    pub name: String,
    /// Why it cannot run, if it cannot.
    pub lacks: Option<String>,
    /// The test itself.
    pub run: Box<dyn Fn()>,
}

impl Case {
    /// A test that can run.
    pub fn new(name: impl Into<String>, run: impl Fn() + 'static) -> Case {
        Case { name: name.into(), lacks: None, run: Box::new(run) }
    }
}

/// Runs the cases whose name contains one of the arguments, or all without arguments; with `--list` it only prints their
/// names.
pub fn main(cases: &[Case]) -> ExitCode {
    let filters: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let wanted = |case: &&Case| filters.is_empty() || filters.iter().any(|part| case.name.contains(part));
    if std::env::args().any(|arg| arg == "--list") {
        cases.iter().filter(wanted).for_each(|case| println!("{}: test", case.name));
        return ExitCode::SUCCESS;
    }
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for case in cases.iter().filter(wanted) {
        if let Some(lacks) = &case.lacks {
            println!("test {} ... not run: needs {lacks}", case.name);
            skipped += 1;
            continue;
        }
        let outcome = catch_unwind(AssertUnwindSafe(|| (case.run)()));
        println!("test {} ... {}", case.name, if outcome.is_ok() { "ok" } else { "FAILED" });
        if outcome.is_ok() { passed += 1 } else { failed += 1 }
    }
    println!("{passed} passed, {failed} failed, {skipped} skipped");
    ExitCode::from(u8::from(failed > 0))
}
