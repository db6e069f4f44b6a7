//! The pieces of machine code between tiers, host and runtime (`abi::Natives`, `abi::FuncCell`): bridges and
//! adapters, made per function or signature, and the ways out of native code, made once.
//!
//! Every way out notes its own frame in the innermost activation, in which frame pointer and return address of the native
//! frame that takes it are, so that frames can be walked while it is out. Every way in pushes an activation and is the
//! last to handle whatever ends it. Rust frames are never jumped over: a failing call has returned before `resume` is.

use std::mem::offset_of;

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    AbiParam, BlockArg, BlockCall, ExceptionTableData, ExceptionTableItem, InstBuilder, SigRef, StackSlotData,
    StackSlotKind, TrapCode, Value, types,
};
use cranelift_codegen::isa::CallConv;
use cranelift_frontend::FunctionBuilder;
use kinglet_abi::{
    Activation, ActivationKind, Callable, CodeImage, FuncCell, Libcall, Natives, Status, TailTarget, VmCtx, VmStore,
};

use crate::compile::{Compiler, Error};
use crate::convention::*;

/// What cannot be reached; were it, the process would stop.
pub(crate) const UNREACHABLE: TrapCode = TrapCode::unwrap_user(200);

/// Where the ways to call a host function are in the context it is called with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostLayout {
    /// A [`FuncCell`].
    pub cell: u32,
    /// A [`RegisterFn`](kinglet_abi::RegisterFn), of a function that has one.
    pub registers: u32,
}

/// A piece of code that is not of a module's functions, but that they need: one for an engine, or one for each signature.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Trampoline {
    /// [`Compiler::libcall`].
    Libcall,
    /// [`Compiler::throw`].
    Throw,
    /// [`Compiler::raise`].
    Raise,
    /// [`Compiler::enter_loop`].
    EnterLoop,
    /// [`Compiler::host_call`].
    Host(Signature),
    /// [`Compiler::entry`].
    Entry(Signature),
    /// [`Compiler::bridge`].
    Bridge(Signature),
    /// [`Compiler::adapter`].
    Adapter(Signature),
}

impl Trampoline {
    /// Those that every engine needs.
    pub const COMMON: [Trampoline; 4] =
        [Trampoline::Libcall, Trampoline::Throw, Trampoline::Raise, Trampoline::EnterLoop];

    /// As numbers, to be kept.
    pub fn to_words(&self) -> Vec<u32> {
        let tag = match self {
            Trampoline::Libcall => 0,
            Trampoline::Throw => 1,
            Trampoline::Raise => 2,
            Trampoline::EnterLoop => 3,
            Trampoline::Host(_) => 4,
            Trampoline::Entry(_) => 5,
            Trampoline::Bridge(_) => 6,
            Trampoline::Adapter(_) => 7,
        };
        std::iter::once(tag).chain(self.signature().into_iter().flat_map(Signature::to_words)).collect()
    }

    /// Of which functions; none of those that there is one of.
    pub fn signature(&self) -> Option<&Signature> {
        match self {
            Trampoline::Libcall | Trampoline::Throw | Trampoline::Raise | Trampoline::EnterLoop => None,
            Trampoline::Host(signature)
            | Trampoline::Entry(signature)
            | Trampoline::Bridge(signature)
            | Trampoline::Adapter(signature) => Some(signature),
        }
    }

    /// From such numbers; none if they are others.
    pub fn from_words(words: &[u32]) -> Option<Trampoline> {
        let (tag, rest) = words.split_first()?;
        match tag {
            0..=3 if rest.is_empty() => Trampoline::COMMON.get(*tag as usize).cloned(),
            4 => Signature::from_words(rest).map(Trampoline::Host),
            5 => Signature::from_words(rest).map(Trampoline::Entry),
            6 => Signature::from_words(rest).map(Trampoline::Bridge),
            7 => Signature::from_words(rest).map(Trampoline::Adapter),
            _ => None,
        }
    }
}

