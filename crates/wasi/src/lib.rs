//! WASI preview 1 for Kinglet: what a guest can see of files, clocks, random bytes and standard streams. Build a
//! [`WasiCtx`] that says what that is, put it in the data of a store, and [`add_to_linker`]. A context shows nothing
//! that was not given to it: folders of the host or in memory ([`MemoryDir`]), streams ([`Stdio`], [`Pipe`]), sockets that
//! are open already ([`Socket`]), arguments and variables.
//!
//! ```
//! use kinglet::{Engine, Linker, Module, Store};
//! use kinglet_wasi::{DirAccess, Exit, MemoryDir, Pipe, WasiCtx};
//!
//! # fn main() -> kinglet::Result<()> {
//! let engine = Engine::default();
//! let module = Module::new(&engine, r#"(module
//!     (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
//!     (memory (export "memory") 1)
//!     (data (i32.const 0) "\08\00\00\00\06\00\00\00hello\n")
//!     (func (export "_start") (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 20)))))"#)?;
//! let mut linker = Linker::new(&engine);
//! kinglet_wasi::add_to_linker(&mut linker, |ctx: &mut WasiCtx| ctx)?;
//!
//! let (out, data) = (Pipe::new(), MemoryDir::new());
//! let mut builder = WasiCtx::builder();
//! builder.arg("tour").stdout(out.clone()).preopened_memory(&data, ".", DirAccess::ReadOnly);
//! let mut store = Store::new(&engine, builder.build()?);
//! let instance = linker.instantiate(&mut store, &module)?;
//! let start = instance.get_typed_func::<(), ()>(&mut store, "_start")?;
//! match start.call(&mut store, ()) {
//!     Err(error) if error.is::<Exit>() => println!("{error}"),
//!     result => result?,
//! }
//! assert_eq!(out.take(), b"hello\n");
//! # Ok(())
//! # }
//! ```

#![deny(missing_docs)]
#![warn(clippy::missing_errors_doc, clippy::missing_panics_doc)]
#![forbid(unsafe_code)]

mod ctx;
mod host;
mod p0;
mod p1;

#[cfg(test)]
mod tests;

pub use ctx::{WasiCtx, WasiCtxBuilder};
pub use host::fs::DirAccess;
pub use host::fs::memory::MemoryDir;
pub use host::net::Socket;
pub use host::stdio::{Pipe, Stdio};
pub use p0::{SNAPSHOT_0, add_snapshot_0_to_linker};
pub use p1::{Exit, FUNCTIONS, add_to_linker};

/// For the command's own messages, which are to wait as little as a guest's. Not part of the API's promise.
#[doc(hidden)]
pub mod message {
    pub use crate::host::transfer::{PIPE_PIECE, terminal_of_our_own};
}
