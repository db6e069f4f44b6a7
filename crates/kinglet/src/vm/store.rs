//! The parts of a store below the API: the record that guest code sees, the interpreter's stack, and the pointer from
//! the record back to the embedder's store.

use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use kinglet_abi::{INTERRUPT_STOP, ResumePoint, TailCallTarget, VmStore};

use super::address::{Address, Owned};
use super::headroom;
use super::libcalls;
use super::region::Region;
use crate::store::{Embedder, StoreCore, StoreInner};
use crate::{Engine, Error, Result};

/// The record that guest code sees, and the memory that it points to.
#[derive(Debug)]
pub(crate) struct VmState {
    vm: Owned<VmStore>,
    /// `None` until the interpreter is first entered.
    stack: Option<GuestStack>,
}

/// An interpreter stack. Slots grow up from its start, and frame records grow down from its end.
#[derive(Debug)]
pub(super) struct GuestStack(Region);

impl GuestStack {
    /// Allocates a stack of the engine's configured size.
    pub(super) fn new(engine: &Engine) -> Result<GuestStack> {
        let stack = GuestStack(Region::new(engine.config().max_wasm_stack)?);
        if headroom::can_start(0) { Ok(stack) } else { Err(Error::msg("cannot allocate a guest stack: out of memory")) }
    }

    /// Returns the size of the mapping in bytes.
    pub(super) fn mapped(&self) -> usize {
        self.0.mapped()
    }

    /// Returns the memory between the two ends to the system. The next guest starts at the ends, and a guest never
    /// reads stack memory that it has not written.
    pub(super) fn trim(&mut self) -> bool {
        const KEPT_END_BYTES: usize = 8 << 10;
        let len = self.0.len();
        len <= 2 * KEPT_END_BYTES || self.0.discard(KEPT_END_BYTES..len - KEPT_END_BYTES)
    }

    /// Returns the address of the first slot.
    pub(super) fn start(&self) -> *mut u64 {
        self.0.start().cast()
    }

    /// Returns the address after the first record.
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
            stack_reserve: engine.stack_reserve(),
            force_interpreted: null(),
        };
        VmState { vm: Owned::new(Box::new(vm)), stack: None }
    }

    /// Allocates the interpreter's stack, or reuses one of a dropped store.
    pub(super) fn allocate_stack(&mut self, engine: &Engine) -> Result<()> {
        let stack = match engine.pool().take_stack() {
            Some(stack) => stack,
            None => super::pool::create_or_retry(engine, engine.config().max_wasm_stack, || GuestStack::new(engine))?,
        };
        // SAFETY: the interpreter has not been entered, so nothing points to a stack.
        unsafe {
            (*self.vm.pointer().as_ptr()).record = stack.end();
            (*self.vm.pointer().as_ptr()).stack_top = stack.start();
        }
        self.stack = Some(stack);
        Ok(())
    }

    /// Removes the stack from a store that is being dropped.
    pub(super) fn take_stack(&mut self) -> Option<GuestStack> {
        self.stack.take()
    }

    pub(super) fn pointer(&self) -> NonNull<VmStore> {
        self.vm.pointer()
    }

    pub(crate) fn interrupt_word(&self) -> InterruptWord {
        InterruptWord(self.vm.address())
    }

    /// Starts or stops sampling. While it is on, the interpreter looks for OSR code at every function entry and
    /// back-edge.
    #[cfg(feature = "jit")]
    pub(crate) fn set_sampling(&self, on: bool) {
        // SAFETY: the store is live, and the field is atomic. No reference to the whole record is created.
        let word = unsafe { &*std::ptr::addr_of!((*self.vm.pointer().as_ptr()).interrupt) };
        if on {
            word.fetch_or(kinglet_abi::INTERRUPT_SAMPLE, Ordering::Relaxed);
        } else {
            word.fetch_and(!kinglet_abi::INTERRUPT_SAMPLE, Ordering::Relaxed);
        }
    }

    /// Stops the sampler's access to a store that is being dropped.
    #[cfg(feature = "jit")]
    pub(crate) fn unwatch(&self, engine: &Engine) {
        // SAFETY: the store is live, and the field is atomic. No reference to the whole record is created.
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

/// The word through which another thread interrupts guest code. A store removes the word from its shared state before
/// its record is freed.
#[derive(Debug)]
pub(crate) struct InterruptWord(Address<VmStore>);

impl InterruptWord {
    pub(crate) fn set(&self, on: bool) {
        // SAFETY: the store is live (see the type), and the field is atomic. No reference to the whole record is
        // created.
        let word = unsafe { &*std::ptr::addr_of!((*self.0.as_ptr()).interrupt) };
        if on {
            word.fetch_or(INTERRUPT_STOP, Ordering::SeqCst);
        } else {
            word.fetch_and(!INTERRUPT_STOP, Ordering::SeqCst);
        }
    }
}

/// The untyped address of a store's [`Embedder`]. The embedder has its own allocation, so it can be borrowed apart from
/// the core. It is accessed only through a store of its type, which is `Send` and `Sync` only if the embedder is.
pub(crate) struct EmbedderPointer(Address<c_void>);

impl EmbedderPointer {
    /// Borrows the embedder.
    ///
    /// # Safety
    /// The pointer belongs to a store of `T`.
    pub(super) unsafe fn get_mut<T: 'static>(&mut self) -> &mut Embedder<T> {
        // SAFETY: the caller promises that the pointer belongs to a store of `T` (see `# Safety`). `StoreOwner` frees
        // the embedder after the core, which contains this pointer.
        unsafe { self.0.0.cast().as_mut() }
    }
}

