//! Machine code as plain data: the bytes of functions, and the tables with which a runtime walks, unwinds and describes
//! their frames.
//!
//! The code is position independent and has no relocations, so fresh, cached and mapped code are identical. Offsets
//! count from the first byte. Tables are flat and sorted by offset, so a runtime can use them in place after mapping a
//! file.

use std::ops::Range;

use crate::Trap;

/// Machine code and its tables.
#[derive(Clone, Debug, Default)]
pub struct CodeImage {
    /// The machine code.
    pub text: Vec<u8>,
    /// The alignment that the code requires.
    pub alignment: CodeAlignment,
    /// The functions in the image.
    pub functions: Vec<FunctionCode>,
    /// Calls and instructions that may fault, with their source locations.
    pub sites: Vec<Site>,
    /// Calls with an enclosing `try_table`.
    pub call_sites: Vec<CallSite>,
    /// The `try_table`s of those calls.
    pub scopes: Vec<Scope>,
    /// The clauses of the `try_table`s.
    pub clauses: Vec<ClauseEntry>,
    /// Calls during which the frame holds GC references.
    pub stack_maps: Vec<StackMap>,
    /// The frame locations of those references, as offsets from the stack pointer. Each reference is 32 bits wide.
    pub refs: Vec<u32>,
}

/// The tables of a [`CodeImage`].
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct Tables<'a> {
    pub functions: &'a [FunctionCode],
    pub sites: &'a [Site],
    pub call_sites: &'a [CallSite],
    pub scopes: &'a [Scope],
    pub clauses: &'a [ClauseEntry],
    pub stack_maps: &'a [StackMap],
    pub refs: &'a [u32],
}

/// The code range of one function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct FunctionCode {
    /// The offset of its first byte.
    pub start: u32,
    /// The offset of the byte after its last.
    pub end: u32,
    /// The function's index among the module's defined functions.
    pub function: u32,
}

/// An instruction at which the runtime may inspect a frame: a call, or an instruction that may fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Site {
    /// For a call, the offset of its return address. For an instruction that may fault, the offset of its first byte
    /// plus 1.
    pub at: u32,
    /// The operator's byte offset in the module, or [`NO_SOURCE`].
    pub source: u32,
    /// The code of the trap that a fault here raises; 0 if the instruction cannot fault.
    pub trap: u32,
}

/// The source of an instruction that belongs to no operator.
pub const NO_SOURCE: u32 = u32::MAX;

/// A call with an enclosing `try_table` in the same function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct CallSite {
    /// The offset of the return address.
    pub ret: u32,
    /// The distance from the stack pointer up to the frame pointer, in bytes.
    pub frame: u32,
    /// The stack slot that holds the frame's instance during the call, as an offset from the stack pointer. Clauses
    /// name tags relative to this instance.
    pub context: u32,
    /// The index of the innermost enclosing scope.
    pub scope: u32,
    /// The offset of the landing pad. Its argument is the number of the clause that catches.
    pub target: u32,
}

/// A `try_table` with clauses.
///
/// A call site refers only to its innermost scope, and each scope refers to its parent. The tables thus grow linearly
/// with the code, instead of with the product of calls and clauses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Scope {
    /// The index of the next outer scope that can catch, which is less than this scope's index. [`NO_SCOPE`] if there
    /// is none or if this scope catches everything.
    pub parent: u32,
    /// The index of its first clause.
    pub first: u32,
    /// The number of its clauses. The first that matches catches.
    pub count: u32,
}

/// The parent of an outermost scope.
pub const NO_SCOPE: u32 = u32::MAX;

/// A clause of a `try_table`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct ClauseEntry {
    /// The instance offset of the pointer to the tag, or [`ANY_TAG`].
    pub tag: u32,
    /// The number that the landing pad dispatches on.
    pub number: u32,
}

/// The tag of a `catch_all` clause.
pub const ANY_TAG: u32 = u32::MAX;

