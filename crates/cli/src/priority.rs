//! The lowest claim on processors and disks that a process can have on Linux; elsewhere it is only as nice as it can be.

#![allow(unsafe_code)]

use rustix::process::nice;

/// How much nicer than others the process is.
const NICENESS: i32 = 19;

/// Gives this process, and the threads that it starts from now on, what nobody else wants. It has a session of its own.
pub(crate) fn lowest() {
    let _ = nice(NICENESS);
    #[cfg(target_os = "linux")]
    linux::lowest();
}

#[cfg(target_os = "linux")]
mod linux {
    use std::time::Duration;

    use super::NICENESS;

    /// Between attempts: the kernel lets a group's claim be changed ten times a second, by all processes together.
    const AGAIN: Duration = Duration::from_millis(120);

    pub(super) fn lowest() {
        let idle = libc::sched_param { sched_priority: 0 };
        // SAFETY: reads the parameter, and changes nothing but this thread's scheduling.
        let _ = unsafe { libc::sched_setscheduler(0, libc::SCHED_IDLE, &raw const idle) };
        // The idle class of disks, for this thread: see ioprio_set(2).
        const PROCESS: libc::c_int = 1;
        const IDLE: libc::c_int = 3 << 13;
        // SAFETY: takes numbers, and changes nothing but this thread's claim on disks.
        let _ = unsafe { libc::syscall(libc::SYS_ioprio_set, PROCESS, 0, IDLE) };
        // A session is a group that gets as large a share of the processors as any other session has, however nice its
        // only process is to others of the group: sched(7), "The autogroup feature".
        for _ in 0..5 {
            match std::fs::write("/proc/self/autogroup", NICENESS.to_string()) {
                Err(error) if error.raw_os_error() == Some(libc::EAGAIN) => std::thread::sleep(AGAIN),
                _ => break,
            }
        }
    }
}
