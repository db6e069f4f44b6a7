//! Structures. A reference is an offset into the store's heap; allocation is a libcall, reading a field is a load.

use std::mem::offset_of;

use cranelift_codegen::ir::{InstBuilder, Value, types};
use kinglet_abi::{Libcall, Trap, VmStore, field_offset};
use kinglet_wasm::types::{CompositeType, FieldType, StorageType};

use super::{Emitter, Op1, V};
use crate::convention::{Kind, load_slot, store_slot, store_slots};

impl<'a> Emitter<'a> {
    fn fields(&self, ty: u32) -> &'a [FieldType] {
        match &self.environment.module.type_defs[ty as usize].sub.composite {
            CompositeType::Struct(fields) => fields,
            _ => &[],
        }
    }

    /// Where a field is and what its slot holds.
    fn field(&self, ty: u32, field: u32) -> (u32, Kind) {
        let fields = self.fields(ty);
        let kind = match fields[field as usize].storage {
            StorageType::Val(val) => self.kind(val),
            StorageType::I8 | StorageType::I16 => Kind::I32,
        };
        (field_offset(fields, field), kind)
    }

    pub(super) fn make_struct(&mut self, ty: u32, fields: &[Op1]) -> V {
        let kinds: Vec<Kind> = (0..fields.len() as u32).map(|index| self.field(ty, index).1).collect();
        let values = self.values(fields);
        let array = self.array(kinds.iter().map(|kind| kind.slots()).sum::<u32>().max(1));
        store_slots(&mut self.builder, &values, array, &kinds);
        self.libcall(Libcall::StructNew, array, ty, 0);
        let object = load_slot(&mut self.builder, array, 0, Kind::Traced);
        self.result(object, Kind::Traced)
    }

    pub(super) fn read_field(&mut self, ty: u32, field: u32, object: Op1) -> V {
        let (offset, kind) = self.field(ty, field);
        let object = self.object(object);
        let value = load_slot(&mut self.builder, object, offset, kind);
        self.result(value, kind)
    }

    pub(super) fn write_field(&mut self, ty: u32, field: u32, object: Op1, value: Op1) {
        let (offset, kind) = self.field(ty, field);
        let object = self.object(object);
        let value = self.value(value);
        store_slot(&mut self.builder, value, object, offset, kind);
    }

    /// The address of a structure; traps if it is null.
    fn object(&mut self, object: Op1) -> Value {
        let object = self.value(object);
        self.trap_if_zero(object, Trap::NullStructReference);
        let heap = self.store_field(types::I64, offset_of!(VmStore, heap_base));
        let object = self.builder.ins().uextend(types::I64, object);
        self.builder.ins().iadd(heap, object)
    }
}
