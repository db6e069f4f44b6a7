//! Trampolines: short functions through which tiers, host and runtime call each other (`abi::NativeBuiltins`,
//! `abi::FuncCell`). An engine has one trampoline of each kind, or one for each signature.
//!
//! A trampoline that leaves native code saves its own frame address in the innermost activation. That frame holds the
//! frame pointer and return address of the native frame below it, so frames stay walkable during the call. A trampoline
//! that enters native code pushes an activation and handles every trap and exception that reaches it. Unwinding never
//! skips a Rust frame: a failing runtime function returns before native code calls `resume`.

use std::mem::offset_of;

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    AbiParam, BlockArg, BlockCall, ExceptionTableData, ExceptionTableItem, InstBuilder, SigRef, StackSlotData,
    StackSlotKind, TrapCode, Value, types,
};
use cranelift_codegen::isa::CallConv;
use cranelift_frontend::FunctionBuilder;
use kinglet_abi::{
    Activation, ActivationKind, CalleeRecord, CodeImage, FuncCell, Libcall, NativeBuiltins, Status, TailCallTarget,
    VmCtx, VmStore,
};

use crate::compile::{CompileError, Compiler};
use crate::convention::*;

/// The trap code of unreachable instructions. Executing one stops the process.
pub(crate) const UNREACHABLE: TrapCode = TrapCode::unwrap_user(200);

/// The offsets of a host function's entry points in its context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostLayout {
    /// The offset of the [`FuncCell`].
    pub cell: u32,
    /// The offset of the [`RegisterFn`](kinglet_abi::RegisterFn), if the function has one.
    pub registers: u32,
}

/// The trampolines. An engine has one of each kind, or one of each kind and signature.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Trampoline {
    /// [`Compiler::libcall`].
    Libcall,
    /// [`Compiler::throw`].
    Throw,
    /// [`Compiler::raise`].
    Raise,
    /// [`Compiler::enter_osr`].
    OsrEntry,
    /// [`Compiler::native_to_host`].
    NativeToHost(NativeSignature),
    /// [`Compiler::array_to_native`].
    ArrayToNative(NativeSignature),
    /// [`Compiler::native_to_interpreter`].
    NativeToInterpreter(NativeSignature),
    /// [`Compiler::tail_call_trampoline`].
    TailCall(NativeSignature),
}

impl Trampoline {
    /// The trampolines that every engine needs.
    pub const COMMON: [Trampoline; 4] =
        [Trampoline::Libcall, Trampoline::Throw, Trampoline::Raise, Trampoline::OsrEntry];

    /// Encodes the trampoline for the code cache.
    pub fn to_words(&self) -> Vec<u32> {
        let tag = match self {
            Trampoline::Libcall => 0,
            Trampoline::Throw => 1,
            Trampoline::Raise => 2,
            Trampoline::OsrEntry => 3,
            Trampoline::NativeToHost(_) => 4,
            Trampoline::ArrayToNative(_) => 5,
            Trampoline::NativeToInterpreter(_) => 6,
            Trampoline::TailCall(_) => 7,
        };
        std::iter::once(tag).chain(self.signature().into_iter().flat_map(NativeSignature::to_words)).collect()
    }

    /// Returns the signature of the functions it serves, if it depends on one.
    pub fn signature(&self) -> Option<&NativeSignature> {
        match self {
            Trampoline::Libcall | Trampoline::Throw | Trampoline::Raise | Trampoline::OsrEntry => None,
            Trampoline::NativeToHost(signature)
            | Trampoline::ArrayToNative(signature)
            | Trampoline::NativeToInterpreter(signature)
            | Trampoline::TailCall(signature) => Some(signature),
        }
    }

    /// Decodes a trampoline; `None` if the words are invalid.
    pub fn from_words(words: &[u32]) -> Option<Trampoline> {
        let (tag, rest) = words.split_first()?;
        match tag {
            0..=3 if rest.is_empty() => Trampoline::COMMON.get(*tag as usize).cloned(),
            4 => NativeSignature::from_words(rest).map(Trampoline::NativeToHost),
            5 => NativeSignature::from_words(rest).map(Trampoline::ArrayToNative),
            6 => NativeSignature::from_words(rest).map(Trampoline::NativeToInterpreter),
            7 => NativeSignature::from_words(rest).map(Trampoline::TailCall),
            _ => None,
        }
    }
}

