//! Checks of the project's conventions: one row per rule. A rule reads all files and returns its findings with their
//! positions. Keep the list short, because a rule that nobody needs is noise.

mod documents;
mod language;
mod layering;
mod pins;
mod source;
mod unsafe_allow_list;

use crate::process::{Context, Tally};
use crate::tree::{self, File};

/// One row per rule.
struct Rule {
    name: &'static str,
    check: fn(&[File]) -> Vec<String>,
}

const RULES: &[Rule] = &[
    Rule { name: "every source file opens with a paragraph about its role", check: headers },
    Rule { name: "crates depend on each other only as the layering allows", check: layering::check },
    Rule { name: "manifests in cache keys pin the crates that affect validation and code", check: pins::check },
    Rule { name: "only files in the allow-list contain unsafe code", check: unsafe_allow_list::check },
    Rule { name: "a SAFETY comment names its invariant", check: unsafe_allow_list::comments },
    Rule { name: "only pointers implement Send and Sync by unsafe code", check: unsafe_allow_list::promises },
    Rule { name: "a heavy test is in a module `heavy`", check: heavy },
    Rule { name: "every path and item that a document names exists", check: documents::check },
    Rule { name: "no text has a phrase that the language rule rejects", check: language::check },
    Rule { name: "ARCHITECTURE and RATIONALE stay short", check: documents::sizes },
    Rule { name: "no file is larger than 100 kB", check: sizes },
    Rule { name: "only .ci/run refers to files outside the repository", check: outside },
];

/// `cargo xtask tidy`
pub(crate) fn command(context: &Context, _: &[String]) -> Result<(), String> {
    let tally = tally(context);
    println!("{tally}");
    if tally.failed == 0 { Ok(()) } else { Err(String::new()) }
}

/// Checks every rule, and counts each as one test.
pub(crate) fn tally(context: &Context) -> Tally {
    let files = match tree::files(&context.root) {
        Ok(files) => files,
        Err(error) => {
            println!("{error}");
            return Tally::FAILED;
        }
    };
    let mut total = Tally::default();
    for rule in RULES {
        let findings = (rule.check)(&files);
        println!("tidy: {} ... {}", rule.name, if findings.is_empty() { "ok" } else { "FAILED" });
        findings.iter().for_each(|finding| println!("  {finding}"));
        total.add(if findings.is_empty() { Tally::PASSED } else { Tally::FAILED });
    }
    total
}

fn headers(files: &[File]) -> Vec<String> {
    let has_header = |file: &&File| file.text.strip_prefix("//! ").is_some_and(|rest| !rest.trim_start().is_empty());
    let sources = files.iter().filter(|file| file.path.ends_with(".rs") && !file.path.starts_with("guests/"));
    sources.filter(|file| !has_header(file)).map(|file| format!("{}:1: no `//! …` paragraph", file.path)).collect()
}

fn sizes(files: &[File]) -> Vec<String> {
    let large = files.iter().filter(|file| file.size > 100_000 && file.path != "Cargo.lock");
    large.map(|file| format!("{}: {} bytes", file.path, file.size)).collect()
}

/// The group `heavy` selects tests by the module's name.
fn heavy(files: &[File]) -> Vec<String> {
    let attribute = concat!("#[ignore = ", "\"heavy:");
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with(".rs")) {
        let mut module = "";
        for (index, line) in file.text.lines().enumerate() {
            if line.starts_with("mod ") || line == "}" {
                module = line;
            }
            if line.trim_start().starts_with(attribute) && module != "mod heavy {" {
                findings.push(format!("{}:{}: not in `mod heavy`, so that no group runs it", file.path, index + 1));
            }
        }
    }
    findings
}

fn outside(files: &[File]) -> Vec<String> {
    let path = concat!("..", "/shared");
    let lines = files.iter().filter(|file| file.path != ".ci/run").flat_map(|file| {
        file.text.lines().enumerate().filter(|(_, line)| line.contains(path)).map(move |(index, _)| (file, index))
    });
    lines.map(|(file, index)| format!("{}:{}: names {path}", file.path, index + 1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_is_tidy() {
        let files = tree::files(&Context::new().root).unwrap();
        let findings: Vec<String> = RULES.iter().flat_map(|rule| (rule.check)(&files)).collect();
        assert!(findings.is_empty(), "{findings:#?}");
    }

    #[test]
    fn a_file_without_a_header_is_found() {
        let files = [File::new("crates/a/src/a.rs", "fn a() {}"), File::new("crates/a/src/b.rs", "//! About b.\n")];
        assert_eq!(headers(&files), ["crates/a/src/a.rs:1: no `//! …` paragraph"]);
    }

    #[test]
    fn a_large_file_is_found_except_the_lock_file() {
        let text = "x".repeat(100_001);
        let files = [File::new("Cargo.lock", &text), File::new("guests/a.wasm", &text)];
        assert_eq!(sizes(&files), ["guests/a.wasm: 100001 bytes"]);
    }

    #[test]
    fn only_the_ci_script_may_refer_to_outside_files() {
        let text = concat!("a\n..", "/shared/x\n");
        let files = [File::new(".ci/run", text), File::new("README.md", text)];
        assert_eq!(outside(&files).len(), 1);
        assert!(outside(&files)[0].starts_with("README.md:2:"));
    }

    #[test]
    fn a_heavy_test_outside_the_module_heavy_is_found() {
        let test = concat!("    #[test]\n    #[ignore = ", "\"heavy: long\"]\n    fn a() {}\n");
        let inside = File::new("tests/a.rs", &format!("mod heavy {{\n{test}}}\n"));
        let after = File::new("tests/b.rs", &format!("mod heavy {{\n}}\n{test}"));
        let findings = heavy(&[inside, after]);
        assert!(findings.len() == 1 && findings[0].starts_with("tests/b.rs:4:"), "{findings:?}");
    }
}
