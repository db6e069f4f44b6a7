//! The engine's side of the native tier: publication and lookup of machine code, calls between native code and the
//! other tiers, and the continuation after an exception or trap.
//!
//! Invariants:
//! - Code is immutable once published. A module's code is freed with the module, and a signature's trampolines when no
//!   type has the signature any more (`trampoline`). All other code is freed with the engine, which every module and
//!   store keeps alive.
//! - All published code comes from `kinglet-jit`, which compiles validated functions and trampolines. `registry` lists
//!   all of it, and thus finds every return address in a native segment of the stack.
//! - [`NativeBuiltins`] is complete before the first code is published, and so before any code can use it.
//! - The frames of a native activation are linked by frame pointers, from its exit frame to its entry frame.

mod arena;
mod coherence;
mod collect;
mod index;
mod line_map;
pub(crate) mod profile;
mod registry;
mod resume;
mod running;
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")))]
mod signals;
#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64"))))]
#[path = "native/signals_absent.rs"]
mod signals;
mod stubs;
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
use kinglet_interp::{LazyBody, array_stub};
use kinglet_jit::{CalleeAddress, CompileLimits, Compiler, ModuleImage, NativeSignature, OsrImage, Trampoline};
use kinglet_wasm::module::ExternIndex;
use kinglet_wasm::name::demangle;
use kinglet_wasm::types::{TypeId, TypeRegistry};
use tracing::{debug, trace};

pub(super) use arena::Mapping;
use line_map::LineMap;
use profile::SourceLine;
use registry::{CodeOwner, CodeTables};
pub(super) use resume::activation_catches;
pub(super) use running::running;
use tier_up::{SampleSite, TierUp};
use trampoline::Trampolines;
pub(super) use walk::{NativeFrame, frames, visit_roots};

use super::precompiled::LoadedArtifact;
use crate::artifact::TABLES;
use crate::config::{Config, Profile, RunMode};
use crate::dwarf::DebugInfo;
use crate::{Error, Result};

/// The fraction of the compiler's memory limit that a compilation may use while guests run.
const BACKGROUND_FRACTION: usize = 4;

/// Whether native code runs on this processor. Code for other processors can be compiled regardless.
const IS_SUPPORTED_TARGET: bool = cfg!(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64"));

/// The capabilities of the system, probed once per engine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemSupport {
    /// Whether memory can be made executable.
    pub(crate) code: bool,
    /// Whether faults can be converted to traps.
    pub(crate) faults: bool,
    /// Whether the requested address space can be reserved.
    pub(crate) reservation: bool,
}

impl SystemSupport {
    /// Probes the system. `faults` requests trap handling by signals; `reservation` is the reservation of a memory.
    pub(crate) fn probe(faults: bool, reservation: Option<Reservation>) -> SystemSupport {
        let faults = faults && signals::install();
        let wanted = reservation.filter(|_| faults).map(|r| r.bytes.saturating_add(r.guard));
        let wanted = wanted.and_then(|bytes| usize::try_from(bytes).ok());
        let reserved = wanted.is_some_and(|bytes| super::region::Region::reserved(bytes, 0).is_ok());
        SystemSupport { code: IS_SUPPORTED_TARGET && Mapping::executable(&[0]).is_ok(), faults, reservation: reserved }
    }
}

/// The native tier of an engine.
#[derive(Debug)]
pub(crate) struct Tier {
    /// A reference to itself, for its threads.
    this: Weak<Tier>,
    natives: Box<NativeBuiltins>,
    types: Arc<TypeRegistry>,
    settings: Arc<Settings>,
    /// The profiler output to which published code is reported.
    profile: Option<Profile>,
    /// Background compilation of hot code, if the engine is configured for it.
    tier_up: Option<TierUp>,
    loops_entered: AtomicU64,
    /// Held while the compiler is created.
    compiler_lock: Mutex<()>,
    state: Mutex<TierState>,
}

#[derive(Debug, Default)]
struct TierState {
    compiler: Option<Arc<Compiler>>,
    trampolines: Trampolines,
    /// OSR code, by the function's cell and the loop's module offset.
    osr_code: BTreeMap<(usize, u32), OsrCode>,
}

