//! Checks the part of the language rule in `CONTRIBUTING.md` that a program can check: a few words and phrases must not
//! occur in documents, comments, strings and names.

use crate::tree::File;

/// The words of each rejected phrase, and the wording to use instead.
const REJECTED: &[(&[&str], &str)] = &[
    (&["whoever"], "name the actor"),
    (&["if", "nothing", "is", "said"], "by default"),
    (&["beforehand"], "ahead of time"),
    (&["anew"], "again"),
];

/// Files that quote the phrases.
const QUOTING: &[&str] = &["CONTRIBUTING.md", "xtask/src/tidy/language.rs"];

pub(super) fn check(files: &[File]) -> Vec<String> {
    let checked = files.iter().filter(|file| !QUOTING.contains(&file.path.as_str()));
    checked.flat_map(findings).collect()
}

fn findings(file: &File) -> Vec<String> {
    let words: Vec<(usize, &str)> = words(&file.text).collect();
    let mut found = Vec::new();
    for (phrase, instead) in REJECTED {
        for at in words.windows(phrase.len()) {
            if at.iter().zip(*phrase).all(|((_, word), rejected)| word.eq_ignore_ascii_case(rejected)) {
                found.push(format!("{}:{}: \"{}\": {instead}", file.path, at[0].0, phrase.join(" ")));
            }
        }
    }
    found
}

/// Returns the words with their lines. The parts of a name count as words, and a phrase may continue on the next line.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().flat_map(|(index, line)| {
        let words = line.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        words.map(move |word| (index + 1, word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phrase_is_found_in_documents_comments_strings_and_names() {
        let files = [
            File::new("docs/a.md", "Whoever reads this.\n"),
            File::new("crates/a/src/a.rs", "/// The default, if nothing\n/// is said.\nfn f() { g(\"made anew\") }\n"),
            File::new("tests/a.rs", "fn a_module_is_compiled_beforehand() {}\n"),
        ];
        assert_eq!(
            check(&files),
            [
                "docs/a.md:1: \"whoever\": name the actor",
                "crates/a/src/a.rs:1: \"if nothing is said\": by default",
                "crates/a/src/a.rs:3: \"anew\": again",
                "tests/a.rs:1: \"beforehand\": ahead of time",
            ]
        );
    }

    #[test]
    fn parts_of_words_and_files_that_quote_the_phrases_are_ignored() {
        let text = "renewal Manewe\n";
        assert!(check(&[File::new("docs/a.md", text), File::new("CONTRIBUTING.md", "not *anew*\n")]).is_empty());
    }
}
