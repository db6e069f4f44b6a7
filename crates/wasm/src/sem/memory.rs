//! The semantics of loads and stores without the memory access: a load is a function of the bytes read, and a store
//! returns the bytes to write. The tiers compute addresses and check bounds. Memory is little-endian. Core specification,
//! "Memory Instructions".

#![allow(missing_docs)] // Each function is documented by its row in the op table.

use super::vector::{Lanes, extend_low, extract, replace, splat};
use crate::V128;

// Scalar loads.

#[inline(always)]
pub fn i32_load(bytes: [u8; 4]) -> i32 {
    i32::from_le_bytes(bytes)
}

#[inline(always)]
pub fn i64_load(bytes: [u8; 8]) -> i64 {
    i64::from_le_bytes(bytes)
}

#[inline(always)]
pub fn f32_load(bytes: [u8; 4]) -> f32 {
    f32::from_le_bytes(bytes)
}

#[inline(always)]
pub fn f64_load(bytes: [u8; 8]) -> f64 {
    f64::from_le_bytes(bytes)
}

#[inline(always)]
pub fn i32_load8_s(bytes: [u8; 1]) -> i32 {
    i32::from(i8::from_le_bytes(bytes))
}

#[inline(always)]
pub fn i32_load8_u(bytes: [u8; 1]) -> i32 {
    i32::from(u8::from_le_bytes(bytes))
}

#[inline(always)]
pub fn i32_load16_s(bytes: [u8; 2]) -> i32 {
    i32::from(i16::from_le_bytes(bytes))
}

#[inline(always)]
pub fn i32_load16_u(bytes: [u8; 2]) -> i32 {
    i32::from(u16::from_le_bytes(bytes))
}

#[inline(always)]
pub fn i64_load8_s(bytes: [u8; 1]) -> i64 {
    i64::from(i8::from_le_bytes(bytes))
}

#[inline(always)]
pub fn i64_load8_u(bytes: [u8; 1]) -> i64 {
    i64::from(u8::from_le_bytes(bytes))
}

#[inline(always)]
pub fn i64_load16_s(bytes: [u8; 2]) -> i64 {
    i64::from(i16::from_le_bytes(bytes))
}

#[inline(always)]
pub fn i64_load16_u(bytes: [u8; 2]) -> i64 {
    i64::from(u16::from_le_bytes(bytes))
}

#[inline(always)]
pub fn i64_load32_s(bytes: [u8; 4]) -> i64 {
    i64::from(i32::from_le_bytes(bytes))
}

#[inline(always)]
pub fn i64_load32_u(bytes: [u8; 4]) -> i64 {
    i64::from(u32::from_le_bytes(bytes))
}

// Vector loads.

#[inline(always)]
pub fn v128_load(bytes: [u8; 16]) -> V128 {
    V128(bytes)
}

/// Widens each lane of half a vector with `f`.
#[inline(always)]
fn widen<A: Copy, B: Copy, const N: usize, const M: usize>(bytes: [u8; 8], f: impl Fn(A) -> B) -> V128
where
    [A; N]: Lanes,
    [B; M]: Lanes,
{
    extend_low(zero_extended(bytes), f)
}

/// Returns the bytes, padded with zeros.
#[inline(always)]
fn zero_extended<const N: usize>(bytes: [u8; N]) -> V128 {
    V128(std::array::from_fn(|i| bytes.get(i).copied().unwrap_or(0)))
}

#[inline(always)]
pub fn v128_load8x8_s(bytes: [u8; 8]) -> V128 {
    widen(bytes, |a: i8| i16::from(a))
}

#[inline(always)]
pub fn v128_load8x8_u(bytes: [u8; 8]) -> V128 {
    widen(bytes, |a: u8| u16::from(a))
}

#[inline(always)]
pub fn v128_load16x4_s(bytes: [u8; 8]) -> V128 {
    widen(bytes, |a: i16| i32::from(a))
}

