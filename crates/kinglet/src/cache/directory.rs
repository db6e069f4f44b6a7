//! A directory that only its user can write to, and its files. Ownership and permissions are checked on open
//! descriptors, because a name can refer to another file a moment later. For the same reason, symbolic links are not
//! followed. Files are written under a temporary name, then renamed, and never written again. A process that has mapped
//! a file thus keeps its contents.

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, Dir, FileType, FlockOperation, Mode, OFlags, Timespec, Timestamps};
use rustix::io::Errno;

use crate::{Error, Result};

/// The prefix of temporary files.
const TEMPORARY_PREFIX: &str = "tmp-";
/// The age from which a temporary file is assumed to belong to a process that has ended.
const STALE_AFTER: Duration = Duration::from_secs(600);

/// An open directory.
#[derive(Debug)]
pub(super) struct CacheDirectory {
    open: OwnedFd,
    path: PathBuf,
}

/// A file in the directory.
#[derive(Clone, Debug)]
pub(super) struct DirectoryEntry {
    pub(super) name: String,
    pub(super) bytes: u64,
    /// The time of the last use.
    pub(super) used: SystemTime,
}

impl CacheDirectory {
    /// Opens a directory, and creates it if necessary.
    pub(super) fn open(path: &Path) -> Result<CacheDirectory> {
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        match rustix::fs::mkdir(path, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let open = match rustix::fs::open(path, flags, Mode::empty()) {
            Err(Errno::NOTDIR | Errno::LOOP) => return Err(Error::msg("it is a symbolic link or not a directory")),
            open => open?,
        };
        check_private(&open, FileType::Directory)?;
        Ok(CacheDirectory { open, path: path.to_path_buf() })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a file for reading. Returns `None` if there is none.
    pub(super) fn read(&self, name: &str) -> Result<Option<File>> {
        self.open_as(name, OFlags::RDONLY)
    }

    /// Opens and locks a file until it is closed. Returns `None` if there is no such file, or if another process has
    /// locked it. Opens it for writing, because some network file systems lock only files that are open for writing.
    pub(super) fn lock(&self, name: &str) -> Result<Option<File>> {
        let Some(file) = self.open_as(name, OFlags::RDWR)? else { return Ok(None) };
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => Ok(None),
            locked => Ok(locked.map(|()| Some(file))?),
        }
    }

    fn open_as(&self, name: &str, access: OFlags) -> Result<Option<File>> {
        let flags = access | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match rustix::fs::openat(&self.open, name, flags, Mode::empty()) {
            Err(Errno::NOENT) => return Ok(None),
            file => file?,
        };
        check_private(&file, FileType::RegularFile)?;
        Ok(Some(File::from(file)))
    }

    /// Records that a file is used now.
    pub(super) fn touch(file: &File) {
        const NOW: Timespec = Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_NOW };
        let _ = rustix::fs::futimens(file, &Timestamps { last_access: NOW, last_modification: NOW });
    }

    /// Returns whether a file was created or used since the system booted. If it was, no power failure can have
    /// truncated it since it was last known to be intact. Returns false if the boot time is unknown.
    pub(super) fn is_from_this_boot(file: &File) -> bool {
        let used = file.metadata().and_then(|metadata| metadata.modified());
        used.ok().zip(boot_time()).is_some_and(|(used, boot_time)| boot_time < used && used <= SystemTime::now())
    }

    /// Creates a file with these contents, or replaces it.
    pub(super) fn write(&self, name: &str, contents: &[u8]) -> Result<()> {
        let (mut file, temporary) = self.temporary()?;
        let written = file.write_all(contents).map_err(Error::from);
        let renamed =
            written.and_then(|()| Ok(rustix::fs::renameat(&self.open, temporary.as_str(), &self.open, name)?));
        if renamed.is_err() {
            self.remove(&temporary);
        }
        renamed
    }

    fn temporary(&self) -> Result<(File, String)> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        loop {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let name = format!("{TEMPORARY_PREFIX}{}-{count}", std::process::id());
            match rustix::fs::openat(&self.open, name.as_str(), flags, Mode::RUSR | Mode::WUSR) {
                // A process that has ended left this file behind, or a process in another container uses it.
                Err(Errno::EXIST) => {}
                file => return Ok((File::from(file?), name)),
            }
        }
    }

    /// Removes a file. Returns whether it existed.
    pub(super) fn remove(&self, name: &str) -> bool {
        rustix::fs::unlinkat(&self.open, name, AtFlags::empty()).is_ok()
    }

    /// Returns all files, unordered.
    pub(super) fn list(&self) -> Result<Vec<DirectoryEntry>> {
        let mut entries = Vec::new();
        for entry in Dir::read_from(&self.open)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().to_str() else { continue };
            let stat = match rustix::fs::statat(&self.open, name, AtFlags::SYMLINK_NOFOLLOW) {
                // Another process has removed it.
                Err(Errno::NOENT) => continue,
                stat => stat?,
            };
            if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile {
                let since =
                    Duration::new(stat.st_mtime.try_into().unwrap_or(0), stat.st_mtime_nsec.try_into().unwrap_or(0));
                entries.push(DirectoryEntry {
                    name: name.to_owned(),
                    bytes: stat.st_size.try_into()?,
                    used: SystemTime::UNIX_EPOCH + since,
                });
            }
        }
        Ok(entries)
    }
}

