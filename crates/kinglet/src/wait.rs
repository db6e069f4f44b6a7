//! Interrupting a guest, and the one place where host functions wait. Every host function that can block waits through
//! a [`Waiter`], so that an interrupt ends it; deadlines, cancellation and asynchronous waiting belong here too.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock};
use std::time::{Duration, Instant};

#[cfg(unix)]
use rustix::event::PollFlags;
#[cfg(unix)]
use rustix::fd::{AsRawFd, BorrowedFd};
#[cfg(unix)]
use std::collections::HashMap;

use crate::vm::InterruptWord;
use crate::{Error, Trap};

/// What handles, waiters and the store share.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    requested: AtomicBool,
    /// The word that guest code looks at; gone with its store.
    word: Mutex<Option<InterruptWord>>,
    wake: Condvar,
    #[cfg(unix)]
    pipe: OnceLock<Option<Pipe>>,
}

/// A pipe that becomes readable when an interrupt is requested, for waits on descriptors.
#[cfg(unix)]
#[derive(Debug)]
struct Pipe {
    reader: rustix::fd::OwnedFd,
    writer: rustix::fd::OwnedFd,
}

impl Shared {
    pub(crate) fn set_word(&self, word: Option<InterruptWord>) {
        *self.lock() = word;
    }

    fn lock(&self) -> MutexGuard<'_, Option<InterruptWord>> {
        self.word.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Whether an interrupt has been asked for and not delivered.
    pub(crate) fn check(&self) -> Result<(), Interrupted> {
        if self.requested.load(Ordering::SeqCst) { Err(Interrupted) } else { Ok(()) }
    }

    fn request(&self) {
        let word = self.lock();
        if self.requested.swap(true, Ordering::SeqCst) {
            return;
        }
        if let Some(word) = &*word {
            word.set(true);
        }
        self.wake.notify_all();
        #[cfg(unix)]
        if let Some(Some(pipe)) = self.pipe.get() {
            // One byte for each time the request is made, read when it is cleared.
            let _ = rustix::io::write(&pipe.writer, &[1]);
        }
    }

    /// The interrupt has been delivered.
    pub(crate) fn clear(&self) {
        let word = self.lock();
        self.requested.store(false, Ordering::SeqCst);
        if let Some(word) = &*word {
            word.set(false);
        }
        #[cfg(unix)]
        if let Some(Some(pipe)) = self.pipe.get() {
            let _ = rustix::io::read(&pipe.reader, &mut [0; 64]);
        }
    }

    #[cfg(unix)]
    fn pipe(&self) -> Option<&Pipe> {
        let pipe = self.pipe.get_or_init(|| {
            let (reader, writer) = rustix::pipe::pipe().ok()?;
            for end in [&reader, &writer] {
                rustix::io::fcntl_setfd(end, rustix::io::FdFlags::CLOEXEC).ok()?;
                rustix::io::ioctl_fionbio(end, true).ok()?;
            }
            Some(Pipe { reader, writer })
        });
        pipe.as_ref()
    }
}

/// Ends what runs in a store, from any thread: a loop, a recursion or a blocking host function ends its call with
/// [`Trap::Interrupted`]. If nothing runs, the next call is ended at once.
///
/// ```
/// use std::thread;
/// use std::time::Duration;
///
/// use kinglet::{Engine, Instance, Module, Store, Trap};
///
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"(module (func (export "spin") (loop (br 0))))"#)?;
/// let mut store = Store::new(&engine, ());
/// let spin = Instance::new(&mut store, &module, &[])?.get_typed_func::<(), ()>(&mut store, "spin")?;
/// let handle = store.interrupt_handle();
/// let timer = thread::spawn(move || {
///     thread::sleep(Duration::from_millis(10));
///     handle.interrupt();
/// });
/// let error = spin.call(&mut store, ()).unwrap_err();
/// assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::Interrupted));
/// # timer.join().unwrap();
/// # Ok::<(), kinglet::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct InterruptHandle {
    pub(crate) shared: Arc<Shared>,
}

