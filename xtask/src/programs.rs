//! The guest programs whose modules are not committed: one table of families, each with its requirements and a function
//! that lists its programs. They are fetched or compiled into `target/programs`. A program is rebuilt if its recipe or
//! the contents of its sources have changed. File times do not matter.

pub(crate) mod assemblyscript;
mod c;
mod go;
mod kernels;
mod package;
pub(crate) mod quickjs;
mod rust;

use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::process::{Context, Tally, output};
use crate::requirement::{self, Requirement};
use package::Package;

/// Programs that are built in the same way.
struct Family {
    /// Its name on the command line, and its directory below `target/programs`, if it has one.
    name: &'static str,
    language: &'static str,
    needs: &'static [&'static Requirement],
    list: fn(&Context) -> Vec<Program>,
}

/// The families, in the order in which they are built.
#[rustfmt::skip]
const FAMILIES: &[Family] = &[
    Family { name: "committed", language: "Rust", needs: &[], list: rust::list_committed },
    Family { name: "rust", language: "Rust", needs: &[&requirement::WASM_STD], list: rust::list },
    Family { name: "python", language: "Python", needs: &[&requirement::NODE], list: |_| vec![package::PYTHON.program()] },
    Family { name: "c", language: "C", needs: &[&requirement::CLANG], list: c::list },
    Family { name: "cpp", language: "C++", needs: &[&requirement::CLANG], list: c::list_cpp },
    Family { name: "go", language: "Go", needs: &[&requirement::GO], list: go::list },
    Family { name: "assemblyscript", language: "AssemblyScript", needs: &[&requirement::ASSEMBLYSCRIPT],
        list: assemblyscript::list },
    Family { name: "javascript", language: "JavaScript", needs: &[&requirement::CLANG, &requirement::QUICKJS],
        list: |context| vec![quickjs::program(context)] },
    Family { name: "kernels", language: "C", needs: &[&requirement::CLANG], list: kernels::list },
];

/// A sample with one program for each language. Each line has a test of `tests/guest`, and its module unless that is
/// committed.
const SAMPLE: &str = include_str!("../../tests/guest/sample.txt");

/// A module.
struct Program {
    /// Its path below `target/programs`.
    file: String,
    /// Its origin, for the user.
    source: String,
    /// Its source files, as far as they exist yet.
    inputs: Vec<PathBuf>,
    recipe: Recipe,
}

/// The way to build a module.
enum Recipe {
    /// A compiler generates the module.
    Compile(Compile),
    /// The module is extracted from a package.
    Fetch(&'static Package),
    /// The module is in the repository, at this path.
    Committed(PathBuf),
}

/// One run of a compiler.
struct Compile {
    tool: PathBuf,
    /// The working directory; by default the repository's root.
    directory: Option<PathBuf>,
    /// The arguments, with [`OUTPUT`] instead of the module's path.
    args: Vec<String>,
    env: Vec<(&'static str, String)>,
}

/// A placeholder for the path of the output in [`Compile::args`].
const OUTPUT: &str = "{output}";

/// `cargo xtask programs [--list] [NAME…]`
pub(crate) fn command(context: &Context, args: &[String]) -> Result<(), String> {
    let (options, names): (Vec<&String>, Vec<&String>) = args.iter().partition(|arg| arg.starts_with('-'));
    let selected = |family: &Family, program: &Program| {
        names.is_empty() || names.iter().any(|name| family.name == **name || program.file.contains(name.as_str()))
    };
    match options[..] {
        [] => {}
        [option] if option == "--list" => {
            print!("{}", listing(context, &selected));
            return Ok(());
        }
        _ => return Err(format!("no option `{}`; the only option is --list", options[0])),
    }
    let tally = build_selected(context, "programs", &selected);
    if tally.failed + tally.skipped == 0 { Ok(()) } else { Err(format!("{} missing", tally.failed + tally.skipped)) }
}

/// Builds all programs for the test group. Successful builds do not count as tests, because the programs' tests count.
pub(crate) fn tally(context: &Context) -> Tally {
    build_selected(context, "guests", &|_, _| true)
}

/// Builds the programs of the sample, which the guest tests run with `--sample`.
pub(crate) fn tally_sample(context: &Context) -> Tally {
    let modules: Vec<&str> = sample_modules().collect();
    build_selected(context, "guests", &|_, program| modules.contains(&program.file.as_str()))
}

/// Returns the modules of [`SAMPLE`].
fn sample_modules() -> impl Iterator<Item = &'static str> {
    SAMPLE.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_whitespace().nth(1))
}

