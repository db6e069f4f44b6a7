//! Writes messages, and where there is a time limit gives up those that nobody takes: a pipe that is full, a terminal that
//! was stopped. It takes no lock of the standard library's streams then, which a thread may hold that waits for ever.

use std::io::{IsTerminal, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use kinglet_wasi::message::{PIPE_BUF, reopen_terminal};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, BorrowedFd};
use rustix::fs::FileType;
use rustix::io::Errno;

/// What a message may take when the time is over already. A stream that is read takes it at once.
const GRACE: Duration = Duration::from_millis(20);

/// When the time is over.
static END: OnceLock<Instant> = OnceLock::new();

/// Whether a message was given up. Those after it are not waited for.
static GIVEN_UP: AtomicBool = AtomicBool::new(false);

/// Where a message goes.
#[derive(Clone, Copy)]
pub(super) enum Stream {
    Output,
    Error,
}

/// Sets when the time is over, once in a process.
pub(crate) fn limit(end: Instant) {
    let _ = END.set(end);
}

/// Writes a message. That it cannot be written is nothing anybody could be told.
pub(super) fn write(stream: Stream, bytes: &[u8]) {
    let Some(end) = END.get() else {
        let _ = match stream {
            Stream::Output => std::io::stdout().write_all(bytes),
            Stream::Error => std::io::stderr().write_all(bytes),
        };
        return;
    };
    let end = if GIVEN_UP.load(Ordering::Relaxed) { Instant::now() } else { (*end).max(Instant::now() + GRACE) };
    let fd = match stream {
        Stream::Output => rustix::stdio::stdout(),
        Stream::Error => rustix::stdio::stderr(),
    };
    if !write_until(fd, bytes, end) {
        GIVEN_UP.store(true, Ordering::Relaxed);
    }
}

/// Writes until `end`, and says whether that was long enough.
fn write_until(fd: BorrowedFd<'_>, mut bytes: &[u8], end: Instant) -> bool {
    let terminal = fd.is_terminal().then(|| reopen_terminal(fd)).flatten();
    let fd = terminal.as_ref().map_or(fd, AsFd::as_fd);
    // A disk is no reader who might not come.
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
    fn what_a_full_pipe_does_not_take_is_given_up() {
        let (reader, writer) = rustix::pipe::pipe().unwrap();
        assert!(write_until(writer.as_fd(), b"hello", Instant::now()), "there is room even when the time is over");
        let start = Instant::now();
        assert!(!write_until(writer.as_fd(), &[7; 1 << 20], soon()));
        assert!(start.elapsed() >= Duration::from_millis(20));
        assert!(!write_until(writer.as_fd(), b"x", Instant::now()));
        drop(reader);
    }

    #[test]
    fn what_is_read_is_written_whole() {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let thread = std::thread::spawn(move || std::io::copy(&mut reader, &mut std::io::sink()).unwrap());
        assert!(write_until(writer.as_fd(), &[7; 1 << 20], Instant::now() + Duration::from_secs(60)));
        drop(writer);
        assert_eq!(thread.join().unwrap(), 1 << 20);
    }
}
