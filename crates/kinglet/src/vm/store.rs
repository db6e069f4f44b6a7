//! What a store is made of below the API: the record that code sees, the interpreter's stack, and the way back from
//! either to the embedder's store.

use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use kinglet_abi::{INTERRUPT_STOP, ResumePoint, TailCallTarget, VmStore};

use super::address::{Address, Owned};
use super::libcalls;
use super::region::Region;
use super::room;
use crate::store::{Embedder, StoreCore, StoreInner};
use crate::{Engine, Error, Result};

/// The record that code sees, with what it points to.
#[derive(Debug)]
pub(crate) struct VmState {
    vm: Owned<VmStore>,
    /// None until the interpreter is first entered.
    stack: Option<GuestStack>,
}

/// A stack of the interpreter: slots from its start on, records from its end down.
#[derive(Debug)]
pub(super) struct GuestStack(Region);

impl GuestStack {
    /// One of the size that the engine's stores have.
    pub(super) fn new(engine: &Engine) -> Result<GuestStack> {
        let stack = GuestStack(Region::new(engine.config().max_wasm_stack)?);
        if room::is_left(0) { Ok(stack) } else { Err(Error::msg("no memory would be left for the host")) }
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
        self.0.start().wrapping_add(self.0.len()).cast()
    }
}

impl VmState {
    pub(crate) fn new(engine: &Engine) -> VmState {
        use std::ptr::{null, null_mut};
        let vm = VmStore {
            interrupt: AtomicU32::new(0),
            is_sampled: AtomicBool::new(false),
            trap: 0,
            gas: 0,
            stack_limit: 0,
            record: null_mut(),
            stack_top: null_mut(),
            activation: null_mut(),
            host_activation: null_mut(),
            callee: null(),
            lazy_callee: null_mut(),
            tail_call: TailCallTarget { cell: null(), vmctx: null_mut(), args: null_mut() },
            resume_point: ResumePoint { pc: 0, sp: 0, fp: 0, payload: [0; 2] },
            exception_tag: null(),
            exception_args: null_mut(),
            heap_base: null_mut(),
            heap_top: 0,
            heap_limit: 0,
            libcalls: libcalls::table(),
            #[cfg(feature = "jit")]
            builtins: engine.tier().natives(),
            #[cfg(not(feature = "jit"))]
            builtins: null(),
            owner: null_mut(),
            stack_reserve: engine.spare_stack(),
            force_interpreted: null(),
        };
        VmState { vm: Owned::new(Box::new(vm)), stack: None }
    }

    /// Makes the interpreter's stack, or takes one that another store has left.
    pub(super) fn make_stack(&mut self, engine: &Engine) -> Result<()> {
        let stack = match engine.pool().take_stack() {
            Some(stack) => stack,
            None => super::pool::make(engine, engine.config().max_wasm_stack, || GuestStack::new(engine))?,
        };
        // SAFETY: the interpreter has not been entered: nothing points to a stack.
        unsafe {
            (*self.vm.pointer().as_ptr()).record = stack.end();
            (*self.vm.pointer().as_ptr()).stack_top = stack.start();
        }
        self.stack = Some(stack);
        Ok(())
    }

    /// The stack, of a store that goes.
    pub(super) fn take_stack(&mut self) -> Option<GuestStack> {
        self.stack.take()
    }

    pub(super) fn pointer(&self) -> NonNull<VmStore> {
        self.vm.pointer()
    }

    pub(crate) fn interrupt_word(&self) -> InterruptWord {
        InterruptWord(self.vm.address())
    }

    /// Has the interpreter ask for native loops at back-edges, or not.
    #[cfg(feature = "jit")]
    pub(crate) fn ask_for_loops(&self, on: bool) {
        // SAFETY: the store is live, and the field is atomic; no reference to the whole is made.
        let word = unsafe { &*std::ptr::addr_of!((*self.vm.pointer().as_ptr()).interrupt) };
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
        if unsafe { &*std::ptr::addr_of!((*self.vm.pointer().as_ptr()).is_sampled) }.load(Ordering::Acquire) {
            engine.tier().unwatch(self.vm.pointer());
        }
    }

