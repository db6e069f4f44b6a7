//! The garbage-collected heap of a store. A reserved region has two halves, and one is in use. References are 32-bit
//! offsets into the region. An object has a header with its canonical type. A collection copies the reachable objects
//! to the other half (Cheney, "A nonrecursive list compacting algorithm", 1970).
//!
//! Invariants:
//! - Whole objects lie between the start of the current half and `heap_top` of the store's record. Free memory follows,
//!   up to `heap_limit`. Every 32-bit offset lies inside the reservation.
//! - Roots are precise: the slots of an interpreter frame's safepoint, the words of a native frame's stack map,
//!   globals, tables, element segments, and the operands of the current libcall. Guest code is suspended when a
//!   collection runs.
//! - A reference that is not a multiple of 8 is not an offset but a host value or an unboxed integer. Collections leave
//!   it unchanged.
//! - Host references are not roots. Each records the [`HeapEpoch`] of its creation, and an offset is valid only in that
//!   epoch.

use std::collections::HashMap;
use std::ptr::NonNull;
use std::sync::Arc;

use kinglet_abi::{ObjectHeader, Trap, VmStore, field_offset};
use kinglet_interp::frame::{StackSegment, walk};
use kinglet_wasm::types::{CompositeType, HeapType, Hierarchy, StorageType, TypeId, TypeRegistry, ValType};

use super::address::Address;
use crate::store::{LimiterRequest, StoreCore};
use crate::vm::GlobalInstance;

/// Initial capacity of a half in bytes, and the unit of growth.
const FIRST_CAPACITY: u32 = 1 << 20;
/// The largest capacity of a half in bytes.
const MAX_CAPACITY: u32 = (1 << 31) - FIRST_CAPACITY;
/// The start of the upper half.
const UPPER: u32 = 1 << 31;
/// The region's size: both halves, and space for the largest object at the last offset.
const RESERVATION: usize = (1 << 32) + (1 << 20);
/// The first object's offset. Offset 0 is null.
const FIRST_OBJECT: u32 = 8;

/// The time between two collections, during which objects do not move. No reference is valid in the last epoch, because
/// the counter cannot distinguish later epochs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HeapEpoch(u32);

impl HeapEpoch {
    const LAST: HeapEpoch = HeapEpoch(u32::MAX);
    /// The epoch of references that no collection changes. Equal references of this epoch always compare equal.
    pub(crate) const ANY: HeapEpoch = HeapEpoch(0);
}

/// A store's heap.
#[derive(Debug, Default)]
pub(crate) struct Heap {
    region: Option<Reservation>,
    /// Whether the upper half is in use.
    upper: bool,
    /// Usable bytes of a half.
    capacity: u32,
    layout_cache: HashMap<TypeId, Arc<Layout>>,
    /// Whether every allocation and every call between tiers collects, for tests.
    pub(crate) collect_always: bool,
    /// The number of collections so far.
    pub(crate) collections: u64,
}

/// The collector's description of a type's objects.
#[derive(Debug)]
struct Layout {
    /// Size in bytes, with the header.
    size: u32,
    /// Offsets of the GC-managed fields, in bytes from the header.
    refs: Box<[u32]>,
}

impl Layout {
    /// Returns the layout of a structure type, or `None` if the heap does not support it yet.
    fn new(types: &TypeRegistry, ty: TypeId) -> Option<Layout> {
        let def = types.get(ty)?;
        let CompositeType::Struct(fields) = &def.sub.composite else { return None };
        let mut refs = Vec::new();
        for (index, field) in (0..).zip(fields) {
            let StorageType::Val(val) = field.storage else { continue };
            match is_gc_managed(types, val) {
                true => refs.push(field_offset(fields, index)),
                false if matches!(val, ValType::Ref(r) if r.heap != HeapType::I31) => return None,
                false => {}
            }
        }
        Some(Layout { size: field_offset(fields, fields.len() as u32), refs: refs.into() })
    }
}

/// Returns whether values of this type may refer to the heap.
fn is_gc_managed(types: &TypeRegistry, ty: ValType) -> bool {
    match ty {
        ValType::Ref(r) => ty.is_gc_managed() && types.hierarchy(r.heap) != Hierarchy::Func,
        _ => false,
    }
}

