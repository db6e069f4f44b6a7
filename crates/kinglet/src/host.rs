//! Host functions: the caller that they receive, and the closures that can be one.

use std::convert::Infallible;

use kinglet_wasm::types::{ValType, slots_of};

use crate::func::Handle;
use crate::store::{StoreCore, StoreInner};
use crate::vm::{HostFunc, HostSlots};
use crate::{
    AsContext, AsContextMut, Extern, FuncType, ModuleExport, Result, StoreContext, StoreContextMut, Waiter,
    WasmResults, WasmTy, vm,
};

/// The context of a host function: the store, and the instance that calls.
///
/// ```
/// use kinglet::{Caller, Engine, Error, Extern, Linker, Module, Result, Store};
///
/// /// Adds the text at an address in the caller's memory to the store's data.
/// fn log(mut caller: Caller<'_, String>, at: u32, len: u32) -> Result<()> {
///     let memory = caller.get_export("memory").and_then(Extern::into_memory);
///     let memory = memory.ok_or_else(|| Error::msg("the guest exports no memory"))?;
///     let mut bytes = vec![0; len as usize];
///     memory.read(&caller, at as usize, &mut bytes)?;
///     caller.data_mut().push_str(&String::from_utf8(bytes)?);
///     Ok(())
/// }
///
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"(module
///     (import "host" "log" (func $log (param i32 i32)))
///     (memory (export "memory") 1) (data (i32.const 16) "hello")
///     (func (export "run") (call $log (i32.const 16) (i32.const 5))))"#)?;
/// let mut linker = Linker::new(&engine);
/// linker.func_wrap("host", "log", log)?;
/// let mut store = Store::new(&engine, String::new());
/// let instance = linker.instantiate(&mut store, &module)?;
/// instance.get_typed_func::<(), ()>(&mut store, "run")?.call(&mut store, ())?;
/// assert_eq!(store.data(), "hello");
/// # Ok::<(), kinglet::Error>(())
/// ```
pub struct Caller<'a, T: 'static> {
    store: &'a mut StoreInner<T>,
    instance: Option<usize>,
}

impl<'a, T> Caller<'a, T> {
    pub(crate) fn new(store: &'a mut StoreInner<T>, instance: Option<usize>) -> Caller<'a, T> {
        Caller { store, instance }
    }

    pub(crate) fn core(&self) -> &StoreCore {
        &self.store.core
    }

    pub(crate) fn parts(&mut self) -> (Option<usize>, &mut StoreInner<T>) {
        (self.instance, &mut *self.store)
    }

    pub(crate) fn inner_mut(&mut self) -> &mut StoreInner<T> {
        self.store
    }

    /// Returns the calling instance's export of a name. There is none if the host itself calls.
    pub fn get_export(&mut self, name: &str) -> Option<Extern> {
        let instance = self.instance?;
        let index = self.store.core.instances[instance].module.inner().export(name)?;
        vm::export(&mut self.store.core, instance, index)
    }

    /// Returns the calling instance's export of a [`Module::get_export_index`](crate::Module::get_export_index). There is
    /// none if the instance is of another module, or if the host itself calls.
    pub fn get_module_export(&mut self, export: &ModuleExport) -> Option<Extern> {
        let core = &mut self.store.core;
        let instance = self.instance?;
        export.index_in(&core.instances[instance]).and_then(|index| vm::export(core, instance, index))
    }

    /// Returns the guest's waiter. Every host function that can block must wait through it, so that an interrupt ends the
    /// wait.
    pub fn waiter(&self) -> Waiter {
        Waiter { shared: self.store.core.shared.clone() }
    }
}

impl<T> AsContext for Caller<'_, T> {
    type Data = T;

    fn as_context(&self) -> StoreContext<'_, T> {
        StoreContext(self.store)
    }
}

impl<T> AsContextMut for Caller<'_, T> {
    fn as_context_mut(&mut self) -> StoreContextMut<'_, T> {
        StoreContextMut(self.store)
    }
}

impl<T: std::fmt::Debug> std::fmt::Debug for Caller<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Caller").field("data", self.data()).finish_non_exhaustive()
    }
}

