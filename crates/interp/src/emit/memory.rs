//! Memory instructions.

use kinglet_wasm::emit::*;
use kinglet_wasm::op::{Load, Store, ValKind};
use kinglet_wasm::types::ValType;

use super::assembler::{Class, InstructionShape};
use super::{Lowering, ValueLocation, forwarding};
use crate::access::{encode_indexed_location, encode_location};
use crate::exec::{Handler, OperandKind, handlers};

impl Lowering<'_> {
    /// Returns whether an access can use the base and length of memory 0 from the machine's registers.
    fn uses_memory0_registers(&self, mem: MemArg) -> bool {
        let ty = self.environment.module.memories[mem.memory as usize];
        mem.memory == 0 && ty.index.val_type() == ValType::I32 && mem.offset <= u32::MAX.into()
    }

    /// Writes the words of an access in its general form.
    fn write_general_access(&mut self, mem: MemArg) {
        let ty = self.environment.module.memories[mem.memory as usize];
        self.asm.word(encode_indexed_location(self.environment.layout.memory(mem.memory), ty.index));
        self.asm.double_word(mem.offset);
        self.asm.append_listing(|| format!(" memory {} offset {}", mem.memory, mem.offset));
    }

    pub(super) fn emit_load(&mut self, op: Load, mem: MemArg, addr: Operand<ValueLocation>, to: Slot) -> ValueLocation {
        let ty: ValType = op.result().into();
        self.reserve_slots(to + ty.slots());
        if !self.uses_memory0_registers(mem) {
            let addr_slot = self.asm.ensure_in_slot(addr);
            self.asm.flush();
            self.asm.inst(handlers::general_load(op), || format!("{} s{addr_slot}", op.text()));
            self.asm.slot_word(addr_slot);
            self.write_general_access(mem);
            self.asm.clear_mirror();
            return self.asm.store_result(to);
        }
        if ty == ValType::V128 {
            if let Some((start, kind)) = self.asm.candidate_result(InstructionShape::Sum, addr) {
                self.asm.take_operand(addr);
                self.asm.fuse(start, handlers::sum_and_load(op, kind, OperandKind::Slot), || op.text().to_string());
                self.write_offset(mem);
                return self.asm.store_result(to);
            }
            let kind = self.asm.take_operand_no_imm(addr);
            self.asm.flush();
            self.asm.inst(handlers::load(op, kind, OperandKind::Acc), || op.text().to_string());
            self.asm.write_operand(addr, kind);
            self.write_offset(mem);
            return self.asm.store_result(to);
        }
        if self.is_c_frame(addr, mem) && forwarding::is_full_width(op) {
            return self.load_from_c_frame(op, mem, addr, to);
        }
        self.direct_load(op, mem, addr, to)
    }

    /// Returns whether an access is to a C stack frame.
    fn is_c_frame(&self, addr: Operand<ValueLocation>, mem: MemArg) -> bool {
        self.asm.forwarding.is_frame_base(addr.value) && !self.environment.module.memories[mem.memory as usize].shared
    }

    /// Emits a load from a C stack frame. If the value is known, emits no instruction. Otherwise records the loaded
    /// value for the next load.
    fn load_from_c_frame(&mut self, op: Load, mem: MemArg, addr: Operand<ValueLocation>, to: Slot) -> ValueLocation {
        let offset = mem.offset as u32;
        if let Some(value) = self.asm.forwarding.forward_load(op, offset, to) {
            self.asm.pin_store(value);
            return value;
        }
        let Some(slot) = self.asm.forwarding.allocate_scratch(to) else { return self.direct_load(op, mem, addr, to) };
        let value = self.direct_load(op, mem, addr, slot);
        self.asm.flush();
        self.asm.forwarding.record_load(op, offset, value);
        self.asm.forwarding.use_scratch(to, slot);
        value
    }

    /// Emits a load of a scalar from memory 0, as part of a superinstruction if possible.
    fn direct_load(&mut self, op: Load, mem: MemArg, addr: Operand<ValueLocation>, to: Slot) -> ValueLocation {
        let class = Class::of(op.result().into());
        if let Some((start, kind)) = self.asm.candidate_result(InstructionShape::Load, addr) {
            self.asm.take_operand(addr);
            self.asm.fuse(start, handlers::load_and_load(op, kind, OperandKind::Acc), || op.text().to_string());
            self.write_offset(mem);
            return self.asm.cache_result(start, handlers::load_and_load(op, kind, OperandKind::Slot), class, to);
        }
        if let Some((start, kind)) = self.asm.candidate_result(InstructionShape::Sum, addr) {
            self.asm.take_operand(addr);
            self.asm.fuse(start, handlers::sum_and_load(op, kind, OperandKind::Acc), || op.text().to_string());
            self.write_offset(mem);
            return self.asm.cache_result(start, handlers::sum_and_load(op, kind, OperandKind::Slot), class, to);
        }
        let kind = self.asm.take_operand_no_imm(addr);
        self.asm.flush();
        if let (Load::I32Load, OperandKind::Slot, Some(start)) = (op, kind, self.asm.candidate_stored_load()) {
            self.asm.fuse(start, handlers::two_loads(OperandKind::Acc), || op.text().to_string());
            self.asm.write_operand(addr, kind);
            self.write_offset(mem);
            return self.asm.cache_result(start, handlers::two_loads(OperandKind::Slot), class, to);
        }
        let start = self.asm.words.len();
        self.asm.inst(handlers::load(op, kind, OperandKind::Acc), || op.text().to_string());
        self.asm.write_operand(addr, kind);
        self.write_offset(mem);
        let value = self.asm.cache_result(start, handlers::load(op, kind, OperandKind::Slot), class, to);
        match (op, kind) {
            (Load::I32Load, OperandKind::Slot) => self.asm.set_candidate(start, InstructionShape::Load),
            (Load::F64Load, OperandKind::Slot) => self.asm.set_candidate(start, InstructionShape::F64Load),
            _ => {}
        }
        value
    }

    fn write_offset(&mut self, mem: MemArg) {
        self.asm.word(mem.offset as u32);
        self.asm.append_listing(|| format!("+{}", mem.offset));
    }

    pub(super) fn emit_store(
        &mut self,
        op: Store,
        mem: MemArg,
        addr: Operand<ValueLocation>,
        value: Operand<ValueLocation>,
    ) {
        let vector = op.operands() == [ValKind::V128];
        self.reserve_slots(value.slot + value.ty.slots());
        if vector || !self.uses_memory0_registers(mem) {
            let (a, v) = (self.asm.ensure_in_slot(addr), self.asm.ensure_in_slot(value));
            self.asm.flush();
            self.asm.forwarding.invalidate_all();
            let direct = self.uses_memory0_registers(mem);
            let handler = if direct {
                handlers::store(op, OperandKind::Slot, OperandKind::Slot)
            } else {
                handlers::general_store(op)
            };
            self.asm.inst(handler, || format!("{} s{a} s{v}", op.text()));
            self.asm.slot_word(a);
            self.asm.slot_word(v);
            if direct {
                self.write_offset(mem);
            } else {
                self.write_general_access(mem);
            }
            return;
        }
        if self.is_c_frame(addr, mem) {
            return self.store_to_c_frame(op, mem, addr, value);
        }
        self.direct_store(op, mem, addr, value);
        self.asm.forwarding.invalidate_all();
    }

    /// Emits a store to a C stack frame. Also copies an `i32` to a scratch slot unless it is already in one.
    fn store_to_c_frame(
        &mut self,
        op: Store,
        mem: MemArg,
        addr: Operand<ValueLocation>,
        value: Operand<ValueLocation>,
    ) {
        let offset = mem.offset as u32;
        let forwarded = match value.value {
            ValueLocation::Const(_) => Some(value.value),
            ValueLocation::Slot(slot) if self.asm.forwarding.is_scratch(slot) => Some(value.value),
            ValueLocation::Slot(_) if op == Store::I32Store => {
                if let Some(slot) = self.asm.forwarding.allocate_scratch(addr.slot) {
                    self.emit_forwarding_store(mem, addr, value, slot);
                    self.asm.forwarding.record_store(op, offset, Some(ValueLocation::Slot(slot)));
                    return;
                }
                None
            }
            ValueLocation::Slot(_) => None,
        };
        self.direct_store(op, mem, addr, value);
        self.asm.forwarding.record_store(op, offset, forwarded);
    }

    /// Emits `i32.store` with a copy of the value to a slot.
    fn emit_forwarding_store(
        &mut self,
        mem: MemArg,
        addr: Operand<ValueLocation>,
        value: Operand<ValueLocation>,
        to: Slot,
    ) {
        let loaded = self.asm.candidate_result(InstructionShape::Load, value);
        let (ka, kv) = self.store_operands(addr, value);
        let start = self.asm.words.len();
        let candidate = self.asm.candidate;
        let fused = match (ka, kv, candidate.map(|candidate| candidate.shape)) {
            (OperandKind::Acc, OperandKind::Slot, Some(InstructionShape::Store)) => {
                Some(handlers::two_forwarding_stores())
            }
            (OperandKind::Acc, OperandKind::Slot, Some(InstructionShape::GlobalAdd(_)))
                if self.asm.last_stores(addr) =>
            {
                Some(handlers::global_add_and_forwarding_store(false))
            }
            (OperandKind::Acc, OperandKind::Slot, Some(InstructionShape::GlobalAddSet))
                if self.asm.last_stores(addr) =>
            {
                Some(handlers::global_add_and_forwarding_store(true))
            }
            (OperandKind::Slot, OperandKind::Acc, Some(InstructionShape::Load))
                if matches!(loaded, Some((_, OperandKind::Acc))) =>
            {
                Some(handlers::load_and_forwarding_store())
            }
            _ => None,
        };
        let name = || "i32.store".to_string();
        match (fused, candidate) {
            (Some(handler), Some(candidate)) => self.asm.fuse(candidate.start, handler, name),
            _ => self.asm.inst(handlers::forwarding_store(ka, kv), name),
        }
        self.asm.write_operand(addr, ka);
        self.asm.write_operand(value, kv);
        self.write_offset(mem);
        self.asm.slot_word(to);
        self.asm.append_listing(|| format!(" -> s{to}"));
        if let (OperandKind::Acc, OperandKind::Slot, None) = (ka, kv, fused) {
            self.asm.set_candidate(start, InstructionShape::Store);
        }
        self.asm.invalidate_mirror(to);
        if kv == OperandKind::Acc {
            self.asm.set_mirror(to, Class::I32);
        }
    }

    /// Consumes the operands of a store. At most one comes from the accumulator.
    fn store_operands(
        &mut self,
        addr: Operand<ValueLocation>,
        value: Operand<ValueLocation>,
    ) -> (OperandKind, OperandKind) {
        let kv = self.asm.take_operand(value);
        let ka = self.asm.take_operand_no_imm(addr);
        let ka = if ka == OperandKind::Acc && kv == OperandKind::Acc { OperandKind::Slot } else { ka };
        self.asm.flush();
        (ka, kv)
    }

    /// Emits a store of a scalar to memory 0, as part of a superinstruction if possible.
    fn direct_store(&mut self, op: Store, mem: MemArg, addr: Operand<ValueLocation>, value: Operand<ValueLocation>) {
        let loaded = self.asm.candidate_result(InstructionShape::Load, value);
        let computed = self.asm.candidate_in_acc(value);
        let (ka, kv) = self.store_operands(addr, value);
        let fused = match (op, ka, kv, self.asm.candidate) {
            (Store::I32Store, OperandKind::Slot, OperandKind::Acc, Some(candidate)) => loaded
                .filter(|(start, _)| *start == candidate.start)
                .map(|(start, kind)| (start, handlers::load_and_store(kind))),
            (Store::F64Store, OperandKind::Slot, OperandKind::Acc, Some(candidate)) if computed == Some(candidate) => {
                match candidate.shape {
                    InstructionShape::F64Binary(op, a, b) => {
                        handlers::binary_and_store(op, a, b).map(|h| (candidate.start, h))
                    }
                    _ => None,
                }
            }
            _ => None,
        };
        let name = || op.text().to_string();
        match fused {
            Some((start, handler)) => self.asm.fuse(start, handler, name),
            None => self.asm.inst(handlers::store(op, ka, kv), name),
        }
        self.asm.write_operand(addr, ka);
        self.asm.write_operand(value, kv);
        self.write_offset(mem);
    }

    pub(super) fn emit_memory_size(&mut self, memory: u32, to: Slot) -> ValueLocation {
        self.reserve_slots(to + 1);
        self.asm.flush();
        let ty = self.environment.module.memories[memory as usize];
        let location = encode_location(self.environment.layout.memory(memory));
        let start = self.asm.words.len();
        self.asm.inst(handlers::memory_size(OperandKind::Acc), || format!("memory.size {memory}"));
        self.asm.word(location);
        self.asm.word(ty.page_size_log2.into());
        self.asm.cache_result(start, handlers::memory_size(OperandKind::Slot), Class::of(ty.index.val_type()), to)
    }

    /// Emits an access of one lane, except for the result.
    pub(super) fn emit_lane_access(
        &mut self,
        handler: Handler,
        name: &str,
        mem: MemArg,
        lane: u8,
        addr: Operand<ValueLocation>,
        vector: Operand<ValueLocation>,
    ) {
        let (a, v) = (self.asm.ensure_in_slot(addr), self.asm.ensure_in_slot(vector));
        self.asm.flush();
        self.asm.forwarding.invalidate_all();
        self.asm.inst(handler, || format!("{name} s{a} s{v} lane {lane}"));
        self.asm.slot_word(a);
        self.asm.slot_word(v);
        self.asm.word(lane.into());
        self.write_general_access(mem);
    }
}
