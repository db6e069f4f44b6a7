//! Stores: the owner of a guest's objects and of the embedder's data. An object lives as long as its store. Handles to
//! objects are small, and every use checks that the handle belongs to the store.

use std::any::Any;
use std::collections::{BTreeMap, HashMap};
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tracing::debug;

use crate::limits::{LimitError, ResourceLimiter, StoreLimit};
use crate::trap::WasmBacktrace;
use crate::vm::{
    EmbedderPointer, Fibers, FuncPointer, GlobalInstance, Heap, HostContexts, InstanceData, MemoryInstance, StoreOwner,
    TableInstance, TagInstance, VmState,
};
use crate::wait::{InterruptHandle, Shared};
use crate::{Caller, Engine, Error, Result};

/// The identity of a store, which every handle carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct StoreId(u64);

impl StoreId {
    fn new() -> StoreId {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        StoreId(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// Returns the number that events show.
    pub(crate) fn number(self) -> u64 {
        self.0
    }
}

/// Finds a limiter in the embedder's data.
pub(crate) type Limiter<T> = Box<dyn (FnMut(&mut T) -> &mut dyn ResourceLimiter) + Send + Sync>;

/// The function that [`Store::call_hook`] registers.
pub(crate) type Hook<T> = Box<dyn FnMut(StoreContextMut<'_, T>, CallHook) -> Result<()> + Send + Sync>;

/// A store whose data has a known type. It has the layout of the core alone, so a pointer to the core is a pointer to
/// the store. Code without the type borrows the core; a host function called from there borrows the whole store.
#[repr(transparent)]
pub(crate) struct StoreInner<T: 'static> {
    pub(crate) core: StoreCore,
    // `core.embedder` points to it.
    data: PhantomData<Embedder<T>>,
}

/// The embedder's part of a store.
pub(crate) struct Embedder<T: 'static> {
    pub(crate) data: T,
    pub(crate) limiter: Option<Limiter<T>>,
    pub(crate) hook: Option<Hook<T>>,
}

/// The part of a store that is independent of the data's type.
pub(crate) struct StoreCore {
    pub(crate) id: StoreId,
    pub(crate) engine: Engine,
    pub(crate) shared: Arc<Shared>,
    pub(crate) instances: Vec<InstanceData>,
    pub(crate) memories: Vec<MemoryInstance>,
    pub(crate) tables: Vec<TableInstance>,
    pub(crate) globals: Vec<GlobalInstance>,
    pub(crate) tags: Vec<TagInstance>,
    pub(crate) hosts: HostContexts,
    pub(crate) heap: Heap,
    pub(crate) fibers: Fibers,
    /// Functions of linkers that already have a context in this store, by the address of their definition.
    pub(crate) linked: HashMap<usize, (FuncPointer, Arc<dyn Any + Send + Sync>)>,
    pub(crate) externs: Externs,
    /// The bytes of memories, tables and heap.
    pub(crate) total: usize,
    /// The host function's error that ends the guest.
    pub(crate) error: Option<Error>,
    /// The payload of a host function's panic.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    /// The guest's calls at the trap in progress.
    pub(crate) backtrace: Option<WasmBacktrace>,
    /// Whether the pending exception has a known handler or is recorded as a trap.
    pub(crate) exception_settled: bool,
    /// The pending exception's arguments.
    pub(crate) exception: Vec<u64>,
    /// Gas charged for the sizes of bulk operations.
    pub(crate) bulk_gas: u64,
    /// Time spent in host functions, if the store measures it. The field is empty during a measured call, so that nested
    /// calls do not count twice.
    pub(crate) host_time: Option<Duration>,
    /// Whether calls take the slow path, which measures time and calls the hook.
    pub(crate) observed: Observed,
    /// Calls the embedder's hook.
    pub(crate) call_hook: fn(&mut StoreCore, CallHook) -> Result<()>,
    /// The embedder's part, of the type that the store's handle has.
    pub(crate) embedder: EmbedderPointer,
    /// Passes a request to the embedder's limiter.
    pub(crate) call_limiter: fn(&mut StoreCore, LimiterRequest) -> Result<bool>,
    /// Whether guest code has run.
    pub(crate) ran: bool,
    // Last: every field above can have pointers from here.
    pub(crate) vm: VmState,
}

/// Whether a store observes its calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Observed {
    Off,
    On,
    /// On, but the next host function has been announced already.
    Announced,
}

