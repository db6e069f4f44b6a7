//! The semantics of the vector operations on integer lanes, one section per shape. The loops are in the helpers of
//! `vector.rs`. Core specification, "Vector Instructions".

#![allow(missing_docs)] // Each function is documented by its row in the op table.

use super::*;
use crate::sem::convert::*;

// i8x16.

#[inline(always)]
pub fn i8x16_splat(a: i32) -> V128 {
    splat(a as i8)
}

#[inline(always)]
pub fn i8x16_extract_lane_s(v: V128, lane: u8) -> i32 {
    i32::from(extract::<i8, 16>(v, lane))
}

#[inline(always)]
pub fn i8x16_extract_lane_u(v: V128, lane: u8) -> i32 {
    i32::from(extract::<u8, 16>(v, lane))
}

#[inline(always)]
pub fn i8x16_replace_lane(v: V128, lane: u8, a: i32) -> V128 {
    replace(v, lane, a as i8)
}

#[inline(always)]
pub fn i8x16_eq(a: V128, b: V128) -> V128 {
    compare(a, b, i8::eq)
}

#[inline(always)]
pub fn i8x16_ne(a: V128, b: V128) -> V128 {
    compare(a, b, i8::ne)
}

#[inline(always)]
pub fn i8x16_lt_s(a: V128, b: V128) -> V128 {
    compare(a, b, i8::lt)
}

#[inline(always)]
pub fn i8x16_lt_u(a: V128, b: V128) -> V128 {
    compare(a, b, u8::lt)
}

#[inline(always)]
pub fn i8x16_gt_s(a: V128, b: V128) -> V128 {
    compare(a, b, i8::gt)
}

#[inline(always)]
pub fn i8x16_gt_u(a: V128, b: V128) -> V128 {
    compare(a, b, u8::gt)
}

#[inline(always)]
pub fn i8x16_le_s(a: V128, b: V128) -> V128 {
    compare(a, b, i8::le)
}

#[inline(always)]
pub fn i8x16_le_u(a: V128, b: V128) -> V128 {
    compare(a, b, u8::le)
}

#[inline(always)]
pub fn i8x16_ge_s(a: V128, b: V128) -> V128 {
    compare(a, b, i8::ge)
}

#[inline(always)]
pub fn i8x16_ge_u(a: V128, b: V128) -> V128 {
    compare(a, b, u8::ge)
}

#[inline(always)]
pub fn i8x16_abs(v: V128) -> V128 {
    map(v, i8::wrapping_abs)
}

#[inline(always)]
pub fn i8x16_neg(v: V128) -> V128 {
    map(v, i8::wrapping_neg)
}

#[inline(always)]
pub fn i8x16_popcnt(v: V128) -> V128 {
    map(v, |a: u8| a.count_ones() as u8)
}

#[inline(always)]
pub fn i8x16_all_true(v: V128) -> i32 {
    all(v, |a: i8| a != 0)
}

#[inline(always)]
pub fn i8x16_bitmask(v: V128) -> i32 {
    bits(v, |a: i8| a < 0)
}

#[inline(always)]
pub fn i8x16_shl(v: V128, amount: i32) -> V128 {
    map(v, |a: i8| a.wrapping_shl(amount as u32))
}

#[inline(always)]
pub fn i8x16_shr_s(v: V128, amount: i32) -> V128 {
    map(v, |a: i8| a.wrapping_shr(amount as u32))
}

#[inline(always)]
pub fn i8x16_shr_u(v: V128, amount: i32) -> V128 {
    map(v, |a: u8| a.wrapping_shr(amount as u32))
}

#[inline(always)]
pub fn i8x16_add(a: V128, b: V128) -> V128 {
    zip(a, b, i8::wrapping_add)
}

#[inline(always)]
pub fn i8x16_add_sat_s(a: V128, b: V128) -> V128 {
    zip(a, b, i8::saturating_add)
}

#[inline(always)]
pub fn i8x16_add_sat_u(a: V128, b: V128) -> V128 {
    zip(a, b, u8::saturating_add)
}

#[inline(always)]
pub fn i8x16_sub(a: V128, b: V128) -> V128 {
    zip(a, b, i8::wrapping_sub)
}

