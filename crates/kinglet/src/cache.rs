//! The on-disk cache. It keeps a module, the initial contents of its first memory, and its native code for later
//! starts. Module and code are artifacts (see `artifact`), each in its own file. The file name is a hash of the
//! module's bytes and of everything else that the contents depend on, so a name has one meaning only:
//!
//! ```text
//! HASH.module  the module, the ranges of its functions, the contents of its first memory
//! HASH.code    native code of some or all of its functions, trampolines
//! HASH.ran     four bits for each function: has run, compilation has begun, compilation has failed, is compiled
//! HASH.file    the content hash of a loaded file, by its device, inode, size and times
//! ```
//!
//! Invariants:
//! - Files are created atomically and never change ([`CacheDirectory`]). They are used only from a directory to which no
//!   other user can write.
//! - A part of a file is used only after its checksum has been verified in the mapping, and only if the file's identity
//!   matches that of the engine. A truncated file, or one of another build, is removed, and the module is recompiled.
//! - A file that has not been used since the system booted is verified as a whole. Other damage, for example by a
//!   failing disk, may be found only when a part is first used. The guest then ends with
//!   [`Trap::Damaged`](crate::Trap), and the file is removed.

mod bundle;
mod directory;
pub(crate) mod module;
mod next_start;

use std::fs::{File, Metadata};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use tracing::debug;
use twox_hash::XxHash3_64;

use crate::artifact::Identity;
use crate::{Error, Result};
use directory::{CacheDirectory, DirectoryEntry};

/// The default size limit in bytes.
const DEFAULT_LIMIT: u64 = 1 << 30;
/// The size in bytes from which a file's hash is recorded. Hashing smaller files at each start takes little time.
const MIN_RECORDED_BYTES: u64 = 1 << 20;
/// The maximum size of a note in bytes. A note has four bits for each function of a module.
const MAX_NOTE_BYTES: u64 = 1 << 20;
/// A file's hash is recorded only if the file changed longer ago than this. File times have a resolution of up to two
/// seconds, so a later change within that time would go unnoticed.
const MIN_AGE: Duration = Duration::from_secs(3);

/// A directory in which engines keep modules and their native code for later starts. Clones share one cache, and any
/// number of processes can use the same directory.
///
/// The directory is as trusted as the program itself, because Kinglet runs the machine code in it. It must belong to
/// the user and be inaccessible to all others (mode 0700). Kinglet uses a file in it only if no other user could have
/// written to it.
///
/// ```
/// use kinglet::{Cache, CacheConfig, Config, Engine, Module};
///
/// # let directory = std::env::temp_dir().join(format!("kinglet-cache-example-{}", std::process::id()));
/// let cache = Cache::new(CacheConfig::new().with_directory(&directory))?;
/// let wat = r#"(module (func (export "six") (result i32) (i32.const 6)))"#;
/// for start in 0..2 {
///     // Each round corresponds to a start of a program.
///     let engine = Engine::new(Config::new().cache(Some(cache.clone())))?;
///     let module = Module::new(&engine, wat)?;
///     module.update_cache()?;
///     assert_eq!((cache.cache_hits(), cache.cache_misses()), (start, 1));
/// }
/// # std::fs::remove_dir_all(&directory)?;
/// # Ok::<(), kinglet::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Cache {
    inner: Arc<CacheInner>,
}

#[derive(Debug)]
struct CacheInner {
    directory: CacheDirectory,
    limit: u64,
    hits: AtomicU64,
    misses: AtomicU64,
}

/// The settings of a [`Cache`].
#[derive(Clone, Debug)]
pub struct CacheConfig {
    directory: Option<PathBuf>,
    limit: u64,
}

