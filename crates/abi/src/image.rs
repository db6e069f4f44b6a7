//! Machine code as plain data: the bytes of one or many functions with everything a runtime needs to walk, unwind and
//! describe their frames. Position independent: the code has no relocations, so that fresh, cached and mapped code are
//! the same. Offsets are from the first byte; tables are flat, in the order of their offsets, so that they can be used
//! where they are mapped.

use std::ops::Range;

use crate::Trap;

/// Code with its tables.
#[derive(Clone, Debug, Default)]
pub struct CodeImage {
    /// The instructions.
    pub text: Vec<u8>,
    /// Where it may be.
    pub place: Place,
    /// The functions of the module that it has.
    pub functions: Vec<FunctionCode>,
    /// Instructions that belong to an operator.
    pub sites: Vec<Site>,
    /// Calls at which it catches.
    pub call_sites: Vec<CallSite>,
    /// What their `try_table`s are.
    pub scopes: Vec<Scope>,
    /// What those catch.
    pub clauses: Vec<Clause>,
    /// Calls over which it keeps traced references in its frame.
    pub stack_maps: Vec<StackMap>,
    /// Where those are, as offsets from the stack pointer of 32-bit references.
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
    pub clauses: &'a [Clause],
    pub stack_maps: &'a [StackMap],
    pub refs: &'a [u32],
}

/// The code of one function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct FunctionCode {
    /// Its first byte.
    pub start: u32,
    /// Behind its last byte.
    pub end: u32,
    /// Its place among those the module defines.
    pub function: u32,
}

/// An instruction at which a frame can be looked at: a call, or one that may fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Site {
    /// Of a call, where it returns to; of what may fault, its first byte plus 1.
    pub at: u32,
    /// The byte offset in the module of the operator it belongs to, or [`NO_SOURCE`].
    pub source: u32,
    /// The code of the trap that its fault means; 0 if it cannot fault.
    pub trap: u32,
}

/// For an instruction that belongs to no operator.
pub const NO_SOURCE: u32 = u32::MAX;

/// A call that may end in a clause of the calling function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct CallSite {
    /// The offset the call returns to.
    pub ret: u32,
    /// How far the stack pointer is below the frame pointer.
    pub frame: u32,
    /// Where the frame keeps its instance during the call, as an offset from the stack pointer: tags are meant there.
    pub context: u32,
    /// The innermost of its scopes, in the table of all.
    pub scope: u32,
    /// Where the code goes on if one of them catches, with the clause's number.
    pub target: u32,
}

/// A `try_table`. Call sites name the innermost around them, and each names the next, so that the tables grow with the
/// code and not with calls times clauses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Scope {
    /// The next outer scope whose clauses are asked, which comes before this one in the table; [`NO_SCOPE`] if there is
    /// none, or this one catches everything.
    pub parent: u32,
    /// The first of its clauses, in the table of all.
    pub first: u32,
    /// How many it has; the first match counts.
    pub count: u32,
}

/// For a scope without a parent.
pub const NO_SCOPE: u32 = u32::MAX;

/// A clause of a `try_table`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Clause {
    /// Where the pointer to the tag that it catches is in the instance, or [`ANY_TAG`].
    pub tag: u32,
    /// What the code knows it by.
    pub number: u32,
}

/// For a clause that catches everything.
pub const ANY_TAG: u32 = u32::MAX;

/// Where traced references are during a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct StackMap {
    /// The offset the call returns to.
    pub ret: u32,
    /// How far the stack pointer is below the frame pointer.
    pub frame: u32,
    /// The first of its references, in the table of all.
    pub first: u32,
    /// How many there are.
    pub count: u32,
}

impl CodeImage {
    /// Its tables.
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

    /// Adds the tables of code that is behind all there was, at an offset; not its instructions. Whoever chose the offset
    /// has seen to it that the code is where it may be in an image at a multiple of its alignment.
    pub fn append_tables(&mut self, at: u32, other: &CodeImage) {
        self.append(at, &other.tables());
        self.place.align = self.place.align.max(other.place.align);
    }

