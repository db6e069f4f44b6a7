//! Regions of anonymous memory for interpreter stacks and linear memories. A region starts zeroed, and the system
//! allocates its pages when they are first used.

use std::ptr::NonNull;

use super::address::Address;

#[cfg(all(kinglet_heap_regions, feature = "jit"))]
compile_error!("native code needs the system's mappings: build kinglet_heap_regions without the feature `jit`");

/// A zeroed, page-aligned region. It may be the start of a larger reservation.
#[derive(Debug)]
pub(super) struct Region {
    start: Address<u8>,
    /// Usable bytes.
    len: usize,
    /// Mapped bytes.
    mapped: usize,
    /// Whether the region never moves. The mapped bytes beyond `len` are then inaccessible.
    fixed: bool,
}

impl Region {
    /// Reserves `len` bytes, rounded up to a multiple of 64 KiB.
    pub(super) fn new(len: usize) -> crate::Result<Region> {
        let len = len.max(1).next_multiple_of(64 << 10);
        let start = map(len).ok_or_else(|| crate::Error::msg(format!("cannot reserve {len} bytes of memory")))?;
        Ok(Region { start: Address(start), len, mapped: len, fixed: false })
    }

    /// Reserves `bytes` bytes of address space and makes the first `len` usable. `len` is a multiple of the page size.
    #[cfg(all(unix, feature = "jit"))]
    pub(super) fn reserved(bytes: usize, len: usize) -> crate::Result<Region> {
        let failed = || crate::Error::msg(format!("cannot reserve {bytes} bytes of address space"));
        let start = reserve(bytes).ok_or_else(failed)?;
        let mut region = Region { start: Address(start), len: 0, mapped: bytes, fixed: true };
        if region.resize(len) { Ok(region) } else { Err(failed()) }
    }

    /// Returns the size of the mapping in bytes.
    pub(super) fn mapped(&self) -> usize {
        self.mapped
    }

    /// Returns whether an address lies in the mapping, accessible or not.
    #[cfg(feature = "jit")]
    pub(super) fn contains(&self, address: usize) -> bool {
        address.wrapping_sub(self.start.as_ptr() as usize) < self.mapped
    }

