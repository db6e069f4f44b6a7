//! An index of disjoint address ranges. Readers take no lock, so signal handlers can use it.
//!
//! The index is an array of blocks of sorted entries. Blocks and arrays never change. A writer builds a new block or
//! array, and swaps the pointer to it. The old one is freed when no reader can refer to it (McKenney and Slingwine,
//! "Read-Copy Update", 1998). Each reader increments a counter for the parity of the epoch in which it starts. An epoch
//! ends only after the readers of the previous epoch have finished. Objects that are retired in an epoch are freed at
//! the end of the next, because every reader that can refer to them started in one of the two. A reader never waits. It
//! retries only if an epoch ends while it starts.

use std::ops::Range;
use std::ptr::{NonNull, null_mut};
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard};

use crate::vm::address::Address;

/// The maximum number of entries in a block before it is split.
const MAX_ENTRIES: usize = 64;

/// The index. It does not own its values. It returns their addresses and never dereferences them.
pub(super) struct Index<T> {
    top: AtomicPtr<Top<T>>,
    epoch: AtomicUsize,
    readers: [AtomicUsize; 2],
    writer: Mutex<Retired<T>>,
}

/// The array of blocks. No block is empty.
struct Top<T>(Vec<BlockSlot<T>>);

/// An entry of the array.
struct BlockSlot<T> {
    /// A lower bound of the ends in this block. It is greater than all ends in the previous block.
    from: usize,
    block: AtomicPtr<Block<T>>,
}

struct Block<T>(Vec<IndexEntry<T>>);

struct IndexEntry<T> {
    start: usize,
    /// The address after the last byte. Entries are sorted by this.
    end: usize,
    value: NonNull<T>,
}

impl<T> Clone for IndexEntry<T> {
    fn clone(&self) -> IndexEntry<T> {
        IndexEntry { ..*self }
    }
}

/// Retired objects to which readers may still refer.
struct Retired<T> {
    /// The objects retired in the current epoch. `previous` contains those of the previous epoch.
    current: Vec<RetiredObject<T>>,
    previous: Vec<RetiredObject<T>>,
}

/// A retired object, freed on drop. It is a raw pointer from `Box::into_raw` instead of a box, because readers may have
/// references to it.
enum RetiredObject<T> {
    Top(Address<Top<T>>),
    Block(Address<Block<T>>),
}

impl<T> RetiredObject<T> {
    fn top(top: *mut Top<T>) -> Option<RetiredObject<T>> {
        NonNull::new(top).map(|top| RetiredObject::Top(Address(top)))
    }

    fn block(block: *mut Block<T>) -> Option<RetiredObject<T>> {
        NonNull::new(block).map(|block| RetiredObject::Block(Address(block)))
    }
}

impl<T> Drop for RetiredObject<T> {
    fn drop(&mut self) {
        // SAFETY: a writer has retired the object, and no reader can refer to it (see `Index::reclaim`).
        unsafe {
            match *self {
                RetiredObject::Top(top) => drop(Box::from_raw(top.as_ptr())),
                RetiredObject::Block(block) => drop(Box::from_raw(block.as_ptr())),
            }
        }
    }
}

impl<T> Index<T> {
    pub(super) const fn new() -> Index<T> {
        Index {
            top: AtomicPtr::new(null_mut()),
            epoch: AtomicUsize::new(0),
            readers: [AtomicUsize::new(0), AtomicUsize::new(0)],
            writer: Mutex::new(Retired { current: Vec::new(), previous: Vec::new() }),
        }
    }

    /// Returns the value whose range contains an address. Ranges exclude their first byte and include the address after
    /// their last byte, like return addresses.
    pub(super) fn find(&self, address: usize) -> Option<NonNull<T>> {
        let _reader = self.reader();
        // SAFETY: objects that a counted reader finds are not freed before the reader has finished.
        let top = unsafe { self.top.load(SeqCst).as_ref() }?;
        let after = top.0.partition_point(|slot| slot.from <= address);
        // If no range in the block ends at or after the address, the next block starts with one that does.
        top.0[after.saturating_sub(1)..]
            .iter()
            .take(2)
            .find_map(|slot| {
                // SAFETY: a counted reader found the slot, and its block is not freed before the reader has finished.
                let entries = unsafe { &(*slot.block.load(SeqCst)).0 };
                entries.get(entries.partition_point(|entry| entry.end < address))
            })
            .filter(|entry| entry.start < address)
            .map(|entry| entry.value)
    }

