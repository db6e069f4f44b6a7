//! The bench's options: one table, from which parsing and help are derived.

use std::path::PathBuf;

use super::engine;
use super::workload::GROUPS;

/// The parsed arguments.
#[derive(Debug, Default)]
pub(super) struct Options {
    pub(super) help: bool,
    pub(super) list: bool,
    pub(super) quick: bool,
    pub(super) targets: bool,
    pub(super) long: bool,
    pub(super) over_time: bool,
    pub(super) runs: Option<usize>,
    pub(super) peer: Option<String>,
    pub(super) mode: Option<String>,
    pub(super) engines: Option<Vec<String>>,
    pub(super) programs: Vec<(String, PathBuf)>,
    pub(super) to: Option<PathBuf>,
    pub(super) patterns: Vec<String>,
}

/// An option.
struct OptionRow {
    name: &'static str,
    /// The name of the value in the help; `None` for a switch.
    value: Option<&'static str>,
    help: &'static str,
    set: fn(&mut Options, &str) -> Result<(), String>,
}

#[rustfmt::skip]
const ROWS: &[OptionRow] = &[
    OptionRow { name: "--list", value: None, help: "list the workloads and the installed engines",
        set: |options, _| { options.list = true; Ok(()) } },
    OptionRow { name: "--targets", value: None, help: "compare starts, tier-up and restarts with targets",
        set: |options, _| { options.targets = true; Ok(()) } },
    OptionRow { name: "--long", value: None, help: "with --targets: run a loop for a minute instead of ten seconds",
        set: |options, _| { options.long = true; Ok(()) } },
    OptionRow { name: "--over-time", value: None, help: "plot throughput after a cold start, in each mode",
        set: |options, _| { options.over_time = true; Ok(()) } },
    OptionRow { name: "--runs", value: Some("N"), help: "set the number of runs that count; some groups multiply it [default: 5]",
        set: |options, value| { options.runs = Some(count(value)?); Ok(()) } },
    OptionRow { name: "--quick", value: None, help: "run once at a small size, to check that everything works",
        set: |options, _| { options.quick = true; Ok(()) } },
    OptionRow { name: "--peer", value: Some("ENGINE"), help: "compute ratios to this engine [default: wasmi]",
        set: |options, value| { options.peer = Some(known(value)?); Ok(()) } },
    OptionRow { name: "--engines", value: Some("A,B…"), help: "measure only these engines",
        set: |options, value| { options.engines = Some(value.split(',').map(known).collect::<Result<_, _>>()?); Ok(()) } },
    OptionRow { name: "--program", value: Some("ENGINE=PATH"), help: "set the path of an engine, also of `kinglet` and `baseline`",
        set: |options, value| { options.programs.push(program(value)?); Ok(()) } },
    OptionRow { name: "--mode", value: Some("MODE"), help: "use this mode of an engine with several, instead of its fastest",
        set: |options, value| { options.mode = Some(value.to_string()); Ok(()) } },
    OptionRow { name: "--to", value: Some("DIR"), help: "write reports to this directory [default: target/bench]",
        set: |options, value| { options.to = Some(value.into()); Ok(()) } },
    OptionRow { name: "--help", value: None, help: "show this",
        set: |options, _| { options.help = true; Ok(()) } },
];

/// Parses the command line: options, and patterns for names of workloads.
pub(super) fn parse(args: &[String]) -> Result<Options, String> {
    let mut options = Options::default();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if !arg.starts_with('-') {
            options.patterns.push(arg.clone());
            continue;
        }
        let (name, joined) = arg.split_once('=').map_or((arg.as_str(), None), |(name, value)| (name, Some(value)));
        let row = ROWS.iter().find(|row| row.name == name).ok_or(format!("no option `{name}`; see --help"))?;
        let value = match (row.value, joined) {
            (None, Some(_)) => return Err(format!("`{name}` takes no value")),
            (None, None) => "",
            (Some(_), Some(value)) => value,
            (Some(placeholder), None) => args.next().ok_or(format!("`{name}` needs {placeholder}"))?,
        };
        (row.set)(&mut options, value).map_err(|error| format!("{name}: {error}"))?;
    }
    Ok(options)
}

