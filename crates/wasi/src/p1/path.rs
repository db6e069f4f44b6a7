//! Operations on paths. Paths are relative to an open directory. The host layer resolves them and checks permissions.
#![expect(clippy::too_many_arguments, reason = "the parameters are those of the specification")]

use super::Call;
use super::table::{Descriptor, Object, OpenDirectory};
use super::types::{Errno, Filestat, Result, Rights, fdflags, fstflags, known_flags, lookupflags, oflags};
use crate::host::fs::{Directory, OpenHow, Opened, SetTime};

/// Returns whether a symbolic link at the end of the path is followed. Fails with EINVAL for unknown flags.
fn follow(flags: u32) -> Result<bool> {
    Ok(known_flags(flags, lookupflags::ALL)? & lookupflags::SYMLINK_FOLLOW != 0)
}

/// Returns the change of one time stamp that `fstflags` request. Fails with EINVAL if they request two changes.
pub(super) fn set_time(set: bool, now: bool, nanoseconds: u64) -> Result<SetTime> {
    match (set, now) {
        (true, true) => Err(Errno::INVAL.into()),
        (true, false) => Ok(SetTime::To(nanoseconds)),
        (false, true) => Ok(SetTime::Now),
        (false, false) => Ok(SetTime::Keep),
    }
}

/// Returns the changes of the access and modification times that `fstflags` request.
pub(super) fn set_times(atim: u64, mtim: u64, flags: u32) -> Result<(SetTime, SetTime)> {
    let flags = known_flags(flags, fstflags::ALL)?;
    let has = |flag| flags & flag != 0;
    let accessed = set_time(has(fstflags::ATIM), has(fstflags::ATIM_NOW), atim)?;
    let modified = set_time(has(fstflags::MTIM), has(fstflags::MTIM_NOW), mtim)?;
    Ok((accessed, modified))
}

impl Call<'_> {
    /// Returns the directory `fd`, and the path at the address `path`.
    fn directory_and_path(&self, fd: u32, path: u32, path_len: u32) -> Result<(&Directory, &str)> {
        let directory = self.ctx.table.get(fd)?.directory()?;
        Ok((directory, self.memory.path(path, path_len)?))
    }
}

pub(super) fn path_create_directory(call: &mut Call<'_>, fd: u32, path: u32, path_len: u32) -> Result<()> {
    let (directory, path) = call.directory_and_path(fd, path, path_len)?;
    Ok(directory.create_directory(path)?)
}

pub(super) fn path_filestat_get(
    call: &mut Call<'_>,
    fd: u32,
    flags: u32,
    path: u32,
    path_len: u32,
    filestat: u32,
) -> Result<()> {
    let record = self::filestat(call, fd, flags, path, path_len)?;
    call.memory.write(filestat, &record.bytes())
}

/// Returns the `filestat` of a path.
pub(crate) fn filestat(call: &Call<'_>, fd: u32, flags: u32, path: u32, path_len: u32) -> Result<Filestat> {
    let follow = follow(flags)?;
    let (directory, path) = call.directory_and_path(fd, path, path_len)?;
    Ok(Filestat::from(directory.metadata(path, follow)?))
}

pub(super) fn path_filestat_set_times(
    call: &mut Call<'_>,
    fd: u32,
    flags: u32,
    path: u32,
    path_len: u32,
    atim: u64,
    mtim: u64,
    fst_flags: u32,
) -> Result<()> {
    let follow = follow(flags)?;
    let (accessed, modified) = set_times(atim, mtim, fst_flags)?;
    let (directory, path) = call.directory_and_path(fd, path, path_len)?;
    Ok(directory.set_times(path, follow, accessed, modified)?)
}

/// Creates a hard link. Fails with EINVAL if the guest requests to follow a symbolic link first, because not every host
/// supports that.
pub(super) fn path_link(
    call: &mut Call<'_>,
    old_fd: u32,
    old_flags: u32,
    old_path: u32,
    old_path_len: u32,
    new_fd: u32,
    new_path: u32,
    new_path_len: u32,
) -> Result<()> {
    if follow(old_flags)? {
        return Err(Errno::INVAL.into());
    }
    let (old, old_path) = call.directory_and_path(old_fd, old_path, old_path_len)?;
    let (new, new_path) = call.directory_and_path(new_fd, new_path, new_path_len)?;
    Ok(old.link(old_path, new, new_path)?)
}

