//! The instance pool: per-module templates, and the parts of dropped instances that later instances of the same module
//! reuse. A dropped store leaves contexts, memories, tables and its stack. They are reset before reuse, but only as far
//! as they were written. Pooled objects never move, so function references and table elements that point to them stay
//! valid.
//!
//! One limit covers all modules of an engine. At the limit, adding an instance evicts one of another module. The
//! modules take turns, so unused modules lose their instances first. If the system refuses a new memory or stack, the
//! whole pool is emptied.
//!
//! Invariant: all objects in a pool are in their initial state. Memories and tables contain zeros or their module's
//! initial contents, and no data of the previous store. Globals and imports are written for each instance.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use kinglet_wasm::module::{ConstExpr, Global};

use super::image::MemoryImage;
use super::instance::{InstanceData, VmCtxBox};
use super::store::GuestStack;
use super::{MemoryInstance, TableInstance};
use crate::store::StoreCore;
use crate::{Engine, Result};

/// The data that all instances of a module share.
#[derive(Default)]
pub(crate) struct InstanceTemplate {
    /// The initial contents of the first memory, if the module has any.
    pub(crate) memory: OnceLock<Option<MemoryImage>>,
    /// The initial values of the globals that the module defines with constants.
    globals: OnceLock<Box<[[u64; 2]]>>,
    /// Whether the module has been instantiated.
    has_instance: AtomicBool,
    free_list: Arc<FreeList>,
}

/// The free list of a module's recycled instances. It is separate from the module, so evicting an instance never drops
/// the last reference to a module.
#[derive(Default)]
struct FreeList(Mutex<FreeListState>);

#[derive(Default)]
struct FreeListState {
    /// The instances in order of release. The newest is last.
    recycled: VecDeque<RecycledInstance>,
    /// The pool that counts the instances. `None` until there are any.
    pool: Option<Arc<Pool>>,
    /// Whether the pool's list has this free list.
    listed: bool,
}

impl Drop for FreeListState {
    fn drop(&mut self) {
        if let Some(pool) = &self.pool {
            pool.recycled.fetch_sub(self.recycled.len(), Ordering::Relaxed);
        }
    }
}

impl FreeList {
    fn lock(&self) -> MutexGuard<'_, FreeListState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The reusable parts of a dropped instance.
#[derive(Default)]
pub(super) struct RecycledInstance {
    pub(super) vmctx: Option<VmCtxBox>,
    /// The memories that the module defines, in order. `tables` contains its tables likewise.
    pub(super) memories: Vec<MemoryInstance>,
    pub(super) tables: Vec<TableInstance>,
    /// Empty lists for memories, tables, globals and tags, kept for their capacity.
    pub(super) lists: [Vec<usize>; 4],
    /// An empty list, kept for its capacity.
    pub(super) imported_funcs: Vec<super::FuncPointer>,
}

impl InstanceTemplate {
    pub(super) fn take(&self) -> RecycledInstance {
        let mut list = self.free_list.lock();
        let Some(recycled) = list.recycled.pop_back() else { return RecycledInstance::default() };
        if let Some(pool) = &list.pool {
            pool.release();
        }
        recycled
    }

    /// Returns the initial values of the globals that the module defines. The value is zero for globals without a
    /// constant.
    pub(super) fn globals(&self, wasm: &kinglet_wasm::Module) -> &[[u64; 2]] {
        self.globals.get_or_init(|| {
            let value = |global: &Global| match global.init {
                ConstExpr::Bits(bits) => [bits as u64, (bits >> 64) as u64],
                _ => [0; 2],
            };
            wasm.defined_globals.iter().map(value).collect()
        })
    }

    /// Returns the image for an instance's memory. A module with a single instance is faster without one, so the image
    /// is built for the second instance, or if there is a pool.
    pub(super) fn image(&self, wasm: &kinglet_wasm::Module, pool: bool) -> Option<&MemoryImage> {
        if let Some(image) = self.memory.get() {
            return image.as_ref();
        }
        if !pool && !self.has_instance.swap(true, Ordering::Relaxed) {
            return None;
        }
        let image = || MemoryImage::new(wasm.initial_memory(super::region::page_size()).ok()?);
        self.memory.get_or_init(image).as_ref()
    }
}

/// The pool of an engine.
#[derive(Default)]
pub(crate) struct Pool {
    /// Stacks of dropped stores.
    stacks: Mutex<Vec<GuestStack>>,
    /// The number of recycled instances of all modules, with reservations.
    recycled: AtomicUsize,
    /// The free lists that are marked as listed. The next eviction is from the first one.
    free_lists: Mutex<VecDeque<Weak<FreeList>>>,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("kept", &self.recycled).finish_non_exhaustive()
    }
}

