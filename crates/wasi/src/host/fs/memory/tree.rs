//! The inodes of a file system in memory, and path resolution. The limit covers the host memory that the tree uses,
//! including the allocator's overhead; `tests/wasi/limit.rs` measures both.

use super::super::{FileKind, Metadata, SetTime};
use crate::host::transfer::CHUNK;
use crate::host::{Errno, Error, Result, Wait};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// The memory overhead of a file, directory or symbolic link, in bytes: its record, and its slot in a `BTreeMap` node
/// that can be less than half full.
pub(super) const INODE_COST: u64 = 176;

/// The memory overhead of a directory that is not empty, in bytes: the first `BTreeMap` node of its entries.
pub(super) const DIRECTORY_COST: u64 = 320;

/// The memory overhead of a directory entry, in bytes: its slot in a `BTreeMap` node that can be less than half full, and
/// the allocation of the name.
pub(super) const NAME_COST: u64 = 112;

/// The maximum length of a name, in bytes.
const NAME_MAX: usize = 255;

/// The maximum number of symbolic links that the resolution of one path follows, as on Linux.
const MAX_SYMLINKS: usize = 40;

/// The number of directories visited between two checks for an interrupt.
const CHECK_INTERVAL: u64 = 4096;

/// The inode number of the root directory.
pub(super) const ROOT: u64 = 1;

/// Locks the tree. A poisoned lock is usable, because no code panics between two changes that belong together.
pub(super) fn lock(tree: &Mutex<Tree>) -> MutexGuard<'_, Tree> {
    tree.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the current time in nanoseconds since 1970.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

#[derive(Debug)]
pub(super) struct Tree {
    device: u64,
    /// A `BTreeMap`, because it frees nodes as it shrinks. The inodes are boxed to keep its nodes small.
    pub(super) inodes: BTreeMap<u64, Box<Inode>>,
    /// The number of the next inode.
    next: u64,
    /// The memory in use, in bytes.
    pub(super) used: u64,
    /// The limit on the tree's memory, in bytes.
    limit: u64,
}

#[derive(Debug)]
pub(super) struct Inode {
    pub(super) body: Body,
    /// The number of directory entries that name it.
    pub(super) links: u64,
    /// The number of open handles.
    pub(super) handles: u64,
    accessed: u64,
    modified: u64,
    pub(super) changed: u64,
}

#[derive(Debug)]
pub(super) enum Body {
    File(Vec<u8>),
    Directory { entries: BTreeMap<Box<str>, u64>, parent: u64 },
    Link(Box<str>),
}

impl Body {
    pub(super) fn directory(parent: u64) -> Body {
        Body::Directory { entries: BTreeMap::new(), parent }
    }
}

impl Inode {
    fn new(body: Body) -> Box<Inode> {
        let now = now();
        Box::new(Inode { body, links: 1, handles: 0, accessed: now, modified: now, changed: now })
    }

    fn kind(&self) -> FileKind {
        match self.body {
            Body::File(_) => FileKind::RegularFile,
            Body::Directory { .. } => FileKind::Directory,
            Body::Link(_) => FileKind::SymbolicLink,
        }
    }

    fn size(&self) -> u64 {
        match &self.body {
            Body::File(bytes) => bytes.len() as u64,
            Body::Link(target) => target.len() as u64,
            Body::Directory { .. } => 0,
        }
    }

    /// Returns the memory that counts towards the limit, in bytes.
    fn cost(&self) -> u64 {
        INODE_COST
            + match &self.body {
                Body::File(bytes) => bytes.capacity() as u64,
                Body::Link(target) => target.len() as u64,
                Body::Directory { entries, .. } => first_node_cost(entries),
            }
    }
}

/// Returns the cost of the first `BTreeMap` node of a directory's entries.
fn first_node_cost(entries: &BTreeMap<Box<str>, u64>) -> u64 {
    if entries.is_empty() { 0 } else { DIRECTORY_COST }
}

