//! A tree of files and folders in memory, for tests and for guests that need room to work in and nothing of the disk.
//! It answers as Linux does. One lock guards the whole tree, so that every change is seen whole. A
//! file that lost its last name lives until it is closed. What the tree holds is bounded: beyond the limit, ENOSPC.
//!
//! A path is resolved with the folders it went through on a stack, `..` goes back on it, and at its bottom is the
//! folder the path starts in: what lies above that cannot be spelled.

mod tree;

use super::{Entry, Kind, Metadata, OpenHow, SetTime};
use crate::host::{Errno, Error, Result, Wait};
use kinglet::Waiter;
use std::io::{self, IoSlice, IoSliceMut, SeekFrom};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use tree::{Body, Last, ROOT, Spot, Tree, lock, now};

/// What a tree holds if nothing else is said: 256 MiB.
const LIMIT: u64 = 256 << 20;

/// The longest path that is shown to an embedder.
const PATH_MAX: usize = 4096;

/// Files and folders in memory that a guest can be given as a folder. Clones share them: keep one to see what a guest
/// wrote.
///
/// ```
/// use kinglet_wasi::{DirAccess, MemoryDir, WasiCtx};
///
/// # fn main() -> kinglet::Result<()> {
/// let work = MemoryDir::new();
/// work.write("in/numbers.txt", "1 2 3")?;
/// let ctx = WasiCtx::builder().preopened_memory(&work, "/", DirAccess::ReadWrite).build()?;
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
    /// An empty folder that holds up to 256 MiB.
    pub fn new() -> MemoryDir {
        MemoryDir::with_limit(LIMIT)
    }

    /// An empty folder that takes up to `limit` bytes of memory. Each name counts 112 bytes more than it has, each file,
    /// folder and link 176, and a folder with something in it 320 more, which is what they take at the most. A file that
    /// has grown by small writes counts up to a quarter more than it has, as far as there is room.
    pub fn with_limit(limit: u64) -> MemoryDir {
        static DEVICES: AtomicU64 = AtomicU64::new(1);
        let device = DEVICES.fetch_add(1, Ordering::Relaxed);
        MemoryDir { tree: Arc::new(Mutex::new(Tree::new(device, limit))) }
    }

    /// Makes the file at `path` hold `contents`, and the folders above it if they are not there.
    ///
    /// # Errors
    ///
    /// When the path leads out or through a file, or there is no room.
    pub fn write(&self, path: &str, contents: impl AsRef<[u8]>) -> io::Result<()> {
        if let Some((parents, _)) = path.trim_end_matches('/').rsplit_once('/') {
            self.create_dir(parents)?;
        }
        let how = OpenHow { follow: true, write: true, create: true, truncate: true, ..OpenHow::default() };
        let Node::File(file) = self.root().open(path, &how)? else { return Err(Errno::ISDIR.into()) };
        let mut rest = contents.as_ref();
        while !rest.is_empty() {
            let written = file.write(&[IoSlice::new(rest)], &Waiter::default())?;
            rest = &rest[written..];
        }
        Ok(())
    }

    /// A copy of the file at `path`.
    ///
    /// # Errors
    ///
    /// When there is no file, or the path leads out.
    pub fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        let how = OpenHow { follow: true, read: true, ..OpenHow::default() };
        let Node::File(file) = self.root().open(path, &how)? else { return Err(Errno::ISDIR.into()) };
        let tree = lock(&self.tree);
        Ok(tree.bytes(file.open.inode)?.clone())
    }

    /// Makes the folder at `path` and those above it, where they are not there.
    ///
    /// # Errors
    ///
    /// When the path leads out or through a file, or there is no room.
    pub fn create_dir(&self, path: &str) -> io::Result<()> {
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        for end in ends {
            match self.root().create_directory(&path[..end]) {
                Err(Error::Errno(Errno::EXIST)) => {}
                other => other?,
            }
        }
        match self.root().metadata(path, true)?.kind {
            Kind::Directory => Ok(()),
            _ => Err(Errno::NOTDIR.into()),
        }
    }

    /// The paths of all files, in order. Left out are files so deep that their path has more than 4096 bytes, which no
    /// call could name; a guest can make such folders step by step.
    pub fn files(&self) -> Vec<String> {
        let tree = lock(&self.tree);
        let (mut found, mut open) = (Vec::new(), vec![(ROOT, String::new())]);
        while let Some((inode, path)) = open.pop() {
            match tree.inodes.get(&inode).map(|inode| &inode.body) {
                Some(Body::Directory { entries, .. }) => {
                    let slash = if path.is_empty() { "" } else { "/" };
                    let below = entries.iter().filter(|(name, _)| path.len() + name.len() < PATH_MAX);
                    open.extend(below.map(|(name, &below)| (below, format!("{path}{slash}{name}"))));
                }
                Some(Body::File(_)) => found.push(path),
                Some(Body::Link(_)) | None => {}
            }
        }
        found.sort_unstable();
        found
    }

    pub(crate) fn root(&self) -> Directory {
        Directory { open: Open::new(&self.tree, &mut lock(&self.tree), ROOT) }
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

/// Something that is open, which keeps it alive.
#[derive(Debug)]
struct Open {
    tree: Arc<Mutex<Tree>>,
    inode: u64,
}

impl Open {
    fn new(tree: &Arc<Mutex<Tree>>, locked: &mut Tree, inode: u64) -> Open {
        if let Some(inode) = locked.inodes.get_mut(&inode) {
            inode.opened += 1;
        }
        Open { tree: tree.clone(), inode }
    }

    fn lock(&self) -> MutexGuard<'_, Tree> {
        lock(&self.tree)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut tree = lock(&self.tree);
        if let Some(inode) = tree.inodes.get_mut(&self.inode) {
            inode.opened = inode.opened.saturating_sub(1);
        }
        tree.forget(self.inode);
    }
}

