//! The native tier's side of the engine: where machine code is published and found again by address, how native code
//! and the rest call one another, and where it goes on after a throw or trap.
//!
//! Invariants:
//! - Code is immutable once published. That of a module is freed with it, that of a signature when no type has it any more
//!   (`trampoline`), all other with the engine, which every module and store keeps.
//! - Only code made by `kinglet-jit` from validated bodies, or its trampolines, is published; `registry` knows all of
//!   it, so that every return address in a native segment of the stack is found there.
//! - [`NativeBuiltins`] is filled before the first code is published, and with that before anything can use it.
//! - A native activation's frames are the chain of frame pointers from its exit frame to its entry frame.

mod arena;
mod coherence;
mod collect;
mod forward;
mod index;
mod lines;
pub(crate) mod profile;
mod registry;
mod resume;
mod running;
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")))]
mod signals;
#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64"))))]
#[path = "native/signals_absent.rs"]
mod signals;
mod tier_up;
mod trampoline;
mod walk;

use std::collections::{BTreeMap, HashSet};
use std::ffi::c_void;
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Instant;

use kinglet_abi::image::FunctionCode;
use kinglet_abi::{
    ActivationKind, ArrayFn, CodeImage, FuncCell, INTERRUPT_SAMPLE, Libcall, NativeBuiltins, Reservation, Settings,
    Status, Trap, VmCtx, VmStore,
};
use kinglet_interp::code::ModuleEnvironment;
use kinglet_interp::frame::Record;
use kinglet_interp::{Body, array_stub};
use kinglet_jit::{CalleeAddress, CompileLimits, Compiler, ModuleImage, OsrImage, Signature, Trampoline};
use kinglet_wasm::module::ExternIndex;
use kinglet_wasm::name::demangle;
use kinglet_wasm::types::{TypeId, TypeRegistry};
use tracing::{debug, trace};

pub(super) use arena::Mapping;
use lines::Lines;
use profile::Line;
use registry::{Known, Owner};
pub(super) use resume::activation_catches;
pub(super) use running::running;
use tier_up::{Met, TierUp};
use trampoline::Trampolines;
pub(super) use walk::{NativeFrame, frames, visit_roots};

use super::precompiled::Loaded;
use crate::artifact::TABLES;
use crate::config::{Config, Profile, RunMode};
use crate::dwarf::DebugInfo;
use crate::{Error, Result};

/// What part of the memory that compiling a function may take it may take beside other work.
const BACKGROUND_PART: usize = 4;

/// Whether native code runs on this processor. That of others can be made all the same.
const RUNS: bool = cfg!(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64"));

/// What the system lets an engine do, tried once when it is made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Support {
    /// Whether memory can be made executable.
    pub(crate) code: bool,
    /// Whether faults can be turned into traps.
    pub(crate) faults: bool,
    /// Whether address space of this size can be reserved.
    pub(crate) reservation: bool,
}

impl Support {
    /// Tries; `reservation` is what each memory wants, if faults are wanted at all.
    pub(crate) fn probe(faults: bool, reservation: Option<Reservation>) -> Support {
        let faults = faults && signals::install();
        let wanted = reservation.filter(|_| faults).map(|r| r.bytes.saturating_add(r.guard));
        let wanted = wanted.and_then(|bytes| usize::try_from(bytes).ok());
        let reserved = wanted.is_some_and(|bytes| super::region::Region::reserved(bytes, 0).is_ok());
        Support { code: RUNS && Mapping::executable(&[0]).is_ok(), faults, reservation: reserved }
    }
}

/// The native tier of an engine.
#[derive(Debug)]
pub(crate) struct Tier {
    /// Itself, for its threads.
    this: Weak<Tier>,
    natives: Box<NativeBuiltins>,
    types: Arc<TypeRegistry>,
    settings: Arc<Settings>,
    /// Who is told of code that is published.
    profile: Option<Profile>,
    /// What compiles hot code, if the engine wants that.
    up: Option<TierUp>,
    loops_entered: AtomicU64,
    /// Held while the compiler is made.
    making: Mutex<()>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    compiler: Option<Arc<Compiler>>,
    trampolines: Trampolines,
    /// Loops that have native code: the function's cell and the loop's offset in the module.
    loops: BTreeMap<(usize, u32), LoopCode>,
}

