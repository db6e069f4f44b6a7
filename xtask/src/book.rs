//! The book and the documentation of the crates, built into `target/book`: chapters from `docs`, the crates below `api`.
//! A warning of either tool is an error, and so is a link within what was built that leads nowhere. mdBook is taken from
//! `PATH` where it is new enough, else installed into our own folder of tools.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::need;
use crate::process::{Context, Tally, output};
use crate::tool;

/// The mdBook that is installed, and the releases that will do.
const MDBOOK: &str = "0.5.4";
const MDBOOK_SERIES: &str = "mdbook v0.5.";

/// An mdBook that is new enough.
pub(crate) fn mdbook(context: &Context) -> Option<PathBuf> {
    let ours = tool::folder(context).join("bin").join(format!("mdbook{}", std::env::consts::EXE_SUFFIX));
    [PathBuf::from("mdbook"), ours].into_iter().find(|mdbook| {
        output(Command::new(mdbook).arg("--version")).is_ok_and(|version| version.starts_with(MDBOOK_SERIES))
    })
}

/// Builds mdBook into our folder of tools. Its speed does not matter, so that it is not optimised.
pub(crate) fn install_mdbook(context: &Context) -> Result<(), String> {
    println!("building mdBook {MDBOOK}");
    let features = ["--locked", "--debug", "--no-default-features", "--features", "search"];
    let mut cargo = Command::new("cargo");
    cargo.args(["install", "mdbook", "--version", MDBOOK]).args(features);
    cargo.arg("--root").arg(tool::folder(context)).arg("--target-dir").arg(tool::folder(context).join("build"));
    cargo.env("CARGO_PROFILE_DEV_DEBUG", "0");
    output(cargo.current_dir(std::env::temp_dir())).map(drop)
}

/// `cargo xtask docs`
pub(crate) fn command(context: &Context, _: &[String]) -> Result<(), String> {
    need::meet(context, &need::MDBOOK).map_err(|why| format!("the book needs {why}"))?;
    let book = context.target.join("book");
    let mdbook = mdbook(context).ok_or("mdBook is missing")?;
    let mut build = Command::new(mdbook);
    build.arg("build").arg(context.root.join("docs")).arg("--dest-dir").arg(&book);
    quietly(&mut build)?;
    let mut doc = Command::new("cargo");
    doc.current_dir(&context.root).env("RUSTDOCFLAGS", "-D warnings").args(["doc", "--quiet", "--no-deps"]);
    output(doc.args(["--package", "kinglet", "--package", "kinglet-wasi"]))?;
    let api = book.join("api");
    for folder in ["kinglet", "kinglet_wasi", "static.files"] {
        copy(&context.target.join("doc").join(folder), &api.join(folder)).map_err(|error| error.to_string())?;
    }
    let lost = lost_links(&book)?;
    if !lost.is_empty() {
        return Err(format!("links that lead nowhere:\n{}", lost.join("\n")));
    }
    println!("the book is in {}", book.join("index.html").display());
    Ok(())
}

/// As a test.
pub(crate) fn tally(context: &Context) -> Tally {
    match command(context, &[]) {
        Ok(()) => Tally::PASSED,
        Err(message) => {
            println!("{message}");
            Tally::FAILED
        }
    }
}

/// Runs mdBook, whose warnings go to standard error among its other lines.
fn quietly(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("cannot run mdBook: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() && !said.contains("WARN") && !said.contains("ERROR") {
        return Ok(());
    }
    Err(format!("mdBook is not content:\n{}", said.trim_end()))
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => copy(&entry.path(), &target)?,
            false => std::fs::copy(entry.path(), target).map(drop)?,
        }
    }
    Ok(())
}

/// Links of the book's own pages to files that are not there.
fn lost_links(book: &Path) -> Result<Vec<String>, String> {
    let mut lost = Vec::new();
    for entry in std::fs::read_dir(book).map_err(|error| error.to_string())?.flatten() {
        let page = entry.path();
        if page.extension().is_none_or(|extension| extension != "html") {
            continue;
        }
        let text = std::fs::read_to_string(&page).map_err(|error| format!("{}: {error}", page.display()))?;
        for link in relative_links(&text) {
            if !page.with_file_name(link).exists() {
                lost.push(format!("{}: {link}", page.display()));
            }
        }
    }
    lost.sort();
    Ok(lost)
}

/// The files that a page links to beside itself.
fn relative_links(text: &str) -> Vec<&str> {
    let links = text.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let files = links.filter_map(|link| link.split('#').next());
    files.filter(|file| !file.is_empty() && !file.contains(':') && !file.starts_with('/')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_links_to_files_beside_a_page_are_looked_for() {
        let page =
            r##"<a href="a.html#b"> <a href="https://x/"> <a href="#c"> <a href="api/d/index.html"> <a href="/">"##;
        assert_eq!(relative_links(page), ["a.html", "api/d/index.html"]);
    }
}
