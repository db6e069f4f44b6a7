//! What is kept on disk from one start of a module to the next: that it is valid, what its first memory begins with,
//! and its native code as far as it was made. Each is an artifact (see `artifact`) in a file of its own, named by a hash
//! of the module's bytes and of everything that it depends on, so that a name never means two things:
//!
//! ```text
//! HASH.module  the module itself, where its bodies are, its first memory
//! HASH.code    native code of some of its functions or all, trampolines
//! HASH.ran     which of its functions have run, which of those were compiled for the next start, are being, and cannot be
//! HASH.file    the hash of the contents of a file that was loaded, by which file it is and when it was changed
//! ```
//!
//! Invariants: files come into being whole and never change ([`Folder`]), they are used only from a folder that nobody
//! else can write to, after the checksum of what is used has been taken where it is mapped, and only if the names of everything
//! they were made for are the ones here. So what is cut short or of another build is found, removed, and made again: what
//! has not been used since the system started is checked as a whole. Damage of another kind, as by a failing disk, may be
//! found when a part of a module is wanted: that ends the guest ([`Trap::Damaged`](crate::Trap)), and the file is removed.

mod bundle;
mod folder;
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
use folder::{Folder, Found};

/// How many bytes a cache takes at most, if nothing is said.
const LIMIT: u64 = 1 << 30;
/// Files of fewer bytes are read and hashed at each start: that takes no time.
const NOTED_FROM: u64 = 1 << 20;
/// No note is longer: four bits for each function of a module.
const LONGEST_NOTE: u64 = 1 << 20;
/// How long ago a file must have been changed for its times to tell it from what it may yet become: systems count them
/// in steps of up to two seconds.
const SETTLED: Duration = Duration::from_secs(3);

/// A folder in which engines keep modules and their native code for the next start. Clones are the same cache; any
/// number of processes may use one folder.
///
/// What is in it is trusted as much as the program itself: machine code from it is run. Therefore the folder has to
/// belong to the user, closed to all others (mode 0700), and files in it are used only if nobody else could have written
/// to them.
///
/// ```
/// use kinglet::{Cache, CacheConfig, Config, Engine, Module};
///
/// # let folder = std::env::temp_dir().join(format!("kinglet-cache-example-{}", std::process::id()));
/// let cache = Cache::new(CacheConfig::new().with_directory(&folder))?;
/// let wat = r#"(module (func (export "six") (result i32) (i32.const 6)))"#;
/// for start in 0..2 {
///     // As in two starts of a program.
///     let engine = Engine::new(Config::new().cache(Some(cache.clone())))?;
///     let module = Module::new(&engine, wat)?;
///     module.update_cache()?;
///     assert_eq!((cache.cache_hits(), cache.cache_misses()), (start, 1));
/// }
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), kinglet::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Cache {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    folder: Folder,
    limit: u64,
    hits: AtomicU64,
    misses: AtomicU64,
}

/// Settings of a [`Cache`].
#[derive(Clone, Debug)]
pub struct CacheConfig {
    directory: Option<PathBuf>,
    limit: u64,
}

/// A file of a cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheEntry {
    /// What it is called.
    pub name: String,
    /// What it holds.
    pub kind: CacheEntryKind,
    /// Its size in bytes.
    pub bytes: u64,
    /// When it was last used, or made.
    pub used: SystemTime,
    /// Of what it was made for, the name and value of each: the module's hash, the build, settings, the processor. Empty
    /// if it is damaged.
    pub made_for: Vec<(String, String)>,
}

/// What a file of a cache holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CacheEntryKind {
    /// A valid module, with the contents of its first memory.
    Module,
    /// Native code of a module.
    Code,
    /// Which functions of a module have run.
    Ran,
    /// Which module is in a file.
    File,
}

/// The hash of a module's bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Content([u8; 32]);

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.to_string())
    }
}

impl std::fmt::Display for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Content {
    pub(crate) fn of(bytes: &[u8]) -> Content {
        Content(*blake3::hash(bytes).as_bytes())
    }
}

impl CacheEntryKind {
    const ALL: [CacheEntryKind; 4] =
        [CacheEntryKind::Module, CacheEntryKind::Code, CacheEntryKind::Ran, CacheEntryKind::File];

