//! Failures of the command: a message and a hint for people, an exit status for scripts. The table of statuses is here; help
//! and reference show it.

use std::fmt::Write as _;

use kinglet::{ModuleError, Trap, WasmBacktrace};

use crate::cmd::Command;
use crate::dialect::{Dialect, wasmedge_refusal, wasmedge_trap};
use crate::guest::Registered;
use crate::message::{Level, grouped, print_message, say};
use crate::{excerpt, help};

/// Errors in usage, loading, validation, linking, and writing results.
pub(crate) const REFUSED: i32 = 1;
/// The guest was stopped while it ran. A shell shows an abort by the same number; here it is a plain exit.
pub(crate) const STOPPED: i32 = 134;
/// The exit statuses as help and reference list them.
pub(crate) const STATUSES: &[(&str, &str)] = &[
    ("0", "The program ended, the function returned, or the command succeeded"),
    ("N", "The program called proc_exit(N); 255 if N does not fit 8 bits"),
    ("1", "The usage is wrong, the module cannot be read, validated or linked, or a result cannot be written"),
    (
        "129, 130, 143",
        "SIGHUP, Ctrl-C (SIGINT) or SIGTERM ended the command. A shell reports these numbers; the first process of a \
         container exits with them",
    ),
    ("134", "The program was stopped: by a trap, an uncaught exception, or the time or gas limit"),
    ("141", "The reader of the output has gone, as in `kinglet … | head`"),
];

/// The statuses under a name.
pub(crate) fn statuses(dialect: Dialect) -> impl Iterator<Item = (&'static str, String)> {
    STATUSES.iter().map(move |(code, meaning)| {
        let meaning = match *code {
            "N" if dialect.is_wasmedge() => "The program called proc_exit(N); the low 8 bits of N",
            "1" if dialect.is_wasmedge() => {
                "The usage is wrong, or the module cannot be loaded, validated or instantiated"
            }
            _ => meaning,
        };
        (*code, dialect.command_lines(meaning))
    })
}

/// The command's status for a program's status. Only the low 8 bits reach the system, so 256 would look like success; under
/// WasmEdge's name that is so.
pub(crate) fn own_status(code: i32, dialect: Dialect) -> i32 {
    if dialect.is_wasmedge() { code & 0xff } else { u8::try_from(code).unwrap_or(u8::MAX).into() }
}

/// A failure.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) message: String,
    /// A way out.
    pub(crate) hint: Option<String>,
    pub(crate) code: i32,
    /// WasmEdge's message: the whole for a usage error, otherwise the first line.
    wasmedge: Option<String>,
    usage: bool,
    /// Whether WasmEdge prints the message on standard error, unlike others.
    wasmedge_stderr: bool,
}

/// The result of a command: its exit status, or a failure.
pub(crate) type Outcome<T = i32> = Result<T, Fault>;

impl Fault {
    /// A failure before the guest runs, or while its results are written.
    pub(crate) fn refused(message: impl Into<String>) -> Fault {
        Fault {
            message: message.into(),
            hint: None,
            code: REFUSED,
            wasmedge: None,
            usage: false,
            wasmedge_stderr: false,
        }
    }

    /// The guest was stopped, or would have been at once.
    pub(crate) fn stop(message: impl Into<String>) -> Fault {
        Fault { code: STOPPED, ..Fault::refused(message) }
    }

    /// A usage error, in our words and in WasmEdge's.
    pub(crate) fn usage(message: impl Into<String>, wasmedge: impl Into<String>) -> Fault {
        Fault { wasmedge: Some(wasmedge.into()), usage: true, ..Fault::refused(message) }
    }

    /// The command line lacks a file. WasmEdge prints the help then.
    pub(crate) fn no_file(command: &Command, named: Option<&'static Command>, dialect: Dialect) -> Fault {
        let (what, name) = (command.takes.missing(), command.name);
        let help = if dialect.is_wasmedge() { help::text(named, false, false, dialect) } else { String::new() };
        let fault = Fault::usage(format!("{what}; try kinglet --help"), help);
        if name == "run" { fault } else { fault.hint(format!("kinglet {name} {}", command.usage)) }
    }

    /// Has WasmEdge's message printed on standard error.
    pub(crate) fn on_stderr(self) -> Fault {
        Fault { wasmedge_stderr: true, ..self }
    }

    /// Sets WasmEdge's first line.
    pub(crate) fn in_wasmedge(self, first: impl Into<String>) -> Fault {
        Fault { wasmedge: Some(first.into()), ..self }
    }

    /// Sets the hint.
    pub(crate) fn hint(self, hint: impl Into<String>) -> Fault {
        Fault { hint: Some(hint.into()), ..self }
    }

    /// The failure of a standalone executable. It takes no options itself, so a hint about options says where they go.
    pub(crate) fn of_a_program(self) -> Fault {
        let complete = |hint: String| match hint.contains("--") {
            true => format!("{hint}. Pass this program's options to `kinglet compile --format exe`"),
            false => hint,
        };
        Fault { hint: self.hint.map(complete), ..self }
    }

    /// A module was not loaded. An error about a module's contents does not name the file.
    pub(crate) fn unloaded(file: &str, error: &kinglet::Error) -> Fault {
        match error.downcast_ref::<ModuleError>() {
            Some(error) => Fault::refused(format!("{file}: {}", excerpt::show(&error.to_string(), file)))
                .in_wasmedge(wasmedge_refusal(error)),
            None => Fault::refused(format!("{error:#}")),
        }
    }

