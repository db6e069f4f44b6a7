//! The memory layout of arguments and environment variables: an array of pointers to consecutive zero-terminated
//! strings.

use super::memory::GuestMemory;
use super::types::{Errno, Result};

pub(super) fn get(strings: &[String], memory: &mut GuestMemory<'_>, pointers: u32, buffer: u32) -> Result<()> {
    let (mut pointer, mut at) = (pointers, buffer);
    for string in strings {
        memory.write_u32(pointer, at)?;
        memory.write(at, string.as_bytes())?;
        at = advance(at, string.len())?;
        memory.write(at, &[0])?;
        at = advance(at, 1)?;
        pointer = advance(pointer, 4)?;
    }
    Ok(())
}

pub(super) fn sizes_get(strings: &[String], memory: &mut GuestMemory<'_>, count: u32, size: u32) -> Result<()> {
    memory.write_size(count, strings.len())?;
    memory.write_size(size, strings.iter().map(|string| string.len() + 1).sum())
}

fn advance(ptr: u32, len: usize) -> Result<u32> {
    let len = u32::try_from(len).map_err(|_| Errno::OVERFLOW)?;
    Ok(ptr.checked_add(len).ok_or(Errno::FAULT)?)
}
