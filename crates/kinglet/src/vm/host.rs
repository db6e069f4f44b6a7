//! Host functions. Each has a context, which guest code treats like an instance, and an array function that runs the
//! closure.

use std::any::Any;
use std::ffi::c_void;
use std::marker::PhantomData;
use std::panic::AssertUnwindSafe;
use std::ptr::NonNull;
use std::sync::atomic::AtomicPtr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use kinglet_abi::{ArrayFn, FuncCell, FuncRef, Libcall, RegisterFn, RegisterResult, Status, Trap, VmCtx, VmMemory};
use kinglet_wasm::types::{TypeGroup, TypeId};

use super::address::Owned;
use super::func::FuncPointer;
use super::{VmState, store};
use crate::host::Caller;
use crate::store::{Observed, StoreCore, StoreInner};
use crate::{CallHook, Engine, Error, FuncType, Result, WasmBacktrace};

/// A host function's closure for stores with data `T`, and the functions that call it.
pub(crate) struct HostFunc<T: 'static> {
    /// The closure, of the type that `array` and `registers` were instantiated for.
    closure: Arc<dyn Any + Send + Sync>,
    array: ArrayFn,
    /// The register function, if native code passes this function's arguments in registers.
    registers: Option<RegisterFn>,
    _data: PhantomData<fn(T)>,
}

impl<T> Clone for HostFunc<T> {
    fn clone(&self) -> Self {
        HostFunc { closure: self.closure.clone(), ..*self }
    }
}

impl<T: 'static> HostFunc<T> {
    /// Creates a host function from a closure that reads its arguments from the slots and writes its results there.
    pub(crate) fn in_array<F>(closure: F) -> HostFunc<T>
    where
        F: Fn(Caller<'_, T>, HostSlots<'_>) -> Result<()> + Send + Sync + 'static,
    {
        HostFunc { closure: Arc::new(closure), array: run_in_array::<T, F>, registers: None, _data: PhantomData }
    }

    /// Creates a host function that native code can call in registers: see [`kinglet_abi::fits_in_registers`].
    pub(crate) fn in_registers<F>(closure: F) -> HostFunc<T>
    where
        F: Fn(Caller<'_, T>, HostSlots<'_>) -> Result<()> + Send + Sync + 'static,
    {
        let (array, registers) = (call_in_registers, Some(run_in_registers::<T, F> as RegisterFn));
        HostFunc { closure: Arc::new(closure), array, registers, _data: PhantomData }
    }
}

/// The argument array of a host function.
pub(crate) type HostSlots<'a> = &'a mut [u64];

/// The host functions of a store.
#[derive(Default)]
pub(crate) struct HostContexts {
    contexts: Vec<Owned<HostContext>>,
    sets: Vec<(Arc<HostFuncSet>, HostBlock)>,
}

/// Host functions that are added to a store together.
pub(crate) struct HostFuncSet {
    functions: Vec<HostFuncTemplate>,
    /// The maximum number of blocks of contexts that are kept for reuse by other stores.
    max_kept: usize,
    free_blocks: Mutex<Vec<HostBlock>>,
}

/// The parts that a host function's context is built from.
pub(crate) struct HostFuncTemplate {
    closure: Arc<dyn Any + Send + Sync>,
    array: ArrayFn,
    registers: Option<RegisterFn>,
    array_slots: u32,
    ty: Arc<TypeGroup>,
}

/// The contexts of a set. At most one store uses them.
struct HostBlock {
    contexts: Owned<[HostContext]>,
    functions: Box<[FuncPointer]>,
}

impl HostFuncTemplate {
    /// # Errors
    /// If the type refers to a type of another engine.
    pub(crate) fn new<T>(engine: &Engine, ty: &FuncType, func: &HostFunc<T>) -> Result<HostFuncTemplate> {
        let HostFunc { closure, array, registers, .. } = func.clone();
        let (array_slots, ty) = (ty.array_slots(), engine.types().intern_func(ty)?);
        Ok(HostFuncTemplate { closure, array, registers, array_slots, ty })
    }

    /// Returns the function's canonical type.
    pub(crate) fn type_id(&self) -> TypeId {
        self.ty.first()
    }
}

impl HostFuncSet {
    /// Creates a set of functions that all take stores with the same data type.
    pub(crate) fn new(functions: Vec<HostFuncTemplate>, max_kept: usize) -> HostFuncSet {
        HostFuncSet { functions, max_kept, free_blocks: Mutex::default() }
    }

