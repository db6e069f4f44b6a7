//! The walk's emitter for Cranelift: operands are SSA values, locals are frontend variables, control is blocks. A method
//! without a lowering notes that, and the walk ends there.
//!
//! Invariants: everything outside the code is reached through the instance in the first parameter; memories are read
//! anew at each access; traced references are declared to Cranelift where they are made, so that they are in the stack
//! maps of every call over which they live; a call that may throw is a `try_call` wherever a clause could catch it.

mod aggregate;
mod control;
mod convert;
mod exception;
mod memory;
mod numeric;
mod range;
mod resume;
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
use kinglet_abi::image::{Clause as ClauseEntry, Scope};
use kinglet_abi::{INTERRUPT_STOP, Libcall, Natives, Trap, Traps, VmCtx, VmStore};
use kinglet_wasm::emit::*;
use kinglet_wasm::op::*;
use kinglet_wasm::types::{FuncType, ValType};

use crate::compile::{Callees, Environment, Error, Request, trap_code};
use crate::convention::{self, Kind, Signature, load_pointer, load_slot, store, store_slots, trusted};
use crate::cost::{Meter, Traced};
use exception::Tries;
use resume::Way;

/// Not a missing lowering: operands are pending over the loop to enter, so they must be variables.
pub(crate) const PENDING: &str = "pending operands";

/// How the code is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry<'a> {
    /// As a function.
    Function,
    /// At a loop, with the interpreter's frame.
    Loop {
        /// The innermost loops around it, from outside, and that: their operators' byte offsets in the module.
        loops: &'a [u32],
        /// Whether every operand is a variable, so that it can have a second definition.
        variables: bool,
    },
}

/// An operand: a value, or a variable where it may have a second definition.
#[derive(Clone, Copy, Debug)]
pub(crate) enum V {
    Value(Value),
    Variable(Variable),
}

type Op1 = Operand<V>;

pub(crate) struct Emitter<'a> {
    builder: FunctionBuilder<'a>,
    environment: Environment<'a>,
    /// The function, among those that the module defines.
    defined: u32,
    entry: Entry<'a>,
    callees: Callees<'a>,
    /// Whether it depends on the order of an operation's operands which NaN the processor gives.
    orders_nan: bool,
    /// The signatures of what is called otherwise than directly.
    outside: HashSet<Signature>,
    /// Those it calls.
    functions: HashMap<u32, FuncRef>,
    /// The way to the loop to enter; none once that is reached.
    way: Option<Way<'a>>,
    /// The frame's address, for results.
    frame_base: Option<Value>,
    vmctx: Value,
    locals: Vec<(Variable, Local)>,
    /// The parameters of every label and where they are in the frame.
    label_slots: HashMap<Block, (Vec<Kind>, Slot)>,
    results: Vec<Kind>,
    /// The array of operands of libcalls, as large as the largest.
    array: Option<StackSlot>,
    tries: Tries,
    offset: u32,
    /// How many loops one is in.
    open_loops: u32,
    /// How many branches lead to the header of each loop that is not sealed yet.
    to_headers: HashMap<Block, usize>,
    meter: Meter<'a>,
    traced: Traced,
    /// Why there will be no code.
    refused: Option<Error>,
}

/// What is known of a function beside its intermediate code.
pub(crate) struct Built {
    /// The signatures of what it does not call directly.
    pub(crate) outside: Vec<Signature>,
    /// Its `try_table`s.
    pub(crate) scopes: Vec<Scope>,
    /// Their clauses.
    pub(crate) clauses: Vec<ClauseEntry>,
    /// About how many bytes of memory compiling it takes.
    pub(crate) cost: usize,
}

/// The headers of loops within more than this many are sealed when the function is done. Sealed from the inside out, a
/// variable that all leave alone is in the end found through a chain of all their headers, from every jump back.
const NESTED_LOOPS: u32 = 64;

