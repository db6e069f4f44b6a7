//! Backtraces: the guest's calls at a trap, at a host function's error, or on request.

use std::fmt;

use kinglet_wasm::name::demangle;

use crate::{AsContext, Module, Trap, vm};

/// The guest's calls, innermost first. A trap and a host function's error have the backtrace as context:
/// `error.downcast_ref::<WasmBacktrace>()`. A host function can also [capture](WasmBacktrace::capture) one.
///
/// ```
/// use kinglet::{Engine, Instance, Module, Store, Trap, WasmBacktrace};
///
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"(module $calculator
///     (func $divide (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
///     (func (export "run") (result i32) (call $divide (i32.const 1) (i32.const 0))))"#)?;
/// let mut store = Store::new(&engine, ());
/// let instance = Instance::new(&mut store, &module, &[])?;
/// let error = instance.get_typed_func::<(), i32>(&mut store, "run")?.call(&mut store, ()).unwrap_err();
///
/// assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::IntegerDivideByZero));
/// let backtrace = error.downcast_ref::<WasmBacktrace>().unwrap();
/// let names: Vec<_> = backtrace.frames().iter().map(|frame| frame.func_name()).collect();
/// assert_eq!(names, [Some("divide"), Some("run")]);
/// # Ok::<(), kinglet::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct WasmBacktrace {
    /// The trap; none at a host function's error or on request.
    pub(crate) trap: Option<Trap>,
    /// More about the trap, or the message of the host function's error.
    pub(crate) detail: Option<String>,
    pub(crate) frames: Vec<FrameInfo>,
    /// The number of outer frames that are not in the list.
    pub(crate) omitted: usize,
}

impl WasmBacktrace {
    /// Returns the calls of the store's guest. In a host function the first frame is the caller. While no guest runs there
    /// are no frames.
    pub fn capture(store: impl AsContext) -> WasmBacktrace {
        vm::capture_backtrace(&store.as_context().0.core)
    }

    /// Marks an error as one that needs no backtrace, and returns it. A host function that returns it ends the guest
    /// without the cost of a backtrace, which suits errors that are no failure, such as a program's exit. The context that
    /// this adds has the error's message and no frames.
    pub fn omit(error: crate::Error) -> crate::Error {
        let detail = Some(error.to_string());
        error.context(WasmBacktrace { trap: None, detail, frames: Vec::new(), omitted: 0 })
    }

    /// Returns the trap; none at a host function's error, or if the backtrace was captured on request.
    pub fn trap(&self) -> Option<Trap> {
        self.trap
    }

    /// Returns the frames, innermost first. A deep stack is truncated to its innermost frames: see
    /// [`Config::wasm_backtrace_max_frames`](crate::Config::wasm_backtrace_max_frames).
    pub fn frames(&self) -> &[FrameInfo] {
        &self.frames
    }
}

impl fmt::Display for WasmBacktrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.trap, &self.detail) {
            (Some(trap), None) => write!(f, "wasm trap: {trap}")?,
            (Some(trap), Some(detail)) => write!(f, "wasm trap: {trap}: {detail}")?,
            (None, Some(message)) => f.write_str(message)?,
            (None, None) => f.write_str("wasm backtrace:")?,
        }
        for (i, frame) in self.frames.iter().enumerate() {
            write!(f, "\n{i:>5}: {frame}")?;
            // After a deadline nobody should wait for debugging information.
            let symbols = if self.trap == Some(Trap::Interrupted) { Vec::new() } else { frame.symbols() };
            for (i, symbol) in symbols.iter().enumerate() {
                let Some(file) = &symbol.file else { continue };
                write!(f, "\n           at {}", display_name(file))?;
                for number in [symbol.line, symbol.column].into_iter().map_while(|number| number) {
                    write!(f, ":{number}")?;
                }
                // The last location is in the function itself.
                if i + 1 < symbols.len() {
                    let name = symbol.name.as_deref().map_or("a function".into(), display_name);
                    write!(f, " ({name}, inlined)")?;
                }
            }
        }
        if self.omitted > 0 {
            write!(f, "\n       … {} more", self.omitted)?;
        }
        Ok(())
    }
}

