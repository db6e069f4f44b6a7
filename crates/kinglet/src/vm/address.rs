//! Addresses of the parts of a store. Guest code and other records hold such addresses too, so a `Box`, which promises
//! unique access, would be unsound. Addresses in the system's mappings use the same types.
//!
//! An address alone may point anywhere. Code that dereferences it needs the store, or the record that owns the target.
//! Records that hold such addresses are therefore `Send` and `Sync`.
//!
//! Invariant: any thread can free the target of an [`Owned`]. Its fields are addresses or `Send`.

use std::ptr::NonNull;

/// The address of a value that lives as long as the owner of this address.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Address<T: ?Sized>(pub(in crate::vm) NonNull<T>);

// SAFETY: this is only a number. Code that dereferences it has borrowed the owner and states why the target is alive.
unsafe impl<T: ?Sized> Send for Address<T> {}
// SAFETY: a shared borrow only copies the number.
unsafe impl<T: ?Sized> Sync for Address<T> {}

impl<T: ?Sized> Clone for Address<T> {
    fn clone(&self) -> Address<T> {
        *self
    }
}

impl<T: ?Sized> Copy for Address<T> {}

impl<T: ?Sized> Address<T> {
    pub(super) fn as_ptr(self) -> *mut T {
        self.0.as_ptr()
    }
}

/// A heap allocation that is freed with this owner and does not move when the owner moves.
#[derive(Debug)]
pub(crate) struct Owned<T: ?Sized>(Address<T>);

impl<T: ?Sized> Owned<T> {
    pub(super) fn new(value: Box<T>) -> Owned<T> {
        Owned(Address(NonNull::from(Box::leak(value))))
    }

    pub(super) fn pointer(&self) -> NonNull<T> {
        self.0.0
    }

    pub(super) fn address(&self) -> Address<T> {
        self.0
    }
}

impl<T: ?Sized> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: `new` leaked the box, and only this function frees it. No part of a store is used after its owner is
        // dropped.
        drop(unsafe { Box::from_raw(self.0.0.as_ptr()) });
    }
}
