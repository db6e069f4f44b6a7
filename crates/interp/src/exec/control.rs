//! Control instructions: function entry, branches, calls, returns, exceptions, and the stubs for cells.

use std::marker::PhantomData;
use std::sync::atomic::Ordering;

use kinglet_abi::{
    ActivationKind, ArrayFn, FuncCell, FuncRef, Libcall, Status, Trap, VmCtx, VmImport, VmStore, VmTable,
};
use kinglet_wasm::{Error, ErrorKind};

use super::memory::I32LoadSlot;
use super::numeric::LoopStep;
use super::operand::{Acc, Imm, OperandSource, ResultTarget, Slot};
use super::variable::{Copy, GlobalSetSum, ScalarConstant};
use super::{
    Flow, Handler, Instruction, Machine, OperandKind, StopReason, Superinstruction, handler, handler_address,
    keep_branch,
};
use crate::access;
use crate::code::{Code, LazyBody};
use crate::frame::{MARGIN, Record};

/// Code that consists of one handler without operands. Its header requires no stack beyond the margin.
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
        // SAFETY: the handler directly follows the header. The pointer covers the whole stub, because entering code
        // also reads the header.
        unsafe { std::ptr::from_ref(self).cast::<u32>().add(2) }
    }
}

static START: Stub = Stub::new(handler::<Start>);
static LOWER: Stub = Stub::new(handler::<LowerAndEnter>);
static ARRAY: Stub = Stub::new(handler::<ArrayCall>);
static EXIT: Stub = Stub::new(handler::<Exit>);

/// Returns the code with which an activation starts. It enters the newest record's function.
pub(crate) fn start_stub() -> *const u32 {
    START.entry()
}

/// Returns the initial code of every function. It lowers the function and enters it.
pub(crate) fn lower_stub() -> *const u32 {
    LOWER.entry()
}

/// Returns the code of host functions and of functions with native code. It makes an array call.
pub fn array_stub() -> *const u32 {
    ARRAY.entry()
}

/// Returns the code to which an activation's first frame returns.
pub(crate) fn exit_stub() -> *const u32 {
    EXIT.entry()
}

/// The array function of cells without native code: interprets the function in [`kinglet_abi::VmStore::callee`].
///
/// The interpreter itself does not use it, because its calls stay on its own stack.
pub(crate) unsafe extern "C" fn array_to_interpreter(callee: *mut VmCtx, _caller: *mut VmCtx, slots: *mut u64) -> u32 {
    // SAFETY: callers of an array function set `callee` to its cell first.
    unsafe {
        let store = (*callee).store;
        super::call(store, ActivationKind::Interpreter, (*store).callee, callee, slots) as u32
    }
}

/// Lowers the newest record's function and enters it.
struct LowerAndEnter;

impl Instruction for LowerAndEnter {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the newest record belongs to the callee, whose cell has a body.
        unsafe {
            let _ = lower_body((*(*m.record()).cell).body().cast())?;
            m.enter_newest()
        }
    }
}

/// Enters the newest record's function.
struct Start;

impl Instruction for Start {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the newest record belongs to the callee, whose arguments are at the start of its frame.
        unsafe {
            let cell = (*m.record()).cell;
            if std::mem::replace(&mut (*m.vm).force_interpreted, std::ptr::null()) == cell {
                return m.enter_bytecode();
            }
            m.enter_newest()
        }
    }
}

/// Returns the start of a body's bytecode, lowering the body if necessary.
#[cold]
#[inline(never)]
unsafe fn lower_body(body: *const LazyBody) -> Result<*const u32, StopReason> {
    // SAFETY: the caller passes the body of a live cell. The panic is caught, because a handler cannot unwind.
    let lowered = std::panic::catch_unwind(|| unsafe { (*body).code().as_ref().map(Code::start).map_err(Error::kind) });
    match lowered {
        Ok(Ok(start)) => Ok(start),
        // The body was well-formed at validation, so the module's bytes have changed.
        Ok(Err(ErrorKind::Malformed)) => Err(StopReason::Trap(Trap::Damaged)),
        _ => Err(StopReason::Trap(Trap::Unsupported)),
    }
}

