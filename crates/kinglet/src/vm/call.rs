//! Calling a guest's function from the host, and turning the way it ended into a result.

use std::sync::atomic::Ordering;

use kinglet_abi::{ActivationKind, ArrayFn, FuncCell, FuncRef, Libcall, Status, Trap, VmCtx};

use tracing::debug;

use super::func::FuncPointer;
use crate::store::{StoreCore, StoreInner};
use crate::{Error, Result};

/// Calls a function with an argument array that has room for its results.
pub(crate) fn call<T: 'static>(store: &mut StoreInner<T>, func: FuncPointer, slots: &mut [u64]) -> Result<()> {
    // SAFETY: the caller checked that the function is the store's; its reference lives as long.
    let (cell, vmctx) = unsafe {
        let FuncRef { cell, vmctx, .. } = func.0.as_ref();
        (*cell, *vmctx)
    };
    call_cell(&mut store.core, cell, vmctx, slots)
}

/// The same, of a function by its cell.
pub(super) fn call_cell(
    core: &mut StoreCore,
    cell: *const FuncCell,
    vmctx: *mut VmCtx,
    slots: &mut [u64],
) -> Result<()> {
    // SAFETY: cells live as long as their module or store.
    if slots.len() < unsafe { (*cell).array_slots } as usize {
        return Err(Error::msg("internal inconsistency: the argument array is too short"));
    }
    let vm = core.vm.pointer().as_ptr();
    // While guest code runs, the store is reached through `vm`: by a pointer made from this borrow, so that what happens
    // there is known to happen to it. The borrow of whoever called is found again in the same way when this is over.
    let core: *mut StoreCore = core;
    // SAFETY: the store is the core, whichever type is known of it.
    let owner = unsafe { std::mem::replace(&mut (*vm).owner, core.cast()) };
    #[cfg(feature = "jit")]
    let _running = super::native::running(vm);
    // SAFETY: the array is large enough, the cell's function runs in `vmctx`, and both are the store's.
    let status = unsafe {
        let host_activation = std::mem::replace(&mut (*vm).host_activation, (*vm).activation);
        // Zero while nothing runs. An activation would not do: a host function called directly makes none.
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
    ended(unsafe { &mut *core }, status)
}

/// Runs a function whose stack is prepared.
///
/// # Safety
/// The array is large enough, the cell's function runs in `vmctx`, and both are the store's, which is reached through its
/// record meanwhile.
#[inline(always)]
pub(super) unsafe fn run(core: *mut StoreCore, cell: *const FuncCell, vmctx: *mut VmCtx, slots: *mut u64) -> Status {
    // SAFETY: the caller promises that the function and the instance are the store's, and that the array is large
    // enough (see `# Safety`); `core` is what the store's record leads to, and is not borrowed while the function runs.
    unsafe {
        let vm = (*core).vm.pointer().as_ptr();
        (*core).ran = true;
        if (*cell).interpreter_entry.load(Ordering::Acquire).cast_const() != kinglet_interp::array_stub() {
            #[cfg(feature = "jit")]
            super::native::watch(vm);
            return kinglet_interp::call(vm, ActivationKind::Interpreter, cell, vmctx, slots);
        }
        let deep = stack_position() < (*vm).stack_limit;
        if deep && !(*cell).body().is_null() {
            // Native code that is no longer entered: it is interpreted, if there is any stack left.
            return kinglet_interp::call(vm, ActivationKind::Interpreter, cell, vmctx, slots);
        }
        let refused = if deep { Some(Trap::StackOverflow) } else { (*core).shared.check().err().map(Trap::from) };
        match refused {
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

/// Turns the way a call ended into a result; the stack is the caller's again.
#[inline(always)]
pub(super) fn ended(core: &mut StoreCore, mut status: Status) -> Result<()> {
    let vm = core.vm.pointer().as_ptr();
    // SAFETY: no guest code runs. Without a limit nothing else of the guest is under way.
    if status == Status::Ok && unsafe { (*vm).stack_limit == 0 && (*vm).gas < 0 } {
        status = out_of_gas(core);
    }
    if status == Status::Ok { Ok(()) } else { finish(core, status) }
}

/// Roughly how far down the host's stack is.
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
fn finish(core: &mut StoreCore, status: Status) -> Result<()> {
    let vm = core.vm.pointer().as_ptr();
    // SAFETY: no guest code of this call runs.
    if unsafe { (*vm).stack_limit } == 0 {
        // Whatever ended the outermost call, a request to end it has been met.
        core.shared.clear();
    }
    if let Some(panic) = core.take_panic() {
        std::panic::resume_unwind(panic);
    }
    let error = match status {
        Status::HostPanic => Error::msg("internal inconsistency: no panic to carry on"),
        Status::HostError => match core.error.take() {
            Some(error) => error,
            None => Error::msg("internal inconsistency: a host function's error was lost"),
        },
        // A host function's error can end a libcall too; it is the reason then.
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
    // One that an error of the host's left behind belongs to another trap.
    match core.backtrace.take().filter(|backtrace| backtrace.trap() == Some(trap)) {
        Some(backtrace) => error.context(backtrace),
        None => error,
    }
}
