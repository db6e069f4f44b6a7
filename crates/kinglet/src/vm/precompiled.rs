//! Loading what was compiled beforehand: the one place where code comes from outside, and is taken on its caller's word.

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
use crate::artifact::{self, Artifact, Identity, Steps};
use crate::cache::{Cache, CacheEntryKind, Content, entry_name};
use crate::{Engine, Error, Module, Result, RunMode};

/// An artifact where it is mapped. What of it was not checked when it was loaded is when it is wanted.
#[derive(Debug)]
pub(super) struct Loaded {
    mapping: Arc<Mapping>,
    steps: Steps,
    /// If it is a file of a cache, that and what it is called there.
    kept: Option<(Cache, String)>,
}

impl Loaded {
    pub(super) fn bytes(&self) -> &[u8] {
        (*self.mapping).as_ref()
    }

    pub(super) fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// Whether a part is what it was. For signal handlers: nothing is allocated, and nothing waited for.
    pub(super) fn is_intact(&self, part: &Range<usize>) -> bool {
        self.steps.are_intact(self.bytes(), part, |_| ())
    }
}

/// The module in an artifact.
struct Part {
    loaded: Arc<Loaded>,
    range: Range<usize>,
}

impl AsRef<[u8]> for Part {
    fn as_ref(&self) -> &[u8] {
        &self.loaded.bytes()[self.range.clone()]
    }
}

impl ByteStorage for Part {
    fn verify(&self, part: Range<usize>) -> bool {
        let (start, loaded) = (self.range.start, &self.loaded);
        let release = |part| loaded.mapping.release(part);
        let intact = loaded.steps.are_intact(loaded.bytes(), &(start + part.start..start + part.end), release);
        if let (false, Some((cache, name))) = (intact, &loaded.kept) {
            cache.discard(name, &Error::msg("a part of it has another checksum than it says"));
        }
        intact
    }
}

impl Module {
    /// Makes a module of what [`Engine::precompile_module`] or [`Module::serialize`] made, in either form. Its functions
    /// are not validated or compiled again.
    ///
    /// Code that was made by another build of Kinglet, with other settings or for another processor is not used: an
    /// event of the level `WARN` and [`Module::rejected_code`] say why, and the module in the artifact is validated and
    /// compiled. An engine that
    /// interprets everything uses the module alone.
    ///
    /// # Safety
    /// The bytes must be what one of those functions returned, unchanged, on a machine that is as trusted as this one:
    /// they contain machine code, which is run. A checksum finds accidental damage, but whoever can make the bytes up
    /// can do whatever this process can. If there is any doubt, compile the module from its own binary instead.
    ///
    /// # Errors
    /// If the bytes are no artifact, or a damaged one; as for [`Module::new`] if they are compiled again. Damage to what a
    /// start need not read is found when it is read: a function that is damaged in the module and has to be interpreted,
    /// or a trap of which it is damaged what it means, ends the guest with a trap of its own.
    pub unsafe fn deserialize(engine: &Engine, bytes: impl AsRef<[u8]>) -> Result<Module> {
        // SAFETY: the caller promises that the bytes are an unchanged artifact that can be trusted (see `# Safety`);
        // the copy is ours.
        unsafe { load(engine, Mapping::copy(bytes.as_ref())?) }
    }

    /// The same from a file, which is mapped rather than read: what is not used of it takes no memory, and processes that
    /// use the same file share it.
    ///
    /// # Safety
    /// As for [`Module::deserialize`]; the file must also stay as it is while the module or anything made of it lives.
    ///
    /// # Errors
    /// As for [`Module::deserialize`], and if the file cannot be read.
    pub unsafe fn deserialize_file(engine: &Engine, path: impl AsRef<Path>) -> Result<Module> {
        let path = path.as_ref();
        let mapping = File::open(path).map_err(Error::from).and_then(Mapping::file);
        let mapping = mapping.map_err(|error| unreadable(path, &error))?;
        // SAFETY: the caller promises that the file is an artifact that can be trusted and does not change.
        unsafe { load(engine, mapping) }
    }

    /// The same from a part of a file, as of a program that carries its module. The part begins at a multiple of the
    /// system's page size.
    ///
    /// # Safety
    /// As for [`Module::deserialize_file`].
    ///
    /// # Errors
    /// As for [`Module::deserialize_file`]; if the part does not begin at a page, or does not end in the file.
    pub unsafe fn deserialize_file_part(engine: &Engine, file: File, part: Range<u64>) -> Result<Module> {
        // SAFETY: the caller promises that the part is an artifact that can be trusted and does not change.
        unsafe { load(engine, Mapping::file_part(file, part)?) }
    }
}

