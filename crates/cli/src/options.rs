//! The command line: one table of options, from which reading, help and "did you mean" are derived. The rules are
//! WasmEdge's: `--name value` or `--name=value`, a list takes one value each time it is given, `--` ends the options, and
//! after the first positional everything belongs to the guest.

use std::ffi::OsString;
use std::fmt::Write as _;

use kinglet::{FEATURES, Features, Standard};

use crate::cmd::{COMMANDS, Command};
use crate::fault::{Fault, Outcome, STATUSES};

/// One row per option. The switches for proposals come from the feature table instead.
struct Row {
    name: &'static str,
    /// What the value is called in the help; none for a switch.
    value: Option<&'static str>,
    /// Whether giving it again adds, rather than replaces.
    list: bool,
    help: &'static str,
    example: Option<&'static str>,
    /// The commands that know it.
    commands: &'static [&'static str],
    /// Takes it in.
    set: fn(&mut Options, &str) -> Result<(), String>,
}

const RUN: &[&str] = &["run"];
const ALL: &[&str] = &["run", "validate", "wast"];

#[rustfmt::skip]
const ROWS: &[Row] = &[
    Row { name: "dir", value: Some("GUEST:HOST[:readonly]"), list: true, commands: RUN,
        help: "give the program the folder HOST, under the name GUEST; with one name it is both",
        example: Some("kinglet --dir .:. --dir /data:./data:readonly program.wasm"),
        set: |options, value| { options.dirs.push(dir(value)?); Ok(()) } },
    Row { name: "env", value: Some("NAME=VALUE"), list: true, commands: RUN,
        help: "set an environment variable of the program, which sees none of ours",
        example: Some("kinglet --env LANG=C program.wasm"),
        set: |options, value| { options.env.push(env(value)?); Ok(()) } },
    Row { name: "invoke", value: Some("FUNCTION"), list: false, commands: RUN,
        help: "call this exported function with the arguments, print its results one per line",
        example: Some("kinglet --invoke fib fib.wasm 30"),
        set: |options, value| { options.invoke = Some(value.to_string()); Ok(()) } },
    Row { name: "reactor", value: None, list: false, commands: RUN,
        help: "like --invoke, with the function's name as first argument",
        example: Some("kinglet --reactor fib.wasm fib 30"),
        set: |options, _| { options.reactor = true; Ok(()) } },
    Row { name: "time-limit", value: Some("MS"), list: false, commands: RUN,
        help: "stop after this many milliseconds, counted from when the command starts; 0 is no limit",
        example: Some("kinglet --time-limit 500 program.wasm"),
        set: |options, value| { options.time_limit = number(value, "milliseconds")?; Ok(()) } },
    Row { name: "memory-page-limit", value: Some("N"), list: false, commands: RUN,
        help: "no memory grows beyond N pages of 64 KiB",
        example: None,
        set: |options, value| { options.memory_page_limit = Some(number(value, "pages")?); Ok(()) } },
    Row { name: "run-mode", value: Some("MODE"), list: false, commands: RUN,
        help: "how code runs; interpreter is the one there is so far",
        example: None,
        set: |_, value| run_mode(value) },
    Row { name: "force-interpreter", value: None, list: false, commands: RUN,
        help: "the same as --run-mode interpreter",
        example: None,
        set: |_, _| Ok(()) },
    Row { name: "no-cache", value: None, list: false, commands: RUN,
        help: "keep nothing on disk for the next start; nothing is kept so far",
        example: None,
        set: |_, _| Ok(()) },
    Row { name: "log-level", value: Some("LEVEL"), list: false, commands: ALL,
        help: "off, trace, debug, info, warning, error or fatal; accepted, errors are always shown",
        example: None,
        set: |_, value| log_level(value) },
    Row { name: "wasm-1", value: None, list: false, commands: ALL,
        help: "only the proposals of WebAssembly 1.0",
        example: None,
        set: |options, _| { options.standard(Standard::Wasm1); Ok(()) } },
    Row { name: "wasm-2", value: None, list: false, commands: ALL,
        help: "only the proposals of WebAssembly 2.0",
        example: None,
        set: |options, _| { options.standard(Standard::Wasm2); Ok(()) } },
    Row { name: "wasm-3", value: None, list: false, commands: ALL,
        help: "only the finished proposals of WebAssembly 3.0",
        example: None,
        set: |options, _| { options.standard(Standard::Wasm3); Ok(()) } },
    Row { name: "enable-all", value: None, list: false, commands: ALL,
        help: "every finished proposal, which is the default",
        example: None,
        set: |options, _| { options.base = Features::finished(); Ok(()) } },
];

