//! What was done for a module, and how long it took: counted where it is done, by any thread, and read at any time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Counts one kind of work.
#[derive(Debug, Default)]
pub struct Counter {
    count: AtomicU64,
    bytes: AtomicU64,
    nanoseconds: AtomicU64,
}

/// Work of each kind.
#[derive(Debug, Default)]
pub struct Stats {
    /// Functions validated; the module's bytes.
    pub validated: Counter,
    /// The module loaded from a cache; its native code's bytes.
    pub loaded: Counter,
    /// Functions lowered; their bytecode's bytes.
    pub lowered: Counter,
    /// Functions compiled; their native code's bytes.
    pub compiled: Counter,
    /// Files written to a cache; their bytes.
    pub kept: Counter,
}

impl Counter {
    /// Notes work that began at `start` and ends now.
    pub fn add(&self, count: usize, bytes: usize, start: Instant) {
        self.count.fetch_add(count as u64, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        self.nanoseconds.fetch_add(start.elapsed().as_nanos() as u64, Ordering::Relaxed);
    }

    /// How often, how many bytes, and how long; the time of threads that work at once is added up.
    pub fn get(&self) -> (u64, u64, Duration) {
        let [count, bytes, time] =
            [&self.count, &self.bytes, &self.nanoseconds].map(|field| field.load(Ordering::Relaxed));
        (count, bytes, Duration::from_nanos(time))
    }
}
