//! Runs bytecode.
//!
//! An instruction is the address of its handler, followed by operand words. A handler works on a [`Machine`] and
//! continues with the next handler by a tail call that the compiler turns into a jump. A test disassembles the release
//! binary to verify that. Where such tail calls are not available, handlers return to a loop.
//!
//! Invariants:
//! - [`crate::emit`] generates code from validated bodies. Slots lie in the frame whose size the entry check has
//!   verified, and operand words have the shape that the handler expects.
//! - `mem` and `len` are the base and length of the running instance's memory 0.
//! - The newest record belongs to the running frame.

mod control;
mod memory;
mod numeric;
mod operand;
mod table;
mod variable;
mod vector;

use std::marker::PhantomData;
use std::num::NonZeroU32;
use std::sync::atomic::Ordering;

use kinglet_abi::{Activation, ActivationKind, FuncCell, INTERRUPT_STOP, Libcall, Status, Trap, VmCtx, VmStore};

use crate::access;
use crate::frame::{MARGIN, Record};

pub(crate) use control::{array_to_interpreter, lower_stub};
pub(crate) use operand::OperandKind;

pub use control::array_stub;

/// Functions that select handlers for the emitter.
pub(crate) mod handlers {
    pub(crate) use super::control::handlers::*;
    pub(crate) use super::memory::handlers::*;
    pub(crate) use super::numeric::handlers::*;
    pub(crate) use super::table::handlers::*;
    pub(crate) use super::variable::handlers::*;
    pub(crate) use super::vector::handlers::*;
}

/// The registers of a handler.
pub(crate) struct Machine {
    vm: *mut VmStore,
    /// The next word.
    ip: *const u32,
    /// The first slot of the frame.
    fp: *mut u64,
    mem: *mut u8,
    len: usize,
    /// The last integer or reference result.
    acc: u64,
    /// The last `f32` result.
    s: f32,
    /// The last `f64` result.
    d: f64,
}

/// The reason why a handler stops, in a single register.
///
/// The value is the code of a trap in the running frame, 256 plus the status with which the activation ends, or one of
/// the constants below. Before a status other than a trap, the handler has recorded all details. Code in a handler must
/// not take the machine's address, because the handler then could not end with a jump.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct StopReason(NonZeroU32);

impl StopReason {
    #[allow(non_snake_case)]
    #[inline(always)]
    const fn Trap(trap: Trap) -> StopReason {
        // The codes of traps are nonzero.
        StopReason(NonZeroU32::MIN.saturating_add(trap as u32 - 1))
    }

    #[allow(non_snake_case)]
    #[inline(always)]
    const fn Exit(status: Status) -> StopReason {
        StopReason(NonZeroU32::MIN.saturating_add(status as u32 + 255))
    }

    /// Interrupts are pending at a back-edge that has been taken. The activation may continue at the newest record.
    const INTERRUPT: StopReason = StopReason(NonZeroU32::MIN.saturating_add(511));
    /// An exception is pending. The activation may continue at the newest record.
    const UNWIND: StopReason = StopReason(NonZeroU32::MIN.saturating_add(512));
    /// Interrupts are pending at a function entry. The activation may continue at the newest record.
    const ENTRY: StopReason = StopReason(NonZeroU32::MIN.saturating_add(513));
}

type Flow = Result<(), StopReason>;

/// An instruction.
pub(crate) trait Instruction {
    /// Executes the instruction.
    ///
    /// # Safety
    /// See the module's invariants.
    unsafe fn run(m: &mut Machine) -> Flow;
}

/// The dispatch technique of this build: `threaded` if handlers jump to each other, or `loop`.
pub const DISPATCH: &str = if cfg!(all(threaded, not(debug_assertions))) { "threaded" } else { "loop" };

/// A superinstruction: two instructions that often follow one another, executed by one handler. The operand words of
/// the second instruction follow those of the first.
struct Superinstruction<A, B>(PhantomData<(A, B)>);

impl<A: Instruction, B: Instruction> Instruction for Superinstruction<A, B> {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the emitter fuses only consecutive instructions, and writes the operand words of one after those of
        // the other (`Assembler::fuse`).
        unsafe {
            A::run(m)?;
            B::run(m)
        }
    }
}

#[cfg(all(threaded, not(debug_assertions)))]
pub(crate) type Handler =
    unsafe extern "C" fn(*mut VmStore, *const u32, *mut u64, *mut u8, usize, u64, f32, f64) -> u64;

