//! Files and directories below a guest's preopened directories. A directory is on the host (`native.rs`) or in memory
//! (`memory.rs`). Both fail with EPERM if a path is absolute or leaves the directory through `..` or a symbolic link. All
//! other errors are those of Linux. Only this module checks permissions: a read-only directory refuses every change below
//! it, like a read-only mount (`readonly.rs`), and a file permits the operations that it was opened for.

// Some of these tests run only on Linux.
#[cfg(test)]
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
mod conformance;
pub(crate) mod memory;
mod native;
mod path;
mod readonly;

use super::transfer::{read_chunks, write_chunks};
use super::{Errno, Error, Result, Wait};
use memory::MemoryDir;
use rustix::fd::BorrowedFd;
use std::io::{self, IoSlice, IoSliceMut, SeekFrom};
use std::path::Path;

/// The permissions of a guest in a preopened directory and everything below it.
///
/// ```
/// use kinglet_wasi::{FsPerms, MemoryDir, WasiCtx};
///
/// let (data, work) = (MemoryDir::new(), MemoryDir::new());
/// let mut builder = WasiCtx::builder();
/// builder.preopened_memory(&data, "/data", FsPerms::ReadOnly);
/// builder.preopened_memory(&work, "/work", FsPerms::ReadWrite);
/// # drop(builder.build()?);
/// # Ok::<(), kinglet::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FsPerms {
    /// The guest can read files and list directories. Every change fails as on a read-only mount: with EROFS unless
    /// another error applies.
    ReadOnly,
    /// The guest can also create, write, rename and remove files and directories.
    ReadWrite,
}

impl FsPerms {
    /// Fails with the error that `refusal` returns unless the guest may make changes.
    fn require_write(self, refusal: impl FnOnce() -> Error) -> Result<()> {
        match self {
            FsPerms::ReadOnly => Err(refusal()),
            FsPerms::ReadWrite => Ok(()),
        }
    }
}

/// The flags with which to open a path. Without `read` and `write`, a file is opened for reading.
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
    /// Do not wait for the other end of a FIFO.
    pub(crate) nonblock: bool,
}

/// An opened file or directory.
#[derive(Debug)]
pub(crate) enum Opened<F = File, D = Directory> {
    File(F),
    Directory(D),
}

impl<F, D> Opened<F, D> {
    fn map<F2, D2>(self, file: impl FnOnce(F) -> F2, directory: impl FnOnce(D) -> D2) -> Opened<F2, D2> {
        match self {
            Opened::File(opened) => Opened::File(file(opened)),
            Opened::Directory(opened) => Opened::Directory(directory(opened)),
        }
    }
}

/// The type of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum FileKind {
    BlockDevice,
    CharacterDevice,
    Directory,
    RegularFile,
    Socket,
    SymbolicLink,
    Other,
}

/// The metadata of a file. Times are nanoseconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Metadata {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    pub(crate) kind: FileKind,
    pub(crate) links: u64,
    pub(crate) size: u64,
    pub(crate) accessed: u64,
    pub(crate) modified: u64,
    pub(crate) changed: u64,
}

/// An entry of a directory.
#[derive(Debug)]
pub(crate) struct DirEntry {
    pub(crate) inode: u64,
    pub(crate) kind: FileKind,
    pub(crate) name: String,
}

/// The change of a time stamp.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum SetTime {
    Keep,
    Now,
    /// Nanoseconds since 1970.
    To(u64),
}

/// The access pattern that a guest announces for a range of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Advice {
    Normal,
    Sequential,
    Random,
    WillNeed,
    DontNeed,
    NoReuse,
}

/// An open directory, and the guest's permissions below it.
#[derive(Debug)]
pub(crate) struct Directory {
    backend: DirectoryBackend,
    perms: FsPerms,
}

/// The file system of a directory.
#[derive(Debug)]
enum DirectoryBackend {
    Native(native::Directory),
    Memory(memory::Directory),
}

/// Calls a method that both variants of a backend have.
macro_rules! dispatch {
    ($enum:ident, $backend:expr, $variant:ident => $call:expr) => {
        match $backend {
            $enum::Native($variant) => $call,
            $enum::Memory($variant) => $call,
        }
    };
}

