//! Control instructions: function entry, branches, calls, returns, exceptions, and the stubs that cells start with.

use std::marker::PhantomData;
use std::sync::atomic::Ordering;

use kinglet_abi::{
    ActivationKind, ArrayFn, FuncCell, FuncRef, Libcall, Status, Trap, VmCtx, VmImport, VmStore, VmTable,
};
use kinglet_wasm::{Error, ErrorKind};

use super::memory::I32LoadSlot;
use super::numeric::Step;
use super::operand::{Acc, Imm, Slot, Source, Target};
use super::variable::{Constant, Copy, GlobalSetPlus};
use super::{Flow, Handler, Instruction, Kind, Machine, Pair, Stop, branch_here, handler, handler_address};
use crate::access;
use crate::code::{Body, Code};
use crate::frame::{MARGIN, Record};

/// Code of one handler without operands, with a header that asks for nothing but the margin.
#[repr(C)]
struct Stub {
    header: [u32; 2],
    handler: Handler,
}

impl Stub {
    const fn new(handler: Handler) -> Stub {
        Stub { header: [0, MARGIN as u32], handler }
    }

    fn entry(&'static self) -> *const u32 {
        const { assert!(std::mem::offset_of!(Stub, handler) == size_of::<[u32; 2]>()) };
        handler_address(self.handler);
        // SAFETY: the handler stands right behind the header; the pointer may go back to that.
        unsafe { std::ptr::from_ref(self).cast::<u32>().add(2) }
    }
}

static START: Stub = Stub::new(handler::<Start>);
static LOWER: Stub = Stub::new(handler::<LowerFirst>);
static ARRAY: Stub = Stub::new(handler::<ArrayCall>);
static EXIT: Stub = Stub::new(handler::<Exit>);

/// Where an activation starts: it enters the function of the newest record.
pub(crate) fn start_stub() -> *const u32 {
    START.entry()
}

/// Where a function that has no code yet starts: it is lowered, then entered.
pub(crate) fn lower_stub() -> *const u32 {
    LOWER.entry()
}

/// Where a host function, or one that another tier has taken over, starts: an array call of its cell.
pub fn array_stub() -> *const u32 {
    ARRAY.entry()
}

/// Where an activation's first frame returns to.
pub(crate) fn exit_stub() -> *const u32 {
    EXIT.entry()
}

/// The array entry of a function that only the interpreter has. Unused by the interpreter itself, whose calls stay on
/// its own stack; the cell it belongs to is in [`kinglet_abi::VmStore::callee`].
pub(crate) unsafe extern "C" fn array_entry(callee: *mut VmCtx, _caller: *mut VmCtx, slots: *mut u64) -> u32 {
    // SAFETY: whoever calls a cell's array function has set `callee` to that cell.
    unsafe {
        let store = (*callee).store;
        super::call(store, ActivationKind::Interpreter, (*store).callee, callee, slots) as u32
    }
}

/// Lowers the function about to run, then starts over.
struct LowerFirst;

impl Instruction for LowerFirst {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the newest record is the callee's, whose cell belongs to a body.
        unsafe {
            let _ = lower((*(*m.record()).cell).body().cast())?;
            m.open()
        }
    }
}

/// Enters the function of the newest record.
struct Start;

impl Instruction for Start {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the newest record is the callee's, its arguments at the frame's start.
        unsafe {
            let cell = (*m.record()).cell;
            if std::mem::replace(&mut (*m.vm).interpreted, std::ptr::null()) == cell {
                return m.open_own();
            }
            m.open()
        }
    }
}

/// A function's own code, lowered now if need be.
#[cold]
#[inline(never)]
unsafe fn lower(body: *const Body) -> Result<*const u32, Stop> {
    // SAFETY: the caller gives the body of a live cell. A panic must not cross the handler, which cannot unwind.
    let lowered = std::panic::catch_unwind(|| unsafe { (*body).code().as_ref().map(Code::start).map_err(Error::kind) });
    match lowered {
        Ok(Ok(start)) => Ok(start),
        // It was well-formed when it was validated.
        Ok(Err(ErrorKind::Malformed)) => Err(Stop::Trap(Trap::Damaged)),
        _ => Err(Stop::Trap(Trap::Unsupported)),
    }
}

