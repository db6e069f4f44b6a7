//! Memory for machine code. No mapping is ever writable and executable. Small pieces share chunks that are mapped
//! twice: writable and executable. A module's code has its own mapping, which becomes executable after it is written
//! and is freed with the module. If the system refuses double mappings, for example because of a system call filter,
//! small pieces have their own mappings too.
//!
//! Memory in which code has run is never written again, because other processors may have cached its instructions, and
//! a forked child shares it. A chunk is thus freed only after all of its pieces have been removed. For this reason,
//! chunks are small.

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

/// The size of a chunk in bytes. The system allocates its pages on first use. A chunk has space for several hundred
/// pieces.
const CHUNK: usize = 64 << 10;

/// Chunks of memory for small pieces of code.
#[derive(Debug, Default)]
pub(super) struct Arena {
    chunks: Vec<Chunk>,
    /// The error because of which chunks are no longer used.
    dual_mapping_error: Option<Error>,
    /// Pieces with their own mapping, by start address.
    dedicated: BTreeMap<usize, Mapping>,
}

#[derive(Debug)]
struct Chunk {
    write: Mapping,
    run: Mapping,
    used: usize,
    /// The number of pieces in the chunk.
    pieces: usize,
    /// The process that created the chunk. After a fork, child and parent share its memory, so only the creator may add
    /// pieces.
    process: Pid,
}

/// A mapping, removed on drop.
#[derive(Debug)]
pub(in crate::vm) struct Mapping {
    start: Address<u8>,
    len: usize,
    backing: Backing,
}

/// The source of a mapping's bytes.
#[derive(Debug)]
enum Backing {
    Memory,
    /// A file and the offset of the mapping in it. `None` after the file is closed because no other mapping of it is
    /// needed.
    File(Option<(File, u64)>),
}

impl Arena {
    /// Copies code to executable memory, and returns its address. The alignment is at most a page.
    pub(super) fn add(&mut self, bytes: &[u8], alignment: CodeAlignment) -> Result<usize> {
        let is_ours = |chunk: &Chunk| chunk.process == getpid();
        let fits = |chunk: &Chunk| is_ours(chunk) && alignment.next_address(chunk.used) + bytes.len() <= chunk.run.len;
        if !self.chunks.last().is_some_and(fits) {
            let len = alignment.next_address(0) + bytes.len();
            let chunk = match &self.dual_mapping_error {
                None => Chunk::new(len.max(CHUNK).next_multiple_of(CHUNK)),
                Some(_) => return self.add_dedicated(bytes, alignment),
            };
            match chunk {
                Ok(chunk) => {
                    self.chunks.pop_if(|last| last.pieces == 0);
                    self.chunks.push(chunk);
                }
                Err(error) => {
                    debug!(%error, "each piece of code gets its own mapping");
                    self.dual_mapping_error = Some(error);
                    return self.add_dedicated(bytes, alignment);
                }
            }
        }
        let chunk = self.chunks.last_mut().ok_or_else(|| Error::msg("cannot allocate memory for code"))?;
        let at = alignment.next_address(chunk.used);
        // SAFETY: the chunk has space, and nothing runs or reads beyond `used` yet.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), chunk.write.start.as_ptr().add(at), bytes.len()) };
        chunk.used = at + bytes.len();
        chunk.pieces += 1;
        coherence::flush_instruction_cache(chunk.write.start() + at, chunk.run.start() + at, bytes.len());
        Ok(chunk.run.start() + at)
    }

    /// Copies code to a mapping of its own.
    fn add_dedicated(&mut self, bytes: &[u8], alignment: CodeAlignment) -> Result<usize> {
        let at = alignment.next_address(0);
        let mapping = Mapping::executable(&[vec![0; at].as_slice(), bytes].concat()).map_err(|error| {
            let dual = self.dual_mapping_error.as_ref();
            let dual = dual.map_or_else(String::new, |error| format!(", and {error:#}"));
            Error::msg(format!(
                "cannot allocate memory for code: {error:#}{dual}; `RunMode::Interpreter` (on the command line \
                                `--run-mode interpreter`) needs none"
            ))
        })?;
        let start = mapping.start() + at;
        self.dedicated.insert(start, mapping);
        Ok(start)
    }

    /// Removes a piece. No thread runs or refers to it.
    pub(super) fn remove(&mut self, start: usize) {
        if self.dedicated.remove(&start).is_some() {
            return;
        }
        let has = |chunk: &Chunk| (chunk.run.start()..chunk.run.start() + chunk.run.len).contains(&start);
        let Some(at) = self.chunks.iter().position(has) else { return };
        self.chunks[at].pieces -= 1;
        // The last chunk may have space.
        if self.chunks[at].pieces == 0 && at + 1 < self.chunks.len() {
            self.chunks.remove(at);
        }
    }
}