impl Compiler {
    /// A trampoline.
    pub fn trampoline(&self, which: &Trampoline, hosts: HostLayout) -> Result<CodeImage, Error> {
        match which {
            Trampoline::Libcall => self.libcall(),
            Trampoline::Throw => self.throw(),
            Trampoline::Raise => self.raise(),
            Trampoline::EnterLoop => self.enter_loop(),
            Trampoline::Host(signature) => self.host_call(signature, hosts),
            Trampoline::Entry(signature) => self.entry(signature),
            Trampoline::Bridge(signature) => self.bridge(signature),
            Trampoline::Adapter(signature) => self.adapter(signature),
        }
    }
}

impl Compiler {
    /// From native code to the function in [`VmStore::callee`], which had no native code when that was asked about.
    pub fn bridge(&self, signature: &Signature) -> Result<CodeImage, Error> {
        self.small(signature.native(), |builder, params| bridge(builder, params, signature))
    }

    /// From native code to a host function: in registers if it has few enough parameters and results, else by an array.
    pub fn host_call(&self, signature: &Signature, hosts: HostLayout) -> Result<CodeImage, Error> {
        self.small(signature.native(), |builder, params| {
            let mut store_ptr = load_pointer(builder, params[0], offset_of!(VmCtx, store));
            note_exit(builder, store_ptr);
            let (ok, failed) = (builder.create_block(), builder.create_block());
            let status;
            if signature.in_registers() {
                let mut args = params[..2].to_vec();
                args.extend(params[2..].iter().zip(&signature.params).map(|(arg, kind)| to_slot(builder, *arg, *kind)));
                let function = load_pointer(builder, params[0], hosts.registers as usize);
                let mut sig = runtime(&vec![types::I64; args.len()]);
                sig.returns = vec![AbiParam::new(types::I64); 2];
                let sig = builder.import_signature(sig);
                let call = builder.ins().call_indirect(sig, function, &args);
                let &[returned, value] = builder.inst_results(call) else { unreachable!("two are returned") };
                (status, store_ptr) = (returned, value);
                builder.ins().brif(status, failed, &[], ok, &[]);
                builder.switch_to_block(ok);
                let result = signature.results.first().map(|kind| from_slot(builder, value, *kind));
                builder.ins().return_(result.as_slice());
            } else {
                let slots = stack_slot(builder, signature.array_size());
                store_slots(builder, &params[2..], slots, &signature.params);
                let function = load_pointer(builder, params[0], hosts.cell as usize + offset_of!(FuncCell, array));
                let sig = builder.import_signature(runtime(&[types::I64; 3]));
                let call = builder.ins().call_indirect(sig, function, &[params[0], params[1], slots]);
                let returned = builder.inst_results(call)[0];
                status = builder.ins().uextend(types::I64, returned);
                builder.ins().brif(returned, failed, &[], ok, &[]);
                builder.switch_to_block(ok);
                let results = load_slots(builder, slots, &signature.results);
                builder.ins().return_(&results);
            }

            builder.switch_to_block(failed);
            builder.set_cold_block(failed);
            let status = builder.ins().ireduce(types::I32, status);
            let fail = native_entry(builder, store_ptr, offset_of!(Natives, fail));
            let mut sig = runtime(&[types::I64, types::I32]);
            sig.returns.clear();
            let sig = builder.import_signature(sig);
            builder.ins().call_indirect(sig, fail, &[store_ptr, status]);
            resume(builder, store_ptr);
        })
    }

    /// From [`VmStore::tail`] to native code: loads the arguments, tail-calls the function.
    pub fn adapter(&self, signature: &Signature) -> Result<CodeImage, Error> {
        self.small(signature.adapter(), |builder, params| {
            let store_ptr = load_pointer(builder, params[0], offset_of!(VmCtx, store));
            let cell = load_pointer(builder, store_ptr, offset_of!(VmStore, tail) + offset_of!(TailTarget, cell));
            let native = load_pointer(builder, cell, offset_of!(FuncCell, native));
            let mut args = vec![params[0], params[1]];
            args.extend(load_slots(builder, params[2], &signature.params));
            let sig = builder.import_signature(signature.native());
            builder.ins().return_call_indirect(sig, native, &args);
        })
    }

