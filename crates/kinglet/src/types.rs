//! The types of imports and exports as embedders see them, and their matching when modules are linked.

use std::fmt;

pub use kinglet_wasm::types::FuncType;
use kinglet_wasm::types::{self as wasm, TypeRegistry};

use crate::store::{StoreId, or_panic};
use crate::trap::display_name;
use crate::{AsContext, Func, Global, GlobalType, Memory, MemoryType, Result, Table, TableType, Tag};

/// The type of a tag, which is the type of its exceptions' values.
///
/// ```
/// use kinglet::{FuncType, TagType, ValType};
///
/// let ty = TagType::new(FuncType::new([ValType::I32, ValType::I64], []));
/// assert_eq!(ty.ty().params(), [ValType::I32, ValType::I64]);
/// # Ok::<(), kinglet::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagType {
    ty: FuncType,
}

impl TagType {
    /// Creates a tag type from a function type without results.
    pub fn new(ty: FuncType) -> TagType {
        TagType { ty }
    }

    /// Returns the function type. Its parameters are the types of an exception's values.
    pub fn ty(&self) -> &FuncType {
        &self.ty
    }
}

/// The type of an import or export (core specification, "External Types").
///
/// ```
/// use kinglet::{Engine, ExternType, Module};
///
/// let module = Module::new(&Engine::default(), r#"(module
///     (memory (export "memory") 1 16) (func (export "run") (param i32 i64) (result f64) (f64.const 0)))"#)?;
/// let Some(ExternType::Memory(memory)) = module.get_export("memory") else { panic!("it is a memory") };
/// assert_eq!((memory.minimum(), memory.maximum()), (1, Some(16)));
/// let run = module.get_export("run").unwrap();
/// assert_eq!((run.kind(), run.func().unwrap().params().len()), ("func", 2));
/// assert_eq!(run.to_string(), "func (param i32 i64) (result f64)");
/// # Ok::<(), kinglet::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExternType {
    /// A function's.
    Func(FuncType),
    /// A table's.
    Table(TableType),
    /// A memory's.
    Memory(MemoryType),
    /// A global's.
    Global(GlobalType),
    /// A tag's.
    Tag(TagType),
}

impl ExternType {
    pub(crate) fn new(ty: wasm::ExternType, registry: &TypeRegistry) -> ExternType {
        match ty {
            wasm::ExternType::Func(id) => ExternType::Func(registry.func(id)),
            wasm::ExternType::Table(ty) => ExternType::Table(ty),
            wasm::ExternType::Memory(ty) => ExternType::Memory(ty),
            wasm::ExternType::Global(ty) => ExternType::Global(ty),
            wasm::ExternType::Tag(ty) => ExternType::Tag(TagType { ty: registry.func(ty.ty) }),
        }
    }

    /// Returns the specification's name of the kind: `func`, `table`, `memory`, `global` or `tag`.
    pub fn kind(&self) -> &'static str {
        match self {
            ExternType::Func(_) => "func",
            ExternType::Table(_) => "table",
            ExternType::Memory(_) => "memory",
            ExternType::Global(_) => "global",
            ExternType::Tag(_) => "tag",
        }
    }
}

macro_rules! extern_types {
    ($($Kind:ident $Type:ident $get:ident $unwrap:ident;)*) => {
        impl ExternType {
            $(
                #[doc = concat!("Returns the [`", stringify!($Type), "`]; none if the type is of another kind.")]
                pub fn $get(&self) -> Option<&$Type> {
                    if let ExternType::$Kind(ty) = self { Some(ty) } else { None }
                }

                #[doc = concat!("Returns the [`", stringify!($Type), "`].")]
                ///
                /// # Panics
                /// If the type is of another kind.
                pub fn $unwrap(&self) -> &$Type {
                    self.$get().expect(concat!("not a ", stringify!($Type)))
                }
            )*
        }
    };
}

extern_types! {
    Func FuncType func unwrap_func;
    Table TableType table unwrap_table;
    Memory MemoryType memory unwrap_memory;
    Global GlobalType global unwrap_global;
    Tag TagType tag unwrap_tag;
}

/// An import of a module.
///
/// ```
/// use kinglet::{Engine, Module};
///
/// let module = Module::new(&Engine::default(), r#"(module (import "env" "log" (func (param i32))))"#)?;
/// let import = module.imports().next().unwrap();
/// assert_eq!((import.module(), import.name(), import.ty().to_string()), ("env", "log", "func (param i32)".to_string()));
/// # Ok::<(), kinglet::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ImportType<'m> {
    pub(crate) module: &'m str,
    pub(crate) name: &'m str,
    pub(crate) ty: ExternType,
}

