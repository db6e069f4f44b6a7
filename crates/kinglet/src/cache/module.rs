//! Modules that are looked for in a cache before they are validated and compiled, and what is kept of them afterwards.
//!
//! Native code is kept as far as there is some at the end. What has run is noted: [`Module::compile_for_next_start`]
//! compiles that once nobody waits for it, if the next start gains from it ([`Module::worth_compiling`]). Each function is
//! noted as begun before the compiler begins with it, and the note is changed when its code is kept or cannot be made. A
//! process that does not live to see the end was ended by the functions it was at, for want of memory or because of a
//! mistake of the compiler's; or by somebody who knew nothing of them. So another process tries those once more, in small
//! pieces, and notes them as failed meanwhile: if that process ends too, it is the last that tries them.

use std::collections::HashSet;
use std::fs::Metadata;
use std::ops::ControlFlow;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use kinglet_interp::code::ModuleEnvironment;
use tracing::debug;

use super::{Cache, CacheEntryKind, Content, entry_name, next_start};
use crate::artifact::{Identity, write_code, write_module};
use crate::module::{ModuleInner, compile_module, decode};
use crate::vm::{Cached, CachedCode, cached_code, load_cached};
use crate::{Engine, Error, Module, Result, RunMode};

/// About how long it takes to lower a byte of a function that runs interpreted, and to interpret it once or twice.
const A_BYTE: Duration = Duration::from_nanos(25);

/// About how long it takes to begin interpreting: a stack, and threads that find out what is hot.
const INTERPRETER: Duration = Duration::from_micros(200);

/// What is always worth being compiled for the next start: if that takes so much longer otherwise.
const WORTH: Duration = Duration::from_micros(1500);

/// What part of the processor time that a process has taken is worth being saved at the next start, if it is less.
const WORTH_PART: u32 = 32;

/// What part of the code that was compiled for a start the functions have to be that became native one by one since, to be
/// compiled with all others once more.
const ADDED_PART: usize = 8;

/// Up to how many bytes of bodies all functions that have run are compiled as one, rather than only those that were not.
pub(super) const SMALL: usize = 512 << 10;

/// What part of all that has run the functions have to be that were not compiled, for all to be compiled as one.
pub(super) const MISSING_PART: usize = 4;

/// How many bytes of bodies are compiled as one at most: what is finished is kept.
pub(super) const PIECE: usize = 4 << 20;

/// What a cache has of a module.
#[derive(Debug)]
pub(crate) struct Kept {
    content: Content,
    state: Mutex<State>,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    module: bool,
    /// How many bytes of native code.
    code: usize,
    /// Whether that is all there can be.
    complete: bool,
    /// How many functions of this start are noted as having run.
    ran: usize,
}

/// Makes a module of a binary: from the cache, or else as without one.
pub(crate) fn from_binary(engine: &Engine, cache: &Cache, bytes: Vec<u8>) -> Result<Module> {
    let content = Content::of(&bytes);
    if let Some(module) = load(engine, cache, content) {
        return Ok(module);
    }
    let code = decode(engine, bytes.into())?;
    let compiled = compile_module(engine, &code, false);
    let module = Module::from_code(engine, code);
    keep_from_here(&module, content, State::default(), compiled);
    Ok(module)
}

/// The module of a file that the cache knows, which then need not be read.
pub(crate) fn from_known_file(engine: &Engine, file: &Metadata) -> Option<Module> {
    let cache = engine.config().cache.as_ref()?;
    load(engine, cache, cache.noted(file)?)
}

/// Notes which file a module was read from; `file` is from before that.
pub(crate) fn note_file(module: &Module, file: &Metadata) {
    if let (Some(cache), Some(kept)) = (&module.engine().config().cache, module.inner().kept.get()) {
        cache.note(file, kept.content);
    }
}

