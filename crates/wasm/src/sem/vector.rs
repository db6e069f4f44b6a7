//! The semantics of the vector operations. An operation splits a vector into an array of lanes, computes each lane with
//! an ordinary function, and combines the lanes. All loops are in the helpers of this file. They iterate over arrays of
//! constant length, so the compiler vectorises them. Operations on whole vectors are here; operations on lanes are in
//! `vector/integer.rs` and `vector/float.rs`. No function panics on any input. The interpreter's handlers and the tests
//! call them. Core specification, "Vector Instructions".

#![allow(missing_docs)] // Each function is documented by its row in the op table.

mod float;
mod integer;

pub use float::*;
pub use integer::*;

use crate::V128;
use std::array::from_fn;

/// An array of lanes. Each lane type has one implementation, so that the lane type implies the count.
pub(super) trait Lanes: Copy {
    /// Splits a vector into lanes.
    fn of(v: V128) -> Self;
    /// Combines the lanes into a vector.
    fn vector(self) -> V128;
}

macro_rules! lanes {
    ($($lane:ident $count:literal)*) => {$(
        impl Lanes for [$lane; $count] {
            #[inline(always)]
            fn of(v: V128) -> Self {
                let (chunks, _) = v.0.as_chunks();
                from_fn(|i| $lane::from_le_bytes(chunks[i]))
            }

            #[inline(always)]
            fn vector(self) -> V128 {
                let mut v = V128::default();
                let (chunks, _) = v.0.as_chunks_mut();
                for (chunk, lane) in chunks.iter_mut().zip(self) {
                    *chunk = lane.to_le_bytes();
                }
                v
            }
        }
    )*};
}

lanes! { i8 16 u8 16 i16 8 u16 8 i32 4 u32 4 f32 4 i64 2 u64 2 f64 2 }

/// A lane type, and the integer type of its width that comparisons return: all ones or all zeros.
trait Lane: Copy {
    type Mask: Copy;
    fn mask(holds: bool) -> Self::Mask;
}

macro_rules! masks {
    ($($lane:ident $mask:ident)*) => {$(
        impl Lane for $lane {
            type Mask = $mask;

            #[inline(always)]
            fn mask(holds: bool) -> $mask {
                -$mask::from(holds)
            }
        }
    )*};
}

masks! { i8 i8 u8 i8 i16 i16 u16 i16 i32 i32 u32 i32 f32 i32 i64 i64 f64 i64 }

/// Applies `f` to every lane.
#[inline(always)]
fn map<A: Copy, B, const N: usize>(v: V128, f: impl Fn(A) -> B) -> V128
where
    [A; N]: Lanes,
    [B; N]: Lanes,
{
    let v = <[A; N]>::of(v);
    from_fn(|i| f(v[i])).vector()
}

/// Applies `f` to every pair of corresponding lanes.
#[inline(always)]
fn zip<A: Copy, B, const N: usize>(a: V128, b: V128, f: impl Fn(A, A) -> B) -> V128
where
    [A; N]: Lanes,
    [B; N]: Lanes,
{
    let (a, b) = (<[A; N]>::of(a), <[A; N]>::of(b));
    from_fn(|i| f(a[i], b[i])).vector()
}

/// Sets all bits of every lane for which `f` holds, and clears all other lanes.
#[inline(always)]
fn compare<A: Lane, const N: usize>(a: V128, b: V128, f: impl Fn(&A, &A) -> bool) -> V128
where
    [A; N]: Lanes,
    [A::Mask; N]: Lanes,
{
    zip(a, b, |a: A, b: A| A::mask(f(&a, &b)))
}

/// Applies `f` to the lanes of the lower half and returns lanes of twice the width.
#[inline(always)]
pub(super) fn extend_low<A: Copy, B, const N: usize, const M: usize>(v: V128, f: impl Fn(A) -> B) -> V128
where
    [A; N]: Lanes,
    [B; M]: Lanes,
{
    let v = <[A; N]>::of(v);
    from_fn::<B, M, _>(|i| f(v[i])).vector()
}

