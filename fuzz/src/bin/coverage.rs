//! Runs the target named by `KINGLET_FUZZ_TARGET` in libFuzzer. If `KINGLET_FUZZ_SEEDS` is the path of a directory, the
//! program only writes the target's seeds to it. An input that allocates much more memory than its length aborts the
//! process, which libFuzzer reports as a crash.

#![no_main]

use std::alloc::{GlobalAlloc, Layout, System};
use std::path::Path;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use kinglet_fuzz::{TARGETS, Target, write_seeds};
use libfuzzer_sys::fuzz_target;

/// The number of bytes that any input may allocate.
const BASE_LIMIT: usize = 160 << 20;
/// The number of bytes that an input may allocate for each of its own bytes.
const LIMIT_PER_INPUT_BYTE: usize = 400;

/// An allocator that limits the allocated memory.
struct LimitedAllocator;

static ALLOCATED: AtomicUsize = AtomicUsize::new(0);
static LIMIT: AtomicUsize = AtomicUsize::new(usize::MAX);

// SAFETY: all calls go to `System` with unchanged arguments.
unsafe impl GlobalAlloc for LimitedAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let before = ALLOCATED.fetch_add(layout.size(), Relaxed);
        if before.saturating_add(layout.size()) > LIMIT.load(Relaxed) {
            LIMIT.store(usize::MAX, Relaxed);
            eprintln!("the input allocates too much memory: {before} bytes, and {} more", layout.size());
            std::process::abort();
        }
        // SAFETY: the caller upholds the contract of `GlobalAlloc`, which is also that of `System`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        ALLOCATED.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller upholds the contract of `GlobalAlloc`, which is also that of `System`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: LimitedAllocator = LimitedAllocator;

static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let name = std::env::var("KINGLET_FUZZ_TARGET").expect("KINGLET_FUZZ_TARGET is set");
    TARGETS.iter().find(|target| target.name == name).expect("KINGLET_FUZZ_TARGET names an existing target")
});

fn initialize() {
    let target = *TARGET;
    let Some(directory) = std::env::var_os("KINGLET_FUZZ_SEEDS") else { return };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this crate is below the workspace's root");
    let count = write_seeds(target, root, Path::new(&directory)).expect("the seeds can be generated and written");
    println!("{count} seeds");
    std::process::exit(0);
}

fuzz_target!(init: initialize(), |input: &[u8]| {
    let target = *TARGET;
    LIMIT.store(ALLOCATED.load(Relaxed) + BASE_LIMIT + LIMIT_PER_INPUT_BYTE * input.len(), Relaxed);
    (target.run)(input);
    LIMIT.store(usize::MAX, Relaxed);
});
