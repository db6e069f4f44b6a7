//! Memory instructions.

use kinglet_wasm::emit::*;
use kinglet_wasm::op::{Load, Store, ValKind};
use kinglet_wasm::types::ValType;

use super::assembler::{Class, Recent, Shape};
use super::{Lower, Value, known};
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
        if ty == ValType::V128 {
            if let Some((start, kind)) = self.asm.recent_result(Shape::Sum, addr) {
                self.asm.source(addr);
                self.asm.fuse(start, handlers::sum_and_load(op, kind, Kind::Slot), || op.text().to_string());
                self.offset_word(mem);
                return self.asm.stored(to);
            }
            let kind = self.asm.source_no_imm(addr);
            self.asm.flush();
            self.asm.inst(handlers::load(op, kind, Kind::Acc), || op.text().to_string());
            self.asm.operand_words(addr, kind);
            self.offset_word(mem);
            return self.asm.stored(to);
        }
        if self.is_frame(addr, mem) && known::is_full_width(op) {
            return self.load_variable(op, mem, addr, to);
        }
        self.plain_load(op, mem, addr, to)
    }

    /// Whether an access is to a C stack frame.
    fn is_frame(&self, addr: Operand<Value>, mem: MemArg) -> bool {
        self.asm.known.is_base(addr.value) && !self.environment.module.memories[mem.memory as usize].shared
    }

    /// A load from a C stack frame: none if the value is known, else one that keeps it.
    fn load_variable(&mut self, op: Load, mem: MemArg, addr: Operand<Value>, to: Slot) -> Value {
        let offset = mem.offset as u32;
        if let Some(value) = self.asm.known.load(op, offset, to) {
            self.asm.reuse(value);
            return value;
        }
        let Some(slot) = self.asm.known.free_slot(to) else { return self.plain_load(op, mem, addr, to) };
        let value = self.plain_load(op, mem, addr, slot);
        self.asm.flush();
        self.asm.known.loaded(op, offset, value);
        self.asm.known.means(to, slot);
        value
    }

    /// A load of a scalar by the base and length at hand, as one instruction with the one before if it can be.
    fn plain_load(&mut self, op: Load, mem: MemArg, addr: Operand<Value>, to: Slot) -> Value {
        let class = Class::of(op.result().into());
        if let Some((start, kind)) = self.asm.recent_result(Shape::Load, addr) {
            self.asm.source(addr);
            self.asm.fuse(start, handlers::chained_load(op, kind, Kind::Acc), || op.text().to_string());
            self.offset_word(mem);
            return self.asm.result(start, handlers::chained_load(op, kind, Kind::Slot), class, to);
        }
        if let Some((start, kind)) = self.asm.recent_result(Shape::Sum, addr) {
            self.asm.source(addr);
            self.asm.fuse(start, handlers::sum_and_load(op, kind, Kind::Acc), || op.text().to_string());
            self.offset_word(mem);
            return self.asm.result(start, handlers::sum_and_load(op, kind, Kind::Slot), class, to);
        }
        let kind = self.asm.source_no_imm(addr);
        self.asm.flush();
        if let (Load::I32Load, Kind::Slot, Some(start)) = (op, kind, self.asm.recent_stored_load()) {
            self.asm.fuse(start, handlers::two_loads(Kind::Acc), || op.text().to_string());
            self.asm.operand_words(addr, kind);
            self.offset_word(mem);
            return self.asm.result(start, handlers::two_loads(Kind::Slot), class, to);
        }
        let start = self.asm.words.len();
        self.asm.inst(handlers::load(op, kind, Kind::Acc), || op.text().to_string());
        self.asm.operand_words(addr, kind);
        self.offset_word(mem);
        let value = self.asm.result(start, handlers::load(op, kind, Kind::Slot), class, to);
        match (op, kind) {
            (Load::I32Load, Kind::Slot) => self.asm.remember(start, Shape::Load),
            (Load::F64Load, Kind::Slot) => self.asm.remember(start, Shape::F64Load),
            _ => {}
        }
        value
    }

    fn offset_word(&mut self, mem: MemArg) {
        self.asm.word(mem.offset as u32);
        self.asm.note(|| format!("+{}", mem.offset));
    }

    pub(super) fn emit_store(&mut self, op: Store, mem: MemArg, addr: Operand<Value>, value: Operand<Value>) {
        let vector = op.operands() == [ValKind::V128];
        self.grow(value.slot + value.ty.slots());
        if vector || !self.is_plain(mem) {
            let (a, v) = (self.asm.in_slot(addr), self.asm.in_slot(value));
            self.asm.flush();
            self.asm.known.forget_all();
            let plain = self.is_plain(mem);
            let handler = if plain { handlers::store(op, Kind::Slot, Kind::Slot) } else { handlers::general_store(op) };
            self.asm.inst(handler, || format!("{} s{a} s{v}", op.text()));
            self.asm.slot_word(a);
            self.asm.slot_word(v);
            if plain {
                self.offset_word(mem);
            } else {
                self.general_words(mem);
            }
            return;
        }
        if self.is_frame(addr, mem) {
            return self.store_variable(op, mem, addr, value);
        }
        self.plain_store(op, mem, addr, value);
        self.asm.known.forget_all();
    }

    /// A store to a C stack frame, which keeps an `i32` in a scratch slot unless it is in one.
    fn store_variable(&mut self, op: Store, mem: MemArg, addr: Operand<Value>, value: Operand<Value>) {
        let offset = mem.offset as u32;
        let kept = match value.value {
            Value::Const(_) => Some(value.value),
            Value::Slot(slot) if self.asm.known.is_scratch(slot) => Some(value.value),
            Value::Slot(_) if op == Store::I32Store => {
                if let Some(slot) = self.asm.known.free_slot(addr.slot) {
                    self.keeping_store(mem, addr, value, slot);
                    self.asm.known.stored(op, offset, Some(Value::Slot(slot)));
                    return;
                }
                None
            }
            Value::Slot(_) => None,
        };
        self.plain_store(op, mem, addr, value);
        self.asm.known.stored(op, offset, kept);
    }

    /// `i32.store` that also leaves the value in a slot.
    fn keeping_store(&mut self, mem: MemArg, addr: Operand<Value>, value: Operand<Value>, to: Slot) {
        let loaded = self.asm.recent_result(Shape::Load, value);
        let (ka, kv) = self.store_sources(addr, value);
        let here = self.asm.words.len();
        let recent = self.asm.recent;
        let fused = match (ka, kv, recent.map(|recent| recent.shape)) {
            (Kind::Acc, Kind::Slot, Some(Shape::Store)) => Some(handlers::two_keeping_stores()),
            (Kind::Acc, Kind::Slot, Some(Shape::GlobalPlus(_))) if self.asm.last_stores(addr) => {
                Some(handlers::global_plus_and_keeping_store(false))
            }
            (Kind::Acc, Kind::Slot, Some(Shape::GlobalMoved)) if self.asm.last_stores(addr) => {
                Some(handlers::global_plus_and_keeping_store(true))
            }
            (Kind::Slot, Kind::Acc, Some(Shape::Load)) if matches!(loaded, Some((_, Kind::Acc))) => {
                Some(handlers::load_and_keeping_store())
            }
            _ => None,
        };
        let name = || "i32.store".to_string();
        match (fused, recent) {
            (Some(handler), Some(Recent { start, .. })) => self.asm.fuse(start, handler, name),
            _ => self.asm.inst(handlers::keeping_store(ka, kv), name),
        }
        self.asm.operand_words(addr, ka);
        self.asm.operand_words(value, kv);
        self.offset_word(mem);
        self.asm.slot_word(to);
        self.asm.note(|| format!(" -> s{to}"));
        if let (Kind::Acc, Kind::Slot, None) = (ka, kv, fused) {
            self.asm.remember(here, Shape::Store);
        }
        self.asm.forget(to);
        if kv == Kind::Acc {
            self.asm.holds(to, Class::I32);
        }
    }

    /// Where a store's operands come from: not both from the accumulator.
    fn store_sources(&mut self, addr: Operand<Value>, value: Operand<Value>) -> (Kind, Kind) {
        let kv = self.asm.source(value);
        let ka = self.asm.source_no_imm(addr);
        let ka = if ka == Kind::Acc && kv == Kind::Acc { Kind::Slot } else { ka };
        self.asm.flush();
        (ka, kv)
    }

    /// A store of a scalar by the base and length at hand, as one instruction with the one before if it can be.
    fn plain_store(&mut self, op: Store, mem: MemArg, addr: Operand<Value>, value: Operand<Value>) {
        let loaded = self.asm.recent_result(Shape::Load, value);
        let computed = self.asm.recent_pending(value);
        let (ka, kv) = self.store_sources(addr, value);
        let fused = match (op, ka, kv, self.asm.recent) {
            (Store::I32Store, Kind::Slot, Kind::Acc, Some(recent)) => loaded
                .filter(|(start, _)| *start == recent.start)
                .map(|(start, kind)| (start, handlers::load_and_store(kind))),
            (Store::F64Store, Kind::Slot, Kind::Acc, Some(recent)) if computed == Some(recent) => match recent.shape {
                Shape::F64Binary(op, a, b) => handlers::binary_and_store(op, a, b).map(|h| (recent.start, h)),
                _ => None,
            },
            _ => None,
        };
        let name = || op.text().to_string();
        match fused {
            Some((start, handler)) => self.asm.fuse(start, handler, name),
            None => self.asm.inst(handlers::store(op, ka, kv), name),
        }
        self.asm.operand_words(addr, ka);
        self.asm.operand_words(value, kv);
        self.offset_word(mem);
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
        self.asm.known.forget_all();
        self.asm.inst(handler, || format!("{name} s{a} s{v} lane {lane}"));
        self.asm.slot_word(a);
        self.asm.slot_word(v);
        self.asm.word(lane.into());
        self.general_words(mem);
    }
}
