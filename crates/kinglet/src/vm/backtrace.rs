//! Taking a backtrace while every guest frame is still there.

use kinglet_abi::VmStore;
use kinglet_interp::frame::{Frame, Segment, walk};

use crate::store::StoreCore;
use crate::trap::{FrameInfo, KEPT_FRAMES, WasmBacktrace};
use crate::{Module, Trap};

/// The guest's calls, innermost first.
///
/// # Safety
/// `vm` is the core's, and its guest code has called out.
pub(super) unsafe fn capture(core: &StoreCore, vm: *const VmStore, trap: Trap) -> WasmBacktrace {
    let mut backtrace = WasmBacktrace { trap, frames: Vec::new(), omitted: 0 };
    // SAFETY: passed on.
    for segment in unsafe { walk(vm) } {
        match segment {
            Segment::Interpreter(frames) => {
                for frame in frames {
                    push(&mut backtrace, core, &frame);
                }
            }
            Segment::Native(_) => {}
        }
    }
    backtrace
}

fn push(backtrace: &mut WasmBacktrace, core: &StoreCore, frame: &Frame) {
    if backtrace.frames.len() >= KEPT_FRAMES {
        backtrace.omitted += 1;
        return;
    }
    let Some(instance) = super::instance::index_of(frame.vmctx) else { return };
    // SAFETY: the frame is still on the stack.
    let body = unsafe { frame.body() };
    let module = Module::from_inner(core.instances[instance].module.inner().clone());
    // SAFETY: as above.
    let info = FrameInfo { module, func_index: body.func_index(), offset: body.source_offset(frame.ip) };
    backtrace.frames.push(info);
}
