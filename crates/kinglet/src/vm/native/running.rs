//! Which store's guest code a thread runs, for what is entered without being told.

use std::cell::Cell;

use kinglet_abi::VmStore;

thread_local! {
    /// The store whose guest code the thread runs.
    static RUNNING: Cell<*mut VmStore> = const { Cell::new(std::ptr::null_mut()) };
}

/// Notes which store runs on this thread until the guard goes.
pub(in crate::vm) fn running(store: *mut VmStore) -> Running {
    super::signals::prepare_thread();
    Running(RUNNING.replace(store))
}

/// The store whose guest code the thread runs; null if it runs none.
pub(super) extern "C" fn current() -> *mut VmStore {
    RUNNING.get()
}

/// See [`running`].
pub(in crate::vm) struct Running(*mut VmStore);

impl Drop for Running {
    fn drop(&mut self) {
        RUNNING.set(self.0);
    }
}