/// A transition between the guest and the host: see [`Store::call_hook`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallHook {
    /// The host calls a guest's function.
    CallingWasm,
    /// A guest's function returns to the host.
    ReturningFromWasm,
    /// A guest calls a host function.
    CallingHost,
    /// A host function returns to the guest.
    ReturningFromHost,
}

impl CallHook {
    /// Returns whether control moves from the guest to the host.
    pub fn entering_host(&self) -> bool {
        matches!(self, CallHook::ReturningFromWasm | CallHook::CallingHost)
    }

    /// Returns whether control moves from the host to the guest.
    pub fn exiting_host(&self) -> bool {
        matches!(self, CallHook::ReturningFromHost | CallHook::CallingWasm)
    }
}

/// A request to a store's limiter.
#[derive(Debug)]
pub(crate) enum LimiterRequest {
    /// Permission to create or grow a memory.
    Memory(crate::vm::MemoryRequest),
    /// Permission to create or grow a table.
    Table { current: usize, desired: usize, maximum: Option<usize> },
    /// Permission to grow all memories, tables and the heap together.
    Total { current: usize, desired: usize },
    /// A notice: permitted growth failed.
    Failed(ResourceKind, Error),
    /// Permission for one more object than the store has.
    Count(ResourceKind, usize),
}

/// A kind of object that a limiter counts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ResourceKind {
    Instances,
    Memories,
    Tables,
    ExternRefs,
}

impl ResourceKind {
    fn noun(self) -> &'static str {
        match self {
            ResourceKind::Instances => "instance",
            ResourceKind::Memories => "memory",
            ResourceKind::Tables => "table",
            ResourceKind::ExternRefs => "host reference",
        }
    }

    fn limit(self) -> StoreLimit {
        match self {
            ResourceKind::Instances => StoreLimit::Instances,
            ResourceKind::Memories => StoreLimit::Memories,
            ResourceKind::Tables => StoreLimit::Tables,
            ResourceKind::ExternRefs => StoreLimit::ExternRefs,
        }
    }
}

/// The host values that guests can reference, by number. A number is never used twice, so a stale reference finds
/// nothing. The tree takes memory only for values that have not been released.
#[derive(Default)]
pub(crate) struct Externs {
    pub(crate) values: BTreeMap<u32, Box<dyn Any + Send + Sync>>,
    /// The number of the next value.
    pub(crate) next: u32,
}

impl<T> StoreInner<T> {
    /// Creates a store from a core whose `embedder` is of this type.
    pub(crate) fn new(core: StoreCore) -> StoreInner<T> {
        StoreInner { core, data: PhantomData }
    }

    pub(crate) fn data(&self) -> &T {
        &self.embedder().data
    }

    pub(crate) fn data_mut(&mut self) -> &mut T {
        &mut self.embedder_mut().data
    }

    /// Calls the embedder's hook, if there is one. A call inside the hook does not call it again.
    pub(crate) fn run_hook(&mut self, transition: CallHook) -> Result<()> {
        let Some(mut hook) = self.embedder_mut().hook.take() else { return Ok(()) };
        let result = hook(StoreContextMut(self), transition);
        self.embedder_mut().hook = Some(hook);
        result
    }
}

