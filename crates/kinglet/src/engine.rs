//! The engine: what all modules and stores of a program share. Cheap to clone, shared between threads.

use std::sync::Arc;

use kinglet_abi::Settings;
use kinglet_wasm::types::TypeRegistry;

use crate::{Config, Result};

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
            settings,
            #[cfg(feature = "jit")]
            tier: crate::vm::Tier::new(types.clone()),
            types,
        }
    }
}

impl Engine {
    /// Makes an engine.
    ///
    /// # Errors
    /// When settings contradict each other; none do today.
    pub fn new(config: &Config) -> Result<Engine> {
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
