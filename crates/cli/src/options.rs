//! The command line. Options come from the table in `rows`, and clap parses them: `--name value` or `--name=value`; a list
//! takes one value per occurrence; `--` ends the options; after the first file, all arguments belong to the program.
//! Commands that run no program accept options after their files too. Under WasmEdge's name its rules hold.

mod arguments;
mod parser;
mod rows;

use std::ffi::OsString;
use std::sync::Arc;

use kinglet::{FEATURES, Features, Optimization, Profile, RunMode, Standard, StoreLimit, TierThresholds};

use crate::cmd::{COMMANDS, Command};
use crate::dialect::{Dialect, INVALID_PATH};
use crate::fault::{Fault, Outcome};
use crate::message::Level;
use crate::standalone::Program;
use crate::statistics;
use arguments::Arguments;
use parser::{Given, Parsed};

pub(crate) use parser::{Purpose, description, parser};
pub(crate) use rows::{Effect, GROUPS, InWasmEdge, Row, row, rows, warn};

/// A directory given with `--dir`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dir {
    pub(crate) guest: String,
    pub(crate) host: String,
    pub(crate) readonly: bool,
}

/// The definition of imports that nothing provides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MissingImports {
    /// Functions trap when called.
    Trap,
    /// Functions return zeros; memories, tables and globals start as small and empty as their types allow.
    Zero,
}

/// The output of `compile`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OutputFormat {
    /// A native image.
    Native,
    /// A module that contains a native image.
    Wasm,
    /// A standalone executable.
    Exe,
}

/// A limit that only code compiled for it respects.
pub(crate) struct CompiledLimit {
    /// The option of `run`.
    pub(crate) option: &'static str,
    /// The engine's name for the setting.
    #[cfg_attr(not(feature = "jit"), allow(dead_code, reason = "without the native tier no code is compiled with it"))]
    pub(crate) setting: &'static str,
    /// The option of `compile`.
    compile_option: &'static str,
    effect: &'static str,
}

/// Each of them.
pub(crate) const COMPILED_LIMITS: &[CompiledLimit] = &[
    CompiledLimit {
        option: "time-limit",
        setting: "interrupts",
        compile_option: "interruptible",
        effect: "can be stopped",
    },
    CompiledLimit { option: "gas-limit", setting: "gas", compile_option: "enable-gas-measuring", effect: "counts gas" },
    CompiledLimit {
        option: "nan-canonicalization",
        setting: "canonical NaN",
        compile_option: "nan-canonicalization",
        effect: "returns only canonical NaNs",
    },
];

impl CompiledLimit {
    /// The command to try.
    pub(crate) fn hint(&self) -> String {
        format!("kinglet compile --{} emits code that {}", self.compile_option, self.effect)
    }
}

