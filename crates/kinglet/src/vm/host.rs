//! Host functions: a context that looks to code like an instance, and the array function that runs the closure.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::AtomicPtr;
use std::time::Instant;

use kinglet_abi::{FuncCell, FuncRef, Libcall, Status, Trap, VmCtx, VmMemory, VmStore};
use kinglet_wasm::types::TypeId;

use super::func::FuncPointer;
use super::{VmState, store};
use crate::host::Caller;
use crate::store::StoreCore;
use crate::{Error, FuncType, Result, WasmBacktrace};

/// A host function's closure: it reads its arguments from the slots and leaves its results there.
pub(crate) type HostFunc<T> = Arc<dyn Fn(Caller<'_, T>, HostSlots<'_>) -> Result<()> + Send + Sync>;

/// The argument array of a host function.
pub(crate) type HostSlots<'a> = &'a mut [u64];

/// The host functions of a store.
#[derive(Default)]
pub(crate) struct HostContexts {
    /// Owned; through pointers, which stay good whatever moves.
    contexts: Vec<NonNull<HostContext>>,
}

impl Drop for HostContexts {
    fn drop(&mut self) {
        for context in self.contexts.drain(..) {
            // SAFETY: made by `Box::leak`.
            drop(unsafe { Box::from_raw(context.as_ptr()) });
        }
    }
}

// SAFETY: owned memory; the pointers in it lead to the same store, the closures are `Send + Sync`.
unsafe impl Send for HostContexts {}
// SAFETY: as above.
unsafe impl Sync for HostContexts {}

#[repr(C)]
struct HostContext {
    /// First, so that a pointer to it is a pointer to the context.
    vmctx: VmCtx,
    cell: FuncCell,
    func_ref: FuncRef,
    closure: Box<dyn Any + Send + Sync>,
}

/// Where the cell of a host function is in the context it is called with.
#[cfg(feature = "jit")]
pub(crate) const CELL_OFFSET: u32 = std::mem::offset_of!(HostContext, cell) as u32;

struct Empty(VmMemory);

// SAFETY: never written.
unsafe impl Sync for Empty {}

static EMPTY: Empty = Empty(VmMemory { base: NonNull::dangling().as_ptr(), len: 0 });

/// The memory of those who have none.
pub(super) fn empty_memory() -> *const VmMemory {
    &EMPTY.0
}

impl HostContexts {
    /// Adds a function.
    pub(crate) fn add<T: 'static>(
        &mut self,
        vm: &VmState,
        ty: &FuncType,
        type_id: TypeId,
        closure: HostFunc<T>,
    ) -> FuncPointer {
        let null = std::ptr::null_mut;
        let cell = FuncCell {
            native: AtomicPtr::new(null()),
            array: AtomicPtr::new(run_host_function::<T> as *mut _),
            entry: AtomicPtr::new(kinglet_interp::array_stub().cast_mut()),
            body: null(),
            stub: AtomicPtr::new(null()),
            adapter: AtomicPtr::new(null()),
            array_slots: ty.array_slots(),
            type_id: type_id.0,
        };
        let context = NonNull::from(Box::leak(Box::new(HostContext {
            vmctx: VmCtx {
                store: vm.pointer().as_ptr(),
                memory0: empty_memory(),
                cells: std::ptr::null(),
                type_ids: std::ptr::null(),
                instance: null(),
            },
            cell,
            func_ref: FuncRef {
                native: AtomicPtr::new(null()),
                cell: std::ptr::null(),
                vmctx: std::ptr::null_mut(),
                type_id: type_id.0,
            },
            closure: Box::new(closure),
        })));
        self.contexts.push(context);
        let this = context.as_ptr();
        // SAFETY: just made, and never moved.
        unsafe {
            (*this).func_ref.cell = &raw const (*this).cell;
            (*this).func_ref.vmctx = this.cast();
            FuncPointer(NonNull::new_unchecked(&raw mut (*this).func_ref))
        }
    }
}

