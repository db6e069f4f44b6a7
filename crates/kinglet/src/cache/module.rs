//! Modules in a cache: lookup before validation and compilation, and updates afterwards.
//!
//! When a module is dropped, its native code is stored, and the functions that have run are recorded. If the next start
//! benefits ([`Module::worth_compiling`]), [`Module::compile_for_next_start`] compiles them later, when no caller
//! waits.
//!
//! The compiler may exhaust memory or crash, so a function is recorded as begun before its compilation starts. The
//! record is cleared when the code is stored, or the function is recorded as failed if it cannot be compiled. If a
//! process ends in between, one of these functions may be the cause. Another process therefore compiles them once more,
//! in small pieces, and records them as failed meanwhile. If that process ends too, they are not compiled again.

use std::collections::HashSet;
use std::fs::Metadata;
use std::ops::ControlFlow;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use kinglet_interp::code::ModuleEnvironment;
use tracing::debug;

use super::next_start::{self, Scope};
use super::{Cache, CacheEntryKind, ContentHash, entry_name};
use crate::artifact::{Identity, write_code, write_module};
use crate::module::{ModuleInner, compile_module, decode};
use crate::vm::{Cached, CachedCode, cached_code, load_cached};
use crate::{Engine, Error, Module, Result, RunMode};

/// Approximate time to lower one byte of an interpreted function's body and execute it once or twice.
const TIME_PER_BYTE: Duration = Duration::from_nanos(25);

/// Approximate time to start the interpreter: its stack, and the threads of tier-up.
const INTERPRETER_STARTUP: Duration = Duration::from_micros(200);

/// Compiling is always worthwhile if it makes the next start faster by this much.
const MIN_GAIN: Duration = Duration::from_micros(1500);

/// Compiling is worthwhile if it makes the next start faster by this fraction of the process's CPU time.
const MIN_GAIN_FRACTION: u32 = 32;

/// Functions that became native one by one are recompiled together with the others if they reach this fraction of the
/// code that was compiled for the next start.
const ADDED_FRACTION: usize = 8;

/// If the bodies of all functions that have run are no larger than this, in bytes, all of these functions are compiled
/// together. Otherwise only the missing ones are compiled.
pub(super) const MAX_TOGETHER_BYTES: usize = 512 << 10;

/// If the missing functions reach this fraction of all functions that have run, all are compiled together.
pub(super) const MISSING_FRACTION: usize = 4;

/// The maximum size of the function bodies in a piece, in bytes. A piece is compiled as a whole. The cache is updated
/// after each piece.
pub(super) const MAX_PIECE_BYTES: usize = 4 << 20;

/// The state of a module in its engine's cache.
#[derive(Debug)]
pub(crate) struct CacheRecord {
    content: ContentHash,
    state: Mutex<StoredState>,
}

#[derive(Clone, Copy, Debug, Default)]
struct StoredState {
    module: bool,
    /// Bytes of native code.
    code: usize,
    /// Whether every function that can be compiled has code.
    complete: bool,
    /// The number of functions that are recorded as having run in this process.
    ran: usize,
}

/// Loads a binary module from the cache, or else compiles it.
pub(crate) fn from_binary(engine: &Engine, cache: &Cache, bytes: Vec<u8>) -> Result<Module> {
    let content = ContentHash::of(&bytes);
    if let Some(module) = load(engine, cache, content) {
        return Ok(module);
    }
    let code = decode(engine, bytes.into())?;
    let compiled = compile_module(engine, &code, false);
    let module = Module::from_code(engine, code);
    attach_record(&module, content, StoredState::default(), compiled);
    Ok(module)
}

/// Loads a module from the cache by its file's metadata, without reading the file.
pub(crate) fn from_known_file(engine: &Engine, file: &Metadata) -> Option<Module> {
    let cache = engine.config().cache.as_ref()?;
    load(engine, cache, cache.recorded_hash(file)?)
}

