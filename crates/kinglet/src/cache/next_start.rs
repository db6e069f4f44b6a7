//! Compiles functions that have run for the next start of their module, piece by piece. Finished pieces are stored as
//! compilation proceeds. Functions are recorded before their compilation begins, so that a function that ends the
//! process is not compiled again and again (see `module`). Only the process that holds the lock on a module's file
//! compiles for the module. Functions that are recorded as begun when this starts thus belong to a process that ended
//! before it finished them.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use kinglet_abi::CodeImage;
use kinglet_jit::Trampoline;
use rustix::io::Errno;

use super::module::{MAX_PIECE_BYTES, MAX_TOGETHER_BYTES, MISSING_FRACTION, RunHistory, has, set};
use super::{Cache, CacheEntryKind, ContentHash, entry_name};
use crate::artifact::{Identity, write_code};
use crate::module::ModuleInner;
use crate::vm::{CachedCode, background_limits, cached_code};
use crate::{Error, Result};

/// The minimum time between two writes, as a multiple of the duration of the last write.
const WRITE_INTERVAL_FACTOR: u32 = 10;

/// Functions that an earlier process began and did not finish are split into about this many pieces. Few functions then
/// share a piece with the one that ended the process, and the overhead of small pieces stays low.
const RETRY_PIECES: usize = 64;

/// The functions that one call compiles.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// All that have run, together if that makes better code.
    All,
    /// Those without cached code, in small pieces.
    Missing,
}

/// The size of a small piece, in bytes of function bodies.
const SMALL_PIECE_BYTES: usize = 16 << 10;

/// The compilation of a module for its next start.
struct Compilation<'a> {
    module: &'a ModuleInner,
    cache: &'a Cache,
    content: &'a ContentHash,
    identity: Identity,
    history: RunHistory,
    /// The history as stored in the cache.
    stored_history: RunHistory,
    /// The functions that an earlier process began and did not finish.
    retries: HashSet<u32>,
    /// The functions that are recorded as being compiled or written now.
    in_progress: Vec<u32>,
    /// The functions that were compiled since the last write.
    unwritten: Vec<u32>,
    image: CodeImage,
    /// The functions in `image`.
    compiled: HashSet<u32>,
    trampolines: Vec<(Trampoline, CodeImage)>,
    /// The time and duration of the last write.
    last_write: (Instant, Duration),
}

/// Implements [`Module::compile_for_next_start`](crate::Module). The caller holds the lock.
pub(super) fn compile(
    module: &ModuleInner,
    cache: &Cache,
    content: &ContentHash,
    scope: Scope,
    mut done: impl FnMut(u32, u32) -> ControlFlow<()>,
) -> Result<bool> {
    let identity = module.engine().identity()?.of_code(content, module.engine().settings());
    let history = RunHistory::update(module, cache, content)?;
    let cached = cached_code(cache, &entry_name(&identity, CacheEntryKind::Code));
    let Some(Selection { functions, retries }) = select(module, &history, cached, scope) else { return Ok(false) };
    let mut work = Compilation {
        module,
        cache,
        content,
        identity,
        stored_history: history.clone(),
        history,
        retries: retries.iter().copied().collect(),
        in_progress: Vec::new(),
        unwritten: Vec::new(),
        image: CodeImage::default(),
        compiled: HashSet::new(),
        trampolines: Vec::new(),
        last_write: (Instant::now(), Duration::ZERO),
    };
    let mut todo = pieces(module, &functions, if scope == Scope::All { MAX_PIECE_BYTES } else { SMALL_PIECE_BYTES });
    todo.extend(pieces(module, &retries, MAX_PIECE_BYTES.min(module.bytes_of(&retries) / RETRY_PIECES)));
    let compiled = work.compile_all(&todo, &mut done);
    compiled.inspect_err(|error| work.recover(error))?;
    Ok(!work.compiled.is_empty())
}

/// The functions to compile.
struct Selection {
    /// In order.
    functions: Vec<u32>,
    /// Functions that an earlier process began and did not finish, in order.
    retries: Vec<u32>,
}

