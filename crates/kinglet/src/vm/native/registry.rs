//! Published code, found by any address in it.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, MutexGuard};

use kinglet_abi::image::{CallSite, Clause, CodeAlignment, FunctionCode, Scope, Site, StackMap, Tables};
use kinglet_abi::{CodeImage, FuncCell, Trap};

use super::arena::Mapping;
use super::index::Index;
use crate::artifact::TABLES;
use crate::vm::address::Address;
use crate::vm::precompiled::Loaded;

/// Code in its place.
#[derive(Debug)]
pub(super) struct Published {
    /// The address of its first byte.
    pub(super) start: usize,
    /// Behind its last byte.
    end: usize,
    tables: Known,
    owner: Owner,
    /// Its memory, if it is its alone.
    _memory: Option<Mapping>,
}

/// What is known of code: the tables of an image, or where they are mapped.
#[derive(Debug)]
pub(super) enum Known {
    Made(Box<CodeImage>),
    Mapped {
        /// In the mapping. The sites are checked when they are wanted.
        parts: Parts,
        sites: Range<usize>,
        loaded: Arc<Loaded>,
    },
}

/// Where the tables are that lie in a mapping.
#[derive(Debug)]
pub(super) struct Parts {
    functions: Address<[FunctionCode]>,
    sites: Address<[Site]>,
    call_sites: Address<[CallSite]>,
    scopes: Address<[Scope]>,
    clauses: Address<[Clause]>,
    stack_maps: Address<[StackMap]>,
    refs: Address<[u32]>,
}

impl Known {
    /// The tables that lie in these parts of a mapping, in the order of [`CodeImage`]'s fields.
    ///
    /// # Safety
    /// They were written for this machine, and nothing changes them.
    pub(super) unsafe fn mapped(loaded: Arc<Loaded>, parts: &[Range<usize>; TABLES]) -> Known {
        /// As many entries as there is room for.
        fn part<T>(bytes: &[u8], part: &Range<usize>) -> Address<[T]> {
            let part = &bytes[part.clone()];
            assert!(part.as_ptr().addr().is_multiple_of(align_of::<T>()), "tables are aligned in their file");
            Address(NonNull::slice_from_raw_parts(NonNull::from(part).cast(), part.len() / size_of::<T>()))
        }
        let (bytes, sites) = (loaded.bytes(), parts[1].clone());
        let parts = Parts {
            functions: part(bytes, &parts[0]),
            sites: part(bytes, &parts[1]),
            call_sites: part(bytes, &parts[2]),
            scopes: part(bytes, &parts[3]),
            clauses: part(bytes, &parts[4]),
            stack_maps: part(bytes, &parts[5]),
            refs: part(bytes, &parts[6]),
        };
        Known::Mapped { parts, sites, loaded }
    }

    pub(super) fn tables(&self) -> Tables<'_> {
        match self {
            Known::Made(image) => image.tables(),
            // SAFETY: `mapped` found each aligned and inside the mapping, which is kept beside them, and was promised that it
            // does not change; any bytes are an entry of a table, since all consist of 32-bit numbers.
            Known::Mapped { parts, .. } => unsafe {
                Tables {
                    functions: parts.functions.0.as_ref(),
                    sites: parts.sites.0.as_ref(),
                    call_sites: parts.call_sites.0.as_ref(),
                    scopes: parts.scopes.0.as_ref(),
                    clauses: parts.clauses.0.as_ref(),
                    stack_maps: parts.stack_maps.0.as_ref(),
                    refs: parts.refs.0.as_ref(),
                }
            },
        }
    }

    /// Whether the sites are what they were when they were written.
    fn has_sites(&self) -> bool {
        match self {
            Known::Made(_) => true,
            Known::Mapped { sites, loaded, .. } => loaded.is_intact(sites),
        }
    }
}

/// Whose code it is. Cells are compared, and followed by code that knows that their module is alive.
#[derive(Clone, Copy, Debug)]
pub(super) enum Owner {
    /// The engine's: a trampoline.
    Engine,
    /// That of the function with this cell.
    Function(Address<FuncCell>),
    /// That of the functions of a module, whose cells begin here.
    Module(Address<FuncCell>),
}

impl Owner {
    pub(super) fn function(cell: &FuncCell) -> Owner {
        Owner::Function(Address(NonNull::from(cell)))
    }

    pub(super) fn module(cells: &[FuncCell]) -> Owner {
        Owner::Module(Address(NonNull::from(cells).cast()))
    }
}

