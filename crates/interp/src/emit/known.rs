//! What lowering knows of a C stack frame in linear memory. Compilers keep a function's variables there, at constant
//! offsets from a local that holds the stack pointer, and unoptimised programs load them again and again. What was
//! stored to such a place or loaded from it is kept in one of the frame's scratch slots too, and the next load is none.
//!
//! Invariants: an entry says what memory holds there on every way to where lowering is, so a label, a call and any
//! other store end all of them. A scratch slot is written only when no operand on the walk's stack can mean it. The
//! memory is not shared, so nobody else writes to it.

use kinglet_wasm::emit::{Frame, Slot};
use kinglet_wasm::op::{Load, Store};

use super::Value;

/// What a place holds.
#[derive(Clone, Copy, Debug)]
struct Entry {
    offset: u32,
    /// The load that gives the value.
    op: Load,
    /// A scratch slot or a constant.
    value: Value,
}

#[derive(Debug, Default)]
pub(super) struct Known {
    /// The local that holds the stack pointer.
    base: Option<Slot>,
    entries: Vec<Entry>,
    first: Slot,
    /// For every scratch slot, how many operands may mean it.
    uses: Vec<u32>,
    /// Those operands by their own slots, ascending, with the scratch slots.
    operands: Vec<(Slot, Slot)>,
    /// Which scratch slot to try next.
    next: usize,
}

impl Known {
    pub(super) fn new(frame: &Frame) -> Known {
        let uses = vec![0; (frame.operands - frame.scratch) as usize];
        Known { first: frame.scratch, uses, ..Known::default() }
    }

    /// This local now holds the stack pointer.
    pub(super) fn set_base(&mut self, local: Slot) {
        if !self.uses.is_empty() {
            self.base = Some(local);
            self.entries.clear();
        }
    }

    /// This local changes.
    pub(super) fn local_changes(&mut self, local: Slot) {
        if self.base == Some(local) {
            self.base = None;
            self.entries.clear();
        }
    }

    /// Whether an address is the stack pointer.
    pub(super) fn is_base(&self, addr: Value) -> bool {
        self.base.is_some_and(|base| addr == Value::Slot(base))
    }

    /// Whether a slot is a scratch slot.
    pub(super) fn is_scratch(&self, slot: Slot) -> bool {
        slot.checked_sub(self.first).is_some_and(|index| (index as usize) < self.uses.len())
    }

    /// Nothing is known of memory any more.
    pub(super) fn forget_all(&mut self) {
        self.entries.clear();
    }

    /// The walk's stack has no operand with this own slot or a later one.
    fn settle(&mut self, height: Slot) {
        while let Some((_, scratch)) = self.operands.pop_if(|(at, _)| *at >= height) {
            self.uses[(scratch - self.first) as usize] -= 1;
        }
    }

    /// The operand with own slot `to` means this scratch slot.
    pub(super) fn means(&mut self, to: Slot, scratch: Slot) {
        self.settle(to);
        self.operands.push((to, scratch));
        self.uses[(scratch - self.first) as usize] += 1;
    }

    /// What a load would give to the operand with own slot `to`.
    pub(super) fn load(&mut self, op: Load, offset: u32, to: Slot) -> Option<Value> {
        let entry = self.entries.iter().find(|entry| entry.offset == offset && entry.op == op)?;
        let value = entry.value;
        if let Value::Slot(scratch) = value {
            self.means(to, scratch);
        }
        Some(value)
    }

    /// A scratch slot for another value, while the walk's stack has no operand with own slot `height` or a later one.
    pub(super) fn free_slot(&mut self, height: Slot) -> Option<Slot> {
        self.settle(height);
        for _ in 0..self.uses.len() {
            let index = self.next;
            self.next = (index + 1) % self.uses.len();
            if self.uses[index] == 0 {
                let slot = self.first + index as Slot;
                self.drop_slot(slot);
                return Some(slot);
            }
        }
        None
    }

    /// What is in a scratch slot no longer is what memory holds.
    pub(super) fn drop_slot(&mut self, slot: Slot) {
        self.entries.retain(|entry| entry.value != Value::Slot(slot));
    }

    /// A load from the stack frame gave this.
    pub(super) fn loaded(&mut self, op: Load, offset: u32, value: Value) {
        self.entries.push(Entry { offset, op, value });
    }

    /// Bytes of the stack frame were stored to; if a load of the same bytes gives back a known value, this one.
    pub(super) fn stored(&mut self, op: Store, offset: u32, value: Option<Value>) {
        let end = |offset: u32, bytes: u32| u64::from(offset) + u64::from(bytes);
        let stored = end(offset, op.bytes());
        self.entries.retain(|e| end(e.offset, e.op.bytes()) <= offset.into() || stored <= e.offset.into());
        if let (Some(value), Some(op)) = (value, load_of(op))
            && self.entries.len() < 2 * self.uses.len()
        {
            self.entries.push(Entry { offset, op, value });
        }
    }
}

/// The load that gives back what a store stored.
fn load_of(op: Store) -> Option<Load> {
    match op {
        Store::I32Store => Some(Load::I32Load),
        Store::I64Store => Some(Load::I64Load),
        Store::F32Store => Some(Load::F32Load),
        Store::F64Store => Some(Load::F64Load),
        _ => None,
    }
}

/// Whether a load gives just what a store of its type stored.
pub(super) fn is_full_width(op: Load) -> bool {
    matches!(op, Load::I32Load | Load::I64Load | Load::F32Load | Load::F64Load)
}
