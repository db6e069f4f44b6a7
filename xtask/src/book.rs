//! Builds the book and the documentation of the crates into `target/book`: chapters from `docs`, the crates below
//! `api`. Warnings of mdBook and rustdoc are errors, and so are broken links between the built pages. If `PATH` has no
//! suitable mdBook, it is installed into `target/tools`.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{Context, Tally, output};
use crate::requirement;
use crate::tool;

/// The version of mdBook to install, and the prefix of suitable versions.
const MDBOOK: &str = "0.5.4";
const MDBOOK_SERIES: &str = "mdbook v0.5.";

/// Returns the path of a suitable mdBook.
pub(crate) fn mdbook(context: &Context) -> Option<PathBuf> {
    let installed = tool::directory(context).join("bin").join(format!("mdbook{}", std::env::consts::EXE_SUFFIX));
    [PathBuf::from("mdbook"), installed].into_iter().find(|mdbook| {
        output(Command::new(mdbook).arg("--version")).is_ok_and(|version| version.starts_with(MDBOOK_SERIES))
    })
}

/// Installs mdBook into the directory of tools, without optimisation, because its speed does not matter.
pub(crate) fn install_mdbook(context: &Context) -> Result<(), String> {
    println!("building mdBook {MDBOOK}");
    let features = ["--locked", "--debug", "--no-default-features", "--features", "search"];
    let mut cargo = Command::new("cargo");
    cargo.args(["install", "mdbook", "--version", MDBOOK]).args(features);
    cargo.arg("--root").arg(tool::directory(context)).arg("--target-dir").arg(tool::directory(context).join("build"));
    cargo.env("CARGO_PROFILE_DEV_DEBUG", "0");
    output(cargo.current_dir(std::env::temp_dir())).map(drop)
}

/// `cargo xtask docs`
pub(crate) fn command(context: &Context, _: &[String]) -> Result<(), String> {
    requirement::ensure(context, &requirement::MDBOOK).map_err(|why| format!("the book needs {why}"))?;
    let book = context.target.join("book");
    let mdbook = mdbook(context).ok_or("mdBook is missing")?;
    let mut build = Command::new(mdbook);
    build.arg("build").arg(context.root.join("docs")).arg("--dest-dir").arg(&book);
    run_mdbook(&mut build)?;
    let mut doc = Command::new("cargo");
    doc.current_dir(&context.root).env("RUSTDOCFLAGS", "-D warnings").args(["doc", "--quiet", "--no-deps"]);
    output(doc.args(["--package", "kinglet", "--package", "kinglet-wasi"]))?;
    let api = book.join("api");
    for directory in ["kinglet", "kinglet_wasi", "static.files"] {
        copy(&context.target.join("doc").join(directory), &api.join(directory)).map_err(|error| error.to_string())?;
    }
    let broken = broken_links(&book)?;
    if !broken.is_empty() {
        return Err(format!("broken links:\n{}", broken.join("\n")));
    }
    println!("the book is in {}", book.join("index.html").display());
    Ok(())
}

/// Builds everything, as one test.
pub(crate) fn tally(context: &Context) -> Tally {
    match command(context, &[]) {
        Ok(()) => Tally::PASSED,
        Err(message) => {
            println!("{message}");
            Tally::FAILED
        }
    }
}

/// Runs mdBook. It prints warnings to standard error, between other lines.
fn run_mdbook(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("cannot run mdBook: {error}"))?;
    let messages = String::from_utf8_lossy(&output.stderr);
    if output.status.success() && !messages.contains("WARN") && !messages.contains("ERROR") {
        return Ok(());
    }
    Err(format!("mdBook reports problems:\n{}", messages.trim_end()))
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

/// Returns the links of the book's pages to files that do not exist.
fn broken_links(book: &Path) -> Result<Vec<String>, String> {
    let mut broken = Vec::new();
    for entry in std::fs::read_dir(book).map_err(|error| error.to_string())?.flatten() {
        let page = entry.path();
        if page.extension().is_none_or(|extension| extension != "html") {
            continue;
        }
        let text = std::fs::read_to_string(&page).map_err(|error| format!("{}: {error}", page.display()))?;
        for link in relative_links(&text) {
            if !page.with_file_name(link).exists() {
                broken.push(format!("{}: {link}", page.display()));
            }
        }
    }
    broken.sort();
    Ok(broken)
}

/// Returns the relative paths that a page links to.
fn relative_links(text: &str) -> Vec<&str> {
    let links = text.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let files = links.filter_map(|link| link.split('#').next());
    files.filter(|file| !file.is_empty() && !file.contains(':') && !file.starts_with('/')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_relative_links_are_checked() {
        let page =
            r##"<a href="a.html#b"> <a href="https://x/"> <a href="#c"> <a href="api/d/index.html"> <a href="/">"##;
        assert_eq!(relative_links(page), ["a.html", "api/d/index.html"]);
    }
}
