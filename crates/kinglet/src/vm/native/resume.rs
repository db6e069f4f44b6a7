//! Non-local control transfer in native code: the continuation after an exception or trap.

use kinglet_abi::image::ANY_TAG;
use kinglet_abi::{Activation, Libcall, ResumePoint, Status, VmCtx, VmStore, VmTag};

use super::walk::{CodeFrame, find_frame};

/// Restores the registers in [`VmStore::resume_point`] and jumps there: see [`kinglet_abi::NativeBuiltins::resume`].
/// All other registers are dead at a handler. The jump skips no Rust frame.
#[cfg(target_arch = "x86_64")]
#[unsafe(naked)]
pub(super) unsafe extern "C" fn resume(store: *mut VmStore) {
    std::arch::naked_asm!(
        "mov rax, [rdi + {payload}]",
        "mov rdx, [rdi + {payload} + 8]",
        "mov rsp, [rdi + {sp}]",
        "mov rbp, [rdi + {fp}]",
        "jmp [rdi + {pc}]",
        payload = const std::mem::offset_of!(VmStore, resume_point) + std::mem::offset_of!(ResumePoint, payload),
        sp = const std::mem::offset_of!(VmStore, resume_point) + std::mem::offset_of!(ResumePoint, sp),
        fp = const std::mem::offset_of!(VmStore, resume_point) + std::mem::offset_of!(ResumePoint, fp),
        pc = const std::mem::offset_of!(VmStore, resume_point) + std::mem::offset_of!(ResumePoint, pc),
    )
}

/// See above.
#[cfg(target_arch = "aarch64")]
#[unsafe(naked)]
pub(super) unsafe extern "C" fn resume(store: *mut VmStore) {
    std::arch::naked_asm!(
        "ldr x9, [x0, {sp}]",
        "ldr x29, [x0, {fp}]",
        "ldr x10, [x0, {pc}]",
        "ldr x1, [x0, {payload} + 8]",
        "ldr x0, [x0, {payload}]",
        "mov sp, x9",
        "br x10",
        payload = const std::mem::offset_of!(VmStore, resume_point) + std::mem::offset_of!(ResumePoint, payload),
        sp = const std::mem::offset_of!(VmStore, resume_point) + std::mem::offset_of!(ResumePoint, sp),
        fp = const std::mem::offset_of!(VmStore, resume_point) + std::mem::offset_of!(ResumePoint, fp),
        pc = const std::mem::offset_of!(VmStore, resume_point) + std::mem::offset_of!(ResumePoint, pc),
    )
}

/// See above.
#[cfg(target_arch = "riscv64")]
#[unsafe(naked)]
pub(super) unsafe extern "C" fn resume(store: *mut VmStore) {
    std::arch::naked_asm!(
        "ld sp, {sp}(a0)",
        "ld s0, {fp}(a0)",
        "ld t0, {pc}(a0)",
        "ld a1, {payload} + 8(a0)",
        "ld a0, {payload}(a0)",
        "jr t0",
        payload = const std::mem::offset_of!(VmStore, resume_point) + std::mem::offset_of!(ResumePoint, payload),
        sp = const std::mem::offset_of!(VmStore, resume_point) + std::mem::offset_of!(ResumePoint, sp),
        fp = const std::mem::offset_of!(VmStore, resume_point) + std::mem::offset_of!(ResumePoint, fp),
        pc = const std::mem::offset_of!(VmStore, resume_point) + std::mem::offset_of!(ResumePoint, pc),
    )
}

/// No native code runs on other platforms: see [`super::IS_SUPPORTED_TARGET`].
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")))]
pub(super) unsafe extern "C" fn resume(_: *mut VmStore) {
    std::process::abort()
}

/// Sets [`VmStore::resume_point`]. An exception resumes at the innermost handler in the innermost activation, which is
/// native. For any other status, and for an exception without a handler, execution resumes at the activation's entry,
/// which returns the status.
///
/// # Safety
/// `store` is live. Its innermost activation is native, and its exit frame is set.
pub(super) unsafe fn set_resume(store: *mut VmStore, status: Status) {
    // SAFETY: the caller promises that the store is live and that its innermost activation is native, with its exit
    // frame set (see `# Safety`).
    unsafe {
        let activation = (*store).activation;
        if status == Status::Exception {
            let tag = (*store).exception_tag;
            if let Some(resume) = find_frame(activation, |frame| find_handler(frame, tag)) {
                (*store).resume_point = resume;
                return;
            }
            (*(*store).libcalls).get(Libcall::Uncaught)((*activation).vmctx, std::ptr::null_mut(), 0, 0);
        }
        (*store).resume_point = ResumePoint {
            pc: (*activation).entry_handler,
            sp: (*activation).entry_sp,
            fp: (*activation).entry_fp,
            payload: [status as usize, 0],
        };
    }
}

/// Records a trap with its backtrace, and sets [`VmStore::resume_point`].
pub(super) unsafe extern "C" fn record_trap(store: *mut VmStore, trap: u32) {
    // SAFETY: the innermost activation is native, and its exit frame is set.
    unsafe {
        super::unwind((*(*store).activation).vmctx, trap);
    }
}

/// Returns whether a frame of a native activation catches an exception with this tag.
///
/// # Safety
/// See [`find_frame`].
pub(in crate::vm) unsafe fn activation_catches(activation: *const Activation, thrown: *const VmTag) -> bool {
    // SAFETY: the caller promises that the activation is on its store's list and that its exit frame is set.
    unsafe { find_frame(activation, |frame| find_handler(frame, thrown)).is_some() }
}

/// Returns the handler of a frame for an exception, if it has one.
unsafe fn find_handler(frame: &CodeFrame<'_>, thrown: *const VmTag) -> Option<ResumePoint> {
    let tables = frame.code.tables();
    let site = tables.call_site(frame.code.offset(frame.pc))?;
    let sp = frame.fp - site.frame as usize;
    // SAFETY: the compiler guarantees that the frame holds its instance at this offset during the call.
    let vmctx: *const VmCtx = unsafe { *((sp + site.context as usize) as *const *const VmCtx) };
    let clause = tables.clauses(site).find(|clause| {
        // SAFETY: a clause's tag is the offset of a tag pointer in the instance.
        clause.tag == ANY_TAG || unsafe { *vmctx.byte_add(clause.tag as usize).cast::<*const VmTag>() } == thrown
    })?;
    let pc = frame.code.start + site.target as usize;
    Some(ResumePoint { pc, sp, fp: frame.fp, payload: [clause.number as usize, 0] })
}
