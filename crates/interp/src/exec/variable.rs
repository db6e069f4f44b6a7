//! Copies between slots, and instructions for constants, globals and references, and `select`.

use std::marker::PhantomData;

use super::memory::ForwardingStore;
use super::operand::{Acc, AccumulatorScalar, Imm, OperandSource, ResultTarget, Slot};
use super::{Flow, Handler, Instruction, Machine, OperandKind, Superinstruction, handler};
use crate::access;
use crate::emit::Class;

/// Copies a slot. Accumulators are unchanged.
pub(super) struct Copy;

impl Instruction for Copy {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the emitter wrote the operand words for this handler, and their slots lie in the frame that the
        // function's entry checked (see `exec`).
        unsafe {
            let from = m.word();
            let to = m.word();
            *m.slot(to) = *m.slot(from);
        }
        Ok(())
    }
}

/// Copies two slots, in order.
struct Copy2;

impl Instruction for Copy2 {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the emitter wrote the operand words of both copies, one after the other, and their slots lie in the
        // checked frame (see `exec`).
        unsafe {
            Copy::run(m)?;
            Copy::run(m)
        }
    }
}

/// Copies slots to slots that are not above them. Operands: source, destination, count.
struct CopyBlock;

impl Instruction for CopyBlock {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the emitter wrote the operand words for this handler; all the slots of both blocks lie in the frame
        // that the function's entry checked (see `exec`).
        unsafe {
            let (from, to, count) = (m.word(), m.word(), m.word());
            let (from, to) = (m.slot(from), m.slot(to));
            for i in 0..count as usize {
                *to.add(i) = *from.add(i);
            }
        }
        Ok(())
    }
}

/// Copies a vector.
struct CopyVector;

impl Instruction for CopyVector {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the emitter wrote the operand words for this handler, and each vector has two slots of the frame that
        // the function's entry checked (see `exec`).
        unsafe {
            let from = m.word();
            let to = m.word();
            let value = m.slot(from).cast::<[u64; 2]>().read();
            m.slot(to).cast::<[u64; 2]>().write(value);
        }
        Ok(())
    }
}

/// Writes a constant to a slot.
pub(super) struct ScalarConstant<T>(PhantomData<T>);

impl<T: AccumulatorScalar> Instruction for ScalarConstant<T> {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the emitter wrote the operand words for this handler, and their slots lie in the frame that the
        // function's entry checked (see `exec`).
        unsafe {
            let bits = T::immediate(m).to_bits();
            let to = m.word();
            *m.slot(to) = bits;
        }
        Ok(())
    }
}

/// Writes a vector constant to its slots.
struct VectorConstant;

impl Instruction for VectorConstant {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the emitter wrote the operand words for this handler, and each vector has two slots of the frame that
        // the function's entry checked (see `exec`).
        unsafe {
            let value = [m.double_word(), m.double_word()];
            let to = m.word();
            m.slot(to).cast::<[u64; 2]>().write(value);
        }
        Ok(())
    }
}

/// Stores an accumulator to a slot.
struct StoreAccumulator<T>(PhantomData<T>);

impl<T: AccumulatorScalar> Instruction for StoreAccumulator<T> {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the emitter wrote the operand words for this handler, and their slots lie in the frame that the
        // function's entry checked (see `exec`).
        unsafe {
            let value = T::accumulator(m);
            Slot::put(m, value);
        }
        Ok(())
    }
}

struct GlobalGet<T, D>(PhantomData<(T, D)>);

impl<T: AccumulatorScalar, D: ResultTarget> Instruction for GlobalGet<T, D> {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the word is a global's location.
        unsafe {
            let word = m.word();
            let value = (*access::global(m.vmctx(), word)).slots[0];
            D::put(m, T::from_bits(value));
        }
        Ok(())
    }
}

struct GlobalSet<T, A>(PhantomData<(T, A)>);

impl<T: AccumulatorScalar, A: OperandSource> Instruction for GlobalSet<T, A> {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the word is a global's location.
        unsafe {
            let word = m.word();
            let value: T = A::get(m);
            (*access::global(m.vmctx(), word)).slots[0] = value.to_bits();
        }
        Ok(())
    }
}

/// Adds a constant to a global's value, without changing the global.
struct GlobalAdd<D>(PhantomData<D>);

impl<D: ResultTarget> Instruction for GlobalAdd<D> {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the word is a global's location.
        unsafe {
            let word = m.word();
            let value = (*access::global(m.vmctx(), word)).slots[0] as u32;
            let constant = m.word();
            D::put(m, value.wrapping_add(constant) as i32);
        }
        Ok(())
    }
}

