//! Calls that go elsewhere than native code knows: to what it has to ask for, and to the interpreter where too little of
//! the host's stack is left, for the interpreter has a stack of its own.

use std::ffi::c_void;
use std::mem::offset_of;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::Ordering;

use kinglet_abi::{CalleeRecord, FuncCell, FuncRef, Trap, VmCallee, VmCtx, VmImport, VmStore};

use super::{resume, running, with_tier};
use crate::Result;

/// Code that is called like a function of the guest's, finds out where the call goes, and jumps there with the arguments
/// as they were, but for the first, which who finds out may replace if it is in the first register for such (Cranelift's
/// `tail` convention has none in `x0` and `x1`). Where they lie on the stack, they stay there.
macro_rules! forwards {
    ($(#[$doc:meta])* $name:ident, by $find:ident) => {
        $(#[$doc])*
        #[cfg(target_arch = "x86_64")]
        #[unsafe(naked)]
        pub(super) unsafe extern "C" fn $name() {
            std::arch::naked_asm!(
                "push rbp",
                "mov rbp, rsp",
                "push rdi",
                "push rsi",
                "push rdx",
                "push rcx",
                "push r8",
                "push r9",
                "sub rsp, 128",
                "movups [rsp], xmm0",
                "movups [rsp + 16], xmm1",
                "movups [rsp + 32], xmm2",
                "movups [rsp + 48], xmm3",
                "movups [rsp + 64], xmm4",
                "movups [rsp + 80], xmm5",
                "movups [rsp + 96], xmm6",
                "movups [rsp + 112], xmm7",
                "mov rdi, rbp",
                "lea rsi, [rbp - 8]",
                "call {find}",
                "movups xmm0, [rsp]",
                "movups xmm1, [rsp + 16]",
                "movups xmm2, [rsp + 32]",
                "movups xmm3, [rsp + 48]",
                "movups xmm4, [rsp + 64]",
                "movups xmm5, [rsp + 80]",
                "movups xmm6, [rsp + 96]",
                "movups xmm7, [rsp + 112]",
                "add rsp, 128",
                "pop r9",
                "pop r8",
                "pop rcx",
                "pop rdx",
                "pop rsi",
                "pop rdi",
                "pop rbp",
                "test rax, rax",
                "jz 2f",
                "jmp rax",
                "2:",
                "push rbp",
                "call {current}",
                "pop rbp",
                "mov rdi, rax",
                "jmp {resume}",
                find = sym $find,
                current = sym running::current,
                resume = sym resume::resume,
            )
        }

        $(#[$doc])*
        #[cfg(target_arch = "aarch64")]
        #[unsafe(naked)]
        pub(super) unsafe extern "C" fn $name() {
            std::arch::naked_asm!(
                "stp x29, x30, [sp, #-16]!",
                "mov x29, sp",
                "sub sp, sp, #208",
                "stp x0, x1, [sp]",
                "stp x2, x3, [sp, #16]",
                "stp x4, x5, [sp, #32]",
                "stp x6, x7, [sp, #48]",
                "str x8, [sp, #64]",
                "stp q0, q1, [sp, #80]",
                "stp q2, q3, [sp, #112]",
                "stp q4, q5, [sp, #144]",
                "stp q6, q7, [sp, #176]",
                "mov x0, x29",
                "add x1, sp, #16",
                "bl {find}",
                "mov x17, x0",
                "ldp q6, q7, [sp, #176]",
                "ldp q4, q5, [sp, #144]",
                "ldp q2, q3, [sp, #112]",
                "ldp q0, q1, [sp, #80]",
                "ldr x8, [sp, #64]",
                "ldp x6, x7, [sp, #48]",
                "ldp x4, x5, [sp, #32]",
                "ldp x2, x3, [sp, #16]",
                "ldp x0, x1, [sp]",
                "mov sp, x29",
                "ldp x29, x30, [sp], #16",
                "cbz x17, 2f",
                "br x17",
                "2:",
                "bl {current}",
                "b {resume}",
                find = sym $find,
                current = sym running::current,
                resume = sym resume::resume,
            )
        }

        $(#[$doc])*
        // No vector is passed in a register.
        #[cfg(target_arch = "riscv64")]
        #[unsafe(naked)]
        pub(super) unsafe extern "C" fn $name() {
            std::arch::naked_asm!(
                // It is not told what the target has.
                ".option push",
                ".option arch, +d",
                "addi sp, sp, -16",
                "sd ra, 8(sp)",
                "sd s0, 0(sp)",
                "mv s0, sp",
                "addi sp, sp, -128",
                "sd a0, 0(sp)",
                "sd a1, 8(sp)",
                "sd a2, 16(sp)",
                "sd a3, 24(sp)",
                "sd a4, 32(sp)",
                "sd a5, 40(sp)",
                "sd a6, 48(sp)",
                "sd a7, 56(sp)",
                "fsd fa0, 64(sp)",
                "fsd fa1, 72(sp)",
                "fsd fa2, 80(sp)",
                "fsd fa3, 88(sp)",
                "fsd fa4, 96(sp)",
                "fsd fa5, 104(sp)",
                "fsd fa6, 112(sp)",
                "fsd fa7, 120(sp)",
                "mv a0, s0",
                "mv a1, sp",
                "call {find}",
                "mv t1, a0",
                "fld fa7, 120(sp)",
                "fld fa6, 112(sp)",
                "fld fa5, 104(sp)",
                "fld fa4, 96(sp)",
                "fld fa3, 88(sp)",
                "fld fa2, 80(sp)",
                "fld fa1, 72(sp)",
                "fld fa0, 64(sp)",
                "ld a7, 56(sp)",
                "ld a6, 48(sp)",
                "ld a5, 40(sp)",
                "ld a4, 32(sp)",
                "ld a3, 24(sp)",
                "ld a2, 16(sp)",
                "ld a1, 8(sp)",
                "ld a0, 0(sp)",
                "mv sp, s0",
                "ld ra, 8(sp)",
                "ld s0, 0(sp)",
                "addi sp, sp, 16",
                "beqz t1, 2f",
                "jr t1",
                "2:",
                "call {current}",
                "tail {resume}",
                ".option pop",
                find = sym $find,
                current = sym running::current,
                resume = sym resume::resume,
            )
        }

        /// Elsewhere no native code runs: see [`super::RUNS`].
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")))]
        pub(super) unsafe extern "C" fn $name() {
            std::process::abort()
        }
    };
}

forwards! {
    /// [`kinglet_abi::NativeBuiltins::stack_exhausted`]: to the bridge of the function that has too little of the stack.
    interpret, by bridge
}

forwards! {
    /// [`kinglet_abi::NativeBuiltins::lazy_stub`]: to what a caller knows no native code of.
    ask, by asked
}

forwards! {
    /// To what the import in its instance's place is of.
    ask_import, by asked_import
}

/// Where an import's native code is, and what it is called with.
const NATIVE: usize = CalleeRecord::Import.native_offset();
const VMCTX: usize = offset_of!(VmImport, resolved) + offset_of!(VmCallee, vmctx);

/// [`VmImport::lazy_stub`], with the import in its instance's place. A loop that began before it was known what it calls comes
/// here until it ends, so that this is fast once it is known.
#[cfg(target_arch = "x86_64")]
#[unsafe(naked)]
pub(super) unsafe extern "C" fn import() {
    std::arch::naked_asm!(
        "mov rax, [rdi + {native}]",
        "test rax, rax",
        "jz {ask}",
        "mov rdi, [rdi + {vmctx}]",
        "jmp rax",
        native = const NATIVE,
        vmctx = const VMCTX,
        ask = sym ask_import,
    )
}

/// See above.
#[cfg(target_arch = "aarch64")]
#[unsafe(naked)]
pub(super) unsafe extern "C" fn import() {
    std::arch::naked_asm!(
        "ldr x17, [x2, #{native}]",
        "cbz x17, 2f",
        "ldr x2, [x2, #{vmctx}]",
        "br x17",
        "2:",
        "b {ask}",
        native = const NATIVE,
        vmctx = const VMCTX,
        ask = sym ask_import,
    )
}

/// See above.
#[cfg(target_arch = "riscv64")]
#[unsafe(naked)]
pub(super) unsafe extern "C" fn import() {
    std::arch::naked_asm!(
        "ld t1, {native}(a0)",
        "beqz t1, 2f",
        "ld a0, {vmctx}(a0)",
        "jr t1",
        "2:",
        "tail {ask}",
        native = const NATIVE,
        vmctx = const VMCTX,
        ask = sym ask_import,
    )
}

/// Elsewhere no native code runs: see [`super::RUNS`].
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")))]
pub(super) unsafe extern "C" fn import() {
    std::process::abort()
}

/// The bridge of the function that is called with its caller's frame there.
unsafe extern "C" fn bridge(frame: *const [usize; 2]) -> *const c_void {
    // SAFETY: called by the code above, with the function noted, which is one of the running store's instances'.
    unsafe {
        find(frame, |store| {
            let cell = (*store).callee;
            let bridge = with_tier(store, |tier| tier.bridge_to(&*cell))?;
            (*store).force_interpreted = cell;
            Ok(bridge)
        })
    }
}

/// Where native code calls what it asks about.
unsafe extern "C" fn asked(frame: *const [usize; 2]) -> *const c_void {
    // SAFETY: called by the code above, with a record noted, whose function is live.
    unsafe {
        find(frame, |store| {
            let (record, which) = CalleeRecord::from_tagged((*store).lazy_callee);
            match which {
                CalleeRecord::Cell => Ok(target(store, record.cast())?.0),
                CalleeRecord::Reference => {
                    let reference = record.cast::<FuncRef>();
                    let (address, native) = target(store, (*reference).cell)?;
                    if native {
                        (*reference).native.store(address, Ordering::Release);
                    }
                    Ok(address)
                }
                CalleeRecord::Import => target_of_import(store, record.cast()),
            }
        })
    }
}

/// Where native code calls what an import is of, with the instance or host context in the import's place.
unsafe extern "C" fn asked_import(frame: *const [usize; 2], callee: *mut *mut VmCtx) -> *const c_void {
    // SAFETY: called by the code above, whose first argument is an import of a live instance of the running store.
    unsafe {
        find(frame, |store| {
            let import = (*callee).cast::<VmImport>();
            let address = target_of_import(store, import)?;
            *callee = (*import).resolved.vmctx;
            Ok(address)
        })
    }
}

/// Where native code calls what an import is of, which is noted there if it is native code.
unsafe fn target_of_import(store: *mut VmStore, import: *mut VmImport) -> Result<*mut c_void> {
    // SAFETY: the import is of a live instance of the store, which runs on this thread.
    unsafe {
        let (address, native) = target(store, (*import).cell)?;
        if native {
            (*import).resolved.native = address;
            (*import).callee = &raw const (*import).resolved;
        }
        Ok(address)
    }
}

/// Where native code calls a function, and whether that is native code, or else the way to the interpreter, with the
/// function noted.
unsafe fn target(store: *mut VmStore, cell: *const FuncCell) -> Result<(*mut c_void, bool)> {
    // SAFETY: the store runs on this thread, and the function is live.
    unsafe {
        if let Some(native) = with_tier(store, |tier| tier.native_entry(&*cell))? {
            return Ok((native, true));
        }
        (*store).callee = cell;
        Ok((with_tier(store, |tier| tier.bridge_to(&*cell))?, false))
    }
}

/// Where a call goes. Null if memory for it cannot be had: then it is noted why, and where the store's code goes on.
unsafe fn find(frame: *const [usize; 2], find: impl FnOnce(*mut VmStore) -> Result<*mut c_void>) -> *const c_void {
    let store = running::current();
    if let Ok(Ok(found)) = std::panic::catch_unwind(AssertUnwindSafe(|| find(store))) {
        return found;
    }
    // SAFETY: the store runs on this thread; its innermost activation is native.
    unsafe {
        (*(*store).activation).exit_frame = frame;
        resume::record(store, Trap::OutOfMemory as u32);
    }
    std::ptr::null()
}
