//! The table of options: one row each, in groups. The clap commands, the help, the reference and "did you mean" are
//! derived from it. The switches of proposals come from the engine's feature table instead.

use std::num::IntErrorKind;
use std::time::Duration;

use kinglet::{Features, Optimization, Profile, RunMode, STORE_LIMITS, Standard, StoreLimit};

use super::{Dir, MissingImports, Options, OutputFormat};
use crate::message::{Level, say};

/// One row per option.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// A letter that means the same.
    pub(crate) short: Option<char>,
    /// The value's name in the help; a switch has none.
    pub(crate) value: Option<&'static str>,
    /// All possible values, if they are few.
    pub(crate) choices: &'static [&'static str],
    /// The default, in words.
    pub(crate) default: Option<&'static str>,
    /// Whether another occurrence adds a value. A second occurrence of any other option is an error.
    pub(crate) list: bool,
    /// Whether a separate value may begin with a dash.
    pub(crate) dash: bool,
    /// Whether WasmEdge has it as a switch. Its value is then empty.
    pub(crate) switch_in_wasmedge: bool,
    /// Whether `-h` shows it.
    pub(crate) common: bool,
    /// One line that begins with a verb.
    pub(crate) help: &'static str,
    /// More sentences, for `--help` and the reference.
    pub(crate) details: &'static str,
    /// The commands that know it.
    pub(crate) commands: &'static [&'static str],
    /// Whether `compile --format exe` puts it into the program. `compile` then knows it too.
    pub(crate) exe: bool,
    pub(crate) effect: Effect,
}

impl Row {
    /// Whether a command knows it.
    pub(crate) fn is_for(&self, command: &str) -> bool {
        self.commands.contains(&command) || self.is_for_exe_alone(command)
    }

    /// Whether the command knows it only to put it into a program.
    pub(crate) fn is_for_exe_alone(&self, command: &str) -> bool {
        self.exe && command == "compile" && !self.commands.contains(&command)
    }

    /// Whether its value is an integer.
    pub(crate) fn is_number(&self) -> bool {
        self.value.is_some_and(|value| ["N", "MS", "US", "KIB", "MIB"].contains(&value))
    }

    /// Whether this version accepts it.
    pub(crate) fn is_supported(&self) -> bool {
        matches!(self.effect, Effect::Set(_))
    }
}

/// The effect of an option.
pub(crate) enum Effect {
    /// Stores the value.
    Set(fn(&mut Options, &str) -> Result<(), String>),
    /// None yet: the missing feature, as the subject of a sentence.
    Later(&'static str, InWasmEdge),
}

/// The response under WasmEdge's name to an option whose feature is missing. Under the name `kinglet` it is refused.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum InWasmEdge {
    /// Nothing depends on it.
    Accepted,
    /// A warning.
    Warned,
    Refused,
}

use Effect::{Later, Set};
use InWasmEdge::{Accepted, Refused, Warned};

/// Rows under one heading.
pub(crate) struct Group {
    pub(crate) title: &'static str,
    pub(crate) rows: &'static [Row],
}

const RUN: &[&str] = &["run"];
const COMPILE: &[&str] = &["compile"];
const NATIVE: &[&str] = &["compile", "explore"];
const GUEST: &[&str] = &["run", "instantiate"];
/// These commands execute code.
const EXECUTING: &[&str] = &["run", "instantiate", "wast"];
/// These commands execute or compile code.
const EXECUTING_OR_COMPILING: &[&str] = &["run", "compile", "warm", "explore", "instantiate", "wast"];
const CACHED: &[&str] = &["run", "instantiate", "warm", "cache"];
const COMPILED: &[&str] = &["run", "compile", "warm", "explore", "instantiate"];
const STATISTICS: &[&str] = &["run", "compile", "warm"];
const RUN_WARM: &[&str] = &["run", "warm"];
/// `warm` knows the options that change the code.
const GUEST_WARM: &[&str] = &["run", "instantiate", "warm"];
const MODULES: &[&str] = &["run", "compile", "warm", "explore", "parse", "validate", "instantiate", "wast"];
const LOGGING: &[&str] = &[
    "run",
    "compile",
    "warm",
    "cache",
    "explore",
    "targets",
    "parse",
    "validate",
    "instantiate",
    "inspect",
    "wat",
    "wasm",
    "wast",
];

