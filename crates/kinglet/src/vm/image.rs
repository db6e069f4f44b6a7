//! What the first memory of a module's instances begins with: mapped, so that a page is copied when it is first written
//! to, or copied at once where that is less.

#[cfg(feature = "jit")]
use std::ops::Range;
#[cfg(feature = "jit")]
use std::sync::Arc;

#[cfg(feature = "jit")]
use super::native::Mapping;
use super::region::Region;
use crate::Result;

/// Up to this size a copy costs less than mapping, and the faults when it is used.
#[cfg(feature = "jit")]
const COPIED: usize = 16 << 10;

/// The contents, from an address on. Whoever made it has seen to it that they fit.
pub(crate) struct MemoryImage {
    contents: Contents,
    address: usize,
}

enum Contents {
    Bytes(Vec<u8>),
    #[cfg(feature = "jit")]
    Mapped {
        mapping: Arc<Mapping>,
        data: Range<usize>,
    },
}

impl MemoryImage {
    /// An image of what is to stand from `address` on, a multiple of the system's pages.
    pub(crate) fn new((address, bytes): (u64, Vec<u8>)) -> Option<MemoryImage> {
        let address = usize::try_from(address).ok().filter(|_| !bytes.is_empty())?;
        #[cfg(all(target_os = "linux", feature = "jit"))]
        if MemoryImage::is_mapped(bytes.len())
            && let Ok(mapping) = in_file(&bytes)
        {
            return Some(MemoryImage::mapped(Arc::new(mapping), 0..bytes.len(), address as u64));
        }
        Some(MemoryImage { contents: Contents::Bytes(bytes), address })
    }

    /// Whether an image of this many bytes would be mapped into memories.
    #[cfg(feature = "jit")]
    pub(super) fn is_mapped(len: usize) -> bool {
        len > COPIED
    }

    /// An image in a part of a mapping.
    #[cfg(feature = "jit")]
    pub(super) fn mapped(mapping: Arc<Mapping>, data: Range<usize>, address: u64) -> MemoryImage {
        MemoryImage { contents: Contents::Mapped { mapping, data }, address: address as usize }
    }

    /// The same once more, if it is mapped.
    #[cfg(feature = "jit")]
    pub(crate) fn shared(&self) -> Option<MemoryImage> {
        let Contents::Mapped { mapping, data } = &self.contents else { return None };
        let contents = Contents::Mapped { mapping: mapping.clone(), data: data.clone() };
        Some(MemoryImage { contents, address: self.address })
    }

    /// The bytes and where they go.
    pub(super) fn bytes(&self) -> (usize, &[u8]) {
        match &self.contents {
            Contents::Bytes(bytes) => (self.address, bytes),
            #[cfg(feature = "jit")]
            Contents::Mapped { mapping, data } => (self.address, &(**mapping).as_ref()[data.clone()]),
        }
    }

    /// Maps it into a memory in place of copying; false if it cannot be, or copying costs less, and nothing is changed.
    ///
    /// # Errors
    /// If the system refuses, which leaves the memory without its contents.
    pub(super) fn map_into(&self, region: &mut Region) -> Result<bool> {
        match &self.contents {
            Contents::Bytes(_) => {
                let _ = region;
                Ok(false)
            }
            #[cfg(feature = "jit")]
            Contents::Mapped { data, .. } if !MemoryImage::is_mapped(data.len()) => Ok(false),
            #[cfg(all(unix, feature = "jit"))]
            Contents::Mapped { mapping, data } => match mapping.as_file() {
                Some((file, start)) => region.overlay(self.address, file, start + data.start as u64, data.len()),
                None => Ok(false),
            },
            #[cfg(all(not(unix), feature = "jit"))]
            Contents::Mapped { .. } => Ok(false),
        }
    }
}

/// A file without a name that has these bytes, mapped to be read.
#[cfg(all(target_os = "linux", feature = "jit"))]
fn in_file(bytes: &[u8]) -> Result<Mapping> {
    use std::io::Write;
    let mut file: std::fs::File = rustix::fs::memfd_create("kinglet-memory", rustix::fs::MemfdFlags::CLOEXEC)?.into();
    file.write_all(bytes)?;
    Mapping::file(file)
}