/// The array function of all host functions of stores with data `T`.
unsafe extern "C" fn run_host_function<T: 'static>(callee: *mut VmCtx, caller: *mut VmCtx, slots: *mut u64) -> u32 {
    // SAFETY: `callee` is a context made by `add` for a store of `T`, and the array has the cell's slots.
    let (context, inner, slots) = unsafe {
        let context = &*callee.cast::<HostContext>();
        let inner = store::owner::<T>(context.vmctx.store);
        (context, inner, std::slice::from_raw_parts_mut(slots, context.cell.array_slots as usize))
    };
    // What the host can see is a point at which gas must not be overdrawn.
    if inner.core.vm.gas() < 0 {
        // SAFETY: the store is live, and its guest code has called out.
        unsafe {
            ((*(*context.vmctx.store).libcalls).get(Libcall::Raise))(
                callee,
                slots.as_mut_ptr(),
                Trap::OutOfGas as u32,
                0,
            )
        };
        return Status::Trap as u32;
    }
    let Some(closure) = context.closure.downcast_ref::<HostFunc<T>>() else {
        inner.core.error = Some(Error::msg("internal inconsistency: a host function of another store"));
        return Status::HostError as u32;
    };
    let instance = super::instance::index_of(caller);
    let timed = inner.core.host_time.take().map(|spent| (spent, Instant::now()));
    let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| closure(Caller::new(&mut *inner, instance), slots)));
    let vm = context.vmctx.store;
    if let Some((spent, start)) = timed {
        // SAFETY: as above; the borrow handed to the closure has ended.
        unsafe { store::core_of(vm) }.host_time = Some(spent + start.elapsed());
    }
    let outcome = outcome.map(|returned| {
        returned.or_else(|error| {
            // SAFETY: as above.
            let error = located(unsafe { store::core_of(vm) }, error);
            let this = FuncPointer(NonNull::from(&context.func_ref));
            // SAFETY: as above.
            let results = unsafe { super::fiber::pause(vm, error, this) }?;
            slots[..results.len()].copy_from_slice(&results);
            Ok(())
        })
    });
    // SAFETY: as above.
    let core = unsafe { store::core_of(vm) };
    match outcome {
        Ok(Ok(())) => Status::Ok as u32,
        Ok(Err(error)) => {
            core.error = Some(error);
            Status::HostError as u32
        }
        Err(panic) => {
            core.panic = Some(panic);
            Status::HostPanic as u32
        }
    }
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
    use crate::store::{Counted, Question};
    let vm: *mut VmStore = core.vm.pointer().as_ptr();
    // SAFETY: set only by a store of `T`; the limiter gets the data, not the core, which stays borrowed by the caller.
    let inner = unsafe { &raw mut *(*vm).owner.cast::<crate::store::StoreInner<T>>() };
    // SAFETY: as above; limiter and data are fields of their own.
    let (limiter, data) = unsafe { (&mut (*inner).limiter, &mut (*inner).data) };
    let Some(limiter) = limiter else { return Ok(!matches!(question, Question::Failed(..))) };
    let limiter = limiter(data);
    match question {
        Question::Memory(request) => limiter.memory_growing(request.current, request.desired, request.maximum),
        Question::Table { current, desired, maximum } => limiter.table_growing(current, desired, maximum),
        Question::Failed(Counted::Tables, error) => limiter.table_grow_failed(error).map(|()| false),
        Question::Failed(_, error) => limiter.memory_grow_failed(error).map(|()| false),
        Question::Count(Counted::Instances, present) => Ok(present < limiter.instances()),
        Question::Count(Counted::Memories, present) => Ok(present < limiter.memories()),
        Question::Count(Counted::Tables, present) => Ok(present < limiter.tables()),
        Question::Count(Counted::ExternRefs, present) => Ok(present < limiter.extern_refs()),
    }
}