/// Selects the functions to compile. Returns `None` if everything that has run is compiled.
fn select(module: &ModuleInner, history: &RunHistory, cached: Option<CachedCode>, scope: Scope) -> Option<Selection> {
    if cached.as_ref().is_some_and(|cached| cached.complete) {
        return None;
    }
    let is_cached = |defined: u32| {
        has(&history.compiled, defined) && cached.as_ref().is_some_and(|cached| cached.functions.contains(&defined))
    };
    let indices = 0..module.wasm().bodies.len() as u32;
    let candidates = indices.filter(|defined| has(&history.ran, *defined) && !has(&history.failed, *defined));
    let (mut retries, others): (Vec<u32>, Vec<u32>) = candidates.partition(|defined| has(&history.begun, *defined));
    // Keep code in the cache. It was compiled together with other functions and is thus better than that of a small
    // piece.
    retries.retain(|defined| !is_cached(*defined));
    let missing: Vec<u32> = others.iter().copied().filter(|defined| !is_cached(*defined)).collect();
    let bytes = module.bytes_of(&others);
    let together = bytes <= MAX_TOGETHER_BYTES || module.bytes_of(&missing) >= bytes / MISSING_FRACTION;
    let together = scope == Scope::All && together;
    let functions = if together && !missing.is_empty() { others } else { missing };
    (!functions.is_empty() || !retries.is_empty()).then_some(Selection { functions, retries })
}

/// Splits functions into pieces of at most `limit` bytes of bodies, or of a single function.
fn pieces<'a>(module: &ModuleInner, functions: &'a [u32], limit: usize) -> Vec<&'a [u32]> {
    let (mut pieces, mut rest) = (Vec::new(), functions);
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = |defined: &&u32| {
            bytes += module.bytes_of(&[**defined]);
            bytes <= limit
        };
        let (piece, after) = rest.split_at(rest.iter().take_while(fits).count().max(1));
        pieces.push(piece);
        rest = after;
    }
    pieces
}