/// Builds the programs whose modules have these paths.
pub(crate) fn build_modules(context: &Context, modules: &[&Path]) -> Tally {
    build_selected(context, "bench", &|_, program| modules.contains(&path(context, program).as_path()))
}

/// Builds the selected programs that are not up to date. A family without its requirements is skipped, or fails in
/// continuous integration. A program that cannot be built has failed.
fn build_selected(context: &Context, user: &str, selected: &dyn Fn(&Family, &Program) -> bool) -> Tally {
    let mut tally = Tally::default();
    for family in FAMILIES {
        let missing = |program: &Program| selected(family, program) && !up_to_date(context, program);
        if !(family.list)(context).iter().any(missing) {
            continue;
        }
        let unmet =
            |requirement: &&Requirement| Some((requirement.optional, requirement::ensure(context, requirement).err()?));
        if let Some((optional, reason)) = family.needs.iter().find_map(unmet) {
            println!("not run: {user} in {} needs {reason}", family.language);
            tally.add(if context.ci && !optional { Tally::FAILED } else { Tally::SKIPPED });
            continue;
        }
        // The list may depend on requirements that have just been installed.
        for program in (family.list)(context).iter().filter(|program| missing(program)) {
            println!("building {} from {}", program.file, program.source);
            let start = Instant::now();
            match build(context, program) {
                Ok(()) => println!("  {} in {:.1} s", size(context, program), start.elapsed().as_secs_f64()),
                Err(reason) => {
                    println!("  FAILED: {reason}");
                    tally.add(Tally::FAILED);
                }
            }
        }
    }
    tally
}

fn listing(context: &Context, selected: &dyn Fn(&Family, &Program) -> bool) -> String {
    let mut text = format!("{:<34} {:<14} {:>11}  {}\n", "program", "language", "bytes", "source");
    for family in FAMILIES {
        for program in (family.list)(context).iter().filter(|program| selected(family, program)) {
            let size = size(context, program);
            text.push_str(&format!("{:<34} {:<14} {size:>11}  {}\n", program.file, family.language, program.source));
        }
    }
    text
}

fn size(context: &Context, program: &Program) -> String {
    let size = std::fs::metadata(path(context, program)).map(|metadata| metadata.len().to_string());
    size.unwrap_or_else(|_| "not built".to_string())
}

fn path(context: &Context, program: &Program) -> PathBuf {
    match &program.recipe {
        Recipe::Committed(path) => context.root.join(path),
        _ => context.target.join("programs").join(&program.file),
    }
}

fn build(context: &Context, program: &Program) -> Result<(), String> {
    let to = path(context, program);
    let cannot = |error: std::io::Error| format!("cannot write {}: {error}", to.display());
    std::fs::create_dir_all(to.parent().unwrap_or(&context.target)).map_err(cannot)?;
    // The module is written under another name first, so that an aborted build leaves no file that looks finished.
    let part = to.with_extension("part");
    match &program.recipe {
        Recipe::Compile(compile) => compile.run(context, &part)?,
        Recipe::Fetch(package) => package.fetch(context, &part)?,
        Recipe::Committed(path) => return Err(format!("{} is missing", path.display())),
    }
    std::fs::rename(&part, &to).map_err(cannot)?;
    std::fs::write(to.with_extension("made"), fingerprint(program)).map_err(cannot)
}

