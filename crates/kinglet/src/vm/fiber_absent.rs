//! Resumable calls on platforms without fibers: a host function's error ends the call.

use kinglet_abi::{FuncRef, VmStore};
use kinglet_interp::frame::StackSegment;

use super::call;
use super::func::FuncPointer;
use crate::store::StoreCore;
use crate::{Error, Result};

/// The state of a call after it has run. It has always returned; the array holds its results.
pub(crate) enum CallProgress {
    Finished(Box<[u64]>),
    #[allow(dead_code, reason = "there are no fibers")]
    Paused(PausedCall),
}

/// A suspended call; never constructed here.
pub(crate) struct PausedCall {
    pub(crate) error: Error,
    pub(crate) func: FuncPointer,
    pub(crate) handle: FiberHandle,
}

/// Identifies a suspended call; never constructed here.
#[derive(Debug)]
pub(crate) struct FiberHandle;

/// The stacks of an engine's fibers.
#[derive(Debug, Default)]
pub(crate) struct FiberStacks;

/// The fibers of a store.
#[derive(Clone, Copy, Default)]
pub(crate) struct Fibers;

/// Calls a function. The array has as many slots as the function's cell states.
pub(crate) fn start(core: &mut StoreCore, func: FuncPointer, mut slots: Box<[u64]>) -> Result<CallProgress> {
    // SAFETY: the caller checked that the function belongs to the store; its reference lives as long.
    let (cell, vmctx) = unsafe {
        let FuncRef { cell, vmctx, .. } = func.0.as_ref();
        (*cell, *vmctx)
    };
    call::call_cell(core, cell, vmctx, &mut slots)?;
    Ok(CallProgress::Finished(slots))
}

/// Fails: no call is ever suspended here.
pub(crate) fn resume(_: &mut StoreCore, _: FiberHandle, _: Box<[u64]>) -> Result<CallProgress> {
    Err(Error::msg("internal inconsistency: no call can be suspended on this system"))
}

/// Returns the error, which ends the call.
pub(super) unsafe fn pause(_: *mut VmStore, error: Error, _: FuncPointer) -> Result<Box<[u64]>> {
    Err(error)
}

/// Returns the guest's frames on other stacks: none.
pub(super) fn other_stacks(core: &StoreCore) -> impl Iterator<Item = StackSegment> {
    let Fibers = core.fibers;
    std::iter::empty()
}

/// Ends all fibers of a store that is being dropped.
pub(crate) fn cancel_all(_: &mut StoreCore) {}
