//! Scalar arithmetic and comparisons (core specification, "Numeric Instructions").

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::immediates::{Ieee32, Ieee64};
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Type, Value, types};
use kinglet_abi::Trap;
use kinglet_wasm::op::{Binary, Compare, FloatShape, Unary, Wide};

use super::{ClifOperand, ClifValue, Emitter};
use crate::convention::ValueRepr;

impl Emitter<'_> {
    pub(super) fn unary_op(&mut self, op: Unary, a: ClifOperand) -> ClifValue {
        use Unary::*;
        let a = self.value(a);
        let value = match op {
            I32Eqz | I64Eqz => {
                let is_zero = self.builder.ins().icmp_imm_u(IntCC::Equal, a, 0);
                self.builder.ins().uextend(types::I32, is_zero)
            }
            I32Clz | I64Clz => self.builder.ins().clz(a),
            I32Ctz | I64Ctz => self.builder.ins().ctz(a),
            I32Popcnt | I64Popcnt => self.builder.ins().popcnt(a),
            F32Abs | F64Abs => self.builder.ins().fabs(a),
            F32Neg | F64Neg => self.builder.ins().fneg(a),
            F32Ceil | F64Ceil => self.builder.ins().ceil(a),
            F32Floor | F64Floor => self.builder.ins().floor(a),
            F32Trunc | F64Trunc => self.builder.ins().trunc(a),
            F32Nearest | F64Nearest => self.builder.ins().nearest(a),
            F32Sqrt | F64Sqrt => self.builder.ins().sqrt(a),
            I32Extend8S => self.extend_low(a, types::I8, types::I32),
            I32Extend16S => self.extend_low(a, types::I16, types::I32),
            I64Extend8S => self.extend_low(a, types::I8, types::I64),
            I64Extend16S => self.extend_low(a, types::I16, types::I64),
            I64Extend32S => self.extend_low(a, types::I32, types::I64),
        };
        let value = self.canonicalize_nan(op.arithmetic(), value);
        self.operand_of(value, ValueRepr::new(op.result().into(), self.environment.types))
    }

    fn extend_low(&mut self, a: Value, from: Type, to: Type) -> Value {
        let low = self.builder.ins().ireduce(from, a);
        self.builder.ins().sextend(to, low)
    }

    pub(super) fn binary_op(&mut self, op: Binary, a: ClifOperand, b: ClifOperand) -> ClifValue {
        use Binary::*;
        let (a, b) = (self.value(a), self.value(b));
        let value = match op {
            I32Add | I64Add => self.builder.ins().iadd(a, b),
            I32Sub | I64Sub => self.builder.ins().isub(a, b),
            I32Mul | I64Mul => self.builder.ins().imul(a, b),
            I32DivS | I64DivS => self.signed_division(a, b),
            I32DivU | I64DivU => {
                self.check_divisor(b);
                self.builder.ins().udiv(a, b)
            }
            I32RemS | I64RemS => {
                self.check_divisor(b);
                self.builder.ins().srem(a, b)
            }
            I32RemU | I64RemU => {
                self.check_divisor(b);
                self.builder.ins().urem(a, b)
            }
            I32And | I64And => self.builder.ins().band(a, b),
            I32Or | I64Or => self.builder.ins().bor(a, b),
            I32Xor | I64Xor => self.builder.ins().bxor(a, b),
            I32Shl | I64Shl => self.builder.ins().ishl(a, b),
            I32ShrS | I64ShrS => self.builder.ins().sshr(a, b),
            I32ShrU | I64ShrU => self.builder.ins().ushr(a, b),
            I32Rotl | I64Rotl => self.builder.ins().rotl(a, b),
            I32Rotr | I64Rotr => self.builder.ins().rotr(a, b),
            F32Add | F64Add => {
                let a = self.pin_first_operand(a);
                self.builder.ins().fadd(a, b)
            }
            F32Sub | F64Sub => self.builder.ins().fsub(a, b),
            F32Mul | F64Mul => {
                let a = self.pin_first_operand(a);
                self.builder.ins().fmul(a, b)
            }
            F32Div | F64Div => self.builder.ins().fdiv(a, b),
            F32Min | F64Min => self.builder.ins().fmin(a, b),
            F32Max | F64Max => self.builder.ins().fmax(a, b),
            F32Copysign | F64Copysign => self.builder.ins().fcopysign(a, b),
        };
        let value = self.canonicalize_nan(op.arithmetic(), value);
        self.operand_of(value, ValueRepr::new(op.result().into(), self.environment.types))
    }

    /// Keeps the first operand of a commutative operation first.
    ///
    /// Of two NaNs, the processor returns the first. Cranelift commutes operands if one is a load or a negation. A
    /// cast, which is free, hides the load or negation from Cranelift.
    fn pin_first_operand(&mut self, a: Value) -> Value {
        if !self.orders_nan {
            return a;
        }
        let ty = self.builder.func.dfg.value_type(a);
        self.builder.ins().bitcast(ty, MemFlagsData::new(), a)
    }

    /// Replaces NaNs by the canonical NaN if the settings require it.
    pub(super) fn canonicalize_nan(&mut self, shape: Option<FloatShape>, value: Value) -> Value {
        let Some(shape) = shape.filter(|_| self.environment.settings.nan_canonicalization) else { return value };
        let is_nan = self.builder.ins().fcmp(FloatCC::Unordered, value, value);
        let nan = match shape {
            FloatShape::F32 | FloatShape::F32x4 => self.builder.ins().f32const(Ieee32::with_bits(0x7FC0_0000)),
            FloatShape::F64 | FloatShape::F64x2 => self.builder.ins().f64const(Ieee64::with_bits(0x7FF8 << 48)),
        };
        if let FloatShape::F32 | FloatShape::F64 = shape {
            return self.builder.ins().select(is_nan, nan, value);
        }
        let ty = self.builder.func.dfg.value_type(value);
        let (nan, is_nan) = (self.builder.ins().splat(ty, nan), self.lanes(is_nan, ty));
        self.builder.ins().bitselect(is_nan, nan, value)
    }

    fn signed_division(&mut self, a: Value, b: Value) -> Value {
        if self.explicit_traps() {
            self.check_divisor(b);
            let min = if self.builder.func.dfg.value_type(a) == types::I32 { i32::MIN.into() } else { i64::MIN };
            let is_min = self.builder.ins().icmp_imm_s(IntCC::Equal, a, min);
            let is_minus_one = self.builder.ins().icmp_imm_s(IntCC::Equal, b, -1);
            let overflow = self.builder.ins().band(is_min, is_minus_one);
            self.trap_if(overflow, Trap::IntegerOverflow);
        }
        self.builder.ins().sdiv(a, b)
    }

    /// Emits a check for division by zero if the processor's own fault would not be caught.
    fn check_divisor(&mut self, b: Value) {
        if self.explicit_traps() {
            self.trap_if_zero(b, Trap::IntegerDivideByZero);
        }
    }

    pub(super) fn compare_op(&mut self, op: Compare, a: ClifOperand, b: ClifOperand) -> ClifValue {
        use Compare::*;
        let (a, b) = (self.value(a), self.value(b));
        let integers = match op {
            I32Eq | I64Eq => IntCC::Equal,
            I32Ne | I64Ne => IntCC::NotEqual,
            I32LtS | I64LtS => IntCC::SignedLessThan,
            I32LtU | I64LtU => IntCC::UnsignedLessThan,
            I32GtS | I64GtS => IntCC::SignedGreaterThan,
            I32GtU | I64GtU => IntCC::UnsignedGreaterThan,
            I32LeS | I64LeS => IntCC::SignedLessThanOrEqual,
            I32LeU | I64LeU => IntCC::UnsignedLessThanOrEqual,
            I32GeS | I64GeS => IntCC::SignedGreaterThanOrEqual,
            I32GeU | I64GeU => IntCC::UnsignedGreaterThanOrEqual,
            F32Eq | F64Eq => return self.compare_floats(FloatCC::Equal, a, b),
            F32Ne | F64Ne => return self.compare_floats(FloatCC::NotEqual, a, b),
            F32Lt | F64Lt => return self.compare_floats(FloatCC::LessThan, a, b),
            F32Gt | F64Gt => return self.compare_floats(FloatCC::GreaterThan, a, b),
            F32Le | F64Le => return self.compare_floats(FloatCC::LessThanOrEqual, a, b),
            F32Ge | F64Ge => return self.compare_floats(FloatCC::GreaterThanOrEqual, a, b),
        };
        let bit = self.builder.ins().icmp(integers, a, b);
        self.bool_to_i32(bit)
    }

    fn compare_floats(&mut self, condition: FloatCC, a: Value, b: Value) -> ClifValue {
        let bit = self.builder.ins().fcmp(condition, a, b);
        self.bool_to_i32(bit)
    }

    /// Extends a condition to an `i32`.
    pub(super) fn bool_to_i32(&mut self, bit: Value) -> ClifValue {
        let value = self.builder.ins().uextend(types::I32, bit);
        self.operand_of(value, ValueRepr::I32)
    }

    /// Lowers 128-bit arithmetic on pairs of `i64`, low half first.
    pub(super) fn wide_op(&mut self, op: Wide, args: &[ClifOperand]) -> [ClifValue; 2] {
        let args = self.values(args);
        let (a, b) = match (op, &args[..]) {
            (Wide::I64Add128 | Wide::I64Sub128, &[a, a_high, b, b_high]) => {
                (self.builder.ins().iconcat(a, a_high), self.builder.ins().iconcat(b, b_high))
            }
            (Wide::I64MulWideS, &[a, b, ..]) => {
                (self.builder.ins().sextend(types::I128, a), self.builder.ins().sextend(types::I128, b))
            }
            (_, &[a, b, ..]) => {
                (self.builder.ins().uextend(types::I128, a), self.builder.ins().uextend(types::I128, b))
            }
            _ => return [ClifValue::Value(self.vmctx); 2],
        };
        let wide = match op {
            Wide::I64Add128 => self.builder.ins().iadd(a, b),
            Wide::I64Sub128 => self.builder.ins().isub(a, b),
            Wide::I64MulWideS | Wide::I64MulWideU => self.builder.ins().imul(a, b),
        };
        let (low, high) = self.builder.ins().isplit(wide);
        [low, high].map(|half| self.operand_of(half, ValueRepr::I64))
    }
}
