//! Reads and writes between a guest's buffers and a stream, file or socket. Bytes move in chunks of at most [`CHUNK`]
//! bytes, with a check for an interrupt between two chunks, so that a transfer of gigabytes ends in time. On a
//! descriptor of the host, each chunk is one system call that does not block. All waiting goes through [`Wait`].
//!
//! As in POSIX, a read returns the available bytes, and a blocking write continues until it has written everything. A call
//! that fails after it has moved some bytes returns their number, and the next call returns the error.

use super::{Error, Result, Wait, wait_ready};
use kinglet::PollFd;
use rustix::fd::BorrowedFd;
use rustix::fs::{FileType, OFlags};
use rustix::io::Errno;
use rustix::net::{RecvAncillaryBuffer, RecvFlags, SendAncillaryBuffer, SendFlags};
use std::io::{IoSlice, IoSliceMut};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

/// The maximum size of a chunk, in bytes. The system copies a chunk in a fraction of a millisecond.
pub(crate) const CHUNK: usize = 1 << 20;

/// The maximum number of bytes in one write to a descriptor that can block. A pipe that polls as writable accepts this
/// many without blocking.
pub const PIPE_BUF: usize = 4096;

/// Fills `into` with calls of `read`, which receives a chunk and the number of bytes read before it. Ends after the first
/// chunk that is not filled.
pub(crate) fn read_chunks(
    into: &mut [IoSliceMut<'_>],
    wait: &dyn Wait,
    mut read: impl FnMut(&mut [IoSliceMut<'_>], usize) -> Result<usize>,
) -> Result<usize> {
    let wanted: usize = into.iter().map(|part| part.len()).sum();
    if wanted <= CHUNK {
        return read(into, 0);
    }
    let mut done = 0;
    while done < wanted {
        let chunk = done..wanted.min(done + CHUNK);
        let mut parts: Vec<IoSliceMut<'_>> = Vec::new();
        let mut at = 0;
        for part in &mut *into {
            let range = overlap(&chunk, at, part.len());
            at += part.len();
            if !range.is_empty() {
                parts.push(IoSliceMut::new(&mut part[range]));
            }
        }
        match read(&mut parts, done) {
            Ok(count) => {
                done += count;
                if count < chunk.len() {
                    break;
                }
            }
            Err(Error::Errno(_)) if done > 0 => break,
            Err(error) => return Err(error),
        }
        wait.check()?;
    }
    Ok(done)
}

/// Writes all of `parts` with calls of `write`, which receives a chunk and the number of bytes written before it. Ends
/// early if `write` returns 0 or fails.
pub(crate) fn write_chunks(
    parts: &[IoSlice<'_>],
    wait: &dyn Wait,
    mut write: impl FnMut(&[IoSlice<'_>], usize) -> Result<usize>,
) -> Result<usize> {
    let wanted: usize = parts.iter().map(|part| part.len()).sum();
    let mut done = 0;
    loop {
        let written = if done == 0 && wanted <= CHUNK {
            write(parts, 0)
        } else {
            let chunk = done..wanted.min(done + CHUNK);
            let mut at = 0;
            let cut = parts.iter().filter_map(|part| {
                let range = overlap(&chunk, at, part.len());
                at += part.len();
                (!range.is_empty()).then(|| IoSlice::new(&part[range]))
            });
            write(&cut.collect::<Vec<_>>(), done)
        };
        match written {
            Ok(0) => return Ok(done),
            Ok(count) => done += count,
            Err(Error::Errno(_)) if done > 0 => return Ok(done),
            Err(error) => return Err(error),
        }
        if done >= wanted {
            return Ok(done);
        }
        wait.check()?;
    }
}

/// Returns the part of a buffer that lies in `chunk`. The buffer has `len` bytes and begins at `offset`.
fn overlap(chunk: &Range<usize>, offset: usize, len: usize) -> Range<usize> {
    let [start, end] = [chunk.start, chunk.end].map(|bound| bound.saturating_sub(offset).min(len));
    start..end
}

/// The method that keeps a system call on a descriptor from blocking.
#[derive(Debug)]
pub(crate) enum NonblockMode {
    /// None: a regular file is always ready.
    AlwaysReady,
    /// `O_NONBLOCK`, for an open file description that no other process shares.
    DescriptorFlag,
    /// `RWF_NOWAIT` in each call, for a pipe that other processes share. The value is true after the system has refused
    /// this flag. Calls then poll first.
    Nowait(AtomicBool),
    /// `MSG_DONTWAIT` in each call, for a socket that other processes share.
    Dontwait,
    /// A poll before each call, and writes of at most [`PIPE_BUF`] bytes.
    PollFirst,
}

impl NonblockMode {
    /// Returns the method for a descriptor whose open file description other processes may share.
    pub(crate) fn for_shared(fd: BorrowedFd<'_>) -> NonblockMode {
        match rustix::fs::fstat(fd).map(|stat| FileType::from_raw_mode(stat.st_mode)) {
            Ok(FileType::RegularFile) => NonblockMode::AlwaysReady,
            Ok(FileType::Fifo) => NonblockMode::Nowait(AtomicBool::new(false)),
            Ok(FileType::Socket) => NonblockMode::Dontwait,
            _ => NonblockMode::PollFirst,
        }
    }

    /// Returns the method for a descriptor that this crate opened with `O_NONBLOCK`.
    pub(crate) fn for_opened(regular: bool) -> NonblockMode {
        if regular { NonblockMode::AlwaysReady } else { NonblockMode::DescriptorFlag }
    }

    pub(crate) fn is_always_ready(&self) -> bool {
        matches!(self, NonblockMode::AlwaysReady)
    }

    /// Returns whether a call can block. If it can, the descriptor must be polled first.
    fn polls_first(&self) -> bool {
        match self {
            NonblockMode::AlwaysReady | NonblockMode::DescriptorFlag | NonblockMode::Dontwait => false,
            NonblockMode::Nowait(refused) => refused.load(Ordering::Relaxed),
            NonblockMode::PollFirst => true,
        }
    }

    fn read_once(&self, fd: BorrowedFd<'_>, into: &mut [IoSliceMut<'_>]) -> rustix::io::Result<usize> {
        match (self, into) {
            (NonblockMode::Dontwait, into) => {
                let message = rustix::net::recvmsg(fd, into, &mut RecvAncillaryBuffer::default(), RecvFlags::DONTWAIT)?;
                Ok(message.bytes)
            }
            (NonblockMode::Nowait(refused), into) if !refused.load(Ordering::Relaxed) => nowait::read(fd, into),
            (_, [one]) => rustix::io::read(fd, &mut **one),
            (_, into) => rustix::io::readv(fd, into),
        }
    }

    fn write_once(&self, fd: BorrowedFd<'_>, parts: &[IoSlice<'_>]) -> rustix::io::Result<usize> {
        match (self, parts) {
            (NonblockMode::Dontwait, parts) => {
                rustix::net::sendmsg(fd, parts, &mut SendAncillaryBuffer::default(), SendFlags::DONTWAIT)
            }
            (NonblockMode::Nowait(refused), parts) if !refused.load(Ordering::Relaxed) => nowait::write(fd, parts),
            (NonblockMode::Nowait(_) | NonblockMode::PollFirst, parts) => write_ready(fd, parts),
            (_, [one]) => rustix::io::write(fd, one),
            (_, parts) => rustix::io::writev(fd, parts),
        }
    }
}

/// Reads from a descriptor at its current position. Returns 0 at the end. Waits for the first byte unless `nonblock` is
/// set.
pub(crate) fn read_fd(
    fd: BorrowedFd<'_>,
    mode: &NonblockMode,
    into: &mut [IoSliceMut<'_>],
    nonblock: bool,
    wait: &dyn Wait,
) -> Result<usize> {
    if into.iter().all(|part| part.is_empty()) {
        return Ok(0);
    }
    read_chunks(into, wait, |chunk, done| {
        attempt(mode, PollFd::readable(fd), nonblock || done > 0, wait, || mode.read_once(fd, chunk))
    })
}

/// Writes all of `parts` to a descriptor at its current position. With `nonblock`, writes as much as possible without
/// waiting.
pub(crate) fn write_fd(
    fd: BorrowedFd<'_>,
    mode: &NonblockMode,
    parts: &[IoSlice<'_>],
    nonblock: bool,
    wait: &dyn Wait,
) -> Result<usize> {
    if parts.iter().all(|part| part.is_empty()) {
        return Ok(0);
    }
    write_chunks(parts, wait, |chunk, _| {
        attempt(mode, PollFd::writable(fd), nonblock, wait, || mode.write_once(fd, chunk))
    })
}

/// Repeats a system call until it transfers bytes, reaches the end or fails. Waits for `ready` while the call would
/// block.
pub(crate) fn attempt(
    mode: &NonblockMode,
    ready: PollFd<'_>,
    nonblock: bool,
    wait: &dyn Wait,
    mut call: impl FnMut() -> rustix::io::Result<usize>,
) -> Result<usize> {
    loop {
        let polls_first = mode.polls_first();
        if polls_first {
            wait_ready(ready.clone(), nonblock, wait)?;
        }
        match call() {
            Ok(count) => return Ok(count),
            Err(Errno::INTR) => wait.check()?,
            // After a poll, EAGAIN means that another process was faster.
            Err(Errno::AGAIN) if !nonblock && !polls_first => wait_ready(ready.clone(), nonblock, wait)?,
            Err(Errno::AGAIN) if !nonblock => {}
            Err(errno) => match mode {
                NonblockMode::Nowait(refused)
                    if nowait::is_refused(errno) && !refused.swap(true, Ordering::Relaxed) => {}
                _ => return Err(errno.into()),
            },
        }
    }
}

/// Writes as many leading parts as fit in [`PIPE_BUF`] bytes, or the start of the first part if it is longer.
fn write_ready(fd: BorrowedFd<'_>, parts: &[IoSlice<'_>]) -> rustix::io::Result<usize> {
    let mut left = PIPE_BUF;
    let fits = parts.iter().take_while(|part| {
        let fits = part.len() <= left;
        left = left.saturating_sub(part.len());
        fits
    });
    let count = fits.count();
    let first = parts.iter().position(|part| !part.is_empty()).unwrap_or(0);
    if count > first {
        return rustix::io::writev(fd, &parts[first..count]);
    }
    rustix::io::write(fd, &parts[first][..PIPE_BUF.min(parts[first].len())])
}

/// Calls on a pipe that do not block, although its open file description lacks `O_NONBLOCK`.
#[cfg(target_os = "linux")]
mod nowait {
    use super::{BorrowedFd, Errno, IoSlice, IoSliceMut};
    use rustix::io::ReadWriteFlags;

    /// The offset that selects the descriptor's current position.
    const CURRENT_POSITION: u64 = u64::MAX;

    pub(super) fn read(fd: BorrowedFd<'_>, into: &mut [IoSliceMut<'_>]) -> rustix::io::Result<usize> {
        rustix::io::preadv2(fd, into, CURRENT_POSITION, ReadWriteFlags::NOWAIT)
    }

    pub(super) fn write(fd: BorrowedFd<'_>, parts: &[IoSlice<'_>]) -> rustix::io::Result<usize> {
        rustix::io::pwritev2(fd, parts, CURRENT_POSITION, ReadWriteFlags::NOWAIT)
    }

    /// Returns whether the system does not support the call. Linux supports it for pipes since 6.4, and a sandbox may
    /// refuse it.
    pub(super) fn is_refused(errno: Errno) -> bool {
        matches!(errno, Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL | Errno::PERM | Errno::SPIPE)
    }
}

#[cfg(not(target_os = "linux"))]
mod nowait {
    use super::{BorrowedFd, Errno, IoSlice, IoSliceMut};

    pub(super) fn read(_: BorrowedFd<'_>, _: &mut [IoSliceMut<'_>]) -> rustix::io::Result<usize> {
        Err(Errno::NOSYS)
    }

    pub(super) fn write(_: BorrowedFd<'_>, _: &[IoSlice<'_>]) -> rustix::io::Result<usize> {
        Err(Errno::NOSYS)
    }

    pub(super) fn is_refused(errno: Errno) -> bool {
        errno == Errno::NOSYS
    }
}

/// Opens a terminal a second time, with `O_NONBLOCK`. The flags of the open file description that other processes share
/// stay unchanged. Returns `None` if the system cannot open it again, and for the master side of a pseudo-terminal:
/// opening that creates another terminal.
pub fn reopen_terminal(fd: BorrowedFd<'_>) -> Option<rustix::fd::OwnedFd> {
    use rustix::fd::AsRawFd;
    if rustix::pty::ptsname(fd, Vec::new()).is_ok() {
        return None;
    }
    let access = rustix::fs::fcntl_getfl(fd).ok()? & OFlags::RWMODE;
    let flags = access | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    rustix::fs::open(format!("/proc/self/fd/{}", fd.as_raw_fd()), flags, rustix::fs::Mode::empty()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{AlwaysInterrupted, InterruptAfter, NeverInterrupted};
    use rustix::fd::{AsFd, OwnedFd};
    use std::io::Read;

    /// The modes for a pipe that other processes share, on systems with and without `RWF_NOWAIT` for pipes.
    fn shared_pipe_modes() -> [NonblockMode; 3] {
        [
            NonblockMode::Nowait(AtomicBool::new(false)),
            NonblockMode::Nowait(AtomicBool::new(true)),
            NonblockMode::PollFirst,
        ]
    }

    fn pipe() -> (std::fs::File, OwnedFd) {
        let (reader, writer) = rustix::pipe::pipe().unwrap();
        (reader.into(), writer)
    }

    #[test]
    fn a_large_read_fills_its_parts_in_order_and_in_chunks() {
        let mut buffers = [vec![0u8; CHUNK - 1], vec![], vec![0; 7], vec![0; 2 * CHUNK]];
        let mut into: Vec<_> = buffers.iter_mut().map(|buffer| IoSliceMut::new(buffer)).collect();
        let mut chunks = Vec::new();
        let total = read_chunks(&mut into, &NeverInterrupted, |chunk, done| {
            let len: usize = chunk.iter().map(|part| part.len()).sum();
            assert!(len <= CHUNK);
            chunks.push(done);
            chunk.iter_mut().for_each(|part| part.fill(chunks.len() as u8));
            Ok(len)
        });
        assert_eq!(total.unwrap(), 3 * CHUNK + 6);
        assert_eq!(chunks, [0, CHUNK, 2 * CHUNK, 3 * CHUNK]);
        assert_eq!((buffers[0].first(), buffers[0].last()), (Some(&1), Some(&1)));
        assert_eq!(buffers[2], [1, 2, 2, 2, 2, 2, 2]);
        assert_eq!((buffers[3][0], buffers[3][CHUNK - 6], buffers[3][2 * CHUNK - 1]), (2, 3, 4));
    }

    #[test]
    fn an_interrupt_ends_a_large_transfer_between_two_chunks() {
        let mut bytes = vec![0; 8 * CHUNK];
        let mut calls = 0;
        let read = read_chunks(&mut [IoSliceMut::new(&mut bytes)], &InterruptAfter::checks(3), |_, _| {
            calls += 1;
            Ok(CHUNK)
        });
        assert!(matches!(read, Err(Error::Interrupted)) && calls == 3);
        let written = write_chunks(&[IoSlice::new(&bytes)], &InterruptAfter::checks(3), |_, _| {
            calls += 1;
            Ok(CHUNK / 2)
        });
        assert!(matches!(written, Err(Error::Interrupted)) && calls == 6);
    }

    #[test]
    fn a_call_that_fails_after_some_bytes_returns_their_number() {
        let mut bytes = vec![0; 3 * CHUNK];
        let full = || Err(Errno::NOSPC.into());
        let mut into = [IoSliceMut::new(&mut bytes)];
        let read = read_chunks(&mut into, &NeverInterrupted, |_, done| if done == 0 { Ok(CHUNK) } else { full() });
        assert_eq!(read.unwrap(), CHUNK);
        let short = read_chunks(&mut into, &NeverInterrupted, |_, done| if done == 0 { Ok(CHUNK) } else { Ok(1) });
        assert_eq!(short.unwrap(), CHUNK + 1);
        let parts = [IoSlice::new(&bytes[..5]), IoSlice::new(&bytes[5..])];
        let written = write_chunks(&parts, &NeverInterrupted, |_, done| if done < 9 { Ok(3) } else { full() });
        assert_eq!(written.unwrap(), 9);
        assert!(write_chunks(&parts, &NeverInterrupted, |_, _| full()).is_err());
    }

    #[test]
    fn a_blocking_write_writes_everything() {
        let bytes: Vec<u8> = (0..300_000u32).map(|at| (at % 251) as u8).collect();
        for mode in shared_pipe_modes() {
            let (mut reader, writer) = pipe();
            let thread = std::thread::spawn(move || {
                let mut all = Vec::new();
                reader.read_to_end(&mut all).unwrap();
                all
            });
            let parts = [IoSlice::new(&bytes[..1]), IoSlice::new(&bytes[1..200_000]), IoSlice::new(&bytes[200_000..])];
            assert_eq!(
                write_fd(writer.as_fd(), &mode, &parts, false, &NeverInterrupted).unwrap(),
                bytes.len(),
                "{mode:?}"
            );
            drop(writer);
            assert!(thread.join().unwrap() == bytes, "{mode:?}");
        }
    }

    #[test]
    fn a_write_to_a_full_pipe_can_be_interrupted() {
        let bytes = vec![7; 300_000];
        for mode in shared_pipe_modes() {
            let (_reader, writer) = pipe();
            let stopped = write_fd(writer.as_fd(), &mode, &[IoSlice::new(&bytes)], false, &InterruptAfter::checks(100));
            assert!(matches!(stopped, Err(Error::Interrupted)), "{mode:?}");
            let stopped = write_fd(writer.as_fd(), &mode, &[IoSlice::new(b"x")], false, &AlwaysInterrupted);
            assert!(matches!(stopped, Err(Error::Interrupted)), "{mode:?}");
        }
    }

    #[test]
    fn nonblocking_calls_transfer_as_much_as_the_pipe_holds() {
        let bytes = vec![7; 300_000];
        for mode in shared_pipe_modes() {
            let (reader, writer) = pipe();
            let mut back = vec![0; 300_000];
            let empty = read_fd(reader.as_fd(), &mode, &mut [IoSliceMut::new(&mut back)], true, &NeverInterrupted);
            assert!(matches!(empty, Err(Error::Errno(crate::host::Errno::AGAIN))), "{mode:?}");
            let written = write_fd(writer.as_fd(), &mode, &[IoSlice::new(&bytes)], true, &NeverInterrupted).unwrap();
            assert!((4096..300_000).contains(&written), "{mode:?} {written}");
            let full = write_fd(writer.as_fd(), &mode, &[IoSlice::new(&bytes)], true, &NeverInterrupted);
            assert!(matches!(full, Err(Error::Errno(crate::host::Errno::AGAIN))), "{mode:?}");
            let read = read_fd(reader.as_fd(), &mode, &mut [IoSliceMut::new(&mut back)], false, &NeverInterrupted);
            assert_eq!(read.unwrap(), written, "{mode:?}");
            drop(writer);
            let end = read_fd(reader.as_fd(), &mode, &mut [IoSliceMut::new(&mut back)], false, &NeverInterrupted);
            assert_eq!(end.unwrap(), 0, "{mode:?}");
        }
    }

    #[test]
    fn a_shared_socket_supports_blocking_writes_and_nonblocking_reads() {
        let (near, mut far) = std::os::unix::net::UnixStream::pair().unwrap();
        let mode = NonblockMode::for_shared(near.as_fd());
        assert!(matches!(mode, NonblockMode::Dontwait));
        let mut one = [0];
        let empty = read_fd(near.as_fd(), &mode, &mut [IoSliceMut::new(&mut one)], true, &NeverInterrupted);
        assert!(matches!(empty, Err(Error::Errno(crate::host::Errno::AGAIN))));
        let thread = std::thread::spawn(move || {
            let mut all = Vec::new();
            far.read_to_end(&mut all).unwrap();
            all.len()
        });
        let bytes = vec![7; 3_000_000];
        assert_eq!(
            write_fd(near.as_fd(), &mode, &[IoSlice::new(&bytes)], false, &NeverInterrupted).unwrap(),
            bytes.len()
        );
        drop(near);
        assert_eq!(thread.join().unwrap(), bytes.len());
    }

    #[test]
    fn a_device_is_written_and_read_in_full() {
        let device = |path| std::fs::File::options().read(true).write(true).open(path).unwrap();
        let (null, zero) = (device("/dev/null"), device("/dev/zero"));
        let mut bytes = vec![7; 2 * CHUNK];
        let mode = NonblockMode::for_shared(null.as_fd());
        assert_eq!(
            write_fd(null.as_fd(), &mode, &[IoSlice::new(&bytes)], false, &NeverInterrupted).unwrap(),
            bytes.len()
        );
        let read = read_fd(
            zero.as_fd(),
            &NonblockMode::PollFirst,
            &mut [IoSliceMut::new(&mut bytes)],
            false,
            &NeverInterrupted,
        );
        assert_eq!(read.unwrap(), 2 * CHUNK);
        assert!(bytes.iter().all(|&byte| byte == 0));
    }
}
