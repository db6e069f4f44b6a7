//! The descriptors of a guest: small numbers, the lowest free one first. Each carries rights, which are recorded,
//! narrowed and reported, and never asked for: what a descriptor may do follows from how it was opened and from what the
//! embedder allows, and both are decided in the host layer.

use super::types::{Errno, Result, Rights, fdflags};
use crate::host::fs::{Directory, Entry, File};
use crate::host::net::Socket;
use crate::host::stdio::Stream;

/// The most descriptors a guest can hold open, so that it cannot use up those of the host.
const DESCRIPTORS: usize = 1024;

/// The most names a guest can have listed, in all its folders together, so that it cannot use up the host's memory.
const LISTED: usize = 1_000_000;

/// What a descriptor stands for.
#[derive(Debug)]
pub(crate) enum Object {
    Stream(Stream),
    File(File),
    Directory(OpenDirectory),
    Socket(Socket),
}

/// An open folder.
#[derive(Debug)]
pub(crate) struct OpenDirectory {
    pub(crate) directory: Directory,
    /// The name it was given to the guest under, if it was given and not opened.
    pub(crate) preopen: Option<String>,
    /// The names found when listing last began; cookies count them.
    pub(crate) listing: Option<Vec<Entry>>,
}

/// One open descriptor.
#[derive(Debug)]
pub(crate) struct Descriptor {
    pub(crate) object: Object,
    pub(crate) flags: u16,
    /// What `fd_fdstat_get` reports; nothing else reads it.
    pub(crate) base: Rights,
    pub(crate) inheriting: Rights,
}

impl Descriptor {
    pub(crate) fn stream(stream: Stream, base: Rights) -> Descriptor {
        Descriptor { object: Object::Stream(stream), flags: 0, base, inheriting: Rights::NONE }
    }

    pub(crate) fn preopen(directory: Directory, name: String) -> Descriptor {
        let object = Object::Directory(OpenDirectory { directory, preopen: Some(name), listing: None });
        Descriptor { object, flags: 0, base: Rights::DIRECTORY, inheriting: Rights::BELOW }
    }

    pub(crate) fn of_socket(socket: Socket) -> Descriptor {
        let (base, inheriting) = match socket.is_listener() {
            true => (Rights::LISTENER, Rights::CONNECTION),
            false => (Rights::CONNECTION, Rights::NONE),
        };
        Descriptor { object: Object::Socket(socket), flags: 0, base, inheriting }
    }

    pub(crate) fn nonblock(&self) -> bool {
        self.flags & fdflags::NONBLOCK != 0
    }

    /// The file; EISDIR for a folder and ESPIPE for a stream or a socket, which have no position and no size.
    pub(crate) fn file(&self) -> Result<&File> {
        self.file_or(Errno::ISDIR, Errno::SPIPE)
    }

    /// The file; `folder` for a folder, which is open for reading only, and `stream` for a stream or a socket.
    pub(crate) fn file_or(&self, folder: Errno, stream: Errno) -> Result<&File> {
        match &self.object {
            Object::File(file) => Ok(file),
            Object::Directory(_) => Err(folder.into()),
            Object::Stream(_) | Object::Socket(_) => Err(stream.into()),
        }
    }

    /// The folder; ENOTDIR for anything else.
    pub(crate) fn directory(&self) -> Result<&Directory> {
        match &self.object {
            Object::Directory(open) => Ok(&open.directory),
            Object::File(_) | Object::Stream(_) | Object::Socket(_) => Err(Errno::NOTDIR.into()),
        }
    }

    /// The same with its listing.
    pub(crate) fn open_directory(&mut self) -> Result<&mut OpenDirectory> {
        match &mut self.object {
            Object::Directory(open) => Ok(open),
            Object::File(_) | Object::Stream(_) | Object::Socket(_) => Err(Errno::NOTDIR.into()),
        }
    }
}

/// The descriptors of one context.
#[derive(Debug, Default)]
pub(crate) struct Table {
    slots: Vec<Option<Descriptor>>,
}

impl Table {
    /// The number the next descriptor will have; EMFILE when there are too many.
    fn lowest_free(&self) -> Result<usize> {
        let slot = self.slots.iter().position(Option::is_none).unwrap_or(self.slots.len());
        if slot < DESCRIPTORS { Ok(slot) } else { Err(Errno::MFILE.into()) }
    }

    /// Fails before anything is opened for a table that is full.
    pub(crate) fn check_room(&self) -> Result<()> {
        self.lowest_free().map(drop)
    }

    pub(crate) fn insert(&mut self, descriptor: Descriptor) -> Result<u32> {
        let slot = self.lowest_free()?;
        if slot == self.slots.len() {
            self.slots.push(None);
        }
        self.slots[slot] = Some(descriptor);
        Ok(slot as u32)
    }

    pub(crate) fn get(&self, fd: u32) -> Result<&Descriptor> {
        Ok(self.slots.get(fd as usize).and_then(Option::as_ref).ok_or(Errno::BADF)?)
    }

    pub(crate) fn get_mut(&mut self, fd: u32) -> Result<&mut Descriptor> {
        Ok(self.slots.get_mut(fd as usize).and_then(Option::as_mut).ok_or(Errno::BADF)?)
    }

    /// How many more names can be listed.
    pub(crate) fn unlisted(&self) -> usize {
        let listed = self.slots.iter().flatten().map(|descriptor| match &descriptor.object {
            Object::Directory(OpenDirectory { listing: Some(listing), .. }) => listing.len(),
            _ => 0,
        });
        LISTED.saturating_sub(listed.sum())
    }

    pub(crate) fn remove(&mut self, fd: u32) -> Result<Descriptor> {
        Ok(self.slots.get_mut(fd as usize).and_then(Option::take).ok_or(Errno::BADF)?)
    }

    /// Moves `from` over `to`, which must be open as well and is closed.
    pub(crate) fn renumber(&mut self, from: u32, to: u32) -> Result<()> {
        self.get(from)?;
        self.get(to)?;
        if from != to {
            let descriptor = self.remove(from)?;
            *self.get_mut(to)? = descriptor;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::stdio::{Inherited, Stdio};

    fn null() -> Descriptor {
        Descriptor::stream(Stream::new(Stdio::Null, Inherited::Stdin), Rights::STDIN)
    }

    #[test]
    fn the_lowest_free_number_is_used_first() {
        let mut table = Table::default();
        for expected in 0..3 {
            assert_eq!(table.insert(null()), Ok(expected));
        }
        table.remove(1).unwrap();
        assert_eq!(table.insert(null()), Ok(1));
        assert_eq!(table.remove(7).unwrap_err(), Errno::BADF.into());
    }

    #[test]
    fn a_guest_cannot_hold_endless_descriptors() {
        let mut table = Table::default();
        while table.check_room().is_ok() {
            table.insert(null()).unwrap();
        }
        assert_eq!(table.insert(null()), Err(Errno::MFILE.into()));
    }
}