impl Pool {
    fn stacks(&self) -> MutexGuard<'_, Vec<GuestStack>> {
        self.stacks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn free_lists(&self) -> MutexGuard<'_, VecDeque<Weak<FreeList>>> {
        self.free_lists.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn take_stack(&self) -> Option<GuestStack> {
        self.stacks().pop()
    }

    /// Reserves a place for one more instance, evicting one of another module at the limit. Returns false if nothing
    /// can be evicted.
    fn reserve(&self, free_list: &Arc<FreeList>, limit: usize) -> bool {
        let has_room = self.recycled.fetch_add(1, Ordering::Relaxed) < limit || self.evict_one(Some(free_list));
        if !has_room {
            self.release();
        }
        has_room
    }

    /// Releases a reservation, or the place of an instance that was removed.
    fn release(&self) {
        self.recycled.fetch_sub(1, Ordering::Relaxed);
    }

    /// Adds an instance whose place was reserved.
    fn insert(self: &Arc<Pool>, free_list: &Arc<FreeList>, recycled: RecycledInstance) {
        let listed = {
            let mut list = free_list.lock();
            list.pool.get_or_insert_with(|| self.clone());
            list.recycled.push_back(recycled);
            std::mem::replace(&mut list.listed, true)
        };
        if !listed {
            let mut free_lists = self.free_lists();
            if free_lists.len() == free_lists.capacity() {
                // Remove the free lists of dropped modules.
                free_lists.retain(|free_list| free_list.strong_count() > 0);
                let live = free_lists.len();
                free_lists.reserve(live + 1);
            }
            free_lists.push_back(Arc::downgrade(free_list));
        }
    }

    /// Evicts the oldest instance of the module whose turn it is, other than `except`. Returns false if there is none.
    fn evict_one(&self, except: Option<&Arc<FreeList>>) -> bool {
        // These are dropped after all locks are released.
        let (mut freed, mut seen) = (None, Vec::new());
        let mut free_lists = self.free_lists();
        for _ in 0..free_lists.len() {
            let Some(next) = free_lists.pop_front() else { break };
            let Some(free_list) = next.upgrade() else { continue };
            if except.is_some_and(|except| Arc::ptr_eq(except, &free_list)) {
                free_lists.push_back(next);
            } else {
                let mut list = free_list.lock();
                freed = list.recycled.pop_front();
                list.listed = freed.is_some();
                if list.listed {
                    free_lists.push_back(next);
                }
            }
            seen.push(free_list);
            if freed.is_some() {
                self.release();
                break;
            }
        }
        drop(free_lists);
        freed.is_some()
    }

    /// Empties the pool, if its mappings have at least `wanted` bytes.
    fn empty_if_enough(&self, wanted: usize) {
        let stacks = std::mem::take(&mut *self.stacks());
        let free_lists: Vec<Arc<FreeList>> = self.free_lists().iter().filter_map(Weak::upgrade).collect();
        let memories = |free_list: &Arc<FreeList>| -> usize {
            free_list.lock().recycled.iter().flat_map(|recycled| &recycled.memories).map(MemoryInstance::mapped).sum()
        };
        let stack_bytes: usize = stacks.iter().map(GuestStack::mapped).sum();
        if free_lists.iter().map(memories).sum::<usize>().saturating_add(stack_bytes) < wanted {
            self.stacks().extend(stacks);
            return;
        }
        for _ in 0..self.recycled.load(Ordering::Relaxed) {
            if !self.evict_one(None) {
                break;
            }
        }
    }
}

/// Creates an object that takes `bytes` bytes of memory. If that fails, empties the pool and tries again. Does not
/// empty the pool for a request that exceeds the pool's size, because a guest may choose the size of the request.
pub(super) fn create_or_retry<T>(engine: &Engine, bytes: usize, create: impl Fn() -> Result<T>) -> Result<T> {
    create().or_else(|error| {
        if engine.config().pool.is_none() {
            return Err(error);
        }
        engine.pool().empty_if_enough(bytes);
        create()
    })
}

