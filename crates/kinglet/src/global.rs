//! Globals.

use crate::store::{StoreCore, StoreId};
use crate::{AsContext, AsContextMut, Error, GlobalType, Result, Val, vm};

/// A global of a store. A handle, which can be copied.
///
/// ```
/// use kinglet::{Engine, Global, GlobalType, Store, Val, ValType};
///
/// let engine = Engine::default();
/// let mut store = Store::new(&engine, ());
/// let counter = Global::new(&mut store, GlobalType { content: ValType::I64, mutable: true }, Val::I64(1))?;
/// counter.set(&mut store, Val::I64(2))?;
/// assert_eq!(counter.get(&store).i64(), Some(2));
/// assert!(counter.set(&mut store, Val::I32(3)).is_err(), "of another type");
/// # Ok::<(), kinglet::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Global {
    store: StoreId,
    index: usize,
}

impl Global {
    pub(crate) fn new_handle(store: StoreId, index: usize) -> Global {
        Global { store, index }
    }

    pub(crate) fn index(&self, core: &StoreCore) -> usize {
        core.check(self.store);
        self.index
    }

    /// Makes a global of the host's.
    ///
    /// # Errors
    /// If the value is not of its type; if the type mentions one of another engine, or of a module that has been dropped.
    pub fn new(mut store: impl AsContextMut, ty: GlobalType, value: Val) -> Result<Global> {
        let core = &mut store.as_context_mut().0.core;
        let slots = value.to_slots(ty.content, core)?;
        let index = vm::host_global(core, ty, slots)?;
        Ok(Global { store: core.id, index })
    }

    /// Its type.
    pub fn ty(&self, store: impl AsContext) -> GlobalType {
        let core = &store.as_context().0.core;
        core.globals[self.index(core)].ty()
    }

    /// Its value.
    pub fn get(&self, store: impl AsContext) -> Val {
        let core = &store.as_context().0.core;
        let global = &core.globals[self.index(core)];
        Val::from_slots(&global.get(), global.ty().content, core)
    }

    /// Sets its value.
    ///
    /// # Errors
    /// If it cannot be changed, or the value is not of its type.
    pub fn set(&self, mut store: impl AsContextMut, value: Val) -> Result<()> {
        let core = &mut store.as_context_mut().0.core;
        let index = self.index(core);
        let ty = core.globals[index].ty();
        if !ty.mutable {
            return Err(Error::msg("cannot set an immutable global"));
        }
        let slots = value.to_slots(ty.content, core)?;
        core.globals[index].set(slots);
        Ok(())
    }
}
