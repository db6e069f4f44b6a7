//! Constant expressions that read a global which the module itself defines, earlier on. The core specification allows them
//! since 3.0, but the validator only together with garbage collection. Modules that need them are validated with that on;
//! here is what is left to refuse then, so that nothing else of garbage collection gets in. Core specification, "Constant
//! Expressions".

use wasmparser as wp;

use crate::error::{Error, ErrorKind, Result};
use crate::feature::{Feature, Features};

/// Whether an engine with these features accepts such expressions though garbage collection is off.
pub(super) fn reads_own_globals(features: Features) -> bool {
    features.has(Feature::ExtendedConst) && !features.has(Feature::Gc)
}

/// Whether the operator at an offset reads a global that is not imported.
pub(super) fn is_read_of_own_global(module: &[u8], offset: u64, imported_globals: u32) -> bool {
    let at = usize::try_from(offset).ok().and_then(|offset| module.get(offset..)).unwrap_or_default();
    let op = wp::OperatorsReader::new(wp::BinaryReader::new(at, offset)).read();
    matches!(op, Ok(wp::Operator::GlobalGet { global_index }) if global_index >= imported_globals)
}

/// Refuses what a section has of garbage collection, in the types of its items and in constant expressions. Sections that
/// have neither come before the first constant expression, and were validated without it.
pub(super) fn without_gc(payload: &wp::Payload<'_>, features: Features) -> Result<()> {
    let check = Check { references: features.has(Feature::FunctionReferences) };
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

/// The sections' types and expressions, one by one.
struct Check {
    /// Whether there are typed function references.
    references: bool,
}

impl Check {
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
                // The validator has asked for the proposal of any other.
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