impl InterruptHandle {
    /// Asks for the interrupt. Does nothing once the store is gone.
    pub fn interrupt(&self) {
        tracing::debug!("an interrupt was requested");
        self.shared.request();
    }
}

/// A wait was ended by an [`InterruptHandle`]. Converts to an error that is [`Trap::Interrupted`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interrupted;

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Trap::Interrupted.fmt(f)
    }
}

impl From<Interrupted> for Error {
    fn from(_: Interrupted) -> Error {
        Error::new(Trap::Interrupted)
    }
}

/// Waits on behalf of a guest, so that an [`InterruptHandle`] ends the wait: from
/// [`Caller::waiter`](crate::Caller::waiter). The default one is nobody's, and never interrupted: to call what waits from
/// elsewhere.
///
/// ```
/// use std::time::Duration;
///
/// use kinglet::{Caller, Engine, Linker, Result};
///
/// let mut linker: Linker<()> = Linker::new(&Engine::default());
/// linker.func_wrap("host", "sleep", |caller: Caller<'_, ()>, millis: u64| -> Result<()> {
///     Ok(caller.waiter().sleep(Some(Duration::from_millis(millis)))?)
/// })?;
/// # Ok::<(), kinglet::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Waiter {
    pub(crate) shared: Arc<Shared>,
}

impl Waiter {
    /// Whether the guest is to stop.
    ///
    /// # Errors
    /// [`Interrupted`] if it is.
    pub fn check(&self) -> Result<(), Interrupted> {
        self.shared.check()
    }

    /// Waits for a time, or for ever.
    ///
    /// # Errors
    /// [`Interrupted`] if the guest is to stop.
    pub fn sleep(&self, time: Option<Duration>) -> Result<(), Interrupted> {
        let deadline = time.and_then(|time| Instant::now().checked_add(time));
        let mut guard = self.shared.lock();
        loop {
            self.check()?;
            guard = match deadline {
                None => self.shared.wake.wait(guard).unwrap_or_else(|e| e.into_inner()),
                Some(deadline) => {
                    let Some(left) = deadline.checked_duration_since(Instant::now()).filter(|d| !d.is_zero()) else {
                        return Ok(());
                    };
                    self.shared.wake.wait_timeout(guard, left).unwrap_or_else(|e| e.into_inner()).0
                }
            };
        }
    }

    /// Waits until one of the descriptors is ready, for a time or for ever; without descriptors that is
    /// [`Waiter::sleep`]. Returns how many are ready; each says for what.
    ///
    /// ```
    /// use std::io::{Write, pipe};
    /// use std::os::fd::AsFd;
    /// use std::time::Duration;
    ///
    /// use kinglet::{PollFd, Waiter};
    ///
    /// let ((reader, mut writer), waiter) = (pipe()?, Waiter::default());
    /// assert_eq!(waiter.poll(&mut [PollFd::readable(reader.as_fd())], Some(Duration::ZERO))?, 0);
    /// writer.write_all(b"hello")?;
    /// let mut fds = [PollFd::readable(reader.as_fd()), PollFd::writable(writer.as_fd())];
    /// assert_eq!(waiter.poll(&mut fds, None)?, 2);
    /// assert!(fds[0].is_ready() && !fds[0].is_hung_up());
    /// # Ok::<(), kinglet::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Interrupted`] if the guest is to stop.
    #[cfg(unix)]
    pub fn poll(&self, fds: &mut [PollFd<'_>], time: Option<Duration>) -> Result<usize, Interrupted> {
        use rustix::event::{Timespec, poll};
        use rustix::io::Errno;
        if fds.is_empty() {
            return self.sleep(time).map(|()| 0);
        }
        let deadline = time.and_then(|time| Instant::now().checked_add(time));
        let (mut polled, places) = each_once(fds);
        let failed = loop {
            self.check()?;
            // Most often something is ready, and nothing to wait with need be made.
            match poll(&mut polled, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })) {
                Err(Errno::INTR) => continue,
                Err(_) => break true,
                Ok(ready) if ready > 0 || deadline.is_some_and(|deadline| Instant::now() >= deadline) => break false,
                Ok(_) => {}
            }
            let pipe = self.shared.pipe();
            // A request from before there was a pipe is in none.
            self.check()?;
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            // Without a pipe (no descriptors left) look for interrupts now and then.
            let left = if pipe.is_none() { Some(left.unwrap_or(SLICE).min(SLICE)) } else { left };
            let timeout = left.and_then(|left| Timespec::try_from(left).ok());
            let mut all: Vec<rustix::event::PollFd<'_>> = polled.clone();
            all.extend(pipe.map(|pipe| rustix::event::PollFd::new(&pipe.reader, PollFlags::IN)));
            if poll(&mut all, timeout.as_ref()).is_err_and(|error| error != Errno::INTR) {
                break true;
            }
        };
        for (one, place) in fds.iter_mut().zip(places) {
            let always = PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL;
            // The caller finds out why it failed when it uses the descriptor.
            one.found = if failed { one.wanted } else { polled[place].revents() & (one.wanted | always) };
        }
        Ok(fds.iter().filter(|one| one.is_ready()).count())
    }
}

