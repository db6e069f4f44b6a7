//! Resumable calls. Each runs on a fiber, which has its own host stack and interpreter stack. A host function's error
//! suspends the fiber, in any tier, and the host continues with the store.
//!
//! Invariants:
//! - Control leaves a fiber only in [`pause`] and at its end. In [`pause`], only frames of the guest and of this crate
//!   are on the fiber. No data on a fiber belongs to a thread.
//! - A store's record describes the stack that currently runs. For a suspended fiber, [`Fiber::saved`] is the fiber's
//!   own state. For a running fiber, it is the state of the stack that resumed it. A collection scans all of them.
//! - A host stack's guard is inaccessible from before its fiber runs until the fiber is suspended or its stack is
//!   released.
//! - A fiber has an index in its store's list from start to end. Exactly one [`FiberHandle`] holds the index.
//! - A fiber that is not resumed ends as if the host function's error had ended the call, so every frame is unwound as
//!   usual. A store ends all of its fibers before it frees anything else.

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
use crate::{Error, Result, WasmBacktrace};
use kinglet_interp::frame::{StackSegment, walk_from};

pub(crate) use self::stack::FiberStacks;
use self::stack::{FiberStack, StackArea};

/// Minimum stack size, in bytes, of a host function that is called on a fiber.
const HOST_FUNCTION_STACK: usize = 1 << 20;

/// The maximum number of nested fibers. Each has its own stacks. Without a limit, guest and host could call each other
/// recursively and allocate any number of stacks.
const MAX_DEPTH: usize = 64;

/// The state of a call after it has run.
pub(crate) enum CallProgress {
    /// The call has returned; the array holds its results.
    Finished(Box<[u64]>),
    Paused(PausedCall),
}

/// A call that a host function's error has suspended.
pub(crate) struct PausedCall {
    pub(crate) error: Error,
    /// The host function that failed.
    pub(crate) func: FuncPointer,
    pub(crate) handle: FiberHandle,
}

/// Identifies a suspended call. Dropping the handle cancels the call at the store's next resumable call, or with the
/// store.
#[derive(Debug)]
pub(crate) struct FiberHandle {
    index: usize,
    /// Receives the index when the handle is dropped; `None` once the call has ended.
    dropped: Option<DroppedHandles>,
}

impl FiberHandle {
    /// Disarms the handle of a call that has ended.
    fn disarm(mut self) {
        self.dropped = None;
    }
}

impl Drop for FiberHandle {
    fn drop(&mut self) {
        if let Some(dropped) = self.dropped.take() {
            dropped.lock().unwrap_or_else(PoisonError::into_inner).push(self.index);
        }
    }
}

/// Indices of fibers whose handles were dropped.
type DroppedHandles = Arc<Mutex<Vec<usize>>>;

/// The fibers of a store.
#[derive(Default)]
pub(crate) struct Fibers {
    /// The fibers, which [`remove`] and [`cancel`] free.
    fibers: Vec<Option<Address<Fiber>>>,
    /// Indices of the list's free entries.
    vacant: Vec<usize>,
    dropped: DroppedHandles,
    /// The innermost running fiber.
    current: Option<Address<Fiber>>,
    /// The number of nested running fibers.
    depth: usize,
    /// The stack of a fiber that has ended, for the next one.
    spare: Option<FiberStack>,
}

impl Fibers {
    fn add(&mut self, fiber: NonNull<Fiber>) -> FiberHandle {
        let index = self.vacant.pop().unwrap_or_else(|| {
            self.fibers.push(None);
            self.fibers.len() - 1
        });
        self.fibers[index] = Some(Address(fiber));
        // SAFETY: the fiber was just created and does not run.
        unsafe { (*fiber.as_ptr()).index = index };
        FiberHandle { index, dropped: Some(self.dropped.clone()) }
    }

    fn get(&self, index: usize) -> Option<NonNull<Fiber>> {
        self.fibers.get(index).copied().flatten().map(|fiber| fiber.0)
    }
}

struct Fiber {
    coroutine: Coroutine<Input, HostFailure, Status, FiberStack>,
    /// Set by the fiber when it starts.
    yielder: *const Yielder<Input, HostFailure>,
    /// The call's arguments, and its results after it has ended.
    slots: Box<[u64]>,
    saved: SavedStackState,
    /// The area of the coroutine's stack.
    area: StackArea,
    /// Its index in the store's list.
    index: usize,
}

/// The value that resumes a fiber.
enum Input {
    Start(NonNull<Fiber>),
    /// The results to return from the host function that failed.
    Results(Box<[u64]>),
    Cancel,
}

/// The value that suspends a fiber: a host function's error.
struct HostFailure {
    error: Error,
    func: FuncPointer,
}

