//! The garbage-collected heap of a store: a reserved region in two halves, of which one is in use; references are 32-bit
//! offsets into the region, objects have a header with their canonical type. Collection copies what is reachable to the
//! other half (Cheney, "A nonrecursive list compacting algorithm", 1970).
//!
//! Invariants:
//! - Between `heap_top` of the store's record and the start of its half lie whole objects; behind it is free room up to
//!   `heap_limit`. An offset of 32 bits stays inside the reservation whatever it is.
//! - Roots are precise: the slots that an interpreter frame's safepoint names, the words that a native frame's stack
//!   map names, globals, tables, element segments, and what the libcall at hand was given. Guest code has called out
//!   when a collection runs.
//! - A reference that is not a multiple of 8 is no offset (a host value, an unboxed integer) and stays as it is.
//! - The host's references are no roots. Each notes the [`Epoch`] in which it was given out, and none that is an offset
//!   comes back in another.

use std::collections::HashMap;
use std::ptr::NonNull;
use std::sync::Arc;

use kinglet_abi::{ObjectHeader, Trap, VmStore, field_offset};
use kinglet_interp::frame::{StackSegment, walk};
use kinglet_wasm::types::{CompositeType, HeapType, Hierarchy, StorageType, TypeId, TypeRegistry, ValType};

use super::address::Address;
use crate::store::{Question, StoreCore};
use crate::vm::GlobalInstance;

/// Bytes of a half at first, and what it grows by at least.
const FIRST_CAPACITY: u32 = 1 << 20;
/// The most bytes a half can have.
const MAX_CAPACITY: u32 = (1 << 31) - FIRST_CAPACITY;
/// Where the upper half begins.
const UPPER: u32 = 1 << 31;
/// The region: both halves, and room behind for the largest object at the last offset.
const RESERVATION: usize = (1 << 32) + (1 << 20);
/// No object is at offset 0, which is null.
const FIRST_OBJECT: u32 = 8;

/// A time between two collections of a heap, in which objects stay where they are. The last one that can be told apart is
/// good for no reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Epoch(u32);

impl Epoch {
    const LAST: Epoch = Epoch(u32::MAX);
    /// That of references to nothing that a collection moves, so that the same are equal at any time.
    const ANY: Epoch = Epoch(0);
}

/// A store's heap.
#[derive(Debug, Default)]
pub(crate) struct Heap {
    region: Option<Reservation>,
    /// Whether the upper half is in use.
    upper: bool,
    /// Bytes of a half that may be used.
    capacity: u32,
    layouts: HashMap<TypeId, Arc<Layout>>,
    /// Whether every allocation and every call between tiers collects.
    pub(crate) always: bool,
    /// How often the collector has run.
    pub(crate) collections: u64,
}

/// What the collector knows of a type's objects.
#[derive(Debug)]
struct Layout {
    /// Bytes, with the header.
    size: u32,
    /// Bytes from the header to each traced field.
    refs: Box<[u32]>,
}

impl Layout {
    /// The layout of a structure; none of what the heap cannot hold yet.
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

/// Whether values of this type may be references into the heap.
fn is_gc_managed(types: &TypeRegistry, ty: ValType) -> bool {
    match ty {
        ValType::Ref(r) => ty.is_gc_managed() && types.hierarchy(r.heap) != Hierarchy::Func,
        _ => false,
    }
}

/// Shows a slot that holds a reference.
unsafe fn visit_slot(slot: *mut u64, visit: &mut dyn FnMut(&mut u32)) {
    // SAFETY: the callers show slots that they own or that lie in a frame of a guest that has called out.
    unsafe {
        let mut reference = *slot as u32;
        visit(&mut reference);
        *slot = reference.into();
    }
}

/// Whether a reference is to an object of the heap, and no unboxed integer or value of the host.
fn is_object(reference: u32) -> bool {
    reference.is_multiple_of(8)
}

impl Heap {
    /// That of a reference that is given out now.
    pub(crate) fn epoch(&self, reference: u32) -> Epoch {
        if !is_object(reference) {
            return Epoch::ANY;
        }
        u32::try_from(self.collections).map_or(Epoch::LAST, Epoch)
    }