/// Makes a module of what is kept of it.
fn load(engine: &Engine, cache: &Cache, content: Content) -> Option<Module> {
    let start = Instant::now();
    let cached = load_cached(engine, cache, &content).unwrap_or_else(|error| {
        debug!(%error, "a module of the cache is not used");
        None
    });
    cache.count(cached.is_some());
    let Cached { code, memory_image, native, complete } = cached?;
    debug!(module = %content, native, complete, "module found in the cache: it is not validated");
    code.environment().stats.cache_loads.add(1, native, start);
    let compiled = !complete && compile_module(engine, &code, false);
    let module = Module::from_code(engine, code);
    if let Some(image) = memory_image {
        let _ = module.inner().blueprint.memory.set(Some(image));
    }
    module.inner().compiled.store(complete, Ordering::Relaxed);
    keep_from_here(&module, content, State { module: true, code: native, complete, ran: 0 }, compiled);
    Some(module)
}

/// Has a module know what is kept of it; what was just compiled took longer than it takes to be kept.
fn keep_from_here(module: &Module, content: Content, state: State, compiled: bool) {
    let _ = module.inner().kept.set(Kept { content, state: Mutex::new(state) });
    if compiled {
        module.inner().compiled.store(true, Ordering::Relaxed);
        keep_quietly(module.inner());
    }
}

/// Keeps what there is to keep; that it cannot be is no failure of the module.
pub(crate) fn keep_quietly(module: &ModuleInner) {
    if let Err(error) = keep(module) {
        debug!(%error, "the module is not kept in the cache");
    }
}

/// What of a module is not kept yet, and worth it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Lack {
    module: bool,
    code: bool,
    ran: bool,
}

fn lack(module: &ModuleInner, state: State) -> Lack {
    let engine = module.engine();
    if engine.config().run_mode == RunMode::Interpreter || state.complete {
        return Lack { module: !state.module, ..Lack::default() };
    }
    let environment = module.code().environment();
    let size = engine.tier().code_size(environment);
    // What became native was worth it, however little it is.
    let code = size > state.code || (size > 0 && module.compiled.load(Ordering::Relaxed));
    let ran = environment.lowered().count() > state.ran && (code || gain(module, &[]) >= enough());
    Lack { module: !state.module, code, ran }
}

/// About how much longer a start takes because functions were interpreted that could be compiled; without those with a bit
/// here.
fn gain(module: &ModuleInner, but: &[u8]) -> Duration {
    let environment = module.code().environment();
    let interval = module.engine().config().tier_thresholds.sampling_interval;
    let samples = module.engine().tier().samples(environment);
    let counts = |defined: &u32| !is_native(environment, *defined) && !has(but, *defined);
    let longer = |defined: u32| {
        let bytes = u32::try_from(environment.module.bodies[defined as usize].len()).unwrap_or(u32::MAX);
        A_BYTE * bytes + interval * samples.get(&defined).copied().unwrap_or(0)
    };
    let longer = environment.lowered().filter(counts).map(longer).reduce(Duration::saturating_add);
    longer.map_or(Duration::ZERO, |longer| longer.saturating_add(INTERPRETER))
}

/// How much longer a start has to take for the difference to be worth a process that compiles.
fn enough() -> Duration {
    let taken = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let taken = Duration::try_from(taken).unwrap_or(Duration::MAX);
    WORTH.min(taken / WORTH_PART)
}

/// Whether a function that the module defines has native code.
fn is_native(environment: &ModuleEnvironment, defined: u32) -> bool {
    !environment.cells()[defined as usize].native.load(Ordering::Relaxed).is_null()
}

pub(super) fn has(bits: &[u8], defined: u32) -> bool {
    bits.get(defined as usize / 8).is_some_and(|byte| byte & 1 << (defined % 8) != 0)
}

pub(super) fn set(bits: &mut [u8], defined: u32) {
    bits[defined as usize / 8] |= 1 << (defined % 8);
}

/// What is noted of a module with the engine's settings: a bit for each function in each.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Note {
    /// Which have run.
    pub(super) ran: Vec<u8>,
    /// Which are being tried, or were when a process ended: they are tried once more.
    pub(super) begun: Vec<u8>,
    /// Which could not be compiled for the next start, or not be kept, or are being tried once more: that is not tried
    /// again.
    pub(super) failed: Vec<u8>,
    /// Which were compiled for the next start, with others, so that they call one another directly.
    pub(super) made: Vec<u8>,
}

impl Note {
    fn name(module: &ModuleInner, content: &Content) -> Result<String> {
        Ok(entry_name(&module.engine().identity()?.of_code(content, module.engine().settings()), CacheEntryKind::Ran))
    }

