//! Running bytecode. An instruction is the address of its handler followed by operand words; a handler does its work on
//! a [`Machine`] and goes to the next by a tail call that the compiler turns into a jump (a test disassembles the
//! release binary), or returns to a loop where tail calls are not to be had.
//!
//! Invariants: code is made by [`crate::emit`] from validated bodies, so slots lie in the frame whose size the entry
//! instruction checked, and operand words have the shape the handler was chosen for. `mem` and `len` are those of the
//! running instance's memory 0. The newest record is the running frame's.

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

pub(crate) use control::{array_entry, lower_stub};
pub(crate) use operand::Kind;

pub use control::array_stub;

/// Handlers by shape, for the emitter.
pub(crate) mod handlers {
    pub(crate) use super::control::handlers::*;
    pub(crate) use super::memory::handlers::*;
    pub(crate) use super::numeric::handlers::*;
    pub(crate) use super::table::handlers::*;
    pub(crate) use super::variable::handlers::*;
    pub(crate) use super::vector::handlers::*;
}

/// A handler's registers.
pub(crate) struct Machine {
    vm: *mut VmStore,
    /// Behind the last word read.
    ip: *const u32,
    /// The frame's first slot.
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

/// Why a handler does not go on, in one register: a trap of the running frame by its code, or, from 256 on, how the
/// activation ends, what is to be said of it having been noted, or one of the two constants. Nothing that takes the
/// machine's address runs in a handler: it would not go to the next by a jump then.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stop(NonZeroU32);

impl Stop {
    #[allow(non_snake_case)]
    #[inline(always)]
    const fn Trap(trap: Trap) -> Stop {
        // Every trap's code is above zero.
        Stop(NonZeroU32::MIN.saturating_add(trap as u32 - 1))
    }

    #[allow(non_snake_case)]
    #[inline(always)]
    const fn Exit(status: Status) -> Stop {
        Stop(NonZeroU32::MIN.saturating_add(status as u32 + 255))
    }

