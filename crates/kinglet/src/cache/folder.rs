//! A folder that nobody but its user can write to, and its files. That is looked at on open descriptors, without
//! following links: what a name stands for may change between two looks. Files come into being whole, under a temporary
//! name first, and are never written to again, so that whoever has one mapped keeps what it had.

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, Dir, FileType, FlockOperation, Mode, OFlags, Timespec, Timestamps};
use rustix::io::Errno;

use crate::{Error, Result};

/// What the names of files begin with that are not whole yet.
const TEMPORARY: &str = "tmp-";
/// After how long one of those is what a process that has ended left behind.
const LEFT: Duration = Duration::from_secs(600);

/// An open folder.
#[derive(Debug)]
pub(super) struct Folder {
    open: OwnedFd,
    path: PathBuf,
}

/// A file of a folder.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) name: String,
    pub(super) bytes: u64,
    /// When it was last used.
    pub(super) used: SystemTime,
}

impl Folder {
    /// Opens a folder, or makes it.
    pub(super) fn open(path: &Path) -> Result<Folder> {
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        match rustix::fs::mkdir(path, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let open = match rustix::fs::open(path, flags, Mode::empty()) {
            Err(Errno::NOTDIR | Errno::LOOP) => return Err(Error::msg("it is a link, or no folder")),
            open => open?,
        };
        private(&open, FileType::Directory)?;
        Ok(Folder { open, path: path.to_path_buf() })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A file, to be read; none if there is no such file.
    pub(super) fn read(&self, name: &str) -> Result<Option<File>> {
        self.open_as(name, OFlags::RDONLY)
    }

    /// A file that is locked as long as it is open; none if there is none, or somebody else has it locked. Some network
    /// file systems lock only what can be written to.
    pub(super) fn lock(&self, name: &str) -> Result<Option<File>> {
        let Some(file) = self.open_as(name, OFlags::RDWR)? else { return Ok(None) };
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => Ok(None),
            locked => Ok(locked.map(|()| Some(file))?),
        }
    }

    fn open_as(&self, name: &str, how: OFlags) -> Result<Option<File>> {
        let flags = how | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match rustix::fs::openat(&self.open, name, flags, Mode::empty()) {
            Err(Errno::NOENT) => return Ok(None),
            file => file?,
        };
        private(&file, FileType::RegularFile)?;
        Ok(Some(File::from(file)))
    }

    /// Notes that a file is used now.
    pub(super) fn touch(file: &File) {
        const NOW: Timespec = Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_NOW };
        let _ = rustix::fs::futimens(file, &Timestamps { last_access: NOW, last_modification: NOW });
    }

    /// Whether a file was made or used since the system started, so that no failure of power can have cut it short since
    /// it was last known to be whole. If that is not known it was not.
    pub(super) fn is_settled(file: &File) -> bool {
        let used = file.metadata().and_then(|metadata| metadata.modified());
        used.ok().zip(started()).is_some_and(|(used, started)| started < used && used <= SystemTime::now())
    }

    /// Makes a file of these bytes, or replaces it.
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
            let name = format!("{TEMPORARY}{}-{count}", std::process::id());
            match rustix::fs::openat(&self.open, name.as_str(), flags, Mode::RUSR | Mode::WUSR) {
                // That of a process that has ended, or runs in another container.
                Err(Errno::EXIST) => {}
                file => return Ok((File::from(file?), name)),
            }
        }
    }

    /// Removes a file; whether there was one.
    pub(super) fn remove(&self, name: &str) -> bool {
        rustix::fs::unlinkat(&self.open, name, AtFlags::empty()).is_ok()
    }

    /// All files, in no order.
    pub(super) fn list(&self) -> Result<Vec<Found>> {
        let mut all = Vec::new();
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
                all.push(Found {
                    name: name.to_owned(),
                    bytes: stat.st_size.try_into()?,
                    used: SystemTime::UNIX_EPOCH + since,
                });
            }
        }
        Ok(all)
    }
}

