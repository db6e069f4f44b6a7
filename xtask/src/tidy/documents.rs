//! Documents rot when what they name moves. Every path and every item in backticks in the documents at the root must
//! still exist: a path as a file or folder, an item as a word somewhere in the code.

use std::collections::HashSet;

use crate::tree::File;

const DOCUMENTS: &[&str] = &["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "RATIONALE.md"];

pub(super) fn check(files: &[File]) -> Vec<String> {
    let known = Known::new(files);
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| DOCUMENTS.contains(&file.path.as_str())) {
        for (line, name) in names(&file.text) {
            let missing = match kind(name) {
                Kind::Path => !known.path(name),
                Kind::Item => !known.item(name),
                Kind::Other => false,
            };
            if missing {
                findings.push(format!("{}:{line}: `{name}` does not exist", file.path));
            }
        }
    }
    findings
}

/// What can be named.
struct Known<'a> {
    files: &'a [File],
    words: HashSet<&'a str>,
}

impl<'a> Known<'a> {
    fn new(files: &'a [File]) -> Known<'a> {
        let code = files.iter().filter(|file| [".rs", ".toml"].iter().any(|end| file.path.ends_with(end)));
        let words = code.flat_map(|file| file.text.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '-'));
        Known { files, words: words.flat_map(|word| [word].into_iter().chain(word.split('-'))).collect() }
    }

    /// Below the root, or the end of some path (`vm/memory.rs`), or a name that the code itself writes.
    fn path(&self, name: &str) -> bool {
        let name = name.trim_start_matches("./").trim_end_matches('/');
        let folder = format!("{name}/");
        self.files.iter().any(|file| {
            let below = |path: &str| path == name || path.starts_with(&folder);
            below(&file.path) || file.path.match_indices('/').any(|(at, _)| below(&file.path[at + 1..]))
        }) || self.files.iter().any(|file| file.path.ends_with(".rs") && file.text.contains(&format!("\"{name}\"")))
    }

    fn item(&self, name: &str) -> bool {
        let name = name.trim_end_matches("()").trim_end_matches('!');
        name.split("::").all(|part| self.words.contains(part))
    }
}

#[derive(Debug, PartialEq)]
enum Kind {
    Path,
    Item,
    Other,
}

fn kind(name: &str) -> Kind {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
    let file = [".rs", ".toml", ".md", ".wasm", ".wat"].iter().any(|end| name.len() > end.len() && name.ends_with(end));
    if name.chars().all(plain) && (file || name.contains('/')) && !name.starts_with(['-', '/']) {
        // What a build makes is not there before it.
        return if name.starts_with("target/") { Kind::Other } else { Kind::Path };
    }
    let word = name.trim_end_matches("()").trim_end_matches('!');
    let identifiers = !word.is_empty()
        && word.split("::").all(|part| {
            part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        });
    let telling = word != name || word.contains("::") || word.contains('_') || word.starts_with(char::is_uppercase);
    if identifiers && telling { Kind::Item } else { Kind::Other }
}

/// What stands in single backticks outside of fenced blocks, with its line.
fn names(document: &str) -> Vec<(usize, &str)> {
    let mut fenced = false;
    let mut found = Vec::new();
    for (index, line) in document.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            found.extend(line.split('`').skip(1).step_by(2).map(|name| (index + 1, name)));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moved_is_found() {
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
    fn kinds_are_told_apart() {
        assert_eq!(kind("crates/wasm"), Kind::Path);
        assert_eq!(kind("Engine::new"), Kind::Item);
        assert_eq!(kind("walk()"), Kind::Item);
        assert_eq!(kind("i32.add"), Kind::Other);
        assert_eq!(kind("--dir .:."), Kind::Other);
        assert_eq!(kind("target/programs"), Kind::Other);
        assert_eq!(kind(".wat"), Kind::Other);
    }

    #[test]
    fn fenced_blocks_are_not_read() {
        assert_eq!(names("`a`\n```\n`b`\n```\nx `c`"), [(1, "a"), (5, "c")]);
    }
}
