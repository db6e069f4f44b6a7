//! Loads compiled modules. This is the only way for code from outside to enter the process. The caller is responsible
//! for its origin.

use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::mem::offset_of;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use kinglet_abi::image::FunctionCode;
use kinglet_interp::ModuleCode;
use kinglet_wasm::decode;
use kinglet_wasm::module::{ByteStorage, Bytes};
use rustix::io::Errno;
use tracing::{debug, warn};

use super::image::MemoryImage;
use super::native::Mapping;
use crate::artifact::{self, Artifact, Chunks, Identity};
use crate::cache::{Cache, CacheEntryKind, ContentHash, entry_name};
use crate::{Engine, Error, Module, Result, RunMode};

/// A mapped artifact. Parts that loading did not verify are verified on first use.
#[derive(Debug)]
pub(super) struct LoadedArtifact {
    mapping: Arc<Mapping>,
    chunks: Chunks,
    /// For an artifact from a cache, the cache and the file's name in it.
    cache_file: Option<(Cache, String)>,
}

impl LoadedArtifact {
    pub(super) fn bytes(&self) -> &[u8] {
        (*self.mapping).as_ref()
    }

    pub(super) fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// Returns whether a part matches its checksums. Signal handlers may call this, because it neither allocates nor
    /// blocks.
    pub(super) fn is_verified(&self, part: &Range<usize>) -> bool {
        self.chunks.verify(self.bytes(), part, |_| ())
    }
}

/// The module in an artifact.
struct ModulePart {
    loaded: Arc<LoadedArtifact>,
    range: Range<usize>,
}

impl AsRef<[u8]> for ModulePart {
    fn as_ref(&self) -> &[u8] {
        &self.loaded.bytes()[self.range.clone()]
    }
}

impl ByteStorage for ModulePart {
    fn verify(&self, part: Range<usize>) -> bool {
        let (start, loaded) = (self.range.start, &self.loaded);
        let release = |part| loaded.mapping.release(part);
        let verified = loaded.chunks.verify(loaded.bytes(), &(start + part.start..start + part.end), release);
        if let (false, Some((cache, name))) = (verified, &loaded.cache_file) {
            cache.discard(name, &Error::msg("a checksum does not match"));
        }
        verified
    }
}

impl Module {
    /// Loads a module from the output of [`Engine::precompile_module`] or [`Module::serialize`], in either form. The
    /// functions are not validated or compiled again.
    ///
    /// Code from another build of Kinglet, with other settings or for another processor is rejected. The module in the
    /// artifact is then validated and compiled, and a `WARN` event and [`Module::rejected_code`] give the reason. An
    /// engine that only interprets never uses the code.
    ///
    /// # Safety
    /// The bytes must be the unchanged output of one of those functions, from a machine as trusted as this one. They
    /// contain machine code, and Kinglet runs it. Checksums detect only accidental damage. An attacker who controls the
    /// bytes can do anything that this process can. If in doubt, compile the module from its binary instead.
    ///
    /// # Errors
    /// If the bytes are not an artifact or are damaged, or, when the module is compiled again, as for [`Module::new`].
    /// Parts that loading does not read are verified on first use. If such a part is damaged, for example a function
    /// that needs interpretation or the table of trapping instructions, the guest ends with
    /// [`Trap::Damaged`](crate::Trap).
    pub unsafe fn deserialize(engine: &Engine, bytes: impl AsRef<[u8]>) -> Result<Module> {
        // SAFETY: the caller promises that the bytes are an unchanged, trusted artifact (see `# Safety`). The mapping
        // is a private copy.
        unsafe { load(engine, Mapping::copy(bytes.as_ref())?) }
    }

    /// Loads a module from a file. The file is mapped: unused parts take no memory, and processes share the pages.
    ///
    /// # Safety
    /// As for [`Module::deserialize`]. The file must not change while the module or anything created from it is alive.
    ///
    /// # Errors
    /// As for [`Module::deserialize`], and if the file cannot be read.
    pub unsafe fn deserialize_file(engine: &Engine, path: impl AsRef<Path>) -> Result<Module> {
        let path = path.as_ref();
        let mapping = File::open(path).map_err(Error::from).and_then(Mapping::file);
        let mapping = mapping.map_err(|error| unreadable(path, &error))?;
        // SAFETY: the caller promises that the file is a trusted artifact and does not change.
        unsafe { load(engine, mapping) }
    }

    /// Loads a module from a part of a file, such as an executable that embeds its module. The part starts at a
    /// multiple of the system's page size.
    ///
    /// # Safety
    /// As for [`Module::deserialize_file`].
    ///
    /// # Errors
    /// As for [`Module::deserialize_file`], and if the part does not start at a page or extends beyond the file.
    pub unsafe fn deserialize_file_part(engine: &Engine, file: File, part: Range<u64>) -> Result<Module> {
        // SAFETY: the caller promises that the part is a trusted artifact and does not change.
        unsafe { load(engine, Mapping::file_part(file, part)?) }
    }
}

