//! Pointers to function references, as stored in handles.

use std::ptr::NonNull;

use kinglet_abi::FuncRef;
use kinglet_wasm::types::TypeId;

/// The address of a function reference. It is dereferenced only through the store that owns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FuncPointer(pub(super) NonNull<FuncRef>);

// SAFETY: this is only an address. Dereferencing it requires the store.
unsafe impl Send for FuncPointer {}
// SAFETY: this is only an address. Dereferencing it requires the store.
unsafe impl Sync for FuncPointer {}

impl FuncPointer {
    pub(crate) fn from_bits(bits: u64) -> Option<FuncPointer> {
        NonNull::new(bits as usize as *mut FuncRef).map(FuncPointer)
    }

    pub(crate) fn to_bits(self) -> u64 {
        self.0.as_ptr() as usize as u64
    }

    /// Returns the function's canonical type. The caller has checked that the owning store is alive.
    pub(crate) fn type_id(self) -> TypeId {
        // SAFETY: function references live as long as their store.
        TypeId(unsafe { self.0.as_ref().type_id })
    }
}