/// Whether too little of the host's stack is left for native code: a function that has some is interpreted then. Not inlined, for the address of a variable would keep handlers from being tail-called.
#[inline(never)]
unsafe fn is_deep(store: *const VmStore) -> bool {
    let here = 0_u8;
    // SAFETY: the store is live.
    (std::ptr::from_ref(&here) as usize) < unsafe { (*store).stack_limit }
}

/// The end of an activation's first frame: its results are at the frame's start.
struct Exit;

impl Instruction for Exit {
    #[inline(always)]
    unsafe fn run(_: &mut Machine) -> Flow {
        Err(Stop::Exit(Status::Ok))
    }
}

/// The rest of a call whose callee takes its arguments as an array: a host function or another tier's.
struct ArrayCall;

impl Instruction for ArrayCall {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the newest record is the callee's; its arguments are at its first slot with room for the results.
        unsafe {
            let record = m.record();
            let (cell, vmctx, caller) = ((*record).cell, (*record).vmctx, record.add(1));
            if !(*cell).body().is_null() && is_deep(m.vm) {
                return m.open_own();
            }
            // A tail call leaves the instance that made it in the record; else it is that of the frame below.
            let from = if (*record).ip.is_null() { (*caller).vmctx } else { (*record).ip.cast_mut().cast() };
            (*record).ip = std::ptr::null();
            let activation = (*m.vm).activation;
            if (*activation).kind == ActivationKind::Bridge && (*activation).base_record.cast() == caller {
                // The frame a bridge entered tail-calls another tier: the bridge does it, on the stack it has.
                (*m.vm).tail = kinglet_abi::TailTarget { cell, vmctx, args: m.fp };
                return Err(Stop::Exit(Status::TailCall));
            }
            (*m.vm).stack_top = m.fp.add((*cell).array_slots as usize);
            (*m.vm).callee = cell;
            let function: ArrayFn = std::mem::transmute((*cell).array.load(Ordering::Acquire));
            let status = function(vmctx, from, m.fp);
            m.array_returned(caller, Status::from_u32(status))
        }
    }
}

/// Clears locals: the byte offset and number of the slots.
struct Clear;

impl Instruction for Clear {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the frame's slots are ours since the function was entered.
        unsafe {
            let (from, count) = (m.word(), m.word());
            let first = m.slot(from);
            for i in 0..count as usize {
                first.add(i).write(0);
                // A loop, not a call of `memset`: that would make every entry save registers.
                branch_here();
            }
        }
        Ok(())
    }
}

/// Charges gas.
struct Gas;

impl Instruction for Gas {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the store is live.
        unsafe {
            let cost = m.double_word();
            (*m.vm).gas = (*m.vm).gas.saturating_sub_unsigned(cost);
        }
        Ok(())
    }
}

/// Ends the guest if it is out of gas or interrupted.
struct Check;

impl Instruction for Check {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the store is live.
        unsafe {
            if (*m.vm).gas < 0 {
                return Err(Stop::Trap(Trap::OutOfGas));
            }
            m.check_stop()
        }
    }
}

struct Jump<const BACK: bool>;

impl<const BACK: bool> Instruction for Jump<BACK> {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the emitter wrote the operand words for this handler, and their target lies in the same code (see
        // `exec`).
        unsafe {
            let at = m.ip;
            let target = *at;
            m.jump(at, target);
            if BACK {
                m.check_interrupt()?;
            }
        }
        Ok(())
    }
}

/// A branch on a 32-bit condition or a 64-bit value: a reference, or the operand of `i64.eqz`.
struct JumpIf<A, const WIDE: bool, const WHEN: bool, const BACK: bool>(PhantomData<A>);

impl<A: Source, const WIDE: bool, const WHEN: bool, const BACK: bool> Instruction for JumpIf<A, WIDE, WHEN, BACK> {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the emitter wrote the operand words for this handler: a slot lies in the frame that the function's
        // entry checked, and the target in the same code (see `exec`).
        unsafe {
            let not_zero = if WIDE { A::get::<i64>(m) != 0 } else { A::get::<i32>(m) != 0 };
            let at = m.ip;
            let target = m.word();
            if not_zero == WHEN {
                branch_here();
                m.jump(at, target);
                if BACK {
                    m.check_interrupt()?;
                }
            }
        }
        Ok(())
    }
}

/// `br_table`: number of targets, then their words, the default last.
struct JumpTable<A>(PhantomData<A>);

