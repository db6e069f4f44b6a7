//! Shows an error of a text module in its source: position, line and caret. The error message contains only the position, in
//! the format of the crate wast. The line is read from the file again, and shortened, because it may be the whole file.

use std::fs::File;
use std::io::{BufRead, BufReader};

/// The greatest number of characters shown of a line.
const WIDTH: usize = 120;

/// The replacement of a tab.
const TAB: &str = "    ";

/// Adds the source line to a message about `file`. A message without a position stays as it is.
pub(crate) fn show(message: &str, file: &str) -> String {
    let Some((what, line, column)) = place(message) else { return message.to_string() };
    let head = format!("{what}\n     --> {file}:{line}:{column}");
    match source(file, line) {
        Some(text) => format!("{head}\n{}", excerpt(&text, line, column)),
        None => head,
    }
}

/// Splits a message into the error, the line and the column, both from 1. Past column 500 the position is in the first line.
pub(crate) fn place(message: &str) -> Option<(&str, usize, usize)> {
    let (what, rest) = message.split_once("\n     --> <anon>:").or_else(|| message.rsplit_once(" at <anon>:"))?;
    let (line, column) = rest.lines().next()?.split_once(':')?;
    Some((what, line.parse().ok()?, column.parse().ok()?))
}

/// A line of a file. None for a pipe, which cannot be read twice.
fn source(file: &str, line: usize) -> Option<String> {
    let file = File::open(file).ok().filter(|file| file.metadata().is_ok_and(|metadata| metadata.is_file()))?;
    let bytes = BufReader::new(file).split(b'\n').nth(line.checked_sub(1)?)?.ok()?;
    String::from_utf8(bytes).ok()
}

/// The part of a line around a column, with a caret below the column.
fn excerpt(text: &str, line: usize, column: usize) -> String {
    let text = text.trim_end_matches('\r');
    let length = text.chars().count();
    let at = column.saturating_sub(1).min(length);
    let start = at.saturating_sub(WIDTH / 2).min(length.saturating_sub(WIDTH));
    let end = length.min(start + WIDTH);
    let cut = |is_cut| if is_cut { "…" } else { "" };
    let part = |from, to| text.chars().skip(from).take(to - from).flat_map(shown).collect::<String>();
    let before = format!("{}{}", cut(start > 0), part(start, at));
    let after = format!("{}{}", part(at, end), cut(end < length));
    let gutter = line.to_string().len().max(4) + 1;
    let column = before.chars().count();
    format!("{:gutter$} |\n{line:gutter$} | {before}{after}\n{:gutter$} | {:column$}^", "", "", "")
}

/// The displayed form of a source character. Control characters are replaced, so that they do not reach the terminal.
fn shown(c: char) -> impl Iterator<Item = char> {
    let (tab, other) = match c {
        '\t' => (TAB, None),
        c if c.is_control() || is_direction(c) => ("", Some(char::REPLACEMENT_CHARACTER)),
        c => ("", Some(c)),
    };
    tab.chars().chain(other)
}

/// Whether a character changes the direction of text.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_found_anywhere_in_the_message() {
        assert_eq!(place("bad\n     --> <anon>:3:5\n      |\n    3 | x"), Some(("bad", 3, 5)));
        assert_eq!(place("bad ` at <anon>:` at <anon>:1:600"), Some(("bad ` at <anon>:`", 1, 600)));
        assert_eq!(place("bad at byte 5"), None);
    }

    #[test]
    fn a_short_line_is_shown_whole() {
        assert_eq!(excerpt("  abc\r", 3, 3), "      |\n    3 |   abc\n      |   ^");
        assert_eq!(excerpt("\tabc", 12345, 2), "       |\n 12345 |     abc\n       |     ^");
        assert_eq!(excerpt("", 1, 1), "      |\n    1 | \n      | ^");
        assert_eq!(excerpt("a\u{1b}[1m", 1, 9), "      |\n    1 | a\u{fffd}[1m\n      |      ^");
    }

    #[test]
    fn a_long_line_is_cut_around_the_column() {
        for (at, cuts) in [(0, 1), (59, 1), (300, 2), (999, 1)] {
            let mut line = vec!['.'; 1000];
            line[at] = 'X';
            let shown = excerpt(&line.iter().collect::<String>(), 1, at + 1);
            let lines: Vec<Vec<char>> = shown.lines().map(|line| line.chars().collect()).collect();
            let caret = lines[2].iter().position(|c| *c == '^').unwrap();
            assert_eq!(lines[1][caret], 'X', "{shown}");
            assert_eq!(lines[1].iter().filter(|c| **c == '…').count(), cuts, "{shown}");
            assert_eq!(lines[1].iter().filter(|c| ".X".contains(**c)).count(), WIDTH);
        }
    }
}