impl StoreCore {
    pub(crate) fn new(engine: &Engine, embedder: EmbedderPointer) -> StoreCore {
        let vm = VmState::new(engine);
        let shared = Arc::new(Shared::default());
        shared.set_word(Some(vm.interrupt_word()));
        let id = StoreId::new();
        engine.epochs().add_store(id, &shared);
        StoreCore {
            id,
            engine: engine.clone(),
            shared,
            instances: Vec::new(),
            memories: Vec::new(),
            tables: Vec::new(),
            globals: Vec::new(),
            tags: Vec::new(),
            hosts: HostContexts::default(),
            heap: Heap::default(),
            fibers: Fibers::default(),
            linked: HashMap::new(),
            externs: Externs::default(),
            total: 0,
            error: None,
            panic: Mutex::default(),
            backtrace: None,
            exception_settled: true,
            exception: Vec::new(),
            bulk_gas: 0,
            host_time: None,
            observed: Observed::Off,
            call_hook: |_, _| Ok(()),
            embedder,
            call_limiter: |_, request| Ok(!matches!(request, LimiterRequest::Failed(..))),
            ran: false,
            vm,
        }
    }

    /// Records a host function's panic, which the outermost call resumes.
    pub(crate) fn note_panic(&mut self, panic: Box<dyn Any + Send>) {
        *self.panic.get_mut().unwrap_or_else(PoisonError::into_inner) = Some(panic);
    }

    /// Takes the payload of a host function's panic.
    pub(crate) fn take_panic(&mut self) -> Option<Box<dyn Any + Send>> {
        self.panic.get_mut().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Panics if a handle belongs to another store, which is a bug of the embedder. No guest can cause it.
    pub(crate) fn check(&self, id: StoreId) {
        assert!(id == self.id, "{FOREIGN}");
    }

    /// Fails if a handle belongs to another store.
    pub(crate) fn try_check(&self, id: StoreId) -> Result<()> {
        if id == self.id { Ok(()) } else { Err(foreign()) }
    }

    /// Runs a call of the guest, with the embedder's hook before and after it if the store has one.
    #[inline(always)]
    pub(crate) fn hooked<R>(&mut self, call: impl FnOnce(&mut StoreCore) -> Result<R>) -> Result<R> {
        if self.observed == Observed::Off { call(self) } else { self.run_hooked(call) }
    }

    #[cold]
    fn run_hooked<R>(&mut self, call: impl FnOnce(&mut StoreCore) -> Result<R>) -> Result<R> {
        (self.call_hook)(self, CallHook::CallingWasm)?;
        let result = call(self);
        (self.call_hook)(self, CallHook::ReturningFromWasm)?;
        result
    }

    fn check_metering(&self) -> Result<()> {
        if self.engine.settings().metering.is_some() {
            return Ok(());
        }
        Err(Error::msg("the engine does not meter: create it with `Config::gas(true)` or `Config::consume_fuel(true)`"))
    }

    fn gas(&self) -> u64 {
        self.vm.gas().max(0) as u64
    }

    fn set_gas(&mut self, gas: u64) -> Result<()> {
        self.check_metering()?;
        self.vm.set_gas(i64::try_from(gas).unwrap_or(i64::MAX));
        Ok(())
    }

    fn get_fuel(&self) -> Result<u64> {
        self.check_metering().map(|()| self.gas())
    }

    fn set_epoch_deadline(&mut self, ticks_beyond_current: u64) {
        self.engine.epochs().set_deadline(&self.shared, ticks_beyond_current);
    }

    /// Fails if the limiter denies one more object of a kind.
    pub(crate) fn count(&mut self, kind: ResourceKind, present: usize) -> Result<()> {
        match (self.call_limiter)(self, LimiterRequest::Count(kind, present))? {
            true => Ok(()),
            false => {
                debug!(store = self.id.number(), ?kind, present, "the limiter allows no more");
                let message = format!("one more {} is over the store's limit of {present}", kind.noun());
                Err(Error::new(LimitError::new(kind.limit(), message)))
            }
        }
    }

    /// Returns the request to let memories, tables and the heap grow by some bytes.
    pub(crate) fn total_growth(&self, more: usize) -> LimiterRequest {
        LimiterRequest::Total { current: self.total, desired: self.total.saturating_add(more) }
    }

    /// Fails if the limiter denies an allocation: `bytes` more in total, or `request`. The error describes the object
    /// as `what` does.
    pub(crate) fn check_allocation(
        &mut self,
        bytes: usize,
        request: LimiterRequest,
        limit: StoreLimit,
        what: impl FnOnce() -> String,
    ) -> Result<()> {
        let refused = |limit, message| Err(Error::new(LimitError::new(limit, message)));
        let total = self.total_growth(bytes);
        if !(self.call_limiter)(self, total)? {
            let message = format!("{} is over the store's limit for all memories, tables and the heap", what());
            return refused(StoreLimit::TotalMemory, message);
        }
        if !(self.call_limiter)(self, request)? {
            return refused(limit, format!("{} is over the store's limit", what()));
        }
        Ok(())
    }

    pub(crate) fn func_type_id(&self, func: crate::Func) -> kinglet_wasm::types::TypeId {
        func.pointer(self).type_id()
    }
}

/// Unwraps the result of a `try_` method, for its form that panics.
pub(crate) fn or_panic<R>(result: Result<R>) -> R {
    result.unwrap_or_else(|error| panic!("{error}"))
}

#[cold]
fn foreign() -> Error {
    Error::msg(FOREIGN)
}

/// The message about a handle of another store.
const FOREIGN: &str = "an object was used with a store that it does not belong to";

impl Drop for StoreCore {
    fn drop(&mut self) {
        crate::vm::cancel_all(self);
        #[cfg(feature = "jit")]
        self.vm.unwatch(&self.engine);
        self.engine.epochs().remove_store(self.id);
        self.shared.set_word(None);
        crate::vm::recycle(self);
    }
}

/// The owner of a guest's instances with everything in them, and of the embedder's data of type `T`. One thread at a
/// time uses a store; a store can move between threads.
///
/// Dropping the store frees every object in it. No object is freed earlier.
///
/// ```
/// use kinglet::{Caller, Engine, Linker, Module, Store};
///
/// /// The host's data about one guest.
/// #[derive(Default)]
/// struct Guest {
///     messages: Vec<i32>,
/// }
///
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"(module
///     (import "host" "tell" (func $tell (param i32)))
///     (func (export "run") (call $tell (i32.const 1)) (call $tell (i32.const 2))))"#)?;
/// let mut linker = Linker::new(&engine);
/// linker.func_wrap("host", "tell", |mut caller: Caller<'_, Guest>, message: i32| {
///     caller.data_mut().messages.push(message);
/// })?;
/// let mut store = Store::new(&engine, Guest::default());
/// let instance = linker.instantiate(&mut store, &module)?;
/// instance.get_typed_func::<(), ()>(&mut store, "run")?.call(&mut store, ())?;
/// assert_eq!(store.into_data().messages, [1, 2]);
/// # Ok::<(), kinglet::Error>(())
/// ```
pub struct Store<T: 'static> {
    owner: StoreOwner<T>,
}

