//! The table of options: a row each, in groups. Reading, help, reference, manual pages, completions and "did you mean"
//! are derived from it. The switches for proposals come from the engine's feature table instead.

use std::num::IntErrorKind;
use std::time::Duration;

use kinglet::{Features, Optimization, Profile, RunMode, STORE_LIMITS, Standard, StoreLimit};

use super::{Dir, Form, Missing, Options};
use crate::message::{Level, say};

/// One row per option.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// A letter that means the same.
    pub(crate) short: Option<char>,
    /// What the value is called in the help; none for a switch.
    pub(crate) value: Option<&'static str>,
    /// All the values there are, if they are few.
    pub(crate) choices: &'static [&'static str],
    /// Whether giving it again adds, rather than replaces.
    pub(crate) list: bool,
    /// Whether WasmEdge's users give it without a value, which is then empty.
    pub(crate) bare_in_wasmedge: bool,
    pub(crate) help: &'static str,
    /// The commands that know it.
    pub(crate) commands: &'static [&'static str],
    /// Whether a program made by `compile --format exe` is run with it: so `compile` knows it too, if for that alone.
    pub(crate) exe: bool,
    pub(crate) effect: Effect,
}

impl Row {
    /// Whether a command knows it.
    pub(crate) fn is_for(&self, command: &str) -> bool {
        self.commands.contains(&command) || self.is_for_exe_alone(command)
    }

    /// Whether the command knows it only to give it to a program.
    pub(crate) fn is_for_exe_alone(&self, command: &str) -> bool {
        self.exe && command == "compile" && !self.commands.contains(&command)
    }
}