    /// An array function: from an argument array to native code of the function in [`VmStore::callee`].
    pub fn entry(&self, signature: &Signature) -> Result<CodeImage, Error> {
        self.small(runtime(&[types::I64; 3]), |builder, params| {
            let store_ptr = load_pointer(builder, params[0], offset_of!(VmCtx, store));
            let cell = load_pointer(builder, store_ptr, offset_of!(VmStore, callee));
            let native = load_pointer(builder, cell, offset_of!(FuncCell, native));
            let mut args = vec![params[0], params[1]];
            args.extend(load_slots(builder, params[2], &signature.params));
            let sig = builder.import_signature(signature.native());
            let results = enter(builder, store_ptr, params[0], sig, native, &args);
            store_slots(builder, &results, params[2], &signature.results);
            let ok = builder.ins().iconst(types::I32, Status::Ok as i64);
            builder.ins().return_(&[ok]);
        })
    }

    /// The array function that enters a loop: the slots are the canonical frame, [`VmStore::callee`] the code.
    pub fn enter_loop(&self) -> Result<CodeImage, Error> {
        self.small(runtime(&[types::I64; 3]), |builder, params| {
            let store_ptr = load_pointer(builder, params[0], offset_of!(VmCtx, store));
            let code = load_pointer(builder, store_ptr, offset_of!(VmStore, callee));
            let sig = builder.import_signature(loop_entry());
            let results = enter(builder, store_ptr, params[0], sig, code, params);
            builder.ins().return_(&results);
        })
    }

    /// See [`Natives::libcall`].
    pub fn libcall(&self) -> Result<CodeImage, Error> {
        self.small(tail(&[types::I64, types::I64, types::I32, types::I32, types::I32]), |builder, params| {
            let store_ptr = leave(builder, params[0]);
            let libcalls = load_pointer(builder, store_ptr, offset_of!(VmStore, libcalls));
            let at = builder.ins().uextend(types::I64, params[2]);
            let at = builder.ins().ishl_imm_u(at, 3);
            let at = builder.ins().iadd(libcalls, at);
            let code = call_libcall(builder, at, 0, [params[0], params[1], params[3], params[4]]);
            let (failed, done) = (builder.create_block(), builder.create_block());
            builder.ins().brif(code, failed, &[], done, &[]);
            builder.set_cold_block(failed);
            builder.switch_to_block(failed);
            unwind(builder, store_ptr, params[0], code);
            builder.switch_to_block(done);
            builder.ins().return_(&[]);
        })
    }

    /// See [`Natives::throw`].
    pub fn throw(&self) -> Result<CodeImage, Error> {
        self.small(tail(&[types::I64, types::I64, types::I32]), |builder, params| {
            let store_ptr = leave(builder, params[0]);
            let libcalls = load_pointer(builder, store_ptr, offset_of!(VmStore, libcalls));
            let zero = builder.ins().iconst(types::I32, 0);
            let args = [params[0], params[1], params[2], zero];
            let code = call_libcall(builder, libcalls, 8 * Libcall::Throw as usize, args);
            unwind(builder, store_ptr, params[0], code);
        })
    }

    /// See [`Natives::raise`].
    pub fn raise(&self) -> Result<CodeImage, Error> {
        self.small(tail(&[types::I64, types::I32]), |builder, params| {
            let store_ptr = leave(builder, params[0]);
            unwind(builder, store_ptr, params[0], params[1]);
        })
    }
}

