//! Writes messages. With a time limit, messages that nobody reads are dropped when it is over: the pipe is full, or the
//! terminal is stopped. Then the locks of the standard streams are not taken, because a blocked thread may hold them.

use std::io::{IsTerminal, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use kinglet_wasi::message::{PIPE_BUF, reopen_terminal};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, BorrowedFd};
use rustix::fs::FileType;
use rustix::io::Errno;

/// The time for a message after the limit. A stream with a reader accepts it at once.
const GRACE: Duration = Duration::from_millis(20);

/// The end of the time limit.
static END: OnceLock<Instant> = OnceLock::new();

/// Whether a message was dropped. Later messages do not wait.
static DROPPED: AtomicBool = AtomicBool::new(false);

/// The stream of a message.
#[derive(Clone, Copy)]
pub(super) enum Stream {
    Output,
    Error,
}

/// Sets the end of the time limit, once in a process.
pub(crate) fn limit(end: Instant) {
    let _ = END.set(end);
}

/// Writes a message. Failures are ignored, because nobody could be told.
pub(super) fn write(stream: Stream, bytes: &[u8]) {
    let Some(end) = END.get() else {
        let _ = match stream {
            Stream::Output => std::io::stdout().write_all(bytes),
            Stream::Error => std::io::stderr().write_all(bytes),
        };
        return;
    };
    let end = if DROPPED.load(Ordering::Relaxed) { Instant::now() } else { (*end).max(Instant::now() + GRACE) };
    let fd = match stream {
        Stream::Output => rustix::stdio::stdout(),
        Stream::Error => rustix::stdio::stderr(),
    };
    if !write_until(fd, bytes, end) {
        DROPPED.store(true, Ordering::Relaxed);
    }
}

/// Writes until `end`. Returns whether all was written, or the write failed.
fn write_until(fd: BorrowedFd<'_>, mut bytes: &[u8], end: Instant) -> bool {
    let terminal = fd.is_terminal().then(|| reopen_terminal(fd)).flatten();
    let fd = terminal.as_ref().map_or(fd, AsFd::as_fd);
    // A regular file is always ready.
    let always = rustix::fs::fstat(fd).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile);
    while !bytes.is_empty() {
        let left = end.saturating_duration_since(Instant::now());
        let left = Timespec { tv_sec: left.as_secs().min(1 << 30) as i64, tv_nsec: left.subsec_nanos().into() };
        let ready = always || poll(&mut [PollFd::new(&fd, PollFlags::OUT)], Some(&left)).is_ok_and(|ready| ready > 0);
        let over = Instant::now() >= end;
        if !ready && over {
            return false;
        }
        let most = if always { bytes.len() } else { bytes.len().min(PIPE_BUF) };
        match if ready { rustix::io::write(fd, &bytes[..most]) } else { Err(Errno::AGAIN) } {
            Ok(count) => bytes = &bytes[count..],
            Err(Errno::INTR | Errno::AGAIN) if !over => {}
            Err(Errno::INTR | Errno::AGAIN) => return false,
            Err(_) => return true,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_millis(20)
    }

    #[test]
    fn a_message_to_a_full_pipe_is_dropped() {
        let (reader, writer) = rustix::pipe::pipe().unwrap();
        assert!(write_until(writer.as_fd(), b"hello", Instant::now()), "an empty pipe accepts it even after the limit");
        let start = Instant::now();
        assert!(!write_until(writer.as_fd(), &[7; 1 << 20], soon()));
        assert!(start.elapsed() >= Duration::from_millis(20));
        assert!(!write_until(writer.as_fd(), b"x", Instant::now()));
        drop(reader);
    }

    #[test]
    fn a_message_with_a_reader_is_written_whole() {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let thread = std::thread::spawn(move || std::io::copy(&mut reader, &mut std::io::sink()).unwrap());
        assert!(write_until(writer.as_fd(), &[7; 1 << 20], Instant::now() + Duration::from_secs(60)));
        drop(writer);
        assert_eq!(thread.join().unwrap(), 1 << 20);
    }
}
