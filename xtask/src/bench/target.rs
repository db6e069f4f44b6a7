//! `cargo xtask bench --targets`: targets for starts, tier-up and restarts. Each case is a program that runs in several
//! configurations, interleaved. A target limits the time of one configuration relative to others. It compares medians
//! of wall time, because compilation in the background does not delay the program. A missed target is reported, but is
//! not an error.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::engine::{Engine, KINGLET};
use super::options::Options;
use super::workload::matches;
use crate::kernel;
use crate::measure::measure;
use crate::process::{Context, output};

/// The default number of runs that count.
const RUNS: usize = 7;

/// A configuration in which a program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Configuration {
    /// Kinglet without a cache.
    Cold,
    /// Kinglet's interpreter without a cache.
    Interpreter,
    /// Kinglet without a cache, with all code compiled first.
    Jit,
    /// Kinglet with an artifact that it has compiled ahead of time.
    Artifact,
    /// Kinglet with the cache after one run, including the code that its background process compiled.
    Second,
    /// Kinglet with the cache after `kinglet warm`.
    Warmed,
    Wasmi,
    /// Wasmtime without a cache.
    Wasmtime,
    WasmtimeArtifact,
    WasmtimeCached,
}

use Configuration::{
    Artifact, Cold, Interpreter, Jit, Second, Warmed, Wasmi, Wasmtime, WasmtimeArtifact, WasmtimeCached,
};

impl Configuration {
    fn name(self) -> &'static str {
        match self {
            Cold => "cold",
            Interpreter => "interpreter",
            Jit => "jit",
            Artifact => "artifact",
            Second => "second run",
            Warmed => "warmed",
            Wasmi => "wasmi",
            Wasmtime => "wasmtime",
            WasmtimeArtifact => "wasmtime artifact",
            WasmtimeCached => "wasmtime cached",
        }
    }

    /// Returns the engine that it runs.
    fn engine(self) -> &'static str {
        match self {
            Wasmi => "wasmi",
            Wasmtime | WasmtimeArtifact | WasmtimeCached => "wasmtime",
            _ => KINGLET,
        }
    }
}

/// A limit for the time of one configuration relative to others.
struct RatioTarget {
    ours: Configuration,
    /// The configurations for comparison. The fastest counts.
    theirs: &'static [Configuration],
    /// The largest ratio of times that meets the target.
    max_ratio: f64,
    /// A difference in time that meets the target regardless of the ratio.
    tolerance: Duration,
}

const fn target(ours: Configuration, theirs: &'static [Configuration], max_ratio: f64) -> RatioTarget {
    RatioTarget { ours, theirs, max_ratio, tolerance: Duration::ZERO }
}

const PRINT: &[RatioTarget] = &[
    target(Cold, &[Wasmi], 0.5),
    target(Cold, &[Wasmtime], 0.1),
    target(Second, &[WasmtimeArtifact], 1.0),
    target(Second, &[WasmtimeCached], 0.4),
    target(Warmed, &[WasmtimeArtifact], 1.0),
    target(Warmed, &[WasmtimeCached], 0.4),
];
const FIB_27: &[RatioTarget] = &[target(Cold, &[Wasmi], 0.35)];
const FIB_32: &[RatioTarget] = &[target(Cold, &[Artifact], 1.4)];
const PROGRAM: &[RatioTarget] =
    &[RatioTarget { ours: Cold, theirs: &[Interpreter, Jit], max_ratio: 1.1, tolerance: Duration::from_millis(20) }];
const ONE_CORE: &[RatioTarget] = &[target(Cold, &[Interpreter, Jit], 1.25)];
/// The throughput must be at least 95% of that of compiled code.
const LONG: &[RatioTarget] = &[target(Cold, &[Jit], 1.0 / 0.95)];

/// A program with its expected output and its targets.
struct Case {
    name: String,
    module: PathBuf,
    args: Vec<String>,
    expected: String,
    /// Whether it runs on one processor.
    one_core: bool,
    targets: &'static [RatioTarget],
}

impl Case {
    /// Returns the configurations in its targets, without duplicates.
    fn configurations(&self) -> Vec<Configuration> {
        let mut configurations = Vec::new();
        for configuration in self.targets.iter().flat_map(|target| target.theirs.iter().chain([&target.ours])) {
            if !configurations.contains(configuration) {
                configurations.push(*configuration);
            }
        }
        configurations
    }

