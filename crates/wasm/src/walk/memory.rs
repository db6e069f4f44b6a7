//! Memory and table instructions.

use wasmparser as wp;
use wasmparser::Operator;

use super::Walk;
use crate::emit::*;
use crate::error::Result;
use crate::op::{Load, Store, Structural as S, VectorLoadLane, VectorStoreLane};
use crate::types::ValType;

macro_rules! row_and_memarg {
    ($name:ident -> $Family:ident:
     $($token:ident $meaning:ident $text:literal $operand:tt -> $result:tt $gas:literal;)*) => {
        fn $name<'o>(op: &'o Operator<'_>) -> Option<($Family, &'o wp::MemArg)> {
            match op {
                $(Operator::$token { memarg } => Some(($Family::$token, memarg)),)*
                _ => None,
            }
        }
    };
}

macro_rules! row_memarg_and_lane {
    ($name:ident -> $Family:ident:
     $($token:ident $meaning:ident $text:literal $operand:tt -> $result:tt $gas:literal;)*) => {
        fn $name<'o>(op: &'o Operator<'_>) -> Option<($Family, &'o wp::MemArg, u8)> {
            match op {
                $(Operator::$token { memarg, lane } => Some(($Family::$token, memarg, *lane)),)*
                _ => None,
            }
        }
    };
}

crate::load_ops!(row_and_memarg, load -> Load:);
crate::store_ops!(row_and_memarg, store -> Store:);
crate::vector_load_lane_ops!(row_memarg_and_lane, load_lane -> VectorLoadLane:);
crate::vector_store_lane_ops!(row_memarg_and_lane, store_lane -> VectorStoreLane:);

fn mem_arg(arg: &wp::MemArg) -> MemArg {
    let memory = match arg.target {
        wp::MemArgTarget::Memory(memory) => memory,
        // Loads from arrays are not in the feature table, so validation rejects them.
        wp::MemArgTarget::Array(_) => 0,
    };
    MemArg { memory, offset: arg.offset }
}

impl<E: Emit> Walk<'_, '_, E> {
    pub(super) fn memory_op(&mut self, op: &Operator<'_>) -> Result<bool> {
        if let Some((op, arg)) = load(op) {
            self.charge(op);
            let addr = self.pop()?;
            let value = self.emit.load(op, mem_arg(arg), addr, self.next_slot());
            self.push(value, op.result().into());
        } else if let Some((op, arg)) = store(op) {
            self.charge(op);
            let [addr, value] = self.pop_n()?;
            self.emit.store(op, mem_arg(arg), addr, value);
        } else if let Some((op, arg, lane)) = load_lane(op) {
            self.charge(op);
            let [addr, vector] = self.pop_n()?;
            let to = self.next_slot();
            let value = self.emit.vector_load_lane(op, mem_arg(arg), lane, addr, vector, to);
            self.push(value, ValType::V128);
        } else if let Some((op, arg, lane)) = store_lane(op) {
            self.charge(op);
            let [addr, vector] = self.pop_n()?;
            self.emit.vector_store_lane(op, mem_arg(arg), lane, addr, vector);
        } else {
            return Ok(self.bulk_memory_op(op)? || self.table_op(op)?);
        }
        Ok(true)
    }

    fn bulk_memory_op(&mut self, op: &Operator<'_>) -> Result<bool> {
        match *op {
            Operator::MemorySize { mem } => {
                self.charge(S::MemorySize);
                let value = self.emit.memory_size(mem, self.next_slot());
                self.push(value, self.module.memories[mem as usize].index.val_type());
            }
            Operator::MemoryGrow { mem } => {
                self.charge_last(S::MemoryGrow);
                let delta = self.pop()?;
                let value = self.emit.memory_grow(mem, delta, self.next_slot());
                self.push(value, self.module.memories[mem as usize].index.val_type());
            }
            Operator::MemoryFill { mem } => {
                self.charge_last(S::MemoryFill);
                let args = self.pop_n()?;
                self.emit.memory_fill(mem, args);
            }
            Operator::MemoryCopy { dst_mem, src_mem } => {
                self.charge_last(S::MemoryCopy);
                let args = self.pop_n()?;
                self.emit.memory_copy(dst_mem, src_mem, args);
            }
            Operator::MemoryInit { data_index, mem } => {
                self.charge_last(S::MemoryInit);
                let args = self.pop_n()?;
                self.emit.memory_init(mem, data_index, args);
            }
            Operator::DataDrop { data_index } => {
                self.charge(S::DataDrop);
                self.emit.data_drop(data_index);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn table_op(&mut self, op: &Operator<'_>) -> Result<bool> {
        match *op {
            Operator::TableGet { table } => {
                self.charge(S::TableGet);
                let index = self.pop()?;
                let value = self.emit.table_get(table, index, self.next_slot());
                self.push(value, ValType::Ref(self.module.tables[table as usize].element));
            }
            Operator::TableSet { table } => {
                self.charge(S::TableSet);
                let [index, value] = self.pop_n()?;
                self.emit.store_ref(RefStore::Table { table, index }, value);
            }
            Operator::TableSize { table } => {
                self.charge(S::TableSize);
                let value = self.emit.table_size(table, self.next_slot());
                self.push(value, self.module.tables[table as usize].index.val_type());
            }
            Operator::TableGrow { table } => {
                self.charge_last(S::TableGrow);
                let [init, delta] = self.pop_n()?;
                let value = self.emit.table_grow(table, init, delta, self.next_slot());
                self.push(value, self.module.tables[table as usize].index.val_type());
            }
            Operator::TableFill { table } => {
                self.charge_last(S::TableFill);
                let args = self.pop_n()?;
                self.emit.table_fill(table, args);
            }
            Operator::TableCopy { dst_table, src_table } => {
                self.charge_last(S::TableCopy);
                let args = self.pop_n()?;
                self.emit.table_copy(dst_table, src_table, args);
            }
            Operator::TableInit { elem_index, table } => {
                self.charge_last(S::TableInit);
                let args = self.pop_n()?;
                self.emit.table_init(table, elem_index, args);
            }
            Operator::ElemDrop { elem_index } => {
                self.charge(S::ElemDrop);
                self.emit.elem_drop(elem_index);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}