impl Compiler {
    /// Compiles a trampoline.
    pub fn trampoline(&self, which: &Trampoline, hosts: HostLayout) -> Result<CodeImage, CompileError> {
        match which {
            Trampoline::Libcall => self.libcall(),
            Trampoline::Throw => self.throw(),
            Trampoline::Raise => self.raise(),
            Trampoline::OsrEntry => self.enter_osr(),
            Trampoline::NativeToHost(signature) => self.native_to_host(signature, hosts),
            Trampoline::ArrayToNative(signature) => self.array_to_native(signature),
            Trampoline::NativeToInterpreter(signature) => self.native_to_interpreter(signature),
            Trampoline::TailCall(signature) => self.tail_call_trampoline(signature),
        }
    }
}

impl Compiler {
    /// Compiles the native-to-interpreter trampoline: interprets the function in [`VmStore::callee`].
    pub fn native_to_interpreter(&self, signature: &NativeSignature) -> Result<CodeImage, CompileError> {
        self.compile_stub(signature.native(), |builder, params| build_native_to_interpreter(builder, params, signature))
    }

    /// Compiles the native-to-host trampoline. It passes values in registers if the signature has few enough of them,
    /// and in an array otherwise.
    pub fn native_to_host(&self, signature: &NativeSignature, hosts: HostLayout) -> Result<CodeImage, CompileError> {
        self.compile_stub(signature.native(), |builder, params| {
            let mut store_ptr = load_pointer(builder, params[0], offset_of!(VmCtx, store));
            record_exit_frame(builder, store_ptr);
            let (ok, failed) = (builder.create_block(), builder.create_block());
            let status;
            if signature.fits_in_registers() {
                let mut args = params[..2].to_vec();
                args.extend(params[2..].iter().zip(&signature.params).map(|(arg, repr)| to_slot(builder, *arg, *repr)));
                let function = load_pointer(builder, params[0], hosts.registers as usize);
                let mut sig = runtime_signature(&vec![types::I64; args.len()]);
                sig.returns = vec![AbiParam::new(types::I64); 2];
                let sig = builder.import_signature(sig);
                let call = builder.ins().call_indirect(sig, function, &args);
                let &[returned, value] = builder.inst_results(call) else { unreachable!("two are returned") };
                (status, store_ptr) = (returned, value);
                builder.ins().brif(status, failed, &[], ok, &[]);
                builder.switch_to_block(ok);
                let result = signature.results.first().map(|repr| from_slot(builder, value, *repr));
                builder.ins().return_(result.as_slice());
            } else {
                let slots = stack_slot(builder, signature.array_size());
                store_slots(builder, &params[2..], slots, &signature.params);
                let function = load_pointer(builder, params[0], hosts.cell as usize + offset_of!(FuncCell, array_call));
                let sig = builder.import_signature(runtime_signature(&[types::I64; 3]));
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
            let fail = load_builtin(builder, store_ptr, offset_of!(NativeBuiltins, fail));
            let mut sig = runtime_signature(&[types::I64, types::I32]);
            sig.returns.clear();
            let sig = builder.import_signature(sig);
            builder.ins().call_indirect(sig, fail, &[store_ptr, status]);
            resume(builder, store_ptr);
        })
    }

    /// Compiles the tail-call trampoline: loads the arguments in [`VmStore::tail_call`] and tail-calls the function.
    pub fn tail_call_trampoline(&self, signature: &NativeSignature) -> Result<CodeImage, CompileError> {
        self.compile_stub(signature.tail_call_trampoline(), |builder, params| {
            let store_ptr = load_pointer(builder, params[0], offset_of!(VmCtx, store));
            let cell =
                load_pointer(builder, store_ptr, offset_of!(VmStore, tail_call) + offset_of!(TailCallTarget, cell));
            let native = load_pointer(builder, cell, offset_of!(FuncCell, native));
            let mut args = vec![params[0], params[1]];
            args.extend(load_slots(builder, params[2], &signature.params));
            let sig = builder.import_signature(signature.native());
            builder.ins().return_call_indirect(sig, native, &args);
        })
    }

    /// Compiles the array-to-native trampoline, an array function: loads the arguments and calls the native code of the
    /// function in [`VmStore::callee`].
    pub fn array_to_native(&self, signature: &NativeSignature) -> Result<CodeImage, CompileError> {
        self.compile_stub(runtime_signature(&[types::I64; 3]), |builder, params| {
            let store_ptr = load_pointer(builder, params[0], offset_of!(VmCtx, store));
            let cell = load_pointer(builder, store_ptr, offset_of!(VmStore, callee));
            let native = load_pointer(builder, cell, offset_of!(FuncCell, native));
            let mut args = vec![params[0], params[1]];
            args.extend(load_slots(builder, params[2], &signature.params));
            let sig = builder.import_signature(signature.native());
            let results = call_native(builder, store_ptr, params[0], sig, native, &args);
            store_slots(builder, &results, params[2], &signature.results);
            let ok = builder.ins().iconst(types::I32, Status::Ok as i64);
            builder.ins().return_(&[ok]);
        })
    }

    /// Compiles the OSR trampoline, an array function: enters the loop code in [`VmStore::callee`]. The slots are the
    /// canonical frame.
    pub fn enter_osr(&self) -> Result<CodeImage, CompileError> {
        self.compile_stub(runtime_signature(&[types::I64; 3]), |builder, params| {
            let store_ptr = load_pointer(builder, params[0], offset_of!(VmCtx, store));
            let code = load_pointer(builder, store_ptr, offset_of!(VmStore, callee));
            let sig = builder.import_signature(osr_signature());
            let results = call_native(builder, store_ptr, params[0], sig, code, params);
            builder.ins().return_(&results);
        })
    }

    /// Compiles [`NativeBuiltins::libcall`].
    pub fn libcall(&self) -> Result<CodeImage, CompileError> {
        self.compile_stub(
            native_signature(&[types::I64, types::I64, types::I32, types::I32, types::I32]),
            |builder, params| {
                let store_ptr = exit_native(builder, params[0]);
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
            },
        )
    }

    /// Compiles [`NativeBuiltins::throw`].
    pub fn throw(&self) -> Result<CodeImage, CompileError> {
        self.compile_stub(native_signature(&[types::I64, types::I64, types::I32]), |builder, params| {
            let store_ptr = exit_native(builder, params[0]);
            let libcalls = load_pointer(builder, store_ptr, offset_of!(VmStore, libcalls));
            let zero = builder.ins().iconst(types::I32, 0);
            let args = [params[0], params[1], params[2], zero];
            let code = call_libcall(builder, libcalls, 8 * Libcall::Throw as usize, args);
            unwind(builder, store_ptr, params[0], code);
        })
    }

    /// Compiles [`NativeBuiltins::raise`].
    pub fn raise(&self) -> Result<CodeImage, CompileError> {
        self.compile_stub(native_signature(&[types::I64, types::I32]), |builder, params| {
            let store_ptr = exit_native(builder, params[0]);
            unwind(builder, store_ptr, params[0], params[1]);
        })
    }
}

/// Loads the native entry point of a defined function, or the lazy-binding stub if the function has none.
pub(crate) fn native_or_lazy_stub(builder: &mut FunctionBuilder<'_>, vmctx: Value, defined: u32) -> Value {
    let cells = load_pointer(builder, vmctx, offset_of!(VmCtx, cells));
    let cell = builder.ins().iadd_imm_u(cells, i64::from(defined) * size_of::<FuncCell>() as i64);
    let native = load_pointer(builder, cell, CalleeRecord::Cell.native_offset());
    let (unresolved, resolved) = (builder.create_block(), builder.create_block());
    let result = builder.append_block_param(resolved, types::I64);
    builder.ins().brif(native, resolved, &[BlockArg::Value(native)], unresolved, &[]);
    builder.set_cold_block(unresolved);
    builder.switch_to_block(unresolved);
    let store_ptr = load_pointer(builder, vmctx, offset_of!(VmCtx, store));
    let tagged = builder.ins().iadd_imm_u(cell, CalleeRecord::Cell as i64);
    store(builder, tagged, store_ptr, offset_of!(VmStore, lazy_callee));
    let stub = load_builtin(builder, store_ptr, offset_of!(NativeBuiltins, lazy_stub));
    builder.ins().jump(resolved, &[BlockArg::Value(stub)]);
    builder.switch_to_block(resolved);
    result
}

fn build_native_to_interpreter(builder: &mut FunctionBuilder<'_>, params: &[Value], signature: &NativeSignature) {
    let store_ptr = load_pointer(builder, params[0], offset_of!(VmCtx, store));
    let cell = load_pointer(builder, store_ptr, offset_of!(VmStore, callee));
    let slots = stack_slot(builder, signature.array_size());
    store_slots(builder, &params[2..], slots, &signature.params);
    record_exit_frame(builder, store_ptr);
    let enter = load_builtin(builder, store_ptr, offset_of!(NativeBuiltins, enter_interpreter));
    let sig = builder.import_signature(runtime_signature(&[types::I64; 4]));
    let call = builder.ins().call_indirect(sig, enter, &[store_ptr, cell, params[0], slots]);
    let status = builder.inst_results(call)[0];
    let (ok, unfinished) = (builder.create_block(), builder.create_block());
    builder.ins().brif(status, unfinished, &[], ok, &[]);

    builder.switch_to_block(ok);
    let results = load_slots(builder, slots, &signature.results);
    builder.ins().return_(&results);

    builder.switch_to_block(unfinished);
    let (tail_call, failed) = (builder.create_block(), builder.create_block());
    let is_tail = builder.ins().icmp_imm_u(IntCC::Equal, status, Status::TailCall as i64);
    builder.ins().brif(is_tail, tail_call, &[], failed, &[]);

    builder.switch_to_block(tail_call);
    let tail = offset_of!(VmStore, tail_call);
    let target = load_pointer(builder, store_ptr, tail + offset_of!(TailCallTarget, cell));
    let trampoline = load_pointer(builder, target, offset_of!(FuncCell, tail_call_trampoline));
    let callee = load_pointer(builder, store_ptr, tail + offset_of!(TailCallTarget, vmctx));
    let args = load_pointer(builder, store_ptr, tail + offset_of!(TailCallTarget, args));
    let sig = builder.import_signature(signature.tail_call_trampoline());
    builder.ins().return_call_indirect(sig, trampoline, &[callee, params[0], args]);

    builder.switch_to_block(failed);
    builder.set_cold_block(failed);
    resume(builder, store_ptr);
}

/// Calls native code in a new activation and returns its results.
///
/// The current block is then the return point. If the call ends with a trap or an uncaught exception, the trampoline
/// returns the status instead.
fn call_native(
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

/// Saves the exit frame and returns the address of the store.
fn exit_native(builder: &mut FunctionBuilder<'_>, vmctx: Value) -> Value {
    let store_ptr = load_pointer(builder, vmctx, offset_of!(VmCtx, store));
    record_exit_frame(builder, store_ptr);
    store_ptr
}

fn record_exit_frame(builder: &mut FunctionBuilder<'_>, store_ptr: Value) {
    let activation = load_pointer(builder, store_ptr, offset_of!(VmStore, activation));
    let frame = builder.ins().get_frame_pointer(types::I64);
    store(builder, frame, activation, offset_of!(Activation, exit_frame));
}

fn call_libcall(builder: &mut FunctionBuilder<'_>, table: Value, offset: usize, args: [Value; 4]) -> Value {
    let function = load_pointer(builder, table, offset);
    let sig = builder.import_signature(runtime_signature(&[types::I64, types::I64, types::I32, types::I32]));
    let call = builder.ins().call_indirect(sig, function, &args);
    builder.inst_results(call)[0]
}

fn load_builtin(builder: &mut FunctionBuilder<'_>, store_ptr: Value, offset: usize) -> Value {
    let builtins = load_pointer(builder, store_ptr, offset_of!(VmStore, builtins));
    load_pointer(builder, builtins, offset)
}

/// Calls the runtime to determine the resume point, and resumes there.
fn unwind(builder: &mut FunctionBuilder<'_>, store_ptr: Value, vmctx: Value, code: Value) {
    let function = load_builtin(builder, store_ptr, offset_of!(NativeBuiltins, unwind));
    let sig = builder.import_signature(runtime_signature(&[types::I64, types::I32]));
    builder.ins().call_indirect(sig, function, &[vmctx, code]);
    resume(builder, store_ptr);
}

fn resume(builder: &mut FunctionBuilder<'_>, store_ptr: Value) {
    let function = load_builtin(builder, store_ptr, offset_of!(NativeBuiltins, resume));
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