impl<A: Source> Instruction for JumpTable<A> {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the emitter wrote the number of targets and as many words and one more behind it, each with a target in the
        // same code (see `exec`); the index is clamped to them.
        unsafe {
            let index = A::get::<i32>(m) as u32;
            let last = m.word();
            let at = m.ip.add(index.min(last) as usize);
            m.jump(at, *at);
            m.check_interrupt()
        }
    }
}

struct Unreachable;

impl Instruction for Unreachable {
    #[inline(always)]
    unsafe fn run(_: &mut Machine) -> Flow {
        Err(Stop::Trap(Trap::Unreachable))
    }
}

struct Unsupported;

impl Instruction for Unsupported {
    #[inline(always)]
    unsafe fn run(_: &mut Machine) -> Flow {
        Err(Stop::Trap(Trap::Unsupported))
    }
}

impl Machine {
    /// Makes `cell` the running function, on a new frame at `fp`.
    #[inline(always)]
    unsafe fn enter(&mut self, cell: *const FuncCell, vmctx: *mut VmCtx, fp: *mut u64) -> Flow {
        // SAFETY: the running function's entry left room for a record.
        unsafe {
            let record = self.record();
            (*record).ip = self.ip;
            let new = record.sub(1);
            new.write(Record { cell, vmctx, fp, ip: std::ptr::null() });
            (*self.vm).record = new.cast();
            self.fp = fp;
            self.open_at(new, (*cell).entry.load(Ordering::Acquire))
        }
    }

    /// Goes to the start of the newest record's function.
    #[inline(always)]
    unsafe fn open(&mut self) -> Flow {
        // SAFETY: the newest record is that of the function to be entered, whose cell lives as long as its module (see
        // `exec`).
        unsafe {
            let record = self.record();
            self.open_at(record, (*(*record).cell).entry.load(Ordering::Acquire))
        }
    }

    /// Goes to the start of the newest record's function in the interpreter's own code, though it may have native code.
    #[inline(always)]
    unsafe fn open_own(&mut self) -> Flow {
        // SAFETY: the newest record is that of the function to be entered; only functions of guests come here, which have a
        // body.
        unsafe {
            let record = self.record();
            let code = lower((*(*record).cell).body().cast())?;
            self.open_at(record, code)
        }
    }

    /// Goes to a function's start, whose record is the newest: checks the stack and for interrupts.
    #[inline(always)]
    unsafe fn open_at(&mut self, record: *mut Record, entry: *const u32) -> Flow {
        // SAFETY: the word in front of every entry says how many bytes its frame needs below the newest record; the check
        // makes its slots ours.
        unsafe {
            self.ip = entry;
            let size = *entry.sub(1);
            // The record is above the frame's start; compared as a difference, nothing can wrap.
            if (record as usize - self.fp as usize) < size as usize {
                return Err(Stop::Trap(Trap::StackOverflow));
            }
            if (*self.vm).interrupt.load(Ordering::Relaxed) != 0 {
                branch_here();
                return Err(Stop::ENTRY);
            }
        }
        Ok(())
    }

    /// Makes `cell` the running function, in place of the one that runs.
    #[inline(always)]
    unsafe fn replace(&mut self, cell: *const FuncCell, vmctx: *mut VmCtx) -> Flow {
        // SAFETY: the arguments have been moved to the frame's start.
        unsafe {
            let record = self.record();
            if vmctx != (*record).vmctx {
                self.load_memory(vmctx);
            }
            // Until the callee runs: who called it, for a host function that asks.
            (*record).ip = (*record).vmctx.cast_const().cast();
            (*record).cell = cell;
            (*record).vmctx = vmctx;
            self.open_at(record, (*cell).entry.load(Ordering::Acquire))
        }
    }

    #[inline(always)]
    unsafe fn ret(&mut self) {
        // SAFETY: every frame has a caller's record, if only its activation's base.
        unsafe {
            let record = self.record();
            let caller = record.add(1);
            (*self.vm).record = caller.cast();
            if (*caller).vmctx != (*record).vmctx {
                self.load_memory((*caller).vmctx);
            }
            self.fp = (*caller).fp;
            self.ip = (*caller).ip;
        }
    }

    /// Goes on in the caller of an array call.
    #[inline(always)]
    unsafe fn array_returned(&mut self, caller: *mut Record, status: Status) -> Flow {
        // SAFETY: the newest record is the array call's, `caller` the one before.
        unsafe {
            match status {
                Status::Ok => {
                    (*self.vm).record = caller.cast();
                    self.load_memory((*caller).vmctx);
                    self.fp = (*caller).fp;
                    self.ip = (*caller).ip;
                    Ok(())
                }
                Status::Exception => {
                    (*self.vm).record = caller.cast();
                    Err(Stop::UNWIND)
                }
                status => Err(Stop::Exit(status)),
            }
        }
    }

