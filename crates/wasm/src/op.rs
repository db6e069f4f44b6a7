//! The op table: one row per WebAssembly operation, grouped by family into row macros, and the enums that are generated
//! from the rows.
//!
//! A row has the operation's token (wasmparser's `Operator` variant), its meaning (the function in `sem`), its text,
//! its types and its gas index (the dense index of WasmEdge's cost table). Code that needs an item per operation (the
//! decoder, the evaluators, a tier's dispatch) passes the name of a macro to the family's row macro and receives all
//! rows. Code that needs a value uses the enums. No other place lists operations. To add an operation, add its row; to
//! add a family, add its row macro and its line below. Core specification, chapter "Instructions".

mod float;
mod memory;
mod numeric;
mod structural;
mod vector;

pub use float::FloatShape;

use crate::V128;

/// The kind of a numeric or vector value in a row (core specification, "Number Types" and "Vector Types").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ValKind {
    /// `i32`
    I32,
    /// `i64`
    I64,
    /// `f32`
    F32,
    /// `f64`
    F64,
    /// `v128`
    V128,
}

/// A Rust type that represents a WebAssembly value in rows.
pub trait WasmValue: Copy {
    /// The kind of the values of this type.
    const KIND: ValKind;
}

impl WasmValue for i32 {
    const KIND: ValKind = ValKind::I32;
}
impl WasmValue for i64 {
    const KIND: ValKind = ValKind::I64;
}
impl WasmValue for f32 {
    const KIND: ValKind = ValKind::F32;
}
impl WasmValue for f64 {
    const KIND: ValKind = ValKind::F64;
}
impl WasmValue for V128 {
    const KIND: ValKind = ValKind::V128;
}

/// Generates the items that all families have: the enum, its list, its texts and its gas indices.
macro_rules! family {
    ($doc:literal $Family:ident { $($token:ident $text:literal $gas:literal)* }) => {
        #[doc = $doc]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum $Family {
            $(#[doc = concat!("`", $text, "`")] $token,)*
        }

        impl $Family {
            /// Every operation of the family, in the order of its rows.
            pub const ALL: &'static [$Family] = &[$($Family::$token),*];

            /// Returns the name in the text format.
            pub const fn text(self) -> &'static str {
                const TEXTS: &[&str] = &[$($text),*];
                TEXTS[self as usize]
            }

            /// Returns the index in the gas cost table.
            pub const fn gas_index(self) -> u16 {
                const INDICES: &[u16] = &[$($gas),*];
                INDICES[self as usize]
            }
        }

        impl From<$Family> for Op {
            fn from(op: $Family) -> Op {
                Op::$Family(op)
            }
        }
    };
}

/// Generates the method `operands` of a family.
macro_rules! operands {
    ($($operands:expr),*) => {
        /// Returns the kinds of the operands, in order, without the address operand of a memory access.
        pub const fn operands(self) -> &'static [ValKind] {
            const OPERANDS: &[&[ValKind]] = &[$(&$operands),*];
            OPERANDS[self as usize]
        }
    };
}

/// Generates the method `result` of a family.
macro_rules! result {
    ($($result:ident),*) => {
        /// Returns the kind of the result.
        pub const fn result(self) -> ValKind {
            const RESULTS: &[ValKind] = &[$(<$result as WasmValue>::KIND),*];
            RESULTS[self as usize]
        }
    };
}

/// Generates the method `bytes` of a family of memory accesses.
macro_rules! bytes {
    ($($bytes:literal),*) => {
        /// Returns the number of bytes accessed.
        pub const fn bytes(self) -> u32 {
            const BYTES: &[u32] = &[$($bytes),*];
            BYTES[self as usize]
        }
    };
}

/// Generates the method `lanes` of a family with a lane immediate.
macro_rules! lanes {
    ($($lanes:expr),*) => {
        /// Returns the number of lanes, the exclusive upper bound of the lane immediate.
        pub const fn lanes(self) -> u8 {
            const LANES: &[u8] = &[$($lanes),*];
            LANES[self as usize]
        }
    };
}

/// Generates a family of functions from values to one value.
macro_rules! function_family {
    ($doc:literal $Family:ident:
     $($token:ident $meaning:ident $text:literal ($($operand:ident),*) -> $result:ident $gas:literal;)*) => {
        family! { $doc $Family { $($token $text $gas)* } }
        impl $Family {
            operands! { $([$(<$operand as WasmValue>::KIND),*]),* }
            result! { $($result),* }
        }
    };
}

/// Generates a family of functions from values to two `i64`.
macro_rules! wide_family {
    ($doc:literal $Family:ident:
     $($token:ident $meaning:ident $text:literal ($($operand:ident),*) -> (i64, i64) $gas:literal;)*) => {
        family! { $doc $Family { $($token $text $gas)* } }
        impl $Family {
            operands! { $([$(<$operand as WasmValue>::KIND),*]),* }
        }
    };
}

