//! Access to guest memory. Every access checks its bounds and fails with EFAULT outside them, so no guest pointer makes
//! the host panic or allocate memory. A guest without a memory has an empty one.

use super::types::{Errno, Result};
use std::io::{IoSlice, IoSliceMut};
use std::ops::Range;

/// The maximum number of buffers in one call, as on Linux.
const IOV_MAX: u32 = 1024;

/// The maximum length of a path in bytes, as on Linux.
const PATH_MAX: u32 = 4096;

/// The memory of the calling instance.
#[derive(Debug)]
pub(crate) struct GuestMemory<'a>(pub(crate) &'a mut [u8]);

/// The buffers of a scattered read or a gathered write. All are inside the memory. The common case of one buffer does not
/// allocate.
#[derive(Debug)]
pub(crate) enum Iovecs {
    One(Range<usize>),
    Many(Vec<Range<usize>>),
}

impl GuestMemory<'_> {
    pub(crate) fn bytes(&self, ptr: u32, len: u32) -> Result<&[u8]> {
        Ok(&self.0[self.range(ptr, len)?])
    }

    pub(crate) fn bytes_mut(&mut self, ptr: u32, len: u32) -> Result<&mut [u8]> {
        let range = self.range(ptr, len)?;
        Ok(&mut self.0[range])
    }

    pub(crate) fn write(&mut self, ptr: u32, bytes: &[u8]) -> Result<()> {
        let len = u32::try_from(bytes.len()).map_err(|_| Errno::OVERFLOW)?;
        self.bytes_mut(ptr, len)?.copy_from_slice(bytes);
        Ok(())
    }

    pub(crate) fn write_u32(&mut self, ptr: u32, value: u32) -> Result<()> {
        self.write(ptr, &value.to_le_bytes())
    }

    pub(crate) fn write_u64(&mut self, ptr: u32, value: u64) -> Result<()> {
        self.write(ptr, &value.to_le_bytes())
    }

    /// Writes a `size`. Fails with EOVERFLOW if it does not fit in 32 bits.
    pub(crate) fn write_size(&mut self, ptr: u32, size: usize) -> Result<()> {
        self.write_u32(ptr, u32::try_from(size).map_err(|_| Errno::OVERFLOW)?)
    }

    /// Returns a path. Fails with ENOENT if it is empty, ENAMETOOLONG if it is too long, EILSEQ if it is not UTF-8, and
    /// EINVAL if it contains a zero byte.
    pub(crate) fn path(&self, ptr: u32, len: u32) -> Result<&str> {
        let bytes = self.bytes(ptr, len)?;
        if len == 0 {
            return Err(Errno::NOENT.into());
        }
        if len > PATH_MAX {
            return Err(Errno::NAMETOOLONG.into());
        }
        let path = str::from_utf8(bytes).map_err(|_| Errno::ILSEQ)?;
        if path.contains('\0') {
            return Err(Errno::INVAL.into());
        }
        Ok(path)
    }

    /// Returns the buffers of the `count` iovecs or ciovecs at `ptr`. Fails with EINVAL if there are more than [`IOV_MAX`],
    /// or if their total length does not fit in 32 bits.
    pub(crate) fn iovecs(&self, ptr: u32, count: u32) -> Result<Iovecs> {
        if count > IOV_MAX {
            return Err(Errno::INVAL.into());
        }
        let mut total = 0u32;
        let mut parts = self.bytes(ptr, count * 8)?.chunks_exact(8).map(|iovec| {
            let word = |at: usize| u32::from_le_bytes([iovec[at], iovec[at + 1], iovec[at + 2], iovec[at + 3]]);
            total = total.checked_add(word(4)).ok_or(Errno::INVAL)?;
            self.range(word(0), word(4))
        });
        if count == 1 {
            return Ok(Iovecs::One(parts.next().unwrap_or(Ok(0..0))?));
        }
        Ok(Iovecs::Many(parts.collect::<Result<_>>()?))
    }

    /// Calls `write` with the buffers as slices of the memory.
    pub(crate) fn gather<R>(&self, iovecs: &Iovecs, write: impl FnOnce(&[IoSlice<'_>]) -> R) -> R {
        let slice = |range: &Range<usize>| IoSlice::new(&self.0[range.clone()]);
        match iovecs {
            Iovecs::One(range) => write(&[slice(range)]),
            Iovecs::Many(ranges) => write(&ranges.iter().map(slice).collect::<Vec<_>>()),
        }
    }

    /// Calls `read` with the buffers as slices of the memory. If buffers overlap, passes only those before the overlap:
    /// mutable slices must be disjoint, and a short read is permitted.
    pub(crate) fn scatter<R>(&mut self, iovecs: &Iovecs, read: impl FnOnce(&mut [IoSliceMut<'_>]) -> R) -> R {
        match iovecs {
            Iovecs::One(range) => read(&mut [IoSliceMut::new(&mut self.0[range.clone()])]),
            Iovecs::Many(ranges) => {
                let mut parts = disjoint_prefix(self.0, ranges);
                read(&mut parts)
            }
        }
    }

    fn range(&self, ptr: u32, len: u32) -> Result<Range<usize>> {
        let start = ptr as usize;
        let end = start.checked_add(len as usize).ok_or(Errno::FAULT)?;
        if end > self.0.len() {
            return Err(Errno::FAULT.into());
        }
        Ok(start..end)
    }
}

/// Returns the longest prefix of `ranges` that share no byte, as slices in their order.
fn disjoint_prefix<'a>(memory: &'a mut [u8], ranges: &[Range<usize>]) -> Vec<IoSliceMut<'a>> {
    let filled: Vec<&Range<usize>> = ranges.iter().filter(|range| !range.is_empty()).collect();
    let mut count = 0;
    let mut taken = std::collections::BTreeMap::new();
    for range in &filled {
        let before = taken.range(..range.end).next_back();
        if before.is_some_and(|(_, &end)| end > range.start) {
            break;
        }
        taken.insert(range.start, range.end);
        count += 1;
    }
    // Splits the memory in the order of addresses, then restores the guest's order.
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_key(|&index| filled[index].start);
    let mut parts: Vec<(usize, IoSliceMut<'a>)> = Vec::with_capacity(count);
    let (mut rest, mut at) = (memory, 0);
    for index in order {
        let range = filled[index];
        let (part, after) = rest[range.start - at..].split_at_mut(range.len());
        parts.push((index, IoSliceMut::new(part)));
        (rest, at) = (after, range.end);
    }
    parts.sort_by_key(|&(index, _)| index);
    parts.into_iter().map(|(_, part)| part).collect()
}

#[cfg(test)]
mod tests {
    use super::super::types::CallError;
    use super::*;

    const FAULT: CallError = CallError::Errno(Errno::FAULT);
    const INVAL: CallError = CallError::Errno(Errno::INVAL);

    fn with_iovecs(iovecs: &[(u32, u32)]) -> Vec<u8> {
        let mut memory: Vec<u8> =
            iovecs.iter().flat_map(|&(p, l)| [p.to_le_bytes(), l.to_le_bytes()]).flatten().collect();
        memory.resize(256, 0);
        memory
    }

    #[test]
    fn every_access_out_of_bounds_fails_with_efault() {
        let mut bytes = [0; 16];
        let mut memory = GuestMemory(&mut bytes);
        assert_eq!(memory.bytes(u32::MAX, u32::MAX), Err(FAULT));
        assert_eq!(memory.write_u32(13, 1), Err(FAULT));
        assert_eq!(memory.iovecs(16, 1).unwrap_err(), FAULT);
        assert_eq!(memory.path(10, 7), Err(FAULT));
        assert!(memory.bytes(16, 0).is_ok());
    }

    #[test]
    fn the_number_and_length_of_iovecs_are_limited() {
        let mut bytes = with_iovecs(&[(100, 4), (200, 4)]);
        assert_eq!(GuestMemory(&mut bytes).iovecs(0, 1025).unwrap_err(), INVAL);
        assert!(matches!(GuestMemory(&mut bytes).iovecs(0, 1), Ok(Iovecs::One(range)) if range == (100..104)));
        let mut bytes = with_iovecs(&[(0, u32::MAX)]);
        assert_eq!(GuestMemory(&mut bytes).iovecs(0, 1).unwrap_err(), FAULT);
    }

    #[test]
    fn scatter_keeps_the_order_of_the_iovecs_and_ends_at_an_overlap() {
        let mut bytes = with_iovecs(&[(200, 4), (100, 4), (150, 0), (102, 4), (50, 1)]);
        let mut memory = GuestMemory(&mut bytes);
        let iovecs = memory.iovecs(0, 5).unwrap();
        memory.scatter(&iovecs, |parts| {
            assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [4, 4]);
            parts[0].fill(1);
            parts[1].fill(2);
        });
        assert_eq!((bytes[200], bytes[100], bytes[104]), (1, 2, 0));
    }

    #[test]
    fn invalid_paths_fail() {
        let mut bytes = *b"ok\0\xff____________";
        let memory = GuestMemory(&mut bytes);
        assert_eq!(memory.path(0, 2), Ok("ok"));
        assert_eq!(memory.path(0, 0), Err(CallError::Errno(Errno::NOENT)));
        assert_eq!(memory.path(0, 3), Err(INVAL));
        assert_eq!(memory.path(2, 2), Err(CallError::Errno(Errno::ILSEQ)));
    }
}