/// Returns whether the native stack is too low for native code. Functions with native code are then interpreted.
///
/// Not inlined, because taking a variable's address would prevent the tail calls between handlers.
#[inline(never)]
unsafe fn is_native_stack_low(store: *const VmStore) -> bool {
    let local = 0_u8;
    // SAFETY: the store is live.
    (std::ptr::from_ref(&local) as usize) < unsafe { (*store).stack_limit }
}

/// Ends an activation. The results are at the start of its first frame.
struct Exit;

impl Instruction for Exit {
    #[inline(always)]
    unsafe fn run(_: &mut Machine) -> Flow {
        Err(StopReason::Exit(Status::Ok))
    }
}

/// Makes an array call of a host function or of a function with native code.
struct ArrayCall;

impl Instruction for ArrayCall {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the newest record belongs to the callee. Its arguments are at its first slot, with space for the
        // results.
        unsafe {
            let record = m.record();
            let (cell, vmctx, caller) = ((*record).cell, (*record).vmctx, record.add(1));
            if !(*cell).body().is_null() && is_native_stack_low(m.vm) {
                return m.enter_bytecode();
            }
            // After a tail call, the record holds the calling instance. Otherwise that is the instance of the frame
            // below.
            let from = if (*record).ip.is_null() { (*caller).vmctx } else { (*record).ip.cast_mut().cast() };
            (*record).ip = std::ptr::null();
            let activation = (*m.vm).activation;
            if (*activation).kind == ActivationKind::InterpreterFromNative && (*activation).base_record.cast() == caller
            {
                // The first frame of a native-to-interpreter trampoline tail-calls native code. The trampoline makes
                // that call, so that the native stack does not grow.
                (*m.vm).tail_call = kinglet_abi::TailCallTarget { cell, vmctx, args: m.fp };
                return Err(StopReason::Exit(Status::TailCall));
            }
            (*m.vm).stack_top = m.fp.add((*cell).array_slots as usize);
            (*m.vm).callee = cell;
            let function: ArrayFn = std::mem::transmute((*cell).array_call.load(Ordering::Acquire));
            let status = function(vmctx, from, m.fp);
            m.array_returned(caller, Status::from_u32(status))
        }
    }
}

/// Clears locals. Operands: the byte offset and the number of slots.
struct Clear;

impl Instruction for Clear {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the slots belong to the frame since the function's entry.
        unsafe {
            let (from, count) = (m.word(), m.word());
            let first = m.slot(from);
            for i in 0..count as usize {
                first.add(i).write(0);
                // Prevents the compiler from calling `memset`. Otherwise every entry would save registers for that
                // call.
                keep_branch();
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

/// Traps if gas is exhausted or the guest is interrupted.
struct Check;

impl Instruction for Check {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the store is live.
        unsafe {
            if (*m.vm).gas < 0 {
                return Err(StopReason::Trap(Trap::OutOfGas));
            }
            m.poll_stop()
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
                m.poll_interrupt()?;
            }
        }
        Ok(())
    }
}

/// Branches on a 32-bit condition, or on a 64-bit value (a reference or the operand of `i64.eqz`).
struct JumpIf<A, const WIDE: bool, const WHEN: bool, const BACK: bool>(PhantomData<A>);

impl<A: OperandSource, const WIDE: bool, const WHEN: bool, const BACK: bool> Instruction
    for JumpIf<A, WIDE, WHEN, BACK>
{
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the emitter wrote the operand words for this handler: a slot lies in the frame that the function's
        // entry checked, and the target in the same code (see `exec`).
        unsafe {
            let not_zero = if WIDE { A::get::<i64>(m) != 0 } else { A::get::<i32>(m) != 0 };
            let at = m.ip;
            let target = m.word();
            if not_zero == WHEN {
                keep_branch();
                m.jump(at, target);
                if BACK {
                    m.poll_interrupt()?;
                }
            }
        }
        Ok(())
    }
}

/// `br_table`. Operands: the number of targets, then their words, the default last.
struct JumpTable<A>(PhantomData<A>);