/// Opens a path. The rights FD_READ and FD_WRITE select the access mode; without both, it is reading. The descriptor
/// records all rights that apply to it.
pub(crate) fn path_open(
    call: &mut Call<'_>,
    fd: u32,
    dirflags: u32,
    path: u32,
    path_len: u32,
    open_flags: u32,
    rights_base: u64,
    rights_inheriting: u64,
    fd_flags: u32,
    opened_fd: u32,
) -> Result<()> {
    let follow = follow(dirflags)?;
    let open_flags = known_flags(open_flags, oflags::ALL)?;
    let fd_flags = known_flags(fd_flags, u32::from(fdflags::ALL))? as u16;
    // Opens nothing if the result cannot be returned to the guest.
    call.memory.bytes(opened_fd, 4)?;
    call.ctx.table.check_not_full()?;

    let (directory, path) = call.directory_and_path(fd, path, path_len)?;
    // Guests request rights that do not apply to the object. The rights of the directory do not limit them.
    let (base, inheriting) = (Rights(rights_base), Rights(rights_inheriting));
    let has = |flag| open_flags & flag != 0;
    let how = OpenHow {
        follow,
        read: base.contains(Rights::FD_READ),
        write: base.contains(Rights::FD_WRITE),
        create: has(oflags::CREAT),
        exclusive: has(oflags::EXCL),
        truncate: has(oflags::TRUNC),
        directory: has(oflags::DIRECTORY),
        append: fd_flags & fdflags::APPEND != 0,
        nonblock: fd_flags & fdflags::NONBLOCK != 0,
    };
    let descriptor = match directory.open(path, &how, call.wait)? {
        Opened::File(file) => Descriptor {
            object: Object::File(file),
            flags: fd_flags,
            base: base & Rights::FILE,
            inheriting: inheriting & Rights::FILE,
        },
        Opened::Directory(directory) => Descriptor {
            object: Object::Directory(OpenDirectory { directory, preopen: None, listing: None }),
            flags: 0,
            base: base & Rights::DIRECTORY,
            inheriting: inheriting & Rights::INHERITING,
        },
    };
    let number = call.ctx.table.insert(descriptor)?;
    call.memory.write_u32(opened_fd, number)
}

/// Reads a symbolic link. Truncates a target that is longer than the buffer, like `readlink`.
pub(super) fn path_readlink(
    call: &mut Call<'_>,
    fd: u32,
    path: u32,
    path_len: u32,
    buf: u32,
    buf_len: u32,
    bufused: u32,
) -> Result<()> {
    let (directory, path) = call.directory_and_path(fd, path, path_len)?;
    let target = directory.read_link(path)?;
    let used = target.len().min(buf_len as usize);
    call.memory.write(buf, &target.as_bytes()[..used])?;
    call.memory.write_size(bufused, used)
}

pub(super) fn path_remove_directory(call: &mut Call<'_>, fd: u32, path: u32, path_len: u32) -> Result<()> {
    let (directory, path) = call.directory_and_path(fd, path, path_len)?;
    Ok(directory.remove_directory(path)?)
}

pub(super) fn path_rename(
    call: &mut Call<'_>,
    old_fd: u32,
    old_path: u32,
    old_path_len: u32,
    new_fd: u32,
    new_path: u32,
    new_path_len: u32,
) -> Result<()> {
    let (old, old_path) = call.directory_and_path(old_fd, old_path, old_path_len)?;
    let (new, new_path) = call.directory_and_path(new_fd, new_path, new_path_len)?;
    Ok(old.rename(old_path, new, new_path, call.wait)?)
}

pub(super) fn path_symlink(
    call: &mut Call<'_>,
    old_path: u32,
    old_path_len: u32,
    fd: u32,
    new_path: u32,
    new_path_len: u32,
) -> Result<()> {
    let target = call.memory.path(old_path, old_path_len)?;
    let (directory, path) = call.directory_and_path(fd, new_path, new_path_len)?;
    Ok(directory.symlink(target, path)?)
}

