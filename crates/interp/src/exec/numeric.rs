//! Scalar numeric instructions. A type per operation carries its meaning from `sem` into the handlers, one handler per
//! shape of operands; comparisons also come fused with a branch.

use std::marker::PhantomData;

use kinglet_abi::Trap;
use kinglet_wasm::op::{Binary, Compare, Convert, Unary, Wide};
use kinglet_wasm::sem::{self, Outcome};

use super::memory::{F64LoadSlot, F64StoreAcc, I32LoadSlot};
use super::operand::{Acc, Cell, Imm, Slot, Source, Target};
use super::{Flow, Handler, Instruction, Kind, Machine, Pair, Stop, branch_here, handler};

/// The meaning of an operation of one operand.
pub(crate) trait UnaryMeaning {
    type A: Cell;
    type R: Cell;
    fn eval(a: Self::A) -> Result<Self::R, Trap>;
}

/// The meaning of an operation of two operands.
pub(crate) trait BinaryMeaning {
    type A: Cell;
    type B: Cell;
    type R: Cell;
    fn eval(a: Self::A, b: Self::B) -> Result<Self::R, Trap>;
}

struct UnaryInstruction<O, A, D>(PhantomData<(O, A, D)>);

impl<O: UnaryMeaning, A: Source, D: Target> Instruction for UnaryInstruction<O, A, D> {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the emitter wrote the operand words for this handler, and their slots lie in the frame that the
        // function's entry checked (see `exec`).
        unsafe {
            let a = A::get(m);
            let value = O::eval(a).map_err(Stop::Trap)?;
            D::put(m, value);
        }
        Ok(())
    }
}

pub(super) struct BinaryInstruction<O, A, B, D>(PhantomData<(O, A, B, D)>);

impl<O: BinaryMeaning, A: Source, B: Source, D: Target> Instruction for BinaryInstruction<O, A, B, D> {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the emitter wrote the operand words for this handler, and their slots lie in the frame that the
        // function's entry checked (see `exec`).
        unsafe {
            let a = A::get(m);
            let b = B::get(m);
            let value = O::eval(a, b).map_err(Stop::Trap)?;
            D::put(m, value);
        }
        Ok(())
    }
}

/// A comparison and a branch on its outcome. `BACK` branches go to a loop's header and look for interrupts.
struct CompareBranch<O, A, B, const WHEN: bool, const BACK: bool>(PhantomData<(O, A, B)>);

impl<O: BinaryMeaning<R = i32>, A: Source, B: Source, const WHEN: bool, const BACK: bool> Instruction
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
            if (O::eval(a, b).map_err(Stop::Trap)? != 0) == WHEN {
                branch_here();
                m.jump(at, target);
                if BACK {
                    m.check_interrupt()?;
                }
            }
        }
        Ok(())
    }
}

fn loaded_binary_shape<O: BinaryMeaning>(a: Kind, b: Kind, d: Kind) -> Option<Handler> {
    Some(match (a, b, d) {
        (Kind::Acc, Kind::Slot, Kind::Acc) => handler::<Pair<F64LoadSlot, BinaryInstruction<O, Acc, Slot, Acc>>>,
        (Kind::Acc, Kind::Slot, _) => handler::<Pair<F64LoadSlot, BinaryInstruction<O, Acc, Slot, Slot>>>,
        (Kind::Slot, Kind::Acc, Kind::Acc) => handler::<Pair<F64LoadSlot, BinaryInstruction<O, Slot, Acc, Acc>>>,
        (Kind::Slot, Kind::Acc, _) => handler::<Pair<F64LoadSlot, BinaryInstruction<O, Slot, Acc, Slot>>>,
        (Kind::Acc, Kind::Imm, Kind::Acc) => handler::<Pair<F64LoadSlot, BinaryInstruction<O, Acc, Imm, Acc>>>,
        (Kind::Acc, Kind::Imm, _) => handler::<Pair<F64LoadSlot, BinaryInstruction<O, Acc, Imm, Slot>>>,
        _ => return None,
    })
}

fn stored_binary_shape<O: BinaryMeaning>(a: Kind, b: Kind) -> Option<Handler> {
    Some(match (a, b) {
        (Kind::Acc, Kind::Slot) => handler::<Pair<BinaryInstruction<O, Acc, Slot, Acc>, F64StoreAcc>>,
        (Kind::Slot, Kind::Acc) => handler::<Pair<BinaryInstruction<O, Slot, Acc, Acc>, F64StoreAcc>>,
        (Kind::Slot, Kind::Slot) => handler::<Pair<BinaryInstruction<O, Slot, Slot, Acc>, F64StoreAcc>>,
        (Kind::Acc, Kind::Imm) => handler::<Pair<BinaryInstruction<O, Acc, Imm, Acc>, F64StoreAcc>>,
        _ => return None,
    })
}

