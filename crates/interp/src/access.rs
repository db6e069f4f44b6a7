//! Turns the contract's offsets into pointers. All pointer arithmetic on instances in this crate is here; the engine's
//! `vm` uses it too.
//!
//! Invariant: every instance pointer refers to a live instance with the [`VmCtxLayout`] from which the offset came, or
//! to a host context, which starts with the same fixed part. The engine establishes this when it creates them.
//!
//! [`VmCtxLayout`]: kinglet_abi::VmCtxLayout

use kinglet_abi::{VmCtx, VmCtxLocation, VmGlobal, VmMemory, VmTable};
use kinglet_wasm::types::IndexType;

/// Encodes a location in a code word: the offset, with bit 0 set if the instance holds a pointer there.
pub fn encode_location(location: VmCtxLocation) -> u32 {
    location.offset | location.imported as u32
}

/// Encodes the location of a memory or table. Bit 1 is set if its indices are 64 bits wide.
pub fn encode_indexed_location(location: VmCtxLocation, index: IndexType) -> u32 {
    encode_location(location) | ((index == IndexType::I64) as u32) << 1
}

/// Returns the address of the entity at an encoded location.
///
/// # Safety
/// The module's invariant holds, and `word` comes from [`encode_location`] for an entity of type `T`.
#[inline(always)]
pub unsafe fn resolve<T>(vmctx: *mut VmCtx, word: u32) -> *mut T {
    // SAFETY: the caller promises that the offset lies within the instance. If bit 0 is set, the instance holds a valid
    // pointer there.
    unsafe {
        let at = vmctx.byte_add((word & !1) as usize);
        if word & 1 != 0 { *at.cast::<*mut T>() } else { at.cast() }
    }
}

/// Returns the memory at an encoded location.
///
/// # Safety
/// See [`resolve`].
#[inline(always)]
pub unsafe fn memory(vmctx: *mut VmCtx, word: u32) -> *mut VmMemory {
    // SAFETY: the caller promises a live instance and the encoded location of a memory (see `resolve`).
    unsafe { resolve(vmctx, word) }
}

/// Returns the table at an encoded location.
///
/// # Safety
/// See [`resolve`].
#[inline(always)]
pub unsafe fn table(vmctx: *mut VmCtx, word: u32) -> *mut VmTable {
    // SAFETY: the caller promises a live instance and the encoded location of a table (see `resolve`).
    unsafe { resolve(vmctx, word) }
}

/// Returns the global at an encoded location.
///
/// # Safety
/// See [`resolve`].
#[inline(always)]
pub unsafe fn global(vmctx: *mut VmCtx, word: u32) -> *mut VmGlobal {
    // SAFETY: the caller promises a live instance and the encoded location of a global (see `resolve`).
    unsafe { resolve(vmctx, word) }
}

/// Returns an element of a table without initializing it, or `None` if the index is out of bounds.
///
/// In a lazily initialized table, null may stand for an uninitialized element. Only this function reads elements in
/// this crate.
///
/// # Safety
/// `table` must be live.
#[inline(always)]
pub unsafe fn element(table: *const VmTable, index: u64) -> Option<u64> {
    // SAFETY: the index is less than the number of elements in the table's record.
    unsafe { if index < (*table).len as u64 { Some(*(*table).elements.add(index as usize)) } else { None } }
}

/// Returns the base and length of an instance's memory 0.
///
/// # Safety
/// `vmctx` must be live.
#[inline(always)]
pub unsafe fn memory0(vmctx: *const VmCtx) -> (*mut u8, usize) {
    // SAFETY: every instance and host context has a memory 0, which may be empty.
    unsafe {
        let memory = (*vmctx).memory0;
        ((*memory).base, (*memory).len)
    }
}
