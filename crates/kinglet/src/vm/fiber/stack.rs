//! The stacks of resumable calls. A slot holds a guard region, a host stack and an interpreter stack, in this order.
//! Many slots share one mapping, a slab, because the number of mappings of a process is limited (65,530 on Linux).
//! Slots are found by index, so no operation slows down with their number.
//!
//! Invariants:
//! - A slot is in its slab's free list, or exactly one [`FiberStack`] owns it.
//! - While code runs on a host stack, its guard is inaccessible (`StackArea::protect_guard`). All other guards are
//!   accessible, so a slab stays one mapping. An inaccessible guard splits its mapping into three.

use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use corosensei::stack::{Stack, StackPointer};

use crate::vm::address::Address;
use crate::vm::headroom;
use crate::vm::region::{self, Region};
use crate::{Error, Result};

/// The size of the guard below a host stack, in bytes. It is a multiple of every system's page size.
const GUARD: usize = 64 << 10;

/// The maximum number of slots in a slab. A new slab has as many slots as all others together, up to this number.
const MAX_SLOTS: usize = 256;

/// The maximum number of free slots that keep their memory for reuse.
const MAX_WARM_SLOTS: usize = 16;

/// The stacks of an engine, all of one size.
#[derive(Debug, Default)]
pub(crate) struct FiberStacks(Mutex<Slabs>);

#[derive(Debug, Default)]
struct Slabs {
    slabs: Vec<Option<Slab>>,
    /// Indices of freed slabs.
    vacant: Vec<usize>,
    /// Indices of slabs with free slots. The last one is used first.
    available: Vec<usize>,
    /// Slots of all slabs together.
    slots: usize,
    /// Free slots that keep their memory.
    warm: usize,
}

#[derive(Debug)]
struct Slab {
    region: Region,
    slots: usize,
    free: Vec<FreeSlot>,
}

#[derive(Clone, Copy, Debug)]
struct FreeSlot {
    slot: usize,
    /// Whether the slot keeps its memory.
    warm: bool,
}

impl Slab {
    /// Creates a slab of at most this many slots. If the system lacks memory, the slab has fewer slots.
    fn new(mut slots: usize, size: usize) -> Result<Slab> {
        loop {
            let bytes = slots.saturating_mul(size);
            match Region::new(bytes) {
                Ok(_) if !headroom::can_start(bytes) => {
                    return Err(Error::msg("cannot allocate a resumable call's stack: out of memory"));
                }
                Ok(region) => {
                    let free = (0..slots).rev().map(|slot| FreeSlot { slot, warm: false }).collect();
                    return Ok(Slab { region, slots, free });
                }
                Err(_) if slots > 1 => slots /= 2,
                Err(error) => {
                    return Err(Error::msg(format!(
                        "cannot reserve {bytes} bytes for a resumable call's stack: {error}"
                    )));
                }
            }
        }
    }
}

impl FiberStacks {
    fn lock(&self) -> MutexGuard<'_, Slabs> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Allocates a stack. All stacks of an engine have the same two sizes, in bytes.
    ///
    /// # Errors
    /// If the system lacks the memory.
    pub(super) fn allocate(self: &Arc<Self>, host: usize, guest: usize) -> Result<FiberStack> {
        let (host, guest) = (host.next_multiple_of(GUARD), guest.next_multiple_of(GUARD));
        let size = GUARD + host + guest;
        let mut slabs = self.lock();
        let index = match slabs.available.last() {
            Some(index) => *index,
            None => {
                let slab = Slab::new(slabs.slots.clamp(1, MAX_SLOTS), size)?;
                slabs.add(slab)
            }
        };
        let found = slabs.slabs[index].as_mut().and_then(|slab| Some((slab.free.pop()?, slab)));
        let Some((FreeSlot { slot, warm }, slab)) = found else {
            return Err(Error::msg("internal inconsistency: a slab has no free slot"));
        };
        // SAFETY: the slot lies in the slab.
        let start = Address(unsafe { NonNull::new_unchecked(slab.region.start().add(slot * size)) });
        if slab.free.is_empty() {
            slabs.available.pop();
        }
        slabs.warm -= usize::from(warm);
        drop(slabs);
        let area = StackArea { start, host_end: GUARD + host, interpreter_end: size, protected: false };
        Ok(FiberStack { stacks: self.clone(), slab: index, slot, area })
    }

    /// Releases a slot. Its guard is accessible.
    fn release(&self, index: usize, slot: usize, area: StackArea) {
        let warm = {
            let mut slabs = self.lock();
            let warm = slabs.warm < MAX_WARM_SLOTS;
            slabs.warm += usize::from(warm);
            warm
        };
        if !warm {
            area.discard();
        }
        // The slab is dropped after the lock is released.
        let _unused_slab = self.lock().release(index, FreeSlot { slot, warm });
    }
}

impl Slabs {
    fn add(&mut self, slab: Slab) -> usize {
        self.slots += slab.slots;
        let index = self.vacant.pop().unwrap_or_else(|| {
            self.slabs.push(None);
            self.slabs.len() - 1
        });
        self.slabs[index] = Some(slab);
        self.available.push(index);
        index
    }

