//! Files and folders below the folders a guest was given. Every path is resolved by a capability (`Dir`): no path
//! string reaches the operating system unchecked, and one that is absolute, climbs out with `..`, or goes out through
//! a symbolic link is refused with EPERM. A folder given for reading only refuses every change, here and nowhere
//! else, with EROFS, as a file system mounted read-only does.
//!
//! Files are opened without blocking, which means nothing to a regular file; a FIFO or device is waited for through
//! [`Wait`]. So opening a FIFO never hangs, and a read that waits for its first writer can be stopped.

use super::stdio::{read_fd, write_fd};
use super::{Result, Wait};
use cap_fs_ext::{
    DirExt, FollowSymlinks, MetadataExt, OpenOptionsFollowExt, OpenOptionsMaybeDirExt, OpenOptionsSyncExt,
    SystemTimeSpec,
};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, FileType, FileTypeExt, OpenOptions};
use rustix::fd::{AsFd, BorrowedFd};
use rustix::fs::{DirEntryExt, OFlags, SeekFrom, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};
use rustix::io::Errno;
use std::io::{self, IoSlice, IoSliceMut};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// What a guest may do in a folder and everything below it.
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
    pub(crate) sync: bool,
    pub(crate) dsync: bool,
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

/// An open folder.
#[derive(Debug)]
pub(crate) struct Directory {
    dir: Dir,
    access: DirAccess,
}

impl Directory {
    /// Opens a folder of the host: the only door from paths of the embedder to capabilities.
    pub(crate) fn open_ambient(path: &Path, access: DirAccess) -> io::Result<Directory> {
        Ok(Directory { dir: Dir::open_ambient_dir(path, ambient_authority())?, access })
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
                Err(super::Error::Io(error)) if error.kind() == io::ErrorKind::NotFound => {}
                Ok(Node::Directory(_)) => return Err(Errno::ISDIR.into()),
                other => return other,
            }
        }
        self.open_node(path, how)
    }

    fn open_node(&self, path: &str, how: &OpenHow) -> Result<Node> {
        let write = how.write || how.create || how.truncate;
        let mut options = OpenOptions::new();
        options.read(how.read || !write).write(write).truncate(how.truncate);
        options.create(how.create && !how.exclusive).create_new(how.create && how.exclusive);
        options.follow(if how.follow { FollowSymlinks::Yes } else { FollowSymlinks::No });
        options.maybe_dir(true).nonblock(true).sync(how.sync).dsync(how.dsync);
        let file = self.dir.open_with(path, &options)?;
        let kind = Kind::from(file.metadata()?.file_type());
        if kind == Kind::Directory {
            return Ok(Node::Directory(Directory { dir: Dir::from_std_file(file.into_std()), access: self.access }));
        }
        if how.directory {
            return Err(Errno::NOTDIR.into());
        }
        let file = File { file, access: self.access, regular: kind == Kind::RegularFile };
        if how.append {
            file.set_append(true)?;
        }
        Ok(Node::File(file))
    }

    pub(crate) fn create_directory(&self, path: &str) -> Result<()> {
        self.access.writable()?;
        Ok(self.dir.create_dir(path)?)
    }

    pub(crate) fn remove_directory(&self, path: &str) -> Result<()> {
        self.access.writable()?;
        // `rmdir` takes a folder with or without a slash; `a/` must not become `a/.`, which it refuses.
        let name = path.trim_end_matches('/');
        Ok(self.dir.remove_dir(if name.is_empty() { path } else { name })?)
    }

    pub(crate) fn unlink_file(&self, path: &str) -> Result<()> {
        self.access.writable()?;
        if path.ends_with('/') {
            // A trailing slash asks for a folder, and folders are not unlinked.
            let kind = Kind::from(self.dir.metadata(path)?.file_type());
            return Err(if kind == Kind::Directory { Errno::ISDIR } else { Errno::NOTDIR }.into());
        }
        Ok(self.dir.remove_file(path)?)
    }

    pub(crate) fn rename(&self, old_path: &str, to: &Directory, new_path: &str) -> Result<()> {
        self.access.writable()?;
        to.access.writable()?;
        if new_path.ends_with('/') && !self.dir.symlink_metadata(old_path)?.is_dir() {
            return Err(Errno::NOTDIR.into());
        }
        Ok(self.dir.rename(old_path, &to.dir, new_path)?)
    }

    /// Both folders must be writable: through the new name the old file could be changed.
    pub(crate) fn link(&self, old_path: &str, to: &Directory, new_path: &str) -> Result<()> {
        self.access.writable()?;
        to.access.writable()?;
        if new_path.ends_with('/') {
            return Err(to.name_with_slash(new_path));
        }
        Ok(self.dir.hard_link(old_path, &to.dir, new_path)?)
    }

    pub(crate) fn symlink(&self, target: &str, path: &str) -> Result<()> {
        self.access.writable()?;
        if path.ends_with('/') {
            return Err(self.name_with_slash(path));
        }
        Ok(self.dir.symlink(target, path)?)
    }

    /// Why a name that ends in a slash cannot be given to something that is not a folder.
    fn name_with_slash(&self, path: &str) -> super::Error {
        match self.dir.metadata(path) {
            Ok(metadata) if metadata.is_dir() => Errno::EXIST.into(),
            Ok(_) => Errno::NOTDIR.into(),
            Err(error) => error.into(),
        }
    }

    pub(crate) fn read_link(&self, path: &str) -> Result<String> {
        let target = self.dir.read_link(path)?;
        target.into_os_string().into_string().map_err(|_| Errno::ILSEQ.into())
    }

    pub(crate) fn metadata(&self, path: &str, follow: bool) -> Result<Metadata> {
        let metadata = if follow { self.dir.metadata(path) } else { self.dir.symlink_metadata(path) }?;
        if path.ends_with('/') && !metadata.is_dir() && !metadata.is_symlink() {
            return Err(Errno::NOTDIR.into());
        }
        Ok(Metadata::from(metadata))
    }

    pub(crate) fn set_times(&self, path: &str, follow: bool, accessed: SetTime, modified: SetTime) -> Result<()> {
        self.access.writable()?;
        let (accessed, modified) = (accessed.spec()?, modified.spec()?);
        let set = if follow { Dir::set_times } else { Dir::set_symlink_times };
        Ok(set(&self.dir, path, accessed, modified)?)
    }

    pub(crate) fn own_metadata(&self) -> Result<Metadata> {
        Ok(Metadata::from(self.dir.dir_metadata()?))
    }

    pub(crate) fn set_own_times(&self, accessed: SetTime, modified: SetTime) -> Result<()> {
        self.set_times(".", true, accessed, modified)
    }

    pub(crate) fn sync(&self) -> Result<()> {
        match self.open_node(".", &OpenHow { read: true, ..OpenHow::default() })? {
            Node::Directory(own) => Ok(rustix::fs::fsync(&own.dir)?),
            Node::File(_) => Err(Errno::NOTDIR.into()),
        }
    }

    /// The names in this folder, `.` and `..` first. `..` carries this folder's own inode: what lies above is not
    /// the guest's to know. Names that are not UTF-8 are left out, since no path of a guest can spell them. ENOMEM for
    /// more than `limit` names; a long listing can be interrupted.
    pub(crate) fn entries(&self, limit: usize, wait: &dyn Wait) -> Result<Vec<Entry>> {
        let own = self.own_metadata()?;
        let dots = [".", ".."].map(|name| Entry { inode: own.inode, kind: Kind::Directory, name: name.to_owned() });
        let mut entries = Vec::from(dots);
        for entry in self.dir.entries()? {
            wait.check()?;
            if entries.len() >= limit {
                return Err(Errno::NOMEM.into());
            }
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let kind = entry.file_type().map_or(Kind::Other, Kind::from);
            entries.push(Entry { inode: entry.ino(), kind, name });
        }
        Ok(entries)
    }
}

