//! Reduces the address space that glibc's allocator reserves, if the process has a limit (`ulimit -v`). By default it
//! reserves 64 MiB for each allocating thread, and twice as much for a moment. A guest that grows its memory just then would
//! fail.

#![allow(unsafe_code)]

/// Must be called before the first thread starts.
pub(crate) fn set_up() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    if rustix::process::getrlimit(rustix::process::Resource::As).current.is_some() {
        // SAFETY: it sets a parameter of the allocator, which no other thread uses yet.
        unsafe { libc::mallopt(libc::M_ARENA_MAX, 1) };
    }
}
