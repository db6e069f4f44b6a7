//! The types of preview 1 as they lie in guest memory: rights, flags, and the layouts of the records
//! (`witx/typenames.witx` of the WASI 0.1 specification). All numbers are little-endian.

pub(crate) use crate::host::Errno;
use crate::host::{Error, Interrupted, fs};

/// How a function can end other than by success.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Stop {
    /// The guest is told and goes on.
    Errno(Errno),
    /// The embedder has asked for the end.
    Interrupted,
    /// The guest has asked for the end.
    Exit(i32),
}

pub(crate) type Result<T> = std::result::Result<T, Stop>;

impl From<Errno> for Stop {
    fn from(errno: Errno) -> Stop {
        Stop::Errno(errno)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Stop {
        match error {
            Error::Errno(errno) => Stop::Errno(errno),
            Error::Interrupted => Stop::Interrupted,
        }
    }
}

impl From<Interrupted> for Stop {
    fn from(Interrupted: Interrupted) -> Stop {
        Stop::Interrupted
    }
}

/// What a guest says it does through a descriptor, and is told of it. It can give rights up and not gain any; whether
/// something may be done is decided without them.
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

    /// All that means something for a file.
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

    /// All that means something for a folder.
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

    /// What a descriptor opened below a folder that was given to the guest can have.
    pub(crate) const BELOW: Rights = Rights::of(&[Rights::FILE, Rights::DIRECTORY]);

    /// A stream has no position: without seek and tell, a C library takes a character device for a terminal.
    const STREAM: Rights =
        Rights::of(&[Rights::FD_FDSTAT_SET_FLAGS, Rights::FD_FILESTAT_GET, Rights::POLL_FD_READWRITE]);
    pub(crate) const STDIN: Rights = Rights::of(&[Rights::STREAM, Rights::FD_READ]);
    pub(crate) const STDOUT: Rights =
        Rights::of(&[Rights::STREAM, Rights::FD_WRITE, Rights::FD_SYNC, Rights::FD_DATASYNC]);

    /// A connection, which is read, written and shut down.
    pub(crate) const CONNECTION: Rights =
        Rights::of(&[Rights::STREAM, Rights::FD_READ, Rights::FD_WRITE, Rights::SOCK_SHUTDOWN]);
    /// A socket that listens.
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

/// `signal`: those that do something special, and the first and the last of all.
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

/// EINVAL when `flags` has a bit outside `known`.
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

impl From<fs::Kind> for Filetype {
    fn from(kind: fs::Kind) -> Filetype {
        match kind {
            fs::Kind::BlockDevice => Filetype::BlockDevice,
            fs::Kind::CharacterDevice => Filetype::CharacterDevice,
            fs::Kind::Directory => Filetype::Directory,
            fs::Kind::RegularFile => Filetype::RegularFile,
            fs::Kind::Socket => Filetype::SocketStream,
            fs::Kind::SymbolicLink => Filetype::SymbolicLink,
            fs::Kind::Other => Filetype::Unknown,
        }
    }
}

/// Puts `bytes` at `offset` of a record.
pub(crate) fn put<const N: usize>(record: &mut [u8], offset: usize, bytes: [u8; N]) {
    record[offset..offset + N].copy_from_slice(&bytes);
}

/// Takes the bytes at `offset` of a record.
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
    /// A standard stream or a socket: of a kind, and nothing else is the guest's to know.
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

/// `dirent`, which the name follows.
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
    pub(crate) about: About,
}

/// What a subscription waits for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum About {
    Clock { id: u32, timeout: u64, absolute: bool },
    FdRead(u32),
    FdWrite(u32),
}

impl Subscription {
    /// EINVAL for an unknown kind or flag. The precision is a hint, and not needed.
    pub(crate) fn read(record: &[u8; 48]) -> Result<Subscription> {
        let [tag] = get(record, 8);
        let first = u32::from_le_bytes(get(record, 16));
        let about = match tag {
            0 => {
                let flags = known_flags(u32::from(u16::from_le_bytes(get(record, 40))), 1)?;
                About::Clock { id: first, timeout: u64::from_le_bytes(get(record, 24)), absolute: flags == 1 }
            }
            1 => About::FdRead(first),
            2 => About::FdWrite(first),
            _ => return Err(Errno::INVAL.into()),
        };
        Ok(Subscription { userdata: u64::from_le_bytes(get(record, 0)), about })
    }

    pub(crate) fn eventtype(&self) -> Eventtype {
        match self.about {
            About::Clock { .. } => Eventtype::Clock,
            About::FdRead(_) => Eventtype::FdRead,
            About::FdWrite(_) => Eventtype::FdWrite,
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
