//! Statistics of a module: the work that the engine has done for it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kinglet_interp::stats::Counter;

use crate::Module;

/// The amount of one kind of work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// The number of units: functions, files or modules.
    pub count: u64,
    /// The number of bytes that the work produced or consumed.
    pub bytes: u64,
    /// The time that it took. The times of parallel threads add up.
    pub time: Duration,
}

/// The work of the background compiler: see [`Config::tier_up`](crate::Config::tier_up).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TierUpStats {
    /// The number of samples taken in the module.
    pub samples: u64,
    /// The number of hot functions that have native code.
    pub functions: u64,
    /// The number of hot loops that have native code for on-stack replacement.
    pub loops: u64,
    /// The number of on-stack replacements: the interpreter left a loop for native code.
    pub loops_entered: u64,
    /// The time from the creation of the module until the last of them was compiled; zero if none was.
    pub settled: Duration,
}

/// Statistics of a module: see [`Module::stats`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ModuleStats {
    /// The validated functions, and the size of the module. There are none if it comes from a cache or an artifact.
    pub validated: Work,
    /// One if the module comes from a cache, with the size of its native code there.
    pub loaded: Work,
    /// The functions lowered to bytecode, and the bytecode's size.
    pub lowered: Work,
    /// The functions and loops compiled to native code, and the code's size. The time is elapsed time, independent of the
    /// number of threads.
    pub compiled: Work,
    /// The files written to a cache, and their size.
    pub kept: Work,
    /// The work of the background compiler. `compiled` includes its functions and loops.
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
    /// Adds the counts, and keeps the later time.
    fn add_assign(&mut self, other: TierUpStats) {
        self.samples += other.samples;
        self.functions += other.functions;
        self.loops += other.loops;
        self.loops_entered += other.loops_entered;
        self.settled = self.settled.max(other.settled);
    }
}

impl Module {
    /// Returns the work that the engine has done for the module so far.
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
