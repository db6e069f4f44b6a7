//! What a tier has to say of itself to be driven by the walk: how one operation happens on its own kind of value.
//!
//! The walk owns structure (operand stack, control stack, reachability, where gas and checks go, source offsets); an
//! emitter owns meaning in its medium. Operations come in families whose members are rows of [`crate::op`], so a new
//! row that an emitter cannot make does not compile. Calls arrive in program order, only for reachable code.

use crate::V128;
use crate::op::*;
use crate::types::{FuncType, HeapType, RefType, ValType};

/// A place in the canonical frame, in units of 8 bytes.
pub type Slot = u32;

/// A value on the operand stack.
#[derive(Clone, Copy, Debug)]
pub struct Operand<V> {
    /// The emitter's own handle of it.
    pub value: V,
    /// Its type.
    pub ty: ValType,
    /// Where it belongs in the canonical frame.
    pub slot: Slot,
}

/// A parameter or local.
#[derive(Clone, Copy, Debug)]
pub struct Local {
    /// Its index.
    pub index: u32,
    /// Its type.
    pub ty: ValType,
    /// Where it is in the canonical frame.
    pub slot: Slot,
}

/// The canonical frame of a function: where everything is at points at which tiers can change or a collector can look.
/// Computed from types alone: parameters, then locals, then the operand stack, each value in as many slots as its type
/// takes.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    /// Parameters and locals, in order.
    pub locals: Vec<Local>,
    /// How many of them are parameters.
    pub params: usize,
    /// The first of the slots between locals and operands that hold whatever a tier likes; they outlive calls.
    pub scratch: Slot,
    /// The slot of the first operand.
    pub operands: Slot,
    /// The types of the results, which are returned from slot 0 on.
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
    /// The bits of an `f32.const`.
    F32(u32),
    /// The bits of an `f64.const`.
    F64(u64),
    /// `v128.const`
    V128(V128),
    /// `ref.null`
    Null(HeapType),
}

impl Constant {
    /// Its type.
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

/// What a label is the target of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelKind {
    /// Forward jumps to the end of a block.
    Block,
    /// Backward jumps to the header of a loop.
    Loop,
    /// The jump over the first arm of an `if`.
    Else,
    /// Jumps to the end of the function.
    Return,
}

/// Whom a call calls.
#[derive(Clone, Copy, Debug)]
pub enum Callee<V> {
    /// A function by index.
    Func(u32),
    /// The function at an index of a table, after a check of its type.
    Indirect {
        /// The table.
        table: u32,
        /// Index of the expected type in the module.
        ty: u32,
        /// The index.
        index: Operand<V>,
    },
    /// A function by reference.
    Ref {
        /// Index of its type in the module.
        ty: u32,
        /// The reference, which may be null.
        func: Operand<V>,
    },
}

/// A clause of `try_table`.
#[derive(Clone, Copy, Debug)]
pub struct Clause<L> {
    /// The tag it catches; none for all.
    pub tag: Option<u32>,
    /// Whether it also hands over the exception as an `exnref`.
    pub with_ref: bool,
    /// Where it goes.
    pub target: L,
}

/// Where a reference is stored. All stores of references pass [`Emit::store_ref`], so that a write barrier has one
/// place.
#[derive(Clone, Copy, Debug)]
pub enum RefStore<V> {
    /// `global.set`
    Global(u32),
    /// `table.set`
    Table {
        /// The table.
        table: u32,
        /// The index in it.
        index: Operand<V>,
    },
    /// `struct.set`
    Field {
        /// Index of the structure's type in the module.
        ty: u32,
        /// The field.
        field: u32,
        /// The structure, which may be null.
        object: Operand<V>,
    },
}

/// Where a check stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// At a function's entry.
    Entry,
    /// At a loop's header.
    Loop,
}

/// A tier. `to` is always the canonical slot of an operation's first result.
pub trait Emit {
    /// A value in the tier's medium.
    type Value: Copy + std::fmt::Debug;
    /// A branch target.
    type Label: Copy + std::fmt::Debug;
    /// A gas charge whose cost is not known yet.
    type Mark;

    /// Whether the value of `local.get` stands for the local itself, so that it must be preserved before the local
    /// changes.
    const ALIASES_LOCALS: bool;

    /// Whether the emitter has met what it cannot do, so that the walk is to end here with an error.
    fn stopped(&self) -> bool {
        false
    }

    /// Whether every operand is to be in its canonical slot once the operator that makes it is done, so that no branch has
    /// to move many of them. The emitter puts constants there itself.
    fn settles(&self) -> bool {
        false
    }

