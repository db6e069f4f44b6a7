//! Running other programs: their directories and environment, streaming their output, and counting tests in it.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError, mpsc};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::build::{Executable, Profile};

/// The settings and results of one run of the tasks.
pub(crate) struct Context {
    /// The workspace's root directory.
    pub(crate) root: PathBuf,
    /// Cargo's target directory.
    pub(crate) target: PathBuf,
    /// Whether a test that cannot run is a failure.
    pub(crate) ci: bool,
    /// The time at which commands that count tests are killed.
    deadline: OnceLock<Instant>,
    /// The durations of tests in seconds, with their names.
    durations: Mutex<Vec<(f64, String)>>,
    /// The test executables that have been built, by profile.
    built: [OnceLock<Vec<Executable>>; 2],
}

impl Context {
    pub(crate) fn new() -> Context {
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or(env!("CARGO_MANIFEST_DIR").into());
        let root = Path::new(&manifest).parent().expect("xtask is below the workspace's root").to_path_buf();
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), |dir| root.join(dir));
        let ci = std::env::var_os("CI").is_some_and(|value| value == "true");
        Context { root, target, ci, deadline: OnceLock::new(), durations: Mutex::default(), built: Default::default() }
    }

    /// Returns the path of the release build of the command.
    pub(crate) fn kinglet(&self) -> PathBuf {
        self.program("release")
    }

    /// Returns the cell with the test executables of a profile, which is empty until they are built.
    pub(crate) fn executables(&self, profile: Profile) -> &OnceLock<Vec<Executable>> {
        &self.built[profile as usize]
    }

    /// Returns the path of the command in a subdirectory of the target directory.
    pub(crate) fn program(&self, directory: &str) -> PathBuf {
        self.target.join(directory).join(format!("kinglet{}", std::env::consts::EXE_SUFFIX))
    }

    /// Sets the variables with the paths of the programs that tests run.
    pub(crate) fn environment(&self, command: &mut Command, profile: Profile) {
        command.env("KINGLET_BIN", self.program(profile.directory())).env("KINGLET_BIN_LOOP", self.program("debug"));
        command.env("KINGLET_BIN_RELEASE", self.kinglet()).env("KINGLET_BIN_EMBEDDER", self.program("embedder"));
        command.env("KINGLET_PROGRAMS", self.target.join("programs"));
        // Results must not depend on native code that earlier runs have cached.
        command.env("KINGLET_CACHE_DIR", "");
    }

    /// Sets the deadline of commands that count tests, from now.
    pub(crate) fn set_time_limit(&self, time: Duration) {
        let _ = self.deadline.set(Instant::now() + time);
    }

    /// Returns whether the deadline has passed.
    pub(crate) fn deadline_passed(&self) -> bool {
        self.deadline.get().is_some_and(|deadline| *deadline <= Instant::now())
    }

    /// Returns a line for each of the slowest tests, among those that reported a duration.
    pub(crate) fn slowest(&self, number: usize) -> Vec<String> {
        let mut durations = self.durations.lock().unwrap_or_else(PoisonError::into_inner);
        durations.sort_by(|a, b| b.0.total_cmp(&a.0));
        durations.iter().take(number).map(|(seconds, name)| format!("{seconds:>7.1} s   {name}")).collect()
    }

    fn record_duration(&self, line: &str) {
        let duration = parse_duration(line);
        self.durations.lock().unwrap_or_else(PoisonError::into_inner).extend(duration);
    }
}