#[inline(always)]
pub fn v128_load16x4_u(bytes: [u8; 8]) -> V128 {
    widen(bytes, |a: u16| u32::from(a))
}

#[inline(always)]
pub fn v128_load32x2_s(bytes: [u8; 8]) -> V128 {
    widen(bytes, |a: i32| i64::from(a))
}

#[inline(always)]
pub fn v128_load32x2_u(bytes: [u8; 8]) -> V128 {
    widen(bytes, |a: u32| u64::from(a))
}

#[inline(always)]
pub fn v128_load8_splat(bytes: [u8; 1]) -> V128 {
    splat(u8::from_le_bytes(bytes))
}

#[inline(always)]
pub fn v128_load16_splat(bytes: [u8; 2]) -> V128 {
    splat(u16::from_le_bytes(bytes))
}

#[inline(always)]
pub fn v128_load32_splat(bytes: [u8; 4]) -> V128 {
    splat(u32::from_le_bytes(bytes))
}

#[inline(always)]
pub fn v128_load64_splat(bytes: [u8; 8]) -> V128 {
    splat(u64::from_le_bytes(bytes))
}

#[inline(always)]
pub fn v128_load32_zero(bytes: [u8; 4]) -> V128 {
    zero_extended(bytes)
}

#[inline(always)]
pub fn v128_load64_zero(bytes: [u8; 8]) -> V128 {
    zero_extended(bytes)
}

// Scalar and vector stores.

#[inline(always)]
pub fn i32_store(value: i32) -> [u8; 4] {
    value.to_le_bytes()
}

#[inline(always)]
pub fn i64_store(value: i64) -> [u8; 8] {
    value.to_le_bytes()
}

#[inline(always)]
pub fn f32_store(value: f32) -> [u8; 4] {
    value.to_le_bytes()
}

#[inline(always)]
pub fn f64_store(value: f64) -> [u8; 8] {
    value.to_le_bytes()
}

#[inline(always)]
pub fn i32_store8(value: i32) -> [u8; 1] {
    (value as i8).to_le_bytes()
}

#[inline(always)]
pub fn i32_store16(value: i32) -> [u8; 2] {
    (value as i16).to_le_bytes()
}

#[inline(always)]
pub fn i64_store8(value: i64) -> [u8; 1] {
    (value as i8).to_le_bytes()
}

#[inline(always)]
pub fn i64_store16(value: i64) -> [u8; 2] {
    (value as i16).to_le_bytes()
}

#[inline(always)]
pub fn i64_store32(value: i64) -> [u8; 4] {
    (value as i32).to_le_bytes()
}

#[inline(always)]
pub fn v128_store(value: V128) -> [u8; 16] {
    value.0
}

// Loads and stores of one lane. Lane indices are validated; an invalid index wraps.

#[inline(always)]
pub fn v128_load8_lane(bytes: [u8; 1], v: V128, lane: u8) -> V128 {
    replace(v, lane, u8::from_le_bytes(bytes))
}

#[inline(always)]
pub fn v128_load16_lane(bytes: [u8; 2], v: V128, lane: u8) -> V128 {
    replace(v, lane, u16::from_le_bytes(bytes))
}

#[inline(always)]
pub fn v128_load32_lane(bytes: [u8; 4], v: V128, lane: u8) -> V128 {
    replace(v, lane, u32::from_le_bytes(bytes))
}

#[inline(always)]
pub fn v128_load64_lane(bytes: [u8; 8], v: V128, lane: u8) -> V128 {
    replace(v, lane, u64::from_le_bytes(bytes))
}

#[inline(always)]
pub fn v128_store8_lane(v: V128, lane: u8) -> [u8; 1] {
    extract::<u8, 16>(v, lane).to_le_bytes()
}

#[inline(always)]
pub fn v128_store16_lane(v: V128, lane: u8) -> [u8; 2] {
    extract::<u16, 8>(v, lane).to_le_bytes()
}