impl Chunk {
    fn new(len: usize) -> Result<Chunk> {
        let no_file = |error| Error::new(error).context("cannot create an anonymous file (memfd_create)");
        let file = memfd_create("kinglet-code", MemfdFlags::CLOEXEC).map_err(no_file)?;
        ftruncate(&file, len as u64).map_err(refused("resize an anonymous file"))?;
        let map = |access| {
            // SAFETY: a new mapping overlaps nothing.
            let start = unsafe { mmap(std::ptr::null_mut(), len, access, MapFlags::SHARED, &file, 0) };
            Mapping::from_raw(start.map_err(refused("map an anonymous file"))?.cast(), len)
        };
        let write = map(ProtFlags::READ | ProtFlags::WRITE)?;
        let run = map(ProtFlags::READ | ProtFlags::EXEC)?;
        Ok(Chunk { write, run, used: 0, pieces: 0, process: getpid() })
    }
}

/// Returns a function that describes why the system refused an operation.
fn refused(what: &'static str) -> impl Fn(Errno) -> Error {
    move |error| Error::new(error).context(format!("cannot {what}"))
}

/// Returns the length of a file in bytes.
fn length(file: &File) -> Result<u64> {
    let metadata = file.metadata().map_err(|error| Error::new(error).context("cannot read the length of the file"))?;
    Ok(metadata.len())
}

impl Mapping {
    fn from_raw(start: *mut u8, len: usize) -> Result<Mapping> {
        let start = NonNull::new(start).ok_or_else(|| Error::msg("cannot allocate memory for code"))?;
        Ok(Mapping { start: Address(start), len, backing: Backing::Memory })
    }

    /// Creates an executable mapping of this code.
    pub(super) fn executable(bytes: &[u8]) -> Result<Mapping> {
        Mapping::with(bytes, MprotectFlags::READ | MprotectFlags::EXEC)
    }

    fn with(bytes: &[u8], final_access: MprotectFlags) -> Result<Mapping> {
        let len = bytes.len().max(1);
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping overlaps nothing.
        let start = unsafe { mmap_anonymous(std::ptr::null_mut(), len, access, MapFlags::PRIVATE) };
        let start = start.map_err(refused("map memory for code or an artifact"))?;
        let mapping = Mapping::from_raw(start.cast(), len)?;
        // SAFETY: the mapping is as long as the bytes and not shared yet, and nothing runs in it.
        unsafe {
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), mapping.start.as_ptr(), bytes.len());
            mprotect(start, len, final_access).map_err(refused("protect memory for code or an artifact"))?;
        }
        if final_access.contains(MprotectFlags::EXEC) {
            coherence::flush_instruction_cache(mapping.start(), mapping.start(), bytes.len());
        }
        Ok(mapping)
    }

    /// Maps a file for reading. Changes to the file show in the mapping.
    pub(in crate::vm) fn file(file: File) -> Result<Mapping> {
        let len = length(&file)?;
        Mapping::file_part(file, 0..len)
    }

    /// Maps a part of a file, which starts at a page.
    pub(in crate::vm) fn file_part(file: File, part: Range<u64>) -> Result<Mapping> {
        if part.is_empty() {
            return Err(Error::msg("the file is empty"));
        }
        // An access beyond the end of the file would fault.
        if part.end > length(&file)? {
            return Err(Error::msg("the file is too short"));
        }
        let len = usize::try_from(part.end - part.start)?;
        // SAFETY: a new mapping overlaps nothing.
        let start =
            match unsafe { mmap(std::ptr::null_mut(), len, ProtFlags::READ, MapFlags::PRIVATE, &file, part.start) } {
                // Some file systems do not support mappings.
                Err(Errno::NODEV) => return Mapping::read(&file, part.start, len),
                start => start.map_err(refused("map the file"))?,
            };
        let mut mapping = Mapping::from_raw(start.cast(), len)?;
        mapping.backing = Backing::File(Some((file, part.start)));
        Ok(mapping)
    }

    /// Reads a part of a file that cannot be mapped.
    fn read(file: &File, start: u64, len: usize) -> Result<Mapping> {
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(len)?;
        bytes.resize(len, 0);
        file.read_exact_at(&mut bytes, start).map_err(|error| Error::new(error).context("cannot read the file"))?;
        Mapping::copy(&bytes)
    }

    /// Maps the first page of a file as executable.
    pub(super) fn executable_file(file: &File) -> Result<Mapping> {
        let len = rustix::param::page_size();
        // SAFETY: a new mapping overlaps nothing.
        let start =
            unsafe { mmap(std::ptr::null_mut(), len, ProtFlags::READ | ProtFlags::EXEC, MapFlags::PRIVATE, file, 0) };
        Mapping::from_raw(start.map_err(refused("map the file"))?.cast(), len)
    }

    /// Creates a read-only copy of these bytes.
    pub(in crate::vm) fn copy(bytes: &[u8]) -> Result<Mapping> {
        Mapping::with(bytes, MprotectFlags::READ)
    }

    /// Returns the open file, if any, and the offset of the mapping in it.
    pub(in crate::vm) fn as_file(&self) -> Option<(&File, u64)> {
        match &self.backing {
            Backing::File(open) => open.as_ref().map(|(file, start)| (file, *start)),
            Backing::Memory => None,
        }
    }

    /// Closes the file, which must not be mapped again.
    pub(in crate::vm) fn close_file(&mut self) {
        if let Backing::File(open) = &mut self.backing {
            *open = None;
        }
    }

    /// Makes a part executable in place, if it starts at a page.
    pub(super) fn execute(&self, part: &Range<usize>) -> Option<usize> {
        let start = self.start() + part.start;
        // SAFETY: the part lies in the mapping, and nothing writes to it.
        let done = unsafe { mprotect(start as *mut _, part.len(), MprotectFlags::READ | MprotectFlags::EXEC) };
        done.is_ok().then_some(start)
    }

    /// Returns the memory of whole pages in a part of a file mapping to the system. The next access reads the pages
    /// from the file again.
    pub(in crate::vm) fn release(&self, part: Range<usize>) {
        let page = rustix::param::page_size();
        let (start, end) = (part.start.next_multiple_of(page), part.end / page * page);
        if start < end && matches!(self.backing, Backing::File(..)) {
            // SAFETY: the part lies in the mapping. Its pages are unchanged pages of the file.
            let _ = unsafe { madvise((self.start() + start) as *mut _, end - start, Advice::LinuxDontNeed) };
        }
    }

    /// Returns the address of the first byte.
    pub(super) fn start(&self) -> usize {
        self.start.as_ptr() as usize
    }
}

