//! Modules that were compiled beforehand. Their native code is run only if the user says so, by an option: nothing
//! checks what it does. Otherwise the module it was made of is used, which every such file has.

#![allow(unsafe_code)]

use std::fs::File;
use std::ops::Range;

use kinglet::{Config, Engine, Module, Precompiled, RunMode};

use crate::fault::{Fault, Outcome};
use crate::message::{Level, say};
use crate::options::{LIMITS, Options};
use crate::source;
use crate::standalone::{self, MARK};

/// Says what this command carries: see `standalone`. It is changed in the file, so that its value must not be known here.
#[used]
static OWN_MARK: [u8; MARK] = standalone::blank();

pub(crate) fn mark() -> [u8; MARK] {
    // SAFETY: a static of bytes that nobody writes to.
    unsafe { std::ptr::read_volatile(&raw const OWN_MARK) }
}

/// Loads what has native code, with it if the user agrees; none if it is a module like any other. A file is not read but
/// mapped; of anything else the bytes are given, which can be read once only.
pub(crate) fn load(engine: &Engine, file: &str, bytes: Option<&[u8]>, options: &Options) -> Outcome<Option<Module>> {
    let shown = source::shown(file);
    let form = match bytes {
        Some(bytes) => Engine::detect_precompiled(bytes),
        None => Engine::detect_precompiled_file(file).map_err(|error| source::unread(file, format!("{error:#}")))?,
    };
    let Some(form) = form else {
        if options.aot {
            say(Level::Warning, &format!("{shown}: it has no native code; `kinglet compile` makes it"));
        }
        return Ok(None);
    };
    if options.allow_precompiled {
        let module = match bytes {
            // SAFETY: the user says that the file is trusted, by an option whose help says what that means.
            Some(bytes) => unsafe { Module::deserialize(engine, bytes) },
            // SAFETY: the same.
            None => unsafe { Module::deserialize_file(engine, file) },
        };
        return loaded(module, shown).map(Some);
    }
    let module = match (form, bytes) {
        (Precompiled::Universal, _) => None,
        (Precompiled::Native, Some(bytes)) => Some(module_in(file, bytes.to_vec())?),
        (Precompiled::Native, None) => Some(source::read(file)?),
    };
    if options.run_mode != RunMode::Interpreter {
        let hint = "--allow-precompiled uses it, if you trust whoever made it";
        say(Level::Info, &format!("{shown}: the native code in it is not used; {hint}"));
    }
    let made = |bytes: Vec<u8>| {
        Module::new(engine, &bytes).map_err(|error| source::explain(file, &bytes, &error, options.features()))
    };
    module.map(made).transpose()
}

/// Loads the module that this command carries.
pub(crate) fn load_part(engine: &Engine, file: File, part: Range<u64>, name: &str) -> Outcome<Module> {
    // SAFETY: the user runs the file the code is in, and so trusts whoever made it. A running file is not written to.
    loaded(unsafe { Module::deserialize_file_part(engine, file, part) }, name)
}

fn loaded(module: kinglet::Result<Module>, file: &str) -> Outcome<Module> {
    let module = module.map_err(|error| {
        let message = format!("{error:#}");
        // That it cannot be read says of which file.
        Fault::refused(if message.starts_with("cannot read ") { message } else { format!("{file}: {message}") })
    })?;
    if let Some(why) = module.rejected_code() {
        let limit =
            LIMITS.iter().find(|limit| why.starts_with(&format!("it was compiled with {} = off", limit.setting)));
        let hint = limit.map_or_else(String::new, |limit| format!("\n  hint: {}", limit.hint()));
        say(Level::Warning, &format!("{file}: the native code in it cannot be used, and is made again: {why}{hint}"));
    }
    Ok(module)
}

/// What was read, or if that is a native image, the module that it was made of.
pub(crate) fn module_in(file: &str, bytes: Vec<u8>) -> Outcome<Vec<u8>> {
    if Engine::detect_precompiled(&bytes) != Some(Precompiled::Native) {
        return Ok(bytes);
    }
    match Engine::precompiled_binary(&bytes) {
        Some(module) => Ok(module.to_vec()),
        None => Err(Fault::refused(format!("{}: {}", source::shown(file), damage(&bytes)))),
    }
}

/// What is wrong with an image in which no module can be found.
fn damage(bytes: &[u8]) -> String {
    let interpreter = Engine::new(Config::new().run_mode(RunMode::Interpreter));
    // SAFETY: an engine that interprets everything does not use the code of an artifact; its module is validated.
    let module = interpreter.and_then(|engine| unsafe { Module::deserialize(&engine, bytes) });
    module.err().map_or_else(|| "the artifact is damaged".into(), |error| format!("{error:#}"))
}
