//! Converts faults of native code to traps. A process has one handler, which is installed when an engine first needs
//! it. Signals that are not faults of a guest are forwarded to the previous handler, so a host's own handlers keep
//! working.
//!
//! A function whose frame does not fit on the host's stack faults in its prologue, before any side effect. It continues
//! in the interpreter ([`super::stubs`]).
//!
//! A fault belongs to a guest if the thread runs a store and the tables of the store's engine list the instruction as
//! trapping. For a memory access, the address must also lie in the reservation of one of the store's memories. The
//! handler records only the location of the fault and resumes the thread at `landing`, which does the rest outside the
//! signal handler.

use std::cell::{Cell, RefCell};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use kinglet_abi::{ActivationKind, Trap, VmStore};
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};
use tracing::debug;

use super::{registry, resume, running, stubs};

/// The signals of faulting instructions.
const SIGNALS: [i32; 4] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE];

/// The previous handlers, recorded before Kinglet's handler is installed.
static PREVIOUS: OnceLock<[libc::sigaction; 4]> = OnceLock::new();

/// Installs the handler, once per process. Returns false if that fails. Concurrent callers wait for the result.
pub(super) fn install() -> bool {
    static INSTALLED: OnceLock<bool> = OnceLock::new();
    *INSTALLED.get_or_init(|| {
        let Some(previous) = previous() else { return false };
        PREVIOUS.get_or_init(|| previous);
        let installed = SIGNALS.iter().all(|signal| {
            // SAFETY: the handler is async-signal-safe and forwards signals that are not its own.
            unsafe {
                let mut action: libc::sigaction = std::mem::zeroed();
                action.sa_sigaction = on_fault as *const () as usize;
                // A fault in a nested handler must be delivered too. The thread's stack may be exhausted.
                action.sa_flags = libc::SA_SIGINFO | libc::SA_NODEFER | libc::SA_ONSTACK;
                libc::sigemptyset(&mut action.sa_mask);
                libc::sigaction(*signal, &action, std::ptr::null_mut()) == 0
            }
        });
        HANDLER_INSTALLED.store(installed, Ordering::Relaxed);
        installed
    })
}

/// Whether the handler is installed.
static HANDLER_INSTALLED: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// Whether this thread has been prepared.
    static PREPARED: Cell<bool> = const { Cell::new(false) };
    /// The alternate stack that Kinglet allocated for this thread.
    static OWN_STACK: RefCell<Option<SignalStack>> = const { RefCell::new(None) };
}

/// Ensures that the current thread, which is about to run native code, has an alternate signal stack. The handler and
/// the previous one then run even after a stack overflow. Rust's threads have such a stack; threads of other languages
/// seldom do.
#[inline(always)]
pub(super) fn prepare_thread() {
    if !PREPARED.get() && HANDLER_INSTALLED.load(Ordering::Relaxed) {
        install_signal_stack();
    }
}

#[cold]
fn install_signal_stack() {
    PREPARED.set(true);
    if current_signal_stack().is_some_and(|stack| stack.ss_flags & libc::SS_DISABLE == 0) {
        return;
    }
    match SignalStack::new() {
        // While the thread ends, the stack is dropped immediately.
        Some(stack) => _ = OWN_STACK.try_with(|own| own.borrow_mut().replace(stack)),
        None => debug!("cannot allocate an alternate signal stack"),
    }
}

/// Returns the thread's alternate signal stack.
fn current_signal_stack() -> Option<libc::stack_t> {
    // SAFETY: the call only queries the stack, and every bit pattern is a valid `stack_t`.
    unsafe {
        let mut stack = std::mem::zeroed();
        (libc::sigaltstack(std::ptr::null(), &mut stack) == 0).then_some(stack)
    }
}

/// An alternate signal stack, installed for the rest of the thread's life.
struct SignalStack {
    /// The mapping. Its first page is an inaccessible guard.
    start: *mut libc::c_void,
    len: usize,
}

