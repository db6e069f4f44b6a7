//! The test groups: one row each with what it needs and the steps it takes. `cargo xtask test` walks the rows, lets all
//! output through, and ends with one line of counts.

use std::path::PathBuf;

use std::process::Command;
use std::time::Instant;

use crate::need::{self, Need};
use crate::process::{Context, Tally, count, prepare};
use crate::{book, examples, features, guests, programs, tidy};

/// One row per group, in the order they run.
pub(crate) struct Group {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    needs: &'static [&'static Need],
    steps: &'static [Step],
}

/// What a group does.
enum Step {
    /// A cargo command that only prepares, and counts when it fails.
    Build(&'static [&'static str]),
    /// A cargo command.
    Cargo(&'static [&'static str]),
    /// A cargo command with one environment variable set.
    CargoWith(&'static str, &'static str, &'static [&'static str]),
    /// A task of our own.
    Task(fn(&Context) -> Tally),
}

use Step::{Build, Cargo, CargoWith, Task};

/// The command as it is released, but for its symbols, by which the group `dispatch` finds the handlers.
const BUILD_KINGLET: Step = Build(&["rustc", "--release", "--package", "kinglet-cli", "--", "-C", "strip=none"]);

/// The tests of the command but for those of what runs no guest, or is about compiled code.
const WITH_GUESTS: &[&str] = &[
    "test",
    "--package",
    "kinglet-tests",
    "--test",
    "cli",
    "--",
    "--skip=compile::",
    "--skip=exe::",
    "--skip=inspect::",
    "--skip=listing::",
    "--skip=reference::",
];

/// The packages that have tests beside their code. What is below `fuzz` has none, and wasm-smith turns on a feature with
/// which Cranelift would be built once more; so it would be for any other choice of packages.
pub(crate) const UNIT_PACKAGES: [&str; 5] = ["--workspace", "--exclude", "kinglet-tests", "--exclude", "kinglet-fuzz"];

/// Builds the generator of random modules where the comparison looks for it.
const SMITH: &[&str] = &["build", "--manifest-path", "fuzz/smith/Cargo.toml", "--target-dir", "target"];

/// Packages what is to be published.
const PACKAGE: &[&str] = &[
    "package",
    "--allow-dirty",
    "--workspace",
    "--exclude",
    "xtask",
    "--exclude",
    "kinglet-tests",
    "--exclude",
    "kinglet-examples",
    "--exclude",
    "kinglet-fuzz",
];

