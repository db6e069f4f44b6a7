//! Values as embedders see them.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;

use kinglet_abi::EXTERN_TAG;
use kinglet_wasm::V128;
use kinglet_wasm::types::{ForeignType, HeapType, Hierarchy, RefType, TypeRegistry, ValType};

use crate::store::{ResourceKind, StoreCore, StoreId, or_panic};
use crate::vm::HeapEpoch;
use crate::{AsContext, AsContextMut, Engine, Error, Func, Result};

/// A value of any type, as [`Func::call`] takes and returns them (core specification, "Values").
///
/// ```
/// use kinglet::{Val, V128};
///
/// let values = [Val::from(-1_i32), Val::from(u64::MAX), Val::from(0.5_f64), Val::from(V128::default())];
/// assert_eq!((values[0].i32(), values[1].i64(), values[2].f64()), (Some(-1), Some(-1), Some(0.5)));
/// assert_eq!(values[0].i64(), None, "a value has one type");
/// assert_eq!(values[0].unwrap_i32(), -1);
/// ```
#[derive(Clone, Copy, Debug)]
pub enum Val {
    /// An `i32`.
    I32(i32),
    /// An `i64`.
    I64(i64),
    /// The bits of an `f32`.
    F32(u32),
    /// The bits of an `f64`.
    F64(u64),
    /// A `v128`.
    V128(V128),
    /// A reference to a function, or null.
    FuncRef(Option<Func>),
    /// A reference to a host value, or null.
    ExternRef(Option<Rooted<ExternRef>>),
    /// A reference to an object of the guest's heap, or null.
    AnyRef(Option<Rooted<AnyRef>>),
}

/// A reference of any hierarchy, or null.
///
/// ```
/// use kinglet::{Engine, Func, Ref, RefType, Store, Table, TableType};
///
/// let mut store = Store::new(&Engine::default(), ());
/// let table = Table::new(&mut store, TableType::new(RefType::FUNCREF, 2, None), Ref::Func(None))?;
/// let double = Func::wrap(&mut store, |x: i32| x * 2);
/// table.set(&mut store, 1, Ref::Func(Some(double)))?;
/// assert!(matches!(table.get(&mut store, 0), Some(Ref::Func(None))));
/// let element = table.get(&mut store, 1).expect("the index is in bounds");
/// let double = element.unwrap_func().expect("the element is not null");
/// assert_eq!(double.typed::<i32, i32>(&store)?.call(&mut store, 4)?, 8);
/// # Ok::<(), kinglet::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub enum Ref {
    /// A function.
    Func(Option<Func>),
    /// A host value.
    Extern(Option<Rooted<ExternRef>>),
    /// An object of the guest's heap.
    Any(Option<Rooted<AnyRef>>),
}

/// A host value that guests can hold and pass on, but not read: see [`ExternRef::new`]. This type only marks a
/// [`Rooted`] reference.
#[derive(Clone, Copy, Debug)]
pub enum ExternRef {}

/// An object of the guest's heap. This type only marks a [`Rooted`] reference.
#[derive(Clone, Copy, Debug)]
pub enum AnyRef {}

/// A reference to a value that a store keeps: a host value ([`ExternRef`]), or an object of the guest's heap
/// ([`AnyRef`]).
///
/// A host value lives until [`Rooted::release`] or until the store is dropped, because the store does not trace where
/// guests put references. A limiter bounds their number
/// ([`ResourceLimiter::extern_refs`](crate::ResourceLimiter::extern_refs)). A reference to an object of the guest's heap is
/// valid until the next collection, which can happen whenever a guest of the store runs. Using it later is an error.
///
/// ```
/// use kinglet::{Engine, ExternRef, Instance, Module, Rooted, Store};
///
/// let engine = Engine::default();
/// let mut store = Store::new(&engine, ());
/// let module = Module::new(&engine, r#"(module
///     (func (export "same") (param externref) (result externref) (local.get 0)))"#)?;
/// let instance = Instance::new(&mut store, &module, &[])?;
/// type Name = Option<Rooted<ExternRef>>;
/// let same = instance.get_typed_func::<Name, Name>(&mut store, "same")?;
///
/// let name = ExternRef::new(&mut store, String::from("Ada"))?;
/// let back = same.call(&mut store, Some(name))?.expect("not null");
/// assert!(Rooted::ref_eq(&store, &name, &back)?);
/// let data = back.data(&store)?.expect("not released");
/// assert_eq!(data.downcast_ref::<String>().unwrap(), "Ada");
///
/// name.release(&mut store);
/// assert!(back.data(&store)?.is_none());
/// # Ok::<(), kinglet::Error>(())
/// ```
pub struct Rooted<T> {
    store: StoreId,
    raw: u32,
    /// The collection that an object's reference is valid until.
    epoch: HeapEpoch,
    _of: PhantomData<fn() -> T>,
}

