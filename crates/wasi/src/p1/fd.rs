//! Operations on open descriptors.

use super::Call;
use super::path::set_times;
use super::table::{Descriptor, DescriptorTable, Object};
use super::types::{Dirent, Errno, Fdstat, Filestat, Filetype, Result, Rights, fdflags, known_flags};
use crate::host::Wait;
use crate::host::fs::{Advice, DirEntry, File};
use std::io::SeekFrom;

/// Returns the file type of a standard stream. C libraries treat a character device as a terminal, so only a terminal
/// is reported as one.
fn stream_filetype(terminal: bool) -> Filetype {
    if terminal { Filetype::CharacterDevice } else { Filetype::Unknown }
}

pub(super) fn fd_advise(call: &mut Call<'_>, fd: u32, offset: u64, len: u64, advice: u32) -> Result<()> {
    use Advice::{DontNeed, NoReuse, Normal, Random, Sequential, WillNeed};
    let by_number = [Normal, Sequential, Random, WillNeed, DontNeed, NoReuse];
    let advice = *by_number.get(advice as usize).ok_or(Errno::INVAL)?;
    Ok(call.ctx.table.get(fd)?.file()?.advise(offset, len, advice)?)
}

pub(super) fn fd_allocate(call: &mut Call<'_>, fd: u32, offset: u64, len: u64) -> Result<()> {
    Ok(call.ctx.table.get(fd)?.file_or(Errno::BADF, Errno::SPIPE)?.allocate(offset, len, call.wait)?)
}

pub(super) fn fd_close(call: &mut Call<'_>, fd: u32) -> Result<()> {
    call.ctx.table.remove(fd).map(drop)
}

/// Succeeds for streams, because they are unbuffered. Fails with EINVAL for sockets.
pub(super) fn fd_datasync(call: &mut Call<'_>, fd: u32) -> Result<()> {
    let descriptor = call.ctx.table.get(fd)?;
    match &descriptor.object {
        Object::File(file) => Ok(file.datasync()?),
        Object::Directory(open) => Ok(open.directory.sync()?),
        Object::Stream(_) => Ok(()),
        Object::Socket(_) => Err(Errno::INVAL.into()),
    }
}

pub(super) fn fd_sync(call: &mut Call<'_>, fd: u32) -> Result<()> {
    let descriptor = call.ctx.table.get(fd)?;
    match &descriptor.object {
        Object::File(file) => Ok(file.sync()?),
        Object::Directory(open) => Ok(open.directory.sync()?),
        Object::Stream(_) => Ok(()),
        Object::Socket(_) => Err(Errno::INVAL.into()),
    }
}

pub(super) fn fd_fdstat_get(call: &mut Call<'_>, fd: u32, fdstat: u32) -> Result<()> {
    let descriptor = call.ctx.table.get(fd)?;
    let filetype = match &descriptor.object {
        Object::Stream(stream) => stream_filetype(stream.is_terminal()),
        Object::File(file) => Filetype::from(file.metadata()?.kind),
        Object::Directory(_) => Filetype::Directory,
        Object::Socket(_) => Filetype::SocketStream,
    };
    let record = Fdstat {
        filetype,
        flags: descriptor.flags,
        rights_base: descriptor.base,
        rights_inheriting: descriptor.inheriting,
    };
    call.memory.write(fdstat, &record.bytes())
}

/// Sets the flags. All of them can change. The descriptor records them, and each call reads NONBLOCK and the SYNC flags
/// from it. APPEND is also set on the file.
pub(super) fn fd_fdstat_set_flags(call: &mut Call<'_>, fd: u32, flags: u32) -> Result<()> {
    let flags = known_flags(flags, u32::from(fdflags::ALL))? as u16;
    let descriptor = call.ctx.table.get_mut(fd)?;
    let changed = flags ^ descriptor.flags;
    match &descriptor.object {
        Object::File(file) if changed & fdflags::APPEND != 0 => file.set_append(flags & fdflags::APPEND != 0)?,
        Object::File(_) | Object::Stream(_) | Object::Socket(_) => {}
        Object::Directory(_) => return Ok(()),
    }
    descriptor.flags = flags;
    Ok(())
}