impl<T> Store<T> {
    /// Creates a store.
    pub fn new(engine: &Engine, data: T) -> Store<T> {
        Store { owner: StoreOwner::new(engine, Embedder { data, limiter: None, hook: None }) }
    }

    /// Creates a store.
    ///
    /// # Errors
    /// None today. The guest's stack is allocated when the interpreter is first entered; if that fails, the guest ends
    /// with [`Trap::OutOfMemory`](crate::Trap::OutOfMemory).
    pub fn try_new(engine: &Engine, data: T) -> Result<Store<T>> {
        Ok(Store::new(engine, data))
    }

    /// Returns the engine.
    pub fn engine(&self) -> &Engine {
        &self.owner.get().core.engine
    }

    /// Returns the embedder's data.
    pub fn data(&self) -> &T {
        self.owner.get().data()
    }

    /// Returns the embedder's data, mutably.
    pub fn data_mut(&mut self) -> &mut T {
        self.owner.get_mut().data_mut()
    }

    /// Drops the store and returns the embedder's data.
    pub fn into_data(self) -> T {
        self.owner.into_embedder().data
    }

    /// Returns a handle through which any thread can interrupt the guest.
    pub fn interrupt_handle(&self) -> InterruptHandle {
        InterruptHandle { shared: self.owner.get().core.shared.clone() }
    }