/// What a path turned out to be.
#[derive(Debug)]
pub(crate) enum Node {
    File(File),
    Directory(Directory),
}

/// An open folder.
#[derive(Debug)]
pub(crate) struct Directory {
    open: Open,
}

impl Directory {
    pub(crate) fn open(&self, path: &str, how: &OpenHow) -> Result<Node> {
        let mut tree = self.open.lock();
        let last = match how.create {
            true => Last::Create { follow: how.follow && !how.exclusive },
            false => Last::Lookup { follow: how.follow },
        };
        let inode = match tree.resolve(self.open.inode, path, last)? {
            Spot::Name { parent, name, inode: None, .. } if how.create => {
                tree.create(parent, name, Body::File(Vec::new()))?
            }
            spot => self.existing(&tree, &spot, how)?,
        };
        if tree.kind(inode)? == Kind::Directory {
            return Ok(Node::Directory(Directory { open: Open::new(&self.open.tree, &mut tree, inode) }));
        }
        if how.truncate {
            tree.set_size(inode, 0, &Waiter::default())?;
        }
        let open = Open::new(&self.open.tree, &mut tree, inode);
        Ok(Node::File(File { open, position: AtomicU64::new(0), append: AtomicBool::new(how.append) }))
    }

    /// The file or folder at `spot`, if it can be opened so.
    fn existing(&self, tree: &Tree, spot: &Spot, how: &OpenHow) -> Result<u64> {
        let inode = spot.found()?;
        match tree.kind(inode)? {
            _ if how.create && how.exclusive => Err(Errno::EXIST.into()),
            Kind::Directory if how.create => Err(Errno::ISDIR.into()),
            kind if (how.directory || spot.slash()) && kind != Kind::Directory => Err(Errno::NOTDIR.into()),
            Kind::SymbolicLink => Err(Errno::LOOP.into()),
            Kind::Directory if how.write || how.truncate => Err(Errno::ISDIR.into()),
            _ => Ok(inode),
        }
    }

    pub(crate) fn create_directory(&self, path: &str) -> Result<()> {
        let mut tree = self.open.lock();
        let (parent, name) = tree.vacant(self.open.inode, path, true)?;
        tree.create(parent, name, Body::directory(parent)).map(drop)
    }

    pub(crate) fn remove_directory(&self, path: &str) -> Result<()> {
        let mut tree = self.open.lock();
        let spot = tree.resolve(self.open.inode, path, Last::Name)?;
        let found = spot.found()?;
        match spot {
            Spot::Folder { above: true, .. } => Err(Errno::NOTEMPTY.into()),
            Spot::Folder { above: false, .. } => Err(Errno::INVAL.into()),
            Spot::Name { .. } if !tree.entries(found)?.is_empty() => Err(Errno::NOTEMPTY.into()),
            Spot::Name { parent, name, .. } => tree.unname(parent, &name),
        }
    }

