//! What an engine has done for a module.

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
            loaded: Work::of(&stats.loaded),
            lowered: Work::of(&stats.lowered),
            compiled: Work::of(&stats.compiled),
            kept: Work::of(&stats.kept),
        }
    }
}
