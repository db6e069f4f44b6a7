//! The time limit of the whole command. When it is over, a running guest is interrupted, so that the message has a
//! backtrace. At any other time (a module does not arrive, nobody reads the results) the process exits. The first line of
//! the message and the status are the same. Used by `run` and `instantiate`.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use kinglet::InterruptHandle;

use crate::dialect::Dialect;
use crate::fault::{Fault, Outcome};
use crate::message::limit;

/// The phase of the command.
enum Phase {
    /// The command loads or prints.
    Command,
    /// The guest runs, and can be interrupted.
    Guest(InterruptHandle),
    /// The exit status is known.
    Finished,
}

/// A running clock; dropping it stops it.
pub(crate) struct Deadline {
    phase: Arc<Mutex<Phase>>,
}

impl Deadline {
    /// Starts the clock, on a thread that ends with the process. 0 is no limit.
    ///
    /// # Errors
    /// If no thread can be started.
    pub(crate) fn start(milliseconds: u64, dialect: Dialect) -> Outcome<Deadline> {
        let phase = Arc::new(Mutex::new(Phase::Command));
        if milliseconds > 0 {
            if let Some(end) = Instant::now().checked_add(Duration::from_millis(milliseconds)) {
                limit(end);
            }
            let phase = phase.clone();
            let clock = std::thread::Builder::new().name("deadline".into()).spawn(move || {
                std::thread::sleep(Duration::from_millis(milliseconds));
                // The lock is held until the exit, so that the command cannot reach another status meanwhile.
                match &*lock(&phase) {
                    Phase::Command => std::process::exit(Fault::stop(message(milliseconds)).report(dialect)),
                    Phase::Guest(handle) => handle.interrupt(),
                    Phase::Finished => {}
                }
            });
            clock.map_err(|error| {
                let fault = Fault::refused(format!("cannot start a thread for the time limit: {error}"));
                fault.hint("allow more threads (ulimit -u) or memory (ulimit -v), or omit --time-limit")
            })?;
        }
        Ok(Deadline { phase })
    }

    /// Calls a function that runs the guest and that `handle` interrupts.
    pub(crate) fn guest<T>(&self, handle: InterruptHandle, run: impl FnOnce() -> T) -> T {
        self.set(Phase::Guest(handle));
        let result = run();
        self.set(Phase::Command);
        result
    }

    fn set(&self, phase: Phase) {
        *lock(&self.phase) = phase;
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        self.set(Phase::Finished);
    }
}

fn lock(phase: &Mutex<Phase>) -> MutexGuard<'_, Phase> {
    phase.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The failure of an interrupted guest, with its backtrace.
pub(crate) fn stopped(error: &kinglet::Error, milliseconds: u64) -> Fault {
    let mut fault = Fault::stopped(error);
    let backtrace = fault.message.split_once('\n').map_or_else(String::new, |(_, frames)| format!("\n{frames}"));
    fault.message = format!("{}{backtrace}", message(milliseconds));
    fault
}

fn message(milliseconds: u64) -> String {
    format!("stopped: exceeded the time limit of {milliseconds} ms")
}