    /// Whether a reference that was given out in an epoch still refers to the same.
    pub(crate) fn is_good(&self, reference: u32, epoch: Epoch) -> bool {
        !is_object(reference) || (epoch == self.epoch(reference) && epoch != Epoch::LAST)
    }

    fn layout(&mut self, types: &TypeRegistry, ty: TypeId) -> Option<Arc<Layout>> {
        if let Some(layout) = self.layouts.get(&ty) {
            return Some(layout.clone());
        }
        let layout = Arc::new(Layout::new(types, ty)?);
        self.layouts.insert(ty, layout.clone());
        Some(layout)
    }

    fn start(&self) -> u32 {
        if self.upper { UPPER } else { 0 }
    }

    /// Makes the capacity larger; false if the system has not that much.
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
        // SAFETY: the store is live, and its guest code has called out.
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

/// `struct.new`: makes an object of the fields in the array, which holds them as the object does.
///
/// # Safety
/// `vm` is the core's, its guest code has called out, and `fields` are as many slots as the type's fields take.
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
            // SAFETY: the array is laid out as the object behind its header.
            unsafe { visit_slot(fields.byte_add((*at - header) as usize), visit) };
        }
    };
    // SAFETY: the caller promises that `vm` is the core's, its guest code has called out, and as many fields as the type has
    // (see `# Safety`); the region has room for the object when there is room up to the limit.
    unsafe {
        let object = allocate(core, vm, layout.size, &mut roots)?;
        let at = (*vm).heap_base.add(object as usize);
        at.cast::<ObjectHeader>().write(ObjectHeader { type_id: ty.0, forward: 0 });
        std::ptr::copy_nonoverlapping(fields.cast::<u8>(), at.add(header as usize), (layout.size - header) as usize);
        Ok(object)
    }
}

/// Where a field of an object is, and how many slots it takes.
///
/// # Safety
/// See [`struct_new`]; `object` is a reference to an object of the type.
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
    // SAFETY: an object is there, and any offset stays inside the reservation.
    let at = unsafe { (*vm).heap_base.add(object as usize + field_offset(fields, field) as usize) };
    Ok((at.cast(), slots as usize))
}

type Roots<'a> = &'a mut dyn FnMut(&mut dyn FnMut(&mut u32));

unsafe fn allocate(core: &mut StoreCore, vm: *mut VmStore, size: u32, roots: Roots<'_>) -> Result<u32, Trap> {
    // SAFETY: the caller, `struct_new`, has promised that `vm` is the core's and its guest code has called out.
    unsafe {
        let full = |vm: *mut VmStore| u64::from((*vm).heap_top) + u64::from(size) > u64::from((*vm).heap_limit);
        if core.heap.always || full(vm) {
            collect(core, vm, roots);
            let live = (*vm).heap_top - core.heap.start();
            if full(vm) || live > core.heap.capacity / 2 {
                grow(core, vm, size)?;
            }
        }
        if full(vm) {
            return Err(Trap::OutOfMemory);
        }
        let object = (*vm).heap_top;
        (*vm).heap_top += size;
        Ok(object)
    }
}

/// Makes the capacity larger, as far as it can be and the store's limiter allows.
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
    let more = request.desired - request.current;
    let total = core.total_growth(more);
    let mut ask = |question| {
        (core.ask_limiter)(core, question).map_err(|error| {
            core.error = Some(error);
            Trap::OutOfMemory
        })
    };
    // A collection takes as much of the other half.
    let both = more.saturating_mul(2);
    if ask(total)? && ask(Question::Memory(request))? && super::room::is_there_of_reserved(both) {
        core.heap.grow(vm, desired);
        core.total += (core.heap.capacity - current) as usize;
    }
    Ok(())
}

/// Collects a store's garbage; the host holds no references that it wants to use after.
pub(crate) fn collect_now(core: &mut StoreCore) {
    let vm = core.vm.pointer().as_ptr();
    // SAFETY: the store's own; the host has it, so guest code has called out.
    unsafe { collect(core, vm, &mut |_| {}) };
}

