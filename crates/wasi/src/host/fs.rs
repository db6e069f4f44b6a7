//! Files and folders below the folders a guest was given. A folder is one of the host's (`native.rs`) or one in memory
//! (`memory.rs`); both refuse with EPERM a path that is absolute, climbs out with `..`, or goes out through a symbolic
//! link. Whether something may be changed is decided here and nowhere else: below a folder given for reading only
//! every change is refused with EROFS, as a file system mounted read-only does.

pub(crate) mod memory;
mod native;

use super::{Errno, Error, Result, Wait};
use memory::MemoryDir;
use rustix::fd::BorrowedFd;
use std::io::{self, IoSlice, IoSliceMut, SeekFrom};
use std::path::Path;

/// What a guest may do in a folder and everything below it.
///
/// ```
/// use kinglet_wasi::{DirAccess, MemoryDir, WasiCtx};
///
/// let (data, work) = (MemoryDir::new(), MemoryDir::new());
/// let mut builder = WasiCtx::builder();
/// builder.preopened_memory(&data, "/data", DirAccess::ReadOnly);
/// builder.preopened_memory(&work, "/work", DirAccess::ReadWrite);
/// # drop(builder.build()?);
/// # Ok::<(), kinglet::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DirAccess {
    /// Read and list. Every change fails with EROFS.
    ReadOnly,
    /// Read, list, create, write, rename and remove.
    ReadWrite,
}

impl DirAccess {
    /// The one place where a change is allowed or refused.
    fn writable(self) -> Result<()> {
        match self {
            DirAccess::ReadOnly => Err(Errno::ROFS.into()),
            DirAccess::ReadWrite => Ok(()),
        }
    }
}

/// How to open a path.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct OpenHow {
    pub(crate) follow: bool,
    pub(crate) read: bool,
    pub(crate) write: bool,
    pub(crate) create: bool,
    pub(crate) exclusive: bool,
    pub(crate) truncate: bool,
    pub(crate) directory: bool,
    pub(crate) append: bool,
}

/// What a path turned out to be.
#[derive(Debug)]
pub(crate) enum Node {
    File(File),
    Directory(Directory),
}

/// What kind of thing a path names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    BlockDevice,
    CharacterDevice,
    Directory,
    RegularFile,
    Socket,
    SymbolicLink,
    Other,
}

/// What is known about a file. Times are nanoseconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Metadata {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    pub(crate) kind: Kind,
    pub(crate) links: u64,
    pub(crate) size: u64,
    pub(crate) accessed: u64,
    pub(crate) modified: u64,
    pub(crate) changed: u64,
}

/// One name in a folder.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) inode: u64,
    pub(crate) kind: Kind,
    pub(crate) name: String,
}

/// What to do with a time stamp.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum SetTime {
    Keep,
    Now,
    /// Nanoseconds since 1970.
    To(u64),
}

/// How a guest says it will use a range of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Advice {
    Normal,
    Sequential,
    Random,
    WillNeed,
    DontNeed,
    NoReuse,
}

/// An open folder, and what may be done below it.
#[derive(Debug)]
pub(crate) struct Directory {
    place: Place,
    access: DirAccess,
}

#[derive(Debug)]
enum Place {
    Native(native::Directory),
    Memory(memory::Directory),
}

/// Calls the same method of whichever a folder or a file is.
macro_rules! either {
    ($enum:ident, $this:expr, $one:ident => $call:expr) => {
        match $this {
            $enum::Native($one) => $call,
            $enum::Memory($one) => $call,
        }
    };
}

/// Calls a method that concerns two folders: EXDEV when they are not in the same place.
macro_rules! in_one_place {
    ($this:expr, $to:expr, ($from:ident, $into:ident) => $call:expr) => {
        match ($this, $to) {
            (Place::Native($from), Place::Native($into)) => $call,
            (Place::Memory($from), Place::Memory($into)) => $call,
            _ => Err(Errno::XDEV.into()),
        }
    };
}

impl Directory {
    /// Opens a folder of the host.
    pub(crate) fn open_ambient(path: &Path, access: DirAccess) -> io::Result<Directory> {
        Ok(Directory { place: Place::Native(native::Directory::open_ambient(path)?), access })
    }

    /// The root of a tree in memory.
    pub(crate) fn memory(tree: &MemoryDir, access: DirAccess) -> Directory {
        Directory { place: Place::Memory(tree.root()), access }
    }

