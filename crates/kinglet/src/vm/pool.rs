//! What is kept of instances for the next of the same module, and what is the same for all of them. A dropped store leaves
//! contexts, memories, tables and its stack; they are reset before anyone else can have them, and only as far as they were
//! written to. What is kept never moves, so that function references and table elements that lead into it stay right.
//!
//! Invariant: what is in a pool is as a new instance wants it: memories and tables hold zeros or what the module says,
//! and nothing of the store that it came from. Globals and imports are written anew for each instance.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock};

use kinglet_wasm::module::{ConstExpr, Global};

use super::image::MemoryImage;
use super::instance::{InstanceData, VmCtxBox};
use super::store::GuestStack;
use super::{MemoryInstance, TableInstance};
use crate::store::StoreCore;

/// What the instances of a module are made of.
#[derive(Default)]
pub(crate) struct Blueprint {
    /// What the first memory begins with, if the module says it.
    pub(crate) memory: OnceLock<Option<MemoryImage>>,
    /// The values of the globals that the module defines, as far as they are constants.
    globals: OnceLock<Box<[[u64; 2]]>>,
    /// Whether there was an instance.
    used: AtomicBool,
    kept: Mutex<Vec<Kept>>,
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

impl Blueprint {
    fn kept(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.kept.lock().unwrap_or_else(|e| e.into_inner())
    }

    pub(super) fn take(&self) -> Kept {
        self.kept().pop().unwrap_or_default()
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

/// The stacks that stores have left.
#[derive(Debug, Default)]
pub(crate) struct Stacks(Mutex<Vec<GuestStack>>);

impl Stacks {
    fn lock(&self) -> MutexGuard<'_, Vec<GuestStack>> {
        self.0.lock().unwrap_or_else(|e| e.into_inner())
    }

    pub(super) fn take(&self) -> Option<GuestStack> {
        self.lock().pop()
    }
}

/// Keeps what a store leaves behind, of which nothing is used any more.
pub(crate) fn recycle(core: &mut StoreCore) {
    let Some(pool) = core.engine.config().pool else { return };
    let most = pool.max_unused_warm_slots as usize;
    if let Some(mut stack) = core.vm.take_stack() {
        let stacks = core.engine.stacks();
        if stacks.lock().len() < most && stack.trim() {
            stacks.lock().push(stack);
        }
    }
    // Newest first: what an instance has made is what is last then, but for what the host has made since.
    while let Some(data) = core.instances.pop() {
        let module = data.module.clone();
        let inner = module.inner();
        let Some(mut kept) = keep(core, data) else { continue };
        // Another thread may have put some there since.
        if inner.blueprint.kept().len() >= most {
            continue;
        }
        let image = inner.blueprint.memory.get().and_then(Option::as_ref);
        let images = [image].into_iter().chain(std::iter::repeat(None));
        let first = inner.wasm().imported_memories == 0;
        let mut images = images.skip(if first { 0 } else { 1 });
        let keep = pool.linear_memory_keep_resident;
        let whole = kept.memories.iter_mut().all(|memory| memory.recycle(images.next().flatten(), core.ran, keep));
        kept.tables.iter_mut().for_each(TableInstance::recycle);
        if whole {
            inner.blueprint.kept().push(kept);
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
