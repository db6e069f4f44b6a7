//! NaN propagation. The specification allows any quiet NaN in most cases. These functions return the bits that the native
//! tier's instructions produce on the target processor, so that all tiers compute the same results. Rust does not specify
//! the bits of a NaN, and its compiler may swap the operands of an addition. The operations of `numeric.rs`, `convert.rs`
//! and `vector/float.rs` therefore call these functions if a result is NaN, which is rare. Core specification, "NaN
//! Propagation".

use std::hint::cold_path;

use NanRule::{Canonical, First, SignallingFirst};

/// A processor's rule for the NaN that float arithmetic produces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NanRule {
    /// x86-64: the first NaN operand, quieted. Without NaN operands, the canonical NaN with its sign bit set.
    First,
    /// AArch64: the first signalling NaN operand, quieted, otherwise the first NaN operand. Without NaN operands, the
    /// canonical NaN.
    SignallingFirst,
    /// RISC-V: the canonical NaN. Targets without a native tier use this rule too.
    Canonical,
}

const RULE: NanRule = if cfg!(target_arch = "x86_64") {
    First
} else if cfg!(target_arch = "aarch64") {
    SignallingFirst
} else {
    Canonical
};

/// A float type.
pub(super) trait Float: Copy {
    /// The canonical NaN with a positive sign.
    const CANONICAL: Self;

    fn is_nan(self) -> bool;

    /// Sets the quiet bit of a NaN.
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

impl NanRule {
    #[inline(always)]
    fn unary<F: Float>(self, a: F) -> F {
        self.binary(a, a)
    }

    #[inline(always)]
    fn binary<F: Float>(self, a: F, b: F) -> F {
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
    fn min_or_max<F: Float>(self, a: F, b: F) -> F {
        match self {
            // x86-64 has no such instruction. If an operand is NaN, native code adds the first operand to the second.
            First => self.binary(b, a),
            _ => self.binary(a, b),
        }
    }

    #[inline(always)]
    fn lane_min<F: Float>(self, a: F, b: F) -> F {
        match self {
            // Native code sets all bits and then clears the bits below the quiet bit.
            First => F::CANONICAL.negative(),
            _ => self.binary(a, b),
        }
    }

    #[inline(always)]
    fn lane_max<F: Float>(self, a: F, b: F) -> F {
        match self {
            // Native code combines the bits of both operands and then clears the bits below the quiet bit.
            First if a.is_negative() || b.is_negative() => F::CANONICAL.negative(),
            First => F::CANONICAL,
            _ => self.binary(a, b),
        }
    }

    #[inline(always)]
    fn promote(self, a: f32) -> f64 {
        let (sign, payload) = (u64::from(a.to_bits() >> 31) << 63, u64::from(a.to_bits() & 0x007F_FFFF) << 29);
        match self {
            Canonical => f64::CANONICAL,
            _ => f64::from_bits(sign | f64::CANONICAL.to_bits() | payload),
        }
    }

    #[inline(always)]
    fn demote(self, a: f64) -> f32 {
        let (sign, payload) = ((a.to_bits() >> 63) << 31, a.to_bits() >> 29 & 0x007F_FFFF);
        match self {
            Canonical => f32::CANONICAL,
            _ => f32::from_bits((sign | payload) as u32 | f32::CANONICAL.to_bits()),
        }
    }
}

/// Returns `result`, or the result of `nan` if `result` is NaN.
#[inline(always)]
pub(super) fn propagate<F: Float>(result: F, nan: impl FnOnce() -> F) -> F {
    if result.is_nan() {
        cold_path();
        nan()
    } else {
        result
    }
}

/// Returns the canonical NaN if `a` is NaN, otherwise `a`.
#[inline(always)]
pub(super) fn canonical<F: Float>(a: F) -> F {
    if a.is_nan() { F::CANONICAL } else { a }
}

/// Returns the NaN that a unary operation produces. The operand of a square root need not be NaN.
#[inline(always)]
pub(super) fn unary<F: Float>(a: F) -> F {
    RULE.unary(a)
}

/// Returns the NaN that an addition, subtraction, multiplication or division produces. The operands need not be NaN.
#[inline(always)]
pub(super) fn binary<F: Float>(a: F, b: F) -> F {
    RULE.binary(a, b)
}

/// Returns the NaN that the minimum or maximum of two scalars produces if one of them is NaN.
#[inline(always)]
pub(super) fn min_or_max<F: Float>(a: F, b: F) -> F {
    RULE.min_or_max(a, b)
}

/// Returns the NaN that the minimum of two lanes produces if one of them is NaN.
#[inline(always)]
pub(super) fn lane_min<F: Float>(a: F, b: F) -> F {
    RULE.lane_min(a, b)
}

/// Returns the NaN that the maximum of two lanes produces if one of them is NaN.
#[inline(always)]
pub(super) fn lane_max<F: Float>(a: F, b: F) -> F {
    RULE.lane_max(a, b)
}

/// Promotes a NaN to `f64`.
#[inline(always)]
pub(super) fn promote(a: f32) -> f64 {
    RULE.promote(a)
}

/// Demotes a NaN to `f32`.
#[inline(always)]
pub(super) fn demote(a: f64) -> f32 {
    RULE.demote(a)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: f32 = 1.0;
    const QUIET: f32 = f32::from_bits(0x7FC0_1234);
    const NEGATIVE: f32 = f32::from_bits(0xFFC0_0042);
    const SIGNALLING: f32 = f32::from_bits(0x7FA0_0001);

    #[test]
    fn each_rule_selects_its_nan_for_two_operands() {
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
            let of = |rule: NanRule| rule.binary(a, b).to_bits();
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
            |make: fn(NanRule, f32, f32) -> f32, a, b| [First, SignallingFirst].map(|rule| make(rule, a, b).to_bits());
        assert_eq!(of(NanRule::min_or_max, QUIET, NEGATIVE), [0xFFC0_0042, 0x7FC0_1234]);
        assert_eq!(of(NanRule::min_or_max, QUIET, ONE), [0x7FC0_1234; 2]);
        assert_eq!(of(NanRule::lane_min, QUIET, ONE), [0xFFC0_0000, 0x7FC0_1234]);
        assert_eq!(of(NanRule::lane_max, QUIET, ONE), [0x7FC0_0000, 0x7FC0_1234]);
        assert_eq!(of(NanRule::lane_max, QUIET, -ONE), [0xFFC0_0000, 0x7FC0_1234]);
    }

    #[test]
    fn width_changes_keep_the_upper_bits_of_a_payload() {
        for rule in [First, SignallingFirst] {
            assert_eq!(rule.promote(SIGNALLING).to_bits(), 0x7FFC_0000_2000_0000);
            assert_eq!(rule.promote(NEGATIVE).to_bits(), 0xFFF8_0008_4000_0000);
            assert_eq!(rule.demote(f64::from_bits(0xFFF4_0000_3FFF_FFFF)).to_bits(), 0xFFE0_0001);
        }
        assert_eq!(Canonical.demote(-f64::NAN).to_bits(), 0x7FC0_0000);
        assert_eq!(Canonical.promote(NEGATIVE).to_bits(), 0x7FF8_0000_0000_0000);
    }
}
