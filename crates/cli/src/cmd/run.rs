//! `kinglet run`: loads a module, links WASI, and runs its `_start`, or calls the function the user names. Everything
//! before the guest's first instruction can only be refused (status 1); from there on it can be stopped (status 134).

use kinglet::{ExternType, Func, FuncType, Instance, Linker, Module, Store, Trap, Val, ValType};
use kinglet_wasm::outline::{Outline, local_names};

use crate::cache::{self, Keeper};
use crate::deadline::{self, Deadline};
use crate::fault::{Fault, Outcome, own_status};
use crate::guest::{self, State};
use crate::message::{Level, say};
use crate::options::{Options, nearest};
use crate::statistics::{Statistics, stages};
use crate::{print, source, value};

/// What to run of a module.
struct Entry<'a> {
    function: &'a str,
    /// Its arguments; none for a program, whose arguments come through WASI.
    args: Option<&'a [String]>,
}

/// Everything that is ready before the guest's first instruction.
struct Guest<'a> {
    linker: Linker<State>,
    modules: Vec<(String, Module)>,
    module: &'a Module,
    entry: Entry<'a>,
    values: Option<Vec<Val>>,
}

pub(super) fn run(options: &Options) -> Outcome {
    cache::settle(options);
    guest::with_stack(options, run_here)
}

fn run_here(options: &Options, stack: usize) -> Outcome {
    let (file, args) = options.positional.split_first().ok_or_else(|| Fault::refused("no file given"))?;
    let limit = if cache::is_left_behind(options) { 0 } else { options.time_limit };
    let deadline = Deadline::start(limit, options.dialect)?;
    let engine = guest::engine(options, stack)?;
    let module = match &options.program {
        Some(program) => program.load(&engine, file)?,
        None => source::load(&engine, file, options)?,
    };
    let modules = guest::modules(&engine, options)?;
    let keeper = Keeper::start(std::iter::once(&module).chain(modules.iter().map(|(_, module)| module)));
    if keeper.compile_instead(options) {
        return Ok(0);
    }
    let entry = entry(options, &module, file, args)?;
    let values = entry.args.map(|args| values(options, &module, entry.function, args)).transpose()?;
    let mut store = guest::store(&engine, options, file, args)?;
    let linker = guest::linker(&engine, &module, &modules)?;
    let mut guest = Guest { linker, modules, module: &module, entry, values };
    let handle = store.interrupt_handle();
    let statistics = Statistics::start(options.statistics, &mut store);
    let result = deadline.guest(handle, || start(&mut store, &mut guest, options));
    let took = statistics.report(&store);
    let stopped =
        options.time_limit > 0 && matches!(&result, Err(error) if error.downcast_ref() == Some(&Trap::Interrupted));
    let outcome = match result {
        Ok(results) => print(&lines(&results)).map(|()| 0),
        Err(error) => end(&error, file, options),
    };
    // What is left to do is not the guest's time.
    drop(deadline);
    keeper.finish(options, stopped);
    if options.statistics.stages {
        let all: Vec<&Module> =
            std::iter::once(&module).chain(guest.modules.iter().map(|(_, module)| module)).collect();
        stages(&all, Some(took)).iter().for_each(|line| say(Level::Info, line));
    }
    // The process ends now: what it has need not be given back piece by piece.
    std::mem::forget((store, guest.linker, guest.modules));
    std::mem::forget(module);
    outcome
}

/// Results as they are printed.
fn lines(results: &[Val]) -> String {
    results.iter().map(|result| format!("{}\n", value::show(result))).collect()
}

/// What WasmEdge says of a module that is no program when no function is named.
const WITHOUT_FUNCTION: &str = "A function name is required when reactor mode is enabled.";

/// A program is run, by its export with the empty name or `_start`, as Wasmtime does; of another module the function named
/// with `--invoke` or as first argument.
fn entry<'a>(options: &'a Options, module: &Module, file: &str, args: &'a [String]) -> Outcome<Entry<'a>> {
    if let Some(function) = &options.invoke {
        return Ok(Entry { function, args: Some(args) });
    }
    if !options.reactor {
        // WasmEdge does not know the empty name.
        let names = if options.dialect.is_wasmedge() { &["_start"][..] } else { &["", "_start"] };
        let found = names.iter().find_map(|name| Some((*name, function_type(module, name)?)));
        if let Some((function, ty)) = found {
            let is_program = ty.params().is_empty() && ty.results().is_empty();
            // One of another type is a function like any other, and is called.
            return Ok(Entry { function, args: (!is_program).then_some(args) });
        }
    }
    // How to name a function.
    let calling = || match (&options.program, options.reactor) {
        (Some(_), _) => format!("{file} FUNCTION"),
        (None, true) => format!("kinglet --reactor {file} FUNCTION"),
        (None, false) => format!("kinglet --invoke FUNCTION {file}"),
    };
    match args.split_first() {
        Some((function, args)) => Ok(Entry { function, args: Some(args) }),
        None if options.reactor => {
            let fault = Fault::usage("a function's name is needed after the file", WITHOUT_FUNCTION);
            Err(fault.hint(format!("{} [ARGS…]. {}", calling(), functions(module))))
        }
        None => {
            let message = format!(
                "{} is not a program: it exports no function `_start` without parameters and results",
                source::shown(file)
            );
            let hint = format!("name a function: {} [ARGS…]. {}", calling(), functions(module));
            Err(Fault::usage(message, WITHOUT_FUNCTION).hint(hint))
        }
    }
}

