//! Loads. Bounds are checked here, since there is no handler of faults yet; base and length are read at every access.

use std::mem::offset_of;

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Endianness, InstBuilder, MemFlagsData, Value, types};
use kinglet_abi::{Trap, VmMemory};
use kinglet_wasm::emit::MemArg;
use kinglet_wasm::op::Load;
use kinglet_wasm::types::IndexType;

use super::{Emitter, Op1, V};
use crate::convention::{Kind, load_pointer};

impl Emitter<'_> {
    pub(super) fn memory_load(&mut self, op: Load, mem: MemArg, addr: Op1) -> V {
        if op != Load::I32Load || self.environment.module.memories[mem.memory as usize].index != IndexType::I32 {
            return self.refuse(op.text());
        }
        let address = self.address(mem, addr, 4);
        let flags = MemFlagsData::new().with_notrap().with_endianness(Endianness::Little);
        let value = self.builder.ins().load(types::I32, flags, address, 0);
        self.result(value, Kind::I32)
    }

    /// The host address of an access to a 32-bit memory; traps if it is not all inside.
    fn address(&mut self, mem: MemArg, addr: Op1, size: u64) -> Value {
        let place = self.environment.layout.memory(mem.memory);
        let record = match place.imported {
            true => load_pointer(&mut self.builder, self.vmctx, place.offset as usize),
            false => self.builder.ins().iadd_imm_u(self.vmctx, i64::from(place.offset)),
        };
        let base = load_pointer(&mut self.builder, record, offset_of!(VmMemory, base));
        let len = load_pointer(&mut self.builder, record, offset_of!(VmMemory, len));
        let addr = self.value(addr);
        let addr = self.builder.ins().uextend(types::I64, addr);
        // Both summands are below 2^32, so neither sum wraps.
        let first = self.builder.ins().iadd_imm_u(addr, mem.offset as i64);
        let end = self.builder.ins().iadd_imm_u(first, size as i64);
        let outside = self.builder.ins().icmp(IntCC::UnsignedGreaterThan, end, len);
        self.trap_if(outside, Trap::MemoryOutOfBounds);
        self.builder.ins().iadd(base, first)
    }
}