    /// Returns whether a configuration can no longer affect the result. It is not the subject of any target. In every
    /// target that uses it for comparison, another configuration takes less than half of its time.
    fn is_irrelevant(&self, configuration: Configuration, fastest: impl Fn(Configuration) -> Option<Duration>) -> bool {
        let beats = |other: &Configuration| {
            fastest(*other).zip(fastest(configuration)).is_some_and(|(other, this)| other * 2 < this)
        };
        let beaten = |target: &RatioTarget| !target.theirs.contains(&configuration) || target.theirs.iter().any(beats);
        self.targets.iter().all(|target| target.ours != configuration && beaten(target))
    }
}

/// Returns all cases. `small` makes runs short, and `long` makes the long loop take a minute.
fn cases(context: &Context, small: bool, long: bool) -> Vec<Case> {
    let programs = context.target.join("programs");
    let python = |name: &str, script: &str, out: &str, targets| Case {
        name: format!("python/{name}"),
        module: programs.join("python.wasm"),
        args: vec!["-c".to_string(), script.to_string()],
        expected: format!("{out}\n"),
        one_core: false,
        targets,
    };
    let fib = |n: u32| format!("fib = lambda n: n if n < 2 else fib(n - 1) + fib(n - 2)\nprint(fib({n}))");
    let mut cases = vec![
        python("print", "print(1+1)", "2", PRINT),
        python("fib-27", &fib(if small { 10 } else { 27 }), if small { "55" } else { "196418" }, FIB_27),
        python("fib-32", &fib(if small { 10 } else { 32 }), if small { "55" } else { "2178309" }, FIB_32),
    ];
    let (steps, out) = match (small, long) {
        (true, _) => ("1000", LOOP_RESULTS[0]),
        (_, false) => ("7000000000", LOOP_RESULTS[1]),
        (_, true) => ("42000000000", LOOP_RESULTS[2]),
    };
    cases.push(Case {
        name: "long/loop".to_string(),
        module: context.root.join("bench/loop.wat"),
        args: ["spin", steps].map(String::from).into(),
        expected: format!("{out}\n"),
        one_core: false,
        targets: LONG,
    });
    for (one_core, group, targets) in [(false, "programs", PROGRAM), (true, "one-core", ONE_CORE)] {
        for form in ["scalar", "simd"] {
            cases.extend(kernel::list(context).into_iter().map(|kernel| Case {
                name: format!("{group}/{form}/{}", kernel.name),
                module: programs.join(kernel.file(form)),
                args: if small { vec![kernel.small.clone()] } else { Vec::new() },
                expected: format!("{}\n", if small { &kernel.small_result } else { &kernel.result }),
                one_core,
                targets,
            }));
        }
        cases.extend(
            [
                ("print", "print(1+1)".to_string(), "2"),
                ("fib-27", fib(if small { 10 } else { 27 }), if small { "55" } else { "196418" }),
            ]
            .map(|(name, script, out)| Case { one_core, ..python(name, &script, out, targets) })
            .map(|case| Case { name: format!("{group}/{}", case.name), ..case }),
        );
    }
    cases
}

/// Returns the names of the cases.
#[cfg(test)]
pub(super) fn names(context: &Context) -> Vec<String> {
    cases(context, false, false).into_iter().map(|case| case.name).collect()
}

/// The results of the loop after the numbers of steps for small, normal and long runs.
const LOOP_RESULTS: [&str; 3] = ["-4689549179436231482", "493466314400350171", "-5410924454529514731"];

/// The result of a target.
struct TargetResult {
    case: String,
    ours: &'static str,
    theirs: &'static str,
    ours_ms: f64,
    theirs_ms: f64,
    max_ratio: f64,
    met: bool,
}

impl TargetResult {
    /// Compares the medians with a target. Returns `None` if one of its configurations was not measured.
    fn new(case: &Case, target: &RatioTarget, medians: &[(Configuration, Duration)]) -> Option<TargetResult> {
        let find = |configuration: &Configuration| medians.iter().find(|(other, _)| other == configuration).copied();
        let (_, ours) = find(&target.ours)?;
        let (fastest, theirs) = target.theirs.iter().filter_map(find).min_by_key(|(_, time)| *time)?;
        let tolerated = !target.tolerance.is_zero() && ours <= theirs + target.tolerance;
        Some(TargetResult {
            case: case.name.clone(),
            ours: target.ours.name(),
            theirs: fastest.name(),
            ours_ms: ours.as_secs_f64() * 1e3,
            theirs_ms: theirs.as_secs_f64() * 1e3,
            max_ratio: target.max_ratio,
            met: ours <= theirs.mul_f64(target.max_ratio) || tolerated,
        })
    }

