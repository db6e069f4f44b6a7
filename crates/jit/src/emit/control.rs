//! Function entry, labels, branches, calls and returns.

use std::mem::offset_of;

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    Block, BlockArg, BlockCall, ExtFuncData, ExternalName, FuncRef, GlobalValueData, InstBuilder, JumpTableData,
    MemFlagsData, SigRef, UserExternalName, Value, types,
};
use kinglet_abi::{Callable, FuncCell, Libcall, Natives, Status, TailTarget, Trap, VmCallee, VmCtx, VmImport, VmStore};
use kinglet_wasm::emit::{Callee, Frame, Slot};
use kinglet_wasm::types::{FuncType, ValType};

use super::exception::CallTarget;
use super::{Emitter, Entry, Op1, V};
use crate::compile::{Callees, trap_code};
use crate::convention::*;

/// A resolved callee.
struct Target {
    native: Value,
    vmctx: Value,
    cell: Cell,
}

/// Where the instance or host context is in an import.
const CALLEE_OF_IMPORT: usize = offset_of!(VmImport, known) + offset_of!(VmCallee, vmctx);

/// Where a function's cell is found, which few calls have to know.
#[derive(Clone, Copy)]
enum Cell {
    Known(Value),
    /// In the import at this offset of the instance.
    OfImport(usize),
    /// In a function reference that is not null.
    OfReference(Value),
}

