//! The interpreter's frames and how to walk them.
//!
//! One region holds both halves of the stack. Slots grow up from its start, and frame records grow down from its end. A
//! stack overflow occurs when they would meet. A callee's frame starts at its arguments, in the caller's operand area.
//!
//! Invariant: the frames of the innermost activation lie between [`VmStore::record`] and the activation's base record,
//! newest first. The frames of the next outer activation follow the base record. A record's `ip` is the resume address,
//! which is set before every call. A null `ip` marks an array call, which is not a guest frame.

use std::ffi::c_void;

use kinglet_abi::{Activation, ActivationKind, FuncCell, VmCtx, VmStore, VmTag};

use crate::code::LazyBody;

/// The record of a frame.
#[repr(C)]
#[derive(Debug)]
pub struct Record {
    /// The function. Null in the base record of an activation.
    pub cell: *const FuncCell,
    /// Its instance.
    pub vmctx: *mut VmCtx,
    /// The first slot.
    pub fp: *mut u64,
    /// The resume address. Between a tail call and the callee's first instruction, this field holds the caller's
    /// instance.
    pub ip: *const u32,
}

/// The stack, in bytes, that a function's entry check reserves for its callees' records and arguments.
pub const MARGIN: usize = 4 * size_of::<Record>();

/// A guest frame of the interpreter, found by a stack walk.
#[derive(Clone, Copy, Debug)]
pub struct InterpreterFrame {
    /// The function.
    pub cell: *const FuncCell,
    /// Its instance.
    pub vmctx: *mut VmCtx,
    /// The first slot.
    pub fp: *mut u64,
    /// The resume address.
    pub ip: *const u32,
}

impl InterpreterFrame {
    /// Returns the function's body.
    ///
    /// # Safety
    /// The frame must still be on the stack.
    pub unsafe fn body(&self) -> &LazyBody {
        // SAFETY: the frame's cell belongs to a function of a module, which its instance keeps alive.
        unsafe { &*(*self.cell).body().cast::<LazyBody>() }
    }

    /// Returns whether the frame catches an exception with this tag.
    ///
    /// # Safety
    /// As for [`InterpreterFrame::body`].
    pub unsafe fn catches(&self, thrown: *const VmTag) -> bool {
        // SAFETY: the frame runs this body in an instance of its module.
        unsafe { self.body().find_clause(self.ip, self.vmctx, thrown).is_some() }
    }
}

/// The frames of one activation.
#[derive(Debug)]
pub enum StackSegment {
    /// The interpreter's frames, newest first.
    Interpreter(Vec<InterpreterFrame>),
    /// A native activation. The native tier walks its frames.
    Native(*mut Activation),
}

/// Returns all guest frames of a store, innermost activation first.
///
/// # Safety
/// `store` must be live, and its guest code must have called out.
pub unsafe fn walk(store: *const VmStore) -> Vec<StackSegment> {
    // SAFETY: the caller promises that the store is live and that its guest code has called out. Code saves both
    // pointers before it calls out (see `# Safety`).
    unsafe { walk_from((*store).record, (*store).activation) }
}

/// Returns the guest frames of a stack, given its newest record and innermost activation.
///
/// # Safety
/// Both must come from a live store whose guest code has called out and has not returned since.
pub unsafe fn walk_from(record: *mut c_void, mut activation: *mut Activation) -> Vec<StackSegment> {
    let mut segments = Vec::new();
    let mut record = record.cast::<Record>();
    // SAFETY: the module's invariant holds.
    unsafe {
        while !activation.is_null() {
            match (*activation).kind {
                ActivationKind::Native => segments.push(StackSegment::Native(activation)),
                ActivationKind::Interpreter | ActivationKind::InterpreterFromNative => {
                    let base = (*activation).base_record.cast::<Record>();
                    let mut frames = Vec::new();
                    while record < base {
                        if !(*record).ip.is_null() {
                            let Record { cell, vmctx, fp, ip } = *record;
                            frames.push(InterpreterFrame { cell, vmctx, fp, ip });
                        }
                        record = record.add(1);
                    }
                    record = base.add(1);
                    segments.push(StackSegment::Interpreter(frames));
                }
            }
            activation = (*activation).prev;
        }
    }
    segments
}

/// Returns whether an outer activation, up to the last call from the host, catches an exception with this tag.
///
/// `native` decides for a native activation. The walk stops at the first frame that catches.
///
/// # Safety
/// As for [`walk`].
pub unsafe fn caught_by_outer_activation(
    store: *const VmStore,
    thrown: *const VmTag,
    native: impl Fn(*mut Activation) -> bool,
) -> bool {
    // SAFETY: the module's invariant holds, and the list contains the activation of the last call from the host.
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
                    if !ip.is_null() && (InterpreterFrame { cell, vmctx, fp, ip }).catches(thrown) {
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
