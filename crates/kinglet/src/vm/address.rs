//! Addresses of the parts of a store, owned or not. Code and records hold such addresses too, so that a `Box`, which says
//! that nothing else leads to its contents, would be wrong. Addresses in the system's mappings are of this kind as well.
//! An address by itself can be anywhere. Code that follows it needs the store, or the record that owns its target. So
//! records that hold addresses of this kind are `Send` and `Sync` without a word of their own.
//!
//! Invariant: any thread can free the target of an [`Owned`], whose fields are addresses, or `Send`.

use std::ptr::NonNull;

/// The address of something that lives as long as what holds it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Address<T: ?Sized>(pub(in crate::vm) NonNull<T>);

// SAFETY: a number; code that follows it has borrowed what holds it, and says why something is there.
unsafe impl<T: ?Sized> Send for Address<T> {}
// SAFETY: a shared borrow gives the number alone.
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

/// Something that is freed with this, and that does not move when this does.
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
        // SAFETY: `new` leaked it, and it is freed only here. Nothing of a store is used once its owner is dropped.
        drop(unsafe { Box::from_raw(self.0.0.as_ptr()) });
    }
}
