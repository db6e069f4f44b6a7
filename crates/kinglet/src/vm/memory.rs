//! Linear memories: the bytes, the record that guest code sees, and growth.

use std::ops::Range;
use std::ptr::NonNull;

use kinglet_abi::{MemoryPlan, VmMemory};
use kinglet_wasm::limits::MAX_MEMORY64_PAGES;
use kinglet_wasm::types::{IndexType, MemoryType};

use super::address::{Address, Owned};
use super::headroom;
use super::image::MemoryImage;
use super::region::Region;
use crate::{Error, Result};

/// A linear memory in a store.
#[derive(Debug)]
pub(crate) struct MemoryInstance {
    ty: MemoryType,
    region: Region,
    /// Whether native code may access the memory without bounds checks, because its reservation covers every address.
    unchecked: bool,
    len: usize,
    /// Whether the host may have written to the memory.
    touched: bool,
    /// Its initial contents.
    contents: InitialContents,
    record: Address<VmMemory>,
    /// Owns the record of a host memory. The records of other memories belong to instances.
    _own: Option<Owned<VmMemory>>,
}

/// The origin of a memory's initial contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum InitialContents {
    Zero,
    Copied,
    Mapped,
}

/// The sizes in a request to create or grow a memory, for a limiter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MemoryRequest {
    pub(crate) current: usize,
    pub(crate) desired: usize,
    pub(crate) maximum: Option<usize>,
}

impl MemoryInstance {
    /// Creates a memory of its minimum size. Its record is at `record`, or else in a new allocation.
    ///
    /// # Safety
    /// `record` is valid for as long as the memory.
    pub(super) unsafe fn new(
        ty: MemoryType,
        plan: MemoryPlan,
        record: Option<NonNull<VmMemory>>,
    ) -> Result<MemoryInstance> {
        let len = bytes(&ty, ty.min).ok_or_else(|| too_large(&ty))?;
        let (region, unchecked) = match plan {
            #[cfg(all(unix, feature = "jit"))]
            MemoryPlan::Reserved(reservation) => {
                (Region::reserved((reservation.bytes + reservation.guard) as usize, len)?, true)
            }
            _ => (Region::new(len).map_err(|_| too_large(&ty))?, false),
        };
        if !headroom::can_start(len) {
            return Err(too_large(&ty));
        }
        let mut own = None;
        let record = record.map_or_else(
            || own.insert(Owned::new(Box::new(VmMemory { base: std::ptr::null_mut(), len: 0 }))).address(),
            Address,
        );
        let mut memory = MemoryInstance {
            ty,
            region,
            unchecked,
            len,
            touched: false,
            contents: InitialContents::Zero,
            record,
            _own: own,
        };
        memory.publish();
        Ok(memory)
    }

    fn publish(&mut self) {
        // SAFETY: the record lives as long as the memory, and no guest code runs during this write.
        unsafe { self.record.0.write(VmMemory { base: self.region.start(), len: self.len }) };
    }

    /// Returns the size of the mapping in bytes.
    pub(super) fn mapped(&self) -> usize {
        self.region.mapped()
    }

    pub(crate) fn record(&self) -> NonNull<VmMemory> {
        self.record.0
    }

    /// Returns whether code that was compiled for `plan` can use this memory.
    pub(super) fn supports(&self, plan: MemoryPlan) -> bool {
        self.unchecked || plan == MemoryPlan::Checked
    }

    /// Returns the declared type.
    pub(crate) fn ty(&self) -> MemoryType {
        self.ty
    }

    /// Returns the size in pages.
    pub(crate) fn size(&self) -> u64 {
        self.len as u64 >> self.ty.page_size_log2
    }

    /// Returns whether an address lies in the memory or its guard region.
    #[cfg(feature = "jit")]
    pub(super) fn contains(&self, address: usize) -> bool {
        self.region.contains(address)
    }

    /// Writes the initial contents of the module's memory, unless they are there already.
    ///
    /// # Errors
    /// If the system refuses to map them.
    pub(super) fn initialize(&mut self, image: &MemoryImage) -> Result<()> {
        if self.contents == InitialContents::Zero {
            self.contents =
                if image.map_into(&mut self.region)? { InitialContents::Mapped } else { InitialContents::Copied };
            if self.contents == InitialContents::Copied {
                self.copy_range(image, 0..self.len);
            }
        }
        Ok(())
    }

