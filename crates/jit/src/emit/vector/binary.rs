//! Vector operations with two vector operands.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::types::{F32X4, F64X2, I8X16, I16X8, I32X4, I64X2};
use cranelift_codegen::ir::{InstBuilder, Type, Value};
use kinglet_wasm::op::VectorBinary;

use super::super::{ClifOperand, ClifValue, Emitter};

/// The half of a vector that an operation widens.
#[derive(Clone, Copy)]
enum Half {
    LowS,
    HighS,
    LowU,
    HighU,
}

impl Emitter<'_> {
    pub(in crate::emit) fn vector_binary_op(&mut self, op: VectorBinary, a: ClifOperand, b: ClifOperand) -> ClifValue {
        let ty = lanes_of(op);
        let (a, b) = (self.operand(a, ty), self.operand(b, ty));
        let value = match (integer_condition(op), float_condition(op)) {
            (Some(condition), _) => self.builder.ins().icmp(condition, a, b),
            (None, Some(condition)) => self.builder.ins().fcmp(condition, a, b),
            (None, None) => self.lower_binary(op, a, b),
        };
        let value = self.canonicalize_nan(op.arithmetic(), value);
        self.vector_result(value)
    }

    fn lower_binary(&mut self, op: VectorBinary, a: Value, b: Value) -> Value {
        use VectorBinary::*;
        let ins = self.builder.ins();
        match op {
            I8x16Swizzle => ins.swizzle(a, b),
            V128And => ins.band(a, b),
            V128AndNot => ins.band_not(a, b),
            V128Or => ins.bor(a, b),
            V128Xor => ins.bxor(a, b),
            I8x16NarrowI16x8S | I16x8NarrowI32x4S => ins.snarrow(a, b),
            I8x16NarrowI16x8U | I16x8NarrowI32x4U => ins.unarrow(a, b),
            I8x16Add | I16x8Add | I32x4Add | I64x2Add => ins.iadd(a, b),
            I8x16AddSatS | I16x8AddSatS => ins.sadd_sat(a, b),
            I8x16AddSatU | I16x8AddSatU => ins.uadd_sat(a, b),
            I8x16Sub | I16x8Sub | I32x4Sub | I64x2Sub => ins.isub(a, b),
            I8x16SubSatS | I16x8SubSatS => ins.ssub_sat(a, b),
            I8x16SubSatU | I16x8SubSatU => ins.usub_sat(a, b),
            I16x8Mul | I32x4Mul | I64x2Mul => ins.imul(a, b),
            I8x16MinS | I16x8MinS | I32x4MinS => ins.smin(a, b),
            I8x16MinU | I16x8MinU | I32x4MinU => ins.umin(a, b),
            I8x16MaxS | I16x8MaxS | I32x4MaxS => ins.smax(a, b),
            I8x16MaxU | I16x8MaxU | I32x4MaxU => ins.umax(a, b),
            I8x16AvgrU | I16x8AvgrU => ins.avg_round(a, b),
            I16x8Q15MulrSatS => ins.sqmul_round_sat(a, b),
            I32x4DotI16x8S => {
                let (low, high) = (self.widening_multiply(Half::LowS, a, b), self.widening_multiply(Half::HighS, a, b));
                self.builder.ins().iadd_pairwise(low, high)
            }
            I16x8ExtMulLowI8x16S | I32x4ExtMulLowI16x8S | I64x2ExtMulLowI32x4S => {
                self.widening_multiply(Half::LowS, a, b)
            }
            I16x8ExtMulHighI8x16S | I32x4ExtMulHighI16x8S | I64x2ExtMulHighI32x4S => {
                self.widening_multiply(Half::HighS, a, b)
            }
            I16x8ExtMulLowI8x16U | I32x4ExtMulLowI16x8U | I64x2ExtMulLowI32x4U => {
                self.widening_multiply(Half::LowU, a, b)
            }
            I16x8ExtMulHighI8x16U | I32x4ExtMulHighI16x8U | I64x2ExtMulHighI32x4U => {
                self.widening_multiply(Half::HighU, a, b)
            }
            F32x4Add | F64x2Add => ins.fadd(a, b),
            F32x4Sub | F64x2Sub => ins.fsub(a, b),
            F32x4Mul | F64x2Mul => ins.fmul(a, b),
            F32x4Div | F64x2Div => ins.fdiv(a, b),
            F32x4Min | F64x2Min => ins.fmin(a, b),
            F32x4Max | F64x2Max => ins.fmax(a, b),
            F32x4PMin | F64x2PMin => self.select_less_than(b, a, b, a),
            F32x4PMax | F64x2PMax => self.select_less_than(a, b, b, a),
            // `vector_binary_op` has lowered comparisons.
            I8x16Eq | I8x16Ne | I8x16LtS | I8x16LtU | I8x16GtS | I8x16GtU | I8x16LeS | I8x16LeU | I8x16GeS
            | I8x16GeU | I16x8Eq | I16x8Ne | I16x8LtS | I16x8LtU | I16x8GtS | I16x8GtU | I16x8LeS | I16x8LeU
            | I16x8GeS | I16x8GeU | I32x4Eq | I32x4Ne | I32x4LtS | I32x4LtU | I32x4GtS | I32x4GtU | I32x4LeS
            | I32x4LeU | I32x4GeS | I32x4GeU | I64x2Eq | I64x2Ne | I64x2LtS | I64x2GtS | I64x2LeS | I64x2GeS
            | F32x4Eq | F32x4Ne | F32x4Lt | F32x4Gt | F32x4Le | F32x4Ge | F64x2Eq | F64x2Ne | F64x2Lt | F64x2Gt
            | F64x2Le | F64x2Ge => a,
        }
    }

    fn widening_multiply(&mut self, half: Half, a: Value, b: Value) -> Value {
        let [a, b] = [a, b].map(|value| match half {
            Half::LowS => self.builder.ins().swiden_low(value),
            Half::HighS => self.builder.ins().swiden_high(value),
            Half::LowU => self.builder.ins().uwiden_low(value),
            Half::HighU => self.builder.ins().uwiden_high(value),
        });
        self.builder.ins().imul(a, b)
    }

    /// Selects `yes` in each lane where `a < b`, and `no` elsewhere.
    fn select_less_than(&mut self, a: Value, b: Value, yes: Value, no: Value) -> Value {
        let ty = self.builder.func.dfg.value_type(a);
        let less = self.builder.ins().fcmp(FloatCC::LessThan, a, b);
        let less = self.lanes(less, ty);
        self.builder.ins().bitselect(less, yes, no)
    }
}

