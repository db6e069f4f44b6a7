//! What ends the command without success: a message for people and an exit status for scripts. The statuses are listed
//! once, here; the help text shows them.

use kinglet::{ModuleError, Trap, WasmBacktrace};

use crate::excerpt;

/// Usage, loading, validation, linking and writing results.
pub(crate) const REFUSED: i32 = 1;
/// The guest was stopped while it ran. The same number a shell shows for an abort, but a plain exit.
pub(crate) const STOPPED: i32 = 134;

/// The exit statuses as the help text lists them.
pub(crate) const STATUSES: &[(&str, &str)] = &[
    ("0", "the program ended, or the function returned"),
    ("N", "the program ended with proc_exit(N); 255 if N is larger, for a status has 8 bits"),
    ("1", "usage error, or the module cannot be read, validated or linked, or a result cannot be written"),
    ("134", "the program was stopped: a trap, an uncaught exception, the time limit"),
];

/// The status for a program's own. The system would keep the low 8 bits, and make a success of 256.
pub(crate) fn own_status(code: i32) -> i32 {
    u8::try_from(code).unwrap_or(u8::MAX).into()
}

/// Why there is no success.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) message: String,
    pub(crate) code: i32,
}

/// What a command gives: the exit status when all went as the user wanted.
pub(crate) type Outcome<T = i32> = Result<T, Fault>;

impl Fault {
    /// A refusal: what keeps the guest from running, or its results from being written.
    pub(crate) fn refused(message: impl Into<String>) -> Fault {
        Fault { message: message.into(), code: REFUSED }
    }

    /// Why a module was not loaded. That a file cannot be read says which; what is wrong with its contents does not.
    pub(crate) fn unloaded(file: &str, error: &kinglet::Error) -> Fault {
        Fault::refused(match error.downcast_ref::<ModuleError>() {
            Some(error) => format!("{file}: {}", excerpt::show(&error.to_string(), file)),
            None => format!("{error:#}"),
        })
    }

    /// The guest was stopped while it ran: the reason, and where it was.
    pub(crate) fn stopped(error: &kinglet::Error) -> Fault {
        let message = match (error.downcast_ref::<WasmBacktrace>(), error.downcast_ref::<Trap>()) {
            (Some(backtrace), Some(_)) => backtrace.to_string(),
            (Some(backtrace), None) => format!("{}\n{backtrace}", error.root_cause()),
            (None, Some(trap)) => format!("wasm trap: {trap}"),
            (None, None) => format!("{error:#}"),
        };
        Fault { message, code: STOPPED }
    }
}
