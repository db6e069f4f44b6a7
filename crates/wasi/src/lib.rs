//! WASI preview 1 for Kinglet: files, clocks, random bytes, standard streams and sockets.
//!
//! Build a [`WasiCtx`], put it in the data of a store, and call [`add_to_linker`]. By default, a guest has no files,
//! sockets, arguments or environment variables, and its standard streams are empty. The [`WasiCtxBuilder`] adds arguments,
//! variables, streams ([`Stdio`], [`Pipe`]), directories of the host or in memory ([`MemoryDir`]), and open sockets
//! ([`Socket`]).
//!
//! ```
//! use kinglet::{Engine, Linker, Module, Store};
//! use kinglet_wasi::{FsPerms, I32Exit, MemoryDir, Pipe, WasiCtx};
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
//! builder.arg("tour").stdout(out.clone()).preopened_memory(&data, ".", FsPerms::ReadOnly);
//! let mut store = Store::new(&engine, builder.build()?);
//! let instance = linker.instantiate(&mut store, &module)?;
//! let start = instance.get_typed_func::<(), ()>(&mut store, "_start")?;
//! match start.call(&mut store, ()) {
//!     Err(error) if error.is::<I32Exit>() => println!("{error}"),
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
mod exit;
mod host;
pub mod p0;
pub mod p1;

#[cfg(test)]
mod tests;

pub use ctx::{WasiCtx, WasiCtxBuilder};
pub use exit::I32Exit;
pub use host::fs::FsPerms;
pub use host::fs::memory::MemoryDir;
pub use host::net::Socket;
pub use host::stdio::{Pipe, Stdio};
#[doc(inline)]
pub use p0::{SNAPSHOT_0, add_to_linker_sync as add_snapshot_0_to_linker};
#[doc(inline)]
pub use p1::{FUNCTIONS, add_to_linker_sync as add_to_linker};

/// Support for the messages of the command `kinglet`, which must not block either. Not part of the stable API.
#[doc(hidden)]
pub mod message {
    pub use crate::host::transfer::{PIPE_BUF, reopen_terminal};
}
