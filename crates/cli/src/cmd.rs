//! The commands: one row each. The first is the one that is meant when none is named.

mod run;
mod validate;
mod wast;

use crate::fault::Outcome;
use crate::options::Options;

/// One row per command.
pub(crate) struct Command {
    pub(crate) name: &'static str,
    pub(crate) usage: &'static str,
    pub(crate) about: &'static str,
    /// Gives the exit status, or why there is none.
    pub(crate) run: fn(&Options) -> Outcome,
}

pub(crate) const COMMANDS: &[Command] = &[
    Command {
        name: "run",
        usage: "[OPTIONS] FILE [ARGS…]",
        about: "Runs a program, or one of its functions; the name of this command can be left out.",
        run: run::run,
    },
    Command {
        name: "validate",
        usage: "[OPTIONS] FILE…",
        about: "Checks that modules are valid, without running them.",
        run: validate::run,
    },
    Command {
        name: "wast",
        usage: "[OPTIONS] FILE…",
        about: "Runs scripts in the format of the specification's test suite.",
        run: wast::run,
    },
];