/// Sets the rights that `fd_fdstat_get` reports. Fails with ENOTCAPABLE if the descriptor lacks one of them.
pub(super) fn fd_fdstat_set_rights(call: &mut Call<'_>, fd: u32, base: u64, inheriting: u64) -> Result<()> {
    let descriptor = call.ctx.table.get_mut(fd)?;
    let (base, inheriting) = (Rights(base), Rights(inheriting));
    if !descriptor.base.contains(base) || !descriptor.inheriting.contains(inheriting) {
        return Err(Errno::NOTCAPABLE.into());
    }
    (descriptor.base, descriptor.inheriting) = (base, inheriting);
    Ok(())
}

pub(super) fn fd_filestat_get(call: &mut Call<'_>, fd: u32, filestat: u32) -> Result<()> {
    let record = self::filestat(call, fd)?;
    call.memory.write(filestat, &record.bytes())
}

/// Returns the `filestat` of a descriptor.
pub(crate) fn filestat(call: &Call<'_>, fd: u32) -> Result<Filestat> {
    Ok(match &call.ctx.table.get(fd)?.object {
        Object::Stream(stream) => Filestat::stream(stream_filetype(stream.is_terminal())),
        Object::Socket(_) => Filestat::stream(Filetype::SocketStream),
        Object::File(file) => Filestat::from(file.metadata()?),
        Object::Directory(open) => Filestat::from(open.directory.own_metadata()?),
    })
}

pub(super) fn fd_filestat_set_size(call: &mut Call<'_>, fd: u32, size: u64) -> Result<()> {
    Ok(call.ctx.table.get(fd)?.file_or(Errno::INVAL, Errno::INVAL)?.set_size(size, call.wait)?)
}

pub(crate) fn fd_filestat_set_times(call: &mut Call<'_>, fd: u32, atim: u64, mtim: u64, fst_flags: u32) -> Result<()> {
    let (accessed, modified) = set_times(atim, mtim, fst_flags)?;
    let descriptor = call.ctx.table.get(fd)?;
    match &descriptor.object {
        Object::Stream(_) | Object::Socket(_) => Err(Errno::INVAL.into()),
        Object::File(file) => Ok(file.set_times(accessed, modified)?),
        Object::Directory(open) => Ok(open.directory.set_own_times(accessed, modified)?),
    }
}

pub(super) fn fd_pread(call: &mut Call<'_>, fd: u32, iovs: u32, iovs_len: u32, offset: u64, nread: u32) -> Result<()> {
    let iovecs = call.memory.iovecs(iovs, iovs_len)?;
    let descriptor = call.ctx.table.get(fd)?;
    let (nonblock, wait) = (descriptor.nonblock(), call.wait);
    let file = descriptor.file()?;
    let count = call.memory.scatter(&iovecs, |parts| file.read_at(parts, offset, nonblock, wait))?;
    call.memory.write_size(nread, count)
}

pub(super) fn fd_pwrite(
    call: &mut Call<'_>,
    fd: u32,
    iovs: u32,
    iovs_len: u32,
    offset: u64,
    nwritten: u32,
) -> Result<()> {
    let iovecs = call.memory.iovecs(iovs, iovs_len)?;
    let descriptor = call.ctx.table.get(fd)?;
    let (nonblock, wait) = (descriptor.nonblock(), call.wait);
    let file = descriptor.file_or(Errno::BADF, Errno::SPIPE)?;
    let count = call.memory.gather(&iovecs, |parts| file.write_at(parts, offset, nonblock, wait))?;
    sync_after_write(file, descriptor.flags)?;
    call.memory.write_size(nwritten, count)
}

