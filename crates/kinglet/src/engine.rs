//! The engine: what all modules and stores of a program share. Cheap to clone, shared between threads.

use std::sync::Arc;

use kinglet_abi::Settings;
use kinglet_wasm::types::TypeRegistry;

use crate::{Config, Error, Result, RunMode};

/// Up to how many bytes of code a module is compiled before it starts in [`RunMode::Auto`].
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
    #[cfg(feature = "jit")]
    tier: crate::vm::Tier,
}

impl Inner {
    fn new(config: Config) -> Inner {
        let settings = Arc::new(Settings { metering: config.metering.clone(), ..Settings::default() });
        let types = Arc::<TypeRegistry>::default();
        Inner {
            config,
            #[cfg(feature = "jit")]
            tier: crate::vm::Tier::new(types.clone(), settings.clone()),
            settings,
            types,
        }
    }
}

impl Engine {
    /// Makes an engine.
    ///
    /// # Errors
    /// If the configuration asks for native code and Kinglet is built without its Cargo feature `jit`.
    pub fn new(config: &Config) -> Result<Engine> {
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

    pub(crate) fn settings(&self) -> &Arc<Settings> {
        &self.inner.settings
    }

    /// Whether a module with this much code is compiled before it runs.
    #[cfg(feature = "jit")]
    pub(crate) fn compiles(&self, code_bytes: usize) -> bool {
        match self.inner.config.run_mode {
            RunMode::Interpreter => false,
            RunMode::Jit => true,
            RunMode::Auto => code_bytes <= AUTO_LIMIT,
        }
    }

    #[cfg(feature = "jit")]
    pub(crate) fn tier(&self) -> &crate::vm::Tier {
        &self.inner.tier
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