/// Native code of a loop.
#[derive(Debug)]
struct LoopCode {
    start: usize,
    /// How many bytes its frame takes of the stack, at most.
    frame: usize,
    /// Whether a frame has gone over to it.
    entered: bool,
}

impl Tier {
    /// A tier without code. Costs nothing until something is compiled.
    pub(crate) fn new(types: Arc<TypeRegistry>, settings: Arc<Settings>, config: &Config) -> Arc<Tier> {
        let tiers_up = config.run_mode == RunMode::Auto && config.tier_up;
        let up = tiers_up.then(|| TierUp::new(config.tier_thresholds, config.background_threads()));
        let tier = Arc::new_cyclic(|this| Tier {
            this: this.clone(),
            natives: Box::default(),
            types,
            settings,
            profile: config.profile,
            up,
            loops_entered: AtomicU64::new(0),
            making: Mutex::default(),
            state: Mutex::default(),
        });
        tier.natives.tier.store(Arc::as_ptr(&tier).cast_mut().cast(), Ordering::Release);
        tier
    }

    /// The engine goes: its threads end before this returns.
    pub(crate) fn stop(&self) {
        if let Some(up) = &self.up {
            up.stop();
        }
    }

    /// Waits until all that is known to be hot has native code.
    pub(crate) fn settle(&self) {
        if let Some(up) = &self.up {
            up.settle();
        }
    }

    /// A store goes.
    pub(super) fn unwatch(&self, vm: NonNull<VmStore>) {
        if let Some(up) = &self.up {
            up.unwatch(vm);
        }
    }

    /// What stores point to.
    pub(crate) fn natives(&self) -> *const NativeBuiltins {
        &*self.natives
    }

    pub(crate) fn loops_entered(&self) -> u64 {
        self.loops_entered.load(Ordering::Relaxed)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }

    fn signature(&self, ty: u32) -> Signature {
        Signature::new(&self.types.func(TypeId(ty)), &self.types)
    }

    /// Gives every function of a module native code, as far as there can be; `done` is told how many have it.
    pub(crate) fn compile_module(
        &self,
        environment: &ModuleEnvironment,
        threads: usize,
        done: impl FnMut(u32),
    ) -> Result<()> {
        room_to_compile()?;
        let start = Instant::now();
        let all = kinglet_jit::defined_functions(&environment.module);
        let (compiler, limits) = (self.compiler()?, limits(environment));
        let image = image(&compiler, environment, &environment.settings, limits, &all, threads, done)?.image;
        environment.stats.compiled.add(image.functions.len(), image.text.len(), start);
        let (code, tables, memory) = in_place(image)?;
        self.publish_module(environment, code, tables, Some(memory));
        Ok(())
    }

    /// Gives the functions of a module the native code that is mapped there.
    ///
    /// # Safety
    /// The code was made for the very module, with settings and on a machine as these, by this build, and is unchanged.
    pub(super) unsafe fn publish_mapped(
        &self,
        environment: &ModuleEnvironment,
        loaded: Arc<Loaded>,
        text: &Range<usize>,
        tables: &[Range<usize>; TABLES],
        trampolines: Vec<(Trampoline, CodeImage)>,
    ) -> Result<()> {
        {
            let mut state = self.state();
            for (which, image) in trampolines {
                self.add_trampoline(&mut state, which, image)?;
            }
        }
        let memory = match loaded.mapping().execute(text) {
            Some(_) => None,
            None => Some(Mapping::executable(&loaded.bytes()[text.clone()])?),
        };
        let start = memory.as_ref().map_or(loaded.mapping().start() + text.start, Mapping::start);
        // SAFETY: the caller promises that the code was made for the module by this build, and is unchanged.
        let tables = unsafe { Known::mapped(loaded, tables) };
        self.publish_module(environment, start..start + text.len(), tables, memory);
        Ok(())
    }

