//! Tables: the elements, the record that code sees, and growth. A lazily initialised table makes an element when it is
//! first wanted: until then it is null, as any other that has no function. [`element`] alone knows which of the two it is;
//! nothing else reads a raw element, but code that asks [`element`] about each that is null.

use std::alloc::Layout;
use std::ptr::NonNull;
use std::sync::Arc;

use kinglet_abi::VmTable;
use kinglet_wasm::initial::InitialTable;
use kinglet_wasm::limits::MAX_TABLE_ELEMENTS;
use kinglet_wasm::types::{TableType, TypeGroup};

use super::address::{Address, Owned};
use super::room;
use crate::store::StoreCore;
use crate::{Error, Result};

/// Above so many elements a table that was written to is made anew rather than cleared: the system has zeros for less.
const LARGE: usize = 8 << 10;

/// Whether there is memory for so many elements, and for the host. For a small table, which takes no more than other
/// parts of an instance, nobody asks.
fn has_room(elements: usize) -> bool {
    const SMALL: usize = 1 << 10;
    elements <= SMALL || room::is_there(elements.saturating_mul(size_of::<u64>()))
}

/// So many elements; none if there is no memory for them. If they are null the system has zeros for them.
fn filled(len: usize, init: u64) -> Option<Vec<u64>> {
    if !has_room(len) {
        return None;
    }
    if init != 0 || len == 0 {
        let mut elements = Vec::new();
        elements.try_reserve_exact(len).ok()?;
        elements.resize(len, init);
        return Some(elements);
    }
    let layout = Layout::array::<u64>(len).ok()?;
    // SAFETY: the layout is not empty.
    let start = NonNull::new(unsafe { std::alloc::alloc_zeroed(layout) })?;
    // SAFETY: just allocated with the layout of so many elements, which are all zero.
    Some(unsafe { Vec::from_raw_parts(start.as_ptr().cast(), len, len) })
}

/// A table of a store.
#[derive(Debug)]
pub(crate) struct TableInstance {
    ty: TableType,
    elements: Vec<u64>,
    /// Of a lazily initialised table the instance that defines it, and its index there.
    lazy: Option<(usize, u32)>,
    /// Whether it holds already what its module says.
    ready: bool,
    record: Address<VmTable>,
    /// Keeps the record, if no instance does.
    _own: Option<Owned<VmTable>>,
    /// Keeps the type that the elements' mentions, if no instance does.
    _type: Option<Arc<TypeGroup>>,
}

/// The bytes of so many elements.
pub(super) fn bytes(elements: u64) -> usize {
    usize::try_from(elements).unwrap_or(usize::MAX).saturating_mul(size_of::<u64>())
}

impl TableInstance {
    /// Makes a table with its minimum size; its record is at `record`, or its own.
    ///
    /// # Safety
    /// `record` is valid for as long as the table.
    pub(super) unsafe fn new(ty: TableType, init: u64, record: Option<NonNull<VmTable>>) -> Result<TableInstance> {
        if ty.min > MAX_TABLE_ELEMENTS {
            return Err(Error::msg(format!(
                "cannot make a table of {} elements: the limit is {MAX_TABLE_ELEMENTS}",
                ty.min
            )));
        }
        let mut own = None;
        let empty = || Box::new(VmTable { elements: std::ptr::null_mut(), len: 0, written: 0 });
        let record = record.map_or_else(|| own.insert(Owned::new(empty())).address(), Address);
        let Some(elements) = filled(ty.min as usize, init) else {
            return Err(Error::msg(format!("cannot make a table of {} elements: out of memory", ty.min)));
        };
        let mut table = TableInstance { ty, elements, lazy: None, ready: false, record, _own: own, _type: None };
        table.publish();
        table.set_written(false);
        Ok(table)
    }

    /// Has the table keep the type that its elements' mentions.
    pub(super) fn keep(&mut self, ty: Option<Arc<TypeGroup>>) {
        self._type = ty;
    }

    fn publish(&mut self) {
        // SAFETY: the record lives as long as the table, and no guest code runs while it is written.
        unsafe {
            (*self.record.0.as_ptr()).elements = self.elements.as_mut_ptr();
            (*self.record.0.as_ptr()).len = self.elements.len();
        }
    }

    fn set_written(&mut self, written: bool) {
        // SAFETY: the record is the table's own, and no guest code runs while the store is borrowed.
        unsafe { (*self.record.0.as_ptr()).written = written.into() };
    }

    pub(crate) fn record(&self) -> NonNull<VmTable> {
        self.record.0
    }

    /// Its type as declared.
    pub(crate) fn ty(&self) -> TableType {
        self.ty
    }

    pub(crate) fn size(&self) -> u64 {
        self.elements.len() as u64
    }

    /// Sets an element; none if it is outside. Null only if the table is not lazily initialised any more.
    fn set(&mut self, index: u64, value: u64) -> Option<()> {
        *self.elements.get_mut(usize::try_from(index).ok()?)? = value;
        self.set_written(true);
        Some(())
    }

    /// Whether these elements are all inside.
    pub(crate) fn has(&self, start: u64, len: u64) -> bool {
        start.checked_add(len).is_some_and(|end| end <= self.size())
    }