impl<A: OperandSource> Instruction for JumpTable<A> {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the emitter wrote the number of targets and that many words plus one, each with a target in the same
        // code (see `exec`). The index is clamped to them.
        unsafe {
            let index = A::get::<i32>(m) as u32;
            let last = m.word();
            let at = m.ip.add(index.min(last) as usize);
            m.jump(at, *at);
            m.poll_interrupt()
        }
    }
}

struct Unreachable;

impl Instruction for Unreachable {
    #[inline(always)]
    unsafe fn run(_: &mut Machine) -> Flow {
        Err(StopReason::Trap(Trap::Unreachable))
    }
}

struct Unsupported;

impl Instruction for Unsupported {
    #[inline(always)]
    unsafe fn run(_: &mut Machine) -> Flow {
        Err(StopReason::Trap(Trap::Unsupported))
    }
}

impl Machine {
    /// Calls `cell` with a new frame at `fp`.
    #[inline(always)]
    unsafe fn push_frame(&mut self, cell: *const FuncCell, vmctx: *mut VmCtx, fp: *mut u64) -> Flow {
        // SAFETY: the running function's entry check has reserved space for a record.
        unsafe {
            let record = self.record();
            (*record).ip = self.ip;
            let new = record.sub(1);
            new.write(Record { cell, vmctx, fp, ip: std::ptr::null() });
            (*self.vm).record = new.cast();
            self.fp = fp;
            self.enter_at(new, (*cell).interpreter_entry.load(Ordering::Acquire))
        }
    }

    /// Enters the newest record's function.
    #[inline(always)]
    unsafe fn enter_newest(&mut self) -> Flow {
        // SAFETY: the newest record belongs to the function to be entered, whose cell lives as long as its module (see
        // `exec`).
        unsafe {
            let record = self.record();
            self.enter_at(record, (*(*record).cell).interpreter_entry.load(Ordering::Acquire))
        }
    }

    /// Enters the newest record's function in bytecode, even if it has native code.
    #[inline(always)]
    unsafe fn enter_bytecode(&mut self) -> Flow {
        // SAFETY: the newest record belongs to the function to be entered. It is a guest function, which has a body.
        unsafe {
            let record = self.record();
            let code = lower_body((*(*record).cell).body().cast())?;
            self.enter_at(record, code)
        }
    }

    /// Enters code for the newest record. Checks the stack and interrupts.
    #[inline(always)]
    unsafe fn enter_at(&mut self, record: *mut Record, entry: *const u32) -> Flow {
        // SAFETY: the word before every entry is the size in bytes that the frame needs below the newest record. After
        // the check, the slots belong to the frame.
        unsafe {
            self.ip = entry;
            let size = *entry.sub(1);
            // The record lies above the frame's start, so the difference cannot wrap.
            if (record as usize - self.fp as usize) < size as usize {
                return Err(StopReason::Trap(Trap::StackOverflow));
            }
            if (*self.vm).interrupt.load(Ordering::Relaxed) != 0 {
                keep_branch();
                return Err(StopReason::ENTRY);
            }
        }
        Ok(())
    }

    /// Replaces the running function by `cell`, for a tail call.
    #[inline(always)]
    unsafe fn replace_frame(&mut self, cell: *const FuncCell, vmctx: *mut VmCtx) -> Flow {
        // SAFETY: the arguments are at the start of the frame.
        unsafe {
            let record = self.record();
            if vmctx != (*record).vmctx {
                self.load_memory(vmctx);
            }
            // Until the callee runs, this is the calling instance, which host functions may query.
            (*record).ip = (*record).vmctx.cast_const().cast();
            (*record).cell = cell;
            (*record).vmctx = vmctx;
            self.enter_at(record, (*cell).interpreter_entry.load(Ordering::Acquire))
        }
    }

