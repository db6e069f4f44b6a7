//! The targets of coverage-guided fuzzing: each takes any bytes and makes something of them that must neither panic nor
//! take more memory than its input warrants. `cargo xtask fuzz TARGET` runs them in libFuzzer, which also limits the time.

mod targets;

pub use targets::{TARGETS, Target};

use std::path::Path;

/// Writes what a target begins with into a folder: its own seeds, and what is committed of the kind it reads.
///
/// # Errors
/// If a file cannot be read or written.
pub fn write_seeds(target: &Target, root: &Path, folder: &Path) -> std::io::Result<usize> {
    std::fs::create_dir_all(folder)?;
    let seeds = (target.seeds)(root)?;
    for (index, seed) in seeds.iter().enumerate() {
        std::fs::write(folder.join(format!("seed-{index:04}")), seed)?;
    }
    Ok(seeds.len())
}
