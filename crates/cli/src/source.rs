//! Reads modules, binary or text, from a file, or from standard input for `-`. Errors explain common causes: a disabled
//! proposal, a component, a native library, a misspelt command.

use std::io::Read;
use std::path::Path;

use kinglet::{Engine, Features, Module, ModuleError};
use kinglet_wasm::limits::MAX_MODULE_BYTES;
use kinglet_wasm::name::demangle;
use kinglet_wasm::needs::missing_features;
use kinglet_wasm::op::Op;
use kinglet_wasm::outline::{Outline, instruction_at};

use crate::cmd::COMMANDS;
use crate::dialect::{INVALID_PATH, READ_ERROR};
use crate::excerpt;
use crate::fault::{Fault, Outcome};
use crate::options::{Options, nearest};

/// Loads and validates a module.
pub(crate) fn load(engine: &Engine, file: &str, options: &Options) -> Outcome<Module> {
    // Anything but a regular file can be read only once.
    let bytes = if file != "-" && Path::new(file).is_file() { None } else { Some(read_all(file)?) };
    #[cfg(feature = "jit")]
    if let Some(module) = crate::precompiled::load(engine, file, bytes.as_deref(), options)? {
        return Ok(module);
    }
    if let Some(bytes) = bytes {
        return Module::new(engine, &bytes).map_err(|error| explain(file, &bytes, &error, options.features()));
    }
    Module::from_file(engine, file).map_err(|error| match error.downcast_ref::<ModuleError>() {
        Some(_) => explain(file, &read_again(file), &error, options.features()),
        None => unread(file, format!("{error:#}")),
    })
}

/// Validates a module.
pub(crate) fn validate(engine: &Engine, file: &str, options: &Options) -> Outcome<()> {
    let bytes = read(file)?;
    Module::validate(engine, &bytes).map_err(|error| explain(file, &bytes, &error, options.features()))
}

/// Reads a file or standard input. From a native image it extracts the module.
pub(crate) fn read(file: &str) -> Outcome<Vec<u8>> {
    let bytes = read_all(file)?;
    #[cfg(feature = "jit")]
    let bytes = crate::precompiled::module_in(file, bytes)?;
    Ok(bytes)
}

fn read_all(file: &str) -> Outcome<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = MAX_MODULE_BYTES + 1;
    let result = match file {
        "-" => std::io::stdin().lock().take(limit).read_to_end(&mut bytes),
        _ => std::fs::File::open(file).and_then(|file| file.take(limit).read_to_end(&mut bytes)),
    };
    match result {
        Err(error) => Err(unread(file, format!("cannot read {}: {error}", shown(file)))),
        Ok(length) if length as u64 > MAX_MODULE_BYTES => {
            Err(Fault::refused(format!("{}: larger than {MAX_MODULE_BYTES} bytes", shown(file))))
        }
        Ok(_) => Ok(bytes),
    }
}

/// Reads a file as a binary module, without validation.
pub(crate) fn binary(file: &str) -> Outcome<Vec<u8>> {
    to_binary(file, read(file)?)
}

/// Converts a module to binary, without validation.
pub(crate) fn to_binary(file: &str, bytes: Vec<u8>) -> Outcome<Vec<u8>> {
    let error = |error: ModuleError| explain(file, &bytes, &error.into(), Features::none());
    Ok(kinglet_wasm::decode::to_binary(&bytes).map_err(error)?.into_owned())
}

/// The outline of a binary module. The error of a malformed one names the offset.
pub(crate) fn outline(file: &str, bytes: &[u8], features: Option<Features>) -> Outcome<Outline> {
    Outline::new(bytes, features).map_err(|error| explain(file, bytes, &error.into(), Features::none()))
}

/// The name of a file in messages.
pub(crate) fn shown(file: &str) -> &str {
    if file == "-" { "standard input" } else { file }
}

/// Reads a file again, to explain an error. Empty for anything but a regular file.
fn read_again(file: &str) -> Vec<u8> {
    let is_file = std::fs::metadata(file).is_ok_and(|metadata| metadata.is_file());
    if is_file { read(file).unwrap_or_default() } else { Vec::new() }
}

/// The failure to read a file, with a guess at the intended name.
pub(crate) fn unread(file: &str, message: String) -> Fault {
    let path = Path::new(file);
    let fault = Fault::refused(message).in_wasmedge(if path.is_file() { READ_ERROR } else { INVALID_PATH });
    if path.exists() || path.components().count() != 1 {
        return fault;
    }
    let commands = COMMANDS.iter().filter(|_| path.extension().is_none());
    match nearest(file, commands.map(|row| row.name.to_string())) {
        Some(name) => fault.hint(format!("did you mean the command `{name}`?")),
        None => match nearest(file, siblings(path)) {
            Some(name) => fault.hint(format!("did you mean `{name}`?")),
            None => fault,
        },
    }
}

/// The modules in the file's directory.
fn siblings(path: &Path) -> impl Iterator<Item = String> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten().take(10_000);
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names.filter(|name| [".wasm", ".wat"].iter().any(|end| name.ends_with(end)))
}

/// The failure to load a module, with advice.
pub(crate) fn explain(file: &str, bytes: &[u8], error: &kinglet::Error, features: Features) -> Fault {
    let mut fault = Fault::unloaded(file, error);
    if let Some(rest) = fault.message.strip_prefix("-:").filter(|_| file == "-") {
        fault.message = format!("standard input:{rest}");
    }
    if let Some((plain, place)) = place(bytes, error) {
        fault.message = format!("{}\n    {place}", fault.message.replace(&plain, ""));
    }
    match advice(bytes, error, features) {
        Some(hint) => fault.hint(hint),
        None => fault,
    }
}