/// The GC references that a frame holds during a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct StackMap {
    /// The offset of the return address.
    pub ret: u32,
    /// The distance from the stack pointer up to the frame pointer, in bytes.
    pub frame: u32,
    /// The index of its first reference.
    pub first: u32,
    /// The number of its references.
    pub count: u32,
}

impl CodeImage {
    /// Returns the image's tables.
    pub fn tables(&self) -> Tables<'_> {
        Tables {
            functions: &self.functions,
            sites: &self.sites,
            call_sites: &self.call_sites,
            scopes: &self.scopes,
            clauses: &self.clauses,
            stack_maps: &self.stack_maps,
            refs: &self.refs,
        }
    }

    /// Appends the tables of code that starts at offset `at`, after all code in the image. Does not append the code
    /// itself.
    ///
    /// The caller must choose an offset that satisfies the code's alignment.
    pub fn append_tables(&mut self, at: u32, other: &CodeImage) {
        self.append(at, &other.tables());
        self.alignment.align = self.alignment.align.max(other.alignment.align);
    }

    /// Appends tables as [`append_tables`](Self::append_tables) does, leaving the image's alignment unchanged.
    pub fn append(&mut self, at: u32, other: &Tables<'_>) {
        let (scopes, clauses) = (self.scopes.len() as u32, self.clauses.len() as u32);
        let refs = self.refs.len() as u32;
        let function = |f: &FunctionCode| FunctionCode { start: f.start + at, end: f.end + at, ..*f };
        self.functions.extend(other.functions.iter().map(function));
        self.sites.extend(other.sites.iter().map(|site| Site { at: site.at + at, ..*site }));
        let call = |c: &CallSite| CallSite { ret: c.ret + at, target: c.target + at, scope: c.scope + scopes, ..*c };
        self.call_sites.extend(other.call_sites.iter().map(call));
        let parent = |s: &Scope| if s.parent == NO_SCOPE { NO_SCOPE } else { s.parent + scopes };
        let scope = |s: &Scope| Scope { parent: parent(s), first: s.first + clauses, ..*s };
        self.scopes.extend(other.scopes.iter().map(scope));
        self.clauses.extend_from_slice(other.clauses);
        let map = |m: &StackMap| StackMap { ret: m.ret + at, first: m.first + refs, ..*m };
        self.stack_maps.extend(other.stack_maps.iter().map(map));
        self.refs.extend_from_slice(other.refs);
    }
}

impl<'a> Tables<'a> {
    /// Returns the function that contains the instruction at `at`.
    pub fn function(&self, at: u32) -> Option<&'a FunctionCode> {
        let after = self.functions.partition_point(|function| function.start <= at);
        self.functions.get(after.checked_sub(1)?).filter(|function| at < function.end)
    }

    /// Returns the site of a call by its return address, or of a faulting instruction by its offset plus 1.
    pub fn site(&self, at: u32) -> Option<&'a Site> {
        Some(&self.sites[self.sites.binary_search_by_key(&at, |site| site.at).ok()?])
    }

    /// Returns the byte offset in the module of the operator at a site, which is found as by [`site`](Self::site).
    pub fn source(&self, at: u32) -> Option<u32> {
        self.site(at).map(|site| site.source).filter(|source| *source != NO_SOURCE)
    }

    /// Returns the trap that a fault at `pc` raises.
    pub fn trap(&self, pc: u32) -> Option<Trap> {
        Trap::from_code(self.site(pc.checked_add(1)?)?.trap)
    }

    /// Returns the call site with this return address.
    pub fn call_site(&self, ret: u32) -> Option<&'a CallSite> {
        Some(&self.call_sites[self.call_sites.binary_search_by_key(&ret, |site| site.ret).ok()?])
    }

    /// Returns the clauses that may catch an exception thrown by a call, innermost scope first.
    pub fn clauses(&self, site: &CallSite) -> impl Iterator<Item = &'a ClauseEntry> + use<'a> {
        let (scopes, clauses) = (self.scopes, self.clauses);
        let find = move |index: u32| Some((index, scopes.get(index as usize)?));
        // A parent precedes its child. With this check, the chain ends even if the tables are corrupt.
        let chain = std::iter::successors(find(site.scope), move |(index, scope)| {
            find(scope.parent).filter(|(parent, _)| parent < index)
        });
        chain.flat_map(move |(_, scope)| clauses.get(range(scope.first, scope.count)).unwrap_or_default())
    }

    /// Returns the stack map of the call with this return address.
    pub fn stack_map(&self, ret: u32) -> Option<&'a StackMap> {
        Some(&self.stack_maps[self.stack_maps.binary_search_by_key(&ret, |map| map.ret).ok()?])
    }

    /// Returns the frame locations of a stack map's references, as offsets from the stack pointer.
    pub fn refs(&self, map: &StackMap) -> &'a [u32] {
        self.refs.get(range(map.first, map.count)).unwrap_or_default()
    }
}

