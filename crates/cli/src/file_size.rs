//! The file size limit (`ulimit -f`). By default the system kills a process that writes beyond it. Here the write fails, as
//! on a full disk: the guest receives `fbig`, or the user a message.

/// Handles SIGXFSZ with no effect. Ignoring the signal would also affect child processes.
#[cfg(unix)]
pub(crate) fn set_up() {
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    // On failure the system's default remains.
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::new(AtomicBool::new(false)));
}

#[cfg(not(unix))]
pub(crate) fn set_up() {}
