//! Which NaN an operation gives. The specification allows any quiet NaN in most cases; here the result has the bits that
//! the native tier's instructions give on the processor this is built for, so that a program computes the same in every
//! tier. Rust and its compiler leave the bits of a NaN open and may swap the operands of an addition, so the operations of
//! `numeric.rs`, `convert.rs` and `vector/float.rs` ask here as soon as a result is NaN, which is rare. Core
//! specification, "NaN Propagation".

use std::hint::cold_path;

use Rule::{Canonical, First, SignallingFirst};

/// What a processor's arithmetic does with NaN operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// x86-64: the first operand that is NaN, made quiet. If none is, the canonical NaN with its sign bit set.
    First,
    /// AArch64: the first operand that is a signalling NaN, made quiet, else the first that is NaN. If none is, the
    /// canonical NaN.
    SignallingFirst,
    /// RISC-V: the canonical NaN. So it is where there is no native tier.
    Canonical,
}

const RULE: Rule = if cfg!(target_arch = "x86_64") {
    First
} else if cfg!(target_arch = "aarch64") {
    SignallingFirst
} else {
    Canonical
};

/// A float type whose NaN this file knows.
pub(super) trait Float: Copy {
    /// The canonical NaN, whose sign is positive.
    const CANONICAL: Self;

    fn is_nan(self) -> bool;

    /// The same NaN with the bit set that tells quiet from signalling.
    fn quiet(self) -> Self;

    fn is_quiet(self) -> bool;

    fn is_negative(self) -> bool;

    fn negative(self) -> Self;
}

impl Float for f32 {
    const CANONICAL: f32 = f32::from_bits(0x7FC0_0000);

    #[inline(always)]
    fn is_nan(self) -> bool {
        f32::is_nan(self)
    }

    #[inline(always)]
    fn quiet(self) -> f32 {
        f32::from_bits(self.to_bits() | 1 << 22)
    }

    #[inline(always)]
    fn is_quiet(self) -> bool {
        self.to_bits() & 1 << 22 != 0
    }

    #[inline(always)]
    fn is_negative(self) -> bool {
        self.to_bits() >> 31 != 0
    }

    #[inline(always)]
    fn negative(self) -> f32 {
        f32::from_bits(self.to_bits() | 1 << 31)
    }
}

impl Float for f64 {
    const CANONICAL: f64 = f64::from_bits(0x7FF8_0000_0000_0000);

    #[inline(always)]
    fn is_nan(self) -> bool {
        f64::is_nan(self)
    }

    #[inline(always)]
    fn quiet(self) -> f64 {
        f64::from_bits(self.to_bits() | 1 << 51)
    }

    #[inline(always)]
    fn is_quiet(self) -> bool {
        self.to_bits() & 1 << 51 != 0
    }

    #[inline(always)]
    fn is_negative(self) -> bool {
        self.to_bits() >> 63 != 0
    }

    #[inline(always)]
    fn negative(self) -> f64 {
        f64::from_bits(self.to_bits() | 1 << 63)
    }
}

impl Rule {
    #[inline(always)]
    fn of_one<F: Float>(self, a: F) -> F {
        self.of_two(a, a)
    }

    #[inline(always)]
    fn of_two<F: Float>(self, a: F, b: F) -> F {
        let first = if a.is_nan() { a } else { b };
        let none = !first.is_nan();
        match self {
            First if none => F::CANONICAL.negative(),
            First => first.quiet(),
            Canonical => F::CANONICAL,
            SignallingFirst if none => F::CANONICAL,
            SignallingFirst if first.is_quiet() && b.is_nan() && !b.is_quiet() => b.quiet(),
            SignallingFirst => first.quiet(),
        }
    }

    #[inline(always)]
    fn of_extreme<F: Float>(self, a: F, b: F) -> F {
        match self {
            // There is no such instruction: where one is NaN, the code adds the first operand to the second.
            First => self.of_two(b, a),
            _ => self.of_two(a, b),
        }
    }

    #[inline(always)]
    fn of_lane_minimum<F: Float>(self, a: F, b: F) -> F {
        match self {
            // The code sets all bits and then clears those below the quiet one.
            First => F::CANONICAL.negative(),
            _ => self.of_two(a, b),
        }
    }

    #[inline(always)]
    fn of_lane_maximum<F: Float>(self, a: F, b: F) -> F {
        match self {
            // The code joins the bits of both and then clears those below the quiet one.
            First if a.is_negative() || b.is_negative() => F::CANONICAL.negative(),
            First => F::CANONICAL,
            _ => self.of_two(a, b),
        }
    }

    #[inline(always)]
    fn of_promotion(self, a: f32) -> f64 {
        let (sign, payload) = (u64::from(a.to_bits() >> 31) << 63, u64::from(a.to_bits() & 0x007F_FFFF) << 29);
        match self {
            Canonical => f64::CANONICAL,
            _ => f64::from_bits(sign | f64::CANONICAL.to_bits() | payload),
        }
    }

    #[inline(always)]
    fn of_demotion(self, a: f64) -> f32 {
        let (sign, payload) = ((a.to_bits() >> 63) << 31, a.to_bits() >> 29 & 0x007F_FFFF);
        match self {
            Canonical => f32::CANONICAL,
            _ => f32::from_bits((sign | payload) as u32 | f32::CANONICAL.to_bits()),
        }
    }
}