impl<T> Clone for Rooted<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Rooted<T> {}

impl<T> PartialEq for Rooted<T> {
    fn eq(&self, other: &Self) -> bool {
        (self.store, self.raw, self.epoch) == (other.store, other.raw, other.epoch)
    }
}

impl<T> Eq for Rooted<T> {}

/// The number of tag bits below a host value's number in a reference.
const TAG_BITS: u32 = 3;

impl fmt::Debug for Rooted<ExternRef> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExternRef({})", self.raw)
    }
}

impl fmt::Debug for Rooted<AnyRef> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AnyRef({})", self.raw)
    }
}

impl ExternRef {
    /// Moves a host value into a store and returns a reference to it.
    ///
    /// # Errors
    /// If the store's limiter denies it; if the store has had 2²⁹ host values, released ones included.
    // The type is a marker, as in Wasmtime.
    #[allow(clippy::new_ret_no_self)]
    pub fn new(mut store: impl AsContextMut, value: impl Any + Send + Sync) -> Result<Rooted<ExternRef>> {
        let core = &mut store.as_context_mut().0.core;
        core.count(ResourceKind::ExternRefs, core.externs.values.len())?;
        let number = core.externs.next;
        let Some(raw) = number.checked_mul(1 << TAG_BITS) else {
            return Err(Error::msg("the store has had its maximum of 2²⁹ host values"));
        };
        core.externs.next += 1;
        core.externs.values.insert(number, Box::new(value));
        Ok(Rooted { store: core.id, raw: raw | EXTERN_TAG, epoch: HeapEpoch::ANY, _of: PhantomData })
    }
}

impl<T> Rooted<T> {
    /// Returns whether two references are to the same value.
    ///
    /// # Errors
    /// If a reference belongs to another store.
    pub fn ref_eq(store: impl AsContext, a: &Rooted<T>, b: &Rooted<T>) -> Result<bool> {
        let core = &store.as_context().0.core;
        core.try_check(a.store)?;
        core.try_check(b.store)?;
        Ok(a.raw == b.raw)
    }
}

impl Rooted<ExternRef> {
    fn number(&self) -> u32 {
        self.raw >> TAG_BITS
    }