    /// Sets the limiter, which decides how much guests in this store can allocate: see [`ResourceLimiter`] and
    /// [`StoreLimits`](crate::StoreLimits). A store has no limiter by default.
    pub fn limiter(&mut self, limiter: impl (FnMut(&mut T) -> &mut dyn ResourceLimiter) + Send + Sync + 'static) {
        let inner = self.owner.get_mut();
        inner.embedder_mut().limiter = Some(Box::new(limiter));
        inner.core.call_limiter = crate::vm::call_limiter::<T>;
    }

    /// Sets a function that is called at every transition between the guest and the host. A store has none by default,
    /// and calls then cost nothing more.
    ///
    /// An error from the hook ends the guest. At [`CallHook::ReturningFromWasm`] it replaces the call's result. The hook
    /// can call guests; those calls do not reach the hook.
    ///
    /// ```
    /// use kinglet::{CallHook, Engine, Instance, Module, Store};
    ///
    /// let engine = Engine::default();
    /// let mut store = Store::new(&engine, 0);
    /// store.call_hook(|mut context, transition| {
    ///     *context.data_mut() += i32::from(transition == CallHook::CallingWasm);
    ///     Ok(())
    /// });
    /// let module = Module::new(&engine, r#"(module (func (export "nop")))"#)?;
    /// let nop = Instance::new(&mut store, &module, &[])?.get_typed_func::<(), ()>(&mut store, "nop")?;
    /// nop.call(&mut store, ())?;
    /// nop.call(&mut store, ())?;
    /// assert_eq!(*store.data(), 2);
    /// # Ok::<(), kinglet::Error>(())
    /// ```
    pub fn call_hook(
        &mut self,
        hook: impl FnMut(StoreContextMut<'_, T>, CallHook) -> Result<()> + Send + Sync + 'static,
    ) {
        let inner = self.owner.get_mut();
        inner.embedder_mut().hook = Some(Box::new(hook));
        inner.core.call_hook = crate::vm::call_hook::<T>;
        inner.core.observed = Observed::On;
    }

    /// Returns the gas charged so far for the sizes of bulk operations, in addition to the operations' own cost.
    pub fn bulk_gas(&self) -> u64 {
        self.owner.get().core.bulk_gas
    }

    /// Starts measuring the time that host functions take. Each call of one then reads the clock twice.
    pub fn measure_host_time(&mut self) {
        let core = &mut self.owner.get_mut().core;
        core.host_time = Some(Duration::ZERO);
        core.observed = Observed::On;
    }

    /// Returns the time spent in host functions since [`Store::measure_host_time`], including their calls of guests.
    pub fn host_time(&self) -> Duration {
        self.owner.get().core.host_time.unwrap_or_default()
    }

    /// Sets the remaining gas. Values above [`i64::MAX`] count as [`i64::MAX`]. A store starts with 0, so a guest of a
    /// metering engine traps until its store has gas.
    ///
    /// # Errors
    /// If the engine does not meter, because [`Config::gas`](crate::Config::gas) is off.
    pub fn set_gas(&mut self, gas: u64) -> Result<()> {
        self.owner.get_mut().core.set_gas(gas)
    }

    /// Returns the remaining gas: 0 in a new store, and if the engine does not meter.
    pub fn gas(&self) -> u64 {
        self.owner.get().core.gas()
    }

    /// Sets the remaining fuel, which is [gas](Store::set_gas) under Wasmtime's name.
    ///
    /// # Errors
    /// If the engine does not meter: see [`Config::consume_fuel`](crate::Config::consume_fuel).
    ///
    /// ```
    /// use kinglet::{Config, Engine, Instance, Module, Store, Trap};
    ///
    /// let engine = Engine::new(Config::new().consume_fuel(true))?;
    /// let mut store = Store::new(&engine, ());
    /// assert_eq!(store.get_fuel()?, 0);
    /// store.set_fuel(1000)?;
    /// let module = Module::new(&engine, r#"(module (func (export "spin") (loop (br 0))))"#)?;
    /// let spin = Instance::new(&mut store, &module, &[])?.get_typed_func::<(), ()>(&mut store, "spin")?;
    /// let error = spin.call(&mut store, ()).unwrap_err();
    /// assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::OutOfFuel));
    /// # Ok::<(), kinglet::Error>(())
    /// ```
    pub fn set_fuel(&mut self, fuel: u64) -> Result<()> {
        self.set_gas(fuel)
    }

    /// Returns the remaining fuel, which is [gas](Store::gas) under Wasmtime's name.
    ///
    /// # Errors
    /// If the engine does not meter: see [`Config::consume_fuel`](crate::Config::consume_fuel).
    pub fn get_fuel(&self) -> Result<u64> {
        self.owner.get().core.get_fuel()
    }

    /// Sets the epoch deadline, relative to the engine's current epoch. The guest traps with
    /// [`Trap::Interrupted`](crate::Trap::Interrupted) once [`Engine::increment_epoch`] has been called that many times,
    /// and at every call until the deadline is set again. With 0 it traps at once, as it does in a new store.
    ///
    /// Without [`Config::epoch_interruption`](crate::Config::epoch_interruption) this has no effect.
    pub fn set_epoch_deadline(&mut self, ticks_beyond_current: u64) {
        self.owner.get_mut().core.set_epoch_deadline(ticks_beyond_current);
    }

    /// Makes the guest trap at the epoch deadline. This is the default and the only behavior so far; the method exists
    /// for programs that choose it by name.
    pub fn epoch_deadline_trap(&mut self) {}

    /// Collects garbage in the store's GC heap. Every [`AnyRef`](crate::AnyRef) of the host
    /// becomes invalid.
    ///
    /// # Errors
    /// None today.
    pub fn gc(&mut self, why: Option<&GcHeapOutOfMemory<()>>) -> Result<()> {
        let _ = why;
        crate::vm::collect_now(&mut self.owner.get_mut().core);
        Ok(())
    }
}

/// The failed allocation that [`Store::gc`] accepts as its reason. Kinglet grows the heap by itself and never returns one.
#[derive(Clone, Copy, Debug)]
pub struct GcHeapOutOfMemory<T> {
    _value: PhantomData<T>,
}

impl<T: Default> Default for Store<T> {
    /// Creates a store with an engine of its own, which has the default configuration.
    fn default() -> Store<T> {
        Store::new(&Engine::default(), T::default())
    }
}

impl<T: std::fmt::Debug> std::fmt::Debug for Store<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("data", self.data()).finish_non_exhaustive()
    }
}