    fn free_blocks(&self) -> MutexGuard<'_, Vec<HostBlock>> {
        self.free_blocks.lock().unwrap_or_else(|e| e.into_inner())
    }
}

impl HostBlock {
    fn new(functions: &[HostFuncTemplate]) -> HostBlock {
        let contexts: Box<[HostContext]> = functions.iter().map(HostContext::new).collect();
        let contexts = Owned::new(contexts);
        // SAFETY: the context was just allocated, and it never moves.
        let function = |i| unsafe { HostContext::finish(contexts.pointer().cast::<HostContext>().add(i)) };
        let functions = (0..functions.len()).map(function).collect();
        HostBlock { contexts, functions }
    }

    /// Assigns the contexts to a store.
    fn assign(&mut self, vm: &VmState) {
        // SAFETY: the block owns the contexts, and no guest code that could use them runs.
        for context in unsafe { self.contexts.pointer().as_mut() } {
            context.vmctx.store = vm.pointer().as_ptr();
        }
    }
}

impl Drop for HostContexts {
    fn drop(&mut self) {
        for (set, block) in self.sets.drain(..) {
            let mut free_blocks = set.free_blocks();
            if free_blocks.len() < set.max_kept {
                free_blocks.push(block);
            }
        }
    }
}

#[repr(C)]
struct HostContext {
    /// The first field, so a pointer to it is also a pointer to the context.
    vmctx: VmCtx,
    cell: FuncCell,
    registers: Option<RegisterFn>,
    func_ref: FuncRef,
    /// Points into `_owner`, and has the type that `cell.array` expects.
    closure: *const c_void,
    _owner: Arc<dyn Any + Send + Sync>,
    _type: Arc<TypeGroup>,
}

/// Offsets through which native code calls a host function.
#[cfg(feature = "jit")]
pub(crate) const HOST_LAYOUT: kinglet_jit::HostLayout = kinglet_jit::HostLayout {
    cell: std::mem::offset_of!(HostContext, cell) as u32,
    registers: std::mem::offset_of!(HostContext, registers) as u32,
};

/// The memory of instances without a memory. It is read-only.
const EMPTY: &VmMemory = &VmMemory { base: NonNull::dangling().as_ptr(), len: 0 };

/// Returns the memory of instances that have none.
pub(super) fn empty_memory() -> *const VmMemory {
    EMPTY
}

impl HostContexts {
    /// Adds a function.
    pub(crate) fn add(&mut self, vm: &VmState, template: &HostFuncTemplate) -> FuncPointer {
        let mut context = HostContext::new(template);
        context.vmctx.store = vm.pointer().as_ptr();
        let context = Owned::new(Box::new(context));
        // SAFETY: the context was just allocated, and it never moves.
        let function = unsafe { HostContext::finish(context.pointer()) };
        self.contexts.push(context);
        function
    }

    /// Returns the functions of a set. Their contexts belong to the store from now on.
    pub(super) fn functions_of(&mut self, vm: &VmState, set: &Arc<HostFuncSet>) -> &[FuncPointer] {
        let existing = self.sets.iter().rposition(|(other, _)| Arc::ptr_eq(other, set));
        let index = existing.unwrap_or_else(|| {
            let recycled = set.free_blocks().pop();
            let mut block = recycled.unwrap_or_else(|| HostBlock::new(&set.functions));
            block.assign(vm);
            self.sets.push((set.clone(), block));
            self.sets.len() - 1
        });
        &self.sets[index].1.functions
    }
}

impl HostContext {
    /// Creates a context that belongs to no store, without its pointers to itself.
    fn new(template: &HostFuncTemplate) -> HostContext {
        let null = std::ptr::null_mut;
        HostContext {
            vmctx: VmCtx {
                store: std::ptr::null_mut(),
                memory0: empty_memory(),
                cells: std::ptr::null(),
                type_ids: std::ptr::null(),
                instance: std::ptr::null_mut(),
            },
            cell: FuncCell {
                native: AtomicPtr::new(null()),
                array_call: AtomicPtr::new(template.array as *mut _),
                interpreter_entry: AtomicPtr::new(kinglet_interp::array_stub().cast_mut()),
                body: AtomicPtr::new(null()),
                native_to_interpreter: AtomicPtr::new(null()),
                tail_call_trampoline: AtomicPtr::new(null()),
                array_slots: template.array_slots,
                type_id: template.type_id().0,
            },
            registers: template.registers,
            func_ref: FuncRef {
                native: AtomicPtr::new(null()),
                cell: std::ptr::null(),
                vmctx: std::ptr::null_mut(),
                type_id: template.type_id().0,
            },
            closure: Arc::as_ptr(&template.closure).cast(),
            _owner: template.closure.clone(),
            _type: template.ty.clone(),
        }
    }

