//! Values as embedders see them.

use std::any::Any;
use std::fmt;

use kinglet_abi::EXTERN_TAG;
use kinglet_wasm::V128;
use kinglet_wasm::types::{ForeignType, HeapType, Hierarchy, RefType, TypeRegistry, ValType};

use crate::store::{ResourceKind, StoreCore, StoreId};
use crate::vm::Epoch;
use crate::{AsContext, AsContextMut, Engine, Error, Func, Result};

/// A value of any type, as [`Func::call`] takes and gives them (core specification, "Values").
///
/// ```
/// use kinglet::{Val, ValType, V128};
///
/// let values = [Val::from(-1_i32), Val::from(u64::MAX), Val::from(0.5_f64), Val::from(V128::default())];
/// assert_eq!((values[0].i32(), values[1].i64(), values[2].f64()), (Some(-1), Some(-1), Some(0.5)));
/// assert_eq!(values[0].i64(), None, "a value is of one type");
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
    /// A reference to a value of the host, or null.
    ExternRef(Option<ExternRef>),
    /// A reference to an object of the guest's heap, or null.
    AnyRef(Option<AnyRef>),
}

/// A reference of any hierarchy, or null.
///
/// ```
/// use kinglet::{Engine, Func, Ref, RefType, Store, Table, TableType, Val};
///
/// let mut store = Store::new(&Engine::default(), ());
/// let table = Table::new(&mut store, TableType::new(RefType::FUNCREF, 2, None), Ref::Func(None))?;
/// let double = Func::wrap(&mut store, |x: i32| x * 2);
/// table.set(&mut store, 1, Ref::Func(Some(double)))?;
/// assert!(matches!(table.get(&mut store, 0), Some(Ref::Func(None))));
/// let Some(Ref::Func(Some(double))) = table.get(&mut store, 1) else { panic!("it was set") };
/// assert_eq!(double.typed::<i32, i32>(&store)?.call(&mut store, 4)?, 8);
/// # Ok::<(), kinglet::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub enum Ref {
    /// A function.
    Func(Option<Func>),
    /// A value of the host.
    Extern(Option<ExternRef>),
    /// An object of the guest's heap.
    Any(Option<AnyRef>),
}

/// A reference to a value of the host, which guests can hold and pass on but not look into. The store keeps the value
/// until [`ExternRef::release`], or until the store is dropped: it does not follow where guests put references. A
/// limiter bounds how many there are ([`ResourceLimiter::extern_refs`](crate::ResourceLimiter::extern_refs)).
///
/// ```
/// use kinglet::{Engine, ExternRef, Instance, Module, Store};
///
/// let engine = Engine::default();
/// let mut store = Store::new(&engine, ());
/// let module = Module::new(&engine, r#"(module
///     (func (export "same") (param externref) (result externref) (local.get 0)))"#)?;
/// let instance = Instance::new(&mut store, &module, &[])?;
/// let same = instance.get_typed_func::<Option<ExternRef>, Option<ExternRef>>(&mut store, "same")?;
///
/// let name = ExternRef::new(&mut store, String::from("Ada"))?;
/// let back = same.call(&mut store, Some(name))?.expect("not null");
/// let data = back.data(&store).expect("not released");
/// assert_eq!(data.downcast_ref::<String>().unwrap(), "Ada");
///
/// name.release(&mut store);
/// assert!(back.data(&store).is_none());
/// # Ok::<(), kinglet::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ExternRef {
    store: StoreId,
    raw: u32,
}

/// The bits below the number in a reference to a value of the host.
const TAG_BITS: u32 = 3;

/// A reference to an object of the guest's heap. Only passes through: it is good until the next collection, which can
/// come whenever a guest of the store runs. One that is used later is an error.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AnyRef {
    store: StoreId,
    raw: u32,
    epoch: Epoch,
}

impl fmt::Debug for ExternRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExternRef({})", self.raw)
    }
}

impl fmt::Debug for AnyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AnyRef({})", self.raw)
    }
}

