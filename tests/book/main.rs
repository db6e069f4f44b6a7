//! Everything in the book and the README that can be wrong: each block of code is of a kind that is tried here (or, for
//! Rust, by the documentation tests of `tests/src/book.rs`), each link leads somewhere, each page is in the table of
//! contents.
//!
//! The blocks of a page are worked through in order, in a folder of their own with `guests`, a `program.wasm`, the
//! files of the quick start, and the folders `data` and `docs`. A block whose first line is a comment with a file's name is written to that file. In a
//! `console` block each line after `$ ` is a command for a shell, and the lines after it are what it prints, with `…`
//! alone on a line for any number of lines and inside one for any text; where nothing follows, it has to succeed.

mod docs;

use std::path::Path;
use std::process::{Command, Stdio};

use kinglet_tests::book::{self, Block};
use kinglet_tests::folder::Folder;
use kinglet_tests::program::{Run, finish, kinglet};

/// Pages that another test compares as a whole, and that may therefore show text which is nothing to run.
const COMPARED: &[&str] = &["cli.md", "mistakes.md", "performance.md", "proposals.md", "wasi.md"];

#[test]
fn every_block_of_code_does_what_it_says() {
    for page in book::pages() {
        let name = page.file_name().and_then(|name| name.to_str()).expect("pages have names").to_string();
        let text = std::fs::read_to_string(&page).unwrap();
        let folder = sandbox();
        for block in book::blocks(&text) {
            let place = format!("{name}:{}", block.line);
            write_named(&block, &folder);
            match block.kind.as_str() {
                "rust" => assert!(has_row(&name), "{place}: no row for this page in tests/src/book.rs"),
                "console" => console(&place, &block.text, &folder),
                "wat" => wat(&place, &block.text),
                "toml" => toml(&place, &block.text),
                "text" => assert!(COMPARED.contains(&name.as_str()), "{place}: text that nothing checks"),
                kind => panic!("{place}: nobody knows how to check `{kind}`"),
            }
        }
    }
}

fn has_row(name: &str) -> bool {
    book::RUST_PAGES.iter().any(|page| page.rsplit('/').next() == Some(name))
}

fn sandbox() -> Folder {
    let folder = Folder::new();
    let guests = folder.path().join("guests");
    std::fs::create_dir(&guests).unwrap();
    for entry in std::fs::read_dir(book::root().join("guests")).unwrap().flatten() {
        if entry.path().extension().is_some_and(|extension| extension == "wasm") {
            std::fs::copy(entry.path(), guests.join(entry.file_name())).unwrap();
        }
    }
    std::fs::copy(guests.join("stdin.wasm"), folder.path().join("program.wasm")).unwrap();
    let quick_start = std::fs::read_to_string(book::root().join("docs/quick-start.md")).unwrap();
    book::blocks(&quick_start).iter().for_each(|block| write_named(block, &folder));
    ["data", "docs"].iter().for_each(|name| std::fs::create_dir(folder.path().join(name)).unwrap());
    folder
}

/// Writes a block that names its file in a comment on its first line.
fn write_named(block: &Block, folder: &Folder) {
    let first = block.text.lines().next().unwrap_or_default();
    let comment = [";; ", "// ", "# "].iter().find_map(|mark| first.strip_prefix(mark));
    let is_name = |name: &&str| !name.contains(char::is_whitespace) && Path::new(name).extension().is_some();
    if let Some(name) = comment.filter(is_name) {
        folder.file(name, &block.text);
    }
}

fn wat(place: &str, text: &str) {
    let engine = kinglet::Engine::default();
    kinglet::Module::new(&engine, text).unwrap_or_else(|error| panic!("{place}: {error:#}"));
}

