//! The environment of a guest: an engine and a store with the options' limits, WASI, other modules to import from, and
//! definitions of missing imports. Used by `run` and `instantiate`.

use std::env::VarError;
use std::path::Path;

use kinglet::{Config, Engine, Error, LimitError, Linker, Module, RunMode, Store, StoreLimits, StoreLimitsBuilder};
use kinglet_wasi::{FsPerms, WasiCtx};

use crate::cache;
use crate::fault::{Fault, Outcome};
use crate::message::{Level, say};
use crate::options::{Dir, MissingImports, Options};
use crate::source;

/// The store's data, for host functions.
pub(crate) struct State {
    pub(crate) wasi: WasiCtx,
    limits: StoreLimits,
}

impl State {
    fn wasi(&mut self) -> &mut WasiCtx {
        &mut self.wasi
    }
}

/// Creates an engine whose native code may use `stack` bytes of the stack.
pub(crate) fn engine(options: &Options, stack: usize) -> Outcome<Engine> {
    let mut config = Config::new();
    config.features(options.features()).memory_page_limit(options.memory_page_limit);
    config.gas(engine_meters(options)).nan_canonicalization(options.nan_canonicalization).profile(options.profile);
    // Ctrl-C ends the process. Only the time limit interrupts a guest.
    config.run_mode(options.run_mode).interruptible(options.time_limit > 0).max_host_stack(stack);
    config.tier_thresholds(options.tier_thresholds);
    if let Some(kibibytes) = options.stack_limit {
        config.max_wasm_stack(stack_limit(kibibytes));
    }
    compiler_memory(&mut config, options);
    cache::add(&mut config, options);
    Engine::new(&config).map_err(|error| Fault::refused(format!("cannot set up the engine: {error:#}")))
}

/// Whether the engine counts gas.
pub(crate) fn engine_meters(options: &Options) -> bool {
    options.gas_limit.is_some() || options.statistics.metered()
}

/// Applies `--compiler-memory`.
pub(crate) fn compiler_memory(config: &mut Config, options: &Options) {
    if let Some(mebibytes) = options.compiler_memory {
        config.compiler_memory(usize::try_from(mebibytes.saturating_mul(1 << 20)).unwrap_or(usize::MAX));
    }
}

/// The stack that the command, the compiler and host functions need beside the guest's native code, in bytes.
const RESERVED: usize = 512 << 10;

/// Calls a function that runs a guest, with the number of stack bytes that native code may use. If this thread's stack is
/// smaller than `--stack-limit` or than small programs need, another thread makes the call.
pub(crate) fn with_stack(options: &Options, run: fn(&Options, usize) -> Outcome) -> Outcome {
    const LEAST: usize = 512 << 10;
    let wanted = match options.stack_limit {
        // Interpreted functions do not use this stack for calls.
        Some(kibibytes) if options.run_mode != RunMode::Interpreter => stack_limit(kibibytes).max(LEAST),
        _ => LEAST,
    };
    let left = stack_left();
    if wanted.saturating_add(RESERVED) <= left {
        return run(options, left - RESERVED);
    }
    let thread = std::thread::Builder::new().stack_size(wanted.saturating_add(RESERVED));
    std::thread::scope(|scope| match thread.spawn_scoped(scope, || run(options, wanted)) {
        Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
        Err(error) => {
            let here = left - RESERVED.min(left / 2);
            say(Level::Warning, &format!("native code has a stack of only {} KiB: {error}", here >> 10));
            run(options, here)
        }
    })
}

/// The value of `--stack-limit` in bytes, at most the library's maximum.
fn stack_limit(kibibytes: u64) -> usize {
    usize::try_from(kibibytes.saturating_mul(1 << 10).min(1 << 40)).unwrap_or(usize::MAX >> 1)
}

/// The advice for a stack overflow.
pub(crate) fn deeper(options: &Options) -> String {
    const DEFAULT: u64 = 16 << 10;
    let more = options.stack_limit.unwrap_or(DEFAULT).max(DEFAULT).saturating_mul(4);
    format!("the recursion may be endless; otherwise try a larger stack: --stack-limit {more}")
}

/// The number of bytes by which the stack of the process's first thread can still grow.
#[cfg(unix)]
fn stack_left() -> usize {
    // Enough if there is no limit.
    const MOST: u64 = 64 << 20;
    let limit = rustix::process::getrlimit(rustix::process::Resource::Stack).current.unwrap_or(MOST).min(MOST);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let here = 0_u8;
    let used = stack_top().checked_sub(std::ptr::from_ref(&here).addr()).filter(|used| *used < limit);
    // Linux lets arguments and environment use a quarter of the stack.
    limit - used.unwrap_or(limit / 4)
}

#[cfg(not(unix))]
fn stack_left() -> usize {
    1 << 20
}

