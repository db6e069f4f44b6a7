//! Support code for tests that span crates: running the `kinglet` program, temporary directories, and a harness for
//! tests that are found at run time.

#![forbid(unsafe_code)]

pub mod book;
pub mod folder;
pub mod harness;
pub mod hostile;
pub mod program;
pub mod suite;

/// Returns the target directory of cargo that contains this test executable.
pub fn target() -> std::path::PathBuf {
    let executable = std::env::current_exe().expect("a test knows its own path");
    executable.ancestors().nth(3).expect("tests lie in target/PROFILE/deps").to_path_buf()
}