/// The options of a command line.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    pub(crate) dialect: Dialect,
    pub(crate) dirs: Vec<Dir>,
    /// Variables, with a value or with the one they have when the program starts.
    pub(crate) env: Vec<(String, Option<String>)>,
    pub(crate) argv0: Option<String>,
    pub(crate) modules: Vec<(String, String)>,
    pub(crate) unknown_imports: Option<MissingImports>,
    pub(crate) invoke: Option<String>,
    pub(crate) reactor: bool,
    pub(crate) run_mode: RunMode,
    pub(crate) tier_thresholds: TierThresholds,
    /// Whether native code in files is used.
    pub(crate) allow_precompiled: bool,
    /// Whether a file without native code causes a warning.
    pub(crate) aot: bool,
    pub(crate) no_cache: bool,
    /// Whether a background process may outlive the command; None: only on a terminal.
    pub(crate) detach: Option<bool>,
    /// MiB.
    pub(crate) cache_limit: Option<u64>,
    pub(crate) profile: Option<Profile>,
    pub(crate) format: Option<OutputFormat>,
    /// The file of the `kinglet` that becomes part of a standalone executable.
    pub(crate) runtime: Option<String>,
    pub(crate) optimization: Optimization,
    pub(crate) target: Option<String>,
    pub(crate) generic_binary: bool,
    pub(crate) cpu_features: Vec<(String, bool)>,
    pub(crate) interruptible: bool,
    pub(crate) nan_canonicalization: bool,
    /// The directory for intermediate and machine code.
    pub(crate) dump: Option<String>,
    /// The functions to show; all if empty.
    pub(crate) functions: Vec<String>,
    /// Milliseconds; 0 is no limit.
    pub(crate) time_limit: u64,
    pub(crate) gas_limit: Option<u64>,
    pub(crate) memory_page_limit: Option<u64>,
    /// The store's limits; the last of a kind counts.
    pub(crate) limits: Vec<(StoreLimit, usize)>,
    /// KiB.
    pub(crate) stack_limit: Option<u64>,
    /// MiB.
    pub(crate) compiler_memory: Option<u64>,
    pub(crate) statistics: statistics::Selection,
    pub(crate) log_level: Option<Level>,
    pub(crate) output: Option<String>,
    pub(crate) offsets: bool,
    pub(crate) json: bool,
    pub(crate) man: bool,
    pub(crate) markdown: bool,
    /// The given options that a standalone executable runs with.
    pub(crate) for_program: Vec<String>,
    /// The program that this executable contains.
    pub(crate) program: Option<Arc<Program>>,
    /// The file and its arguments.
    pub(crate) positional: Vec<String>,
    /// Warnings to print before the command runs.
    pub(crate) warnings: Vec<String>,
    /// Options whose feature is missing, and that feature.
    later: Vec<(String, &'static str)>,
    /// The requested set of proposals, with its option.
    requested: Option<(&'static str, Features)>,
    base: Features,
    switched: Features,
    on: Features,
}

impl Options {
    fn new(dialect: Dialect) -> Options {
        let (base, none) = (Features::finished(), Features::none());
        Options { dialect, base, switched: none, on: none, ..Options::default() }
    }

    /// The enabled proposals: those of the requested standard, changed by each switch.
    pub(crate) fn features(&self) -> Features {
        let mut features = self.base;
        self.switched.iter().for_each(|feature| features.set(feature, self.on.has(feature)));
        features
    }

    /// The switches that enable unfinished proposals.
    fn unfinished(&self) -> impl Iterator<Item = String> {
        let rows = FEATURES.iter().filter(|row| !row.finished && self.on.has(row.feature));
        rows.map(|row| format!("--enable-{}", row.name))
    }

    fn standard(&mut self, option: &'static str, standard: Standard) {
        let all = Features::standard(standard);
        self.requested = Some((option, all));
        self.base = all.intersection(Features::finished());
    }

    /// The requested proposals that stay off because they are not finished.
    fn omitted(&self) -> Option<String> {
        let (option, all) = self.requested?;
        let on = self.features();
        let off = FEATURES.iter().filter(|row| all.has(row.feature) && !row.finished && !on.has(row.feature));
        let mut names: Vec<&str> = off.map(|row| row.name).collect();
        if option == "--enable-all" {
            names.push("components");
        }
        let names = names.join(", ");
        (!names.is_empty()).then(|| format!("{option}: not finished in this version, and omitted: {names}"))
    }

    /// Applies the options in the order of the command line.
    fn apply(&mut self, given: Vec<Given>) -> Outcome<()> {
        for option in given {
            match option {
                Given::Switch { feature, on } => {
                    let row = &FEATURES[feature];
                    self.switched.set(row.feature, true);
                    self.on.set(row.feature, on);
                    self.for_program.push(format!("--{}-{}", if on { "enable" } else { "disable" }, row.name));
                }
                Given::Row(row, value) => self.apply_row(row, &value)?,
            }
        }
        Ok(())
    }

    fn apply_row(&mut self, row: &'static Row, value: &str) -> Outcome<()> {
        if row.exe {
            let value = if row.value.is_some() { format!("={value}") } else { String::new() };
            self.for_program.push(format!("--{}{value}", row.name));
        }
        // As strtoul does.
        let value = if self.dialect.is_wasmedge() && row.is_number() { value.trim_start() } else { value };
        match row.effect {
            Effect::Set(set) => set(self, value).map_err(|why| {
                Fault::usage(
                    format!("bad value for `--{}`: {why}", row.name),
                    format!("invalid value for option --{}: {why}", row.name),
                )
            }),
            Effect::Later(_, InWasmEdge::Accepted) if self.dialect.is_wasmedge() => Ok(()),
            Effect::Later(what, InWasmEdge::Warned) if self.dialect.is_wasmedge() => {
                self.warnings.push(format!("--{} is ignored: {what} is not in this version yet", row.name));
                Ok(())
            }
            Effect::Later(what, _) => {
                self.later.push((format!("--{}", row.name), what));
                Ok(())
            }
        }
    }

    /// Refuses unfinished proposals where code would run; other commands warn. Under WasmEdge's name those are ignored with
    /// a warning.
    fn check_unfinished(&mut self, command: &Command) -> Outcome<()> {
        let unfinished: Vec<String> = self.unfinished().collect();
        let runs = ["run", "instantiate"].contains(&command.name);
        let warning: fn(String) -> String = match unfinished.first() {
            Some(_) if runs && self.dialect.is_wasmedge() => {
                self.on = self.on.intersection(Features::finished());
                |switch| format!("{switch} is ignored: it is not in this version yet")
            }
            Some(switch) if runs => {
                let message = format!("`{switch}` is refused: running such modules is not in this version yet");
                return Err(
                    Fault::refused(message).hint(format!("kinglet validate {switch} FILE checks such a module"))
                );
            }
            _ => |switch| format!("{switch}: not finished in this version; its operations may trap"),
        };
        self.warnings.extend(unfinished.into_iter().map(warning));
        Ok(())
    }
}

/// A parsed command line.
#[derive(Debug)]
pub(crate) enum Request {
    /// Print the help of a command, or of all; in short.
    Help(Option<&'static Command>, bool),
    /// Print the version; in detail.
    Version(bool),
    Run(&'static Command, Box<Options>),
}

/// Parses the arguments after the program's name.
pub(crate) fn parse(dialect: Dialect, args: impl IntoIterator<Item = OsString>) -> Outcome<Request> {
    let args: Vec<String> = args.into_iter().map(text).collect::<Outcome<_>>()?;
    let Arguments { command: named, args } = Arguments::new(dialect, args)?;
    let command = named.unwrap_or(&COMMANDS[0]);
    let top = named.is_none() || dialect == Dialect::WasmEdgeC;
    let parsed = parser::parse(command, dialect, top, args).map_err(|error| parser::fault(&error, command))?;
    match parsed {
        Parsed { short_help: true, .. } => return Ok(Request::Help(named, true)),
        Parsed { long_help: true, .. } => return Ok(Request::Help(named, false)),
        Parsed { version: true, verbose, .. } => return Ok(Request::Version(verbose)),
        Parsed { verbose: true, .. } => return Err(unknown("--verbose", command)),
        _ => {}
    }
    let exe_alone = parsed.given.iter().find_map(|option| match option {
        Given::Row(row, _) if row.is_for_exe_alone(command.name) => Some(*row),
        _ => None,
    });
    let mut options = Options::new(dialect);
    options.apply(parsed.given)?;
    options.positional = parsed.positional;
    if let Some(row) = exe_alone.filter(|_| options.format != Some(OutputFormat::Exe)) {
        let message =
            format!("`--{}` needs `--format exe`; for other formats, pass it when you run the file", row.name);
        let fault = Fault::usage(message, format!("unknown option: {}", row.name));
        let limit = COMPILED_LIMITS.iter().find(|limit| limit.option == row.name);
        return Err(match limit {
            Some(limit) => fault.hint(limit.hint()),
            None => fault,
        });
    }
    finish(command, named, options)
}

/// Checks the number of files and the features.
fn finish(command: &'static Command, named: Option<&'static Command>, mut options: Options) -> Outcome<Request> {
    let count = options.positional.len();
    if count < command.takes.least() {
        return Err(Fault::no_file(command, named, options.dialect));
    }
    if count > command.takes.most() {
        let message = format!("{} takes {}, but {count} are given", command.name, command.takes.words());
        let wasmedge = "positional argument exceeds maximum consuming.";
        return Err(Fault::usage(message, wasmedge).hint(format!("kinglet {} --help", command.name)));
    }
    if command.takes.files(&options.positional).iter().any(String::is_empty) {
        return Err(Fault::refused("the file name is empty").in_wasmedge(INVALID_PATH));
    }
    options.check_unfinished(command)?;
    options.warnings.extend(options.omitted());
    if let Some((option, what)) = options.later.first() {
        let message = format!("`{option}` is refused: {what} is not in this version yet");
        return Err(Fault::refused(message).hint("omit the option"));
    }
    Ok(Request::Run(command, Box::new(options)))
}

/// The message for an option that the command does not know.
fn unknown(flag: &str, command: &Command) -> Fault {
    let bare = flag.trim_start_matches('-');
    let fault = |message| Fault::usage(message, format!("unknown option: {bare}"));
    let other = rows().find(|row| match flag.strip_prefix("--") {
        Some(name) => row.name == name,
        None => row.short.is_some_and(|short| bare.chars().eq([short])),
    });
    if let Some(row) = other {
        let known = row.commands.join(", ");
        return fault(format!("`--{}` is an option of {known}, not of {}", row.name, command.name));
    }
    if switches().any(|switch| switch == flag) {
        return fault(format!("`{flag}` is not an option of {}", command.name));
    }
    fault(format!("unknown option `{flag}`")).hint(match (of_others(flag), nearest(flag, options_by_name())) {
        (Some(hint), _) => hint.to_string(),
        (None, Some(name)) => format!("did you mean `{name}`?"),
        (None, None) => "`kinglet --help` lists all options".to_string(),
    })
}

/// The hint for another runtime's option.
fn of_others(flag: &str) -> Option<&'static str> {
    OF_OTHERS.iter().find(|(names, _)| names.contains(&flag)).map(|(_, hint)| *hint)
}

/// Options of other runtimes, with their counterparts.
const OF_OTHERS: &[(&[&str], &str)] = &[
    (&["--fuel", "--gas", "--max-fuel"], "use --gas-limit N"),
    (&["--timeout", "-timeout"], "use --time-limit MS, in milliseconds"),
    (&["--mapdir", "--map-dir", "--volume", "-mount"], "use --dir GUEST:HOST"),
    (&["--preload", "--link"], "use --module NAME:PATH"),
    (&["--entrypoint", "--function", "-e", "-f"], "use --invoke FUNCTION"),
    (&["--stack-size", "--max-wasm-stack"], "use --stack-limit KIB"),
    (&["--max-memory"], "use --limit total-memory=64MiB"),
    (&["--max-memory-size"], "use --limit memory-size=64MiB for each memory, or --limit total-memory=64MiB"),
    (&["--max-table-elements"], "use --limit table-elements=N"),
    (&["--max-instances"], "use --limit instances=N"),
    (&["--max-memories"], "use --limit memories=N"),
    (&["--max-tables"], "use --limit tables=N"),
    (&["--interp", "--interpreter", "-interpreter"], "use --run-mode interpreter"),
    (&["--cranelift", "--singlepass", "--llvm", "--jit"], "use --run-mode jit"),
    (&["--trap-unknown-imports"], "use --unknown-imports trap"),
    (&["--default-values-unknown-imports"], "use --unknown-imports zero"),
    (&["-W", "-C", "-S", "-D"], "use one for each, such as --gas-limit for fuel and --time-limit for timeout"),
    (&["--quiet", "-q"], "use --log-level error"),
    (&["--verbose"], "use --log-level debug"),
    (&["--env-inherit", "-env-inherit", "--forward-host-env"], "use --env NAME for each variable"),
    (&["--tcplisten", "--net"], "this version has no sockets"),
];

/// Every option, with its dashes.
pub(crate) fn options_by_name() -> impl Iterator<Item = String> {
    let more = ["--help", "--version"].map(String::from);
    rows().map(|row| format!("--{}", row.name)).chain(switches()).chain(more)
}

/// The switches of every proposal.
pub(crate) fn switches() -> impl Iterator<Item = String> {
    FEATURES.iter().flat_map(|row| [format!("--enable-{}", row.name), format!("--disable-{}", row.name)])
}

/// The known word closest to a misspelt one, if any is close.
pub(crate) fn nearest(wrong: &str, known: impl Iterator<Item = String>) -> Option<String> {
    let scored = known.map(|name| (strsim::damerau_levenshtein(wrong, &name), name));
    scored.min().filter(|(distance, _)| *distance <= 1 + wrong.chars().count() / 5).map(|(_, name)| name)
}

fn text(arg: OsString) -> Outcome<String> {
    arg.into_string().map_err(|arg| {
        let fault = Fault::refused(format!("the argument {arg:?} is not UTF-8"));
        fault.hint("arguments must be UTF-8; for a file with another name, use `kinglet - < FILE`")
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
    fn arguments_after_the_file_belong_to_the_guest() {
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
    fn directories_have_three_forms() {
        let dirs = options("--dir a --dir b:c --dir=d:e:readonly x").dirs;
        let made: Vec<_> = dirs.iter().map(|dir| (dir.guest.as_str(), dir.host.as_str(), dir.readonly)).collect();
        assert_eq!(made, [("a", "a", false), ("b", "c", false), ("d", "e", true)]);
        for wrong in ["--dir= x", "--dir :a x", "--dir a: x", "--dir a:b:c x", "--dir a:b:readonly:d x"] {
            assert!(message(wrong).contains("bad value for `--dir`"), "{wrong}");
        }
    }

    #[test]
    fn a_backslash_escapes_a_colon() {
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
        assert!(message("--dir a:b:c x").contains(r"write `\:` for a colon in a name"));
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
                .contains("`memory` is not a resource that can be limited; the names are: total-memory, ")
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
        let refusal = |switch: &str| format!("`{switch}` is refused: running such modules is not in this version yet");
        assert!(message("--wasm-1 --enable-threads x").contains(&refusal("--enable-threads")));
        assert!(message("instantiate --enable-gc x").contains(&refusal("--enable-gc")));
        assert_eq!(options("--enable-simd --disable-threads x").warnings, [""; 0]);
        assert_eq!(options("--enable-threads --disable-threads x").warnings, [""; 0]);
        let warnings = options("validate --enable-threads x").warnings;
        assert_eq!(warnings, ["--enable-threads: not finished in this version; its operations may trap"]);
        let all = &options("--enable-all x").warnings[0];
        assert!(all.contains("not finished in this version, and omitted: ") && all.ends_with(", components"), "{all}");
        let expected = "--wasm-3: not finished in this version, and omitted: ";
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
    fn options_of_missing_features_are_refused() {
        for row in rows() {
            let Effect::Later(what, _) = row.effect else { continue };
            let value = if row.value.is_some() { "=x" } else { "" };
            let message = message(&format!("{} --{}{value} x", row.commands[0], row.name));
            assert!(
                message.contains(&format!("`--{}` is refused: {what} is not in this version yet", row.name)),
                "{message}"
            );
        }
    }

    #[test]
    fn commands_without_a_guest_accept_options_after_the_file() {
        let options = options("inspect a.wasm --json");
        assert!(options.json && options.positional == ["a.wasm"]);
        assert!(message("inspect a.wasm b.wasm").contains("inspect takes one file, but 2 are given"));
        assert_eq!(super::tests::options("wat -o out.wat in.wasm").output.as_deref(), Some("out.wat"));
        let message = message("-o x y");
        assert!(message.contains("`--output` is an option of wat, wasm, ") && message.contains(", not of run"));
        for line in ["--time-limit 1 --time-limit 2 x", "--reactor --reactor x", "--time-limit 1 run --time-limit=2 x"]
        {
            assert!(super::tests::message(line).contains("is given twice"), "{line}");
        }
    }

    #[test]
    fn wasmedges_rules_hold_under_its_name() {
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
        let (_, options) =
            parse("--time-limit 1 --time-limit +7 --enable-threads --allow-af-unix --forbidden-plugin p x");
        assert_eq!((options.time_limit, options.warnings.len()), (7, 2));
        assert_eq!(options.features(), Features::finished());
        assert_eq!(parse("inspect x").1.positional, ["inspect", "x"], "no command of WasmEdge's");
        assert_eq!(parse("validate x").0, "validate");
        let compile = super::parse(Dialect::WasmEdgeC, ["run".into(), "out.so".into()]);
        assert!(matches!(compile, Ok(Request::Run(command, _)) if command.name == "compile"));
    }

    #[test]
    fn mistakes_get_a_hint() {
        assert!(message("--dri .:. x").contains("did you mean `--dir`?"));
        assert!(message("--disable-tailcall x").contains("did you mean `--disable-tail-call`?"));
        assert!(message("--zzzzzz x").contains("--help"));
        assert!(message("-x y").contains("unknown option `-x`"));
        assert!(message("--reactor=1 x").contains("does not take a value"));
        assert!(message("--disable-simd=no x").contains("does not take a value"));
        assert!(message("--env").contains("--env NAME[=VALUE]"));
        assert!(message("--env =A x").contains("is neither NAME=VALUE nor NAME"));
        assert!(message("--timeout 5 x").contains("hint: use --time-limit MS"));
        assert!(message("-timeout 5 x").contains("unknown option `-timeout`"));
        assert!(message("--dir .::data x").contains("write --dir data:."));
        assert!(message("--env --dir . x").contains("option `--env` needs a value"));
        assert!(message("--verbose x").contains("hint: use --log-level debug"));
        assert!(message("--time-limit -1 x").contains("`-1` is not a number of milliseconds"));
        assert!(message("--time-limit soon x").contains("`soon`"));
        assert!(message("--run-mode fast x").contains("the modes are: auto, interpreter, jit, aot, lazyjit"));
        assert!(message("--time-limit 99999999999999999999 x").contains("is too large; the largest number is"));
        assert!(message("--fuel 5 x").contains("hint: use --gas-limit N"));
        assert!(message("--mapdir a:b x").contains("hint: use --dir GUEST:HOST"));
        assert!(message("-W x").contains("--gas-limit for fuel"));
        assert!(message("validate --dir . x").contains("not of validate"));
        for line in ["", "run", "--env A=1"] {
            assert_eq!(message(line), "no file given; try kinglet --help");
        }
        assert_eq!(message("validate"), "no file given; try kinglet --help\n  hint: kinglet validate [OPTIONS] FILE…");
        assert!(options("--run-mode Interpreter --no-cache --log-level=ERROR x").positional == ["x"]);
    }

    #[test]
    fn a_value_may_be_attached_to_its_letter() {
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
        assert!(message("compile -O9 a b").contains("bad value for `--optimize`: `9` is not a level"));
        assert!(message("wat -output x y").contains("did you mean `--output`?"));
        assert!(message("wat -output=x y").contains("did you mean `--output`?"));
    }

    #[test]
    fn help_and_version_take_precedence() {
        assert!(matches!(request("wast --help"), Ok(Request::Help(Some(command), false)) if command.name == "wast"));
        assert!(matches!(request("wast -h"), Ok(Request::Help(Some(_), true))));
        assert!(matches!(request("-h"), Ok(Request::Help(None, true))));
        assert!(matches!(request("inspect a.wasm --help"), Ok(Request::Help(Some(_), false))));
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