/// Well-formed, and a dependency on a crate of ours asks for what there is.
fn toml(place: &str, text: &str) {
    let table: toml::Table = text.parse().unwrap_or_else(|error| panic!("{place}: {error}"));
    let Some(dependencies) = table.get("dependencies").and_then(toml::Value::as_table) else { return };
    for (name, wanted) in dependencies {
        let folder = name.strip_prefix("kinglet-").unwrap_or(name);
        let manifest = std::fs::read_to_string(book::root().join("crates").join(folder).join("Cargo.toml"));
        let manifest: toml::Table = manifest.unwrap_or_else(|_| panic!("{place}: no crate `{name}`")).parse().unwrap();
        let known = manifest.get("features").and_then(toml::Value::as_table);
        let features = wanted.get("features").and_then(toml::Value::as_array);
        for feature in features.into_iter().flatten().filter_map(toml::Value::as_str) {
            assert!(known.is_some_and(|known| known.contains_key(feature)), "{place}: `{name}` has no `{feature}`");
        }
    }
}

/// Runs the commands of a block and compares what they print.
fn console(place: &str, text: &str, folder: &Folder) {
    for step in steps(text) {
        let Some(command) = as_run(place, &step.command) else { continue };
        let run = shell(&command, folder);
        match step.output.is_empty() {
            true => assert_eq!(run.code(), 0, "{place}: `{}`: {run:?}", step.command),
            false => {
                let actual: Vec<&str> = run.out.lines().collect();
                let shown = step.output.join("\n");
                assert!(agree(&step.output, &actual), "{place}: `{}`\n{shown}\n---\n{}", step.command, run.out);
            }
        }
    }
}

/// Runs a command in the folder, where it finds `kinglet` and its other names.
fn shell(command: &str, folder: &Folder) -> Run {
    let path = folder.path().join("bin");
    if !path.exists() {
        std::fs::create_dir(&path).unwrap();
        for name in ["kinglet", "wasmedge", "wasmedgec"] {
            std::os::unix::fs::symlink(kinglet(), path.join(name)).unwrap();
        }
    }
    let search = format!("{}:{}", path.display(), std::env::var("PATH").unwrap_or_default());
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("exec 2>&1\n{command}")]).current_dir(folder.path()).env("HOME", folder.path());
    // What is kept for the next start is in the home folder then.
    shell.env_remove("KINGLET_CACHE_DIR").env_remove("XDG_CACHE_HOME");
    shell.env("PATH", search).env("NO_COLOR", "1").stdin(Stdio::null()).stdout(Stdio::piped());
    finish(shell.spawn().expect("there is a shell"))
}

/// A command and what it is said to print.
struct Step<'a> {
    command: String,
    output: Vec<&'a str>,
}

/// Without any `$`, each line is a command.
fn steps(text: &str) -> Vec<Step<'_>> {
    let mut steps: Vec<Step> = Vec::new();
    let marked = text.lines().any(|line| line.starts_with("$ "));
    for line in text.lines() {
        let command = if marked { line.strip_prefix("$ ") } else { Some(line) };
        match (command, steps.last_mut()) {
            (Some(command), _) => steps.push(Step { command: command.to_string(), output: Vec::new() }),
            (None, Some(step)) if step.command.ends_with('\\') && step.output.is_empty() => {
                step.command.truncate(step.command.len() - 1);
                step.command.push_str(line.trim_start());
            }
            (None, Some(step)) => step.output.push(line),
            (None, None) => {}
        }
    }
    steps
}

/// The command as it is run here. Building and testing Kinglet is what the tests around this one do, so that of
/// cargo's commands only what they name is looked at.
fn as_run(place: &str, command: &str) -> Option<String> {
    let Some(cargo) = command.strip_prefix("cargo ") else { return Some(command.to_string()) };
    let root = book::root();
    if let Some(arguments) = cargo.strip_prefix("run --release -- ") {
        return Some(format!("kinglet {arguments}"));
    }
    if let Some(task) = cargo.strip_prefix("xtask ") {
        let name = task.split(' ').next().unwrap_or_default();
        let tasks = std::fs::read_to_string(root.join("xtask/src/main.rs")).unwrap();
        assert!(tasks.contains(&format!("name: \"{name}\"")), "{place}: no task `{name}`");
    } else if let Some(path) = cargo.strip_prefix("install --path ") {
        assert!(root.join(path).join("src/main.rs").exists(), "{place}: no program in `{path}`");
    } else {
        panic!("{place}: nobody knows how to check `{command}`");
    }
    None
}