pub(super) fn fd_read(call: &mut Call<'_>, fd: u32, iovs: u32, iovs_len: u32, nread: u32) -> Result<()> {
    let iovecs = call.memory.iovecs(iovs, iovs_len)?;
    let descriptor = call.ctx.table.get(fd)?;
    let (nonblock, wait) = (descriptor.nonblock(), call.wait);
    let count = match &descriptor.object {
        Object::Stream(stream) => call.memory.scatter(&iovecs, |parts| stream.read(parts, nonblock, wait))?,
        Object::File(file) => call.memory.scatter(&iovecs, |parts| file.read(parts, nonblock, wait))?,
        Object::Socket(socket) => call.memory.scatter(&iovecs, |parts| socket.receive(parts, false, nonblock, wait))?,
        Object::Directory(_) => return Err(Errno::ISDIR.into()),
    };
    call.memory.write_size(nread, count)
}

pub(crate) fn fd_write(call: &mut Call<'_>, fd: u32, iovs: u32, iovs_len: u32, nwritten: u32) -> Result<()> {
    let iovecs = call.memory.iovecs(iovs, iovs_len)?;
    let descriptor = call.ctx.table.get(fd)?;
    let (nonblock, wait) = (descriptor.nonblock(), call.wait);
    let count = match &descriptor.object {
        Object::Stream(stream) => call.memory.gather(&iovecs, |parts| stream.write(parts, nonblock, wait))?,
        Object::File(file) => {
            let count = call.memory.gather(&iovecs, |parts| file.write(parts, nonblock, wait))?;
            sync_after_write(file, descriptor.flags)?;
            count
        }
        Object::Socket(socket) => call.memory.gather(&iovecs, |parts| socket.send(parts, nonblock, wait))?,
        Object::Directory(_) => return Err(Errno::BADF.into()),
    };
    call.memory.write_size(nwritten, count)
}

/// Syncs a file after a write if its flags require that. A read then never returns data that is not on the disk, as RSYNC
/// requires.
fn sync_after_write(file: &File, flags: u16) -> Result<()> {
    if flags & (fdflags::SYNC | fdflags::RSYNC) != 0 {
        return Ok(file.sync()?);
    }
    if flags & fdflags::DSYNC != 0 {
        return Ok(file.datasync()?);
    }
    Ok(())
}

/// Returns the guest's name for a preopened directory. Fails with EBADF for any other descriptor.
fn preopen(descriptor: &Descriptor) -> Result<&str> {
    match &descriptor.object {
        Object::Directory(open) => Ok(open.preopen.as_deref().ok_or(Errno::BADF)?),
        Object::File(_) | Object::Stream(_) | Object::Socket(_) => Err(Errno::BADF.into()),
    }
}

pub(super) fn fd_prestat_get(call: &mut Call<'_>, fd: u32, prestat: u32) -> Result<()> {
    let len = preopen(call.ctx.table.get(fd)?)?.len();
    call.memory.write_u32(prestat, 0)?;
    call.memory.write_size(prestat.checked_add(4).ok_or(Errno::FAULT)?, len)
}

pub(super) fn fd_prestat_dir_name(call: &mut Call<'_>, fd: u32, path: u32, path_len: u32) -> Result<()> {
    let name = preopen(call.ctx.table.get(fd)?)?;
    if name.len() > path_len as usize {
        return Err(Errno::NAMETOOLONG.into());
    }
    call.memory.write(path, name.as_bytes())
}

/// Lists a directory. A call with cookie 0 reads all entries, and later calls return entries of that listing, so that
/// cookies stay valid when the directory changes. The last entry is truncated at the end of the buffer; a full buffer
/// means that there may be more entries. Fails with ENOMEM if the guest's listings hold too many entries.
pub(super) fn fd_readdir(
    call: &mut Call<'_>,
    fd: u32,
    buf: u32,
    buf_len: u32,
    cookie: u64,
    bufused: u32,
) -> Result<()> {
    let wait = call.wait;
    let listing = listing(&mut call.ctx.table, fd, cookie == 0, wait)?;
    let first = usize::try_from(cookie).unwrap_or(usize::MAX).min(listing.len());

    let buffer = call.memory.bytes_mut(buf, buf_len)?;
    let mut used = 0;
    for (index, entry) in listing.iter().enumerate().skip(first) {
        let dirent = Dirent {
            next: index as u64 + 1,
            ino: entry.inode,
            namlen: u32::try_from(entry.name.len()).map_err(|_| Errno::OVERFLOW)?,
            filetype: Filetype::from(entry.kind),
        };
        used += copy_truncated(&mut buffer[used..], &dirent.bytes());
        used += copy_truncated(&mut buffer[used..], entry.name.as_bytes());
        if used == buffer.len() {
            break;
        }
        wait.check()?;
    }
    call.memory.write_size(bufused, used)
}