const PLAIN: Row = Row {
    name: "",
    short: None,
    value: None,
    choices: &[],
    default: None,
    list: false,
    dash: false,
    switch_in_wasmedge: false,
    common: false,
    help: "",
    details: "",
    commands: RUN,
    exe: false,
    effect: Set(|_, _| Ok(())),
};

/// Every option, in the order of the help.
#[rustfmt::skip]
pub(crate) const GROUPS: &[Group] = &[
    Group { title: "Options", rows: &[
        Row { name: "output", short: Some('o'), value: Some("FILE"), commands: &["wat", "wasm", "compile", "explore"],
            common: true, default: Some("-, standard output"),
            help: "Write to this file",
            effect: Set(|options, value| { options.output = Some(value.to_string()); Ok(()) }), ..PLAIN },
        Row { name: "function", value: Some("NAME"), list: true, commands: &["explore"],
            help: "Show only this function, by name or index",
            effect: Set(|options, value| { options.functions.push(value.to_string()); Ok(()) }), ..PLAIN },
        Row { name: "offsets", commands: &["wat"],
            help: "Show the offset in the binary of each line",
            effect: Set(|options, _| { options.offsets = true; Ok(()) }), ..PLAIN },
        Row { name: "json", commands: &["inspect"],
            help: "Print JSON",
            effect: Set(|options, _| { options.json = true; Ok(()) }), ..PLAIN },
        Row { name: "man", commands: &["help"],
            help: "Print a manual page",
            effect: Set(|options, _| { options.man = true; Ok(()) }), ..PLAIN },
        Row { name: "markdown", commands: &["help"],
            help: "Print the whole reference as Markdown",
            effect: Set(|options, _| { options.markdown = true; Ok(()) }), ..PLAIN },
    ] },
    Group { title: "Compilation", rows: &[
        Row { name: "format", value: Some("FORMAT"), choices: &["native", "wasm", "exe"], commands: COMPILE,
            default: Some("native for .so, .dylib and .dll, otherwise wasm"),
            help: "Choose the output format",
            details: "`native` is native code alone, `wasm` a module that also contains native code, and `exe` a standalone \
                      executable that runs with the options given here.",
            effect: Set(|options, value| { options.format = Some(output_format(value)?); Ok(()) }), ..PLAIN },
        Row { name: "optimize", short: Some('O'), value: Some("LEVEL"), choices: &["0", "1", "2", "3", "s", "z"],
            commands: NATIVE, default: Some("2"),
            help: "Set the optimization level",
            details: "`0` compiles fastest. `1`, `2` and `3` are the same level: fast code. `s` and `z` also optimize for size \
                      (Cranelift's `speed_and_size`); the difference is small.",
            effect: Set(|options, value| { options.optimization = optimization(value)?; Ok(()) }), ..PLAIN },
        Row { name: "target", value: Some("TRIPLE"), commands: NATIVE, default: Some("this machine"),
            help: "Compile for another target; `kinglet targets` lists them",
            effect: Set(|options, value| { options.target = Some(value.to_string()); Ok(()) }), ..PLAIN },
        Row { name: "cpu-features", value: Some("+NAME,-NAME"), list: true, dash: true, commands: NATIVE,
            help: "Enable or disable CPU features; `kinglet targets` lists them",
            effect: Set(cpu_features), ..PLAIN },
        Row { name: "generic-binary", commands: NATIVE,
            help: "Compile for every CPU of the architecture",
            details: "Without it, code uses the features of this machine's CPU. The x86-64 baseline is x86-64-v2 (SSE 4.2 and \
                      popcnt).",
            effect: Set(|options, _| { options.generic_binary = true; Ok(()) }), ..PLAIN },
        Row { name: "interruptible", commands: NATIVE,
            help: "Emit code that `--time-limit` can stop",
            effect: Set(|options, _| { options.interruptible = true; Ok(()) }), ..PLAIN },
        Row { name: "runtime", value: Some("KINGLET"), commands: COMPILE, default: Some("this one"),
            help: "Build the executable on this `kinglet`, with `--format exe`",
            details: "A program for another target needs a `kinglet` for that target, of the same version.",
            effect: Set(|options, value| { options.runtime = Some(value.to_string()); Ok(()) }), ..PLAIN },
        Row { name: "dump", value: Some("DIR"), switch_in_wasmedge: true, commands: COMPILE,
            help: "Write the intermediate and machine code of each function to DIR",
            details: "`wasm.clif` and `wasm-opt.clif` contain Cranelift's intermediate code before and after optimization, \
                      `wasm.s` the machine code.",
            effect: Set(|options, value| { options.dump = Some(value.to_string()); Ok(()) }), ..PLAIN },
    ] },
    Group { title: "WASI", rows: &[
        Row { name: "dir", value: Some("GUEST:HOST"), list: true, commands: GUEST, exe: true, common: true,
            help: "Give access to directory HOST, named GUEST",
            details: "Append `:readonly` to forbid writing. A single name serves as both. In a name, write `\\:` for a colon and \
                      `\\\\` for a backslash.",
            effect: Set(|options, value| { let dir = dir(options, value)?; options.dirs.push(dir); Ok(()) }), ..PLAIN },
        Row { name: "env", value: Some("NAME[=VALUE]"), list: true, commands: GUEST, exe: true, common: true,
            help: "Set an environment variable",
            details: "Without a value, pass on the variable of the command's own environment, if it is set. The program sees no \
                      other variables.",
            effect: Set(|options, value| { let env = env(options, value)?; options.env.push(env); Ok(()) }), ..PLAIN },
        Row { name: "argv0", value: Some("NAME"), dash: true, commands: GUEST, exe: true, default: Some("the file's name"),
            help: "Set the program's own name, its first argument",
            effect: Set(|options, value| { options.argv0 = Some(value.to_string()); Ok(()) }), ..PLAIN },
    ] },
    Group { title: "Limits", rows: &[
        Row { name: "time-limit", value: Some("MS"), commands: GUEST_WARM, exe: true, common: true, default: Some("no limit"),
            help: "Stop after MS milliseconds",
            details: "The time counts from the start of the command. 0 is no limit.",
            effect: Set(|options, value| { options.time_limit = number(value, "milliseconds")?; Ok(()) }), ..PLAIN },
        Row { name: "gas-limit", value: Some("N"), commands: GUEST_WARM, exe: true, common: true, default: Some("no limit"),
            help: "Stop after N units of gas, one per instruction",
            details: "Bulk operations cost more, by their size.",
            effect: Set(|options, value| { options.gas_limit = Some(number(value, "units of gas")?); Ok(()) }), ..PLAIN },
        Row { name: "limit", value: Some("NAME=VALUE"), list: true, commands: GUEST, exe: true, common: true,
            help: "Limit a resource, as total-memory=64MiB",
            details: "`kinglet --help` lists the names.",
            effect: Set(|options, value| { let limit = limit(value)?; options.limits.push(limit); Ok(()) }), ..PLAIN },
        Row { name: "memory-page-limit", value: Some("N"), commands: GUEST, exe: true, default: Some("no limit"),
            help: "Limit each memory to N pages of 64 KiB",
            details: "`--limit total-memory` limits all memories, tables and the heap together.",
            effect: Set(|options, value| { options.memory_page_limit = Some(number(value, "pages")?); Ok(()) }), ..PLAIN },
        Row { name: "table-limit", value: Some("N"), commands: GUEST, exe: true, default: Some("no limit"),
            help: "Limit each table to N elements, as `--limit table-elements`",
            effect: Set(|options, value| {
                let elements = usize::try_from(number(value, "elements")?).unwrap_or(usize::MAX);
                options.limits.push((StoreLimit::TableElements, elements)); Ok(())
            }), ..PLAIN },
        Row { name: "stack-limit", value: Some("KIB"), commands: GUEST, exe: true, default: Some("16384"),
            help: "Limit the stack of nested calls, in KiB",
            details: "By default, native code also stays within the command's own stack limit (`ulimit -s`).",
            effect: Set(|options, value| { options.stack_limit = Some(number(value, "KiB")?); Ok(()) }), ..PLAIN },
        Row { name: "compiler-memory", value: Some("MIB"), commands: COMPILED, exe: true, default: Some("1024"),
            help: "Limit the memory for compiling one function, in MiB",
            details: "A function that needs more is interpreted. Background compilation may use a quarter of it.",
            effect: Set(|options, value| { options.compiler_memory = Some(number(value, "MiB")?); Ok(()) }), ..PLAIN },
    ] },
    Group { title: "Execution", rows: &[
        Row { name: "invoke", value: Some("FUNCTION"), exe: true, common: true,
            help: "Call this exported function and print its results",
            details: "Its arguments follow the file. Each result is printed on a line.",
            effect: Set(|options, value| { options.invoke = Some(value.to_string()); Ok(()) }), ..PLAIN },
        Row { name: "reactor", exe: true,
            help: "Call the function named after the file",
            details: "`kinglet --reactor FILE FUNCTION` is the same as `kinglet --invoke FUNCTION FILE`.",
            effect: Set(|options, _| { options.reactor = true; Ok(()) }), ..PLAIN },
        Row { name: "module", value: Some("NAME:PATH"), list: true, commands: GUEST, common: true,
            help: "Make another module importable under NAME",
            effect: Set(|options, value| { options.modules.push(module(value)?); Ok(()) }), ..PLAIN },
        Row { name: "unknown-imports", value: Some("HOW"), choices: &["trap", "zero"], commands: GUEST, exe: true,
            common: true, default: Some("refuse the module"),
            help: "Define imports that nothing provides",
            details: "With `trap`, functions trap when called. With `zero`, functions return zeros, and memories, tables and \
                      globals start as small and empty as their types allow.",
            effect: Set(|options, value| { options.unknown_imports = Some(missing_imports(value)?); Ok(()) }), ..PLAIN },
        Row { name: "run-mode", value: Some("MODE"), choices: &["auto", "interpreter", "jit", "aot", "lazyjit"],
            commands: EXECUTING, common: true, default: Some("auto"),
            help: "Choose how code runs",
            details: "`auto` interprets and compiles hot code in the background. `interpreter` compiles nothing. `jit` compiles \
                      everything before the start; `lazyjit` is the same. `aot` is `auto` with `--allow-precompiled`.",
            effect: Set(run_mode), ..PLAIN },
        Row { name: "enable-jit", commands: EXECUTING,
            help: "Select `--run-mode jit`",
            effect: Set(|options, _| run_mode(options, "jit")), ..PLAIN },
        Row { name: "force-interpreter", commands: EXECUTING,
            help: "Select `--run-mode interpreter`",
            effect: Set(|options, _| run_mode(options, "interpreter")), ..PLAIN },
        Row { name: "allow-precompiled", commands: GUEST, common: true,
            help: "Run the native code in the file, unchecked",
            details: "Pass it only if you trust the file's author. `kinglet compile` writes such files.",
            effect: Set(|options, _| { options.allow_precompiled = true; Ok(()) }), ..PLAIN },
        Row { name: "nan-canonicalization", commands: EXECUTING_OR_COMPILING, exe: true,
            help: "Canonicalize the NaN results of float arithmetic",
            details: "Results are then the same on every CPU.",
            effect: Set(|options, _| { options.nan_canonicalization = true; Ok(()) }), ..PLAIN },
        Row { name: "sampling-interval", value: Some("US"), commands: EXECUTING, default: Some("250"),
            help: "Set the time between samples in `auto`, in microseconds",
            details: "With 0, each function entry and each loop iteration is a sample, and hot code is compiled synchronously.",
            effect: Set(|options, value| {
                options.tier_thresholds.sampling_interval = Duration::from_micros(number(value, "microseconds")?); Ok(())
            }), ..PLAIN },
        Row { name: "samples", value: Some("N"), commands: EXECUTING, default: Some("2"),
            help: "Compile a function that N samples hit",
            details: "Large functions need more.",
            effect: Set(|options, value| { options.tier_thresholds.samples = number_of_32_bits(value, "samples")?; Ok(()) }),
            ..PLAIN },
        Row { name: "bytes-a-sample", value: Some("N"), commands: EXECUTING, default: Some("2000"),
            help: "Require one more sample per N bytes of function body",
            effect: Set(|options, value| {
                options.tier_thresholds.bytes_a_sample = number_of_32_bits(value, "bytes")?; Ok(())
            }), ..PLAIN },
        Row { name: "wasm-1", commands: MODULES, exe: true,
            help: "Enable the features of WebAssembly 1.0 only",
            effect: Set(|options, _| { options.standard("--wasm-1", Standard::Wasm1); Ok(()) }), ..PLAIN },
        Row { name: "wasm-2", commands: MODULES, exe: true,
            help: "Enable the features of WebAssembly 2.0 only",
            effect: Set(|options, _| { options.standard("--wasm-2", Standard::Wasm2); Ok(()) }), ..PLAIN },
        Row { name: "wasm-3", commands: MODULES, exe: true,
            help: "Enable the finished features of WebAssembly 3.0 only",
            effect: Set(|options, _| { options.standard("--wasm-3", Standard::Wasm3); Ok(()) }), ..PLAIN },
        Row { name: "enable-all", commands: MODULES, exe: true,
            help: "Enable all finished proposals, and list the others",
            details: "All finished proposals are enabled by default.",
            effect: Set(enable_all), ..PLAIN },
    ] },
    Group { title: "Cache", rows: &[
        Row { name: "no-cache", commands: GUEST, common: true,
            help: "Disable the cache",
            effect: Set(|options, _| { options.no_cache = true; Ok(()) }), ..PLAIN },
        Row { name: "cache-limit", value: Some("MIB"), commands: CACHED, default: Some("1024"),
            help: "Limit the size of the cache, in MiB",
            details: "The least recently used entries are removed first.",
            effect: Set(|options, value| { options.cache_limit = Some(number(value, "MiB")?); Ok(()) }), ..PLAIN },
        Row { name: "detach", default: Some("only on a terminal"),
            help: "Compile for the next start in a background process",
            details: "After the program's end, if the next start gains from it, a process of the lowest priority compiles the \
                      functions that have run into the cache. Never as the first process of a container or with the variable CI \
                      set. Without it, the command itself compiles for at most 50 ms and a tenth of the run.",
            effect: Set(|options, _| { options.detach = Some(true); Ok(()) }), ..PLAIN },
        Row { name: "no-detach",
            help: "Start no background process, on a terminal either",
            effect: Set(|options, _| { options.detach = Some(false); Ok(()) }), ..PLAIN },
    ] },
    Group { title: "Diagnostics", rows: &[
        Row { name: "log-level", value: Some("LEVEL"),
            choices: &["off", "trace", "debug", "info", "warning", "error", "fatal"], commands: LOGGING, common: true,
            default: Some("info"),
            help: "Show messages from this level up",
            details: "Includes events of the library. Errors have the level `error`.",
            effect: Set(log_level), ..PLAIN },
        Row { name: "stats", commands: RUN_WARM, exe: true,
            help: "Print the time of each stage: validation, compilation…",
            details: "Also prints cache reads and writes, hot functions and loops, and when the last of them became native.",
            effect: Set(|options, _| { options.statistics.stages = true; Ok(()) }), ..PLAIN },
        Row { name: "enable-instruction-count", commands: STATISTICS, exe: true,
            help: "Print the number of executed instructions",
            effect: Set(|options, _| { options.statistics.instructions = true; Ok(()) }), ..PLAIN },
        Row { name: "enable-gas-measuring", commands: STATISTICS, exe: true,
            help: "Print the used gas; with `compile`, emit code that counts gas",
            details: "`--gas-limit` needs such code.",
            effect: Set(|options, _| { options.statistics.gas = true; Ok(()) }), ..PLAIN },
        Row { name: "enable-time-measuring", commands: STATISTICS, exe: true,
            help: "Print the execution time, and the share of host functions",
            effect: Set(|options, _| { options.statistics.time = true; Ok(()) }), ..PLAIN },
        Row { name: "enable-all-statistics", commands: STATISTICS, exe: true,
            help: "Print instruction count, gas and time",
            effect: Set(|options, _| { options.statistics = crate::statistics::Selection::ALL; Ok(()) }), ..PLAIN },
        Row { name: "profile", value: Some("FORMAT"), choices: &["perfmap", "jitdump"],
            help: "Describe compiled functions to Linux's `perf`",
            details: "`perfmap` writes their names to /tmp/perf-PID.map, for `perf report`. `jitdump` also writes their code, and \
                      lines if the module has them, to jit-PID.dump, for `perf inject --jit` after `perf record -k mono`. Add \
                      `--run-mode jit` to compile all functions.",
            effect: Set(|options, value| { options.profile = Some(profile(value)?); Ok(()) }), ..PLAIN },
    ] },
    Group { title: "Not in this version", rows: &[
        Row { name: "enable-coredump",
            help: "Write a core dump of a program that traps",
            effect: Later("writing core dumps", Warned), ..PLAIN },
        Row { name: "coredump-for-wasmgdb",
            help: "Write core dumps for the debugger wasmgdb",
            effect: Later("writing core dumps", Warned), ..PLAIN },
        Row { name: "enable-component", commands: MODULES,
            help: "Enable the component model",
            effect: Later("the component model", Warned), ..PLAIN },
        Row { name: "allow-af-unix",
            help: "Allow sockets of the family AF_UNIX",
            effect: Later("opening sockets", Warned), ..PLAIN },
        Row { name: "forbidden-plugin", value: Some("NAME"), list: true, commands: LOGGING,
            help: "Do not load this plug-in",
            effect: Later("loading plug-ins", Accepted), ..PLAIN },
        Row { name: "nn-preload", value: Some("NAME:ENCODING:TARGET:PATH"), list: true,
            help: "Load a model for wasi-nn",
            effect: Later("wasi-nn", Refused), ..PLAIN },
        Row { name: "nn-rpc-uri", value: Some("URI"),
            help: "Use this server for wasi-nn",
            effect: Later("wasi-nn", Refused), ..PLAIN },
        Row { name: "allow-command", value: Some("COMMAND"), list: true,
            help: "Allow the program to run this command",
            effect: Later("running commands of the host", Refused), ..PLAIN },
        Row { name: "allow-command-all",
            help: "Allow the program to run all commands",
            effect: Later("running commands of the host", Refused), ..PLAIN },
    ] },
];

