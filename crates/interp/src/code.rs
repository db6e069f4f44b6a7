//! A module's functions as the interpreter has them: their cells, their bodies, and the code each gets when it is first
//! called. Shared by all instances of the module and by all threads; code is immutable once published.

use std::ffi::c_void;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Instant;

use kinglet_abi::{FuncCell, Settings, VmCtx, VmCtxLayout, VmTag};
use kinglet_wasm::emit::Emit;
use kinglet_wasm::types::TypeRegistry;
use kinglet_wasm::{Error, Features, Module, Result, walk};
use tracing::{debug, trace};

use crate::emit::Lower;
use crate::exec;
use crate::stats::Stats;

/// What lowering needs to know: a plain struct, so that a tier never sees a store.
#[derive(Debug)]
pub struct Environment {
    /// The module.
    pub module: Arc<Module>,
    /// How its instances are laid out.
    pub layout: VmCtxLayout,
    /// Engine settings that change code.
    pub settings: Arc<Settings>,
    /// The engine's types.
    pub types: Arc<TypeRegistry>,
    /// What was done for the module.
    pub stats: Stats,
    cells: Box<[FuncCell]>,
    // Cells point to them; a box that moves would say that nothing does.
    bodies: Arc<[Body]>,
    this: Weak<Environment>,
}

/// A module's code.
#[derive(Debug)]
pub struct ModuleCode {
    // Bodies point to it.
    environment: Arc<Environment>,
}

/// The environment that a body is part of.
#[derive(Clone, Copy, Debug)]
struct Whole(*const Environment);

// SAFETY: an address; a body that follows it is borrowed, and with it the environment.
unsafe impl Send for Whole {}
// SAFETY: a shared borrow gives the address alone.
unsafe impl Sync for Whole {}

/// A function, or a constant expression, that can be lowered.
#[derive(Debug)]
pub struct Body {
    environment: Whole,
    /// Its place among the defined functions; constant expressions follow them.
    index: u32,
    code: OnceLock<Result<Code>>,
}

/// Bytecode of one function.
#[derive(Debug)]
pub struct Code {
    pub(crate) words: Box<[u32]>,
    /// Where it starts: the word before it is the size of the frame.
    pub(crate) entry: usize,
    pub(crate) handlers: Box<[TryRange]>,
    /// The locals that a collector traces, at every safepoint.
    pub(crate) traced_locals: Box<[u32]>,
    pub(crate) safepoints: Box<[Safepoint]>,
    /// Word offsets of loop headers, in order, each with the loop's byte offset in the module.
    pub(crate) loops: Box<[(u32, u32)]>,
}

/// Pairs of a word's offset in a function's code and the byte offset in the module that it comes from, in order.
#[derive(Debug)]
pub struct Sources(Box<[(u32, u32)]>);

/// A stretch of code under a `try_table`, innermost first in a function's list.
#[derive(Debug)]
pub(crate) struct TryRange {
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) clauses: Box<[CatchClause]>,
}

/// Where a clause goes.
#[derive(Debug)]
pub(crate) struct CatchClause {
    /// Offset of the tag's pointer in the instance; none catches all.
    pub(crate) tag: Option<u32>,
    /// How many slots the tag's arguments take.
    pub(crate) slots: u32,
    /// Word offset of the target.
    pub(crate) target: u32,
    /// Where the arguments go, in bytes from the frame's first slot.
    pub(crate) to: u32,
}

/// Where traced operands are while a call is out.
#[derive(Debug)]
pub struct Safepoint {
    /// The word offset at which the frame goes on.
    pub at: u32,
    /// The slots.
    pub slots: Box<[u32]>,
}

impl ModuleCode {
    /// Makes the cells of a module's functions and constant expressions; lowers none.
    pub fn new(module: Arc<Module>, settings: Arc<Settings>, types: Arc<TypeRegistry>) -> ModuleCode {
        let layout = VmCtxLayout::new(&module);
        let count = (module.bodies.len() + module.const_bodies.len()) as u32;
        let environment = Arc::new_cyclic(|this: &Weak<Environment>| {
            let body = |index| Body { environment: Whole(this.as_ptr()), index, code: OnceLock::new() };
            let bodies: Arc<[Body]> = (0..count).map(body).collect();
            let this = this.clone();
            let (cells, stats) = (Box::default(), Stats::default());
            let mut environment = Environment { module, layout, settings, types, stats, cells, bodies, this };
            let cell = |body: &Body| FuncCell {
                native: AtomicPtr::new(std::ptr::null_mut()),
                array: AtomicPtr::new(exec::array_entry as *mut c_void),
                entry: AtomicPtr::new(exec::lower_stub().cast_mut()),
                body: AtomicPtr::new(std::ptr::from_ref(body).cast_mut().cast()),
                bridge: AtomicPtr::new(std::ptr::null_mut()),
                adapter: AtomicPtr::new(std::ptr::null_mut()),
                array_slots: environment.array_slots(body.index),
                type_id: environment.type_id(body.index),
            };
            environment.cells = environment.bodies.iter().map(cell).collect();
            environment
        });
        ModuleCode { environment }
    }

