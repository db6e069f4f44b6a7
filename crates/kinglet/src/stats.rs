//! What an engine has done for a module.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kinglet_interp::stats::Counter;

use crate::Module;

/// Work of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// How often it was done.
    pub count: u64,
    /// How many bytes that made, or took.
    pub bytes: u64,
    /// How long it took; of threads that work at once, the sum.
    pub time: Duration,
}

/// What became native while it was interpreted: see [`Config::tier_up`](crate::Config::tier_up).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TierUpStats {
    /// How often the interpreter was asked where in the module it was.
    pub samples: u64,
    /// Functions that were found hot and got native code.
    pub functions: u64,
    /// Loops that did, to be entered in the middle.
    pub loops: u64,
    /// How often the interpreter left a loop to native code.
    pub loops_entered: u64,
    /// How long it took from when the module was made until the last of them had native code; zero if none has.
    pub settled: Duration,
}

/// What was done for a module: see [`Module::stats`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ModuleStats {
    /// Functions validated, and the size of the module. Nothing if it came from a cache or was compiled beforehand.
    pub validated: Work,
    /// Whether it came from a cache, and the size of the native code that did.
    pub loaded: Work,
    /// Functions lowered to bytecode, and its size.
    pub lowered: Work,
    /// Functions and loops compiled to native code, and its size; how long the whole took, whatever the number of threads.
    pub compiled: Work,
    /// Files written to a cache, and their size.
    pub kept: Work,
    /// What tier-up did. What that compiled is part of `compiled`.
    pub tier_up: TierUpStats,
}

impl Work {
    fn of(counter: &Counter) -> Work {
        let (count, bytes, time) = counter.get();
        Work { count, bytes, time }
    }
}

impl std::ops::AddAssign for Work {
    fn add_assign(&mut self, other: Work) {
        self.count += other.count;
        self.bytes += other.bytes;
        self.time += other.time;
    }
}

impl TierUpStats {
    fn of(stats: &kinglet_interp::stats::TierUpCounters) -> TierUpStats {
        let of = |field: &AtomicU64| field.load(Ordering::Relaxed);
        TierUpStats {
            samples: of(&stats.samples),
            functions: of(&stats.functions),
            loops: of(&stats.loops),
            loops_entered: of(&stats.osr_entries),
            settled: stats.last_published(),
        }
    }
}

impl std::ops::AddAssign for TierUpStats {
    /// Counts are added up; of times the later counts.
    fn add_assign(&mut self, other: TierUpStats) {
        self.samples += other.samples;
        self.functions += other.functions;
        self.loops += other.loops;
        self.loops_entered += other.loops_entered;
        self.settled = self.settled.max(other.settled);
    }
}

impl Module {
    /// What has been done for the module so far, and how long it took.
    ///
    /// ```
    /// use kinglet::{Config, Engine, Module, RunMode};
    ///
    /// let engine = Engine::new(Config::new().run_mode(RunMode::Interpreter))?;
    /// let module = Module::new(&engine, "(module (func) (func))")?;
    /// assert_eq!((module.stats().validated.count, module.stats().lowered.count), (2, 0));
    /// # Ok::<(), kinglet::Error>(())
    /// ```
    pub fn stats(&self) -> ModuleStats {
        let stats = &self.inner().code().environment().stats;
        ModuleStats {
            validated: Work::of(&stats.validated),
            loaded: Work::of(&stats.cache_loads),
            lowered: Work::of(&stats.lowered),
            compiled: Work::of(&stats.compiled),
            kept: Work::of(&stats.cache_writes),
            tier_up: TierUpStats::of(&stats.tier_up),
        }
    }
}
