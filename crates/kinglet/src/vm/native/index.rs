//! An index of address ranges that do not overlap, read without a lock from anywhere, signal handlers included.
//!
//! It is an array of blocks of entries in order. Nothing that a reader can see changes, but for the pointers to blocks:
//! a writer makes a new block, or a new array, and swaps the pointer. What was there before is freed when all readers have
//! gone that may have met it (McKenney and Slingwine, "Read-Copy Update", 1998). For that each reader counts itself under
//! the parity of the epoch in which it began. An epoch ends only when the readers of the one before it have gone, and
//! what a writer took out in an epoch is freed at the end of the next: every reader that could have found it began in one
//! of the two. Readers start over only where an epoch ends just then, and wait for nobody.

use std::ops::Range;
use std::ptr::{NonNull, null_mut};
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard};

use crate::vm::address::Address;

/// How many entries a block has before it is split.
const BLOCK: usize = 64;

/// The index. Its entries stand for values that somebody else keeps: it gives out their addresses and follows none.
pub(super) struct Index<T> {
    top: AtomicPtr<Top<T>>,
    epoch: AtomicUsize,
    readers: [AtomicUsize; 2],
    writer: Mutex<Retired<T>>,
}

/// The blocks; none is empty.
struct Top<T>(Vec<Slot<T>>);

/// A block's place.
struct Slot<T> {
    /// No entry of the block ends before this, and none of the block before at it or behind.
    from: usize,
    block: AtomicPtr<Block<T>>,
}

struct Block<T>(Vec<Entry<T>>);

struct Entry<T> {
    start: usize,
    /// Behind its last byte; entries are in this order.
    end: usize,
    value: NonNull<T>,
}

impl<T> Clone for Entry<T> {
    fn clone(&self) -> Entry<T> {
        Entry { ..*self }
    }
}

/// What was taken out and may still be looked at.
struct Retired<T> {
    /// In this epoch, and in the one before.
    now: Vec<Garbage<T>>,
    before: Vec<Garbage<T>>,
}

/// Freed when it is dropped. Made by `Box::into_raw`, and not a box meanwhile, for readers may look at it.
enum Garbage<T> {
    Top(Address<Top<T>>),
    Block(Address<Block<T>>),
}

impl<T> Garbage<T> {
    fn top(top: *mut Top<T>) -> Option<Garbage<T>> {
        NonNull::new(top).map(|top| Garbage::Top(Address(top)))
    }

    fn block(block: *mut Block<T>) -> Option<Garbage<T>> {
        NonNull::new(block).map(|block| Garbage::Block(Address(block)))
    }
}

impl<T> Drop for Garbage<T> {
    fn drop(&mut self) {
        // SAFETY: taken out by a writer, and no reader is left that may have met it: see `Index::reclaim`.
        unsafe {
            match *self {
                Garbage::Top(top) => drop(Box::from_raw(top.as_ptr())),
                Garbage::Block(block) => drop(Box::from_raw(block.as_ptr())),
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
            writer: Mutex::new(Retired { now: Vec::new(), before: Vec::new() }),
        }
    }

    /// The value whose range an address lies in, where a range has no first byte but one behind its last: as return
    /// addresses have it.
    pub(super) fn find(&self, address: usize) -> Option<NonNull<T>> {
        let _reader = self.reader();
        // SAFETY: what a counted reader finds is not freed before it has gone.
        let top = unsafe { self.top.load(SeqCst).as_ref() }?;
        let after = top.0.partition_point(|slot| slot.from <= address);
        // Where nothing in its block ends behind the address, the next begins with what does.
        top.0[after.saturating_sub(1)..]
            .iter()
            .take(2)
            .find_map(|slot| {
                // SAFETY: a counted reader found the slot, whose block is not freed before the reader has gone.
                let entries = unsafe { &(*slot.block.load(SeqCst)).0 };
                entries.get(entries.partition_point(|entry| entry.end < address))
            })
            .filter(|entry| entry.start < address)
            .map(|entry| entry.value)
    }

    fn reader(&self) -> Reader<'_> {
        loop {
            let epoch = self.epoch.load(SeqCst);
            let count = &self.readers[epoch % 2];
            count.fetch_add(1, SeqCst);
            let reader = Reader(count);
            if self.epoch.load(SeqCst) == epoch {
                return reader;
            }
        }
    }

    /// Adds a range, which overlaps no other. A thread that learns of it from the caller finds it.
    pub(super) fn insert(&self, range: Range<usize>, value: NonNull<T>) {
        let mut writer = self.writer();
        let entry = Entry { start: range.start, end: range.end, value };
        let Some(top) = self.top() else {
            let block = Box::new(Block(vec![entry]));
            self.top.store(Top::new([(0, Box::into_raw(block))]), SeqCst);
            return;
        };
        let at = top.0.partition_point(|slot| slot.from <= entry.end) - 1;
        let mut entries = top.0[at].entries().to_vec();
        entries.insert(entries.partition_point(|other| other.end < entry.end), entry);
        if entries.len() <= BLOCK {
            writer.replace(&top.0[at], entries);
        } else {
            let upper = entries.split_off(BLOCK / 2);
            let from = upper[0].end;
            let [lower, upper] = [entries, upper].map(|entries| Box::into_raw(Box::new(Block(entries))));
            let slots = top.slots().enumerate().flat_map(|(index, slot)| match index == at {
                true => vec![(slot.0, lower), (from, upper)],
                false => vec![slot],
            });
            let old = top.0[at].block.load(SeqCst);
            let old_top = self.top.swap(Top::new(slots), SeqCst);
            writer.retire(old, old_top);
        }
        self.reclaim(&mut writer);
    }

