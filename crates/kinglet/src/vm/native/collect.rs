//! Collects a module's native code, published piece by piece, into one image that can be stored in a file. No
//! instruction changes, because the code is position independent and pieces call each other only through cells.

use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::time::Instant;

use kinglet_abi::CodeImage;
use kinglet_abi::image::FunctionCode;
use kinglet_interp::code::ModuleEnvironment;
use kinglet_jit::{CompileLimits, NativeSignature, Trampoline};

use super::Tier;
use super::registry::{self, PublishedCode};
use crate::Result;

/// Code that was compiled for the cache.
pub(crate) struct CodeForCache {
    pub(crate) image: CodeImage,
    /// The trampolines for calls between native and interpreted functions.
    pub(crate) trampolines: Vec<(Trampoline, CodeImage)>,
    /// Functions that have no code because the compilation was abandoned.
    pub(crate) abandoned: Vec<u32>,
}

impl Tier {
    /// Returns the current native code of a module's functions. Skips pieces that contain only functions in `except`.
    pub(crate) fn collect(&self, environment: &ModuleEnvironment, except: &HashSet<u32>) -> CodeImage {
        let mut image = CodeImage::default();
        let wanted = |piece: &std::sync::Arc<PublishedCode>| {
            piece.tables().functions.iter().any(|code| !except.contains(&code.function))
        };
        for piece in self.current_pieces(environment).filter(wanted) {
            let at = piece.alignment().next_address(image.text.len());
            let Ok(offset) = u32::try_from(at + piece.text().len()).map(|_| at as u32) else { break };
            // Do not copy a damaged piece.
            let Some(tables) = piece.verified_tables() else { continue };
            image.text.resize(at, 0);
            image.text.extend_from_slice(piece.text());
            image.append(offset, &tables);
            image.alignment.align = image.alignment.align.max(piece.alignment().align);
        }
        image
    }

    /// Returns the approximate size of a module's current native code, in bytes.
    pub(crate) fn code_size(&self, environment: &ModuleEnvironment) -> usize {
        self.current_pieces(environment).map(|piece| piece.text().len()).sum()
    }

    /// Returns the published pieces that contain the current code of at least one function.
    fn current_pieces(&self, environment: &ModuleEnvironment) -> impl Iterator<Item = std::sync::Arc<PublishedCode>> {
        let cells = environment.cells();
        registry::pieces_of(super::owner(environment)).into_iter().filter(move |piece| {
            let called = |function: &FunctionCode| {
                let native = cells.get(function.function as usize).map(|cell| cell.native.load(Ordering::Acquire));
                native.is_some_and(|native| native.addr() == piece.start + function.start as usize)
            };
            piece.tables().functions.iter().any(called)
        })
    }

    /// Returns the existing trampolines that functions of this module's types may need. If `all`, also compiles missing
    /// trampolines that are likely to be needed.
    pub(crate) fn collect_trampolines(
        &self,
        environment: &ModuleEnvironment,
        all: bool,
    ) -> Result<Vec<(Trampoline, CodeImage)>> {
        let mut trampolines = if all { super::trampolines(&*self.compiler()?, environment)? } else { Vec::new() };
        let seen: HashSet<Trampoline> = trampolines.iter().map(|(trampoline, _)| trampoline.clone()).collect();
        let types = environment.module.type_defs.iter().filter_map(|def| def.sub.as_func());
        let signatures: HashSet<NativeSignature> =
            types.map(|ty| NativeSignature::new(ty, &environment.types)).collect();
        let is_needed =
            |trampoline: &Trampoline| trampoline.signature().is_none_or(|signature| signatures.contains(signature));
        trampolines.extend(
            self.existing_trampolines()
                .into_iter()
                .filter(|(trampoline, _)| is_needed(trampoline) && !seen.contains(trampoline)),
        );
        Ok(trampolines)
    }

    /// Compiles functions of a module for the cache. The list is sorted. Includes the trampolines for calls between
    /// native and interpreted functions, except those in `seen`.
    pub(crate) fn compile_for_cache(
        &self,
        environment: &ModuleEnvironment,
        functions: &[u32],
        seen: &HashSet<Trampoline>,
        limits: CompileLimits<'_>,
        threads: usize,
        done: impl FnMut(u32),
    ) -> Result<CodeForCache> {
        let (start, compiler) = (Instant::now(), self.compiler()?);
        let compiled = super::image(&compiler, environment, &self.settings, limits, functions, threads, done)?;
        environment.stats.compiled.add(compiled.image.functions.len(), compiled.image.text.len(), start);
        let signature = |f: &FunctionCode| self.signature(environment.cells()[f.function as usize].type_id);
        let entries = compiled.image.functions.iter().map(|f| Trampoline::ArrayToNative(signature(f)));
        let to_interpreter = compiled.indirect_signatures.into_iter().map(Trampoline::NativeToInterpreter);
        let wanted = super::likely_trampolines(environment)
            .chain(entries)
            .chain(to_interpreter)
            .filter(|trampoline| !seen.contains(trampoline));
        let trampolines = super::compile_trampolines(&compiler, wanted)?;
        let abandoned = compiled.skipped.iter().filter(|(_, reason)| *reason == kinglet_jit::CompileError::Cancelled);
        let abandoned = abandoned.map(|(function, _)| *function).collect();
        Ok(CodeForCache { image: compiled.image, trampolines, abandoned })
    }

