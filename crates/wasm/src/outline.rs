//! The outline of a binary module in readable form: its sections with their ranges, and all its declarations in the text
//! format. The outline does not validate, so it also describes modules that an engine rejects. The commands `inspect`
//! and `parse` show it, and messages use it to name instructions and parameters. Core specification, chapter "Binary
//! Format", and the tool conventions for custom sections.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;

use wasmparser as wp;

use crate::decode::check_header;
use crate::error::{Error, ErrorKind, Result};
use crate::feature::Features;
use crate::op::Op;

/// The outline of a module.
#[derive(Clone, Debug, Default)]
pub struct Outline {
    /// The version in the header.
    pub version: u16,
    /// The module's name, from its name section.
    pub name: Option<String>,
    /// Its sections, in order.
    pub sections: Vec<Section>,
    /// Its type definitions, in the text format.
    pub types: Vec<Arc<str>>,
    /// The signature of each type, or `None` if the type is not a function type.
    pub signatures: Vec<Option<Signature>>,
    /// Its imports, in order.
    pub imports: Vec<Import>,
    /// The functions that it defines.
    pub funcs: Vec<Function>,
    /// The tables, memories, tags and globals that it defines.
    pub definitions: Vec<Definition>,
    /// Its exports, in order.
    pub exports: Vec<Export>,
    /// The index of the start function.
    pub start: Option<u32>,
    /// Its element segments.
    pub elements: Vec<Segment>,
    /// Its data segments.
    pub data: Vec<Segment>,
    /// Its producers: for each field, such as `processed-by`, pairs of name and version.
    pub producers: Vec<(String, Vec<(String, String)>)>,
    /// The target features that its compiler recorded, each with its prefix, such as `+`.
    pub target_features: Vec<String>,
    /// The types of all entities, by the index of the kind in [`EXTERN_KINDS`].
    types_by_kind: [Vec<Type>; 5],
    names: HashMap<u32, String>,
    bodies: usize,
}

/// The signature of a function type. Value types are in the text format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The parameter types.
    pub params: Vec<String>,
    /// The result types.
    pub results: Vec<String>,
}

/// A type in the text format, and its structured form.
type Type = (Arc<str>, EntityType);

/// The type of an import, export or definition. Value types are in the text format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntityType {
    /// The type of a function or tag.
    Func {
        /// The type index.
        type_index: u32,
    },
    /// The type of a table.
    Table {
        /// The type of its elements.
        element: Arc<str>,
        /// The limits of its size, in elements.
        limits: Limits,
    },
    /// The type of a memory.
    Memory {
        /// The limits of its size, in pages.
        limits: Limits,
        /// Whether threads can share it.
        shared: bool,
        /// The page size in bytes.
        page_size: u64,
    },
    /// The type of a global.
    Global {
        /// The type of its value.
        content: Arc<str>,
        /// Whether it is mutable.
        mutable: bool,
    },
}

/// The limits of a memory's or table's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The initial size.
    pub min: u64,
    /// The maximum size, if any.
    pub max: Option<u64>,
    /// Whether its addresses have 64 bits.
    pub is_64: bool,
}

/// A section of the binary.
#[derive(Clone, Debug)]
pub struct Section {
    /// Its kind: `type`, `import`, …, `custom`.
    pub kind: &'static str,
    /// The name of a custom section.
    pub name: Option<String>,
    /// The range of its contents.
    pub range: Range<u64>,
    /// The number of its entries, if it is a list.
    pub count: Option<u32>,
}

/// The maximum number of producers and target features in an outline. Compilers record far fewer; the limit bounds memory.
const MAX_LISTED: usize = 1000;

/// The kinds of imports and exports, ordered by their encoding.
const EXTERN_KINDS: [&str; 5] = ["func", "table", "memory", "global", "tag"];

/// An import.
#[derive(Clone, Debug)]
pub struct Import {
    /// The module name.
    pub module: String,
    /// The item name.
    pub name: String,
    /// `func`, `table`, `memory`, `global` or `tag`.
    pub kind: &'static str,
    /// Its index in the index space of its kind.
    pub index: u32,
    /// Its type in the text format.
    pub ty: Arc<str>,
    /// Its type in structured form.
    pub entity_type: EntityType,
}

