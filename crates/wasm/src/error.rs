//! Why bytes are not a module: one error type for decoding, validation and the text format, saying what, where (byte
//! offset, function) and, for the text format, showing the line.

use std::fmt;

/// What went wrong, coarsely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// Not well-formed binary or text.
    Malformed,
    /// Well-formed, but against the rules of validation.
    Invalid,
    /// Beyond a limit of this implementation.
    Limit,
}

/// A module was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    offset: Option<u64>,
    function: Option<u32>,
}

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>, offset: Option<u64>) -> Error {
        Error { kind, message: message.into(), offset, function: None }
    }

    pub(crate) fn in_function(mut self, function: u32) -> Error {
        self.function = Some(function);
        self
    }

    /// A state that validation excludes was met while walking a body; ends this guest, not the process.
    pub fn impossible(what: &str) -> Error {
        Error::new(ErrorKind::Limit, format!("internal inconsistency: {what}"), None)
    }

    /// A part of a validated module is not what it was then.
    pub(crate) fn damaged() -> Error {
        let message = "the artifact is damaged: it has another checksum than it says; compile the module again";
        Error::new(ErrorKind::Malformed, message, None)
    }

    /// A function is beyond a limit of this implementation.
    pub fn limit(what: &str) -> Error {
        Error::new(ErrorKind::Limit, what, None)
    }

    /// What went wrong, coarsely.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What went wrong, without the place.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The byte offset in the module where it was noticed.
    pub fn offset(&self) -> Option<u64> {
        self.offset
    }

    /// The index of the function in whose body it was noticed.
    pub fn function(&self) -> Option<u32> {
        self.function
    }
}

impl From<wasmparser::Error> for Error {
    fn from(e: wasmparser::Error) -> Error {
        Error::new(ErrorKind::Invalid, e.message(), Some(e.offset()))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            ErrorKind::Malformed => f.write_str("malformed module: ")?,
            ErrorKind::Invalid => f.write_str("invalid module: ")?,
            ErrorKind::Limit => f.write_str("module beyond a limit: ")?,
        }
        f.write_str(&self.message)?;
        match (self.function, self.offset) {
            (Some(func), Some(at)) => write!(f, " (in function {func}, at byte {at:#x})"),
            (None, Some(at)) => write!(f, " (at byte {at:#x})"),
            (Some(func), None) => write!(f, " (in function {func})"),
            (None, None) => Ok(()),
        }
    }
}

impl std::error::Error for Error {}