impl<T> StoreInner<T> {
    pub(crate) fn embedder(&self) -> &Embedder<T> {
        // SAFETY: `StoreOwner::new` creates a store of `T` with an embedder of `T`, which outlives the core.
        unsafe { self.core.embedder.0.0.cast().as_ref() }
    }

    pub(crate) fn embedder_mut(&mut self) -> &mut Embedder<T> {
        self.parts_mut().1
    }

    /// Borrows the core and the embedder at once.
    pub(crate) fn parts_mut(&mut self) -> (&mut StoreCore, &mut Embedder<T>) {
        // SAFETY: `StoreOwner::new` creates a store of `T` with an embedder of `T`. The embedder outlives the core and
        // has its own allocation. Both are borrowed as long as the store is.
        let embedder = unsafe { self.core.embedder.0.0.cast().as_mut() };
        (&mut self.core, embedder)
    }
}

/// Owns a store that guest code points back to. The store never moves, and it is borrowed from its address each time.
pub(crate) struct StoreOwner<T: 'static>(NonNull<StoreInner<T>>);

// SAFETY: this owns the store, as a box would.
unsafe impl<T> Send for StoreOwner<T> where StoreInner<T>: Send {}
// SAFETY: a shared borrow of this gives a shared borrow of the store.
unsafe impl<T> Sync for StoreOwner<T> where StoreInner<T>: Sync {}

impl<T> StoreOwner<T> {
    pub(crate) fn new(engine: &Engine, embedder: Embedder<T>) -> StoreOwner<T> {
        let embedder = NonNull::from(Box::leak(Box::new(embedder)));
        let core = StoreCore::new(engine, EmbedderPointer(Address(embedder.cast())));
        let owner = NonNull::from(Box::leak(Box::new(StoreInner::new(core))));
        // SAFETY: the store was just allocated, and its `VmStore` is live.
        unsafe { (*owner.as_ref().core.vm.pointer().as_ptr()).owner = owner.as_ptr().cast() };
        StoreOwner(owner)
    }

    pub(crate) fn get(&self) -> &StoreInner<T> {
        // SAFETY: this owns the store.
        unsafe { self.0.as_ref() }
    }

    pub(crate) fn get_mut(&mut self) -> &mut StoreInner<T> {
        // SAFETY: this owns the store and is borrowed mutably.
        unsafe { self.0.as_mut() }
    }

    /// Drops the store and returns the embedder.
    pub(crate) fn into_embedder(self) -> Embedder<T> {
        let owner = std::mem::ManuallyDrop::new(self);
        // SAFETY: `owner` is never dropped, so this is the only call of `free`.
        *unsafe { owner.free() }
    }