/// An export.
#[derive(Clone, Debug)]
pub struct Export {
    /// Its name.
    pub name: String,
    /// `func`, `table`, `memory`, `global` or `tag`.
    pub kind: &'static str,
    /// Its index in the index space of its kind.
    pub index: u32,
    /// Its type in the text format.
    pub ty: Arc<str>,
    /// Its type in structured form, or `None` if the index is out of bounds.
    pub entity_type: Option<EntityType>,
}

/// A function that the module defines.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its function index.
    pub index: u32,
    /// Its type index.
    pub type_index: u32,
    /// Its name, from the name section.
    pub name: Option<String>,
    /// The range of its body.
    pub range: Range<u64>,
}

/// A table, memory, global or tag that the module defines.
#[derive(Clone, Debug)]
pub struct Definition {
    /// `table`, `memory`, `global` or `tag`.
    pub kind: &'static str,
    /// Its index in the index space of its kind.
    pub index: u32,
    /// Its type in the text format.
    pub ty: Arc<str>,
    /// Its type in structured form.
    pub entity_type: EntityType,
    /// Its initializer in the text format, if it has one.
    pub init: Option<String>,
}

/// A data segment or an element segment.
#[derive(Clone, Debug)]
pub struct Segment {
    /// The index of the memory or table, and the offset, of an active segment.
    pub target: Option<(u32, String)>,
    /// The number of bytes or elements.
    pub size: u64,
}

impl Outline {
    /// Creates the outline of a binary module. It accepts the encodings of `features`, or of all proposals by default.
    ///
    /// # Errors
    /// If the binary is malformed or a component.
    pub fn new(bytes: &[u8], features: Option<Features>) -> Result<Outline> {
        check_header(bytes)?;
        let mut outline = Outline::default();
        let mut parser = wp::Parser::new(0);
        parser.set_features(features.map_or(wp::WasmFeatures::all(), Features::to_wasmparser));
        for payload in parser.parse_all(bytes) {
            outline.payload(payload.map_err(malformed)?).map_err(malformed)?;
        }
        for func in &mut outline.funcs {
            func.name = outline.names.remove(&func.index);
        }
        Ok(outline)
    }

    fn payload(&mut self, payload: wp::Payload<'_>) -> wp::Result<()> {
        use wp::Payload as P;
        match payload {
            P::Version { num, .. } => self.version = num,
            P::TypeSection(it) => self.list("type", &it, Outline::rec_group)?,
            P::ImportSection(it) => self.imports(it)?,
            P::FunctionSection(it) => self.list("function", &it, |outline, ty| {
                let ty_of_func = outline.func_type(ty);
                let index = outline.add(0, ty_of_func);
                outline.funcs.push(Function { index, type_index: ty, name: None, range: 0..0 });
                Ok(())
            })?,
            P::TableSection(it) => self.list("table", &it, |outline, table| {
                let init = match table.init {
                    wp::TableInit::RefNull => None,
                    wp::TableInit::Expr(init) => Some(expression(&init)?),
                };
                outline.define(1, table_type(&table.ty), init);
                Ok(())
            })?,
            P::MemorySection(it) => self.list("memory", &it, |outline, ty| {
                outline.define(2, memory_type(&ty), None);
                Ok(())
            })?,
            P::GlobalSection(it) => self.list("global", &it, |outline, global| {
                outline.define(3, global_type(&global.ty), Some(expression(&global.init_expr)?));
                Ok(())
            })?,
            P::TagSection(it) => self.list("tag", &it, |outline, tag| {
                let ty = outline.func_type(tag.func_type_idx);
                outline.define(4, ty, None);
                Ok(())
            })?,
            P::ExportSection(it) => self.list("export", &it, Outline::export)?,
            P::StartSection { func, range } => {
                self.section("start", range, None);
                self.start = Some(func);
            }
            P::ElementSection(it) => self.list("element", &it, Outline::element)?,
            P::DataCountSection { count, range } => self.section("data count", range, Some(count)),
            P::CodeSectionStart { count, unchecked_range, .. } => self.section("code", unchecked_range, Some(count)),
            P::CodeSectionEntry(body) => self.body(body.range()),
            P::DataSection(it) => self.list("data", &it, Outline::data)?,
            P::CustomSection(it) => self.custom(&it)?,
            _ => {}
        }
        Ok(())
    }

