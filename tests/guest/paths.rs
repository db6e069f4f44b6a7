//! The paths of programs, sources and expected outputs.

use std::path::{Path, PathBuf};

/// Returns the directory of sources, committed modules and expected outputs.
pub(crate) fn guests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../guests")
}

/// Returns the path of a committed module.
pub(crate) fn committed(name: &str) -> PathBuf {
    std::env::var_os("KINGLET_GUESTS").map_or_else(guests, PathBuf::from).join(format!("{name}.wasm"))
}

/// Returns the path of a program that `cargo xtask programs` builds.
pub(crate) fn program(file: &str) -> PathBuf {
    let directory = std::env::var_os("KINGLET_PROGRAMS");
    directory.map_or_else(|| kinglet_tests::target().join("programs"), PathBuf::from).join(file)
}

/// Returns a message if a module is missing.
pub(crate) fn lacks(module: &Path) -> Option<String> {
    (!module.exists()).then(|| format!("{}: cargo xtask programs", module.display()))
}

/// Returns the names of the files with a suffix in a directory below `guests`, without the suffix, sorted.
pub(crate) fn names(directory: &str, suffix: &str) -> Vec<String> {
    let entries = std::fs::read_dir(guests().join(directory)).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter_map(|name| Some(name.strip_suffix(suffix)?.to_string())).collect();
    names.sort();
    names
}
