//! Memory for machine code. No page is ever writable and executable through the same mapping, and none that runs is
//! written where it runs: small pieces share chunks that are mapped twice, once to write and once to run; the code of a
//! module has a mapping of its own, which is made executable once it is written and freed with the module. Where the
//! system refuses what is mapped twice, as a filter of system calls may, small pieces have mappings of their own too.
//!
//! Bytes that ran are not written again: other processors may have fetched them, and a child that was forked off shares
//! them. So a chunk's memory is given back when all of its pieces are gone, and a chunk is small.

use std::collections::BTreeMap;
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::ptr::NonNull;

use kinglet_abi::image::CodeAlignment;
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::io::Errno;
use rustix::mm::{Advice, MapFlags, MprotectFlags, ProtFlags, madvise, mmap, mmap_anonymous, mprotect, munmap};
use rustix::process::{Pid, getpid};
use tracing::debug;

use super::coherence;
use crate::vm::address::Address;
use crate::{Error, Result};

/// The size of a chunk; the system gives it pages as they are used. Some hundred pieces fit.
const CHUNK: usize = 64 << 10;

/// Chunks of memory for small pieces of code.
#[derive(Debug, Default)]
pub(super) struct Arena {
    chunks: Vec<Chunk>,
    /// Why there are no more of those.
    refused: Option<Error>,
    /// Pieces that have a mapping of their own, by where they are.
    alone: BTreeMap<usize, Mapping>,
}

#[derive(Debug)]
struct Chunk {
    write: Mapping,
    run: Mapping,
    used: usize,
    /// How many pieces are in it.
    pieces: usize,
    /// The process that made it. After a fork the child and its parent have the same memory here, so that only one of
    /// them may add to it.
    process: Pid,
}

/// Mapped memory, unmapped when it goes.
#[derive(Debug)]
pub(in crate::vm) struct Mapping {
    start: Address<u8>,
    len: usize,
    backing: Backing,
}

/// What is mapped.
#[derive(Debug)]
enum Backing {
    Memory,
    /// A file; as long as something may be mapped of it elsewhere it is open, and from which byte on it is mapped here.
    File(Option<(File, u64)>),
}

impl Arena {
    /// Copies code to where it can run; returns its address there. What it is aligned to is at most a page.
    pub(super) fn add(&mut self, bytes: &[u8], place: CodeAlignment) -> Result<usize> {
        let ours = |chunk: &Chunk| chunk.process == getpid();
        let fits = |chunk: &Chunk| ours(chunk) && place.next_address(chunk.used) + bytes.len() <= chunk.run.len;
        if !self.chunks.last().is_some_and(fits) {
            let len = place.next_address(0) + bytes.len();
            let chunk = match &self.refused {
                None => Chunk::new(len.max(CHUNK).next_multiple_of(CHUNK)),
                Some(_) => return self.add_alone(bytes, place),
            };
            match chunk {
                Ok(chunk) => {
                    self.chunks.pop_if(|last| last.pieces == 0);
                    self.chunks.push(chunk);
                }
                Err(error) => {
                    debug!(%error, "memory for code is mapped piece by piece");
                    self.refused = Some(error);
                    return self.add_alone(bytes, place);
                }
            }
        }
        let chunk = self.chunks.last_mut().ok_or_else(|| Error::msg("no memory for code"))?;
        let at = place.next_address(chunk.used);
        // SAFETY: the chunk has room, and nothing runs or reads behind `used` yet.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), chunk.write.start.as_ptr().add(at), bytes.len()) };
        chunk.used = at + bytes.len();
        chunk.pieces += 1;
        coherence::fetch_anew(chunk.write.start() + at, chunk.run.start() + at, bytes.len());
        Ok(chunk.run.start() + at)
    }

    /// The same in a mapping of its own.
    fn add_alone(&mut self, bytes: &[u8], place: CodeAlignment) -> Result<usize> {
        let at = place.next_address(0);
        let mapping = Mapping::executable(&[vec![0; at].as_slice(), bytes].concat()).map_err(|error| {
            let refused = self.refused.as_ref().map_or_else(String::new, |error| format!(", nor {error:#}"));
            Error::msg(format!(
                "the system gives no memory for code: {error:#}{refused}; `RunMode::Interpreter` (on the \
                                command line `--run-mode interpreter`) needs none"
            ))
        })?;
        let start = mapping.start() + at;
        self.alone.insert(start, mapping);
        Ok(start)
    }

    /// Takes a piece out that nothing runs or refers to any more.
    pub(super) fn remove(&mut self, start: usize) {
        if self.alone.remove(&start).is_some() {
            return;
        }
        let has = |chunk: &Chunk| (chunk.run.start()..chunk.run.start() + chunk.run.len).contains(&start);
        let Some(at) = self.chunks.iter().position(has) else { return };
        self.chunks[at].pieces -= 1;
        // The last one may have room.
        if self.chunks[at].pieces == 0 && at + 1 < self.chunks.len() {
            self.chunks.remove(at);
        }
    }
}

