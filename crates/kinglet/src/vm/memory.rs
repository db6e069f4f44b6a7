//! Linear memories: the bytes, the record that code sees, and growth.

use std::ops::Range;
use std::ptr::NonNull;

use kinglet_abi::{MemoryPlan, VmMemory};
use kinglet_wasm::limits::MAX_MEMORY64_PAGES;
use kinglet_wasm::types::{IndexType, MemoryType};

use super::address::{Address, Owned};
use super::image::MemoryImage;
use super::region::Region;
use super::room;
use crate::{Error, Result};

/// A memory of a store.
#[derive(Debug)]
pub(crate) struct MemoryInstance {
    ty: MemoryType,
    region: Region,
    /// Whether code may address it without checks.
    unchecked: bool,
    len: usize,
    /// Whether the host may have written to it.
    touched: bool,
    /// Whether it holds already what its module says, and how.
    contents: Contents,
    record: Address<VmMemory>,
    /// Keeps the record, if no instance does.
    _own: Option<Owned<VmMemory>>,
}

/// What a memory begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Contents {
    Zero,
    Copied,
    Mapped,
}

/// A memory to be made or grown, for a limiter to look at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MemoryRequest {
    pub(crate) current: usize,
    pub(crate) desired: usize,
    pub(crate) maximum: Option<usize>,
}

impl MemoryInstance {
    /// Makes a memory with its minimum size; its record is at `record`, or its own.
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
        if !room::is_left(len) {
            return Err(too_large(&ty));
        }
        let mut own = None;
        let record = record.map_or_else(
            || own.insert(Owned::new(Box::new(VmMemory { base: std::ptr::null_mut(), len: 0 }))).address(),
            Address,
        );
        let mut memory =
            MemoryInstance { ty, region, unchecked, len, touched: false, contents: Contents::Zero, record, _own: own };
        memory.publish();
        Ok(memory)
    }

    fn publish(&mut self) {
        // SAFETY: the record lives as long as the memory, and no guest code runs while it is written.
        unsafe { self.record.0.write(VmMemory { base: self.region.start(), len: self.len }) };
    }

    /// How many bytes of address space it takes.
    pub(super) fn mapped(&self) -> usize {
        self.region.mapped()
    }

    pub(crate) fn record(&self) -> NonNull<VmMemory> {
        self.record.0
    }

    /// Whether code that addresses memories as in this plan can use it.
    pub(super) fn fits(&self, plan: MemoryPlan) -> bool {
        self.unchecked || plan == MemoryPlan::Checked
    }

    /// Its type as declared.
    pub(crate) fn ty(&self) -> MemoryType {
        self.ty
    }

    /// Its size in pages.
    pub(crate) fn size(&self) -> u64 {
        self.len as u64 >> self.ty.page_size_log2
    }

    /// Whether an address lies in the memory or the guard around it.
    #[cfg(feature = "jit")]
    pub(super) fn reserves(&self, address: usize) -> bool {
        self.region.reserves(address)
    }

    /// Has the memory hold what its module says, if it does not yet.
    ///
    /// # Errors
    /// If the system refuses.
    pub(super) fn initialize(&mut self, image: &MemoryImage) -> Result<()> {
        if self.contents == Contents::Zero {
            self.contents = if image.map_into(&mut self.region)? { Contents::Mapped } else { Contents::Copied };
            if self.contents == Contents::Copied {
                self.copy(image, 0..self.len);
            }
        }
        Ok(())
    }

    /// Copies what of the image lies in a range, and clears the rest of that.
    fn restore(&mut self, range: Range<usize>, image: Option<&MemoryImage>) {
        let (address, len) = image.map_or((0, 0), |image| (image.bytes().0, image.bytes().1.len()));
        // SAFETY: pages of the region, which nobody borrows now.
        let bytes = unsafe { std::slice::from_raw_parts_mut(self.region.start(), self.region.len()) };
        bytes[range.start..address.clamp(range.start, range.end)].fill(0);
        bytes[(address + len).clamp(range.start, range.end)..range.end].fill(0);
        if let Some(image) = image {
            self.copy(image, range);
        }
    }

    /// Copies what of the image lies in a range.
    fn copy(&mut self, image: &MemoryImage, range: Range<usize>) {
        let (address, bytes) = image.bytes();
        let (start, end) = (address.max(range.start), (address + bytes.len()).min(range.end));
        if start < end {
            // SAFETY: pages of the region, which nobody borrows now.
            let to = unsafe { std::slice::from_raw_parts_mut(self.region.start(), self.region.len()) };
            to[start..end].copy_from_slice(&bytes[start - address..end - address]);
        }
    }

    /// Makes it what a new instance of the module finds, with the same record: zero, or as [`Self::initialize`] left it.
    /// `ran`: guests may have written to it. Up to `keep` bytes are written to for that. False if it cannot be done.
    pub(super) fn recycle(&mut self, image: Option<&MemoryImage>, ran: bool, keep: usize) -> bool {
        let Some(len) = bytes(&self.ty, self.ty.min) else { return false };
        if self.len > len {
            if !self.region.shrink(len) {
                return false;
            }
            self.len = len;
        }
        if ran || self.touched {
            let image = image.filter(|_| self.contents != Contents::Zero);
            let start = self.region.start() as usize;
            match super::pagemap::written(start..start + self.region.len(), keep) {
                Some(ranges) => {
                    ranges.for_each(|range| self.restore(range.start - start..range.end - start, image));
                }
                None => {
                    if !self.region.discard(0..self.region.len()) {
                        return false;
                    }
                    // What is mapped is there again.
                    if self.contents == Contents::Copied {
                        self.contents = Contents::Zero;
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
        // SAFETY: the region has `len` bytes that can be used, and they are borrowed with the memory.
        unsafe { std::slice::from_raw_parts_mut(self.region.start(), self.len) }
    }

    /// What growing by `delta` pages asks for; none if the type, the address space or `page_limit` forbid it.
    pub(crate) fn growth(&self, delta: u64, page_limit: Option<u64>) -> Option<MemoryRequest> {
        let pages = self.size().checked_add(delta)?;
        let limit = self.ty.max.unwrap_or(u64::MAX).min(page_limit.unwrap_or(u64::MAX));
        if pages > limit {
            return None;
        }
        let maximum = self.ty.max.and_then(|max| bytes(&self.ty, max));
        Some(MemoryRequest { current: self.len, desired: bytes(&self.ty, pages)?, maximum })
    }

    /// Grows to what [`Self::growth`] said; false if the system has not that much.
    pub(crate) fn grow_to(&mut self, request: MemoryRequest) -> bool {
        if let Some(more) = request.desired.checked_sub(self.region.len()).filter(|more| *more > 0) {
            let room = if self.unchecked { room::is_there_of_reserved(more) } else { room::is_there(more) };
            if !room || !self.region.resize(request.desired) {
                return false;
            }
        }
        self.len = request.desired;
        self.touched = true;
        self.publish();
        true
    }
}

/// Bytes in this many pages, if a memory may have so many.
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
    Error::msg(format!("cannot make a memory of {} pages of {} bytes: out of memory", ty.min, ty.page_size()))
}
