//! The WebAssembly 3.0 type system: value, reference, composite and external types, and the engine-wide type registry.
//! The registry hash-conses recursion groups, so every type has one canonical id. Type equality is one comparison, and a
//! subtype check is one lookup in the type's display (core specification, "Types" and "Type Closure").

mod accessors;
mod registry;

use std::fmt;

pub use accessors::Mutability;
pub use registry::{ForeignType, TypeDef, TypeGroup, TypeRegistry};

/// The canonical id of a defined type. It is unique in the process, so that a registry detects types of another registry.
/// Ids are reused only after all 2³¹ have been used.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct TypeId(pub u32);

/// Ids from here on refer to types of the recursion group that is being interned: `REC_BASE + i` is its `i`th type.
/// Registered types never contain them.
const REC_BASE: u32 = 1 << 31;

impl TypeId {
    /// Returns the id of the `index`th type within a recursion group, for [`TypeRegistry::intern`].
    pub const fn in_group(index: u32) -> TypeId {
        TypeId(REC_BASE + index)
    }
}

impl fmt::Debug for TypeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t{}", self.0)
    }
}

/// A heap type: the type of a reference's referent (core specification, "Heap Types").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HeapType {
    /// Any function.
    Func,
    /// Any value of the host.
    Extern,
    /// Any object of the guest's heap.
    Any,
    /// Any object that `ref.eq` can compare.
    Eq,
    /// Unboxed 31-bit integers.
    I31,
    /// Any structure.
    Struct,
    /// Any array.
    Array,
    /// Any exception.
    Exn,
    /// The bottom type of the hierarchy of [`HeapType::Any`]. Only null has it.
    None,
    /// The bottom type of the hierarchy of [`HeapType::Func`].
    NoFunc,
    /// The bottom type of the hierarchy of [`HeapType::Extern`].
    NoExtern,
    /// The bottom type of the hierarchy of [`HeapType::Exn`].
    NoExn,
    /// A defined type.
    Concrete(TypeId),
}

/// The four disjoint hierarchies of heap types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hierarchy {
    /// Functions.
    Func,
    /// Values of the host.
    Extern,
    /// Objects of the guest's heap.
    Any,
    /// Exceptions.
    Exn,
}

/// A reference type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RefType {
    /// Whether null is a value of the type.
    pub nullable: bool,
    /// The heap type of the referent.
    pub heap: HeapType,
}

impl RefType {
    /// `funcref`
    pub const FUNCREF: RefType = RefType { nullable: true, heap: HeapType::Func };
    /// `externref`
    pub const EXTERNREF: RefType = RefType { nullable: true, heap: HeapType::Extern };
    /// `anyref`
    pub const ANYREF: RefType = RefType { nullable: true, heap: HeapType::Any };
    /// `exnref`
    pub const EXNREF: RefType = RefType { nullable: true, heap: HeapType::Exn };
}

/// A value type (core specification, "Value Types").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValType {
    /// A 32-bit integer.
    I32,
    /// A 64-bit integer.
    I64,
    /// A 32-bit float.
    F32,
    /// A 64-bit float.
    F64,
    /// A vector of 128 bits.
    V128,
    /// A reference.
    Ref(RefType),
}

impl ValType {
    /// `funcref`
    pub const FUNCREF: ValType = ValType::Ref(RefType::FUNCREF);
    /// `externref`
    pub const EXTERNREF: ValType = ValType::Ref(RefType::EXTERNREF);

    /// Returns the defined type that this type refers to, if any.
    pub const fn defined(self) -> Option<TypeId> {
        match self {
            ValType::Ref(RefType { heap: HeapType::Concrete(id), .. }) => Some(id),
            _ => None,
        }
    }

    /// Returns the number of 8-byte slots that a value occupies in a frame or an argument array.
    pub const fn slots(self) -> u32 {
        match self {
            ValType::V128 => 2,
            _ => 1,
        }
    }

    /// Returns the reference type, or `None` for numbers and vectors.
    pub const fn as_ref(self) -> Option<RefType> {
        match self {
            ValType::Ref(r) => Some(r),
            _ => None,
        }
    }

    /// Returns whether values are GC-managed: they may refer to the garbage-collected heap, so a collector must trace
    /// them and may update them. Function references are never GC-managed.
    pub const fn is_gc_managed(self) -> bool {
        match self {
            ValType::Ref(r) => !matches!(r.heap, HeapType::Func | HeapType::NoFunc | HeapType::I31),
            _ => false,
        }
    }

