//! Globals and tags: their records.

use std::ptr::NonNull;
use std::sync::Arc;

use kinglet_abi::{VmGlobal, VmTag};
use kinglet_wasm::types::{GlobalType, TypeGroup, TypeId};

use super::address::{Address, Owned};

/// A global of a store.
#[derive(Debug)]
pub(crate) struct GlobalInstance {
    ty: GlobalType,
    record: Address<VmGlobal>,
    /// Keeps the record, if no instance does.
    own: Option<Owned<VmGlobal>>,
    /// Keeps the type that the content's mentions, if no instance does.
    _type: Option<Arc<TypeGroup>>,
}

impl GlobalInstance {
    /// Makes a global; its record is at `record`, or its own.
    ///
    /// # Safety
    /// `record` is valid for as long as the global.
    pub(super) unsafe fn new(
        ty: GlobalType,
        record: Option<NonNull<VmGlobal>>,
        keep: Option<Arc<TypeGroup>>,
    ) -> GlobalInstance {
        let mut own = None;
        let record = record.map_or_else(|| own.insert(Owned::new(Box::<VmGlobal>::default())).address(), Address);
        GlobalInstance { ty, record, own, _type: keep }
    }

    /// Whether it is no instance's.
    pub(super) fn owns_record(&self) -> bool {
        self.own.is_some()
    }

    pub(crate) fn ty(&self) -> GlobalType {
        self.ty
    }

    pub(crate) fn record(&self) -> NonNull<VmGlobal> {
        self.record.0
    }

    pub(crate) fn get(&self) -> [u64; 2] {
        // SAFETY: the record lives as long as the global, and no guest code runs while it is read.
        unsafe { self.record.0.as_ref().slots }
    }

    pub(crate) fn set(&mut self, slots: [u64; 2]) {
        // SAFETY: the record is the global's own, and no guest code runs while the store is borrowed.
        unsafe { self.record.0.as_mut().slots = slots };
    }
}

/// A tag of a store.
#[derive(Debug)]
pub(crate) struct TagInstance {
    record: Owned<VmTag>,
    /// Keeps the type, if no instance does.
    _type: Option<Arc<TypeGroup>>,
}

impl TagInstance {
    /// One of a type that the instance's module keeps.
    pub(super) fn of_instance(ty: TypeId) -> TagInstance {
        TagInstance { record: Owned::new(Box::new(VmTag { type_id: ty.0 })), _type: None }
    }

    /// One of the host's.
    pub(crate) fn new(ty: Arc<TypeGroup>) -> TagInstance {
        TagInstance { _type: Some(ty.clone()), ..TagInstance::of_instance(ty.first()) }
    }

    pub(crate) fn ty(&self) -> TypeId {
        // SAFETY: the record is the tag's own, and does not change.
        TypeId(unsafe { self.record.pointer().as_ref() }.type_id)
    }

    pub(crate) fn record(&self) -> NonNull<VmTag> {
        self.record.pointer()
    }
}
