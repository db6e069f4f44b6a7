//! TCP sockets that an embedder has opened and handed to a guest: a listener, from which the guest accepts
//! connections, or a connection. A guest cannot open one of its own. Nothing here blocks except through [`Wait`].

use super::transfer::{Manner, attempt, read_pieces, write_pieces};
use super::{Errno, Result, Wait, wait_ready};
use kinglet::PollFd;
use rustix::fd::{AsFd, BorrowedFd};
use rustix::net::{RecvAncillaryBuffer, RecvFlags, SendAncillaryBuffer, SendFlags, Shutdown};
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{TcpListener, TcpStream};

/// A TCP socket for a guest.
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
    /// The guest accepts connections from it.
    Listener(TcpListener),
    /// The guest reads from it and writes to it.
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
    /// Sees that no call of the system blocks: waiting is ours.
    pub(crate) fn without_blocking(self) -> io::Result<Socket> {
        match &self {
            Socket::Listener(listener) => listener.set_nonblocking(true)?,
            Socket::Stream(stream) => stream.set_nonblocking(true)?,
        }
        Ok(self)
    }

    pub(crate) fn is_listener(&self) -> bool {
        matches!(self, Socket::Listener(_))
    }

    /// The descriptor to poll.
    pub(crate) fn pollable(&self) -> BorrowedFd<'_> {
        match self {
            Socket::Listener(listener) => listener.as_fd(),
            Socket::Stream(stream) => stream.as_fd(),
        }
    }

    /// How many bytes wait to be read; of a listener that is ready, one connection at least.
    pub(crate) fn available(&self) -> u64 {
        match self {
            Socket::Listener(_) => 1,
            Socket::Stream(stream) => rustix::io::ioctl_fionread(stream).unwrap_or(0),
        }
    }

    /// The next connection; EINVAL for a socket that does not listen.
    pub(crate) fn accept(&self, nonblock: bool, wait: &dyn Wait) -> Result<Socket> {
        let Socket::Listener(listener) = self else { return Err(Errno::INVAL.into()) };
        loop {
            wait_ready(PollFd::readable(listener.as_fd()), nonblock, wait)?;
            match listener.accept() {
                Ok((stream, _)) => return Ok(Socket::Stream(stream).without_blocking()?),
                Err(error) => again(error, nonblock, wait)?,
            }
        }
    }

    fn stream(&self) -> Result<&TcpStream> {
        match self {
            Socket::Stream(stream) => Ok(stream),
            Socket::Listener(_) => Err(Errno::NOTCONN.into()),
        }
    }

    /// Receives what is there, waiting for the first byte unless `nonblock`; 0 is the end. With `peek` it stays there.
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
        let mut taken = false;
        read_pieces(into, wait, |piece, done| {
            // A second look would find the same bytes.
            if peek && std::mem::replace(&mut taken, true) {
                return Ok(0);
            }
            attempt(&Manner::Nonblocking, PollFd::readable(stream.as_fd()), nonblock || done > 0, wait, || {
                let message = rustix::net::recvmsg(stream, piece, &mut RecvAncillaryBuffer::default(), flags)?;
                Ok(message.bytes)
            })
        })
    }

    /// Receives until `into` is full, the other side has ended, or there was an error after some bytes.
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

    /// Sends all of `parts`, waiting for room; with `nonblock` as much as there is room for. EPIPE once the
    /// other side has gone, and no signal.
    pub(crate) fn send(&self, parts: &[IoSlice<'_>], nonblock: bool, wait: &dyn Wait) -> Result<usize> {
        let stream = self.stream()?;
        write_pieces(parts, wait, |piece, _| {
            attempt(&Manner::Nonblocking, PollFd::writable(stream.as_fd()), nonblock, wait, || {
                rustix::net::sendmsg(stream, piece, &mut SendAncillaryBuffer::default(), SEND)
            })
        })
    }

    /// Ends receiving, sending or both.
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

/// Where the flag is missing, the standard library has set the option of the same meaning on the socket.
#[cfg(not(target_vendor = "apple"))]
const SEND: SendFlags = SendFlags::NOSIGNAL;
#[cfg(target_vendor = "apple")]
const SEND: SendFlags = SendFlags::empty();

/// Nothing when the call is to be made again: a signal came, or someone else took what was there.
fn again(error: io::Error, nonblock: bool, wait: &dyn Wait) -> Result<()> {
    match error.kind() {
        io::ErrorKind::Interrupted => Ok(wait.check()?),
        io::ErrorKind::WouldBlock if !nonblock => Ok(wait.check()?),
        io::ErrorKind::ConnectionAborted if !nonblock => Ok(wait.check()?),
        _ => Err(error.into()),
    }
}
