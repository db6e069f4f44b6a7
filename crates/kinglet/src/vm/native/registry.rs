//! Published code, found by any address in it.

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};

use kinglet_abi::{CodeImage, FuncCell};

/// Code in its place.
#[derive(Debug)]
pub(super) struct Published {
    /// Its address.
    pub(super) start: usize,
    /// What is known of it; without the bytes.
    pub(super) image: CodeImage,
    /// The function it is of; null for trampolines.
    pub(super) cell: *const FuncCell,
}

// SAFETY: the cell is only compared and, by who knows that its module is alive, followed.
unsafe impl Send for Published {}
// SAFETY: as above.
unsafe impl Sync for Published {}

impl Published {
    /// A return address as an offset.
    pub(super) fn offset(&self, pc: usize) -> u32 {
        (pc - self.start) as u32
    }
}

/// All code of an engine, by the address behind its last byte.
#[derive(Debug, Default)]
pub(super) struct Registry {
    codes: RwLock<BTreeMap<usize, Arc<Published>>>,
}

impl Registry {
    pub(super) fn add(&self, start: usize, image: &CodeImage, cell: *const FuncCell) {
        let end = start + image.bytes.len();
        let image = CodeImage { bytes: Vec::new(), ..image.clone() };
        let mut codes = self.codes.write().unwrap_or_else(|e| e.into_inner());
        codes.insert(end, Arc::new(Published { start, image, cell }));
    }

    /// Removes the code of functions whose cells lie in a range of addresses.
    pub(super) fn forget(&self, cells: &std::ops::Range<usize>) {
        let mut codes = self.codes.write().unwrap_or_else(|e| e.into_inner());
        codes.retain(|_, code| !cells.contains(&(code.cell as usize)));
    }

    /// The code that a call returns to; the return address may be just behind its last byte.
    pub(super) fn find(&self, pc: usize) -> Option<Arc<Published>> {
        let codes = self.codes.read().unwrap_or_else(|e| e.into_inner());
        let (_, code) = codes.range(pc..).next()?;
        (code.start < pc).then(|| code.clone())
    }
}