/// Returns the listing of a directory. Reads the entries if `restart` is set or there is no listing.
fn listing<'a>(table: &'a mut DescriptorTable, fd: u32, restart: bool, wait: &dyn Wait) -> Result<&'a [DirEntry]> {
    let open = table.get_mut(fd)?.open_directory()?;
    let previous = open.listing.take().filter(|_| !restart);
    let capacity = table.listing_capacity();
    let open = table.get_mut(fd)?.open_directory()?;
    let listing = match previous {
        Some(listing) => listing,
        None => open.directory.entries(capacity, wait)?,
    };
    Ok(open.listing.insert(listing))
}

/// Copies as many of `bytes` as fit in `buffer`, and returns their number.
fn copy_truncated(buffer: &mut [u8], bytes: &[u8]) -> usize {
    let count = bytes.len().min(buffer.len());
    buffer[..count].copy_from_slice(&bytes[..count]);
    count
}

pub(super) fn fd_renumber(call: &mut Call<'_>, fd: u32, to: u32) -> Result<()> {
    call.ctx.table.renumber(fd, to)
}

pub(crate) fn fd_seek(call: &mut Call<'_>, fd: u32, offset: i64, whence: u32, newoffset: u32) -> Result<()> {
    let to = match whence {
        0 => SeekFrom::Start(u64::try_from(offset).map_err(|_| Errno::INVAL)?),
        1 => SeekFrom::Current(offset),
        2 => SeekFrom::End(offset),
        _ => return Err(Errno::INVAL.into()),
    };
    let position = call.ctx.table.get(fd)?.file()?.seek(to)?;
    call.memory.write_u64(newoffset, position)
}