#[rustfmt::skip]
pub(crate) const GROUPS: &[Group] = &[
    Group { name: "fmt", about: "the code is formatted", needs: &[&need::RUSTFMT],
        steps: &[Cargo(&["fmt", "--all", "--check"])] },
    Group { name: "clippy", about: "no warning; without the native tier the group `features` looks", needs: &[&need::CLIPPY],
        steps: &[Cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])] },
    Group { name: "tidy", about: "the conventions hold", needs: &[],
        steps: &[Task(tidy::tally)] },
    Group { name: "unit", about: "the tests beside the code, and the examples in its documentation", needs: &[],
        steps: &[Task(unit)] },
    Group { name: "tiers", about: "functions of both tiers calling one another", needs: &[],
        steps: &[Cargo(&["test", "--package", "kinglet-tests", "--test", "tracer"])] },
    Group { name: "stress", about: "modules become native while 32 threads run them", needs: &[],
        steps: &[Cargo(&["test", "--package", "kinglet-tests", "--test", "stress"])] },
    Group { name: "api", about: "the library as embedders use it: interpreted on the portable loop, and native",
        needs: &[],
        steps: &[Cargo(&["test", "--package", "kinglet-tests", "--no-default-features", "--test", "api"]),
                 Cargo(&["test", "--package", "kinglet-tests", "--test", "api", "--release"])] },
    Group { name: "wasi", about: "what guests see of files, streams, sockets and signals", needs: &[],
        steps: &[Cargo(&["test", "--package", "kinglet-tests", "--test", "wasi"])] },
    Group { name: "spec", about: "the specification's suites in each tier, and native with gas and with explicit checks",
        needs: &[],
        steps: &[Cargo(&["test", "--package", "kinglet-tests", "--test", "spec"]),
                 Cargo(&["test", "--package", "kinglet-tests", "--test", "spec", "--release"]),
                 Cargo(&["test", "--package", "kinglet-tests", "--test", "spec", "--release", "--", "--mode=jit"]),
                 Cargo(&["test", "--package", "kinglet-tests", "--test", "spec", "--release", "--", "--mode=jit-gas"]),
                 Cargo(&["test", "--package", "kinglet-tests", "--test", "spec", "--release", "--",
                         "--mode=jit-checks"]),
                 Cargo(&["test", "--package", "kinglet-tests", "--test", "spec", "--release", "--", "--mode=tier-up"])] },
    Group { name: "op", about: "snapshots of what operations are lowered to", needs: &[],
        steps: &[Cargo(&["test", "--package", "kinglet-tests", "--test", "op"])] },
    Group { name: "fuzz", about: "random modules in every tier and in Wasmi", needs: &[],
        // Not optimised with the rest in sight, which would take longer than the modules do; and overflow is checked.
        steps: &[Build(SMITH),
                 Cargo(&["run", "--package", "kinglet-fuzz", "--", "--modules", "4000", "--seed", "1"])] },
    Group { name: "dispatch", about: "handlers go on by a jump, as released and as embedded", needs: &[&need::OBJDUMP],
        steps: &[BUILD_KINGLET,
                 Build(&["build", "--profile", "embedder", "--package", "kinglet-cli", "--no-default-features"]),
                 Cargo(&["test", "--package", "kinglet-tests", "--test", "dispatch"])] },
    Group { name: "cli", about: "the command: options, messages, exit codes; what runs guests also in each tier", needs: &[],
        steps: &[BUILD_KINGLET, Cargo(&["test", "--package", "kinglet-tests", "--test", "cli"]),
                 CargoWith("KINGLET_RUN_MODE", "interpreter", WITH_GUESTS),
                 CargoWith("KINGLET_RUN_MODE", "jit", WITH_GUESTS)] },
    Group { name: "terminal", about: "the command on a terminal", needs: &[&need::PSEUDO_TERMINAL],
        steps: &[BUILD_KINGLET, Cargo(&["test", "--package", "kinglet-tests", "--test", "terminal"])] },
    Group { name: "perf", about: "what perf makes of a profile", needs: &[&need::PERF],
        steps: &[BUILD_KINGLET, Cargo(&["test", "--package", "kinglet-tests", "--test", "perf"])] },
    Group { name: "guests", about: "programs in many languages, CPython and QuickJS among them", needs: &[],
        steps: &[Task(programs::tally), BUILD_KINGLET, Build(&["build", "--package", "kinglet-cli"]),
                 Cargo(&["test", "--package", "kinglet-tests", "--test", "guest"])] },
    Group { name: "bench", about: "the bench measures and reports; what it measures is not looked at", needs: &[],
        steps: &[BUILD_KINGLET, Cargo(&["test", "--package", "kinglet-tests", "--test", "bench"])] },
    Group { name: "rebuild", about: "the committed guests come from their sources", needs: &[&need::WASM_STD],
        steps: &[Task(guests::tally)] },
    Group { name: "docs", about: "the documentation builds without a warning, and its tables are true", needs: &[],
        steps: &[CargoWith("RUSTDOCFLAGS", "-D warnings", &["doc", "--workspace", "--no-deps"]),
                 Cargo(&["test", "--package", "kinglet-tests", "--test", "docs"])] },
    Group { name: "book", about: "every block of code in the book and the README does what it says, and it builds",
        needs: &[&need::MDBOOK],
        steps: &[BUILD_KINGLET, Cargo(&["test", "--package", "kinglet-tests", "--doc"]),
                 Cargo(&["test", "--package", "kinglet-tests", "--lib", "--test", "book"]), Task(book::tally)] },
    Group { name: "features", about: "each Cargo feature builds alone, and none, and all", needs: &[&need::CLIPPY],
        steps: &[Task(features::tally)] },
    Group { name: "package", about: "each crate can be packaged; `cargo xtask package` also builds the packages", needs: &[],
        steps: &[Task(|context| count(cargo(context, PACKAGE).arg("--no-verify")))] },
    Group { name: "examples", about: "every example runs", needs: &[],
        steps: &[Task(examples::tally)] },
];