/// Every row.
pub(crate) fn rows() -> impl Iterator<Item = &'static Row> {
    GROUPS.iter().flat_map(|group| group.rows)
}

/// The row of this name.
pub(crate) fn row(name: &str) -> Option<&'static Row> {
    rows().find(|row| row.name == name)
}

fn module(value: &str) -> Result<(String, String), String> {
    match value.split_once(':') {
        Some((name, path)) if !name.is_empty() && !path.is_empty() => Ok((name.into(), path.into())),
        _ => Err(format!("`{value}` is not NAME:PATH; for example --module math:math.wasm")),
    }
}

fn missing_imports(value: &str) -> Result<MissingImports, String> {
    match value {
        "trap" => Ok(MissingImports::Trap),
        "zero" => Ok(MissingImports::Zero),
        _ => Err(format!("`{value}` is neither trap nor zero")),
    }
}

fn dir(options: &Options, value: &str) -> Result<Dir, String> {
    let make = |guest: &str, host: &str, readonly| Dir { guest: guest.into(), host: host.into(), readonly };
    if options.dialect.is_wasmedge() {
        let parts: Vec<&str> = value.split(':').collect();
        let guest = if parts[0].is_empty() { "/" } else { parts[0] };
        return Ok(make(guest, parts.get(1).copied().unwrap_or(value), parts.get(2) == Some(&"readonly")));
    }
    let parts = parts(value);
    match parts.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [host, "", guest] if !host.is_empty() && !guest.is_empty() => {
            Err(format!("`{value}` is in Wasmtime's order, HOST::GUEST; write --dir {guest}:{host}"))
        }
        [""] | ["", ..] | [_, "", ..] => Err(format!("`{value}` lacks a directory; write GUEST:HOST, for example .:.")),
        [both] => Ok(make(both, both, false)),
        [guest, host] => Ok(make(guest, host, false)),
        [guest, host, "readonly"] => Ok(make(guest, host, true)),
        _ => Err(format!("`{value}` is not GUEST:HOST or GUEST:HOST:readonly; write `\\:` for a colon in a name")),
    }
}