    fn publish_module(
        &self,
        environment: &ModuleEnvironment,
        code: Range<usize>,
        tables: Known,
        memory: Option<Mapping>,
    ) {
        let functions: Vec<FunctionCode> = tables.tables().functions.to_vec();
        debug!(functions = functions.len(), bytes = code.len(), "native code is there");
        let cells = environment.cells();
        registry::add(owner(environment), code.clone(), tables, Owner::module(cells), memory);
        self.tell(|| {
            let place = |f: &FunctionCode| code.start + f.start as usize..code.start + f.end as usize;
            let lines = self.lines(environment);
            let of = move |f: &FunctionCode| lines.as_ref().map_or_else(Vec::new, |lines| lines.of(f));
            functions.iter().map(move |f| (name(environment, f.function), place(f), of(f)))
        });
        for function in &functions {
            if let Some(cell) = cells[..environment.module.bodies.len()].get(function.function as usize) {
                give(cell, code.start + function.start as usize);
            }
        }
    }

    /// Gives functions of a module native code, as far as there can be; they are in order. Stores that run them take it at
    /// their next call. `publish` is given what makes it known, to do it or not.
    pub(crate) fn compile(
        &self,
        environment: &ModuleEnvironment,
        functions: &[u32],
        limits: CompileLimits<'_>,
        publish: impl FnOnce(Box<dyn FnOnce() + '_>),
    ) -> Result<()> {
        room_to_compile()?;
        let start = Instant::now();
        let compiled = self.compiler()?.functions(jit_environment(environment, limits), functions, 1, |_| ())?;
        for (defined, why) in &compiled.skipped {
            let function = name(environment, *defined);
            if compiled.image.functions.is_empty() {
                return Err(Error::msg(format!("{function}: {why}")));
            }
            debug!(function, %why, "stays interpreted");
        }
        // What its calls and its callers need is made here rather than where they run.
        for signature in compiled.indirect_signatures {
            self.shared(Trampoline::NativeToInterpreter(signature))?;
        }
        let image = compiled.image;
        environment.stats.compiled.add(image.functions.len(), image.text.len(), start);
        for function in &image.functions {
            let signature = self.signature(environment.cells()[function.function as usize].type_id);
            self.shared(Trampoline::ArrayToNative(signature))?;
        }
        let (code, tables, memory) = in_place(image)?;
        publish(Box::new(|| self.publish_module(environment, code, tables, Some(memory))));
        Ok(())
    }

    /// The module goes, and with it its code and the cells by which that is known.
    pub(crate) fn forget(&self, environment: &ModuleEnvironment) {
        let cells = environment.cells().as_ptr_range();
        let cells = cells.start as usize..cells.end as usize;
        if let Some(up) = &self.up {
            up.forget(environment);
        }
        let mut state = self.state();
        let its: Vec<_> = state.loops.range((cells.start, 0)..(cells.end, 0)).map(|(key, _)| *key).collect();
        its.iter().for_each(|key| _ = state.loops.remove(key));
        drop(state);
        registry::forget(owner(environment));
    }

    /// The byte offset in the module of a function's loop, the `ordinal`th in the order of its body.
    pub(crate) fn loop_offset(&self, environment: &ModuleEnvironment, defined: u32, ordinal: usize) -> Result<u32> {
        // SAFETY: the environment's cells live as long as it, and have bodies.
        let loops = unsafe { (*(*environment.cell(defined)).body().cast::<Body>()).loop_offsets() };
        loops.get(ordinal).copied().ok_or_else(|| Error::msg("the function has not as many loops"))
    }

    /// Gives a loop of a function, by its byte offset in the module, native code to enter from the interpreter. `publish`
    /// is as for [`Tier::compile`].
    pub(crate) fn compile_loop(
        &self,
        environment: &ModuleEnvironment,
        defined: u32,
        header: u32,
        limits: CompileLimits<'_>,
        publish: impl FnOnce(Box<dyn FnOnce() + '_>),
    ) -> Result<()> {
        let cells = environment.cells();
        let known = |defined: u32| {
            let cell = &cells[defined as usize];
            let native = cell.native.load(Ordering::Acquire);
            CalleeAddress {
                cell: std::ptr::from_ref(cell) as u64,
                native: (!native.is_null()).then_some(native as u64),
            }
        };
        room_to_compile()?;
        let start = Instant::now();
        let jit = jit_environment(environment, limits);
        let made = self.compiler()?.osr_entry(jit, defined, header, &known)?;
        let OsrImage { image, indirect_signatures, frame_size: frame } = made;
        environment.stats.compiled.add(1, image.text.len(), start);
        for signature in indirect_signatures {
            self.shared(Trampoline::NativeToInterpreter(signature))?;
        }
        let (code, tables, memory) = in_place(image)?;
        publish(Box::new(|| {
            let cell = &cells[defined as usize];
            registry::add(owner(environment), code.clone(), tables, Owner::function(cell), Some(memory));
            let title = || format!("{}, loop at {header:#x}", name(environment, defined));
            self.tell(|| std::iter::once((title(), code.clone(), Vec::new())));
            let code = LoopCode { start: code.start, frame: frame as usize, entered: false };
            self.state().loops.insert((std::ptr::from_ref(cell).addr(), header), code);
        }));
        Ok(())
    }

    /// The compiler, made with the trampolines that every native code needs when first asked for.
    fn compiler(&self) -> Result<Arc<Compiler>> {
        if let Some(compiler) = &self.state().compiler {
            return Ok(compiler.clone());
        }
        // Guests wait for the state, and not while this is made.
        let _making = self.making.lock().unwrap_or_else(|e| e.into_inner());
        if let Some(compiler) = &self.state().compiler {
            return Ok(compiler.clone());
        }
        let compiler = Compiler::new(&self.settings)?;
        trace!("compiler made");
        for which in Trampoline::COMMON {
            if self.common(&which).is_some_and(|entry| entry.load(Ordering::Relaxed).is_null()) {
                let image = compiler.trampoline(&which, super::host::HOST_LAYOUT)?;
                self.add_trampoline(&mut self.state(), which, image)?;
            }
        }
        Ok(self.state().compiler.insert(Arc::new(compiler)).clone())
    }

    /// Where the address of a trampoline is that all code needs.
    fn common(&self, which: &Trampoline) -> Option<&AtomicPtr<c_void>> {
        match which {
            Trampoline::Libcall => Some(&self.natives.libcall),
            Trampoline::Throw => Some(&self.natives.throw),
            Trampoline::Raise => Some(&self.natives.raise),
            Trampoline::OsrEntry => Some(&self.natives.osr_entry),
            Trampoline::NativeToHost(_)
            | Trampoline::ArrayToNative(_)
            | Trampoline::NativeToInterpreter(_)
            | Trampoline::TailCall(_) => None,
        }
    }

    /// Publishes a trampoline, if there is none like it yet.
    fn add_trampoline(&self, state: &mut State, which: Trampoline, image: CodeImage) -> Result<()> {
        let set = |entry: &AtomicPtr<c_void>, to: *const c_void| entry.store(to.cast_mut(), Ordering::Release);
        match self.common(&which) {
            Some(entry) => {
                if entry.load(Ordering::Relaxed).is_null() {
                    let code = state.trampolines.publish(self.owner(), image)?;
                    set(entry, code.start as *const c_void);
                    self.tell_of(&which, code);
                }
            }
            None => _ = self.add_shared(state, which, image)?,
        }
        set(&self.natives.resume, resume::resume as *const c_void);
        set(&self.natives.enter_interpreter, enter as *const c_void);
        set(&self.natives.unwind, unwind as *const c_void);
        set(&self.natives.fail, fail as *const c_void);
        set(&self.natives.stack_exhausted, forward::interpret as *const c_void);
        set(&self.natives.lazy_stub, forward::ask as *const c_void);
        Ok(())
    }

    /// Publishes one that functions of a signature share, unless another thread was faster.
    fn add_shared(&self, state: &mut State, which: Trampoline, image: CodeImage) -> Result<usize> {
        if let Some(code) = state.trampolines.get(&which) {
            return Ok(code);
        }
        let code = state.trampolines.add(self.owner(), &self.types, which.clone(), image)?;
        self.tell_of(&which, code.clone());
        Ok(code.start)
    }

    /// By what the engine's own code is known to be its.
    fn owner(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// Tells the profiler of a trampoline.
    fn tell_of(&self, which: &Trampoline, code: Range<usize>) {
        self.tell(|| std::iter::once((format!("[kinglet] {}", title(which)), code, Vec::new())));
    }

    /// Tells the profiler, if there is one, of code that was just published.
    fn tell<I: Iterator<Item = (String, Range<usize>, Vec<Line>)>>(&self, pieces: impl FnOnce() -> I) {
        let Some(profile) = self.profile else { return };
        let piece = |(name, code, lines): (String, Range<usize>, Vec<Line>)| {
            // SAFETY: published code is mapped to be read as well, and does not change; whoever publishes it keeps it.
            let code = unsafe { std::slice::from_raw_parts(code.start as *const u8, code.len()) };
            profile::Piece { name, code, lines }
        };
        if let Err(error) = profile::record(profile, pieces().map(piece)) {
            debug!(%error, "code is not told to the profiler");
        }
    }

    /// A module's lines, if a profiler asks for them and they are known.
    fn lines<'a>(&self, environment: &'a ModuleEnvironment) -> Option<Lines<'a>> {
        let info = (self.profile == Some(Profile::JitDump)).then(|| DebugInfo::read(&environment.module))??;
        Some(Lines { environment, compiler: self.compiler().ok()?, info })
    }

    /// Where a trampoline is that functions of one signature share. It stays as long as one of them has a cell.
    fn shared(&self, which: Trampoline) -> Result<usize> {
        if let Some(code) = self.state().trampolines.get(&which) {
            return Ok(code);
        }
        let image = self.compiler()?.trampoline(&which, super::host::HOST_LAYOUT)?;
        trace!(kind = title(&which), "trampoline made");
        self.add_shared(&mut self.state(), which, image)
    }

    /// Native code of a function: for a host function it is made now; none for a guest's that has none.
    fn native_entry(&self, cell: &FuncCell) -> Result<Option<*mut c_void>> {
        let native = cell.native.load(Ordering::Acquire);
        if !native.is_null() || !cell.body().is_null() {
            return Ok((!native.is_null()).then_some(native));
        }
        let native = self.shared(Trampoline::NativeToHost(self.signature(cell.type_id)))? as *mut c_void;
        cell.native.store(native, Ordering::Release);
        Ok(Some(native))
    }

    /// Where native code calls a guest's function that has no native code.
    fn bridge_to(&self, cell: &FuncCell) -> Result<*mut c_void> {
        let mut bridge = cell.native_to_interpreter.load(Ordering::Acquire);
        if bridge.is_null() {
            bridge = self.shared(Trampoline::NativeToInterpreter(self.signature(cell.type_id)))? as *mut c_void;
            cell.native_to_interpreter.store(bridge, Ordering::Release);
        }
        Ok(bridge)
    }
}

/// Whether the system has what compiling most functions takes: the compiler's own allocations cannot fail, but would end
/// the process.
fn room_to_compile() -> Result<()> {
    const ENOUGH: usize = 32 << 20;
    if super::room::is_there_for_the_host(ENOUGH) { Ok(()) } else { Err(Error::msg("no memory to compile with")) }
}

/// Compiles functions of a module, which are in order, as far as it can be done, with these settings.
pub(crate) fn image(
    compiler: &Compiler,
    environment: &ModuleEnvironment,
    settings: &Settings,
    limits: CompileLimits<'_>,
    functions: &[u32],
    threads: usize,
    done: impl FnMut(u32),
) -> Result<ModuleImage> {
    let environment_of_jit = kinglet_jit::CompileEnvironment { settings, ..jit_environment(environment, limits) };
    let compiled = compiler.functions(environment_of_jit, functions, threads, done)?;
    for (defined, why) in &compiled.skipped {
        debug!(function = environment.module.imported_funcs + defined, %why, "stays interpreted");
    }
    Ok(compiled)
}

/// The trampolines that a module's instances are likely to need: those of what it imports and exports.
pub(crate) fn trampolines(
    compiler: &Compiler,
    environment: &ModuleEnvironment,
) -> Result<Vec<(Trampoline, CodeImage)>> {
    make_trampolines(compiler, likely(environment))
}

fn likely(environment: &ModuleEnvironment) -> impl Iterator<Item = Trampoline> {
    let module = &environment.module;
    let signature = |func: u32| Signature::new(module.func_type(func), &environment.types);
    let exported = module.exports.iter().filter_map(|export| match export.index {
        ExternIndex::Func(func) => Some(func),
        _ => None,
    });
    let imported = (0..module.imported_funcs).map(move |func| Trampoline::NativeToHost(signature(func)));
    let entered = exported.chain(module.start).map(move |func| Trampoline::ArrayToNative(signature(func)));
    Trampoline::COMMON.into_iter().chain(imported).chain(entered)
}

/// Makes them, each once.
fn make_trampolines(
    compiler: &Compiler,
    wanted: impl Iterator<Item = Trampoline>,
) -> Result<Vec<(Trampoline, CodeImage)>> {
    let mut seen = HashSet::new();
    let made = wanted.filter(|which| seen.insert(which.clone())).filter_map(|which| {
        match compiler.trampoline(&which, super::host::HOST_LAYOUT) {
            Ok(image) => Some(Ok((which, image))),
            // The functions it would be for have no code either.
            Err(kinglet_jit::CompileError::Unsupported(_)) => None,
            Err(error) => Some(Err(error.into())),
        }
    });
    made.collect()
}

/// What profilers and events call a function.
fn name(environment: &ModuleEnvironment, defined: u32) -> String {
    let index = environment.module.imported_funcs + defined;
    environment.module.func_name(index).map_or_else(|| format!("func[{index}]"), |name| demangle(name).into_owned())
}

/// The same of one of which the interpreter knows.
fn name_of(body: &Body) -> String {
    let environment = body.environment();
    body.func_index().map_or_else(String::new, |index| name(environment, index - environment.module.imported_funcs))
}

fn title(which: &Trampoline) -> &'static str {
    match which {
        Trampoline::Libcall => "libcall",
        Trampoline::Throw => "throw",
        Trampoline::Raise => "raise",
        Trampoline::OsrEntry => "enter loop",
        Trampoline::NativeToHost(_) => "host call",
        Trampoline::ArrayToNative(_) => "entry",
        Trampoline::NativeToInterpreter(_) => "bridge",
        Trampoline::TailCall(_) => "adapter",
    }
}

