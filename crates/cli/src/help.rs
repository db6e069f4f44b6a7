//! The help: `-h` fits a screen, `--help` shows everything but the proposals, which `kinglet help proposals` lists. clap
//! lays out the options; the rest comes from the tables too. Headings are bold on a terminal.

use std::fmt::Write as _;

use kinglet::{FEATURES, STORE_LIMITS, StoreLimitRow};

use crate::cmd::{COMMANDS, Command, EXAMPLES};
use crate::dialect::Dialect;
use crate::fault::statuses;
use crate::message::coloured;
use crate::options::{Purpose, Row, parser, row};

/// The topic of [`proposals`].
pub(crate) const PROPOSALS: &str = "proposals";

/// The width of lines without a terminal. Command lines may be longer, because users copy them.
const WIDTH: usize = 80;

/// The least and greatest width of lines on a terminal.
const WIDTHS: std::ops::RangeInclusive<usize> = 60..=100;

/// The environment variables that the command reads.
pub(crate) const VARIABLES: &[(&str, &str)] = &[
    ("KINGLET_CACHE_DIR", "The directory of the cache; it must belong to the user alone. Empty: no cache"),
    ("KINGLET_LOG", "The log level, without `--log-level`. Unknown names are ignored"),
    (
        "KINGLET_LEFT_BEHIND",
        "`now`: compile for the next start the functions that earlier starts have run, and run nothing. `1`: the same with \
         the lowest priority; the command sets it for the process that it leaves behind",
    ),
    ("XDG_CACHE_HOME", "The parent of the default cache directory [default: ~/.cache]"),
    ("NO_COLOR", "Disables colour, unless it is empty"),
    ("TERM", "`dumb` disables colour too"),
    ("CI", "Disables `--detach`, unless it is empty"),
];

/// The help of a command, or of all commands.
pub(crate) fn text(command: Option<&'static Command>, short: bool, terminal: bool, dialect: Dialect) -> String {
    let mut page = Page::new(terminal, dialect);
    let only = COMMANDS.iter().find(|row| dialect == Dialect::WasmEdgeC && dialect.knows(row));
    let command = command.or(only);
    let shown = command.unwrap_or(&COMMANDS[0]);
    page.head(command);
    page.options(shown, command, short);
    if short {
        page.examples(if command.is_some() { shown.examples } else { EXAMPLES }, true);
        page.footer(command);
        return page.out;
    }
    if takes_limits(shown) {
        page.limits();
    }
    if takes_proposals(shown) && dialect.is_wasmedge() {
        page.proposals();
    }
    if shown.name == COMMANDS[0].name {
        page.title("Environment");
        VARIABLES.iter().for_each(|(name, meaning)| page.term(name, 22, meaning));
        page.title("Exit status");
        statuses(dialect).for_each(|(code, meaning)| page.term(code, 4, &meaning));
    }
    page.examples(shown.examples, false);
    page.footer(command);
    page.out
}

/// The proposals and their switches.
pub(crate) fn proposals(terminal: bool, dialect: Dialect) -> String {
    let mut page = Page::new(terminal, dialect);
    page.text("", "Each proposal has the switches --enable-NAME and --disable-NAME. Unfinished proposals can be validated but not run.");
    page.proposals();
    page.out
}

/// Whether a command has the switches of proposals.
pub(crate) fn takes_proposals(command: &Command) -> bool {
    row("enable-all").is_some_and(|row| row.is_for(command.name))
}

/// Whether a command has the option `--limit`.
pub(crate) fn takes_limits(command: &Command) -> bool {
    row("limit").is_some_and(|row| row.is_for(command.name))
}

/// The default of a limit.
pub(crate) fn default_of(row: &StoreLimitRow) -> String {
    row.default.map_or_else(|| "no limit".into(), |default| default.to_string())
}

/// An option with its value's name.
pub(crate) fn written(row: &Row) -> String {
    let short = row.short.map_or_else(String::new, |letter| format!("-{letter}, "));
    let value = row.value.map_or_else(String::new, |value| format!(" {value}"));
    format!("{short}--{}{value}", row.name)
}

struct Page {
    out: String,
    bold: bool,
    width: usize,
    dialect: Dialect,
}

impl Page {
    fn new(terminal: bool, dialect: Dialect) -> Page {
        let width = if terminal { columns().unwrap_or(WIDTH).clamp(*WIDTHS.start(), *WIDTHS.end()) } else { WIDTH };
        Page { out: String::new(), bold: coloured(terminal), width, dialect }
    }

