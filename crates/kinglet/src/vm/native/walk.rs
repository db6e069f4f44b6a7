//! Walking the frames of a native activation, for backtraces, roots and the search for handlers. Every frame is known:
//! to leave one out would be to miss a reference that the collector has to see, or a clause that catches. So a walk that
//! meets an address of which nothing is known, which only damage to the stack or a mistake here can bring about, ends the
//! process.

use kinglet_abi::{Activation, FuncCell};

use super::registry::{self, Published};

/// A frame of native code that has called out.
pub(super) struct CodeFrame<'a> {
    pub(super) fp: usize,
    /// Where it goes on.
    pub(super) pc: usize,
    pub(super) code: &'a Published,
}

/// A guest frame of native code.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NativeFrame {
    /// The function.
    pub(crate) cell: *const FuncCell,
    /// The byte offset in the module of the operator it is at.
    pub(crate) offset: Option<u32>,
}

/// Shows `f` the frames of a native activation that has called out, innermost first, until it has something to return.
///
/// # Safety
/// The activation is on its store's list and has noted where it left.
pub(super) unsafe fn find_frame<R>(
    activation: *const Activation,
    mut f: impl FnMut(&CodeFrame<'_>) -> Option<R>,
) -> Option<R> {
    // SAFETY: the caller promises that the activation is live and has noted its exit frame (see `# Safety`).
    let ([mut fp, mut pc], end) = unsafe { (*(*activation).exit_frame, (*activation).entry_fp) };
    while fp != end {
        // SAFETY: a module's instances keep it as long as their store lives, which has a frame here.
        match unsafe { registry::find(pc, |code| f(&CodeFrame { fp, pc, code })) } {
            None => unknown(pc),
            Some(None) => {}
            Some(found) => return found,
        }
        // SAFETY: native code keeps frame pointers: at each is the caller's, and the return address above it.
        [fp, pc] = unsafe { *(fp as *const [usize; 2]) };
    }
    None
}

/// Ends the process, of whose stack nothing is certain any more.
#[cold]
fn unknown(pc: usize) -> ! {
    eprintln!(
        "kinglet: internal inconsistency: a frame of native code goes on at {pc:#x}, where no code was published. \
         The stack is damaged, or this is a bug in Kinglet; the process ends."
    );
    std::process::abort()
}

/// The guest frames of a native activation, innermost first.
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
    // SAFETY: the caller promises that the activation is on its store's list and has noted where it left.
    unsafe { find_frame(activation, push) };
    guests
}

/// Shows every traced reference in the frames of a native activation to a collector, which may change it.
///
/// # Safety
/// See [`frames`].
pub(in crate::vm) unsafe fn visit_roots(activation: *const Activation, visit: &mut dyn FnMut(&mut u32)) {
    let visit_frame = |frame: &CodeFrame<'_>| {
        let tables = frame.code.tables();
        let map = tables.stack_map(frame.code.offset(frame.pc))?;
        let sp = frame.fp - map.frame as usize;
        for at in tables.refs(map) {
            // SAFETY: the compiler's stack map says that the word of the frame is a reference while a call is out.
            visit(unsafe { &mut *((sp + *at as usize) as *mut u32) });
        }
        None::<()>
    };
    // SAFETY: the caller promises that the activation is on its store's list and has noted where it left.
    unsafe { find_frame(activation, visit_frame) };
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::ptr::{null, null_mut};

    use kinglet_abi::ActivationKind;

    use super::*;

    #[test]
    fn a_frame_of_unknown_code_ends_the_process_with_a_message() {
        let mut alone = Command::new(std::env::current_exe().unwrap());
        let name = "vm::native::walk::tests::walks_a_frame_of_unknown_code";
        let output = alone.args([name, "--exact", "--ignored", "--nocapture"]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains("a frame of native code goes on at 0x1234"), "{output:?}");
        assert!(!said.contains("went on"), "{said}");
    }

    #[test]
    #[ignore = "run by a_frame_of_unknown_code_ends_the_process_with_a_message in a process of its own"]
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
        // SAFETY: the first frame is looked up before anything is read of it.
        let frames = unsafe { frames(&activation) };
        eprintln!("went on with {} frames", frames.len());
    }
}