/// Records the file that a module was read from. `file` is its metadata from before it was read.
pub(crate) fn record_file(module: &Module, file: &Metadata) {
    if let (Some(cache), Some(cache_record)) = (&module.engine().config().cache, module.inner().cache_record.get()) {
        cache.record_hash(file, cache_record.content);
    }
}

/// Loads a module from the cache.
fn load(engine: &Engine, cache: &Cache, content: ContentHash) -> Option<Module> {
    let start = Instant::now();
    let cached = load_cached(engine, cache, &content).unwrap_or_else(|error| {
        debug!(%error, "a module in the cache is not used");
        None
    });
    cache.count(cached.is_some());
    let Cached { code, memory_image, native, complete } = cached?;
    debug!(module = %content, native, complete, "module found in the cache: it is not validated");
    code.environment().stats.cache_loads.add(1, native, start);
    let compiled = !complete && compile_module(engine, &code, false);
    let module = Module::from_code(engine, code);
    if let Some(image) = memory_image {
        let _ = module.inner().template.memory.set(Some(image));
    }
    module.inner().compiled.store(complete, Ordering::Relaxed);
    attach_record(&module, content, StoredState { module: true, code: native, complete, ran: 0 }, compiled);
    Some(module)
}

/// Attaches the cache record to a module. If the module was just compiled, stores it immediately, because storing takes
/// less time than compiling.
fn attach_record(module: &Module, content: ContentHash, state: StoredState, compiled: bool) {
    let _ = module.inner().cache_record.set(CacheRecord { content, state: Mutex::new(state) });
    if compiled {
        module.inner().compiled.store(true, Ordering::Relaxed);
        update_or_log(module.inner());
    }
}

/// Updates the cache. Only logs an error, because the module itself remains usable.
pub(crate) fn update_or_log(module: &ModuleInner) {
    if let Err(error) = update(module) {
        debug!(%error, "cannot store the module in the cache");
    }
}

/// The parts of a module that are worth storing and not in the cache yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct MissingParts {
    module: bool,
    code: bool,
    ran: bool,
}

fn missing(module: &ModuleInner, state: StoredState) -> MissingParts {
    let engine = module.engine();
    if engine.config().run_mode == RunMode::Interpreter || state.complete {
        return MissingParts { module: !state.module, ..MissingParts::default() };
    }
    let environment = module.code().environment();
    let size = engine.tier().code_size(environment);
    // Code of hot functions is always worth storing, even if it is small.
    let code = size > state.code || (size > 0 && module.compiled.load(Ordering::Relaxed));
    let ran = environment.lowered().count() > state.ran && (code || estimated_gain(module, &[]) >= worthwhile_gain());
    MissingParts { module: !state.module, code, ran }
}

/// Estimates the time that a start would save if compilable functions were not interpreted. Ignores functions in the
/// bit set `except`.
fn estimated_gain(module: &ModuleInner, except: &[u8]) -> Duration {
    let environment = module.code().environment();
    let interval = module.engine().config().tier_thresholds.sampling_interval;
    let samples = module.engine().tier().samples(environment);
    let counts = |defined: &u32| !is_native(environment, *defined) && !has(except, *defined);
    let lost_time = |defined: u32| {
        let bytes = u32::try_from(environment.module.bodies[defined as usize].len()).unwrap_or(u32::MAX);
        TIME_PER_BYTE * bytes + interval * samples.get(&defined).copied().unwrap_or(0)
    };
    let lost_time = environment.lowered().filter(counts).map(lost_time).reduce(Duration::saturating_add);
    lost_time.map_or(Duration::ZERO, |lost_time| lost_time.saturating_add(INTERPRETER_STARTUP))
}

/// Returns the time that compiled code must save at a start to make a separate compilation process worthwhile.
fn worthwhile_gain() -> Duration {
    let cpu_time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let cpu_time = Duration::try_from(cpu_time).unwrap_or(Duration::MAX);
    MIN_GAIN.min(cpu_time / MIN_GAIN_FRACTION)
}

