//! TCP sockets that an embedder has opened for a guest: a listener, from which the guest accepts connections, or a
//! connection. A guest cannot open sockets itself. All blocking goes through [`Wait`].

use super::transfer::{NonblockMode, attempt, read_chunks, write_chunks};
use super::{Errno, Result, Wait, wait_ready};
use kinglet::PollFd;
use rustix::fd::{AsFd, BorrowedFd};
use rustix::net::{RecvAncillaryBuffer, RecvFlags, SendAncillaryBuffer, SendFlags, Shutdown};
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{TcpListener, TcpStream};

/// An open TCP socket for a guest.
///
/// ```
/// use kinglet_wasi::{Socket, WasiCtx};
/// use std::net::TcpListener;
///
/// let socket = Socket::from(TcpListener::bind("127.0.0.1:0")?);
/// let ctx = WasiCtx::builder().preopened_socket(socket)?.build()?;
/// # drop(ctx);
/// # Ok::<(), kinglet::Error>(())
/// ```
#[derive(Debug)]
pub enum Socket {
    /// A listener, from which the guest accepts connections.
    Listener(TcpListener),
    /// A connection, which the guest reads and writes.
    Stream(TcpStream),
}

impl From<TcpListener> for Socket {
    fn from(listener: TcpListener) -> Socket {
        Socket::Listener(listener)
    }
}

impl From<TcpStream> for Socket {
    fn from(stream: TcpStream) -> Socket {
        Socket::Stream(stream)
    }
}

impl Socket {
    /// Sets the socket to non-blocking mode, so that all waiting goes through [`Wait`].
    pub(crate) fn into_nonblocking(self) -> io::Result<Socket> {
        match &self {
            Socket::Listener(listener) => listener.set_nonblocking(true)?,
            Socket::Stream(stream) => stream.set_nonblocking(true)?,
        }
        Ok(self)
    }

    pub(crate) fn is_listener(&self) -> bool {
        matches!(self, Socket::Listener(_))
    }

    /// Returns the descriptor to poll.
    pub(crate) fn pollable(&self) -> BorrowedFd<'_> {
        match self {
            Socket::Listener(listener) => listener.as_fd(),
            Socket::Stream(stream) => stream.as_fd(),
        }
    }

    /// Returns the number of bytes that can be read without waiting. For a listener, returns 1: the caller has polled it,
    /// so it has at least one connection.
    pub(crate) fn available(&self) -> u64 {
        match self {
            Socket::Listener(_) => 1,
            Socket::Stream(stream) => rustix::io::ioctl_fionread(stream).unwrap_or(0),
        }
    }

    /// Accepts the next connection. Fails with EINVAL if the socket is not a listener.
    pub(crate) fn accept(&self, nonblock: bool, wait: &dyn Wait) -> Result<Socket> {
        let Socket::Listener(listener) = self else { return Err(Errno::INVAL.into()) };
        loop {
            wait_ready(PollFd::readable(listener.as_fd()), nonblock, wait)?;
            match listener.accept() {
                Ok((stream, _)) => return Ok(Socket::Stream(stream).into_nonblocking()?),
                Err(error) => check_retry(error, nonblock, wait)?,
            }
        }
    }

    /// Returns the connection. Fails with ENOTCONN for a listener.
    fn stream(&self) -> Result<&TcpStream> {
        match self {
            Socket::Stream(stream) => Ok(stream),
            Socket::Listener(_) => Err(Errno::NOTCONN.into()),
        }
    }

    /// Receives the available bytes. Returns 0 at the end. Waits for the first byte unless `nonblock` is set. With `peek`,
    /// the bytes stay in the socket's buffer.
    pub(crate) fn receive(
        &self,
        into: &mut [IoSliceMut<'_>],
        peek: bool,
        nonblock: bool,
        wait: &dyn Wait,
    ) -> Result<usize> {
        let stream = self.stream()?;
        if into.iter().all(|part| part.is_empty()) {
            return Ok(0);
        }
        let flags = if peek { RecvFlags::PEEK } else { RecvFlags::empty() };
        let mut peeked = false;
        read_chunks(into, wait, |chunk, done| {
            // A second peek would return the same bytes.
            if peek && std::mem::replace(&mut peeked, true) {
                return Ok(0);
            }
            attempt(&NonblockMode::DescriptorFlag, PollFd::readable(stream.as_fd()), nonblock || done > 0, wait, || {
                let message = rustix::net::recvmsg(stream, chunk, &mut RecvAncillaryBuffer::default(), flags)?;
                Ok(message.bytes)
            })
        })
    }

    /// Receives until `into` is full, the stream ends, or an error occurs after some bytes.
    pub(crate) fn receive_all(&self, into: &mut [IoSliceMut<'_>], nonblock: bool, wait: &dyn Wait) -> Result<usize> {
        let mut total = 0;
        for part in into {
            let mut rest = &mut part[..];
            while !rest.is_empty() {
                match self.receive(&mut [IoSliceMut::new(rest)], false, nonblock, wait) {
                    Ok(0) => return Ok(total),
                    Ok(count) => {
                        total += count;
                        rest = &mut rest[count..];
                    }
                    Err(super::Error::Errno(_)) if total > 0 => return Ok(total),
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(total)
    }

    /// Sends all of `parts`. With `nonblock`, sends as much as possible without waiting. Fails with EPIPE, without a
    /// SIGPIPE, if the peer has closed the connection.
    pub(crate) fn send(&self, parts: &[IoSlice<'_>], nonblock: bool, wait: &dyn Wait) -> Result<usize> {
        let stream = self.stream()?;
        write_chunks(parts, wait, |chunk, _| {
            attempt(&NonblockMode::DescriptorFlag, PollFd::writable(stream.as_fd()), nonblock, wait, || {
                rustix::net::sendmsg(stream, chunk, &mut SendAncillaryBuffer::default(), SEND_FLAGS)
            })
        })
    }

    /// Shuts down receiving, sending or both.
    pub(crate) fn shutdown(&self, receiving: bool, sending: bool) -> Result<()> {
        let how = match (receiving, sending) {
            (true, true) => Shutdown::Both,
            (true, false) => Shutdown::Read,
            (false, true) => Shutdown::Write,
            (false, false) => return Err(Errno::INVAL.into()),
        };
        Ok(rustix::net::shutdown(self.stream()?, how)?)
    }
}

/// The flags that prevent a SIGPIPE. Apple's systems lack the flag. On them, the standard library sets `SO_NOSIGPIPE`
/// on every socket.
#[cfg(not(target_vendor = "apple"))]
const SEND_FLAGS: SendFlags = SendFlags::NOSIGNAL;
#[cfg(target_vendor = "apple")]
const SEND_FLAGS: SendFlags = SendFlags::empty();

/// Succeeds if `accept` must be called again: a signal interrupted it, or another process accepted the connection.
fn check_retry(error: io::Error, nonblock: bool, wait: &dyn Wait) -> Result<()> {
    match error.kind() {
        io::ErrorKind::Interrupted => Ok(wait.check()?),
        io::ErrorKind::WouldBlock if !nonblock => Ok(wait.check()?),
        io::ErrorKind::ConnectionAborted if !nonblock => Ok(wait.check()?),
        _ => Err(error.into()),
    }
}
