//! What signals do. Ctrl-C ends the command with a plain exit, also where it is the first process of a container, which
//! the system's default would not end. A pipe nobody reads any more ends it at once and without a word, whoever wrote:
//! a program that prints for ever should not go on in `kinglet … | head`, nor complain.

use crate::fault::{INTERRUPTED, UNREAD};

#[cfg(unix)]
pub(crate) fn settle() {
    use signal_hook::consts::{SIGINT, SIGPIPE};
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;
    for (signal, status) in [(SIGINT, INTERRUPTED), (SIGPIPE, UNREAD)] {
        // Without a handler the system's default remains, which ends the command too.
        let _ = signal_hook::flag::register_conditional_shutdown(signal, status, Arc::new(AtomicBool::new(true)));
    }
}

#[cfg(not(unix))]
pub(crate) fn settle() {
    let _ = (INTERRUPTED, UNREAD);
}
