//! Where programs and what belongs to them are.

use std::path::{Path, PathBuf};

/// The folder of sources, committed modules and expected outputs.
pub(crate) fn guests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../guests")
}

/// A committed module.
pub(crate) fn committed(name: &str) -> PathBuf {
    std::env::var_os("KINGLET_GUESTS").map_or_else(guests, PathBuf::from).join(format!("{name}.wasm"))
}

/// A program that `cargo xtask programs` makes.
pub(crate) fn program(file: &str) -> PathBuf {
    let folder = std::env::var_os("KINGLET_PROGRAMS");
    folder.map_or_else(|| kinglet_tests::target().join("programs"), PathBuf::from).join(file)
}

/// What is missing when a module is.
pub(crate) fn lacks(module: &Path) -> Option<String> {
    (!module.exists()).then(|| format!("{}: cargo xtask programs", module.display()))
}

/// The files of a folder below `guests` with this ending, without it, sorted.
pub(crate) fn names(folder: &str, ending: &str) -> Vec<String> {
    let entries = std::fs::read_dir(guests().join(folder)).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter_map(|name| Some(name.strip_suffix(ending)?.to_string())).collect();
    names.sort();
    names
}
