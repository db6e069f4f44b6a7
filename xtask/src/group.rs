//! The test groups, with one row each. A row contains the group's requirements and steps. `cargo xtask test` runs the
//! quick ones and `cargo xtask test --all` the others. Both stream all output, and end with the minutes of each group,
//! the slowest tests, and one line of counts.

use std::path::PathBuf;

use std::process::Command;
use std::time::{Duration, Instant};

use crate::build::{self, Executable, Profile};
use crate::process::{Context, Tally, count, output, prepare};
use crate::requirement::{self, Requirement};
use crate::{book, cross, examples, features, fuzz, guests, programs, sanitize, tidy, unify};

/// A group. Groups run in the order of their rows.
pub(crate) struct Group {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    set: Set,
    needs: &'static [&'static Requirement],
    steps: &'static [Step],
}

/// The command that runs a group.
enum Set {
    /// `cargo xtask test`: at most twelve minutes for all of them from a clean clone on two processors.
    Quick,
    /// `cargo xtask test --all`. Groups with the most recent change below their paths run first.
    Heavy(&'static [&'static str]),
}

/// A step of a group.
enum Step {
    /// A cargo command that builds, and counts only if it fails.
    Build(&'static [&'static str]),
    /// A cargo command.
    Cargo(&'static [&'static str]),
    /// A cargo command with one environment variable set.
    CargoWith(&'static str, &'static str, &'static [&'static str]),
    /// A test executable of a profile, with arguments.
    Tests(Profile, &'static str, &'static [&'static str]),
    /// A test executable with one environment variable set.
    TestsWith(&'static str, &'static str, Profile, &'static str, &'static [&'static str]),
    /// A task of this crate.
    Task(fn(&Context) -> Tally),
}

use Profile::{Dev, Embedder};
use Set::{Heavy, Quick};
use Step::{Build, Cargo, CargoWith, Task, Tests, TestsWith};

/// Builds the release command with its symbols, because the group `dispatch` finds the handlers by them.
const BUILD_KINGLET: Step = Build(&["rustc", "--release", "--package", "kinglet-cli", "--", "-C", "strip=none"]);

/// The tests of the command that run guests, except those of compiled code and those with a separate group.
const WITH_GUESTS: &[&str] = &[
    "--skip=bench::",
    "--skip=compile::",
    "--skip=dispatch::",
    "--skip=exe::",
    "--skip=inspect::",
    "--skip=listing::",
    "--skip=perf::",
    "--skip=reference::",
    "--skip=terminal::",
];

/// The generator of random modules, which is a separate workspace.
const SMITH: &str = "fuzz/smith/Cargo.toml";

/// The packages that are not published.
const UNPUBLISHED: [&str; 4] = ["xtask", "kinglet-tests", "kinglet-examples", "kinglet-fuzz"];

#[rustfmt::skip]
pub(crate) const GROUPS: &[Group] = &[
    Group { name: "fmt", about: "the code is formatted", set: Quick, needs: &[&requirement::RUSTFMT],
        steps: &[Cargo(&["fmt", "--all", "--check"]), Cargo(&["fmt", "--manifest-path", SMITH, "--check"])] },
    Group { name: "tidy", about: "the conventions hold", set: Quick, needs: &[],
        steps: &[Task(tidy::tally), Task(unify::tally)] },
    Group { name: "clippy", about: "no warnings; the group `features` checks the build without the native tier", set: Quick,
        needs: &[&requirement::CLIPPY],
        steps: &[Cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])] },
    Group { name: "build", about: "the executables of the groups below compile", set: Quick, needs: &[],
        steps: &[Task(|context| build::executables(context, Dev).err().unwrap_or(Tally::PASSED))] },
    Group { name: "unit", about: "the tests beside the code", set: Quick, needs: &[],
        steps: &[Task(unit)] },
    Group { name: "api", about: "the library as embedders use it, programs ported from Wasmtime, snapshots of lowered operations",
        set: Quick, needs: &[],
        steps: &[Tests(Dev, "api", &[]), Tests(Dev, "ported", &[])] },
    Group { name: "wasi", about: "files, streams, sockets and signals of guests", set: Quick, needs: &[],
        steps: &[Tests(Dev, "wasi", &[])] },
    Group { name: "spec", about: "the specification's suites: interpreted, native, and during tier-up", set: Quick,
        needs: &[],
        steps: &[Tests(Dev, "spec", &[]), Tests(Dev, "spec", &["--mode=jit"]), Tests(Dev, "spec", &["--mode=tier-up"])] },
    Group { name: "cli", about: "the command: options, messages, exit statuses", set: Quick, needs: &[],
        steps: &[Tests(Dev, "cli", &["--skip=bench::", "--skip=dispatch::", "--skip=perf::", "--skip=terminal::"])] },
    Group { name: "fuzz", about: "five hundred random modules in every tier and in Wasmi", set: Quick, needs: &[],
        // The profile `dev` checks overflow, and compiling with optimisation would take longer than these modules.
        steps: &[Task(|context| random(context, Dev, &["--modules", "500", "--seed", "1"]))] },
    Group { name: "guests", about: "a program of each language", set: Quick, needs: &[],
        steps: &[Task(programs::tally_sample), Tests(Dev, "guest", &["--sample"])] },
    Group { name: "docs", about: "the documentation builds without warnings, and its tables and examples are correct",
        set: Quick, needs: &[],
        steps: &[CargoWith("RUSTDOCFLAGS", "-D warnings", &["doc", "--workspace", "--no-deps"]),
                 Cargo(&["test", "--workspace", "--doc"]), Tests(Dev, "book", &[])] },
    Group { name: "examples", about: "every example runs", set: Quick, needs: &[],
        steps: &[Task(examples::tally)] },

    Group { name: "heavy", about: "tests that take long", set: Heavy(&["crates", "tests"]), needs: &[],
        steps: &[Task(heavy)] },
    Group { name: "optimised", about: "suites and API in optimised code, also with gas, with explicit checks, on threads",
        set: Heavy(&["crates/interp", "crates/jit", "crates/wasm", "crates/kinglet"]), needs: &[],
        steps: &[Tests(Embedder, "api", &[]), Tests(Embedder, "wasi", &[]), Tests(Embedder, "spec", &[]),
                 Tests(Embedder, "spec", &["--mode=jit"]), Tests(Embedder, "spec", &["--mode=jit-gas"]),
                 Tests(Embedder, "spec", &["--mode=jit-checks"]), Tests(Embedder, "spec", &["--mode=jit-small"]),
                 Tests(Embedder, "spec", &["--mode=tier-up"]),
                 Tests(Embedder, "stress", &[])] },
    Group { name: "modes", about: "the command's tests that run guests, in each tier", set: Heavy(&["crates"]), needs: &[],
        steps: &[TestsWith("KINGLET_RUN_MODE", "interpreter", Embedder, "cli", WITH_GUESTS),
                 TestsWith("KINGLET_RUN_MODE", "jit", Embedder, "cli", WITH_GUESTS)] },
    Group { name: "guests-all", about: "all programs in every mode, CPython and QuickJS among them",
        set: Heavy(&["crates", "guests", "tests/guest", "bench/kernels"]), needs: &[],
        steps: &[Task(programs::tally), Tests(Embedder, "guest", &[])] },
    Group { name: "random", about: "ten thousand random modules in every tier and in Wasmi",
        set: Heavy(&["crates/wasm", "crates/interp", "crates/jit", "fuzz"]), needs: &[],
        steps: &[Cargo(&["clippy", "--manifest-path", SMITH, "--target-dir", "target", "--", "-D", "warnings"]),
                 Task(|context| random(context, Embedder, &["--modules", "10000", "--seed", "2"]))] },
    Group { name: "coverage", about: "coverage-guided fuzzing: each target for a few seconds",
        set: Heavy(&["crates", "fuzz"]), needs: &[&requirement::CXX],
        steps: &[Task(fuzz::tally)] },
    Group { name: "features", about: "the crates build with each Cargo feature alone, without any, and with all",
        set: Heavy(&["Cargo.toml", "crates"]), needs: &[&requirement::CLIPPY],
        steps: &[Task(features::tally),
                 Cargo(&["test", "--package", "kinglet-tests", "--no-default-features", "--test", "api"])] },
    Group { name: "dispatch", about: "handlers end in a jump to the next handler, in release and embedder builds",
        set: Heavy(&["crates/interp", "Cargo.toml"]), needs: &[&requirement::OBJDUMP],
        steps: &[BUILD_KINGLET, Tests(Embedder, "cli", &["dispatch::"])] },
    Group { name: "terminal", about: "the command on a terminal", set: Heavy(&["crates/cli"]),
        needs: &[&requirement::PSEUDO_TERMINAL],
        steps: &[Tests(Dev, "cli", &["terminal::"])] },
    Group { name: "perf", about: "perf reads Kinglet's profiles", set: Heavy(&["crates/kinglet/src/vm/native"]),
        needs: &[&requirement::PERF],
        steps: &[Tests(Embedder, "cli", &["perf::"])] },
    Group { name: "bench", about: "the bench measures and reports; the figures are not checked",
        set: Heavy(&["bench", "xtask/src/bench"]), needs: &[],
        steps: &[Tests(Embedder, "cli", &["bench::"])] },
    Group { name: "rebuild", about: "the committed guests match their sources", set: Heavy(&["guests"]),
        needs: &[&requirement::WASM_STD],
        steps: &[Task(guests::tally)] },
    Group { name: "book", about: "the book builds", set: Heavy(&["docs"]), needs: &[&requirement::MDBOOK],
        steps: &[Task(book::tally)] },
    Group { name: "package", about: "each crate can be packaged; `cargo xtask package` also builds the packages",
        set: Heavy(&["Cargo.toml", "crates"]), needs: &[],
        steps: &[Task(|context| count(context, cargo(context, &["package"]).args(publish_selection()).arg("--no-verify")))] },
    Group { name: "address", about: "the interpreter and the runtime under AddressSanitizer",
        set: Heavy(&["crates/interp", "crates/kinglet", "crates/wasi"]), needs: &[],
        steps: &[Task(sanitize::address)] },
    Group { name: "aarch64", about: "snapshots, suites and artifacts on AArch64, under emulation",
        set: Heavy(&["crates/interp", "crates/jit", "crates/kinglet/src/vm"]),
        needs: &[&requirement::CROSS_AARCH64, &requirement::STD_AARCH64],
        steps: &[Task(|context| cross::tally(context, "aarch64"))] },
    Group { name: "riscv64", about: "snapshots, suites and artifacts on RISC-V, under emulation",
        set: Heavy(&["crates/interp", "crates/jit", "crates/kinglet/src/vm"]),
        needs: &[&requirement::CROSS_RISCV64, &requirement::STD_RISCV64],
        steps: &[Task(|context| cross::tally(context, "riscv64"))] },
];

/// `cargo xtask test [--all] [--minutes N] [GROUP…]`
pub(crate) fn test(context: &Context, args: &[String]) -> Result<(), String> {
    let options = Options::parse(args)?;
    let mut groups: Vec<&Group> = GROUPS.iter().filter(|group| options.selects(group)).collect();
    if options.all {
        groups.sort_by_cached_key(|group| std::cmp::Reverse(group.last_change(context)));
    }
    if let Some(minutes) = options.minutes {
        context.set_time_limit(Duration::from_secs(60 * minutes));
    }
    let mut rows = Vec::new();
    let mut total = Tally::default();
    for group in groups {
        println!("\n== {}: {}", group.name, group.about);
        let start = Instant::now();
        let tally = run(context, group);
        total.add(tally);
        rows.push(format!("{:<10} {:>6.1} min   {tally}", group.name, start.elapsed().as_secs_f64() / 60.0));
    }
    println!("\n== slowest tests\n{}", context.slowest(10).join("\n"));
    println!("\n== summary\n{}\n\n{total}", rows.join("\n"));
    if total.failed == 0 { Ok(()) } else { Err(String::new()) }
}

/// The arguments of `cargo xtask test`.
struct Options {
    all: bool,
    minutes: Option<u64>,
    names: Vec<String>,
}

impl Options {
    fn parse(args: &[String]) -> Result<Options, String> {
        let mut options = Options { all: false, minutes: None, names: Vec::new() };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--all" => options.all = true,
                "--minutes" => {
                    let minutes = args.next().and_then(|value| value.parse().ok());
                    options.minutes = Some(minutes.ok_or("--minutes needs a number, as in --minutes 60")?);
                }
                name if GROUPS.iter().any(|group| group.name == name) => options.names.push(name.to_string()),
                name => {
                    let known: Vec<&str> = GROUPS.iter().map(|group| group.name).collect();
                    let known = known.join(" ");
                    return Err(format!("no group `{name}`; options: --all, --minutes N; groups: {known}"));
                }
            }
        }
        Ok(options)
    }

    fn selects(&self, group: &Group) -> bool {
        match self.names.is_empty() {
            true => matches!(group.set, Heavy(_)) == self.all,
            false => self.names.iter().any(|name| name == group.name),
        }
    }
}

