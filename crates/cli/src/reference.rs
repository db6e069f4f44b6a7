//! The reference in two forms, both derived from the tables: a page of Markdown (`docs/cli.md`), and manual pages.

use std::fmt::Write as _;

use kinglet::{FEATURES, STORE_LIMITS};

use crate::cmd::{COMMANDS, Command};
use crate::dialect::Dialect;
use crate::fault::STATUSES;
use crate::help::{FOR_EXE, by_default, takes_limits, takes_proposals, written};
use crate::options::{Effect, GROUPS, Row};

const RULES: &str = "\
Options come before the file; what comes after it is the program's own. `--name value` and `--name=value` are the same, \
an option\nthat can be repeated takes one value each time, `--` ends the options, and `-` is a module on standard input. \
Modules are\nbinary or text. Commands that run nothing take their options after the file too.\n";

/// The variables of the environment that the command looks at.
const VARIABLES: &[(&str, &str)] = &[
    (
        "KINGLET_CACHE_DIR",
        "the folder of the cache, which is the user's alone; if it is set to nothing, there is no cache",
    ),
    (
        "KINGLET_LEFT_BEHIND",
        "`1` is set by the command for the process that it leaves behind, which compiles for the next start and runs \
         nothing; with `now` a command does the same at once, at the ordinary priority, for what has run before",
    ),
    (
        "KINGLET_LOG",
        "the level of messages that are given, and those above it, if `--log-level` does not say it: one of its names; \
         anything else counts for nothing",
    ),
    ("XDG_CACHE_HOME", "the folder in which the folder `kinglet` is the cache otherwise; if it is not set, `~/.cache`"),
    ("NO_COLOR", "if it is not empty, nothing is coloured; otherwise terminals get colour"),
    ("TERM", "`dumb` means no colour either"),
];

/// Everything, as a page of Markdown.
pub(crate) fn markdown() -> String {
    let mut out = String::from("# Command line\n\n");
    let _ =
        writeln!(out, "This page is written by `kinglet help --markdown`, from the tables the command itself reads.\n");
    let _ = writeln!(out, "```text\nkinglet {}\nkinglet COMMAND [OPTIONS] …\n```\n\n{RULES}", COMMANDS[0].usage);
    out.push_str("## Commands\n\n| Command | What it does |\n|---|---|\n");
    for command in COMMANDS {
        let _ = writeln!(out, "| [`{0}`](#kinglet-{0}) | {1} |", command.name, command.about);
    }
    out.push_str("\n## Exit statuses\n\n| Status | When |\n|---|---|\n");
    STATUSES.iter().for_each(|(code, meaning)| {
        let _ = writeln!(out, "| {code} | {} |", meaning.replace('|', "\\|"));
    });
    COMMANDS.iter().for_each(|command| section(&mut out, command));
    out.push_str("\n## Limits\n\nEach with `--limit NAME=VALUE`. Bytes are a number, or one with `KiB`, `MiB`, `GiB` or `TiB` behind \
                  it; the `iB` can be\nleft out.\n\n| Name | By default | What it limits |\n|---|---|---|\n");
    for row in STORE_LIMITS {
        let _ = writeln!(out, "| `{}` | {} | {} |", row.name, by_default(row), row.summary);
    }
    out.push_str("\n## Proposals\n\nEach has `--enable-NAME` and `--disable-NAME`. What is not finished is refused where it would \
                  run, and can be\nvalidated.\n\n| Name | By default | What it adds |\n|---|---|---|\n");
    for row in FEATURES {
        let state = if row.finished { "on" } else { "off, not finished" };
        let _ = writeln!(out, "| {} | {state} | {} |", row.name, row.summary);
    }
    out.push_str("\n## Environment variables\n\n| Variable | What it does |\n|---|---|\n");
    VARIABLES.iter().for_each(|(name, meaning)| {
        let _ = writeln!(out, "| `{name}` | {meaning} |");
    });
    out.push_str("\n## Under WasmEdge's name\n\nStarted by a link named `wasmedge` or `wasmedgec`, the command does as WasmEdge does \
                  wherever the two differ:\n\n");
    Dialect::DIFFERENCES.iter().for_each(|difference| {
        let _ = writeln!(out, "- {difference}");
    });
    out
}

fn section(out: &mut String, command: &Command) {
    let _ = writeln!(out, "\n## kinglet {}\n\n{}\n", command.name, command.about);
    let _ = writeln!(out, "```text\nkinglet {} {}\n```\n", command.name, command.usage);
    out.push_str("Examples:\n\n```text\n");
    for (line, what) in command.examples {
        let _ = writeln!(out, "# {what}\n{line}");
    }
    out.push_str("```\n");
    let rows: Vec<&Row> = rows_of(command).collect();
    if !rows.is_empty() {
        out.push_str("\n| Option | What it does |\n|---|---|\n");
    }
    for row in rows {
        let _ = writeln!(
            out,
            "| `{}` | {}{} |",
            written(row).replace('|', "\\|"),
            row.help.replace('|', "\\|"),
            remarks(row, command)
        );
    }
    if takes_limits(command) {
        out.push_str("\nThe names of `--limit` are in the list of [limits](#limits).\n");
    }
    if takes_proposals(command) {
        out.push_str("\nThe switches for [proposals](#proposals) too.\n");
    }
}

