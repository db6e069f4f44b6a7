//! Scalar numeric instructions. Each operation has a type that carries its semantics from `sem` into one handler per
//! combination of operand kinds. Comparisons can also be fused with a branch.

use std::marker::PhantomData;

use kinglet_abi::Trap;
use kinglet_wasm::op::{Binary, Compare, Convert, Unary, Wide};
use kinglet_wasm::sem::{self, IntoResult};

use super::memory::{F64LoadSlot, F64StoreAcc, I32LoadSlot};
use super::operand::{Acc, AccumulatorScalar, Imm, OperandSource, ResultTarget, Slot};
use super::{Flow, Handler, Instruction, Machine, OperandKind, StopReason, Superinstruction, handler, keep_branch};

/// The semantics of a unary operation.
pub(crate) trait UnaryMeaning {
    type A: AccumulatorScalar;
    type R: AccumulatorScalar;
    fn eval(a: Self::A) -> Result<Self::R, Trap>;
}

/// The semantics of a binary operation.
pub(crate) trait BinaryMeaning {
    type A: AccumulatorScalar;
    type B: AccumulatorScalar;
    type R: AccumulatorScalar;
    fn eval(a: Self::A, b: Self::B) -> Result<Self::R, Trap>;
}

struct UnaryInstruction<O, A, D>(PhantomData<(O, A, D)>);

impl<O: UnaryMeaning, A: OperandSource, D: ResultTarget> Instruction for UnaryInstruction<O, A, D> {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the emitter wrote the operand words for this handler, and their slots lie in the frame that the
        // function's entry checked (see `exec`).
        unsafe {
            let a = A::get(m);
            let value = O::eval(a).map_err(StopReason::Trap)?;
            D::put(m, value);
        }
        Ok(())
    }
}

pub(super) struct BinaryInstruction<O, A, B, D>(PhantomData<(O, A, B, D)>);

impl<O: BinaryMeaning, A: OperandSource, B: OperandSource, D: ResultTarget> Instruction
    for BinaryInstruction<O, A, B, D>
{
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the emitter wrote the operand words for this handler, and their slots lie in the frame that the
        // function's entry checked (see `exec`).
        unsafe {
            let a = A::get(m);
            let b = B::get(m);
            let value = O::eval(a, b).map_err(StopReason::Trap)?;
            D::put(m, value);
        }
        Ok(())
    }
}

/// A comparison and a branch on its result. A `BACK` branch goes to a loop header and checks for interrupts.
struct CompareBranch<O, A, B, const WHEN: bool, const BACK: bool>(PhantomData<(O, A, B)>);

impl<O: BinaryMeaning<R = i32>, A: OperandSource, B: OperandSource, const WHEN: bool, const BACK: bool> Instruction
    for CompareBranch<O, A, B, WHEN, BACK>
{
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the emitter wrote the operand words for this handler: slots lie in the frame that the function's
        // entry checked, and the target in the same code (see `exec`).
        unsafe {
            let a = A::get(m);
            let b = B::get(m);
            let at = m.ip;
            let target = m.word();
            if (O::eval(a, b).map_err(StopReason::Trap)? != 0) == WHEN {
                keep_branch();
                m.jump(at, target);
                if BACK {
                    m.poll_interrupt()?;
                }
            }
        }
        Ok(())
    }
}

fn load_and_binary_shape<O: BinaryMeaning>(a: OperandKind, b: OperandKind, d: OperandKind) -> Option<Handler> {
    Some(match (a, b, d) {
        (OperandKind::Acc, OperandKind::Slot, OperandKind::Acc) => {
            handler::<Superinstruction<F64LoadSlot, BinaryInstruction<O, Acc, Slot, Acc>>>
        }
        (OperandKind::Acc, OperandKind::Slot, _) => {
            handler::<Superinstruction<F64LoadSlot, BinaryInstruction<O, Acc, Slot, Slot>>>
        }
        (OperandKind::Slot, OperandKind::Acc, OperandKind::Acc) => {
            handler::<Superinstruction<F64LoadSlot, BinaryInstruction<O, Slot, Acc, Acc>>>
        }
        (OperandKind::Slot, OperandKind::Acc, _) => {
            handler::<Superinstruction<F64LoadSlot, BinaryInstruction<O, Slot, Acc, Slot>>>
        }
        (OperandKind::Acc, OperandKind::Imm, OperandKind::Acc) => {
            handler::<Superinstruction<F64LoadSlot, BinaryInstruction<O, Acc, Imm, Acc>>>
        }
        (OperandKind::Acc, OperandKind::Imm, _) => {
            handler::<Superinstruction<F64LoadSlot, BinaryInstruction<O, Acc, Imm, Slot>>>
        }
        _ => return None,
    })
}