    /// Returns the value; none if it has been released.
    ///
    /// # Errors
    /// If the reference belongs to another store.
    pub fn data<'a, T: 'static>(
        &self,
        store: impl Into<crate::StoreContext<'a, T>>,
    ) -> Result<Option<&'a (dyn Any + Send + Sync)>> {
        let core = &store.into().0.core;
        core.try_check(self.store)?;
        Ok(core.externs.values.get(&self.number()).map(|value| &**value))
    }

    /// Returns the value, mutably; none if it has been released.
    ///
    /// # Errors
    /// If the reference belongs to another store.
    pub fn data_mut<'a, T: 'static>(
        &self,
        store: impl Into<crate::StoreContextMut<'a, T>>,
    ) -> Result<Option<&'a mut (dyn Any + Send + Sync)>> {
        let core = &mut store.into().0.core;
        core.try_check(self.store)?;
        Ok(core.externs.values.get_mut(&self.number()).map(|value| &mut **value))
    }

    /// Removes the value from the store and returns it; none if it has been released already. Later uses of other
    /// references to it, in the guest or the host, find no value.
    ///
    /// # Panics
    /// If the reference belongs to another store; [`Rooted::try_release`] returns an error instead.
    pub fn release(&self, store: impl AsContextMut) -> Option<Box<dyn Any + Send + Sync>> {
        or_panic(self.try_release(store))
    }

    /// Removes the value from the store and returns it, as [`Rooted::release`] does.
    ///
    /// # Errors
    /// If the reference belongs to another store.
    pub fn try_release(&self, mut store: impl AsContextMut) -> Result<Option<Box<dyn Any + Send + Sync>>> {
        let core = &mut store.as_context_mut().0.core;
        core.try_check(self.store)?;
        Ok(core.externs.values.remove(&self.number()))
    }

    // Typed functions pass references as `Option`s.
    pub(crate) fn to_bits(r: Option<Rooted<ExternRef>>, core: &StoreCore) -> u64 {
        r.map_or(0, |r| {
            core.check(r.store);
            r.raw.into()
        })
    }

    pub(crate) fn from_bits(bits: u64, store: StoreId) -> Option<Rooted<ExternRef>> {
        let raw = bits as u32;
        (raw != 0).then_some(Rooted { store, raw, epoch: HeapEpoch::ANY, _of: PhantomData })
    }
}

macro_rules! numbers {
    ($($name:ident $unwrap:ident $rust:ty, $what:literal, $pattern:pat => $value:expr;)*) => {
        impl Val {
            $(
                #[doc = concat!("Returns the ", $what, "; none if the value has another type.")]
                pub fn $name(&self) -> Option<$rust> {
                    if let $pattern = *self { Some($value) } else { None }
                }

                #[doc = concat!("Returns the ", $what, ".")]
                ///
                /// # Panics
                /// If the value has another type.
                pub fn $unwrap(&self) -> $rust {
                    self.$name().expect(concat!("the value is not of type ", $what))
                }
            )*
        }
    };
}

numbers! {
    i32 unwrap_i32 i32, "`i32`", Val::I32(value) => value;
    i64 unwrap_i64 i64, "`i64`", Val::I64(value) => value;
    f32 unwrap_f32 f32, "`f32`", Val::F32(bits) => f32::from_bits(bits);
    f64 unwrap_f64 f64, "`f64`", Val::F64(bits) => f64::from_bits(bits);
    v128 unwrap_v128 V128, "`v128`", Val::V128(value) => value;
}

macro_rules! references {
    ($($Type:ident { $($get:ident $unwrap:ident $Variant:ident $Target:ty, $what:literal;)* })*) => {$(
        impl $Type {
            $(
                #[doc = concat!("Returns the ", $what, ", or the inner none if it is null; the outer none if this is not one.")]
                pub fn $get(&self) -> Option<Option<&$Target>> {
                    if let $Type::$Variant(r) = self { Some(r.as_ref()) } else { None }
                }

                #[doc = concat!("Returns the ", $what, "; none if it is null.")]
                ///
                /// # Panics
                #[doc = concat!("If this is not a ", $what, ".")]
                pub fn $unwrap(&self) -> Option<&$Target> {
                    self.$get().expect(concat!("not a ", $what))
                }
            )*
        }
    )*};
}

references! {
    Val {
        funcref unwrap_funcref FuncRef Func, "function reference";
        externref unwrap_externref ExternRef Rooted<ExternRef>, "reference to a host value";
        anyref unwrap_anyref AnyRef Rooted<AnyRef>, "reference to an object of the guest's heap";
    }
    Ref {
        as_func unwrap_func Func Func, "function reference";
        as_extern unwrap_extern Extern Rooted<ExternRef>, "reference to a host value";
        as_any unwrap_any Any Rooted<AnyRef>, "reference to an object of the guest's heap";
    }
}