/// How a function becomes machine code.
pub(crate) fn listing(
    compiler: &Compiler,
    environment: &ModuleEnvironment,
    defined: u32,
) -> Result<kinglet_jit::NativeListing> {
    Ok(compiler.listing(jit_environment(environment, limits(environment)), defined)?)
}

/// Gives code memory of its own: where it is, its tables, and the memory.
fn in_place(mut image: CodeImage) -> Result<(Range<usize>, Known, Mapping)> {
    let lead = image.alignment.next_address(0);
    let mut text = std::mem::take(&mut image.text);
    text.splice(..0, std::iter::repeat_n(0, lead));
    let memory = Mapping::executable(&text)?;
    let code = memory.start() + lead..memory.start() + text.len();
    Ok((code, Known::Made(Box::new(image)), memory))
}

impl Drop for Tier {
    fn drop(&mut self) {
        // Before the memory of its trampolines goes.
        registry::forget(self.owner());
    }
}

/// By what a module's code is known to be its.
fn owner(environment: &ModuleEnvironment) -> usize {
    std::ptr::from_ref(environment).addr()
}

/// Publishes native code of a function.
fn give(cell: &FuncCell, code: usize) {
    cell.native.store(code as *mut c_void, Ordering::Release);
    cell.array_call.store(first_entry as *mut c_void, Ordering::Release);
    cell.interpreter_entry.store(array_stub().cast_mut(), Ordering::Release);
}

