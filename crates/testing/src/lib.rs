//! Test harnesses of Kinglet: the runner for the specification's `.wast` scripts and the helper for golden files. They use
//! the public API only. The workspace's tests and the command `kinglet wast` use them.

#![forbid(unsafe_code)]

pub mod snapshot;
pub mod wast;