/// Calls `visit` with the reference in a slot, and stores the result.
unsafe fn visit_slot(slot: *mut u64, visit: &mut dyn FnMut(&mut u32)) {
    // SAFETY: callers pass slots that they own, or that lie in a frame of suspended guest code.
    unsafe {
        let mut reference = *slot as u32;
        visit(&mut reference);
        *slot = reference.into();
    }
}

/// Returns whether a reference refers to a heap object instead of a host value or an unboxed integer.
fn is_object(reference: u32) -> bool {
    reference.is_multiple_of(8)
}

impl Heap {
    /// Returns the epoch of a reference that is created now.
    pub(crate) fn epoch(&self, reference: u32) -> HeapEpoch {
        if !is_object(reference) {
            return HeapEpoch::ANY;
        }
        u32::try_from(self.collections).map_or(HeapEpoch::LAST, HeapEpoch)
    }

    /// Returns whether a reference of an epoch still refers to the same object.
    pub(crate) fn is_valid(&self, reference: u32, epoch: HeapEpoch) -> bool {
        !is_object(reference) || (epoch == self.epoch(reference) && epoch != HeapEpoch::LAST)
    }

    fn layout(&mut self, types: &TypeRegistry, ty: TypeId) -> Option<Arc<Layout>> {
        if let Some(layout) = self.layout_cache.get(&ty) {
            return Some(layout.clone());
        }
        let layout = Arc::new(Layout::new(types, ty)?);
        self.layout_cache.insert(ty, layout.clone());
        Some(layout)
    }

    fn start(&self) -> u32 {
        if self.upper { UPPER } else { 0 }
    }

    /// Increases the capacity. Returns false if the system lacks memory.
    fn grow(&mut self, vm: *mut VmStore, capacity: u32) -> bool {
        let start = self.start();
        let region = match &self.region {
            Some(region) => region,
            None => match Reservation::new() {
                Some(region) => self.region.insert(region),
                None => return false,
            },
        };
        if !region.commit(start as usize, capacity as usize) {
            return false;
        }
        // SAFETY: the store is live, and its guest code is suspended.
        unsafe {
            (*vm).heap_base = region.start.as_ptr();
            if self.capacity == 0 {
                (*vm).heap_top = start + FIRST_OBJECT;
            }
            (*vm).heap_limit = start + capacity;
        }
        self.capacity = capacity;
        true
    }
}

/// Executes `struct.new`: allocates an object and copies its fields from the array, which has the object's layout.
///
/// # Safety
/// `vm` belongs to `core`, its guest code is suspended, and `fields` has as many slots as the type's fields.
pub(super) unsafe fn struct_new(
    core: &mut StoreCore,
    vm: *mut VmStore,
    ty: TypeId,
    fields: *mut u64,
) -> Result<u32, Trap> {
    let types = core.engine.types().clone();
    let layout = core.heap.layout(&types, ty).ok_or(Trap::Unsupported)?;
    let header = size_of::<ObjectHeader>() as u32;
    let mut roots = |visit: &mut dyn FnMut(&mut u32)| {
        for at in &layout.refs {
            // SAFETY: the array has the layout of the object after its header.
            unsafe { visit_slot(fields.byte_add((*at - header) as usize), visit) };
        }
    };
    // SAFETY: the caller promises that `vm` belongs to `core`, that its guest code is suspended, and that the array has
    // the type's fields (see `# Safety`). `allocate` returns an object that ends before `heap_limit`, inside the
    // region.
    unsafe {
        let object = allocate(core, vm, layout.size, &mut roots)?;
        let at = (*vm).heap_base.add(object as usize);
        at.cast::<ObjectHeader>().write(ObjectHeader { type_id: ty.0, forward: 0 });
        std::ptr::copy_nonoverlapping(fields.cast::<u8>(), at.add(header as usize), (layout.size - header) as usize);
        Ok(object)
    }
}