/// OSR code of a loop.
#[derive(Debug)]
struct OsrCode {
    start: usize,
    /// The stack size of its frame in bytes, at most.
    frame: usize,
    /// Whether an interpreter frame has entered it.
    entered: bool,
}

impl Tier {
    /// Creates a tier without code. The compiler is created on first use.
    pub(crate) fn new(types: Arc<TypeRegistry>, settings: Arc<Settings>, config: &Config) -> Arc<Tier> {
        let tiers_up = config.run_mode == RunMode::Auto && config.tier_up;
        let tier_up = tiers_up.then(|| TierUp::new(config.tier_thresholds, config.background_threads()));
        let tier = Arc::new_cyclic(|this| Tier {
            this: this.clone(),
            natives: Box::default(),
            types,
            settings,
            profile: config.profile,
            tier_up,
            loops_entered: AtomicU64::new(0),
            compiler_lock: Mutex::default(),
            state: Mutex::default(),
        });
        tier.natives.tier.store(Arc::as_ptr(&tier).cast_mut().cast(), Ordering::Release);
        tier
    }

    /// Stops the tier's threads, before the engine is dropped.
    pub(crate) fn stop(&self) {
        if let Some(tier_up) = &self.tier_up {
            tier_up.stop();
        }
    }

    /// Waits until all hot code is compiled.
    pub(crate) fn drain(&self) {
        if let Some(tier_up) = &self.tier_up {
            tier_up.drain();
        }
    }

    /// Removes a store that is being dropped from the sampler.
    pub(super) fn unwatch(&self, vm: NonNull<VmStore>) {
        if let Some(tier_up) = &self.tier_up {
            tier_up.unwatch(vm);
        }
    }

    /// Returns the table of runtime functions that stores point to.
    pub(crate) fn natives(&self) -> *const NativeBuiltins {
        &*self.natives
    }

    pub(crate) fn loops_entered(&self) -> u64 {
        self.loops_entered.load(Ordering::Relaxed)
    }

    fn state(&self) -> MutexGuard<'_, TierState> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }

    fn signature(&self, ty: u32) -> NativeSignature {
        NativeSignature::new(&self.types.func(TypeId(ty)), &self.types)
    }

    /// Compiles all functions of a module that can be compiled. Calls `done` with the number of compiled functions.
    pub(crate) fn compile_module(
        &self,
        environment: &ModuleEnvironment,
        threads: usize,
        done: impl FnMut(u32),
    ) -> Result<()> {
        check_memory()?;
        let start = Instant::now();
        let all = kinglet_jit::defined_functions(&environment.module);
        let (compiler, limits) = (self.compiler()?, limits(environment));
        let image = image(&compiler, environment, &environment.settings, limits, &all, threads, done)?.image;
        environment.stats.compiled.add(image.functions.len(), image.text.len(), start);
        let (code, tables, memory) = make_executable(image)?;
        self.publish_module(environment, code, tables, Some(memory));
        Ok(())
    }

    /// Publishes mapped code of a module.
    ///
    /// # Safety
    /// This build has compiled the code from this module, with these settings, for a compatible processor. The code is
    /// unchanged.
    pub(super) unsafe fn publish_mapped(
        &self,
        environment: &ModuleEnvironment,
        loaded: Arc<LoadedArtifact>,
        text: &Range<usize>,
        tables: &[Range<usize>; TABLES],
        trampolines: Vec<(Trampoline, CodeImage)>,
    ) -> Result<()> {
        {
            let mut state = self.state();
            for (trampoline, image) in trampolines {
                self.add_trampoline(&mut state, trampoline, image)?;
            }
        }
        let memory = match loaded.mapping().execute(text) {
            Some(_) => None,
            None => Some(Mapping::executable(&loaded.bytes()[text.clone()])?),
        };
        let start = memory.as_ref().map_or(loaded.mapping().start() + text.start, Mapping::start);
        // SAFETY: the caller promises that this build compiled the code from this module, and that it is unchanged.
        let tables = unsafe { CodeTables::mapped(loaded, tables) };
        self.publish_module(environment, start..start + text.len(), tables, memory);
        Ok(())
    }

