//! Compiling for the next start what has run, piece by piece, beside whatever else the machine does. What is finished is
//! kept as it goes; what is begun is noted first, so that nothing that ends the process is tried for ever (see `module`).
//! Only one process at a time does this for a module: it holds the lock of the module's file. So functions that are noted
//! as begun when it starts are those of a process that ended in the middle.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use kinglet_abi::CodeImage;
use kinglet_jit::Trampoline;
use rustix::io::Errno;

use super::module::{MISSING_PART, Note, PIECE, SMALL, has, set};
use super::{Cache, CacheEntryKind, Content, entry_name};
use crate::artifact::{Identity, write_code};
use crate::module::ModuleInner;
use crate::vm::{CachedCode, background_limits, cached_code};
use crate::{Error, Result};

/// How many times as long as it takes to write what is finished it takes at least until it is written again.
const SHARE_OF_WRITING: u32 = 10;

/// Into about how many pieces functions are cut that an earlier process began and did not finish: few share a piece with
/// the one that is to blame, and there are not so many pieces that cutting costs much.
const PIECES_AGAIN: usize = 64;

/// What is compiled for the next start of a module.
struct Work<'a> {
    module: &'a ModuleInner,
    cache: &'a Cache,
    content: &'a Content,
    identity: Identity,
    note: Note,
    /// The note as it is in the cache.
    noted: Note,
    /// The functions that an earlier process began and did not finish.
    again: HashSet<u32>,
    /// The functions that are noted as being tried now.
    trying: Vec<u32>,
    /// Those that were compiled since it was last written.
    pending: Vec<u32>,
    image: CodeImage,
    /// The functions it has.
    made: HashSet<u32>,
    trampolines: Vec<(Trampoline, CodeImage)>,
    /// When it was last written, and how long that took.
    written: (Instant, Duration),
}

/// [`Module::compile_for_next_start`](crate::Module), under the lock.
pub(super) fn compile(
    module: &ModuleInner,
    cache: &Cache,
    content: &Content,
    mut done: impl FnMut(u32, u32) -> ControlFlow<()>,
) -> Result<bool> {
    let identity = module.engine().identity()?.of_code(content, module.engine().settings());
    let note = Note::add(module, cache, content)?;
    let there = cached_code(cache, &entry_name(&identity, CacheEntryKind::Code));
    let Some(Wanted { functions, again }) = wanted(module, &note, there) else { return Ok(false) };
    let mut work = Work {
        module,
        cache,
        content,
        identity,
        noted: note.clone(),
        note,
        again: again.iter().copied().collect(),
        trying: Vec::new(),
        pending: Vec::new(),
        image: CodeImage::default(),
        made: HashSet::new(),
        trampolines: Vec::new(),
        written: (Instant::now(), Duration::ZERO),
    };
    let mut todo = pieces(module, &functions, PIECE);
    todo.extend(pieces(module, &again, PIECE.min(module.bytes_of(&again) / PIECES_AGAIN)));
    let compiled = work.compile_all(&todo, &mut done);
    compiled.inspect_err(|error| work.settle(error))?;
    Ok(!work.made.is_empty())
}

/// What to compile.
struct Wanted {
    /// In order.
    functions: Vec<u32>,
    /// In order, too: what an earlier process began and did not finish.
    again: Vec<u32>,
}

/// What to compile; none if all that has run is there.
fn wanted(module: &ModuleInner, note: &Note, there: Option<CachedCode>) -> Option<Wanted> {
    if there.as_ref().is_some_and(|there| there.complete) {
        return None;
    }
    let is_there =
        |defined: u32| has(&note.made, defined) && there.as_ref().is_some_and(|it| it.functions.contains(&defined));
    let all = 0..module.wasm().bodies.len() as u32;
    let of_use = all.filter(|defined| has(&note.ran, *defined) && !has(&note.failed, *defined));
    let (mut again, wanted): (Vec<u32>, Vec<u32>) = of_use.partition(|defined| has(&note.begun, *defined));
    // Cached code was compiled together with other functions, which makes better code than compiling a small piece alone.
    again.retain(|defined| !is_there(*defined));
    let missing: Vec<u32> = wanted.iter().copied().filter(|defined| !is_there(*defined)).collect();
    let bytes = module.bytes_of(&wanted);
    let as_one = bytes <= SMALL || module.bytes_of(&missing) >= bytes / MISSING_PART;
    let functions = if as_one && !missing.is_empty() { wanted } else { missing };
    (!functions.is_empty() || !again.is_empty()).then_some(Wanted { functions, again })
}

/// Functions, cut into pieces that are compiled as one, of at most so many bytes or one function.
fn pieces<'a>(module: &ModuleInner, functions: &'a [u32], most: usize) -> Vec<&'a [u32]> {
    let (mut pieces, mut rest) = (Vec::new(), functions);
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = |defined: &&u32| {
            bytes += module.bytes_of(&[**defined]);
            bytes <= most
        };
        let (piece, after) = rest.split_at(rest.iter().take_while(fits).count().max(1));
        pieces.push(piece);
        rest = after;
    }
    pieces
}