impl Directory {
    /// Opens a directory of the host.
    pub(crate) fn open_ambient(path: &Path, perms: FsPerms) -> io::Result<Directory> {
        Ok(Directory { backend: DirectoryBackend::Native(native::Directory::open_ambient(path)?), perms })
    }

    /// Opens the root of a tree in memory.
    pub(crate) fn memory(tree: &MemoryDir, perms: FsPerms) -> Directory {
        Directory { backend: DirectoryBackend::Memory(tree.root()), perms }
    }

    pub(crate) fn open(&self, path: &str, how: &OpenHow, wait: &dyn Wait) -> Result<Opened> {
        if how.directory && how.create {
            return Err(Errno::INVAL.into());
        }
        match self.perms {
            FsPerms::ReadOnly => self.open_read_only(path, how, wait),
            FsPerms::ReadWrite => self.open_backend(path, how, wait),
        }
    }

    /// Opens a path without a check of the permissions.
    fn open_backend(&self, path: &str, how: &OpenHow, wait: &dyn Wait) -> Result<Opened> {
        let perms = self.perms;
        let opened = match &self.backend {
            DirectoryBackend::Native(directory) => {
                directory.open(path, how, wait)?.map(FileBackend::Native, DirectoryBackend::Native)
            }
            DirectoryBackend::Memory(directory) => {
                directory.open(path, how)?.map(FileBackend::Memory, DirectoryBackend::Memory)
            }
        };
        let (readable, writable) = (how.read || !how.write, how.write);
        Ok(opened.map(|backend| File { backend, perms, readable, writable }, |backend| Directory { backend, perms }))
    }

    pub(crate) fn create_directory(&self, path: &str) -> Result<()> {
        self.perms.require_write(|| self.creation_error(path, true))?;
        dispatch!(DirectoryBackend, &self.backend, directory => directory.create_directory(path))
    }

    pub(crate) fn remove_directory(&self, path: &str) -> Result<()> {
        self.perms.require_write(|| self.removal_error(path, Errno::INVAL, Errno::NOTEMPTY))?;
        dispatch!(DirectoryBackend, &self.backend, directory => directory.remove_directory(path))
    }

    pub(crate) fn unlink_file(&self, path: &str) -> Result<()> {
        self.perms.require_write(|| self.removal_error(path, Errno::ISDIR, Errno::ISDIR))?;
        dispatch!(DirectoryBackend, &self.backend, directory => directory.unlink_file(path))
    }

    pub(crate) fn rename(&self, old_path: &str, to: &Directory, new_path: &str, wait: &dyn Wait) -> Result<()> {
        self.perms.require_write(|| self.rename_error(old_path, to, new_path))?;
        to.perms.require_write(|| self.rename_error(old_path, to, new_path))?;
        match (&self.backend, &to.backend) {
            (DirectoryBackend::Native(from), DirectoryBackend::Native(into)) => from.rename(old_path, into, new_path),
            (DirectoryBackend::Memory(from), DirectoryBackend::Memory(into)) if from.shares_tree(into) => {
                from.rename(old_path, into, new_path, wait)
            }
            _ => Err(self.rename_error(old_path, to, new_path)),
        }
    }

    /// Both directories must be writable, because the guest can change the file through either name.
    pub(crate) fn link(&self, old_path: &str, to: &Directory, new_path: &str) -> Result<()> {
        self.perms.require_write(|| self.link_error(old_path, to, new_path))?;
        to.perms.require_write(|| self.link_error(old_path, to, new_path))?;
        match (&self.backend, &to.backend) {
            (DirectoryBackend::Native(from), DirectoryBackend::Native(into)) => from.link(old_path, into, new_path),
            (DirectoryBackend::Memory(from), DirectoryBackend::Memory(into)) if from.shares_tree(into) => {
                from.link(old_path, into, new_path)
            }
            _ => Err(self.link_error(old_path, to, new_path)),
        }
    }

    /// Returns whether the two directories behave like parts of one mount: they are in the same file system and have the
    /// same permissions.
    fn is_same_mount(&self, other: &Directory) -> bool {
        let same_file_system = match (&self.backend, &other.backend) {
            (DirectoryBackend::Native(_), DirectoryBackend::Native(_)) => true,
            (DirectoryBackend::Memory(this), DirectoryBackend::Memory(other)) => this.shares_tree(other),
            _ => false,
        };
        same_file_system && self.perms == other.perms
    }

