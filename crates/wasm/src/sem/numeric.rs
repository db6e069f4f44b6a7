//! The meaning of the scalar numeric operations that are not conversions, and of wide arithmetic. Total, without
//! panics, on every input; a trap is a value. Called by the interpreter's handlers, the evaluators of `sem.rs`, and
//! lane by lane from `vector.rs`. Core specification, "Numeric Instructions" and "Numerics"; the wide-arithmetic
//! proposal.
//!
//! NaN results are quiet, as the specification asks. Addition to square root rely on the hardware for that (every
//! target's arithmetic quiets); the operations that software can get wrong (rounding, minimum, maximum) quiet
//! explicitly. Absolute value, negation and copysign are operations on bits and keep a NaN as it is.

#![allow(missing_docs)] // Each function is documented by its row in the op table.

use crate::Trap;

// Integers: one operand.

#[inline(always)]
pub fn i32_clz(a: i32) -> i32 {
    a.leading_zeros() as i32
}

#[inline(always)]
pub fn i32_ctz(a: i32) -> i32 {
    a.trailing_zeros() as i32
}

#[inline(always)]
pub fn i32_popcnt(a: i32) -> i32 {
    a.count_ones() as i32
}

#[inline(always)]
pub fn i32_eqz(a: i32) -> i32 {
    i32::from(a == 0)
}

#[inline(always)]
pub fn i32_extend8_s(a: i32) -> i32 {
    i32::from(a as i8)
}

#[inline(always)]
pub fn i32_extend16_s(a: i32) -> i32 {
    i32::from(a as i16)
}

#[inline(always)]
pub fn i64_clz(a: i64) -> i64 {
    a.leading_zeros() as i64
}

#[inline(always)]
pub fn i64_ctz(a: i64) -> i64 {
    a.trailing_zeros() as i64
}

#[inline(always)]
pub fn i64_popcnt(a: i64) -> i64 {
    a.count_ones() as i64
}

#[inline(always)]
pub fn i64_eqz(a: i64) -> i32 {
    i32::from(a == 0)
}

#[inline(always)]
pub fn i64_extend8_s(a: i64) -> i64 {
    i64::from(a as i8)
}

#[inline(always)]
pub fn i64_extend16_s(a: i64) -> i64 {
    i64::from(a as i16)
}

#[inline(always)]
pub fn i64_extend32_s(a: i64) -> i64 {
    i64::from(a as i32)
}

// Integers: two operands. Shift and rotate amounts are taken modulo the width.

#[inline(always)]
pub fn i32_add(a: i32, b: i32) -> i32 {
    a.wrapping_add(b)
}

#[inline(always)]
pub fn i32_sub(a: i32, b: i32) -> i32 {
    a.wrapping_sub(b)
}

#[inline(always)]
pub fn i32_mul(a: i32, b: i32) -> i32 {
    a.wrapping_mul(b)
}

#[inline(always)]
pub fn i32_div_s(a: i32, b: i32) -> Result<i32, Trap> {
    if b == 0 {
        return Err(Trap::IntegerDivideByZero);
    }
    a.checked_div(b).ok_or(Trap::IntegerOverflow)
}

#[inline(always)]
pub fn i32_div_u(a: i32, b: i32) -> Result<i32, Trap> {
    (a as u32).checked_div(b as u32).map(|quotient| quotient as i32).ok_or(Trap::IntegerDivideByZero)
}

#[inline(always)]
pub fn i32_rem_s(a: i32, b: i32) -> Result<i32, Trap> {
    if b == 0 {
        return Err(Trap::IntegerDivideByZero);
    }
    Ok(a.wrapping_rem(b))
}

#[inline(always)]
pub fn i32_rem_u(a: i32, b: i32) -> Result<i32, Trap> {
    (a as u32).checked_rem(b as u32).map(|rest| rest as i32).ok_or(Trap::IntegerDivideByZero)
}

#[inline(always)]
pub fn i32_and(a: i32, b: i32) -> i32 {
    a & b
}

#[inline(always)]
pub fn i32_or(a: i32, b: i32) -> i32 {
    a | b
}

#[inline(always)]
pub fn i32_xor(a: i32, b: i32) -> i32 {
    a ^ b
}

