//! The semantics of the vector operations on float lanes, one section per shape. Lanes use the scalar operations, so
//! scalars and lanes only differ in the NaN of minimum and maximum. NaN lanes are fixed after all lanes are computed, so
//! that the loops vectorise. Core specification, "Vector Instructions".

#![allow(missing_docs)] // Each function is documented by its row in the op table.

use super::*;
use crate::sem::convert::*;
use crate::sem::nan::{self, Float};
use crate::sem::numeric::*;
use std::hint::cold_path;

/// Applies `f` to every lane. If the result is NaN, the lane is the result of `nan` instead.
#[inline(always)]
fn map_floats<A: Float, const N: usize>(v: V128, f: impl Fn(A) -> A, nan: impl Fn(A) -> A) -> V128
where
    [A; N]: Lanes,
{
    zip_floats(v, v, |a, _| f(a), |a, _| nan(a))
}

/// Applies `f` to every pair of corresponding lanes. If the result is NaN, the lane is the result of `nan` instead.
#[inline(always)]
fn zip_floats<A: Float, const N: usize>(a: V128, b: V128, f: impl Fn(A, A) -> A, nan: impl Fn(A, A) -> A) -> V128
where
    [A; N]: Lanes,
{
    let (a, b) = (<[A; N]>::of(a), <[A; N]>::of(b));
    let mut lanes: [A; N] = from_fn(|i| f(a[i], b[i]));
    if lanes.iter().fold(false, |any, lane| any | lane.is_nan()) {
        cold_path();
        for (i, lane) in lanes.iter_mut().enumerate() {
            if lane.is_nan() {
                *lane = nan(a[i], b[i]);
            }
        }
    }
    lanes.vector()
}

/// Replaces every NaN lane by the canonical NaN.
#[inline(always)]
pub fn f32x4_canonical(v: V128) -> V128 {
    map(v, nan::canonical::<f32>)
}

/// Replaces every NaN lane by the canonical NaN.
#[inline(always)]
pub fn f64x2_canonical(v: V128) -> V128 {
    map(v, nan::canonical::<f64>)
}

// f32x4.

#[inline(always)]
pub fn f32x4_splat(a: f32) -> V128 {
    splat(a)
}

#[inline(always)]
pub fn f32x4_extract_lane(v: V128, lane: u8) -> f32 {
    extract(v, lane)
}

#[inline(always)]
pub fn f32x4_replace_lane(v: V128, lane: u8, a: f32) -> V128 {
    replace(v, lane, a)
}

#[inline(always)]
pub fn f32x4_eq(a: V128, b: V128) -> V128 {
    compare(a, b, f32::eq)
}

#[inline(always)]
pub fn f32x4_ne(a: V128, b: V128) -> V128 {
    compare(a, b, f32::ne)
}

#[inline(always)]
pub fn f32x4_lt(a: V128, b: V128) -> V128 {
    compare(a, b, f32::lt)
}

#[inline(always)]
pub fn f32x4_gt(a: V128, b: V128) -> V128 {
    compare(a, b, f32::gt)
}

#[inline(always)]
pub fn f32x4_le(a: V128, b: V128) -> V128 {
    compare(a, b, f32::le)
}

#[inline(always)]
pub fn f32x4_ge(a: V128, b: V128) -> V128 {
    compare(a, b, f32::ge)
}

#[inline(always)]
pub fn f32x4_abs(v: V128) -> V128 {
    map(v, f32_abs)
}

#[inline(always)]
pub fn f32x4_neg(v: V128) -> V128 {
    map(v, f32_neg)
}

#[inline(always)]
pub fn f32x4_ceil(v: V128) -> V128 {
    map_floats(v, f32_rounded_up, nan::unary)
}

#[inline(always)]
pub fn f32x4_floor(v: V128) -> V128 {
    map_floats(v, f32_rounded_down, nan::unary)
}

#[inline(always)]
pub fn f32x4_trunc(v: V128) -> V128 {
    map_floats(v, f32_rounded_to_zero, nan::unary)
}

#[inline(always)]
pub fn f32x4_nearest(v: V128) -> V128 {
    map_floats(v, f32_rounded_to_even, nan::unary)
}

#[inline(always)]
pub fn f32x4_sqrt(v: V128) -> V128 {
    map_floats(v, f32::sqrt, nan::unary)
}

#[inline(always)]
pub fn f32x4_add(a: V128, b: V128) -> V128 {
    zip_floats(a, b, |a: f32, b| a + b, nan::binary)
}

#[inline(always)]
pub fn f32x4_sub(a: V128, b: V128) -> V128 {
    zip_floats(a, b, |a: f32, b| a - b, nan::binary)
}

#[inline(always)]
pub fn f32x4_mul(a: V128, b: V128) -> V128 {
    zip_floats(a, b, |a: f32, b| a * b, nan::binary)
}

#[inline(always)]
pub fn f32x4_div(a: V128, b: V128) -> V128 {
    zip_floats(a, b, |a: f32, b| a / b, nan::binary)
}

#[inline(always)]
pub fn f32x4_min(a: V128, b: V128) -> V128 {
    zip_floats(a, b, f32_lesser, nan::lane_min)
}

