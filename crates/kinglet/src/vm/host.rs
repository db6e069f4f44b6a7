//! Host functions: a context that looks to code like an instance, and the array function that runs the closure.

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
use crate::store::StoreCore;
use crate::{Engine, Error, FuncType, Result, WasmBacktrace};

/// A host function's closure, for stores with data `T`, and the array function made for its type.
pub(crate) struct HostFunc<T: 'static> {
    /// Of the type that the functions are for.
    closure: Arc<dyn Any + Send + Sync>,
    array: ArrayFn,
    /// Of a function that is called in registers.
    registers: Option<RegisterFn>,
    _data: PhantomData<fn(T)>,
}

impl<T> Clone for HostFunc<T> {
    fn clone(&self) -> Self {
        HostFunc { closure: self.closure.clone(), ..*self }
    }
}

impl<T: 'static> HostFunc<T> {
    /// Makes one of a closure that reads its arguments from the slots and leaves its results there.
    pub(crate) fn in_array<F>(closure: F) -> HostFunc<T>
    where
        F: Fn(Caller<'_, T>, HostSlots<'_>) -> Result<()> + Send + Sync + 'static,
    {
        HostFunc { closure: Arc::new(closure), array: run_in_array::<T, F>, registers: None, _data: PhantomData }
    }

    /// The same, of a function whose type lets it be called in registers: see [`kinglet_abi::fits_in_registers`].
    pub(crate) fn in_registers<F>(closure: F) -> HostFunc<T>
    where
        F: Fn(Caller<'_, T>, HostSlots<'_>) -> Result<()> + Send + Sync + 'static,
    {
        let (array, registers) = (through_registers, Some(run_in_registers::<T, F> as RegisterFn));
        HostFunc { closure: Arc::new(closure), array, registers, _data: PhantomData }
    }
}

/// The argument array of a host function.
pub(crate) type HostSlots<'a> = &'a mut [u64];

/// The host functions of a store.
#[derive(Default)]
pub(crate) struct HostContexts {
    contexts: Vec<Owned<HostContext>>,
    sets: Vec<(Arc<HostSet>, HostBlock)>,
}

/// Host functions that are wanted together, in any number of stores.
pub(crate) struct HostSet {
    functions: Vec<HostPart>,
    /// How many contexts are kept for other stores.
    most: usize,
    kept: Mutex<Vec<HostBlock>>,
}

/// What a context is made of.
pub(crate) struct HostPart {
    closure: Arc<dyn Any + Send + Sync>,
    array: ArrayFn,
    registers: Option<RegisterFn>,
    array_slots: u32,
    ty: Arc<TypeGroup>,
}

/// Contexts of a set, in one store or in none.
struct HostBlock {
    contexts: Owned<[HostContext]>,
    functions: Box<[FuncPointer]>,
}

impl HostPart {
    /// # Errors
    /// If the type mentions one that the engine does not have.
    pub(crate) fn new<T>(engine: &Engine, ty: &FuncType, func: &HostFunc<T>) -> Result<HostPart> {
        let HostFunc { closure, array, registers, .. } = func.clone();
        let (array_slots, ty) = (ty.array_slots(), engine.types().intern_func(ty)?);
        Ok(HostPart { closure, array, registers, array_slots, ty })
    }

    /// Its type.
    pub(crate) fn type_id(&self) -> TypeId {
        self.ty.first()
    }
}

impl HostSet {
    /// A set of functions, for stores of the one type that all of them are for.
    pub(crate) fn new(functions: Vec<HostPart>, most: usize) -> HostSet {
        HostSet { functions, most, kept: Mutex::default() }
    }

    fn kept(&self) -> MutexGuard<'_, Vec<HostBlock>> {
        self.kept.lock().unwrap_or_else(|e| e.into_inner())
    }
}

impl HostBlock {
    fn new(functions: &[HostPart]) -> HostBlock {
        let contexts: Box<[HostContext]> = functions.iter().map(HostContext::new).collect();
        let contexts = Owned::new(contexts);
        // SAFETY: just made, and never moved.
        let function = |i| unsafe { HostContext::finish(contexts.pointer().cast::<HostContext>().add(i)) };
        let functions = (0..functions.len()).map(function).collect();
        HostBlock { contexts, functions }
    }