#[inline(always)]
pub fn v128_store32_lane(v: V128, lane: u8) -> [u8; 4] {
    extract::<u32, 4>(v, lane).to_le_bytes()
}

#[inline(always)]
pub fn v128_store64_lane(v: V128, lane: u8) -> [u8; 8] {
    extract::<u64, 2>(v, lane).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNT: V128 = V128([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);

    #[test]
    fn narrow_loads_extend() {
        assert_eq!(i32_load8_s([0x80]), -128);
        assert_eq!(i32_load8_u([0x80]), 128);
        assert_eq!(i32_load16_s([0x00, 0x80]), -0x8000);
        assert_eq!(i64_load16_u([0x01, 0x80]), 0x8001);
        assert_eq!(i64_load32_s([0, 0, 0, 0x80]), -0x8000_0000);
        assert_eq!(i64_load32_u([0, 0, 0, 0x80]), 0x8000_0000);
        assert_eq!(f32_load([0, 0, 0xA0, 0x7F]).to_bits(), 0x7FA0_0000);
    }

    #[test]
    fn narrow_stores_wrap() {
        assert_eq!(i32_store8(0x1FF), [0xFF]);
        assert_eq!(i32_store16(-2), [0xFE, 0xFF]);
        assert_eq!(i64_store32(0x1_0203_0405), [5, 4, 3, 2]);
        assert_eq!(f64_store(-0.0), [0, 0, 0, 0, 0, 0, 0, 0x80]);
    }

    #[test]
    fn vector_loads_widen_splat_and_pad() {
        let bytes = [0x80, 1, 2, 3, 4, 5, 6, 0xFF];
        assert_eq!(<[i16; 8]>::of(v128_load8x8_s(bytes)), [-128, 1, 2, 3, 4, 5, 6, -1]);
        assert_eq!(<[u16; 8]>::of(v128_load8x8_u(bytes)), [128, 1, 2, 3, 4, 5, 6, 255]);
        assert_eq!(<[i32; 4]>::of(v128_load16x4_s(bytes)), [0x180, 0x302, 0x504, -0xFA]);
        assert_eq!(<[i64; 2]>::of(v128_load32x2_s(bytes)), [0x302_0180, -0xF9_FAFC]);
        assert_eq!(<[u64; 2]>::of(v128_load32x2_u(bytes)), [0x302_0180, 0xFF06_0504]);
        assert_eq!(v128_load8_splat([7]), V128([7; 16]));
        assert_eq!(<[i32; 4]>::of(v128_load32_splat([1, 0, 0, 0x80])), [i32::MIN + 1; 4]);
        assert_eq!(<[u32; 4]>::of(v128_load32_zero([1, 2, 3, 4])), [0x0403_0201, 0, 0, 0]);
        assert_eq!(<[u64; 2]>::of(v128_load64_zero([0xFF; 8])), [u64::MAX, 0]);
    }

    #[test]
    fn lane_loads_and_stores_access_a_single_lane() {
        assert_eq!(v128_load8_lane([0xAA], COUNT, 15).0[14..], [14, 0xAA]);
        assert_eq!(<[u32; 4]>::of(v128_load32_lane([0; 4], COUNT, 1)), [0x0302_0100, 0, 0x0B0A_0908, 0x0F0E_0D0C]);
        assert_eq!(v128_store16_lane(COUNT, 7), [14, 15]);
        assert_eq!(v128_store64_lane(COUNT, 1), [8, 9, 10, 11, 12, 13, 14, 15]);
    }

    #[test]
    fn lane_indices_never_panic() {
        for lane in 0..=255 {
            assert_eq!(v128_store8_lane(COUNT, lane), [lane % 16]);
            assert_eq!(v128_load64_lane([0; 8], COUNT, lane), v128_load64_lane([0; 8], COUNT, lane % 2));
        }
    }
}
