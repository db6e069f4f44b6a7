//! The table of targets, and what they share: reading choices out of an input, and finding the committed modules.

mod artifact;
mod calls;
mod debug;
mod decode;

use std::io::Result;
use std::path::Path;

/// One way to use an input.
pub struct Target {
    /// As the command line calls it.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
    /// Uses an input; panics if something is wrong.
    pub run: fn(&[u8]),
    /// What the fuzzer begins with, given the checkout's root folder.
    pub seeds: fn(&Path) -> Result<Vec<Vec<u8>>>,
}

/// All of them.
#[rustfmt::skip]
pub const TARGETS: &[Target] = &[
    Target { name: "decode", about: "modules, binary and text: decode, validate, lower, take apart",
        run: decode::run, seeds: decode::seeds },
    Target { name: "artifact", about: "compiled modules and files of a cache, damaged or made up",
        run: artifact::run, seeds: artifact::seeds },
    Target { name: "calls", about: "sequences of calls of the library, in each tier",
        run: calls::run, seeds: calls::seeds },
    Target { name: "debug", about: "DWARF sections, names and other custom sections, for backtraces",
        run: debug::run, seeds: debug::seeds },
];

/// Choices, read from the front of an input. What is missing at its end reads as zero.
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

    /// A number below `count`, which is not 0.
    fn below(&mut self, count: usize) -> usize {
        usize::from(self.byte()) % count
    }

    /// A number that is often near the end of some range.
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

/// The committed modules, binary and text, that are no longer than this.
fn modules(root: &Path, longest: usize) -> Result<Vec<Vec<u8>>> {
    let mut found = Vec::new();
    for folder in ["bench", "examples/backtrace", "guests", "tests/op", "tests/stress", "tests/wasi", "tests/guest"] {
        let Ok(entries) = std::fs::read_dir(root.join(folder)) else { continue };
        let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths.iter().filter(|path| path.extension().is_some_and(|it| it == "wasm" || it == "wat")) {
            let bytes = std::fs::read(path)?;
            if bytes.len() <= longest {
                found.push(bytes);
            }
        }
    }
    Ok(found)
}