/// What an option does.
pub(crate) enum Effect {
    /// Takes the value in.
    Set(fn(&mut Options, &str) -> Result<(), String>),
    /// Nothing yet: what it asks for, as the subject of a sentence. The command is refused.
    Later(&'static str),
}

use Effect::{Later, Set};

/// Rows that belong together.
pub(crate) struct Group {
    pub(crate) title: &'static str,
    pub(crate) rows: &'static [Row],
}

const RUN: &[&str] = &["run"];
const COMPILE: &[&str] = &["compile"];
const NATIVE: &[&str] = &["compile", "explore"];
const GUEST: &[&str] = &["run", "instantiate"];
/// How code runs is theirs to say.
const CODE: &[&str] = &["run", "instantiate", "wast"];
/// What runs or makes code.
const RUN_OR_MAKE: &[&str] = &["run", "compile", "warm", "explore", "instantiate", "wast"];
const CACHED: &[&str] = &["run", "instantiate", "warm", "cache"];
const COMPILED: &[&str] = &["run", "compile", "warm", "explore", "instantiate"];
const STATISTICS: &[&str] = &["run", "compile", "warm"];
const RUN_WARM: &[&str] = &["run", "warm"];
/// With these code is not the same as without.
const GUEST_WARM: &[&str] = &["run", "instantiate", "warm"];
const MODULES: &[&str] = &["run", "compile", "warm", "explore", "parse", "validate", "instantiate", "wast"];
const LOUD: &[&str] = &[
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
    list: false,
    bare_in_wasmedge: false,
    help: "",
    commands: RUN,
    exe: false,
    effect: Set(|_, _| Ok(())),
};

/// Every option, for each group in the order the help shows.
#[rustfmt::skip]
pub(crate) const GROUPS: &[Group] = &[
    Group { title: "What runs", rows: &[
        Row { name: "reactor", exe: true,
            help: "call a function: its name is the first argument, its results are printed one per line",
            effect: Set(|options, _| { options.reactor = true; Ok(()) }), ..PLAIN },
        Row { name: "invoke", value: Some("FUNCTION"), exe: true,
            help: "call this function, as `--reactor` does",
            effect: Set(|options, value| { options.invoke = Some(value.to_string()); Ok(()) }), ..PLAIN },
        Row { name: "module", value: Some("NAME:PATH"), list: true, commands: GUEST,
            help: "make the exports of another module importable under NAME",
            effect: Set(|options, value| { options.modules.push(module(value)?); Ok(()) }), ..PLAIN },
        Row { name: "unknown-imports", value: Some("WHAT"), choices: &["trap", "zero"], commands: GUEST, exe: true,
            help: "what imports that nobody provides do: functions `trap` when called; or they answer `zero`, and memories, \
                   tables and globals are empty",
            effect: Set(|options, value| { options.unknown_imports = Some(missing(value)?); Ok(()) }), ..PLAIN },
        Row { name: "run-mode", value: Some("MODE"), choices: &["auto", "interpreter", "jit", "aot", "lazyjit"],
            commands: CODE,
            help: "how code runs: `interpreter`; `jit`, compiled before it starts; `auto`, as it is if nothing is said: \
                   interpreted at first, and compiled where it turns out hot; `aot`, with the native code in the file, as \
                   `--allow-precompiled`",
            effect: Set(run_mode), ..PLAIN },
        Row { name: "enable-jit", commands: CODE,
            help: "the same as `--run-mode jit`",
            effect: Set(|options, _| run_mode(options, "jit")), ..PLAIN },
        Row { name: "allow-precompiled", commands: GUEST,
            help: "use the native code that `kinglet compile` put in a file; nothing checks what it does",
            effect: Set(|options, _| { options.allow_precompiled = true; Ok(()) }), ..PLAIN },
        Row { name: "force-interpreter", commands: CODE,
            help: "the same as `--run-mode interpreter`",
            effect: Set(|options, _| run_mode(options, "interpreter")), ..PLAIN },
        Row { name: "sampling-interval", value: Some("US"), commands: CODE,
            help: "in the mode `auto`, look every so many microseconds in which function the interpreter is, 250 by default; \
                   with 0 every function entered and every turn of a loop is a sample, and hot code is compiled on the spot",
            effect: Set(|options, value| {
                options.tier_thresholds.sampling_interval = Duration::from_micros(number(value, "microseconds")?); Ok(())
            }), ..PLAIN },
        Row { name: "samples", value: Some("N"), commands: CODE,
            help: "compile a function that was found in so many samples, 2 by default; large functions need more",
            effect: Set(|options, value| { options.tier_thresholds.samples = number_of_32_bits(value, "samples")?; Ok(()) }),
            ..PLAIN },
        Row { name: "bytes-a-sample", value: Some("N"), commands: CODE,
            help: "a function needs one sample more for every N bytes of its body, 2000 by default",
            effect: Set(|options, value| {
                options.tier_thresholds.bytes_a_sample = number_of_32_bits(value, "bytes")?; Ok(())
            }), ..PLAIN },
        Row { name: "nan-canonicalization", commands: RUN_OR_MAKE, exe: true,
            help: "arithmetic on floats gives the canonical NaN only, so that it is the same on every processor",
            effect: Set(|options, _| { options.nan_canonicalization = true; Ok(()) }), ..PLAIN },
        Row { name: "no-cache", commands: GUEST,
            help: "use nothing that earlier starts have kept on disk, and keep nothing for later ones",
            effect: Set(|options, _| { options.no_cache = true; Ok(()) }), ..PLAIN },
        Row { name: "no-detach", commands: RUN,
            help: "leave no process behind when the program has ended; otherwise, if the next start gains from it, one of the \
                   lowest priority compiles what has run into the cache",
            effect: Set(|options, _| { options.no_detach = true; Ok(()) }), ..PLAIN },
        Row { name: "cache-limit", value: Some("MIB"), commands: CACHED,
            help: "the cache may take this many MiB, 1024 if nothing is said; what has not been used for longest makes room",
            effect: Set(|options, value| { options.cache_limit = Some(number(value, "MiB")?); Ok(()) }), ..PLAIN },
    ] },
    Group { title: "What the program gets", rows: &[
        Row { name: "dir", value: Some("GUEST:HOST[:readonly]"), list: true, commands: GUEST, exe: true,
            help: "the folder HOST, under the name GUEST; with one name it is both. In a name `\\:` stands for a colon, and \
                   `\\\\` for a backslash",
            effect: Set(|options, value| { let dir = dir(options, value)?; options.dirs.push(dir); Ok(()) }), ..PLAIN },
        Row { name: "env", value: Some("NAME[=VALUE]"), list: true, commands: GUEST, exe: true,
            help: "an environment variable; without a value it has the one that it has where the program is started, if it has \
                   one there. The program sees no others",
            effect: Set(|options, value| { let env = env(options, value)?; options.env.push(env); Ok(()) }), ..PLAIN },
        Row { name: "argv0", value: Some("NAME"), commands: GUEST, exe: true,
            help: "the program's own name, as its first argument says it; by default that is the file's",
            effect: Set(|options, value| { options.argv0 = Some(value.to_string()); Ok(()) }), ..PLAIN },
    ] },
    Group { title: "Limits", rows: &[
        Row { name: "time-limit", value: Some("MS"), commands: GUEST_WARM, exe: true,
            help: "stop after this many milliseconds, counted from when the command starts; 0 is no limit",
            effect: Set(|options, value| { options.time_limit = number(value, "milliseconds")?; Ok(()) }), ..PLAIN },
        Row { name: "gas-limit", value: Some("N"), commands: GUEST_WARM, exe: true,
            help: "stop when N units of gas are used up; an instruction costs one, bulk operations more by their size",
            effect: Set(|options, value| { options.gas_limit = Some(number(value, "units of gas")?); Ok(()) }), ..PLAIN },
        Row { name: "memory-page-limit", value: Some("N"), commands: GUEST, exe: true,
            help: "no memory grows beyond N pages of 64 KiB; a program can have many memories, tables and a heap, \
                   which `--limit total-memory` limits together",
            effect: Set(|options, value| { options.memory_page_limit = Some(number(value, "pages")?); Ok(()) }), ..PLAIN },
        Row { name: "table-limit", value: Some("N"), commands: GUEST, exe: true,
            help: "no table grows beyond N elements, as `--limit table-elements`",
            effect: Set(|options, value| {
                let elements = usize::try_from(number(value, "elements")?).unwrap_or(usize::MAX);
                options.limits.push((StoreLimit::TableElements, elements)); Ok(())
            }), ..PLAIN },
        Row { name: "limit", value: Some("NAME=VALUE"), list: true, commands: GUEST, exe: true,
            help: "what the program may take, of the kinds listed under \"limits\". Bytes can be written as `64KiB`, `16MiB` \
                   or `1GiB`",
            effect: Set(|options, value| { let limit = limit(value)?; options.limits.push(limit); Ok(()) }), ..PLAIN },
        Row { name: "stack-limit", value: Some("KIB"), commands: GUEST, exe: true,
            help: "calls may nest until they use this many KiB; if nothing is said 16384, and native code no more than the \
                   system gives the command (`ulimit -s`)",
            effect: Set(|options, value| { options.stack_limit = Some(number(value, "KiB")?); Ok(()) }), ..PLAIN },
        Row { name: "compiler-memory", value: Some("MIB"), commands: COMPILED, exe: true,
            help: "interpret functions that take more than this many MiB to compile; 1024 by default, and a quarter of it \
                   while the program runs and for its next start",
            effect: Set(|options, value| { options.compiler_memory = Some(number(value, "MiB")?); Ok(()) }), ..PLAIN },
    ] },
    Group { title: "Profiling", rows: &[
        Row { name: "profile", value: Some("WAY"), choices: &["perfmap", "jitdump"],
            help: "tell Linux's `perf` the names of compiled functions: `perfmap` in /tmp/perf-PID.map, for `perf report`; \
                   `jitdump` with their code, and their lines if the module has them, in jit-PID.dump, for \
                   `perf inject --jit` after `perf record -k mono`. With `--run-mode jit` all functions are compiled",
            effect: Set(|options, value| { options.profile = Some(profile(value)?); Ok(()) }), ..PLAIN },
    ] },
    Group { title: "Statistics, given when the program has ended", rows: &[
        Row { name: "enable-instruction-count", commands: STATISTICS, exe: true,
            help: "how many instructions ran",
            effect: Set(|options, _| { options.statistics.instructions = true; Ok(()) }), ..PLAIN },
        Row { name: "enable-gas-measuring", commands: STATISTICS, exe: true,
            help: "how much gas was used; code that `compile` makes with it counts gas, which `--gas-limit` needs",
            effect: Set(|options, _| { options.statistics.gas = true; Ok(()) }), ..PLAIN },
        Row { name: "enable-time-measuring", commands: STATISTICS, exe: true,
            help: "how long it took, and how much of that host functions",
            effect: Set(|options, _| { options.statistics.time = true; Ok(()) }), ..PLAIN },
        Row { name: "enable-all-statistics", commands: STATISTICS, exe: true,
            help: "all three",
            effect: Set(|options, _| { options.statistics = crate::statistics::Wanted::ALL; Ok(()) }), ..PLAIN },
        Row { name: "stats", commands: RUN_WARM, exe: true,
            help: "what was done to modules: validated, found in the cache, lowered for the interpreter, compiled, kept in \
                   the cache, and how long each took; what was hot, and when the last of it was native",
            effect: Set(|options, _| { options.statistics.stages = true; Ok(()) }), ..PLAIN },
    ] },
    Group { title: "Output", rows: &[
        Row { name: "output", short: Some('o'), value: Some("FILE"), commands: &["wat", "wasm", "compile", "explore"],
            help: "write to this file instead of standard output, which is `-`",
            effect: Set(|options, value| { options.output = Some(value.to_string()); Ok(()) }), ..PLAIN },
        Row { name: "function", value: Some("NAME"), list: true, commands: &["explore"],
            help: "only this function, by its name or its index",
            effect: Set(|options, value| { options.functions.push(value.to_string()); Ok(()) }), ..PLAIN },
        Row { name: "offsets", commands: &["wat"],
            help: "show at which byte of the binary each line is",
            effect: Set(|options, _| { options.offsets = true; Ok(()) }), ..PLAIN },
        Row { name: "json", commands: &["inspect"],
            help: "as JSON, for programs",
            effect: Set(|options, _| { options.json = true; Ok(()) }), ..PLAIN },
        Row { name: "man", commands: &["help"],
            help: "as a manual page",
            effect: Set(|options, _| { options.man = true; Ok(()) }), ..PLAIN },
        Row { name: "markdown", commands: &["help"],
            help: "everything, as a page of Markdown",
            effect: Set(|options, _| { options.markdown = true; Ok(()) }), ..PLAIN },
        Row { name: "log-level", value: Some("LEVEL"),
            choices: &["off", "trace", "debug", "info", "warning", "error", "fatal"], commands: LOUD,
            help: "give messages of this level and above, those of the library too; errors are of level error",
            effect: Set(log_level), ..PLAIN },
    ] },
    Group { title: "Sets of proposals", rows: &[
        Row { name: "wasm-1", commands: MODULES, exe: true,
            help: "only those of WebAssembly 1.0",
            effect: Set(|options, _| { options.standard("--wasm-1", Standard::Wasm1); Ok(()) }), ..PLAIN },
        Row { name: "wasm-2", commands: MODULES, exe: true,
            help: "only those of WebAssembly 2.0",
            effect: Set(|options, _| { options.standard("--wasm-2", Standard::Wasm2); Ok(()) }), ..PLAIN },
        Row { name: "wasm-3", commands: MODULES, exe: true,
            help: "only the finished ones of WebAssembly 3.0",
            effect: Set(|options, _| { options.standard("--wasm-3", Standard::Wasm3); Ok(()) }), ..PLAIN },
        Row { name: "enable-all", commands: MODULES, exe: true,
            help: "every finished one, which is the default; says which are not, and stay off",
            effect: Set(enable_all), ..PLAIN },
    ] },
    Group { title: "Compiling", rows: &[
        Row { name: "format", value: Some("FORMAT"), choices: &["native", "wasm", "exe"],
            commands: COMPILE,
            help: "what to write: `native` code alone; a `wasm` module that has it too; or `exe`, a program that needs \
                   nothing else and is run with the options given here. If nothing is said, by the file's ending: \
                   `native` for .so, .dylib and .dll",
            effect: Set(|options, value| { options.form = Some(form(value)?); Ok(()) }), ..PLAIN },
        Row { name: "optimize", short: Some('O'), value: Some("LEVEL"), choices: &["0", "1", "2", "3", "s", "z"],
            commands: NATIVE,
            help: "how much to optimise: `0` compiles fastest; `1`, `2` and `3` make fast code, as it is if nothing is \
                   said; `s` and `z` ask Cranelift for small code too (`speed_and_size`), which is mostly the same code",
            effect: Set(|options, value| { options.optimization = optimization(value)?; Ok(()) }), ..PLAIN },
        Row { name: "target", value: Some("TRIPLE"), commands: NATIVE,
            help: "for another processor or system; `kinglet targets` lists them",
            effect: Set(|options, value| { options.target = Some(value.to_string()); Ok(()) }), ..PLAIN },
        Row { name: "runtime", value: Some("KINGLET"), commands: COMPILE,
            help: "with `--format exe`: the `kinglet` that the program is made of, rather than this one; for another target \
                   one of that target, of the same version",
            effect: Set(|options, value| { options.runtime = Some(value.to_string()); Ok(()) }), ..PLAIN },
        Row { name: "generic-binary", commands: NATIVE,
            help: "for any processor of the kind, rather than one that can do what this one can; of x86-64 for any with \
                   SSE 4.2 and popcnt (x86-64-v2)",
            effect: Set(|options, _| { options.generic_binary = true; Ok(()) }), ..PLAIN },
        Row { name: "cpu-features", value: Some("+NAME,-NAME"), list: true, commands: NATIVE,
            help: "with these features of the processor, or without; `kinglet targets` lists them",
            effect: Set(cpu_features), ..PLAIN },
        Row { name: "interruptible", commands: NATIVE,
            help: "code that can be stopped; `--time-limit` needs it",
            effect: Set(|options, _| { options.interruptible = true; Ok(()) }), ..PLAIN },
        Row { name: "dump", value: Some("DIR"), bare_in_wasmedge: true, commands: COMPILE,
            help: "also write, into this folder, how each function is compiled: `wasm.clif` and `wasm-opt.clif` are the \
                   intermediate code before and after it is optimised, `wasm.s` is the machine code",
            effect: Set(|options, value| { options.dump = Some(value.to_string()); Ok(()) }), ..PLAIN },
    ] },
    Group { title: "Refused, for what they ask for is not in this version yet", rows: &[
        Row { name: "enable-coredump",
            help: "write a file with the state of a program that trapped",
            effect: Later("writing core dumps"), ..PLAIN },
        Row { name: "coredump-for-wasmgdb",
            help: "the same, for the debugger wasmgdb",
            effect: Later("writing core dumps"), ..PLAIN },
        Row { name: "enable-component", commands: MODULES,
            help: "the component model",
            effect: Later("the component model"), ..PLAIN },
        Row { name: "allow-af-unix",
            help: "sockets of the family AF_UNIX",
            effect: Later("opening sockets"), ..PLAIN },
        Row { name: "forbidden-plugin", value: Some("NAME"), list: true, commands: LOUD,
            help: "do not load this plug-in",
            effect: Later("loading plug-ins"), ..PLAIN },
        Row { name: "nn-preload", value: Some("NAME:ENCODING:TARGET:PATH"), list: true,
            help: "a model for wasi-nn",
            effect: Later("wasi-nn"), ..PLAIN },
        Row { name: "nn-rpc-uri", value: Some("URI"),
            help: "a server for wasi-nn",
            effect: Later("wasi-nn"), ..PLAIN },
        Row { name: "allow-command", value: Some("COMMAND"), list: true,
            help: "a command the program may run",
            effect: Later("running commands of the host"), ..PLAIN },
        Row { name: "allow-command-all",
            help: "all of them",
            effect: Later("running commands of the host"), ..PLAIN },
    ] },
];

/// Every row.
pub(crate) fn rows() -> impl Iterator<Item = &'static Row> {
    GROUPS.iter().flat_map(|group| group.rows)
}

