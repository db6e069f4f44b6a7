//! Implementation limits, as named constants (core specification, appendix "Implementation Limitations"). Wasmparser
//! limits how many items each section of a module may have, with the same numbers as the web engines. This file adds
//! the engine's own limits.

/// The maximum size of a 64-bit memory, in pages of 64 KiB: 2^32 pages are 2^48 bytes, the address space of processors.
pub const MAX_MEMORY64_PAGES: u64 = 1 << 32;

/// The maximum number of elements in a table.
pub const MAX_TABLE_ELEMENTS: u64 = 10_000_000;

/// The maximum number of slots in a function's frame. 50,000 locals of 16 bytes and the largest operand stack fit.
pub const MAX_FRAME_SLOTS: u32 = 1 << 24;

/// The maximum number of GC-managed references that are live across a function's calls, summed over all its calls. Stack
/// maps list each of them. Only hostile code reaches this limit.
pub const MAX_LIVE_REFERENCES: usize = 1 << 24;

/// The maximum bytecode size of a function whose operands stay in the slots they come from, in words per byte of its
/// body. Ordinary code needs two to four words per byte; only branches that move many values need more. A function that
/// exceeds the limit is relowered with every operand in its canonical slot, which needs a few words per byte at most.
pub const MAX_WORDS_PER_BODY_BYTE: usize = 16;

/// The bytecode size, in words, below which [`MAX_WORDS_PER_BODY_BYTE`] does not apply.
pub const MIN_WORDS_LIMIT: usize = 1 << 16;

/// The maximum number of operands saved for the `else` arms of all open `if`s.
pub const MAX_ELSE_OPERANDS: usize = 1 << 20;

/// The maximum size of a module file in bytes, binary or text. The web engines have the same limit.
pub const MAX_MODULE_BYTES: u64 = 1 << 30;