impl Emitter<'_> {
    pub(super) fn begin_function(&mut self, frame: &Frame) {
        self.results = self.kinds(&frame.results);
        let entry = self.builder.create_block();
        self.builder.append_block_params_for_function_params(entry);
        self.switch_to(entry);
        let params = self.builder.block_params(entry).to_vec();
        self.vmctx = params[0];
        for local in &frame.locals {
            let kind = self.kind(local.ty);
            let variable = self.variable(kind);
            self.locals.push((variable, *local));
        }
        if let Entry::Loop { loops, .. } = self.entry {
            self.begin_way(loops, params[2]);
        }
        for index in 0..frame.locals.len() {
            let (variable, local) = self.locals[index];
            let value = match self.entry {
                Entry::Function if index < frame.params => params[2 + index],
                _ => self.zero(Kind::new(local.ty, self.environment.types)),
            };
            self.write(variable, value);
        }
        match (self.entry, self.explicit_traps()) {
            (Entry::Function, true) => self.check_stack(frame, &params),
            (_, false) => self.limit_stack(),
            (Entry::Loop { .. }, true) => {}
        }
    }

    /// Has Cranelift compare the stack pointer, less the frame it is going to make, with the store's limit.
    fn limit_stack(&mut self) {
        let function = &mut self.builder.func;
        let vmctx = function.create_global_value(GlobalValueData::VMContext);
        let mut load = |base, offset: usize| {
            let offset = (offset as i32).into();
            let flags = function.dfg.mem_flags.insert_unchecked(trusted());
            function.create_global_value(GlobalValueData::Load { base, offset, global_type: types::I64, flags })
        };
        let store = load(vmctx, offset_of!(VmCtx, store));
        let limit = load(store, offset_of!(VmStore, stack_limit));
        function.stack_limit = Some(limit);
    }

    /// Goes on in the interpreter if the host's stack is used up. The frame's size is not known yet; that of the canonical
    /// one stands in.
    fn check_stack(&mut self, frame: &Frame, params: &[Value]) {
        let limit = self.store_field(types::I64, offset_of!(VmStore, stack_limit));
        let sp = self.builder.ins().get_stack_pointer(types::I64);
        let least = self.builder.ins().iadd_imm_u(limit, 8 * i64::from(frame.operands));
        let below = self.builder.ins().icmp(IntCC::UnsignedLessThan, sp, least);
        let (deep, next) = (self.builder.create_block(), self.builder.create_block());
        self.builder.ins().brif(below, deep, &[], next, &[]);
        self.builder.set_cold_block(deep);
        self.switch_to(deep);
        let cell = self.cell_of(self.defined);
        let store_ptr = self.store_ptr();
        store(&mut self.builder, cell, store_ptr, offset_of!(VmStore, callee));
        let interpret = self.native(offset_of!(Natives, interpret));
        let sig = self.builder.import_signature(self.builder.func.signature.clone());
        self.builder.ins().return_call_indirect(sig, interpret, params);
        self.switch_to(next);
    }

    pub(super) fn make_label(&mut self, params: &[ValType], slot: Slot) -> Block {
        let kinds = self.kinds(params);
        let block = self.block_with_params(&kinds);
        self.label_slots.insert(block, (kinds, slot));
        block
    }

    pub(super) fn block_with_params(&mut self, kinds: &[Kind]) -> Block {
        let block = self.builder.create_block();
        for kind in kinds {
            let value = self.builder.append_block_param(block, kind.clif());
            if *kind == Kind::Traced {
                self.trace(value);
            }
        }
        block
    }

    pub(super) fn block_args(&mut self, args: &[Op1]) -> Vec<BlockArg> {
        self.values(args).into_iter().map(BlockArg::Value).collect()
    }

    pub(super) fn branch(&mut self, condition: Value, when: bool, target: Block, args: &[Op1]) {
        self.count_branch(target);
        let args = self.block_args(args);
        let next = self.builder.create_block();
        if when {
            self.builder.ins().brif(condition, target, &args, next, &[]);
        } else {
            self.builder.ins().brif(condition, next, &[], target, &args);
        }
        self.switch_to(next);
    }

    /// `br_table`: the last target is the default.
    pub(super) fn branch_table(&mut self, index: Op1, targets: &[Block], args: &[Op1]) {
        let operands = targets.len().saturating_mul(1 + args.len());
        if let Err(error) = self.meter.check_operands(self.builder.func, operands) {
            self.refused.get_or_insert(error);
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
        let kinds = std::mem::take(&mut self.results);
        store_slots(&mut self.builder, values, frame, &kinds);
        self.results = kinds;
        let ok = self.builder.ins().iconst(types::I32, Status::Ok as i64);
        self.builder.ins().return_(&[ok]);
    }

    pub(super) fn make_call(&mut self, callee: Callee<V>, ty: &FuncType, args: &[Op1], results: &mut Vec<V>) {
        let signature = Signature::new(ty, self.environment.types);
        let sig = self.builder.import_signature(signature.native());
        let (target, vmctx) = match self.direct(callee, sig) {
            Some(function) => (CallTarget::Function(function), self.vmctx),
            None => {
                self.outside.insert(signature.clone());
                let target = self.resolve(callee, &signature);
                (CallTarget::Address(sig, target.native), target.vmctx)
            }
        };
        let mut values = vec![vmctx, self.vmctx];
        values.extend(self.values(args));
        let returned = self.throwing_call(target, &values);
        for (value, kind) in returned.into_iter().zip(&signature.results) {
            let result = self.result(value, *kind);
            results.push(result);
        }
    }

    /// A function tail-calls. A loop entered from the interpreter's frame leaves target and arguments there and has
    /// the interpreter do it, so that frames of entered loops cannot pile up.
    pub(super) fn make_tail_call(&mut self, callee: Callee<V>, ty: &FuncType, args: &[Op1]) {
        let signature = Signature::new(ty, self.environment.types);
        let sig = self.builder.import_signature(signature.native());
        if let Some(function) = self.direct(callee, sig) {
            let mut values = vec![self.vmctx, self.vmctx];
            values.extend(self.values(args));
            self.builder.ins().return_call(function, &values);
            return;
        }
        self.outside.insert(signature.clone());
        let target = self.resolve(callee, &signature);
        let values = self.values(args);
        let Some(frame) = self.frame_base else {
            let mut all = vec![target.vmctx, self.vmctx];
            all.extend(values);
            self.builder.ins().return_call_indirect(sig, target.native, &all);
            return;
        };
        store_slots(&mut self.builder, &values, frame, &signature.params);
        let store_ptr = self.store_ptr();
        let tail = offset_of!(VmStore, tail);
        let (cell, vmctx) = self.function(&target);
        store(&mut self.builder, cell, store_ptr, tail + offset_of!(TailTarget, cell));
        store(&mut self.builder, vmctx, store_ptr, tail + offset_of!(TailTarget, vmctx));
        let status = self.builder.ins().iconst(types::I32, Status::TailCall as i64);
        self.builder.ins().return_(&[status]);
    }

    /// The function itself, if its code will be beside this one's.
    fn direct(&mut self, callee: Callee<V>, signature: SigRef) -> Option<FuncRef> {
        let Callee::Func(func) = callee else { return None };
        let defined = func.checked_sub(self.environment.module.imported_funcs)?;
        let Callees::Beside(beside) = self.callees else { return None };
        beside.binary_search(&defined).ok()?;
        if let Some(function) = self.functions.get(&defined) {
            return Some(*function);
        }
        let name = self.builder.func.declare_imported_user_function(UserExternalName::new(0, defined));
        let name = ExternalName::user(name);
        let function = self.builder.import_function(ExtFuncData { name, signature, colocated: true, patchable: false });
        self.functions.insert(defined, function);
        Some(function)
    }

    fn resolve(&mut self, callee: Callee<V>, signature: &Signature) -> Target {
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

    fn resolve_func(&mut self, func: u32, signature: &Signature) -> Target {
        let Some(defined) = func.checked_sub(self.environment.module.imported_funcs) else {
            let import = self.environment.layout.import(func) as usize;
            let builder = &mut self.builder;
            let (native, vmctx) = if signature.begins_with_callee() {
                let callee = load_constant(builder, self.vmctx, import + offset_of!(VmImport, callee));
                let native = load_constant(builder, callee, offset_of!(VmCallee, native));
                (native, load_constant(builder, callee, offset_of!(VmCallee, vmctx)))
            } else {
                let native = load_constant(builder, self.vmctx, import + Callable::Import.native());
                let record = builder.ins().iadd_imm_u(self.vmctx, import as i64);
                // Null from before a loop is asked about each time, and any other address stays right.
                let native = self.native_or_ask(native, Callable::Import, record);
                (native, load_constant(&mut self.builder, self.vmctx, import + CALLEE_OF_IMPORT))
            };
            return Target { native, vmctx, cell: Cell::OfImport(import) };
        };
        let cell = self.cell_of(defined);
        if let Callees::At(known) = self.callees
            && let Some(address) = known(defined).native
        {
            let native = self.builder.ins().iconst(types::I64, address as i64);
            return Target { native, vmctx: self.vmctx, cell: Cell::Known(cell) };
        }
        let native = load_pointer(&mut self.builder, cell, Callable::Cell.native());
        let native = self.native_or_ask(native, Callable::Cell, cell);
        Target { native, vmctx: self.vmctx, cell: Cell::Known(cell) }
    }

    /// The cell of a function that the module defines.
    fn cell_of(&mut self, defined: u32) -> Value {
        if let Callees::At(known) = self.callees {
            return self.builder.ins().iconst(types::I64, known(defined).cell as i64);
        }
        let cells = load_constant(&mut self.builder, self.vmctx, offset_of!(VmCtx, cells));
        self.builder.ins().iadd_imm_u(cells, i64::from(defined) * size_of::<FuncCell>() as i64)
    }

    /// The cell of what is called, and the instance or host context it runs in.
    fn function(&mut self, target: &Target) -> (Value, Value) {
        let builder = &mut self.builder;
        match target.cell {
            Cell::Known(cell) => (cell, target.vmctx),
            Cell::OfImport(import) => {
                let cell = load_constant(builder, self.vmctx, import + offset_of!(VmImport, cell));
                (cell, load_constant(builder, self.vmctx, import + CALLEE_OF_IMPORT))
            }
            Cell::OfReference(function) => {
                (load_pointer(builder, function, offset_of!(kinglet_abi::FuncRef, cell)), target.vmctx)
            }
        }
    }

    /// What a reference refers to. A null one faults, where that is how to trap.
    fn resolve_reference(&mut self, function: Value, null: Trap) -> Target {
        let flags = self.reference_flags(null);
        let mut field = |offset: usize| self.builder.ins().load(types::I64, flags, function, offset as i32);
        let native = field(offset_of!(kinglet_abi::FuncRef, native));
        let vmctx = field(offset_of!(kinglet_abi::FuncRef, vmctx));
        let native = self.native_or_ask(native, Callable::Reference, function);
        Target { native, vmctx, cell: Cell::OfReference(function) }
    }

    /// Flags of reading what a reference refers to, if null has not been ruled out.
    fn reference_flags(&self, null: Trap) -> MemFlagsData {
        if self.explicit_traps() { trusted() } else { trusted().with_trap_code(Some(trap_code(null))) }
    }

    /// Traps unless an element's type is the expected one or a subtype.
    fn check_type(&mut self, function: Value, ty: u32) {
        if self.explicit_traps() {
            self.trap_if_zero(function, Trap::UninitializedElement);
        }
        let flags = self.reference_flags(Trap::UninitializedElement);
        let at = offset_of!(kinglet_abi::FuncRef, type_id) as i32;
        let actual = self.builder.ins().load(types::I32, flags, function, at);
        let ids = load_constant(&mut self.builder, self.vmctx, offset_of!(VmCtx, type_ids));
        let expected = self.builder.ins().load(types::I32, constant(), ids, 4 * ty as i32);
        let differs = self.builder.ins().icmp(IntCC::NotEqual, actual, expected);
        if self.environment.module.type_defs[ty as usize].sub.is_final {
            self.trap_if(differs, Trap::IndirectCallTypeMismatch);
            return;
        }
        let (slow, next) = (self.builder.create_block(), self.builder.create_block());
        self.builder.ins().brif(differs, slow, &[], next, &[]);
        self.builder.set_cold_block(slow);
        self.switch_to(slow);
        let array = self.array(1);
        self.libcall_values(Libcall::IsSubtype, array, actual, expected);
        let is_subtype = load_pointer(&mut self.builder, array, 0);
        self.trap_if_zero(is_subtype, Trap::IndirectCallTypeMismatch);
        self.builder.ins().jump(next, &[]);
        self.switch_to(next);
    }

    /// Where a function is called: what its record has, or if that is null, where that is found out. Nothing may call the
    /// runtime between this and the call.
    fn native_or_ask(&mut self, native: Value, which: Callable, record: Value) -> Value {
        self.or_if_null(native, |emitter| {
            let asked = emitter.builder.ins().iadd_imm_u(record, which as i64);
            let store_ptr = emitter.store_ptr();
            store(&mut emitter.builder, asked, store_ptr, offset_of!(VmStore, asked));
            emitter.native(offset_of!(Natives, ask))
        })
    }

    /// A pointer, or if it is null, which is rare, what `make` gives.
    pub(super) fn or_if_null(&mut self, pointer: Value, make: impl FnOnce(&mut Self) -> Value) -> Value {
        let (null, known) = (self.builder.create_block(), self.builder.create_block());
        let result = self.builder.append_block_param(known, types::I64);
        self.builder.ins().brif(pointer, known, &[BlockArg::Value(pointer)], null, &[]);
        self.builder.set_cold_block(null);
        self.switch_to(null);
        let made = make(self);
        self.builder.ins().jump(known, &[BlockArg::Value(made)]);
        self.switch_to(known);
        result
    }
}
