//! Walking the frames of a native activation, for backtraces, roots and the search for handlers.

use kinglet_abi::{Activation, FuncCell, VmStore};

use super::registry::{Published, Registry};
use super::tier;
use std::sync::Arc;

/// A frame of native code that has called out.
pub(super) struct CodeFrame {
    pub(super) fp: usize,
    /// Where it goes on.
    pub(super) pc: usize,
    pub(super) code: Arc<Published>,
}

/// A guest frame of native code.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NativeFrame {
    /// The function.
    pub(crate) cell: *const FuncCell,
    /// The byte offset in the module of the operator it is at.
    pub(crate) offset: Option<u32>,
}

/// The frames of a native activation that has called out, innermost first.
///
/// # Safety
/// The activation is on its store's list and has noted where it left.
pub(super) unsafe fn code_frames(
    registry: &Registry,
    activation: *const Activation,
) -> impl Iterator<Item = CodeFrame> + '_ {
    // SAFETY: by contract.
    let ([mut fp, mut pc], end) = unsafe { (*(*activation).exit_frame, (*activation).entry_fp) };
    std::iter::from_fn(move || {
        if fp == end {
            return None;
        }
        let code = registry.find(pc)?;
        let frame = CodeFrame { fp, pc, code };
        // SAFETY: native code keeps frame pointers: at each is the caller's, and the return address above it.
        [fp, pc] = unsafe { *(fp as *const [usize; 2]) };
        Some(frame)
    })
}

/// The guest frames of a native activation, innermost first.
///
/// # Safety
/// See [`code_frames`]; `store` is the activation's.
pub(in crate::vm) unsafe fn frames(store: *const VmStore, activation: *const Activation) -> Vec<NativeFrame> {
    // SAFETY: passed on.
    let frames = unsafe { code_frames(&tier(store).registry, activation) };
    let guests =
        frames.map(|frame| NativeFrame { cell: frame.code.cell(frame.pc), offset: frame.code.source(frame.pc) });
    guests.filter(|frame| !frame.cell.is_null()).collect()
}

/// Shows every traced reference in the frames of a native activation to a collector, which may change it.
///
/// # Safety
/// See [`frames`].
pub(in crate::vm) unsafe fn visit_roots(
    store: *const VmStore,
    activation: *const Activation,
    visit: &mut dyn FnMut(&mut u32),
) {
    // SAFETY: passed on; stack maps say which words of a frame are references while a call is out.
    unsafe {
        for frame in code_frames(&tier(store).registry, activation) {
            let tables = frame.code.tables();
            let Some(map) = tables.stack_map(frame.code.offset(frame.pc)) else { continue };
            let sp = frame.fp - map.frame as usize;
            for at in tables.refs(map) {
                visit(&mut *((sp + *at as usize) as *mut u32));
            }
        }
    }
}
