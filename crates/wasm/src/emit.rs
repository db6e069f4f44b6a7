//! The interface between the walk and a tier. An emitter generates the tier's code for one operation at a time.
//!
//! The walk maintains the operand stack, the control stack, reachability and source offsets, and it decides where gas is
//! charged and where checks are emitted. Operations come in families with rows in [`crate::op`], so an emitter that lacks
//! a row does not compile. The walk calls the emitter in program order, for reachable code only.

use crate::V128;
use crate::op::*;
use crate::types::{FuncType, HeapType, RefType, ValType};

/// The index of an 8-byte slot in the canonical frame.
pub type Slot = u32;

/// A value on the operand stack.
#[derive(Clone, Copy, Debug)]
pub struct Operand<V> {
    /// The emitter's representation.
    pub value: V,
    /// Its type.
    pub ty: ValType,
    /// Its slot in the canonical frame.
    pub slot: Slot,
}

/// A parameter or local.
#[derive(Clone, Copy, Debug)]
pub struct Local {
    /// Its index.
    pub index: u32,
    /// Its type.
    pub ty: ValType,
    /// Its slot in the canonical frame.
    pub slot: Slot,
}

/// The canonical frame of a function: the location of all values at points where execution can switch tiers or a
/// collector can run. It depends on types alone: parameters, then locals, then scratch slots, then the operand stack. Each
/// value occupies as many slots as its type requires.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    /// Parameters and locals, in order.
    pub locals: Vec<Local>,
    /// The number of parameters.
    pub params: usize,
    /// The first scratch slot, between locals and operands. Tiers may use scratch slots freely; calls preserve them.
    pub scratch: Slot,
    /// The slot of the first operand.
    pub operands: Slot,
    /// The types of the results. They are returned in slots from 0 on.
    pub results: Vec<ValType>,
}

/// The immediates of a memory access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemArg {
    /// The memory's index.
    pub memory: u32,
    /// The constant added to the address.
    pub offset: u64,
}

/// A constant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Constant {
    /// `i32.const`
    I32(i32),
    /// `i64.const`
    I64(i64),
    /// `f32.const`, as bits.
    F32(u32),
    /// `f64.const`, as bits.
    F64(u64),
    /// `v128.const`
    V128(V128),
    /// `ref.null`
    Null(HeapType),
}

impl Constant {
    /// Returns the type of the constant.
    pub fn ty(self) -> ValType {
        match self {
            Constant::I32(_) => ValType::I32,
            Constant::I64(_) => ValType::I64,
            Constant::F32(_) => ValType::F32,
            Constant::F64(_) => ValType::F64,
            Constant::V128(_) => ValType::V128,
            Constant::Null(heap) => ValType::Ref(RefType { nullable: true, heap }),
        }
    }
}

/// The position of a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelKind {
    /// The end of a block, a target of forward jumps.
    Block,
    /// The header of a loop, a target of backward jumps.
    Loop,
    /// The `else` arm of an `if`.
    Else,
    /// The end of the function.
    Return,
}

/// The callee of a call.
#[derive(Clone, Copy, Debug)]
pub enum Callee<V> {
    /// `call`: the function at a function index.
    Func(u32),
    /// `call_indirect`: the function at an index of a table. The call checks its type.
    Indirect {
        /// The index of the table.
        table: u32,
        /// The type index of the expected type.
        ty: u32,
        /// The index in the table.
        index: Operand<V>,
    },
    /// `call_ref`: a function reference.
    Ref {
        /// The type index of the function.
        ty: u32,
        /// The reference, which may be null.
        func: Operand<V>,
    },
}

/// A catch clause of `try_table`.
#[derive(Clone, Copy, Debug)]
pub struct Clause<L> {
    /// The tag that it catches, or `None` for `catch_all`.
    pub tag: Option<u32>,
    /// Whether the exception itself is an argument of the branch, as an `exnref`.
    pub with_ref: bool,
    /// The branch target.
    pub target: L,
}

