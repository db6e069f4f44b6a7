//! What a tree in memory takes of the host: never more than its limit, as the allocator counts it, whatever a guest makes
//! in it. A counting allocator adds up the chunks of each thread, with what the allocator keeps beside them.

use crate::instantiate;
use kinglet::{Engine, Module};
use kinglet_wasi::{DirAccess, MemoryDir, WasiCtx};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

thread_local! {
    static TAKEN: Cell<i64> = const { Cell::new(0) };
}

/// Adds the size of a chunk, with the word that glibc keeps before it, `sign` times.
fn count(chunk: *mut u8, sign: i64) {
    if chunk.is_null() {
        return;
    }
    // SAFETY: the callers have `chunk` from the system's allocator, and it is not freed yet.
    let size = unsafe { libc::malloc_usable_size(chunk.cast()) };
    let size = i64::try_from(size + size_of::<usize>()).unwrap_or(i64::MAX);
    let _ = TAKEN.try_with(|taken| taken.set(taken.get() + sign * size));
}

// SAFETY: every call is passed on to the system's allocator as it came, and counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract of this function, which is that of the one called.
        let chunk = unsafe { System.alloc(layout) };
        count(chunk, 1);
        chunk
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract of this function, which is that of the one called.
        let chunk = unsafe { System.alloc_zeroed(layout) };
        count(chunk, 1);
        chunk
    }

    unsafe fn dealloc(&self, chunk: *mut u8, layout: Layout) {
        count(chunk, -1);
        // SAFETY: the caller keeps the contract of this function, which is that of the one called.
        unsafe { System.dealloc(chunk, layout) }
    }

    unsafe fn realloc(&self, chunk: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(chunk, -1);
        // SAFETY: the caller keeps the contract of this function, which is that of the one called.
        let moved = unsafe { System.realloc(chunk, layout, size) };
        count(if moved.is_null() { chunk } else { moved }, 1);
        moved
    }
}

/// What a guest makes until it is told that there is no room, by the names of the functions that do it.
const SHAPES: &[(&str, &[&str])] = &[
    ("folders", &["folders"]),
    ("folders in folders", &["nested"]),
    ("folders with a file each", &["filled"]),
    ("empty files", &["files"]),
    ("long names", &["long"]),
    ("symbolic links", &["links"]),
    ("names of one file", &["names"]),
    ("a file that grows", &["grown"]),
    ("small files", &["small"]),
    ("folders where most files are gone", &["files", "thin", "folders"]),
    ("names where most folders are gone", &["folders", "cleared", "names"]),
];

#[test]
fn a_tree_in_memory_takes_no_more_than_its_limit() {
    const LIMIT: u64 = 1 << 20;
    let module = Module::new(&Engine::default(), include_str!("limit.wat")).unwrap();
    for (shape, steps) in SHAPES {
        let tree = MemoryDir::with_limit(LIMIT);
        for step in *steps {
            let mut builder = WasiCtx::builder();
            let ctx = builder.preopened_memory(&tree, ".", DirAccess::ReadWrite).build().unwrap();
            let (mut store, instance) = instantiate(&module, ctx);
            let made = instance.get_typed_func::<(), u32>(&mut store, step).unwrap().call(&mut store, ()).unwrap();
            assert!(made > 100, "{shape}: {made}");
        }
        let before = TAKEN.get();
        drop(tree);
        let taken = u64::try_from(before - TAKEN.get()).unwrap();
        println!("{shape}: {taken} of {LIMIT}");
        // The root itself is not counted.
        assert!(taken <= LIMIT + 1024, "{shape}: {taken} bytes of {LIMIT}");
        assert!(taken > LIMIT / 2, "{shape}: only {taken} bytes of {LIMIT}");
    }
}
