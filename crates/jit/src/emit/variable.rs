//! Constants and globals.

use cranelift_codegen::ir::immediates::{Ieee32, Ieee64, Imm64};
use cranelift_codegen::ir::{InstBuilder, InstructionData, Opcode, Value, types};
use kinglet_wasm::emit::Constant;
use kinglet_wasm::types::{RefType, ValType};

use super::{Emitter, Op1, V};
use crate::convention::{Kind, load_constant, load_slot, store_slot};

impl Emitter<'_> {
    pub(super) fn make_constant(&mut self, constant: Constant) -> V {
        let (value, kind) = match constant {
            Constant::I32(n) => (self.builder.ins().iconst(types::I32, i64::from(n as u32)), Kind::I32),
            Constant::I64(n) => (self.builder.ins().iconst(types::I64, n), Kind::I64),
            Constant::F32(bits) => (self.builder.ins().f32const(Ieee32::with_bits(bits)), Kind::F32),
            Constant::F64(bits) => (self.builder.ins().f64const(Ieee64::with_bits(bits)), Kind::F64),
            Constant::V128(v) => (self.vector(v.0), Kind::V128),
            Constant::Null(heap) => {
                let kind = self.kind(ValType::Ref(RefType { nullable: true, heap }));
                (self.zero(kind), kind)
            }
        };
        self.result(value, kind)
    }

    /// Changes a constant made earlier.
    pub(super) fn set_constant(&mut self, value: Value, n: i64) {
        if let Some(inst) = self.builder.func.dfg.value_def(value).inst() {
            self.builder.func.dfg.insts[inst] =
                InstructionData::UnaryImm { opcode: Opcode::Iconst, imm: Imm64::new(n) };
        }
    }

    fn global_base(&mut self, global: u32) -> (Value, u32) {
        let place = self.environment.layout.global(global);
        match place.imported {
            true => (load_constant(&mut self.builder, self.vmctx, place.offset as usize), 0),
            false => (self.vmctx, place.offset),
        }
    }

    pub(super) fn read_global(&mut self, global: u32, ty: ValType) -> V {
        let kind = self.kind(ty);
        let (base, offset) = self.global_base(global);
        let value = load_slot(&mut self.builder, base, offset, kind);
        self.result(value, kind)
    }

    pub(super) fn write_global(&mut self, global: u32, value: Op1) {
        let kind = self.kind(value.ty);
        let value = self.value(value);
        let (base, offset) = self.global_base(global);
        store_slot(&mut self.builder, value, base, offset, kind);
    }
}