impl Chunk {
    fn new(len: usize) -> Result<Chunk> {
        let refused = |error| Error::new(error).context("a file in memory (memfd_create)");
        let file = memfd_create("kinglet-code", MemfdFlags::CLOEXEC).map_err(refused)?;
        ftruncate(&file, len as u64).map_err(cannot("make a file in memory larger"))?;
        let map = |access| {
            // SAFETY: a new mapping overlaps nothing.
            let start = unsafe { mmap(std::ptr::null_mut(), len, access, MapFlags::SHARED, &file, 0) };
            Mapping::from_raw(start.map_err(cannot("map a file in memory"))?.cast(), len)
        };
        let write = map(ProtFlags::READ | ProtFlags::WRITE)?;
        let run = map(ProtFlags::READ | ProtFlags::EXEC)?;
        Ok(Chunk { write, run, used: 0, pieces: 0, process: getpid() })
    }
}

/// What the system has refused, with its reason.
fn cannot(what: &'static str) -> impl Fn(Errno) -> Error {
    move |error| Error::new(error).context(format!("cannot {what}"))
}

/// How long a file is.
fn length(file: &File) -> Result<u64> {
    let metadata =
        file.metadata().map_err(|error| Error::new(error).context("cannot find out how long the file is"))?;
    Ok(metadata.len())
}

impl Mapping {
    fn from_raw(start: *mut u8, len: usize) -> Result<Mapping> {
        let start = NonNull::new(start).ok_or_else(|| Error::msg("no memory for code"))?;
        Ok(Mapping { start: Address(start), len, backing: Backing::Memory })
    }

    /// A mapping with this code, ready to run.
    pub(super) fn executable(bytes: &[u8]) -> Result<Mapping> {
        Mapping::with(bytes, MprotectFlags::READ | MprotectFlags::EXEC)
    }

    fn with(bytes: &[u8], final_access: MprotectFlags) -> Result<Mapping> {
        let len = bytes.len().max(1);
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping overlaps nothing.
        let start = unsafe { mmap_anonymous(std::ptr::null_mut(), len, access, MapFlags::PRIVATE) };
        let start = start.map_err(cannot("map memory for code or an artifact"))?;
        let mapping = Mapping::from_raw(start.cast(), len)?;
        // SAFETY: the mapping is as long, ours alone, and nothing runs in it yet.
        unsafe {
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), mapping.start.as_ptr(), bytes.len());
            mprotect(start, len, final_access).map_err(cannot("protect memory for code or an artifact"))?;
        }
        if final_access.contains(MprotectFlags::EXEC) {
            coherence::fetch_anew(mapping.start(), mapping.start(), bytes.len());
        }
        Ok(mapping)
    }

    /// A file, to be read where it is mapped. Whoever changes the file changes what is read.
    pub(in crate::vm) fn file(file: File) -> Result<Mapping> {
        let len = length(&file)?;
        Mapping::file_part(file, 0..len)
    }

    /// A part of a file, which begins at a page.
    pub(in crate::vm) fn file_part(file: File, part: Range<u64>) -> Result<Mapping> {
        if part.is_empty() {
            return Err(Error::msg("the file is empty"));
        }
        // Beyond its end there would be memory that must not be touched.
        if part.end > length(&file)? {
            return Err(Error::msg("the file is shorter than it should be"));
        }
        let len = usize::try_from(part.end - part.start)?;
        // SAFETY: a new mapping overlaps nothing.
        let start =
            match unsafe { mmap(std::ptr::null_mut(), len, ProtFlags::READ, MapFlags::PRIVATE, &file, part.start) } {
                // Files of some file systems can only be read.
                Err(Errno::NODEV) => return Mapping::read(&file, part.start, len),
                start => start.map_err(cannot("map the file"))?,
            };
        let mut mapping = Mapping::from_raw(start.cast(), len)?;
        mapping.backing = Backing::File(Some((file, part.start)));
        Ok(mapping)
    }

    /// What is in a part of a file that cannot be mapped.
    fn read(file: &File, start: u64, len: usize) -> Result<Mapping> {
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(len)?;
        bytes.resize(len, 0);
        file.read_exact_at(&mut bytes, start).map_err(|error| Error::new(error).context("cannot read the file"))?;
        Mapping::copy(&bytes)
    }

    /// The beginning of a file, as if its code was to run.
    pub(super) fn executable_file(file: &File) -> Result<Mapping> {
        let len = rustix::param::page_size();
        // SAFETY: a new mapping overlaps nothing.
        let start =
            unsafe { mmap(std::ptr::null_mut(), len, ProtFlags::READ | ProtFlags::EXEC, MapFlags::PRIVATE, file, 0) };
        Mapping::from_raw(start.map_err(cannot("map the file"))?.cast(), len)
    }

    /// A copy of these bytes, to be read.
    pub(in crate::vm) fn copy(bytes: &[u8]) -> Result<Mapping> {
        Mapping::with(bytes, MprotectFlags::READ)
    }

    /// The file, if it is an open one, and where in it the mapping begins.
    pub(in crate::vm) fn as_file(&self) -> Option<(&File, u64)> {
        match &self.backing {
            Backing::File(open) => open.as_ref().map(|(file, start)| (file, *start)),
            Backing::Memory => None,
        }
    }

    /// Closes the file, of which nothing is going to be mapped elsewhere.
    pub(in crate::vm) fn close_file(&mut self) {
        if let Backing::File(open) = &mut self.backing {
            *open = None;
        }
    }

    /// Makes a part executable where it is, if it begins at a page.
    pub(super) fn execute(&self, part: &Range<usize>) -> Option<usize> {
        let start = self.start() + part.start;
        // SAFETY: the part is the mapping's; nothing writes to it.
        let done = unsafe { mprotect(start as *mut _, part.len(), MprotectFlags::READ | MprotectFlags::EXEC) };
        done.is_ok().then_some(start)
    }

    /// Gives back the memory of whole pages in a part that have been read, if they are a file's, which are there again when
    /// they are wanted.
    pub(in crate::vm) fn release(&self, part: Range<usize>) {
        let page = rustix::param::page_size();
        let (start, end) = (part.start.next_multiple_of(page), part.end / page * page);
        if start < end && matches!(self.backing, Backing::File(..)) {
            // SAFETY: the part is the mapping's, whose pages are the file's and unchanged.
            let _ = unsafe { madvise((self.start() + start) as *mut _, end - start, Advice::LinuxDontNeed) };
        }
    }

    /// The address of its first byte.
    pub(super) fn start(&self) -> usize {
        self.start.as_ptr() as usize
    }
}