/// The fields of a store's record that describe the stack its guest code runs on.
#[derive(Clone, Copy)]
pub(super) struct SavedStackState {
    record: *mut std::ffi::c_void,
    stack_top: *mut u64,
    stack_limit: usize,
    activation: *mut Activation,
    host_activation: *mut Activation,
}

impl SavedStackState {
    /// Exchanges this state with the record's.
    unsafe fn swap(&mut self, vm: *mut VmStore) {
        // SAFETY: the store is live, and its guest code is suspended or has not started.
        unsafe {
            std::mem::swap(&mut self.record, &mut (*vm).record);
            std::mem::swap(&mut self.stack_top, &mut (*vm).stack_top);
            std::mem::swap(&mut self.stack_limit, &mut (*vm).stack_limit);
            std::mem::swap(&mut self.activation, &mut (*vm).activation);
            std::mem::swap(&mut self.host_activation, &mut (*vm).host_activation);
        }
    }
}

/// Calls a function on a new fiber, so a host function's error suspends the call. The array has as many slots as the
/// function's cell states.
pub(crate) fn start(core: &mut StoreCore, func: FuncPointer, slots: Box<[u64]>) -> Result<CallProgress> {
    cancel_dropped(core);
    // SAFETY: the caller checked that the function belongs to the store; its reference and cell live as long.
    let (cell, vmctx, is_host) = unsafe {
        let FuncRef { cell, vmctx, .. } = func.0.as_ref();
        (*cell, *vmctx, (**cell).body().is_null())
    };
    if is_host {
        // A host function has no guest frames to suspend.
        let mut slots = slots;
        call::call_cell(core, cell, vmctx, &mut slots)?;
        return Ok(CallProgress::Finished(slots));
    }
    if core.fibers.depth >= MAX_DEPTH {
        return Err(Error::new(Trap::StackOverflow));
    }
    let stack = match core.fibers.spare.take() {
        Some(stack) => stack,
        None => {
            let host = core.engine.host_stack() + HOST_FUNCTION_STACK;
            core.engine.fiber_stacks().allocate(host, core.engine.config().max_wasm_stack)?
        }
    };
    let mut area = stack.area;
    if !area.protect_guard() {
        return Err(guard_error());
    }
    let saved = SavedStackState {
        record: area.interpreter_end(),
        stack_top: area.interpreter_start(),
        stack_limit: core.engine.stack_limit(area.host_end()),
        activation: null_mut(),
        host_activation: null_mut(),
    };
    // Both are addresses; their targets live as long as the store.
    let coroutine = Coroutine::with_stack(stack, move |yielder, input| match input {
        // SAFETY: the fiber is alive until its coroutine has ended. `switch` has installed its stack state, and the
        // store's record points to the store.
        Input::Start(fiber) => unsafe {
            let fiber = fiber.as_ptr();
            (*fiber).yielder = yielder;
            let slots = (*fiber).slots.as_mut_ptr();
            call::run((*(*vmctx).store).owner.cast(), cell, vmctx, slots)
        },
        Input::Results(_) | Input::Cancel => Status::Ok,
    });
    let fiber = Fiber { coroutine, yielder: null(), slots, saved, area, index: 0 };
    let fiber = NonNull::from(Box::leak(Box::new(fiber)));
    let handle = core.fibers.add(fiber);
    continue_fiber(core, fiber, Input::Start(fiber), handle)
}

fn guard_error() -> Error {
    Error::msg("cannot protect the stack of a resumable call: the system allows no more mappings")
}

/// Resumes a suspended call with the results of the host function that failed.
pub(crate) fn resume(core: &mut StoreCore, handle: FiberHandle, results: Box<[u64]>) -> Result<CallProgress> {
    let belongs_to_store = handle.dropped.as_ref().is_some_and(|dropped| Arc::ptr_eq(dropped, &core.fibers.dropped));
    match core.fibers.get(handle.index).filter(|_| belongs_to_store) {
        // SAFETY: the store's fibers are alive; this one is suspended.
        Some(fiber) if !unsafe { (*fiber.as_ptr()).area.protect_guard() } => Err(guard_error()),
        Some(fiber) => continue_fiber(core, fiber, Input::Results(results), handle),
        None => Err(Error::msg("internal inconsistency: a suspended call belongs to another store")),
    }
}

