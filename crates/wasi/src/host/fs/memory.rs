//! A file system in memory, for tests and for guests that need scratch space but no disk. Its errors are those of Linux.
//! One lock guards the whole tree, so every change is atomic. A file without a name is freed when its last descriptor is
//! closed. The tree's memory is limited; an operation that exceeds the limit fails with ENOSPC.
//!
//! Path resolution keeps the directories on its way on a stack, and `..` pops one. The directory that the path starts in
//! is at the bottom, so no path reaches a directory above it.

mod tree;

use super::{DirEntry, FileKind, Metadata, OpenHow, Opened, SetTime};
use crate::host::{Errno, Error, Result, Wait};
use kinglet::Waiter;
use std::io::{self, IoSlice, IoSliceMut, SeekFrom};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use tree::{Body, LastComponent, ROOT, ResolvedPath, Tree, lock, now};

/// The default limit of a tree's memory, in bytes.
const DEFAULT_LIMIT: u64 = 256 << 20;

/// The maximum length of a path that `MemoryDir::files` returns, in bytes.
const PATH_MAX: usize = 4096;

/// A directory in memory that can be preopened for a guest. Clones share their files: keep one to read the files that the
/// guest wrote.
///
/// ```
/// use kinglet_wasi::{FsPerms, MemoryDir, WasiCtx};
///
/// # fn main() -> kinglet::Result<()> {
/// let work = MemoryDir::new();
/// work.write("in/numbers.txt", "1 2 3")?;
/// let ctx = WasiCtx::builder().preopened_memory(&work, "/", FsPerms::ReadWrite).build()?;
/// // … a guest runs with `ctx` …
/// # drop(ctx);
/// assert_eq!(work.read("in/numbers.txt")?, b"1 2 3");
/// assert_eq!(work.files(), ["in/numbers.txt"]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct MemoryDir {
    tree: Arc<Mutex<Tree>>,
}

impl Default for MemoryDir {
    fn default() -> MemoryDir {
        MemoryDir::new()
    }
}

impl MemoryDir {
    /// Creates an empty directory with a memory limit of 256 MiB.
    pub fn new() -> MemoryDir {
        MemoryDir::with_limit(DEFAULT_LIMIT)
    }

    /// Creates an empty directory that uses at most `limit` bytes of memory.
    ///
    /// The limit includes the overhead of the data structures: 112 bytes for each name, 176 bytes for each file,
    /// directory and symbolic link, and 320 bytes for each directory that is not empty. Small writes that extend a file
    /// reserve up to a quarter more than the file's size, unless that exceeds the limit.
    pub fn with_limit(limit: u64) -> MemoryDir {
        static DEVICES: AtomicU64 = AtomicU64::new(1);
        let device = DEVICES.fetch_add(1, Ordering::Relaxed);
        MemoryDir { tree: Arc::new(Mutex::new(Tree::new(device, limit))) }
    }

    /// Writes `contents` to the file at `path`. Replaces an existing file, and creates missing parent directories.
    ///
    /// # Errors
    ///
    /// Returns an error if the path leaves the directory, if one of its parents is a file, or if the limit is exceeded.
    pub fn write(&self, path: &str, contents: impl AsRef<[u8]>) -> io::Result<()> {
        if let Some((parents, _)) = path.trim_end_matches('/').rsplit_once('/') {
            self.create_dir(parents)?;
        }
        let how = OpenHow { follow: true, write: true, create: true, truncate: true, ..OpenHow::default() };
        let Opened::File(file) = self.root().open(path, &how)? else { return Err(Errno::ISDIR.into()) };
        let mut rest = contents.as_ref();
        while !rest.is_empty() {
            let written = file.write(&[IoSlice::new(rest)], &Waiter::default())?;
            rest = &rest[written..];
        }
        Ok(())
    }