impl Work<'_> {
    /// Compiles pieces, and writes what is finished from time to time and at the end. What fails for a reason of its own
    /// does not keep the other pieces from being compiled; what the system refuses does.
    fn compile_all(&mut self, pieces: &[&[u32]], done: &mut impl FnMut(u32, u32) -> ControlFlow<()>) -> Result<()> {
        let all = pieces.iter().map(|piece| piece.len() as u32).sum();
        let stopped = AtomicBool::new(false);
        let (mut before, mut failed) = (0, None);
        for piece in pieces {
            let compiled = self.compile(piece, &stopped, |ready| {
                if done(before + ready, all).is_break() {
                    stopped.store(true, Ordering::Relaxed);
                }
            });
            failed = failed.or(fatal_if_refused(compiled)?);
            before += piece.len() as u32;
            let is_last = before == all || stopped.load(Ordering::Relaxed);
            if is_last || self.is_time_to_write() {
                failed = failed.or(fatal_if_refused(self.write())?);
            }
            if is_last {
                break;
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// Compiles a piece, and adds it to what there is.
    fn compile(&mut self, piece: &[u32], stopped: &AtomicBool, done: impl FnMut(u32)) -> Result<()> {
        self.attempt(piece.to_vec())?;
        let engine = self.module.engine();
        let environment = self.module.code().environment();
        let (limits, threads) = (background_limits(environment, stopped), engine.config().background_threads());
        let seen = self.trampolines.iter().map(|(which, _)| which.clone()).collect();
        let kept = engine.tier().compile_to_keep(environment, piece, &seen, limits, threads, done)?;
        self.unmark();
        let made: HashSet<u32> = kept.image.functions.iter().map(|code| code.function).collect();
        for defined in piece.iter().filter(|defined| !made.contains(defined) && !kept.abandoned.contains(defined)) {
            set(&mut self.note.failed, *defined);
        }
        self.pending.extend(&made);
        self.made.extend(made);
        append(&mut self.image, &kept.image);
        self.trampolines.extend(kept.trampolines);
        Ok(())
    }

    /// Notes that functions are being tried: should the process end now, it is known of which that came.
    fn attempt(&mut self, functions: Vec<u32>) -> Result<()> {
        for defined in &functions {
            let is_second = self.again.contains(defined);
            set(if is_second { &mut self.note.failed } else { &mut self.note.begun }, *defined);
        }
        self.trying = functions;
        self.put()
    }

    /// Takes back the marks of the functions that are being tried. The file keeps them until the note is next put.
    fn unmark(&mut self) {
        for defined in std::mem::take(&mut self.trying) {
            let is_second = self.again.contains(&defined);
            clear(if is_second { &mut self.note.failed } else { &mut self.note.begun }, defined);
        }
    }

    fn put(&mut self) -> Result<()> {
        if self.note != self.noted {
            self.note.write(self.module, self.cache, self.content)?;
            self.noted = self.note.clone();
        }
        Ok(())
    }

    /// After an error: what was being tried when the system refused something has not failed. A note that says otherwise
    /// and cannot be replaced is removed.
    fn settle(&mut self, error: &Error) {
        if is_refusal(error) {
            self.unmark();
        }
        if let Err(why) = self.put() {
            self.note.discard(self.module, self.cache, self.content, &why);
        }
    }

    fn is_time_to_write(&self) -> bool {
        let (since, took) = self.written;
        since.elapsed() >= took * SHARE_OF_WRITING
    }

    /// Keeps what there is, with what this start has of other functions.
    fn write(&mut self) -> Result<()> {
        let start = Instant::now();
        if !self.made.is_empty() {
            // Writing takes memory, too.
            self.attempt(self.pending.clone())?;
            self.store()?;
            self.trying.clear();
            self.pending.clear();
        }
        for defined in &self.made {
            clear(&mut self.note.begun, *defined);
            clear(&mut self.note.failed, *defined);
            set(&mut self.note.made, *defined);
        }
        self.put()?;
        self.written = (Instant::now(), start.elapsed());
        Ok(())
    }

    fn store(&self) -> Result<()> {
        let name = entry_name(&self.identity, CacheEntryKind::Code);
        let (tier, environment) = (self.module.engine().tier(), self.module.code().environment());
        let mut image = tier.collect(environment, &self.made);
        append(&mut image, &self.image);
        let mut trampolines = tier.collect_trampolines(environment, false)?;
        let seen: HashSet<Trampoline> = trampolines.iter().map(|(which, _)| which.clone()).collect();
        trampolines.extend(self.trampolines.iter().filter(|(which, _)| !seen.contains(which)).cloned());
        let contents = write_code(&self.identity, &image, &trampolines, false)?;
        // It has taken a while: all of it may be there by now.
        if cached_code(self.cache, &name).is_none_or(|there| !there.complete) {
            self.cache.store(&name, &contents)?;
            self.cache.make_room()?;
        }
        Ok(())
    }
}

/// An error that is no reason to stop, if there is one.
fn fatal_if_refused(result: Result<()>) -> Result<Option<Error>> {
    match result {
        Err(error) if is_refusal(&error) => Err(error),
        result => Ok(result.err()),
    }
}

/// Whether it is the system that refused something, as room on a disk, which it may grant another time.
fn is_refusal(error: &Error) -> bool {
    error.is::<Errno>() || error.is::<std::io::Error>()
}

/// Puts an image behind another.
fn append(image: &mut CodeImage, other: &CodeImage) {
    let at = other.alignment.next_address(image.text.len());
    // Beyond 4 GiB there is no place.
    let Ok(offset) = u32::try_from(at + other.text.len()).map(|_| at as u32) else { return };
    image.text.resize(at, 0);
    image.text.extend_from_slice(&other.text);
    image.append_tables(offset, other);
}

fn clear(bits: &mut [u8], defined: u32) {
    bits[defined as usize / 8] &= !(1 << (defined % 8));
}
