//! Operand sources and result targets: a slot of the frame, an immediate in the code, or the accumulator of the value's
//! class. The accumulator always holds the last result of its class.

use kinglet_wasm::sem::Scalar;

use super::Machine;

/// The kinds of operands, for selecting a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OperandKind {
    Slot,
    Imm,
    Acc,
}

/// A scalar type that has an accumulator.
pub(crate) trait AccumulatorScalar: Scalar {
    /// Reads an immediate from operand words: one word for 32 bits, two for 64.
    unsafe fn immediate(m: &mut Machine) -> Self;
    fn accumulator(m: &Machine) -> Self;
    fn accumulate(self, m: &mut Machine);
}

macro_rules! accumulator_scalars {
    ($($scalar:ident: $word:ident, $acc:ident, $from:expr, $to:expr;)*) => {$(
        impl AccumulatorScalar for $scalar {
            #[inline(always)]
            unsafe fn immediate(m: &mut Machine) -> Self {
                // SAFETY: the caller is a handler for an immediate of this type, which comes next (see `exec`).
                <Self as Scalar>::from_bits(unsafe { m.$word() } as u64)
            }

            #[inline(always)]
            fn accumulator(m: &Machine) -> Self {
                $from(m.$acc)
            }

            #[inline(always)]
            fn accumulate(self, m: &mut Machine) {
                m.$acc = $to(self);
            }
        }
    )*};
}

accumulator_scalars! {
    i32: word, acc, |acc| acc as i32, |value: i32| value as u32 as u64;
    i64: double_word, acc, |acc| acc as i64, |value: i64| value as u64;
    f32: word, s, |s| s, |value| value;
    f64: double_word, d, |d| d, |value| value;
}

/// The source of an operand.
pub(crate) trait OperandSource {
    unsafe fn get<T: AccumulatorScalar>(m: &mut Machine) -> T;
}

/// The target of a result.
pub(crate) trait ResultTarget {
    unsafe fn put<T: AccumulatorScalar>(m: &mut Machine, value: T);
}

pub(crate) struct Slot;
pub(crate) struct Imm;
pub(crate) struct Acc;

impl OperandSource for Slot {
    #[inline(always)]
    unsafe fn get<T: AccumulatorScalar>(m: &mut Machine) -> T {
        // SAFETY: the caller is a handler for an operand in a slot. The next word is its offset, which lies in the
        // frame that the function's entry checked (see `exec`).
        unsafe {
            let offset = m.word();
            T::from_bits(*m.slot(offset))
        }
    }
}

impl OperandSource for Imm {
    #[inline(always)]
    unsafe fn get<T: AccumulatorScalar>(m: &mut Machine) -> T {
        // SAFETY: the caller is a handler for an immediate, which comes next (see `exec`).
        unsafe { T::immediate(m) }
    }
}

impl OperandSource for Acc {
    #[inline(always)]
    unsafe fn get<T: AccumulatorScalar>(m: &mut Machine) -> T {
        T::accumulator(m)
    }
}

impl ResultTarget for Slot {
    /// Also leaves the value in the accumulator, so the next instruction does not wait for the store.
    #[inline(always)]
    unsafe fn put<T: AccumulatorScalar>(m: &mut Machine, value: T) {
        // SAFETY: the caller is a handler for a result in a slot. The next word is its offset, which lies in the frame
        // that the function's entry checked (see `exec`).
        unsafe {
            let offset = m.word();
            *m.slot(offset) = value.to_bits();
        }
        value.accumulate(m);
    }
}

impl ResultTarget for Acc {
    #[inline(always)]
    unsafe fn put<T: AccumulatorScalar>(m: &mut Machine, value: T) {
        value.accumulate(m);
    }
}