    fn publish_module(
        &self,
        environment: &ModuleEnvironment,
        code: Range<usize>,
        tables: CodeTables,
        memory: Option<Mapping>,
    ) {
        let functions: Vec<FunctionCode> = tables.tables().functions.to_vec();
        debug!(functions = functions.len(), bytes = code.len(), "native code published");
        let cells = environment.cells();
        registry::add(owner(environment), code.clone(), tables, CodeOwner::module(cells), memory);
        self.report(|| {
            let range = |f: &FunctionCode| code.start + f.start as usize..code.start + f.end as usize;
            let line_map = self.line_map(environment);
            let of =
                move |f: &FunctionCode| line_map.as_ref().map_or_else(Vec::new, |line_map| line_map.of_function(f));
            functions.iter().map(move |f| (function_name(environment, f.function), range(f), of(f)))
        });
        for function in &functions {
            if let Some(cell) = cells[..environment.module.bodies.len()].get(function.function as usize) {
                publish_native(cell, code.start + function.start as usize);
            }
        }
    }

    /// Compiles functions of a module. The list is sorted. Functions that cannot be compiled stay interpreted. Stores
    /// switch to the new code at the next call. `publish` receives a closure that publishes the code, and may drop it.
    pub(crate) fn compile(
        &self,
        environment: &ModuleEnvironment,
        functions: &[u32],
        limits: CompileLimits<'_>,
        publish: impl FnOnce(Box<dyn FnOnce() + '_>),
    ) -> Result<()> {
        check_memory()?;
        let start = Instant::now();
        let compiled = self.compiler()?.functions(jit_environment(environment, limits), functions, 1, |_| ())?;
        for (defined, reason) in &compiled.skipped {
            let function = function_name(environment, *defined);
            if compiled.image.functions.is_empty() {
                return Err(Error::msg(format!("{function}: {reason}")));
            }
            debug!(function, %reason, "stays interpreted");
        }
        // Compile the trampolines for its calls and its callers now, so that no guest waits for them later.
        for signature in compiled.indirect_signatures {
            self.shared(Trampoline::NativeToInterpreter(signature))?;
        }
        let image = compiled.image;
        environment.stats.compiled.add(image.functions.len(), image.text.len(), start);
        for function in &image.functions {
            let signature = self.signature(environment.cells()[function.function as usize].type_id);
            self.shared(Trampoline::ArrayToNative(signature))?;
        }
        let (code, tables, memory) = make_executable(image)?;
        publish(Box::new(|| self.publish_module(environment, code, tables, Some(memory))));
        Ok(())
    }

    /// Removes a module that is being dropped, with its code.
    pub(crate) fn forget(&self, environment: &ModuleEnvironment) {
        let cells = environment.cells().as_ptr_range();
        let cells = cells.start as usize..cells.end as usize;
        if let Some(tier_up) = &self.tier_up {
            tier_up.forget(environment);
        }
        let mut state = self.state();
        let own: Vec<_> = state.osr_code.range((cells.start, 0)..(cells.end, 0)).map(|(key, _)| *key).collect();
        own.iter().for_each(|key| _ = state.osr_code.remove(key));
        drop(state);
        registry::forget(owner(environment));
    }

    /// Returns the module offset of the `ordinal`th loop in a function's body.
    pub(crate) fn loop_offset(&self, environment: &ModuleEnvironment, defined: u32, ordinal: usize) -> Result<u32> {
        // SAFETY: the environment's cells live as long as the environment, and have bodies.
        let loops = unsafe { (*(*environment.cell(defined)).body().cast::<LazyBody>()).loop_offsets() };
        loops.get(ordinal).copied().ok_or_else(|| Error::msg("the function has fewer loops"))
    }

    /// Compiles OSR code for a loop of a function, identified by its module offset. `publish` is as for
    /// [`Tier::compile`].
    pub(crate) fn compile_loop(
        &self,
        environment: &ModuleEnvironment,
        defined: u32,
        header: u32,
        limits: CompileLimits<'_>,
        publish: impl FnOnce(Box<dyn FnOnce() + '_>),
    ) -> Result<()> {
        let cells = environment.cells();
        let callee_address = |defined: u32| {
            let cell = &cells[defined as usize];
            let native = cell.native.load(Ordering::Acquire);
            CalleeAddress {
                cell: std::ptr::from_ref(cell) as u64,
                native: (!native.is_null()).then_some(native as u64),
            }
        };
        check_memory()?;
        let start = Instant::now();
        let jit = jit_environment(environment, limits);
        let osr_image = self.compiler()?.osr_entry(jit, defined, header, &callee_address)?;
        let OsrImage { image, indirect_signatures, frame_size: frame } = osr_image;
        environment.stats.compiled.add(1, image.text.len(), start);
        for signature in indirect_signatures {
            self.shared(Trampoline::NativeToInterpreter(signature))?;
        }
        let (code, tables, memory) = make_executable(image)?;
        publish(Box::new(|| {
            let cell = &cells[defined as usize];
            registry::add(owner(environment), code.clone(), tables, CodeOwner::function(cell), Some(memory));
            let code_name = || format!("{}, loop at {header:#x}", function_name(environment, defined));
            self.report(|| std::iter::once((code_name(), code.clone(), Vec::new())));
            let code = OsrCode { start: code.start, frame: frame as usize, entered: false };
            self.state().osr_code.insert((std::ptr::from_ref(cell).addr(), header), code);
        }));
        Ok(())
    }

    /// Returns the compiler. Creates it on first use, together with the trampolines that all native code needs.
    fn compiler(&self) -> Result<Arc<Compiler>> {
        if let Some(compiler) = &self.state().compiler {
            return Ok(compiler.clone());
        }
        // Guests may wait for the state, so its lock is not held while the compiler is created.
        let _lock = self.compiler_lock.lock().unwrap_or_else(|e| e.into_inner());
        if let Some(compiler) = &self.state().compiler {
            return Ok(compiler.clone());
        }
        let compiler = Compiler::new(&self.settings)?;
        trace!("compiler created");
        for trampoline in Trampoline::COMMON {
            if self.common(&trampoline).is_some_and(|entry| entry.load(Ordering::Relaxed).is_null()) {
                let image = compiler.trampoline(&trampoline, super::host::HOST_LAYOUT)?;
                self.add_trampoline(&mut self.state(), trampoline, image)?;
            }
        }
        Ok(self.state().compiler.insert(Arc::new(compiler)).clone())
    }

    /// Returns the entry of [`NativeBuiltins`] for a trampoline that all code shares; `None` for a signature's trampoline.
    fn common(&self, trampoline: &Trampoline) -> Option<&AtomicPtr<c_void>> {
        match trampoline {
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

    /// Publishes a trampoline, unless the tier already has an equal one.
    fn add_trampoline(&self, state: &mut TierState, trampoline: Trampoline, image: CodeImage) -> Result<()> {
        let set = |entry: &AtomicPtr<c_void>, to: *const c_void| entry.store(to.cast_mut(), Ordering::Release);
        match self.common(&trampoline) {
            Some(entry) => {
                if entry.load(Ordering::Relaxed).is_null() {
                    let code = state.trampolines.publish(self.owner(), image)?;
                    set(entry, code.start as *const c_void);
                    self.report_trampoline(&trampoline, code);
                }
            }
            None => _ = self.add_shared(state, trampoline, image)?,
        }
        set(&self.natives.resume, resume::resume as *const c_void);
        set(&self.natives.enter_interpreter, enter as *const c_void);
        set(&self.natives.unwind, unwind as *const c_void);
        set(&self.natives.fail, fail as *const c_void);
        set(&self.natives.stack_exhausted, stubs::interpret as *const c_void);
        set(&self.natives.lazy_stub, stubs::lazy_callee as *const c_void);
        Ok(())
    }

    /// Publishes a signature's trampoline, unless another thread has published it.
    fn add_shared(&self, state: &mut TierState, trampoline: Trampoline, image: CodeImage) -> Result<usize> {
        if let Some(code) = state.trampolines.get(&trampoline) {
            return Ok(code);
        }
        let code = state.trampolines.add(self.owner(), &self.types, trampoline.clone(), image)?;
        self.report_trampoline(&trampoline, code.clone());
        Ok(code.start)
    }

    /// Returns the identity of the engine as an owner of code.
    fn owner(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// Reports a trampoline to the profiler.
    fn report_trampoline(&self, trampoline: &Trampoline, code: Range<usize>) {
        self.report(|| std::iter::once((format!("[kinglet] {}", trampoline_kind(trampoline)), code, Vec::new())));
    }

    /// Reports newly published code to the profiler, if there is one.
    fn report<I: Iterator<Item = (String, Range<usize>, Vec<SourceLine>)>>(&self, pieces: impl FnOnce() -> I) {
        let Some(profile) = self.profile else { return };
        let piece = |(name, code, lines): (String, Range<usize>, Vec<SourceLine>)| {
            // SAFETY: published code is readable and never changes, and the caller keeps it alive.
            let code = unsafe { std::slice::from_raw_parts(code.start as *const u8, code.len()) };
            profile::CodePiece { name, code, lines }
        };
        if let Err(error) = profile::write(profile, pieces().map(piece)) {
            debug!(%error, "cannot report code to the profiler");
        }
    }

    /// Returns the source lines of a module, if the profiler needs them and they are known.
    fn line_map<'a>(&self, environment: &'a ModuleEnvironment) -> Option<LineMap<'a>> {
        let info = (self.profile == Some(Profile::JitDump)).then(|| DebugInfo::read(&environment.module))??;
        Some(LineMap { environment, compiler: self.compiler().ok()?, info })
    }

    /// Returns a signature's trampoline. Compiles it on first use. It exists as long as a cell has the signature.
    fn shared(&self, trampoline: Trampoline) -> Result<usize> {
        if let Some(code) = self.state().trampolines.get(&trampoline) {
            return Ok(code);
        }
        let image = self.compiler()?.trampoline(&trampoline, super::host::HOST_LAYOUT)?;
        trace!(kind = trampoline_kind(&trampoline), "trampoline compiled");
        self.add_shared(&mut self.state(), trampoline, image)
    }

    /// Returns a function's native code. Compiles the trampoline of a host function. Returns `None` for a guest
    /// function without native code.
    fn native_entry(&self, cell: &FuncCell) -> Result<Option<*mut c_void>> {
        let native = cell.native.load(Ordering::Acquire);
        if !native.is_null() || !cell.body().is_null() {
            return Ok((!native.is_null()).then_some(native));
        }
        let native = self.shared(Trampoline::NativeToHost(self.signature(cell.type_id)))? as *mut c_void;
        cell.native.store(native, Ordering::Release);
        Ok(Some(native))
    }

    /// Returns the trampoline through which native code calls an interpreted function.
    fn native_to_interpreter(&self, cell: &FuncCell) -> Result<*mut c_void> {
        let mut trampoline = cell.native_to_interpreter.load(Ordering::Acquire);
        if trampoline.is_null() {
            trampoline = self.shared(Trampoline::NativeToInterpreter(self.signature(cell.type_id)))? as *mut c_void;
            cell.native_to_interpreter.store(trampoline, Ordering::Release);
        }
        Ok(trampoline)
    }
}

/// Fails unless memory suffices to compile most functions. The compiler's own allocations must not fail, because that
/// aborts the process.
fn check_memory() -> Result<()> {
    const ENOUGH: usize = 32 << 20;
    if super::headroom::is_available(ENOUGH) { Ok(()) } else { Err(Error::msg("not enough memory to compile")) }
}

/// Compiles functions of a module with these settings. The list is sorted. Skips functions that cannot be compiled.
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
    for (defined, reason) in &compiled.skipped {
        debug!(function = environment.module.imported_funcs + defined, %reason, "stays interpreted");
    }
    Ok(compiled)
}

/// Compiles the trampolines that a module's instances probably need: those of its imports and exports.
pub(crate) fn trampolines(
    compiler: &Compiler,
    environment: &ModuleEnvironment,
) -> Result<Vec<(Trampoline, CodeImage)>> {
    compile_trampolines(compiler, likely_trampolines(environment))
}

fn likely_trampolines(environment: &ModuleEnvironment) -> impl Iterator<Item = Trampoline> {
    let module = &environment.module;
    let signature = |func: u32| NativeSignature::new(module.func_type(func), &environment.types);
    let exported = module.exports.iter().filter_map(|export| match export.index {
        ExternIndex::Func(func) => Some(func),
        _ => None,
    });
    let imported = (0..module.imported_funcs).map(move |func| Trampoline::NativeToHost(signature(func)));
    let entered = exported.chain(module.start).map(move |func| Trampoline::ArrayToNative(signature(func)));
    Trampoline::COMMON.into_iter().chain(imported).chain(entered)
}

/// Compiles trampolines, without duplicates.
fn compile_trampolines(
    compiler: &Compiler,
    wanted: impl Iterator<Item = Trampoline>,
) -> Result<Vec<(Trampoline, CodeImage)>> {
    let mut seen = HashSet::new();
    let compiled = wanted.filter(|trampoline| seen.insert(trampoline.clone())).filter_map(|trampoline| {
        match compiler.trampoline(&trampoline, super::host::HOST_LAYOUT) {
            Ok(image) => Some(Ok((trampoline, image))),
            // Functions of this signature cannot be compiled either.
            Err(kinglet_jit::CompileError::Unsupported(_)) => None,
            Err(error) => Some(Err(error.into())),
        }
    });
    compiled.collect()
}

/// Returns a function's name for profilers and events.
fn function_name(environment: &ModuleEnvironment, defined: u32) -> String {
    let index = environment.module.imported_funcs + defined;
    environment.module.func_name(index).map_or_else(|| format!("func[{index}]"), |name| demangle(name).into_owned())
}

/// Returns the name of a function by its body.
fn body_name(body: &LazyBody) -> String {
    let environment = body.environment();
    body.func_index()
        .map_or_else(String::new, |index| function_name(environment, index - environment.module.imported_funcs))
}

fn trampoline_kind(trampoline: &Trampoline) -> &'static str {
    match trampoline {
        Trampoline::Libcall => "libcall",
        Trampoline::Throw => "throw",
        Trampoline::Raise => "raise",
        Trampoline::OsrEntry => "OSR entry",
        Trampoline::NativeToHost(_) => "native to host",
        Trampoline::ArrayToNative(_) => "array to native",
        Trampoline::NativeToInterpreter(_) => "native to interpreter",
        Trampoline::TailCall(_) => "tail call",
    }
}

/// Returns the stages of a function's compilation.
pub(crate) fn listing(
    compiler: &Compiler,
    environment: &ModuleEnvironment,
    defined: u32,
) -> Result<kinglet_jit::NativeListing> {
    Ok(compiler.listing(jit_environment(environment, limits(environment)), defined)?)
}

/// Copies code to executable memory of its own. Returns its address range, its tables, and the memory.
fn make_executable(mut image: CodeImage) -> Result<(Range<usize>, CodeTables, Mapping)> {
    let lead = image.alignment.next_address(0);
    let mut text = std::mem::take(&mut image.text);
    text.splice(..0, std::iter::repeat_n(0, lead));
    let memory = Mapping::executable(&text)?;
    let code = memory.start() + lead..memory.start() + text.len();
    Ok((code, CodeTables::Built(Box::new(image)), memory))
}

impl Drop for Tier {
    fn drop(&mut self) {
        // Remove the trampolines from the registry before their memory is freed.
        registry::forget(self.owner());
    }
}

/// Returns the identity of a module as an owner of code.
fn owner(environment: &ModuleEnvironment) -> usize {
    std::ptr::from_ref(environment).addr()
}

/// Publishes a function's native code.
fn publish_native(cell: &FuncCell, code: usize) {
    cell.native.store(code as *mut c_void, Ordering::Release);
    cell.array_call.store(lazy_array_to_native as *mut c_void, Ordering::Release);
    cell.interpreter_entry.store(array_stub().cast_mut(), Ordering::Release);
}

/// The array function of native code before the first array call. It compiles the signature's array-to-native
/// trampoline. If that fails, the function is interpreted.
unsafe extern "C" fn lazy_array_to_native(callee: *mut VmCtx, caller: *mut VmCtx, slots: *mut u64) -> u32 {
    // SAFETY: this is called like every array function. `callee` of the store is the function's cell, and the array has
    // its slots.
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
                debug!(%error, "cannot enter native code: the function is interpreted");
                let kind = ActivationKind::Interpreter;
                kinglet_interp::call(store, kind, std::ptr::from_ref(cell), callee, slots) as u32
            }
        }
    }
}

