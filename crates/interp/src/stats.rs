//! Counters of the work done for a module and the time that it took. Any thread may update or read them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Counts one kind of work.
#[derive(Debug, Default)]
pub struct Counter {
    count: AtomicU64,
    bytes: AtomicU64,
    nanoseconds: AtomicU64,
}

/// Counts tier-up events of a module.
#[derive(Debug)]
pub struct TierUpCounters {
    /// The creation time, from which tier-up is measured.
    created: Instant,
    /// Samples of the module's code.
    pub samples: AtomicU64,
    /// Functions compiled because they were hot.
    pub functions: AtomicU64,
    /// Loops compiled because they were hot.
    pub loops: AtomicU64,
    /// OSR entries: frames that continued in native code at a loop.
    pub osr_entries: AtomicU64,
    /// The time of the last publication of native code, in nanoseconds since `created`.
    last_published: AtomicU64,
}

impl Default for TierUpCounters {
    fn default() -> TierUpCounters {
        let [samples, functions, loops, osr_entries, last_published] = Default::default();
        TierUpCounters { created: Instant::now(), samples, functions, loops, osr_entries, last_published }
    }
}

impl TierUpCounters {
    /// Counts published functions and loops.
    pub fn add(&self, functions: u64, loops: u64) {
        self.functions.fetch_add(functions, Ordering::Relaxed);
        self.loops.fetch_add(loops, Ordering::Relaxed);
        self.last_published.fetch_max(self.created.elapsed().as_nanos() as u64, Ordering::Relaxed);
    }

    /// Returns the time from creation to the last publication.
    pub fn last_published(&self) -> Duration {
        Duration::from_nanos(self.last_published.load(Ordering::Relaxed))
    }
}

/// The counters of a module.
#[derive(Debug, Default)]
pub struct Stats {
    /// Validated functions. The size is that of the module.
    pub validated: Counter,
    /// Loads from a cache. The size is that of the native code.
    pub cache_loads: Counter,
    /// Lowered functions. The size is that of the bytecode.
    pub lowered: Counter,
    /// Compiled functions. The size is that of the native code.
    pub compiled: Counter,
    /// Files written to a cache. The size is that of the files.
    pub cache_writes: Counter,
    /// Tier-up events.
    pub tier_up: TierUpCounters,
}

impl Counter {
    /// Counts work that started at `start` and ends now.
    pub fn add(&self, count: usize, bytes: usize, start: Instant) {
        self.count.fetch_add(count as u64, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        self.nanoseconds.fetch_add(start.elapsed().as_nanos() as u64, Ordering::Relaxed);
    }

    /// Returns the count, the size in bytes, and the total time. The total includes the times of concurrent threads.
    pub fn get(&self) -> (u64, u64, Duration) {
        let [count, bytes, time] =
            [&self.count, &self.bytes, &self.nanoseconds].map(|field| field.load(Ordering::Relaxed));
        (count, bytes, Duration::from_nanos(time))
    }
}
