//! `table.get` and `table.size`.

use kinglet_wasm::emit::*;

use super::assembler::Class;
use super::{Lowering, ValueLocation};
use crate::access::{encode_indexed_location, encode_location};
use crate::exec::{OperandKind, handlers};

impl Lowering<'_> {
    pub(super) fn emit_table_get(&mut self, table: u32, index: Operand<ValueLocation>, to: Slot) -> ValueLocation {
        self.reserve_slots(to + 1);
        let kind = self.asm.take_operand_no_imm(index);
        self.asm.flush();
        let ty = self.environment.module.tables[table as usize];
        let start = self.asm.words.len();
        self.asm.inst(handlers::table_get(kind, OperandKind::Acc), || format!("table.get {table}"));
        self.asm.word(encode_indexed_location(self.environment.layout.table(table), ty.index));
        self.asm.write_operand(index, kind);
        self.asm.cache_result(start, handlers::table_get(kind, OperandKind::Slot), Class::I64, to)
    }

    pub(super) fn emit_table_size(&mut self, table: u32, to: Slot) -> ValueLocation {
        self.reserve_slots(to + 1);
        self.asm.flush();
        let ty = self.environment.module.tables[table as usize];
        let start = self.asm.words.len();
        self.asm.inst(handlers::table_size(OperandKind::Acc), || format!("table.size {table}"));
        self.asm.word(encode_location(self.environment.layout.table(table)));
        self.asm.cache_result(start, handlers::table_size(OperandKind::Slot), Class::of(ty.index.val_type()), to)
    }
}