/// The array function of native code that has not been entered so before: has its signature's entry made. Without one the
/// function is interpreted.
unsafe extern "C" fn first_entry(callee: *mut VmCtx, caller: *mut VmCtx, slots: *mut u64) -> u32 {
    // SAFETY: called like every array function: with the callee's cell noted, and an array as large as that says.
    unsafe {
        let store = (*callee).store;
        let cell = &*(*store).callee;
        match with_tier(store, |tier| tier.shared(Trampoline::ArrayToNative(tier.signature(cell.type_id)))) {
            Ok(entry) => {
                cell.array_call.store(entry as *mut c_void, Ordering::Release);
                let entry: ArrayFn = std::mem::transmute(entry);
                entry(callee, caller, slots)
            }
            Err(error) => {
                debug!(%error, "native code cannot be entered: the function is interpreted");
                let kind = ActivationKind::Interpreter;
                kinglet_interp::call(store, kind, std::ptr::from_ref(cell), callee, slots) as u32
            }
        }
    }
}

/// [`NativeBuiltins::fail`].
unsafe extern "C" fn fail(store: *mut VmStore, status: u32) {
    // SAFETY: called by trampolines with their store, the exit frame noted in the innermost activation.
    unsafe { resume::prepare(store, Status::from_u32(status)) }
}