/// The destination of a stored reference. All stores of references go through [`Emit::store_ref`], so that an emitter
/// needs a write barrier in one method only.
#[derive(Clone, Copy, Debug)]
pub enum RefStore<V> {
    /// `global.set`
    Global(u32),
    /// `table.set`
    Table {
        /// The index of the table.
        table: u32,
        /// The index in the table.
        index: Operand<V>,
    },
    /// `struct.set`
    Field {
        /// The type index of the structure.
        ty: u32,
        /// The index of the field.
        field: u32,
        /// The structure, which may be null.
        object: Operand<V>,
    },
}

/// The position of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckPosition {
    /// The function's entry.
    Entry,
    /// A loop header.
    Loop,
}

/// The code generator of a tier. `to` is always the canonical slot of an operation's first result.
pub trait Emit {
    /// The emitter's representation of a value.
    type Value: Copy + std::fmt::Debug;
    /// A branch target.
    type Label: Copy + std::fmt::Debug;
    /// A gas charge with a cost that is not known yet.
    type Mark;

    /// Whether the value of `local.get` is an alias of the local. If so, the walk calls [`Emit::preserve`] before the
    /// local changes.
    const ALIASES_LOCALS: bool;

    /// Returns whether the emitter has bailed out of the function. If so, the walk ends with an error.
    fn has_bailed_out(&self) -> bool {
        false
    }

    /// Returns whether each operand must be in its canonical slot after the operator that produces it, so that branches
    /// need not move operands. The walk then preserves aliases of locals; the emitter itself stores constants.
    fn uses_canonical_slots(&self) -> bool {
        false
    }

    /// Begins the function.
    fn begin(&mut self, frame: &Frame);
    /// Sets the byte offset in the module of the operator to which all code emitted from now on belongs.
    fn set_offset(&mut self, offset: u32);

    /// Emits a gas charge. A later call of [`Emit::gas_cost`] sets its cost.
    fn gas(&mut self) -> Self::Mark;
    /// Sets the cost of an earlier gas charge.
    fn gas_cost(&mut self, mark: Self::Mark, cost: u64);
    /// Emits a check that traps if the guest is out of gas or interrupted. The check may also switch tiers.
    fn check(&mut self, at: CheckPosition, live: &[Operand<Self::Value>]);

    /// Makes an operand independent of the local that it aliases, because the local may change.
    fn preserve(&mut self, operand: &mut Operand<Self::Value>);
    /// Moves an operand to its canonical slot.
    fn spill(&mut self, operand: &mut Operand<Self::Value>);
    /// Makes an operand survive the first arm of an `if` unchanged, because the `else` arm uses it too.
    fn hold(&mut self, operand: &mut Operand<Self::Value>);

    /// `local.get`
    fn local_get(&mut self, local: Local) -> Self::Value;
    /// `local.set`
    fn local_set(&mut self, local: Local, value: Operand<Self::Value>);
    /// `global.get`
    fn global_get(&mut self, global: u32, ty: ValType, to: Slot) -> Self::Value;
    /// `global.set` of a number or vector.
    fn global_set(&mut self, global: u32, value: Operand<Self::Value>);
    /// Emits a store of a reference.
    fn store_ref(&mut self, place: RefStore<Self::Value>, value: Operand<Self::Value>);

    /// Emits a constant.
    fn constant(&mut self, constant: Constant, to: Slot) -> Self::Value;
    /// Emits a scalar operation of one operand.
    fn unary(&mut self, op: Unary, a: Operand<Self::Value>, to: Slot) -> Self::Value;
    /// Emits a scalar conversion.
    fn convert(&mut self, op: Convert, a: Operand<Self::Value>, to: Slot) -> Self::Value;
    /// Emits a scalar operation of two operands.
    fn binary(&mut self, op: Binary, a: Operand<Self::Value>, b: Operand<Self::Value>, to: Slot) -> Self::Value;
    /// Emits a scalar comparison.
    fn compare(&mut self, op: Compare, a: Operand<Self::Value>, b: Operand<Self::Value>, to: Slot) -> Self::Value;
    /// Emits 128-bit arithmetic, with two results.
    fn wide(&mut self, op: Wide, args: &[Operand<Self::Value>], to: Slot) -> [Self::Value; 2];
    /// `select`: the result is `a` if the condition is not zero, otherwise `b`.
    fn select(
        &mut self,
        a: Operand<Self::Value>,
        b: Operand<Self::Value>,
        condition: Operand<Self::Value>,
        to: Slot,
    ) -> Self::Value;
    /// `drop`
    fn drop_value(&mut self, value: Operand<Self::Value>);

