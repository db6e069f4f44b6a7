//! The initial contents of a module's first memory. Large images are mapped copy-on-write; small ones are copied.

#[cfg(feature = "jit")]
use std::ops::Range;
#[cfg(feature = "jit")]
use std::sync::Arc;

#[cfg(feature = "jit")]
use super::native::Mapping;
use super::region::Region;
use crate::Result;

/// The size in bytes up to which copying costs less than mapping and the page faults that follow.
#[cfg(feature = "jit")]
const MAX_COPIED_BYTES: usize = 16 << 10;

/// The contents from an address on. The code that creates an image has checked that it fits into the memory.
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
    /// Creates an image of `bytes` at `address`, a multiple of the page size. Returns `None` if there are none.
    pub(crate) fn new((address, bytes): (u64, Vec<u8>)) -> Option<MemoryImage> {
        let address = usize::try_from(address).ok().filter(|_| !bytes.is_empty())?;
        #[cfg(all(target_os = "linux", feature = "jit"))]
        if MemoryImage::is_mapped(bytes.len())
            && let Ok(mapping) = map_anonymous_file(&bytes)
        {
            return Some(MemoryImage::mapped(Arc::new(mapping), 0..bytes.len(), address as u64));
        }
        Some(MemoryImage { contents: Contents::Bytes(bytes), address })
    }

    /// Returns whether an image of this many bytes is mapped into memories.
    #[cfg(feature = "jit")]
    pub(super) fn is_mapped(len: usize) -> bool {
        len > MAX_COPIED_BYTES
    }

    /// Creates an image of a part of a mapping.
    #[cfg(feature = "jit")]
    pub(super) fn mapped(mapping: Arc<Mapping>, data: Range<usize>, address: u64) -> MemoryImage {
        MemoryImage { contents: Contents::Mapped { mapping, data }, address: address as usize }
    }

    /// Returns another handle to the image if it is mapped.
    #[cfg(feature = "jit")]
    pub(crate) fn share(&self) -> Option<MemoryImage> {
        let Contents::Mapped { mapping, data } = &self.contents else { return None };
        let contents = Contents::Mapped { mapping: mapping.clone(), data: data.clone() };
        Some(MemoryImage { contents, address: self.address })
    }

    /// Returns the image's address and bytes.
    pub(super) fn bytes(&self) -> (usize, &[u8]) {
        match &self.contents {
            Contents::Bytes(bytes) => (self.address, bytes),
            #[cfg(feature = "jit")]
            Contents::Mapped { mapping, data } => (self.address, &(**mapping).as_ref()[data.clone()]),
        }
    }

    /// Maps the image into a memory. Returns false without changing anything if the image cannot be mapped or copying
    /// costs less.
    ///
    /// # Errors
    /// If the system refuses. The memory then lacks its contents.
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
                Some((file, start)) => region.map_file(self.address, file, start + data.start as u64, data.len()),
                None => Ok(false),
            },
            #[cfg(all(not(unix), feature = "jit"))]
            Contents::Mapped { .. } => Ok(false),
        }
    }
}

/// Creates an anonymous file of these bytes and maps it for reading.
#[cfg(all(target_os = "linux", feature = "jit"))]
fn map_anonymous_file(bytes: &[u8]) -> Result<Mapping> {
    use std::io::Write;
    let mut file: std::fs::File = rustix::fs::memfd_create("kinglet-memory", rustix::fs::MemfdFlags::CLOEXEC)?.into();
    file.write_all(bytes)?;
    Mapping::file(file)
}
