//! Scalar arithmetic: what the seed has of it.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, types};
use kinglet_wasm::op::{Binary, Compare, Unary};

use super::{Emitter, Op1, V};
use crate::convention::Kind;

impl Emitter<'_> {
    pub(super) fn unary_op(&mut self, op: Unary, a: Op1) -> V {
        match op {
            Unary::I32Eqz => self.eqz(a),
            _ => self.refuse(op.text()),
        }
    }

    fn eqz(&mut self, a: Op1) -> V {
        let a = self.value(a);
        let bit = self.builder.ins().icmp_imm_u(IntCC::Equal, a, 0);
        let value = self.builder.ins().uextend(types::I32, bit);
        self.result(value, Kind::I32)
    }

    pub(super) fn binary_op(&mut self, op: Binary, a: Op1, b: Op1) -> V {
        let (a, b) = (self.value(a), self.value(b));
        let value = match op {
            Binary::I32Add | Binary::I64Add => self.builder.ins().iadd(a, b),
            Binary::I32Sub | Binary::I64Sub => self.builder.ins().isub(a, b),
            Binary::I32Mul | Binary::I64Mul => self.builder.ins().imul(a, b),
            Binary::F32Add | Binary::F64Add => self.builder.ins().fadd(a, b),
            _ => return self.refuse(op.text()),
        };
        let kind = Kind::new(op.result().into(), self.environment.types);
        self.result(value, kind)
    }

    pub(super) fn compare_op(&mut self, op: Compare, a: Op1, b: Op1) -> V {
        let condition = match op {
            Compare::I32Eq | Compare::I64Eq => IntCC::Equal,
            Compare::I32Ne | Compare::I64Ne => IntCC::NotEqual,
            Compare::I32LtS | Compare::I64LtS => IntCC::SignedLessThan,
            Compare::I32LtU | Compare::I64LtU => IntCC::UnsignedLessThan,
            Compare::I32GtS | Compare::I64GtS => IntCC::SignedGreaterThan,
            Compare::I32GtU | Compare::I64GtU => IntCC::UnsignedGreaterThan,
            Compare::I32LeS | Compare::I64LeS => IntCC::SignedLessThanOrEqual,
            Compare::I32LeU | Compare::I64LeU => IntCC::UnsignedLessThanOrEqual,
            Compare::I32GeS | Compare::I64GeS => IntCC::SignedGreaterThanOrEqual,
            Compare::I32GeU | Compare::I64GeU => IntCC::UnsignedGreaterThanOrEqual,
            _ => return self.refuse(op.text()),
        };
        let (a, b) = (self.value(a), self.value(b));
        let bit = self.builder.ins().icmp(condition, a, b);
        let value = self.builder.ins().uextend(types::I32, bit);
        self.result(value, Kind::I32)
    }
}