    /// Goes on at the start of a function that an interrupt has stopped there: ends it, or tells that it runs. It may have
    /// native code by then.
    pub(super) unsafe fn entry_interrupted(&mut self) -> Flow {
        // SAFETY: the newest record is the running frame's, which has room for what every entry needs.
        unsafe {
            self.check_stop()?;
            let record = self.record();
            let caller = (*record).ip;
            // One that had native code before is interpreted on purpose.
            let cell = (*record).cell;
            let native = || (*cell).entry.load(Ordering::Acquire).cast_const() == array_stub();
            let before = native();
            self.libcall(Libcall::Sample, &mut 0, 0, 0)?;
            (*record).ip = caller;
            if native() && !before {
                self.ip = array_stub();
            }
        }
        Ok(())
    }

    /// Tells that a back-edge just went to a loop's header, and if the loop has native code has that do the rest of the
    /// function. From there on the frame is an array call: dead for backtraces and collector, its results at its start.
    pub(super) unsafe fn enter_native_loop(&mut self) -> Flow {
        // SAFETY: the newest record is the running frame's; native code reads the frame before it calls anything.
        unsafe {
            let mut code = 0;
            self.libcall(Libcall::Sample, &mut code, 1, 0)?;
            let record = self.record();
            if code == 0 {
                return Ok(());
            }
            let (vmctx, caller) = ((*record).vmctx, record.add(1));
            (*record).ip = std::ptr::null();
            (*self.vm).stack_top = self.fp.add((*(*record).cell).array_slots as usize);
            (*self.vm).callee = code as usize as *const FuncCell;
            let enter_loop: ArrayFn = std::mem::transmute((*(*self.vm).natives).enter_loop.load(Ordering::Acquire));
            match Status::from_u32(enter_loop(vmctx, (*caller).vmctx, self.fp)) {
                Status::TailCall => {
                    let (cell, vmctx) = ((*self.vm).tail.cell, (*self.vm).tail.vmctx);
                    self.load_memory(vmctx);
                    self.replace(cell, vmctx)
                }
                status => self.array_returned(caller, status),
            }
        }
    }

    /// The function a `call_indirect` finds: the table's place, the expected canonical type, whether a subtype will do,
    /// the index.
    #[inline(always)]
    unsafe fn indirect<A: Source>(&mut self) -> Result<*const FuncRef, Stop> {
        // SAFETY: the word is a table's place; elements of function tables are function references.
        unsafe {
            let word = self.word();
            let expected = self.word();
            let index: i64 = A::get(self);
            let index = if word & 2 != 0 { index as u64 } else { index as u32 as u64 };
            let table: *mut VmTable = access::table(self.vmctx(), word & !2);
            let element = access::element(table, index).ok_or(Stop::Trap(Trap::UndefinedElement))?;
            let mut function = element as usize as *const FuncRef;
            if function.is_null() {
                function = lazy_function(self.vm, self.vmctx(), word & !2, index)?;
            }
            if (*function).type_id != expected {
                check_subtype(self.vm, self.vmctx(), (*function).type_id, expected)?;
            }
            Ok(function)
        }
    }

    #[inline(always)]
    unsafe fn by_ref<A: Source>(&mut self) -> Result<*const FuncRef, Stop> {
        // SAFETY: the caller is a handler whose next operand is a function reference or null, as validation has seen
        // to.
        let function = unsafe { A::get::<i64>(self) } as u64 as usize as *const FuncRef;
        if function.is_null() { Err(Stop::Trap(Trap::NullFunctionReference)) } else { Ok(function) }
    }

    #[inline(always)]
    unsafe fn enter_ref(&mut self, function: *const FuncRef, fp: *mut u64) -> Flow {
        // SAFETY: function references are live as long as the store.
        unsafe {
            let vmctx = (*function).vmctx;
            if vmctx != self.vmctx() {
                self.load_memory(vmctx);
            }
            self.enter((*function).cell, vmctx, fp)
        }
    }