/// Where native code calls a function of the module, asked for if its cell does not know.
pub(crate) fn native_of_cell(builder: &mut FunctionBuilder<'_>, vmctx: Value, defined: u32) -> Value {
    let cells = load_pointer(builder, vmctx, offset_of!(VmCtx, cells));
    let cell = builder.ins().iadd_imm_u(cells, i64::from(defined) * size_of::<FuncCell>() as i64);
    let native = load_pointer(builder, cell, Callable::Cell.native());
    let (ask, known) = (builder.create_block(), builder.create_block());
    let result = builder.append_block_param(known, types::I64);
    builder.ins().brif(native, known, &[BlockArg::Value(native)], ask, &[]);
    builder.set_cold_block(ask);
    builder.switch_to_block(ask);
    let store_ptr = load_pointer(builder, vmctx, offset_of!(VmCtx, store));
    let asked = builder.ins().iadd_imm_u(cell, Callable::Cell as i64);
    store(builder, asked, store_ptr, offset_of!(VmStore, asked));
    let made = native_entry(builder, store_ptr, offset_of!(Natives, ask));
    builder.ins().jump(known, &[BlockArg::Value(made)]);
    builder.switch_to_block(known);
    result
}

fn bridge(builder: &mut FunctionBuilder<'_>, params: &[Value], signature: &Signature) {
    let store_ptr = load_pointer(builder, params[0], offset_of!(VmCtx, store));
    let cell = load_pointer(builder, store_ptr, offset_of!(VmStore, callee));
    let slots = stack_slot(builder, signature.array_size());
    store_slots(builder, &params[2..], slots, &signature.params);
    note_exit(builder, store_ptr);
    let enter = native_entry(builder, store_ptr, offset_of!(Natives, enter));
    let sig = builder.import_signature(runtime(&[types::I64; 4]));
    let call = builder.ins().call_indirect(sig, enter, &[store_ptr, cell, params[0], slots]);
    let status = builder.inst_results(call)[0];
    let (ok, not_ok) = (builder.create_block(), builder.create_block());
    builder.ins().brif(status, not_ok, &[], ok, &[]);

    builder.switch_to_block(ok);
    let results = load_slots(builder, slots, &signature.results);
    builder.ins().return_(&results);

    builder.switch_to_block(not_ok);
    let (tail_call, failed) = (builder.create_block(), builder.create_block());
    let is_tail = builder.ins().icmp_imm_u(IntCC::Equal, status, Status::TailCall as i64);
    builder.ins().brif(is_tail, tail_call, &[], failed, &[]);

    builder.switch_to_block(tail_call);
    let tail = offset_of!(VmStore, tail);
    let target = load_pointer(builder, store_ptr, tail + offset_of!(TailTarget, cell));
    let adapter = load_pointer(builder, target, offset_of!(FuncCell, adapter));
    let callee = load_pointer(builder, store_ptr, tail + offset_of!(TailTarget, vmctx));
    let args = load_pointer(builder, store_ptr, tail + offset_of!(TailTarget, args));
    let sig = builder.import_signature(signature.adapter());
    builder.ins().return_call_indirect(sig, adapter, &[callee, params[0], args]);

    builder.switch_to_block(failed);
    builder.set_cold_block(failed);
    resume(builder, store_ptr);
}

