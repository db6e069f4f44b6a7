//! Running other programs: where they run, how their output streams through, and how tests are counted out of it.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where and how this run of the tasks takes place.
pub(crate) struct Context {
    /// The workspace's root folder.
    pub(crate) root: PathBuf,
    /// Cargo's folder for build results.
    pub(crate) target: PathBuf,
    /// Nothing may be left out: what cannot run is a failure.
    pub(crate) ci: bool,
}

impl Context {
    pub(crate) fn new() -> Context {
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or(env!("CARGO_MANIFEST_DIR").into());
        let root = Path::new(&manifest).parent().expect("xtask lies below the workspace's root").to_path_buf();
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), |dir| root.join(dir));
        Context { root, target, ci: std::env::var_os("CI").is_some_and(|value| value == "true") }
    }

    /// The command-line program as users get it.
    pub(crate) fn kinglet(&self) -> PathBuf {
        self.target.join("release").join(format!("kinglet{}", std::env::consts::EXE_SUFFIX))
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
/// counts as one test; one that fails without a failed test counts as one failure.
pub(crate) fn count(command: &mut Command) -> Tally {
    println!("$ {}", show(command));
    let mut child = match command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn() {
        Ok(child) => child,
        Err(error) => {
            println!("cannot run {}: {error}", show(command));
            return Tally::FAILED;
        }
    };
    let mut tally = Tally::default();
    if let Some(output) = child.stdout.take() {
        let mut lines = BufReader::new(output).split(b'\n');
        while let Some(Ok(line)) = lines.next() {
            let line = String::from_utf8_lossy(&line);
            let _ = writeln!(std::io::stdout(), "{line}");
            tally.add(tally_of(&line).unwrap_or_default());
        }
    }
    let success = child.wait().is_ok_and(|status| status.success());
    if !success && tally.failed == 0 {
        tally.failed = 1;
    }
    if tally.total() == 0 { Tally::PASSED } else { tally }
}

/// Runs a command that is no test itself: only its failure counts.
pub(crate) fn prepare(command: &mut Command) -> Tally {
    let tally = count(command);
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
        assert_eq!(count(&mut Command::new("true")), Tally::PASSED);
        assert_eq!(prepare(&mut Command::new("true")), Tally::default());
        assert_eq!(prepare(&mut Command::new("false")), Tally::FAILED);
        assert_eq!(count(&mut Command::new("false")), Tally::FAILED);
        assert_eq!(count(&mut Command::new("no-such-program-at-all")), Tally::FAILED);
    }
}
