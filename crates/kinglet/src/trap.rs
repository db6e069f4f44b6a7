//! Where a guest was when it trapped, or when a host function asked.

use std::fmt;

use kinglet_wasm::name::demangle;

use crate::{AsContext, Module, Trap, vm};

/// The guest's calls when it trapped, innermost first. An error of a call that trapped has it as context:
/// `error.downcast_ref::<WasmBacktrace>()`. A host function can [capture](WasmBacktrace::capture) one too.
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
    /// None if a host function asked for it.
    pub(crate) trap: Option<Trap>,
    /// What more is known of the trap.
    pub(crate) detail: Option<String>,
    pub(crate) frames: Vec<FrameInfo>,
    /// How many more outer frames there were than are kept.
    pub(crate) omitted: usize,
}

/// The most frames a backtrace keeps, innermost first.
pub(crate) const KEPT_FRAMES: usize = 64;

impl WasmBacktrace {
    /// The guest's calls that a store is in. From within a host function it says who called; while nothing runs it is
    /// empty. Together with an error it makes a host function's own error say where the guest was:
    /// `error.context(WasmBacktrace::capture(&caller))`.
    pub fn capture(store: impl AsContext) -> WasmBacktrace {
        vm::capture_backtrace(&store.as_context().0.core)
    }

    /// The trap; none if there was none, and a host function captured the backtrace.
    pub fn trap(&self) -> Option<Trap> {
        self.trap
    }

    /// The frames, innermost first; of a very deep stack only the innermost.
    pub fn frames(&self) -> &[FrameInfo] {
        &self.frames
    }
}

impl fmt::Display for WasmBacktrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.trap {
            Some(trap) => write!(f, "wasm trap: {trap}")?,
            None => f.write_str("wasm backtrace:")?,
        }
        if let Some(detail) = &self.detail {
            write!(f, ": {detail}")?;
        }
        for (i, frame) in self.frames.iter().enumerate() {
            write!(f, "\n{i:>5}: {frame}")?;
            // What a deadline has ended does not wait for debugging information to be read.
            let symbols = if self.trap == Some(Trap::Interrupted) { Vec::new() } else { frame.symbols() };
            for (i, symbol) in symbols.iter().enumerate() {
                let Some(file) = &symbol.file else { continue };
                write!(f, "\n           at {}", display_name(file))?;
                for number in [symbol.line, symbol.column].into_iter().map_while(|number| number) {
                    write!(f, ":{number}")?;
                }
                // The last is the function that the frame is named after.
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
    /// The function's index in its module; none for a constant expression.
    pub fn func_index(&self) -> Option<u32> {
        self.func_index
    }

    /// The function's name, from the name section or an export, as it stands there. Shown, a backtrace has names of Rust's
    /// functions in readable form.
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

    /// The byte offset in the module of the instruction it was at; of the first if it trapped at its entry, where the
    /// stack and gas are looked at. Native code leaves out a store whose bytes a later store overwrites before anything
    /// can see them: a fault is then at the later one.
    pub fn offset(&self) -> Option<u32> {
        self.offset
    }

    /// The instruction it was at, by its name in the text format.
    pub fn instruction(&self) -> Option<&'static str> {
        let (wasm, offset) = (self.module.inner().wasm(), self.offset?);
        let body = wasm.bodies.iter().find(|body| body.contains(&(offset as usize)))?;
        wasm.bytes.part(body.clone()).ok()?;
        kinglet_wasm::outline::instruction_at(&wasm.bytes, offset.into())
    }

    /// Where in its source the instruction comes from, if the module has DWARF sections, and
    /// [`Config::backtrace_details`](crate::Config::backtrace_details) is on: the innermost function first, followed by
    /// those that it was inlined into.
    pub fn symbols(&self) -> Vec<FrameSymbol> {
        self.offset.map(|offset| self.module.inner().symbols(offset)).unwrap_or_default()
    }
}

/// A place in the source that a frame was at: see [`FrameInfo::symbols`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameSymbol {
    pub(crate) name: Option<String>,
    pub(crate) file: Option<String>,
    pub(crate) line: Option<u32>,
    pub(crate) column: Option<u32>,
}

impl FrameSymbol {
    /// The function: one of Rust's in readable form, others as the compiler wrote them.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The file, as the compiler was given it.
    pub fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    /// The line, from 1.
    pub fn line(&self) -> Option<u32> {
        self.line
    }

    /// The column, from 1.
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

/// A name from a module, fit to be shown: control characters escaped, and no longer than a line.
pub(crate) fn display_name(name: &str) -> String {
    const MOST: usize = 120;
    let mut shown: String = name.chars().take(MOST).flat_map(char::escape_debug).collect();
    if name.chars().nth(MOST).is_some() {
        shown.push('…');
    }
    shown
}