    fn section(&mut self, kind: &'static str, range: Range<u64>, count: Option<u32>) {
        self.sections.push(Section { kind, name: None, range, count });
    }

    /// Records a section that is a list, and calls `record` for each entry.
    fn list<'a, T: wp::FromReader<'a>>(
        &mut self,
        kind: &'static str,
        reader: &wp::SectionLimited<'a, T>,
        record: impl Fn(&mut Outline, T) -> wp::Result<()>,
    ) -> wp::Result<()> {
        self.section(kind, reader.range(), Some(reader.count()));
        for entry in reader.clone() {
            record(self, entry?)?;
        }
        Ok(())
    }

    /// Appends an entity to the index space of its kind and returns its index.
    fn add(&mut self, kind: usize, ty: Type) -> u32 {
        self.types_by_kind[kind].push(ty);
        self.types_by_kind[kind].len() as u32 - 1
    }

    fn define(&mut self, kind: usize, (ty, entity_type): Type, init: Option<String>) {
        let index = self.add(kind, (ty.clone(), entity_type.clone()));
        self.definitions.push(Definition { kind: EXTERN_KINDS[kind], index, ty, entity_type, init });
    }

    fn rec_group(&mut self, group: wp::RecGroup) -> wp::Result<()> {
        for ty in group.types() {
            self.types.push(truncate(sub_type_text(ty)).into());
            self.signatures.push(signature(ty));
        }
        Ok(())
    }

    fn func_type(&self, type_index: u32) -> Type {
        let text = self.types.get(type_index as usize).map_or_else(|| format!("type {type_index}").into(), Arc::clone);
        (text, EntityType::Func { type_index })
    }

    fn imports(&mut self, reader: wp::ImportSectionReader<'_>) -> wp::Result<()> {
        self.section("import", reader.range(), Some(reader.count()));
        for import in reader.into_imports() {
            let import = import?;
            let (kind, (ty, entity_type)) = match &import.ty {
                wp::TypeRef::Func(ty) | wp::TypeRef::FuncExact(ty) => (0, self.func_type(*ty)),
                wp::TypeRef::Table(ty) => (1, table_type(ty)),
                wp::TypeRef::Memory(ty) => (2, memory_type(ty)),
                wp::TypeRef::Global(ty) => (3, global_type(ty)),
                wp::TypeRef::Tag(ty) => (4, self.func_type(ty.func_type_idx)),
            };
            let index = self.add(kind, (ty.clone(), entity_type.clone()));
            let (module, name) = (import.module.to_string(), import.name.to_string());
            self.imports.push(Import { module, name, kind: EXTERN_KINDS[kind], index, ty, entity_type });
        }
        Ok(())
    }

    fn export(&mut self, export: wp::Export<'_>) -> wp::Result<()> {
        let kind = match export.kind {
            wp::ExternalKind::Func | wp::ExternalKind::FuncExact => 0,
            wp::ExternalKind::Table => 1,
            wp::ExternalKind::Memory => 2,
            wp::ExternalKind::Global => 3,
            wp::ExternalKind::Tag => 4,
        };
        let ty = self.types_by_kind[kind].get(export.index as usize).cloned();
        let (ty, entity_type) = ty.map_or_else(|| ("?".into(), None), |(ty, entity_type)| (ty, Some(entity_type)));
        let (index, name, kind) = (export.index, export.name.to_string(), EXTERN_KINDS[kind]);
        self.exports.push(Export { name, kind, index, ty, entity_type });
        Ok(())
    }

    fn element(&mut self, element: wp::Element<'_>) -> wp::Result<()> {
        let size = match &element.items {
            wp::ElementItems::Functions(items) => items.count(),
            wp::ElementItems::Expressions(_, items) => items.count(),
        };
        let target = match &element.kind {
            wp::ElementKind::Active { table_index, offset_expr } => {
                Some((table_index.unwrap_or(0), expression(offset_expr)?))
            }
            _ => None,
        };
        self.elements.push(Segment { target, size: size.into() });
        Ok(())
    }