/// The top of the first thread's stack, where the program's name lies above arguments and environment.
#[cfg(target_os = "linux")]
fn stack_top() -> usize {
    rustix::param::linux_execfn().as_ptr().addr()
}

#[cfg(all(unix, not(target_os = "linux")))]
fn stack_top() -> usize {
    0
}

/// Creates the store for the module in `file`.
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

/// The guest's environment variables.
fn env(options: &Options) -> Outcome<Vec<(String, String)>> {
    let mut all = Vec::new();
    for (name, value) in &options.env {
        match value.clone().map_or_else(|| std::env::var(name), Ok) {
            Ok(value) => all.push((name.clone(), value)),
            Err(VarError::NotPresent) => {}
            Err(VarError::NotUnicode(_)) => {
                let fault = Fault::refused(format!("--env {name}: the variable's value is not UTF-8"));
                return Err(fault.hint(format!("--env {name}=VALUE sets another value")));
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
                let hint = "--dir GUEST:HOST needs an existing directory; for example --dir /data:./data. Write `\\:` for a \
                            colon in a name";
                return Err(Fault::refused(format!("--dir: {error:#}")).hint(hint));
            }
        }
    }
    builder.build().map_err(|error| Fault::refused(format!("cannot set up WASI: {error:#}")))
}

/// The guest's own name: the file's, with the extension `.wasm`.
fn program_name(file: &str) -> String {
    let name = Path::new(file).with_extension("wasm");
    name.file_name().map_or_else(|| file.to_string(), |name| name.to_string_lossy().into_owned())
}

/// Creates a linker with WASI. It includes the WASI of 2019 only if a module imports that, because linking takes a while.
pub(crate) fn linker(engine: &Engine, module: &Module, modules: &[(String, Module)]) -> Outcome<Linker<State>> {
    let mut linker = Linker::new(engine);
    let mut all = std::iter::once(module).chain(modules.iter().map(|(_, module)| module));
    let old = all.any(|module| module.imports().any(|import| import.module() == kinglet_wasi::SNAPSHOT_0));
    kinglet_wasi::add_to_linker(&mut linker, State::wasi)
        .and_then(|()| if old { kinglet_wasi::add_snapshot_0_to_linker(&mut linker, State::wasi) } else { Ok(()) })
        .map_err(|error| Fault::refused(format!("cannot link WASI: {error:#}")))?;
    Ok(linker)
}

/// Loads the modules of `--module`.
pub(crate) fn modules(engine: &Engine, options: &Options) -> Outcome<Vec<(String, Module)>> {
    let load = |(name, path): &(String, String)| Ok((name.clone(), source::load(engine, path, options)?));
    options.modules.iter().map(load).collect()
}

/// Marks an error of a module of `--module`.
#[derive(Debug)]
pub(crate) struct Registered(String);

impl std::fmt::Display for Registered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "--module {}", self.0)
    }
}

/// Instantiates the modules of `--module` in order; each may import from earlier ones. Calls `_initialize` where it is
/// exported, as WASI reactors require.
pub(crate) fn register(
    linker: &mut Linker<State>,
    store: &mut Store<State>,
    modules: &[(String, Module)],
    missing: Option<MissingImports>,
) -> kinglet::Result<()> {
    for (name, module) in modules {
        let named = |error: Error| error.context(Registered(name.clone()));
        define_missing(linker, store, module, missing).map_err(named)?;
        let instance = linker.instantiate(&mut *store, module).map_err(named)?;
        if let Ok(initialize) = instance.get_typed_func::<(), ()>(&mut *store, "_initialize") {
            initialize.call(&mut *store, ()).map_err(named)?;
        }
        linker.instance(&mut *store, name, instance).map_err(named)?;
    }
    Ok(())
}

/// Defines a module's missing imports, if the user wants that.
pub(crate) fn define_missing(
    linker: &mut Linker<State>,
    store: &mut Store<State>,
    module: &Module,
    missing: Option<MissingImports>,
) -> kinglet::Result<()> {
    match missing {
        None => Ok(()),
        Some(MissingImports::Trap) => linker.define_unknown_imports_as_traps(module),
        Some(MissingImports::Zero) => linker.define_unknown_imports_as_default_values(store, module),
    }
}

/// The failure to instantiate a module.
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
    if link.unknown_imports().any(|import| import.module().starts_with("wasi:")) {
        return fault.hint(source::COMPONENT);
    }
    match options.unknown_imports {
        _ if link.unknown_imports().count() == 0 || message.contains("did you mean") => fault,
        Some(_) => fault.hint(
            "--unknown-imports trap defines only functions; --unknown-imports zero also memories, tables and globals",
        ),
        None if state => fault.hint(or("run without it: --unknown-imports zero")),
        None => fault.hint(or("run without it: --unknown-imports trap")),
    }
}