/// Applies `f` to the lanes of the upper half and returns lanes of twice the width.
#[inline(always)]
fn extend_high<A: Copy, B, const N: usize, const M: usize>(v: V128, f: impl Fn(A) -> B) -> V128
where
    [A; N]: Lanes,
    [B; M]: Lanes,
{
    let v = <[A; N]>::of(v);
    from_fn::<B, M, _>(|i| f(v[M + i])).vector()
}

/// Applies `f` to corresponding lanes of the lower halves and returns lanes of twice the width.
#[inline(always)]
fn zip_low<A: Copy, B, const N: usize, const M: usize>(a: V128, b: V128, f: impl Fn(A, A) -> B) -> V128
where
    [A; N]: Lanes,
    [B; M]: Lanes,
{
    let (a, b) = (<[A; N]>::of(a), <[A; N]>::of(b));
    from_fn::<B, M, _>(|i| f(a[i], b[i])).vector()
}

/// Applies `f` to corresponding lanes of the upper halves and returns lanes of twice the width.
#[inline(always)]
fn zip_high<A: Copy, B, const N: usize, const M: usize>(a: V128, b: V128, f: impl Fn(A, A) -> B) -> V128
where
    [A; N]: Lanes,
    [B; M]: Lanes,
{
    let (a, b) = (<[A; N]>::of(a), <[A; N]>::of(b));
    from_fn::<B, M, _>(|i| f(a[M + i], b[M + i])).vector()
}

/// Applies `f` to each pair of adjacent lanes and returns lanes of twice the width.
#[inline(always)]
fn pairwise<A: Copy, B, const N: usize, const M: usize>(v: V128, f: impl Fn(A, A) -> B) -> V128
where
    [A; N]: Lanes,
    [B; M]: Lanes,
{
    let v = <[A; N]>::of(v);
    from_fn::<B, M, _>(|i| f(v[2 * i], v[2 * i + 1])).vector()
}

/// Applies `f` to the lanes of `a`, then of `b`, and returns lanes of half the width.
#[inline(always)]
fn narrow<A: Copy, B, const N: usize, const M: usize>(a: V128, b: V128, f: impl Fn(A) -> B) -> V128
where
    [A; N]: Lanes,
    [B; M]: Lanes,
{
    let (a, b) = (<[A; N]>::of(a), <[A; N]>::of(b));
    from_fn::<B, M, _>(|i| f(if i < N { a[i] } else { b[i - N] })).vector()
}

/// Applies `f` to every lane and returns lanes of half the width. The upper half is zero.
#[inline(always)]
fn narrow_zero<A: Copy, B: Default, const N: usize, const M: usize>(v: V128, f: impl Fn(A) -> B) -> V128
where
    [A; N]: Lanes,
    [B; M]: Lanes,
{
    let v = <[A; N]>::of(v);
    from_fn::<B, M, _>(|i| if i < N { f(v[i]) } else { B::default() }).vector()
}

/// Returns 1 if `f` holds for every lane, otherwise 0.
#[inline(always)]
fn all<A: Copy, const N: usize>(v: V128, f: impl Fn(A) -> bool) -> i32
where
    [A; N]: Lanes,
{
    i32::from(<[A; N]>::of(v).into_iter().fold(true, |all, lane| all & f(lane)))
}

/// Returns a bit mask of the lanes for which `f` holds. Lane 0 is the lowest bit.
#[inline(always)]
fn bits<A: Copy, const N: usize>(v: V128, f: impl Fn(A) -> bool) -> i32
where
    [A; N]: Lanes,
{
    <[A; N]>::of(v).into_iter().rev().fold(0, |bits, lane| bits << 1 | i32::from(f(lane)))
}

/// Copies `a` to every lane.
#[inline(always)]
pub(super) fn splat<A: Copy, const N: usize>(a: A) -> V128
where
    [A; N]: Lanes,
{
    [a; N].vector()
}

/// Returns one lane. Lane indices are validated; an invalid index wraps.
#[inline(always)]
pub(super) fn extract<A: Copy, const N: usize>(v: V128, lane: u8) -> A
where
    [A; N]: Lanes,
{
    <[A; N]>::of(v)[lane as usize % N]
}

