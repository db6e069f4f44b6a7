//! The libcalls: functions of the runtime that guest code calls. Each receives the calling instance and its operands in
//! slots, and returns 0 or a trap code. Libcalls run no guest code. A panic in a libcall is resumed at the host's call.

use std::panic::AssertUnwindSafe;

use kinglet_abi::{Libcall, LibcallFn, Libcalls, Trap, VmCtx, VmTag};
use kinglet_wasm::types::{IndexType, TypeId};
use tracing::debug;

use super::heap;
use super::instance::index_of;
use super::store::with_core;
use super::table;
use crate::Error;
use crate::store::{LimiterRequest, ResourceKind, StoreCore};

/// Returns the table of all libcalls.
pub(super) fn table() -> *const Libcalls {
    static TABLE: Libcalls = Libcalls {
        functions: {
            let mut functions: [LibcallFn; Libcall::ALL.len()] = [raise; Libcall::ALL.len()];
            let mut i = 0;
            while i < functions.len() {
                functions[i] = function(Libcall::ALL[i]);
                i += 1;
            }
            functions
        },
    };
    &TABLE
}

/// Returns the function that implements a libcall.
const fn function(libcall: Libcall) -> LibcallFn {
    match libcall {
        Libcall::MemoryGrow => body(memory_grow),
        Libcall::MemoryFill => body(memory_fill),
        Libcall::MemoryCopy => body(memory_copy),
        Libcall::MemoryInit => body(memory_init),
        Libcall::DataDrop => body(data_drop),
        Libcall::TableGrow => body(table_grow),
        Libcall::TableFill => body(table_fill),
        Libcall::TableCopy => body(table_copy),
        Libcall::TableInit => body(table_init),
        Libcall::ElemDrop => body(elem_drop),
        Libcall::TableGet => body(table_get),
        Libcall::TableSet => body(table_set),
        Libcall::RefFunc => body(ref_func),
        Libcall::IsSubtype => body(is_subtype),
        Libcall::StructNew => body(struct_new),
        Libcall::StructGet => body(struct_get),
        Libcall::StructSet => body(struct_set),
        Libcall::Throw => body(throw),
        Libcall::Sample => sample,
        Libcall::Raise => raise,
        Libcall::Uncaught => uncaught,
        Libcall::LazyElement => body(lazy_element),
        Libcall::GuestStack => guest_stack,
    }
}

/// The arguments of a libcall.
struct Context<'a> {
    core: &'a mut StoreCore,
    instance: usize,
    vmctx: *mut VmCtx,
    args: *mut u64,
}

impl Context<'_> {
    fn arg(&self, i: usize) -> u64 {
        // SAFETY: by the contract of `LibcallFn`, the array has as many slots as the libcall takes.
        unsafe { *self.args.add(i) }
    }

    /// Returns an argument that is an index or size of the given width.
    fn index(&self, i: usize, ty: IndexType) -> u64 {
        match ty {
            IndexType::I32 => self.arg(i) as u32 as u64,
            IndexType::I64 => self.arg(i),
        }
    }

    fn set_result(&mut self, value: u64) {
        // SAFETY: by the contract of `LibcallFn`, every libcall with a result has a slot for it.
        unsafe { *self.args = value };
    }

    fn memory(&self, index: u32) -> usize {
        self.core.instances[self.instance].memories[index as usize]
    }

    fn table(&self, index: u32) -> usize {
        self.core.instances[self.instance].tables[index as usize]
    }
}