/// A folder given with `--dir`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dir {
    pub(crate) guest: String,
    pub(crate) host: String,
    pub(crate) readonly: bool,
}

/// What the user asked for.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) dirs: Vec<Dir>,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) invoke: Option<String>,
    pub(crate) reactor: bool,
    /// Milliseconds; 0 is none.
    pub(crate) time_limit: u64,
    pub(crate) memory_page_limit: Option<u64>,
    /// The file, and what belongs to it.
    pub(crate) positional: Vec<String>,
    base: Features,
    switched: Features,
    on: Features,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            dirs: Vec::new(),
            env: Vec::new(),
            invoke: None,
            reactor: false,
            time_limit: 0,
            memory_page_limit: None,
            positional: Vec::new(),
            base: Features::finished(),
            switched: Features::none(),
            on: Features::none(),
        }
    }
}

impl Options {
    /// The proposals that are on: those of the standard asked for, then each switch.
    pub(crate) fn features(&self) -> Features {
        let mut features = self.base;
        self.switched.iter().for_each(|feature| features.set(feature, self.on.has(feature)));
        features
    }

    /// The switches that turn on what is not finished.
    pub(crate) fn unfinished(&self) -> impl Iterator<Item = String> {
        let rows = FEATURES.iter().filter(|row| !row.finished && self.on.has(row.feature));
        rows.map(|row| format!("--enable-{}", row.name))
    }

    fn standard(&mut self, standard: Standard) {
        self.base = Features::standard(standard).intersection(Features::finished());
    }
}

