//! `kinglet inspect`: describes a module without validating it, as a page for people or as JSON for programs.

use std::fmt::Write as _;

use kinglet::Features;
use kinglet_wasm::name::demangle;
use kinglet_wasm::outline::{EntityType, Limits, Outline};
use serde_json::{Value, json};

use crate::fault::{Fault, Outcome};
use crate::message::counted;
use crate::options::Options;
use crate::{print, source};

pub(super) fn run(options: &Options) -> Outcome {
    let file = options.positional.first().ok_or_else(|| Fault::refused("no file given"))?;
    let outline = outline(file, None)?;
    let text = if options.json { format!("{:#}\n", to_json(&outline)) } else { page(source::shown(file), &outline) };
    print(&text).map(|()| 0)
}

/// The outline of the module in a file.
pub(super) fn outline(file: &str, features: Option<Features>) -> Outcome<Outline> {
    source::outline(file, &source::binary(file)?, features)
}

/// A name from a module, with control characters escaped.
pub(super) fn name(text: &str) -> String {
    text.escape_debug().to_string()
}

fn page(file: &str, outline: &Outline) -> String {
    let size = outline.sections.iter().map(|section| section.range.end).max().unwrap_or(8);
    let named = outline.name.as_ref().map_or_else(String::new, |own| format!(" \"{}\"", name(own)));
    let mut out =
        format!("{file}: WebAssembly module{named}, version {}, {}\n", outline.version, counted(size, "byte"));
    let mut part = |title: &str, rows: Vec<String>| {
        if !rows.is_empty() {
            let _ = writeln!(out, "\n{title}:");
            rows.iter().for_each(|row| {
                let _ = writeln!(out, "  {row}");
            });
        }
    };
    part("sections", sections(outline));
    part(
        &format!("types ({})", outline.types.len()),
        outline.types.iter().enumerate().map(|(index, ty)| format!("{index}: {ty}")).collect(),
    );
    let import = |it: &kinglet_wasm::outline::Import| {
        format!("{}[{}] {}.{}: {}", it.kind, it.index, name(&it.module), name(&it.name), it.ty)
    };
    part(&format!("imports ({})", outline.imports.len()), outline.imports.iter().map(import).collect());
    part(
        &format!("exports ({})", outline.exports.len()),
        outline.exports.iter().map(|it| format!("{}[{}] {}: {}", it.kind, it.index, name(&it.name), it.ty)).collect(),
    );
    part(&format!("functions ({}), the largest first", outline.funcs.len()), largest(outline));
    let defined = |it: &kinglet_wasm::outline::Definition| match &it.init {
        Some(init) => format!("{}: {}, starts with {init}", it.index, it.ty),
        None => format!("{}: {}", it.index, it.ty),
    };
    part("tables, memories, globals and tags", outline.definitions.iter().map(defined).collect());
    part("start function", outline.start.iter().map(|func| format!("func {func}")).collect());
    part("producers", producers(outline));
    part("features of the target", outline.target_features.iter().map(|feature| name(feature)).collect());
    out
}

fn sections(outline: &Outline) -> Vec<String> {
    let row = |section: &kinglet_wasm::outline::Section| {
        let kind = match &section.name {
            Some(own) => format!("custom \"{}\"", name(own)),
            None => section.kind.to_string(),
        };
        let (begin, size) = (section.range.start, section.range.end - section.range.start);
        let entries = |count| format!(", {count} {}", if count == 1 { "entry" } else { "entries" });
        let count = section.count.map_or_else(String::new, entries);
        format!("{kind:<24} {size:>10} bytes at {begin:#x}{count}")
    };
    outline.sections.iter().map(row).collect()
}

/// The largest functions. A list of all would hide the other sections.
fn largest(outline: &Outline) -> Vec<String> {
    const MOST: usize = 10;
    let mut funcs: Vec<_> = outline.funcs.iter().map(|func| (func.range.end - func.range.start, func)).collect();
    funcs.sort_by_key(|(size, func)| (std::cmp::Reverse(*size), func.index));
    let row = |(size, func): &(u64, &kinglet_wasm::outline::Function)| {
        let own = func.name.as_ref().map_or_else(String::new, |own| format!(" {}", name(&demangle(own))));
        format!("func {}{own}: {} at {:#x}", func.index, counted(*size, "byte"), func.range.start)
    };
    let mut rows: Vec<String> = funcs.iter().take(MOST).map(row).collect();
    if funcs.len() > MOST {
        rows.push(format!("… and {} more", funcs.len() - MOST));
    }
    rows
}