    fn data(&mut self, data: wp::Data<'_>) -> wp::Result<()> {
        let target = match &data.kind {
            wp::DataKind::Active { memory_index, offset_expr } => Some((*memory_index, expression(offset_expr)?)),
            wp::DataKind::Passive => None,
        };
        self.data.push(Segment { target, size: data.data.len() as u64 });
        Ok(())
    }

    fn body(&mut self, range: Range<u64>) {
        if let Some(func) = self.funcs.get_mut(self.bodies) {
            func.range = range;
            self.bodies += 1;
        }
    }

    /// Records a custom section. The contents of a malformed one are ignored.
    fn custom(&mut self, section: &wp::CustomSectionReader<'_>) -> wp::Result<()> {
        let name = Some(section.name().to_string());
        let range = section.data_offset()..section.data_offset() + section.data().len() as u64;
        self.sections.push(Section { kind: "custom", name, range, count: None });
        let _ = match section.as_known() {
            wp::KnownCustom::Name(names) => self.names(names),
            wp::KnownCustom::Producers(fields) => self.producers(fields),
            _ if section.name() == "target_features" => self.target_features(section),
            _ => Ok(()),
        };
        Ok(())
    }

    fn names(&mut self, names: wp::NameSectionReader<'_>) -> wp::Result<()> {
        for name in names {
            match name? {
                wp::Name::Module { name, .. } => self.name = Some(name.to_string()),
                wp::Name::Function(map) => {
                    // The name section follows all functions. Names of other indices would only waste memory.
                    let functions = self.types_by_kind[0].len();
                    for naming in map {
                        let naming = naming?;
                        if (naming.index as usize) < functions {
                            self.names.entry(naming.index).or_insert_with(|| naming.name.to_string());
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn producers(&mut self, fields: wp::ProducersSectionReader<'_>) -> wp::Result<()> {
        for field in fields.into_iter().take(MAX_LISTED / 10) {
            let field = field?;
            let mut values = Vec::new();
            for value in field.values.into_iter().take(MAX_LISTED) {
                let value = value?;
                values.push((value.name.to_string(), value.version.to_string()));
            }
            self.producers.push((field.name.to_string(), values));
        }
        Ok(())
    }

    fn target_features(&mut self, section: &wp::CustomSectionReader<'_>) -> wp::Result<()> {
        let mut reader = wp::BinaryReader::new(section.data(), section.data_offset());
        for _ in 0..reader.read_var_u32()?.min(MAX_LISTED as u32) {
            let sign = char::from(reader.read_u8()?);
            self.target_features.push(format!("{sign}{}", reader.read_string()?));
        }
        Ok(())
    }
}

/// Returns the text format's name of the instruction at a byte offset of a binary.
pub fn instruction_at(bytes: &[u8], offset: u64) -> Option<&'static str> {
    let rest = bytes.get(usize::try_from(offset).ok()?..)?;
    let reader = wp::BinaryReader::new_features(rest, offset, wp::WasmFeatures::all());
    text_of(&wp::OperatorsReader::new(reader).read().ok()?)
}

/// Returns the names of a function's parameters and locals in the name section, with their local indices.
pub fn local_names(bytes: &[u8], func: u32) -> Vec<(u32, String)> {
    let mut found = Vec::new();
    for payload in wp::Parser::new(0).parse_all(bytes) {
        let Ok(payload) = payload else { break };
        let wp::Payload::CustomSection(section) = payload else { continue };
        if let wp::KnownCustom::Name(names) = section.as_known() {
            let locals = names.into_iter().filter_map(|name| match name {
                Ok(wp::Name::Local(functions)) => Some(functions),
                _ => None,
            });
            let functions = locals.flat_map(|functions| functions.into_iter().flatten());
            let namings = functions.filter(|it| it.index == func).flat_map(|it| it.names.flatten());
            found.extend(namings.map(|naming| (naming.index, naming.name.to_string())));
        }
    }
    found
}

macro_rules! tokens {
    ($(@$proposal:ident $token:ident $({ $($payload:tt)* })? => $visit:ident ($($ann:tt)*))*) => {
        /// Returns the name of an operator's variant. `Debug` of an operator would need a hundred times as much code.
        pub(crate) fn token_of(operator: &wp::Operator<'_>) -> Option<&'static str> {
            match operator {
                $(wp::Operator::$token { .. } => Some(stringify!($token)),)*
                _ => None,
            }
        }
    };
}

wp::for_each_operator!(tokens);

/// Returns an operator's name in the text format. Rows of the op table have the name of wasmparser's variant as token.
fn text_of(operator: &wp::Operator<'_>) -> Option<&'static str> {
    let token = token_of(operator)?;
    let has_token = |op: &Op| format!("{op:?}").trim_end_matches(')').rsplit('(').next() == Some(token);
    Op::all().find(has_token).map(Op::text)
}

fn malformed(e: wp::Error) -> Error {
    Error::new(ErrorKind::Malformed, e.message(), Some(e.offset()))
}

/// Returns a constant expression in the text format, without its `end`.
fn expression(init: &wp::ConstExpr<'_>) -> wp::Result<String> {
    let mut out = Vec::new();
    for operator in init.get_operators_reader() {
        let operator = operator?;
        out.push(match &operator {
            wp::Operator::End => continue,
            wp::Operator::I32Const { value } => format!("i32.const {value}"),
            wp::Operator::I64Const { value } => format!("i64.const {value}"),
            wp::Operator::F32Const { value } => format!("f32.const {}", f32::from(*value)),
            wp::Operator::F64Const { value } => format!("f64.const {}", f64::from(*value)),
            wp::Operator::GlobalGet { global_index } => format!("global.get {global_index}"),
            wp::Operator::RefFunc { function_index } => format!("ref.func {function_index}"),
            other => text_of(other).unwrap_or("?").to_string(),
        });
    }
    Ok(out.join(" "))
}

/// Truncates the text of a very large type. A small module may refer to such a type a million times.
fn truncate(mut text: String) -> String {
    const MAX_CHARS: usize = 2000;
    if let Some((end, _)) = text.char_indices().nth(MAX_CHARS) {
        text.truncate(end);
        text.push('…');
    }
    text
}

fn sub_type_text(ty: &wp::SubType) -> String {
    let composite = match &ty.composite_type.inner {
        wp::CompositeInnerType::Func(func) => func_text(func),
        wp::CompositeInnerType::Struct(it) => {
            it.fields.iter().fold("struct".to_string(), |text, field| format!("{text} (field {})", field_text(field)))
        }
        wp::CompositeInnerType::Array(it) => format!("array {}", field_text(&it.0)),
        wp::CompositeInnerType::Cont(_) => "cont".to_string(),
    };
    match (ty.is_final, ty.supertype_idxs.is_empty()) {
        (true, true) => composite,
        (is_final, _) => {
            let supertypes = ty.supertype_idxs.iter().map(|index| format!("{index} ")).collect::<String>();
            format!("sub {}{supertypes}({composite})", if is_final { "final " } else { "" })
        }
    }
}

fn func_text(ty: &wp::FuncType) -> String {
    let mut text = String::from("func");
    for (word, types) in [("param", ty.params()), ("result", ty.results())] {
        if !types.is_empty() {
            let _ = write!(text, " ({word}");
            types.iter().for_each(|ty| {
                let _ = write!(text, " {ty}");
            });
            text.push(')');
        }
    }
    text
}

fn field_text(field: &wp::FieldType) -> String {
    let storage = match field.element_type {
        wp::StorageType::I8 => "i8".to_string(),
        wp::StorageType::I16 => "i16".to_string(),
        wp::StorageType::Val(ty) => ty.to_string(),
    };
    if field.mutable { format!("(mut {storage})") } else { storage }
}

fn limits_text(is_64: bool, min: u64, max: Option<u64>) -> String {
    let max = max.map_or_else(String::new, |max| format!(" {max}"));
    format!("{}{min}{max}", if is_64 { "i64 " } else { "" })
}

fn signature(ty: &wp::SubType) -> Option<Signature> {
    let wp::CompositeInnerType::Func(func) = &ty.composite_type.inner else { return None };
    let words = |types: &[wp::ValType]| types.iter().map(ToString::to_string).collect();
    Some(Signature { params: words(func.params()), results: words(func.results()) })
}

fn table_type(ty: &wp::TableType) -> Type {
    let element: Arc<str> = wp::ValType::Ref(ty.element_type).to_string().into();
    let text = format!("table {} {element}", limits_text(ty.table64, ty.initial, ty.maximum));
    let limits = Limits { min: ty.initial, max: ty.maximum, is_64: ty.table64 };
    (text.into(), EntityType::Table { element, limits })
}

fn memory_type(ty: &wp::MemoryType) -> Type {
    let page_size = 1u64 << ty.page_size_log2.unwrap_or(16).min(63);
    let page = ty.page_size_log2.map_or_else(String::new, |_| format!(" (pagesize {page_size})"));
    let shared = if ty.shared { " shared" } else { "" };
    let text = format!("memory {}{shared}{page}", limits_text(ty.memory64, ty.initial, ty.maximum));
    let limits = Limits { min: ty.initial, max: ty.maximum, is_64: ty.memory64 };
    (text.into(), EntityType::Memory { limits, shared: ty.shared, page_size })
}

fn global_type(ty: &wp::GlobalType) -> Type {
    let content: Arc<str> = ty.content_type.to_string().into();
    let text = if ty.mutable { format!("global (mut {content})") } else { format!("global {content}") };
    (text.into(), EntityType::Global { content, mutable: ty.mutable })
}

#[cfg(all(test, feature = "wat"))]
mod tests {
    use super::*;

    fn outline(text: &str) -> Outline {
        Outline::new(&crate::decode::to_binary(text.as_bytes()).unwrap(), None).unwrap()
    }

    #[test]
    fn all_declarations_are_listed_in_the_text_format() {
        let it = outline(
            r#"(module $m
                (import "a" "f" (func (param i32 f64) (result i64)))
                (import "a" "g" (global (mut i32)))
                (memory (export "memory") 1 16)
                (table 2 funcref)
                (global i64 (i64.const -7))
                (tag $t (export "tag") (param i32))
                (func $second (export "second") (param $x i32) unreachable)
                (start 2) (func $third)
                (elem (i32.const 1) 1 2)
                (data (i32.const 8) "abc") (data "passive"))"#,
        );
        assert_eq!((it.version, it.name.as_deref(), it.start), (1, Some("m"), Some(2)));
        assert_eq!(
            it.types.iter().map(|ty| &**ty).collect::<Vec<_>>(),
            ["func (param i32 f64) (result i64)", "func (param i32)", "func"]
        );
        let imports: Vec<_> = it.imports.iter().map(|it| (it.kind, it.index, &*it.ty)).collect();
        assert_eq!(imports, [("func", 0, "func (param i32 f64) (result i64)"), ("global", 0, "global (mut i32)")]);
        let defined: Vec<_> =
            it.definitions.iter().map(|it| (it.kind, it.index, &*it.ty, it.init.as_deref())).collect();
        assert_eq!(
            defined,
            [
                ("table", 0, "table 2 funcref", None),
                ("memory", 0, "memory 1 16", None),
                ("tag", 0, "func (param i32)", None),
                ("global", 1, "global i64", Some("i64.const -7"))
            ]
        );
        let signature = it.signatures[0].as_ref().unwrap();
        assert_eq!(
            (&signature.params[..], &signature.results[..]),
            (&["i32", "f64"].map(String::from)[..], &["i64".to_string()][..])
        );
        assert_eq!(it.imports[0].entity_type, EntityType::Func { type_index: 0 });
        assert_eq!(it.imports[1].entity_type, EntityType::Global { content: "i32".into(), mutable: true });
        let limits = |min, max| Limits { min, max, is_64: false };
        let table = EntityType::Table { element: "funcref".into(), limits: limits(2, None) };
        assert_eq!(it.definitions[0].entity_type, table);
        let memory = EntityType::Memory { limits: limits(1, Some(16)), shared: false, page_size: 65536 };
        assert_eq!((&it.definitions[1].entity_type, it.exports[0].entity_type.as_ref()), (&memory, Some(&memory)));
        let exports: Vec<_> = it.exports.iter().map(|it| (it.name.as_str(), it.index, &*it.ty)).collect();
        let expected =
            [("memory", 0, "memory 1 16"), ("tag", 0, "func (param i32)"), ("second", 1, "func (param i32)")];
        assert_eq!(exports, expected);
        let names: Vec<_> = it.funcs.iter().map(|it| (it.index, it.name.as_deref().unwrap())).collect();
        assert_eq!(names, [(1, "second"), (2, "third")]);
        assert!(it.funcs.iter().all(|func| func.range.end > func.range.start));
        assert_eq!(it.elements[0].target, Some((0, "i32.const 1".to_string())));
        assert_eq!(it.data.iter().map(|it| it.size).collect::<Vec<_>>(), [3, 7]);
        assert!(it.data[1].target.is_none());
    }

    #[test]
    fn structure_array_and_subtype_definitions_are_in_the_text_format() {
        let it = outline(
            "(module (type (sub (struct (field i8) (field (mut i64))))) (type (sub final 0 (struct (field i8) (field (mut i64)) (field i32)))) (type (array (mut i16))))",
        );
        assert_eq!(&*it.types[0], "sub (struct (field i8) (field (mut i64)))");
        assert!(it.types[1].starts_with("sub final ") && it.types[1].ends_with("(field i32))"), "{}", it.types[1]);
        assert_eq!(&*it.types[2], "array (mut i16)");
    }

    #[test]
    fn instructions_and_parameters_are_named() {
        let text = "(module (func $f (param $count i32) (result i32) (i32.div_s (local.get 0) (i32.const 0))))";
        let bytes = crate::decode::to_binary(text.as_bytes()).unwrap();
        let body = Outline::new(&bytes, None).unwrap().funcs[0].range.clone();
        let all: Vec<_> = body.filter_map(|at| instruction_at(&bytes, at)).collect();
        assert!(all.ends_with(&["i32.div_s", "end"]), "{all:?}");
        assert_eq!(local_names(&bytes, 0), [(0, "count".to_string())]);
        assert_eq!(local_names(&bytes, 1), []);
        assert_eq!(instruction_at(&bytes, bytes.len() as u64), None);
    }

    #[test]
    fn contents_of_malformed_custom_sections_are_ignored() {
        let mut bytes = b"\0asm\x01\0\0\0".to_vec();
        bytes.extend(b"\0\x0b\x09producers\xff");
        let it = Outline::new(&bytes, None).unwrap();
        assert_eq!((it.sections.len(), it.producers.len()), (1, 0));
    }

    #[test]
    fn a_malformed_header_is_an_error_with_an_offset() {
        assert_eq!(Outline::new(b"\0asm\x0d\0\x01\0", None).unwrap_err().offset(), Some(4));
        assert!(Outline::new(b"\0asm\x01\0\0\0\x01\x05", None).is_err());
        assert!(Outline::new(b"", None).is_err());
    }

    #[test]
    fn malformed_headers_have_distinct_messages() {
        let message = |bytes: &[u8]| crate::decode::to_binary(bytes).and_then(|it| check_header(&it)).unwrap_err();
        for (bytes, expected, offset) in [
            (&b""[..], "unexpected end: the file is empty", 0),
            (b"\0as", "unexpected end: the header is cut short", 3),
            (b"\0asm\x01\0", "unexpected end: the header is cut short", 6),
            (b"\0asm\x02\0\0\0", "unknown binary version: 0x2", 4),
            (b"\0asm\x0d\0\x01\0", "this is a component, not a core module", 4),
            (b"\xff\xfe", "magic header not detected: expected \\0asm or text in UTF-8, found [ff, fe]", 0),
        ] {
            assert_eq!((message(bytes).message(), message(bytes).offset()), (expected, Some(offset)));
        }
    }
}
