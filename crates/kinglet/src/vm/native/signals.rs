//! Faults of native code, turned into traps. One handler for a process, installed when an engine first wants it; what is
//! not a fault of a guest goes on to whoever handled the signal before, so that a host's own handlers keep working.
//!
//! A function that finds too little of the host's stack left for its frame faults before it has done anything. It goes
//! on in the interpreter, as if its caller had called its bridge.
//!
//! A fault is a guest's if the thread runs a store, the instruction has a trap in the tables of that store's engine, and,
//! for an access to memory, the address lies in a reservation of one of the store's memories. The handler then only
//! notes where the fault was and has the thread go on at `landing`, which does the rest as ordinary code.

use std::cell::Cell;
use std::ffi::c_void;
use std::panic::AssertUnwindSafe;
use std::sync::OnceLock;
use std::sync::atomic::Ordering;

use kinglet_abi::{ActivationKind, FuncCell, Libcall, Status, Trap, VmStore};

use super::{bridge_below, resume, tier};

thread_local! {
    /// The store whose guest code the thread runs.
    static RUNNING: Cell<*mut VmStore> = const { Cell::new(std::ptr::null_mut()) };
}

/// Notes which store runs on this thread until the guard goes.
pub(in crate::vm) fn running(store: *mut VmStore) -> Running {
    Running(RUNNING.replace(store))
}

/// See [`running`].
pub(in crate::vm) struct Running(*mut VmStore);

impl Drop for Running {
    fn drop(&mut self) {
        RUNNING.set(self.0);
    }
}

/// The signals by which processors say that an instruction faults.
const SIGNALS: [i32; 4] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE];

/// Who handled them before. Known before our own handler is there.
static PREVIOUS: OnceLock<[libc::sigaction; 4]> = OnceLock::new();

/// Installs the handler, once a process; false if that cannot be. Whoever asks meanwhile waits until it is there.
pub(super) fn install() -> bool {
    static INSTALLED: OnceLock<bool> = OnceLock::new();
    *INSTALLED.get_or_init(|| {
        let Some(previous) = previous() else { return false };
        PREVIOUS.get_or_init(|| previous);
        SIGNALS.iter().all(|signal| {
            // SAFETY: the handler keeps to what is safe in one, and passes on what is not its own.
            unsafe {
                let mut action: libc::sigaction = std::mem::zeroed();
                action.sa_sigaction = on_fault as *const () as usize;
                // A fault in a handler further down is to be seen too, and the stack may be another's.
                action.sa_flags = libc::SA_SIGINFO | libc::SA_NODEFER | libc::SA_ONSTACK;
                libc::sigemptyset(&mut action.sa_mask);
                libc::sigaction(*signal, &action, std::ptr::null_mut()) == 0
            }
        })
    })
}

fn previous() -> Option<[libc::sigaction; 4]> {
    let actions: Vec<_> = SIGNALS.into_iter().map(action).collect::<Option<_>>()?;
    actions.try_into().ok()
}

/// What happens now at a signal.
fn action(signal: i32) -> Option<libc::sigaction> {
    // SAFETY: asking for an action; every bit pattern of the struct is one.
    unsafe {
        let mut action = std::mem::zeroed();
        (libc::sigaction(signal, std::ptr::null(), &mut action) == 0).then_some(action)
    }
}

unsafe extern "C" fn on_fault(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the system's arguments of a handler are passed on.
    unsafe {
        if !trapped(signal, info, context.cast()) {
            pass_on(signal, info, context);
        }
    }
}

/// Has the thread go on at `landing` if the fault is a trap of the guest it runs.
unsafe fn trapped(signal: i32, info: *const libc::siginfo_t, context: *mut libc::ucontext_t) -> bool {
    let store = RUNNING.get();
    // SAFETY: a store that runs is live, and this thread is in its guest code or in what that called; nothing is
    // changed unless the instruction is known to be one that may trap.
    unsafe {
        if store.is_null() || (*store).natives.is_null() || (*(*store).natives).tier.load(Ordering::Acquire).is_null() {
            return false;
        }
        let pc = registers::pc(context);
        let Some((trap, cell)) = tier(store).registry.trap_at(pc) else { return false };
        let activation = (*store).activation;
        if activation.is_null() || (*activation).kind != ActivationKind::Native {
            return false;
        }
        if trap == Trap::StackOverflow && !cell.is_null() {
            registers::leave_prologue(context, interpret as *const () as usize, store as usize, cell as usize);
            return true;
        }
        let access = signal == libc::SIGSEGV || signal == libc::SIGBUS;
        if access && !may_fault_at(store, (*info).si_addr() as usize) {
            return false;
        }
        (*activation).fault = [registers::fp(context), pc + 1];
        (*activation).exit_frame = &raw const (*activation).fault;
        registers::go_on(context, landing as *const () as usize, store as usize, trap as usize);
    }
    true
}

