//! The pure semantics: what every operation of values means, written once and used by the interpreter's handlers, the
//! constant folder, constant expressions and the tests. A function is named as its row in the op table says and takes
//! what the row says; lane operations take the lane index where the row has it, loads take and stores give bytes.
//! Nothing here panics, allocates or has state; an operation that can trap returns a `Result`, every other returns its
//! value, and `Outcome` lets generated code treat both alike. Core specification, chapter "Execution".

mod convert;
mod memory;
mod numeric;
mod vector;

pub use convert::*;
pub use memory::*;
pub use numeric::*;
pub use vector::*;

use crate::op::{Binary, Compare, Convert, Unary, Value};
use crate::{Trap, V128};

/// What an operation's meaning returns: a value, or a value or a trap.
pub trait Outcome {
    /// The value if there is no trap.
    type Value;

    /// The value or the trap.
    fn outcome(self) -> Result<Self::Value, Trap>;
}

impl<T> Outcome for Result<T, Trap> {
    type Value = T;

    #[inline(always)]
    fn outcome(self) -> Result<T, Trap> {
        self
    }
}

macro_rules! total {
    ($($value:ty),*) => {$(
        impl Outcome for $value {
            type Value = $value;

            #[inline(always)]
            fn outcome(self) -> Result<$value, Trap> {
                Ok(self)
            }
        }
    )*};
}

total! { i32, i64, f32, f64, V128, (i64, i64) }

/// A scalar as 64 bits: integers and floats of 32 bits are zero-extended.
pub trait Scalar: Value {
    /// From the low bits.
    fn from_bits(bits: u64) -> Self;

    /// The bits, zero-extended.
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

/// An evaluator of one family, from its rows.
macro_rules! evaluator {
    ($eval:ident $Family:ident:
     $($token:ident $meaning:ident $text:literal ($a:ident) -> $result:ident $gas:literal;)*) => {
        #[doc = concat!("The result of a `", stringify!($Family), "` operation; operand and result are [`Scalar`] bits.")]
        pub fn $eval(op: $Family, a: u64) -> Result<u64, Trap> {
            match op {
                $($Family::$token => {
                    $meaning(<$a as Scalar>::from_bits(a)).outcome().map(<$result as Scalar>::to_bits)
                })*
            }
        }
    };
    ($eval:ident $Family:ident:
     $($token:ident $meaning:ident $text:literal ($a:ident, $b:ident) -> $result:ident $gas:literal;)*) => {
        #[doc = concat!("The result of a `", stringify!($Family), "` operation; operands and result are [`Scalar`] bits.")]
        pub fn $eval(op: $Family, a: u64, b: u64) -> Result<u64, Trap> {
            match op {
                $($Family::$token => {
                    $meaning(<$a as Scalar>::from_bits(a), <$b as Scalar>::from_bits(b))
                        .outcome()
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
