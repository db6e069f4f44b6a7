//! Globals.

use crate::store::{StoreCore, StoreId, or_panic};
use crate::{AsContext, AsContextMut, Error, GlobalType, Result, Val, vm};

/// A handle to a global of a store.
///
/// ```
/// use kinglet::{Engine, Global, GlobalType, Mutability, Store, Val, ValType};
///
/// let engine = Engine::default();
/// let mut store = Store::new(&engine, ());
/// let counter = Global::new(&mut store, GlobalType::new(ValType::I64, Mutability::Var), Val::I64(1))?;
/// counter.set(&mut store, Val::I64(2))?;
/// assert_eq!(counter.get(&store).i64(), Some(2));
/// assert!(counter.set(&mut store, Val::I32(3)).is_err(), "the type differs");
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

    pub(crate) fn try_index(&self, core: &StoreCore) -> Result<usize> {
        core.try_check(self.store).map(|()| self.index)
    }

    pub(crate) fn store_id(&self) -> StoreId {
        self.store
    }

    /// Creates a global.
    ///
    /// # Errors
    /// If the value is not of the global's type; if the type mentions a type of another engine, or of a dropped module.
    pub fn new(mut store: impl AsContextMut, ty: GlobalType, value: Val) -> Result<Global> {
        let core = &mut store.as_context_mut().0.core;
        let slots = value.to_slots(ty.content, core)?;
        let index = vm::host_global(core, ty, slots)?;
        Ok(Global { store: core.id, index })
    }

    /// Returns the global's type.
    ///
    /// # Panics
    /// If the global belongs to another store; [`Global::try_ty`] returns an error instead.
    pub fn ty(&self, store: impl AsContext) -> GlobalType {
        or_panic(self.try_ty(store))
    }

    /// Does the same as [`Global::ty`].
    ///
    /// # Errors
    /// If the global belongs to another store.
    pub fn try_ty(&self, store: impl AsContext) -> Result<GlobalType> {
        let core = &store.as_context().0.core;
        let global = &core.globals[self.try_index(core)?];
        Ok(global.ty())
    }

    /// Returns the global's value.
    ///
    /// # Panics
    /// If the global belongs to another store; [`Global::try_get`] returns an error instead.
    pub fn get(&self, store: impl AsContext) -> Val {
        or_panic(self.try_get(store))
    }

    /// Does the same as [`Global::get`].
    ///
    /// # Errors
    /// If the global belongs to another store.
    pub fn try_get(&self, store: impl AsContext) -> Result<Val> {
        let core = &store.as_context().0.core;
        let global = &core.globals[self.try_index(core)?];
        Ok(Val::from_slots(&global.get(), global.ty().content, core))
    }

    /// Sets the global's value.
    ///
    /// # Errors
    /// If the global is immutable, the value is not of its type, or the global belongs to another store.
    pub fn set(&self, mut store: impl AsContextMut, value: Val) -> Result<()> {
        let core = &mut store.as_context_mut().0.core;
        let index = self.try_index(core)?;
        let ty = core.globals[index].ty();
        if !ty.mutable {
            return Err(Error::msg("cannot set an immutable global"));
        }
        let slots = value.to_slots(ty.content, core)?;
        core.globals[index].set(slots);
        Ok(())
    }
}
