//! Calls that a host function's error pauses, so that the host can put things right and have the guest go on.

use std::marker::PhantomData;

use crate::func::{self, Handle, WasmParams, WasmResults};
use crate::store::{StoreCore, StoreId};
use crate::vm::{self, Paused, Progress, Ticket};
use crate::{AsContextMut, Error, Func, Result, TypedFunc, Val};

/// How a call by [`Func::call_resumable`] came back.
///
/// ```
/// use kinglet::{Engine, Error, Linker, Module, ResumableCall, Result, Store, Val};
///
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"(module
///     (import "host" "ask" (func $ask (result i32)))
///     (func (export "run") (result i32) (i32.add (call $ask) (i32.const 1))))"#)?;
/// let mut linker = Linker::new(&engine);
/// linker.func_wrap("host", "ask", || -> Result<i32> { Err(Error::msg("nobody has answered yet")) })?;
/// let mut store = Store::new(&engine, ());
/// let run = linker.instantiate(&mut store, &module)?.get_func(&mut store, "run").unwrap();
/// let mut results = [Val::I32(0)];
/// let ResumableCall::HostTrap(waiting) = run.call_resumable(&mut store, &[], &mut results)? else { panic!("it asks") };
/// assert_eq!(waiting.host_error().to_string(), "nobody has answered yet");
/// let ended = waiting.resume(&mut store, &[Val::I32(41)], &mut results)?;
/// assert!(matches!(ended, ResumableCall::Finished));
/// assert_eq!(results[0].i32(), Some(42));
/// # Ok::<(), kinglet::Error>(())
/// ```
#[derive(Debug)]
pub enum ResumableCall {
    /// The function has returned, and its results are where the caller wanted them.
    Finished,
    /// A host function has failed; the guest waits in it.
    HostTrap(ResumableCallHostTrap),
}

/// A call in which a host function has failed. [`resume`](ResumableCallHostTrap::resume) has the host function return
/// results after all; to drop this gives the call up, and its stacks come free with the next resumable call or the store.
#[derive(Debug)]
pub struct ResumableCallHostTrap {
    store: StoreId,
    /// The function called first.
    func: Func,
    host_func: Func,
    host_error: Error,
    ticket: Ticket,
}

impl ResumableCallHostTrap {
    /// The host function that failed: its results are what the call goes on with.
    pub fn host_func(&self) -> Func {
        self.host_func
    }

    /// The error it returned: [`Error::downcast_ref`] finds your own type in it. It is never a [`Trap`](crate::Trap).
    pub fn host_error(&self) -> &Error {
        &self.host_error
    }

    /// The error it returned; the call is given up.
    pub fn into_host_error(self) -> Error {
        self.host_error
    }

    /// Has the host function return `inputs`, and the guest go on.
    ///
    /// # Errors
    /// As for [`Func::call_resumable`], and if the inputs are not the host function's results; then the call is given up.
    ///
    /// # Panics
    /// With the panic of a host function that is called, and if the store is not the call's.
    pub fn resume(self, mut store: impl AsContextMut, inputs: &[Val], outputs: &mut [Val]) -> Result<ResumableCall> {
        let core = &mut store.as_context_mut().0.core;
        let func = self.func;
        let ty = core.engine.types().func(core.func_type_id(func));
        if outputs.len() != ty.results().len() {
            let message =
                format!("the function returns {} values, but {} are expected", ty.results().len(), outputs.len());
            return Err(Error::msg(message));
        }
        let progress = self.go_on(core, inputs)?;
        ResumableCall::new(core, func, progress, outputs)
    }

    fn go_on(self, core: &mut StoreCore, inputs: &[Val]) -> Result<Progress> {
        core.check(self.store);
        let ty = core.engine.types().func(core.func_type_id(self.host_func));
        if inputs.len() != ty.results().len() {
            let message = format!(
                "the host function returns {} values, but {} were given to go on with",
                ty.results().len(),
                inputs.len()
            );
            return Err(Error::msg(message));
        }
        let mut slots = vec![0; ty.array_slots() as usize];
        let used = func::put_values(inputs, ty.results(), &mut slots, core)?;
        slots.truncate(used);
        vm::resume(core, self.ticket, slots.into())
    }
}

impl ResumableCall {
    pub(crate) fn new(core: &StoreCore, func: Func, progress: Progress, outputs: &mut [Val]) -> Result<ResumableCall> {
        match progress {
            Progress::Finished(slots) => {
                let ty = core.engine.types().func(core.func_type_id(func));
                func::take_values(&slots, ty.results(), outputs, core);
                Ok(ResumableCall::Finished)
            }
            Progress::Paused(paused) => Ok(ResumableCall::HostTrap(host_trap(core, func, paused))),
        }
    }
}

