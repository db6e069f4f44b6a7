//! `kinglet parse`: lists a module's declarations by section, in the order of the file and in the format of objdump.

use std::fmt::Write as _;

use kinglet_wasm::outline::{Outline, Section, Segment};

use super::inspect::{name, outline};
use crate::fault::{Fault, Outcome};
use crate::message::counted;
use crate::options::Options;
use crate::{print, source};

pub(super) fn run(options: &Options) -> Outcome {
    let file = options.positional.first().ok_or_else(|| Fault::refused("no file given"))?;
    let outline = outline(file, Some(options.features()))?;
    print(&listing(source::shown(file), &outline)).map(|()| 0)
}

fn listing(file: &str, outline: &Outline) -> String {
    let mut out = format!("{file}:  file format wasm {:#x}\n\nSection Details:\n", outline.version);
    for section in &outline.sections {
        let (begin, end) = (section.range.start, section.range.end);
        let title = match (section.count, &section.name) {
            (Some(count), _) => format!("{}[{count}]", capital(section.kind)),
            (None, Some(own)) => format!("Custom \"{}\"", name(own)),
            (None, None) => capital(section.kind),
        };
        let _ = writeln!(out, "\n{title}: {} at {begin:#x}", counted(end - begin, "byte"));
        rows(&mut out, outline, section);
    }
    out
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}", first.to_ascii_uppercase(), letters.as_str()))
}

/// Writes the entries of a section, one per line.
fn rows(out: &mut String, outline: &Outline, section: &Section) {
    let mut row = |text: String| {
        let _ = writeln!(out, " - {text}");
    };
    match section.kind {
        "type" => outline.types.iter().enumerate().for_each(|(index, ty)| row(format!("type[{index}] {ty}"))),
        "import" => outline.imports.iter().for_each(|it| {
            row(format!("{}[{}] {} <- {}.{}", it.kind, it.index, it.ty, name(&it.module), name(&it.name)));
        }),
        "function" => outline.funcs.iter().for_each(|it| {
            row(format!("func[{}] type={}{}", it.index, it.type_index, named(it.name.as_deref())));
        }),
        kind @ ("table" | "memory" | "global" | "tag") => {
            outline.definitions.iter().filter(|it| it.kind == kind).for_each(|it| {
                let init = it.init.as_ref().map_or_else(String::new, |init| format!(" - init {init}"));
                row(format!("{kind}[{}] {}{init}", it.index, it.ty));
            });
        }
        "export" => outline.exports.iter().for_each(|it| {
            row(format!("{}[{}] {} -> \"{}\"", it.kind, it.index, it.ty, name(&it.name)));
        }),
        "start" => outline.start.iter().for_each(|func| row(format!("start function: {func}"))),
        "element" => segments(&mut row, &outline.elements, "table", "element"),
        "data" => segments(&mut row, &outline.data, "memory", "byte"),
        "code" => outline.funcs.iter().for_each(|it| {
            let (begin, end) = (it.range.start, it.range.end);
            row(format!(
                "func[{}] {} at {begin:#x}{}",
                it.index,
                counted(end - begin, "byte"),
                named(it.name.as_deref())
            ));
        }),
        "custom" if section.name.as_deref() == Some("producers") => {
            outline.producers.iter().for_each(|(field, values)| {
                values
                    .iter()
                    .for_each(|(tool, version)| row(format!("{}: {} {}", name(field), name(tool), name(version))));
            })
        }
        "custom" if section.name.as_deref() == Some("target_features") => {
            outline.target_features.iter().for_each(|feature| row(name(feature)));
        }
        _ => {}
    }
}

fn named(own: Option<&str>) -> String {
    own.map_or_else(String::new, |own| format!(" <{}>", name(own)))
}

fn segments(row: &mut impl FnMut(String), segments: &[Segment], target: &str, unit: &str) {
    for (index, segment) in segments.iter().enumerate() {
        let size = counted(segment.size, unit);
        row(match &segment.target {
            Some((of, offset)) => format!("segment[{index}] {target}={of} {size} - init {offset}"),
            None => format!("segment[{index}] passive {size}"),
        });
    }
}
