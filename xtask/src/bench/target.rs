//! `cargo xtask bench --targets`: what starting, becoming hot and starting again may cost. Each case is a program that is
//! run in several ways by turns; each target says how long one way may take in relation to another. Medians of wall time
//! are compared, for what becomes native beside the program is not on its clock. A target that is missed is shown, and is
//! no error.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::engine::{Engine, KINGLET};
use super::options::Options;
use super::workload::matches;
use crate::kernel;
use crate::measure::measure;
use crate::process::{Context, output};

/// Runs that count, unless `--runs` says otherwise.
const RUNS: usize = 7;

/// A way to run a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Kinglet without a cache.
    Cold,
    /// The same, all interpreted.
    Interpreter,
    /// The same, all compiled first.
    Jit,
    /// What Kinglet compiled beforehand.
    Artifact,
    /// Kinglet with the cache that one run has left, and what that run had compiled afterwards.
    Second,
    /// Kinglet with the cache that `kinglet warm` has left.
    Warmed,
    Wasmi,
    /// Wasmtime without a cache.
    Wasmtime,
    WasmtimeArtifact,
    WasmtimeCached,
}

use Way::{Artifact, Cold, Interpreter, Jit, Second, Warmed, Wasmi, Wasmtime, WasmtimeArtifact, WasmtimeCached};

impl Way {
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

    /// The engine it takes.
    fn engine(self) -> &'static str {
        match self {
            Wasmi => "wasmi",
            Wasmtime | WasmtimeArtifact | WasmtimeCached => "wasmtime",
            _ => KINGLET,
        }
    }
}

/// What one way is held against.
struct Target {
    ours: Way,
    /// The fastest of these.
    theirs: &'static [Way],
    /// How many times as long it may take.
    at_most: f64,
    /// How much longer it may take in any case.
    or: Duration,
}

const fn target(ours: Way, theirs: &'static [Way], at_most: f64) -> Target {
    Target { ours, theirs, at_most, or: Duration::ZERO }
}

const PRINT: &[Target] = &[
    target(Cold, &[Wasmi], 0.5),
    target(Cold, &[Wasmtime], 0.1),
    target(Second, &[WasmtimeArtifact], 1.0),
    target(Second, &[WasmtimeCached], 0.4),
    target(Warmed, &[WasmtimeArtifact], 1.0),
    target(Warmed, &[WasmtimeCached], 0.4),
];
const FIB_27: &[Target] = &[target(Cold, &[Wasmi], 0.35)];
const FIB_32: &[Target] = &[target(Cold, &[Artifact], 1.4)];
const PROGRAM: &[Target] =
    &[Target { ours: Cold, theirs: &[Interpreter, Jit], at_most: 1.1, or: Duration::from_millis(20) }];
const ONE_CORE: &[Target] = &[target(Cold, &[Interpreter, Jit], 1.25)];
/// At least 95 per cent of the throughput.
const LONG: &[Target] = &[target(Cold, &[Jit], 1.0 / 0.95)];

/// A program with what is expected of it.
struct Case {
    name: String,
    module: PathBuf,
    args: Vec<String>,
    expected: String,
    /// Whether it gets one processor only.
    one_core: bool,
    targets: &'static [Target],
}

impl Case {
    /// The ways that its targets name.
    fn ways(&self) -> Vec<Way> {
        let mut ways = Vec::new();
        for way in self.targets.iter().flat_map(|target| target.theirs.iter().chain([&target.ours])) {
            if !ways.contains(way) {
                ways.push(*way);
            }
        }
        ways
    }

    /// Whether nothing is going to be compared with a way: wherever it is one of several, of which the best counts,
    /// another has taken less than half of its time.
    fn is_beaten(&self, way: Way, least: impl Fn(Way) -> Option<Duration>) -> bool {
        let beats = |other: &Way| least(*other).zip(least(way)).is_some_and(|(other, this)| other * 2 < this);
        let beaten = |target: &Target| !target.theirs.contains(&way) || target.theirs.iter().any(beats);
        self.targets.iter().all(|target| target.ours != way && beaten(target))
    }
}

/// All cases; small ones to see whether everything works. `long` makes the long loop take a minute.
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

/// The cases' names.
#[cfg(test)]
pub(super) fn names(context: &Context) -> Vec<String> {
    cases(context, false, false).into_iter().map(|case| case.name).collect()
}

/// What the loop gives after as many steps as it is run for: small, as usual, long.
const LOOP_RESULTS: [&str; 3] = ["-4689549179436231482", "493466314400350171", "-5410924454529514731"];

