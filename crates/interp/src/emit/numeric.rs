//! Scalar numeric instructions. Operations on constants alone are done here and now, by the same meaning that the
//! handlers use, unless they trap.

use kinglet_wasm::emit::*;
use kinglet_wasm::op::*;
use kinglet_wasm::sem;
use kinglet_wasm::types::ValType;

use super::assembler::{Class, Last, Recent, Shape};
use super::{Lower, Value};
use crate::exec::{Handler, Kind, handlers};

impl Lower<'_> {
    pub(super) fn emit_unary(&mut self, op: Unary, a: Operand<Value>, to: Slot) -> Value {
        if let Value::Const(a) = a.value
            && let Ok(value) = sem::eval_unary(op, a)
        {
            return Value::Const(value);
        }
        let (start, kind, value) =
            self.one_operand(op.text(), |a, d| handlers::unary(op, a, d), a, op.result().into(), to);
        match op {
            Unary::I32Eqz => self.asm.last = Some(Last::Eqz(start, false, kind)),
            Unary::I64Eqz => self.asm.last = Some(Last::Eqz(start, true, kind)),
            _ => {}
        }
        value
    }

    pub(super) fn emit_convert(&mut self, op: Convert, a: Operand<Value>, to: Slot) -> Value {
        if let Value::Const(a) = a.value
            && let Ok(value) = sem::eval_convert(op, a)
        {
            return Value::Const(value);
        }
        self.one_operand(op.text(), |a, d| handlers::convert(op, a, d), a, op.result().into(), to).2
    }

    /// What arithmetic on floats gave, its NaN made canonical if the engine asks for that.
    pub(super) fn canonical(&mut self, shape: Option<FloatShape>, value: Value, to: Slot) -> Value {
        let Some(shape) = shape.filter(|_| self.environment.settings.nan_canonicalization) else { return value };
        let operand = |ty| Operand { value, ty, slot: to };
        match (shape, value) {
            (FloatShape::F32, Value::Const(bits)) => {
                Value::Const(sem::f32_canonical(f32::from_bits(bits as u32)).to_bits().into())
            }
            (FloatShape::F64, Value::Const(bits)) => Value::Const(sem::f64_canonical(f64::from_bits(bits)).to_bits()),
            (FloatShape::F32, _) => {
                self.one_operand("f32.canonical", handlers::f32_canonical, operand(ValType::F32), ValType::F32, to).2
            }
            (FloatShape::F64, _) => {
                self.one_operand("f64.canonical", handlers::f64_canonical, operand(ValType::F64), ValType::F64, to).2
            }
            (FloatShape::F32x4, _) => {
                self.emit_vector(handlers::f32x4_canonical(), "f32x4.canonical", &[operand(ValType::V128)], to)
            }
            (FloatShape::F64x2, _) => {
                self.emit_vector(handlers::f64x2_canonical(), "f64x2.canonical", &[operand(ValType::V128)], to)
            }
        }
    }

    fn one_operand(
        &mut self,
        name: &str,
        handler: impl Fn(Kind, Kind) -> Handler,
        a: Operand<Value>,
        ty: ValType,
        to: Slot,
    ) -> (usize, Kind, Value) {
        self.grow(to + 1);
        let kind = self.asm.source_no_imm(a);
        self.asm.flush();
        let start = self.asm.words.len();
        self.asm.inst(handler(kind, Kind::Acc), || name.to_string());
        self.asm.operand_words(a, kind);
        (start, kind, self.asm.result(start, handler(kind, Kind::Slot), Class::of(ty), to))
    }

    pub(super) fn emit_binary(&mut self, op: Binary, a: Operand<Value>, b: Operand<Value>, to: Slot) -> Value {
        if let (Value::Const(a), Value::Const(b)) = (a.value, b.value)
            && let Ok(value) = sem::eval_binary(op, a, b)
        {
            return Value::Const(value);
        }
        // Less a constant is plus its negative: one instruction to look for.
        let (op, b) = match (op, b.value) {
            (Binary::I32Sub, Value::Const(bits)) => {
                (Binary::I32Add, Operand { value: Value::Const((bits as u32).wrapping_neg().into()), ..b })
            }
            _ => (op, b),
        };
        let plus = match (op, b.value) {
            (Binary::I32Add, Value::Const(b)) => Some(b as u32),
            _ => None,
        };
        if let Some(value) = plus.and_then(|constant| self.global_plus(a, constant, to)) {
            return value;
        }
        self.grow(to + 2);
        if let (Some(constant), Some((start, kind))) = (plus, self.asm.recent_result(Shape::Load, a)) {
            self.asm.source(a);
            self.asm.fuse(start, handlers::load_plus(kind, Kind::Acc), || format!("+ {}", constant as i32));
            self.asm.word(constant);
            return self.asm.result(start, handlers::load_plus(kind, Kind::Slot), Class::I32, to);
        }
        let loaded = [a, b].into_iter().find_map(|operand| self.asm.recent_pending(operand));
        let (ka, kb) = self.two_sources(a, b);
        if let Some(Recent { start, shape: Shape::F64Load }) = loaded
            && self.asm.recent == loaded
            && let Some(handler) = handlers::load_and_binary(op, ka, kb, Kind::Acc)
            && let Some(storing) = handlers::load_and_binary(op, ka, kb, Kind::Slot)
        {
            self.asm.fuse(start, handler, || op.text().to_string());
            self.asm.operand_words(a, ka);
            self.asm.operand_words(b, kb);
            return self.asm.result(start, storing, Class::F64, to);
        }
        let start = self.asm.words.len();
        self.asm.inst(handlers::binary(op, ka, kb, Kind::Acc), || op.text().to_string());
        self.asm.operand_words(a, ka);
        self.asm.operand_words(b, kb);
        let storing = handlers::binary(op, ka, kb, Kind::Slot);
        let value = self.asm.result(start, storing, Class::of(op.result().into()), to);
        if let Binary::F64Add | Binary::F64Sub | Binary::F64Mul = op {
            self.asm.remember(start, Shape::F64Binary(op, ka, kb));
        }
        match (op, plus, ka, kb) {
            (_, Some(constant), Kind::Slot, _) => self.asm.remember(start, Shape::SlotPlus(constant)),
            (Binary::I32Add, None, Kind::Slot, Kind::Slot) => self.asm.remember(start, Shape::Sum),
            _ => {}
        }
        value
    }

    pub(super) fn emit_compare(&mut self, op: Compare, a: Operand<Value>, b: Operand<Value>, to: Slot) -> Value {
        if let (Value::Const(a), Value::Const(b)) = (a.value, b.value)
            && let Ok(value) = sem::eval_compare(op, a, b)
        {
            return Value::Const(value);
        }
        self.grow(to + 2);
        let (ka, kb) = self.two_sources(a, b);
        let start = self.asm.words.len();
        self.asm.inst(handlers::compare(op, ka, kb, Kind::Acc), || op.text().to_string());
        self.asm.operand_words(a, ka);
        self.asm.operand_words(b, kb);
        let value = self.asm.result(start, handlers::compare(op, ka, kb, Kind::Slot), Class::I32, to);
        self.asm.last = Some(Last::Compare(start, op, ka, kb));
        value
    }

    /// Where two operands come from: not both from the accumulator, not both constants.
    fn two_sources(&mut self, a: Operand<Value>, b: Operand<Value>) -> (Kind, Kind) {
        if let (Value::Const(_), Value::Const(_)) = (a.value, b.value) {
            // A constant operation that traps.
            self.asm.own_slot(a);
            return (Kind::Slot, Kind::Imm);
        }
        let kb = self.asm.source(b);
        let ka = self.asm.source(a);
        let ka = if ka == Kind::Acc && kb == Kind::Acc { Kind::Slot } else { ka };
        self.asm.flush();
        (ka, kb)
    }

    pub(super) fn emit_wide(&mut self, op: Wide, args: &[Operand<Value>], to: Slot) -> [Value; 2] {
        for arg in args {
            self.grow(arg.slot + 1);
            self.asm.own_slot(*arg);
        }
        self.asm.flush();
        self.asm.forget(to);
        self.asm.forget(to + 1);
        self.grow(to + 2);
        self.asm.inst(handlers::wide(op), || format!("{} s{to}", op.text()));
        self.asm.slot_word(to);
        [Value::Slot(to), Value::Slot(to + 1)]
    }
}
