//! The signals that this process inherited as ignored. Rust's runtime ignores SIGPIPE before `main`, so its inherited state
//! is read before the runtime starts.

#![allow(unsafe_code)]

use std::sync::atomic::{AtomicBool, Ordering};

static SIGPIPE_IGNORED: AtomicBool = AtomicBool::new(false);

/// Whether the process inherited `signal` as ignored.
pub(super) fn is_ignored(signal: i32) -> bool {
    if signal == libc::SIGPIPE { SIGPIPE_IGNORED.load(Ordering::Relaxed) } else { is_ignored_now(signal) }
}

fn is_ignored_now(signal: i32) -> bool {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: without a new action the system changes nothing. It writes the current action to the second pointer, which is
    // valid for it.
    let queried = unsafe { libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) };
    // SAFETY: the call succeeded, and so initialized all of it.
    queried == 0 && unsafe { action.assume_init() }.sa_sigaction == libc::SIG_IGN
}

extern "C" fn record() {
    SIGPIPE_IGNORED.store(is_ignored_now(libc::SIGPIPE), Ordering::Relaxed);
}

// SAFETY: the section is a list of pointers to functions that the loader calls before `main`. This is such a pointer, and
// the function ignores its arguments, does not allocate, and does not unwind.
#[cfg_attr(not(target_vendor = "apple"), unsafe(link_section = ".init_array"))]
#[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,__mod_init_func"))]
#[used]
static RECORD: extern "C" fn() = record;