#[inline(always)]
pub fn i32_shl(a: i32, b: i32) -> i32 {
    a.wrapping_shl(b as u32)
}

#[inline(always)]
pub fn i32_shr_s(a: i32, b: i32) -> i32 {
    a.wrapping_shr(b as u32)
}

#[inline(always)]
pub fn i32_shr_u(a: i32, b: i32) -> i32 {
    (a as u32).wrapping_shr(b as u32) as i32
}

#[inline(always)]
pub fn i32_rotl(a: i32, b: i32) -> i32 {
    a.rotate_left(b as u32 & 31)
}

#[inline(always)]
pub fn i32_rotr(a: i32, b: i32) -> i32 {
    a.rotate_right(b as u32 & 31)
}

#[inline(always)]
pub fn i64_add(a: i64, b: i64) -> i64 {
    a.wrapping_add(b)
}

#[inline(always)]
pub fn i64_sub(a: i64, b: i64) -> i64 {
    a.wrapping_sub(b)
}

#[inline(always)]
pub fn i64_mul(a: i64, b: i64) -> i64 {
    a.wrapping_mul(b)
}

#[inline(always)]
pub fn i64_div_s(a: i64, b: i64) -> Result<i64, Trap> {
    if b == 0 {
        return Err(Trap::IntegerDivideByZero);
    }
    a.checked_div(b).ok_or(Trap::IntegerOverflow)
}

#[inline(always)]
pub fn i64_div_u(a: i64, b: i64) -> Result<i64, Trap> {
    (a as u64).checked_div(b as u64).map(|quotient| quotient as i64).ok_or(Trap::IntegerDivideByZero)
}

#[inline(always)]
pub fn i64_rem_s(a: i64, b: i64) -> Result<i64, Trap> {
    if b == 0 {
        return Err(Trap::IntegerDivideByZero);
    }
    Ok(a.wrapping_rem(b))
}

#[inline(always)]
pub fn i64_rem_u(a: i64, b: i64) -> Result<i64, Trap> {
    (a as u64).checked_rem(b as u64).map(|rest| rest as i64).ok_or(Trap::IntegerDivideByZero)
}

#[inline(always)]
pub fn i64_and(a: i64, b: i64) -> i64 {
    a & b
}

#[inline(always)]
pub fn i64_or(a: i64, b: i64) -> i64 {
    a | b
}

#[inline(always)]
pub fn i64_xor(a: i64, b: i64) -> i64 {
    a ^ b
}

#[inline(always)]
pub fn i64_shl(a: i64, b: i64) -> i64 {
    a.wrapping_shl(b as u32)
}

#[inline(always)]
pub fn i64_shr_s(a: i64, b: i64) -> i64 {
    a.wrapping_shr(b as u32)
}

#[inline(always)]
pub fn i64_shr_u(a: i64, b: i64) -> i64 {
    (a as u64).wrapping_shr(b as u32) as i64
}

#[inline(always)]
pub fn i64_rotl(a: i64, b: i64) -> i64 {
    a.rotate_left(b as u32 & 63)
}

#[inline(always)]
pub fn i64_rotr(a: i64, b: i64) -> i64 {
    a.rotate_right(b as u32 & 63)
}

// Floats: one operand.

/// The sign bit of an `f32`.
const F32_SIGN: u32 = 0x8000_0000;
/// From 2^23 on every `f32` is an integer.
const F32_INTEGRAL: f32 = 8_388_608.0;

/// `a`, made quiet if it is a NaN.
#[inline(always)]
pub(super) fn f32_quiet(a: f32) -> f32 {
    if a.is_nan() { f32::from_bits(a.to_bits() | 0x0040_0000) } else { a }
}

/// The integer nearest to `a`, ties to even, for `0 <= a < 2^23`: adding 2^23 leaves no bits for a fraction.
#[inline(always)]
fn f32_nearest_small(a: f32) -> f32 {
    (a + F32_INTEGRAL) - F32_INTEGRAL
}

/// `round` of the magnitude of `a`, with the sign of `a`; numbers too large for a fraction, infinities and NaN (made
/// quiet) stay. Branches become selections, so that lane loops over this vectorise and need no call.
#[inline(always)]
fn f32_round(a: f32, round: impl Fn(f32) -> f32) -> f32 {
    let magnitude = f32_abs(a);
    let rounded = f32_copysign(round(magnitude), a);
    if magnitude < F32_INTEGRAL { rounded } else { f32_quiet(a) }
}