    /// Makes them a store's.
    fn enter(&mut self, vm: &VmState) {
        // SAFETY: owned; no store's guest code runs that could use them.
        for context in unsafe { self.contexts.pointer().as_mut() } {
            context.vmctx.store = vm.pointer().as_ptr();
        }
    }
}

impl Drop for HostContexts {
    fn drop(&mut self) {
        for (set, block) in self.sets.drain(..) {
            let mut kept = set.kept();
            if kept.len() < set.most {
                kept.push(block);
            }
        }
    }
}

#[repr(C)]
struct HostContext {
    /// First, so that a pointer to it is a pointer to the context.
    vmctx: VmCtx,
    cell: FuncCell,
    registers: Option<RegisterFn>,
    func_ref: FuncRef,
    /// What `_owner` owns, of the type that the cell's array function is for.
    closure: *const c_void,
    _owner: Arc<dyn Any + Send + Sync>,
    _type: Arc<TypeGroup>,
}

/// Where native code finds how to call a host function.
#[cfg(feature = "jit")]
pub(crate) const HOST_LAYOUT: kinglet_jit::HostLayout = kinglet_jit::HostLayout {
    cell: std::mem::offset_of!(HostContext, cell) as u32,
    registers: std::mem::offset_of!(HostContext, registers) as u32,
};

/// Never written.
const EMPTY: &VmMemory = &VmMemory { base: NonNull::dangling().as_ptr(), len: 0 };

/// The memory of those who have none.
pub(super) fn empty_memory() -> *const VmMemory {
    EMPTY
}

impl HostContexts {
    /// Adds a function.
    pub(crate) fn add(&mut self, vm: &VmState, part: &HostPart) -> FuncPointer {
        let mut context = HostContext::new(part);
        context.vmctx.store = vm.pointer().as_ptr();
        let context = Owned::new(Box::new(context));
        // SAFETY: just made, and never moved.
        let function = unsafe { HostContext::finish(context.pointer()) };
        self.contexts.push(context);
        function
    }

    /// The functions of a set, whose contexts are the store's from now on.
    pub(super) fn of_set(&mut self, vm: &VmState, set: &Arc<HostSet>) -> &[FuncPointer] {
        let known = self.sets.iter().rposition(|(other, _)| Arc::ptr_eq(other, set));
        let place = known.unwrap_or_else(|| {
            let kept = set.kept().pop();
            let mut block = kept.unwrap_or_else(|| HostBlock::new(&set.functions));
            block.enter(vm);
            self.sets.push((set.clone(), block));
            self.sets.len() - 1
        });
        &self.sets[place].1.functions
    }
}

impl HostContext {
    /// A context of no store, without the pointers to itself.
    fn new(part: &HostPart) -> HostContext {
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
                array_call: AtomicPtr::new(part.array as *mut _),
                interpreter_entry: AtomicPtr::new(kinglet_interp::array_stub().cast_mut()),
                body: AtomicPtr::new(null()),
                native_to_interpreter: AtomicPtr::new(null()),
                tail_call_trampoline: AtomicPtr::new(null()),
                array_slots: part.array_slots,
                type_id: part.type_id().0,
            },
            registers: part.registers,
            func_ref: FuncRef {
                native: AtomicPtr::new(null()),
                cell: std::ptr::null(),
                vmctx: std::ptr::null_mut(),
                type_id: part.type_id().0,
            },
            closure: Arc::as_ptr(&part.closure).cast(),
            _owner: part.closure.clone(),
            _type: part.ty.clone(),
        }
    }

    /// Writes the pointers to itself of one that does not move any more.
    ///
    /// # Safety
    /// It is live, and used by nobody yet.
    unsafe fn finish(this: NonNull<HostContext>) -> FuncPointer {
        let this = this.as_ptr();
        // SAFETY: the caller promises that the context is live and that it is used by nobody yet (see `# Safety`).
        unsafe {
            (*this).func_ref.cell = &raw const (*this).cell;
            (*this).func_ref.vmctx = this.cast();
            FuncPointer(NonNull::new_unchecked(&raw mut (*this).func_ref))
        }
    }
}