/// One target with what was measured.
struct Outcome {
    case: String,
    ours: &'static str,
    theirs: &'static str,
    ours_ms: f64,
    theirs_ms: f64,
    at_most: f64,
    met: bool,
}

impl Outcome {
    /// None if what it compares was not measured.
    fn of(case: &Case, target: &Target, medians: &[(Way, Duration)]) -> Option<Outcome> {
        let find = |way: &Way| medians.iter().find(|(of, _)| of == way).copied();
        let (_, ours) = find(&target.ours)?;
        let (way, theirs) = target.theirs.iter().filter_map(find).min_by_key(|(_, time)| *time)?;
        Some(Outcome {
            case: case.name.clone(),
            ours: target.ours.name(),
            theirs: way.name(),
            ours_ms: ours.as_secs_f64() * 1e3,
            theirs_ms: theirs.as_secs_f64() * 1e3,
            at_most: target.at_most,
            met: ours <= theirs.mul_f64(target.at_most) || (!target.or.is_zero() && ours <= theirs + target.or),
        })
    }

    fn cells(&self) -> [String; 7] {
        [
            self.case.clone(),
            format!("{} / {}", self.ours, self.theirs),
            format!("{:.1}", self.ours_ms),
            format!("{:.1}", self.theirs_ms),
            format!("{:.3}", self.ours_ms / self.theirs_ms),
            format!("{:.2}", self.at_most),
            if self.met { "met" } else { "missed" }.to_string(),
        ]
    }
}

const HEAD: [&str; 7] = ["case", "what", "ours, ms", "theirs, ms", "ratio", "at most", ""];

fn table(outcomes: &[Outcome]) -> String {
    let mut lines = vec![HEAD.map(str::to_string).to_vec()];
    lines.extend(outcomes.iter().map(|outcome| outcome.cells().to_vec()));
    super::table::align(&lines)
}

fn csv(outcomes: &[Outcome]) -> String {
    let mut text = String::from("case,ours,theirs,ours_ms,theirs_ms,ratio,at_most,met\n");
    for of in outcomes {
        let ratio = of.ours_ms / of.theirs_ms;
        let Outcome { case, ours, theirs, ours_ms, theirs_ms, at_most, met } = of;
        text += &format!("{case},{ours},{theirs},{ours_ms:.3},{theirs_ms:.3},{ratio:.4},{at_most:.4},{met}\n");
    }
    text
}

/// Where and with what cases are run.
pub(super) struct Runner<'a> {
    pub(super) context: &'a Context,
    pub(super) options: &'a Options,
    pub(super) engines: &'a [Engine],
    pub(super) reports: PathBuf,
}

