//! Tags.

use crate::store::{StoreCore, StoreId};
use crate::vm::TagInstance;
use crate::{AsContext, AsContextMut, TagType};

/// A tag of a store: exceptions thrown with it are told apart from all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag {
    store: StoreId,
    index: usize,
}

impl Tag {
    pub(crate) fn new_handle(store: StoreId, index: usize) -> Tag {
        Tag { store, index }
    }

    pub(crate) fn index(&self, core: &StoreCore) -> usize {
        core.check(self.store);
        self.index
    }

    /// Makes a tag of the host's.
    pub fn new(mut store: impl AsContextMut, ty: &TagType) -> Tag {
        let core = &mut store.as_context_mut().0.core;
        let id = core.engine.types().intern_func(ty.ty());
        core.tags.push(TagInstance::new(id));
        Tag { store: core.id, index: core.tags.len() - 1 }
    }

    /// Its type.
    pub fn ty(&self, store: impl AsContext) -> TagType {
        let core = &store.as_context().0.core;
        TagType::new(core.engine.types().func(core.tags[self.index(core)].ty()))
    }
}
