//! Files and directories of the host. cap-std resolves every path relative to an open directory (`Dir`), so that no
//! path leaves it, even if another process changes the tree meanwhile. Operations that rename, create or remove an
//! entry resolve the parent this way. They then pass only the last component to the operating system, in calls that do
//! not follow a symbolic link there. The errors are thus those of the system. Before that, they remove trailing
//! slashes, because some systems follow a link before a slash in spite of the call's flags. Instead, they check that
//! the entry is a directory. The caller has checked the permissions.
//!
//! Files are opened with `O_NONBLOCK`, which has no effect on regular files. Opening, reading and writing a FIFO or a
//! device waits through [`Wait`].

use super::path::SplitPath;
use super::{Advice, DirEntry, FileKind, Metadata, OpenHow, Opened, SetTime};
use crate::host::transfer::{NonblockMode, attempt, read_fd, write_fd};
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

/// The first and the longest interval between two checks for the other end of a FIFO. No system call waits for the other
/// end and for an interrupt at the same time.
const RETRY_INTERVAL: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(10));

/// An open directory.
#[derive(Debug)]
pub(crate) struct Directory {
    dir: Dir,
}

impl Directory {
    /// Opens a directory of the embedder. This is the only place that resolves a path with ambient authority.
    pub(crate) fn open_ambient(path: &Path) -> io::Result<Directory> {
        Ok(Directory { dir: Dir::open_ambient_dir(path, ambient_authority())? })
    }

    pub(crate) fn open(&self, path: &str, how: &OpenHow, wait: &dyn Wait) -> Result<Opened<File, Directory>> {
        // Reads the metadata, because opening a device can have an effect. Does not use `O_DIRECTORY`, because with it
        // `Dir` does not follow a symbolic link on systems without `openat2`.
        if how.directory && self.metadata(path, how.follow)?.kind != FileKind::Directory {
            return Err(Errno::NOTDIR.into());
        }
        // Sets the flags directly, because `OpenOptions` creates and truncates only files that it opens for writing.
        let mut flags = OFlags::NOCTTY;
        flags.set(OFlags::CREATE, how.create);
        flags.set(OFlags::EXCL, how.create && how.exclusive);
        flags.set(OFlags::TRUNC, how.truncate);
        let mut options = OpenOptions::new();
        options.read(how.read || !how.write).write(how.write);
        options.custom_flags(flags.bits().try_into().map_err(|_| Errno::INVAL)?);
        options.follow(if how.follow { FollowSymlinks::Yes } else { FollowSymlinks::No });
        options.maybe_dir(true).nonblock(true);
        let file = self.open_retrying(path, how, &options, wait)?;
        let file_type = file.metadata()?.file_type();
        let kind = FileKind::from(file_type);
        if kind == FileKind::Directory {
            return Ok(Opened::Directory(Directory { dir: Dir::from_std_file(file.into_std()) }));
        }
        if how.directory {
            return Err(Errno::NOTDIR.into());
        }
        let reads_fifo = file_type.is_fifo() && !how.write && !how.nonblock;
        let first_read_waits = AtomicBool::new(reads_fifo && wait_for_writer(file.as_fd(), wait)?);
        let file = File { file, mode: NonblockMode::for_opened(kind == FileKind::RegularFile), first_read_waits };
        if how.append {
            file.set_append(true)?;
        }
        Ok(Opened::File(file))
    }