/// The parts between colons. A backslash escapes a colon or a backslash; before any other character it is literal.
fn parts(value: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut rest = value.chars().peekable();
    while let Some(c) = rest.next() {
        let c = match c {
            ':' => {
                parts.push(String::new());
                continue;
            }
            '\\' => rest.next_if(|next| [':', '\\'].contains(next)).unwrap_or(c),
            _ => c,
        };
        parts.last_mut().expect("it starts with one").push(c);
    }
    parts
}

fn env(options: &Options, value: &str) -> Result<(String, Option<String>), String> {
    match value.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.into(), Some(value.into()))),
        None if options.dialect.is_wasmedge() => Ok((value.into(), Some(String::new()))),
        None if !value.is_empty() => Ok((value.into(), None)),
        _ => Err(format!("`{value}` is neither NAME=VALUE nor NAME; for example --env LANG=C")),
    }
}

/// The names of the limits.
const LIMIT_NAMES: [&str; STORE_LIMITS.len()] = {
    let mut names = [""; STORE_LIMITS.len()];
    let mut row = 0;
    while row < names.len() {
        names[row] = STORE_LIMITS[row].name;
        row += 1;
    }
    names
};

fn limit(value: &str) -> Result<(StoreLimit, usize), String> {
    let Some((name, value)) = value.split_once('=') else {
        return Err(format!("`{value}` is not NAME=VALUE; for example --limit total-memory=16MiB"));
    };
    let Some(limit) = StoreLimit::from_name(name) else {
        return Err(format!(
            "`{name}` is not a resource that can be limited; the names are: {}",
            LIMIT_NAMES.join(", ")
        ));
    };
    let value = if limit.row().is_bytes { bytes(value)? } else { number(value, name)? };
    // A larger limit has no effect.
    Ok((limit, usize::try_from(value).unwrap_or(usize::MAX)))
}