    /// Returns whether a local of this type has a default value.
    pub const fn is_defaultable(self) -> bool {
        match self {
            ValType::Ref(r) => r.nullable,
            _ => true,
        }
    }
}

/// Returns the total number of 8-byte slots that values of these types occupy.
pub fn slots_of(types: &[ValType]) -> u32 {
    types.iter().map(|t| t.slots()).sum()
}

impl fmt::Display for HeapType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            HeapType::Func => "func",
            HeapType::Extern => "extern",
            HeapType::Any => "any",
            HeapType::Eq => "eq",
            HeapType::I31 => "i31",
            HeapType::Struct => "struct",
            HeapType::Array => "array",
            HeapType::Exn => "exn",
            HeapType::None => "none",
            HeapType::NoFunc => "nofunc",
            HeapType::NoExtern => "noextern",
            HeapType::NoExn => "noexn",
            HeapType::Concrete(id) => return write!(f, "{id:?}"),
        })
    }
}

impl fmt::Display for ValType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ValType::I32 => f.write_str("i32"),
            ValType::I64 => f.write_str("i64"),
            ValType::F32 => f.write_str("f32"),
            ValType::F64 => f.write_str("f64"),
            ValType::V128 => f.write_str("v128"),
            ValType::Ref(RefType { nullable: true, heap: HeapType::Concrete(id) }) => write!(f, "(ref null {id:?})"),
            ValType::Ref(RefType { nullable: true, heap: HeapType::None }) => f.write_str("nullref"),
            ValType::Ref(RefType { nullable: true, heap: HeapType::NoFunc }) => f.write_str("nullfuncref"),
            ValType::Ref(RefType { nullable: true, heap: HeapType::NoExtern }) => f.write_str("nullexternref"),
            ValType::Ref(RefType { nullable: true, heap: HeapType::NoExn }) => f.write_str("nullexnref"),
            ValType::Ref(RefType { nullable: true, heap }) => write!(f, "{heap}ref"),
            ValType::Ref(RefType { nullable: false, heap }) => write!(f, "(ref {heap})"),
        }
    }
}

/// A function type. If it refers to types that a module defines (`(ref $t)`), it is valid only in that module's engine, and
/// only while this module or another module with the same types exists. It does not keep these types registered.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct FuncType {
    params: Box<[ValType]>,
    results: Box<[ValType]>,
}

impl FuncType {
    /// Creates a function type from parameter and result types.
    pub fn new(params: impl IntoIterator<Item = ValType>, results: impl IntoIterator<Item = ValType>) -> FuncType {
        FuncType { params: params.into_iter().collect(), results: results.into_iter().collect() }
    }

    /// Returns the parameter types.
    pub fn params(&self) -> &[ValType] {
        &self.params
    }

    /// Returns the result types.
    pub fn results(&self) -> &[ValType] {
        &self.results
    }

    /// Returns the number of slots of an argument array, which holds the parameters before a call and the results after.
    pub fn array_slots(&self) -> u32 {
        slots_of(&self.params).max(slots_of(&self.results))
    }
}

impl FuncType {
    /// Returns parameters and results in the text format, each list with a leading space. Empty lists are omitted.
    pub fn signature(&self) -> String {
        let mut text = String::new();
        for (word, types) in [("param", &self.params), ("result", &self.results)] {
            if !types.is_empty() {
                let types: Vec<String> = types.iter().map(ToString::to_string).collect();
                text.push_str(&format!(" ({word} {})", types.join(" ")));
            }
        }
        text
    }
}

/// Writes the type in the text format: `func (param i32 i64) (result f32)`.
impl fmt::Display for FuncType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "func{}", self.signature())
    }
}

/// The type of a field of a structure or of an array's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FieldType {
    /// The type of the stored value.
    pub storage: StorageType,
    /// Whether the field is mutable.
    pub mutable: bool,
}

/// A storage type (core specification, "Aggregate Types").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StorageType {
    /// An integer of 8 bits.
    I8,
    /// An integer of 16 bits.
    I16,
    /// A value.
    Val(ValType),
}

/// The three kinds of defined types.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CompositeType {
    /// A function type.
    Func(FuncType),
    /// A structure type.
    Struct(Box<[FieldType]>),
    /// An array type.
    Array(FieldType),
}

/// A defined type with its place in the subtype hierarchy.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SubType {
    /// Whether it is final, so that it cannot have subtypes.
    pub is_final: bool,
    /// The declared supertype.
    pub supertype: Option<TypeId>,
    /// The type itself.
    pub composite: CompositeType,
}

