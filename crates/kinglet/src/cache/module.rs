//! Modules that are looked for in a cache before they are validated and compiled, and what is kept of them afterwards.
//!
//! Native code is kept as far as there is some at the end. What has run, but not long enough to become native, is noted:
//! [`Module::compile_for_next_start`] compiles that, with all else that has run, once nobody waits for it.

use std::collections::HashSet;
use std::fs::Metadata;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use kinglet_interp::code::Environment;
use tracing::debug;

use super::{Cache, CacheEntryKind, Content, entry_name};
use crate::artifact::{Identity, write_code, write_module};
use crate::module::{ModuleInner, compile_module, decode};
use crate::vm::{Cached, CachedCode, cached_code, load_cached};
use crate::{Engine, Error, Module, Result, RunMode};

/// Of how many bytes of native code more than before it is worth writing it again, beside an eighth of what there was.
const MORE: usize = 4 << 10;

/// Of how many bytes of functions that run interpreted it is worth having native code at the next start: less is lowered
/// and interpreted in a millisecond or two.
const WORTH: usize = 64 << 10;

/// Larger functions are not compiled for the next start: nobody would stop a compiler that takes minutes and gigabytes.
const LARGEST: usize = 1 << 20;

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
    code.environment().stats.loaded.add(1, native, start);
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
    let size = engine.tier().code_size(module.code().environment());
    let enough = state.code == 0 || size.saturating_sub(state.code) > MORE.max(state.code / 8);
    let code = size > 0 && (enough || module.compiled.load(Ordering::Relaxed));
    let ran = module.code().environment().lowered().count() > state.ran && interpreted(module, &[]) >= WORTH;
    Lack { module: !state.module, code, ran }
}

/// How many bytes of the module are functions that were interpreted, have no native code, and could be compiled; without
/// those with a bit here.
fn interpreted(module: &ModuleInner, but: &[u8]) -> usize {
    let environment = module.code().environment();
    let counts = |defined: &u32| !is_native(environment, *defined) && !has(but, *defined);
    let sizes = environment.lowered().filter(counts).map(|defined| environment.module.bodies[defined as usize].len());
    sizes.filter(|size| *size <= LARGEST).sum()
}

/// Whether a function that the module defines has native code.
fn is_native(environment: &Environment, defined: u32) -> bool {
    !environment.cells()[defined as usize].native.load(Ordering::Relaxed).is_null()
}

fn has(bits: &[u8], defined: u32) -> bool {
    bits.get(defined as usize / 8).is_some_and(|byte| byte & 1 << (defined % 8) != 0)
}

fn set(bits: &mut [u8], defined: u32) {
    bits[defined as usize / 8] |= 1 << (defined % 8);
}

/// What is noted of a module with the engine's settings: a bit for each function in either.
#[derive(Clone, PartialEq, Eq)]
struct Note {
    /// Which have run.
    ran: Vec<u8>,
    /// Which could not be compiled for the next start, or not be kept: that is not tried again.
    failed: Vec<u8>,
}

impl Note {
    fn name(module: &ModuleInner, content: &Content) -> Result<String> {
        Ok(entry_name(&module.engine().identity()?.of_code(content), CacheEntryKind::Ran))
    }

    /// What is noted; nothing if there is no note of this module.
    fn read(module: &ModuleInner, cache: &Cache, content: &Content) -> Result<Note> {
        let length = module.wasm().bodies.len().div_ceil(8);
        let noted = cache.note_of(&Note::name(module, content)?).filter(|note| note.len() == 2 * length);
        let mut ran = noted.unwrap_or_else(|| vec![0; 2 * length]);
        let failed = ran.split_off(length);
        Ok(Note { ran, failed })
    }

    fn write(&self, module: &ModuleInner, cache: &Cache, content: &Content) -> Result<()> {
        cache.keep_note(&Note::name(module, content)?, &[&self.ran[..], &self.failed].concat())
    }

    /// Notes what has run in this start too, and what has native code: it has run before.
    fn add(module: &ModuleInner, cache: &Cache, content: &Content) -> Result<Note> {
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
        environment.stats.kept.add(1, contents.len(), start);
        state.module = true;
    }
    if lack.code {
        let complete = module.compiled.load(Ordering::Relaxed);
        let code = engine.tier().code_size(environment);
        keep_code(module, cache, &kept.content, complete)?;
        *state = State { code, complete, ..*state };
    }
    if lack.ran {
        state.ran = environment.lowered().count();
        Note::add(module, cache, &kept.content)?;
    }
    if lack != Lack::default() {
        cache.make_room()?;
    }
    Ok(lack != Lack::default())
}

