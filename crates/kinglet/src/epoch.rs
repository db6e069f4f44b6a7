//! Epochs: a counter of an engine, and the stores whose guests trap when it reaches their deadline. Guest code does not
//! read the counter. Incrementing it finds the stores whose deadline has come and interrupts them as an
//! [`InterruptHandle`](crate::InterruptHandle) does, so epochs cost a guest nothing.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::Engine;
use crate::store::StoreId;
use crate::wait::Shared;

/// The epoch of an engine. Stores are known here only if the engine is configured for epochs.
#[derive(Debug)]
pub(crate) struct Epochs {
    enabled: bool,
    current: AtomicU64,
    stores: Mutex<HashMap<StoreId, Arc<Shared>>>,
}

impl Epochs {
    pub(crate) fn new(enabled: bool) -> Epochs {
        Epochs { enabled, current: AtomicU64::new(0), stores: Mutex::default() }
    }

    fn stores(&self) -> MutexGuard<'_, HashMap<StoreId, Arc<Shared>>> {
        self.stores.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a new store, whose deadline has come.
    pub(crate) fn add_store(&self, id: StoreId, shared: &Arc<Shared>) {
        if self.enabled {
            self.stores().insert(id, shared.clone());
            self.set_deadline(shared, 0);
        }
    }

    pub(crate) fn remove_store(&self, id: StoreId) {
        if self.enabled {
            self.stores().remove(&id);
        }
    }

    /// Sets a store's deadline, relative to the current epoch.
    pub(crate) fn set_deadline(&self, shared: &Shared, ticks_beyond_current: u64) {
        if self.enabled {
            shared.set_epoch_deadline(&self.current, ticks_beyond_current);
        }
    }

    fn increment(&self) {
        // First, so that a deadline set from now on is relative to the new epoch.
        let epoch = self.current.fetch_add(1, Ordering::SeqCst).wrapping_add(1);
        self.stores().values().for_each(|shared| shared.epoch_reached(epoch));
    }
}

impl Engine {
    /// Increments the engine's epoch. Guests trap with [`Trap::Interrupted`](crate::Trap::Interrupted) once the epoch
    /// reaches their store's deadline: see [`Store::set_epoch_deadline`](crate::Store::set_epoch_deadline).
    ///
    /// The call takes time in proportion to the number of stores. It takes locks, so signal handlers must not call it.
    /// Without [`Config::epoch_interruption`](crate::Config::epoch_interruption) it has no effect.
    ///
    /// ```
    /// use kinglet::{Config, Engine, Instance, Module, Store, Trap};
    ///
    /// let engine = Engine::new(Config::new().epoch_interruption(true))?;
    /// let module = Module::new(&engine, r#"(module (func (export "spin") (loop (br 0))))"#)?;
    /// let mut store = Store::new(&engine, ());
    /// store.set_epoch_deadline(1);
    /// let spin = Instance::new(&mut store, &module, &[])?.get_typed_func::<(), ()>(&mut store, "spin")?;
    /// let ticker = {
    ///     let engine = engine.weak();
    ///     std::thread::spawn(move || {
    ///         std::thread::sleep(std::time::Duration::from_millis(10));
    ///         if let Some(engine) = engine.upgrade() {
    ///             engine.increment_epoch();
    ///         }
    ///     })
    /// };
    /// let error = spin.call(&mut store, ()).unwrap_err();
    /// assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::Interrupt));
    /// # ticker.join().unwrap();
    /// # Ok::<(), kinglet::Error>(())
    /// ```
    pub fn increment_epoch(&self) {
        self.epochs().increment();
    }
}
