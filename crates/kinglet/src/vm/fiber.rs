//! Calls that can be paused: each runs on a fiber, with a host stack and an interpreter stack of its own, so that it can
//! be left where a host function failed, in whatever tier, while the host goes on with the store.
//!
//! Invariants:
//! - A fiber is left only by [`pause`], where no frame on it but the guest's and this crate's is alive, and by its end.
//!   Nothing on it belongs to a thread.
//! - What a store's record notes of a stack is that of the one that runs; [`Fiber::other`] has the rest: of a paused
//!   fiber its own, of a running one that of whoever resumed it. A collection looks at all of them.
//! - A host stack's guard is closed from before its fiber runs until it has paused or its stack is given back.
//! - A fiber has a place in its store's list, which its one [`Ticket`] names, from its start to its end.
//! - A fiber that is not to go on ends as if the host function's error had not been looked at, so that each of its frames
//!   is left as usual. A store ends all of its fibers before anything of it goes.

mod stack;

use std::ptr::{NonNull, null, null_mut};
use std::sync::{Arc, Mutex, PoisonError};

use corosensei::{Coroutine, CoroutineResult, Yielder};
use kinglet_abi::{Activation, FuncRef, Status, Trap, VmStore};

use super::address::Address;
use super::call;
use super::func::FuncPointer;
use super::store::with_core;
use crate::store::StoreCore;
use crate::{Error, Result};
use kinglet_interp::frame::{StackSegment, walk_from};

pub(crate) use self::stack::FiberStacks;
use self::stack::{Area, FiberStack};

/// Bytes that a host function called from a fiber can use at least.
const HOST_FUNCTION_STACK: usize = 1 << 20;

/// How many fibers may be under way in one another. Each has stacks of its own, of which there must not be as many as a
/// guest likes that calls back and forth with its host.
const MAX_DEPTH: usize = 64;

/// How far a call has come.
pub(crate) enum Progress {
    /// To its end, with the results in the array.
    Finished(Box<[u64]>),
    Paused(Paused),
}

/// A call that a host function's error has paused.
pub(crate) struct Paused {
    pub(crate) error: Error,
    /// The host function.
    pub(crate) func: FuncPointer,
    pub(crate) ticket: Ticket,
}

/// Stands for a paused call. If it is dropped the call is given up: at the store's next resumable call, or with the store.
#[derive(Debug)]
pub(crate) struct Ticket {
    place: usize,
    /// Where to say so; none once the call has ended.
    dropped: Option<Dropped>,
}

impl Ticket {
    /// The call has ended by itself.
    fn settle(mut self) {
        self.dropped = None;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(dropped) = self.dropped.take() {
            dropped.lock().unwrap_or_else(PoisonError::into_inner).push(self.place);
        }
    }
}

/// The places of fibers with which nobody can go on.
type Dropped = Arc<Mutex<Vec<usize>>>;

/// The fibers of a store.
#[derive(Default)]
pub(crate) struct Fibers {
    /// Owned; [`remove`] and [`give_up`] free them.
    fibers: Vec<Option<Address<Fiber>>>,
    /// Places in that list that have none.
    vacant: Vec<usize>,
    dropped: Dropped,
    /// The innermost one that runs.
    current: Option<Address<Fiber>>,
    /// How many run, in one another.
    depth: usize,
    /// The stack of one that has ended.
    spare: Option<FiberStack>,
}

impl Fibers {
    fn add(&mut self, fiber: NonNull<Fiber>) -> Ticket {
        let place = self.vacant.pop().unwrap_or_else(|| {
            self.fibers.push(None);
            self.fibers.len() - 1
        });
        self.fibers[place] = Some(Address(fiber));
        // SAFETY: just made, and it does not run.
        unsafe { (*fiber.as_ptr()).place = place };
        Ticket { place, dropped: Some(self.dropped.clone()) }
    }

    fn get(&self, place: usize) -> Option<NonNull<Fiber>> {
        self.fibers.get(place).copied().flatten().map(|fiber| fiber.0)
    }
}

struct Fiber {
    coroutine: Coroutine<Input, Failed, Status, FiberStack>,
    /// Set by the fiber when it starts.
    yielder: *const Yielder<Input, Failed>,
    /// The call's arguments, and at its end its results.
    slots: Box<[u64]>,
    other: Noted,
    /// Of the coroutine's stack.
    area: Area,
    /// In the store's list.
    place: usize,
}

/// What a fiber is given to go on with.
enum Input {
    Start(NonNull<Fiber>),
    /// The results of the host function that failed.
    Results(Box<[u64]>),
    GiveUp,
}

