//! Modules compiled ahead of time. Nothing checks their native code, so it runs only if the user passes an option.
//! Otherwise the WebAssembly module that each such file contains is used.

#![allow(unsafe_code)]

use std::fs::File;
use std::ops::Range;

use kinglet::{Config, Engine, Module, Precompiled, RunMode};

use crate::fault::{Fault, Outcome};
use crate::message::{Level, advise, say};
use crate::options::{COMPILED_LIMITS, Options};
use crate::source;
use crate::standalone::{self, MARK};

/// The mark of this executable: see `standalone`. `compile` changes it in a copy of the file, so the compiler must not assume
/// its value.
#[used]
static OWN_MARK: [u8; MARK] = standalone::blank();

pub(crate) fn mark() -> [u8; MARK] {
    // SAFETY: a static of bytes that nothing writes to.
    unsafe { std::ptr::read_volatile(&raw const OWN_MARK) }
}

/// Loads a module with native code, and uses the code if the user allows it. None for any other module. A file is mapped;
/// the contents of anything else, which can be read only once, are in `bytes`.
pub(crate) fn load(engine: &Engine, file: &str, bytes: Option<&[u8]>, options: &Options) -> Outcome<Option<Module>> {
    let shown = source::shown(file);
    let form = match bytes {
        Some(bytes) => Engine::detect_precompiled(bytes),
        None => Engine::detect_precompiled_file(file).map_err(|error| source::unread(file, format!("{error:#}")))?,
    };
    let Some(form) = form else {
        if options.aot {
            say(Level::Warning, &format!("{shown}: contains no native code; `kinglet compile` adds it"));
        }
        return Ok(None);
    };
    if options.allow_precompiled {
        let module = match bytes {
            // SAFETY: the user declares the file trusted, by an option whose help explains the risk.
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
        let hint = "pass --allow-precompiled if you trust its author";
        advise(&format!("{shown}: contains native code, ignored by default; {hint}"));
    }
    let made = |bytes: Vec<u8>| {
        Module::new(engine, &bytes).map_err(|error| source::explain(file, &bytes, &error, options.features()))
    };
    module.map(made).transpose()
}

/// Loads the module in this executable.
pub(crate) fn load_part(engine: &Engine, file: File, part: Range<u64>, name: &str) -> Outcome<Module> {
    // SAFETY: the user runs the file that contains the code, and so trusts its author. A running file is not written to.
    loaded(unsafe { Module::deserialize_file_part(engine, file, part) }, name)
}

fn loaded(module: kinglet::Result<Module>, file: &str) -> Outcome<Module> {
    let module = module.map_err(|error| {
        let message = format!("{error:#}");
        // This message names the file.
        Fault::refused(if message.starts_with("cannot read ") { message } else { format!("{file}: {message}") })
    })?;
    if let Some(why) = module.rejected_code() {
        let limit = COMPILED_LIMITS
            .iter()
            .find(|limit| why.starts_with(&format!("it was compiled with {} = off", limit.setting)));
        let hint = limit.map_or_else(String::new, |limit| format!("\n  hint: {}", limit.hint()));
        say(
            Level::Warning,
            &format!("{file}: its native code does not fit, and the module is recompiled: {why}{hint}"),
        );
    }
    Ok(module)
}

/// The module in a native image; any other bytes as they are.
pub(crate) fn module_in(file: &str, bytes: Vec<u8>) -> Outcome<Vec<u8>> {
    if Engine::detect_precompiled(&bytes) != Some(Precompiled::Native) {
        return Ok(bytes);
    }
    match Engine::precompiled_binary(&bytes) {
        Some(module) => Ok(module.to_vec()),
        None => Err(Fault::refused(format!("{}: {}", source::shown(file), damage(&bytes)))),
    }
}

/// The error of an image in which no module can be found.
fn damage(bytes: &[u8]) -> String {
    let interpreter = Engine::new(Config::new().run_mode(RunMode::Interpreter));
    // SAFETY: an engine in the mode `Interpreter` does not use an artifact's code, and validates its module.
    let module = interpreter.and_then(|engine| unsafe { Module::deserialize(&engine, bytes) });
    module.err().map_or_else(|| "the artifact is damaged".into(), |error| format!("{error:#}"))
}