impl ExternRef {
    /// Hands a value of the host to a store, to be passed through the guest.
    ///
    /// # Errors
    /// If the store's limiter lets it hold no more; or if it has been given 2²⁹, released ones included.
    pub fn new(mut store: impl AsContextMut, value: impl Any + Send + Sync) -> Result<ExternRef> {
        let core = &mut store.as_context_mut().0.core;
        core.count(ResourceKind::ExternRefs, core.externs.values.len())?;
        let place = core.externs.made;
        let Some(raw) = place.checked_mul(1 << TAG_BITS) else {
            return Err(Error::msg("a store cannot be given more values of the host"));
        };
        core.externs.made += 1;
        core.externs.values.insert(place, Box::new(value));
        Ok(ExternRef { store: core.id, raw: raw | EXTERN_TAG })
    }

    fn place(&self, core: &StoreCore) -> u32 {
        core.check(self.store);
        self.raw >> TAG_BITS
    }

    /// The value; none if it was released.
    ///
    /// # Panics
    /// If the reference is another store's.
    pub fn data<'a, T: 'static>(
        &self,
        store: impl Into<crate::StoreContext<'a, T>>,
    ) -> Option<&'a (dyn Any + Send + Sync)> {
        let core = &store.into().0.core;
        Some(&**core.externs.values.get(&self.place(core))?)
    }

    /// The value, to be changed; none if it was released.
    ///
    /// # Panics
    /// If the reference is another store's.
    pub fn data_mut<'a, T: 'static>(
        &self,
        store: impl Into<crate::StoreContextMut<'a, T>>,
    ) -> Option<&'a mut (dyn Any + Send + Sync)> {
        let core = &mut store.into().0.core;
        let place = self.place(core);
        Some(&mut **core.externs.values.get_mut(&place)?)
    }

    /// Takes the value back. References to it that are still about, in the guest or the host, find none from now on.
    ///
    /// # Panics
    /// If the reference is another store's.
    pub fn release(&self, mut store: impl AsContextMut) -> Option<Box<dyn Any + Send + Sync>> {
        let core = &mut store.as_context_mut().0.core;
        let place = self.place(core);
        core.externs.values.remove(&place)
    }
}

impl Val {
    /// The default value of a type: zero or null; none for a reference that cannot be null, or of a type that this engine
    /// does not have.
    pub fn default_of(ty: ValType, engine: &Engine) -> Option<Val> {
        Some(match ty {
            ValType::I32 => Val::I32(0),
            ValType::I64 => Val::I64(0),
            ValType::F32 => Val::F32(0),
            ValType::F64 => Val::F64(0),
            ValType::V128 => Val::V128(V128::default()),
            ValType::Ref(RefType { nullable: false, .. }) => return None,
            ValType::Ref(ty) => Ref::null(ty, engine).ok()?.into(),
        })
    }

    /// The `i32`, if it is one.
    pub fn i32(&self) -> Option<i32> {
        if let Val::I32(value) = self { Some(*value) } else { None }
    }

    /// The `i64`, if it is one.
    pub fn i64(&self) -> Option<i64> {
        if let Val::I64(value) = self { Some(*value) } else { None }
    }

    /// The `f32`, if it is one.
    pub fn f32(&self) -> Option<f32> {
        if let Val::F32(bits) = self { Some(f32::from_bits(*bits)) } else { None }
    }

    /// The `f64`, if it is one.
    pub fn f64(&self) -> Option<f64> {
        if let Val::F64(bits) = self { Some(f64::from_bits(*bits)) } else { None }
    }

    /// The vector, if it is one.
    pub fn v128(&self) -> Option<V128> {
        if let Val::V128(value) = self { Some(*value) } else { None }
    }

    /// The reference, if it is one.
    pub fn reference(&self) -> Option<Ref> {
        match self {
            Val::FuncRef(r) => Some(Ref::Func(*r)),
            Val::ExternRef(r) => Some(Ref::Extern(*r)),
            Val::AnyRef(r) => Some(Ref::Any(*r)),
            _ => None,
        }
    }

