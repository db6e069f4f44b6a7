//! Memory instructions.

use kinglet_wasm::emit::*;
use kinglet_wasm::op::{Load, Store, ValKind};
use kinglet_wasm::types::ValType;

use super::assembler::Class;
use super::{Lower, Value};
use crate::access::{encode_indexed_place, encode_place};
use crate::exec::{Handler, Kind, handlers};

impl Lower<'_> {
    /// Whether an access can use the base and length at hand.
    fn is_plain(&self, mem: MemArg) -> bool {
        let ty = self.environment.module.memories[mem.memory as usize];
        mem.memory == 0 && ty.index.val_type() == ValType::I32 && mem.offset <= u32::MAX.into()
    }

    /// The words of an access in its general form.
    fn general_words(&mut self, mem: MemArg) {
        let ty = self.environment.module.memories[mem.memory as usize];
        self.asm.word(encode_indexed_place(self.environment.layout.memory(mem.memory), ty.index));
        self.asm.double_word(mem.offset);
        self.asm.note(|| format!(" memory {} offset {}", mem.memory, mem.offset));
    }

    pub(super) fn emit_load(&mut self, op: Load, mem: MemArg, addr: Operand<Value>, to: Slot) -> Value {
        let ty: ValType = op.result().into();
        self.grow(to + ty.slots());
        if !self.is_plain(mem) {
            let addr_slot = self.asm.in_slot(addr);
            self.asm.flush();
            self.asm.inst(handlers::general_load(op), || format!("{} s{addr_slot}", op.text()));
            self.asm.slot_word(addr_slot);
            self.general_words(mem);
            self.asm.clobber();
            return self.asm.stored(to);
        }
        let kind = self.asm.source_no_imm(addr);
        self.asm.flush();
        let start = self.asm.words.len();
        self.asm.inst(handlers::load(op, kind, Kind::Acc), || op.text().to_string());
        self.asm.operand_words(addr, kind);
        self.asm.word(mem.offset as u32);
        self.asm.note(|| format!("+{}", mem.offset));
        if ty == ValType::V128 {
            return self.asm.stored(to);
        }
        self.asm.result(start, handlers::load(op, kind, Kind::Slot), Class::of(ty), to)
    }

    pub(super) fn emit_store(&mut self, op: Store, mem: MemArg, addr: Operand<Value>, value: Operand<Value>) {
        let vector = op.operands() == [ValKind::V128];
        self.grow(value.slot + value.ty.slots());
        if vector || !self.is_plain(mem) {
            let (a, v) = (self.asm.in_slot(addr), self.asm.in_slot(value));
            self.asm.flush();
            let plain = self.is_plain(mem);
            let handler = if plain { handlers::store(op, Kind::Slot, Kind::Slot) } else { handlers::general_store(op) };
            self.asm.inst(handler, || format!("{} s{a} s{v}", op.text()));
            self.asm.slot_word(a);
            self.asm.slot_word(v);
            if plain {
                self.asm.word(mem.offset as u32);
                self.asm.note(|| format!("+{}", mem.offset));
            } else {
                self.general_words(mem);
            }
            return;
        }
        let kv = self.asm.source(value);
        let ka = self.asm.source_no_imm(addr);
        let ka = if ka == Kind::Acc && kv == Kind::Acc { Kind::Slot } else { ka };
        self.asm.flush();
        self.asm.inst(handlers::store(op, ka, kv), || op.text().to_string());
        self.asm.operand_words(addr, ka);
        self.asm.operand_words(value, kv);
        self.asm.word(mem.offset as u32);
        self.asm.note(|| format!("+{}", mem.offset));
    }

    pub(super) fn emit_memory_size(&mut self, memory: u32, to: Slot) -> Value {
        self.grow(to + 1);
        self.asm.flush();
        let ty = self.environment.module.memories[memory as usize];
        let place = encode_place(self.environment.layout.memory(memory));
        let start = self.asm.words.len();
        self.asm.inst(handlers::memory_size(Kind::Acc), || format!("memory.size {memory}"));
        self.asm.word(place);
        self.asm.word(ty.page_size_log2.into());
        self.asm.result(start, handlers::memory_size(Kind::Slot), Class::of(ty.index.val_type()), to)
    }

    /// An access of one lane, all but the result.
    pub(super) fn emit_lane_access(
        &mut self,
        handler: Handler,
        name: &str,
        mem: MemArg,
        lane: u8,
        addr: Operand<Value>,
        vector: Operand<Value>,
    ) {
        let (a, v) = (self.asm.in_slot(addr), self.asm.in_slot(vector));
        self.asm.flush();
        self.asm.inst(handler, || format!("{name} s{a} s{v} lane {lane}"));
        self.asm.slot_word(a);
        self.asm.slot_word(v);
        self.asm.word(lane.into());
        self.general_words(mem);
    }
}
