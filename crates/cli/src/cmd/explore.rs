//! `kinglet explore`: the machine code of functions beside their WebAssembly instructions, both with offsets. The code of one
//! instruction may be in several places.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, ErrorKind, Write};

use kinglet::{Module, ModuleError, NativeInstruction};
use kinglet_wasm::name::demangle;
use kinglet_wasm::outline::Outline;

use super::compile::engine;
use super::inspect::name;
use crate::fault::{Fault, Outcome};
use crate::message::counted;
use crate::options::Options;
use crate::{output, source};

/// The width of the column of WebAssembly instructions.
const WIDTH: usize = 40;

/// A function defined by a module.
pub(super) struct Function {
    /// Its index among the defined functions.
    pub(super) defined: u32,
    index: u32,
    name: Option<String>,
    /// The range of its body in the module.
    body: std::ops::Range<u64>,
}

pub(super) fn run(options: &Options) -> Outcome {
    let file = options.positional.first().map_or("-", String::as_str);
    let bytes = source::read(file)?;
    output::protect(file, options.output.as_deref())?;
    let refused = |error: kinglet::Error| match error.downcast_ref::<ModuleError>() {
        Some(_) => source::explain(file, &bytes, &error, options.features()),
        None => Fault::refused(format!("{}: {error:#}", source::shown(file))),
    };
    let module = Module::new(&engine(options, options.target.as_deref())?, &bytes).map_err(refused)?;
    let chosen = chosen(functions(&module).map_err(refused)?, options)?;
    let mut storage = String::new();
    let lines = lines(&module, &mut storage).map_err(refused)?;
    let output = options.output.as_deref().filter(|path| *path != "-");
    let to = output.unwrap_or("standard output");
    let written = match output {
        Some(path) => File::create(path).map_err(Into::into).and_then(|out| write(&module, &chosen, &lines, out)),
        None => write(&module, &chosen, &lines, std::io::stdout().lock()),
    };
    match written {
        Ok(()) => Ok(0),
        // The reader has gone.
        Err(error) if error.downcast_ref().is_some_and(|e: &std::io::Error| e.kind() == ErrorKind::BrokenPipe) => Ok(0),
        Err(error) => Err(Fault::refused(format!("cannot write to {to}: {error:#}"))),
    }
}

/// The functions defined by a module.
pub(super) fn functions(module: &Module) -> kinglet::Result<Vec<Function>> {
    let outline = Outline::new(module.binary(), None)?;
    let mut exports = BTreeMap::new();
    for export in outline.exports.iter().filter(|export| export.kind == "func") {
        exports.entry(export.index).or_insert(&export.name);
    }
    let function = |(defined, function): (u32, &kinglet_wasm::outline::Function)| Function {
        defined,
        index: function.index,
        name: function.name.as_ref().or(exports.get(&function.index).copied()).cloned(),
        body: function.range.clone(),
    };
    Ok((0..).zip(&outline.funcs).map(function).collect())
}

impl Function {
    pub(super) fn title(&self) -> String {
        let own = self.name.as_ref().map_or_else(String::new, |own| format!(" \"{}\"", name(&demangle(own))));
        format!("func[{}]{own} at {:#x}", self.index, self.body.start)
    }
}

/// The functions named by `--function`, or all.
fn chosen(functions: Vec<Function>, options: &Options) -> Outcome<Vec<Function>> {
    let is = |function: &Function, wanted: &String| {
        let named = function.name.as_ref().is_some_and(|name| name == wanted || demangle(name) == *wanted);
        named || wanted.parse() == Ok(function.index)
    };
    if let Some(absent) = options.functions.iter().find(|wanted| !functions.iter().any(|it| is(it, wanted))) {
        let fault = Fault::refused(format!("the module defines no function `{absent}`"));
        let names = functions.iter().filter_map(|function| Some(demangle(function.name.as_ref()?).into_owned()));
        return Err(match crate::options::nearest(absent, names) {
            Some(near) => fault.hint(format!("did you mean `{}`?", name(&near))),
            None => fault.hint("kinglet parse FILE lists its functions"),
        });
    }
    let wanted = |it: &Function| options.functions.is_empty() || options.functions.iter().any(|name| is(it, name));
    Ok(functions.into_iter().filter(wanted).collect())
}

/// The lines of the text format, by offset in the module.
fn lines<'a>(module: &Module, storage: &'a mut String) -> kinglet::Result<BTreeMap<u64, &'a str>> {
    let lines = wasmprinter::Config::new().offsets_and_lines(module.binary(), storage)?;
    Ok(lines.filter_map(|(offset, line)| Some((offset?, line.strip_prefix("    ").unwrap_or(line)))).collect())
}

fn write(module: &Module, functions: &[Function], lines: &BTreeMap<u64, &str>, out: impl Write) -> kinglet::Result<()> {
    let mut out = BufWriter::new(out);
    for function in functions {
        let text = match module.native_listing(function.defined) {
            Ok(listing) => page(function, lines, &listing.instructions),
            Err(error) => format!("{}: no machine code: {error:#}\n", function.title()),
        };
        writeln!(out, "{text}")?;
    }
    Ok(out.flush()?)
}

/// The listing of a function: its operators in order, each with its machine code.
fn page(function: &Function, lines: &BTreeMap<u64, &str>, code: &[NativeInstruction]) -> String {
    let size: usize = code.iter().map(|instruction| instruction.bytes.len()).sum();
    let wasm = function.body.end - function.body.start;
    let (wasm, size) = (counted(wasm, "byte"), counted(size as u64, "byte"));
    let mut out = format!("{}: {wasm} of WebAssembly, {size} of machine code\n", function.title());
    let mut by_source: BTreeMap<u64, Vec<&NativeInstruction>> = BTreeMap::new();
    // Code before the first operator enters the function.
    let first = code.iter().position(|instruction| instruction.source.is_some()).unwrap_or(code.len());
    rows(&mut out, "", "(entry)", &code[..first].iter().collect::<Vec<_>>());
    let mut whole = Vec::new();
    for instruction in &code[first..] {
        match instruction.source {
            Some(offset) => by_source.entry(offset.into()).or_default().push(instruction),
            None => whole.push(instruction),
        }
    }
    let operators = lines.range(function.body.clone()).filter(|(_, line)| !line.trim_start().starts_with("(func"));
    for (offset, line) in operators {
        let code = by_source.remove(offset).unwrap_or_default();
        let line = if line.trim() == ")" { "end" } else { line };
        rows(&mut out, &format!("{offset:#x}"), line.trim_end(), &code);
    }
    // Nothing should remain, because every operator has a line.
    for (offset, code) in by_source {
        rows(&mut out, &format!("{offset:#x}"), "?", &code);
    }
    rows(&mut out, "", "(moves, constants)", &whole);
    out
}

/// Writes an operator beside its code. Without both, it writes nothing.
fn rows(out: &mut String, offset: &str, operator: &str, code: &[&NativeInstruction]) {
    use std::fmt::Write as _;
    if offset.is_empty() && code.is_empty() {
        return;
    }
    let mut left = (offset, operator);
    let mut row = |instruction: Option<&NativeInstruction>| {
        let right = instruction.map_or_else(String::new, |it| format!("{:>5x}  {}", it.at, it.text));
        let _ = writeln!(out, "{}", format!("{:>9}  {:<WIDTH$} | {right}", left.0, left.1).trim_end());
        left = ("", "");
    };
    row(code.first().copied());
    code.iter().skip(1).for_each(|instruction| row(Some(instruction)));
}