#[inline(always)]
pub fn i8x16_sub_sat_s(a: V128, b: V128) -> V128 {
    zip(a, b, i8::saturating_sub)
}

#[inline(always)]
pub fn i8x16_sub_sat_u(a: V128, b: V128) -> V128 {
    zip(a, b, u8::saturating_sub)
}

#[inline(always)]
pub fn i8x16_min_s(a: V128, b: V128) -> V128 {
    zip(a, b, i8::min)
}

#[inline(always)]
pub fn i8x16_min_u(a: V128, b: V128) -> V128 {
    zip(a, b, u8::min)
}

#[inline(always)]
pub fn i8x16_max_s(a: V128, b: V128) -> V128 {
    zip(a, b, i8::max)
}

#[inline(always)]
pub fn i8x16_max_u(a: V128, b: V128) -> V128 {
    zip(a, b, u8::max)
}

#[inline(always)]
pub fn i8x16_avgr_u(a: V128, b: V128) -> V128 {
    zip(a, b, |a: u8, b: u8| (u32::from(a) + u32::from(b)).div_ceil(2) as u8)
}

#[inline(always)]
pub fn i8x16_narrow_i16x8_s(a: V128, b: V128) -> V128 {
    narrow(a, b, |a: i16| a.clamp(i8::MIN.into(), i8::MAX.into()) as i8)
}

#[inline(always)]
pub fn i8x16_narrow_i16x8_u(a: V128, b: V128) -> V128 {
    narrow(a, b, |a: i16| a.clamp(0, u8::MAX.into()) as u8)
}

// i16x8.

#[inline(always)]
pub fn i16x8_splat(a: i32) -> V128 {
    splat(a as i16)
}

#[inline(always)]
pub fn i16x8_extract_lane_s(v: V128, lane: u8) -> i32 {
    i32::from(extract::<i16, 8>(v, lane))
}

#[inline(always)]
pub fn i16x8_extract_lane_u(v: V128, lane: u8) -> i32 {
    i32::from(extract::<u16, 8>(v, lane))
}

#[inline(always)]
pub fn i16x8_replace_lane(v: V128, lane: u8, a: i32) -> V128 {
    replace(v, lane, a as i16)
}

#[inline(always)]
pub fn i16x8_eq(a: V128, b: V128) -> V128 {
    compare(a, b, i16::eq)
}

#[inline(always)]
pub fn i16x8_ne(a: V128, b: V128) -> V128 {
    compare(a, b, i16::ne)
}

#[inline(always)]
pub fn i16x8_lt_s(a: V128, b: V128) -> V128 {
    compare(a, b, i16::lt)
}

#[inline(always)]
pub fn i16x8_lt_u(a: V128, b: V128) -> V128 {
    compare(a, b, u16::lt)
}

#[inline(always)]
pub fn i16x8_gt_s(a: V128, b: V128) -> V128 {
    compare(a, b, i16::gt)
}

#[inline(always)]
pub fn i16x8_gt_u(a: V128, b: V128) -> V128 {
    compare(a, b, u16::gt)
}

#[inline(always)]
pub fn i16x8_le_s(a: V128, b: V128) -> V128 {
    compare(a, b, i16::le)
}

#[inline(always)]
pub fn i16x8_le_u(a: V128, b: V128) -> V128 {
    compare(a, b, u16::le)
}

#[inline(always)]
pub fn i16x8_ge_s(a: V128, b: V128) -> V128 {
    compare(a, b, i16::ge)
}

#[inline(always)]
pub fn i16x8_ge_u(a: V128, b: V128) -> V128 {
    compare(a, b, u16::ge)
}

#[inline(always)]
pub fn i16x8_abs(v: V128) -> V128 {
    map(v, i16::wrapping_abs)
}

#[inline(always)]
pub fn i16x8_neg(v: V128) -> V128 {
    map(v, i16::wrapping_neg)
}

#[inline(always)]
pub fn i16x8_all_true(v: V128) -> i32 {
    all(v, |a: i16| a != 0)
}

