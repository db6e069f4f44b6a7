//! The meaning of the vector operations: a vector is taken apart into an array of lanes, each lane is computed by an
//! ordinary function, and the lanes are put together again. The helpers here are the only loops; written over arrays
//! of constant length they compile to vector instructions. The operations on the vector as a whole follow them; those
//! on lanes are in `vector/integer.rs` and `vector/float.rs`. Total, without panics, on every input. Called by the
//! interpreter's handlers and the tests. Core specification, "Vector Instructions".

#![allow(missing_docs)] // Each function is documented by its row in the op table.

mod float;
mod integer;

pub use float::*;
pub use integer::*;

use crate::V128;
use std::array::from_fn;

/// A vector seen as an array of lanes. One implementation per lane type, so that the lane type implies the count.
pub(super) trait Lanes: Copy {
    /// The lanes of `v`.
    fn of(v: V128) -> Self;
    /// The vector with these lanes.
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

/// A lane type, and the integer of its width that a comparison gives: all ones or all zeros.
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

/// `f` of every lane.
#[inline(always)]
fn map<A: Copy, B, const N: usize>(v: V128, f: impl Fn(A) -> B) -> V128
where
    [A; N]: Lanes,
    [B; N]: Lanes,
{
    let v = <[A; N]>::of(v);
    from_fn(|i| f(v[i])).vector()
}

/// `f` of every pair of lanes at the same place.
#[inline(always)]
fn zip<A: Copy, B, const N: usize>(a: V128, b: V128, f: impl Fn(A, A) -> B) -> V128
where
    [A; N]: Lanes,
    [B; N]: Lanes,
{
    let (a, b) = (<[A; N]>::of(a), <[A; N]>::of(b));
    from_fn(|i| f(a[i], b[i])).vector()
}

/// All ones in every lane where `f` holds, all zeros elsewhere.
#[inline(always)]
fn compare<A: Lane, const N: usize>(a: V128, b: V128, f: impl Fn(&A, &A) -> bool) -> V128
where
    [A; N]: Lanes,
    [A::Mask; N]: Lanes,
{
    zip(a, b, |a: A, b: A| A::mask(f(&a, &b)))
}

/// `f` of the lanes of the lower half, into lanes of twice the width.
#[inline(always)]
pub(super) fn extend_low<A: Copy, B, const N: usize, const M: usize>(v: V128, f: impl Fn(A) -> B) -> V128
where
    [A; N]: Lanes,
    [B; M]: Lanes,
{
    let v = <[A; N]>::of(v);
    from_fn::<B, M, _>(|i| f(v[i])).vector()
}

/// `f` of the lanes of the upper half, into lanes of twice the width.
#[inline(always)]
fn extend_high<A: Copy, B, const N: usize, const M: usize>(v: V128, f: impl Fn(A) -> B) -> V128
where
    [A; N]: Lanes,
    [B; M]: Lanes,
{
    let v = <[A; N]>::of(v);
    from_fn::<B, M, _>(|i| f(v[M + i])).vector()
}

/// `f` of the pairs of lanes of the lower halves, into lanes of twice the width.
#[inline(always)]
fn zip_low<A: Copy, B, const N: usize, const M: usize>(a: V128, b: V128, f: impl Fn(A, A) -> B) -> V128
where
    [A; N]: Lanes,
    [B; M]: Lanes,
{
    let (a, b) = (<[A; N]>::of(a), <[A; N]>::of(b));
    from_fn::<B, M, _>(|i| f(a[i], b[i])).vector()
}

/// `f` of the pairs of lanes of the upper halves, into lanes of twice the width.
#[inline(always)]
fn zip_high<A: Copy, B, const N: usize, const M: usize>(a: V128, b: V128, f: impl Fn(A, A) -> B) -> V128
where
    [A; N]: Lanes,
    [B; M]: Lanes,
{
    let (a, b) = (<[A; N]>::of(a), <[A; N]>::of(b));
    from_fn::<B, M, _>(|i| f(a[M + i], b[M + i])).vector()
}

/// `f` of every two adjacent lanes, into a lane of twice the width.
#[inline(always)]
fn pairwise<A: Copy, B, const N: usize, const M: usize>(v: V128, f: impl Fn(A, A) -> B) -> V128
where
    [A; N]: Lanes,
    [B; M]: Lanes,
{
    let v = <[A; N]>::of(v);
    from_fn::<B, M, _>(|i| f(v[2 * i], v[2 * i + 1])).vector()
}

/// `f` of the lanes of `a`, then of `b`, into lanes of half the width.
#[inline(always)]
fn narrow<A: Copy, B, const N: usize, const M: usize>(a: V128, b: V128, f: impl Fn(A) -> B) -> V128
where
    [A; N]: Lanes,
    [B; M]: Lanes,
{
    let (a, b) = (<[A; N]>::of(a), <[A; N]>::of(b));
    from_fn::<B, M, _>(|i| f(if i < N { a[i] } else { b[i - N] })).vector()
}

/// `f` of every lane, into lanes of half the width; the upper half is zero.
#[inline(always)]
fn narrow_zero<A: Copy, B: Default, const N: usize, const M: usize>(v: V128, f: impl Fn(A) -> B) -> V128
where
    [A; N]: Lanes,
    [B; M]: Lanes,
{
    let v = <[A; N]>::of(v);
    from_fn::<B, M, _>(|i| if i < N { f(v[i]) } else { B::default() }).vector()
}

/// Whether `f` holds for every lane, as the `i32` 1 or 0.
#[inline(always)]
fn all<A: Copy, const N: usize>(v: V128, f: impl Fn(A) -> bool) -> i32
where
    [A; N]: Lanes,
{
    i32::from(<[A; N]>::of(v).into_iter().fold(true, |all, lane| all & f(lane)))
}

/// The bits saying for which lanes `f` holds, lane 0 lowest.
#[inline(always)]
fn bits<A: Copy, const N: usize>(v: V128, f: impl Fn(A) -> bool) -> i32
where
    [A; N]: Lanes,
{
    <[A; N]>::of(v).into_iter().rev().fold(0, |bits, lane| bits << 1 | i32::from(f(lane)))
}

/// `a` in every lane.
#[inline(always)]
pub(super) fn splat<A: Copy, const N: usize>(a: A) -> V128
where
    [A; N]: Lanes,
{
    [a; N].vector()
}

/// One lane. Lane indices are validated; one that is not wraps.
#[inline(always)]
pub(super) fn extract<A: Copy, const N: usize>(v: V128, lane: u8) -> A
where
    [A; N]: Lanes,
{
    <[A; N]>::of(v)[lane as usize % N]
}

/// `v` with one lane replaced. Lane indices are validated; one that is not wraps.
#[inline(always)]
pub(super) fn replace<A: Copy, const N: usize>(v: V128, lane: u8, a: A) -> V128
where
    [A; N]: Lanes,
{
    let mut lanes = <[A; N]>::of(v);
    lanes[lane as usize % N] = a;
    lanes.vector()
}

// The vector as a whole.

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

/// `i8x16.shuffle`: the lanes of `a` are 0 to 15, those of `b` 16 to 31.
#[inline(always)]
pub fn i8x16_shuffle(a: V128, b: V128, lanes: [u8; 16]) -> V128 {
    V128(from_fn(|i| if lanes[i] & 16 == 0 { a.0[lanes[i] as usize % 16] } else { b.0[lanes[i] as usize % 16] }))
}
