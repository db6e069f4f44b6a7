//! The semantics of the scalar conversions. No function panics on any input; a trap is an `Err`. The interpreter's
//! handlers, the evaluators of `sem.rs` and the lane loops of `vector.rs` call them. Core specification, "Numeric
//! Instructions" and "Conversions".

#![allow(missing_docs)] // Each function is documented by its row in the op table.

use std::hint::cold_path;

use super::nan;
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

// Float to integer, trapping. The exclusive limits are the floats next to the range: `-2^31 - 1` is an `f64`, but the
// next `f32` below `-2^31` is `-2^31 - 2^8`. The next floats below `-2^63` are `-2^63 - 2^11` (`f64`) and
// `-2^63 - 2^40` (`f32`).

/// Returns `value` if the truncated float was in range, and the matching trap otherwise.
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

// Float to integer, saturating. NaN becomes 0, as with Rust's `as`.

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

// Integer to float. The result is rounded to nearest, ties to even.

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

// Between floats.

#[inline(always)]
pub fn f32_demote_f64(a: f64) -> f32 {
    if a.is_nan() {
        cold_path();
        nan::demote(a)
    } else {
        a as f32
    }
}

#[inline(always)]
pub fn f64_promote_f32(a: f32) -> f64 {
    if a.is_nan() {
        cold_path();
        nan::promote(a)
    } else {
        f64::from(a)
    }
}

