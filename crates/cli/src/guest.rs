//! What a guest is run with: the engine and store as the options limit them, WASI with what it is given, other modules it
//! may import from, and what stands in for imports that nobody provides. Used by `run` and `instantiate`.

use std::env::VarError;
use std::path::Path;

use kinglet::{Config, Engine, Error, LimitError, Linker, Module, RunMode, Store, StoreLimits, StoreLimitsBuilder};
use kinglet_wasi::{FsPerms, WasiCtx};

use crate::cache;
use crate::fault::{Fault, Outcome};
use crate::message::{Level, say};
use crate::options::{Dir, Missing, Options};
use crate::source;

/// What host functions have at hand.
pub(crate) struct State {
    pub(crate) wasi: WasiCtx,
    limits: StoreLimits,
}

impl State {
    fn wasi(&mut self) -> &mut WasiCtx {
        &mut self.wasi
    }
}

/// An engine whose native code may use this many bytes of the stack.
pub(crate) fn engine(options: &Options, stack: usize) -> Outcome<Engine> {
    let mut config = Config::new();
    config.features(options.features()).memory_page_limit(options.memory_page_limit);
    config.gas(engine_meters(options)).nan_canonicalization(options.nan_canonicalization).profile(options.profile);
    // Ctrl-C ends the process; nothing else but the time limit ends a guest from outside.
    config.run_mode(options.run_mode).interruptible(options.time_limit > 0).max_host_stack(stack);
    config.tier_thresholds(options.tier_thresholds);
    if let Some(kibibytes) = options.stack_limit {
        config.max_wasm_stack(stack_limit(kibibytes));
    }
    compiler_memory(&mut config, options);
    cache::add(&mut config, options);
    Engine::new(&config).map_err(|error| Fault::refused(format!("cannot set up the engine: {error:#}")))
}

/// Whether gas is counted.
pub(crate) fn engine_meters(options: &Options) -> bool {
    options.gas_limit.is_some() || options.statistics.metered()
}

/// Limits what the compiler may take, if the user does.
pub(crate) fn compiler_memory(config: &mut Config, options: &Options) {
    if let Some(mebibytes) = options.compiler_memory {
        config.compiler_memory(usize::try_from(mebibytes.saturating_mul(1 << 20)).unwrap_or(usize::MAX));
    }
}

/// What the command, the compiler and host functions need of a stack, beside native code of the guest.
const OURS: usize = 512 << 10;

/// Runs what runs a guest, and tells it how many bytes of its stack native code may use: here, or if there are fewer than
/// the user asks for or than small programs need, on a thread that has as many.
pub(crate) fn with_stack(options: &Options, run: fn(&Options, usize) -> Outcome) -> Outcome {
    const LEAST: usize = 512 << 10;
    let wanted = match options.stack_limit {
        // Functions that are interpreted do not call one another on this stack.
        Some(kibibytes) if options.run_mode != RunMode::Interpreter => stack_limit(kibibytes).max(LEAST),
        _ => LEAST,
    };
    let left = stack_left();
    if wanted.saturating_add(OURS) <= left {
        return run(options, left - OURS);
    }
    let thread = std::thread::Builder::new().stack_size(wanted.saturating_add(OURS));
    std::thread::scope(|scope| match thread.spawn_scoped(scope, || run(options, wanted)) {
        Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
        Err(error) => {
            let here = left - OURS.min(left / 2);
            say(Level::Warning, &format!("native code has a stack of {} KiB only: {error}", here >> 10));
            run(options, here)
        }
    })
}

/// The bytes of `--stack-limit`, at most what the library takes.
fn stack_limit(kibibytes: u64) -> usize {
    usize::try_from(kibibytes.saturating_mul(1 << 10).min(1 << 40)).unwrap_or(usize::MAX >> 1)
}

/// What to try where calls nest too deeply.
pub(crate) fn deeper(options: &Options) -> String {
    const DEFAULT: u64 = 16 << 10;
    let more = options.stack_limit.unwrap_or(DEFAULT).max(DEFAULT).saturating_mul(4);
    format!("calls nest too deeply: a recursion without end, or try a larger stack: --stack-limit {more}")
}

