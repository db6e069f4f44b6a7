//! The engine: the settings, types, code and pools that the modules and stores of a program share.

use std::sync::{Arc, Weak};

use kinglet_abi::Settings;
#[cfg(feature = "jit")]
use kinglet_abi::{Reservation, TrapDetection, settings::CompileTarget};
use kinglet_wasm::types::TypeRegistry;

#[cfg(feature = "jit")]
use tracing::debug;

use crate::epoch::Epochs;
#[cfg(feature = "jit")]
use crate::vm::SystemSupport;
use crate::{Config, Error, Profile, Result, RunMode};

/// The size of the code, in bytes, up to which [`RunMode::Auto`] without tier-up compiles a module ahead of time.
#[cfg(feature = "jit")]
const AUTO_LIMIT: usize = 128 << 10;

/// The shared context of a program's modules and stores: settings, types, compiled code. A clone is cheap and refers to
/// the same engine. Threads can share an engine.
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
    inner: Arc<EngineInner>,
}

#[derive(Debug)]
struct EngineInner {
    config: Config,
    settings: Arc<Settings>,
    types: Arc<TypeRegistry>,
    pool: Arc<crate::vm::Pool>,
    fiber_stacks: Arc<crate::vm::FiberStacks>,
    epochs: Epochs,
    #[cfg(feature = "jit")]
    tier: Arc<crate::vm::Tier>,
}

/// A reference to an engine that does not keep it alive: from [`Engine::weak`].
#[derive(Clone, Debug)]
pub struct EngineWeak {
    inner: Weak<EngineInner>,
}

impl EngineWeak {
    /// Returns the engine; none if it has been dropped.
    pub fn upgrade(&self) -> Option<Engine> {
        self.inner.upgrade().map(|inner| Engine { inner })
    }
}

#[cfg(feature = "jit")]
impl Drop for EngineInner {
    fn drop(&mut self) {
        self.tier.stop();
    }
}

