//! The help of `--help`: of one command, or of all, derived from the tables. Titles are bold on a terminal.

use std::fmt::Write as _;

use kinglet::{FEATURES, STORE_LIMITS, StoreLimitRow};

use crate::cmd::{COMMANDS, Command};
use crate::dialect::Dialect;
use crate::fault::statuses;
use crate::message::coloured;
use crate::options::{GROUPS, Row};

/// What is said of an option that a command knows only to give it to a program.
pub(crate) const FOR_EXE: &str = "; with `--format exe`";

/// Options wider than this have their help on the next line.
const COLUMN: usize = 30;

/// Lines are no longer than this, but for command lines, which are there to be copied.
const WIDTH: usize = 80;

/// What `--help` prints.
pub(crate) fn text(command: Option<&Command>, terminal: bool, dialect: Dialect) -> String {
    let mut page = Page { out: String::new(), bold: coloured(terminal), dialect };
    let only = COMMANDS.iter().find(|row| dialect == Dialect::WasmEdgeC && dialect.knows(row));
    let command = command.or(only);
    let shown = command.unwrap_or(&COMMANDS[0]);
    match command {
        Some(command) => {
            page.text("", command.about);
            page.line(&format!(
                "\nusage: {}",
                dialect.command_lines(&format!("kinglet {} {}", command.name, command.usage))
            ));
        }
        None => page.overview(),
    }
    page.title("examples");
    for (line, what) in shown.examples {
        page.line(&format!("  {}", dialect.command_lines(line)));
        page.text("      ", what);
    }
    page.options(shown, command.is_none());
    if takes_limits(shown) {
        page.limits();
    }
    if takes_proposals(shown) {
        page.proposals();
    }
    if shown.name == COMMANDS[0].name {
        page.title("exit status");
        statuses(dialect).for_each(|(code, meaning)| page.text(&format!("  {code:<4} "), &meaning));
    }
    if command.is_none() {
        page.line(&format!("\n{} COMMAND --help shows the help of a command.", dialect.name()));
    }
    page.out
}

/// Whether proposals can be switched for a command.
pub(crate) fn takes_proposals(command: &Command) -> bool {
    crate::options::rows().any(|row| row.name == "enable-all" && row.is_for(command.name))
}

/// Whether what a program takes can be limited for a command.
pub(crate) fn takes_limits(command: &Command) -> bool {
    crate::options::rows().any(|row| row.name == "limit" && row.is_for(command.name))
}

/// What a limit is if nothing is said.
pub(crate) fn by_default(row: &StoreLimitRow) -> String {
    row.default.map_or_else(|| "no limit".into(), |default| default.to_string())
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
    dialect: Dialect,
}

impl Page {
    fn line(&mut self, text: &str) {
        let _ = writeln!(self.out, "{text}");
    }

    /// A text after its term, broken into lines that begin where it does.
    fn text(&mut self, term: &str, text: &str) {
        let indent = term.chars().count();
        let mut line = term.to_string();
        for (i, word) in text.split(' ').enumerate() {
            if i > 0 && line.chars().count() + 1 + word.chars().count() > WIDTH {
                self.line(line.trim_end());
                line = " ".repeat(indent);
            } else if i > 0 {
                line.push(' ');
            }
            line.push_str(word);
        }
        self.line(&line);
    }

    fn title(&mut self, text: &str) {
        let line = if self.bold { format!("\n\x1b[1m{text}:\x1b[0m") } else { format!("\n{text}:") };
        self.line(&line);
    }

    fn overview(&mut self) {
        let (name, dialect) = (self.dialect.name(), self.dialect);
        self.line("Kinglet runs WebAssembly programs.\n");
        self.line(&format!("usage: {name} {}\n       {name} COMMAND [OPTIONS] …", COMMANDS[0].usage));
        self.title("commands");
        let known = COMMANDS.iter().filter(|row| dialect.knows(row));
        known.for_each(|row| self.text(&format!("  {:<12} ", row.name), row.about));
    }

