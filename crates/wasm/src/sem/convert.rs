//! The meaning of the scalar conversions. Total, without panics, on every input; a trap is a value. Called by the
//! interpreter's handlers, the evaluators of `sem.rs`, and lane by lane from `vector.rs`. Core specification, "Numeric
//! Instructions" and "Conversions".

#![allow(missing_docs)] // Each function is documented by its row in the op table.

use super::numeric::{f32_quiet, f64_quiet};
use crate::Trap;

#[inline(always)]
pub fn i32_wrap_i64(a: i64) -> i32 {
    a as i32
}

#[inline(always)]
pub fn i64_extend_i32_s(a: i32) -> i64 {
    i64::from(a)
}

#[inline(always)]
pub fn i64_extend_i32_u(a: i32) -> i64 {
    i64::from(a as u32)
}

// Float to integer, trapping. The limits, exclusive, are the floats next to the range: `-2^31 - 1` is an `f64`, but
// below `-2^31` the next `f32` is `-2^31 - 2^8`; below `-2^63` come `-2^63 - 2^11` as `f64` and `-2^63 - 2^40` as `f32`.

/// `value` if the float it was truncated from was in range, else the trap for why not.
#[inline(always)]
fn in_range<T>(in_range: bool, is_nan: bool, value: T) -> Result<T, Trap> {
    if in_range {
        Ok(value)
    } else if is_nan {
        Err(Trap::InvalidConversionToInteger)
    } else {
        Err(Trap::IntegerOverflow)
    }
}

#[inline(always)]
pub fn i32_trunc_f32_s(a: f32) -> Result<i32, Trap> {
    in_range(a > -2_147_483_904.0 && a < 2_147_483_648.0, a.is_nan(), a as i32)
}

#[inline(always)]
pub fn i32_trunc_f32_u(a: f32) -> Result<i32, Trap> {
    in_range(a > -1.0 && a < 4_294_967_296.0, a.is_nan(), a as u32 as i32)
}

#[inline(always)]
pub fn i32_trunc_f64_s(a: f64) -> Result<i32, Trap> {
    in_range(a > -2_147_483_649.0 && a < 2_147_483_648.0, a.is_nan(), a as i32)
}

#[inline(always)]
pub fn i32_trunc_f64_u(a: f64) -> Result<i32, Trap> {
    in_range(a > -1.0 && a < 4_294_967_296.0, a.is_nan(), a as u32 as i32)
}

#[inline(always)]
pub fn i64_trunc_f32_s(a: f32) -> Result<i64, Trap> {
    in_range(a > -9_223_373_136_366_403_584.0 && a < 9_223_372_036_854_775_808.0, a.is_nan(), a as i64)
}

#[inline(always)]
pub fn i64_trunc_f32_u(a: f32) -> Result<i64, Trap> {
    in_range(a > -1.0 && a < 18_446_744_073_709_551_616.0, a.is_nan(), a as u64 as i64)
}

#[inline(always)]
pub fn i64_trunc_f64_s(a: f64) -> Result<i64, Trap> {
    in_range(a > -9_223_372_036_854_777_856.0 && a < 9_223_372_036_854_775_808.0, a.is_nan(), a as i64)
}

#[inline(always)]
pub fn i64_trunc_f64_u(a: f64) -> Result<i64, Trap> {
    in_range(a > -1.0 && a < 18_446_744_073_709_551_616.0, a.is_nan(), a as u64 as i64)
}

// Float to integer, saturating; NaN becomes 0. This is what `as` means.

#[inline(always)]
pub fn i32_trunc_sat_f32_s(a: f32) -> i32 {
    a as i32
}

#[inline(always)]
pub fn i32_trunc_sat_f32_u(a: f32) -> i32 {
    a as u32 as i32
}

#[inline(always)]
pub fn i32_trunc_sat_f64_s(a: f64) -> i32 {
    a as i32
}

#[inline(always)]
pub fn i32_trunc_sat_f64_u(a: f64) -> i32 {
    a as u32 as i32
}

#[inline(always)]
pub fn i64_trunc_sat_f32_s(a: f32) -> i64 {
    a as i64
}

#[inline(always)]
pub fn i64_trunc_sat_f32_u(a: f32) -> i64 {
    a as u64 as i64
}

#[inline(always)]
pub fn i64_trunc_sat_f64_s(a: f64) -> i64 {
    a as i64
}

#[inline(always)]
pub fn i64_trunc_sat_f64_u(a: f64) -> i64 {
    a as u64 as i64
}

// Integer to float, rounded to nearest, ties to even.

#[inline(always)]
pub fn f32_convert_i32_s(a: i32) -> f32 {
    a as f32
}

#[inline(always)]
pub fn f32_convert_i32_u(a: i32) -> f32 {
    a as u32 as f32
}

#[inline(always)]
pub fn f32_convert_i64_s(a: i64) -> f32 {
    a as f32
}

#[inline(always)]
pub fn f32_convert_i64_u(a: i64) -> f32 {
    a as u64 as f32
}

#[inline(always)]
pub fn f64_convert_i32_s(a: i32) -> f64 {
    f64::from(a)
}

#[inline(always)]
pub fn f64_convert_i32_u(a: i32) -> f64 {
    f64::from(a as u32)
}

#[inline(always)]
pub fn f64_convert_i64_s(a: i64) -> f64 {
    a as f64
}

#[inline(always)]
pub fn f64_convert_i64_u(a: i64) -> f64 {
    a as u64 as f64
}

// Between floats; NaN results are quiet, also where the compiler would drop a pair of conversions.

#[inline(always)]
pub fn f32_demote_f64(a: f64) -> f32 {
    f32_quiet(a as f32)
}

#[inline(always)]
pub fn f64_promote_f32(a: f32) -> f64 {
    f64_quiet(f64::from(a))
}

// The same bits as another type.

#[inline(always)]
pub fn i32_reinterpret_f32(a: f32) -> i32 {
    a.to_bits() as i32
}

#[inline(always)]
pub fn i64_reinterpret_f64(a: f64) -> i64 {
    a.to_bits() as i64
}

#[inline(always)]
pub fn f32_reinterpret_i32(a: i32) -> f32 {
    f32::from_bits(a as u32)
}

#[inline(always)]
pub fn f64_reinterpret_i64(a: i64) -> f64 {
    f64::from_bits(a as u64)
}
