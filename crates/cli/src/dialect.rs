//! Whose habits the command follows. Started under the name `wasmedge` or `wasmedgec`, by a link, it does as WasmEdge does
//! wherever the two differ, so that scripts made for WasmEdge run unchanged. Each difference is a method here, and
//! `docs/cli.md` lists them.

use std::path::Path;

use kinglet::{ModuleError, Trap};
use kinglet_wasm::ErrorKind;

use crate::cmd::{COMMANDS, Command};

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

    /// What the command is called in its help.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Dialect::Kinglet => "kinglet",
            Dialect::WasmEdge => "wasmedge",
            Dialect::WasmEdgeC => "wasmedgec",
        }
    }

    /// Whether a command is known by its name.
    pub(crate) fn knows(self, command: &Command) -> bool {
        match self {
            Dialect::Kinglet => true,
            Dialect::WasmEdge => command.of_wasmedge,
            Dialect::WasmEdgeC => command.name == "compile",
        }
    }

    /// Command lines of ours within a text as they are written under this name. What only we have stays ours.
    pub(crate) fn command_lines(self, text: &str) -> String {
        if self == Dialect::Kinglet {
            return text.to_string();
        }
        let mut parts = text.split("kinglet ");
        let mut out = parts.next().unwrap_or_default().to_string();
        for part in parts {
            let word = part.split_whitespace().next().unwrap_or_default();
            let command = COMMANDS.iter().find(|row| row.name == word);
            out.push_str(&match (self, command) {
                (_, Some(row)) if !row.of_wasmedge => format!("kinglet {part}"),
                (Dialect::WasmEdgeC, Some(row)) if self.knows(row) => {
                    format!("{} {}", self.name(), part[word.len()..].trim_start())
                }
                (Dialect::WasmEdgeC, None) if word.starts_with('-') => format!("{} {part}", self.name()),
                _ => format!("{} {part}", Dialect::WasmEdge.name()),
            });
        }
        out
    }

    /// What differs, for the reference.
    pub(crate) const DIFFERENCES: &[&str] = &[
        "Messages are lines `[time] [level] …` on standard output, instead of `kinglet: level: …` on standard error. Those of \
         what goes wrong begin as WasmEdge's, with its codes where it has one: `loading failed:`, `validation failed:`, \
         `instantiation failed:`, `execution failed:`.",
        "A trap while a module is instantiated, as of its start function, is status 1. From there on it is 134.",
        "Of a status beyond 255 that a program ends with the low 8 bits are kept, as the system does.",
        "A mistake in the options is told on standard output in WasmEdge's words, `unknown option: X`; without a file the \
         help is shown. Help and hints are about the command under this name. The status is 1 for both, as always.",
        "`--version` prints the name the command was started under and the version of WasmEdge it follows.",
        "Only the commands WasmEdge has are known (`run`, `compile`, `parse`, `validate`, `instantiate`); any other word is \
         a file. `wasmedgec` only compiles.",
        "An argument of `--reactor` that a function has no parameter for is taken as an i64, and the call fails with status \
         134; a missing or wrong one is refused with status 1.",
        "`--dir` with a folder that cannot be opened is an error in the log, and the program runs without it; an empty guest \
         name is `/`, a third part that is not `readonly` is ignored, and a backslash is one.",
        "A module whose export with the empty name is a function is no program by that alone.",
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

/// WasmEdge's words for what is wrong with a module, which are mostly those of the specification's tests, and the
/// numbers of its errors: 0x01xx are of loading, 0x02xx of validation.
const REFUSALS: &[(&str, u16)] = &[
    ("unexpected end", 0x0102),
    ("magic header not detected", 0x0103),
    ("unknown binary version", 0x0104),
    ("malformed section id", 0x0105),
    ("section size mismatch", 0x0106),
    ("length out of bounds", 0x0107),
    ("unexpected content after last section", 0x0108),
    ("function and code section have inconsistent lengths", 0x0109),
    ("data count and data section have inconsistent lengths", 0x010a),
    ("data count section required", 0x010b),
    ("malformed import kind", 0x010c),
    ("malformed export kind", 0x010d),
    ("zero byte expected", 0x010e),
    ("malformed mutability", 0x010f),
    ("too many locals", 0x0110),
    ("malformed reference type", 0x0113),
    ("malformed UTF-8 encoding", 0x0114),
    ("integer too large", 0x0115),
    ("integer representation too long", 0x0116),
    ("illegal opcode", 0x0117),
    ("END opcode expected", 0x0118),
    ("alignment must not be larger than natural", 0x0201),
    ("type mismatch", 0x0202),
    ("unknown label", 0x0203),
    ("unknown local", 0x0204),
    ("unknown field", 0x0205),
    ("unknown type", 0x0206),
    ("unknown function", 0x0207),
    ("unknown table", 0x0208),
    ("unknown memory", 0x0209),
    ("unknown global", 0x020a),
    ("unknown tag", 0x020b),
    ("unknown elem segment", 0x020c),
    ("unknown data segment", 0x020d),
    ("undeclared function reference", 0x020e),
    ("constant expression required", 0x020f),
    ("duplicate export name", 0x0210),
    ("global is immutable", 0x0211),
    ("invalid result arity", 0x0214),
    ("multiple tables", 0x0215),
    ("multiple memories", 0x0216),
    ("size minimum must not be greater than maximum", 0x0217),
    ("memory size must be at most 65536 pages (4GiB)", 0x0218),
    ("start function", 0x0219),
    ("invalid lane index", 0x021a),
    ("uninitialized local", 0x021b),
];

/// What is said of a file that is not there, and of one that cannot be read.
pub(crate) const INVALID_PATH: &str = "loading failed: invalid path, Code: 0x100";
pub(crate) const READ_ERROR: &str = "loading failed: read error, Code: 0x101";

/// What WasmEdge's log says of a module that is refused. Text it does not know, and takes for no module at all.
pub(crate) fn wasmedge_refusal(error: &ModuleError) -> String {
    let message = match (error.kind(), error.offset()) {
        (ErrorKind::Malformed, None) => "magic header not detected",
        _ => error.message(),
    };
    // Words that are rarer come first where a message has several.
    let row = REFUSALS.iter().filter(|(words, _)| message.contains(words)).max_by_key(|(words, _)| words.len());
    match (row, error.kind()) {
        (Some((words, code)), _) if code >> 8 == 1 => format!("loading failed: {words}, Code: {code:#x}"),
        (Some((words, code)), _) => format!("validation failed: {words}, Code: {code:#x}"),
        (None, ErrorKind::Invalid) => format!("validation failed: {message}"),
        (None, _) => format!("loading failed: {message}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_lines_have_the_name_of_the_command() {
        let ours = "kinglet --help, kinglet compile A B, kinglet wat --offsets FILE, kinglet FILE";
        assert_eq!(Dialect::Kinglet.command_lines(ours), ours);
        let theirs = "wasmedge --help, wasmedge compile A B, kinglet wat --offsets FILE, wasmedge FILE";
        assert_eq!(Dialect::WasmEdge.command_lines(ours), theirs);
        let compiler = "wasmedgec --help, wasmedgec A B, kinglet wat --offsets FILE, wasmedge FILE";
        assert_eq!(Dialect::WasmEdgeC.command_lines(ours), compiler);
    }

    #[test]
    fn refusals_have_wasmedges_words_and_codes() {
        let said = |bytes: &[u8]| {
            let error = kinglet::Module::new(&kinglet::Engine::default(), bytes).unwrap_err();
            wasmedge_refusal(error.downcast_ref().unwrap())
        };
        assert_eq!(said(b"\0asm\x02\0\0\0"), "loading failed: unknown binary version, Code: 0x104");
        assert_eq!(said(b"\0asm\x01\0\0\0\x01\x05"), "loading failed: unexpected end, Code: 0x102");
        assert_eq!(said(b"#!/bin/sh"), "loading failed: magic header not detected, Code: 0x103");
        assert_eq!(said(b"(module (func i32.const 1))"), "validation failed: type mismatch, Code: 0x202");
        assert_eq!(said(b"(module (func call 7))"), "validation failed: unknown function, Code: 0x207");
    }

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
