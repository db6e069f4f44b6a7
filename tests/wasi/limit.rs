//! A `MemoryDir` never uses more of the host's memory than its limit, whatever a guest creates in it. A counting allocator
//! measures the memory of each thread, including the allocator's overhead.

use crate::instantiate;
use kinglet::{Engine, Module};
use kinglet_wasi::{FsPerms, MemoryDir, WasiCtx};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

thread_local! {
    /// The bytes that this thread has allocated and not freed.
    static ALLOCATED: Cell<i64> = const { Cell::new(0) };
}

/// Adds the size of a chunk, including glibc's header, multiplied by `sign`.
fn count(chunk: *mut u8, sign: i64) {
    if chunk.is_null() {
        return;
    }
    // SAFETY: the callers pass a chunk of the system's allocator that is not freed.
    let size = unsafe { libc::malloc_usable_size(chunk.cast()) };
    let size = i64::try_from(size + size_of::<usize>()).unwrap_or(i64::MAX);
    let _ = ALLOCATED.try_with(|allocated| allocated.set(allocated.get() + sign * size));
}

// SAFETY: every call is forwarded to the system's allocator unchanged, and `count` does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller fulfills this function's contract, which is the same as that of the called function.
        let chunk = unsafe { System.alloc(layout) };
        count(chunk, 1);
        chunk
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller fulfills this function's contract, which is the same as that of the called function.
        let chunk = unsafe { System.alloc_zeroed(layout) };
        count(chunk, 1);
        chunk
    }

    unsafe fn dealloc(&self, chunk: *mut u8, layout: Layout) {
        count(chunk, -1);
        // SAFETY: the caller fulfills this function's contract, which is the same as that of the called function.
        unsafe { System.dealloc(chunk, layout) }
    }

    unsafe fn realloc(&self, chunk: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(chunk, -1);
        // SAFETY: the caller fulfills this function's contract, which is the same as that of the called function.
        let moved = unsafe { System.realloc(chunk, layout, size) };
        count(if moved.is_null() { chunk } else { moved }, 1);
        moved
    }
}

/// Kinds of contents with which a guest reaches the limit, and the exports of `limit.wat` that create them.
const SHAPES: &[(&str, &[&str])] = &[
    ("directories", &["directories"]),
    ("nested directories", &["nested_directories"]),
    ("directories with a file each", &["directories_with_file"]),
    ("empty files", &["files"]),
    ("files with long names", &["long_names"]),
    ("symbolic links", &["symlinks"]),
    ("hard links", &["hard_links"]),
    ("a growing file", &["growing_file"]),
    ("small files", &["small_files"]),
    ("directories after most files were removed", &["files", "remove_files", "directories"]),
    ("hard links after most directories were removed", &["directories", "remove_directories", "hard_links"]),
];

#[test]
fn a_memory_dir_uses_no_more_memory_than_its_limit() {
    const LIMIT: u64 = 1 << 20;
    let module = Module::new(&Engine::default(), include_str!("limit.wat")).unwrap();
    for (shape, steps) in SHAPES {
        let tree = MemoryDir::with_limit(LIMIT);
        for step in *steps {
            let mut builder = WasiCtx::builder();
            let ctx = builder.preopened_memory(&tree, ".", FsPerms::ReadWrite).build().unwrap();
            let (mut store, instance) = instantiate(&module, ctx);
            let number = instance.get_typed_func::<(), u32>(&mut store, step).unwrap().call(&mut store, ()).unwrap();
            assert!(number > 100, "{shape}: {number}");
        }
        let before = ALLOCATED.get();
        drop(tree);
        let used = u64::try_from(before - ALLOCATED.get()).unwrap();
        println!("{shape}: {used} of {LIMIT}");
        // The root directory does not count towards the limit.
        assert!(used <= LIMIT + 1024, "{shape}: {used} bytes of {LIMIT}");
        assert!(used > LIMIT / 2, "{shape}: only {used} bytes of {LIMIT}");
    }
}