/// Wraps a body as a libcall. The body is a function that captures nothing.
const fn body<F>(_: F) -> LibcallFn
where
    F: Fn(&mut Context<'_>, u32, u32) -> Result<(), Trap> + Copy,
{
    const { assert!(size_of::<F>() == 0, "the body of a libcall captures nothing") };
    enter::<F>
}

/// Runs a libcall's body and catches its panics.
///
/// # Safety
/// See [`LibcallFn`].
unsafe extern "C" fn enter<F>(vmctx: *mut VmCtx, args: *mut u64, first: u32, second: u32) -> u32
where
    F: Fn(&mut Context<'_>, u32, u32) -> Result<(), Trap> + Copy,
{
    // SAFETY: only `body` takes this function's address, and it checks that `F` is zero-sized. Any aligned address is
    // valid for a read of a zero-sized type.
    let body = unsafe { std::ptr::NonNull::<F>::dangling().read() };
    let run = || {
        let instance = index_of(vmctx).ok_or(Trap::Unsupported)?;
        // SAFETY: by the contract of `LibcallFn`, the instance and its store are live and not borrowed. The body calls
        // no guest code.
        unsafe { with_core((*vmctx).store, |core| body(&mut Context { core, instance, vmctx, args }, first, second)) }
    };
    match std::panic::catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(())) => 0,
        Ok(Err(trap)) => trap as u32,
        Err(panic) => {
            // Either the embedder's limiter panicked, or there is a bug. The panic is resumed at the host's call, like
            // that of a host function. SAFETY: by the contract of `LibcallFn`, the store is live. The body's borrow has
            // ended.
            unsafe { with_core((*vmctx).store, |core| core.note_panic(panic)) };
            Trap::Unsupported as u32
        }
    }
}

/// Bulk memory operations check for interrupts after this many bytes.
const CHUNK: usize = 1 << 24;

fn memory_grow(c: &mut Context<'_>, memory: u32, _: u32) -> Result<(), Trap> {
    let memory = c.memory(memory);
    let delta = c.index(0, c.core.memories[memory].ty().index);
    let old = c.core.memories[memory].size();
    let grown = grow_memory(c.core, memory, delta)?;
    c.set_result(if grown { old } else { u64::MAX });
    Ok(())
}

/// Grows a memory if its type, the engine, the limiter and the system allow it. A limiter's error ends the guest and
/// becomes the call's error.
pub(crate) fn grow_memory(core: &mut StoreCore, memory: usize, delta: u64) -> Result<bool, Trap> {
    let limit = core.engine.config().memory_page_limit;
    let Some(request) = core.memories[memory].growth(delta, limit) else { return Ok(false) };
    if delta == 0 {
        return Ok(true);
    }
    let more = request.desired - request.current;
    let total = core.total_growth(more);
    if !request_growth(core, total)? || !request_growth(core, LimiterRequest::Memory(request))? {
        return Ok(false);
    }
    if core.memories[memory].grow_to(request) {
        core.total += more;
        debug!(store = core.id.number(), memory, from = request.current, to = request.desired, "memory grown");
        return Ok(true);
    }
    let error = Error::msg(format!("the system cannot allocate {} bytes for a memory", request.desired));
    request_growth(core, LimiterRequest::Failed(ResourceKind::Memories, error))
}

fn request_growth(core: &mut StoreCore, request: LimiterRequest) -> Result<bool, Trap> {
    // The host observes this call, so gas may not be overdrawn here.
    if core.vm.gas() < 0 {
        return Err(Trap::OutOfGas);
    }
    let requested = tracing::enabled!(tracing::Level::DEBUG).then(|| format!("{request:?}"));
    let allowed = (core.call_limiter)(core, request);
    if !matches!(allowed, Ok(true)) {
        debug!(store = core.id.number(), requested, "the limiter refused");
    }
    allowed.map_err(|error| {
        core.error = Some(error);
        Trap::OutOfMemory
    })
}

/// Returns the range of `len` bytes from `start`, if it lies in a memory of `size` bytes.
fn range(start: u64, len: u64, size: usize) -> Result<std::ops::Range<usize>, Trap> {
    let end = start.checked_add(len).filter(|end| *end <= size as u64).ok_or(Trap::MemoryOutOfBounds)?;
    Ok(start as usize..end as usize)
}

/// Charges gas for a bulk operation: one unit per 64 bytes of memory or 8 table elements. The operands were checked
/// before, and nothing has been written yet.
fn charge(core: &mut StoreCore, units: u64) -> Result<(), Trap> {
    if units == 0 || core.engine.settings().metering.is_none() {
        return Ok(());
    }
    core.bulk_gas = core.bulk_gas.saturating_add(units);
    let gas = core.vm.gas().saturating_sub_unsigned(units);
    core.vm.set_gas(gas);
    if gas < 0 { Err(Trap::OutOfGas) } else { Ok(()) }
}

/// Bytes of a bulk memory operation that cost one unit of gas.
const BYTES_PER_GAS: usize = 64;
/// Elements of a bulk table operation that cost one unit of gas.
const ELEMENTS_PER_GAS: u64 = 8;