impl Group {
    /// Returns the command that runs it.
    pub(crate) fn command(&self) -> &'static str {
        if matches!(self.set, Quick) { "test" } else { "test --all" }
    }

    /// Returns the time of the last commit below its paths, in seconds since 1970.
    fn last_change(&self, context: &Context) -> u64 {
        let Heavy(paths) = self.set else { return u64::MAX };
        let mut git = Command::new("git");
        git.current_dir(&context.root).args(["log", "-1", "--format=%ct", "--"]).args(paths);
        output(&mut git).ok().and_then(|time| time.trim().parse().ok()).unwrap_or(0)
    }
}

/// `cargo xtask fuzz differential`
pub(crate) fn differential(context: &Context, args: &[String]) -> Result<(), String> {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    if random(context, Embedder, &args).failed == 0 { Ok(()) } else { Err(String::new()) }
}

/// `cargo xtask package`: cargo builds each package from its contents and the other packages. It compiles all
/// dependencies again, which takes minutes.
///
/// Cargo caches unpacked packages by the directory in which they were packaged, and reuses them in the next run. Each
/// run therefore uses a different directory, and removes cargo's cache entries for it.
pub(crate) fn package(context: &Context, _: &[String]) -> Result<(), String> {
    let directory = context.target.join(format!("package-{}", std::process::id()));
    let before = local_cache_entries();
    let packaged =
        count(context, cargo(context, &["package"]).args(publish_selection()).arg("--target-dir").arg(&directory));
    let new = local_cache_entries().into_iter().filter(|path| !before.contains(path));
    for path in new.chain([directory]) {
        let _ = std::fs::remove_dir_all(path);
    }
    if packaged.failed == 0 { Ok(()) } else { Err(String::new()) }
}

