//! What a tree of files in memory consists of, and how a path is followed in it. What the tree holds is bounded by what
//! it takes of the host's memory, the allocator's own part included: `tests/wasi/limit.rs` measures both.

use super::super::{Kind, Metadata, SetTime};
use crate::host::transfer::PIECE;
use crate::host::{Errno, Error, Result, Wait};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// What a file, folder or link takes besides its bytes: its record, and its place in a node of a tree that may be not
/// half full.
pub(super) const INODE: u64 = 176;

/// What a folder with something in it takes besides: the first node for names.
pub(super) const FOLDER: u64 = 320;

/// What a name takes besides its bytes: its place in a node that may be not half full, and an allocation.
pub(super) const NAME: u64 = 112;

/// The longest name (`NAME_MAX`).
const NAME_MAX: usize = 255;

/// How many symbolic links one path may follow.
const LINKS: usize = 40;

/// How many folders are climbed between two looks at whether the guest is to stop.
const STEPS: u64 = 4096;

/// The number of the folder at the top.
pub(super) const ROOT: u64 = 1;

// Nothing below panics between two changes that belong together.
pub(super) fn lock(tree: &Mutex<Tree>) -> MutexGuard<'_, Tree> {
    tree.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

#[derive(Debug)]
pub(super) struct Tree {
    device: u64,
    /// In a map whose nodes are freed as it shrinks, and boxed, so that a node is small.
    pub(super) inodes: BTreeMap<u64, Box<Inode>>,
    next: u64,
    pub(super) used: u64,
    limit: u64,
}

#[derive(Debug)]
pub(super) struct Inode {
    pub(super) body: Body,
    /// How many names it has.
    pub(super) links: u64,
    /// How often it is open.
    pub(super) opened: u64,
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
        Box::new(Inode { body, links: 1, opened: 0, accessed: now, modified: now, changed: now })
    }

    fn kind(&self) -> Kind {
        match self.body {
            Body::File(_) => Kind::RegularFile,
            Body::Directory { .. } => Kind::Directory,
            Body::Link(_) => Kind::SymbolicLink,
        }
    }

    fn size(&self) -> u64 {
        match &self.body {
            Body::File(bytes) => bytes.len() as u64,
            Body::Link(target) => target.len() as u64,
            Body::Directory { .. } => 0,
        }
    }

    /// What counts for it.
    fn cost(&self) -> u64 {
        INODE
            + match &self.body {
                Body::File(bytes) => bytes.capacity() as u64,
                Body::Link(target) => target.len() as u64,
                Body::Directory { entries, .. } => first_node(entries),
            }
    }
}

/// What the first node of a folder's names counts.
fn first_node(entries: &BTreeMap<Box<str>, u64>) -> u64 {
    if entries.is_empty() { 0 } else { FOLDER }
}

/// What a path names.
#[derive(Debug)]
pub(super) enum Spot {
    /// A folder that the path names without its name: `.`, `a/..`.
    Folder { inode: u64, above: bool },
    /// A name in a folder, which may be there or not.
    Name { parent: u64, name: Box<str>, inode: Option<u64>, slash: bool },
}

impl Spot {
    /// What is there; ENOENT for nothing.
    pub(super) fn found(&self) -> Result<u64> {
        match *self {
            Spot::Folder { inode, .. } | Spot::Name { inode: Some(inode), .. } => Ok(inode),
            Spot::Name { inode: None, .. } => Err(Errno::NOENT.into()),
        }
    }

    pub(super) fn slash(&self) -> bool {
        matches!(self, Spot::Name { slash: true, .. })
    }
}

