//! The answers of Linux to a change below a file system that is mounted read-only, and to one that concerns two mounts.
//! It finds out whether the change makes sense before it says EROFS, and in another order for each call: `mkdir` of an
//! existing name is EEXIST. Nothing here calls anything that changes; every answer is found by looking.

use super::path::Spelling;
use super::{DirAccess, Directory, Kind, Node, OpenHow};
use crate::host::{Errno, Error, Result, Wait};

/// How many symbolic links one path may follow.
const LINKS: usize = 40;

impl Directory {
    /// Opens what exists, for reading. Unlike Linux it refuses to write to devices and FIFOs too, which do not belong
    /// to the file system but to the machine: a folder given for reading lets nothing be changed.
    pub(super) fn open_read_only(&self, path: &str, how: &OpenHow, wait: &dyn Wait) -> Result<Node> {
        let found = OpenHow { create: false, exclusive: false, ..*how };
        if !how.write && !how.create && !how.truncate {
            return self.open_node(path, &found, wait);
        }
        let follow = how.follow && !how.exclusive;
        let (path, follow) = if how.create { (self.end_of(path, follow)?, false) } else { (path.to_owned(), follow) };
        let kind = match self.metadata(&path, follow) {
            Ok(metadata) => metadata.kind,
            Err(Error::Errno(Errno::NOENT)) if how.create => return Err(Errno::ROFS.into()),
            Err(error) => return Err(error),
        };
        match kind {
            _ if how.create && how.exclusive => Err(Errno::EXIST.into()),
            Kind::Directory if how.create => Err(Errno::ISDIR.into()),
            _ if how.directory && kind != Kind::Directory => Err(Errno::NOTDIR.into()),
            Kind::SymbolicLink => Err(Errno::LOOP.into()),
            Kind::Directory => Err(Errno::ISDIR.into()),
            _ if how.write || how.truncate => Err(Errno::ROFS.into()),
            _ => self.open_node(&path, &found, wait),
        }
    }

    /// The path of the file that `path` would make, which is another where it ends in a link that is followed. EISDIR
    /// for one with a slash behind it, and an error when what leads to it is no folder.
    fn end_of(&self, path: &str, follow: bool) -> Result<String> {
        let mut path = path.to_owned();
        for _ in 0..=LINKS {
            self.parent(&path)?;
            let spelling = Spelling::new(&path);
            if spelling.is_name() && spelling.has_slash() {
                return Err(Errno::ISDIR.into());
            }
            match self.read_link(&path) {
                Ok(target) if follow && target.starts_with('/') => return Err(Errno::PERM.into()),
                Ok(target) if follow => path = format!("{}{target}", spelling.parent),
                _ => return Ok(path),
            }
        }
        Err(Errno::LOOP.into())
    }

    /// An error when what leads to the last component is no folder.
    fn parent(&self, path: &str) -> Result<()> {
        let parent = Spelling::new(path).parent;
        if parent.is_empty() { Ok(()) } else { self.metadata(parent, true).map(drop) }
    }

    /// Why `path` cannot become the name of something new; of all things, only for a folder may a slash follow it.
    pub(super) fn refuse_new(&self, path: &str, folder: bool) -> Error {
        let spelling = Spelling::new(path);
        if let Err(error) = self.parent(path) {
            return error;
        }
        if !spelling.is_name() {
            return Errno::EXIST.into();
        }
        match self.metadata(&format!("{}{}", spelling.parent, spelling.name), false) {
            Ok(_) => Errno::EXIST.into(),
            Err(Error::Errno(Errno::NOENT)) if folder || !spelling.has_slash() => Errno::ROFS.into(),
            Err(error) => error,
        }
    }

    /// Why the name at the end of `path` cannot be removed; `dot` and `dots` where there is `.` or `..` in its place.
    pub(super) fn refuse_removal(&self, path: &str, dot: Errno, dots: Errno) -> Error {
        match (self.parent(path), Spelling::new(path).name) {
            (Err(error), _) => error,
            (Ok(()), ".") => dot.into(),
            (Ok(()), "..") => dots.into(),
            (Ok(()), _) => Errno::ROFS.into(),
        }
    }

    /// Why a rename is refused below a folder given for reading, or between two folders that are apart.
    pub(super) fn refuse_rename(&self, old_path: &str, to: &Directory, new_path: &str) -> Error {
        if let Err(error) = self.parent(old_path).and_then(|()| to.parent(new_path)) {
            return error;
        }
        if self.is_apart_from(to) {
            return Errno::XDEV.into();
        }
        let names = [old_path, new_path].iter().all(|path| Spelling::new(path).is_name());
        if names { Errno::ROFS.into() } else { Errno::BUSY.into() }
    }

    /// The same for a link; Linux finds out whether the new name can be made before it finds that they are apart.
    pub(super) fn refuse_link(&self, old_path: &str, to: &Directory, new_path: &str) -> Error {
        if let Err(error) = self.metadata(old_path, false) {
            return error;
        }
        match to.refuse_new(new_path, false) {
            Error::Errno(Errno::ROFS) if to.access == DirAccess::ReadWrite => Errno::XDEV.into(),
            error => error,
        }
    }

    pub(super) fn refuse_times(&self, path: &str, follow: bool) -> Error {
        match self.metadata(path, follow) {
            Ok(_) => Errno::ROFS.into(),
            Err(error) => error,
        }
    }
}