/// A loop's end: `i32.add` of a slot and a constant, to a slot, and a branch back if a comparison holds.
fn step_and_branch_shape<O: BinaryMeaning<R = i32, A = i32, B = i32>>(a: Kind, b: Kind) -> Option<Handler> {
    Some(match (a, b) {
        (Kind::Acc, Kind::Imm) => handler::<Pair<Step, CompareBranch<O, Acc, Imm, true, true>>>,
        (Kind::Acc, Kind::Slot) => handler::<Pair<Step, CompareBranch<O, Acc, Slot, true, true>>>,
        (Kind::Slot, Kind::Acc) => handler::<Pair<Step, CompareBranch<O, Slot, Acc, true, true>>>,
        (Kind::Slot, Kind::Slot) => handler::<Pair<Step, CompareBranch<O, Slot, Slot, true, true>>>,
        _ => return None,
    })
}

/// `i32.add` of two slots.
pub(super) type Sum<D> = BinaryInstruction<I32Add, Slot, Slot, D>;

/// `i32.add` of a slot and a constant, to a slot.
pub(super) type Step = BinaryInstruction<I32Add, Slot, Imm, Slot>;

fn unary_shape<O: UnaryMeaning>(a: Kind, d: Kind) -> Handler {
    match (a, d) {
        (Kind::Acc, Kind::Acc) => handler::<UnaryInstruction<O, Acc, Acc>>,
        (Kind::Acc, _) => handler::<UnaryInstruction<O, Acc, Slot>>,
        (_, Kind::Acc) => handler::<UnaryInstruction<O, Slot, Acc>>,
        (_, _) => handler::<UnaryInstruction<O, Slot, Slot>>,
    }
}

fn binary_shape<O: BinaryMeaning>(a: Kind, b: Kind, d: Kind) -> Handler {
    match d {
        Kind::Acc => binary_shape_to::<O, Acc>(a, b),
        _ => binary_shape_to::<O, Slot>(a, b),
    }
}

fn binary_shape_to<O: BinaryMeaning, D: Target>(a: Kind, b: Kind) -> Handler {
    match (a, b) {
        (Kind::Acc, Kind::Imm) => handler::<BinaryInstruction<O, Acc, Imm, D>>,
        (Kind::Acc, _) => handler::<BinaryInstruction<O, Acc, Slot, D>>,
        (Kind::Imm, Kind::Acc) => handler::<BinaryInstruction<O, Imm, Acc, D>>,
        (Kind::Imm, _) => handler::<BinaryInstruction<O, Imm, Slot, D>>,
        (Kind::Slot, Kind::Acc) => handler::<BinaryInstruction<O, Slot, Acc, D>>,
        (Kind::Slot, Kind::Imm) => handler::<BinaryInstruction<O, Slot, Imm, D>>,
        (Kind::Slot, Kind::Slot) => handler::<BinaryInstruction<O, Slot, Slot, D>>,
    }
}

fn branch_shape<O: BinaryMeaning<R = i32>>(a: Kind, b: Kind, when: bool, back: bool) -> Handler {
    match (when, back) {
        (false, false) => branch_shape_of::<O, false, false>(a, b),
        (false, true) => branch_shape_of::<O, false, true>(a, b),
        (true, false) => branch_shape_of::<O, true, false>(a, b),
        (true, true) => branch_shape_of::<O, true, true>(a, b),
    }
}

fn branch_shape_of<O: BinaryMeaning<R = i32>, const WHEN: bool, const BACK: bool>(a: Kind, b: Kind) -> Handler {
    match (a, b) {
        (Kind::Acc, Kind::Imm) => handler::<CompareBranch<O, Acc, Imm, WHEN, BACK>>,
        (Kind::Acc, _) => handler::<CompareBranch<O, Acc, Slot, WHEN, BACK>>,
        (Kind::Imm, Kind::Acc) => handler::<CompareBranch<O, Imm, Acc, WHEN, BACK>>,
        (Kind::Imm, _) => handler::<CompareBranch<O, Imm, Slot, WHEN, BACK>>,
        (Kind::Slot, Kind::Acc) => handler::<CompareBranch<O, Slot, Acc, WHEN, BACK>>,
        (Kind::Slot, Kind::Imm) => handler::<CompareBranch<O, Slot, Imm, WHEN, BACK>>,
        (Kind::Slot, Kind::Slot) => handler::<CompareBranch<O, Slot, Slot, WHEN, BACK>>,
    }
}

