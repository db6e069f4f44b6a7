//! WASI preview 1 for Kinglet: what a guest can see of files, clocks, random bytes and standard streams. Build a
//! [`WasiCtx`] that says what that is, put it in the data of a store, and [`add_to_linker`]. A context shows nothing
//! that was not given to it.

#![forbid(unsafe_code)]

mod ctx;
mod host;
mod p1;

#[cfg(test)]
mod tests;

pub use ctx::{WasiCtx, WasiCtxBuilder};
pub use host::fs::DirAccess;
pub use host::stdio::{Pipe, Stdio};
pub use p1::{Exit, FUNCTIONS, add_to_linker};
