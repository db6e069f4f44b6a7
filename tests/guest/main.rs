//! Real programs in every mode: programs from compilers of six languages, CPython and QuickJS with scripts, and the
//! bench's kernels. `KINGLET_GUESTS` overrides the directory of committed modules. `KINGLET_PROGRAMS` overrides the
//! output directory of `cargo xtask programs`. A case's name is `MODE::PROGRAM`. `--list` only lists the cases;
//! `--sample` runs one program of each language, in two modes.

mod javascript;
mod kernel;
mod ledger;
mod mode;
mod paths;
mod program;
mod python;
mod walk;

use std::process::ExitCode;

use kinglet_tests::harness::{self, Case};

use mode::{MODES, Mode};

/// A test of a program, which runs in every mode.
struct Test {
    name: String,
    module: std::path::PathBuf,
    run: Box<dyn Fn(&'static Mode) + Send + Sync>,
}

/// The name of a test, and a test that runs one program.
type NamedTest = (&'static str, fn(&Mode));

/// The modes and programs that `--sample` selects. The first column of the file contains the programs.
const SAMPLE_MODES: [&str; 2] = ["loop", "auto"];
const SAMPLE_PROGRAMS: &str = include_str!("sample.txt");

fn is_in_sample(case: &Case) -> bool {
    let mut programs = SAMPLE_PROGRAMS.lines().filter_map(|line| line.split_whitespace().next());
    let name = case.name.split_once("::");
    name.is_some_and(|(mode, program)| SAMPLE_MODES.contains(&mode) && programs.any(|other| other == program))
}

fn main() -> ExitCode {
    // Code that an earlier run compiled must not be reused.
    let _ = std::fs::remove_dir_all(mode::cache());
    let mut cases = Vec::new();
    for mode in MODES {
        let interpreters = python::tests().into_iter().chain(javascript::tests());
        let programs = program::tests().into_iter().chain(ledger::tests()).chain(kernel::tests());
        for test in programs.chain(interpreters) {
            let lacks = paths::lacks(&test.module).or_else(|| (mode.lacks)());
            cases.push(Case {
                name: format!("{}::{}", mode.name, test.name),
                lacks,
                run: Box::new(move || (test.run)(mode)),
            });
        }
    }
    cases.push(kernel::forms());
    cases.extend(walk::cases());
    if std::env::args().any(|arg| arg == "--sample") {
        cases.retain(is_in_sample);
    }
    harness::main(&cases)
}
