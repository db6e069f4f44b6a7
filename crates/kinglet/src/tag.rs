//! Tags.

use crate::store::{StoreCore, StoreId, or_panic};
use crate::vm::TagInstance;
use crate::{AsContext, AsContextMut, Error, Result, TagType};

/// A handle to a tag of a store. A tag distinguishes its exceptions from all others.
///
/// ```
/// use kinglet::{Config, Engine, Extern, Feature, FuncType, Instance, Module, Store, Tag, TagType, ValType};
///
/// let mut config = Config::new();
/// let engine = Engine::new(config.feature(Feature::Exceptions, true))?;
/// let mut store = Store::new(&engine, ());
/// let tag = Tag::new(&mut store, &TagType::new(FuncType::new([ValType::I32], [])))?;
/// let module = Module::new(&engine, r#"(module (import "host" "failed" (tag (param i32))))"#)?;
/// Instance::new(&mut store, &module, &[Extern::Tag(tag)])?;
/// assert_eq!(tag.ty(&store).ty().params(), [ValType::I32]);
/// # Ok::<(), kinglet::Error>(())
/// ```
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

    pub(crate) fn try_index(&self, core: &StoreCore) -> Result<usize> {
        core.try_check(self.store).map(|()| self.index)
    }

    pub(crate) fn store_id(&self) -> StoreId {
        self.store
    }

    /// Creates a tag.
    ///
    /// # Errors
    /// If the type mentions a type of another engine, or of a dropped module; if it has results.
    pub fn new(mut store: impl AsContextMut, ty: &TagType) -> Result<Tag> {
        let core = &mut store.as_context_mut().0.core;
        if !ty.ty().results().is_empty() {
            return Err(Error::msg(format!("a tag has no results: {}", ty.ty())));
        }
        let group = core.engine.types().intern_func(ty.ty())?;
        core.tags.push(TagInstance::new(group));
        Ok(Tag { store: core.id, index: core.tags.len() - 1 })
    }

    /// Returns the tag's type.
    ///
    /// # Panics
    /// If the tag belongs to another store; [`Tag::try_ty`] returns an error instead.
    pub fn ty(&self, store: impl AsContext) -> TagType {
        or_panic(self.try_ty(store))
    }

    /// Does the same as [`Tag::ty`].
    ///
    /// # Errors
    /// If the tag belongs to another store.
    pub fn try_ty(&self, store: impl AsContext) -> Result<TagType> {
        let core = &store.as_context().0.core;
        Ok(TagType::new(core.engine.types().func(core.tags[self.try_index(core)?].ty())))
    }
}