    /// The elements, to be traced.
    pub(crate) fn raw_elements(&mut self) -> &mut [u64] {
        &mut self.elements
    }

    /// The size after growing by `delta`, if the type and this implementation's limit allow it.
    pub(crate) fn growth(&self, delta: u64) -> Option<usize> {
        let size = self.size().checked_add(delta)?;
        (size <= self.ty.max.unwrap_or(u64::MAX).min(MAX_TABLE_ELEMENTS)).then_some(size as usize)
    }

    /// Grows to what [`Self::growth`] said; false if there is not enough memory. No module says what is in new elements.
    pub(crate) fn grow_to(&mut self, size: usize, init: u64) -> bool {
        let more = size - self.elements.len();
        // They may move: then there are both for a while.
        if size > self.elements.capacity() && !has_room(size) || self.elements.try_reserve_exact(more).is_err() {
            return false;
        }
        self.elements.resize(size, init);
        self.publish();
        self.set_written(true);
        true
    }

    /// Makes it what a new instance of the module finds, with the same record. Elements that refer to the instance's own
    /// functions can stay if nothing was written: they are where they were.
    pub(super) fn recycle(&mut self) {
        // SAFETY: the record is the table's own, and no guest code runs while the store is borrowed.
        let written = unsafe { (*self.record.0.as_ptr()).written } != 0;
        let size = self.ty.min as usize;
        let large = self.elements.capacity() > 2 * size + 64 || written && size > LARGE;
        if let Some(elements) = large.then(|| filled(size, 0)).flatten() {
            self.elements = elements;
        } else if written || !(self.ready || self.lazy.is_some()) {
            self.elements.truncate(size);
            self.elements.fill(0);
        }
        self.ready &= !written;
        self.lazy = None;
        self.publish();
        self.set_written(false);
    }
}

/// Has a table that an instance defines hold what its module says: now, or each element when it is wanted.
pub(super) fn initialize(core: &mut StoreCore, instance: usize, index: u32, initial: &InitialTable) {
    let table = core.instances[instance].tables[index as usize];
    if initial.is_lazy() {
        core.tables[table].lazy = Some((instance, index));
        return;
    }
    if core.tables[table].ready {
        return;
    }
    for (at, function) in (0..).zip(&initial.functions) {
        if *function != InitialTable::NULL {
            let reference = super::instance::func_ref(core, instance, *function);
            core.tables[table].set(at, reference.map_or(0, |it| it.to_bits()));
        }
    }
    core.tables[table].ready = true;
    // A function that is imported is another one next time.
    core.tables[table].set_written(initial.has_imports);
}

/// An element; none if it is outside.
pub(crate) fn element(core: &mut StoreCore, table: usize, index: u64) -> Option<u64> {
    let it = &core.tables[table];
    let element = *it.elements.get(usize::try_from(index).ok()?)?;
    let (0, Some((instance, own))) = (element, it.lazy) else { return Some(element) };
    let inner = core.instances[instance].module.inner().clone();
    let initial = inner.wasm().initial_tables().get(own as usize).and_then(Option::as_ref);
    let Some(function) = initial.and_then(|initial| initial.function(index)) else { return Some(0) };
    let made = super::instance::func_ref(core, instance, function)?.to_bits();
    let it = &mut core.tables[table];
    it.elements[index as usize] = made;
    if function < inner.wasm().imported_funcs {
        // It is another one next time.
        it.set_written(true);
    }
    Some(made)
}

/// Sets an element; none if it is outside.
pub(crate) fn set_element(core: &mut StoreCore, table: usize, index: u64, value: u64) -> Option<()> {
    if value == 0 {
        complete(core, table);
    }
    core.tables[table].set(index, value)
}

/// Some elements, to be read and written; none if any is outside.
pub(crate) fn elements(core: &mut StoreCore, table: usize, start: u64, len: u64) -> Option<&mut [u64]> {
    if !core.tables[table].has(start, len) {
        return None;
    }
    complete(core, table);
    let it = &mut core.tables[table];
    it.set_written(true);
    it.elements.get_mut(start as usize..(start + len) as usize)
}

/// Copies elements from one table to another, or within one; none if any is outside.
pub(crate) fn copy_elements(
    core: &mut StoreCore,
    (to, at): (usize, u64),
    (from, start): (usize, u64),
    len: u64,
) -> Option<()> {
    elements(core, to, at, len)?;
    elements(core, from, start, len)?;
    let (at, from_range) = (at as usize, start as usize..(start + len) as usize);
    if to == from {
        core.tables[to].elements.copy_within(from_range, at);
    } else if let Ok([to, from]) = core.tables.get_disjoint_mut([to, from]) {
        to.elements[at..at + len as usize].copy_from_slice(&from.elements[from_range]);
    }
    Some(())
}

/// Makes all elements of a lazily initialised table, so that null is null from then on.
fn complete(core: &mut StoreCore, table: usize) {
    let Some((instance, own)) = core.tables[table].lazy else { return };
    let inner = core.instances[instance].module.inner().clone();
    let initial = inner.wasm().initial_tables().get(own as usize).and_then(Option::as_ref);
    for index in 0..initial.map_or(0, |initial| initial.functions.len() as u64) {
        element(core, table, index);
    }
    core.tables[table].lazy = None;
    core.tables[table].set_written(true);
}