/// Whether guest code may fault at an address: in a memory's reservation, or where a null reference points.
unsafe fn may_fault_at(store: *mut VmStore, address: usize) -> bool {
    const NULL_PAGE: usize = 4096;
    // SAFETY: the store's guest code runs on this thread, so that nobody changes the store.
    let core = unsafe { crate::vm::store::core_of(store) };
    address < NULL_PAGE || core.memories.iter().any(|memory| memory.reserves(address))
}

/// Hands a signal to its previous handler; without one it ends the process as it would have.
unsafe fn pass_on(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let index = SIGNALS.iter().position(|one| *one == signal);
    let previous = PREVIOUS.get().zip(index).map(|(all, index)| &all[index]);
    // SAFETY: a handler is called as its flags say it wants to be. Without one the default is put back; the instruction
    // then faults again, and what no instruction was the cause of is raised again, as also where the handler has done so.
    unsafe {
        match previous {
            Some(action) if action.sa_sigaction != libc::SIG_DFL && action.sa_sigaction != libc::SIG_IGN => {
                if action.sa_flags & libc::SA_SIGINFO != 0 {
                    let handler: extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void) =
                        std::mem::transmute(action.sa_sigaction);
                    handler(signal, info, context);
                } else {
                    let handler: extern "C" fn(i32) = std::mem::transmute(action.sa_sigaction);
                    handler(signal);
                }
            }
            _ => {
                let mut default: libc::sigaction = std::mem::zeroed();
                default.sa_sigaction = libc::SIG_DFL;
                libc::sigaction(signal, &default, std::ptr::null_mut());
            }
        }
        let sent = (*info).si_code <= 0;
        if sent && action(signal).is_some_and(|action| action.sa_sigaction == libc::SIG_DFL) {
            libc::raise(signal);
        }
    }
}

/// Where a thread goes on after a trap: on the guest's stack, with the store and the trap as arguments.
#[cfg(target_arch = "x86_64")]
#[unsafe(naked)]
unsafe extern "C" fn landing() {
    std::arch::naked_asm!(
        "push rdi",
        "push rdi",
        "call {record}",
        "pop rdi",
        "pop rdi",
        "jmp {resume}",
        record = sym record,
        resume = sym resume::resume,
    )
}

/// See above.
#[cfg(target_arch = "aarch64")]
#[unsafe(naked)]
unsafe extern "C" fn landing() {
    std::arch::naked_asm!(
        "mov x19, x0",
        "bl {record}",
        "mov x0, x19",
        "b {resume}",
        record = sym record,
        resume = sym resume::resume,
    )
}

/// See above.
#[cfg(target_arch = "riscv64")]
#[unsafe(naked)]
unsafe extern "C" fn landing() {
    std::arch::naked_asm!(
        "mv s1, a0",
        "call {record}",
        "mv a0, s1",
        "tail {resume}",
        record = sym record,
        resume = sym resume::resume,
    )
}

/// Where a thread goes on that has called a function for whose frame there is no stack, as [`registers::leave_prologue`]
/// leaves it: has the function's bridge looked up, and jumps there with the arguments as they were.
#[cfg(target_arch = "x86_64")]
#[unsafe(naked)]
unsafe extern "C" fn interpret() {
    std::arch::naked_asm!(
        "push rbp",
        "mov rbp, rsp",
        "push r10",
        "push rdi",
        "push rsi",
        "push rdx",
        "push rcx",
        "push r8",
        "push r9",
        "sub rsp, 136",
        "movups [rsp], xmm0",
        "movups [rsp + 16], xmm1",
        "movups [rsp + 32], xmm2",
        "movups [rsp + 48], xmm3",
        "movups [rsp + 64], xmm4",
        "movups [rsp + 80], xmm5",
        "movups [rsp + 96], xmm6",
        "movups [rsp + 112], xmm7",
        "mov rdi, r10",
        "mov rsi, r11",
        "mov rdx, rbp",
        "call {bridge}",
        "movups xmm0, [rsp]",
        "movups xmm1, [rsp + 16]",
        "movups xmm2, [rsp + 32]",
        "movups xmm3, [rsp + 48]",
        "movups xmm4, [rsp + 64]",
        "movups xmm5, [rsp + 80]",
        "movups xmm6, [rsp + 96]",
        "movups xmm7, [rsp + 112]",
        "add rsp, 136",
        "pop r9",
        "pop r8",
        "pop rcx",
        "pop rdx",
        "pop rsi",
        "pop rdi",
        "pop r10",
        "pop rbp",
        "test rax, rax",
        "jz 2f",
        "jmp rax",
        "2:",
        "mov rdi, r10",
        "jmp {resume}",
        bridge = sym bridge,
        resume = sym resume::resume,
    )
}

