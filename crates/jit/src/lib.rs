//! The native tier: makes machine code of function bodies with Cranelift, and the small pieces of machine code by which
//! tiers and host call one another. Mirror image of the interpreter; the only crate that names Cranelift. It returns
//! plain data ([`kinglet_abi::CodeImage`]) and never runs what it makes: publishing and walking frames is the engine's.
//!
//! A seed: a function with an operation that has no lowering yet is refused and stays interpreted.

#![forbid(unsafe_code)]

mod compile;
mod convention;
mod emit;
mod listing;
mod module;
mod target;
mod trampoline;

pub use compile::{Compiler, Environment, Error};
pub use convention::Signature;
pub use listing::{Instruction, Listing};
pub use module::ModuleImage;
pub use target::{Processor, TARGETS, features};
pub use trampoline::Trampoline;

/// Stands for everything that decides what code is made and what it expects of its runtime: the sources of the crates
/// that make it, and Cranelift's version. Code of another build must not be run.
pub fn build_id() -> String {
    let ours = [kinglet_wasm::SOURCE_ID, kinglet_abi::SOURCE_ID, env!("SOURCE_ID")];
    format!("{}-{}", ours.join("-"), cranelift_codegen::VERSION)
}
