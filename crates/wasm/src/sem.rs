//! The pure semantics of every operation on values. The interpreter's handlers, the constant folder, constant expressions
//! and the tests share them. A function has the name and the operands of its row in the op table; lane operations also
//! take the lane index, loads take the bytes read, and stores return the bytes to write. These functions never panic or
//! allocate, and they have no state. A function that can trap returns a `Result`; all others return their value.
//! `IntoResult` lets generated code treat both alike. Core specification, chapter "Execution".

mod convert;
mod memory;
mod nan;
mod numeric;
mod vector;

pub use convert::*;
pub use memory::*;
pub use numeric::*;
pub use vector::*;

use crate::op::{Binary, Compare, Convert, Unary, WasmValue};
use crate::{Trap, V128};

/// The return type of an operation's function: a value, or a `Result` of a value or a trap.
pub trait IntoResult {
    /// The value without a trap.
    type Value;

    /// Converts the returned value to a `Result`.
    fn into_result(self) -> Result<Self::Value, Trap>;
}

impl<T> IntoResult for Result<T, Trap> {
    type Value = T;

    #[inline(always)]
    fn into_result(self) -> Result<T, Trap> {
        self
    }
}

macro_rules! total {
    ($($value:ty),*) => {$(
        impl IntoResult for $value {
            type Value = $value;

            #[inline(always)]
            fn into_result(self) -> Result<$value, Trap> {
                Ok(self)
            }
        }
    )*};
}

total! { i32, i64, f32, f64, V128, (i64, i64) }

/// A scalar value that converts to and from 64 bits.
pub trait Scalar: WasmValue {
    /// Creates a scalar from the low bits.
    fn from_bits(bits: u64) -> Self;

    /// Returns the bits, zero-extended to 64.
    fn to_bits(self) -> u64;
}

macro_rules! scalars {
    ($($scalar:ident $bits:ident $from:expr, $to:expr;)*) => {$(
        impl Scalar for $scalar {
            #[inline(always)]
            fn from_bits(bits: u64) -> $scalar {
                $from(bits as $bits)
            }

            #[inline(always)]
            fn to_bits(self) -> u64 {
                u64::from($to(self))
            }
        }
    )*};
}

scalars! {
    i32 u32 u32::cast_signed, i32::cast_unsigned;
    i64 u64 u64::cast_signed, i64::cast_unsigned;
    f32 u32 f32::from_bits, f32::to_bits;
    f64 u64 f64::from_bits, f64::to_bits;
}

/// Returns the canonical NaN if the operand is NaN, and the operand otherwise. An engine with NaN canonicalisation applies
/// this to the results of arithmetic.
#[inline(always)]
pub fn f32_canonical(a: f32) -> f32 {
    nan::canonical(a)
}

/// Returns the canonical NaN if the operand is NaN, and the operand otherwise. An engine with NaN canonicalisation applies
/// this to the results of arithmetic.
#[inline(always)]
pub fn f64_canonical(a: f64) -> f64 {
    nan::canonical(a)
}

/// Generates an evaluator of a family from its rows.
macro_rules! evaluator {
    ($eval:ident $Family:ident:
     $($token:ident $meaning:ident $text:literal ($a:ident) -> $result:ident $gas:literal;)*) => {
        #[doc = concat!("Evaluates a `", stringify!($Family), "` operation on [`Scalar`] bits.")]
        pub fn $eval(op: $Family, a: u64) -> Result<u64, Trap> {
            match op {
                $($Family::$token => {
                    $meaning(<$a as Scalar>::from_bits(a)).into_result().map(<$result as Scalar>::to_bits)
                })*
            }
        }
    };
    ($eval:ident $Family:ident:
     $($token:ident $meaning:ident $text:literal ($a:ident, $b:ident) -> $result:ident $gas:literal;)*) => {
        #[doc = concat!("Evaluates a `", stringify!($Family), "` operation on [`Scalar`] bits.")]
        pub fn $eval(op: $Family, a: u64, b: u64) -> Result<u64, Trap> {
            match op {
                $($Family::$token => {
                    $meaning(<$a as Scalar>::from_bits(a), <$b as Scalar>::from_bits(b))
                        .into_result()
                        .map(<$result as Scalar>::to_bits)
                })*
            }
        }
    };
}