/// Returns cargo's options that select the packages to publish.
fn publish_selection() -> Vec<&'static str> {
    let unpublished = UNPUBLISHED.iter().flat_map(|name| ["--exclude", name]);
    ["--allow-dirty", "--workspace"].into_iter().chain(unpublished).collect()
}

/// Returns cargo's cache entries of packages from a local directory: their names begin with a dash instead of a
/// registry.
fn local_cache_entries() -> Vec<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo"))).unwrap_or_default();
    let directories = ["src", "cache", "index"].map(|name| std::fs::read_dir(home.join("registry").join(name)));
    let paths = directories.into_iter().flatten().flatten().flatten().map(|entry| entry.path());
    paths.filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('-'))).collect()
}

/// `cargo xtask scoreboard`
pub(crate) fn scoreboard(context: &Context, _: &[String]) -> Result<(), String> {
    let tally = count(context, &mut cargo(context, &["test", "--workspace", "--test", "spec"]));
    if tally.failed == 0 { Ok(()) } else { Err(String::new()) }
}

/// Runs the tests beside the code of every package.
fn unit(context: &Context) -> Tally {
    let executables = match build::executables(context, Dev) {
        Ok(executables) => executables,
        Err(tally) => return tally,
    };
    let mut total = Tally::default();
    for executable in executables.iter().filter(|executable| executable.unit) {
        total.add(count(context, &mut test_command(context, executable, Dev)));
    }
    total
}

