//! Regions of memory from the system, for interpreter stacks and linear memories: zero at first, and given pages by the
//! system only as they are used.

use std::ptr::NonNull;

use super::address::Address;

#[cfg(all(kinglet_heap_regions, feature = "jit"))]
compile_error!("native code needs regions of the system: kinglet_heap_regions is for builds without the feature `jit`");

/// A zeroed, page-aligned region, perhaps at the start of a larger reservation.
#[derive(Debug)]
pub(super) struct Region {
    start: Address<u8>,
    /// Bytes that can be used.
    len: usize,
    /// Bytes that are mapped.
    mapped: usize,
    /// Whether the region never moves: what is mapped behind `len` is inaccessible.
    fixed: bool,
}

impl Region {
    /// Reserves `len` bytes, rounded up to pages.
    pub(super) fn new(len: usize) -> crate::Result<Region> {
        let len = len.max(1).next_multiple_of(64 << 10);
        let start = map(len).ok_or_else(|| crate::Error::msg(format!("cannot reserve {len} bytes of memory")))?;
        Ok(Region { start: Address(start), len, mapped: len, fixed: false })
    }

    /// Reserves `bytes`, of which the first `len`, a multiple of the system's pages, can be used.
    #[cfg(all(unix, feature = "jit"))]
    pub(super) fn reserved(bytes: usize, len: usize) -> crate::Result<Region> {
        let failed = || crate::Error::msg(format!("cannot reserve {bytes} bytes of address space"));
        let start = reserve(bytes).ok_or_else(failed)?;
        let mut region = Region { start: Address(start), len: 0, mapped: bytes, fixed: true };
        if region.resize(len) { Ok(region) } else { Err(failed()) }
    }

    /// How many bytes of address space it takes.
    pub(super) fn mapped(&self) -> usize {
        self.mapped
    }

    /// Whether an address is the region's, accessible or not.
    #[cfg(feature = "jit")]
    pub(super) fn reserves(&self, address: usize) -> bool {
        address.wrapping_sub(self.start.as_ptr() as usize) < self.mapped
    }

    /// Puts a part of a file in place of the bytes from `at` on, copied as it is written to; false if the region is not
    /// one that stays where it is, or the place is none for a mapping.
    ///
    /// # Errors
    /// If the system refuses: then the bytes may be zero.
    #[cfg(all(unix, feature = "jit"))]
    pub(super) fn overlay(&mut self, at: usize, file: &std::fs::File, offset: u64, len: usize) -> crate::Result<bool> {
        use rustix::mm::{MapFlags, ProtFlags, mmap};
        let page = rustix::param::page_size();
        let aligned = at.is_multiple_of(page) && offset.is_multiple_of(page as u64) && len.is_multiple_of(page);
        if !self.fixed || !aligned || at.checked_add(len).is_none_or(|end| end > self.len) {
            return Ok(false);
        }
        let (access, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE | MapFlags::FIXED);
        // SAFETY: what is replaced lies in the region, whose bytes nobody borrows now.
        let place = unsafe { self.start.as_ptr().add(at) }.cast();
        // SAFETY: the place lies in the region, whose bytes nobody borrows now: the mapping replaces only them.
        let Err(error) = (unsafe { mmap(place, len, access, flags, file, offset) }) else { return Ok(true) };
        // What was there may be gone, and the addresses free for anyone: they are taken again, or nothing goes on.
        // SAFETY: the place lies in the region, and nothing else can have been mapped there since.
        if unsafe { rustix::mm::mmap_anonymous(place, len, access, flags) }.is_err() {
            std::process::abort();
        }
        Err(error.into())
    }

