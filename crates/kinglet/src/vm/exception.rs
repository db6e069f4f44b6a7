//! Exceptions that leave an activation.

use kinglet_abi::VmStore;
use kinglet_interp::frame::{Segment, walk_to};

/// Whether the pending exception is caught farther out than the innermost activation, by guests that the host has not
/// called since. If not it ends the host's call, as a trap whose backtrace has to be taken before any frame goes.
///
/// # Safety
/// `vm` is live, and its guest code has called out.
pub(super) unsafe fn caught_farther_out(vm: *const VmStore) -> bool {
    // SAFETY: by contract; the host called in below the innermost activation.
    let (segments, thrown) =
        unsafe { (walk_to((*vm).record, (*vm).activation, (*vm).host_activation), (*vm).exception_tag) };
    segments.into_iter().skip(1).any(|segment| match segment {
        // SAFETY: none of the frames has gone.
        Segment::Interpreter(frames) => frames.iter().any(|frame| unsafe { frame.catches(thrown) }),
        #[cfg(feature = "jit")]
        // SAFETY: the activation is on the store's list, and has called out.
        Segment::Native(activation) => unsafe { super::native::activation_catches(vm, activation, thrown) },
        #[cfg(not(feature = "jit"))]
        Segment::Native(_) => false,
    })
}
