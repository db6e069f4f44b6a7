//! Tables (core specification, "Table Instructions"): reads and writes of elements. All other operations are libcalls.

use std::mem::offset_of;

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value, types};
use kinglet_abi::{Libcall, Trap, VmTable};
use kinglet_wasm::types::{IndexType, ValType};

use super::{ClifOperand, ClifValue, Emitter};
use crate::compile::trap_code;
use crate::convention::{ValueRepr, load_invariant, load_pointer, runtime_flags, store};

impl Emitter<'_> {
    fn table_record(&mut self, table: u32) -> Value {
        let location = self.environment.layout.table(table);
        match location.imported {
            true => load_invariant(&mut self.builder, self.vmctx, location.offset as usize),
            false => self.builder.ins().iadd_imm_u(self.vmctx, i64::from(location.offset)),
        }
    }

    fn element_repr(&self, table: u32) -> ValueRepr {
        self.repr(ValType::Ref(self.environment.module.tables[table as usize].element))
    }

    /// Computes an extended index and the address of its element. Raises `trap` if the index is out of bounds, either
    /// here or at an access with the returned flags.
    fn element_address(&mut self, table: u32, index: ClifOperand, trap: Trap) -> (Value, Value, MemFlagsData) {
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
            return (index, address, runtime_flags());
        }
        let null = self.builder.ins().iconst(types::I64, 0);
        let address = self.builder.ins().select_spectre_guard(outside, null, address);
        let flags =
            if self.explicit_traps() { runtime_flags() } else { runtime_flags().with_trap_code(Some(trap_code(trap))) };
        (index, address, flags)
    }

    /// Loads the address of the first element and the length. Both are invariant if the table's type does not allow
    /// growth.
    fn elements(&mut self, table: u32, record: Value) -> (Value, Value) {
        let ty = &self.environment.module.tables[table as usize];
        if ty.max == Some(ty.min) {
            let len = self.builder.ins().iconst(types::I64, ty.min as i64);
            return (load_invariant(&mut self.builder, record, offset_of!(VmTable, elements)), len);
        }
        let len = load_pointer(&mut self.builder, record, offset_of!(VmTable, len));
        (load_pointer(&mut self.builder, record, offset_of!(VmTable, elements)), len)
    }

    /// Loads an element's value.
    pub(super) fn load_element(&mut self, table: u32, index: ClifOperand, trap: Trap) -> Value {
        let repr = self.element_repr(table);
        let (index, address, flags) = self.element_address(table, index, trap);
        let slot = self.builder.ins().load(types::I64, flags, address, 0);
        match repr {
            ValueRepr::Func if self.environment.module.is_lazy_table(table) => {
                self.initialize_if_null(table, index, slot)
            }
            ValueRepr::Func => slot,
            _ => self.builder.ins().ireduce(types::I32, slot),
        }
    }

    /// Initializes an element of a lazily initialized table if it is null.
    fn initialize_if_null(&mut self, table: u32, index: Value, read: Value) -> Value {
        self.replace_null(read, |emitter| {
            let array = emitter.libcall_array(1);
            store(&mut emitter.builder, index, array, 0);
            emitter.libcall(Libcall::TableGet, array, table, 0);
            load_pointer(&mut emitter.builder, array, 0)
        })
    }

    pub(super) fn read_element(&mut self, table: u32, index: ClifOperand) -> ClifValue {
        let value = self.load_element(table, index, Trap::TableOutOfBounds);
        let repr = self.element_repr(table);
        self.operand_of(value, repr)
    }

    pub(super) fn write_element(&mut self, table: u32, index: ClifOperand, value: ClifOperand) {
        let repr = self.element_repr(table);
        if repr == ValueRepr::Func && self.environment.module.is_lazy_table(table) {
            // Before it stores null, the libcall initializes the whole table. Null then means null.
            self.libcall_operation(Libcall::TableSet, &[index, value], table, 0, None);
            return;
        }
        let value = self.value(value);
        let (_, address, flags) = self.element_address(table, index, Trap::TableOutOfBounds);
        let slot = match repr {
            ValueRepr::Func => value,
            _ => self.builder.ins().uextend(types::I64, value),
        };
        self.builder.ins().store(flags, slot, address, 0);
        let record = self.table_record(table);
        let written = self.builder.ins().iconst(types::I64, 1);
        store(&mut self.builder, written, record, offset_of!(VmTable, written));
    }

    pub(super) fn read_table_size(&mut self, table: u32) -> ClifValue {
        let record = self.table_record(table);
        let len = load_pointer(&mut self.builder, record, offset_of!(VmTable, len));
        match self.environment.module.tables[table as usize].index {
            IndexType::I64 => self.operand_of(len, ValueRepr::I64),
            IndexType::I32 => {
                let len = self.builder.ins().ireduce(types::I32, len);
                self.operand_of(len, ValueRepr::I32)
            }
        }
    }
}
