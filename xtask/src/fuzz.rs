//! `cargo xtask fuzz TARGET`: coverage-guided fuzzing by libFuzzer, with the compiler that everything is built with. All
//! Rust code is built once more for it, so that it tells which of it has run, in a folder of its own. The target
//! `differential` is another program, which makes its modules itself.
//!
//! What a target has found stays below the folder `target/fuzz/TARGET`: `corpus` is what leads to more code than anything
//! before, `seeds` what it began with, and files beside these are inputs that went wrong.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use crate::group::{self, cargo};
use crate::need;
use crate::process::{Context, Tally, output};

/// Which code has run, and with which operands it has compared: for libFuzzer.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1";

/// The longest that one input may take, on a machine that has other work.
const TIMEOUT_SECONDS: u32 = 30;
/// The most memory of the process; how much one input may take is counted in it.
const MEMORY_MIB: u32 = 4096;
/// How long each target runs as a test.
const SMOKE_SECONDS: u64 = 8;

const HELP: &str = "\
usage: cargo xtask fuzz TARGET [--minutes N | --seconds N | --replay FILE]

Runs a target for that long, or until it is stopped, or finds something: it is then in target/fuzz/TARGET, and the
command that runs it again is printed. Has `differential` compare tiers with options of its own; see its --help.

targets:
";

/// `cargo xtask fuzz TARGET [OPTIONS]`
pub(crate) fn command(context: &Context, args: &[String]) -> Result<(), String> {
    let targets = targets(context)?;
    let Some((name, options)) = args.split_first().filter(|(name, _)| !["--help", "-h"].contains(&name.as_str()))
    else {
        print!("{HELP}{}", targets.iter().map(|(name, about)| format!("  {name:<14} {about}\n")).collect::<String>());
        return Ok(());
    };
    if name == "differential" {
        return group::differential(context, options);
    }
    if !targets.iter().any(|(target, _)| target == name) {
        let known: Vec<&str> = targets.iter().map(|(name, _)| name.as_str()).collect();
        return Err(format!("no target `{name}`; there are: {}", known.join(" ")));
    }
    let what = what(options)?;
    let program = build(context)?;
    match run(context, &program, name, &what)? {
        true => Ok(()),
        false => Err(String::new()),
    }
}

/// Each target for a few seconds.
pub(crate) fn tally(context: &Context) -> Tally {
    let program = build(context).and_then(|program| Ok((program, targets(context)?)));
    let (program, targets) = match program {
        Ok(built) => built,
        Err(why) => {
            println!("{why}");
            return Tally::FAILED;
        }
    };
    let mut tally = Tally::default();
    for (name, _) in targets.iter().filter(|(name, _)| name != "differential") {
        println!("fuzzing {name} for {SMOKE_SECONDS} s");
        let passed = run(context, &program, name, &What::Seconds(SMOKE_SECONDS));
        tally.add(match passed {
            Ok(true) => Tally::PASSED,
            Ok(false) => Tally::FAILED,
            Err(why) => {
                println!("{why}");
                Tally::FAILED
            }
        });
    }
    tally
}

/// What is to be done with a target.
enum What {
    /// 0: until it is stopped.
    Seconds(u64),
    Replay(PathBuf),
}

fn what(options: &[String]) -> Result<What, String> {
    let [option, value] = match options {
        [] => return Ok(What::Seconds(0)),
        [option, value] => [option, value],
        _ => return Err(format!("one option with a value is expected, and `{}` is given", options.join(" "))),
    };
    let number = || value.parse::<u64>().map_err(|_| format!("`{value}` is no number"));
    match option.as_str() {
        "--minutes" => Ok(What::Seconds(number()?.saturating_mul(60).max(1))),
        "--seconds" => Ok(What::Seconds(number()?.max(1))),
        "--replay" => std::path::absolute(value).map(What::Replay).map_err(|error| error.to_string()),
        _ => Err(format!("unknown option `{option}`: there are --minutes N, --seconds N and --replay FILE")),
    }
}

/// The names of the targets and what they do, as the table of them has it.
fn targets(context: &Context) -> Result<Vec<(String, String)>, String> {
    let path = context.root.join("fuzz/src/targets.rs");
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut found = rows(&text);
    found.push(("differential".into(), "random modules in every tier and in Wasmi, compared".into()));
    Ok(found)
}

fn rows(text: &str) -> Vec<(String, String)> {
    let row = |line: &str| {
        let (name, about) = line.trim().strip_prefix("Target { name: \"")?.split_once("\", about: \"")?;
        Some((name.to_string(), about.trim_end_matches("\",").to_string()))
    };
    text.lines().filter_map(row).collect()
}

