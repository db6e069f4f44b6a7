//! Functions, and calling them with values or with Rust types.

use std::marker::PhantomData;

use kinglet_wasm::V128;
use kinglet_wasm::types::{HeapType, RefType, ValType, slots_of};

use crate::host::{Caller, IntoFunc};
use crate::store::{StoreCore, StoreId, or_panic};
use crate::vm::{self, FuncPointer, HostFunc, HostFuncTemplate, HostSlots};
use crate::{AsContext, AsContextMut, Error, ExternRef, FuncType, Result, Rooted, Val};

/// A handle to a function of a store, of a guest or of the host.
///
/// ```
/// use kinglet::{Engine, Func, FuncType, Instance, Module, Store, Val, ValType};
///
/// let engine = Engine::default();
/// let mut store = Store::new(&engine, ());
/// // A host function whose type is known only at run time. It adds up its parameters.
/// let ty = FuncType::new(vec![ValType::I64; 20], [ValType::I64]);
/// let sum = Func::new(&mut store, ty, |_, numbers, results| {
///     results[0] = Val::I64(numbers.iter().filter_map(Val::i64).sum());
///     Ok(())
/// });
/// let numbers: Vec<Val> = (1..=20_i64).map(Val::from).collect();
/// let mut results = [Val::I64(0)];
/// sum.call(&mut store, &numbers, &mut results)?;
/// assert_eq!(results[0].i64(), Some(210));
///
/// // A host function whose type Rust infers.
/// let double = Func::wrap(&mut store, |x: i32| x * 2);
/// assert_eq!(double.ty(&store).to_string(), "func (param i32) (result i32)");
/// assert_eq!(double.typed::<i32, i32>(&store)?.call(&mut store, 21)?, 42);
/// # Ok::<(), kinglet::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Func {
    store: StoreId,
    pointer: FuncPointer,
}

impl Func {
    pub(crate) fn from_pointer(pointer: FuncPointer, store: StoreId) -> Func {
        Func { store, pointer }
    }

    pub(crate) fn from_bits(bits: u64, store: StoreId) -> Option<Func> {
        FuncPointer::from_bits(bits).map(|pointer| Func { store, pointer })
    }

    pub(crate) fn to_bits(self) -> u64 {
        self.pointer.to_bits()
    }

    pub(crate) fn store_id(&self) -> StoreId {
        self.store
    }

    pub(crate) fn pointer(&self, core: &StoreCore) -> FuncPointer {
        core.check(self.store);
        self.pointer
    }

    pub(crate) fn try_pointer(&self, core: &StoreCore) -> Result<FuncPointer> {
        core.try_check(self.store).map(|()| self.pointer)
    }

