//! Function entry, labels, branches, calls and returns.

use std::mem::offset_of;

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    Block, BlockArg, BlockCall, ExtFuncData, ExternalName, FuncRef, GlobalValueData, InstBuilder, JumpTableData,
    MemFlagsData, SigRef, UserExternalName, Value, types,
};
use kinglet_abi::{
    CalleeRecord, FuncCell, Libcall, NativeBuiltins, Status, TailCallTarget, Trap, VmCallee, VmCtx, VmImport, VmStore,
};
use kinglet_wasm::emit::{Callee, Frame, Slot};
use kinglet_wasm::types::{FuncType, ValType};

use super::exception::CallTarget;
use super::{ClifOperand, ClifValue, Emitter, EntryPoint};
use crate::compile::{Callees, trap_code};
use crate::convention::*;

/// The callee of an indirect call, resolved at run time.
struct ResolvedCallee {
    native: Value,
    vmctx: Value,
    cell: CellLocation,
}

/// The offset of the instance or host context in an import.
const IMPORT_VMCTX: usize = offset_of!(VmImport, resolved) + offset_of!(VmCallee, vmctx);

/// The location of a callee's cell. Few calls need the cell.
#[derive(Clone, Copy)]
enum CellLocation {
    Value(Value),
    /// An import at this instance offset.
    Import(usize),
    /// A non-null function reference.
    Reference(Value),
}

