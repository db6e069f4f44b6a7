//! The command line: reads the arguments by the table in `rows`. The rules are WasmEdge's: `--name value` or
//! `--name=value`, a list takes one value each time it is given, `--` ends the options, and after the first positional
//! everything belongs to the guest. Commands without a guest take options after their files too.

mod rows;

use std::collections::VecDeque;
use std::ffi::OsString;
use std::sync::Arc;

use kinglet::{FEATURES, Feature, Features, Optimization, Profile, RunMode, Standard, StoreLimit, TierThresholds};

use crate::cmd::{COMMANDS, Command, Takes};
use crate::dialect::Dialect;
use crate::fault::{Fault, Outcome};
use crate::message::Level;
use crate::standalone::Program;
use crate::statistics;

pub(crate) use rows::{Effect, GROUPS, Row, rows, warn};

/// A folder given with `--dir`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dir {
    pub(crate) guest: String,
    pub(crate) host: String,
    pub(crate) readonly: bool,
}

/// What is done about imports that nobody provides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// A call of one is an error.
    Trap,
    /// Functions return zeros; memories, tables and globals start as small and empty as their types allow.
    Zero,
}

/// What `compile` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A native image.
    Native,
    /// A module with a native image in it.
    Wasm,
    /// A program that stands alone.
    Exe,
}

/// A limit that compiled code keeps to only if it was made for that.
pub(crate) struct Limit {
    /// The option with which a guest is run.
    pub(crate) option: &'static str,
    /// What the engine calls it.
    #[cfg_attr(not(feature = "jit"), allow(dead_code, reason = "without native code none is made with it"))]
    pub(crate) setting: &'static str,
    /// The option of `compile`.
    made_with: &'static str,
    makes: &'static str,
}

/// Each of them.
pub(crate) const LIMITS: &[Limit] = &[
    Limit { option: "time-limit", setting: "interrupts", made_with: "interruptible", makes: "can be stopped" },
    Limit { option: "gas-limit", setting: "gas", made_with: "enable-gas-measuring", makes: "counts gas" },
    Limit {
        option: "nan-canonicalization",
        setting: "canonical NaN",
        made_with: "nan-canonicalization",
        makes: "gives the canonical NaN only",
    },
];

impl Limit {
    /// What to try.
    pub(crate) fn hint(&self) -> String {
        format!("kinglet compile --{} makes code that {}", self.made_with, self.makes)
    }
}