/// A file of a cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheEntry {
    /// The file name.
    pub name: String,
    /// The kind of contents.
    pub kind: CacheEntryKind,
    /// The size in bytes.
    pub bytes: u64,
    /// The time of the last use, or of creation if the file has not been used.
    pub used: SystemTime,
    /// The named values that the file depends on: the module's hash, the build, settings, the processor. Empty for a
    /// damaged file.
    pub made_for: Vec<(String, String)>,
}

/// The kind of contents of a cache file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CacheEntryKind {
    /// A validated module and the initial contents of its first memory.
    Module,
    /// Native code of a module.
    Code,
    /// The functions of a module that have run.
    Ran,
    /// The content hash of a module's file.
    File,
}

/// The hash of a module's bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct ContentHash([u8; 32]);

impl std::fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.to_string())
    }
}

impl std::fmt::Display for ContentHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl ContentHash {
    pub(crate) fn of(bytes: &[u8]) -> ContentHash {
        ContentHash(*blake3::hash(bytes).as_bytes())
    }
}

impl CacheEntryKind {
    const ALL: [CacheEntryKind; 4] =
        [CacheEntryKind::Module, CacheEntryKind::Code, CacheEntryKind::Ran, CacheEntryKind::File];

    fn extension(self) -> &'static str {
        match self {
            CacheEntryKind::Module => "module",
            CacheEntryKind::Code => "code",
            CacheEntryKind::Ran => "ran",
            CacheEntryKind::File => "file",
        }
    }

    /// Returns whether the file is an artifact, which contains its own identity and checksums.
    pub fn is_artifact(self) -> bool {
        matches!(self, CacheEntryKind::Module | CacheEntryKind::Code)
    }

    /// Returns the kind of a file with this name; `None` if the file does not belong to the cache.
    fn of(name: &str) -> Option<CacheEntryKind> {
        let (stem, extension) = name.split_once('.')?;
        let hash = stem.len() == 64 && stem.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        CacheEntryKind::ALL.into_iter().find(|kind| hash && kind.extension() == extension)
    }
}

impl CacheConfig {
    /// Returns the default settings: the user's cache directory and a limit of 1 GiB.
    pub fn new() -> CacheConfig {
        CacheConfig { directory: None, limit: DEFAULT_LIMIT }
    }

    /// Sets the directory, which the cache creates if necessary. The default is [`Cache::default_directory`].
    pub fn with_directory(&mut self, directory: impl Into<PathBuf>) -> &mut CacheConfig {
        self.directory = Some(directory.into());
        self
    }

    /// Sets the limit on the total size of all files, in bytes. When new files exceed the limit, the cache removes the
    /// least recently used files. The default is 1 GiB.
    pub fn with_files_total_size_soft_limit(&mut self, bytes: u64) -> &mut CacheConfig {
        self.limit = bytes;
        self
    }
}

impl Default for CacheConfig {
    fn default() -> CacheConfig {
        CacheConfig::new()
    }
}

impl Cache {
    /// Opens a cache, and creates its directory if necessary.
    ///
    /// # Errors
    /// If the directory cannot be created or opened, is a symbolic link, or is accessible to other users. Also if no
    /// directory is configured and the user has no default directory.
    pub fn new(config: &CacheConfig) -> Result<Cache> {
        let path = config.directory.clone().or_else(Cache::default_directory);
        let path = path.ok_or_else(|| Error::msg("no cache directory is configured; set KINGLET_CACHE_DIR"))?;
        let directory = CacheDirectory::open(&path)
            .map_err(|error| Error::msg(format!("cannot use the cache in {}: {error}", path.display())))?;
        let (hits, misses) = (AtomicU64::new(0), AtomicU64::new(0));
        Ok(Cache { inner: Arc::new(CacheInner { directory, limit: config.limit, hits, misses }) })
    }