#[inline(always)]
pub fn i16x8_bitmask(v: V128) -> i32 {
    bits(v, |a: i16| a < 0)
}

#[inline(always)]
pub fn i16x8_shl(v: V128, amount: i32) -> V128 {
    map(v, |a: i16| a.wrapping_shl(amount as u32))
}

#[inline(always)]
pub fn i16x8_shr_s(v: V128, amount: i32) -> V128 {
    map(v, |a: i16| a.wrapping_shr(amount as u32))
}

#[inline(always)]
pub fn i16x8_shr_u(v: V128, amount: i32) -> V128 {
    map(v, |a: u16| a.wrapping_shr(amount as u32))
}

#[inline(always)]
pub fn i16x8_add(a: V128, b: V128) -> V128 {
    zip(a, b, i16::wrapping_add)
}

#[inline(always)]
pub fn i16x8_add_sat_s(a: V128, b: V128) -> V128 {
    zip(a, b, i16::saturating_add)
}

#[inline(always)]
pub fn i16x8_add_sat_u(a: V128, b: V128) -> V128 {
    zip(a, b, u16::saturating_add)
}

#[inline(always)]
pub fn i16x8_sub(a: V128, b: V128) -> V128 {
    zip(a, b, i16::wrapping_sub)
}

#[inline(always)]
pub fn i16x8_sub_sat_s(a: V128, b: V128) -> V128 {
    zip(a, b, i16::saturating_sub)
}

#[inline(always)]
pub fn i16x8_sub_sat_u(a: V128, b: V128) -> V128 {
    zip(a, b, u16::saturating_sub)
}

#[inline(always)]
pub fn i16x8_mul(a: V128, b: V128) -> V128 {
    zip(a, b, i16::wrapping_mul)
}

#[inline(always)]
pub fn i16x8_min_s(a: V128, b: V128) -> V128 {
    zip(a, b, i16::min)
}

#[inline(always)]
pub fn i16x8_min_u(a: V128, b: V128) -> V128 {
    zip(a, b, u16::min)
}

#[inline(always)]
pub fn i16x8_max_s(a: V128, b: V128) -> V128 {
    zip(a, b, i16::max)
}

#[inline(always)]
pub fn i16x8_max_u(a: V128, b: V128) -> V128 {
    zip(a, b, u16::max)
}

#[inline(always)]
pub fn i16x8_avgr_u(a: V128, b: V128) -> V128 {
    zip(a, b, |a: u16, b: u16| (u32::from(a) + u32::from(b)).div_ceil(2) as u16)
}

#[inline(always)]
pub fn i16x8_q15mulr_sat_s(a: V128, b: V128) -> V128 {
    zip(a, b, |a: i16, b: i16| ((i32::from(a) * i32::from(b) + 0x4000) >> 15).min(0x7FFF) as i16)
}

#[inline(always)]
pub fn i16x8_narrow_i32x4_s(a: V128, b: V128) -> V128 {
    narrow(a, b, |a: i32| a.clamp(i16::MIN.into(), i16::MAX.into()) as i16)
}

#[inline(always)]
pub fn i16x8_narrow_i32x4_u(a: V128, b: V128) -> V128 {
    narrow(a, b, |a: i32| a.clamp(0, u16::MAX.into()) as u16)
}

#[inline(always)]
pub fn i16x8_extadd_pairwise_i8x16_s(v: V128) -> V128 {
    pairwise(v, |a: i8, b: i8| i16::from(a) + i16::from(b))
}

#[inline(always)]
pub fn i16x8_extadd_pairwise_i8x16_u(v: V128) -> V128 {
    pairwise(v, |a: u8, b: u8| u16::from(a) + u16::from(b))
}

#[inline(always)]
pub fn i16x8_extend_low_i8x16_s(v: V128) -> V128 {
    extend_low(v, |a: i8| i16::from(a))
}

#[inline(always)]
pub fn i16x8_extend_low_i8x16_u(v: V128) -> V128 {
    extend_low(v, |a: u8| u16::from(a))
}

#[inline(always)]
pub fn i16x8_extend_high_i8x16_s(v: V128) -> V128 {
    extend_high(v, |a: i8| i16::from(a))
}