impl Val {
    /// Returns the default value of a type: zero or null. There is none for a reference type without null, and for a type
    /// of another engine.
    pub fn default_of(ty: ValType, engine: &Engine) -> Option<Val> {
        match ty {
            ValType::Ref(RefType { nullable: false, .. }) => None,
            ValType::Ref(ty) => Ref::null(ty, engine).ok().map(Val::from),
            _ => Val::default_for_ty(&ty),
        }
    }

    /// Returns the default value of a type: zero or null. There is none for a reference type without null, and for a
    /// reference to a type that a module defines: [`Val::default_of`] handles those.
    pub fn default_for_ty(ty: &ValType) -> Option<Val> {
        Some(match ty {
            ValType::I32 => Val::I32(0),
            ValType::I64 => Val::I64(0),
            ValType::F32 => Val::F32(0),
            ValType::F64 => Val::F64(0),
            ValType::V128 => Val::V128(V128::default()),
            ValType::Ref(RefType { nullable: false, .. }) => return None,
            ValType::Ref(RefType { heap, .. }) => match heap {
                HeapType::Func | HeapType::NoFunc => Val::null_func_ref(),
                HeapType::Extern | HeapType::NoExtern => Val::null_extern_ref(),
                HeapType::Concrete(_) => return None,
                _ => Val::null_any_ref(),
            },
        })
    }

    /// Returns the null function reference.
    pub const fn null_func_ref() -> Val {
        Val::FuncRef(None)
    }

    /// Returns the null reference to a host value.
    pub const fn null_extern_ref() -> Val {
        Val::ExternRef(None)
    }

    /// Returns the null reference to an object of the guest's heap.
    pub const fn null_any_ref() -> Val {
        Val::AnyRef(None)
    }

    /// Returns the reference; none if the value is not one.
    pub fn reference(&self) -> Option<Ref> {
        match self {
            Val::FuncRef(r) => Some(Ref::Func(*r)),
            Val::ExternRef(r) => Some(Ref::Extern(*r)),
            Val::AnyRef(r) => Some(Ref::Any(*r)),
            _ => None,
        }
    }

    /// Returns the reference; none if the value is not one. This is [`Val::reference`] under Wasmtime's name.
    pub fn ref_(self) -> Option<Ref> {
        self.reference()
    }

    /// Returns the value's type. A function has its own type, and a null has the bottom type of its hierarchy.
    ///
    /// # Errors
    /// If it is a reference of another store.
    pub fn ty(&self, store: impl AsContext) -> Result<ValType> {
        let core = &store.as_context().0.core;
        let null = |heap| ValType::Ref(RefType { nullable: true, heap });
        Ok(match self {
            Val::I32(_) => ValType::I32,
            Val::I64(_) => ValType::I64,
            Val::F32(_) => ValType::F32,
            Val::F64(_) => ValType::F64,
            Val::V128(_) => ValType::V128,
            Val::FuncRef(None) => null(HeapType::NoFunc),
            Val::ExternRef(None) => null(HeapType::NoExtern),
            Val::AnyRef(None) => null(HeapType::None),
            Val::FuncRef(Some(func)) => {
                core.try_check(func.store_id())?;
                non_null(HeapType::Concrete(func.pointer(core).type_id()))
            }
            Val::ExternRef(Some(r)) => {
                core.try_check(r.store)?;
                non_null(HeapType::Extern)
            }
            Val::AnyRef(Some(r)) => {
                core.try_check(r.store)?;
                non_null(HeapType::Any)
            }
        })
    }

    /// Returns whether the value can be used where a type is expected.
    ///
    /// # Errors
    /// If it is a reference of another store.
    pub fn matches_ty(&self, store: impl AsContext, ty: &ValType) -> Result<bool> {
        let actual = self.ty(&store)?;
        Ok(store.as_context().0.core.engine.types().val_matches(actual, *ty))
    }

