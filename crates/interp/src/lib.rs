//! The interpreter: lowers a function on its first call to register bytecode, and runs that with threaded handlers on
//! a stack of its own, so that guest recursion never eats the host's. Mirror image of the native tier; knows nothing of
//! stores beyond the contract in `kinglet-abi`.

pub mod access;
pub mod code;
mod emit;
mod exec;
pub mod frame;
pub mod stats;

pub use code::{Body, ModuleCode, Sources};
pub use emit::listing;
pub use exec::{DISPATCH, array_stub, call};