/// How many bytes the stack of the process's first thread can still grow by.
#[cfg(unix)]
fn stack_left() -> usize {
    // Where there is no limit this is enough.
    const MOST: u64 = 64 << 20;
    let limit = rustix::process::getrlimit(rustix::process::Resource::Stack).current.unwrap_or(MOST).min(MOST);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let here = 0_u8;
    let used = stack_top().checked_sub(std::ptr::from_ref(&here).addr()).filter(|used| *used < limit);
    // Arguments and environment are on it too; Linux lets them have a quarter.
    limit - used.unwrap_or(limit / 4)
}

#[cfg(not(unix))]
fn stack_left() -> usize {
    1 << 20
}

/// Where the first thread's stack begins: the last thing above arguments and environment is the program's name.
#[cfg(target_os = "linux")]
fn stack_top() -> usize {
    rustix::param::linux_execfn().as_ptr().addr()
}

#[cfg(all(unix, not(target_os = "linux")))]
fn stack_top() -> usize {
    0
}

/// A store with all that the guest is given, for the module in `file`.
pub(crate) fn store(engine: &Engine, options: &Options, file: &str, args: &[String]) -> Outcome<Store<State>> {
    let limits = options.limits.iter().fold(StoreLimitsBuilder::new(), |all, (limit, value)| all.limit(*limit, *value));
    let state = State { wasi: wasi(options, file, args)?, limits: limits.build() };
    let mut store =
        Store::try_new(engine, state).map_err(|error| Fault::refused(format!("cannot set up the store: {error:#}")))?;
    if !options.limits.is_empty() {
        store.limiter(|state| &mut state.limits);
    }
    if engine_meters(options) {
        let gas = store.set_gas(options.gas_limit.unwrap_or(u64::MAX));
        gas.map_err(|error| Fault::refused(format!("cannot set up the store: {error:#}")))?;
    }
    Ok(store)
}

/// The variables that the guest sees, and their values.
fn env(options: &Options) -> Outcome<Vec<(String, String)>> {
    let mut all = Vec::new();
    for (name, value) in &options.env {
        match value.clone().map_or_else(|| std::env::var(name), Ok) {
            Ok(value) => all.push((name.clone(), value)),
            Err(VarError::NotPresent) => {}
            Err(VarError::NotUnicode(_)) => {
                let fault = Fault::refused(format!("--env {name}: the variable's value is not UTF-8"));
                return Err(fault.hint(format!("--env {name}=VALUE gives it another")));
            }
        }
    }
    Ok(all)
}

fn wasi(options: &Options, file: &str, args: &[String]) -> Outcome<WasiCtx> {
    let own = || if options.program.is_some() { file.to_string() } else { program_name(file) };
    let mut argv = vec![options.argv0.clone().unwrap_or_else(own)];
    argv.extend(args.iter().cloned());
    let mut builder = WasiCtx::builder();
    builder.args(argv).envs(env(options)?).inherit_stdio();
    for Dir { guest, host, readonly } in &options.dirs {
        let access = if *readonly { FsPerms::ReadOnly } else { FsPerms::ReadWrite };
        match builder.preopened_dir(host, guest, access) {
            Ok(_) => {}
            Err(error) if options.dialect.is_wasmedge() => {
                say(Level::Error, &format!("Bind guest directory failed: {error:#}"));
            }
            Err(error) => {
                let hint = "--dir GUEST:HOST takes a folder that is there; for example --dir /data:./data. A colon in a \
                            name is written `\\:`";
                return Err(Fault::refused(format!("--dir: {error:#}")).hint(hint));
            }
        }
    }
    builder.build().map_err(|error| Fault::refused(format!("cannot set up WASI: {error:#}")))
}

/// What the guest sees as its own name: the file's, with the extension `.wasm`.
fn program_name(file: &str) -> String {
    let name = Path::new(file).with_extension("wasm");
    name.file_name().map_or_else(|| file.to_string(), |name| name.to_string_lossy().into_owned())
}