/// What the user asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    pub(crate) dialect: Dialect,
    pub(crate) dirs: Vec<Dir>,
    /// Variables, with their values or those they have here when the program starts.
    pub(crate) env: Vec<(String, Option<String>)>,
    pub(crate) argv0: Option<String>,
    pub(crate) modules: Vec<(String, String)>,
    pub(crate) unknown_imports: Option<Missing>,
    pub(crate) invoke: Option<String>,
    pub(crate) reactor: bool,
    pub(crate) run_mode: RunMode,
    pub(crate) tier_thresholds: TierThresholds,
    /// Whether native code in files is used.
    pub(crate) allow_precompiled: bool,
    /// Whether files without it are worth a warning.
    pub(crate) aot: bool,
    pub(crate) no_cache: bool,
    pub(crate) no_detach: bool,
    /// MiB.
    pub(crate) cache_limit: Option<u64>,
    pub(crate) profile: Option<Profile>,
    pub(crate) form: Option<Form>,
    /// The command that carries the program.
    pub(crate) runtime: Option<String>,
    pub(crate) optimization: Optimization,
    pub(crate) target: Option<String>,
    pub(crate) generic_binary: bool,
    pub(crate) cpu_features: Vec<(String, bool)>,
    pub(crate) interruptible: bool,
    pub(crate) nan_canonicalization: bool,
    /// Where to write how functions are compiled.
    pub(crate) dump: Option<String>,
    /// Which functions are shown; all if none is named.
    pub(crate) functions: Vec<String>,
    /// Milliseconds; 0 is none.
    pub(crate) time_limit: u64,
    pub(crate) gas_limit: Option<u64>,
    pub(crate) memory_page_limit: Option<u64>,
    /// What the store is to have; of one kind the last counts.
    pub(crate) limits: Vec<(StoreLimit, usize)>,
    /// KiB.
    pub(crate) stack_limit: Option<u64>,
    /// MiB.
    pub(crate) compiler_memory: Option<u64>,
    pub(crate) statistics: statistics::Wanted,
    pub(crate) log_level: Option<Level>,
    pub(crate) output: Option<String>,
    pub(crate) offsets: bool,
    pub(crate) json: bool,
    pub(crate) man: bool,
    pub(crate) markdown: bool,
    /// The options among those given that a program which stands alone is run with.
    pub(crate) for_program: Vec<String>,
    /// The program that this command carries, and runs.
    pub(crate) program: Option<Arc<Program>>,
    /// The file, and what belongs to it.
    pub(crate) positional: Vec<String>,
    /// What will be said before the command does its work.
    pub(crate) warnings: Vec<String>,
    /// Options asking for what this version does not have, and what that is.
    later: Vec<(String, &'static str)>,
    /// The set of proposals that was asked for, by its option.
    asked: Option<(&'static str, Features)>,
    base: Features,
    switched: Features,
    on: Features,
}

impl Options {
    fn new(dialect: Dialect) -> Options {
        let (base, none) = (Features::finished(), Features::none());
        Options { dialect, base, switched: none, on: none, ..Options::default() }
    }

    /// The proposals that are on: those of the standard asked for, then each switch.
    pub(crate) fn features(&self) -> Features {
        let mut features = self.base;
        self.switched.iter().for_each(|feature| features.set(feature, self.on.has(feature)));
        features
    }

    /// The switches that turn on what is not finished.
    fn unfinished(&self) -> impl Iterator<Item = String> {
        let rows = FEATURES.iter().filter(|row| !row.finished && self.on.has(row.feature));
        rows.map(|row| format!("--enable-{}", row.name))
    }

    fn standard(&mut self, option: &'static str, standard: Standard) {
        let all = Features::standard(standard);
        self.asked = Some((option, all));
        self.base = all.intersection(Features::finished());
    }

    /// What of the set that was asked for is not finished, and stays off.
    fn left_out(&self) -> Option<String> {
        let (option, all) = self.asked?;
        let on = self.features();
        let off = FEATURES.iter().filter(|row| all.has(row.feature) && !row.finished && !on.has(row.feature));
        let mut names: Vec<&str> = off.map(|row| row.name).collect();
        if option == "--enable-all" {
            names.push("components");
        }
        let names = names.join(", ");
        (!names.is_empty()).then(|| format!("{option}: not finished in this version, and left out: {names}"))
    }
}

/// What the command line comes to.
#[derive(Debug)]
pub(crate) enum Request {
    Help(Option<&'static Command>),
    /// Whether everything is wanted that a report of a bug needs.
    Version(bool),
    Run(&'static Command, Box<Options>),
}

/// An option as it was found: a row of the table, or a proposal's switch.
enum Found {
    Row(&'static Row),
    Switch(Feature, bool),
}

/// What has been read so far.
struct Reader {
    args: VecDeque<OsString>,
    command: Option<&'static Command>,
    options: Options,
    given: Vec<&'static Row>,
    /// After `--`, or where everything left is the guest's.
    ended: bool,
}

/// Reads the arguments after the program's name.
pub(crate) fn parse(dialect: Dialect, args: impl IntoIterator<Item = OsString>) -> Outcome<Request> {
    let command = COMMANDS.iter().find(|row| dialect == Dialect::WasmEdgeC && row.name == "compile");
    let args = args.into_iter().collect();
    let mut reader = Reader { args, command, options: Options::new(dialect), given: Vec::new(), ended: false };
    while let Some(arg) = reader.args.pop_front() {
        let arg = text(arg)?;
        match arg.as_str() {
            _ if reader.ended => reader.options.positional.push(arg),
            "-h" | "--help" => return Ok(Request::Help(reader.command)),
            "-v" | "-V" | "--version" if reader.command.is_none() || command.is_some() => {
                return Ok(Request::Version(reader.args.iter().any(|arg| arg == "--verbose")));
            }
            "--verbose" if reader.args.iter().any(|arg| arg == "--version") => return Ok(Request::Version(true)),
            "--" => reader.ended = true,
            _ if arg.len() > 1 && arg.starts_with('-') => reader.option(&arg)?,
            _ => reader.positional(arg),
        }
    }
    reader.finish()
}

impl Reader {
    fn positional(&mut self, arg: String) {
        let first = self.options.positional.is_empty();
        let known = |row: &&Command| row.name == arg && (row.of_wasmedge || !self.options.dialect.is_wasmedge());
        match COMMANDS.iter().find(|row| first && self.command.is_none() && known(row)) {
            Some(row) => self.command = Some(row),
            None => {
                self.options.positional.push(arg);
                let takes = self.command.unwrap_or(&COMMANDS[0]).takes;
                self.ended |= takes == Takes::Program || self.options.dialect.is_wasmedge();
            }
        }
    }

    /// Takes in one option, and its value from the next argument if it stands there.
    fn option(&mut self, arg: &str) -> Outcome<()> {
        let (flag, mut value) = match attached(arg).or_else(|| arg.split_once('=')) {
            Some((flag, value)) => (flag, Some(value.to_string())),
            None => (arg, None),
        };
        let wasmedge = self.options.dialect.is_wasmedge();
        let row = match find(flag)? {
            Found::Switch(feature, on) if value.is_none() => {
                self.options.switched.set(feature, true);
                self.options.on.set(feature, on);
                self.options.for_program.push(flag.to_string());
                return Ok(());
            }
            Found::Row(row) if row.value.is_some() && !(row.bare_in_wasmedge && wasmedge) || value.is_none() => row,
            _ => {
                let wasmedge = format!("option {} doesn't need arguments.", flag.trim_start_matches('-'));
                return Err(Fault::usage(format!("option `{flag}` does not take a value"), wasmedge).hint(flag));
            }
        };
        if let (Some(name), None, false) = (row.value, &value, row.bare_in_wasmedge && wasmedge) {
            let missing = || {
                let message = format!("option `{flag}` needs a value: {flag} {name}");
                Fault::usage(message, format!("option {flag} needs an argument."))
            };
            value = Some(text(self.args.pop_front().ok_or_else(missing)?)?);
        }
        let value = value.unwrap_or_default();
        self.given.push(row);
        if row.exe {
            let value = if row.value.is_some() { format!("={value}") } else { String::new() };
            self.options.for_program.push(format!("--{}{value}", row.name));
        }
        match row.effect {
            Effect::Later(what) => {
                self.options.later.push((format!("--{}", row.name), what));
                Ok(())
            }
            Effect::Set(set) => set(&mut self.options, &value).map_err(|why| {
                Fault::usage(
                    format!("bad value for `{flag}`: {why}"),
                    format!("invalid value for option {flag}: {why}"),
                )
            }),
        }
    }

    fn finish(mut self) -> Outcome<Request> {
        let command = self.command.unwrap_or(&COMMANDS[0]);
        if let Some(row) = self.given.iter().find(|row| !row.is_for(command.name)) {
            let known = row.commands.join(", ");
            let message = format!("`--{}` is an option of {known}, not of {}", row.name, command.name);
            return Err(Fault::usage(message, format!("unknown option: {}", row.name)));
        }
        let alone = |row: &&&Row| row.is_for_exe_alone(command.name) && self.options.form != Some(Form::Exe);
        if let Some(row) = self.given.iter().find(alone) {
            let message =
                format!("`--{}` is for `--format exe`; other formats are given it when they are run", row.name);
            let fault = Fault::usage(message, format!("unknown option: {}", row.name));
            let limit = LIMITS.iter().find(|limit| limit.option == row.name);
            return Err(match limit {
                Some(limit) => fault.hint(limit.hint()),
                None => fault,
            });
        }
        let count = self.options.positional.len();
        if count < command.takes.least() {
            return Err(Fault::no_file(command, self.options.dialect));
        }
        if count > command.takes.most() {
            let message = format!("{} takes {}, but {count} are given", command.name, command.takes.words());
            let wasmedge = "positional argument exceeds maximum consuming.";
            return Err(Fault::usage(message, wasmedge).hint(format!("kinglet {} --help", command.name)));
        }
        self.check_unfinished(command)?;
        self.options.warnings.extend(self.options.left_out());
        if let Some((option, what)) = self.options.later.first() {
            let message = format!("`{option}` is refused: {what} is not in this version yet");
            return Err(Fault::refused(message).hint("leave the option out"));
        }
        Ok(Request::Run(command, Box::new(self.options)))
    }

    /// What is only half there is refused where it would run. Modules can be looked at with it, and scripts try it.
    fn check_unfinished(&mut self, command: &Command) -> Outcome<()> {
        let unfinished: Vec<String> = self.options.unfinished().collect();
        match unfinished.first() {
            Some(switch) if ["run", "instantiate"].contains(&command.name) => {
                let message = format!("`{switch}` is refused: running what it adds is not in this version yet");
                Err(Fault::refused(message).hint(format!("kinglet validate {switch} FILE checks such a module")))
            }
            _ => {
                let warning = |switch| format!("{switch}: not finished in this version: what it adds may trap");
                self.options.warnings.extend(unfinished.into_iter().map(warning));
                Ok(())
            }
        }
    }
}

/// A letter's option and the value that stands right behind it, as in `-O3`.
fn attached(arg: &str) -> Option<(&str, &str)> {
    let letters = arg.strip_prefix('-')?;
    let letter = letters.chars().next()?;
    let (flag, value) = arg.split_at(1 + letter.len_utf8());
    let row = rows().find(|row| row.short == Some(letter) && row.value.is_some())?;
    // A dash is missing in `-output`.
    let misspelt = letters.split('=').next() == Some(row.name);
    (!value.is_empty() && !value.starts_with('=') && !misspelt).then_some((flag, value))
}

fn find(flag: &str) -> Outcome<Found> {
    let by_name = |name| rows().find(|row| row.name == name);
    let mut letters = flag.trim_start_matches('-').chars();
    let letter = letters.next().filter(|_| letters.next().is_none());
    let by_letter = || rows().find(|row| letter.is_some() && row.short == letter);
    if let Some(row) = flag.strip_prefix("--").map_or_else(by_letter, by_name) {
        return Ok(Found::Row(row));
    }
    let switch = [("--enable-", true), ("--disable-", false)].into_iter().find_map(|(prefix, on)| {
        let name = flag.strip_prefix(prefix)?;
        FEATURES.iter().find(|row| row.name == name).map(|row| Found::Switch(row.feature, on))
    });
    switch.ok_or_else(|| {
        let fault = Fault::usage(
            format!("unknown option `{flag}`"),
            format!("unknown option: {}", flag.trim_start_matches('-')),
        );
        let of_others = OF_OTHERS.iter().find(|(names, _)| names.contains(&flag));
        fault.hint(match (of_others, nearest(flag, options_by_name())) {
            (Some((_, ours)), _) => format!("here that is {ours}"),
            (None, Some(name)) => format!("did you mean `{name}`?"),
            (None, None) => "`kinglet --help` lists them all".to_string(),
        })
    })
}

/// Options of other runtimes that have another name here.
const OF_OTHERS: &[(&[&str], &str)] = &[
    (&["--fuel", "--gas", "--max-fuel"], "--gas-limit N"),
    (&["--timeout", "-timeout"], "--time-limit MS, in milliseconds"),
    (&["--mapdir", "--map-dir", "--volume", "-mount"], "--dir GUEST:HOST"),
    (&["--preload", "--link"], "--module NAME:PATH"),
    (&["--entrypoint", "--function", "-e", "-f"], "--invoke FUNCTION"),
    (&["--stack-size", "--max-wasm-stack"], "--stack-limit KIB"),
    (&["--max-memory"], "--limit total-memory=64MiB"),
    (&["--max-memory-size"], "--limit memory-size=64MiB, of each memory, or --limit total-memory=64MiB"),
    (&["--max-table-elements"], "--limit table-elements=N"),
    (&["--max-instances"], "--limit instances=N"),
    (&["--max-memories"], "--limit memories=N"),
    (&["--max-tables"], "--limit tables=N"),
    (&["--interp", "--interpreter", "-interpreter"], "--run-mode interpreter"),
    (&["--cranelift", "--singlepass", "--llvm", "--jit"], "--run-mode jit"),
    (&["--trap-unknown-imports"], "--unknown-imports trap"),
    (&["--default-values-unknown-imports"], "--unknown-imports zero"),
    (&["-W", "-C", "-S", "-D"], "an option for each, as --gas-limit for fuel, --time-limit for timeout"),
    (&["--quiet", "-q"], "--log-level error"),
    (&["--verbose"], "--log-level debug"),
    (&["--env-inherit", "-env-inherit", "--forward-host-env"], "--env NAME, for each variable"),
    (&["--tcplisten", "--net"], "not to be had: a program gets what is named, no more"),
];

/// Every option as it is written.
pub(crate) fn options_by_name() -> impl Iterator<Item = String> {
    let more = ["--help", "--version"].map(String::from);
    rows().map(|row| format!("--{}", row.name)).chain(switches()).chain(more)
}

/// Every proposal's switches.
pub(crate) fn switches() -> impl Iterator<Item = String> {
    FEATURES.iter().flat_map(|row| [format!("--enable-{}", row.name), format!("--disable-{}", row.name)])
}

/// The known word that is closest to a wrong one, if any is close.
pub(crate) fn nearest(wrong: &str, known: impl Iterator<Item = String>) -> Option<String> {
    let scored = known.map(|name| (strsim::damerau_levenshtein(wrong, &name), name));
    scored.min().filter(|(distance, _)| *distance <= 1 + wrong.chars().count() / 5).map(|(_, name)| name)
}

fn text(arg: OsString) -> Outcome<String> {
    arg.into_string().map_err(|arg| {
        let fault = Fault::refused(format!("the argument {arg:?} is not UTF-8"));
        fault.hint(
            "programs see arguments and names as UTF-8; a module by another name can be given as `kinglet - < FILE`",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use kinglet::Feature;

    fn request(line: &str) -> Outcome<Request> {
        parse(Dialect::Kinglet, line.split_whitespace().map(OsString::from))
    }

    fn options(line: &str) -> Options {
        match request(line) {
            Ok(Request::Run(_, options)) => *options,
            Ok(_) => panic!("{line}: not a run"),
            Err(fault) => panic!("{line}: {}", fault.text(Dialect::Kinglet)),
        }
    }

    fn message(line: &str) -> String {
        let fault = request(line).err().unwrap_or_else(|| panic!("{line}: accepted"));
        assert_eq!(fault.code, crate::fault::REFUSED);
        fault.text(Dialect::Kinglet)
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
        assert_eq!(options.env, [("A".into(), Some("1".into())), ("B".into(), Some("2=3".into()))]);
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
    fn a_colon_behind_a_backslash_belongs_to_a_folders_name() {
        for (line, guest, host, readonly) in [
            (r"--dir g:a\:b x", "g", "a:b", false),
            (r"--dir a\:b x", "a:b", "a:b", false),
            (r"--dir g\:h:a\:b:readonly x", "g:h", "a:b", true),
            (r"--dir g:a\:readonly x", "g", "a:readonly", false),
            (r"--dir g:a\\:readonly x", "g", r"a\", true),
            (r"--dir g:a\b\ x", "g", r"a\b\", false),
        ] {
            let dir = &options(line).dirs[0];
            assert_eq!((dir.guest.as_str(), dir.host.as_str(), dir.readonly), (guest, host, readonly), "{line}");
        }
        assert!(message("--dir a:b:c x").contains(r"a colon in a name is written `\:`"));
    }

    #[test]
    fn limits_have_names_and_units() {
        let limits = |line: &str| options(line).limits;
        use StoreLimit::*;
        assert_eq!(limits("--limit total-memory=16MiB x"), [(TotalMemory, 16 << 20)]);
        assert_eq!(
            limits("--limit=memory-size=65536 --limit memory-size=1g --limit tables=3 x"),
            [(MemorySize, 65536), (MemorySize, 1 << 30), (Tables, 3)]
        );
        assert_eq!(limits("--limit total-memory=2KB --table-limit 5 x"), [(TotalMemory, 2048), (TableElements, 5)]);
        for row in kinglet::STORE_LIMITS {
            assert_eq!(limits(&format!("--limit {}=1 x", row.name)), [(row.limit, 1)]);
        }
        assert!(
            message("--limit memory=1 x")
                .contains("`memory` is nothing that can be limited; there are: total-memory, ")
        );
        assert!(
            message("--limit total-memory x").contains("is not NAME=VALUE; for example --limit total-memory=16MiB")
        );
        assert!(
            message("--limit total-memory=16Mi x").contains("`16Mi` is not a number of bytes; for example 65536, ")
        );
        assert!(message("--limit total-memory=MiB x").contains("is not a number of bytes"));
        assert!(message("--limit total-memory=99999999TiB x").contains("is too large"));
        assert!(message("--limit tables=3K x").contains("`3K` is not a number of tables"));
    }

    #[test]
    fn proposals_switch_after_the_standard_in_any_order() {
        let features = options("--enable-tail-call --wasm-1 --disable-import-export-mut-globals x").features();
        assert!(features.has(Feature::TailCall) && !features.has(Feature::MutableGlobals));
        assert!(!features.has(Feature::Simd));
        assert!(!options("--wasm-3 x").features().has(Feature::Gc));
        assert!(options("validate --disable-gc --enable-gc x").features().has(Feature::Gc));
        assert_eq!(options("x").features(), Features::finished());
    }

    #[test]
    fn switches_of_unfinished_proposals_are_refused_where_they_would_run() {
        let refusal = |switch: &str| format!("`{switch}` is refused: running what it adds is not in this version yet");
        assert!(message("--wasm-1 --enable-threads x").contains(&refusal("--enable-threads")));
        assert!(message("instantiate --enable-gc x").contains(&refusal("--enable-gc")));
        assert_eq!(options("--enable-simd --disable-threads x").warnings, [""; 0]);
        assert_eq!(options("--enable-threads --disable-threads x").warnings, [""; 0]);
        let warnings = options("validate --enable-threads x").warnings;
        assert_eq!(warnings, ["--enable-threads: not finished in this version: what it adds may trap"]);
        let all = &options("--enable-all x").warnings[0];
        assert!(all.contains("not finished in this version, and left out: ") && all.ends_with(", components"), "{all}");
        let expected = "--wasm-3: not finished in this version, and left out: ";
        let row = FEATURES.iter().find(|row| !row.finished && row.standard == Some(Standard::Wasm3));
        if let Some(row) = row {
            let warnings = options("--wasm-3 x").warnings;
            assert!(warnings[0].starts_with(expected) && warnings[0].contains(row.name), "{warnings:?}");
            let switched = options(&format!("validate --wasm-3 --enable-{} x", row.name)).warnings;
            assert!(!switched.last().unwrap().contains(row.name), "{switched:?}");
        }
        assert_eq!(options("--wasm-1 x").warnings, [""; 0]);
    }

    #[test]
    fn what_comes_later_is_refused_by_name() {
        for row in rows() {
            let Effect::Later(what) = row.effect else { continue };
            let value = if row.value.is_some() { "=x" } else { "" };
            let message = message(&format!("{} --{}{value} x", row.commands[0], row.name));
            assert!(
                message.contains(&format!("`--{}` is refused: {what} is not in this version yet", row.name)),
                "{message}"
            );
        }
    }

    #[test]
    fn without_a_guest_options_may_follow_the_file() {
        let options = options("inspect a.wasm --json");
        assert!(options.json && options.positional == ["a.wasm"]);
        assert!(message("inspect a.wasm b.wasm").contains("inspect takes one file, but 2 are given"));
        assert_eq!(super::tests::options("wat -o out.wat in.wasm").output.as_deref(), Some("out.wat"));
        let message = message("-o x y");
        assert!(message.contains("`--output` is an option of wat, wasm, ") && message.contains(", not of run"));
    }

    #[test]
    fn wasmedge_is_taken_at_its_word() {
        let parse = |line: &str| match parse(Dialect::WasmEdge, line.split_whitespace().map(OsString::from)) {
            Ok(Request::Run(command, options)) => (command.name, *options),
            other => panic!("{line}: {other:?}"),
        };
        let (_, options) = parse("--dir a:b:rw --dir :h --env A --run-mode fast --log-level loud x");
        let dirs: Vec<_> =
            options.dirs.iter().map(|dir| (dir.guest.as_str(), dir.host.as_str(), dir.readonly)).collect();
        assert_eq!(dirs, [("a", "b", false), ("/", "h", false)]);
        assert_eq!(options.env, [("A".to_string(), Some(String::new()))]);
        assert_eq!(options.warnings.len(), 2);
        assert_eq!(parse("inspect x").1.positional, ["inspect", "x"], "no command of WasmEdge's");
        assert_eq!(parse("validate x").0, "validate");
        let compile = super::parse(Dialect::WasmEdgeC, ["run".into(), "out.so".into()]);
        assert!(matches!(compile, Ok(Request::Run(command, _)) if command.name == "compile"));
    }

    #[test]
    fn mistakes_are_named_with_what_to_do() {
        assert!(message("--dri .:. x").contains("did you mean `--dir`?"));
        assert!(message("--disable-tailcall x").contains("did you mean `--disable-tail-call`?"));
        assert!(message("--zzzzzz x").contains("--help"));
        assert!(message("-x y").contains("unknown option `-x`"));
        assert!(message("--reactor=1 x").contains("does not take a value"));
        assert!(message("--disable-simd=no x").contains("does not take a value"));
        assert!(message("--env").contains("--env NAME[=VALUE]"));
        assert!(message("--env =A x").contains("is neither NAME=VALUE nor NAME"));
        assert!(message("--time-limit soon x").contains("`soon`"));
        assert!(message("--run-mode fast x").contains("there are: auto, interpreter, jit, aot, lazyjit"));
        assert!(message("--time-limit 99999999999999999999 x").contains("is too large; the largest number is"));
        assert!(message("--fuel 5 x").contains("here that is --gas-limit N"));
        assert!(message("--mapdir a:b x").contains("here that is --dir GUEST:HOST"));
        assert!(message("-W x").contains("--gas-limit for fuel"));
        assert!(message("validate --dir . x").contains("not of validate"));
        for line in ["", "run", "--env A=1"] {
            assert_eq!(message(line), "no file given; try kinglet --help");
        }
        assert_eq!(message("validate"), "no file given; try kinglet --help\n  hint: kinglet validate [OPTIONS] FILE…");
        assert!(options("--run-mode Interpreter --no-cache --log-level=ERROR x").positional == ["x"]);
    }

    #[test]
    fn a_value_may_stand_right_behind_its_letter() {
        for (line, level) in [
            ("compile -O0 a b", Optimization::None),
            ("compile -O3 a b", Optimization::Speed),
            ("compile a b -Os", Optimization::SpeedAndSize),
            ("compile -O z a b", Optimization::SpeedAndSize),
            ("compile -O=0 a b", Optimization::None),
        ] {
            assert_eq!(options(line).optimization, level, "{line}");
        }
        assert_eq!(options("wat -oa=b.wat a").output.as_deref(), Some("a=b.wat"));
        assert!(message("compile -O9 a b").contains("bad value for `-O`: `9` is no level"));
        assert!(message("wat -output x y").contains("did you mean `--output`?"));
        assert!(message("wat -output=x y").contains("did you mean `--output`?"));
    }

    #[test]
    fn help_and_version_are_requests_of_their_own() {
        assert!(matches!(request("wast --help"), Ok(Request::Help(Some(command))) if command.name == "wast"));
        assert!(matches!(request("--version"), Ok(Request::Version(false))));
        assert!(matches!(request("--version --verbose"), Ok(Request::Version(true))));
        assert!(matches!(request("--verbose --version"), Ok(Request::Version(true))));
    }

    #[test]
    fn names_in_the_table_are_unique() {
        let names: std::collections::BTreeSet<_> = rows().map(|row| row.name).collect();
        assert_eq!(names.len(), rows().count());
    }
}