#[cfg(not(all(threaded, not(debug_assertions))))]
pub(crate) type Handler = unsafe fn(&mut Machine) -> u64;

/// The words that a handler's address takes.
pub(crate) const HANDLER_WORDS: usize = size_of::<Handler>() / size_of::<u32>();

/// Returns the address of a handler for use in code. [`handler_at`] converts it back.
pub(crate) fn handler_address(handler: Handler) -> usize {
    (handler as *const ()).expose_provenance()
}

/// Returns the handler whose address is at `ip`.
///
/// # Safety
/// The words at `ip` come from [`handler_address`].
#[inline(always)]
unsafe fn handler_at(ip: *const u32) -> Handler {
    // SAFETY: the caller promises the address of a handler, and its provenance is exposed.
    unsafe {
        let address = std::ptr::with_exposed_provenance::<()>(ip.cast::<usize>().read_unaligned());
        std::mem::transmute::<*const (), Handler>(address)
    }
}

/// The return value of a handler in the dispatch loop if execution continues.
#[cfg(not(all(threaded, not(debug_assertions))))]
const CONTINUE: u64 = u64::MAX;

/// The handler of an instruction, for threaded dispatch.
#[cfg(all(threaded, not(debug_assertions)))]
pub(crate) unsafe extern "C" fn handler<I: Instruction>(
    vm: *mut VmStore,
    ip: *const u32,
    fp: *mut u64,
    mem: *mut u8,
    len: usize,
    acc: u64,
    s: f32,
    d: f64,
) -> u64 {
    // SAFETY: the emitter writes a handler only in front of its operand words.
    unsafe {
        let mut m = Machine { vm, ip: ip.add(HANDLER_WORDS), fp, mem, len, acc, s, d };
        match I::run(&mut m) {
            Ok(()) => {
                let next = handler_at(m.ip);
                next(m.vm, m.ip, m.fp, m.mem, m.len, m.acc, m.s, m.d)
            }
            Err(stop) => handle_stop(m.vm, m.ip, m.fp, m.mem, m.len, stop.0.get().into(), m.s, m.d),
        }
    }
}

/// Ends the activation, or continues elsewhere. This function is out of line and has a handler's signature, so handlers
/// stay small.
#[cfg(all(threaded, not(debug_assertions)))]
#[cold]
#[inline(never)]
unsafe extern "C" fn handle_stop(
    vm: *mut VmStore,
    ip: *const u32,
    fp: *mut u64,
    mem: *mut u8,
    len: usize,
    stop: u64,
    s: f32,
    d: f64,
) -> u64 {
    let _ = (mem, len);
    if let 256..512 = stop {
        return stop - 256;
    }
    // SAFETY: a handler has stopped, so the newest record is live and contains the address at which to continue.
    unsafe {
        match resolve_stop(vm, ip, fp, stop as u32) {
            Ok(ip) => {
                let record = (*vm).record.cast::<Record>();
                let (mem, len) = access::memory0((*record).vmctx);
                let next = handler_at(ip);
                next(vm, ip, (*record).fp, mem, len, 0, s, d)
            }
            Err(status) => status,
        }
    }
}

/// Returns the address at which the newest record's frame continues, or the status with which the activation ends.
#[cold]
#[inline(never)]
unsafe fn resolve_stop(vm: *mut VmStore, ip: *const u32, fp: *mut u64, stop: u32) -> Result<*const u32, u64> {
    // SAFETY: a handler has stopped, so the machine's registers belong to the newest record's frame, which is live.
    unsafe {
        let (mem, len) = access::memory0((*(*vm).record.cast::<Record>()).vmctx);
        let mut m = Machine { vm, ip, fp, mem, len, acc: 0, s: 0.0, d: 0.0 };
        let mut flow = NonZeroU32::new(stop).map_or(Ok(()), |stop| Err(StopReason(stop)));
        if flow == Err(StopReason::INTERRUPT) {
            flow = m.poll_stop();
            if flow.is_err() {
                // Attribute the trap to the loop whose header comes next, not to the code before it.
                m.ip = m.ip.add(1);
            } else {
                flow = m.enter_osr();
            }
        }
        if flow == Err(StopReason::ENTRY) {
            flow = m.handle_entry_interrupt();
        }
        if flow == Err(StopReason::UNWIND) {
            flow = m.unwind();
        }
        match flow {
            Ok(()) => Ok(m.ip),
            Err(stop) => Err(m.end_activation(stop.0.get())),
        }
    }
}