    fn cells(&self) -> [String; 7] {
        [
            self.case.clone(),
            format!("{} / {}", self.ours, self.theirs),
            format!("{:.1}", self.ours_ms),
            format!("{:.1}", self.theirs_ms),
            format!("{:.3}", self.ours_ms / self.theirs_ms),
            format!("{:.2}", self.max_ratio),
            if self.met { "met" } else { "missed" }.to_string(),
        ]
    }
}

const HEAD: [&str; 7] = ["case", "compared", "ours, ms", "theirs, ms", "ratio", "at most", ""];

fn table(results: &[TargetResult]) -> String {
    let mut lines = vec![HEAD.map(str::to_string).to_vec()];
    lines.extend(results.iter().map(|result| result.cells().to_vec()));
    super::table::align(&lines)
}

fn csv(results: &[TargetResult]) -> String {
    let mut text = String::from("case,ours,theirs,ours_ms,theirs_ms,ratio,at_most,met\n");
    for result in results {
        let ratio = result.ours_ms / result.theirs_ms;
        let TargetResult { case, ours, theirs, ours_ms, theirs_ms, max_ratio, met } = result;
        text += &format!("{case},{ours},{theirs},{ours_ms:.3},{theirs_ms:.3},{ratio:.4},{max_ratio:.4},{met}\n");
    }
    text
}

/// Runs the cases.
pub(super) struct Runner<'a> {
    pub(super) context: &'a Context,
    pub(super) options: &'a Options,
    pub(super) engines: &'a [Engine],
    pub(super) reports: PathBuf,
}

