//! The contract of code and runtime: what compiled code, interpreted code and the engine agree on. Plain layouts and
//! numbers only; turning them into pointers is `kinglet-interp`'s `access` module and the engine's `vm`.

#![forbid(unsafe_code)]

/// Stands for the sources of this crate: code that other sources made may expect another runtime.
pub const SOURCE_ID: &str = env!("SOURCE_ID");

pub mod image;
pub mod layout;
pub mod libcall;
pub mod settings;

pub use image::CodeImage;
pub use kinglet_wasm::Trap;
pub use layout::*;
pub use libcall::{Libcall, LibcallFn, Libcalls};
pub use settings::{MemoryPlan, Optimization, Reservation, Settings, Traps};