    /// Fails with EPERM if the target is absolute, because it would leave the directory.
    pub(crate) fn symlink(&self, target: &str, path: &str) -> Result<()> {
        self.perms.require_write(|| self.creation_error(path, false))?;
        if target.starts_with('/') {
            return Err(Errno::PERM.into());
        }
        dispatch!(DirectoryBackend, &self.backend, directory => directory.symlink(target, path))
    }

    pub(crate) fn read_link(&self, path: &str) -> Result<String> {
        dispatch!(DirectoryBackend, &self.backend, directory => directory.read_link(path))
    }

    pub(crate) fn metadata(&self, path: &str, follow: bool) -> Result<Metadata> {
        dispatch!(DirectoryBackend, &self.backend, directory => directory.metadata(path, follow))
    }

    /// Succeeds for every path if neither time changes, as on Linux.
    pub(crate) fn set_times(&self, path: &str, follow: bool, accessed: SetTime, modified: SetTime) -> Result<()> {
        if (accessed, modified) == (SetTime::Keep, SetTime::Keep) {
            return Ok(());
        }
        self.perms.require_write(|| self.set_times_error(path, follow))?;
        dispatch!(DirectoryBackend, &self.backend, directory => directory.set_times(path, follow, accessed, modified))
    }

    pub(crate) fn own_metadata(&self) -> Result<Metadata> {
        dispatch!(DirectoryBackend, &self.backend, directory => directory.own_metadata())
    }

    pub(crate) fn set_own_times(&self, accessed: SetTime, modified: SetTime) -> Result<()> {
        self.set_times(".", true, accessed, modified)
    }

    pub(crate) fn sync(&self) -> Result<()> {
        match &self.backend {
            DirectoryBackend::Native(directory) => directory.sync(),
            DirectoryBackend::Memory(_) => Ok(()),
        }
    }

    /// Returns the entries of this directory, `.` and `..` first. `..` has the inode of this directory, because the parent
    /// may be outside the preopened directory. Skips names that are not UTF-8, because no path of a guest can contain them.
    /// Fails with ENOMEM if there are more than `limit` entries.
    pub(crate) fn entries(&self, limit: usize, wait: &dyn Wait) -> Result<Vec<DirEntry>> {
        let inode = self.own_metadata()?.inode;
        let dots = [".", ".."].map(|name| DirEntry { inode, kind: FileKind::Directory, name: name.to_owned() });
        let mut entries = Vec::from(dots);
        let mut visit = |entry: DirEntry| {
            if entries.len() >= limit {
                return Err(Errno::NOMEM.into());
            }
            entries.push(entry);
            Ok(())
        };
        dispatch!(DirectoryBackend, &self.backend, directory => directory.each_entry(&mut visit, wait))?;
        Ok(entries)
    }
}

/// An open file that is not a directory.
#[derive(Debug)]
pub(crate) struct File {
    backend: FileBackend,
    /// The permissions of the directory in which it was opened. They apply to changes of the file's times.
    perms: FsPerms,
    /// Whether it is open for reading.
    readable: bool,
    /// Whether it is open for writing.
    writable: bool,
}

/// The file system of a file.
#[derive(Debug)]
enum FileBackend {
    Native(native::File),
    Memory(memory::File),
}

impl File {
    /// Fails with `errno` if the file is not open for reading.
    fn check_readable(&self, errno: Errno) -> Result<()> {
        if self.readable { Ok(()) } else { Err(errno.into()) }
    }

    /// Fails with `errno` if the file is not open for writing.
    fn check_writable(&self, errno: Errno) -> Result<()> {
        if self.writable { Ok(()) } else { Err(errno.into()) }
    }