/// Returns a field's address and its number of slots.
///
/// # Safety
/// See [`struct_new`]. `object` refers to an object of the type, or is null.
pub(super) unsafe fn field(
    core: &StoreCore,
    vm: *mut VmStore,
    ty: TypeId,
    field: u32,
    object: u32,
) -> Result<(*mut u64, usize), Trap> {
    if object == 0 {
        return Err(Trap::NullStructReference);
    }
    let def = core.engine.types().get(ty).ok_or(Trap::Unsupported)?;
    let CompositeType::Struct(fields) = &def.sub.composite else { return Err(Trap::Unsupported) };
    let slots = match fields.get(field as usize).map(|field| field.storage) {
        Some(StorageType::Val(ty)) => ty.slots(),
        _ => return Err(Trap::Unsupported),
    };
    // SAFETY: the object is live, and every offset lies inside the reservation.
    let at = unsafe { (*vm).heap_base.add(object as usize + field_offset(fields, field) as usize) };
    Ok((at.cast(), slots as usize))
}

type Roots<'a> = &'a mut dyn FnMut(&mut dyn FnMut(&mut u32));

unsafe fn allocate(core: &mut StoreCore, vm: *mut VmStore, size: u32, roots: Roots<'_>) -> Result<u32, Trap> {
    // SAFETY: the caller, `struct_new`, was promised that `vm` belongs to `core` and that its guest code is suspended.
    unsafe {
        let is_full = |vm: *mut VmStore| u64::from((*vm).heap_top) + u64::from(size) > u64::from((*vm).heap_limit);
        if core.heap.collect_always || is_full(vm) {
            collect(core, vm, roots);
            let live = (*vm).heap_top - core.heap.start();
            if is_full(vm) || live > core.heap.capacity / 2 {
                grow(core, vm, size)?;
            }
        }
        if is_full(vm) {
            return Err(Trap::OutOfMemory);
        }
        let object = (*vm).heap_top;
        (*vm).heap_top += size;
        Ok(object)
    }
}

/// Doubles the capacity, if the system and the store's limiter allow it.
fn grow(core: &mut StoreCore, vm: *mut VmStore, size: u32) -> Result<(), Trap> {
    let current = core.heap.capacity;
    let desired = (current.max(FIRST_CAPACITY / 2) * 2).max(size.next_multiple_of(FIRST_CAPACITY)).min(MAX_CAPACITY);
    if desired == current {
        return Ok(());
    }
    let request = super::MemoryRequest {
        current: current as usize,
        desired: desired as usize,
        maximum: Some(MAX_CAPACITY as usize),
    };
    let growth = request.desired - request.current;
    let total = core.total_growth(growth);
    let mut is_allowed = |request| {
        (core.call_limiter)(core, request).map_err(|error| {
            core.error = Some(error);
            Trap::OutOfMemory
        })
    };
    // A collection needs as much memory in the other half.
    let both_halves = growth.saturating_mul(2);
    if is_allowed(total)? && is_allowed(LimiterRequest::Memory(request))? && super::headroom::can_commit(both_halves) {
        core.heap.grow(vm, desired);
        core.total += (core.heap.capacity - current) as usize;
    }
    Ok(())
}

/// Collects a store's garbage. It invalidates the host's references.
pub(crate) fn collect_now(core: &mut StoreCore) {
    let vm = core.vm.pointer().as_ptr();
    // SAFETY: `vm` belongs to `core`. The host has borrowed the store, so guest code is suspended.
    unsafe { collect(core, vm, &mut |_| {}) };
}

