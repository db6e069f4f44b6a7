//! The semantics of scalar numeric operations except conversions, and of wide arithmetic. No function panics on any
//! input; a trap is an `Err`. The interpreter's handlers, the evaluators of `sem.rs` and the lane loops of `vector.rs`
//! call them. Core specification, "Numeric Instructions" and "Numerics"; the wide-arithmetic proposal.
//!
//! NaN results are quiet, as the specification requires, and `nan.rs` determines their bits. Absolute value, negation and
//! copysign are bit operations and do not change the payload of a NaN. The `pub(super)` functions are for lane loops: they
//! do not specify the bits of a NaN, and they have no branches, so that the loops vectorise.

#![allow(missing_docs)] // Each function is documented by its row in the op table.

use super::nan::{self, propagate};
use crate::Trap;

// Integer operations of one operand.

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

// Integer operations of two operands. Shift and rotate amounts are modulo the width.

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

// Float operations of one operand.

/// The sign bit of an `f32`.
const F32_SIGN: u32 = 0x8000_0000;
/// Every `f32` with a magnitude of at least 2^23 is an integer.
const F32_INTEGRAL: f32 = 8_388_608.0;

/// Rounds `a` to the nearest integer, ties to even, applies `adjust`, and restores the sign of `a`. Integers, infinities
/// and NaN stay unchanged. Adding 2^23 to a smaller magnitude rounds it, because the sum has no bits for a fraction.
#[inline(always)]
fn f32_round(a: f32, adjust: impl Fn(f32) -> f32) -> f32 {
    let nearest = (f32_abs(a) + F32_INTEGRAL) - F32_INTEGRAL;
    let rounded = f32_copysign(adjust(f32_copysign(nearest, a)), a);
    if f32_abs(a) < F32_INTEGRAL { rounded } else { a }
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
pub(super) fn f32_rounded_up(a: f32) -> f32 {
    f32_round(a, |nearest| nearest + f32::from(nearest < a))
}

#[inline(always)]
pub fn f32_ceil(a: f32) -> f32 {
    propagate(f32_rounded_up(a), || nan::unary(a))
}

#[inline(always)]
pub(super) fn f32_rounded_down(a: f32) -> f32 {
    f32_round(a, |nearest| nearest - f32::from(nearest > a))
}

#[inline(always)]
pub fn f32_floor(a: f32) -> f32 {
    propagate(f32_rounded_down(a), || nan::unary(a))
}

#[inline(always)]
pub(super) fn f32_rounded_to_zero(a: f32) -> f32 {
    f32_round(a, |nearest| f32_abs(nearest) - f32::from(f32_abs(nearest) > f32_abs(a)))
}

#[inline(always)]
pub fn f32_trunc(a: f32) -> f32 {
    propagate(f32_rounded_to_zero(a), || nan::unary(a))
}

#[inline(always)]
pub(super) fn f32_rounded_to_even(a: f32) -> f32 {
    f32_round(a, |nearest| nearest)
}

#[inline(always)]
pub fn f32_nearest(a: f32) -> f32 {
    propagate(f32_rounded_to_even(a), || nan::unary(a))
}

#[inline(always)]
pub fn f32_sqrt(a: f32) -> f32 {
    propagate(a.sqrt(), || nan::unary(a))
}

/// The sign bit of an `f64`.
const F64_SIGN: u64 = 0x8000_0000_0000_0000;
/// Every `f64` with a magnitude of at least 2^52 is an integer.
const F64_INTEGRAL: f64 = 4_503_599_627_370_496.0;

/// Rounds `a` to the nearest integer, ties to even, applies `adjust`, and restores the sign of `a`. Integers, infinities
/// and NaN stay unchanged. Adding 2^52 to a smaller magnitude rounds it, because the sum has no bits for a fraction.
#[inline(always)]
fn f64_round(a: f64, adjust: impl Fn(f64) -> f64) -> f64 {
    let nearest = (f64_abs(a) + F64_INTEGRAL) - F64_INTEGRAL;
    let rounded = f64_copysign(adjust(f64_copysign(nearest, a)), a);
    if f64_abs(a) < F64_INTEGRAL { rounded } else { a }
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
pub(super) fn f64_rounded_up(a: f64) -> f64 {
    f64_round(a, |nearest| nearest + f64::from(nearest < a))
}

#[inline(always)]
pub fn f64_ceil(a: f64) -> f64 {
    propagate(f64_rounded_up(a), || nan::unary(a))
}

#[inline(always)]
pub(super) fn f64_rounded_down(a: f64) -> f64 {
    f64_round(a, |nearest| nearest - f64::from(nearest > a))
}

#[inline(always)]
pub fn f64_floor(a: f64) -> f64 {
    propagate(f64_rounded_down(a), || nan::unary(a))
}

#[inline(always)]
pub(super) fn f64_rounded_to_zero(a: f64) -> f64 {
    f64_round(a, |nearest| f64_abs(nearest) - f64::from(f64_abs(nearest) > f64_abs(a)))
}

#[inline(always)]
pub fn f64_trunc(a: f64) -> f64 {
    propagate(f64_rounded_to_zero(a), || nan::unary(a))
}

#[inline(always)]
pub(super) fn f64_rounded_to_even(a: f64) -> f64 {
    f64_round(a, |nearest| nearest)
}

#[inline(always)]
pub fn f64_nearest(a: f64) -> f64 {
    propagate(f64_rounded_to_even(a), || nan::unary(a))
}

#[inline(always)]
pub fn f64_sqrt(a: f64) -> f64 {
    propagate(a.sqrt(), || nan::unary(a))
}

// Float operations of two operands.

#[inline(always)]
pub fn f32_add(a: f32, b: f32) -> f32 {
    propagate(a + b, || nan::binary(a, b))
}

#[inline(always)]
pub fn f32_sub(a: f32, b: f32) -> f32 {
    propagate(a - b, || nan::binary(a, b))
}

#[inline(always)]
pub fn f32_mul(a: f32, b: f32) -> f32 {
    propagate(a * b, || nan::binary(a, b))
}

#[inline(always)]
pub fn f32_div(a: f32, b: f32) -> f32 {
    propagate(a / b, || nan::binary(a, b))
}

#[inline(always)]
pub(super) fn f32_lesser(a: f32, b: f32) -> f32 {
    let (one, other) = (if a < b { a } else { b }, if b < a { b } else { a });
    let min = f32::from_bits(one.to_bits() | other.to_bits()); // The operands are equal; of two zeros, -0 wins.
    if a.is_nan() | b.is_nan() { f32::NAN } else { min }
}

#[inline(always)]
pub fn f32_min(a: f32, b: f32) -> f32 {
    propagate(f32_lesser(a, b), || nan::min_or_max(a, b))
}

#[inline(always)]
pub(super) fn f32_greater(a: f32, b: f32) -> f32 {
    let (one, other) = (if a > b { a } else { b }, if b > a { b } else { a });
    let max = f32::from_bits(one.to_bits() & other.to_bits()); // The operands are equal; of two zeros, +0 wins.
    if a.is_nan() | b.is_nan() { f32::NAN } else { max }
}

#[inline(always)]
pub fn f32_max(a: f32, b: f32) -> f32 {
    propagate(f32_greater(a, b), || nan::min_or_max(a, b))
}

#[inline(always)]
pub fn f32_copysign(a: f32, b: f32) -> f32 {
    f32::from_bits(a.to_bits() & !F32_SIGN | b.to_bits() & F32_SIGN)
}

#[inline(always)]
pub fn f64_add(a: f64, b: f64) -> f64 {
    propagate(a + b, || nan::binary(a, b))
}

#[inline(always)]
pub fn f64_sub(a: f64, b: f64) -> f64 {
    propagate(a - b, || nan::binary(a, b))
}

#[inline(always)]
pub fn f64_mul(a: f64, b: f64) -> f64 {
    propagate(a * b, || nan::binary(a, b))
}

#[inline(always)]
pub fn f64_div(a: f64, b: f64) -> f64 {
    propagate(a / b, || nan::binary(a, b))
}

#[inline(always)]
pub(super) fn f64_lesser(a: f64, b: f64) -> f64 {
    let (one, other) = (if a < b { a } else { b }, if b < a { b } else { a });
    let min = f64::from_bits(one.to_bits() | other.to_bits()); // The operands are equal; of two zeros, -0 wins.
    if a.is_nan() | b.is_nan() { f64::NAN } else { min }
}

#[inline(always)]
pub fn f64_min(a: f64, b: f64) -> f64 {
    propagate(f64_lesser(a, b), || nan::min_or_max(a, b))
}

#[inline(always)]
pub(super) fn f64_greater(a: f64, b: f64) -> f64 {
    let (one, other) = (if a > b { a } else { b }, if b > a { b } else { a });
    let max = f64::from_bits(one.to_bits() & other.to_bits()); // The operands are equal; of two zeros, +0 wins.
    if a.is_nan() | b.is_nan() { f64::NAN } else { max }
}

#[inline(always)]
pub fn f64_max(a: f64, b: f64) -> f64 {
    propagate(f64_greater(a, b), || nan::min_or_max(a, b))
}

#[inline(always)]
pub fn f64_copysign(a: f64, b: f64) -> f64 {
    f64::from_bits(a.to_bits() & !F64_SIGN | b.to_bits() & F64_SIGN)
}

// Comparisons. The result is 1 if the relation holds, otherwise 0.

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

// Wide arithmetic. A 128-bit integer is a pair of its low and high halves.

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::Binary::{self, *};
    use crate::op::Compare::{self, *};
    use crate::op::Unary::{self, *};
    use crate::sem::{Scalar, eval_binary, eval_compare, eval_unary};

    const DIVIDE_BY_ZERO: Trap = Trap::IntegerDivideByZero;
    const OVERFLOW: Trap = Trap::IntegerOverflow;

    fn unary<A: Scalar, R: Scalar>(rows: &[(Unary, A, R)]) {
        for &(op, a, result) in rows {
            assert_eq!(eval_unary(op, a.to_bits()), Ok(result.to_bits()), "{} {:#x}", op.text(), a.to_bits());
        }
    }

    fn binary<A: Scalar>(rows: &[(Binary, A, A, Result<A, Trap>)]) {
        for &(op, a, b, result) in rows {
            let (a, b) = (a.to_bits(), b.to_bits());
            assert_eq!(eval_binary(op, a, b), result.map(A::to_bits), "{} {a:#x} {b:#x}", op.text());
        }
    }

    fn compare<A: Scalar>(rows: &[(Compare, A, A, u64)]) {
        for &(op, a, b, result) in rows {
            let (a, b) = (a.to_bits(), b.to_bits());
            assert_eq!(eval_compare(op, a, b), Ok(result), "{} {a:#x} {b:#x}", op.text());
        }
    }

    #[test]
    fn unary_integer_operations_match_known_results() {
        unary::<i32, i32>(&[
            (I32Clz, 0, 32),
            (I32Clz, -1, 0),
            (I32Ctz, 0, 32),
            (I32Ctz, i32::MIN, 31),
            (I32Popcnt, -1, 32),
            (I32Eqz, 0, 1),
            (I32Eqz, i32::MIN, 0),
            (I32Extend8S, 0x7F80, -128),
            (I32Extend8S, -129, 127),
            (I32Extend16S, 0x7FFF_8000, -0x8000),
        ]);
        unary::<i64, i64>(&[
            (I64Clz, 0, 64),
            (I64Ctz, 0, 64),
            (I64Ctz, i64::MIN, 63),
            (I64Popcnt, -1, 64),
            (I64Extend8S, 0x80, -128),
            (I64Extend16S, 0x8000, -0x8000),
            (I64Extend32S, 0x8000_0000, -0x8000_0000),
            (I64Extend32S, 0x1_7FFF_FFFF, 0x7FFF_FFFF),
        ]);
        unary::<i64, i32>(&[(I64Eqz, 0, 1), (I64Eqz, 1 << 32, 0)]);
    }

    #[test]
    fn binary_integer_operations_match_known_results() {
        binary::<i32>(&[
            (I32Add, i32::MAX, 1, Ok(i32::MIN)),
            (I32Sub, i32::MIN, 1, Ok(i32::MAX)),
            (I32Mul, 0x1_0001, 0x1_0001, Ok(0x2_0001)),
            (I32DivS, 7, -2, Ok(-3)),
            (I32DivS, i32::MIN, -1, Err(OVERFLOW)),
            (I32DivS, i32::MIN, 0, Err(DIVIDE_BY_ZERO)),
            (I32DivU, -1, 2, Ok(i32::MAX)),
            (I32DivU, i32::MIN, -1, Ok(0)),
            (I32DivU, 1, 0, Err(DIVIDE_BY_ZERO)),
            (I32RemS, -7, 2, Ok(-1)),
            (I32RemS, i32::MIN, -1, Ok(0)),
            (I32RemS, 1, 0, Err(DIVIDE_BY_ZERO)),
            (I32RemU, -1, 10, Ok(5)),
            (I32RemU, 0, 0, Err(DIVIDE_BY_ZERO)),
            (I32Shl, 1, 33, Ok(2)),
            (I32Shl, 1, -1, Ok(i32::MIN)),
            (I32ShrS, i32::MIN, 31, Ok(-1)),
            (I32ShrS, i32::MIN, 32, Ok(i32::MIN)),
            (I32ShrU, -1, 63, Ok(1)),
            (I32Rotl, i32::MIN | 1, 1, Ok(3)),
            (I32Rotl, 1, 32, Ok(1)),
            (I32Rotr, 1, 33, Ok(i32::MIN)),
        ]);
        binary::<i64>(&[
            (I64Add, i64::MAX, 1, Ok(i64::MIN)),
            (I64Mul, i64::MIN, -1, Ok(i64::MIN)),
            (I64DivS, i64::MIN, -1, Err(OVERFLOW)),
            (I64DivS, 1, 0, Err(DIVIDE_BY_ZERO)),
            (I64DivU, i64::MIN, -1, Ok(0)),
            (I64DivU, 1, 0, Err(DIVIDE_BY_ZERO)),
            (I64RemS, i64::MIN, -1, Ok(0)),
            (I64RemS, 1, 0, Err(DIVIDE_BY_ZERO)),
            (I64RemU, -1, 10, Ok(5)),
            (I64RemU, 1, 0, Err(DIVIDE_BY_ZERO)),
            (I64Shl, 1, 65, Ok(2)),
            (I64Shl, 1, 1 << 32, Ok(1)),
            (I64ShrS, i64::MIN, 63, Ok(-1)),
            (I64ShrU, -1, 127, Ok(1)),
            (I64Rotl, 1, 64, Ok(1)),
            (I64Rotr, 1, 65, Ok(i64::MIN)),
        ]);
    }

    #[test]
    fn comparisons_match_known_results() {
        compare::<i32>(&[
            (I32LtS, -1, 0, 1),
            (I32LtU, -1, 0, 0),
            (I32GtS, i32::MIN, i32::MAX, 0),
            (I32GtU, i32::MIN, i32::MAX, 1),
            (I32LeS, 1, 1, 1),
            (I32GeU, 0, -1, 0),
        ]);
        compare::<i64>(&[
            (I64LtS, i64::MIN, 0, 1),
            (I64LtU, i64::MIN, 0, 0),
            (I64Eq, 1 << 32, 0, 0),
            (I64GeS, -1, 1, 0),
        ]);
        compare::<f32>(&[
            (F32Eq, 0.0, -0.0, 1),
            (F32Lt, -0.0, 0.0, 0),
            (F32Eq, f32::NAN, f32::NAN, 0),
            (F32Ne, f32::NAN, f32::NAN, 1),
            (F32Lt, f32::NAN, 1.0, 0),
            (F32Ge, 1.0, f32::NAN, 0),
        ]);
        compare::<f64>(&[
            (F64Ne, f64::NAN, 1.0, 1),
            (F64Le, f64::NEG_INFINITY, f64::INFINITY, 1),
            (F64Gt, f64::NAN, 0.0, 0),
        ]);
    }

    #[test]
    fn rounding_keeps_the_sign_and_breaks_ties_to_even() {
        unary::<f32, f32>(&[
            (F32Ceil, -0.5, -0.0),
            (F32Ceil, 0.1, 1.0),
            (F32Floor, -0.1, -1.0),
            (F32Floor, 0.9, 0.0),
            (F32Trunc, -0.9, -0.0),
            (F32Trunc, 8_388_607.5, 8_388_607.0),
            (F32Nearest, 0.5, 0.0),
            (F32Nearest, -0.5, -0.0),
            (F32Nearest, 1.5, 2.0),
            (F32Nearest, 2.5, 2.0),
            (F32Nearest, -3.5, -4.0),
            (F32Nearest, 8_388_609.0, 8_388_609.0),
            (F32Nearest, f32::NEG_INFINITY, f32::NEG_INFINITY),
        ]);
        unary::<f64, f64>(&[
            (F64Ceil, -0.5, -0.0),
            (F64Floor, -1e-300, -1.0),
            (F64Trunc, 4_503_599_627_370_495.5, 4_503_599_627_370_495.0),
            (F64Nearest, 4_503_599_627_370_495.5, 4_503_599_627_370_496.0),
            (F64Nearest, 2.5, 2.0),
            (F64Nearest, f64::MAX, f64::MAX),
        ]);
    }

    #[test]
    fn rounding_agrees_with_the_standard_library() {
        for bits in (0..=u32::MAX).step_by(9_973) {
            let a = f32::from_bits(bits);
            if !a.is_nan() {
                assert_eq!(f32_ceil(a).to_bits(), a.ceil().to_bits(), "{a}");
                assert_eq!(f32_floor(a).to_bits(), a.floor().to_bits(), "{a}");
                assert_eq!(f32_trunc(a).to_bits(), a.trunc().to_bits(), "{a}");
                assert_eq!(f32_nearest(a).to_bits(), a.round_ties_even().to_bits(), "{a}");
            }
        }
        for i in 0..400_000_u64 {
            let a = f64::from_bits(i.wrapping_mul(0x9E37_79B9_7F4A_7C15));
            let a = if i % 2 == 0 { a } else { (a.to_bits() as i64 >> (i % 50)) as f64 / 4.0 };
            if !a.is_nan() {
                assert_eq!(f64_ceil(a).to_bits(), a.ceil().to_bits(), "{a}");
                assert_eq!(f64_floor(a).to_bits(), a.floor().to_bits(), "{a}");
                assert_eq!(f64_trunc(a).to_bits(), a.trunc().to_bits(), "{a}");
                assert_eq!(f64_nearest(a).to_bits(), a.round_ties_even().to_bits(), "{a}");
            }
        }
    }

    #[test]
    fn minimum_and_maximum_order_zeros_and_propagate_nan() {
        const QUIET: f32 = f32::from_bits(0x7FC0_0001);
        const SIGNALLING: f32 = f32::from_bits(0x7FA0_0000);
        binary::<f32>(&[
            (F32Min, 0.0, -0.0, Ok(-0.0)),
            (F32Min, -0.0, 0.0, Ok(-0.0)),
            (F32Max, -0.0, 0.0, Ok(0.0)),
            (F32Max, 0.0, -0.0, Ok(0.0)),
            (F32Max, -0.0, -0.0, Ok(-0.0)),
            (F32Min, 1.0, 2.0, Ok(1.0)),
            (F32Max, -1.5, -2.5, Ok(-1.5)),
            (F32Min, f32::NEG_INFINITY, f32::INFINITY, Ok(f32::NEG_INFINITY)),
            (F32Min, 1.5, QUIET, Ok(nan::min_or_max(1.5, QUIET))),
            (F32Max, SIGNALLING, 1.5, Ok(nan::min_or_max(SIGNALLING, 1.5))),
        ]);
        binary::<f64>(&[
            (F64Min, 0.0, -0.0, Ok(-0.0)),
            (F64Max, -0.0, 0.0, Ok(0.0)),
            (F64Min, f64::NAN, 1.5, Ok(f64::NAN)),
            (F64Max, 1.5, f64::NAN, Ok(f64::NAN)),
        ]);
    }

    #[test]
    fn sign_operations_keep_the_bits_of_a_nan() {
        let signalling = f32::from_bits(0x7FA0_0001);
        assert_eq!(f32_neg(signalling).to_bits(), 0xFFA0_0001);
        assert_eq!(f32_abs(f32_neg(signalling)).to_bits(), 0x7FA0_0001);
        assert_eq!(f32_copysign(signalling, -1.0).to_bits(), 0xFFA0_0001);
        let signalling = f64::from_bits(0x7FF4_0000_0000_0001);
        assert_eq!(f64_neg(signalling).to_bits(), 0xFFF4_0000_0000_0001);
        assert_eq!(f64_copysign(1.0, f64_neg(signalling)), -1.0);
    }

    #[test]
    fn wide_arithmetic_carries_between_the_halves() {
        assert_eq!(i64_add128(-1, 0, 1, 0), (0, 1));
        assert_eq!(i64_add128(-1, -1, 1, 0), (0, 0));
        assert_eq!(i64_sub128(0, 0, 1, 0), (-1, -1));
        assert_eq!(i64_sub128(0, 1, 1, 0), (-1, 0));
        assert_eq!(i64_mul_wide_s(-1, -1), (1, 0));
        assert_eq!(i64_mul_wide_s(i64::MIN, i64::MIN), (0, 1 << 62));
        assert_eq!(i64_mul_wide_u(-1, -1), (1, -2));
    }
}