fn module(value: &str) -> Result<(String, String), String> {
    match value.split_once(':') {
        Some((name, path)) if !name.is_empty() && !path.is_empty() => Ok((name.into(), path.into())),
        _ => Err(format!("`{value}` is not NAME:PATH; for example --module math:math.wasm")),
    }
}

fn missing(value: &str) -> Result<Missing, String> {
    match value {
        "trap" => Ok(Missing::Trap),
        "zero" => Ok(Missing::Zero),
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
        [""] | ["", ..] | [_, "", ..] => Err(format!("`{value}` lacks a folder; write GUEST:HOST, for example .:.")),
        [both] => Ok(make(both, both, false)),
        [guest, host] => Ok(make(guest, host, false)),
        [guest, host, "readonly"] => Ok(make(guest, host, true)),
        _ => Err(format!("`{value}` is not GUEST:HOST or GUEST:HOST:readonly; a colon in a name is written `\\:`")),
    }
}

/// What is between colons, but those behind a backslash, which stands for itself before anything but these two.
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
        parts.last_mut().expect("there is one from the start").push(c);
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

/// The names of limits, as values of their option.
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
        return Err(format!("`{name}` is nothing that can be limited; there are: {}", LIMIT_NAMES.join(", ")));
    };
    let value = if limit.row().is_bytes { bytes(value)? } else { number(value, name)? };
    // No more can be had in any case.
    Ok((limit, usize::try_from(value).unwrap_or(usize::MAX)))
}