/// Fills a memory, and checks for interrupts between chunks.
fn memory_fill(c: &mut Context<'_>, memory: u32, _: u32) -> Result<(), Trap> {
    let memory = c.memory(memory);
    let ty = c.core.memories[memory].ty().index;
    let (to, value, len) = (c.index(0, ty), c.arg(1) as u8, c.index(2, ty));
    let shared = c.core.shared.clone();
    let range = range(to, len, c.core.memories[memory].data().len())?;
    charge(c.core, (range.len() / BYTES_PER_GAS) as u64)?;
    let data = c.core.memories[memory].data_mut();
    for chunk in data[range].chunks_mut(CHUNK) {
        shared.check()?;
        chunk.fill(value);
    }
    Ok(())
}

/// Splits `len` bytes into ranges of at most [`CHUNK`], in a safe order for a copy within one memory. A copy to higher
/// addresses starts at the end.
fn copy_chunks(len: usize, backwards: bool) -> impl Iterator<Item = std::ops::Range<usize>> {
    let count = len.div_ceil(CHUNK);
    (0..count).map(move |i| {
        let i = if backwards { count - 1 - i } else { i };
        i * CHUNK..len.min((i + 1) * CHUNK)
    })
}

fn memory_copy(c: &mut Context<'_>, dst: u32, src: u32) -> Result<(), Trap> {
    let (dst, src) = (c.memory(dst), c.memory(src));
    let (dst_ty, src_ty) = (c.core.memories[dst].ty().index, c.core.memories[src].ty().index);
    let len_ty = if dst_ty == IndexType::I64 && src_ty == IndexType::I64 { IndexType::I64 } else { IndexType::I32 };
    let (to, from, len) = (c.index(0, dst_ty), c.index(1, src_ty), c.index(2, len_ty));
    let to = range(to, len, c.core.memories[dst].data().len())?;
    let from = range(from, len, c.core.memories[src].data().len())?;
    charge(c.core, (from.len() / BYTES_PER_GAS) as u64)?;
    let shared = c.core.shared.clone();
    for chunk in copy_chunks(from.len(), to.start > from.start) {
        shared.check()?;
        let (to, from) = (to.start + chunk.start, from.start + chunk.start..from.start + chunk.end);
        if dst == src {
            c.core.memories[dst].data_mut().copy_within(from, to);
        } else if let Ok([dst, src]) = c.core.memories.get_disjoint_mut([dst, src]) {
            dst.data_mut()[to..to + chunk.len()].copy_from_slice(&src.data()[from]);
        }
    }
    Ok(())
}

fn memory_init(c: &mut Context<'_>, memory: u32, data: u32) -> Result<(), Trap> {
    let memory = c.memory(memory);
    let ty = c.core.memories[memory].ty().index;
    let (to, from, len) = (c.index(0, ty), c.arg(1) as u32 as u64, c.arg(2) as u32 as u64);
    c.core.shared.check()?;
    range(to, len, c.core.memories[memory].data().len())?;
    charge(c.core, len / BYTES_PER_GAS as u64)?;
    init_memory(c.core, c.instance, memory, data, to, from, len)
}

/// Executes `memory.init`, also for active segments at instantiation.
pub(super) fn init_memory(
    core: &mut StoreCore,
    instance: usize,
    memory: usize,
    data: u32,
    to: u64,
    from: u64,
    len: u64,
) -> Result<(), Trap> {
    let inner = core.instances[instance].module.inner().clone();
    let segment = &inner.wasm().datas[data as usize];
    let bytes = match core.instances[instance].datas.contains(data, segment.mode) {
        true => &[],
        false => &inner.wasm().bytes[segment.range.clone()],
    };
    let shared = core.shared.clone();
    let memory = core.memories[memory].data_mut();
    let to = range(to, len, memory.len())?;
    let from = range(from, len, bytes.len())?;
    for (to, from) in memory[to].chunks_mut(CHUNK).zip(bytes[from].chunks(CHUNK)) {
        shared.check()?;
        to.copy_from_slice(from);
    }
    Ok(())
}

fn data_drop(c: &mut Context<'_>, data: u32, _: u32) -> Result<(), Trap> {
    c.core.instances[c.instance].datas.drop(data);
    Ok(())
}

