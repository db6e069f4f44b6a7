//! Has processors fetch instructions as they were just written. Those of x86-64 do by themselves; others keep caches of
//! instructions that know nothing of stores, and may have fetched ahead.
//!
//! AArch64: Arm Architecture Reference Manual, B2.4.4; RISC-V: the extension Zifencei, whose fence the system does for all
//! threads.

/// Code of `len` bytes was written at `written` and will run at `run`, which may be another mapping of the same memory:
/// every thread of the process that runs it from now on runs what was written.
#[cfg(target_arch = "x86_64")]
pub(super) fn fetch_anew(_written: usize, _run: usize, _len: usize) {}

/// See above.
#[cfg(target_arch = "aarch64")]
pub(super) fn fetch_anew(written: usize, run: usize, len: usize) {
    use std::arch::asm;
    let types: u64;
    // SAFETY: reads a register that every program may read.
    unsafe { asm!("mrs {}, ctr_el0", out(reg) types, options(nomem, nostack)) };
    // Sizes of cache lines as powers of two, in words.
    let line = |bits: u64| 4 << (bits & 0xf);
    let lines = |start: usize, size: usize| (start / size * size..start + len).step_by(size);
    for at in lines(written, line(types >> 16)) {
        // SAFETY: cleans a line of memory that is mapped, which changes nothing that a program sees.
        unsafe { asm!("dc cvau, {}", in(reg) at, options(nostack)) };
    }
    // SAFETY: barriers.
    unsafe { asm!("dsb ish", options(nostack)) };
    for at in lines(run, line(types)) {
        // SAFETY: it discards lines of the instruction cache, which are read again from memory.
        unsafe { asm!("ic ivau, {}", in(reg) at, options(nostack)) };
    }
    // SAFETY: barriers.
    unsafe { asm!("dsb ish", "isb", options(nostack)) };
    let _ = others::forget_what_they_fetched();
}

#[cfg(all(target_arch = "aarch64", target_os = "linux"))]
mod others {
    //! The other threads of the process.

    use std::sync::OnceLock;

    use rustix::io::Result;
    use rustix::thread::{MembarrierCommand, membarrier};

    /// Has every other thread that runs synchronize what it fetches; those that do not run will when they are scheduled.
    /// Where the call is refused, others synchronize when they are next scheduled, or take an interrupt.
    pub(super) fn forget_what_they_fetched() -> Result<()> {
        static REGISTERED: OnceLock<Result<()>> = OnceLock::new();
        (*REGISTERED.get_or_init(|| membarrier(MembarrierCommand::RegisterPrivateExpeditedSyncCore)))?;
        membarrier(MembarrierCommand::PrivateExpeditedSyncCore)
    }
}

#[cfg(all(target_arch = "aarch64", not(target_os = "linux")))]
mod others {
    /// Other systems synchronize when they change a mapping's access.
    pub(super) fn forget_what_they_fetched() -> Result<(), ()> {
        Ok(())
    }
}

/// See above.
#[cfg(all(target_arch = "riscv64", target_os = "linux"))]
pub(super) fn fetch_anew(_written: usize, run: usize, len: usize) {
    /// The number of `riscv_flush_icache` (asm/unistd.h).
    const FLUSH: libc::c_long = 259;
    const ALL_THREADS: usize = 0;
    // SAFETY: has the system synchronize fetches of all threads, or, where it may not be asked, does so for this one;
    // changes nothing that a program sees.
    unsafe {
        if libc::syscall(FLUSH, run, run + len, ALL_THREADS) != 0 {
            std::arch::asm!("fence.i", options(nostack));
        }
    }
}

/// No code runs there.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64", all(target_arch = "riscv64", target_os = "linux"))))]
pub(super) fn fetch_anew(_written: usize, _run: usize, _len: usize) {}
