//! Why an operation of the host failed: one closed list for all operating systems, numbered as WASI preview 1 numbers it
//! (`errno` in `witx/typenames.witx` of the WASI 0.1 specification).

use std::io;

/// Why something did not happen, with the number it has in WASI preview 1. Every operating system has its own numbers;
/// they are turned into these here and nowhere else.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Errno(pub(crate) u16);

/// One row of the error table.
struct ErrnoRow {
    code: Errno,
    name: &'static str,
    #[cfg(unix)]
    host: rustix::io::Errno,
}

/// Rows are `NAME = code, "name in the specification"`; NAME is also POSIX's name for the same error.
macro_rules! errnos {
    ($($name:ident = $code:literal, $spec:literal;)*) => {
        impl Errno {
            $(pub(crate) const $name: Errno = Errno($code);)*
        }
        const ERRNOS: &[ErrnoRow] = &[$(ErrnoRow {
            code: Errno::$name,
            name: $spec,
            #[cfg(unix)]
            host: rustix::io::Errno::$name,
        }),*];
    };
}

errnos! {
    TOOBIG = 1, "2big";
    ACCESS = 2, "acces";
    ADDRINUSE = 3, "addrinuse";
    ADDRNOTAVAIL = 4, "addrnotavail";
    AFNOSUPPORT = 5, "afnosupport";
    AGAIN = 6, "again";
    ALREADY = 7, "already";
    BADF = 8, "badf";
    BADMSG = 9, "badmsg";
    BUSY = 10, "busy";
    CANCELED = 11, "canceled";
    CHILD = 12, "child";
    CONNABORTED = 13, "connaborted";
    CONNREFUSED = 14, "connrefused";
    CONNRESET = 15, "connreset";
    DEADLK = 16, "deadlk";
    DESTADDRREQ = 17, "destaddrreq";
    DOM = 18, "dom";
    DQUOT = 19, "dquot";
    EXIST = 20, "exist";
    FAULT = 21, "fault";
    FBIG = 22, "fbig";
    HOSTUNREACH = 23, "hostunreach";
    IDRM = 24, "idrm";
    ILSEQ = 25, "ilseq";
    INPROGRESS = 26, "inprogress";
    INTR = 27, "intr";
    INVAL = 28, "inval";
    IO = 29, "io";
    ISCONN = 30, "isconn";
    ISDIR = 31, "isdir";
    LOOP = 32, "loop";
    MFILE = 33, "mfile";
    MLINK = 34, "mlink";
    MSGSIZE = 35, "msgsize";
    MULTIHOP = 36, "multihop";
    NAMETOOLONG = 37, "nametoolong";
    NETDOWN = 38, "netdown";
    NETRESET = 39, "netreset";
    NETUNREACH = 40, "netunreach";
    NFILE = 41, "nfile";
    NOBUFS = 42, "nobufs";
    NODEV = 43, "nodev";
    NOENT = 44, "noent";
    NOEXEC = 45, "noexec";
    NOLCK = 46, "nolck";
    NOLINK = 47, "nolink";
    NOMEM = 48, "nomem";
    NOMSG = 49, "nomsg";
    NOPROTOOPT = 50, "noprotoopt";
    NOSPC = 51, "nospc";
    NOSYS = 52, "nosys";
    NOTCONN = 53, "notconn";
    NOTDIR = 54, "notdir";
    NOTEMPTY = 55, "notempty";
    NOTRECOVERABLE = 56, "notrecoverable";
    NOTSOCK = 57, "notsock";
    NOTSUP = 58, "notsup";
    NOTTY = 59, "notty";
    NXIO = 60, "nxio";
    OVERFLOW = 61, "overflow";
    OWNERDEAD = 62, "ownerdead";
    PERM = 63, "perm";
    PIPE = 64, "pipe";
    PROTO = 65, "proto";
    PROTONOSUPPORT = 66, "protonosupport";
    PROTOTYPE = 67, "prototype";
    RANGE = 68, "range";
    ROFS = 69, "rofs";
    SPIPE = 70, "spipe";
    SRCH = 71, "srch";
    STALE = 72, "stale";
    TIMEDOUT = 73, "timedout";
    TXTBSY = 74, "txtbsy";
    XDEV = 75, "xdev";
}

impl Errno {
    pub(crate) const SUCCESS: Errno = Errno(0);
    /// The descriptor lacks the right; no host knows this error.
    pub(crate) const NOTCAPABLE: Errno = Errno(76);

