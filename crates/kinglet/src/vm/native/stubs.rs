//! Stubs that resolve the target of a native call. Lazy-binding stubs find the native code of a callee. Another stub
//! continues a function in the interpreter, which has its own stack, if too little of the host's stack is left.

use std::ffi::c_void;
use std::mem::offset_of;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::Ordering;

use kinglet_abi::{CalleeRecord, FuncCell, FuncRef, Trap, VmCallee, VmCtx, VmImport, VmStore};

use super::{resume, running, with_tier};
use crate::Result;

/// Defines a stub. Native code calls it like a guest function. The stub saves the argument registers, calls a resolver,
/// restores them, and jumps to the target. Arguments on the stack stay there. On some targets the resolver can replace
/// the first argument, if the calling convention passes it in the first saved register (Cranelift's `tail` convention
/// does not use `x0` and `x1`).
macro_rules! resolving_stub {
    ($(#[$doc:meta])* $name:ident, by $resolve:ident) => {
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
                "call {resolve}",
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
                resolve = sym $resolve,
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
                "bl {resolve}",
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
                resolve = sym $resolve,
                current = sym running::current,
                resume = sym resume::resume,
            )
        }

        $(#[$doc])*
        // Vectors are never passed in registers here.
        #[cfg(target_arch = "riscv64")]
        #[unsafe(naked)]
        pub(super) unsafe extern "C" fn $name() {
            std::arch::naked_asm!(
                // The assembler does not know the target's extensions.
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
                "call {resolve}",
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
                resolve = sym $resolve,
                current = sym running::current,
                resume = sym resume::resume,
            )
        }

        /// No native code runs on other platforms: see [`super::IS_SUPPORTED_TARGET`].
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")))]
        pub(super) unsafe extern "C" fn $name() {
            std::process::abort()
        }
    };
}

resolving_stub! {
    /// Continues a function that has too little stack in the interpreter: see
    /// [`kinglet_abi::NativeBuiltins::stack_exhausted`].
    interpret, by resolve_interpreter
}

resolving_stub! {
    /// Resolves a callee without known native code: see [`kinglet_abi::NativeBuiltins::lazy_stub`].
    lazy_callee, by resolve_callee
}

resolving_stub! {
    /// Resolves an import. Its address replaces the callee's instance as the first argument.
    lazy_import_unresolved, by resolve_import
}

/// The offsets of an import's native code and of its first argument.
const NATIVE: usize = CalleeRecord::Import.native_offset();
const VMCTX: usize = offset_of!(VmImport, resolved) + offset_of!(VmCallee, vmctx);

/// The lazy-binding stub in [`VmImport::lazy_stub`]. The import's address replaces the callee's instance as the first
/// argument. A loop that read the callee before it was resolved calls this stub until the loop ends, so the resolved
/// case is fast.
#[cfg(target_arch = "x86_64")]
#[unsafe(naked)]
pub(super) unsafe extern "C" fn lazy_import() {
    std::arch::naked_asm!(
        "mov rax, [rdi + {native}]",
        "test rax, rax",
        "jz {unresolved}",
        "mov rdi, [rdi + {vmctx}]",
        "jmp rax",
        native = const NATIVE,
        vmctx = const VMCTX,
        unresolved = sym lazy_import_unresolved,
    )
}

/// See above.
#[cfg(target_arch = "aarch64")]
#[unsafe(naked)]
pub(super) unsafe extern "C" fn lazy_import() {
    std::arch::naked_asm!(
        "ldr x17, [x2, #{native}]",
        "cbz x17, 2f",
        "ldr x2, [x2, #{vmctx}]",
        "br x17",
        "2:",
        "b {unresolved}",
        native = const NATIVE,
        vmctx = const VMCTX,
        unresolved = sym lazy_import_unresolved,
    )
}

/// See above.
#[cfg(target_arch = "riscv64")]
#[unsafe(naked)]
pub(super) unsafe extern "C" fn lazy_import() {
    std::arch::naked_asm!(
        "ld t1, {native}(a0)",
        "beqz t1, 2f",
        "ld a0, {vmctx}(a0)",
        "jr t1",
        "2:",
        "tail {unresolved}",
        native = const NATIVE,
        vmctx = const VMCTX,
        unresolved = sym lazy_import_unresolved,
    )
}

