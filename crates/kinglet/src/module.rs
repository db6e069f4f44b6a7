//! Modules: validated code, which any number of stores of its engine can instantiate, on any thread.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;
#[cfg(feature = "jit")]
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use kinglet_abi::Settings;
use kinglet_interp::ModuleCode;
use kinglet_wasm::decode;
use kinglet_wasm::limits::MAX_MODULE_BYTES;
use kinglet_wasm::module::{Bytes, ExternIndex};
use kinglet_wasm::types as wasm;
use tracing::debug;

#[cfg(feature = "jit")]
use crate::RunMode;
#[cfg(feature = "jit")]
use crate::artifact::{self, Precompiled};
#[cfg(feature = "jit")]
use crate::cache::module as cache;
use crate::dwarf::DebugInfo;
use crate::trap::FrameSymbol;
use crate::types::{CustomSection, ExportType, ImportType};
use crate::{Engine, Error, ExternType, Result};

/// A validated module. A clone is cheap and refers to the same module. Threads can share a module.
///
/// ```
/// use kinglet::{Engine, ExternType, Module};
///
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"(module $adder
///     (import "host" "log" (func (param i32)))
///     (memory (export "memory") 1 16)
///     (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
///     (@custom "licence" "Apache-2.0"))"#)?;
///
/// assert_eq!(module.name(), Some("adder"));
/// let import = module.imports().next().unwrap();
/// assert_eq!((import.module(), import.name(), import.ty().kind()), ("host", "log", "func"));
/// let exports: Vec<String> = module.exports().map(|export| format!("{}: {}", export.name(), export.ty())).collect();
/// assert_eq!(exports, ["memory: memory of 1 to 16 pages", "add: func (param i32 i32) (result i32)"]);
/// let licence = module.custom_sections().find(|section| section.name() == "licence").unwrap();
/// assert_eq!(licence.data(), b"Apache-2.0");
/// # Ok::<(), kinglet::Error>(())
/// ```
#[derive(Clone)]
pub struct Module {
    inner: Arc<ModuleInner>,
}

/// An export of a module, for look-ups in its instances: see [`Module::get_export_index`].
#[derive(Clone, Debug)]
pub struct ModuleExport {
    module: Module,
    index: ExternIndex,
}

impl ModuleExport {
    /// Returns the export's index if the instance is of its module.
    pub(crate) fn index_in(&self, instance: &crate::vm::InstanceData) -> Option<ExternIndex> {
        Module::same(&self.module, instance.original_module()).then_some(self.index)
    }
}

/// The memories and tables that an instance of a module allocates: see [`Module::resources_required`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResourcesRequired {
    /// The number of memories.
    pub num_memories: u32,
    /// The largest initial size of a memory, in pages; none without memories.
    pub max_initial_memory_size: Option<u64>,
    /// The number of tables.
    pub num_tables: u32,
    /// The largest initial size of a table, in elements; none without tables.
    pub max_initial_table_size: Option<u64>,
}

pub(crate) struct ModuleInner {
    engine: Engine,
    code: ModuleCode,
    exports: HashMap<Box<str>, ExternIndex>,
    debug_info: OnceLock<Option<DebugInfo>>,
    /// A copy whose code checks every access to memory: see [`Module::checked`].
    checked: OnceLock<Module>,
    /// The templates of its instances.
    pub(crate) template: crate::vm::InstanceTemplate,
    /// The reason for not using the native code of the module's artifact.
    #[cfg(feature = "jit")]
    pub(crate) rejected_code: OnceLock<String>,
    /// Whether every function that can be compiled has native code.
    #[cfg(feature = "jit")]
    pub(crate) compiled: AtomicBool,
    /// The module's state in the engine's cache.
    #[cfg(feature = "jit")]
    pub(crate) cache_record: OnceLock<cache::CacheRecord>,
}

#[cfg(feature = "jit")]
impl Drop for ModuleInner {
    fn drop(&mut self) {
        cache::update_or_log(self);
        self.engine.tier().forget(self.code.environment());
    }
}

impl ModuleInner {
    /// Returns the size of these functions' bodies in bytes.
    #[cfg(feature = "jit")]
    pub(crate) fn bytes_of(&self, functions: &[u32]) -> usize {
        functions.iter().map(|defined| self.wasm().bodies[*defined as usize].len()).sum()
    }

