//! The targets of coverage-guided fuzzing. A target processes arbitrary bytes, must not panic, and must not allocate much
//! more memory than the length of its input. `cargo xtask fuzz TARGET` runs a target in libFuzzer, which also limits its
//! time.

mod targets;

pub use targets::{TARGETS, Target};

use std::path::Path;

/// Writes the seeds of a target to a directory and returns their number. `root` is the root of the checkout, because some
/// seeds are committed files.
///
/// # Errors
/// If a file cannot be read or written.
pub fn write_seeds(target: &Target, root: &Path, directory: &Path) -> std::io::Result<usize> {
    std::fs::create_dir_all(directory)?;
    let seeds = (target.seeds)(root)?;
    for (index, seed) in seeds.iter().enumerate() {
        std::fs::write(directory.join(format!("seed-{index:04}")), seed)?;
    }
    Ok(seeds.len())
}
