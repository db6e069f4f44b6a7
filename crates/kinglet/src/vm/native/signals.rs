//! Faults of native code, turned into traps. One handler for a process, installed when an engine first wants it; what is
//! not a fault of a guest goes on to whoever handled the signal before, so that a host's own handlers keep working.
//!
//! A function that finds too little of the host's stack left for its frame faults before it has done anything. It goes
//! on in the interpreter ([`super::forward`]).
//!
//! A fault is a guest's if the thread runs a store, the instruction has a trap in the tables of that store's engine, and,
//! for an access to memory, the address lies in a reservation of one of the store's memories. The handler then only
//! notes where the fault was and has the thread go on at `landing`, which does the rest as ordinary code.

use std::cell::{Cell, RefCell};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use kinglet_abi::{ActivationKind, Trap, VmStore};
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};
use tracing::debug;

use super::{forward, registry, resume, running};

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
        let installed = SIGNALS.iter().all(|signal| {
            // SAFETY: the handler keeps to what is safe in one, and passes on what is not its own.
            unsafe {
                let mut action: libc::sigaction = std::mem::zeroed();
                action.sa_sigaction = on_fault as *const () as usize;
                // A fault in a handler further down is to be seen too, and the stack may be another's.
                action.sa_flags = libc::SA_SIGINFO | libc::SA_NODEFER | libc::SA_ONSTACK;
                libc::sigemptyset(&mut action.sa_mask);
                libc::sigaction(*signal, &action, std::ptr::null_mut()) == 0
            }
        });
        HANDLING.store(installed, Ordering::Relaxed);
        installed
    })
}

/// Whether the handler is there.
static HANDLING: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// Whether the thread has been seen to.
    static SEEN_TO: Cell<bool> = const { Cell::new(false) };
    /// The alternate stack that we gave it.
    static OURS: RefCell<Option<SignalStack>> = const { RefCell::new(None) };
}

/// Sees to it that a thread that is about to run native code has an alternate signal stack, so that the handler
/// and the one that was there before it run even where the thread's own stack is used up. Rust's threads have one;
/// those of other languages seldom do.
#[inline(always)]
pub(super) fn prepare_thread() {
    if !SEEN_TO.get() && HANDLING.load(Ordering::Relaxed) {
        give_signal_stack();
    }
}

#[cold]
fn give_signal_stack() {
    SEEN_TO.set(true);
    if current_signal_stack().is_some_and(|stack| stack.ss_flags & libc::SS_DISABLE == 0) {
        return;
    }
    match SignalStack::new() {
        // If the thread is about to end, it goes at once.
        Some(stack) => _ = OURS.try_with(|ours| ours.borrow_mut().replace(stack)),
        None => debug!("no alternate signal stack can be had"),
    }
}

/// What the thread has.
fn current_signal_stack() -> Option<libc::stack_t> {
    // SAFETY: asks; every bit pattern of the struct is one.
    unsafe {
        let mut stack = std::mem::zeroed();
        (libc::sigaltstack(std::ptr::null(), &mut stack) == 0).then_some(stack)
    }
}

/// An alternate signal stack, the thread's as long as it lives.
struct SignalStack {
    /// The mapping, whose first page stays inaccessible.
    start: *mut libc::c_void,
    len: usize,
}

impl SignalStack {
    /// Gives the thread one.
    fn new() -> Option<SignalStack> {
        // As much as a handler of the host's may want, and what the processor's registers take.
        const USUAL: usize = 64 << 10;
        let page = rustix::param::page_size();
        // SAFETY: asks for a number.
        let least = unsafe { libc::getauxval(libc::AT_MINSIGSTKSZ) } as usize;
        let size = USUAL.saturating_add(least).checked_next_multiple_of(page)?;
        let (len, access) = (size.checked_add(page)?, ProtFlags::READ | ProtFlags::WRITE);
        // SAFETY: a new mapping overlaps nothing.
        let start = unsafe { mmap_anonymous(std::ptr::null_mut(), len, access, MapFlags::PRIVATE) }.ok()?;
        let stack = SignalStack { start, len };
        // SAFETY: the part lies in the mapping.
        unsafe { mprotect(start, page, MprotectFlags::empty()) }.ok()?;
        let given = libc::stack_t { ss_sp: start.wrapping_byte_add(page), ss_flags: 0, ss_size: size };
        // SAFETY: the memory stays until `drop`, which takes the stack from the thread first.
        (unsafe { libc::sigaltstack(&given, std::ptr::null_mut()) } == 0).then_some(stack)
    }
}

impl Drop for SignalStack {
    fn drop(&mut self) {
        let range = self.start as usize..self.start as usize + self.len;
        if current_signal_stack().is_some_and(|stack| range.contains(&(stack.ss_sp as usize))) {
            let none = libc::stack_t { ss_sp: std::ptr::null_mut(), ss_flags: libc::SS_DISABLE, ss_size: 0 };
            // SAFETY: takes away what was given; no handler runs on it now.
            unsafe { libc::sigaltstack(&none, std::ptr::null_mut()) };
        }
        // SAFETY: ours, and no longer the thread's.
        let _ = unsafe { munmap(self.start, self.len) };
    }
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
    // SAFETY: the arguments are the system's, which are valid while a handler runs.
    unsafe {
        if !trapped(signal, info, context.cast()) {
            pass_on(signal, info, context);
        }
    }
}

