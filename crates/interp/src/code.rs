//! The functions of a module in the interpreter: their cells, their bodies, and their bytecode, which is generated on
//! the first call.
//!
//! All instances of the module and all threads share them. Published code does not change.

use std::ffi::c_void;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Instant;

use kinglet_abi::{FuncCell, Settings, VmCtx, VmCtxLayout, VmTag};
use kinglet_wasm::emit::Emit;
use kinglet_wasm::types::TypeRegistry;
use kinglet_wasm::{Error, Features, Module, Result, walk};
use tracing::{debug, trace};

use crate::emit::Lowering;
use crate::exec;
use crate::stats::Stats;

/// The input of lowering. It is a plain struct, so a tier never accesses a store.
#[derive(Debug)]
pub struct ModuleEnvironment {
    /// The module.
    pub module: Arc<Module>,
    /// The layout of its instances.
    pub layout: VmCtxLayout,
    /// The engine settings that affect code.
    pub settings: Arc<Settings>,
    /// The engine's type registry.
    pub types: Arc<TypeRegistry>,
    /// Counters of the work done for the module.
    pub stats: Stats,
    cells: Box<[FuncCell]>,
    // Not a `Box`, because cells point to the bodies, and moving a `Box` asserts that no other pointer to its contents
    // exists.
    bodies: Arc<[LazyBody]>,
    this: Weak<ModuleEnvironment>,
}

/// The bytecode of a module.
#[derive(Debug)]
pub struct ModuleCode {
    // Bodies point to the environment.
    environment: Arc<ModuleEnvironment>,
}

/// A pointer from a body to its environment.
#[derive(Clone, Copy, Debug)]
struct EnvironmentPtr(*const ModuleEnvironment);

// SAFETY: the pointer is only an address. A body that dereferences it is borrowed, and so is the environment.
unsafe impl Send for EnvironmentPtr {}
// SAFETY: a shared borrow gives access to the address only.
unsafe impl Sync for EnvironmentPtr {}

/// A function or constant expression that can be lowered.
#[derive(Debug)]
pub struct LazyBody {
    environment: EnvironmentPtr,
    /// The index among the module's defined functions, followed by its constant expressions.
    index: u32,
    code: OnceLock<Result<Code>>,
}

/// The bytecode of one function.
#[derive(Debug)]
pub struct Code {
    pub(crate) words: Box<[u32]>,
    /// The word offset of the first instruction. The word before it is the frame size.
    pub(crate) entry: usize,
    pub(crate) handlers: Box<[TryRange]>,
    /// The locals that hold GC references, at every safepoint.
    pub(crate) gc_locals: Box<[u32]>,
    pub(crate) safepoints: Box<[Safepoint]>,
    /// Pairs of a loop header's word offset and the loop's byte offset in the module, sorted by word offset.
    pub(crate) loops: Box<[(u32, u32)]>,
}

/// Maps bytecode to operators: pairs of a word offset and a byte offset in the module, sorted by word offset.
#[derive(Debug)]
pub struct BytecodeSourceMap(Box<[(u32, u32)]>);

/// A range of code in a `try_table`. A function's ranges are sorted innermost first.
#[derive(Debug)]
pub(crate) struct TryRange {
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) clauses: Box<[CatchClause]>,
}

/// A clause of a `try_table`.
#[derive(Debug)]
pub(crate) struct CatchClause {
    /// The instance offset of the pointer to the tag; `None` catches all exceptions.
    pub(crate) tag: Option<u32>,
    /// The number of slots of the tag's arguments.
    pub(crate) slots: u32,
    /// The word offset of the target.
    pub(crate) target: u32,
    /// The destination of the arguments, as a byte offset from the frame's first slot.
    pub(crate) to: u32,
}

/// The operands that hold GC references during a call.
#[derive(Debug)]
pub struct Safepoint {
    /// The word offset of the resume address.
    pub at: u32,
    /// The slots.
    pub slots: Box<[u32]>,
}