#[inline(always)]
pub fn i16x8_extend_high_i8x16_u(v: V128) -> V128 {
    extend_high(v, |a: u8| u16::from(a))
}

#[inline(always)]
pub fn i16x8_extmul_low_i8x16_s(a: V128, b: V128) -> V128 {
    zip_low(a, b, |a: i8, b: i8| i16::from(a) * i16::from(b))
}

#[inline(always)]
pub fn i16x8_extmul_low_i8x16_u(a: V128, b: V128) -> V128 {
    zip_low(a, b, |a: u8, b: u8| u16::from(a) * u16::from(b))
}

#[inline(always)]
pub fn i16x8_extmul_high_i8x16_s(a: V128, b: V128) -> V128 {
    zip_high(a, b, |a: i8, b: i8| i16::from(a) * i16::from(b))
}

#[inline(always)]
pub fn i16x8_extmul_high_i8x16_u(a: V128, b: V128) -> V128 {
    zip_high(a, b, |a: u8, b: u8| u16::from(a) * u16::from(b))
}

// i32x4.

#[inline(always)]
pub fn i32x4_splat(a: i32) -> V128 {
    splat(a)
}

#[inline(always)]
pub fn i32x4_extract_lane(v: V128, lane: u8) -> i32 {
    extract(v, lane)
}

#[inline(always)]
pub fn i32x4_replace_lane(v: V128, lane: u8, a: i32) -> V128 {
    replace(v, lane, a)
}

#[inline(always)]
pub fn i32x4_eq(a: V128, b: V128) -> V128 {
    compare(a, b, i32::eq)
}

#[inline(always)]
pub fn i32x4_ne(a: V128, b: V128) -> V128 {
    compare(a, b, i32::ne)
}

#[inline(always)]
pub fn i32x4_lt_s(a: V128, b: V128) -> V128 {
    compare(a, b, i32::lt)
}

#[inline(always)]
pub fn i32x4_lt_u(a: V128, b: V128) -> V128 {
    compare(a, b, u32::lt)
}

#[inline(always)]
pub fn i32x4_gt_s(a: V128, b: V128) -> V128 {
    compare(a, b, i32::gt)
}

#[inline(always)]
pub fn i32x4_gt_u(a: V128, b: V128) -> V128 {
    compare(a, b, u32::gt)
}

#[inline(always)]
pub fn i32x4_le_s(a: V128, b: V128) -> V128 {
    compare(a, b, i32::le)
}

#[inline(always)]
pub fn i32x4_le_u(a: V128, b: V128) -> V128 {
    compare(a, b, u32::le)
}

#[inline(always)]
pub fn i32x4_ge_s(a: V128, b: V128) -> V128 {
    compare(a, b, i32::ge)
}

#[inline(always)]
pub fn i32x4_ge_u(a: V128, b: V128) -> V128 {
    compare(a, b, u32::ge)
}

#[inline(always)]
pub fn i32x4_abs(v: V128) -> V128 {
    map(v, i32::wrapping_abs)
}

#[inline(always)]
pub fn i32x4_neg(v: V128) -> V128 {
    map(v, i32::wrapping_neg)
}

#[inline(always)]
pub fn i32x4_all_true(v: V128) -> i32 {
    all(v, |a: i32| a != 0)
}

#[inline(always)]
pub fn i32x4_bitmask(v: V128) -> i32 {
    bits(v, |a: i32| a < 0)
}

#[inline(always)]
pub fn i32x4_shl(v: V128, amount: i32) -> V128 {
    map(v, |a: i32| a.wrapping_shl(amount as u32))
}

#[inline(always)]
pub fn i32x4_shr_s(v: V128, amount: i32) -> V128 {
    map(v, |a: i32| a.wrapping_shr(amount as u32))
}

#[inline(always)]
pub fn i32x4_shr_u(v: V128, amount: i32) -> V128 {
    map(v, |a: u32| a.wrapping_shr(amount as u32))
}

#[inline(always)]
pub fn i32x4_add(a: V128, b: V128) -> V128 {
    zip(a, b, i32::wrapping_add)
}

