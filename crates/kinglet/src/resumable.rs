//! Resumable calls. A host function's error suspends the call, and the host can resume it with results.

use std::marker::PhantomData;

use crate::func::{self, Handle, WasmParams, WasmResults};
use crate::store::{StoreCore, StoreId};
use crate::vm::{self, CallProgress, FiberHandle, PausedCall};
use crate::{AsContextMut, Error, Func, Result, TypedFunc, Val};

/// The outcome of [`Func::call_resumable`].
///
/// ```
/// use kinglet::{Engine, Error, Linker, Module, ResumableCall, Result, Store, Val};
///
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"(module
///     (import "host" "ask" (func $ask (result i32)))
///     (func (export "run") (result i32) (i32.add (call $ask) (i32.const 1))))"#)?;
/// let mut linker = Linker::new(&engine);
/// linker.func_wrap("host", "ask", || -> Result<i32> { Err(Error::msg("the answer is not known yet")) })?;
/// let mut store = Store::new(&engine, ());
/// let run = linker.instantiate(&mut store, &module)?.get_func(&mut store, "run").unwrap();
/// let mut results = [Val::I32(0)];
/// let ResumableCall::HostTrap(waiting) = run.call_resumable(&mut store, &[], &mut results)? else { panic!("the host function fails") };
/// assert_eq!(waiting.host_error().to_string(), "the answer is not known yet");
/// let ended = waiting.resume(&mut store, &[Val::I32(41)], &mut results)?;
/// assert!(matches!(ended, ResumableCall::Finished));
/// assert_eq!(results[0].i32(), Some(42));
/// # Ok::<(), kinglet::Error>(())
/// ```
#[derive(Debug)]
pub enum ResumableCall {
    /// The function has returned, and its results are in the caller's slice.
    Finished,
    /// A host function has failed, and the guest is suspended in it.
    HostTrap(ResumableCallHostTrap),
}

/// A call that is suspended in a failed host function. [`resume`](ResumableCallHostTrap::resume) makes the host
/// function return results. Dropping this cancels the call. Its stacks are freed at the next resumable call or with the
/// store.
#[derive(Debug)]
pub struct ResumableCallHostTrap {
    store: StoreId,
    /// The function that the embedder called.
    func: Func,
    host_func: Func,
    host_error: Error,
    handle: FiberHandle,
}

impl ResumableCallHostTrap {
    /// Returns the host function that failed. Resuming the call needs its results.
    pub fn host_func(&self) -> Func {
        self.host_func
    }

    /// Returns the host function's error. [`Error::downcast_ref`] finds its type. It is never a [`Trap`](crate::Trap), and
    /// has no backtrace.
    pub fn host_error(&self) -> &Error {
        &self.host_error
    }

    /// Cancels the call and returns the host function's error.
    pub fn into_host_error(self) -> Error {
        self.host_error
    }

    /// Resumes the guest. The host function returns `inputs`.
    ///
    /// # Errors
    /// As for [`Func::call_resumable`]; if the inputs are not of the host function's result types, or the store is not the
    /// call's. An error ends the call.
    ///
    /// # Panics
    /// If a host function panics, with the same payload.
    pub fn resume(self, mut store: impl AsContextMut, inputs: &[Val], outputs: &mut [Val]) -> Result<ResumableCall> {
        let core = &mut store.as_context_mut().0.core;
        core.try_check(self.store)?;
        let func = self.func;
        let ty = core.engine.types().func(core.func_type_id(func));
        if outputs.len() != ty.results().len() {
            let message =
                format!("the function returns {} values, but the caller expects {}", ty.results().len(), outputs.len());
            return Err(Error::msg(message));
        }
        let progress = self.continue_with(core, inputs)?;
        ResumableCall::new(core, func, progress, outputs)
    }

    fn continue_with(self, core: &mut StoreCore, inputs: &[Val]) -> Result<CallProgress> {
        core.try_check(self.store)?;
        let ty = core.engine.types().func(core.func_type_id(self.host_func));
        if inputs.len() != ty.results().len() {
            let message = format!(
                "the host function returns {} values, but {} were given to resume it",
                ty.results().len(),
                inputs.len()
            );
            return Err(Error::msg(message));
        }
        let mut slots = vec![0; ty.array_slots() as usize];
        let used = func::put_values(inputs, ty.results(), &mut slots, core)?;
        slots.truncate(used);
        core.hooked(|core| vm::resume(core, self.handle, slots.into()))
    }
}

impl ResumableCall {
    pub(crate) fn new(
        core: &StoreCore,
        func: Func,
        progress: CallProgress,
        outputs: &mut [Val],
    ) -> Result<ResumableCall> {
        match progress {
            CallProgress::Finished(slots) => {
                let ty = core.engine.types().func(core.func_type_id(func));
                func::take_values(&slots, ty.results(), outputs, core);
                Ok(ResumableCall::Finished)
            }
            CallProgress::Paused(paused) => Ok(ResumableCall::HostTrap(suspended(core, func, paused))),
        }
    }
}

fn suspended(core: &StoreCore, func: Func, paused: PausedCall) -> ResumableCallHostTrap {
    let PausedCall { error, func: host, handle } = paused;
    let host_func = Func::from_pointer(host, core.id);
    ResumableCallHostTrap { store: core.id, func, host_func, host_error: error, handle }
}

/// The outcome of [`TypedFunc::call_resumable`].
#[derive(Debug)]
pub enum TypedResumableCall<R> {
    /// The function has returned these results.
    Finished(R),
    /// A host function has failed, and the guest is suspended in it.
    HostTrap(TypedResumableCallHostTrap<R>),
}

