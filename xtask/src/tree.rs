//! The repository's files: tracked files, and untracked files that are not ignored.

use std::path::Path;
use std::process::Command;

use crate::process::output;

/// A file of the repository. Its text is empty if it is not UTF-8.
pub(crate) struct File {
    /// The path below the root, with `/` as separator.
    pub(crate) path: String,
    pub(crate) size: u64,
    pub(crate) text: String,
}

impl File {
    #[cfg(test)]
    pub(crate) fn new(path: &str, text: &str) -> File {
        File { path: path.into(), size: text.len() as u64, text: text.into() }
    }
}

/// Returns all files that are tracked, or neither tracked nor ignored, sorted by path.
pub(crate) fn files(root: &Path) -> Result<Vec<File>, String> {
    let arguments = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let listing = output(Command::new("git").current_dir(root).args(arguments))?;
    let mut files = Vec::new();
    for path in listing.split('\0').filter(|path| !path.is_empty()) {
        // A deleted file is listed until the deletion is committed.
        let Ok(bytes) = std::fs::read(root.join(path)) else { continue };
        let size = bytes.len() as u64;
        files.push(File { path: path.to_string(), size, text: String::from_utf8(bytes).unwrap_or_default() });
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}
