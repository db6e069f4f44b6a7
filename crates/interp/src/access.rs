//! The one place that turns the contract's offsets into pointers. Public to the engine's `vm` too.
//!
//! Invariant: an instance pointer handed in is that of a live instance laid out by the [`VmCtxLayout`] the offset came
//! from, or of a host context, which starts with the same fixed part; established by the engine when it makes them.
//!
//! [`VmCtxLayout`]: kinglet_abi::VmCtxLayout

use kinglet_abi::{Place, VmCtx, VmGlobal, VmMemory, VmTable};
use kinglet_wasm::types::IndexType;

/// The word that code carries for a place: the offset, with the lowest bit set if a pointer is there.
pub fn encode_place(place: Place) -> u32 {
    place.offset | place.imported as u32
}

/// The same for a memory or table, with bit 1 set if its indices are 64 bits wide.
pub fn encode_indexed_place(place: Place, index: IndexType) -> u32 {
    encode_place(place) | ((index == IndexType::I64) as u32) << 1
}

/// What a place word refers to.
///
/// # Safety
/// See the module's invariant; `word` must come from [`encode_place`] with a place holding a `T`.
#[inline(always)]
pub unsafe fn place<T>(vmctx: *mut VmCtx, word: u32) -> *mut T {
    // SAFETY: by contract the offset lies in the instance, and the odd ones hold a valid pointer.
    unsafe {
        let at = vmctx.byte_add((word & !1) as usize);
        if word & 1 != 0 { *at.cast::<*mut T>() } else { at.cast() }
    }
}

/// The memory at a place.
///
/// # Safety
/// See [`place`].
#[inline(always)]
pub unsafe fn memory(vmctx: *mut VmCtx, word: u32) -> *mut VmMemory {
    // SAFETY: the caller promises a live instance and the word of a place that holds a memory (see `place`).
    unsafe { place(vmctx, word) }
}

/// The table at a place.
///
/// # Safety
/// See [`place`].
#[inline(always)]
pub unsafe fn table(vmctx: *mut VmCtx, word: u32) -> *mut VmTable {
    // SAFETY: the caller promises a live instance and the word of a place that holds a table (see `place`).
    unsafe { place(vmctx, word) }
}

/// The global at a place.
///
/// # Safety
/// See [`place`].
#[inline(always)]
pub unsafe fn global(vmctx: *mut VmCtx, word: u32) -> *mut VmGlobal {
    // SAFETY: the caller promises a live instance and the word of a place that holds a global (see `place`).
    unsafe { place(vmctx, word) }
}

/// The raw element of a table, if the index is inside it: null may stand for one that is not there yet. Nothing else
/// reads a raw element in this crate.
///
/// # Safety
/// `table` must be live.
#[inline(always)]
pub unsafe fn element(table: *const VmTable, index: u64) -> Option<u64> {
    // SAFETY: the table's record says how many elements there are.
    unsafe { if index < (*table).len as u64 { Some(*(*table).elements.add(index as usize)) } else { None } }
}

/// Base and length of an instance's memory 0.
///
/// # Safety
/// `vmctx` must be live.
#[inline(always)]
pub unsafe fn memory0(vmctx: *const VmCtx) -> (*mut u8, usize) {
    // SAFETY: every instance and host context has a memory 0, if an empty one.
    unsafe {
        let memory = (*vmctx).memory0;
        ((*memory).base, (*memory).len)
    }
}