/// Runs a collection. `extra_roots` visits additional roots of the caller.
///
/// # Safety
/// `vm` belongs to `core`, and its guest code is suspended.
pub(super) unsafe fn collect(core: &mut StoreCore, vm: *mut VmStore, extra_roots: Roots<'_>) {
    let types = core.engine.types().clone();
    let mut heap = std::mem::take(&mut core.heap);
    if let Some(region) = &heap.region {
        let to = if heap.upper { 0 } else { UPPER };
        if region.commit(to as usize, heap.capacity as usize) {
            let from = heap.start();
            // SAFETY: the caller promises that `vm` belongs to `core`; its record holds the heap's addresses.
            let mut evacuation = unsafe {
                Evacuation { base: (*vm).heap_base, from: from + FIRST_OBJECT..(*vm).heap_top, top: to + FIRST_OBJECT }
            };
            let (layout_cache, capacity) = (&mut heap.layout_cache, heap.capacity);
            let mut layout = |ty| {
                let cached: Option<&Arc<Layout>> = layout_cache.get(&ty);
                cached.cloned().or_else(|| {
                    let new = Arc::new(Layout::new(&types, ty)?);
                    Some(layout_cache.entry(ty).or_insert(new).clone())
                })
            };
            // SAFETY: the caller promises that `vm` belongs to `core` and that its guest code is suspended (see `#
            // Safety`). The other half is as large as this one.
            unsafe {
                let mut visit = |reference: &mut u32| evacuation.forward(reference, &mut layout);
                extra_roots(&mut visit);
                visit_frames(core, vm, &mut visit);
                visit_store(core, &types, &mut visit);
                evacuation.scan(to + FIRST_OBJECT, &mut layout);
                (*vm).heap_top = evacuation.top;
                (*vm).heap_limit = to + capacity;
            }
            heap.upper = !heap.upper;
            heap.collections += 1;
            heap.region.iter().for_each(|region| region.discard(from as usize, capacity as usize));
        }
    }
    core.heap = heap;
}

/// A collection in progress.
struct Evacuation {
    base: *mut u8,
    /// The objects that have not moved yet.
    from: std::ops::Range<u32>,
    /// The offset of the next moved object.
    top: u32,
}

impl Evacuation {
    /// Updates a reference to its object's new offset. Moves the object first if necessary.
    unsafe fn forward(&mut self, reference: &mut u32, layout: &mut dyn FnMut(TypeId) -> Option<Arc<Layout>>) {
        if !is_object(*reference) || !self.from.contains(reference) {
            return;
        }
        // SAFETY: a reference into the current half is to an object; the other half has space for it.
        unsafe {
            let object = self.base.add(*reference as usize);
            let header = object.cast::<ObjectHeader>();
            if (*header).forward == 0 {
                let Some(layout) = layout(TypeId((*header).type_id)) else { return };
                let to = self.base.add(self.top as usize);
                std::ptr::copy_nonoverlapping(object, to, layout.size as usize);
                (*header).forward = self.top;
                self.top += layout.size;
            }
            *reference = (*header).forward;
        }
    }

    /// Forwards the references of moved objects until none is left.
    unsafe fn scan(&mut self, mut at: u32, layout: &mut dyn FnMut(TypeId) -> Option<Arc<Layout>>) {
        while at < self.top {
            // SAFETY: whole objects lie between `at` and `top`.
            unsafe {
                let object = self.base.add(at as usize);
                let Some(cached) = layout(TypeId((*object.cast::<ObjectHeader>()).type_id)) else { return };
                for field in &cached.refs {
                    visit_slot(object.add(*field as usize).cast(), &mut |r| self.forward(r, layout));
                }
                at += cached.size;
            }
        }
    }
}

/// Visits the references in guest frames.
unsafe fn visit_frames(core: &StoreCore, vm: *mut VmStore, visit: &mut dyn FnMut(&mut u32)) {
    // SAFETY: guest code is suspended, so every frame's record or exit frame is set.
    unsafe {
        for segment in walk(vm).into_iter().chain(super::fiber::other_stacks(core)) {
            match segment {
                StackSegment::Interpreter(frames) => {
                    for frame in frames {
                        for slot in frame.body().gc_slots(frame.ip) {
                            visit_slot(frame.fp.add(*slot as usize), visit);
                        }
                    }
                }
                #[cfg(feature = "jit")]
                StackSegment::Native(activation) => super::native::visit_roots(activation, visit),
                #[cfg(not(feature = "jit"))]
                StackSegment::Native(_) => {}
            }
        }
    }
}

