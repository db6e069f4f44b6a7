//! Real programs in Kinglet, in every mode: programs from compilers of six languages, CPython and QuickJS running
//! scripts, the kernels of the bench. `KINGLET_GUESTS` names another folder to take the committed modules from,
//! `KINGLET_PROGRAMS` the one with those that `cargo xtask programs` makes. A case's name is `MODE::PROGRAM`; with `--list`
//! they are only listed, with `--some` only one program of each language runs, in two modes.

mod javascript;
mod kernel;
mod ledger;
mod mode;
mod place;
mod program;
mod python;
mod walk;

use std::process::ExitCode;

use kinglet_tests::harness::{self, Case};

use mode::{MODES, Mode};

/// What a test of a program is, before it is known in which mode: a name, the module, and the test.
struct Test {
    name: String,
    module: std::path::PathBuf,
    run: Box<dyn Fn(&'static Mode) + Send + Sync>,
}

/// A test that always takes the same program, with its name.
type Named = (&'static str, fn(&Mode));

/// What `--some` chooses: modes, and programs, in the first column.
const SOME_MODES: [&str; 2] = ["loop", "auto"];
const SOME_PROGRAMS: &str = include_str!("some.txt");

fn is_among_some(case: &Case) -> bool {
    let mut programs = SOME_PROGRAMS.lines().filter_map(|line| line.split_whitespace().next());
    let name = case.name.split_once("::");
    name.is_some_and(|(mode, program)| SOME_MODES.contains(&mode) && programs.any(|some| some == program))
}

fn main() -> ExitCode {
    // What an earlier run compiled is not what this one tests.
    let _ = std::fs::remove_dir_all(mode::cache());
    let mut cases = Vec::new();
    for mode in MODES {
        let interpreters = python::tests().into_iter().chain(javascript::tests());
        let programs = program::tests().into_iter().chain(ledger::tests()).chain(kernel::tests());
        for test in programs.chain(interpreters) {
            let lacks = place::lacks(&test.module).or_else(|| (mode.lacks)());
            cases.push(Case {
                name: format!("{}::{}", mode.name, test.name),
                lacks,
                run: Box::new(move || (test.run)(mode)),
            });
        }
    }
    cases.push(kernel::forms());
    cases.extend(walk::cases());
    if std::env::args().any(|arg| arg == "--some") {
        cases.retain(is_among_some);
    }
    harness::main(&cases)
}
