//! Regions of memory from the system, for interpreter stacks and linear memories: zero at first, and given pages by the
//! system only as they are used.

use std::ptr::NonNull;

/// A reserved, zeroed, page-aligned region.
#[derive(Debug)]
pub(super) struct Region {
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: the region is owned memory.
unsafe impl Send for Region {}
// SAFETY: as above; `&Region` gives only its address.
unsafe impl Sync for Region {}

impl Region {
    /// Reserves `len` bytes, rounded up to pages.
    pub(super) fn new(len: usize) -> crate::Result<Region> {
        let len = len.max(1).next_multiple_of(64 << 10);
        let start = map(len).ok_or_else(|| crate::Error::msg(format!("cannot reserve {len} bytes of memory")))?;
        Ok(Region { start, len })
    }

    pub(super) fn start(&self) -> *mut u8 {
        self.start.as_ptr()
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Makes the region `len` bytes long, of which it may move; false if that cannot be had. New bytes are zero.
    pub(super) fn resize(&mut self, len: usize) -> bool {
        let len = len.max(1).next_multiple_of(64 << 10);
        if len == self.len {
            return true;
        }
        match remap(self.start, self.len, len) {
            Some(start) => {
                (self.start, self.len) = (start, len);
                true
            }
            None => false,
        }
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        unmap(self.start, self.len);
    }
}

#[cfg(unix)]
fn map(len: usize) -> Option<NonNull<u8>> {
    use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};
    #[cfg(target_os = "linux")]
    let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
    #[cfg(not(target_os = "linux"))]
    let flags = MapFlags::PRIVATE;
    // SAFETY: a new mapping overlaps nothing.
    let start = unsafe { mmap_anonymous(std::ptr::null_mut(), len, ProtFlags::READ | ProtFlags::WRITE, flags) };
    NonNull::new(start.ok()?.cast())
}

#[cfg(target_os = "linux")]
fn remap(start: NonNull<u8>, old: usize, new: usize) -> Option<NonNull<u8>> {
    use rustix::mm::{MremapFlags, mremap};
    // SAFETY: the mapping is ours; whoever holds its address reloads it.
    let start = unsafe { mremap(start.as_ptr().cast(), old, new, MremapFlags::MAYMOVE) };
    NonNull::new(start.ok()?.cast())
}

#[cfg(not(target_os = "linux"))]
fn remap(start: NonNull<u8>, old: usize, new: usize) -> Option<NonNull<u8>> {
    let to = map(new)?;
    // SAFETY: both mappings are ours and do not overlap.
    unsafe { std::ptr::copy_nonoverlapping(start.as_ptr(), to.as_ptr(), old.min(new)) };
    unmap(start, old);
    Some(to)
}

#[cfg(unix)]
fn unmap(start: NonNull<u8>, len: usize) {
    // SAFETY: the mapping is ours and not used any more.
    let _ = unsafe { rustix::mm::munmap(start.as_ptr().cast(), len) };
}

#[cfg(not(unix))]
fn layout(len: usize) -> Option<std::alloc::Layout> {
    std::alloc::Layout::from_size_align(len, 4096).ok()
}

#[cfg(not(unix))]
fn map(len: usize) -> Option<NonNull<u8>> {
    // SAFETY: the layout is not empty.
    NonNull::new(unsafe { std::alloc::alloc_zeroed(layout(len)?) })
}

#[cfg(not(unix))]
fn unmap(start: NonNull<u8>, len: usize) {
    if let Some(layout) = layout(len) {
        // SAFETY: allocated by `map` with the same layout.
        unsafe { std::alloc::dealloc(start.as_ptr(), layout) };
    }
}