/// Visits the references in the store's objects.
fn visit_store(core: &mut StoreCore, types: &TypeRegistry, visit: &mut dyn FnMut(&mut u32)) {
    // Globals of instances follow below, with or without a handle of the host.
    let host_globals = |global: &&mut GlobalInstance| global.owns_record() && is_gc_managed(types, global.ty().content);
    for global in core.globals.iter_mut().filter(host_globals) {
        let mut slots = global.get();
        // SAFETY: the slot is a local variable.
        unsafe { visit_slot(&mut slots[0], visit) };
        global.set(slots);
    }
    for table in core.tables.iter_mut().filter(|table| is_gc_managed(types, ValType::Ref(table.ty().element))) {
        for element in table.raw_elements() {
            // SAFETY: the slot is an element of a table of GC-managed references.
            unsafe { visit_slot(element, visit) };
        }
    }
    for instance in 0..core.instances.len() {
        let inner = core.instances[instance].module.inner().clone();
        let imported = inner.wasm().imported_globals;
        for (i, _) in (imported..)
            .zip(&inner.wasm().globals[imported as usize..])
            .filter(|(_, ty)| is_gc_managed(types, ty.content))
        {
            let record = super::instance::global_record(core, instance, i);
            // SAFETY: the slot is a part of the instance's context.
            unsafe { visit_slot(&raw mut (*record.as_ptr()).slots[0], visit) };
        }
    }
    for instance in &mut core.instances {
        let inner = instance.module.inner().clone();
        for (elem, values) in &mut instance.elem_values {
            if is_gc_managed(types, ValType::Ref(inner.wasm().elems[*elem as usize].ty)) {
                // SAFETY: the slot is a value of a segment of GC-managed references.
                values.iter_mut().for_each(|value| unsafe { visit_slot(value, visit) });
            }
        }
    }
}

/// Collects before a call from native code to the interpreter, if `collect_always` is set.
///
/// # Safety
/// `vm` is live, its guest code is suspended in a native-to-interpreter trampoline, and `slots` holds the arguments.
#[cfg(feature = "jit")]
pub(super) unsafe fn collect_before_call(vm: *mut VmStore, cell: *const kinglet_abi::FuncCell, slots: *mut u64) {
    let collect_all = |core: &mut StoreCore| {
        if !core.heap.collect_always {
            return;
        }
        let types = core.engine.types().clone();
        // SAFETY: the caller promises that guest code is suspended and that `slots` holds the arguments of the cell's
        // function (see `# Safety`), laid out by its type.
        unsafe {
            let ty = types.func(TypeId((*cell).type_id));
            collect(core, vm, &mut |visit| {
                let mut at = slots;
                for param in ty.params() {
                    if is_gc_managed(&types, *param) {
                        visit_slot(at, visit);
                    }
                    at = at.add(param.slots() as usize);
                }
            });
        }
    };
    // SAFETY: the caller promises that the store is live and its guest code is suspended, so the store is not borrowed.
    // A collection calls no guest code.
    unsafe { super::store::with_core(vm, collect_all) };
}

/// Reserved address space whose pages are committed on demand.
#[derive(Debug)]
struct Reservation {
    start: Address<u8>,
}

#[cfg(unix)]
impl Reservation {
    fn new() -> Option<Reservation> {
        use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};
        // SAFETY: a new mapping overlaps nothing.
        let start = unsafe { mmap_anonymous(std::ptr::null_mut(), RESERVATION, ProtFlags::empty(), MapFlags::PRIVATE) };
        NonNull::new(start.ok()?.cast()).map(|start| Reservation { start: Address(start) })
    }

    /// Makes memory accessible. Memory that was inaccessible before is zero.
    fn commit(&self, at: usize, len: usize) -> bool {
        use rustix::mm::{MprotectFlags, mprotect};
        // SAFETY: the range lies in the reservation.
        unsafe { mprotect(self.start.as_ptr().add(at).cast(), len, MprotectFlags::READ | MprotectFlags::WRITE).is_ok() }
    }

    /// Returns memory to the system. It is zero when next used.
    #[cfg(target_os = "linux")]
    fn discard(&self, at: usize, len: usize) {
        use rustix::mm::{Advice, madvise};
        // SAFETY: the range lies in the reservation, and its contents are not in use.
        let _ = unsafe { madvise(self.start.as_ptr().add(at).cast(), len, Advice::LinuxDontNeed) };
    }

    /// Replaces the memory with a new mapping, because the advice guarantees zeros only on Linux.
    #[cfg(not(target_os = "linux"))]
    fn discard(&self, at: usize, len: usize) {
        use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};
        let (access, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE | MapFlags::FIXED);
        // SAFETY: the range lies in the reservation, and its contents are not in use.
        let _ = unsafe { mmap_anonymous(self.start.as_ptr().add(at).cast(), len, access, flags) };
    }
}

