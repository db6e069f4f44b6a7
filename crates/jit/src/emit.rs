//! The walk's emitter for Cranelift: operands become SSA values, locals frontend variables, labels blocks. A method
//! without a lowering records an error, which ends the walk.
//!
//! Invariants:
//! - Code reaches everything outside itself through the instance in its first parameter.
//! - Every access loads the memory's base and length again, unless they cannot change.
//! - GC references are declared to Cranelift where they are defined. A call's stack map thus contains every reference
//!   that is live across the call.
//! - A call that may throw is a `try_call` if a clause could catch the exception.

mod aggregate;
mod control;
mod convert;
mod exception;
mod memory;
mod numeric;
mod osr;
mod range;
mod table;
mod variable;
mod vector;

use std::collections::{HashMap, HashSet};
use std::mem::offset_of;

use cranelift_codegen::cursor::{Cursor, FuncCursor};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::immediates::Imm64;
use cranelift_codegen::ir::{
    Block, FuncRef, InstBuilder, InstructionData, Opcode, SourceLoc, StackSlot, StackSlotData, StackSlotKind, Type,
    Value, types,
};
use cranelift_codegen::isa::TargetFrontendConfig;
use cranelift_frontend::{FunctionBuilder, Variable};
use kinglet_abi::image::{ClauseEntry, Scope};
use kinglet_abi::{INTERRUPT_STOP, Libcall, NativeBuiltins, Trap, TrapDetection, VmCtx, VmStore};
use kinglet_wasm::emit::*;
use kinglet_wasm::op::*;
use kinglet_wasm::types::{FuncType, ValType};

use crate::compile::{Callees, CompileEnvironment, CompileError, CompileRequest, trap_code};
use crate::convention::{self, NativeSignature, ValueRepr, load_pointer, load_slot, runtime_flags, store, store_slots};
use crate::cost::{CostMeter, GcRefs};
use exception::Tries;
use osr::OsrPath;

/// The error that makes the compiler retry an OSR entry: operands are live at the loop, so they must be variables.
pub(crate) const LIVE_OPERANDS: &str = "live operands at an OSR loop";

/// The entry point of the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EntryPoint<'a> {
    /// The function's own entry point.
    Function,
    /// On-stack replacement at a loop header, with the interpreter's frame.
    Osr {
        /// The enclosing loops and the loop itself, outermost first, as byte offsets of their operators in the module.
        loops: &'a [u32],
        /// Whether every operand is a variable, so that it can have a second definition.
        variables: bool,
    },
}

/// An operand: a value, or a variable if it may have a second definition.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ClifValue {
    Value(Value),
    Variable(Variable),
}

type ClifOperand = Operand<ClifValue>;

pub(crate) struct Emitter<'a> {
    builder: FunctionBuilder<'a>,
    environment: CompileEnvironment<'a>,
    /// The function's index among the module's defined functions.
    defined: u32,
    entry: EntryPoint<'a>,
    callees: Callees<'a>,
    /// Whether operand order determines which NaN the processor returns.
    orders_nan: bool,
    /// The signatures of indirect calls.
    indirect_signatures: HashSet<NativeSignature>,
    /// The directly called functions, by index.
    callee_refs: HashMap<u32, FuncRef>,
    /// The OSR path; `None` once it has reached the loop.
    osr_path: Option<OsrPath<'a>>,
    /// The address of the interpreter's frame, into which OSR code writes its results.
    frame_base: Option<Value>,
    vmctx: Value,
    locals: Vec<(Variable, Local)>,
    /// The parameters of each label and their slots in the frame.
    label_slots: HashMap<Block, (Vec<ValueRepr>, Slot)>,
    results: Vec<ValueRepr>,
    /// The operand array for libcalls. It is as large as the largest libcall needs.
    libcall_slots: Option<StackSlot>,
    tries: Tries,
    offset: u32,
    /// The number of open loops.
    loop_depth: u32,
    /// For each unsealed loop header, the number of branches to it.
    unsealed_headers: HashMap<Block, usize>,
    cost_meter: CostMeter<'a>,
    gc_refs: GcRefs,
    /// The reason why the walk stopped.
    error: Option<CompileError>,
}

