//! Decodes and validates bytes into a [`Module`], with wasmparser. Function bodies of large modules are validated on
//! several threads. Only this crate uses wasmparser.

mod constant;

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use wasmparser as wp;

use crate::error::{Error, ErrorKind, Result};
use crate::feature::Features;
use crate::module::*;
use crate::types::*;

/// The magic number at the start of a binary.
const MAGIC: &[u8] = b"\0asm";

/// The total size of function bodies, in bytes, above which several threads validate them.
const PARALLEL_THRESHOLD: usize = 256 << 10;

/// Decodes and validates a binary module.
pub fn module(bytes: Bytes, features: Features, registry: &TypeRegistry) -> Result<Module> {
    let (module, bodies) = sections(&bytes, features, registry)?;
    validate_bodies(bodies)?;
    module.finish()
}

/// Decodes a module that has been validated with the same features. `bodies` are the ranges of its function bodies, so
/// the code section is not read. With `memory_known`, the caller has the result of [`Module::initial_memory`], and data
/// segments are not read unless code uses them. All bytes are read through [`Bytes::part`].
pub fn validated_module(
    bytes: Bytes,
    bodies: Vec<Range<usize>>,
    memory_known: bool,
    features: Features,
    registry: &TypeRegistry,
) -> Result<Module> {
    let mut decoder = Decoder::new(&bytes, registry);
    let mut parser = wp::Parser::new(0);
    parser.set_features(features.to_wasmparser());
    let mut rest: &[u8] = &bytes;
    let mut datas_used = false;
    loop {
        let at = bytes.len() - rest.len();
        bytes.part(at..bytes.len().min(at + SECTION_HEAD))?;
        let wp::Chunk::Parsed { consumed, payload } = parser.parse(rest, true).map_err(malformed)? else {
            return Err(Error::impossible("an incomplete chunk of a complete module"));
        };
        rest = &rest[consumed..];
        let payload = match payload {
            wp::Payload::End(_) => break,
            payload => payload,
        };
        if let wp::Payload::CodeSectionStart { size, .. } = payload {
            parser.skip_section();
            rest = rest.get(size as usize..).ok_or_else(|| Error::impossible("a section beyond the module"))?;
        }
        match &payload {
            wp::Payload::CodeSectionStart { .. } => {}
            wp::Payload::CustomSection(custom) => {
                bytes.part(at..custom.data_offset() as usize)?;
            }
            wp::Payload::DataSection(datas) if memory_known && !datas_used => {
                decoder.module.lazy_data_section = Some(range(datas.range()));
                continue;
            }
            _ => {
                bytes.part(at..bytes.len() - rest.len())?;
            }
        }
        // Without a data count section, no code can use data segments.
        datas_used |= matches!(payload, wp::Payload::DataCountSection { .. });
        decoder.payload(payload)?;
    }
    if bodies.len() + decoder.module.imported_funcs as usize != decoder.module.funcs.len()
        || bodies.iter().any(|body| body.start > body.end || body.end > bytes.len())
    {
        return Err(Error::impossible("bodies of another module"));
    }
    decoder.module.bodies = bodies;
    decoder.finish()
}

/// An upper bound for the bytes of a section's id and size.
const SECTION_HEAD: usize = 16;

/// Decodes the data section that [`validated_module`] skipped.
pub(crate) fn lazy_data_segments(module: &Module, section: Range<usize>) -> Result<Vec<DataSegment>> {
    let reader = wp::BinaryReader::new(module.bytes.part(section.clone())?, section.start as u64);
    let segment = |data: wp::Result<wp::Data<'_>>| -> Result<DataSegment> {
        let data = data?;
        let mode = match data.kind {
            wp::DataKind::Passive => SegmentMode::Passive,
            wp::DataKind::Active { memory_index: target, offset_expr } => {
                let offset = simple_const(&offset_expr)?;
                let offset =
                    offset.ok_or_else(|| Error::impossible("a memory that depends on more than its module"))?;
                SegmentMode::Active { target, offset }
            }
        };
        Ok(data_segment(mode, data.range, data.data))
    };
    wp::DataSectionReader::new(reader)?.into_iter().map(segment).collect()
}

