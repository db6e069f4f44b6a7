//! The engine: what all modules and stores of a program share. Cheap to clone, shared between threads.

use std::sync::Arc;

use kinglet_abi::Settings;
#[cfg(feature = "jit")]
use kinglet_abi::{Reservation, TrapDetection, settings::CompileTarget};
use kinglet_wasm::types::TypeRegistry;

#[cfg(feature = "jit")]
use tracing::debug;

#[cfg(feature = "jit")]
use crate::vm::SystemSupport;
use crate::{Config, Error, Profile, Result, RunMode};

/// Up to how many bytes of code a module is compiled before it starts in [`RunMode::Auto`] without tier-up.
#[cfg(feature = "jit")]
const AUTO_LIMIT: usize = 128 << 10;

/// Compiles modules and runs them; holds the settings and the types. Clones are the same engine.
///
/// ```
/// use kinglet::{Config, Engine, Module};
///
/// let engine = Engine::new(Config::new().memory_page_limit(Some(16)))?;
/// let module = Module::new(&engine, "(module (memory 16))")?;
/// let same = engine.clone();
/// let another_thread = std::thread::spawn(move || Module::new(&same, "(module)"));
/// assert!(Engine::same(module.engine(), another_thread.join().expect("it does not panic")?.engine()));
/// # Ok::<(), kinglet::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Engine {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    config: Config,
    settings: Arc<Settings>,
    types: Arc<TypeRegistry>,
    pool: Arc<crate::vm::Pool>,
    fiber_stacks: Arc<crate::vm::FiberStacks>,
    #[cfg(feature = "jit")]
    tier: Arc<crate::vm::Tier>,
}

#[cfg(feature = "jit")]
impl Drop for Inner {
    fn drop(&mut self) {
        self.tier.stop();
    }
}

impl Inner {
    #[cfg_attr(not(feature = "jit"), allow(unused_mut))]
    fn new(mut config: Config) -> Inner {
        crate::vm::headroom::refresh();
        let mut settings = Settings {
            metering: config.metering.clone(),
            interruptible: config.interruptible,
            nan_canonicalization: config.nan_canonicalization,
            spectre_mitigation: config.spectre_mitigation,
            optimization: config.optimization,
            target: config.target.clone(),
            compiler_memory: config.compiler_memory,
            ..Settings::default()
        };
        #[cfg(feature = "jit")]
        plan(&mut config, &mut settings);
        let settings = Arc::new(settings);
        let types = Arc::<TypeRegistry>::default();
        Inner {
            #[cfg(feature = "jit")]
            tier: crate::vm::Tier::new(types.clone(), settings.clone(), &config),
            config,
            settings,
            types,
            pool: Default::default(),
            fiber_stacks: Default::default(),
        }
    }
}

#[cfg(feature = "jit")]
fn start(profile: Profile) -> Result<()> {
    if cfg!(target_os = "linux") {
        crate::vm::profile::start(profile)
    } else {
        Err(Error::msg("profiling needs Linux"))
    }
}

#[cfg(not(feature = "jit"))]
fn start(_: Profile) -> Result<()> {
    Err(Error::msg("profiling needs native code: Kinglet built with its Cargo feature `jit`"))
}

/// Settles what depends on the system. What it refuses is done without: memories are checked, or all is interpreted.
#[cfg(feature = "jit")]
fn plan(config: &mut Config, settings: &mut Settings) {
    if config.run_mode == RunMode::Interpreter {
        return;
    }
    if settings.target != CompileTarget::default() {
        // Code for elsewhere: not run here.
        wish(config, settings);
        config.run_mode = RunMode::Interpreter;
        return;
    }
    let wanted = reservation(config);
    let support = SystemSupport::probe(config.signals_based_traps, wanted);
    if !support.code {
        debug!("the system does not let memory be executable: everything is interpreted");
        config.run_mode = RunMode::Interpreter;
        return;
    }
    if support.faults {
        settings.traps = TrapDetection::Faults;
        settings.reservation = wanted.filter(|_| support.reservation);
    }
    if wanted.is_some() && settings.reservation.is_none() {
        debug!(?support, "memories are checked at every access");
    }
}

/// Settles the same for code that will run elsewhere, or later: as the configuration has it.
#[cfg(feature = "jit")]
fn wish(config: &Config, settings: &mut Settings) {
    let faults = config.signals_based_traps && settings.target.traps_by_faults();
    settings.traps = if faults { TrapDetection::Faults } else { TrapDetection::Checks };
    settings.reservation = reservation(config).filter(|_| faults);
}

