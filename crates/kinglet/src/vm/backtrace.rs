//! Captures backtraces while all guest frames are still on the stack.

use std::collections::HashMap;

use kinglet_abi::VmStore;
use kinglet_interp::frame::{InterpreterFrame, StackSegment, walk};
use kinglet_interp::{BytecodeSourceMap, LazyBody};

use crate::store::StoreCore;
use crate::trap::{FrameInfo, WasmBacktrace};
use crate::{Module, Trap};

/// Returns the guest's frames, innermost first.
///
/// # Safety
/// `vm` belongs to `core`, and guest code is suspended in a call to the runtime.
pub(super) unsafe fn capture(core: &StoreCore, vm: *const VmStore, trap: Option<Trap>) -> WasmBacktrace {
    let mut backtrace = WasmBacktrace { trap, detail: None, frames: Vec::new(), omitted: 0 };
    if max_frames(core) == 0 {
        return backtrace;
    }
    let mut source_maps = SourceMaps::default();
    // SAFETY: the caller promises that `vm` belongs to `core` and that guest code is suspended in a call to the
    // runtime.
    for segment in unsafe { walk(vm) } {
        match segment {
            StackSegment::Interpreter(frames) => {
                for frame in frames {
                    push(&mut backtrace, core, &frame, &mut source_maps);
                }
            }
            #[cfg(feature = "jit")]
            StackSegment::Native(activation) => {
                // SAFETY: the activation is on the store's list, and it has called out.
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

/// Returns the maximum number of frames of a backtrace.
fn max_frames(core: &StoreCore) -> usize {
    core.engine.config().backtrace_frames.map_or(0, usize::from)
}

/// Captures a backtrace from a host function, or while no guest code runs.
pub(crate) fn capture_backtrace(core: &StoreCore) -> WasmBacktrace {
    // SAFETY: the core is borrowed, so its guest code, if it runs, is suspended in a call to the runtime.
    unsafe { capture(core, core.vm.pointer().as_ptr(), None) }
}

/// Source maps of the functions seen so far. A source map costs as much as lowering the function, so each is computed
/// once.
#[derive(Default)]
struct SourceMaps {
    sources: HashMap<*const LazyBody, BytecodeSourceMap>,
}

impl SourceMaps {
    fn offset(&mut self, body: &LazyBody, ip: *const u32) -> Option<u32> {
        body.source_offset(self.sources.entry(body).or_insert_with(|| body.sources()), ip)
    }
}

fn push(backtrace: &mut WasmBacktrace, core: &StoreCore, frame: &InterpreterFrame, source_maps: &mut SourceMaps) {
    if backtrace.frames.len() >= max_frames(core) {
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
    backtrace.frames.push(info(module, body, source_maps.offset(body, frame.ip)));
}

/// Describes a frame. Without a current operator, the frame is at the function's entry, so the first operator is used.
fn info(module: Module, body: &LazyBody, offset: Option<u32>) -> FrameInfo {
    let func_index = body.func_index();
    let wasm = module.inner().wasm();
    let start = || kinglet_wasm::walk::first_operator_offset(wasm, func_index?.checked_sub(wasm.imported_funcs)?);
    let offset = offset.or_else(start);
    FrameInfo { module, func_index, offset }
}

/// Adds a frame of native code. The frame identifies its function but not its instance. Any instance of the same module
/// is suitable.
#[cfg(feature = "jit")]
fn push_native(backtrace: &mut WasmBacktrace, core: &StoreCore, frame: &super::native::NativeFrame) {
    if backtrace.frames.len() >= max_frames(core) {
        backtrace.omitted += 1;
        return;
    }
    // SAFETY: the instance that owns the frame keeps the function's module alive.
    let Some(body) = (unsafe { (*frame.cell).body().cast::<kinglet_interp::LazyBody>().as_ref() }) else { return };
    let environment = std::ptr::from_ref(body.environment());
    let is_same_module = |module: &Module| std::ptr::eq(module.inner().code().environment(), environment);
    let Some(instance) = core.instances.iter().find(|instance| is_same_module(&instance.module)) else { return };
    let module = instance.module.clone();
    backtrace.frames.push(info(module, body, frame.offset));
}