/// Returns whether a function that the module defines has native code.
fn is_native(environment: &ModuleEnvironment, defined: u32) -> bool {
    !environment.cells()[defined as usize].native.load(Ordering::Relaxed).is_null()
}

pub(super) fn has(bits: &[u8], defined: u32) -> bool {
    bits.get(defined as usize / 8).is_some_and(|byte| byte & 1 << (defined % 8) != 0)
}

pub(super) fn set(bits: &mut [u8], defined: u32) {
    bits[defined as usize / 8] |= 1 << (defined % 8);
}

/// The run history of a module with the engine's settings: one bit per function in each set.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct RunHistory {
    /// Functions that have run.
    pub(super) ran: Vec<u8>,
    /// Functions whose compilation has begun, in this process or in one that ended meanwhile. They are compiled one
    /// more time.
    pub(super) begun: Vec<u8>,
    /// Functions that cannot be compiled or stored, or whose second attempt is in progress. They are not compiled
    /// again.
    pub(super) failed: Vec<u8>,
    /// Functions that were compiled together for the next start, so they call each other directly.
    pub(super) compiled: Vec<u8>,
}

impl RunHistory {
    fn name(module: &ModuleInner, content: &ContentHash) -> Result<String> {
        Ok(entry_name(&module.engine().identity()?.of_code(content, module.engine().settings()), CacheEntryKind::Ran))
    }

    /// Reads the history. Returns an empty one if the cache has none for this module.
    fn read(module: &ModuleInner, cache: &Cache, content: &ContentHash) -> Result<RunHistory> {
        let length = module.wasm().bodies.len().div_ceil(8);
        let stored = cache.read_note(&RunHistory::name(module, content)?).filter(|history| history.len() == 4 * length);
        let mut ran = stored.unwrap_or_else(|| vec![0; 4 * length]);
        let (compiled, failed) = (ran.split_off(3 * length), ran.split_off(2 * length));
        let begun = ran.split_off(length);
        Ok(RunHistory { ran, begun, failed, compiled })
    }

    pub(super) fn write(&self, module: &ModuleInner, cache: &Cache, content: &ContentHash) -> Result<()> {
        cache.write_note(
            &RunHistory::name(module, content)?,
            &[&self.ran[..], &self.begun, &self.failed, &self.compiled].concat(),
        )
    }

    /// Removes the history from the cache.
    pub(super) fn discard(&self, module: &ModuleInner, cache: &Cache, content: &ContentHash, reason: &Error) {
        if let Ok(name) = RunHistory::name(module, content) {
            cache.discard(&name, reason);
        }
    }

    /// Adds the functions that have run in this process. Also adds functions with native code, because they have run
    /// before.
    pub(super) fn update(module: &ModuleInner, cache: &Cache, content: &ContentHash) -> Result<RunHistory> {
        let stored = RunHistory::read(module, cache, content)?;
        let mut updated = stored.clone();
        let environment = module.code().environment();
        let native = (0..module.wasm().bodies.len() as u32).filter(|defined| is_native(environment, *defined));
        environment.lowered().chain(native).for_each(|defined| set(&mut updated.ran, defined));
        if updated != stored {
            updated.write(module, cache, content)?;
        }
        Ok(updated)
    }
}

fn update(module: &ModuleInner) -> Result<bool> {
    let engine = module.engine();
    let (Some(cache), Some(cache_record)) = (&engine.config().cache, module.cache_record.get()) else {
        return Ok(false);
    };
    let mut state = cache_record.state.lock().unwrap_or_else(PoisonError::into_inner);
    let missing = missing(module, *state);
    let environment = module.code().environment();
    if missing.module {
        let identity = Identity::of_module(&cache_record.content, engine.config().features);
        let start = Instant::now();
        let contents = write_module(&identity, &environment.module)?;
        cache.store(&entry_name(&identity, CacheEntryKind::Module), &contents)?;
        environment.stats.cache_writes.add(1, contents.len(), start);
        state.module = true;
    }
    if missing.code {
        let complete = module.compiled.load(Ordering::Relaxed);
        let code = engine.tier().code_size(environment);
        store_code(module, cache, &cache_record.content, complete)?;
        *state = StoredState { code, complete, ..*state };
    }
    if missing.ran || (missing.code && !state.complete) {
        state.ran = environment.lowered().count();
        RunHistory::update(module, cache, &cache_record.content)?;
    }
    if missing != MissingParts::default() {
        cache.evict()?;
    }
    Ok(missing != MissingParts::default())
}

