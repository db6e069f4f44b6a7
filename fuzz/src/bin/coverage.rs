//! Runs a target in libFuzzer: the one that `KINGLET_FUZZ_TARGET` names. With `KINGLET_FUZZ_SEEDS` it writes what the target
//! begins with into that folder, and ends. An input that takes much more memory than it has bytes ends the process too,
//! which libFuzzer takes for a crash.

#![no_main]

use std::alloc::{GlobalAlloc, Layout, System};
use std::path::Path;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use kinglet_fuzz::{TARGETS, Target, write_seeds};
use libfuzzer_sys::fuzz_target;

/// How many bytes an input may take at once: so much, and so many times its own length.
const ALWAYS: usize = 160 << 20;
const A_BYTE: usize = 400;

/// Counts what is allocated.
struct Counted;

static ALLOCATED: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(usize::MAX);

// SAFETY: `System` does the work, and is asked for what the caller asks for.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let before = ALLOCATED.fetch_add(layout.size(), Relaxed);
        if before.saturating_add(layout.size()) > MOST.load(Relaxed) {
            MOST.store(usize::MAX, Relaxed);
            eprintln!("the input takes too much memory: {before} bytes, and {} more", layout.size());
            std::process::abort();
        }
        // SAFETY: the caller promises what `GlobalAlloc` asks for, which is what the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        ALLOCATED.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller promises what `GlobalAlloc` asks for, which is what the system's allocator asks for.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counted = Counted;

static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let name = std::env::var("KINGLET_FUZZ_TARGET").expect("KINGLET_FUZZ_TARGET names a target");
    TARGETS.iter().find(|target| target.name == name).expect("KINGLET_FUZZ_TARGET names a target that there is")
});

fn initialize() {
    let target = *TARGET;
    let Some(folder) = std::env::var_os("KINGLET_FUZZ_SEEDS") else { return };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this lies below the workspace's root");
    let written = write_seeds(target, root, Path::new(&folder)).expect("the seeds can be made and written");
    println!("{written} seeds");
    std::process::exit(0);
}

fuzz_target!(init: initialize(), |input: &[u8]| {
    let target = *TARGET;
    MOST.store(ALLOCATED.load(Relaxed) + ALWAYS + A_BYTE * input.len(), Relaxed);
    (target.run)(input);
    MOST.store(usize::MAX, Relaxed);
});
