//! What is kept of instances for the next of the same module, and what is the same for all of them. A dropped store leaves
//! contexts, memories, tables and its stack; they are reset before anyone else can have them, and only as far as they were
//! written to. What is kept never moves, so that function references and table elements that lead into it stay right.
//!
//! How much an engine keeps is limited for all its modules together. Whoever would keep more has something of another
//! module freed, each in its turn, so that modules that are not used any more lose what they have; and all is freed when
//! the system refuses a new memory or stack.
//!
//! Invariant: what is in a pool is as a new instance wants it: memories and tables hold zeros or what the module says,
//! and nothing of the store that it came from. Globals and imports are written anew for each instance.

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

/// What the instances of a module are made of.
#[derive(Default)]
pub(crate) struct Blueprint {
    /// What the first memory begins with, if the module says it.
    pub(crate) memory: OnceLock<Option<MemoryImage>>,
    /// The values of the globals that the module defines, as far as they are constants.
    globals: OnceLock<Box<[[u64; 2]]>>,
    /// Whether there was an instance.
    used: AtomicBool,
    shelf: Arc<Shelf>,
}

/// What is kept of a module's instances. Apart from the module, so that whoever frees something of it never is the last to
/// have the module.
#[derive(Default)]
struct Shelf(Mutex<Shelved>);

#[derive(Default)]
struct Shelved {
    /// The newest last.
    kept: VecDeque<Kept>,
    /// Where those are counted, once there were any.
    pool: Option<Arc<Pool>>,
    /// Whether the pool has this shelf in its list.
    listed: bool,
}

impl Drop for Shelved {
    fn drop(&mut self) {
        if let Some(pool) = &self.pool {
            pool.kept.fetch_sub(self.kept.len(), Ordering::Relaxed);
        }
    }
}

impl Shelf {
    fn lock(&self) -> MutexGuard<'_, Shelved> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is kept of an instance.
#[derive(Default)]
pub(super) struct Kept {
    pub(super) vmctx: Option<VmCtxBox>,
    /// Those that the module defines, as the tables, in order.
    pub(super) memories: Vec<MemoryInstance>,
    pub(super) tables: Vec<TableInstance>,
    /// Empty lists for memories, tables, globals and tags.
    pub(super) lists: [Vec<usize>; 4],
    /// Empty.
    pub(super) imported_funcs: Vec<super::FuncPointer>,
}

impl Blueprint {
    pub(super) fn take(&self) -> Kept {
        let mut shelved = self.shelf.lock();
        let Some(kept) = shelved.kept.pop_back() else { return Kept::default() };
        if let Some(pool) = &shelved.pool {
            pool.release();
        }
        kept
    }

    /// The values of the globals that the module defines; of those that are no constants, zero.
    pub(super) fn globals(&self, wasm: &kinglet_wasm::Module) -> &[[u64; 2]] {
        self.globals.get_or_init(|| {
            let value = |global: &Global| match global.init {
                ConstExpr::Bits(bits) => [bits as u64, (bits >> 64) as u64],
                _ => [0; 2],
            };
            wasm.defined_globals.iter().map(value).collect()
        })
    }

    /// The image that an instance's memory is to be made with. A module that has one instance is better off without one:
    /// it is made for the second, or if there is a pool.
    pub(super) fn image(&self, wasm: &kinglet_wasm::Module, pool: bool) -> Option<&MemoryImage> {
        if let Some(image) = self.memory.get() {
            return image.as_ref();
        }
        if !pool && !self.used.swap(true, Ordering::Relaxed) {
            return None;
        }
        let image = || MemoryImage::new(wasm.initial_memory(super::region::page_size()).ok()?);
        self.memory.get_or_init(image).as_ref()
    }
}

/// What an engine keeps, or knows to be kept.
#[derive(Default)]
pub(crate) struct Pool {
    /// Those that stores have left.
    stacks: Mutex<Vec<GuestStack>>,
    /// How many instances are kept, of all modules, or are about to be.
    kept: AtomicUsize,
    /// The shelves that say that they are listed; of the first one something is freed next.
    shelves: Mutex<VecDeque<Weak<Shelf>>>,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("kept", &self.kept).finish_non_exhaustive()
    }
}

impl Pool {
    fn stacks(&self) -> MutexGuard<'_, Vec<GuestStack>> {
        self.stacks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shelves(&self) -> MutexGuard<'_, VecDeque<Weak<Shelf>>> {
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn take_stack(&self) -> Option<GuestStack> {
        self.stacks().pop()
    }

