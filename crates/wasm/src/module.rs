//! A decoded and validated module: what the binary says, in this crate's own types, ready for any engine. Immutable.
//! Function bodies stay ranges of the module's bytes, to be walked when a tier wants them.

use std::ops::Range;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::{Arc, OnceLock};

use crate::error::{Error, Result};
use crate::initial::Initial;
use crate::types::*;

/// Where a module's parts come from when it is instantiated.
#[derive(Clone, Debug)]
pub struct Import {
    /// The first of the two names.
    pub module: Box<str>,
    /// The second.
    pub name: Box<str>,
    /// What is wanted.
    pub ty: ExternType,
}

/// Which of the module's entities an export names, by index in its index space (imports first).
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
    /// What it names.
    pub index: ExternIndex,
}

/// A constant expression. The usual ones are plain values; any other is a small function to be walked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ConstExpr {
    /// A number's bits, or 0 for a null reference.
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
    /// What its elements are at first; null if absent.
    pub init: Option<ConstExpr>,
}

/// A global defined by the module.
#[derive(Clone, Copy, Debug)]
pub struct Global {
    /// Its initial value.
    pub init: ConstExpr,
}

/// How a segment is used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SegmentMode {
    /// Copied when the module is instantiated.
    Active {
        /// The memory or table it goes to.
        target: u32,
        /// Where in it.
        offset: ConstExpr,
    },
    /// Copied by `memory.init` or `table.init`.
    Passive,
    /// Only declares that functions are referenced.
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
    /// The number of items.
    pub fn len(&self) -> usize {
        match self {
            ElemItems::Funcs(items) => items.len(),
            ElemItems::Exprs(items) => items.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The `i`th item.
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
    /// How it is used.
    pub mode: SegmentMode,
    /// The type of its items.
    pub ty: RefType,
    /// Its items.
    pub items: ElemItems,
}

/// A data segment.
#[derive(Clone, Debug)]
pub struct DataSegment {
    /// How it is used.
    pub mode: SegmentMode,
    /// Its bytes, as a range of the module's.
    pub range: Range<usize>,
}

/// A constant expression that is walked as a function without parameters.
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

/// The part of a module that the binary's name section gives.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// The module's name.
    pub module: Option<Box<str>>,
    /// Where in the module's bytes function names are, sorted by index: there may be millions, and few are asked for.
    pub(crate) funcs: Vec<(u32, Range<u32>)>,
}

/// A binary that is shared, wherever it is kept: in memory of its own, or in a file that is mapped.
#[derive(Clone)]
pub struct Bytes(Arc<dyn Kept>);

/// What bytes can be kept in.
pub trait Kept: AsRef<[u8]> + Send + Sync + UnwindSafe + RefUnwindSafe + 'static {
    /// Whether a part of the bytes is what was put there; asked before it is relied on.
    fn is_intact(&self, _part: Range<usize>) -> bool {
        true
    }
}

impl Kept for Vec<u8> {}

impl Bytes {
    /// Shares what is kept there, which must not change.
    pub fn new(kept: impl Kept) -> Bytes {
        Bytes(Arc::new(kept))
    }

