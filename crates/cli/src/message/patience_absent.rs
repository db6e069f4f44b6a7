//! Writes messages on systems without `poll`, and waits for the reader.

use std::io::Write;
use std::time::Instant;

/// The stream of a message.
#[derive(Clone, Copy)]
pub(super) enum Stream {
    Output,
    Error,
}

pub(crate) fn limit(_: Instant) {}

pub(super) fn write(stream: Stream, bytes: &[u8]) {
    let _ = match stream {
        Stream::Output => std::io::stdout().write_all(bytes),
        Stream::Error => std::io::stderr().write_all(bytes),
    };
}
