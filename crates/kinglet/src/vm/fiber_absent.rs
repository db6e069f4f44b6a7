//! Calls that can be paused, where there are no fibers: a host function's error ends the call.

use kinglet_abi::{FuncRef, VmStore};
use kinglet_interp::frame::StackSegment;

use super::call;
use super::func::FuncPointer;
use crate::store::StoreCore;
use crate::{Error, Result};

/// How far a call has come: to its end, with the results in the array.
pub(crate) enum Progress {
    Finished(Box<[u64]>),
    #[allow(dead_code, reason = "there are no fibers")]
    Paused(Paused),
}

/// A call that a host function's error has paused, of which there is none.
pub(crate) struct Paused {
    pub(crate) error: Error,
    pub(crate) func: FuncPointer,
    pub(crate) ticket: Ticket,
}

/// Stands for a paused call.
#[derive(Debug)]
pub(crate) struct Ticket;

/// The stacks of an engine's fibers.
#[derive(Debug, Default)]
pub(crate) struct FiberStacks;

/// The fibers of a store.
#[derive(Clone, Copy, Default)]
pub(crate) struct Fibers;

/// Calls a function with an array as large as its cell says.
pub(crate) fn start(core: &mut StoreCore, func: FuncPointer, mut slots: Box<[u64]>) -> Result<Progress> {
    // SAFETY: the caller checked that the function is the store's; its reference lives as long.
    let (cell, vmctx) = unsafe {
        let FuncRef { cell, vmctx, .. } = func.0.as_ref();
        (*cell, *vmctx)
    };
    call::call_cell(core, cell, vmctx, &mut slots)?;
    Ok(Progress::Finished(slots))
}

/// Goes on with a paused call, of which there is none.
pub(crate) fn resume(_: &mut StoreCore, _: Ticket, _: Box<[u64]>) -> Result<Progress> {
    Err(Error::msg("internal inconsistency: no call can be paused on this system"))
}

/// Returns the error, with which the call ends.
pub(super) unsafe fn pause(_: *mut VmStore, error: Error, _: FuncPointer) -> Result<Box<[u64]>> {
    Err(error)
}

/// The guest's frames on other stacks, of which there are none.
pub(super) fn other_stacks(core: &StoreCore) -> impl Iterator<Item = StackSegment> {
    let Fibers = core.fibers;
    std::iter::empty()
}

/// Ends all fibers of a store that is to go.
pub(crate) fn give_up_all(_: &mut StoreCore) {}
