//! Helpers of the tests that cross crates: running the `kinglet` program, temporary directories, hostile modules, and a
//! harness for tests that are found at run time.

#![forbid(unsafe_code)]

pub mod book;
pub mod harness;
pub mod hostile;
pub mod program;
pub mod suite;
pub mod temp_dir;

/// The former path of [`temp_dir`].
pub mod folder {
    pub use crate::temp_dir::TempDir as Folder;
}

/// Returns cargo's target directory. The caller must be a test executable in it.
pub fn target() -> std::path::PathBuf {
    let executable = std::env::current_exe().expect("the path of the test executable is known");
    executable.ancestors().nth(3).expect("test executables are in target/PROFILE/deps").to_path_buf()
}