impl Runner<'_> {
    /// Runs all cases whose name matches, and reports after each.
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
        let mut outcomes = Vec::new();
        for case in &cases {
            let medians = self.case(case)?;
            let new: Vec<Outcome> =
                case.targets.iter().filter_map(|target| Outcome::of(case, target, &medians)).collect();
            new.iter().for_each(|outcome| eprintln!("{}", outcome.cells().join("  ")));
            outcomes.extend(new);
            self.write("targets.csv", &csv(&outcomes))?;
            self.write("targets.txt", &table(&outcomes))?;
        }
        println!("\n{}", table(&outcomes));
        let missed = outcomes.iter().filter(|outcome| !outcome.met).count();
        println!("{} targets, {missed} missed; see {}", outcomes.len(), self.reports.display());
        Ok(())
    }

    fn write(&self, name: &str, text: &str) -> Result<(), String> {
        let to = self.reports.join(name);
        let cannot = |error: std::io::Error| format!("cannot write {}: {error}", to.display());
        std::fs::create_dir_all(&self.reports).map_err(cannot)?;
        std::fs::write(&to, text).map_err(cannot)
    }

    /// The median time of each way that is here, taken by turns after a round that does not count. What is beaten in a
    /// round that counts is not run again: interpreted kernels are most of the time.
    fn case(&self, case: &Case) -> Result<Vec<(Way, Duration)>, String> {
        let mut ways: Vec<(Way, Vec<Duration>)> = Vec::new();
        for way in case.ways() {
            if self.engines.iter().any(|engine| engine.name == way.engine()) {
                self.prepare(case, way)?;
                ways.push((way, Vec::new()));
            }
        }
        let runs = self.options.runs.unwrap_or(if self.options.quick { 1 } else { RUNS });
        // What runs for long does not need a run to get going.
        let first = usize::from(!case.name.starts_with("long/"));
        for round in 0..runs + first {
            let least: Vec<_> = ways.iter().filter_map(|(way, times)| Some((*way, *times.iter().min()?))).collect();
            let least = |way| least.iter().find(|(of, _)| *of == way).map(|(_, time)| *time);
            for (way, times) in &mut ways {
                if case.is_beaten(*way, least) {
                    continue;
                }
                let run = measure(&self.command(case, *way))
                    .map_err(|why| format!("{}, {}: {why}", case.name, way.name()))?;
                if run.out != case.expected {
                    return Err(format!("{}, {}: printed {:?}", case.name, way.name(), run.out));
                }
                if round >= first {
                    times.push(run.usage.wall);
                }
            }
        }
        let median = |mut times: Vec<Duration>| {
            times.sort();
            times[times.len() / 2]
        };
        Ok(ways.into_iter().map(|(way, times)| (way, median(times))).collect())
    }

    fn program(&self, way: Way) -> &Path {
        let engine = self.engines.iter().find(|engine| engine.name == way.engine());
        engine.map_or(Path::new(way.engine()), |engine| &engine.program)
    }

    /// The folder of what a way keeps for a case.
    fn kept(&self, case: &Case, way: Way) -> PathBuf {
        let name = format!("{} {}", case.name, way.name()).replace(['/', ' '], "-");
        self.context.target.join("bench/kept").join(name)
    }

    /// Does what has been done before the program is run in this way: what was kept the last time is gone.
    fn prepare(&self, case: &Case, way: Way) -> Result<(), String> {
        let kept = self.kept(case, way);
        let _ = std::fs::remove_dir_all(&kept);
        let cannot = |error: std::io::Error| format!("cannot prepare {}: {error}", kept.display());
        let program = || Command::new(self.program(way));
        match way {
            Artifact | WasmtimeArtifact => {
                std::fs::create_dir_all(&kept).map_err(cannot)?;
                let mut compiler = program();
                output(compiler.arg("compile").arg(&case.module).arg("--output").arg(kept.join("code"))).map(drop)
            }
            Second => {
                output(&mut self.command(case, way))?;
                left_behind_has_ended(&kept).map_err(cannot)
            }
            Warmed => output(program().arg("warm").arg(&case.module).env(CACHE, &kept)).map(drop),
            WasmtimeCached => {
                std::fs::create_dir_all(&kept).map_err(cannot)?;
                let settings = format!("[cache]\ndirectory = {:?}\n", kept.join("cache"));
                std::fs::write(kept.join("settings.toml"), settings).map_err(cannot)?;
                output(&mut self.command(case, way)).map(drop)
            }
            Cold | Interpreter | Jit | Wasmi | Wasmtime => Ok(()),
        }
    }

    fn command(&self, case: &Case, way: Way) -> Command {
        let kept = self.kept(case, way);
        let mut command = Command::new(if case.one_core { Path::new("taskset") } else { self.program(way) });
        if case.one_core {
            command.args(["-c", "0"]).arg(self.program(way));
        }
        command.env(CACHE, if matches!(way, Second | Warmed) { kept.as_os_str() } else { "".as_ref() });
        match way {
            Cold | Second | Warmed => command.arg(&case.module),
            Interpreter => command.args(["--run-mode", "interpreter"]).arg(&case.module),
            Jit => command.args(["--run-mode", "jit"]).arg(&case.module),
            Artifact => command.arg("--allow-precompiled").arg(kept.join("code")),
            Wasmi => {
                command.args(["--compilation-mode", self.options.mode.as_deref().unwrap_or("lazy")]).arg(&case.module)
            }
            Wasmtime => command.args(["run", "-C", "cache=n"]).arg(&case.module),
            WasmtimeArtifact => command.args(["run", "-C", "cache=n", "--allow-precompiled"]).arg(kept.join("code")),
            WasmtimeCached => {
                let settings = kept.join("settings.toml");
                command.args(["run", "-C", &format!("cache-config={}", settings.display())]).arg(&case.module)
            }
        };
        command.args(&case.args);
        command
    }
}

/// Waits for what a run has left behind to compile for the next one: as long as it does, it has the module's file locked.
fn left_behind_has_ended(cache: &Path) -> std::io::Result<()> {
    // It has to begin first.
    std::thread::sleep(Duration::from_millis(500));
    for file in std::fs::read_dir(cache)? {
        let path = file?.path();
        if path.extension().is_some_and(|ending| ending == "module") {
            std::fs::File::open(path)?.lock()?;
        }
    }
    Ok(())
}

/// The variable that says where Kinglet's cache is; nowhere if it is empty.
const CACHE: &str = "KINGLET_CACHE_DIR";

#[cfg(test)]
mod tests {
    use super::*;

