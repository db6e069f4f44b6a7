//! Constructors and getters of types under the names that Wasmtime uses, beside the public fields.

use super::{FuncType, GlobalType, HeapType, IndexType, MemoryType, RefType, TableType, ValType};

/// Whether a global's value can change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mutability {
    /// The value never changes.
    Const,
    /// The value can change.
    Var,
}

impl Mutability {
    /// Returns whether the value can change.
    pub const fn is_var(self) -> bool {
        matches!(self, Mutability::Var)
    }

    /// Returns whether the value never changes.
    pub const fn is_const(self) -> bool {
        matches!(self, Mutability::Const)
    }
}

impl FuncType {
    /// Returns the type of the parameter at an index, counted from 0; none if there are fewer parameters.
    pub fn param(&self, index: usize) -> Option<ValType> {
        self.params().get(index).copied()
    }

    /// Returns the type of the result at an index, counted from 0; none if there are fewer results.
    pub fn result(&self, index: usize) -> Option<ValType> {
        self.results().get(index).copied()
    }
}

impl GlobalType {
    /// Creates the type of a global from the type of its value and its mutability.
    pub const fn new(content: ValType, mutability: Mutability) -> GlobalType {
        GlobalType { content, mutable: mutability.is_var() }
    }

    /// Returns the type of the value.
    pub const fn content(&self) -> &ValType {
        &self.content
    }

    /// Returns whether the value can change.
    pub const fn mutability(&self) -> Mutability {
        if self.mutable { Mutability::Var } else { Mutability::Const }
    }
}

impl MemoryType {
    /// Creates the type of a 64-bit memory of 64 KiB pages. Both sizes are in pages.
    pub const fn new64(min: u64, max: Option<u64>) -> MemoryType {
        MemoryType { index: IndexType::I64, min, max, shared: false, page_size_log2: 16 }
    }

    /// Returns whether addresses are 64 bits wide.
    pub const fn is_64(&self) -> bool {
        matches!(self.index, IndexType::I64)
    }

    /// Returns whether threads can share the memory.
    pub const fn is_shared(&self) -> bool {
        self.shared
    }

    /// Returns the initial size in pages.
    pub const fn minimum(&self) -> u64 {
        self.min
    }

    /// Returns the maximum size in pages; none if only the index type limits the size.
    pub const fn maximum(&self) -> Option<u64> {
        self.max
    }

    /// Returns the base-2 logarithm of the page size in bytes.
    pub const fn page_size_log2(&self) -> u8 {
        self.page_size_log2
    }
}

impl TableType {
    /// Creates the type of a table with 64-bit indices. Both sizes are in elements.
    pub const fn new64(element: RefType, min: u64, max: Option<u64>) -> TableType {
        TableType { index: IndexType::I64, min, max, element }
    }

    /// Returns whether indices are 64 bits wide.
    pub const fn is_64(&self) -> bool {
        matches!(self.index, IndexType::I64)
    }

    /// Returns the type of the elements.
    pub const fn element(&self) -> &RefType {
        &self.element
    }

    /// Returns the initial number of elements.
    pub const fn minimum(&self) -> u64 {
        self.min
    }

    /// Returns the maximum number of elements; none if only the index type limits the number.
    pub const fn maximum(&self) -> Option<u64> {
        self.max
    }
}

impl RefType {
    /// Creates a reference type.
    pub const fn new(nullable: bool, heap: HeapType) -> RefType {
        RefType { nullable, heap }
    }

    /// Returns whether null is a value of the type.
    pub const fn is_nullable(&self) -> bool {
        self.nullable
    }

    /// Returns the type of the referenced values.
    pub const fn heap_type(&self) -> &HeapType {
        &self.heap
    }
}

macro_rules! val_type_predicates {
    ($($name:ident, $ty:pat, $what:literal;)*) => {
        impl ValType {
            $(
                #[doc = concat!("Returns whether the type is ", $what, ".")]
                pub const fn $name(&self) -> bool {
                    matches!(self, $ty)
                }
            )*
        }
    };
}

val_type_predicates! {
    is_i32, ValType::I32, "`i32`";
    is_i64, ValType::I64, "`i64`";
    is_f32, ValType::F32, "`f32`";
    is_f64, ValType::F64, "`f64`";
    is_v128, ValType::V128, "`v128`";
    is_ref, ValType::Ref(_), "a reference type";
    is_num, ValType::I32 | ValType::I64 | ValType::F32 | ValType::F64, "a number type";
    is_funcref, ValType::Ref(RefType { nullable: true, heap: HeapType::Func }), "`funcref`";
    is_externref, ValType::Ref(RefType { nullable: true, heap: HeapType::Extern }), "`externref`";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn getters_return_what_the_constructors_were_given() {
        let ty = FuncType::new([ValType::I32, ValType::F64], [ValType::I64]);
        assert_eq!(
            (ty.param(1), ty.param(2), ty.result(0), ty.result(1)),
            (Some(ValType::F64), None, Some(ValType::I64), None)
        );
        let global = GlobalType::new(ValType::I64, Mutability::Var);
        assert!(global.content().is_i64() && global.mutability().is_var());
        assert!(GlobalType::new(ValType::I64, Mutability::Const).mutability().is_const());
        let memory = MemoryType::new64(2, Some(3));
        assert!(memory.is_64() && !memory.is_shared() && !MemoryType::new(2, None).is_64());
        assert_eq!((memory.minimum(), memory.maximum(), memory.page_size_log2()), (2, Some(3), 16));
        let table = TableType::new64(RefType::FUNCREF, 4, None);
        assert!(table.is_64() && table.element().is_nullable() && !TableType::new(RefType::FUNCREF, 4, None).is_64());
        assert_eq!((table.minimum(), table.maximum(), table.element().heap_type()), (4, None, &HeapType::Func));
        assert!(!RefType::new(false, HeapType::Extern).is_nullable());
    }

    #[test]
    fn predicates_tell_value_types_apart() {
        assert!(ValType::FUNCREF.is_funcref() && ValType::FUNCREF.is_ref() && !ValType::FUNCREF.is_num());
        assert!(ValType::EXTERNREF.is_externref() && !ValType::EXTERNREF.is_funcref());
        assert!(ValType::I32.is_i32() && ValType::F32.is_f32() && ValType::F64.is_f64() && ValType::V128.is_v128());
        assert!(ValType::I64.is_num() && !ValType::V128.is_num());
    }
}
