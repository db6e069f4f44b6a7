//! The types of preview 1 and their layouts in guest memory: rights, flags and records (`witx/typenames.witx` of the WASI
//! 0.1 specification). All numbers are little-endian.

pub(crate) use crate::host::Errno;
use crate::host::{Error, Interrupted, fs};

/// The error of a WASI function.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum CallError {
    /// The function returns this number to the guest.
    Errno(Errno),
    /// The embedder has interrupted the guest.
    Interrupted,
    /// The guest has exited with this code.
    Exit(i32),
}

pub(crate) type Result<T> = std::result::Result<T, CallError>;

impl From<Errno> for CallError {
    fn from(errno: Errno) -> CallError {
        CallError::Errno(errno)
    }
}

impl From<Error> for CallError {
    fn from(error: Error) -> CallError {
        match error {
            Error::Errno(errno) => CallError::Errno(errno),
            Error::Interrupted => CallError::Interrupted,
        }
    }
}

impl From<Interrupted> for CallError {
    fn from(Interrupted: Interrupted) -> CallError {
        CallError::Interrupted
    }
}

/// The rights of a descriptor. They are recorded and reported, and a guest can drop them but not add any. No operation
/// checks them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Rights(pub(crate) u64);

/// Rows are `NAME = bit`.
macro_rules! rights {
    ($($name:ident = $bit:literal;)*) => {
        impl Rights {
            $(pub(crate) const $name: Rights = Rights(1 << $bit);)*
        }
    };
}

rights! {
    FD_DATASYNC = 0;
    FD_READ = 1;
    FD_SEEK = 2;
    FD_FDSTAT_SET_FLAGS = 3;
    FD_SYNC = 4;
    FD_TELL = 5;
    FD_WRITE = 6;
    FD_ADVISE = 7;
    FD_ALLOCATE = 8;
    PATH_CREATE_DIRECTORY = 9;
    PATH_CREATE_FILE = 10;
    PATH_LINK_SOURCE = 11;
    PATH_LINK_TARGET = 12;
    PATH_OPEN = 13;
    FD_READDIR = 14;
    PATH_READLINK = 15;
    PATH_RENAME_SOURCE = 16;
    PATH_RENAME_TARGET = 17;
    PATH_FILESTAT_GET = 18;
    PATH_FILESTAT_SET_SIZE = 19;
    PATH_FILESTAT_SET_TIMES = 20;
    FD_FILESTAT_GET = 21;
    FD_FILESTAT_SET_SIZE = 22;
    FD_FILESTAT_SET_TIMES = 23;
    PATH_SYMLINK = 24;
    PATH_REMOVE_DIRECTORY = 25;
    PATH_UNLINK_FILE = 26;
    POLL_FD_READWRITE = 27;
    SOCK_SHUTDOWN = 28;
    SOCK_ACCEPT = 29;
}

impl Rights {
    pub(crate) const NONE: Rights = Rights(0);

    /// All rights that apply to a file.
    pub(crate) const FILE: Rights = Rights::of(&[
        Rights::FD_DATASYNC,
        Rights::FD_READ,
        Rights::FD_SEEK,
        Rights::FD_FDSTAT_SET_FLAGS,
        Rights::FD_SYNC,
        Rights::FD_TELL,
        Rights::FD_WRITE,
        Rights::FD_ADVISE,
        Rights::FD_ALLOCATE,
        Rights::FD_FILESTAT_GET,
        Rights::FD_FILESTAT_SET_SIZE,
        Rights::FD_FILESTAT_SET_TIMES,
        Rights::POLL_FD_READWRITE,
    ]);