/// Has the thread go on at `landing` if the fault is a trap of the guest it runs.
///
/// Whether there is published code at the address is asked first. Only a thread that runs a guest is at one, and has
/// touched the thread-local variable before: reading that may allocate where a program loads this as a library and the
/// thread has never used it.
unsafe fn trapped(signal: i32, info: *const libc::siginfo_t, context: *mut libc::ucontext_t) -> bool {
    // SAFETY: code that this thread is in does not go; a store that runs is live, and this thread is in its guest code or in
    // what that called; nothing is changed unless the instruction is known to be one that may trap.
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
            registers::leave_prologue(context, forward::interpret as *const () as usize);
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
    // SAFETY: the caller, `trapped`, has found that the store's guest code runs on this thread: the store is live, and
    // nothing borrows it.
    let reserved = || unsafe {
        crate::vm::store::with_core(store, |core| core.memories.iter().any(|memory| memory.reserves(address)))
    };
    address < NULL_PAGE || reserved()
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
        record = sym resume::record,
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
        record = sym resume::record,
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
        record = sym resume::record,
        resume = sym resume::resume,
    )
}

const _: () = assert!(Trap::ALL.len() < 200, "codes are traps' marks in machine code");

#[cfg(target_arch = "x86_64")]
mod registers {
    //! The registers of an interrupted thread.

    use libc::{REG_RBP, REG_RDI, REG_RIP, REG_RSI, REG_RSP, ucontext_t};

    pub(super) unsafe fn pc(context: *const ucontext_t) -> usize {
        // SAFETY: the caller, `trapped`, has the context from the system, which gives a handler one that it may read.
        unsafe { (*context).uc_mcontext.gregs[REG_RIP as usize] as usize }
    }

    pub(super) unsafe fn fp(context: *const ucontext_t) -> usize {
        // SAFETY: the caller, `trapped`, has the context from the system, which gives a handler one that it may read.
        unsafe { (*context).uc_mcontext.gregs[REG_RBP as usize] as usize }
    }

    /// Sets where the thread goes on, with two arguments, below all that its stack holds.
    pub(super) unsafe fn go_on(context: *mut ucontext_t, pc: usize, a: usize, b: usize) {
        // SAFETY: the caller, `trapped`, has the context from the system, which gives a handler one that it may change.
        let registers = unsafe { &mut (*context).uc_mcontext.gregs };
        registers[REG_RIP as usize] = pc as i64;
        registers[REG_RDI as usize] = a as i64;
        registers[REG_RSI as usize] = b as i64;
        registers[REG_RSP as usize] = (registers[REG_RSP as usize] - 128) & !15;
    }

    /// Sets where the thread goes on that is behind the beginning of a function's frame, with its arguments, as if its
    /// caller had called `pc` instead.
    pub(super) unsafe fn leave_prologue(context: *mut ucontext_t, pc: usize) {
        // SAFETY: the caller, `trapped`, has the context from the system, which gives a handler one that it may change; the
        // frame's beginning is the caller's frame pointer and the return address.
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
        // SAFETY: the caller, `trapped`, has the context from the system, which gives a handler one that it may read.
        unsafe { (*context).uc_mcontext.pc as usize }
    }

    pub(super) unsafe fn fp(context: *const ucontext_t) -> usize {
        // SAFETY: the caller, `trapped`, has the context from the system, which gives a handler one that it may read.
        unsafe { (*context).uc_mcontext.regs[29] as usize }
    }

    /// Sets where the thread goes on, with two arguments, below all that its stack holds.
    pub(super) unsafe fn go_on(context: *mut ucontext_t, pc: usize, a: usize, b: usize) {
        // SAFETY: the caller, `trapped`, has the context from the system, which gives a handler one that it may change.
        let registers = unsafe { &mut (*context).uc_mcontext };
        registers.pc = pc as u64;
        registers.regs[0] = a as u64;
        registers.regs[1] = b as u64;
        registers.sp = (registers.sp - 128) & !15;
    }

    /// Sets where the thread goes on that is behind the beginning of a function's frame, with its arguments, as if its
    /// caller had called `pc` instead.
    pub(super) unsafe fn leave_prologue(context: *mut ucontext_t, pc: usize) {
        // SAFETY: the caller, `trapped`, has the context from the system, which gives a handler one that it may change; the
        // frame's beginning is the caller's frame pointer and the return address.
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
        // SAFETY: the caller, `trapped`, has the context from the system, which gives a handler one that it may read.
        unsafe { (*context).uc_mcontext.__gregs[REG_PC] as usize }
    }

    pub(super) unsafe fn fp(context: *const ucontext_t) -> usize {
        // SAFETY: the caller, `trapped`, has the context from the system, which gives a handler one that it may read.
        unsafe { (*context).uc_mcontext.__gregs[REG_S0] as usize }
    }

    /// Sets where the thread goes on, with two arguments, below all that its stack holds.
    pub(super) unsafe fn go_on(context: *mut ucontext_t, pc: usize, a: usize, b: usize) {
        // SAFETY: the caller, `trapped`, has the context from the system, which gives a handler one that it may change.
        let registers = unsafe { &mut (*context).uc_mcontext.__gregs };
        registers[REG_PC] = pc as u64;
        registers[REG_A0] = a as u64;
        registers[REG_A0 + 1] = b as u64;
        registers[REG_SP] = (registers[REG_SP] - 128) & !15;
    }

    /// Sets where the thread goes on that is behind the beginning of a function's frame, with its arguments, as if its
    /// caller had called `pc` instead.
    pub(super) unsafe fn leave_prologue(context: *mut ucontext_t, pc: usize) {
        const REG_RA: usize = 1;
        // SAFETY: the caller, `trapped`, has the context from the system, which gives a handler one that it may change; the
        // frame's beginning is the caller's frame pointer and the return address.
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
