//! Running other programs: where they run, how their output streams through, and how tests are counted out of it.

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

/// Where and how this run of the tasks takes place.
pub(crate) struct Context {
    /// The workspace's root folder.
    pub(crate) root: PathBuf,
    /// Cargo's folder for build results.
    pub(crate) target: PathBuf,
    /// Nothing may be left out: what cannot run is a failure.
    pub(crate) ci: bool,
    /// When commands that count tests are ended.
    deadline: OnceLock<Instant>,
    /// How long tests took, in seconds.
    times: Mutex<Vec<(f64, String)>>,
    /// The test executables that have been built, by profile.
    built: [OnceLock<Vec<Executable>>; 2],
}

impl Context {
    pub(crate) fn new() -> Context {
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or(env!("CARGO_MANIFEST_DIR").into());
        let root = Path::new(&manifest).parent().expect("xtask lies below the workspace's root").to_path_buf();
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), |dir| root.join(dir));
        let ci = std::env::var_os("CI").is_some_and(|value| value == "true");
        Context { root, target, ci, deadline: OnceLock::new(), times: Mutex::default(), built: Default::default() }
    }

    /// The command-line program as users get it.
    pub(crate) fn kinglet(&self) -> PathBuf {
        self.program("release")
    }

    /// Where the test executables of a profile are kept once they are built.
    pub(crate) fn executables(&self, profile: Profile) -> &OnceLock<Vec<Executable>> {
        &self.built[profile as usize]
    }

    /// The command-line program in a folder of build results.
    pub(crate) fn program(&self, folder: &str) -> PathBuf {
        self.target.join(folder).join(format!("kinglet{}", std::env::consts::EXE_SUFFIX))
    }

    /// Sets the variables by which tests find the programs that they run.
    pub(crate) fn environment(&self, command: &mut Command, profile: Profile) {
        command.env("KINGLET_BIN", self.program(profile.folder())).env("KINGLET_BIN_LOOP", self.program("debug"));
        command.env("KINGLET_BIN_RELEASE", self.kinglet()).env("KINGLET_BIN_EMBEDDER", self.program("embedder"));
        command.env("KINGLET_PROGRAMS", self.target.join("programs"));
        // Results must not depend on native code that earlier runs have kept.
        command.env("KINGLET_CACHE_DIR", "");
    }

    /// Ends what counts tests after this time.
    pub(crate) fn limit(&self, time: Duration) {
        let _ = self.deadline.set(Instant::now() + time);
    }

    /// Whether that time has come.
    pub(crate) fn is_over(&self) -> bool {
        self.deadline.get().is_some_and(|deadline| *deadline <= Instant::now())
    }

    /// The slowest tests of those that said how long they took, as lines.
    pub(crate) fn slowest(&self, number: usize) -> Vec<String> {
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        times.sort_by(|a, b| b.0.total_cmp(&a.0));
        times.iter().take(number).map(|(seconds, name)| format!("{seconds:>7.1} s   {name}")).collect()
    }

    fn note_time(&self, line: &str) {
        let time = time_of(line);
        self.times.lock().unwrap_or_else(PoisonError::into_inner).extend(time);
    }
}

/// Tests counted by what became of them.
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

/// Runs a command, lets its output through as it comes, and counts the tests it reports. A command that reports none
/// counts as one test; one that fails without a failed test counts as one failure. One that the context's deadline ends
/// counts for the tests it has reported.
pub(crate) fn count(context: &Context, command: &mut Command) -> Tally {
    println!("$ {}", show(command));
    let Some(((mut tally, success), ended)) = run(context, command, |child| follow(context, child)) else {
        return Tally::FAILED;
    };
    if ended {
        return tally;
    }
    if !success && tally.failed == 0 {
        tally.failed = 1;
    }
    if tally.total() == 0 { Tally::PASSED } else { tally }
}

/// Runs a command whose output is read by `follow`, and says whether the context's deadline ended it. None if it does not
/// start, which has been printed.
fn run<R>(context: &Context, command: &mut Command, follow: impl FnOnce(&mut Child) -> R) -> Option<(R, bool)> {
    if context.deadline.get().is_some() {
        // A group of its own, so that what the command has started ends with it.
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
        let outcome = follow(&mut child);
        drop(done);
        outcome
    });
    Some((outcome, killed.into_inner()))
}