    /// Returns the contents of the file at `path`.
    ///
    /// # Errors
    ///
    /// Returns an error if the file does not exist or the path leaves the directory.
    pub fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        let how = OpenHow { follow: true, read: true, ..OpenHow::default() };
        let Opened::File(file) = self.root().open(path, &how)? else { return Err(Errno::ISDIR.into()) };
        let tree = lock(&self.tree);
        Ok(tree.bytes(file.handle.inode)?.clone())
    }

    /// Creates the directory at `path` and its missing parents. Succeeds if the directory exists.
    ///
    /// # Errors
    ///
    /// Returns an error if the path leaves the directory, if `path` or one of its parents is a file, or if the limit is
    /// exceeded.
    pub fn create_dir(&self, path: &str) -> io::Result<()> {
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        for end in ends {
            match self.root().create_directory(&path[..end]) {
                Err(Error::Errno(Errno::EXIST)) => {}
                other => other?,
            }
        }
        match self.root().metadata(path, true)?.kind {
            FileKind::Directory => Ok(()),
            _ => Err(Errno::NOTDIR.into()),
        }
    }

    /// Returns the paths of all files, sorted. Skips files whose path is longer than 4096 bytes: a guest can create them
    /// relative to a deep directory, but no call from the root can open them.
    pub fn files(&self) -> Vec<String> {
        let tree = lock(&self.tree);
        let (mut found, mut pending) = (Vec::new(), vec![(ROOT, String::new())]);
        while let Some((inode, path)) = pending.pop() {
            match tree.inodes.get(&inode).map(|inode| &inode.body) {
                Some(Body::Directory { entries, .. }) => {
                    let slash = if path.is_empty() { "" } else { "/" };
                    let short = entries.iter().filter(|(name, _)| path.len() + name.len() < PATH_MAX);
                    pending.extend(short.map(|(name, &inode)| (inode, format!("{path}{slash}{name}"))));
                }
                Some(Body::File(_)) => found.push(path),
                Some(Body::Link(_)) | None => {}
            }
        }
        found.sort_unstable();
        found
    }

    pub(crate) fn root(&self) -> Directory {
        Directory { handle: InodeHandle::new(&self.tree, &mut lock(&self.tree), ROOT) }
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> io::Error {
        match error {
            Error::Errno(errno) => errno.into(),
            Error::Interrupted => io::ErrorKind::Interrupted.into(),
        }
    }
}

/// A reference to an inode. The inode exists at least as long as its handles.
#[derive(Debug)]
struct InodeHandle {
    tree: Arc<Mutex<Tree>>,
    inode: u64,
}

impl InodeHandle {
    fn new(tree: &Arc<Mutex<Tree>>, locked: &mut Tree, inode: u64) -> InodeHandle {
        if let Some(inode) = locked.inodes.get_mut(&inode) {
            inode.handles += 1;
        }
        InodeHandle { tree: tree.clone(), inode }
    }

    fn lock(&self) -> MutexGuard<'_, Tree> {
        lock(&self.tree)
    }
}

impl Drop for InodeHandle {
    fn drop(&mut self) {
        let mut tree = lock(&self.tree);
        if let Some(inode) = tree.inodes.get_mut(&self.inode) {
            inode.handles = inode.handles.saturating_sub(1);
        }
        tree.free_if_unused(self.inode);
    }
}

/// An open directory.
#[derive(Debug)]
pub(crate) struct Directory {
    handle: InodeHandle,
}

impl Directory {
    pub(crate) fn open(&self, path: &str, how: &OpenHow) -> Result<Opened<File, Directory>> {
        let mut tree = self.handle.lock();
        let last = match how.create {
            true => LastComponent::Create { follow: how.follow && !how.exclusive },
            false => LastComponent::Lookup { follow: how.follow },
        };
        let inode = match tree.resolve(self.handle.inode, path, last)? {
            ResolvedPath::Entry { parent, name, inode: None, .. } if how.create => {
                tree.create(parent, name, Body::File(Vec::new()))?
            }
            resolved => self.existing(&tree, &resolved, how)?,
        };
        if tree.kind(inode)? == FileKind::Directory {
            return Ok(Opened::Directory(Directory { handle: InodeHandle::new(&self.handle.tree, &mut tree, inode) }));
        }
        if how.truncate {
            tree.set_size(inode, 0, &Waiter::default())?;
        }
        let handle = InodeHandle::new(&self.handle.tree, &mut tree, inode);
        Ok(Opened::File(File { handle, position: AtomicU64::new(0), append: AtomicBool::new(how.append) }))
    }

