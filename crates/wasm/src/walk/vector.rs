//! Vector instructions. The walk passes each row of a family to the emitter's method for that family.

use wasmparser::Operator;

use super::Walk;
use super::numeric::row_of;
use crate::emit::*;
use crate::error::Result;
use crate::op::*;
use crate::types::ValType;

macro_rules! row_and_lane {
    ($name:ident -> $Family:ident:
     $($token:ident $meaning:ident $text:literal $operands:tt -> $result:tt $gas:literal;)*) => {
        fn $name(op: &Operator<'_>) -> Option<($Family, u8)> {
            match op {
                $(Operator::$token { lane } => Some(($Family::$token, *lane)),)*
                _ => None,
            }
        }
    };
}

crate::vector_unary_ops!(row_of, fn unary -> VectorUnary:);
crate::vector_binary_ops!(row_of, fn binary -> VectorBinary:);
crate::vector_ternary_ops!(row_of, fn ternary -> VectorTernary:);
crate::vector_test_ops!(row_of, fn test -> VectorTest:);
crate::vector_shift_ops!(row_of, fn shift -> VectorShift:);
crate::vector_splat_ops!(row_of, fn splat -> VectorSplat:);
crate::vector_extract_ops!(row_and_lane, extract -> VectorExtract:);
crate::vector_replace_ops!(row_and_lane, replace -> VectorReplace:);

impl<E: Emit> Walk<'_, '_, E> {
    pub(super) fn vector_op(&mut self, op: &Operator<'_>) -> Result<bool> {
        if let Some(op) = binary(op) {
            self.charge(op);
            let [a, b] = self.pop_n()?;
            let value = self.emit.vector_binary(op, a, b, self.next_slot());
            self.push(value, ValType::V128);
        } else if let Some(op) = unary(op) {
            self.charge(op);
            let a = self.pop()?;
            let value = self.emit.vector_unary(op, a, self.next_slot());
            self.push(value, ValType::V128);
        } else if let Some(op) = ternary(op) {
            self.charge(op);
            let args = self.pop_n()?;
            let value = self.emit.vector_ternary(op, args, self.next_slot());
            self.push(value, ValType::V128);
        } else if let Some(op) = test(op) {
            self.charge(op);
            let a = self.pop()?;
            let value = self.emit.vector_test(op, a, self.next_slot());
            self.push(value, ValType::I32);
        } else if let Some(op) = shift(op) {
            self.charge(op);
            let [a, by] = self.pop_n()?;
            let value = self.emit.vector_shift(op, a, by, self.next_slot());
            self.push(value, ValType::V128);
        } else {
            return self.lane_op(op);
        }
        Ok(true)
    }

    fn lane_op(&mut self, op: &Operator<'_>) -> Result<bool> {
        if let Some(op) = splat(op) {
            self.charge(op);
            let a = self.pop()?;
            let value = self.emit.vector_splat(op, a, self.next_slot());
            self.push(value, ValType::V128);
        } else if let Some((op, lane)) = extract(op) {
            self.charge(op);
            let a = self.pop()?;
            let value = self.emit.vector_extract(op, lane, a, self.next_slot());
            self.push(value, op.result().into());
        } else if let Some((op, lane)) = replace(op) {
            self.charge(op);
            let [a, b] = self.pop_n()?;
            let value = self.emit.vector_replace(op, lane, a, b, self.next_slot());
            self.push(value, ValType::V128);
        } else if let Operator::I8x16Shuffle { lanes } = op {
            self.charge(Structural::I8x16Shuffle);
            let [a, b] = self.pop_n()?;
            let value = self.emit.vector_shuffle(*lanes, a, b, self.next_slot());
            self.push(value, ValType::V128);
        } else {
            return Ok(false);
        }
        Ok(true)
    }
}
