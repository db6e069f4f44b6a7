//! Descriptors that this process was given by whoever started it.

#![allow(unsafe_code)]

use std::os::fd::{BorrowedFd, RawFd};

use rustix::io::{FdFlags, fcntl_setfd};

/// Has all but the standard streams closed in processes that are started from now on. They may be a pipe of which somebody
/// waits for the end, or a file with a lock.
pub(crate) fn keep_to_ourselves() {
    let number = |entry: std::io::Result<std::fs::DirEntry>| entry.ok()?.file_name().to_str()?.parse::<RawFd>().ok();
    let open: Vec<RawFd> = std::fs::read_dir("/dev/fd").into_iter().flatten().filter_map(number).collect();
    for descriptor in open.into_iter().filter(|descriptor| *descriptor > 2) {
        // SAFETY: it was open just now, and if it is not any more then there is nothing of which a flag could be set.
        let descriptor = unsafe { BorrowedFd::borrow_raw(descriptor) };
        let _ = fcntl_setfd(descriptor, FdFlags::CLOEXEC);
    }
}

#[cfg(test)]
mod tests {
    use rustix::io::fcntl_getfd;

    use super::*;

    #[test]
    fn what_was_open_is_closed_for_others() {
        let (reader, writer) = rustix::pipe::pipe().unwrap();
        let closed = || [&reader, &writer].map(|end| fcntl_getfd(end).unwrap().contains(FdFlags::CLOEXEC));
        assert_eq!(closed(), [false; 2]);
        keep_to_ourselves();
        assert_eq!(closed(), [true; 2]);
        assert!(!fcntl_getfd(std::io::stdout()).unwrap().contains(FdFlags::CLOEXEC));
    }
}