    /// Goes to the handler of the pending exception, or ends the activation.
    #[cold]
    #[inline(never)]
    pub(super) unsafe fn unwind(&mut self) -> Flow {
        // SAFETY: the records down to the activation's base are its frames; a frame's code says where it catches.
        unsafe {
            let base = (*(*self.vm).activation).base_record.cast::<Record>();
            let mut record = self.record();
            while record < base {
                if let Some(target) = self.catches(record) {
                    (*self.vm).record = record.cast();
                    self.fp = (*record).fp;
                    self.ip = target;
                    self.load_memory((*record).vmctx);
                    return Ok(());
                }
                record = record.add(1);
            }
            let _ = self.libcall(Libcall::Uncaught, std::ptr::null_mut(), 0, 0);
            (*self.vm).record = base.cast();
            Err(Stop::Exit(Status::Exception))
        }
    }

    /// Where a frame catches the pending exception; if it does, its arguments are put in place.
    unsafe fn catches(&self, record: *mut Record) -> Option<*const u32> {
        // SAFETY: records up to the activation's base are live; the caller, `unwind`, walks them.
        unsafe {
            if (*record).ip.is_null() {
                return None;
            }
            let body = &*(*(*record).cell).body().cast::<Body>();
            let (clause, target) = body.clause((*record).ip, (*record).vmctx, (*self.vm).exception_tag)?;
            if clause.tag.is_some() {
                let to = (*record).fp.byte_add(clause.to as usize);
                std::ptr::copy_nonoverlapping((*self.vm).exception_args, to, clause.slots as usize);
            }
            Some(target)
        }
    }
}

/// Whether a function of the first type can be called as one of the second.
#[cold]
#[inline(never)]
unsafe fn check_subtype(vm: *mut VmStore, vmctx: *mut VmCtx, actual: u32, expected: u32) -> Flow {
    // SAFETY: the store and its libcalls are live; the libcall neither collects nor walks frames.
    unsafe {
        let mut answer = 0;
        let is_subtype = (*(*vm).libcalls).get(Libcall::IsSubtype);
        is_subtype(vmctx, &mut answer, actual, expected);
        if answer != 0 { Ok(()) } else { Err(Stop::Trap(Trap::IndirectCallTypeMismatch)) }
    }
}

/// The function of an element that is null, but may only not be there yet.
#[cold]
#[inline(never)]
unsafe fn lazy_function(vm: *mut VmStore, vmctx: *mut VmCtx, place: u32, index: u64) -> Result<*const FuncRef, Stop> {
    // SAFETY: the caller, `indirect`, read the place of a table of the running instance from the code.
    match unsafe { lazy_element(vm, vmctx, place, index) } {
        0 => Err(Stop::Trap(Trap::UninitializedElement)),
        function => Ok(function as usize as *const FuncRef),
    }
}

/// An element that is null, but may only not be there yet.
#[cold]
#[inline(never)]
pub(super) unsafe fn lazy_element(vm: *mut VmStore, vmctx: *mut VmCtx, place: u32, index: u64) -> u64 {
    let mut slot = index;
    // SAFETY: the store and its libcalls are live; the libcall neither collects nor walks frames.
    let code = unsafe { (*(*vm).libcalls).get(Libcall::LazyElement)(vmctx, &mut slot, place, 0) };
    if code == 0 { slot } else { 0 }
}

/// A call of a function of the same module: its cell, where the arguments are.
struct Call;

impl Instruction for Call {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the emitter wrote the cell of a function of the same module, and where in the checked frame its
        // arguments are (see `exec`).
        unsafe {
            let cell = m.pointer::<FuncCell>();
            let args = m.word();
            let fp = m.slot(args);
            m.enter(cell, m.vmctx(), fp)
        }
    }
}

/// A call of an imported function: where the import is, where the arguments are.
struct CallImport;

impl Instruction for CallImport {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the word is an import's offset.
        unsafe {
            let import = access::place::<VmImport>(m.vmctx(), m.word());
            let args = m.word();
            let fp = m.slot(args);
            let (cell, vmctx) = ((*import).cell, (*import).known.vmctx);
            if vmctx != m.vmctx() {
                m.load_memory(vmctx);
            }
            m.enter(cell, vmctx, fp)
        }
    }
}

struct CallIndirect<A>(PhantomData<A>);

impl<A: Source> Instruction for CallIndirect<A> {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the emitter wrote the operand words of `indirect`, and where in the checked frame the arguments are
        // (see `exec`). The store keeps the function that it finds.
        unsafe {
            let function = m.indirect::<A>()?;
            let args = m.word();
            let fp = m.slot(args);
            m.enter_ref(function, fp)
        }
    }
}