fn host_trap(core: &StoreCore, func: Func, paused: Paused) -> ResumableCallHostTrap {
    let Paused { error, func: host, ticket } = paused;
    let host_func = Func::from_pointer(host, core.id);
    ResumableCallHostTrap { store: core.id, func, host_func, host_error: error, ticket }
}

/// How a call by [`TypedFunc::call_resumable`] came back.
#[derive(Debug)]
pub enum TypedResumableCall<R> {
    /// The function has returned these.
    Finished(R),
    /// A host function has failed; the guest waits in it.
    HostTrap(TypedResumableCallHostTrap<R>),
}

/// A [`ResumableCallHostTrap`] of a function whose results are known to Rust.
#[derive(Debug)]
pub struct TypedResumableCallHostTrap<R> {
    call: ResumableCallHostTrap,
    _results: PhantomData<fn() -> R>,
}

impl<R: WasmResults> TypedResumableCallHostTrap<R> {
    /// See [`ResumableCallHostTrap::host_func`].
    pub fn host_func(&self) -> Func {
        self.call.host_func()
    }

    /// See [`ResumableCallHostTrap::host_error`].
    pub fn host_error(&self) -> &Error {
        self.call.host_error()
    }

    /// See [`ResumableCallHostTrap::into_host_error`].
    pub fn into_host_error(self) -> Error {
        self.call.into_host_error()
    }

    /// Has the host function return `inputs`, and the guest go on.
    ///
    /// # Errors
    /// As for [`ResumableCallHostTrap::resume`].
    ///
    /// # Panics
    /// As for [`ResumableCallHostTrap::resume`].
    pub fn resume(self, mut store: impl AsContextMut, inputs: &[Val]) -> Result<TypedResumableCall<R>> {
        let core = &mut store.as_context_mut().0.core;
        let func = self.call.func;
        let progress = self.call.go_on(core, inputs)?;
        Ok(TypedResumableCall::new(core, func, progress))
    }
}

impl<R: WasmResults> TypedResumableCall<R> {
    fn new(core: &StoreCore, func: Func, progress: Progress) -> TypedResumableCall<R> {
        match progress {
            Progress::Finished(slots) => TypedResumableCall::Finished(R::load(&slots, Handle(core))),
            Progress::Paused(paused) => {
                let call = host_trap(core, func, paused);
                TypedResumableCall::HostTrap(TypedResumableCallHostTrap { call, _results: PhantomData })
            }
        }
    }
}

impl Func {
    /// Calls it so that an error of a host function does not end the call but pauses it: the host can look at the error
    /// and have the guest go on with results of its own. Meanwhile it can use the store for anything, other resumable
    /// calls too, and move it to another thread.
    ///
    /// Only the guest's own calls of host functions pause. A [`Trap`](crate::Trap) that a host function returns, an error
    /// of one that the host calls itself, and one below a host function that called back into the guest end the call, as
    /// every error does where Kinglet has no fibers: on anything but Unix on x86-64, AArch64 or 64-bit RISC-V.
    ///
    /// Such a call has stacks of its own and takes longer than [`Func::call`].
    ///
    /// ```
    /// use kinglet::{Engine, Error, Linker, Module, ResumableCall, Store, Val};
    ///
    /// /// What the guest wants to know and the host finds out after the guest has stopped.
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
    ///     let Question(x) = paused.host_error().downcast_ref().expect("the only error there is");
    ///     let answer = Val::I32(x * x);
    ///     call = paused.resume(&mut store, &[answer], &mut results)?;
    /// }
    /// assert_eq!(results[0].i32(), Some(25));
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// As for [`Func::call`], without the host functions' errors that pause the call; if there is no room for its stacks;
    /// [`Trap::StackOverflow`](crate::Trap::StackOverflow) if 64 such calls are under way in one another.
    ///
    /// # Panics
    /// With the panic of a host function it called.
    pub fn call_resumable(
        &self,
        mut store: impl AsContextMut,
        params: &[Val],
        results: &mut [Val],
    ) -> Result<ResumableCall> {
        let core = &mut store.as_context_mut().0.core;
        let slots = self.array(core, params, results)?;
        let progress = vm::start(core, self.pointer(core), slots.into())?;
        ResumableCall::new(core, *self, progress, results)
    }
}

impl<P: WasmParams, R: WasmResults> TypedFunc<P, R> {
    /// Calls it so that an error of a host function pauses the call: see [`Func::call_resumable`].
    ///
    /// # Errors
    /// As for [`Func::call_resumable`].
    ///
    /// # Panics
    /// With the panic of a host function it called.
    pub fn call_resumable(&self, mut store: impl AsContextMut, params: P) -> Result<TypedResumableCall<R>> {
        let core = &mut store.as_context_mut().0.core;
        let pointer = self.func().pointer(core);
        let mut slots = [0; func::MAX_SLOTS];
        params.store(&mut slots, Handle(core));
        let progress = vm::start(core, pointer, slots.into())?;
        Ok(TypedResumableCall::new(core, self.func(), progress))
    }
}
