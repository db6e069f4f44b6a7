//! Signals. A signal that the parent process ignores stays ignored. Ctrl-C, SIGTERM and SIGHUP kill the command by the
//! signal itself, so that a shell ends its loop too. The system does not kill the first process of a container that way, so
//! there the command exits with the status that a shell shows for the signal. A closed pipe ends the command silently:
//! endless output should neither continue in `kinglet … | head` nor cause a message.

#[cfg(unix)]
mod inherited;

#[cfg(unix)]
pub(crate) fn set_up() {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGPIPE, SIGTERM};
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;
    let first = std::process::id() == 1;
    let ends = [(SIGHUP, first), (SIGINT, first), (SIGPIPE, true), (SIGTERM, first)];
    for (signal, _) in ends.into_iter().filter(|(signal, exits)| *exits && !inherited::is_ignored(*signal)) {
        // On failure the system's default remains, which ends the command too.
        let _ = signal_hook::flag::register_conditional_shutdown(signal, 128 + signal, Arc::new(AtomicBool::new(true)));
    }
}

#[cfg(not(unix))]
pub(crate) fn set_up() {}