/// Returns the artifact form of a file, if it is an artifact.
pub(crate) fn detect_file(path: &Path) -> Result<Option<artifact::Precompiled>> {
    let detect = || {
        let mut file = File::open(path)?;
        let mut start = Vec::new();
        (&mut file).take(artifact::MAGIC_SIZE as u64).read_to_end(&mut start)?;
        // Only a binary module needs more than its first bytes.
        if !start.starts_with(b"\0asm") {
            return Ok(artifact::detect(&start));
        }
        Ok(artifact::detect(Mapping::file(file)?.as_ref()))
    };
    detect().map_err(|error: Error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &Error) -> Error {
    Error::msg(format!("cannot read {}: {error:#}", path.display()))
}

/// Loads a module from an artifact.
unsafe fn load(engine: &Engine, mut mapping: Mapping) -> Result<Module> {
    let bytes: &[u8] = mapping.as_ref();
    let artifact = artifact::parse(bytes)?.ok_or_else(|| {
        let hint =
            if bytes.starts_with(b"\0asm") { "it is a module without native code" } else { "unknown magic number" };
        Error::msg(format!("not a compiled module: {hint}"))
    })?;
    let chunks = artifact.verify(bytes, |part| mapping.release(part))?;
    let made_for = Identity::parse(&bytes[artifact.identity.clone()])?;
    close_unless_memory_is_mapped(&mut mapping, &artifact);
    let loaded = Arc::new(LoadedArtifact { mapping: Arc::new(mapping), chunks, cache_file: None });
    let module = Bytes::new(ModulePart { loaded: loaded.clone(), range: artifact.module.clone() });
    if engine.config().run_mode == RunMode::Interpreter {
        debug!("the module's native code is ignored: the engine only interprets");
        module.part(0..module.len())?;
        return Module::from_artifact(engine, module, false);
    }
    let ours = engine.identity()?;
    if let Some(reason) = made_for.mismatch(&ours) {
        warn!(%reason, "native code rejected; recompiling the module");
        module.part(0..module.len())?;
        let module = Module::from_artifact(engine, module, true)?;
        let _ = module.inner().rejected_code.set(reason);
        return Ok(module);
    }
    let decoded = match made_for.same_proposals(&ours) {
        true => validated_module(module, &loaded, &artifact, engine)?,
        false => {
            module.part(0..module.len())?;
            decode::module(module, engine.config().features, engine.types())?
        }
    };
    let code = ModuleCode::new(Arc::new(decoded), engine.settings().clone(), engine.types().clone());
    let trampolines = artifact.trampolines(loaded.bytes())?;
    let Artifact { text, tables, data, address, .. } = artifact;
    let image = (!data.is_empty()).then(|| MemoryImage::mapped(loaded.mapping.clone(), data, address));
    // SAFETY: by contract this build compiled the code of this module, for a compatible processor and settings.
    unsafe { engine.tier().publish_mapped(code.environment(), loaded, &text, &tables, trampolines)? };
    let module = Module::from_code(engine, code);
    if let Some(image) = image {
        let _ = module.inner().template.memory.set(Some(image));
    }
    Ok(module)
}

/// Closes the file unless memories are mapped from it, because file descriptors are scarce.
fn close_unless_memory_is_mapped(mapping: &mut Mapping, artifact: &Artifact) {
    if !MemoryImage::is_mapped(artifact.data.len()) {
        mapping.close_file();
    }
}

/// Decodes the module in an artifact. It was validated before.
fn validated_module(
    module: Bytes,
    loaded: &LoadedArtifact,
    artifact: &Artifact,
    engine: &Engine,
) -> Result<kinglet_wasm::Module> {
    let (bodies, memory_known) = (artifact.bodies(loaded.bytes()), !artifact.data.is_empty());
    let decoded = decode::validated_module(module, bodies, memory_known, engine.config().features, engine.types())?;
    // The pages are decoded and are not needed again soon.
    loaded.mapping.release(artifact.module.clone());
    Ok(decoded)
}

/// Reads the identity of an artifact file.
pub(crate) fn artifact_identity(file: File) -> Result<Identity> {
    let mapping = Mapping::file(file)?;
    let artifact = artifact::parse(mapping.as_ref())?.ok_or_else(|| Error::msg("not an artifact"))?;
    Identity::parse(&mapping.as_ref()[artifact.identity])
}

/// The summary of a module's native code in a cache, read without verification.
pub(crate) struct CachedCode {
    /// Whether every function that can be compiled has code.
    pub(crate) complete: bool,
    /// The functions that have code.
    pub(crate) functions: HashSet<u32>,
}

/// Reads the summary of a module's native code in a cache.
pub(crate) fn cached_code(cache: &Cache, name: &str) -> Option<CachedCode> {
    let mapping = Mapping::file(cache.open(name)?.0).ok()?;
    let artifact = artifact::parse(mapping.as_ref()).ok()??;
    let entries = mapping.as_ref()[artifact.tables[0].clone()].chunks_exact(size_of::<FunctionCode>());
    let function = |entry: &[u8]| Some(u32::from_ne_bytes(*entry[offset_of!(FunctionCode, function)..].first_chunk()?));
    let functions = entries.filter_map(function).collect();
    Some(CachedCode { complete: artifact.address == 1, functions })
}

/// A module loaded from a cache.
pub(crate) struct Cached {
    pub(crate) code: ModuleCode,
    pub(crate) memory_image: Option<MemoryImage>,
    /// Bytes of native code.
    pub(crate) native: usize,
    /// Whether every function that can be compiled has code.
    pub(crate) complete: bool,
}

/// Loads a module from a cache without validating it. Returns `None` if the cache has no usable file.
pub(crate) fn load_cached(engine: &Engine, cache: &Cache, content: &ContentHash) -> Result<Option<Cached>> {
    let features = engine.config().features;
    let Some((loaded, artifact)) = open_cached(cache, &Identity::of_module(content, features), CacheEntryKind::Module)
    else {
        return Ok(None);
    };
    let module = Bytes::new(ModulePart { loaded: loaded.clone(), range: artifact.module.clone() });
    let decode = || validated_module(module, &loaded, &artifact, engine);
    let native = || {
        let identity = match engine.config().run_mode {
            RunMode::Interpreter => None,
            _ => engine.identity().ok(),
        };
        open_cached(cache, &identity?.of_code(content, engine.settings()), CacheEntryKind::Code)
    };
    let (decoded, native) = run_both(loaded.bytes().len() >= artifact::PARALLEL_FROM, decode, native);
    let code = ModuleCode::new(Arc::new(decoded?), engine.settings().clone(), engine.types().clone());
    let Artifact { data, address, .. } = artifact;
    let memory_image = (!data.is_empty()).then(|| MemoryImage::mapped(loaded.mapping.clone(), data, address));
    let published = native.map_or(Ok((0, false)), |native| publish_cached(engine, &code, native));
    let (native, complete) = published.unwrap_or_else(|error| {
        debug!(%error, "native code in the cache is not used");
        (0, false)
    });
    Ok(Some(Cached { code, memory_image, native, complete }))
}

/// Runs two functions, in parallel if `parallel`.
fn run_both<A, B: Send>(parallel: bool, main: impl FnOnce() -> A, helper: impl Fn() -> B + Sync) -> (A, B) {
    std::thread::scope(|scope| match parallel.then(|| std::thread::Builder::new().spawn_scoped(scope, &helper)) {
        Some(Ok(thread)) => (main(), thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))),
        None | Some(Err(_)) => (main(), helper()),
    })
}