impl Runner<'_> {
    /// Runs all cases whose names match, and writes the reports after each.
    pub(super) fn run(&self) -> Result<(), String> {
        let mut cases = cases(self.context, self.options.quick, self.options.long);
        let patterns = &self.options.patterns;
        cases.retain(|case| patterns.is_empty() || patterns.iter().any(|one| matches(one, &case.name)));
        if cases.is_empty() {
            return Err(format!("no case matches {}", patterns.join(" ")));
        }
        if self.options.list {
            cases.iter().for_each(|case| println!("{}", case.name));
            return Ok(());
        }
        let mut results = Vec::new();
        for case in &cases {
            let medians = self.measure_case(case)?;
            let new: Vec<TargetResult> =
                case.targets.iter().filter_map(|target| TargetResult::new(case, target, &medians)).collect();
            new.iter().for_each(|result| eprintln!("{}", result.cells().join("  ")));
            results.extend(new);
            self.write_report("targets.csv", &csv(&results))?;
            self.write_report("targets.txt", &table(&results))?;
        }
        println!("\n{}", table(&results));
        let missed = results.iter().filter(|result| !result.met).count();
        println!("{} compared, {missed} missed; see {}", results.len(), self.reports.display());
        Ok(())
    }

    fn write_report(&self, name: &str, text: &str) -> Result<(), String> {
        let to = self.reports.join(name);
        let cannot = |error: std::io::Error| format!("cannot write {}: {error}", to.display());
        std::fs::create_dir_all(&self.reports).map_err(cannot)?;
        std::fs::write(&to, text).map_err(cannot)
    }

    /// Returns the median time of each configuration whose engine is installed. Runs are interleaved, after a round
    /// that does not count. A configuration that has become irrelevant does not run again, because interpreted kernels
    /// take most of the time.
    fn measure_case(&self, case: &Case) -> Result<Vec<(Configuration, Duration)>, String> {
        let mut measured: Vec<(Configuration, Vec<Duration>)> = Vec::new();
        for configuration in case.configurations() {
            if self.engines.iter().any(|engine| engine.name == configuration.engine()) {
                self.prepare(case, configuration)?;
                measured.push((configuration, Vec::new()));
            }
        }
        let runs = self.options.runs.unwrap_or(if self.options.quick { 1 } else { RUNS });
        // Long programs need no warm-up round.
        let warm_up = usize::from(!case.name.starts_with("long/"));
        for round in 0..runs + warm_up {
            let fastest: Vec<_> = measured.iter().filter_map(|(of, times)| Some((*of, *times.iter().min()?))).collect();
            let fastest = |configuration| fastest.iter().find(|(of, _)| *of == configuration).map(|(_, time)| *time);
            for (configuration, times) in &mut measured {
                if case.is_irrelevant(*configuration, fastest) {
                    continue;
                }
                let run = measure(&self.command(case, *configuration))
                    .map_err(|error| format!("{}, {}: {error}", case.name, configuration.name()))?;
                if run.out != case.expected {
                    return Err(format!("{}, {}: printed {:?}", case.name, configuration.name(), run.out));
                }
                if round >= warm_up {
                    times.push(run.usage.wall);
                }
            }
        }
        let median = |mut times: Vec<Duration>| {
            times.sort();
            times[times.len() / 2]
        };
        Ok(measured.into_iter().map(|(configuration, times)| (configuration, median(times))).collect())
    }

    fn program(&self, configuration: Configuration) -> &Path {
        let engine = self.engines.iter().find(|engine| engine.name == configuration.engine());
        engine.map_or(Path::new(configuration.engine()), |engine| &engine.program)
    }

    /// Returns the directory with the cache or the artifact of a configuration for a case.
    fn cache_directory(&self, case: &Case, configuration: Configuration) -> PathBuf {
        let name = format!("{} {}", case.name, configuration.name()).replace(['/', ' '], "-");
        self.context.target.join("bench/cache").join(name)
    }

    /// Clears the directory of a configuration, and fills its cache or compiles its artifact.
    fn prepare(&self, case: &Case, configuration: Configuration) -> Result<(), String> {
        let cache = self.cache_directory(case, configuration);
        let _ = std::fs::remove_dir_all(&cache);
        let cannot = |error: std::io::Error| format!("cannot prepare {}: {error}", cache.display());
        let program = || Command::new(self.program(configuration));
        match configuration {
            Artifact | WasmtimeArtifact => {
                std::fs::create_dir_all(&cache).map_err(cannot)?;
                let mut compiler = program();
                output(compiler.arg("compile").arg(&case.module).arg("--output").arg(cache.join("code"))).map(drop)
            }
            Second => {
                output(&mut self.command(case, configuration))?;
                wait_for_background_compilation(&cache).map_err(cannot)
            }
            Warmed => output(program().arg("warm").arg(&case.module).env(CACHE, &cache)).map(drop),
            WasmtimeCached => {
                std::fs::create_dir_all(&cache).map_err(cannot)?;
                let settings = format!("[cache]\ndirectory = {:?}\n", cache.join("cache"));
                std::fs::write(cache.join("settings.toml"), settings).map_err(cannot)?;
                output(&mut self.command(case, configuration)).map(drop)
            }
            Cold | Interpreter | Jit | Wasmi | Wasmtime => Ok(()),
        }
    }

    fn command(&self, case: &Case, configuration: Configuration) -> Command {
        let cache = self.cache_directory(case, configuration);
        let program = self.program(configuration);
        let mut command = Command::new(if case.one_core { Path::new("taskset") } else { program });
        if case.one_core {
            command.args(["-c", "0"]).arg(program);
        }
        command.env(CACHE, if matches!(configuration, Second | Warmed) { cache.as_os_str() } else { "".as_ref() });
        match configuration {
            Cold | Warmed => command.arg(&case.module),
            // As on a terminal, where a background process compiles for the next start.
            Second => command.env_remove("CI").arg("--detach").arg(&case.module),
            Interpreter => command.args(["--run-mode", "interpreter"]).arg(&case.module),
            Jit => command.args(["--run-mode", "jit"]).arg(&case.module),
            Artifact => command.arg("--allow-precompiled").arg(cache.join("code")),
            Wasmi => {
                command.args(["--compilation-mode", self.options.mode.as_deref().unwrap_or("lazy")]).arg(&case.module)
            }
            Wasmtime => command.args(["run", "-C", "cache=n"]).arg(&case.module),
            WasmtimeArtifact => command.args(["run", "-C", "cache=n", "--allow-precompiled"]).arg(cache.join("code")),
            WasmtimeCached => {
                let settings = cache.join("settings.toml");
                command.args(["run", "-C", &format!("cache-config={}", settings.display())]).arg(&case.module)
            }
        };
        command.args(&case.args);
        command
    }
}

/// Waits for the background process that compiles for the next start. The process locks the module's file.
fn wait_for_background_compilation(cache: &Path) -> std::io::Result<()> {
    // The process needs time to start.
    std::thread::sleep(Duration::from_millis(500));
    for file in std::fs::read_dir(cache)? {
        let path = file?.path();
        if path.extension().is_some_and(|extension| extension == "module") {
            std::fs::File::open(path)?.lock()?;
        }
    }
    Ok(())
}

/// The variable with the path of Kinglet's cache. An empty value turns the cache off.
const CACHE: &str = "KINGLET_CACHE_DIR";

#[cfg(test)]
mod tests {
    use super::*;

    fn case(targets: &'static [RatioTarget]) -> Case {
        Case {
            name: "a/b".to_string(),
            module: "a.wasm".into(),
            args: vec!["1".to_string()],
            expected: String::new(),
            one_core: false,
            targets,
        }
    }

