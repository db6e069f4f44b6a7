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

/// What came of code being watched while it was interpreted.
#[derive(Debug)]
pub struct TierUp {
    /// When the watching could have begun at the earliest.
    made: Instant,
    /// How often the code was met.
    pub samples: AtomicU64,
    /// Functions that got native code because they were hot.
    pub functions: AtomicU64,
    /// Loops that did.
    pub loops: AtomicU64,
    /// How often a frame went over to native code in the middle of a loop.
    pub entered: AtomicU64,
    /// When a function or loop last got native code, in nanoseconds since the beginning.
    last: AtomicU64,
}

impl Default for TierUp {
    fn default() -> TierUp {
        let [samples, functions, loops, entered, last] = Default::default();
        TierUp { made: Instant::now(), samples, functions, loops, entered, last }
    }
}

impl TierUp {
    /// Notes that so much has native code from now on.
    pub fn add(&self, functions: u64, loops: u64) {
        self.functions.fetch_add(functions, Ordering::Relaxed);
        self.loops.fetch_add(loops, Ordering::Relaxed);
        self.last.fetch_max(self.made.elapsed().as_nanos() as u64, Ordering::Relaxed);
    }

    /// How long it took until nothing more got native code, so far.
    pub fn last(&self) -> Duration {
        Duration::from_nanos(self.last.load(Ordering::Relaxed))
    }
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
    /// What became native while it ran.
    pub tier_up: TierUp,
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