    #[inline(always)]
    unsafe fn ret(&mut self) {
        // SAFETY: every frame has a record below it: its caller's, or the activation's base record.
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

    /// Continues in the caller of an array call.
    #[inline(always)]
    unsafe fn array_returned(&mut self, caller: *mut Record, status: Status) -> Flow {
        // SAFETY: the newest record belongs to the array call, and `caller` is the record below it.
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
                    Err(StopReason::UNWIND)
                }
                status => Err(StopReason::Exit(status)),
            }
        }
    }

    /// Handles an interrupt at a function entry: traps, or takes a tier-up sample. The function may have native code
    /// afterwards.
    pub(super) unsafe fn handle_entry_interrupt(&mut self) -> Flow {
        // SAFETY: the newest record belongs to the running frame, which has the space that every entry needs.
        unsafe {
            self.poll_stop()?;
            let record = self.record();
            let caller = (*record).ip;
            // A function that already had native code is interpreted on purpose.
            let cell = (*record).cell;
            let native = || (*cell).interpreter_entry.load(Ordering::Acquire).cast_const() == array_stub();
            let before = native();
            self.libcall(Libcall::Sample, &mut 0, 0, 0)?;
            (*record).ip = caller;
            if native() && !before {
                self.ip = array_stub();
            }
        }
        Ok(())
    }

    /// Takes a tier-up sample at a back-edge, and performs OSR if the loop has native code.
    ///
    /// The native code runs the rest of the function. The frame is then that of an array call: backtraces and the
    /// collector ignore it, and its results are at its start.
    pub(super) unsafe fn enter_osr(&mut self) -> Flow {
        // SAFETY: the newest record belongs to the running frame. Native code reads the whole frame before it calls
        // anything.
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
            let osr_entry: ArrayFn = std::mem::transmute((*(*self.vm).builtins).osr_entry.load(Ordering::Acquire));
            match Status::from_u32(osr_entry(vmctx, (*caller).vmctx, self.fp)) {
                Status::TailCall => {
                    let (cell, vmctx) = ((*self.vm).tail_call.cell, (*self.vm).tail_call.vmctx);
                    self.load_memory(vmctx);
                    self.replace_frame(cell, vmctx)
                }
                status => self.array_returned(caller, status),
            }
        }
    }

    /// Resolves the callee of a `call_indirect`. Operands: the table's location, the expected canonical type, the
    /// index.
    #[inline(always)]
    unsafe fn resolve_indirect<A: OperandSource>(&mut self) -> Result<*const FuncRef, StopReason> {
        // SAFETY: the word is a table's location, and elements of function tables are function references.
        unsafe {
            let word = self.word();
            let expected = self.word();
            let index: i64 = A::get(self);
            let index = if word & 2 != 0 { index as u64 } else { index as u32 as u64 };
            let table: *mut VmTable = access::table(self.vmctx(), word & !2);
            let element = access::element(table, index).ok_or(StopReason::Trap(Trap::UndefinedElement))?;
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
    unsafe fn resolve_reference<A: OperandSource>(&mut self) -> Result<*const FuncRef, StopReason> {
        // SAFETY: the caller is a handler whose next operand is a function reference or null, which validation
        // guarantees.
        let function = unsafe { A::get::<i64>(self) } as u64 as usize as *const FuncRef;
        if function.is_null() { Err(StopReason::Trap(Trap::NullFunctionReference)) } else { Ok(function) }
    }

    #[inline(always)]
    unsafe fn call_reference(&mut self, function: *const FuncRef, fp: *mut u64) -> Flow {
        // SAFETY: function references live as long as their store.
        unsafe {
            let vmctx = (*function).vmctx;
            if vmctx != self.vmctx() {
                self.load_memory(vmctx);
            }
            self.push_frame((*function).cell, vmctx, fp)
        }
    }

    /// Continues at the handler of the pending exception, or ends the activation.
    #[cold]
    #[inline(never)]
    pub(super) unsafe fn unwind(&mut self) -> Flow {
        // SAFETY: the records up to the activation's base belong to its frames, and a frame's code lists the ranges in
        // which it catches.
        unsafe {
            let base = (*(*self.vm).activation).base_record.cast::<Record>();
            let mut record = self.record();
            while record < base {
                if let Some(target) = self.find_handler(record) {
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
            Err(StopReason::Exit(Status::Exception))
        }
    }

    /// Returns the target in a frame that catches the pending exception, and copies the exception's arguments there.
    unsafe fn find_handler(&self, record: *mut Record) -> Option<*const u32> {
        // SAFETY: records up to the activation's base are live; `unwind` walks only those.
        unsafe {
            if (*record).ip.is_null() {
                return None;
            }
            let body = &*(*(*record).cell).body().cast::<LazyBody>();
            let (clause, target) = body.find_clause((*record).ip, (*record).vmctx, (*self.vm).exception_tag)?;
            if clause.tag.is_some() {
                let to = (*record).fp.byte_add(clause.to as usize);
                std::ptr::copy_nonoverlapping((*self.vm).exception_args, to, clause.slots as usize);
            }
            Some(target)
        }
    }
}

/// Traps unless the actual type is a subtype of the expected type.
#[cold]
#[inline(never)]
unsafe fn check_subtype(vm: *mut VmStore, vmctx: *mut VmCtx, actual: u32, expected: u32) -> Flow {
    // SAFETY: the store and its libcalls are live; the libcall neither collects nor walks frames.
    unsafe {
        let mut answer = 0;
        let is_subtype = (*(*vm).libcalls).get(Libcall::IsSubtype);
        is_subtype(vmctx, &mut answer, actual, expected);
        if answer != 0 { Ok(()) } else { Err(StopReason::Trap(Trap::IndirectCallTypeMismatch)) }
    }
}

/// Initializes a null element of a lazily initialized table. Traps if it stays null.
#[cold]
#[inline(never)]
unsafe fn lazy_function(
    vm: *mut VmStore,
    vmctx: *mut VmCtx,
    location: u32,
    index: u64,
) -> Result<*const FuncRef, StopReason> {
    // SAFETY: `resolve_indirect` has read the location of a table of the running instance from the code.
    match unsafe { lazy_element(vm, vmctx, location, index) } {
        0 => Err(StopReason::Trap(Trap::UninitializedElement)),
        function => Ok(function as usize as *const FuncRef),
    }
}

/// Initializes a null element of a lazily initialized table, and returns it.
#[cold]
#[inline(never)]
pub(super) unsafe fn lazy_element(vm: *mut VmStore, vmctx: *mut VmCtx, location: u32, index: u64) -> u64 {
    let mut slot = index;
    // SAFETY: the store and its libcalls are live; the libcall neither collects nor walks frames.
    let code = unsafe { (*(*vm).libcalls).get(Libcall::LazyElement)(vmctx, &mut slot, location, 0) };
    if code == 0 { slot } else { 0 }
}

/// Calls a function of the same module. Operands: its cell, the slot of the arguments.
struct Call;

impl Instruction for Call {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the emitter wrote the cell of a function of the same module, and the slot of its arguments in the
        // checked frame (see `exec`).
        unsafe {
            let cell = m.pointer::<FuncCell>();
            let args = m.word();
            let fp = m.slot(args);
            m.push_frame(cell, m.vmctx(), fp)
        }
    }
}

/// Calls an imported function. Operands: the offset of the import, the slot of the arguments.
struct CallImport;

impl Instruction for CallImport {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the word is an import's offset.
        unsafe {
            let import = access::resolve::<VmImport>(m.vmctx(), m.word());
            let args = m.word();
            let fp = m.slot(args);
            let (cell, vmctx) = ((*import).cell, (*import).resolved.vmctx);
            if vmctx != m.vmctx() {
                m.load_memory(vmctx);
            }
            m.push_frame(cell, vmctx, fp)
        }
    }
}

struct CallIndirect<A>(PhantomData<A>);

impl<A: OperandSource> Instruction for CallIndirect<A> {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the emitter wrote the operand words of `resolve_indirect`, and the slot of the arguments in the
        // checked frame (see `exec`). The store keeps the callee alive.
        unsafe {
            let function = m.resolve_indirect::<A>()?;
            let args = m.word();
            let fp = m.slot(args);
            m.call_reference(function, fp)
        }
    }
}

