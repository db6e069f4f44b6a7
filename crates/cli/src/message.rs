//! Messages of the command: errors, warnings, and events of the library. This module decides their stream, form and level:
//! by default they go to standard error with the command's name; under WasmEdge's name, to standard output as lines of a
//! log. Terminals get colour unless `NO_COLOR` is set (no-color.org).
//!
//! A time limit covers messages too: a message that nobody reads is dropped when the limit is over. Without a limit, the
//! command waits for the reader, as any program does.

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

/// The level of a message, the least severe first.
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
    /// The names for `--log-level`.
    pub(crate) const NAMES: &[(&str, Level)] = &[
        ("off", Level::Off),
        ("trace", Level::Trace),
        ("debug", Level::Debug),
        ("info", Level::Info),
        ("warning", Level::Warning),
        ("error", Level::Error),
        ("fatal", Level::Fatal),
    ];

    /// The level of a name, in upper or lower case.
    pub(crate) fn named(name: &str) -> Option<Level> {
        let known = Level::NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        known.map(|(_, level)| *level)
    }

    /// The level of `KINGLET_LOG`.
    pub(crate) fn of_environment() -> Option<Level> {
        Level::named(&std::env::var("KINGLET_LOG").ok()?)
    }

    fn name(self) -> &'static str {
        Level::NAMES.iter().find(|(_, level)| *level == self).map_or("", |(name, _)| name)
    }
}

/// The settings for this process.
struct Settings {
    dialect: Dialect,
    least: Level,
}

static SETTINGS: OnceLock<Settings> = OnceLock::new();

/// Sets the form and the least level of messages, once. With `events`, the library's events are shown too.
pub(crate) fn set_up(dialect: Dialect, least: Level, events: bool) {
    if SETTINGS.set(Settings { dialect, least }).is_ok() && events {
        // Fails only if there is a subscriber already, and nothing else sets one.
        let _ = tracing::subscriber::set_global_default(Events);
    }
}

fn settings() -> &'static Settings {
    SETTINGS.get_or_init(|| Settings { dialect: Dialect::Kinglet, least: Level::Info })
}

/// Prints a message, if its level is shown. A failure to write it is ignored, because nobody could be told.
pub(crate) fn say(level: Level, text: &str) {
    let settings = settings();
    if level < settings.least || settings.least == Level::Off {
        return;
    }
    if settings.dialect.is_wasmedge() {
        write(Stream::Output, log_lines(level, text).as_bytes());
    } else {
        let painted = paint(level, std::io::stderr().is_terminal());
        write(Stream::Error, format!("kinglet: {painted}: {}\n", text.trim_end()).as_bytes());
    }
}

/// Prints advice. WasmEdge prints none, so under its name the level is `debug`, and standard output stays free of it.
#[cfg(feature = "jit")]
pub(crate) fn advise(text: &str) {
    if !settings().dialect.is_wasmedge() {
        say(Level::Info, text);
    } else if settings().least <= Level::Debug {
        write(Stream::Error, log_lines(Level::Debug, text).as_bytes());
    }
}

/// The lines of WasmEdge's log.
fn log_lines(level: Level, text: &str) -> String {
    let (time, name) = (timestamp(SystemTime::now()), level.name());
    text.trim_end().lines().map(|line| format!("[{time}] [{name}] {line}\n")).collect()
}

/// A number with its unit, which is in the plural unless the number is 1.
pub(crate) fn counted(count: u64, unit: &str) -> String {
    match (count, unit.strip_suffix('y')) {
        (1, _) => format!("1 {unit}"),
        (_, Some(stem)) => format!("{count} {stem}ies"),
        (_, None) => format!("{count} {unit}s"),
    }
}

/// A number with commas between groups of three digits.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(",")
}

/// Prints a message as it is, on standard output or standard error.
pub(crate) fn print_message(text: &str, on_stderr: bool) {
    write(if on_stderr { Stream::Error } else { Stream::Output }, text.as_bytes());
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

/// Whether output may have colour; `terminal`: it goes to a terminal.
pub(crate) fn coloured(terminal: bool) -> bool {
    let forbidden = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
    terminal && !forbidden && !dumb
}

/// A time in the form of WasmEdge's log, in UTC.
fn timestamp(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (days, seconds) = ((since.as_secs() / 86400) as i64, since.as_secs() % 86400);
    // Counts days from 1 March of year 0, so that the leap day is the last of a year.
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

/// Whether the command reports this event itself, with the file's name: native code that cannot be used.
fn is_reported(metadata: &Metadata<'_>) -> bool {
    *metadata.level() == tracing::Level::WARN && metadata.target() == "kinglet::vm::precompiled"
}

/// Prints the library's events.
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
        metadata.is_event() && !is_reported(metadata) && Events::level(metadata) >= settings().least
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
    fn numbers_have_plurals_and_groups() {
        assert_eq!([0, 1, 2].map(|count| counted(count, "entry")), ["0 entries", "1 entry", "2 entries"]);
        assert_eq!([1, 3].map(|count| counted(count, "byte")), ["1 byte", "3 bytes"]);
        assert_eq!([7, 999, 1000, 1_011_095].map(grouped), ["7", "999", "1,000", "1,011,095"]);
    }

    #[test]
    fn levels_are_in_order_and_each_has_a_name() {
        assert!(Level::Trace < Level::Info && Level::Warning < Level::Error && Level::Fatal < Level::Off);
        assert!(Level::NAMES.iter().all(|(name, level)| level.name() == *name));
    }
}