impl ModuleCode {
    /// Creates the cells of a module's functions and constant expressions. Lowers nothing.
    pub fn new(module: Arc<Module>, settings: Arc<Settings>, types: Arc<TypeRegistry>) -> ModuleCode {
        let layout = VmCtxLayout::new(&module);
        let count = (module.bodies.len() + module.const_bodies.len()) as u32;
        let environment = Arc::new_cyclic(|this: &Weak<ModuleEnvironment>| {
            let body = |index| LazyBody { environment: EnvironmentPtr(this.as_ptr()), index, code: OnceLock::new() };
            let bodies: Arc<[LazyBody]> = (0..count).map(body).collect();
            let this = this.clone();
            let (cells, stats) = (Box::default(), Stats::default());
            let mut environment = ModuleEnvironment { module, layout, settings, types, stats, cells, bodies, this };
            let cell = |body: &LazyBody| FuncCell {
                native: AtomicPtr::new(std::ptr::null_mut()),
                array_call: AtomicPtr::new(exec::array_to_interpreter as *mut c_void),
                interpreter_entry: AtomicPtr::new(exec::lower_stub().cast_mut()),
                body: AtomicPtr::new(std::ptr::from_ref(body).cast_mut().cast()),
                native_to_interpreter: AtomicPtr::new(std::ptr::null_mut()),
                tail_call_trampoline: AtomicPtr::new(std::ptr::null_mut()),
                array_slots: environment.array_slots(body.index),
                type_id: environment.type_id(body.index),
            };
            environment.cells = environment.bodies.iter().map(cell).collect();
            environment
        });
        ModuleCode { environment }
    }

    /// Walks every function in lockstep with the validator and lowers it. Discards the code.
    ///
    /// # Errors
    /// If the walk and the validator disagree about a stack, or a function cannot be lowered.
    pub fn check(&self, features: Features) -> Result<()> {
        let environment = &*self.environment;
        walk::cross_check(&environment.module, features, |_| Lowering::unlimited(environment))
    }

    /// Returns the input of lowering.
    pub fn environment(&self) -> &ModuleEnvironment {
        &self.environment
    }
}

impl ModuleEnvironment {
    /// Returns an owned reference to the environment, unless it is being dropped.
    pub fn share(&self) -> Option<Arc<ModuleEnvironment>> {
        self.this.upgrade()
    }

    /// Returns the cells: defined functions first, then constant expressions.
    pub fn cells(&self) -> &[FuncCell] {
        &self.cells
    }

    /// Returns the cell of a defined function.
    pub fn cell(&self, defined: u32) -> *const FuncCell {
        &self.cells[defined as usize]
    }

    /// Returns the cell of a constant expression.
    pub fn const_cell(&self, index: u32) -> *const FuncCell {
        &self.cells[self.module.bodies.len() + index as usize]
    }

    /// Returns the sorted indices of the defined functions that were lowered. These functions were called while they
    /// had no native code.
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

    /// Returns the length of a body in the module, in bytes.
    fn body_bytes(&self, index: u32) -> usize {
        self.module.bodies.get(index as usize).map_or(0, |range| range.len())
    }

    /// Lowers a function or constant expression after calling `prepare`. The result is deterministic.
    ///
    /// On failure, also returns the partial code.
    pub(crate) fn lower<'e>(&'e self, index: u32, prepare: impl Fn(&mut Lowering<'e>)) -> (Lowering<'e>, Result<()>) {
        let (lowering, walked) = self.walk(index, Lowering::new(self, self.body_bytes(index)), &prepare);
        match lowering.has_bailed_out() {
            true => self.walk(index, Lowering::canonical_slots(self), &prepare),
            false => (lowering, walked),
        }
    }

    fn walk<'e>(
        &self,
        index: u32,
        mut lowering: Lowering<'e>,
        prepare: impl Fn(&mut Lowering<'e>),
    ) -> (Lowering<'e>, Result<()>) {
        prepare(&mut lowering);
        let metering = self.settings.metering.as_ref();
        let walked = match index.checked_sub(self.module.bodies.len() as u32) {
            None => walk::function(&self.module, index, metering, &mut lowering),
            Some(constant) => walk::constant(&self.module, constant, metering, &mut lowering),
        };
        (lowering, walked)
    }
}

impl Code {
    /// Returns the address of the first instruction.
    pub(crate) fn start(&self) -> *const u32 {
        // Derived from the whole slice, because entering code also reads the word before the first instruction.
        self.words.as_ptr().wrapping_add(self.entry)
    }
}

impl LazyBody {
    /// Returns the environment in which the body is lowered.
    pub fn environment(&self) -> &ModuleEnvironment {
        // SAFETY: the environment owns this body and does not move.
        unsafe { &*self.environment.0 }
    }

    /// Returns the function's index in the module; `None` for a constant expression.
    pub fn func_index(&self) -> Option<u32> {
        let module = &self.environment().module;
        ((self.index as usize) < module.bodies.len()).then_some(module.imported_funcs + self.index)
    }

    /// Returns the body's cell.
    pub fn cell(&self) -> &FuncCell {
        &self.environment().cells[self.index as usize]
    }

