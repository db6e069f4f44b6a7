//! The WebAssembly 3.0 type system: value, reference, composite and external types, and the engine-wide registry that
//! gives every type one canonical id by hash-consing recursion groups, so that type equality is one compare and a
//! subtype check one look-up in the type's display (core specification, "Types" and "Type Closure").

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, RwLock};

/// The canonical id of a defined type, unique in its [`TypeRegistry`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct TypeId(pub u32);

/// Ids from here up stand for a type's place in the recursion group being interned; none leaves [`TypeRegistry`].
const REC_BASE: u32 = 1 << 31;

impl TypeId {
    /// The `index`th type of the recursion group handed to [`TypeRegistry::intern`].
    pub const fn in_group(index: u32) -> TypeId {
        TypeId(REC_BASE + index)
    }
}

impl fmt::Debug for TypeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t{}", self.0)
    }
}

/// What a reference refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HeapType {
    /// Any function.
    Func,
    /// Any value of the host.
    Extern,
    /// Any object of the guest's heap.
    Any,
    /// Objects that can be compared.
    Eq,
    /// Integers of 31 bits that are not boxed.
    I31,
    /// Any structure.
    Struct,
    /// Any array.
    Array,
    /// Any exception.
    Exn,
    /// Nothing, below [`HeapType::Any`]: only null.
    None,
    /// Nothing, below [`HeapType::Func`].
    NoFunc,
    /// Nothing, below [`HeapType::Extern`].
    NoExtern,
    /// Nothing, below [`HeapType::Exn`].
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
    /// What it refers to.
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

    /// The number of 8-byte slots a value takes in a frame or an argument array.
    pub const fn slots(self) -> u32 {
        match self {
            ValType::V128 => 2,
            _ => 1,
        }
    }

    /// The reference type, if it is one.
    pub const fn as_ref(self) -> Option<RefType> {
        match self {
            ValType::Ref(r) => Some(r),
            _ => None,
        }
    }

    /// Whether a value may refer to the garbage-collected heap (so that a collector must know and may change it).
    /// Function references never do.
    pub const fn is_traced(self) -> bool {
        match self {
            ValType::Ref(r) => !matches!(r.heap, HeapType::Func | HeapType::NoFunc | HeapType::I31),
            _ => false,
        }
    }

    /// Whether a local of this type has a default value.
    pub const fn is_defaultable(self) -> bool {
        match self {
            ValType::Ref(r) => r.nullable,
            _ => true,
        }
    }
}

/// The number of slots that values of these types take together.
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

/// A function type.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct FuncType {
    params: Box<[ValType]>,
    results: Box<[ValType]>,
}

impl FuncType {
    /// From parameter and result types.
    pub fn new(params: impl IntoIterator<Item = ValType>, results: impl IntoIterator<Item = ValType>) -> FuncType {
        FuncType { params: params.into_iter().collect(), results: results.into_iter().collect() }
    }

    /// The parameter types.
    pub fn params(&self) -> &[ValType] {
        &self.params
    }

    /// The result types.
    pub fn results(&self) -> &[ValType] {
        &self.results
    }

    /// The slots an argument array needs: parameters on the way in, results on the way out.
    pub fn array_slots(&self) -> u32 {
        slots_of(&self.params).max(slots_of(&self.results))
    }
}

impl FuncType {
    /// Parameters and results in the text format, with a space before each list; nothing where there are none.
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

/// As in the text format: `func (param i32 i64) (result f32)`.
impl fmt::Display for FuncType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "func{}", self.signature())
    }
}

/// The type of a field of a structure or of an array's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FieldType {
    /// What is stored.
    pub storage: StorageType,
    /// Whether it can be changed.
    pub mutable: bool,
}

/// What a field stores.
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
    /// Whether nothing may extend it.
    pub is_final: bool,
    /// The declared supertype.
    pub supertype: Option<TypeId>,
    /// The type itself.
    pub composite: CompositeType,
}

impl SubType {
    /// A final function type without supertype, as plain `(type (func …))` declares.
    pub fn func(ty: FuncType) -> SubType {
        SubType { is_final: true, supertype: None, composite: CompositeType::Func(ty) }
    }

    /// The function type, if it is one.
    pub fn as_func(&self) -> Option<&FuncType> {
        match &self.composite {
            CompositeType::Func(ty) => Some(ty),
            _ => None,
        }
    }

