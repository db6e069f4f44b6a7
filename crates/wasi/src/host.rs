//! The host layer implements clocks, files, random bytes, standard streams and sockets on the host operating system.
//! It checks every permission, once for all versions of WASI. It has no access to guest memory and does not know
//! descriptor numbers. All blocking goes through [`Wait`].

pub(crate) mod clock;
mod errno;
pub(crate) mod fs;
pub(crate) mod net;
pub(crate) mod random;
pub(crate) mod stdio;
pub(crate) mod transfer;

pub(crate) use errno::Errno;
use kinglet::PollFd;
use std::io;
use std::time::Duration;

/// Blocks a call until its descriptors are ready, and lets the embedder interrupt it from another thread.
pub(crate) trait Wait {
    /// Waits until one of `fds` is ready or `timeout` has passed, and returns the number of ready descriptors. `None`
    /// waits without a limit; an empty `fds` sleeps.
    fn poll(&self, fds: &mut [PollFd<'_>], timeout: Option<Duration>) -> std::result::Result<usize, Interrupted>;

    /// Returns an error if the call has been interrupted. Does not block.
    fn check(&self) -> std::result::Result<(), Interrupted>;
}

/// The embedder has interrupted the guest.
#[derive(Debug)]
pub(crate) struct Interrupted;

/// The reason a host operation failed.
#[derive(Debug)]
pub(crate) enum Error {
    Errno(Errno),
    Interrupted,
}

pub(crate) type Result<T> = std::result::Result<T, Error>;

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Error {
        Error::Errno(error.into())
    }
}

impl From<Errno> for Error {
    fn from(errno: Errno) -> Error {
        Error::Errno(errno)
    }
}

impl From<rustix::io::Errno> for Error {
    fn from(errno: rustix::io::Errno) -> Error {
        Error::Errno(errno.into())
    }
}

impl From<Interrupted> for Error {
    fn from(Interrupted: Interrupted) -> Error {
        Error::Interrupted
    }
}

/// Waits until a descriptor is ready. With `nonblock`, polls once and fails with EAGAIN if the descriptor is not ready.
pub(crate) fn wait_ready(fd: PollFd<'_>, nonblock: bool, wait: &dyn Wait) -> Result<()> {
    let timeout = nonblock.then_some(Duration::ZERO);
    if wait.poll(&mut [fd], timeout)? == 0 && nonblock {
        return Err(Errno::AGAIN.into());
    }
    Ok(())
}
