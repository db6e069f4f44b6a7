//! Modules that were compiled beforehand. Their native code is run only if the user says so, by an option: nothing
//! checks what it does. Otherwise the module it was made of is used, which every such file has.

#![allow(unsafe_code)]

use std::fs::File;
use std::ops::Range;
use std::path::Path;

use kinglet::{Engine, Module, Precompiled};

use crate::fault::{Fault, Outcome};
use crate::message::{Level, say};
use crate::options::Options;
use crate::source;
use crate::standalone::{self, MARK};

/// Says what this command carries: see `standalone`. It is changed in the file, so that its value must not be known here.
#[used]
static OWN_MARK: [u8; MARK] = standalone::blank();

pub(crate) fn mark() -> [u8; MARK] {
    // SAFETY: a static of bytes that nobody writes to.
    unsafe { std::ptr::read_volatile(&raw const OWN_MARK) }
}

/// Loads a file that has native code, with it if the user agrees; none if it is a file like any other.
pub(crate) fn load(engine: &Engine, file: &str, options: &Options) -> Outcome<Option<Module>> {
    let form = match Path::new(file).is_file() {
        true => Engine::detect_precompiled_file(file).ok().flatten(),
        false => None,
    };
    let Some(form) = form else {
        if options.aot {
            say(Level::Warning, &format!("{}: it has no native code; `kinglet compile` makes it", source::shown(file)));
        }
        return Ok(None);
    };
    if !options.allow_precompiled {
        let hint = "--allow-precompiled uses it, if you trust whoever made it";
        say(Level::Info, &format!("{file}: the native code in it is not used; {hint}"));
        if form == Precompiled::Universal {
            return Ok(None);
        }
        let bytes = source::read(file)?;
        let module = Module::new(engine, &bytes);
        return module.map(Some).map_err(|error| source::explain(file, &bytes, &error, options.features()));
    }
    // SAFETY: the user says that the file is trusted, by an option whose help says what that means.
    let module = unsafe { Module::deserialize_file(engine, file) };
    loaded(module, file).map(Some)
}

/// Loads the module that this command carries.
pub(crate) fn load_part(engine: &Engine, file: File, part: Range<u64>, name: &str) -> Outcome<Module> {
    // SAFETY: the user runs the file the code is in, and so trusts whoever made it. A running file is not written to.
    loaded(unsafe { Module::deserialize_file_part(engine, file, part) }, name)
}

fn loaded(module: kinglet::Result<Module>, file: &str) -> Outcome<Module> {
    let module = module.map_err(|error| Fault::refused(format!("{file}: {error:#}")))?;
    if let Some(why) = module.rejected_code() {
        say(Level::Warning, &format!("{file}: the native code in it cannot be used, and is made again: {why}"));
    }
    Ok(module)
}

/// What was read, or if that is a native image, the module that it was made of.
pub(crate) fn module_in(bytes: Vec<u8>) -> Vec<u8> {
    match Engine::precompiled_binary(&bytes) {
        Some(module) if Engine::detect_precompiled(&bytes) == Some(Precompiled::Native) => module.to_vec(),
        _ => bytes,
    }
}