/// What a fiber pauses with: a host function's error.
struct Failed {
    error: Error,
    func: FuncPointer,
}

/// What a store's record notes of the stack that its guest code runs on.
#[derive(Clone, Copy)]
pub(super) struct Noted {
    record: *mut std::ffi::c_void,
    stack_top: *mut u64,
    stack_limit: usize,
    activation: *mut Activation,
    host_activation: *mut Activation,
}

impl Noted {
    /// Exchanges what is noted here and in the record.
    unsafe fn swap(&mut self, vm: *mut VmStore) {
        // SAFETY: the store is live, and its guest code has called out or not begun.
        unsafe {
            std::mem::swap(&mut self.record, &mut (*vm).record);
            std::mem::swap(&mut self.stack_top, &mut (*vm).stack_top);
            std::mem::swap(&mut self.stack_limit, &mut (*vm).stack_limit);
            std::mem::swap(&mut self.activation, &mut (*vm).activation);
            std::mem::swap(&mut self.host_activation, &mut (*vm).host_activation);
        }
    }
}

/// Calls a function so that a host function's error pauses the call. The array is as large as the function's cell says.
pub(crate) fn start(core: &mut StoreCore, func: FuncPointer, slots: Box<[u64]>) -> Result<Progress> {
    give_up_dropped(core);
    // SAFETY: the caller checked that the function is the store's; its reference and cell live as long.
    let (cell, vmctx, is_host) = unsafe {
        let FuncRef { cell, vmctx, .. } = func.0.as_ref();
        (*cell, *vmctx, (**cell).body().is_null())
    };
    if is_host {
        // There is no guest to pause.
        let mut slots = slots;
        call::call_cell(core, cell, vmctx, &mut slots)?;
        return Ok(Progress::Finished(slots));
    }
    if core.fibers.depth >= MAX_DEPTH {
        return Err(Error::new(Trap::StackOverflow));
    }
    let stack = match core.fibers.spare.take() {
        Some(stack) => stack,
        None => {
            let host = core.engine.host_stack() + HOST_FUNCTION_STACK;
            core.engine.fiber_stacks().take(host, core.engine.config().max_wasm_stack)?
        }
    };
    let mut area = stack.area;
    if !area.close() {
        return Err(no_guard());
    }
    let other = Noted {
        record: area.guest_end(),
        stack_top: area.guest_start(),
        stack_limit: core.engine.stack_limit(area.host_end()),
        activation: null_mut(),
        host_activation: null_mut(),
    };
    // The two are addresses; what they lead to lives as long as the store.
    let coroutine = Coroutine::with_stack(stack, move |yielder, input| match input {
        // SAFETY: the fiber is alive until its coroutine has ended; `switch` has noted its stack, and has the store's record
        // lead to the store.
        Input::Start(fiber) => unsafe {
            let fiber = fiber.as_ptr();
            (*fiber).yielder = yielder;
            let slots = (*fiber).slots.as_mut_ptr();
            call::run((*(*vmctx).store).owner.cast(), cell, vmctx, slots)
        },
        Input::Results(_) | Input::GiveUp => Status::Ok,
    });
    let fiber = Fiber { coroutine, yielder: null(), slots, other, area, place: 0 };
    let fiber = NonNull::from(Box::leak(Box::new(fiber)));
    let ticket = core.fibers.add(fiber);
    go_on(core, fiber, Input::Start(fiber), ticket)
}

fn no_guard() -> Error {
    Error::msg("cannot guard the stack of a call that can be paused: the system allows no more mappings")
}

/// Goes on with a paused call: with the results of the host function that failed.
pub(crate) fn resume(core: &mut StoreCore, ticket: Ticket, results: Box<[u64]>) -> Result<Progress> {
    let known = ticket.dropped.as_ref().is_some_and(|dropped| Arc::ptr_eq(dropped, &core.fibers.dropped));
    match core.fibers.get(ticket.place).filter(|_| known) {
        // SAFETY: the store's fibers are alive; this one is paused.
        Some(fiber) if !unsafe { (*fiber.as_ptr()).area.close() } => Err(no_guard()),
        Some(fiber) => go_on(core, fiber, Input::Results(results), ticket),
        None => Err(Error::msg("internal inconsistency: a paused call is not its store's")),
    }
}

