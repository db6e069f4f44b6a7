//! Vector instructions.

use kinglet_wasm::emit::*;
use kinglet_wasm::op::VectorSplat;
use kinglet_wasm::types::ValType;

use super::assembler::Class;
use super::{Lower, Value};
use crate::exec::{Handler, Kind, handlers};

impl Lower<'_> {
    pub(super) fn emit_vector(&mut self, handler: Handler, name: &str, args: &[Operand<Value>], to: Slot) -> Value {
        self.grow(to + 2);
        self.asm.flush();
        self.asm.inst(handler, || name.to_string());
        for arg in args {
            self.asm.operand_words(*arg, Kind::Slot);
        }
        self.asm.stored(to)
    }

    pub(super) fn emit_to_scalar(
        &mut self,
        name: &str,
        handler: impl Fn(Kind) -> Handler,
        a: Operand<Value>,
        lane: u8,
        ty: ValType,
        to: Slot,
    ) -> Value {
        self.grow(to + 1);
        self.asm.flush();
        let start = self.asm.words.len();
        self.asm.inst(handler(Kind::Acc), || name.to_string());
        self.asm.operand_words(a, Kind::Slot);
        self.asm.word(lane.into());
        self.asm.note(|| format!(" {lane}"));
        self.asm.result(start, handler(Kind::Slot), Class::of(ty), to)
    }

    pub(super) fn emit_with_scalar(
        &mut self,
        name: &str,
        handler: impl Fn(Kind) -> Handler,
        a: Operand<Value>,
        lane: u8,
        b: Operand<Value>,
        to: Slot,
    ) -> Value {
        self.grow(to + 3);
        let kind = self.asm.source_no_imm(b);
        self.asm.flush();
        self.asm.inst(handler(kind), || name.to_string());
        self.asm.operand_words(a, Kind::Slot);
        self.asm.word(lane.into());
        self.asm.note(|| format!(" {lane}"));
        self.asm.operand_words(b, kind);
        self.asm.stored(to)
    }

    pub(super) fn emit_splat(&mut self, op: VectorSplat, a: Operand<Value>, to: Slot) -> Value {
        self.grow(to + 2);
        let kind = self.asm.source_no_imm(a);
        self.asm.flush();
        self.asm.inst(handlers::vector_splat(op, kind), || op.text().to_string());
        self.asm.operand_words(a, kind);
        self.asm.stored(to)
    }

    pub(super) fn emit_shuffle(&mut self, lanes: [u8; 16], a: Operand<Value>, b: Operand<Value>, to: Slot) -> Value {
        self.grow(to + 2);
        self.asm.flush();
        self.asm.inst(handlers::vector_shuffle(), || "i8x16.shuffle".to_string());
        let bits = u128::from_le_bytes(lanes);
        self.asm.double_word(bits as u64);
        self.asm.double_word((bits >> 64) as u64);
        self.asm.operand_words(a, Kind::Slot);
        self.asm.operand_words(b, Kind::Slot);
        self.asm.stored(to)
    }
}
