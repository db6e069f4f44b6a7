//! The closed list of traps: every way a guest can be stopped by its own doing. One row each; the messages are those
//! the specification's test suite expects. Used by the pure semantics, all tiers, and the embedding API.

macro_rules! traps {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $text:literal;)*) => {
        /// Why a guest was stopped (WebAssembly core specification, "Execution", and the limits of this engine).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        #[non_exhaustive]
        pub enum Trap { $($(#[$doc])* $name = $code),* }

        impl Trap {
            /// Every trap, in the order of its codes.
            pub const ALL: &'static [Trap] = &[$(Trap::$name),*];

            /// The trap of a code, if there is one.
            pub const fn from_code(code: u32) -> Option<Trap> {
                match code { $($code => Some(Trap::$name),)* _ => None }
            }

            /// The message, as the specification's tests spell it where they do.
            pub const fn message(self) -> &'static str {
                match self { $(Trap::$name => $text),* }
            }
        }
    };
}

traps! {
    /// `unreachable` was executed.
    Unreachable = 1, "unreachable";
    /// A load, store or bulk operation outside its memory.
    MemoryOutOfBounds = 2, "out of bounds memory access";
    /// A table access outside its table.
    TableOutOfBounds = 3, "out of bounds table access";
    /// `call_indirect` with an index outside its table.
    UndefinedElement = 4, "undefined element";
    /// `call_indirect` through a null entry.
    UninitializedElement = 5, "uninitialized element";
    /// `call_indirect` found a function of another type.
    IndirectCallTypeMismatch = 6, "indirect call type mismatch";
    /// The quotient of an integer division, or a float's integer value, does not fit.
    IntegerOverflow = 7, "integer overflow";
    /// Integer division or remainder by zero.
    IntegerDivideByZero = 8, "integer divide by zero";
    /// NaN converted to an integer.
    InvalidConversionToInteger = 9, "invalid conversion to integer";
    /// The guest's calls outgrew its stack.
    StackOverflow = 10, "call stack exhausted";
    /// A null reference where a non-null one is needed.
    NullReference = 11, "null reference";
    /// A null function reference was called.
    NullFunctionReference = 12, "null function reference";
    /// `struct.get` or `struct.set` of a null reference.
    NullStructReference = 13, "null structure reference";
    /// An array operation on a null reference.
    NullArrayReference = 14, "null array reference";
    /// `i31.get_s` or `i31.get_u` of a null reference.
    NullI31Reference = 15, "null i31 reference";
    /// `throw_ref` of a null reference.
    NullExceptionReference = 16, "null exception reference";
    /// An array access outside its array.
    ArrayOutOfBounds = 17, "out of bounds array access";
    /// `ref.cast` to a type the object does not have.
    CastFailure = 18, "cast failure";
    /// An exception reached the host uncaught.
    UncaughtException = 19, "uncaught exception";
    /// An atomic operation at an address that is not a multiple of its size.
    UnalignedAtomic = 20, "unaligned atomic";
    /// `memory.atomic.wait` on a memory that is not shared.
    ExpectedSharedMemory = 21, "expected shared memory";
    /// The host asked the guest to stop: a deadline passed, or a handle was used.
    Interrupted = 22, "interrupted";
    /// The store's gas is used up.
    OutOfGas = 23, "all gas consumed";
    /// A garbage-collected object, or other memory the guest caused, is over the store's limit.
    OutOfMemory = 24, "out of memory";
    /// An operation of a proposal that this version does not have yet, reached because its feature was asked for.
    Unsupported = 25, "unsupported operation";
    /// Code that was compiled beforehand trapped, and what says how is damaged where it is kept.
    Damaged = 26, "trapped in a damaged artifact";
}

impl std::fmt::Display for Trap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.message())
    }
}

impl std::error::Error for Trap {}