impl Published {
    pub(super) fn tables(&self) -> Tables<'_> {
        self.tables.tables()
    }

    /// All its tables, if they are what they were when they were written.
    pub(super) fn all_tables(&self) -> Option<Tables<'_>> {
        self.tables.has_sites().then(|| self.tables())
    }

    /// Where in the module the operator is that a call returns to; none if nobody knows.
    pub(super) fn source(&self, pc: usize) -> Option<u32> {
        self.all_tables()?.source(self.offset(pc))
    }

    /// The trap that a fault at an address in it means, if it is one, and the cell of the function that it is in, which is
    /// null where only a loop was compiled, and for trampolines. For signal handlers.
    pub(super) fn trap(&self, pc: usize) -> Option<(Trap, *const FuncCell)> {
        let trap = match self.all_tables() {
            Some(tables) => tables.trap(self.offset(pc))?,
            None => Trap::Damaged,
        };
        let whole = matches!(self.owner, Owner::Module(_));
        Some((trap, if whole { self.cell(pc + 1) } else { std::ptr::null() }))
    }

    /// Its instructions.
    pub(super) fn text(&self) -> &[u8] {
        // SAFETY: published code is mapped to be read as well, and does not change; its memory is kept beside this, or is
        // that of the engine, which has the registry.
        unsafe { std::slice::from_raw_parts(self.start as *const u8, self.end - self.start) }
    }

    /// Where a copy may be.
    pub(super) fn place(&self) -> CodeAlignment {
        match &self.tables {
            Known::Made(image) => image.alignment,
            Known::Mapped { .. } => CodeAlignment::aligned(MAPPED_ALIGN),
        }
    }

    /// A return address as an offset.
    pub(super) fn offset(&self, pc: usize) -> u32 {
        (pc - self.start) as u32
    }

    /// The guest's function that a call returns to; null if that is a trampoline.
    pub(super) fn cell(&self, pc: usize) -> *const FuncCell {
        match self.owner {
            Owner::Engine => std::ptr::null(),
            Owner::Function(cell) => cell.as_ptr(),
            Owner::Module(cells) => match self.tables().function(self.offset(pc) - 1) {
                Some(function) => cells.as_ptr().wrapping_add(function.function as usize),
                None => std::ptr::null(),
            },
        }
    }
}

/// What code from a file is aligned to: nothing in functions asks for more than a line of a processor's cache.
const MAPPED_ALIGN: u32 = 64;

/// All published code of the process. One for all engines: a signal handler, which has only an address, learns whether it is
/// a guest's before it looks at anything of the thread's own.
static CODES: Registry = Registry::new();

/// Published code by its owner, and by the addresses in it.
pub(super) struct Registry {
    index: Index<Published>,
    /// What each owner has. Publishing and forgetting hold this lock.
    owned: Mutex<BTreeMap<usize, Vec<Arc<Published>>>>,
}

/// Makes code known that goes with its owner: a module or an engine, by its address. `memory` is the code's own, if it has
/// any.
pub(super) fn add(owner: usize, code: Range<usize>, tables: Known, of: Owner, memory: Option<Mapping>) {
    CODES.add(owner, Arc::new(Published { start: code.start, end: code.end, tables, owner: of, _memory: memory }));
}

/// The code of an owner.
pub(super) fn of(owner: usize) -> Vec<Arc<Published>> {
    CODES.owned().get(&owner).cloned().unwrap_or_default()
}

/// Removes the code of an owner that goes.
pub(super) fn forget(owner: usize) {
    CODES.forget(owner);
}

/// Removes pieces of an owner's code that nothing runs or refers to any more, by where they start.
pub(super) fn release(owner: usize, pieces: &HashSet<usize>) {
    CODES.release(owner, pieces);
}

/// Calls `f` with the code that a call returns to, if there is such code. The return address may be just behind its last
/// byte. For signal handlers, too.
///
/// # Safety
/// If there is such code, its owner keeps it until `f` returns: a frame that returns there has it do so.
pub(super) unsafe fn find<R>(pc: usize, f: impl FnOnce(&Published) -> R) -> Option<R> {
    // SAFETY: `owned` keeps all code of the index until its owner goes or has no more use for it. The caller promises that
    // this is not before `f` returns.
    CODES.index.find(pc).map(|code| f(unsafe { code.as_ref() }))
}

impl Registry {
    const fn new() -> Registry {
        Registry { index: Index::new(), owned: Mutex::new(BTreeMap::new()) }
    }

    fn owned(&self) -> MutexGuard<'_, BTreeMap<usize, Vec<Arc<Published>>>> {
        self.owned.lock().unwrap_or_else(|e| e.into_inner())
    }

    fn add(&self, owner: usize, code: Arc<Published>) {
        let mut owned = self.owned();
        self.index.insert(code.start..code.end, NonNull::from(&*code));
        owned.entry(owner).or_default().push(code);
    }

    fn release(&self, owner: usize, pieces: &HashSet<usize>) {
        let mut owned = self.owned();
        let Some(codes) = owned.get_mut(&owner) else { return };
        let (gone, kept): (Vec<_>, Vec<_>) =
            std::mem::take(codes).into_iter().partition(|code| pieces.contains(&code.start));
        *codes = kept;
        gone.iter().for_each(|code| self.index.remove(code.end));
    }

    fn forget(&self, owner: usize) {
        let mut owned = self.owned();
        let codes = owned.remove(&owner).unwrap_or_default();
        for code in &codes {
            self.index.remove(code.end);
        }
        drop(owned);
        // Unmapping it takes longer than finding it.
        drop(codes);
    }
}
