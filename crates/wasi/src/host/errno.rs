//! Error numbers: the closed list of WASI preview 1 (`errno` in `witx/typenames.witx` of the WASI 0.1 specification).
//! The errors of every operating system are converted to it.

use std::io;

/// An error number of WASI preview 1. Operating systems use other numbers, and only this module converts between them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Errno(pub(crate) u16);

/// One row of the error table.
struct ErrnoRow {
    code: Errno,
    name: &'static str,
    #[cfg(unix)]
    host: rustix::io::Errno,
}

/// Rows are `NAME = code, "name in the specification"`. `NAME` is the error's POSIX name without the `E`.
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
    /// The descriptor lacks the right. Hosts have no equivalent of this error.
    pub(crate) const NOTCAPABLE: Errno = Errno(76);

    /// Returns the name in the specification.
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
        from_os_error(&error).unwrap_or_else(|| from_kind(error.kind()))
    }
}

/// Converts the operating system's error number, if `error` has one.
#[cfg(unix)]
fn from_os_error(error: &io::Error) -> Option<Errno> {
    let host = rustix::io::Errno::from_io_error(error)?;
    Some(ERRNOS.iter().find(|row| row.host == host).map_or(Errno::IO, |row| row.code))
}

#[cfg(not(unix))]
fn from_os_error(_: &io::Error) -> Option<Errno> {
    None
}

/// Converts an error without an operating system's number: cap-std created it, or the host does not use POSIX numbers.
fn from_kind(kind: io::ErrorKind) -> Errno {
    KINDS.iter().find(|(known, _)| *known == kind).map_or(Errno::IO, |(_, errno)| *errno)
}

/// The error kinds of the standard library. cap-std reports a path that leaves its directory as `PermissionDenied`.
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
    fn error_numbers_start_at_one_and_have_no_gaps() {
        for (index, row) in ERRNOS.iter().enumerate() {
            assert_eq!(usize::from(row.code.0), index + 1, "{}", row.name);
        }
        assert_eq!(usize::from(Errno::NOTCAPABLE.0), ERRNOS.len() + 1);
    }

    #[test]
    fn host_errors_map_to_the_errno_of_the_same_name() {
        assert_eq!(Errno::from(io::Error::from_raw_os_error(2)).name(), "noent");
        assert_eq!(Errno::from(io::Error::new(io::ErrorKind::PermissionDenied, "out")), Errno::PERM);
        assert_eq!(io::Error::from(Errno::NOTDIR).kind(), io::ErrorKind::NotADirectory);
        assert_eq!(io::Error::from(Errno::NOTCAPABLE).to_string(), "notcapable");
    }

    #[test]
    fn error_kinds_convert_to_errno_and_back() {
        for (kind, errno) in KINDS {
            assert_eq!(from_kind(*kind), *errno);
            let back = io::Error::from(*errno).kind();
            assert!(back == *kind || *errno == Errno::PERM, "{kind:?} became {back:?}");
        }
    }
}