/// A frame of a backtrace.
///
/// ```
/// use kinglet::{Engine, Instance, Module, Store, WasmBacktrace};
///
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"(module $shop (func $pay (export "pay") (unreachable)))"#)?;
/// let mut store = Store::new(&engine, ());
/// let pay = Instance::new(&mut store, &module, &[])?.get_typed_func::<(), ()>(&mut store, "pay")?;
/// let error = pay.call(&mut store, ()).unwrap_err();
/// let frame = &error.downcast_ref::<WasmBacktrace>().unwrap().frames()[0];
/// assert_eq!((frame.module_name(), frame.func_name(), frame.func_index()), (Some("shop"), Some("pay"), Some(0)));
/// assert_eq!((frame.instruction(), module.binary()[frame.offset().unwrap() as usize]), (Some("unreachable"), 0));
/// # Ok::<(), kinglet::Error>(())
/// ```
#[derive(Clone)]
pub struct FrameInfo {
    pub(crate) module: Module,
    pub(crate) func_index: Option<u32>,
    pub(crate) offset: Option<u32>,
}

impl FrameInfo {
    /// Returns the function's index in its module; none for a constant expression.
    pub fn func_index(&self) -> Option<u32> {
        self.func_index
    }

    /// Returns the function's name from the name section or an export, mangled if it is there. Formatting a backtrace
    /// demangles the names of Rust functions.
    pub fn func_name(&self) -> Option<&str> {
        self.module.inner().wasm().func_name(self.func_index?)
    }

    /// Returns the module's name from its name section.
    pub fn module_name(&self) -> Option<&str> {
        self.module.name()
    }

    /// Returns the module.
    pub fn module(&self) -> &Module {
        &self.module
    }

    /// Returns the byte offset of the frame's instruction in the module. A function that traps at its entry, because of its
    /// stack or gas, is at its first instruction. Native code omits a store that a later store overwrites unobserved; a
    /// fault is then at the later store.
    pub fn offset(&self) -> Option<u32> {
        self.offset
    }

    /// Returns [`FrameInfo::offset`] under Wasmtime's name.
    pub fn module_offset(&self) -> Option<usize> {
        self.offset.map(|offset| offset as usize)
    }

    /// Returns the byte offset of the frame's instruction from the start of the function's body in the module, its local
    /// declarations included. There is none for a constant expression.
    pub fn func_offset(&self) -> Option<usize> {
        let wasm = self.module.inner().wasm();
        let defined = self.func_index?.checked_sub(wasm.imported_funcs)?;
        self.module_offset()?.checked_sub(wasm.bodies.get(defined as usize)?.start)
    }

    /// Returns the name of the frame's instruction in the text format.
    pub fn instruction(&self) -> Option<&'static str> {
        let (wasm, offset) = (self.module.inner().wasm(), self.offset?);
        let body = wasm.bodies.iter().find(|body| body.contains(&(offset as usize)))?;
        wasm.bytes.part(body.clone()).ok()?;
        kinglet_wasm::outline::instruction_at(&wasm.bytes, offset.into())
    }

    /// Returns the source locations of the frame's instruction: the innermost inlined function first, the function itself
    /// last. There are none without DWARF sections, or if
    /// [`Config::backtrace_details`](crate::Config::backtrace_details) is off.
    pub fn symbols(&self) -> Vec<FrameSymbol> {
        self.offset.map(|offset| self.module.inner().symbols(offset)).unwrap_or_default()
    }
}

/// A source location of a frame: see [`FrameInfo::symbols`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameSymbol {
    pub(crate) name: Option<String>,
    pub(crate) file: Option<String>,
    pub(crate) line: Option<u32>,
    pub(crate) column: Option<u32>,
}

impl FrameSymbol {
    /// Returns the function's name. Names of Rust functions are demangled.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Returns the file's path as the compiler recorded it.
    pub fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    /// Returns the line, counted from 1.
    pub fn line(&self) -> Option<u32> {
        self.line
    }

    /// Returns the column, counted from 1.
    pub fn column(&self) -> Option<u32> {
        self.column
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
            (Some(index), Some(name)) => write!(f, "{} (func[{index}])", display_name(&demangle(name)))?,
        }
        if let Some(offset) = self.offset {
            write!(f, " at {offset:#x}")?;
        }
        if let Some(name) = self.module_name() {
            write!(f, " in {}", display_name(name))?;
        }
        match self.instruction() {
            Some(instruction) => write!(f, ": {instruction}"),
            None => Ok(()),
        }
    }
}

/// Formats a name from a module: control characters are escaped, and a long name is cut.
pub(crate) fn display_name(name: &str) -> String {
    const MOST: usize = 120;
    let mut shown: String = name.chars().take(MOST).flat_map(char::escape_debug).collect();
    if name.chars().nth(MOST).is_some() {
        shown.push('…');
    }
    shown
}