fn table_grow(c: &mut Context<'_>, table: u32, _: u32) -> Result<(), Trap> {
    let table = c.table(table);
    let delta = c.index(1, c.core.tables[table].ty().index);
    let (init, old) = (c.arg(0), c.core.tables[table].size());
    let grown = grow_table(c.core, table, delta, init)?;
    c.set_result(if grown { old } else { u64::MAX });
    Ok(())
}

/// Grows a table under the same conditions as [`grow_memory`].
pub(crate) fn grow_table(core: &mut StoreCore, table: usize, delta: u64, init: u64) -> Result<bool, Trap> {
    let Some(desired) = core.tables[table].growth(delta) else { return Ok(false) };
    let maximum = core.tables[table].ty().max.map(|max| max as usize);
    let request = LimiterRequest::Table { current: core.tables[table].size() as usize, desired, maximum };
    if delta == 0 {
        return Ok(true);
    }
    let more = super::table::bytes(delta);
    let total = core.total_growth(more);
    if !request_growth(core, total)? || !request_growth(core, request)? {
        return Ok(false);
    }
    if core.tables[table].grow_to(desired, init) {
        core.total += more;
        debug!(store = core.id.number(), table, to = desired, "table grown");
        return Ok(true);
    }
    let error = Error::msg(format!("the system cannot allocate a table of {desired} elements"));
    request_growth(core, LimiterRequest::Failed(ResourceKind::Tables, error))
}

fn table_fill(c: &mut Context<'_>, table: u32, _: u32) -> Result<(), Trap> {
    let table = c.table(table);
    let ty = c.core.tables[table].ty().index;
    let (start, value, len) = (c.index(0, ty), c.arg(1), c.index(2, ty));
    c.core.shared.check()?;
    check_elements(c.core, table, start, len)?;
    charge(c.core, len / ELEMENTS_PER_GAS)?;
    table::elements(c.core, table, start, len).ok_or(Trap::TableOutOfBounds)?.fill(value);
    Ok(())
}

fn table_copy(c: &mut Context<'_>, dst: u32, src: u32) -> Result<(), Trap> {
    let (dst, src) = (c.table(dst), c.table(src));
    let (dst_ty, src_ty) = (c.core.tables[dst].ty().index, c.core.tables[src].ty().index);
    let len_ty = if dst_ty == IndexType::I64 && src_ty == IndexType::I64 { IndexType::I64 } else { IndexType::I32 };
    let (to, from, len) = (c.index(0, dst_ty), c.index(1, src_ty), c.index(2, len_ty));
    c.core.shared.check()?;
    check_elements(c.core, dst, to, len)?;
    check_elements(c.core, src, from, len)?;
    charge(c.core, len / ELEMENTS_PER_GAS)?;
    table::copy_elements(c.core, (dst, to), (src, from), len).ok_or(Trap::TableOutOfBounds)
}

fn table_init(c: &mut Context<'_>, table: u32, elem: u32) -> Result<(), Trap> {
    let table = c.table(table);
    let ty = c.core.tables[table].ty().index;
    let (to, from, len) = (c.index(0, ty), c.arg(1) as u32 as u64, c.arg(2) as u32 as u64);
    c.core.shared.check()?;
    check_elements(c.core, table, to, len)?;
    charge(c.core, len / ELEMENTS_PER_GAS)?;
    init_table(c.core, c.instance, table, elem, to, from, len)
}

/// Executes `table.init`, also for active segments at instantiation.
pub(super) fn init_table(
    core: &mut StoreCore,
    instance: usize,
    table: usize,
    elem: u32,
    to: u64,
    from: u64,
    len: u64,
) -> Result<(), Trap> {
    let inner = core.instances[instance].module.inner().clone();
    let segment = &inner.wasm().elems[elem as usize];
    let available = match core.instances[instance].elems.contains(elem, segment.mode) {
        true => 0,
        false => segment.items.len(),
    };
    let from = range(from, len, available).map_err(|_| Trap::TableOutOfBounds)?;
    check_elements(core, table, to, len)?;
    let values = &core.instances[instance].elem_values;
    let values = values.binary_search_by_key(&elem, |(segment, _)| *segment).ok();
    for (i, at) in from.zip(to..) {
        let value = match (values, segment.items.get(i)) {
            (Some(location), _) => core.instances[instance].elem_values[location].1[i],
            (None, Some(kinglet_wasm::module::ConstExpr::RefFunc(func))) => {
                super::instance::func_ref(core, instance, func).map_or(0, |f| f.to_bits())
            }
            _ => 0,
        };
        table::set_element(core, table, at, value).ok_or(Trap::TableOutOfBounds)?;
    }
    Ok(())
}

