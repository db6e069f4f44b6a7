//! The WebAssembly language, apart from any way of executing it: types, the op table, decoding and validation, the pure
//! semantics of every operation, and the one walk over a function body that all tiers share.

#![forbid(unsafe_code)]

pub mod op;
pub mod sem;
mod trap;
mod value;

pub use trap::Trap;
pub use value::V128;