/// A linker with WASI, and with what it was in 2019 if one of the modules imports that: it takes a while to link.
pub(crate) fn linker(engine: &Engine, module: &Module, modules: &[(String, Module)]) -> Outcome<Linker<State>> {
    let mut linker = Linker::new(engine);
    let mut all = std::iter::once(module).chain(modules.iter().map(|(_, module)| module));
    let old = all.any(|module| module.imports().any(|import| import.module() == kinglet_wasi::SNAPSHOT_0));
    kinglet_wasi::add_to_linker(&mut linker, State::wasi)
        .and_then(|()| if old { kinglet_wasi::add_snapshot_0_to_linker(&mut linker, State::wasi) } else { Ok(()) })
        .map_err(|error| Fault::refused(format!("cannot link WASI: {error:#}")))?;
    Ok(linker)
}

/// The modules of `--module`, loaded.
pub(crate) fn modules(engine: &Engine, options: &Options) -> Outcome<Vec<(String, Module)>> {
    let load = |(name, path): &(String, String)| Ok((name.clone(), source::load(engine, path, options)?));
    options.modules.iter().map(load).collect()
}

/// Marks an error of one of the modules that others import from.
#[derive(Debug)]
pub(crate) struct Registered(String);

impl std::fmt::Display for Registered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "--module {}", self.0)
    }
}

/// Makes instances of other modules, in order, each importable by those after it. One that has an `_initialize` is
/// initialised, as WASI's reactors ask.
pub(crate) fn register(
    linker: &mut Linker<State>,
    store: &mut Store<State>,
    modules: &[(String, Module)],
    missing: Option<Missing>,
) -> kinglet::Result<()> {
    for (name, module) in modules {
        let named = |error: Error| error.context(Registered(name.clone()));
        fill(linker, store, module, missing).map_err(named)?;
        let instance = linker.instantiate(&mut *store, module).map_err(named)?;
        if let Ok(initialize) = instance.get_typed_func::<(), ()>(&mut *store, "_initialize") {
            initialize.call(&mut *store, ()).map_err(named)?;
        }
        linker.instance(&mut *store, name, instance).map_err(named)?;
    }
    Ok(())
}

/// Defines what a module imports and nobody provides, if that is wanted.
pub(crate) fn fill(
    linker: &mut Linker<State>,
    store: &mut Store<State>,
    module: &Module,
    missing: Option<Missing>,
) -> kinglet::Result<()> {
    match missing {
        None => Ok(()),
        Some(Missing::Trap) => linker.define_unknown_imports_as_traps(module),
        Some(Missing::Zero) => linker.define_unknown_imports_as_default_values(store, module),
    }
}

/// Why a module has no instance.
pub(crate) fn unlinked(file: &str, error: &Error, options: &Options) -> Fault {
    let whose = if error.is::<Registered>() { String::new() } else { format!("{}: ", source::shown(file)) };
    let fault = Fault::refused(format!("{whose}{error:#}"));
    if let Some(reached) = error.downcast_ref::<LimitError>() {
        let row = reached.limit().row();
        let most = options.limits.iter().rfind(|(limit, _)| *limit == row.limit).map(|(_, most)| *most);
        let most = most.or(row.default).map_or_else(String::new, |most| format!(", which is {most} now"));
        return fault.hint(format!("raise --limit {}=VALUE{most}", row.name));
    }
    let Some(link) = error.downcast_ref::<kinglet::LinkError>() else { return fault };
    let message = format!("{error:#}");
    let fault = fault.in_wasmedge(if link.unknown_imports().count() > 0 {
        "instantiation failed: unknown import, Code: 0x302"
    } else {
        "instantiation failed: incompatible import type, Code: 0x301"
    });
    let state = link.unknown_imports().any(|import| import.ty().func().is_none());
    let or = |hint: &str| match options.program {
        Some(_) => hint.to_string(),
        None => format!("provide it with --module NAME:PATH, or {hint}"),
    };
    match options.unknown_imports {
        _ if link.unknown_imports().count() == 0 || message.contains("did you mean") => fault,
        Some(_) => fault.hint(
            "--unknown-imports trap is for functions; --unknown-imports zero has memories, tables and globals too",
        ),
        None if state => fault.hint(or("go without it with --unknown-imports zero")),
        None => fault.hint(or("go without it with --unknown-imports trap")),
    }
}