fn binary_and_store_shape<O: BinaryMeaning>(a: OperandKind, b: OperandKind) -> Option<Handler> {
    Some(match (a, b) {
        (OperandKind::Acc, OperandKind::Slot) => {
            handler::<Superinstruction<BinaryInstruction<O, Acc, Slot, Acc>, F64StoreAcc>>
        }
        (OperandKind::Slot, OperandKind::Acc) => {
            handler::<Superinstruction<BinaryInstruction<O, Slot, Acc, Acc>, F64StoreAcc>>
        }
        (OperandKind::Slot, OperandKind::Slot) => {
            handler::<Superinstruction<BinaryInstruction<O, Slot, Slot, Acc>, F64StoreAcc>>
        }
        (OperandKind::Acc, OperandKind::Imm) => {
            handler::<Superinstruction<BinaryInstruction<O, Acc, Imm, Acc>, F64StoreAcc>>
        }
        _ => return None,
    })
}

/// Selects the end of a loop: `i32.add` of a slot and a constant with the result in a slot, and a back-edge if a
/// comparison holds.
fn step_and_branch_shape<O: BinaryMeaning<R = i32, A = i32, B = i32>>(
    a: OperandKind,
    b: OperandKind,
) -> Option<Handler> {
    Some(match (a, b) {
        (OperandKind::Acc, OperandKind::Imm) => {
            handler::<Superinstruction<LoopStep, CompareBranch<O, Acc, Imm, true, true>>>
        }
        (OperandKind::Acc, OperandKind::Slot) => {
            handler::<Superinstruction<LoopStep, CompareBranch<O, Acc, Slot, true, true>>>
        }
        (OperandKind::Slot, OperandKind::Acc) => {
            handler::<Superinstruction<LoopStep, CompareBranch<O, Slot, Acc, true, true>>>
        }
        (OperandKind::Slot, OperandKind::Slot) => {
            handler::<Superinstruction<LoopStep, CompareBranch<O, Slot, Slot, true, true>>>
        }
        _ => return None,
    })
}

/// `i32.add` of two slots.
pub(super) type Sum<D> = BinaryInstruction<I32Add, Slot, Slot, D>;

/// `i32.add` of a slot and a constant, with the result in a slot.
pub(super) type LoopStep = BinaryInstruction<I32Add, Slot, Imm, Slot>;

fn unary_shape<O: UnaryMeaning>(a: OperandKind, d: OperandKind) -> Handler {
    match (a, d) {
        (OperandKind::Acc, OperandKind::Acc) => handler::<UnaryInstruction<O, Acc, Acc>>,
        (OperandKind::Acc, _) => handler::<UnaryInstruction<O, Acc, Slot>>,
        (_, OperandKind::Acc) => handler::<UnaryInstruction<O, Slot, Acc>>,
        (_, _) => handler::<UnaryInstruction<O, Slot, Slot>>,
    }
}

fn binary_shape<O: BinaryMeaning>(a: OperandKind, b: OperandKind, d: OperandKind) -> Handler {
    match d {
        OperandKind::Acc => binary_shape_to::<O, Acc>(a, b),
        _ => binary_shape_to::<O, Slot>(a, b),
    }
}

fn binary_shape_to<O: BinaryMeaning, D: ResultTarget>(a: OperandKind, b: OperandKind) -> Handler {
    match (a, b) {
        (OperandKind::Acc, OperandKind::Imm) => handler::<BinaryInstruction<O, Acc, Imm, D>>,
        (OperandKind::Acc, _) => handler::<BinaryInstruction<O, Acc, Slot, D>>,
        (OperandKind::Imm, OperandKind::Acc) => handler::<BinaryInstruction<O, Imm, Acc, D>>,
        (OperandKind::Imm, _) => handler::<BinaryInstruction<O, Imm, Slot, D>>,
        (OperandKind::Slot, OperandKind::Acc) => handler::<BinaryInstruction<O, Slot, Acc, D>>,
        (OperandKind::Slot, OperandKind::Imm) => handler::<BinaryInstruction<O, Slot, Imm, D>>,
        (OperandKind::Slot, OperandKind::Slot) => handler::<BinaryInstruction<O, Slot, Slot, D>>,
    }
}

fn branch_shape<O: BinaryMeaning<R = i32>>(a: OperandKind, b: OperandKind, when: bool, back: bool) -> Handler {
    match (when, back) {
        (false, false) => branch_shape_of::<O, false, false>(a, b),
        (false, true) => branch_shape_of::<O, false, true>(a, b),
        (true, false) => branch_shape_of::<O, true, false>(a, b),
        (true, true) => branch_shape_of::<O, true, true>(a, b),
    }
}