    pub(crate) fn gas(&self) -> i64 {
        // SAFETY: no guest code runs while the store is borrowed.
        unsafe { (*self.vm.pointer().as_ptr()).gas }
    }

    pub(crate) fn set_gas(&mut self, gas: i64) {
        // SAFETY: no guest code runs while the store is borrowed.
        unsafe { (*self.vm.pointer().as_ptr()).gas = gas };
    }
}

/// The word by which another thread stops guest code. Its holder drops it before the store goes.
#[derive(Debug)]
pub(crate) struct InterruptWord(Address<VmStore>);

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

/// Where a store's [`Embedder`] is, without its type. It has an allocation of its own, so that borrowing it and borrowing
/// the core are two things. It is reached only through a store of its type, which is `Send` and `Sync` only if that is.
pub(crate) struct EmbedderPointer(Address<c_void>);

impl EmbedderPointer {
    /// What it points to.
    ///
    /// # Safety
    /// It is that of a store of `T`.
    pub(super) unsafe fn get_mut<T: 'static>(&mut self) -> &mut Embedder<T> {
        // SAFETY: the caller promises that it is that of a store of `T` (see `# Safety`); `StoreOwner` frees it after the core
        // that this is part of.
        unsafe { self.0.0.cast().as_mut() }
    }
}

impl<T> StoreInner<T> {
    pub(crate) fn embedder(&self) -> &Embedder<T> {
        // SAFETY: `StoreOwner::new` makes stores of `T` with an embedder of `T`, which lives longer than the core.
        unsafe { self.core.embedder.0.0.cast().as_ref() }
    }

    pub(crate) fn embedder_mut(&mut self) -> &mut Embedder<T> {
        self.parts_mut().1
    }

    /// Both parts at once.
    pub(crate) fn parts_mut(&mut self) -> (&mut StoreCore, &mut Embedder<T>) {
        // SAFETY: `StoreOwner::new` makes stores of `T` with an embedder of `T`, which lives longer than the core, in an
        // allocation of its own; both are borrowed as long as the store is.
        let embedder = unsafe { self.core.embedder.0.0.cast().as_mut() };
        (&mut self.core, embedder)
    }
}

/// The box of a store that guest code reaches back to: never moved, and borrowed again from its address each time.
pub(crate) struct StoreOwner<T: 'static>(NonNull<StoreInner<T>>);

// SAFETY: it owns the store, as a box would.
unsafe impl<T> Send for StoreOwner<T> where StoreInner<T>: Send {}
// SAFETY: a shared borrow of it gives a shared borrow of the store.
unsafe impl<T> Sync for StoreOwner<T> where StoreInner<T>: Sync {}

impl<T> StoreOwner<T> {
    pub(crate) fn new(engine: &Engine, embedder: Embedder<T>) -> StoreOwner<T> {
        let embedder = NonNull::from(Box::leak(Box::new(embedder)));
        let core = StoreCore::new(engine, EmbedderPointer(Address(embedder.cast())));
        let owner = NonNull::from(Box::leak(Box::new(StoreInner::new(core))));
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

    /// Ends the store.
    pub(crate) fn into_embedder(self) -> Embedder<T> {
        let owner = std::mem::ManuallyDrop::new(self);
        // SAFETY: `owner` is not dropped, so that this is the only one to free it.
        *unsafe { owner.free() }
    }

    /// Frees the core, and then hands over what is the embedder's: values that the core holds may not outlive it.
    ///
    /// # Safety
    /// It is called once, and nothing is used after it.
    unsafe fn free(&self) -> Box<Embedder<T>> {
        // SAFETY: both were made by `Box::leak` in `new`; freed once, by contract.
        unsafe {
            let embedder = self.0.as_ref().core.embedder.0.0.cast();
            drop(Box::from_raw(self.0.as_ptr()));
            Box::from_raw(embedder.as_ptr())
        }
    }
}

impl<T> Drop for StoreOwner<T> {
    fn drop(&mut self) {
        // SAFETY: it is dropped once; `into_embedder` keeps it from being dropped.
        drop(unsafe { self.free() });
    }
}

/// Borrows the store that a record belongs to, while `f` runs.
///
/// # Safety
/// `vm` is that of a live store of `T` whose guest code has called out. Nothing borrows the store by `vm` until `f` returns:
/// if `f` calls the guest it does so by the borrow that it is given, as `call_cell` does, which has `vm` lead to that.
#[inline(always)]
pub(super) unsafe fn with_owner<T: 'static, R>(vm: *mut VmStore, f: impl FnOnce(&mut StoreInner<T>) -> R) -> R {
    // SAFETY: the caller promises that the store is live, of `T`, and not borrowed (see `# Safety`); `StoreInner` is the
    // core, whichever of the two the pointer was made from.
    unsafe {
        let borrow = Borrow::new(vm);
        f(&mut *borrow.owner.cast::<StoreInner<T>>())
    }
}

