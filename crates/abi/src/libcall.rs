//! The functions of the runtime that code calls: one row each, all of one shape, so that a tier needs one way to call
//! them. Operands are handed over in an array of slots; a result replaces the first.

use crate::VmCtx;

/// A libcall: the calling instance, operands and result, two immediates. Returns 0, or the code of a trap.
///
/// It may move memories and collect garbage: the caller reloads what it cached, and its frame can be walked. It never
/// unwinds.
///
/// # Safety
/// The instance is live, and so is its store, which nothing borrows: guest code has called out. There are as many slots as
/// the libcall's row says, and the immediates are of the instance's module.
pub type LibcallFn = unsafe extern "C" fn(*mut VmCtx, *mut u64, u32, u32) -> u32;

macro_rules! libcalls {
    ($($(#[$doc:meta])* $name:ident $text:literal;)*) => {
        /// The libcalls, in the order of [`Libcalls`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u32)]
        pub enum Libcall { $($(#[$doc])* $name),* }

        impl Libcall {
            /// Every libcall.
            pub const ALL: &'static [Libcall] = &[$(Libcall::$name),*];

            /// Its name in snapshots.
            pub const fn text(self) -> &'static str {
                match self { $(Libcall::$name => $text),* }
            }
        }
    };
}

libcalls! {
    /// Memory index; `[delta] -> [old size or -1]`.
    MemoryGrow "memory.grow";
    /// Memory index; `[destination, value, length]`.
    MemoryFill "memory.fill";
    /// Destination and source memory; `[destination, source, length]`.
    MemoryCopy "memory.copy";
    /// Memory and data segment; `[destination, source, length]`.
    MemoryInit "memory.init";
    /// Data segment.
    DataDrop "data.drop";
    /// Table; `[init, delta] -> [old size or -1]`.
    TableGrow "table.grow";
    /// Table; `[start, value, length]`.
    TableFill "table.fill";
    /// Destination and source table; `[destination, source, length]`.
    TableCopy "table.copy";
    /// Table and element segment; `[destination, source, length]`.
    TableInit "table.init";
    /// Element segment.
    ElemDrop "elem.drop";
    /// Table; `[index] -> [reference]`.
    TableGet "table.get";
    /// Table; `[index, reference]`.
    TableSet "table.set";
    /// Function; `-> [reference]`.
    RefFunc "ref.func";
    /// Actual and expected canonical type; `-> [whether the first is a subtype]`.
    IsSubtype "is_subtype";
    /// Type index in the module; `[fields] -> [reference]`.
    StructNew "struct.new";
    /// Type index and field; `[reference] -> [value]`.
    StructGet "struct.get";
    /// Type index and field; `[reference, value]`.
    StructSet "struct.set";
    /// Tag; `[arguments]`: makes the exception pending.
    Throw "throw";
    /// Whether the newest frame of the interpreter is about to enter a loop again, rather than to begin;
    /// `-> [address]`: native code for that loop, or 0. Notes what is running, by which the engine knows what is hot.
    Sample "sample";
    /// Trap code; notes the trap with a backtrace taken now, while every frame is still there.
    Raise "raise";
    /// The pending exception leaves the innermost activation. Unless a frame farther out catches it, up to where the host
    /// called in, notes it as a trap with a backtrace taken now, while every frame is still there.
    Uncaught "uncaught";
    /// Place of a table without its lowest bits, as the interpreter's code has it; `[index] -> [reference]`: of an element
    /// that is null, but may only not be there yet.
    LazyElement "lazy_element";
    /// Makes the interpreter's stack of a store that has none yet.
    GuestStack "guest_stack";
}

/// The table of libcalls that a store hands to its code.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Libcalls {
    /// By [`Libcall`].
    pub functions: [LibcallFn; Libcall::ALL.len()],
}

impl Libcalls {
    /// The function of a libcall.
    pub const fn get(&self, libcall: Libcall) -> LibcallFn {
        self.functions[libcall as usize]
    }
}
