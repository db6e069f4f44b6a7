//! Published code, found by any address in it.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, RwLock};

use kinglet_abi::image::{Place, Tables};
use kinglet_abi::{CodeImage, FuncCell, Trap};

use super::arena::Mapping;
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
        /// Good as long as what they lie in. The sites are checked when they are wanted.
        tables: Tables<'static>,
        sites: Range<usize>,
        loaded: Arc<Loaded>,
    },
}

impl Known {
    /// The tables that lie in these parts of a mapping, in the order of [`CodeImage`]'s fields.
    ///
    /// # Safety
    /// They were written for this machine, and nothing changes them.
    pub(super) unsafe fn mapped(loaded: Arc<Loaded>, parts: &[Range<usize>; 6]) -> Known {
        /// Any bytes are an entry of a table: all consist of 32-bit numbers.
        unsafe fn part<T>(bytes: &[u8], part: &Range<usize>) -> &'static [T] {
            let part = &bytes[part.clone()];
            assert!(part.as_ptr().addr().is_multiple_of(align_of::<T>()), "tables are aligned in their file");
            // SAFETY: aligned, and as many as there is room for; whoever asked keeps the mapping.
            unsafe { std::slice::from_raw_parts(part.as_ptr().cast(), part.len() / size_of::<T>()) }
        }
        let bytes = loaded.bytes();
        // SAFETY: by contract; what they lie in is kept beside the tables.
        let tables = unsafe {
            Tables {
                functions: part(bytes, &parts[0]),
                sites: part(bytes, &parts[1]),
                call_sites: part(bytes, &parts[2]),
                handlers: part(bytes, &parts[3]),
                stack_maps: part(bytes, &parts[4]),
                refs: part(bytes, &parts[5]),
            }
        };
        Known::Mapped { tables, sites: parts[1].clone(), loaded }
    }

    pub(super) fn tables(&self) -> Tables<'_> {
        match self {
            Known::Made(image) => image.tables(),
            Known::Mapped { tables, .. } => *tables,
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

/// Whose code it is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Owner {
    /// The engine's: a trampoline.
    Engine,
    /// That of the function with this cell.
    Function(*const FuncCell),
    /// That of the functions of a module, whose cells begin here.
    Module(*const FuncCell),
}

// SAFETY: the cells are only compared and, by who knows that their module is alive, followed.
unsafe impl Send for Published {}
// SAFETY: a shared borrow only compares the cells.
unsafe impl Sync for Published {}

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

    /// The trap that a fault at an address means, if it is one of this code's.
    fn trap(&self, pc: usize) -> Option<Trap> {
        match self.all_tables() {
            Some(tables) => tables.trap(self.offset(pc)),
            None => Some(Trap::Damaged),
        }
    }

    /// Its instructions.
    pub(super) fn text(&self) -> &[u8] {
        // SAFETY: published code is mapped to be read as well, and does not change; its memory is kept beside this, or is
        // that of the engine, which has the registry.
        unsafe { std::slice::from_raw_parts(self.start as *const u8, self.end - self.start) }
    }

    /// Where a copy may be.
    pub(super) fn place(&self) -> Place {
        match &self.tables {
            Known::Made(image) => image.place,
            Known::Mapped { .. } => Place::aligned(MAPPED_ALIGN),
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
            Owner::Function(cell) => cell,
            Owner::Module(cells) => match self.tables().function(self.offset(pc) - 1) {
                Some(function) => cells.wrapping_add(function.function as usize),
                None => std::ptr::null(),
            },
        }
    }
}

/// What code from a file is aligned to: nothing in functions asks for more than a line of a processor's cache.
const MAPPED_ALIGN: u32 = 64;

/// All code of an engine, by the address behind its last byte.
#[derive(Debug, Default)]
pub(super) struct Registry {
    codes: RwLock<BTreeMap<usize, Arc<Published>>>,
}

impl Registry {
    /// Makes code known. `memory` is its own, if it has any.
    pub(super) fn add(&self, code: Range<usize>, tables: Known, owner: Owner, memory: Option<Mapping>) {
        let mut codes = self.codes.write().unwrap_or_else(|e| e.into_inner());
        let Range { start, end } = code;
        codes.insert(end, Arc::new(Published { start, end, tables, owner, _memory: memory }));
    }

    /// The code of a module's functions, whose cells begin there, but for what only loops enter.
    pub(super) fn of_module(&self, cells: *const FuncCell) -> Vec<Arc<Published>> {
        let codes = self.codes.read().unwrap_or_else(|e| e.into_inner());
        let its = |code: &&Arc<Published>| matches!(code.owner, Owner::Module(owner) if std::ptr::eq(owner, cells));
        codes.values().filter(its).cloned().collect()
    }

    /// Removes the code of functions whose cells lie in a range of addresses.
    pub(super) fn forget(&self, cells: &Range<usize>) {
        let mut codes = self.codes.write().unwrap_or_else(|e| e.into_inner());
        codes.retain(|_, code| match code.owner {
            Owner::Engine => true,
            Owner::Function(cell) | Owner::Module(cell) => !cells.contains(&(cell as usize)),
        });
    }

    /// The code that a call returns to; the return address may be just behind its last byte.
    pub(super) fn find(&self, pc: usize) -> Option<Arc<Published>> {
        let codes = self.codes.read().unwrap_or_else(|e| e.into_inner());
        let (_, code) = codes.range(pc..).next()?;
        (code.start < pc).then(|| code.clone())
    }

    /// The trap that a fault at an address means, if it is one of this code's, and the cell of the function that it is in,
    /// which is null where only a loop was compiled, and for trampolines. For signal handlers of whoever runs that code.
    pub(super) fn trap_at(&self, pc: usize) -> Option<(Trap, *const FuncCell)> {
        // Looked at without the lock, for the tables may have to be checked first. It goes with its module, which runs.
        let code = self.runs_at(pc)?;
        let trap = code.trap(pc)?;
        let whole = matches!(code.owner, Owner::Module(_));
        Some((trap, if whole { code.cell(pc + 1) } else { std::ptr::null() }))
    }

    /// The code that an address is in. Takes the lock for a search, and gives up rather than wait for it forever.
    fn runs_at(&self, pc: usize) -> Option<Arc<Published>> {
        for _ in 0..TRIES {
            let codes = match self.codes.try_read() {
                Ok(codes) => codes,
                Err(std::sync::TryLockError::Poisoned(codes)) => codes.into_inner(),
                Err(std::sync::TryLockError::WouldBlock) => {
                    std::thread::yield_now();
                    continue;
                }
            };
            let (_, code) = codes.range(pc + 1..).next()?;
            return (code.start <= pc).then(|| code.clone());
        }
        None
    }
}

/// How often a signal handler looks whether another thread has finished publishing, which takes microseconds.
const TRIES: u32 = 1_000_000;
