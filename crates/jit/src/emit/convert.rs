//! Scalar conversions (core specification, "Numeric Instructions").

use cranelift_codegen::ir::condcodes::FloatCC;
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Type, Value, types};
use kinglet_abi::Trap;
use kinglet_wasm::op::Convert;

use super::{ClifOperand, ClifValue, Emitter};
use crate::convention::ValueRepr;

impl Emitter<'_> {
    pub(super) fn convert_op(&mut self, op: Convert, a: ClifOperand) -> ClifValue {
        use Convert::*;
        let a = self.value(a);
        let bits = MemFlagsData::new();
        let value = match op {
            I32WrapI64 => self.builder.ins().ireduce(types::I32, a),
            I64ExtendI32S => self.builder.ins().sextend(types::I64, a),
            I64ExtendI32U => self.builder.ins().uextend(types::I64, a),
            I32TruncF32S | I32TruncF64S => self.truncate(types::I32, true, a),
            I32TruncF32U | I32TruncF64U => self.truncate(types::I32, false, a),
            I64TruncF32S | I64TruncF64S => self.truncate(types::I64, true, a),
            I64TruncF32U | I64TruncF64U => self.truncate(types::I64, false, a),
            I32TruncSatF32S | I32TruncSatF64S => self.builder.ins().fcvt_to_sint_sat(types::I32, a),
            I32TruncSatF32U | I32TruncSatF64U => self.builder.ins().fcvt_to_uint_sat(types::I32, a),
            I64TruncSatF32S | I64TruncSatF64S => self.builder.ins().fcvt_to_sint_sat(types::I64, a),
            I64TruncSatF32U | I64TruncSatF64U => self.builder.ins().fcvt_to_uint_sat(types::I64, a),
            F32ConvertI32S | F32ConvertI64S => self.builder.ins().fcvt_from_sint(types::F32, a),
            F32ConvertI32U | F32ConvertI64U => self.builder.ins().fcvt_from_uint(types::F32, a),
            F64ConvertI32S | F64ConvertI64S => self.builder.ins().fcvt_from_sint(types::F64, a),
            F64ConvertI32U | F64ConvertI64U => self.builder.ins().fcvt_from_uint(types::F64, a),
            F32DemoteF64 => self.builder.ins().fdemote(types::F32, a),
            F64PromoteF32 => self.builder.ins().fpromote(types::F64, a),
            I32ReinterpretF32 => self.builder.ins().bitcast(types::I32, bits, a),
            I64ReinterpretF64 => self.builder.ins().bitcast(types::I64, bits, a),
            F32ReinterpretI32 => self.builder.ins().bitcast(types::F32, bits, a),
            F64ReinterpretI64 => self.builder.ins().bitcast(types::F64, bits, a),
        };
        let value = self.canonicalize_nan(op.arithmetic(), value);
        self.operand_of(value, ValueRepr::new(op.result().into(), self.environment.types))
    }

    /// Converts a float to an integer. Traps if the value is NaN or out of range.
    fn truncate(&mut self, to: Type, signed: bool, a: Value) -> Value {
        if self.explicit_traps() {
            self.check_truncation(to, signed, a);
            return match signed {
                true => self.builder.ins().fcvt_to_sint_sat(to, a),
                false => self.builder.ins().fcvt_to_uint_sat(to, a),
            };
        }
        match signed {
            true => self.builder.ins().fcvt_to_sint(to, a),
            false => self.builder.ins().fcvt_to_uint(to, a),
        }
    }

    fn check_truncation(&mut self, to: Type, signed: bool, a: Value) {
        let is_nan = self.builder.ins().fcmp(FloatCC::Unordered, a, a);
        self.trap_if(is_nan, Trap::InvalidConversionToInteger);
        let bits = to.bits() as i32;
        let single = self.builder.func.dfg.value_type(a) == types::F32;
        // The nearest floats out of range. The lower one is the least integer minus 1, or the next smaller float if the
        // type cannot represent that number.
        let (below, above) = match (signed, single) {
            (false, _) => (-1.0, 2_f64.powi(bits)),
            (true, true) => (f64::from((-2_f32.powi(bits - 1)).next_down()), 2_f64.powi(bits - 1)),
            (true, false) if bits == 32 => (-2_f64.powi(31) - 1.0, 2_f64.powi(31)),
            (true, false) => ((-2_f64.powi(63)).next_down(), 2_f64.powi(63)),
        };
        let mut bound = |value: f64| match single {
            true => self.builder.ins().f32const(value as f32),
            false => self.builder.ins().f64const(value),
        };
        let (below, above) = (bound(below), bound(above));
        let too_low = self.builder.ins().fcmp(FloatCC::LessThanOrEqual, a, below);
        let too_high = self.builder.ins().fcmp(FloatCC::GreaterThanOrEqual, a, above);
        let outside = self.builder.ins().bor(too_low, too_high);
        self.trap_if(outside, Trap::IntegerOverflow);
    }
}