fn branch_shape_of<O: BinaryMeaning<R = i32>, const WHEN: bool, const BACK: bool>(
    a: OperandKind,
    b: OperandKind,
) -> Handler {
    match (a, b) {
        (OperandKind::Acc, OperandKind::Imm) => handler::<CompareBranch<O, Acc, Imm, WHEN, BACK>>,
        (OperandKind::Acc, _) => handler::<CompareBranch<O, Acc, Slot, WHEN, BACK>>,
        (OperandKind::Imm, OperandKind::Acc) => handler::<CompareBranch<O, Imm, Acc, WHEN, BACK>>,
        (OperandKind::Imm, _) => handler::<CompareBranch<O, Imm, Slot, WHEN, BACK>>,
        (OperandKind::Slot, OperandKind::Acc) => handler::<CompareBranch<O, Slot, Acc, WHEN, BACK>>,
        (OperandKind::Slot, OperandKind::Imm) => handler::<CompareBranch<O, Slot, Imm, WHEN, BACK>>,
        (OperandKind::Slot, OperandKind::Slot) => handler::<CompareBranch<O, Slot, Slot, WHEN, BACK>>,
    }
}

/// Declares a type for each unary operation, and the function that selects its handler.
macro_rules! unary_meanings {
    ($choose:ident $Family:ident:
     $($token:ident $meaning:ident $text:literal ($a:ident) -> $result:ident $gas:literal;)*) => {
        $(
            pub(crate) struct $token;
            impl UnaryMeaning for $token {
                type A = $a;
                type R = $result;
                #[inline(always)]
                fn eval(a: $a) -> Result<$result, Trap> {
                    sem::$meaning(a).into_result()
                }
            }
        )*
        pub(crate) fn $choose(op: $Family, a: OperandKind, d: OperandKind) -> Handler {
            match op {
                $($Family::$token => unary_shape::<$token>(a, d),)*
            }
        }
    };
}

/// Declares a type for each binary operation.
macro_rules! binary_meanings {
    ($($token:ident $meaning:ident $text:literal ($a:ident, $b:ident) -> $result:ident $gas:literal;)*) => {
        $(
            pub(crate) struct $token;
            impl BinaryMeaning for $token {
                type A = $a;
                type B = $b;
                type R = $result;
                #[inline(always)]
                fn eval(a: $a, b: $b) -> Result<$result, Trap> {
                    sem::$meaning(a, b).into_result()
                }
            }
        )*
    };
}

macro_rules! choose_binary {
    ($($token:ident $meaning:ident $text:literal $operands:tt -> $result:ident $gas:literal;)*) => {
        pub(crate) fn binary(op: Binary, a: OperandKind, b: OperandKind, d: OperandKind) -> Handler {
            match op {
                $(Binary::$token => binary_shape::<$token>(a, b, d),)*
            }
        }
    };
}

macro_rules! choose_compare {
    ($($token:ident $meaning:ident $text:literal $operands:tt -> $result:ident $gas:literal;)*) => {
        pub(crate) fn compare(op: Compare, a: OperandKind, b: OperandKind, d: OperandKind) -> Handler {
            match op {
                $(Compare::$token => binary_shape::<$token>(a, b, d),)*
            }
        }

        pub(crate) fn step_and_branch(op: Compare, a: OperandKind, b: OperandKind) -> Option<Handler> {
            match op {
                Compare::I32Ne => step_and_branch_shape::<I32Ne>(a, b),
                Compare::I32LtS => step_and_branch_shape::<I32LtS>(a, b),
                Compare::I32LtU => step_and_branch_shape::<I32LtU>(a, b),
                Compare::I32GtS => step_and_branch_shape::<I32GtS>(a, b),
                Compare::I32GtU => step_and_branch_shape::<I32GtU>(a, b),
                _ => None,
            }
        }

        pub(crate) fn compare_branch(op: Compare, a: OperandKind, b: OperandKind, when: bool, back: bool) -> Handler {
            match op {
                $(Compare::$token => branch_shape::<$token>(a, b, when, back),)*
            }
        }
    };
}

/// 128-bit arithmetic. Operands and results are in consecutive slots.
struct WideInstruction<O>(PhantomData<O>);

trait WideMeaning {
    unsafe fn eval(slots: *mut u64);
}

impl<O: WideMeaning> Instruction for WideInstruction<O> {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the emitter put the operands into consecutive slots of the frame that the function's entry checked,
        // and wrote the offset of the first (see `exec`).
        unsafe {
            let offset = m.word();
            O::eval(m.slot(offset));
        }
        Ok(())
    }
}