    /// The function begins.
    fn begin(&mut self, frame: &Frame);
    /// What follows belongs to the operator at this byte offset of the module.
    fn at(&mut self, offset: u32);

    /// Charges the cost that [`Emit::gas_cost`] will tell.
    fn gas(&mut self) -> Self::Mark;
    /// Tells the cost of an earlier charge.
    fn gas_cost(&mut self, mark: Self::Mark, cost: u64);
    /// Ends the guest if it is out of gas or interrupted; may switch tiers.
    fn check(&mut self, at: Check, live: &[Operand<Self::Value>]);

    /// Makes an operand independent of the local it aliases, which is about to change or might.
    fn preserve(&mut self, operand: &mut Operand<Self::Value>);
    /// Puts an operand into its canonical slot.
    fn spill(&mut self, operand: &mut Operand<Self::Value>);
    /// An operand is kept for the second arm of an `if`: what it means must not change in the first.
    fn hold(&mut self, operand: &mut Operand<Self::Value>);

    /// `local.get`
    fn local_get(&mut self, local: Local) -> Self::Value;
    /// `local.set`
    fn local_set(&mut self, local: Local, value: Operand<Self::Value>);
    /// `global.get`
    fn global_get(&mut self, global: u32, ty: ValType, to: Slot) -> Self::Value;
    /// `global.set` of a number or vector.
    fn global_set(&mut self, global: u32, value: Operand<Self::Value>);
    /// Stores a reference.
    fn store_ref(&mut self, place: RefStore<Self::Value>, value: Operand<Self::Value>);

    /// A constant.
    fn constant(&mut self, constant: Constant, to: Slot) -> Self::Value;
    /// Scalar operations of one operand.
    fn unary(&mut self, op: Unary, a: Operand<Self::Value>, to: Slot) -> Self::Value;
    /// Scalar conversions.
    fn convert(&mut self, op: Convert, a: Operand<Self::Value>, to: Slot) -> Self::Value;
    /// Scalar operations of two operands.
    fn binary(&mut self, op: Binary, a: Operand<Self::Value>, b: Operand<Self::Value>, to: Slot) -> Self::Value;
    /// Scalar comparisons.
    fn compare(&mut self, op: Compare, a: Operand<Self::Value>, b: Operand<Self::Value>, to: Slot) -> Self::Value;
    /// 128-bit arithmetic; two results.
    fn wide(&mut self, op: Wide, args: &[Operand<Self::Value>], to: Slot) -> [Self::Value; 2];
    /// `select`: `a` if the condition is not zero.
    fn select(
        &mut self,
        a: Operand<Self::Value>,
        b: Operand<Self::Value>,
        condition: Operand<Self::Value>,
        to: Slot,
    ) -> Self::Value;
    /// `drop`
    fn drop_value(&mut self, value: Operand<Self::Value>);

    /// Loads.
    fn load(&mut self, op: Load, mem: MemArg, addr: Operand<Self::Value>, to: Slot) -> Self::Value;
    /// Stores.
    fn store(&mut self, op: Store, mem: MemArg, addr: Operand<Self::Value>, value: Operand<Self::Value>);
    /// `memory.size`
    fn memory_size(&mut self, memory: u32, to: Slot) -> Self::Value;
    /// `memory.grow`
    fn memory_grow(&mut self, memory: u32, delta: Operand<Self::Value>, to: Slot) -> Self::Value;
    /// `memory.fill`: destination, value, length.
    fn memory_fill(&mut self, memory: u32, args: [Operand<Self::Value>; 3]);
    /// `memory.copy`: destination, source, length.
    fn memory_copy(&mut self, dst: u32, src: u32, args: [Operand<Self::Value>; 3]);
    /// `memory.init`: destination, source, length.
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
    /// `table.fill`: start, value, length.
    fn table_fill(&mut self, table: u32, args: [Operand<Self::Value>; 3]);
    /// `table.copy`: destination, source, length.
    fn table_copy(&mut self, dst: u32, src: u32, args: [Operand<Self::Value>; 3]);
    /// `table.init`: destination, source, length.
    fn table_init(&mut self, table: u32, elem: u32, args: [Operand<Self::Value>; 3]);
    /// `elem.drop`
    fn elem_drop(&mut self, elem: u32);

    /// `ref.func`
    fn ref_func(&mut self, func: u32, to: Slot) -> Self::Value;
    /// `ref.is_null`
    fn ref_is_null(&mut self, value: Operand<Self::Value>, to: Slot) -> Self::Value;
    /// `ref.as_non_null`
    fn ref_as_non_null(&mut self, value: Operand<Self::Value>, to: Slot) -> Self::Value;