    /// Releases a slot. Returns its slab if no slot of it is in use and another slab has free slots.
    fn release(&mut self, index: usize, free: FreeSlot) -> Option<Slab> {
        let slab = self.slabs[index].as_mut()?;
        slab.free.push(free);
        if slab.free.len() == 1 {
            self.available.push(index);
        }
        if slab.free.len() < slab.slots || self.available.len() < 2 {
            return None;
        }
        let slab = self.slabs[index].take()?;
        self.available.retain(|one| *one != index);
        self.vacant.push(index);
        self.slots -= slab.slots;
        self.warm -= slab.free.iter().filter(|free| free.warm).count();
        Some(slab)
    }
}

/// A host stack and an interpreter stack, released on drop. Nothing on them belongs to a thread (see `fiber`).
#[derive(Debug)]
pub(super) struct FiberStack {
    stacks: Arc<FiberStacks>,
    slab: usize,
    slot: usize,
    pub(super) area: StackArea,
}

// SAFETY: this stack alone owns the slot, which is larger than a page. The guard is inaccessible while code runs on the
// stack (see `fiber`).
unsafe impl Stack for FiberStack {
    fn base(&self) -> StackPointer {
        self.area.start.0.addr().saturating_add(self.area.host_end)
    }

    fn limit(&self) -> StackPointer {
        self.area.start.0.addr()
    }
}

impl Drop for FiberStack {
    fn drop(&mut self) {
        self.area.unprotect_guard();
        self.stacks.release(self.slab, self.slot, self.area);
    }
}

/// The addresses of a slot's two stacks.
#[derive(Clone, Copy, Debug)]
pub(super) struct StackArea {
    /// The start of the guard.
    start: Address<u8>,
    /// The offset at which the host stack ends and the interpreter stack begins. The host stack grows down towards the
    /// guard.
    host_end: usize,
    /// The offset at which the interpreter stack ends.
    interpreter_end: usize,
    /// Whether the guard is inaccessible.
    protected: bool,
}

impl StackArea {
    /// Returns the end of the host stack.
    pub(super) fn host_end(&self) -> usize {
        self.start.0.addr().get() + self.host_end
    }

    /// Returns the start of the interpreter stack.
    pub(super) fn interpreter_start(&self) -> *mut u64 {
        self.start.as_ptr().wrapping_add(self.host_end).cast()
    }

    /// Returns the end of the interpreter stack.
    pub(super) fn interpreter_end(&self) -> *mut c_void {
        self.start.as_ptr().wrapping_add(self.interpreter_end).cast()
    }

    /// Makes the guard inaccessible. No code may run on the host stack without it. Returns false if the system refuses.
    #[must_use]
    pub(super) fn protect_guard(&mut self) -> bool {
        if !self.protected {
            // SAFETY: this slot owns the guard, which contains no data.
            self.protected = unsafe { region::set_access(self.start.0, GUARD, false) };
        }
        self.protected
    }

    /// Makes the guard of an idle stack accessible. If the system refuses, it stays inaccessible, which is harmless.
    pub(super) fn unprotect_guard(&mut self) {
        if self.protected {
            // SAFETY: this slot owns the guard, which contains no data.
            self.protected = !unsafe { region::set_access(self.start.0, GUARD, true) };
        }
    }

    /// Returns the memory of both stacks to the system.
    fn discard(self) {
        // SAFETY: the slot is free, so its contents are not in use.
        unsafe { region::discard(self.start.0, self.interpreter_end) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slabs_are_added_on_demand_and_freed_when_unused() {
        let stacks = Arc::new(FiberStacks::default());
        let allocate = || stacks.allocate(64 << 10, 64 << 10).unwrap();
        let mut taken: Vec<FiberStack> = (0..1000).map(|_| allocate()).collect();
        let slabs = stacks.lock().slabs.len();
        assert!((5..20).contains(&slabs), "{slabs}");
        let mut areas: Vec<_> =
            taken.iter().map(|stack| (stack.area.start.0.addr().get(), stack.area.interpreter_end)).collect();
        areas.sort_unstable();
        assert!(areas.windows(2).all(|two| two[0].0 + two[0].1 <= two[1].0), "no two overlap");
        taken.truncate(10);
        assert!(stacks.lock().slots < 300, "unused slabs are freed");
        taken.extend((0..1000).map(|_| allocate()));
        drop(taken);
        let slabs = stacks.lock();
        assert_eq!((slabs.slabs.iter().flatten().count(), slabs.available.len()), (1, 1));
        assert!(slabs.warm <= MAX_WARM_SLOTS);
    }

    #[test]
    fn a_reused_stack_is_writable_outside_its_guard() {
        let stacks = Arc::new(FiberStacks::default());
        for _ in 0..2 {
            let mut stack = stacks.allocate(64 << 10, 64 << 10).unwrap();
            assert!(stack.area.protect_guard());
            for at in (GUARD..stack.area.interpreter_end).step_by(4096) {
                // SAFETY: the address lies in the slot, beyond the guard.
                unsafe { stack.area.start.0.add(at).write(1) };
            }
        }
    }
}
