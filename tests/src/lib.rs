//! What the tests that cross a crate share: running the `kinglet` program, a folder that goes away, and a harness for
//! tests whose number is only known when they run.

#![forbid(unsafe_code)]

pub mod book;
pub mod folder;
pub mod harness;
pub mod hostile;
pub mod program;
pub mod suite;

/// Cargo's folder for build results, seen from a test executable in it.
pub fn target() -> std::path::PathBuf {
    let executable = std::env::current_exe().expect("a test knows its own path");
    executable.ancestors().nth(3).expect("tests lie in target/PROFILE/deps").to_path_buf()
}
