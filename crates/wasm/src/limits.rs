//! Implementation limits, as named constants (core specification, appendix "Implementation Limitations"). The counts
//! of a module's parts are wasmparser's own, which agree with those of the web engines; these are the ones this
//! engine adds.

/// Most pages of 64 KiB that a 64-bit memory may have here: 2^32 pages, 2^48 bytes, what processors can address.
pub const MAX_MEMORY64_PAGES: u64 = 1 << 32;

/// Most elements a table may have.
pub const MAX_TABLE_ELEMENTS: u64 = 10_000_000;

/// Most slots a function's frame may have: 50,000 locals of 16 bytes and the largest operand stack.
pub const MAX_FRAME_SLOTS: u32 = 1 << 24;

/// Most references that may be live over the calls of a function, those of every call added up: what a collector must
/// be told. Only code made to do harm has as many.
pub const MAX_LIVE_REFERENCES: usize = 1 << 24;

/// Up to how many words of bytecode for a byte of a function's body operands may be where they come from. Ordinary code
/// has two to four; more comes of branches that move many values, which no compiler makes in numbers. Such a function is
/// lowered again, with every operand in its canonical slot: that takes a few words for each byte, whatever the branches.
pub const MAX_WORDS_PER_BODY_BYTE: usize = 16;

/// Words of bytecode up to which this is so for any function, however short its body.
pub const MIN_WORDS_LIMIT: usize = 1 << 16;

/// Most operands kept for the second arms of `if`s that are open at once.
pub const MAX_KEPT_OPERANDS: usize = 1 << 20;

/// Most bytes of a module that is read from a file, binary or text: as much as the web engines take.
pub const MAX_MODULE_BYTES: u64 = 1 << 30;