impl Emitter<'_> {
    pub(super) fn begin_function(&mut self, frame: &Frame) {
        self.results = self.reprs(&frame.results);
        let entry = self.builder.create_block();
        self.builder.append_block_params_for_function_params(entry);
        self.switch_to_sealed(entry);
        let params = self.builder.block_params(entry).to_vec();
        self.vmctx = params[0];
        for local in &frame.locals {
            let repr = self.repr(local.ty);
            let variable = self.declare_variable(repr);
            self.locals.push((variable, *local));
        }
        if let EntryPoint::Osr { loops, .. } = self.entry {
            self.begin_osr(loops, params[2]);
        }
        for index in 0..frame.locals.len() {
            let (variable, local) = self.locals[index];
            let value = match self.entry {
                EntryPoint::Function if index < frame.params => params[2 + index],
                _ => self.zero(ValueRepr::new(local.ty, self.environment.types)),
            };
            self.define_variable(variable, value);
        }
        match (self.entry, self.explicit_traps()) {
            (EntryPoint::Function, true) => self.emit_stack_check(frame, &params),
            (_, false) => self.set_stack_limit(),
            (EntryPoint::Osr { .. }, true) => {}
        }
    }

    /// Makes Cranelift compare the stack pointer, minus the frame size, with the store's limit.
    fn set_stack_limit(&mut self) {
        let function = &mut self.builder.func;
        let vmctx = function.create_global_value(GlobalValueData::VMContext);
        let mut load = |base, offset: usize| {
            let offset = (offset as i32).into();
            let flags = function.dfg.mem_flags.insert_unchecked(runtime_flags());
            function.create_global_value(GlobalValueData::Load { base, offset, global_type: types::I64, flags })
        };
        let store = load(vmctx, offset_of!(VmCtx, store));
        let limit = load(store, offset_of!(VmStore, stack_limit));
        function.stack_limit = Some(limit);
    }

    /// Emits a stack check that continues in the interpreter. The frame size is not known yet, so the check uses the
    /// size of the canonical frame.
    fn emit_stack_check(&mut self, frame: &Frame, params: &[Value]) {
        let limit = self.load_store_field(types::I64, offset_of!(VmStore, stack_limit));
        let sp = self.builder.ins().get_stack_pointer(types::I64);
        let lowest = self.builder.ins().iadd_imm_u(limit, 8 * i64::from(frame.operands));
        let below = self.builder.ins().icmp(IntCC::UnsignedLessThan, sp, lowest);
        let (exhausted, next) = (self.builder.create_block(), self.builder.create_block());
        self.builder.ins().brif(below, exhausted, &[], next, &[]);
        self.builder.set_cold_block(exhausted);
        self.switch_to_sealed(exhausted);
        let cell = self.function_cell(self.defined);
        let store_ptr = self.store_ptr();
        store(&mut self.builder, cell, store_ptr, offset_of!(VmStore, callee));
        let stack_exhausted = self.load_builtin(offset_of!(NativeBuiltins, stack_exhausted));
        let sig = self.builder.import_signature(self.builder.func.signature.clone());
        self.builder.ins().return_call_indirect(sig, stack_exhausted, params);
        self.switch_to_sealed(next);
    }

    pub(super) fn make_label(&mut self, params: &[ValType], slot: Slot) -> Block {
        let reprs = self.reprs(params);
        let block = self.block_with_params(&reprs);
        self.label_slots.insert(block, (reprs, slot));
        block
    }

    pub(super) fn block_with_params(&mut self, reprs: &[ValueRepr]) -> Block {
        let block = self.builder.create_block();
        for repr in reprs {
            let value = self.builder.append_block_param(block, repr.clif());
            if *repr == ValueRepr::GcRef {
                self.declare_gc_ref(value);
            }
        }
        block
    }

    pub(super) fn block_args(&mut self, args: &[ClifOperand]) -> Vec<BlockArg> {
        self.values(args).into_iter().map(BlockArg::Value).collect()
    }

    pub(super) fn branch(&mut self, condition: Value, when: bool, target: Block, args: &[ClifOperand]) {
        self.count_branch(target);
        let args = self.block_args(args);
        let next = self.builder.create_block();
        if when {
            self.builder.ins().brif(condition, target, &args, next, &[]);
        } else {
            self.builder.ins().brif(condition, next, &[], target, &args);
        }
        self.switch_to_sealed(next);
    }

    /// Lowers `br_table`. The last target is the default.
    pub(super) fn branch_table(&mut self, index: ClifOperand, targets: &[Block], args: &[ClifOperand]) {
        let operands = targets.len().saturating_mul(1 + args.len());
        if let Err(error) = self.cost_meter.check_operands(self.builder.func, operands) {
            self.error.get_or_insert(error);
            return;
        }
        targets.iter().for_each(|target| self.count_branch(*target));
        let index = self.value(index);
        let args = self.block_args(args);
        let pool = &mut self.builder.func.dfg.value_lists;
        let mut calls: Vec<BlockCall> =
            targets.iter().map(|target| BlockCall::new(*target, args.iter().copied(), pool)).collect();
        let Some(default) = calls.pop() else { return };
        let table = self.builder.create_jump_table(JumpTableData::new(default, &calls));
        self.builder.ins().br_table(index, table);
    }

    pub(super) fn return_values(&mut self, values: &[Value]) {
        let Some(frame) = self.frame_base else {
            self.builder.ins().return_(values);
            return;
        };
        let reprs = std::mem::take(&mut self.results);
        store_slots(&mut self.builder, values, frame, &reprs);
        self.results = reprs;
        let ok = self.builder.ins().iconst(types::I32, Status::Ok as i64);
        self.builder.ins().return_(&[ok]);
    }

    pub(super) fn emit_call(
        &mut self,
        callee: Callee<ClifValue>,
        ty: &FuncType,
        args: &[ClifOperand],
        results: &mut Vec<ClifValue>,
    ) {
        let signature = NativeSignature::new(ty, self.environment.types);
        let sig = self.builder.import_signature(signature.native());
        let (target, vmctx) = match self.direct_callee(callee, sig) {
            Some(function) => (CallTarget::Function(function), self.vmctx),
            None => {
                self.indirect_signatures.insert(signature.clone());
                let target = self.resolve(callee, &signature);
                (CallTarget::Address(sig, target.native), target.vmctx)
            }
        };
        let mut values = vec![vmctx, self.vmctx];
        values.extend(self.values(args));
        let returned = self.throwing_call(target, &values);
        for (value, repr) in returned.into_iter().zip(&signature.results) {
            let result = self.operand_of(value, *repr);
            results.push(result);
        }
    }

    /// Emits a tail call.
    ///
    /// OSR code stores the target and the arguments instead and returns to the interpreter, which makes the call.
    /// Frames of OSR code thus cannot accumulate.
    pub(super) fn emit_tail_call(&mut self, callee: Callee<ClifValue>, ty: &FuncType, args: &[ClifOperand]) {
        let signature = NativeSignature::new(ty, self.environment.types);
        let sig = self.builder.import_signature(signature.native());
        if let Some(function) = self.direct_callee(callee, sig) {
            let mut values = vec![self.vmctx, self.vmctx];
            values.extend(self.values(args));
            self.builder.ins().return_call(function, &values);
            return;
        }
        self.indirect_signatures.insert(signature.clone());
        let target = self.resolve(callee, &signature);
        let values = self.values(args);
        let Some(frame) = self.frame_base else {
            let mut args = vec![target.vmctx, self.vmctx];
            args.extend(values);
            self.builder.ins().return_call_indirect(sig, target.native, &args);
            return;
        };
        store_slots(&mut self.builder, &values, frame, &signature.params);
        let store_ptr = self.store_ptr();
        let tail = offset_of!(VmStore, tail_call);
        let (cell, vmctx) = self.cell_and_vmctx(&target);
        store(&mut self.builder, cell, store_ptr, tail + offset_of!(TailCallTarget, cell));
        store(&mut self.builder, vmctx, store_ptr, tail + offset_of!(TailCallTarget, vmctx));
        let status = self.builder.ins().iconst(types::I32, Status::TailCall as i64);
        self.builder.ins().return_(&[status]);
    }

    /// Returns a reference to a function in the same image.
    fn direct_callee(&mut self, callee: Callee<ClifValue>, signature: SigRef) -> Option<FuncRef> {
        let Callee::Func(func) = callee else { return None };
        let defined = func.checked_sub(self.environment.module.imported_funcs)?;
        let Callees::SameImage(beside) = self.callees else { return None };
        beside.binary_search(&defined).ok()?;
        if let Some(function) = self.callee_refs.get(&defined) {
            return Some(*function);
        }
        let name = self.builder.func.declare_imported_user_function(UserExternalName::new(0, defined));
        let name = ExternalName::user(name);
        let function = self.builder.import_function(ExtFuncData { name, signature, colocated: true, patchable: false });
        self.callee_refs.insert(defined, function);
        Some(function)
    }

    fn resolve(&mut self, callee: Callee<ClifValue>, signature: &NativeSignature) -> ResolvedCallee {
        match callee {
            Callee::Func(func) => self.resolve_func(func, signature),
            Callee::Indirect { table, ty, index } => {
                let function = self.load_element(table, index, Trap::UndefinedElement);
                self.check_type(function, ty);
                self.resolve_reference(function, Trap::UninitializedElement)
            }
            Callee::Ref { func, .. } => {
                let function = self.value(func);
                if self.explicit_traps() {
                    self.trap_if_zero(function, Trap::NullFunctionReference);
                }
                self.resolve_reference(function, Trap::NullFunctionReference)
            }
        }
    }

    fn resolve_func(&mut self, func: u32, signature: &NativeSignature) -> ResolvedCallee {
        let Some(defined) = func.checked_sub(self.environment.module.imported_funcs) else {
            let import = self.environment.layout.import(func) as usize;
            let builder = &mut self.builder;
            let (native, vmctx) = if signature.passes_callee_in_first_register() {
                let callee = load_invariant(builder, self.vmctx, import + offset_of!(VmImport, callee));
                let native = load_invariant(builder, callee, offset_of!(VmCallee, native));
                (native, load_invariant(builder, callee, offset_of!(VmCallee, vmctx)))
            } else {
                let native = load_invariant(builder, self.vmctx, import + CalleeRecord::Import.native_offset());
                let record = builder.ins().iadd_imm_u(self.vmctx, import as i64);
                // The load may be hoisted out of a loop. If it yields null, every call takes the lazy-binding stub. Any
                // other address stays valid.
                let native = self.native_or_lazy_stub(native, CalleeRecord::Import, record);
                (native, load_invariant(&mut self.builder, self.vmctx, import + IMPORT_VMCTX))
            };
            return ResolvedCallee { native, vmctx, cell: CellLocation::Import(import) };
        };
        let cell = self.function_cell(defined);
        if let Callees::Addresses(callee_address) = self.callees
            && let Some(address) = callee_address(defined).native
        {
            let native = self.builder.ins().iconst(types::I64, address as i64);
            return ResolvedCallee { native, vmctx: self.vmctx, cell: CellLocation::Value(cell) };
        }
        let native = load_pointer(&mut self.builder, cell, CalleeRecord::Cell.native_offset());
        let native = self.native_or_lazy_stub(native, CalleeRecord::Cell, cell);
        ResolvedCallee { native, vmctx: self.vmctx, cell: CellLocation::Value(cell) }
    }

    /// Returns the cell of a defined function.
    fn function_cell(&mut self, defined: u32) -> Value {
        if let Callees::Addresses(callee_address) = self.callees {
            return self.builder.ins().iconst(types::I64, callee_address(defined).cell as i64);
        }
        let cells = load_invariant(&mut self.builder, self.vmctx, offset_of!(VmCtx, cells));
        self.builder.ins().iadd_imm_u(cells, i64::from(defined) * size_of::<FuncCell>() as i64)
    }

    /// Returns the callee's cell, and the instance or host context in which it runs.
    fn cell_and_vmctx(&mut self, target: &ResolvedCallee) -> (Value, Value) {
        let builder = &mut self.builder;
        match target.cell {
            CellLocation::Value(cell) => (cell, target.vmctx),
            CellLocation::Import(import) => {
                let cell = load_invariant(builder, self.vmctx, import + offset_of!(VmImport, cell));
                (cell, load_invariant(builder, self.vmctx, import + IMPORT_VMCTX))
            }
            CellLocation::Reference(function) => {
                (load_pointer(builder, function, offset_of!(kinglet_abi::FuncRef, cell)), target.vmctx)
            }
        }
    }

    /// Loads the callee of a function reference. A null reference faults if faults are traps.
    fn resolve_reference(&mut self, function: Value, null: Trap) -> ResolvedCallee {
        let flags = self.reference_flags(null);
        let mut field = |offset: usize| self.builder.ins().load(types::I64, flags, function, offset as i32);
        let native = field(offset_of!(kinglet_abi::FuncRef, native));
        let vmctx = field(offset_of!(kinglet_abi::FuncRef, vmctx));
        let native = self.native_or_lazy_stub(native, CalleeRecord::Reference, function);
        ResolvedCallee { native, vmctx, cell: CellLocation::Reference(function) }
    }

    /// Returns the flags for loads from a function reference that may be null.
    fn reference_flags(&self, null: Trap) -> MemFlagsData {
        if self.explicit_traps() { runtime_flags() } else { runtime_flags().with_trap_code(Some(trap_code(null))) }
    }

    /// Emits a trap unless an element's type is the expected type or a subtype of it.
    fn check_type(&mut self, function: Value, ty: u32) {
        if self.explicit_traps() {
            self.trap_if_zero(function, Trap::UninitializedElement);
        }
        let flags = self.reference_flags(Trap::UninitializedElement);
        let at = offset_of!(kinglet_abi::FuncRef, type_id) as i32;
        let actual = self.builder.ins().load(types::I32, flags, function, at);
        let ids = load_invariant(&mut self.builder, self.vmctx, offset_of!(VmCtx, type_ids));
        let expected = self.builder.ins().load(types::I32, invariant_flags(), ids, 4 * ty as i32);
        let differs = self.builder.ins().icmp(IntCC::NotEqual, actual, expected);
        if self.environment.module.type_defs[ty as usize].sub.is_final {
            self.trap_if(differs, Trap::IndirectCallTypeMismatch);
            return;
        }
        let (slow, next) = (self.builder.create_block(), self.builder.create_block());
        self.builder.ins().brif(differs, slow, &[], next, &[]);
        self.builder.set_cold_block(slow);
        self.switch_to_sealed(slow);
        let array = self.libcall_array(1);
        self.libcall_values(Libcall::IsSubtype, array, actual, expected);
        let is_subtype = load_pointer(&mut self.builder, array, 0);
        self.trap_if_zero(is_subtype, Trap::IndirectCallTypeMismatch);
        self.builder.ins().jump(next, &[]);
        self.switch_to_sealed(next);
    }

    /// Returns the native entry point from a record, or the lazy-binding stub if it is null. The call must follow
    /// without a runtime call in between.
    fn native_or_lazy_stub(&mut self, native: Value, which: CalleeRecord, record: Value) -> Value {
        self.replace_null(native, |emitter| {
            let tagged = emitter.builder.ins().iadd_imm_u(record, which as i64);
            let store_ptr = emitter.store_ptr();
            store(&mut emitter.builder, tagged, store_ptr, offset_of!(VmStore, lazy_callee));
            emitter.load_builtin(offset_of!(NativeBuiltins, lazy_stub))
        })
    }

    /// Returns `pointer`, or the value that `emit` computes in the rare case that `pointer` is null.
    pub(super) fn replace_null(&mut self, pointer: Value, emit: impl FnOnce(&mut Self) -> Value) -> Value {
        let (null, next) = (self.builder.create_block(), self.builder.create_block());
        let result = self.builder.append_block_param(next, types::I64);
        self.builder.ins().brif(pointer, next, &[BlockArg::Value(pointer)], null, &[]);
        self.builder.set_cold_block(null);
        self.switch_to_sealed(null);
        let replacement = emit(self);
        self.builder.ins().jump(next, &[BlockArg::Value(replacement)]);
        self.switch_to_sealed(next);
        result
    }
}