    /// `struct.new` of the structure type at this index; `live` are the operands
    /// below the fields that a collector traces.
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

    /// Vector operations of one vector.
    fn vector_unary(&mut self, op: VectorUnary, a: Operand<Self::Value>, to: Slot) -> Self::Value;
    /// Vector operations of two vectors.
    fn vector_binary(
        &mut self,
        op: VectorBinary,
        a: Operand<Self::Value>,
        b: Operand<Self::Value>,
        to: Slot,
    ) -> Self::Value;
    /// Vector operations of three vectors.
    fn vector_ternary(&mut self, op: VectorTernary, args: [Operand<Self::Value>; 3], to: Slot) -> Self::Value;
    /// Tests and bit masks.
    fn vector_test(&mut self, op: VectorTest, a: Operand<Self::Value>, to: Slot) -> Self::Value;
    /// Shifts by a scalar.
    fn vector_shift(
        &mut self,
        op: VectorShift,
        a: Operand<Self::Value>,
        by: Operand<Self::Value>,
        to: Slot,
    ) -> Self::Value;
    /// Splats.
    fn vector_splat(&mut self, op: VectorSplat, a: Operand<Self::Value>, to: Slot) -> Self::Value;
    /// Lane to scalar.
    fn vector_extract(&mut self, op: VectorExtract, lane: u8, a: Operand<Self::Value>, to: Slot) -> Self::Value;
    /// Scalar to lane.
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
    /// Memory to lane.
    fn vector_load_lane(
        &mut self,
        op: VectorLoadLane,
        mem: MemArg,
        lane: u8,
        addr: Operand<Self::Value>,
        a: Operand<Self::Value>,
        to: Slot,
    ) -> Self::Value;
    /// Lane to memory.
    fn vector_store_lane(
        &mut self,
        op: VectorStoreLane,
        mem: MemArg,
        lane: u8,
        addr: Operand<Self::Value>,
        a: Operand<Self::Value>,
    );

    /// A new branch target whose parameters have these types and start at this canonical slot.
    fn label(&mut self, kind: LabelKind, params: &[ValType], slot: Slot) -> Self::Label;
    /// The label is here. `live` is the operand stack below its parameters; at a loop header every live operand is
    /// spilled, elsewhere none aliases a local. The emitter may replace the values.
    fn enter(&mut self, kind: LabelKind, label: Self::Label, live: &mut [Operand<Self::Value>]);
    /// A loop ends: nothing branches to its header any more.
    fn end_loop(&mut self, _header: Self::Label) {}
    /// The value of the `index`th parameter of the label just entered.
    fn param(&mut self, label: Self::Label, index: usize, ty: ValType, slot: Slot) -> Self::Value;
    /// `br`
    fn jump(&mut self, target: Self::Label, args: &[Operand<Self::Value>]);
    /// Jumps if the condition is non-zero (`when`) or zero (not `when`).
    fn jump_if(
        &mut self,
        condition: Operand<Self::Value>,
        when: bool,
        target: Self::Label,
        args: &[Operand<Self::Value>],
    );
    /// Jumps if the reference is null (`when`) or not null (not `when`).
    fn jump_if_null(
        &mut self,
        value: Operand<Self::Value>,
        when: bool,
        target: Self::Label,
        args: &[Operand<Self::Value>],
    );
    /// `br_table`; the default target is last.
    fn jump_table(&mut self, index: Operand<Self::Value>, targets: &[Self::Label], args: &[Operand<Self::Value>]);
    /// Returns from the function.
    fn ret(&mut self, args: &[Operand<Self::Value>]);
    /// `unreachable`
    fn unreachable(&mut self);

    /// A call. The results' values are pushed to `results`; `live` are the operands
    /// below callee and arguments that a collector traces.
    fn call(
        &mut self,
        callee: Callee<Self::Value>,
        ty: &FuncType,
        args: &[Operand<Self::Value>],
        live: &[Operand<Self::Value>],
        to: Slot,
        results: &mut Vec<Self::Value>,
    );
    /// A tail call.
    fn tail_call(&mut self, callee: Callee<Self::Value>, ty: &FuncType, args: &[Operand<Self::Value>]);

    /// `try_table` begins: until the matching [`Emit::exit_try`], these clauses catch, first match first.
    fn enter_try(&mut self, clauses: &[Clause<Self::Label>]);
    /// The innermost `try_table` ends.
    fn exit_try(&mut self);
    /// `throw`
    fn throw(&mut self, tag: u32, args: &[Operand<Self::Value>], live: &[Operand<Self::Value>]);
    /// `throw_ref`
    fn throw_ref(&mut self, exception: Operand<Self::Value>);
}
