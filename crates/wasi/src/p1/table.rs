//! The descriptors of a guest. A new descriptor gets the lowest free number. Each descriptor records its rights. The
//! guest can read and drop them, but no operation checks them. Instead, the host layer checks the access mode of the
//! descriptor and the permissions that the embedder has granted.

use super::types::{Errno, Result, Rights, fdflags};
use crate::host::fs::{DirEntry, Directory, File};
use crate::host::net::Socket;
use crate::host::stdio::Stream;

/// The maximum number of open descriptors of a guest. It prevents a guest from exhausting the host's descriptors.
const MAX_DESCRIPTORS: usize = 1024;

/// The maximum number of directory entries in all of a guest's listings. It prevents a guest from exhausting the host's
/// memory.
const MAX_LISTED_ENTRIES: usize = 1_000_000;

/// The object to which a descriptor refers.
#[derive(Debug)]
pub(crate) enum Object {
    Stream(Stream),
    File(File),
    Directory(OpenDirectory),
    Socket(Socket),
}

/// An open directory.
#[derive(Debug)]
pub(crate) struct OpenDirectory {
    pub(crate) directory: Directory,
    /// The guest's name for a preopened directory, or `None` if the guest has opened the directory itself.
    pub(crate) preopen: Option<String>,
    /// The entries at the time when the guest last started to list them. A cookie is an index into them.
    pub(crate) listing: Option<Vec<DirEntry>>,
}

/// One open descriptor.
#[derive(Debug)]
pub(crate) struct Descriptor {
    pub(crate) object: Object,
    pub(crate) flags: u16,
    /// The rights that `fd_fdstat_get` reports. No operation checks them.
    pub(crate) base: Rights,
    pub(crate) inheriting: Rights,
}

impl Descriptor {
    pub(crate) fn from_stream(stream: Stream, base: Rights) -> Descriptor {
        Descriptor { object: Object::Stream(stream), flags: 0, base, inheriting: Rights::NONE }
    }

    pub(crate) fn from_preopen(directory: Directory, name: String) -> Descriptor {
        let object = Object::Directory(OpenDirectory { directory, preopen: Some(name), listing: None });
        Descriptor { object, flags: 0, base: Rights::DIRECTORY, inheriting: Rights::INHERITING }
    }

    pub(crate) fn from_socket(socket: Socket) -> Descriptor {
        let (base, inheriting) = match socket.is_listener() {
            true => (Rights::LISTENER, Rights::CONNECTION),
            false => (Rights::CONNECTION, Rights::NONE),
        };
        Descriptor { object: Object::Socket(socket), flags: 0, base, inheriting }
    }

    pub(crate) fn nonblock(&self) -> bool {
        self.flags & fdflags::NONBLOCK != 0
    }

    /// Returns the file. Fails with EISDIR for a directory, and with ESPIPE for a stream or a socket, because these have no
    /// position.
    pub(crate) fn file(&self) -> Result<&File> {
        self.file_or(Errno::ISDIR, Errno::SPIPE)
    }

    /// Returns the file. Fails with `directory_error` for a directory, and with `stream_error` for a stream or a socket.
    pub(crate) fn file_or(&self, directory_error: Errno, stream_error: Errno) -> Result<&File> {
        match &self.object {
            Object::File(file) => Ok(file),
            Object::Directory(_) => Err(directory_error.into()),
            Object::Stream(_) | Object::Socket(_) => Err(stream_error.into()),
        }
    }

    /// Returns the directory. Fails with ENOTDIR for any other object.
    pub(crate) fn directory(&self) -> Result<&Directory> {
        match &self.object {
            Object::Directory(open) => Ok(&open.directory),
            Object::File(_) | Object::Stream(_) | Object::Socket(_) => Err(Errno::NOTDIR.into()),
        }
    }

    /// Returns the directory with its listing. Fails with ENOTDIR for any other object.
    pub(crate) fn open_directory(&mut self) -> Result<&mut OpenDirectory> {
        match &mut self.object {
            Object::Directory(open) => Ok(open),
            Object::File(_) | Object::Stream(_) | Object::Socket(_) => Err(Errno::NOTDIR.into()),
        }
    }
}

/// The descriptors of one context.
#[derive(Debug, Default)]
pub(crate) struct DescriptorTable {
    slots: Vec<Option<Descriptor>>,
}

impl DescriptorTable {
    /// Returns the number of the next descriptor. Fails with EMFILE if the table is full.
    fn lowest_free(&self) -> Result<usize> {
        let slot = self.slots.iter().position(Option::is_none).unwrap_or(self.slots.len());
        if slot < MAX_DESCRIPTORS { Ok(slot) } else { Err(Errno::MFILE.into()) }
    }

    /// Fails with EMFILE if the table is full. Functions call it before they open a file.
    pub(crate) fn check_not_full(&self) -> Result<()> {
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

    /// Returns the number of entries that further listings may hold.
    pub(crate) fn listing_capacity(&self) -> usize {
        let listed = self.slots.iter().flatten().map(|descriptor| match &descriptor.object {
            Object::Directory(OpenDirectory { listing: Some(listing), .. }) => listing.len(),
            _ => 0,
        });
        MAX_LISTED_ENTRIES.saturating_sub(listed.sum())
    }

    pub(crate) fn remove(&mut self, fd: u32) -> Result<Descriptor> {
        Ok(self.slots.get_mut(fd as usize).and_then(Option::take).ok_or(Errno::BADF)?)
    }

    /// Moves the descriptor `from` to the number `to`, and closes the descriptor that was open there. Fails with EBADF if
    /// one of them is not open.
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
    use crate::host::stdio::{StandardStream, Stdio};

    fn null() -> Descriptor {
        Descriptor::from_stream(Stream::new(Stdio::Null, StandardStream::Stdin), Rights::STDIN)
    }

    #[test]
    fn the_lowest_free_number_is_used_first() {
        let mut table = DescriptorTable::default();
        for expected in 0..3 {
            assert_eq!(table.insert(null()), Ok(expected));
        }
        table.remove(1).unwrap();
        assert_eq!(table.insert(null()), Ok(1));
        assert_eq!(table.remove(7).unwrap_err(), Errno::BADF.into());
    }

    #[test]
    fn a_full_table_fails_with_emfile() {
        let mut table = DescriptorTable::default();
        while table.check_not_full().is_ok() {
            table.insert(null()).unwrap();
        }
        assert_eq!(table.insert(null()), Err(Errno::MFILE.into()));
    }
}