/// The result of path resolution.
#[derive(Debug)]
pub(super) enum ResolvedPath {
    /// The path ends in `.` or `..`, so the entry that names the directory is unknown. `dot_dot` tells the two apart.
    Directory { inode: u64, dot_dot: bool },
    /// The path ends in the name of an entry. `inode` is `None` if the entry does not exist.
    Entry { parent: u64, name: Box<str>, inode: Option<u64>, trailing_slash: bool },
}

impl ResolvedPath {
    /// Returns the inode, or ENOENT if the entry does not exist.
    pub(super) fn inode(&self) -> Result<u64> {
        match *self {
            ResolvedPath::Directory { inode, .. } | ResolvedPath::Entry { inode: Some(inode), .. } => Ok(inode),
            ResolvedPath::Entry { inode: None, .. } => Err(Errno::NOENT.into()),
        }
    }

    pub(super) fn has_trailing_slash(&self) -> bool {
        matches!(self, ResolvedPath::Entry { trailing_slash: true, .. })
    }
}

/// The use of the last component of a path. It decides whether a symbolic link there is followed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum LastComponent {
    /// The entry is looked up. A link is followed if `follow` is set or a slash follows it.
    Lookup { follow: bool },
    /// The entry is opened, and created if it does not exist. A trailing slash fails with EISDIR.
    Create { follow: bool },
    /// The entry is added or removed. A link is not followed.
    Name,
}

impl Tree {
    pub(super) fn new(device: u64, limit: u64) -> Tree {
        let root = Inode::new(Body::directory(ROOT));
        Tree { device, inodes: BTreeMap::from([(ROOT, root)]), next: ROOT + 1, used: 0, limit }
    }

    pub(super) fn inode(&self, inode: u64) -> Result<&Inode> {
        Ok(self.inodes.get(&inode).ok_or(Errno::STALE)?)
    }

    pub(super) fn inode_mut(&mut self, inode: u64) -> Result<&mut Inode> {
        Ok(self.inodes.get_mut(&inode).ok_or(Errno::STALE)?)
    }

    pub(super) fn kind(&self, inode: u64) -> Result<FileKind> {
        Ok(self.inode(inode)?.kind())
    }

    pub(super) fn entries(&self, inode: u64) -> Result<&BTreeMap<Box<str>, u64>> {
        match &self.inode(inode)?.body {
            Body::Directory { entries, .. } => Ok(entries),
            Body::File(_) | Body::Link(_) => Err(Errno::NOTDIR.into()),
        }
    }

    pub(super) fn bytes(&self, inode: u64) -> Result<&Vec<u8>> {
        match &self.inode(inode)?.body {
            Body::File(bytes) => Ok(bytes),
            Body::Directory { .. } => Err(Errno::ISDIR.into()),
            Body::Link(_) => Err(Errno::INVAL.into()),
        }
    }

    pub(super) fn bytes_mut(&mut self, inode: u64) -> Result<&mut Vec<u8>> {
        match &mut self.inode_mut(inode)?.body {
            Body::File(bytes) => Ok(bytes),
            Body::Directory { .. } => Err(Errno::ISDIR.into()),
            Body::Link(_) => Err(Errno::INVAL.into()),
        }
    }

    /// Returns the number of bytes that remain below the limit.
    fn free_bytes(&self) -> u64 {
        self.limit.saturating_sub(self.used)
    }

    /// Counts `bytes` as used. Fails with ENOSPC beyond the limit.
    fn charge(&mut self, bytes: u64) -> Result<()> {
        if bytes > self.free_bytes() {
            return Err(Errno::NOSPC.into());
        }
        self.used += bytes;
        Ok(())
    }

    fn refund(&mut self, bytes: u64) {
        self.used = self.used.saturating_sub(bytes);
    }

