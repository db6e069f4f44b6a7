//! The types of imports and exports as embedders see them, and matching them when modules are linked.

use std::fmt;

pub use kinglet_wasm::types::FuncType;
use kinglet_wasm::types::{self as wasm, TypeRegistry};

use crate::{Func, Global, GlobalType, Memory, MemoryType, Table, TableType, Tag};

/// The type of a tag: what its exceptions carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagType {
    ty: FuncType,
}

impl TagType {
    /// From a function type without results.
    pub fn new(ty: FuncType) -> TagType {
        TagType { ty }
    }

    /// The function type whose parameters its exceptions carry.
    pub fn ty(&self) -> &FuncType {
        &self.ty
    }
}

/// The type of an import or export.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the specification's own names
pub enum ExternType {
    Func(FuncType),
    Table(TableType),
    Memory(MemoryType),
    Global(GlobalType),
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
}

/// What a module imports.
#[derive(Clone, Debug)]
pub struct ImportType<'m> {
    pub(crate) module: &'m str,
    pub(crate) name: &'m str,
    pub(crate) ty: ExternType,
}

impl<'m> ImportType<'m> {
    /// The name of the module it is imported from.
    pub fn module(&self) -> &'m str {
        self.module
    }

    /// Its name in that module.
    pub fn name(&self) -> &'m str {
        self.name
    }

    /// What is wanted.
    pub fn ty(&self) -> ExternType {
        self.ty.clone()
    }
}

/// What a module exports.
#[derive(Clone, Debug)]
pub struct ExportType<'m> {
    pub(crate) name: &'m str,
    pub(crate) ty: ExternType,
}

impl<'m> ExportType<'m> {
    /// Its name.
    pub fn name(&self) -> &'m str {
        self.name
    }

    /// What it is.
    pub fn ty(&self) -> ExternType {
        self.ty.clone()
    }
}

/// Something that can be imported or exported.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)] // the specification's own names
pub enum Extern {
    Func(Func),
    Table(Table),
    Memory(Memory),
    Global(Global),
    Tag(Tag),
}

macro_rules! extern_conversions {
    ($($Kind:ident $into:ident;)*) => {
        impl Extern {
            $(
                #[doc = concat!("The ", stringify!($Kind), ", if it is one.")]
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

/// A module could not be given what it imports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkError(pub(crate) String);

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for LinkError {}

/// Whether something of type `given`, with its present sizes as minima, can be imported as `wanted` (core
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