    /// All rights that apply to a directory.
    pub(crate) const DIRECTORY: Rights = Rights::of(&[
        Rights::FD_FDSTAT_SET_FLAGS,
        Rights::FD_SYNC,
        Rights::FD_ADVISE,
        Rights::PATH_CREATE_DIRECTORY,
        Rights::PATH_CREATE_FILE,
        Rights::PATH_LINK_SOURCE,
        Rights::PATH_LINK_TARGET,
        Rights::PATH_OPEN,
        Rights::FD_READDIR,
        Rights::PATH_READLINK,
        Rights::PATH_RENAME_SOURCE,
        Rights::PATH_RENAME_TARGET,
        Rights::PATH_FILESTAT_GET,
        Rights::PATH_FILESTAT_SET_SIZE,
        Rights::PATH_FILESTAT_SET_TIMES,
        Rights::FD_FILESTAT_GET,
        Rights::FD_FILESTAT_SET_TIMES,
        Rights::PATH_SYMLINK,
        Rights::PATH_REMOVE_DIRECTORY,
        Rights::PATH_UNLINK_FILE,
        Rights::POLL_FD_READWRITE,
    ]);

    /// The rights of descriptors that are opened below a preopened directory.
    pub(crate) const INHERITING: Rights = Rights::of(&[Rights::FILE, Rights::DIRECTORY]);

    /// The rights of every stream. They do not include seek and tell. C libraries treat a character device without
    /// these rights as a terminal.
    const STREAM: Rights =
        Rights::of(&[Rights::FD_FDSTAT_SET_FLAGS, Rights::FD_FILESTAT_GET, Rights::POLL_FD_READWRITE]);
    pub(crate) const STDIN: Rights = Rights::of(&[Rights::STREAM, Rights::FD_READ]);
    pub(crate) const STDOUT: Rights =
        Rights::of(&[Rights::STREAM, Rights::FD_WRITE, Rights::FD_SYNC, Rights::FD_DATASYNC]);

    /// The rights of a connection.
    pub(crate) const CONNECTION: Rights =
        Rights::of(&[Rights::STREAM, Rights::FD_READ, Rights::FD_WRITE, Rights::SOCK_SHUTDOWN]);
    /// The rights of a listener.
    pub(crate) const LISTENER: Rights = Rights::of(&[Rights::STREAM, Rights::FD_READ, Rights::SOCK_ACCEPT]);

    const fn of(parts: &[Rights]) -> Rights {
        let mut bits = 0;
        let mut index = 0;
        while index < parts.len() {
            bits |= parts[index].0;
            index += 1;
        }
        Rights(bits)
    }

    pub(crate) const fn contains(self, other: Rights) -> bool {
        self.0 & other.0 == other.0
    }
}

impl std::ops::BitAnd for Rights {
    type Output = Rights;
    fn bitand(self, other: Rights) -> Rights {
        Rights(self.0 & other.0)
    }
}

impl std::ops::BitOr for Rights {
    type Output = Rights;
    fn bitor(self, other: Rights) -> Rights {
        Rights(self.0 | other.0)
    }
}

/// `fdflags`
pub(crate) mod fdflags {
    pub(crate) const APPEND: u16 = 1;
    pub(crate) const DSYNC: u16 = 2;
    pub(crate) const NONBLOCK: u16 = 4;
    pub(crate) const RSYNC: u16 = 8;
    pub(crate) const SYNC: u16 = 16;
    pub(crate) const ALL: u16 = 31;
}

/// `oflags`
pub(crate) mod oflags {
    pub(crate) const CREAT: u32 = 1;
    pub(crate) const DIRECTORY: u32 = 2;
    pub(crate) const EXCL: u32 = 4;
    pub(crate) const TRUNC: u32 = 8;
    pub(crate) const ALL: u32 = 15;
}

/// `lookupflags`
pub(crate) mod lookupflags {
    pub(crate) const SYMLINK_FOLLOW: u32 = 1;
    pub(crate) const ALL: u32 = 1;
}

/// `fstflags`
pub(crate) mod fstflags {
    pub(crate) const ATIM: u32 = 1;
    pub(crate) const ATIM_NOW: u32 = 2;
    pub(crate) const MTIM: u32 = 4;
    pub(crate) const MTIM_NOW: u32 = 8;
    pub(crate) const ALL: u32 = 15;
}

