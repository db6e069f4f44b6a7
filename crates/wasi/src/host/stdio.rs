//! Standard streams: the process's own, nothing at all, memory, or any open file of the host. A read or write that
//! could block waits through [`Wait`] instead, so a guest that sits at a prompt can still be stopped.

use super::transfer::{Manner, read_fd, read_pieces, terminal_of_our_own, write_fd, write_pieces};
use super::{Result, Wait};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;
use std::collections::VecDeque;
use std::io::{IoSlice, IoSliceMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What stands behind a guest's standard input, output or error.
///
/// ```
/// use kinglet_wasi::{Pipe, Stdio, WasiCtx};
///
/// let mut builder = WasiCtx::builder();
/// builder.stdin(Stdio::Null).stdout(Pipe::new()).stderr(Stdio::Inherit);
/// # drop(builder.build()?);
/// # Ok::<(), kinglet::Error>(())
/// ```
#[derive(Debug, Default)]
pub enum Stdio {
    /// Reading finds the end at once; what is written is dropped.
    #[default]
    Null,
    /// The stream of the host process, unbuffered.
    Inherit,
    /// Bytes in memory.
    Pipe(Pipe),
    /// Any open file, pipe, terminal or socket of the host.
    Fd(OwnedFd),
}

impl From<Pipe> for Stdio {
    fn from(pipe: Pipe) -> Stdio {
        Stdio::Pipe(pipe)
    }
}

impl From<OwnedFd> for Stdio {
    fn from(fd: OwnedFd) -> Stdio {
        Stdio::Fd(fd)
    }
}

impl From<std::io::PipeReader> for Stdio {
    fn from(reader: std::io::PipeReader) -> Stdio {
        Stdio::Fd(reader.into())
    }
}

impl From<std::io::PipeWriter> for Stdio {
    fn from(writer: std::io::PipeWriter) -> Stdio {
        Stdio::Fd(writer.into())
    }
}

impl From<std::fs::File> for Stdio {
    fn from(file: std::fs::File) -> Stdio {
        Stdio::Fd(file.into())
    }
}

/// Bytes in memory as a stream: what was written first is read first, and an empty pipe is at its end.
/// Clones share the bytes: keep one to see what a guest printed.
///
/// ```
/// use kinglet_wasi::{Pipe, WasiCtx};
///
/// let out = Pipe::with_limit(1 << 20);
/// let ctx = WasiCtx::builder().stdin(Pipe::from("one line\n")).stdout(out.clone()).build()?;
/// // … a guest runs with `ctx` …
/// # drop(ctx);
/// assert_eq!(out.contents(), b"");
/// # Ok::<(), kinglet::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Pipe {
    bytes: Arc<Mutex<VecDeque<u8>>>,
    limit: usize,
}

impl Pipe {
    /// An empty pipe that takes everything written to it.
    pub fn new() -> Pipe {
        Pipe::with_limit(usize::MAX)
    }

    /// An empty pipe that holds at most `limit` bytes; the write that would pass it is cut short, the next fails
    /// with ENOSPC.
    pub fn with_limit(limit: usize) -> Pipe {
        Pipe { bytes: Arc::default(), limit }
    }

    /// A copy of the bytes not yet read.
    pub fn contents(&self) -> Vec<u8> {
        self.lock().iter().copied().collect()
    }

    /// The bytes not yet read; leaves the pipe empty.
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.lock()).into()
    }

    // A panic while the lock is held leaves bytes, which are never in a wrong state.
    fn lock(&self) -> MutexGuard<'_, VecDeque<u8>> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, into: &mut [IoSliceMut<'_>]) -> usize {
        let mut bytes = self.lock();
        let mut total = 0;
        for part in into {
            let count = part.len().min(bytes.len());
            let (front, back) = bytes.as_slices();
            let (front, back) = (&front[..count.min(front.len())], &back[..count.saturating_sub(front.len())]);
            part[..front.len()].copy_from_slice(front);
            part[front.len()..count].copy_from_slice(back);
            bytes.drain(..count);
            total += count;
        }
        total
    }

    fn write(&self, parts: &[IoSlice<'_>]) -> Result<usize> {
        let mut bytes = self.lock();
        let mut total = 0;
        for part in parts {
            let room = self.limit.saturating_sub(bytes.len()).min(part.len());
            if bytes.try_reserve(room).is_err() {
                break;
            }
            bytes.extend(&part[..room]);
            total += room;
            if room < part.len() {
                break;
            }
        }
        if total == 0 && parts.iter().any(|part| !part.is_empty()) {
            return Err(Errno::NOSPC.into());
        }
        Ok(total)
    }
}