    fn line(&mut self, text: &str) {
        let _ = writeln!(self.out, "{text}");
    }

    /// A text after its term, broken into lines that begin at the same column.
    fn text(&mut self, term: &str, text: &str) {
        let indent = term.chars().count();
        let mut line = term.to_string();
        for (i, word) in text.split(' ').enumerate() {
            if i > 0 && line.chars().count() + 1 + word.chars().count() > self.width {
                self.line(line.trim_end());
                line = " ".repeat(indent);
            } else if i > 0 {
                line.push(' ');
            }
            line.push_str(word);
        }
        self.line(&line);
    }

    /// A term in a column of `width` characters, and its text.
    fn term(&mut self, term: &str, width: usize, text: &str) {
        if term.chars().count() > width {
            self.line(&format!("  {term}"));
            self.text(&format!("  {:width$} ", ""), text);
        } else {
            self.text(&format!("  {term:<width$} "), text);
        }
    }

    fn bold(&self, text: &str) -> String {
        if self.bold { format!("\x1b[1m{text}\x1b[0m") } else { text.to_string() }
    }

    fn title(&mut self, text: &str) {
        let title = self.bold(&format!("{text}:"));
        self.line(&format!("\n{title}"));
    }

    /// What the command does, and its usage.
    fn head(&mut self, command: Option<&Command>) {
        let (usage, name) = (self.bold("Usage:"), self.dialect.name());
        match command {
            Some(command) => {
                self.text("", &format!("{}.", command.about));
                if !command.details.is_empty() {
                    self.text("", command.details);
                }
                let line = self.dialect.command_lines(&format!("kinglet {} {}", command.name, command.usage));
                self.line(&format!("\n{usage} {}\n", line.trim_end()));
            }
            None => {
                self.line("Run WebAssembly programs.\n");
                self.line(&format!("{usage} {name} {}\n       {name} COMMAND [OPTIONS] …\n", COMMANDS[0].usage));
            }
        }
    }

    fn options(&mut self, shown: &'static Command, command: Option<&Command>, short: bool) {
        let purpose = if short { Purpose::Summary } else { Purpose::Help };
        let mut options = parser(shown, self.dialect, command.is_none(), purpose);
        if command.is_none() {
            let known = COMMANDS
                .iter()
                .filter(|row| self.dialect.knows(row) && (row.common || !short || self.dialect.is_wasmedge()));
            options = options.subcommands(known.map(|row| clap::Command::new(row.name).about(row.about)));
        }
        let text = options.term_width(self.width).help_template("{all-args}").render_help().to_string();
        for line in text.trim_end().lines() {
            let is_heading = line.ends_with(':') && !line.starts_with(' ');
            self.line(&if is_heading { self.bold(line) } else { line.to_string() });
        }
    }

    /// Command lines; in the short help each with its description on the same line, if all fit.
    fn examples(&mut self, examples: &[(&str, &str)], short: bool) {
        const COLUMN: usize = 40;
        self.title("Examples");
        let short = short && examples.iter().all(|(line, _)| line.chars().count() <= COLUMN);
        for (line, what) in examples {
            let (line, what) = (self.dialect.command_lines(line), self.dialect.command_lines(what));
            if short && line.chars().count() <= COLUMN {
                self.line(&format!("  {line:<COLUMN$} {what}"));
            } else {
                self.text("  # ", &what);
                self.line(&format!("  {line}"));
            }
        }
    }

    fn footer(&mut self, command: Option<&Command>) {
        let name = self.dialect.name();
        self.line("");
        match command {
            None if self.dialect.is_wasmedge() => {
                self.line(&format!("`{name} COMMAND --help` shows the help of a command."))
            }
            None => {
                self.line("`kinglet --help` shows all options, `kinglet help COMMAND` those of a command,");
                self.line("and `kinglet help proposals` the WebAssembly proposals.");
            }
            Some(command) if takes_proposals(command) && !self.dialect.is_wasmedge() => {
                self.line("`kinglet help proposals` lists the switches of WebAssembly proposals.");
            }
            Some(_) => self.out.truncate(self.out.trim_end().len() + 1),
        }
    }

    fn limits(&mut self) {
        self.title("Limits (--limit NAME=VALUE)");
        for row in STORE_LIMITS {
            self.term(row.name, 22, &format!("{} [default: {}]", row.summary, default_of(row)));
        }
    }

    fn proposals(&mut self) {
        self.title("Proposals (--enable-NAME, --disable-NAME)");
        for row in FEATURES {
            let state = if row.finished { "on " } else { "off" };
            let unfinished = if row.finished { "" } else { " (unfinished)" };
            self.text(&format!("  {state} {:<26} ", row.name), &format!("{}{unfinished}", row.summary));
        }
    }
}

