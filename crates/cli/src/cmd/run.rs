//! `kinglet run`: loads a module, links WASI, and runs its `_start`, or calls the function the user names. Everything
//! before the guest's first instruction can only be refused (status 1); from there on it can be stopped (status 134).

use std::path::Path;

use kinglet::{Config, Engine, ExternType, Func, FuncType, Instance, Linker, Module, Store, Trap, Val};
use kinglet_wasi::{DirAccess, WasiCtx};

use crate::deadline::{self, Deadline};
use crate::fault::{Fault, Outcome, own_status};
use crate::options::Options;
use crate::{print, value};

struct State {
    wasi: WasiCtx,
}

/// What to run of a module.
struct Entry<'a> {
    function: &'a str,
    /// Its arguments; none for a program, whose arguments come through WASI.
    args: Option<&'a [String]>,
}

pub(super) fn run(options: &Options) -> Outcome {
    let (file, args) = options.positional.split_first().ok_or_else(|| Fault::refused("no file given"))?;
    let deadline = Deadline::start(options.time_limit);
    let engine = engine(options)?;
    let module = Module::from_file(&engine, file).map_err(|error| Fault::unloaded(file, &error))?;
    let entry = entry(options, &module, file, args)?;
    let values = entry.args.map(|args| values(&module, entry.function, args)).transpose()?;
    let mut store = Store::new(&engine, State { wasi: wasi(options, file, args)? });
    let mut linker = Linker::new(&engine);
    kinglet_wasi::add_to_linker(&mut linker, |state: &mut State| &mut state.wasi)
        .map_err(|error| Fault::refused(format!("cannot link WASI: {error:#}")))?;
    let handle = store.interrupt_handle();
    match deadline.guest(handle, || start(&mut store, &linker, &module, &entry, values.as_deref())) {
        Ok(results) => print(&lines(&results)).map(|()| 0),
        Err(error) => end(&error, file, options),
    }
}

/// Results as they are printed.
fn lines(results: &[Val]) -> String {
    results.iter().map(|result| format!("{}\n", value::show(result))).collect()
}

fn engine(options: &Options) -> Outcome<Engine> {
    let mut config = Config::new();
    config.features(options.features()).memory_page_limit(options.memory_page_limit);
    Engine::new(&config).map_err(|error| Fault::refused(format!("cannot set up the engine: {error:#}")))
}

/// A program is run; of another module the function named with `--invoke` or as first argument.
fn entry<'a>(options: &'a Options, module: &Module, file: &str, args: &'a [String]) -> Outcome<Entry<'a>> {
    if let Some(function) = &options.invoke {
        return Ok(Entry { function, args: Some(args) });
    }
    let is_program = match module.get_export("_start") {
        Some(ExternType::Func(ty)) => ty.params().is_empty() && ty.results().is_empty(),
        _ => false,
    };
    if is_program && !options.reactor {
        return Ok(Entry { function: "_start", args: None });
    }
    match args.split_first() {
        Some((function, args)) => Ok(Entry { function, args: Some(args) }),
        None => Err(Fault::refused(format!(
            "{file} is not a program: it exports no function `_start` without parameters and results.\n\
             Name a function to call: kinglet --invoke FUNCTION {file} [ARGS…]\n{}",
            functions(module)
        ))),
    }
}

fn function_type(module: &Module, name: &str) -> Option<FuncType> {
    match module.get_export(name) {
        Some(ExternType::Func(ty)) => Some(ty),
        _ => None,
    }
}

/// The functions that could be named, for a message.
fn functions(module: &Module) -> String {
    const MOST: usize = 10;
    let is_function = |name: &str| function_type(module, name).is_some();
    let names: Vec<String> =
        module.exports().map(|export| export.name().to_string()).filter(|n| is_function(n)).collect();
    match names.len() {
        0 => "It exports no function at all.".into(),
        count if count > MOST => format!("It exports {}, and {} more.", names[..MOST].join(", "), count - MOST),
        _ => format!("It exports {}.", names.join(", ")),
    }
}