/// Creates a segment from its encoding's range, which ends with the segment's bytes.
fn data_segment(mode: SegmentMode, encoding: Range<u64>, bytes: &[u8]) -> DataSegment {
    let end = encoding.end as usize;
    DataSegment { mode, range: end - bytes.len()..end }
}

/// The decoded sections of a module, and its function bodies, which still need validation.
type Sections<'a> = (Decoder<'a>, Vec<Body<'a>>);

/// Decodes and validates everything except function bodies.
fn sections<'a>(bytes: &'a Bytes, features: Features, registry: &'a TypeRegistry) -> Result<Sections<'a>> {
    check_header(bytes)?;
    let decode = |own_globals| sections_with(bytes, features, registry, own_globals);
    match decode(false)? {
        Some(sections) => Ok(sections),
        None => decode(true)?.ok_or_else(|| Error::impossible("a module that is never validated")),
    }
}

/// Decodes and validates everything except function bodies. `own_globals` allows constant expressions to read globals
/// that the module defines. Returns `None` if the module needs this, `own_globals` is false, and `features` allow it.
fn sections_with<'a>(
    bytes: &'a Bytes,
    features: Features,
    registry: &'a TypeRegistry,
    own_globals: bool,
) -> Result<Option<Sections<'a>>> {
    let mut decoder = Decoder::new(bytes, registry);
    let mut validator = validator(features, own_globals);
    let mut bodies = Vec::new();
    let mut parser = wp::Parser::new(0);
    parser.set_features(features.to_wasmparser());
    for payload in parser.parse_all(bytes) {
        let payload = payload.map_err(malformed)?;
        if own_globals {
            constant::reject_gc(&payload, features)?;
        }
        match validator.payload(&payload) {
            Ok(wp::ValidPayload::Func(func, body)) => {
                decoder.module.bodies.push(range(body.range()));
                bodies.push((with_features(func, features), body));
            }
            Ok(_) => decoder.payload(payload)?,
            Err(error) => {
                let imported = decoder.module.imported_globals;
                let allowed = !own_globals && constant::allows_own_globals(features);
                if allowed && constant::is_read_of_own_global(bytes, error.offset(), imported) {
                    return Ok(None);
                }
                return Err(error.into());
            }
        }
    }
    Ok(Some((decoder, bodies)))
}

/// Creates a validator. With `own_globals`, it enables garbage collection, because wasmparser otherwise rejects constant
/// expressions that read a global of the same module.
pub(crate) fn validator(features: Features, own_globals: bool) -> wp::Validator {
    let mut flags = features.to_wasmparser();
    if own_globals {
        flags |= wp::WasmFeatures::GC;
    }
    wp::Validator::new_with_features(flags)
}

/// Restricts the validation of a function to these features.
pub(crate) fn with_features<T>(func: wp::FuncToValidate<T>, features: Features) -> wp::FuncToValidate<T> {
    wp::FuncToValidate { features: features.to_wasmparser(), ..func }
}

/// Converts a module in binary or text format to a binary.
///
/// # Errors
/// If the input is neither a binary nor well-formed text.
#[cfg(feature = "wat")]
pub fn to_binary(input: &[u8]) -> Result<std::borrow::Cow<'_, [u8]>> {
    if input.starts_with(MAGIC) {
        return Ok(input.into());
    }
    if MAGIC.starts_with(input) || std::str::from_utf8(input).is_err() {
        return check_header(input).map(|()| input.into());
    }
    wat::parse_bytes(input).map_err(|e| Error::new(ErrorKind::Malformed, e.to_string(), None))
}

/// Returns the input unchanged. Text needs the Cargo feature `wat`; without it, the decoder rejects text.
///
/// # Errors
/// Never; the signature is that of the variant with the feature.
#[cfg(not(feature = "wat"))]
pub fn to_binary(input: &[u8]) -> Result<std::borrow::Cow<'_, [u8]>> {
    Ok(input.into())
}

