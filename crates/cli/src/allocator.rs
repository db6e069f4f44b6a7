//! Has the system's allocator take little address space where the process may have only so much. By default glibc's
//! reserves 64 MiB for each thread that allocates, and for a moment twice as many, which a guest that asks for memory just
//! then would be refused.

#![allow(unsafe_code)]

/// To be called before there are threads.
pub(crate) fn settle() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    if rustix::process::getrlimit(rustix::process::Resource::As).current.is_some() {
        // SAFETY: it sets a number of the allocator, which no other thread uses yet.
        unsafe { libc::mallopt(libc::M_ARENA_MAX, 1) };
    }
}
