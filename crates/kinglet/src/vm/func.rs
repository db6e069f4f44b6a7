//! Pointers to function references, as handles carry them.

use std::ptr::NonNull;

use kinglet_abi::FuncRef;
use kinglet_wasm::types::TypeId;

/// The address of a function reference. Only followed through the store it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FuncPointer(pub(super) NonNull<FuncRef>);

// SAFETY: an address; following it needs the store.
unsafe impl Send for FuncPointer {}
// SAFETY: an address; following it needs the store.
unsafe impl Sync for FuncPointer {}

impl FuncPointer {
    pub(crate) fn from_bits(bits: u64) -> Option<FuncPointer> {
        NonNull::new(bits as usize as *mut FuncRef).map(FuncPointer)
    }

    pub(crate) fn to_bits(self) -> u64 {
        self.0.as_ptr() as usize as u64
    }

    /// The function's canonical type. The caller has checked that the store it belongs to is there.
    pub(crate) fn type_id(self) -> TypeId {
        // SAFETY: function references live as long as their store.
        TypeId(unsafe { self.0.as_ref().type_id })
    }
}