/// Adds a constant to a global. The result is the global's new value.
struct GlobalAddSet<D>(PhantomData<D>);

impl<D: ResultTarget> Instruction for GlobalAddSet<D> {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the word is a global's location.
        unsafe {
            let word = m.word();
            let slot = &raw mut (*access::global(m.vmctx(), word)).slots[0];
            let constant = m.word();
            let value = (*slot as u32).wrapping_add(constant);
            *slot = value.into();
            D::put(m, value as i32);
        }
        Ok(())
    }
}

/// Sets a global to the sum of a slot and a constant.
pub(super) struct GlobalSetSum;

impl Instruction for GlobalSetSum {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the last word is a global's location.
        unsafe {
            let value: i32 = Slot::get(m);
            let constant = m.word();
            let word = m.word();
            (*access::global(m.vmctx(), word)).slots[0] = (value as u32).wrapping_add(constant).into();
        }
        Ok(())
    }
}

struct VectorGlobalGet;

impl Instruction for VectorGlobalGet {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the word is a global's location.
        unsafe {
            let word = m.word();
            let to = m.word();
            m.slot(to).cast::<[u64; 2]>().write((*access::global(m.vmctx(), word)).slots);
        }
        Ok(())
    }
}

struct VectorGlobalSet;

impl Instruction for VectorGlobalSet {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the word is a global's location.
        unsafe {
            let word = m.word();
            let from = m.word();
            (*access::global(m.vmctx(), word)).slots = m.slot(from).cast::<[u64; 2]>().read();
        }
        Ok(())
    }
}

struct Select<T, A, B, C, D>(PhantomData<(T, A, B, C, D)>);

impl<T: AccumulatorScalar, A: OperandSource, B: OperandSource, C: OperandSource, D: ResultTarget> Instruction
    for Select<T, A, B, C, D>
{
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the emitter wrote the operand words for this handler, and their slots lie in the frame that the
        // function's entry checked (see `exec`).
        unsafe {
            let a: T = A::get(m);
            let b: T = B::get(m);
            let condition: i32 = C::get(m);
            D::put(m, if condition != 0 { a } else { b });
        }
        Ok(())
    }
}

struct VectorSelect;

impl Instruction for VectorSelect {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the emitter wrote the operand words for this handler, and each vector has two slots of the frame that
        // the function's entry checked (see `exec`).
        unsafe {
            let (a, b, condition, to) = (m.word(), m.word(), m.word(), m.word());
            let from = if *m.slot(condition) as u32 != 0 { a } else { b };
            let value = m.slot(from).cast::<[u64; 2]>().read();
            m.slot(to).cast::<[u64; 2]>().write(value);
        }
        Ok(())
    }
}

/// `ref.is_null`
struct IsNull<A, D>(PhantomData<(A, D)>);

impl<A: OperandSource, D: ResultTarget> Instruction for IsNull<A, D> {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the emitter wrote the operand words for this handler, and their slots lie in the frame that the
        // function's entry checked (see `exec`).
        unsafe {
            let value: i64 = A::get(m);
            D::put(m, (value == 0) as i32);
        }
        Ok(())
    }
}

/// `ref.as_non_null`
struct AsNonNull;

impl Instruction for AsNonNull {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the emitter wrote the operand words for this handler, and their slots lie in the frame that the
        // function's entry checked (see `exec`).
        unsafe {
            let (from, to) = (m.word(), m.word());
            let value = *m.slot(from);
            if value == 0 {
                return Err(super::StopReason::Trap(kinglet_abi::Trap::NullReference));
            }
            *m.slot(to) = value;
        }
        Ok(())
    }
}

fn select_of<T: AccumulatorScalar, A: OperandSource, B: OperandSource>(c: OperandKind, d: OperandKind) -> Handler {
    match (c, d) {
        (OperandKind::Acc, OperandKind::Acc) => handler::<Select<T, A, B, Acc, Acc>>,
        (OperandKind::Acc, _) => handler::<Select<T, A, B, Acc, Slot>>,
        (_, OperandKind::Acc) => handler::<Select<T, A, B, Slot, Acc>>,
        (_, _) => handler::<Select<T, A, B, Slot, Slot>>,
    }
}

fn select_class<T: AccumulatorScalar>(a: OperandKind, b: OperandKind, c: OperandKind, d: OperandKind) -> Handler {
    match (a, b) {
        (OperandKind::Imm, OperandKind::Imm) => select_of::<T, Imm, Imm>(c, d),
        (OperandKind::Imm, _) => select_of::<T, Imm, Slot>(c, d),
        (_, OperandKind::Imm) => select_of::<T, Slot, Imm>(c, d),
        (_, _) => select_of::<T, Slot, Slot>(c, d),
    }
}