impl<'a> Emitter<'a> {
    pub(crate) fn new(builder: FunctionBuilder<'a>, request: Request<'a>, orders_nan: bool) -> Emitter<'a> {
        let Request { environment, defined, entry, callees } = request;
        Emitter {
            meter: Meter::new(environment.limits, builder.func),
            builder,
            environment,
            defined,
            entry,
            callees,
            orders_nan,
            outside: HashSet::new(),
            functions: HashMap::new(),
            way: None,
            frame_base: None,
            vmctx: Value::from_u32(0),
            locals: Vec::new(),
            label_slots: HashMap::new(),
            results: Vec::new(),
            array: None,
            tries: Tries::default(),
            offset: 0,
            open_loops: 0,
            to_headers: HashMap::new(),
            traced: Traced::default(),
            refused: None,
        }
    }

    /// Why the walk was stopped, if it was.
    pub(crate) fn refused(&self) -> Option<Error> {
        self.refused.clone()
    }

    /// Whether the loop to enter was there.
    pub(crate) fn entered(&self) -> bool {
        self.way.is_none()
    }

    /// What there is to know beside the intermediate code.
    pub(crate) fn finish(mut self, config: TargetFrontendConfig) -> Result<Built, Error> {
        self.meter.check_seal(self.to_headers.keys().map(|header| self.merged(*header)).sum())?;
        self.builder.seal_all_blocks();
        let nested = NESTED_LOOPS as usize + self.to_headers.len();
        let cost = self.meter.finish(self.builder.func, &self.traced, nested)?;
        self.builder.finalize(config);
        let Tries { scopes, clauses, .. } = self.tries;
        Ok(Built { outside: self.outside.into_iter().collect(), scopes, clauses, cost })
    }

    /// How many operands sealing the header of a loop adds to branches at most.
    fn merged(&self, header: Block) -> usize {
        let branches = self.to_headers.get(&header).copied().unwrap_or(0);
        self.builder.block_params(header).len().saturating_mul(branches)
    }

    /// A branch to a label is made.
    fn count_branch(&mut self, to: Block) {
        if let Some(branches) = self.to_headers.get_mut(&to) {
            *branches += 1;
        }
    }

    fn stop_on(&mut self, checked: Result<(), Error>) {
        if let Err(error) = checked {
            self.refused.get_or_insert(error);
        }
    }

    fn read(&mut self, variable: Variable) -> Value {
        self.touch(variable);
        self.builder.use_var(variable)
    }

    fn write(&mut self, variable: Variable, value: Value) {
        self.touch(variable);
        self.builder.def_var(variable, value);
    }

    fn touch(&mut self, variable: Variable) {
        if let Some(block) = self.builder.current_block() {
            self.meter.touch(variable, block);
        }
    }

    /// Has calls over which a reference lives have it in their stack maps.
    fn trace(&mut self, value: Value) {
        self.traced.values.insert(value);
        self.builder.declare_value_needs_stack_map(value);
    }

    /// What follows is this block, and everything that comes to it is known: so a variable that is the same wherever one
    /// comes from needs no parameter here.
    fn switch_to(&mut self, block: Block) {
        self.builder.switch_to_block(block);
        self.builder.seal_block(block);
    }

    fn refuse(&mut self, what: &'static str) -> V {
        self.refused.get_or_insert(Error::Unsupported(what));
        V::Value(self.vmctx)
    }

    fn kind(&self, ty: ValType) -> Kind {
        Kind::new(ty, self.environment.types)
    }

    fn kinds(&self, types: &[ValType]) -> Vec<Kind> {
        types.iter().map(|ty| self.kind(*ty)).collect()
    }

    fn value(&mut self, operand: Op1) -> Value {
        match operand.value {
            V::Value(value) => value,
            V::Variable(variable) => self.read(variable),
        }
    }

    fn values(&mut self, operands: &[Op1]) -> Vec<Value> {
        operands.iter().map(|operand| self.value(*operand)).collect()
    }

    /// A new operand.
    fn result(&mut self, value: Value, kind: Kind) -> V {
        if kind == Kind::Traced {
            self.trace(value);
        }
        if !matches!(self.entry, Entry::Loop { variables: true, .. }) {
            return V::Value(value);
        }
        let variable = self.variable(kind);
        self.write(variable, value);
        V::Variable(variable)
    }

    fn variable(&mut self, kind: Kind) -> Variable {
        let variable = self.builder.declare_var(kind.clif());
        if kind == Kind::Traced {
            self.traced.variables = true;
            self.builder.declare_var_needs_stack_map(variable);
        }
        variable
    }

    fn zero(&mut self, kind: Kind) -> Value {
        match kind {
            Kind::F32 => self.builder.ins().f32const(0.0),
            Kind::F64 => self.builder.ins().f64const(0.0),
            Kind::V128 => self.vector([0; 16]),
            _ => self.builder.ins().iconst(kind.clif(), 0),
        }
    }

    fn vector(&mut self, bytes: [u8; 16]) -> Value {
        let constant = self.builder.func.dfg.constants.insert(bytes.to_vec().into());
        self.builder.ins().vconst(types::I8X16, constant)
    }

    fn store_ptr(&mut self) -> Value {
        load_pointer(&mut self.builder, self.vmctx, offset_of!(VmCtx, store))
    }

    fn store_field(&mut self, ty: Type, offset: usize) -> Value {
        let store_ptr = self.store_ptr();
        self.builder.ins().load(ty, trusted(), store_ptr, offset as i32)
    }

    fn native(&mut self, offset: usize) -> Value {
        let natives = self.store_field(types::I64, offset_of!(VmStore, natives));
        load_pointer(&mut self.builder, natives, offset)
    }

    /// The address of an array with room for this many slots, for the next call only.
    fn array(&mut self, slots: u32) -> Value {
        let builder = &mut self.builder;
        let data = || StackSlotData::new(StackSlotKind::ExplicitSlot, 8, 4);
        let slot = *self.array.get_or_insert_with(|| builder.create_sized_stack_slot(data()));
        let size = &mut builder.func.sized_stack_slots[slot].size;
        *size = (*size).max(slots * 8);
        builder.ins().stack_addr(types::I64, slot, 0)
    }

    /// A libcall; operands and result are in the array.
    fn libcall(&mut self, libcall: Libcall, array: Value, a: u32, b: u32) {
        let [a, b] = [a, b].map(|n| self.builder.ins().iconst(types::I32, i64::from(n)));
        self.libcall_values(libcall, array, a, b);
    }

    /// An operation that is a libcall's: its operands, and its result if it has one.
    fn operation(&mut self, libcall: Libcall, args: &[Op1], a: u32, b: u32, result: Option<Kind>) -> V {
        let kinds: Vec<Kind> = args.iter().map(|arg| self.kind(arg.ty)).collect();
        let values = self.values(args);
        let array = self.array(kinds.iter().map(|kind| kind.slots()).sum::<u32>().max(1));
        store_slots(&mut self.builder, &values, array, &kinds);
        self.libcall(libcall, array, a, b);
        match result {
            Some(kind) => {
                let value = load_slot(&mut self.builder, array, 0, kind);
                self.result(value, kind)
            }
            None => V::Value(self.vmctx),
        }
    }

    fn libcall_values(&mut self, libcall: Libcall, array: Value, a: Value, b: Value) {
        let target = self.native(offset_of!(Natives, libcall));
        let params = [types::I64, types::I64, types::I32, types::I32, types::I32];
        let sig = self.builder.import_signature(convention::tail(&params));
        let libcall = self.builder.ins().iconst(types::I32, libcall as i64);
        self.builder.ins().call_indirect(sig, target, &[self.vmctx, array, libcall, a, b]);
    }

    /// Whether code tests for a trap beforehand, as nothing catches faults.
    pub(crate) fn explicit_traps(&self) -> bool {
        self.environment.settings.traps == Traps::Checks
    }

    /// Has a large charge leave no less than [`OVERDRAWN`], or just that if it is more than any store can have.
    fn bound_charge(&mut self, left: Value, always: bool) {
        let func = &mut self.builder.func;
        let Some(inst) = func.dfg.value_def(left).inst() else { return };
        if always {
            func.dfg.insts[inst] = InstructionData::UnaryImm { opcode: Opcode::Iconst, imm: Imm64::new(OVERDRAWN) };
            return;
        }
        let [gas, cost] = *func.dfg.inst_args(inst) else { return };
        let mut cursor = FuncCursor::new(func).at_inst(inst);
        let (none, least) = (cursor.ins().iconst(types::I64, 0), cursor.ins().iconst(types::I64, OVERDRAWN));
        let gas = cursor.ins().smax(gas, none);
        let left = cursor.ins().isub(gas, cost);
        cursor.func.dfg.insts[inst] = InstructionData::Binary { opcode: Opcode::Smax, args: [left, least] };
    }

    /// Traps if the condition is not zero.
    fn trap_if(&mut self, condition: Value, trap: Trap) {
        if !self.explicit_traps() {
            self.builder.ins().trapnz(condition, trap_code(trap));
            return;
        }
        let (trapping, next) = (self.builder.create_block(), self.builder.create_block());
        self.builder.ins().brif(condition, trapping, &[], next, &[]);
        self.builder.set_cold_block(trapping);
        self.switch_to(trapping);
        self.raise(trap);
        self.switch_to(next);
    }

    fn trap_if_zero(&mut self, value: Value, trap: Trap) {
        let condition = self.builder.ins().icmp_imm_u(IntCC::Equal, value, 0);
        self.trap_if(condition, trap);
    }

    /// Traps; ends the block.
    fn raise(&mut self, trap: Trap) {
        if !self.explicit_traps() {
            self.builder.ins().trap(trap_code(trap));
            return;
        }
        let target = self.native(offset_of!(Natives, raise));
        let sig = self.builder.import_signature(convention::tail(&[types::I64, types::I32]));
        let code = self.builder.ins().iconst(types::I32, trap as i64);
        self.builder.ins().call_indirect(sig, target, &[self.vmctx, code]);
        self.builder.ins().trap(crate::trampoline::UNREACHABLE);
    }

    /// Ends the guest if someone wants it to stop. The load is atomic: of a plain one in a loop that stores nothing,
    /// Cranelift would keep the value from before the loop.
    fn check_interrupt(&mut self) {
        let store_ptr = self.store_ptr();
        let word = self.builder.ins().iadd_imm_u(store_ptr, offset_of!(VmStore, interrupt) as i64);
        let word = self.builder.ins().atomic_load(types::I32, trusted().with_aligned(), word);
        let stop = self.builder.ins().band_imm_u(word, i64::from(INTERRUPT_STOP));
        self.trap_if(stop, Trap::Interrupted);
    }
}