    /// Returns the value's slots, after checking that it is of type `ty` and of this store.
    pub(crate) fn to_slots(self, ty: ValType, core: &StoreCore) -> Result<[u64; 2]> {
        let registry = core.engine.types();
        if let Some(id) = ty.defined().filter(|id| registry.get(*id).is_none()) {
            return Err(ForeignType(id).into());
        }
        let own = |id: StoreId| if id == core.id { Ok(()) } else { Err(Error::msg("a reference of another store")) };
        let (actual, bits) = match self {
            Val::I32(value) => (ValType::I32, value as u32 as u64),
            Val::I64(value) => (ValType::I64, value as u64),
            Val::F32(bits) => (ValType::F32, bits.into()),
            Val::F64(bits) => (ValType::F64, bits),
            Val::V128(value) => {
                if ty != ValType::V128 {
                    return Err(mismatch(ty, ValType::V128, registry));
                }
                let bits = value.to_u128();
                return Ok([bits as u64, (bits >> 64) as u64]);
            }
            Val::FuncRef(None) => (null(ty, Hierarchy::Func, registry), 0),
            Val::ExternRef(None) => (null(ty, Hierarchy::Extern, registry), 0),
            Val::AnyRef(None) => (null(ty, Hierarchy::Any, registry), 0),
            Val::FuncRef(Some(func)) => {
                own(func.store_id())?;
                (non_null(HeapType::Concrete(core.func_type_id(func))), func.to_bits())
            }
            Val::ExternRef(Some(r)) => {
                own(r.store)?;
                (non_null(HeapType::Extern), r.raw.into())
            }
            Val::AnyRef(Some(r)) => {
                own(r.store)?;
                if !core.heap.is_valid(r.raw, r.epoch) {
                    return Err(Error::msg("a reference to an object that was moved or freed by a collection"));
                }
                (non_null(HeapType::Any), r.raw.into())
            }
        };
        if registry.val_matches(actual, ty) { Ok([bits, 0]) } else { Err(mismatch(ty, actual, registry)) }
    }

    pub(crate) fn from_slots(slots: &[u64], ty: ValType, core: &StoreCore) -> Val {
        let first = slots[0];
        match ty {
            ValType::I32 => Val::I32(first as i32),
            ValType::I64 => Val::I64(first as i64),
            ValType::F32 => Val::F32(first as u32),
            ValType::F64 => Val::F64(first),
            ValType::V128 => Val::V128(V128::from_u128(first as u128 | (slots[1] as u128) << 64)),
            ValType::Ref(r) => Ref::from_bits(first, r, core).into(),
        }
    }
}

/// Returns the type of a null in place of a value of type `ty`: the bottom type if the hierarchies match, and otherwise
/// the top type, which messages show.
fn null(ty: ValType, hierarchy: Hierarchy, registry: &TypeRegistry) -> ValType {
    let fits = matches!(ty, ValType::Ref(r) if registry.hierarchy(r.heap) == hierarchy);
    let heap = match (hierarchy, fits) {
        (Hierarchy::Func, true) => HeapType::NoFunc,
        (Hierarchy::Func, false) => HeapType::Func,
        (Hierarchy::Extern, true) => HeapType::NoExtern,
        (Hierarchy::Extern, false) => HeapType::Extern,
        (Hierarchy::Exn, true) => HeapType::NoExn,
        (Hierarchy::Exn, false) => HeapType::Exn,
        (Hierarchy::Any, true) => HeapType::None,
        (Hierarchy::Any, false) => HeapType::Any,
    };
    ValType::Ref(RefType { nullable: true, heap })
}

fn non_null(heap: HeapType) -> ValType {
    ValType::Ref(RefType { nullable: false, heap })
}

fn mismatch(expected: ValType, found: ValType, registry: &TypeRegistry) -> Error {
    let [expected, found] = [expected, found].map(|ty| shown(ty, registry));
    Error::msg(format!("type mismatch: expected a value of type {expected}, found {found}"))
}

/// Formats a type for messages. A function type appears as its parameters and results instead of its number.
fn shown(ty: ValType, registry: &TypeRegistry) -> String {
    match ty {
        ValType::Ref(RefType { nullable, heap: HeapType::Concrete(id) })
            if registry.get(id).is_some_and(|def| def.sub.as_func().is_some()) =>
        {
            format!("(ref {}{})", if nullable { "null " } else { "" }, registry.func(id))
        }
        ty => ty.to_string(),
    }
}

