//! Files and folders below the folders a guest was given. A folder is one of the host's (`native.rs`) or one in memory
//! (`memory.rs`); both refuse with EPERM a path that is absolute, climbs out with `..`, or goes out through a symbolic
//! link; in all else they answer as Linux does. Whether something may be changed is decided here and nowhere else:
//! below a folder given for reading only every change is refused, as a file system mounted read-only does
//! (`readonly.rs`), and a file does what it was opened for.

// Off Linux only some of the tests run.
#[cfg(test)]
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
mod conformance;
pub(crate) mod memory;
mod native;
mod path;
mod readonly;

use super::transfer::{read_pieces, write_pieces};
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
    /// Read and list. Every change fails, as on a file system mounted read-only: with EROFS where it would else have
    /// succeeded.
    ReadOnly,
    /// Read, list, create, write, rename and remove.
    ReadWrite,
}

impl DirAccess {
    /// The one place where a change is allowed, or refused for a reason.
    fn allow(self, refusal: impl FnOnce() -> Error) -> Result<()> {
        match self {
            DirAccess::ReadOnly => Err(refusal()),
            DirAccess::ReadWrite => Ok(()),
        }
    }
}

/// How to open a path. What is opened neither for reading nor for writing is opened for reading.
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
    /// Not to wait for the other end of a FIFO.
    pub(crate) nonblock: bool,
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

impl Directory {
    /// Opens a folder of the host.
    pub(crate) fn open_ambient(path: &Path, access: DirAccess) -> io::Result<Directory> {
        Ok(Directory { place: Place::Native(native::Directory::open_ambient(path)?), access })
    }

    /// The root of a tree in memory.
    pub(crate) fn memory(tree: &MemoryDir, access: DirAccess) -> Directory {
        Directory { place: Place::Memory(tree.root()), access }
    }

    pub(crate) fn open(&self, path: &str, how: &OpenHow, wait: &dyn Wait) -> Result<Node> {
        if how.directory && how.create {
            return Err(Errno::INVAL.into());
        }
        match self.access {
            DirAccess::ReadOnly => self.open_read_only(path, how, wait),
            DirAccess::ReadWrite => self.open_node(path, how, wait),
        }
    }

    fn open_node(&self, path: &str, how: &OpenHow, wait: &dyn Wait) -> Result<Node> {
        let access = self.access;
        let file = |content| File { content, access, reads: how.read || !how.write, writes: how.write };
        Ok(match &self.place {
            Place::Native(directory) => match directory.open(path, how, wait)? {
                native::Node::File(found) => Node::File(file(Content::Native(found))),
                native::Node::Directory(found) => Node::Directory(Directory { place: Place::Native(found), access }),
            },
            Place::Memory(directory) => match directory.open(path, how)? {
                memory::Node::File(found) => Node::File(file(Content::Memory(found))),
                memory::Node::Directory(found) => Node::Directory(Directory { place: Place::Memory(found), access }),
            },
        })
    }

    pub(crate) fn create_directory(&self, path: &str) -> Result<()> {
        self.access.allow(|| self.refuse_new(path, true))?;
        either!(Place, &self.place, directory => directory.create_directory(path))
    }

    pub(crate) fn remove_directory(&self, path: &str) -> Result<()> {
        self.access.allow(|| self.refuse_removal(path, Errno::INVAL, Errno::NOTEMPTY))?;
        either!(Place, &self.place, directory => directory.remove_directory(path))
    }

    pub(crate) fn unlink_file(&self, path: &str) -> Result<()> {
        self.access.allow(|| self.refuse_removal(path, Errno::ISDIR, Errno::ISDIR))?;
        either!(Place, &self.place, directory => directory.unlink_file(path))
    }

    pub(crate) fn rename(&self, old_path: &str, to: &Directory, new_path: &str, wait: &dyn Wait) -> Result<()> {
        self.access.allow(|| self.refuse_rename(old_path, to, new_path))?;
        to.access.allow(|| self.refuse_rename(old_path, to, new_path))?;
        match (&self.place, &to.place) {
            (Place::Native(from), Place::Native(into)) => from.rename(old_path, into, new_path),
            (Place::Memory(from), Place::Memory(into)) if from.shares_tree(into) => {
                from.rename(old_path, into, new_path, wait)
            }
            _ => Err(self.refuse_rename(old_path, to, new_path)),
        }
    }

    /// Both folders must be writable: through the new name the old file could be changed.
    pub(crate) fn link(&self, old_path: &str, to: &Directory, new_path: &str) -> Result<()> {
        self.access.allow(|| self.refuse_link(old_path, to, new_path))?;
        to.access.allow(|| self.refuse_link(old_path, to, new_path))?;
        match (&self.place, &to.place) {
            (Place::Native(from), Place::Native(into)) => from.link(old_path, into, new_path),
            (Place::Memory(from), Place::Memory(into)) if from.shares_tree(into) => from.link(old_path, into, new_path),
            _ => Err(self.refuse_link(old_path, to, new_path)),
        }
    }

