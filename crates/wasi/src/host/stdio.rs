//! A guest's standard streams. Each is a stream of the host process, an open file of the host, memory, or nothing. A read
//! or write that would block waits through [`Wait`], so a guest that waits for input can be interrupted.

use super::transfer::{NonblockMode, read_chunks, read_fd, reopen_terminal, write_chunks, write_fd};
use super::{Result, Wait};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;
use std::collections::VecDeque;
use std::io::{IoSlice, IoSliceMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The source or destination of a guest's standard input, output or error. The default is `Null`.
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
    /// Nothing: a read reports end of file, and a write discards its bytes.
    #[default]
    Null,
    /// The same stream of the host process, unbuffered.
    Inherit,
    /// A buffer in memory.
    Pipe(Pipe),
    /// An open file, pipe, terminal or socket of the host.
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

/// A first-in, first-out buffer in memory. Reading from an empty pipe reports end of file. Clones share the buffer:
/// keep one to read the guest's output.
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
    /// Creates an empty pipe without a limit.
    pub fn new() -> Pipe {
        Pipe::with_limit(usize::MAX)
    }

    /// Creates an empty pipe that holds at most `limit` bytes. A write beyond the limit is partial, and a write to a full
    /// pipe fails with ENOSPC.
    pub fn with_limit(limit: usize) -> Pipe {
        Pipe { bytes: Arc::default(), limit }
    }

    /// Returns a copy of the bytes that have not been read.
    pub fn contents(&self) -> Vec<u8> {
        self.lock().iter().copied().collect()
    }

    /// Removes and returns the bytes that have not been read.
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.lock()).into()
    }

    /// Locks the buffer. A poisoned lock is usable, because the buffer is valid after every operation.
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
            let count = self.limit.saturating_sub(bytes.len()).min(part.len());
            if bytes.try_reserve(count).is_err() {
                break;
            }
            bytes.extend(&part[..count]);
            total += count;
            if count < part.len() {
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

/// One of the three standard streams.
#[derive(Clone, Copy, Debug)]
pub(crate) enum StandardStream {
    Stdin,
    Stdout,
    Stderr,
}

/// An open standard stream.
#[derive(Debug)]
pub(crate) struct Stream {
    source: Source,
    /// The direction: standard input is only read, and the other two are only written.
    input: bool,
    terminal: bool,
    /// The mode of the host's descriptor, if there is one.
    mode: NonblockMode,
}

/// The host's side of a standard stream.
#[derive(Debug)]
enum Source {
    Null,
    Pipe(Pipe),
    Inherited(StandardStream),
    Fd(OwnedFd),
}

impl Stream {
    pub(crate) fn new(stdio: Stdio, which: StandardStream) -> Stream {
        let source = match stdio {
            Stdio::Null => Source::Null,
            Stdio::Pipe(pipe) => Source::Pipe(pipe),
            Stdio::Inherit => Source::Inherited(which),
            Stdio::Fd(fd) => Source::Fd(fd),
        };
        let input = matches!(which, StandardStream::Stdin);
        let mut stream = Stream { source, input, terminal: false, mode: NonblockMode::AlwaysReady };
        if let Some(fd) = stream.fd() {
            let mode = NonblockMode::for_shared(fd);
            if std::io::IsTerminal::is_terminal(&fd) {
                let reopened = reopen_terminal(fd);
                stream.terminal = true;
                stream.mode = if reopened.is_some() { NonblockMode::DescriptorFlag } else { mode };
                stream.source = reopened.map_or(stream.source, Source::Fd);
            } else {
                stream.mode = mode;
            }
        }
        stream
    }

    /// Fails with EBADF if the stream has the other direction.
    pub(crate) fn check_direction(&self, reading: bool) -> Result<()> {
        if self.input == reading { Ok(()) } else { Err(Errno::BADF.into()) }
    }

    pub(crate) fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Returns the descriptor to poll, or `None` for a stream that is always ready.
    pub(crate) fn pollable(&self) -> Option<BorrowedFd<'_>> {
        if self.mode.is_always_ready() { None } else { self.fd() }
    }

    /// Returns the number of bytes that can be read without waiting, or 0 if it is unknown.
    pub(crate) fn available(&self) -> u64 {
        match &self.source {
            Source::Pipe(pipe) => pipe.lock().len() as u64,
            _ => self.fd().and_then(|fd| rustix::io::ioctl_fionread(fd).ok()).unwrap_or(0),
        }
    }

    /// Reads the available bytes. Returns 0 at the end. Waits for the first byte unless `nonblock` is set.
    pub(crate) fn read(&self, into: &mut [IoSliceMut<'_>], nonblock: bool, wait: &dyn Wait) -> Result<usize> {
        self.check_direction(true)?;
        match &self.source {
            Source::Null => Ok(0),
            Source::Pipe(pipe) => read_chunks(into, wait, |chunk, _| Ok(pipe.read(chunk))),
            Source::Inherited(_) | Source::Fd(_) => {
                let fd = self.fd().ok_or(Errno::BADF)?;
                read_fd(fd, &self.mode, into, nonblock, wait)
            }
        }
    }

    /// Writes all of `parts`. With `nonblock`, writes as much as possible without waiting.
    pub(crate) fn write(&self, parts: &[IoSlice<'_>], nonblock: bool, wait: &dyn Wait) -> Result<usize> {
        self.check_direction(false)?;
        match &self.source {
            Source::Null => Ok(parts.iter().map(|part| part.len()).sum()),
            Source::Pipe(pipe) => write_chunks(parts, wait, |chunk, _| pipe.write(chunk)),
            Source::Inherited(_) | Source::Fd(_) => {
                let fd = self.fd().ok_or(Errno::BADF)?;
                write_fd(fd, &self.mode, parts, nonblock, wait)
            }
        }
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        match &self.source {
            Source::Null | Source::Pipe(_) => None,
            Source::Inherited(StandardStream::Stdin) => Some(rustix::stdio::stdin()),
            Source::Inherited(StandardStream::Stdout) => Some(rustix::stdio::stdout()),
            Source::Inherited(StandardStream::Stderr) => Some(rustix::stdio::stderr()),
            Source::Fd(fd) => Some(fd.as_fd()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Error;
    use super::super::transfer::CHUNK;
    use super::*;
    use crate::tests::{InterruptAfter, NeverInterrupted};

    #[test]
    fn a_pipe_returns_its_bytes_in_order() {
        let pipe = Pipe::from("hello");
        let stream = Stream::new(pipe.clone().into(), StandardStream::Stdin);
        let (mut first, mut second) = ([0; 2], [0; 8]);
        let mut into = [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)];
        assert_eq!(stream.read(&mut into, false, &NeverInterrupted).unwrap(), 5);
        assert_eq!((&first, &second[..3]), (b"he", &b"llo"[..]));
        assert_eq!(stream.read(&mut [IoSliceMut::new(&mut first)], false, &NeverInterrupted).unwrap(), 0);
    }

    #[test]
    fn a_write_to_a_full_pipe_fails() {
        let pipe = Pipe::with_limit(4);
        let stream = Stream::new(pipe.clone().into(), StandardStream::Stdout);
        assert_eq!(stream.write(&[IoSlice::new(b"abcdef")], false, &NeverInterrupted).unwrap(), 4);
        assert!(stream.write(&[IoSlice::new(b"g")], false, &NeverInterrupted).is_err());
        assert_eq!(pipe.take(), b"abcd");
    }

    #[test]
    fn a_pipe_of_the_host_is_written_and_read() {
        let (reader, writer) = rustix::pipe::pipe().unwrap();
        let out = Stream::new(writer.into(), StandardStream::Stdout);
        let big = [7; 10_000];
        assert_eq!(out.write(&[IoSlice::new(b""), IoSlice::new(&big)], false, &NeverInterrupted).unwrap(), big.len());
        assert_eq!(out.write(&[IoSlice::new(b"x"), IoSlice::new(b"yz")], false, &NeverInterrupted).unwrap(), 3);
        let input = Stream::new(reader.into(), StandardStream::Stdin);
        assert_eq!(input.available(), 10_003);
        let mut buffer = [0; 20_000];
        assert_eq!(input.read(&mut [IoSliceMut::new(&mut buffer)], false, &NeverInterrupted).unwrap(), 10_003);
        let empty = input.read(&mut [IoSliceMut::new(&mut buffer)], true, &NeverInterrupted);
        assert!(matches!(empty, Err(Error::Errno(super::super::Errno::AGAIN))));
    }

    #[test]
    fn an_interrupt_ends_a_large_transfer_to_and_from_memory() {
        let pipe = Pipe::new();
        let stream = Stream::new(pipe.clone().into(), StandardStream::Stdout);
        let mut bytes = vec![1; 8 * CHUNK];
        let written = stream.write(&[IoSlice::new(&bytes)], false, &InterruptAfter::checks(3));
        assert!(matches!(written, Err(Error::Interrupted)));
        assert_eq!(pipe.lock().len(), 3 * CHUNK);
        let input = Stream::new(pipe.clone().into(), StandardStream::Stdin);
        let read = input.read(&mut [IoSliceMut::new(&mut bytes)], false, &InterruptAfter::checks(2));
        assert!(matches!(read, Err(Error::Interrupted)));
        assert_eq!(pipe.lock().len(), CHUNK);
        assert_eq!(stream.write(&[IoSlice::new(&bytes)], false, &NeverInterrupted).unwrap(), bytes.len());
    }
}