    /// Resolves `path` relative to the directory `start`.
    pub(super) fn resolve(&self, start: u64, path: &str, use_of_last: LastComponent) -> Result<ResolvedPath> {
        let mut stack = vec![start];
        let mut names = VecDeque::new();
        let (mut links, mut dot_dot) = (0, false);
        let mut trailing_slash = push_components(path, &mut names)?;
        while let Some(name) = names.pop_front() {
            let directory = stack.last().copied().unwrap_or(start);
            dot_dot = &*name == "..";
            match &*name {
                "." => continue,
                ".." if stack.len() > 1 => {
                    stack.pop();
                    continue;
                }
                ".." => return Err(Errno::PERM.into()),
                _ if name.len() > NAME_MAX => return Err(Errno::NAMETOOLONG.into()),
                _ => {}
            }
            let last = names.is_empty();
            let follow = match use_of_last {
                _ if !last => true,
                LastComponent::Create { .. } if trailing_slash => return Err(Errno::ISDIR.into()),
                LastComponent::Lookup { follow } | LastComponent::Create { follow } => follow || trailing_slash,
                LastComponent::Name => false,
            };
            let inode = self.entries(directory)?.get(&name).copied();
            match inode.map(|inode| Ok::<_, Error>((inode, &self.inode(inode)?.body))).transpose()? {
                Some((_, Body::Link(target))) if follow => {
                    links += 1;
                    if links > MAX_SYMLINKS {
                        return Err(Errno::LOOP.into());
                    }
                    let ends_in_slash = push_components(target, &mut names)?;
                    trailing_slash |= ends_in_slash && last;
                }
                _ if last => return Ok(ResolvedPath::Entry { parent: directory, name, inode, trailing_slash }),
                Some((inode, Body::Directory { .. })) => stack.push(inode),
                Some(_) => return Err(Errno::NOTDIR.into()),
                None => return Err(Errno::NOENT.into()),
            }
        }
        Ok(ResolvedPath::Directory { inode: stack.last().copied().unwrap_or(start), dot_dot })
    }

    /// Returns the inode at `path`. Fails with ENOTDIR if a trailing slash follows a file.
    pub(super) fn lookup(&self, start: u64, path: &str, follow: bool) -> Result<u64> {
        let resolved = self.resolve(start, path, LastComponent::Lookup { follow })?;
        let inode = resolved.inode()?;
        if resolved.has_trailing_slash() && self.kind(inode)? != FileKind::Directory {
            return Err(Errno::NOTDIR.into());
        }
        Ok(inode)
    }

    /// Returns the parent and the name of an entry to create. Fails with EEXIST if it exists, and with ENOENT for a
    /// trailing slash unless `directory` is set.
    pub(super) fn resolve_new(&self, start: u64, path: &str, directory: bool) -> Result<(u64, Box<str>)> {
        match self.resolve(start, path, LastComponent::Name)? {
            ResolvedPath::Entry { inode: None, trailing_slash: true, .. } if !directory => Err(Errno::NOENT.into()),
            ResolvedPath::Entry { parent, name, inode: None, .. } => Ok((parent, name)),
            _ => Err(Errno::EXIST.into()),
        }
    }

    /// Adds an entry to a directory. Fails with ENOENT if the directory was removed, because no path reaches it.
    pub(super) fn add_entry(&mut self, parent: u64, name: Box<str>, inode: u64) -> Result<()> {
        if self.inode(parent)?.links == 0 {
            return Err(Errno::NOENT.into());
        }
        let new_node_cost = DIRECTORY_COST - first_node_cost(self.entries(parent)?);
        self.charge(new_node_cost + NAME_COST + name.len() as u64)?;
        let now = now();
        let directory = self.inode_mut(parent)?;
        let Body::Directory { entries, .. } = &mut directory.body else { return Err(Errno::NOTDIR.into()) };
        entries.insert(name, inode);
        (directory.modified, directory.changed) = (now, now);
        Ok(())
    }

    /// Creates an inode and the entry that names it.
    pub(super) fn create(&mut self, parent: u64, name: Box<str>, body: Body) -> Result<u64> {
        let new = Inode::new(body);
        let cost = new.cost();
        self.charge(cost)?;
        let inode = self.next;
        if let Err(error) = self.add_entry(parent, name, inode) {
            self.refund(cost);
            return Err(error);
        }
        self.next += 1;
        self.inodes.insert(inode, new);
        Ok(inode)
    }

