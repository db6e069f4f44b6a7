//! How bytes move between a guest's buffers and what it reads or writes: in pieces of at most [`PIECE`] bytes, with a
//! look between two of them at whether the guest is to stop, so that a buffer of gigabytes keeps no deadline waiting.
//! On a descriptor of the host each piece is one system call that does not wait; all waiting is [`Wait`]'s.
//!
//! As POSIX has it, a read takes what is there, and a write that may wait goes on until everything is written. What
//! fails after some bytes have moved answers how many; the next call tells why.

use super::{Error, Result, Wait, wait_ready};
use kinglet::PollFd;
use rustix::fd::BorrowedFd;
use rustix::fs::{FileType, OFlags};
use rustix::io::Errno;
use rustix::net::{RecvAncillaryBuffer, RecvFlags, SendAncillaryBuffer, SendFlags};
use std::io::{IoSlice, IoSliceMut};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

/// The most bytes of one piece. The system copies as many in a fraction of a millisecond.
pub(crate) const PIECE: usize = 1 << 20;

/// The most one write hands to something that may wait in the system: what a pipe reported as writable takes.
pub const PIPE_PIECE: usize = 4096;

/// Reads into `into` by `read`, which is told how many bytes it has read so far. Ends at the first piece that is not
/// filled.
pub(crate) fn read_pieces(
    into: &mut [IoSliceMut<'_>],
    wait: &dyn Wait,
    mut read: impl FnMut(&mut [IoSliceMut<'_>], usize) -> Result<usize>,
) -> Result<usize> {
    let wanted: usize = into.iter().map(|part| part.len()).sum();
    if wanted <= PIECE {
        return read(into, 0);
    }
    let mut done = 0;
    while done < wanted {
        let piece = done..wanted.min(done + PIECE);
        let mut parts: Vec<IoSliceMut<'_>> = Vec::new();
        let mut at = 0;
        for part in &mut *into {
            let within = within(&piece, at, part.len());
            at += part.len();
            if !within.is_empty() {
                parts.push(IoSliceMut::new(&mut part[within]));
            }
        }
        match read(&mut parts, done) {
            Ok(count) => {
                done += count;
                if count < piece.len() {
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

/// Writes all of `parts` by `write`, which is told how many bytes it has written so far. Ends early where that takes
/// none or fails.
pub(crate) fn write_pieces(
    parts: &[IoSlice<'_>],
    wait: &dyn Wait,
    mut write: impl FnMut(&[IoSlice<'_>], usize) -> Result<usize>,
) -> Result<usize> {
    let wanted: usize = parts.iter().map(|part| part.len()).sum();
    let mut done = 0;
    loop {
        let written = if done == 0 && wanted <= PIECE {
            write(parts, 0)
        } else {
            let piece = done..wanted.min(done + PIECE);
            let mut at = 0;
            let cut = parts.iter().filter_map(|part| {
                let within = within(&piece, at, part.len());
                at += part.len();
                (!within.is_empty()).then(|| IoSlice::new(&part[within]))
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

/// Which of the `len` bytes from `at` lie in `piece`.
fn within(piece: &Range<usize>, at: usize, len: usize) -> Range<usize> {
    let [start, end] = [piece.start, piece.end].map(|place| place.saturating_sub(at).min(len));
    start..end
}

/// What keeps a system call on a descriptor from waiting.
#[derive(Debug)]
pub(crate) enum Manner {
    /// A regular file is always ready.
    Regular,
    /// Its description is ours, and does not block.
    Nonblocking,
    /// Others share its description, and each call says that it must not wait. The system may not know how: then the
    /// flag is set.
    Pipe(AtomicBool),
    /// The same for a socket, where every system knows how.
    Socket,
    /// Neither: it is asked whether it is ready, and given no more than a ready pipe takes.
    Asked,
}

impl Manner {
    /// For a descriptor whose description others share.
    pub(crate) fn of_shared(fd: BorrowedFd<'_>) -> Manner {
        match rustix::fs::fstat(fd).map(|stat| FileType::from_raw_mode(stat.st_mode)) {
            Ok(FileType::RegularFile) => Manner::Regular,
            Ok(FileType::Fifo) => Manner::Pipe(AtomicBool::new(false)),
            Ok(FileType::Socket) => Manner::Socket,
            _ => Manner::Asked,
        }
    }

    /// For a descriptor that was opened here, with `O_NONBLOCK`.
    pub(crate) fn of_own(regular: bool) -> Manner {
        if regular { Manner::Regular } else { Manner::Nonblocking }
    }

    pub(crate) fn is_regular(&self) -> bool {
        matches!(self, Manner::Regular)
    }

    /// Whether a call may wait, so that the descriptor must be asked first.
    fn asks(&self) -> bool {
        match self {
            Manner::Regular | Manner::Nonblocking | Manner::Socket => false,
            Manner::Pipe(refused) => refused.load(Ordering::Relaxed),
            Manner::Asked => true,
        }
    }

    fn read_once(&self, fd: BorrowedFd<'_>, into: &mut [IoSliceMut<'_>]) -> rustix::io::Result<usize> {
        match (self, into) {
            (Manner::Socket, into) => {
                let message = rustix::net::recvmsg(fd, into, &mut RecvAncillaryBuffer::default(), RecvFlags::DONTWAIT)?;
                Ok(message.bytes)
            }
            (Manner::Pipe(refused), into) if !refused.load(Ordering::Relaxed) => nowait::read(fd, into),
            (_, [one]) => rustix::io::read(fd, &mut **one),
            (_, into) => rustix::io::readv(fd, into),
        }
    }

    fn write_once(&self, fd: BorrowedFd<'_>, parts: &[IoSlice<'_>]) -> rustix::io::Result<usize> {
        match (self, parts) {
            (Manner::Socket, parts) => {
                rustix::net::sendmsg(fd, parts, &mut SendAncillaryBuffer::default(), SendFlags::DONTWAIT)
            }
            (Manner::Pipe(refused), parts) if !refused.load(Ordering::Relaxed) => nowait::write(fd, parts),
            (Manner::Pipe(_) | Manner::Asked, parts) => write_ready(fd, parts),
            (_, [one]) => rustix::io::write(fd, one),
            (_, parts) => rustix::io::writev(fd, parts),
        }
    }
}

/// Reads from a descriptor at its own position; 0 is the end. The first byte is waited for unless `nonblock`.
pub(crate) fn read_fd(
    fd: BorrowedFd<'_>,
    manner: &Manner,
    into: &mut [IoSliceMut<'_>],
    nonblock: bool,
    wait: &dyn Wait,
) -> Result<usize> {
    if into.iter().all(|part| part.is_empty()) {
        return Ok(0);
    }
    read_pieces(into, wait, |piece, done| {
        attempt(manner, PollFd::readable(fd), nonblock || done > 0, wait, || manner.read_once(fd, piece))
    })
}

/// Writes to a descriptor at its own position: all, or with `nonblock` what it takes without waiting.
pub(crate) fn write_fd(
    fd: BorrowedFd<'_>,
    manner: &Manner,
    parts: &[IoSlice<'_>],
    nonblock: bool,
    wait: &dyn Wait,
) -> Result<usize> {
    if parts.iter().all(|part| part.is_empty()) {
        return Ok(0);
    }
    write_pieces(parts, wait, |piece, _| {
        attempt(manner, PollFd::writable(fd), nonblock, wait, || manner.write_once(fd, piece))
    })
}

/// Makes a system call on what `ready` waits for until it moves something, ends or fails.
pub(crate) fn attempt(
    manner: &Manner,
    ready: PollFd<'_>,
    nonblock: bool,
    wait: &dyn Wait,
    mut call: impl FnMut() -> rustix::io::Result<usize>,
) -> Result<usize> {
    loop {
        let asked = manner.asks();
        if asked {
            wait_ready(ready.clone(), nonblock, wait)?;
        }
        match call() {
            Ok(count) => return Ok(count),
            Err(Errno::INTR) => wait.check()?,
            // With a descriptor that was asked, someone else took what was there.
            Err(Errno::AGAIN) if !nonblock && !asked => wait_ready(ready.clone(), nonblock, wait)?,
            Err(Errno::AGAIN) if !nonblock => {}
            Err(errno) => match manner {
                Manner::Pipe(refused) if nowait::is_refused(errno) && !refused.swap(true, Ordering::Relaxed) => {}
                _ => return Err(errno.into()),
            },
        }
    }
}

/// Writes as many leading parts as fit [`PIPE_PIECE`], or the start of a first one that is longer.
fn write_ready(fd: BorrowedFd<'_>, parts: &[IoSlice<'_>]) -> rustix::io::Result<usize> {
    let mut room = PIPE_PIECE;
    let fits = parts.iter().take_while(|part| {
        let fits = part.len() <= room;
        room = room.saturating_sub(part.len());
        fits
    });
    let count = fits.count();
    let first = parts.iter().position(|part| !part.is_empty()).unwrap_or(0);
    if count > first {
        return rustix::io::writev(fd, &parts[first..count]);
    }
    rustix::io::write(fd, &parts[first][..PIPE_PIECE.min(parts[first].len())])
}

/// Calls on a pipe that do not wait, though its description says nothing of that.
#[cfg(target_os = "linux")]
mod nowait {
    use super::{BorrowedFd, Errno, IoSlice, IoSliceMut};
    use rustix::io::ReadWriteFlags;

    /// Stands for the descriptor's own position.
    const HERE: u64 = u64::MAX;

    pub(super) fn read(fd: BorrowedFd<'_>, into: &mut [IoSliceMut<'_>]) -> rustix::io::Result<usize> {
        rustix::io::preadv2(fd, into, HERE, ReadWriteFlags::NOWAIT)
    }

    pub(super) fn write(fd: BorrowedFd<'_>, parts: &[IoSlice<'_>]) -> rustix::io::Result<usize> {
        rustix::io::pwritev2(fd, parts, HERE, ReadWriteFlags::NOWAIT)
    }

    /// Linux lets pipes do this since 6.4; a sandbox may know the call no better than an older Linux.
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

/// Another description of a terminal, which does not block, so that the one shared with other processes stays as it is.
/// None where the system gives none; and for the end of a pseudo-terminal that a terminal program holds, which cannot be
/// opened twice: opening it makes another terminal.
pub fn terminal_of_our_own(fd: BorrowedFd<'_>) -> Option<rustix::fd::OwnedFd> {
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
    use crate::tests::{After, Always, Never};
    use rustix::fd::{AsFd, OwnedFd};
    use std::io::Read;

    /// Each way of writing to a pipe that others share: those of a newer system and of an older.
    fn manners() -> [Manner; 3] {
        [Manner::Pipe(AtomicBool::new(false)), Manner::Pipe(AtomicBool::new(true)), Manner::Asked]
    }

    fn pipe() -> (std::fs::File, OwnedFd) {
        let (reader, writer) = rustix::pipe::pipe().unwrap();
        (reader.into(), writer)
    }

    #[test]
    fn a_read_of_much_fills_its_parts_in_order_and_piece_by_piece() {
        let mut buffers = [vec![0u8; PIECE - 1], vec![], vec![0; 7], vec![0; 2 * PIECE]];
        let mut into: Vec<_> = buffers.iter_mut().map(|buffer| IoSliceMut::new(buffer)).collect();
        let mut pieces = Vec::new();
        let total = read_pieces(&mut into, &Never, |piece, done| {
            let len: usize = piece.iter().map(|part| part.len()).sum();
            assert!(len <= PIECE);
            pieces.push(done);
            piece.iter_mut().for_each(|part| part.fill(pieces.len() as u8));
            Ok(len)
        });
        assert_eq!(total.unwrap(), 3 * PIECE + 6);
        assert_eq!(pieces, [0, PIECE, 2 * PIECE, 3 * PIECE]);
        assert_eq!((buffers[0].first(), buffers[0].last()), (Some(&1), Some(&1)));
        assert_eq!(buffers[2], [1, 2, 2, 2, 2, 2, 2]);
        assert_eq!((buffers[3][0], buffers[3][PIECE - 6], buffers[3][2 * PIECE - 1]), (2, 3, 4));
    }

    #[test]
    fn much_ends_between_two_pieces_when_the_guest_is_to_stop() {
        let mut bytes = vec![0; 8 * PIECE];
        let mut calls = 0;
        let read = read_pieces(&mut [IoSliceMut::new(&mut bytes)], &After::looks(3), |_, _| {
            calls += 1;
            Ok(PIECE)
        });
        assert!(matches!(read, Err(Error::Interrupted)) && calls == 3);
        let written = write_pieces(&[IoSlice::new(&bytes)], &After::looks(3), |_, _| {
            calls += 1;
            Ok(PIECE / 2)
        });
        assert!(matches!(written, Err(Error::Interrupted)) && calls == 6);
    }

    #[test]
    fn what_fails_after_some_bytes_says_how_many() {
        let mut bytes = vec![0; 3 * PIECE];
        let full = || Err(Errno::NOSPC.into());
        let mut into = [IoSliceMut::new(&mut bytes)];
        let read = read_pieces(&mut into, &Never, |_, done| if done == 0 { Ok(PIECE) } else { full() });
        assert_eq!(read.unwrap(), PIECE);
        let short = read_pieces(&mut into, &Never, |_, done| if done == 0 { Ok(PIECE) } else { Ok(1) });
        assert_eq!(short.unwrap(), PIECE + 1);
        let parts = [IoSlice::new(&bytes[..5]), IoSlice::new(&bytes[5..])];
        let written = write_pieces(&parts, &Never, |_, done| if done < 9 { Ok(3) } else { full() });
        assert_eq!(written.unwrap(), 9);
        assert!(write_pieces(&parts, &Never, |_, _| full()).is_err());
    }

    #[test]
    fn a_write_that_may_wait_writes_all() {
        let bytes: Vec<u8> = (0..300_000u32).map(|at| (at % 251) as u8).collect();
        for manner in manners() {
            let (mut reader, writer) = pipe();
            let thread = std::thread::spawn(move || {
                let mut all = Vec::new();
                reader.read_to_end(&mut all).unwrap();
                all
            });
            let parts = [IoSlice::new(&bytes[..1]), IoSlice::new(&bytes[1..200_000]), IoSlice::new(&bytes[200_000..])];
            assert_eq!(write_fd(writer.as_fd(), &manner, &parts, false, &Never).unwrap(), bytes.len(), "{manner:?}");
            drop(writer);
            assert!(thread.join().unwrap() == bytes, "{manner:?}");
        }
    }

    #[test]
    fn a_write_that_waits_for_room_can_be_stopped() {
        let bytes = vec![7; 300_000];
        for manner in manners() {
            let (_reader, writer) = pipe();
            let stopped = write_fd(writer.as_fd(), &manner, &[IoSlice::new(&bytes)], false, &After::looks(100));
            assert!(matches!(stopped, Err(Error::Interrupted)), "{manner:?}");
            let stopped = write_fd(writer.as_fd(), &manner, &[IoSlice::new(b"x")], false, &Always);
            assert!(matches!(stopped, Err(Error::Interrupted)), "{manner:?}");
        }
    }

    #[test]
    fn without_waiting_a_pipe_takes_what_it_has_room_for_and_gives_what_it_has() {
        let bytes = vec![7; 300_000];
        for manner in manners() {
            let (reader, writer) = pipe();
            let mut back = vec![0; 300_000];
            let empty = read_fd(reader.as_fd(), &manner, &mut [IoSliceMut::new(&mut back)], true, &Never);
            assert!(matches!(empty, Err(Error::Errno(crate::host::Errno::AGAIN))), "{manner:?}");
            let written = write_fd(writer.as_fd(), &manner, &[IoSlice::new(&bytes)], true, &Never).unwrap();
            assert!((4096..300_000).contains(&written), "{manner:?} {written}");
            let full = write_fd(writer.as_fd(), &manner, &[IoSlice::new(&bytes)], true, &Never);
            assert!(matches!(full, Err(Error::Errno(crate::host::Errno::AGAIN))), "{manner:?}");
            let read = read_fd(reader.as_fd(), &manner, &mut [IoSliceMut::new(&mut back)], false, &Never);
            assert_eq!(read.unwrap(), written, "{manner:?}");
            drop(writer);
            let end = read_fd(reader.as_fd(), &manner, &mut [IoSliceMut::new(&mut back)], false, &Never);
            assert_eq!(end.unwrap(), 0, "{manner:?}");
        }
    }

    #[test]
    fn a_socket_that_others_share_is_written_whole_and_read_without_waiting() {
        let (near, mut far) = std::os::unix::net::UnixStream::pair().unwrap();
        let manner = Manner::of_shared(near.as_fd());
        assert!(matches!(manner, Manner::Socket));
        let mut one = [0];
        let empty = read_fd(near.as_fd(), &manner, &mut [IoSliceMut::new(&mut one)], true, &Never);
        assert!(matches!(empty, Err(Error::Errno(crate::host::Errno::AGAIN))));
        let thread = std::thread::spawn(move || {
            let mut all = Vec::new();
            far.read_to_end(&mut all).unwrap();
            all.len()
        });
        let bytes = vec![7; 3_000_000];
        assert_eq!(write_fd(near.as_fd(), &manner, &[IoSlice::new(&bytes)], false, &Never).unwrap(), bytes.len());
        drop(near);
        assert_eq!(thread.join().unwrap(), bytes.len());
    }

    #[test]
    fn a_device_takes_all_and_gives_all() {
        let device = |path| std::fs::File::options().read(true).write(true).open(path).unwrap();
        let (null, zero) = (device("/dev/null"), device("/dev/zero"));
        let mut bytes = vec![7; 2 * PIECE];
        let manner = Manner::of_shared(null.as_fd());
        assert_eq!(write_fd(null.as_fd(), &manner, &[IoSlice::new(&bytes)], false, &Never).unwrap(), bytes.len());
        let read = read_fd(zero.as_fd(), &Manner::Asked, &mut [IoSliceMut::new(&mut bytes)], false, &Never);
        assert_eq!(read.unwrap(), 2 * PIECE);
        assert!(bytes.iter().all(|&byte| byte == 0));
    }
}
