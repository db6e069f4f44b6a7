//! For build scripts: hashes a crate's sources. Cached code is valid only for the sources that generated it, and sources
//! change far more often than version numbers.
//!
//! The hash includes the manifest. A crate with dependencies that affect cached code pins each of them to one version in
//! its manifest, because a published crate is built without the workspace's lock file.

#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};

/// Sets `env!("SOURCE_ID")` for the crate that is being built. It is a hash of the contents and paths of the manifest and
/// all files below `src`, as 16 hexadecimal digits.
///
/// # Errors
/// If a file cannot be read, or if the caller is not a build script.
pub fn emit() -> std::io::Result<()> {
    let root = std::env::var_os("CARGO_MANIFEST_DIR").ok_or_else(|| std::io::Error::other("not in a build script"))?;
    println!("cargo::rerun-if-changed=src");
    println!("cargo::rerun-if-changed=Cargo.toml");
    println!("cargo::rustc-env=SOURCE_ID={:016x}", hash(Path::new(&root))?);
    Ok(())
}

fn hash(root: &Path) -> std::io::Result<u64> {
    let mut files = vec![root.join("Cargo.toml")];
    collect(&root.join("src"), &mut files)?;
    // The order of directory entries is unspecified.
    files.sort();
    let mut hash = Fnv(0xcbf2_9ce4_8422_2325);
    for file in files {
        let name = file.strip_prefix(root).unwrap_or(&file).to_string_lossy().replace('\\', "/");
        let contents = std::fs::read(&file)?;
        hash.add(name.as_bytes());
        hash.add(&(contents.len() as u64).to_le_bytes());
        hash.add(&contents);
    }
    Ok(hash.0)
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() { collect(&path, files)? } else { files.push(path) }
    }
    Ok(())
}

/// The FNV-1a hash, which suffices to distinguish versions of a program.
struct Fnv(u64);

impl Fnv {
    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changing_renaming_or_adding_a_file_changes_the_hash() {
        let root = std::env::temp_dir().join(format!("source-id-{}", std::process::id()));
        let write = |name: &str, text: &str| std::fs::write(root.join(name), text).unwrap();
        std::fs::create_dir_all(root.join("src/inner")).unwrap();
        write("Cargo.toml", "[dependencies]\nregalloc2 = \"=0.15.1\"\n");
        write("src/lib.rs", "mod inner;");
        write("src/inner/a.rs", "one");
        let first = hash(&root).unwrap();
        assert_eq!(hash(&root).unwrap(), first);
        write("src/inner/a.rs", "two");
        let second = hash(&root).unwrap();
        std::fs::rename(root.join("src/inner/a.rs"), root.join("src/inner/b.rs")).unwrap();
        let third = hash(&root).unwrap();
        write("src/inner/c.rs", "");
        let fourth = hash(&root).unwrap();
        // Another version of a pinned dependency.
        write("Cargo.toml", "[dependencies]\nregalloc2 = \"=0.15.2\"\n");
        let fifth = hash(&root).unwrap();
        std::fs::remove_dir_all(&root).unwrap();
        let mut all = vec![first, second, third, fourth, fifth];
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 5);
    }
}