    /// Makes room to keep one more: there is, or something on another shelf is freed. False if neither is so.
    fn reserve(&self, shelf: &Arc<Shelf>, most: usize) -> bool {
        let room = self.kept.fetch_add(1, Ordering::Relaxed) < most || self.free_one(Some(shelf));
        if !room {
            self.release();
        }
        room
    }

    /// What was kept is not any more, or the room for it is not needed after all.
    fn release(&self) {
        self.kept.fetch_sub(1, Ordering::Relaxed);
    }

    /// Keeps something in the room that was made for it.
    fn put(self: &Arc<Pool>, shelf: &Arc<Shelf>, kept: Kept) {
        let listed = {
            let mut shelved = shelf.lock();
            shelved.pool.get_or_insert_with(|| self.clone());
            shelved.kept.push_back(kept);
            std::mem::replace(&mut shelved.listed, true)
        };
        if !listed {
            let mut shelves = self.shelves();
            if shelves.len() == shelves.capacity() {
                // Those of modules that are gone.
                shelves.retain(|shelf| shelf.strong_count() > 0);
                let live = shelves.len();
                shelves.reserve(live + 1);
            }
            shelves.push_back(Arc::downgrade(shelf));
        }
    }

    /// Frees the oldest on the shelf whose turn it is, which is not that one; false if there is none.
    fn free_one(&self, but: Option<&Arc<Shelf>>) -> bool {
        // What is dropped here is when nothing is locked.
        let (mut freed, mut seen) = (None, Vec::new());
        let mut shelves = self.shelves();
        for _ in 0..shelves.len() {
            let Some(next) = shelves.pop_front() else { break };
            let Some(shelf) = next.upgrade() else { continue };
            if but.is_some_and(|but| Arc::ptr_eq(but, &shelf)) {
                shelves.push_back(next);
            } else {
                let mut shelved = shelf.lock();
                freed = shelved.kept.pop_front();
                shelved.listed = freed.is_some();
                if shelved.listed {
                    shelves.push_back(next);
                }
            }
            seen.push(shelf);
            if freed.is_some() {
                self.release();
                break;
            }
        }
        drop(shelves);
        freed.is_some()
    }

    /// Frees all that is kept, if it has so many bytes of address space.
    fn give_back(&self, wanted: usize) {
        let stacks = std::mem::take(&mut *self.stacks());
        let shelves: Vec<Arc<Shelf>> = self.shelves().iter().filter_map(Weak::upgrade).collect();
        let memories = |shelf: &Arc<Shelf>| -> usize {
            shelf.lock().kept.iter().flat_map(|kept| &kept.memories).map(MemoryInstance::mapped).sum()
        };
        let stack_bytes: usize = stacks.iter().map(GuestStack::mapped).sum();
        if shelves.iter().map(memories).sum::<usize>().saturating_add(stack_bytes) < wanted {
            self.stacks().extend(stacks);
            return;
        }
        for _ in 0..self.kept.load(Ordering::Relaxed) {
            if !self.free_one(None) {
                break;
            }
        }
    }
}

/// Makes what takes so many bytes of the system's memory; if that is refused, once more without what the pool keeps. Who
/// wants more than that has, which a guest may say of its memory, cannot empty it.
pub(super) fn make<T>(engine: &Engine, bytes: usize, make: impl Fn() -> Result<T>) -> Result<T> {
    make().or_else(|error| {
        if engine.config().pool.is_none() {
            return Err(error);
        }
        engine.pool().give_back(bytes);
        make()
    })
}

/// Keeps what a store leaves behind, of which nothing is used any more.
pub(crate) fn recycle(core: &mut StoreCore) {
    let Some(config) = core.engine.config().pool else { return };
    let most = config.max_unused_warm_slots as usize;
    if let Some(mut stack) = core.vm.take_stack() {
        let pool = core.engine.pool();
        if pool.stacks().len() < most && stack.trim() {
            pool.stacks().push(stack);
        }
    }
    // Newest first: what an instance has made is what is last then, but for what the host has made since.
    while let Some(data) = core.instances.pop() {
        let module = data.module.clone();
        let blueprint = &module.inner().blueprint;
        let Some(mut kept) = keep(core, data) else { continue };
        let pool = core.engine.pool();
        if !pool.reserve(&blueprint.shelf, most) {
            continue;
        }
        let image = blueprint.memory.get().and_then(Option::as_ref);
        let images = [image].into_iter().chain(std::iter::repeat(None));
        let first = module.inner().wasm().imported_memories == 0;
        let mut images = images.skip(if first { 0 } else { 1 });
        let resident = config.linear_memory_keep_resident;
        let whole = kept.memories.iter_mut().all(|memory| memory.recycle(images.next().flatten(), core.ran, resident));
        kept.tables.iter_mut().for_each(TableInstance::recycle);
        if whole {
            pool.put(&blueprint.shelf, kept);
        } else {
            pool.release();
        }
    }
}