/// What each memory is to reserve, if that is enough for accesses without checks, and not more than any system has.
#[cfg(feature = "jit")]
fn reservation(config: &Config) -> Option<Reservation> {
    let bytes = config.memory_reservation.checked_next_multiple_of(64 << 10)?;
    let reservation = Reservation { bytes, guard: config.memory_guard_size };
    let whole = bytes.checked_add(reservation.guard)?;
    (bytes >= 1 << 32 && reservation.guard > 0 && whole < 1 << 47).then_some(reservation)
}

impl Engine {
    /// Makes an engine.
    ///
    /// # Errors
    /// If the configuration asks for native code and Kinglet is built without its Cargo feature `jit`; if a profiler
    /// cannot be told of it.
    pub fn new(config: &Config) -> Result<Engine> {
        if let Some(profile) = config.profile {
            start(profile)?;
        }
        if config.run_mode == RunMode::Jit && cfg!(not(feature = "jit")) {
            return Err(Error::msg("run mode `jit` needs Kinglet built with its Cargo feature `jit`"));
        }
        Ok(Engine { inner: Arc::new(Inner::new(config.clone())) })
    }

    /// Whether both are the same engine, so that what one made works with the other.
    pub fn same(a: &Engine, b: &Engine) -> bool {
        Arc::ptr_eq(&a.inner, &b.inner)
    }

    pub(crate) fn config(&self) -> &Config {
        &self.inner.config
    }

    /// How much of the host's stack guest code may use.
    pub(crate) fn host_stack(&self) -> usize {
        let config = &self.inner.config;
        match config.run_mode {
            RunMode::Interpreter => config.max_host_stack,
            _ => config.max_host_stack.min(config.max_wasm_stack),
        }
    }

    /// How much of that is left for the interpreter, which takes over from native code there.
    pub(crate) fn spare_stack(&self) -> usize {
        const SPARE: usize = 64 << 10;
        match self.inner.config.run_mode {
            RunMode::Interpreter => 0,
            _ => SPARE.min(self.host_stack() / 4),
        }
    }

    /// [`VmStore::stack_limit`](kinglet_abi::VmStore) of guest code that is called at this address of the host's stack.
    pub(crate) fn stack_limit(&self, top: usize) -> usize {
        (top.saturating_sub(self.host_stack()) + self.spare_stack()).max(1)
    }

    pub(crate) fn settings(&self) -> &Arc<Settings> {
        &self.inner.settings
    }

    /// Settings of code that is made to be kept, whatever this process may not do.
    #[cfg(feature = "jit")]
    pub(crate) fn settings_elsewhere(&self) -> Settings {
        let mut settings = Settings::clone(self.settings());
        wish(self.config(), &mut settings);
        settings
    }

    /// Whether a module with this much code is compiled before it runs.
    #[cfg(feature = "jit")]
    pub(crate) fn compiles(&self, code_bytes: usize) -> bool {
        match self.inner.config.run_mode {
            RunMode::Interpreter => false,
            RunMode::Jit => true,
            RunMode::Auto => !self.inner.config.tier_up && code_bytes <= AUTO_LIMIT,
        }
    }

    /// What code that this engine can use is made for.
    #[cfg(feature = "jit")]
    pub(crate) fn identity(&self) -> Result<crate::artifact::Identity> {
        let processor = kinglet_jit::Processor::host()?;
        Ok(crate::artifact::Identity::new(&processor, self.settings(), self.inner.config.features))
    }

    #[cfg(feature = "jit")]
    pub(crate) fn compiler_threads(&self) -> usize {
        let all = || std::thread::available_parallelism().map_or(1, usize::from);
        self.inner.config.compiler_threads.unwrap_or_else(all)
    }

    #[cfg(feature = "jit")]
    pub(crate) fn tier(&self) -> &crate::vm::Tier {
        &self.inner.tier
    }

    /// What stores have left.
    pub(crate) fn pool(&self) -> &Arc<crate::vm::Pool> {
        &self.inner.pool
    }

    /// The stacks of calls that can be paused.
    #[cfg_attr(not(unix), allow(dead_code))]
    pub(crate) fn fiber_stacks(&self) -> &Arc<crate::vm::FiberStacks> {
        &self.inner.fiber_stacks
    }

    pub(crate) fn types(&self) -> &Arc<TypeRegistry> {
        &self.inner.types
    }
}

impl Default for Engine {
    fn default() -> Engine {
        Engine { inner: Arc::new(Inner::new(Config::new())) }
    }
}