    pub(crate) fn wasm(&self) -> &kinglet_wasm::Module {
        &self.code.environment().module
    }

    pub(crate) fn code(&self) -> &ModuleCode {
        &self.code
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Returns the source locations of the instruction at an offset of the module, innermost function first.
    pub(crate) fn symbols(&self, offset: u32) -> Vec<FrameSymbol> {
        if !self.engine.config().backtrace_details {
            return Vec::new();
        }
        let info = self.debug_info.get_or_init(|| DebugInfo::read(self.wasm()));
        let address = (offset as usize).checked_sub(self.wasm().code_start);
        let symbols = info.as_ref().zip(address).map(|(info, address)| info.symbols(self.wasm(), address as u64));
        symbols.unwrap_or_default()
    }

    pub(crate) fn export(&self, name: &str) -> Option<ExternIndex> {
        self.exports.get(name).copied()
    }
}

impl Module {
    /// Decodes and validates a module in the binary or text format. In [`RunMode::Auto`](crate::RunMode::Auto) a function
    /// is lowered when it is first called.
    ///
    /// # Errors
    /// A [`ModuleError`](crate::ModuleError) with the reason and the position.
    pub fn new(engine: &Engine, bytes: impl AsRef<[u8]>) -> Result<Module> {
        let binary = decode::to_binary(bytes.as_ref())?;
        Module::from_bytes(engine, binary.into_owned())
    }

    /// Decodes and validates a module from a file of at most 1 GiB.
    ///
    /// # Errors
    /// As for [`Module::new`]; if the file cannot be read, or is larger.
    pub fn from_file(engine: &Engine, path: impl AsRef<Path>) -> Result<Module> {
        let path = path.as_ref();
        let unreadable = |e: std::io::Error| Error::msg(format!("cannot read {}: {e}", path.display()));
        let file = std::fs::File::open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        #[cfg(feature = "jit")]
        if let Some(module) = cache::from_known_file(engine, &metadata) {
            return Ok(module);
        }
        match read(file, metadata.len(), MAX_MODULE_BYTES).map_err(unreadable)? {
            // The module takes ownership of the bytes, so a large module is not copied.
            Some(bytes) if bytes.starts_with(b"\0asm") => {
                let module = Module::from_bytes(engine, bytes)?;
                #[cfg(feature = "jit")]
                cache::record_file(&module, &metadata);
                Ok(module)
            }
            Some(bytes) => Module::new(engine, bytes),
            None => Err(kinglet_wasm::Error::limit(&format!("it has more than {MAX_MODULE_BYTES} bytes")).into()),
        }
    }

    /// Decodes and validates a module in the binary format.
    ///
    /// # Errors
    /// A [`ModuleError`](crate::ModuleError) with the reason and the position; text is malformed.
    pub fn from_binary(engine: &Engine, binary: &[u8]) -> Result<Module> {
        Module::from_bytes(engine, binary.to_vec())
    }

    fn from_bytes(engine: &Engine, bytes: Vec<u8>) -> Result<Module> {
        #[cfg(feature = "jit")]
        if let Some(cache) = &engine.config().cache {
            return cache::from_binary(engine, cache, bytes);
        }
        let code = decode(engine, bytes.into())?;
        #[cfg(feature = "jit")]
        compile_module(engine, &code, false);
        Ok(Module::from_code(engine, code))
    }

    /// Validates the module of an artifact. With `compile` it is compiled whatever its size, unless the engine only
    /// interprets.
    #[cfg(feature = "jit")]
    pub(crate) fn from_artifact(engine: &Engine, bytes: Bytes, compile: bool) -> Result<Module> {
        let code = decode(engine, bytes)?;
        compile_module(engine, &code, compile);
        Ok(Module::from_code(engine, code))
    }