fn producers(outline: &Outline) -> Vec<String> {
    let row = |(field, values): &(String, Vec<(String, String)>)| {
        let tools: Vec<String> = values
            .iter()
            .map(|(tool, version)| format!("{} {}", name(tool), name(version)).trim().to_string())
            .collect();
        format!("{}: {}", name(field), tools.join(", "))
    };
    outline.producers.iter().map(row).collect()
}

/// Adds the parts of a type to a JSON object. For a function that is the index of its type.
fn with_parts(mut object: Value, parts: Option<&EntityType>) -> Value {
    let mut set = |key: &str, value: Value| object[key] = value;
    let limits = |set: &mut dyn FnMut(&str, Value), limits: &Limits| {
        set("min", limits.min.into());
        set("max", limits.max.into());
        set("is_64", limits.is_64.into());
    };
    match parts {
        None => {}
        Some(EntityType::Func { type_index }) => set("type_index", (*type_index).into()),
        Some(EntityType::Table { element, limits: size }) => {
            limits(&mut set, size);
            set("element", (&**element).into());
        }
        Some(EntityType::Memory { limits: size, shared, page_size }) => {
            limits(&mut set, size);
            set("shared", (*shared).into());
            set("page_size", (*page_size).into());
        }
        Some(EntityType::Global { content, mutable }) => {
            set("content", (&**content).into());
            set("mutable", (*mutable).into());
        }
    }
    object
}

fn to_json(outline: &Outline) -> Value {
    let sections = outline.sections.iter().map(|it| {
        let (offset, size) = (it.range.start, it.range.end - it.range.start);
        json!({ "kind": it.kind, "name": it.name, "offset": offset, "size": size, "count": it.count })
    });
    let imports = outline.imports.iter().map(|it| {
        let own = json!({ "module": it.module, "name": it.name, "kind": it.kind, "index": it.index, "type": &*it.ty });
        with_parts(own, Some(&it.entity_type))
    });
    let exports = outline.exports.iter().map(|it| {
        let own = json!({ "name": it.name, "kind": it.kind, "index": it.index, "type": &*it.ty });
        with_parts(own, it.entity_type.as_ref())
    });
    let types = outline.types.iter().zip(&outline.signatures).map(|(ty, signature)| match signature {
        Some(it) => json!({ "type": &**ty, "params": it.params, "results": it.results }),
        None => json!({ "type": &**ty }),
    });
    let functions = outline.funcs.iter().map(|it| {
        let (offset, size) = (it.range.start, it.range.end - it.range.start);
        json!({ "index": it.index, "name": it.name, "type_index": it.type_index, "offset": offset, "size": size })
    });
    let definitions = outline.definitions.iter().map(|it| {
        let own = json!({ "kind": it.kind, "index": it.index, "type": &*it.ty, "init": it.init });
        with_parts(own, Some(&it.entity_type))
    });
    let segments = |segments: &[kinglet_wasm::outline::Segment]| {
        let one = |it: &kinglet_wasm::outline::Segment| {
            let (into, offset) = it.target.as_ref().map(|(into, offset)| (*into, offset.as_str())).unzip();
            json!({ "into": into, "offset": offset, "size": it.size })
        };
        segments.iter().map(one).collect::<Vec<_>>()
    };
    let producers = outline.producers.iter().flat_map(|(field, values)| {
        values.iter().map(move |(tool, version)| json!({ "field": field, "name": tool, "version": version }))
    });
    json!({
        "version": outline.version,
        "name": outline.name,
        "sections": sections.collect::<Vec<_>>(),
        "types": types.collect::<Vec<_>>(),
        "imports": imports.collect::<Vec<_>>(),
        "exports": exports.collect::<Vec<_>>(),
        "functions": functions.collect::<Vec<_>>(),
        "definitions": definitions.collect::<Vec<_>>(),
        "start": outline.start,
        "elements": segments(&outline.elements),
        "data": segments(&outline.data),
        "producers": producers.collect::<Vec<_>>(),
        "target_features": outline.target_features,
    })
}