/// Of a magnitude: the largest integer not above it.
#[inline(always)]
fn f32_down(magnitude: f32) -> f32 {
    let nearest = f32_nearest_small(magnitude);
    if nearest > magnitude { nearest - 1.0 } else { nearest }
}

/// Of a magnitude: the smallest integer not below it.
#[inline(always)]
fn f32_up(magnitude: f32) -> f32 {
    let nearest = f32_nearest_small(magnitude);
    if nearest < magnitude { nearest + 1.0 } else { nearest }
}

#[inline(always)]
pub fn f32_abs(a: f32) -> f32 {
    f32::from_bits(a.to_bits() & !F32_SIGN)
}

#[inline(always)]
pub fn f32_neg(a: f32) -> f32 {
    f32::from_bits(a.to_bits() ^ F32_SIGN)
}

#[inline(always)]
pub fn f32_ceil(a: f32) -> f32 {
    f32_round(a, |magnitude| if a < 0.0 { f32_down(magnitude) } else { f32_up(magnitude) })
}

#[inline(always)]
pub fn f32_floor(a: f32) -> f32 {
    f32_round(a, |magnitude| if a < 0.0 { f32_up(magnitude) } else { f32_down(magnitude) })
}

#[inline(always)]
pub fn f32_trunc(a: f32) -> f32 {
    f32_round(a, f32_down)
}

#[inline(always)]
pub fn f32_nearest(a: f32) -> f32 {
    f32_round(a, f32_nearest_small)
}

#[inline(always)]
pub fn f32_sqrt(a: f32) -> f32 {
    a.sqrt()
}

/// The sign bit of an `f64`.
const F64_SIGN: u64 = 0x8000_0000_0000_0000;
/// From 2^52 on every `f64` is an integer.
const F64_INTEGRAL: f64 = 4_503_599_627_370_496.0;

/// `a`, made quiet if it is a NaN.
#[inline(always)]
pub(super) fn f64_quiet(a: f64) -> f64 {
    if a.is_nan() { f64::from_bits(a.to_bits() | 0x0008_0000_0000_0000) } else { a }
}

/// The integer nearest to `a`, ties to even, for `0 <= a < 2^52`: adding 2^52 leaves no bits for a fraction.
#[inline(always)]
fn f64_nearest_small(a: f64) -> f64 {
    (a + F64_INTEGRAL) - F64_INTEGRAL
}

/// `round` of the magnitude of `a`, with the sign of `a`; numbers too large for a fraction, infinities and NaN (made
/// quiet) stay. Branches become selections, so that lane loops over this vectorise and need no call.
#[inline(always)]
fn f64_round(a: f64, round: impl Fn(f64) -> f64) -> f64 {
    let magnitude = f64_abs(a);
    let rounded = f64_copysign(round(magnitude), a);
    if magnitude < F64_INTEGRAL { rounded } else { f64_quiet(a) }
}

/// Of a magnitude: the largest integer not above it.
#[inline(always)]
fn f64_down(magnitude: f64) -> f64 {
    let nearest = f64_nearest_small(magnitude);
    if nearest > magnitude { nearest - 1.0 } else { nearest }
}

/// Of a magnitude: the smallest integer not below it.
#[inline(always)]
fn f64_up(magnitude: f64) -> f64 {
    let nearest = f64_nearest_small(magnitude);
    if nearest < magnitude { nearest + 1.0 } else { nearest }
}

#[inline(always)]
pub fn f64_abs(a: f64) -> f64 {
    f64::from_bits(a.to_bits() & !F64_SIGN)
}

#[inline(always)]
pub fn f64_neg(a: f64) -> f64 {
    f64::from_bits(a.to_bits() ^ F64_SIGN)
}

#[inline(always)]
pub fn f64_ceil(a: f64) -> f64 {
    f64_round(a, |magnitude| if a < 0.0 { f64_down(magnitude) } else { f64_up(magnitude) })
}