    /// What is noted; nothing if there is no note of this module.
    fn read(module: &ModuleInner, cache: &Cache, content: &Content) -> Result<Note> {
        let length = module.wasm().bodies.len().div_ceil(8);
        let noted = cache.note_of(&Note::name(module, content)?).filter(|note| note.len() == 4 * length);
        let mut ran = noted.unwrap_or_else(|| vec![0; 4 * length]);
        let (made, failed) = (ran.split_off(3 * length), ran.split_off(2 * length));
        let begun = ran.split_off(length);
        Ok(Note { ran, begun, failed, made })
    }

    pub(super) fn write(&self, module: &ModuleInner, cache: &Cache, content: &Content) -> Result<()> {
        cache.keep_note(&Note::name(module, content)?, &[&self.ran[..], &self.begun, &self.failed, &self.made].concat())
    }

    /// Removes the note that is there.
    pub(super) fn discard(&self, module: &ModuleInner, cache: &Cache, content: &Content, why: &Error) {
        if let Ok(name) = Note::name(module, content) {
            cache.discard(&name, why);
        }
    }

    /// Notes what has run in this start too, and what has native code: it has run before.
    pub(super) fn add(module: &ModuleInner, cache: &Cache, content: &Content) -> Result<Note> {
        let before = Note::read(module, cache, content)?;
        let mut now = before.clone();
        let environment = module.code().environment();
        let native = (0..module.wasm().bodies.len() as u32).filter(|defined| is_native(environment, *defined));
        environment.lowered().chain(native).for_each(|defined| set(&mut now.ran, defined));
        if now != before {
            now.write(module, cache, content)?;
        }
        Ok(now)
    }
}

fn keep(module: &ModuleInner) -> Result<bool> {
    let engine = module.engine();
    let (Some(cache), Some(kept)) = (&engine.config().cache, module.kept.get()) else { return Ok(false) };
    let mut state = kept.state.lock().unwrap_or_else(PoisonError::into_inner);
    let lack = lack(module, *state);
    let environment = module.code().environment();
    if lack.module {
        let identity = Identity::of_module(&kept.content, engine.config().features);
        let start = Instant::now();
        let contents = write_module(&identity, &environment.module)?;
        cache.store(&entry_name(&identity, CacheEntryKind::Module), &contents)?;
        environment.stats.cache_writes.add(1, contents.len(), start);
        state.module = true;
    }
    if lack.code {
        let complete = module.compiled.load(Ordering::Relaxed);
        let code = engine.tier().code_size(environment);
        keep_code(module, cache, &kept.content, complete)?;
        *state = State { code, complete, ..*state };
    }
    if lack.ran || (lack.code && !state.complete) {
        state.ran = environment.lowered().count();
        Note::add(module, cache, &kept.content)?;
    }
    if lack != Lack::default() {
        cache.make_room()?;
    }
    Ok(lack != Lack::default())
}