/// The metadata of a function's CLIF.
pub(crate) struct BuiltFunction {
    /// The signatures of its indirect calls.
    pub(crate) indirect_signatures: Vec<NativeSignature>,
    /// Its `try_table`s.
    pub(crate) scopes: Vec<Scope>,
    /// The clauses of the `try_table`s.
    pub(crate) clauses: Vec<ClauseEntry>,
    /// The estimated cost, in bytes of compiler memory.
    pub(crate) cost: usize,
}

/// The loop depth up to which headers are sealed at the end of their loops. Headers of deeper loops are sealed when the
/// function is complete.
///
/// If innermost headers are sealed first, Cranelift resolves a variable that no loop changes through all enclosing
/// headers, once for every back-edge.
const MAX_EAGERLY_SEALED_DEPTH: u32 = 64;

impl<'a> Emitter<'a> {
    pub(crate) fn new(builder: FunctionBuilder<'a>, request: CompileRequest<'a>, orders_nan: bool) -> Emitter<'a> {
        let CompileRequest { environment, defined, entry, callees } = request;
        Emitter {
            cost_meter: CostMeter::new(environment.limits, builder.func),
            builder,
            environment,
            defined,
            entry,
            callees,
            orders_nan,
            indirect_signatures: HashSet::new(),
            callee_refs: HashMap::new(),
            osr_path: None,
            frame_base: None,
            vmctx: Value::from_u32(0),
            locals: Vec::new(),
            label_slots: HashMap::new(),
            results: Vec::new(),
            libcall_slots: None,
            tries: Tries::default(),
            offset: 0,
            loop_depth: 0,
            unsealed_headers: HashMap::new(),
            gc_refs: GcRefs::default(),
            error: None,
        }
    }

    /// Returns the reason why the walk stopped.
    pub(crate) fn error(&self) -> Option<CompileError> {
        self.error.clone()
    }

    /// Returns whether the walk has reached the OSR loop.
    pub(crate) fn reached_osr_loop(&self) -> bool {
        self.osr_path.is_none()
    }

    /// Finalizes the CLIF and returns its metadata.
    pub(crate) fn finish(mut self, config: TargetFrontendConfig) -> Result<BuiltFunction, CompileError> {
        self.cost_meter
            .check_seal(self.unsealed_headers.keys().map(|header| self.max_header_operands(*header)).sum())?;
        self.builder.seal_all_blocks();
        let nested = MAX_EAGERLY_SEALED_DEPTH as usize + self.unsealed_headers.len();
        let cost = self.cost_meter.finish(self.builder.func, &self.gc_refs, nested)?;
        self.builder.finalize(config);
        let Tries { scopes, clauses, .. } = self.tries;
        Ok(BuiltFunction { indirect_signatures: self.indirect_signatures.into_iter().collect(), scopes, clauses, cost })
    }

    /// Returns the maximum number of branch arguments that sealing a loop header can add.
    fn max_header_operands(&self, header: Block) -> usize {
        let branches = self.unsealed_headers.get(&header).copied().unwrap_or(0);
        self.builder.block_params(header).len().saturating_mul(branches)
    }

    /// Counts a branch to a label.
    fn count_branch(&mut self, to: Block) {
        if let Some(branches) = self.unsealed_headers.get_mut(&to) {
            *branches += 1;
        }
    }

    fn fail_if_err(&mut self, checked: Result<(), CompileError>) {
        if let Err(error) = checked {
            self.error.get_or_insert(error);
        }
    }

    fn use_variable(&mut self, variable: Variable) -> Value {
        self.touch(variable);
        self.builder.use_var(variable)
    }

    fn define_variable(&mut self, variable: Variable, value: Value) {
        self.touch(variable);
        self.builder.def_var(variable, value);
    }

    fn touch(&mut self, variable: Variable) {
        if let Some(block) = self.builder.current_block() {
            self.cost_meter.touch(variable, block);
        }
    }

    /// Declares a GC reference. The stack maps of calls across which it is live then contain it.
    fn declare_gc_ref(&mut self, value: Value) {
        self.gc_refs.values.insert(value);
        self.builder.declare_value_needs_stack_map(value);
    }

    /// Continues in a block whose predecessors are all known.
    ///
    /// A variable with the same value in all predecessors then needs no block parameter.
    fn switch_to_sealed(&mut self, block: Block) {
        self.builder.switch_to_block(block);
        self.builder.seal_block(block);
    }

    fn bail_out(&mut self, what: &'static str) -> ClifValue {
        self.error.get_or_insert(CompileError::Unsupported(what));
        ClifValue::Value(self.vmctx)
    }

    fn repr(&self, ty: ValType) -> ValueRepr {
        ValueRepr::new(ty, self.environment.types)
    }

    fn reprs(&self, types: &[ValType]) -> Vec<ValueRepr> {
        types.iter().map(|ty| self.repr(*ty)).collect()
    }

    fn value(&mut self, operand: ClifOperand) -> Value {
        match operand.value {
            ClifValue::Value(value) => value,
            ClifValue::Variable(variable) => self.use_variable(variable),
        }
    }

    fn values(&mut self, operands: &[ClifOperand]) -> Vec<Value> {
        operands.iter().map(|operand| self.value(*operand)).collect()
    }

    /// Creates an operand from a value.
    fn operand_of(&mut self, value: Value, repr: ValueRepr) -> ClifValue {
        if repr == ValueRepr::GcRef {
            self.declare_gc_ref(value);
        }
        if !matches!(self.entry, EntryPoint::Osr { variables: true, .. }) {
            return ClifValue::Value(value);
        }
        let variable = self.declare_variable(repr);
        self.define_variable(variable, value);
        ClifValue::Variable(variable)
    }

    fn declare_variable(&mut self, repr: ValueRepr) -> Variable {
        let variable = self.builder.declare_var(repr.clif());
        if repr == ValueRepr::GcRef {
            self.gc_refs.variables = true;
            self.builder.declare_var_needs_stack_map(variable);
        }
        variable
    }

    fn zero(&mut self, repr: ValueRepr) -> Value {
        match repr {
            ValueRepr::F32 => self.builder.ins().f32const(0.0),
            ValueRepr::F64 => self.builder.ins().f64const(0.0),
            ValueRepr::V128 => self.vector_constant([0; 16]),
            _ => self.builder.ins().iconst(repr.clif(), 0),
        }
    }

    fn vector_constant(&mut self, bytes: [u8; 16]) -> Value {
        let constant = self.builder.func.dfg.constants.insert(bytes.to_vec().into());
        self.builder.ins().vconst(types::I8X16, constant)
    }

    fn store_ptr(&mut self) -> Value {
        load_pointer(&mut self.builder, self.vmctx, offset_of!(VmCtx, store))
    }

    fn load_store_field(&mut self, ty: Type, offset: usize) -> Value {
        let store_ptr = self.store_ptr();
        self.builder.ins().load(ty, runtime_flags(), store_ptr, offset as i32)
    }

    fn load_builtin(&mut self, offset: usize) -> Value {
        let builtins = self.load_store_field(types::I64, offset_of!(VmStore, builtins));
        load_pointer(&mut self.builder, builtins, offset)
    }

    /// Returns the address of an array of at least this many slots. It is valid for the next call only.
    fn libcall_array(&mut self, slots: u32) -> Value {
        let builder = &mut self.builder;
        let data = || StackSlotData::new(StackSlotKind::ExplicitSlot, 8, 4);
        let slot = *self.libcall_slots.get_or_insert_with(|| builder.create_sized_stack_slot(data()));
        let size = &mut builder.func.sized_stack_slots[slot].size;
        *size = (*size).max(slots * 8);
        builder.ins().stack_addr(types::I64, slot, 0)
    }

    /// Emits a libcall. The operands are in the array, and the result replaces the first.
    fn libcall(&mut self, libcall: Libcall, array: Value, a: u32, b: u32) {
        let [a, b] = [a, b].map(|n| self.builder.ins().iconst(types::I32, i64::from(n)));
        self.libcall_values(libcall, array, a, b);
    }

    /// Emits an operation that is a libcall.
    fn libcall_operation(
        &mut self,
        libcall: Libcall,
        args: &[ClifOperand],
        a: u32,
        b: u32,
        result: Option<ValueRepr>,
    ) -> ClifValue {
        let reprs: Vec<ValueRepr> = args.iter().map(|arg| self.repr(arg.ty)).collect();
        let values = self.values(args);
        let array = self.libcall_array(reprs.iter().map(|repr| repr.slots()).sum::<u32>().max(1));
        store_slots(&mut self.builder, &values, array, &reprs);
        self.libcall(libcall, array, a, b);
        match result {
            Some(repr) => {
                let value = load_slot(&mut self.builder, array, 0, repr);
                self.operand_of(value, repr)
            }
            None => ClifValue::Value(self.vmctx),
        }
    }

    fn libcall_values(&mut self, libcall: Libcall, array: Value, a: Value, b: Value) {
        let target = self.load_builtin(offset_of!(NativeBuiltins, libcall));
        let params = [types::I64, types::I64, types::I32, types::I32, types::I32];
        let sig = self.builder.import_signature(convention::native_signature(&params));
        let libcall = self.builder.ins().iconst(types::I32, libcall as i64);
        self.builder.ins().call_indirect(sig, target, &[self.vmctx, array, libcall, a, b]);
    }

    /// Returns whether code tests for traps explicitly, because no handler catches faults.
    pub(crate) fn explicit_traps(&self) -> bool {
        self.environment.settings.traps == TrapDetection::Checks
    }

    /// Limits a large charge so that at least [`OVERDRAWN`] remains. If `always`, the charge exceeds any store's gas,
    /// and exactly [`OVERDRAWN`] remains.
    fn clamp_charge(&mut self, remaining: Value, always: bool) {
        let func = &mut self.builder.func;
        let Some(inst) = func.dfg.value_def(remaining).inst() else { return };
        if always {
            func.dfg.insts[inst] = InstructionData::UnaryImm { opcode: Opcode::Iconst, imm: Imm64::new(OVERDRAWN) };
            return;
        }
        let [gas, cost] = *func.dfg.inst_args(inst) else { return };
        let mut cursor = FuncCursor::new(func).at_inst(inst);
        let (zero, floor) = (cursor.ins().iconst(types::I64, 0), cursor.ins().iconst(types::I64, OVERDRAWN));
        let gas = cursor.ins().smax(gas, zero);
        let difference = cursor.ins().isub(gas, cost);
        cursor.func.dfg.insts[inst] = InstructionData::Binary { opcode: Opcode::Smax, args: [difference, floor] };
    }

    /// Emits a trap if the condition is nonzero.
    fn trap_if(&mut self, condition: Value, trap: Trap) {
        if !self.explicit_traps() {
            self.builder.ins().trapnz(condition, trap_code(trap));
            return;
        }
        let (trapping, next) = (self.builder.create_block(), self.builder.create_block());
        self.builder.ins().brif(condition, trapping, &[], next, &[]);
        self.builder.set_cold_block(trapping);
        self.switch_to_sealed(trapping);
        self.raise(trap);
        self.switch_to_sealed(next);
    }

    fn trap_if_zero(&mut self, value: Value, trap: Trap) {
        let condition = self.builder.ins().icmp_imm_u(IntCC::Equal, value, 0);
        self.trap_if(condition, trap);
    }

    /// Emits a trap and ends the block.
    fn raise(&mut self, trap: Trap) {
        if !self.explicit_traps() {
            self.builder.ins().trap(trap_code(trap));
            return;
        }
        let target = self.load_builtin(offset_of!(NativeBuiltins, raise));
        let sig = self.builder.import_signature(convention::native_signature(&[types::I64, types::I32]));
        let code = self.builder.ins().iconst(types::I32, trap as i64);
        self.builder.ins().call_indirect(sig, target, &[self.vmctx, code]);
        self.builder.ins().trap(crate::trampoline::UNREACHABLE);
    }

    /// Emits an interrupt check.
    ///
    /// The load is atomic, because Cranelift would hoist a plain load out of a loop without stores.
    fn check_interrupt(&mut self) {
        let store_ptr = self.store_ptr();
        let word = self.builder.ins().iadd_imm_u(store_ptr, offset_of!(VmStore, interrupt) as i64);
        let word = self.builder.ins().atomic_load(types::I32, runtime_flags().with_aligned(), word);
        let stop = self.builder.ins().band_imm_u(word, i64::from(INTERRUPT_STOP));
        self.trap_if(stop, Trap::Interrupted);
    }
}

