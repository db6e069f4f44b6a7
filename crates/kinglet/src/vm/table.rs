//! Tables: the elements, the record that guest code sees, and growth. A lazily initialized table creates an element on
//! first access. Until then the element is null, like an element without a function. Only [`element`] can distinguish
//! the two. All other code reads elements through it, or calls it for each null element.

use std::alloc::Layout;
use std::ptr::NonNull;
use std::sync::Arc;

use kinglet_abi::VmTable;
use kinglet_wasm::initial::InitialTable;
use kinglet_wasm::limits::MAX_TABLE_ELEMENTS;
use kinglet_wasm::types::{TableType, TypeGroup};

use super::address::{Address, Owned};
use super::headroom;
use crate::store::StoreCore;
use crate::{Error, Result};

/// The number of elements above which a written table is reallocated instead of cleared. Zeroed memory from the system
/// is then cheaper.
const REALLOCATE_ABOVE: usize = 8 << 10;

/// Returns whether the process can allocate this many elements and keep memory for the host. Does not check small
/// tables, which are no larger than other parts of an instance.
fn memory_allows(elements: usize) -> bool {
    const SMALL: usize = 1 << 10;
    elements <= SMALL || headroom::can_reserve(elements.saturating_mul(size_of::<u64>()))
}

/// Allocates elements with an initial value. Returns `None` if the system lacks memory. Null elements use zeroed memory
/// from the system.
fn allocate(len: usize, init: u64) -> Option<Vec<u64>> {
    if !memory_allows(len) {
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
    // SAFETY: the memory was just allocated with the layout of `len` elements, all zero.
    Some(unsafe { Vec::from_raw_parts(start.as_ptr().cast(), len, len) })
}

/// A table in a store.
#[derive(Debug)]
pub(crate) struct TableInstance {
    ty: TableType,
    elements: Vec<u64>,
    /// For a lazily initialized table, the instance that defines it and the table's index there.
    lazy: Option<(usize, u32)>,
    /// Whether the table already contains the initial elements of its module.
    initialized: bool,
    record: Address<VmTable>,
    /// Owns the record of a host table. The records of other tables belong to instances.
    _own: Option<Owned<VmTable>>,
    /// Keeps the element type of a host table alive. For other tables, an instance's module keeps the type alive.
    _type: Option<Arc<TypeGroup>>,
}

/// Returns the size of this many elements in bytes.
pub(super) fn bytes(elements: u64) -> usize {
    usize::try_from(elements).unwrap_or(usize::MAX).saturating_mul(size_of::<u64>())
}

impl TableInstance {
    /// Creates a table of its minimum size. Its record is at `record`, or else in a new allocation.
    ///
    /// # Safety
    /// `record` is valid for as long as the table.
    pub(super) unsafe fn new(ty: TableType, init: u64, record: Option<NonNull<VmTable>>) -> Result<TableInstance> {
        if ty.min > MAX_TABLE_ELEMENTS {
            return Err(Error::msg(format!(
                "cannot allocate a table of {} elements: the limit is {MAX_TABLE_ELEMENTS}",
                ty.min
            )));
        }
        let mut own_record = None;
        let empty = || Box::new(VmTable { elements: std::ptr::null_mut(), len: 0, written: 0 });
        let record = record.map_or_else(|| own_record.insert(Owned::new(empty())).address(), Address);
        let Some(elements) = allocate(ty.min as usize, init) else {
            return Err(Error::msg(format!("cannot allocate a table of {} elements: out of memory", ty.min)));
        };
        let mut table =
            TableInstance { ty, elements, lazy: None, initialized: false, record, _own: own_record, _type: None };
        table.publish();
        table.set_written(false);
        Ok(table)
    }

    /// Keeps the element type alive as long as the table.
    pub(super) fn keep_type(&mut self, ty: Option<Arc<TypeGroup>>) {
        self._type = ty;
    }

    fn publish(&mut self) {
        // SAFETY: the record lives as long as the table, and no guest code runs during this write.
        unsafe {
            (*self.record.0.as_ptr()).elements = self.elements.as_mut_ptr();
            (*self.record.0.as_ptr()).len = self.elements.len();
        }
    }

    fn set_written(&mut self, written: bool) {
        // SAFETY: only this table refers to the record, and no guest code runs while the store is borrowed.
        unsafe { (*self.record.0.as_ptr()).written = written.into() };
    }

    pub(crate) fn record(&self) -> NonNull<VmTable> {
        self.record.0
    }

    /// Returns the declared type.
    pub(crate) fn ty(&self) -> TableType {
        self.ty
    }

    pub(crate) fn size(&self) -> u64 {
        self.elements.len() as u64
    }

    /// Sets an element. Returns `None` if the index is out of bounds. The value may be null only if the table is no
    /// longer lazily initialized.
    fn set(&mut self, index: u64, value: u64) -> Option<()> {
        *self.elements.get_mut(usize::try_from(index).ok()?)? = value;
        self.set_written(true);
        Some(())
    }

    /// Returns whether all these elements are in bounds.
    pub(crate) fn contains(&self, start: u64, len: u64) -> bool {
        start.checked_add(len).is_some_and(|end| end <= self.size())
    }

    /// Returns the raw elements, for the garbage collector.
    pub(crate) fn raw_elements(&mut self) -> &mut [u64] {
        &mut self.elements
    }

    /// Returns the size after growing by `delta`, if the type and Kinglet's own limit allow it.
    pub(crate) fn growth(&self, delta: u64) -> Option<usize> {
        let size = self.size().checked_add(delta)?;
        (size <= self.ty.max.unwrap_or(u64::MAX).min(MAX_TABLE_ELEMENTS)).then_some(size as usize)
    }

    /// Grows as [`Self::growth`] computed. Returns false if the system lacks memory. A module has no initial elements
    /// for the new part.
    pub(crate) fn grow_to(&mut self, size: usize, init: u64) -> bool {
        let added = size - self.elements.len();
        // If the elements move, both copies exist for a while.
        if size > self.elements.capacity() && !memory_allows(size) || self.elements.try_reserve_exact(added).is_err() {
            return false;
        }
        self.elements.resize(size, init);
        self.publish();
        self.set_written(true);
        true
    }

    /// Resets the table for the next instance of its module, with the same record. If nothing was written, elements
    /// that refer to the instance's own functions stay, because the functions have the same addresses in the next
    /// instance.
    pub(super) fn recycle(&mut self) {
        // SAFETY: only this table refers to the record, and no guest code runs while the store is borrowed.
        let written = unsafe { (*self.record.0.as_ptr()).written } != 0;
        let size = self.ty.min as usize;
        let large = self.elements.capacity() > 2 * size + 64 || written && size > REALLOCATE_ABOVE;
        if let Some(elements) = large.then(|| allocate(size, 0)).flatten() {
            self.elements = elements;
        } else if written || !(self.initialized || self.lazy.is_some()) {
            self.elements.truncate(size);
            self.elements.fill(0);
        }
        self.initialized &= !written;
        self.lazy = None;
        self.publish();
        self.set_written(false);
    }
}

/// Writes the initial elements of an instance's table now, or marks the table for lazy initialization.
pub(super) fn initialize(core: &mut StoreCore, instance: usize, index: u32, initial: &InitialTable) {
    let table = core.instances[instance].tables[index as usize];
    if initial.is_lazy() {
        core.tables[table].lazy = Some((instance, index));
        return;
    }
    if core.tables[table].initialized {
        return;
    }
    for (at, function) in (0..).zip(&initial.functions) {
        if *function != InitialTable::NULL {
            let reference = super::instance::func_ref(core, instance, *function);
            core.tables[table].set(at, reference.map_or(0, |it| it.to_bits()));
        }
    }
    core.tables[table].initialized = true;
    // The next instance imports other functions.
    core.tables[table].set_written(initial.has_imports);
}

/// Returns an element, or `None` if the index is out of bounds. Initializes it first if the table is lazy.
pub(crate) fn element(core: &mut StoreCore, table: usize, index: u64) -> Option<u64> {
    let table_instance = &core.tables[table];
    let element = *table_instance.elements.get(usize::try_from(index).ok()?)?;
    let (0, Some((instance, index_in_instance))) = (element, table_instance.lazy) else { return Some(element) };
    let inner = core.instances[instance].module.inner().clone();
    let initial = inner.wasm().initial_tables().get(index_in_instance as usize).and_then(Option::as_ref);
    let Some(function) = initial.and_then(|initial| initial.function(index)) else { return Some(0) };
    let reference = super::instance::func_ref(core, instance, function)?.to_bits();
    let table_instance = &mut core.tables[table];
    table_instance.elements[index as usize] = reference;
    if function < inner.wasm().imported_funcs {
        // The next instance imports another function.
        table_instance.set_written(true);
    }
    Some(reference)
}

/// Sets an element. Returns `None` if the index is out of bounds.
pub(crate) fn set_element(core: &mut StoreCore, table: usize, index: u64, value: u64) -> Option<()> {
    if value == 0 {
        initialize_all(core, table);
    }
    core.tables[table].set(index, value)
}

/// Returns elements for reading and writing, or `None` if any is out of bounds.
pub(crate) fn elements(core: &mut StoreCore, table: usize, start: u64, len: u64) -> Option<&mut [u64]> {
    if !core.tables[table].contains(start, len) {
        return None;
    }
    initialize_all(core, table);
    let table = &mut core.tables[table];
    table.set_written(true);
    table.elements.get_mut(start as usize..(start + len) as usize)
}

/// Copies elements from one table to another, or within one. Returns `None` if any is out of bounds.
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

/// Initializes all elements of a lazy table. Afterwards null elements are null references.
fn initialize_all(core: &mut StoreCore, table: usize) {
    let Some((instance, index_in_instance)) = core.tables[table].lazy else { return };
    let inner = core.instances[instance].module.inner().clone();
    let initial = inner.wasm().initial_tables().get(index_in_instance as usize).and_then(Option::as_ref);
    for index in 0..initial.map_or(0, |initial| initial.functions.len() as u64) {
        element(core, table, index);
    }
    core.tables[table].lazy = None;
    core.tables[table].set_written(true);
}