struct CallRef<A>(PhantomData<A>);

impl<A: OperandSource> Instruction for CallRef<A> {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the emitter wrote the operand words of `resolve_reference`, and the slot of the arguments in the
        // checked frame (see `exec`). References live as long as their store.
        unsafe {
            let function = m.resolve_reference::<A>()?;
            let args = m.word();
            let fp = m.slot(args);
            m.call_reference(function, fp)
        }
    }
}

/// Tail-calls a function of the same module.
struct TailCall;

impl Instruction for TailCall {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the emitter wrote the cell of a function of the same module. Earlier instructions have moved its
        // arguments to the start of the frame.
        unsafe {
            let cell = m.pointer::<FuncCell>();
            m.replace_frame(cell, m.vmctx())
        }
    }
}

struct TailCallImport;

impl Instruction for TailCallImport {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the word is an import's offset.
        unsafe {
            let import = access::resolve::<VmImport>(m.vmctx(), m.word());
            m.replace_frame((*import).cell, (*import).resolved.vmctx)
        }
    }
}

/// Resolves the callee of a tail call before its arguments overwrite the slot of the index.
struct ResolveIndirect<A>(PhantomData<A>);

impl<A: OperandSource> Instruction for ResolveIndirect<A> {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the emitter wrote the operand words of `indirect` (see `exec`). The store keeps the function that it
        // finds.
        unsafe {
            let function = m.resolve_indirect::<A>()?;
            ((*m.vm).tail_call.cell, (*m.vm).tail_call.vmctx) = ((*function).cell, (*function).vmctx);
        }
        Ok(())
    }
}