/// The array function of host functions with closures of type `F`, in stores with data `T`.
unsafe extern "C" fn run_in_array<T: 'static, F>(callee: *mut VmCtx, caller: *mut VmCtx, slots: *mut u64) -> u32
where
    F: Fn(Caller<'_, T>, HostSlots<'_>) -> Result<()> + 'static,
{
    // SAFETY: `callee` is a context made by `add` for a store of `T` and a closure of type `F`, and the array has the
    // cell's slots.
    unsafe {
        let context = &*callee.cast::<HostContext>();
        let array = std::slice::from_raw_parts_mut(slots, context.cell.array_slots as usize);
        match run::<T, F>(context, caller, &mut *array) {
            Run::Ended(Ok(Ok(()))) => Status::Ok as u32,
            Run::Ended(outcome) => unusual(context, array, outcome),
            Run::OutOfGas => out_of_gas(callee),
            Run::Timed => timed(context, || run_in_array::<T, F>(callee, caller, slots)),
        }
    }
}

/// How native code calls the same if [`kinglet_abi::fits_in_registers`] says so.
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
    // Its address goes nowhere that the compiler does not see, so that the slots stay in registers; and what is rare is
    // left to others by a jump, so that this needs no frame.
    let mut slots = [a, b, c, d];
    // SAFETY: native code calls this with a context that `add` made for `T` and `F`; nobody reads slots that the caller has
    // left out.
    unsafe {
        let context = &*callee.cast::<HostContext>();
        match run::<T, F>(context, caller, &mut slots) {
            Run::Ended(Ok(Ok(()))) => RegisterResult { status: Status::Ok as u64, value: slots[0] },
            Run::Ended(outcome) => unusual_in_registers(context, slots, outcome),
            Run::OutOfGas => failed(context, out_of_gas(callee)),
            Run::Timed => timed_in_registers(callee, caller, a, b, c, d),
        }
    }
}

/// The array function of a host function that is called in registers.
unsafe extern "C" fn through_registers(callee: *mut VmCtx, caller: *mut VmCtx, slots: *mut u64) -> u32 {
    // SAFETY: `callee` is a context made by `add`, and the array has the cell's slots, which are at most four.
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

/// What became of a host function's closure; an error stands for its panic.
type Outcome = std::thread::Result<Result<()>>;

/// How a closure was run.
enum Run {
    Ended(Outcome),
    /// Not at all: what the host can see is a point at which gas must not be overdrawn.
    OutOfGas,
    /// Not yet: its time is to be measured.
    Timed,
}

/// Runs a closure.
///
/// # Safety
/// The context was made for a store of `T`, whose guest code has called it, and a closure of type `F`; nothing borrows the
/// store.
#[inline(always)]
unsafe fn run<T: 'static, F>(context: &HostContext, caller: *const VmCtx, slots: HostSlots<'_>) -> Run
where
    F: Fn(Caller<'_, T>, HostSlots<'_>) -> Result<()> + 'static,
{
    let vm = context.vmctx.store;
    // SAFETY: the caller promises that the store is live, of `T` and not borrowed, and that the closure, which the context
    // owns, is an `F` (see `# Safety`). The closure calls the guest by the `Caller` that it gets.
    unsafe {
        if (*vm).gas < 0 {
            return Run::OutOfGas;
        }
        let closure = &*context.closure.cast::<F>();
        store::with_owner::<T, _>(vm, |inner| {
            if inner.core.host_time.is_some() {
                return Run::Timed;
            }
            let caller = Caller::new(inner, super::instance::index_of(caller));
            Run::Ended(std::panic::catch_unwind(AssertUnwindSafe(|| closure(caller, slots))))
        })
    }
}

/// Adds the time that a call takes to the store's; none counts twice, however they nest.
///
/// # Safety
/// The context is of a live store, whose guest code has called it; nothing borrows the store.
#[cold]
unsafe fn timed<R>(context: &HostContext, call: impl FnOnce() -> R) -> R {
    let vm = context.vmctx.store;
    // SAFETY: the caller promises that the store is live and not borrowed (see `# Safety`).
    let spent = unsafe { store::with_core(vm, |core| core.host_time.take()) };
    let start = Instant::now();
    let returned = call();
    let spent = spent.map(|spent| spent + start.elapsed());
    // SAFETY: the store is live, and every borrow that the call made has ended with it.
    unsafe { store::with_core(vm, |core| core.host_time = spent) };
    returned
}