/// Runs the ignored tests of every executable. Tests that take long are ignored by default.
fn heavy(context: &Context) -> Tally {
    let executables = match build::executables(context, Embedder) {
        Ok(executables) => executables,
        Err(tally) => return tally,
    };
    let mut total = Tally::default();
    for executable in executables.iter().filter(|executable| executable.uses_standard_harness()) {
        total.add(count(context, test_command(context, executable, Embedder).args(["--ignored", "heavy::"])));
    }
    total
}

/// Builds the generator of random modules. It has its own target directory, in which the comparison finds it.
fn build_smith(context: &Context, profile: Profile) -> Tally {
    let mut build = cargo(context, &["build", "--manifest-path", SMITH, "--profile", profile.name()]);
    prepare(context, build.arg("--target-dir").arg(&context.target))
}

/// Compares random modules.
fn random(context: &Context, profile: Profile, args: &[&str]) -> Tally {
    let mut built = build_smith(context, profile);
    let comparison = ["build", "--workspace", "--bin", "kinglet-fuzz", "--profile", profile.name()];
    built.add(prepare(context, &mut cargo(context, &comparison)));
    if built.failed > 0 || context.deadline_passed() {
        return built;
    }
    count(context, Command::new(context.target.join(profile.directory()).join("kinglet-fuzz")).args(args))
}

