//! One run of a program with what it took: `cargo xtask measure PROGRAM ARG…`. The bench starts itself anew in this form
//! for each run: a process's peak memory is at least that of the process which started it, and so the latter must be
//! small. It has only one child, so that the resources of all its children are those of this one.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike};

use crate::process::Context;

/// Before the figures, which are the last line of what is printed.
const MARK: &str = "\nmeasured: ";

/// `ru_maxrss` is in kilobytes, but on Apple's systems in bytes.
const PEAK_UNIT: u64 = if cfg!(target_vendor = "apple") { 1 } else { 1024 };

/// What a run took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Usage {
    /// From before the start to after the end.
    pub(crate) wall: Duration,
    /// Of the process and its children, in the program and in the system.
    pub(crate) cpu: Duration,
    /// The most memory that was resident at once, in bytes.
    pub(crate) peak: u64,
}

/// A run that has ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) usage: Usage,
    /// Standard output.
    pub(crate) out: String,
}

/// `cargo xtask measure PROGRAM [ARG…]`
pub(crate) fn command(_: &Context, args: &[String]) -> Result<(), String> {
    let (program, args) = args.split_first().ok_or("which program?")?;
    let start = Instant::now();
    let status = Command::new(program).args(args).stdin(Stdio::null()).status();
    let wall = start.elapsed();
    let status = status.map_err(|error| format!("cannot run {program}: {error}"))?;
    let used = getrusage(UsageWho::RUSAGE_CHILDREN).map_err(|error| format!("no figures: {error}"))?;
    let cpu = micros(used.user_time()) + micros(used.system_time());
    let peak = u64::try_from(used.max_rss()).unwrap_or(0) * PEAK_UNIT;
    println!("{MARK}{} {cpu} {peak} {}", wall.as_micros(), status.code().unwrap_or(-1));
    Ok(())
}

fn micros(time: TimeVal) -> u64 {
    u64::try_from(time.num_microseconds()).unwrap_or(0)
}

/// Runs a command, which must end with status 0, in a process of its own that measures it.
pub(crate) fn measure(command: &Command) -> Result<Run, String> {
    let own = std::env::current_exe().map_err(|error| format!("cannot find myself: {error}"))?;
    let mut outer = Command::new(own);
    outer.arg("measure").arg(command.get_program()).args(command.get_args()).stdin(Stdio::null());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => outer.env(name, value),
            None => outer.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        outer.current_dir(folder);
    }
    let output = outer.output().map_err(|error| format!("cannot start the measurement: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let err = String::from_utf8_lossy(&output.stderr);
    let why = reason(&err);
    let Some((out, (usage, code))) = split(&text) else { return Err(why.to_string()) };
    match code {
        0 => Ok(Run { usage, out: out.to_string() }),
        code => Err(format!("exit status {code}: {why}")),
    }
}

/// The line that says what went wrong: the first with an error in it, or else the last.
fn reason(err: &str) -> &str {
    let lines = || err.lines().map(str::trim).filter(|line| !line.is_empty());
    let named = lines().find(|line| line.to_lowercase().contains("error"));
    named.or_else(|| lines().next_back()).unwrap_or("nothing on standard error")
}

/// What the program printed, and the figures behind it.
fn split(text: &str) -> Option<(&str, (Usage, i32))> {
    let (out, figures) = text.rsplit_once(MARK)?;
    let mut words = figures.split_whitespace();
    let mut next = || words.next()?.parse::<i64>().ok();
    let (wall, cpu, peak, code) = (next()?, next()?, next()?, next()?);
    let micros = |value: i64| Duration::from_micros(value.unsigned_abs());
    Some((out, (Usage { wall: micros(wall), cpu: micros(cpu), peak: peak.unsigned_abs() }, code as i32)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_the_line_with_the_error() {
        assert_eq!(reason("warning\n\nError: no such file\n\nCaused by:\n  9: _start\n"), "Error: no such file");
        assert_eq!(reason("one\ntwo\n\n"), "two");
        assert_eq!(reason(""), "nothing on standard error");
    }

    #[test]
    fn figures_follow_whatever_was_printed() {
        let usage = Usage { wall: Duration::from_micros(1500), cpu: Duration::from_millis(1), peak: 2048 };
        assert_eq!(split("a\nb\n\nmeasured: 1500 1000 2048 0\n"), Some(("a\nb\n", (usage, 0))));
        assert_eq!(split("a\nmeasured: 1500 1000 2048 -1\n"), Some(("a", (usage, -1))));
        assert_eq!(split("a\nmeasured: 1500\n"), None);
        assert_eq!(split("nothing"), None);
    }
}