/// Units of bytes. `KB` is `KiB`: for a limit the difference does not matter.
const UNITS: &[(&str, u32)] = &[("K", 10), ("M", 20), ("G", 30), ("T", 40)];

/// Parses a number of bytes, with or without a unit.
fn bytes(value: &str) -> Result<u64, String> {
    let digits = value.len() - value.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (count, unit) = value.split_at(digits);
    let unit = unit.trim_start().to_ascii_uppercase();
    let unit = unit.strip_suffix("IB").or(unit.strip_suffix('B')).unwrap_or(&unit);
    let shift = match UNITS.iter().find(|(name, _)| *name == unit) {
        Some((_, shift)) => *shift,
        None if unit.is_empty() => 0,
        None => return Err(format!("`{value}` is not a number of bytes; for example 65536, 64KiB or 16MiB")),
    };
    let count: u64 = number(count, "bytes")?;
    count.checked_shl(shift).filter(|bytes| bytes >> shift == count).ok_or_else(|| format!("`{value}` is too large"))
}

fn number_of_32_bits(value: &str, unit: &str) -> Result<u32, String> {
    let value = number(value, unit)?;
    value.try_into().map_err(|_| format!("`{value}` is too large; the largest number is {}", u32::MAX))
}

fn number(value: &str, unit: &str) -> Result<u64, String> {
    value.parse().map_err(|error: std::num::ParseIntError| match error.kind() {
        IntErrorKind::PosOverflow => format!("`{value}` is too large; the largest number is {}", u64::MAX),
        _ => format!("`{value}` is not a number of {unit}; for example 1000"),
    })
}

