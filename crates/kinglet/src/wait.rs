//! Interrupts, and the one place where host functions wait. Every host function that can block waits through a
//! [`Waiter`], so an interrupt ends the wait. Deadlines, cancellation and asynchronous waits belong here too.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
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

/// The state that a store shares with its handles and waiters.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    /// Whether the guest must stop: a copy of [`State::must_stop`] that needs no lock.
    stop: AtomicBool,
    state: Mutex<State>,
    wake: Condvar,
    #[cfg(unix)]
    pipe: OnceLock<Option<Pipe>>,
}

#[derive(Debug, Default)]
struct State {
    /// The word that guest code reads; gone with its store.
    word: Option<InterruptWord>,
    /// Whether a handle has requested an interrupt that has not been delivered.
    requested: bool,
    /// The epoch in which the guest must stop; none without epochs.
    deadline: Option<u64>,
    /// Whether that epoch has come.
    deadline_reached: bool,
}

impl State {
    fn must_stop(&self) -> bool {
        self.requested || self.deadline_reached
    }
}

/// A pipe that is readable while the guest must stop, for waits on descriptors.
#[cfg(unix)]
#[derive(Debug)]
struct Pipe {
    reader: rustix::fd::OwnedFd,
    writer: rustix::fd::OwnedFd,
}

impl Shared {
    pub(crate) fn set_word(&self, word: Option<InterruptWord>) {
        self.lock().word = word;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Fails if the guest must stop.
    pub(crate) fn check(&self) -> Result<(), Interrupted> {
        if self.stop.load(Ordering::SeqCst) { Err(Interrupted) } else { Ok(()) }
    }

    /// Requests an interrupt.
    fn request(&self) {
        self.update(|state| state.requested = true);
    }

    /// Ends the request, because the interrupt has been delivered. An epoch's deadline remains reached.
    pub(crate) fn clear(&self) {
        self.update(|state| state.requested = false);
    }

    /// Sets the deadline, relative to the current epoch.
    pub(crate) fn set_epoch_deadline(&self, current: &AtomicU64, ticks: u64) {
        self.update(|state| {
            // Read under the lock: an increment that this does not see yet finds the new deadline.
            state.deadline = Some(current.load(Ordering::SeqCst).saturating_add(ticks));
            state.deadline_reached = ticks == 0;
        });
    }

    /// Stops the guest if its deadline has come.
    pub(crate) fn epoch_reached(&self, epoch: u64) {
        self.update(|state| state.deadline_reached |= state.deadline.is_some_and(|deadline| deadline <= epoch));
    }

    /// Changes the state, and tells the guest and its waiters if it must stop now, or need not any more.
    fn update(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        change(&mut state);
        let stop = state.must_stop();
        if self.stop.swap(stop, Ordering::SeqCst) == stop {
            return;
        }
        if let Some(word) = &state.word {
            word.set(stop);
        }
        if stop {
            self.wake.notify_all();
        }
        #[cfg(unix)]
        if let Some(Some(pipe)) = self.pipe.get() {
            // The pipe holds one byte while the guest must stop.
            let _ = match stop {
                true => rustix::io::write(&pipe.writer, &[1]),
                false => rustix::io::read(&pipe.reader, &mut [0; 64]),
            };
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

/// Interrupts the guest of a store from any thread. A loop, a recursion or a blocking host function then ends with
/// [`Trap::Interrupted`]. If no guest runs, the next call ends at once.
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
    /// Requests the interrupt. Does nothing after the store has been dropped.
    pub fn interrupt(&self) {
        tracing::debug!("an interrupt was requested");
        self.shared.request();
    }
}

/// The error of a wait that an [`InterruptHandle`] or an epoch ended. It converts to an error that is
/// [`Trap::Interrupted`].
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

/// Waits on behalf of a guest, so that an interrupt ends the wait. [`Caller::waiter`](crate::Caller::waiter) returns the
/// guest's waiter. The default waiter belongs to no guest and is never interrupted; it serves calls from outside a guest.
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
    /// Checks for an interrupt without waiting.
    ///
    /// # Errors
    /// [`Interrupted`] if the guest must stop.
    pub fn check(&self) -> Result<(), Interrupted> {
        self.shared.check()
    }

    /// Waits for a duration, or forever if there is none.
    ///
    /// # Errors
    /// [`Interrupted`] if the guest must stop.
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

    /// Waits until a descriptor is ready or the time has passed, and returns the number of ready descriptors. Without a
    /// time it waits forever; without descriptors it does the same as [`Waiter::sleep`]. Each [`PollFd`] holds the result
    /// for its descriptor.
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
    /// [`Interrupted`] if the guest must stop.
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
            // A descriptor is usually ready: then the wait needs no pipe.
            match poll(&mut polled, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })) {
                Err(Errno::INTR) => continue,
                Err(_) => break true,
                Ok(ready) if ready > 0 || deadline.is_some_and(|deadline| Instant::now() >= deadline) => break false,
                Ok(_) => {}
            }
            let pipe = self.shared.pipe();
            // An interrupt from before the pipe existed is not in it.
            self.check()?;
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            // Without a pipe (no descriptors left), poll for interrupts.
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
            // After a failure the caller sees the reason when it uses the descriptor.
            one.found = if failed { one.wanted } else { polled[place].revents() & (one.wanted | always) };
        }
        Ok(fds.iter().filter(|one| one.is_ready()).count())
    }
}

/// Returns the distinct descriptors, and for each of `fds` its index among them. The system rejects lists that are longer
/// than a process's limit of descriptors.
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

/// A descriptor for [`Waiter::poll`], with the result of the last wait.
#[cfg(unix)]
#[derive(Clone, Debug)]
pub struct PollFd<'fd> {
    fd: BorrowedFd<'fd>,
    wanted: PollFlags,
    found: PollFlags,
}

#[cfg(unix)]
impl<'fd> PollFd<'fd> {
    /// Waits until the descriptor has data, a connection to accept, or reached its end.
    pub fn readable(fd: BorrowedFd<'fd>) -> PollFd<'fd> {
        PollFd { fd, wanted: PollFlags::IN, found: PollFlags::empty() }
    }

    /// Waits until the descriptor accepts data.
    pub fn writable(fd: BorrowedFd<'fd>) -> PollFd<'fd> {
        PollFd { fd, wanted: PollFlags::OUT, found: PollFlags::empty() }
    }

    /// Returns whether the descriptor is ready, closed or failed. Using it then does not block.
    pub fn is_ready(&self) -> bool {
        !self.found.is_empty()
    }

    /// Returns whether the other end is closed.
    pub fn is_hung_up(&self) -> bool {
        self.found.contains(PollFlags::HUP)
    }

    /// Returns whether the system knows no such descriptor.
    pub fn is_invalid(&self) -> bool {
        self.found.contains(PollFlags::NVAL)
    }
}

#[cfg(unix)]
const SLICE: Duration = Duration::from_millis(50);
