//! Tables (core specification, "Table Instructions"): reading and writing elements; all else is libcalls'.

use std::mem::offset_of;

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value, types};
use kinglet_abi::{Libcall, Trap, VmTable};
use kinglet_wasm::types::{IndexType, ValType};

use super::{Emitter, Op1, V};
use crate::compile::trap_code;
use crate::convention::{Kind, load_constant, load_pointer, store, trusted};

impl Emitter<'_> {
    fn table_record(&mut self, table: u32) -> Value {
        let place = self.environment.layout.table(table);
        match place.imported {
            true => load_constant(&mut self.builder, self.vmctx, place.offset as usize),
            false => self.builder.ins().iadd_imm_u(self.vmctx, i64::from(place.offset)),
        }
    }

    fn element_kind(&self, table: u32) -> Kind {
        self.kind(ValType::Ref(self.environment.module.tables[table as usize].element))
    }

    /// An index and the address of its element; `trap` if there is none, now or when it is used with the flags.
    fn element(&mut self, table: u32, index: Op1, trap: Trap) -> (Value, Value, MemFlagsData) {
        let record = self.table_record(table);
        let index = self.value(index);
        let index = match self.environment.module.tables[table as usize].index {
            IndexType::I32 => self.builder.ins().uextend(types::I64, index),
            IndexType::I64 => index,
        };
        let (elements, len) = self.elements(table, record);
        let outside = self.builder.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, index, len);
        let offset = self.builder.ins().ishl_imm_u(index, 3);
        let address = self.builder.ins().iadd(elements, offset);
        let spectre = self.environment.settings.spectre_mitigation;
        if self.explicit_traps() || !spectre {
            self.trap_if(outside, trap);
        }
        if !spectre {
            return (index, address, trusted());
        }
        let nothing = self.builder.ins().iconst(types::I64, 0);
        let address = self.builder.ins().select_spectre_guard(outside, nothing, address);
        let flags = if self.explicit_traps() { trusted() } else { trusted().with_trap_code(Some(trap_code(trap))) };
        (index, address, flags)
    }

    /// Where a table's elements begin, and how many there are. Neither changes where the type leaves no room to grow.
    fn elements(&mut self, table: u32, record: Value) -> (Value, Value) {
        let ty = &self.environment.module.tables[table as usize];
        if ty.max == Some(ty.min) {
            let len = self.builder.ins().iconst(types::I64, ty.min as i64);
            return (load_constant(&mut self.builder, record, offset_of!(VmTable, elements)), len);
        }
        let len = load_pointer(&mut self.builder, record, offset_of!(VmTable, len));
        (load_pointer(&mut self.builder, record, offset_of!(VmTable, elements)), len)
    }

    /// An element's value.
    pub(super) fn load_element(&mut self, table: u32, index: Op1, trap: Trap) -> Value {
        let kind = self.element_kind(table);
        let (index, address, flags) = self.element(table, index, trap);
        let slot = self.builder.ins().load(types::I64, flags, address, 0);
        match kind {
            Kind::Func if self.environment.module.is_lazy_table(table) => self.there(table, index, slot),
            Kind::Func => slot,
            _ => self.builder.ins().ireduce(types::I32, slot),
        }
    }

    /// An element that has been read: if it is null, it may only not be there yet.
    fn there(&mut self, table: u32, index: Value, read: Value) -> Value {
        self.or_if_null(read, |emitter| {
            let array = emitter.array(1);
            store(&mut emitter.builder, index, array, 0);
            emitter.libcall(Libcall::TableGet, array, table, 0);
            load_pointer(&mut emitter.builder, array, 0)
        })
    }

    pub(super) fn read_element(&mut self, table: u32, index: Op1) -> V {
        let value = self.load_element(table, index, Trap::TableOutOfBounds);
        let kind = self.element_kind(table);
        self.result(value, kind)
    }

    pub(super) fn write_element(&mut self, table: u32, index: Op1, value: Op1) {
        let kind = self.element_kind(table);
        if kind == Kind::Func && self.environment.module.is_lazy_table(table) {
            // What is null from now on is to stay so.
            self.operation(Libcall::TableSet, &[index, value], table, 0, None);
            return;
        }
        let value = self.value(value);
        let (_, address, flags) = self.element(table, index, Trap::TableOutOfBounds);
        let slot = match kind {
            Kind::Func => value,
            _ => self.builder.ins().uextend(types::I64, value),
        };
        self.builder.ins().store(flags, slot, address, 0);
        let record = self.table_record(table);
        let written = self.builder.ins().iconst(types::I64, 1);
        store(&mut self.builder, written, record, offset_of!(VmTable, written));
    }

    pub(super) fn read_table_size(&mut self, table: u32) -> V {
        let record = self.table_record(table);
        let len = load_pointer(&mut self.builder, record, offset_of!(VmTable, len));
        match self.environment.module.tables[table as usize].index {
            IndexType::I64 => self.result(len, Kind::I64),
            IndexType::I32 => {
                let len = self.builder.ins().ireduce(types::I32, len);
                self.result(len, Kind::I32)
            }
        }
    }
}