impl Found {
    /// Whether it is not whole: its name is one that [`Folder::temporary`] makes. Any other is the user's own.
    pub(super) fn is_temporary(&self) -> bool {
        let numbers = self.name.strip_prefix(TEMPORARY).and_then(|numbers| numbers.split_once('-'));
        let is_number = |text: &str| text.parse::<u32>().is_ok_and(|number| number.to_string() == text);
        numbers.is_some_and(|(process, count)| is_number(process) && is_number(count))
    }

    /// Whether whoever was to make it whole has ended.
    pub(super) fn is_left(&self) -> bool {
        self.is_temporary() && self.used.elapsed().is_ok_and(|age| age > LEFT)
    }
}

/// When the system started.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn started() -> Option<SystemTime> {
    let since = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    SystemTime::now().checked_sub(Duration::new(since.tv_sec.try_into().ok()?, since.tv_nsec.try_into().ok()?))
}

/// See above.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn started() -> Option<SystemTime> {
    None
}

/// Checks that nobody else could have written to it.
fn private(open: impl AsFd, wanted: FileType) -> Result<()> {
    let stat = rustix::fs::fstat(open)?;
    if FileType::from_raw_mode(stat.st_mode) != wanted {
        return Err(Error::msg("it is not what it should be"));
    }
    if stat.st_uid != rustix::process::geteuid().as_raw() {
        return Err(Error::msg("it belongs to another user"));
    }
    let others = Mode::from_raw_mode(stat.st_mode).intersection(Mode::RWXG | Mode::RWXO);
    if !others.is_empty() {
        return Err(Error::msg("others than its user may use it; chmod 700 makes it private"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    struct Place(PathBuf);

    impl Place {
        fn new(name: &str) -> Place {
            let path = std::env::temp_dir().join(format!("kinglet-folder-{}-{name}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            Place(path)
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn only_a_folder_of_ones_own_is_opened() {
        let place = Place::new("own");
        let path = place.0.join("a/b");
        Folder::open(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        for open in [0o770, 0o707, 0o750, 0o701, 0o777] {
            mode(&path, open);
            assert!(Folder::open(&path).unwrap_err().to_string().contains("chmod 700"), "{open:o}");
        }
        mode(&path, 0o700);
        symlink(&path, place.0.join("link")).unwrap();
        assert!(Folder::open(&place.0.join("link")).unwrap_err().to_string().contains("it is a link"));
        std::fs::write(place.0.join("file"), "").unwrap();
        assert!(Folder::open(&place.0.join("file")).is_err());
    }

    #[test]
    fn only_names_that_are_made_here_are_temporary() {
        let is_temporary =
            |name: &str| Found { name: name.into(), bytes: 0, used: SystemTime::UNIX_EPOCH }.is_temporary();
        let place = Place::new("temporary");
        let folder = Folder::open(&place.0.join("folder")).unwrap();
        assert!(is_temporary(&folder.temporary().unwrap().1) && is_temporary("tmp-4194304-0"));
        for other in
            ["tmp-", "tmp-notes", "tmp-1", "tmp-1-", "tmp--1", "tmp-1-2-3", "tmp-01-2", "tmp-+1-2", "tmp-1-2.txt"]
        {
            assert!(!is_temporary(other), "{other}");
        }
    }

    #[test]
    fn only_files_of_ones_own_are_read() {
        let place = Place::new("files");
        let path = place.0.join("folder");
        let folder = Folder::open(&path).unwrap();
        folder.write("a", b"contents").unwrap();
        assert_eq!(std::fs::metadata(path.join("a")).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(folder.read("a").unwrap().is_some() && folder.read("b").unwrap().is_none());
        symlink(path.join("a"), path.join("link")).unwrap();
        assert!(folder.read("link").is_err());
        mode(&path.join("a"), 0o620);
        assert!(folder.read("a").is_err());
        std::fs::create_dir(path.join("folder")).unwrap();
        mode(&path.join("folder"), 0o700);
        assert!(folder.read("folder").is_err());
        let names: Vec<String> = folder.list().unwrap().into_iter().map(|found| found.name).collect();
        assert_eq!(names, ["a"], "nothing temporary is left");
    }
}