    fn entry(&mut self, option: &str, help: &str) {
        if option.chars().count() > COLUMN {
            self.line(&format!("  {option}"));
            self.text(&format!("  {:COLUMN$} ", ""), help);
        } else {
            self.text(&format!("  {option:<COLUMN$} "), help);
        }
    }

    fn options(&mut self, command: &Command, all: bool) {
        for group in GROUPS {
            let rows: Vec<&Row> = group.rows.iter().filter(|row| row.is_for(command.name)).collect();
            if rows.is_empty() {
                continue;
            }
            self.title(&format!("options: {}", group.title));
            for row in rows {
                let list = if row.list { "; can be repeated" } else { "" };
                let help = self.dialect.command_lines(row.help);
                let exe = if row.is_for_exe_alone(command.name) { FOR_EXE } else { "" };
                self.entry(&written(row), &format!("{help}{exe}{list}"));
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

    fn limits(&mut self) {
        self.title("limits, each with --limit NAME=VALUE");
        for row in STORE_LIMITS {
            self.text(&format!("  {:<30} ", row.name), &format!("{} ({})", row.summary, by_default(row)));
        }
    }

    fn proposals(&mut self) {
        self.title("proposals, each with --enable-NAME and --disable-NAME");
        for row in FEATURES {
            let state = if row.finished { "on " } else { "off" };
            let unfinished = if row.finished { "" } else { " (unfinished)" };
            self.text(&format!("  {state} {:<26} ", row.name), &format!("{}{unfinished}", row.summary));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::rows;

    /// Help in which line breaks do not matter.
    fn flat(command: Option<&Command>, dialect: Dialect) -> String {
        text(command, false, dialect).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn every_command_shows_its_options_and_an_example() {
        for command in COMMANDS {
            let text = flat(Some(command), Dialect::Kinglet);
            let known = rows().filter(|row| row.is_for(command.name));
            known.for_each(|row| assert!(text.contains(row.help), "{}: --{}", command.name, row.name));
            assert!(command.examples.iter().all(|(line, _)| text.contains(line)) && !command.examples.is_empty());
            assert!(!text.contains('\x1b'));
        }
        assert!(FEATURES.iter().all(|row| flat(None, Dialect::Kinglet).contains(row.summary)));
        assert!(STORE_LIMITS.iter().all(|row| flat(None, Dialect::Kinglet).contains(row.summary)));
    }

    #[test]
    fn lines_fit_a_terminal_but_for_command_lines() {
        for command in COMMANDS.iter().map(Some).chain([None]) {
            let text = text(command, false, Dialect::Kinglet);
            let long = text.lines().find(|line| line.chars().count() > WIDTH && !line.contains("kinglet "));
            assert_eq!(long, None);
        }
    }

    #[test]
    fn under_wasmedges_name_only_its_commands_are_shown() {
        for command in COMMANDS.iter().filter(|row| row.of_wasmedge).map(Some).chain([None]) {
            let text = text(command, false, Dialect::WasmEdge);
            let ours = text.match_indices("kinglet ").find(|(at, _)| !text[*at..].starts_with("kinglet targets"));
            assert!(text.contains("usage: wasmedge ") && ours.is_none(), "{text}");
            assert!(!text.contains("\n  inspect ") && !text.contains("\n  wast "), "{text}");
        }
        let compiler = text(None, false, Dialect::WasmEdgeC);
        assert!(compiler.contains("usage: wasmedgec [OPTIONS] FILE") && !compiler.contains("commands:"), "{compiler}");
    }

    #[test]
    fn every_option_belongs_to_a_command_that_there_is() {
        let known = |name: &&str| COMMANDS.iter().any(|command| command.name == *name);
        assert!(rows().all(|row| !row.commands.is_empty() && row.commands.iter().all(known)));
    }
}