/// Units of bytes. Without the `i` they are the same: nobody means a hundredth less by a limit.
const UNITS: &[(&str, u32)] = &[("K", 10), ("M", 20), ("G", 30), ("T", 40)];

/// A number of bytes, with or without a unit.
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

fn number_of_32_bits(value: &str, what: &str) -> Result<u32, String> {
    let value = number(value, what)?;
    value.try_into().map_err(|_| format!("`{value}` is too large; the largest number is {}", u32::MAX))
}

fn number(value: &str, what: &str) -> Result<u64, String> {
    value.parse().map_err(|error: std::num::ParseIntError| match error.kind() {
        IntErrorKind::PosOverflow => format!("`{value}` is too large; the largest number is {}", u64::MAX),
        _ => format!("`{value}` is not a number of {what}; for example 1000"),
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
            return Err("this `kinglet` is built without native code (Cargo feature `jit`)".into());
        }
        _ if options.dialect.is_wasmedge() => {
            options.warnings.push(format!("unknown run mode `{value}`: the default is used"));
            RunMode::Auto
        }
        _ => {
            let known = rows().find(|row| row.name == "run-mode").map_or(&[][..], |row| row.choices);
            return Err(format!("`{value}` is no run mode; there are: {}", known.join(", ")));
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

fn form(value: &str) -> Result<Form, String> {
    match value {
        "native" => Ok(Form::Native),
        "wasm" => Ok(Form::Wasm),
        "exe" => Ok(Form::Exe),
        _ => Err(format!("`{value}` is none of native, wasm, exe")),
    }
}

fn optimization(value: &str) -> Result<Optimization, String> {
    match value {
        "0" => Ok(Optimization::None),
        "1" | "2" | "3" => Ok(Optimization::Speed),
        "s" | "z" => Ok(Optimization::SpeedAndSize),
        _ => Err(format!("`{value}` is no level; there are: 0, 1, 2, 3, s, z")),
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
            options.warnings.push(format!("invalid log level `{value}`: info is used"));
        }
        None => {
            let names: Vec<&str> = Level::NAMES.iter().map(|(name, _)| *name).collect();
            return Err(format!("`{value}` is none of {}", names.join(", ")));
        }
    }
    Ok(())
}

fn enable_all(options: &mut Options, _: &str) -> Result<(), String> {
    options.base = Features::finished();
    // Components are no proposal to the core, and have no row in the table of them.
    options.asked = Some(("--enable-all", Features::all()));
    Ok(())
}

/// Gives what was to be warned of.
pub(crate) fn warn(options: &Options) {
    options.warnings.iter().for_each(|warning| say(Level::Warning, warning));
}
