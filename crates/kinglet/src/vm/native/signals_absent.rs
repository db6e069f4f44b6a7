//! Platforms without signal handling: native code checks for traps explicitly.

use kinglet_abi::{FuncCell, Trap};

use super::registry::PublishedCode;
use crate::vm::MemoryInstance;

pub(super) fn install() -> bool {
    false
}

pub(super) fn prepare_thread() {}

/// Only the signal handler calls these.
const _: fn(&PublishedCode, usize) -> Option<(Trap, *const FuncCell)> = PublishedCode::trap;
const _: fn(&MemoryInstance, usize) -> bool = MemoryInstance::contains;
