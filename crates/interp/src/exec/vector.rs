//! Vector instructions. Vector operands and results are in slots. Scalar operands and results are encoded as in other
//! instructions.

use std::marker::PhantomData;

use kinglet_wasm::V128;
use kinglet_wasm::op::*;
use kinglet_wasm::sem;

use super::memory::ResultValue;
use super::operand::{Acc, AccumulatorScalar, OperandSource, ResultTarget, Slot};
use super::{Flow, Handler, Instruction, Machine, OperandKind, handler};

#[inline(always)]
unsafe fn vector(m: &mut Machine) -> V128 {
    // SAFETY: the word is the offset of a vector's slots.
    unsafe {
        let from = m.word();
        read(m.slot(from))
    }
}

/// Reads a vector from two slots: the lower half from the first, each half as a little-endian number.
///
/// # Safety
/// Both slots are readable.
#[inline(always)]
pub(super) unsafe fn read(slots: *const u64) -> V128 {
    // SAFETY: the caller promises that both slots are readable (see `# Safety`).
    unsafe {
        if cfg!(target_endian = "little") {
            return slots.cast::<V128>().read();
        }
        V128::from_u128(u128::from(*slots) | u128::from(*slots.add(1)) << 64)
    }
}

/// Writes a vector to two slots, as [`read`] reads it.
///
/// # Safety
/// Both slots are writable.
#[inline(always)]
pub(super) unsafe fn write(slots: *mut u64, vector: V128) {
    // SAFETY: the caller promises that both slots are writable (see `# Safety`).
    unsafe {
        if cfg!(target_endian = "little") {
            return slots.cast::<V128>().write(vector);
        }
        let bits = vector.to_u128();
        (*slots, *slots.add(1)) = (bits as u64, (bits >> 64) as u64);
    }
}

/// The semantics of an operation on `N` vectors with a vector result.
trait VectorMeaning<const N: usize> {
    fn eval(args: [V128; N]) -> V128;
}

struct VectorInstruction<O, const N: usize>(PhantomData<O>);

impl<O: VectorMeaning<N>, const N: usize> Instruction for VectorInstruction<O, N> {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the emitter wrote the operand words for this handler, and each vector has two slots of the frame that
        // the function's entry checked (see `exec`).
        unsafe {
            let mut args = [V128::default(); N];
            for arg in &mut args {
                *arg = vector(m);
            }
            V128::write_to::<Slot>(m, O::eval(args));
        }
        Ok(())
    }
}

/// The semantics of an operation on a vector, and possibly a lane index, with a scalar result.
trait ToScalarMeaning {
    type R: AccumulatorScalar;
    fn eval(a: V128, lane: u8) -> Self::R;
}

struct ToScalar<O, D>(PhantomData<(O, D)>);

impl<O: ToScalarMeaning, D: ResultTarget> Instruction for ToScalar<O, D> {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the emitter wrote the operand words for this handler, and each vector has two slots of the frame that
        // the function's entry checked (see `exec`).
        unsafe {
            let a = vector(m);
            let lane = m.word() as u8;
            D::put(m, O::eval(a, lane));
        }
        Ok(())
    }
}

/// The semantics of an operation on a vector, a scalar, and possibly a lane index, with a vector result.
trait WithScalarMeaning {
    type B: AccumulatorScalar;
    fn eval(a: V128, lane: u8, b: Self::B) -> V128;
}

struct WithScalar<O, B>(PhantomData<(O, B)>);

impl<O: WithScalarMeaning, B: OperandSource> Instruction for WithScalar<O, B> {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the emitter wrote the operand words for this handler, and each vector has two slots of the frame that
        // the function's entry checked (see `exec`).
        unsafe {
            let a = vector(m);
            let lane = m.word() as u8;
            let b: O::B = B::get(m);
            V128::write_to::<Slot>(m, O::eval(a, lane, b));
        }
        Ok(())
    }
}

