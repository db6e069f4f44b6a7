//! The WebAssembly language, independent of any execution tier: types, the op table, decoding and validation, the pure
//! semantics of every operation, and the walk over a function body that all tiers share.

#![forbid(unsafe_code)]

/// A hash of this crate's sources. Code that other sources produced must not be loaded.
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
