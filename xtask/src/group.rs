//! The test groups: one row each with what it needs and the steps it takes. `cargo xtask test` runs the quick ones and
//! `cargo xtask test --all` the rest. Both let all output through, and end with the minutes of each group, the slowest
//! tests, and one line of counts.

use std::path::PathBuf;

use std::process::Command;
use std::time::{Duration, Instant};

use crate::build::{self, Executable, Profile};
use crate::need::{self, Need};
use crate::process::{Context, Tally, count, output, prepare};
use crate::{book, cross, examples, features, fuzz, guests, programs, sanitize, tidy, unify};

/// One row per group, in the order they run.
pub(crate) struct Group {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    set: Set,
    needs: &'static [&'static Need],
    steps: &'static [Step],
}

/// Which command runs a group.
enum Set {
    /// `cargo xtask test`: at most twelve minutes for all of them from a clean clone on two processors.
    Quick,
    /// `cargo xtask test --all`. Those with the youngest change below their paths come first.
    Heavy(&'static [&'static str]),
}

/// What a group does.
enum Step {
    /// A cargo command that only prepares, and counts when it fails.
    Build(&'static [&'static str]),
    /// A cargo command.
    Cargo(&'static [&'static str]),
    /// A cargo command with one environment variable set.
    CargoWith(&'static str, &'static str, &'static [&'static str]),
    /// A test executable of a profile, with arguments.
    Tests(Profile, &'static str, &'static [&'static str]),
    /// The same with one environment variable set.
    TestsWith(&'static str, &'static str, Profile, &'static str, &'static [&'static str]),
    /// A task of our own.
    Task(fn(&Context) -> Tally),
}

use Profile::{Dev, Embedder};
use Set::{Heavy, Quick};
use Step::{Build, Cargo, CargoWith, Task, Tests, TestsWith};

/// The command as it is released, but for its symbols, by which the group `dispatch` finds the handlers.
const BUILD_KINGLET: Step = Build(&["rustc", "--release", "--package", "kinglet-cli", "--", "-C", "strip=none"]);

/// The tests of the command but for those of what runs no guest, or is about compiled code, or has a group of its own.
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

/// The generator of random modules, which is a workspace of its own.
const SMITH: &str = "fuzz/smith/Cargo.toml";

/// The packages that are not published.
const UNPUBLISHED: [&str; 4] = ["xtask", "kinglet-tests", "kinglet-examples", "kinglet-fuzz"];

#[rustfmt::skip]
pub(crate) const GROUPS: &[Group] = &[
    Group { name: "fmt", about: "the code is formatted", set: Quick, needs: &[&need::RUSTFMT],
        steps: &[Cargo(&["fmt", "--all", "--check"]), Cargo(&["fmt", "--manifest-path", SMITH, "--check"])] },
    Group { name: "tidy", about: "the conventions hold", set: Quick, needs: &[],
        steps: &[Task(tidy::tally), Task(unify::tally)] },
    Group { name: "clippy", about: "no warning; without the native tier the group `features` looks", set: Quick,
        needs: &[&need::CLIPPY],
        steps: &[Cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])] },
    Group { name: "build", about: "everything that the groups below run", set: Quick, needs: &[],
        steps: &[Task(|context| build::executables(context, Dev).err().unwrap_or(Tally::PASSED))] },
    Group { name: "unit", about: "the tests beside the code", set: Quick, needs: &[],
        steps: &[Task(unit)] },
    Group { name: "api", about: "the library as embedders use it, and what operations are lowered to", set: Quick,
        needs: &[],
        steps: &[Tests(Dev, "api", &[])] },
    Group { name: "wasi", about: "what guests see of files, streams, sockets and signals", set: Quick, needs: &[],
        steps: &[Tests(Dev, "wasi", &[])] },
    Group { name: "spec", about: "the specification's suites: interpreted, native, and becoming native", set: Quick,
        needs: &[],
        steps: &[Tests(Dev, "spec", &[]), Tests(Dev, "spec", &["--mode=jit"]), Tests(Dev, "spec", &["--mode=tier-up"])] },
    Group { name: "cli", about: "the command: options, messages, exit codes", set: Quick, needs: &[],
        steps: &[Tests(Dev, "cli", &["--skip=bench::", "--skip=dispatch::", "--skip=perf::", "--skip=terminal::"])] },
    Group { name: "fuzz", about: "five hundred random modules in every tier and in Wasmi", set: Quick, needs: &[],
        // Not optimised with the rest in sight, which would take longer than the modules do; and overflow is checked.
        steps: &[Task(|context| random(context, Dev, &["--modules", "500", "--seed", "1"]))] },
    Group { name: "guests", about: "a program of each language", set: Quick, needs: &[],
        steps: &[Task(programs::tally_some), Tests(Dev, "guest", &["--some"])] },
    Group { name: "docs", about: "the documentation builds without a warning, and its tables and examples are true",
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
    Group { name: "modes", about: "the command's tests that run guests in each tier", set: Heavy(&["crates"]), needs: &[],
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
        set: Heavy(&["crates", "fuzz"]), needs: &[&need::CXX],
        steps: &[Task(fuzz::tally)] },
    Group { name: "features", about: "each Cargo feature builds alone, and none, and all",
        set: Heavy(&["Cargo.toml", "crates"]), needs: &[&need::CLIPPY],
        steps: &[Task(features::tally),
                 Cargo(&["test", "--package", "kinglet-tests", "--no-default-features", "--test", "api"])] },
    Group { name: "dispatch", about: "handlers go on by a jump, as released and as embedded",
        set: Heavy(&["crates/interp", "Cargo.toml"]), needs: &[&need::OBJDUMP],
        steps: &[BUILD_KINGLET, Tests(Embedder, "cli", &["dispatch::"])] },
    Group { name: "terminal", about: "the command on a terminal", set: Heavy(&["crates/cli"]),
        needs: &[&need::PSEUDO_TERMINAL],
        steps: &[Tests(Dev, "cli", &["terminal::"])] },
    Group { name: "perf", about: "what perf makes of a profile", set: Heavy(&["crates/kinglet/src/vm/native"]),
        needs: &[&need::PERF],
        steps: &[Tests(Embedder, "cli", &["perf::"])] },
    Group { name: "bench", about: "the bench measures and reports; what it measures is not looked at",
        set: Heavy(&["bench", "xtask/src/bench"]), needs: &[],
        steps: &[Tests(Embedder, "cli", &["bench::"])] },
    Group { name: "rebuild", about: "the committed guests come from their sources", set: Heavy(&["guests"]),
        needs: &[&need::WASM_STD],
        steps: &[Task(guests::tally)] },
    Group { name: "book", about: "the book builds", set: Heavy(&["docs"]), needs: &[&need::MDBOOK],
        steps: &[Task(book::tally)] },
    Group { name: "package", about: "each crate can be packaged; `cargo xtask package` also builds the packages",
        set: Heavy(&["Cargo.toml", "crates"]), needs: &[],
        steps: &[Task(|context| count(context, cargo(context, &["package"]).args(published()).arg("--no-verify")))] },
    Group { name: "address", about: "interpreter and runtime under AddressSanitizer",
        set: Heavy(&["crates/interp", "crates/kinglet", "crates/wasi"]), needs: &[],
        steps: &[Task(sanitize::address)] },
    Group { name: "aarch64", about: "snapshots, suites and artifacts on AArch64, emulated",
        set: Heavy(&["crates/interp", "crates/jit", "crates/kinglet/src/vm"]),
        needs: &[&need::CROSS_AARCH64, &need::STD_AARCH64],
        steps: &[Task(|context| cross::tally(context, "aarch64"))] },
    Group { name: "riscv64", about: "snapshots, suites and artifacts on RISC-V, emulated",
        set: Heavy(&["crates/interp", "crates/jit", "crates/kinglet/src/vm"]),
        needs: &[&need::CROSS_RISCV64, &need::STD_RISCV64],
        steps: &[Task(|context| cross::tally(context, "riscv64"))] },
];

/// `cargo xtask test [--all] [--minutes N] [GROUP…]`
pub(crate) fn test(context: &Context, args: &[String]) -> Result<(), String> {
    let options = Options::read(args)?;
    let mut groups: Vec<&Group> = GROUPS.iter().filter(|group| options.chooses(group)).collect();
    if options.all {
        groups.sort_by_cached_key(|group| std::cmp::Reverse(group.changed(context)));
    }
    if let Some(minutes) = options.minutes {
        context.limit(Duration::from_secs(60 * minutes));
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

/// What `cargo xtask test` is asked for.
struct Options {
    all: bool,
    minutes: Option<u64>,
    names: Vec<String>,
}

impl Options {
    fn read(args: &[String]) -> Result<Options, String> {
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
                    return Err(format!(
                        "no group `{name}`; there are the options --all and --minutes N, and: {known}"
                    ));
                }
            }
        }
        Ok(options)
    }

    fn chooses(&self, group: &Group) -> bool {
        match self.names.is_empty() {
            true => matches!(group.set, Heavy(_)) == self.all,
            false => self.names.iter().any(|name| name == group.name),
        }
    }
}

impl Group {
    /// Which command runs it.
    pub(crate) fn set(&self) -> &'static str {
        if matches!(self.set, Quick) { "test" } else { "test --all" }
    }

    /// When something that it looks at was last committed, in seconds.
    fn changed(&self, context: &Context) -> u64 {
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

/// `cargo xtask package`: cargo builds each package from what is in it, with the others' packages. What they depend on is
/// compiled once more for that, which takes minutes.
///
/// Cargo keeps packages that it has unpacked by the folder they were made in, and would take them for those of the next
/// run, so that each run has a folder of its own, and what cargo keeps of it is removed.
pub(crate) fn package(context: &Context, _: &[String]) -> Result<(), String> {
    let folder = context.target.join(format!("package-{}", std::process::id()));
    let before = unpacked();
    let packaged = count(context, cargo(context, &["package"]).args(published()).arg("--target-dir").arg(&folder));
    let new = unpacked().into_iter().filter(|path| !before.contains(path));
    for path in new.chain([folder]) {
        let _ = std::fs::remove_dir_all(path);
    }
    if packaged.failed == 0 { Ok(()) } else { Err(String::new()) }
}

/// The choice of packages to publish.
fn published() -> Vec<&'static str> {
    let unpublished = UNPUBLISHED.iter().flat_map(|name| ["--exclude", name]);
    ["--allow-dirty", "--workspace"].into_iter().chain(unpublished).collect()
}

/// Where cargo keeps packages that come from a folder: what it names by a dash and a number, and by no registry.
fn unpacked() -> Vec<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo"))).unwrap_or_default();
    let folders = ["src", "cache", "index"].map(|name| std::fs::read_dir(home.join("registry").join(name)));
    let paths = folders.into_iter().flatten().flatten().flatten().map(|entry| entry.path());
    paths.filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('-'))).collect()
}

