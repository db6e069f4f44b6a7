//! The engine: what all modules and stores of a program share. Cheap to clone, shared between threads.

use std::sync::Arc;

use kinglet_abi::Settings;
use kinglet_wasm::types::TypeRegistry;

use crate::{Config, Result};

/// Compiles modules and runs them; holds the settings and the types. Clones are the same engine.
#[derive(Clone, Debug)]
pub struct Engine {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    config: Config,
    settings: Arc<Settings>,
    types: Arc<TypeRegistry>,
}

impl Engine {
    /// Makes an engine.
    ///
    /// # Errors
    /// When settings contradict each other; none do today.
    pub fn new(config: &Config) -> Result<Engine> {
        let settings = Arc::new(Settings { metering: config.metering.clone() });
        Ok(Engine { inner: Arc::new(Inner { config: config.clone(), settings, types: Arc::default() }) })
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

    pub(crate) fn types(&self) -> &Arc<TypeRegistry> {
        &self.inner.types
    }
}

impl Default for Engine {
    fn default() -> Engine {
        let config = Config::new();
        let settings = Arc::new(Settings { metering: None });
        Engine { inner: Arc::new(Inner { config, settings, types: Arc::default() }) }
    }
}