    fn case(targets: &'static [Target]) -> Case {
        Case {
            name: "a/b".to_string(),
            module: "a.wasm".into(),
            args: vec!["1".to_string()],
            expected: String::new(),
            one_core: false,
            targets,
        }
    }

    fn milliseconds(way: Way, time: u64) -> (Way, Duration) {
        (way, Duration::from_millis(time))
    }

    #[test]
    fn cases_have_names_of_their_own_and_modules() {
        let context = Context::new();
        let names = names(&context);
        let unique: std::collections::BTreeSet<&String> = names.iter().collect();
        assert_eq!(unique.len(), names.len());
        assert!(names.len() > 4 * 24 && names.iter().any(|name| name == "one-core/simd/gemm"), "{names:?}");
        let loops = cases(&context, true, false).into_iter().find(|case| case.name == "long/loop").unwrap();
        assert!(loops.module.exists());
    }

    #[test]
    fn what_cannot_be_the_better_of_two_is_not_run_again() {
        let of = |times: &'static [(Way, u64)]| {
            move |way| times.iter().find(|(of, _)| *of == way).map(|(_, time)| Duration::from_millis(*time))
        };
        let program = case(PROGRAM);
        assert!(program.is_beaten(Interpreter, of(&[(Interpreter, 21), (Jit, 10), (Cold, 1)])));
        assert!(!program.is_beaten(Interpreter, of(&[(Interpreter, 20), (Jit, 10)])));
        assert!(!program.is_beaten(Jit, of(&[(Interpreter, 21), (Jit, 10)])));
        assert!(!program.is_beaten(Cold, of(&[(Interpreter, 21), (Jit, 10), (Cold, 100)])), "it is what is measured");
        assert!(!program.is_beaten(Interpreter, of(&[])), "nothing is known yet");
        assert!(!case(PRINT).is_beaten(Wasmtime, of(&[(Wasmtime, 100), (Wasmi, 1)])), "there are targets for both");
    }

    #[test]
    fn each_way_is_run_once_however_many_targets_name_it() {
        assert_eq!(case(PRINT).ways().len(), 7);
        assert_eq!(case(PROGRAM).ways(), [Interpreter, Jit, Cold]);
    }

    #[test]
    fn the_better_of_two_is_what_counts_and_a_little_more_is_forgiven() {
        let met = |cold, interpreter, jit| {
            let times = [milliseconds(Cold, cold), milliseconds(Interpreter, interpreter), milliseconds(Jit, jit)];
            Outcome::of(&case(PROGRAM), &PROGRAM[0], &times).unwrap().met
        };
        assert!(met(1100, 1000, 2000) && !met(1101, 1000, 2000) && !met(1101, 2000, 1000));
        assert!(met(30, 10, 400) && !met(31, 10, 400), "20 ms");
        assert!(Outcome::of(&case(PRINT), &PRINT[0], &[milliseconds(Cold, 1)]).is_none(), "the peer is not here");
    }

    #[test]
    fn a_row_says_what_was_compared() {
        let times = [milliseconds(Cold, 50), milliseconds(Wasmi, 200)];
        let outcomes = [Outcome::of(&case(FIB_27), &FIB_27[0], &times).unwrap()];
        assert_eq!(csv(&outcomes).lines().nth(1), Some("a/b,cold,wasmi,50.000,200.000,0.2500,0.3500,true"));
        assert!(table(&outcomes).lines().nth(1).unwrap().ends_with("met"), "{}", table(&outcomes));
    }

    #[test]
    fn commands_are_as_each_way_wants_them() {
        let context = Context::new();
        let runner = Runner { context: &context, options: &Options::default(), engines: &[], reports: PathBuf::new() };
        let words = |case: &Case, way| {
            let command = runner.command(case, way);
            let words = std::iter::once(command.get_program()).chain(command.get_args());
            words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(words(&case(PROGRAM), Jit), "kinglet --run-mode jit a.wasm 1");
        let one = Case { one_core: true, ..case(ONE_CORE) };
        assert_eq!(words(&one, Cold), "taskset -c 0 kinglet a.wasm 1");
        assert_eq!(words(&one, Wasmtime), "taskset -c 0 wasmtime run -C cache=n a.wasm 1");
        assert!(words(&case(PRINT), WasmtimeCached).contains("cache-config="));
        let cache = |way| {
            let command = runner.command(&case(PRINT), way);
            let mut found = command.get_envs().filter(|(name, _)| *name == CACHE);
            found.next().and_then(|(_, value)| Some(value?.is_empty()))
        };
        assert_eq!((cache(Cold), cache(Second)), (Some(true), Some(false)));
    }
}
