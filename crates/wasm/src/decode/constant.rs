//! Constant expressions that read an earlier global of the same module. The core specification allows them since 3.0, but
//! wasmparser only allows them if garbage collection is enabled. A module that needs them is validated with garbage
//! collection enabled, and this file rejects all its other uses. Core specification, "Constant Expressions".

use wasmparser as wp;

use crate::error::{Error, ErrorKind, Result};
use crate::feature::{Feature, Features};

/// Returns whether these features allow such expressions while garbage collection is disabled.
pub(super) fn allows_own_globals(features: Features) -> bool {
    features.has(Feature::ExtendedConst) && !features.has(Feature::Gc)
}

/// Returns whether the operator at an offset reads a global that is not imported.
pub(super) fn is_read_of_own_global(module: &[u8], offset: u64, imported_globals: u32) -> bool {
    let at = usize::try_from(offset).ok().and_then(|offset| module.get(offset..)).unwrap_or_default();
    let op = wp::OperatorsReader::new(wp::BinaryReader::new(at, offset)).read();
    matches!(op, Ok(wp::Operator::GlobalGet { global_index }) if global_index >= imported_globals)
}

/// Rejects garbage collection in the types and constant expressions of a section. Other sections precede the first
/// constant expression and have been validated without garbage collection.
pub(super) fn reject_gc(payload: &wp::Payload<'_>, features: Features) -> Result<()> {
    let check = GcCheck { references: features.has(Feature::FunctionReferences) };
    match payload {
        wp::Payload::TableSection(reader) => {
            for table in reader.clone().into_iter_with_offsets() {
                let (offset, table) = table?;
                check.reference(table.ty.element_type, offset)?;
                if let wp::TableInit::Expr(expr) = &table.init {
                    check.expression(expr)?;
                }
            }
        }
        wp::Payload::GlobalSection(reader) => {
            for global in reader.clone().into_iter_with_offsets() {
                let (offset, global) = global?;
                if let wp::ValType::Ref(ty) = global.ty.content_type {
                    check.reference(ty, offset)?;
                }
                check.expression(&global.init_expr)?;
            }
        }
        wp::Payload::ElementSection(reader) => {
            for elem in reader.clone() {
                check.elements(&elem?)?;
            }
        }
        wp::Payload::DataSection(reader) => {
            for data in reader.clone() {
                if let wp::DataKind::Active { offset_expr, .. } = data?.kind {
                    check.expression(&offset_expr)?;
                }
            }
        }
        _ => {}
    }
    Ok(())
}

/// Checks types and constant expressions for uses of garbage collection.
struct GcCheck {
    /// Whether typed function references are enabled.
    references: bool,
}

impl GcCheck {
    fn elements(&self, elem: &wp::Element<'_>) -> Result<()> {
        if let wp::ElementKind::Active { offset_expr, .. } = &elem.kind {
            self.expression(offset_expr)?;
        }
        if let wp::ElementItems::Expressions(ty, exprs) = &elem.items {
            self.reference(*ty, elem.range.start)?;
            for expr in exprs.clone() {
                self.expression(&expr?)?;
            }
        }
        Ok(())
    }

    fn expression(&self, expr: &wp::ConstExpr<'_>) -> Result<()> {
        let mut ops = expr.get_operators_reader();
        while !ops.eof() {
            let (op, offset) = ops.read_with_offset()?;
            match op {
                wp::Operator::RefNull { hty } => self.heap(hty, offset)?,
                wp::Operator::StructNew { .. }
                | wp::Operator::StructNewDefault { .. }
                | wp::Operator::ArrayNew { .. }
                | wp::Operator::ArrayNewDefault { .. }
                | wp::Operator::ArrayNewFixed { .. }
                | wp::Operator::RefI31
                | wp::Operator::AnyConvertExtern
                | wp::Operator::ExternConvertAny => {
                    return Err(invalid("constant expression required: non-constant operator", offset));
                }
                // The validator has checked the proposals of all other operators.
                _ => {}
            }
        }
        Ok(())
    }

    fn reference(&self, ty: wp::RefType, offset: u64) -> Result<()> {
        if !ty.is_nullable() && !self.references {
            return Err(invalid("function references required for non-nullable types", offset));
        }
        self.heap(ty.heap_type(), offset)
    }

    fn heap(&self, ty: wp::HeapType, offset: u64) -> Result<()> {
        use wp::AbstractHeapType as A;
        match ty {
            wp::HeapType::Concrete(_) if !self.references => {
                Err(invalid("function references required for index reference types", offset))
            }
            wp::HeapType::Abstract { ty, .. } => match ty {
                A::Any | A::Eq | A::Struct | A::Array | A::I31 | A::None | A::NoExtern | A::NoFunc => {
                    Err(invalid("heap types not supported without the gc feature", offset))
                }
                A::Func | A::Extern | A::Exn | A::NoExn | A::Cont | A::NoCont => Ok(()),
            },
            wp::HeapType::Concrete(_) | wp::HeapType::Exact(_) => Ok(()),
        }
    }
}

fn invalid(message: &str, offset: u64) -> Error {
    Error::new(ErrorKind::Invalid, message, Some(offset))
}
