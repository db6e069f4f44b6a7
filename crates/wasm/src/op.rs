//! The op table: every WebAssembly operation once, as a row of a macro grouped by family, and the enums made from the
//! rows.
//!
//! A row says the operation's token (wasmparser's `Operator` variant), its meaning (the function in `sem`), its text,
//! its types and its gas index (the dense index of WasmEdge's cost table). Whoever needs an item per operation (the
//! decoder, the evaluators, a tier's dispatch) passes the name of a macro to the family's row macro and receives all
//! rows; whoever needs a value uses the enums. Nothing else lists operations. To add an operation add its row; to add
//! a family add its row macro and its line below. Core specification, chapter "Instructions".

mod float;
mod memory;
mod numeric;
mod structural;
mod vector;

pub use float::FloatShape;

use crate::V128;

/// The kind of a numeric or vector value, as the rows name it (core specification, "Number Types" and "Vector Types").
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

/// A Rust type that rows use for a WebAssembly value, and its kind.
pub trait Value: Copy {
    /// The kind of the values of this type.
    const KIND: ValKind;
}

impl Value for i32 {
    const KIND: ValKind = ValKind::I32;
}
impl Value for i64 {
    const KIND: ValKind = ValKind::I64;
}
impl Value for f32 {
    const KIND: ValKind = ValKind::F32;
}
impl Value for f64 {
    const KIND: ValKind = ValKind::F64;
}
impl Value for V128 {
    const KIND: ValKind = ValKind::V128;
}

/// The part that all families share: the enum, its list, its texts and its gas indices.
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

            /// The name in the text format.
            pub const fn text(self) -> &'static str {
                const TEXTS: &[&str] = &[$($text),*];
                TEXTS[self as usize]
            }

            /// The index in the gas cost table.
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

/// `operands` of a family: the kinds of the values an operation pops, without the address of a memory access.
macro_rules! operands {
    ($($operands:expr),*) => {
        /// The kinds of the value operands, first operand first; the address of a memory access is not among them.
        pub const fn operands(self) -> &'static [ValKind] {
            const OPERANDS: &[&[ValKind]] = &[$(&$operands),*];
            OPERANDS[self as usize]
        }
    };
}

/// `result` of a family: the kind of the one value an operation pushes.
macro_rules! result {
    ($($result:ident),*) => {
        /// The kind of the result.
        pub const fn result(self) -> ValKind {
            const RESULTS: &[ValKind] = &[$(<$result as Value>::KIND),*];
            RESULTS[self as usize]
        }
    };
}

/// `bytes` of a family of memory accesses.
macro_rules! bytes {
    ($($bytes:literal),*) => {
        /// The number of bytes accessed.
        pub const fn bytes(self) -> u32 {
            const BYTES: &[u32] = &[$($bytes),*];
            BYTES[self as usize]
        }
    };
}

/// `lanes` of a family with a lane immediate.
macro_rules! lanes {
    ($($lanes:expr),*) => {
        /// The number of lanes; the lane immediate is below it.
        pub const fn lanes(self) -> u8 {
            const LANES: &[u8] = &[$($lanes),*];
            LANES[self as usize]
        }
    };
}

/// A family of functions from values to one value.
macro_rules! function_family {
    ($doc:literal $Family:ident:
     $($token:ident $meaning:ident $text:literal ($($operand:ident),*) -> $result:ident $gas:literal;)*) => {
        family! { $doc $Family { $($token $text $gas)* } }
        impl $Family {
            operands! { $([$(<$operand as Value>::KIND),*]),* }
            result! { $($result),* }
        }
    };
}

/// A family of functions from values to two `i64`.
macro_rules! wide_family {
    ($doc:literal $Family:ident:
     $($token:ident $meaning:ident $text:literal ($($operand:ident),*) -> (i64, i64) $gas:literal;)*) => {
        family! { $doc $Family { $($token $text $gas)* } }
        impl $Family {
            operands! { $([$(<$operand as Value>::KIND),*]),* }
        }
    };
}

/// The family of loads.
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

