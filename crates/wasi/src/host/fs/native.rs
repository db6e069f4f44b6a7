//! Files and folders of the host. Every path is resolved by a capability (`Dir`): no path string reaches the operating
//! system unchecked, and a change of the tree meanwhile cannot lead a path out either. The system itself is given no
//! more than one component in a folder that was found so, and only by calls that never follow a link there; so the
//! errors are its own. A slash behind the component is not passed on, since some systems then follow a link whatever
//! the call says; its meaning is decided here. Whether something may be changed has been decided before.
//!
//! Files are opened without blocking, which means nothing to a regular file; a FIFO or device is waited for through
//! [`Wait`], when it is opened as when it is read and written.

use super::path::Spelling;
use super::{Advice, Entry, Kind, Metadata, OpenHow, SetTime};
use crate::host::transfer::{Manner, attempt, read_fd, write_fd};
use crate::host::{Errno, Error, Result, Wait};
use cap_fs_ext::{
    DirExt, FollowSymlinks, MetadataExt, OpenOptionsFollowExt, OpenOptionsMaybeDirExt, OpenOptionsSyncExt,
    SystemTimeSpec,
};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, FileType, FileTypeExt, OpenOptions, OpenOptionsExt};
use kinglet::PollFd;
use rustix::fd::{AsFd, BorrowedFd};
use rustix::fs::{AtFlags, DirEntryExt, Mode, OFlags, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};
use std::io::{self, IoSlice, IoSliceMut, SeekFrom};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

/// How long the first look for the other end of a FIFO waits for the next one, and how long the last ones do: no
/// system call waits for it and for an interrupt too.
const PAUSES: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(10));

/// What a path turned out to be.
#[derive(Debug)]
pub(crate) enum Node {
    File(File),
    Directory(Directory),
}

/// An open folder.
#[derive(Debug)]
pub(crate) struct Directory {
    dir: Dir,
}

impl Directory {
    /// The only door from paths of the embedder to capabilities.
    pub(crate) fn open_ambient(path: &Path) -> io::Result<Directory> {
        Ok(Directory { dir: Dir::open_ambient_dir(path, ambient_authority())? })
    }

    pub(crate) fn open(&self, path: &str, how: &OpenHow, wait: &dyn Wait) -> Result<Node> {
        // By looking, since opening a device can do something, and without `O_DIRECTORY`, since `Dir` does not follow a
        // link with it where the system has no `openat2`.
        if how.directory && self.metadata(path, how.follow)?.kind != Kind::Directory {
            return Err(Errno::NOTDIR.into());
        }
        // The flags themselves, since `OpenOptions` would create and truncate only what it may write to.
        let mut flags = OFlags::NOCTTY;
        flags.set(OFlags::CREATE, how.create);
        flags.set(OFlags::EXCL, how.create && how.exclusive);
        flags.set(OFlags::TRUNC, how.truncate);
        let mut options = OpenOptions::new();
        options.read(how.read || !how.write).write(how.write);
        options.custom_flags(flags.bits().try_into().map_err(|_| Errno::INVAL)?);
        options.follow(if how.follow { FollowSymlinks::Yes } else { FollowSymlinks::No });
        options.maybe_dir(true).nonblock(true);
        let file = self.open_when_read(path, how, &options, wait)?;
        let file_type = file.metadata()?.file_type();
        let kind = Kind::from(file_type);
        if kind == Kind::Directory {
            return Ok(Node::Directory(Directory { dir: Dir::from_std_file(file.into_std()) }));
        }
        if how.directory {
            return Err(Errno::NOTDIR.into());
        }
        let reads_fifo = file_type.is_fifo() && !how.write && !how.nonblock;
        let awaits_writer = AtomicBool::new(reads_fifo && wait_for_writer(file.as_fd(), wait)?);
        let file = File { file, manner: Manner::of_own(kind == Kind::RegularFile), awaits_writer };
        if how.append {
            file.set_append(true)?;
        }
        Ok(Node::File(file))
    }

