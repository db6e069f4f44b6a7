//! Tests of the book and the README. Each block of code is checked, each link has a target, and the table of contents
//! lists each page. The documentation tests of `tests/src/book.rs` check blocks of Rust code.
//!
//! The tests run the blocks of a page in order, in a temporary directory with `guests`, the example's module, a
//! `program.wasm`, the files of the quick start, and the directories `data` and `docs`. If a block's first line is a
//! comment with a file name, the block is written to that file. In a `console` block, a line that starts with `$ ` is a
//! shell command, and the lines after it are its output. A line with `…` alone matches any number of lines; inside a
//! line, `…` matches any text. A command without output lines has to succeed.

mod docs;

use std::path::Path;
use std::process::{Command, Stdio};

use kinglet_tests::book::{self, Block};
use kinglet_tests::folder::Folder;
use kinglet_tests::program::{Run, finish, kinglet};

/// Pages that another test compares as a whole. They may contain `text` blocks, which are not run.
const COMPARED: &[&str] = &["cli.md", "mistakes.md", "performance.md", "proposals.md", "wasi.md"];

#[test]
fn every_block_of_code_works_as_shown() {
    for page in book::pages() {
        let name = page.file_name().and_then(|name| name.to_str()).expect("pages have names").to_string();
        let text = std::fs::read_to_string(&page).unwrap();
        let directory = sandbox();
        for block in book::blocks(&text) {
            let position = format!("{name}:{}", block.line);
            write_named(&block, &directory);
            match block.kind.as_str() {
                "rust" => assert!(has_row(&name), "{position}: no row for this page in tests/src/book.rs"),
                "console" => console(&position, &block.text, &directory),
                "wat" => wat(&position, &block.text),
                "toml" => toml(&position, &block.text),
                "text" => assert!(COMPARED.contains(&name.as_str()), "{position}: no test checks this text"),
                kind => panic!("{position}: no check for a block of `{kind}`"),
            }
        }
    }
}

fn has_row(name: &str) -> bool {
    book::RUST_PAGES.iter().any(|page| page.rsplit('/').next() == Some(name))
}

fn sandbox() -> Folder {
    let directory = Folder::new();
    let guests = directory.path().join("guests");
    std::fs::create_dir(&guests).unwrap();
    for entry in std::fs::read_dir(book::root().join("guests")).unwrap().flatten() {
        if entry.path().extension().is_some_and(|extension| extension == "wasm") {
            std::fs::copy(entry.path(), guests.join(entry.file_name())).unwrap();
        }
    }
    let example = directory.path().join("examples/backtrace");
    std::fs::create_dir_all(&example).unwrap();
    std::fs::copy(book::root().join("examples/backtrace/guest.wasm"), example.join("guest.wasm")).unwrap();
    std::fs::copy(guests.join("stdin.wasm"), directory.path().join("program.wasm")).unwrap();
    let quick_start = std::fs::read_to_string(book::root().join("docs/quick-start.md")).unwrap();
    book::blocks(&quick_start).iter().for_each(|block| write_named(block, &directory));
    ["data", "docs"].iter().for_each(|name| std::fs::create_dir(directory.path().join(name)).unwrap());
    directory
}

/// Writes a block to the file that a comment on its first line names.
fn write_named(block: &Block, directory: &Folder) {
    let first = block.text.lines().next().unwrap_or_default();
    let comment = [";; ", "// ", "# "].iter().find_map(|mark| first.strip_prefix(mark));
    let is_file_name = |name: &&str| !name.contains(char::is_whitespace) && Path::new(name).extension().is_some();
    if let Some(name) = comment.filter(is_file_name) {
        directory.file(name, &block.text);
    }
}

fn wat(position: &str, text: &str) {
    let engine = kinglet::Engine::default();
    kinglet::Module::new(&engine, text).unwrap_or_else(|error| panic!("{position}: {error:#}"));
}

/// Checks that the text parses, and that the features of dependencies on this workspace's crates exist.
fn toml(position: &str, text: &str) {
    let table: toml::Table = text.parse().unwrap_or_else(|error| panic!("{position}: {error}"));
    let Some(dependencies) = table.get("dependencies").and_then(toml::Value::as_table) else { return };
    for (name, dependency) in dependencies {
        let directory = name.strip_prefix("kinglet-").unwrap_or(name);
        let manifest = std::fs::read_to_string(book::root().join("crates").join(directory).join("Cargo.toml"));
        let manifest: toml::Table =
            manifest.unwrap_or_else(|_| panic!("{position}: no crate `{name}`")).parse().unwrap();
        let existing = manifest.get("features").and_then(toml::Value::as_table);
        let features = dependency.get("features").and_then(toml::Value::as_array);
        for feature in features.into_iter().flatten().filter_map(toml::Value::as_str) {
            let exists = existing.is_some_and(|existing| existing.contains_key(feature));
            assert!(exists, "{position}: `{name}` has no `{feature}`");
        }
    }
}

