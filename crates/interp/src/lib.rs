//! The interpreter. It lowers a function to register bytecode on the first call, and executes the bytecode with
//! threaded dispatch.
//!
//! The interpreter has its own stack, so guest recursion does not use the host's stack. Its files correspond to those
//! of the native tier. It accesses a store only through the contract in `kinglet-abi`.

pub mod access;
pub mod code;
mod emit;
mod exec;
pub mod frame;
pub mod stats;

pub use code::{BytecodeSourceMap, LazyBody, ModuleCode};
pub use emit::listing;
pub use exec::{DISPATCH, array_stub, call};
