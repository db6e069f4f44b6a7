//! What ends the command without success: a message for people, what they could try, and an exit status for scripts. The
//! statuses are listed once, here; help and reference show them.

use std::fmt::Write as _;

use kinglet::{ModuleError, Trap, WasmBacktrace};

use crate::cmd::Command;
use crate::dialect::{Dialect, wasmedge_refusal, wasmedge_trap};
use crate::guest::Registered;
use crate::message::{Level, print_message, say};
use crate::{excerpt, help};

/// Usage, loading, validation, linking and writing results.
pub(crate) const REFUSED: i32 = 1;
/// The guest was stopped while it ran. The same number a shell shows for an abort, but a plain exit.
pub(crate) const STOPPED: i32 = 134;
/// The exit statuses as help and reference list them.
pub(crate) const STATUSES: &[(&str, &str)] = &[
    ("0", "the program ended, or the function returned, or the command did what it says"),
    ("N", "the program ended with proc_exit(N); 255 if N is larger, for a status has 8 bits"),
    ("1", "usage error, or the module cannot be read, validated or linked, or a result cannot be written"),
    (
        "129, 130, 143",
        "SIGHUP, Ctrl-C (SIGINT) or SIGTERM ended it: a shell shows the signal so, and the first process of a container \
         exits so",
    ),
    ("134", "the program was stopped: a trap, an uncaught exception, the time or gas limit"),
    ("141", "whoever read the output has gone, as in `kinglet … | head`"),
];

/// The same for the help under a name.
pub(crate) fn statuses(dialect: Dialect) -> impl Iterator<Item = (&'static str, String)> {
    STATUSES.iter().map(move |(code, meaning)| {
        let meaning = match *code {
            "N" if dialect.is_wasmedge() => "the program ended with proc_exit(N); the low 8 bits of N",
            "1" if dialect.is_wasmedge() => "usage error, or the module cannot be loaded, validated or instantiated",
            _ => meaning,
        };
        (*code, dialect.command_lines(meaning))
    })
}