    /// A part that is relied on.
    ///
    /// # Errors
    /// If it is not what it was when it was validated.
    pub fn part(&self, part: Range<usize>) -> Result<&[u8]> {
        let bytes = self.get(part.clone()).ok_or_else(|| Error::impossible("a part that is not in the module"))?;
        if self.0.is_intact(part) { Ok(bytes) } else { Err(Error::damaged()) }
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
    /// Canonical ids of the module's types, by their index in the module.
    pub types: Vec<TypeId>,
    /// Their definitions.
    pub type_defs: Vec<Arc<TypeDef>>,
    /// Their groups, which keep them registered.
    pub type_groups: Vec<Arc<TypeGroup>>,
    /// Imports, in order.
    pub imports: Vec<Import>,
    /// For every function, imported ones first: its type's index in the module.
    pub funcs: Vec<u32>,
    /// All tables' types, imported ones first.
    pub tables: Vec<TableType>,
    /// All memories, imported ones first.
    pub memories: Vec<MemoryType>,
    /// All globals' types, imported ones first.
    pub globals: Vec<GlobalType>,
    /// For every tag, imported ones first: its type's index in the module.
    pub tags: Vec<u32>,
    /// How many functions are imported.
    pub imported_funcs: u32,
    /// How many tables are imported.
    pub imported_tables: u32,
    /// How many memories are imported.
    pub imported_memories: u32,
    /// How many globals are imported.
    pub imported_globals: u32,
    /// How many tags are imported.
    pub imported_tags: u32,
    /// The tables defined here.
    pub defined_tables: Vec<Table>,
    /// The globals defined here.
    pub defined_globals: Vec<Global>,
    /// Exports, in order.
    pub exports: Vec<Export>,
    /// The function to run when the module is instantiated.
    pub start: Option<u32>,
    /// Element segments.
    pub elems: Vec<ElemSegment>,
    /// Data segments; empty if they are late.
    pub datas: Vec<DataSegment>,
    /// Where data segments are of which only what they leave in the first memory matters, and that is known. They are all
    /// active, or no code can use them.
    pub(crate) late_datas: Option<Range<usize>>,
    /// The bodies of the functions defined here (locals and operators), as ranges of the module's bytes.
    pub bodies: Vec<Range<usize>>,
    /// Where the contents of the code section begin in the module's bytes.
    pub code_start: usize,
    /// Constant expressions that are more than a value.
    pub const_bodies: Vec<ConstBody>,
    /// Custom sections, in order.
    pub customs: Vec<CustomSection>,
    /// For every function, whether anything but a direct call can refer to it.
    pub escaping: Vec<bool>,
    pub(crate) names: OnceLock<Names>,
    pub(crate) initial: OnceLock<Initial>,
}

impl Module {
    /// The type of a function, by its index.
    pub fn func_type(&self, func: u32) -> &FuncType {
        self.func_type_at(self.funcs[func as usize])
    }

    /// The function type at a type index.
    pub fn func_type_at(&self, ty: u32) -> &FuncType {
        static EMPTY: OnceLock<FuncType> = OnceLock::new();
        self.type_defs[ty as usize].sub.as_func().unwrap_or_else(|| EMPTY.get_or_init(FuncType::default))
    }

    /// The canonical type of a function, by its index.
    pub fn func_type_id(&self, func: u32) -> TypeId {
        self.types[self.funcs[func as usize] as usize]
    }

    /// The type of what an export or index names.
    pub fn extern_type(&self, index: ExternIndex) -> ExternType {
        match index {
            ExternIndex::Func(i) => ExternType::Func(self.func_type_id(i)),
            ExternIndex::Table(i) => ExternType::Table(self.tables[i as usize]),
            ExternIndex::Memory(i) => ExternType::Memory(self.memories[i as usize]),
            ExternIndex::Global(i) => ExternType::Global(self.globals[i as usize]),
            ExternIndex::Tag(i) => ExternType::Tag(TagType { ty: self.types[self.tags[i as usize] as usize] }),
        }
    }

    /// The name section, read on first use; what of it is malformed counts as absent.
    pub fn names(&self) -> &Names {
        self.names.get_or_init(|| crate::decode::names(self))
    }

    /// The name of a function: from the name section, else the export it is under.
    pub fn func_name(&self, func: u32) -> Option<&str> {
        let names = &self.names().funcs;
        if let Ok(i) = names.binary_search_by_key(&func, |(index, _)| *index) {
            let range = &names[i].1;
            return std::str::from_utf8(self.bytes.get(range.start as usize..range.end as usize)?).ok();
        }
        self.exports.iter().find(|e| e.index == ExternIndex::Func(func)).map(|e| &*e.name)
    }
}
