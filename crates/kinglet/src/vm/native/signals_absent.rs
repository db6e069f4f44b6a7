//! Where faults are not turned into traps: native code tests for them.

use kinglet_abi::{FuncCell, Trap};

use super::registry::Published;
use crate::vm::MemoryInstance;

pub(super) fn install() -> bool {
    false
}

pub(super) fn prepare_thread() {}

/// What a handler would ask.
const _: fn(&Published, usize) -> Option<(Trap, *const FuncCell)> = Published::trap;
const _: fn(&MemoryInstance, usize) -> bool = MemoryInstance::reserves;
