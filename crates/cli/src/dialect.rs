//! The dialects of the command line. Started through a link named `wasmedge` or `wasmedgec`, the command follows WasmEdge
//! where the two differ, so that scripts for WasmEdge run unchanged. `docs/cli.md` lists the differences.

use std::path::Path;

use kinglet::{ModuleError, Trap};
use kinglet_wasm::ErrorKind;

use crate::cmd::{COMMANDS, Command};

/// The version of WasmEdge that the dialect follows.
pub(crate) const WASMEDGE_VERSION: &str = "0.17.1";

/// A dialect of the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Dialect {
    /// Kinglet's own.
    #[default]
    Kinglet,
    /// The dialect of `wasmedge`.
    WasmEdge,
    /// The dialect of `wasmedgec`, which only compiles.
    WasmEdgeC,
}

impl Dialect {
    /// The dialect of the name under which the command was started.
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

    /// The command's name in its help.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Dialect::Kinglet => "kinglet",
            Dialect::WasmEdge => "wasmedge",
            Dialect::WasmEdgeC => "wasmedgec",
        }
    }

    /// Whether the dialect has a command.
    pub(crate) fn knows(self, command: &Command) -> bool {
        match self {
            Dialect::Kinglet => true,
            Dialect::WasmEdge => command.of_wasmedge,
            Dialect::WasmEdgeC => command.name == "compile",
        }
    }

    /// Rewrites our command lines in a text for this name. Commands that WasmEdge lacks keep the name `kinglet`.
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

    /// The differences under WasmEdge's name, for the reference.
    pub(crate) const DIFFERENCES: &[&str] = &[
        "Messages are log lines, `[time] [level] …`, on standard output. Error messages begin with WasmEdge's words and, where it \
         has one, its error number: `loading failed:`, `validation failed:`, `instantiation failed:`, `execution failed:`. Only \
         `A function name is required when reactor mode is enabled.` goes to standard error.",
        "Advice that WasmEdge does not print, as about native code in a file, has the level `debug` and goes to standard error.",
        "A trap during instantiation, for example in the start function, has status 1. Later traps have status 134.",
        "Of a program's status above 255, the low 8 bits are kept.",
        "Usage errors are printed on standard output in WasmEdge's words, `unknown option: X`. Without a file, the help is \
         printed. Help and hints refer to the command under this name. Both have status 1.",
        "`--version` prints the command's name and the version of WasmEdge that it follows.",
        "Only WasmEdge's commands are known (`run`, `compile`, `parse`, `validate`, `instantiate`); any other word is a file. \
         `wasmedgec` only compiles.",
        "After the first file, all arguments are positional, also for `compile` and the other commands.",
        "A repeated option replaces the earlier one.",
        "Numbers may begin with white space, as in ` 7`, or with `+`.",
        "`--enable-threads`, `--enable-component`, `--enable-coredump`, `--coredump-for-wasmgdb` and `--allow-af-unix` are ignored \
         with a warning; `--forbidden-plugin` is accepted because there are no plug-ins.",
        "`compile` logs its stages, from `compile start` to `compile done`. `--dump` takes no directory and writes to the current \
         one.",
        "`--reactor` parses a surplus argument as an i64, and the call fails with status 134. A missing or malformed argument has \
         status 1.",
        "`--dir` with a directory that cannot be opened logs an error, and the program runs without it. An empty guest name means \
         `/`, a third part other than `readonly` is ignored, and a backslash escapes nothing.",
        "An exported function with the empty name does not make a module a program.",
        "`--env` without `=` sets a variable to the empty value.",
        "An unknown `--run-mode` or `--log-level` causes a warning, and the default is used.",
        "`validate` and `instantiate` print `Validation succeeded.` and `Instantiation succeeded.`.",
    ];
}

/// The line in WasmEdge's log for a trap, with the error's number.
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
        // WasmEdge's general error.
        _ => (trap.message(), 0x0002),
    };
    format!("execution failed: {message}, Code: {code:#x}")
}

/// WasmEdge's messages for rejected modules, mostly those of the specification's tests, and its error numbers: 0x01xx for
/// loading, 0x02xx for validation.
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

/// WasmEdge's messages for a missing file, and for an unreadable one.
pub(crate) const INVALID_PATH: &str = "loading failed: invalid path, Code: 0x100";
pub(crate) const READ_ERROR: &str = "loading failed: read error, Code: 0x101";

/// The line in WasmEdge's log for a rejected module. WasmEdge knows no text format, so it expects the magic number.
pub(crate) fn wasmedge_refusal(error: &ModuleError) -> String {
    let message = match (error.kind(), error.offset()) {
        (ErrorKind::Malformed, None) => "magic header not detected",
        _ => error.message(),
    };
    // The longest match is the most specific.
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
    fn command_lines_are_rewritten_for_the_name() {
        let ours = "kinglet --help, kinglet compile A B, kinglet wat --offsets FILE, kinglet FILE";
        assert_eq!(Dialect::Kinglet.command_lines(ours), ours);
        let theirs = "wasmedge --help, wasmedge compile A B, kinglet wat --offsets FILE, wasmedge FILE";
        assert_eq!(Dialect::WasmEdge.command_lines(ours), theirs);
        let compiler = "wasmedgec --help, wasmedgec A B, kinglet wat --offsets FILE, wasmedge FILE";
        assert_eq!(Dialect::WasmEdgeC.command_lines(ours), compiler);
    }

    #[test]
    fn rejections_have_wasmedges_words_and_codes() {
        let logged = |bytes: &[u8]| {
            let error = kinglet::Module::new(&kinglet::Engine::default(), bytes).unwrap_err();
            wasmedge_refusal(error.downcast_ref().unwrap())
        };
        assert_eq!(logged(b"\0asm\x02\0\0\0"), "loading failed: unknown binary version, Code: 0x104");
        assert_eq!(logged(b"\0asm\x01\0\0\0\x01\x05"), "loading failed: unexpected end, Code: 0x102");
        assert_eq!(logged(b"#!/bin/sh"), "loading failed: magic header not detected, Code: 0x103");
        assert_eq!(logged(b"(module (func i32.const 1))"), "validation failed: type mismatch, Code: 0x202");
        assert_eq!(logged(b"(module (func call 7))"), "validation failed: unknown function, Code: 0x207");
    }

    #[test]
    fn the_file_name_of_the_link_selects_the_dialect() {
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
