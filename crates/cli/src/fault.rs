//! What ends the command without success: a message for people, what they could try, and an exit status for scripts. The
//! statuses are listed once, here; help and reference show them.

use std::io::Write;

use kinglet::{ModuleError, Trap, WasmBacktrace};

use crate::cmd::Command;
use crate::dialect::{Dialect, wasmedge_trap};
use crate::message::{Level, say};
use crate::{excerpt, help};

/// Usage, loading, validation, linking and writing results.
pub(crate) const REFUSED: i32 = 1;
/// Ctrl-C.
pub(crate) const INTERRUPTED: i32 = 130;
/// The guest was stopped while it ran. The same number a shell shows for an abort, but a plain exit.
pub(crate) const STOPPED: i32 = 134;
/// Whoever read our output has gone.
pub(crate) const UNREAD: i32 = 141;

/// The exit statuses as help and reference list them.
pub(crate) const STATUSES: &[(&str, &str)] = &[
    ("0", "the program ended, or the function returned, or the command did what it says"),
    ("N", "the program ended with proc_exit(N); 255 if N is larger, for a status has 8 bits"),
    ("1", "usage error, or the module cannot be read, validated or linked, or a result cannot be written"),
    ("130", "Ctrl-C"),
    ("134", "the program was stopped: a trap, an uncaught exception, the time or gas limit"),
    ("141", "whoever read the output has gone, as in `kinglet … | head`"),
];

/// The status for a program's own. The system would keep the low 8 bits, and make a success of 256.
pub(crate) fn own_status(code: i32) -> i32 {
    u8::try_from(code).unwrap_or(u8::MAX).into()
}

/// Why there is no success.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) message: String,
    /// What to try.
    pub(crate) hint: Option<String>,
    pub(crate) code: i32,
    /// What WasmEdge says instead: of a mistake in the options the whole, of a trap the first line.
    wasmedge: Option<String>,
    usage: bool,
}

/// What a command gives: the exit status when all went as the user wanted.
pub(crate) type Outcome<T = i32> = Result<T, Fault>;

impl Fault {
    /// A refusal: what keeps the guest from running, or its results from being written.
    pub(crate) fn refused(message: impl Into<String>) -> Fault {
        Fault { message: message.into(), hint: None, code: REFUSED, wasmedge: None, usage: false }
    }

    /// The guest was stopped, or would have been at once.
    pub(crate) fn stop(message: impl Into<String>) -> Fault {
        Fault { code: STOPPED, ..Fault::refused(message) }
    }

    /// A mistake in the command line, in our words and in WasmEdge's.
    pub(crate) fn usage(message: impl Into<String>, wasmedge: impl Into<String>) -> Fault {
        Fault { wasmedge: Some(wasmedge.into()), usage: true, ..Fault::refused(message) }
    }

    /// The file is missing in the command line.
    pub(crate) fn no_file(command: &'static Command) -> Fault {
        let (what, name) = (command.takes.missing(), command.name);
        let fault = Fault::usage(format!("{what}; try kinglet --help"), help::text(Some(command), false));
        if name == "run" { fault } else { fault.hint(format!("kinglet {name} {}", command.usage)) }
    }

    /// The same with what WasmEdge says first.
    pub(crate) fn in_wasmedge(self, first: impl Into<String>) -> Fault {
        Fault { wasmedge: Some(first.into()), ..self }
    }

    /// The same with something to try.
    pub(crate) fn hint(self, hint: impl Into<String>) -> Fault {
        Fault { hint: Some(hint.into()), ..self }
    }

    /// Why a module was not loaded. That a file cannot be read says which; what is wrong with its contents does not.
    pub(crate) fn unloaded(file: &str, error: &kinglet::Error) -> Fault {
        Fault::refused(match error.downcast_ref::<ModuleError>() {
            Some(error) => format!("{file}: {}", excerpt::show(&error.to_string(), file)),
            None => format!("{error:#}"),
        })
    }

    /// The guest was stopped while it ran: the reason, where it was, and what that may mean.
    pub(crate) fn stopped(error: &kinglet::Error) -> Fault {
        let backtrace = error.downcast_ref::<WasmBacktrace>();
        let trap = error.downcast_ref::<Trap>().copied();
        let message = match (backtrace, trap) {
            (Some(backtrace), Some(_)) => backtrace.to_string(),
            (Some(backtrace), None) => format!("{}\n{backtrace}", error.root_cause()),
            (None, Some(trap)) => format!("wasm trap: {trap}"),
            (None, None) => format!("{error:#}"),
        };
        let hint = trap.map(|trap| advice(trap).to_string());
        Fault { hint, code: STOPPED, wasmedge: trap.map(wasmedge_trap), ..Fault::refused(message) }
    }

    /// Says what went wrong and gives the exit status for it.
    pub(crate) fn report(&self, dialect: Dialect) -> i32 {
        match (&self.wasmedge, dialect.is_wasmedge()) {
            (Some(text), true) if self.usage => {
                let _ = std::io::stdout().write_all(format!("{}\n", text.trim_end()).as_bytes());
            }
            (Some(first), true) => say(Level::Error, &format!("{first}\n{}", self.message)),
            _ => say(Level::Error, &self.text()),
        }
        self.code
    }

    /// Message and hint.
    pub(crate) fn text(&self) -> String {
        match &self.hint {
            Some(hint) => format!("{}\n  hint: {hint}", self.message.trim_end()),
            None => self.message.clone(),
        }
    }
}

/// What a trap may mean to who runs the program.
fn advice(trap: Trap) -> &'static str {
    match trap {
        Trap::Unreachable => "the program gave up, as after a failed assertion or a panic; what it printed may say why",
        Trap::MemoryOutOfBounds => "the program used an address outside its memory; more memory would not help",
        Trap::StackOverflow => "calls nest too deeply: a recursion without end, or try a larger --stack-limit",
        Trap::OutOfGas => "raise --gas-limit, or leave it out",
        Trap::Interrupted => "raise --time-limit, or leave it out",
        Trap::IndirectCallTypeMismatch | Trap::UndefinedElement | Trap::UninitializedElement => {
            "the program called a function pointer that is wrong, or of another type"
        }
        Trap::IntegerOverflow | Trap::InvalidConversionToInteger => "the result does not fit its type",
        Trap::UncaughtException => "the program threw an exception that it does not catch",
        Trap::OutOfMemory => "the program asked for more than it may have",
        _ => "kinglet wat --offsets FILE shows the code at these places",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_of_the_program_never_becomes_a_success() {
        assert_eq!([0, 1, 255, 256, -1, i32::MIN].map(own_status), [0, 1, 255, 255, 255, 255]);
    }

    #[test]
    fn a_hint_comes_below_its_message() {
        assert_eq!(Fault::refused("bad\n").hint("good").text(), "bad\n  hint: good");
    }
}