    /// Copies the image's part of a range, and clears the rest of the range.
    fn reset_range(&mut self, range: Range<usize>, image: Option<&MemoryImage>) {
        let (address, len) = image.map_or((0, 0), |image| (image.bytes().0, image.bytes().1.len()));
        // SAFETY: the slice consists of the region's pages, which are not borrowed.
        let bytes = unsafe { std::slice::from_raw_parts_mut(self.region.start(), self.region.len()) };
        bytes[range.start..address.clamp(range.start, range.end)].fill(0);
        bytes[(address + len).clamp(range.start, range.end)..range.end].fill(0);
        if let Some(image) = image {
            self.copy_range(image, range);
        }
    }

    /// Copies the image's part of a range.
    fn copy_range(&mut self, image: &MemoryImage, range: Range<usize>) {
        let (address, bytes) = image.bytes();
        let (start, end) = (address.max(range.start), (address + bytes.len()).min(range.end));
        if start < end {
            // SAFETY: the slice consists of the region's pages, which are not borrowed.
            let to = unsafe { std::slice::from_raw_parts_mut(self.region.start(), self.region.len()) };
            to[start..end].copy_from_slice(&bytes[start - address..end - address]);
        }
    }

    /// Resets the memory for the next instance of its module: to zeros, or to the contents that [`Self::initialize`]
    /// wrote. The record stays. If `ran`, guests may have written to the memory. Up to `resident` bytes are overwritten
    /// in place. If there are more, they are returned to the system. Returns false if the system refuses.
    pub(super) fn recycle(&mut self, image: Option<&MemoryImage>, ran: bool, resident: usize) -> bool {
        let Some(len) = bytes(&self.ty, self.ty.min) else { return false };
        if self.len > len {
            if !self.region.shrink(len) {
                return false;
            }
            self.len = len;
        }
        if ran || self.touched {
            let image = image.filter(|_| self.contents != InitialContents::Zero);
            let start = self.region.start() as usize;
            match super::pagemap::written_ranges(start..start + self.region.len(), resident) {
                Some(ranges) => {
                    ranges.for_each(|range| self.reset_range(range.start - start..range.end - start, image));
                }
                None => {
                    if !self.region.discard(0..self.region.len()) {
                        return false;
                    }
                    // The system restores mapped contents.
                    if self.contents == InitialContents::Copied {
                        self.contents = InitialContents::Zero;
                    }
                }
            }
            self.touched = false;
        }
        self.publish();
        true
    }

    pub(crate) fn data(&self) -> &[u8] {
        // SAFETY: the region is at least as long, and no guest code runs while it is borrowed.
        unsafe { std::slice::from_raw_parts(self.region.start(), self.len) }
    }

    pub(crate) fn data_mut(&mut self) -> &mut [u8] {
        self.touched = true;
        // SAFETY: the region has `len` usable bytes, and they are borrowed with the memory.
        unsafe { std::slice::from_raw_parts_mut(self.region.start(), self.len) }
    }

    /// Returns the request to grow by `delta` pages. Returns `None` if the type, the address space or `page_limit`
    /// forbids it.
    pub(crate) fn growth(&self, delta: u64, page_limit: Option<u64>) -> Option<MemoryRequest> {
        let pages = self.size().checked_add(delta)?;
        let limit = self.ty.max.unwrap_or(u64::MAX).min(page_limit.unwrap_or(u64::MAX));
        if pages > limit {
            return None;
        }
        let maximum = self.ty.max.and_then(|max| bytes(&self.ty, max));
        Some(MemoryRequest { current: self.len, desired: bytes(&self.ty, pages)?, maximum })
    }

    /// Grows as [`Self::growth`] requested. Returns false if the system lacks memory.
    pub(crate) fn grow_to(&mut self, request: MemoryRequest) -> bool {
        if let Some(more) = request.desired.checked_sub(self.region.len()).filter(|more| *more > 0) {
            let available = if self.unchecked { headroom::can_commit(more) } else { headroom::can_reserve(more) };
            if !available || !self.region.resize(request.desired) {
                return false;
            }
        }
        self.len = request.desired;
        self.touched = true;
        self.publish();
        true
    }
}

/// Returns the size of `pages` pages in bytes, or `None` if a memory of this type cannot be as large.
pub(super) fn bytes(ty: &MemoryType, pages: u64) -> Option<usize> {
    let limit = match ty.index {
        IndexType::I32 => ty.address_limit(),
        IndexType::I64 => MAX_MEMORY64_PAGES << (16 - ty.page_size_log2.min(16)),
    };
    if pages > limit {
        return None;
    }
    usize::try_from(pages.checked_mul(ty.page_size())?).ok().filter(|len| *len <= isize::MAX as usize - (1 << 20))
}

fn too_large(ty: &MemoryType) -> Error {
    Error::msg(format!("cannot allocate a memory of {} pages of {} bytes: out of memory", ty.min, ty.page_size()))
}