    fn map_ids(&mut self, f: &dyn Fn(TypeId) -> TypeId) {
        let val = |t: &mut ValType| {
            if let ValType::Ref(RefType { heap: HeapType::Concrete(id), .. }) = t {
                *id = f(*id);
            }
        };
        let field = |t: &mut FieldType| {
            if let StorageType::Val(t) = &mut t.storage {
                val(t);
            }
        };
        if let Some(id) = &mut self.supertype {
            *id = f(*id);
        }
        match &mut self.composite {
            CompositeType::Func(ty) => ty.params.iter_mut().chain(ty.results.iter_mut()).for_each(val),
            CompositeType::Struct(fields) => fields.iter_mut().for_each(field),
            CompositeType::Array(element) => field(element),
        }
    }
}

/// Whether addresses and sizes are 32 or 64 bits wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IndexType {
    /// 32 bits.
    I32,
    /// 64 bits.
    I64,
}

impl IndexType {
    /// The value type of an index.
    pub const fn val_type(self) -> ValType {
        match self {
            IndexType::I32 => ValType::I32,
            IndexType::I64 => ValType::I64,
        }
    }
}

/// The type of a linear memory; sizes in pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MemoryType {
    /// Width of its addresses.
    pub index: IndexType,
    /// Initial pages.
    pub min: u64,
    /// Most pages it may grow to.
    pub max: Option<u64>,
    /// Whether threads may share it.
    pub shared: bool,
    /// The size of a page is 2 to this power: 16, or 0 with custom page sizes.
    pub page_size_log2: u8,
}

impl MemoryType {
    /// A 32-bit memory of 64 KiB pages.
    pub fn new(min: u32, max: Option<u32>) -> MemoryType {
        MemoryType {
            index: IndexType::I32,
            min: min.into(),
            max: max.map(u64::from),
            shared: false,
            page_size_log2: 16,
        }
    }

    /// Bytes in a page.
    pub const fn page_size(&self) -> u64 {
        1 << self.page_size_log2
    }

    /// The most pages the index type can address (core specification, "Memory Types").
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
    /// Width of its indices.
    pub index: IndexType,
    /// Initial elements.
    pub min: u64,
    /// Most elements it may grow to.
    pub max: Option<u64>,
    /// The type of its elements.
    pub element: RefType,
}

impl TableType {
    /// A table with 32-bit indices.
    pub fn new(element: RefType, min: u32, max: Option<u32>) -> TableType {
        TableType { index: IndexType::I32, min: min.into(), max: max.map(u64::from), element }
    }
}

/// The type of a global.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GlobalType {
    /// The type of its value.
    pub content: ValType,
    /// Whether it can be changed.
    pub mutable: bool,
}

/// The type of a tag: the exceptions thrown with it carry the parameters of this function type.
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
    /// The specification's word for its kind.
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

/// A registered type: the definition with canonical ids, and its ancestors for subtype checks.
#[derive(Debug)]
pub struct TypeDef {
    /// The definition.
    pub sub: SubType,
    /// Its chain of supertypes, root first, itself last.
    pub display: Box<[TypeId]>,
}

/// All defined types of an engine. Append-only: ids stay valid as long as the registry.
#[derive(Debug, Default)]
pub struct TypeRegistry {
    inner: RwLock<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    groups: HashMap<Box<[SubType]>, TypeId>,
    types: Vec<Arc<TypeDef>>,
}

impl TypeRegistry {
    /// Interns a recursion group and returns the id of its first type; the others follow consecutively. References
    /// within the group are written [`TypeId::in_group`].
    pub fn intern(&self, group: Vec<SubType>) -> TypeId {
        let group = group.into_boxed_slice();
        if let Some(id) = self.read().groups.get(&group) {
            return *id;
        }
        let mut inner = self.inner.write().unwrap_or_else(|e| e.into_inner());
        if let Some(id) = inner.groups.get(&group) {
            return *id;
        }
        let first = TypeId(inner.types.len() as u32);
        for (i, sub) in group.iter().enumerate() {
            let mut sub = sub.clone();
            sub.map_ids(&|id| if id.0 >= REC_BASE { TypeId(first.0 + (id.0 - REC_BASE)) } else { id });
            let mut display = match sub.supertype {
                Some(parent) => inner.types[parent.0 as usize].display.to_vec(),
                None => Vec::new(),
            };
            display.push(TypeId(first.0 + i as u32));
            inner.types.push(Arc::new(TypeDef { sub, display: display.into() }));
        }
        inner.groups.insert(group, first);
        first
    }

    /// The canonical id of a plain function type.
    pub fn intern_func(&self, ty: &FuncType) -> TypeId {
        self.intern(vec![SubType::func(ty.clone())])
    }

