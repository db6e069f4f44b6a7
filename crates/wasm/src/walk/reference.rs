//! Reference and aggregate instructions.

use wasmparser::Operator;

use super::Walk;
use crate::decode::heap_type;
use crate::emit::*;
use crate::error::{Error, Result};
use crate::op::Structural as S;
use crate::types::{CompositeType, FieldType, HeapType, RefType, StorageType, ValType};

impl<E: Emit> Walk<'_, '_, E> {
    pub(super) fn reference_op(&mut self, op: &Operator<'_>) -> Result<bool> {
        match *op {
            Operator::RefNull { hty } => {
                let heap = heap_type(hty, |index| super::type_id(self.module, index));
                self.constant(S::RefNull, Constant::Null(heap), ValType::Ref(RefType { nullable: true, heap }));
            }
            Operator::RefIsNull => {
                self.charge(S::RefIsNull);
                let value = self.pop()?;
                let result = self.emit.ref_is_null(value, self.next_slot());
                self.push(result, ValType::I32);
            }
            Operator::RefFunc { function_index } => {
                self.charge(S::RefFunc);
                let value = self.emit.ref_func(function_index, self.next_slot());
                let heap = HeapType::Concrete(self.module.func_type_id(function_index));
                self.push(value, ValType::Ref(RefType { nullable: false, heap }));
            }
            Operator::RefAsNonNull => {
                self.charge(S::RefAsNonNull);
                let value = self.pop()?;
                let result = self.emit.ref_as_non_null(value, self.next_slot());
                let ty = value.ty.as_ref().map_or(value.ty, |r| ValType::Ref(RefType { nullable: false, ..r }));
                self.push(result, ty);
            }
            _ => return self.aggregate_op(op),
        }
        Ok(true)
    }

    fn aggregate_op(&mut self, op: &Operator<'_>) -> Result<bool> {
        match *op {
            Operator::StructNew { struct_type_index: ty } => {
                self.charge_last(S::StructNew);
                let fields = self.pop_many(self.fields(ty)?.len())?;
                let live = self.live()?;
                let value = self.emit.struct_new(ty, &fields, &live, self.next_slot());
                let heap = HeapType::Concrete(self.module.types[ty as usize]);
                self.push(value, ValType::Ref(RefType { nullable: false, heap }));
            }
            Operator::StructGet { struct_type_index: ty, field_index } => {
                self.charge(S::StructGet);
                let field_ty = self.field(ty, field_index)?;
                let object = self.pop()?;
                let value = self.emit.struct_get(ty, field_index, object, self.next_slot());
                self.push(value, field_ty);
            }
            Operator::StructSet { struct_type_index: ty, field_index: field } => {
                self.charge(S::StructSet);
                let field_ty = self.field(ty, field)?;
                let [object, value] = self.pop_n()?;
                match field_ty {
                    ValType::Ref(_) => self.emit.store_ref(RefStore::Field { ty, field, object }, value),
                    _ => self.emit.struct_set(ty, field, object, value),
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn fields(&self, ty: u32) -> Result<&[FieldType]> {
        match &self.module.type_defs[ty as usize].sub.composite {
            CompositeType::Struct(fields) => Ok(fields),
            _ => Err(Error::impossible("not a structure type")),
        }
    }

    fn field(&self, ty: u32, field: u32) -> Result<ValType> {
        match self.fields(ty)?.get(field as usize) {
            Some(FieldType { storage: StorageType::Val(ty), .. }) => Ok(*ty),
            _ => Err(Error::impossible("not an unpacked field")),
        }
    }
}