/// Checks the magic number and version of a binary module.
pub(crate) fn check_header(bytes: &[u8]) -> Result<()> {
    let (message, offset) = match bytes {
        [0, b'a', b's', b'm', 1, 0, 0, 0, ..] => return Ok(()),
        [0, b'a', b's', b'm', 13, 0, 1, 0, ..] => ("this is a component, not a core module".to_string(), 4),
        [0, b'a', b's', b'm', a, b, c, d, ..] => {
            (format!("unknown binary version: {:#x}", u32::from_le_bytes([*a, *b, *c, *d])), 4)
        }
        [] => ("unexpected end: the file is empty".to_string(), 0),
        _ if bytes.starts_with(MAGIC) || MAGIC.starts_with(bytes) => {
            ("unexpected end: the header is cut short".to_string(), bytes.len())
        }
        _ => {
            let found = &bytes[..bytes.len().min(4)];
            let text = if cfg!(feature = "wat") { " or text in UTF-8" } else { "" };
            (format!("magic header not detected: expected \\0asm{text}, found {found:02x?}"), 0)
        }
    };
    Err(Error::new(ErrorKind::Malformed, message, Some(offset as u64)))
}

fn malformed(e: wp::Error) -> Error {
    Error::new(ErrorKind::Malformed, e.message(), Some(e.offset()))
}

fn range(r: Range<u64>) -> Range<usize> {
    r.start as usize..r.end as usize
}

type Body<'a> = (wp::FuncToValidate<wp::ValidatorResources>, wp::FunctionBody<'a>);

/// Validates function bodies. If several bodies are invalid, the error is that of the first one in the module, however
/// the threads are scheduled.
fn validate_bodies(bodies: Vec<Body<'_>>) -> Result<()> {
    let total: usize = bodies.iter().map(|(_, b)| range(b.range()).len()).sum();
    // `available_parallelism` takes several system calls, so small modules avoid it.
    let threads = match total / PARALLEL_THRESHOLD {
        0 => 1,
        more => std::thread::available_parallelism().map_or(1, |n| n.get()).min(more + 1).min(16),
    };
    let next = AtomicUsize::new(0);
    let bodies: Vec<_> = bodies.into_iter().map(|b| std::sync::Mutex::new(Some(b))).collect();
    let failed = std::sync::Mutex::new(None::<(usize, Error)>);
    let work = || {
        let mut allocations = wp::FuncValidatorAllocations::default();
        loop {
            let i = next.fetch_add(1, Ordering::Relaxed);
            let Some(Some((func, body))) = bodies.get(i).map(|b| b.lock().unwrap_or_else(|e| e.into_inner()).take())
            else {
                return;
            };
            let index = func.index;
            let mut validator = func.into_validator(std::mem::take(&mut allocations));
            if let Err(e) = validator.validate(&body) {
                let mut failed = failed.lock().unwrap_or_else(|e| e.into_inner());
                if failed.as_ref().is_none_or(|(first, _)| i < *first) {
                    *failed = Some((i, Error::from(e).in_function(index)));
                }
                next.store(bodies.len(), Ordering::Relaxed);
            }
            allocations = validator.into_allocations();
        }
    };
    std::thread::scope(|scope| {
        // If a thread cannot be spawned, the existing threads do its work.
        let start = |_: &usize| std::thread::Builder::new().spawn_scoped(scope, work).is_ok();
        (1..threads).take_while(start).for_each(drop);
        work();
    });
    match failed.into_inner().unwrap_or_else(|e| e.into_inner()) {
        Some((_, e)) => Err(e),
        None => Ok(()),
    }
}

struct Decoder<'r> {
    module: Module,
    registry: &'r TypeRegistry,
    /// The first type index and the length of the recursion group that is being decoded.
    rec: Option<(u32, u32)>,
    /// The functions that constant expressions refer to.
    referenced: Vec<u32>,
}