    fn milliseconds(configuration: Configuration, time: u64) -> (Configuration, Duration) {
        (configuration, Duration::from_millis(time))
    }

    #[test]
    fn cases_have_unique_names_and_modules() {
        let context = Context::new();
        let names = names(&context);
        let unique: std::collections::BTreeSet<&String> = names.iter().collect();
        assert_eq!(unique.len(), names.len());
        assert!(names.len() > 4 * 24 && names.iter().any(|name| name == "one-core/simd/gemm"), "{names:?}");
        let loops = cases(&context, true, false).into_iter().find(|case| case.name == "long/loop").unwrap();
        assert!(loops.module.exists());
    }

    #[test]
    fn a_configuration_that_cannot_be_the_fastest_is_irrelevant() {
        let times = |times: &'static [(Configuration, u64)]| {
            move |of| times.iter().find(|(other, _)| *other == of).map(|(_, time)| Duration::from_millis(*time))
        };
        let program = case(PROGRAM);
        assert!(program.is_irrelevant(Interpreter, times(&[(Interpreter, 21), (Jit, 10), (Cold, 1)])));
        assert!(!program.is_irrelevant(Interpreter, times(&[(Interpreter, 20), (Jit, 10)])));
        assert!(!program.is_irrelevant(Jit, times(&[(Interpreter, 21), (Jit, 10)])));
        let subject = program.is_irrelevant(Cold, times(&[(Interpreter, 21), (Jit, 10), (Cold, 100)]));
        assert!(!subject, "it is the subject of the target");
        assert!(!program.is_irrelevant(Interpreter, times(&[])), "no times are known yet");
        let print = case(PRINT).is_irrelevant(Wasmtime, times(&[(Wasmtime, 100), (Wasmi, 1)]));
        assert!(!print, "both peers have targets");
    }

    #[test]
    fn each_configuration_is_listed_once() {
        assert_eq!(case(PRINT).configurations().len(), 7);
        assert_eq!(case(PROGRAM).configurations(), [Interpreter, Jit, Cold]);
    }

    #[test]
    fn the_faster_of_two_counts_and_a_small_difference_is_tolerated() {
        let met = |cold, interpreter, jit| {
            let times = [milliseconds(Cold, cold), milliseconds(Interpreter, interpreter), milliseconds(Jit, jit)];
            TargetResult::new(&case(PROGRAM), &PROGRAM[0], &times).unwrap().met
        };
        assert!(met(1100, 1000, 2000) && !met(1101, 1000, 2000) && !met(1101, 2000, 1000));
        assert!(met(30, 10, 400) && !met(31, 10, 400), "20 ms");
        let without_peer = TargetResult::new(&case(PRINT), &PRINT[0], &[milliseconds(Cold, 1)]);
        assert!(without_peer.is_none(), "the peer was not measured");
    }

    #[test]
    fn rows_name_the_compared_configurations() {
        let times = [milliseconds(Cold, 50), milliseconds(Wasmi, 200)];
        let results = [TargetResult::new(&case(FIB_27), &FIB_27[0], &times).unwrap()];
        assert_eq!(csv(&results).lines().nth(1), Some("a/b,cold,wasmi,50.000,200.000,0.2500,0.3500,true"));
        assert!(table(&results).lines().nth(1).unwrap().ends_with("met"), "{}", table(&results));
    }

    #[test]
    fn each_configuration_has_its_command_line() {
        let context = Context::new();
        let runner = Runner { context: &context, options: &Options::default(), engines: &[], reports: PathBuf::new() };
        let words = |case: &Case, configuration| {
            let command = runner.command(case, configuration);
            let words = std::iter::once(command.get_program()).chain(command.get_args());
            words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(words(&case(PROGRAM), Jit), "kinglet --run-mode jit a.wasm 1");
        let one = Case { one_core: true, ..case(ONE_CORE) };
        assert_eq!(words(&one, Cold), "taskset -c 0 kinglet a.wasm 1");
        assert_eq!(words(&one, Wasmtime), "taskset -c 0 wasmtime run -C cache=n a.wasm 1");
        assert!(words(&case(PRINT), WasmtimeCached).contains("cache-config="));
        let cache = |configuration| {
            let command = runner.command(&case(PRINT), configuration);
            let mut found = command.get_envs().filter(|(name, _)| *name == CACHE);
            found.next().and_then(|(_, value)| Some(value?.is_empty()))
        };
        assert_eq!((cache(Cold), cache(Second)), (Some(true), Some(false)));
    }
}