impl Default for Pipe {
    fn default() -> Pipe {
        Pipe::new()
    }
}

impl<T: Into<Vec<u8>>> From<T> for Pipe {
    fn from(bytes: T) -> Pipe {
        Pipe { bytes: Arc::new(Mutex::new(VecDeque::from(bytes.into()))), limit: usize::MAX }
    }
}

/// One of the three streams a process is born with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Inherited {
    Stdin,
    Stdout,
    Stderr,
}

/// An open standard stream.
#[derive(Debug)]
pub(crate) struct Stream {
    source: Source,
    /// The way bytes go: a standard input is read and the other two are written, whatever stands behind them.
    input: bool,
    terminal: bool,
    /// Of a descriptor of the host.
    manner: Manner,
}

#[derive(Debug)]
enum Source {
    Null,
    Pipe(Pipe),
    Inherited(Inherited),
    Fd(OwnedFd),
}

impl Stream {
    pub(crate) fn new(stdio: Stdio, which: Inherited) -> Stream {
        let source = match stdio {
            Stdio::Null => Source::Null,
            Stdio::Pipe(pipe) => Source::Pipe(pipe),
            Stdio::Inherit => Source::Inherited(which),
            Stdio::Fd(fd) => Source::Fd(fd),
        };
        let input = matches!(which, Inherited::Stdin);
        let mut stream = Stream { source, input, terminal: false, manner: Manner::Regular };
        if let Some(fd) = stream.fd() {
            let manner = Manner::of_shared(fd);
            if std::io::IsTerminal::is_terminal(&fd) {
                let own = terminal_of_our_own(fd);
                stream.terminal = true;
                stream.manner = if own.is_some() { Manner::Nonblocking } else { manner };
                stream.source = own.map_or(stream.source, Source::Fd);
            } else {
                stream.manner = manner;
            }
        }
        stream
    }

    /// EBADF when the stream is for the other direction.
    pub(crate) fn is_for(&self, reading: bool) -> Result<()> {
        if self.input == reading { Ok(()) } else { Err(Errno::BADF.into()) }
    }