    fn reader(&self) -> ReadGuard<'_> {
        loop {
            let epoch = self.epoch.load(SeqCst);
            let count = &self.readers[epoch % 2];
            count.fetch_add(1, SeqCst);
            let reader = ReadGuard(count);
            if self.epoch.load(SeqCst) == epoch {
                return reader;
            }
        }
    }

    /// Adds a range that overlaps no other. Threads that synchronize with the caller find it.
    pub(super) fn insert(&self, range: Range<usize>, value: NonNull<T>) {
        let mut writer = self.writer();
        let entry = IndexEntry { start: range.start, end: range.end, value };
        let Some(top) = self.top() else {
            let block = Box::new(Block(vec![entry]));
            self.top.store(Top::new([(0, Box::into_raw(block))]), SeqCst);
            return;
        };
        let position = top.0.partition_point(|slot| slot.from <= entry.end) - 1;
        let mut entries = top.0[position].entries().to_vec();
        entries.insert(entries.partition_point(|other| other.end < entry.end), entry);
        if entries.len() <= MAX_ENTRIES {
            writer.replace(&top.0[position], entries);
        } else {
            let upper = entries.split_off(MAX_ENTRIES / 2);
            let from = upper[0].end;
            let [lower, upper] = [entries, upper].map(|entries| Box::into_raw(Box::new(Block(entries))));
            let slots = top.slots().enumerate().flat_map(|(index, slot)| match index == position {
                true => vec![(slot.0, lower), (from, upper)],
                false => vec![slot],
            });
            let old_block = top.0[position].block.load(SeqCst);
            let old_top = self.top.swap(Top::new(slots), SeqCst);
            writer.retire(old_block, old_top);
        }
        self.reclaim(&mut writer);
    }

    /// Removes the range with this end.
    pub(super) fn remove(&self, end: usize) {
        let mut writer = self.writer();
        let Some(top) = self.top() else { return };
        let position = top.0.partition_point(|slot| slot.from <= end) - 1;
        let mut entries = top.0[position].entries().to_vec();
        entries.retain(|entry| entry.end != end);
        if !entries.is_empty() {
            writer.replace(&top.0[position], entries);
        } else {
            let old_block = top.0[position].block.load(SeqCst);
            let mut slots: Vec<_> =
                top.slots().enumerate().filter(|(index, _)| *index != position).map(|it| it.1).collect();
            if let Some(first) = slots.first_mut() {
                first.0 = 0;
            }
            let new_top = if slots.is_empty() { null_mut() } else { Top::new(slots) };
            let old_top = self.top.swap(new_top, SeqCst);
            writer.retire(old_block, old_top);
        }
        self.reclaim(&mut writer);
    }

    fn writer(&self) -> MutexGuard<'_, Retired<T>> {
        self.writer.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Returns the array, for a writer.
    fn top(&self) -> Option<&Top<T>> {
        // SAFETY: only writers, one at a time, retire the array, and a later writer frees it.
        unsafe { self.top.load(SeqCst).as_ref() }
    }

    /// Ends the epoch if the readers of the previous one have finished, and frees the objects to which no reader can
    /// refer.
    fn reclaim(&self, retired: &mut Retired<T>) {
        for _ in 0..2 {
            let epoch = self.epoch.load(SeqCst);
            if self.readers[(epoch + 1) % 2].load(SeqCst) != 0 {
                return;
            }
            retired.previous = std::mem::take(&mut retired.current);
            self.epoch.store(epoch + 1, SeqCst);
        }
    }
}

impl<T> Drop for Index<T> {
    fn drop(&mut self) {
        let top = self.top.swap(null_mut(), SeqCst);
        // SAFETY: allocated by `Box::into_raw`, and dropping the index has exclusive access.
        if let Some(slots) = unsafe { top.as_ref() } {
            slots.slots().for_each(|(_, block)| drop(RetiredObject::block(block)));
            drop(RetiredObject::top(top));
        }
    }
}

impl<T> Top<T> {
    fn new(slots: impl IntoIterator<Item = (usize, *mut Block<T>)>) -> *mut Top<T> {
        let slot = |(from, block)| BlockSlot { from, block: AtomicPtr::new(block) };
        Box::into_raw(Box::new(Top(slots.into_iter().map(slot).collect())))
    }

    fn slots(&self) -> impl Iterator<Item = (usize, *mut Block<T>)> {
        self.0.iter().map(|slot| (slot.from, slot.block.load(SeqCst)))
    }
}

impl<T> BlockSlot<T> {
    /// Returns the block's entries, for a writer.
    fn entries(&self) -> &[IndexEntry<T>] {
        // SAFETY: only writers, one at a time, retire a block, and a later writer frees it.
        unsafe { &(*self.block.load(SeqCst)).0 }
    }
}

impl<T> Retired<T> {
    fn replace(&mut self, slot: &BlockSlot<T>, entries: Vec<IndexEntry<T>>) {
        self.current.extend(RetiredObject::block(slot.block.swap(Box::into_raw(Box::new(Block(entries))), SeqCst)));
    }