fn function_type(module: &Module, name: &str) -> Option<FuncType> {
    match module.get_export(name) {
        Some(ExternType::Func(ty)) => Some(ty),
        _ => None,
    }
}

fn function_names(module: &Module) -> impl Iterator<Item = String> {
    let functions = module.exports().filter(|export| matches!(export.ty(), ExternType::Func(_)));
    functions.map(|export| export.name().escape_debug().to_string())
}

/// A name in a message, where it can be empty.
fn quoted(name: &str) -> &str {
    if name.is_empty() { "\"\"" } else { name }
}

/// The functions that could be named, for a message.
fn functions(module: &Module) -> String {
    const MOST: usize = 10;
    let names: Vec<String> = function_names(module).map(|name| quoted(&name).to_string()).collect();
    match names.len() {
        0 => "It exports no function at all.".into(),
        count if count > MOST => format!("It exports {}, and {} more.", names[..MOST].join(", "), count - MOST),
        _ => format!("It exports {}.", names.join(", ")),
    }
}

/// The arguments as values of the function's parameter types.
fn values(options: &Options, module: &Module, function: &str, args: &[String]) -> Outcome<Vec<Val>> {
    let Some(ty) = function_type(module, function) else {
        if let Some(ty) = module.get_export(function) {
            let kind = match ty {
                ExternType::Memory(_) => "memory",
                ExternType::Table(_) => "table",
                ExternType::Global(_) => "global",
                _ => "tag",
            };
            let fault = Fault::refused(format!("the export `{function}` is a {kind}, not a function"));
            return Err(fault.hint(functions(module)));
        }
        let fault = Fault::refused(format!("there is no exported function `{function}`"));
        return Err(fault.hint(match nearest(function, function_names(module)) {
            Some(name) => format!("did you mean `{name}`?"),
            None => functions(module),
        }));
    };
    let params = ty.params();
    let shown = quoted(function);
    let signature = || {
        let words = |types: &[ValType]| types.iter().map(ValType::to_string).collect::<Vec<_>>().join(", ");
        format!("{shown}({}) -> ({})", words(params), words(ty.results()))
    };
    if params.len() > args.len() || (params.len() < args.len() && !options.dialect.is_wasmedge()) {
        let takes = if params.len() == 1 { "1 argument".into() } else { format!("{} arguments", params.len()) };
        let given = if args.len() == 1 { "1 is".into() } else { format!("{} are", args.len()) };
        return Err(Fault::refused(format!("`{shown}` takes {takes}, but {given} given")).hint(signature()));
    }
    let mut values = Vec::with_capacity(params.len());
    for (index, (text, ty)) in args.iter().zip(params).enumerate() {
        values.push(value::read(text, ty).map_err(|expected| {
            let place = format!("parameter {} of `{shown}`", index + 1);
            let name =
                parameter(module, function, index).map_or_else(|| place.clone(), |name| format!("`{name}`, {place}"));
            Fault::refused(format!("`{text}` is no value for {name}: it is {expected}"))
        })?);
    }
    // What is too much WasmEdge passes on as an i64, and the call fails.
    for text in &args[params.len()..] {
        let message = |expected| format!("`{text}`, for which there is no parameter, is not {expected}");
        value::read(text, &ValType::I64).map_err(|expected| Fault::refused(message(expected)))?;
    }
    if params.len() < args.len() {
        let message = "execution failed: function signature mismatch, Code: 0x403";
        return Err(Fault::stop(signature()).in_wasmedge(message));
    }
    Ok(values)
}

/// The name a parameter of an exported function has in the name section.
fn parameter(module: &Module, function: &str, index: usize) -> Option<String> {
    let outline = Outline::new(module.binary(), None).ok()?;
    let func = outline.exports.iter().find(|export| export.kind == "func" && export.name == function)?.index;
    let names = local_names(module.binary(), func);
    let found = names.into_iter().find(|(local, _)| *local as usize == index);
    found.map(|(_, name)| name.escape_debug().to_string())
}

/// Instantiates the modules, lets the main one initialise itself, and runs the entry; gives its results.
fn start(store: &mut Store<State>, guest: &mut Guest<'_>, options: &Options) -> kinglet::Result<Vec<Val>> {
    let missing = options.unknown_imports;
    guest::register(&mut guest.linker, store, &guest.modules, missing)?;
    guest::fill(&mut guest.linker, store, guest.module, missing)?;
    let instance = guest.linker.instantiate(&mut *store, guest.module)?;
    let running = |error: kinglet::Error| error.context(Running);
    let function = guest.entry.function;
    // A program that begins with `_start` sees to that itself.
    let is_ready = function == "_initialize" || function == "_start" && guest.values.is_none();
    if !is_ready && function_type(guest.module, "_initialize").is_some() {
        call(store, instance, "_initialize", &[]).map_err(running)?;
    }
    call(store, instance, function, guest.values.as_deref().unwrap_or_default()).map_err(running)
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
    if let Some(exit) = error.downcast_ref::<kinglet_wasi::I32Exit>() {
        return Ok(own_status(exit.0, options.dialect));
    }
    if let (Some(Trap::Interrupted), limit @ 1..) = (error.downcast_ref(), options.time_limit) {
        return Err(deadline::stopped(error, limit));
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow) if error.is::<Running>() => Err(Fault::stopped(error).hint(guest::deeper(options))),
        _ if error.is::<Running>() => Err(Fault::stopped(error)),
        Some(trap) => Err(Fault::stopped_early(error, *trap, options.dialect)),
        None => Err(guest::unlinked(file, error, options)),
    }
}