/// What the command line comes to.
pub(crate) enum Request {
    Help(Option<&'static Command>),
    Version,
    Run(&'static Command, Options),
}

/// An option as it was found: a row of the table, or a proposal's switch.
enum Found {
    Row(&'static Row),
    Switch(kinglet::Feature, bool),
}

/// Reads the arguments after the program's name.
pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Outcome<Request> {
    let mut args = args.into_iter();
    let mut command: Option<&'static Command> = None;
    let mut options = Options::default();
    let mut given: Vec<&'static Row> = Vec::new();
    while let Some(arg) = args.next() {
        let arg = text(arg)?;
        match arg.as_str() {
            "-h" | "--help" => return Ok(Request::Help(command)),
            "-v" | "-V" | "--version" if command.is_none() => return Ok(Request::Version),
            "--" => {
                options.positional = args.by_ref().map(text).collect::<Outcome<_>>()?;
            }
            _ if arg.len() > 1 && arg.starts_with('-') => {
                given.extend(option(&arg, &mut args, &mut options)?);
            }
            name => match COMMANDS.iter().find(|row| command.is_none() && row.name == name) {
                Some(row) => command = Some(row),
                None => {
                    options.positional.push(arg);
                    for rest in args.by_ref() {
                        options.positional.push(text(rest)?);
                    }
                }
            },
        }
    }
    let command = command.unwrap_or(&COMMANDS[0]);
    if let Some(row) = given.iter().find(|row| !row.commands.contains(&command.name)) {
        let message = format!("`--{}` is an option of {}, not of {}", row.name, row.commands.join(", "), command.name);
        return Err(Fault::refused(message));
    }
    if options.positional.is_empty() {
        return Err(Fault::refused("no file given; try kinglet --help"));
    }
    Ok(Request::Run(command, options))
}

/// Takes in one option, and its value from the next argument if it stands there.
fn option(arg: &str, args: &mut dyn Iterator<Item = OsString>, options: &mut Options) -> Outcome<Option<&'static Row>> {
    let (flag, mut value) = match arg.split_once('=') {
        Some((flag, value)) => (flag, Some(value.to_string())),
        None => (arg, None),
    };
    let row = match find(flag)? {
        Found::Switch(feature, on) if value.is_none() => {
            options.switched.set(feature, true);
            options.on.set(feature, on);
            return Ok(None);
        }
        Found::Row(row) if row.value.is_some() || value.is_none() => row,
        _ => return Err(Fault::refused(format!("option `{flag}` does not take a value"))),
    };
    if let (Some(name), None) = (row.value, &value) {
        let missing = || Fault::refused(format!("option `{flag}` needs a value: {flag} {name}"));
        value = Some(text(args.next().ok_or_else(missing)?)?);
    }
    let value = value.unwrap_or_default();
    match (row.set)(options, &value) {
        Ok(()) => Ok(Some(row)),
        Err(why) => Err(Fault::refused(format!("bad value for `{flag}`: {why}"))),
    }
}

fn find(flag: &str) -> Outcome<Found> {
    let row = flag.strip_prefix("--").and_then(|name| ROWS.iter().find(|row| row.name == name));
    if let Some(row) = row {
        return Ok(Found::Row(row));
    }
    let switch = [("--enable-", true), ("--disable-", false)].into_iter().find_map(|(prefix, on)| {
        let name = flag.strip_prefix(prefix)?;
        FEATURES.iter().find(|row| row.name == name).map(|row| Found::Switch(row.feature, on))
    });
    switch.ok_or_else(|| {
        let hint = match nearest(flag) {
            Some(name) => format!("did you mean `{name}`?"),
            None => "`kinglet --help` lists them all".to_string(),
        };
        Fault::refused(format!("unknown option `{flag}`: {hint}"))
    })
}

/// The known option that is closest to a wrong one, if any is close.
fn nearest(flag: &str) -> Option<String> {
    let rows = ROWS.iter().map(|row| format!("--{}", row.name));
    let switches =
        FEATURES.iter().flat_map(|row| [format!("--enable-{}", row.name), format!("--disable-{}", row.name)]);
    let more = ["--help", "--version"].map(String::from);
    let scored = rows.chain(switches).chain(more).map(|name| (distance(flag, &name), name));
    scored.min().filter(|(distance, _)| *distance <= 1 + flag.len() / 5).map(|(_, name)| name)
}

/// Levenshtein's distance, in characters.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in other.iter().enumerate() {
            let substituted = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[other.len()]
}

fn text(arg: OsString) -> Outcome<String> {
    arg.into_string().map_err(|arg| Fault::refused(format!("the argument {arg:?} is not UTF-8")))
}

fn dir(value: &str) -> Result<Dir, String> {
    let make = |guest: &str, host: &str, readonly| Dir { guest: guest.into(), host: host.into(), readonly };
    let parts: Vec<&str> = value.split(':').collect();
    match parts[..] {
        [""] | ["", ..] | [_, "", ..] => Err(format!("`{value}` lacks a folder; write GUEST:HOST, for example .:.")),
        [both] => Ok(make(both, both, false)),
        [guest, host] => Ok(make(guest, host, false)),
        [guest, host, "readonly"] => Ok(make(guest, host, true)),
        _ => Err(format!("`{value}` is not GUEST:HOST or GUEST:HOST:readonly")),
    }
}

fn env(value: &str) -> Result<(String, String), String> {
    match value.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.into(), value.into())),
        _ => Err(format!("`{value}` is not NAME=VALUE")),
    }
}