    /// Walks every function in lock-step with the validator and lowers it, without keeping the code.
    ///
    /// # Errors
    /// If the walk and the validator disagree about a stack, or a function cannot be lowered.
    pub fn check(&self, features: Features) -> Result<()> {
        let environment = &*self.environment;
        walk::checked(&environment.module, features, |_| Lower::unlimited(environment))
    }

    /// What lowering needs to know.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }
}

impl Environment {
    /// Itself, to be kept.
    pub fn share(&self) -> Option<Arc<Environment>> {
        self.this.upgrade()
    }

    /// The cells, defined functions first, then constant expressions.
    pub fn cells(&self) -> &[FuncCell] {
        &self.cells
    }

    /// The cell of a defined function.
    pub fn cell(&self, defined: u32) -> *const FuncCell {
        &self.cells[defined as usize]
    }

    /// The cell of a constant expression.
    pub fn const_cell(&self, index: u32) -> *const FuncCell {
        &self.cells[self.module.bodies.len() + index as usize]
    }

    /// The functions that were lowered, for they were called while they had no native code; among the defined ones, in
    /// order.
    pub fn lowered(&self) -> impl Iterator<Item = u32> {
        let defined = &self.bodies[..self.module.bodies.len()];
        defined.iter().filter(|body| matches!(body.code.get(), Some(Ok(_)))).map(|body| body.index)
    }

    fn array_slots(&self, index: u32) -> u32 {
        match self.module.bodies.get(index as usize) {
            Some(_) => self.module.func_type(self.module.imported_funcs + index).array_slots(),
            None => 2,
        }
    }

    fn type_id(&self, index: u32) -> u32 {
        match self.module.bodies.get(index as usize) {
            Some(_) => self.module.func_type_id(self.module.imported_funcs + index).0,
            None => u32::MAX,
        }
    }

    /// The length of a body in the module.
    fn body_bytes(&self, index: u32) -> usize {
        self.module.bodies.get(index as usize).map_or(0, |range| range.len())
    }

    /// Lowers a function or constant expression, after `prepare`: the same way each time. What there is of it comes with
    /// why there is no more.
    pub(crate) fn lower<'e>(&'e self, index: u32, prepare: impl Fn(&mut Lower<'e>)) -> (Lower<'e>, Result<()>) {
        let (lower, walked) = self.walk(index, Lower::new(self, self.body_bytes(index)), &prepare);
        match lower.stopped() {
            true => self.walk(index, Lower::plain(self), &prepare),
            false => (lower, walked),
        }
    }

    fn walk<'e>(&self, index: u32, mut lower: Lower<'e>, prepare: impl Fn(&mut Lower<'e>)) -> (Lower<'e>, Result<()>) {
        prepare(&mut lower);
        let metering = self.settings.metering.as_ref();
        let walked = match index.checked_sub(self.module.bodies.len() as u32) {
            None => walk::function(&self.module, index, metering, &mut lower),
            Some(constant) => walk::constant(&self.module, constant, metering, &mut lower),
        };
        (lower, walked)
    }
}

impl Code {
    /// Where it starts.
    pub(crate) fn start(&self) -> *const u32 {
        // The word in front of it is read too.
        self.words.as_ptr().wrapping_add(self.entry)
    }
}

impl Body {
    /// What it was lowered from.
    pub fn environment(&self) -> &Environment {
        // SAFETY: the environment owns this body and does not move.
        unsafe { &*self.environment.0 }
    }

    /// Its index among all functions of the module; none for a constant expression.
    pub fn func_index(&self) -> Option<u32> {
        let module = &self.environment().module;
        ((self.index as usize) < module.bodies.len()).then_some(module.imported_funcs + self.index)
    }

    /// The module's cell for it.
    pub fn cell(&self) -> &FuncCell {
        &self.environment().cells[self.index as usize]
    }