/// `cargo xtask scoreboard`
pub(crate) fn scoreboard(context: &Context, _: &[String]) -> Result<(), String> {
    let tally = count(context, &mut cargo(context, &["test", "--workspace", "--test", "spec"]));
    if tally.failed == 0 { Ok(()) } else { Err(String::new()) }
}

/// The tests beside the code of every package.
fn unit(context: &Context) -> Tally {
    let executables = match build::executables(context, Dev) {
        Ok(executables) => executables,
        Err(tally) => return tally,
    };
    let mut total = Tally::default();
    for executable in executables.iter().filter(|executable| executable.unit) {
        total.add(count(context, &mut started(context, executable, Dev)));
    }
    total
}

/// The tests of every executable that are ignored because they take long.
fn heavy(context: &Context) -> Tally {
    let executables = match build::executables(context, Embedder) {
        Ok(executables) => executables,
        Err(tally) => return tally,
    };
    let mut total = Tally::default();
    for executable in executables.iter().filter(|executable| executable.standard()) {
        total.add(count(context, started(context, executable, Embedder).args(["--ignored", "heavy::"])));
    }
    total
}

/// Builds the generator of random modules where the comparison looks for it: beside itself.
fn smith(context: &Context, profile: Profile) -> Tally {
    let mut build = cargo(context, &["build", "--manifest-path", SMITH, "--profile", profile.name()]);
    prepare(context, build.arg("--target-dir").arg(&context.target))
}