impl AsRef<[u8]> for Mapping {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: mapped to be read, and nobody writes to it while it is: see `file`.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: ours; whoever runs code in it keeps its owner.
        let _ = unsafe { munmap(self.start.as_ptr().cast(), self.len) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Small pieces that the processor could run, if they were code.
    fn add_three(arena: &mut Arena) {
        let place = CodeAlignment { align: 64, offset: 8 };
        let pieces = [vec![1_u8; 10], vec![2; 5000], vec![3; 1]];
        let starts = pieces.each_ref().map(|piece| arena.add(piece, place).unwrap());
        for (piece, start) in pieces.iter().zip(starts) {
            assert_eq!(start % 64, 8);
            // SAFETY: the arena has just put as many bytes there, to be read too.
            assert_eq!(unsafe { std::slice::from_raw_parts(start as *const u8, piece.len()) }, piece);
        }
    }

    #[test]
    fn small_pieces_have_mappings_of_their_own_where_there_are_no_chunks() {
        let mut arena = Arena::default();
        add_three(&mut arena);
        assert_eq!((arena.chunks.len(), arena.alone.len()), (1, 0));
        let mut arena = Arena { refused: Some(Error::msg("refused")), ..Arena::default() };
        add_three(&mut arena);
        assert_eq!((arena.chunks.len(), arena.alone.len()), (0, 3));
    }

    #[test]
    fn memory_goes_with_the_last_piece_in_it() {
        let (place, piece) = (CodeAlignment { align: 64, offset: 0 }, vec![1_u8; CHUNK / 4]);
        let mut arena = Arena::default();
        let starts: Vec<_> = (0..10).map(|_| arena.add(&piece, place).unwrap()).collect();
        assert_eq!(arena.chunks.len(), 3);
        starts[..3].iter().for_each(|start| arena.remove(*start));
        assert_eq!(arena.chunks.len(), 3);
        arena.remove(starts[3]);
        assert_eq!(arena.chunks.len(), 2);
        starts[4..].iter().for_each(|start| arena.remove(*start));
        assert_eq!((arena.chunks.len(), arena.chunks[0].pieces), (1, 0), "what is left of the last one is used");
        let start = arena.add(&piece, place).unwrap();
        assert_eq!(arena.chunks.len(), 1);
        arena.remove(start);
        arena.add(&vec![1; CHUNK], place).unwrap();
        assert_eq!(arena.chunks.len(), 1, "the last one was empty, and had no room");

        let mut arena = Arena { refused: Some(Error::msg("refused")), ..Arena::default() };
        let starts = [(); 2].map(|()| arena.add(&piece, place).unwrap());
        arena.remove(starts[0]);
        assert_eq!(arena.alone.keys().collect::<Vec<_>>(), [&starts[1]]);
    }

    #[test]
    fn a_part_of_a_file_that_can_only_be_read_is_read() {
        let path = std::env::temp_dir().join(format!("kinglet-arena-{}", std::process::id()));
        std::fs::write(&path, b"0123456789").unwrap();
        let file = File::open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(Mapping::read(&file, 2, 5).unwrap().as_ref()[..5], *b"23456");
        assert!(Mapping::read(&file, 8, 5).is_err());
    }
}