/// Handles a failed host call: see [`NativeBuiltins::fail`].
unsafe extern "C" fn fail(store: *mut VmStore, status: u32) {
    // SAFETY: trampolines call this with their store. The exit frame of the innermost activation is set.
    unsafe { resume::set_resume(store, Status::from_u32(status)) }
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

/// Returns the limits of a compilation in the foreground.
pub(crate) fn limits(environment: &ModuleEnvironment) -> CompileLimits<'static> {
    CompileLimits { memory: environment.settings.compiler_memory, cancelled: None }
}

/// Returns the limits of a background compilation, which stops when `abandoned` is set.
pub(crate) fn background_limits<'a>(environment: &ModuleEnvironment, abandoned: &'a AtomicBool) -> CompileLimits<'a> {
    CompileLimits { memory: environment.settings.compiler_memory / BACKGROUND_FRACTION, cancelled: Some(abandoned) }
}

/// Borrows the tier of a store while `f` runs.
///
/// # Safety
/// `store` is live until `f` returns.
#[inline(always)]
unsafe fn with_tier<R>(store: *const VmStore, f: impl FnOnce(&Tier) -> R) -> R {
    // SAFETY: the caller promises that the store is live. It keeps its engine, which owns the tier.
    unsafe { f(&*(*(*store).builtins).tier.load(Ordering::Acquire).cast::<Tier>()) }
}