#[cfg(unix)]
impl Drop for Reservation {
    fn drop(&mut self) {
        // SAFETY: the reservation is owned, and its store is being dropped.
        let _ = unsafe { rustix::mm::munmap(self.start.as_ptr().cast(), RESERVATION) };
    }
}

/// Fails, because there is no heap on this platform yet.
#[cfg(not(unix))]
impl Reservation {
    fn new() -> Option<Reservation> {
        None
    }

    fn commit(&self, _: usize, _: usize) -> bool {
        false
    }

    fn discard(&self, _: usize, _: usize) {}
}

#[cfg(test)]
mod tests {
    use crate::{Config, Engine, Feature, Instance, Module, ResourceLimiter, Store, Trap, testing};

    const LINKED_LIST: &str = r#"(module (type $s (struct (field i32) (field (ref null $s)) (field externref)))
        (global $head (mut (ref null $s)) (ref.null $s))
        (func (export "push") (param i32 externref)
            (global.set $head (struct.new $s (local.get 0) (global.get $head) (local.get 1))))
        (func (export "sum") (result i32) (local $s (ref null $s)) (local $sum i32)
            (local.set $s (global.get $head))
            (loop $l
                (local.set $sum (i32.add (local.get $sum) (struct.get $s 0 (local.get $s))))
                (br_if $l (i32.eqz (ref.is_null (local.tee $s (struct.get $s 1 (local.get $s)))))))
            (local.get $sum)))"#;

    fn list(engine: &Engine) -> (Store<Limit>, Instance) {
        let mut store = Store::new(engine, Limit(usize::MAX));
        let module = Module::new(engine, LINKED_LIST).unwrap();
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        (store, instance)
    }

    fn engine() -> Engine {
        Engine::new(Config::new().feature(Feature::Gc, true)).unwrap()
    }

    struct Limit(usize);

    impl ResourceLimiter for Limit {
        fn memory_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> crate::Result<bool> {
            Ok(desired <= self.0)
        }

        fn table_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> crate::Result<bool> {
            Ok(true)
        }
    }

    #[test]
    fn a_non_offset_reference_stays_valid_across_collections() {
        let mut heap = super::Heap::default();
        let before = [9, 8].map(|reference| heap.epoch(reference));
        heap.collections += 1;
        assert_eq!(
            [9, 8].map(|reference| heap.is_valid(reference, before[usize::from(reference == 8)])),
            [true, false]
        );
        assert_eq!([9, 8].map(|reference| heap.epoch(reference)).map(|epoch| before.contains(&epoch)), [true, false]);
    }

    #[test]
    fn objects_reachable_from_a_global_survive_and_host_values_are_not_moved() {
        let (mut store, instance) = list(&engine());
        testing::collect_always(&mut store, true);
        let push = instance.get_func(&mut store, "push").unwrap();
        let value = crate::ExternRef::new(&mut store, 5).unwrap();
        for i in 0..100 {
            push.call(&mut store, &[crate::Val::I32(i), crate::Val::ExternRef(Some(value))], &mut []).unwrap();
        }
        testing::collect(&mut store);
        let sum = instance.get_typed_func::<(), i32>(&mut store, "sum").unwrap();
        assert_eq!(sum.call(&mut store, ()).unwrap(), 4950);
        assert!(testing::collections(&mut store) >= 100);
    }

    #[test]
    fn a_heap_over_the_limit_traps_and_the_store_stays_usable() {
        let (mut store, instance) = list(&engine());
        store.limiter(|limit| limit);
        store.data_mut().0 = 4 << 20;
        let push = instance.get_func(&mut store, "push").unwrap();
        let args = [crate::Val::I32(1), crate::Val::ExternRef(None)];
        let error = (0..1_000_000).find_map(|_| push.call(&mut store, &args, &mut []).err()).unwrap();
        assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::OutOfMemory));
        let sum = instance.get_typed_func::<(), i32>(&mut store, "sum").unwrap();
        let live = sum.call(&mut store, ()).unwrap();
        assert!((120_000..140_000).contains(&live), "{live}");
    }
}