    /// Returns the code, lowering the body if necessary. Publishes the code in the cell before it returns.
    pub(crate) fn code(&self) -> &Result<Code> {
        let code = self.code.get_or_init(|| {
            let start = Instant::now();
            let (lowering, walked) = self.environment().lower(self.index, |_| ());
            let lowered = walked.and_then(|()| lowering.finish());
            let words = lowered.as_ref().map_or(0, |code| code.words.len());
            self.environment().stats.lowered.add(1, words * size_of::<u32>(), start);
            match &lowered {
                Ok(code) => trace!(function = self.func_index(), words = code.words.len(), "function lowered"),
                Err(error) => debug!(function = self.func_index(), %error, "function not lowered"),
            }
            lowered
        });
        if let Ok(code) = code {
            let _ = self.cell().interpreter_entry.compare_exchange(
                exec::lower_stub().cast_mut(),
                code.start().cast_mut(),
                Ordering::Release,
                Ordering::Relaxed,
            );
        }
        code
    }

    /// Returns the word offset of an address in the code.
    pub(crate) fn offset_of(&self, ip: *const u32) -> Option<u32> {
        let code = self.code.get()?.as_ref().ok()?;
        let offset = (ip as usize).checked_sub(code.words.as_ptr() as usize)? / size_of::<u32>();
        (offset <= code.words.len()).then_some(offset as u32)
    }

    /// Relowers the body and records source locations.
    ///
    /// Backtraces are rare, and storing a location for every instruction would double the size of the code. If lowering
    /// fails, the locations end there.
    fn relower_with_sources(&self) -> Lowering<'_> {
        self.environment().lower(self.index, Lowering::record_sources).0
    }

    /// Returns the body's source map. Costs as much as lowering the body.
    pub fn sources(&self) -> BytecodeSourceMap {
        BytecodeSourceMap(self.relower_with_sources().sources().into())
    }

    /// Returns the byte offset in the module of the operator that is running in a frame with this resume address.
    pub fn source_offset(&self, sources: &BytecodeSourceMap, ip: *const u32) -> Option<u32> {
        let at = self.offset_of(ip)?.saturating_sub(1);
        let after = sources.0.partition_point(|(word, _)| *word <= at);
        Some(sources.0.get(after.checked_sub(1)?)?.1)
    }

    /// Returns the error if lowering has failed.
    pub fn lowering_error(&self) -> Option<&Error> {
        self.code.get()?.as_ref().err()
    }

    /// Returns the byte offset in the module of the loop whose header is at `ip`. Loops that share a header also share
    /// their state, so any of them will do.
    pub fn loop_offset(&self, ip: *const u32) -> Option<u32> {
        let at = self.offset_of(ip)?;
        let loops = &self.code.get()?.as_ref().ok()?.loops;
        Some(loops[loops.binary_search_by_key(&at, |(word, _)| *word).ok()?].1)
    }

    /// Returns the byte offsets in the module of the function's reachable loops, sorted.
    pub fn loop_offsets(&self) -> Vec<u32> {
        self.code().as_ref().map_or_else(|_| Vec::new(), |code| code.loops.iter().map(|(_, offset)| *offset).collect())
    }

    /// Returns the clause that catches an exception with this tag in a frame with this resume address, and the address
    /// of its target.
    ///
    /// # Safety
    /// `vmctx` is a live instance of the body's module.
    pub(crate) unsafe fn find_clause(
        &self,
        ip: *const u32,
        vmctx: *const VmCtx,
        thrown: *const VmTag,
    ) -> Option<(&CatchClause, *const u32)> {
        let code = self.code.get()?.as_ref().ok()?;
        let at = self.offset_of(ip)?.saturating_sub(1);
        let ranges = code.handlers.iter().filter(|range| range.start <= at && at < range.end);
        let catches = |clause: &&CatchClause| {
            // SAFETY: the caller promises a live instance of the module (see `# Safety`), and tag offsets in code are
            // valid for its instances.
            clause.tag.is_none_or(|tag| unsafe { *vmctx.byte_add(tag as usize).cast::<*const VmTag>() } == thrown)
        };
        let clause = ranges.flat_map(|range| range.clauses.iter()).find(catches)?;
        Some((clause, code.words.as_ptr().wrapping_add(clause.target as usize)))
    }

    /// Returns the slots that hold GC references in a frame with this resume address.
    pub fn gc_slots(&self, ip: *const u32) -> impl Iterator<Item = &u32> {
        let (locals, operands): (&[u32], &[u32]) = match (self.offset_of(ip), self.code.get()) {
            (Some(at), Some(Ok(code))) => match code.safepoints.binary_search_by_key(&at, |s| s.at) {
                Ok(i) => (&code.gc_locals, &code.safepoints[i].slots),
                Err(_) => (&code.gc_locals, &[]),
            },
            _ => (&[], &[]),
        };
        locals.iter().chain(operands)
    }
}
