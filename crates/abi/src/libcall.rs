//! The libcalls: runtime functions that code calls.
//!
//! Each has one row here. All have the same type, so a tier needs one way to call them. Code passes operands in an
//! array of slots; the result replaces the first slot.

use crate::VmCtx;

/// A libcall. Takes the calling instance, the operand slots and two immediates. Returns 0 or the code of a trap.
///
/// A libcall may move memories and collect garbage. The caller reloads cached values, and its frame must be walkable. A
/// libcall never unwinds.
///
/// # Safety
/// The instance and its store are live, and nothing borrows the store, because guest code has called out. The array has
/// as many slots as the libcall's row says, and the immediates are valid for the instance's module.
pub type LibcallFn = unsafe extern "C" fn(*mut VmCtx, *mut u64, u32, u32) -> u32;

macro_rules! libcalls {
    ($($(#[$doc:meta])* $name:ident $text:literal;)*) => {
        /// The libcalls, in the order of [`Libcalls`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u32)]
        pub enum Libcall { $($(#[$doc])* $name),* }

        impl Libcall {
            /// All libcalls.
            pub const ALL: &'static [Libcall] = &[$(Libcall::$name),*];

            /// Returns the libcall's name in listings.
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
    /// Actual and expected canonical type; `-> [1 if the actual type is a subtype, else 0]`.
    IsSubtype "is_subtype";
    /// Type index in the module; `[fields] -> [reference]`.
    StructNew "struct.new";
    /// Type index and field; `[reference] -> [value]`.
    StructGet "struct.get";
    /// Type index and field; `[reference, value]`.
    StructSet "struct.set";
    /// Tag; `[arguments]`: sets the pending exception.
    Throw "throw";
    /// 1 if the interpreter's newest frame is at a back-edge, 0 if at a function entry; `-> [address]`: the OSR entry
    /// point of that loop, or 0. Takes a sample for tier-up.
    Sample "sample";
    /// Trap code: records the trap with a backtrace while every frame still exists.
    Raise "raise";
    /// The pending exception leaves the innermost activation. If no frame up to the last call from the host catches it,
    /// the libcall records a trap. It captures the backtrace while every frame still exists.
    Uncaught "uncaught";
    /// Encoded location of a table, without its lowest bits; `[index] -> [reference]`: initializes an element of a
    /// lazily initialized table.
    LazyElement "lazy_element";
    /// Allocates the interpreter's stack for a store that has none.
    GuestStack "guest_stack";
}

/// The table through which a store's code makes libcalls.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Libcalls {
    /// The functions, indexed by [`Libcall`].
    pub functions: [LibcallFn; Libcall::ALL.len()],
}

impl Libcalls {
    /// Returns a libcall's function.
    pub const fn get(&self, libcall: Libcall) -> LibcallFn {
        self.functions[libcall as usize]
    }
}