/// Publishes a module's native code from a cache. Returns its size in bytes and whether it is complete.
fn publish_cached(
    engine: &Engine,
    code: &ModuleCode,
    (loaded, artifact): (Arc<LoadedArtifact>, Artifact),
) -> Result<(usize, bool)> {
    let trampolines = artifact.trampolines(loaded.bytes())?;
    let Artifact { text, tables, address, .. } = artifact;
    let bytes = text.len();
    // SAFETY: only this user's processes can have written the file (`Directory`). They write code that an engine of
    // this build compiled from the module of this hash, with the same settings and for the same processor. The checksum
    // was verified after mapping.
    unsafe { engine.tier().publish_mapped(code.environment(), loaded, &text, &tables, trampolines)? };
    Ok((bytes, address == 1))
}

/// Opens the cache file of an identity. Removes the file if it is unusable.
fn open_cached(cache: &Cache, identity: &Identity, kind: CacheEntryKind) -> Option<(Arc<LoadedArtifact>, Artifact)> {
    let name = entry_name(identity, kind);
    let open = |(file, from_this_boot): (File, bool)| {
        let used = file.try_clone()?;
        let mut mapping = Mapping::file(file)?;
        let bytes: &[u8] = mapping.as_ref();
        let artifact = artifact::parse(bytes)?.ok_or_else(|| Error::msg("not an artifact"))?;
        // If the system has restarted since the file was last used, a crash may have damaged it. Verify all of it now,
        // so the module is recompiled instead of failing later.
        let chunks = match from_this_boot {
            true => artifact.verify(bytes, |part| mapping.release(part))?,
            false => artifact.verify_all(bytes, |part| mapping.release(part))?,
        };
        if bytes[artifact.identity.clone()] != identity.to_bytes() {
            return Err(Error::msg("it has another identity"));
        }
        Cache::used(&used);
        close_unless_memory_is_mapped(&mut mapping, &artifact);
        let cache_file = Some((cache.clone(), name.clone()));
        Ok((Arc::new(LoadedArtifact { mapping: Arc::new(mapping), chunks, cache_file }), artifact))
    };
    open(cache.open(&name)?)
        .map_err(|error| match error.is::<Errno>() || error.is::<std::io::Error>() {
            // The system refused an operation, so the file may be intact.
            true => debug!(name, %error, "a cache file is not used"),
            false => cache.discard(&name, &error),
        })
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, Instance, Precompiled, Store, Trap};

    /// Returns a module that is large enough for every part to have chunks of its own.
    fn program() -> String {
        let load = |offset| format!("(drop (i32.load offset={offset} (local.get 0)))");
        let loads: String = (0..20_000).map(load).collect();
        let (nops, notes) = ("nop ".repeat(200_000), "note ".repeat(40_000));
        format!(
            r#"(module (memory 8) (data (i32.const 8) "some data")
                (func (export "load") (param i32) {loads})
                (func $deep (export "deep") (param i32) (if (local.get 0)
                  (then (call $deep (i32.sub (local.get 0) (i32.const 1)))) (else (call $nops (i32.const 0)))))
                (func $nops (export "nops") (param i32) {nops})
                (@custom "notes" "{notes}"))"#
        )
    }

    fn call(module: &Module, name: &str, argument: i32) -> Result<()> {
        let mut store = Store::new(module.engine(), ());
        let instance = Instance::new(&mut store, module, &[])?;
        instance.get_typed_func::<i32, ()>(&mut store, name)?.call(&mut store, argument)
    }

    fn damaged<T>(result: Result<T>) -> bool {
        result.is_err_and(|error| format!("{error:#}").contains("the artifact is damaged"))
    }

    #[test]
    fn unverified_parts_are_not_used() {
        let (engine, interpreter) = (Engine::default(), Config::new().run_mode(RunMode::Interpreter).clone());
        let interpreter = Engine::new(&interpreter).unwrap();
        for form in [Precompiled::Native, Precompiled::Universal] {
            let whole = engine.precompile_module_with(program(), form, |_, _| ()).unwrap();
            let artifact = artifact::parse(&whole).unwrap().unwrap();
            let load = |engine: &Engine, part: &Range<usize>| {
                let mut bytes = whole.clone();
                bytes[part.start.midpoint(part.end)] ^= 0x10;
                // SAFETY: the test compiled the module above and damaged it on purpose.
                unsafe { Module::deserialize(engine, &bytes) }
            };
            for part in [&artifact.identity, &artifact.tables[0], &artifact.text, &artifact.data] {
                assert!(damaged(load(&engine, part)), "{form:?} {part:?}");
            }

            let sites = load(&engine, &artifact.tables[1]).unwrap();
            call(&sites, "load", 0).unwrap();
            assert_eq!(call(&sites, "load", -1).unwrap_err().downcast_ref(), Some(&Trap::Damaged), "{form:?}");

            let notes = whole.windows(10).position(|bytes| bytes == b"note note ").unwrap();
            let notes = load(&engine, &(notes..notes + 200_000)).unwrap();
            assert!(notes.binary().is_empty() && notes.custom_sections().next().unwrap().data().is_empty());
            assert!(notes.interpreter_listing(1).is_ok());

            let nops = artifact.bodies(&whole).pop().unwrap();
            let nops = artifact.module.start + nops.start..artifact.module.start + nops.end;
            let module = load(&engine, &nops).unwrap();
            call(&module, "nops", 0).unwrap();
            call(&module, "deep", 10).unwrap();
            // The interpreter runs a function for which too little stack is left.
            assert_eq!(call(&module, "deep", 100_000).unwrap_err().downcast_ref(), Some(&Trap::Damaged));
            assert_eq!(call(&module, "load", -1).unwrap_err().downcast_ref(), Some(&Trap::MemoryOutOfBounds));
            assert!(module.binary().is_empty() && module.interpreter_listing(0).is_ok());
            assert!(damaged(module.interpreter_listing(2)) && damaged(module.serialize()));
            assert!(damaged(load(&interpreter, &nops)), "an interpreter verifies the whole module");
        }
    }

    /// A request verifies and returns the parts that loading did not read.
    #[test]
    fn a_loaded_module_serializes_to_the_same_artifact() {
        let engine = Engine::default();
        let whole = engine.precompile_module(program()).unwrap();
        // SAFETY: compiled above.
        let module = unsafe { Module::deserialize(&engine, &whole) }.unwrap();
        assert!(module.serialize().unwrap() == whole);
    }
}