#[inline(always)]
pub fn f64_floor(a: f64) -> f64 {
    f64_round(a, |magnitude| if a < 0.0 { f64_up(magnitude) } else { f64_down(magnitude) })
}

#[inline(always)]
pub fn f64_trunc(a: f64) -> f64 {
    f64_round(a, f64_down)
}

#[inline(always)]
pub fn f64_nearest(a: f64) -> f64 {
    f64_round(a, f64_nearest_small)
}

#[inline(always)]
pub fn f64_sqrt(a: f64) -> f64 {
    a.sqrt()
}

// Floats: two operands.

#[inline(always)]
pub fn f32_add(a: f32, b: f32) -> f32 {
    a + b
}

#[inline(always)]
pub fn f32_sub(a: f32, b: f32) -> f32 {
    a - b
}

#[inline(always)]
pub fn f32_mul(a: f32, b: f32) -> f32 {
    a * b
}

#[inline(always)]
pub fn f32_div(a: f32, b: f32) -> f32 {
    a / b
}

#[inline(always)]
pub fn f32_min(a: f32, b: f32) -> f32 {
    if a.is_nan() || b.is_nan() {
        return f32_quiet(if a.is_nan() { a } else { b });
    }
    if a == b {
        return f32::from_bits(a.to_bits() | b.to_bits()); // -0 if either is
    }
    if a < b { a } else { b }
}

#[inline(always)]
pub fn f32_max(a: f32, b: f32) -> f32 {
    if a.is_nan() || b.is_nan() {
        return f32_quiet(if a.is_nan() { a } else { b });
    }
    if a == b {
        return f32::from_bits(a.to_bits() & b.to_bits()); // +0 if either is
    }
    if a > b { a } else { b }
}

#[inline(always)]
pub fn f32_copysign(a: f32, b: f32) -> f32 {
    f32::from_bits(a.to_bits() & !F32_SIGN | b.to_bits() & F32_SIGN)
}

#[inline(always)]
pub fn f64_add(a: f64, b: f64) -> f64 {
    a + b
}

#[inline(always)]
pub fn f64_sub(a: f64, b: f64) -> f64 {
    a - b
}

#[inline(always)]
pub fn f64_mul(a: f64, b: f64) -> f64 {
    a * b
}

#[inline(always)]
pub fn f64_div(a: f64, b: f64) -> f64 {
    a / b
}

#[inline(always)]
pub fn f64_min(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() {
        return f64_quiet(if a.is_nan() { a } else { b });
    }
    if a == b {
        return f64::from_bits(a.to_bits() | b.to_bits()); // -0 if either is
    }
    if a < b { a } else { b }
}

#[inline(always)]
pub fn f64_max(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() {
        return f64_quiet(if a.is_nan() { a } else { b });
    }
    if a == b {
        return f64::from_bits(a.to_bits() & b.to_bits()); // +0 if either is
    }
    if a > b { a } else { b }
}

#[inline(always)]
pub fn f64_copysign(a: f64, b: f64) -> f64 {
    f64::from_bits(a.to_bits() & !F64_SIGN | b.to_bits() & F64_SIGN)
}

// Comparisons: 1 if it holds, else 0.

#[inline(always)]
pub fn i32_eq(a: i32, b: i32) -> i32 {
    i32::from(a == b)
}

#[inline(always)]
pub fn i32_ne(a: i32, b: i32) -> i32 {
    i32::from(a != b)
}

#[inline(always)]
pub fn i32_lt_s(a: i32, b: i32) -> i32 {
    i32::from(a < b)
}

#[inline(always)]
pub fn i32_lt_u(a: i32, b: i32) -> i32 {
    i32::from((a as u32) < (b as u32))
}

#[inline(always)]
pub fn i32_gt_s(a: i32, b: i32) -> i32 {
    i32::from(a > b)
}

#[inline(always)]
pub fn i32_gt_u(a: i32, b: i32) -> i32 {
    i32::from((a as u32) > (b as u32))
}

#[inline(always)]
pub fn i32_le_s(a: i32, b: i32) -> i32 {
    i32::from(a <= b)
}

#[inline(always)]
pub fn i32_le_u(a: i32, b: i32) -> i32 {
    i32::from((a as u32) <= (b as u32))
}

#[inline(always)]
pub fn i32_ge_s(a: i32, b: i32) -> i32 {
    i32::from(a >= b)
}