    /// Maps a part of a file over the bytes from `at` on, copy-on-write. Returns false if the region can move or the
    /// arguments are not page-aligned.
    ///
    /// # Errors
    /// If the system refuses the mapping. The bytes may then be zero.
    #[cfg(all(unix, feature = "jit"))]
    pub(super) fn map_file(&mut self, at: usize, file: &std::fs::File, offset: u64, len: usize) -> crate::Result<bool> {
        use rustix::mm::{MapFlags, ProtFlags, mmap};
        let page = rustix::param::page_size();
        let aligned = at.is_multiple_of(page) && offset.is_multiple_of(page as u64) && len.is_multiple_of(page);
        if !self.fixed || !aligned || at.checked_add(len).is_none_or(|end| end > self.len) {
            return Ok(false);
        }
        let (access, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE | MapFlags::FIXED);
        // SAFETY: `at` lies in the region.
        let address = unsafe { self.start.as_ptr().add(at) }.cast();
        // SAFETY: the range lies in the region, and its bytes are not borrowed, so the mapping replaces only them.
        let Err(error) = (unsafe { mmap(address, len, access, flags, file, offset) }) else { return Ok(true) };
        // The old mapping may no longer exist, and another thread could map these addresses. Map them again, or abort.
        // SAFETY: the range lies in the region, and nothing else can have been mapped there since.
        if unsafe { rustix::mm::mmap_anonymous(address, len, access, flags) }.is_err() {
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

    /// Resets a part of the region to zeros, or to the bytes of the mapped file. Returns false if the system refuses.
    pub(super) fn discard(&mut self, part: std::ops::Range<usize>) -> bool {
        // SAFETY: the part lies in the region, whose bytes are not borrowed.
        part.start <= part.end && part.end <= self.len && unsafe { discard(self.start.0.add(part.start), part.len()) }
    }

    /// Shrinks the region, which may move it. Returns false on failure. The removed bytes are zero if the region grows
    /// again.
    pub(super) fn shrink(&mut self, len: usize) -> bool {
        #[cfg(all(unix, feature = "jit"))]
        if self.fixed {
            use rustix::mm::{MprotectFlags, mprotect};
            if !self.discard(len..self.len) {
                return false;
            }
            // SAFETY: the range lies in the reservation, and the region's bytes are not borrowed.
            let protected = unsafe {
                let at = self.start.as_ptr().add(len).cast();
                mprotect(at, self.len - len, MprotectFlags::empty()).is_ok()
            };
            self.len = if protected { len } else { self.len };
            return protected;
        }
        cfg!(target_os = "linux") && self.resize(len)
    }

    /// Resizes the region to `len` bytes, which may move it. Returns false on failure. New bytes are zero.
    pub(super) fn resize(&mut self, len: usize) -> bool {
        #[cfg(all(unix, feature = "jit"))]
        if self.fixed {
            let resized = len >= self.len && len <= self.mapped && make_accessible(self.start.0, self.len, len);
            self.len = if resized { len } else { self.len };
            return resized;
        }
        debug_assert!(!self.fixed, "a fixed region was resized above");
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

/// Resets pages of a private mapping to zeros, or to the bytes of their file. Returns false if the system refuses.
///
/// # Safety
/// The pages belong to a mapping of the caller, and their contents are not in use.
#[cfg(all(target_os = "linux", not(kinglet_heap_regions)))]
pub(super) unsafe fn discard(start: NonNull<u8>, len: usize) -> bool {
    use rustix::mm::{Advice, madvise};
    // SAFETY: the caller promises that it owns the pages and that their contents are not in use.
    unsafe { madvise(start.as_ptr().cast(), len, Advice::LinuxDontNeed) }.is_ok()
}

/// Does nothing, because only Linux guarantees zeros after this advice.
///
/// # Safety
/// None.
#[cfg(not(all(target_os = "linux", not(kinglet_heap_regions))))]
pub(super) unsafe fn discard(_: NonNull<u8>, _: usize) -> bool {
    false
}

/// Makes pages readable and writable, or inaccessible. Returns false if the system refuses.
///
/// # Safety
/// The pages belong to a mapping of the caller, and their contents are not in use.
#[cfg(unix)]
#[allow(dead_code, reason = "only fibers use it")]
pub(super) unsafe fn set_access(start: NonNull<u8>, len: usize, accessible: bool) -> bool {
    if cfg!(kinglet_heap_regions) {
        // This configuration is for tools that detect invalid accesses themselves.
        return true;
    }
    use rustix::mm::{MprotectFlags, mprotect};
    let flags = if accessible { MprotectFlags::READ | MprotectFlags::WRITE } else { MprotectFlags::empty() };
    // SAFETY: the caller promises that it owns the pages and that their contents are not in use.
    unsafe { mprotect(start.as_ptr().cast(), len, flags) }.is_ok()
}

/// Returns the system's page size in bytes.
pub(super) fn page_size() -> usize {
    #[cfg(unix)]
    return rustix::param::page_size();
    #[cfg(not(unix))]
    return 4096;
}

/// Reserves inaccessible address space.
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
fn make_accessible(start: NonNull<u8>, from: usize, to: usize) -> bool {
    use rustix::mm::{MprotectFlags, mprotect};
    // SAFETY: both offsets lie in a reservation of the caller, and the new bytes contained no data.
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
    // SAFETY: the caller owns the mapping and publishes its new address.
    let start = unsafe { mremap(start.as_ptr().cast(), old, new, MremapFlags::MAYMOVE) };
    NonNull::new(start.ok()?.cast())
}

/// Copies the contents instead. With a sanitizer, rustix calls the C library, and the sanitizer does not track memory
/// that `mremap` moves.
#[cfg(not(all(target_os = "linux", not(rustix_use_libc))))]
fn remap(start: NonNull<u8>, old: usize, new: usize) -> Option<NonNull<u8>> {
    let to = map(new)?;
    // SAFETY: the caller owns both mappings, which do not overlap.
    unsafe { std::ptr::copy_nonoverlapping(start.as_ptr(), to.as_ptr(), old.min(new)) };
    unmap(start, old);
    Some(to)
}

#[cfg(all(unix, not(kinglet_heap_regions)))]
fn unmap(start: NonNull<u8>, len: usize) {
    // SAFETY: the caller owns the mapping and no longer uses it.
    let _ = unsafe { rustix::mm::munmap(start.as_ptr().cast(), len) };
}

/// The layout of a region on systems without `mmap`, and for tools that track the allocator.
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
        // SAFETY: `map` allocated the region with this layout.
        unsafe { std::alloc::dealloc(start.as_ptr(), layout) };
    }
}
