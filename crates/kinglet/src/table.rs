//! Tables.

use kinglet_wasm::types::ValType;

use crate::store::{StoreCore, StoreId, or_panic};
use crate::{AsContext, AsContextMut, Error, Ref, Result, TableType, Val, vm};

/// A handle to a table of a store.
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
/// let func = table.get(&mut store, 3).and_then(Ref::into_func).expect("a function");
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

    pub(crate) fn try_index(&self, core: &StoreCore) -> Result<usize> {
        core.try_check(self.store).map(|()| self.index)
    }

    pub(crate) fn store_id(&self) -> StoreId {
        self.store
    }

    /// Creates a table with its minimum size. Every element is `init`.
    ///
    /// # Errors
    /// If `init` is not of the element type; if the table exceeds a limit of the store or the system; if the type mentions
    /// a type of another engine, or of a dropped module.
    pub fn new(mut store: impl AsContextMut, ty: TableType, init: Ref) -> Result<Table> {
        let core = &mut store.as_context_mut().0.core;
        let [init, _] = Val::from(init).to_slots(ValType::Ref(ty.element), core)?;
        let index = vm::host_table(core, ty, init)?;
        Ok(Table { store: core.id, index })
    }

    /// Returns the table's type. Its minimum is the current size.
    ///
    /// # Panics
    /// If the table belongs to another store; [`Table::try_ty`] returns an error instead.
    pub fn ty(&self, store: impl AsContext) -> TableType {
        or_panic(self.try_ty(store))
    }

    /// Does the same as [`Table::ty`].
    ///
    /// # Errors
    /// If the table belongs to another store.
    pub fn try_ty(&self, store: impl AsContext) -> Result<TableType> {
        let core = &store.as_context().0.core;
        let table = &core.tables[self.try_index(core)?];
        Ok(TableType { min: table.size(), ..table.ty() })
    }

    /// Returns the number of elements.
    ///
    /// # Panics
    /// If the table belongs to another store; [`Table::try_size`] returns an error instead.
    pub fn size(&self, store: impl AsContext) -> u64 {
        or_panic(self.try_size(store))
    }

    /// Does the same as [`Table::size`].
    ///
    /// # Errors
    /// If the table belongs to another store.
    pub fn try_size(&self, store: impl AsContext) -> Result<u64> {
        let core = &store.as_context().0.core;
        let table = &core.tables[self.try_index(core)?];
        Ok(table.size())
    }

    /// Returns an element; none if the index is out of bounds.
    ///
    /// # Panics
    /// If the table belongs to another store; [`Table::try_get`] returns an error instead.
    pub fn get(&self, store: impl AsContextMut, index: u64) -> Option<Ref> {
        or_panic(self.try_get(store, index))
    }

    /// Does the same as [`Table::get`].
    ///
    /// # Errors
    /// If the table belongs to another store.
    pub fn try_get(&self, mut store: impl AsContextMut, index: u64) -> Result<Option<Ref>> {
        let core = &mut store.as_context_mut().0.core;
        let table = self.try_index(core)?;
        let bits = vm::element(core, table, index);
        Ok(bits.map(|bits| Ref::from_bits(bits, core.tables[table].ty().element, core)))
    }

    /// Sets an element.
    ///
    /// # Errors
    /// If the index is out of bounds, the value is not of the element type, or the table belongs to another store.
    pub fn set(&self, mut store: impl AsContextMut, index: u64, value: Ref) -> Result<()> {
        let core = &mut store.as_context_mut().0.core;
        let table = self.try_index(core)?;
        let [bits, _] = Val::from(value).to_slots(ValType::Ref(core.tables[table].ty().element), core)?;
        vm::set_element(core, table, index, bits).ok_or_else(out_of_bounds)
    }

    /// Grows the table by `delta` elements with the value `init`, and returns the previous number of elements.
    ///
    /// # Errors
    /// If the new size exceeds a limit of the type, the store or the system; if `init` is not of the element type; if the
    /// table belongs to another store.
    pub fn grow(&self, mut store: impl AsContextMut, delta: u64, init: Ref) -> Result<u64> {
        let core = &mut store.as_context_mut().0.core;
        let table = self.try_index(core)?;
        let [init, _] = Val::from(init).to_slots(ValType::Ref(core.tables[table].ty().element), core)?;
        let old = core.tables[table].size();
        match vm::grow_table(core, table, delta, init) {
            Ok(true) => Ok(old),
            Ok(false) => Err(Error::msg(format!("cannot grow a table of {old} elements by {delta}"))),
            Err(trap) => Err(core.error.take().unwrap_or_else(|| Error::new(trap))),
        }
    }

    /// Sets `len` elements from `start` to `value`, as `table.fill` does.
    ///
    /// # Errors
    /// If the range is out of bounds, the value is not of the element type, or the table belongs to another store. The
    /// table is then unchanged.
    pub fn fill(&self, mut store: impl AsContextMut, start: u64, value: Ref, len: u64) -> Result<()> {
        let core = &mut store.as_context_mut().0.core;
        let table = self.try_index(core)?;
        let [bits, _] = Val::from(value).to_slots(ValType::Ref(core.tables[table].ty().element), core)?;
        vm::elements(core, table, start, len).ok_or_else(out_of_bounds)?.fill(bits);
        Ok(())
    }

    /// Copies `len` elements from `from_start` of the table `from` to `to_start` of the table `to`, as `table.copy` does.
    /// Both can be the same table, and the ranges can overlap.
    ///
    /// # Errors
    /// If a range is out of bounds, the element types do not match, or a table belongs to another store. The tables are
    /// then unchanged.
    pub fn copy(
        mut store: impl AsContextMut,
        to: &Table,
        to_start: u64,
        from: &Table,
        from_start: u64,
        len: u64,
    ) -> Result<()> {
        let core = &mut store.as_context_mut().0.core;
        let (to, from) = (to.try_index(core)?, from.try_index(core)?);
        let (wanted, given) = (core.tables[to].ty().element, core.tables[from].ty().element);
        if !core.engine.types().ref_matches(given, wanted) {
            let (given, wanted) = (ValType::Ref(given), ValType::Ref(wanted));
            return Err(Error::msg(format!("cannot copy elements of type {given} to a table of {wanted}")));
        }
        vm::copy_elements(core, (to, to_start), (from, from_start), len).ok_or_else(out_of_bounds)
    }
}

fn out_of_bounds() -> Error {
    Error::new(crate::Trap::TableOutOfBounds)
}
