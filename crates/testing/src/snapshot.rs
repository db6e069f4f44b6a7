//! Golden files. One kind is a `.wat` source with its expected text in the `;;` lines at its end; the other is a whole file
//! of expected text. With `BLESS=1` in the environment, tests rewrite both. The op snapshots in `tests/op` and the tables of
//! `tests/book/docs.rs` use them.

use std::fmt::Write as _;
use std::path::Path;

/// Compares `actual` with the expected text at the end of the file at `path`. With `BLESS=1`, writes it there instead. The
/// expected text is the last consecutive group of lines that begin with `;;`.
///
/// # Errors
/// If the texts differ, with a line-by-line difference, or if the file cannot be read or written.
pub fn check(path: &Path, actual: &str) -> Result<(), String> {
    let text = read(path)?;
    if is_blessing() {
        return write(path, &bless(&text, actual));
    }
    compare(path, &split(&text).1, &lines(actual))
}

/// Compares `actual` with the whole file at `path`. With `BLESS=1`, writes the file instead.
///
/// # Errors
/// As for [`check`].
pub fn check_file(path: &Path, actual: &str) -> Result<(), String> {
    if is_blessing() {
        return write(path, actual);
    }
    compare(path, &lines(&read(path)?), &lines(actual))
}

fn is_blessing() -> bool {
    std::env::var_os("BLESS").is_some_and(|value| value == "1")
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

/// Replaces the file atomically, because another test may be reading it.
fn write(path: &Path, text: &str) -> Result<(), String> {
    let new = path.with_extension("new");
    let written = std::fs::write(&new, text).and_then(|()| std::fs::rename(&new, path));
    written.map_err(|error| format!("cannot write {}: {error}", path.display()))
}

fn compare(path: &Path, expected: &[&str], actual: &[&str]) -> Result<(), String> {
    match difference(expected, actual) {
        None => Ok(()),
        Some(diff) => Err(format!("{} differs (BLESS=1 accepts the new text):\n{diff}", path.display())),
    }
}

/// Returns the source part of a golden file.
pub fn source(text: &str) -> &str {
    split(text).0
}

/// Returns the file's text with its expected text replaced by `actual`.
fn bless(text: &str, actual: &str) -> String {
    let mut out = split(text).0.trim_end().to_string();
    out.push_str("\n\n");
    for line in lines(actual) {
        out.push_str(format!(";; {line}").trim_end());
        out.push('\n');
    }
    out
}

/// Splits a golden file into its source and its expected lines, without their `;; `.
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

/// Returns the expected lines, marked with `-`, and the actual lines, marked with `+`. Common lines at the start and the
/// end are omitted. Returns `None` if the texts are equal.
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
    fn only_the_last_group_of_comment_lines_is_expected() {
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