impl Compilation<'_> {
    /// Compiles pieces. Writes the finished code from time to time and at the end. An error in one piece does not stop
    /// the others, but an error of the system does.
    fn compile_all(&mut self, pieces: &[&[u32]], done: &mut impl FnMut(u32, u32) -> ControlFlow<()>) -> Result<()> {
        let total = pieces.iter().map(|piece| piece.len() as u32).sum();
        let stopped = AtomicBool::new(false);
        let (mut before, mut failed) = (0, None);
        for piece in pieces {
            let compiled = self.compile(piece, &stopped, |ready| {
                if done(before + ready, total).is_break() {
                    stopped.store(true, Ordering::Relaxed);
                }
            });
            failed = failed.or(fail_if_refused(compiled)?);
            before += piece.len() as u32;
            let is_last = before == total || stopped.load(Ordering::Relaxed);
            if is_last || self.is_time_to_write() {
                failed = failed.or(fail_if_refused(self.write())?);
            }
            if is_last {
                break;
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// Compiles a piece and adds its code to the image.
    fn compile(&mut self, piece: &[u32], stopped: &AtomicBool, done: impl FnMut(u32)) -> Result<()> {
        self.mark_in_progress(piece.to_vec())?;
        let engine = self.module.engine();
        let environment = self.module.code().environment();
        let (limits, threads) = (background_limits(environment, stopped), engine.config().background_threads());
        let seen = self.trampolines.iter().map(|(trampoline, _)| trampoline.clone()).collect();
        let code = engine.tier().compile_for_cache(environment, piece, &seen, limits, threads, done)?;
        self.unmark();
        let compiled: HashSet<u32> = code.image.functions.iter().map(|function| function.function).collect();
        for defined in piece.iter().filter(|defined| !compiled.contains(defined) && !code.abandoned.contains(defined)) {
            set(&mut self.history.failed, *defined);
        }
        self.unwritten.extend(&compiled);
        self.compiled.extend(compiled);
        append(&mut self.image, &code.image);
        self.trampolines.extend(code.trampolines);
        Ok(())
    }

    /// Records functions as in progress, so that the next process knows them if this one ends now.
    fn mark_in_progress(&mut self, functions: Vec<u32>) -> Result<()> {
        for defined in &functions {
            let is_second = self.retries.contains(defined);
            set(if is_second { &mut self.history.failed } else { &mut self.history.begun }, *defined);
        }
        self.in_progress = functions;
        self.store_history()
    }

    /// Clears the marks of the functions in progress. The file keeps them until the history is next written.
    fn unmark(&mut self) {
        for defined in std::mem::take(&mut self.in_progress) {
            let is_second = self.retries.contains(&defined);
            clear(if is_second { &mut self.history.failed } else { &mut self.history.begun }, defined);
        }
    }

    fn store_history(&mut self) -> Result<()> {
        if self.history != self.stored_history {
            self.history.write(self.module, self.cache, self.content)?;
            self.stored_history = self.history.clone();
        }
        Ok(())
    }

    /// Handles an error. If the system refused an operation, the functions in progress have not failed. If the stored
    /// history lists them as failed and cannot be replaced, removes it.
    fn recover(&mut self, error: &Error) {
        if is_refusal(error) {
            self.unmark();
        }
        if let Err(reason) = self.store_history() {
            self.history.discard(self.module, self.cache, self.content, &reason);
        }
    }

    fn is_time_to_write(&self) -> bool {
        let (since, took) = self.last_write;
        since.elapsed() >= took * WRITE_INTERVAL_FACTOR
    }

    /// Stores the finished code, together with the other code that this process has.
    fn write(&mut self) -> Result<()> {
        let start = Instant::now();
        if !self.compiled.is_empty() {
            // Writing needs memory too, so it may also end the process.
            self.mark_in_progress(self.unwritten.clone())?;
            self.store()?;
            self.in_progress.clear();
            self.unwritten.clear();
        }
        for defined in &self.compiled {
            clear(&mut self.history.begun, *defined);
            clear(&mut self.history.failed, *defined);
            set(&mut self.history.compiled, *defined);
        }
        self.store_history()?;
        self.last_write = (Instant::now(), start.elapsed());
        Ok(())
    }

    fn store(&self) -> Result<()> {
        let name = entry_name(&self.identity, CacheEntryKind::Code);
        let (tier, environment) = (self.module.engine().tier(), self.module.code().environment());
        let mut image = tier.collect(environment, &self.compiled);
        append(&mut image, &self.image);
        let mut trampolines = tier.collect_trampolines(environment, false)?;
        let seen: HashSet<Trampoline> = trampolines.iter().map(|(trampoline, _)| trampoline.clone()).collect();
        trampolines.extend(self.trampolines.iter().filter(|(trampoline, _)| !seen.contains(trampoline)).cloned());
        let contents = write_code(&self.identity, &image, &trampolines, false)?;
        // Meanwhile, another process may have stored the complete code.
        if cached_code(self.cache, &name).is_none_or(|cached| !cached.complete) {
            self.cache.store(&name, &contents)?;
            self.cache.evict()?;
        }
        Ok(())
    }
}

/// Returns an error that does not stop the compilation. Fails with an error of the system.
fn fail_if_refused(result: Result<()>) -> Result<Option<Error>> {
    match result {
        Err(error) if is_refusal(&error) => Err(error),
        result => Ok(result.err()),
    }
}

/// Returns whether the system refused an operation that may succeed later, for example because the disk is full.
fn is_refusal(error: &Error) -> bool {
    error.is::<Errno>() || error.is::<std::io::Error>()
}

/// Appends an image to another.
fn append(image: &mut CodeImage, other: &CodeImage) {
    let at = other.alignment.next_address(image.text.len());
    // An image is limited to 4 GiB.
    let Ok(offset) = u32::try_from(at + other.text.len()).map(|_| at as u32) else { return };
    image.text.resize(at, 0);
    image.text.extend_from_slice(&other.text);
    image.append_tables(offset, other);
}

fn clear(bits: &mut [u8], defined: u32) {
    bits[defined as usize / 8] &= !(1 << (defined % 8));
}