    fn ending(self) -> &'static str {
        match self {
            CacheEntryKind::Module => "module",
            CacheEntryKind::Code => "code",
            CacheEntryKind::Ran => "ran",
            CacheEntryKind::File => "file",
        }
    }

    /// Whether it is an artifact, which says itself what it is for and whether it is whole.
    pub fn is_artifact(self) -> bool {
        matches!(self, CacheEntryKind::Module | CacheEntryKind::Code)
    }

    /// What a file of this name holds; none if it is not the cache's.
    fn of(name: &str) -> Option<CacheEntryKind> {
        let (stem, ending) = name.split_once('.')?;
        let hash = stem.len() == 64 && stem.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        CacheEntryKind::ALL.into_iter().find(|kind| hash && kind.ending() == ending)
    }
}

impl CacheConfig {
    /// The user's own folder, and 1 GiB.
    pub fn new() -> CacheConfig {
        CacheConfig { directory: None, limit: LIMIT }
    }

    /// Sets the folder. It is made if it is not there.
    pub fn with_directory(&mut self, directory: impl Into<PathBuf>) -> &mut CacheConfig {
        self.directory = Some(directory.into());
        self
    }

    /// Sets how many bytes the files may have in all. Whenever some are added, those that have not been used for longest
    /// make room.
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
    /// Opens a cache.
    ///
    /// # Errors
    /// If the folder cannot be made or opened, is a link, or others than the user could have written to it; if none is
    /// named and the user has none.
    pub fn new(config: &CacheConfig) -> Result<Cache> {
        let path = config.directory.clone().or_else(Cache::default_directory);
        let path = path.ok_or_else(|| Error::msg("there is no folder for a cache; KINGLET_CACHE_DIR can name one"))?;
        let folder = Folder::open(&path)
            .map_err(|error| Error::msg(format!("the cache in {} cannot be used: {error}", path.display())))?;
        let (hits, misses) = (AtomicU64::new(0), AtomicU64::new(0));
        Ok(Cache { inner: Arc::new(Inner { folder, limit: config.limit, hits, misses }) })
    }

    /// The user's own folder: `$KINGLET_CACHE_DIR`, else `kinglet` in `$XDG_CACHE_HOME`, else in `~/.cache`; none if none
    /// of them is set, or the first is set to nothing.
    pub fn default_directory() -> Option<PathBuf> {
        if let Some(own) = std::env::var_os("KINGLET_CACHE_DIR") {
            return (!own.is_empty()).then(|| own.into());
        }
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let xdg = || variable("XDG_CACHE_HOME").filter(|path| path.is_absolute());
        let home = || variable("HOME").map(|home| home.join(".cache"));
        Some(xdg().or_else(home)?.join("kinglet"))
    }

    /// The folder.
    pub fn directory(&self) -> &Path {
        self.inner.folder.path()
    }

    /// How many modules were found in it, by this cache and its clones.
    pub fn cache_hits(&self) -> u64 {
        self.inner.hits.load(Ordering::Relaxed)
    }

    /// How many modules were looked for and not found.
    pub fn cache_misses(&self) -> u64 {
        self.inner.misses.load(Ordering::Relaxed)
    }