/// A [`ResumableCallHostTrap`] of a function with a Rust type.
#[derive(Debug)]
pub struct TypedResumableCallHostTrap<R> {
    call: ResumableCallHostTrap,
    _results: PhantomData<fn() -> R>,
}

impl<R: WasmResults> TypedResumableCallHostTrap<R> {
    /// Returns the host function that failed: see [`ResumableCallHostTrap::host_func`].
    pub fn host_func(&self) -> Func {
        self.call.host_func()
    }

    /// Returns the host function's error: see [`ResumableCallHostTrap::host_error`].
    pub fn host_error(&self) -> &Error {
        self.call.host_error()
    }

    /// Cancels the call and returns the host function's error.
    pub fn into_host_error(self) -> Error {
        self.call.into_host_error()
    }

    /// Resumes the guest. The host function returns `inputs`.
    ///
    /// # Errors
    /// As for [`ResumableCallHostTrap::resume`].
    ///
    /// # Panics
    /// As for [`ResumableCallHostTrap::resume`].
    pub fn resume(self, mut store: impl AsContextMut, inputs: &[Val]) -> Result<TypedResumableCall<R>> {
        let core = &mut store.as_context_mut().0.core;
        let func = self.call.func;
        let progress = self.call.continue_with(core, inputs)?;
        Ok(TypedResumableCall::new(core, func, progress))
    }
}

impl<R: WasmResults> TypedResumableCall<R> {
    fn new(core: &StoreCore, func: Func, progress: CallProgress) -> TypedResumableCall<R> {
        match progress {
            CallProgress::Finished(slots) => TypedResumableCall::Finished(R::load(&slots, Handle(core))),
            CallProgress::Paused(paused) => {
                let call = suspended(core, func, paused);
                TypedResumableCall::HostTrap(TypedResumableCallHostTrap { call, _results: PhantomData })
            }
        }
    }
}

impl Func {
    /// Calls the function. A host function's error suspends the call instead of ending it. The host can inspect the
    /// error and resume the guest with results of its choice. Until then, it can use the store freely, start other
    /// resumable calls, and move the store to another thread.
    ///
    /// A call is suspended only if the guest called the host function directly. The following errors end it: a
    /// [`Trap`](crate::Trap) that a host function returns, an error of a host function that the host calls, and an
    /// error below a host function that called back into the guest. On platforms without fibers every error ends the
    /// call; fibers need Unix on x86-64, AArch64 or 64-bit RISC-V.
    ///
    /// A resumable call has separate stacks and takes longer than [`Func::call`].
    ///
    /// ```
    /// use kinglet::{Engine, Error, Linker, Module, ResumableCall, Store, Val};
    ///
    /// /// A question of the guest, which the host answers while the guest is suspended.
    /// #[derive(Debug)]
    /// struct Question(i32);
    ///
    /// impl std::fmt::Display for Question {
    ///     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
    ///         write!(f, "what is the square of {}?", self.0)
    ///     }
    /// }
    ///
    /// impl std::error::Error for Question {}
    ///
    /// let engine = Engine::default();
    /// let module = Module::new(&engine, r#"(module
    ///     (import "host" "square" (func $square (param i32) (result i32)))
    ///     (func (export "sum") (param i32 i32) (result i32)
    ///         (i32.add (call $square (local.get 0)) (call $square (local.get 1)))))"#)?;
    /// let mut linker = Linker::new(&engine);
    /// linker.func_wrap("host", "square", |x: i32| -> Result<i32, Error> { Err(Question(x).into()) })?;
    /// let mut store = Store::new(&engine, ());
    /// let instance = linker.instantiate(&mut store, &module)?;
    /// let sum = instance.get_func(&mut store, "sum").expect("the module exports it");
    ///
    /// let mut results = [Val::I32(0)];
    /// let mut call = sum.call_resumable(&mut store, &[Val::I32(3), Val::I32(4)], &mut results)?;
    /// while let ResumableCall::HostTrap(paused) = call {
    ///     let Question(x) = paused.host_error().downcast_ref().expect("the only error");
    ///     let answer = Val::I32(x * x);
    ///     call = paused.resume(&mut store, &[answer], &mut results)?;
    /// }
    /// assert_eq!(results[0].i32(), Some(25));
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// As for [`Func::call`], except for host functions' errors that suspend the call; if the system denies memory for its
    /// stacks; [`Trap::StackOverflow`](crate::Trap::StackOverflow) if 64 resumable calls are nested.
    ///
    /// # Panics
    /// If a host function panics, with the same payload.
    pub fn call_resumable(
        &self,
        mut store: impl AsContextMut,
        params: &[Val],
        results: &mut [Val],
    ) -> Result<ResumableCall> {
        let core = &mut store.as_context_mut().0.core;
        let pointer = self.try_pointer(core)?;
        let slots = self.array(core, params, results)?;
        let progress = core.hooked(|core| vm::start(core, pointer, slots.into()))?;
        ResumableCall::new(core, *self, progress, results)
    }
}

impl<P: WasmParams, R: WasmResults> TypedFunc<P, R> {
    /// Calls the function. A host function's error suspends the call: see [`Func::call_resumable`].
    ///
    /// # Errors
    /// As for [`Func::call_resumable`].
    ///
    /// # Panics
    /// If a parameter is a reference of another store. If a host function panics, with the same payload.
    pub fn call_resumable(&self, mut store: impl AsContextMut, params: P) -> Result<TypedResumableCall<R>> {
        let core = &mut store.as_context_mut().0.core;
        let pointer = self.func().try_pointer(core)?;
        let mut slots = [0; func::MAX_SLOTS];
        params.store(&mut slots, Handle(core));
        let progress = core.hooked(|core| vm::start(core, pointer, slots.into()))?;
        Ok(TypedResumableCall::new(core, self.func(), progress))
    }
}