    fn existing_trampolines(&self) -> Vec<(Trampoline, CodeImage)> {
        let state = self.state();
        let common = Trampoline::COMMON.into_iter().filter_map(|trampoline| {
            let entry = self.common(&trampoline)?.load(Ordering::Acquire).addr();
            Some((trampoline, entry))
        });
        common
            .chain(state.trampolines.all())
            .filter_map(|(trampoline, start)| Some((trampoline, self.copy(start)?)))
            .collect()
    }

    /// Returns a copy of a trampoline.
    fn copy(&self, start: usize) -> Option<CodeImage> {
        let copy = |code: &PublishedCode| {
            let mut image =
                CodeImage { text: code.text().to_vec(), alignment: code.alignment(), ..CodeImage::default() };
            image.append(0, &code.verified_tables()?);
            (code.start == start).then_some(image)
        };
        // SAFETY: this engine owns the code. The caller holds the lock on the state, and trampolines are released only
        // under this lock.
        unsafe { registry::find(start.checked_add(1)?, copy) }?
    }
}

#[cfg(test)]
mod tests {
    use crate::{Cache, CacheConfig, CacheEntryKind, Config, Engine, Instance, Module, Store, Trap, WasmBacktrace};

    /// One function is too large to compile.
    fn text() -> String {
        let large = "nop ".repeat(140_000);
        format!(
            r#"(module (memory 1) (data (i32.const 0) "\07")
            (func $native (export "native") (param i32) (result i32)
              (i32.add (call $interpreted (local.get 0)) (i32.load8_u (i32.const 0))))
            (func $interpreted (param i32) (result i32) (i32.mul (call $trap (local.get 0)) (i32.const 2)))
            (func $trap (export "trap") (param i32) (result i32) (i32.div_u (i32.const 100) (local.get 0)))
            (func $large {large}))"#
        )
    }

    fn call(module: &Module, argument: i32) -> crate::Result<i32> {
        let mut store = Store::new(module.engine(), ());
        let instance = Instance::new(&mut store, module, &[])?;
        instance.get_typed_func::<i32, i32>(&mut store, "native")?.call(&mut store, argument)
    }

    /// Returns the names and module offsets of the frames at a trap.
    fn frames_at_trap(module: &Module) -> Vec<(String, Option<u32>)> {
        let error = call(module, 0).unwrap_err();
        assert_eq!(error.downcast_ref(), Some(&Trap::IntegerDivideByZero));
        let frames = error.downcast_ref::<WasmBacktrace>().unwrap().frames();
        frames.iter().map(|frame| (frame.func_name().unwrap().to_string(), frame.offset())).collect()
    }

    #[test]
    fn pieces_of_code_are_stored_as_one_image() {
        let directory = std::env::temp_dir().join(format!("kinglet-collect-{}", std::process::id()));
        let cache = Cache::new(CacheConfig::new().with_directory(&directory)).unwrap();
        let engine = || Engine::new(Config::new().tier_up(false).cache(Some(cache.clone()))).unwrap();
        let text = text();
        let module = Module::new(&engine(), &text).unwrap();
        let interpreted = frames_at_trap(&module);
        let (tier, environment) = (module.engine().tier(), module.inner().code().environment());
        assert_eq!((tier.code_size(environment), interpreted.len()), (0, 3));
        for defined in [2, 0] {
            tier.compile(environment, &[defined], crate::vm::limits(environment), |publish| publish()).unwrap();
        }
        assert_eq!((call(&module, 5).unwrap(), frames_at_trap(&module)), (47, interpreted.clone()));
        assert!(module.update_cache().unwrap() && !module.update_cache().unwrap(), "stored once");
        let size = tier.code_size(environment);
        assert!(size > 0);

        let again = Module::new(&engine(), &text).unwrap();
        let (tier, environment) = (again.engine().tier(), again.inner().code().environment());
        assert_eq!(cache.cache_hits(), 1);
        assert!(tier.code_size(environment) >= size);
        let mut functions: Vec<u32> =
            tier.collect(environment, &Default::default()).functions.iter().map(|f| f.function).collect();
        functions.sort();
        assert_eq!(functions, [0, 2]);
        assert_eq!((call(&again, 5).unwrap(), frames_at_trap(&again)), (47, interpreted.clone()));
        assert!(!again.update_cache().unwrap(), "nothing is new");

        again.compile_all(|_, _| ()).unwrap();
        assert_eq!((call(&again, 5).unwrap(), frames_at_trap(&again)), (47, interpreted.clone()));
        let whole = Module::new(&engine(), &text).unwrap();
        assert!(!whole.cache_outdated());
        assert_eq!((call(&whole, 5).unwrap(), frames_at_trap(&whole)), (47, interpreted));
        let codes = cache.entries().unwrap().into_iter().filter(|entry| entry.kind == CacheEntryKind::Code);
        assert_eq!(codes.count(), 1, "the complete code has replaced the partial one");
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