pub(super) fn path_unlink_file(call: &mut Call<'_>, fd: u32, path: u32, path_len: u32) -> Result<()> {
    let (directory, path) = call.directory_and_path(fd, path, path_len)?;
    Ok(directory.unlink_file(path)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::p1::types::CallError;
    use crate::tests::{AlwaysInterrupted, Guest, InterruptAfter, OUT, TempDir, fails, on_each_backend};
    use crate::{FsPerms, MemoryDir, WasiCtx};

    const OLD: u32 = 1024;
    const NEW: u32 = 8192;

    impl Guest {
        fn open(&mut self, path: &str, follow: u32, open_flags: u32, rights: Rights) -> Result<u32> {
            let (path, len) = self.write_text(OLD, path);
            self.call(|call| path_open(call, 3, follow, path, len, open_flags, rights.0, u64::MAX, 0, OUT))?;
            Ok(self.read_u32(OUT))
        }

        fn one(&mut self, function: fn(&mut Call<'_>, u32, u32, u32) -> Result<()>, path: &str) -> Result<()> {
            let (path, len) = self.write_text(OLD, path);
            self.call(|call| function(call, 3, path, len))
        }

        fn rename(&mut self, old: &str, new: &str) -> Result<()> {
            let ((old, old_len), (new, new_len)) = (self.write_text(OLD, old), self.write_text(NEW, new));
            self.call(|call| path_rename(call, 3, old, old_len, 3, new, new_len))
        }

        fn link(&mut self, flags: u32, old: &str, new: &str) -> Result<()> {
            let ((old, old_len), (new, new_len)) = (self.write_text(OLD, old), self.write_text(NEW, new));
            self.call(|call| path_link(call, 3, flags, old, old_len, 3, new, new_len))
        }

        fn symlink(&mut self, target: &str, path: &str) -> Result<()> {
            let ((old, old_len), (new, new_len)) = (self.write_text(OLD, target), self.write_text(NEW, path));
            self.call(|call| path_symlink(call, old, old_len, 3, new, new_len))
        }

        fn stat(&mut self, path: &str, follow: u32) -> Result<()> {
            let (path, len) = self.write_text(OLD, path);
            self.call(|call| path_filestat_get(call, 3, follow, path, len, OUT))
        }
    }

    fn create(guest: &mut Guest, path: &str) {
        let fd = guest.open(path, 0, oflags::CREAT, Rights::NONE).unwrap();
        guest.call(|call| super::super::fd::fd_close(call, fd)).unwrap();
    }

    #[test]
    fn no_path_leads_out() {
        let (outside, temp) = (TempDir::new(), TempDir::new());
        std::fs::write(outside.path().join("secret"), "s").unwrap();
        std::os::unix::fs::symlink(outside.path(), temp.path().join("absolute")).unwrap();
        std::os::unix::fs::symlink("../..", temp.path().join("above")).unwrap();
        let mut guest = Guest::with_dir(&temp, FsPerms::ReadWrite);
        let name = outside.path().file_name().unwrap().to_str().unwrap();
        let absolute = outside.path().join("secret");
        let paths = [
            "..",
            "../",
            ".//..",
            "a/../..",
            &format!("../{name}/secret"),
            absolute.to_str().unwrap(),
            "/",
            "absolute/secret",
            "above/etc/passwd",
            "above",
        ];
        for path in paths {
            let opened = guest.open(path, 1, 0, Rights::FD_READ);
            assert!(
                opened == Err(CallError::Errno(Errno::PERM)) || opened == Err(CallError::Errno(Errno::NOENT)),
                "{path}: {opened:?}"
            );
        }
        assert_eq!(guest.open("..", 1, 0, Rights::FD_READ), Err(Errno::PERM.into()));
        assert_eq!(guest.open("absolute/secret", 1, 0, Rights::FD_READ), Err(Errno::PERM.into()));
        assert_eq!(guest.stat("absolute/secret", 1), fails(Errno::PERM));
        assert_eq!(guest.one(path_create_directory, "../new"), fails(Errno::PERM));
        assert_eq!(guest.one(path_unlink_file, "absolute/secret"), fails(Errno::PERM));
        assert_eq!(guest.symlink("/etc/passwd", "link"), fails(Errno::PERM));
        create(&mut guest, "file");
        assert_eq!(guest.rename("file", "../file"), fails(Errno::PERM));
        assert_eq!(guest.link(0, "absolute/secret", "mine"), fails(Errno::PERM));
        assert!(outside.path().join("secret").exists());
    }

    #[test]
    fn dots_inside_the_directory_are_resolved() {
        on_each_backend(|guest| {
            guest.one(path_create_directory, "dir").unwrap();
            guest.one(path_create_directory, "dir/nested").unwrap();
            create(guest, "dir/nested/file");
            assert_eq!(guest.open("dir/.//nested/../../dir/nested/../nested///./file", 0, 0, Rights::NONE), Ok(4));
            assert_eq!(guest.open("dir/nested/file/", 0, 0, Rights::NONE), Err(Errno::NOTDIR.into()));
            assert_eq!(guest.open("dir/nested//", 0, 0, Rights::NONE), Ok(5));
            assert_eq!(
                guest.open("dir", 0, oflags::DIRECTORY, Rights::FD_READ | Rights::FD_WRITE),
                Err(Errno::ISDIR.into())
            );
            assert_eq!(guest.open("dir/nested/file", 0, oflags::DIRECTORY, Rights::NONE), Err(Errno::NOTDIR.into()));
        });
    }

    #[test]
    fn a_read_only_directory_refuses_every_change() {
        let temp = TempDir::new();
        std::fs::write(temp.path().join("file"), "text").unwrap();
        std::fs::create_dir(temp.path().join("dir")).unwrap();
        let mut guest = Guest::with_dir(&temp, FsPerms::ReadOnly);
        assert_eq!(guest.open("new", 0, oflags::CREAT, Rights::NONE), Err(Errno::ROFS.into()));
        assert_eq!(guest.open("file", 0, oflags::TRUNC, Rights::NONE), Err(Errno::ROFS.into()));
        assert_eq!(guest.open("file", 0, 0, Rights::FD_WRITE), Err(Errno::ROFS.into()));
        for (function, path) in [
            (path_create_directory as fn(&mut Call<'_>, u32, u32, u32) -> Result<()>, "new"),
            (path_remove_directory, "dir"),
            (path_unlink_file, "file"),
        ] {
            assert_eq!(guest.one(function, path), fails(Errno::ROFS));
        }
        assert_eq!(guest.rename("file", "other"), fails(Errno::ROFS));
        assert_eq!(guest.link(0, "file", "other"), fails(Errno::ROFS));
        assert_eq!(guest.symlink("file", "other"), fails(Errno::ROFS));
        let (path, len) = guest.write_text(OLD, "file");
        let touched = guest.call(|call| path_filestat_set_times(call, 3, 0, path, len, 0, 0, fstflags::MTIM));
        assert_eq!(touched, fails(Errno::ROFS));
        let fd = guest.open("file", 0, 0, Rights(Rights::FILE.0 & !Rights::FD_WRITE.0)).unwrap();
        let touched = guest.call(|call| super::super::fd::fd_filestat_set_times(call, fd, 0, 0, fstflags::MTIM));
        assert_eq!(touched, fails(Errno::ROFS));
        assert_eq!(guest.call(|call| super::super::fd::fd_filestat_set_size(call, fd, 0)), fails(Errno::INVAL));
        assert_eq!(guest.call(|call| super::super::fd::fd_allocate(call, fd, 0, 9)), fails(Errno::BADF));
        assert_eq!(std::fs::read(temp.path().join("file")).unwrap(), b"text");
    }

    #[test]
    fn a_read_only_directory_in_memory_refuses_every_change() {
        let tree = MemoryDir::new();
        tree.write("file", "text").unwrap();
        let mut builder = WasiCtx::builder();
        let mut guest = Guest::new(builder.preopened_memory(&tree, ".", FsPerms::ReadOnly).build().unwrap());
        assert_eq!(guest.open("new", 0, oflags::CREAT, Rights::NONE), Err(Errno::ROFS.into()));
        assert_eq!(guest.open("file", 0, oflags::TRUNC, Rights::NONE), Err(Errno::ROFS.into()));
        assert_eq!(guest.open("file", 0, 0, Rights::FD_WRITE), Err(Errno::ROFS.into()));
        assert_eq!(guest.one(path_create_directory, "new"), fails(Errno::ROFS));
        assert_eq!(guest.one(path_unlink_file, "file"), fails(Errno::ROFS));
        assert_eq!(guest.rename("file", "other"), fails(Errno::ROFS));
        let fd = guest.open("file", 0, 0, Rights::FILE & Rights(!Rights::FD_WRITE.0)).unwrap();
        assert_eq!(guest.call(|call| super::super::fd::fd_filestat_set_size(call, fd, 0)), fails(Errno::INVAL));
        assert_eq!(tree.read("file").unwrap(), b"text");
    }

    #[test]
    fn renames_and_links_between_the_host_and_memory_fail() {
        let (temp, tree) = (TempDir::new(), MemoryDir::new());
        std::fs::write(temp.path().join("file"), "text").unwrap();
        let mut builder = WasiCtx::builder();
        builder.preopened_dir(temp.path(), "host", FsPerms::ReadWrite).unwrap();
        builder.preopened_memory(&tree, "memory", FsPerms::ReadWrite);
        let mut guest = Guest::new(builder.build().unwrap());
        let (path, len) = guest.write_text(OLD, "file");
        assert_eq!(guest.call(|call| path_rename(call, 3, path, len, 4, path, len)), fails(Errno::XDEV));
        assert_eq!(guest.call(|call| path_link(call, 3, 0, path, len, 4, path, len)), fails(Errno::XDEV));
        assert!(temp.path().join("file").exists() && tree.files().is_empty());
    }

    #[test]
    fn symbolic_links_are_followed_only_on_request() {
        on_each_backend(|guest| {
            create(guest, "target");
            guest.symlink("target", "link").unwrap();
            guest.symlink("link2", "link2").unwrap();
            assert_eq!(guest.open("link", 0, 0, Rights::NONE), Err(Errno::LOOP.into()));
            assert_eq!(guest.open("link2", 1, 0, Rights::NONE), Err(Errno::LOOP.into()));
            assert_eq!(guest.open("link", 1, 0, Rights::NONE), Ok(4));
            assert_eq!(guest.open("link", 2, 0, Rights::NONE), Err(Errno::INVAL.into()));
            guest.stat("link", 0).unwrap();
            assert_eq!(guest.memory[16], 7);
            guest.stat("link", 1).unwrap();
            assert_eq!(guest.memory[16], 4);
            let (path, len) = guest.write_text(OLD, "link");
            guest.memory[NEW as usize..][..16].fill(0);
            guest.call(|call| path_readlink(call, 3, path, len, NEW, 4, OUT)).unwrap();
            assert_eq!((guest.read_u32(OUT), &guest.memory[NEW as usize..][..5]), (4, &b"targ\0"[..]));
            assert_eq!(guest.link(1, "target", "hard"), fails(Errno::INVAL));
            guest.link(0, "target", "hard").unwrap();
            guest.stat("hard", 0).unwrap();
            assert_eq!(guest.read_u64(24), 2);
        });
    }

    #[test]
    fn a_trailing_slash_requires_a_directory() {
        on_each_backend(|guest| {
            create(guest, "file");
            guest.one(path_create_directory, "dir/").unwrap();
            assert_eq!(guest.one(path_unlink_file, "dir/"), fails(Errno::ISDIR));
            assert_eq!(guest.one(path_unlink_file, "dir"), fails(Errno::ISDIR));
            assert_eq!(guest.one(path_unlink_file, "file/"), fails(Errno::NOTDIR));
            assert_eq!(guest.one(path_remove_directory, "file/"), fails(Errno::NOTDIR));
            assert_eq!(guest.symlink("source", "target/"), fails(Errno::NOENT));
            assert_eq!(guest.symlink("source", "dir/"), fails(Errno::EXIST));
            assert_eq!(guest.symlink("source", "file/"), fails(Errno::EXIST));
            assert_eq!(guest.link(0, "file", "link/"), fails(Errno::NOENT));
            assert_eq!(guest.stat("file/", 0), fails(Errno::NOTDIR));
            assert_eq!(guest.rename("file", "other/"), fails(Errno::NOTDIR));
            guest.rename("dir/", "other/").unwrap();
            guest.rename("other", "dir").unwrap();
            guest.one(path_remove_directory, "dir/").unwrap();
        });
    }

    #[test]
    fn the_errors_of_create_and_rename_are_those_of_unix() {
        on_each_backend(|guest| {
            create(guest, "file");
            guest.one(path_create_directory, "dir").unwrap();
            assert_eq!(guest.open("file", 0, oflags::CREAT | oflags::EXCL, Rights::NONE), Err(Errno::EXIST.into()));
            assert_eq!(guest.open("dir", 0, oflags::CREAT, Rights::NONE), Err(Errno::ISDIR.into()));
            assert_eq!(guest.open("none", 0, 0, Rights::NONE), Err(Errno::NOENT.into()));
            assert_eq!(guest.open("", 0, 0, Rights::NONE), Err(Errno::NOENT.into()));
            assert_eq!(guest.open("file\0", 0, 0, Rights::NONE), Err(Errno::INVAL.into()));
            assert_eq!(guest.rename("file", "dir"), fails(Errno::ISDIR));
            assert_eq!(guest.rename("dir", "file"), fails(Errno::NOTDIR));
            create(guest, "dir/inside");
            assert_eq!(guest.one(path_remove_directory, "dir"), fails(Errno::NOTEMPTY));
            assert_eq!(guest.link(0, "dir", "link"), fails(Errno::PERM));
            assert_eq!(guest.link(0, "file", "file"), fails(Errno::EXIST));
        });
    }

    #[test]
    fn creat_opens_an_existing_file_without_write_permission_for_reading() {
        let temp = TempDir::new();
        let path = temp.path().join("file");
        std::fs::write(&path, "text").unwrap();
        let mut permissions = std::fs::metadata(&path).unwrap().permissions();
        permissions.set_readonly(true);
        std::fs::set_permissions(&path, permissions).unwrap();
        let mut guest = Guest::with_dir(&temp, FsPerms::ReadWrite);
        assert_eq!(guest.open("file", 0, oflags::CREAT, Rights::FD_READ), Ok(4));
    }

    #[test]
    fn an_invalid_result_pointer_fails_before_the_file_is_created() {
        let temp = TempDir::new();
        let mut guest = Guest::with_dir(&temp, FsPerms::ReadWrite);
        let (path, len) = guest.write_text(OLD, "new");
        let opened = guest.call(|call| path_open(call, 3, 0, path, len, oflags::CREAT, 0, 0, 0, 65534));
        assert_eq!(opened, fails(Errno::FAULT));
        assert!(!temp.path().join("new").exists());
    }

    #[test]
    fn opening_a_fifo_waits_for_its_other_end_and_can_be_interrupted() {
        let temp = TempDir::new();
        let path = temp.create_fifo("fifo");
        let mut guest = Guest::with_dir(&temp, FsPerms::ReadWrite);
        for rights in [Rights::FD_READ, Rights::FD_WRITE] {
            for checks in [1, 3] {
                let (name, len) = guest.write_text(OLD, "fifo");
                let stopped = guest.call_with(&InterruptAfter::checks(checks), |call| {
                    path_open(call, 3, 1, name, len, 0, rights.0, 0, 0, OUT)
                });
                assert_eq!(stopped, Err(CallError::Interrupted));
            }
            let (path, reads) = (path.clone(), rights == Rights::FD_READ);
            let other = std::thread::spawn(move || {
                std::thread::sleep(std::time::Duration::from_millis(5));
                std::fs::File::options().read(!reads).write(reads).open(path).unwrap()
            });
            assert_eq!(guest.open("fifo", 0, 0, rights), Ok(4));
            drop(other.join().unwrap());
            guest.call(|call| super::super::fd::fd_close(call, 4)).unwrap();
        }
        assert_eq!(guest.open("fifo", 0, 0, Rights::FD_READ | Rights::FD_WRITE), Ok(4), "is both ends");
    }

    #[test]
    fn opening_a_fifo_notices_a_writer_that_has_already_closed_it() {
        let temp = TempDir::new();
        let path = temp.create_fifo("fifo");
        let mut guest = Guest::with_dir(&temp, FsPerms::ReadWrite);
        for text in ["", "text"] {
            let path = path.clone();
            let writer = std::thread::spawn(move || std::fs::write(path, text).unwrap());
            let fd = guest.open("fifo", 0, 0, Rights::FD_READ).unwrap();
            writer.join().unwrap();
            let iovec = guest.write_iovec(9);
            guest.call(|call| super::super::fd::fd_read(call, fd, iovec, 1, OUT)).unwrap();
            let count = guest.read_u32(OUT);
            assert_eq!(guest.buffer(count), text.as_bytes());
            guest.call(|call| super::super::fd::fd_close(call, fd)).unwrap();
        }
    }

    #[test]
    fn nonblock_opens_a_fifo_without_a_peer_only_for_reading() {
        let temp = TempDir::new();
        temp.create_fifo("fifo");
        let mut guest = Guest::with_dir(&temp, FsPerms::ReadWrite);
        let (path, len) = guest.write_text(OLD, "fifo");
        let mut open = |rights: Rights| {
            guest.call(|call| path_open(call, 3, 0, path, len, 0, rights.0, 0, fdflags::NONBLOCK.into(), OUT))
        };
        assert_eq!(open(Rights::FD_WRITE), fails(Errno::NXIO));
        assert_eq!(open(Rights::FD_READ), Ok(()));
        let iovec = guest.write_iovec(9);
        guest.call(|call| super::super::fd::fd_read(call, 4, iovec, 1, OUT)).unwrap();
        assert_eq!(guest.read_u32(OUT), 0, "the FIFO has no writer");
        let writer = std::fs::File::options().write(true).open(temp.path().join("fifo")).unwrap();
        let read = guest.call(|call| super::super::fd::fd_read(call, 4, iovec, 1, OUT));
        assert_eq!(read, fails(Errno::AGAIN));
        drop(writer);
    }

    #[test]
    fn only_opening_a_fifo_waits_for_its_other_end() {
        let temp = TempDir::new();
        temp.create_fifo("fifo");
        let mut guest = Guest::with_dir(&temp, FsPerms::ReadWrite);
        let (path, len) = guest.write_text(OLD, "fifo");
        for follow in [0, 1] {
            let set = |call: &mut Call<'_>| {
                path_filestat_set_times(call, 3, follow, path, len, 7, 9, fstflags::ATIM | fstflags::MTIM)
            };
            assert_eq!(guest.call_with(&AlwaysInterrupted, set), Ok(()));
            guest.stat("fifo", follow).unwrap();
            assert_eq!((guest.read_u64(40), guest.read_u64(48)), (7, 9));
        }
        guest.link(0, "fifo", "second").unwrap();
        guest.rename("second", "third").unwrap();
        let (path, len) = guest.write_text(OLD, "fifo");
        assert_eq!(guest.call(|call| path_readlink(call, 3, path, len, NEW, 4, OUT)), fails(Errno::INVAL));
        assert_eq!(guest.one(path_remove_directory, "fifo"), fails(Errno::NOTDIR));
        assert_eq!(guest.one(path_create_directory, "fifo"), fails(Errno::EXIST));
        assert_eq!(guest.open("fifo", 0, oflags::DIRECTORY, Rights::FD_READ), Err(Errno::NOTDIR.into()));
        guest.one(path_unlink_file, "third").unwrap();
    }

    #[test]
    fn times_of_a_file_without_permissions_can_be_set() {
        use std::os::unix::fs::PermissionsExt;
        let temp = TempDir::new();
        let file = temp.path().join("file");
        std::fs::write(&file, "").unwrap();
        std::os::unix::fs::symlink("file", temp.path().join("link")).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o000)).unwrap();
        let mut guest = Guest::with_dir(&temp, FsPerms::ReadWrite);
        for name in ["file", "link", "."] {
            let (path, len) = guest.write_text(OLD, name);
            guest.call(|call| path_filestat_set_times(call, 3, 1, path, len, 0, 5, fstflags::MTIM)).unwrap();
            guest.stat(name, 1).unwrap();
            assert_eq!(guest.read_u64(48), 5, "{name}");
        }
    }

    #[test]
    fn fstflags_select_the_times_to_set() {
        on_each_backend(|guest| {
            create(guest, "file");
            let (path, len) = guest.write_text(OLD, "file");
            let both = fstflags::ATIM | fstflags::MTIM;
            guest
                .call(|call| path_filestat_set_times(call, 3, 0, path, len, 1_000_000_001, 2_000_000_002, both))
                .unwrap();
            guest.stat("file", 0).unwrap();
            assert_eq!((guest.read_u64(40), guest.read_u64(48)), (1_000_000_001, 2_000_000_002));
            let twice = fstflags::MTIM | fstflags::MTIM_NOW;
            let touched = guest.call(|call| path_filestat_set_times(call, 3, 0, path, len, 0, 0, twice));
            assert_eq!(touched, fails(Errno::INVAL));
        });
    }

    #[test]
    fn a_link_to_a_directory_opens_only_if_it_is_followed() {
        on_each_backend(|guest| {
            guest.one(path_create_directory, "target").unwrap();
            guest.symlink("target", "link").unwrap();
            let refused = guest.open("link", 0, oflags::DIRECTORY, Rights::NONE);
            assert!(refused == Err(Errno::LOOP.into()) || refused == Err(Errno::NOTDIR.into()), "{refused:?}");
            assert_eq!(guest.open("link", 1, oflags::DIRECTORY, Rights::NONE), Ok(4));
            guest.symlink("nowhere", "dangling").unwrap();
            assert_eq!(guest.open("dangling", 1, 0, Rights::NONE), Err(Errno::NOENT.into()));
            guest.link(0, "dangling", "hard").unwrap();
            guest.stat("hard", 0).unwrap();
            assert_eq!(guest.memory[16], 7);
            guest.one(path_unlink_file, "dangling").unwrap();
        });
    }

    #[test]
    fn the_rights_of_a_directory_do_not_limit_the_files_below_it() {
        on_each_backend(|guest| {
            guest.one(path_create_directory, "dir").unwrap();
            let (path, len) = guest.write_text(OLD, "dir");
            let few = Rights::PATH_OPEN.0;
            let open = |call: &mut Call<'_>| path_open(call, 3, 0, path, len, oflags::DIRECTORY, few, few, 0, OUT);
            guest.call(open).unwrap();
            let dir = guest.read_u32(OUT);
            let (path, len) = guest.write_text(OLD, "file");
            let rights = Rights::FD_WRITE.0;
            let flags = oflags::CREAT | oflags::TRUNC;
            guest.call(|call| path_open(call, dir, 0, path, len, flags, rights, 0, 0, OUT)).unwrap();
            let file = guest.read_u32(OUT);
            let iovec = guest.write_iovec(4);
            guest.call(|call| super::super::fd::fd_write(call, file, iovec, 1, OUT)).unwrap();
            assert_eq!(guest.read_u32(OUT), 4);
            let file = guest.ctx.table.get(file).unwrap();
            assert_eq!((file.base, file.inheriting), (Rights::FD_WRITE, Rights::NONE));
            let dir_rights = guest.ctx.table.get(dir).unwrap();
            assert_eq!((dir_rights.base, dir_rights.inheriting), (Rights(few), Rights(few)));
            let (path, len) = guest.write_text(OLD, "file");
            guest.call(|call| path_unlink_file(call, dir, path, len)).unwrap();
        });
    }

    #[test]
    fn a_path_is_relative_to_a_directory_descriptor() {
        on_each_backend(|guest| {
            create(guest, "file");
            let (path, len) = guest.write_text(OLD, "file");
            assert_eq!(guest.call(|call| path_unlink_file(call, 0, path, len)), fails(Errno::NOTDIR));
            assert_eq!(guest.call(|call| path_unlink_file(call, 9, path, len)), fails(Errno::BADF));
        });
    }

    #[test]
    fn a_directory_can_be_reopened_with_its_rights() {
        on_each_backend(|guest| {
            for (flags, rights) in [(0, Rights::DIRECTORY), (0, Rights::NONE), (oflags::DIRECTORY, Rights::FD_READ)] {
                guest.open(".", 0, flags, rights).unwrap();
            }
        });
    }
}