    pub(crate) fn unlink_file(&self, path: &str) -> Result<()> {
        let mut tree = self.open.lock();
        let spot = tree.resolve(self.open.inode, path, Last::Name)?;
        match (tree.kind(spot.found()?)?, spot) {
            (Kind::Directory, _) | (_, Spot::Folder { .. }) => Err(Errno::ISDIR.into()),
            (_, Spot::Name { slash: true, .. }) => Err(Errno::NOTDIR.into()),
            (_, Spot::Name { parent, name, .. }) => tree.unname(parent, &name),
        }
    }

    /// `to` is in the same tree.
    pub(crate) fn rename(&self, old_path: &str, to: &Directory, new_path: &str, wait: &dyn Wait) -> Result<()> {
        let mut tree = self.open.lock();
        let old = tree.resolve(self.open.inode, old_path, Last::Name)?;
        let new = tree.resolve(to.open.inode, new_path, Last::Name)?;
        tree.rename(old, new, wait)
    }

    /// `to` is in the same tree.
    pub(crate) fn link(&self, old_path: &str, to: &Directory, new_path: &str) -> Result<()> {
        let mut tree = self.open.lock();
        let linked = tree.lookup(self.open.inode, old_path, false)?;
        let (parent, name) = tree.vacant(to.open.inode, new_path, false)?;
        if tree.kind(linked)? == Kind::Directory {
            return Err(Errno::PERM.into());
        }
        tree.name(parent, name, linked)?;
        let inode = tree.inode_mut(linked)?;
        inode.links += 1;
        inode.changed = now();
        Ok(())
    }

    pub(crate) fn shares_tree(&self, other: &Directory) -> bool {
        Arc::ptr_eq(&self.open.tree, &other.open.tree)
    }

    pub(crate) fn symlink(&self, target: &str, path: &str) -> Result<()> {
        let mut tree = self.open.lock();
        let (parent, name) = tree.vacant(self.open.inode, path, false)?;
        tree.create(parent, name, Body::Link(target.into())).map(drop)
    }

    pub(crate) fn read_link(&self, path: &str) -> Result<String> {
        let tree = self.open.lock();
        match &tree.inode(tree.lookup(self.open.inode, path, false)?)?.body {
            Body::Link(target) => Ok(target.to_string()),
            Body::File(_) | Body::Directory { .. } => Err(Errno::INVAL.into()),
        }
    }

    pub(crate) fn metadata(&self, path: &str, follow: bool) -> Result<Metadata> {
        let tree = self.open.lock();
        tree.metadata(tree.lookup(self.open.inode, path, follow)?)
    }

    pub(crate) fn set_times(&self, path: &str, follow: bool, accessed: SetTime, modified: SetTime) -> Result<()> {
        let mut tree = self.open.lock();
        let found = tree.lookup(self.open.inode, path, follow)?;
        tree.set_times(found, accessed, modified)
    }

    pub(crate) fn own_metadata(&self) -> Result<Metadata> {
        self.open.lock().metadata(self.open.inode)
    }

    /// Hands each name in this folder to `put`.
    pub(crate) fn each_entry(&self, put: &mut dyn FnMut(Entry) -> Result<()>, wait: &dyn Wait) -> Result<()> {
        let tree = self.open.lock();
        for (name, &inode) in tree.entries(self.open.inode)? {
            wait.check()?;
            put(Entry { inode, kind: tree.kind(inode)?, name: name.to_string() })?;
        }
        Ok(())
    }
}

/// An open file.
#[derive(Debug)]
pub(crate) struct File {
    open: Open,
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
        let tree = self.open.lock();
        let bytes = tree.bytes(self.open.inode)?;
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