    /// The same of tables alone.
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
    /// The function that an instruction is of.
    pub fn function(&self, at: u32) -> Option<&'a FunctionCode> {
        let after = self.functions.partition_point(|function| function.start <= at);
        self.functions.get(after.checked_sub(1)?).filter(|function| at < function.end)
    }

    /// What is known of the place a call returns to, or of a fault at the byte before.
    pub fn site(&self, at: u32) -> Option<&'a Site> {
        Some(&self.sites[self.sites.binary_search_by_key(&at, |site| site.at).ok()?])
    }

    /// The byte offset in the module of the operator at such a place.
    pub fn source(&self, at: u32) -> Option<u32> {
        self.site(at).map(|site| site.source).filter(|source| *source != NO_SOURCE)
    }

    /// The trap that a fault of the instruction at `pc` means.
    pub fn trap(&self, pc: u32) -> Option<Trap> {
        Trap::from_code(self.site(pc.checked_add(1)?)?.trap)
    }

    /// What a call that returns to this offset catches.
    pub fn call_site(&self, ret: u32) -> Option<&'a CallSite> {
        Some(&self.call_sites[self.call_sites.binary_search_by_key(&ret, |site| site.ret).ok()?])
    }

    /// The clauses that a call's exception is held against, in turn: those of its scopes, from inside.
    pub fn clauses(&self, site: &CallSite) -> impl Iterator<Item = &'a Clause> + use<'a> {
        let (scopes, clauses) = (self.scopes, self.clauses);
        let find = move |index: u32| Some((index, scopes.get(index as usize)?));
        // A parent comes before its child, so that this ends whatever the tables say.
        let chain = std::iter::successors(find(site.scope), move |(index, scope)| {
            find(scope.parent).filter(|(parent, _)| parent < index)
        });
        chain.flat_map(move |(_, scope)| clauses.get(range(scope.first, scope.count)).unwrap_or_default())
    }

    /// The references of a call that returns to this offset.
    pub fn stack_map(&self, ret: u32) -> Option<&'a StackMap> {
        Some(&self.stack_maps[self.stack_maps.binary_search_by_key(&ret, |map| map.ret).ok()?])
    }

    /// The places of a call's references, as offsets from the stack pointer.
    pub fn refs(&self, map: &StackMap) -> &'a [u32] {
        self.refs.get(range(map.first, map.count)).unwrap_or_default()
    }
}

/// Where code may be: at multiples of something, or at addresses so far behind one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// A power of two.
    pub align: u32,
    /// How far behind a multiple of that; less than it.
    pub lead: u32,
}

impl Place {
    /// At multiples of a power of two.
    pub const fn aligned(align: u32) -> Place {
        Place { align, lead: 0 }
    }

    /// The first such place that is not before this one.
    pub fn next(self, from: usize) -> usize {
        let (align, lead) = (self.align as usize, self.lead as usize);
        (from + align - lead).next_multiple_of(align) - align + lead
    }
}

impl Default for Place {
    fn default() -> Place {
        Place::aligned(1)
    }
}

fn range(first: u32, count: u32) -> Range<usize> {
    first as usize..first as usize + count as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_place_is_the_first_that_is_as_far_behind_a_multiple() {
        let place = Place { align: 32, lead: 16 };
        assert_eq!([0, 16, 17, 48, 49].map(|from| place.next(from)), [16, 16, 48, 48, 80]);
        assert_eq!([0, 1, 64].map(|from| Place::aligned(64).next(from)), [0, 64, 64]);
    }

    #[test]
    fn tables_of_appended_code_are_found_at_their_new_places() {
        let code = CodeImage {
            text: vec![0; 16],
            place: Place::aligned(16),
            functions: vec![FunctionCode { start: 0, end: 16, function: 7 }],
            sites: vec![
                Site { at: 5, source: 40, trap: 0 },
                Site { at: 9, source: 44, trap: Trap::Unreachable as u32 },
            ],
            call_sites: vec![CallSite { ret: 5, frame: 32, context: 8, scope: 1, target: 12 }],
            scopes: vec![Scope { parent: NO_SCOPE, first: 0, count: 1 }, Scope { parent: 0, first: 1, count: 2 }],
            clauses: [(ANY_TAG, 0), (64, 1), (72, 2)].map(|(tag, number)| Clause { tag, number }).to_vec(),
            stack_maps: vec![StackMap { ret: 5, frame: 32, first: 0, count: 2 }],
            refs: vec![8, 12],
        };
        let mut all = CodeImage::default();
        all.append_tables(0, &code);
        all.append_tables(32, &code);
        let tables = all.tables();
        assert_eq!(tables.function(31), None, "between two functions");
        assert_eq!(tables.function(32).map(|f| (f.start, f.end, f.function)), Some((32, 48, 7)));
        assert_eq!((tables.source(37), tables.source(38)), (Some(40), None));
        assert_eq!((tables.trap(40), tables.trap(41), tables.trap(36)), (Some(Trap::Unreachable), None, None));
        let site = tables.call_site(37).unwrap();
        let numbers: Vec<u32> = tables.clauses(site).map(|clause| clause.number).collect();
        assert_eq!((site.scope, site.target, numbers), (3, 44, vec![1, 2, 0]), "from inside");
        assert_eq!(tables.refs(tables.stack_map(37).unwrap()), [8, 12]);
    }
}
