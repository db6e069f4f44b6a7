//! Published code, found by any address in it.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, MutexGuard};

use kinglet_abi::image::{CallSite, ClauseEntry, CodeAlignment, FunctionCode, Scope, Site, StackMap, Tables};
use kinglet_abi::{CodeImage, FuncCell, Trap};

use super::arena::Mapping;
use super::index::Index;
use crate::artifact::TABLES;
use crate::vm::address::Address;
use crate::vm::precompiled::LoadedArtifact;

/// A piece of published code.
#[derive(Debug)]
pub(super) struct PublishedCode {
    /// The address of its first byte.
    pub(super) start: usize,
    /// The address after its last byte.
    end: usize,
    tables: CodeTables,
    owner: CodeOwner,
    /// The memory of the code, if this piece owns it.
    _memory: Option<Mapping>,
}

/// The tables of a piece of code, built in memory or mapped from a file.
#[derive(Debug)]
pub(super) enum CodeTables {
    Built(Box<CodeImage>),
    Mapped {
        /// Ranges in the mapping. The sites are verified on first use.
        tables: MappedTables,
        sites: Range<usize>,
        loaded: Arc<LoadedArtifact>,
    },
}

/// The addresses of tables in a mapping.
#[derive(Debug)]
pub(super) struct MappedTables {
    functions: Address<[FunctionCode]>,
    sites: Address<[Site]>,
    call_sites: Address<[CallSite]>,
    scopes: Address<[Scope]>,
    clauses: Address<[ClauseEntry]>,
    stack_maps: Address<[StackMap]>,
    refs: Address<[u32]>,
}

impl CodeTables {
    /// Returns the tables in these parts of a mapping, in the order of [`CodeImage`]'s fields.
    ///
    /// # Safety
    /// The tables were written for this machine, and they never change.
    pub(super) unsafe fn mapped(loaded: Arc<LoadedArtifact>, tables: &[Range<usize>; TABLES]) -> CodeTables {
        /// Returns the entries in a part of the file.
        fn part<T>(bytes: &[u8], part: &Range<usize>) -> Address<[T]> {
            let part = &bytes[part.clone()];
            assert!(part.as_ptr().addr().is_multiple_of(align_of::<T>()), "tables are aligned in their file");
            Address(NonNull::slice_from_raw_parts(NonNull::from(part).cast(), part.len() / size_of::<T>()))
        }
        let (bytes, sites) = (loaded.bytes(), tables[1].clone());
        let tables = MappedTables {
            functions: part(bytes, &tables[0]),
            sites: part(bytes, &tables[1]),
            call_sites: part(bytes, &tables[2]),
            scopes: part(bytes, &tables[3]),
            clauses: part(bytes, &tables[4]),
            stack_maps: part(bytes, &tables[5]),
            refs: part(bytes, &tables[6]),
        };
        CodeTables::Mapped { tables, sites, loaded }
    }

    pub(super) fn tables(&self) -> Tables<'_> {
        match self {
            CodeTables::Built(image) => image.tables(),
            // SAFETY: `mapped` checked that each table is aligned and inside the mapping, which `loaded` keeps alive.
            // Its caller promised that the mapping never changes. Every bit pattern is a valid entry, because entries
            // consist of 32-bit integers.
            CodeTables::Mapped { tables, .. } => unsafe {
                Tables {
                    functions: tables.functions.0.as_ref(),
                    sites: tables.sites.0.as_ref(),
                    call_sites: tables.call_sites.0.as_ref(),
                    scopes: tables.scopes.0.as_ref(),
                    clauses: tables.clauses.0.as_ref(),
                    stack_maps: tables.stack_maps.0.as_ref(),
                    refs: tables.refs.0.as_ref(),
                }
            },
        }
    }

    /// Returns whether the sites match their checksums.
    fn verify_sites(&self) -> bool {
        match self {
            CodeTables::Built(_) => true,
            CodeTables::Mapped { sites, loaded, .. } => loaded.is_verified(sites),
        }
    }
}

/// The owner of a piece of code. Cells are only compared, unless their module is known to be alive.
#[derive(Clone, Copy, Debug)]
pub(super) enum CodeOwner {
    /// The engine: a trampoline.
    Engine,
    /// The function with this cell.
    Function(Address<FuncCell>),
    /// The functions of a module, whose cells start here.
    Module(Address<FuncCell>),
}

impl CodeOwner {
    pub(super) fn function(cell: &FuncCell) -> CodeOwner {
        CodeOwner::Function(Address(NonNull::from(cell)))
    }

    pub(super) fn module(cells: &[FuncCell]) -> CodeOwner {
        CodeOwner::Module(Address(NonNull::from(cells).cast()))
    }
}

