//! Where a guest was when it trapped.

use std::fmt;

use crate::{Module, Trap};

/// The guest's calls when it trapped, innermost first. An error of a call that trapped has it as context:
/// `error.downcast_ref::<WasmBacktrace>()`.
#[derive(Clone, Debug)]
pub struct WasmBacktrace {
    pub(crate) trap: Trap,
    /// What more is known of the trap.
    pub(crate) detail: Option<String>,
    pub(crate) frames: Vec<FrameInfo>,
    /// How many more outer frames there were than are kept.
    pub(crate) omitted: usize,
}

/// The most frames a backtrace keeps, innermost first.
pub(crate) const KEPT_FRAMES: usize = 64;

impl WasmBacktrace {
    /// The trap.
    pub fn trap(&self) -> Trap {
        self.trap
    }

    /// The frames, innermost first; of a very deep stack only the innermost.
    pub fn frames(&self) -> &[FrameInfo] {
        &self.frames
    }
}

impl fmt::Display for WasmBacktrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "wasm trap: {}", self.trap)?;
        if let Some(detail) = &self.detail {
            write!(f, ": {detail}")?;
        }
        for (i, frame) in self.frames.iter().enumerate() {
            write!(f, "\n{i:>5}: {frame}")?;
        }
        if self.omitted > 0 {
            write!(f, "\n       … {} more", self.omitted)?;
        }
        Ok(())
    }
}

/// A frame of a backtrace.
#[derive(Clone)]
pub struct FrameInfo {
    pub(crate) module: Module,
    pub(crate) func_index: Option<u32>,
    pub(crate) offset: Option<u32>,
}

impl FrameInfo {
    /// The function's index in its module; none for a constant expression.
    pub fn func_index(&self) -> Option<u32> {
        self.func_index
    }

    /// The function's name, from the name section or an export.
    pub fn func_name(&self) -> Option<&str> {
        self.module.inner().wasm().func_name(self.func_index?)
    }

    /// The module's name, from the name section.
    pub fn module_name(&self) -> Option<&str> {
        self.module.name()
    }

    /// The module.
    pub fn module(&self) -> &Module {
        &self.module
    }

    /// The byte offset in the module of the instruction it was at.
    pub fn offset(&self) -> Option<u32> {
        self.offset
    }
}

impl fmt::Debug for FrameInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for FrameInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.func_index, self.func_name()) {
            (None, _) => f.write_str("<constant expression>")?,
            (Some(index), None) => write!(f, "func[{index}]")?,
            (Some(index), Some(name)) => write!(f, "{} (func[{index}])", display_name(name))?,
        }
        if let Some(offset) = self.offset {
            write!(f, " at {offset:#x}")?;
        }
        match self.module_name() {
            Some(name) => write!(f, " in {}", display_name(name)),
            None => Ok(()),
        }
    }
}

/// A name from a module, fit to be shown: control characters escaped, and no longer than a line.
pub(crate) fn display_name(name: &str) -> String {
    const MOST: usize = 120;
    let mut shown: String = name.chars().take(MOST).flat_map(char::escape_debug).collect();
    if name.chars().nth(MOST).is_some() {
        shown.push('…');
    }
    shown
}