/// Collects. `more` shows the roots that only the caller knows.
///
/// # Safety
/// `vm` is the core's, and its guest code has called out.
pub(super) unsafe fn collect(core: &mut StoreCore, vm: *mut VmStore, more: Roots<'_>) {
    let types = core.engine.types().clone();
    let mut heap = std::mem::take(&mut core.heap);
    if let Some(region) = &heap.region {
        let to = if heap.upper { 0 } else { UPPER };
        if region.commit(to as usize, heap.capacity as usize) {
            let from = heap.start();
            // SAFETY: the caller promises that `vm` is the core's, whose record says where its heap is.
            let mut copy = unsafe {
                Copy { base: (*vm).heap_base, from: from + FIRST_OBJECT..(*vm).heap_top, top: to + FIRST_OBJECT }
            };
            let (layouts, capacity) = (&mut heap.layouts, heap.capacity);
            let mut layout = |ty| {
                let known: Option<&Arc<Layout>> = layouts.get(&ty);
                known.cloned().or_else(|| {
                    let new = Arc::new(Layout::new(&types, ty)?);
                    Some(layouts.entry(ty).or_insert(new).clone())
                })
            };
            // SAFETY: the caller promises that `vm` is the core's and its guest code has called out (see `# Safety`); the other
            // half has room for all of this one.
            unsafe {
                let mut visit = |reference: &mut u32| copy.forward(reference, &mut layout);
                more(&mut visit);
                visit_frames(core, vm, &mut visit);
                visit_store(core, &types, &mut visit);
                copy.scan(to + FIRST_OBJECT, &mut layout);
                (*vm).heap_top = copy.top;
                (*vm).heap_limit = to + capacity;
            }
            heap.upper = !heap.upper;
            heap.collections += 1;
            heap.region.iter().for_each(|region| region.discard(from as usize, capacity as usize));
        }
    }
    core.heap = heap;
}

/// A collection under way.
struct Copy {
    base: *mut u8,
    /// Where objects are that have not moved.
    from: std::ops::Range<u32>,
    /// Where the next one goes.
    top: u32,
}