/// The handler of an instruction, for the dispatch loop.
#[cfg(not(all(threaded, not(debug_assertions))))]
pub(crate) unsafe fn handler<I: Instruction>(m: &mut Machine) -> u64 {
    // SAFETY: the emitter writes a handler only in front of its operand words.
    unsafe {
        m.ip = m.ip.add(HANDLER_WORDS);
        match I::run(m) {
            Ok(()) => CONTINUE,
            Err(stop) => match resolve_stop(m.vm, m.ip, m.fp, stop.0.get()) {
                Ok(ip) => {
                    let record = m.record();
                    (m.ip, m.fp) = (ip, (*record).fp);
                    m.load_memory((*record).vmctx);
                    CONTINUE
                }
                Err(status) => status,
            },
        }
    }
}

impl Machine {
    #[cfg(all(threaded, not(debug_assertions)))]
    unsafe fn run(self) -> u64 {
        // SAFETY: `ip` is the start of code, which begins with a handler, and the registers are those that it expects.
        unsafe {
            let first = handler_at(self.ip);
            first(self.vm, self.ip, self.fp, self.mem, self.len, self.acc, self.s, self.d)
        }
    }

    #[cfg(not(all(threaded, not(debug_assertions))))]
    unsafe fn run(mut self) -> u64 {
        loop {
            // SAFETY: each handler leaves `ip` at the address of the next, and the registers are those that it expects.
            let status = unsafe {
                let next = handler_at(self.ip);
                next(&mut self)
            };
            if status != CONTINUE {
                return status;
            }
        }
    }

    /// Reads the next operand word.
    #[inline(always)]
    unsafe fn word(&mut self) -> u32 {
        // SAFETY: the emitter wrote the word.
        unsafe {
            let word = *self.ip;
            self.ip = self.ip.add(1);
            word
        }
    }

    /// Reads the next two operand words.
    #[inline(always)]
    unsafe fn double_word(&mut self) -> u64 {
        // SAFETY: the emitter wrote both words.
        unsafe {
            let words = self.ip.cast::<u64>().read_unaligned();
            self.ip = self.ip.add(2);
            words
        }
    }

    /// Reads a pointer from operand words.
    #[inline(always)]
    unsafe fn pointer<T>(&mut self) -> *const T {
        // SAFETY: the emitter wrote the pointer, and its target lives as long as the code.
        unsafe { self.double_word() as usize as *const T }
    }

    /// Returns the slot at a byte offset.
    #[inline(always)]
    unsafe fn slot(&self, offset: u32) -> *mut u64 {
        // SAFETY: the slot lies in the frame by the module's invariants.
        unsafe { self.fp.byte_add(offset as usize) }
    }

    #[inline(always)]
    unsafe fn record(&self) -> *mut Record {
        // SAFETY: the store is live.
        unsafe { (*self.vm).record.cast() }
    }

    #[inline(always)]
    unsafe fn vmctx(&self) -> *mut VmCtx {
        // SAFETY: the newest record belongs to the running frame.
        unsafe { (*self.record()).vmctx }
    }

    #[inline(always)]
    unsafe fn load_memory(&mut self, vmctx: *const VmCtx) {
        // SAFETY: the caller passes a live instance or host context, which has a memory 0.
        (self.mem, self.len) = unsafe { access::memory0(vmctx) };
    }

    /// Jumps to a target relative to the word that holds it.
    #[inline(always)]
    unsafe fn jump(&mut self, at: *const u32, target: u32) {
        // SAFETY: the target lies in the same code.
        self.ip = unsafe { at.offset(target as i32 as isize) };
    }

    #[inline(always)]
    unsafe fn poll_interrupt(&self) -> Flow {
        // SAFETY: the store is live.
        if unsafe { (*self.vm).interrupt.load(Ordering::Relaxed) } != 0 {
            keep_branch();
            return Err(StopReason::INTERRUPT);
        }
        Ok(())
    }

    /// Checks for a stop request where OSR is not possible.
    #[inline(always)]
    unsafe fn poll_stop(&self) -> Flow {
        // SAFETY: the store is live.
        if unsafe { (*self.vm).interrupt.load(Ordering::Relaxed) } & INTERRUPT_STOP != 0 {
            keep_branch();
            return Err(StopReason::Trap(Trap::Interrupted));
        }
        Ok(())
    }

