//! Vector instructions.

use kinglet_wasm::emit::*;
use kinglet_wasm::op::VectorSplat;
use kinglet_wasm::types::ValType;

use super::assembler::Class;
use super::{Lowering, ValueLocation};
use crate::exec::{Handler, OperandKind, handlers};

impl Lowering<'_> {
    pub(super) fn emit_vector(
        &mut self,
        handler: Handler,
        name: &str,
        args: &[Operand<ValueLocation>],
        to: Slot,
    ) -> ValueLocation {
        self.reserve_slots(to + 2);
        self.asm.flush();
        self.asm.inst(handler, || name.to_string());
        for arg in args {
            self.asm.write_operand(*arg, OperandKind::Slot);
        }
        self.asm.store_result(to)
    }

    pub(super) fn emit_to_scalar(
        &mut self,
        name: &str,
        handler: impl Fn(OperandKind) -> Handler,
        a: Operand<ValueLocation>,
        lane: u8,
        ty: ValType,
        to: Slot,
    ) -> ValueLocation {
        self.reserve_slots(to + 1);
        self.asm.flush();
        let start = self.asm.words.len();
        self.asm.inst(handler(OperandKind::Acc), || name.to_string());
        self.asm.write_operand(a, OperandKind::Slot);
        self.asm.word(lane.into());
        self.asm.append_listing(|| format!(" {lane}"));
        self.asm.cache_result(start, handler(OperandKind::Slot), Class::of(ty), to)
    }

    pub(super) fn emit_with_scalar(
        &mut self,
        name: &str,
        handler: impl Fn(OperandKind) -> Handler,
        a: Operand<ValueLocation>,
        lane: u8,
        b: Operand<ValueLocation>,
        to: Slot,
    ) -> ValueLocation {
        self.reserve_slots(to + 3);
        let kind = self.asm.take_operand_no_imm(b);
        self.asm.flush();
        self.asm.inst(handler(kind), || name.to_string());
        self.asm.write_operand(a, OperandKind::Slot);
        self.asm.word(lane.into());
        self.asm.append_listing(|| format!(" {lane}"));
        self.asm.write_operand(b, kind);
        self.asm.store_result(to)
    }

    pub(super) fn emit_splat(&mut self, op: VectorSplat, a: Operand<ValueLocation>, to: Slot) -> ValueLocation {
        self.reserve_slots(to + 2);
        let kind = self.asm.take_operand_no_imm(a);
        self.asm.flush();
        self.asm.inst(handlers::vector_splat(op, kind), || op.text().to_string());
        self.asm.write_operand(a, kind);
        self.asm.store_result(to)
    }

    pub(super) fn emit_shuffle(
        &mut self,
        lanes: [u8; 16],
        a: Operand<ValueLocation>,
        b: Operand<ValueLocation>,
        to: Slot,
    ) -> ValueLocation {
        self.reserve_slots(to + 2);
        self.asm.flush();
        self.asm.inst(handlers::vector_shuffle(), || "i8x16.shuffle".to_string());
        let bits = u128::from_le_bytes(lanes);
        self.asm.double_word(bits as u64);
        self.asm.double_word((bits >> 64) as u64);
        self.asm.write_operand(a, OperandKind::Slot);
        self.asm.write_operand(b, OperandKind::Slot);
        self.asm.store_result(to)
    }
}