    fn retire(&mut self, block: *mut Block<T>, top: *mut Top<T>) {
        self.current.extend(RetiredObject::block(block).into_iter().chain(RetiredObject::top(top)));
    }
}

/// A counted reader. Dropping it decrements the counter.
struct ReadGuard<'a>(&'a AtomicUsize);

impl Drop for ReadGuard<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
    use std::time::Instant;

    use super::*;

    /// Returns a range of 100 bytes, one per 200 bytes. Its value is its start.
    fn range(index: usize) -> Range<usize> {
        let start = 1_000_000 + 200 * index;
        start..start + 100
    }

    fn add(all: &Index<u8>, index: usize) {
        all.insert(range(index), NonNull::new(range(index).start as *mut u8).unwrap());
    }

    fn found(all: &Index<u8>, address: usize) -> Option<usize> {
        all.find(address).map(|value| value.as_ptr() as usize)
    }

    /// Returns the numbers below `n` in a shuffled order.
    fn shuffled(n: usize) -> impl Iterator<Item = usize> {
        (0..n).map(move |i| i * 7919 % n)
    }

    #[test]
    fn ranges_exclude_their_first_byte_and_include_their_end() {
        let all = Index::new();
        assert_eq!(found(&all, 1_000_001), None);
        shuffled(1000).for_each(|index| add(&all, index));
        for index in 0..1000 {
            let Range { start, end } = range(index);
            assert_eq!([start + 1, end].map(|address| found(&all, address)), [Some(start); 2]);
            assert_eq!([start, end + 1].map(|address| found(&all, address)), [None; 2]);
        }
        assert_eq!([0, 1, usize::MAX].map(|address| found(&all, address)), [None; 3]);
        shuffled(1000).filter(|index| index % 3 != 0).for_each(|index| all.remove(range(index).end));
        for index in 0..1000 {
            assert_eq!(found(&all, range(index).end), (index % 3 == 0).then_some(range(index).start));
        }
        shuffled(1000).for_each(|index| all.remove(range(index).end));
        assert_eq!(found(&all, range(0).end), None);
        add(&all, 5);
        assert_eq!(found(&all, range(5).end), Some(range(5).start));
    }

    #[test]
    fn readers_find_stable_entries_during_updates() {
        const READS: usize = 3000;
        let (all, done, reads) = (Index::new(), AtomicBool::new(false), AtomicUsize::new(0));
        (0..500).filter(|index| index % 5 == 0).for_each(|index| add(&all, index));
        std::thread::scope(|scope| {
            for thread in [0, 1, 2] {
                let (all, done, reads) = (&all, &done, &reads);
                scope.spawn(move || {
                    while !done.load(Relaxed) {
                        for index in (0..500).filter(|index| index % 5 == 0) {
                            assert_eq!(found(all, range(index).start + 1 + thread), Some(range(index).start));
                            reads.fetch_add(1, Relaxed);
                        }
                    }
                });
            }
            let transient_entries = || (0..500).filter(|index| index % 5 != 0);
            let mut rounds = 0;
            while rounds < 20 || reads.load(Relaxed) < READS {
                transient_entries().for_each(|index| add(&all, index));
                transient_entries().for_each(|index| all.remove(range(index).end));
                rounds += 1;
            }
            done.store(true, Relaxed);
        });
        let mut writer = all.writer();
        all.reclaim(&mut writer);
        assert!(writer.current.is_empty() && writer.previous.is_empty(), "everything is freed without readers");
    }

    #[test]
    fn retired_blocks_are_freed_after_the_last_reader() {
        let all = Index::new();
        (0..10).for_each(|index| add(&all, index));
        let reader = all.reader();
        (0..10).for_each(|index| all.remove(range(index).end));
        let retired = |all: &Index<u8>| {
            let writer = all.writer();
            writer.current.len() + writer.previous.len()
        };
        assert!(retired(&all) >= 10);
        drop(reader);
        add(&all, 0);
        all.remove(range(0).end);
        assert_eq!(retired(&all), 0);
    }

    #[test]
    fn updates_of_a_large_index_cost_little_more_than_of_a_small_one() {
        let a_thousand_rounds = |others: usize| {
            let all = Index::new();
            (1..=others).for_each(|index| add(&all, index));
            let start = Instant::now();
            for _ in 0..1000 {
                add(&all, 0);
                all.remove(range(0).end);
            }
            start.elapsed()
        };
        let few = (0..5).map(|_| a_thousand_rounds(40)).min();
        let many = (0..5).map(|_| a_thousand_rounds(40_000)).min();
        assert!(many < few.map(|few| 10 * few), "{few:?} {many:?}");
    }
}