/// `cargo xtask test [GROUP…]`
pub(crate) fn test(context: &Context, names: &[String]) -> Result<(), String> {
    if let Some(unknown) = names.iter().find(|name| !GROUPS.iter().any(|group| group.name == **name)) {
        let known: Vec<&str> = GROUPS.iter().map(|group| group.name).collect();
        return Err(format!("no group `{unknown}`; there are: {}", known.join(" ")));
    }
    let mut rows = Vec::new();
    let mut total = Tally::default();
    for group in GROUPS.iter().filter(|group| names.is_empty() || names.iter().any(|name| name == group.name)) {
        println!("\n== {}: {}", group.name, group.about);
        let start = Instant::now();
        let tally = run(context, group);
        total.add(tally);
        rows.push(format!("{:<10} {:>6.1} s   {tally}", group.name, start.elapsed().as_secs_f64()));
    }
    println!("\n== summary\n{}\n\n{total}", rows.join("\n"));
    if total.failed == 0 { Ok(()) } else { Err(String::new()) }
}

/// `cargo xtask fuzz`
pub(crate) fn fuzz(context: &Context, args: &[String]) -> Result<(), String> {
    if prepare(cargo(context, SMITH).arg("--release")).failed > 0 {
        return Err(String::new());
    }
    let mut command = cargo(context, &["run", "--release", "--package", "kinglet-fuzz", "--"]);
    let status = command.args(args).status().map_err(|error| format!("cannot run cargo: {error}"))?;
    if status.success() { Ok(()) } else { Err(String::new()) }
}

/// `cargo xtask package`: cargo builds each package from what is in it, with the others' packages. What they depend on is
/// compiled once more for that, which takes minutes.
///
/// Cargo keeps packages that it has unpacked by the folder they were made in, and would take them for those of the next
/// run, so that each run has a folder of its own, and what cargo keeps of it is removed.
pub(crate) fn package(context: &Context, _: &[String]) -> Result<(), String> {
    let folder = context.target.join(format!("package-{}", std::process::id()));
    let before = unpacked();
    let packaged = count(cargo(context, PACKAGE).arg("--target-dir").arg(&folder));
    let new = unpacked().into_iter().filter(|path| !before.contains(path));
    for path in new.chain([folder]) {
        let _ = std::fs::remove_dir_all(path);
    }
    if packaged.failed == 0 { Ok(()) } else { Err(String::new()) }
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
    let tally = step(context, &Cargo(&["test", "--package", "kinglet-tests", "--test", "spec", "--release"]));
    if tally.failed == 0 { Ok(()) } else { Err(String::new()) }
}

fn unit(context: &Context) -> Tally {
    count(cargo(context, &["test", "--no-fail-fast"]).args(UNIT_PACKAGES))
}

fn run(context: &Context, group: &Group) -> Tally {
    for need in group.needs {
        if let Err(why) = need::meet(context, need) {
            println!("not run: {} needs {why}", group.name);
            return if context.ci && !need.optional { Tally::FAILED } else { Tally::SKIPPED };
        }
    }
    let mut total = Tally::default();
    group.steps.iter().for_each(|one| total.add(step(context, one)));
    total
}

fn step(context: &Context, step: &Step) -> Tally {
    match step {
        Build(args) => prepare(&mut cargo(context, args)),
        Cargo(args) => count(&mut cargo(context, args)),
        CargoWith(name, value, args) => count(cargo(context, args).env(name, value)),
        Task(task) => task(context),
    }
}

/// Cargo, as tests want to find it: with where the programs are that they run.
pub(crate) fn cargo(context: &Context, args: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    command.current_dir(&context.root).args(args).env("KINGLET_BIN", context.kinglet());
    command.env("KINGLET_BIN_LOOP", context.target.join("debug").join("kinglet"));
    command.env("KINGLET_PROGRAMS", context.target.join("programs"));
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_group_is_named_with_the_known_ones() {
        let message = test(&Context::new(), &["fnt".to_string()]).unwrap_err();
        assert!(message.contains("`fnt`") && message.contains("fmt clippy"), "{message}");
    }

    #[test]
    fn group_names_are_unique() {
        let names: std::collections::BTreeSet<_> = GROUPS.iter().map(|group| group.name).collect();
        assert_eq!(names.len(), GROUPS.len());
    }
}