/// Keeps the native code that a module has now; not if another process has kept more.
fn keep_code(module: &ModuleInner, cache: &Cache, content: &Content, complete: bool) -> Result<()> {
    let engine = module.engine();
    let start = Instant::now();
    let identity = engine.identity()?.of_code(content);
    let name = entry_name(&identity, CacheEntryKind::Code);
    let image = engine.tier().collect(module.code().environment());
    if !complete && cached_code(cache, &name).is_some_and(|there| there.complete || there.bytes >= image.text.len()) {
        return Ok(());
    }
    let trampolines = engine.tier().collect_trampolines(module.code().environment(), complete)?;
    let contents = write_code(&identity, &image, &trampolines, complete)?;
    cache.store(&name, &contents)?;
    module.code().environment().stats.kept.add(1, contents.len(), start);
    Ok(())
}

impl Module {
    /// Keeps, in the cache that the engine has, what is not in it yet: that the module is valid, what its first memory
    /// begins with, and its native code, if there is a good deal more of it than in the cache. Returns whether anything
    /// was written. This is also done when all of a module has been compiled, and when a module is dropped for good.
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

    /// Whether so much of the module has run interpreted, 64 KiB of functions of which it is not known that they cannot be
    /// compiled, that the next start gains from [`Module::compile_for_next_start`]. False without a cache.
    pub fn worth_compiling(&self) -> bool {
        let inner = self.inner();
        let engine = inner.engine();
        let of_use = engine.config().run_mode == RunMode::Auto && !inner.compiled.load(Ordering::Relaxed);
        let (true, Some(cache), Some(kept)) = (of_use, &engine.config().cache, inner.kept.get()) else { return false };
        let failed = || Note::read(inner, cache, &kept.content).map_or_else(|_| Vec::new(), |note| note.failed);
        interpreted(inner, &[]) >= WORTH && interpreted(inner, &failed()) >= WORTH
    }

    /// Compiles, for the engine's cache, all functions that have run, in this start or in earlier ones that noted it there,
    /// so that the next start finds native code of everything that it is likely to run. They are compiled together, which
    /// also makes better code than what became native one by one. This start's own code stays as it is. Functions of more
    /// than 1 MiB are left out. `done` is told from time to time how many functions of how many are compiled.
    ///
    /// What has run is noted by [`Module::update_cache`] if it is so much that [`Module::worth_compiling`] may hold, and here
    /// in any case.
    ///
    /// Returns whether code was made. None is if the engine has no cache, if there is code in it of all that has run, or if
    /// somebody else is about the same: the module's file in the cache is locked meanwhile.
    ///
    /// # Errors
    /// If the engine interprets everything, or the code cannot be made or written.
    pub fn compile_for_next_start(&self, mut done: impl FnMut(u32, u32)) -> Result<bool> {
        let inner = self.inner();
        let engine = inner.engine();
        let (Some(cache), Some(kept)) = (&engine.config().cache, inner.kept.get()) else { return Ok(false) };
        if engine.config().run_mode == RunMode::Interpreter {
            return Err(Error::msg("the engine interprets everything"));
        }
        keep(inner)?;
        let of_module = Identity::of_module(&kept.content, engine.config().features);
        let Some(_locked) = cache.lock(&entry_name(&of_module, CacheEntryKind::Module)) else { return Ok(false) };
        let mut note = Note::add(inner, cache, &kept.content)?;
        let environment = inner.code().environment();
        let bodies = &environment.module.bodies;
        let wanted = |defined: &u32| {
            has(&note.ran, *defined) && !has(&note.failed, *defined) && bodies[*defined as usize].len() <= LARGEST
        };
        let functions: Vec<u32> = (0..bodies.len() as u32).filter(wanted).collect();
        let identity = engine.identity()?.of_code(&kept.content);
        let name = entry_name(&identity, CacheEntryKind::Code);
        let is_there = |there: CachedCode| there.complete || functions.iter().all(|f| there.functions.contains(f));
        if functions.is_empty() || cached_code(cache, &name).is_some_and(is_there) {
            return Ok(false);
        }
        let (all, threads) = (functions.len() as u32, engine.config().background_threads());
        let mut make = || {
            let (image, trampolines) =
                engine.tier().compile_to_keep(environment, &functions, threads, |ready| done(ready, all))?;
            let contents = write_code(&identity, &image, &trampolines, false)?;
            // It has taken a while: all of it may be there by now.
            if cached_code(cache, &name).is_none_or(|there| !there.complete) {
                cache.store(&name, &contents)?;
                cache.make_room()?;
            }
            Ok(image.functions.iter().map(|code| code.function).collect())
        };
        let made: Result<HashSet<u32>> = make();
        let is_made = |defined: &u32| made.as_ref().is_ok_and(|made| made.contains(defined));
        let failed = note.failed.clone();
        functions.iter().filter(|defined| !is_made(defined)).for_each(|defined| set(&mut note.failed, *defined));
        if note.failed != failed {
            note.write(inner, cache, &kept.content)?;
        }
        made.map(|_| true)
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
