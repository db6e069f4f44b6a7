//! Room for the host: what guests take of the system's memory leaves some for all that the host allocates and that cannot
//! fail, whether a message or a list. Where the process may have as much as it likes nobody asks the system.
//!
//! Limits of the process can change while it runs. They are looked up for every engine, and again whenever guests have
//! taken [`LOOK_AGAIN`] more; in between the last answer holds, so that making an instance makes no call of the system
//! for this.

#[cfg(unix)]
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering::Relaxed};

use super::region::Region;

/// Bytes that guests leave when they grow something.
const FOR_THE_HOST: usize = 16 << 20;

/// Bytes without which nothing begins.
const TO_BEGIN: usize = 4 << 20;

/// After so many bytes more the limits are looked up again. Less than guests leave when they grow something.
const LOOK_AGAIN: usize = 4 << 20;

/// A flag of every answer: that the limits were looked up.
const KNOWN: u8 = 1;

/// The flag of a limit of address space (`RLIMIT_AS`), accessible or not.
#[cfg(unix)]
const ADDRESSES: u8 = 2;

/// The flag of a limit of the memory that can be written to, used or not (`RLIMIT_DATA`, or strict overcommitment).
const WRITABLE: u8 = 4;

/// The last answer; 0 before the first.
static LIMITS: AtomicU8 = AtomicU8::new(0);

/// Bytes by which guests have grown things since then.
static TAKEN: AtomicUsize = AtomicUsize::new(0);

/// Whether the system would give the process so many bytes, and leave enough for the host. Nobody holds them for the
/// caller: this is for sizes that guests choose, whose allocation can fail as well.
pub(crate) fn is_there(bytes: usize) -> bool {
    is_there_by(limits(bytes), bytes)
}

/// The same for bytes of a reservation, which has their addresses: they cost something only once they can be written to.
pub(crate) fn is_there_of_reserved(bytes: usize) -> bool {
    let limits = limits(bytes);
    is_there_by(limits, if limits & WRITABLE == 0 { 0 } else { bytes })
}

fn is_there_by(limits: u8, bytes: usize) -> bool {
    limits == KNOWN || bytes.checked_add(FOR_THE_HOST).is_some_and(|bytes| Region::new(bytes).is_ok())
}

/// Whether there is enough left for a guest to begin with the `made` bytes that were just made for it.
pub(crate) fn is_left(made: usize) -> bool {
    let limits = if made < LOOK_AGAIN { known() } else { look() };
    limits == KNOWN || Region::new(TO_BEGIN).is_ok()
}

/// Whether the system would give the process so many bytes, whatever is left then.
pub(crate) fn is_there_for_the_host(bytes: usize) -> bool {
    limits(bytes) == KNOWN || Region::new(bytes).is_ok()
}

/// The limits, for someone who takes so many bytes.
fn limits(bytes: usize) -> u8 {
    if TAKEN.fetch_add(bytes, Relaxed).saturating_add(bytes) < LOOK_AGAIN { known() } else { look() }
}

/// The limits as they were when they were last looked up.
fn known() -> u8 {
    match LIMITS.load(Relaxed) {
        0 => look(),
        limits => limits,
    }
}

/// Looks up by which limits memory can be refused.
pub(crate) fn look() -> u8 {
    #[cfg(test)]
    tests::LOOKS.set(tests::LOOKS.get() + 1);
    let limits = KNOWN | ask();
    TAKEN.store(0, Relaxed);
    LIMITS.store(limits, Relaxed);
    limits
}

#[cfg(unix)]
fn ask() -> u8 {
    use rustix::process::{Resource, getrlimit};
    let limited = |resource| getrlimit(resource).current.is_some();
    let addresses = if limited(Resource::As) { ADDRESSES } else { 0 };
    let writable = if limited(Resource::Data) || is_strict() { WRITABLE } else { 0 };
    addresses | writable
}

/// Whether the system promises no more memory than it has.
#[cfg(unix)]
fn is_strict() -> bool {
    static STRICT: OnceLock<bool> = OnceLock::new();
    *STRICT.get_or_init(|| {
        let mode = std::fs::read_to_string("/proc/sys/vm/overcommit_memory");
        mode.is_ok_and(|mode| mode.trim() == "2")
    })
}

#[cfg(not(unix))]
fn ask() -> u8 {
    0
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use crate::{Engine, Instance, Module, Store};

    thread_local! {
        /// How often this thread has looked up the limits.
        pub(super) static LOOKS: Cell<usize> = const { Cell::new(0) };
    }

    #[test]
    fn limits_are_looked_up_for_an_engine_and_not_for_its_instances() {
        let engine = Engine::default();
        let module = Module::new(&engine, "(module (memory 17) (table 10 funcref) (table 0 externref))").unwrap();
        let looks = LOOKS.get();
        assert!(looks > 0);
        let mut stores: Vec<_> = (0..50).map(|_| Store::new(&engine, ())).collect();
        for store in &mut stores {
            Instance::new(store, &module, &[]).unwrap();
        }
        assert_eq!(LOOKS.get(), looks);
        assert!(super::is_there(super::LOOK_AGAIN));
        assert_eq!(LOOKS.get(), looks + 1);
    }
}