// Reinterpretation of the bits.

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::Convert::{self, *};
    use crate::sem::{Scalar, eval_convert};

    const INVALID: Trap = Trap::InvalidConversionToInteger;
    const OVERFLOW: Trap = Trap::IntegerOverflow;
    const TWO_31: f64 = 2_147_483_648.0;
    const TWO_32: f64 = 4_294_967_296.0;
    const TWO_63: f64 = 9_223_372_036_854_775_808.0;
    const TWO_64: f64 = 18_446_744_073_709_551_616.0;

    fn convert<A: Scalar, R: Scalar>(rows: &[(Convert, A, Result<R, Trap>)]) {
        for &(op, a, result) in rows {
            let a = a.to_bits();
            assert_eq!(eval_convert(op, a), result.map(R::to_bits), "{} {a:#x}", op.text());
        }
    }

    #[test]
    fn truncation_traps_just_outside_the_range() {
        convert::<f32, i32>(&[
            (I32TruncF32S, -2_147_483_648.0, Ok(i32::MIN)),
            (I32TruncF32S, f32::next_down(-2_147_483_648.0), Err(OVERFLOW)),
            (I32TruncF32S, f32::next_down(2_147_483_648.0), Ok(0x7FFF_FF80)),
            (I32TruncF32S, 2_147_483_648.0, Err(OVERFLOW)),
            (I32TruncF32S, f32::NAN, Err(INVALID)),
            (I32TruncF32U, f32::next_up(-1.0), Ok(0)),
            (I32TruncF32U, -1.0, Err(OVERFLOW)),
            (I32TruncF32U, f32::next_down(4_294_967_296.0), Ok(-0x100)),
            (I32TruncF32U, 4_294_967_296.0, Err(OVERFLOW)),
            (I32TruncF32U, f32::INFINITY, Err(OVERFLOW)),
        ]);
        convert::<f64, i32>(&[
            (I32TruncF64S, f64::next_up(-TWO_31 - 1.0), Ok(i32::MIN)),
            (I32TruncF64S, -TWO_31 - 1.0, Err(OVERFLOW)),
            (I32TruncF64S, f64::next_down(TWO_31), Ok(i32::MAX)),
            (I32TruncF64S, TWO_31, Err(OVERFLOW)),
            (I32TruncF64S, -f64::NAN, Err(INVALID)),
            (I32TruncF64U, f64::next_up(-1.0), Ok(0)),
            (I32TruncF64U, -1.0, Err(OVERFLOW)),
            (I32TruncF64U, f64::next_down(TWO_32), Ok(-1)),
            (I32TruncF64U, TWO_32, Err(OVERFLOW)),
        ]);
        convert::<f32, i64>(&[
            (I64TruncF32S, -TWO_63 as f32, Ok(i64::MIN)),
            (I64TruncF32S, f32::next_down(-TWO_63 as f32), Err(OVERFLOW)),
            (I64TruncF32S, TWO_63 as f32, Err(OVERFLOW)),
            (I64TruncF32U, f32::next_down(TWO_64 as f32), Ok(-0x100_0000_0000)),
            (I64TruncF32U, TWO_64 as f32, Err(OVERFLOW)),
            (I64TruncF32U, f32::NAN, Err(INVALID)),
        ]);
        convert::<f64, i64>(&[
            (I64TruncF64S, -TWO_63, Ok(i64::MIN)),
            (I64TruncF64S, f64::next_down(-TWO_63), Err(OVERFLOW)),
            (I64TruncF64S, f64::next_down(TWO_63), Ok(0x7FFF_FFFF_FFFF_FC00)),
            (I64TruncF64S, TWO_63, Err(OVERFLOW)),
            (I64TruncF64U, f64::next_up(-1.0), Ok(0)),
            (I64TruncF64U, -1.0, Err(OVERFLOW)),
            (I64TruncF64U, f64::next_down(TWO_64), Ok(-0x800)),
            (I64TruncF64U, TWO_64, Err(OVERFLOW)),
            (I64TruncF64U, f64::NEG_INFINITY, Err(OVERFLOW)),
        ]);
    }

    #[test]
    fn saturating_truncation_is_total() {
        convert::<f32, i32>(&[
            (I32TruncSatF32S, f32::NAN, Ok(0)),
            (I32TruncSatF32S, -3e9, Ok(i32::MIN)),
            (I32TruncSatF32U, 5e9, Ok(-1)),
            (I32TruncSatF32U, -1.0, Ok(0)),
        ]);
        convert::<f64, i32>(&[(I32TruncSatF64S, TWO_31, Ok(i32::MAX)), (I32TruncSatF64U, TWO_32, Ok(-1))]);
        convert::<f32, i64>(&[(I64TruncSatF32S, f32::INFINITY, Ok(i64::MAX)), (I64TruncSatF32U, f32::NAN, Ok(0))]);
        convert::<f64, i64>(&[(I64TruncSatF64S, -TWO_64, Ok(i64::MIN)), (I64TruncSatF64U, TWO_64, Ok(-1))]);
    }

    #[test]
    fn integers_round_once_to_floats() {
        convert::<i32, f32>(&[
            (F32ConvertI32S, 0x100_0001, Ok(16_777_216.0)),
            (F32ConvertI32S, 0x100_0003, Ok(16_777_220.0)),
            (F32ConvertI32U, -1, Ok(4_294_967_296.0)),
        ]);
        convert::<i64, f32>(&[
            (F32ConvertI64S, 0x7FFF_FF40_0000_0001, Ok(f32::next_down(TWO_63 as f32))),
            (F32ConvertI64U, i64::MIN + 0x80_0000_0001, Ok(f32::next_up(TWO_63 as f32))),
            (F32ConvertI64U, -1, Ok(TWO_64 as f32)),
        ]);
        convert::<i32, f64>(&[(F64ConvertI32S, i32::MIN, Ok(-TWO_31)), (F64ConvertI32U, i32::MIN, Ok(TWO_31))]);
        convert::<i64, f64>(&[
            (F64ConvertI64S, 0x20_0000_0000_0001, Ok(9_007_199_254_740_992.0)),
            (F64ConvertI64U, i64::MIN + 0x401, Ok(f64::next_up(TWO_63))),
        ]);
    }

    #[test]
    fn integers_change_width() {
        convert::<i64, i32>(&[(I32WrapI64, 0x1_8000_0000, Ok(i32::MIN))]);
        convert::<i32, i64>(&[(I64ExtendI32S, -1, Ok(-1)), (I64ExtendI32U, -1, Ok(0xFFFF_FFFF))]);
    }

    #[test]
    fn floats_change_width() {
        convert::<f64, f32>(&[
            (F32DemoteF64, f64::MAX, Ok(f32::INFINITY)),
            (F32DemoteF64, 1.0 + 1.0 / 16_777_216.0, Ok(1.0)),
            (F32DemoteF64, -1e-300, Ok(-0.0)),
            (F32DemoteF64, f64::from_bits(0x7FF4_0000_0000_0000), Ok(nan::demote(f64::from_bits(0x7FF4 << 48)))),
        ]);
        convert::<f32, f64>(&[
            (F64PromoteF32, f32::from_bits(1), Ok(1.401298464324817e-45)),
            (F64PromoteF32, f32::from_bits(0x7FA0_0000), Ok(nan::promote(f32::from_bits(0x7FA0_0000)))),
        ]);
    }

    #[test]
    fn reinterpretation_keeps_the_bits() {
        convert::<f32, i32>(&[(I32ReinterpretF32, f32::from_bits(0xFFA0_0001), Ok(0xFFA0_0001_u32 as i32))]);
        convert::<i64, f64>(&[(F64ReinterpretI64, 0x7FF4_0000_0000_0001, Ok(f64::from_bits(0x7FF4_0000_0000_0001)))]);
    }
}
