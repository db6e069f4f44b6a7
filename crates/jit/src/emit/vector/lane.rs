//! Conversions between scalars and lanes.

use cranelift_codegen::ir::types::{F32X4, F64X2, I8X16, I16X8, I32X4, I64X2};
use cranelift_codegen::ir::{InstBuilder, types};
use kinglet_wasm::op::{VectorExtract, VectorReplace, VectorSplat};

use super::super::{ClifOperand, ClifValue, Emitter};
use crate::convention::ValueRepr;

impl Emitter<'_> {
    pub(in crate::emit) fn vector_splat_op(&mut self, op: VectorSplat, a: ClifOperand) -> ClifValue {
        let ty = match op {
            VectorSplat::I8x16Splat => I8X16,
            VectorSplat::I16x8Splat => I16X8,
            VectorSplat::I32x4Splat => I32X4,
            VectorSplat::I64x2Splat => I64X2,
            VectorSplat::F32x4Splat => F32X4,
            VectorSplat::F64x2Splat => F64X2,
        };
        let mut a = self.value(a);
        if matches!(op, VectorSplat::I8x16Splat | VectorSplat::I16x8Splat) {
            a = self.builder.ins().ireduce(ty.lane_type(), a);
        }
        let value = self.builder.ins().splat(ty, a);
        self.vector_result(value)
    }

    pub(in crate::emit) fn vector_extract_op(&mut self, op: VectorExtract, lane: u8, a: ClifOperand) -> ClifValue {
        use VectorExtract::*;
        let ty = match op {
            I8x16ExtractLaneS | I8x16ExtractLaneU => I8X16,
            I16x8ExtractLaneS | I16x8ExtractLaneU => I16X8,
            I32x4ExtractLane => I32X4,
            I64x2ExtractLane => I64X2,
            F32x4ExtractLane => F32X4,
            F64x2ExtractLane => F64X2,
        };
        let a = self.operand(a, ty);
        let value = self.builder.ins().extractlane(a, lane);
        let value = match op {
            I8x16ExtractLaneS | I16x8ExtractLaneS => self.builder.ins().sextend(types::I32, value),
            I8x16ExtractLaneU | I16x8ExtractLaneU => self.builder.ins().uextend(types::I32, value),
            I32x4ExtractLane | I64x2ExtractLane | F32x4ExtractLane | F64x2ExtractLane => value,
        };
        self.operand_of(value, ValueRepr::new(op.result().into(), self.environment.types))
    }

    pub(in crate::emit) fn vector_replace_op(
        &mut self,
        op: VectorReplace,
        lane: u8,
        a: ClifOperand,
        b: ClifOperand,
    ) -> ClifValue {
        use VectorReplace::*;
        let ty = match op {
            I8x16ReplaceLane => I8X16,
            I16x8ReplaceLane => I16X8,
            I32x4ReplaceLane => I32X4,
            I64x2ReplaceLane => I64X2,
            F32x4ReplaceLane => F32X4,
            F64x2ReplaceLane => F64X2,
        };
        let (a, mut b) = (self.operand(a, ty), self.value(b));
        if matches!(op, I8x16ReplaceLane | I16x8ReplaceLane) {
            b = self.builder.ins().ireduce(ty.lane_type(), b);
        }
        let value = self.builder.ins().insertlane(a, b, lane);
        self.vector_result(value)
    }

    pub(in crate::emit) fn vector_shuffle_op(&mut self, lanes: [u8; 16], a: ClifOperand, b: ClifOperand) -> ClifValue {
        let (a, b) = (self.value(a), self.value(b));
        let mask = self.builder.func.dfg.immediates.push(lanes.to_vec().into());
        let value = self.builder.ins().shuffle(a, b, mask);
        self.operand_of(value, ValueRepr::V128)
    }
}