impl<'m> ImportType<'m> {
    /// Returns the name of the module that the import comes from.
    pub fn module(&self) -> &'m str {
        self.module
    }

    /// Returns the import's name in that module.
    pub fn name(&self) -> &'m str {
        self.name
    }

    /// Returns the type that the import must have.
    pub fn ty(&self) -> ExternType {
        self.ty.clone()
    }
}

/// A custom section of a module.
///
/// ```
/// use kinglet::{Engine, Module};
///
/// let module = Module::new(&Engine::default(), r#"(module (@custom "licence" "Apache-2.0"))"#)?;
/// let section = module.custom_sections().next().unwrap();
/// assert_eq!((section.name(), section.data()), ("licence", &b"Apache-2.0"[..]));
/// # Ok::<(), kinglet::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct CustomSection<'m> {
    pub(crate) name: &'m str,
    pub(crate) data: &'m [u8],
}

impl<'m> CustomSection<'m> {
    /// Returns the section's name. Several sections can have the same name.
    pub fn name(&self) -> &'m str {
        self.name
    }

    /// Returns the section's contents without the name.
    pub fn data(&self) -> &'m [u8] {
        self.data
    }
}

/// An export of a module.
///
/// ```
/// use kinglet::{Engine, Module};
///
/// let module = Module::new(&Engine::default(), r#"(module (func (export "run") (result i32) (i32.const 1)))"#)?;
/// let export = module.exports().next().unwrap();
/// assert_eq!((export.name(), export.ty().to_string()), ("run", "func (result i32)".to_string()));
/// # Ok::<(), kinglet::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ExportType<'m> {
    pub(crate) name: &'m str,
    pub(crate) ty: ExternType,
}

impl<'m> ExportType<'m> {
    /// Returns the export's name.
    pub fn name(&self) -> &'m str {
        self.name
    }

    /// Returns the export's type.
    pub fn ty(&self) -> ExternType {
        self.ty.clone()
    }
}

/// An object that can be imported or exported.
///
/// ```
/// use kinglet::{Engine, Extern, Instance, Module, Store, Val};
///
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"(module (global (export "answer") i32 (i32.const 42)))"#)?;
/// let mut store = Store::new(&engine, ());
/// let instance = Instance::new(&mut store, &module, &[])?;
/// let answer = instance.get_export(&mut store, "answer").and_then(Extern::into_global).expect("a global");
/// assert_eq!(answer.get(&mut store).i32(), Some(42));
/// # Ok::<(), kinglet::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub enum Extern {
    /// A function.
    Func(Func),
    /// A table.
    Table(Table),
    /// A memory.
    Memory(Memory),
    /// A global.
    Global(Global),
    /// A tag.
    Tag(Tag),
}

impl Extern {
    /// Returns the object's type. The minimum of a memory or table is its current size.
    ///
    /// # Panics
    /// If the object belongs to another store; [`Extern::try_ty`] returns an error instead.
    pub fn ty(&self, store: impl AsContext) -> ExternType {
        or_panic(self.try_ty(store))
    }

    /// Returns the object's type, as [`Extern::ty`] does.
    ///
    /// # Errors
    /// If the object belongs to another store.
    pub fn try_ty(&self, store: impl AsContext) -> Result<ExternType> {
        Ok(match self {
            Extern::Func(it) => ExternType::Func(it.try_ty(store)?),
            Extern::Table(it) => ExternType::Table(it.try_ty(store)?),
            Extern::Memory(it) => ExternType::Memory(it.try_ty(store)?),
            Extern::Global(it) => ExternType::Global(it.try_ty(store)?),
            Extern::Tag(it) => ExternType::Tag(it.try_ty(store)?),
        })
    }

    pub(crate) fn store(&self) -> StoreId {
        match self {
            Extern::Func(it) => it.store_id(),
            Extern::Table(it) => it.store_id(),
            Extern::Memory(it) => it.store_id(),
            Extern::Global(it) => it.store_id(),
            Extern::Tag(it) => it.store_id(),
        }
    }
}

macro_rules! extern_conversions {
    ($($Kind:ident $into:ident;)*) => {
        impl Extern {
            $(
                #[doc = concat!("Returns the [`", stringify!($Kind), "`]; none if the object is of another kind.")]
                pub fn $into(self) -> Option<$Kind> {
                    match self {
                        Extern::$Kind(it) => Some(it),
                        _ => None,
                    }
                }
            )*
        }
        $(
            impl From<$Kind> for Extern {
                fn from(it: $Kind) -> Extern {
                    Extern::$Kind(it)
                }
            }
        )*
    };
}