impl PublishedCode {
    pub(super) fn tables(&self) -> Tables<'_> {
        self.tables.tables()
    }

    /// Returns all tables, if they match their checksums.
    pub(super) fn verified_tables(&self) -> Option<Tables<'_>> {
        self.tables.verify_sites().then(|| self.tables())
    }

    /// Returns the module offset of the operator that a call returns to, if it is known.
    pub(super) fn source(&self, pc: usize) -> Option<u32> {
        self.verified_tables()?.source(self.offset(pc))
    }

    /// Returns the trap that corresponds to a fault at `pc`, if any, and the cell of the function. The cell is null for
    /// trampolines and for OSR code. Signal handlers may call this.
    pub(super) fn trap(&self, pc: usize) -> Option<(Trap, *const FuncCell)> {
        let trap = match self.verified_tables() {
            Some(tables) => tables.trap(self.offset(pc))?,
            None => Trap::Damaged,
        };
        let is_function = matches!(self.owner, CodeOwner::Module(_));
        Some((trap, if is_function { self.cell(pc + 1) } else { std::ptr::null() }))
    }

    /// Returns the instructions.
    pub(super) fn text(&self) -> &[u8] {
        // SAFETY: published code is readable and never changes. This piece owns its memory, or the engine does, and the
        // engine outlives the piece.
        unsafe { std::slice::from_raw_parts(self.start as *const u8, self.end - self.start) }
    }

    /// Returns the alignment that a copy needs.
    pub(super) fn alignment(&self) -> CodeAlignment {
        match &self.tables {
            CodeTables::Built(image) => image.alignment,
            CodeTables::Mapped { .. } => CodeAlignment::aligned(MAPPED_ALIGN),
        }
    }

    /// Returns the offset of a return address.
    pub(super) fn offset(&self, pc: usize) -> u32 {
        (pc - self.start) as u32
    }

    /// Returns the cell of the guest function that a call returns to; null for a trampoline.
    pub(super) fn cell(&self, pc: usize) -> *const FuncCell {
        match self.owner {
            CodeOwner::Engine => std::ptr::null(),
            CodeOwner::Function(cell) => cell.as_ptr(),
            CodeOwner::Module(cells) => match self.tables().function(self.offset(pc) - 1) {
                Some(function) => cells.as_ptr().wrapping_add(function.function as usize),
                None => std::ptr::null(),
            },
        }
    }
}

/// The alignment of code from a file. Functions need at most a cache line.
const MAPPED_ALIGN: u32 = 64;

/// All published code of the process. All engines share it, because a signal handler knows only an address. The handler
/// must determine whether the address belongs to a guest before it reads thread-local state.
static CODES: Registry = Registry::new();

/// Published code by owner and by address.
pub(super) struct Registry {
    index: Index<PublishedCode>,
    /// The pieces of each owner. Additions and removals hold this lock.
    owned: Mutex<BTreeMap<usize, Vec<Arc<PublishedCode>>>>,
}

/// Adds a piece of code that is removed with its owner. The owner is a module or an engine, identified by its address.
/// `memory` is the memory that only this piece uses, if any.
pub(super) fn add(
    owner: usize,
    code: Range<usize>,
    tables: CodeTables,
    code_owner: CodeOwner,
    memory: Option<Mapping>,
) {
    CODES.add(
        owner,
        Arc::new(PublishedCode { start: code.start, end: code.end, tables, owner: code_owner, _memory: memory }),
    );
}

/// Returns the code of an owner.
pub(super) fn pieces_of(owner: usize) -> Vec<Arc<PublishedCode>> {
    CODES.owned().get(&owner).cloned().unwrap_or_default()
}

/// Removes all code of an owner that is being dropped.
pub(super) fn forget(owner: usize) {
    CODES.forget(owner);
}

/// Removes pieces of an owner's code, by start address. No thread runs or refers to them.
pub(super) fn release(owner: usize, pieces: &HashSet<usize>) {
    CODES.release(owner, pieces);
}

/// Calls `f` with the code that a call returns to, if that code is published. The return address may equal the address
/// after the code's last byte. Signal handlers may call this.
///
/// # Safety
/// The owner of the code, if any, keeps the code until `f` returns. A stack frame that returns to the code guarantees
/// this.
pub(super) unsafe fn find<R>(pc: usize, f: impl FnOnce(&PublishedCode) -> R) -> Option<R> {
    // SAFETY: `owned` keeps all indexed code until its owner is dropped or releases it. The caller promises that this
    // does not happen before `f` returns.
    CODES.index.find(pc).map(|code| f(unsafe { code.as_ref() }))
}

impl Registry {
    const fn new() -> Registry {
        Registry { index: Index::new(), owned: Mutex::new(BTreeMap::new()) }
    }

    fn owned(&self) -> MutexGuard<'_, BTreeMap<usize, Vec<Arc<PublishedCode>>>> {
        self.owned.lock().unwrap_or_else(|e| e.into_inner())
    }

    fn add(&self, owner: usize, code: Arc<PublishedCode>) {
        let mut owned = self.owned();
        self.index.insert(code.start..code.end, NonNull::from(&*code));
        owned.entry(owner).or_default().push(code);
    }

    fn release(&self, owner: usize, pieces: &HashSet<usize>) {
        let mut owned = self.owned();
        let Some(codes) = owned.get_mut(&owner) else { return };
        let (removed, remaining): (Vec<_>, Vec<_>) =
            std::mem::take(codes).into_iter().partition(|code| pieces.contains(&code.start));
        *codes = remaining;
        removed.iter().for_each(|code| self.index.remove(code.end));
    }

    fn forget(&self, owner: usize) {
        let mut owned = self.owned();
        let pieces = owned.remove(&owner).unwrap_or_default();
        for code in &pieces {
            self.index.remove(code.end);
        }
        drop(owned);
        // Unmapping takes longer than the lookup, so the lock is released first.
        drop(pieces);
    }
}