/// Generates the family of loads.
macro_rules! load_family {
    ($doc:literal $Family:ident:
     $($token:ident $meaning:ident $text:literal [$bytes:literal] -> $result:ident $gas:literal;)*) => {
        family! { $doc $Family { $($token $text $gas)* } }
        impl $Family {
            bytes! { $($bytes),* }
            result! { $($result),* }
        }
    };
}

/// Generates the family of stores.
macro_rules! store_family {
    ($doc:literal $Family:ident:
     $($token:ident $meaning:ident $text:literal $operand:ident -> [$bytes:literal] $gas:literal;)*) => {
        family! { $doc $Family { $($token $text $gas)* } }
        impl $Family {
            operands! { $([<$operand as WasmValue>::KIND]),* }
            bytes! { $($bytes),* }
        }
    };
}

/// Generates the family of loads into a lane.
macro_rules! load_lane_family {
    ($doc:literal $Family:ident:
     $($token:ident $meaning:ident $text:literal [$bytes:literal] -> $result:ident $gas:literal;)*) => {
        family! { $doc $Family { $($token $text $gas)* } }
        impl $Family {
            operands! { $([<$result as WasmValue>::KIND]),* }
            bytes! { $($bytes),* }
            lanes! { $(16 / $bytes),* }
            result! { $($result),* }
        }
    };
}

/// Generates the family of stores of a lane.
macro_rules! store_lane_family {
    ($doc:literal $Family:ident:
     $($token:ident $meaning:ident $text:literal $operand:ident -> [$bytes:literal] $gas:literal;)*) => {
        family! { $doc $Family { $($token $text $gas)* } }
        impl $Family {
            operands! { $([<$operand as WasmValue>::KIND]),* }
            bytes! { $($bytes),* }
            lanes! { $(16 / $bytes),* }
        }
    };
}

/// Generates a family of functions with a lane immediate.
macro_rules! lane_family {
    ($doc:literal $Family:ident:
     $($token:ident $meaning:ident $text:literal
       ($vector:ident, lane $lanes:literal $(, $operand:ident)?) -> $result:ident $gas:literal;)*) => {
        family! { $doc $Family { $($token $text $gas)* } }
        impl $Family {
            operands! { $([<$vector as WasmValue>::KIND $(, <$operand as WasmValue>::KIND)?]),* }
            lanes! { $($lanes),* }
            result! { $($result),* }
        }
    };
}

/// Generates the family of operations without a function in `sem`.
macro_rules! structural_family {
    ($doc:literal $Family:ident: $($token:ident $text:literal $gas:literal;)*) => {
        family! { $doc $Family { $($token $text $gas)* } }
    };
}

crate::unary_ops!(function_family, "Scalar operations of one operand, except conversions." Unary:);
crate::convert_ops!(function_family, "Scalar conversions." Convert:);
crate::binary_ops!(function_family, "Scalar operations of two operands, except comparisons." Binary:);
crate::compare_ops!(function_family, "Scalar comparisons." Compare:);
crate::wide_ops!(wide_family, "128-bit integer arithmetic; the results are two `i64`, low half first." Wide:);
crate::load_ops!(load_family, "Loads." Load:);
crate::store_ops!(store_family, "Stores." Store:);
crate::vector_load_lane_ops!(load_lane_family, "Loads into one lane of a vector." VectorLoadLane:);
crate::vector_store_lane_ops!(store_lane_family, "Stores of one lane of a vector." VectorStoreLane:);
crate::vector_unary_ops!(function_family, "Vector operations of one vector." VectorUnary:);
crate::vector_binary_ops!(function_family, "Vector operations of two vectors." VectorBinary:);
crate::vector_ternary_ops!(function_family, "Vector operations of three vectors." VectorTernary:);
crate::vector_test_ops!(function_family, "Tests and bit masks of a vector." VectorTest:);
crate::vector_shift_ops!(function_family, "Lane-wise shifts by a scalar." VectorShift:);
crate::vector_splat_ops!(function_family, "Copies of a scalar to every lane." VectorSplat:);
crate::vector_extract_ops!(lane_family, "Extractions of one lane as a scalar." VectorExtract:);
crate::vector_replace_ops!(lane_family, "Replacements of one lane by a scalar." VectorReplace:);
crate::structural_ops!(structural_family, "Operations with control flow, state or special immediates." Structural:);

/// Generates `Op` and its methods, which delegate to the families.
macro_rules! op {
    ($($Family:ident)*) => {
        /// Any operation, by family.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Op {
            $(#[doc = concat!("See [`", stringify!($Family), "`].")] $Family($Family),)*
        }

        impl Op {
            /// Iterates over every operation, family by family.
            pub fn all() -> impl Iterator<Item = Op> {
                std::iter::empty()$(.chain($Family::ALL.iter().copied().map(Op::$Family)))*
            }

            /// Returns the name in the text format. Only the two rows of `select` have the same name.
            pub const fn text(self) -> &'static str {
                match self { $(Op::$Family(op) => op.text(),)* }
            }

            /// Returns the index in the gas cost table, which is unique for each operation.
            pub const fn gas_index(self) -> u16 {
                match self { $(Op::$Family(op) => op.gas_index(),)* }
            }
        }
    };
}