fn jit_environment<'a>(
    environment: &'a ModuleEnvironment,
    limits: CompileLimits<'a>,
) -> kinglet_jit::CompileEnvironment<'a> {
    kinglet_jit::CompileEnvironment {
        limits,
        module: &environment.module,
        layout: &environment.layout,
        settings: &environment.settings,
        types: &environment.types,
    }
}

/// What a compilation may take that somebody waits for.
pub(crate) fn limits(environment: &ModuleEnvironment) -> CompileLimits<'static> {
    CompileLimits { memory: environment.settings.compiler_memory, cancelled: None }
}

/// The same of one beside other work, until nobody wants it any more.
pub(crate) fn background_limits<'a>(environment: &ModuleEnvironment, abandoned: &'a AtomicBool) -> CompileLimits<'a> {
    CompileLimits { memory: environment.settings.compiler_memory / BACKGROUND_PART, cancelled: Some(abandoned) }
}

/// Borrows the tier of a store, while `f` runs.
///
/// # Safety
/// `store` is live until `f` returns.
#[inline(always)]
unsafe fn with_tier<R>(store: *const VmStore, f: impl FnOnce(&Tier) -> R) -> R {
    // SAFETY: the caller promises that the store is live; it has its engine, in which the tier is.
    unsafe { f(&*(*(*store).builtins).tier.load(Ordering::Acquire).cast::<Tier>()) }
}

