//! `kinglet compile`: compiles a module to native code ahead of time.

use std::fs::File;
use std::io::{BufWriter, IsTerminal, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use kinglet::{Config, Engine, Module, ModuleError, Precompiled};

use super::explore::functions;
use super::wasm;
use crate::fault::{Fault, Outcome};
use crate::guest;
use crate::message::{Level, counted, say};
use crate::options::{Options, OutputFormat};
use crate::output::{self, Output};
use crate::source;
use crate::standalone::{self, Runtime};

pub(super) fn run(options: &Options) -> Outcome {
    let (file, output) = match (&options.positional[..], &options.output) {
        ([file, output], None) | ([file], Some(output)) => (file, output),
        ([_, _, ..], Some(_)) => {
            return Err(Fault::refused("two output files are given; omit one, or --output"));
        }
        ([file, ..], None) => {
            let hint = format!("kinglet compile {file} {}", Path::new(file).with_extension("so").display());
            return Err(Fault::refused("no output file given").hint(hint));
        }
        ([], _) => return Err(Fault::refused("no file given")),
    };
    let form = options.format.unwrap_or_else(|| by_extension(output));
    let runtime = match form {
        OutputFormat::Exe => Some(runtime(options, output)?),
        _ if options.runtime.is_some() => return Err(Fault::refused("`--runtime` needs `--format exe`")),
        _ => None,
    };
    let target = runtime.as_ref().map(Runtime::target).filter(|target| *target != standalone::own_target());
    let engine = engine(options, options.target.as_deref().or(target))?;
    let bytes = source::read(file)?;
    output::protect_text(file, &bytes, Some(output))?;
    let destination = Output::new(Some(output))?;
    log_stages(options, &["compile start", "verify start", "optimize start", "codegen start"]);
    let mut progress = Progress::new();
    let image = if form == OutputFormat::Wasm { Precompiled::Universal } else { Precompiled::Native };
    let artifact = engine.precompile_module_with(&bytes, image, |ready, all| progress.show(ready, all));
    progress.end();
    let artifact = artifact.map_err(|error| match error.downcast_ref::<ModuleError>() {
        Some(_) => source::explain(file, &bytes, &error, options.features()),
        None => Fault::refused(format!("{}: {error:#}", source::shown(file))),
    })?;
    if let Some(directory) = &options.dump {
        let directory = if directory.is_empty() { "." } else { directory };
        let failed = |error| Fault::refused(format!("cannot dump to {directory}: {error:#}"));
        Module::new(&engine, &bytes).and_then(|module| dump(&module, Path::new(directory))).map_err(failed)?;
    }
    log_stages(options, &["output start"]);
    let executable = runtime.is_some();
    let artifact = match runtime {
        Some(runtime) => runtime.with(&artifact, &options.for_program),
        None => artifact,
    };
    match destination {
        Some(destination) => destination.save(&artifact, executable),
        None => wasm::to_output(&artifact, &format!("kinglet compile {file} OUTPUT")),
    }?;
    log_stages(options, &["compile done"]);
    Ok(0)
}

/// Logs stages in WasmEdge's words, under its name.
fn log_stages(options: &Options, stages: &[&str]) {
    if options.dialect.is_wasmedge() {
        stages.iter().for_each(|stage| say(Level::Info, stage));
    }
}

/// The command that becomes part of the executable; it must be built for the executable's target.
fn runtime(options: &Options, output: &str) -> Outcome<Runtime> {
    if options.interruptible {
        let fault = Fault::refused("`--interruptible` has no effect with `--format exe`");
        return Err(fault.hint("pass --time-limit instead"));
    }
    standalone::check(options, output)?;
    let target = options.target.as_deref().map(kinglet::full_triple);
    if let (None, Some(target)) = (&options.runtime, target.filter(|target| *target != standalone::own_target())) {
        let fault = Fault::refused(format!("an executable for {target} needs a `kinglet` for {target}"));
        return Err(fault.hint("name one of the same version: --runtime FILE"));
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

/// Reports an option with which not even an empty module can be compiled.
fn check_option(config: &Config, option: &str) -> Outcome<()> {
    const EMPTY: &[u8] = b"\0asm\x01\0\0\0";
    let made = Engine::new(config).and_then(|engine| engine.precompile_module(EMPTY));
    made.map(drop).map_err(|error| {
        Fault::refused(format!("bad value for `--{option}`: {error:#}"))
            .hint("`kinglet targets` lists the possible values")
    })
}

/// Writes intermediate and machine code of all functions, to files with WasmEdge's names but other extensions.
fn dump(module: &Module, directory: &Path) -> kinglet::Result<()> {
    std::fs::create_dir_all(directory)?;
    let create = |name: &str| Ok::<_, std::io::Error>(BufWriter::new(File::create(directory.join(name))?));
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

/// WasmEdge's rule: the extension of a shared library means native code alone, any other a module that also contains it.
fn by_extension(output: &str) -> OutputFormat {
    match Path::new(output).extension().and_then(|extension| extension.to_str()) {
        Some("so" | "dylib" | "dll") => OutputFormat::Native,
        _ => OutputFormat::Wasm,
    }
}

/// Creates an engine with the same settings as `run` with these options.
pub(super) fn engine(options: &Options, target: Option<&str>) -> Outcome<Engine> {
    let mut config = Config::new();
    config.features(options.features()).optimization(options.optimization);
    config.interruptible(options.interruptible || options.time_limit > 0);
    config.gas(crate::guest::engine_meters(options)).nan_canonicalization(options.nan_canonicalization);
    if let Some(triple) = target {
        config.target(triple);
        check_option(&config, "target")?;
    }
    guest::compiler_memory(&mut config, options);
    config.generic_processor(options.generic_binary);
    for (name, on) in &options.cpu_features {
        config.cpu_feature(name, *on);
        check_option(&config, "cpu-features")?;
    }
    Engine::new(&config).map_err(|error| Fault::refused(format!("cannot set up the compiler: {error:#}")))
}

/// A progress line on a terminal, for long work.
pub(super) struct Progress {
    start: Instant,
    shown: Option<Instant>,
}

impl Progress {
    pub(super) fn new() -> Progress {
        Progress { start: Instant::now(), shown: None }
    }

    pub(super) fn show(&mut self, ready: u32, all: u32) {
        const PATIENCE: Duration = Duration::from_millis(500);
        const PAUSE: Duration = Duration::from_millis(100);
        let now = Instant::now();
        let due = match self.shown {
            Some(shown) => now - shown > PAUSE,
            None => now - self.start > PATIENCE && std::io::stderr().is_terminal(),
        };
        if due {
            let _ = write!(std::io::stderr(), "\rcompiling: {ready} of {}", counted(all.into(), "function"));
            self.shown = Some(now);
        }
    }

    pub(super) fn end(&self) {
        if self.shown.is_some() {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}