/// A return value of a host function's closure: results, or a `Result` of them. An error ends the guest, and the call
/// returns it with a [`WasmBacktrace`](crate::WasmBacktrace) as context.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the return value of a host function",
    label = "not a result of a host function",
    note = "a host function returns `()`, one of `i32 u32 i64 u64 f32 f64 V128 Func Option<Func> Rooted<ExternRef> Option<Rooted<ExternRef>>`, a tuple of up to sixteen of them, or a `Result` of these whose error converts to `kinglet::Error`"
)]
pub trait IntoHostResult {
    #[doc(hidden)]
    const IN_REGISTER: bool;
    #[doc(hidden)]
    fn types() -> Vec<ValType>;
    #[doc(hidden)]
    fn put(self, slots: &mut [u64], store: Handle<'_>) -> Result<()>;
}

impl<R: HostResults> IntoHostResult for R {
    const IN_REGISTER: bool = R::IN_REGISTER;

    fn types() -> Vec<ValType> {
        R::types()
    }

    fn put(self, slots: &mut [u64], store: Handle<'_>) -> Result<()> {
        self.put_all(slots, store);
        Ok(())
    }
}

impl<R: HostResults, E: Into<crate::Error>> IntoHostResult for Result<R, E> {
    const IN_REGISTER: bool = R::IN_REGISTER;

    fn types() -> Vec<ValType> {
        R::types()
    }

    fn put(self, slots: &mut [u64], store: Handle<'_>) -> Result<()> {
        self.map_err(Into::into)?.put_all(slots, store);
        Ok(())
    }
}

/// The results of a host function: [`WasmResults`], or a type without values for a function that never returns normally.
/// Such a type is `!`, of a closure that exits or panics, or `Infallible`, as in `Result<Infallible>`. The function then
/// has no results.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the results of a host function",
    label = "not results of a host function",
    note = "results are `()`, one of `i32 u32 i64 u64 f32 f64 V128 Func Option<Func> Rooted<ExternRef> Option<Rooted<ExternRef>>`, or a tuple of up to sixteen of them"
)]
pub trait HostResults {
    #[doc(hidden)]
    const IN_REGISTER: bool;
    #[doc(hidden)]
    fn types() -> Vec<ValType>;
    #[doc(hidden)]
    fn put_all(self, slots: &mut [u64], store: Handle<'_>);
}

impl<R: WasmResults> HostResults for R {
    const IN_REGISTER: bool = R::IN_REGISTER;

    fn types() -> Vec<ValType> {
        R::types()
    }

    fn put_all(self, slots: &mut [u64], store: Handle<'_>) {
        WasmResults::put_all(self, slots, store);
    }
}

/// The output of a function type. Stable Rust can name `!` only through such a trait.
#[doc(hidden)]
pub trait Output {
    #[doc(hidden)]
    type Output;
}

impl<R> Output for fn() -> R {
    type Output = R;
}

type Never = <fn() -> ! as Output>::Output;

macro_rules! empty_types {
    ($($Empty:ty)*) => {$(
        impl HostResults for $Empty {
            const IN_REGISTER: bool = true;

            fn types() -> Vec<ValType> {
                Vec::new()
            }

            fn put_all(self, _: &mut [u64], _: Handle<'_>) {
                match self {}
            }
        }
    )*};
}

empty_types! { Never Infallible }

/// A closure that can be a host function: up to sixteen parameters that are [`WasmTy`], with or without a [`Caller`]
/// before them. [`Func::new`](crate::Func::new) takes more parameters, and types that are known only at run time.
///
/// ```
/// use kinglet::{Caller, Engine, Linker, Result};
///
/// let mut linker: Linker<Vec<i64>> = Linker::new(&Engine::default());
/// linker.func_wrap("host", "add", |a: i32, b: i32| a + b)?;
/// linker.func_wrap("host", "divide", |a: u32, b: u32| -> Result<(u32, u32)> {
///     if b == 0 {
///         return Err(kinglet::Error::msg("division by zero"));
///     }
///     Ok((a / b, a % b))
/// })?;
/// linker.func_wrap("host", "note", |mut caller: Caller<'_, Vec<i64>>, n: i64| caller.data_mut().push(n))?;
/// linker.func_wrap("host", "exit", |status: i32| std::process::exit(status))?;
/// # Ok::<(), kinglet::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a host function of a store with data `{T}`",
    label = "not a host function",
    note = "a host function is an `Fn` closure that is `Send + Sync + 'static`, with an optional `Caller<'_, {T}>` and up to sixteen parameters of the types `i32 u32 i64 u64 f32 f64 V128 Func Option<Func> Rooted<ExternRef> Option<Rooted<ExternRef>>`",
    note = "parameters need type annotations, as in `|caller: Caller<'_, {T}>, n: i32| n + 1`"
)]
pub trait IntoFunc<T: 'static, Params, Results>: Send + Sync + 'static {
    #[doc(hidden)]
    #[allow(private_interfaces)]
    fn into_func(self) -> (FuncType, HostFunc<T>);
}

