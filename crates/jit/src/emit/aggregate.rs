//! Structures. A reference is an offset into the store's heap; allocation is a libcall, reading a field is a load.

use std::mem::offset_of;

use cranelift_codegen::ir::{InstBuilder, types};
use kinglet_abi::{Libcall, Trap, VmStore, field_offset};
use kinglet_wasm::types::{CompositeType, FieldType, StorageType};

use super::{Emitter, Op1, V};
use crate::convention::{Kind, load_slot, store_slots};

impl<'a> Emitter<'a> {
    fn fields(&self, ty: u32) -> &'a [FieldType] {
        match &self.environment.module.type_defs[ty as usize].sub.composite {
            CompositeType::Struct(fields) => fields,
            _ => &[],
        }
    }

    /// Where a field is and what it holds; none if it is not a number, vector or traced reference.
    fn field(&self, ty: u32, field: u32) -> Option<(u32, Kind)> {
        let fields = self.fields(ty);
        let StorageType::Val(val) = fields.get(field as usize)?.storage else { return None };
        let kind = self.kind(val);
        (kind != Kind::Func).then(|| (field_offset(fields, field), kind))
    }

    pub(super) fn make_struct(&mut self, ty: u32, fields: &[Op1]) -> V {
        let mut kinds = Vec::with_capacity(fields.len());
        for index in 0..fields.len() as u32 {
            let Some((_, kind)) = self.field(ty, index) else { return self.refuse("struct.new") };
            kinds.push(kind);
        }
        let values = self.values(fields);
        let array = self.array(kinds.iter().map(|kind| kind.slots()).sum::<u32>().max(1));
        store_slots(&mut self.builder, &values, array, &kinds);
        self.libcall(Libcall::StructNew, array, ty, 0);
        let object = load_slot(&mut self.builder, array, 0, Kind::Traced);
        self.result(object, Kind::Traced)
    }

    pub(super) fn read_field(&mut self, ty: u32, field: u32, object: Op1) -> V {
        let Some((offset, kind)) = self.field(ty, field) else { return self.refuse("struct.get") };
        let object = self.value(object);
        self.trap_if_zero(object, Trap::NullStructReference);
        let heap = self.store_field(types::I64, offset_of!(VmStore, heap_base));
        let object = self.builder.ins().uextend(types::I64, object);
        let base = self.builder.ins().iadd(heap, object);
        let value = load_slot(&mut self.builder, base, offset, kind);
        self.result(value, kind)
    }
}
