//! Vector arithmetic (core specification, "Vector Instructions"). Operands have the type `i8x16`. Each operation casts
//! them to its own lane type, which is free.

mod binary;
mod lane;

use cranelift_codegen::ir::{Endianness, InstBuilder, MemFlagsData, Type, Value, types};
use kinglet_wasm::op::{VectorShift, VectorTernary, VectorTest, VectorUnary};

use super::{ClifOperand, ClifValue, Emitter};
use crate::convention::ValueRepr;

use cranelift_codegen::ir::types::{F32X4, F64X2, I8X16, I16X8, I32X4, I64X2};

impl Emitter<'_> {
    /// Casts a vector to a lane type.
    pub(super) fn lanes(&mut self, value: Value, ty: Type) -> Value {
        if self.builder.func.dfg.value_type(value) == ty {
            return value;
        }
        let flags = MemFlagsData::new().with_endianness(Endianness::Little);
        self.builder.ins().bitcast(ty, flags, value)
    }

    fn operand(&mut self, operand: ClifOperand, ty: Type) -> Value {
        let value = self.value(operand);
        self.lanes(value, ty)
    }

    /// Creates an operand from a vector.
    pub(super) fn vector_result(&mut self, value: Value) -> ClifValue {
        let value = self.lanes(value, I8X16);
        self.operand_of(value, ValueRepr::V128)
    }

    pub(super) fn vector_unary_op(&mut self, op: VectorUnary, a: ClifOperand) -> ClifValue {
        use VectorUnary::*;
        let ty = match op {
            V128Not | I8x16Abs | I8x16Neg | I8x16Popcnt => I8X16,
            I16x8ExtAddPairwiseI8x16S | I16x8ExtAddPairwiseI8x16U => I8X16,
            I16x8ExtendLowI8x16S | I16x8ExtendHighI8x16S | I16x8ExtendLowI8x16U | I16x8ExtendHighI8x16U => I8X16,
            I16x8Abs | I16x8Neg | I32x4ExtAddPairwiseI16x8S | I32x4ExtAddPairwiseI16x8U => I16X8,
            I32x4ExtendLowI16x8S | I32x4ExtendHighI16x8S | I32x4ExtendLowI16x8U | I32x4ExtendHighI16x8U => I16X8,
            I32x4Abs | I32x4Neg | F32x4ConvertI32x4S | F32x4ConvertI32x4U => I32X4,
            I64x2ExtendLowI32x4S | I64x2ExtendHighI32x4S | I64x2ExtendLowI32x4U | I64x2ExtendHighI32x4U => I32X4,
            F64x2ConvertLowI32x4S | F64x2ConvertLowI32x4U => I32X4,
            I64x2Abs | I64x2Neg => I64X2,
            F32x4Ceil | F32x4Floor | F32x4Trunc | F32x4Nearest | F32x4Abs | F32x4Neg | F32x4Sqrt => F32X4,
            F64x2PromoteLowF32x4 | I32x4TruncSatF32x4S | I32x4TruncSatF32x4U => F32X4,
            F64x2Ceil | F64x2Floor | F64x2Trunc | F64x2Nearest | F64x2Abs | F64x2Neg | F64x2Sqrt => F64X2,
            F32x4DemoteF64x2Zero | I32x4TruncSatF64x2SZero | I32x4TruncSatF64x2UZero => F64X2,
        };
        let a = self.operand(a, ty);
        let ins = self.builder.ins();
        let value = match op {
            V128Not => ins.bnot(a),
            I8x16Abs | I16x8Abs | I32x4Abs | I64x2Abs => ins.iabs(a),
            I8x16Neg | I16x8Neg | I32x4Neg | I64x2Neg => ins.ineg(a),
            I8x16Popcnt => ins.popcnt(a),
            F32x4Ceil | F64x2Ceil => ins.ceil(a),
            F32x4Floor | F64x2Floor => ins.floor(a),
            F32x4Trunc | F64x2Trunc => ins.trunc(a),
            F32x4Nearest | F64x2Nearest => ins.nearest(a),
            F32x4Abs | F64x2Abs => ins.fabs(a),
            F32x4Neg | F64x2Neg => ins.fneg(a),
            F32x4Sqrt | F64x2Sqrt => ins.sqrt(a),
            F32x4DemoteF64x2Zero => ins.fvdemote(a),
            F64x2PromoteLowF32x4 => ins.fvpromote_low(a),
            I16x8ExtendLowI8x16S | I32x4ExtendLowI16x8S | I64x2ExtendLowI32x4S => ins.swiden_low(a),
            I16x8ExtendHighI8x16S | I32x4ExtendHighI16x8S | I64x2ExtendHighI32x4S => ins.swiden_high(a),
            I16x8ExtendLowI8x16U | I32x4ExtendLowI16x8U | I64x2ExtendLowI32x4U => ins.uwiden_low(a),
            I16x8ExtendHighI8x16U | I32x4ExtendHighI16x8U | I64x2ExtendHighI32x4U => ins.uwiden_high(a),
            I16x8ExtAddPairwiseI8x16S | I32x4ExtAddPairwiseI16x8S => {
                let (low, high) = (self.builder.ins().swiden_low(a), self.builder.ins().swiden_high(a));
                self.builder.ins().iadd_pairwise(low, high)
            }
            I16x8ExtAddPairwiseI8x16U | I32x4ExtAddPairwiseI16x8U => {
                let (low, high) = (self.builder.ins().uwiden_low(a), self.builder.ins().uwiden_high(a));
                self.builder.ins().iadd_pairwise(low, high)
            }
            I32x4TruncSatF32x4S => ins.fcvt_to_sint_sat(I32X4, a),
            I32x4TruncSatF32x4U => ins.fcvt_to_uint_sat(I32X4, a),
            F32x4ConvertI32x4S => ins.fcvt_from_sint(F32X4, a),
            F32x4ConvertI32x4U => ins.fcvt_from_uint(F32X4, a),
            I32x4TruncSatF64x2SZero => {
                let wide = self.builder.ins().fcvt_to_sint_sat(I64X2, a);
                let zero = self.zero_lanes(I64X2);
                self.builder.ins().snarrow(wide, zero)
            }
            I32x4TruncSatF64x2UZero => {
                let wide = self.builder.ins().fcvt_to_uint_sat(I64X2, a);
                let zero = self.zero_lanes(I64X2);
                self.builder.ins().uunarrow(wide, zero)
            }
            F64x2ConvertLowI32x4S => {
                let wide = self.builder.ins().swiden_low(a);
                self.builder.ins().fcvt_from_sint(F64X2, wide)
            }
            F64x2ConvertLowI32x4U => {
                let wide = self.builder.ins().uwiden_low(a);
                self.builder.ins().fcvt_from_uint(F64X2, wide)
            }
        };
        let value = self.canonicalize_nan(op.arithmetic(), value);
        self.vector_result(value)
    }

    /// Emits a zero constant of exactly this type. Backends match on the type.
    fn zero_lanes(&mut self, ty: Type) -> Value {
        let zeros = self.builder.func.dfg.constants.insert(vec![0; 16].into());
        self.builder.ins().vconst(ty, zeros)
    }

    pub(super) fn vector_ternary_op(&mut self, op: VectorTernary, args: [ClifOperand; 3]) -> ClifValue {
        let [a, b, c] = args.map(|arg| self.value(arg));
        let value = match op {
            VectorTernary::V128Bitselect => self.builder.ins().bitselect(c, a, b),
        };
        self.vector_result(value)
    }

    pub(super) fn vector_test_op(&mut self, op: VectorTest, a: ClifOperand) -> ClifValue {
        use VectorTest::*;
        let ty = match op {
            V128AnyTrue | I8x16AllTrue | I8x16Bitmask => I8X16,
            I16x8AllTrue | I16x8Bitmask => I16X8,
            I32x4AllTrue | I32x4Bitmask => I32X4,
            I64x2AllTrue | I64x2Bitmask => I64X2,
        };
        let a = self.operand(a, ty);
        let bit = match op {
            V128AnyTrue => self.builder.ins().vany_true(a),
            I8x16AllTrue | I16x8AllTrue | I32x4AllTrue | I64x2AllTrue => self.builder.ins().vall_true(a),
            I8x16Bitmask | I16x8Bitmask | I32x4Bitmask | I64x2Bitmask => {
                let mask = self.builder.ins().vhigh_bits(types::I32, a);
                return self.operand_of(mask, ValueRepr::I32);
            }
        };
        self.bool_to_i32(bit)
    }

    pub(super) fn vector_shift_op(&mut self, op: VectorShift, a: ClifOperand, by: ClifOperand) -> ClifValue {
        use VectorShift::*;
        let ty = match op {
            I8x16Shl | I8x16ShrS | I8x16ShrU => I8X16,
            I16x8Shl | I16x8ShrS | I16x8ShrU => I16X8,
            I32x4Shl | I32x4ShrS | I32x4ShrU => I32X4,
            I64x2Shl | I64x2ShrS | I64x2ShrU => I64X2,
        };
        let (a, by) = (self.operand(a, ty), self.value(by));
        let value = match op {
            I8x16Shl | I16x8Shl | I32x4Shl | I64x2Shl => self.builder.ins().ishl(a, by),
            I8x16ShrS | I16x8ShrS | I32x4ShrS | I64x2ShrS => self.builder.ins().sshr(a, by),
            I8x16ShrU | I16x8ShrU | I32x4ShrU | I64x2ShrU => self.builder.ins().ushr(a, by),
        };
        self.vector_result(value)
    }
}
