//! Golden files: a `.wat` source whose tail of `;;` lines is the text a test expects for it, or a whole file that a test
//! derives. `BLESS=1` in the environment is the one way to rewrite either. Called by the op snapshots in `tests/op` and
//! by the tables of `tests/book/docs.rs`.

use std::fmt::Write as _;
use std::path::Path;

/// Compares `actual` with the expectation at the end of the file at `path`; with `BLESS=1` set, writes it there instead.
///
/// The expectation is the file's last unbroken run of lines that begin with `;;`. Fails with a line-by-line difference,
/// or with the reason why the file cannot be read or written.
pub fn check(path: &Path, actual: &str) -> Result<(), String> {
    let text = read(path)?;
    if blessed() {
        return write(path, &bless(&text, actual));
    }
    agree(path, &split(&text).1, &lines(actual))
}

/// Compares `actual` with the whole file at `path`; with `BLESS=1` set, writes the file instead. Fails as [`check`] does.
pub fn check_file(path: &Path, actual: &str) -> Result<(), String> {
    if blessed() {
        return write(path, actual);
    }
    agree(path, &lines(&read(path)?), &lines(actual))
}

fn blessed() -> bool {
    std::env::var_os("BLESS").is_some_and(|value| value == "1")
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

/// Another test may be reading the file: it finds the old text or the new.
fn write(path: &Path, text: &str) -> Result<(), String> {
    let new = path.with_extension("new");
    let written = std::fs::write(&new, text).and_then(|()| std::fs::rename(&new, path));
    written.map_err(|error| format!("cannot write {}: {error}", path.display()))
}

fn agree(path: &Path, expected: &[&str], actual: &[&str]) -> Result<(), String> {
    match difference(expected, actual) {
        None => Ok(()),
        Some(diff) => Err(format!("{} differs (BLESS=1 accepts the new text):\n{diff}", path.display())),
    }
}

/// The source part of a golden file: what a test feeds to the code under test.
pub fn source(text: &str) -> &str {
    split(text).0
}

/// The file's text with its expectation replaced by `actual`.
fn bless(text: &str, actual: &str) -> String {
    let mut out = split(text).0.trim_end().to_string();
    out.push_str("\n\n");
    for line in lines(actual) {
        out.push_str(format!(";; {line}").trim_end());
        out.push('\n');
    }
    out
}

/// The source, and the expected lines without their `;; `.
fn split(text: &str) -> (&str, Vec<&str>) {
    let all: Vec<&str> = text.lines().collect();
    let tail = all.iter().rev().take_while(|line| line.starts_with(";;")).count();
    let expected = &all[all.len() - tail..];
    let source_end = expected.first().map_or(text.len(), |first| first.as_ptr() as usize - text.as_ptr() as usize);
    let strip = |line: &&'_ str| -> usize { if line.starts_with(";; ") { 3 } else { 2 } };
    (&text[..source_end], expected.iter().map(|line| line[strip(line)..].trim_end()).collect())
}

fn lines(text: &str) -> Vec<&str> {
    text.trim_end().lines().map(str::trim_end).collect()
}

/// A difference with `-` for expected and `+` for actual lines around what both share at the start and the end.
fn difference(expected: &[&str], actual: &[&str]) -> Option<String> {
    if expected == actual {
        return None;
    }
    let head = expected.iter().zip(actual).take_while(|(a, b)| a == b).count();
    let rest = expected[head..].iter().rev().zip(actual[head..].iter().rev());
    let tail = rest.take_while(|(a, b)| a == b).count();
    let mut out = format!("  line {}:\n", head + 1);
    for line in &expected[head..expected.len() - tail] {
        let _ = writeln!(out, "- {line}");
    }
    for line in &actual[head..actual.len() - tail] {
        let _ = writeln!(out, "+ {line}");
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOLDEN: &str = "(module) ;; a comment\n;; not the tail\n\n;; one\n;;\n;; two\n";

    #[test]
    fn only_the_last_run_of_comment_lines_is_expected() {
        assert_eq!(split(GOLDEN), ("(module) ;; a comment\n;; not the tail\n\n", vec!["one", "", "two"]));
        assert_eq!(split("(module)").1, Vec::<&str>::new());
    }

    #[test]
    fn blessing_twice_changes_nothing() {
        let once = bless("(module)\n", "a\n\nb\n");
        assert_eq!(once, "(module)\n\n;; a\n;;\n;; b\n");
        assert_eq!(bless(&once, "a\n\nb\n"), once);
    }

    #[test]
    fn a_difference_names_the_line() {
        assert_eq!(difference(&["a", "b", "c"], &["a", "x", "c"]).unwrap(), "  line 2:\n- b\n+ x\n");
        assert_eq!(difference(&["a"], &["a"]), None);
        assert_eq!(difference(&["a"], &["a", "a"]).unwrap(), "  line 2:\n+ a\n");
    }
}