/// `riflags`
pub(crate) mod riflags {
    pub(crate) const RECV_PEEK: u32 = 1;
    pub(crate) const RECV_WAITALL: u32 = 2;
    pub(crate) const ALL: u32 = 3;
}

/// `sdflags`
pub(crate) mod sdflags {
    pub(crate) const RD: u32 = 1;
    pub(crate) const WR: u32 = 2;
    pub(crate) const ALL: u32 = 3;
}

/// `signal`: the numbers whose default action is to ignore or to stop, and the first and the last number.
pub(crate) mod signal {
    pub(crate) const NONE: u32 = 0;
    pub(crate) const HUP: u32 = 1;
    pub(crate) const CHLD: u32 = 16;
    pub(crate) const CONT: u32 = 17;
    pub(crate) const STOP: u32 = 18;
    pub(crate) const TSTP: u32 = 19;
    pub(crate) const TTIN: u32 = 20;
    pub(crate) const TTOU: u32 = 21;
    pub(crate) const URG: u32 = 22;
    pub(crate) const WINCH: u32 = 27;
    pub(crate) const SYS: u32 = 30;
}

/// Returns `flags`. Fails with EINVAL if a bit outside `known` is set.
pub(crate) fn known_flags(flags: u32, known: u32) -> Result<u32> {
    if flags & !known == 0 { Ok(flags) } else { Err(Errno::INVAL.into()) }
}

/// `filetype`
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Filetype {
    Unknown = 0,
    BlockDevice = 1,
    CharacterDevice = 2,
    Directory = 3,
    RegularFile = 4,
    SocketStream = 6,
    SymbolicLink = 7,
}

impl From<fs::FileKind> for Filetype {
    fn from(kind: fs::FileKind) -> Filetype {
        match kind {
            fs::FileKind::BlockDevice => Filetype::BlockDevice,
            fs::FileKind::CharacterDevice => Filetype::CharacterDevice,
            fs::FileKind::Directory => Filetype::Directory,
            fs::FileKind::RegularFile => Filetype::RegularFile,
            fs::FileKind::Socket => Filetype::SocketStream,
            fs::FileKind::SymbolicLink => Filetype::SymbolicLink,
            fs::FileKind::Other => Filetype::Unknown,
        }
    }
}

/// Writes `bytes` at `offset` of a record.
pub(crate) fn put<const N: usize>(record: &mut [u8], offset: usize, bytes: [u8; N]) {
    record[offset..offset + N].copy_from_slice(&bytes);
}

/// Reads the bytes at `offset` of a record.
fn get<const N: usize>(record: &[u8], offset: usize) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(&record[offset..offset + N]);
    bytes
}

/// `fdstat`
#[derive(Debug)]
pub(crate) struct Fdstat {
    pub(crate) filetype: Filetype,
    pub(crate) flags: u16,
    pub(crate) rights_base: Rights,
    pub(crate) rights_inheriting: Rights,
}

impl Fdstat {
    pub(crate) fn bytes(&self) -> [u8; 24] {
        let mut record = [0; 24];
        put(&mut record, 0, [self.filetype as u8]);
        put(&mut record, 2, self.flags.to_le_bytes());
        put(&mut record, 8, self.rights_base.0.to_le_bytes());
        put(&mut record, 16, self.rights_inheriting.0.to_le_bytes());
        record
    }
}

/// `filestat`
#[derive(Debug)]
pub(crate) struct Filestat {
    pub(crate) dev: u64,
    pub(crate) ino: u64,
    pub(crate) filetype: Filetype,
    pub(crate) nlink: u64,
    pub(crate) size: u64,
    pub(crate) atim: u64,
    pub(crate) mtim: u64,
    pub(crate) ctim: u64,
}

impl Filestat {
    /// Returns the record of a standard stream or a socket. Only the file type is set.
    pub(crate) fn stream(filetype: Filetype) -> Filestat {
        Filestat { dev: 0, ino: 0, filetype, nlink: 0, size: 0, atim: 0, mtim: 0, ctim: 0 }
    }