/// The place of a validation error: as the error writes it, and in the form of a backtrace.
fn place(bytes: &[u8], error: &kinglet::Error) -> Option<(String, String)> {
    let error = error.downcast_ref::<ModuleError>()?;
    let (func, offset) = (error.function()?, error.offset()?);
    let binary = kinglet_wasm::decode::to_binary(bytes).ok()?;
    let outline = Outline::new(&binary, None).ok()?;
    let own = outline.funcs.iter().find(|it| it.index == func)?.name.as_deref();
    let exported =
        || outline.exports.iter().find(|it| it.kind == "func" && it.index == func).map(|it| it.name.as_str());
    let name = own.or_else(exported).map_or_else(String::new, |name| format!("{} ", demangle(name).escape_debug()));
    let function = if name.is_empty() { format!("func[{func}]") } else { format!("{name}(func[{func}])") };
    let instruction = instruction_at(&binary, offset).map_or_else(String::new, |text| format!(": {text}"));
    let plain = format!(" (in function {func}, at byte {offset:#x})");
    Some((plain, format!("in {function} at {offset:#x}{instruction}")))
}

const NATIVE: &str = "this is a native program or library; pass the WebAssembly module instead";
const COMPRESSED: &str = "this is compressed; unpack it first";

/// The hint for components.
pub(crate) const COMPONENT: &str = "this version cannot run components; compile for wasm32-wasip1 instead";

/// The first bytes of files that are often mistaken for modules, with hints.
const BEGINNINGS: &[(&[u8], &str)] = &[
    (b"\x7fELF", NATIVE),
    (b"MZ", NATIVE),
    (b"\xcf\xfa\xed\xfe", NATIVE),
    (b"\xca\xfe\xba\xbe", NATIVE),
    (b"\0asm\x0d\0\x01\0", COMPONENT),
    (b"\x1f\x8b", COMPRESSED),
    (b"\x28\xb5\x2f\xfd", COMPRESSED),
    (b"PK\x03\x04", COMPRESSED),
    (b"BC\xc0\xde", "this is LLVM bitcode; link it into a module first"),
    (b"!<arch>", "this is a library of object files; link it into a module first"),
    (b"<", "this is a web page, perhaps from a failed download"),
];

/// The first words of errors that damaged files cause, with hints.
const DAMAGES: &[(&str, &str)] = &[
    ("unexpected end", "the file is cut short, perhaps by an unfinished download"),
    ("unknown binary version", "binary modules have version 1; the file is damaged or too new"),
];

fn advice(bytes: &[u8], error: &kinglet::Error, features: Features) -> Option<String> {
    if let Some((_, hint)) = BEGINNINGS.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Some(hint.to_string());
    }
    let message = error.downcast_ref::<ModuleError>().map(ModuleError::message).unwrap_or_default();
    if let Some((_, hint)) = DAMAGES.iter().find(|(words, _)| message.starts_with(words)).filter(|_| !bytes.is_empty())
    {
        return Some(hint.to_string());
    }
    let start = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    if start.is_some_and(|byte| !b"(;\0".contains(byte)) {
        return Some("this is not WebAssembly: a binary module begins with \\0asm, text with `(`".into());
    }
    if let Some(hint) = mistyped(bytes, error) {
        return Some(hint);
    }
    // No proposal could make the module valid.
    if features == Features::none() || !error.is::<ModuleError>() {
        return None;
    }
    let needed = missing_features(&kinglet_wasm::decode::to_binary(bytes).ok()?, features);
    let names: Vec<&str> = needed.iter().map(|need| need.name).collect();
    let unfinished: Vec<&str> = needed.iter().filter(|need| !need.finished).map(|need| need.name).collect();
    let switches: Vec<String> = names.iter().map(|name| format!("--enable-{name}")).collect();
    let (all, switches) = (listed(&names), switches.join(" "));
    match (names.len(), unfinished.len()) {
        (0, _) => None,
        (1, 0) => Some(format!("it needs {all}, which is disabled; {switches} enables it")),
        (_, 0) => Some(format!("it needs {all}, which are disabled; {switches} enables them")),
        (all_of, these) if all_of == these => Some(format!("it needs {all}, which this version cannot run yet")),
        _ => Some(format!("it needs {all}; this version cannot run {} yet", listed(&unfinished))),
    }
}

/// Joins words with commas and "and".
fn listed(words: &[&str]) -> String {
    match words {
        [most @ .., last] if !most.is_empty() => format!("{} and {last}", most.join(", ")),
        _ => words.concat(),
    }
}

/// A guess at a misspelt instruction of a text module.
fn mistyped(bytes: &[u8], error: &kinglet::Error) -> Option<String> {
    let message = error.downcast_ref::<ModuleError>().map(ToString::to_string)?;
    let (_, line, column) = excerpt::place(&message).filter(|(what, _, _)| what.contains("unknown operator"))?;
    let line = std::str::from_utf8(bytes).ok()?.lines().nth(line.checked_sub(1)?)?;
    let rest: String = line.chars().skip(column.checked_sub(1)?).take(64).collect();
    let word = rest.split(|c: char| c.is_whitespace() || "()\";".contains(c)).next().filter(|word| word.len() > 2)?;
    let name = nearest(word, Op::all().map(|op| op.text().to_string())).filter(|name| name != word)?;
    Some(format!("did you mean `{name}`?"))
}