fn global_get_class<T: AccumulatorScalar>(d: OperandKind) -> Handler {
    match d {
        OperandKind::Acc => handler::<GlobalGet<T, Acc>>,
        _ => handler::<GlobalGet<T, Slot>>,
    }
}

fn global_set_class<T: AccumulatorScalar>(a: OperandKind) -> Handler {
    match a {
        OperandKind::Slot => handler::<GlobalSet<T, Slot>>,
        OperandKind::Imm => handler::<GlobalSet<T, Imm>>,
        OperandKind::Acc => handler::<GlobalSet<T, Acc>>,
    }
}

/// Functions that select handlers.
pub(crate) mod handlers {
    use super::*;

    pub(crate) fn copy() -> Handler {
        handler::<Copy>
    }

    pub(crate) fn copy2() -> Handler {
        handler::<Copy2>
    }

    pub(crate) fn copy_block() -> Handler {
        handler::<CopyBlock>
    }

    pub(crate) fn copy_vector() -> Handler {
        handler::<CopyVector>
    }

    pub(crate) fn constant(wide: bool) -> Handler {
        if wide { handler::<ScalarConstant<i64>> } else { handler::<ScalarConstant<i32>> }
    }

    pub(crate) fn vector_constant() -> Handler {
        handler::<VectorConstant>
    }

    pub(crate) fn store_accumulator(class: Class) -> Handler {
        match class {
            Class::F32 => handler::<StoreAccumulator<f32>>,
            Class::F64 => handler::<StoreAccumulator<f64>>,
            _ => handler::<StoreAccumulator<i64>>,
        }
    }

    pub(crate) fn global_get(class: Class, d: OperandKind) -> Handler {
        match class {
            Class::F32 => global_get_class::<f32>(d),
            Class::F64 => global_get_class::<f64>(d),
            Class::Vector => handler::<VectorGlobalGet>,
            _ => global_get_class::<i64>(d),
        }
    }

    pub(crate) fn global_set(class: Class, a: OperandKind) -> Handler {
        match class {
            Class::I32 => global_set_class::<i32>(a),
            Class::F32 => global_set_class::<f32>(a),
            Class::F64 => global_set_class::<f64>(a),
            Class::Vector => handler::<VectorGlobalSet>,
            Class::I64 => global_set_class::<i64>(a),
        }
    }

    pub(crate) fn global_add(d: OperandKind) -> Handler {
        match d {
            OperandKind::Acc => handler::<GlobalAdd<Acc>>,
            _ => handler::<GlobalAdd<Slot>>,
        }
    }

    pub(crate) fn global_add_set(d: OperandKind) -> Handler {
        match d {
            OperandKind::Acc => handler::<GlobalAddSet<Acc>>,
            _ => handler::<GlobalAddSet<Slot>>,
        }
    }

    /// Adds a constant to a global's value, and stores a slot to the resulting address, with a copy to another slot. If
    /// `moves`, also changes the global.
    pub(crate) fn global_add_and_forwarding_store(moves: bool) -> Handler {
        match moves {
            false => handler::<Superinstruction<GlobalAdd<Slot>, ForwardingStore<Acc, Slot>>>,
            true => handler::<Superinstruction<GlobalAddSet<Slot>, ForwardingStore<Acc, Slot>>>,
        }
    }

    pub(crate) fn global_set_sum() -> Handler {
        handler::<GlobalSetSum>
    }

    pub(crate) fn select(class: Class, a: OperandKind, b: OperandKind, c: OperandKind, d: OperandKind) -> Handler {
        match class {
            Class::I32 => select_class::<i32>(a, b, c, d),
            Class::I64 => select_class::<i64>(a, b, c, d),
            Class::F32 => select_class::<f32>(a, b, c, d),
            Class::F64 => select_class::<f64>(a, b, c, d),
            Class::Vector => handler::<VectorSelect>,
        }
    }

    pub(crate) fn is_null(a: OperandKind, d: OperandKind) -> Handler {
        match (a, d) {
            (OperandKind::Acc, OperandKind::Acc) => handler::<IsNull<Acc, Acc>>,
            (OperandKind::Acc, _) => handler::<IsNull<Acc, Slot>>,
            (_, OperandKind::Acc) => handler::<IsNull<Slot, Acc>>,
            (_, _) => handler::<IsNull<Slot, Slot>>,
        }
    }

    pub(crate) fn as_non_null() -> Handler {
        handler::<AsNonNull>
    }
}