/// Registers a store for sampling, before the interpreter runs in it.
///
/// # Safety
/// `store` is live.
#[inline(always)]
pub(super) unsafe fn watch(store: *mut VmStore) {
    // SAFETY: the caller promises that the store is live (see `# Safety`). The field is atomic, because other threads
    // access it.
    unsafe {
        if !(*store).is_sampled.load(Ordering::Relaxed) {
            start_watching(store);
        }
    }
}

#[cold]
unsafe fn start_watching(store: *mut VmStore) {
    if let Some(vm) = NonNull::new(store) {
        // SAFETY: the store is live, by the contract of `watch`.
        unsafe { with_tier(store, |tier| tier.watch(vm)) };
    }
}

/// Runs a function in the interpreter for a native-to-interpreter trampoline: see
/// [`NativeBuiltins::enter_interpreter`].
unsafe extern "C" fn enter(store: *mut VmStore, cell: *const FuncCell, callee: *mut VmCtx, slots: *mut u64) -> u32 {
    // SAFETY: a native-to-interpreter trampoline calls this with its own cell and instance, and an array of the cell's
    // slots. The exit frame of the innermost activation is set.
    unsafe {
        super::heap::collect_before_call(store, cell, slots);
        watch(store);
        let status = kinglet_interp::call(store, ActivationKind::InterpreterFromNative, cell, callee, slots);
        // The interpreter may have failed before it started the function.
        (*store).force_interpreted = std::ptr::null();
        match status {
            Status::Ok => Status::Ok as u32,
            Status::TailCall => match prepare_tail_call(store) {
                Ok(()) => Status::TailCall as u32,
                Err(_) => unwind(callee, Trap::OutOfMemory as u32),
            },
            status => {
                resume::set_resume(store, status);
                status as u32
            }
        }
    }
}