    pub(crate) fn from_code(engine: &Engine, code: ModuleCode) -> Module {
        let exports = code.environment().module.exports.iter().map(|e| (e.name.clone(), e.index)).collect();
        let inner = ModuleInner {
            engine: engine.clone(),
            code,
            exports,
            debug_info: OnceLock::new(),
            checked: OnceLock::new(),
            template: Default::default(),
            #[cfg(feature = "jit")]
            rejected_code: OnceLock::new(),
            #[cfg(feature = "jit")]
            compiled: AtomicBool::new(false),
            #[cfg(feature = "jit")]
            cache_record: OnceLock::new(),
        };
        Module { inner: Arc::new(inner) }
    }

    /// Compiles every function on all processors, and returns when all have native code. A server that needs full speed from
    /// its first request calls this. It has no effect if the engine only interprets.
    ///
    /// ```
    /// use kinglet::{Engine, Module};
    ///
    /// let engine = Engine::default();
    /// let module = Module::new(&engine, "(module (func (export \"nop\")))")?;
    /// module.wait_compiled()?;
    /// # Ok::<(), kinglet::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the system denies memory for the code.
    pub fn wait_compiled(&self) -> Result<()> {
        #[cfg(feature = "jit")]
        if self.inner.engine.config().run_mode != RunMode::Interpreter {
            self.compile_all(|_, _| ())?;
        }
        Ok(())
    }

    /// Returns the number of the module's own functions that have native code now.
    pub fn native_functions(&self) -> usize {
        let environment = self.inner.code.environment();
        let cells = &environment.cells()[..environment.module.bodies.len()];
        cells.iter().filter(|cell| !cell.native.load(Ordering::Relaxed).is_null()).count()
    }

    /// Returns the reason why [`Module::deserialize`] did not use the artifact's native code and the module was compiled
    /// again. There is none if the code is used, or if the module is not from an artifact.
    #[cfg(feature = "jit")]
    pub fn rejected_code(&self) -> Option<&str> {
        self.inner.rejected_code.get().map(String::as_str)
    }

    /// Compiles the module and returns the artifact, which [`Module::deserialize`] loads: see
    /// [`Engine::precompile_module`]. Native code that the module has already is not used.
    ///
    /// # Errors
    /// If the compiler does not support the engine's target.
    #[cfg(feature = "jit")]
    pub fn serialize(&self) -> Result<Vec<u8>> {
        let engine = &self.inner.engine;
        precompile(engine, engine.settings(), &self.inner.code, Precompiled::Native, |_, _| ())
    }

    /// Validates a module in the binary or text format.
    ///
    /// # Errors
    /// A [`ModuleError`](crate::ModuleError) with the reason and the position.
    pub fn validate(engine: &Engine, bytes: &[u8]) -> Result<()> {
        let binary = decode::to_binary(bytes)?;
        decode::module(binary.into_owned().into(), engine.config().features, engine.types())?;
        Ok(())
    }

    /// Returns the module's imports, in their order in the binary.
    pub fn imports(&self) -> impl ExactSizeIterator<Item = ImportType<'_>> {
        let types = self.inner.engine.types();
        let wasm = self.inner.wasm();
        wasm.imports.iter().map(|import| ImportType {
            module: &import.module,
            name: &import.name,
            ty: ExternType::new(import.ty, types),
        })
    }