/// Takes apart an instance that is the store's newest; none if it is not complete.
fn keep(core: &mut StoreCore, data: InstanceData) -> Option<Kept> {
    let inner = data.module.inner().clone();
    let wasm = inner.wasm();
    let InstanceData { mut memories, mut tables, mut globals, mut tags, mut imported_funcs, vmctx, .. } = data;
    let memories_kept = take_last(&mut core.memories, memories.get(wasm.imported_memories as usize..)?);
    let tables_kept = take_last(&mut core.tables, tables.get(wasm.imported_tables as usize..)?);
    [&mut memories, &mut tables, &mut globals, &mut tags].into_iter().for_each(Vec::clear);
    imported_funcs.clear();
    Some(Kept {
        vmctx: Some(vmctx),
        memories: memories_kept,
        tables: tables_kept,
        lists: [memories, tables, globals, tags],
        imported_funcs,
    })
}

/// Takes out what is at these places, which follow one another, and drops what is behind them.
fn take_last<T>(all: &mut Vec<T>, places: &[usize]) -> Vec<T> {
    let Some((first, last)) = places.first().zip(places.last()) else { return Vec::new() };
    all.truncate(last + 1);
    all.split_off((*first).min(all.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, Instance, Module, PoolingAllocationConfig, Store};

    /// How much is kept of each module.
    fn counts(modules: &[Module]) -> Vec<usize> {
        modules.iter().map(|module| module.inner().blueprint.shelf.lock().kept.len()).collect()
    }

    #[test]
    fn what_is_kept_is_limited_for_all_modules_together() {
        let mut pool = PoolingAllocationConfig::new();
        pool.max_unused_warm_slots(3);
        let engine = Engine::new(Config::new().allocation_strategy(pool)).unwrap();
        let mut modules: Vec<Module> = (0..4).map(|_| Module::new(&engine, "(module (memory 1))").unwrap()).collect();
        let used = |times: usize, module: &Module| {
            let stores: Vec<Store<()>> = (0..times)
                .map(|_| {
                    let mut store = Store::new(&engine, ());
                    Instance::new(&mut store, module, &[]).unwrap();
                    store
                })
                .collect();
            drop(stores);
        };
        used(5, &modules[0]);
        assert_eq!(counts(&modules), [3, 0, 0, 0]);
        used(1, &modules[1]);
        used(1, &modules[2]);
        assert_eq!(counts(&modules), [1, 1, 1, 0], "of another module for each");
        used(3, &modules[3]);
        assert_eq!(counts(&modules), [0, 0, 0, 3]);
        used(2, &modules[1]);
        assert_eq!(counts(&modules), [0, 2, 0, 1], "what had none left is found again");
        assert_eq!(engine.pool().kept.load(Ordering::Relaxed), 3);
        modules.truncate(3);
        assert_eq!(engine.pool().kept.load(Ordering::Relaxed), 2, "it goes with its module");
        engine.pool().give_back(usize::MAX);
        assert_eq!(engine.pool().kept.load(Ordering::Relaxed), 2, "it would not be enough");
        engine.pool().give_back(1 << 16);
        assert_eq!(engine.pool().kept.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn nothing_is_left_of_modules_that_are_gone() {
        let engine = Engine::new(Config::new().allocation_strategy(PoolingAllocationConfig::new())).unwrap();
        for _ in 0..2000 {
            let module = Module::new(&engine, "(module (memory 0))").unwrap();
            let mut store = Store::new(&engine, ());
            Instance::new(&mut store, &module, &[]).unwrap();
        }
        assert_eq!(engine.pool().kept.load(Ordering::Relaxed), 0);
        assert!(engine.pool().shelves().len() < 100);
    }
}
