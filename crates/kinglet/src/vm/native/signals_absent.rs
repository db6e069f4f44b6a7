//! Where faults are not turned into traps: native code tests for them.

use kinglet_abi::{FuncCell, Trap};

use super::registry::Registry;
use crate::vm::MemoryInstance;

pub(super) fn install() -> bool {
    false
}

/// What a handler would ask.
const _: fn(&Registry, usize) -> Option<(Trap, *const FuncCell)> = Registry::trap_at;
const _: fn(&MemoryInstance, usize) -> bool = MemoryInstance::reserves;