    /// Returns the module's exports, in their order in the binary.
    pub fn exports(&self) -> impl ExactSizeIterator<Item = ExportType<'_>> {
        let types = self.inner.engine.types();
        let wasm = self.inner.wasm();
        wasm.exports
            .iter()
            .map(|export| ExportType { name: &export.name, ty: ExternType::new(wasm.extern_type(export.index), types) })
    }

    /// Returns the type of the export of a name; none if there is no such export.
    pub fn get_export(&self, name: &str) -> Option<ExternType> {
        let index = self.inner.export(name)?;
        Some(ExternType::new(self.inner.wasm().extern_type(index), self.inner.engine.types()))
    }

    /// Returns the export of a name for [`Instance::get_module_export`](crate::Instance::get_module_export), so that looking
    /// it up in many instances compares the name once. There is none if the module has no such export.
    ///
    /// ```
    /// use kinglet::{Engine, Instance, Module, Store};
    ///
    /// let engine = Engine::default();
    /// let module = Module::new(&engine, r#"(module (func (export "run") (result i32) (i32.const 7)))"#)?;
    /// let run = module.get_export_index("run").expect("the module exports it");
    /// for _ in 0..3 {
    ///     let mut store = Store::new(&engine, ());
    ///     let instance = Instance::new(&mut store, &module, &[])?;
    ///     let run = instance.get_module_export(&mut store, &run).and_then(|export| export.into_func()).unwrap();
    ///     assert_eq!(run.typed::<(), i32>(&store)?.call(&mut store, ())?, 7);
    /// }
    /// # Ok::<(), kinglet::Error>(())
    /// ```
    pub fn get_export_index(&self, name: &str) -> Option<ModuleExport> {
        Some(ModuleExport { module: self.clone(), index: self.inner.export(name)? })
    }

    /// Returns the numbers and initial sizes of the memories and tables that an instance allocates. Imports do not count.
    ///
    /// ```
    /// use kinglet::{Engine, Module};
    ///
    /// let module = Module::new(&Engine::default(), r#"(module
    ///     (import "env" "memory" (memory 9)) (memory 2 5) (memory 3) (table 10 funcref))"#)?;
    /// let required = module.resources_required();
    /// assert_eq!((required.num_memories, required.max_initial_memory_size), (2, Some(3)));
    /// assert_eq!((required.num_tables, required.max_initial_table_size), (1, Some(10)));
    /// # Ok::<(), kinglet::Error>(())
    /// ```
    pub fn resources_required(&self) -> ResourcesRequired {
        let wasm = self.inner.wasm();
        let imported = |is: fn(&wasm::ExternType) -> bool| wasm.imports.iter().filter(|import| is(&import.ty)).count();
        let memories = &wasm.memories[imported(|ty| matches!(ty, wasm::ExternType::Memory(_)))..];
        let tables = &wasm.tables[imported(|ty| matches!(ty, wasm::ExternType::Table(_)))..];
        ResourcesRequired {
            num_memories: memories.len() as u32,
            max_initial_memory_size: memories.iter().map(|memory| memory.min).max(),
            num_tables: tables.len() as u32,
            max_initial_table_size: tables.iter().map(|table| table.min).max(),
        }
    }

    /// Returns whether both handles refer to the same module.
    pub fn same(a: &Module, b: &Module) -> bool {
        Arc::ptr_eq(&a.inner, &b.inner)
    }

    /// Returns the module's custom sections, in their order in the binary (core specification, "Custom Section"). Kinglet
    /// validates only their names. The contents are empty if they come from a damaged artifact.
    pub fn custom_sections(&self) -> impl ExactSizeIterator<Item = CustomSection<'_>> {
        let wasm = self.inner.wasm();
        wasm.customs.iter().map(|custom| CustomSection {
            name: &custom.name,
            data: wasm.bytes.part(custom.range.clone()).unwrap_or_default(),
        })
    }

    /// Returns the module in the binary format, also if it was created from text. The result is empty if it comes from a
    /// damaged artifact.
    pub fn binary(&self) -> &[u8] {
        let bytes = &self.inner.wasm().bytes;
        bytes.part(0..bytes.len()).unwrap_or_default()
    }

    /// Returns the module's name from its name section.
    pub fn name(&self) -> Option<&str> {
        self.inner.wasm().names().module.as_deref()
    }

    /// Returns the engine.
    pub fn engine(&self) -> &Engine {
        &self.inner.engine
    }

    /// Walks every function in lock-step with the validator. This is a check of Kinglet itself, for tests.
    ///
    /// # Errors
    /// If the two disagree, which is a bug.
    #[doc(hidden)]
    pub fn check_walk(&self) -> Result<()> {
        Ok(self.inner.code.check(self.inner.engine.config().features)?)
    }

    /// Returns the interpreter's bytecode of a function as text. The number counts the module's own functions from 0. The
    /// format is not stable.
    ///
    /// # Errors
    /// If there is no such function.
    pub fn interpreter_listing(&self, defined: u32) -> Result<String> {
        Ok(kinglet_interp::listing(&self.inner.code, defined)?)
    }

    /// Returns the module with code that checks every access, for memories without a reservation.
    pub(crate) fn checked(&self) -> &Module {
        self.inner.checked.get_or_init(|| {
            let engine = &self.inner.engine;
            let settings = Settings { reservation: None, ..Settings::clone(engine.settings()) };
            let environment = self.inner.code.environment();
            let code = ModuleCode::new(environment.module.clone(), Arc::new(settings), engine.types().clone());
            debug!(module = self.name(), "module is compiled again, with checks of every access to memory");
            #[cfg(feature = "jit")]
            compile_module(engine, &code, self.inner.compiled.load(Ordering::Relaxed));
            let module = Module::from_code(engine, code);
            // Decoding the module did not produce an initial memory that comes from a file.
            #[cfg(feature = "jit")]
            if let Some(image) = self.inner.template.memory.get().and_then(|image| image.as_ref()?.share()) {
                let _ = module.inner.template.memory.set(Some(image));
            }
            module
        })
    }

    pub(crate) fn inner(&self) -> &Arc<ModuleInner> {
        &self.inner
    }

    pub(crate) fn from_inner(inner: Arc<ModuleInner>) -> Module {
        Module { inner }
    }
}