/// Ensures that the callee of a tail call from the interpreter has a tail-call trampoline.
unsafe fn prepare_tail_call(store: *mut VmStore) -> Result<()> {
    // SAFETY: the store is live, and its tail target was set together with the status.
    unsafe {
        let cell = &*(*store).tail_call.cell;
        if cell.tail_call_trampoline.load(Ordering::Acquire).is_null() {
            let trampoline = with_tier(store, |tier| {
                tier.native_entry(cell)?;
                tier.shared(Trampoline::TailCall(tier.signature(cell.type_id)))
            })?;
            cell.tail_call_trampoline.store(trampoline as *mut c_void, Ordering::Release);
        }
        Ok(())
    }
}

/// Raises a trap or the pending exception: see [`NativeBuiltins::unwind`].
unsafe extern "C" fn unwind(vmctx: *mut VmCtx, code: u32) -> u32 {
    // SAFETY: trampolines call this with a live instance. The exit frame of the innermost activation is set.
    unsafe {
        let store = (*vmctx).store;
        let mut status = Status::Exception;
        if code != 0 {
            (*(*store).libcalls).get(Libcall::Raise)(vmctx, std::ptr::null_mut(), code, 0);
            status = Status::Trap;
        }
        resume::set_resume(store, status);
        status as u32
    }
}

