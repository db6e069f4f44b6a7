//! Waiting for clocks and descriptors, whichever comes first.

use super::Call;
use super::clock::clock;
use super::table::{Object, Table};
use super::types::{About, Errno, Event, Result, Stop, Subscription};
use crate::host::clock::{Clock, Clocks};
use kinglet::PollFd;
use rustix::fd::BorrowedFd;
use std::time::Duration;

/// The most subscriptions of one call, so that what the host allocates for it is bounded.
const SUBSCRIPTIONS: u32 = 4096;

/// How a subscription comes true.
enum Ready<'a> {
    /// It has already, or cannot.
    Already(std::result::Result<u64, Errno>),
    /// At a time of a clock.
    At(Clock, u64),
    /// When the host says so.
    Fd(PollFd<'a>, &'a Object),
}

pub(super) fn poll_oneoff(
    call: &mut Call<'_>,
    subscriptions: u32,
    events: u32,
    nsubscriptions: u32,
    nevents: u32,
) -> Result<()> {
    poll(call, subscriptions, events, nsubscriptions, nevents, Subscription::read)
}

/// Polls with subscriptions of `SIZE` bytes, as `read` understands them.
pub(crate) fn poll<const SIZE: usize>(
    call: &mut Call<'_>,
    subscriptions: u32,
    events: u32,
    nsubscriptions: u32,
    nevents: u32,
    read: fn(&[u8; SIZE]) -> Result<Subscription>,
) -> Result<()> {
    if nsubscriptions == 0 || nsubscriptions > SUBSCRIPTIONS {
        return Err(Errno::INVAL.into());
    }
    let records = call.memory.bytes(subscriptions, nsubscriptions * SIZE as u32)?;
    let subscriptions = records.as_chunks().0.iter().map(read).collect::<Result<Vec<_>>>()?;
    let (table, clocks) = (&call.ctx.table, &call.ctx.clocks);
    let mut ready = subscriptions.iter().map(|one| how(one, table, clocks)).collect::<Result<Vec<_>>>()?;

    let found = loop {
        wait(&mut ready, clocks, call)?;
        let found: Vec<Event> =
            subscriptions.iter().zip(&ready).filter_map(|(one, ready)| event(one, ready, clocks)).collect();
        if !found.is_empty() {
            break found;
        }
    };
    let mut at = events;
    for event in &found {
        let record = event.bytes();
        call.memory.write(at, &record)?;
        at = at.checked_add(record.len() as u32).ok_or(Errno::FAULT)?;
    }
    call.memory.write_size(nevents, found.len())
}

/// What to wait for; an error that concerns one subscription becomes its event.
fn how<'a>(one: &Subscription, table: &'a Table, clocks: &Clocks) -> Result<Ready<'a>> {
    let ready = match one.about {
        About::Clock { id, timeout, absolute } => deadline(id, timeout, absolute, clocks),
        About::FdRead(fd) => readiness(table, fd, true),
        About::FdWrite(fd) => readiness(table, fd, false),
    };
    match ready {
        Err(Stop::Errno(errno)) => Ok(Ready::Already(Err(errno))),
        other => other,
    }
}

/// A clock that does not go on while the guest waits cannot be waited for: EINVAL, as POSIX has it.
fn deadline<'a>(id: u32, timeout: u64, absolute: bool, clocks: &Clocks) -> Result<Ready<'a>> {
    let clock = clock(id)?;
    // A span of time is measured on the clock that nobody sets.
    let clock = if clock == Clock::Realtime && !absolute { Clock::Monotonic } else { clock };
    let time = if absolute { timeout } else { clocks.now(clock).saturating_add(timeout) };
    clocks.until(clock, time).map(|_| Ready::At(clock, time)).ok_or(Errno::INVAL.into())
}

/// Readiness for reading or writing. EBADF for a folder, which is never waited for, and for a standard stream that goes
/// the other way.
fn readiness(table: &Table, fd: u32, reads: bool) -> Result<Ready<'_>> {
    let descriptor = table.get(fd)?;
    let pollable: Option<BorrowedFd<'_>> = match &descriptor.object {
        Object::Stream(stream) => stream.is_for(reads).map(|()| stream.pollable())?,
        Object::File(file) => file.pollable(),
        Object::Socket(socket) => Some(socket.pollable()),
        Object::Directory(_) => return Err(Errno::BADF.into()),
    };
    Ok(match pollable {
        Some(fd) if reads => Ready::Fd(PollFd::readable(fd), &descriptor.object),
        Some(fd) => Ready::Fd(PollFd::writable(fd), &descriptor.object),
        None => Ready::Already(Ok(if reads { available(&descriptor.object) } else { 0 })),
    })
}

fn available(object: &Object) -> u64 {
    match object {
        Object::Stream(stream) => stream.available(),
        Object::File(file) => file.available(),
        Object::Socket(socket) => socket.available(),
        Object::Directory(_) => 0,
    }
}