fn run_mode(options: &mut Options, value: &str) -> Result<(), String> {
    options.run_mode = match value.to_ascii_lowercase().as_str() {
        "auto" => RunMode::Auto,
        "interpreter" => RunMode::Interpreter,
        "jit" | "lazyjit" if cfg!(feature = "jit") => RunMode::Jit,
        "aot" if cfg!(feature = "jit") => {
            (options.aot, options.allow_precompiled) = (true, true);
            RunMode::Auto
        }
        "jit" | "lazyjit" | "aot" => {
            return Err("this `kinglet` was built without native code (Cargo feature `jit`)".into());
        }
        _ if options.dialect.is_wasmedge() => {
            options.warnings.push(format!("unknown run mode `{value}`; using the default"));
            RunMode::Auto
        }
        _ => {
            let known = row("run-mode").map_or(&[][..], |row| row.choices);
            return Err(format!("`{value}` is not a run mode; the modes are: {}", known.join(", ")));
        }
    };
    Ok(())
}

fn profile(value: &str) -> Result<Profile, String> {
    match value {
        "perfmap" => Ok(Profile::PerfMap),
        "jitdump" => Ok(Profile::JitDump),
        _ => Err(format!("`{value}` is neither perfmap nor jitdump")),
    }
}

fn output_format(value: &str) -> Result<OutputFormat, String> {
    match value {
        "native" => Ok(OutputFormat::Native),
        "wasm" => Ok(OutputFormat::Wasm),
        "exe" => Ok(OutputFormat::Exe),
        _ => Err(format!("`{value}` is not one of native, wasm, exe")),
    }
}

