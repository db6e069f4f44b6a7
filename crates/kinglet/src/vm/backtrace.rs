//! Taking a backtrace while every guest frame is still there.

use std::collections::HashMap;

use kinglet_abi::VmStore;
use kinglet_interp::frame::{InterpreterFrame, StackSegment, walk};
use kinglet_interp::{Body, BytecodeSourceMap};

use crate::store::StoreCore;
use crate::trap::{FrameInfo, KEPT_FRAMES, WasmBacktrace};
use crate::{Module, Trap};

/// The guest's calls, innermost first.
///
/// # Safety
/// `vm` is the core's, and its guest code has called out.
pub(super) unsafe fn capture(core: &StoreCore, vm: *const VmStore, trap: Option<Trap>) -> WasmBacktrace {
    let mut backtrace = WasmBacktrace { trap, detail: None, frames: Vec::new(), omitted: 0 };
    let mut places = Places::default();
    // SAFETY: the caller promises that the record is the core's and that its guest code has called out.
    for segment in unsafe { walk(vm) } {
        match segment {
            StackSegment::Interpreter(frames) => {
                for frame in frames {
                    push(&mut backtrace, core, &frame, &mut places);
                }
            }
            #[cfg(feature = "jit")]
            StackSegment::Native(activation) => {
                // SAFETY: the activation is on the store's list, and has called out.
                for frame in unsafe { super::native::frames(activation) } {
                    push_native(&mut backtrace, core, &frame);
                }
            }
            #[cfg(not(feature = "jit"))]
            StackSegment::Native(_) => {}
        }
    }
    backtrace
}

/// The same from a host function, or while nothing runs.
pub(crate) fn capture_backtrace(core: &StoreCore) -> WasmBacktrace {
    // SAFETY: the core is borrowed, so that its guest code, if it runs, has called out.
    unsafe { capture(core, core.vm.pointer().as_ptr(), None) }
}

/// Where the code of the functions seen so far comes from: to find out costs as much as lowering, once a function.
#[derive(Default)]
struct Places {
    sources: HashMap<*const Body, BytecodeSourceMap>,
}

impl Places {
    fn offset(&mut self, body: &Body, ip: *const u32) -> Option<u32> {
        body.source_offset(self.sources.entry(body).or_insert_with(|| body.sources()), ip)
    }
}

fn push(backtrace: &mut WasmBacktrace, core: &StoreCore, frame: &InterpreterFrame, places: &mut Places) {
    if backtrace.frames.len() >= KEPT_FRAMES {
        backtrace.omitted += 1;
        return;
    }
    let Some(instance) = super::instance::index_of(frame.vmctx) else { return };
    // SAFETY: the frame is still on the stack.
    let body = unsafe { frame.body() };
    if backtrace.trap == Some(Trap::Unsupported) && backtrace.frames.is_empty() {
        backtrace.detail = body.lowering_error().map(|error| error.to_string());
    }
    let module = Module::from_inner(core.instances[instance].module.inner().clone());
    backtrace.frames.push(info(module, body, places.offset(body, frame.ip)));
}

/// A frame that is at none of its operators is at its entry, before the first.
fn info(module: Module, body: &Body, offset: Option<u32>) -> FrameInfo {
    let func_index = body.func_index();
    let wasm = module.inner().wasm();
    let start = || kinglet_wasm::walk::first_operator_offset(wasm, func_index?.checked_sub(wasm.imported_funcs)?);
    let offset = offset.or_else(start);
    FrameInfo { module, func_index, offset }
}

/// The same for a frame of native code, which knows its function but not its instance: any of the same module will do.
#[cfg(feature = "jit")]
fn push_native(backtrace: &mut WasmBacktrace, core: &StoreCore, frame: &super::native::NativeFrame) {
    if backtrace.frames.len() >= KEPT_FRAMES {
        backtrace.omitted += 1;
        return;
    }
    // SAFETY: the function's module is kept by the instance whose frame it is.
    let Some(body) = (unsafe { (*frame.cell).body().cast::<kinglet_interp::Body>().as_ref() }) else { return };
    let environment = std::ptr::from_ref(body.environment());
    let is_its = |module: &Module| std::ptr::eq(module.inner().code().environment(), environment);
    let Some(instance) = core.instances.iter().find(|instance| is_its(&instance.module)) else { return };
    let module = instance.module.clone();
    backtrace.frames.push(info(module, body, frame.offset));
}
