//! The help of `--help`: of one command, or of all, derived from the tables. Titles are bold on a terminal.

use std::fmt::Write as _;

use kinglet::FEATURES;

use crate::cmd::{COMMANDS, Command};
use crate::fault::STATUSES;
use crate::message::coloured;
use crate::options::{GROUPS, Row};

/// Options wider than this have their help on the next line.
const COLUMN: usize = 30;

/// What `--help` prints.
pub(crate) fn text(command: Option<&Command>, terminal: bool) -> String {
    let mut page = Page { out: String::new(), bold: coloured(terminal) };
    let shown = command.unwrap_or(&COMMANDS[0]);
    match command {
        Some(command) => page.line(&format!("{}\n\nusage: kinglet {} {}", command.about, command.name, command.usage)),
        None => page.overview(),
    }
    page.title("examples");
    for (line, what) in shown.examples {
        page.line(&format!("  {line}\n      {what}"));
    }
    page.options(shown, command.is_none());
    if takes_proposals(shown) {
        page.proposals();
    }
    if shown.name == COMMANDS[0].name {
        page.title("exit status");
        STATUSES.iter().for_each(|(code, meaning)| page.line(&format!("  {code:<4} {meaning}")));
    }
    if command.is_none() {
        page.line("\nkinglet COMMAND --help shows the help of a command.");
    }
    page.out
}

/// Whether proposals can be switched for a command.
pub(crate) fn takes_proposals(command: &Command) -> bool {
    crate::options::rows().any(|row| row.name == "enable-all" && row.commands.contains(&command.name))
}

/// An option as it is written, with its value.
pub(crate) fn written(row: &Row) -> String {
    let short = row.short.map_or_else(String::new, |letter| format!("-{letter}, "));
    let value = row.value.map_or_else(String::new, |value| format!(" {value}"));
    format!("{short}--{}{value}", row.name)
}

struct Page {
    out: String,
    bold: bool,
}

impl Page {
    fn line(&mut self, text: &str) {
        let _ = writeln!(self.out, "{text}");
    }

    fn title(&mut self, text: &str) {
        let line = if self.bold { format!("\n\x1b[1m{text}:\x1b[0m") } else { format!("\n{text}:") };
        self.line(&line);
    }

    fn overview(&mut self) {
        self.line("Kinglet runs WebAssembly programs.\n");
        self.line(&format!("usage: kinglet {}\n       kinglet COMMAND [OPTIONS] …", COMMANDS[0].usage));
        self.title("commands");
        COMMANDS.iter().for_each(|row| self.line(&format!("  {:<12} {}", row.name, row.about)));
    }

    fn entry(&mut self, option: &str, help: &str) {
        if option.chars().count() > COLUMN {
            self.line(&format!("  {option}\n  {:COLUMN$} {help}", ""));
        } else {
            self.line(&format!("  {option:<COLUMN$} {help}"));
        }
    }

    fn options(&mut self, command: &Command, all: bool) {
        for group in GROUPS {
            let rows: Vec<&Row> = group.rows.iter().filter(|row| row.commands.contains(&command.name)).collect();
            if rows.is_empty() {
                continue;
            }
            self.title(&format!("options: {}", group.title));
            for row in rows {
                let list = if row.list { "; can be repeated" } else { "" };
                self.entry(&written(row), &format!("{}{list}", row.help));
            }
        }
        self.title("options: Help");
        self.entry("-h, --help", "show this");
        if all {
            self.entry(
                "-v, --version [--verbose]",
                "show the version; with --verbose all that a report of a bug needs",
            );
        }
    }

    fn proposals(&mut self) {
        self.title("proposals, each with --enable-NAME and --disable-NAME");
        for row in FEATURES {
            let state = if row.finished { "on " } else { "off" };
            let unfinished = if row.finished { "" } else { " (unfinished)" };
            self.line(&format!("  {state} {:<26} {}{unfinished}", row.name, row.summary));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::rows;

    #[test]
    fn every_command_shows_its_options_and_an_example() {
        for command in COMMANDS {
            let text = text(Some(command), false);
            let known = rows().filter(|row| row.commands.contains(&command.name));
            known.for_each(|row| assert!(text.contains(row.help), "{}: --{}", command.name, row.name));
            assert!(command.examples.iter().all(|(line, _)| text.contains(line)) && !command.examples.is_empty());
            assert!(!text.contains('\x1b'));
        }
        assert!(FEATURES.iter().all(|row| text(None, false).contains(row.summary)));
    }

    #[test]
    fn every_option_belongs_to_a_command_that_there_is() {
        let known = |name: &&str| COMMANDS.iter().any(|command| command.name == *name);
        assert!(rows().all(|row| !row.commands.is_empty() && row.commands.iter().all(known)));
    }
}