/// Calls a host function once more, and measures its time.
#[cold]
unsafe extern "C" fn timed_in_registers(
    callee: *mut VmCtx,
    caller: *mut VmCtx,
    a: u64,
    b: u64,
    c: u64,
    d: u64,
) -> RegisterResult {
    // SAFETY: called by a host function with what that was called with.
    unsafe {
        let context = &*callee.cast::<HostContext>();
        match context.registers {
            Some(function) => timed(context, || function(callee, caller, a, b, c, d)),
            None => failed(context, Status::Trap as u32),
        }
    }
}

#[cold]
unsafe fn out_of_gas(callee: *mut VmCtx) -> u32 {
    // SAFETY: called by a host function, with the context it was called with.
    unsafe {
        let raise = (*(*(*callee).store).libcalls).get(Libcall::Raise);
        raise(callee, std::ptr::null_mut(), Trap::OutOfGas as u32, 0);
    }
    Status::Trap as u32
}

/// The end of a host function that did not simply return.
///
/// # Safety
/// The context is of a live store, whose guest code has called it; nothing borrows the store: the borrow handed to the
/// closure has ended.
#[cold]
unsafe fn unusual(context: &HostContext, slots: HostSlots<'_>, outcome: Outcome) -> u32 {
    let vm = context.vmctx.store;
    let outcome = outcome.map(|returned| {
        returned.or_else(|error| {
            // SAFETY: the caller promises that the store is live and not borrowed (see `# Safety`).
            let error = unsafe { store::with_core(vm, |core| located(core, error)) };
            let this = FuncPointer(NonNull::from(&context.func_ref));
            // SAFETY: the store is live, and the borrow for the location has ended.
            let results = unsafe { super::fiber::pause(vm, error, this) }?;
            slots[..results.len()].copy_from_slice(&results);
            Ok(())
        })
    });
    let note = |core: &mut StoreCore| match outcome {
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
    // SAFETY: the store is live, and if the call was paused, its resumption has lent the store to this fiber.
    unsafe { store::with_core(vm, note) }
}

/// The same, of a function called in registers.
///
/// # Safety
/// See [`unusual`].
#[cold]
unsafe fn unusual_in_registers(context: &HostContext, mut slots: [u64; 4], outcome: Outcome) -> RegisterResult {
    // SAFETY: the caller promises what `unusual` asks for: the store is live and not borrowed.
    match unsafe { unusual(context, &mut slots, outcome) } {
        status if status == Status::Ok as u32 => RegisterResult { status: status.into(), value: slots[0] },
        status => failed(context, status),
    }
}

/// What a host function called in registers returns if it has failed.
fn failed(context: &HostContext, status: u32) -> RegisterResult {
    RegisterResult { status: status.into(), value: context.vmctx.store as usize as u64 }
}

/// A trap that a host function ends with, an interrupt of its wait for one, with the guest's calls as its context.
#[cold]
fn located(core: &StoreCore, error: Error) -> Error {
    match error.downcast_ref::<Trap>() {
        Some(trap) if !error.is::<WasmBacktrace>() => {
            let backtrace = WasmBacktrace { trap: Some(*trap), ..super::capture_backtrace(core) };
            error.context(backtrace)
        }
        _ => error,
    }
}

/// The embedder's limiter, asked from the part of a store that does not know its type.
pub(crate) fn ask_limiter<T: 'static>(core: &mut StoreCore, question: crate::store::Question) -> Result<bool> {
    use crate::store::{Counted, Embedder, Question};
    // SAFETY: only a store of `T` sets this function.
    let Embedder { limiter, data } = unsafe { core.embedder.get_mut::<T>() };
    let Some(limiter) = limiter else { return Ok(!matches!(question, Question::Failed(..))) };
    let limiter = limiter(data);
    match question {
        Question::Memory(request) => limiter.memory_growing(request.current, request.desired, request.maximum),
        Question::Table { current, desired, maximum } => limiter.table_growing(current, desired, maximum),
        Question::Total { current, desired } => limiter.total_growing(current, desired),
        Question::Failed(Counted::Tables, error) => limiter.table_grow_failed(error).map(|()| false),
        Question::Failed(_, error) => limiter.memory_grow_failed(error).map(|()| false),
        Question::Count(Counted::Instances, present) => Ok(present < limiter.instances()),
        Question::Count(Counted::Memories, present) => Ok(present < limiter.memories()),
        Question::Count(Counted::Tables, present) => Ok(present < limiter.tables()),
        Question::Count(Counted::ExternRefs, present) => Ok(present < limiter.extern_refs()),
    }
}