    /// Writes as much as there is room for; ENOSPC when there is none.
    pub(crate) fn write_at(&self, parts: &[IoSlice<'_>], offset: u64, wait: &dyn Wait) -> Result<usize> {
        let wanted: u64 = parts.iter().map(|part| part.len() as u64).sum();
        if wanted == 0 {
            return Ok(0);
        }
        let mut tree = self.open.lock();
        let old = tree.bytes(self.open.inode)?.len() as u64;
        let end = offset.checked_add(wanted).ok_or(Errno::FBIG)?.min(tree.room_for(self.open.inode)?.max(old));
        let mut left = usize::try_from(end.saturating_sub(offset)).map_err(|_| Errno::FBIG)?;
        if left == 0 {
            return Err(Errno::NOSPC.into());
        }
        if end > old {
            tree.set_size(self.open.inode, end, wait)?;
        }
        let mut at = usize::try_from(offset).map_err(|_| Errno::FBIG)?;
        let total = left;
        let bytes = tree.bytes_mut(self.open.inode)?;
        for part in parts {
            let count = part.len().min(left);
            bytes[at..at + count].copy_from_slice(&part[..count]);
            (at, left) = (at + count, left - count);
        }
        tree.touch(self.open.inode)?;
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
        self.open.lock().metadata(self.open.inode)
    }

    pub(crate) fn set_size(&self, size: u64, wait: &dyn Wait) -> Result<()> {
        self.open.lock().set_size(self.open.inode, size, wait)
    }

    pub(crate) fn set_times(&self, accessed: SetTime, modified: SetTime) -> Result<()> {
        self.open.lock().set_times(self.open.inode, accessed, modified)
    }

    pub(crate) fn allocate(&self, offset: u64, length: u64, wait: &dyn Wait) -> Result<()> {
        let end = offset.checked_add(length).ok_or(Errno::FBIG)?;
        if length == 0 {
            return Err(Errno::INVAL.into());
        }
        let mut tree = self.open.lock();
        if end > tree.bytes(self.open.inode)?.len() as u64 {
            tree.set_size(self.open.inode, end, wait)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::tree::{FOLDER, INODE, NAME};
    use super::*;
    use crate::host::transfer::PIECE;
    use crate::tests::{After, Never};

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
            Node::File(file) => file,
            Node::Directory(_) => panic!("{path} is a folder"),
        }
    }

    #[test]
    fn an_embedder_writes_and_reads_below_folders_it_need_not_make() {
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
    fn nothing_is_kept_beyond_the_limit() {
        let tree = MemoryDir::with_limit(1000);
        let file = file(&tree, "file");
        let room = 1000 - INODE - FOLDER - NAME - 4;
        assert_eq!(file.write(&[IoSlice::new(&[1; 700]), IoSlice::new(&[2; 300])], &Never).unwrap() as u64, room);
        assert_eq!(errno(file.write(&[IoSlice::new(b"x")], &Never)), Some(Errno::NOSPC));
        assert_eq!(errno(file.write_at(&[IoSlice::new(b"x")], u64::MAX, &Never)), Some(Errno::FBIG));
        assert_eq!(errno(file.write_at(&[IoSlice::new(b"x")], 1 << 40, &Never)), Some(Errno::NOSPC));
        assert_eq!(errno(file.set_size(u64::MAX, &Never)), Some(Errno::NOSPC));
        assert_eq!(errno(file.allocate(0, u64::MAX, &Never)), Some(Errno::NOSPC));
        assert_eq!(errno(tree.root().create_directory("dir")), Some(Errno::NOSPC));
        assert_eq!(errno(tree.root().symlink("file", "link")), Some(Errno::NOSPC));
        file.set_size(10, &Never).unwrap();
        assert_eq!(errno(tree.root().symlink(&"t".repeat(700), "link")), Some(Errno::NOSPC));
        tree.root().create_directory("d").unwrap();
        assert_eq!(tree.read("file").unwrap(), [1; 10]);
    }

    #[test]
    fn a_file_without_a_name_lives_until_it_is_closed() {
        let tree = MemoryDir::with_limit(1000);
        let open = file(&tree, "file");
        open.write(&[IoSlice::new(b"still here")], &Never).unwrap();
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
    fn a_folder_that_was_removed_takes_nothing_new() {
        let tree = MemoryDir::new();
        tree.create_dir("dir").unwrap();
        let Node::Directory(dir) = tree.root().open("dir", &OpenHow::default()).unwrap() else { panic!("a file") };
        tree.root().remove_directory("dir").unwrap();
        assert_eq!(errno(dir.create_directory("inside")), Some(Errno::NOENT));
        drop(dir);
        assert_eq!(lock(&tree.tree).inodes.len(), 1);
        assert_eq!(lock(&tree.tree).used, 0);
    }

    #[test]
    fn a_tree_as_deep_as_it_gets_is_listed_as_far_as_paths_reach() {
        let tree = MemoryDir::with_limit(4 << 20);
        tree.write("0/file", "").unwrap();
        let mut folder = tree.root();
        let mut depth = 0;
        while folder.create_directory("d").is_ok() {
            let Node::Directory(below) = folder.open("d", &OpenHow::default()).unwrap() else { panic!("a file") };
            (folder, depth) = (below, depth + 1);
        }
        assert!(depth > 5000, "{depth}");
        assert_eq!(tree.files(), ["0/file"]);
        let root = tree.root();
        root.rename("d/d", &root, "e", &Never).unwrap();
        assert_eq!(errno(root.rename("e", &folder, "f", &Never)), Some(Errno::INVAL));
    }

    #[test]
    fn a_folder_cannot_move_into_itself() {
        let tree = MemoryDir::new();
        tree.create_dir("a/b/c").unwrap();
        let root = tree.root();
        assert_eq!(errno(root.rename("a", &root, "a/b/c/a", &Never)), Some(Errno::INVAL));
        assert_eq!(errno(root.rename("a", &root, "a/b", &Never)), Some(Errno::INVAL));
        root.rename("a/b", &root, "b", &Never).unwrap();
        root.rename("a", &root, "b/c/a", &Never).unwrap();
        assert_eq!(errno(root.rename("b", &root, "b/c/a/b", &Never)), Some(Errno::INVAL));
    }

    #[test]
    fn a_rename_in_a_very_deep_tree_can_be_interrupted() {
        let tree = MemoryDir::new();
        tree.create_dir("moved").unwrap();
        let mut locked = lock(&tree.tree);
        let deepest = (0..5000).fold(ROOT, |at, _| locked.create(at, "d".into(), Body::directory(at)).unwrap());
        let deep = Directory { open: Open::new(&tree.tree, &mut locked, deepest) };
        drop(locked);
        let interrupted = tree.root().rename("moved", &deep, "moved", &After::looks(0));
        assert!(matches!(interrupted, Err(Error::Interrupted)), "{interrupted:?}");
        tree.root().rename("moved", &deep, "moved", &Never).unwrap();
        assert_eq!(deep.metadata("moved", false).unwrap().kind, Kind::Directory);
    }

    #[test]
    fn renaming_replaces_what_it_may() {
        let tree = MemoryDir::new();
        tree.write("a", "a").unwrap();
        tree.write("b", "b").unwrap();
        tree.write("full/file", "").unwrap();
        tree.create_dir("empty").unwrap();
        let root = tree.root();
        root.rename("a", &root, "b", &Never).unwrap();
        root.rename("b", &root, "b", &Never).unwrap();
        assert_eq!(tree.read("b").unwrap(), b"a");
        assert_eq!(errno(root.rename("empty", &root, "full", &Never)), Some(Errno::NOTEMPTY));
        root.rename("full", &root, "empty", &Never).unwrap();
        assert_eq!(tree.files(), ["b", "empty/file"]);
    }

    #[test]
    fn what_is_opened_below_a_folder_does_not_reach_above_it() {
        let tree = MemoryDir::new();
        tree.write("secret", "s").unwrap();
        tree.create_dir("dir").unwrap();
        tree.root().symlink("../secret", "dir/out").unwrap();
        let Node::Directory(dir) = tree.root().open("dir", &OpenHow::default()).unwrap() else { panic!("a file") };
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
        file.write(&[IoSlice::new(b"x")], &Never).unwrap();
        assert_eq!(tree.read("file").unwrap(), b"\0\0\0x");
        assert_eq!(errno(file.seek(SeekFrom::Current(-5))), Some(Errno::INVAL));
        assert_eq!(errno(file.seek(SeekFrom::Start(u64::MAX))), Some(Errno::INVAL));
        assert_eq!(file.seek(SeekFrom::End(-1)).unwrap(), 3);
    }

    #[test]
    fn a_file_that_grows_by_much_stays_as_it_was_when_the_guest_is_to_stop() {
        let tree = MemoryDir::new();
        let file = file(&tree, "file");
        file.write(&[IoSlice::new(b"text")], &Never).unwrap();
        let used = lock(&tree.tree).used;
        let much = 16 * PIECE as u64;
        assert!(matches!(file.set_size(much, &After::looks(3)), Err(Error::Interrupted)));
        assert!(matches!(file.allocate(0, much, &After::looks(3)), Err(Error::Interrupted)));
        assert!(matches!(file.write_at(&[IoSlice::new(b"x")], much, &After::looks(3)), Err(Error::Interrupted)));
        assert!(tree.read("file").unwrap() == b"text" && lock(&tree.tree).used <= used);
        file.set_size(much, &Never).unwrap();
        assert_eq!(tree.read("file").unwrap().len() as u64, much);
    }
}
