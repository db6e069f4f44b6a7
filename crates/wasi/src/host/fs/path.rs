//! How a path is spelled: the last component, what leads to it, and how it ends. Linux resolves what leads to it first,
//! and asks each operation what becomes of the last; a slash behind it means a folder. Section "Pathname resolution" of
//! POSIX, and `path_resolution(7)`.

/// A path taken apart at its last component.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Spelling<'a> {
    /// What leads to the last component; empty for the folder that the path starts in. `..` leads to itself, so that
    /// following it shows whether it leads out.
    pub(super) parent: &'a str,
    /// The last component with the slashes behind it; empty where the path is nothing but slashes.
    pub(super) last: &'a str,
    /// The last component.
    pub(super) name: &'a str,
}

impl<'a> Spelling<'a> {
    pub(super) fn new(path: &'a str) -> Spelling<'a> {
        let trimmed = path.trim_end_matches('/');
        if trimmed.is_empty() {
            return Spelling { parent: path, last: "", name: "" };
        }
        let start = trimmed.rfind('/').map_or(0, |slash| slash + 1);
        let name = &trimmed[start..];
        Spelling { parent: if name == ".." { path } else { &path[..start] }, last: &path[start..], name }
    }

    /// Whether the last component is a name, which can be given and taken away; `.` and `..` cannot.
    pub(super) fn is_name(self) -> bool {
        !matches!(self.name, "" | "." | "..")
    }

    pub(super) fn has_slash(self) -> bool {
        self.last.len() > self.name.len()
    }

    /// Whether the path can only be that of a folder. A link at its end is then followed by every lookup.
    pub(super) fn asks_for_folder(self) -> bool {
        self.has_slash() || !self.is_name()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_taken_apart_at_its_last_component() {
        let parts = |path| {
            let spelling = Spelling::new(path);
            (spelling.parent, spelling.last, spelling.name, spelling.asks_for_folder())
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