struct ResolveRef<A>(PhantomData<A>);

impl<A: OperandSource> Instruction for ResolveRef<A> {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the emitter wrote the operand words of `resolve_reference` (see `exec`); references are live as long as the
        // store.
        unsafe {
            let function = m.resolve_reference::<A>()?;
            ((*m.vm).tail_call.cell, (*m.vm).tail_call.vmctx) = ((*function).cell, (*function).vmctx);
        }
        Ok(())
    }
}

struct TailCallResolved;

impl Instruction for TailCallResolved {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the resolving instruction has just run.
        unsafe {
            let (cell, vmctx) = ((*m.vm).tail_call.cell, (*m.vm).tail_call.vmctx);
            m.replace_frame(cell, vmctx)
        }
    }
}

/// Returns. The results are at the start of the frame.
struct Return;

impl Instruction for Return {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the newest record belongs to the running frame, whose results are at its start (see `exec`).
        unsafe { m.ret() };
        Ok(())
    }
}

/// Returns one value, read as the bits of its class.
struct ReturnValue<T, A>(PhantomData<(T, A)>);

impl<T: super::operand::AccumulatorScalar, A: OperandSource> Instruction for ReturnValue<T, A> {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: every frame has space for its results.
        unsafe {
            let value: T = A::get(m);
            *m.fp = value.to_bits();
            value.accumulate(m);
            m.ret();
        }
        Ok(())
    }
}

/// Throws an exception. Operands: the tag's index, the slot of the arguments.
struct Throw;

impl Instruction for Throw {
    #[inline(always)]
    unsafe fn run(m: &mut Machine) -> Flow {
        // SAFETY: the emitter wrote a tag of the module and the offset of its arguments in the checked frame (see
        // `exec`).
        unsafe {
            let tag = m.word();
            let args = m.word();
            let args = m.slot(args);
            // An exception handler may be a loop header, which makes the throw a back-edge.
            m.poll_stop()?;
            m.libcall(Libcall::Throw, args, tag, 0)?;
            Err(StopReason::UNWIND)
        }
    }
}

fn jump_if_shape<A: OperandSource, const WIDE: bool>(when: bool, back: bool) -> Handler {
    match (when, back) {
        (false, false) => handler::<JumpIf<A, WIDE, false, false>>,
        (false, true) => handler::<JumpIf<A, WIDE, false, true>>,
        (true, false) => handler::<JumpIf<A, WIDE, true, false>>,
        (true, true) => handler::<JumpIf<A, WIDE, true, true>>,
    }
}

fn load_and_jump_shape<K: ResultTarget>(when: bool, back: bool) -> Handler {
    match (when, back) {
        (false, false) => handler::<Superinstruction<I32LoadSlot<K>, JumpIf<Acc, false, false, false>>>,
        (false, true) => handler::<Superinstruction<I32LoadSlot<K>, JumpIf<Acc, false, false, true>>>,
        (true, false) => handler::<Superinstruction<I32LoadSlot<K>, JumpIf<Acc, false, true, false>>>,
        (true, true) => handler::<Superinstruction<I32LoadSlot<K>, JumpIf<Acc, false, true, true>>>,
    }
}

