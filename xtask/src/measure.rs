//! Measures one run of a program: `cargo xtask measure PROGRAM ARG…`. The bench starts this command for each run. The
//! peak memory of a process is at least that of its parent, so the parent must be small. The command has only one
//! child, so the resource usage of its children is that of the program.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike};

use crate::process::Context;

/// The prefix of the figures, which are the last line of output.
const MARK: &str = "\nmeasured: ";

/// The unit of `ru_maxrss` in bytes: a kilobyte, except on Apple's systems.
const PEAK_UNIT: u64 = if cfg!(target_vendor = "apple") { 1 } else { 1024 };

/// The resource usage of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Usage {
    /// Wall time from before the start to after the end.
    pub(crate) wall: Duration,
    /// CPU time of the process and its children, in user and system mode.
    pub(crate) cpu: Duration,
    /// The largest resident set, in bytes.
    pub(crate) peak: u64,
}

/// A finished run.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) usage: Usage,
    /// Standard output.
    pub(crate) out: String,
}

/// `cargo xtask measure PROGRAM [ARG…]`
pub(crate) fn command(_: &Context, args: &[String]) -> Result<(), String> {
    let (program, args) = args.split_first().ok_or("name a program")?;
    let start = Instant::now();
    let status = Command::new(program).args(args).stdin(Stdio::null()).status();
    let wall = start.elapsed();
    let status = status.map_err(|error| format!("cannot run {program}: {error}"))?;
    let used =
        getrusage(UsageWho::RUSAGE_CHILDREN).map_err(|error| format!("cannot read the resource usage: {error}"))?;
    let cpu = micros(used.user_time()) + micros(used.system_time());
    let peak = u64::try_from(used.max_rss()).unwrap_or(0) * PEAK_UNIT;
    println!("{MARK}{} {cpu} {peak} {}", wall.as_micros(), status.code().unwrap_or(-1));
    Ok(())
}

fn micros(time: TimeVal) -> u64 {
    u64::try_from(time.num_microseconds()).unwrap_or(0)
}

/// Runs a command below a separate process that measures it. The command must exit with status 0.
pub(crate) fn measure(command: &Command) -> Result<Run, String> {
    let executable = std::env::current_exe().map_err(|error| format!("cannot find this executable: {error}"))?;
    let mut outer = Command::new(executable);
    outer.arg("measure").arg(command.get_program()).args(command.get_args()).stdin(Stdio::null());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => outer.env(name, value),
            None => outer.env_remove(name),
        };
    }
    if let Some(directory) = command.get_current_dir() {
        outer.current_dir(directory);
    }
    let output = outer.output().map_err(|error| format!("cannot start the measurement: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let err = String::from_utf8_lossy(&output.stderr);
    let reason = reason(&err);
    let Some((out, (usage, code))) = split(&text) else { return Err(reason.to_string()) };
    match code {
        0 => Ok(Run { usage, out: out.to_string() }),
        code => Err(format!("exit status {code}: {reason}")),
    }
}

/// Returns the line that explains a failure: the first that contains "error", otherwise the last.
fn reason(err: &str) -> &str {
    let lines = || err.lines().map(str::trim).filter(|line| !line.is_empty());
    let named = lines().find(|line| line.to_lowercase().contains("error"));
    named.or_else(|| lines().next_back()).unwrap_or("nothing on standard error")
}

/// Splits the output of the program from the figures after it.
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
    fn the_reason_is_the_first_line_with_an_error() {
        assert_eq!(reason("warning\n\nError: no such file\n\nCaused by:\n  9: _start\n"), "Error: no such file");
        assert_eq!(reason("one\ntwo\n\n"), "two");
        assert_eq!(reason(""), "nothing on standard error");
    }

    #[test]
    fn figures_are_parsed_after_any_output() {
        let usage = Usage { wall: Duration::from_micros(1500), cpu: Duration::from_millis(1), peak: 2048 };
        assert_eq!(split("a\nb\n\nmeasured: 1500 1000 2048 0\n"), Some(("a\nb\n", (usage, 0))));
        assert_eq!(split("a\nmeasured: 1500 1000 2048 -1\n"), Some(("a", (usage, -1))));
        assert_eq!(split("a\nmeasured: 1500\n"), None);
        assert_eq!(split("nothing"), None);
    }
}
