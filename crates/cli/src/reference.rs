//! The reference in two forms, both derived from the tables: a page of Markdown (`docs/cli.md`), and manual pages.

use std::fmt::Write as _;

use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};
use kinglet::{FEATURES, STORE_LIMITS};

use crate::cmd::{COMMANDS, Command};
use crate::completions::described;
use crate::dialect::Dialect;
use crate::fault::STATUSES;
use crate::help::{VARIABLES, default_of, takes_limits, takes_proposals, written};
use crate::options::{Effect, GROUPS, Purpose, Row, description, parser};

const RULES: &str = "\
Options come before the file. All arguments after the file belong to the program. `--name value` and `--name=value` are the \
same. An option\nthat can be repeated takes one value per occurrence; repeating another option is an error. `--` ends the \
options. `-` reads a module from\nstandard input. Modules may be binary or text. Commands that run no program also accept \
options after their files.\n";

/// The whole reference as a page of Markdown.
pub(crate) fn markdown() -> String {
    let mut out = String::from("# Command line\n\n");
    let _ =
        writeln!(out, "`kinglet help --markdown` generates this page from the tables that the command itself uses.\n");
    let _ = writeln!(out, "```text\nkinglet {}\nkinglet COMMAND [OPTIONS] …\n```\n\n{RULES}", COMMANDS[0].usage);
    out.push_str("## Commands\n\n| Command | Action |\n|---|---|\n");
    for command in COMMANDS {
        let _ = writeln!(out, "| [`{0}`](#kinglet-{0}) | {1} |", command.name, command.about);
    }
    out.push_str("\n## Exit statuses\n\n| Status | Meaning |\n|---|---|\n");
    STATUSES.iter().for_each(|(code, meaning)| {
        let _ = writeln!(out, "| {code} | {} |", meaning.replace('|', "\\|"));
    });
    COMMANDS.iter().for_each(|command| section(&mut out, command));
    out.push_str("\n## Limits\n\nSet each with `--limit NAME=VALUE`. A number of bytes may end with `KiB`, `MiB`, `GiB` or `TiB`; the \
                  `iB` is optional.\n\n| Name | Default | Limits |\n|---|---|---|\n");
    for row in STORE_LIMITS {
        let _ = writeln!(out, "| `{}` | {} | {} |", row.name, default_of(row), row.summary);
    }
    out.push_str("\n## Proposals\n\nEach has the switches `--enable-NAME` and `--disable-NAME`. Unfinished proposals can be validated \
                  but not run.\n\n| Name | Default | Adds |\n|---|---|---|\n");
    for row in FEATURES {
        let state = if row.finished { "on" } else { "off, not finished" };
        let _ = writeln!(out, "| {} | {state} | {} |", row.name, row.summary);
    }
    out.push_str("\n## Environment variables\n\n| Variable | Effect |\n|---|---|\n");
    VARIABLES.iter().for_each(|(name, meaning)| {
        let _ = writeln!(out, "| `{name}` | {meaning} |");
    });
    out.push_str("\n## Under WasmEdge's name\n\nStarted through a link named `wasmedge` or `wasmedgec`, the command follows WasmEdge \
                  where the two differ:\n\n");
    Dialect::DIFFERENCES.iter().for_each(|difference| {
        let _ = writeln!(out, "- {difference}");
    });
    out
}

fn section(out: &mut String, command: &Command) {
    let details = if command.details.is_empty() { String::new() } else { format!(" {}", command.details) };
    let _ = writeln!(out, "\n## kinglet {}\n\n{}.{details}\n", command.name, command.about);
    let _ = writeln!(out, "```text\n{}\n```\n", format!("kinglet {} {}", command.name, command.usage).trim_end());
    out.push_str("Examples:\n\n```text\n");
    for (line, what) in command.examples {
        let _ = writeln!(out, "# {what}\n{line}");
    }
    out.push_str("```\n");
    let rows: Vec<&Row> = GROUPS.iter().flat_map(|group| group.rows).filter(|row| row.is_for(command.name)).collect();
    if !rows.is_empty() {
        out.push_str("\n| Option | Action |\n|---|---|\n");
    }
    for row in rows {
        let (option, text) = (written(row).replace('|', "\\|"), description(row, command).replace('|', "\\|"));
        let _ = writeln!(out, "| `{option}` | {text}{} |", remarks(row));
    }
    if takes_limits(command) {
        out.push_str("\nThe names of `--limit` are listed under [limits](#limits).\n");
    }
    if takes_proposals(command) {
        out.push_str("\nThe switches of [proposals](#proposals) work too.\n");
    }
}