/// Which form of compiled module a file is.
pub(crate) fn detect_file(path: &Path) -> Result<Option<artifact::Precompiled>> {
    let detect = || {
        let mut file = File::open(path)?;
        let mut start = Vec::new();
        (&mut file).take(artifact::BEGINNING as u64).read_to_end(&mut start)?;
        // Of a module that a text is, or anything else, there is nothing more to be seen.
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

/// Makes a module of an artifact.
unsafe fn load(engine: &Engine, mut mapping: Mapping) -> Result<Module> {
    let bytes: &[u8] = mapping.as_ref();
    let artifact = artifact::parse(bytes)?.ok_or_else(|| {
        let hint =
            if bytes.starts_with(b"\0asm") { "it is a module without native code" } else { "it does not begin as one" };
        Error::msg(format!("this is no compiled module: {hint}"))
    })?;
    let steps = artifact.verify(bytes, |part| mapping.release(part))?;
    let made_for = Identity::parse(&bytes[artifact.identity.clone()])?;
    close_unless_mapped_again(&mut mapping, &artifact);
    let loaded = Arc::new(Loaded { mapping: Arc::new(mapping), steps, kept: None });
    let module = Bytes::new(Part { loaded: loaded.clone(), range: artifact.module.clone() });
    if engine.config().run_mode == RunMode::Interpreter {
        debug!("the native code of the module is not used: everything is interpreted");
        module.part(0..module.len())?;
        return Module::from_artifact(engine, module, false);
    }
    let here = engine.identity()?;
    if let Some(why) = made_for.mismatch(&here) {
        warn!(%why, "native code cannot be used, and is made again");
        module.part(0..module.len())?;
        let module = Module::from_artifact(engine, module, true)?;
        let _ = module.inner().rejected_code.set(why);
        return Ok(module);
    }
    let decoded = match made_for.same_proposals(&here) {
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
    // SAFETY: by contract this build made the code of this module, for a machine and with settings that fit.
    unsafe { engine.tier().publish_mapped(code.environment(), loaded, &text, &tables, trampolines)? };
    let module = Module::from_code(engine, code);
    if let Some(image) = image {
        let _ = module.inner().blueprint.memory.set(Some(image));
    }
    Ok(module)
}

/// Keeps the file open only if memories are going to be mapped from it: a process has few descriptors.
fn close_unless_mapped_again(mapping: &mut Mapping, artifact: &Artifact) {
    if !MemoryImage::is_mapped(artifact.data.len()) {
        mapping.close_file();
    }
}

/// Decodes the module in an artifact that is known to be valid.
fn validated_module(
    module: Bytes,
    loaded: &Loaded,
    artifact: &Artifact,
    engine: &Engine,
) -> Result<kinglet_wasm::Module> {
    let (bodies, memory_known) = (artifact.bodies(loaded.bytes()), !artifact.data.is_empty());
    let decoded = decode::validated_module(module, bodies, memory_known, engine.config().features, engine.types())?;
    // What was looked at is not wanted for a while.
    loaded.mapping.release(artifact.module.clone());
    Ok(decoded)
}

/// Which artifact a file is.
pub(crate) fn artifact_identity(file: File) -> Result<Identity> {
    let mapping = Mapping::file(file)?;
    let artifact = artifact::parse(mapping.as_ref())?.ok_or_else(|| Error::msg("it is no artifact"))?;
    Identity::parse(&mapping.as_ref()[artifact.identity])
}

/// What a cache has of a module's native code, as the file says; it is not checked.
pub(crate) struct CachedCode {
    /// Whether that is all there can be.
    pub(crate) complete: bool,
    /// Of which functions.
    pub(crate) functions: HashSet<u32>,
}

/// Looks at the native code that a cache has of a module.
pub(crate) fn cached_code(cache: &Cache, name: &str) -> Option<CachedCode> {
    let mapping = Mapping::file(cache.open(name)?.0).ok()?;
    let artifact = artifact::parse(mapping.as_ref()).ok()??;
    let entries = mapping.as_ref()[artifact.tables[0].clone()].chunks_exact(size_of::<FunctionCode>());
    let function = |entry: &[u8]| Some(u32::from_ne_bytes(*entry[offset_of!(FunctionCode, function)..].first_chunk()?));
    let functions = entries.filter_map(function).collect();
    Some(CachedCode { complete: artifact.address == 1, functions })
}

/// What a cache has of a module.
pub(crate) struct Cached {
    pub(crate) code: ModuleCode,
    pub(crate) memory_image: Option<MemoryImage>,
    /// How many bytes of native code it has got.
    pub(crate) native: usize,
    /// Whether that is all there can be.
    pub(crate) complete: bool,
}

/// Makes a module of what a cache has of it, without validating it; none if that is nothing, or nothing of use.
pub(crate) fn load_cached(engine: &Engine, cache: &Cache, content: &Content) -> Result<Option<Cached>> {
    let features = engine.config().features;
    let Some((loaded, artifact)) = open_cached(cache, &Identity::of_module(content, features), CacheEntryKind::Module)
    else {
        return Ok(None);
    };
    let module = Bytes::new(Part { loaded: loaded.clone(), range: artifact.module.clone() });
    let decode = || validated_module(module, &loaded, &artifact, engine);
    let native = || {
        let identity = match engine.config().run_mode {
            RunMode::Interpreter => None,
            _ => engine.identity().ok(),
        };
        open_cached(cache, &identity?.of_code(content, engine.settings()), CacheEntryKind::Code)
    };
    let (decoded, native) = both(loaded.bytes().len() >= artifact::HELP_FROM, decode, native);
    let code = ModuleCode::new(Arc::new(decoded?), engine.settings().clone(), engine.types().clone());
    let Artifact { data, address, .. } = artifact;
    let memory_image = (!data.is_empty()).then(|| MemoryImage::mapped(loaded.mapping.clone(), data, address));
    let published = native.map_or(Ok((0, false)), |native| publish_cached(engine, &code, native));
    let (native, complete) = published.unwrap_or_else(|error| {
        debug!(%error, "native code of the cache is not used");
        (0, false)
    });
    Ok(Some(Cached { code, memory_image, native, complete }))
}

/// Does two things, at the same time if it pays.
fn both<A, B: Send>(pays: bool, here: impl FnOnce() -> A, there: impl Fn() -> B + Sync) -> (A, B) {
    std::thread::scope(|scope| match pays.then(|| std::thread::Builder::new().spawn_scoped(scope, &there)) {
        Some(Ok(thread)) => (here(), thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))),
        None | Some(Err(_)) => (here(), there()),
    })
}

/// Gives a module the native code that a cache has of it: how many bytes, and whether that is all there can be.
fn publish_cached(
    engine: &Engine,
    code: &ModuleCode,
    (loaded, artifact): (Arc<Loaded>, Artifact),
) -> Result<(usize, bool)> {
    let trampolines = artifact.trampolines(loaded.bytes())?;
    let Artifact { text, tables, address, .. } = artifact;
    let bytes = text.len();
    // SAFETY: nobody but this user can have written the file (`Folder`), and what this user's processes write there is
    // what an engine of this build made of the module, by whose hash it was found, with the same settings and for the
    // same processor; the checksum has been taken where it is mapped.
    unsafe { engine.tier().publish_mapped(code.environment(), loaded, &text, &tables, trampolines)? };
    Ok((bytes, address == 1))
}

/// Opens a file of a cache that was made for just this; one that is no good is removed.
fn open_cached(cache: &Cache, identity: &Identity, kind: CacheEntryKind) -> Option<(Arc<Loaded>, Artifact)> {
    let name = entry_name(identity, kind);
    let open = |(file, settled): (File, bool)| {
        let used = file.try_clone()?;
        let mut mapping = Mapping::file(file)?;
        let bytes: &[u8] = mapping.as_ref();
        let artifact = artifact::parse(bytes)?.ok_or_else(|| Error::msg("it is no artifact"))?;
        // What may have been damaged is looked at as a whole, so that it is made again rather than a failure of whoever
        // comes to it: when the system has started since it was whole.
        let steps = match settled {
            true => artifact.verify(bytes, |part| mapping.release(part))?,
            false => artifact.verify_all(bytes, |part| mapping.release(part))?,
        };
        if bytes[artifact.identity.clone()] != identity.to_bytes() {
            return Err(Error::msg("it was made for something else"));
        }
        Cache::used(&used);
        close_unless_mapped_again(&mut mapping, &artifact);
        let kept = Some((cache.clone(), name.clone()));
        Ok((Arc::new(Loaded { mapping: Arc::new(mapping), steps, kept }), artifact))
    };
    open(cache.open(&name)?)
        .map_err(|error| match error.is::<Errno>() || error.is::<std::io::Error>() {
            // The system has refused something, of which the file knows nothing.
            true => debug!(name, %error, "a file of the cache is not used"),
            false => cache.discard(&name, &error),
        })
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, Instance, Precompiled, Store, Trap};

    /// So large that each part has bytes that are checked with no other.
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
    fn what_is_checked_late_is_not_used_before() {
        let (engine, interpreter) = (Engine::default(), Config::new().run_mode(RunMode::Interpreter).clone());
        let interpreter = Engine::new(&interpreter).unwrap();
        for form in [Precompiled::Native, Precompiled::Universal] {
            let whole = engine.precompile_module(program(), form).unwrap();
            let artifact = artifact::parse(&whole).unwrap().unwrap();
            let load = |engine: &Engine, part: &Range<usize>| {
                let mut bytes = whole.clone();
                bytes[part.start.midpoint(part.end)] ^= 0x10;
                // SAFETY: made above; what is damaged is what this is about.
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
            // What native code has no stack for is interpreted.
            assert_eq!(call(&module, "deep", 100_000).unwrap_err().downcast_ref(), Some(&Trap::Damaged));
            assert_eq!(call(&module, "load", -1).unwrap_err().downcast_ref(), Some(&Trap::MemoryOutOfBounds));
            assert!(module.binary().is_empty() && module.interpreter_listing(0).is_ok());
            assert!(damaged(module.interpreter_listing(2)) && damaged(module.serialize()));
            assert!(damaged(load(&interpreter, &nops)), "all of it is wanted there");
        }
    }

    /// What was left unread is there when it is asked for.
    #[test]
    fn a_loaded_module_gives_the_same_artifact_again() {
        let engine = Engine::default();
        let whole = engine.precompile_module(program(), Precompiled::Native).unwrap();
        // SAFETY: made above.
        let module = unsafe { Module::deserialize(&engine, &whole) }.unwrap();
        assert!(module.serialize().unwrap() == whole);
    }
}
