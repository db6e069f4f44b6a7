//! The step before clap: finds the command, and the end of the options. Options may stand before the command; the first
//! word that is neither an option nor its value is a command or a file. WasmEdge's spellings are resolved here too.

use crate::cmd::{COMMANDS, Command, Takes};
use crate::dialect::Dialect;
use crate::fault::Outcome;

use super::rows::{Row, row, rows};
use super::unknown;

/// A command line, ready for the command's parser.
pub(super) struct Arguments {
    /// The command, if the command line names one.
    pub(super) command: Option<&'static Command>,
    /// The arguments without the command.
    pub(super) args: Vec<String>,
}

impl Arguments {
    pub(super) fn new(dialect: Dialect, mut args: Vec<String>) -> Outcome<Arguments> {
        if dialect == Dialect::WasmEdgeC {
            let command = COMMANDS.iter().find(|command| dialect.knows(command));
            return Ok(Arguments { command, args });
        }
        let first = first_word(dialect, &args);
        let named = |command: &&Command| args.get(first) == Some(&command.name.to_string()) && dialect.knows(command);
        let command = COMMANDS.iter().find(named);
        if command.is_some() {
            args.remove(first);
        }
        let until_file = command.unwrap_or(&COMMANDS[0]).takes == Takes::Program || dialect.is_wasmedge();
        let end = if until_file { first_word(dialect, &args) } else { args.len() };
        check_dashes(&args[..end], command)?;
        Ok(Arguments { command, args })
    }
}

/// The index of the first argument that is neither an option nor an option's value. After `--` no word is a command.
fn first_word(dialect: Dialect, args: &[String]) -> usize {
    let mut index = 0;
    while args.get(index).is_some_and(|arg| arg != "--" && is_option(arg)) {
        index += if takes_next(dialect, &args[index]) { 2 } else { 1 };
    }
    index.min(args.len())
}

fn is_option(arg: &str) -> bool {
    arg.len() > 1 && arg.starts_with('-')
}

/// Whether the next argument is the option's value.
fn takes_next(dialect: Dialect, arg: &str) -> bool {
    let row = match arg.strip_prefix("--") {
        Some(name) => row(name),
        None => rows().find(|row| row.short.is_some_and(|short| arg[1..].chars().eq([short]))),
    };
    row.is_some_and(|row| has_value(row, dialect))
}

/// Whether the option has a value.
pub(super) fn has_value(row: &Row, dialect: Dialect) -> bool {
    row.value.is_some() && !(row.switch_in_wasmedge && dialect.is_wasmedge())
}

/// Refuses `-output`, which lacks a dash and would otherwise be `-o utput`, and the options of other runtimes in this form.
fn check_dashes(args: &[String], command: Option<&'static Command>) -> Outcome<()> {
    let mut options = args.iter().take_while(|arg| *arg != "--").filter(|arg| is_option(arg) && !arg.starts_with("--"));
    let name = |arg: &String| arg.split('=').next().unwrap_or_default().to_string();
    let lacks_dash = |arg: &&String| {
        name(arg).len() > 2 && (row(&name(arg)[1..]).is_some() || super::of_others(&name(arg)).is_some())
    };
    match options.find(lacks_dash) {
        Some(arg) => Err(unknown(&name(arg), command.unwrap_or(&COMMANDS[0]))),
        None => Ok(()),
    }
}
