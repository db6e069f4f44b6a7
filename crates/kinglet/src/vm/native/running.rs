//! The store whose guest code the current thread runs. Code that does not receive the store as an argument finds it
//! here.

use std::cell::Cell;

use kinglet_abi::VmStore;

thread_local! {
    /// The store whose guest code this thread runs.
    static RUNNING: Cell<*mut VmStore> = const { Cell::new(std::ptr::null_mut()) };
}

/// Sets the store that runs on this thread until the guard is dropped.
pub(in crate::vm) fn running(store: *mut VmStore) -> Running {
    super::signals::prepare_thread();
    Running(RUNNING.replace(store))
}

/// Returns the store whose guest code this thread runs; null if it runs none.
pub(super) extern "C" fn current() -> *mut VmStore {
    RUNNING.get()
}

/// Restores the previous store on drop; see [`running`].
pub(in crate::vm) struct Running(*mut VmStore);

impl Drop for Running {
    fn drop(&mut self) {
        RUNNING.set(self.0);
    }
}