    /// Returns the inode of an existing path, or the error of opening it with the flags of `how`.
    fn existing(&self, tree: &Tree, resolved: &ResolvedPath, how: &OpenHow) -> Result<u64> {
        let inode = resolved.inode()?;
        let needs_directory = how.directory || resolved.has_trailing_slash();
        match tree.kind(inode)? {
            _ if how.create && how.exclusive => Err(Errno::EXIST.into()),
            FileKind::Directory if how.create => Err(Errno::ISDIR.into()),
            kind if needs_directory && kind != FileKind::Directory => Err(Errno::NOTDIR.into()),
            FileKind::SymbolicLink => Err(Errno::LOOP.into()),
            FileKind::Directory if how.write || how.truncate => Err(Errno::ISDIR.into()),
            _ => Ok(inode),
        }
    }

    pub(crate) fn create_directory(&self, path: &str) -> Result<()> {
        let mut tree = self.handle.lock();
        let (parent, name) = tree.resolve_new(self.handle.inode, path, true)?;
        tree.create(parent, name, Body::directory(parent)).map(drop)
    }

    pub(crate) fn remove_directory(&self, path: &str) -> Result<()> {
        let mut tree = self.handle.lock();
        let resolved = tree.resolve(self.handle.inode, path, LastComponent::Name)?;
        let inode = resolved.inode()?;
        match resolved {
            ResolvedPath::Directory { dot_dot: true, .. } => Err(Errno::NOTEMPTY.into()),
            ResolvedPath::Directory { dot_dot: false, .. } => Err(Errno::INVAL.into()),
            ResolvedPath::Entry { .. } if !tree.entries(inode)?.is_empty() => Err(Errno::NOTEMPTY.into()),
            ResolvedPath::Entry { parent, name, .. } => tree.remove_entry(parent, &name),
        }
    }

    pub(crate) fn unlink_file(&self, path: &str) -> Result<()> {
        let mut tree = self.handle.lock();
        let resolved = tree.resolve(self.handle.inode, path, LastComponent::Name)?;
        match (tree.kind(resolved.inode()?)?, resolved) {
            (FileKind::Directory, _) | (_, ResolvedPath::Directory { .. }) => Err(Errno::ISDIR.into()),
            (_, ResolvedPath::Entry { trailing_slash: true, .. }) => Err(Errno::NOTDIR.into()),
            (_, ResolvedPath::Entry { parent, name, .. }) => tree.remove_entry(parent, &name),
        }
    }

    /// Renames an entry. `to` must be in the same tree.
    pub(crate) fn rename(&self, old_path: &str, to: &Directory, new_path: &str, wait: &dyn Wait) -> Result<()> {
        let mut tree = self.handle.lock();
        let old = tree.resolve(self.handle.inode, old_path, LastComponent::Name)?;
        let new = tree.resolve(to.handle.inode, new_path, LastComponent::Name)?;
        tree.rename(old, new, wait)
    }

    /// Creates a hard link. `to` must be in the same tree.
    pub(crate) fn link(&self, old_path: &str, to: &Directory, new_path: &str) -> Result<()> {
        let mut tree = self.handle.lock();
        let linked = tree.lookup(self.handle.inode, old_path, false)?;
        let (parent, name) = tree.resolve_new(to.handle.inode, new_path, false)?;
        if tree.kind(linked)? == FileKind::Directory {
            return Err(Errno::PERM.into());
        }
        tree.add_entry(parent, name, linked)?;
        let inode = tree.inode_mut(linked)?;
        inode.links += 1;
        inode.changed = now();
        Ok(())
    }

    pub(crate) fn shares_tree(&self, other: &Directory) -> bool {
        Arc::ptr_eq(&self.handle.tree, &other.handle.tree)
    }

    pub(crate) fn symlink(&self, target: &str, path: &str) -> Result<()> {
        let mut tree = self.handle.lock();
        let (parent, name) = tree.resolve_new(self.handle.inode, path, false)?;
        tree.create(parent, name, Body::Link(target.into())).map(drop)
    }