    /// Emits a load.
    fn load(&mut self, op: Load, mem: MemArg, addr: Operand<Self::Value>, to: Slot) -> Self::Value;
    /// Emits a store.
    fn store(&mut self, op: Store, mem: MemArg, addr: Operand<Self::Value>, value: Operand<Self::Value>);
    /// `memory.size`
    fn memory_size(&mut self, memory: u32, to: Slot) -> Self::Value;
    /// `memory.grow`
    fn memory_grow(&mut self, memory: u32, delta: Operand<Self::Value>, to: Slot) -> Self::Value;
    /// `memory.fill`, with operands destination, value and length.
    fn memory_fill(&mut self, memory: u32, args: [Operand<Self::Value>; 3]);
    /// `memory.copy`, with operands destination, source and length.
    fn memory_copy(&mut self, dst: u32, src: u32, args: [Operand<Self::Value>; 3]);
    /// `memory.init`, with operands destination, source and length.
    fn memory_init(&mut self, memory: u32, data: u32, args: [Operand<Self::Value>; 3]);
    /// `data.drop`
    fn data_drop(&mut self, data: u32);

    /// `table.get`
    fn table_get(&mut self, table: u32, index: Operand<Self::Value>, to: Slot) -> Self::Value;
    /// `table.size`
    fn table_size(&mut self, table: u32, to: Slot) -> Self::Value;
    /// `table.grow`
    fn table_grow(
        &mut self,
        table: u32,
        init: Operand<Self::Value>,
        delta: Operand<Self::Value>,
        to: Slot,
    ) -> Self::Value;
    /// `table.fill`, with operands start, value and length.
    fn table_fill(&mut self, table: u32, args: [Operand<Self::Value>; 3]);
    /// `table.copy`, with operands destination, source and length.
    fn table_copy(&mut self, dst: u32, src: u32, args: [Operand<Self::Value>; 3]);
    /// `table.init`, with operands destination, source and length.
    fn table_init(&mut self, table: u32, elem: u32, args: [Operand<Self::Value>; 3]);
    /// `elem.drop`
    fn elem_drop(&mut self, elem: u32);

    /// `ref.func`
    fn ref_func(&mut self, func: u32, to: Slot) -> Self::Value;
    /// `ref.is_null`
    fn ref_is_null(&mut self, value: Operand<Self::Value>, to: Slot) -> Self::Value;
    /// `ref.as_non_null`
    fn ref_as_non_null(&mut self, value: Operand<Self::Value>, to: Slot) -> Self::Value;

    /// `struct.new` of the structure type at this type index. `live` are the GC-managed operands below the fields.
    fn struct_new(
        &mut self,
        ty: u32,
        fields: &[Operand<Self::Value>],
        live: &[Operand<Self::Value>],
        to: Slot,
    ) -> Self::Value;
    /// `struct.get` of an unpacked field.
    fn struct_get(&mut self, ty: u32, field: u32, object: Operand<Self::Value>, to: Slot) -> Self::Value;
    /// `struct.set` of an unpacked number or vector; references go through [`Emit::store_ref`].
    fn struct_set(&mut self, ty: u32, field: u32, object: Operand<Self::Value>, value: Operand<Self::Value>);