    pub(crate) fn open(&self, path: &str, how: &OpenHow) -> Result<Node> {
        if how.write || how.create || how.truncate {
            self.access.writable()?;
        }
        if how.directory && how.create {
            return Err(Errno::INVAL.into());
        }
        if how.directory && how.write {
            return Err(Errno::ISDIR.into());
        }
        // Creating needs write access, which opening what already exists may not have and need not.
        if how.create && !how.exclusive && !how.write && !how.truncate {
            match self.open_node(path, &OpenHow { create: false, ..*how }) {
                Err(Error::Errno(Errno::NOENT)) => {}
                Ok(Node::Directory(_)) => return Err(Errno::ISDIR.into()),
                other => return other,
            }
        }
        self.open_node(path, how)
    }

    fn open_node(&self, path: &str, how: &OpenHow) -> Result<Node> {
        let access = self.access;
        Ok(match &self.place {
            Place::Native(directory) => match directory.open(path, how)? {
                native::Node::File(file) => Node::File(File { content: Content::Native(file), access }),
                native::Node::Directory(found) => Node::Directory(Directory { place: Place::Native(found), access }),
            },
            Place::Memory(directory) => match directory.open(path, how)? {
                memory::Node::File(file) => Node::File(File { content: Content::Memory(file), access }),
                memory::Node::Directory(found) => Node::Directory(Directory { place: Place::Memory(found), access }),
            },
        })
    }

    pub(crate) fn create_directory(&self, path: &str) -> Result<()> {
        self.access.writable()?;
        either!(Place, &self.place, directory => directory.create_directory(path))
    }

    pub(crate) fn remove_directory(&self, path: &str) -> Result<()> {
        self.access.writable()?;
        either!(Place, &self.place, directory => directory.remove_directory(path))
    }

    pub(crate) fn unlink_file(&self, path: &str) -> Result<()> {
        self.access.writable()?;
        if path.ends_with('/') {
            // A trailing slash asks for a folder, and folders are not unlinked.
            let kind = self.metadata(path, true)?.kind;
            return Err(if kind == Kind::Directory { Errno::ISDIR } else { Errno::NOTDIR }.into());
        }
        either!(Place, &self.place, directory => directory.unlink_file(path))
    }

    pub(crate) fn rename(&self, old_path: &str, to: &Directory, new_path: &str) -> Result<()> {
        self.access.writable()?;
        to.access.writable()?;
        if new_path.ends_with('/') && self.metadata(old_path, false)?.kind != Kind::Directory {
            return Err(Errno::NOTDIR.into());
        }
        in_one_place!(&self.place, &to.place, (from, into) => from.rename(old_path, into, new_path))
    }

    /// Both folders must be writable: through the new name the old file could be changed.
    pub(crate) fn link(&self, old_path: &str, to: &Directory, new_path: &str) -> Result<()> {
        self.access.writable()?;
        to.access.writable()?;
        if new_path.ends_with('/') {
            return Err(to.name_with_slash(new_path));
        }
        in_one_place!(&self.place, &to.place, (from, into) => from.link(old_path, into, new_path))
    }

    /// EPERM for an absolute target, which would lead out.
    pub(crate) fn symlink(&self, target: &str, path: &str) -> Result<()> {
        self.access.writable()?;
        if path.ends_with('/') {
            return Err(self.name_with_slash(path));
        }
        either!(Place, &self.place, directory => directory.symlink(target, path))
    }

    /// Why a name that ends in a slash cannot be given to something that is not a folder.
    fn name_with_slash(&self, path: &str) -> Error {
        match self.metadata(path.trim_end_matches('/'), true) {
            Ok(metadata) if metadata.kind == Kind::Directory => Errno::EXIST.into(),
            Ok(_) => Errno::NOTDIR.into(),
            Err(error) => error,
        }
    }

    pub(crate) fn read_link(&self, path: &str) -> Result<String> {
        either!(Place, &self.place, directory => directory.read_link(path))
    }

    pub(crate) fn metadata(&self, path: &str, follow: bool) -> Result<Metadata> {
        let metadata = either!(Place, &self.place, directory => directory.metadata(path, follow))?;
        if path.ends_with('/') && !matches!(metadata.kind, Kind::Directory | Kind::SymbolicLink) {
            return Err(Errno::NOTDIR.into());
        }
        Ok(metadata)
    }

    pub(crate) fn set_times(&self, path: &str, follow: bool, accessed: SetTime, modified: SetTime) -> Result<()> {
        self.access.writable()?;
        either!(Place, &self.place, directory => directory.set_times(path, follow, accessed, modified))
    }

    pub(crate) fn own_metadata(&self) -> Result<Metadata> {
        either!(Place, &self.place, directory => directory.own_metadata())
    }

    pub(crate) fn set_own_times(&self, accessed: SetTime, modified: SetTime) -> Result<()> {
        self.set_times(".", true, accessed, modified)
    }