/// The semantics of a splat.
trait SplatMeaning {
    type A: AccumulatorScalar;
    fn eval(a: Self::A) -> V128;
}

struct Splat<O, A>(PhantomData<(O, A)>);

impl<O: SplatMeaning, A: OperandSource> Instruction for Splat<O, A> {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the emitter wrote the operand words for this handler, and each vector has two slots of the frame that
        // the function's entry checked (see `exec`).
        unsafe {
            let a: O::A = A::get(m);
            V128::write_to::<Slot>(m, O::eval(a));
        }
        Ok(())
    }
}

/// Replaces NaN lanes by the canonical NaN, after arithmetic if the settings require it.
struct F32x4Canonical;
struct F64x2Canonical;

impl VectorMeaning<1> for F32x4Canonical {
    #[inline(always)]
    fn eval([v]: [V128; 1]) -> V128 {
        sem::f32x4_canonical(v)
    }
}

impl VectorMeaning<1> for F64x2Canonical {
    #[inline(always)]
    fn eval([v]: [V128; 1]) -> V128 {
        sem::f64x2_canonical(v)
    }
}

/// `i8x16.shuffle`
struct Shuffle;

impl Instruction for Shuffle {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the emitter wrote the operand words for this handler, and each vector has two slots of the frame that
        // the function's entry checked (see `exec`).
        unsafe {
            let lanes = [m.double_word(), m.double_word()];
            let mut bytes = [0; 16];
            bytes[..8].copy_from_slice(&lanes[0].to_le_bytes());
            bytes[8..].copy_from_slice(&lanes[1].to_le_bytes());
            let (a, b) = (vector(m), vector(m));
            V128::write_to::<Slot>(m, sem::i8x16_shuffle(a, b, bytes));
        }
        Ok(())
    }
}

macro_rules! vector_call {
    (1 $meaning:ident $args:ident) => {
        sem::$meaning($args[0])
    };
    (2 $meaning:ident $args:ident) => {
        sem::$meaning($args[0], $args[1])
    };
    (3 $meaning:ident $args:ident) => {
        sem::$meaning($args[0], $args[1], $args[2])
    };
}

macro_rules! vector_meanings {
    ($choose:ident $Family:ident $count:tt:
     $($token:ident $meaning:ident $text:literal $operands:tt -> V128 $gas:literal;)*) => {
        $(
            struct $token;
            impl VectorMeaning<$count> for $token {
                #[inline(always)]
                fn eval(args: [V128; $count]) -> V128 {
                    vector_call!($count $meaning args)
                }
            }
        )*
        pub(crate) fn $choose(op: $Family) -> Handler {
            match op {
                $($Family::$token => handler::<VectorInstruction<$token, $count>>,)*
            }
        }
    };
}

fn to_scalar_shape<O: ToScalarMeaning>(d: OperandKind) -> Handler {
    match d {
        OperandKind::Acc => handler::<ToScalar<O, Acc>>,
        _ => handler::<ToScalar<O, Slot>>,
    }
}

fn with_scalar_shape<O: WithScalarMeaning>(b: OperandKind) -> Handler {
    match b {
        OperandKind::Acc => handler::<WithScalar<O, Acc>>,
        _ => handler::<WithScalar<O, Slot>>,
    }
}

fn splat_shape<O: SplatMeaning>(a: OperandKind) -> Handler {
    match a {
        OperandKind::Acc => handler::<Splat<O, Acc>>,
        _ => handler::<Splat<O, Slot>>,
    }
}

macro_rules! test_meanings {
    ($($token:ident $meaning:ident $text:literal (V128) -> $result:ident $gas:literal;)*) => {
        $(
            struct $token;
            impl ToScalarMeaning for $token {
                type R = $result;
                #[inline(always)]
                fn eval(a: V128, _: u8) -> $result {
                    sem::$meaning(a)
                }
            }
        )*
        pub(crate) fn vector_test(op: VectorTest, d: OperandKind) -> Handler {
            match op {
                $(VectorTest::$token => to_scalar_shape::<$token>(d),)*
            }
        }
    };
}

