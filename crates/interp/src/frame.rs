//! The interpreter's frames and how they are walked. One region holds both halves of its stack: slots grow up from its
//! start, frame records down from its end; where they would meet is stack overflow. A callee's frame begins at its
//! arguments, in the caller's operand area.
//!
//! Invariant: between [`VmStore::record`] and the base record of the innermost activation lie that activation's frames,
//! newest first; the next outer activation's follow its base record. A record's `ip` is where the frame goes on, set
//! whenever it calls out; null marks an array call, which is no guest frame.

use std::ffi::c_void;

use kinglet_abi::{Activation, ActivationKind, FuncCell, VmCtx, VmStore, VmTag};

use crate::code::Body;

/// A frame's record.
#[repr(C)]
#[derive(Debug)]
pub struct Record {
    /// The function; null in the record below an activation's first frame.
    pub cell: *const FuncCell,
    /// Its instance.
    pub vmctx: *mut VmCtx,
    /// Its first slot.
    pub fp: *mut u64,
    /// Where it goes on; between a tail call and its callee's first instruction, the instance that called.
    pub ip: *const u32,
}

/// Room that a function's entry leaves free for the records and arguments of what it calls, in bytes.
pub const MARGIN: usize = 4 * size_of::<Record>();

/// A guest frame of the interpreter, as a walker sees it.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// The function.
    pub cell: *const FuncCell,
    /// Its instance.
    pub vmctx: *mut VmCtx,
    /// Its first slot.
    pub fp: *mut u64,
    /// Where it goes on.
    pub ip: *const u32,
}

impl Frame {
    /// The function's body.
    ///
    /// # Safety
    /// The frame must still be on the stack.
    pub unsafe fn body(&self) -> &Body {
        // SAFETY: a frame's cell is that of a module's function, kept alive by its instance.
        unsafe { &*(*self.cell).body().cast::<Body>() }
    }

    /// Whether it catches an exception with this tag.
    ///
    /// # Safety
    /// As for [`Frame::body`].
    pub unsafe fn catches(&self, thrown: *const VmTag) -> bool {
        // SAFETY: the frame is the body's, and runs in an instance of its module.
        unsafe { self.body().clause(self.ip, self.vmctx, thrown).is_some() }
    }
}

/// A stretch of the guest's stack, innermost first.
#[derive(Debug)]
pub enum Segment {
    /// Frames of the interpreter, newest first.
    Interpreter(Vec<Frame>),
    /// A native activation, to be walked by who knows native frames.
    Native(*mut Activation),
}

/// All of a store's guest frames, by activation.
///
/// # Safety
/// `store` must be live and its guest code not running, but called out.
pub unsafe fn walk(store: *const VmStore) -> Vec<Segment> {
    // SAFETY: the caller promises that the store is live and that its guest code has called out, and so noted both (see
    // `# Safety`).
    unsafe { walk_from((*store).record, (*store).activation) }
}

/// The same of a stack with this as its newest record and innermost activation.
///
/// # Safety
/// Both are as a live store noted them when its guest code called out, which still is out.
pub unsafe fn walk_from(record: *mut c_void, mut activation: *mut Activation) -> Vec<Segment> {
    let mut segments = Vec::new();
    let mut record = record.cast::<Record>();
    // SAFETY: the module's invariant.
    unsafe {
        while !activation.is_null() {
            match (*activation).kind {
                ActivationKind::Native => segments.push(Segment::Native(activation)),
                ActivationKind::Interpreter | ActivationKind::Bridge => {
                    let base = (*activation).base_record.cast::<Record>();
                    let mut frames = Vec::new();
                    while record < base {
                        if !(*record).ip.is_null() {
                            let Record { cell, vmctx, fp, ip } = *record;
                            frames.push(Frame { cell, vmctx, fp, ip });
                        }
                        record = record.add(1);
                    }
                    record = base.add(1);
                    segments.push(Segment::Interpreter(frames));
                }
            }
            activation = (*activation).prev;
        }
    }
    segments
}

/// Whether an exception with this tag is caught farther out than the store's innermost activation, but not farther than
/// the host's last call; `native` says it of a native activation. No frame is looked at beyond the one that catches.
///
/// # Safety
/// As for [`walk`].
pub unsafe fn caught_farther_out(
    store: *const VmStore,
    thrown: *const VmTag,
    native: impl Fn(*mut Activation) -> bool,
) -> bool {
    // SAFETY: the module's invariant; the host's last call is on the list.
    unsafe {
        let mut record = (*store).record.cast::<Record>();
        let mut activation = (*store).activation;
        while activation != (*store).host_activation {
            let innermost = activation == (*store).activation;
            if (*activation).kind == ActivationKind::Native {
                if !innermost && native(activation) {
                    return true;
                }
            } else {
                let base = (*activation).base_record.cast::<Record>();
                while record < base && !innermost {
                    let Record { cell, vmctx, fp, ip } = *record;
                    if !ip.is_null() && (Frame { cell, vmctx, fp, ip }).catches(thrown) {
                        return true;
                    }
                    record = record.add(1);
                }
                record = base.add(1);
            }
            activation = (*activation).prev;
        }
    }
    false
}
