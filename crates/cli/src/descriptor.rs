//! Inherited file descriptors.

#![allow(unsafe_code)]

use std::os::fd::{BorrowedFd, RawFd};

use rustix::io::{FdFlags, fcntl_setfd};

/// Closes all descriptors except the standard streams in child processes started later. An inherited descriptor may be a pipe
/// whose end another process waits for, or a locked file.
pub(crate) fn close_in_children() {
    let number = |entry: std::io::Result<std::fs::DirEntry>| entry.ok()?.file_name().to_str()?.parse::<RawFd>().ok();
    let open: Vec<RawFd> = std::fs::read_dir("/dev/fd").into_iter().flatten().filter_map(number).collect();
    for descriptor in open.into_iter().filter(|descriptor| *descriptor > 2) {
        // SAFETY: it was open a moment ago. If it has been closed since, setting the flag fails.
        let descriptor = unsafe { BorrowedFd::borrow_raw(descriptor) };
        let _ = fcntl_setfd(descriptor, FdFlags::CLOEXEC);
    }
}

#[cfg(test)]
mod tests {
    use rustix::io::fcntl_getfd;

    use super::*;

    #[test]
    fn open_descriptors_are_closed_in_children() {
        let (reader, writer) = rustix::pipe::pipe().unwrap();
        let closed = || [&reader, &writer].map(|end| fcntl_getfd(end).unwrap().contains(FdFlags::CLOEXEC));
        assert_eq!(closed(), [false; 2]);
        close_in_children();
        assert_eq!(closed(), [true; 2]);
        assert!(!fcntl_getfd(std::io::stdout()).unwrap().contains(FdFlags::CLOEXEC));
    }
}
