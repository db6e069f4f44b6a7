//! The WebAssembly language, apart from any way of executing it: types, the op table, decoding and validation, the pure
//! semantics of every operation, and the one walk over a function body that all tiers share.

#![forbid(unsafe_code)]

/// Stands for the sources of this crate: code that other sources made may mean something else.
pub const SOURCE_ID: &str = env!("SOURCE_ID");

pub mod decode;
pub mod emit;
mod error;
mod feature;
pub mod initial;
pub mod limits;
pub mod module;
pub mod name;
pub mod needs;
pub mod op;
pub mod outline;
pub mod sem;
mod trap;
pub mod types;
mod value;
pub mod walk;

pub use error::{Error, ErrorKind, Result};
pub use feature::{FEATURES, Feature, FeatureRow, Features, Standard};
pub use module::Module;
pub use trap::Trap;
pub use value::V128;