macro_rules! extract_meanings {
    ($($token:ident $meaning:ident $text:literal (V128, lane $lanes:literal) -> $result:ident $gas:literal;)*) => {
        $(
            struct $token;
            impl ToScalarMeaning for $token {
                type R = $result;
                #[inline(always)]
                fn eval(a: V128, lane: u8) -> $result {
                    sem::$meaning(a, lane)
                }
            }
        )*
        pub(crate) fn vector_extract(op: VectorExtract, d: OperandKind) -> Handler {
            match op {
                $(VectorExtract::$token => to_scalar_shape::<$token>(d),)*
            }
        }
    };
}

macro_rules! shift_meanings {
    ($($token:ident $meaning:ident $text:literal (V128, $by:ident) -> V128 $gas:literal;)*) => {
        $(
            struct $token;
            impl WithScalarMeaning for $token {
                type B = $by;
                #[inline(always)]
                fn eval(a: V128, _: u8, by: $by) -> V128 {
                    sem::$meaning(a, by)
                }
            }
        )*
        pub(crate) fn vector_shift(op: VectorShift, b: OperandKind) -> Handler {
            match op {
                $(VectorShift::$token => with_scalar_shape::<$token>(b),)*
            }
        }
    };
}

macro_rules! replace_meanings {
    ($($token:ident $meaning:ident $text:literal (V128, lane $lanes:literal, $operand:ident) -> V128 $gas:literal;)*) => {
        $(
            struct $token;
            impl WithScalarMeaning for $token {
                type B = $operand;
                #[inline(always)]
                fn eval(a: V128, lane: u8, b: $operand) -> V128 {
                    sem::$meaning(a, lane, b)
                }
            }
        )*
        pub(crate) fn vector_replace(op: VectorReplace, b: OperandKind) -> Handler {
            match op {
                $(VectorReplace::$token => with_scalar_shape::<$token>(b),)*
            }
        }
    };
}

macro_rules! splat_meanings {
    ($($token:ident $meaning:ident $text:literal ($operand:ident) -> V128 $gas:literal;)*) => {
        $(
            struct $token;
            impl SplatMeaning for $token {
                type A = $operand;
                #[inline(always)]
                fn eval(a: $operand) -> V128 {
                    sem::$meaning(a)
                }
            }
        )*
        pub(crate) fn vector_splat(op: VectorSplat, a: OperandKind) -> Handler {
            match op {
                $(VectorSplat::$token => splat_shape::<$token>(a),)*
            }
        }
    };
}

/// Functions that select handlers.
pub(crate) mod handlers {
    use super::*;

    kinglet_wasm::vector_unary_ops!(vector_meanings, vector_unary VectorUnary 1:);
    kinglet_wasm::vector_binary_ops!(vector_meanings, vector_binary VectorBinary 2:);
    kinglet_wasm::vector_ternary_ops!(vector_meanings, vector_ternary VectorTernary 3:);
    kinglet_wasm::vector_test_ops!(test_meanings);
    kinglet_wasm::vector_extract_ops!(extract_meanings);
    kinglet_wasm::vector_shift_ops!(shift_meanings);
    kinglet_wasm::vector_replace_ops!(replace_meanings);
    kinglet_wasm::vector_splat_ops!(splat_meanings);

    /// Replaces NaN lanes by the canonical NaN.
    pub(crate) fn f32x4_canonical() -> Handler {
        handler::<VectorInstruction<F32x4Canonical, 1>>
    }

    /// Replaces NaN lanes by the canonical NaN.
    pub(crate) fn f64x2_canonical() -> Handler {
        handler::<VectorInstruction<F64x2Canonical, 1>>
    }

    pub(crate) fn vector_shuffle() -> Handler {
        handler::<Shuffle>
    }
}