    pub(crate) fn read_link(&self, path: &str) -> Result<String> {
        let tree = self.handle.lock();
        match &tree.inode(tree.lookup(self.handle.inode, path, false)?)?.body {
            Body::Link(target) => Ok(target.to_string()),
            Body::File(_) | Body::Directory { .. } => Err(Errno::INVAL.into()),
        }
    }

    pub(crate) fn metadata(&self, path: &str, follow: bool) -> Result<Metadata> {
        let tree = self.handle.lock();
        tree.metadata(tree.lookup(self.handle.inode, path, follow)?)
    }

    pub(crate) fn set_times(&self, path: &str, follow: bool, accessed: SetTime, modified: SetTime) -> Result<()> {
        let mut tree = self.handle.lock();
        let inode = tree.lookup(self.handle.inode, path, follow)?;
        tree.set_times(inode, accessed, modified)
    }

    pub(crate) fn own_metadata(&self) -> Result<Metadata> {
        self.handle.lock().metadata(self.handle.inode)
    }

    /// Calls `visit` with each entry of this directory.
    pub(crate) fn each_entry(&self, visit: &mut dyn FnMut(DirEntry) -> Result<()>, wait: &dyn Wait) -> Result<()> {
        let tree = self.handle.lock();
        for (name, &inode) in tree.entries(self.handle.inode)? {
            wait.check()?;
            visit(DirEntry { inode, kind: tree.kind(inode)?, name: name.to_string() })?;
        }
        Ok(())
    }
}

/// An open file.
#[derive(Debug)]
pub(crate) struct File {
    handle: InodeHandle,
    position: AtomicU64,
    append: AtomicBool,
}

impl File {
    fn position(&self) -> u64 {
        self.position.load(Ordering::Relaxed)
    }

    pub(crate) fn available(&self) -> u64 {
        self.metadata().map_or(0, |metadata| metadata.size.saturating_sub(self.position()))
    }