    /// Emits a vector operation of one vector.
    fn vector_unary(&mut self, op: VectorUnary, a: Operand<Self::Value>, to: Slot) -> Self::Value;
    /// Emits a vector operation of two vectors.
    fn vector_binary(
        &mut self,
        op: VectorBinary,
        a: Operand<Self::Value>,
        b: Operand<Self::Value>,
        to: Slot,
    ) -> Self::Value;
    /// Emits a vector operation of three vectors.
    fn vector_ternary(&mut self, op: VectorTernary, args: [Operand<Self::Value>; 3], to: Slot) -> Self::Value;
    /// Emits a vector test or bit mask.
    fn vector_test(&mut self, op: VectorTest, a: Operand<Self::Value>, to: Slot) -> Self::Value;
    /// Emits a vector shift by a scalar.
    fn vector_shift(
        &mut self,
        op: VectorShift,
        a: Operand<Self::Value>,
        by: Operand<Self::Value>,
        to: Slot,
    ) -> Self::Value;
    /// Emits a copy of a scalar to every lane.
    fn vector_splat(&mut self, op: VectorSplat, a: Operand<Self::Value>, to: Slot) -> Self::Value;
    /// Emits an extraction of a lane.
    fn vector_extract(&mut self, op: VectorExtract, lane: u8, a: Operand<Self::Value>, to: Slot) -> Self::Value;
    /// Emits a replacement of a lane.
    fn vector_replace(
        &mut self,
        op: VectorReplace,
        lane: u8,
        a: Operand<Self::Value>,
        b: Operand<Self::Value>,
        to: Slot,
    ) -> Self::Value;
    /// `i8x16.shuffle`
    fn vector_shuffle(
        &mut self,
        lanes: [u8; 16],
        a: Operand<Self::Value>,
        b: Operand<Self::Value>,
        to: Slot,
    ) -> Self::Value;
    /// Emits a load of a lane.
    fn vector_load_lane(
        &mut self,
        op: VectorLoadLane,
        mem: MemArg,
        lane: u8,
        addr: Operand<Self::Value>,
        a: Operand<Self::Value>,
        to: Slot,
    ) -> Self::Value;
    /// Emits a store of a lane.
    fn vector_store_lane(
        &mut self,
        op: VectorStoreLane,
        mem: MemArg,
        lane: u8,
        addr: Operand<Self::Value>,
        a: Operand<Self::Value>,
    );

    /// Creates a branch target with parameters of these types, which start at this canonical slot.
    fn label(&mut self, kind: LabelKind, params: &[ValType], slot: Slot) -> Self::Label;
    /// Binds a label to the current position. `live` is the operand stack below its parameters. At a loop header every
    /// live operand is spilled; at other labels no live operand aliases a local. The emitter may replace the values.
    fn bind_label(&mut self, kind: LabelKind, label: Self::Label, live: &mut [Operand<Self::Value>]);
    /// Ends a loop. No later branch targets its header.
    fn end_loop(&mut self, _header: Self::Label) {}
    /// Returns the value of the `index`th parameter of the label that was just bound.
    fn param(&mut self, label: Self::Label, index: usize, ty: ValType, slot: Slot) -> Self::Value;
    /// `br`
    fn jump(&mut self, target: Self::Label, args: &[Operand<Self::Value>]);
    /// Emits a jump that is taken if the condition is not zero (`when` is true) or zero (`when` is false).
    fn jump_if(
        &mut self,
        condition: Operand<Self::Value>,
        when: bool,
        target: Self::Label,
        args: &[Operand<Self::Value>],
    );
    /// Emits a jump that is taken if the reference is null (`when` is true) or not null (`when` is false).
    fn jump_if_null(
        &mut self,
        value: Operand<Self::Value>,
        when: bool,
        target: Self::Label,
        args: &[Operand<Self::Value>],
    );
    /// `br_table`. The last target is the default.
    fn jump_table(&mut self, index: Operand<Self::Value>, targets: &[Self::Label], args: &[Operand<Self::Value>]);
    /// `return`
    fn ret(&mut self, args: &[Operand<Self::Value>]);
    /// `unreachable`
    fn unreachable(&mut self);

    /// Emits a call and appends the values of its results to `results`. `live` are the GC-managed operands below the
    /// callee and the arguments.
    fn call(
        &mut self,
        callee: Callee<Self::Value>,
        ty: &FuncType,
        args: &[Operand<Self::Value>],
        live: &[Operand<Self::Value>],
        to: Slot,
        results: &mut Vec<Self::Value>,
    );
    /// Emits a tail call.
    fn tail_call(&mut self, callee: Callee<Self::Value>, ty: &FuncType, args: &[Operand<Self::Value>]);

    /// Begins a `try_table`. Until the matching [`Emit::exit_try`], the first of these clauses that matches catches.
    fn enter_try(&mut self, clauses: &[Clause<Self::Label>]);
    /// Ends the innermost `try_table`.
    fn exit_try(&mut self);
    /// `throw`
    fn throw(&mut self, tag: u32, args: &[Operand<Self::Value>], live: &[Operand<Self::Value>]);
    /// `throw_ref`
    fn throw_ref(&mut self, exception: Operand<Self::Value>);
}