    /// Writes a context's pointers to itself. The context does not move afterwards.
    ///
    /// # Safety
    /// The context is live and not in use yet.
    unsafe fn finish(this: NonNull<HostContext>) -> FuncPointer {
        let this = this.as_ptr();
        // SAFETY: the caller promises that the context is live and not in use yet (see `# Safety`).
        unsafe {
            (*this).func_ref.cell = &raw const (*this).cell;
            (*this).func_ref.vmctx = this.cast();
            FuncPointer(NonNull::new_unchecked(&raw mut (*this).func_ref))
        }
    }
}

/// The array function of closures of type `F` in stores with data `T`.
unsafe extern "C" fn run_in_array<T: 'static, F>(callee: *mut VmCtx, caller: *mut VmCtx, slots: *mut u64) -> u32
where
    F: Fn(Caller<'_, T>, HostSlots<'_>) -> Result<()> + 'static,
{
    // SAFETY: `callee` is a context that `add` created for a store of `T` and a closure of type `F`. The array has as
    // many slots as the cell states.
    unsafe {
        let context = &*callee.cast::<HostContext>();
        let array = std::slice::from_raw_parts_mut(slots, context.cell.array_slots as usize);
        match run::<T, F>(context, caller, &mut *array) {
            Attempt::Ended(Ok(Ok(()))) => Status::Ok as u32,
            Attempt::Ended(outcome) => handle_failure(context, array, outcome),
            Attempt::OutOfGas => out_of_gas(callee),
            Attempt::Observed => {
                let array = NonNull::from(array);
                let call = || run_in_array::<T, F>(callee, caller, slots);
                // Either the call or the end borrows the array, one at a time.
                observed::<T, _>(context, call, |outcome| handle_failure(context, &mut *array.as_ptr(), outcome))
            }
        }
    }
}

/// The register function of the same closures: see [`kinglet_abi::fits_in_registers`].
unsafe extern "C" fn run_in_registers<T: 'static, F>(
    callee: *mut VmCtx,
    caller: *mut VmCtx,
    a: u64,
    b: u64,
    c: u64,
    d: u64,
) -> RegisterResult
where
    F: Fn(Caller<'_, T>, HostSlots<'_>) -> Result<()> + 'static,
{
    // The compiler sees every use of the slots' address, so it keeps the slots in registers. Rare outcomes are handled
    // by tail calls, so this function needs no frame.
    let mut slots = [a, b, c, d];
    // SAFETY: native code calls this with a context that `add` created for `T` and `F`. The closure does not read slots
    // that the caller omitted.
    unsafe {
        let context = &*callee.cast::<HostContext>();
        match run::<T, F>(context, caller, &mut slots) {
            Attempt::Ended(Ok(Ok(()))) => RegisterResult { status: Status::Ok as u64, value: slots[0] },
            Attempt::Ended(outcome) => handle_failure_in_registers(context, slots, outcome),
            Attempt::OutOfGas => failure(context, out_of_gas(callee)),
            Attempt::Observed => observed_in_registers::<T>(callee, caller, a, b, c, d),
        }
    }
}

/// The array function of a host function that has a register function.
unsafe extern "C" fn call_in_registers(callee: *mut VmCtx, caller: *mut VmCtx, slots: *mut u64) -> u32 {
    // SAFETY: `callee` is a context that `add` created. The array has as many slots as the cell states, at most four.
    unsafe {
        let context = &*callee.cast::<HostContext>();
        let Some(function) = context.registers else { return Status::Trap as u32 };
        let slots = std::slice::from_raw_parts_mut(slots, context.cell.array_slots as usize);
        let slot = |at: usize| slots.get(at).copied().unwrap_or_default();
        let returned = function(callee, caller, slot(0), slot(1), slot(2), slot(3));
        match slots.first_mut() {
            Some(first) if returned.status == Status::Ok as u64 => *first = returned.value,
            _ => {}
        }
        returned.status as u32
    }
}

/// The outcome of a host function's closure; the error is its panic.
type Outcome = std::thread::Result<Result<()>>;

