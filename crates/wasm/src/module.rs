//! A decoded and validated module, in this crate's own types. It is immutable and independent of engines. Function
//! bodies stay ranges of the module's bytes until a tier lowers them.

use std::ops::Range;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::{Arc, OnceLock};

use crate::error::{Error, Result};
use crate::initial::InitialState;
use crate::types::*;

/// An import.
#[derive(Clone, Debug)]
pub struct Import {
    /// The module name, the first of the two names.
    pub module: Box<str>,
    /// The item name, the second of the two names.
    pub name: Box<str>,
    /// The type that the module requires.
    pub ty: ExternType,
}

/// An entity of the module, by its index in the index space of its kind (imports first).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExternIndex {
    /// A function.
    Func(u32),
    /// A table.
    Table(u32),
    /// A memory.
    Memory(u32),
    /// A global.
    Global(u32),
    /// A tag.
    Tag(u32),
}

/// An export.
#[derive(Clone, Debug)]
pub struct Export {
    /// Its name.
    pub name: Box<str>,
    /// The exported entity.
    pub index: ExternIndex,
}

/// A constant expression. Common forms have a variant each; all others are executed as a small function.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ConstExpr {
    /// The bits of a number or vector, or 0 for a null reference.
    Bits(u128),
    /// The value of a global.
    GlobalGet(u32),
    /// A reference to a function.
    RefFunc(u32),
    /// An index into [`Module::const_bodies`].
    Body(u32),
}

/// A table defined by the module.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// Its type.
    pub ty: TableType,
    /// The initial value of its elements; null if absent.
    pub init: Option<ConstExpr>,
}

/// A global defined by the module.
#[derive(Clone, Copy, Debug)]
pub struct Global {
    /// Its initial value.
    pub init: ConstExpr,
}

/// The mode of a segment (core specification, "Element Segments" and "Data Segments").
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SegmentMode {
    /// Instantiation copies the segment.
    Active {
        /// The index of the memory or table.
        target: u32,
        /// The offset in the memory or table.
        offset: ConstExpr,
    },
    /// `memory.init` or `table.init` copies the segment.
    Passive,
    /// The segment only forward-declares the functions that `ref.func` may reference.
    Declared,
}

/// The items of an element segment.
#[derive(Clone, Debug)]
pub enum ElemItems {
    /// Functions by index.
    Funcs(Box<[u32]>),
    /// Constant expressions.
    Exprs(Box<[ConstExpr]>),
}

impl ElemItems {
    /// Returns the number of items.
    pub fn len(&self) -> usize {
        match self {
            ElemItems::Funcs(items) => items.len(),
            ElemItems::Exprs(items) => items.len(),
        }
    }

    /// Returns whether there are no items.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the `i`th item.
    pub fn get(&self, i: usize) -> Option<ConstExpr> {
        match self {
            ElemItems::Funcs(items) => items.get(i).map(|f| ConstExpr::RefFunc(*f)),
            ElemItems::Exprs(items) => items.get(i).copied(),
        }
    }
}

/// An element segment.
#[derive(Clone, Debug)]
pub struct ElemSegment {
    /// Its mode.
    pub mode: SegmentMode,
    /// The type of its items.
    pub ty: RefType,
    /// Its items.
    pub items: ElemItems,
}

/// A data segment.
#[derive(Clone, Debug)]
pub struct DataSegment {
    /// Its mode.
    pub mode: SegmentMode,
    /// Its bytes, as a range of the module's bytes.
    pub range: Range<usize>,
}

/// A constant expression that is executed as a function without parameters.
#[derive(Clone, Debug)]
pub struct ConstBody {
    /// The type of its result.
    pub ty: ValType,
    /// Its operators, as a range of the module's bytes.
    pub range: Range<usize>,
}

/// A custom section.
#[derive(Clone, Debug)]
pub struct CustomSection {
    /// Its name.
    pub name: Box<str>,
    /// Its contents, as a range of the module's bytes.
    pub range: Range<usize>,
}

/// The contents of the name section.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// The module's name.
    pub module: Option<Box<str>>,
    /// The ranges of function names in the module's bytes, sorted by function index. A module may have millions of
    /// names, of which few are used, so they are not copied.
    pub(crate) funcs: Vec<(u32, Range<u32>)>,
}

/// A shared binary, in allocated memory or in a mapped file.
#[derive(Clone)]
pub struct Bytes(Arc<dyn ByteStorage>);

/// Storage for the bytes of a module.
pub trait ByteStorage: AsRef<[u8]> + Send + Sync + UnwindSafe + RefUnwindSafe + 'static {
    /// Verifies a range of the bytes. Returns false if they have changed since they were stored. [`Bytes::part`] calls
    /// this for each range before use.
    fn verify(&self, _range: Range<usize>) -> bool {
        true
    }
}

impl ByteStorage for Vec<u8> {}

impl Bytes {
    /// Shares the bytes in `storage`, which must not change.
    pub fn new(storage: impl ByteStorage) -> Bytes {
        Bytes(Arc::new(storage))
    }