op! {
    Unary
    Convert
    Binary
    Compare
    Wide
    Load
    Store
    VectorLoadLane
    VectorStoreLane
    VectorUnary
    VectorBinary
    VectorTernary
    VectorTest
    VectorShift
    VectorSplat
    VectorExtract
    VectorReplace
    Structural
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// WasmEdge's table has 566 entries. Its last ones (relaxed SIMD, atomics) have no rows here. Operations that
    /// WasmEdge lacks follow it.
    #[test]
    fn gas_indices_are_dense_and_unique() {
        let mut indices: Vec<u16> = Op::all().map(Op::gas_index).collect();
        indices.sort_unstable();
        let expected: Vec<u16> = (0..=478).chain(566..=569).collect();
        assert_eq!(indices, expected);
    }

    #[test]
    fn texts_are_unique_except_for_select() {
        let mut seen = HashSet::new();
        let repeated: Vec<Op> = Op::all().filter(|op| !seen.insert(op.text())).collect();
        assert_eq!(repeated, [Op::Structural(Structural::TypedSelect)]);
    }

    /// Checks samples of WasmEdge's cost table in every opcode page: a shifted row would change one of them.
    #[test]
    fn gas_indices_are_those_of_wasmedge() {
        let fixed: [(Op, u16); 18] = [
            (Structural::Unreachable.into(), 0),
            (Structural::End.into(), 8),
            (Structural::TypedSelect.into(), 21),
            (Load::I32Load.into(), 30),
            (Store::I64Store32.into(), 52),
            (Structural::F64Const.into(), 58),
            (Unary::I32Eqz.into(), 59),
            (Compare::F64Ge.into(), 92),
            (Binary::I32Add.into(), 96),
            (Convert::I32WrapI64.into(), 157),
            (Unary::I64Extend32S.into(), 186),
            (Structural::RefTestNullable.into(), 215),
            (Convert::I64TruncSatF64U.into(), 232),
            (Load::V128Load.into(), 243),
            (VectorTernary::V128Bitselect.into(), 325),
            (VectorLoadLane::V128Load8Lane.into(), 327),
            (VectorBinary::I64x2Eq.into(), 439),
            (VectorUnary::F64x2ConvertLowI32x4U.into(), 478),
        ];
        for (op, index) in fixed {
            assert_eq!(op.gas_index(), index, "{}", op.text());
        }
    }

    /// The function in `sem` has the text as its name, with `_` for `.`, so that one search finds all code of an operation.
    #[test]
    fn meanings_are_named_after_their_texts() {
        macro_rules! names {
            ($($token:ident $meaning:ident $text:literal $([$($from:tt)*])? $(($($params:tt)*))? $($param:ident)?
               -> $([$($to:tt)*])? $(($($results:tt)*))? $($result:ident)? $gas:literal;)*) => {
                [$((stringify!($meaning), $text)),*]
            };
        }
        let names = [
            &crate::unary_ops!(names)[..],
            &crate::convert_ops!(names),
            &crate::binary_ops!(names),
            &crate::compare_ops!(names),
            &crate::wide_ops!(names),
            &crate::load_ops!(names),
            &crate::store_ops!(names),
            &crate::vector_load_lane_ops!(names),
            &crate::vector_store_lane_ops!(names),
            &crate::vector_unary_ops!(names),
            &crate::vector_binary_ops!(names),
            &crate::vector_ternary_ops!(names),
            &crate::vector_test_ops!(names),
            &crate::vector_shift_ops!(names),
            &crate::vector_splat_ops!(names),
            &crate::vector_extract_ops!(names),
            &crate::vector_replace_ops!(names),
        ]
        .concat();
        assert_eq!(names.len() + Structural::ALL.len(), Op::all().count());
        for (meaning, text) in names {
            assert_eq!(meaning, text.replace('.', "_"));
        }
    }

    #[test]
    fn operand_and_result_kinds_come_from_the_rows() {
        assert_eq!(Unary::I64Eqz.operands(), [ValKind::I64]);
        assert_eq!(Unary::I64Eqz.result(), ValKind::I32);
        assert_eq!(Convert::F32DemoteF64.operands(), [ValKind::F64]);
        assert_eq!(Wide::I64Add128.operands(), [ValKind::I64; 4]);
        assert_eq!((Load::I64Load8S.bytes(), Load::I64Load8S.result()), (1, ValKind::I64));
        assert_eq!((Store::F64Store.bytes(), Store::F64Store.operands()), (8, &[ValKind::F64][..]));
        assert_eq!((VectorLoadLane::V128Load16Lane.bytes(), VectorLoadLane::V128Load16Lane.lanes()), (2, 8));
        assert_eq!(VectorReplace::F32x4ReplaceLane.operands(), [ValKind::V128, ValKind::F32]);
        assert_eq!(VectorReplace::F32x4ReplaceLane.lanes(), 4);
        assert_eq!(VectorShift::I8x16Shl.operands(), [ValKind::V128, ValKind::I32]);
    }
}