    /// The guest was stopped while it ran: the reason, the backtrace, and advice.
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

    /// A trap during instantiation: of the start function, or of a segment that does not fit.
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
                fault.hint = Some(
                    "the module is wrong, or a memory or table that it imports is too small; it did not run".into(),
                );
            }
        }
        if dialect.is_wasmedge() && trap != Trap::Interrupted {
            fault.code = REFUSED;
        }
        fault
    }

    /// Prints the message, and returns the exit status.
    pub(crate) fn report(&self, dialect: Dialect) -> i32 {
        match (&self.wasmedge, dialect.is_wasmedge()) {
            (Some(text), true) if self.usage => {
                print_message(&format!("{}\n", text.trim_end()), self.wasmedge_stderr);
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

/// Shortens a backtrace: repeated frames, such as those of a recursion, are shown once.
fn fold(text: &str) -> String {
    const MOST_IN_A_CYCLE: usize = 8;
    let mut frames: Vec<(&str, String)> = Vec::new();
    let mut out = String::new();
    for line in text.lines() {
        let numbered = line.trim_start().split_once(": ").filter(|(number, _)| number.parse::<usize>().is_ok());
        match (numbered, frames.last_mut()) {
            (Some((number, frame)), _) if line.starts_with("  ") => frames.push((number, frame.to_string())),
            // The frame's source location.
            (_, Some((_, frame))) if line.starts_with("           ") => *frame = format!("{frame}\n{line}"),
            _ => {
                unfold(&mut out, &std::mem::take(&mut frames), MOST_IN_A_CYCLE);
                let _ = writeln!(out, "{}", omitted(line).as_deref().unwrap_or(line));
            }
        }
    }
    unfold(&mut out, &frames, MOST_IN_A_CYCLE);
    out.truncate(out.trim_end().len());
    out
}

/// The line of a backtrace that counts the omitted frames.
fn omitted(line: &str) -> Option<String> {
    let digits = line.trim_start().strip_prefix("… ")?.split_whitespace().next()?.replace(',', "");
    let count: u64 = digits.parse().ok()?;
    let frames = if count == 1 { "frame" } else { "frames" };
    Some(format!("       … {} {frames} omitted", grouped(count)))
}

/// Writes frames. Each cycle of frames that occurs at least three times is written once, with a count.
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
            let what = if cycle == 1 { "the same frame".into() } else { format!("the same {cycle} frames") };
            let _ = writeln!(out, "       … {what} {} more times", grouped(times as u64 - 1));
        }
        rest = &rest[cycle * times..];
    }
}

/// Advice for a trap.
fn advice(trap: Trap) -> &'static str {
    match trap {
        Trap::Unreachable => {
            "the program aborted, for example after a failed assertion or a panic; its output may say why"
        }
        Trap::MemoryOutOfBounds => "the program accessed an address outside its memory; more memory would not help",
        Trap::StackOverflow => "the recursion may be endless; otherwise raise --stack-limit",
        Trap::OutOfGas => "raise or omit --gas-limit",
        Trap::Interrupted => "raise or omit --time-limit",
        Trap::IndirectCallTypeMismatch | Trap::UndefinedElement | Trap::UninitializedElement => {
            "the program called a function pointer that is invalid or of another type"
        }
        Trap::IntegerOverflow | Trap::InvalidConversionToInteger => "the result does not fit its type",
        Trap::UncaughtException => "the program threw an exception that it does not catch",
        Trap::OutOfMemory => "the program needs more memory than its limits or the system (ulimit -v) allow",
        _ => "kinglet wat --offsets FILE shows the code at these offsets",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_of_the_program_never_becomes_a_success() {
        assert_eq!(
            [0, 1, 255, 256, -1, i32::MIN].map(|code| own_status(code, Dialect::Kinglet)),
            [0, 1, 255, 255, 255, 255]
        );
        assert_eq!([1, 255, 256, 300, -1].map(|code| own_status(code, Dialect::WasmEdge)), [1, 255, 0, 44, 255]);
    }

    #[test]
    fn repeated_frames_are_shown_once() {
        let frames = |names: &[&str]| {
            let lines = names.iter().enumerate().map(|(i, name)| format!("\n{i:>5}: {name}"));
            format!("wasm trap: x{}\n       … 1011095 more", lines.collect::<String>())
        };
        let short = frames(&["a", "a", "b", "c"]);
        assert_eq!(fold(&short), short.replace("1011095 more", "1,011,095 frames omitted"));
        let deep = frames(&["leaf", "f", "f", "f", "f", "g", "h", "g", "h", "g", "h", "main"]);
        let folded = "wasm trap: x\n    0: leaf\n    1: f\n       … the same frame 3 more times\n    5: g\n    6: h\n       \
                      … the same 2 frames 2 more times\n   11: main\n       … 1,011,095 frames omitted";
        assert_eq!(fold(&deep), folded);
        let source = "wasm trap: x\n    0: f\n           at f.c:1:2\n    1: f\n           at f.c:3:4";
        assert_eq!(fold(source), source);
        assert_eq!(fold("wasm trap: x\n       … 1 more"), "wasm trap: x\n       … 1 frame omitted");
    }

    #[test]
    fn a_hint_comes_below_its_message() {
        assert_eq!(Fault::refused("bad\n").hint("good").text(Dialect::Kinglet), "bad\n  hint: good");
    }
}