/// The gas charge of a segment.
#[derive(Clone, Copy)]
pub(crate) struct Charge {
    cost: Value,
    remaining: Value,
}

/// The highest cost that a plain subtraction charges. The next check detects an overdraft. No program has enough
/// segments between two checks to make the counter overflow from [`OVERDRAWN`].
const SMALL_CHARGE: i64 = 1 << 16;

/// The lowest value of the gas counter after a large charge.
const OVERDRAWN: i64 = -1 << 62;

impl Emit for Emitter<'_> {
    type Value = ClifValue;
    type Label = Block;
    type Mark = Charge;

    const ALIASES_LOCALS: bool = false;

    fn has_bailed_out(&self) -> bool {
        self.error.is_some()
    }

    fn begin(&mut self, frame: &Frame) {
        self.begin_function(frame);
    }

    fn set_offset(&mut self, offset: u32) {
        self.offset = offset;
        self.builder.set_srcloc(SourceLoc::new(offset));
        self.fail_if_err(self.cost_meter.check(self.builder.func));
    }

    /// The cost is a constant that is patched later.
    fn gas(&mut self) -> Charge {
        let gas = self.load_store_field(types::I64, offset_of!(VmStore, gas));
        let cost = self.builder.ins().iconst(types::I64, 0);
        let remaining = self.builder.ins().isub(gas, cost);
        let store_ptr = self.store_ptr();
        store(&mut self.builder, remaining, store_ptr, offset_of!(VmStore, gas));
        Charge { cost, remaining }
    }

    fn gas_cost(&mut self, Charge { cost, remaining }: Charge, units: u64) {
        match i64::try_from(units) {
            Ok(units) if units <= SMALL_CHARGE => self.set_constant(cost, units),
            Ok(units) => {
                self.set_constant(cost, units);
                self.clamp_charge(remaining, false);
            }
            // The cost exceeds any store's gas.
            Err(_) => self.clamp_charge(remaining, true),
        }
    }

    fn check(&mut self, _: CheckPosition, _: &[ClifOperand]) {
        if self.environment.settings.metering.is_some() {
            let gas = self.load_store_field(types::I64, offset_of!(VmStore, gas));
            let used_up = self.builder.ins().icmp_imm_s(IntCC::SignedLessThan, gas, 0);
            self.trap_if(used_up, Trap::OutOfGas);
        }
        if self.environment.settings.interruptible {
            self.check_interrupt();
        }
    }

    fn preserve(&mut self, _: &mut ClifOperand) {}

    fn spill(&mut self, _: &mut ClifOperand) {}

    fn hold(&mut self, _: &mut ClifOperand) {}

    fn local_get(&mut self, local: Local) -> ClifValue {
        let value = self.use_variable(self.locals[local.index as usize].0);
        let repr = self.repr(local.ty);
        self.operand_of(value, repr)
    }

    fn local_set(&mut self, local: Local, value: ClifOperand) {
        let value = self.value(value);
        self.define_variable(self.locals[local.index as usize].0, value);
    }

    fn global_get(&mut self, global: u32, ty: ValType, _: Slot) -> ClifValue {
        self.read_global(global, ty)
    }

    fn global_set(&mut self, global: u32, value: ClifOperand) {
        self.write_global(global, value);
    }

    fn store_ref(&mut self, target: RefStore<ClifValue>, value: ClifOperand) {
        match target {
            RefStore::Global(global) => self.write_global(global, value),
            RefStore::Table { table, index } => self.write_element(table, index, value),
            RefStore::Field { ty, field, object } => self.write_field(ty, field, object, value),
        }
    }

    fn constant(&mut self, constant: Constant, _: Slot) -> ClifValue {
        self.make_constant(constant)
    }

    fn unary(&mut self, op: Unary, a: ClifOperand, _: Slot) -> ClifValue {
        self.unary_op(op, a)
    }

    fn binary(&mut self, op: Binary, a: ClifOperand, b: ClifOperand, _: Slot) -> ClifValue {
        self.binary_op(op, a, b)
    }

    fn compare(&mut self, op: Compare, a: ClifOperand, b: ClifOperand, _: Slot) -> ClifValue {
        self.compare_op(op, a, b)
    }

    fn select(&mut self, a: ClifOperand, b: ClifOperand, condition: ClifOperand, _: Slot) -> ClifValue {
        let repr = self.repr(a.ty);
        let (a, b, condition) = (self.value(a), self.value(b), self.value(condition));
        let value = self.builder.ins().select(condition, a, b);
        self.operand_of(value, repr)
    }

    fn drop_value(&mut self, _: ClifOperand) {}

    fn load(&mut self, op: Load, mem: MemArg, addr: ClifOperand, _: Slot) -> ClifValue {
        self.memory_load(op, mem, addr)
    }

    fn ref_is_null(&mut self, value: ClifOperand, _: Slot) -> ClifValue {
        let value = self.value(value);
        let is_null = self.builder.ins().icmp_imm_u(IntCC::Equal, value, 0);
        let is_null = self.builder.ins().uextend(types::I32, is_null);
        self.operand_of(is_null, ValueRepr::I32)
    }

    fn ref_as_non_null(&mut self, value: ClifOperand, _: Slot) -> ClifValue {
        let repr = self.repr(value.ty);
        let value = self.value(value);
        self.trap_if_zero(value, Trap::NullReference);
        self.operand_of(value, repr)
    }

    fn struct_new(&mut self, ty: u32, fields: &[ClifOperand], _: &[ClifOperand], _: Slot) -> ClifValue {
        self.make_struct(ty, fields)
    }

    fn struct_get(&mut self, ty: u32, field: u32, object: ClifOperand, _: Slot) -> ClifValue {
        self.read_field(ty, field, object)
    }

    fn label(&mut self, _: LabelKind, params: &[ValType], slot: Slot) -> Block {
        self.make_label(params, slot)
    }

    fn bind_label(&mut self, kind: LabelKind, label: Block, live: &mut [ClifOperand]) {
        match kind {
            LabelKind::Loop => {
                self.unsealed_headers.insert(label, 1);
                self.join_osr_path(label, live);
                self.loop_depth += 1;
                self.builder.switch_to_block(label);
                self.extend_osr_path(live);
            }
            _ => self.switch_to_sealed(label),
        }
    }

    fn end_loop(&mut self, header: Block) {
        if self.loop_depth <= MAX_EAGERLY_SEALED_DEPTH {
            let checked = self.cost_meter.check_seal(self.max_header_operands(header));
            let is_small = checked.is_ok();
            self.fail_if_err(checked);
            if is_small {
                self.builder.seal_block(header);
                self.unsealed_headers.remove(&header);
            }
        }
        self.loop_depth -= 1;
    }

    fn param(&mut self, label: Block, index: usize, ty: ValType, _: Slot) -> ClifValue {
        let value = self.builder.block_params(label)[index];
        let repr = self.repr(ty);
        self.operand_of(value, repr)
    }

    fn jump(&mut self, target: Block, args: &[ClifOperand]) {
        self.count_branch(target);
        let args = self.block_args(args);
        let target = self.branch_target(target);
        self.builder.ins().jump(target, &args);
    }

    fn jump_if(&mut self, condition: ClifOperand, when: bool, target: Block, args: &[ClifOperand]) {
        let condition = self.value(condition);
        self.branch(condition, when, target, args);
    }

    fn jump_if_null(&mut self, value: ClifOperand, when: bool, target: Block, args: &[ClifOperand]) {
        let value = self.value(value);
        self.branch(value, !when, target, args);
    }

    fn ret(&mut self, args: &[ClifOperand]) {
        let values = self.values(args);
        self.return_values(&values);
    }

    fn unreachable(&mut self) {
        self.raise(Trap::Unreachable);
    }

    fn call(
        &mut self,
        callee: Callee<ClifValue>,
        ty: &FuncType,
        args: &[ClifOperand],
        _: &[ClifOperand],
        _: Slot,
        results: &mut Vec<ClifValue>,
    ) {
        self.emit_call(callee, ty, args, results);
    }

    fn tail_call(&mut self, callee: Callee<ClifValue>, ty: &FuncType, args: &[ClifOperand]) {
        self.emit_tail_call(callee, ty, args);
    }

    fn enter_try(&mut self, clauses: &[Clause<Block>]) {
        self.open_try(clauses);
    }

    fn exit_try(&mut self) {
        self.close_try();
    }

    fn throw(&mut self, tag: u32, args: &[ClifOperand], _: &[ClifOperand]) {
        self.emit_throw(tag, args);
    }

    fn convert(&mut self, op: Convert, a: ClifOperand, _: Slot) -> ClifValue {
        self.convert_op(op, a)
    }

    fn wide(&mut self, op: Wide, args: &[ClifOperand], _: Slot) -> [ClifValue; 2] {
        self.wide_op(op, args)
    }

    fn vector_unary(&mut self, op: VectorUnary, a: ClifOperand, _: Slot) -> ClifValue {
        self.vector_unary_op(op, a)
    }

    fn vector_binary(&mut self, op: VectorBinary, a: ClifOperand, b: ClifOperand, _: Slot) -> ClifValue {
        self.vector_binary_op(op, a, b)
    }

    fn vector_ternary(&mut self, op: VectorTernary, args: [ClifOperand; 3], _: Slot) -> ClifValue {
        self.vector_ternary_op(op, args)
    }

    fn vector_test(&mut self, op: VectorTest, a: ClifOperand, _: Slot) -> ClifValue {
        self.vector_test_op(op, a)
    }

    fn vector_shift(&mut self, op: VectorShift, a: ClifOperand, by: ClifOperand, _: Slot) -> ClifValue {
        self.vector_shift_op(op, a, by)
    }

    fn vector_splat(&mut self, op: VectorSplat, a: ClifOperand, _: Slot) -> ClifValue {
        self.vector_splat_op(op, a)
    }

    fn vector_extract(&mut self, op: VectorExtract, lane: u8, a: ClifOperand, _: Slot) -> ClifValue {
        self.vector_extract_op(op, lane, a)
    }

    fn vector_replace(&mut self, op: VectorReplace, lane: u8, a: ClifOperand, b: ClifOperand, _: Slot) -> ClifValue {
        self.vector_replace_op(op, lane, a, b)
    }

    fn vector_shuffle(&mut self, lanes: [u8; 16], a: ClifOperand, b: ClifOperand, _: Slot) -> ClifValue {
        self.vector_shuffle_op(lanes, a, b)
    }

    fn vector_load_lane(
        &mut self,
        op: VectorLoadLane,
        mem: MemArg,
        lane: u8,
        addr: ClifOperand,
        a: ClifOperand,
        _: Slot,
    ) -> ClifValue {
        self.memory_load_lane(op, mem, lane, addr, a)
    }

    fn vector_store_lane(&mut self, op: VectorStoreLane, mem: MemArg, lane: u8, addr: ClifOperand, a: ClifOperand) {
        self.memory_store_lane(op, mem, lane, addr, a);
    }

    fn store(&mut self, op: Store, mem: MemArg, addr: ClifOperand, value: ClifOperand) {
        self.memory_store(op, mem, addr, value);
    }

    fn memory_size(&mut self, memory: u32, _: Slot) -> ClifValue {
        self.read_memory_size(memory)
    }

    fn memory_grow(&mut self, memory: u32, delta: ClifOperand, _: Slot) -> ClifValue {
        let repr = self.repr(delta.ty);
        self.libcall_operation(Libcall::MemoryGrow, &[delta], memory, 0, Some(repr))
    }

    fn memory_fill(&mut self, memory: u32, args: [ClifOperand; 3]) {
        self.libcall_operation(Libcall::MemoryFill, &args, memory, 0, None);
    }

    fn memory_copy(&mut self, dst: u32, src: u32, args: [ClifOperand; 3]) {
        self.libcall_operation(Libcall::MemoryCopy, &args, dst, src, None);
    }

    fn memory_init(&mut self, memory: u32, data: u32, args: [ClifOperand; 3]) {
        self.libcall_operation(Libcall::MemoryInit, &args, memory, data, None);
    }

    fn data_drop(&mut self, data: u32) {
        self.libcall_operation(Libcall::DataDrop, &[], data, 0, None);
    }

    fn table_get(&mut self, table: u32, index: ClifOperand, _: Slot) -> ClifValue {
        self.read_element(table, index)
    }

    fn table_size(&mut self, table: u32, _: Slot) -> ClifValue {
        self.read_table_size(table)
    }

    fn table_grow(&mut self, table: u32, init: ClifOperand, delta: ClifOperand, _: Slot) -> ClifValue {
        let repr = self.repr(delta.ty);
        self.libcall_operation(Libcall::TableGrow, &[init, delta], table, 0, Some(repr))
    }

    fn table_fill(&mut self, table: u32, args: [ClifOperand; 3]) {
        self.libcall_operation(Libcall::TableFill, &args, table, 0, None);
    }

    fn table_copy(&mut self, dst: u32, src: u32, args: [ClifOperand; 3]) {
        self.libcall_operation(Libcall::TableCopy, &args, dst, src, None);
    }

    fn table_init(&mut self, table: u32, elem: u32, args: [ClifOperand; 3]) {
        self.libcall_operation(Libcall::TableInit, &args, table, elem, None);
    }

    fn elem_drop(&mut self, elem: u32) {
        self.libcall_operation(Libcall::ElemDrop, &[], elem, 0, None);
    }

    fn ref_func(&mut self, func: u32, _: Slot) -> ClifValue {
        self.libcall_operation(Libcall::RefFunc, &[], func, 0, Some(ValueRepr::Func))
    }

    fn struct_set(&mut self, ty: u32, field: u32, object: ClifOperand, value: ClifOperand) {
        self.write_field(ty, field, object, value);
    }

    fn jump_table(&mut self, index: ClifOperand, targets: &[Block], args: &[ClifOperand]) {
        self.branch_table(index, targets, args);
    }

    fn throw_ref(&mut self, exception: ClifOperand) {
        self.rethrow(exception);
    }
}