/// Estimates the number of bytes that decoding, validating and lowering a module takes. It is checked ahead of time,
/// because running out of memory in those steps would end the process.
fn memory_for(module: &[u8]) -> usize {
    const CUSTOM: u8 = 0;
    const DATA: u8 = 11;
    /// Per byte of code, types and other sections that become records.
    const MEMORY_PER_BYTE: usize = 8;
    /// Per data segment, in addition to its bytes.
    const MEMORY_PER_SEGMENT: usize = 64;
    let mut total = 0_usize;
    let mut rest = module.get(8..).unwrap_or_default();
    while let Some((size, body)) = rest.get(1..).and_then(leb128) {
        let (body, behind) = body.split_at(size.min(body.len()));
        total = total.saturating_add(match rest[0] {
            CUSTOM => 0,
            DATA => {
                let segments = leb128(body).map_or(0, |(count, _)| count.min(body.len()));
                body.len().saturating_add(segments.saturating_mul(MEMORY_PER_SEGMENT))
            }
            _ => body.len().saturating_mul(MEMORY_PER_BYTE),
        });
        rest = behind;
    }
    total
}

/// Decodes an unsigned number of up to 32 bits in LEB128. Returns it with the remaining bytes.
fn leb128(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0_u64;
    for (at, byte) in bytes.iter().take(5).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((usize::try_from(value).ok()?, &bytes[at + 1..]));
        }
    }
    None
}

/// Decodes and validates a module.
pub(crate) fn decode(engine: &Engine, bytes: Bytes) -> Result<ModuleCode> {
    let start = Instant::now();
    if !crate::vm::headroom::is_available(memory_for(&bytes)) {
        return Err(Error::msg(format!("cannot load a module of {} bytes: out of memory", bytes.len())));
    }
    let module = decode::module(bytes, engine.config().features, engine.types())?;
    debug!(
        bytes = module.bytes.len(),
        functions = module.bodies.len(),
        imports = module.imports.len(),
        "module validated"
    );
    let (functions, bytes) = (module.bodies.len(), module.bytes.len());
    let code = ModuleCode::new(Arc::new(module), engine.settings().clone(), engine.types().clone());
    code.environment().stats.validated.add(functions, bytes, start);
    Ok(code)
}

/// Compiles a module ahead of time, if the engine does that for modules of its size or `always` is set. Returns whether it
/// has native code now; otherwise it is interpreted.
#[cfg(feature = "jit")]
pub(crate) fn compile_module(engine: &Engine, code: &ModuleCode, always: bool) -> bool {
    if engine.config().run_mode == RunMode::Interpreter {
        return false;
    }
    let environment = code.environment();
    let bytes = environment.module.bodies.iter().map(|body| body.len()).sum();
    if !always && !engine.compiles(bytes) {
        debug!(bytes, "module is not compiled before it runs");
        return false;
    }
    let compiled = engine.tier().compile_module(environment, engine.compiler_threads(), |_| ());
    if let Err(error) = &compiled {
        debug!(%error, "module is interpreted because it cannot be compiled");
    }
    compiled.is_ok()
}

