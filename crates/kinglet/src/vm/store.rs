//! What a store is made of below the API: the record that code sees, the interpreter's stack, and the way back from
//! either to the embedder's store.

use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use kinglet_abi::{INTERRUPT_STOP, Resume, TailTarget, VmStore};

use super::libcalls;
use super::region::Region;
use crate::store::{StoreCore, StoreInner};
use crate::{Engine, Result};

/// The record that code sees, with what it points to.
#[derive(Debug)]
pub(crate) struct VmState {
    vm: NonNull<VmStore>,
    /// None until the interpreter is first entered.
    stack: Option<GuestStack>,
}

/// A stack of the interpreter: slots from its start on, records from its end down.
#[derive(Debug)]
pub(super) struct GuestStack(Region);

impl GuestStack {
    /// One of the size that the engine's stores have.
    pub(super) fn new(engine: &Engine) -> Result<GuestStack> {
        Ok(GuestStack(Region::new(engine.config().max_wasm_stack)?))
    }

    /// How many bytes of address space it takes.
    pub(super) fn mapped(&self) -> usize {
        self.0.mapped()
    }

    /// Gives back the memory of all but its ends, which is where the next guest begins. What is left there no guest
    /// reads before it has written it.
    pub(super) fn trim(&mut self) -> bool {
        const ENDS: usize = 8 << 10;
        let len = self.0.len();
        len <= 2 * ENDS || self.0.discard(ENDS..len - ENDS)
    }

    /// Where the first slot is.
    pub(super) fn start(&self) -> *mut u64 {
        self.0.start().cast()
    }

    /// Behind the first record.
    pub(super) fn end(&self) -> *mut c_void {
        (self.0.start() as usize + self.0.len()) as *mut c_void
    }
}

// SAFETY: owned memory; what it points to belongs to the same store.
unsafe impl Send for VmState {}
// SAFETY: `&VmState` gives only the address.
unsafe impl Sync for VmState {}

impl VmState {
    pub(crate) fn new(engine: &Engine) -> VmState {
        use std::ptr::{null, null_mut};
        let vm = VmStore {
            interrupt: AtomicU32::new(0),
            watched: AtomicBool::new(false),
            trap: 0,
            gas: i64::MAX,
            stack_limit: 0,
            record: null_mut(),
            stack_top: null_mut(),
            activation: null_mut(),
            host_activation: null_mut(),
            callee: null(),
            asked: null_mut(),
            tail: TailTarget { cell: null(), vmctx: null_mut(), args: null_mut() },
            resume: Resume { pc: 0, sp: 0, fp: 0, payload: [0; 2] },
            exception_tag: null(),
            exception_args: null_mut(),
            heap_base: null_mut(),
            heap_top: 0,
            heap_limit: 0,
            libcalls: libcalls::table(),
            #[cfg(feature = "jit")]
            natives: engine.tier().natives(),
            #[cfg(not(feature = "jit"))]
            natives: null(),
            owner: null_mut(),
            spare_stack: engine.spare_stack(),
            interpreted: null(),
        };
        VmState { vm: NonNull::from(Box::leak(Box::new(vm))), stack: None }
    }

    /// Makes the interpreter's stack, or takes one that another store has left.
    pub(super) fn make_stack(&mut self, engine: &Engine) -> Result<()> {
        let stack = match engine.pool().take_stack() {
            Some(stack) => stack,
            None => super::pool::make(engine, engine.config().max_wasm_stack, || GuestStack::new(engine))?,
        };
        // SAFETY: the interpreter has not been entered: nothing points to a stack.
        unsafe {
            (*self.vm.as_ptr()).record = stack.end();
            (*self.vm.as_ptr()).stack_top = stack.start();
        }
        self.stack = Some(stack);
        Ok(())
    }

    /// The stack, of a store that goes.
    pub(super) fn take_stack(&mut self) -> Option<GuestStack> {
        self.stack.take()
    }

    pub(super) fn pointer(&self) -> NonNull<VmStore> {
        self.vm
    }

    pub(crate) fn interrupt_word(&self) -> InterruptWord {
        InterruptWord(self.vm)
    }

    /// Has the interpreter ask for native loops at back-edges, or not.
    #[cfg(feature = "jit")]
    pub(crate) fn ask_for_loops(&self, on: bool) {
        // SAFETY: the store is live, and the field is atomic; no reference to the whole is made.
        let word = unsafe { &*std::ptr::addr_of!((*self.vm.as_ptr()).interrupt) };
        if on {
            word.fetch_or(kinglet_abi::INTERRUPT_SAMPLE, Ordering::Relaxed);
        } else {
            word.fetch_and(!kinglet_abi::INTERRUPT_SAMPLE, Ordering::Relaxed);
        }
    }

