//! Stores: everything a running guest owns, and the embedder's own data beside it. What is made in a store lives as long
//! as the store; handles to it are small and checked.

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
use crate::{Engine, Error};

/// Which store a handle belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct StoreId(u64);

impl StoreId {
    fn new() -> StoreId {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        StoreId(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// As events show it.
    pub(crate) fn number(self) -> u64 {
        self.0
    }
}

/// How a limiter is found in the embedder's data.
pub(crate) type Limiter<T> = Box<dyn (FnMut(&mut T) -> &mut dyn ResourceLimiter) + Send + Sync>;

/// A store whose embedder's type is known. It is the core and nothing else, so that a pointer to the core is one to all
/// of it: code that knows no type borrows the core, and a host function that it calls gets the whole.
#[repr(transparent)]
pub(crate) struct StoreInner<T: 'static> {
    pub(crate) core: StoreCore,
    // `core.embedder` points to it.
    data: PhantomData<Embedder<T>>,
}

/// What a store has of the embedder's.
pub(crate) struct Embedder<T: 'static> {
    pub(crate) data: T,
    pub(crate) limiter: Option<Limiter<T>>,
}

/// The part of a store that does not know the embedder's type.
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
    /// Functions of linkers that have a context in this store already, by the address of their definition.
    pub(crate) linked: HashMap<usize, (FuncPointer, Arc<dyn Any + Send + Sync>)>,
    pub(crate) externs: Externs,
    /// The bytes of memories, tables and heap.
    pub(crate) total: usize,
    /// What a host function ended the guest with.
    pub(crate) error: Option<Error>,
    /// What a host function panicked with.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    /// Where the trap under way happened.
    pub(crate) backtrace: Option<WasmBacktrace>,
    /// Whether it is known that the pending exception is caught, or it is noted as a trap.
    pub(crate) exception_settled: bool,
    /// The pending exception's arguments.
    pub(crate) exception: Vec<u64>,
    /// What bulk operations were charged for their sizes.
    pub(crate) bulk_gas: u64,
    /// How long host functions took, if that is measured; taken out while one runs, so that none counts twice.
    pub(crate) host_time: Option<Duration>,
    /// What is the embedder's, of the type that the store's handle knows.
    pub(crate) embedder: EmbedderPointer,
    pub(crate) call_limiter: fn(&mut StoreCore, LimiterRequest) -> crate::Result<bool>,
    /// Whether guest code has run.
    pub(crate) ran: bool,
    // Last: everything above may be pointed to from it.
    pub(crate) vm: VmState,
}

/// What a limiter is asked.
#[derive(Debug)]
pub(crate) enum LimiterRequest {
    Memory(crate::vm::MemoryRequest),
    Table {
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    },
    /// All memories and tables together, and the heap.
    Total {
        current: usize,
        desired: usize,
    },
    /// Not a request: growth that was allowed failed.
    Failed(ResourceKind, Error),
    /// Whether there may be one more than these.
    Count(ResourceKind, usize),
}

/// What a limiter counts.
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

/// The host's values that a guest can hold references to, by number. A number is never used again, so that a stale
/// reference finds nothing rather than something else. A tree, which takes room for those that have not been released
/// only, whichever those are.
#[derive(Default)]
pub(crate) struct Externs {
    pub(crate) values: BTreeMap<u32, Box<dyn Any + Send + Sync>>,
    /// How many there were, released ones included: the number of the next.
    pub(crate) made: u32,
}

impl<T> StoreInner<T> {
    /// A store of a core whose `embedder` is of this type.
    pub(crate) fn new(core: StoreCore) -> StoreInner<T> {
        StoreInner { core, data: PhantomData }
    }

    pub(crate) fn data(&self) -> &T {
        &self.embedder().data
    }

    pub(crate) fn data_mut(&mut self) -> &mut T {
        &mut self.embedder_mut().data
    }
}

impl StoreCore {
    pub(crate) fn new(engine: &Engine, embedder: EmbedderPointer) -> StoreCore {
        let vm = VmState::new(engine);
        let shared = Arc::new(Shared::default());
        shared.set_word(Some(vm.interrupt_word()));
        StoreCore {
            id: StoreId::new(),
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
            embedder,
            call_limiter: |_, request| Ok(!matches!(request, LimiterRequest::Failed(..))),
            ran: false,
            vm,
        }
    }

    /// A host function has panicked, which the outermost call resumes.
    pub(crate) fn note_panic(&mut self, panic: Box<dyn Any + Send>) {
        *self.panic.get_mut().unwrap_or_else(PoisonError::into_inner) = Some(panic);
    }

