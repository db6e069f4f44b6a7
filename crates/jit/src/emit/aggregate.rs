//! Structures. A reference is an offset into the store's GC heap. Allocation is a libcall; reading a field is a load.

use std::mem::offset_of;

use cranelift_codegen::ir::{InstBuilder, Value, types};
use kinglet_abi::{Libcall, Trap, VmStore, field_offset};
use kinglet_wasm::types::{CompositeType, FieldType, StorageType};

use super::{ClifOperand, ClifValue, Emitter};
use crate::convention::{ValueRepr, load_slot, store_slot, store_slots};

impl<'a> Emitter<'a> {
    fn fields(&self, ty: u32) -> &'a [FieldType] {
        match &self.environment.module.type_defs[ty as usize].sub.composite {
            CompositeType::Struct(fields) => fields,
            _ => &[],
        }
    }

    /// Returns a field's offset and the representation of its slot.
    fn field(&self, ty: u32, field: u32) -> (u32, ValueRepr) {
        let fields = self.fields(ty);
        let repr = match fields[field as usize].storage {
            StorageType::Val(val) => self.repr(val),
            StorageType::I8 | StorageType::I16 => ValueRepr::I32,
        };
        (field_offset(fields, field), repr)
    }

    pub(super) fn make_struct(&mut self, ty: u32, fields: &[ClifOperand]) -> ClifValue {
        let reprs: Vec<ValueRepr> = (0..fields.len() as u32).map(|index| self.field(ty, index).1).collect();
        let values = self.values(fields);
        let array = self.libcall_array(reprs.iter().map(|repr| repr.slots()).sum::<u32>().max(1));
        store_slots(&mut self.builder, &values, array, &reprs);
        self.libcall(Libcall::StructNew, array, ty, 0);
        let object = load_slot(&mut self.builder, array, 0, ValueRepr::GcRef);
        self.operand_of(object, ValueRepr::GcRef)
    }

    pub(super) fn read_field(&mut self, ty: u32, field: u32, object: ClifOperand) -> ClifValue {
        let (offset, repr) = self.field(ty, field);
        let object = self.object(object);
        let value = load_slot(&mut self.builder, object, offset, repr);
        self.operand_of(value, repr)
    }

    pub(super) fn write_field(&mut self, ty: u32, field: u32, object: ClifOperand, value: ClifOperand) {
        let (offset, repr) = self.field(ty, field);
        let object = self.object(object);
        let value = self.value(value);
        store_slot(&mut self.builder, value, object, offset, repr);
    }

    /// Returns the address of a structure; traps if the reference is null.
    fn object(&mut self, object: ClifOperand) -> Value {
        let object = self.value(object);
        self.trap_if_zero(object, Trap::NullStructReference);
        let heap = self.load_store_field(types::I64, offset_of!(VmStore, heap_base));
        let object = self.builder.ins().uextend(types::I64, object);
        self.builder.ins().iadd(heap, object)
    }
}
