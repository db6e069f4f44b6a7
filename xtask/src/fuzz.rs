//! `cargo xtask fuzz TARGET`: coverage-guided fuzzing with libFuzzer and the stable compiler. All Rust code is rebuilt
//! with coverage instrumentation, in a separate target directory. The target `differential` is another program, which
//! generates its own modules.
//!
//! Each target has a directory `target/fuzz/TARGET`: `corpus` contains inputs that increased coverage, and `seeds`
//! contains the initial inputs. Files beside these directories are inputs that failed.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use crate::group::{self, cargo};
use crate::process::{Context, Tally, output};
use crate::requirement;

/// Instrumentation for libFuzzer: coverage counters, and tracing of the operands of comparisons.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1";

/// The time limit of one input, on a machine with other load.
const TIMEOUT_SECONDS: u32 = 30;
/// The memory limit of the process, including the memory for an input.
const MEMORY_MIB: u32 = 4096;
/// The duration of each target as a test.
const SMOKE_SECONDS: u64 = 8;

const HELP: &str = "\
usage: cargo xtask fuzz TARGET [--minutes N | --seconds N | --replay FILE]

Runs a target for that long, or until you stop it or an input fails. Failing inputs are written to target/fuzz/TARGET,
and the command that replays each is printed. `differential` compares tiers and has other options; see its --help.

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
    let mode = parse_mode(options)?;
    let program = build(context)?;
    match run(context, &program, name, &mode)? {
        true => Ok(()),
        false => Err(String::new()),
    }
}

/// Runs each target for a few seconds.
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
        let passed = run(context, &program, name, &FuzzMode::Seconds(SMOKE_SECONDS));
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

/// The way to run a target.
enum FuzzMode {
    /// Fuzzes for a number of seconds; 0 means without a limit.
    Seconds(u64),
    /// Runs the input in a file.
    Replay(PathBuf),
}

fn parse_mode(options: &[String]) -> Result<FuzzMode, String> {
    let [option, value] = match options {
        [] => return Ok(FuzzMode::Seconds(0)),
        [option, value] => [option, value],
        _ => return Err(format!("expected one option with a value, not `{}`", options.join(" "))),
    };
    let number = || value.parse::<u64>().map_err(|_| format!("`{value}` is not a number"));
    match option.as_str() {
        "--minutes" => Ok(FuzzMode::Seconds(number()?.saturating_mul(60).max(1))),
        "--seconds" => Ok(FuzzMode::Seconds(number()?.max(1))),
        "--replay" => std::path::absolute(value).map(FuzzMode::Replay).map_err(|error| error.to_string()),
        _ => Err(format!("unknown option `{option}`; options: --minutes N, --seconds N, --replay FILE")),
    }
}

/// Returns the names and descriptions of the targets, from the table in the crate of the fuzz targets.
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

/// Builds the program that contains libFuzzer and all targets.
fn build(context: &Context) -> Result<PathBuf, String> {
    requirement::ensure(context, &requirement::CXX).map_err(|reason| format!("fuzzing needs {reason}"))?;
    let host = output(Command::new("rustc").args(["--print", "host-tuple"]))?;
    let (host, directory) = (host.trim(), context.target.join("coverage"));
    // With --target, cargo does not apply the flags to build scripts.
    let args = ["build", "--profile", "fuzz", "--package", "kinglet-fuzz", "--bin", "coverage"];
    let mut cargo = cargo(context, &args);
    cargo
        .args(["--no-default-features", "--features", "coverage", "--target", host])
        .env("CARGO_TARGET_DIR", &directory)
        .env("RUSTFLAGS", FLAGS);
    let status = cargo.status().map_err(|error| format!("cannot run cargo: {error}"))?;
    match status.success() {
        true => Ok(directory.join(host).join("fuzz").join("coverage")),
        false => Err("the fuzzer does not build".into()),
    }
}

/// Runs a target, and returns whether no input failed.
fn run(context: &Context, program: &Path, name: &str, mode: &FuzzMode) -> Result<bool, String> {
    let directory = context.target.join("fuzz").join(name);
    let [seeds, corpus] = ["seeds", "corpus"].map(|part| directory.join(part));
    let mut command = Command::new(program);
    command.env("KINGLET_FUZZ_TARGET", name).env("RUST_BACKTRACE", "1");
    command.arg(format!("-timeout={TIMEOUT_SECONDS}")).arg(format!("-rss_limit_mb={MEMORY_MIB}"));
    match mode {
        FuzzMode::Replay(file) => command.arg(file),
        FuzzMode::Seconds(seconds) => {
            let created = std::fs::create_dir_all(&corpus);
            created.map_err(|error| format!("{}: {error}", corpus.display()))?;
            output(Command::new(program).env("KINGLET_FUZZ_TARGET", name).env("KINGLET_FUZZ_SEEDS", &seeds))?;
            command.arg(format!("-max_total_time={seconds}")).arg(format!("-max_len={}", longest_input(&seeds)));
            command.arg(format!("-artifact_prefix={}/", directory.display())).arg("-print_final_stats=1");
            command.args([&corpus, &seeds])
        }
    };
    let start = SystemTime::now();
    let status = command.status().map_err(|error| format!("cannot run {}: {error}", program.display()))?;
    for file in findings(&directory, start) {
        println!("replay with: cargo xtask fuzz {name} --replay {}", file.display());
    }
    Ok(status.success())
}

/// Returns the maximum length of an input in bytes: that of the longest seed, but at least 4096.
fn longest_input(seeds: &Path) -> u64 {
    let lengths = std::fs::read_dir(seeds).into_iter().flatten().flatten();
    lengths.filter_map(|entry| Some(entry.metadata().ok()?.len())).max().unwrap_or(0).max(4096)
}

/// Returns the files in a target's directory that were written since a time.
fn findings(directory: &Path, since: SystemTime) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
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
    fn targets_are_parsed_from_the_table() {
        let targets = targets(&Context::new()).unwrap();
        let names: Vec<&str> = targets.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["decode", "artifact", "calls", "debug", "differential"]);
        assert!(targets.iter().all(|(_, about)| !about.is_empty()));
    }

    #[test]
    fn unknown_and_incomplete_options_are_errors() {
        let mode = |words: &[&str]| parse_mode(&words.iter().map(|word| word.to_string()).collect::<Vec<_>>());
        assert!(matches!(mode(&[]), Ok(FuzzMode::Seconds(0))));
        assert!(matches!(mode(&["--minutes", "2"]), Ok(FuzzMode::Seconds(120))));
        assert!(matches!(mode(&["--replay", "x"]), Ok(FuzzMode::Replay(_))));
        assert!(mode(&["--minutes"]).is_err() && mode(&["--minutes", "x"]).is_err());
        assert!(mode(&["--hours", "1"]).err().unwrap().contains("--minutes N"));
    }

    #[test]
    fn an_unknown_target_is_named_with_the_known_ones() {
        let message = command(&Context::new(), &["decoed".to_string()]).unwrap_err();
        assert!(message.contains("`decoed`") && message.contains("decode artifact"), "{message}");
    }
}