    /// Makes a libcall with the operand slots at `args`.
    #[inline(always)]
    unsafe fn libcall(&mut self, libcall: Libcall, args: *mut u64, a: u32, b: u32) -> Flow {
        // SAFETY: the store and its libcalls are live, and the saved resume address makes the frame walkable.
        let code = unsafe {
            let record = self.record();
            (*record).ip = self.ip;
            let function = (*(*self.vm).libcalls).get(libcall);
            let code = function((*record).vmctx, args, a, b);
            self.load_memory((*record).vmctx);
            code
        };
        match code {
            0 => Ok(()),
            code => Err(StopReason::Trap(trap_from_code(code))),
        }
    }

    /// Returns the status with which the activation ends. Records a trap while every frame still exists.
    #[cold]
    #[inline(never)]
    unsafe fn end_activation(&mut self, stop: u32) -> u64 {
        if let Some(status) = stop.checked_sub(256) {
            return status.into();
        }
        // SAFETY: the frame's instance is live, and `Raise` takes no operands.
        let _ = unsafe { self.libcall(Libcall::Raise, std::ptr::null_mut(), stop, 0) };
        Status::Trap as u64
    }
}

/// Prevents the compiler from turning a branch into a conditional move.
///
/// A conditional move of the next instruction's address would make all later instructions wait for the comparison. A
/// predicted branch avoids this wait.
#[inline(always)]
fn keep_branch() {
    #[cfg(all(threaded, not(debug_assertions), not(miri)))]
    // SAFETY: the assembly contains no instructions.
    unsafe {
        std::arch::asm!("", options(nomem, nostack, preserves_flags));
    }
}

fn trap_from_code(code: u32) -> Trap {
    Trap::from_code(code).unwrap_or(Trap::Unsupported)
}

/// Runs a function in the interpreter. Reads arguments from `slots` and writes results there; the array has the size
/// that the cell requires.
///
/// With [`Status::TailCall`], nothing is written, and [`VmStore::tail_call`] is set. Only native-to-interpreter
/// trampolines get that status.
///
/// # Safety
/// `store` is live, its guest code has called out, and `cell` is a function of `vmctx`.
pub unsafe fn call(
    store: *mut VmStore,
    kind: ActivationKind,
    cell: *const FuncCell,
    vmctx: *mut VmCtx,
    slots: *mut u64,
) -> Status {
    // SAFETY: the new frame lies beyond everything in use, and its size is checked before anything is written.
    unsafe {
        if (*store).record.is_null() {
            let code = (*(*store).libcalls).get(Libcall::GuestStack)(vmctx, std::ptr::null_mut(), 0, 0);
            if code != 0 {
                (*(*store).libcalls).get(Libcall::Raise)(vmctx, std::ptr::null_mut(), code, 0);
                return Status::Trap;
            }
        }
        let saved = ((*store).record, (*store).stack_top);
        let fp = (*store).stack_top;
        let count = (*cell).array_slots as usize;
        let base = (*store).record.cast::<Record>().sub(1);
        let record = base.sub(1);
        let mut activation = Activation {
            prev: (*store).activation,
            kind,
            vmctx,
            base_record: base.cast(),
            exit_frame: std::ptr::null(),
            fault: [0; 2],
            entry_fp: 0,
            entry_sp: 0,
            entry_handler: 0,
        };
        let stack_address = std::ptr::from_mut(&mut activation) as usize;
        if (record as usize).saturating_sub(fp as usize) < count * 8 + MARGIN
            || stack_address < (*store).stack_limit.saturating_sub((*store).stack_reserve)
        {
            let raise = (*(*store).libcalls).get(Libcall::Raise);
            raise(vmctx, std::ptr::null_mut(), Trap::StackOverflow as u32, 0);
            return Status::Trap;
        }
        std::ptr::copy_nonoverlapping(slots, fp, count);
        base.write(Record { cell: std::ptr::null(), vmctx, fp, ip: control::exit_stub() });
        record.write(Record { cell, vmctx, fp, ip: std::ptr::null() });
        (*store).record = record.cast();
        (*store).activation = &mut activation;
        let (mem, len) = access::memory0(vmctx);
        let ip = control::start_stub();
        let status = Machine { vm: store, ip, fp, mem, len, acc: 0, s: 0.0, d: 0.0 }.run();
        let status = Status::from_u32(status as u32);
        if status == Status::Ok {
            std::ptr::copy_nonoverlapping(fp, slots, count);
        }
        (*store).activation = activation.prev;
        ((*store).record, (*store).stack_top) = saved;
        status
    }
}