/// Calls native code from the host's side, on an activation of its own; if it does not return, returns its status.
/// What follows is where it has returned.
fn enter(
    builder: &mut FunctionBuilder<'_>,
    store_ptr: Value,
    vmctx: Value,
    sig: SigRef,
    target: Value,
    args: &[Value],
) -> Vec<Value> {
    let activation = stack_slot(builder, size_of::<Activation>() as u32);
    let prev = load_pointer(builder, store_ptr, offset_of!(VmStore, activation));
    let kind = builder.ins().iconst(types::I32, ActivationKind::Native as i64);
    let fp = builder.ins().get_frame_pointer(types::I64);
    let sp = builder.ins().get_stack_pointer(types::I64);
    let (call, returned, ended) = (builder.create_block(), builder.create_block(), builder.create_block());
    let handler = builder.ins().get_exception_handler_address(types::I64, call, 0);
    store(builder, prev, activation, offset_of!(Activation, prev));
    store(builder, kind, activation, offset_of!(Activation, kind));
    store(builder, vmctx, activation, offset_of!(Activation, vmctx));
    store(builder, fp, activation, offset_of!(Activation, entry_fp));
    store(builder, sp, activation, offset_of!(Activation, entry_sp));
    store(builder, handler, activation, offset_of!(Activation, entry_handler));
    store(builder, activation, store_ptr, offset_of!(VmStore, activation));
    builder.ins().jump(call, &[]);

    builder.switch_to_block(call);
    let types: Vec<_> = builder.func.dfg.signatures[sig].returns.iter().map(|ret| ret.value_type).collect();
    let rets: Vec<_> = (0..types.len() as u32).map(BlockArg::TryCallRet).collect();
    let results: Vec<_> = types.iter().map(|ty| builder.append_block_param(returned, *ty)).collect();
    let status = builder.append_block_param(ended, types::I64);
    let pool = &mut builder.func.dfg.value_lists;
    let normal = BlockCall::new(returned, rets, pool);
    let default = ExceptionTableItem::Default(BlockCall::new(ended, [BlockArg::TryCallExn(0)], pool));
    let table = builder.func.dfg.exception_tables.push(ExceptionTableData::new(sig, normal, [default]));
    builder.ins().try_call_indirect(target, args, table);

    builder.switch_to_block(ended);
    store(builder, prev, store_ptr, offset_of!(VmStore, activation));
    let status = builder.ins().ireduce(types::I32, status);
    builder.ins().return_(&[status]);

    builder.switch_to_block(returned);
    store(builder, prev, store_ptr, offset_of!(VmStore, activation));
    results
}

/// The store, once the frame that called us has been noted as where native code left.
fn leave(builder: &mut FunctionBuilder<'_>, vmctx: Value) -> Value {
    let store_ptr = load_pointer(builder, vmctx, offset_of!(VmCtx, store));
    note_exit(builder, store_ptr);
    store_ptr
}

fn note_exit(builder: &mut FunctionBuilder<'_>, store_ptr: Value) {
    let activation = load_pointer(builder, store_ptr, offset_of!(VmStore, activation));
    let frame = builder.ins().get_frame_pointer(types::I64);
    store(builder, frame, activation, offset_of!(Activation, exit_frame));
}

fn call_libcall(builder: &mut FunctionBuilder<'_>, table: Value, offset: usize, args: [Value; 4]) -> Value {
    let function = load_pointer(builder, table, offset);
    let sig = builder.import_signature(runtime(&[types::I64, types::I64, types::I32, types::I32]));
    let call = builder.ins().call_indirect(sig, function, &args);
    builder.inst_results(call)[0]
}

fn native_entry(builder: &mut FunctionBuilder<'_>, store_ptr: Value, offset: usize) -> Value {
    let natives = load_pointer(builder, store_ptr, offset_of!(VmStore, natives));
    load_pointer(builder, natives, offset)
}

/// Has the runtime find where to go on, and goes there.
fn unwind(builder: &mut FunctionBuilder<'_>, store_ptr: Value, vmctx: Value, code: Value) {
    let function = native_entry(builder, store_ptr, offset_of!(Natives, unwind));
    let sig = builder.import_signature(runtime(&[types::I64, types::I32]));
    builder.ins().call_indirect(sig, function, &[vmctx, code]);
    resume(builder, store_ptr);
}

fn resume(builder: &mut FunctionBuilder<'_>, store_ptr: Value) {
    let function = native_entry(builder, store_ptr, offset_of!(Natives, resume));
    let mut signature = cranelift_codegen::ir::Signature::new(CallConv::SystemV);
    signature.params.push(cranelift_codegen::ir::AbiParam::new(types::I64));
    let sig = builder.import_signature(signature);
    builder.ins().call_indirect(sig, function, &[store_ptr]);
    builder.ins().trap(UNREACHABLE);
}

fn stack_slot(builder: &mut FunctionBuilder<'_>, size: u32) -> Value {
    let data = StackSlotData::new(StackSlotKind::ExplicitSlot, size.max(8), 4);
    let slot = builder.create_sized_stack_slot(data);
    builder.ins().stack_addr(types::I64, slot, 0)
}
