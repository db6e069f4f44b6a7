//! The stacks of calls that can be paused: a host stack and an interpreter stack side by side, with a guard below. Many
//! such places share one mapping, a slab, so that their number is not limited by how many mappings the system allows a
//! process, which is 65,530 on Linux. Places are found by index; none of this takes longer the more there are.
//!
//! Invariants:
//! - A place is in its slab's list of free ones, or one [`FiberStack`] owns it.
//! - While code runs on a host stack, its guard cannot be accessed (`Area::close`). The guards of all other stacks are
//!   open, which keeps a slab one mapping: a closed guard in the middle of it makes three.

use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use corosensei::stack::{Stack, StackPointer};

use crate::vm::address::Address;
use crate::vm::region::{self, Region};
use crate::vm::room;
use crate::{Error, Result};

/// Bytes below a host stack that stop code which has used it up. A multiple of every system's pages.
const GUARD: usize = 64 << 10;

/// Places of the largest slab. Each new one has as many as there are already, up to this.
const MOST_PLACES: usize = 256;

/// How many free places keep the memory that was used of them, because they are likely to be used again soon.
const MOST_WARM: usize = 16;

/// The stacks of an engine, all of one size.
#[derive(Debug, Default)]
pub(crate) struct FiberStacks(Mutex<Slabs>);

#[derive(Debug, Default)]
struct Slabs {
    slabs: Vec<Option<Slab>>,
    /// Indices of slabs that are gone.
    vacant: Vec<usize>,
    /// Indices of slabs with free places. The last is used first.
    with_room: Vec<usize>,
    /// Places of all slabs together.
    places: usize,
    /// Free places that keep their memory.
    warm: usize,
}

#[derive(Debug)]
struct Slab {
    region: Region,
    places: usize,
    free: Vec<Free>,
}

#[derive(Clone, Copy, Debug)]
struct Free {
    place: usize,
    /// Whether it keeps its memory.
    warm: bool,
}