    /// Calls `call` with the folder that holds the last component of `path`, and how that component is spelled.
    fn in_parent<R>(&self, path: &str, call: impl FnOnce(&Dir, Spelling<'_>) -> Result<R>) -> Result<R> {
        let last = Spelling::new(path);
        if last.parent.is_empty() { call(&self.dir, last) } else { call(&self.dir.open_dir(last.parent)?, last) }
    }

    /// Opens what can be opened now. A FIFO that is only written to waits for its reader (ENXIO before there is one), a
    /// file that another process has leased for that process to give it back (EAGAIN), unless `how` is not to wait.
    fn open_when_read(
        &self,
        path: &str,
        how: &OpenHow,
        options: &OpenOptions,
        wait: &dyn Wait,
    ) -> Result<cap_std::fs::File> {
        let mut pause = PAUSES.0;
        loop {
            let errno = match self.dir.open_with(path, options).map_err(Error::from) {
                Ok(file) => return Ok(file),
                Err(Error::Errno(errno)) if !how.nonblock => errno,
                Err(error) => return Err(error),
            };
            match errno {
                Errno::AGAIN => {}
                // A socket has no reader to wait for.
                Errno::NXIO if self.is_fifo(path, how.follow)? => {}
                errno => return Err(errno.into()),
            }
            wait.poll(&mut [], Some(pause))?;
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    fn is_fifo(&self, path: &str, follow: bool) -> Result<bool> {
        let metadata = if follow { self.dir.metadata(path) } else { self.dir.symlink_metadata(path) }?;
        Ok(metadata.file_type().is_fifo())
    }

    pub(crate) fn create_directory(&self, path: &str) -> Result<()> {
        let mode = Mode::RWXU | Mode::RWXG | Mode::RWXO;
        self.in_parent(path, |dir, last| Ok(rustix::fs::mkdirat(dir, last.name, mode)?))
    }

    pub(crate) fn remove_directory(&self, path: &str) -> Result<()> {
        self.in_parent(path, |dir, last| Ok(rustix::fs::unlinkat(dir, last.name, AtFlags::REMOVEDIR)?))
    }

    pub(crate) fn unlink_file(&self, path: &str) -> Result<()> {
        self.in_parent(path, |dir, last| {
            if last.is_name() && last.has_slash() {
                return Err(if is_folder(dir, last.name)? { Errno::ISDIR } else { Errno::NOTDIR }.into());
            }
            Ok(rustix::fs::unlinkat(dir, last.name, AtFlags::empty())?)
        })
    }

    pub(crate) fn rename(&self, old_path: &str, to: &Directory, new_path: &str) -> Result<()> {
        self.in_parent(old_path, |dir, old| {
            to.in_parent(new_path, |to, new| {
                let names = old.is_name() && new.is_name();
                if names && (old.has_slash() || new.has_slash()) && !is_folder(dir, old.name)? {
                    return Err(Errno::NOTDIR.into());
                }
                Ok(rustix::fs::renameat(dir, old.name, to, new.name)?)
            })
        })
    }

    pub(crate) fn link(&self, old_path: &str, to: &Directory, new_path: &str) -> Result<()> {
        // Linux looks for the old file before it looks where the new name goes.
        self.metadata(old_path, false)?;
        let link = |dir: &Dir, name: &str| {
            to.in_parent(new_path, |to, new| {
                refuse_slash(to, new)?;
                Ok(rustix::fs::linkat(dir, name, to, new.name, AtFlags::empty())?)
            })
        };
        // The system would follow a link with a slash behind it.
        if Spelling::new(old_path).asks_for_folder() {
            return link(&self.dir.open_dir(old_path)?, ".");
        }
        self.in_parent(old_path, |dir, old| link(dir, old.name))
    }

    pub(crate) fn symlink(&self, target: &str, path: &str) -> Result<()> {
        self.in_parent(path, |dir, last| {
            refuse_slash(dir, last)?;
            Ok(rustix::fs::symlinkat(target, dir, last.name)?)
        })
    }

    pub(crate) fn read_link(&self, path: &str) -> Result<String> {
        if Spelling::new(path).asks_for_folder() {
            self.metadata(path, true)?;
            return Err(Errno::INVAL.into());
        }
        let target = self.dir.read_link(path)?;
        target.into_os_string().into_string().map_err(|_| Errno::ILSEQ.into())
    }

    pub(crate) fn metadata(&self, path: &str, follow: bool) -> Result<Metadata> {
        // What can only be a folder is followed to: `symlink_metadata` sees one component where there are two.
        let follow = follow || Spelling::new(path).asks_for_folder();
        let metadata = if follow { self.dir.metadata(path) } else { self.dir.symlink_metadata(path) }?;
        Ok(Metadata::from(metadata))
    }

    pub(crate) fn set_times(&self, path: &str, follow: bool, accessed: SetTime, modified: SetTime) -> Result<()> {
        if follow || Spelling::new(path).asks_for_folder() {
            return self.set_times_followed(path, &timestamps(accessed, modified)?);
        }
        Ok(self.dir.set_symlink_times(path, accessed.spec()?, modified.spec()?)?)
    }

    /// Through a descriptor that stands for the path alone: to open a FIFO or a device could wait, or do something.
    #[cfg(target_os = "linux")]
    fn set_times_followed(&self, path: &str, times: &Timestamps) -> Result<()> {
        use rustix::fd::AsRawFd;
        use rustix::fs::{CWD, utimensat};
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(OFlags::PATH.bits().try_into().map_err(|_| Errno::INVAL)?);
        let place = self.dir.open_with(path, &options)?;
        match utimensat(&place, "", times, AtFlags::EMPTY_PATH) {
            // Linux takes no empty path here before 5.8.
            Err(rustix::io::Errno::INVAL) => {
                let name = format!("/proc/self/fd/{}", place.as_fd().as_raw_fd());
                Ok(utimensat(CWD, name, times, AtFlags::empty())?)
            }
            set => Ok(set?),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn set_times_followed(&self, path: &str, times: &Timestamps) -> Result<()> {
        let mut options = OpenOptions::new();
        options.read(true).maybe_dir(true).nonblock(true);
        Ok(rustix::fs::futimens(self.dir.open_with(path, &options)?, times)?)
    }

    pub(crate) fn own_metadata(&self) -> Result<Metadata> {
        Ok(Metadata::from(self.dir.dir_metadata()?))
    }

    pub(crate) fn sync(&self) -> Result<()> {
        let mut options = OpenOptions::new();
        Ok(rustix::fs::fsync(self.dir.open_with(".", options.read(true).maybe_dir(true))?)?)
    }

    /// Hands each name in this folder to `put`.
    pub(crate) fn each_entry(&self, put: &mut dyn FnMut(Entry) -> Result<()>, wait: &dyn Wait) -> Result<()> {
        for entry in self.dir.entries()? {
            wait.check()?;
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let kind = entry.file_type().map_or(Kind::Other, Kind::from);
            put(Entry { inode: entry.ino(), kind, name })?;
        }
        Ok(())
    }
}

/// Whether a name in `dir` is that of a folder; a link is none.
fn is_folder(dir: &Dir, name: &str) -> Result<bool> {
    let mode = rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW)?.st_mode;
    Ok(rustix::fs::FileType::from_raw_mode(mode) == rustix::fs::FileType::Directory)
}

/// EEXIST or ENOENT for a new name with a slash behind it, which only a folder may have.
fn refuse_slash(dir: &Dir, new: Spelling<'_>) -> Result<()> {
    if new.is_name() && new.has_slash() {
        is_folder(dir, new.name)?;
        return Err(Errno::EXIST.into());
    }
    Ok(())
}

/// Waits until a FIFO that was opened for reading has, or has had, a writer. Whether the first read has to wait for one
/// instead.
#[cfg(target_os = "linux")]
fn wait_for_writer(fifo: BorrowedFd<'_>, wait: &dyn Wait) -> Result<bool> {
    use rustix::pipe::{PipeFlags, SpliceFlags, pipe_with, tee};
    let (_reader, scratch) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
    let mut pause = PAUSES.0;
    // Ready is a FIFO with bytes in it, and one whose writers have gone again. To copy from an empty one copies nothing
    // where nobody writes, and would wait for those who do.
    while wait.poll(&mut [PollFd::readable(fifo)], Some(pause))? == 0
        && tee(fifo, &scratch, 1, SpliceFlags::NONBLOCK) == Ok(0)
    {
        pause = (pause * 2).min(PAUSES.1);
    }
    Ok(false)
}

/// Nothing tells a FIFO without a writer from one with, so that the first read waits, not opening it.
#[cfg(not(target_os = "linux"))]
fn wait_for_writer(_: BorrowedFd<'_>, _: &dyn Wait) -> Result<bool> {
    Ok(true)
}

/// An open file that is not a folder.
#[derive(Debug)]
pub(crate) struct File {
    file: cap_std::fs::File,
    manner: Manner,
    /// Whether the first read waits for a writer, since opening the FIFO did not.
    awaits_writer: AtomicBool,
}

impl File {
    /// The descriptor to poll; `None` for a regular file, which is always ready.
    pub(crate) fn pollable(&self) -> Option<BorrowedFd<'_>> {
        (!self.manner.is_regular()).then(|| self.file.as_fd())
    }

    /// How many bytes lie between the position and the end, or wait in a FIFO.
    pub(crate) fn available(&self) -> u64 {
        if !self.manner.is_regular() {
            return rustix::io::ioctl_fionread(&self.file).unwrap_or(0);
        }
        let position = rustix::fs::tell(&self.file).unwrap_or(0);
        self.file.metadata().map_or(0, |metadata| metadata.len().saturating_sub(position))
    }

    pub(crate) fn read(&self, into: &mut [IoSliceMut<'_>], nonblock: bool, wait: &dyn Wait) -> Result<usize> {
        if !nonblock && self.awaits_writer.swap(false, Ordering::Relaxed) {
            wait.poll(&mut [PollFd::readable(self.file.as_fd())], None)?;
        }
        read_fd(self.file.as_fd(), &self.manner, into, nonblock, wait)
    }

    pub(crate) fn write(&self, parts: &[IoSlice<'_>], nonblock: bool, wait: &dyn Wait) -> Result<usize> {
        write_fd(self.file.as_fd(), &self.manner, parts, nonblock, wait)
    }

    /// Reads one piece.
    pub(crate) fn read_at(
        &self,
        into: &mut [IoSliceMut<'_>],
        offset: u64,
        nonblock: bool,
        wait: &dyn Wait,
    ) -> Result<usize> {
        let ready = PollFd::readable(self.file.as_fd());
        attempt(&self.manner, ready, nonblock, wait, || rustix::io::preadv(&self.file, into, offset))
    }

    /// Writes one piece at `offset`, which an appending file honours too (Linux on its own would append).
    pub(crate) fn write_at(
        &self,
        parts: &[IoSlice<'_>],
        offset: u64,
        nonblock: bool,
        wait: &dyn Wait,
    ) -> Result<usize> {
        let appending = rustix::fs::fcntl_getfl(&self.file)?.contains(OFlags::APPEND);
        if appending {
            self.set_append(false)?;
        }
        let ready = PollFd::writable(self.file.as_fd());
        let written = attempt(&self.manner, ready, nonblock, wait, || rustix::io::pwritev(&self.file, parts, offset));
        if appending {
            self.set_append(true)?;
        }
        written
    }

    /// Whether each write goes to the end of the file.
    pub(crate) fn set_append(&self, append: bool) -> Result<()> {
        let mut flags = rustix::fs::fcntl_getfl(&self.file)?;
        flags.set(OFlags::APPEND, append);
        Ok(rustix::fs::fcntl_setfl(&self.file, flags)?)
    }

    pub(crate) fn seek(&self, to: SeekFrom) -> Result<u64> {
        let to = match to {
            SeekFrom::Start(offset) => rustix::fs::SeekFrom::Start(offset),
            SeekFrom::Current(offset) => rustix::fs::SeekFrom::Current(offset),
            SeekFrom::End(offset) => rustix::fs::SeekFrom::End(offset),
        };
        Ok(rustix::fs::seek(&self.file, to)?)
    }

    pub(crate) fn metadata(&self) -> Result<Metadata> {
        Ok(Metadata::from(self.file.metadata()?))
    }

    pub(crate) fn set_size(&self, size: u64) -> Result<()> {
        Ok(rustix::fs::ftruncate(&self.file, size)?)
    }

    pub(crate) fn set_times(&self, accessed: SetTime, modified: SetTime) -> Result<()> {
        Ok(rustix::fs::futimens(&self.file, &timestamps(accessed, modified)?)?)
    }

    /// In steps, since a file system in memory fills all of the range with zeros. The size changes with the last one.
    /// When a step fails, the blocks of those before it stay: to cut the file where it ends would give them back, and
    /// with them all that another process has written or allocated there meanwhile.
    #[cfg(target_os = "linux")]
    pub(crate) fn allocate(&self, offset: u64, length: u64, wait: &dyn Wait) -> Result<()> {
        use rustix::fs::{FallocateFlags, fallocate};
        const LEAST_STEP: u64 = 4 << 20;
        const LONGEST: Duration = Duration::from_millis(5);
        self.refuse_beyond_room(offset, length)?;
        let (mut done, mut step) = (0, LEAST_STEP);
        while length - done > step {
            let start = Instant::now();
            fallocate(&self.file, FallocateFlags::KEEP_SIZE, offset.saturating_add(done), step)?;
            wait.check()?;
            done += step;
            step = if start.elapsed() < LONGEST { step.saturating_mul(2) } else { LEAST_STEP };
        }
        Ok(fallocate(&self.file, FallocateFlags::empty(), offset.saturating_add(done), length - done)?)
    }

    /// Steps would use up all the room there is before they find that there is too little.
    #[cfg(target_os = "linux")]
    fn refuse_beyond_room(&self, offset: u64, length: u64) -> Result<()> {
        use cap_std::fs::MetadataExt as Unix;
        const BLOCK: u64 = 512;
        offset.checked_add(length).filter(|end| i64::try_from(*end).is_ok()).ok_or(Errno::FBIG)?;
        let system = rustix::fs::fstatvfs(&self.file)?;
        let here = Unix::blocks(&self.file.metadata()?).saturating_mul(BLOCK);
        let room = system.f_bfree.saturating_mul(system.f_frsize).saturating_add(here);
        // A file system may count no blocks at all.
        if system.f_blocks > 0 && length > room { Err(Errno::NOSPC.into()) } else { Ok(()) }
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) fn allocate(&self, offset: u64, length: u64, _: &dyn Wait) -> Result<()> {
        Ok(rustix::fs::fallocate(&self.file, rustix::fs::FallocateFlags::empty(), offset, length)?)
    }

    #[cfg(target_os = "linux")]
    pub(crate) fn advise(&self, offset: u64, length: u64, advice: Advice) -> Result<()> {
        use rustix::fs::Advice as Host;
        let advice = match advice {
            Advice::Normal => Host::Normal,
            Advice::Sequential => Host::Sequential,
            Advice::Random => Host::Random,
            Advice::WillNeed => Host::WillNeed,
            Advice::DontNeed => Host::DontNeed,
            Advice::NoReuse => Host::NoReuse,
        };
        Ok(rustix::fs::fadvise(&self.file, offset, std::num::NonZeroU64::new(length), advice)?)
    }

    /// A hint, not passed on where the system's call is another.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn advise(&self, _offset: u64, _length: u64, _advice: Advice) -> Result<()> {
        Ok(())
    }

    pub(crate) fn sync(&self) -> Result<()> {
        Ok(self.file.sync_all()?)
    }

    pub(crate) fn datasync(&self) -> Result<()> {
        Ok(self.file.sync_data()?)
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

fn timestamps(accessed: SetTime, modified: SetTime) -> Result<Timestamps> {
    Ok(Timestamps { last_access: accessed.timespec()?, last_modification: modified.timespec()? })
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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::tests::{After, Folder};
    use cap_std::fs::MetadataExt as Unix;
    use rustix::fs::{FallocateFlags, fallocate};

    #[test]
    fn an_interrupted_allocation_takes_no_blocks_away() {
        let folder = Folder::new();
        let dir = Directory::open_ambient(folder.path()).unwrap();
        let how = OpenHow { write: true, create: true, ..OpenHow::default() };
        let Node::File(file) = dir.open("file", &how, &After::looks(9)).unwrap() else { panic!("a folder") };
        fallocate(&file.file, FallocateFlags::KEEP_SIZE, 0, 1 << 20).unwrap();
        let before = Unix::blocks(&file.file.metadata().unwrap());
        let outcome = file.allocate(1 << 20, 64 << 20, &After::looks(0));
        assert!(matches!(outcome, Err(Error::Interrupted)), "{outcome:?}");
        let after = file.file.metadata().unwrap();
        assert!(before > 0 && Unix::blocks(&after) >= before && after.len() == 0, "{before} {after:?}");
    }
}