/// Suspends the innermost fiber with a host function's error. Does not suspend it if no fiber runs, if the guest that
/// called the host function does not run on the fiber, or if the error is a trap. Returns the results with which the
/// guest continues, or the error that ends the call.
///
/// # Safety
/// `vm` belongs to a live store whose guest code has called the host function. The store is not borrowed.
pub(super) unsafe fn pause(vm: *mut VmStore, error: Error, func: FuncPointer) -> Result<Box<[u64]>> {
    // SAFETY: the caller promises that the store is live and not borrowed (see `# Safety`). When the host started the
    // fiber's guest code, no activation was on the fiber's stack.
    let fiber = unsafe {
        let current = with_core(vm, |core| core.fibers.current);
        current.filter(|_| (*vm).host_activation.is_null() && !error.is::<Trap>())
    };
    let Some(fiber) = fiber else { return Err(error) };
    // SAFETY: the fiber runs, so its yielder is set.
    match unsafe { (*(*fiber.0.as_ptr()).yielder).suspend(HostFailure { error, func }) } {
        Input::Results(results) => Ok(results),
        Input::Cancel | Input::Start(_) => Err(WasmBacktrace::omit(Error::msg("a suspended call was cancelled"))),
    }
}

/// Returns the guest's frames on all stacks but the current one.
pub(super) fn other_stacks(core: &StoreCore) -> impl Iterator<Item = StackSegment> {
    core.fibers.fibers.iter().flatten().flat_map(|fiber| {
        // SAFETY: the store's fibers are alive, and guest code on every other stack is suspended.
        unsafe {
            let SavedStackState { record, activation, .. } = (*fiber.0.as_ptr()).saved;
            walk_from(record, activation)
        }
    })
}

/// Ends all fibers of a store that is being dropped.
pub(crate) fn cancel_all(core: &mut StoreCore) {
    for index in 0..core.fibers.fibers.len() {
        if let Some(fiber) = core.fibers.get(index) {
            cancel(core, fiber);
        }
    }
}

/// Ends the fibers whose handles were dropped.
fn cancel_dropped(core: &mut StoreCore) {
    loop {
        let dropped = core.fibers.dropped.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let Some(index) = dropped else { return };
        if let Some(fiber) = core.fibers.get(index) {
            cancel(core, fiber);
        }
    }
}

/// Ends a suspended fiber. Its functions only return, which needs no guard.
fn cancel(core: &mut StoreCore, fiber: NonNull<Fiber>) {
    match switch(core, fiber, Input::Cancel) {
        CoroutineResult::Return(_) => drop(remove(core, fiber)),
        // Unreachable: no frame that returns an error calls the host.
        CoroutineResult::Yield(_) => std::process::abort(),
    }
    // The cancellation must not affect later calls.
    core.error = None;
}

fn continue_fiber(
    core: &mut StoreCore,
    fiber: NonNull<Fiber>,
    input: Input,
    handle: FiberHandle,
) -> Result<CallProgress> {
    match switch(core, fiber, input) {
        CoroutineResult::Yield(HostFailure { error, func }) => {
            // SAFETY: the fiber is alive and does not run.
            unsafe { (*fiber.as_ptr()).area.unprotect_guard() };
            Ok(CallProgress::Paused(PausedCall { error, func, handle }))
        }
        CoroutineResult::Return(status) => {
            handle.disarm();
            let slots = remove(core, fiber);
            call::into_result(core, status)?;
            Ok(CallProgress::Finished(slots))
        }
    }
}

/// Removes a fiber that has ended, keeps its stack for the next one, and returns its array.
fn remove(core: &mut StoreCore, fiber: NonNull<Fiber>) -> Box<[u64]> {
    // SAFETY: allocated by `Box::leak`, and removed from the list below.
    let fiber = unsafe { *Box::from_raw(fiber.as_ptr()) };
    core.fibers.fibers[fiber.index] = None;
    core.fibers.vacant.push(fiber.index);
    let mut stack = fiber.coroutine.into_stack();
    stack.area = fiber.area;
    core.fibers.spare.get_or_insert(stack);
    fiber.slots
}

/// Runs a fiber until it is suspended or ends.
fn switch(core: &mut StoreCore, fiber: NonNull<Fiber>, input: Input) -> CoroutineResult<HostFailure, Status> {
    let vm = core.vm.pointer().as_ptr();
    let fiber_pointer = fiber.as_ptr();
    // As in every call, the store is accessed only through `vm` meanwhile.
    let core: *mut StoreCore = core;
    // SAFETY: the fiber is alive and does not run. The fields that it accesses while it runs are borrowed one by one.
    unsafe {
        let owner = std::mem::replace(&mut (*vm).owner, core.cast());
        #[cfg(feature = "jit")]
        let _running = super::native::running(vm);
        let outer = (*core).fibers.current.replace(Address(fiber));
        (*core).fibers.depth += 1;
        (*fiber_pointer).saved.swap(vm);
        let result = (*fiber_pointer).coroutine.resume(input);
        (*fiber_pointer).saved.swap(vm);
        (*core).fibers.depth -= 1;
        (*core).fibers.current = outer;
        (*vm).owner = owner;
        result
    }
}