    /// The activation may go on where the newest record will say: something wants attention at a back-edge, which has
    /// been taken.
    const INTERRUPT: Stop = Stop(NonZeroU32::MIN.saturating_add(511));
    /// The same: an exception is pending.
    const UNWIND: Stop = Stop(NonZeroU32::MIN.saturating_add(512));
    /// The same: something wants attention at a function's entry.
    const ENTRY: Stop = Stop(NonZeroU32::MIN.saturating_add(513));
}

type Flow = Result<(), Stop>;

/// An instruction.
pub(crate) trait Instruction {
    /// Does its work.
    ///
    /// # Safety
    /// See the module's invariants.
    unsafe fn run(m: &mut Machine) -> Flow;
}

/// How this build goes from one handler to the next: `threaded`, each jumping to the next, or `loop`.
pub const DISPATCH: &str = if cfg!(all(threaded, not(debug_assertions))) { "threaded" } else { "loop" };

/// Two instructions that often follow one another, as one: their operand words follow one another too.
struct Pair<A, B>(PhantomData<(A, B)>);

impl<A: Instruction, B: Instruction> Instruction for Pair<A, B> {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the emitter makes a pair only of instructions that follow one another, and writes the operand words
        // of both, one after the other (`Assembler::fuse`).
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

/// Words that a handler's address takes.
pub(crate) const HANDLER_WORDS: usize = size_of::<Handler>() / size_of::<u32>();

/// The address of a handler as code has it, from which [`handler_at`] makes the handler again.
pub(crate) fn handler_address(handler: Handler) -> usize {
    (handler as *const ()).expose_provenance()
}

/// The handler whose address stands at `ip`.
///
/// # Safety
/// [`handler_address`] gave the words there.
#[inline(always)]
unsafe fn handler_at(ip: *const u32) -> Handler {
    // SAFETY: by contract it is a handler's address, and its provenance is exposed.
    unsafe {
        let address = std::ptr::with_exposed_provenance::<()>(ip.cast::<usize>().read_unaligned());
        std::mem::transmute::<*const (), Handler>(address)
    }
}

/// What a handler of the loop returns to go on.
#[cfg(not(all(threaded, not(debug_assertions))))]
const CONTINUE: u64 = u64::MAX;

/// The handler of an instruction.
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
    // SAFETY: code puts handlers only in front of their operand words.
    unsafe {
        let mut m = Machine { vm, ip: ip.add(HANDLER_WORDS), fp, mem, len, acc, s, d };
        match I::run(&mut m) {
            Ok(()) => {
                let next = handler_at(m.ip);
                next(m.vm, m.ip, m.fp, m.mem, m.len, m.acc, m.s, m.d)
            }
            Err(stop) => stopped(m.vm, m.ip, m.fp, m.mem, m.len, stop.0.get().into(), m.s, m.d),
        }
    }
}

/// Ends the activation, or goes on elsewhere; out of line and of a handler's shape, so that handlers stay small.
#[cfg(all(threaded, not(debug_assertions)))]
#[cold]
#[inline(never)]
unsafe extern "C" fn stopped(
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
    // SAFETY: a handler ended here, so that the newest record is live and says where to go on in its code.
    unsafe {
        match stop_or_continue(vm, ip, fp, stop as u32) {
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

/// Where the frame of the newest record goes on, or the status with which the activation ends.
#[cold]
#[inline(never)]
unsafe fn stop_or_continue(vm: *mut VmStore, ip: *const u32, fp: *mut u64, stop: u32) -> Result<*const u32, u64> {
    // SAFETY: a handler stopped here: the machine's registers are those of the newest record's frame, which is live.
    unsafe {
        let (mem, len) = access::memory0((*(*vm).record.cast::<Record>()).vmctx);
        let mut m = Machine { vm, ip, fp, mem, len, acc: 0, s: 0.0, d: 0.0 };
        let mut flow = NonZeroU32::new(stop).map_or(Ok(()), |stop| Err(Stop(stop)));
        if flow == Err(Stop::INTERRUPT) {
            flow = m.check_stop();
            if flow.is_err() {
                // It stopped in the loop whose header is next, not in what stands before that.
                m.ip = m.ip.add(1);
            } else {
                flow = m.enter_native_loop();
            }
        }
        if flow == Err(Stop::ENTRY) {
            flow = m.entry_interrupted();
        }
        if flow == Err(Stop::UNWIND) {
            flow = m.unwind();
        }
        match flow {
            Ok(()) => Ok(m.ip),
            Err(stop) => Err(m.stop(stop.0.get())),
        }
    }
}

/// The handler of an instruction.
#[cfg(not(all(threaded, not(debug_assertions))))]
pub(crate) unsafe fn handler<I: Instruction>(m: &mut Machine) -> u64 {
    // SAFETY: code puts handlers only in front of their operand words.
    unsafe {
        m.ip = m.ip.add(HANDLER_WORDS);
        match I::run(m) {
            Ok(()) => CONTINUE,
            Err(stop) => match stop_or_continue(m.vm, m.ip, m.fp, stop.0.get()) {
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
        // SAFETY: `ip` is the start of code, which begins with a handler; the registers are those it expects.
        unsafe {
            let first = handler_at(self.ip);
            first(self.vm, self.ip, self.fp, self.mem, self.len, self.acc, self.s, self.d)
        }
    }

    #[cfg(not(all(threaded, not(debug_assertions))))]
    unsafe fn run(mut self) -> u64 {
        loop {
            // SAFETY: each handler leaves `ip` at the next one's address; the registers are those it expects.
            let status = unsafe {
                let next = handler_at(self.ip);
                next(&mut self)
            };
            if status != CONTINUE {
                return status;
            }
        }
    }

    /// The next operand word.
    #[inline(always)]
    unsafe fn word(&mut self) -> u32 {
        // SAFETY: the emitter wrote it.
        unsafe {
            let word = *self.ip;
            self.ip = self.ip.add(1);
            word
        }
    }

    /// The next two operand words.
    #[inline(always)]
    unsafe fn double_word(&mut self) -> u64 {
        // SAFETY: the emitter wrote them.
        unsafe {
            let words = self.ip.cast::<u64>().read_unaligned();
            self.ip = self.ip.add(2);
            words
        }
    }

    /// A pointer in operand words.
    #[inline(always)]
    unsafe fn pointer<T>(&mut self) -> *const T {
        // SAFETY: the emitter wrote it, and what it points to lives as long as the code.
        unsafe { self.double_word() as usize as *const T }
    }

    /// The slot at a byte offset.
    #[inline(always)]
    unsafe fn slot(&self, offset: u32) -> *mut u64 {
        // SAFETY: inside the frame by the module's invariants.
        unsafe { self.fp.byte_add(offset as usize) }
    }

    #[inline(always)]
    unsafe fn record(&self) -> *mut Record {
        // SAFETY: the store is live.
        unsafe { (*self.vm).record.cast() }
    }

    #[inline(always)]
    unsafe fn vmctx(&self) -> *mut VmCtx {
        // SAFETY: the newest record is the running frame's.
        unsafe { (*self.record()).vmctx }
    }

    #[inline(always)]
    unsafe fn load_memory(&mut self, vmctx: *const VmCtx) {
        // SAFETY: the caller gives a live instance or host context, which has a memory 0.
        (self.mem, self.len) = unsafe { access::memory0(vmctx) };
    }

    /// Goes to a target given relative to the word it stands in.
    #[inline(always)]
    unsafe fn jump(&mut self, at: *const u32, target: u32) {
        // SAFETY: targets lie in the same code.
        self.ip = unsafe { at.offset(target as i32 as isize) };
    }

    #[inline(always)]
    unsafe fn check_interrupt(&self) -> Flow {
        // SAFETY: the store is live.
        if unsafe { (*self.vm).interrupt.load(Ordering::Relaxed) } != 0 {
            branch_here();
            return Err(Stop::INTERRUPT);
        }
        Ok(())
    }

    /// Whether to stop, where no loop can be left to native code.
    #[inline(always)]
    unsafe fn check_stop(&self) -> Flow {
        // SAFETY: the store is live.
        if unsafe { (*self.vm).interrupt.load(Ordering::Relaxed) } & INTERRUPT_STOP != 0 {
            branch_here();
            return Err(Stop::Trap(Trap::Interrupted));
        }
        Ok(())
    }

    /// Calls the runtime with operands from `args` on.
    #[inline(always)]
    unsafe fn libcall(&mut self, libcall: Libcall, args: *mut u64, a: u32, b: u32) -> Flow {
        // SAFETY: the store and its libcalls are live; the frame is left so that it can be walked.
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
            code => Err(Stop::Trap(trap_from(code))),
        }
    }

    /// How the activation ends. A trap is noted while all frames are still there.
    #[cold]
    #[inline(never)]
    unsafe fn stop(&mut self, stop: u32) -> u64 {
        if let Some(status) = stop.checked_sub(256) {
            return status.into();
        }
        // SAFETY: the frame's instance is live, and raising a trap takes no operands.
        let _ = unsafe { self.libcall(Libcall::Raise, std::ptr::null_mut(), stop, 0) };
        Status::Trap as u64
    }
}

/// Keeps the branch it stands in a branch. The compiler would rather select the next instruction's address from a
/// comparison's result; then all that follows waits for the comparison, where a predicted branch lets it go ahead.
#[inline(always)]
fn branch_here() {
    #[cfg(all(threaded, not(debug_assertions), not(miri)))]
    // SAFETY: no instructions.
    unsafe {
        std::arch::asm!("", options(nomem, nostack, preserves_flags));
    }
}

fn trap_from(code: u32) -> Trap {
    Trap::from_code(code).unwrap_or(Trap::Unsupported)
}

/// Runs a function in the interpreter: arguments from `slots`, results to `slots`, which has room for the function's
/// array. With [`Status::TailCall`] nothing is written and [`VmStore::tail`] is set; only bridges get that.
///
/// # Safety
/// `store` is live, its guest code not running but called out, and `cell` a function of `vmctx`.
pub unsafe fn call(
    store: *mut VmStore,
    kind: ActivationKind,
    cell: *const FuncCell,
    vmctx: *mut VmCtx,
    slots: *mut u64,
) -> Status {
    // SAFETY: the new frame lies above everything in use, and its size is checked before anything is written.
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
        let here = std::ptr::from_mut(&mut activation) as usize;
        if (record as usize).saturating_sub(fp as usize) < count * 8 + MARGIN
            || here < (*store).stack_limit.saturating_sub((*store).spare_stack)
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