    /// What a host function panicked with.
    pub(crate) fn take_panic(&mut self) -> Option<Box<dyn Any + Send>> {
        self.panic.get_mut().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Panics if a handle is another store's: a bug of the embedder's, which no guest can cause.
    pub(crate) fn check(&self, id: StoreId) {
        assert!(id == self.id, "an object was used with a store that it does not belong to");
    }

    /// Fails if a limiter lets the store have no more than these.
    pub(crate) fn count(&mut self, what: ResourceKind, present: usize) -> crate::Result<()> {
        match (self.call_limiter)(self, LimiterRequest::Count(what, present))? {
            true => Ok(()),
            false => {
                debug!(store = self.id.number(), ?what, present, "the limiter allows no more");
                let message = format!("one more {} is over the store's limit of {present}", what.noun());
                Err(Error::new(LimitError::new(what.limit(), message)))
            }
        }
    }

    /// What a limiter is to be asked before memories, tables or the heap get so many bytes more.
    pub(crate) fn total_growth(&self, more: usize) -> LimiterRequest {
        LimiterRequest::Total { current: self.total, desired: self.total.saturating_add(more) }
    }

    /// Asks whether something of so many bytes may be made, by a request of its own kind too. If not, `what` it would
    /// have been is in the error.
    pub(crate) fn may_make(
        &mut self,
        bytes: usize,
        request: LimiterRequest,
        limit: StoreLimit,
        what: impl FnOnce() -> String,
    ) -> crate::Result<()> {
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

impl Drop for StoreCore {
    fn drop(&mut self) {
        crate::vm::cancel_all(self);
        #[cfg(feature = "jit")]
        self.vm.unwatch(&self.engine);
        self.shared.set_word(None);
        crate::vm::recycle(self);
    }
}

/// What a guest owns while it runs: instances and all they contain, plus the embedder's data of type `T`. A store is
/// used by one thread at a time and can move between threads.
///
/// Dropping the store frees everything made in it; nothing is freed before.
///
/// ```
/// use kinglet::{Caller, Engine, Linker, Module, Store};
///
/// /// What the host knows of one guest.
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
    /// Makes a store.
    pub fn new(engine: &Engine, data: T) -> Store<T> {
        Store { owner: StoreOwner::new(engine, Embedder { data, limiter: None }) }
    }

    /// Makes a store.
    ///
    /// # Errors
    /// None since a store's stack is only made when the interpreter is first entered: a guest that then finds no room for
    /// it ends with [`Trap::OutOfMemory`](crate::Trap::OutOfMemory).
    pub fn try_new(engine: &Engine, data: T) -> crate::Result<Store<T>> {
        Ok(Store::new(engine, data))
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.owner.get().core.engine
    }

    /// The embedder's data.
    pub fn data(&self) -> &T {
        self.owner.get().data()
    }

    /// The embedder's data.
    pub fn data_mut(&mut self) -> &mut T {
        self.owner.get_mut().data_mut()
    }

    /// Ends the store and gives the data back.
    pub fn into_data(self) -> T {
        self.owner.into_embedder().data
    }

    /// A handle by which any thread ends what runs in this store.
    pub fn interrupt_handle(&self) -> InterruptHandle {
        InterruptHandle { shared: self.owner.get().core.shared.clone() }
    }

    /// Sets who decides how much guests in this store may take: see [`ResourceLimiter`] and
    /// [`StoreLimits`](crate::StoreLimits).
    pub fn limiter(&mut self, limiter: impl (FnMut(&mut T) -> &mut dyn ResourceLimiter) + Send + Sync + 'static) {
        let inner = self.owner.get_mut();
        inner.embedder_mut().limiter = Some(Box::new(limiter));
        inner.core.call_limiter = crate::vm::call_limiter::<T>;
    }

    /// How much gas went to the sizes of bulk operations so far, beside what the operations themselves cost.
    pub fn bulk_gas(&self) -> u64 {
        self.owner.get().core.bulk_gas
    }

    /// Measures from now on how long host functions take, which costs two readings of the clock for each call.
    pub fn measure_host_time(&mut self) {
        self.owner.get_mut().core.host_time = Some(Duration::ZERO);
    }

    /// How long host functions took since [`Store::measure_host_time`], with all they called.
    pub fn host_time(&self) -> Duration {
        self.owner.get().core.host_time.unwrap_or_default()
    }

    /// Sets how much gas is left. More than [`i64::MAX`] is as much as that.
    ///
    /// # Errors
    /// If the engine does not meter: without [`Config::gas`](crate::Config::gas) nothing would use it up.
    pub fn set_gas(&mut self, gas: u64) -> crate::Result<()> {
        let core = &mut self.owner.get_mut().core;
        if core.engine.settings().metering.is_none() {
            return Err(Error::msg("the engine does not meter gas: make it with `Config::gas(true)`"));
        }
        core.vm.set_gas(i64::try_from(gas).unwrap_or(i64::MAX));
        Ok(())
    }

    /// How much gas is left: none in a new store, nor where the engine does not meter.
    pub fn gas(&self) -> u64 {
        self.owner.get().core.vm.gas().max(0) as u64
    }
}

impl<T: std::fmt::Debug> std::fmt::Debug for Store<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("data", self.data()).finish_non_exhaustive()
    }
}

/// A shared borrow of a store, from the store itself or from what a host function is given.
pub struct StoreContext<'a, T: 'static>(pub(crate) &'a StoreInner<T>);

/// A mutable borrow of a store, from the store itself or from what a host function is given.
pub struct StoreContextMut<'a, T: 'static>(pub(crate) &'a mut StoreInner<T>);

impl<'a, T> StoreContext<'a, T> {
    /// The embedder's data.
    pub fn data(&self) -> &'a T {
        self.0.data()
    }
}

impl<T> StoreContextMut<'_, T> {
    /// The embedder's data.
    pub fn data(&self) -> &T {
        self.0.data()
    }

    /// The embedder's data.
    pub fn data_mut(&mut self) -> &mut T {
        self.0.data_mut()
    }
}

/// What a store can be read through.
pub trait AsContext {
    /// The embedder's data.
    type Data: 'static;

    /// Borrows the store.
    fn as_context(&self) -> StoreContext<'_, Self::Data>;
}

/// What a store can be used through.
pub trait AsContextMut: AsContext {
    /// Borrows the store.
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
