//! `poll_oneoff`: waits until the first of several clocks and descriptors is ready.

use super::Call;
use super::clock::clock;
use super::table::{DescriptorTable, Object};
use super::types::{CallError, Errno, Event, Result, Subscription, SubscriptionKind};
use crate::host::clock::{Clock, Clocks};
use kinglet::PollFd;
use rustix::fd::BorrowedFd;
use std::time::Duration;

/// The maximum number of subscriptions in one call. It limits the memory that the host allocates for the call.
const MAX_SUBSCRIPTIONS: u32 = 4096;

/// The condition of a subscription's event.
enum Trigger<'a> {
    /// The event occurs immediately, with a number of bytes or an error.
    Immediate(std::result::Result<u64, Errno>),
    /// The event occurs at a time of a clock.
    Deadline(Clock, u64),
    /// The event occurs when a descriptor of the host is ready.
    Descriptor(PollFd<'a>, &'a Object),
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

/// Implements `poll_oneoff` for subscriptions of `SIZE` bytes, which `read` parses.
pub(crate) fn poll<const SIZE: usize>(
    call: &mut Call<'_>,
    subscriptions: u32,
    events: u32,
    nsubscriptions: u32,
    nevents: u32,
    read: fn(&[u8; SIZE]) -> Result<Subscription>,
) -> Result<()> {
    if nsubscriptions == 0 || nsubscriptions > MAX_SUBSCRIPTIONS {
        return Err(Errno::INVAL.into());
    }
    let records = call.memory.bytes(subscriptions, nsubscriptions * SIZE as u32)?;
    let subscriptions = records.as_chunks().0.iter().map(read).collect::<Result<Vec<_>>>()?;
    let (table, clocks) = (&call.ctx.table, &call.ctx.clocks);
    let mut triggers = subscriptions.iter().map(|one| trigger(one, table, clocks)).collect::<Result<Vec<_>>>()?;

    let occurred = loop {
        wait(&mut triggers, clocks, call)?;
        let pairs = subscriptions.iter().zip(&triggers);
        let occurred: Vec<Event> = pairs.filter_map(|(one, trigger)| event(one, trigger, clocks)).collect();
        if !occurred.is_empty() {
            break occurred;
        }
    };
    let mut at = events;
    for event in &occurred {
        let record = event.bytes();
        call.memory.write(at, &record)?;
        at = at.checked_add(record.len() as u32).ok_or(Errno::FAULT)?;
    }
    call.memory.write_size(nevents, occurred.len())
}

/// Returns the trigger of a subscription. An error of one subscription becomes its event.
fn trigger<'a>(subscription: &Subscription, table: &'a DescriptorTable, clocks: &Clocks) -> Result<Trigger<'a>> {
    let trigger = match subscription.kind {
        SubscriptionKind::Clock { id, timeout, absolute } => deadline(id, timeout, absolute, clocks),
        SubscriptionKind::FdRead(fd) => readiness(table, fd, true),
        SubscriptionKind::FdWrite(fd) => readiness(table, fd, false),
    };
    match trigger {
        Err(CallError::Errno(errno)) => Ok(Trigger::Immediate(Err(errno))),
        other => other,
    }
}

/// Returns the trigger of a clock. Fails with EINVAL, as in POSIX, if the clock does not advance while the guest waits.
fn deadline<'a>(id: u32, timeout: u64, absolute: bool, clocks: &Clocks) -> Result<Trigger<'a>> {
    let clock = clock(id)?;
    // Measures relative times on the monotonic clock, because the real-time clock can be set.
    let clock = if clock == Clock::Realtime && !absolute { Clock::Monotonic } else { clock };
    let time = if absolute { timeout } else { clocks.now(clock).saturating_add(timeout) };
    clocks.time_until(clock, time).map(|_| Trigger::Deadline(clock, time)).ok_or(Errno::INVAL.into())
}