impl SignalStack {
    /// Allocates and installs a stack for the current thread.
    fn new() -> Option<SignalStack> {
        // Enough for a host's typical handler, in addition to the saved registers.
        const USUAL: usize = 64 << 10;
        let page = rustix::param::page_size();
        // SAFETY: the call only queries a number.
        let least = unsafe { libc::getauxval(libc::AT_MINSIGSTKSZ) } as usize;
        let size = USUAL.saturating_add(least).checked_next_multiple_of(page)?;
        let (len, access) = (size.checked_add(page)?, ProtFlags::READ | ProtFlags::WRITE);
        // SAFETY: a new mapping overlaps nothing.
        let start = unsafe { mmap_anonymous(std::ptr::null_mut(), len, access, MapFlags::PRIVATE) }.ok()?;
        let stack = SignalStack { start, len };
        // SAFETY: the guard page lies in the mapping.
        unsafe { mprotect(start, page, MprotectFlags::empty()) }.ok()?;
        let stack_t = libc::stack_t { ss_sp: start.wrapping_byte_add(page), ss_flags: 0, ss_size: size };
        // SAFETY: the memory is freed by `drop` only, which first uninstalls the stack.
        (unsafe { libc::sigaltstack(&stack_t, std::ptr::null_mut()) } == 0).then_some(stack)
    }
}

impl Drop for SignalStack {
    fn drop(&mut self) {
        let range = self.start as usize..self.start as usize + self.len;
        if current_signal_stack().is_some_and(|stack| range.contains(&(stack.ss_sp as usize))) {
            let disabled = libc::stack_t { ss_sp: std::ptr::null_mut(), ss_flags: libc::SS_DISABLE, ss_size: 0 };
            // SAFETY: the call uninstalls the stack, on which no handler runs now.
            unsafe { libc::sigaltstack(&disabled, std::ptr::null_mut()) };
        }
        // SAFETY: the mapping is owned, and the thread no longer uses it.
        let _ = unsafe { munmap(self.start, self.len) };
    }
}

fn previous() -> Option<[libc::sigaction; 4]> {
    let actions: Vec<_> = SIGNALS.into_iter().map(action).collect::<Option<_>>()?;
    actions.try_into().ok()
}

/// Returns the current action of a signal.
fn action(signal: i32) -> Option<libc::sigaction> {
    // SAFETY: the call only queries the action, and every bit pattern is a valid `sigaction`.
    unsafe {
        let mut action = std::mem::zeroed();
        (libc::sigaction(signal, std::ptr::null(), &mut action) == 0).then_some(action)
    }
}

unsafe extern "C" fn on_fault(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the system passes arguments that are valid while a handler runs.
    unsafe {
        if !handle_trap(signal, info, context.cast()) {
            forward(signal, info, context);
        }
    }
}

/// Resumes the thread at `landing` if the fault is a trap of the guest that it runs.
///
/// The code address is looked up first. Only a thread that runs a guest is in published code, and such a thread has
/// already initialized the thread-local variable. In other threads, the first access to it may allocate if Kinglet is
/// in a shared library.
unsafe fn handle_trap(signal: i32, info: *const libc::siginfo_t, context: *mut libc::ucontext_t) -> bool {
    // SAFETY: code that a thread runs is not freed. A running store is live, and this thread is in its guest code or in
    // a call from it. Nothing changes unless the instruction is known to trap.
    unsafe {
        let pc = registers::pc(context);
        let Some((trap, cell)) = registry::find(pc.wrapping_add(1), |code| code.trap(pc)).flatten() else {
            return false;
        };
        let store = running::current();
        if store.is_null() {
            return false;
        }
        let activation = (*store).activation;
        if activation.is_null() || (*activation).kind != ActivationKind::Native {
            return false;
        }
        if trap == Trap::StackOverflow && !cell.is_null() {
            (*store).callee = cell;
            registers::return_from_prologue(context, stubs::interpret as *const () as usize);
            return true;
        }
        let access = signal == libc::SIGSEGV || signal == libc::SIGBUS;
        if access && !may_fault_at(store, (*info).si_addr() as usize) {
            return false;
        }
        (*activation).fault = [registers::fp(context), pc + 1];
        (*activation).exit_frame = &raw const (*activation).fault;
        registers::resume_at(context, landing as *const () as usize, store as usize, trap as usize);
    }
    true
}