/// A shared borrow of a store, from a [`Store`] or a [`Caller`].
pub struct StoreContext<'a, T: 'static>(pub(crate) &'a StoreInner<T>);

/// A mutable borrow of a store, from a [`Store`] or a [`Caller`].
pub struct StoreContextMut<'a, T: 'static>(pub(crate) &'a mut StoreInner<T>);

impl<'a, T> StoreContext<'a, T> {
    /// Returns the engine.
    pub fn engine(&self) -> &Engine {
        &self.0.core.engine
    }

    /// Returns the embedder's data.
    pub fn data(&self) -> &'a T {
        self.0.data()
    }

    /// Returns the remaining gas: see [`Store::gas`].
    pub fn gas(&self) -> u64 {
        self.0.core.gas()
    }

    /// Returns the remaining fuel: see [`Store::get_fuel`].
    ///
    /// # Errors
    /// If the engine does not meter.
    pub fn get_fuel(&self) -> Result<u64> {
        self.0.core.get_fuel()
    }
}

macro_rules! mutable_contexts {
    ($($Context:ident)*) => {$(
        impl<T> $Context<'_, T> {
            /// Returns the engine.
            pub fn engine(&self) -> &Engine {
                &self.as_context().0.core.engine
            }

            /// Returns the embedder's data.
            pub fn data(&self) -> &T {
                self.as_context().0.data()
            }

            /// Returns the embedder's data, mutably.
            pub fn data_mut(&mut self) -> &mut T {
                self.inner_mut().data_mut()
            }

            /// Returns the remaining gas: see [`Store::gas`].
            pub fn gas(&self) -> u64 {
                self.as_context().0.core.gas()
            }

            /// Sets the remaining gas: see [`Store::set_gas`].
            ///
            /// # Errors
            /// If the engine does not meter.
            pub fn set_gas(&mut self, gas: u64) -> Result<()> {
                self.inner_mut().core.set_gas(gas)
            }

            /// Returns the remaining fuel: see [`Store::get_fuel`].
            ///
            /// # Errors
            /// If the engine does not meter.
            pub fn get_fuel(&self) -> Result<u64> {
                self.as_context().0.core.get_fuel()
            }

            /// Sets the remaining fuel: see [`Store::set_fuel`].
            ///
            /// # Errors
            /// If the engine does not meter.
            pub fn set_fuel(&mut self, fuel: u64) -> Result<()> {
                self.set_gas(fuel)
            }

            /// Sets the epoch deadline: see [`Store::set_epoch_deadline`].
            pub fn set_epoch_deadline(&mut self, ticks_beyond_current: u64) {
                self.inner_mut().core.set_epoch_deadline(ticks_beyond_current);
            }

            /// Makes the guest trap at the epoch deadline: see [`Store::epoch_deadline_trap`].
            pub fn epoch_deadline_trap(&mut self) {}
        }
    )*};
}