/// `result`, or if that is NaN the one that it has to be.
#[inline(always)]
pub(super) fn settle<F: Float>(result: F, nan: impl FnOnce() -> F) -> F {
    if result.is_nan() {
        cold_path();
        nan()
    } else {
        result
    }
}

/// The canonical NaN if `a` is NaN.
#[inline(always)]
pub(super) fn canonical<F: Float>(a: F) -> F {
    if a.is_nan() { F::CANONICAL } else { a }
}

/// The NaN that an operation of one operand gives: of a square root the operand may be a number.
#[inline(always)]
pub(super) fn of_one<F: Float>(a: F) -> F {
    RULE.of_one(a)
}

/// The NaN that an addition, subtraction, multiplication or division gives, of NaN or of numbers.
#[inline(always)]
pub(super) fn of_two<F: Float>(a: F, b: F) -> F {
    RULE.of_two(a, b)
}

/// The NaN that the minimum or maximum of two scalars is, one of which is NaN.
#[inline(always)]
pub(super) fn of_extreme<F: Float>(a: F, b: F) -> F {
    RULE.of_extreme(a, b)
}

/// The NaN that the minimum of two lanes is, one of which is NaN.
#[inline(always)]
pub(super) fn of_lane_minimum<F: Float>(a: F, b: F) -> F {
    RULE.of_lane_minimum(a, b)
}

/// The NaN that the maximum of two lanes is, one of which is NaN.
#[inline(always)]
pub(super) fn of_lane_maximum<F: Float>(a: F, b: F) -> F {
    RULE.of_lane_maximum(a, b)
}

/// A NaN promoted.
#[inline(always)]
pub(super) fn of_promotion(a: f32) -> f64 {
    RULE.of_promotion(a)
}

/// A NaN demoted.
#[inline(always)]
pub(super) fn of_demotion(a: f64) -> f32 {
    RULE.of_demotion(a)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: f32 = 1.0;
    const QUIET: f32 = f32::from_bits(0x7FC0_1234);
    const NEGATIVE: f32 = f32::from_bits(0xFFC0_0042);
    const SIGNALLING: f32 = f32::from_bits(0x7FA0_0001);

    #[test]
    fn each_processor_has_a_nan_of_its_own_for_two_operands() {
        let rows = [
            (ONE, ONE, [0xFFC0_0000, 0x7FC0_0000]),
            (QUIET, ONE, [0x7FC0_1234; 2]),
            (ONE, QUIET, [0x7FC0_1234; 2]),
            (QUIET, NEGATIVE, [0x7FC0_1234; 2]),
            (NEGATIVE, QUIET, [0xFFC0_0042; 2]),
            (SIGNALLING, QUIET, [0x7FE0_0001; 2]),
            (QUIET, SIGNALLING, [0x7FC0_1234, 0x7FE0_0001]),
            (ONE, SIGNALLING, [0x7FE0_0001; 2]),
        ];
        for (a, b, [first, signalling_first]) in rows {
            let of = |rule: Rule| rule.of_two(a, b).to_bits();
            assert_eq!(
                (of(First), of(SignallingFirst)),
                (first, signalling_first),
                "{:#x} {:#x}",
                a.to_bits(),
                b.to_bits()
            );
            assert_eq!(of(Canonical), 0x7FC0_0000);
        }
    }

    #[test]
    fn minimum_and_maximum_differ_between_scalars_and_lanes_on_x86() {
        let of =
            |make: fn(Rule, f32, f32) -> f32, a, b| [First, SignallingFirst].map(|rule| make(rule, a, b).to_bits());
        assert_eq!(of(Rule::of_extreme, QUIET, NEGATIVE), [0xFFC0_0042, 0x7FC0_1234]);
        assert_eq!(of(Rule::of_extreme, QUIET, ONE), [0x7FC0_1234; 2]);
        assert_eq!(of(Rule::of_lane_minimum, QUIET, ONE), [0xFFC0_0000, 0x7FC0_1234]);
        assert_eq!(of(Rule::of_lane_maximum, QUIET, ONE), [0x7FC0_0000, 0x7FC0_1234]);
        assert_eq!(of(Rule::of_lane_maximum, QUIET, -ONE), [0xFFC0_0000, 0x7FC0_1234]);
    }

    #[test]
    fn a_payload_keeps_its_upper_bits_where_the_width_changes() {
        for rule in [First, SignallingFirst] {
            assert_eq!(rule.of_promotion(SIGNALLING).to_bits(), 0x7FFC_0000_2000_0000);
            assert_eq!(rule.of_promotion(NEGATIVE).to_bits(), 0xFFF8_0008_4000_0000);
            assert_eq!(rule.of_demotion(f64::from_bits(0xFFF4_0000_3FFF_FFFF)).to_bits(), 0xFFE0_0001);
        }
        assert_eq!(Canonical.of_demotion(-f64::NAN).to_bits(), 0x7FC0_0000);
        assert_eq!(Canonical.of_promotion(NEGATIVE).to_bits(), 0x7FF8_0000_0000_0000);
    }
}