fn rows_of(command: &Command) -> impl Iterator<Item = &'static Row> {
    GROUPS.iter().flat_map(|group| group.rows).filter(|row| row.is_for(command.name))
}

/// What the table says beside the help.
fn remarks(row: &Row, command: &Command) -> String {
    let mut out = String::new();
    if row.is_for_exe_alone(command.name) {
        out.push_str(FOR_EXE);
    }
    if !row.choices.is_empty() {
        let _ = write!(out, "; one of {}", row.choices.join(", "));
    }
    if row.list {
        out.push_str("; can be repeated");
    }
    if let Effect::Later(what) = row.effect {
        let _ = write!(out, "; refused: {what} is not in this version yet");
    }
    out
}

/// A manual page: of a command, or of all.
pub(crate) fn man(command: Option<&Command>) -> String {
    let shown = command.unwrap_or(&COMMANDS[0]);
    let title = command.map_or_else(|| "kinglet".to_string(), |command| format!("kinglet-{}", command.name));
    let version = env!("CARGO_PKG_VERSION");
    let mut out = format!(".TH {} 1 \"\" \"kinglet {version}\" \"User Commands\"\n", roff(&title.to_uppercase()));
    let about = if command.is_some() { shown.about } else { "Runs WebAssembly programs." };
    let _ = writeln!(out, ".SH NAME\n{} \\- {}", roff(&title), roff(about));
    let name = if command.is_some() { format!("kinglet {}", shown.name) } else { "kinglet".into() };
    let _ = writeln!(out, ".SH SYNOPSIS\n.B {}\n{}", roff(&name), roff(shown.usage));
    let _ = writeln!(out, ".SH DESCRIPTION\n{}", roff(&RULES.replace('`', "")));
    if command.is_none() {
        out.push_str(".SH COMMANDS\n");
        COMMANDS.iter().for_each(|row| item(&mut out, row.name, row.about));
    }
    for group in GROUPS {
        let rows: Vec<&Row> = group.rows.iter().filter(|row| row.is_for(shown.name)).collect();
        if !rows.is_empty() {
            let _ = writeln!(out, ".SH OPTIONS: {}", roff(&group.title.to_uppercase()));
        }
        rows.iter().for_each(|row| item(&mut out, &written(row), &format!("{}{}", row.help, remarks(row, shown))));
    }
    if takes_limits(shown) {
        out.push_str(".SH LIMITS\nEach with \\-\\-limit NAME=VALUE.\n");
        for row in STORE_LIMITS {
            item(&mut out, row.name, &format!("{} ({})", row.summary, by_default(row)));
        }
    }
    if takes_proposals(shown) {
        out.push_str(".SH PROPOSALS\nEach has \\-\\-enable\\-NAME and \\-\\-disable\\-NAME.\n");
        for row in FEATURES {
            let state = if row.finished { "on" } else { "off, not finished" };
            item(&mut out, row.name, &format!("{} ({state})", row.summary));
        }
    }
    out.push_str(".SH EXAMPLES\n");
    shown.examples.iter().for_each(|(line, what)| item(&mut out, line, what));
    out.push_str(".SH EXIT STATUS\n");
    STATUSES.iter().for_each(|(code, meaning)| item(&mut out, code, meaning));
    out.push_str(".SH ENVIRONMENT\n");
    VARIABLES.iter().for_each(|(name, meaning)| item(&mut out, name, meaning));
    out
}

fn item(out: &mut String, term: &str, text: &str) {
    let _ = writeln!(out, ".TP\n.B {}\n{}", roff(term), roff(&text.replace('`', "")));
}

/// Text as roff takes it: backslashes and hyphens escaped, and no line that begins like a request.
fn roff(text: &str) -> String {
    let escaped = text.replace('\\', "\\e").replace('-', "\\-").replace('…', "...");
    let lines =
        escaped.lines().map(|line| if line.starts_with(['.', '\'']) { format!("\\&{line}") } else { line.into() });
    lines.collect::<Vec<String>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_in_both_forms() {
        let markdown = markdown();
        for command in COMMANDS {
            let page = man(Some(command));
            for row in rows_of(command) {
                assert!(markdown.contains(&format!("--{}", row.name)), "{}", row.name);
                assert!(page.contains(&roff(&format!("--{}", row.name))), "{}", row.name);
            }
        }
        assert!(STATUSES.iter().all(|(code, _)| man(None).contains(code)));
        for row in STORE_LIMITS {
            assert!(markdown.contains(&format!("| `{}` | ", row.name)), "{}", row.name);
            assert!(man(None).contains(&format!(".B {}\n", roff(row.name))), "{}", row.name);
        }
        for (name, meaning) in VARIABLES {
            assert!(markdown.contains(&format!("| `{name}` | {meaning} |")), "{name}");
            assert!(man(None).contains(&format!(".B {name}\n{}", roff(&meaning.replace('`', "")))), "{name}");
        }
    }

    #[test]
    fn text_is_not_taken_for_requests() {
        assert_eq!(roff(".x -a\n'b\\"), "\\&.x \\-a\n\\&'b\\e");
    }
}
