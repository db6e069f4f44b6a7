//! Memories.

use std::fmt;

use crate::store::{StoreCore, StoreId};
use crate::{AsContext, AsContextMut, Error, MemoryType, Result, StoreContext, StoreContextMut, vm};

/// A linear memory of a store. A handle, which can be copied.
///
/// ```
/// use kinglet::{Engine, Memory, MemoryAccessError, MemoryType, Store};
///
/// let engine = Engine::default();
/// let mut store = Store::new(&engine, ());
/// let memory = Memory::new(&mut store, MemoryType::new(1, Some(2)))?;
/// memory.write(&mut store, 100, b"bytes")?;
/// let mut copy = [0; 5];
/// memory.read(&store, 100, &mut copy)?;
/// assert_eq!(&copy, b"bytes");
/// assert_eq!(memory.write(&mut store, 65_535, b"bytes"), Err(MemoryAccessError));
///
/// memory.data_mut(&mut store)[100] = b'B';
/// assert_eq!(memory.grow(&mut store, 1)?, 1);
/// assert_eq!((memory.size(&store), &memory.data(&store)[100..105]), (2, &b"Bytes"[..]));
/// assert!(memory.grow(&mut store, 1).is_err(), "its type allows 2 pages");
/// # Ok::<(), kinglet::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    store: StoreId,
    index: usize,
}

/// A range outside a memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryAccessError;

impl fmt::Display for MemoryAccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("out of bounds memory access")
    }
}

impl std::error::Error for MemoryAccessError {}

impl Memory {
    pub(crate) fn new_handle(store: StoreId, index: usize) -> Memory {
        Memory { store, index }
    }

    pub(crate) fn index(&self, core: &StoreCore) -> usize {
        core.check(self.store);
        self.index
    }

    /// Makes a memory of the host's, with its minimum size.
    ///
    /// # Errors
    /// If it is over the limits of the engine, the store or the system.
    pub fn new(mut store: impl AsContextMut, ty: MemoryType) -> Result<Memory> {
        let core = &mut store.as_context_mut().0.core;
        let index = vm::host_memory(core, ty)?;
        Ok(Memory { store: core.id, index })
    }

    /// Its type, with its present size as the minimum.
    pub fn ty(&self, store: impl AsContext) -> MemoryType {
        let core = &store.as_context().0.core;
        let memory = &core.memories[self.index(core)];
        MemoryType { min: memory.size(), ..memory.ty() }
    }

    /// Its size in pages.
    pub fn size(&self, store: impl AsContext) -> u64 {
        let core = &store.as_context().0.core;
        core.memories[self.index(core)].size()
    }

    /// Its size in bytes.
    pub fn data_size(&self, store: impl AsContext) -> usize {
        let core = &store.as_context().0.core;
        core.memories[self.index(core)].data().len()
    }

    /// Grows it by `delta` pages. Returns the size before.
    ///
    /// # Errors
    /// If it may not become so large.
    pub fn grow(&self, mut store: impl AsContextMut, delta: u64) -> Result<u64> {
        let core = &mut store.as_context_mut().0.core;
        let index = self.index(core);
        let old = core.memories[index].size();
        match vm::grow_memory(core, index, delta) {
            Ok(true) => Ok(old),
            Ok(false) => Err(Error::msg(format!("cannot grow a memory of {old} pages by {delta}"))),
            Err(trap) => Err(core.error.take().unwrap_or_else(|| Error::new(trap))),
        }
    }

    /// Its bytes.
    pub fn data<'a, T: 'static>(&self, store: impl Into<StoreContext<'a, T>>) -> &'a [u8] {
        let core = &store.into().0.core;
        core.memories[self.index(core)].data()
    }

    /// Its bytes.
    pub fn data_mut<'a, T: 'static>(&self, store: impl Into<StoreContextMut<'a, T>>) -> &'a mut [u8] {
        let core = &mut store.into().0.core;
        let index = self.index(core);
        core.memories[index].data_mut()
    }

    /// Its bytes and the embedder's data, both at once.
    pub fn data_and_store_mut<'a, T: 'static>(
        &self,
        store: impl Into<StoreContextMut<'a, T>>,
    ) -> (&'a mut [u8], &'a mut T) {
        let (core, embedder) = store.into().0.parts_mut();
        let index = self.index(core);
        (core.memories[index].data_mut(), &mut embedder.data)
    }

    /// Copies bytes out.
    ///
    /// # Errors
    /// If they are not all inside; then nothing is copied.
    pub fn read(&self, store: impl AsContext, offset: usize, to: &mut [u8]) -> Result<(), MemoryAccessError> {
        let store = store.as_context();
        let data = store.0.core.memories[self.index(&store.0.core)].data();
        let end = offset.checked_add(to.len()).ok_or(MemoryAccessError)?;
        to.copy_from_slice(data.get(offset..end).ok_or(MemoryAccessError)?);
        Ok(())
    }

    /// Copies bytes in.
    ///
    /// # Errors
    /// If there is not room for all; then nothing is copied.
    pub fn write(&self, mut store: impl AsContextMut, offset: usize, from: &[u8]) -> Result<(), MemoryAccessError> {
        let core = &mut store.as_context_mut().0.core;
        let index = self.index(core);
        let end = offset.checked_add(from.len()).ok_or(MemoryAccessError)?;
        core.memories[index].data_mut().get_mut(offset..end).ok_or(MemoryAccessError)?.copy_from_slice(from);
        Ok(())
    }
}