/// Runs a command to its end, or to the context's deadline, and gives its standard output if it succeeds.
pub(crate) fn collect(context: &Context, command: &mut Command) -> Option<String> {
    let collected = run(context, command, |child| {
        let mut text = Vec::new();
        let read = child.stdout.take().map(|mut output| output.read_to_end(&mut text));
        let ended = child.wait().is_ok_and(|status| status.success());
        (ended && read.is_some_and(|read| read.is_ok())).then(|| String::from_utf8_lossy(&text).into_owned())
    });
    collected.and_then(|(text, _)| text)
}

/// Prints what a command prints, until it ends: the tests it reports, and whether it ended well.
fn follow(context: &Context, child: &mut Child) -> (Tally, bool) {
    let mut tally = Tally::default();
    if let Some(output) = child.stdout.take() {
        let mut lines = BufReader::new(output).split(b'\n');
        while let Some(Ok(line)) = lines.next() {
            let line = String::from_utf8_lossy(&line);
            let _ = writeln!(std::io::stdout(), "{line}");
            tally.add(tally_of(&line).unwrap_or_default());
            context.note_time(&line);
        }
    }
    (tally, child.wait().is_ok_and(|status| status.success()))
}

/// Runs a command that is no test itself: only its failure counts.
pub(crate) fn prepare(context: &Context, command: &mut Command) -> Tally {
    let tally = count(context, command);
    if tally.failed == 0 { Tally::default() } else { tally }
}

/// Runs a command whose output only matters when it fails.
pub(crate) fn output(command: &mut Command) -> Result<String, String> {
    let shown = show(command);
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("cannot run `{shown}`: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let why = String::from_utf8_lossy(&output.stderr);
    Err(format!("`{shown}` failed ({}):\n{}", output.status, why.trim_end()))
}

/// Whether a program is installed and answers `--version`.
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

/// The counts in a line: `test result: …` of the standard harness, or `N passed, N failed, N skipped` alone on it.
fn tally_of(line: &str) -> Option<Tally> {
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

/// How long a test took, in seconds, and its name, in a line as `test NAME ... ok <1.234s>`.
fn time_of(line: &str) -> Option<(f64, String)> {
    let (name, rest) = line.strip_prefix("test ")?.split_once(" ... ")?;
    let seconds = rest.rsplit_once('<')?.1.strip_suffix("s>")?;
    Some((seconds.parse().ok()?, name.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_come_from_both_kinds_of_lines_and_no_other() {
        let line = "test result: FAILED. 5 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s";
        assert_eq!(tally_of(line), Some(Tally { passed: 5, failed: 2, skipped: 1 }));
        assert_eq!(tally_of("3 passed, 0 failed, 4 skipped"), Some(Tally { passed: 3, failed: 0, skipped: 4 }));
        assert_eq!(tally_of("3 passed, 0 failed"), None);
        assert_eq!(tally_of("wasm-v1: 3 passed, 0 failed, 4 skipped"), None);
        assert_eq!(tally_of("3 passed, 0 failed, 4 skipped, more"), None);
        assert_eq!(tally_of(&Tally { passed: 1, failed: 2, skipped: 3 }.to_string()).unwrap().skipped, 3);
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
    fn the_time_of_a_test_is_read() {
        assert_eq!(time_of("test a::b ... ok <0.125s>"), Some((0.125, "a::b".into())));
        assert_eq!(time_of("test a::b - should panic ... FAILED <3.000s>"), Some((3.0, "a::b - should panic".into())));
        assert_eq!(time_of("test a::b ... ok"), None);
        assert_eq!(time_of("test result: ok. 5 passed"), None);
    }

    #[test]
    fn a_deadline_ends_a_command_and_what_it_has_started() {
        let context = Context::new();
        context.limit(Duration::from_millis(100));
        let start = Instant::now();
        assert_eq!(count(&context, Command::new("sh").args(["-c", "sleep 60 & wait"])), Tally::default());
        assert!(context.is_over() && start.elapsed() < Duration::from_secs(30));
    }
}