impl<'r> Decoder<'r> {
    fn new(bytes: &Bytes, registry: &'r TypeRegistry) -> Decoder<'r> {
        let module = Module { bytes: bytes.clone(), ..Module::default() };
        Decoder { module, registry, rec: None, referenced: Vec::new() }
    }

    fn payload(&mut self, payload: wp::Payload<'_>) -> Result<()> {
        use wp::Payload::*;
        match payload {
            TypeSection(reader) => self.types(reader),
            ImportSection(reader) => self.imports(reader),
            FunctionSection(reader) => {
                for ty in reader {
                    self.module.funcs.push(ty?);
                }
                Ok(())
            }
            TableSection(reader) => self.tables(reader),
            MemorySection(reader) => {
                for ty in reader {
                    let ty = self.memory_type(ty?);
                    self.module.memories.push(ty);
                }
                Ok(())
            }
            TagSection(reader) => {
                for ty in reader {
                    self.module.tags.push(ty?.func_type_idx);
                }
                Ok(())
            }
            GlobalSection(reader) => self.globals(reader),
            ExportSection(reader) => self.exports(reader),
            StartSection { func, .. } => {
                self.module.start = Some(func);
                Ok(())
            }
            CodeSectionStart { unchecked_range, .. } => {
                self.module.code_start = range(unchecked_range).start;
                Ok(())
            }
            ElementSection(reader) => self.elems(reader),
            DataSection(reader) => self.datas(reader),
            CustomSection(reader) => {
                let section = crate::module::CustomSection {
                    name: reader.name().into(),
                    range: range(reader.data_offset()..reader.data_offset() + reader.data().len() as u64),
                };
                self.module.customs.push(section);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn finish(mut self) -> Result<Module> {
        let m = &mut self.module;
        m.escaping = vec![false; m.funcs.len()];
        for export in &m.exports {
            if let ExternIndex::Func(i) = export.index {
                m.escaping[i as usize] = true;
            }
        }
        let all = |items: &ElemItems| (0..items.len()).filter_map(|i| items.get(i)).collect::<Vec<_>>();
        let mut inits: Vec<ConstExpr> = m.defined_globals.iter().map(|g| g.init).collect();
        inits.extend(m.defined_tables.iter().filter_map(|t| t.init));
        inits.extend(m.elems.iter().flat_map(|e| all(&e.items)));
        for func in self.referenced {
            m.escaping[func as usize] = true;
        }
        for init in inits {
            if let ConstExpr::RefFunc(i) = init {
                m.escaping[i as usize] = true;
            }
        }
        Ok(self.module)
    }

    fn types(&mut self, reader: wp::TypeSectionReader<'_>) -> Result<()> {
        for group in reader {
            let group = group?;
            let types: Vec<_> = group.types().cloned().collect();
            self.rec = Some((self.module.types.len() as u32, types.len() as u32));
            let subs = types.iter().map(|t| self.sub_type(t)).collect();
            self.rec = None;
            let group = self.registry.intern(subs).map_err(|_| Error::impossible("a type that no module defines"))?;
            for (id, def) in group.types() {
                self.module.types.push(id);
                self.module.type_defs.push(def.clone());
            }
            self.module.type_groups.push(group);
        }
        Ok(())
    }

    fn sub_type(&self, ty: &wp::SubType) -> SubType {
        let composite = match &ty.composite_type.inner {
            wp::CompositeInnerType::Func(f) => CompositeType::Func(FuncType::new(
                f.params().iter().map(|t| self.val_type(*t)),
                f.results().iter().map(|t| self.val_type(*t)),
            )),
            wp::CompositeInnerType::Struct(s) => {
                CompositeType::Struct(s.fields.iter().map(|f| self.field_type(f)).collect())
            }
            wp::CompositeInnerType::Array(a) => CompositeType::Array(self.field_type(&a.0)),
            wp::CompositeInnerType::Cont(_) => CompositeType::Func(FuncType::default()),
        };
        SubType {
            is_final: ty.is_final,
            supertype: ty.supertype_idxs.first().map(|i| self.type_id(i.unpack())),
            composite,
        }
    }

    fn field_type(&self, field: &wp::FieldType) -> FieldType {
        let storage = match field.element_type {
            wp::StorageType::I8 => StorageType::I8,
            wp::StorageType::I16 => StorageType::I16,
            wp::StorageType::Val(t) => StorageType::Val(self.val_type(t)),
        };
        FieldType { storage, mutable: field.mutable }
    }

    fn type_id(&self, index: wp::UnpackedIndex) -> TypeId {
        match (index, self.rec) {
            (wp::UnpackedIndex::Module(i), Some((start, len))) if i >= start && i - start < len => {
                TypeId::in_group(i - start)
            }
            (wp::UnpackedIndex::Module(i), _) => self.module.types[i as usize],
            (wp::UnpackedIndex::RecGroup(i), _) => TypeId::in_group(i),
            (wp::UnpackedIndex::Id(_), _) => TypeId(0),
        }
    }

    fn heap_type(&self, heap: wp::HeapType) -> HeapType {
        heap_type(heap, |index| self.type_id(index))
    }

    fn ref_type(&self, ty: wp::RefType) -> RefType {
        RefType { nullable: ty.is_nullable(), heap: self.heap_type(ty.heap_type()) }
    }

    fn val_type(&self, ty: wp::ValType) -> ValType {
        val_type(ty, |index| self.type_id(index))
    }

    fn memory_type(&self, ty: wp::MemoryType) -> MemoryType {
        MemoryType {
            index: if ty.memory64 { IndexType::I64 } else { IndexType::I32 },
            min: ty.initial,
            max: ty.maximum,
            shared: ty.shared,
            page_size_log2: ty.page_size_log2.unwrap_or(16) as u8,
        }
    }

    fn table_type(&self, ty: wp::TableType) -> TableType {
        TableType {
            index: if ty.table64 { IndexType::I64 } else { IndexType::I32 },
            min: ty.initial,
            max: ty.maximum,
            element: self.ref_type(ty.element_type),
        }
    }

    fn global_type(&self, ty: wp::GlobalType) -> GlobalType {
        GlobalType { content: self.val_type(ty.content_type), mutable: ty.mutable }
    }

    fn imports(&mut self, reader: wp::ImportSectionReader<'_>) -> Result<()> {
        for import in reader.into_imports() {
            let import = import?;
            let m = &mut self.module;
            let ty = match import.ty {
                wp::TypeRef::Func(ty) | wp::TypeRef::FuncExact(ty) => {
                    m.funcs.push(ty);
                    m.imported_funcs += 1;
                    ExternType::Func(m.types[ty as usize])
                }
                wp::TypeRef::Table(ty) => {
                    let ty = self.table_type(ty);
                    self.module.tables.push(ty);
                    self.module.imported_tables += 1;
                    ExternType::Table(ty)
                }
                wp::TypeRef::Memory(ty) => {
                    let ty = self.memory_type(ty);
                    self.module.memories.push(ty);
                    self.module.imported_memories += 1;
                    ExternType::Memory(ty)
                }
                wp::TypeRef::Global(ty) => {
                    let ty = self.global_type(ty);
                    self.module.globals.push(ty);
                    self.module.imported_globals += 1;
                    ExternType::Global(ty)
                }
                wp::TypeRef::Tag(ty) => {
                    m.tags.push(ty.func_type_idx);
                    m.imported_tags += 1;
                    ExternType::Tag(TagType { ty: m.types[ty.func_type_idx as usize] })
                }
            };
            self.module.imports.push(Import { module: import.module.into(), name: import.name.into(), ty });
        }
        Ok(())
    }

    fn tables(&mut self, reader: wp::TableSectionReader<'_>) -> Result<()> {
        for table in reader {
            let table = table?;
            let ty = self.table_type(table.ty);
            let init = match table.init {
                wp::TableInit::RefNull => None,
                wp::TableInit::Expr(expr) => Some(self.const_expr(expr, ValType::Ref(ty.element))?),
            };
            self.module.tables.push(ty);
            self.module.defined_tables.push(Table { ty, init });
        }
        Ok(())
    }

    fn globals(&mut self, reader: wp::GlobalSectionReader<'_>) -> Result<()> {
        for global in reader {
            let global = global?;
            let ty = self.global_type(global.ty);
            let init = self.const_expr(global.init_expr, ty.content)?;
            self.module.globals.push(ty);
            self.module.defined_globals.push(Global { init });
        }
        Ok(())
    }

    fn exports(&mut self, reader: wp::ExportSectionReader<'_>) -> Result<()> {
        for export in reader {
            let export = export?;
            let index = match export.kind {
                wp::ExternalKind::Func | wp::ExternalKind::FuncExact => ExternIndex::Func(export.index),
                wp::ExternalKind::Table => ExternIndex::Table(export.index),
                wp::ExternalKind::Memory => ExternIndex::Memory(export.index),
                wp::ExternalKind::Global => ExternIndex::Global(export.index),
                wp::ExternalKind::Tag => ExternIndex::Tag(export.index),
            };
            self.module.exports.push(Export { name: export.name.into(), index });
        }
        Ok(())
    }

    fn index_type_of_table(&self, table: u32) -> ValType {
        self.module.tables[table as usize].index.val_type()
    }

    fn elems(&mut self, reader: wp::ElementSectionReader<'_>) -> Result<()> {
        for elem in reader {
            let elem = elem?;
            let mode = match elem.kind {
                wp::ElementKind::Passive => SegmentMode::Passive,
                wp::ElementKind::Declared => SegmentMode::Declared,
                wp::ElementKind::Active { table_index, offset_expr } => {
                    let target = table_index.unwrap_or(0);
                    let ty = self.index_type_of_table(target);
                    SegmentMode::Active { target, offset: self.const_expr(offset_expr, ty)? }
                }
            };
            let (ty, items) = match elem.items {
                wp::ElementItems::Functions(funcs) => {
                    let funcs: Result<Box<[u32]>, wp::Error> = funcs.into_iter().collect();
                    (RefType { nullable: false, heap: HeapType::Func }, ElemItems::Funcs(funcs?))
                }
                wp::ElementItems::Expressions(ty, exprs) => {
                    let ty = self.ref_type(ty);
                    let mut items = Vec::with_capacity(exprs.count() as usize);
                    for expr in exprs {
                        items.push(self.const_expr(expr?, ValType::Ref(ty))?);
                    }
                    (ty, ElemItems::Exprs(items.into()))
                }
            };
            self.module.elems.push(ElemSegment { mode, ty, items });
        }
        Ok(())
    }

    fn datas(&mut self, reader: wp::DataSectionReader<'_>) -> Result<()> {
        for data in reader {
            let data = data?;
            let mode = match data.kind {
                wp::DataKind::Passive => SegmentMode::Passive,
                wp::DataKind::Active { memory_index, offset_expr } => {
                    let ty = self.module.memories[memory_index as usize].index.val_type();
                    SegmentMode::Active { target: memory_index, offset: self.const_expr(offset_expr, ty)? }
                }
            };
            self.module.datas.push(data_segment(mode, data.range, data.data));
        }
        Ok(())
    }

    fn const_expr(&mut self, expr: wp::ConstExpr<'_>, ty: ValType) -> Result<ConstExpr> {
        if let Some(simple) = simple_const(&expr)? {
            return Ok(simple);
        }
        let mut ops = expr.get_operators_reader();
        while !ops.eof() {
            if let wp::Operator::RefFunc { function_index } = ops.read()? {
                self.referenced.push(function_index);
            }
        }
        let reader = expr.get_binary_reader();
        let index = self.module.const_bodies.len() as u32;
        self.module.const_bodies.push(ConstBody { ty, range: range(reader.range()) });
        Ok(ConstExpr::Body(index))
    }
}

/// Decodes a constant expression that consists of one operator. Returns `None` for all others.
fn simple_const(expr: &wp::ConstExpr<'_>) -> Result<Option<ConstExpr>> {
    // A fast path for `i32.const`, by far the most common operator: some modules have thousands.
    let mut bytes = expr.get_binary_reader();
    if bytes.read_u8()? == 0x41 {
        let value = bytes.read_var_i32()?;
        if bytes.read_u8()? == 0x0b {
            return Ok(Some(ConstExpr::Bits(value as u32 as u128)));
        }
    }
    let mut ops = expr.get_operators_reader();
    let simple = match ops.read()? {
        wp::Operator::I32Const { value } => Some(ConstExpr::Bits(value as u32 as u128)),
        wp::Operator::I64Const { value } => Some(ConstExpr::Bits(value as u64 as u128)),
        wp::Operator::F32Const { value } => Some(ConstExpr::Bits(value.bits().into())),
        wp::Operator::F64Const { value } => Some(ConstExpr::Bits(value.bits().into())),
        wp::Operator::V128Const { value } => Some(ConstExpr::Bits(u128::from_le_bytes(*value.bytes()))),
        wp::Operator::RefNull { .. } => Some(ConstExpr::Bits(0)),
        wp::Operator::RefFunc { function_index } => Some(ConstExpr::RefFunc(function_index)),
        wp::Operator::GlobalGet { global_index } => Some(ConstExpr::GlobalGet(global_index)),
        _ => None,
    };
    let last = matches!(ops.read()?, wp::Operator::End);
    Ok(simple.filter(|_| last))
}

pub(crate) fn heap_type(heap: wp::HeapType, id: impl Fn(wp::UnpackedIndex) -> TypeId) -> HeapType {
    use wp::AbstractHeapType as A;
    match heap {
        wp::HeapType::Concrete(index) | wp::HeapType::Exact(index) => HeapType::Concrete(id(index)),
        wp::HeapType::Abstract { ty, .. } => match ty {
            A::Func => HeapType::Func,
            A::Extern => HeapType::Extern,
            A::Any => HeapType::Any,
            A::Eq => HeapType::Eq,
            A::I31 => HeapType::I31,
            A::Struct => HeapType::Struct,
            A::Array => HeapType::Array,
            A::Exn => HeapType::Exn,
            A::None => HeapType::None,
            A::NoFunc => HeapType::NoFunc,
            A::NoExtern => HeapType::NoExtern,
            A::NoExn => HeapType::NoExn,
            // Stack switching is not in the feature table, so validation rejects these.
            A::Cont | A::NoCont => HeapType::NoFunc,
        },
    }
}

pub(crate) fn val_type(ty: wp::ValType, id: impl Fn(wp::UnpackedIndex) -> TypeId) -> ValType {
    match ty {
        wp::ValType::I32 => ValType::I32,
        wp::ValType::I64 => ValType::I64,
        wp::ValType::F32 => ValType::F32,
        wp::ValType::F64 => ValType::F64,
        wp::ValType::V128 => ValType::V128,
        wp::ValType::Ref(r) => ValType::Ref(RefType { nullable: r.is_nullable(), heap: heap_type(r.heap_type(), id) }),
    }
}

/// Decodes the name section.
pub(crate) fn names(module: &Module) -> Names {
    let mut names = Names::default();
    let Some(section) = module.customs.iter().find(|c| &*c.name == "name") else { return names };
    let Ok(contents) = module.bytes.part(section.range.clone()) else { return names };
    let reader = wp::BinaryReader::new(contents, section.range.start as u64);
    for subsection in wp::NameSectionReader::new(reader).map_while(|s| s.ok()) {
        match subsection {
            wp::Name::Module { name, .. } => names.module = Some(name.into()),
            wp::Name::Function(map) => {
                // Modules are smaller than 4 GiB, so offsets fit into 32 bits.
                let range_of = |name: &str| {
                    let start = section.range.start + (name.as_ptr() as usize - contents.as_ptr() as usize);
                    start as u32..(start + name.len()) as u32
                };
                names.funcs = map.into_iter().map_while(|n| n.ok()).map(|n| (n.index, range_of(n.name))).collect();
                names.funcs.sort_by_key(|(index, _)| *index);
            }
            _ => {}
        }
    }
    names
}