/// A type for every operation of one operand, and the choice of its handler.
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
                    sem::$meaning(a).outcome()
                }
            }
        )*
        pub(crate) fn $choose(op: $Family, a: Kind, d: Kind) -> Handler {
            match op {
                $($Family::$token => unary_shape::<$token>(a, d),)*
            }
        }
    };
}

/// A type for every operation of two operands.
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
                    sem::$meaning(a, b).outcome()
                }
            }
        )*
    };
}

macro_rules! choose_binary {
    ($($token:ident $meaning:ident $text:literal $operands:tt -> $result:ident $gas:literal;)*) => {
        pub(crate) fn binary(op: Binary, a: Kind, b: Kind, d: Kind) -> Handler {
            match op {
                $(Binary::$token => binary_shape::<$token>(a, b, d),)*
            }
        }
    };
}

macro_rules! choose_compare {
    ($($token:ident $meaning:ident $text:literal $operands:tt -> $result:ident $gas:literal;)*) => {
        pub(crate) fn compare(op: Compare, a: Kind, b: Kind, d: Kind) -> Handler {
            match op {
                $(Compare::$token => binary_shape::<$token>(a, b, d),)*
            }
        }

        pub(crate) fn step_and_branch(op: Compare, a: Kind, b: Kind) -> Option<Handler> {
            match op {
                Compare::I32Ne => step_and_branch_shape::<I32Ne>(a, b),
                Compare::I32LtS => step_and_branch_shape::<I32LtS>(a, b),
                Compare::I32LtU => step_and_branch_shape::<I32LtU>(a, b),
                Compare::I32GtS => step_and_branch_shape::<I32GtS>(a, b),
                Compare::I32GtU => step_and_branch_shape::<I32GtU>(a, b),
                _ => None,
            }
        }

        pub(crate) fn compare_branch(op: Compare, a: Kind, b: Kind, when: bool, back: bool) -> Handler {
            match op {
                $(Compare::$token => branch_shape::<$token>(a, b, when, back),)*
            }
        }
    };
}

/// 128-bit arithmetic: operands and results in consecutive slots.
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

/// Makes a NaN canonical, behind arithmetic in an engine that asks for it.
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

    /// A NaN made canonical.
    pub(crate) fn f32_canonical(a: Kind, d: Kind) -> Handler {
        unary_shape::<F32Canonical>(a, d)
    }

    /// A NaN made canonical.
    pub(crate) fn f64_canonical(a: Kind, d: Kind) -> Handler {
        unary_shape::<F64Canonical>(a, d)
    }

    /// `f64.load` of a slot's address and an operation of the result and something else.
    pub(crate) fn load_and_binary(op: Binary, a: Kind, b: Kind, d: Kind) -> Option<Handler> {
        match op {
            Binary::F64Add => loaded_binary_shape::<F64Add>(a, b, d),
            Binary::F64Sub => loaded_binary_shape::<F64Sub>(a, b, d),
            Binary::F64Mul => loaded_binary_shape::<F64Mul>(a, b, d),
            _ => None,
        }
    }

    /// An operation and `f64.store` of its result to a slot's address.
    pub(crate) fn binary_and_store(op: Binary, a: Kind, b: Kind) -> Option<Handler> {
        match op {
            Binary::F64Add => stored_binary_shape::<F64Add>(a, b),
            Binary::F64Sub => stored_binary_shape::<F64Sub>(a, b),
            Binary::F64Mul => stored_binary_shape::<F64Mul>(a, b),
            _ => None,
        }
    }

    /// `i32.load` of a slot's address, its result also to `k`, plus a constant.
    pub(crate) fn load_plus(k: Kind, d: Kind) -> Handler {
        match (k, d) {
            (Kind::Acc, Kind::Acc) => handler::<Pair<I32LoadSlot<Acc>, BinaryInstruction<I32Add, Acc, Imm, Acc>>>,
            (Kind::Acc, _) => handler::<Pair<I32LoadSlot<Acc>, BinaryInstruction<I32Add, Acc, Imm, Slot>>>,
            (_, Kind::Acc) => handler::<Pair<I32LoadSlot<Slot>, BinaryInstruction<I32Add, Acc, Imm, Acc>>>,
            (_, _) => handler::<Pair<I32LoadSlot<Slot>, BinaryInstruction<I32Add, Acc, Imm, Slot>>>,
        }
    }

    kinglet_wasm::unary_ops!(unary_meanings, unary Unary:);
    kinglet_wasm::convert_ops!(unary_meanings, convert Convert:);
    kinglet_wasm::binary_ops!(choose_binary);
    kinglet_wasm::compare_ops!(choose_compare);
    kinglet_wasm::wide_ops!(wide_meanings);
}
