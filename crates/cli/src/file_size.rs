//! The limit of the size of files (`ulimit -f`). The system ends a process that writes beyond it; here the write fails, as
//! that of a full disk does, and the guest gets `fbig`, or the user a message.

/// Has the system send a signal that does nothing. It is not ignored, which programs that are started here would inherit.
#[cfg(unix)]
pub(crate) fn settle() {
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    // Without it the system's default remains.
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::new(AtomicBool::new(false)));
}

#[cfg(not(unix))]
pub(crate) fn settle() {}
