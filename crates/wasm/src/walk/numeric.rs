//! Scalar numeric instructions. The walk passes each operator to the emitter's method for its family.

use wasmparser::Operator;

use super::Walk;
use crate::emit::*;
use crate::error::Result;
use crate::op::*;
use crate::types::ValType;

impl From<ValKind> for ValType {
    fn from(kind: ValKind) -> ValType {
        match kind {
            ValKind::I32 => ValType::I32,
            ValKind::I64 => ValType::I64,
            ValKind::F32 => ValType::F32,
            ValKind::F64 => ValType::F64,
            ValKind::V128 => ValType::V128,
        }
    }
}

/// Generates a function that returns an operator's row in a family of operations without immediates.
macro_rules! row_of {
    ($vis:vis fn $name:ident -> $Family:ident:
     $($token:ident $meaning:ident $text:literal $operands:tt -> $result:tt $gas:literal;)*) => {
        $vis fn $name(op: &Operator<'_>) -> Option<$Family> {
            match op {
                $(Operator::$token => Some($Family::$token),)*
                _ => None,
            }
        }
    };
}
pub(super) use row_of;

crate::unary_ops!(row_of, fn unary -> Unary:);
crate::convert_ops!(row_of, fn convert -> Convert:);
crate::binary_ops!(row_of, fn binary -> Binary:);
crate::compare_ops!(row_of, fn compare -> Compare:);
crate::wide_ops!(row_of, fn wide -> Wide:);

impl<E: Emit> Walk<'_, '_, E> {
    pub(super) fn numeric_op(&mut self, op: &Operator<'_>) -> Result<bool> {
        if let Some(op) = binary(op) {
            self.charge(op);
            let [a, b] = self.pop_n()?;
            let value = self.emit.binary(op, a, b, self.next_slot());
            self.push(value, op.result().into());
        } else if let Some(op) = compare(op) {
            self.charge(op);
            let [a, b] = self.pop_n()?;
            let value = self.emit.compare(op, a, b, self.next_slot());
            self.push(value, op.result().into());
        } else if let Some(op) = unary(op) {
            self.charge(op);
            let a = self.pop()?;
            let value = self.emit.unary(op, a, self.next_slot());
            self.push(value, op.result().into());
        } else if let Some(op) = convert(op) {
            self.charge(op);
            let a = self.pop()?;
            let value = self.emit.convert(op, a, self.next_slot());
            self.push(value, op.result().into());
        } else if let Some(op) = wide(op) {
            self.charge(op);
            let args = self.pop_many(op.operands().len())?;
            let values = self.emit.wide(op, &args, self.next_slot());
            values.into_iter().for_each(|value| self.push(value, ValType::I64));
        } else {
            return Ok(false);
        }
        Ok(true)
    }
}
