//! The bench's options: one table, from which reading and help are derived.

use std::path::PathBuf;

use super::engine;
use super::workload::GROUPS;

/// What was asked for.
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

/// One row per option.
struct Row {
    name: &'static str,
    /// What the value is called in the help; none for a switch.
    value: Option<&'static str>,
    help: &'static str,
    set: fn(&mut Options, &str) -> Result<(), String>,
}

#[rustfmt::skip]
const ROWS: &[Row] = &[
    Row { name: "--list", value: None, help: "list the workloads and the engines that are here",
        set: |options, _| { options.list = true; Ok(()) } },
    Row { name: "--targets", value: None, help: "compare what starting, becoming hot and starting again take with targets",
        set: |options, _| { options.targets = true; Ok(()) } },
    Row { name: "--long", value: None, help: "with --targets: a loop of a minute instead of ten seconds",
        set: |options, _| { options.long = true; Ok(()) } },
    Row { name: "--over-time", value: None, help: "draw throughput from a cold start on, in each mode",
        set: |options, _| { options.over_time = true; Ok(()) } },
    Row { name: "--runs", value: Some("N"), help: "runs that count, 5 if not given; some groups make a multiple of it",
        set: |options, value| { options.runs = Some(count(value)?); Ok(()) } },
    Row { name: "--quick", value: None, help: "one run at a small size, to see whether everything works",
        set: |options, _| { options.quick = true; Ok(()) } },
    Row { name: "--peer", value: Some("ENGINE"), help: "what ratios are to; wasmi if not given",
        set: |options, value| { options.peer = Some(known(value)?); Ok(()) } },
    Row { name: "--engines", value: Some("A,B…"), help: "measure only these engines",
        set: |options, value| { options.engines = Some(value.split(',').map(known).collect::<Result<_, _>>()?); Ok(()) } },
    Row { name: "--program", value: Some("ENGINE=PATH"), help: "where an engine is; `kinglet` and `baseline` too",
        set: |options, value| { options.programs.push(program(value)?); Ok(()) } },
    Row { name: "--mode", value: Some("MODE"), help: "the mode of an engine with several, instead of its best",
        set: |options, value| { options.mode = Some(value.to_string()); Ok(()) } },
    Row { name: "--to", value: Some("FOLDER"), help: "where reports are written; target/bench if not given",
        set: |options, value| { options.to = Some(value.into()); Ok(()) } },
    Row { name: "--help", value: None, help: "show this",
        set: |options, _| { options.help = true; Ok(()) } },
];

/// Reads the command line: options, and patterns of workloads' names.
pub(super) fn read(args: &[String]) -> Result<Options, String> {
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
            (Some(what), None) => args.next().ok_or(format!("`{name}` needs {what}"))?,
        };
        (row.set)(&mut options, value).map_err(|why| format!("{name}: {why}"))?;
    }
    Ok(options)
}

/// What `--help` shows.
pub(super) fn help() -> String {
    let mut text = String::from("usage: cargo xtask bench [OPTIONS] [WORKLOAD…]\n\noptions:\n");
    for row in ROWS {
        text.push_str(&format!("  {:<22} {}\n", format!("{} {}", row.name, row.value.unwrap_or_default()), row.help));
    }
    text.push_str("\nA WORKLOAD is a part of a name, or with `*` in it a pattern for the whole name. Groups:\n\n");
    for group in GROUPS {
        text.push_str(&format!("  {:<22} {}\n", group.name, group.about));
    }
    text.push_str("\nEngines are found on PATH, or where a variable says:\n\n");
    for (name, variable) in engine::names() {
        text.push_str(&format!("  {name:<22} {variable}\n"));
    }
    text + "\nSee docs/performance.md.\n"
}

fn count(value: &str) -> Result<usize, String> {
    value.parse().ok().filter(|count| (1..=10_000).contains(count)).ok_or(format!("`{value}` is no number of runs"))
}

fn known(value: &str) -> Result<String, String> {
    let names: Vec<&str> = engine::names().iter().map(|(name, _)| *name).collect();
    let found = names.contains(&value).then(|| value.to_string());
    found.ok_or(format!("no engine `{value}`; there are: {}", names.join(" ")))
}

fn program(value: &str) -> Result<(String, PathBuf), String> {
    let (name, path) = value.split_once('=').ok_or("ENGINE=PATH is needed")?;
    Ok((known(name)?, path.into()))
}

#[cfg(test)]
mod tests {
    use super::super::workload;
    use super::*;
    use crate::process::Context;

    fn read_words(line: &str) -> Result<Options, String> {
        read(&line.split_whitespace().map(str::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn options_and_patterns_may_be_mixed() {
        let options = read_words("gemm --runs 3 --peer=node python/* --quick --program wasmi=a/b").unwrap();
        assert_eq!(options.patterns, ["gemm", "python/*"]);
        assert_eq!((options.runs, options.peer.as_deref(), options.quick), (Some(3), Some("node"), true));
        assert_eq!(options.programs, [("wasmi".to_string(), PathBuf::from("a/b"))]);
    }

    #[test]
    fn the_commands_in_the_book_are_understood() {
        let context = Context::new();
        let page = std::fs::read_to_string(context.root.join("docs/performance.md")).unwrap();
        let lines: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("$ cargo xtask bench")).collect();
        assert!(lines.len() > 3, "{lines:?}");
        for line in lines {
            let command = line.split('#').next().unwrap_or_default().replace('\'', "");
            let options = read_words(&command).unwrap_or_else(|why| panic!("{line}: {why}"));
            for pattern in &options.patterns {
                let found = match options.targets {
                    true => super::super::target::names(&context).iter().any(|name| workload::matches(pattern, name)),
                    false => !workload::list(&context, &[pattern], false).is_empty(),
                };
                assert!(found, "{line}: nothing matches {pattern}");
            }
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (line, part) in [
            ("--rums 3", "`--rums`"),
            ("--runs", "needs N"),
            ("--runs 0", "`0`"),
            ("--quick=yes", "no value"),
            ("--peer v8", "wasmtime"),
            ("--engines kinglet,v8", "`v8`"),
            ("--program wasmi", "ENGINE=PATH"),
        ] {
            let why = read_words(line).unwrap_err();
            assert!(why.contains(part), "{line}: {why}");
        }
    }

    #[test]
    fn the_help_has_every_option_group_and_engine() {
        let help = help();
        assert!(ROWS.iter().all(|row| help.contains(row.name) && help.contains(row.help)));
        assert!(GROUPS.iter().all(|group| help.contains(group.about)));
        assert!(engine::names().iter().all(|(name, variable)| help.contains(name) && help.contains(variable)));
    }
}
