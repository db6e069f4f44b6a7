//! The error type of decoding, validation and the text format. An error has a message and, if known, a byte offset and
//! a function index. Errors in the text format show the offending line.

use std::fmt;

/// The category of an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The binary or text is malformed.
    Malformed,
    /// The module is well-formed but fails validation.
    Invalid,
    /// The module exceeds a limit of this implementation.
    Limit,
}

/// The reason why a module was rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    offset: Option<u64>,
    function: Option<u32>,
}

/// The result type of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>, offset: Option<u64>) -> Error {
        Error { kind, message: message.into(), offset, function: None }
    }

    pub(crate) fn in_function(mut self, function: u32) -> Error {
        self.function = Some(function);
        self
    }

    /// Creates the error for a state that validation excludes. It ends one guest, not the process.
    pub fn impossible(what: &str) -> Error {
        Error::new(ErrorKind::Limit, format!("internal inconsistency: {what}"), None)
    }

    /// Creates the error for bytes of a validated module that have changed since.
    pub(crate) fn damaged() -> Error {
        let message = "the artifact is damaged: its checksum does not match; compile the module again";
        Error::new(ErrorKind::Malformed, message, None)
    }

    /// Creates the error for a function that exceeds a limit of this implementation.
    pub fn limit(what: &str) -> Error {
        Error::new(ErrorKind::Limit, what, None)
    }

    /// Returns the error's category.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Returns the message, without offset and function.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns the byte offset of the error in the module, if known.
    pub fn offset(&self) -> Option<u64> {
        self.offset
    }

    /// Returns the index of the function whose body has the error, if any.
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
            ErrorKind::Limit => f.write_str("implementation limit exceeded: ")?,
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