#[cfg(feature = "jit")]
impl Engine {
    /// Compiles a module in the binary or text format to an artifact, which [`Module::deserialize`] and
    /// [`Module::deserialize_file`] load later. An engine uses the native code if it has the same settings and its
    /// processor has the same features; otherwise it compiles the module again. [`Config::target`](crate::Config::target)
    /// selects another processor.
    ///
    /// ```
    /// use kinglet::{Engine, Instance, Module, Precompiled, Store};
    ///
    /// let engine = Engine::default();
    /// let wat = r#"(module (func (export "answer") (result i32) (i32.const 42)))"#;
    /// let artifact = engine.precompile_module(wat)?;
    /// assert_eq!(Engine::detect_precompiled(&artifact), Some(Precompiled::Native));
    /// // SAFETY: the artifact comes from `precompile_module` and is unchanged.
    /// let module = unsafe { Module::deserialize(&engine, &artifact)? };
    /// let mut store = Store::new(&engine, ());
    /// let instance = Instance::new(&mut store, &module, &[])?;
    /// assert_eq!(instance.get_typed_func::<(), i32>(&mut store, "answer")?.call(&mut store, ())?, 42);
    /// # Ok::<(), kinglet::Error>(())
    /// ```
    ///
    /// # Errors
    /// As for [`Module::new`]; if the compiler does not support the engine's target.
    pub fn precompile_module(&self, bytes: impl AsRef<[u8]>) -> Result<Vec<u8>> {
        self.precompile_module_with(bytes, Precompiled::Native, |_, _| ())
    }

    /// Compiles a module to an artifact of a form, as [`Engine::precompile_module`] does. `done` receives the number of
    /// compiled functions and the number of all functions from time to time.
    ///
    /// # Errors
    /// As for [`Engine::precompile_module`].
    pub fn precompile_module_with(
        &self,
        bytes: impl AsRef<[u8]>,
        form: Precompiled,
        done: impl FnMut(u32, u32),
    ) -> Result<Vec<u8>> {
        let binary = decode::to_binary(bytes.as_ref())?;
        let settings = self.artifact_settings();
        precompile(self, &settings, &decode(self, binary.into_owned().into())?, form, done)
    }

    /// Returns the form of an artifact, judging by its first and last bytes; none if the bytes are not an artifact. The
    /// artifact can still be damaged.
    pub fn detect_precompiled(bytes: &[u8]) -> Option<Precompiled> {
        artifact::detect(bytes)
    }

    /// Returns the form of an artifact in a file, as [`Engine::detect_precompiled`] does. It reads little of the file.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn detect_precompiled_file(path: impl AsRef<Path>) -> Result<Option<Precompiled>> {
        crate::vm::detect_file(path.as_ref())
    }

    /// Returns the module in an artifact, in the binary format; none if the bytes are not an artifact. Unlike the native
    /// code, the binary can be used without trusting the artifact, because Kinglet validates it.
    pub fn precompiled_binary(bytes: &[u8]) -> Option<&[u8]> {
        let artifact = artifact::parse(bytes).ok().flatten()?;
        bytes.get(artifact.module)
    }
}

#[cfg(feature = "jit")]
fn precompile(
    engine: &Engine,
    settings: &Settings,
    code: &ModuleCode,
    form: Precompiled,
    mut done: impl FnMut(u32, u32),
) -> Result<Vec<u8>> {
    let environment = code.environment();
    let functions = kinglet_jit::defined_functions(&environment.module);
    let (all, threads) = (functions.len() as u32, engine.compiler_threads());
    let compiler = kinglet_jit::Compiler::new(settings)?;
    let limits = crate::vm::limits(environment);
    let done = |ready| done(ready, all);
    let compiled = crate::vm::image(&compiler, environment, settings, limits, &functions, threads, done)?;
    let trampolines = crate::vm::trampolines(&compiler, environment)?;
    let processor = compiler.processor();
    let identity = artifact::Identity::new(&processor, settings, engine.config().features);
    artifact::write(form, &processor, &identity, &compiled.image, &trampolines, &environment.module)
}

/// Reads a source to its end; returns none if it has more than `limit` bytes. A device or a pipe has no meaningful `size`
/// and possibly no end.
fn read(from: impl Read, size: u64, limit: u64) -> std::io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    if size <= limit {
        bytes.try_reserve_exact(usize::try_from(size).unwrap_or(usize::MAX))?;
        from.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    }
    Ok((size.max(bytes.len() as u64) <= limit).then_some(bytes))
}