    /// Returns a range of the bytes after verifying it.
    ///
    /// # Errors
    /// If the range is out of bounds, or if its bytes have changed since validation.
    pub fn part(&self, range: Range<usize>) -> Result<&[u8]> {
        let bytes = self.get(range.clone()).ok_or_else(|| Error::impossible("a range outside the module"))?;
        if self.0.verify(range) { Ok(bytes) } else { Err(Error::damaged()) }
    }
}

impl Default for Bytes {
    fn default() -> Bytes {
        Bytes::new(Vec::new())
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Bytes {
        Bytes::new(bytes)
    }
}

impl std::ops::Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        (*self.0).as_ref()
    }
}

impl std::fmt::Debug for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.len())
    }
}

/// A decoded, validated module.
#[derive(Debug, Default)]
pub struct Module {
    /// The binary.
    pub bytes: Bytes,
    /// The canonical ids of the module's types, by type index.
    pub types: Vec<TypeId>,
    /// The definitions of the types, by type index.
    pub type_defs: Vec<Arc<TypeDef>>,
    /// The recursion groups of the types. Holding them keeps the types registered.
    pub type_groups: Vec<Arc<TypeGroup>>,
    /// Imports, in order.
    pub imports: Vec<Import>,
    /// The type index of each function, imported functions first.
    pub funcs: Vec<u32>,
    /// The type of each table, imported tables first.
    pub tables: Vec<TableType>,
    /// The type of each memory, imported memories first.
    pub memories: Vec<MemoryType>,
    /// The type of each global, imported globals first.
    pub globals: Vec<GlobalType>,
    /// The type index of each tag, imported tags first.
    pub tags: Vec<u32>,
    /// The number of imported functions.
    pub imported_funcs: u32,
    /// The number of imported tables.
    pub imported_tables: u32,
    /// The number of imported memories.
    pub imported_memories: u32,
    /// The number of imported globals.
    pub imported_globals: u32,
    /// The number of imported tags.
    pub imported_tags: u32,
    /// The tables defined here.
    pub defined_tables: Vec<Table>,
    /// The globals defined here.
    pub defined_globals: Vec<Global>,
    /// Exports, in order.
    pub exports: Vec<Export>,
    /// The index of the start function, which instantiation calls.
    pub start: Option<u32>,
    /// Element segments.
    pub elems: Vec<ElemSegment>,
    /// Data segments; empty if `lazy_data_section` is set.
    pub datas: Vec<DataSegment>,
    /// The range of a data section that is not decoded, because the caller already has the initial contents of the first
    /// memory. Its segments are active, or no code can use them.
    pub(crate) lazy_data_section: Option<Range<usize>>,
    /// The bodies of the functions defined here (locals and operators), as ranges of the module's bytes.
    pub bodies: Vec<Range<usize>>,
    /// The offset of the code section's contents in the module's bytes.
    pub code_start: usize,
    /// The constant expressions that are executed as functions.
    pub const_bodies: Vec<ConstBody>,
    /// Custom sections, in order.
    pub customs: Vec<CustomSection>,
    /// For each function, whether anything other than a direct call can refer to it.
    pub escaping: Vec<bool>,
    pub(crate) names: OnceLock<Names>,
    pub(crate) initial: OnceLock<InitialState>,
}

impl Module {
    /// Returns the type of a function, by function index.
    pub fn func_type(&self, func: u32) -> &FuncType {
        self.func_type_at(self.funcs[func as usize])
    }

    /// Returns the function type at a type index. It is empty if the type is not a function type, which validation
    /// excludes.
    pub fn func_type_at(&self, ty: u32) -> &FuncType {
        static EMPTY: OnceLock<FuncType> = OnceLock::new();
        self.type_defs[ty as usize].sub.as_func().unwrap_or_else(|| EMPTY.get_or_init(FuncType::default))
    }

    /// Returns the canonical type id of a function, by function index.
    pub fn func_type_id(&self, func: u32) -> TypeId {
        self.types[self.funcs[func as usize] as usize]
    }

    /// Returns the type of an entity.
    pub fn extern_type(&self, index: ExternIndex) -> ExternType {
        match index {
            ExternIndex::Func(i) => ExternType::Func(self.func_type_id(i)),
            ExternIndex::Table(i) => ExternType::Table(self.tables[i as usize]),
            ExternIndex::Memory(i) => ExternType::Memory(self.memories[i as usize]),
            ExternIndex::Global(i) => ExternType::Global(self.globals[i as usize]),
            ExternIndex::Tag(i) => ExternType::Tag(TagType { ty: self.types[self.tags[i as usize] as usize] }),
        }
    }

    /// Returns the contents of the name section, decoded on first use. Malformed subsections are ignored.
    pub fn names(&self) -> &Names {
        self.names.get_or_init(|| crate::decode::names(self))
    }

    /// Returns the name of a function: its name in the name section, otherwise the name of an export.
    pub fn func_name(&self, func: u32) -> Option<&str> {
        let names = &self.names().funcs;
        if let Ok(i) = names.binary_search_by_key(&func, |(index, _)| *index) {
            let range = &names[i].1;
            return std::str::from_utf8(self.bytes.get(range.start as usize..range.end as usize)?).ok();
        }
        self.exports.iter().find(|e| e.index == ExternIndex::Func(func)).map(|e| &*e.name)
    }
}