/// See above.
#[cfg(target_arch = "aarch64")]
#[unsafe(naked)]
unsafe extern "C" fn interpret() {
    std::arch::naked_asm!(
        "stp x29, x30, [sp, #-16]!",
        "mov x29, sp",
        "sub sp, sp, #208",
        "stp x0, x1, [sp]",
        "stp x2, x3, [sp, #16]",
        "stp x4, x5, [sp, #32]",
        "stp x6, x7, [sp, #48]",
        "stp x8, x16, [sp, #64]",
        "stp q0, q1, [sp, #80]",
        "stp q2, q3, [sp, #112]",
        "stp q4, q5, [sp, #144]",
        "stp q6, q7, [sp, #176]",
        "mov x0, x16",
        "mov x1, x17",
        "mov x2, x29",
        "bl {bridge}",
        "mov x17, x0",
        "ldp q6, q7, [sp, #176]",
        "ldp q4, q5, [sp, #144]",
        "ldp q2, q3, [sp, #112]",
        "ldp q0, q1, [sp, #80]",
        "ldp x8, x16, [sp, #64]",
        "ldp x6, x7, [sp, #48]",
        "ldp x4, x5, [sp, #32]",
        "ldp x2, x3, [sp, #16]",
        "ldp x0, x1, [sp]",
        "mov sp, x29",
        "ldp x29, x30, [sp], #16",
        "cbz x17, 2f",
        "br x17",
        "2:",
        "mov x0, x16",
        "b {resume}",
        bridge = sym bridge,
        resume = sym resume::resume,
    )
}

/// See above. No vector is passed in a register.
#[cfg(target_arch = "riscv64")]
#[unsafe(naked)]
unsafe extern "C" fn interpret() {
    std::arch::naked_asm!(
        "addi sp, sp, -16",
        "sd ra, 8(sp)",
        "sd s0, 0(sp)",
        "mv s0, sp",
        "addi sp, sp, -144",
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
        "sd t0, 128(sp)",
        "mv a0, t0",
        "mv a1, t1",
        "mv a2, s0",
        "call {bridge}",
        "mv t1, a0",
        "ld t0, 128(sp)",
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
        "mv a0, t0",
        "tail {resume}",
        bridge = sym bridge,
        resume = sym resume::resume,
    )
}

/// The bridge of a function that is called with its caller's frame there. Null if there can be none: then it is noted why,
/// and where the store's code goes on.
unsafe extern "C" fn bridge(store: *mut VmStore, cell: *const FuncCell, frame: *const [usize; 2]) -> *const c_void {
    // SAFETY: called by `interpret`: the store runs, and the function is one of its instances'.
    let find = || unsafe { bridge_below(store, cell) };
    if let Ok(Some(bridge)) = std::panic::catch_unwind(AssertUnwindSafe(find)) {
        return bridge;
    }
    // SAFETY: as above; the innermost activation is native.
    unsafe {
        (*(*store).activation).exit_frame = frame;
        record(store, Trap::OutOfMemory as u32);
    }
    std::ptr::null()
}

/// Notes the trap with its backtrace, and where the store's code goes on.
unsafe extern "C" fn record(store: *mut VmStore, trap: u32) {
    // SAFETY: called by `landing`: the innermost activation is native and has noted where the fault was.
    unsafe {
        let vmctx = (*(*store).activation).vmctx;
        (*(*store).libcalls).get(Libcall::Raise)(vmctx, std::ptr::null_mut(), trap, 0);
        resume::prepare(store, &tier(store).registry, Status::Trap);
    }
}

const _: () = assert!(Trap::ALL.len() < 200, "codes are traps' marks in machine code");

#[cfg(target_arch = "x86_64")]
mod registers {
    //! The registers of an interrupted thread.

    use libc::{REG_R10, REG_R11, REG_RBP, REG_RDI, REG_RIP, REG_RSI, REG_RSP, ucontext_t};

    pub(super) unsafe fn pc(context: *const ucontext_t) -> usize {
        // SAFETY: by contract.
        unsafe { (*context).uc_mcontext.gregs[REG_RIP as usize] as usize }
    }

    pub(super) unsafe fn fp(context: *const ucontext_t) -> usize {
        // SAFETY: by contract.
        unsafe { (*context).uc_mcontext.gregs[REG_RBP as usize] as usize }
    }

    /// Sets where the thread goes on, with two arguments, below all that its stack holds.
    pub(super) unsafe fn go_on(context: *mut ucontext_t, pc: usize, a: usize, b: usize) {
        // SAFETY: by contract.
        let registers = unsafe { &mut (*context).uc_mcontext.gregs };
        registers[REG_RIP as usize] = pc as i64;
        registers[REG_RDI as usize] = a as i64;
        registers[REG_RSI as usize] = b as i64;
        registers[REG_RSP as usize] = (registers[REG_RSP as usize] - 128) & !15;
    }