/// The interpreter is about to run in a store: its engine is to learn what is hot.
///
/// # Safety
/// `store` is live.
#[inline(always)]
pub(super) unsafe fn watch(store: *mut VmStore) {
    // SAFETY: the caller promises that the store is live (see `# Safety`); other threads touch the field too, which is atomic.
    unsafe {
        if !(*store).is_sampled.load(Ordering::Relaxed) {
            start_watching(store);
        }
    }
}

#[cold]
unsafe fn start_watching(store: *mut VmStore) {
    if let Some(vm) = NonNull::new(store) {
        // SAFETY: the store is live: the caller, `watch`, was called for it.
        unsafe { with_tier(store, |tier| tier.watch(vm)) };
    }
}

/// [`NativeBuiltins::enter_interpreter`]: what a bridge calls.
unsafe extern "C" fn enter(store: *mut VmStore, cell: *const FuncCell, callee: *mut VmCtx, slots: *mut u64) -> u32 {
    // SAFETY: called by a bridge, with its own cell and instance, an array as large as the cell says, and the exit
    // frame noted in the innermost activation.
    unsafe {
        super::heap::before_call(store, cell, slots);
        watch(store);
        let status = kinglet_interp::call(store, ActivationKind::InterpreterFromNative, cell, callee, slots);
        // If it was not even begun.
        (*store).force_interpreted = std::ptr::null();
        match status {
            Status::Ok => Status::Ok as u32,
            Status::TailCall => match prepare_tail_call(store) {
                Ok(()) => Status::TailCall as u32,
                Err(_) => unwind(callee, Trap::OutOfMemory as u32),
            },
            status => {
                resume::prepare(store, status);
                status as u32
            }
        }
    }
}