    /// What is in it, what was used last first.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn entries(&self) -> Result<Vec<CacheEntry>> {
        let mut found = self.inner.folder.list()?;
        found.sort_by(|a, b| b.used.cmp(&a.used).then_with(|| a.name.cmp(&b.name)));
        let entry = |found: Found| {
            let kind = CacheEntryKind::of(&found.name)?;
            let made_for = if kind.is_artifact() { self.made_for(&found.name) } else { Vec::new() };
            Some(CacheEntry { kind, made_for, name: found.name, bytes: found.bytes, used: found.used })
        };
        Ok(found.into_iter().filter_map(entry).collect())
    }

    fn made_for(&self, name: &str) -> Vec<(String, String)> {
        let identity = || {
            let file = self.inner.folder.read(name).ok().flatten()?;
            crate::vm::artifact_identity(file).ok()
        };
        identity().map_or_else(Vec::new, Identity::into_rows)
    }

    /// Removes everything; returns how many bytes that were.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn clean(&self) -> Result<u64> {
        let found = self.inner.folder.list()?;
        let ours = |found: &&Found| CacheEntryKind::of(&found.name).is_some() || found.is_temporary();
        let removed = found.iter().filter(ours).filter(|found| self.inner.folder.remove(&found.name));
        Ok(removed.map(|found| found.bytes).sum())
    }

    pub(crate) fn count(&self, hit: bool) {
        let counter = if hit { &self.inner.hits } else { &self.inner.misses };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// A file, and whether it has been made or used since the system started; none if there is none that can be trusted. It
    /// is used when [`Cache::used`] says so.
    pub(crate) fn open(&self, name: &str) -> Option<(File, bool)> {
        match self.inner.folder.read(name) {
            Ok(file) => file.map(|file| {
                let settled = Folder::is_settled(&file);
                (file, settled)
            }),
            Err(error) => {
                debug!(name, %error, "a file of the cache is not used");
                None
            }
        }
    }

    /// A file has been found whole, and is used.
    pub(crate) fn used(file: &File) {
        Folder::touch(file);
    }

    /// Removes a file that is no good.
    pub(crate) fn discard(&self, name: &str, why: &Error) {
        debug!(name, %why, "a file of the cache is removed");
        self.inner.folder.remove(name);
    }

    /// Keeps something; nothing that alone is more than there is room for.
    pub(crate) fn store(&self, name: &str, contents: &[u8]) -> Result<()> {
        if contents.len() as u64 > self.inner.limit {
            return Err(Error::msg("it is larger than the cache may be"));
        }
        self.inner.folder.write(name, contents)?;
        debug!(name, bytes = contents.len(), "kept in the cache");
        Ok(())
    }

    /// Sees to it that files take no more room than they may; removes what processes that have ended left behind.
    pub(crate) fn make_room(&self) -> Result<()> {
        let mut found = self.inner.folder.list()?;
        for left in found.iter().filter(|found| found.is_left()) {
            self.inner.folder.remove(&left.name);
        }
        found.retain(|found| CacheEntryKind::of(&found.name).is_some());
        let mut total: u64 = found.iter().map(|found| found.bytes).sum();
        if total <= self.inner.limit {
            return Ok(());
        }
        // A bit more, so that not every new file finds it full.
        let wanted = self.inner.limit - self.inner.limit / 8;
        found.sort_by_key(|found| found.used);
        for Found { name, bytes, .. } in found {
            if total <= wanted {
                break;
            }
            if self.inner.folder.remove(&name) {
                debug!(name, bytes, "removed from the cache to make room");
            }
            total -= bytes;
        }
        Ok(())
    }

    /// What the contents of a file were when it was last loaded, if it has not been changed since.
    pub(crate) fn noted(&self, file: &Metadata) -> Option<Content> {
        self.note_of(&file_name(file)?)?.try_into().ok().map(Content)
    }

    /// What [`Cache::keep_note`] kept.
    pub(crate) fn note_of(&self, name: &str) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut file = self.open(name)?.0;
        (&mut file).take(LONGEST_NOTE).read_to_end(&mut bytes).ok()?;
        let (note, checksum) = bytes.split_last_chunk()?;
        (*checksum == XxHash3_64::oneshot(note).to_le_bytes()).then(|| {
            Cache::used(&file);
            note.to_vec()
        })
    }

    /// Keeps a few bytes, with a checksum.
    pub(crate) fn keep_note(&self, name: &str, note: &[u8]) -> Result<()> {
        self.store(name, &[note, &XxHash3_64::oneshot(note).to_le_bytes()].concat())
    }

    /// Takes a file of the cache for as long as what is returned lives, if it is there and nobody else has it.
    pub(crate) fn lock(&self, name: &str) -> Option<File> {
        self.inner
            .folder
            .lock(name)
            .inspect_err(|error| debug!(name, %error, "a file of the cache is not locked"))
            .ok()?
    }

    /// Notes what was read from a file, whose metadata were taken before. If it had just been changed then it is not
    /// noted: another change might not show.
    pub(crate) fn note(&self, file: &Metadata, content: Content) {
        let Some(name) = file_name(file) else { return };
        let changed = Duration::new(u64::try_from(file.ctime()).unwrap_or(0), file.ctime_nsec() as u32);
        let age = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH + changed);
        if age.is_ok_and(|age| age > SETTLED)
            && let Err(error) = self.keep_note(&name, &content.0)
        {
            debug!(%error, "the file's hash is not kept");
        }
    }
}

/// What the note about a file is called; none of one that is small, or no file. Nobody can change a file and leave all of
/// this as it was: the time of the last change cannot be set.
fn file_name(file: &Metadata) -> Option<String> {
    if !file.is_file() || file.len() < NOTED_FROM {
        return None;
    }
    let times = [file.mtime(), file.mtime_nsec(), file.ctime(), file.ctime_nsec()];
    let place = format!("file {} {} {} {times:?}", file.dev(), file.ino(), file.len());
    Some(name(&Content::of(place.as_bytes()), CacheEntryKind::File))
}

fn name(hash: &Content, kind: CacheEntryKind) -> String {
    format!("{hash}.{}", kind.ending())
}

/// What the file is called that is made for this.
pub(crate) fn entry_name(identity: &Identity, kind: CacheEntryKind) -> String {
    name(&Content::of(&identity.to_bytes()), kind)
}