    /// The definition of a type.
    pub fn get(&self, id: TypeId) -> Arc<TypeDef> {
        self.read().types[id.0 as usize].clone()
    }

    /// The function type with this id; an empty one if it is not a function type, which validation excludes.
    pub fn func(&self, id: TypeId) -> FuncType {
        self.get(id).sub.as_func().cloned().unwrap_or_default()
    }

    /// Whether `a` is `b` or one of its declared subtypes.
    pub fn is_subtype(&self, a: TypeId, b: TypeId) -> bool {
        if a == b {
            return true;
        }
        let inner = self.read();
        let depth = inner.types[b.0 as usize].display.len() - 1;
        inner.types[a.0 as usize].display.get(depth) == Some(&b)
    }

    /// Whether every `a` is a `b` (core specification, "Matching", heap types).
    pub fn heap_matches(&self, a: HeapType, b: HeapType) -> bool {
        use HeapType::*;
        match (a, b) {
            (Concrete(a), Concrete(b)) => self.is_subtype(a, b),
            (Concrete(a), b) => {
                let kind = match self.get(a).sub.composite {
                    CompositeType::Func(_) => Func,
                    CompositeType::Struct(_) => Struct,
                    CompositeType::Array(_) => Array,
                };
                self.heap_matches(kind, b)
            }
            (None, b) => self.hierarchy(b) == Hierarchy::Any,
            (NoFunc, b) => self.hierarchy(b) == Hierarchy::Func,
            (NoExtern, b) => self.hierarchy(b) == Hierarchy::Extern,
            (NoExn, b) => self.hierarchy(b) == Hierarchy::Exn,
            (I31 | Struct | Array, Eq) | (Eq | I31 | Struct | Array, Any) => true,
            (a, b) => a == b,
        }
    }

    /// The hierarchy a heap type belongs to.
    pub fn hierarchy(&self, heap: HeapType) -> Hierarchy {
        match heap {
            HeapType::Func | HeapType::NoFunc => Hierarchy::Func,
            HeapType::Extern | HeapType::NoExtern => Hierarchy::Extern,
            HeapType::Exn | HeapType::NoExn => Hierarchy::Exn,
            HeapType::Concrete(id) if self.get(id).sub.as_func().is_some() => Hierarchy::Func,
            _ => Hierarchy::Any,
        }
    }

    /// Whether every `a` is a `b` (core specification, "Matching", reference types).
    pub fn ref_matches(&self, a: RefType, b: RefType) -> bool {
        (b.nullable || !a.nullable) && self.heap_matches(a.heap, b.heap)
    }

    /// Whether every `a` is a `b` (core specification, "Matching", value types).
    pub fn val_matches(&self, a: ValType, b: ValType) -> bool {
        match (a, b) {
            (ValType::Ref(a), ValType::Ref(b)) => self.ref_matches(a, b),
            (a, b) => a == b,
        }
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Inner> {
        self.inner.read().unwrap_or_else(|e| e.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_groups_share_ids_and_order_matters() {
        let registry = TypeRegistry::default();
        let node = |index| SubType {
            is_final: true,
            supertype: None,
            composite: CompositeType::Struct(Box::new([FieldType {
                storage: StorageType::Val(ValType::Ref(RefType {
                    nullable: true,
                    heap: HeapType::Concrete(TypeId::in_group(index)),
                })),
                mutable: false,
            }])),
        };
        let a = registry.intern(vec![node(0), node(1)]);
        let b = registry.intern(vec![node(0), node(1)]);
        let c = registry.intern(vec![node(1), node(0)]);
        assert_eq!(a, b);
        assert_ne!(a, c);
    }

    #[test]
    fn subtypes_are_found_in_the_display() {
        let registry = TypeRegistry::default();
        let open = |supertype| SubType { is_final: false, supertype, composite: CompositeType::Struct(Box::new([])) };
        let root = registry.intern(vec![open(None)]);
        let child = registry.intern(vec![open(Some(root))]);
        let grandchild = registry.intern(vec![open(Some(child))]);
        assert!(registry.is_subtype(grandchild, root));
        assert!(!registry.is_subtype(root, child));
        assert!(registry.heap_matches(HeapType::Concrete(grandchild), HeapType::Eq));
        assert!(!registry.heap_matches(HeapType::Concrete(grandchild), HeapType::Func));
        assert!(registry.heap_matches(HeapType::None, HeapType::Concrete(child)));
    }
}