impl DirectoryEntry {
    /// Returns whether [`CacheDirectory::temporary`] could have created this name. All other names are the user's.
    pub(super) fn is_temporary(&self) -> bool {
        let numbers = self.name.strip_prefix(TEMPORARY_PREFIX).and_then(|numbers| numbers.split_once('-'));
        let is_number = |text: &str| text.parse::<u32>().is_ok_and(|number| number.to_string() == text);
        numbers.is_some_and(|(process, count)| is_number(process) && is_number(count))
    }

    /// Returns whether the process that created the temporary file must have ended.
    pub(super) fn is_stale(&self) -> bool {
        self.is_temporary() && self.used.elapsed().is_ok_and(|age| age > STALE_AFTER)
    }
}

/// Returns the time at which the system booted.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn boot_time() -> Option<SystemTime> {
    let since = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    SystemTime::now().checked_sub(Duration::new(since.tv_sec.try_into().ok()?, since.tv_nsec.try_into().ok()?))
}

/// Returns `None`: the boot time is unknown.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn boot_time() -> Option<SystemTime> {
    None
}

/// Fails unless only this user can access the file.
fn check_private(open: impl AsFd, wanted: FileType) -> Result<()> {
    let stat = rustix::fs::fstat(open)?;
    if FileType::from_raw_mode(stat.st_mode) != wanted {
        return Err(Error::msg("it has an unexpected file type"));
    }
    if stat.st_uid != rustix::process::geteuid().as_raw() {
        return Err(Error::msg("it belongs to another user"));
    }
    let shared_access = Mode::from_raw_mode(stat.st_mode).intersection(Mode::RWXG | Mode::RWXO);
    if !shared_access.is_empty() {
        return Err(Error::msg("it is accessible to other users; chmod 700 makes it private"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    struct TempDir(PathBuf);

    impl TempDir {
        fn new(name: &str) -> TempDir {
            let path = std::env::temp_dir().join(format!("kinglet-directory-{}-{name}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            TempDir(path)
        }
    }

    impl Drop for TempDir {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn set_mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn only_a_private_directory_is_opened() {
        let temp = TempDir::new("own");
        let path = temp.0.join("a/b");
        CacheDirectory::open(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        for open in [0o770, 0o707, 0o750, 0o701, 0o777] {
            set_mode(&path, open);
            assert!(CacheDirectory::open(&path).unwrap_err().to_string().contains("chmod 700"), "{open:o}");
        }
        set_mode(&path, 0o700);
        symlink(&path, temp.0.join("link")).unwrap();
        assert!(CacheDirectory::open(&temp.0.join("link")).unwrap_err().to_string().contains("symbolic link"));
        std::fs::write(temp.0.join("file"), "").unwrap();
        assert!(CacheDirectory::open(&temp.0.join("file")).is_err());
    }

    #[test]
    fn only_generated_names_are_temporary() {
        let is_temporary =
            |name: &str| DirectoryEntry { name: name.into(), bytes: 0, used: SystemTime::UNIX_EPOCH }.is_temporary();
        let temp = TempDir::new("temporary");
        let directory = CacheDirectory::open(&temp.0.join("directory")).unwrap();
        assert!(is_temporary(&directory.temporary().unwrap().1) && is_temporary("tmp-4194304-0"));
        for other in
            ["tmp-", "tmp-notes", "tmp-1", "tmp-1-", "tmp--1", "tmp-1-2-3", "tmp-01-2", "tmp-+1-2", "tmp-1-2.txt"]
        {
            assert!(!is_temporary(other), "{other}");
        }
    }

    #[test]
    fn only_private_files_are_read() {
        let temp = TempDir::new("files");
        let path = temp.0.join("directory");
        let directory = CacheDirectory::open(&path).unwrap();
        directory.write("a", b"contents").unwrap();
        assert_eq!(std::fs::metadata(path.join("a")).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(directory.read("a").unwrap().is_some() && directory.read("b").unwrap().is_none());
        symlink(path.join("a"), path.join("link")).unwrap();
        assert!(directory.read("link").is_err());
        set_mode(&path.join("a"), 0o620);
        assert!(directory.read("a").is_err());
        std::fs::create_dir(path.join("directory")).unwrap();
        set_mode(&path.join("directory"), 0o700);
        assert!(directory.read("directory").is_err());
        let names: Vec<String> = directory.list().unwrap().into_iter().map(|found| found.name).collect();
        assert_eq!(names, ["a"], "no temporary file is left");
    }
}
