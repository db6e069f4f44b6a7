//! Which signals the parent has this process ignore. Rust's runtime ignores SIGPIPE before `main`, whatever the parent had
//! done, so that one is looked at before the runtime starts.

#![allow(unsafe_code)]

use std::sync::atomic::{AtomicBool, Ordering};

static SIGPIPE_IGNORED: AtomicBool = AtomicBool::new(false);

/// Whether the parent has this process ignore `signal`.
pub(super) fn is_ignored(signal: i32) -> bool {
    if signal == libc::SIGPIPE { SIGPIPE_IGNORED.load(Ordering::Relaxed) } else { is_ignored_now(signal) }
}

fn is_ignored_now(signal: i32) -> bool {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: without a new action the system changes nothing; it writes the whole of the present one to where the second
    // pointer says, which has room for it.
    let asked = unsafe { libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) };
    // SAFETY: the call has succeeded, and so has written all of it.
    asked == 0 && unsafe { action.assume_init() }.sa_sigaction == libc::SIG_IGN
}

extern "C" fn look() {
    SIGPIPE_IGNORED.store(is_ignored_now(libc::SIGPIPE), Ordering::Relaxed);
}

// SAFETY: the section is a list of pointers to functions that the loader calls in turn before `main`. This is such a
// pointer, and the function takes nothing of what it is given, allocates nothing and does not unwind.
#[cfg_attr(not(target_vendor = "apple"), unsafe(link_section = ".init_array"))]
#[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,__mod_init_func"))]
#[used]
static LOOK: extern "C" fn() = look;