/// The width of the terminal.
#[cfg(unix)]
fn columns() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(rustix::stdio::stdout()).ok()?;
    Some(size.ws_col.into()).filter(|columns| *columns > 0)
}

#[cfg(not(unix))]
fn columns() -> Option<usize> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::rows;

    /// The help of a command without line breaks.
    fn flat(command: Option<&'static Command>, dialect: Dialect) -> String {
        text(command, false, false, dialect).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn every_command_shows_its_options_and_an_example() {
        for command in COMMANDS {
            let text = flat(Some(command), Dialect::Kinglet);
            let known = rows().filter(|row| row.is_for(command.name) && row.is_supported());
            for row in known {
                assert!(text.contains(row.help) && text.contains(row.details), "{}: --{}", command.name, row.name);
            }
            assert!(command.examples.iter().all(|(line, _)| text.contains(line)) && !command.examples.is_empty());
            assert!(!text.contains('\x1b'));
        }
        assert!(STORE_LIMITS.iter().all(|row| flat(None, Dialect::Kinglet).contains(row.summary)));
        assert!(FEATURES.iter().all(|row| proposals(false, Dialect::Kinglet).contains(row.name)));
    }

    #[test]
    fn the_short_help_fits_a_screen() {
        for command in COMMANDS.iter().map(Some).chain([None]) {
            let text = text(command, true, false, Dialect::Kinglet);
            assert!(text.lines().count() <= if command.is_none() { 45 } else { 60 }, "{text}");
        }
        let short = text(None, true, false, Dialect::Kinglet);
        let options = short.lines().filter(|line| line.trim_start().starts_with('-')).count();
        let commands = COMMANDS.iter().filter(|row| short.contains(&format!("\n  {:<9}", row.name))).count();
        assert_eq!((options, commands, short.matches("\n  kinglet ").count()), (14, 8, 6), "{short}");
    }

    #[test]
    fn lines_fit_a_terminal_except_for_command_lines() {
        for command in COMMANDS.iter().map(Some).chain([None]) {
            for short in [true, false] {
                let text = text(command, short, false, Dialect::Kinglet);
                let long = text.lines().find(|line| line.chars().count() > WIDTH && !line.contains("kinglet "));
                assert_eq!(long, None);
            }
        }
    }

    #[test]
    fn every_option_begins_with_a_verb() {
        const VERBS: &[&str] = &[
            "Add",
            "Allow",
            "Append",
            "Build",
            "Call",
            "Canonicalize",
            "Choose",
            "Compile",
            "Define",
            "Describe",
            "Disable",
            "Do",
            "Emit",
            "Enable",
            "Give",
            "Leave",
            "Limit",
            "Load",
            "Make",
            "Print",
            "Require",
            "Run",
            "Select",
            "Set",
            "Show",
            "Start",
            "Stop",
            "Use",
            "Write",
        ];
        for row in rows() {
            let first = row.help.split(' ').next().unwrap();
            assert!(VERBS.contains(&first), "--{}: {}", row.name, row.help);
            assert!(row.help.len() <= 70 && !row.help.ends_with('.'), "--{}: {}", row.name, row.help);
            assert!(row.details.is_empty() || row.details.ends_with('.'), "--{}: {}", row.name, row.details);
        }
    }

    #[test]
    fn under_wasmedges_name_only_its_commands_are_shown() {
        for command in COMMANDS.iter().filter(|row| row.of_wasmedge).map(Some).chain([None]) {
            for short in [true, false] {
                let text = text(command, short, false, Dialect::WasmEdge);
                let ours = text.match_indices("kinglet ").find(|(at, _)| !text[*at..].starts_with("kinglet targets"));
                assert!(text.contains("Usage: wasmedge ") && ours.is_none(), "{text}");
                assert!(!text.contains("\n  inspect ") && !text.contains("\n  wast "), "{text}");
            }
        }
        let compiler = text(None, false, false, Dialect::WasmEdgeC);
        assert!(compiler.contains("Usage: wasmedgec [OPTIONS] FILE") && !compiler.contains("Commands:"), "{compiler}");
    }

    #[test]
    fn every_option_belongs_to_an_existing_command() {
        let known = |name: &&str| COMMANDS.iter().any(|command| command.name == *name);
        assert!(rows().all(|row| !row.commands.is_empty() && row.commands.iter().all(known)));
    }
}
