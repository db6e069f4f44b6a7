//! Documents become stale when paths and items move. In the documents at the root, in `docs/internals`, in
//! `docs/measurements` and in some chapters of the book, every path and every item in backticks must exist: a path as a
//! file or a directory, an item as a word in the code. Two documents have a size limit, which keeps them short enough to
//! read completely.

use std::collections::HashSet;

use crate::tree::File;

/// Checked documents. Other chapters of the book name items of other engines and files of their examples.
const DOCUMENTS: &[&str] = &[
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "DEPENDENCIES.md",
    "RATIONALE.md",
    "SECURITY.md",
    "docs/introduction.md",
    "docs/performance.md",
    "docs/security.md",
    "docs/wasi.md",
    "guests/README.md",
];

/// Directories in which every document is checked.
const DIRECTORIES: &[&str] = &["docs/internals/", "docs/measurements/"];

/// Documents with a size limit, in bytes.
const SIZE_LIMITS: &[(&str, u64)] = &[("ARCHITECTURE.md", 12_000), ("RATIONALE.md", 25_000)];

pub(super) fn check(files: &[File]) -> Vec<String> {
    let index = Index::new(files);
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| is_checked(&file.path)) {
        for (line, name) in names(&file.text) {
            let missing = match classify(name) {
                NameKind::Path => !index.has_path(name),
                NameKind::Item => !index.has_item(name),
                NameKind::Other => false,
            };
            if missing {
                findings.push(format!("{}:{line}: `{name}` does not exist", file.path));
            }
        }
    }
    findings
}

/// Finds documents above their size limit.
pub(super) fn sizes(files: &[File]) -> Vec<String> {
    let limit_of = |file: &File| SIZE_LIMITS.iter().find(|(path, _)| file.path == *path).map(|(_, limit)| *limit);
    let limited = files.iter().filter_map(|file| Some((file, limit_of(file)?)));
    let large = limited.filter(|(file, limit)| file.size > *limit);
    large.map(|(file, limit)| format!("{}: {} bytes exceed {limit}", file.path, file.size)).collect()
}

fn is_checked(path: &str) -> bool {
    DOCUMENTS.contains(&path) || DIRECTORIES.iter().any(|directory| path.starts_with(directory))
}

/// The names that exist in the repository.
struct Index<'a> {
    files: &'a [File],
    words: HashSet<&'a str>,
}

impl<'a> Index<'a> {
    fn new(files: &'a [File]) -> Index<'a> {
        let code = files.iter().filter(|file| [".rs", ".toml"].iter().any(|end| file.path.ends_with(end)));
        let words = code.flat_map(|file| file.text.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '-'));
        Index { files, words: words.flat_map(|word| [word].into_iter().chain(word.split('-'))).collect() }
    }

    /// Returns whether the name is a path below the root, the end of a path (`vm/memory.rs`), or a string in the code.
    fn has_path(&self, name: &str) -> bool {
        let name = name.trim_start_matches("./").trim_end_matches('/');
        let directory = format!("{name}/");
        self.files.iter().any(|file| {
            let below = |path: &str| path == name || path.starts_with(&directory);
            below(&file.path) || file.path.match_indices('/').any(|(at, _)| below(&file.path[at + 1..]))
        }) || self.files.iter().any(|file| file.path.ends_with(".rs") && file.text.contains(&format!("\"{name}\"")))
    }

    /// Returns whether each part of a path of items is a word in the code.
    fn has_item(&self, name: &str) -> bool {
        let name = name.trim_end_matches("()").trim_end_matches('!');
        name.split("::").all(|part| self.words.contains(part))
    }
}

/// The kind of a name in backticks.
#[derive(Debug, PartialEq)]
enum NameKind {
    Path,
    Item,
    Other,
}

fn classify(name: &str) -> NameKind {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
    let file = [".rs", ".toml", ".md", ".wasm", ".wat"].iter().any(|end| name.len() > end.len() && name.ends_with(end));
    if name.chars().all(plain) && (file || name.contains('/')) && !name.starts_with(['-', '/']) {
        // Build output need not exist.
        return if name.starts_with("target/") { NameKind::Other } else { NameKind::Path };
    }
    let word = name.trim_end_matches("()").trim_end_matches('!');
    let is_path_of_identifiers = !word.is_empty()
        && word.split("::").all(|part| {
            part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        });
    let is_specific = word != name || word.contains("::") || word.contains('_') || word.starts_with(char::is_uppercase);
    if is_path_of_identifiers && is_specific { NameKind::Item } else { NameKind::Other }
}

/// Returns the names in single backticks outside of code blocks, with their lines.
fn names(document: &str) -> Vec<(usize, &str)> {
    let mut in_code_block = false;
    let mut found = Vec::new();
    for (index, line) in document.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code_block = !in_code_block;
        } else if !in_code_block {
            found.extend(line.split('`').skip(1).step_by(2).map(|name| (index + 1, name)));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_above_its_size_limit_is_found() {
        let text = "x".repeat(12_001);
        let files = [File::new("ARCHITECTURE.md", &text), File::new("RATIONALE.md", &text)];
        assert_eq!(sizes(&files), ["ARCHITECTURE.md: 12001 bytes exceed 12000"]);
    }

    #[test]
    fn a_name_that_does_not_exist_is_found() {
        let files = [
            File::new(
                "README.md",
                "See `crates/a/src/lib.rs`, `src/lib.rs`, `crates/a`, `Engine::new`.\n`gone.rs` `Gone`",
            ),
            File::new("crates/a/src/lib.rs", "impl Engine { fn new() {} }"),
        ];
        assert_eq!(check(&files), ["README.md:2: `gone.rs` does not exist", "README.md:2: `Gone` does not exist"]);
    }

    #[test]
    fn names_are_classified() {
        assert_eq!(classify("crates/wasm"), NameKind::Path);
        assert_eq!(classify("Engine::new"), NameKind::Item);
        assert_eq!(classify("walk()"), NameKind::Item);
        assert_eq!(classify("i32.add"), NameKind::Other);
        assert_eq!(classify("--dir .:."), NameKind::Other);
        assert_eq!(classify("target/programs"), NameKind::Other);
        assert_eq!(classify(".wat"), NameKind::Other);
    }

    #[test]
    fn code_blocks_are_ignored() {
        assert_eq!(names("`a`\n```\n`b`\n```\nx `c`"), [(1, "a"), (5, "c")]);
    }
}