    /// Creates a host function from a closure on values. Kinglet checks the types of the closure's results when it returns.
    ///
    /// # Panics
    /// If the type mentions a type of another engine, or of a dropped module; [`Func::try_new`] returns an error instead.
    pub fn new<C: AsContextMut>(
        store: C,
        ty: FuncType,
        closure: impl Fn(Caller<'_, C::Data>, &[Val], &mut [Val]) -> Result<()> + Send + Sync + 'static,
    ) -> Func {
        or_panic(Func::try_new(store, ty, closure))
    }

    /// Creates a host function from a closure on values, as [`Func::new`] does.
    ///
    /// # Errors
    /// If the type mentions a type of another engine, or of a dropped module.
    pub fn try_new<C: AsContextMut>(
        mut store: C,
        ty: FuncType,
        closure: impl Fn(Caller<'_, C::Data>, &[Val], &mut [Val]) -> Result<()> + Send + Sync + 'static,
    ) -> Result<Func> {
        let core = &mut store.as_context_mut().0.core;
        add(core, &ty.clone(), dynamic(ty, closure))
    }

    /// Creates a host function from a closure on Rust types: see [`IntoFunc`].
    ///
    /// # Panics
    /// If a parameter or result is an embedder's [`WasmTy`] that mentions a type of another engine; [`Func::try_wrap`]
    /// returns an error instead.
    pub fn wrap<C: AsContextMut, Params, Results>(store: C, closure: impl IntoFunc<C::Data, Params, Results>) -> Func {
        or_panic(Func::try_wrap(store, closure))
    }

    /// Creates a host function from a closure on Rust types, as [`Func::wrap`] does.
    ///
    /// # Errors
    /// If a parameter or result is an embedder's [`WasmTy`] that mentions a type of another engine.
    pub fn try_wrap<C: AsContextMut, Params, Results>(
        mut store: C,
        closure: impl IntoFunc<C::Data, Params, Results>,
    ) -> Result<Func> {
        let core = &mut store.as_context_mut().0.core;
        let (ty, closure) = closure.into_func();
        add(core, &ty, closure)
    }

    /// Returns the function's type.
    ///
    /// # Panics
    /// If the function belongs to another store; [`Func::try_ty`] returns an error instead.
    pub fn ty(&self, store: impl AsContext) -> FuncType {
        or_panic(self.try_ty(store))
    }

    /// Returns the function's type.
    ///
    /// # Errors
    /// If the function belongs to another store.
    pub fn try_ty(&self, store: impl AsContext) -> Result<FuncType> {
        let core = &store.as_context().0.core;
        core.try_check(self.store)?;
        Ok(core.engine.types().func(core.func_type_id(*self)))
    }

    /// Calls the function. `results` must have as many values as the function returns; their old values do not matter.
    ///
    /// # Errors
    /// If the parameters are not of the function's type, or the function belongs to another store. A guest's trap is a
    /// [`Trap`](crate::Trap), and a host function's error is that error. Both have a
    /// [`WasmBacktrace`](crate::WasmBacktrace) as context.
    ///
    /// # Panics
    /// If a host function panics, with the same payload.
    pub fn call(&self, mut store: impl AsContextMut, params: &[Val], results: &mut [Val]) -> Result<()> {
        let store = store.as_context_mut().0;
        store.core.try_check(self.store)?;
        let mut slots = self.array(&store.core, params, results)?;
        vm::call(store, self.pointer(&store.core), &mut slots)?;
        let ty = store.core.engine.types().func(self.pointer.type_id());
        take_values(&slots, ty.results(), results, &store.core);
        Ok(())
    }

    /// Returns the argument array of a call.
    pub(crate) fn array(&self, core: &StoreCore, params: &[Val], results: &[Val]) -> Result<Vec<u64>> {
        let ty = core.engine.types().func(core.func_type_id(*self));
        if params.len() != ty.params().len() || results.len() != ty.results().len() {
            return Err(Error::msg(format!(
                "the function takes {} values and returns {}, but the caller passes {} and expects {}",
                ty.params().len(),
                ty.results().len(),
                params.len(),
                results.len()
            )));
        }
        let mut slots = vec![0; ty.array_slots() as usize];
        put_values(params, ty.params(), &mut slots, core)?;
        Ok(slots)
    }

    /// Returns the function with a Rust type. The type is checked here once, so calls need no check.
    ///
    /// # Errors
    /// If the function does not take `P` and return `R`, or belongs to another store.
    pub fn typed<P: WasmParams, R: WasmResults>(&self, store: impl AsContext) -> Result<TypedFunc<P, R>> {
        let core = &store.as_context().0.core;
        core.try_check(self.store)?;
        let ty = core.engine.types().func(core.func_type_id(*self));
        let registry = core.engine.types();
        let matches = |given: &[ValType], wanted: &[ValType]| {
            given.len() == wanted.len() && given.iter().zip(wanted).all(|(g, w)| registry.val_matches(*g, *w))
        };
        let (params, results) = (P::types(), R::types());
        if !matches(&params, ty.params()) || !matches(ty.results(), &results) {
            let wanted = FuncType::new(params, results);
            return Err(Error::msg(format!("type mismatch: the function is {ty}, not {wanted}")));
        }
        Ok(TypedFunc { func: *self, _types: PhantomData })
    }
}

/// Stores values of these types in slots, and returns the number of slots.
pub(crate) fn put_values(values: &[Val], types: &[ValType], slots: &mut [u64], core: &StoreCore) -> Result<usize> {
    let mut at = 0;
    for (value, ty) in values.iter().zip(types) {
        let n = ty.slots() as usize;
        slots[at..at + n].copy_from_slice(&value.to_slots(*ty, core)?[..n]);
        at += n;
    }
    Ok(at)
}

/// Loads values of these types from slots.
pub(crate) fn take_values(slots: &[u64], types: &[ValType], values: &mut [Val], core: &StoreCore) {
    let mut at = 0;
    for (value, ty) in values.iter_mut().zip(types) {
        *value = Val::from_slots(&slots[at..], *ty, core);
        at += ty.slots() as usize;
    }
}

fn add<T: 'static>(core: &mut StoreCore, ty: &FuncType, closure: HostFunc<T>) -> Result<Func> {
    let pointer = core.hosts.add(&core.vm, &HostFuncTemplate::new(&core.engine, ty, &closure)?);
    Ok(Func { store: core.id, pointer })
}

/// Returns a closure on values as a host function.
pub(crate) fn dynamic<T: 'static>(
    ty: FuncType,
    closure: impl Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<()> + Send + Sync + 'static,
) -> HostFunc<T> {
    let vectors = ty.params().iter().chain(ty.results()).any(|ty| *ty == ValType::V128);
    let in_registers = kinglet_abi::fits_in_registers(ty.params().len(), ty.results().len(), vectors);
    let closure = move |mut caller: Caller<'_, T>, slots: HostSlots<'_>| {
        let mut params = vec![Val::I32(0); ty.params().len()];
        take_values(slots, ty.params(), &mut params, caller.core());
        let mut results: Vec<Val> =
            ty.results().iter().map(|ty| Val::default_of(*ty, &caller.core().engine).unwrap_or(Val::I32(0))).collect();
        let (instance, inner) = caller.parts();
        closure(Caller::new(&mut *inner, instance), &params, &mut results)?;
        put_values(&results, ty.results(), slots, &inner.core)?;
        Ok(())
    };
    if in_registers { HostFunc::in_registers(closure) } else { HostFunc::in_array(closure) }
}

