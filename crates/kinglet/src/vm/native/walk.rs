//! Walks the frames of a native activation, for backtraces, roots and handler search. A walk must identify every frame.
//! If it skipped one, it could miss a reference that the collector needs, or a handler. An unknown return address means
//! a corrupted stack or a bug, so it aborts the process.

use kinglet_abi::{Activation, FuncCell};

use super::registry::{self, PublishedCode};

/// A frame of native code that has called out.
pub(super) struct CodeFrame<'a> {
    pub(super) fp: usize,
    /// The return address of its current call.
    pub(super) pc: usize,
    pub(super) code: &'a PublishedCode,
}

/// A guest frame of native code.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NativeFrame {
    /// The function's cell.
    pub(crate) cell: *const FuncCell,
    /// The module offset of the current operator, in bytes.
    pub(crate) offset: Option<u32>,
}

/// Calls `f` with the frames of a native activation that has called out, innermost first, until `f` returns a value.
///
/// # Safety
/// The activation is on its store's list, and its exit frame is set.
pub(super) unsafe fn find_frame<R>(
    activation: *const Activation,
    mut f: impl FnMut(&CodeFrame<'_>) -> Option<R>,
) -> Option<R> {
    // SAFETY: the caller promises that the activation is live and that its exit frame is set (see `# Safety`).
    let ([mut fp, mut pc], end) = unsafe { (*(*activation).exit_frame, (*activation).entry_fp) };
    while fp != end {
        // SAFETY: the store keeps its instances, which keep their modules and code. The store has a frame here, so it
        // is alive.
        match unsafe { registry::find(pc, |code| f(&CodeFrame { fp, pc, code })) } {
            None => abort_on_unknown_code(pc),
            Some(None) => {}
            Some(found) => return found,
        }
        // SAFETY: native code maintains frame pointers. Each points to the caller's frame pointer, followed by the
        // return address.
        [fp, pc] = unsafe { *(fp as *const [usize; 2]) };
    }
    None
}

/// Aborts the process, because the stack is corrupted.
#[cold]
fn abort_on_unknown_code(pc: usize) -> ! {
    eprintln!(
        "kinglet: internal inconsistency: a frame of native code returns to {pc:#x}, where no code is published. \
         The stack is corrupted, or this is a bug in Kinglet; the process aborts."
    );
    std::process::abort()
}

/// Returns the guest frames of a native activation, innermost first.
///
/// # Safety
/// See [`find_frame`].
pub(in crate::vm) unsafe fn frames(activation: *const Activation) -> Vec<NativeFrame> {
    let mut guests = Vec::new();
    let push = |frame: &CodeFrame<'_>| {
        let cell = frame.code.cell(frame.pc);
        if !cell.is_null() {
            guests.push(NativeFrame { cell, offset: frame.code.source(frame.pc) });
        }
        None::<()>
    };
    // SAFETY: the caller promises that the activation is on its store's list and that its exit frame is set.
    unsafe { find_frame(activation, push) };
    guests
}

/// Calls `visit` with every GC-managed reference in the frames of a native activation. `visit` may change it.
///
/// # Safety
/// See [`frames`].
pub(in crate::vm) unsafe fn visit_roots(activation: *const Activation, visit: &mut dyn FnMut(&mut u32)) {
    let visit_frame = |frame: &CodeFrame<'_>| {
        let tables = frame.code.tables();
        let map = tables.stack_map(frame.code.offset(frame.pc))?;
        let sp = frame.fp - map.frame as usize;
        for at in tables.refs(map) {
            // SAFETY: the compiler's stack map states that this word of the frame holds a reference during the call.
            visit(unsafe { &mut *((sp + *at as usize) as *mut u32) });
        }
        None::<()>
    };
    // SAFETY: the caller promises that the activation is on its store's list and that its exit frame is set.
    unsafe { find_frame(activation, visit_frame) };
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::ptr::{null, null_mut};

    use kinglet_abi::ActivationKind;

    use super::*;

    #[test]
    fn a_frame_of_unknown_code_aborts_with_a_message() {
        let mut child = Command::new(std::env::current_exe().unwrap());
        let name = "vm::native::walk::tests::walks_a_frame_of_unknown_code";
        let output = child.args([name, "--exact", "--ignored", "--nocapture"]).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && stderr.contains("a frame of native code returns to 0x1234"), "{output:?}");
        assert!(!stderr.contains("walked"), "{stderr}");
    }

    #[test]
    #[ignore = "run by a_frame_of_unknown_code_aborts_with_a_message in a child process"]
    fn walks_a_frame_of_unknown_code() {
        let (entry, exit) = ([0_usize; 2], [std::ptr::from_ref(&null::<u8>()) as usize, 0x1234]);
        let activation = Activation {
            prev: null_mut(),
            kind: ActivationKind::Native,
            vmctx: null_mut(),
            base_record: null_mut(),
            exit_frame: &exit,
            fault: [0; 2],
            entry_fp: entry.as_ptr() as usize,
            entry_sp: 0,
            entry_handler: 0,
        };
        // SAFETY: the walk looks up the first frame before it reads the frame's contents.
        let frames = unsafe { frames(&activation) };
        eprintln!("walked {} frames", frames.len());
    }
}