/// Keeps the native code that a module has now; not if another process has kept code of what this one has none of.
fn keep_code(module: &ModuleInner, cache: &Cache, content: &Content, complete: bool) -> Result<()> {
    let engine = module.engine();
    let start = Instant::now();
    let identity = engine.identity()?.of_code(content, engine.settings());
    let name = entry_name(&identity, CacheEntryKind::Code);
    let image = engine.tier().collect(module.code().environment(), &HashSet::new());
    let ours: HashSet<u32> = image.functions.iter().map(|code| code.function).collect();
    let is_better = |there: CachedCode| there.complete || there.functions == ours || !there.functions.is_subset(&ours);
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
    /// Keeps, in the cache that the engine has, what is not in it yet: that the module is valid, what its first memory
    /// begins with, its native code, and which functions have run. Returns whether anything was written. This is also done
    /// when all of a module has been compiled, and when a module is dropped for good.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn update_cache(&self) -> Result<bool> {
        keep(self.inner())
    }

    /// Whether [`Module::update_cache`] would find something to keep.
    pub fn cache_outdated(&self) -> bool {
        let inner = self.inner();
        let Some(kept) = inner.kept.get() else { return false };
        let state = *kept.state.lock().unwrap_or_else(PoisonError::into_inner);
        lack(inner, state) != Lack::default()
    }

    /// Whether the next start gains from [`Module::compile_for_next_start`]: functions were interpreted that have not been
    /// tried in vain, and by what samples and their size say a start without that takes 1.5 ms less, or a thirty-second of
    /// the processor time that this process has taken; or functions became native one by one that call one another faster
    /// when they are compiled together. False without a cache.
    pub fn worth_compiling(&self) -> bool {
        let inner = self.inner();
        let engine = inner.engine();
        let of_use = engine.config().run_mode == RunMode::Auto && !inner.compiled.load(Ordering::Relaxed);
        let (true, Some(cache), Some(kept)) = (of_use, &engine.config().cache, inner.kept.get()) else { return false };
        let environment = inner.code().environment();
        let enough = enough();
        let (lost, size) = (gain(inner, &[]), engine.tier().code_size(environment));
        if lost < enough.max(Duration::from_nanos(1)) && size == 0 {
            return false;
        }
        let Ok(note) = Note::read(inner, cache, &kept.content) else { return false };
        if lost >= enough && gain(inner, &note.failed) >= enough.max(Duration::from_nanos(1)) {
            return true;
        }
        let native = (0..inner.wasm().bodies.len() as u32).filter(|defined| is_native(environment, *defined));
        let (made, added): (Vec<u32>, Vec<u32>) =
            native.filter(|defined| !has(&note.failed, *defined)).partition(|defined| has(&note.made, *defined));
        !added.is_empty() && inner.bytes_of(&added) >= inner.bytes_of(&made) / ADDED_PART
    }

    /// Compiles, for the engine's cache, functions that have run, in this start or in earlier ones that noted it there, so
    /// that the next start finds native code of everything that it is likely to run. If they are few, or many of them were
    /// not compiled for a start before, all are compiled together, which also makes better code than what became native
    /// one by one; else only those are. This start's own code stays as it is. Functions that take more than a quarter of
    /// [`Config::compiler_memory`](crate::Config::compiler_memory) are left out, and those of which two earlier
    /// attempts did not come to an end, the second in a small piece. `done` is told from time to time how many functions of how many are compiled, and says whether to
    /// go on; what is compiled by then is kept.
    ///
    /// What has run is noted by [`Module::update_cache`] if [`Module::worth_compiling`] may hold, and here in any case.
    ///
    /// Returns whether code was made. None is if the engine has no cache, if there is code in it of all that has run, or if
    /// another process is about the same: the module's file in the cache is locked meanwhile.
    ///
    /// # Errors
    /// If the engine interprets everything, or the code cannot be made or written.
    pub fn compile_for_next_start(&self, done: impl FnMut(u32, u32) -> ControlFlow<()>) -> Result<bool> {
        let inner = self.inner();
        let engine = inner.engine();
        let (Some(cache), Some(kept)) = (&engine.config().cache, inner.kept.get()) else { return Ok(false) };
        if engine.config().run_mode == RunMode::Interpreter {
            return Err(Error::msg("the engine interprets everything"));
        }
        keep(inner)?;
        let of_module = Identity::of_module(&kept.content, engine.config().features);
        let Some(_locked) = cache.lock(&entry_name(&of_module, CacheEntryKind::Module)) else { return Ok(false) };
        next_start::compile(inner, cache, &kept.content, done)
    }

    /// Gives every function native code now, as far as there can be; `done` is told from time to time how many functions
    /// of how many have it. Does nothing if that has happened already, or it was all in the engine's cache.
    ///
    /// # Errors
    /// If the engine interprets everything, or memory for the code cannot be had.
    pub fn compile_all(&self, mut done: impl FnMut(u32, u32)) -> Result<()> {
        let engine = self.engine();
        if engine.config().run_mode == RunMode::Interpreter {
            return Err(Error::msg("the engine interprets everything"));
        }
        let inner = self.inner();
        if !inner.compiled.load(Ordering::Relaxed) {
            let environment = inner.code().environment();
            let all = environment.module.bodies.len() as u32;
            engine.tier().compile_module(environment, engine.compiler_threads(), |ready| done(ready, all))?;
            inner.compiled.store(true, Ordering::Relaxed);
            keep_quietly(inner);
        }
        Ok(())
    }
}