struct CallRef<A>(PhantomData<A>);

impl<A: Source> Instruction for CallRef<A> {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the emitter wrote the operand words of `by_ref`, and where in the checked frame the arguments are
        // (see `exec`); references are live as long as the store.
        unsafe {
            let function = m.by_ref::<A>()?;
            let args = m.word();
            let fp = m.slot(args);
            m.enter_ref(function, fp)
        }
    }
}

/// A tail call of a function of the same module.
struct TailCall;

impl Instruction for TailCall {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the emitter wrote the cell of a function of the same module; the instructions before have moved its
        // arguments to the frame's start.
        unsafe {
            let cell = m.pointer::<FuncCell>();
            m.replace(cell, m.vmctx())
        }
    }
}

struct TailCallImport;

impl Instruction for TailCallImport {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the word is an import's offset.
        unsafe {
            let import = access::place::<VmImport>(m.vmctx(), m.word());
            m.replace((*import).cell, (*import).known.vmctx)
        }
    }
}

/// Finds the target of a tail call before its arguments overwrite the frame that the index may be in.
struct ResolveIndirect<A>(PhantomData<A>);

impl<A: Source> Instruction for ResolveIndirect<A> {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the emitter wrote the operand words of `indirect` (see `exec`). The store keeps the function that it
        // finds.
        unsafe {
            let function = m.indirect::<A>()?;
            ((*m.vm).tail.cell, (*m.vm).tail.vmctx) = ((*function).cell, (*function).vmctx);
        }
        Ok(())
    }
}

struct ResolveRef<A>(PhantomData<A>);

impl<A: Source> Instruction for ResolveRef<A> {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the emitter wrote the operand words of `by_ref` (see `exec`); references are live as long as the
        // store.
        unsafe {
            let function = m.by_ref::<A>()?;
            ((*m.vm).tail.cell, (*m.vm).tail.vmctx) = ((*function).cell, (*function).vmctx);
        }
        Ok(())
    }
}

struct TailCallResolved;

impl Instruction for TailCallResolved {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the resolving instruction ran just before.
        unsafe {
            let (cell, vmctx) = ((*m.vm).tail.cell, (*m.vm).tail.vmctx);
            m.replace(cell, vmctx)
        }
    }
}

/// Returns; the results are at the frame's start.
struct Return;

impl Instruction for Return {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the newest record is the running frame's, whose results the emitter has had put at its start (see
        // `exec`).
        unsafe { m.ret() };
        Ok(())
    }
}

/// Returns one value, read as the bits of its class.
struct ReturnValue<T, A>(PhantomData<(T, A)>);

impl<T: super::operand::Cell, A: Source> Instruction for ReturnValue<T, A> {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: every frame has room for its results.
        unsafe {
            let value: T = A::get(m);
            *m.fp = value.to_bits();
            value.accumulate(m);
            m.ret();
        }
        Ok(())
    }
}

/// Throws: the tag's index, where the arguments are.
struct Throw;

impl Instruction for Throw {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the emitter wrote a tag of the module, and where in the checked frame its arguments are (see `exec`).
        unsafe {
            let tag = m.word();
            let args = m.word();
            let args = m.slot(args);
            // A handler can be a loop's header: a backward branch that no branch instruction makes.
            m.check_stop()?;
            m.libcall(Libcall::Throw, args, tag, 0)?;
            Err(Stop::UNWIND)
        }
    }
}

fn jump_if_shape<A: Source, const WIDE: bool>(when: bool, back: bool) -> Handler {
    match (when, back) {
        (false, false) => handler::<JumpIf<A, WIDE, false, false>>,
        (false, true) => handler::<JumpIf<A, WIDE, false, true>>,
        (true, false) => handler::<JumpIf<A, WIDE, true, false>>,
        (true, true) => handler::<JumpIf<A, WIDE, true, true>>,
    }
}

fn load_and_jump_shape<K: Target>(when: bool, back: bool) -> Handler {
    match (when, back) {
        (false, false) => handler::<Pair<I32LoadSlot<K>, JumpIf<Acc, false, false, false>>>,
        (false, true) => handler::<Pair<I32LoadSlot<K>, JumpIf<Acc, false, false, true>>>,
        (true, false) => handler::<Pair<I32LoadSlot<K>, JumpIf<Acc, false, true, false>>>,
        (true, true) => handler::<Pair<I32LoadSlot<K>, JumpIf<Acc, false, true, true>>>,
    }
}