/// Returns the trigger of a descriptor for reading or writing. Fails with EBADF for a directory, and for a standard
/// stream of the other direction.
fn readiness(table: &DescriptorTable, fd: u32, reads: bool) -> Result<Trigger<'_>> {
    let descriptor = table.get(fd)?;
    let pollable: Option<BorrowedFd<'_>> = match &descriptor.object {
        Object::Stream(stream) => stream.check_direction(reads).map(|()| stream.pollable())?,
        Object::File(file) => file.pollable(),
        Object::Socket(socket) => Some(socket.pollable()),
        Object::Directory(_) => return Err(Errno::BADF.into()),
    };
    Ok(match pollable {
        Some(fd) if reads => Trigger::Descriptor(PollFd::readable(fd), &descriptor.object),
        Some(fd) => Trigger::Descriptor(PollFd::writable(fd), &descriptor.object),
        None => Trigger::Immediate(Ok(if reads { available(&descriptor.object) } else { 0 })),
    })
}

/// Returns the number of bytes that can be read without waiting.
fn available(object: &Object) -> u64 {
    match object {
        Object::Stream(stream) => stream.available(),
        Object::File(file) => file.available(),
        Object::Socket(socket) => socket.available(),
        Object::Directory(_) => 0,
    }
}

/// Waits until the first descriptor is ready or the first deadline has passed. Polls without waiting if there is an
/// immediate trigger.
fn wait(triggers: &mut [Trigger<'_>], clocks: &Clocks, call: &Call<'_>) -> Result<()> {
    let timeouts = triggers.iter().filter_map(|trigger| match trigger {
        Trigger::Immediate(_) => Some(Duration::ZERO),
        Trigger::Deadline(clock, time) => clocks.time_until(*clock, *time),
        Trigger::Descriptor(..) => None,
    });
    let timeout = timeouts.min();
    let fds = triggers.iter().filter_map(|trigger| match trigger {
        Trigger::Descriptor(fd, _) => Some(fd.clone()),
        _ => None,
    });
    let mut fds: Vec<PollFd<'_>> = fds.collect();
    call.wait.poll(&mut fds, timeout)?;
    let mut polled = fds.into_iter();
    for trigger in triggers {
        if let Trigger::Descriptor(fd, _) = trigger {
            polled.next().into_iter().for_each(|result| *fd = result);
        }
    }
    Ok(())
}

/// Returns the event of a subscription, or `None` if it has not occurred.
fn event(subscription: &Subscription, trigger: &Trigger<'_>, clocks: &Clocks) -> Option<Event> {
    let (outcome, hangup) = match trigger {
        Trigger::Immediate(outcome) => (*outcome, false),
        Trigger::Deadline(clock, time) if clocks.now(*clock) >= *time => (Ok(0), false),
        Trigger::Deadline(..) => return None,
        Trigger::Descriptor(fd, object) => {
            if !fd.is_ready() {
                return None;
            }
            let reads = matches!(subscription.kind, SubscriptionKind::FdRead(_));
            let nbytes = if reads { available(object) } else { 0 };
            (if fd.is_invalid() { Err(Errno::BADF) } else { Ok(nbytes) }, fd.is_hung_up())
        }
    };
    let (error, nbytes) = match outcome {
        Ok(nbytes) => (Errno::SUCCESS, nbytes),
        Err(errno) => (errno, 0),
    };
    Some(Event { userdata: subscription.userdata, error, eventtype: subscription.eventtype(), nbytes, hangup })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::WasiCtx;
    use crate::host::stdio::Pipe;
    use crate::tests::{AlwaysInterrupted, Guest, fails};
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
        let found = guest.read_u32(8192);
        let event = |at: u32| {
            let record = &guest.memory[at as usize..];
            let error = u16::from_le_bytes([record[8], record[9]]);
            (guest.read_u64(at), error, record[10], guest.read_u64(at + 16))
        };
        (0..found).map(|index| event(EVENTS + index * 32)).collect()
    }

    #[test]
    fn a_relative_timeout_of_a_clock_is_waited_for() {
        let mut guest = Guest::new(WasiCtx::builder().build().unwrap());
        clock(&mut guest, 0, 1, 20_000_000, 0);
        clock(&mut guest, 1, 0, 60_000_000_000, 0);
        let start = Instant::now();
        assert_eq!(poll(&mut guest, 2), [(100, 0, 0, 0)]);
        assert!(start.elapsed() >= Duration::from_millis(20));
    }

    #[test]
    fn a_deadline_in_the_past_occurs_immediately() {
        let mut guest = Guest::new(WasiCtx::builder().build().unwrap());
        clock(&mut guest, 0, 0, 1, 1);
        clock(&mut guest, 1, 1, u64::MAX, 1);
        assert_eq!(poll(&mut guest, 2), [(100, 0, 0, 0)]);
    }

    #[test]
    fn the_process_cpu_clock_advances_while_other_threads_run() {
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
        assert_eq!(poll(&mut guest, 1), [(100, 0, 0, 0)], "a thread CPU time in the past");
    }

    static STOP: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

    #[test]
    fn a_file_in_memory_is_ready_with_its_remaining_bytes() {
        let tree = crate::MemoryDir::new();
        tree.write("file", "12345").unwrap();
        let mut builder = WasiCtx::builder();
        let ctx = builder.preopened_memory(&tree, ".", crate::FsPerms::ReadOnly).build().unwrap();
        let mut guest = Guest::new(ctx);
        let (path, len) = guest.write_text(1024, "file");
        let rights = crate::p1::types::Rights::FD_READ.0;
        guest.call(|call| crate::p1::path::path_open(call, 3, 0, path, len, 0, rights, 0, 0, 0)).unwrap();
        let opened = guest.read_u32(0);
        fd(&mut guest, 0, 1, opened);
        clock(&mut guest, 1, 1, 60_000_000_000, 0);
        assert_eq!(poll(&mut guest, 2), [(100, 0, 1, 5)]);
    }

    #[test]
    fn a_listener_is_ready_when_a_client_connects() {
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
    fn the_error_of_a_subscription_is_its_event() {
        let mut guest = Guest::new(WasiCtx::builder().build().unwrap());
        clock(&mut guest, 0, 3, 1_000_000_000, 0);
        fd(&mut guest, 1, 1, 77);
        fd(&mut guest, 2, 1, 1);
        let events = poll(&mut guest, 3);
        assert_eq!(events, [(100, Errno::INVAL.0, 0, 0), (101, Errno::BADF.0, 1, 0), (102, Errno::BADF.0, 1, 0)]);
    }

    #[test]
    fn streams_in_memory_are_ready_with_their_number_of_bytes() {
        let mut guest = Guest::new(WasiCtx::builder().stdin(Pipe::from("abc")).build().unwrap());
        fd(&mut guest, 0, 1, 0);
        fd(&mut guest, 1, 2, 1);
        clock(&mut guest, 2, 1, 60_000_000_000, 0);
        assert_eq!(poll(&mut guest, 3), [(100, 0, 1, 3), (101, 0, 2, 0)]);
    }

    #[test]
    fn a_pipe_of_the_host_is_ready_when_bytes_arrive() {
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
    fn the_number_of_subscriptions_is_limited() {
        let mut guest = Guest::new(WasiCtx::builder().build().unwrap());
        assert_eq!(guest.call(|call| poll_oneoff(call, 0, EVENTS, 0, 8192)), fails(Errno::INVAL));
        assert_eq!(guest.call(|call| poll_oneoff(call, 0, EVENTS, u32::MAX, 8192)), fails(Errno::INVAL));
        assert_eq!(guest.call(|call| poll_oneoff(call, 60000, EVENTS, 1000, 8192)), fails(Errno::FAULT));
    }

    #[test]
    fn a_wait_without_end_can_be_interrupted() {
        let mut guest = Guest::new(WasiCtx::builder().build().unwrap());
        clock(&mut guest, 0, 1, u64::MAX, 0);
        assert_eq!(
            guest.call_with(&AlwaysInterrupted, |call| poll_oneoff(call, 0, EVENTS, 1, 8192)),
            Err(CallError::Interrupted)
        );
    }
}