/// The rest of an option's entry.
fn remarks(row: &Row) -> String {
    let mut out = String::new();
    if !row.choices.is_empty() {
        let _ = write!(out, " [possible values: {}]", row.choices.join(", "));
    }
    if let Effect::Later(what, _) = row.effect {
        let _ = write!(out, " (refused: {what} is not in this version yet)");
    }
    out
}

/// A manual page: of a command, or of all.
pub(crate) fn man(command: Option<&'static Command>) -> std::io::Result<Vec<u8>> {
    let shown = command.unwrap_or(&COMMANDS[0]);
    let page = match command {
        Some(command) => {
            let name = format!("kinglet-{}", command.name);
            parser(command, Dialect::Kinglet, false, Purpose::Describe).name(name).about(command.about)
        }
        None => described(Dialect::Kinglet).about("Run WebAssembly programs"),
    };
    let line =
        format!("kinglet{} {}", command.map_or_else(String::new, |command| format!(" {}", command.name)), shown.usage);
    let page = page
        .override_usage(line)
        .long_about(format!("{} {RULES}", shown.details).replace('`', ""))
        .version(env!("CARGO_PKG_VERSION"));
    let man = Man::new(page).manual("User Commands").date("").source(format!("kinglet {}", env!("CARGO_PKG_VERSION")));
    let mut out = Vec::new();
    man.render_title(&mut out)?;
    man.render_name_section(&mut out)?;
    man.render_synopsis_section(&mut out)?;
    man.render_description_section(&mut out)?;
    man.render_options_section(&mut out)?;
    if command.is_none() {
        man.render_subcommands_section(&mut out)?;
    }
    let mut sections = Roff::new();
    if takes_limits(shown) {
        let rows = STORE_LIMITS.iter().map(|row| (row.name, format!("{} [default: {}]", row.summary, default_of(row))));
        terms(&mut sections, "LIMITS", rows);
    }
    terms(&mut sections, "EXAMPLES", shown.examples.iter().map(|(line, what)| (*line, (*what).into())));
    terms(&mut sections, "EXIT STATUS", STATUSES.iter().map(|(code, meaning)| (*code, (*meaning).into())));
    terms(&mut sections, "ENVIRONMENT", VARIABLES.iter().map(|(name, meaning)| (*name, (*meaning).into())));
    sections.to_writer(&mut out)?;
    Ok(out)
}

/// A section of terms, each with its text.
fn terms<'a>(page: &mut Roff, title: &str, rows: impl Iterator<Item = (&'a str, String)>) {
    page.control("SH", [title]);
    for (term, text) in rows {
        page.control("TP", []);
        page.text([bold(term)]);
        page.text([roman(text.replace('`', ""))]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_in_both_forms() {
        let page = |command| String::from_utf8(man(command).unwrap()).unwrap().replace("\\-", "-");
        let (markdown, all) = (markdown(), page(None));
        for command in COMMANDS {
            let page = page(Some(command));
            for row in GROUPS.iter().flat_map(|group| group.rows).filter(|row| row.is_for(command.name)) {
                assert!(markdown.contains(&format!("--{}", row.name)), "{}", row.name);
                assert!(page.contains(&format!("--{}", row.name)) || !row.is_supported(), "{}", row.name);
            }
        }
        assert!(STATUSES.iter().all(|(code, _)| all.contains(code)));
        for row in STORE_LIMITS {
            assert!(markdown.contains(&format!("| `{}` | ", row.name)), "{}", row.name);
            assert!(all.contains(row.name), "{}", row.name);
        }
        for (name, meaning) in VARIABLES {
            assert!(markdown.contains(&format!("| `{name}` | {meaning} |")), "{name}");
            assert!(all.contains(name), "{name}");
        }
    }
}