/// Returns the lane type of an operation's operands.
fn lanes_of(op: VectorBinary) -> Type {
    use VectorBinary::*;
    match op {
        I8x16Swizzle | V128And | V128AndNot | V128Or | V128Xor => I8X16,
        I8x16Eq | I8x16Ne | I8x16LtS | I8x16LtU | I8x16GtS | I8x16GtU | I8x16LeS | I8x16LeU | I8x16GeS | I8x16GeU => {
            I8X16
        }
        I8x16Add | I8x16AddSatS | I8x16AddSatU | I8x16Sub | I8x16SubSatS | I8x16SubSatU => I8X16,
        I8x16MinS | I8x16MinU | I8x16MaxS | I8x16MaxU | I8x16AvgrU => I8X16,
        I16x8ExtMulLowI8x16S | I16x8ExtMulHighI8x16S | I16x8ExtMulLowI8x16U | I16x8ExtMulHighI8x16U => I8X16,
        I16x8Eq | I16x8Ne | I16x8LtS | I16x8LtU | I16x8GtS | I16x8GtU | I16x8LeS | I16x8LeU | I16x8GeS | I16x8GeU => {
            I16X8
        }
        I8x16NarrowI16x8S | I8x16NarrowI16x8U | I16x8Q15MulrSatS | I32x4DotI16x8S => I16X8,
        I16x8Add | I16x8AddSatS | I16x8AddSatU | I16x8Sub | I16x8SubSatS | I16x8SubSatU | I16x8Mul => I16X8,
        I16x8MinS | I16x8MinU | I16x8MaxS | I16x8MaxU | I16x8AvgrU => I16X8,
        I32x4ExtMulLowI16x8S | I32x4ExtMulHighI16x8S | I32x4ExtMulLowI16x8U | I32x4ExtMulHighI16x8U => I16X8,
        I32x4Eq | I32x4Ne | I32x4LtS | I32x4LtU | I32x4GtS | I32x4GtU | I32x4LeS | I32x4LeU | I32x4GeS | I32x4GeU => {
            I32X4
        }
        I16x8NarrowI32x4S | I16x8NarrowI32x4U | I32x4Add | I32x4Sub | I32x4Mul => I32X4,
        I32x4MinS | I32x4MinU | I32x4MaxS | I32x4MaxU => I32X4,
        I64x2ExtMulLowI32x4S | I64x2ExtMulHighI32x4S | I64x2ExtMulLowI32x4U | I64x2ExtMulHighI32x4U => I32X4,
        I64x2Eq | I64x2Ne | I64x2LtS | I64x2GtS | I64x2LeS | I64x2GeS | I64x2Add | I64x2Sub | I64x2Mul => I64X2,
        F32x4Eq | F32x4Ne | F32x4Lt | F32x4Gt | F32x4Le | F32x4Ge => F32X4,
        F32x4Add | F32x4Sub | F32x4Mul | F32x4Div | F32x4Min | F32x4Max | F32x4PMin | F32x4PMax => F32X4,
        F64x2Eq | F64x2Ne | F64x2Lt | F64x2Gt | F64x2Le | F64x2Ge => F64X2,
        F64x2Add | F64x2Sub | F64x2Mul | F64x2Div | F64x2Min | F64x2Max | F64x2PMin | F64x2PMax => F64X2,
    }
}