    pub(crate) fn sync(&self) -> Result<()> {
        match &self.place {
            Place::Native(directory) => directory.sync(),
            Place::Memory(_) => Ok(()),
        }
    }

    /// The names in this folder, `.` and `..` first. `..` carries this folder's own inode: what lies above is not
    /// the guest's to know. Names that are not UTF-8 are left out, since no path of a guest can spell them. ENOMEM for
    /// more than `limit` names; a long listing can be interrupted.
    pub(crate) fn entries(&self, limit: usize, wait: &dyn Wait) -> Result<Vec<Entry>> {
        let inode = self.own_metadata()?.inode;
        let dots = [".", ".."].map(|name| Entry { inode, kind: Kind::Directory, name: name.to_owned() });
        let mut entries = Vec::from(dots);
        let mut put = |entry: Entry| {
            if entries.len() >= limit {
                return Err(Errno::NOMEM.into());
            }
            entries.push(entry);
            Ok(())
        };
        either!(Place, &self.place, directory => directory.each_entry(&mut put, wait))?;
        Ok(entries)
    }
}

/// An open file that is not a folder, and what may be done to it.
#[derive(Debug)]
pub(crate) struct File {
    content: Content,
    access: DirAccess,
}

#[derive(Debug)]
enum Content {
    Native(native::File),
    Memory(memory::File),
}

impl File {
    /// The descriptor to poll; `None` for a file that is always ready.
    pub(crate) fn pollable(&self) -> Option<BorrowedFd<'_>> {
        match &self.content {
            Content::Native(file) => file.pollable(),
            Content::Memory(_) => None,
        }
    }

    /// How many bytes lie between the position and the end, or wait in a FIFO.
    pub(crate) fn available(&self) -> u64 {
        either!(Content, &self.content, file => file.available())
    }

    pub(crate) fn read(&self, into: &mut [IoSliceMut<'_>], nonblock: bool, wait: &dyn Wait) -> Result<usize> {
        match &self.content {
            Content::Native(file) => file.read(into, nonblock, wait),
            Content::Memory(file) => file.read(into),
        }
    }

    pub(crate) fn write(&self, parts: &[IoSlice<'_>], nonblock: bool, wait: &dyn Wait) -> Result<usize> {
        self.access.writable()?;
        match &self.content {
            Content::Native(file) => file.write(parts, nonblock, wait),
            Content::Memory(file) => file.write(parts),
        }
    }

    pub(crate) fn read_at(&self, into: &mut [IoSliceMut<'_>], offset: u64) -> Result<usize> {
        either!(Content, &self.content, file => file.read_at(into, offset))
    }

    /// Writes at `offset`, which an appending file honours too.
    pub(crate) fn write_at(&self, parts: &[IoSlice<'_>], offset: u64) -> Result<usize> {
        self.access.writable()?;
        either!(Content, &self.content, file => file.write_at(parts, offset))
    }

    /// Whether each write goes to the end of the file.
    pub(crate) fn set_append(&self, append: bool) -> Result<()> {
        either!(Content, &self.content, file => file.set_append(append))
    }

    pub(crate) fn seek(&self, to: SeekFrom) -> Result<u64> {
        either!(Content, &self.content, file => file.seek(to))
    }

    pub(crate) fn metadata(&self) -> Result<Metadata> {
        either!(Content, &self.content, file => file.metadata())
    }

    pub(crate) fn set_size(&self, size: u64) -> Result<()> {
        self.access.writable()?;
        either!(Content, &self.content, file => file.set_size(size))
    }

    pub(crate) fn set_times(&self, accessed: SetTime, modified: SetTime) -> Result<()> {
        self.access.writable()?;
        either!(Content, &self.content, file => file.set_times(accessed, modified))
    }

    /// Sees that the range exists, as zeros where it did not.
    pub(crate) fn allocate(&self, offset: u64, length: u64) -> Result<()> {
        self.access.writable()?;
        either!(Content, &self.content, file => file.allocate(offset, length))
    }

    /// A hint, which memory has no use for.
    pub(crate) fn advise(&self, offset: u64, length: u64, advice: Advice) -> Result<()> {
        match &self.content {
            Content::Native(file) => file.advise(offset, length, advice),
            Content::Memory(_) => Ok(()),
        }
    }

    pub(crate) fn sync(&self) -> Result<()> {
        match &self.content {
            Content::Native(file) => file.sync(),
            Content::Memory(_) => Ok(()),
        }
    }

    pub(crate) fn datasync(&self) -> Result<()> {
        match &self.content {
            Content::Native(file) => file.datasync(),
            Content::Memory(_) => Ok(()),
        }
    }
}