macro_rules! wide_operands {
    ($slots:ident $meaning:ident (i64, i64, i64, i64)) => {
        sem::$meaning(*$slots as i64, *$slots.add(1) as i64, *$slots.add(2) as i64, *$slots.add(3) as i64)
    };
    ($slots:ident $meaning:ident (i64, i64)) => {
        sem::$meaning(*$slots as i64, *$slots.add(1) as i64)
    };
}

macro_rules! wide_meanings {
    ($($token:ident $meaning:ident $text:literal $operands:tt -> $result:tt $gas:literal;)*) => {
        $(
            struct $token;
            impl WideMeaning for $token {
                #[inline(always)]
                unsafe fn eval(slots: *mut u64) {
                    // SAFETY: the emitter put the operands into consecutive slots of the frame.
                    unsafe {
                        let (low, high) = wide_operands!(slots $meaning $operands);
                        *slots = low as u64;
                        *slots.add(1) = high as u64;
                    }
                }
            }
        )*
        pub(crate) fn wide(op: Wide) -> Handler {
            match op {
                $(Wide::$token => handler::<WideInstruction<$token>>,)*
            }
        }
    };
}

kinglet_wasm::binary_ops!(binary_meanings);
kinglet_wasm::compare_ops!(binary_meanings);

/// Replaces a NaN by the canonical NaN, after arithmetic if the settings require it.
struct F32Canonical;
struct F64Canonical;

impl UnaryMeaning for F32Canonical {
    type A = f32;
    type R = f32;
    #[inline(always)]
    fn eval(a: f32) -> Result<f32, Trap> {
        Ok(sem::f32_canonical(a))
    }
}

impl UnaryMeaning for F64Canonical {
    type A = f64;
    type R = f64;
    #[inline(always)]
    fn eval(a: f64) -> Result<f64, Trap> {
        Ok(sem::f64_canonical(a))
    }
}

pub(crate) mod handlers {
    use super::*;

    /// Replaces a NaN by the canonical NaN.
    pub(crate) fn f32_canonical(a: OperandKind, d: OperandKind) -> Handler {
        unary_shape::<F32Canonical>(a, d)
    }

    /// Replaces a NaN by the canonical NaN.
    pub(crate) fn f64_canonical(a: OperandKind, d: OperandKind) -> Handler {
        unary_shape::<F64Canonical>(a, d)
    }

    /// `f64.load` from an address in a slot, and a binary operation on its result.
    pub(crate) fn load_and_binary(op: Binary, a: OperandKind, b: OperandKind, d: OperandKind) -> Option<Handler> {
        match op {
            Binary::F64Add => load_and_binary_shape::<F64Add>(a, b, d),
            Binary::F64Sub => load_and_binary_shape::<F64Sub>(a, b, d),
            Binary::F64Mul => load_and_binary_shape::<F64Mul>(a, b, d),
            _ => None,
        }
    }

    /// A binary operation, and `f64.store` of its result to an address in a slot.
    pub(crate) fn binary_and_store(op: Binary, a: OperandKind, b: OperandKind) -> Option<Handler> {
        match op {
            Binary::F64Add => binary_and_store_shape::<F64Add>(a, b),
            Binary::F64Sub => binary_and_store_shape::<F64Sub>(a, b),
            Binary::F64Mul => binary_and_store_shape::<F64Mul>(a, b),
            _ => None,
        }
    }

    /// `i32.load` from an address in a slot, with its result also in `k`, and addition of a constant.
    pub(crate) fn load_and_add(k: OperandKind, d: OperandKind) -> Handler {
        match (k, d) {
            (OperandKind::Acc, OperandKind::Acc) => {
                handler::<Superinstruction<I32LoadSlot<Acc>, BinaryInstruction<I32Add, Acc, Imm, Acc>>>
            }
            (OperandKind::Acc, _) => {
                handler::<Superinstruction<I32LoadSlot<Acc>, BinaryInstruction<I32Add, Acc, Imm, Slot>>>
            }
            (_, OperandKind::Acc) => {
                handler::<Superinstruction<I32LoadSlot<Slot>, BinaryInstruction<I32Add, Acc, Imm, Acc>>>
            }
            (_, _) => handler::<Superinstruction<I32LoadSlot<Slot>, BinaryInstruction<I32Add, Acc, Imm, Slot>>>,
        }
    }

    kinglet_wasm::unary_ops!(unary_meanings, unary Unary:);
    kinglet_wasm::convert_ops!(unary_meanings, convert Convert:);
    kinglet_wasm::binary_ops!(choose_binary);
    kinglet_wasm::compare_ops!(choose_compare);
    kinglet_wasm::wide_ops!(wide_meanings);
}
