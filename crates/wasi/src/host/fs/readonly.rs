//! The errors of changes below a read-only directory, and of renames and links between two different preopens. They are
//! those of Linux for a read-only mount and for two mounts. Linux performs other checks before it fails with EROFS, in
//! an order that depends on the system call: `mkdir` of an existing name fails with EEXIST. This module only reads
//! metadata and never calls an operation that changes the file system.

use super::path::SplitPath;
use super::{Directory, FileKind, FsPerms, OpenHow, Opened};
use crate::host::{Errno, Error, Result, Wait};

/// The maximum number of symbolic links that the resolution of one path follows, as on Linux.
const MAX_SYMLINKS: usize = 40;

impl Directory {
    /// Opens an existing file or directory for reading. Linux permits writes to devices and FIFOs on a read-only mount.
    /// This method refuses them, because a read-only directory must not permit any change on the host.
    pub(super) fn open_read_only(&self, path: &str, how: &OpenHow, wait: &dyn Wait) -> Result<Opened> {
        let found = OpenHow { create: false, exclusive: false, ..*how };
        if !how.write && !how.create && !how.truncate {
            return self.open_backend(path, &found, wait);
        }
        let follow = how.follow && !how.exclusive;
        let (path, follow) =
            if how.create { (self.creation_path(path, follow)?, false) } else { (path.to_owned(), follow) };
        let kind = match self.metadata(&path, follow) {
            Ok(metadata) => metadata.kind,
            Err(Error::Errno(Errno::NOENT)) if how.create => return Err(Errno::ROFS.into()),
            Err(error) => return Err(error),
        };
        match kind {
            _ if how.create && how.exclusive => Err(Errno::EXIST.into()),
            FileKind::Directory if how.create => Err(Errno::ISDIR.into()),
            _ if how.directory && kind != FileKind::Directory => Err(Errno::NOTDIR.into()),
            FileKind::SymbolicLink => Err(Errno::LOOP.into()),
            FileKind::Directory => Err(Errno::ISDIR.into()),
            _ if how.write || how.truncate => Err(Errno::ROFS.into()),
            _ => self.open_backend(&path, &found, wait),
        }
    }

    /// Returns the path at which opening `path` with `create` would create a file: the target of the symbolic links at
    /// its end if `follow` is set, `path` itself otherwise. Fails with EISDIR for a trailing slash, and if the parent is
    /// not a directory.
    fn creation_path(&self, path: &str, follow: bool) -> Result<String> {
        let mut path = path.to_owned();
        for _ in 0..=MAX_SYMLINKS {
            self.check_parent(&path)?;
            let split = SplitPath::new(&path);
            if split.is_entry_name() && split.has_trailing_slash() {
                return Err(Errno::ISDIR.into());
            }
            match self.read_link(&path) {
                Ok(target) if follow && target.starts_with('/') => return Err(Errno::PERM.into()),
                Ok(target) if follow => path = format!("{}{target}", split.parent),
                _ => return Ok(path),
            }
        }
        Err(Errno::LOOP.into())
    }

    /// Fails if the parent of the last component is not a directory.
    fn check_parent(&self, path: &str) -> Result<()> {
        let parent = SplitPath::new(path).parent;
        if parent.is_empty() { Ok(()) } else { self.metadata(parent, true).map(drop) }
    }

    /// Returns the error of creating an entry at `path`. Only a new directory may have a trailing slash in its path.
    pub(super) fn creation_error(&self, path: &str, directory: bool) -> Error {
        let split = SplitPath::new(path);
        if let Err(error) = self.check_parent(path) {
            return error;
        }
        if !split.is_entry_name() {
            return Errno::EXIST.into();
        }
        match self.metadata(&format!("{}{}", split.parent, split.name), false) {
            Ok(_) => Errno::EXIST.into(),
            Err(Error::Errno(Errno::NOENT)) if directory || !split.has_trailing_slash() => Errno::ROFS.into(),
            Err(error) => error,
        }
    }

    /// Returns the error of removing the entry at `path`: `dot` if the path ends in `.`, `dot_dot` if it ends in `..`.
    pub(super) fn removal_error(&self, path: &str, dot: Errno, dot_dot: Errno) -> Error {
        match (self.check_parent(path), SplitPath::new(path).name) {
            (Err(error), _) => error,
            (Ok(()), ".") => dot.into(),
            (Ok(()), "..") => dot_dot.into(),
            (Ok(()), _) => Errno::ROFS.into(),
        }
    }

    /// Returns the error of a rename below a read-only directory, or between two mounts.
    pub(super) fn rename_error(&self, old_path: &str, to: &Directory, new_path: &str) -> Error {
        if let Err(error) = self.check_parent(old_path).and_then(|()| to.check_parent(new_path)) {
            return error;
        }
        if !self.is_same_mount(to) {
            return Errno::XDEV.into();
        }
        let names = [old_path, new_path].iter().all(|path| SplitPath::new(path).is_entry_name());
        if names { Errno::ROFS.into() } else { Errno::BUSY.into() }
    }

    /// Returns the error of a link below a read-only directory, or between two mounts. Linux checks the new name before
    /// it compares the mounts.
    pub(super) fn link_error(&self, old_path: &str, to: &Directory, new_path: &str) -> Error {
        if let Err(error) = self.metadata(old_path, false) {
            return error;
        }
        match to.creation_error(new_path, false) {
            Error::Errno(Errno::ROFS) if to.perms == FsPerms::ReadWrite => Errno::XDEV.into(),
            error => error,
        }
    }

    /// Returns the error of setting the times of `path`.
    pub(super) fn set_times_error(&self, path: &str, follow: bool) -> Error {
        match self.metadata(path, follow) {
            Ok(_) => Errno::ROFS.into(),
            Err(error) => error,
        }
    }
}
