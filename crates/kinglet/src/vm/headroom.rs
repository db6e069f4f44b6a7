//! Memory headroom for the host. Guests may not take all of the system's memory, because some host allocations (a
//! message, a list) cannot fail. A check maps the required bytes and releases them again. If the process has no memory
//! limit, checks succeed without mapping anything.
//!
//! The limits of a process can change while it runs. They are queried for every engine, and again after guests have
//! grown by [`REFRESH_AFTER`] bytes. In between, the cached limits are used, so creating an instance needs no system
//! call for them.

#[cfg(unix)]
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering::Relaxed};

use super::region::Region;

/// Bytes that stay free when a guest grows a memory or table.
const HOST_RESERVE: usize = 16 << 20;

/// Bytes that must be free before a guest starts.
const START_RESERVE: usize = 4 << 20;

/// The number of bytes by which guests grow before the limits are queried again. It is less than [`HOST_RESERVE`].
const REFRESH_AFTER: usize = 4 << 20;

/// Set in every cached value to show that the limits were queried.
const QUERIED: u8 = 1;

/// All address space is limited, accessible or not (`RLIMIT_AS`).
#[cfg(unix)]
const ADDRESS_SPACE: u8 = 2;

/// All writable memory is limited, used or not (`RLIMIT_DATA`, or strict overcommit).
const WRITABLE: u8 = 4;

/// The cached limits; 0 before the first query.
static LIMITS: AtomicU8 = AtomicU8::new(0);

/// Bytes by which guests have grown since the last query.
static GROWN: AtomicUsize = AtomicUsize::new(0);

/// Returns whether the process can map this many bytes and keep [`HOST_RESERVE`] free. The bytes are not reserved. The
/// caller's own allocation, whose size a guest chose, can still fail.
pub(crate) fn can_reserve(bytes: usize) -> bool {
    fits(limits(bytes), bytes)
}

/// Like [`can_reserve`], for bytes of an existing reservation. They count only against a limit on writable memory.
pub(crate) fn can_commit(bytes: usize) -> bool {
    let limits = limits(bytes);
    fits(limits, if limits & WRITABLE == 0 { 0 } else { bytes })
}

fn fits(limits: u8, bytes: usize) -> bool {
    limits == QUERIED || bytes.checked_add(HOST_RESERVE).is_some_and(|bytes| Region::new(bytes).is_ok())
}

/// Returns whether a guest can start after `allocated` bytes were allocated for it.
pub(crate) fn can_start(allocated: usize) -> bool {
    let limits = if allocated < REFRESH_AFTER { cached() } else { refresh() };
    limits == QUERIED || Region::new(START_RESERVE).is_ok()
}

/// Returns whether the process can map this many bytes, without any reserve.
pub(crate) fn is_available(bytes: usize) -> bool {
    limits(bytes) == QUERIED || Region::new(bytes).is_ok()
}

/// Returns the limits, and counts bytes that a guest is about to take.
fn limits(bytes: usize) -> u8 {
    if GROWN.fetch_add(bytes, Relaxed).saturating_add(bytes) < REFRESH_AFTER { cached() } else { refresh() }
}

/// Returns the limits of the last query.
fn cached() -> u8 {
    match LIMITS.load(Relaxed) {
        0 => refresh(),
        limits => limits,
    }
}

/// Queries the limits that can refuse memory, and caches them.
pub(crate) fn refresh() -> u8 {
    #[cfg(test)]
    tests::QUERIES.set(tests::QUERIES.get() + 1);
    let limits = QUERIED | query();
    GROWN.store(0, Relaxed);
    LIMITS.store(limits, Relaxed);
    limits
}

#[cfg(unix)]
fn query() -> u8 {
    use rustix::process::{Resource, getrlimit};
    let limited = |resource| getrlimit(resource).current.is_some();
    let addresses = if limited(Resource::As) { ADDRESS_SPACE } else { 0 };
    let writable = if limited(Resource::Data) || is_strict_overcommit() { WRITABLE } else { 0 };
    addresses | writable
}

/// Returns whether the system never overcommits memory.
#[cfg(unix)]
fn is_strict_overcommit() -> bool {
    static STRICT: OnceLock<bool> = OnceLock::new();
    *STRICT.get_or_init(|| {
        let mode = std::fs::read_to_string("/proc/sys/vm/overcommit_memory");
        mode.is_ok_and(|mode| mode.trim() == "2")
    })
}

#[cfg(not(unix))]
fn query() -> u8 {
    0
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use crate::{Engine, Instance, Module, Store};

    thread_local! {
        /// The number of queries on this thread.
        pub(super) static QUERIES: Cell<usize> = const { Cell::new(0) };
    }

    #[test]
    fn limits_are_queried_per_engine_and_not_per_instance() {
        let engine = Engine::default();
        let module = Module::new(&engine, "(module (memory 17) (table 10 funcref) (table 0 externref))").unwrap();
        let queries = QUERIES.get();
        assert!(queries > 0);
        let mut stores: Vec<_> = (0..50).map(|_| Store::new(&engine, ())).collect();
        for store in &mut stores {
            Instance::new(store, &module, &[]).unwrap();
        }
        assert_eq!(QUERIES.get(), queries);
        assert!(super::can_reserve(super::REFRESH_AFTER));
        assert_eq!(QUERIES.get(), queries + 1);
    }
}