/// Returns whether parameters fit into registers, given whether each does: see [`kinglet_abi::fits_in_registers`].
const fn fits(params: &[bool]) -> bool {
    let (mut vectors, mut at) = (false, 0);
    while at < params.len() {
        vectors |= !params[at];
        at += 1;
    }
    kinglet_abi::fits_in_registers(params.len(), 0, vectors)
}

macro_rules! closures {
    ($(($($A:ident)*))*) => {$(
        #[allow(unused_variables, unused_mut, unused_assignments, non_snake_case)]
        impl<T: 'static, F, $($A: WasmTy,)* R: IntoHostResult> IntoFunc<T, ($($A,)*), R> for F
        where
            F: Fn($($A),*) -> R + Send + Sync + 'static,
        {
            #[allow(private_interfaces)]
            fn into_func(self) -> (FuncType, HostFunc<T>) {
                IntoFunc::<T, (Caller<'_, T>, $($A,)*), R>::into_func(move |_: Caller<'_, T>, $($A: $A),*| self($($A),*))
            }
        }

        #[allow(unused_variables, unused_mut, unused_assignments, non_snake_case)]
        impl<T: 'static, F, $($A: WasmTy,)* R: IntoHostResult> IntoFunc<T, (Caller<'_, T>, $($A,)*), R> for F
        where
            F: Fn(Caller<'_, T>, $($A),*) -> R + Send + Sync + 'static,
        {
            #[allow(private_interfaces)]
            fn into_func(self) -> (FuncType, HostFunc<T>) {
                let ty = FuncType::new([$($A::val_type()),*], R::types());
                let closure = move |mut caller: Caller<'_, T>, slots: HostSlots<'_>| {
                    let mut at = 0;
                    $(
                        let $A = $A::take(&slots[at..], Handle(caller.core()));
                        at += slots_of(&[<$A as WasmTy>::val_type()]) as usize;
                    )*
                    let (instance, inner) = caller.parts();
                    let results = self(Caller::new(&mut *inner, instance), $($A),*);
                    results.put(slots, Handle(&inner.core))
                };
                let in_registers = const { fits(&[$($A::IN_REGISTER),*]) && R::IN_REGISTER };
                (ty, if in_registers { HostFunc::in_registers(closure) } else { HostFunc::in_array(closure) })
            }
        }
    )*};
}

closures! {
    ()
    (A0)
    (A0 A1)
    (A0 A1 A2)
    (A0 A1 A2 A3)
    (A0 A1 A2 A3 A4)
    (A0 A1 A2 A3 A4 A5)
    (A0 A1 A2 A3 A4 A5 A6)
    (A0 A1 A2 A3 A4 A5 A6 A7)
    (A0 A1 A2 A3 A4 A5 A6 A7 A8)
    (A0 A1 A2 A3 A4 A5 A6 A7 A8 A9)
    (A0 A1 A2 A3 A4 A5 A6 A7 A8 A9 A10)
    (A0 A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11)
    (A0 A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12)
    (A0 A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 A13)
    (A0 A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 A13 A14)
    (A0 A1 A2 A3 A4 A5 A6 A7 A8 A9 A10 A11 A12 A13 A14 A15)
}
