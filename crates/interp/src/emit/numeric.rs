//! Scalar numeric instructions. Operations on constants are folded with the semantics that the handlers use, unless
//! they trap.

use kinglet_wasm::emit::*;
use kinglet_wasm::op::*;
use kinglet_wasm::sem;
use kinglet_wasm::types::ValType;

use super::assembler::{Class, FusionCandidate, InstructionShape, LastInstruction};
use super::{Lowering, ValueLocation};
use crate::exec::{Handler, OperandKind, handlers};

impl Lowering<'_> {
    pub(super) fn emit_unary(&mut self, op: Unary, a: Operand<ValueLocation>, to: Slot) -> ValueLocation {
        if let ValueLocation::Const(a) = a.value
            && let Ok(value) = sem::eval_unary(op, a)
        {
            return ValueLocation::Const(value);
        }
        let (start, kind, value) =
            self.emit_one_operand(op.text(), |a, d| handlers::unary(op, a, d), a, op.result().into(), to);
        match op {
            Unary::I32Eqz => self.asm.last = Some(LastInstruction::Eqz(start, false, kind)),
            Unary::I64Eqz => self.asm.last = Some(LastInstruction::Eqz(start, true, kind)),
            _ => {}
        }
        value
    }

    pub(super) fn emit_convert(&mut self, op: Convert, a: Operand<ValueLocation>, to: Slot) -> ValueLocation {
        if let ValueLocation::Const(a) = a.value
            && let Ok(value) = sem::eval_convert(op, a)
        {
            return ValueLocation::Const(value);
        }
        self.emit_one_operand(op.text(), |a, d| handlers::convert(op, a, d), a, op.result().into(), to).2
    }

    /// Replaces NaNs by the canonical NaN if the settings require it.
    pub(super) fn canonicalize_nan(
        &mut self,
        shape: Option<FloatShape>,
        value: ValueLocation,
        to: Slot,
    ) -> ValueLocation {
        let Some(shape) = shape.filter(|_| self.environment.settings.nan_canonicalization) else { return value };
        let operand = |ty| Operand { value, ty, slot: to };
        match (shape, value) {
            (FloatShape::F32, ValueLocation::Const(bits)) => {
                ValueLocation::Const(sem::f32_canonical(f32::from_bits(bits as u32)).to_bits().into())
            }
            (FloatShape::F64, ValueLocation::Const(bits)) => {
                ValueLocation::Const(sem::f64_canonical(f64::from_bits(bits)).to_bits())
            }
            (FloatShape::F32, _) => {
                self.emit_one_operand("f32.canonical", handlers::f32_canonical, operand(ValType::F32), ValType::F32, to)
                    .2
            }
            (FloatShape::F64, _) => {
                self.emit_one_operand("f64.canonical", handlers::f64_canonical, operand(ValType::F64), ValType::F64, to)
                    .2
            }
            (FloatShape::F32x4, _) => {
                self.emit_vector(handlers::f32x4_canonical(), "f32x4.canonical", &[operand(ValType::V128)], to)
            }
            (FloatShape::F64x2, _) => {
                self.emit_vector(handlers::f64x2_canonical(), "f64x2.canonical", &[operand(ValType::V128)], to)
            }
        }
    }

    fn emit_one_operand(
        &mut self,
        name: &str,
        handler: impl Fn(OperandKind, OperandKind) -> Handler,
        a: Operand<ValueLocation>,
        ty: ValType,
        to: Slot,
    ) -> (usize, OperandKind, ValueLocation) {
        self.reserve_slots(to + 1);
        let kind = self.asm.take_operand_no_imm(a);
        self.asm.flush();
        let start = self.asm.words.len();
        self.asm.inst(handler(kind, OperandKind::Acc), || name.to_string());
        self.asm.write_operand(a, kind);
        (start, kind, self.asm.cache_result(start, handler(kind, OperandKind::Slot), Class::of(ty), to))
    }

    pub(super) fn emit_binary(
        &mut self,
        op: Binary,
        a: Operand<ValueLocation>,
        b: Operand<ValueLocation>,
        to: Slot,
    ) -> ValueLocation {
        if let (ValueLocation::Const(a), ValueLocation::Const(b)) = (a.value, b.value)
            && let Ok(value) = sem::eval_binary(op, a, b)
        {
            return ValueLocation::Const(value);
        }
        // Subtraction of a constant becomes addition of its negative, so only additions need superinstructions.
        let (op, b) = match (op, b.value) {
            (Binary::I32Sub, ValueLocation::Const(bits)) => {
                (Binary::I32Add, Operand { value: ValueLocation::Const((bits as u32).wrapping_neg().into()), ..b })
            }
            _ => (op, b),
        };
        let plus = match (op, b.value) {
            (Binary::I32Add, ValueLocation::Const(b)) => Some(b as u32),
            _ => None,
        };
        if let Some(value) = plus.and_then(|constant| self.fuse_global_add(a, constant, to)) {
            return value;
        }
        self.reserve_slots(to + 2);
        if let (Some(constant), Some((start, kind))) = (plus, self.asm.candidate_result(InstructionShape::Load, a)) {
            self.asm.take_operand(a);
            self.asm.fuse(start, handlers::load_and_add(kind, OperandKind::Acc), || format!("+ {}", constant as i32));
            self.asm.word(constant);
            return self.asm.cache_result(start, handlers::load_and_add(kind, OperandKind::Slot), Class::I32, to);
        }
        let loaded = [a, b].into_iter().find_map(|operand| self.asm.candidate_in_acc(operand));
        let (ka, kb) = self.binary_operands(a, b);
        if let Some(FusionCandidate { start, shape: InstructionShape::F64Load }) = loaded
            && self.asm.candidate == loaded
            && let Some(handler) = handlers::load_and_binary(op, ka, kb, OperandKind::Acc)
            && let Some(storing) = handlers::load_and_binary(op, ka, kb, OperandKind::Slot)
        {
            self.asm.fuse(start, handler, || op.text().to_string());
            self.asm.write_operand(a, ka);
            self.asm.write_operand(b, kb);
            return self.asm.cache_result(start, storing, Class::F64, to);
        }
        let start = self.asm.words.len();
        self.asm.inst(handlers::binary(op, ka, kb, OperandKind::Acc), || op.text().to_string());
        self.asm.write_operand(a, ka);
        self.asm.write_operand(b, kb);
        let storing = handlers::binary(op, ka, kb, OperandKind::Slot);
        let value = self.asm.cache_result(start, storing, Class::of(op.result().into()), to);
        if let Binary::F64Add | Binary::F64Sub | Binary::F64Mul = op {
            self.asm.set_candidate(start, InstructionShape::F64Binary(op, ka, kb));
        }
        match (op, plus, ka, kb) {
            (_, Some(constant), OperandKind::Slot, _) => {
                self.asm.set_candidate(start, InstructionShape::SlotAdd(constant))
            }
            (Binary::I32Add, None, OperandKind::Slot, OperandKind::Slot) => {
                self.asm.set_candidate(start, InstructionShape::Sum)
            }
            _ => {}
        }
        value
    }

    pub(super) fn emit_compare(
        &mut self,
        op: Compare,
        a: Operand<ValueLocation>,
        b: Operand<ValueLocation>,
        to: Slot,
    ) -> ValueLocation {
        if let (ValueLocation::Const(a), ValueLocation::Const(b)) = (a.value, b.value)
            && let Ok(value) = sem::eval_compare(op, a, b)
        {
            return ValueLocation::Const(value);
        }
        self.reserve_slots(to + 2);
        let (ka, kb) = self.binary_operands(a, b);
        let start = self.asm.words.len();
        self.asm.inst(handlers::compare(op, ka, kb, OperandKind::Acc), || op.text().to_string());
        self.asm.write_operand(a, ka);
        self.asm.write_operand(b, kb);
        let value = self.asm.cache_result(start, handlers::compare(op, ka, kb, OperandKind::Slot), Class::I32, to);
        self.asm.last = Some(LastInstruction::Compare(start, op, ka, kb));
        value
    }

    /// Consumes two operands. At most one comes from the accumulator, and at most one is a constant.
    fn binary_operands(&mut self, a: Operand<ValueLocation>, b: Operand<ValueLocation>) -> (OperandKind, OperandKind) {
        if let (ValueLocation::Const(_), ValueLocation::Const(_)) = (a.value, b.value) {
            // A constant operation that traps.
            self.asm.move_to_own_slot(a);
            return (OperandKind::Slot, OperandKind::Imm);
        }
        let kb = self.asm.take_operand(b);
        let ka = self.asm.take_operand(a);
        let ka = if ka == OperandKind::Acc && kb == OperandKind::Acc { OperandKind::Slot } else { ka };
        self.asm.flush();
        (ka, kb)
    }

    pub(super) fn emit_wide(&mut self, op: Wide, args: &[Operand<ValueLocation>], to: Slot) -> [ValueLocation; 2] {
        for arg in args {
            self.reserve_slots(arg.slot + 1);
            self.asm.move_to_own_slot(*arg);
        }
        self.asm.flush();
        self.asm.invalidate_mirror(to);
        self.asm.invalidate_mirror(to + 1);
        self.reserve_slots(to + 2);
        self.asm.inst(handlers::wide(op), || format!("{} s{to}", op.text()));
        self.asm.slot_word(to);
        [ValueLocation::Slot(to), ValueLocation::Slot(to + 1)]
    }
}
