//! The book in `docs` and the READMEs of the repository and the packages, as tests read them. The modules here have
//! pages with Rust code as their documentation, so that cargo's documentation tests compile and run that code.
//! `tests/book/main.rs` extracts all other code with [`blocks`] and checks it. It also checks that every page with Rust
//! code has a row below.

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Parser, Tag, TagEnd};
use std::path::{Path, PathBuf};

/// Rows are `module = "path of the page from here"`.
macro_rules! pages {
    ($($module:ident = $path:literal;)*) => {
        /// The pages whose Rust is compiled and run, as paths from this file.
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
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie below the root").to_path_buf()
}

/// Returns the files of the book and the READMEs, in order.
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

/// A block of code on a page.
#[derive(Debug)]
pub struct Block {
    /// The block's info string, up to the first comma or space.
    pub kind: String,
    /// The contents.
    pub text: String,
    /// The number of its first line on the page.
    pub line: usize,
}

/// Returns the blocks of code on a page. The kind of a block without fences is empty.
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

/// Returns the targets of the links and images on a page.
pub fn links(page: &str) -> Vec<String> {
    let links = pulldown_cmark::TextMergeStream::new(Parser::new_ext(page, pulldown_cmark::Options::ENABLE_TABLES));
    links
        .filter_map(|event| match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => Some(dest_url.to_string()),
            _ => None,
        })
        .collect()
}

/// Returns the names in backticks in the second columns of a page's tables.
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

/// Returns the anchor of a heading: in lower case, with hyphens instead of spaces, and without other punctuation. If it
/// is already taken, appends a number.
fn anchor(heading: &str, taken: &[String]) -> String {
    let kept = heading.chars().filter_map(|c| match c {
        c if c.is_alphanumeric() || c == '_' || c == '-' => Some(c.to_ascii_lowercase()),
        c if c.is_whitespace() => Some('-'),
        _ => None,
    });
    let name: String = kept.collect();
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
    fn headings_have_names_that_differ() {
        assert_eq!(anchors("# One `two`\n## What's new?\n## What's new?\n"), ["one-two", "whats-new", "whats-new-1"]);
        assert_eq!(right_columns("`a`\n\n| x | y |\n|---|---|\n| `b` | `c`, `d` |\n"), ["c", "d"]);
        assert_eq!(links("[a](b.md#c) | <https://d>"), ["b.md#c", "https://d"]);
    }
}
