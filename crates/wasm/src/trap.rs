//! The list of traps, one row each. The messages are those that the specification's test suite expects. The pure
//! semantics, all tiers and the embedding API use this list.

macro_rules! traps {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $text:literal;)*) => {
        /// The reason why a guest trapped (WebAssembly core specification, "Execution", and the limits of this engine).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        #[non_exhaustive]
        pub enum Trap { $($(#[$doc])* $name = $code),* }

        impl Trap {
            /// Every trap, ordered by code.
            pub const ALL: &'static [Trap] = &[$(Trap::$name),*];

            /// Returns the trap with this code, or `None` if no trap has it.
            pub const fn from_code(code: u32) -> Option<Trap> {
                match code { $($code => Some(Trap::$name),)* _ => None }
            }

            /// Returns the message. It has the spelling of the specification's tests if they name the trap.
            pub const fn message(self) -> &'static str {
                match self { $(Trap::$name => $text),* }
            }
        }
    };
}

traps! {
    /// `unreachable` was executed.
    Unreachable = 1, "unreachable";
    /// A load, store or bulk operation accessed bytes outside its memory.
    MemoryOutOfBounds = 2, "out of bounds memory access";
    /// An operation accessed elements outside its table.
    TableOutOfBounds = 3, "out of bounds table access";
    /// `call_indirect` had an index outside its table.
    UndefinedElement = 4, "undefined element";
    /// `call_indirect` found a null element.
    UninitializedElement = 5, "uninitialized element";
    /// `call_indirect` found a function whose type does not match.
    IndirectCallTypeMismatch = 6, "indirect call type mismatch";
    /// The quotient of an integer division, or the integer value of a float, does not fit its type.
    IntegerOverflow = 7, "integer overflow";
    /// An integer was divided by zero.
    IntegerDivideByZero = 8, "integer divide by zero";
    /// NaN was converted to an integer.
    InvalidConversionToInteger = 9, "invalid conversion to integer";
    /// The guest exhausted its stack.
    StackOverflow = 10, "call stack exhausted";
    /// `ref.as_non_null` had a null operand.
    NullReference = 11, "null reference";
    /// A null function reference was called.
    NullFunctionReference = 12, "null function reference";
    /// `struct.get` or `struct.set` had a null operand.
    NullStructReference = 13, "null structure reference";
    /// An array operation had a null operand.
    NullArrayReference = 14, "null array reference";
    /// `i31.get_s` or `i31.get_u` had a null operand.
    NullI31Reference = 15, "null i31 reference";
    /// `throw_ref` had a null operand.
    NullExceptionReference = 16, "null exception reference";
    /// An operation accessed elements outside its array.
    ArrayOutOfBounds = 17, "out of bounds array access";
    /// The object does not have the target type of `ref.cast`.
    CastFailure = 18, "cast failure";
    /// The guest did not catch an exception.
    UncaughtException = 19, "uncaught exception";
    /// The address of an atomic operation is not a multiple of its access size.
    UnalignedAtomic = 20, "unaligned atomic";
    /// The memory of `memory.atomic.wait` is not shared.
    ExpectedSharedMemory = 21, "expected shared memory";
    /// The host interrupted the guest, for example because a deadline passed.
    Interrupted = 22, "interrupted";
    /// The guest consumed all gas of its store.
    OutOfGas = 23, "all gas consumed";
    /// A GC-managed object or another allocation for the guest would exceed the store's limit.
    OutOfMemory = 24, "out of memory";
    /// The guest reached an operation of an enabled proposal that this version does not implement.
    Unsupported = 25, "unsupported operation";
    /// The guest reached a damaged part of a precompiled artifact.
    Damaged = 26, "trapped in a damaged artifact";
}

impl std::fmt::Display for Trap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.message())
    }
}

impl std::error::Error for Trap {}

macro_rules! wasmtime_names {
    ($($alias:ident = $name:ident;)*) => {
        /// Wasmtime's names of the same traps, for constants and patterns alike.
        #[allow(non_upper_case_globals)]
        impl Trap {
            $(
                #[doc = concat!("Wasmtime's name of [`Trap::", stringify!($name), "`].")]
                pub const $alias: Trap = Trap::$name;
            )*
        }
    };
}

wasmtime_names! {
    UnreachableCodeReached = Unreachable;
    IndirectCallToNull = UninitializedElement;
    BadSignature = IndirectCallTypeMismatch;
    IntegerDivisionByZero = IntegerDivideByZero;
    BadConversionToInteger = InvalidConversionToInteger;
    HeapMisaligned = UnalignedAtomic;
    AtomicWaitNonSharedMemory = ExpectedSharedMemory;
    Interrupt = Interrupted;
    OutOfFuel = OutOfGas;
    AllocationTooLarge = OutOfMemory;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wasmtime_names_work_as_patterns() {
        let is_fuel = |trap: Trap| match trap {
            Trap::OutOfFuel => true,
            Trap::Interrupt | Trap::UnreachableCodeReached => false,
            _ => panic!("another trap"),
        };
        assert!(is_fuel(Trap::OutOfGas) && !is_fuel(Trap::Interrupted) && !is_fuel(Trap::Unreachable));
        assert_eq!(Trap::IntegerDivisionByZero, Trap::IntegerDivideByZero);
        assert_eq!(Trap::BadSignature, Trap::IndirectCallTypeMismatch);
    }
}