/// Replaces one lane of `v`. Lane indices are validated; an invalid index wraps.
#[inline(always)]
pub(super) fn replace<A: Copy, const N: usize>(v: V128, lane: u8, a: A) -> V128
where
    [A; N]: Lanes,
{
    let mut lanes = <[A; N]>::of(v);
    lanes[lane as usize % N] = a;
    lanes.vector()
}

// Operations on the whole vector.

#[inline(always)]
pub fn v128_not(v: V128) -> V128 {
    map(v, |a: u64| !a)
}

#[inline(always)]
pub fn v128_and(a: V128, b: V128) -> V128 {
    zip(a, b, |a: u64, b: u64| a & b)
}

#[inline(always)]
pub fn v128_andnot(a: V128, b: V128) -> V128 {
    zip(a, b, |a: u64, b: u64| a & !b)
}

#[inline(always)]
pub fn v128_or(a: V128, b: V128) -> V128 {
    zip(a, b, |a: u64, b: u64| a | b)
}

#[inline(always)]
pub fn v128_xor(a: V128, b: V128) -> V128 {
    zip(a, b, |a: u64, b: u64| a ^ b)
}

#[inline(always)]
pub fn v128_bitselect(a: V128, b: V128, mask: V128) -> V128 {
    v128_or(v128_and(a, mask), v128_andnot(b, mask))
}

#[inline(always)]
pub fn v128_any_true(v: V128) -> i32 {
    i32::from(v.to_u128() != 0)
}

#[inline(always)]
pub fn i8x16_swizzle(a: V128, lanes: V128) -> V128 {
    V128(from_fn(|i| if lanes.0[i] < 16 { a.0[lanes.0[i] as usize % 16] } else { 0 }))
}