/// Borrows the part of a store that does not know the embedder's type, while `f` runs.
///
/// # Safety
/// `vm` is that of a live store whose guest code has called out. Nothing borrows the store by `vm` until `f` returns: `f`
/// calls neither the guest nor a host function.
#[inline(always)]
pub(super) unsafe fn with_core<R>(vm: *mut VmStore, f: impl FnOnce(&mut StoreCore) -> R) -> R {
    // SAFETY: the caller promises that the store is live and not borrowed (see `# Safety`).
    unsafe {
        let borrow = Borrow::new(vm);
        f(&mut *borrow.owner.cast::<StoreCore>())
    }
}

/// A borrow of the store by way of its record. With debug assertions the record leads nowhere as long as there is one, so
/// that a second one, which would alias it, panics.
struct Borrow {
    vm: *mut VmStore,
    owner: *mut c_void,
}

impl Borrow {
    /// # Safety
    /// `vm` is that of a live store.
    #[inline(always)]
    unsafe fn new(vm: *mut VmStore) -> Borrow {
        // SAFETY: the caller promises that the store is live, and with it its record.
        unsafe {
            let owner = (*vm).owner;
            if cfg!(debug_assertions) {
                assert!(!owner.is_null(), "a store is borrowed by way of its record while it is borrowed already");
                (*vm).owner = std::ptr::null_mut();
            }
            Borrow { vm, owner }
        }
    }
}

impl Drop for Borrow {
    #[inline(always)]
    fn drop(&mut self) {
        if cfg!(debug_assertions) {
            // SAFETY: the store outlives the borrow, by the contract of `new`'s callers.
            unsafe { (*self.vm).owner = self.owner };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;
    use crate::Store;

    fn record(store: &mut Store<u32>) -> *mut VmStore {
        crate::AsContextMut::as_context_mut(store).0.core.vm.pointer().as_ptr()
    }

    #[test]
    fn a_store_is_borrowed_by_its_record_again_and_again() {
        let mut store = Store::new(&Engine::default(), 7);
        let vm = record(&mut store);
        // SAFETY: the store is live, of this type, and no two borrows overlap.
        let (data, id) = unsafe { (with_owner::<u32, _>(vm, |inner| *inner.data()), with_core(vm, |core| core.id)) };
        assert_eq!((data, id), (7, crate::AsContext::as_context(&store).0.core.id));
    }

    #[test]
    #[cfg(debug_assertions)]
    fn borrowing_a_store_by_its_record_twice_at_once_is_noticed() {
        let mut store = Store::new(&Engine::default(), 7);
        let vm = record(&mut store);
        // SAFETY: the store is live; the inner borrow panics before there is a second reference.
        let twice = || unsafe { with_core(vm, |_| with_core(vm, |_| ())) };
        assert!(catch_unwind(AssertUnwindSafe(twice)).is_err());
        // SAFETY: the store is live, and the borrows above have ended.
        unsafe { with_owner::<u32, _>(vm, |inner| *inner.data_mut() = 8) };
        assert_eq!(*store.data(), 8);
    }
}