    /// Its code, lowered now if need be; published in its cell when this returns.
    pub(crate) fn code(&self) -> &Result<Code> {
        let code = self.code.get_or_init(|| {
            let start = Instant::now();
            let (lower, walked) = self.environment().lower(self.index, |_| ());
            let lowered = walked.and_then(|()| lower.finish());
            let words = lowered.as_ref().map_or(0, |code| code.words.len());
            self.environment().stats.lowered.add(1, words * size_of::<u32>(), start);
            match &lowered {
                Ok(code) => trace!(function = self.func_index(), words = code.words.len(), "function lowered"),
                Err(error) => debug!(function = self.func_index(), %error, "function not lowered"),
            }
            lowered
        });
        if let Ok(code) = code {
            let _ = self.cell().entry.compare_exchange(
                exec::lower_stub().cast_mut(),
                code.start().cast_mut(),
                Ordering::Release,
                Ordering::Relaxed,
            );
        }
        code
    }

    /// The word offset of an address in its code.
    pub(crate) fn offset_of(&self, ip: *const u32) -> Option<u32> {
        let code = self.code.get()?.as_ref().ok()?;
        let offset = (ip as usize).checked_sub(code.words.as_ptr() as usize)? / size_of::<u32>();
        (offset <= code.words.len()).then_some(offset as u32)
    }

    /// The function lowered again, with notes of what comes from where: backtraces are rare, notes for every instruction
    /// would double the code's size. Without code of its own, the notes end where lowering does.
    fn lowered_with_notes(&self) -> Lower<'_> {
        self.environment().lower(self.index, Lower::note_sources).0
    }

    /// Which words come from which operator of the module; costs as much as lowering the function.
    pub fn sources(&self) -> Sources {
        Sources(self.lowered_with_notes().sources().into())
    }

    /// The byte offset in the module of the operator that is running when a frame goes on at `ip`.
    pub fn source_offset(&self, sources: &Sources, ip: *const u32) -> Option<u32> {
        let at = self.offset_of(ip)?.saturating_sub(1);
        let after = sources.0.partition_point(|(word, _)| *word <= at);
        Some(sources.0.get(after.checked_sub(1)?)?.1)
    }

    /// Why the function has no code, if lowering it was tried and failed.
    pub fn refusal(&self) -> Option<&Error> {
        self.code.get()?.as_ref().err()
    }

    /// The byte offset in the module of the loop whose header is at `ip`. Loops whose headers are one word share their
    /// state too: any of them will do.
    pub fn loop_offset(&self, ip: *const u32) -> Option<u32> {
        let at = self.offset_of(ip)?;
        let loops = &self.code.get()?.as_ref().ok()?.loops;
        Some(loops[loops.binary_search_by_key(&at, |(word, _)| *word).ok()?].1)
    }

    /// The byte offsets in the module of the function's loops that can be reached, in order.
    pub fn loop_offsets(&self) -> Vec<u32> {
        self.code().as_ref().map_or_else(|_| Vec::new(), |code| code.loops.iter().map(|(_, offset)| *offset).collect())
    }

    /// The clause that catches an exception with this tag in a frame that goes on at `ip`, and the code it leads to.
    ///
    /// # Safety
    /// `vmctx` is a live instance of the body's module.
    pub(crate) unsafe fn clause(
        &self,
        ip: *const u32,
        vmctx: *const VmCtx,
        thrown: *const VmTag,
    ) -> Option<(&CatchClause, *const u32)> {
        let code = self.code.get()?.as_ref().ok()?;
        let at = self.offset_of(ip)?.saturating_sub(1);
        let ranges = code.handlers.iter().filter(|range| range.start <= at && at < range.end);
        let catches = |clause: &&CatchClause| {
            // SAFETY: the caller promises a live instance of the module (see `# Safety`); code has the offsets of tags in such.
            clause.tag.is_none_or(|tag| unsafe { *vmctx.byte_add(tag as usize).cast::<*const VmTag>() } == thrown)
        };
        let clause = ranges.flat_map(|range| range.clauses.iter()).find(catches)?;
        Some((clause, code.words.as_ptr().wrapping_add(clause.target as usize)))
    }

    /// The slots that hold traced references in a frame that goes on at `ip`.
    pub fn traced_slots(&self, ip: *const u32) -> impl Iterator<Item = &u32> {
        let (locals, operands): (&[u32], &[u32]) = match (self.offset_of(ip), self.code.get()) {
            (Some(at), Some(Ok(code))) => match code.safepoints.binary_search_by_key(&at, |s| s.at) {
                Ok(i) => (&code.traced_locals, &code.safepoints[i].slots),
                Err(_) => (&code.traced_locals, &[]),
            },
            _ => (&[], &[]),
        };
        locals.iter().chain(operands)
    }
}