pub(super) fn fd_tell(call: &mut Call<'_>, fd: u32, offset: u32) -> Result<()> {
    let position = call.ctx.table.get(fd)?.file()?.seek(SeekFrom::Current(0))?;
    call.memory.write_u64(offset, position)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::p1::path::path_open;
    use crate::p1::types::{CallError, fstflags, oflags};
    use crate::tests::{AlwaysInterrupted, BUFFER, Guest, NeverInterrupted, OUT, TempDir, fails, on_each_backend};
    use crate::{FsPerms, Pipe, WasiCtx};

    impl Guest {
        fn file(&mut self, flags: u16) -> u32 {
            let (path, len) = self.write_text(1024, "file");
            let rights = Rights::FILE.0;
            self.call(|call| path_open(call, 3, 0, path, len, oflags::CREAT, rights, 0, flags.into(), OUT)).unwrap();
            self.read_u32(OUT)
        }

        fn open_file(&mut self, rights: Rights) -> u32 {
            let (path, len) = self.write_text(1024, "file");
            self.call(|call| path_open(call, 3, 0, path, len, 0, rights.0, 0, 0, OUT)).unwrap();
            self.read_u32(OUT)
        }

        fn put(&mut self, fd: u32, text: &str) -> Result<u32> {
            let (_, len) = self.write_text(BUFFER, text);
            let iovec = self.write_iovec(len);
            self.call(|call| fd_write(call, fd, iovec, 1, OUT))?;
            Ok(self.read_u32(OUT))
        }

        fn take(&mut self, fd: u32, len: u32) -> Result<&[u8]> {
            let iovec = self.write_iovec(len);
            self.call(|call| fd_read(call, fd, iovec, 1, OUT))?;
            let count = self.read_u32(OUT);
            Ok(self.buffer(count))
        }

        fn seek(&mut self, fd: u32, offset: i64, whence: u32) -> Result<u64> {
            self.call(|call| fd_seek(call, fd, offset, whence, OUT))?;
            Ok(self.read_u64(OUT))
        }

        fn list(&mut self, len: u32, cookie: u64) -> Vec<u8> {
            self.call(|call| fd_readdir(call, 3, BUFFER, len, cookie, OUT)).unwrap();
            let used = self.read_u32(OUT);
            self.buffer(used).to_vec()
        }
    }

    /// Returns the cookie, inode, type and name of each complete entry.
    fn entries(mut bytes: &[u8]) -> Vec<(u64, u64, u8, String)> {
        let mut found = Vec::new();
        while let Some((head, rest)) = bytes.split_at_checked(24) {
            let number = |at: usize| u64::from_le_bytes(head[at..at + 8].try_into().unwrap());
            let len = u32::from_le_bytes(head[16..20].try_into().unwrap()) as usize;
            let Some((name, rest)) = rest.split_at_checked(len) else { break };
            found.push((number(0), number(8), head[20], String::from_utf8(name.to_vec()).unwrap()));
            bytes = rest;
        }
        found
    }

    #[test]
    fn operations_on_a_file_change_its_contents_size_and_times() {
        on_each_backend(|guest| {
            let fd = guest.file(0);
            assert_eq!(guest.put(fd, "hello, world"), Ok(12));
            assert_eq!(guest.seek(fd, -5, 1), Ok(7));
            assert_eq!(guest.take(fd, 100).unwrap(), b"world");
            assert_eq!(guest.seek(fd, -20, 1), Err(Errno::INVAL.into()));
            assert_eq!(guest.seek(fd, 0, 3), Err(Errno::INVAL.into()));
            guest.call(|call| fd_filestat_get(call, fd, OUT)).unwrap();
            assert_eq!((guest.memory[16], guest.read_u64(24), guest.read_u64(32)), (4, 1, 12));
            guest.call(|call| fd_filestat_set_size(call, fd, 5)).unwrap();
            guest.call(|call| fd_allocate(call, fd, 5, 5)).unwrap();
            guest.call(|call| fd_advise(call, fd, 0, 0, 5)).unwrap();
            assert_eq!(guest.call(|call| fd_advise(call, fd, 0, 0, 6)), fails(Errno::INVAL));
            guest.call(|call| fd_sync(call, fd)).unwrap();
            guest.call(|call| fd_datasync(call, fd)).unwrap();
            guest.call(|call| fd_filestat_set_times(call, fd, 0, 7, fstflags::MTIM)).unwrap();
            guest.call(|call| fd_filestat_get(call, fd, OUT)).unwrap();
            assert_eq!((guest.read_u64(32), guest.read_u64(48)), (10, 7));
            guest.seek(fd, 0, 0).unwrap();
            assert_eq!(guest.take(fd, 100).unwrap(), b"hello\0\0\0\0\0");
        });
    }

    #[test]
    fn fd_pwrite_writes_at_the_offset_in_append_mode() {
        on_each_backend(|guest| {
            let fd = guest.file(fdflags::APPEND);
            guest.put(fd, "abcd").unwrap();
            guest.seek(fd, 0, 0).unwrap();
            guest.put(fd, "ef").unwrap();
            guest.write_text(BUFFER, "XY");
            let iovec = guest.write_iovec(2);
            guest.call(|call| fd_pwrite(call, fd, iovec, 1, 1, OUT)).unwrap();
            guest.seek(fd, 0, 0).unwrap();
            assert_eq!(guest.take(fd, 100).unwrap(), b"aXYdef");
            let iovec = guest.write_iovec(2);
            guest.call(|call| fd_pread(call, fd, iovec, 1, 3, OUT)).unwrap();
            assert_eq!(guest.buffer(2), b"de");
            guest.call(|call| fd_fdstat_set_flags(call, fd, 0)).unwrap();
            guest.seek(fd, 0, 0).unwrap();
            guest.put(fd, "1").unwrap();
            guest.seek(fd, 0, 0).unwrap();
            assert_eq!(guest.take(fd, 100).unwrap(), b"1XYdef");
            assert_eq!(guest.call(|call| fd_fdstat_set_flags(call, fd, 32)), fails(Errno::INVAL));
        });
    }

    #[test]
    fn every_flag_of_a_file_can_change() {
        on_each_backend(|guest| {
            let fd = guest.file(fdflags::SYNC);
            guest.put(fd, "a").unwrap();
            for flags in [fdflags::DSYNC, fdflags::RSYNC | fdflags::NONBLOCK, fdflags::ALL, 0] {
                guest.call(|call| fd_fdstat_set_flags(call, fd, flags.into())).unwrap();
                guest.call(|call| fd_fdstat_get(call, fd, OUT)).unwrap();
                assert_eq!(guest.read_u32(OUT) >> 16, u32::from(flags));
                assert_eq!(guest.put(fd, "b"), Ok(1));
            }
            guest.seek(fd, 0, 0).unwrap();
            assert_eq!(guest.take(fd, 100).unwrap(), b"abbbb");
        });
    }

    #[test]
    fn rights_can_be_dropped_but_not_added_and_are_not_checked() {
        on_each_backend(|guest| {
            let fd = guest.file(0);
            let rights = Rights::FD_READ | Rights::FD_SEEK;
            guest.call(|call| fd_fdstat_set_rights(call, fd, rights.0, 0)).unwrap();
            assert_eq!(guest.put(fd, "x"), Ok(1));
            guest.call(|call| fd_filestat_set_size(call, fd, 0)).unwrap();
            let added = guest.call(|call| fd_fdstat_set_rights(call, fd, (rights | Rights::FD_WRITE).0, 0));
            assert_eq!(added, fails(Errno::NOTCAPABLE));
            guest.call(|call| fd_fdstat_get(call, fd, OUT)).unwrap();
            assert_eq!((guest.memory[0], guest.read_u64(8), guest.read_u64(16)), (4, rights.0, 0));
            guest.call(|call| fd_fdstat_set_rights(call, 3, 0, 0)).unwrap();
            assert!(guest.list(4096, 0).len() > 24);
            guest.file(0);
        });
    }

    #[test]
    fn a_file_permits_only_the_operations_that_it_was_opened_for() {
        on_each_backend(|guest| {
            let created = guest.file(0);
            guest.put(created, "text").unwrap();
            let reading = guest.open_file(Rights::FD_READ);
            assert_eq!(guest.put(reading, "x"), Err(Errno::BADF.into()));
            let iovec = guest.write_iovec(1);
            assert_eq!(guest.call(|call| fd_pwrite(call, reading, iovec, 1, 0, OUT)), fails(Errno::BADF));
            assert_eq!(guest.call(|call| fd_filestat_set_size(call, reading, 0)), fails(Errno::INVAL));
            assert_eq!(guest.call(|call| fd_allocate(call, reading, 0, 9)), fails(Errno::BADF));
            assert_eq!(guest.take(reading, 9).unwrap(), b"text");
            assert_eq!(guest.seek(reading, 1, 0), Ok(1));
            guest.call(|call| fd_tell(call, reading, OUT)).unwrap();
            guest.call(|call| fd_filestat_get(call, reading, OUT)).unwrap();
            guest.call(|call| fd_filestat_set_times(call, reading, 0, 7, fstflags::MTIM)).unwrap();
            guest.call(|call| fd_advise(call, reading, 0, 0, 0)).unwrap();
            guest.call(|call| fd_sync(call, reading)).unwrap();
            guest.call(|call| fd_fdstat_set_flags(call, reading, fdflags::APPEND.into())).unwrap();

            let writing = guest.open_file(Rights::FD_WRITE);
            assert_eq!(guest.take(writing, 1), Err(Errno::BADF.into()));
            let iovec = guest.write_iovec(1);
            assert_eq!(guest.call(|call| fd_pread(call, writing, iovec, 1, 0, OUT)), fails(Errno::BADF));
            assert_eq!(guest.seek(writing, 0, 2), Ok(4));
            assert_eq!(guest.put(writing, "s"), Ok(1));
            guest.call(|call| fd_filestat_set_size(call, writing, 2)).unwrap();

            let neither = guest.open_file(Rights::NONE);
            assert_eq!(guest.take(neither, 9).unwrap(), b"te");
            assert_eq!(guest.put(neither, "x"), Err(Errno::BADF.into()));
        });
    }

    #[test]
    fn operations_on_files_fail_for_directories() {
        on_each_backend(|guest| {
            assert_eq!(guest.take(3, 1), Err(Errno::ISDIR.into()));
            assert_eq!(guest.put(3, "x"), Err(Errno::BADF.into()));
            assert_eq!(guest.call(|call| fd_filestat_set_size(call, 3, 0)), fails(Errno::INVAL));
            assert_eq!(guest.call(|call| fd_allocate(call, 3, 0, 1)), fails(Errno::BADF));
            assert_eq!(guest.seek(3, 0, 1), Err(Errno::ISDIR.into()));
            assert_eq!(guest.call(|call| fd_tell(call, 3, OUT)), fails(Errno::ISDIR));
            guest.call(|call| fd_sync(call, 3)).unwrap();
            guest.call(|call| fd_filestat_set_times(call, 3, 0, 9, fstflags::MTIM)).unwrap();
            guest.call(|call| fd_filestat_get(call, 3, OUT)).unwrap();
            assert_eq!((guest.memory[16], guest.read_u64(48)), (3, 9));
            guest.file(0);
            assert_eq!(guest.call(|call| fd_readdir(call, 4, BUFFER, 9, 0, OUT)), fails(Errno::NOTDIR));
        });
    }

    #[test]
    fn fd_prestat_reports_the_names_of_preopened_directories() {
        on_each_backend(|guest| {
            guest.call(|call| fd_prestat_get(call, 3, OUT)).unwrap();
            assert_eq!((guest.read_u32(0), guest.read_u32(4)), (0, 1));
            assert_eq!(guest.call(|call| fd_prestat_dir_name(call, 3, BUFFER, 0)), fails(Errno::NAMETOOLONG));
            guest.call(|call| fd_prestat_dir_name(call, 3, BUFFER, 2)).unwrap();
            assert_eq!(guest.buffer(2), b".\0");
            assert_eq!(guest.call(|call| fd_prestat_get(call, 0, OUT)), fails(Errno::BADF));
            assert_eq!(guest.call(|call| fd_prestat_get(call, 4, OUT)), fails(Errno::BADF));
        });
    }

    #[test]
    fn a_listing_is_stable_and_truncated_at_the_end_of_the_buffer() {
        let temp = TempDir::new();
        for name in ["one", "two", "three"] {
            std::fs::write(temp.path().join(name), name).unwrap();
        }
        let mut guest = Guest::with_dir(&temp, FsPerms::ReadOnly);
        let all = entries(&guest.list(4096, 0));
        let mut names: Vec<&str> = all.iter().map(|entry| entry.3.as_str()).collect();
        assert_eq!(names[..2], [".", ".."]);
        names.sort_unstable();
        assert_eq!(names, [".", "..", "one", "three", "two"]);
        assert!(all.iter().all(|entry| entry.1 != 0));
        assert_eq!(all.iter().map(|entry| entry.2).collect::<Vec<_>>(), [3, 3, 4, 4, 4]);

        std::fs::write(temp.path().join("late"), "").unwrap();
        let mut cookie = 0;
        let mut names = Vec::new();
        guest.list(4096, 0);
        std::fs::remove_file(temp.path().join("one")).unwrap();
        loop {
            let bytes = guest.list(40, cookie);
            let found = entries(&bytes);
            cookie = found.last().map_or(cookie, |entry| entry.0);
            names.extend(found.into_iter().map(|entry| entry.3));
            if bytes.len() < 40 {
                break;
            }
        }
        names.sort();
        // The first call of the loop, with cookie 0, reads the entries again.
        assert_eq!(names, [".", "..", "late", "three", "two"]);
        assert_eq!(guest.list(24, 0).len(), 24);
        assert_eq!(guest.list(30, u64::MAX), b"");
    }

    #[test]
    fn a_listing_is_limited_and_can_be_interrupted() {
        let temp = TempDir::new();
        std::fs::write(temp.path().join("one"), "").unwrap();
        let mut guest = Guest::with_dir(&temp, FsPerms::ReadOnly);
        let list = |call: &mut Call<'_>| fd_readdir(call, 3, BUFFER, 4096, 0, OUT);
        assert_eq!(guest.call_with(&AlwaysInterrupted, list), Err(CallError::Interrupted));
        let capacity = guest.ctx.table.listing_capacity();
        guest.call(list).unwrap();
        assert_eq!(guest.ctx.table.listing_capacity(), capacity - 3);
        let directory = guest.ctx.table.get(3).unwrap().directory().unwrap();
        let error = directory.entries(2, &NeverInterrupted).unwrap_err();
        assert_eq!(CallError::from(error), Errno::NOMEM.into());
        assert_eq!(directory.entries(3, &NeverInterrupted).unwrap().len(), 3);
        guest.call(list).unwrap();
        assert_eq!(guest.ctx.table.listing_capacity(), capacity - 3, "a new listing replaces the old one");
    }

    #[test]
    fn standard_streams_have_no_position_and_one_direction() {
        let out = Pipe::new();
        let ctx = WasiCtx::builder().stdin(Pipe::from("line\n")).stdout(out.clone()).build().unwrap();
        let mut guest = Guest::new(ctx);
        assert_eq!(guest.take(0, 100).unwrap(), b"line\n");
        assert_eq!(guest.take(0, 100).unwrap(), b"");
        assert_eq!(guest.put(1, "out"), Ok(3));
        assert_eq!(out.contents(), b"out");
        assert_eq!(guest.put(2, "dropped"), Ok(7));
        assert_eq!(guest.put(0, "x"), Err(Errno::BADF.into()));
        assert_eq!(guest.take(1, 1), Err(Errno::BADF.into()));
        assert_eq!(guest.seek(1, 0, 0), Err(Errno::SPIPE.into()));
        assert_eq!(guest.call(|call| fd_filestat_set_size(call, 1, 0)), fails(Errno::INVAL));
        guest.call(|call| fd_fdstat_get(call, 1, OUT)).unwrap();
        assert_eq!(guest.memory[0], 0, "only a terminal is a character device");
    }

    #[test]
    fn a_read_that_would_block_is_interruptible_and_fails_with_nonblock() {
        let (reader, _writer) = rustix::pipe::pipe().unwrap();
        let mut guest = Guest::new(WasiCtx::builder().stdin(reader).build().unwrap());
        let iovec = guest.write_iovec(1);
        let read = |call: &mut Call<'_>| fd_read(call, 0, iovec, 1, OUT);
        assert_eq!(guest.call_with(&AlwaysInterrupted, read), Err(CallError::Interrupted));
        guest.call(|call| fd_fdstat_set_flags(call, 0, fdflags::NONBLOCK.into())).unwrap();
        assert_eq!(guest.call(read), fails(Errno::AGAIN));
    }

    #[test]
    fn fd_renumber_replaces_an_open_descriptor() {
        on_each_backend(|guest| {
            let fd = guest.file(0);
            guest.call(|call| fd_renumber(call, fd, 2)).unwrap();
            assert_eq!(guest.put(2, "into the file"), Ok(13));
            assert_eq!(guest.call(|call| fd_close(call, fd)), fails(Errno::BADF));
            assert_eq!(guest.call(|call| fd_renumber(call, 2, 50)), fails(Errno::BADF));
            guest.call(|call| fd_renumber(call, 2, 2)).unwrap();
            guest.call(|call| fd_close(call, 3)).unwrap();
            assert_eq!(guest.call(|call| fd_fdstat_get(call, 3, OUT)), fails(Errno::BADF));
        });
    }

    #[test]
    fn invalid_buffers_fail_before_any_byte_is_read() {
        let mut guest = Guest::new(WasiCtx::builder().stdin(Pipe::from("text")).build().unwrap());
        assert_eq!(guest.take(0, u32::MAX), Err(Errno::FAULT.into()));
        assert_eq!(guest.call(|call| fd_read(call, 0, 0, 1025, OUT)), fails(Errno::INVAL));
        assert_eq!(guest.call(|call| fd_read(call, 0, u32::MAX, 1, OUT)), fails(Errno::FAULT));
        assert_eq!(guest.take(0, 10).unwrap(), b"text");
    }
}
