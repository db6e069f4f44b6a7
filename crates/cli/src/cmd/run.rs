//! `kinglet run`: loads a module, links WASI, and runs its `_start` or calls the function that the user names. Failures
//! before the guest's first instruction have status 1; later ones have status 134.

use kinglet::{ExternType, Func, FuncType, Instance, Linker, Module, Store, Trap, Val, ValType};
use kinglet_wasm::outline::{Outline, local_names};

use crate::cache::{self, CacheWriter};
use crate::deadline::{self, Deadline};
use crate::fault::{Fault, Outcome, own_status};
use crate::guest::{self, State};
use crate::message::{Level, counted, say};
use crate::options::{Options, nearest, row};
use crate::statistics::{Statistics, stages};
use crate::{print, source, value};

/// The function to call.
struct EntryPoint<'a> {
    function: &'a str,
    /// Its arguments. None for a program, which receives its arguments through WASI.
    args: Option<&'a [String]>,
}

/// The state before the guest's first instruction.
struct Guest<'a> {
    linker: Linker<State>,
    modules: Vec<(String, Module)>,
    module: &'a Module,
    entry: EntryPoint<'a>,
    values: Option<Vec<Val>>,
}

pub(super) fn run(options: &Options) -> Outcome {
    cache::set_up(options);
    guest::with_stack(options, run_here)
}

fn run_here(options: &Options, stack: usize) -> Outcome {
    let (file, args) = options.positional.split_first().ok_or_else(|| Fault::refused("no file given"))?;
    let limit = if cache::compiles_only(options) { 0 } else { options.time_limit };
    let deadline = Deadline::start(limit, options.dialect)?;
    let engine = guest::engine(options, stack)?;
    let module = match &options.program {
        Some(program) => program.load(&engine, file)?,
        None => source::load(&engine, file, options)?,
    };
    let modules = guest::modules(&engine, options)?;
    let writer = CacheWriter::start(std::iter::once(&module).chain(modules.iter().map(|(_, module)| module)));
    if writer.compile_instead(options) {
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
    // The time limit does not cover the rest.
    drop(deadline);
    writer.finish(options, stopped);
    if options.statistics.stages {
        let all: Vec<&Module> =
            std::iter::once(&module).chain(guest.modules.iter().map(|(_, module)| module)).collect();
        stages(&all, Some(took)).iter().for_each(|line| say(Level::Info, line));
    }
    // The process ends now, so nothing needs to be dropped.
    std::mem::forget((store, guest.linker, guest.modules));
    std::mem::forget(module);
    outcome
}

/// The printed results.
fn lines(results: &[Val]) -> String {
    results.iter().map(|result| format!("{}\n", value::show(result))).collect()
}

/// WasmEdge's message for a module that is not a program if no function is named.
const WITHOUT_FUNCTION: &str = "A function name is required when reactor mode is enabled.";

/// Chooses the entry point. As in Wasmtime, a program exports the empty name or `_start`. In other modules it is the function
/// named by `--invoke` or by the first argument.
fn entry<'a>(options: &'a Options, module: &Module, file: &str, args: &'a [String]) -> Outcome<EntryPoint<'a>> {
    if let Some(function) = &options.invoke {
        return Ok(EntryPoint { function, args: Some(args) });
    }
    if !options.reactor {
        // WasmEdge ignores the empty name.
        let names = if options.dialect.is_wasmedge() { &["_start"][..] } else { &["", "_start"] };
        let found = names.iter().find_map(|name| Some((*name, function_type(module, name)?)));
        if let Some((function, ty)) = found {
            let is_program = ty.params().is_empty() && ty.results().is_empty();
            // A function of another type is called like any other.
            return Ok(EntryPoint { function, args: (!is_program).then_some(args) });
        }
    }
    // A command line that names a function.
    let calling = || match (&options.program, options.reactor) {
        (Some(_), _) => format!("{file} FUNCTION"),
        (None, true) => format!("kinglet --reactor {file} FUNCTION"),
        (None, false) => format!("kinglet --invoke FUNCTION {file}"),
    };
    match args.split_first() {
        Some((function, args)) => Ok(EntryPoint { function, args: Some(args) }),
        None if options.reactor => {
            let fault = Fault::usage("the name of a function must follow the file", WITHOUT_FUNCTION).on_stderr();
            Err(fault.hint(format!("{} [ARGS…]. {}", calling(), functions(module))))
        }
        None => {
            let message = format!(
                "{} is not a program: it exports no `_start` function without parameters and results",
                source::shown(file)
            );
            let hint = format!("name a function: {} [ARGS…]. {}", calling(), functions(module));
            Err(Fault::usage(message, WITHOUT_FUNCTION).on_stderr().hint(hint))
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

/// A name for a message; an empty one becomes two quotation marks.
fn quoted(name: &str) -> &str {
    if name.is_empty() { "\"\"" } else { name }
}

/// The exported functions, for a message.
fn functions(module: &Module) -> String {
    const MOST: usize = 10;
    let names: Vec<String> = function_names(module).map(|name| quoted(&name).to_string()).collect();
    match names.len() {
        0 => "It exports no functions.".into(),
        count if count > MOST => format!("It exports {}, and {} more.", names[..MOST].join(", "), count - MOST),
        _ => format!("It exports {}.", names.join(", ")),
    }
}

/// Parses the arguments as values of the function's parameter types.
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
        if let Some(line) = options_first(options, function, args) {
            return Err(Fault::refused(format!("options go before the file: {line}")));
        }
        let fault = Fault::refused(format!("no function `{function}` is exported"));
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
        let (takes, given) = (counted(params.len() as u64, "argument"), args.len());
        let is = if given == 1 { "is" } else { "are" };
        return Err(Fault::refused(format!("`{shown}` takes {takes}, but {given} {is} given")).hint(signature()));
    }
    let mut values = Vec::with_capacity(params.len());
    for (index, (text, ty)) in args.iter().zip(params).enumerate() {
        values.push(value::read(spelled(text, options), ty).map_err(|why| {
            let name = parameter(module, function, index).map_or_else(String::new, |name| format!(" (`{name}`)"));
            Fault::refused(format!("argument {}{name} of `{shown}`: {why}", index + 1))
        })?);
    }
    // WasmEdge parses surplus arguments as i64, and the call fails.
    for (index, text) in args.iter().enumerate().skip(params.len()) {
        let message = |why| format!("argument {} of `{shown}`, which has no parameter: {why}", index + 1);
        value::read(spelled(text, options), &ValType::I64).map_err(|why| Fault::refused(message(why)))?;
    }
    if params.len() < args.len() {
        let message = "execution failed: function signature mismatch, Code: 0x403";
        return Err(Fault::stop(signature()).in_wasmedge(message));
    }
    Ok(values)
}

/// The corrected command line if the arguments after the file begin with an option.
fn options_first(options: &Options, first: &str, rest: &[String]) -> Option<String> {
    let mut args = std::iter::once(first).chain(rest.iter().map(String::as_str)).peekable();
    let mut line = String::from("kinglet");
    while let Some(arg) = args.next_if(|arg| arg.starts_with("--")) {
        let (name, value) = arg[2..].split_once('=').map_or((&arg[2..], None), |(name, value)| (name, Some(value)));
        let row = row(name).filter(|row| row.is_for("run") && !options.dialect.is_wasmedge())?;
        line += &format!(" {arg}");
        if row.value.is_some() && value.is_none() {
            line += &format!(" {}", args.next()?);
        }
    }
    let file = options.positional.first()?;
    Some(args.fold(format!("{line} {file}"), |line, arg| format!("{line} {arg}"))).filter(|_| first.starts_with("--"))
}

/// An argument without leading white space, which WasmEdge skips.
fn spelled<'a>(text: &'a str, options: &Options) -> &'a str {
    if options.dialect.is_wasmedge() { text.trim_start() } else { text }
}

