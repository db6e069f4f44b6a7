//! The lowest priority for CPUs and disks on Linux; elsewhere only the highest niceness.

#![allow(unsafe_code)]

use rustix::process::nice;

/// The niceness of the process.
const NICENESS: i32 = 19;

/// Sets the lowest priority for this process and the threads that it starts later. The process must have its own session.
pub(crate) fn lowest() {
    let _ = nice(NICENESS);
    #[cfg(target_os = "linux")]
    linux::lowest();
}

#[cfg(target_os = "linux")]
mod linux {
    use std::time::Duration;

    use super::NICENESS;

    /// The time between attempts. The kernel accepts ten changes of autogroups a second, by all processes together.
    const RETRY_AFTER: Duration = Duration::from_millis(120);

    pub(super) fn lowest() {
        let idle = libc::sched_param { sched_priority: 0 };
        // SAFETY: reads the parameter, and changes only this thread's scheduling.
        let _ = unsafe { libc::sched_setscheduler(0, libc::SCHED_IDLE, &raw const idle) };
        // This thread gets the idle class for disks: see ioprio_set(2).
        const PROCESS: libc::c_int = 1;
        const IDLE: libc::c_int = 3 << 13;
        // SAFETY: takes numbers, and changes only this thread's priority for disks.
        let _ = unsafe { libc::syscall(libc::SYS_ioprio_set, PROCESS, 0, IDLE) };
        // A session gets the same share of the CPUs as any other session, whatever the niceness of the process in it:
        // sched(7), "The autogroup feature".
        for _ in 0..5 {
            match std::fs::write("/proc/self/autogroup", NICENESS.to_string()) {
                Err(error) if error.raw_os_error() == Some(libc::EAGAIN) => std::thread::sleep(RETRY_AFTER),
                _ => break,
            }
        }
    }
}