/// Pauses the innermost fiber with a host function's error, if it can be: if one runs, the guest that called the host
/// function runs on it, and the error is no trap. Returns the results to go on with, or the error to end with.
///
/// # Safety
/// `vm` is that of a live store, whose guest code has called the host function; nothing of the store is borrowed.
pub(super) unsafe fn pause(vm: *mut VmStore, error: Error, func: FuncPointer) -> Result<Box<[u64]>> {
    // SAFETY: the caller promises that the store is live and not borrowed (see `# Safety`). A fiber's guest code was called by
    // the host when nothing was active on its stack.
    let fiber = unsafe {
        let current = with_core(vm, |core| core.fibers.current);
        current.filter(|_| (*vm).host_activation.is_null() && !error.is::<Trap>())
    };
    let Some(fiber) = fiber else { return Err(error) };
    // SAFETY: the fiber runs, so that its yielder is set.
    match unsafe { (*(*fiber.0.as_ptr()).yielder).suspend(Failed { error, func }) } {
        Input::Results(results) => Ok(results),
        Input::GiveUp | Input::Start(_) => Err(Error::msg("a paused call was given up")),
    }
}

/// The guest's frames on the stacks of which nothing runs at the moment.
pub(super) fn other_stacks(core: &StoreCore) -> impl Iterator<Item = StackSegment> {
    core.fibers.fibers.iter().flatten().flat_map(|fiber| {
        // SAFETY: the store's fibers are alive, and the guest code on every other stack has called out.
        unsafe {
            let Noted { record, activation, .. } = (*fiber.0.as_ptr()).other;
            walk_from(record, activation)
        }
    })
}

/// Ends all fibers of a store that is to go.
pub(crate) fn give_up_all(core: &mut StoreCore) {
    for place in 0..core.fibers.fibers.len() {
        if let Some(fiber) = core.fibers.get(place) {
            give_up(core, fiber);
        }
    }
}

/// Ends the fibers with which nobody can go on.
fn give_up_dropped(core: &mut StoreCore) {
    loop {
        let dropped = core.fibers.dropped.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let Some(place) = dropped else { return };
        if let Some(fiber) = core.fibers.get(place) {
            give_up(core, fiber);
        }
    }
}

/// Ends a paused fiber. What runs on its stack are returns alone, which need no guard.
fn give_up(core: &mut StoreCore, fiber: NonNull<Fiber>) {
    match switch(core, fiber, Input::GiveUp) {
        CoroutineResult::Return(_) => drop(remove(core, fiber)),
        // It cannot be: nothing on the way out calls the host.
        CoroutineResult::Yield(_) => std::process::abort(),
    }
    // That it was given up concerns no later call.
    core.error = None;
}

fn go_on(core: &mut StoreCore, fiber: NonNull<Fiber>, input: Input, ticket: Ticket) -> Result<Progress> {
    match switch(core, fiber, input) {
        CoroutineResult::Yield(Failed { error, func }) => {
            // SAFETY: the fiber is alive and does not run.
            unsafe { (*fiber.as_ptr()).area.open() };
            Ok(Progress::Paused(Paused { error, func, ticket }))
        }
        CoroutineResult::Return(status) => {
            ticket.settle();
            let slots = remove(core, fiber);
            call::ended(core, status)?;
            Ok(Progress::Finished(slots))
        }
    }
}

/// Takes out a fiber that has ended, keeps its stack for the next, and returns its array.
fn remove(core: &mut StoreCore, fiber: NonNull<Fiber>) -> Box<[u64]> {
    // SAFETY: made by `Box::leak`, and out of the list from here on.
    let fiber = unsafe { *Box::from_raw(fiber.as_ptr()) };
    core.fibers.fibers[fiber.place] = None;
    core.fibers.vacant.push(fiber.place);
    let mut stack = fiber.coroutine.into_stack();
    stack.area = fiber.area;
    core.fibers.spare.get_or_insert(stack);
    fiber.slots
}

/// Runs a fiber until it pauses or ends.
fn switch(core: &mut StoreCore, fiber: NonNull<Fiber>, input: Input) -> CoroutineResult<Failed, Status> {
    let vm = core.vm.pointer().as_ptr();
    let fiber_at = fiber.as_ptr();
    // As for every call, the store is reached through `vm` meanwhile.
    let core: *mut StoreCore = core;
    // SAFETY: the fiber is alive and does not run; the fields that it reaches while it does are borrowed one by one.
    unsafe {
        let owner = std::mem::replace(&mut (*vm).owner, core.cast());
        #[cfg(feature = "jit")]
        let _running = super::native::running(vm);
        let outer = (*core).fibers.current.replace(Address(fiber));
        (*core).fibers.depth += 1;
        (*fiber_at).other.swap(vm);
        let result = (*fiber_at).coroutine.resume(input);
        (*fiber_at).other.swap(vm);
        (*core).fibers.depth -= 1;
        (*core).fibers.current = outer;
        (*vm).owner = owner;
        result
    }
}