/// The family of stores.
macro_rules! store_family {
    ($doc:literal $Family:ident:
     $($token:ident $meaning:ident $text:literal $operand:ident -> [$bytes:literal] $gas:literal;)*) => {
        family! { $doc $Family { $($token $text $gas)* } }
        impl $Family {
            operands! { $([<$operand as Value>::KIND]),* }
            bytes! { $($bytes),* }
        }
    };
}

/// The family of loads into a lane.
macro_rules! load_lane_family {
    ($doc:literal $Family:ident:
     $($token:ident $meaning:ident $text:literal [$bytes:literal] -> $result:ident $gas:literal;)*) => {
        family! { $doc $Family { $($token $text $gas)* } }
        impl $Family {
            operands! { $([<$result as Value>::KIND]),* }
            bytes! { $($bytes),* }
            lanes! { $(16 / $bytes),* }
            result! { $($result),* }
        }
    };
}

/// The family of stores of a lane.
macro_rules! store_lane_family {
    ($doc:literal $Family:ident:
     $($token:ident $meaning:ident $text:literal $operand:ident -> [$bytes:literal] $gas:literal;)*) => {
        family! { $doc $Family { $($token $text $gas)* } }
        impl $Family {
            operands! { $([<$operand as Value>::KIND]),* }
            bytes! { $($bytes),* }
            lanes! { $(16 / $bytes),* }
        }
    };
}

/// A family of functions with a lane immediate.
macro_rules! lane_family {
    ($doc:literal $Family:ident:
     $($token:ident $meaning:ident $text:literal
       ($vector:ident, lane $lanes:literal $(, $operand:ident)?) -> $result:ident $gas:literal;)*) => {
        family! { $doc $Family { $($token $text $gas)* } }
        impl $Family {
            operands! { $([<$vector as Value>::KIND $(, <$operand as Value>::KIND)?]),* }
            lanes! { $($lanes),* }
            result! { $($result),* }
        }
    };
}

/// The family of operations without a pure meaning.
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
crate::vector_splat_ops!(function_family, "A scalar copied to every lane." VectorSplat:);
crate::vector_extract_ops!(lane_family, "One lane of a vector as a scalar." VectorExtract:);
crate::vector_replace_ops!(lane_family, "A vector with one lane replaced." VectorReplace:);
crate::structural_ops!(structural_family, "Operations with control, state or immediates of their own." Structural:);

/// `Op` and what it asks of its family.
macro_rules! op {
    ($($Family:ident)*) => {
        /// Any operation, by family.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Op {
            $(#[doc = concat!("See [`", stringify!($Family), "`].")] $Family($Family),)*
        }

        impl Op {
            /// Every operation, family by family.
            pub fn all() -> impl Iterator<Item = Op> {
                std::iter::empty()$(.chain($Family::ALL.iter().copied().map(Op::$Family)))*
            }

            /// The name in the text format. Only the two rows of `select` share theirs.
            pub const fn text(self) -> &'static str {
                match self { $(Op::$Family(op) => op.text(),)* }
            }

            /// The index in the gas cost table, different for every operation.
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

    /// WasmEdge's table has 566 entries, the last of them (relaxed SIMD, atomics) without rows here; ours come after.
    #[test]
    fn gas_indices_are_dense_and_unique() {
        let mut indices: Vec<u16> = Op::all().map(Op::gas_index).collect();
        indices.sort_unstable();
        let expected: Vec<u16> = (0..=478).chain(566..=569).collect();
        assert_eq!(indices, expected);
    }

    #[test]
    fn texts_are_unique_but_for_select() {
        let mut seen = HashSet::new();
        let twice: Vec<Op> = Op::all().filter(|op| !seen.insert(op.text())).collect();
        assert_eq!(twice, [Op::Structural(Structural::TypedSelect)]);
    }

    /// Fixed points of WasmEdge's cost table in every opcode page: a shifted row would move one of them.
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

    /// A meaning is named as its text with `_` for `.`, so that one search finds everything about an operation.
    #[test]
    fn meanings_are_named_as_their_texts() {
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
    fn shapes_come_from_the_rows() {
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