    /// Returns the user's cache directory: `$KINGLET_CACHE_DIR`, or else `$XDG_CACHE_HOME/kinglet`, or else
    /// `~/.cache/kinglet`. Returns `None` if none of these variables is set, or if the first one is empty.
    pub fn default_directory() -> Option<PathBuf> {
        if let Some(own) = std::env::var_os("KINGLET_CACHE_DIR") {
            return (!own.is_empty()).then(|| own.into());
        }
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let xdg = || variable("XDG_CACHE_HOME").filter(|path| path.is_absolute());
        let home = || variable("HOME").map(|home| home.join(".cache"));
        Some(xdg().or_else(home)?.join("kinglet"))
    }

    /// Returns the cache's directory.
    pub fn directory(&self) -> &Path {
        self.inner.directory.path()
    }

    /// Returns the number of modules that this cache and its clones have found.
    pub fn cache_hits(&self) -> u64 {
        self.inner.hits.load(Ordering::Relaxed)
    }

    /// Returns the number of modules that this cache and its clones have not found.
    pub fn cache_misses(&self) -> u64 {
        self.inner.misses.load(Ordering::Relaxed)
    }

    /// Returns the files in the cache, most recently used first.
    ///
    /// # Errors
    /// If the directory cannot be read.
    pub fn entries(&self) -> Result<Vec<CacheEntry>> {
        let mut files = self.inner.directory.list()?;
        files.sort_by(|a, b| b.used.cmp(&a.used).then_with(|| a.name.cmp(&b.name)));
        let entry = |file: DirectoryEntry| {
            let kind = CacheEntryKind::of(&file.name)?;
            let made_for = if kind.is_artifact() { self.made_for(&file.name) } else { Vec::new() };
            Some(CacheEntry { kind, made_for, name: file.name, bytes: file.bytes, used: file.used })
        };
        Ok(files.into_iter().filter_map(entry).collect())
    }

    fn made_for(&self, name: &str) -> Vec<(String, String)> {
        let identity = || {
            let file = self.inner.directory.read(name).ok().flatten()?;
            crate::vm::artifact_identity(file).ok()
        };
        identity().map_or_else(Vec::new, Identity::into_rows)
    }

    /// Removes all files, and returns their total size in bytes.
    ///
    /// # Errors
    /// If the directory cannot be read.
    pub fn clean(&self) -> Result<u64> {
        let files = self.inner.directory.list()?;
        let is_cache_file = |file: &&DirectoryEntry| CacheEntryKind::of(&file.name).is_some() || file.is_temporary();
        let removed = files.iter().filter(is_cache_file).filter(|file| self.inner.directory.remove(&file.name));
        Ok(removed.map(|file| file.bytes).sum())
    }

