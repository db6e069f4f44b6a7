//! Locals, globals, constants, `select`, references.

use kinglet_wasm::emit::*;
use kinglet_wasm::types::ValType;

use super::assembler::{Class, FusionCandidate, InstructionShape, LastInstruction};
use super::{Lowering, ValueLocation};
use crate::access::encode_location;
use crate::exec::{HANDLER_WORDS, OperandKind, handlers};

impl Lowering<'_> {
    /// Copies the local that an operand aliases to the operand's canonical slot. A cached result stays cached.
    pub(super) fn preserve_operand(&mut self, operand: &mut Operand<ValueLocation>) {
        let slot = operand.slot;
        self.asm.preserve(*operand);
        operand.value = ValueLocation::Slot(slot);
    }

    pub(super) fn emit_local_set(&mut self, local: Local, value: Operand<ValueLocation>) {
        self.asm.forwarding.local_changed(local.slot);
        let plus =
            self.asm.candidate.is_some_and(|candidate| matches!(candidate.shape, InstructionShape::GlobalAdd(_)));
        self.asm.set_local(value, local.slot);
        if plus && self.asm.last_stores(Operand { value: ValueLocation::Slot(local.slot), ..value }) {
            self.asm.forwarding.set_frame_base(local.slot);
        }
    }

    pub(super) fn emit_constant(&mut self, constant: Constant, to: Slot) -> ValueLocation {
        match constant {
            Constant::I32(value) => ValueLocation::Const(value as u32 as u64),
            Constant::I64(value) => ValueLocation::Const(value as u64),
            Constant::F32(bits) => ValueLocation::Const(bits.into()),
            Constant::F64(bits) => ValueLocation::Const(bits),
            Constant::Null(_) => ValueLocation::Const(0),
            Constant::V128(value) => {
                self.reserve_slots(to + 2);
                self.asm.flush();
                self.asm.inst(handlers::vector_constant(), || format!("v128.const {:#034x}", value.to_u128()));
                self.asm.double_word(value.to_u128() as u64);
                self.asm.double_word((value.to_u128() >> 64) as u64);
                self.asm.store_result(to)
            }
        }
    }

    pub(super) fn emit_global_get(&mut self, global: u32, ty: ValType, to: Slot) -> ValueLocation {
        self.reserve_slots(to + ty.slots());
        self.asm.flush();
        let location = encode_location(self.environment.layout.global(global));
        let class = Class::of(ty);
        let start = self.asm.words.len();
        self.asm.inst(handlers::global_get(class, OperandKind::Acc), || format!("global.get {global}"));
        self.asm.word(location);
        if class == Class::Vector {
            return self.asm.store_result(to);
        }
        let value = self.asm.cache_result(start, handlers::global_get(class, OperandKind::Slot), class, to);
        if class == Class::I32 {
            self.asm.set_candidate(start, InstructionShape::GlobalGet);
        }
        value
    }

    /// Fuses `global.get` and `i32.add` of a constant. C programs move their stack pointer this way.
    pub(super) fn fuse_global_add(
        &mut self,
        a: Operand<ValueLocation>,
        constant: u32,
        to: Slot,
    ) -> Option<ValueLocation> {
        let FusionCandidate { start, shape: InstructionShape::GlobalGet } = self.asm.candidate_in_acc(a)? else {
            return None;
        };
        self.reserve_slots(to + 1);
        let location = *self.asm.words.last()?;
        self.asm.take_operand(a);
        self.asm.rewrite(start, handlers::global_add(OperandKind::Acc));
        self.asm.word(constant);
        self.asm.append_listing(|| format!(" + {}", constant as i32));
        let value = self.asm.cache_result(start, handlers::global_add(OperandKind::Slot), Class::I32, to);
        self.asm.set_candidate(start, InstructionShape::GlobalAdd(location));
        Some(value)
    }

    /// Fuses `global.set` with the computation of its value: the same global plus a constant, or a slot plus a
    /// constant.
    fn fuse_global_set(&mut self, location: u32, value: Operand<ValueLocation>) -> Option<()> {
        let candidate = self.asm.candidate?;
        let is_cached = self.asm.candidate_in_acc(value).is_some();
        match candidate.shape {
            InstructionShape::GlobalAdd(from) if from == location => {
                if is_cached {
                    self.asm.take_operand(value);
                    self.asm.rewrite(candidate.start, handlers::global_add_set(OperandKind::Acc));
                    self.asm.candidate = None;
                } else if self.asm.last_stores(value) {
                    self.asm.rewrite(candidate.start, handlers::global_add_set(OperandKind::Slot));
                    self.asm.set_candidate(candidate.start, InstructionShape::GlobalAddSet);
                } else {
                    return None;
                }
                self.asm.append_listing(|| " and set".to_string());
            }
            InstructionShape::SlotAdd(constant) if is_cached => {
                self.asm.take_operand(value);
                self.asm.words.truncate(candidate.start + HANDLER_WORDS + 1);
                self.asm.rewrite(candidate.start, handlers::global_set_sum());
                self.asm.word(constant);
                self.asm.word(location);
                self.asm.append_listing(|| " to global".to_string());
                self.asm.set_candidate(candidate.start, InstructionShape::GlobalSetSum);
                self.asm.clear_mirror();
            }
            _ => return None,
        }
        Some(())
    }

    pub(super) fn emit_global_set(&mut self, global: u32, value: Operand<ValueLocation>) {
        let location = encode_location(self.environment.layout.global(global));
        let class = Class::of(value.ty);
        if class == Class::I32 && self.fuse_global_set(location, value).is_some() {
            return;
        }
        let kind = if class == Class::Vector { self.vector_operand(value) } else { self.asm.take_operand(value) };
        self.asm.flush();
        self.asm.inst(handlers::global_set(class, kind), || format!("global.set {global}"));
        self.asm.word(location);
        self.asm.write_operand(value, kind);
    }

    fn vector_operand(&mut self, value: Operand<ValueLocation>) -> OperandKind {
        self.asm.ensure_in_slot(value);
        OperandKind::Slot
    }

    pub(super) fn emit_select(
        &mut self,
        a: Operand<ValueLocation>,
        b: Operand<ValueLocation>,
        condition: Operand<ValueLocation>,
        to: Slot,
    ) -> ValueLocation {
        let class = Class::of(a.ty);
        self.reserve_slots(to + a.ty.slots());
        if class == Class::Vector {
            for operand in [a, b, condition] {
                self.asm.ensure_in_slot(operand);
            }
            self.asm.flush();
            self.asm.inst(
                handlers::select(class, OperandKind::Slot, OperandKind::Slot, OperandKind::Slot, OperandKind::Slot),
                || "select.v128".to_string(),
            );
            for operand in [a, b, condition] {
                self.asm.write_operand(operand, OperandKind::Slot);
            }
            return self.asm.store_result(to);
        }
        // Only the condition, as the last result, may come from an accumulator.
        for operand in [a, b] {
            if let ValueLocation::Slot(_) = operand.value {
                self.asm.ensure_in_slot(operand);
            }
        }
        let c = self.asm.take_operand_no_imm(condition);
        self.asm.flush();
        let kind = |operand: Operand<ValueLocation>| match operand.value {
            ValueLocation::Const(_) => OperandKind::Imm,
            ValueLocation::Slot(_) => OperandKind::Slot,
        };
        let (ka, kb) = (kind(a), kind(b));
        let start = self.asm.words.len();
        self.asm.inst(handlers::select(class, ka, kb, c, OperandKind::Acc), || "select".to_string());
        self.asm.write_operand(a, ka);
        self.asm.write_operand(b, kb);
        self.asm.write_operand(condition, c);
        self.asm.cache_result(start, handlers::select(class, ka, kb, c, OperandKind::Slot), class, to)
    }

    pub(super) fn emit_is_null(&mut self, value: Operand<ValueLocation>, to: Slot) -> ValueLocation {
        self.reserve_slots(to + 1);
        let kind = self.asm.take_operand_no_imm(value);
        self.asm.flush();
        let start = self.asm.words.len();
        self.asm.inst(handlers::is_null(kind, OperandKind::Acc), || "ref.is_null".to_string());
        self.asm.write_operand(value, kind);
        let result = self.asm.cache_result(start, handlers::is_null(kind, OperandKind::Slot), Class::I32, to);
        self.asm.last = Some(LastInstruction::Eqz(start, true, kind));
        result
    }

    pub(super) fn emit_as_non_null(&mut self, value: Operand<ValueLocation>, to: Slot) -> ValueLocation {
        self.reserve_slots(to + 1);
        self.asm.ensure_in_slot(value);
        self.asm.flush();
        self.asm.inst(handlers::as_non_null(), || "ref.as_non_null".to_string());
        self.asm.write_operand(value, OperandKind::Slot);
        self.asm.store_result(to)
    }
}
