//! The contract between code and runtime: layouts, libcalls, traps and settings on which compiled code, bytecode and
//! the engine agree.
//!
//! This crate has plain layouts and numbers only. The `access` module of `kinglet-interp` and the `vm` module of the
//! engine turn them into pointers.

#![forbid(unsafe_code)]

/// Identifies the sources of this crate. Code from other sources may expect a different contract.
pub const SOURCE_ID: &str = env!("SOURCE_ID");

pub mod image;
pub mod layout;
pub mod libcall;
pub mod settings;

pub use image::CodeImage;
pub use kinglet_wasm::Trap;
pub use layout::*;
pub use libcall::{Libcall, LibcallFn, Libcalls};
pub use settings::{MemoryPlan, Optimization, Reservation, Settings, TrapDetection};
