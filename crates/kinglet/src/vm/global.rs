//! Globals and tags, and the records that guest code sees.

use std::ptr::NonNull;
use std::sync::Arc;

use kinglet_abi::{VmGlobal, VmTag};
use kinglet_wasm::types::{GlobalType, TypeGroup, TypeId};

use super::address::{Address, Owned};

/// A global in a store.
#[derive(Debug)]
pub(crate) struct GlobalInstance {
    ty: GlobalType,
    record: Address<VmGlobal>,
    /// Owns the record of a host global. The records of other globals belong to instances.
    own: Option<Owned<VmGlobal>>,
    /// Keeps the referenced type of a host global alive. For other globals, an instance's module keeps the type alive.
    _type: Option<Arc<TypeGroup>>,
}

impl GlobalInstance {
    /// Creates a global. Its record is at `record`, or else in a new allocation.
    ///
    /// # Safety
    /// `record` is valid for as long as the global.
    pub(super) unsafe fn new(
        ty: GlobalType,
        record: Option<NonNull<VmGlobal>>,
        type_owner: Option<Arc<TypeGroup>>,
    ) -> GlobalInstance {
        let mut own = None;
        let record = record.map_or_else(|| own.insert(Owned::new(Box::<VmGlobal>::default())).address(), Address);
        GlobalInstance { ty, record, own, _type: type_owner }
    }

    /// Returns whether the host created the global.
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
        // SAFETY: the record lives as long as the global, and no guest code runs during this read.
        unsafe { self.record.0.as_ref().slots }
    }

    pub(crate) fn set(&mut self, slots: [u64; 2]) {
        // SAFETY: only this global refers to the record, and no guest code runs while the store is borrowed.
        unsafe { self.record.0.as_mut().slots = slots };
    }
}

/// A tag in a store.
#[derive(Debug)]
pub(crate) struct TagInstance {
    record: Owned<VmTag>,
    /// Keeps the type of a host tag alive. For other tags, an instance's module keeps the type alive.
    _type: Option<Arc<TypeGroup>>,
}

impl TagInstance {
    /// Creates a tag of an instance, whose module keeps the type alive.
    pub(super) fn of_instance(ty: TypeId) -> TagInstance {
        TagInstance { record: Owned::new(Box::new(VmTag { type_id: ty.0 })), _type: None }
    }

    /// Creates a host tag.
    pub(crate) fn new(ty: Arc<TypeGroup>) -> TagInstance {
        TagInstance { _type: Some(ty.clone()), ..TagInstance::of_instance(ty.first()) }
    }

    pub(crate) fn ty(&self) -> TypeId {
        // SAFETY: the tag owns the record, which never changes.
        TypeId(unsafe { self.record.pointer().as_ref() }.type_id)
    }

    pub(crate) fn record(&self) -> NonNull<VmTag> {
        self.record.pointer()
    }
}
