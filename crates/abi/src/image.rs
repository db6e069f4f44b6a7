//! Machine code as plain data: the bytes of one function with everything a runtime needs to walk, unwind and describe
//! its frames. Position independent: the code has no relocations, so that fresh, cached and mapped code are the same.
//! Offsets are from the first byte; lists are in the order of their offsets.

use crate::Trap;

/// The code of one function.
#[derive(Clone, Debug, Default)]
pub struct CodeImage {
    /// The instructions.
    pub bytes: Vec<u8>,
    /// What its address must be a multiple of.
    pub align: u32,
    /// Calls at which it catches.
    pub call_sites: Vec<CallSite>,
    /// Calls over which it keeps traced references in its frame.
    pub stack_maps: Vec<StackMap>,
    /// Which operators of the module its instructions come from.
    pub sources: Vec<Source>,
    /// Where its instructions may fault, and what that means.
    pub traps: Vec<TrapSite>,
}

/// An instruction that traps by faulting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrapSite {
    /// Its first byte.
    pub at: u32,
    /// What its fault means.
    pub trap: Trap,
}

/// A call that may end in a handler of the calling function.
#[derive(Clone, Debug)]
pub struct CallSite {
    /// The offset the call returns to.
    pub ret: u32,
    /// How far the stack pointer is below the frame pointer.
    pub frame: u32,
    /// What it catches, first match first.
    pub handlers: Vec<Handler>,
}

/// One step of the search for a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handler {
    /// The instance in which tags are meant from here on is at this offset from the stack pointer.
    Context(u32),
    /// Catches the tag whose pointer is at this offset of the instance.
    Tag {
        /// Offset of the pointer in the instance.
        tag: u32,
        /// Where the code goes on.
        target: u32,
    },
    /// Catches everything.
    All {
        /// Where the code goes on.
        target: u32,
    },
}

/// Where traced references are during a call.
#[derive(Clone, Debug)]
pub struct StackMap {
    /// The offset the call returns to.
    pub ret: u32,
    /// How far the stack pointer is below the frame pointer.
    pub frame: u32,
    /// Offsets from the stack pointer of 32-bit references.
    pub refs: Vec<u32>,
}

/// A stretch of instructions that belongs to one operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// The first byte.
    pub start: u32,
    /// Behind the last byte.
    pub end: u32,
    /// The operator's byte offset in the module.
    pub offset: u32,
}

impl CodeImage {
    /// The operator whose call returns to this offset.
    pub fn source_of(&self, ret: u32) -> Option<u32> {
        let at = ret.checked_sub(1)?;
        let after = self.sources.partition_point(|source| source.start <= at);
        let source = self.sources.get(after.checked_sub(1)?)?;
        (at < source.end).then_some(source.offset)
    }

    /// What a call that returns to this offset catches.
    pub fn call_site(&self, ret: u32) -> Option<&CallSite> {
        Some(&self.call_sites[self.call_sites.binary_search_by_key(&ret, |site| site.ret).ok()?])
    }

    /// The references of a call that returns to this offset.
    pub fn stack_map(&self, ret: u32) -> Option<&StackMap> {
        Some(&self.stack_maps[self.stack_maps.binary_search_by_key(&ret, |map| map.ret).ok()?])
    }
}