/// A function with a Rust type, which was checked once: from
/// [`Instance::get_typed_func`](crate::Instance::get_typed_func) or [`Func::typed`].
///
/// ```
/// use kinglet::{Engine, Instance, Module, Store, TypedFunc};
///
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"(module
///     (func (export "divide") (param i32 i32) (result i32 i32)
///         (i32.div_u (local.get 0) (local.get 1)) (i32.rem_u (local.get 0) (local.get 1))))"#)?;
/// let mut store = Store::new(&engine, ());
/// let instance = Instance::new(&mut store, &module, &[])?;
/// let divide: TypedFunc<(u32, u32), (u32, u32)> = instance.get_typed_func(&mut store, "divide")?;
/// assert_eq!(divide.call(&mut store, (17, 5))?, (3, 2));
/// assert!(divide.call(&mut store, (17, 0)).is_err());
/// assert!(instance.get_typed_func::<u64, ()>(&mut store, "divide").is_err());
/// # Ok::<(), kinglet::Error>(())
/// ```
#[derive(Debug)]
pub struct TypedFunc<P, R> {
    func: Func,
    _types: PhantomData<fn(P) -> R>,
}

impl<P, R> Clone for TypedFunc<P, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P, R> Copy for TypedFunc<P, R> {}

impl<P: WasmParams, R: WasmResults> TypedFunc<P, R> {
    /// Returns the function without its Rust type.
    pub fn func(&self) -> Func {
        self.func
    }

    /// Calls the function.
    ///
    /// # Errors
    /// As for [`Func::call`].
    ///
    /// # Panics
    /// If a parameter is a reference of another store. If a host function panics, with the same payload.
    pub fn call(&self, mut store: impl AsContextMut, params: P) -> Result<R> {
        let store = store.as_context_mut().0;
        let pointer = self.func.try_pointer(&store.core)?;
        let mut slots = [0; MAX_SLOTS];
        params.store(&mut slots, Handle(&store.core));
        vm::call(store, pointer, &mut slots)?;
        Ok(R::load(&slots, Handle(&store.core)))
    }
}