#[inline(always)]
pub fn i32_ge_u(a: i32, b: i32) -> i32 {
    i32::from((a as u32) >= (b as u32))
}

#[inline(always)]
pub fn i64_eq(a: i64, b: i64) -> i32 {
    i32::from(a == b)
}

#[inline(always)]
pub fn i64_ne(a: i64, b: i64) -> i32 {
    i32::from(a != b)
}

#[inline(always)]
pub fn i64_lt_s(a: i64, b: i64) -> i32 {
    i32::from(a < b)
}

#[inline(always)]
pub fn i64_lt_u(a: i64, b: i64) -> i32 {
    i32::from((a as u64) < (b as u64))
}

#[inline(always)]
pub fn i64_gt_s(a: i64, b: i64) -> i32 {
    i32::from(a > b)
}

#[inline(always)]
pub fn i64_gt_u(a: i64, b: i64) -> i32 {
    i32::from((a as u64) > (b as u64))
}

#[inline(always)]
pub fn i64_le_s(a: i64, b: i64) -> i32 {
    i32::from(a <= b)
}

#[inline(always)]
pub fn i64_le_u(a: i64, b: i64) -> i32 {
    i32::from((a as u64) <= (b as u64))
}

#[inline(always)]
pub fn i64_ge_s(a: i64, b: i64) -> i32 {
    i32::from(a >= b)
}

#[inline(always)]
pub fn i64_ge_u(a: i64, b: i64) -> i32 {
    i32::from((a as u64) >= (b as u64))
}

#[inline(always)]
pub fn f32_eq(a: f32, b: f32) -> i32 {
    i32::from(a == b)
}

#[inline(always)]
pub fn f32_ne(a: f32, b: f32) -> i32 {
    i32::from(a != b)
}

#[inline(always)]
pub fn f32_lt(a: f32, b: f32) -> i32 {
    i32::from(a < b)
}

#[inline(always)]
pub fn f32_gt(a: f32, b: f32) -> i32 {
    i32::from(a > b)
}

#[inline(always)]
pub fn f32_le(a: f32, b: f32) -> i32 {
    i32::from(a <= b)
}

#[inline(always)]
pub fn f32_ge(a: f32, b: f32) -> i32 {
    i32::from(a >= b)
}

#[inline(always)]
pub fn f64_eq(a: f64, b: f64) -> i32 {
    i32::from(a == b)
}

#[inline(always)]
pub fn f64_ne(a: f64, b: f64) -> i32 {
    i32::from(a != b)
}

#[inline(always)]
pub fn f64_lt(a: f64, b: f64) -> i32 {
    i32::from(a < b)
}

#[inline(always)]
pub fn f64_gt(a: f64, b: f64) -> i32 {
    i32::from(a > b)
}

#[inline(always)]
pub fn f64_le(a: f64, b: f64) -> i32 {
    i32::from(a <= b)
}

#[inline(always)]
pub fn f64_ge(a: f64, b: f64) -> i32 {
    i32::from(a >= b)
}

// Wide arithmetic: a 128-bit integer is its low and its high half.

#[inline(always)]
fn join(low: i64, high: i64) -> u128 {
    u128::from(high as u64) << 64 | u128::from(low as u64)
}

#[inline(always)]
fn split(wide: u128) -> (i64, i64) {
    (wide as i64, (wide >> 64) as i64)
}

#[inline(always)]
pub fn i64_add128(a_low: i64, a_high: i64, b_low: i64, b_high: i64) -> (i64, i64) {
    split(join(a_low, a_high).wrapping_add(join(b_low, b_high)))
}

#[inline(always)]
pub fn i64_sub128(a_low: i64, a_high: i64, b_low: i64, b_high: i64) -> (i64, i64) {
    split(join(a_low, a_high).wrapping_sub(join(b_low, b_high)))
}

#[inline(always)]
pub fn i64_mul_wide_s(a: i64, b: i64) -> (i64, i64) {
    split((i128::from(a) * i128::from(b)) as u128)
}

#[inline(always)]
pub fn i64_mul_wide_u(a: i64, b: i64) -> (i64, i64) {
    split(u128::from(a as u64) * u128::from(b as u64))
}