mutable_contexts! {
    StoreContextMut Caller
}

impl<T> StoreContextMut<'_, T> {
    fn inner_mut(&mut self) -> &mut StoreInner<T> {
        self.0
    }
}

/// A type through which a store can be read.
pub trait AsContext {
    /// The type of the embedder's data.
    type Data: 'static;

    /// Borrows the store.
    fn as_context(&self) -> StoreContext<'_, Self::Data>;
}

/// A type through which a store can be used mutably.
pub trait AsContextMut: AsContext {
    /// Borrows the store mutably.
    fn as_context_mut(&mut self) -> StoreContextMut<'_, Self::Data>;
}

impl<T> AsContext for Store<T> {
    type Data = T;

    fn as_context(&self) -> StoreContext<'_, T> {
        StoreContext(self.owner.get())
    }
}

impl<T> AsContextMut for Store<T> {
    fn as_context_mut(&mut self) -> StoreContextMut<'_, T> {
        StoreContextMut(self.owner.get_mut())
    }
}

impl<T> AsContext for StoreContext<'_, T> {
    type Data = T;

    fn as_context(&self) -> StoreContext<'_, T> {
        StoreContext(self.0)
    }
}

impl<T> AsContext for StoreContextMut<'_, T> {
    type Data = T;

    fn as_context(&self) -> StoreContext<'_, T> {
        StoreContext(self.0)
    }
}

impl<T> AsContextMut for StoreContextMut<'_, T> {
    fn as_context_mut(&mut self) -> StoreContextMut<'_, T> {
        StoreContextMut(self.0)
    }
}

impl<C: AsContext> AsContext for &C {
    type Data = C::Data;

    fn as_context(&self) -> StoreContext<'_, C::Data> {
        C::as_context(self)
    }
}

impl<C: AsContext> AsContext for &mut C {
    type Data = C::Data;

    fn as_context(&self) -> StoreContext<'_, C::Data> {
        C::as_context(self)
    }
}

impl<C: AsContextMut> AsContextMut for &mut C {
    fn as_context_mut(&mut self) -> StoreContextMut<'_, C::Data> {
        C::as_context_mut(self)
    }
}

impl<'a, C: AsContext> From<&'a C> for StoreContext<'a, C::Data> {
    fn from(context: &'a C) -> Self {
        context.as_context()
    }
}

impl<'a, C: AsContextMut> From<&'a mut C> for StoreContextMut<'a, C::Data> {
    fn from(context: &'a mut C) -> Self {
        context.as_context_mut()
    }
}
