//! What signals do. One that the parent has this process ignore stays ignored. Ctrl-C, SIGTERM and SIGHUP end the command
//! as the system has it, by the signal itself, so that a shell knows and ends its loop too; the first process of a
//! container, which the system does not end so, exits with the status that a shell shows for the signal. A pipe nobody
//! reads any more ends the command at once and without a word: a program that prints for ever should not go
//! on in `kinglet … | head`, nor complain.

#[cfg(unix)]
mod inherited;

#[cfg(unix)]
pub(crate) fn settle() {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGPIPE, SIGTERM};
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;
    let first = std::process::id() == 1;
    let ends = [(SIGHUP, first), (SIGINT, first), (SIGPIPE, true), (SIGTERM, first)];
    for (signal, _) in ends.into_iter().filter(|(signal, exits)| *exits && !inherited::is_ignored(*signal)) {
        // Without a handler the system's default remains, which ends the command too.
        let _ = signal_hook::flag::register_conditional_shutdown(signal, 128 + signal, Arc::new(AtomicBool::new(true)));
    }
}

#[cfg(not(unix))]
pub(crate) fn settle() {}
