//! Modules that are looked for in a cache before they are validated and compiled, and what is kept of them afterwards.

use std::fs::Metadata;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use tracing::debug;

use super::{Cache, CacheEntryKind, Content, entry_name};
use crate::artifact::{Identity, write_code, write_module};
use crate::module::{ModuleInner, compile_module, decode};
use crate::vm::{Cached, cached_code_size, load_cached};
use crate::{Engine, Error, Module, Result, RunMode};

/// Of how many bytes of native code more than before it is worth writing it again, beside an eighth of what there was.
const MORE: usize = 4 << 10;

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
    keep_from_here(&module, content, State { module: true, code: native, complete }, compiled);
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
}

fn lack(module: &ModuleInner, state: State) -> Lack {
    let engine = module.engine();
    if engine.config().run_mode == RunMode::Interpreter || state.complete {
        return Lack { module: !state.module, code: false };
    }
    let size = engine.tier().code_size(module.code().environment());
    let enough = state.code == 0 || size.saturating_sub(state.code) > MORE.max(state.code / 8);
    let code = size > 0 && (enough || module.compiled.load(Ordering::Relaxed));
    Lack { module: !state.module, code }
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
    if !complete && cached_code_size(cache, &name).is_some_and(|there| there >= image.text.len()) {
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