extern_conversions! {
    Func into_func;
    Table into_table;
    Memory into_memory;
    Global into_global;
    Tag into_tag;
}

/// The error of a module whose imports cannot be resolved.
///
/// ```
/// use kinglet::{Engine, LinkError, Linker, Module, Store};
///
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"(module (import "host" "prnit" (func (param i32))))"#)?;
/// let mut linker = Linker::new(&engine);
/// linker.func_wrap("host", "print", |number: i32| println!("{number}"))?;
/// let error = linker.instantiate(&mut Store::new(&engine, ()), &module).unwrap_err();
/// let error = error.downcast_ref::<LinkError>().unwrap();
/// assert_eq!(error.to_string(), r#"unknown import "host" "prnit": func (param i32); did you mean "print"?"#);
/// let unknown = error.unknown_imports().next().unwrap();
/// assert_eq!((unknown.module(), unknown.name()), ("host", "prnit"));
/// # Ok::<(), kinglet::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkError {
    pub(crate) message: String,
    pub(crate) unknown: Vec<(String, String, ExternType)>,
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for LinkError {}

impl LinkError {
    pub(crate) fn new(message: impl Into<String>) -> LinkError {
        LinkError { message: message.into(), unknown: Vec::new() }
    }

    /// Returns the imports that nothing defines, each name once. There are none if linking failed for another reason.
    pub fn unknown_imports(&self) -> impl Iterator<Item = ImportType<'_>> {
        self.unknown.iter().map(|(module, name, ty)| ImportType { module, name, ty: ty.clone() })
    }

    pub(crate) fn incompatible((module, name): (&str, &str), wanted: &str, given: &str) -> crate::Error {
        let (module, name) = (display_name(module), display_name(name));
        let message = format!("incompatible import type for \"{module}\" \"{name}\": wanted {wanted}, given {given}");
        crate::Error::new(LinkError::new(message))
    }
}

/// Returns whether an object of type `given`, whose minima are its current sizes, can be imported as `wanted` (core
/// specification, "Matching", external types).
pub(crate) fn matches(given: &wasm::ExternType, wanted: &wasm::ExternType, registry: &TypeRegistry) -> bool {
    use wasm::ExternType::*;
    let limits = |min: u64, max: Option<u64>, wanted_min: u64, wanted_max: Option<u64>| {
        min >= wanted_min
            && match (max, wanted_max) {
                (_, None) => true,
                (None, Some(_)) => false,
                (Some(max), Some(wanted)) => max <= wanted,
            }
    };
    match (given, wanted) {
        (Func(a), Func(b)) => registry.is_subtype(*a, *b),
        (Tag(a), Tag(b)) => a.ty == b.ty,
        (Memory(a), Memory(b)) => {
            a.index == b.index
                && a.shared == b.shared
                && a.page_size_log2 == b.page_size_log2
                && limits(a.min, a.max, b.min, b.max)
        }
        (Table(a), Table(b)) => a.index == b.index && a.element == b.element && limits(a.min, a.max, b.min, b.max),
        (Global(a), Global(b)) => {
            a.mutable == b.mutable
                && if a.mutable { a.content == b.content } else { registry.val_matches(a.content, b.content) }
        }
        _ => false,
    }
}

/// Formats a type for messages.
pub(crate) fn describe(registry: &TypeRegistry, ty: &wasm::ExternType) -> String {
    ExternType::new(*ty, registry).to_string()
}

impl fmt::Display for ExternType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wide = |index| if index == wasm::IndexType::I64 { "64-bit " } else { "" };
        let limits = |min: u64, max: Option<u64>| max.map_or(format!("{min} or more"), |max| format!("{min} to {max}"));
        match self {
            ExternType::Func(ty) => write!(f, "{ty}"),
            ExternType::Memory(ty) => {
                let size = match ty.page_size() {
                    1 => " of 1 byte".to_string(),
                    size if ty.page_size_log2 != 16 => format!(" of {size} bytes"),
                    _ => String::new(),
                };
                let shared = if ty.shared { "shared " } else { "" };
                write!(f, "{shared}{}memory of {} pages{size}", wide(ty.index), limits(ty.min, ty.max))
            }
            ExternType::Table(ty) => {
                let element = wasm::ValType::Ref(ty.element);
                write!(f, "{}table of {} {element}", wide(ty.index), limits(ty.min, ty.max))
            }
            ExternType::Global(ty) => write!(f, "{}global {}", if ty.mutable { "mutable " } else { "" }, ty.content),
            ExternType::Tag(ty) => write!(f, "tag{}", ty.ty.signature()),
        }
    }
}