fn return_shape<T: super::operand::Cell>(a: Kind) -> Handler {
    match a {
        Kind::Slot => handler::<ReturnValue<T, Slot>>,
        Kind::Imm => handler::<ReturnValue<T, Imm>>,
        Kind::Acc => handler::<ReturnValue<T, Acc>>,
    }
}

/// Chooses between the two handlers of an instruction whose operand is in the accumulator or a slot.
macro_rules! acc_or_slot {
    ($($name:ident $Instruction:ident;)*) => {$(
        pub(crate) fn $name(a: Kind) -> Handler {
            match a {
                Kind::Acc => handler::<$Instruction<Acc>>,
                _ => handler::<$Instruction<Slot>>,
            }
        }
    )*};
}

macro_rules! plain {
    ($($name:ident $Instruction:ty;)*) => {$(
        pub(crate) fn $name() -> Handler {
            handler::<$Instruction>
        }
    )*};
}

/// The choice of handlers.
pub(crate) mod handlers {
    use super::*;
    use crate::emit::{Argument, Class};

    plain! {
        clear Clear;
        gas Gas;
        check Check;
        unreachable Unreachable;
        unsupported Unsupported;
        call Call;
        call_import CallImport;
        tail_call TailCall;
        tail_call_import TailCallImport;
        tail_call_resolved TailCallResolved;
        ret Return;
        throw Throw;
    }

    acc_or_slot! {
        jump_table JumpTable;
        call_indirect CallIndirect;
        call_ref CallRef;
        resolve_indirect ResolveIndirect;
        resolve_ref ResolveRef;
    }

    pub(crate) fn jump(back: bool) -> Handler {
        if back { handler::<Jump<true>> } else { handler::<Jump<false>> }
    }

    pub(crate) fn jump_if(a: Kind, wide: bool, when: bool, back: bool) -> Handler {
        match (a, wide) {
            (Kind::Acc, false) => jump_if_shape::<Acc, false>(when, back),
            (Kind::Acc, true) => jump_if_shape::<Acc, true>(when, back),
            (_, false) => jump_if_shape::<Slot, false>(when, back),
            (_, true) => jump_if_shape::<Slot, true>(when, back),
        }
    }

    /// A call, after what put its last argument in place.
    pub(crate) fn argument_and_call(argument: Argument) -> Handler {
        match argument {
            Argument::Copy => handler::<Pair<Copy, Call>>,
            Argument::Load => handler::<Pair<I32LoadSlot<Slot>, Call>>,
            Argument::Constant => handler::<Pair<Constant<i32>, Call>>,
        }
    }

    /// A global set to a slot plus a constant, and a return.
    pub(crate) fn global_set_plus_and_return() -> Handler {
        handler::<Pair<GlobalSetPlus, Return>>
    }

    /// The same, of a slot.
    pub(crate) fn global_set_plus_and_return_slot() -> Handler {
        handler::<Pair<GlobalSetPlus, ReturnValue<i32, Slot>>>
    }

    /// `i32.load` of a slot's address, its result also to `k`, which is returned.
    pub(crate) fn load_and_return(k: Kind) -> Handler {
        match k {
            Kind::Acc => handler::<Pair<I32LoadSlot<Acc>, ReturnValue<i32, Acc>>>,
            _ => handler::<Pair<I32LoadSlot<Slot>, ReturnValue<i32, Acc>>>,
        }
    }

    /// `i32.load` of a slot's address, its result also to `k`, and a branch on it.
    pub(crate) fn load_and_jump_if(k: Kind, when: bool, back: bool) -> Handler {
        match k {
            Kind::Acc => load_and_jump_shape::<Acc>(when, back),
            _ => load_and_jump_shape::<Slot>(when, back),
        }
    }

    /// A loop's end: `i32.add` of a slot and a constant, to a slot, and a branch back if the result is not zero.
    pub(crate) fn step_and_jump() -> Handler {
        handler::<Pair<Step, JumpIf<Acc, false, true, true>>>
    }

    pub(crate) fn return_value(class: Class, a: Kind) -> Handler {
        match class {
            Class::I32 => return_shape::<i32>(a),
            Class::F32 => return_shape::<f32>(a),
            Class::F64 => return_shape::<f64>(a),
            _ => return_shape::<i64>(a),
        }
    }
}
