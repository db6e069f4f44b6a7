//! The clocks that a guest can read. Monotonic time starts near zero when the context is built, so it does not reveal
//! the host's uptime.

use rustix::time::{ClockId, Timespec, clock_getres, clock_gettime};
use std::time::Duration;

/// The shortest wait for a CPU-time clock, in nanoseconds. It limits how often a waiting call polls such a clock.
const CPU_POLL_INTERVAL: u64 = 1_000_000;

fn processors() -> u64 {
    std::thread::available_parallelism().map_or(1, |count| count.get() as u64)
}

/// The clocks of preview 1, in the order of their `clockid` numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Clock {
    Realtime,
    Monotonic,
    ProcessCputime,
    ThreadCputime,
}

impl Clock {
    fn id(self) -> ClockId {
        match self {
            Clock::Realtime => ClockId::Realtime,
            Clock::Monotonic => ClockId::Monotonic,
            Clock::ProcessCputime => ClockId::ProcessCPUTime,
            Clock::ThreadCputime => ClockId::ThreadCPUTime,
        }
    }
}

/// The clocks of one context.
#[derive(Debug)]
pub(crate) struct Clocks {
    /// The host's monotonic time at which the guest's monotonic clock shows zero, in nanoseconds.
    monotonic_zero: u64,
}

impl Clocks {
    pub(crate) fn new() -> Clocks {
        // One nanosecond earlier than now, because some guests treat a reading of zero as a broken clock.
        Clocks { monotonic_zero: nanoseconds(clock_gettime(ClockId::Monotonic)).saturating_sub(1) }
    }

    /// Returns the time in nanoseconds, 0 for a real time before 1970.
    pub(crate) fn now(&self, clock: Clock) -> u64 {
        let now = nanoseconds(clock_gettime(clock.id()));
        if clock == Clock::Monotonic { now.saturating_sub(self.monotonic_zero) } else { now }
    }

    /// Returns the shortest time after which `clock` can show `time`. Returns `None` if it never does while the caller
    /// waits.
    pub(crate) fn time_until(&self, clock: Clock, time: u64) -> Option<Duration> {
        let left = time.saturating_sub(self.now(clock));
        let left = match clock {
            Clock::Realtime | Clock::Monotonic => left,
            // Threads of the process may run on all processors at the same time.
            Clock::ProcessCputime if left > 0 => (left / processors()).max(CPU_POLL_INTERVAL),
            // A waiting thread uses no CPU time.
            Clock::ThreadCputime if left > 0 => return None,
            Clock::ProcessCputime | Clock::ThreadCputime => 0,
        };
        Some(Duration::from_nanos(left))
    }

    /// Returns the clock's resolution in nanoseconds.
    pub(crate) fn resolution(&self, clock: Clock) -> u64 {
        nanoseconds(clock_getres(clock.id())).max(1)
    }
}

fn nanoseconds(time: Timespec) -> u64 {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanoseconds = u64::try_from(time.tv_nsec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn monotonic_time_starts_near_zero_but_is_never_zero() {
        let now = Clocks::new().now(Clock::Monotonic);
        assert!(now > 0 && now < 1_000_000_000, "{now}");
    }

    #[test]
    fn every_clock_has_a_resolution() {
        for clock in [Clock::Realtime, Clock::Monotonic, Clock::ProcessCputime, Clock::ThreadCputime] {
            assert!(Clocks::new().resolution(clock) > 0);
        }
    }
}