/// An open file that is not a folder.
#[derive(Debug)]
pub(crate) struct File {
    file: cap_std::fs::File,
    access: DirAccess,
    regular: bool,
}

impl File {
    /// The descriptor to poll; `None` for a regular file, which is always ready.
    pub(crate) fn pollable(&self) -> Option<BorrowedFd<'_>> {
        (!self.regular).then(|| self.file.as_fd())
    }

    /// How many bytes lie between the position and the end, or wait in a FIFO.
    pub(crate) fn available(&self) -> u64 {
        if !self.regular {
            return rustix::io::ioctl_fionread(&self.file).unwrap_or(0);
        }
        let position = rustix::fs::tell(&self.file).unwrap_or(0);
        self.file.metadata().map_or(0, |metadata| metadata.len().saturating_sub(position))
    }

    pub(crate) fn read(&self, into: &mut [IoSliceMut<'_>], nonblock: bool, wait: &dyn Wait) -> Result<usize> {
        read_fd(self.file.as_fd(), self.regular, into, nonblock, wait)
    }

    pub(crate) fn write(&self, parts: &[IoSlice<'_>], nonblock: bool, wait: &dyn Wait) -> Result<usize> {
        write_fd(self.file.as_fd(), self.regular, parts, nonblock, wait)
    }

    pub(crate) fn read_at(&self, into: &mut [IoSliceMut<'_>], offset: u64) -> Result<usize> {
        Ok(rustix::io::preadv(&self.file, into, offset)?)
    }

    /// Writes at `offset`, which an appending file honours too (Linux on its own would append).
    pub(crate) fn write_at(&self, parts: &[IoSlice<'_>], offset: u64) -> Result<usize> {
        let appending = rustix::fs::fcntl_getfl(&self.file)?.contains(OFlags::APPEND);
        if appending {
            self.set_append(false)?;
        }
        let written = rustix::io::pwritev(&self.file, parts, offset);
        if appending {
            self.set_append(true)?;
        }
        Ok(written?)
    }

    /// Whether each write goes to the end of the file.
    pub(crate) fn set_append(&self, append: bool) -> Result<()> {
        let mut flags = rustix::fs::fcntl_getfl(&self.file)?;
        flags.set(OFlags::APPEND, append);
        Ok(rustix::fs::fcntl_setfl(&self.file, flags)?)
    }

    pub(crate) fn seek(&self, to: SeekFrom) -> Result<u64> {
        Ok(rustix::fs::seek(&self.file, to)?)
    }

    pub(crate) fn metadata(&self) -> Result<Metadata> {
        Ok(Metadata::from(self.file.metadata()?))
    }

    pub(crate) fn set_size(&self, size: u64) -> Result<()> {
        self.access.writable()?;
        Ok(rustix::fs::ftruncate(&self.file, size)?)
    }

    pub(crate) fn set_times(&self, accessed: SetTime, modified: SetTime) -> Result<()> {
        self.access.writable()?;
        let times = Timestamps { last_access: accessed.timespec()?, last_modification: modified.timespec()? };
        Ok(rustix::fs::futimens(&self.file, &times)?)
    }

    pub(crate) fn allocate(&self, offset: u64, length: u64) -> Result<()> {
        self.access.writable()?;
        Ok(rustix::fs::fallocate(&self.file, rustix::fs::FallocateFlags::empty(), offset, length)?)
    }

    #[cfg(target_os = "linux")]
    pub(crate) fn advise(&self, offset: u64, length: u64, advice: rustix::fs::Advice) -> Result<()> {
        Ok(rustix::fs::fadvise(&self.file, offset, std::num::NonZeroU64::new(length), advice)?)
    }

    pub(crate) fn sync(&self) -> Result<()> {
        Ok(rustix::fs::fsync(&self.file)?)
    }

    pub(crate) fn datasync(&self) -> Result<()> {
        Ok(rustix::fs::fdatasync(&self.file)?)
    }
}

impl From<FileType> for Kind {
    fn from(file_type: FileType) -> Kind {
        if file_type.is_dir() {
            Kind::Directory
        } else if file_type.is_file() {
            Kind::RegularFile
        } else if file_type.is_symlink() {
            Kind::SymbolicLink
        } else if file_type.is_block_device() {
            Kind::BlockDevice
        } else if file_type.is_char_device() {
            Kind::CharacterDevice
        } else if file_type.is_socket() {
            Kind::Socket
        } else {
            Kind::Other
        }
    }
}

impl From<cap_std::fs::Metadata> for Metadata {
    fn from(metadata: cap_std::fs::Metadata) -> Metadata {
        let seconds = |seconds: i64, nanoseconds: i64| {
            let whole = u64::try_from(seconds).unwrap_or(0).saturating_mul(1_000_000_000);
            whole.saturating_add(u64::try_from(nanoseconds).unwrap_or(0))
        };
        use cap_std::fs::MetadataExt as Unix;
        Metadata {
            device: MetadataExt::dev(&metadata),
            inode: MetadataExt::ino(&metadata),
            kind: Kind::from(metadata.file_type()),
            links: MetadataExt::nlink(&metadata),
            size: metadata.len(),
            accessed: seconds(Unix::atime(&metadata), Unix::atime_nsec(&metadata)),
            modified: seconds(Unix::mtime(&metadata), Unix::mtime_nsec(&metadata)),
            changed: seconds(Unix::ctime(&metadata), Unix::ctime_nsec(&metadata)),
        }
    }
}

impl SetTime {
    fn spec(self) -> Result<Option<SystemTimeSpec>> {
        match self {
            SetTime::Keep => Ok(None),
            SetTime::Now => Ok(Some(SystemTimeSpec::SymbolicNow)),
            SetTime::To(nanoseconds) => {
                let time = SystemTime::UNIX_EPOCH.checked_add(Duration::from_nanos(nanoseconds)).ok_or(Errno::INVAL)?;
                Ok(Some(SystemTimeSpec::Absolute(cap_std::time::SystemTime::from_std(time))))
            }
        }
    }

    fn timespec(self) -> Result<Timespec> {
        Ok(match self {
            SetTime::Keep => Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
            SetTime::Now => Timespec { tv_sec: 0, tv_nsec: UTIME_NOW },
            SetTime::To(nanoseconds) => {
                let time = Duration::from_nanos(nanoseconds);
                Timespec::try_from(time).map_err(|_| Errno::INVAL)?
            }
        })
    }
}