    /// Returns the descriptor to poll, or `None` for a file that is always ready.
    pub(crate) fn pollable(&self) -> Option<BorrowedFd<'_>> {
        match &self.backend {
            FileBackend::Native(file) => file.pollable(),
            FileBackend::Memory(_) => None,
        }
    }

    /// Returns the number of bytes between the position and the end of the file, or in the FIFO's buffer.
    pub(crate) fn available(&self) -> u64 {
        dispatch!(FileBackend, &self.backend, file => file.available())
    }

    pub(crate) fn read(&self, into: &mut [IoSliceMut<'_>], nonblock: bool, wait: &dyn Wait) -> Result<usize> {
        self.check_readable(Errno::BADF)?;
        match &self.backend {
            FileBackend::Native(file) => file.read(into, nonblock, wait),
            FileBackend::Memory(file) => read_chunks(into, wait, |chunk, _| file.read(chunk)),
        }
    }

    pub(crate) fn write(&self, parts: &[IoSlice<'_>], nonblock: bool, wait: &dyn Wait) -> Result<usize> {
        self.check_writable(Errno::BADF)?;
        match &self.backend {
            FileBackend::Native(file) => file.write(parts, nonblock, wait),
            FileBackend::Memory(file) => write_chunks(parts, wait, |chunk, _| file.write(chunk, wait)),
        }
    }

    pub(crate) fn read_at(
        &self,
        into: &mut [IoSliceMut<'_>],
        offset: u64,
        nonblock: bool,
        wait: &dyn Wait,
    ) -> Result<usize> {
        self.check_readable(Errno::BADF)?;
        read_chunks(into, wait, |chunk, done| {
            let offset = offset.saturating_add(done as u64);
            match &self.backend {
                FileBackend::Native(file) => file.read_at(chunk, offset, nonblock || done > 0, wait),
                FileBackend::Memory(file) => file.read_at(chunk, offset),
            }
        })
    }

    /// Writes at `offset`, even if the file is in append mode.
    pub(crate) fn write_at(
        &self,
        parts: &[IoSlice<'_>],
        offset: u64,
        nonblock: bool,
        wait: &dyn Wait,
    ) -> Result<usize> {
        self.check_writable(Errno::BADF)?;
        write_chunks(parts, wait, |chunk, done| {
            let offset = offset.saturating_add(done as u64);
            match &self.backend {
                FileBackend::Native(file) => file.write_at(chunk, offset, nonblock, wait),
                FileBackend::Memory(file) => file.write_at(chunk, offset, wait),
            }
        })
    }

    /// Sets whether each write goes to the end of the file.
    pub(crate) fn set_append(&self, append: bool) -> Result<()> {
        dispatch!(FileBackend, &self.backend, file => file.set_append(append))
    }

    pub(crate) fn seek(&self, to: SeekFrom) -> Result<u64> {
        dispatch!(FileBackend, &self.backend, file => file.seek(to))
    }

    pub(crate) fn metadata(&self) -> Result<Metadata> {
        dispatch!(FileBackend, &self.backend, file => file.metadata())
    }

    /// Fails with EINVAL if the file is not open for writing, as `ftruncate` does.
    pub(crate) fn set_size(&self, size: u64, wait: &dyn Wait) -> Result<()> {
        self.check_writable(Errno::INVAL)?;
        match &self.backend {
            FileBackend::Native(file) => file.set_size(size),
            FileBackend::Memory(file) => file.set_size(size, wait),
        }
    }

    pub(crate) fn set_times(&self, accessed: SetTime, modified: SetTime) -> Result<()> {
        if (accessed, modified) == (SetTime::Keep, SetTime::Keep) {
            return Ok(());
        }
        self.perms.require_write(|| Errno::ROFS.into())?;
        dispatch!(FileBackend, &self.backend, file => file.set_times(accessed, modified))
    }

    /// Extends the file with zeros so that it contains the range.
    pub(crate) fn allocate(&self, offset: u64, length: u64, wait: &dyn Wait) -> Result<()> {
        self.check_writable(Errno::BADF)?;
        dispatch!(FileBackend, &self.backend, file => file.allocate(offset, length, wait))
    }

    /// Passes the hint to the host. Files in memory ignore it.
    pub(crate) fn advise(&self, offset: u64, length: u64, advice: Advice) -> Result<()> {
        match &self.backend {
            FileBackend::Native(file) => file.advise(offset, length, advice),
            FileBackend::Memory(_) => Ok(()),
        }
    }

    pub(crate) fn sync(&self) -> Result<()> {
        match &self.backend {
            FileBackend::Native(file) => file.sync(),
            FileBackend::Memory(_) => Ok(()),
        }
    }

    pub(crate) fn datasync(&self) -> Result<()> {
        match &self.backend {
            FileBackend::Native(file) => file.datasync(),
            FileBackend::Memory(_) => Ok(()),
        }
    }
}
