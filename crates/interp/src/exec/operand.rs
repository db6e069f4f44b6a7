//! Where instructions take operands from and put results: a slot of the frame, a constant in the code, or the
//! accumulator of the value's class, which always holds the last result of that class.

use kinglet_wasm::sem::Scalar;

use super::Machine;

/// The three places, for choosing a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Slot,
    Imm,
    Acc,
}

/// A scalar that has an accumulator.
pub(crate) trait Cell: Scalar {
    /// Reads it from operand words: one for 32 bits, two for 64.
    unsafe fn immediate(m: &mut Machine) -> Self;
    fn accumulator(m: &Machine) -> Self;
    fn accumulate(self, m: &mut Machine);
}

macro_rules! cells {
    ($($scalar:ident: $word:ident, $acc:ident, $from:expr, $to:expr;)*) => {$(
        impl Cell for $scalar {
            #[inline(always)]
            unsafe fn immediate(m: &mut Machine) -> Self {
                // SAFETY: the caller is a handler for an immediate of this type, which the emitter has put next (see
                // `exec`).
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

cells! {
    i32: word, acc, |acc| acc as i32, |value: i32| value as u32 as u64;
    i64: double_word, acc, |acc| acc as i64, |value: i64| value as u64;
    f32: word, s, |s| s, |value| value;
    f64: double_word, d, |d| d, |value| value;
}

/// Where an operand comes from.
pub(crate) trait Source {
    unsafe fn get<T: Cell>(m: &mut Machine) -> T;
}

/// Where a result goes.
pub(crate) trait Target {
    unsafe fn put<T: Cell>(m: &mut Machine, value: T);
}

pub(crate) struct Slot;
pub(crate) struct Imm;
pub(crate) struct Acc;

impl Source for Slot {
    #[inline(always)]
    unsafe fn get<T: Cell>(m: &mut Machine) -> T {
        // SAFETY: the caller is a handler for an operand in a slot: the emitter has put its offset next, and it lies in
        // the frame that the function's entry checked (see `exec`).
        unsafe {
            let offset = m.word();
            T::from_bits(*m.slot(offset))
        }
    }
}

impl Source for Imm {
    #[inline(always)]
    unsafe fn get<T: Cell>(m: &mut Machine) -> T {
        // SAFETY: the caller is a handler for a constant operand, which the emitter has put next (see `exec`).
        unsafe { T::immediate(m) }
    }
}

impl Source for Acc {
    #[inline(always)]
    unsafe fn get<T: Cell>(m: &mut Machine) -> T {
        T::accumulator(m)
    }
}

impl Target for Slot {
    /// Also leaves the value in the accumulator, where the next instruction finds it without waiting for the store.
    #[inline(always)]
    unsafe fn put<T: Cell>(m: &mut Machine, value: T) {
        // SAFETY: the caller is a handler for a result in a slot: the emitter has put its offset next, and it lies in
        // the frame that the function's entry checked (see `exec`).
        unsafe {
            let offset = m.word();
            *m.slot(offset) = value.to_bits();
        }
        value.accumulate(m);
    }
}

impl Target for Acc {
    #[inline(always)]
    unsafe fn put<T: Cell>(m: &mut Machine, value: T) {
        value.accumulate(m);
    }
}