/// Where code charges for a segment.
#[derive(Clone, Copy)]
pub(crate) struct Charge {
    cost: Value,
    left: Value,
}

/// Up to this cost a segment is charged by a subtraction alone. What is overdrawn is noticed at the next check, and no
/// program has enough segments before that to get from [`OVERDRAWN`] to where the counter would wrap.
const SMALL_CHARGE: i64 = 1 << 16;

/// The least that a large charge leaves.
const OVERDRAWN: i64 = -1 << 62;

impl Emit for Emitter<'_> {
    type Value = V;
    type Label = Block;
    type Mark = Charge;

    const ALIASES_LOCALS: bool = false;

    fn stopped(&self) -> bool {
        self.refused.is_some()
    }

    fn begin(&mut self, frame: &Frame) {
        self.begin_function(frame);
    }

    fn at(&mut self, offset: u32) {
        self.offset = offset;
        self.builder.set_srcloc(SourceLoc::new(offset));
        self.stop_on(self.meter.check(self.builder.func));
    }

    /// The cost is a constant to be filled in.
    fn gas(&mut self) -> Charge {
        let gas = self.store_field(types::I64, offset_of!(VmStore, gas));
        let cost = self.builder.ins().iconst(types::I64, 0);
        let left = self.builder.ins().isub(gas, cost);
        let store_ptr = self.store_ptr();
        store(&mut self.builder, left, store_ptr, offset_of!(VmStore, gas));
        Charge { cost, left }
    }

    fn gas_cost(&mut self, Charge { cost, left }: Charge, units: u64) {
        match i64::try_from(units) {
            Ok(units) if units <= SMALL_CHARGE => self.set_constant(cost, units),
            Ok(units) => {
                self.set_constant(cost, units);
                self.bound_charge(left, false);
            }
            // More than there can be.
            Err(_) => self.bound_charge(left, true),
        }
    }

    fn check(&mut self, _: Check, _: &[Op1]) {
        if self.environment.settings.metering.is_some() {
            let gas = self.store_field(types::I64, offset_of!(VmStore, gas));
            let used_up = self.builder.ins().icmp_imm_s(IntCC::SignedLessThan, gas, 0);
            self.trap_if(used_up, Trap::OutOfGas);
        }
        if self.environment.settings.interruptible {
            self.check_interrupt();
        }
    }

    fn preserve(&mut self, _: &mut Op1) {}

    fn spill(&mut self, _: &mut Op1) {}

    fn hold(&mut self, _: &mut Op1) {}

    fn local_get(&mut self, local: Local) -> V {
        let value = self.read(self.locals[local.index as usize].0);
        let kind = self.kind(local.ty);
        self.result(value, kind)
    }

    fn local_set(&mut self, local: Local, value: Op1) {
        let value = self.value(value);
        self.write(self.locals[local.index as usize].0, value);
    }

    fn global_get(&mut self, global: u32, ty: ValType, _: Slot) -> V {
        self.read_global(global, ty)
    }

    fn global_set(&mut self, global: u32, value: Op1) {
        self.write_global(global, value);
    }

    fn store_ref(&mut self, place: RefStore<V>, value: Op1) {
        match place {
            RefStore::Global(global) => self.write_global(global, value),
            RefStore::Table { table, index } => self.write_element(table, index, value),
            RefStore::Field { ty, field, object } => self.write_field(ty, field, object, value),
        }
    }

    fn constant(&mut self, constant: Constant, _: Slot) -> V {
        self.make_constant(constant)
    }

    fn unary(&mut self, op: Unary, a: Op1, _: Slot) -> V {
        self.unary_op(op, a)
    }

    fn binary(&mut self, op: Binary, a: Op1, b: Op1, _: Slot) -> V {
        self.binary_op(op, a, b)
    }

    fn compare(&mut self, op: Compare, a: Op1, b: Op1, _: Slot) -> V {
        self.compare_op(op, a, b)
    }

    fn select(&mut self, a: Op1, b: Op1, condition: Op1, _: Slot) -> V {
        let kind = self.kind(a.ty);
        let (a, b, condition) = (self.value(a), self.value(b), self.value(condition));
        let value = self.builder.ins().select(condition, a, b);
        self.result(value, kind)
    }

    fn drop_value(&mut self, _: Op1) {}

    fn load(&mut self, op: Load, mem: MemArg, addr: Op1, _: Slot) -> V {
        self.memory_load(op, mem, addr)
    }

    fn ref_is_null(&mut self, value: Op1, _: Slot) -> V {
        let value = self.value(value);
        let is_null = self.builder.ins().icmp_imm_u(IntCC::Equal, value, 0);
        let is_null = self.builder.ins().uextend(types::I32, is_null);
        self.result(is_null, Kind::I32)
    }

    fn ref_as_non_null(&mut self, value: Op1, _: Slot) -> V {
        let kind = self.kind(value.ty);
        let value = self.value(value);
        self.trap_if_zero(value, Trap::NullReference);
        self.result(value, kind)
    }

    fn struct_new(&mut self, ty: u32, fields: &[Op1], _: &[Op1], _: Slot) -> V {
        self.make_struct(ty, fields)
    }

    fn struct_get(&mut self, ty: u32, field: u32, object: Op1, _: Slot) -> V {
        self.read_field(ty, field, object)
    }

    fn label(&mut self, _: LabelKind, params: &[ValType], slot: Slot) -> Block {
        self.make_label(params, slot)
    }

    fn enter(&mut self, kind: LabelKind, label: Block, live: &mut [Op1]) {
        match kind {
            LabelKind::Loop => {
                self.to_headers.insert(label, 1);
                self.lead_to(label, live);
                self.open_loops += 1;
                self.builder.switch_to_block(label);
                self.lead_on(live);
            }
            _ => self.switch_to(label),
        }
    }

    fn end_loop(&mut self, header: Block) {
        if self.open_loops <= NESTED_LOOPS {
            let merged = self.meter.check_seal(self.merged(header));
            let is_small = merged.is_ok();
            self.stop_on(merged);
            if is_small {
                self.builder.seal_block(header);
                self.to_headers.remove(&header);
            }
        }
        self.open_loops -= 1;
    }

    fn param(&mut self, label: Block, index: usize, ty: ValType, _: Slot) -> V {
        let value = self.builder.block_params(label)[index];
        let kind = self.kind(ty);
        self.result(value, kind)
    }

    fn jump(&mut self, target: Block, args: &[Op1]) {
        self.count_branch(target);
        let args = self.block_args(args);
        let target = self.way_to(target);
        self.builder.ins().jump(target, &args);
    }

    fn jump_if(&mut self, condition: Op1, when: bool, target: Block, args: &[Op1]) {
        let condition = self.value(condition);
        self.branch(condition, when, target, args);
    }

    fn jump_if_null(&mut self, value: Op1, when: bool, target: Block, args: &[Op1]) {
        let value = self.value(value);
        self.branch(value, !when, target, args);
    }

    fn ret(&mut self, args: &[Op1]) {
        let values = self.values(args);
        self.return_values(&values);
    }

    fn unreachable(&mut self) {
        self.raise(Trap::Unreachable);
    }

    fn call(&mut self, callee: Callee<V>, ty: &FuncType, args: &[Op1], _: &[Op1], _: Slot, results: &mut Vec<V>) {
        self.make_call(callee, ty, args, results);
    }

    fn tail_call(&mut self, callee: Callee<V>, ty: &FuncType, args: &[Op1]) {
        self.make_tail_call(callee, ty, args);
    }

    fn enter_try(&mut self, clauses: &[Clause<Block>]) {
        self.open_try(clauses);
    }

    fn exit_try(&mut self) {
        self.close_try();
    }

    fn throw(&mut self, tag: u32, args: &[Op1], _: &[Op1]) {
        self.make_throw(tag, args);
    }

    fn convert(&mut self, op: Convert, a: Op1, _: Slot) -> V {
        self.convert_op(op, a)
    }

    fn wide(&mut self, op: Wide, args: &[Op1], _: Slot) -> [V; 2] {
        self.wide_op(op, args)
    }

    fn vector_unary(&mut self, op: VectorUnary, a: Op1, _: Slot) -> V {
        self.vector_unary_op(op, a)
    }

    fn vector_binary(&mut self, op: VectorBinary, a: Op1, b: Op1, _: Slot) -> V {
        self.vector_binary_op(op, a, b)
    }

    fn vector_ternary(&mut self, op: VectorTernary, args: [Op1; 3], _: Slot) -> V {
        self.vector_ternary_op(op, args)
    }

    fn vector_test(&mut self, op: VectorTest, a: Op1, _: Slot) -> V {
        self.vector_test_op(op, a)
    }

    fn vector_shift(&mut self, op: VectorShift, a: Op1, by: Op1, _: Slot) -> V {
        self.vector_shift_op(op, a, by)
    }

    fn vector_splat(&mut self, op: VectorSplat, a: Op1, _: Slot) -> V {
        self.vector_splat_op(op, a)
    }

    fn vector_extract(&mut self, op: VectorExtract, lane: u8, a: Op1, _: Slot) -> V {
        self.vector_extract_op(op, lane, a)
    }

    fn vector_replace(&mut self, op: VectorReplace, lane: u8, a: Op1, b: Op1, _: Slot) -> V {
        self.vector_replace_op(op, lane, a, b)
    }

    fn vector_shuffle(&mut self, lanes: [u8; 16], a: Op1, b: Op1, _: Slot) -> V {
        self.vector_shuffle_op(lanes, a, b)
    }

    fn vector_load_lane(&mut self, op: VectorLoadLane, mem: MemArg, lane: u8, addr: Op1, a: Op1, _: Slot) -> V {
        self.memory_load_lane(op, mem, lane, addr, a)
    }

    fn vector_store_lane(&mut self, op: VectorStoreLane, mem: MemArg, lane: u8, addr: Op1, a: Op1) {
        self.memory_store_lane(op, mem, lane, addr, a);
    }

    fn store(&mut self, op: Store, mem: MemArg, addr: Op1, value: Op1) {
        self.memory_store(op, mem, addr, value);
    }

    fn memory_size(&mut self, memory: u32, _: Slot) -> V {
        self.read_memory_size(memory)
    }

    fn memory_grow(&mut self, memory: u32, delta: Op1, _: Slot) -> V {
        let kind = self.kind(delta.ty);
        self.operation(Libcall::MemoryGrow, &[delta], memory, 0, Some(kind))
    }

    fn memory_fill(&mut self, memory: u32, args: [Op1; 3]) {
        self.operation(Libcall::MemoryFill, &args, memory, 0, None);
    }

    fn memory_copy(&mut self, dst: u32, src: u32, args: [Op1; 3]) {
        self.operation(Libcall::MemoryCopy, &args, dst, src, None);
    }

    fn memory_init(&mut self, memory: u32, data: u32, args: [Op1; 3]) {
        self.operation(Libcall::MemoryInit, &args, memory, data, None);
    }

    fn data_drop(&mut self, data: u32) {
        self.operation(Libcall::DataDrop, &[], data, 0, None);
    }

    fn table_get(&mut self, table: u32, index: Op1, _: Slot) -> V {
        self.read_element(table, index)
    }

    fn table_size(&mut self, table: u32, _: Slot) -> V {
        self.read_table_size(table)
    }

    fn table_grow(&mut self, table: u32, init: Op1, delta: Op1, _: Slot) -> V {
        let kind = self.kind(delta.ty);
        self.operation(Libcall::TableGrow, &[init, delta], table, 0, Some(kind))
    }

    fn table_fill(&mut self, table: u32, args: [Op1; 3]) {
        self.operation(Libcall::TableFill, &args, table, 0, None);
    }

    fn table_copy(&mut self, dst: u32, src: u32, args: [Op1; 3]) {
        self.operation(Libcall::TableCopy, &args, dst, src, None);
    }

    fn table_init(&mut self, table: u32, elem: u32, args: [Op1; 3]) {
        self.operation(Libcall::TableInit, &args, table, elem, None);
    }

    fn elem_drop(&mut self, elem: u32) {
        self.operation(Libcall::ElemDrop, &[], elem, 0, None);
    }

    fn ref_func(&mut self, func: u32, _: Slot) -> V {
        self.operation(Libcall::RefFunc, &[], func, 0, Some(Kind::Func))
    }

    fn struct_set(&mut self, ty: u32, field: u32, object: Op1, value: Op1) {
        self.write_field(ty, field, object, value);
    }

    fn jump_table(&mut self, index: Op1, targets: &[Block], args: &[Op1]) {
        self.branch_table(index, targets, args);
    }

    fn throw_ref(&mut self, exception: Op1) {
        self.rethrow(exception);
    }
}
