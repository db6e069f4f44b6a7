//! Constants and globals.

use cranelift_codegen::ir::immediates::{Ieee32, Ieee64, Imm64};
use cranelift_codegen::ir::{InstBuilder, InstructionData, Opcode, Value, types};
use kinglet_wasm::emit::Constant;
use kinglet_wasm::types::{RefType, ValType};

use super::{ClifOperand, ClifValue, Emitter};
use crate::convention::{ValueRepr, load_invariant, load_slot, store_slot};

impl Emitter<'_> {
    pub(super) fn make_constant(&mut self, constant: Constant) -> ClifValue {
        let (value, repr) = match constant {
            Constant::I32(n) => (self.builder.ins().iconst(types::I32, i64::from(n as u32)), ValueRepr::I32),
            Constant::I64(n) => (self.builder.ins().iconst(types::I64, n), ValueRepr::I64),
            Constant::F32(bits) => (self.builder.ins().f32const(Ieee32::with_bits(bits)), ValueRepr::F32),
            Constant::F64(bits) => (self.builder.ins().f64const(Ieee64::with_bits(bits)), ValueRepr::F64),
            Constant::V128(v) => (self.vector_constant(v.0), ValueRepr::V128),
            Constant::Null(heap) => {
                let repr = self.repr(ValType::Ref(RefType { nullable: true, heap }));
                (self.zero(repr), repr)
            }
        };
        self.operand_of(value, repr)
    }

    /// Changes an existing constant.
    pub(super) fn set_constant(&mut self, value: Value, n: i64) {
        if let Some(inst) = self.builder.func.dfg.value_def(value).inst() {
            self.builder.func.dfg.insts[inst] =
                InstructionData::UnaryImm { opcode: Opcode::Iconst, imm: Imm64::new(n) };
        }
    }

    fn global_base(&mut self, global: u32) -> (Value, u32) {
        let location = self.environment.layout.global(global);
        match location.imported {
            true => (load_invariant(&mut self.builder, self.vmctx, location.offset as usize), 0),
            false => (self.vmctx, location.offset),
        }
    }

    pub(super) fn read_global(&mut self, global: u32, ty: ValType) -> ClifValue {
        let repr = self.repr(ty);
        let (base, offset) = self.global_base(global);
        let value = load_slot(&mut self.builder, base, offset, repr);
        self.operand_of(value, repr)
    }

    pub(super) fn write_global(&mut self, global: u32, value: ClifOperand) {
        let repr = self.repr(value.ty);
        let value = self.value(value);
        let (base, offset) = self.global_base(global);
        store_slot(&mut self.builder, value, base, offset, repr);
    }
}