/// Builds the program that has libFuzzer and all targets in it.
fn build(context: &Context) -> Result<PathBuf, String> {
    need::meet(context, &need::CXX).map_err(|why| format!("it needs {why}"))?;
    let host = output(Command::new("rustc").args(["--print", "host-tuple"]))?;
    let (host, folder) = (host.trim(), context.target.join("coverage"));
    // The target is named, so that build scripts are built without the flags.
    let args = ["build", "--profile", "fuzz", "--package", "kinglet-fuzz", "--bin", "coverage"];
    let mut cargo = cargo(context, &args);
    cargo
        .args(["--no-default-features", "--features", "coverage", "--target", host])
        .env("CARGO_TARGET_DIR", &folder)
        .env("RUSTFLAGS", FLAGS);
    let status = cargo.status().map_err(|error| format!("cannot run cargo: {error}"))?;
    match status.success() {
        true => Ok(folder.join(host).join("fuzz").join("coverage")),
        false => Err("the fuzzer does not build".into()),
    }
}

/// Runs a target; whether nothing was found.
fn run(context: &Context, program: &Path, name: &str, what: &What) -> Result<bool, String> {
    let folder = context.target.join("fuzz").join(name);
    let [seeds, corpus] = ["seeds", "corpus"].map(|part| folder.join(part));
    let mut command = Command::new(program);
    command.env("KINGLET_FUZZ_TARGET", name).env("RUST_BACKTRACE", "1");
    command.arg(format!("-timeout={TIMEOUT_SECONDS}")).arg(format!("-rss_limit_mb={MEMORY_MIB}"));
    match what {
        What::Replay(file) => command.arg(file),
        What::Seconds(seconds) => {
            let made = std::fs::create_dir_all(&corpus);
            made.map_err(|error| format!("{}: {error}", corpus.display()))?;
            output(Command::new(program).env("KINGLET_FUZZ_TARGET", name).env("KINGLET_FUZZ_SEEDS", &seeds))?;
            command.arg(format!("-max_total_time={seconds}")).arg(format!("-max_len={}", longest(&seeds)));
            command.arg(format!("-artifact_prefix={}/", folder.display())).arg("-print_final_stats=1");
            command.args([&corpus, &seeds])
        }
    };
    let start = SystemTime::now();
    let status = command.status().map_err(|error| format!("cannot run {}: {error}", program.display()))?;
    for file in findings(&folder, start) {
        println!("run it again with: cargo xtask fuzz {name} --replay {}", file.display());
    }
    Ok(status.success())
}

/// The longest input there is to be: as long as the longest seed, and at least a page.
fn longest(seeds: &Path) -> u64 {
    let lengths = std::fs::read_dir(seeds).into_iter().flatten().flatten();
    lengths.filter_map(|entry| Some(entry.metadata().ok()?.len())).max().unwrap_or(0).max(4096)
}

/// What was written into a target's folder since then.
fn findings(folder: &Path, since: SystemTime) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let new = |path: &PathBuf| {
        let metadata = path.metadata().ok().filter(|metadata| metadata.is_file());
        metadata.and_then(|metadata| metadata.modified().ok()).is_some_and(|time| time >= since)
    };
    entries.map(|entry| entry.path()).filter(new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_targets_are_those_of_the_table() {
        let targets = targets(&Context::new()).unwrap();
        let names: Vec<&str> = targets.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["decode", "artifact", "calls", "debug", "differential"]);
        assert!(targets.iter().all(|(_, about)| !about.is_empty()));
    }

    #[test]
    fn options_that_are_not_there_are_named() {
        let what = |words: &[&str]| what(&words.iter().map(|word| word.to_string()).collect::<Vec<_>>());
        assert!(matches!(what(&[]), Ok(What::Seconds(0))));
        assert!(matches!(what(&["--minutes", "2"]), Ok(What::Seconds(120))));
        assert!(matches!(what(&["--replay", "x"]), Ok(What::Replay(_))));
        assert!(what(&["--minutes"]).is_err() && what(&["--minutes", "x"]).is_err());
        assert!(what(&["--hours", "1"]).err().unwrap().contains("--minutes N"));
    }

    #[test]
    fn an_unknown_target_is_named_with_the_known_ones() {
        let message = command(&Context::new(), &["decoed".to_string()]).unwrap_err();
        assert!(message.contains("`decoed`") && message.contains("decode artifact"), "{message}");
    }
}