/// Numbers of tests by result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Tally {
    pub(crate) const PASSED: Tally = Tally { passed: 1, failed: 0, skipped: 0 };
    pub(crate) const FAILED: Tally = Tally { passed: 0, failed: 1, skipped: 0 };
    pub(crate) const SKIPPED: Tally = Tally { passed: 0, failed: 0, skipped: 1 };

    pub(crate) fn add(&mut self, other: Tally) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }

    fn total(self) -> u64 {
        self.passed + self.failed + self.skipped
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

/// Runs a command, streams its output, and counts the tests that it reports. A command that reports no tests counts as
/// one test. A command that fails without a failed test counts as one failure. If the deadline kills a command, only
/// the tests that it has reported count.
pub(crate) fn count(context: &Context, command: &mut Command) -> Tally {
    println!("$ {}", show(command));
    let Some(((mut tally, success), killed)) = run(context, command, |child| stream(context, child)) else {
        return Tally::FAILED;
    };
    if killed {
        return tally;
    }
    if !success && tally.failed == 0 {
        tally.failed = 1;
    }
    if tally.total() == 0 { Tally::PASSED } else { tally }
}

/// Runs a command, reads its output with `read`, and returns the result of `read` and whether the deadline killed the
/// command. Prints an error and returns `None` if the command does not start.
fn run<R>(context: &Context, command: &mut Command, read: impl FnOnce(&mut Child) -> R) -> Option<(R, bool)> {
    if context.deadline.get().is_some() {
        // The command has its own process group, so that its children are killed with it.
        command.process_group(0);
    }
    let mut child = match command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn() {
        Ok(child) => child,
        Err(error) => {
            println!("cannot run {}: {error}", show(command));
            return None;
        }
    };
    let killed = AtomicBool::new(false);
    let (done, ended) = mpsc::channel::<()>();
    let outcome = std::thread::scope(|scope| {
        if let Some(deadline) = context.deadline.get() {
            let (group, killed) = (Pid::from_raw(child.id() as i32), &killed);
            scope.spawn(move || {
                let left = deadline.saturating_duration_since(Instant::now());
                if ended.recv_timeout(left) == Err(mpsc::RecvTimeoutError::Timeout) {
                    killed.store(true, Ordering::Relaxed);
                    let _ = killpg(group, Signal::SIGKILL);
                }
            });
        }
        let outcome = read(&mut child);
        drop(done);
        outcome
    });
    Some((outcome, killed.into_inner()))
}

/// Runs a command until it ends or the deadline kills it, and returns its standard output if it succeeds.
pub(crate) fn collect(context: &Context, command: &mut Command) -> Option<String> {
    let collected = run(context, command, |child| {
        let mut text = Vec::new();
        let read = child.stdout.take().map(|mut output| output.read_to_end(&mut text));
        let success = child.wait().is_ok_and(|status| status.success());
        (success && read.is_some_and(|read| read.is_ok())).then(|| String::from_utf8_lossy(&text).into_owned())
    });
    collected.and_then(|(text, _)| text)
}

/// Prints the output of a process until it ends. Returns the tests that it reports, and whether it succeeded.
fn stream(context: &Context, child: &mut Child) -> (Tally, bool) {
    let mut tally = Tally::default();
    if let Some(output) = child.stdout.take() {
        let mut lines = BufReader::new(output).split(b'\n');
        while let Some(Ok(line)) = lines.next() {
            let line = String::from_utf8_lossy(&line);
            let _ = writeln!(std::io::stdout(), "{line}");
            tally.add(parse_tally(&line).unwrap_or_default());
            context.record_duration(&line);
        }
    }
    (tally, child.wait().is_ok_and(|status| status.success()))
}

/// Runs a command that is not a test. It counts only if it fails.
pub(crate) fn prepare(context: &Context, command: &mut Command) -> Tally {
    let tally = count(context, command);
    if tally.failed == 0 { Tally::default() } else { tally }
}

/// Runs a command silently. Returns its standard output, or an error with its standard error.
pub(crate) fn output(command: &mut Command) -> Result<String, String> {
    let shown = show(command);
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("cannot run `{shown}`: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let why = String::from_utf8_lossy(&output.stderr);
    Err(format!("`{shown}` failed ({}):\n{}", output.status, why.trim_end()))
}

/// Returns whether a program is installed and succeeds with these arguments.
pub(crate) fn present(program: &str, args: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn show(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// Parses the counts in a line: `test result: …` of the standard harness, or a line `N passed, N failed, N skipped`.
fn parse_tally(line: &str) -> Option<Tally> {
    let (rest, separator) = match line.strip_prefix("test result: ") {
        Some(rest) => (rest.split_once(". ")?.1, "; "),
        None => (line, ", "),
    };
    let mut words = rest.split(separator).map(|part| part.split_once(' '));
    let mut next = |expected: &[&str]| {
        let (number, word) = words.next()??;
        expected.contains(&word).then(|| number.parse().ok())?
    };
    let tally =
        Tally { passed: next(&["passed"])?, failed: next(&["failed"])?, skipped: next(&["skipped", "ignored"])? };
    (separator == "; " || words.next().is_none()).then_some(tally)
}

/// Parses the duration in seconds and the name of a test in a line such as `test NAME ... ok <1.234s>`.
fn parse_duration(line: &str) -> Option<(f64, String)> {
    let (name, rest) = line.strip_prefix("test ")?.split_once(" ... ")?;
    let seconds = rest.rsplit_once('<')?.1.strip_suffix("s>")?;
    Some((seconds.parse().ok()?, name.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_parsed_from_both_kinds_of_lines_only() {
        let line = "test result: FAILED. 5 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s";
        assert_eq!(parse_tally(line), Some(Tally { passed: 5, failed: 2, skipped: 1 }));
        assert_eq!(parse_tally("3 passed, 0 failed, 4 skipped"), Some(Tally { passed: 3, failed: 0, skipped: 4 }));
        assert_eq!(parse_tally("3 passed, 0 failed"), None);
        assert_eq!(parse_tally("wasm-v1: 3 passed, 0 failed, 4 skipped"), None);
        assert_eq!(parse_tally("3 passed, 0 failed, 4 skipped, more"), None);
        assert_eq!(parse_tally(&Tally { passed: 1, failed: 2, skipped: 3 }.to_string()).unwrap().skipped, 3);
    }

    #[test]
    fn a_command_without_counts_is_one_test() {
        assert_eq!(count(&Context::new(), &mut Command::new("true")), Tally::PASSED);
        assert_eq!(prepare(&Context::new(), &mut Command::new("true")), Tally::default());
        assert_eq!(prepare(&Context::new(), &mut Command::new("false")), Tally::FAILED);
        assert_eq!(count(&Context::new(), &mut Command::new("false")), Tally::FAILED);
        assert_eq!(count(&Context::new(), &mut Command::new("no-such-program-at-all")), Tally::FAILED);
    }

    #[test]
    fn the_duration_of_a_test_is_parsed() {
        assert_eq!(parse_duration("test a::b ... ok <0.125s>"), Some((0.125, "a::b".into())));
        assert_eq!(
            parse_duration("test a::b - should panic ... FAILED <3.000s>"),
            Some((3.0, "a::b - should panic".into()))
        );
        assert_eq!(parse_duration("test a::b ... ok"), None);
        assert_eq!(parse_duration("test result: ok. 5 passed"), None);
    }

    #[test]
    fn a_deadline_kills_a_command_and_its_children() {
        let context = Context::new();
        context.set_time_limit(Duration::from_millis(100));
        let start = Instant::now();
        assert_eq!(count(&context, Command::new("sh").args(["-c", "sleep 60 & wait"])), Tally::default());
        assert!(context.deadline_passed() && start.elapsed() < Duration::from_secs(30));
    }
}