impl Slab {
    /// One of up to so many places, of fewer if the system has no room for them.
    fn new(mut places: usize, size: usize) -> Result<Slab> {
        loop {
            let bytes = places.saturating_mul(size);
            match Region::new(bytes) {
                Ok(_) if !room::is_left(bytes) => return Err(Error::msg("no memory for a call that can be paused")),
                Ok(region) => {
                    let free = (0..places).rev().map(|place| Free { place, warm: false }).collect();
                    return Ok(Slab { region, places, free });
                }
                Err(_) if places > 1 => places /= 2,
                Err(error) => {
                    return Err(Error::msg(format!(
                        "cannot reserve {bytes} bytes for a call that can be paused: {error}"
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

    /// A stack with so many bytes for the host and for the interpreter. They are the same for all stacks of an engine.
    ///
    /// # Errors
    /// If the system has no room for it.
    pub(super) fn take(self: &Arc<Self>, host: usize, guest: usize) -> Result<FiberStack> {
        let (host, guest) = (host.next_multiple_of(GUARD), guest.next_multiple_of(GUARD));
        let size = GUARD + host + guest;
        let mut slabs = self.lock();
        let index = match slabs.with_room.last() {
            Some(index) => *index,
            None => {
                let slab = Slab::new(slabs.places.clamp(1, MOST_PLACES), size)?;
                slabs.add(slab)
            }
        };
        let found = slabs.slabs[index].as_mut().and_then(|slab| Some((slab.free.pop()?, slab)));
        let Some((Free { place, warm }, slab)) = found else {
            return Err(Error::msg("internal inconsistency: a slab of stacks has no room"));
        };
        // SAFETY: the place lies in the slab.
        let start = Address(unsafe { NonNull::new_unchecked(slab.region.start().add(place * size)) });
        if slab.free.is_empty() {
            slabs.with_room.pop();
        }
        slabs.warm -= usize::from(warm);
        drop(slabs);
        let area = Area { start, host: GUARD + host, guest: size, closed: false };
        Ok(FiberStack { stacks: self.clone(), slab: index, place, area })
    }

    /// Takes back a place whose guard is open.
    fn put(&self, index: usize, place: usize, area: Area) {
        let warm = {
            let mut slabs = self.lock();
            let warm = slabs.warm < MOST_WARM;
            slabs.warm += usize::from(warm);
            warm
        };
        if !warm {
            area.discard();
        }
        // What is dropped here is when nothing is locked.
        let _gone = self.lock().put(index, Free { place, warm });
    }
}

impl Slabs {
    fn add(&mut self, slab: Slab) -> usize {
        self.places += slab.places;
        let index = self.vacant.pop().unwrap_or_else(|| {
            self.slabs.push(None);
            self.slabs.len() - 1
        });
        self.slabs[index] = Some(slab);
        self.with_room.push(index);
        index
    }

    /// Takes back a place. Returns its slab if none of its places is in use and another slab has room.
    fn put(&mut self, index: usize, free: Free) -> Option<Slab> {
        let slab = self.slabs[index].as_mut()?;
        slab.free.push(free);
        if slab.free.len() == 1 {
            self.with_room.push(index);
        }
        if slab.free.len() < slab.places || self.with_room.len() < 2 {
            return None;
        }
        let slab = self.slabs[index].take()?;
        self.with_room.retain(|one| *one != index);
        self.vacant.push(index);
        self.places -= slab.places;
        self.warm -= slab.free.iter().filter(|free| free.warm).count();
        Some(slab)
    }
}

/// A host stack and an interpreter stack, given back when this is dropped. Nothing on them belongs to a thread (`fiber`).
#[derive(Debug)]
pub(super) struct FiberStack {
    stacks: Arc<FiberStacks>,
    slab: usize,
    place: usize,
    pub(super) area: Area,
}

// SAFETY: the place is this stack's alone, and larger than a page. Its guard is closed while code runs on it (`fiber`).
unsafe impl Stack for FiberStack {
    fn base(&self) -> StackPointer {
        self.area.start.0.addr().saturating_add(self.area.host)
    }

    fn limit(&self) -> StackPointer {
        self.area.start.0.addr()
    }
}

impl Drop for FiberStack {
    fn drop(&mut self) {
        self.area.open();
        self.stacks.put(self.slab, self.place, self.area);
    }
}

/// Where the two stacks of a place are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Area {
    /// Where the guard begins.
    start: Address<u8>,
    /// How far from there the host stack ends, which grows down to the guard, and the interpreter stack begins.
    host: usize,
    /// How far from there the interpreter stack ends.
    guest: usize,
    /// Whether the guard is closed.
    closed: bool,
}

impl Area {
    /// Where the host stack ends.
    pub(super) fn host_end(&self) -> usize {
        self.start.0.addr().get() + self.host
    }

    /// Where the interpreter stack begins.
    pub(super) fn guest_start(&self) -> *mut u64 {
        self.start.as_ptr().wrapping_add(self.host).cast()
    }

    /// Where the interpreter stack ends.
    pub(super) fn guest_end(&self) -> *mut c_void {
        self.start.as_ptr().wrapping_add(self.guest).cast()
    }

    /// Closes the guard, without which nothing may run on the host stack; false if the system refuses.
    #[must_use]
    pub(super) fn close(&mut self) -> bool {
        if !self.closed {
            // SAFETY: the guard is the place's own, and nobody has anything there.
            self.closed = unsafe { region::set_access(self.start.0, GUARD, false) };
        }
        self.closed
    }

    /// Opens the guard of a stack on which nothing runs. If the system refuses it stays closed, which harms nobody.
    pub(super) fn open(&mut self) {
        if self.closed {
            // SAFETY: the guard is the place's own, and nobody has anything there.
            self.closed = !unsafe { region::set_access(self.start.0, GUARD, true) };
        }
    }

    /// Gives the memory of both stacks back to the system.
    fn discard(self) {
        // SAFETY: the place is free: nobody has anything there.
        unsafe { region::discard(self.start.0, self.guest) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slabs_grow_with_what_is_in_use_and_go_with_it() {
        let stacks = Arc::new(FiberStacks::default());
        let take = || stacks.take(64 << 10, 64 << 10).unwrap();
        let mut taken: Vec<FiberStack> = (0..1000).map(|_| take()).collect();
        let slabs = stacks.lock().slabs.len();
        assert!((5..20).contains(&slabs), "{slabs}");
        let mut areas: Vec<_> = taken.iter().map(|stack| (stack.area.start.0.addr().get(), stack.area.guest)).collect();
        areas.sort_unstable();
        assert!(areas.windows(2).all(|two| two[0].0 + two[0].1 <= two[1].0), "no two overlap");
        taken.truncate(10);
        assert!(stacks.lock().places < 300, "slabs that are not used are gone");
        taken.extend((0..1000).map(|_| take()));
        drop(taken);
        let slabs = stacks.lock();
        assert_eq!((slabs.slabs.iter().flatten().count(), slabs.with_room.len()), (1, 1));
        assert!(slabs.warm <= MOST_WARM);
    }

    #[test]
    fn a_stack_that_is_used_again_is_writable_everywhere_but_in_its_guard() {
        let stacks = Arc::new(FiberStacks::default());
        for _ in 0..2 {
            let mut stack = stacks.take(64 << 10, 64 << 10).unwrap();
            assert!(stack.area.close());
            for at in (GUARD..stack.area.guest).step_by(4096) {
                // SAFETY: in the place, behind the guard.
                unsafe { stack.area.start.0.add(at).write(1) };
            }
        }
    }
}