/// Stores the module's native code. Does nothing if the cache already has code for functions without code in this
/// process.
fn store_code(module: &ModuleInner, cache: &Cache, content: &ContentHash, complete: bool) -> Result<()> {
    let engine = module.engine();
    let start = Instant::now();
    let identity = engine.identity()?.of_code(content, engine.settings());
    let name = entry_name(&identity, CacheEntryKind::Code);
    let image = engine.tier().collect(module.code().environment(), &HashSet::new());
    let functions: HashSet<u32> = image.functions.iter().map(|code| code.function).collect();
    let is_better = |cached: CachedCode| {
        cached.complete || cached.functions == functions || !cached.functions.is_subset(&functions)
    };
    if !complete && cached_code(cache, &name).is_some_and(is_better) {
        return Ok(());
    }
    let trampolines = engine.tier().collect_trampolines(module.code().environment(), complete)?;
    let contents = write_code(&identity, &image, &trampolines, complete)?;
    cache.store(&name, &contents)?;
    module.code().environment().stats.cache_writes.add(1, contents.len(), start);
    Ok(())
}

impl Module {
    /// Updates the engine's cache with the parts of the module that it lacks: the validated module, the initial
    /// contents of its first memory, its native code, and the set of functions that have run. Returns whether anything
    /// was written. Kinglet also updates the cache after compiling the whole module, and when the last reference to a
    /// module is dropped.
    ///
    /// # Errors
    /// If the cache cannot be written.
    pub fn update_cache(&self) -> Result<bool> {
        update(self.inner())
    }

    /// Returns whether [`Module::update_cache`] would write anything.
    pub fn cache_outdated(&self) -> bool {
        let inner = self.inner();
        let Some(cache_record) = inner.cache_record.get() else { return false };
        let state = *cache_record.state.lock().unwrap_or_else(PoisonError::into_inner);
        missing(inner, state) != MissingParts::default()
    }

    /// Returns whether the next start benefits from [`Module::compile_for_next_start`]. It does if functions were
    /// interpreted, and their samples and sizes predict that compiled code saves 1.5 ms or 1/32 of this process's CPU
    /// time. It also benefits if functions were compiled one by one and would call each other faster when compiled
    /// together. Functions whose compilation has failed do not count. Returns false without a cache.
    pub fn worth_compiling(&self) -> bool {
        let inner = self.inner();
        let engine = inner.engine();
        let applicable = engine.config().run_mode == RunMode::Auto && !inner.compiled.load(Ordering::Relaxed);
        let (true, Some(cache), Some(cache_record)) = (applicable, &engine.config().cache, inner.cache_record.get())
        else {
            return false;
        };
        let environment = inner.code().environment();
        let worthwhile_gain = worthwhile_gain();
        let (lost_time, size) = (estimated_gain(inner, &[]), engine.tier().code_size(environment));
        if lost_time < worthwhile_gain.max(Duration::from_nanos(1)) && size == 0 {
            return false;
        }
        let Ok(history) = RunHistory::read(inner, cache, &cache_record.content) else { return false };
        if lost_time >= worthwhile_gain
            && estimated_gain(inner, &history.failed) >= worthwhile_gain.max(Duration::from_nanos(1))
        {
            return true;
        }
        let native = (0..inner.wasm().bodies.len() as u32).filter(|defined| is_native(environment, *defined));
        let (compiled, added): (Vec<u32>, Vec<u32>) = native
            .filter(|defined| !has(&history.failed, *defined))
            .partition(|defined| has(&history.compiled, *defined));
        !added.is_empty() && inner.bytes_of(&added) >= inner.bytes_of(&compiled) / ADDED_FRACTION
    }