    /// Frees the core, then returns the embedder. Values in the core may refer to the embedder, so the core is freed
    /// first.
    ///
    /// # Safety
    /// This is called once, and the store is not used afterwards.
    unsafe fn free(&self) -> Box<Embedder<T>> {
        // SAFETY: `new` leaked both boxes, and the caller promises that they are freed once.
        unsafe {
            let embedder = self.0.as_ref().core.embedder.0.0.cast();
            drop(Box::from_raw(self.0.as_ptr()));
            Box::from_raw(embedder.as_ptr())
        }
    }
}

impl<T> Drop for StoreOwner<T> {
    fn drop(&mut self) {
        // SAFETY: `drop` runs once, and `into_embedder` suppresses it.
        drop(unsafe { self.free() });
    }
}

/// Borrows the store that a record belongs to while `f` runs.
///
/// # Safety
/// `vm` belongs to a live store of `T` whose guest code is suspended in this call. Nothing borrows the store through
/// `vm` until `f` returns. If `f` calls the guest, it does so through its own borrow; `call_cell` then makes `vm` point
/// to that borrow.
#[inline(always)]
pub(super) unsafe fn with_owner<T: 'static, R>(vm: *mut VmStore, f: impl FnOnce(&mut StoreInner<T>) -> R) -> R {
    // SAFETY: the caller promises that the store is live, of `T`, and not borrowed (see `# Safety`). `StoreInner` has
    // the layout of the core, so the pointer is valid regardless of the type from which it was made.
    unsafe {
        let borrow = Borrow::new(vm);
        f(&mut *borrow.owner.cast::<StoreInner<T>>())
    }
}

/// Borrows the untyped part of a store while `f` runs.
///
/// # Safety
/// `vm` belongs to a live store whose guest code is suspended in this call. Nothing borrows the store through `vm`
/// until `f` returns; `f` calls neither the guest nor a host function.
#[inline(always)]
pub(super) unsafe fn with_core<R>(vm: *mut VmStore, f: impl FnOnce(&mut StoreCore) -> R) -> R {
    // SAFETY: the caller promises that the store is live and not borrowed (see `# Safety`).
    unsafe {
        let borrow = Borrow::new(vm);
        f(&mut *borrow.owner.cast::<StoreCore>())
    }
}

/// A borrow of the store through its record. With debug assertions the record's pointer is null meanwhile, so a second
/// borrow, which would alias this one, panics.
struct Borrow {
    vm: *mut VmStore,
    owner: *mut c_void,
}

impl Borrow {
    /// # Safety
    /// `vm` belongs to a live store.
    #[inline(always)]
    unsafe fn new(vm: *mut VmStore) -> Borrow {
        // SAFETY: the caller promises that the store is live, and its record with it.
        unsafe {
            let owner = (*vm).owner;
            if cfg!(debug_assertions) {
                assert!(!owner.is_null(), "a store is borrowed through its record twice at once");
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
            // SAFETY: the store outlives the borrow by the contract of `new`.
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
    fn a_store_can_be_borrowed_through_its_record_repeatedly() {
        let mut store = Store::new(&Engine::default(), 7);
        let vm = record(&mut store);
        // SAFETY: the store is live and of this type, and the borrows do not overlap.
        let (data, id) = unsafe { (with_owner::<u32, _>(vm, |inner| *inner.data()), with_core(vm, |core| core.id)) };
        assert_eq!((data, id), (7, crate::AsContext::as_context(&store).0.core.id));
    }

    #[test]
    #[cfg(debug_assertions)]
    fn two_overlapping_borrows_through_the_record_panic() {
        let mut store = Store::new(&Engine::default(), 7);
        let vm = record(&mut store);
        // SAFETY: the store is live; the inner borrow panics before a second reference exists.
        let twice = || unsafe { with_core(vm, |_| with_core(vm, |_| ())) };
        assert!(catch_unwind(AssertUnwindSafe(twice)).is_err());
        // SAFETY: the store is live, and the borrows above have ended.
        unsafe { with_owner::<u32, _>(vm, |inner| *inner.data_mut() = 8) };
        assert_eq!(*store.data(), 8);
    }
}