fn elem_drop(c: &mut Context<'_>, elem: u32, _: u32) -> Result<(), Trap> {
    let instance = &mut c.core.instances[c.instance];
    instance.elems.drop(elem);
    instance.elem_values.retain(|(segment, _)| *segment != elem);
    Ok(())
}

fn table_get(c: &mut Context<'_>, table: u32, _: u32) -> Result<(), Trap> {
    let table = c.table(table);
    let index = c.index(0, c.core.tables[table].ty().index);
    let value = table::element(c.core, table, index).ok_or(Trap::TableOutOfBounds)?;
    c.set_result(value);
    Ok(())
}

fn table_set(c: &mut Context<'_>, table: u32, _: u32) -> Result<(), Trap> {
    let table = c.table(table);
    let index = c.index(0, c.core.tables[table].ty().index);
    let value = c.arg(1);
    table::set_element(c.core, table, index, value).ok_or(Trap::TableOutOfBounds)
}

/// Initializes an element that guest code found null. The table exists and the index is in bounds.
fn lazy_element(c: &mut Context<'_>, location: u32, _: u32) -> Result<(), Trap> {
    // SAFETY: guest code passes the location of a table in its own instance.
    let record = unsafe { kinglet_interp::access::table(c.vmctx, location) };
    let mut tables = c.core.instances[c.instance].tables.iter().copied();
    let table = tables.find(|table| std::ptr::eq(c.core.tables[*table].record().as_ptr(), record));
    let value = table.and_then(|table| table::element(c.core, table, c.arg(0)));
    c.set_result(value.unwrap_or(0));
    Ok(())
}

/// Fails unless the elements lie in the table.
fn check_elements(core: &StoreCore, table: usize, start: u64, len: u64) -> Result<(), Trap> {
    if core.tables[table].contains(start, len) { Ok(()) } else { Err(Trap::TableOutOfBounds) }
}

fn ref_func(c: &mut Context<'_>, func: u32, _: u32) -> Result<(), Trap> {
    let func = super::instance::func_ref(c.core, c.instance, func).ok_or(Trap::Unsupported)?;
    c.set_result(func.to_bits());
    Ok(())
}

fn is_subtype(c: &mut Context<'_>, actual: u32, expected: u32) -> Result<(), Trap> {
    let result = c.core.engine.types().is_subtype(TypeId(actual), TypeId(expected));
    c.set_result(result as u64);
    Ok(())
}

fn struct_new(c: &mut Context<'_>, ty: u32, _: u32) -> Result<(), Trap> {
    let ty = c.core.instances[c.instance].module.inner().wasm().types[ty as usize];
    // SAFETY: guest code passes the type's fields in the array.
    let object = unsafe { heap::struct_new(c.core, (*c.vmctx).store, ty, c.args)? };
    c.set_result(object.into());
    Ok(())
}

fn struct_get(c: &mut Context<'_>, ty: u32, field: u32) -> Result<(), Trap> {
    let ty = c.core.instances[c.instance].module.inner().wasm().types[ty as usize];
    // SAFETY: by validation the reference is null or of the type. The array has slots for the field.
    unsafe {
        let (from, slots) = heap::field(c.core, (*c.vmctx).store, ty, field, c.arg(0) as u32)?;
        std::ptr::copy_nonoverlapping(from, c.args, slots);
    }
    Ok(())
}

fn struct_set(c: &mut Context<'_>, ty: u32, field: u32) -> Result<(), Trap> {
    let ty = c.core.instances[c.instance].module.inner().wasm().types[ty as usize];
    // SAFETY: `heap::field` returns the field's address. By the libcall's signature the value's slots follow the
    // reference.
    unsafe {
        let (to, slots) = heap::field(c.core, (*c.vmctx).store, ty, field, c.arg(0) as u32)?;
        std::ptr::copy_nonoverlapping(c.args.add(1), to, slots);
    }
    Ok(())
}