#[inline(always)]
pub fn f32x4_max(a: V128, b: V128) -> V128 {
    zip_floats(a, b, f32_greater, nan::lane_max)
}

#[inline(always)]
pub fn f32x4_pmin(a: V128, b: V128) -> V128 {
    zip(a, b, |a: f32, b: f32| if b < a { b } else { a })
}

#[inline(always)]
pub fn f32x4_pmax(a: V128, b: V128) -> V128 {
    zip(a, b, |a: f32, b: f32| if a < b { b } else { a })
}

#[inline(always)]
pub fn f32x4_convert_i32x4_s(v: V128) -> V128 {
    map(v, f32_convert_i32_s)
}

#[inline(always)]
pub fn f32x4_convert_i32x4_u(v: V128) -> V128 {
    map(v, f32_convert_i32_u)
}

#[inline(always)]
pub fn f32x4_demote_f64x2_zero(v: V128) -> V128 {
    narrow_zero(v, f32_demote_f64)
}

// f64x2.

#[inline(always)]
pub fn f64x2_splat(a: f64) -> V128 {
    splat(a)
}

#[inline(always)]
pub fn f64x2_extract_lane(v: V128, lane: u8) -> f64 {
    extract(v, lane)
}

#[inline(always)]
pub fn f64x2_replace_lane(v: V128, lane: u8, a: f64) -> V128 {
    replace(v, lane, a)
}

#[inline(always)]
pub fn f64x2_eq(a: V128, b: V128) -> V128 {
    compare(a, b, f64::eq)
}

#[inline(always)]
pub fn f64x2_ne(a: V128, b: V128) -> V128 {
    compare(a, b, f64::ne)
}

#[inline(always)]
pub fn f64x2_lt(a: V128, b: V128) -> V128 {
    compare(a, b, f64::lt)
}

#[inline(always)]
pub fn f64x2_gt(a: V128, b: V128) -> V128 {
    compare(a, b, f64::gt)
}

#[inline(always)]
pub fn f64x2_le(a: V128, b: V128) -> V128 {
    compare(a, b, f64::le)
}

#[inline(always)]
pub fn f64x2_ge(a: V128, b: V128) -> V128 {
    compare(a, b, f64::ge)
}

#[inline(always)]
pub fn f64x2_abs(v: V128) -> V128 {
    map(v, f64_abs)
}

#[inline(always)]
pub fn f64x2_neg(v: V128) -> V128 {
    map(v, f64_neg)
}

#[inline(always)]
pub fn f64x2_ceil(v: V128) -> V128 {
    map_floats(v, f64_rounded_up, nan::unary)
}

#[inline(always)]
pub fn f64x2_floor(v: V128) -> V128 {
    map_floats(v, f64_rounded_down, nan::unary)
}

#[inline(always)]
pub fn f64x2_trunc(v: V128) -> V128 {
    map_floats(v, f64_rounded_to_zero, nan::unary)
}

#[inline(always)]
pub fn f64x2_nearest(v: V128) -> V128 {
    map_floats(v, f64_rounded_to_even, nan::unary)
}

#[inline(always)]
pub fn f64x2_sqrt(v: V128) -> V128 {
    map_floats(v, f64::sqrt, nan::unary)
}

#[inline(always)]
pub fn f64x2_add(a: V128, b: V128) -> V128 {
    zip_floats(a, b, |a: f64, b| a + b, nan::binary)
}

#[inline(always)]
pub fn f64x2_sub(a: V128, b: V128) -> V128 {
    zip_floats(a, b, |a: f64, b| a - b, nan::binary)
}

#[inline(always)]
pub fn f64x2_mul(a: V128, b: V128) -> V128 {
    zip_floats(a, b, |a: f64, b| a * b, nan::binary)
}

#[inline(always)]
pub fn f64x2_div(a: V128, b: V128) -> V128 {
    zip_floats(a, b, |a: f64, b| a / b, nan::binary)
}

#[inline(always)]
pub fn f64x2_min(a: V128, b: V128) -> V128 {
    zip_floats(a, b, f64_lesser, nan::lane_min)
}

#[inline(always)]
pub fn f64x2_max(a: V128, b: V128) -> V128 {
    zip_floats(a, b, f64_greater, nan::lane_max)
}

#[inline(always)]
pub fn f64x2_pmin(a: V128, b: V128) -> V128 {
    zip(a, b, |a: f64, b: f64| if b < a { b } else { a })
}

#[inline(always)]
pub fn f64x2_pmax(a: V128, b: V128) -> V128 {
    zip(a, b, |a: f64, b: f64| if a < b { b } else { a })
}

#[inline(always)]
pub fn f64x2_convert_low_i32x4_s(v: V128) -> V128 {
    extend_low(v, f64_convert_i32_s)
}

#[inline(always)]
pub fn f64x2_convert_low_i32x4_u(v: V128) -> V128 {
    extend_low(v, f64_convert_i32_u)
}

#[inline(always)]
pub fn f64x2_promote_low_f32x4(v: V128) -> V128 {
    extend_low(v, f64_promote_f32)
}
