//! Calls from the host into guest functions, and the conversion of their outcome to a result.

use std::sync::atomic::Ordering;

use kinglet_abi::{ActivationKind, ArrayFn, FuncCell, FuncRef, Libcall, Status, Trap, VmCtx};

use tracing::debug;

use super::func::FuncPointer;
use crate::store::{StoreCore, StoreInner};
use crate::{Error, Result};

/// Calls a function. The argument array is large enough for its results.
pub(crate) fn call<T: 'static>(store: &mut StoreInner<T>, func: FuncPointer, slots: &mut [u64]) -> Result<()> {
    // SAFETY: the caller checked that the function belongs to the store; its reference lives as long.
    let (cell, vmctx) = unsafe {
        let FuncRef { cell, vmctx, .. } = func.0.as_ref();
        (*cell, *vmctx)
    };
    call_cell(&mut store.core, cell, vmctx, slots)
}

/// Calls a function by its cell.
pub(super) fn call_cell(
    core: &mut StoreCore,
    cell: *const FuncCell,
    vmctx: *mut VmCtx,
    slots: &mut [u64],
) -> Result<()> {
    core.hooked(|core| enter(core, cell, vmctx, slots))
}

/// Calls the function without the store's hook.
#[inline(always)]
fn enter(core: &mut StoreCore, cell: *const FuncCell, vmctx: *mut VmCtx, slots: &mut [u64]) -> Result<()> {
    // SAFETY: cells live as long as their module or store.
    if slots.len() < unsafe { (*cell).array_slots } as usize {
        return Err(Error::msg("internal inconsistency: the argument array is too short"));
    }
    let vm = core.vm.pointer().as_ptr();
    // While guest code runs, it reaches the store through `vm.owner`. That pointer is derived from this borrow, so the
    // borrow checker's rules cover the accesses. The caller's pointer is restored afterwards.
    let core: *mut StoreCore = core;
    // SAFETY: `owner` points to the core, regardless of the type from which the pointer was made.
    let owner = unsafe { std::mem::replace(&mut (*vm).owner, core.cast()) };
    #[cfg(feature = "jit")]
    let _running = super::native::running(vm);
    // SAFETY: the array is large enough, the cell's function runs in `vmctx`, and both belong to the store.
    let status = unsafe {
        let host_activation = std::mem::replace(&mut (*vm).host_activation, (*vm).activation);
        // The limit is zero while no guest code runs. The list of activations cannot show this, because a host function
        // called directly has no activation.
        let outermost = (*vm).stack_limit == 0;
        if outermost {
            (*vm).stack_limit = (*core).engine.stack_limit(stack_position());
        }
        let status = run(core, cell, vmctx, slots.as_mut_ptr());
        (*vm).owner = owner;
        (*vm).host_activation = host_activation;
        if outermost {
            (*vm).stack_limit = 0;
        }
        status
    };
    // SAFETY: guest code has returned.
    into_result(unsafe { &mut *core }, status)
}

/// Runs a function. The store's record describes the stack to run on.
///
/// # Safety
/// The array is large enough, the cell's function runs in `vmctx`, and both belong to the store. The store is reached
/// only through its record meanwhile.
#[inline(always)]
pub(super) unsafe fn run(core: *mut StoreCore, cell: *const FuncCell, vmctx: *mut VmCtx, slots: *mut u64) -> Status {
    // SAFETY: the caller promises that the function and the instance belong to the store, and that the array is large
    // enough (see `# Safety`). The store's record points to `core`, which is not borrowed while the function runs.
    unsafe {
        let vm = (*core).vm.pointer().as_ptr();
        (*core).ran = true;
        if (*cell).interpreter_entry.load(Ordering::Acquire).cast_const() != kinglet_interp::array_stub() {
            #[cfg(feature = "jit")]
            super::native::watch(vm);
            return kinglet_interp::call(vm, ActivationKind::Interpreter, cell, vmctx, slots);
        }
        let near_limit = stack_position() < (*vm).stack_limit;
        if near_limit && !(*cell).body().is_null() {
            // Too little stack is left for native code. The interpreter runs the function, or raises a stack overflow
            // itself.
            return kinglet_interp::call(vm, ActivationKind::Interpreter, cell, vmctx, slots);
        }
        let early_trap =
            if near_limit { Some(Trap::StackOverflow) } else { (*core).shared.check().err().map(Trap::from) };
        match early_trap {
            Some(trap) => {
                ((*(*vm).libcalls).get(Libcall::Raise))(vmctx, std::ptr::null_mut(), trap as u32, 0);
                Status::Trap
            }
            None => {
                let function: ArrayFn = std::mem::transmute((*cell).array_call.load(Ordering::Acquire));
                (*vm).callee = cell;
                Status::from_u32(function(vmctx, std::ptr::null_mut(), slots))
            }
        }
    }
}

/// Converts the status of a finished call to a result. The caller's stack state has been restored.
#[inline(always)]
pub(super) fn into_result(core: &mut StoreCore, mut status: Status) -> Result<()> {
    let vm = core.vm.pointer().as_ptr();
    // SAFETY: no guest code runs. A limit of zero means that this was the outermost call.
    if status == Status::Ok && unsafe { (*vm).stack_limit == 0 && (*vm).gas < 0 } {
        status = out_of_gas(core);
    }
    if status == Status::Ok { Ok(()) } else { failure(core, status) }
}

/// Returns the approximate position on the host's stack.
#[inline(always)]
fn stack_position() -> usize {
    let here = 0_u8;
    std::ptr::from_ref(&here) as usize
}

fn out_of_gas(core: &mut StoreCore) -> Status {
    core.error = Some(Error::new(Trap::OutOfGas));
    Status::HostError
}

#[cold]
fn failure(core: &mut StoreCore, status: Status) -> Result<()> {
    let vm = core.vm.pointer().as_ptr();
    // SAFETY: no guest code of this call runs.
    if unsafe { (*vm).stack_limit } == 0 {
        // The outermost call has ended, so a pending interrupt is obsolete.
        core.shared.clear();
    }
    if let Some(panic) = core.take_panic() {
        std::panic::resume_unwind(panic);
    }
    let error = match status {
        Status::HostPanic => Error::msg("internal inconsistency: a host function's panic was lost"),
        Status::HostError => match core.error.take() {
            Some(error) => error,
            None => Error::msg("internal inconsistency: a host function's error was lost"),
        },
        // A host function's error can also end a libcall. In this case it is the cause of the trap.
        _ => match core.error.take() {
            Some(error) => error,
            // SAFETY: no guest code runs.
            None if unsafe { (*vm).gas } < 0 => trap_error(core, Trap::OutOfGas as u32),
            None if status == Status::Exception => trap_error(core, Trap::UncaughtException as u32),
            // SAFETY: no guest code runs.
            None => trap_error(core, unsafe { (*vm).trap }),
        },
    };
    debug!(store = core.id.number(), ?status, %error, "a call ended with an error");
    Err(error)
}

fn trap_error(core: &mut StoreCore, code: u32) -> Error {
    let trap = Trap::from_code(code).unwrap_or(Trap::Unsupported);
    let error = Error::new(trap);
    // A backtrace that an earlier host error left behind belongs to another trap.
    let backtrace = core.backtrace.take().filter(|backtrace| backtrace.trap() == Some(trap));
    match backtrace.filter(|_| core.engine.config().backtrace_frames.is_some()) {
        Some(backtrace) => error.context(backtrace),
        None => error,
    }
}