crate::unary_ops!(evaluator, eval_unary Unary:);
crate::convert_ops!(evaluator, eval_convert Convert:);
crate::binary_ops!(evaluator, eval_binary Binary:);
crate::compare_ops!(evaluator, eval_compare Compare:);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::ValKind;

    /// Limits, ties, infinities, and quiet and signalling NaNs of both float types. Integer operations use the same bits.
    const EDGES: [u64; 24] = [
        0,
        1,
        2,
        31,
        63,
        0x7FFF_FFFF,
        0x8000_0000,
        0xFFFF_FFFF,
        0x3F00_0000,
        0x7F80_0000,
        0x7FA0_0000,
        0x7FC0_0000,
        0xFF80_0001,
        0x7FFF_FFFF_FFFF_FFFF,
        0x8000_0000_0000_0000,
        0xFFFF_FFFF_FFFF_FFFF,
        0x3FE0_0000_0000_0000,
        0x41E0_0000_0000_0000,
        0x43E0_0000_0000_0000,
        0x7FF0_0000_0000_0000,
        0x7FF4_0000_0000_0000,
        0x7FF8_0000_0000_0000,
        0xFFF0_0000_0000_0001,
        0xC000_0000_BF80_0000,
    ];

    /// Returns whether `bits` is a signalling NaN.
    fn is_signalling(kind: ValKind, bits: u64) -> bool {
        match kind {
            ValKind::F32 => f32::from_bits(bits as u32).is_nan() && bits & 1 << 22 == 0,
            ValKind::F64 => f64::from_bits(bits).is_nan() && bits & 1 << 51 == 0,
            _ => false,
        }
    }

    #[test]
    fn only_bit_operations_return_signalling_nan() {
        let bit_operations = ["abs", "neg", "copysign", "reinterpret_i32", "reinterpret_i64"];
        let check = |text: &str, kind: ValKind, result: Result<u64, Trap>| {
            let signalling = result.is_ok_and(|bits| is_signalling(kind, bits));
            assert!(!signalling || bit_operations.iter().any(|name| text.ends_with(name)), "{text}");
        };
        for a in EDGES {
            for &op in Unary::ALL {
                check(op.text(), op.result(), eval_unary(op, a));
            }
            for &op in Convert::ALL {
                check(op.text(), op.result(), eval_convert(op, a));
            }
            for b in EDGES {
                for &op in Binary::ALL {
                    check(op.text(), op.result(), eval_binary(op, a, b));
                }
            }
        }
    }

    #[test]
    fn results_with_32_bits_are_zero_extended() {
        for a in EDGES {
            for b in EDGES {
                for &op in Binary::ALL {
                    if matches!(op.result(), ValKind::I32 | ValKind::F32) {
                        assert!(eval_binary(op, a, b).unwrap_or(0) <= u64::from(u32::MAX), "{}", op.text());
                    }
                }
                for &op in Compare::ALL {
                    assert!(eval_compare(op, a, b).is_ok_and(|holds| holds <= 1), "{}", op.text());
                }
            }
        }
    }

    /// The function of every row has the types of the row. This test passes if it compiles.
    #[test]
    fn functions_have_the_types_of_their_rows() {
        fn one<A, O: IntoResult>(_: fn(A) -> O) -> Option<O::Value> {
            None
        }
        fn two<A, B, O: IntoResult>(_: fn(A, B) -> O) -> Option<O::Value> {
            None
        }
        fn three<A, B, C, O: IntoResult>(_: fn(A, B, C) -> O) -> Option<O::Value> {
            None
        }
        macro_rules! function {
            ($($token:ident $meaning:ident $text:literal ($a:ident) -> $result:ident $gas:literal;)*) => {
                $(let _: Option<$result> = one::<$a, _>($meaning);)*
            };
            ($($token:ident $meaning:ident $text:literal ($a:ident, $b:ident) -> $result:ident $gas:literal;)*) => {
                $(let _: Option<$result> = two::<$a, $b, _>($meaning);)*
            };
            ($($token:ident $meaning:ident $text:literal
               ($a:ident, $b:ident, $c:ident) -> $result:ident $gas:literal;)*) => {
                $(let _: Option<$result> = three::<$a, $b, $c, _>($meaning);)*
            };
        }
        macro_rules! wide {
            ($($token:ident $meaning:ident $text:literal ($($a:ident),*) -> (i64, i64) $gas:literal;)*) => {
                $(let _: fn($($a),*) -> (i64, i64) = $meaning;)*
            };
        }
        macro_rules! load {
            ($($token:ident $meaning:ident $text:literal [$bytes:literal] -> $result:ident $gas:literal;)*) => {
                $(let _: fn([u8; $bytes]) -> $result = $meaning;)*
            };
        }
        macro_rules! store {
            ($($token:ident $meaning:ident $text:literal $operand:ident -> [$bytes:literal] $gas:literal;)*) => {
                $(let _: fn($operand) -> [u8; $bytes] = $meaning;)*
            };
        }
        macro_rules! load_lane {
            ($($token:ident $meaning:ident $text:literal [$bytes:literal] -> $result:ident $gas:literal;)*) => {
                $(let _: fn([u8; $bytes], $result, u8) -> $result = $meaning;)*
            };
        }
        macro_rules! store_lane {
            ($($token:ident $meaning:ident $text:literal $operand:ident -> [$bytes:literal] $gas:literal;)*) => {
                $(let _: fn($operand, u8) -> [u8; $bytes] = $meaning;)*
            };
        }
        macro_rules! lane {
            ($($token:ident $meaning:ident $text:literal
               ($vector:ident, lane $lanes:literal $(, $operand:ident)?) -> $result:ident $gas:literal;)*) => {
                $(let _: fn($vector, u8 $(, $operand)?) -> $result = $meaning;)*
            };
        }
        crate::unary_ops!(function);
        crate::convert_ops!(function);
        crate::binary_ops!(function);
        crate::compare_ops!(function);
        crate::wide_ops!(wide);
        crate::load_ops!(load);
        crate::store_ops!(store);
        crate::vector_load_lane_ops!(load_lane);
        crate::vector_store_lane_ops!(store_lane);
        crate::vector_unary_ops!(function);
        crate::vector_binary_ops!(function);
        crate::vector_ternary_ops!(function);
        crate::vector_test_ops!(function);
        crate::vector_shift_ops!(function);
        crate::vector_splat_ops!(function);
        crate::vector_extract_ops!(lane);
        crate::vector_replace_ops!(lane);
    }
}