fn number(value: &str, what: &str) -> Result<u64, String> {
    value.parse().map_err(|_| format!("`{value}` is not a number of {what}"))
}

fn run_mode(value: &str) -> Result<(), String> {
    match value.to_ascii_lowercase().as_str() {
        "interpreter" => Ok(()),
        "jit" | "aot" | "lazyjit" => Err(format!("there is no mode `{value}` in this version, only interpreter")),
        _ => Err(format!("`{value}` is no run mode; there is: interpreter")),
    }
}

fn log_level(value: &str) -> Result<(), String> {
    const LEVELS: &[&str] = &["off", "trace", "debug", "info", "warning", "error", "fatal"];
    let known = LEVELS.contains(&value.to_ascii_lowercase().as_str());
    if known { Ok(()) } else { Err(format!("`{value}` is none of {}", LEVELS.join(", "))) }
}

/// The help text: of one command, or of all.
pub(crate) fn help(command: Option<&Command>) -> String {
    let mut out = String::new();
    let default = &COMMANDS[0];
    match command {
        Some(command) => {
            let _ = writeln!(out, "{}\n\nusage: kinglet {} {}", command.about, command.name, command.usage);
        }
        None => {
            out.push_str("Kinglet runs WebAssembly programs.\n\n");
            let _ = writeln!(out, "usage: kinglet {}", default.usage);
            out.push_str("       kinglet COMMAND [OPTIONS] …\n\ncommands:\n");
            for row in COMMANDS {
                let _ = writeln!(out, "  {:<10} {}", row.name, row.about);
            }
        }
    }
    let shown = command.unwrap_or(default);
    out.push_str("\noptions:\n");
    for row in ROWS.iter().filter(|row| row.commands.contains(&shown.name)) {
        let list = if row.list { "; can be repeated" } else { "" };
        let option = format!("--{} {}", row.name, row.value.unwrap_or(""));
        let _ = writeln!(out, "  {option:<30} {}{list}", row.help);
    }
    out.push_str("  -h, --help                     show this\n");
    if command.is_none() {
        out.push_str("  -v, --version                  show the version\n");
    }
    out.push_str("\nproposals, each with --enable-NAME and --disable-NAME:\n");
    for row in FEATURES {
        let state = if row.finished { "on " } else { "off" };
        let unfinished = if row.finished { "" } else { " (unfinished)" };
        let _ = writeln!(out, "  {state} {:<26} {}{unfinished}", row.name, row.summary);
    }
    if shown.name == default.name {
        out.push_str("\nexit status:\n");
        STATUSES.iter().for_each(|(code, meaning)| {
            let _ = writeln!(out, "  {code:<4} {meaning}");
        });
        out.push_str("\nexamples:\n");
        ROWS.iter().filter_map(|row| row.example).for_each(|example| {
            let _ = writeln!(out, "  {example}");
        });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use kinglet::Feature;

    fn request(line: &str) -> Outcome<Request> {
        parse(line.split_whitespace().map(OsString::from))
    }

    fn options(line: &str) -> Options {
        match request(line) {
            Ok(Request::Run(_, options)) => options,
            Ok(_) => panic!("{line}: not a run"),
            Err(fault) => panic!("{line}: {}", fault.message),
        }
    }

    fn message(line: &str) -> String {
        let fault = request(line).err().unwrap_or_else(|| panic!("{line}: accepted"));
        assert_eq!(fault.code, crate::fault::REFUSED);
        fault.message
    }

    #[test]
    fn after_the_file_everything_is_the_guests() {
        let options = options("--dir .:. a.wasm --dir x --help run");
        assert_eq!(options.positional, ["a.wasm", "--dir", "x", "--help", "run"]);
        assert_eq!(options.dirs.len(), 1);
    }

    #[test]
    fn options_before_the_command_are_kept() {
        let Ok(Request::Run(command, options)) = request("--env A=1 run --env=B=2=3 run -v") else { panic!() };
        assert_eq!(command.name, "run");
        assert_eq!(options.env, [("A".into(), "1".into()), ("B".into(), "2=3".into())]);
        assert_eq!(options.positional, ["run", "-v"]);
    }

    #[test]
    fn two_dashes_end_the_options() {
        assert_eq!(options("--reactor -- --odd.wasm -v").positional, ["--odd.wasm", "-v"]);
        assert_eq!(options("-").positional, ["-"]);
    }

    #[test]
    fn folders_have_three_forms() {
        let dirs = options("--dir a --dir b:c --dir=d:e:readonly x").dirs;
        let made: Vec<_> = dirs.iter().map(|dir| (dir.guest.as_str(), dir.host.as_str(), dir.readonly)).collect();
        assert_eq!(made, [("a", "a", false), ("b", "c", false), ("d", "e", true)]);
        for wrong in ["--dir= x", "--dir :a x", "--dir a: x", "--dir a:b:c x", "--dir a:b:readonly:d x"] {
            assert!(message(wrong).contains("bad value for `--dir`"), "{wrong}");
        }
    }

    #[test]
    fn proposals_switch_after_the_standard_in_any_order() {
        let features = options("--enable-tail-call --wasm-1 --disable-import-export-mut-globals x").features();
        assert!(features.has(Feature::TailCall) && !features.has(Feature::MutableGlobals));
        assert!(!features.has(Feature::Simd));
        assert!(!options("--wasm-3 x").features().has(Feature::Gc));
        assert!(options("--disable-gc --enable-gc x").features().has(Feature::Gc));
        assert_eq!(options("x").features(), Features::finished());
    }

    #[test]
    fn switches_of_unfinished_proposals_are_known() {
        let unfinished = |line| options(line).unfinished().collect::<Vec<_>>();
        assert_eq!(unfinished("--enable-simd --enable-all --disable-threads x"), [""; 0]);
        assert_eq!(unfinished("--enable-threads --disable-threads x"), [""; 0]);
        assert_eq!(unfinished("--wasm-1 --enable-threads x"), ["--enable-threads"]);
    }

    #[test]
    fn mistakes_are_named_with_what_to_do() {
        assert!(message("--dri .:. x").contains("did you mean `--dir`?"));
        assert!(message("--disable-tailcall x").contains("did you mean `--disable-tail-call`?"));
        assert!(message("--zzzzzz x").contains("--help"));
        assert!(message("-x y").contains("unknown option `-x`"));
        assert!(message("--reactor=1 x").contains("does not take a value"));
        assert!(message("--disable-simd=no x").contains("does not take a value"));
        assert!(message("--env").contains("--env NAME=VALUE"));
        assert!(message("--env A x").contains("NAME=VALUE"));
        assert!(message("--time-limit soon x").contains("`soon`"));
        assert!(message("--run-mode jit x").contains("only interpreter"));
        assert!(message("validate --dir . x").contains("not of validate"));
        assert!(
            ["", "run", "validate", "--env A=1"]
                .iter()
                .all(|line| message(line) == "no file given; try kinglet --help")
        );
        assert!(options("--run-mode Interpreter --no-cache --log-level=ERROR x").positional == ["x"]);
    }

    #[test]
    fn help_shows_every_row() {
        let text = help(None);
        assert!(ROWS.iter().filter(|row| row.commands.contains(&"run")).all(|row| text.contains(row.help)));
        assert!(FEATURES.iter().all(|row| text.contains(row.summary)));
        assert!(matches!(request("wast --help"), Ok(Request::Help(Some(command))) if command.name == "wast"));
        assert!(matches!(request("--version"), Ok(Request::Version)));
    }

    #[test]
    fn names_in_the_table_are_unique() {
        let names: std::collections::BTreeSet<_> = ROWS.iter().map(|row| row.name).collect();
        assert_eq!(names.len(), ROWS.len());
    }
}