    /// The name in the specification.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Errno::SUCCESS => "success",
            Errno::NOTCAPABLE => "notcapable",
            _ => ERRNOS.iter().find(|row| row.code == self).map_or("unknown", |row| row.name),
        }
    }
}

impl std::fmt::Display for Errno {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl From<io::Error> for Errno {
    fn from(error: io::Error) -> Errno {
        numbered(&error).unwrap_or_else(|| of_kind(error.kind()))
    }
}

/// By the number the operating system gave.
#[cfg(unix)]
fn numbered(error: &io::Error) -> Option<Errno> {
    let host = rustix::io::Errno::from_io_error(error)?;
    Some(ERRNOS.iter().find(|row| row.host == host).map_or(Errno::IO, |row| row.code))
}

#[cfg(not(unix))]
fn numbered(_: &io::Error) -> Option<Errno> {
    None
}

/// Without a number: the error was made by the capability layer, or the system's numbers are not POSIX's.
fn of_kind(kind: io::ErrorKind) -> Errno {
    KINDS.iter().find(|(known, _)| *known == kind).map_or(Errno::IO, |(_, errno)| *errno)
}

/// A path that leads out is refused by the capability layer as a permission that is missing.
const KINDS: &[(io::ErrorKind, Errno)] = &[
    (io::ErrorKind::PermissionDenied, Errno::PERM),
    (io::ErrorKind::NotFound, Errno::NOENT),
    (io::ErrorKind::InvalidInput, Errno::INVAL),
    (io::ErrorKind::Unsupported, Errno::NOTSUP),
    (io::ErrorKind::AlreadyExists, Errno::EXIST),
    (io::ErrorKind::WouldBlock, Errno::AGAIN),
    (io::ErrorKind::NotADirectory, Errno::NOTDIR),
    (io::ErrorKind::IsADirectory, Errno::ISDIR),
    (io::ErrorKind::DirectoryNotEmpty, Errno::NOTEMPTY),
    (io::ErrorKind::ReadOnlyFilesystem, Errno::ROFS),
    (io::ErrorKind::StorageFull, Errno::NOSPC),
    (io::ErrorKind::CrossesDevices, Errno::XDEV),
    (io::ErrorKind::BrokenPipe, Errno::PIPE),
    (io::ErrorKind::NotConnected, Errno::NOTCONN),
    (io::ErrorKind::ConnectionReset, Errno::CONNRESET),
    (io::ErrorKind::ConnectionAborted, Errno::CONNABORTED),
    (io::ErrorKind::Interrupted, Errno::INTR),
];

impl From<Errno> for io::Error {
    fn from(errno: Errno) -> io::Error {
        #[cfg(unix)]
        if let Some(row) = ERRNOS.iter().find(|row| row.code == errno) {
            return row.host.into();
        }
        let kind = KINDS.iter().find(|(_, known)| *known == errno).map_or(io::ErrorKind::Other, |(kind, _)| *kind);
        io::Error::new(kind, errno.name())
    }
}

#[cfg(unix)]
impl From<rustix::io::Errno> for Errno {
    fn from(errno: rustix::io::Errno) -> Errno {
        io::Error::from(errno).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_table_counts_from_one_without_a_gap() {
        for (index, row) in ERRNOS.iter().enumerate() {
            assert_eq!(usize::from(row.code.0), index + 1, "{}", row.name);
        }
        assert_eq!(usize::from(Errno::NOTCAPABLE.0), ERRNOS.len() + 1);
    }

    #[test]
    fn host_errors_keep_their_names() {
        assert_eq!(Errno::from(io::Error::from_raw_os_error(2)).name(), "noent");
        assert_eq!(Errno::from(io::Error::new(io::ErrorKind::PermissionDenied, "out")), Errno::PERM);
        assert_eq!(io::Error::from(Errno::NOTDIR).kind(), io::ErrorKind::NotADirectory);
        assert_eq!(io::Error::from(Errno::NOTCAPABLE).to_string(), "notcapable");
    }

    #[test]
    fn kinds_mean_the_same_in_both_directions() {
        for (kind, errno) in KINDS {
            assert_eq!(of_kind(*kind), *errno);
            let back = io::Error::from(*errno).kind();
            assert!(back == *kind || *errno == Errno::PERM, "{kind:?} became {back:?}");
        }
    }
}