/// Whether the lines are those shown.
fn agree(shown: &[&str], actual: &[&str]) -> bool {
    match shown.split_first() {
        None => actual.is_empty(),
        Some((&"…", rest)) => (0..=actual.len()).any(|skipped| agree(rest, &actual[skipped..])),
        Some((first, rest)) => match actual.split_first() {
            Some((line, others)) => matches(first, line) && agree(rest, others),
            None => false,
        },
    }
}

/// Whether a line is the one shown, in which `…` stands for any text.
fn matches(shown: &str, actual: &str) -> bool {
    match shown.split_once('…') {
        None => shown == actual,
        Some((head, tail)) => actual.strip_prefix(head).is_some_and(|rest| {
            rest.char_indices().map(|(at, _)| at).chain([rest.len()]).any(|at| matches(tail, &rest[at..]))
        }),
    }
}

#[test]
fn dots_stand_for_what_is_left_out() {
    assert!(agree(&["a", "…", "d…f"], &["a", "b", "c", "def"]));
    assert!(agree(&["…"], &[]));
    assert!(!agree(&["a", "…", "d"], &["a", "b"]));
    assert!(!agree(&["a"], &["a", "b"]));
}

#[test]
fn every_link_leads_somewhere() {
    let root = book::root();
    let mut pages = book::pages();
    pages.extend(["ARCHITECTURE.md", "CONTRIBUTING.md", "RATIONALE.md", "SECURITY.md"].map(|name| root.join(name)));
    for page in pages {
        let text = std::fs::read_to_string(&page).unwrap();
        for link in book::links(&text) {
            // Pages of the documentation of the crates are looked for once they are built, by `cargo xtask docs`.
            if link.contains("://") || link.starts_with("api/") {
                continue;
            }
            let (path, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = if path.is_empty() { page.clone() } else { page.with_file_name(path) };
            assert!(target.exists(), "{}: nothing at `{link}`", page.display());
            if !anchor.is_empty() {
                let anchors = book::anchors(&std::fs::read_to_string(&target).unwrap());
                assert!(anchors.iter().any(|name| name == anchor), "{}: no heading `{link}`", page.display());
            }
        }
    }
}

#[test]
fn every_page_is_in_the_table_of_contents() {
    let contents = std::fs::read_to_string(book::root().join("docs/SUMMARY.md")).unwrap();
    let listed = book::links(&contents);
    for page in book::pages().iter().filter(|page| page.parent() == Some(&book::root().join("docs"))) {
        let name = page.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        assert!(name == "SUMMARY.md" || listed.iter().any(|link| link == name), "{name} is in no chapter");
    }
}

/// The examples of the command's chapter are run, with modules that stand for those they name.
#[test]
fn the_examples_of_the_command_run() {
    let page = std::fs::read_to_string(book::root().join("docs/cli.md")).unwrap();
    let examples = page.split("Examples:\n\n```text\n").skip(1).filter_map(|rest| rest.split("```").next());
    let lines: Vec<&str> = examples.flat_map(str::lines).filter(|line| !line.starts_with('#')).collect();
    assert!(lines.len() > 20, "cli.md has lost its examples");
    let folder = sandbox();
    let program = r#"(module
        (func (export "_start"))
        (func (export "log") (param i32))
        (func (export "fib") (param i32) (result i32) (local.get 0)))"#;
    for name in
        ["hello.wasm", "hello.wat", "python.wasm", "program.wasm", "program.wat", "fib.wasm", "math.wasm", "env.wasm"]
    {
        folder.file(name, program);
    }
    let plugin = r#"(module (import "env" "log" (func (param i32))) (func (export "_start")))"#;
    folder.file("plugin.wasm", plugin);
    ["i32.wast", "f32.wast"].iter().for_each(|name| drop(folder.file(name, "(module)")));
    for name in [".zfunc", ".config/fish/completions", "etc/bash_completion.d"] {
        std::fs::create_dir_all(folder.path().join(name)).unwrap();
    }
    for line in lines {
        // What shows or picks out text may not be installed; what belongs to the machine is left alone.
        let command = line.replace(" | less", " | cat").replace(" | jq '.exports[].name'", " | cat");
        let command = command.replace(" /etc/", " etc/").replace("$PROFILE", "profile");
        let run = shell(&command, &folder);
        assert_eq!(run.code(), 0, "`{line}`: {run:?}");
    }
}

