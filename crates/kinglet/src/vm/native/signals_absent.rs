//! Where faults are not turned into traps: native code tests for them.

use kinglet_abi::{Trap, VmStore};

use super::registry::Registry;
use crate::vm::MemoryInstance;

/// Notes nothing.
pub(in crate::vm) fn running(_: *mut VmStore) {}

pub(super) fn install() -> bool {
    false
}

/// What a handler would ask.
const _: fn(&Registry, usize) -> Option<Trap> = Registry::trap_at;
const _: fn(&MemoryInstance, usize) -> bool = MemoryInstance::reserves;