fn up_to_date(context: &Context, program: &Program) -> bool {
    let path = path(context, program);
    match &program.recipe {
        Recipe::Committed(_) => path.exists(),
        Recipe::Fetch(package) => package.is(&path),
        Recipe::Compile(_) => {
            path.exists()
                && std::fs::read_to_string(path.with_extension("made")).is_ok_and(|built| built == fingerprint(program))
        }
    }
}

/// Returns a text that changes if the recipe or the bytes of the sources change.
fn fingerprint(program: &Program) -> String {
    let mut text = match &program.recipe {
        Recipe::Compile(compile) => format!("{:?} {:?}\n", compile.args, compile.env),
        Recipe::Fetch(package) => format!("{}\n", package.name),
        Recipe::Committed(path) => format!("{}\n", path.display()),
    };
    for input in &program.inputs {
        let mut hasher = DefaultHasher::new();
        hasher.write(&std::fs::read(input).unwrap_or_default());
        text.push_str(&format!("{:016x} {}\n", hasher.finish(), input.display()));
    }
    text
}

impl Compile {
    fn run(&self, context: &Context, to: &Path) -> Result<(), String> {
        let to = to.display().to_string();
        let mut command = Command::new(&self.tool);
        command.current_dir(self.directory.as_ref().unwrap_or(&context.root));
        command.args(self.args.iter().map(|arg| arg.replace(OUTPUT, &to)));
        output(command.envs(self.env.iter().map(|(name, value)| (name, value)))).map(drop)
    }
}

/// Returns the sources of one language, sorted: the files in `guests/DIRECTORY` with this extension.
fn sources(context: &Context, directory: &str, extension: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(context.root.join("guests").join(directory)).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    let mut paths: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|other| other == extension)).collect();
    paths.sort();
    paths
}

/// Returns the program that is built from one source file, `guests/DIRECTORY/NAME.…`, to `DIRECTORY/NAME.wasm`.
fn single_source(context: &Context, source: &Path, compile: impl FnOnce(String) -> Compile) -> Program {
    let below = source.strip_prefix(&context.root).unwrap_or(source).display().to_string();
    let file = Path::new(&below).strip_prefix("guests").unwrap_or(source).with_extension("wasm").display().to_string();
    let recipe = Recipe::Compile(compile(below.clone()));
    Program { file, source: below, inputs: vec![source.to_path_buf()], recipe }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| word.to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_program_is_listed_once_with_its_source() {
        let context = Context::new();
        let text = listing(&context, &|_, _| true);
        for family in FAMILIES {
            assert!(!(family.list)(&context).is_empty(), "{} has no program", family.name);
            assert!(text.contains(family.language));
        }
        let files: Vec<String> = FAMILIES.iter().flat_map(|family| (family.list)(&context)).map(|p| p.file).collect();
        let unique: std::collections::BTreeSet<&String> = files.iter().collect();
        assert_eq!(unique.len(), files.len(), "{files:?}");
    }

    #[test]
    fn a_changed_source_or_recipe_changes_the_fingerprint() {
        let directory = std::env::temp_dir().join(format!("kinglet-programs-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let source = directory.join("source");
        let program = |option: &str| Program {
            file: String::new(),
            source: String::new(),
            inputs: vec![source.clone()],
            recipe: Recipe::Compile(Compile {
                tool: "cc".into(),
                directory: None,
                args: words(&[option]),
                env: Vec::new(),
            }),
        };
        std::fs::write(&source, "one").unwrap();
        let first = fingerprint(&program("-O1"));
        assert_eq!(first, fingerprint(&program("-O1")));
        assert_ne!(first, fingerprint(&program("-O2")));
        std::fs::write(&source, "two").unwrap();
        assert_ne!(first, fingerprint(&program("-O1")));
        std::fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn an_unknown_option_is_refused() {
        assert!(command(&Context::new(), &["--lst".to_string()]).unwrap_err().contains("--list"));
    }
}