/// The name of a parameter of an exported function, from the name section.
fn parameter(module: &Module, function: &str, index: usize) -> Option<String> {
    let outline = Outline::new(module.binary(), None).ok()?;
    let func = outline.exports.iter().find(|export| export.kind == "func" && export.name == function)?.index;
    let names = local_names(module.binary(), func);
    let found = names.into_iter().find(|(local, _)| *local as usize == index);
    found.map(|(_, name)| name.escape_debug().to_string())
}

/// Instantiates the modules, calls the main module's `_initialize`, and calls the entry point. Returns its results.
fn start(store: &mut Store<State>, guest: &mut Guest<'_>, options: &Options) -> kinglet::Result<Vec<Val>> {
    let missing = options.unknown_imports;
    guest::register(&mut guest.linker, store, &guest.modules, missing)?;
    guest::define_missing(&mut guest.linker, store, guest.module, missing)?;
    let instance = guest.linker.instantiate(&mut *store, guest.module)?;
    let running = |error: kinglet::Error| error.context(Running);
    let function = guest.entry.function;
    // A program's `_start` does that itself.
    let is_initialized = function == "_initialize" || function == "_start" && guest.values.is_none();
    if !is_initialized && function_type(guest.module, "_initialize").is_some() {
        call(store, instance, "_initialize", &[]).map_err(running)?;
    }
    call(store, instance, function, guest.values.as_deref().unwrap_or_default()).map_err(running)
}

/// Marks an error that occurred while the guest ran.
#[derive(Debug)]
struct Running;

impl std::fmt::Display for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the program was stopped")
    }
}

fn call(store: &mut Store<State>, instance: Instance, name: &str, args: &[Val]) -> kinglet::Result<Vec<Val>> {
    let func: Option<Func> = instance.get_func(&mut *store, name);
    let func = func.ok_or_else(|| kinglet::Error::msg(format!("no function `{name}` is exported")))?;
    let mut results = vec![Val::I32(0); func.ty(&*store).results().len()];
    func.call(&mut *store, args, &mut results)?;
    Ok(results)
}

/// Maps an error of the run to an exit status or a failure.
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
