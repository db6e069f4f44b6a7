//! Exceptions that propagate out of an activation.

use kinglet_abi::{Activation, VmStore};
use kinglet_interp::frame;

/// Returns whether an activation outside the innermost one catches the pending exception. Only activations since the
/// host's last call into the guest count. An uncaught exception ends the host's call as a trap; its backtrace is
/// captured before any frame is unwound.
///
/// # Safety
/// `vm` is live, and its guest code is suspended in a call to the runtime.
pub(super) unsafe fn caught_by_outer_activation(vm: *const VmStore) -> bool {
    // SAFETY: the caller promises that the store is live (see `# Safety`).
    let thrown = unsafe { (*vm).exception_tag };
    #[cfg(feature = "jit")]
    // SAFETY: the activation is on the store's list, and it has called out.
    let native = |activation: *mut Activation| unsafe { super::native::activation_catches(activation, thrown) };
    #[cfg(not(feature = "jit"))]
    let native = |_: *mut Activation| false;
    // SAFETY: the caller promises that the store is live and that its guest code is suspended in a call to the runtime
    // (see `# Safety`).
    unsafe { frame::caught_by_outer_activation(vm, thrown, native) }
}
