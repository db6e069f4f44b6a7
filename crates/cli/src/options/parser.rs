//! The clap command of each of our commands, made from the table, and the parsed options in the order of the command line.

use clap::builder::{PossibleValuesParser, ValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, ValueHint};
use kinglet::FEATURES;

use super::arguments::has_value;
use super::rows::{GROUPS, Row};
use crate::cmd::{COMMANDS, Command, Takes};
use crate::dialect::Dialect;
use crate::fault::Fault;
use crate::help::{PROPOSALS, takes_proposals};

/// The id of the positional arguments.
const POSITIONAL: &str = "arguments";

/// Arguments that have no row.
const SHORT_HELP: &str = "-h";
const LONG_HELP: &str = "--help";
const VERSION: &str = "--version";
const VERBOSE: &str = "--verbose";

/// The purpose of a clap command.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Parsing; with the switches of proposals if there is one.
    Parse { switches: bool },
    /// The short help.
    Summary,
    /// The full help.
    Help,
    /// Completions and manual pages.
    Describe,
}

/// The clap command with the options of `command`. `top` adds the options that work without a command.
pub(crate) fn parser(command: &'static Command, dialect: Dialect, top: bool, purpose: Purpose) -> clap::Command {
    let parses = matches!(purpose, Purpose::Parse { .. });
    let mut parser = clap::Command::new(command.name)
        .no_binary_name(true)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .disable_help_subcommand(true)
        .args_override_self(dialect.is_wasmedge());
    for group in GROUPS {
        let known = group.rows.iter().filter(|row| row.is_for(command.name));
        let shown = known.filter(|row| parses || row.is_supported());
        let shown = shown.filter(|row| purpose != Purpose::Summary || in_summary(row, command));
        for row in shown {
            let mut arg = arg(row, command, dialect, purpose);
            if !parses && purpose != Purpose::Summary && group.title != "Options" {
                arg = arg.help_heading(group.title);
            }
            parser = parser.arg(arg);
        }
    }
    if takes_proposals(command) && [Purpose::Parse { switches: true }, Purpose::Describe].contains(&purpose) {
        for feature in FEATURES {
            let names = [format!("enable-{}", feature.name), format!("disable-{}", feature.name)];
            for (verb, name) in ["Enable", "Disable"].into_iter().zip(names) {
                let arg = Arg::new(name.clone()).long(name).action(ArgAction::SetTrue);
                parser =
                    parser.arg(if parses { arg } else { arg.help(format!("{verb} the proposal {}", feature.name)) });
            }
        }
    }
    let parser = parser.arg(positional(command, dialect, purpose));
    general(parser, top, parses)
}

/// Adds the options that every command has.
fn general(parser: clap::Command, top: bool, parses: bool) -> clap::Command {
    let help = Arg::new(LONG_HELP).long("help").action(ArgAction::SetTrue);
    let version = Arg::new(VERSION).short('v').long("version").action(ArgAction::SetTrue);
    let parser = match parses {
        true => parser.arg(help).arg(Arg::new(SHORT_HELP).short('h').action(ArgAction::SetTrue)),
        false => parser.arg(help.short('h').help("Print help; `-h` prints a summary")),
    };
    match (top, parses) {
        (false, _) => parser,
        (true, true) => {
            parser.arg(version.short_alias('V')).arg(Arg::new(VERBOSE).long("verbose").action(ArgAction::SetTrue))
        }
        (true, false) => parser.arg(version.help("Print the version; `--verbose` adds details")),
    }
}

/// Whether the short help of a command shows an option: common ones, and those that only this command and its kin have.
fn in_summary(row: &Row, command: &Command) -> bool {
    row.commands.contains(&command.name) && (row.common || !row.commands.contains(&COMMANDS[0].name))
}

fn arg(row: &'static Row, command: &Command, dialect: Dialect, purpose: Purpose) -> Arg {
    let mut arg = Arg::new(row.name).long(row.name);
    if let Some(short) = row.short {
        arg = arg.short(short);
    }
    if has_value(row, dialect) {
        let name = row.value.unwrap_or_default();
        arg = arg.value_name(name).action(if row.list { ArgAction::Append } else { ArgAction::Set });
        arg = arg.allow_hyphen_values(row.dash).allow_negative_numbers(row.is_number());
        if matches!(purpose, Purpose::Parse { .. }) {
            return arg;
        }
        arg = match name {
            "FILE" | "KINGLET" => arg.value_hint(ValueHint::FilePath),
            "DIR" => arg.value_hint(ValueHint::DirPath),
            _ => arg.value_hint(ValueHint::Other),
        };
        if !row.choices.is_empty() {
            arg = arg
                .value_parser(PossibleValuesParser::new(row.choices))
                .hide_possible_values(purpose == Purpose::Summary);
        }
    } else {
        arg = arg.action(ArgAction::SetTrue);
    }
    match purpose {
        Purpose::Parse { .. } => arg,
        Purpose::Summary => arg.help(dialect.command_lines(&summary(row))),
        Purpose::Help | Purpose::Describe => arg.help(dialect.command_lines(&description(row, command))),
    }
}

/// The help of an option in one line.
fn summary(row: &Row) -> String {
    match row.default {
        Some(default) => format!("{} [default: {default}]", row.help),
        None => row.help.into(),
    }
}