/// Returns the help text.
pub(super) fn help() -> String {
    let mut text = String::from("usage: cargo xtask bench [OPTIONS] [WORKLOAD…]\n\noptions:\n");
    for row in ROWS {
        text.push_str(&format!("  {:<22} {}\n", format!("{} {}", row.name, row.value.unwrap_or_default()), row.help));
    }
    text.push_str("\nA WORKLOAD is a part of a name, or a pattern with `*` for the whole name. Groups:\n\n");
    for group in GROUPS {
        text.push_str(&format!("  {:<22} {}\n", group.name, group.about));
    }
    text.push_str("\nEngines are found on PATH. A variable overrides the path of an engine:\n\n");
    for (name, variable) in engine::names() {
        text.push_str(&format!("  {name:<22} {variable}\n"));
    }
    text + "\nSee docs/performance.md.\n"
}

fn count(value: &str) -> Result<usize, String> {
    value.parse().ok().filter(|count| (1..=10_000).contains(count)).ok_or(format!("`{value}` is not a number of runs"))
}

fn known(value: &str) -> Result<String, String> {
    let names: Vec<&str> = engine::names().iter().map(|(name, _)| *name).collect();
    let found = names.contains(&value).then(|| value.to_string());
    found.ok_or(format!("no engine `{value}`; engines: {}", names.join(" ")))
}

fn program(value: &str) -> Result<(String, PathBuf), String> {
    let (name, path) = value.split_once('=').ok_or("expected ENGINE=PATH")?;
    Ok((known(name)?, path.into()))
}

#[cfg(test)]
mod tests {
    use super::super::workload;
    use super::*;
    use crate::process::Context;

    fn parse_line(line: &str) -> Result<Options, String> {
        parse(&line.split_whitespace().map(str::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn options_and_patterns_may_be_mixed() {
        let options = parse_line("gemm --runs 3 --peer=node python/* --quick --program wasmi=a/b").unwrap();
        assert_eq!(options.patterns, ["gemm", "python/*"]);
        assert_eq!((options.runs, options.peer.as_deref(), options.quick), (Some(3), Some("node"), true));
        assert_eq!(options.programs, [("wasmi".to_string(), PathBuf::from("a/b"))]);
    }

    #[test]
    fn the_commands_in_the_book_parse() {
        let context = Context::new();
        let page = std::fs::read_to_string(context.root.join("docs/performance.md")).unwrap();
        let lines: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("$ cargo xtask bench")).collect();
        assert!(lines.len() > 3, "{lines:?}");
        for line in lines {
            let command = line.split('#').next().unwrap_or_default().replace('\'', "");
            let options = parse_line(&command).unwrap_or_else(|error| panic!("{line}: {error}"));
            for pattern in &options.patterns {
                let found = match options.targets {
                    true => super::super::target::names(&context).iter().any(|name| workload::matches(pattern, name)),
                    false => !workload::list(&context, &[pattern], false).is_empty(),
                };
                assert!(found, "{line}: no workload matches {pattern}");
            }
        }
    }

    #[test]
    fn error_messages_name_the_mistake() {
        for (line, part) in [
            ("--rums 3", "`--rums`"),
            ("--runs", "needs N"),
            ("--runs 0", "`0`"),
            ("--quick=yes", "no value"),
            ("--peer v8", "wasmtime"),
            ("--engines kinglet,v8", "`v8`"),
            ("--program wasmi", "ENGINE=PATH"),
        ] {
            let error = parse_line(line).unwrap_err();
            assert!(error.contains(part), "{line}: {error}");
        }
    }

    #[test]
    fn the_help_lists_every_option_group_and_engine() {
        let help = help();
        assert!(ROWS.iter().all(|row| help.contains(row.name) && help.contains(row.help)));
        assert!(GROUPS.iter().all(|group| help.contains(group.about)));
        assert!(engine::names().iter().all(|(name, variable)| help.contains(name) && help.contains(variable)));
    }
}