    /// Removes an entry, and frees its inode if that has neither another entry nor a handle.
    pub(super) fn remove_entry(&mut self, parent: u64, name: &str) -> Result<()> {
        let now = now();
        let directory = self.inode_mut(parent)?;
        let Body::Directory { entries, .. } = &mut directory.body else { return Err(Errno::NOTDIR.into()) };
        let inode = entries.remove(name).ok_or(Errno::NOENT)?;
        let freed_node_cost = DIRECTORY_COST - first_node_cost(entries);
        if entries.is_empty() {
            // An empty `BTreeMap` keeps its last node.
            *entries = BTreeMap::new();
        }
        (directory.modified, directory.changed) = (now, now);
        self.refund(freed_node_cost + NAME_COST + name.len() as u64);
        let target = self.inode_mut(inode)?;
        target.links = target.links.saturating_sub(1);
        target.changed = now;
        self.free_if_unused(inode);
        Ok(())
    }

    /// Frees an inode that has neither an entry nor a handle.
    pub(super) fn free_if_unused(&mut self, inode: u64) {
        if self.inodes.get(&inode).is_some_and(|inode| inode.links == 0 && inode.handles == 0)
            && let Some(inode) = self.inodes.remove(&inode)
        {
            self.refund(inode.cost());
        }
    }

    /// Returns the largest size, in bytes, to which the limit permits a file to grow.
    pub(super) fn max_file_size(&self, inode: u64) -> Result<u64> {
        Ok((self.bytes(inode)?.capacity() as u64).saturating_add(self.free_bytes()))
    }

    /// Truncates a file, or extends it with zeros. Extending reserves a quarter more than the old capacity if the limit
    /// permits, so that a growing file is seldom reallocated; the whole capacity counts. An interrupted call leaves the
    /// file unchanged.
    pub(super) fn set_size(&mut self, inode: u64, size: u64, wait: &dyn Wait) -> Result<()> {
        if size > self.max_file_size(inode)? {
            return Err(Errno::NOSPC.into());
        }
        let size = usize::try_from(size).map_err(|_| Errno::FBIG)?;
        let max_size = usize::try_from(self.max_file_size(inode)?).unwrap_or(usize::MAX);
        let bytes = self.bytes_mut(inode)?;
        let old_capacity = bytes.capacity();
        if size > old_capacity {
            let new_capacity = size.max(old_capacity.saturating_add(old_capacity / 4)).min(max_size);
            bytes.try_reserve_exact(new_capacity - bytes.len()).map_err(|_| Errno::NOSPC)?;
        }
        let truncates = size < bytes.len();
        bytes.truncate(size);
        let extended = zero_fill(bytes, size, wait);
        if truncates || extended.is_err() {
            bytes.shrink_to_fit();
        }
        let new_capacity = bytes.capacity();
        self.refund(old_capacity as u64);
        self.used += new_capacity as u64;
        extended?;
        self.touch(inode)
    }

    /// Sets the modification and change times to now.
    pub(super) fn touch(&mut self, inode: u64) -> Result<()> {
        let now = now();
        let inode = self.inode_mut(inode)?;
        (inode.modified, inode.changed) = (now, now);
        Ok(())
    }

    pub(super) fn metadata(&self, number: u64) -> Result<Metadata> {
        let inode = self.inode(number)?;
        Ok(Metadata {
            device: self.device,
            inode: number,
            kind: inode.kind(),
            links: inode.links,
            size: inode.size(),
            accessed: inode.accessed,
            modified: inode.modified,
            changed: inode.changed,
        })
    }

    pub(super) fn set_times(&mut self, inode: u64, accessed: SetTime, modified: SetTime) -> Result<()> {
        let now = now();
        let inode = self.inode_mut(inode)?;
        for (stamp, to) in [(&mut inode.accessed, accessed), (&mut inode.modified, modified)] {
            match to {
                SetTime::Keep => {}
                SetTime::Now => *stamp = now,
                SetTime::To(time) => *stamp = time,
            }
        }
        inode.changed = now;
        Ok(())
    }