/// The whole help of an option, without its possible values.
pub(crate) fn description(row: &Row, command: &Command) -> String {
    let mut text = row.help.to_string();
    if !row.details.is_empty() {
        text += &format!(". {}", row.details);
    }
    if row.list {
        text += if row.details.is_empty() { "; can be repeated" } else { " Can be repeated." };
    }
    if row.is_for_exe_alone(command.name) {
        text += " [with --format exe]";
    }
    if let Some(default) = row.default {
        text += &format!(" [default: {default}]");
    }
    text
}

fn positional(command: &Command, dialect: Dialect, purpose: Purpose) -> Arg {
    let program = command.takes == Takes::Program;
    let arg = Arg::new(POSITIONAL).action(ArgAction::Append).num_args(0..);
    if matches!(purpose, Purpose::Parse { .. }) {
        return arg.trailing_var_arg(program || dialect.is_wasmedge());
    }
    let arg = arg.hide(purpose != Purpose::Describe);
    match command.takes {
        Takes::Word(words) | Takes::Action(words) => arg.value_parser(PossibleValuesParser::new(words)),
        Takes::Topic => {
            arg.value_parser(PossibleValuesParser::new(COMMANDS.iter().map(|row| row.name).chain([PROPOSALS])))
        }
        _ => arg.value_hint(ValueHint::FilePath).value_parser(ValueParser::string()),
    }
}

/// An option of a command line.
pub(super) enum Given {
    Row(&'static Row, String),
    /// A proposal's switch, by its index.
    Switch {
        feature: usize,
        on: bool,
    },
}

/// A parsed command line.
pub(super) struct Parsed {
    /// In the order of the command line.
    pub(super) given: Vec<Given>,
    pub(super) positional: Vec<String>,
    pub(super) short_help: bool,
    pub(super) long_help: bool,
    pub(super) version: bool,
    pub(super) verbose: bool,
}

/// Parses the arguments of a command.
pub(super) fn parse(
    command: &'static Command,
    dialect: Dialect,
    top: bool,
    args: Vec<String>,
) -> Result<Parsed, clap::Error> {
    let is_switch = |arg: &String| arg.starts_with("--enable-") || arg.starts_with("--disable-");
    let switches = takes_proposals(command) && args.iter().any(is_switch);
    let mut matches = parser(command, dialect, top, Purpose::Parse { switches }).try_get_matches_from(args)?;
    let mut given: Vec<(usize, Given)> = Vec::new();
    for row in GROUPS.iter().flat_map(|group| group.rows).filter(|row| row.is_for(command.name)) {
        if !is_given(&matches, row.name) {
            continue;
        }
        let indices: Vec<usize> = matches.indices_of(row.name).into_iter().flatten().collect();
        let mut values: Vec<String> = match has_value(row, dialect) {
            true => matches.remove_many(row.name).into_iter().flatten().collect(),
            false => Vec::new(),
        };
        values.resize(indices.len(), String::new());
        given.extend(indices.into_iter().zip(values).map(|(index, value)| (index, Given::Row(row, value))));
    }
    if switches {
        for (feature, row) in FEATURES.iter().enumerate() {
            for (name, on) in [(format!("enable-{}", row.name), true), (format!("disable-{}", row.name), false)] {
                if is_given(&matches, &name) {
                    given.extend(
                        matches.indices_of(&name).into_iter().flatten().map(|at| (at, Given::Switch { feature, on })),
                    );
                }
            }
        }
    }
    given.sort_by_key(|(index, _)| *index);
    Ok(Parsed {
        given: given.into_iter().map(|(_, given)| given).collect(),
        short_help: matches.get_flag(SHORT_HELP),
        long_help: matches.get_flag(LONG_HELP),
        version: top && matches.get_flag(VERSION),
        verbose: top && matches.get_flag(VERBOSE),
        positional: matches.remove_many(POSITIONAL).into_iter().flatten().collect(),
    })
}

fn is_given(matches: &ArgMatches, id: &str) -> bool {
    matches.value_source(id) == Some(clap::parser::ValueSource::CommandLine)
}

/// The message for an error of clap.
pub(super) fn fault(error: &clap::Error, command: &'static Command) -> Fault {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        _ => String::new(),
    };
    let written = text(ContextKind::InvalidArg);
    let flag = written.split(' ').next().unwrap_or_default();
    let bare = flag.trim_start_matches('-');
    match error.kind() {
        ErrorKind::UnknownArgument => super::unknown(flag, command),
        ErrorKind::InvalidValue => {
            let value = super::row(bare).and_then(|row| row.value).unwrap_or("VALUE");
            let message = format!("option `{flag}` needs a value: {flag} {value}");
            Fault::usage(message, format!("option {flag} needs an argument."))
        }
        ErrorKind::TooManyValues => {
            let message = format!("option `{flag}` does not take a value");
            Fault::usage(message, format!("option {bare} doesn't need arguments.")).hint(flag)
        }
        ErrorKind::ArgumentConflict => {
            let message = format!("option `{flag}` is given twice");
            Fault::usage(message, format!("option {bare} is given twice."))
        }
        _ => Fault::usage(error.to_string(), error.to_string()),
    }
}
