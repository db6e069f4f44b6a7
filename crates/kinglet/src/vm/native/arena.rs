//! Memory for machine code: append-only, mapped twice, once to write and once to run, so that no page is ever both.

use std::ptr::NonNull;

use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

use crate::{Error, Result};

/// The size of a chunk; the system gives it pages as they are used.
const CHUNK: usize = 16 << 20;

/// Chunks of memory for code.
#[derive(Debug, Default)]
pub(super) struct Arena {
    chunks: Vec<Chunk>,
}

#[derive(Debug)]
struct Chunk {
    write: NonNull<u8>,
    run: NonNull<u8>,
    used: usize,
    len: usize,
}

// SAFETY: the mappings are owned.
unsafe impl Send for Chunk {}

impl Arena {
    /// Copies code to where it can run; returns its address there. `align` is a power of two of at most a page.
    pub(super) fn add(&mut self, bytes: &[u8], align: usize) -> Result<usize> {
        let fits = |chunk: &Chunk| chunk.used.next_multiple_of(align) + bytes.len() <= chunk.len;
        if !self.chunks.last().is_some_and(fits) {
            self.chunks.push(Chunk::new(bytes.len().max(CHUNK).next_multiple_of(CHUNK))?);
        }
        let chunk = self.chunks.last_mut().ok_or_else(|| Error::msg("no memory for code"))?;
        let at = chunk.used.next_multiple_of(align);
        // SAFETY: the chunk has room, and nothing runs or reads behind `used` yet.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), chunk.write.as_ptr().add(at), bytes.len()) };
        chunk.used = at + bytes.len();
        Ok(chunk.run.as_ptr() as usize + at)
    }
}

impl Chunk {
    fn new(len: usize) -> Result<Chunk> {
        let file = memfd_create("kinglet-code", MemfdFlags::CLOEXEC)?;
        ftruncate(&file, len as u64)?;
        let map = |access| {
            // SAFETY: a new mapping overlaps nothing.
            let start = unsafe { mmap(std::ptr::null_mut(), len, access, MapFlags::SHARED, &file, 0) }?;
            NonNull::new(start.cast::<u8>()).ok_or_else(|| Error::msg("no memory for code"))
        };
        let write = map(ProtFlags::READ | ProtFlags::WRITE)?;
        match map(ProtFlags::READ | ProtFlags::EXEC) {
            Ok(run) => Ok(Chunk { write, run, used: 0, len }),
            Err(error) => {
                // SAFETY: mapped just before, not used.
                let _ = unsafe { munmap(write.as_ptr().cast(), len) };
                Err(error)
            }
        }
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        for start in [self.write, self.run] {
            // SAFETY: ours; the engine goes, so no store is left to run the code.
            let _ = unsafe { munmap(start.as_ptr().cast(), self.len) };
        }
    }
}
