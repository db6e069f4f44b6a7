//! Tables.

use kinglet_wasm::types::ValType;

use crate::store::{StoreCore, StoreId};
use crate::{AsContext, AsContextMut, Error, Ref, Result, TableType, Val, vm};

/// A table of a store.
///
/// ```
/// use kinglet::{Engine, Func, Ref, RefType, Store, Table, TableType};
///
/// let engine = Engine::default();
/// let mut store = Store::new(&engine, ());
/// let table = Table::new(&mut store, TableType::new(RefType::FUNCREF, 2, Some(10)), Ref::Func(None))?;
/// let answer = Func::wrap(&mut store, || 42);
/// table.set(&mut store, 1, answer.into())?;
/// assert_eq!(table.grow(&mut store, 3, Ref::Func(None))?, 2);
/// Table::copy(&mut store, &table, 3, &table, 1, 1)?;
/// let func = table.get(&mut store, 3).and_then(Ref::into_func).expect("it was copied there");
/// assert_eq!(func.typed::<(), i32>(&store)?.call(&mut store, ())?, 42);
/// # Ok::<(), kinglet::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    store: StoreId,
    index: usize,
}

impl Table {
    pub(crate) fn new_handle(store: StoreId, index: usize) -> Table {
        Table { store, index }
    }

    pub(crate) fn index(&self, core: &StoreCore) -> usize {
        core.check(self.store);
        self.index
    }

    /// Makes a table of the host's, with its minimum size, all elements `init`.
    ///
    /// # Errors
    /// If `init` is not of the table's type, or it is over the limits of the store or the system; if the type mentions one
    /// of another engine, or of a module that has been dropped.
    pub fn new(mut store: impl AsContextMut, ty: TableType, init: Ref) -> Result<Table> {
        let core = &mut store.as_context_mut().0.core;
        let [init, _] = Val::from(init).to_slots(ValType::Ref(ty.element), core)?;
        let index = vm::host_table(core, ty, init)?;
        Ok(Table { store: core.id, index })
    }

    /// Its type, with its present size as the minimum.
    pub fn ty(&self, store: impl AsContext) -> TableType {
        let core = &store.as_context().0.core;
        let table = &core.tables[self.index(core)];
        TableType { min: table.size(), ..table.ty() }
    }

    /// Its number of elements.
    pub fn size(&self, store: impl AsContext) -> u64 {
        let core = &store.as_context().0.core;
        core.tables[self.index(core)].size()
    }

    /// An element; none if the index is outside.
    pub fn get(&self, mut store: impl AsContextMut, index: u64) -> Option<Ref> {
        let core = &mut store.as_context_mut().0.core;
        let table = self.index(core);
        let bits = vm::element(core, table, index)?;
        Some(Ref::from_bits(bits, core.tables[table].ty().element, core))
    }

    /// Sets an element.
    ///
    /// # Errors
    /// If the index is outside, or the value not of the table's type.
    pub fn set(&self, mut store: impl AsContextMut, index: u64, value: Ref) -> Result<()> {
        let core = &mut store.as_context_mut().0.core;
        let table = self.index(core);
        let [bits, _] = Val::from(value).to_slots(ValType::Ref(core.tables[table].ty().element), core)?;
        vm::set_element(core, table, index, bits).ok_or_else(outside)
    }

    /// Grows it by `delta` elements that are `init`. Returns the size before.
    ///
    /// # Errors
    /// If it may not become so large, or `init` is not of its type.
    pub fn grow(&self, mut store: impl AsContextMut, delta: u64, init: Ref) -> Result<u64> {
        let core = &mut store.as_context_mut().0.core;
        let table = self.index(core);
        let [init, _] = Val::from(init).to_slots(ValType::Ref(core.tables[table].ty().element), core)?;
        let old = core.tables[table].size();
        match vm::grow_table(core, table, delta, init) {
            Ok(true) => Ok(old),
            Ok(false) => Err(Error::msg(format!("cannot grow a table of {old} elements by {delta}"))),
            Err(trap) => Err(core.error.take().unwrap_or_else(|| Error::new(trap))),
        }
    }

    /// Sets `len` elements from `start` on to `value`, as `table.fill` does.
    ///
    /// # Errors
    /// If they are not all inside, or the value not of the table's type; then nothing is changed.
    pub fn fill(&self, mut store: impl AsContextMut, start: u64, value: Ref, len: u64) -> Result<()> {
        let core = &mut store.as_context_mut().0.core;
        let table = self.index(core);
        let [bits, _] = Val::from(value).to_slots(ValType::Ref(core.tables[table].ty().element), core)?;
        vm::elements(core, table, start, len).ok_or_else(outside)?.fill(bits);
        Ok(())
    }

    /// Copies `len` elements of `from`, beginning with `from_start`, into `to`, beginning at `to_start`, as
    /// `table.copy` does. Both can be the same table, and the ranges overlap.
    ///
    /// # Errors
    /// If they are not all inside, or the type of one table's elements does not match the other's; then nothing is
    /// changed.
    pub fn copy(
        mut store: impl AsContextMut,
        to: &Table,
        to_start: u64,
        from: &Table,
        from_start: u64,
        len: u64,
    ) -> Result<()> {
        let core = &mut store.as_context_mut().0.core;
        let (to, from) = (to.index(core), from.index(core));
        let (wanted, given) = (core.tables[to].ty().element, core.tables[from].ty().element);
        if !core.engine.types().ref_matches(given, wanted) {
            let (given, wanted) = (ValType::Ref(given), ValType::Ref(wanted));
            return Err(Error::msg(format!("cannot copy elements of type {given} to a table of {wanted}")));
        }
        vm::copy_elements(core, (to, to_start), (from, from_start), len).ok_or_else(outside)
    }
}

fn outside() -> Error {
    Error::new(crate::Trap::TableOutOfBounds)
}