fn return_shape<T: super::operand::AccumulatorScalar>(a: OperandKind) -> Handler {
    match a {
        OperandKind::Slot => handler::<ReturnValue<T, Slot>>,
        OperandKind::Imm => handler::<ReturnValue<T, Imm>>,
        OperandKind::Acc => handler::<ReturnValue<T, Acc>>,
    }
}

/// Selects a handler for an operand in the accumulator or a slot.
macro_rules! acc_or_slot {
    ($($name:ident $Instruction:ident;)*) => {$(
        pub(crate) fn $name(a: OperandKind) -> Handler {
            match a {
                OperandKind::Acc => handler::<$Instruction<Acc>>,
                _ => handler::<$Instruction<Slot>>,
            }
        }
    )*};
}

macro_rules! unshaped {
    ($($name:ident $Instruction:ty;)*) => {$(
        pub(crate) fn $name() -> Handler {
            handler::<$Instruction>
        }
    )*};
}

/// Functions that select handlers.
pub(crate) mod handlers {
    use super::*;
    use crate::emit::{ArgumentMove, Class};

    unshaped! {
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

    pub(crate) fn jump_if(a: OperandKind, wide: bool, when: bool, back: bool) -> Handler {
        match (a, wide) {
            (OperandKind::Acc, false) => jump_if_shape::<Acc, false>(when, back),
            (OperandKind::Acc, true) => jump_if_shape::<Acc, true>(when, back),
            (_, false) => jump_if_shape::<Slot, false>(when, back),
            (_, true) => jump_if_shape::<Slot, true>(when, back),
        }
    }

    /// A move of the last argument, and a call.
    pub(crate) fn argument_and_call(argument: ArgumentMove) -> Handler {
        match argument {
            ArgumentMove::Copy => handler::<Superinstruction<Copy, Call>>,
            ArgumentMove::Load => handler::<Superinstruction<I32LoadSlot<Slot>, Call>>,
            ArgumentMove::Constant => handler::<Superinstruction<ScalarConstant<i32>, Call>>,
        }
    }

    /// A store of the sum of a slot and a constant to a global, and a return.
    pub(crate) fn global_set_sum_and_return() -> Handler {
        handler::<Superinstruction<GlobalSetSum, Return>>
    }

    /// A store of the sum of a slot and a constant to a global, and a return of a slot.
    pub(crate) fn global_set_sum_and_return_slot() -> Handler {
        handler::<Superinstruction<GlobalSetSum, ReturnValue<i32, Slot>>>
    }

    /// `i32.load` from an address in a slot, with its result also in `k`, and a return of that result.
    pub(crate) fn load_and_return(k: OperandKind) -> Handler {
        match k {
            OperandKind::Acc => handler::<Superinstruction<I32LoadSlot<Acc>, ReturnValue<i32, Acc>>>,
            _ => handler::<Superinstruction<I32LoadSlot<Slot>, ReturnValue<i32, Acc>>>,
        }
    }

    /// `i32.load` from an address in a slot, with its result also in `k`, and a branch on that result.
    pub(crate) fn load_and_jump_if(k: OperandKind, when: bool, back: bool) -> Handler {
        match k {
            OperandKind::Acc => load_and_jump_shape::<Acc>(when, back),
            _ => load_and_jump_shape::<Slot>(when, back),
        }
    }

    /// The end of a loop: `i32.add` of a slot and a constant with the result in a slot, and a back-edge if it is
    /// nonzero.
    pub(crate) fn step_and_jump() -> Handler {
        handler::<Superinstruction<LoopStep, JumpIf<Acc, false, true, true>>>
    }

    pub(crate) fn return_value(class: Class, a: OperandKind) -> Handler {
        match class {
            Class::I32 => return_shape::<i32>(a),
            Class::F32 => return_shape::<f32>(a),
            Class::F64 => return_shape::<f64>(a),
            _ => return_shape::<i64>(a),
        }
    }
}