/// The status for a program's own. The system would keep the low 8 bits, and make a success of 256; WasmEdge leaves it
/// to the system.
pub(crate) fn own_status(code: i32, dialect: Dialect) -> i32 {
    if dialect.is_wasmedge() { code & 0xff } else { u8::try_from(code).unwrap_or(u8::MAX).into() }
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
    pub(crate) fn no_file(command: &'static Command, dialect: Dialect) -> Fault {
        let (what, name) = (command.takes.missing(), command.name);
        let fault = Fault::usage(format!("{what}; try kinglet --help"), help::text(Some(command), false, dialect));
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

    /// The same of a program that stands alone: options that it may be told of are not given to itself.
    pub(crate) fn of_a_program(self) -> Fault {
        let told = |hint: String| match hint.contains("--") {
            true => format!("{hint}. This program's options are given to `kinglet compile --format exe`"),
            false => hint,
        };
        Fault { hint: self.hint.map(told), ..self }
    }

    /// Why a module was not loaded. That a file cannot be read says which; what is wrong with its contents does not.
    pub(crate) fn unloaded(file: &str, error: &kinglet::Error) -> Fault {
        match error.downcast_ref::<ModuleError>() {
            Some(error) => Fault::refused(format!("{file}: {}", excerpt::show(&error.to_string(), file)))
                .in_wasmedge(wasmedge_refusal(error)),
            None => Fault::refused(format!("{error:#}")),
        }
    }

    /// The guest was stopped while it ran: the reason, where it was, and what that may mean.
    pub(crate) fn stopped(error: &kinglet::Error) -> Fault {
        let backtrace = error.downcast_ref::<WasmBacktrace>();
        let trap = error.downcast_ref::<Trap>().copied();
        let message = match (backtrace, trap) {
            (Some(backtrace), Some(_)) => fold(&backtrace.to_string()),
            (Some(backtrace), None) => format!("{}\n{}", error.root_cause(), fold(&backtrace.to_string())),
            (None, Some(trap)) => format!("wasm trap: {trap}"),
            (None, None) => format!("{error:#}"),
        };
        let message = match error.downcast_ref::<Registered>() {
            Some(whose) if trap.is_some() || backtrace.is_some() => format!("{whose}: {message}"),
            _ => message,
        };
        let hint = trap.map(|trap| advice(trap).to_string());
        Fault { hint, code: STOPPED, wasmedge: trap.map(wasmedge_trap), ..Fault::refused(message) }
    }

    /// A trap before the guest ran: of its start function, or of a segment that does not fit.
    pub(crate) fn stopped_early(error: &kinglet::Error, trap: Trap, dialect: Dialect) -> Fault {
        let mut fault = Fault::stopped(error);
        if error.downcast_ref::<WasmBacktrace>().is_none() {
            let whose = error.downcast_ref::<Registered>().map(ToString::to_string).unwrap_or_default();
            let why: Vec<String> = error
                .chain()
                .map(ToString::to_string)
                .filter(|why| *why != trap.to_string() && *why != whose)
                .collect();
            if !why.is_empty() {
                fault.message = format!("{}: {}", fault.message, why.join(": "));
                fault.hint = Some("the module is at fault, or what it imports is too small; nothing of it ran".into());
            }
        }
        if dialect.is_wasmedge() && trap != Trap::Interrupted {
            fault.code = REFUSED;
        }
        fault
    }

    /// Says what went wrong and gives the exit status for it.
    pub(crate) fn report(&self, dialect: Dialect) -> i32 {
        match (&self.wasmedge, dialect.is_wasmedge()) {
            (Some(text), true) if self.usage => {
                print_message(&format!("{}\n", text.trim_end()));
            }
            (Some(first), true) => say(Level::Error, &format!("{first}\n{}", self.text(dialect))),
            _ => say(Level::Error, &self.text(dialect)),
        }
        self.code
    }

    /// Message and hint.
    pub(crate) fn text(&self, dialect: Dialect) -> String {
        match &self.hint {
            Some(hint) => format!("{}\n  hint: {}", self.message.trim_end(), dialect.command_lines(hint)),
            None => self.message.clone(),
        }
    }
}

/// A backtrace in which frames that repeat, as those of a recursion do, are shown once.
fn fold(text: &str) -> String {
    const MOST_IN_A_CYCLE: usize = 8;
    let mut frames: Vec<(&str, String)> = Vec::new();
    let mut out = String::new();
    for line in text.lines() {
        let numbered = line.trim_start().split_once(": ").filter(|(number, _)| number.parse::<usize>().is_ok());
        match (numbered, frames.last_mut()) {
            (Some((number, frame)), _) if line.starts_with("  ") => frames.push((number, frame.to_string())),
            // Where in its source a frame is.
            (_, Some((_, frame))) if line.starts_with("           ") => *frame = format!("{frame}\n{line}"),
            _ => {
                unfold(&mut out, &std::mem::take(&mut frames), MOST_IN_A_CYCLE);
                let _ = writeln!(out, "{line}");
            }
        }
    }
    unfold(&mut out, &frames, MOST_IN_A_CYCLE);
    out.truncate(out.trim_end().len());
    out
}

/// Writes frames, and of each cycle that comes at least three times how often it does.
fn unfold(out: &mut String, frames: &[(&str, String)], longest: usize) {
    let mut rest = frames;
    while !rest.is_empty() {
        let times = |cycle: usize| {
            let is_first = |next: &&[(&str, String)]| next.iter().zip(rest).all(|(next, first)| next.1 == first.1);
            rest.chunks_exact(cycle).take_while(is_first).count()
        };
        let found = (1..=longest).map(|cycle| (cycle, times(cycle))).find(|(_, times)| *times >= 3);
        let (cycle, times) = found.unwrap_or((1, 1));
        for (number, frame) in &rest[..cycle] {
            let _ = writeln!(out, "{number:>5}: {frame}");
        }
        if times > 1 {
            let what = if cycle == 1 { "this frame".into() } else { format!("these {cycle} frames") };
            let _ = writeln!(out, "       … {what} {} times more", times - 1);
        }
        rest = &rest[cycle * times..];
    }
}

/// What a trap may mean to who runs the program.
fn advice(trap: Trap) -> &'static str {
    match trap {
        Trap::Unreachable => "the program gave up, as after a failed assertion or a panic; what it printed may say why",
        Trap::MemoryOutOfBounds => "the program used an address outside its memory; more memory would not help",
        Trap::StackOverflow => {
            "calls nest too deeply: a recursion without end, or try a larger stack with --stack-limit"
        }
        Trap::OutOfGas => "raise --gas-limit, or leave it out",
        Trap::Interrupted => "raise --time-limit, or leave it out",
        Trap::IndirectCallTypeMismatch | Trap::UndefinedElement | Trap::UninitializedElement => {
            "the program called a function pointer that is wrong, or of another type"
        }
        Trap::IntegerOverflow | Trap::InvalidConversionToInteger => "the result does not fit its type",
        Trap::UncaughtException => "the program threw an exception that it does not catch",
        Trap::OutOfMemory => "the program asked for more than it may have, or than the system gives (ulimit -v)",
        _ => "kinglet wat --offsets FILE shows the code at these places",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_of_the_program_never_becomes_a_success() {
        assert_eq!(
            [0, 1, 255, 256, -1, i32::MIN].map(|code| own_status(code, Dialect::Kinglet)),
            [0, 1, 255, 255, 255, 255]
        );
        assert_eq!([1, 255, 256, 300, -1].map(|code| own_status(code, Dialect::WasmEdge)), [1, 255, 0, 44, 255]);
    }

    #[test]
    fn frames_that_repeat_are_shown_once() {
        let frames = |names: &[&str]| {
            let lines = names.iter().enumerate().map(|(i, name)| format!("\n{i:>5}: {name}"));
            format!("wasm trap: x{}\n       … 9 more", lines.collect::<String>())
        };
        let short = frames(&["a", "a", "b", "c"]);
        assert_eq!(fold(&short), short);
        let deep = frames(&["leaf", "f", "f", "f", "f", "g", "h", "g", "h", "g", "h", "main"]);
        let folded = "wasm trap: x\n    0: leaf\n    1: f\n       … this frame 3 times more\n    5: g\n    6: h\n       \
                      … these 2 frames 2 times more\n   11: main\n       … 9 more";
        assert_eq!(fold(&deep), folded);
        let source = "wasm trap: x\n    0: f\n           at f.c:1:2\n    1: f\n           at f.c:3:4";
        assert_eq!(fold(source), source);
    }

    #[test]
    fn a_hint_comes_below_its_message() {
        assert_eq!(Fault::refused("bad\n").hint("good").text(Dialect::Kinglet), "bad\n  hint: good");
    }
}