/// Returns whether guest code may fault at an address. The address must lie in the reservation of a memory, or near
/// null.
unsafe fn may_fault_at(store: *mut VmStore, address: usize) -> bool {
    const NULL_PAGE: usize = 4096;
    // SAFETY: the caller, `handle_trap`, has checked that the store's guest code runs on this thread, so the store is
    // live and not borrowed.
    let reserved = || unsafe {
        crate::vm::store::with_core(store, |core| core.memories.iter().any(|memory| memory.contains(address)))
    };
    address < NULL_PAGE || reserved()
}

/// Forwards a signal to the previous handler, or else restores the default action.
unsafe fn forward(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let index = SIGNALS.iter().position(|one| *one == signal);
    let previous = PREVIOUS.get().zip(index).map(|(all, index)| &all[index]);
    // SAFETY: the previous handler is called as its flags require. If the default action is in force afterwards,
    // returning repeats the faulting instruction. A signal without a faulting instruction is raised again.
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
        let was_sent = (*info).si_code <= 0;
        if was_sent && action(signal).is_some_and(|action| action.sa_sigaction == libc::SIG_DFL) {
            libc::raise(signal);
        }
    }
}

/// The address at which a thread resumes after a trap: on the guest's stack, with the store and the trap as arguments.
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
        record = sym resume::record_trap,
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
        record = sym resume::record_trap,
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
        record = sym resume::record_trap,
        resume = sym resume::resume,
    )
}

const _: () = assert!(Trap::ALL.len() < 200, "Cranelift encodes trap codes in one byte");

#[cfg(target_arch = "x86_64")]
mod registers {
    //! The registers of an interrupted thread.

    use libc::{REG_RBP, REG_RDI, REG_RIP, REG_RSI, REG_RSP, ucontext_t};

    pub(super) unsafe fn pc(context: *const ucontext_t) -> usize {
        // SAFETY: the caller, `handle_trap`, received the context from the system and may read it.
        unsafe { (*context).uc_mcontext.gregs[REG_RIP as usize] as usize }
    }

    pub(super) unsafe fn fp(context: *const ucontext_t) -> usize {
        // SAFETY: the caller, `handle_trap`, received the context from the system and may read it.
        unsafe { (*context).uc_mcontext.gregs[REG_RBP as usize] as usize }
    }

    /// Sets the address at which the thread resumes, and two arguments. The stack pointer skips the red zone.
    pub(super) unsafe fn resume_at(context: *mut ucontext_t, pc: usize, a: usize, b: usize) {
        // SAFETY: the caller, `handle_trap`, received the context from the system and may change it.
        let registers = unsafe { &mut (*context).uc_mcontext.gregs };
        registers[REG_RIP as usize] = pc as i64;
        registers[REG_RDI as usize] = a as i64;
        registers[REG_RSI as usize] = b as i64;
        registers[REG_RSP as usize] = (registers[REG_RSP as usize] - 128) & !15;
    }

    /// Leaves the frame of a function that is in its prologue, and resumes the thread at `pc` with the function's
    /// arguments, as if the function's caller had called `pc`.
    pub(super) unsafe fn return_from_prologue(context: *mut ucontext_t, pc: usize) {
        // SAFETY: the caller, `handle_trap`, received the context from the system and may change it. The frame starts
        // with the caller's frame pointer and the return address.
        unsafe {
            let registers = &mut (*context).uc_mcontext.gregs;
            let frame = registers[REG_RBP as usize];
            registers[REG_RBP as usize] = *(frame as *const i64);
            registers[REG_RSP as usize] = frame + 8;
            registers[REG_RIP as usize] = pc as i64;
        }
    }
}