#[cfg(feature = "jit")]
unsafe extern "C" fn sample(vmctx: *mut VmCtx, args: *mut u64, at_loop: u32, _: u32) -> u32 {
    // SAFETY: by the contract of `LibcallFn`, the instance is live, and there is a slot for the result.
    let run = || unsafe { super::native::sample(vmctx, args, at_loop) };
    std::panic::catch_unwind(AssertUnwindSafe(run)).unwrap_or(Trap::Unsupported as u32)
}

/// Without a native tier, no loop has native code.
#[cfg(not(feature = "jit"))]
unsafe extern "C" fn sample(_: *mut VmCtx, args: *mut u64, _: u32, _: u32) -> u32 {
    // SAFETY: by the contract of `LibcallFn`, there is a slot for the result.
    unsafe { *args = 0 };
    0
}

fn throw(c: &mut Context<'_>, tag: u32, _: u32) -> Result<(), Trap> {
    let instance = &c.core.instances[c.instance];
    let tag = instance.tags[tag as usize];
    let ty = c.core.engine.types().func(c.core.tags[tag].ty());
    let slots = kinglet_wasm::types::slots_of(ty.params()) as usize;
    c.core.exception = (0..slots).map(|i| c.arg(i)).collect();
    c.core.exception_settled = false;
    let tag: *const VmTag = c.core.tags[tag].record().as_ptr();
    // SAFETY: the store is live, and its guest code is suspended in this call.
    unsafe {
        let vm = (*c.vmctx).store;
        (*vm).exception_tag = tag;
        (*vm).exception_args = c.core.exception.as_mut_ptr();
    }
    Ok(())
}

unsafe extern "C" fn uncaught(vmctx: *mut VmCtx, args: *mut u64, _: u32, _: u32) -> u32 {
    // SAFETY: by the contract of `LibcallFn`, the instance (here possibly a host context) and its store are live and
    // not borrowed.
    let already_searched = || unsafe {
        let vm = (*vmctx).store;
        // The search runs once per exception. No step between here and the handler repeats it.
        let already_searched = with_core(vm, |core| std::mem::replace(&mut core.exception_settled, true));
        already_searched || super::exception::caught_by_outer_activation(vm)
    };
    match std::panic::catch_unwind(AssertUnwindSafe(already_searched)) {
        // SAFETY: `raise` requires a live instance, which `vmctx` is. It takes no operands.
        Ok(false) => unsafe { raise(vmctx, args, Trap::UncaughtException as u32, 0) },
        _ => 0,
    }
}

unsafe extern "C" fn guest_stack(vmctx: *mut VmCtx, _: *mut u64, _: u32, _: u32) -> u32 {
    // SAFETY: by the contract of `LibcallFn`, the instance (here possibly a host context) and its store are live and
    // not borrowed.
    let make = || unsafe { with_core((*vmctx).store, |core| core.vm.allocate_stack(&core.engine)) };
    match std::panic::catch_unwind(make) {
        Ok(Ok(())) => 0,
        Ok(Err(error)) => {
            debug!(%error, "cannot allocate an interpreter stack");
            Trap::OutOfMemory as u32
        }
        Err(_) => Trap::OutOfMemory as u32,
    }
}

unsafe extern "C" fn raise(vmctx: *mut VmCtx, args: *mut u64, code: u32, _: u32) -> u32 {
    let record = || {
        // SAFETY: by the contract of `LibcallFn`, the instance (here possibly a host context) and its store are live
        // and not borrowed, and guest code is suspended in this call.
        unsafe {
            let vm = (*vmctx).store;
            let trap = Trap::from_code(code).unwrap_or(Trap::Unsupported);
            // The host observes a trap, so overdrawn gas takes precedence.
            let trap = if (*vm).gas < 0 { Trap::OutOfGas } else { trap };
            (*vm).trap = trap as u32;
            with_core(vm, |core| core.backtrace = Some(super::backtrace::capture(core, vm, Some(trap))));
        }
    };
    let _ = args;
    let _ = std::panic::catch_unwind(AssertUnwindSafe(record));
    0
}

impl From<crate::Interrupted> for Trap {
    fn from(_: crate::Interrupted) -> Trap {
        Trap::Interrupted
    }
}