fn run(context: &Context, group: &Group) -> Tally {
    if context.deadline_passed() {
        println!("not run: {} time", group.name);
        return Tally::SKIPPED;
    }
    for requirement in group.needs {
        if let Err(why) = requirement::ensure(context, requirement) {
            println!("not run: {} needs {why}", group.name);
            return if context.ci && !requirement.optional { Tally::FAILED } else { Tally::SKIPPED };
        }
    }
    let mut total = Tally::default();
    for step in group.steps {
        total.add(run_step(context, step));
        if context.deadline_passed() {
            println!("not run: {} time", group.name);
            total.add(Tally::SKIPPED);
            break;
        }
    }
    total
}

fn run_step(context: &Context, step: &Step) -> Tally {
    match step {
        Build(args) => prepare(context, &mut cargo(context, args)),
        Cargo(args) => count(context, &mut cargo(context, args)),
        CargoWith(name, value, args) => count(context, cargo(context, args).env(name, value)),
        Tests(profile, name, args) => tests(context, *profile, name, args, &[]),
        TestsWith(variable, value, profile, name, args) => tests(context, *profile, name, args, &[(variable, value)]),
        Task(task) => task(context),
    }
}

/// Runs a test executable.
fn tests(context: &Context, profile: Profile, name: &str, args: &[&str], variables: &[(&str, &str)]) -> Tally {
    let executables = match build::executables(context, profile) {
        Ok(executables) => executables,
        Err(tally) => return tally,
    };
    let Some(executable) = executables.iter().find(|executable| !executable.unit && executable.name == name) else {
        println!("no test executable `{name}`");
        return Tally::FAILED;
    };
    count(context, test_command(context, executable, profile).args(args).envs(variables.iter().copied()))
}

/// Returns the command that runs a test executable and reports the duration of each test. The option is unstable, so
/// the standard harness accepts it only with `RUSTC_BOOTSTRAP`.
fn test_command(context: &Context, executable: &Executable, profile: Profile) -> Command {
    let mut command = executable.command(context, profile);
    if executable.uses_standard_harness() {
        command.args(["-Zunstable-options", "--report-time"]).env("RUSTC_BOOTSTRAP", "1");
    }
    command
}

/// Returns a cargo command, with the variables that tests need to find programs.
pub(crate) fn cargo(context: &Context, args: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    context.environment(&mut command, Dev);
    command.current_dir(&context.root).args(args);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_group_is_named_with_the_known_ones() {
        let message = test(&Context::new(), &["fnt".to_string()]).unwrap_err();
        assert!(message.contains("`fnt`") && message.contains("fmt tidy"), "{message}");
    }

    #[test]
    fn group_names_are_unique() {
        let names: std::collections::BTreeSet<_> = GROUPS.iter().map(|group| group.name).collect();
        assert_eq!(names.len(), GROUPS.len());
    }
}