/// Waits until the first descriptor or the first deadline, or only looks when something is true already.
fn wait(ready: &mut [Ready<'_>], clocks: &Clocks, call: &Call<'_>) -> Result<()> {
    let left = ready.iter().filter_map(|one| match one {
        Ready::Already(_) => Some(Duration::ZERO),
        Ready::At(clock, time) => clocks.until(*clock, *time),
        Ready::Fd(..) => None,
    });
    let timeout = left.min();
    let fds = ready.iter().filter_map(|one| match one {
        Ready::Fd(fd, _) => Some(fd.clone()),
        _ => None,
    });
    let mut fds: Vec<PollFd<'_>> = fds.collect();
    call.wait.poll(&mut fds, timeout)?;
    let mut polled = fds.into_iter();
    for one in ready {
        if let Ready::Fd(fd, _) = one {
            polled.next().into_iter().for_each(|answer| *fd = answer);
        }
    }
    Ok(())
}

/// The event of a subscription that has come true.
fn event(one: &Subscription, ready: &Ready<'_>, clocks: &Clocks) -> Option<Event> {
    let (outcome, hangup) = match ready {
        Ready::Already(outcome) => (*outcome, false),
        Ready::At(clock, time) if clocks.now(*clock) >= *time => (Ok(0), false),
        Ready::At(..) => return None,
        Ready::Fd(fd, object) => {
            if !fd.is_ready() {
                return None;
            }
            let nbytes = if matches!(one.about, About::FdRead(_)) { available(object) } else { 0 };
            (if fd.is_invalid() { Err(Errno::BADF) } else { Ok(nbytes) }, fd.is_hung_up())
        }
    };
    let (error, nbytes) = match outcome {
        Ok(nbytes) => (Errno::SUCCESS, nbytes),
        Err(errno) => (errno, 0),
    };
    Some(Event { userdata: one.userdata, error, eventtype: one.eventtype(), nbytes, hangup })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::WasiCtx;
    use crate::host::stdio::Pipe;
    use crate::tests::{Always, Guest, fails};
    use std::time::Instant;

    const EVENTS: u32 = 4096;

    fn clock(guest: &mut Guest, index: usize, id: u32, timeout: u64, flags: u16) {
        let record = &mut guest.memory[index * 48..][..48];
        record[..8].copy_from_slice(&(index as u64 + 100).to_le_bytes());
        record[8] = 0;
        record[16..20].copy_from_slice(&id.to_le_bytes());
        record[24..32].copy_from_slice(&timeout.to_le_bytes());
        record[40..42].copy_from_slice(&flags.to_le_bytes());
    }

    fn fd(guest: &mut Guest, index: usize, tag: u8, fd: u32) {
        let record = &mut guest.memory[index * 48..][..48];
        record[..8].copy_from_slice(&(index as u64 + 100).to_le_bytes());
        record[8] = tag;
        record[16..20].copy_from_slice(&fd.to_le_bytes());
    }

    /// Polls, and returns userdata, error, type and nbytes of each event.
    fn poll(guest: &mut Guest, count: u32) -> Vec<(u64, u16, u8, u64)> {
        guest.call(|call| poll_oneoff(call, 0, EVENTS, count, 8192)).unwrap();
        let found = guest.u32(8192);
        let event = |at: u32| {
            let record = &guest.memory[at as usize..];
            let error = u16::from_le_bytes([record[8], record[9]]);
            (guest.u64(at), error, record[10], guest.u64(at + 16))
        };
        (0..found).map(|index| event(EVENTS + index * 32)).collect()
    }

    #[test]
    fn a_relative_clock_is_waited_for() {
        let mut guest = Guest::new(WasiCtx::builder().build().unwrap());
        clock(&mut guest, 0, 1, 20_000_000, 0);
        clock(&mut guest, 1, 0, 60_000_000_000, 0);
        let start = Instant::now();
        assert_eq!(poll(&mut guest, 2), [(100, 0, 0, 0)]);
        assert!(start.elapsed() >= Duration::from_millis(20));
    }

    #[test]
    fn an_absolute_time_that_has_passed_is_true_at_once() {
        let mut guest = Guest::new(WasiCtx::builder().build().unwrap());
        clock(&mut guest, 0, 0, 1, 1);
        clock(&mut guest, 1, 1, u64::MAX, 1);
        assert_eq!(poll(&mut guest, 2), [(100, 0, 0, 0)]);
    }

    #[test]
    fn cpu_time_passes_while_others_work() {
        let mut guest = Guest::new(WasiCtx::builder().build().unwrap());
        let start = guest.ctx.clocks.now(Clock::ProcessCputime);
        let worker = std::thread::spawn(|| {
            let start = Instant::now();
            while start.elapsed() < Duration::from_secs(60) && !STOP.load(std::sync::atomic::Ordering::Relaxed) {}
        });
        clock(&mut guest, 0, 2, 20_000_000, 0);
        assert_eq!(poll(&mut guest, 1), [(100, 0, 0, 0)]);
        STOP.store(true, std::sync::atomic::Ordering::Relaxed);
        worker.join().unwrap();
        assert!(guest.ctx.clocks.now(Clock::ProcessCputime) >= start + 20_000_000);
        clock(&mut guest, 0, 3, 1, 1);
        assert_eq!(poll(&mut guest, 1), [(100, 0, 0, 0)], "a time of this thread that has passed");
    }

    static STOP: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

    #[test]
    fn a_file_in_memory_is_ready_with_what_is_left_of_it() {
        let tree = crate::MemoryDir::new();
        tree.write("file", "12345").unwrap();
        let mut builder = WasiCtx::builder();
        let ctx = builder.preopened_memory(&tree, ".", crate::DirAccess::ReadOnly).build().unwrap();
        let mut guest = Guest::new(ctx);
        let (path, len) = guest.text(1024, "file");
        let rights = crate::p1::types::Rights::FD_READ.0;
        guest.call(|call| crate::p1::path::path_open(call, 3, 0, path, len, 0, rights, 0, 0, 0)).unwrap();
        let opened = guest.u32(0);
        fd(&mut guest, 0, 1, opened);
        clock(&mut guest, 1, 1, 60_000_000_000, 0);
        assert_eq!(poll(&mut guest, 2), [(100, 0, 1, 5)]);
    }

    #[test]
    fn a_listener_wakes_the_guest_when_someone_connects() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut builder = WasiCtx::builder();
        let mut guest = Guest::new(builder.preopened_socket(listener).unwrap().build().unwrap());
        fd(&mut guest, 0, 1, 3);
        clock(&mut guest, 1, 1, 60_000_000_000, 0);
        let thread = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(10));
            std::net::TcpStream::connect(address).unwrap()
        });
        assert_eq!(poll(&mut guest, 2), [(100, 0, 1, 1)]);
        drop(thread.join().unwrap());
    }

    #[test]
    fn what_is_wrong_with_one_subscription_is_its_event() {
        let mut guest = Guest::new(WasiCtx::builder().build().unwrap());
        clock(&mut guest, 0, 3, 1_000_000_000, 0);
        fd(&mut guest, 1, 1, 77);
        fd(&mut guest, 2, 1, 1);
        let found = poll(&mut guest, 3);
        assert_eq!(found, [(100, Errno::INVAL.0, 0, 0), (101, Errno::BADF.0, 1, 0), (102, Errno::BADF.0, 1, 0)]);
    }

    #[test]
    fn streams_in_memory_are_ready_and_say_how_much_they_hold() {
        let mut guest = Guest::new(WasiCtx::builder().stdin(Pipe::from("abc")).build().unwrap());
        fd(&mut guest, 0, 1, 0);
        fd(&mut guest, 1, 2, 1);
        clock(&mut guest, 2, 1, 60_000_000_000, 0);
        assert_eq!(poll(&mut guest, 3), [(100, 0, 1, 3), (101, 0, 2, 0)]);
    }

    #[test]
    fn a_host_pipe_wakes_the_guest_when_bytes_arrive() {
        let (reader, writer) = rustix::pipe::pipe().unwrap();
        let mut guest = Guest::new(WasiCtx::builder().stdin(reader).build().unwrap());
        fd(&mut guest, 0, 1, 0);
        clock(&mut guest, 1, 1, 60_000_000_000, 0);
        let thread = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(10));
            rustix::io::write(&writer, b"hello").unwrap();
            writer
        });
        assert_eq!(poll(&mut guest, 2), [(100, 0, 1, 5)]);
        drop(thread.join().unwrap());
    }

    #[test]
    fn the_number_of_subscriptions_is_bounded() {
        let mut guest = Guest::new(WasiCtx::builder().build().unwrap());
        assert_eq!(guest.call(|call| poll_oneoff(call, 0, EVENTS, 0, 8192)), fails(Errno::INVAL));
        assert_eq!(guest.call(|call| poll_oneoff(call, 0, EVENTS, u32::MAX, 8192)), fails(Errno::INVAL));
        assert_eq!(guest.call(|call| poll_oneoff(call, 60000, EVENTS, 1000, 8192)), fails(Errno::FAULT));
    }

    #[test]
    fn a_guest_that_waits_for_ever_can_be_stopped() {
        let mut guest = Guest::new(WasiCtx::builder().build().unwrap());
        clock(&mut guest, 0, 1, u64::MAX, 0);
        assert_eq!(guest.call_waiting(&Always, |call| poll_oneoff(call, 0, EVENTS, 1, 8192)), Err(Stop::Interrupted));
    }
}