impl AsRef<[u8]> for Mapping {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: the mapping is readable, and it does not change while it exists: see `file`.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the mapping is owned, and code that runs in it keeps the owner alive.
        let _ = unsafe { munmap(self.start.as_ptr().cast(), self.len) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Adds small pieces of fake code.
    fn add_three(arena: &mut Arena) {
        let alignment = CodeAlignment { align: 64, offset: 8 };
        let pieces = [vec![1_u8; 10], vec![2; 5000], vec![3; 1]];
        let starts = pieces.each_ref().map(|piece| arena.add(piece, alignment).unwrap());
        for (piece, start) in pieces.iter().zip(starts) {
            assert_eq!(start % 64, 8);
            // SAFETY: the arena has just copied this many readable bytes there.
            assert_eq!(unsafe { std::slice::from_raw_parts(start as *const u8, piece.len()) }, piece);
        }
    }

    #[test]
    fn small_pieces_get_dedicated_mappings_without_chunks() {
        let mut arena = Arena::default();
        add_three(&mut arena);
        assert_eq!((arena.chunks.len(), arena.dedicated.len()), (1, 0));
        let mut arena = Arena { dual_mapping_error: Some(Error::msg("refused")), ..Arena::default() };
        add_three(&mut arena);
        assert_eq!((arena.chunks.len(), arena.dedicated.len()), (0, 3));
    }

    #[test]
    fn a_chunk_is_freed_with_its_last_piece() {
        let (alignment, piece) = (CodeAlignment { align: 64, offset: 0 }, vec![1_u8; CHUNK / 4]);
        let mut arena = Arena::default();
        let starts: Vec<_> = (0..10).map(|_| arena.add(&piece, alignment).unwrap()).collect();
        assert_eq!(arena.chunks.len(), 3);
        starts[..3].iter().for_each(|start| arena.remove(*start));
        assert_eq!(arena.chunks.len(), 3);
        arena.remove(starts[3]);
        assert_eq!(arena.chunks.len(), 2);
        starts[4..].iter().for_each(|start| arena.remove(*start));
        assert_eq!((arena.chunks.len(), arena.chunks[0].pieces), (1, 0), "the rest of the last chunk is used");
        let start = arena.add(&piece, alignment).unwrap();
        assert_eq!(arena.chunks.len(), 1);
        arena.remove(start);
        arena.add(&vec![1; CHUNK], alignment).unwrap();
        assert_eq!(arena.chunks.len(), 1, "the last chunk was empty and too small");

        let mut arena = Arena { dual_mapping_error: Some(Error::msg("refused")), ..Arena::default() };
        let starts = [(); 2].map(|()| arena.add(&piece, alignment).unwrap());
        arena.remove(starts[0]);
        assert_eq!(arena.dedicated.keys().collect::<Vec<_>>(), [&starts[1]]);
    }

    #[test]
    fn a_file_without_mmap_support_is_read() {
        let path = std::env::temp_dir().join(format!("kinglet-arena-{}", std::process::id()));
        std::fs::write(&path, b"0123456789").unwrap();
        let file = File::open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(Mapping::read(&file, 2, 5).unwrap().as_ref()[..5], *b"23456");
        assert!(Mapping::read(&file, 8, 5).is_err());
    }
}