    /// Sets where the thread goes on that is behind the beginning of a function's frame, with its arguments, as if its
    /// caller had called `pc` instead; `r10` and `r11` are two arguments more.
    pub(super) unsafe fn leave_prologue(context: *mut ucontext_t, pc: usize, a: usize, b: usize) {
        // SAFETY: by contract; the frame's beginning is the caller's frame pointer and the return address.
        unsafe {
            let registers = &mut (*context).uc_mcontext.gregs;
            let frame = registers[REG_RBP as usize];
            registers[REG_RBP as usize] = *(frame as *const i64);
            registers[REG_RSP as usize] = frame + 8;
            registers[REG_RIP as usize] = pc as i64;
            registers[REG_R10 as usize] = a as i64;
            registers[REG_R11 as usize] = b as i64;
        }
    }
}

#[cfg(target_arch = "aarch64")]
mod registers {
    //! The registers of an interrupted thread.

    use libc::ucontext_t;

    pub(super) unsafe fn pc(context: *const ucontext_t) -> usize {
        // SAFETY: by contract.
        unsafe { (*context).uc_mcontext.pc as usize }
    }

    pub(super) unsafe fn fp(context: *const ucontext_t) -> usize {
        // SAFETY: by contract.
        unsafe { (*context).uc_mcontext.regs[29] as usize }
    }

    /// Sets where the thread goes on, with two arguments, below all that its stack holds.
    pub(super) unsafe fn go_on(context: *mut ucontext_t, pc: usize, a: usize, b: usize) {
        // SAFETY: by contract.
        let registers = unsafe { &mut (*context).uc_mcontext };
        registers.pc = pc as u64;
        registers.regs[0] = a as u64;
        registers.regs[1] = b as u64;
        registers.sp = (registers.sp - 128) & !15;
    }

    /// Sets where the thread goes on that is behind the beginning of a function's frame, with its arguments, as if its
    /// caller had called `pc` instead; `x16` and `x17` are two arguments more.
    pub(super) unsafe fn leave_prologue(context: *mut ucontext_t, pc: usize, a: usize, b: usize) {
        // SAFETY: by contract; the frame's beginning is the caller's frame pointer and the return address.
        unsafe {
            let registers = &mut (*context).uc_mcontext;
            let frame = registers.regs[29];
            registers.regs[29] = *(frame as *const u64);
            registers.regs[30] = *(frame as *const u64).add(1);
            registers.sp = frame + 16;
            registers.pc = pc as u64;
            registers.regs[16] = a as u64;
            registers.regs[17] = b as u64;
        }
    }
}

#[cfg(target_arch = "riscv64")]
mod registers {
    //! The registers of an interrupted thread.

    use libc::{REG_A0, REG_PC, REG_S0, REG_SP, ucontext_t};

    pub(super) unsafe fn pc(context: *const ucontext_t) -> usize {
        // SAFETY: by contract.
        unsafe { (*context).uc_mcontext.__gregs[REG_PC] as usize }
    }

    pub(super) unsafe fn fp(context: *const ucontext_t) -> usize {
        // SAFETY: by contract.
        unsafe { (*context).uc_mcontext.__gregs[REG_S0] as usize }
    }

    /// Sets where the thread goes on, with two arguments, below all that its stack holds.
    pub(super) unsafe fn go_on(context: *mut ucontext_t, pc: usize, a: usize, b: usize) {
        // SAFETY: by contract.
        let registers = unsafe { &mut (*context).uc_mcontext.__gregs };
        registers[REG_PC] = pc as u64;
        registers[REG_A0] = a as u64;
        registers[REG_A0 + 1] = b as u64;
        registers[REG_SP] = (registers[REG_SP] - 128) & !15;
    }

    /// Sets where the thread goes on that is behind the beginning of a function's frame, with its arguments, as if its
    /// caller had called `pc` instead; `t0` and `t1` are two arguments more.
    pub(super) unsafe fn leave_prologue(context: *mut ucontext_t, pc: usize, a: usize, b: usize) {
        const REG_RA: usize = 1;
        const REG_T0: usize = 5;
        const REG_T1: usize = 6;
        // SAFETY: by contract; the frame's beginning is the caller's frame pointer and the return address.
        unsafe {
            let registers = &mut (*context).uc_mcontext.__gregs;
            let frame = registers[REG_S0];
            registers[REG_S0] = *(frame as *const u64);
            registers[REG_RA] = *(frame as *const u64).add(1);
            registers[REG_SP] = frame + 16;
            registers[REG_PC] = pc as u64;
            registers[REG_T0] = a as u64;
            registers[REG_T1] = b as u64;
        }
    }
}
