//! The native tier. It compiles function bodies with Cranelift, and the trampolines through which tiers, host and
//! runtime call each other.
//!
//! Its files correspond to those of the interpreter. It is the only crate that depends on Cranelift. It returns plain
//! data ([`kinglet_abi::CodeImage`]) and never runs the code. The engine publishes code and walks frames.
//!
//! A function that contains an operation without a native lowering is not compiled, and stays interpreted.

#![forbid(unsafe_code)]

mod alignment;
mod compile;
mod convention;
mod cost;
mod emit;
mod listing;
mod module;
mod sites;
mod target;
mod trampoline;

pub use compile::{CalleeAddress, CompileEnvironment, CompileError, Compiler, OsrImage};
pub use convention::NativeSignature;
pub use cost::CompileLimits;
pub use listing::{NativeInstruction, NativeListing, NativeSourceMap};
pub use module::{ModuleImage, defined_functions};
pub use target::{Processor, TARGETS, features, full_triple};
pub use trampoline::{HostLayout, Trampoline};

/// Identifies everything that determines generated code and its runtime contract: the sources of the crates involved
/// and Cranelift's version. Code from another build must not run.
pub const BUILD_ID: &str = match std::str::from_utf8(&BUILD_ID_BYTES) {
    Ok(id) => id,
    Err(_) => panic!("joined UTF-8 strings are valid UTF-8"),
};

const IDS: [&str; 4] = [kinglet_wasm::SOURCE_ID, kinglet_abi::SOURCE_ID, env!("SOURCE_ID"), cranelift_codegen::VERSION];

/// The parts, joined by dashes. The standard library cannot join strings in a constant.
const BUILD_ID_BYTES: [u8; IDS[0].len() + IDS[1].len() + IDS[2].len() + IDS[3].len() + 3] = {
    let mut all = [b'-'; _];
    let (mut at, mut part) = (0, 0);
    while part < IDS.len() {
        let (_, rest) = all.split_at_mut(at);
        let (destination, _) = rest.split_at_mut(IDS[part].len());
        destination.copy_from_slice(IDS[part].as_bytes());
        (at, part) = (at + IDS[part].len() + 1, part + 1);
    }
    all
};