fn optimization(value: &str) -> Result<Optimization, String> {
    match value {
        "0" => Ok(Optimization::None),
        "1" | "2" | "3" => Ok(Optimization::Speed),
        "s" | "z" => Ok(Optimization::SpeedAndSize),
        _ => Err(format!("`{value}` is not a level; the levels are: 0, 1, 2, 3, s, z")),
    }
}

fn cpu_features(options: &mut Options, value: &str) -> Result<(), String> {
    for feature in value.split(',') {
        let (on, name) = match (feature.strip_prefix('+'), feature.strip_prefix('-')) {
            (Some(name), _) if !name.is_empty() => (true, name),
            (_, Some(name)) if !name.is_empty() => (false, name),
            _ => return Err(format!("`{feature}` is neither +NAME nor -NAME; for example +avx2,-avx512f")),
        };
        options.cpu_features.push((name.to_string(), on));
    }
    Ok(())
}

fn log_level(options: &mut Options, value: &str) -> Result<(), String> {
    match Level::named(value) {
        Some(level) => options.log_level = Some(level),
        None if options.dialect.is_wasmedge() => {
            options.warnings.push(format!("invalid log level `{value}`; using info"));
        }
        None => {
            let names: Vec<&str> = Level::NAMES.iter().map(|(name, _)| *name).collect();
            return Err(format!("`{value}` is not one of {}", names.join(", ")));
        }
    }
    Ok(())
}

fn enable_all(options: &mut Options, _: &str) -> Result<(), String> {
    options.base = Features::finished();
    // Components are not a proposal for the core specification, and have no row in the feature table.
    options.requested = Some(("--enable-all", Features::all()));
    Ok(())
}

/// Prints the warnings.
pub(crate) fn warn(options: &Options) {
    options.warnings.iter().for_each(|warning| say(Level::Warning, warning));
}
