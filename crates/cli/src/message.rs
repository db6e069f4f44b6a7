//! What the command says beside its results: errors, warnings, what it is asked to note. One place decides where a
//! message goes, how it is marked, and whether it is wanted: by default to standard error with the command's name; for
//! scripts written for WasmEdge to standard output as a line of a log. Colour is for terminals, and not where `NO_COLOR`
//! is set (no-color.org).
//!
//! A time limit holds for messages too: one that nobody takes is given up when the limit is over. Without a limit the
//! command waits for its reader, as any program does.

#[cfg(unix)]
mod patience;
#[cfg(not(unix))]
#[path = "message/patience_absent.rs"]
mod patience;

use std::fmt::Debug;
use std::io::IsTerminal;
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber, span};

use crate::dialect::Dialect;
pub(crate) use patience::limit;
use patience::{Stream, write};

/// How much a message matters, least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Trace,
    Debug,
    Info,
    Warning,
    Error,
    Fatal,
    Off,
}

impl Level {
    /// The names `--log-level` knows.
    pub(crate) const NAMES: &[(&str, Level)] = &[
        ("off", Level::Off),
        ("trace", Level::Trace),
        ("debug", Level::Debug),
        ("info", Level::Info),
        ("warning", Level::Warning),
        ("error", Level::Error),
        ("fatal", Level::Fatal),
    ];

    /// The level of this name, in any case.
    pub(crate) fn named(name: &str) -> Option<Level> {
        let known = Level::NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        known.map(|(_, level)| *level)
    }

    /// The one that `KINGLET_LOG` asks for.
    pub(crate) fn of_environment() -> Option<Level> {
        Level::named(&std::env::var("KINGLET_LOG").ok()?)
    }

    fn name(self) -> &'static str {
        Level::NAMES.iter().find(|(_, level)| *level == self).map_or("", |(name, _)| name)
    }
}

/// How messages are given in this process.
struct Voice {
    dialect: Dialect,
    least: Level,
}

static VOICE: OnceLock<Voice> = OnceLock::new();

/// Settles how messages are given. With `events`, what the library notes is given too.
pub(crate) fn settle(dialect: Dialect, least: Level, events: bool) {
    if VOICE.set(Voice { dialect, least }).is_ok() && events {
        // Fails only where there is a subscriber already, and nothing else here sets one.
        let _ = tracing::subscriber::set_global_default(Events);
    }
}

/// Gives a message, if it is wanted. That it cannot be written is nothing anybody could be told.
pub(crate) fn say(level: Level, text: &str) {
    let voice = VOICE.get_or_init(|| Voice { dialect: Dialect::Kinglet, least: Level::Info });
    if level < voice.least || voice.least == Level::Off {
        return;
    }
    if voice.dialect.is_wasmedge() {
        let (time, name) = (timestamp(SystemTime::now()), level.name());
        let lines: String = text.trim_end().lines().map(|line| format!("[{time}] [{name}] {line}\n")).collect();
        write(Stream::Output, lines.as_bytes());
    } else {
        let painted = paint(level, std::io::stderr().is_terminal());
        write(Stream::Error, format!("kinglet: {painted}: {}\n", text.trim_end()).as_bytes());
    }
}

/// Gives a message as it is, on standard output.
pub(crate) fn print_message(text: &str) {
    write(Stream::Output, text.as_bytes());
}

fn paint(level: Level, terminal: bool) -> String {
    let name = level.name();
    let style = match level {
        Level::Error | Level::Fatal => "1;31",
        Level::Warning => "1;33",
        _ => "2",
    };
    if coloured(terminal) { format!("\x1b[{style}m{name}\x1b[0m") } else { name.to_string() }
}

/// Whether what goes to a stream may have colour.
pub(crate) fn coloured(terminal: bool) -> bool {
    let forbidden = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
    terminal && !forbidden && !dumb
}

/// A time of day as WasmEdge's log has it, in universal time.
fn timestamp(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (days, seconds) = ((since.as_secs() / 86400) as i64, since.as_secs() % 86400);
    // Days are counted from 1 March of the year 0, so that the leap day is a year's last.
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (year, month) = if month < 10 { (year, month + 3) } else { (year + 1, month - 9) };
    let (year, millis) = (year + era * 400, since.subsec_millis());
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{millis:03}")
}

/// Whether the command says it itself, and of which file: that native code cannot be used.
fn is_said(metadata: &Metadata<'_>) -> bool {
    *metadata.level() == tracing::Level::WARN && metadata.target() == "kinglet::vm::precompiled"
}

/// Passes on what the library notes.
struct Events;

impl Events {
    fn level(metadata: &Metadata<'_>) -> Level {
        match *metadata.level() {
            tracing::Level::ERROR => Level::Error,
            tracing::Level::WARN => Level::Warning,
            tracing::Level::INFO => Level::Info,
            tracing::Level::DEBUG => Level::Debug,
            tracing::Level::TRACE => Level::Trace,
        }
    }
}

impl Subscriber for Events {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event()
            && !is_said(metadata)
            && VOICE.get().is_some_and(|voice| Events::level(metadata) >= voice.least)
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        say(Events::level(event.metadata()), &format!("{}{}", line.message, line.fields));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// An event as one line: its message, then its fields.
#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        } else {
            self.fields.push_str(&format!(" {}={value:?}", field.name()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn times_are_those_of_the_calendar() {
        let at = |seconds, millis| timestamp(UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_millis(millis));
        assert_eq!(at(0, 0), "1970-01-01 00:00:00.000");
        assert_eq!(at(951_782_399, 999), "2000-02-28 23:59:59.999");
        assert_eq!(at(951_782_400, 0), "2000-02-29 00:00:00.000");
        assert_eq!(at(1_709_251_199, 5), "2024-02-29 23:59:59.005");
        assert_eq!(at(4_107_542_400, 0), "2100-03-01 00:00:00.000");
    }

    #[test]
    fn levels_are_in_order_and_each_has_a_name() {
        assert!(Level::Trace < Level::Info && Level::Warning < Level::Error && Level::Fatal < Level::Off);
        assert!(Level::NAMES.iter().all(|(name, level)| level.name() == *name));
    }
}
