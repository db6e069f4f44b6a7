//! Test harnesses of Kinglet, on its public API alone: the runner for the specification's `.wast` scripts and the helper
//! for golden files. Used by the workspace's own tests and by the command `kinglet wast`.

#![forbid(unsafe_code)]

pub mod snapshot;
pub mod wast;
