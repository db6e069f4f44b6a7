//! A minimal lexer of Rust for the rules: it blanks out comments, strings and character literals, and keeps the lines.

/// Returns the code alone: every character of comments and literals becomes a space, and line breaks remain.
pub(super) fn code(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let skipped = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => block_comment(rest),
            '"' => string(rest, 1),
            'r' | 'b' | 'c' => prefixed(rest, out.chars().last()),
            '\'' => character(rest),
            _ => 0,
        };
        let (taken, kept) = if skipped == 0 { (first.len_utf8(), true) } else { (skipped, false) };
        let (head, tail) = rest.split_at(taken);
        out.extend(head.chars().map(|c| if kept || c == '\n' { c } else { ' ' }));
        rest = tail;
    }
    out
}

/// Returns whether the line contains `word` as a whole identifier.
pub(super) fn has_word(line: &str, word: &str) -> bool {
    let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    line.match_indices(word)
        .any(|(at, _)| !part(line[..at].chars().next_back()) && !part(line[at + word.len()..].chars().next()))
}

fn block_comment(text: &str) -> usize {
    let mut depth = 0;
    let bytes = text.as_bytes();
    let mut at = 0;
    while at + 1 < bytes.len() {
        match &bytes[at..at + 2] {
            b"/*" => (depth, at) = (depth + 1, at + 2),
            b"*/" => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

/// Returns the length of a string literal whose first character after the opening quote is at `start`.
fn string(text: &str, start: usize) -> usize {
    let mut escaped = false;
    for (at, c) in text[start..].char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return start + at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Returns the length of a literal with a prefix (`r"`, `br#"`, `b'`…), or 0 if the letter is part of a word.
fn prefixed(text: &str, before: Option<char>) -> usize {
    if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
        return 0;
    }
    let letters = text.chars().take_while(|c| "rbc".contains(*c)).count();
    let prefix = &text[..letters];
    let hashes = text[letters..].chars().take_while(|c| *c == '#').count();
    let open = letters + hashes;
    match text.as_bytes().get(open) {
        Some(b'"') if prefix.contains('r') => {
            let close = format!("\"{}", "#".repeat(hashes));
            text[open + 1..].find(&close).map_or(text.len(), |at| open + 1 + at + close.len())
        }
        Some(b'"') if hashes == 0 => string(text, open + 1),
        Some(b'\'') if prefix == "b" => letters + character(&text[letters..]),
        _ => 0,
    }
}

/// Returns the length of a character literal, or 0 for a lifetime.
fn character(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => chars.skip(1).find(|(_, c)| *c == '\'').map_or(0, |(at, _)| at + 1),
        Some((_, _)) => chars.next().filter(|(_, c)| *c == '\'').map_or(0, |(at, _)| at + 1),
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_blanked_and_code_remains() {
        let source = r####"a /* x /* y */ z */ b // unsafe
let s = "un\"safe"; let r = r#"unsafe " "#; let c = '"'; let d = b'\''; fn f<'a>(x: &'a str) {} bar"####;
        let code = code(source);
        assert!(!code.contains("safe") && !code.contains('"'), "{code}");
        assert!(code.contains("fn f<'a>(x: &'a str) {} bar") && code.lines().count() == 2, "{code}");
        assert_eq!(code.chars().count(), source.chars().count());
    }

    #[test]
    fn only_whole_words_match() {
        assert!(has_word("pub unsafe fn", "unsafe") && has_word("#[unsafe(naked)]", "unsafe"));
        assert!(!has_word("#![forbid(unsafe_code)]", "unsafe") && !has_word("an_unsafe", "unsafe"));
    }
}