fn integer_condition(op: VectorBinary) -> Option<IntCC> {
    use VectorBinary::*;
    Some(match op {
        I8x16Eq | I16x8Eq | I32x4Eq | I64x2Eq => IntCC::Equal,
        I8x16Ne | I16x8Ne | I32x4Ne | I64x2Ne => IntCC::NotEqual,
        I8x16LtS | I16x8LtS | I32x4LtS | I64x2LtS => IntCC::SignedLessThan,
        I8x16LtU | I16x8LtU | I32x4LtU => IntCC::UnsignedLessThan,
        I8x16GtS | I16x8GtS | I32x4GtS | I64x2GtS => IntCC::SignedGreaterThan,
        I8x16GtU | I16x8GtU | I32x4GtU => IntCC::UnsignedGreaterThan,
        I8x16LeS | I16x8LeS | I32x4LeS | I64x2LeS => IntCC::SignedLessThanOrEqual,
        I8x16LeU | I16x8LeU | I32x4LeU => IntCC::UnsignedLessThanOrEqual,
        I8x16GeS | I16x8GeS | I32x4GeS | I64x2GeS => IntCC::SignedGreaterThanOrEqual,
        I8x16GeU | I16x8GeU | I32x4GeU => IntCC::UnsignedGreaterThanOrEqual,
        _ => return None,
    })
}

fn float_condition(op: VectorBinary) -> Option<FloatCC> {
    use VectorBinary::*;
    Some(match op {
        F32x4Eq | F64x2Eq => FloatCC::Equal,
        F32x4Ne | F64x2Ne => FloatCC::NotEqual,
        F32x4Lt | F64x2Lt => FloatCC::LessThan,
        F32x4Gt | F64x2Gt => FloatCC::GreaterThan,
        F32x4Le | F64x2Le => FloatCC::LessThanOrEqual,
        F32x4Ge | F64x2Ge => FloatCC::GreaterThanOrEqual,
        _ => return None,
    })
}
