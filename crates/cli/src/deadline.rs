//! The time limit of the whole command. A guest that runs when it is over is interrupted, which says where the guest was;
//! at any other time (a module that does not arrive, results nobody takes) the process is ended. Either way the message
//! begins alike and the status is the same. Used by `run` and `instantiate`.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use kinglet::InterruptHandle;

use crate::dialect::Dialect;
use crate::fault::{Fault, Outcome};
use crate::message::limit;

/// What the command is doing.
enum Phase {
    /// Its own work: loading, printing.
    Ours,
    /// The guest runs, and can be interrupted.
    Guests(InterruptHandle),
    /// All is done and the status is settled.
    Over,
}

/// The clock that runs from when it is made until it is dropped.
pub(crate) struct Deadline {
    phase: Arc<Mutex<Phase>>,
}

impl Deadline {
    /// Starts the clock; without a limit (0) nothing ever happens. The thread ends with the process. A limit that cannot be
    /// kept, because no thread can be started, is a refusal.
    pub(crate) fn start(milliseconds: u64, dialect: Dialect) -> Outcome<Deadline> {
        let phase = Arc::new(Mutex::new(Phase::Ours));
        if milliseconds > 0 {
            if let Some(end) = Instant::now().checked_add(Duration::from_millis(milliseconds)) {
                limit(end);
            }
            let phase = phase.clone();
            let clock = std::thread::Builder::new().name("deadline".into()).spawn(move || {
                std::thread::sleep(Duration::from_millis(milliseconds));
                // Held to the end, so that the command cannot go on to another status meanwhile.
                match &*lock(&phase) {
                    Phase::Ours => std::process::exit(Fault::stop(message(milliseconds)).report(dialect)),
                    Phase::Guests(handle) => handle.interrupt(),
                    Phase::Over => {}
                }
            });
            clock.map_err(|error| {
                let fault = Fault::refused(format!("the time limit cannot be kept: no thread can be started: {error}"));
                fault.hint(
                    "allow the process more threads (ulimit -u) or memory (ulimit -v), or run without --time-limit",
                )
            })?;
        }
        Ok(Deadline { phase })
    }

    /// Runs the guest, by a function that `handle` interrupts.
    pub(crate) fn guest<T>(&self, handle: InterruptHandle, run: impl FnOnce() -> T) -> T {
        self.set(Phase::Guests(handle));
        let result = run();
        self.set(Phase::Ours);
        result
    }

    fn set(&self, phase: Phase) {
        *lock(&self.phase) = phase;
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        self.set(Phase::Over);
    }
}

fn lock(phase: &Mutex<Phase>) -> MutexGuard<'_, Phase> {
    phase.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Why a guest that was interrupted has ended.
pub(crate) fn stopped(error: &kinglet::Error, milliseconds: u64) -> Fault {
    let mut fault = Fault::stopped(error);
    fault.message = format!("{}: {}", message(milliseconds), fault.message);
    fault
}

/// What is said when the time is over.
fn message(milliseconds: u64) -> String {
    format!("the time limit of {milliseconds} ms is over")
}