    /// Whether the two are in different places, or were given for different uses: as different as two mounts.
    fn is_apart_from(&self, other: &Directory) -> bool {
        let same_place = match (&self.place, &other.place) {
            (Place::Native(_), Place::Native(_)) => true,
            (Place::Memory(this), Place::Memory(other)) => this.shares_tree(other),
            _ => false,
        };
        !same_place || self.access != other.access
    }

    /// EPERM for an absolute target, which would lead out.
    pub(crate) fn symlink(&self, target: &str, path: &str) -> Result<()> {
        self.access.allow(|| self.refuse_new(path, false))?;
        if target.starts_with('/') {
            return Err(Errno::PERM.into());
        }
        either!(Place, &self.place, directory => directory.symlink(target, path))
    }

    pub(crate) fn read_link(&self, path: &str) -> Result<String> {
        either!(Place, &self.place, directory => directory.read_link(path))
    }

    pub(crate) fn metadata(&self, path: &str, follow: bool) -> Result<Metadata> {
        either!(Place, &self.place, directory => directory.metadata(path, follow))
    }

    /// Where neither time is to change, Linux does not even look at the path.
    pub(crate) fn set_times(&self, path: &str, follow: bool, accessed: SetTime, modified: SetTime) -> Result<()> {
        if (accessed, modified) == (SetTime::Keep, SetTime::Keep) {
            return Ok(());
        }
        self.access.allow(|| self.refuse_times(path, follow))?;
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

/// An open file that is not a folder, and what may be done to it: what it was opened for, and for its times what may be
/// done in the folder it was found in.
#[derive(Debug)]
pub(crate) struct File {
    content: Content,
    access: DirAccess,
    reads: bool,
    writes: bool,
}

#[derive(Debug)]
enum Content {
    Native(native::File),
    Memory(memory::File),
}

impl File {
    /// `errno` when the file is not open for reading.
    fn open_for_reading(&self, errno: Errno) -> Result<()> {
        if self.reads { Ok(()) } else { Err(errno.into()) }
    }

    /// `errno` when the file is not open for writing.
    fn open_for_writing(&self, errno: Errno) -> Result<()> {
        if self.writes { Ok(()) } else { Err(errno.into()) }
    }

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
        self.open_for_reading(Errno::BADF)?;
        match &self.content {
            Content::Native(file) => file.read(into, nonblock, wait),
            Content::Memory(file) => read_pieces(into, wait, |piece, _| file.read(piece)),
        }
    }

    pub(crate) fn write(&self, parts: &[IoSlice<'_>], nonblock: bool, wait: &dyn Wait) -> Result<usize> {
        self.open_for_writing(Errno::BADF)?;
        match &self.content {
            Content::Native(file) => file.write(parts, nonblock, wait),
            Content::Memory(file) => write_pieces(parts, wait, |piece, _| file.write(piece, wait)),
        }
    }

    pub(crate) fn read_at(
        &self,
        into: &mut [IoSliceMut<'_>],
        offset: u64,
        nonblock: bool,
        wait: &dyn Wait,
    ) -> Result<usize> {
        self.open_for_reading(Errno::BADF)?;
        read_pieces(into, wait, |piece, done| {
            let offset = offset.saturating_add(done as u64);
            match &self.content {
                Content::Native(file) => file.read_at(piece, offset, nonblock || done > 0, wait),
                Content::Memory(file) => file.read_at(piece, offset),
            }
        })
    }

    /// Writes at `offset`, which an appending file honours too.
    pub(crate) fn write_at(
        &self,
        parts: &[IoSlice<'_>],
        offset: u64,
        nonblock: bool,
        wait: &dyn Wait,
    ) -> Result<usize> {
        self.open_for_writing(Errno::BADF)?;
        write_pieces(parts, wait, |piece, done| {
            let offset = offset.saturating_add(done as u64);
            match &self.content {
                Content::Native(file) => file.write_at(piece, offset, nonblock, wait),
                Content::Memory(file) => file.write_at(piece, offset, wait),
            }
        })
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

    /// EINVAL for a file that is not open for writing, as `ftruncate` says.
    pub(crate) fn set_size(&self, size: u64, wait: &dyn Wait) -> Result<()> {
        self.open_for_writing(Errno::INVAL)?;
        match &self.content {
            Content::Native(file) => file.set_size(size),
            Content::Memory(file) => file.set_size(size, wait),
        }
    }

    pub(crate) fn set_times(&self, accessed: SetTime, modified: SetTime) -> Result<()> {
        if (accessed, modified) == (SetTime::Keep, SetTime::Keep) {
            return Ok(());
        }
        self.access.allow(|| Errno::ROFS.into())?;
        either!(Content, &self.content, file => file.set_times(accessed, modified))
    }

    /// Sees that the range exists, as zeros where it did not.
    pub(crate) fn allocate(&self, offset: u64, length: u64, wait: &dyn Wait) -> Result<()> {
        self.open_for_writing(Errno::BADF)?;
        either!(Content, &self.content, file => file.allocate(offset, length, wait))
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
