//! Whose habits the command follows. Started under the name `wasmedge` or `wasmedgec`, by a link, it does as WasmEdge does
//! wherever the two differ, so that scripts made for WasmEdge run unchanged. Each difference is a method here, and
//! `docs/cli.md` lists them.

use std::path::Path;

use kinglet::Trap;

/// The version of WasmEdge whose command line this is.
pub(crate) const WASMEDGE_VERSION: &str = "0.17.1";

/// Whose command line this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Dialect {
    /// Our own.
    #[default]
    Kinglet,
    /// That of `wasmedge`.
    WasmEdge,
    /// That of `wasmedgec`, which only compiles.
    WasmEdgeC,
}

impl Dialect {
    /// By the name the command was started under.
    pub(crate) fn of(name: &str) -> Dialect {
        match Path::new(name).file_stem().and_then(|stem| stem.to_str()) {
            Some("wasmedge") => Dialect::WasmEdge,
            Some("wasmedgec") => Dialect::WasmEdgeC,
            _ => Dialect::Kinglet,
        }
    }

    pub(crate) fn is_wasmedge(self) -> bool {
        self != Dialect::Kinglet
    }

    /// What differs, for the reference.
    pub(crate) const DIFFERENCES: &[&str] = &[
        "Messages are lines `[time] [level] …` on standard output, instead of `kinglet: level: …` on standard error; the \
         message of a trap begins with `execution failed:` and has WasmEdge's code.",
        "A mistake in the options is told on standard output in WasmEdge's words, `unknown option: X`; without a file the \
         help is shown. The status is 1 for both, as always.",
        "`--version` prints the name the command was started under and the version of WasmEdge it follows.",
        "Only the commands WasmEdge has are known (`run`, `compile`, `parse`, `validate`, `instantiate`); any other word is \
         a file. `wasmedgec` only compiles.",
        "An argument of `--reactor` that a function has no parameter for is taken as an i64, and the call fails with status \
         134; a missing or wrong one is refused with status 1.",
        "`--dir` with a folder that cannot be opened is an error in the log, and the program runs without it; an empty guest \
         name is `/`, and a third part that is not `readonly` is ignored.",
        "`--env` without a `=` is a variable with an empty value.",
        "An unknown `--run-mode` or `--log-level` is a warning, and the default counts.",
        "`validate` and `instantiate` print `Validation succeeded.` and `Instantiation succeeded.`.",
    ];
}

/// What WasmEdge's log says of a trap: its message with the number of its error.
pub(crate) fn wasmedge_trap(trap: Trap) -> String {
    let (message, code) = match trap {
        Trap::OutOfGas => ("cost limit exceeded", 0x0003),
        Trap::Interrupted => ("execution interrupted", 0x0007),
        Trap::IntegerDivideByZero => (trap.message(), 0x0404),
        Trap::IntegerOverflow => (trap.message(), 0x0405),
        Trap::InvalidConversionToInteger => (trap.message(), 0x0406),
        Trap::TableOutOfBounds => (trap.message(), 0x0407),
        Trap::MemoryOutOfBounds => (trap.message(), 0x0408),
        Trap::ArrayOutOfBounds => (trap.message(), 0x0409),
        Trap::Unreachable => (trap.message(), 0x040a),
        Trap::UninitializedElement => (trap.message(), 0x040b),
        Trap::UndefinedElement => (trap.message(), 0x040c),
        Trap::IndirectCallTypeMismatch => (trap.message(), 0x040d),
        Trap::UnalignedAtomic => (trap.message(), 0x0410),
        Trap::ExpectedSharedMemory => (trap.message(), 0x0411),
        Trap::NullReference => (trap.message(), 0x0412),
        Trap::NullFunctionReference => (trap.message(), 0x0413),
        Trap::NullStructReference => (trap.message(), 0x0414),
        Trap::NullArrayReference => (trap.message(), 0x0415),
        Trap::NullI31Reference => (trap.message(), 0x0416),
        Trap::NullExceptionReference => (trap.message(), 0x0417),
        Trap::CastFailure => (trap.message(), 0x0418),
        Trap::UncaughtException => (trap.message(), 0x0419),
        // What WasmEdge has no code for is its general error.
        _ => (trap.message(), 0x0002),
    };
    format!("execution failed: {message}, Code: {code:#x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_decides_wherever_the_link_lies() {
        assert_eq!(Dialect::of("/usr/bin/wasmedge"), Dialect::WasmEdge);
        assert_eq!(Dialect::of("wasmedgec"), Dialect::WasmEdgeC);
        assert_eq!(Dialect::of("target/kinglet"), Dialect::Kinglet);
        assert_eq!(Dialect::of(""), Dialect::Kinglet);
    }

    #[test]
    fn traps_have_wasmedges_codes() {
        assert_eq!(wasmedge_trap(Trap::Unreachable), "execution failed: unreachable, Code: 0x40a");
        assert_eq!(wasmedge_trap(Trap::OutOfGas), "execution failed: cost limit exceeded, Code: 0x3");
        assert!(Trap::ALL.iter().all(|trap| wasmedge_trap(*trap).contains(", Code: 0x")));
    }
}