/// Runs the commands of a block and compares their output.
fn console(position: &str, text: &str, directory: &Folder) {
    for step in steps(text) {
        let Some(command) = shell_command(position, &step.command) else { continue };
        let run = shell(&command, directory);
        match step.output.is_empty() {
            true => assert_eq!(run.code(), 0, "{position}: `{}`: {run:?}", step.command),
            false => {
                let actual: Vec<&str> = run.out.lines().collect();
                let expected = step.output.join("\n");
                let matches = lines_match(&step.output, &actual);
                assert!(matches, "{position}: `{}`\n{expected}\n---\n{}", step.command, run.out);
            }
        }
    }
}

/// Runs a command in the directory, with `kinglet` and its other names on `PATH`.
fn shell(command: &str, directory: &Folder) -> Run {
    let path = directory.path().join("bin");
    if !path.exists() {
        std::fs::create_dir(&path).unwrap();
        for name in ["kinglet", "wasmedge", "wasmedgec"] {
            std::os::unix::fs::symlink(kinglet(), path.join(name)).unwrap();
        }
    }
    let search = format!("{}:{}", path.display(), std::env::var("PATH").unwrap_or_default());
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("exec 2>&1\n{command}")]).current_dir(directory.path()).env("HOME", directory.path());
    // Without these variables the cache is below the home directory.
    shell.env_remove("KINGLET_CACHE_DIR").env_remove("XDG_CACHE_HOME");
    shell.env("PATH", search).env("NO_COLOR", "1").stdin(Stdio::null()).stdout(Stdio::piped());
    finish(shell.spawn().expect("a shell exists"))
}

/// A command and its expected output.
struct Step<'a> {
    command: String,
    output: Vec<&'a str>,
}