#[cfg(target_arch = "aarch64")]
mod registers {
    //! The registers of an interrupted thread.

    use libc::ucontext_t;

    pub(super) unsafe fn pc(context: *const ucontext_t) -> usize {
        // SAFETY: the caller, `handle_trap`, received the context from the system and may read it.
        unsafe { (*context).uc_mcontext.pc as usize }
    }

    pub(super) unsafe fn fp(context: *const ucontext_t) -> usize {
        // SAFETY: the caller, `handle_trap`, received the context from the system and may read it.
        unsafe { (*context).uc_mcontext.regs[29] as usize }
    }

    /// Sets the address at which the thread resumes, and two arguments. The stack pointer skips the red zone.
    pub(super) unsafe fn resume_at(context: *mut ucontext_t, pc: usize, a: usize, b: usize) {
        // SAFETY: the caller, `handle_trap`, received the context from the system and may change it.
        let registers = unsafe { &mut (*context).uc_mcontext };
        registers.pc = pc as u64;
        registers.regs[0] = a as u64;
        registers.regs[1] = b as u64;
        registers.sp = (registers.sp - 128) & !15;
    }

    /// Leaves the frame of a function that is in its prologue, and resumes the thread at `pc` with the function's
    /// arguments, as if the function's caller had called `pc`.
    pub(super) unsafe fn return_from_prologue(context: *mut ucontext_t, pc: usize) {
        // SAFETY: the caller, `handle_trap`, received the context from the system and may change it. The frame starts
        // with the caller's frame pointer and the return address.
        unsafe {
            let registers = &mut (*context).uc_mcontext;
            let frame = registers.regs[29];
            registers.regs[29] = *(frame as *const u64);
            registers.regs[30] = *(frame as *const u64).add(1);
            registers.sp = frame + 16;
            registers.pc = pc as u64;
        }
    }
}

#[cfg(target_arch = "riscv64")]
mod registers {
    //! The registers of an interrupted thread.

    use libc::{REG_A0, REG_PC, REG_S0, REG_SP, ucontext_t};

    pub(super) unsafe fn pc(context: *const ucontext_t) -> usize {
        // SAFETY: the caller, `handle_trap`, received the context from the system and may read it.
        unsafe { (*context).uc_mcontext.__gregs[REG_PC] as usize }
    }

    pub(super) unsafe fn fp(context: *const ucontext_t) -> usize {
        // SAFETY: the caller, `handle_trap`, received the context from the system and may read it.
        unsafe { (*context).uc_mcontext.__gregs[REG_S0] as usize }
    }

    /// Sets the address at which the thread resumes, and two arguments. The stack pointer skips the red zone.
    pub(super) unsafe fn resume_at(context: *mut ucontext_t, pc: usize, a: usize, b: usize) {
        // SAFETY: the caller, `handle_trap`, received the context from the system and may change it.
        let registers = unsafe { &mut (*context).uc_mcontext.__gregs };
        registers[REG_PC] = pc as u64;
        registers[REG_A0] = a as u64;
        registers[REG_A0 + 1] = b as u64;
        registers[REG_SP] = (registers[REG_SP] - 128) & !15;
    }

    /// Leaves the frame of a function that is in its prologue, and resumes the thread at `pc` with the function's
    /// arguments, as if the function's caller had called `pc`.
    pub(super) unsafe fn return_from_prologue(context: *mut ucontext_t, pc: usize) {
        const REG_RA: usize = 1;
        // SAFETY: the caller, `handle_trap`, received the context from the system and may change it. The frame starts
        // with the caller's frame pointer and the return address.
        unsafe {
            let registers = &mut (*context).uc_mcontext.__gregs;
            let frame = registers[REG_S0];
            registers[REG_S0] = *(frame as *const u64);
            registers[REG_RA] = *(frame as *const u64).add(1);
            registers[REG_SP] = frame + 16;
            registers[REG_PC] = pc as u64;
        }
    }
}