impl SubType {
    /// Creates a final function type without a supertype, as `(type (func …))` declares.
    pub fn func(ty: FuncType) -> SubType {
        SubType { is_final: true, supertype: None, composite: CompositeType::Func(ty) }
    }

    /// Returns the function type, or `None` for structures and arrays.
    pub fn as_func(&self) -> Option<&FuncType> {
        match &self.composite {
            CompositeType::Func(ty) => Some(ty),
            _ => None,
        }
    }

    /// Calls `f` with a mutable reference to each type id in the definition.
    fn each_id(&mut self, f: &mut dyn FnMut(&mut TypeId)) {
        if let Some(id) = &mut self.supertype {
            f(id);
        }
        let mut val = |t: &mut ValType| {
            if let ValType::Ref(RefType { heap: HeapType::Concrete(id), .. }) = t {
                f(id);
            }
        };
        let mut field = |t: &mut FieldType| {
            if let StorageType::Val(t) = &mut t.storage {
                val(t);
            }
        };
        match &mut self.composite {
            CompositeType::Func(ty) => ty.params.iter_mut().chain(ty.results.iter_mut()).for_each(val),
            CompositeType::Struct(fields) => fields.iter_mut().for_each(field),
            CompositeType::Array(element) => field(element),
        }
    }
}

/// The address type of a memory or table: its addresses and sizes have 32 or 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IndexType {
    /// 32 bits.
    I32,
    /// 64 bits.
    I64,
}

impl IndexType {
    /// Returns the value type of an index.
    pub const fn val_type(self) -> ValType {
        match self {
            IndexType::I32 => ValType::I32,
            IndexType::I64 => ValType::I64,
        }
    }
}

/// The type of a linear memory. Its sizes are in pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MemoryType {
    /// The width of its addresses.
    pub index: IndexType,
    /// The initial size in pages.
    pub min: u64,
    /// The maximum size in pages, if limited.
    pub max: Option<u64>,
    /// Whether threads may share it.
    pub shared: bool,
    /// The binary logarithm of the page size: 16, or 0 with custom page sizes.
    pub page_size_log2: u8,
}

impl MemoryType {
    /// Creates the type of a 32-bit memory with pages of 64 KiB.
    pub fn new(min: u32, max: Option<u32>) -> MemoryType {
        MemoryType {
            index: IndexType::I32,
            min: min.into(),
            max: max.map(u64::from),
            shared: false,
            page_size_log2: 16,
        }
    }

    /// Returns the page size in bytes.
    pub const fn page_size(&self) -> u64 {
        1 << self.page_size_log2
    }

    /// Returns the number of pages that the address type can address (core specification, "Memory Types").
    pub const fn address_limit(&self) -> u64 {
        match self.index {
            IndexType::I32 => 1 << (32 - self.page_size_log2),
            IndexType::I64 => {
                if self.page_size_log2 == 0 {
                    u64::MAX
                } else {
                    1 << (64 - self.page_size_log2)
                }
            }
        }
    }
}

/// The type of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TableType {
    /// The width of its indices.
    pub index: IndexType,
    /// The initial number of elements.
    pub min: u64,
    /// The maximum number of elements, if limited.
    pub max: Option<u64>,
    /// The type of its elements.
    pub element: RefType,
}

impl TableType {
    /// Creates the type of a table with 32-bit indices.
    pub fn new(element: RefType, min: u32, max: Option<u32>) -> TableType {
        TableType { index: IndexType::I32, min: min.into(), max: max.map(u64::from), element }
    }
}

/// The type of a global.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GlobalType {
    /// The type of its value.
    pub content: ValType,
    /// Whether it is mutable.
    pub mutable: bool,
}

/// The type of a tag. Exceptions with this tag carry the parameters of its function type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TagType {
    /// The canonical function type.
    pub ty: TypeId,
}

/// The type of an import or export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExternType {
    /// A function of this canonical type.
    Func(TypeId),
    /// A table.
    Table(TableType),
    /// A memory.
    Memory(MemoryType),
    /// A global.
    Global(GlobalType),
    /// A tag.
    Tag(TagType),
}

impl ExternType {
    /// Returns the specification's name of its kind.
    pub const fn kind(&self) -> &'static str {
        match self {
            ExternType::Func(_) => "func",
            ExternType::Table(_) => "table",
            ExternType::Memory(_) => "memory",
            ExternType::Global(_) => "global",
            ExternType::Tag(_) => "tag",
        }
    }
}