    pub(crate) fn read(&self, into: &mut [IoSliceMut<'_>]) -> Result<usize> {
        let at = self.position();
        let count = self.read_at(into, at)?;
        self.position.store(at + count as u64, Ordering::Relaxed);
        Ok(count)
    }

    pub(crate) fn read_at(&self, into: &mut [IoSliceMut<'_>], offset: u64) -> Result<usize> {
        let tree = self.handle.lock();
        let bytes = tree.bytes(self.handle.inode)?;
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
        let mut rest = &bytes[start..];
        for part in into {
            let (now, later) = rest.split_at(part.len().min(rest.len()));
            part[..now.len()].copy_from_slice(now);
            rest = later;
        }
        Ok(bytes.len() - start - rest.len())
    }

    pub(crate) fn write(&self, parts: &[IoSlice<'_>], wait: &dyn Wait) -> Result<usize> {
        let at = if self.append.load(Ordering::Relaxed) { self.metadata()?.size } else { self.position() };
        let count = self.write_at(parts, at, wait)?;
        self.position.store(at + count as u64, Ordering::Relaxed);
        Ok(count)
    }

    /// Writes as many bytes as the limit permits. Fails with ENOSPC if it permits none.
    pub(crate) fn write_at(&self, parts: &[IoSlice<'_>], offset: u64, wait: &dyn Wait) -> Result<usize> {
        let wanted: u64 = parts.iter().map(|part| part.len() as u64).sum();
        if wanted == 0 {
            return Ok(0);
        }
        let mut tree = self.handle.lock();
        let old = tree.bytes(self.handle.inode)?.len() as u64;
        let end = offset.checked_add(wanted).ok_or(Errno::FBIG)?.min(tree.max_file_size(self.handle.inode)?.max(old));
        let mut left = usize::try_from(end.saturating_sub(offset)).map_err(|_| Errno::FBIG)?;
        if left == 0 {
            return Err(Errno::NOSPC.into());
        }
        if end > old {
            tree.set_size(self.handle.inode, end, wait)?;
        }
        let mut at = usize::try_from(offset).map_err(|_| Errno::FBIG)?;
        let total = left;
        let bytes = tree.bytes_mut(self.handle.inode)?;
        for part in parts {
            let count = part.len().min(left);
            bytes[at..at + count].copy_from_slice(&part[..count]);
            (at, left) = (at + count, left - count);
        }
        tree.touch(self.handle.inode)?;
        Ok(total)
    }

    pub(crate) fn set_append(&self, append: bool) -> Result<()> {
        self.append.store(append, Ordering::Relaxed);
        Ok(())
    }

    pub(crate) fn seek(&self, to: SeekFrom) -> Result<u64> {
        let position = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::Current(offset) => self.position().checked_add_signed(offset),
            SeekFrom::End(offset) => self.metadata()?.size.checked_add_signed(offset),
        };
        let position = position.filter(|&position| i64::try_from(position).is_ok()).ok_or(Errno::INVAL)?;
        self.position.store(position, Ordering::Relaxed);
        Ok(position)
    }

    pub(crate) fn metadata(&self) -> Result<Metadata> {
        self.handle.lock().metadata(self.handle.inode)
    }

    pub(crate) fn set_size(&self, size: u64, wait: &dyn Wait) -> Result<()> {
        self.handle.lock().set_size(self.handle.inode, size, wait)
    }

    pub(crate) fn set_times(&self, accessed: SetTime, modified: SetTime) -> Result<()> {
        self.handle.lock().set_times(self.handle.inode, accessed, modified)
    }

    pub(crate) fn allocate(&self, offset: u64, length: u64, wait: &dyn Wait) -> Result<()> {
        let end = offset.checked_add(length).ok_or(Errno::FBIG)?;
        if length == 0 {
            return Err(Errno::INVAL.into());
        }
        let mut tree = self.handle.lock();
        if end > tree.bytes(self.handle.inode)?.len() as u64 {
            tree.set_size(self.handle.inode, end, wait)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::tree::{DIRECTORY_COST, INODE_COST, NAME_COST};
    use super::*;
    use crate::host::transfer::CHUNK;
    use crate::tests::{InterruptAfter, NeverInterrupted};

    fn errno<T>(result: Result<T>) -> Option<Errno> {
        match result {
            Ok(_) => None,
            Err(Error::Errno(errno)) => Some(errno),
            Err(Error::Interrupted) => Some(Errno::INTR),
        }
    }

    fn file(tree: &MemoryDir, path: &str) -> File {
        let how = OpenHow { follow: true, read: true, write: true, create: true, ..OpenHow::default() };
        match tree.root().open(path, &how).unwrap() {
            Opened::File(file) => file,
            Opened::Directory(_) => panic!("{path} is a directory"),
        }
    }

    #[test]
    fn writing_a_file_creates_its_parent_directories() {
        let tree = MemoryDir::new();
        tree.write("a/b/c", "one").unwrap();
        tree.write("a/b/c", "2").unwrap();
        tree.create_dir("a/d/").unwrap();
        assert_eq!(tree.read("a/./d/../b/c").unwrap(), b"2");
        assert_eq!(tree.clone().files(), ["a/b/c"]);
        assert_eq!(tree.read("a/b").unwrap_err().kind(), io::ErrorKind::IsADirectory);
        assert_eq!(tree.read("../a").unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        assert_eq!(tree.create_dir("a/b/c").unwrap_err().kind(), io::ErrorKind::NotADirectory);
        assert!(tree.write("/a", "x").is_err());
    }

    #[test]
    fn operations_beyond_the_limit_fail() {
        let tree = MemoryDir::with_limit(1000);
        let file = file(&tree, "file");
        let free = 1000 - INODE_COST - DIRECTORY_COST - NAME_COST - 4;
        let parts = [IoSlice::new(&[1; 700]), IoSlice::new(&[2; 300])];
        assert_eq!(file.write(&parts, &NeverInterrupted).unwrap() as u64, free);
        assert_eq!(errno(file.write(&[IoSlice::new(b"x")], &NeverInterrupted)), Some(Errno::NOSPC));
        assert_eq!(errno(file.write_at(&[IoSlice::new(b"x")], u64::MAX, &NeverInterrupted)), Some(Errno::FBIG));
        assert_eq!(errno(file.write_at(&[IoSlice::new(b"x")], 1 << 40, &NeverInterrupted)), Some(Errno::NOSPC));
        assert_eq!(errno(file.set_size(u64::MAX, &NeverInterrupted)), Some(Errno::NOSPC));
        assert_eq!(errno(file.allocate(0, u64::MAX, &NeverInterrupted)), Some(Errno::NOSPC));
        assert_eq!(errno(tree.root().create_directory("dir")), Some(Errno::NOSPC));
        assert_eq!(errno(tree.root().symlink("file", "link")), Some(Errno::NOSPC));
        file.set_size(10, &NeverInterrupted).unwrap();
        assert_eq!(errno(tree.root().symlink(&"t".repeat(700), "link")), Some(Errno::NOSPC));
        tree.root().create_directory("d").unwrap();
        assert_eq!(tree.read("file").unwrap(), [1; 10]);
    }

    #[test]
    fn an_unlinked_file_exists_until_it_is_closed() {
        let tree = MemoryDir::with_limit(1000);
        let open = file(&tree, "file");
        open.write(&[IoSlice::new(b"still here")], &NeverInterrupted).unwrap();
        tree.root().unlink_file("file").unwrap();
        assert_eq!(open.metadata().unwrap().links, 0);
        let mut bytes = [0; 5];
        assert_eq!(open.read_at(&mut [IoSliceMut::new(&mut bytes)], 6).unwrap(), 4);
        assert_eq!(&bytes[..4], b"here");
        drop(open);
        let tree = lock(&tree.tree);
        assert_eq!((tree.inodes.len(), tree.used), (1, 0));
    }

    #[test]
    fn a_removed_directory_rejects_new_entries() {
        let tree = MemoryDir::new();
        tree.create_dir("dir").unwrap();
        let Opened::Directory(dir) = tree.root().open("dir", &OpenHow::default()).unwrap() else { panic!("a file") };
        tree.root().remove_directory("dir").unwrap();
        assert_eq!(errno(dir.create_directory("inside")), Some(Errno::NOENT));
        drop(dir);
        assert_eq!(lock(&tree.tree).inodes.len(), 1);
        assert_eq!(lock(&tree.tree).used, 0);
    }

    #[test]
    fn files_skips_paths_that_are_too_long() {
        let tree = MemoryDir::with_limit(4 << 20);
        tree.write("0/file", "").unwrap();
        let mut deepest = tree.root();
        let mut depth = 0;
        while deepest.create_directory("d").is_ok() {
            let Opened::Directory(child) = deepest.open("d", &OpenHow::default()).unwrap() else { panic!("a file") };
            (deepest, depth) = (child, depth + 1);
        }
        assert!(depth > 5000, "{depth}");
        assert_eq!(tree.files(), ["0/file"]);
        let root = tree.root();
        root.rename("d/d", &root, "e", &NeverInterrupted).unwrap();
        assert_eq!(errno(root.rename("e", &deepest, "f", &NeverInterrupted)), Some(Errno::INVAL));
    }

    #[test]
    fn a_directory_cannot_be_renamed_into_itself() {
        let tree = MemoryDir::new();
        tree.create_dir("a/b/c").unwrap();
        let root = tree.root();
        assert_eq!(errno(root.rename("a", &root, "a/b/c/a", &NeverInterrupted)), Some(Errno::INVAL));
        assert_eq!(errno(root.rename("a", &root, "a/b", &NeverInterrupted)), Some(Errno::INVAL));
        root.rename("a/b", &root, "b", &NeverInterrupted).unwrap();
        root.rename("a", &root, "b/c/a", &NeverInterrupted).unwrap();
        assert_eq!(errno(root.rename("b", &root, "b/c/a/b", &NeverInterrupted)), Some(Errno::INVAL));
    }

    #[test]
    fn a_rename_in_a_very_deep_tree_can_be_interrupted() {
        let tree = MemoryDir::new();
        tree.create_dir("moved").unwrap();
        let mut locked = lock(&tree.tree);
        let deepest = (0..5000).fold(ROOT, |at, _| locked.create(at, "d".into(), Body::directory(at)).unwrap());
        let deep = Directory { handle: InodeHandle::new(&tree.tree, &mut locked, deepest) };
        drop(locked);
        let interrupted = tree.root().rename("moved", &deep, "moved", &InterruptAfter::checks(0));
        assert!(matches!(interrupted, Err(Error::Interrupted)), "{interrupted:?}");
        tree.root().rename("moved", &deep, "moved", &NeverInterrupted).unwrap();
        assert_eq!(deep.metadata("moved", false).unwrap().kind, FileKind::Directory);
    }

    #[test]
    fn rename_replaces_files_and_empty_directories() {
        let tree = MemoryDir::new();
        tree.write("a", "a").unwrap();
        tree.write("b", "b").unwrap();
        tree.write("full/file", "").unwrap();
        tree.create_dir("empty").unwrap();
        let root = tree.root();
        root.rename("a", &root, "b", &NeverInterrupted).unwrap();
        root.rename("b", &root, "b", &NeverInterrupted).unwrap();
        assert_eq!(tree.read("b").unwrap(), b"a");
        assert_eq!(errno(root.rename("empty", &root, "full", &NeverInterrupted)), Some(Errno::NOTEMPTY));
        root.rename("full", &root, "empty", &NeverInterrupted).unwrap();
        assert_eq!(tree.files(), ["b", "empty/file"]);
    }

    #[test]
    fn paths_do_not_leave_the_directory_that_they_start_in() {
        let tree = MemoryDir::new();
        tree.write("secret", "s").unwrap();
        tree.create_dir("dir").unwrap();
        tree.root().symlink("../secret", "dir/out").unwrap();
        let Opened::Directory(dir) = tree.root().open("dir", &OpenHow::default()).unwrap() else { panic!("a file") };
        assert_eq!(errno(dir.metadata("..", true)), Some(Errno::PERM));
        assert_eq!(errno(dir.metadata("out", true)), Some(Errno::PERM));
        assert_eq!(tree.root().metadata("dir/out", true).unwrap().size, 1);
        tree.root().symlink("loop", "loop").unwrap();
        assert_eq!(errno(tree.root().metadata("loop/x", true)), Some(Errno::LOOP));
        assert_eq!(errno(tree.root().metadata(&"n".repeat(256), true)), Some(Errno::NAMETOOLONG));
    }

    #[test]
    fn a_hole_reads_as_zeros() {
        let tree = MemoryDir::new();
        let file = file(&tree, "file");
        file.seek(SeekFrom::Start(3)).unwrap();
        file.write(&[IoSlice::new(b"x")], &NeverInterrupted).unwrap();
        assert_eq!(tree.read("file").unwrap(), b"\0\0\0x");
        assert_eq!(errno(file.seek(SeekFrom::Current(-5))), Some(Errno::INVAL));
        assert_eq!(errno(file.seek(SeekFrom::Start(u64::MAX))), Some(Errno::INVAL));
        assert_eq!(file.seek(SeekFrom::End(-1)).unwrap(), 3);
    }

    #[test]
    fn an_interrupted_extension_leaves_the_file_unchanged() {
        let tree = MemoryDir::new();
        let file = file(&tree, "file");
        file.write(&[IoSlice::new(b"text")], &NeverInterrupted).unwrap();
        let used = lock(&tree.tree).used;
        let size = 16 * CHUNK as u64;
        let byte = [IoSlice::new(b"x")];
        assert!(matches!(file.set_size(size, &InterruptAfter::checks(3)), Err(Error::Interrupted)));
        assert!(matches!(file.allocate(0, size, &InterruptAfter::checks(3)), Err(Error::Interrupted)));
        assert!(matches!(file.write_at(&byte, size, &InterruptAfter::checks(3)), Err(Error::Interrupted)));
        assert!(tree.read("file").unwrap() == b"text" && lock(&tree.tree).used <= used);
        file.set_size(size, &NeverInterrupted).unwrap();
        assert_eq!(tree.read("file").unwrap().len() as u64, size);
    }
}