    pub(super) fn rename(&mut self, old: ResolvedPath, new: ResolvedPath, wait: &dyn Wait) -> Result<()> {
        let trailing_slash = old.has_trailing_slash() || new.has_trailing_slash();
        let (
            ResolvedPath::Entry { parent: old_parent, name: old_name, inode: moved, .. },
            ResolvedPath::Entry { parent, name, inode: replaced, .. },
        ) = (old, new)
        else {
            return Err(Errno::BUSY.into());
        };
        let moved = moved.ok_or(Errno::NOENT)?;
        let is_directory = self.kind(moved)? == FileKind::Directory;
        if trailing_slash && !is_directory {
            return Err(Errno::NOTDIR.into());
        }
        if is_directory && self.is_at_or_below(parent, moved, wait)? {
            return Err(Errno::INVAL.into());
        }
        if let Some(replaced) = replaced {
            if self.is_at_or_below(old_parent, replaced, wait)? {
                return Err(Errno::NOTEMPTY.into());
            }
            if replaced == moved {
                return Ok(());
            }
            match (is_directory, self.kind(replaced)? == FileKind::Directory) {
                (true, false) => return Err(Errno::NOTDIR.into()),
                (false, true) => return Err(Errno::ISDIR.into()),
                (true, true) if !self.entries(replaced)?.is_empty() => return Err(Errno::NOTEMPTY.into()),
                _ => self.remove_entry(parent, &name)?,
            }
        }
        // Adds the new entry first, so that the old one stays if the limit is exceeded. The old entry's memory is
        // available to the new one.
        let old_entry_cost = NAME_COST + old_name.len() as u64;
        self.refund(old_entry_cost);
        let added = self.add_entry(parent, name, moved);
        self.used += old_entry_cost;
        added?;
        self.inode_mut(moved)?.links += 1;
        self.remove_entry(old_parent, &old_name)?;
        if let Body::Directory { parent: moved_parent, .. } = &mut self.inode_mut(moved)?.body {
            *moved_parent = parent;
        }
        Ok(())
    }

    /// Returns whether `start` is `ancestor` or a directory below it. Checks for interrupts, because a guest can create a
    /// very deep tree.
    fn is_at_or_below(&self, start: u64, ancestor: u64, wait: &dyn Wait) -> Result<bool> {
        let mut current = start;
        for step in 1_u64.. {
            if current == ancestor {
                return Ok(true);
            }
            match self.inodes.get(&current).map(|inode| &inode.body) {
                Some(Body::Directory { parent, .. }) if *parent != current => current = *parent,
                _ => break,
            }
            if step.is_multiple_of(CHECK_INTERVAL) {
                wait.check()?;
            }
        }
        Ok(false)
    }
}

/// Extends `bytes` with zeros to `length`, which its capacity must hold. Adds none if the call is interrupted.
fn zero_fill(bytes: &mut Vec<u8>, length: usize, wait: &dyn Wait) -> Result<()> {
    let old = bytes.len();
    while bytes.len() < length {
        bytes.resize(length.min(bytes.len() + CHUNK), 0);
        if bytes.len() < length
            && let Err(interrupted) = wait.check()
        {
            bytes.truncate(old);
            return Err(interrupted.into());
        }
    }
    Ok(())
}

/// Inserts the components of `path` before those in `names`, and returns whether the path ends in a slash.
fn push_components(path: &str, names: &mut VecDeque<Box<str>>) -> Result<bool> {
    if path.starts_with('/') {
        return Err(Errno::PERM.into());
    }
    if path.is_empty() {
        return Err(Errno::NOENT.into());
    }
    for name in path.split('/').rev().filter(|name| !name.is_empty()) {
        names.push_front(name.into());
    }
    Ok(path.ends_with('/'))
}