/// The number of slots of sixteen values of the largest type.
pub(crate) const MAX_SLOTS: usize = 32;

/// A Rust type of WebAssembly values: `i32 u32 i64 u64 f32 f64 V128`, `Func` and `Rooted<ExternRef>` for references that
/// are not null, and `Option`s of the two.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a type of WebAssembly values",
    label = "not a WebAssembly value",
    note = "the types are `i32 u32 i64 u64 f32 f64 V128 Func Option<Func> Rooted<ExternRef> Option<Rooted<ExternRef>>`; pass pointers and lengths as `u32`"
)]
pub trait WasmTy: Sized + Send + 'static {
    #[doc(hidden)]
    const IN_REGISTER: bool = true;
    #[doc(hidden)]
    fn val_type() -> ValType;
    #[doc(hidden)]
    fn put(self, slots: &mut [u64], store: Handle<'_>);
    #[doc(hidden)]
    fn take(slots: &[u64], store: Handle<'_>) -> Self;
}

/// The store of a value.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct Handle<'a>(pub(crate) &'a StoreCore);

macro_rules! scalars {
    ($($rust:ty, $ty:ident, $value:ident => $to:expr, $bits:ident => $from:expr;)*) => {$(
        impl WasmTy for $rust {
            fn val_type() -> ValType {
                ValType::$ty
            }

            fn put(self, slots: &mut [u64], _: Handle<'_>) {
                let $value = self;
                slots[0] = $to;
            }

            fn take(slots: &[u64], _: Handle<'_>) -> Self {
                let $bits = slots[0];
                $from
            }
        }
    )*};
}

scalars! {
    i32, I32, v => v as u32 as u64, b => b as i32;
    u32, I32, v => v as u64, b => b as u32;
    i64, I64, v => v as u64, b => b as i64;
    u64, I64, v => v, b => b;
    f32, F32, v => v.to_bits() as u64, b => f32::from_bits(b as u32);
    f64, F64, v => v.to_bits(), b => f64::from_bits(b);
}

impl WasmTy for V128 {
    const IN_REGISTER: bool = false;

    fn val_type() -> ValType {
        ValType::V128
    }

    fn put(self, slots: &mut [u64], _: Handle<'_>) {
        let bits = self.to_u128();
        slots[..2].copy_from_slice(&[bits as u64, (bits >> 64) as u64]);
    }

    fn take(slots: &[u64], _: Handle<'_>) -> Self {
        V128::from_u128(slots[0] as u128 | (slots[1] as u128) << 64)
    }
}

impl WasmTy for Option<Func> {
    fn val_type() -> ValType {
        ValType::Ref(RefType { nullable: true, heap: HeapType::Func })
    }

    fn put(self, slots: &mut [u64], store: Handle<'_>) {
        slots[0] = self.map_or(0, |func| func.pointer(store.0).to_bits());
    }

    fn take(slots: &[u64], store: Handle<'_>) -> Self {
        Func::from_bits(slots[0], store.0.id)
    }
}

impl WasmTy for Option<Rooted<ExternRef>> {
    fn val_type() -> ValType {
        ValType::EXTERNREF
    }

    fn put(self, slots: &mut [u64], store: Handle<'_>) {
        slots[0] = Rooted::to_bits(self, store.0);
    }

    fn take(slots: &[u64], store: Handle<'_>) -> Self {
        Rooted::from_bits(slots[0], store.0.id)
    }
}

macro_rules! non_null {
    ($($Reference:ty, $heap:ident;)*) => {$(
        impl WasmTy for $Reference {
            fn val_type() -> ValType {
                ValType::Ref(RefType { nullable: false, heap: HeapType::$heap })
            }

            fn put(self, slots: &mut [u64], store: Handle<'_>) {
                Some(self).put(slots, store);
            }

            fn take(slots: &[u64], store: Handle<'_>) -> Self {
                // Validation and the type check of the call exclude null.
                <Option<Self> as WasmTy>::take(slots, store).expect("a reference of a type without null is null")
            }
        }
    )*};
}

non_null! {
    Func, Func;
    Rooted<ExternRef>, Extern;
}

/// The parameters of a [`TypedFunc`]: a [`WasmTy`], or a tuple of up to sixteen.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the parameters of a function",
    label = "not parameters of a WebAssembly function",
    note = "parameters are `()`, one of `i32 u32 i64 u64 f32 f64 V128 Func Option<Func> Rooted<ExternRef> Option<Rooted<ExternRef>>`, or a tuple of up to sixteen of them"
)]
pub trait WasmParams: Sized {
    #[doc(hidden)]
    fn types() -> Vec<ValType>;
    #[doc(hidden)]
    fn store(self, slots: &mut [u64], store: Handle<'_>);
}

/// The results of a [`TypedFunc`]: a [`WasmTy`], or a tuple of up to sixteen.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the results of a function",
    label = "not results of a WebAssembly function",
    note = "results are `()`, one of `i32 u32 i64 u64 f32 f64 V128 Func Option<Func> Rooted<ExternRef> Option<Rooted<ExternRef>>`, or a tuple of up to sixteen of them"
)]
pub trait WasmResults: Sized {
    #[doc(hidden)]
    const IN_REGISTER: bool;
    #[doc(hidden)]
    fn types() -> Vec<ValType>;
    #[doc(hidden)]
    fn load(slots: &[u64], store: Handle<'_>) -> Self;
    #[doc(hidden)]
    fn put_all(self, slots: &mut [u64], store: Handle<'_>);
}

impl<A: WasmTy> WasmParams for A {
    fn types() -> Vec<ValType> {
        vec![A::val_type()]
    }

    fn store(self, slots: &mut [u64], store: Handle<'_>) {
        self.put(slots, store);
    }
}

impl<A: WasmTy> WasmResults for A {
    const IN_REGISTER: bool = A::IN_REGISTER;

    fn types() -> Vec<ValType> {
        vec![A::val_type()]
    }

    fn load(slots: &[u64], store: Handle<'_>) -> Self {
        A::take(slots, store)
    }

    fn put_all(self, slots: &mut [u64], store: Handle<'_>) {
        self.put(slots, store);
    }
}

macro_rules! tuples {
    ($(($($A:ident)*))*) => {$(
        #[allow(unused_variables, unused_mut, unused_assignments, non_snake_case)]
        impl<$($A: WasmTy),*> WasmParams for ($($A,)*) {
            fn types() -> Vec<ValType> {
                vec![$($A::val_type()),*]
            }

            fn store(self, slots: &mut [u64], store: Handle<'_>) {
                let ($($A,)*) = self;
                let mut at = 0;
                $(
                    $A.put(&mut slots[at..], store);
                    at += slots_of(&[$A::val_type()]) as usize;
                )*
            }
        }

        #[allow(unused_variables, unused_mut, unused_assignments, non_snake_case, clippy::unused_unit)]
        impl<$($A: WasmTy),*> WasmResults for ($($A,)*) {
            const IN_REGISTER: bool = matches!(&[$($A::IN_REGISTER),*] as &[bool], [] | [true]);

            fn types() -> Vec<ValType> {
                vec![$($A::val_type()),*]
            }

            fn load(slots: &[u64], store: Handle<'_>) -> Self {
                let mut at = 0;
                $(
                    let $A = $A::take(&slots[at..], store);
                    at += slots_of(&[<$A as WasmTy>::val_type()]) as usize;
                )*
                ($($A,)*)
            }

            fn put_all(self, slots: &mut [u64], store: Handle<'_>) {
                WasmParams::store(self, slots, store)
            }
        }
    )*};
}

tuples! {
    ()
    (A)
    (A B)
    (A B C)
    (A B C D)
    (A B C D E)
    (A B C D E F)
    (A B C D E F G)
    (A B C D E F G H)
    (A B C D E F G H I)
    (A B C D E F G H I J)
    (A B C D E F G H I J K)
    (A B C D E F G H I J K L)
    (A B C D E F G H I J K L M)
    (A B C D E F G H I J K L M N)
    (A B C D E F G H I J K L M N O)
    (A B C D E F G H I J K L M N O P)
}