/// Compares random modules.
fn random(context: &Context, profile: Profile, args: &[&str]) -> Tally {
    let mut built = smith(context, profile);
    let comparison = ["build", "--workspace", "--bin", "kinglet-fuzz", "--profile", profile.name()];
    built.add(prepare(context, &mut cargo(context, &comparison)));
    if built.failed > 0 || context.is_over() {
        return built;
    }
    count(context, Command::new(context.target.join(profile.folder()).join("kinglet-fuzz")).args(args))
}

fn run(context: &Context, group: &Group) -> Tally {
    if context.is_over() {
        println!("not run: {} time", group.name);
        return Tally::SKIPPED;
    }
    for need in group.needs {
        if let Err(why) = need::meet(context, need) {
            println!("not run: {} needs {why}", group.name);
            return if context.ci && !need.optional { Tally::FAILED } else { Tally::SKIPPED };
        }
    }
    let mut total = Tally::default();
    for one in group.steps {
        total.add(step(context, one));
        if context.is_over() {
            println!("not run: {} time", group.name);
            total.add(Tally::SKIPPED);
            break;
        }
    }
    total
}

fn step(context: &Context, step: &Step) -> Tally {
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
        println!("there is no test executable `{name}`");
        return Tally::FAILED;
    };
    count(context, started(context, executable, profile).args(args).envs(variables.iter().copied()))
}

/// A test executable with the option by which the standard harness says how long each test took. Only a variable makes it
/// take the option; where it does not know it, it fails.
fn started(context: &Context, executable: &Executable, profile: Profile) -> Command {
    let mut command = executable.command(context, profile);
    if executable.standard() {
        command.args(["-Zunstable-options", "--report-time"]).env("RUSTC_BOOTSTRAP", "1");
    }
    command
}

/// Cargo, as tests want to find it: with where the programs are that they run.
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