#[inline(always)]
pub fn i32x4_sub(a: V128, b: V128) -> V128 {
    zip(a, b, i32::wrapping_sub)
}

#[inline(always)]
pub fn i32x4_mul(a: V128, b: V128) -> V128 {
    zip(a, b, i32::wrapping_mul)
}

#[inline(always)]
pub fn i32x4_min_s(a: V128, b: V128) -> V128 {
    zip(a, b, i32::min)
}

#[inline(always)]
pub fn i32x4_min_u(a: V128, b: V128) -> V128 {
    zip(a, b, u32::min)
}

#[inline(always)]
pub fn i32x4_max_s(a: V128, b: V128) -> V128 {
    zip(a, b, i32::max)
}

#[inline(always)]
pub fn i32x4_max_u(a: V128, b: V128) -> V128 {
    zip(a, b, u32::max)
}

#[inline(always)]
pub fn i32x4_extadd_pairwise_i16x8_s(v: V128) -> V128 {
    pairwise(v, |a: i16, b: i16| i32::from(a) + i32::from(b))
}

#[inline(always)]
pub fn i32x4_extadd_pairwise_i16x8_u(v: V128) -> V128 {
    pairwise(v, |a: u16, b: u16| u32::from(a) + u32::from(b))
}

#[inline(always)]
pub fn i32x4_extend_low_i16x8_s(v: V128) -> V128 {
    extend_low(v, |a: i16| i32::from(a))
}

#[inline(always)]
pub fn i32x4_extend_low_i16x8_u(v: V128) -> V128 {
    extend_low(v, |a: u16| u32::from(a))
}

#[inline(always)]
pub fn i32x4_extend_high_i16x8_s(v: V128) -> V128 {
    extend_high(v, |a: i16| i32::from(a))
}

#[inline(always)]
pub fn i32x4_extend_high_i16x8_u(v: V128) -> V128 {
    extend_high(v, |a: u16| u32::from(a))
}

#[inline(always)]
pub fn i32x4_extmul_low_i16x8_s(a: V128, b: V128) -> V128 {
    zip_low(a, b, |a: i16, b: i16| i32::from(a) * i32::from(b))
}

#[inline(always)]
pub fn i32x4_extmul_low_i16x8_u(a: V128, b: V128) -> V128 {
    zip_low(a, b, |a: u16, b: u16| u32::from(a) * u32::from(b))
}

#[inline(always)]
pub fn i32x4_extmul_high_i16x8_s(a: V128, b: V128) -> V128 {
    zip_high(a, b, |a: i16, b: i16| i32::from(a) * i32::from(b))
}

#[inline(always)]
pub fn i32x4_extmul_high_i16x8_u(a: V128, b: V128) -> V128 {
    zip_high(a, b, |a: u16, b: u16| u32::from(a) * u32::from(b))
}

#[inline(always)]
pub fn i32x4_dot_i16x8_s(a: V128, b: V128) -> V128 {
    let (a, b) = (<[i16; 8]>::of(a), <[i16; 8]>::of(b));
    let product = |i: usize| i32::from(a[i]) * i32::from(b[i]);
    from_fn::<i32, 4, _>(|i| product(2 * i).wrapping_add(product(2 * i + 1))).vector()
}

#[inline(always)]
pub fn i32x4_trunc_sat_f32x4_s(v: V128) -> V128 {
    map(v, i32_trunc_sat_f32_s)
}

#[inline(always)]
pub fn i32x4_trunc_sat_f32x4_u(v: V128) -> V128 {
    map(v, i32_trunc_sat_f32_u)
}

#[inline(always)]
pub fn i32x4_trunc_sat_f64x2_s_zero(v: V128) -> V128 {
    narrow_zero(v, i32_trunc_sat_f64_s)
}

#[inline(always)]
pub fn i32x4_trunc_sat_f64x2_u_zero(v: V128) -> V128 {
    narrow_zero(v, i32_trunc_sat_f64_u)
}

// i64x2.

#[inline(always)]
pub fn i64x2_splat(a: i64) -> V128 {
    splat(a)
}

#[inline(always)]
pub fn i64x2_extract_lane(v: V128, lane: u8) -> i64 {
    extract(v, lane)
}