/// No native code runs on other platforms: see [`super::IS_SUPPORTED_TARGET`].
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")))]
pub(super) unsafe extern "C" fn lazy_import() {
    std::process::abort()
}

/// Returns the native-to-interpreter trampoline of the function whose call created `frame`.
unsafe extern "C" fn resolve_interpreter(frame: *const [usize; 2]) -> *const c_void {
    // SAFETY: a stub above calls this. `callee` is set to a function of an instance of the running store.
    unsafe {
        resolve(frame, |store| {
            let cell = (*store).callee;
            let trampoline = with_tier(store, |tier| tier.native_to_interpreter(&*cell))?;
            (*store).force_interpreted = cell;
            Ok(trampoline)
        })
    }
}

/// Resolves the target of a call.
unsafe extern "C" fn resolve_callee(frame: *const [usize; 2]) -> *const c_void {
    // SAFETY: a stub above calls this. `lazy_callee` is set to a record of a live function.
    unsafe {
        resolve(frame, |store| {
            let (record, which) = CalleeRecord::from_tagged((*store).lazy_callee);
            match which {
                CalleeRecord::Cell => Ok(call_target(store, record.cast())?.0),
                CalleeRecord::Reference => {
                    let reference = record.cast::<FuncRef>();
                    let (address, native) = call_target(store, (*reference).cell)?;
                    if native {
                        (*reference).native.store(address, Ordering::Release);
                    }
                    Ok(address)
                }
                CalleeRecord::Import => import_target(store, record.cast()),
            }
        })
    }
}

/// Resolves the target of an import, and replaces the first argument by the callee's instance or host context.
unsafe extern "C" fn resolve_import(frame: *const [usize; 2], callee: *mut *mut VmCtx) -> *const c_void {
    // SAFETY: a stub above calls this. The first argument is an import of a live instance of the running store.
    unsafe {
        resolve(frame, |store| {
            let import = (*callee).cast::<VmImport>();
            let address = import_target(store, import)?;
            *callee = (*import).resolved.vmctx;
            Ok(address)
        })
    }
}

/// Resolves an import. Stores the address in the import if it is native code.
unsafe fn import_target(store: *mut VmStore, import: *mut VmImport) -> Result<*mut c_void> {
    // SAFETY: the import belongs to a live instance of the store, which runs on this thread.
    unsafe {
        let (address, native) = call_target(store, (*import).cell)?;
        if native {
            (*import).resolved.native = address;
            (*import).callee = &raw const (*import).resolved;
        }
        Ok(address)
    }
}

/// Resolves a function. Returns the address to call and whether it is native code. If not, it is a
/// native-to-interpreter trampoline, and `callee` is set.
unsafe fn call_target(store: *mut VmStore, cell: *const FuncCell) -> Result<(*mut c_void, bool)> {
    // SAFETY: the store runs on this thread, and the function is live.
    unsafe {
        if let Some(native) = with_tier(store, |tier| tier.native_entry(&*cell))? {
            return Ok((native, true));
        }
        (*store).callee = cell;
        Ok((with_tier(store, |tier| tier.native_to_interpreter(&*cell))?, false))
    }
}

/// Runs a resolver. Returns null if it cannot allocate memory; the trap and the address to resume at are then set.
unsafe fn resolve(
    frame: *const [usize; 2],
    resolver: impl FnOnce(*mut VmStore) -> Result<*mut c_void>,
) -> *const c_void {
    let store = running::current();
    if let Ok(Ok(found)) = std::panic::catch_unwind(AssertUnwindSafe(|| resolver(store))) {
        return found;
    }
    // SAFETY: the store runs on this thread. Its innermost activation is native.
    unsafe {
        (*(*store).activation).exit_frame = frame;
        resume::record_trap(store, Trap::OutOfMemory as u32);
    }
    std::ptr::null()
}