impl EngineInner {
    #[cfg_attr(not(feature = "jit"), allow(unused_mut))]
    fn new(mut config: Config) -> EngineInner {
        crate::vm::headroom::refresh();
        let mut settings = Settings {
            metering: config.metering.clone(),
            interruptible: config.interruptible || config.epoch_interruption,
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
        EngineInner {
            #[cfg(feature = "jit")]
            tier: crate::vm::Tier::new(types.clone(), settings.clone(), &config),
            epochs: Epochs::new(config.epoch_interruption),
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

/// Adapts the settings to the system. If it denies a reservation, native code checks accesses; if it denies executable
/// memory, the engine interprets everything.
#[cfg(feature = "jit")]
fn plan(config: &mut Config, settings: &mut Settings) {
    if config.run_mode == RunMode::Interpreter {
        return;
    }
    if settings.target != CompileTarget::default() {
        // The engine only makes code for another machine.
        plan_for_target(config, settings);
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

/// Sets the settings of code for another machine or a later start, which follow the configuration alone.
#[cfg(feature = "jit")]
fn plan_for_target(config: &Config, settings: &mut Settings) {
    let faults = config.signals_based_traps && settings.target.traps_by_faults();
    settings.traps = if faults { TrapDetection::Faults } else { TrapDetection::Checks };
    settings.reservation = reservation(config).filter(|_| faults);
}

/// Returns the reservation of each memory. There is none if it is too small for unchecked accesses or larger than every
/// system's address space.
#[cfg(feature = "jit")]
fn reservation(config: &Config) -> Option<Reservation> {
    let bytes = config.memory_reservation.checked_next_multiple_of(64 << 10)?;
    let reservation = Reservation { bytes, guard: config.memory_guard_size };
    let whole = bytes.checked_add(reservation.guard)?;
    (bytes >= 1 << 32 && reservation.guard > 0 && whole < 1 << 47).then_some(reservation)
}

impl Engine {
    /// Creates an engine.
    ///
    /// # Errors
    /// If the run mode is [`RunMode::Jit`] and Kinglet is built without its Cargo feature `jit`; if the file for a profiler
    /// cannot be written.
    pub fn new(config: &Config) -> Result<Engine> {
        if let Some(profile) = config.profile {
            start(profile)?;
        }
        if config.run_mode == RunMode::Jit && cfg!(not(feature = "jit")) {
            return Err(Error::msg("run mode `jit` needs Kinglet built with its Cargo feature `jit`"));
        }
        Ok(Engine { inner: Arc::new(EngineInner::new(config.clone())) })
    }

    /// Returns whether both handles refer to the same engine. Modules, stores and types of one engine work together.
    pub fn same(a: &Engine, b: &Engine) -> bool {
        Arc::ptr_eq(&a.inner, &b.inner)
    }

    pub(crate) fn config(&self) -> &Config {
        &self.inner.config
    }

    /// Returns the number of bytes of the host's stack that guest code can use.
    pub(crate) fn host_stack(&self) -> usize {
        let config = &self.inner.config;
        match config.run_mode {
            RunMode::Interpreter => config.max_host_stack,
            _ => config.max_host_stack.min(config.max_wasm_stack),
        }
    }

    /// Returns the part of the host stack that only the interpreter uses, in bytes.
    pub(crate) fn stack_reserve(&self) -> usize {
        const RESERVE: usize = 64 << 10;
        match self.inner.config.run_mode {
            RunMode::Interpreter => 0,
            _ => RESERVE.min(self.host_stack() / 4),
        }
    }

    /// Returns the [`VmStore::stack_limit`](kinglet_abi::VmStore) of guest code called at this address of the host's stack.
    pub(crate) fn stack_limit(&self, top: usize) -> usize {
        (top.saturating_sub(self.host_stack()) + self.stack_reserve()).max(1)
    }

    pub(crate) fn settings(&self) -> &Arc<Settings> {
        &self.inner.settings
    }

    /// Returns the settings of artifacts, which do not depend on this process's rights.
    #[cfg(feature = "jit")]
    pub(crate) fn artifact_settings(&self) -> Settings {
        let mut settings = Settings::clone(self.settings());
        plan_for_target(self.config(), &mut settings);
        settings
    }

    /// Returns whether a module with this many bytes of code is compiled before it runs.
    #[cfg(feature = "jit")]
    pub(crate) fn compiles(&self, code_bytes: usize) -> bool {
        match self.inner.config.run_mode {
            RunMode::Interpreter => false,
            RunMode::Jit => true,
            RunMode::Auto => !self.inner.config.tier_up && code_bytes <= AUTO_LIMIT,
        }
    }

    /// Returns the identity that native code must have for this engine.
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

    /// Returns the pool of recycled instances.
    pub(crate) fn pool(&self) -> &Arc<crate::vm::Pool> {
        &self.inner.pool
    }

    /// Returns the pool of stacks for resumable calls.
    #[cfg_attr(not(unix), allow(dead_code))]
    pub(crate) fn fiber_stacks(&self) -> &Arc<crate::vm::FiberStacks> {
        &self.inner.fiber_stacks
    }

    pub(crate) fn epochs(&self) -> &Epochs {
        &self.inner.epochs
    }

    /// Returns a reference that does not keep the engine alive, such as for a thread that increments its epoch.
    ///
    /// ```
    /// use kinglet::Engine;
    ///
    /// let engine = Engine::default();
    /// let weak = engine.weak();
    /// assert!(weak.upgrade().is_some_and(|same| Engine::same(&same, &engine)));
    /// drop(engine);
    /// assert!(weak.upgrade().is_none());
    /// ```
    pub fn weak(&self) -> EngineWeak {
        EngineWeak { inner: Arc::downgrade(&self.inner) }
    }

    /// Returns a value whose hash is equal for two engines if each uses the native code that
    /// [`Engine::precompile_module`] of the other makes. It covers the build, the settings and the processor. Other
    /// artifacts load too, but their modules are compiled again.
    ///
    /// ```
    /// use std::hash::{DefaultHasher, Hash, Hasher};
    ///
    /// use kinglet::{Config, Engine};
    ///
    /// fn hash(engine: &Engine) -> u64 {
    ///     let mut hasher = DefaultHasher::new();
    ///     engine.precompile_compatibility_hash().hash(&mut hasher);
    ///     hasher.finish()
    /// }
    ///
    /// let metered = Engine::new(Config::new().gas(true))?;
    /// assert_eq!(hash(&Engine::default()), hash(&Engine::default()));
    /// assert_ne!(hash(&Engine::default()), hash(&metered));
    /// # Ok::<(), kinglet::Error>(())
    /// ```
    #[cfg(feature = "jit")]
    pub fn precompile_compatibility_hash(&self) -> impl std::hash::Hash + '_ {
        let processor = kinglet_jit::Processor::new(&self.settings().target).ok();
        let identity = |processor| {
            crate::artifact::Identity::new(&processor, &self.artifact_settings(), self.inner.config.features)
        };
        // `Debug` shows every name and value of an identity.
        processor.map(|processor| format!("{:?}", identity(processor)))
    }

    pub(crate) fn types(&self) -> &Arc<TypeRegistry> {
        &self.inner.types
    }
}

impl Default for Engine {
    fn default() -> Engine {
        Engine { inner: Arc::new(EngineInner::new(Config::new())) }
    }
}