/// Returns the address of the stub for [`kinglet_abi::VmImport::lazy_stub`].
pub(super) fn lazy_import_stub() -> *mut c_void {
    stubs::lazy_import as *mut c_void
}

/// Returns whether the stack has too little space for native code with a frame of this many bytes. After it has been
/// entered, the code cannot return to the interpreter.
unsafe fn is_stack_short(store: *const VmStore, frame: usize) -> bool {
    const CALLS: usize = 4 << 10;
    let here = 0_u8;
    // SAFETY: the store is live.
    std::ptr::from_ref(&here).addr().saturating_sub(frame + CALLS) < unsafe { (*store).stack_limit }
}

/// Records a sample: see [`Libcall::Sample`].
pub(super) unsafe fn sample(vmctx: *mut VmCtx, slots: *mut u64, at_loop: u32) -> u32 {
    // SAFETY: the interpreter calls this for its newest frame, whose record is current if it is at a loop. There is a
    // slot for the result.
    unsafe {
        let store = (*vmctx).store;
        *slots = with_tier(store, |tier| record_sample(tier, store, at_loop != 0)).map_or(0, |code| code as u64);
    }
    0
}

/// Records the position of a store's interpreter. If it is at a loop with OSR code, returns the address of the code.
///
/// # Safety
/// See [`sample`].
unsafe fn record_sample(tier: &Tier, store: *mut VmStore, at_loop: bool) -> Option<usize> {
    // SAFETY: the caller promises that the store is live and that its interpreter has called out with current frame
    // records.
    unsafe {
        if tier.tier_up.as_ref().is_some_and(|tier_up| !tier_up.is_synchronous()) {
            (*store).interrupt.fetch_and(!INTERRUPT_SAMPLE, Ordering::Relaxed);
            // The sampler may have removed the store because it was blocked for a while.
            watch(store);
        }
        let record = (*store).record.cast::<Record>();
        let body =
            |record: *mut Record| (*record).cell.as_ref().and_then(|cell| cell.body().cast::<LazyBody>().as_ref());
        let running = body(record);
        if !at_loop {
            // The caller was running before the call. Host functions have no body.
            let caller = body(record.add(1)).map(|caller| (caller, SampleSite::Calling));
            tier.record_samples(&mut running.map(|callee| (callee, SampleSite::Entry)).into_iter().chain(caller));
            return None;
        }
        let running = running?;
        // A `br_table` checks for interrupts at all of its targets, including targets that are not loops.
        let header = running.loop_offset((*record).ip)?;
        tier.record_samples(&mut std::iter::once((running, SampleSite::Loop(header))));
        let mut state = tier.state();
        let code = state.osr_code.get_mut(&((*record).cell as usize, header))?;
        if is_stack_short(store, code.frame) {
            return None;
        }
        let (start, first) = (code.start, !std::mem::replace(&mut code.entered, true));
        drop(state);
        tier.loops_entered.fetch_add(1, Ordering::Relaxed);
        running.environment().stats.tier_up.osr_entries.fetch_add(1, Ordering::Relaxed);
        if first {
            trace!(function = body_name(running), "loop" = header, "entered by OSR");
        }
        Some(start)
    }
}
