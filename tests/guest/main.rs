//! Real programs in Kinglet, in every mode: programs from compilers of six languages, CPython and QuickJS running
//! scripts, the kernels of the bench. `KINGLET_GUESTS` names another folder to take the committed modules from,
//! `KINGLET_PROGRAMS` the one with those that `cargo xtask programs` makes. A case's name is `MODE::PROGRAM`; with `--list`
//! they are only listed.

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

fn main() -> ExitCode {
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
    harness::main(&cases)
}