    pub(crate) fn count(&self, hit: bool) {
        let counter = if hit { &self.inner.hits } else { &self.inner.misses };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Opens a file. Also returns whether it was created or used since the system booted. Returns `None` if there is no
    /// trusted file with this name. [`Cache::used`] records its use.
    pub(crate) fn open(&self, name: &str) -> Option<(File, bool)> {
        match self.inner.directory.read(name) {
            Ok(file) => file.map(|file| {
                let from_this_boot = CacheDirectory::is_from_this_boot(&file);
                (file, from_this_boot)
            }),
            Err(error) => {
                debug!(name, %error, "a cache file is not used");
                None
            }
        }
    }

    /// Records the use of an intact file.
    pub(crate) fn used(file: &File) {
        CacheDirectory::touch(file);
    }

    /// Removes an unusable file.
    pub(crate) fn discard(&self, name: &str, reason: &Error) {
        debug!(name, %reason, "a cache file is removed");
        self.inner.directory.remove(name);
    }

    /// Writes a file. Fails if its contents alone exceed the size limit.
    pub(crate) fn store(&self, name: &str, contents: &[u8]) -> Result<()> {
        if contents.len() as u64 > self.inner.limit {
            return Err(Error::msg("the contents are larger than the cache's size limit"));
        }
        self.inner.directory.write(name, contents)?;
        debug!(name, bytes = contents.len(), "kept in the cache");
        Ok(())
    }

    /// Removes the least recently used files beyond the size limit, and temporary files of ended processes.
    pub(crate) fn evict(&self) -> Result<()> {
        let mut files = self.inner.directory.list()?;
        for stale in files.iter().filter(|file| file.is_stale()) {
            self.inner.directory.remove(&stale.name);
        }
        files.retain(|file| CacheEntryKind::of(&file.name).is_some());
        let mut total: u64 = files.iter().map(|file| file.bytes).sum();
        if total <= self.inner.limit {
            return Ok(());
        }
        // Free an eighth of the limit, so that the next file does not need another eviction.
        let target_size = self.inner.limit - self.inner.limit / 8;
        files.sort_by_key(|file| file.used);
        for DirectoryEntry { name, bytes, .. } in files {
            if total <= target_size {
                break;
            }
            if self.inner.directory.remove(&name) {
                debug!(name, bytes, "removed from the cache: the size limit is reached");
            }
            total -= bytes;
        }
        Ok(())
    }

    /// Returns the recorded content hash of a file, if the file has not changed since.
    pub(crate) fn recorded_hash(&self, file: &Metadata) -> Option<ContentHash> {
        self.read_note(&file_name(file)?)?.try_into().ok().map(ContentHash)
    }

    /// Reads a note that [`Cache::write_note`] wrote.
    pub(crate) fn read_note(&self, name: &str) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut file = self.open(name)?.0;
        (&mut file).take(MAX_NOTE_BYTES).read_to_end(&mut bytes).ok()?;
        let (note, checksum) = bytes.split_last_chunk()?;
        (*checksum == XxHash3_64::oneshot(note).to_le_bytes()).then(|| {
            Cache::used(&file);
            note.to_vec()
        })
    }

    /// Writes a few bytes with a checksum.
    pub(crate) fn write_note(&self, name: &str, note: &[u8]) -> Result<()> {
        self.store(name, &[note, &XxHash3_64::oneshot(note).to_le_bytes()].concat())
    }

    /// Locks a cache file until the returned value is dropped. Returns `None` if there is no such file, or if another
    /// process has locked it.
    pub(crate) fn lock(&self, name: &str) -> Option<File> {
        self.inner.directory.lock(name).inspect_err(|error| debug!(name, %error, "cannot lock a cache file")).ok()?
    }

    /// Records a file's content hash. `file` is its metadata from before it was read. If the file changed shortly
    /// before, records nothing, because another change could go unnoticed.
    pub(crate) fn record_hash(&self, file: &Metadata, content: ContentHash) {
        let Some(name) = file_name(file) else { return };
        let changed = Duration::new(u64::try_from(file.ctime()).unwrap_or(0), file.ctime_nsec() as u32);
        let age = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH + changed);
        if age.is_ok_and(|age| age > MIN_AGE)
            && let Err(error) = self.write_note(&name, &content.0)
        {
            debug!(%error, "cannot record the file's hash");
        }
    }
}

/// Returns the name of the note about a file; `None` for small files and for inodes that are not regular files. Every
/// change to the file changes one of these values, because no program can set the time of the last status change.
fn file_name(file: &Metadata) -> Option<String> {
    if !file.is_file() || file.len() < MIN_RECORDED_BYTES {
        return None;
    }
    let times = [file.mtime(), file.mtime_nsec(), file.ctime(), file.ctime_nsec()];
    let key = format!("file {} {} {} {times:?}", file.dev(), file.ino(), file.len());
    Some(name(&ContentHash::of(key.as_bytes()), CacheEntryKind::File))
}

fn name(hash: &ContentHash, kind: CacheEntryKind) -> String {
    format!("{hash}.{}", kind.extension())
}

/// Returns the name of the file with this identity.
pub(crate) fn entry_name(identity: &Identity, kind: CacheEntryKind) -> String {
    name(&ContentHash::of(&identity.to_bytes()), kind)
}