/// The alignment of code: its address must be `offset` bytes past a multiple of `align`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeAlignment {
    /// A power of two.
    pub align: u32,
    /// The distance from a multiple of `align`; less than `align`.
    pub offset: u32,
}

impl CodeAlignment {
    /// Creates an alignment to multiples of a power of two.
    pub const fn aligned(align: u32) -> CodeAlignment {
        CodeAlignment { align, offset: 0 }
    }

    /// Returns the first suitable address at or after `from`.
    pub fn next_address(self, from: usize) -> usize {
        let (align, offset) = (self.align as usize, self.offset as usize);
        (from + align - offset).next_multiple_of(align) - align + offset
    }
}

impl Default for CodeAlignment {
    fn default() -> CodeAlignment {
        CodeAlignment::aligned(1)
    }
}

fn range(first: u32, count: u32) -> Range<usize> {
    first as usize..first as usize + count as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_address_keeps_the_offset_from_a_multiple() {
        let alignment = CodeAlignment { align: 32, offset: 16 };
        assert_eq!([0, 16, 17, 48, 49].map(|from| alignment.next_address(from)), [16, 16, 48, 48, 80]);
        assert_eq!([0, 1, 64].map(|from| CodeAlignment::aligned(64).next_address(from)), [0, 64, 64]);
    }

    #[test]
    fn lookups_find_appended_code_at_its_new_offset() {
        let code = CodeImage {
            text: vec![0; 16],
            alignment: CodeAlignment::aligned(16),
            functions: vec![FunctionCode { start: 0, end: 16, function: 7 }],
            sites: vec![
                Site { at: 5, source: 40, trap: 0 },
                Site { at: 9, source: 44, trap: Trap::Unreachable as u32 },
            ],
            call_sites: vec![CallSite { ret: 5, frame: 32, context: 8, scope: 1, target: 12 }],
            scopes: vec![Scope { parent: NO_SCOPE, first: 0, count: 1 }, Scope { parent: 0, first: 1, count: 2 }],
            clauses: [(ANY_TAG, 0), (64, 1), (72, 2)].map(|(tag, number)| ClauseEntry { tag, number }).to_vec(),
            stack_maps: vec![StackMap { ret: 5, frame: 32, first: 0, count: 2 }],
            refs: vec![8, 12],
        };
        let mut all = CodeImage::default();
        all.append_tables(0, &code);
        all.append_tables(32, &code);
        let tables = all.tables();
        assert_eq!(tables.function(31), None, "padding between functions");
        assert_eq!(tables.function(32).map(|f| (f.start, f.end, f.function)), Some((32, 48, 7)));
        assert_eq!((tables.source(37), tables.source(38)), (Some(40), None));
        assert_eq!((tables.trap(40), tables.trap(41), tables.trap(36)), (Some(Trap::Unreachable), None, None));
        let site = tables.call_site(37).unwrap();
        let numbers: Vec<u32> = tables.clauses(site).map(|clause| clause.number).collect();
        assert_eq!((site.scope, site.target, numbers), (3, 44, vec![1, 2, 0]), "innermost first");
        assert_eq!(tables.refs(tables.stack_map(37).unwrap()), [8, 12]);
    }
}