/// The outcome of an attempt to run a closure.
enum Attempt {
    Ended(Outcome),
    /// Not run, because gas is overdrawn and the host would observe the call.
    OutOfGas,
    /// Not run yet. The store observes calls of host functions.
    Observed,
}

/// Runs a closure.
///
/// # Safety
/// The context was created for a store of `T` and a closure of type `F`. The store's guest code has called it, and the
/// store is not borrowed.
#[inline(always)]
unsafe fn run<T: 'static, F>(context: &HostContext, caller: *const VmCtx, slots: HostSlots<'_>) -> Attempt
where
    F: Fn(Caller<'_, T>, HostSlots<'_>) -> Result<()> + 'static,
{
    let vm = context.vmctx.store;
    // SAFETY: the caller promises that the store is live, of `T` and not borrowed, and that the context owns an `F`
    // (see `# Safety`). The closure calls the guest only through its `Caller`.
    unsafe {
        if (*vm).gas < 0 {
            return Attempt::OutOfGas;
        }
        let closure = &*context.closure.cast::<F>();
        store::with_owner::<T, _>(vm, |inner| {
            if inner.core.observed != Observed::Off {
                if inner.core.observed == Observed::On {
                    return Attempt::Observed;
                }
                inner.core.observed = Observed::On;
            }
            let caller = Caller::new(inner, super::instance::index_of(caller));
            Attempt::Ended(std::panic::catch_unwind(AssertUnwindSafe(|| closure(caller, slots))))
        })
    }
}

/// Runs a call of a host function that the store observes: calls the hook, and measures the duration without that of nested
/// calls.
///
/// # Safety
/// The context belongs to a live store whose guest code has called it. The store is not borrowed.
#[cold]
unsafe fn observed<T: 'static, R>(
    context: &HostContext,
    call: impl FnOnce() -> R,
    end: impl FnOnce(Outcome) -> R,
) -> R {
    let vm = context.vmctx.store;
    let hook = |transition| {
        // SAFETY: the caller promises that the store is live, of `T` and not borrowed (see `# Safety`). The hook calls the
        // guest by the borrow that it gets.
        unsafe {
            store::with_owner::<T, _>(vm, |inner| {
                std::panic::catch_unwind(AssertUnwindSafe(|| inner.run_hook(transition)))
            })
        }
    };
    match hook(CallHook::CallingHost) {
        Ok(Ok(())) => {}
        failed => return end(failed),
    }
    let begin = |core: &mut StoreCore| {
        core.observed = Observed::Announced;
        core.host_time.take()
    };
    // SAFETY: the store is live, and the hook's borrow has ended.
    let spent = unsafe { store::with_core(vm, begin) };
    let start = Instant::now();
    let returned = call();
    let finish = |core: &mut StoreCore| {
        core.observed = Observed::On;
        core.host_time = spent.map(|spent| spent + start.elapsed());
    };
    // SAFETY: the store is live, and every borrow that the call made has ended with it.
    unsafe { store::with_core(vm, finish) };
    match hook(CallHook::ReturningFromHost) {
        Ok(Ok(())) => returned,
        failed => end(failed),
    }
}

/// Repeats the call of a host function, and observes it.
#[cold]
unsafe extern "C" fn observed_in_registers<T: 'static>(
    callee: *mut VmCtx,
    caller: *mut VmCtx,
    a: u64,
    b: u64,
    c: u64,
    d: u64,
) -> RegisterResult {
    // SAFETY: the host function calls this with its own arguments.
    unsafe {
        let context = &*callee.cast::<HostContext>();
        let Some(function) = context.registers else { return failure(context, Status::Trap as u32) };
        let end = |outcome| handle_failure_in_registers(context, [a, b, c, d], outcome);
        observed::<T, _>(context, || function(callee, caller, a, b, c, d), end)
    }
}

/// Calls the embedder's hook from the untyped part of a store.
pub(crate) fn call_hook<T: 'static>(core: &mut StoreCore, transition: CallHook) -> Result<()> {
    let inner = std::ptr::from_mut(core).cast::<StoreInner<T>>();
    // SAFETY: only a store of `T` sets this function, and `StoreInner` has the layout of its core.
    unsafe { (*inner).run_hook(transition) }
}

#[cold]
unsafe fn out_of_gas(callee: *mut VmCtx) -> u32 {
    // SAFETY: a host function calls this with its own context.
    unsafe {
        let raise = (*(*(*callee).store).libcalls).get(Libcall::Raise);
        raise(callee, std::ptr::null_mut(), Trap::OutOfGas as u32, 0);
    }
    Status::Trap as u32
}

