//! Compiling for the next start what has run, piece by piece, beside whatever else the machine does. What is finished is
//! kept as it goes; what is begun is noted first, so that nothing is tried twice (see `module`). Only one process at a time
//! does this for a module: it holds the lock of the module's file.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use kinglet_abi::CodeImage;
use kinglet_jit::Trampoline;

use super::module::{MISSING_PART, Note, PIECE, SMALL, has, set};
use super::{Cache, CacheEntryKind, Content, entry_name};
use crate::Result;
use crate::artifact::{Identity, write_code};
use crate::module::ModuleInner;
use crate::vm::{CachedCode, background_limits, cached_code};

/// How many times as long as it takes to write what is finished it takes at least until it is written again.
const SHARE_OF_WRITING: u32 = 10;

/// What is compiled for the next start of a module.
struct Work<'a> {
    module: &'a ModuleInner,
    cache: &'a Cache,
    content: &'a Content,
    identity: Identity,
    note: Note,
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
    let identity = module.engine().identity()?.of_code(content);
    let note = Note::add(module, cache, content)?;
    let there = cached_code(cache, &entry_name(&identity, CacheEntryKind::Code));
    let Some(functions) = wanted(module, &note, there) else { return Ok(false) };
    let all = functions.len() as u32;
    let written = (Instant::now(), Duration::ZERO);
    let (image, made) = (CodeImage::default(), HashSet::new());
    let mut work = Work { module, cache, content, identity, note, image, made, trampolines: Vec::new(), written };
    let stopped = AtomicBool::new(false);
    let mut before = 0;
    for piece in pieces(module, &functions) {
        work.compile(piece, &stopped, |ready| {
            if done(before + ready, all).is_break() {
                stopped.store(true, Ordering::Relaxed);
            }
        })?;
        before += piece.len() as u32;
        let is_last = before == all || stopped.load(Ordering::Relaxed);
        if is_last || work.is_time_to_write() {
            work.write()?;
        }
        if is_last {
            break;
        }
    }
    Ok(!work.made.is_empty())
}

/// What to compile, in order; none if all that has run is there.
fn wanted(module: &ModuleInner, note: &Note, there: Option<CachedCode>) -> Option<Vec<u32>> {
    if there.as_ref().is_some_and(|there| there.complete) {
        return None;
    }
    let is_there =
        |defined: u32| has(&note.made, defined) && there.as_ref().is_some_and(|it| it.functions.contains(&defined));
    let all = 0..module.wasm().bodies.len() as u32;
    let wanted: Vec<u32> = all.filter(|defined| has(&note.ran, *defined) && !has(&note.failed, *defined)).collect();
    let missing: Vec<u32> = wanted.iter().copied().filter(|defined| !is_there(*defined)).collect();
    let bytes = module.bytes_of(&wanted);
    let as_one = bytes <= SMALL || module.bytes_of(&missing) >= bytes / MISSING_PART;
    (!missing.is_empty()).then_some(if as_one { wanted } else { missing })
}

/// Functions, cut into pieces that are compiled as one.
fn pieces<'a>(module: &ModuleInner, functions: &'a [u32]) -> Vec<&'a [u32]> {
    let (mut pieces, mut rest) = (Vec::new(), functions);
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = |defined: &&u32| {
            bytes += module.bytes_of(&[**defined]);
            bytes <= PIECE
        };
        let (piece, after) = rest.split_at(rest.iter().take_while(fits).count().max(1));
        pieces.push(piece);
        rest = after;
    }
    pieces
}

impl Work<'_> {
    /// Compiles a piece, and adds it to what there is.
    fn compile(&mut self, piece: &[u32], stopped: &AtomicBool, done: impl FnMut(u32)) -> Result<()> {
        piece.iter().for_each(|defined| set(&mut self.note.failed, *defined));
        self.note.write(self.module, self.cache, self.content)?;
        let engine = self.module.engine();
        let environment = self.module.code().environment();
        let (limits, threads) = (background_limits(environment, stopped), engine.config().background_threads());
        let kept = engine.tier().compile_to_keep(environment, piece, limits, threads, done)?;
        self.made.extend(kept.image.functions.iter().map(|code| code.function));
        append(&mut self.image, &kept.image);
        let seen: HashSet<&Trampoline> = self.trampolines.iter().map(|(which, _)| which).collect();
        let new: Vec<_> = kept.trampolines.into_iter().filter(|(which, _)| !seen.contains(which)).collect();
        self.trampolines.extend(new);
        // Those have not been tried.
        kept.abandoned.iter().for_each(|defined| clear(&mut self.note.failed, *defined));
        Ok(())
    }

    fn is_time_to_write(&self) -> bool {
        let (since, took) = self.written;
        since.elapsed() >= took * SHARE_OF_WRITING
    }

    /// Keeps what there is, with what this start has of other functions.
    fn write(&mut self) -> Result<()> {
        let start = Instant::now();
        if !self.made.is_empty() {
            self.store()?;
        }
        for defined in &self.made {
            clear(&mut self.note.failed, *defined);
            set(&mut self.note.made, *defined);
        }
        self.note.write(self.module, self.cache, self.content)?;
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

/// Puts an image behind another.
fn append(image: &mut CodeImage, other: &CodeImage) {
    let at = other.place.next(image.text.len());
    // Beyond 4 GiB there is no place.
    let Ok(offset) = u32::try_from(at + other.text.len()).map(|_| at as u32) else { return };
    image.text.resize(at, 0);
    image.text.extend_from_slice(&other.text);
    image.append_tables(offset, other);
}

fn clear(bits: &mut [u8], defined: u32) {
    bits[defined as usize / 8] &= !(1 << (defined % 8));
}