    /// Calls `call` with the parent directory of `path` and the last component.
    fn with_parent<R>(&self, path: &str, call: impl FnOnce(&Dir, SplitPath<'_>) -> Result<R>) -> Result<R> {
        let last = SplitPath::new(path);
        if last.parent.is_empty() { call(&self.dir, last) } else { call(&self.dir.open_dir(last.parent)?, last) }
    }

    /// Opens a path, and retries until it succeeds unless `how.nonblock` is set. Opening a FIFO for writing fails with
    /// ENXIO until it has a reader. Opening a file on which another process holds a lease fails with EAGAIN until that
    /// process releases it.
    fn open_retrying(
        &self,
        path: &str,
        how: &OpenHow,
        options: &OpenOptions,
        wait: &dyn Wait,
    ) -> Result<cap_std::fs::File> {
        let mut interval = RETRY_INTERVAL.0;
        loop {
            let errno = match self.dir.open_with(path, options).map_err(Error::from) {
                Ok(file) => return Ok(file),
                Err(Error::Errno(errno)) if !how.nonblock => errno,
                Err(error) => return Err(error),
            };
            match errno {
                Errno::AGAIN => {}
                // A socket fails with ENXIO too, but never gets a reader.
                Errno::NXIO if self.is_fifo(path, how.follow)? => {}
                errno => return Err(errno.into()),
            }
            wait.poll(&mut [], Some(interval))?;
            interval = (interval * 2).min(RETRY_INTERVAL.1);
        }
    }

    fn is_fifo(&self, path: &str, follow: bool) -> Result<bool> {
        let metadata = if follow { self.dir.metadata(path) } else { self.dir.symlink_metadata(path) }?;
        Ok(metadata.file_type().is_fifo())
    }

    pub(crate) fn create_directory(&self, path: &str) -> Result<()> {
        let mode = Mode::RWXU | Mode::RWXG | Mode::RWXO;
        self.with_parent(path, |dir, last| Ok(rustix::fs::mkdirat(dir, last.name, mode)?))
    }

    pub(crate) fn remove_directory(&self, path: &str) -> Result<()> {
        self.with_parent(path, |dir, last| Ok(rustix::fs::unlinkat(dir, last.name, AtFlags::REMOVEDIR)?))
    }

    pub(crate) fn unlink_file(&self, path: &str) -> Result<()> {
        self.with_parent(path, |dir, last| {
            if last.is_entry_name() && last.has_trailing_slash() {
                return Err(if is_directory(dir, last.name)? { Errno::ISDIR } else { Errno::NOTDIR }.into());
            }
            Ok(rustix::fs::unlinkat(dir, last.name, AtFlags::empty())?)
        })
    }

    pub(crate) fn rename(&self, old_path: &str, to: &Directory, new_path: &str) -> Result<()> {
        self.with_parent(old_path, |dir, old| {
            to.with_parent(new_path, |to, new| {
                let names = old.is_entry_name() && new.is_entry_name();
                if names && (old.has_trailing_slash() || new.has_trailing_slash()) && !is_directory(dir, old.name)? {
                    return Err(Errno::NOTDIR.into());
                }
                Ok(rustix::fs::renameat(dir, old.name, to, new.name)?)
            })
        })
    }

    pub(crate) fn link(&self, old_path: &str, to: &Directory, new_path: &str) -> Result<()> {
        // Linux checks the old path before the new one.
        self.metadata(old_path, false)?;
        let link = |dir: &Dir, name: &str| {
            to.with_parent(new_path, |to, new| {
                reject_trailing_slash(to, new)?;
                Ok(rustix::fs::linkat(dir, name, to, new.name, AtFlags::empty())?)
            })
        };
        // The system follows a symbolic link that a slash follows.
        if SplitPath::new(old_path).must_be_directory() {
            return link(&self.dir.open_dir(old_path)?, ".");
        }
        self.with_parent(old_path, |dir, old| link(dir, old.name))
    }

    pub(crate) fn symlink(&self, target: &str, path: &str) -> Result<()> {
        self.with_parent(path, |dir, last| {
            reject_trailing_slash(dir, last)?;
            Ok(rustix::fs::symlinkat(target, dir, last.name)?)
        })
    }

    pub(crate) fn read_link(&self, path: &str) -> Result<String> {
        if SplitPath::new(path).must_be_directory() {
            self.metadata(path, true)?;
            return Err(Errno::INVAL.into());
        }
        let target = self.dir.read_link(path)?;
        target.into_os_string().into_string().map_err(|_| Errno::ILSEQ.into())
    }

    pub(crate) fn metadata(&self, path: &str, follow: bool) -> Result<Metadata> {
        // Follows a path that can only name a directory, because `symlink_metadata` treats `link/.` as `link`.
        let follow = follow || SplitPath::new(path).must_be_directory();
        let metadata = if follow { self.dir.metadata(path) } else { self.dir.symlink_metadata(path) }?;
        Ok(Metadata::from(metadata))
    }

    pub(crate) fn set_times(&self, path: &str, follow: bool, accessed: SetTime, modified: SetTime) -> Result<()> {
        if follow || SplitPath::new(path).must_be_directory() {
            return self.set_times_followed(path, &timestamps(accessed, modified)?);
        }
        Ok(self.dir.set_symlink_times(path, accessed.spec()?, modified.spec()?)?)
    }

    /// Sets the times through an `O_PATH` descriptor, because opening a FIFO or a device can block or have an effect.
    #[cfg(target_os = "linux")]
    fn set_times_followed(&self, path: &str, times: &Timestamps) -> Result<()> {
        use rustix::fd::AsRawFd;
        use rustix::fs::{CWD, utimensat};
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(OFlags::PATH.bits().try_into().map_err(|_| Errno::INVAL)?);
        let target = self.dir.open_with(path, &options)?;
        match utimensat(&target, "", times, AtFlags::EMPTY_PATH) {
            // Linux supports an empty path here since 5.8.
            Err(rustix::io::Errno::INVAL) => {
                let name = format!("/proc/self/fd/{}", target.as_fd().as_raw_fd());
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

    /// Calls `visit` with each entry of this directory.
    pub(crate) fn each_entry(&self, visit: &mut dyn FnMut(DirEntry) -> Result<()>, wait: &dyn Wait) -> Result<()> {
        for entry in self.dir.entries()? {
            wait.check()?;
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let kind = entry.file_type().map_or(FileKind::Other, FileKind::from);
            visit(DirEntry { inode: entry.ino(), kind, name })?;
        }
        Ok(())
    }
}

/// Returns whether an entry of `dir` is a directory. Does not follow symbolic links.
fn is_directory(dir: &Dir, name: &str) -> Result<bool> {
    let mode = rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW)?.st_mode;
    Ok(rustix::fs::FileType::from_raw_mode(mode) == rustix::fs::FileType::Directory)
}

/// Fails with EEXIST or ENOENT if the path of a new entry has a trailing slash. Only a directory may have one.
fn reject_trailing_slash(dir: &Dir, new: SplitPath<'_>) -> Result<()> {
    if new.is_entry_name() && new.has_trailing_slash() {
        is_directory(dir, new.name)?;
        return Err(Errno::EXIST.into());
    }
    Ok(())
}

/// Waits until a FIFO that is open for reading has or had a writer. Returns whether the first read must wait for the
/// writer instead.
#[cfg(target_os = "linux")]
fn wait_for_writer(fifo: BorrowedFd<'_>, wait: &dyn Wait) -> Result<bool> {
    use rustix::pipe::{PipeFlags, SpliceFlags, pipe_with, tee};
    let (_reader, scratch) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
    let mut interval = RETRY_INTERVAL.0;
    // `poll` reports a FIFO that contains bytes, and one whose writers have all closed it. `tee` returns 0 for an empty
    // FIFO without a writer, and fails with EAGAIN for an empty one that has a writer.
    while wait.poll(&mut [PollFd::readable(fifo)], Some(interval))? == 0
        && tee(fifo, &scratch, 1, SpliceFlags::NONBLOCK) == Ok(0)
    {
        interval = (interval * 2).min(RETRY_INTERVAL.1);
    }
    Ok(false)
}

/// Returns `true`: other systems cannot detect whether a FIFO has a writer, so the first read waits instead of the open.
#[cfg(not(target_os = "linux"))]
fn wait_for_writer(_: BorrowedFd<'_>, _: &dyn Wait) -> Result<bool> {
    Ok(true)
}

/// An open file that is not a directory.
#[derive(Debug)]
pub(crate) struct File {
    file: cap_std::fs::File,
    mode: NonblockMode,
    /// Whether the first read waits for a writer, because opening the FIFO did not wait.
    first_read_waits: AtomicBool,
}

impl File {
    /// Returns the descriptor to poll, or `None` for a regular file, which is always ready.
    pub(crate) fn pollable(&self) -> Option<BorrowedFd<'_>> {
        (!self.mode.is_always_ready()).then(|| self.file.as_fd())
    }

    /// Returns the number of bytes between the position and the end of the file, or in the FIFO's buffer.
    pub(crate) fn available(&self) -> u64 {
        if !self.mode.is_always_ready() {
            return rustix::io::ioctl_fionread(&self.file).unwrap_or(0);
        }
        let position = rustix::fs::tell(&self.file).unwrap_or(0);
        self.file.metadata().map_or(0, |metadata| metadata.len().saturating_sub(position))
    }

    pub(crate) fn read(&self, into: &mut [IoSliceMut<'_>], nonblock: bool, wait: &dyn Wait) -> Result<usize> {
        if !nonblock && self.first_read_waits.swap(false, Ordering::Relaxed) {
            wait.poll(&mut [PollFd::readable(self.file.as_fd())], None)?;
        }
        read_fd(self.file.as_fd(), &self.mode, into, nonblock, wait)
    }

    pub(crate) fn write(&self, parts: &[IoSlice<'_>], nonblock: bool, wait: &dyn Wait) -> Result<usize> {
        write_fd(self.file.as_fd(), &self.mode, parts, nonblock, wait)
    }

    /// Reads at most one chunk at `offset`.
    pub(crate) fn read_at(
        &self,
        into: &mut [IoSliceMut<'_>],
        offset: u64,
        nonblock: bool,
        wait: &dyn Wait,
    ) -> Result<usize> {
        let ready = PollFd::readable(self.file.as_fd());
        attempt(&self.mode, ready, nonblock, wait, || rustix::io::preadv(&self.file, into, offset))
    }

    /// Writes at most one chunk at `offset`. Clears append mode meanwhile, because Linux ignores the offset in that mode.
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
        let written = attempt(&self.mode, ready, nonblock, wait, || rustix::io::pwritev(&self.file, parts, offset));
        if appending {
            self.set_append(true)?;
        }
        written
    }

    /// Sets whether each write goes to the end of the file.
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

    /// Allocates the range in steps with checks for an interrupt, because a file system in memory fills the whole range
    /// with zeros. The last step changes the file's size. If a step fails, the blocks of the earlier steps stay
    /// allocated: truncating the file would free them together with blocks that other processes allocated meanwhile.
    #[cfg(target_os = "linux")]
    pub(crate) fn allocate(&self, offset: u64, length: u64, wait: &dyn Wait) -> Result<()> {
        use rustix::fs::{FallocateFlags, fallocate};
        const MIN_STEP: u64 = 4 << 20;
        const MAX_STEP_TIME: Duration = Duration::from_millis(5);
        self.check_free_space(offset, length)?;
        let (mut done, mut step) = (0, MIN_STEP);
        while length - done > step {
            let start = Instant::now();
            fallocate(&self.file, FallocateFlags::KEEP_SIZE, offset.saturating_add(done), step)?;
            wait.check()?;
            done += step;
            step = if start.elapsed() < MAX_STEP_TIME { step.saturating_mul(2) } else { MIN_STEP };
        }
        Ok(fallocate(&self.file, FallocateFlags::empty(), offset.saturating_add(done), length - done)?)
    }

    /// Fails with ENOSPC if the file system has too little free space for the range. Without this check, an allocation in
    /// steps fills the disk before it fails.
    #[cfg(target_os = "linux")]
    fn check_free_space(&self, offset: u64, length: u64) -> Result<()> {
        use cap_std::fs::MetadataExt as Unix;
        const BLOCK: u64 = 512;
        offset.checked_add(length).filter(|end| i64::try_from(*end).is_ok()).ok_or(Errno::FBIG)?;
        let system = rustix::fs::fstatvfs(&self.file)?;
        let allocated = Unix::blocks(&self.file.metadata()?).saturating_mul(BLOCK);
        let available = system.f_bfree.saturating_mul(system.f_frsize).saturating_add(allocated);
        // Some file systems do not count blocks.
        if system.f_blocks > 0 && length > available { Err(Errno::NOSPC.into()) } else { Ok(()) }
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

    /// Ignores the hint.
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

impl From<FileType> for FileKind {
    fn from(file_type: FileType) -> FileKind {
        if file_type.is_dir() {
            FileKind::Directory
        } else if file_type.is_file() {
            FileKind::RegularFile
        } else if file_type.is_symlink() {
            FileKind::SymbolicLink
        } else if file_type.is_block_device() {
            FileKind::BlockDevice
        } else if file_type.is_char_device() {
            FileKind::CharacterDevice
        } else if file_type.is_socket() {
            FileKind::Socket
        } else {
            FileKind::Other
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
            kind: FileKind::from(metadata.file_type()),
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
    use crate::tests::{InterruptAfter, TempDir};
    use cap_std::fs::MetadataExt as Unix;
    use rustix::fs::{FallocateFlags, fallocate};

    #[test]
    fn an_interrupted_allocation_frees_no_blocks() {
        let temp = TempDir::new();
        let dir = Directory::open_ambient(temp.path()).unwrap();
        let how = OpenHow { write: true, create: true, ..OpenHow::default() };
        let Opened::File(file) = dir.open("file", &how, &InterruptAfter::checks(9)).unwrap() else {
            panic!("a directory")
        };
        fallocate(&file.file, FallocateFlags::KEEP_SIZE, 0, 1 << 20).unwrap();
        let before = Unix::blocks(&file.file.metadata().unwrap());
        let outcome = file.allocate(1 << 20, 64 << 20, &InterruptAfter::checks(0));
        assert!(matches!(outcome, Err(Error::Interrupted)), "{outcome:?}");
        let after = file.file.metadata().unwrap();
        assert!(before > 0 && Unix::blocks(&after) >= before && after.len() == 0, "{before} {after:?}");
    }
}
