//! The book in `docs`, the README and the README of the packages. Each page with Rust code is the documentation of a
//! module here, so that cargo's documentation tests compile and run the code. [`blocks`] extracts all other code blocks,
//! and `tests/book/main.rs` checks them. A page with Rust code needs a row below; the same test checks this.

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Parser, Tag, TagEnd};
use std::path::{Path, PathBuf};

/// Each row is `module = "path of the page, relative to this file"`.
macro_rules! pages {
    ($($module:ident = $path:literal;)*) => {
        /// The pages with Rust code that is compiled and run, as paths relative to this file.
        pub const RUST_PAGES: &[&str] = &[$($path),*];
        $(#[cfg(doctest)]
        #[doc = include_str!($path)]
        pub mod $module {})*
    };
}

pages! {
    readme = "../../README.md";
    packages = "../../crates/README.md";
    quick_start = "../../docs/quick-start.md";
    embedding = "../../docs/embedding.md";
    security = "../../docs/security.md";
    from_wasmedge = "../../docs/from-wasmedge.md";
    from_wasmtime = "../../docs/from-wasmtime.md";
    from_wasmi = "../../docs/from-wasmi.md";
}

/// Returns the root directory of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests are below the root").to_path_buf()
}

/// Returns the paths of the book's pages and the READMEs, sorted.
pub fn pages() -> Vec<PathBuf> {
    let directories = ["docs", "docs/internals", "docs/measurements"].map(|name| root().join(name));
    let files =
        directories.iter().flat_map(|path| std::fs::read_dir(path).expect("the book has this directory").flatten());
    let mut pages: Vec<PathBuf> = files.map(|entry| entry.path()).collect();
    pages.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    pages.extend(["README.md", "crates/README.md"].map(|path| root().join(path)));
    pages.sort();
    pages
}

/// A code block on a page.
#[derive(Debug)]
pub struct Block {
    /// Its info string up to the first comma or space. It is empty for an indented block.
    pub kind: String,
    /// Its contents.
    pub text: String,
    /// The line of the page on which it begins.
    pub line: usize,
}

/// Returns the code blocks of a page.
pub fn blocks(page: &str) -> Vec<Block> {
    let mut found: Vec<Block> = Vec::new();
    let mut open = false;
    for (event, range) in Parser::new(page).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(kind)) => {
                let kind = match kind {
                    CodeBlockKind::Fenced(info) => info.split([',', ' ']).next().unwrap_or_default().to_string(),
                    CodeBlockKind::Indented => String::new(),
                };
                let line = page[..range.start].matches('\n').count() + 1;
                found.push(Block { kind, text: String::new(), line });
                open = true;
            }
            Event::End(TagEnd::CodeBlock) => open = false,
            Event::Text(text) if open => {
                if let Some(block) = found.last_mut() {
                    block.text.push_str(&text);
                }
            }
            _ => {}
        }
    }
    found
}

/// Returns the targets of a page's links and images.
pub fn links(page: &str) -> Vec<String> {
    let links = pulldown_cmark::TextMergeStream::new(Parser::new_ext(page, pulldown_cmark::Options::ENABLE_TABLES));
    links
        .filter_map(|event| match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => Some(dest_url.to_string()),
            _ => None,
        })
        .collect()
}

/// Returns all code spans in the second columns of a page's tables.
pub fn right_columns(page: &str) -> Vec<String> {
    let (mut found, mut column) = (Vec::new(), 0);
    for event in Parser::new_ext(page, pulldown_cmark::Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::TableHead | Tag::TableRow) => column = 0,
            Event::End(TagEnd::TableCell) => column += 1,
            Event::Code(name) if column == 1 => found.push(name.to_string()),
            Event::End(TagEnd::Table) => column = 0,
            _ => {}
        }
    }
    found
}

/// Returns the anchors of a page's headings, as mdBook and code hosts generate them.
pub fn anchors(page: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut heading: Option<String> = None;
    for event in Parser::new(page) {
        match event {
            Event::Start(Tag::Heading { level: HeadingLevel::H1 | HeadingLevel::H2 | HeadingLevel::H3, .. }) => {
                heading = Some(String::new());
            }
            Event::End(TagEnd::Heading(_)) => found.extend(heading.take().map(|text| anchor(&text, &found))),
            Event::Text(text) | Event::Code(text) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&text);
                }
            }
            _ => {}
        }
    }
    found
}

/// Returns the anchor of a heading: lower case, with hyphens for spaces and without other punctuation. A number is appended
/// if the anchor is already in `taken`.
fn anchor(heading: &str, taken: &[String]) -> String {
    let chars = heading.chars().filter_map(|c| match c {
        c if c.is_alphanumeric() || c == '_' || c == '-' => Some(c.to_ascii_lowercase()),
        c if c.is_whitespace() => Some('-'),
        _ => None,
    });
    let name: String = chars.collect();
    let numbered = (1..).map(|number| format!("{name}-{number}"));
    std::iter::once(name.clone()).chain(numbered).find(|name| !taken.contains(name)).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_with_their_kind_and_line() {
        let found =
            blocks("# A\n\n```rust,no_run\nlet a;\n```\n\n- in a list\n\n  ```sh\n  ls\n  ```\n\n    indented\n");
        let shown: Vec<_> = found.iter().map(|block| (block.kind.as_str(), block.text.as_str(), block.line)).collect();
        assert_eq!(shown[..2], [("rust", "let a;\n", 3), ("sh", "ls\n", 9)]);
    }

    #[test]
    fn equal_headings_have_different_anchors() {
        assert_eq!(anchors("# One `two`\n## What's new?\n## What's new?\n"), ["one-two", "whats-new", "whats-new-1"]);
        assert_eq!(right_columns("`a`\n\n| x | y |\n|---|---|\n| `b` | `c`, `d` |\n"), ["c", "d"]);
        assert_eq!(links("[a](b.md#c) | <https://d>"), ["b.md#c", "https://d"]);
    }
}