/// Splits a block into steps. If no line starts with `$`, each line is a command.
fn steps(text: &str) -> Vec<Step<'_>> {
    let mut steps: Vec<Step> = Vec::new();
    let has_prompts = text.lines().any(|line| line.starts_with("$ "));
    for line in text.lines() {
        let command = if has_prompts { line.strip_prefix("$ ") } else { Some(line) };
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

/// Returns the command for the shell. Other tests build and test Kinglet; here, cargo's commands are not run, and only
/// their arguments are checked.
fn shell_command(position: &str, command: &str) -> Option<String> {
    let Some(cargo) = command.strip_prefix("cargo ") else { return Some(command.to_string()) };
    let root = book::root();
    if let Some(arguments) = cargo.strip_prefix("run --release -- ") {
        return Some(format!("kinglet {arguments}"));
    }
    if let Some(task) = cargo.strip_prefix("xtask ") {
        let name = task.split(' ').next().unwrap_or_default();
        let tasks = std::fs::read_to_string(root.join("xtask/src/main.rs")).unwrap();
        assert!(tasks.contains(&format!("name: \"{name}\"")), "{position}: no task `{name}`");
    } else if let Some(path) = cargo.strip_prefix("install --path ") {
        assert!(root.join(path).join("src/main.rs").exists(), "{position}: no program in `{path}`");
    } else {
        panic!("{position}: no check for `{command}`");
    }
    None
}

/// Returns whether the lines match a pattern, in which a line `…` matches any number of lines.
fn lines_match(pattern: &[&str], actual: &[&str]) -> bool {
    match pattern.split_first() {
        None => actual.is_empty(),
        Some((&"…", rest)) => (0..=actual.len()).any(|skipped| lines_match(rest, &actual[skipped..])),
        Some((first, rest)) => match actual.split_first() {
            Some((line, others)) => line_matches(first, line) && lines_match(rest, others),
            None => false,
        },
    }
}

/// Returns whether a line matches a pattern, in which `…` matches any text.
fn line_matches(pattern: &str, actual: &str) -> bool {
    match pattern.split_once('…') {
        None => pattern == actual,
        Some((head, tail)) => actual.strip_prefix(head).is_some_and(|rest| {
            rest.char_indices().map(|(at, _)| at).chain([rest.len()]).any(|at| line_matches(tail, &rest[at..]))
        }),
    }
}

#[test]
fn an_ellipsis_matches_any_text() {
    assert!(lines_match(&["a", "…", "d…f"], &["a", "b", "c", "def"]));
    assert!(lines_match(&["…"], &[]));
    assert!(!lines_match(&["a", "…", "d"], &["a", "b"]));
    assert!(!lines_match(&["a"], &["a", "b"]));
}

#[test]
fn every_link_has_a_target() {
    let root = book::root();
    let mut pages = book::pages();
    pages.extend(
        ["ARCHITECTURE.md", "CONTRIBUTING.md", "DEPENDENCIES.md", "RATIONALE.md", "SECURITY.md"]
            .map(|name| root.join(name)),
    );
    for page in pages {
        let text = std::fs::read_to_string(&page).unwrap();
        for link in book::links(&text) {
            // `cargo xtask docs` checks links to the documentation of the crates, because it builds that.
            if link.contains("://") || link.starts_with("api/") {
                continue;
            }
            let (path, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = if path.is_empty() { page.clone() } else { page.with_file_name(path) };
            assert!(target.exists(), "{}: no file at `{link}`", page.display());
            if !anchor.is_empty() {
                let anchors = book::anchors(&std::fs::read_to_string(&target).unwrap());
                assert!(anchors.iter().any(|name| name == anchor), "{}: no heading `{link}`", page.display());
            }
        }
    }
}

#[test]
fn the_table_of_contents_lists_every_page() {
    let docs = book::root().join("docs");
    let contents = std::fs::read_to_string(docs.join("SUMMARY.md")).unwrap();
    let listed = book::links(&contents);
    for page in book::pages() {
        let Ok(path) = page.strip_prefix(&docs) else { continue };
        let path = path.to_str().unwrap_or_default();
        assert!(path == "SUMMARY.md" || listed.iter().any(|link| link == path), "SUMMARY.md does not list {path}");
    }
}

/// Runs the examples of the command's chapter, with stub modules under the names in the examples.
#[test]
fn the_examples_of_the_command_run() {
    let page = std::fs::read_to_string(book::root().join("docs/cli.md")).unwrap();
    let examples = page.split("Examples:\n\n```text\n").skip(1).filter_map(|rest| rest.split("```").next());
    let lines: Vec<&str> = examples.flat_map(str::lines).filter(|line| !line.starts_with('#')).collect();
    assert!(lines.len() > 20, "cli.md has too few examples");
    let directory = sandbox();
    let program = r#"(module
        (func (export "_start"))
        (func (export "log") (param i32))
        (func (export "fib") (param i32) (result i32) (local.get 0)))"#;
    for name in [
        "hello.wasm",
        "hello.wat",
        "python.wasm",
        "program.wasm",
        "program.wat",
        "fib.wasm",
        "math.wasm",
        "env.wasm",
        "app.wasm",
    ] {
        directory.file(name, program);
    }
    let plugin = r#"(module (import "env" "log" (func (param i32))) (func (export "_start")))"#;
    directory.file("plugin.wasm", plugin);
    ["i32.wast", "f32.wast"].iter().for_each(|name| drop(directory.file(name, "(module)")));
    for name in [".zfunc", ".config/fish/completions", "etc/bash_completion.d"] {
        std::fs::create_dir_all(directory.path().join(name)).unwrap();
    }
    for line in lines {
        // `less` and `jq` may not be installed. The directories of the system must not be changed.
        let command = line.replace(" | less", " | cat").replace(" | jq '.exports[].name'", " | cat");
        let command = command.replace(" /etc/", " etc/").replace("$PROFILE", "profile");
        let run = shell(&command, &directory);
        assert_eq!(run.code(), 0, "`{line}`: {run:?}");
    }
}

/// The chapter on exit statuses contains the table that the command generates.
#[test]
fn exit_statuses_match_the_commands_table() {
    let page = |name: &str| std::fs::read_to_string(book::root().join("docs").join(name)).unwrap();
    let (command, chapter) = (page("cli.md"), page("exit-codes.md"));
    let section = command.split("## Exit statuses").nth(1).and_then(|rest| rest.split("\n## ").next());
    let rows: Vec<&str> = section.unwrap_or_default().lines().filter(|line| line.starts_with('|')).collect();
    assert!(rows.len() > 4, "no table in cli.md");
    assert!(chapter.contains(&rows.join("\n")), "exit-codes.md differs from the table of cli.md");
}

/// The pages about moving from another runtime name Kinglet's items and options in the second column.
#[test]
fn every_item_and_option_in_the_guides_exists() {
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
        assert!(named.len() > 20, "{name} names too few items");
        for entry in named {
            let word = entry.split([' ', '=']).next().unwrap_or_default();
            if let Some(option) = word.strip_prefix("--") {
                assert!(is_option(option, &command), "{name}: no option `{entry}`");
            } else if let Some(rest) = entry.strip_prefix("kinglet ") {
                let word = rest.split(' ').next().unwrap_or_default();
                assert!(word == "FILE" || command.contains(&format!("\"{word}\"")), "{name}: no command `{entry}`");
            } else if word
                .split("::")
                .all(|part| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_'))
            {
                let exists = |part: &str| items.contains(part) || text.contains(part);
                assert!(word.split("::").all(exists), "{name}: `{entry}` does not exist");
            }
        }
    }
}

fn is_option(name: &str, command: &str) -> bool {
    let proposal = name.strip_prefix("enable-").or(name.strip_prefix("disable-"));
    let is_proposal = proposal.is_some_and(|name| kinglet::FEATURES.iter().any(|row| row.name == name));
    is_proposal || command.contains(&format!("\"{name}\"")) || command.contains(&format!("\"--{name}\""))
}

/// Returns all source text below a directory.
fn source(directory: &Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(directory).unwrap().flatten() {
        match entry.path() {
            path if path.is_dir() => text += &source(&path),
            path => text += &std::fs::read_to_string(path).unwrap(),
        }
    }
    text
}
