//! Linear memories.

use std::fmt;

use crate::store::{StoreCore, StoreId, or_panic};
use crate::vm::{self, MemoryInstance};
use crate::{AsContext, AsContextMut, Error, MemoryType, Result, StoreContext, StoreContextMut};

/// A handle to a linear memory of a store.
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

/// The error of an access outside a memory.
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

    pub(crate) fn try_index(&self, core: &StoreCore) -> Result<usize> {
        core.try_check(self.store).map(|()| self.index)
    }

    fn read_memory<R>(&self, store: impl AsContext, read: impl FnOnce(&MemoryInstance) -> R) -> Result<R> {
        let core = &store.as_context().0.core;
        Ok(read(&core.memories[self.try_index(core)?]))
    }

    pub(crate) fn store_id(&self) -> StoreId {
        self.store
    }

    /// Creates a memory with its minimum size.
    ///
    /// # Errors
    /// If the memory exceeds a limit of the engine, the store or the system.
    pub fn new(mut store: impl AsContextMut, ty: MemoryType) -> Result<Memory> {
        let core = &mut store.as_context_mut().0.core;
        let index = vm::host_memory(core, ty)?;
        Ok(Memory { store: core.id, index })
    }

    /// Returns the memory's type. Its minimum is the current size.
    ///
    /// # Panics
    /// If the memory belongs to another store; [`Memory::try_ty`] returns an error instead.
    pub fn ty(&self, store: impl AsContext) -> MemoryType {
        or_panic(self.try_ty(store))
    }

    /// Does the same as [`Memory::ty`].
    ///
    /// # Errors
    /// If the memory belongs to another store.
    pub fn try_ty(&self, store: impl AsContext) -> Result<MemoryType> {
        self.read_memory(store, |memory| MemoryType { min: memory.size(), ..memory.ty() })
    }

    /// Returns the memory's size in pages.
    ///
    /// # Panics
    /// If the memory belongs to another store; [`Memory::try_size`] returns an error instead.
    pub fn size(&self, store: impl AsContext) -> u64 {
        or_panic(self.try_size(store))
    }

    /// Does the same as [`Memory::size`].
    ///
    /// # Errors
    /// If the memory belongs to another store.
    pub fn try_size(&self, store: impl AsContext) -> Result<u64> {
        self.read_memory(store, |memory| memory.size())
    }

    /// Returns the memory's size in bytes.
    ///
    /// # Panics
    /// If the memory belongs to another store; [`Memory::try_data_size`] returns an error instead.
    pub fn data_size(&self, store: impl AsContext) -> usize {
        or_panic(self.try_data_size(store))
    }

    /// Does the same as [`Memory::data_size`].
    ///
    /// # Errors
    /// If the memory belongs to another store.
    pub fn try_data_size(&self, store: impl AsContext) -> Result<usize> {
        self.read_memory(store, |memory| memory.data().len())
    }

    /// Returns the size of a page in bytes: 65,536, or 1 with custom page sizes.
    ///
    /// # Panics
    /// If the memory belongs to another store; [`Memory::try_page_size`] returns an error instead.
    pub fn page_size(&self, store: impl AsContext) -> u64 {
        or_panic(self.try_page_size(store))
    }

    /// Does the same as [`Memory::page_size`].
    ///
    /// # Errors
    /// If the memory belongs to another store.
    pub fn try_page_size(&self, store: impl AsContext) -> Result<u64> {
        self.read_memory(store, |memory| memory.ty().page_size())
    }

    /// Returns the base-2 logarithm of the page size in bytes.
    ///
    /// # Panics
    /// If the memory belongs to another store; [`Memory::try_page_size_log2`] returns an error instead.
    pub fn page_size_log2(&self, store: impl AsContext) -> u8 {
        or_panic(self.try_page_size_log2(store))
    }

    /// Does the same as [`Memory::page_size_log2`].
    ///
    /// # Errors
    /// If the memory belongs to another store.
    pub fn try_page_size_log2(&self, store: impl AsContext) -> Result<u8> {
        self.read_memory(store, |memory| memory.ty().page_size_log2())
    }

    /// Grows the memory by `delta` pages, and returns its previous size in pages.
    ///
    /// # Errors
    /// If the new size exceeds a limit of the type, the engine, the store or the system; if the memory belongs to another
    /// store.
    pub fn grow(&self, mut store: impl AsContextMut, delta: u64) -> Result<u64> {
        let core = &mut store.as_context_mut().0.core;
        let index = self.try_index(core)?;
        let old = core.memories[index].size();
        match vm::grow_memory(core, index, delta) {
            Ok(true) => Ok(old),
            Ok(false) => Err(Error::msg(format!("cannot grow a memory of {old} pages by {delta}"))),
            Err(trap) => Err(core.error.take().unwrap_or_else(|| Error::new(trap))),
        }
    }

    /// Returns the memory's bytes.
    ///
    /// # Panics
    /// If the memory belongs to another store; [`Memory::try_data`] returns an error instead.
    pub fn data<'a, T: 'static>(&self, store: impl Into<StoreContext<'a, T>>) -> &'a [u8] {
        or_panic(self.try_data(store))
    }

    /// Does the same as [`Memory::data`].
    ///
    /// # Errors
    /// If the memory belongs to another store.
    pub fn try_data<'a, T: 'static>(&self, store: impl Into<StoreContext<'a, T>>) -> Result<&'a [u8]> {
        let core = &store.into().0.core;
        Ok(core.memories[self.try_index(core)?].data())
    }

    /// Returns the memory's bytes, mutably.
    ///
    /// # Panics
    /// If the memory belongs to another store; [`Memory::try_data_mut`] returns an error instead.
    pub fn data_mut<'a, T: 'static>(&self, store: impl Into<StoreContextMut<'a, T>>) -> &'a mut [u8] {
        or_panic(self.try_data_mut(store))
    }

    /// Does the same as [`Memory::data_mut`].
    ///
    /// # Errors
    /// If the memory belongs to another store.
    pub fn try_data_mut<'a, T: 'static>(&self, store: impl Into<StoreContextMut<'a, T>>) -> Result<&'a mut [u8]> {
        let core = &mut store.into().0.core;
        let index = self.try_index(core)?;
        Ok(core.memories[index].data_mut())
    }

    /// Returns the memory's bytes and the embedder's data, both mutably.
    ///
    /// # Panics
    /// If the memory belongs to another store; [`Memory::try_data_and_store_mut`] returns an error instead.
    pub fn data_and_store_mut<'a, T: 'static>(
        &self,
        store: impl Into<StoreContextMut<'a, T>>,
    ) -> (&'a mut [u8], &'a mut T) {
        or_panic(self.try_data_and_store_mut(store))
    }

    /// Does the same as [`Memory::data_and_store_mut`].
    ///
    /// # Errors
    /// If the memory belongs to another store.
    pub fn try_data_and_store_mut<'a, T: 'static>(
        &self,
        store: impl Into<StoreContextMut<'a, T>>,
    ) -> Result<(&'a mut [u8], &'a mut T)> {
        let (core, embedder) = store.into().0.parts_mut();
        let index = self.try_index(core)?;
        Ok((core.memories[index].data_mut(), &mut embedder.data))
    }

    /// Returns the address of the memory's first byte. It changes when the memory grows, and is valid until then or until the
    /// store is dropped. Reading or writing through it is unsafe: it must not race with the guest or with a borrow.
    ///
    /// # Panics
    /// If the memory belongs to another store; [`Memory::try_data_ptr`] returns an error instead.
    pub fn data_ptr(&self, store: impl AsContext) -> *mut u8 {
        or_panic(self.try_data_ptr(store))
    }

    /// Does the same as [`Memory::data_ptr`].
    ///
    /// # Errors
    /// If the memory belongs to another store.
    pub fn try_data_ptr(&self, store: impl AsContext) -> Result<*mut u8> {
        self.read_memory(store, |memory| memory.data().as_ptr().cast_mut())
    }

    /// Copies bytes from the memory, starting at `offset`, into a buffer.
    ///
    /// # Errors
    /// If the range is not inside the memory. The buffer is then unchanged.
    ///
    /// # Panics
    /// If the memory belongs to another store; [`Memory::try_data`] returns an error instead.
    pub fn read(&self, store: impl AsContext, offset: usize, to: &mut [u8]) -> Result<(), MemoryAccessError> {
        let store = store.as_context();
        let data = store.0.core.memories[self.index(&store.0.core)].data();
        let end = offset.checked_add(to.len()).ok_or(MemoryAccessError)?;
        to.copy_from_slice(data.get(offset..end).ok_or(MemoryAccessError)?);
        Ok(())
    }

    /// Copies a buffer into the memory, starting at `offset`.
    ///
    /// # Errors
    /// If the range is not inside the memory. The memory is then unchanged.
    ///
    /// # Panics
    /// If the memory belongs to another store; [`Memory::try_data_mut`] returns an error instead.
    pub fn write(&self, mut store: impl AsContextMut, offset: usize, from: &[u8]) -> Result<(), MemoryAccessError> {
        let core = &mut store.as_context_mut().0.core;
        let index = self.index(core);
        let end = offset.checked_add(from.len()).ok_or(MemoryAccessError)?;
        core.memories[index].data_mut().get_mut(offset..end).ok_or(MemoryAccessError)?.copy_from_slice(from);
        Ok(())
    }
}
