//! Asks Linux for the pages of a range to which this process has written (`PAGEMAP_SCAN`, since Linux 6.7). Other pages
//! need no reset.

use std::ffi::c_void;
use std::fs::File;
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::OnceLock;

use rustix::ioctl::{Ioctl, IoctlOutput, Opcode, ioctl, opcode};
use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous};

use super::address::Address;

/// The maximum number of ranges that a scan returns.
const MAX_RANGES: usize = 8;

/// The kernel's `struct page_region`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct PageRegion {
    start: u64,
    end: u64,
    categories: u64,
}

/// The kernel's `struct pm_scan_arg`.
#[repr(C)]
#[derive(Default)]
struct Scan {
    size: u64,
    flags: u64,
    start: u64,
    end: u64,
    walk_end: u64,
    vec: u64,
    vec_len: u64,
    max_pages: u64,
    category_inverted: u64,
    category_mask: u64,
    category_anyof_mask: u64,
    return_mask: u64,
}

const FILE: u64 = 1 << 2;
const PRESENT: u64 = 1 << 3;
const SWAPPED: u64 = 1 << 4;
const ZERO: u64 = 1 << 5;

// SAFETY: the opcode belongs to this request; its argument is a `Scan` that the kernel may write.
unsafe impl Ioctl for &mut Scan {
    type Output = usize;
    const IS_MUTATING: bool = true;

    fn opcode(&self) -> Opcode {
        opcode::read_write::<Scan>(b'f', 16)
    }

    fn as_ptr(&mut self) -> *mut c_void {
        std::ptr::from_mut::<Scan>(self).cast()
    }

    unsafe fn output_from_ptr(found: IoctlOutput, _: *mut c_void) -> rustix::io::Result<usize> {
        Ok(found as usize)
    }
}

/// The kernel's page map of this process.
struct Pages {
    map: File,
    /// A word that the kernel clears in a forked child, in which `map` still describes the parent.
    fork_marker: Address<u32>,
}

impl Pages {
    fn open() -> Option<Pages> {
        let map = File::open("/proc/self/pagemap").ok()?;
        let len = rustix::param::page_size();
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping overlaps nothing. It is never unmapped.
        let word = unsafe { mmap_anonymous(std::ptr::null_mut(), len, access, MapFlags::PRIVATE) }.ok()?;
        // SAFETY: the page was just mapped and is not shared yet.
        unsafe {
            madvise(word, len, Advice::LinuxWipeOnFork).ok()?;
            word.cast::<u32>().write(1);
        }
        Some(Pages { map, fork_marker: Address(NonNull::new(word.cast())?) })
    }
}

/// Returns the written ranges, in whole pages. Returns `None` if the kernel cannot list them, if there are more than
/// [`MAX_RANGES`], or if they exceed `max_bytes` bytes.
pub(super) fn written_ranges(range: Range<usize>, max_bytes: usize) -> Option<impl Iterator<Item = Range<usize>>> {
    static PAGES: OnceLock<Option<Pages>> = OnceLock::new();
    let pages = PAGES.get_or_init(Pages::open).as_ref()?;
    // SAFETY: the mapping is never removed, and only a fork changes it.
    if unsafe { pages.fork_marker.0.read_volatile() } == 0 {
        return None;
    }
    let mut regions = [PageRegion::default(); MAX_RANGES];
    let mut scan = Scan {
        size: size_of::<Scan>() as u64,
        start: range.start as u64,
        end: range.end as u64,
        vec: regions.as_mut_ptr() as u64,
        vec_len: MAX_RANGES as u64,
        max_pages: (max_bytes / rustix::param::page_size()) as u64 + 1,
        category_inverted: FILE | ZERO,
        category_mask: FILE | ZERO,
        category_anyof_mask: PRESENT | SWAPPED,
        ..Scan::default()
    };
    // SAFETY: the kernel writes to `scan` and to at most `vec_len` regions.
    let count = unsafe { ioctl(&pages.map, &mut scan) }.ok()?;
    let ranges = regions.into_iter().take(count).map(|region| region.start as usize..region.end as usize);
    let bytes: usize = ranges.clone().map(|range| range.len()).sum();
    (scan.walk_end == scan.end && bytes <= max_bytes).then_some(ranges)
}

#[cfg(all(test, not(kinglet_heap_regions)))]
mod tests {
    use super::*;
    use crate::vm::region::Region;

    #[test]
    fn written_pages_are_reported() {
        let region = Region::new(1 << 20).unwrap();
        let (start, page) = (region.start() as usize, rustix::param::page_size());
        let all = start..start + region.len();
        let Some(nothing) = written_ranges(all.clone(), 1 << 20) else { return };
        assert_eq!(nothing.count(), 0);
        // SAFETY: the address lies in the region.
        let read = unsafe { region.start().add(7 * page).read_volatile() };
        assert_eq!(read, 0);
        for at in [0, 3, 4] {
            // SAFETY: the address lies in the region.
            unsafe { region.start().add(at * page).write_volatile(1) };
        }
        let found: Vec<_> = written_ranges(all.clone(), 1 << 20).unwrap().collect();
        assert_eq!(found, [start..start + page, start + 3 * page..start + 5 * page]);
        assert!(written_ranges(all.clone(), 2 * page).is_none(), "more bytes than the limit");
        for at in (10..100).step_by(2) {
            // SAFETY: the address lies in the region.
            unsafe { region.start().add(at * page).write_volatile(1) };
        }
        assert!(written_ranges(all, 1 << 20).is_none(), "too many ranges");
    }
}
