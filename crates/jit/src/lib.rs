//! The native tier: makes machine code of function bodies with Cranelift, and the small pieces of machine code by which
//! tiers and host call one another. Mirror image of the interpreter; the only crate that names Cranelift. It returns
//! plain data ([`kinglet_abi::CodeImage`]) and never runs what it makes: publishing and walking frames is the engine's.
//!
//! A seed: a function with an operation that has no lowering yet is refused and stays interpreted.

#![forbid(unsafe_code)]

mod compile;
mod convention;
mod cost;
mod emit;
mod listing;
mod module;
mod place;
mod sites;
mod target;
mod trampoline;

pub use compile::{Compiler, Environment, Error, LoopImage, Neighbour};
pub use convention::Signature;
pub use cost::Limits;
pub use listing::{Instruction, Listing, Sources};
pub use module::{ModuleImage, all};
pub use target::{Processor, TARGETS, features, full_triple};
pub use trampoline::{HostLayout, Trampoline};

/// Stands for everything that decides what code is made and what it expects of its runtime: the sources of the crates
/// that make it, and Cranelift's version. Code of another build must not be run.
pub const BUILD_ID: &str = match std::str::from_utf8(&BUILD_ID_BYTES) {
    Ok(id) => id,
    Err(_) => panic!("a join of texts is a text"),
};

const IDS: [&str; 4] = [kinglet_wasm::SOURCE_ID, kinglet_abi::SOURCE_ID, env!("SOURCE_ID"), cranelift_codegen::VERSION];

/// The parts with a dash between them. The standard library joins texts only when a program runs.
const BUILD_ID_BYTES: [u8; IDS[0].len() + IDS[1].len() + IDS[2].len() + IDS[3].len() + 3] = {
    let mut all = [b'-'; _];
    let (mut at, mut part) = (0, 0);
    while part < IDS.len() {
        let (_, rest) = all.split_at_mut(at);
        let (place, _) = rest.split_at_mut(IDS[part].len());
        place.copy_from_slice(IDS[part].as_bytes());
        (at, part) = (at + IDS[part].len() + 1, part + 1);
    }
    all
};