    /// The store goes: nobody is to ask it anything any more.
    #[cfg(feature = "jit")]
    pub(crate) fn unwatch(&self, engine: &Engine) {
        // SAFETY: the store is live, and the field is atomic; no reference to the whole is made.
        if unsafe { &*std::ptr::addr_of!((*self.vm.as_ptr()).watched) }.load(Ordering::Acquire) {
            engine.tier().unwatch(self.vm);
        }
    }

    pub(crate) fn gas(&self) -> i64 {
        // SAFETY: no guest code runs while the store is borrowed.
        unsafe { (*self.vm.as_ptr()).gas }
    }

    pub(crate) fn set_gas(&mut self, gas: i64) {
        // SAFETY: as for `gas`.
        unsafe { (*self.vm.as_ptr()).gas = gas };
    }
}

impl Drop for VmState {
    fn drop(&mut self) {
        // SAFETY: made by `Box::leak`, and nothing of the store is used any more.
        drop(unsafe { Box::from_raw(self.vm.as_ptr()) });
    }
}

/// The word by which another thread stops guest code. Its holder drops it before the store goes.
#[derive(Debug)]
pub(crate) struct InterruptWord(NonNull<VmStore>);

// SAFETY: only the atomic word is touched.
unsafe impl Send for InterruptWord {}

impl InterruptWord {
    pub(crate) fn set(&self, on: bool) {
        // SAFETY: the store is live (see the type), and the field is atomic; no reference to the whole is made.
        let word = unsafe { &*std::ptr::addr_of!((*self.0.as_ptr()).interrupt) };
        if on {
            word.fetch_or(INTERRUPT_STOP, Ordering::SeqCst);
        } else {
            word.fetch_and(!INTERRUPT_STOP, Ordering::SeqCst);
        }
    }
}

/// The box of a store that guest code reaches back to: never moved, and borrowed anew from its address each time.
pub(crate) struct StoreOwner<T: 'static>(NonNull<StoreInner<T>>);

// SAFETY: an owning pointer.
unsafe impl<T: Send> Send for StoreOwner<T> {}
// SAFETY: an owning pointer.
unsafe impl<T: Sync> Sync for StoreOwner<T> {}

impl<T> StoreOwner<T> {
    pub(crate) fn new(inner: StoreInner<T>) -> StoreOwner<T> {
        let owner = NonNull::from(Box::leak(Box::new(inner)));
        // SAFETY: just made; its `VmStore` is live.
        unsafe { (*owner.as_ref().core.vm.pointer().as_ptr()).owner = owner.as_ptr().cast() };
        StoreOwner(owner)
    }

    pub(crate) fn get(&self) -> &StoreInner<T> {
        // SAFETY: owned.
        unsafe { self.0.as_ref() }
    }

    pub(crate) fn get_mut(&mut self) -> &mut StoreInner<T> {
        // SAFETY: owned, and borrowed mutably.
        unsafe { self.0.as_mut() }
    }

    pub(crate) fn into_inner(self) -> StoreInner<T> {
        // SAFETY: made by `Box::leak`; `self` is forgotten.
        let inner = unsafe { *Box::from_raw(self.0.as_ptr()) };
        std::mem::forget(self);
        inner
    }
}

impl<T> Drop for StoreOwner<T> {
    fn drop(&mut self) {
        // SAFETY: made by `Box::leak`.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

/// The store that a record belongs to.
///
/// # Safety
/// `vm` is that of a live `StoreInner<T>` whose guest code has called out.
pub(super) unsafe fn owner<'a, T: 'static>(vm: *mut VmStore) -> &'a mut StoreInner<T> {
    // SAFETY: by contract.
    unsafe { &mut *(*vm).owner.cast::<StoreInner<T>>() }
}

/// The part of a store that does not know the embedder's type.
///
/// # Safety
/// As for [`owner`], for a store of any data: `StoreInner` is `repr(C)` with the core first.
pub(super) unsafe fn core_of<'a>(vm: *mut VmStore) -> &'a mut StoreCore {
    // SAFETY: by contract.
    unsafe { &mut *(*vm).owner.cast::<StoreCore>() }
}