impl Ref {
    pub(crate) fn from_bits(bits: u64, ty: RefType, core: &StoreCore) -> Ref {
        let raw = bits as u32;
        match core.engine.types().hierarchy(ty.heap) {
            Hierarchy::Func => Ref::Func(Func::from_bits(bits, core.id)),
            Hierarchy::Extern => Ref::Extern(Rooted::from_bits(bits, core.id)),
            _ => Ref::Any((raw != 0).then(|| Rooted {
                store: core.id,
                raw,
                epoch: core.heap.epoch(raw),
                _of: PhantomData,
            })),
        }
    }

    /// Returns the null of a type.
    ///
    /// # Errors
    /// If the type mentions a type of another engine, or of a dropped module.
    pub fn null(ty: RefType, engine: &Engine) -> Result<Ref> {
        engine.types().group_of(ValType::Ref(ty))?;
        Ok(match engine.types().hierarchy(ty.heap) {
            Hierarchy::Func => Ref::Func(None),
            Hierarchy::Extern => Ref::Extern(None),
            _ => Ref::Any(None),
        })
    }

    /// Returns the function; none if the reference is null or not a function.
    pub fn into_func(self) -> Option<Func> {
        if let Ref::Func(r) = self { r } else { None }
    }

    /// Returns the reference to a host value; none if it is null or of another hierarchy.
    pub fn into_extern(self) -> Option<Rooted<ExternRef>> {
        if let Ref::Extern(r) = self { r } else { None }
    }

    /// Returns whether the reference is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Ref::Func(None) | Ref::Extern(None) | Ref::Any(None))
    }

    /// Returns whether the reference is not null.
    pub fn is_non_null(&self) -> bool {
        !self.is_null()
    }

    /// Returns whether this is a function reference, null included.
    pub fn is_func(&self) -> bool {
        matches!(self, Ref::Func(_))
    }

    /// Returns whether this is a reference to a host value, null included.
    pub fn is_extern(&self) -> bool {
        matches!(self, Ref::Extern(_))
    }

    /// Returns whether this is a reference to an object of the guest's heap, null included.
    pub fn is_any(&self) -> bool {
        matches!(self, Ref::Any(_))
    }
}

impl From<Ref> for Val {
    fn from(r: Ref) -> Val {
        match r {
            Ref::Func(r) => Val::FuncRef(r),
            Ref::Extern(r) => Val::ExternRef(r),
            Ref::Any(r) => Val::AnyRef(r),
        }
    }
}

macro_rules! from {
    ($($To:ident { $($ty:ty => $value:pat, $to:expr;)* })*) => {$($(
        impl From<$ty> for $To {
            fn from($value: $ty) -> $To {
                $to
            }
        }
    )*)*};
}

from! {
    Val {
        i32 => v, Val::I32(v);
        u32 => v, Val::I32(v as i32);
        i64 => v, Val::I64(v);
        u64 => v, Val::I64(v as i64);
        f32 => v, Val::F32(v.to_bits());
        f64 => v, Val::F64(v.to_bits());
        V128 => v, Val::V128(v);
        Func => v, Val::FuncRef(Some(v));
        Option<Func> => v, Val::FuncRef(v);
        Rooted<ExternRef> => v, Val::ExternRef(Some(v));
        Option<Rooted<ExternRef>> => v, Val::ExternRef(v);
        Rooted<AnyRef> => v, Val::AnyRef(Some(v));
        Option<Rooted<AnyRef>> => v, Val::AnyRef(v);
    }
    Ref {
        Func => v, Ref::Func(Some(v));
        Option<Func> => v, Ref::Func(v);
        Rooted<ExternRef> => v, Ref::Extern(Some(v));
        Option<Rooted<ExternRef>> => v, Ref::Extern(v);
        Rooted<AnyRef> => v, Ref::Any(Some(v));
        Option<Rooted<AnyRef>> => v, Ref::Any(v);
    }
}