impl std::fmt::Debug for Module {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Module").field("name", &self.name()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_estimate_counts_code_most_and_custom_sections_not_at_all() {
        let section = |id: u8, size: u8| [&[id, 0x80 | size, 1, 3][..], &vec![0; 127 + usize::from(size)]].concat();
        let module = |sections: &[Vec<u8>]| [&b"\0asm\x01\0\0\0"[..], &sections.concat()].concat();
        let (custom, code, data) = (section(0, 0), section(10, 0), section(11, 0));
        assert_eq!(memory_for(&module(&[])), 0);
        assert_eq!(memory_for(&module(&[custom.clone(), code.clone()])), 128 * 8);
        assert_eq!(memory_for(&module(&[code, data.clone(), custom])), 128 * 8 + 128 + 3 * 64);
        // The decoder reports modules that are cut off or malformed.
        assert_eq!(memory_for(&module(&[data[..10].to_vec()])), 7 + 3 * 64);
        assert_eq!(memory_for(b"\0asm\x01\0\0\0\x0a\xff\xff\xff\xff\xff\xff"), 0);
        assert_eq!(memory_for(b"\0as"), 0);
    }

    #[test]
    fn reading_ends_where_a_module_is_too_large() {
        assert_eq!(read(&b"1234"[..], 4, 4).unwrap().unwrap(), b"1234");
        assert_eq!(read(&b"1234"[..], 0, 4).unwrap().unwrap(), b"1234");
        assert_eq!(read(&b"12345"[..], 0, 4).unwrap(), None);
        assert_eq!(read(std::io::repeat(0), 0, 1000).unwrap(), None);
        assert_eq!(read(std::io::repeat(0), 1001, 1000).unwrap(), None, "not read at all");
    }

    /// The compiler panics at a memory that the module does not have. Validation excludes that.
    #[cfg(feature = "jit")]
    #[test]
    fn a_panic_of_the_compiler_costs_a_function_its_native_code_and_nothing_else() {
        let text = br#"(module (memory 1) (func $one (result i32) (i32.const 1))
            (func $bad (result i32) (loop (result i32) (i32.load (i32.const 0))))
            (func (export "f") (param i32) (result i32)
              (if (local.get 0) (then (return (call $bad)))) (i32.add (call $one) (call $one))))"#;
        for mode in [RunMode::Jit, RunMode::Auto] {
            let engine = Engine::new(crate::Config::new().run_mode(mode)).unwrap();
            let binary = decode::to_binary(text).unwrap().into_owned();
            let mut wasm = decode::module(binary.into(), engine.config().features, engine.types()).unwrap();
            let header = wasm.bodies[1].start as u32 + 1;
            wasm.memories.clear();
            let code = ModuleCode::new(wasm.into(), engine.settings().clone(), engine.types().clone());
            compile_module(&engine, &code, false);
            let module = Module::from_code(&engine, code);
            let runs = |native: usize| {
                assert_eq!(module.native_functions(), native, "{mode:?}");
                let mut store = crate::Store::new(&engine, ());
                let instance = crate::Instance::new(&mut store, &module, &[]).unwrap();
                let f = instance.get_typed_func::<i32, i32>(&mut store, "f").unwrap();
                assert_eq!(f.call(&mut store, 0).unwrap(), 2, "{mode:?}");
            };
            runs(if mode == RunMode::Jit { 2 } else { 0 });
            module.wait_compiled().unwrap();
            runs(2);
            let (environment, tier) = (module.inner.code.environment(), engine.tier());
            let limits = crate::vm::limits(environment);
            let loops = tier.compile_loop(environment, 1, header, limits, |_| panic!("there is nothing to publish"));
            let alone = tier.compile(environment, &[1], limits, |_| panic!("there is nothing to publish"));
            for error in [loops.unwrap_err(), alone.unwrap_err(), module.native_listing(1).unwrap_err()] {
                assert!(error.to_string().contains("the compiler panicked"), "{error}");
            }
            assert!(module.serialize().is_ok());
            runs(2);
        }
    }
}