    pub(crate) fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// The descriptor to poll; `None` for a stream that is always ready.
    pub(crate) fn pollable(&self) -> Option<BorrowedFd<'_>> {
        if self.manner.is_regular() { None } else { self.fd() }
    }

    /// How many bytes a read finds without waiting, where that is known.
    pub(crate) fn available(&self) -> u64 {
        match &self.source {
            Source::Pipe(pipe) => pipe.lock().len() as u64,
            _ => self.fd().and_then(|fd| rustix::io::ioctl_fionread(fd).ok()).unwrap_or(0),
        }
    }

    /// Reads what is there, waiting for the first byte unless `nonblock`; 0 is the end.
    pub(crate) fn read(&self, into: &mut [IoSliceMut<'_>], nonblock: bool, wait: &dyn Wait) -> Result<usize> {
        self.is_for(true)?;
        match &self.source {
            Source::Null => Ok(0),
            Source::Pipe(pipe) => read_pieces(into, wait, |piece, _| Ok(pipe.read(piece))),
            Source::Inherited(_) | Source::Fd(_) => {
                let fd = self.fd().ok_or(Errno::BADF)?;
                read_fd(fd, &self.manner, into, nonblock, wait)
            }
        }
    }

    /// Writes all of `parts`, waiting for room; with `nonblock` as much as there is room for.
    pub(crate) fn write(&self, parts: &[IoSlice<'_>], nonblock: bool, wait: &dyn Wait) -> Result<usize> {
        self.is_for(false)?;
        match &self.source {
            Source::Null => Ok(parts.iter().map(|part| part.len()).sum()),
            Source::Pipe(pipe) => write_pieces(parts, wait, |piece, _| pipe.write(piece)),
            Source::Inherited(_) | Source::Fd(_) => {
                let fd = self.fd().ok_or(Errno::BADF)?;
                write_fd(fd, &self.manner, parts, nonblock, wait)
            }
        }
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        match &self.source {
            Source::Null | Source::Pipe(_) => None,
            Source::Inherited(Inherited::Stdin) => Some(rustix::stdio::stdin()),
            Source::Inherited(Inherited::Stdout) => Some(rustix::stdio::stdout()),
            Source::Inherited(Inherited::Stderr) => Some(rustix::stdio::stderr()),
            Source::Fd(fd) => Some(fd.as_fd()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Error;
    use super::super::transfer::PIECE;
    use super::*;
    use crate::tests::{After, Never};

    #[test]
    fn a_pipe_hands_out_its_bytes_in_order() {
        let pipe = Pipe::from("hello");
        let stream = Stream::new(pipe.clone().into(), Inherited::Stdin);
        let (mut first, mut second) = ([0; 2], [0; 8]);
        let mut into = [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)];
        assert_eq!(stream.read(&mut into, false, &Never).unwrap(), 5);
        assert_eq!((&first, &second[..3]), (b"he", &b"llo"[..]));
        assert_eq!(stream.read(&mut [IoSliceMut::new(&mut first)], false, &Never).unwrap(), 0);
    }

    #[test]
    fn a_full_pipe_refuses_more() {
        let pipe = Pipe::with_limit(4);
        let stream = Stream::new(pipe.clone().into(), Inherited::Stdout);
        assert_eq!(stream.write(&[IoSlice::new(b"abcdef")], false, &Never).unwrap(), 4);
        assert!(stream.write(&[IoSlice::new(b"g")], false, &Never).is_err());
        assert_eq!(pipe.take(), b"abcd");
    }

    #[test]
    fn a_host_pipe_carries_bytes_both_ways() {
        let (reader, writer) = rustix::pipe::pipe().unwrap();
        let out = Stream::new(writer.into(), Inherited::Stdout);
        let big = [7; 10_000];
        assert_eq!(out.write(&[IoSlice::new(b""), IoSlice::new(&big)], false, &Never).unwrap(), big.len());
        assert_eq!(out.write(&[IoSlice::new(b"x"), IoSlice::new(b"yz")], false, &Never).unwrap(), 3);
        let input = Stream::new(reader.into(), Inherited::Stdin);
        assert_eq!(input.available(), 10_003);
        let mut buffer = [0; 20_000];
        assert_eq!(input.read(&mut [IoSliceMut::new(&mut buffer)], false, &Never).unwrap(), 10_003);
        let empty = input.read(&mut [IoSliceMut::new(&mut buffer)], true, &Never);
        assert!(matches!(empty, Err(Error::Errno(super::super::Errno::AGAIN))));
    }

    #[test]
    fn much_is_written_to_and_read_from_memory_until_the_guest_is_to_stop() {
        let pipe = Pipe::new();
        let stream = Stream::new(pipe.clone().into(), Inherited::Stdout);
        let mut bytes = vec![1; 8 * PIECE];
        let written = stream.write(&[IoSlice::new(&bytes)], false, &After::looks(3));
        assert!(matches!(written, Err(Error::Interrupted)));
        assert_eq!(pipe.lock().len(), 3 * PIECE);
        let input = Stream::new(pipe.clone().into(), Inherited::Stdin);
        let read = input.read(&mut [IoSliceMut::new(&mut bytes)], false, &After::looks(2));
        assert!(matches!(read, Err(Error::Interrupted)));
        assert_eq!(pipe.lock().len(), PIECE);
        assert_eq!(stream.write(&[IoSlice::new(&bytes)], false, &Never).unwrap(), bytes.len());
    }
}
