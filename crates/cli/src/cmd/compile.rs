//! `kinglet compile`: native code for a module, to be started from later.

use std::fs::File;
use std::io::{BufWriter, IsTerminal, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use kinglet::{Config, Engine, Module, ModuleError, Precompiled};

use super::explore::functions;
use super::wasm;
use crate::fault::{Fault, Outcome};
use crate::guest;
use crate::options::{Form, Options};
use crate::output::{self, Output};
use crate::source;
use crate::standalone::{self, Runtime};

pub(super) fn run(options: &Options) -> Outcome {
    let (file, output) = match (&options.positional[..], &options.output) {
        ([file, output], None) | ([file], Some(output)) => (file, output),
        ([_, _, ..], Some(_)) => {
            return Err(Fault::refused("two files to write are given; leave out one, or --output"));
        }
        ([file, ..], None) => {
            let hint = format!("kinglet compile {file} {}", Path::new(file).with_extension("so").display());
            return Err(Fault::refused("no file to write is given").hint(hint));
        }
        ([], _) => return Err(Fault::refused("no file given")),
    };
    let form = options.form.unwrap_or_else(|| by_ending(output));
    let runtime = match form {
        Form::Exe => Some(runtime(options, output)?),
        _ if options.runtime.is_some() => return Err(Fault::refused("`--runtime` is for `--format exe`")),
        _ => None,
    };
    let target = runtime.as_ref().map(Runtime::target).filter(|target| *target != standalone::own_target());
    let engine = engine(options, options.target.as_deref().or(target))?;
    let bytes = source::read(file)?;
    output::spare_text(file, &bytes, Some(output))?;
    let place = Output::new(Some(output))?;
    let mut progress = Progress::new();
    let image = if form == Form::Wasm { Precompiled::Universal } else { Precompiled::Native };
    let artifact = engine.precompile_module_with(&bytes, image, |ready, all| progress.show(ready, all));
    progress.end();
    let artifact = artifact.map_err(|error| match error.downcast_ref::<ModuleError>() {
        Some(_) => source::explain(file, &bytes, &error, options.features()),
        None => Fault::refused(format!("{}: {error:#}", source::shown(file))),
    })?;
    if let Some(folder) = &options.dump {
        let folder = if folder.is_empty() { "." } else { folder };
        let failed = |error| Fault::refused(format!("cannot dump to {folder}: {error:#}"));
        Module::new(&engine, &bytes).and_then(|module| dump(&module, Path::new(folder))).map_err(failed)?;
    }
    let executable = runtime.is_some();
    let artifact = match runtime {
        Some(runtime) => runtime.with(&artifact, &options.for_program),
        None => artifact,
    };
    match place {
        Some(place) => place.save(&artifact, executable),
        None => wasm::to_output(&artifact, &format!("kinglet compile {file} OUTPUT")),
    }
    .map(|()| 0)
}

/// What a program is made of: a command of the target, which can be given if it is this one's too.
fn runtime(options: &Options, output: &str) -> Outcome<Runtime> {
    if options.interruptible {
        let fault = Fault::refused("`--interruptible` is for code that is given a time limit when it is run");
        return Err(fault.hint("with --format exe, give --time-limit instead"));
    }
    standalone::check(options, output)?;
    let target = options.target.as_deref().map(kinglet::full_triple);
    if let (None, Some(target)) = (&options.runtime, target.filter(|target| *target != standalone::own_target())) {
        let fault = Fault::refused(format!("a program for {target} has to be made of a `kinglet` for it"));
        return Err(fault.hint("--runtime FILE names one, of the same version as this"));
    }
    let runtime = Runtime::read(options.runtime.as_deref())?;
    match target {
        Some(target) if target != runtime.target() => {
            let file = options.runtime.as_deref().unwrap_or_default();
            Err(Fault::refused(format!("{file} is a `kinglet` for {}, not for {target}", runtime.target())))
        }
        _ => Ok(runtime),
    }
}

/// Blames the option that makes even an empty module impossible to compile.
fn try_out(config: &Config, option: &str) -> Outcome<()> {
    const EMPTY: &[u8] = b"\0asm\x01\0\0\0";
    let made = Engine::new(config).and_then(|engine| engine.precompile_module(EMPTY));
    made.map(drop).map_err(|error| {
        Fault::refused(format!("bad value for `--{option}`: {error:#}")).hint("`kinglet targets` lists what there is")
    })
}

/// Writes how each function is compiled, under the names that WasmEdge uses but for their endings.
fn dump(module: &Module, folder: &Path) -> kinglet::Result<()> {
    std::fs::create_dir_all(folder)?;
    let create = |name: &str| Ok::<_, std::io::Error>(BufWriter::new(File::create(folder.join(name))?));
    let (mut clif, mut optimized) = (create("wasm.clif")?, create("wasm-opt.clif")?);
    let mut assembly = create("wasm.s")?;
    for function in functions(module)? {
        let title = function.title();
        match module.native_listing(function.defined) {
            Ok(listing) => {
                write!(clif, "; {title}\n{}\n", listing.clif)?;
                write!(optimized, "; {title}\n{}\n", listing.optimized)?;
                write!(assembly, "; {title}\n{}\n", listing.assembly)?;
            }
            Err(error) => writeln!(clif, "; {title}: {error}\n")?,
        }
    }
    for mut file in [clif, optimized, assembly] {
        file.flush()?;
    }
    Ok(())
}

/// WasmEdge's rule: what ends as a library of the system is native code alone, anything else a module that has it too.
fn by_ending(output: &str) -> Form {
    match Path::new(output).extension().and_then(|ending| ending.to_str()) {
        Some("so" | "dylib" | "dll") => Form::Native,
        _ => Form::Wasm,
    }
}

/// An engine with the settings that `run` has with the same options.
pub(super) fn engine(options: &Options, target: Option<&str>) -> Outcome<Engine> {
    let mut config = Config::new();
    config.features(options.features()).optimization(options.optimization);
    config.interruptible(options.interruptible || options.time_limit > 0);
    config.gas(crate::guest::engine_meters(options)).nan_canonicalization(options.nan_canonicalization);
    if let Some(triple) = target {
        config.target(triple);
        try_out(&config, "target")?;
    }
    guest::compiler_memory(&mut config, options);
    config.generic_processor(options.generic_binary);
    for (name, on) in &options.cpu_features {
        config.cpu_feature(name, *on);
        try_out(&config, "cpu-features")?;
    }
    Engine::new(&config).map_err(|error| Fault::refused(format!("cannot set up the compiler: {error:#}")))
}

/// Says on a terminal how far long work is.
pub(super) struct Progress {
    start: Instant,
    said: Option<Instant>,
}

impl Progress {
    pub(super) fn new() -> Progress {
        Progress { start: Instant::now(), said: None }
    }

    pub(super) fn show(&mut self, ready: u32, all: u32) {
        const PATIENCE: Duration = Duration::from_millis(500);
        const PAUSE: Duration = Duration::from_millis(100);
        let now = Instant::now();
        let due = match self.said {
            Some(said) => now - said > PAUSE,
            None => now - self.start > PATIENCE && std::io::stderr().is_terminal(),
        };
        if due {
            let _ = write!(std::io::stderr(), "\rcompiling: {ready} of {all} functions");
            self.said = Some(now);
        }
    }

    pub(super) fn end(&self) {
        if self.said.is_some() {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}
