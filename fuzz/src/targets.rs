//! The table of targets, and their helpers: decoding choices from an input, and finding the committed modules.

mod artifact;
mod calls;
mod debug;
mod decode;

use std::io::Result;
use std::path::Path;

/// A fuzz target.
pub struct Target {
    /// Its name on the command line.
    pub name: &'static str,
    /// A one-line description.
    pub about: &'static str,
    /// Processes an input. It panics if it finds an error.
    pub run: fn(&[u8]),
    /// Returns the seeds. The argument is the root directory of the checkout.
    pub seeds: fn(&Path) -> Result<Vec<Vec<u8>>>,
}

/// All targets.
#[rustfmt::skip]
pub const TARGETS: &[Target] = &[
    Target { name: "decode", about: "decoding, validation, lowering and outlines of binary and text modules",
        run: decode::run, seeds: decode::seeds },
    Target { name: "artifact", about: "damaged and forged artifacts and cache files",
        run: artifact::run, seeds: artifact::seeds },
    Target { name: "calls", about: "sequences of API calls, in each tier",
        run: calls::run, seeds: calls::seeds },
    Target { name: "debug", about: "DWARF sections, names and other custom sections, for backtraces",
        run: debug::run, seeds: debug::seeds },
];

/// Decodes choices from the start of an input. Bytes beyond the end of the input are zero.
struct Choices<'a>(&'a [u8]);

impl<'a> Choices<'a> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn u16(&mut self) -> u16 {
        u16::from_le_bytes([self.byte(), self.byte()])
    }

    fn u64(&mut self) -> u64 {
        u64::from_le_bytes([0; 8].map(|_| self.byte()))
    }

    /// Returns a number below `count`, which must not be 0.
    fn below(&mut self, count: usize) -> usize {
        usize::from(self.byte()) % count
    }

    /// Returns a number that is often close to a limit: it is small, or close to a power of two.
    fn number(&mut self) -> u64 {
        match self.byte() {
            kind @ 0..=99 => u64::from(kind),
            100..=149 => u64::from(self.u16()),
            kind @ 150..=199 => (1 << (kind % 64)) - 1 + u64::from(self.byte() % 3),
            _ => self.u64(),
        }
    }

    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }
}

/// Reads the committed modules, binary and text, with at most `max_length` bytes.
fn modules(root: &Path, max_length: usize) -> Result<Vec<Vec<u8>>> {
    const DIRECTORIES: &[&str] =
        &["bench", "examples/backtrace", "guests", "tests/op", "tests/stress", "tests/wasi", "tests/guest"];
    let mut found = Vec::new();
    for directory in DIRECTORIES {
        let Ok(entries) = std::fs::read_dir(root.join(directory)) else { continue };
        let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths.iter().filter(|path| path.extension().is_some_and(|it| it == "wasm" || it == "wat")) {
            let bytes = std::fs::read(path)?;
            if bytes.len() <= max_length {
                found.push(bytes);
            }
        }
    }
    Ok(found)
}
