//! Store-to-load forwarding for C stack frames in linear memory.
//!
//! C compilers keep variables at constant offsets from a local that holds the stack pointer. Unoptimized programs load
//! them repeatedly. A value stored to or loaded from such an address is also kept in a scratch slot of the frame, and
//! replaces the next load.
//!
//! Invariants:
//! - An entry is valid on every path to the current position. Labels, calls and stores to other addresses invalidate
//!   all entries.
//! - A scratch slot is written only while no operand on the walk's stack uses it.
//! - The memory is not shared, so no other thread writes to it.

use kinglet_wasm::emit::{Frame, Slot};
use kinglet_wasm::op::{Load, Store};

use super::ValueLocation;

/// A known value in the C stack frame.
#[derive(Clone, Copy, Debug)]
struct KnownValue {
    offset: u32,
    /// The load that would yield the value.
    op: Load,
    /// A scratch slot or a constant.
    value: ValueLocation,
}

#[derive(Debug, Default)]
pub(super) struct Forwarding {
    /// The local that holds the stack pointer.
    base: Option<Slot>,
    entries: Vec<KnownValue>,
    first_scratch: Slot,
    /// The number of operands that may use each scratch slot.
    uses: Vec<u32>,
    /// Pairs of an operand's canonical slot and the scratch slot that it uses, sorted.
    operands: Vec<(Slot, Slot)>,
    /// The scratch slot to try next.
    next: usize,
}

impl Forwarding {
    pub(super) fn new(frame: &Frame) -> Forwarding {
        let uses = vec![0; (frame.operands - frame.scratch) as usize];
        Forwarding { first_scratch: frame.scratch, uses, ..Forwarding::default() }
    }

    /// Records that this local now holds the stack pointer.
    pub(super) fn set_frame_base(&mut self, local: Slot) {
        if !self.uses.is_empty() {
            self.base = Some(local);
            self.entries.clear();
        }
    }

    /// Records that this local changes.
    pub(super) fn local_changed(&mut self, local: Slot) {
        if self.base == Some(local) {
            self.base = None;
            self.entries.clear();
        }
    }

    /// Returns whether an address is the stack pointer.
    pub(super) fn is_frame_base(&self, addr: ValueLocation) -> bool {
        self.base.is_some_and(|base| addr == ValueLocation::Slot(base))
    }

    /// Returns whether a slot is a scratch slot.
    pub(super) fn is_scratch(&self, slot: Slot) -> bool {
        slot.checked_sub(self.first_scratch).is_some_and(|index| (index as usize) < self.uses.len())
    }

    /// Discards all knowledge of memory.
    pub(super) fn invalidate_all(&mut self) {
        self.entries.clear();
    }

    /// Releases the scratch slots of operands at this canonical slot and above, which are no longer on the stack.
    fn release_operands(&mut self, height: Slot) {
        while let Some((_, scratch)) = self.operands.pop_if(|(at, _)| *at >= height) {
            self.uses[(scratch - self.first_scratch) as usize] -= 1;
        }
    }

    /// Records that the operand with canonical slot `to` uses this scratch slot.
    pub(super) fn use_scratch(&mut self, to: Slot, scratch: Slot) {
        self.release_operands(to);
        self.operands.push((to, scratch));
        self.uses[(scratch - self.first_scratch) as usize] += 1;
    }

    /// Returns the value of a load if it is known. The operand with canonical slot `to` uses it.
    pub(super) fn forward_load(&mut self, op: Load, offset: u32, to: Slot) -> Option<ValueLocation> {
        let entry = self.entries.iter().find(|entry| entry.offset == offset && entry.op == op)?;
        let value = entry.value;
        if let ValueLocation::Slot(scratch) = value {
            self.use_scratch(to, scratch);
        }
        Some(value)
    }

    /// Allocates a scratch slot for another value. No operand at canonical slot `height` or above is on the stack.
    pub(super) fn allocate_scratch(&mut self, height: Slot) -> Option<Slot> {
        self.release_operands(height);
        for _ in 0..self.uses.len() {
            let index = self.next;
            self.next = (index + 1) % self.uses.len();
            if self.uses[index] == 0 {
                let slot = self.first_scratch + index as Slot;
                self.invalidate_slot(slot);
                return Some(slot);
            }
        }
        None
    }

    /// Records that a scratch slot no longer holds the value in memory.
    pub(super) fn invalidate_slot(&mut self, slot: Slot) {
        self.entries.retain(|entry| entry.value != ValueLocation::Slot(slot));
    }

    /// Records the result of a load from the C stack frame.
    pub(super) fn record_load(&mut self, op: Load, offset: u32, value: ValueLocation) {
        self.entries.push(KnownValue { offset, op, value });
    }

    /// Records a store to the C stack frame, with its value if a load of the same bytes would return it.
    pub(super) fn record_store(&mut self, op: Store, offset: u32, value: Option<ValueLocation>) {
        let end = |offset: u32, bytes: u32| u64::from(offset) + u64::from(bytes);
        let stored = end(offset, op.bytes());
        self.entries.retain(|e| end(e.offset, e.op.bytes()) <= offset.into() || stored <= e.offset.into());
        if let (Some(value), Some(op)) = (value, load_of(op))
            && self.entries.len() < 2 * self.uses.len()
        {
            self.entries.push(KnownValue { offset, op, value });
        }
    }
}

/// Returns the load that yields the value of a store.
fn load_of(op: Store) -> Option<Load> {
    match op {
        Store::I32Store => Some(Load::I32Load),
        Store::I64Store => Some(Load::I64Load),
        Store::F32Store => Some(Load::F32Load),
        Store::F64Store => Some(Load::F64Load),
        _ => None,
    }
}

/// Returns whether a load yields exactly the value that a store of its type wrote.
pub(super) fn is_full_width(op: Load) -> bool {
    matches!(op, Load::I32Load | Load::I64Load | Load::F32Load | Load::F64Load)
}