/// Handles an error or panic of a host function.
///
/// # Safety
/// The context belongs to a live store whose guest code has called it. The store is not borrowed: the closure's borrow
/// has ended.
#[cold]
unsafe fn handle_failure(context: &HostContext, slots: HostSlots<'_>, outcome: Outcome) -> u32 {
    let vm = context.vmctx.store;
    let outcome = outcome.map(|returned| {
        returned.or_else(|error| {
            let this = FuncPointer(NonNull::from(&context.func_ref));
            // SAFETY: the caller promises that the store is live and not borrowed (see `# Safety`).
            let resumed = unsafe { super::fiber::pause(vm, error, this) };
            // SAFETY: the caller promises that the store is live and not borrowed (see `# Safety`), and `pause` keeps no
            // borrow when it returns.
            let results =
                resumed.map_err(|error| unsafe { store::with_core(vm, |core| with_backtrace(core, error)) })?;
            slots[..results.len()].copy_from_slice(&results);
            Ok(())
        })
    });
    let finish = |core: &mut StoreCore| match outcome {
        Ok(Ok(())) => Status::Ok as u32,
        Ok(Err(error)) => {
            core.error = Some(error);
            Status::HostError as u32
        }
        Err(panic) => {
            core.note_panic(panic);
            Status::HostPanic as u32
        }
    };
    // SAFETY: the store is live. If the call was suspended, the host that resumed it has lent the store to this fiber.
    unsafe { store::with_core(vm, finish) }
}

/// Handles an error or panic of a function that was called in registers.
///
/// # Safety
/// See [`handle_failure`].
#[cold]
unsafe fn handle_failure_in_registers(context: &HostContext, mut slots: [u64; 4], outcome: Outcome) -> RegisterResult {
    // SAFETY: the caller promises that the store is live and not borrowed.
    match unsafe { handle_failure(context, &mut slots, outcome) } {
        status if status == Status::Ok as u32 => RegisterResult { status: status.into(), value: slots[0] },
        status => failure(context, status),
    }
}

/// Returns the value with which a register function reports a failure.
fn failure(context: &HostContext, status: u32) -> RegisterResult {
    RegisterResult { status: status.into(), value: context.vmctx.store as usize as u64 }
}

/// Adds a backtrace to a trap, or to an interrupt, that a host function returned.
#[cold]
fn with_backtrace(core: &StoreCore, error: Error) -> Error {
    if error.is::<WasmBacktrace>() || core.engine.config().backtrace_frames.is_none() {
        return error;
    }
    let trap = error.downcast_ref::<Trap>().copied();
    // A trap's message is the trap itself.
    let detail = if trap.is_none() { Some(error.to_string()) } else { None };
    error.context(WasmBacktrace { trap, detail, ..super::capture_backtrace(core) })
}

/// Calls the embedder's limiter from the untyped part of a store.
pub(crate) fn call_limiter<T: 'static>(core: &mut StoreCore, request: crate::store::LimiterRequest) -> Result<bool> {
    use crate::store::{Embedder, LimiterRequest, ResourceKind};
    // SAFETY: only a store of `T` sets this function.
    let Embedder { limiter, data, .. } = unsafe { core.embedder.get_mut::<T>() };
    let Some(limiter) = limiter else { return Ok(!matches!(request, LimiterRequest::Failed(..))) };
    let limiter = limiter(data);
    match request {
        LimiterRequest::Memory(memory) => limiter.memory_growing(memory.current, memory.desired, memory.maximum),
        LimiterRequest::Table { current, desired, maximum } => limiter.table_growing(current, desired, maximum),
        LimiterRequest::Total { current, desired } => limiter.total_growing(current, desired),
        LimiterRequest::Failed(ResourceKind::Tables, error) => limiter.table_grow_failed(error).map(|()| false),
        LimiterRequest::Failed(_, error) => limiter.memory_grow_failed(error).map(|()| false),
        LimiterRequest::Count(ResourceKind::Instances, present) => Ok(present < limiter.instances()),
        LimiterRequest::Count(ResourceKind::Memories, present) => Ok(present < limiter.memories()),
        LimiterRequest::Count(ResourceKind::Tables, present) => Ok(present < limiter.tables()),
        LimiterRequest::Count(ResourceKind::ExternRefs, present) => Ok(present < limiter.extern_refs()),
    }
}