/// The arguments as values of the function's parameter types.
fn values(module: &Module, function: &str, args: &[String]) -> Outcome<Vec<Val>> {
    let Some(ty) = function_type(module, function) else {
        return Err(Fault::refused(format!("there is no exported function `{function}`. {}", functions(module))));
    };
    let params = ty.params();
    if params.len() != args.len() {
        let signature = params.iter().map(|param| param.to_string()).collect::<Vec<_>>().join(", ");
        let (takes, given) = (params.len(), args.len());
        let message = format!("`{function}` takes {takes} arguments ({signature}), but {given} are given");
        return Err(Fault::refused(message));
    }
    let read = |(index, (text, ty)): (usize, (&String, &kinglet::ValType))| {
        value::read(text, ty).map_err(|why| Fault::refused(format!("argument {} of `{function}`: {why}", index + 1)))
    };
    args.iter().zip(params).enumerate().map(read).collect()
}

fn wasi(options: &Options, file: &str, args: &[String]) -> Outcome<WasiCtx> {
    let mut argv = vec![program_name(file)];
    argv.extend(args.iter().cloned());
    let mut builder = WasiCtx::builder();
    builder.args(argv).envs(options.env.iter().cloned()).inherit_stdio();
    for dir in &options.dirs {
        let access = if dir.readonly { DirAccess::ReadOnly } else { DirAccess::ReadWrite };
        let opened = builder.preopened_dir(&dir.host, &dir.guest, access);
        opened.map_err(|error| Fault::refused(format!("--dir: {error:#}")))?;
    }
    builder.build().map_err(|error| Fault::refused(format!("cannot set up WASI: {error:#}")))
}

/// What the guest sees as its own name: the file's, with the extension `.wasm`.
fn program_name(file: &str) -> String {
    let name = Path::new(file).with_extension("wasm");
    name.file_name().map_or_else(|| file.to_string(), |name| name.to_string_lossy().into_owned())
}

/// Instantiates the module, lets it initialise itself, and runs the entry; gives its results.
fn start(
    store: &mut Store<State>,
    linker: &Linker<State>,
    module: &Module,
    entry: &Entry<'_>,
    values: Option<&[Val]>,
) -> kinglet::Result<Vec<Val>> {
    let instance = linker.instantiate(&mut *store, module)?;
    let running = |error: kinglet::Error| error.context(Running);
    if values.is_some() && entry.function != "_initialize" && function_type(module, "_initialize").is_some() {
        call(store, instance, "_initialize", &[]).map_err(running)?;
    }
    call(store, instance, entry.function, values.unwrap_or_default()).map_err(running)
}

/// Marks an error that came while the guest ran, rather than before.
#[derive(Debug)]
struct Running;

impl std::fmt::Display for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the program was stopped")
    }
}

fn call(store: &mut Store<State>, instance: Instance, name: &str, args: &[Val]) -> kinglet::Result<Vec<Val>> {
    let func: Option<Func> = instance.get_func(&mut *store, name);
    let func = func.ok_or_else(|| kinglet::Error::msg(format!("the function `{name}` has disappeared")))?;
    let mut results = vec![Val::I32(0); func.ty(&*store).results().len()];
    func.call(&mut *store, args, &mut results)?;
    Ok(results)
}

/// What an error means for the exit status.
fn end(error: &kinglet::Error, file: &str, options: &Options) -> Outcome {
    if let Some(exit) = error.downcast_ref::<kinglet_wasi::Exit>() {
        return Ok(own_status(exit.0));
    }
    if let (Some(Trap::Interrupted), limit @ 1..) = (error.downcast_ref(), options.time_limit) {
        let mut fault = Fault::stopped(error);
        fault.message = format!("{}: {}", deadline::message(limit), fault.message);
        return Err(fault);
    }
    if error.is::<Trap>() || error.is::<Running>() {
        return Err(Fault::stopped(error));
    }
    Err(Fault::refused(format!("{file}: {error:#}")))
}