/// What becomes of the last component of a path, which decides whether a link there is followed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Last {
    /// It is looked up: a link is followed if this says so, or a slash behind it.
    Lookup { follow: bool },
    /// It is opened and made if it is missing: a slash behind it is EISDIR.
    Create { follow: bool },
    /// It is a name to be given or taken away: a link is not followed.
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

    pub(super) fn kind(&self, inode: u64) -> Result<Kind> {
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

    fn room(&self) -> u64 {
        self.limit.saturating_sub(self.used)
    }

    fn charge(&mut self, bytes: u64) -> Result<()> {
        if bytes > self.room() {
            return Err(Errno::NOSPC.into());
        }
        self.used += bytes;
        Ok(())
    }

    fn refund(&mut self, bytes: u64) {
        self.used = self.used.saturating_sub(bytes);
    }

    /// Follows `path` from a folder.
    pub(super) fn resolve(&self, start: u64, path: &str, end: Last) -> Result<Spot> {
        let mut stack = vec![start];
        let mut names = VecDeque::new();
        let (mut links, mut above) = (0, false);
        let mut slash = spell(path, &mut names)?;
        while let Some(name) = names.pop_front() {
            let folder = stack.last().copied().unwrap_or(start);
            above = &*name == "..";
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
            let follow = match end {
                _ if !last => true,
                Last::Create { .. } if slash => return Err(Errno::ISDIR.into()),
                Last::Lookup { follow } | Last::Create { follow } => follow || slash,
                Last::Name => false,
            };
            let inode = self.entries(folder)?.get(&name).copied();
            match inode.map(|inode| Ok::<_, Error>((inode, &self.inode(inode)?.body))).transpose()? {
                Some((_, Body::Link(target))) if follow => {
                    links += 1;
                    if links > LINKS {
                        return Err(Errno::LOOP.into());
                    }
                    let asks = spell(target, &mut names)?;
                    slash |= asks && last;
                }
                _ if last => return Ok(Spot::Name { parent: folder, name, inode, slash }),
                Some((below, Body::Directory { .. })) => stack.push(below),
                Some(_) => return Err(Errno::NOTDIR.into()),
                None => return Err(Errno::NOENT.into()),
            }
        }
        Ok(Spot::Folder { inode: stack.last().copied().unwrap_or(start), above })
    }

    /// What `path` leads to; ENOTDIR for something with a slash behind it that is no folder.
    pub(super) fn lookup(&self, start: u64, path: &str, follow: bool) -> Result<u64> {
        let spot = self.resolve(start, path, Last::Lookup { follow })?;
        let found = spot.found()?;
        if spot.slash() && self.kind(found)? != Kind::Directory {
            return Err(Errno::NOTDIR.into());
        }
        Ok(found)
    }

    /// A name that nothing has yet, and its folder. EEXIST for one that something has, ENOENT for one with a slash
    /// behind it, unless it is for a folder.
    pub(super) fn vacant(&self, start: u64, path: &str, folder: bool) -> Result<(u64, Box<str>)> {
        match self.resolve(start, path, Last::Name)? {
            Spot::Name { inode: None, slash: true, .. } if !folder => Err(Errno::NOENT.into()),
            Spot::Name { parent, name, inode: None, .. } => Ok((parent, name)),
            _ => Err(Errno::EXIST.into()),
        }
    }

    /// Gives something a name. The folder must still have one itself, or nobody could find what is in it.
    pub(super) fn name(&mut self, parent: u64, name: Box<str>, inode: u64) -> Result<()> {
        if self.inode(parent)?.links == 0 {
            return Err(Errno::NOENT.into());
        }
        let node = FOLDER - first_node(self.entries(parent)?);
        self.charge(node + NAME + name.len() as u64)?;
        let now = now();
        let folder = self.inode_mut(parent)?;
        let Body::Directory { entries, .. } = &mut folder.body else { return Err(Errno::NOTDIR.into()) };
        entries.insert(name, inode);
        (folder.modified, folder.changed) = (now, now);
        Ok(())
    }

    /// Makes something new.
    pub(super) fn create(&mut self, parent: u64, name: Box<str>, body: Body) -> Result<u64> {
        let new = Inode::new(body);
        let cost = new.cost();
        self.charge(cost)?;
        let inode = self.next;
        if let Err(error) = self.name(parent, name, inode) {
            self.refund(cost);
            return Err(error);
        }
        self.next += 1;
        self.inodes.insert(inode, new);
        Ok(inode)
    }

    /// Takes a name away, and what had it if that was the last one.
    pub(super) fn unname(&mut self, parent: u64, name: &str) -> Result<()> {
        let now = now();
        let folder = self.inode_mut(parent)?;
        let Body::Directory { entries, .. } = &mut folder.body else { return Err(Errno::NOTDIR.into()) };
        let inode = entries.remove(name).ok_or(Errno::NOENT)?;
        let node = FOLDER - first_node(entries);
        if entries.is_empty() {
            // A map keeps its last node.
            *entries = BTreeMap::new();
        }
        (folder.modified, folder.changed) = (now, now);
        self.refund(node + NAME + name.len() as u64);
        let named = self.inode_mut(inode)?;
        named.links = named.links.saturating_sub(1);
        named.changed = now;
        self.forget(inode);
        Ok(())
    }

    /// Frees what has no name and is not open.
    pub(super) fn forget(&mut self, inode: u64) {
        if self.inodes.get(&inode).is_some_and(|inode| inode.links == 0 && inode.opened == 0)
            && let Some(inode) = self.inodes.remove(&inode)
        {
            self.refund(inode.cost());
        }
    }

    /// How long a file can get.
    pub(super) fn room_for(&self, inode: u64) -> Result<u64> {
        Ok((self.bytes(inode)?.capacity() as u64).saturating_add(self.room()))
    }

    /// Cuts a file or fills it up with zeros. A file that grows is given some more than it needs, if there is room, so
    /// that it is seldom moved; all of it counts. When the guest is to stop meanwhile, the file stays as it was.
    pub(super) fn set_size(&mut self, inode: u64, size: u64, wait: &dyn Wait) -> Result<()> {
        if size > self.room_for(inode)? {
            return Err(Errno::NOSPC.into());
        }
        let size = usize::try_from(size).map_err(|_| Errno::FBIG)?;
        let most = usize::try_from(self.room_for(inode)?).unwrap_or(usize::MAX);
        let bytes = self.bytes_mut(inode)?;
        let before = bytes.capacity();
        if size > before {
            let wanted = size.max(before.saturating_add(before / 4)).min(most);
            bytes.try_reserve_exact(wanted - bytes.len()).map_err(|_| Errno::NOSPC)?;
        }
        let cut = size < bytes.len();
        bytes.truncate(size);
        let filled = fill_up(bytes, size, wait);
        if cut || filled.is_err() {
            bytes.shrink_to_fit();
        }
        let after = bytes.capacity();
        self.refund(before as u64);
        self.used += after as u64;
        filled?;
        self.touch(inode)
    }

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

    pub(super) fn rename(&mut self, old: Spot, new: Spot, wait: &dyn Wait) -> Result<()> {
        let slash = old.slash() || new.slash();
        let (
            Spot::Name { parent: old_parent, name: old_name, inode: moved, .. },
            Spot::Name { parent, name, inode: replaced, .. },
        ) = (old, new)
        else {
            return Err(Errno::BUSY.into());
        };
        let moved = moved.ok_or(Errno::NOENT)?;
        let folder = self.kind(moved)? == Kind::Directory;
        if slash && !folder {
            return Err(Errno::NOTDIR.into());
        }
        if folder && self.is_within(parent, moved, wait)? {
            return Err(Errno::INVAL.into());
        }
        if let Some(replaced) = replaced {
            if self.is_within(old_parent, replaced, wait)? {
                return Err(Errno::NOTEMPTY.into());
            }
            if replaced == moved {
                return Ok(());
            }
            match (folder, self.kind(replaced)? == Kind::Directory) {
                (true, false) => return Err(Errno::NOTDIR.into()),
                (false, true) => return Err(Errno::ISDIR.into()),
                (true, true) if !self.entries(replaced)?.is_empty() => return Err(Errno::NOTEMPTY.into()),
                _ => self.unname(parent, &name)?,
            }
        }
        // The new name first: where there is no room for it the old one stays. It may take the old one's room.
        let room = NAME + old_name.len() as u64;
        self.refund(room);
        let named = self.name(parent, name, moved);
        self.used += room;
        named?;
        self.inode_mut(moved)?.links += 1;
        self.unname(old_parent, &old_name)?;
        if let Body::Directory { parent: above, .. } = &mut self.inode_mut(moved)?.body {
            *above = parent;
        }
        Ok(())
    }

    /// Whether the folder `inside` is below `folder`, or is it. A guest can make a tree that is very deep.
    fn is_within(&self, inside: u64, folder: u64, wait: &dyn Wait) -> Result<bool> {
        let mut at = inside;
        for step in 1_u64.. {
            if at == folder {
                return Ok(true);
            }
            match self.inodes.get(&at).map(|inode| &inode.body) {
                Some(Body::Directory { parent, .. }) if *parent != at => at = *parent,
                _ => break,
            }
            if step.is_multiple_of(STEPS) {
                wait.check()?;
            }
        }
        Ok(false)
    }
}

/// Zeros up to a length for which there is room; when the guest is to stop, none.
fn fill_up(bytes: &mut Vec<u8>, length: usize, wait: &dyn Wait) -> Result<()> {
    let old = bytes.len();
    while bytes.len() < length {
        bytes.resize(length.min(bytes.len() + PIECE), 0);
        if bytes.len() < length
            && let Err(interrupted) = wait.check()
        {
            bytes.truncate(old);
            return Err(interrupted.into());
        }
    }
    Ok(())
}

/// Puts the names of `path` before those still to be followed, and says whether a slash ends it.
fn spell(path: &str, names: &mut VecDeque<Box<str>>) -> Result<bool> {
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