/// Sees to it that there is an adapter for what the interpreter wants tail-called.
unsafe fn prepare_tail_call(store: *mut VmStore) -> Result<()> {
    // SAFETY: the store is live, and its tail target was set together with the status.
    unsafe {
        let cell = &*(*store).tail_call.cell;
        if cell.tail_call_trampoline.load(Ordering::Acquire).is_null() {
            let adapter = with_tier(store, |tier| {
                tier.native_entry(cell)?;
                tier.shared(Trampoline::TailCall(tier.signature(cell.type_id)))
            })?;
            cell.tail_call_trampoline.store(adapter as *mut c_void, Ordering::Release);
        }
        Ok(())
    }
}

/// [`NativeBuiltins::unwind`].
unsafe extern "C" fn unwind(vmctx: *mut VmCtx, code: u32) -> u32 {
    // SAFETY: called by trampolines with a live instance, the exit frame noted in the innermost activation.
    unsafe {
        let store = (*vmctx).store;
        let mut status = Status::Exception;
        if code != 0 {
            (*(*store).libcalls).get(Libcall::Raise)(vmctx, std::ptr::null_mut(), code, 0);
            status = Status::Trap;
        }
        resume::prepare(store, status);
        status as u32
    }
}

/// [`kinglet_abi::VmImport::lazy_stub`].
pub(super) fn asking() -> *mut c_void {
    forward::import as *mut c_void
}

/// Whether too little of the stack is left for native code with a frame of this many bytes, and what calls it. Once it is
/// entered it cannot go back.
unsafe fn is_deep(store: *const VmStore, frame: usize) -> bool {
    const CALLS: usize = 4 << 10;
    let here = 0_u8;
    // SAFETY: the store is live.
    std::ptr::from_ref(&here).addr().saturating_sub(frame + CALLS) < unsafe { (*store).stack_limit }
}

/// [`Libcall::Sample`].
pub(super) unsafe fn sample(vmctx: *mut VmCtx, slots: *mut u64, at_loop: u32) -> u32 {
    // SAFETY: called by the interpreter for its newest frame, which is noted if it is at a loop; one slot for the answer.
    unsafe {
        let store = (*vmctx).store;
        *slots = with_tier(store, |tier| sampled(tier, store, at_loop != 0)).map_or(0, |code| code as u64);
    }
    0
}

/// Notes what a store's interpreter is running; if it is at a loop that has native code to go over to, that.
///
/// # Safety
/// See [`sample`].
unsafe fn sampled(tier: &Tier, store: *mut VmStore, at_loop: bool) -> Option<usize> {
    // SAFETY: the caller promises that the store is live and that its interpreter has called out, with its frames noted.
    unsafe {
        if tier.up.as_ref().is_some_and(|up| !up.at_once()) {
            (*store).interrupt.fetch_and(!INTERRUPT_SAMPLE, Ordering::Relaxed);
            // It may be answering after it was given up: it waited for something.
            watch(store);
        }
        let record = (*store).record.cast::<Record>();
        let body = |record: *mut Record| (*record).cell.as_ref().and_then(|cell| cell.body().cast::<Body>().as_ref());
        let running = body(record);
        if !at_loop {
            // Until it called, its caller was running. Host functions have no body.
            let caller = body(record.add(1)).map(|caller| (caller, Met::Calling));
            tier.sampled(&mut running.map(|callee| (callee, Met::Entry)).into_iter().chain(caller));
            return None;
        }
        let running = running?;
        // A table of branches looks for interrupts wherever it goes.
        let header = running.loop_offset((*record).ip)?;
        tier.sampled(&mut std::iter::once((running, Met::Loop(header))));
        let mut state = tier.state();
        let code = state.loops.get_mut(&((*record).cell as usize, header))?;
        if is_deep(store, code.frame) {
            return None;
        }
        let (start, first) = (code.start, !std::mem::replace(&mut code.entered, true));
        drop(state);
        tier.loops_entered.fetch_add(1, Ordering::Relaxed);
        running.environment().stats.tier_up.osr_entries.fetch_add(1, Ordering::Relaxed);
        if first {
            trace!(function = name_of(running), "loop" = header, "entered in the middle");
        }
        Some(start)
    }
}