    /// Removes the range that ends there.
    pub(super) fn remove(&self, end: usize) {
        let mut writer = self.writer();
        let Some(top) = self.top() else { return };
        let at = top.0.partition_point(|slot| slot.from <= end) - 1;
        let mut entries = top.0[at].entries().to_vec();
        entries.retain(|entry| entry.end != end);
        if !entries.is_empty() {
            writer.replace(&top.0[at], entries);
        } else {
            let old = top.0[at].block.load(SeqCst);
            let mut slots: Vec<_> = top.slots().enumerate().filter(|(index, _)| *index != at).map(|it| it.1).collect();
            if let Some(first) = slots.first_mut() {
                first.0 = 0;
            }
            let new = if slots.is_empty() { null_mut() } else { Top::new(slots) };
            let old_top = self.top.swap(new, SeqCst);
            writer.retire(old, old_top);
        }
        self.reclaim(&mut writer);
    }

    fn writer(&self) -> MutexGuard<'_, Retired<T>> {
        self.writer.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// The blocks, for a writer.
    fn top(&self) -> Option<&Top<T>> {
        // SAFETY: only writers take it out, one at a time, and it is freed by a later one.
        unsafe { self.top.load(SeqCst).as_ref() }
    }

    /// Ends the epoch, if the readers of the one before have gone, and frees what none can find any more.
    fn reclaim(&self, retired: &mut Retired<T>) {
        for _ in 0..2 {
            let epoch = self.epoch.load(SeqCst);
            if self.readers[(epoch + 1) % 2].load(SeqCst) != 0 {
                return;
            }
            retired.before = std::mem::take(&mut retired.now);
            self.epoch.store(epoch + 1, SeqCst);
        }
    }
}

impl<T> Drop for Index<T> {
    fn drop(&mut self) {
        let top = self.top.swap(null_mut(), SeqCst);
        // SAFETY: made by `Box::into_raw`, and dropping the index needs it alone.
        if let Some(slots) = unsafe { top.as_ref() } {
            slots.slots().for_each(|(_, block)| drop(Garbage::block(block)));
            drop(Garbage::top(top));
        }
    }
}

impl<T> Top<T> {
    fn new(slots: impl IntoIterator<Item = (usize, *mut Block<T>)>) -> *mut Top<T> {
        let slot = |(from, block)| Slot { from, block: AtomicPtr::new(block) };
        Box::into_raw(Box::new(Top(slots.into_iter().map(slot).collect())))
    }

    fn slots(&self) -> impl Iterator<Item = (usize, *mut Block<T>)> {
        self.0.iter().map(|slot| (slot.from, slot.block.load(SeqCst)))
    }
}

impl<T> Slot<T> {
    /// The block's entries, for a writer.
    fn entries(&self) -> &[Entry<T>] {
        // SAFETY: only writers take a block out, one at a time, and it is freed by a later one.
        unsafe { &(*self.block.load(SeqCst)).0 }
    }
}

impl<T> Retired<T> {
    fn replace(&mut self, slot: &Slot<T>, entries: Vec<Entry<T>>) {
        self.now.extend(Garbage::block(slot.block.swap(Box::into_raw(Box::new(Block(entries))), SeqCst)));
    }

    fn retire(&mut self, block: *mut Block<T>, top: *mut Top<T>) {
        self.now.extend(Garbage::block(block).into_iter().chain(Garbage::top(top)));
    }
}

/// A reader that counts until it goes.
struct Reader<'a>(&'a AtomicUsize);

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
    use std::time::Instant;

    use super::*;

    /// Ranges of 100 bytes at every other hundred, whose values are their starts.
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

    /// Numbers below `n`, each once, in no order.
    fn shuffled(n: usize) -> impl Iterator<Item = usize> {
        (0..n).map(move |i| i * 7919 % n)
    }

    #[test]
    fn an_address_is_found_from_behind_the_first_byte_to_behind_the_last() {
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
    fn readers_find_what_stays_while_others_come_and_go() {
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
            let come_and_go = || (0..500).filter(|index| index % 5 != 0);
            let mut rounds = 0;
            while rounds < 20 || reads.load(Relaxed) < READS {
                come_and_go().for_each(|index| add(&all, index));
                come_and_go().for_each(|index| all.remove(range(index).end));
                rounds += 1;
            }
            done.store(true, Relaxed);
        });
        let mut writer = all.writer();
        all.reclaim(&mut writer);
        assert!(writer.now.is_empty() && writer.before.is_empty(), "nobody reads: all is freed");
    }

    #[test]
    fn what_a_reader_may_look_at_is_kept_until_it_has_gone() {
        let all = Index::new();
        (0..10).for_each(|index| add(&all, index));
        let reader = all.reader();
        (0..10).for_each(|index| all.remove(range(index).end));
        let kept = |all: &Index<u8>| {
            let writer = all.writer();
            writer.now.len() + writer.before.len()
        };
        assert!(kept(&all) >= 10);
        drop(reader);
        add(&all, 0);
        all.remove(range(0).end);
        assert_eq!(kept(&all), 0);
    }

    #[test]
    fn to_come_and_go_among_many_costs_little_more_than_among_few() {
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
