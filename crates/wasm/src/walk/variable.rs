//! Parametric and variable instructions, and constants.

use wasmparser::Operator;

use super::Walk;
use crate::V128;
use crate::emit::*;
use crate::error::{Error, Result};
use crate::op::Structural as S;
use crate::types::ValType;

impl<E: Emit> Walk<'_, '_, E> {
    pub(super) fn variable_op(&mut self, op: &Operator<'_>) -> Result<bool> {
        match *op {
            Operator::LocalGet { local_index } => {
                self.charge(S::LocalGet);
                let local = self.local(local_index)?;
                let value = self.emit.local_get(local);
                self.push_alias(value, local);
            }
            Operator::LocalSet { local_index } => {
                self.charge(S::LocalSet);
                self.local_set(local_index)?;
            }
            Operator::LocalTee { local_index } => {
                self.charge(S::LocalTee);
                let local = self.local_set(local_index)?;
                let value = self.emit.local_get(local);
                self.push_alias(value, local);
            }
            Operator::I32Const { value } => self.constant(S::I32Const, Constant::I32(value), ValType::I32),
            Operator::I64Const { value } => self.constant(S::I64Const, Constant::I64(value), ValType::I64),
            Operator::F32Const { value } => self.constant(S::F32Const, Constant::F32(value.bits()), ValType::F32),
            Operator::F64Const { value } => self.constant(S::F64Const, Constant::F64(value.bits()), ValType::F64),
            Operator::V128Const { value } => {
                self.constant(S::V128Const, Constant::V128(V128(*value.bytes())), ValType::V128);
            }
            Operator::Drop => {
                self.charge(S::Drop);
                let value = self.pop()?;
                self.emit.drop_value(value);
            }
            Operator::Select => self.select(S::Select)?,
            Operator::TypedSelect { .. } => self.select(S::TypedSelect)?,
            Operator::GlobalGet { global_index } => {
                self.charge(S::GlobalGet);
                let ty = self.module.globals[global_index as usize].content;
                let to = self.next_slot();
                let value = self.emit.global_get(global_index, ty, to);
                self.push(value, ty);
            }
            Operator::GlobalSet { global_index } => {
                self.charge(S::GlobalSet);
                let value = self.pop()?;
                match value.ty {
                    ValType::Ref(_) => self.emit.store_ref(RefStore::Global(global_index), value),
                    _ => self.emit.global_set(global_index, value),
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn local(&self, index: u32) -> Result<Local> {
        self.frame.locals.get(index as usize).copied().ok_or_else(|| Error::impossible("local index"))
    }

    fn local_set(&mut self, index: u32) -> Result<Local> {
        let local = self.local(index)?;
        let value = self.pop()?;
        self.preserve_local(index);
        self.emit.local_set(local, value);
        Ok(local)
    }

    pub(super) fn constant(&mut self, row: S, constant: Constant, ty: ValType) {
        self.charge(row);
        let to = self.next_slot();
        let value = self.emit.constant(constant, to);
        self.push(value, ty);
    }

    fn select(&mut self, row: S) -> Result<()> {
        self.charge(row);
        let [a, b, condition] = self.pop_n()?;
        let to = self.next_slot();
        let value = self.emit.select(a, b, condition, to);
        self.push(value, a.ty);
        Ok(())
    }
}