#[inline(always)]
pub fn i64x2_replace_lane(v: V128, lane: u8, a: i64) -> V128 {
    replace(v, lane, a)
}

#[inline(always)]
pub fn i64x2_eq(a: V128, b: V128) -> V128 {
    compare(a, b, i64::eq)
}

#[inline(always)]
pub fn i64x2_ne(a: V128, b: V128) -> V128 {
    compare(a, b, i64::ne)
}

#[inline(always)]
pub fn i64x2_lt_s(a: V128, b: V128) -> V128 {
    compare(a, b, i64::lt)
}

#[inline(always)]
pub fn i64x2_gt_s(a: V128, b: V128) -> V128 {
    compare(a, b, i64::gt)
}

#[inline(always)]
pub fn i64x2_le_s(a: V128, b: V128) -> V128 {
    compare(a, b, i64::le)
}

#[inline(always)]
pub fn i64x2_ge_s(a: V128, b: V128) -> V128 {
    compare(a, b, i64::ge)
}

#[inline(always)]
pub fn i64x2_abs(v: V128) -> V128 {
    map(v, i64::wrapping_abs)
}

#[inline(always)]
pub fn i64x2_neg(v: V128) -> V128 {
    map(v, i64::wrapping_neg)
}

#[inline(always)]
pub fn i64x2_all_true(v: V128) -> i32 {
    all(v, |a: i64| a != 0)
}

#[inline(always)]
pub fn i64x2_bitmask(v: V128) -> i32 {
    bits(v, |a: i64| a < 0)
}

#[inline(always)]
pub fn i64x2_shl(v: V128, amount: i32) -> V128 {
    map(v, |a: i64| a.wrapping_shl(amount as u32))
}

#[inline(always)]
pub fn i64x2_shr_s(v: V128, amount: i32) -> V128 {
    map(v, |a: i64| a.wrapping_shr(amount as u32))
}

#[inline(always)]
pub fn i64x2_shr_u(v: V128, amount: i32) -> V128 {
    map(v, |a: u64| a.wrapping_shr(amount as u32))
}

#[inline(always)]
pub fn i64x2_add(a: V128, b: V128) -> V128 {
    zip(a, b, i64::wrapping_add)
}

#[inline(always)]
pub fn i64x2_sub(a: V128, b: V128) -> V128 {
    zip(a, b, i64::wrapping_sub)
}

#[inline(always)]
pub fn i64x2_mul(a: V128, b: V128) -> V128 {
    zip(a, b, i64::wrapping_mul)
}

#[inline(always)]
pub fn i64x2_extend_low_i32x4_s(v: V128) -> V128 {
    extend_low(v, |a: i32| i64::from(a))
}

#[inline(always)]
pub fn i64x2_extend_low_i32x4_u(v: V128) -> V128 {
    extend_low(v, |a: u32| u64::from(a))
}

#[inline(always)]
pub fn i64x2_extend_high_i32x4_s(v: V128) -> V128 {
    extend_high(v, |a: i32| i64::from(a))
}

#[inline(always)]
pub fn i64x2_extend_high_i32x4_u(v: V128) -> V128 {
    extend_high(v, |a: u32| u64::from(a))
}

#[inline(always)]
pub fn i64x2_extmul_low_i32x4_s(a: V128, b: V128) -> V128 {
    zip_low(a, b, |a: i32, b: i32| i64::from(a) * i64::from(b))
}

#[inline(always)]
pub fn i64x2_extmul_low_i32x4_u(a: V128, b: V128) -> V128 {
    zip_low(a, b, |a: u32, b: u32| u64::from(a) * u64::from(b))
}

#[inline(always)]
pub fn i64x2_extmul_high_i32x4_s(a: V128, b: V128) -> V128 {
    zip_high(a, b, |a: i32, b: i32| i64::from(a) * i64::from(b))
}

#[inline(always)]
pub fn i64x2_extmul_high_i32x4_u(a: V128, b: V128) -> V128 {
    zip_high(a, b, |a: u32, b: u32| u64::from(a) * u64::from(b))
}