/// The chapter on exit statuses has the table that the command writes itself.
#[test]
fn exit_statuses_are_those_of_the_command() {
    let page = |name: &str| std::fs::read_to_string(book::root().join("docs").join(name)).unwrap();
    let (command, chapter) = (page("cli.md"), page("exit-codes.md"));
    let section = command.split("## Exit statuses").nth(1).and_then(|rest| rest.split("\n## ").next());
    let rows: Vec<&str> = section.unwrap_or_default().lines().filter(|line| line.starts_with('|')).collect();
    assert!(rows.len() > 4, "no table in cli.md");
    assert!(chapter.contains(&rows.join("\n")), "exit-codes.md has not the table of cli.md");
}

/// The pages for those who come from another runtime: what they name of ours is there.
#[test]
fn what_the_guides_name_is_there() {
    let root = book::root();
    let library = ["kinglet", "wasi", "wasm"].map(|name| source(&root.join("crates").join(name).join("src"))).concat();
    let command = source(&root.join("crates/cli/src"));
    let words = |text: &str| {
        let words = text.split(|c: char| !c.is_alphanumeric() && c != '_').map(str::to_string);
        words.collect::<std::collections::HashSet<String>>()
    };
    let (items, text) = (words(&library), words(&command));
    for name in ["from-wasmedge.md", "from-wasmtime.md", "from-wasmi.md"] {
        let page = std::fs::read_to_string(root.join("docs").join(name)).unwrap();
        let named = book::right_columns(&page);
        assert!(named.len() > 20, "{name} names next to nothing");
        for entry in named {
            let word = entry.split([' ', '=']).next().unwrap_or_default();
            if let Some(option) = word.strip_prefix("--") {
                assert!(is_option(option, &command), "{name}: there is no option `{entry}`");
            } else if let Some(rest) = entry.strip_prefix("kinglet ") {
                let word = rest.split(' ').next().unwrap_or_default();
                assert!(word == "FILE" || command.contains(&format!("\"{word}\"")), "{name}: no command `{entry}`");
            } else if word
                .split("::")
                .all(|part| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_'))
            {
                let known = |part: &str| items.contains(part) || text.contains(part);
                assert!(word.split("::").all(known), "{name}: `{entry}` is nowhere");
            }
        }
    }
}

fn is_option(name: &str, command: &str) -> bool {
    let proposal = name.strip_prefix("enable-").or(name.strip_prefix("disable-"));
    let is_proposal = proposal.is_some_and(|name| kinglet::FEATURES.iter().any(|row| row.name == name));
    is_proposal || command.contains(&format!("\"{name}\"")) || command.contains(&format!("\"--{name}\""))
}

/// All the code below a folder.
fn source(folder: &Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        match entry.path() {
            path if path.is_dir() => text += &source(&path),
            path => text += &std::fs::read_to_string(path).unwrap(),
        }
    }
    text
}
