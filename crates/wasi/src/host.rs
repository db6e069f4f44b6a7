//! The host layer: what the guest's clocks, files, random bytes and standard streams are on this machine.
//! Permissions are decided here once, whichever version of the interface asks. Nothing here knows guest memory
//! or descriptor numbers, and everything that can block waits through [`Wait`].

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

/// Where a blocking call waits, so that the embedder can end it from another thread.
pub(crate) trait Wait {
    /// Waits until one of `fds` is ready or `timeout` has passed (`None`: for ever). Without descriptors it sleeps.
    fn poll(&self, fds: &mut [PollFd<'_>], timeout: Option<Duration>) -> std::result::Result<usize, Interrupted>;

    /// Returns at once; an error when the call is to end.
    fn check(&self) -> std::result::Result<(), Interrupted>;
}

/// The embedder has asked the guest to stop.
#[derive(Debug)]
pub(crate) struct Interrupted;

/// Why a host operation did not happen.
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

/// Waits until a descriptor is ready; with `nonblock` it asks once and answers EAGAIN.
pub(crate) fn wait_ready(fd: PollFd<'_>, nonblock: bool, wait: &dyn Wait) -> Result<()> {
    let timeout = nonblock.then_some(Duration::ZERO);
    if wait.poll(&mut [fd], timeout)? == 0 && nonblock {
        return Err(Errno::AGAIN.into());
    }
    Ok(())
}