    /// Its type; of a function its own, of a null that of the null reference of its hierarchy.
    ///
    /// # Panics
    /// If it is a reference of another store.
    pub fn ty(&self, store: impl AsContext) -> ValType {
        let core = &store.as_context().0.core;
        let null = |heap| ValType::Ref(RefType { nullable: true, heap });
        match self {
            Val::I32(_) => ValType::I32,
            Val::I64(_) => ValType::I64,
            Val::F32(_) => ValType::F32,
            Val::F64(_) => ValType::F64,
            Val::V128(_) => ValType::V128,
            Val::FuncRef(None) => null(HeapType::NoFunc),
            Val::ExternRef(None) => null(HeapType::NoExtern),
            Val::AnyRef(None) => null(HeapType::None),
            Val::FuncRef(Some(func)) => non_null(HeapType::Concrete(func.pointer(core).type_id())),
            Val::ExternRef(Some(r)) => {
                core.check(r.store);
                non_null(HeapType::Extern)
            }
            Val::AnyRef(Some(r)) => {
                core.check(r.store);
                non_null(HeapType::Any)
            }
        }
    }

    /// Its slots, after checking that it is a value of `ty` and of this store.
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

/// The type of a null where a value of `ty` is wanted: that of all nulls of its hierarchy, or where another is wanted, the
/// name by which the embedder knows it.
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

fn mismatch(wanted: ValType, given: ValType, registry: &TypeRegistry) -> Error {
    let [wanted, given] = [wanted, given].map(|ty| shown(ty, registry));
    Error::msg(format!("type mismatch: expected a value of type {wanted}, found {given}"))
}

/// A type as messages show it: of a function its parameters and results, rather than the number of its type.
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
            Hierarchy::Extern => Ref::Extern((raw != 0).then_some(ExternRef { store: core.id, raw })),
            _ => Ref::Any((raw != 0).then_some(AnyRef { store: core.id, raw, epoch: core.heap.epoch(raw) })),
        }
    }

    /// The null of a type.
    ///
    /// # Errors
    /// If the type mentions one of another engine, or of a module that has been dropped.
    pub fn null(ty: RefType, engine: &Engine) -> Result<Ref> {
        engine.types().group_of(ValType::Ref(ty))?;
        Ok(match engine.types().hierarchy(ty.heap) {
            Hierarchy::Func => Ref::Func(None),
            Hierarchy::Extern => Ref::Extern(None),
            _ => Ref::Any(None),
        })
    }

    /// The function, if it is one and not null.
    pub fn into_func(self) -> Option<Func> {
        if let Ref::Func(r) = self { r } else { None }
    }

    /// The reference to a value of the host, if it is one and not null.
    pub fn into_extern(self) -> Option<ExternRef> {
        if let Ref::Extern(r) = self { r } else { None }
    }

    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Ref::Func(None) | Ref::Extern(None) | Ref::Any(None))
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

impl From<ExternRef> for Ref {
    fn from(r: ExternRef) -> Ref {
        Ref::Extern(Some(r))
    }
}

impl From<Func> for Ref {
    fn from(func: Func) -> Ref {
        Ref::Func(Some(func))
    }
}

macro_rules! val_from {
    ($($ty:ty => $value:pat, $to:expr;)*) => {$(
        impl From<$ty> for Val {
            fn from($value: $ty) -> Val {
                $to
            }
        }
    )*};
}

val_from! {
    i32 => v, Val::I32(v);
    u32 => v, Val::I32(v as i32);
    i64 => v, Val::I64(v);
    u64 => v, Val::I64(v as i64);
    f32 => v, Val::F32(v.to_bits());
    f64 => v, Val::F64(v.to_bits());
    V128 => v, Val::V128(v);
    Func => v, Val::FuncRef(Some(v));
    ExternRef => v, Val::ExternRef(Some(v));
}

// Typed functions pass references as `Option`s.
impl ExternRef {
    pub(crate) fn to_bits(r: Option<ExternRef>, core: &StoreCore) -> u64 {
        r.map_or(0, |r| {
            core.check(r.store);
            r.raw.into()
        })
    }

    pub(crate) fn from_bits(bits: u64, store: StoreId) -> Option<ExternRef> {
        (bits as u32 != 0).then_some(ExternRef { store, raw: bits as u32 })
    }
}