/// Recycles the parts of a store that is being dropped.
pub(crate) fn recycle(core: &mut StoreCore) {
    let Some(config) = core.engine.config().pool else { return };
    let limit = config.max_unused_warm_slots as usize;
    if let Some(mut stack) = core.vm.take_stack() {
        let pool = core.engine.pool();
        if pool.stacks().len() < limit && stack.trim() {
            pool.stacks().push(stack);
        }
    }
    // The loop starts at the newest instance. An instance's own memories and tables are then last in the store, except
    // for those that the host created later.
    while let Some(data) = core.instances.pop() {
        let module = data.module.clone();
        let template = &module.inner().template;
        let Some(mut recycled) = disassemble(core, data) else { continue };
        let pool = core.engine.pool();
        if !pool.reserve(&template.free_list, limit) {
            continue;
        }
        let image = template.memory.get().and_then(Option::as_ref);
        let images = [image].into_iter().chain(std::iter::repeat(None));
        let first = module.inner().wasm().imported_memories == 0;
        let mut images = images.skip(if first { 0 } else { 1 });
        let resident = config.linear_memory_keep_resident;
        let is_reset =
            recycled.memories.iter_mut().all(|memory| memory.recycle(images.next().flatten(), core.ran, resident));
        recycled.tables.iter_mut().for_each(TableInstance::recycle);
        if is_reset {
            pool.insert(&template.free_list, recycled);
        } else {
            pool.release();
        }
    }
}

/// Takes apart the store's newest instance. Returns `None` if it is incomplete.
fn disassemble(core: &mut StoreCore, data: InstanceData) -> Option<RecycledInstance> {
    let inner = data.module.inner().clone();
    let wasm = inner.wasm();
    let InstanceData { mut memories, mut tables, mut globals, mut tags, mut imported_funcs, vmctx, .. } = data;
    let own_memories = take_last(&mut core.memories, memories.get(wasm.imported_memories as usize..)?);
    let own_tables = take_last(&mut core.tables, tables.get(wasm.imported_tables as usize..)?);
    [&mut memories, &mut tables, &mut globals, &mut tags].into_iter().for_each(Vec::clear);
    imported_funcs.clear();
    Some(RecycledInstance {
        vmctx: Some(vmctx),
        memories: own_memories,
        tables: own_tables,
        lists: [memories, tables, globals, tags],
        imported_funcs,
    })
}

/// Removes the elements at consecutive indices, and drops everything after them.
fn take_last<T>(all: &mut Vec<T>, indices: &[usize]) -> Vec<T> {
    let Some((first, last)) = indices.first().zip(indices.last()) else { return Vec::new() };
    all.truncate(last + 1);
    all.split_off((*first).min(all.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, Instance, Module, PoolingAllocationConfig, Store};

    /// Returns the number of recycled instances of each module.
    fn counts(modules: &[Module]) -> Vec<usize> {
        modules.iter().map(|module| module.inner().template.free_list.lock().recycled.len()).collect()
    }

    #[test]
    fn the_limit_covers_all_modules_together() {
        let mut pool = PoolingAllocationConfig::new();
        pool.max_unused_warm_slots(3);
        let engine = Engine::new(Config::new().allocation_strategy(pool)).unwrap();
        let mut modules: Vec<Module> = (0..4).map(|_| Module::new(&engine, "(module (memory 1))").unwrap()).collect();
        let instantiate = |times: usize, module: &Module| {
            let stores: Vec<Store<()>> = (0..times)
                .map(|_| {
                    let mut store = Store::new(&engine, ());
                    Instance::new(&mut store, module, &[]).unwrap();
                    store
                })
                .collect();
            drop(stores);
        };
        instantiate(5, &modules[0]);
        assert_eq!(counts(&modules), [3, 0, 0, 0]);
        instantiate(1, &modules[1]);
        instantiate(1, &modules[2]);
        assert_eq!(counts(&modules), [1, 1, 1, 0], "one of another module is evicted for each");
        instantiate(3, &modules[3]);
        assert_eq!(counts(&modules), [0, 0, 0, 3]);
        instantiate(2, &modules[1]);
        assert_eq!(counts(&modules), [0, 2, 0, 1], "an emptied free list is listed again");
        assert_eq!(engine.pool().recycled.load(Ordering::Relaxed), 3);
        modules.truncate(3);
        assert_eq!(engine.pool().recycled.load(Ordering::Relaxed), 2, "its instances are freed with the module");
        engine.pool().empty_if_enough(usize::MAX);
        assert_eq!(engine.pool().recycled.load(Ordering::Relaxed), 2, "the pool holds less than that");
        engine.pool().empty_if_enough(1 << 16);
        assert_eq!(engine.pool().recycled.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_dropped_module_leaves_nothing_in_the_pool() {
        let engine = Engine::new(Config::new().allocation_strategy(PoolingAllocationConfig::new())).unwrap();
        for _ in 0..2000 {
            let module = Module::new(&engine, "(module (memory 0))").unwrap();
            let mut store = Store::new(&engine, ());
            Instance::new(&mut store, &module, &[]).unwrap();
        }
        assert_eq!(engine.pool().recycled.load(Ordering::Relaxed), 0);
        assert!(engine.pool().free_lists().len() < 100);
    }
}