/// The descriptors, each once, and where among them each of `fds` is: the system takes no longer list than a process may
/// have descriptors.
#[cfg(unix)]
fn each_once<'fd>(fds: &[PollFd<'fd>]) -> (Vec<rustix::event::PollFd<'fd>>, Vec<usize>) {
    let mut known = HashMap::new();
    let mut wanted: Vec<PollFlags> = Vec::with_capacity(fds.len());
    let mut distinct: Vec<BorrowedFd<'fd>> = Vec::with_capacity(fds.len());
    let place = |one: &PollFd<'fd>| {
        let place = *known.entry(one.fd.as_raw_fd()).or_insert(distinct.len());
        if place == distinct.len() {
            distinct.push(one.fd);
            wanted.push(PollFlags::empty());
        }
        wanted[place] |= one.wanted;
        place
    };
    let places = fds.iter().map(place).collect();
    let polled = distinct.into_iter().zip(wanted);
    (polled.map(|(fd, wanted)| rustix::event::PollFd::from_borrowed_fd(fd, wanted)).collect(), places)
}

/// A descriptor that [`Waiter::poll`] waits for, and what it has found out about it.
#[cfg(unix)]
#[derive(Clone, Debug)]
pub struct PollFd<'fd> {
    fd: BorrowedFd<'fd>,
    wanted: PollFlags,
    found: PollFlags,
}

#[cfg(unix)]
impl<'fd> PollFd<'fd> {
    /// Waits until there is something to read, or a connection to accept, or the end.
    pub fn readable(fd: BorrowedFd<'fd>) -> PollFd<'fd> {
        PollFd { fd, wanted: PollFlags::IN, found: PollFlags::empty() }
    }

    /// Waits until something can be written.
    pub fn writable(fd: BorrowedFd<'fd>) -> PollFd<'fd> {
        PollFd { fd, wanted: PollFlags::OUT, found: PollFlags::empty() }
    }

    /// Whether what was waited for has come, or the descriptor has ended or failed, so that using it tells more.
    pub fn is_ready(&self) -> bool {
        !self.found.is_empty()
    }

    /// Whether the other end is closed.
    pub fn is_hung_up(&self) -> bool {
        self.found.contains(PollFlags::HUP)
    }

    /// Whether the system knows no such descriptor.
    pub fn is_invalid(&self) -> bool {
        self.found.contains(PollFlags::NVAL)
    }
}

#[cfg(unix)]
const SLICE: Duration = Duration::from_millis(50);
