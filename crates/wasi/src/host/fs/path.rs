//! Splits a path into its last component and its prefix. Linux resolves the prefix first, and the operation decides how
//! the last component is resolved. A trailing slash requires a directory. See section "Pathname resolution" of POSIX
//! and `path_resolution(7)`.

/// A path that is split before its last component.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct SplitPath<'a> {
    /// The path of the directory that contains the last component; empty for the directory in which the path starts.
    /// For a path that ends in `..` it is the whole path, so that resolving it detects whether it leaves that
    /// directory.
    pub(super) parent: &'a str,
    /// The last component with its trailing slashes; empty if the path consists of slashes.
    pub(super) last: &'a str,
    /// The last component without trailing slashes.
    pub(super) name: &'a str,
}

impl<'a> SplitPath<'a> {
    pub(super) fn new(path: &'a str) -> SplitPath<'a> {
        let trimmed = path.trim_end_matches('/');
        if trimmed.is_empty() {
            return SplitPath { parent: path, last: "", name: "" };
        }
        let start = trimmed.rfind('/').map_or(0, |slash| slash + 1);
        let name = &trimmed[start..];
        SplitPath { parent: if name == ".." { path } else { &path[..start] }, last: &path[start..], name }
    }

    /// Returns whether the last component is the name of a directory entry, that is, neither `.` nor `..`.
    pub(super) fn is_entry_name(self) -> bool {
        !matches!(self.name, "" | "." | "..")
    }

    pub(super) fn has_trailing_slash(self) -> bool {
        self.last.len() > self.name.len()
    }

    /// Returns whether the path can only name a directory. Every lookup then follows a symbolic link at its end.
    pub(super) fn must_be_directory(self) -> bool {
        self.has_trailing_slash() || !self.is_entry_name()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_split_before_its_last_component() {
        let parts = |path| {
            let split = SplitPath::new(path);
            (split.parent, split.last, split.name, split.must_be_directory())
        };
        assert_eq!(parts("a"), ("", "a", "a", false));
        assert_eq!(parts("a//"), ("", "a//", "a", true));
        assert_eq!(parts("a/b"), ("a/", "b", "b", false));
        assert_eq!(parts("a//b/"), ("a//", "b/", "b", true));
        assert_eq!(parts("a/."), ("a/", ".", ".", true));
        assert_eq!(parts("."), ("", ".", ".", true));
        assert_eq!(parts("a/.."), ("a/..", "..", "..", true));
        assert_eq!(parts("/a"), ("/", "a", "a", false));
        assert_eq!(parts("//"), ("//", "", "", true));
    }
}