impl Copy {
    /// Makes a reference refer to where its object is to be, and moves it there if it has not been moved yet.
    unsafe fn forward(&mut self, reference: &mut u32, layout: &mut dyn FnMut(TypeId) -> Option<Arc<Layout>>) {
        if !is_object(*reference) || !self.from.contains(reference) {
            return;
        }
        // SAFETY: a reference into the half in use is to an object; the other half has room for it.
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

    /// Forwards what moved objects refer to, until there is nothing new.
    unsafe fn scan(&mut self, mut at: u32, layout: &mut dyn FnMut(TypeId) -> Option<Arc<Layout>>) {
        while at < self.top {
            // SAFETY: from `at` to `top` lie whole objects.
            unsafe {
                let object = self.base.add(at as usize);
                let Some(known) = layout(TypeId((*object.cast::<ObjectHeader>()).type_id)) else { return };
                for field in &known.refs {
                    visit_slot(object.add(*field as usize).cast(), &mut |r| self.forward(r, layout));
                }
                at += known.size;
            }
        }
    }
}

/// The references in guest frames.
unsafe fn visit_frames(core: &StoreCore, vm: *mut VmStore, visit: &mut dyn FnMut(&mut u32)) {
    // SAFETY: guest code has called out, so every frame's record, or exit, is noted.
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

/// The references in what the store owns.
fn visit_store(core: &mut StoreCore, types: &TypeRegistry, visit: &mut dyn FnMut(&mut u32)) {
    // Those of instances come below, whether the host knows them or not.
    let hosts = |global: &&mut GlobalInstance| global.owns_record() && is_gc_managed(types, global.ty().content);
    for global in core.globals.iter_mut().filter(hosts) {
        let mut slots = global.get();
        // SAFETY: a slot of ours.
        unsafe { visit_slot(&mut slots[0], visit) };
        global.set(slots);
    }
    for table in core.tables.iter_mut().filter(|table| is_gc_managed(types, ValType::Ref(table.ty().element))) {
        for element in table.raw_elements() {
            // SAFETY: an element of a table of references.
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
            // SAFETY: a slot of the instance's.
            unsafe { visit_slot(&raw mut (*record.as_ptr()).slots[0], visit) };
        }
    }
    for instance in &mut core.instances {
        let inner = instance.module.inner().clone();
        for (elem, values) in &mut instance.elem_values {
            if is_gc_managed(types, ValType::Ref(inner.wasm().elems[*elem as usize].ty)) {
                // SAFETY: values of a segment of references.
                values.iter_mut().for_each(|value| unsafe { visit_slot(value, visit) });
            }
        }
    }
}

/// In the mode that collects always: collects before a call from native code to the interpreter.
///
/// # Safety
/// Called by the runtime for a bridge: `vm` is live, its guest code has called out, and `slots` are the arguments.
#[cfg(feature = "jit")]
pub(super) unsafe fn before_call(vm: *mut VmStore, cell: *const kinglet_abi::FuncCell, slots: *mut u64) {
    let collect_all = |core: &mut StoreCore| {
        if !core.heap.always {
            return;
        }
        let types = core.engine.types().clone();
        // SAFETY: the caller promises that the store's guest code has called out, and that `slots` are the arguments of
        // the cell's function (see `# Safety`), which are laid out as its type says.
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
    // SAFETY: the caller promises that the store is live and its guest code has called out, so that nothing borrows the
    // store; a collection calls no guest.
    unsafe { super::store::with_core(vm, collect_all) };
}

/// Address space of which pages are given when wanted.
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

    /// Makes memory usable; zero where it was not.
    fn commit(&self, at: usize, len: usize) -> bool {
        use rustix::mm::{MprotectFlags, mprotect};
        // SAFETY: inside the reservation.
        unsafe { mprotect(self.start.as_ptr().add(at).cast(), len, MprotectFlags::READ | MprotectFlags::WRITE).is_ok() }
    }

    /// Gives memory back to the system: it is zero when next used.
    #[cfg(target_os = "linux")]
    fn discard(&self, at: usize, len: usize) {
        use rustix::mm::{Advice, madvise};
        // SAFETY: inside the reservation, and what is there is not used any more.
        let _ = unsafe { madvise(self.start.as_ptr().add(at).cast(), len, Advice::LinuxDontNeed) };
    }

    /// Elsewhere that advice promises no zeros; a new mapping in the old one's place does.
    #[cfg(not(target_os = "linux"))]
    fn discard(&self, at: usize, len: usize) {
        use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};
        let (access, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE | MapFlags::FIXED);
        // SAFETY: inside the reservation, and what is there is not used any more.
        let _ = unsafe { mmap_anonymous(self.start.as_ptr().add(at).cast(), len, access, flags) };
    }
}

#[cfg(unix)]
impl Drop for Reservation {
    fn drop(&mut self) {
        // SAFETY: ours, and the store goes.
        let _ = unsafe { rustix::mm::munmap(self.start.as_ptr().cast(), RESERVATION) };
    }
}

/// Elsewhere there is no heap yet: allocation fails.
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

    const LIST: &str = r#"(module (type $s (struct (field i32) (field (ref null $s)) (field externref)))
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
        let module = Module::new(engine, LIST).unwrap();
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
    fn a_reference_to_no_object_is_the_same_before_and_after_a_collection() {
        let mut heap = super::Heap::default();
        let before = [9, 8].map(|reference| heap.epoch(reference));
        heap.collections += 1;
        assert_eq!([9, 8].map(|reference| heap.is_good(reference, before[usize::from(reference == 8)])), [true, false]);
        assert_eq!([9, 8].map(|reference| heap.epoch(reference)).map(|epoch| before.contains(&epoch)), [true, false]);
    }

    #[test]
    fn what_a_global_reaches_survives_collections_and_host_values_are_no_offsets() {
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
    fn a_heap_over_the_limit_is_a_trap_and_the_store_lives_on() {
        let (mut store, instance) = list(&engine());
        store.limiter(|limit| limit);
        store.data_mut().0 = 4 << 20;
        let push = instance.get_func(&mut store, "push").unwrap();
        let args = [crate::Val::I32(1), crate::Val::ExternRef(None)];
        let error = (0..1_000_000).find_map(|_| push.call(&mut store, &args, &mut []).err()).unwrap();
        assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::OutOfMemory));
        let sum = instance.get_typed_func::<(), i32>(&mut store, "sum").unwrap();
        let kept = sum.call(&mut store, ()).unwrap();
        assert!((120_000..140_000).contains(&kept), "{kept}");
    }
}
