//! Exceptions that leave an activation.

use kinglet_abi::{Activation, VmStore};
use kinglet_interp::frame;

/// Whether the pending exception is caught farther out than the innermost activation, by guests that the host has not
/// called since. If not it ends the host's call, as a trap whose backtrace has to be taken before any frame goes.
///
/// # Safety
/// `vm` is live, and its guest code has called out.
pub(super) unsafe fn caught_farther_out(vm: *const VmStore) -> bool {
    // SAFETY: the caller promises that the store is live (see `# Safety`).
    let thrown = unsafe { (*vm).exception_tag };
    #[cfg(feature = "jit")]
    // SAFETY: the activation is on the store's list, and has called out.
    let native = |activation: *mut Activation| unsafe { super::native::activation_catches(activation, thrown) };
    #[cfg(not(feature = "jit"))]
    let native = |_: *mut Activation| false;
    // SAFETY: the caller promises that the store is live and that its guest code has called out (see `# Safety`).
    unsafe { frame::caught_by_outer_activation(vm, thrown, native) }
}
