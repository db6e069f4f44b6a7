//! Makes processors fetch newly written instructions. x86-64 keeps its instruction caches coherent. Other processors
//! have incoherent instruction caches and prefetch.
//!
//! AArch64: Arm Architecture Reference Manual, B2.4.4. RISC-V: the extension Zifencei; the system runs its fence on all
//! threads.

/// Makes `len` bytes of code, written at `written`, visible to instruction fetches at `run`. The two may be different
/// mappings of the same memory. Afterwards every thread of the process runs the new code.
#[cfg(target_arch = "x86_64")]
pub(super) fn flush_instruction_cache(_written: usize, _run: usize, _len: usize) {}

/// See above.
#[cfg(target_arch = "aarch64")]
pub(super) fn flush_instruction_cache(written: usize, run: usize, len: usize) {
    use std::arch::asm;
    let types: u64;
    // SAFETY: the instruction reads a register that is readable in user mode.
    unsafe { asm!("mrs {}, ctr_el0", out(reg) types, options(nomem, nostack)) };
    // Cache line sizes are powers of two, in words.
    let line = |bits: u64| 4 << (bits & 0xf);
    let lines = |start: usize, size: usize| (start / size * size..start + len).step_by(size);
    for at in lines(written, line(types >> 16)) {
        // SAFETY: the instruction cleans a mapped cache line, which changes no memory.
        unsafe { asm!("dc cvau, {}", in(reg) at, options(nostack)) };
    }
    // SAFETY: the instructions are only barriers.
    unsafe { asm!("dsb ish", options(nostack)) };
    for at in lines(run, line(types)) {
        // SAFETY: the instruction discards a line of the instruction cache, which is fetched from memory again.
        unsafe { asm!("ic ivau, {}", in(reg) at, options(nostack)) };
    }
    // SAFETY: the instructions are only barriers.
    unsafe { asm!("dsb ish", "isb", options(nostack)) };
    let _ = other_threads::synchronize();
}

#[cfg(all(target_arch = "aarch64", target_os = "linux"))]
mod other_threads {
    //! Other threads of the process.

    use std::sync::OnceLock;

    use rustix::io::Result;
    use rustix::thread::{MembarrierCommand, membarrier};

    /// Makes every running thread synchronize its instruction fetches. Other threads do so when they are scheduled. If
    /// the system refuses, running threads synchronize when they are next scheduled or interrupted.
    pub(super) fn synchronize() -> Result<()> {
        static REGISTERED: OnceLock<Result<()>> = OnceLock::new();
        (*REGISTERED.get_or_init(|| membarrier(MembarrierCommand::RegisterPrivateExpeditedSyncCore)))?;
        membarrier(MembarrierCommand::PrivateExpeditedSyncCore)
    }
}

#[cfg(all(target_arch = "aarch64", not(target_os = "linux")))]
mod other_threads {
    /// Does nothing, because other systems synchronize threads when they change a mapping's protection.
    pub(super) fn synchronize() -> Result<(), ()> {
        Ok(())
    }
}

/// See above.
#[cfg(all(target_arch = "riscv64", target_os = "linux"))]
pub(super) fn flush_instruction_cache(_written: usize, run: usize, len: usize) {
    /// The system call `riscv_flush_icache` (asm/unistd.h).
    const FLUSH: libc::c_long = 259;
    const ALL_THREADS: usize = 0;
    // SAFETY: the code synchronizes the instruction fetches of all threads, or of this thread if the system refuses. It
    // changes no memory.
    unsafe {
        if libc::syscall(FLUSH, run, run + len, ALL_THREADS) != 0 {
            std::arch::asm!("fence.i", options(nostack));
        }
    }
}

/// No code runs on these platforms.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64", all(target_arch = "riscv64", target_os = "linux"))))]
pub(super) fn flush_instruction_cache(_written: usize, _run: usize, _len: usize) {}