    /// Compiles functions for the engine's cache, so that the next start finds native code for everything that it is
    /// likely to run. These are the functions that have run in this process or in earlier ones that recorded them. If
    /// they are few, or many of them are missing, all are compiled together. This produces better code than tier-up,
    /// which compiles them one by one. Otherwise only the missing ones are compiled. The code of this process does not
    /// change.
    ///
    /// Skips functions that need more than a quarter of [`Config::compiler_memory`](crate::Config::compiler_memory),
    /// and functions whose compilation ended the process twice. Calls `done` from time to time with the number of
    /// compiled functions and of all functions to compile. `done` decides whether to continue. Finished code is kept in
    /// both cases.
    ///
    /// [`Module::update_cache`] records the functions that have run if [`Module::worth_compiling`] may return true.
    /// This method always records them.
    ///
    /// Returns whether any code was compiled. Compiles nothing if the engine has no cache, if the cache has code for
    /// everything that has run, or if another process is compiling this module. That process holds a lock on the
    /// module's file in the cache.
    ///
    /// # Errors
    /// If the engine only interprets, or if the code cannot be compiled or written.
    pub fn compile_for_next_start(&self, done: impl FnMut(u32, u32) -> ControlFlow<()>) -> Result<bool> {
        self.compile_for_later(Scope::All, done)
    }

    /// Does the same as [`Module::compile_for_next_start`] within a time budget: compiles only functions without cached code,
    /// in small pieces, and stops after the first function that ends beyond the budget. Later calls continue.
    ///
    /// # Errors
    /// As for [`Module::compile_for_next_start`].
    pub fn compile_for_next_start_within(&self, budget: Duration) -> Result<bool> {
        let start = Instant::now();
        let control = |_, _| if start.elapsed() < budget { ControlFlow::Continue(()) } else { ControlFlow::Break(()) };
        self.compile_for_later(Scope::Missing, control)
    }

    fn compile_for_later(&self, scope: Scope, done: impl FnMut(u32, u32) -> ControlFlow<()>) -> Result<bool> {
        let inner = self.inner();
        let engine = inner.engine();
        let (Some(cache), Some(cache_record)) = (&engine.config().cache, inner.cache_record.get()) else {
            return Ok(false);
        };
        if engine.config().run_mode == RunMode::Interpreter {
            return Err(Error::msg("the engine only interprets"));
        }
        update(inner)?;
        let of_module = Identity::of_module(&cache_record.content, engine.config().features);
        let Some(_lock) = cache.lock(&entry_name(&of_module, CacheEntryKind::Module)) else { return Ok(false) };
        next_start::compile(inner, cache, &cache_record.content, scope, done)
    }

    /// Compiles every function that can be compiled now. Calls `done` from time to time with the number of compiled
    /// functions and of all functions. Does nothing if the module has been compiled, or if the engine's cache had all
    /// of its code.
    ///
    /// # Errors
    /// If the engine only interprets, or if memory for the code cannot be allocated.
    pub fn compile_all(&self, mut done: impl FnMut(u32, u32)) -> Result<()> {
        let engine = self.engine();
        if engine.config().run_mode == RunMode::Interpreter {
            return Err(Error::msg("the engine only interprets"));
        }
        let inner = self.inner();
        if !inner.compiled.load(Ordering::Relaxed) {
            let environment = inner.code().environment();
            let total = environment.module.bodies.len() as u32;
            engine.tier().compile_module(environment, engine.compiler_threads(), |ready| done(ready, total))?;
            inner.compiled.store(true, Ordering::Relaxed);
            update_or_log(inner);
        }
        Ok(())
    }
}