    pub(super) fn start(&self) -> *mut u8 {
        self.start.as_ptr()
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Has a part begin anew: zero, or what was put over it; false if that cannot be done.
    pub(super) fn discard(&mut self, part: std::ops::Range<usize>) -> bool {
        // SAFETY: the part lies in the region, whose bytes nobody borrows now.
        part.start <= part.end && part.end <= self.len && unsafe { discard(self.start.0.add(part.start), part.len()) }
    }

    /// Makes the region shorter, of which it may move; false if that cannot be done. What goes is zero if it comes back.
    pub(super) fn shrink(&mut self, len: usize) -> bool {
        #[cfg(all(unix, feature = "jit"))]
        if self.fixed {
            use rustix::mm::{MprotectFlags, mprotect};
            if !self.discard(len..self.len) {
                return false;
            }
            // SAFETY: inside the reservation; nobody borrows the region's bytes now.
            let done = unsafe {
                let at = self.start.as_ptr().add(len).cast();
                mprotect(at, self.len - len, MprotectFlags::empty()).is_ok()
            };
            self.len = if done { len } else { self.len };
            return done;
        }
        cfg!(target_os = "linux") && self.resize(len)
    }

    /// Makes the region `len` bytes long, of which it may move; false if that cannot be had. New bytes are zero.
    pub(super) fn resize(&mut self, len: usize) -> bool {
        #[cfg(all(unix, feature = "jit"))]
        if self.fixed {
            let done = len >= self.len && len <= self.mapped && open(self.start.0, self.len, len);
            self.len = if done { len } else { self.len };
            return done;
        }
        debug_assert!(!self.fixed, "one that stays was made longer above");
        let len = len.max(1).next_multiple_of(64 << 10);
        if len == self.len {
            return true;
        }
        match remap(self.start.0, self.len, len) {
            Some(start) => {
                (self.start, self.len, self.mapped) = (Address(start), len, len);
                true
            }
            None => false,
        }
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        unmap(self.start.0, self.mapped);
    }
}

/// Resets pages of a private mapping to zero, or to their file's bytes; false if that cannot be done.
///
/// # Safety
/// They are a mapping's of ours, and nobody has anything there.
#[cfg(all(target_os = "linux", not(kinglet_heap_regions)))]
pub(super) unsafe fn discard(start: NonNull<u8>, len: usize) -> bool {
    use rustix::mm::{Advice, madvise};
    // SAFETY: the caller promises that the pages are a mapping's of ours and that nothing in them is used.
    unsafe { madvise(start.as_ptr().cast(), len, Advice::LinuxDontNeed) }.is_ok()
}

/// Elsewhere that advice promises no zeros.
///
/// # Safety
/// None.
#[cfg(not(all(target_os = "linux", not(kinglet_heap_regions))))]
pub(super) unsafe fn discard(_: NonNull<u8>, _: usize) -> bool {
    false
}

/// Makes pages readable and writable, or inaccessible; false if the system refuses.
///
/// # Safety
/// They are a mapping's of ours, and nobody uses what is there.
#[cfg(unix)]
#[allow(dead_code, reason = "where there are no fibers nobody asks")]
pub(super) unsafe fn set_access(start: NonNull<u8>, len: usize, open: bool) -> bool {
    if cfg!(kinglet_heap_regions) {
        // The tools that this is for see accesses that are wrong.
        return true;
    }
    use rustix::mm::{MprotectFlags, mprotect};
    let flags = if open { MprotectFlags::READ | MprotectFlags::WRITE } else { MprotectFlags::empty() };
    // SAFETY: the caller promises that the pages are a mapping's of ours and that nothing in them is used.
    unsafe { mprotect(start.as_ptr().cast(), len, flags) }.is_ok()
}

/// The size of the system's pages.
pub(super) fn page_size() -> usize {
    #[cfg(unix)]
    return rustix::param::page_size();
    #[cfg(not(unix))]
    return 4096;
}

/// Address space that cannot be accessed.
#[cfg(all(unix, feature = "jit"))]
fn reserve(len: usize) -> Option<NonNull<u8>> {
    use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};
    #[cfg(target_os = "linux")]
    let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
    #[cfg(not(target_os = "linux"))]
    let flags = MapFlags::PRIVATE;
    // SAFETY: a new mapping overlaps nothing.
    let start = unsafe { mmap_anonymous(std::ptr::null_mut(), len, ProtFlags::empty(), flags) };
    NonNull::new(start.ok()?.cast())
}

/// Makes the bytes of a reservation from one offset to another accessible.
#[cfg(all(unix, feature = "jit"))]
fn open(start: NonNull<u8>, from: usize, to: usize) -> bool {
    use rustix::mm::{MprotectFlags, mprotect};
    // SAFETY: both lie in a reservation of ours, and what becomes accessible held nothing.
    from == to
        || unsafe {
            let at = start.as_ptr().add(from).cast();
            mprotect(at, to - from, MprotectFlags::READ | MprotectFlags::WRITE)
        }
        .is_ok()
}

#[cfg(all(unix, not(kinglet_heap_regions)))]
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

#[cfg(all(target_os = "linux", not(rustix_use_libc)))]
fn remap(start: NonNull<u8>, old: usize, new: usize) -> Option<NonNull<u8>> {
    use rustix::mm::{MremapFlags, mremap};
    // SAFETY: the mapping is ours; whoever holds its address reloads it.
    let start = unsafe { mremap(start.as_ptr().cast(), old, new, MremapFlags::MAYMOVE) };
    NonNull::new(start.ok()?.cast())
}

/// Sanitizers, for which rustix goes through the C library, do not see that memory moves.
#[cfg(not(all(target_os = "linux", not(rustix_use_libc))))]
fn remap(start: NonNull<u8>, old: usize, new: usize) -> Option<NonNull<u8>> {
    let to = map(new)?;
    // SAFETY: both mappings are ours and do not overlap.
    unsafe { std::ptr::copy_nonoverlapping(start.as_ptr(), to.as_ptr(), old.min(new)) };
    unmap(start, old);
    Some(to)
}

#[cfg(all(unix, not(kinglet_heap_regions)))]
fn unmap(start: NonNull<u8>, len: usize) {
    // SAFETY: the mapping is ours and not used any more.
    let _ = unsafe { rustix::mm::munmap(start.as_ptr().cast(), len) };
}

/// Without the system's mappings, and for tools that watch what the allocator gives.
#[cfg(any(not(unix), kinglet_heap_regions))]
fn layout(len: usize) -> Option<std::alloc::Layout> {
    std::alloc::Layout::from_size_align(len, 4096).ok()
}

#[cfg(any(not(unix), kinglet_heap_regions))]
fn map(len: usize) -> Option<NonNull<u8>> {
    // SAFETY: the layout is not empty.
    NonNull::new(unsafe { std::alloc::alloc_zeroed(layout(len)?) })
}

#[cfg(any(not(unix), kinglet_heap_regions))]
fn unmap(start: NonNull<u8>, len: usize) {
    if let Some(layout) = layout(len) {
        // SAFETY: allocated by `map` with the same layout.
        unsafe { std::alloc::dealloc(start.as_ptr(), layout) };
    }
}
