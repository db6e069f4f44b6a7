//! Loads and stores (core specification, "Memory Instructions"). The memory's plan decides how code checks bounds.
//! Within a reservation, out-of-bounds accesses fault. Otherwise code compares each access with the current length.

use std::mem::offset_of;

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::{I8X16, I16X8, I32X4, I64X2};
use cranelift_codegen::ir::{Endianness, InstBuilder, MemFlagsData, Type, Value, types};
use kinglet_abi::{MemoryPlan, Trap, VmMemory};
use kinglet_wasm::emit::MemArg;
use kinglet_wasm::op::{Load, Store, VectorLoadLane, VectorStoreLane};
use kinglet_wasm::types::{IndexType, MemoryType};

use super::{ClifOperand, ClifValue, Emitter, range};
use crate::compile::trap_code;
use crate::convention::{ValueRepr, load_invariant, load_pointer, memory_region};

/// The address of a memory access.
#[derive(Clone, Copy)]
struct MemoryAddress {
    base: Value,
    offset: i32,
    flags: MemFlagsData,
}

impl Emitter<'_> {
    pub(super) fn memory_load(&mut self, op: Load, mem: MemArg, addr: ClifOperand) -> ClifValue {
        use Load::*;
        let MemoryAddress { base, offset, flags } = self.address(mem, addr, u64::from(op.bytes()));
        let ins = self.builder.ins();
        let value = match op {
            I32Load => ins.load(types::I32, flags, base, offset),
            I64Load => ins.load(types::I64, flags, base, offset),
            F32Load => ins.load(types::F32, flags, base, offset),
            F64Load => ins.load(types::F64, flags, base, offset),
            V128Load => ins.load(I8X16, flags, base, offset),
            I32Load8S => ins.sload8(types::I32, flags, base, offset),
            I32Load8U => ins.uload8(types::I32, flags, base, offset),
            I32Load16S => ins.sload16(types::I32, flags, base, offset),
            I32Load16U => ins.uload16(types::I32, flags, base, offset),
            I64Load8S => ins.sload8(types::I64, flags, base, offset),
            I64Load8U => ins.uload8(types::I64, flags, base, offset),
            I64Load16S => ins.sload16(types::I64, flags, base, offset),
            I64Load16U => ins.uload16(types::I64, flags, base, offset),
            I64Load32S => ins.sload32(flags, base, offset),
            I64Load32U => ins.uload32(flags, base, offset),
            V128Load8x8S => ins.sload8x8(flags, base, offset),
            V128Load8x8U => ins.uload8x8(flags, base, offset),
            V128Load16x4S => ins.sload16x4(flags, base, offset),
            V128Load16x4U => ins.uload16x4(flags, base, offset),
            V128Load32x2S => ins.sload32x2(flags, base, offset),
            V128Load32x2U => ins.uload32x2(flags, base, offset),
            V128Load8Splat => {
                let lane = ins.load(types::I8, flags, base, offset);
                self.builder.ins().splat(I8X16, lane)
            }
            V128Load16Splat => {
                let lane = ins.load(types::I16, flags, base, offset);
                self.builder.ins().splat(I16X8, lane)
            }
            V128Load32Splat => {
                let lane = ins.load(types::I32, flags, base, offset);
                self.builder.ins().splat(I32X4, lane)
            }
            V128Load64Splat => {
                let lane = ins.load(types::I64, flags, base, offset);
                self.builder.ins().splat(I64X2, lane)
            }
            V128Load32Zero => {
                let lane = ins.load(types::I32, flags, base, offset);
                self.builder.ins().scalar_to_vector(I32X4, lane)
            }
            V128Load64Zero => {
                let lane = ins.load(types::I64, flags, base, offset);
                self.builder.ins().scalar_to_vector(I64X2, lane)
            }
        };
        match ValueRepr::new(op.result().into(), self.environment.types) {
            ValueRepr::V128 => self.vector_result(value),
            repr => self.operand_of(value, repr),
        }
    }

    pub(super) fn memory_store(&mut self, op: Store, mem: MemArg, addr: ClifOperand, value: ClifOperand) {
        use Store::*;
        let MemoryAddress { base, offset, flags } = self.address(mem, addr, u64::from(op.bytes()));
        let value = self.value(value);
        let ins = self.builder.ins();
        match op {
            I32Store | I64Store | F32Store | F64Store | V128Store => ins.store(flags, value, base, offset),
            I32Store8 | I64Store8 => ins.istore8(flags, value, base, offset),
            I32Store16 | I64Store16 => ins.istore16(flags, value, base, offset),
            I64Store32 => ins.istore32(flags, value, base, offset),
        };
    }

    pub(super) fn memory_load_lane(
        &mut self,
        op: VectorLoadLane,
        mem: MemArg,
        lane: u8,
        addr: ClifOperand,
        a: ClifOperand,
    ) -> ClifValue {
        let ty = lanes_of(op.bytes());
        let MemoryAddress { base, offset, flags } = self.address(mem, addr, u64::from(op.bytes()));
        let a = self.value(a);
        let a = self.lanes(a, ty);
        let value = self.builder.ins().load(ty.lane_type(), flags, base, offset);
        let value = self.builder.ins().insertlane(a, value, lane);
        self.vector_result(value)
    }

    pub(super) fn memory_store_lane(
        &mut self,
        op: VectorStoreLane,
        mem: MemArg,
        lane: u8,
        addr: ClifOperand,
        a: ClifOperand,
    ) {
        let ty = lanes_of(op.bytes());
        let MemoryAddress { base, offset, flags } = self.address(mem, addr, u64::from(op.bytes()));
        let a = self.value(a);
        let a = self.lanes(a, ty);
        let value = self.builder.ins().extractlane(a, lane);
        self.builder.ins().store(flags, value, base, offset);
    }

    pub(super) fn read_memory_size(&mut self, memory: u32) -> ClifValue {
        let ty = self.environment.module.memories[memory as usize];
        let record = self.memory_record(memory);
        let bytes = load_pointer(&mut self.builder, record, offset_of!(VmMemory, len));
        let pages = self.builder.ins().ushr_imm_u(bytes, i64::from(ty.page_size_log2));
        match ty.index {
            IndexType::I64 => self.operand_of(pages, ValueRepr::I64),
            IndexType::I32 => {
                let pages = self.builder.ins().ireduce(types::I32, pages);
                self.operand_of(pages, ValueRepr::I32)
            }
        }
    }

    fn memory_record(&mut self, memory: u32) -> Value {
        let location = self.environment.layout.memory(memory);
        match location.imported {
            true => load_invariant(&mut self.builder, self.vmctx, location.offset as usize),
            false => self.builder.ins().iadd_imm_u(self.vmctx, i64::from(location.offset)),
        }
    }

    /// Computes the address of an access of `size` bytes. Out-of-bounds accesses trap, either here or at the access.
    fn address(&mut self, mem: MemArg, addr: ClifOperand, size: u64) -> MemoryAddress {
        let ty = self.environment.module.memories[mem.memory as usize];
        let region = memory_region(self.environment.module, mem.memory);
        let flags = MemFlagsData::new().with_endianness(Endianness::Little).with_alias_region(Some(region));
        let index = self.value(addr);
        let record = self.memory_record(mem.memory);
        let end = mem.offset.checked_add(size);
        match (self.environment.settings.memory_plan(&ty), i32::try_from(mem.offset)) {
            (MemoryPlan::Reserved(reservation), Ok(offset)) if end.is_some_and(|end| end <= reservation.guard) => {
                let (index, offset) = self.reserved_index(index, offset);
                let start = load_invariant(&mut self.builder, record, offset_of!(VmMemory, base));
                let flags = flags.with_trap_code(Some(trap_code(Trap::MemoryOutOfBounds)));
                MemoryAddress { base: self.builder.ins().iadd(start, index), offset, flags }
            }
            _ => {
                let index = match ty.index {
                    IndexType::I32 => self.builder.ins().uextend(types::I64, index),
                    IndexType::I64 => index,
                };
                self.checked_address(&ty, record, index, mem.offset, end, flags)
            }
        }
    }

    /// Extends an index into a reserved memory to 64 bits, and adds the constant part of the index to the offset.
    fn reserved_index(&mut self, index: Value, offset: i32) -> (Value, i32) {
        let (wide, displacement) = range::widen(&mut self.builder, index);
        match i32::try_from(displacement).ok().and_then(|displacement| offset.checked_add(displacement)) {
            Some(offset) => (wide, offset),
            None => (self.builder.ins().uextend(types::I64, index), offset),
        }
    }

    fn checked_address(
        &mut self,
        ty: &MemoryType,
        record: Value,
        index: Value,
        offset: u64,
        end: Option<u64>,
        flags: MemFlagsData,
    ) -> MemoryAddress {
        let len = load_pointer(&mut self.builder, record, offset_of!(VmMemory, len));
        let start = load_pointer(&mut self.builder, record, offset_of!(VmMemory, base));
        let outside = self.is_out_of_bounds(ty, index, len, end);
        let address = self.builder.ins().iadd(start, index);
        let address = match offset {
            0 => address,
            offset => {
                let offset = self.builder.ins().iconst(types::I64, offset as i64);
                self.builder.ins().iadd(address, offset)
            }
        };
        let spectre = self.environment.settings.spectre_mitigation;
        if self.explicit_traps() || !spectre {
            self.trap_if(outside, Trap::MemoryOutOfBounds);
        }
        if !spectre {
            return MemoryAddress { base: address, offset: 0, flags: flags.with_notrap() };
        }
        // Selecting address 0 avoids a branch that could be mispredicted. If faults implement traps, the access also
        // raises the trap.
        let null = self.builder.ins().iconst(types::I64, 0);
        let base = self.builder.ins().select_spectre_guard(outside, null, address);
        let flags = match self.explicit_traps() {
            true => flags.with_notrap(),
            false => flags.with_trap_code(Some(trap_code(Trap::MemoryOutOfBounds))),
        };
        MemoryAddress { base, offset: 0, flags }
    }

    /// Returns whether `index` plus `end`, the constant offset plus the access size, exceeds the memory's length.
    fn is_out_of_bounds(&mut self, ty: &MemoryType, index: Value, len: Value, end: Option<u64>) -> Value {
        let Some(end) = end else { return self.builder.ins().iconst(types::I8, 1) };
        let min_len = ty.min.saturating_mul(ty.page_size());
        let constant = self.builder.ins().iconst(types::I64, end as i64);
        if end <= min_len {
            // The memory is at least `end` bytes long, so the difference cannot wrap.
            let last = self.builder.ins().isub(len, constant);
            return self.builder.ins().icmp(IntCC::UnsignedGreaterThan, index, last);
        }
        if ty.index == IndexType::I32 && end < 1 << 62 {
            let end = self.builder.ins().iadd(index, constant);
            return self.builder.ins().icmp(IntCC::UnsignedGreaterThan, end, len);
        }
        let (end, wrapped) = self.builder.ins().uadd_overflow(index, constant);
        let exceeds = self.builder.ins().icmp(IntCC::UnsignedGreaterThan, end, len);
        self.builder.ins().bor(wrapped, exceeds)
    }
}

fn lanes_of(bytes: u32) -> Type {
    match bytes {
        1 => I8X16,
        2 => I16X8,
        4 => I32X4,
        _ => I64X2,
    }
}
