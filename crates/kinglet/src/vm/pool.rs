//! What is kept of instances for the next of the same module, and what is the same for all of them. A dropped store leaves
//! contexts, memories, tables and its stack; they are reset before anyone else can have them, and only as far as they were
//! written to. What is kept never moves, so that function references and table elements that lead into it stay right.
//!
//! How much an engine keeps is limited for all its modules together. Whoever would keep more has something of another
//! module freed, each in its turn, so that modules that are not used any more lose what they have; and all is freed when
//! the system has no memory left.
//!
//! Invariant: what is in a pool is as a new instance wants it: memories and tables hold zeros or what the module says,
//! and nothing of the store that it came from. Globals and imports are written anew for each instance.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use kinglet_wasm::module::{ConstExpr, Global};

use super::image::MemoryImage;
use super::instance::{InstanceData, VmCtxBox};
use super::store::GuestStack;
use super::{MemoryInstance, TableInstance};
use crate::module::ModuleInner;
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
    /// The newest last.
    kept: Mutex<Vec<Kept>>,
    /// Where those are counted, once there were any.
    pool: OnceLock<Arc<Pool>>,
    /// Whether the pool has the module among those that something is kept of. Changes with `kept` locked.
    listed: AtomicBool,
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

// SAFETY: owned memory; the records that memories and tables point to are in the context beside them.
unsafe impl Send for Kept {}

impl Drop for Blueprint {
    fn drop(&mut self) {
        let kept = self.kept.get_mut().unwrap_or_else(PoisonError::into_inner).len();
        if let Some(pool) = self.pool.get() {
            pool.kept.fetch_sub(kept, Ordering::Relaxed);
        }
    }
}

impl Blueprint {
    fn kept(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn take(&self) -> Kept {
        let Some(kept) = self.kept().pop() else { return Kept::default() };
        if let Some(pool) = self.pool.get() {
            pool.kept.fetch_sub(1, Ordering::Relaxed);
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
#[derive(Debug, Default)]
pub(crate) struct Pool {
    /// Those that stores have left.
    stacks: Mutex<Vec<GuestStack>>,
    /// How many instances are kept, of all modules.
    kept: AtomicUsize,
    /// The modules whose blueprints say that they are listed; of the first one something is freed next.
    modules: Mutex<VecDeque<Weak<ModuleInner>>>,
}

impl Pool {
    fn stacks(&self) -> MutexGuard<'_, Vec<GuestStack>> {
        self.stacks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn modules(&self) -> MutexGuard<'_, VecDeque<Weak<ModuleInner>>> {
        self.modules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn take_stack(&self) -> Option<GuestStack> {
        self.stacks().pop()
    }

    /// Keeps what a module's instance has left, if no more than so many are or another module's can go.
    fn keep(self: &Arc<Pool>, module: &Arc<ModuleInner>, kept: Kept, most: usize) {
        if self.kept.fetch_add(1, Ordering::Relaxed) >= most && !self.free_one(Some(module)) {
            self.kept.fetch_sub(1, Ordering::Relaxed);
            return;
        }
        let blueprint = &module.blueprint;
        blueprint.pool.get_or_init(|| self.clone());
        let listed = {
            let mut all = blueprint.kept();
            all.push(kept);
            blueprint.listed.swap(true, Ordering::Relaxed)
        };
        if !listed {
            self.modules().push_back(Arc::downgrade(module));
        }
    }

    /// Frees the oldest that is kept of the module whose turn it is, which is not that one; false if there is none.
    fn free_one(&self, but: Option<&Arc<ModuleInner>>) -> bool {
        // What is dropped here is when nothing is locked.
        let (mut freed, mut seen) = (None, Vec::new());
        let mut modules = self.modules();
        for _ in 0..modules.len() {
            let Some(next) = modules.pop_front() else { break };
            let Some(module) = next.upgrade() else { continue };
            if but.is_none_or(|but| !Arc::ptr_eq(but, &module)) {
                let mut kept = module.blueprint.kept();
                if kept.is_empty() {
                    module.blueprint.listed.store(false, Ordering::Relaxed);
                    drop(kept);
                    seen.push(module);
                    continue;
                }
                freed = Some(kept.swap_remove(0));
            }
            modules.push_back(next);
            seen.push(module);
            if freed.is_some() {
                self.kept.fetch_sub(1, Ordering::Relaxed);
                break;
            }
        }
        drop(modules);
        freed.is_some()
    }

    /// Frees all that is kept; false if nothing is.
    pub(super) fn clear(&self) -> bool {
        let stacks = std::mem::take(&mut *self.stacks());
        let mut any = !stacks.is_empty();
        drop(stacks);
        while self.free_one(None) {
            any = true;
        }
        any
    }
}

/// Makes what takes memory of the system's; if there is none left, once more without what is kept.
pub(super) fn make<T>(engine: &Engine, make: impl Fn() -> Result<T>) -> Result<T> {
    make().or_else(|error| if engine.pool().clear() { make() } else { Err(error) })
}

/// Keeps what a store leaves behind, of which nothing is used any more.
pub(crate) fn recycle(core: &mut StoreCore) {
    let Some(config) = core.engine.config().pool else { return };
    let most = config.max_unused_warm_slots as usize;
    let pool = core.engine.pool().clone();
    if let Some(mut stack) = core.vm.take_stack()
        && pool.stacks().len() < most
        && stack.trim()
    {
        pool.stacks().push(stack);
    }
    // Newest first: what an instance has made is what is last then, but for what the host has made since.
    while let Some(data) = core.instances.pop() {
        let module = data.module.clone();
        let inner = module.inner();
        let Some(mut kept) = keep(core, data) else { continue };
        let image = inner.blueprint.memory.get().and_then(Option::as_ref);
        let images = [image].into_iter().chain(std::iter::repeat(None));
        let first = inner.wasm().imported_memories == 0;
        let mut images = images.skip(if first { 0 } else { 1 });
        let resident = config.linear_memory_keep_resident;
        let whole = kept.memories.iter_mut().all(|memory| memory.recycle(images.next().flatten(), core.ran, resident));
        kept.tables.iter_mut().for_each(TableInstance::recycle);
        if whole {
            pool.keep(inner, kept, most);
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
        modules.iter().map(|module| module.inner().blueprint.kept().len()).collect()
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
        assert_eq!(counts(&modules), [1, 1, 1, 0], "of those that have most, or had it longest");
        used(3, &modules[3]);
        assert_eq!(counts(&modules), [0, 0, 0, 3]);
        used(2, &modules[1]);
        assert_eq!(counts(&modules), [0, 2, 0, 1], "what had none left is found again");
        assert_eq!(engine.pool().kept.load(Ordering::Relaxed), 3);
        modules.truncate(3);
        assert_eq!(engine.pool().kept.load(Ordering::Relaxed), 2, "it goes with its module");
        assert!(engine.pool().clear());
        assert!(!engine.pool().clear(), "nothing is left");
        assert_eq!(engine.pool().kept.load(Ordering::Relaxed), 0);
    }
}