    pub(crate) fn bytes(&self) -> [u8; 64] {
        let mut record = [0; 64];
        put(&mut record, 0, self.dev.to_le_bytes());
        put(&mut record, 8, self.ino.to_le_bytes());
        put(&mut record, 16, [self.filetype as u8]);
        put(&mut record, 24, self.nlink.to_le_bytes());
        put(&mut record, 32, self.size.to_le_bytes());
        put(&mut record, 40, self.atim.to_le_bytes());
        put(&mut record, 48, self.mtim.to_le_bytes());
        put(&mut record, 56, self.ctim.to_le_bytes());
        record
    }
}

impl From<fs::Metadata> for Filestat {
    fn from(metadata: fs::Metadata) -> Filestat {
        Filestat {
            dev: metadata.device,
            ino: metadata.inode,
            filetype: Filetype::from(metadata.kind),
            nlink: metadata.links,
            size: metadata.size,
            atim: metadata.accessed,
            mtim: metadata.modified,
            ctim: metadata.changed,
        }
    }
}

/// `dirent`. The name follows it in the buffer.
#[derive(Debug)]
pub(crate) struct Dirent {
    pub(crate) next: u64,
    pub(crate) ino: u64,
    pub(crate) namlen: u32,
    pub(crate) filetype: Filetype,
}

impl Dirent {
    pub(crate) fn bytes(&self) -> [u8; 24] {
        let mut record = [0; 24];
        put(&mut record, 0, self.next.to_le_bytes());
        put(&mut record, 8, self.ino.to_le_bytes());
        put(&mut record, 16, self.namlen.to_le_bytes());
        put(&mut record, 20, [self.filetype as u8]);
        record
    }
}

/// `eventtype`
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Eventtype {
    Clock = 0,
    FdRead = 1,
    FdWrite = 2,
}

/// `subscription`
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subscription {
    pub(crate) userdata: u64,
    pub(crate) kind: SubscriptionKind,
}

/// The event that a subscription waits for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SubscriptionKind {
    Clock { id: u32, timeout: u64, absolute: bool },
    FdRead(u32),
    FdWrite(u32),
}

impl Subscription {
    /// Parses a subscription. Fails with EINVAL for an unknown kind or flag. Ignores the precision, which is a hint.
    pub(crate) fn read(record: &[u8; 48]) -> Result<Subscription> {
        let [tag] = get(record, 8);
        let first = u32::from_le_bytes(get(record, 16));
        let kind = match tag {
            0 => {
                let flags = known_flags(u32::from(u16::from_le_bytes(get(record, 40))), 1)?;
                SubscriptionKind::Clock {
                    id: first,
                    timeout: u64::from_le_bytes(get(record, 24)),
                    absolute: flags == 1,
                }
            }
            1 => SubscriptionKind::FdRead(first),
            2 => SubscriptionKind::FdWrite(first),
            _ => return Err(Errno::INVAL.into()),
        };
        Ok(Subscription { userdata: u64::from_le_bytes(get(record, 0)), kind })
    }

    pub(crate) fn eventtype(&self) -> Eventtype {
        match self.kind {
            SubscriptionKind::Clock { .. } => Eventtype::Clock,
            SubscriptionKind::FdRead(_) => Eventtype::FdRead,
            SubscriptionKind::FdWrite(_) => Eventtype::FdWrite,
        }
    }
}

/// `event`
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) userdata: u64,
    pub(crate) error: Errno,
    pub(crate) eventtype: Eventtype,
    pub(crate) nbytes: u64,
    pub(crate) hangup: bool,
}

impl Event {
    pub(crate) fn bytes(&self) -> [u8; 32] {
        let mut record = [0; 32];
        put(&mut record, 0, self.userdata.to_le_bytes());
        put(&mut record, 8, self.error.0.to_le_bytes());
        put(&mut record, 10, [self.eventtype as u8]);
        put(&mut record, 16, self.nbytes.to_le_bytes());
        put(&mut record, 24, u16::from(self.hangup).to_le_bytes());
        record
    }
}