/// `i8x16.shuffle`. Indices 0 to 15 select lanes of `a`, 16 to 31 lanes of `b`.
#[inline(always)]
pub fn i8x16_shuffle(a: V128, b: V128, lanes: [u8; 16]) -> V128 {
    V128(from_fn(|i| if lanes[i] & 16 == 0 { a.0[lanes[i] as usize % 16] } else { b.0[lanes[i] as usize % 16] }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNT: V128 = V128([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);

    /// Returns a vector with lanes that repeat `pattern`.
    fn v<A: Copy, const P: usize, const N: usize>(pattern: [A; P]) -> V128
    where
        [A; N]: Lanes,
    {
        from_fn(|i| pattern[i % P]).vector()
    }

    #[test]
    fn bitwise_operations_use_the_whole_vector() {
        let (a, b) = (v([0xF0_u8]), v([0xCC_u8]));
        assert_eq!(v128_not(a), v([0x0F_u8]));
        assert_eq!(v128_and(a, b), v([0xC0_u8]));
        assert_eq!(v128_andnot(a, b), v([0x30_u8]));
        assert_eq!(v128_or(a, b), v([0xFC_u8]));
        assert_eq!(v128_xor(a, b), v([0x3C_u8]));
        assert_eq!(v128_bitselect(a, b, v([0xAA_u8])), v([0xE4_u8]));
        assert_eq!(v128_any_true(V128::from_u128(1 << 127)), 1);
        assert_eq!(v128_any_true(V128::default()), 0);
    }

    #[test]
    fn swizzle_returns_zero_out_of_range_and_shuffle_selects_from_both() {
        let lanes = V128([15, 0, 16, 255, 128, 31, 1, 1, 0, 0, 0, 0, 0, 0, 0, 7]);
        let a = i8x16_add(COUNT, v([100_i8]));
        assert_eq!(i8x16_swizzle(a, lanes).0, [115, 100, 0, 0, 0, 0, 101, 101, 100, 100, 100, 100, 100, 100, 100, 107]);
        let lanes = [0, 16, 15, 31, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 32, 255];
        assert_eq!(i8x16_shuffle(COUNT, a, lanes).0, [0, 100, 15, 115, 1, 101, 2, 102, 3, 103, 4, 104, 5, 105, 0, 115]);
    }

    #[test]
    fn comparisons_return_masks() {
        assert_eq!(i8x16_lt_s(v([-1_i8, 1]), v([0_i8])), v([-1_i8, 0]));
        assert_eq!(i8x16_lt_u(v([-1_i8, 1]), v([2_i8])), v([0_i8, -1]));
        assert_eq!(i16x8_ge_u(v([0x8000_u16, 0]), v([1_u16])), v([-1_i16, 0]));
        assert_eq!(i32x4_gt_s(v([i32::MIN, 1]), v([0_i32])), v([0_i32, -1]));
        assert_eq!(i64x2_le_s(v([i64::MIN, 1]), v([0_i64])), v([-1_i64, 0]));
        assert_eq!(f32x4_ne(v([f32::NAN, -0.0]), v([f32::NAN, 0.0])), v([-1_i32, 0]));
        assert_eq!(f64x2_lt(v([f64::NAN, 1.0]), v([2.0_f64])), v([0_i64, -1]));
    }

    #[test]
    fn tests_and_bit_masks_summarise_lanes() {
        assert_eq!(i8x16_all_true(v([1_u8])), 1);
        assert_eq!(i8x16_all_true(COUNT), 0);
        assert_eq!(i64x2_all_true(v([1_i64 << 40, 0])), 0);
        assert_eq!(i8x16_bitmask(v([-1_i8, 0])), 0x5555);
        assert_eq!(i16x8_bitmask(v([0_i16, 0, 0, -1])), 0x88);
        assert_eq!(i32x4_bitmask(v([i32::MIN])), 0xF);
        assert_eq!(i64x2_bitmask(v([0_i64, -1])), 2);
    }

    #[test]
    fn shifts_are_modulo_the_lane_width() {
        assert_eq!(i8x16_shl(v([0x81_u8]), 9), v([2_u8]));
        assert_eq!(i8x16_shr_s(v([-128_i8]), 7), v([-1_i8]));
        assert_eq!(i8x16_shr_u(v([-128_i8]), -1), v([1_i8]));
        assert_eq!(i16x8_shr_s(v([-0x8000_i16]), 16), v([-0x8000_i16]));
        assert_eq!(i32x4_shr_u(v([-1_i32]), 63), v([1_i32]));
        assert_eq!(i64x2_shl(v([1_i64]), 64), v([1_i64]));
    }

    #[test]
    fn arithmetic_wraps_and_saturates() {
        assert_eq!(i8x16_add(v([127_i8]), v([1_i8])), v([-128_i8]));
        assert_eq!(i8x16_add_sat_s(v([127_i8, -128]), v([1_i8, -1])), v([127_i8, -128]));
        assert_eq!(i8x16_add_sat_u(v([255_u8, 1]), v([1_u8])), v([255_u8, 2]));
        assert_eq!(i8x16_sub_sat_s(v([-128_i8, 127]), v([1_i8, -1])), v([-128_i8, 127]));
        assert_eq!(i16x8_sub_sat_u(v([0_u16, 9]), v([1_u16])), v([0_u16, 8]));
        assert_eq!(i16x8_mul(v([0x101_i16]), v([0x101_i16])), v([0x201_i16]));
        assert_eq!(i32x4_min_u(v([-1_i32]), v([1_i32])), v([1_i32]));
        assert_eq!(i32x4_max_s(v([-1_i32]), v([1_i32])), v([1_i32]));
        assert_eq!(i64x2_mul(v([i64::MIN, 3]), v([-1_i64])), v([i64::MIN, -3]));
        assert_eq!(i8x16_abs(v([-128_i8, -1])), v([-128_i8, 1]));
        assert_eq!(i64x2_neg(v([i64::MIN, 1])), v([i64::MIN, -1]));
        assert_eq!(i8x16_avgr_u(v([255_u8, 1]), v([254_u8, 2])), v([255_u8, 2]));
        assert_eq!(i16x8_avgr_u(v([65_535_u16]), v([65_535_u16])), v([65_535_u16]));
        assert_eq!(i8x16_popcnt(v([0xFF_u8, 0x80, 0, 0x55])), v([8_u8, 1, 0, 4]));
    }

    #[test]
    fn q15_multiplication_rounds_and_saturates() {
        let a = v([-0x8000_i16, -0x8000, 0x7FFF, 1, -1, 0x4000]);
        let b = v([-0x8000_i16, 0x7FFF, 0x7FFF, 0x4000, 0x4000, 3]);
        assert_eq!(i16x8_q15mulr_sat_s(a, b), v([0x7FFF_i16, -0x7FFF, 0x7FFE, 1, 0, 2]));
    }

    #[test]
    fn narrowing_saturates_and_concatenates() {
        let (a, b) = (v([300_i16, -300]), v([127_i16, -1]));
        let signed = [[127_i8, -128].repeat(4), [127, -1].repeat(4)].concat();
        assert_eq!(<[i8; 16]>::of(i8x16_narrow_i16x8_s(a, b)), signed[..]);
        let unsigned = [[255_u8, 0].repeat(4), [127, 0].repeat(4)].concat();
        assert_eq!(<[u8; 16]>::of(i8x16_narrow_i16x8_u(a, b)), unsigned[..]);
        let (a, b) = (v([i32::MIN, 70_000]), v([-1_i32, 40_000]));
        assert_eq!(
            <[i16; 8]>::of(i16x8_narrow_i32x4_s(a, b)),
            [-32_768, 32_767, -32_768, 32_767, -1, 32_767, -1, 32_767]
        );
        assert_eq!(<[u16; 8]>::of(i16x8_narrow_i32x4_u(a, b)), [0, 65_535, 0, 65_535, 0, 40_000, 0, 40_000]);
    }

    #[test]
    fn widening_takes_one_half_or_adjacent_pairs() {
        let a = v128_or(COUNT, V128::from_u128(0x80 << 120 | 0x80));
        assert_eq!(<[i16; 8]>::of(i16x8_extend_low_i8x16_s(a)), [-128, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(<[u16; 8]>::of(i16x8_extend_high_i8x16_u(a)), [8, 9, 10, 11, 12, 13, 14, 0x8F]);
        assert_eq!(i64x2_extend_high_i32x4_s(v([1_i32, 2, 3, -4])), v([3_i64, -4]));
        assert_eq!(i64x2_extend_low_i32x4_u(v([-1_i32, 2])), v([0xFFFF_FFFF_i64, 2]));
        assert_eq!(i16x8_extadd_pairwise_i8x16_s(v([-128_i8])), v([-256_i16]));
        assert_eq!(i16x8_extadd_pairwise_i8x16_u(v([255_u8])), v([510_u16]));
        assert_eq!(i32x4_extadd_pairwise_i16x8_s(v([-0x8000_i16, -1, 1, 2])), v([-0x8001_i32, 3]));
        assert_eq!(i32x4_extadd_pairwise_i16x8_u(v([0xFFFF_u16])), v([0x1_FFFE_i32]));
    }

    #[test]
    fn extended_products_do_not_overflow() {
        assert_eq!(i16x8_extmul_low_i8x16_s(v([-128_i8]), v([-128_i8])), v([0x4000_i16]));
        assert_eq!(i16x8_extmul_high_i8x16_u(v([255_u8]), v([255_u8])), v([65_025_u16]));
        assert_eq!(i32x4_extmul_high_i16x8_s(v([1_i16, 2, 3, -4]), v([10_i16])), v([10_i32, 20, 30, -40]));
        assert_eq!(i32x4_extmul_low_i16x8_u(v([0xFFFF_u16]), v([0xFFFF_u16])), v([0xFFFE_0001_u32]));
        assert_eq!(i64x2_extmul_low_i32x4_s(v([i32::MIN]), v([i32::MIN])), v([1_i64 << 62]));
        assert_eq!(
            i64x2_extmul_high_i32x4_u(v([0_i32, 0, -1, 3]), v([-1_i32])),
            v([0xFFFF_FFFE_0000_0001_u64, 0x2_FFFF_FFFD])
        );
        assert_eq!(i32x4_dot_i16x8_s(v([-0x8000_i16]), v([-0x8000_i16])), v([i32::MIN]));
        assert_eq!(i32x4_dot_i16x8_s(v([1_i16, 2, -3, 4]), v([10_i16, 100])), v([210_i32, 370]));
    }

    #[test]
    fn floats_follow_the_scalars_lane_by_lane() {
        let least = f32x4_canonical(f32x4_min(v([-0.0_f32, f32::NAN]), v([0.0_f32, 1.0])));
        assert_eq!(least, v([-0.0_f32, f32::NAN]));
        assert_eq!(f64x2_nearest(v([2.5_f64, -0.5])), v([2.0_f64, -0.0]));
        assert_eq!(f32x4_neg(v([f32::from_bits(0x7FA0_0000)])), v([0xFFA0_0000_u32]));
        assert_eq!(f64x2_sqrt(v([4.0_f64, 2.25])), v([2.0_f64, 1.5]));
    }

    /// Pseudo-minimum and -maximum are `b < a ? b : a` and `a < b ? b : a`, also for NaN and zeros.
    #[test]
    fn pseudo_minimum_and_maximum_are_selections() {
        let signalling = f32::from_bits(0x7FA0_0000);
        let (a, b) = (v([1.0_f32, signalling, 0.0, 3.0]), v([signalling, 1.0, -0.0, 2.0]));
        assert_eq!(f32x4_pmin(a, b), v([1.0_f32, signalling, 0.0, 2.0]));
        assert_eq!(f32x4_pmax(a, b), v([1.0_f32, signalling, 0.0, 3.0]));
        assert_eq!(f64x2_pmin(v([1.0_f64, f64::NAN]), v([-1.0_f64, 2.0])), v([-1.0_f64, f64::NAN]));
        assert_eq!(f64x2_pmax(v([-0.0_f64, 1.0]), v([0.0_f64, 2.0])), v([-0.0_f64, 2.0]));
    }

    #[test]
    fn conversions_saturate_and_pad_with_zero() {
        assert_eq!(i32x4_trunc_sat_f32x4_s(v([f32::NAN, -3e9, 3e9, -1.9])), v([0, i32::MIN, i32::MAX, -1]));
        assert_eq!(i32x4_trunc_sat_f32x4_u(v([-1.0_f32, 5e9])), v([0_u32, u32::MAX]));
        assert_eq!(i32x4_trunc_sat_f64x2_s_zero(v([-1e10_f64, 7.9])), v([i32::MIN, 7, 0, 0]));
        assert_eq!(i32x4_trunc_sat_f64x2_u_zero(v([f64::NAN, 1e10])), v([0, u32::MAX, 0, 0]));
        assert_eq!(f32x4_convert_i32x4_u(v([-1_i32])), v([4_294_967_296.0_f32]));
        assert_eq!(f64x2_convert_low_i32x4_s(v([-1_i32, 2, 3, 4])), v([-1.0_f64, 2.0]));
        assert_eq!(f64x2_convert_low_i32x4_u(v([-1_i32, 2, 3, 4])), v([4_294_967_295.0_f64, 2.0]));
        assert_eq!(f32x4_demote_f64x2_zero(v([1.5_f64, 1e300])), v([1.5, f32::INFINITY, 0.0, 0.0]));
        assert_eq!(f64x2_promote_low_f32x4(v([1.5_f32, -0.0, 9.0, 9.0])), v([1.5_f64, -0.0]));
    }

    #[test]
    fn extract_and_replace_access_a_single_lane() {
        assert_eq!(i8x16_extract_lane_s(v([-1_i8]), 3), -1);
        assert_eq!(i8x16_extract_lane_u(v([-1_i8]), 3), 255);
        assert_eq!(i16x8_extract_lane_s(COUNT, 7), 0x0F0E);
        assert_eq!(i64x2_extract_lane(COUNT, 1), 0x0F0E_0D0C_0B0A_0908);
        assert_eq!(i16x8_replace_lane(V128::default(), 1, 0x12_3456), V128::from_u128(0x3456_0000));
        assert_eq!(f64x2_replace_lane(f64x2_splat(1.0), 1, 2.0), v([1.0_f64, 2.0]));
        assert_eq!(f32x4_extract_lane(v([0x7FA0_0000_u32]), 0).to_bits(), 0x7FA0_0000);
    }

    #[test]
    fn lane_indices_never_panic() {
        for lane in 0..=255 {
            assert_eq!(i8x16_extract_lane_u(COUNT, lane), i32::from(lane % 16));
            assert_eq!(i64x2_replace_lane(COUNT, lane, 0), i64x2_replace_lane(COUNT, lane % 2, 0));
            i8x16_shuffle(COUNT, COUNT, [lane; 16]);
            i8x16_swizzle(COUNT, V128([lane; 16]));
        }
    }
}
