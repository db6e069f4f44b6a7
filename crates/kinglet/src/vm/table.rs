//! Tables: the elements, the record that code sees, and growth. The only place besides the interpreter's `access` that
//! reads a raw element.

use std::ptr::NonNull;

use kinglet_abi::VmTable;
use kinglet_wasm::limits::MAX_TABLE_ELEMENTS;
use kinglet_wasm::types::TableType;

use crate::{Error, Result};

/// A table of a store.
#[derive(Debug)]
pub(crate) struct TableInstance {
    ty: TableType,
    elements: Vec<u64>,
    record: NonNull<VmTable>,
    /// Keeps the record, if no instance does.
    _own: Option<Box<VmTable>>,
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
        let record = record.unwrap_or_else(|| {
            let boxed = own.insert(Box::new(VmTable { elements: std::ptr::null_mut(), len: 0 }));
            NonNull::from(&mut **boxed)
        });
        let mut table = TableInstance { ty, elements: vec![init; ty.min as usize], record, _own: own };
        table.publish();
        Ok(table)
    }

    fn publish(&mut self) {
        let record = VmTable { elements: self.elements.as_mut_ptr(), len: self.elements.len() };
        // SAFETY: the record lives as long as the table, and no guest code runs while it is written.
        unsafe { self.record.write(record) };
    }

    pub(crate) fn record(&self) -> NonNull<VmTable> {
        self.record
    }

    /// Its type as declared.
    pub(crate) fn ty(&self) -> TableType {
        self.ty
    }

    pub(crate) fn size(&self) -> u64 {
        self.elements.len() as u64
    }

    pub(crate) fn get(&self, index: u64) -> Option<u64> {
        self.elements.get(usize::try_from(index).ok()?).copied()
    }

    /// Sets an element; none if it is outside.
    pub(crate) fn set(&mut self, index: u64, value: u64) -> Option<()> {
        *self.elements.get_mut(usize::try_from(index).ok()?)? = value;
        Some(())
    }

    /// The elements from `start` on, `len` of them; none if any is outside.
    pub(crate) fn range(&mut self, start: u64, len: u64) -> Option<&mut [u64]> {
        let end = start.checked_add(len)?;
        self.elements.get_mut(usize::try_from(start).ok()?..usize::try_from(end).ok()?)
    }

    /// Copies elements within the table; none if any is outside.
    pub(crate) fn copy_within(&mut self, to: u64, from: u64, len: u64) -> Option<()> {
        self.range(to, len)?;
        self.range(from, len)?;
        self.elements.copy_within(from as usize..(from + len) as usize, to as usize);
        Some(())
    }

    /// The size after growing by `delta`, if the type and this implementation's limit allow it.
    pub(crate) fn growth(&self, delta: u64) -> Option<usize> {
        let size = self.size().checked_add(delta)?;
        (size <= self.ty.max.unwrap_or(u64::MAX).min(MAX_TABLE_ELEMENTS)).then_some(size as usize)
    }

    /// Grows to what [`Self::growth`] said; false if there is not enough memory.
    pub(crate) fn grow_to(&mut self, size: usize, init: u64) -> bool {
        if self.elements.try_reserve_exact(size - self.elements.len()).is_err() {
            return false;
        }
        self.elements.resize(size, init);
        self.publish();
        true
    }
}
