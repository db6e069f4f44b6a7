//! `table.get` and `table.size`.

use kinglet_wasm::emit::*;

use super::assembler::Class;
use super::{Lower, Value};
use crate::access::{encode_indexed_place, encode_place};
use crate::exec::{Kind, handlers};

impl Lower<'_> {
    pub(super) fn emit_table_get(&mut self, table: u32, index: Operand<Value>, to: Slot) -> Value {
        self.grow(to + 1);
        let kind = self.asm.source_no_imm(index);
        self.asm.flush();
        let ty = self.environment.module.tables[table as usize];
        let start = self.asm.words.len();
        self.asm.inst(handlers::table_get(kind, Kind::Acc), || format!("table.get {table}"));
        self.asm.word(encode_indexed_place(self.environment.layout.table(table), ty.index));
        self.asm.operand_words(index, kind);
        self.asm.result(start, handlers::table_get(kind, Kind::Slot), Class::I64, to)
    }

    pub(super) fn emit_table_size(&mut self, table: u32, to: Slot) -> Value {
        self.grow(to + 1);
        self.asm.flush();
        let ty = self.environment.module.tables[table as usize];
        let start = self.asm.words.len();
        self.asm.inst(handlers::table_size(Kind::Acc), || format!("table.size {table}"));
        self.asm.word(encode_place(self.environment.layout.table(table)));
        self.asm.result(start, handlers::table_size(Kind::Slot), Class::of(ty.index.val_type()), to)
    }
}
