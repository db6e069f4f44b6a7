//! The walk over a function body, which all tiers share. It maintains the typed operand stack, the control stack, block
//! types, reachability and aliases of locals, and it decides where gas is charged and where checks are emitted. An
//! emitter implements the operations themselves.
//!
//! Invariant: every body is validated before the walk, so the stacks have the operands that an operation pops. A missing
//! operand is an error, never a panic. [`function`] and [`constant`] rely on earlier validation. [`cross_check`] runs in
//! lock-step with wasmparser's validator and compares the stacks after every operator (core specification, "Validation
//! Algorithm").

mod control;
mod memory;
mod numeric;
mod reference;
mod variable;
mod vector;

use std::collections::HashMap;

use wasmparser as wp;
use wasmparser::Operator;

use crate::emit::*;
use crate::error::{Error, Result};
use crate::feature::Features;
use crate::limits::{MAX_FRAME_SLOTS, MAX_LIVE_REFERENCES};
use crate::module::Module;
use crate::op::{Op, Structural};
use crate::types::*;
use control::ControlFrame;

/// The gas cost of each operation.
#[derive(Clone, Debug, Default)]
pub struct Metering {
    costs: HashMap<u16, u64>,
}

impl Metering {
    /// Creates a table in which every operation costs 1.
    pub fn new() -> Metering {
        Metering::default()
    }

    /// Sets the cost of one operation.
    pub fn set_cost(&mut self, op: Op, cost: u64) {
        self.costs.insert(op.gas_index(), cost);
    }

    /// Returns the costs as text, for use in cache keys. Two tables have the same text exactly if their costs are equal.
    pub fn key(&self) -> String {
        let mut costs: Vec<_> = self.costs.iter().filter(|(_, cost)| **cost != 1).collect();
        costs.sort();
        let costs = costs.iter().map(|(op, cost)| format!(", {op} for {cost}"));
        std::iter::once("on".to_string()).chain(costs).collect()
    }

    fn cost(&self, op: Op) -> u64 {
        self.costs.get(&op.gas_index()).copied().unwrap_or(1)
    }
}

/// Walks the body of a function that the module defines. `defined` is its index without imported functions.
pub fn function<E: Emit>(module: &Module, defined: u32, metering: Option<&Metering>, emit: &mut E) -> Result<()> {
    let ty = module.func_type(module.imported_funcs + defined);
    let (locals, operators) = body(module, defined)?;
    let frame = canonical_frame(&locals, ty.params().len(), ty.results(), &operators);
    let mut walk = Walk::new(module, frame, metering, emit)?;
    walk.run(wp::OperatorsReader::new(operators))
}

/// Walks a constant expression as the body of a function without parameters. `index` is its index in
/// [`Module::const_bodies`].
pub fn constant<E: Emit>(module: &Module, index: u32, metering: Option<&Metering>, emit: &mut E) -> Result<()> {
    let body = module.const_bodies.get(index as usize).ok_or_else(|| Error::impossible("no such expression"))?;
    let reader = wp::BinaryReader::new(&module.bytes[body.range.clone()], body.range.start as u64);
    let mut walk = Walk::new(module, canonical_frame(&[], 0, &[body.ty], &reader), metering, emit)?;
    walk.run(wp::OperatorsReader::new(reader))
}

/// Validates all bodies of a module again and walks each in lock-step with the validator. `emitter` creates the emitter
/// of a function from its index without imported functions.
///
/// # Errors
/// If the heights of the operand stacks or control stacks differ after an operator.
pub fn cross_check<E: Emit>(module: &Module, features: Features, mut emitter: impl FnMut(u32) -> E) -> Result<()> {
    let mut validator = crate::decode::validator(features, true);
    let mut defined = 0;
    for payload in wp::Parser::new(0).parse_all(module.bytes.part(0..module.bytes.len())?) {
        let wp::ValidPayload::Func(func, body) = validator.payload(&payload?)? else { continue };
        let mut func = crate::decode::with_features(func, features).into_validator(Default::default());
        let ty = module.func_type(module.imported_funcs + defined);
        let mut locals = ty.params().to_vec();
        let mut reader = body.get_binary_reader();
        func.read_locals(&mut reader)?;
        for local in body.get_locals_reader()? {
            let (count, ty) = local?;
            locals.extend(std::iter::repeat_n(val_type(module, ty), count as usize));
        }
        let mut emit = emitter(defined);
        let frame = canonical_frame(&locals, ty.params().len(), ty.results(), &reader);
        let mut walk = Walk::new(module, frame, None, &mut emit)?;
        let mut ops = wp::OperatorsReader::new(reader);
        while !ops.eof() {
            let at = ops.original_position();
            let op = ops.read()?;
            func.op(at, &op)?;
            walk.step(&op, at as u32)?;
            if walk.unreachable_depth == 0 && walk.reachable {
                let (height, expected) = (walk.stack.len() as u32, func.operand_stack_height());
                if height != expected || walk.controls.len() as u32 != func.control_stack_height() {
                    let message = format!("at byte {at:#x}: {height} operands, the validator has {expected}");
                    return Err(Error::impossible(&message));
                }
            }
        }
        defined += 1;
    }
    Ok(())
}

/// Returns the canonical frame of a function that the module defines. `defined` is its index without imported functions.
pub fn frame(module: &Module, defined: u32) -> Result<Frame> {
    let ty = module.func_type(module.imported_funcs + defined);
    let (locals, operators) = body(module, defined)?;
    Ok(canonical_frame(&locals, ty.params().len(), ty.results(), &operators))
}

/// Returns the types of a function's parameters and locals, and a reader of its operators.
fn body(module: &Module, defined: u32) -> Result<(Vec<ValType>, wp::BinaryReader<'_>)> {
    let range = module.bodies.get(defined as usize).ok_or_else(|| Error::impossible("no such function"))?;
    let mut reader = wp::BinaryReader::new(module.bytes.part(range.clone())?, range.start as u64);
    let mut locals = module.func_type(module.imported_funcs + defined).params().to_vec();
    for _ in 0..reader.read_var_u32()? {
        let count = reader.read_var_u32()?;
        let ty = val_type(module, reader.read()?);
        locals.extend(std::iter::repeat_n(ty, count as usize));
    }
    Ok((locals, reader))
}

/// Returns the byte offset in the module of a function's first operator. `defined` is the function's index without
/// imported functions.
pub fn first_operator_offset(module: &Module, defined: u32) -> Option<u32> {
    u32::try_from(body(module, defined).ok()?.1.original_position()).ok()
}

/// Returns the loop whose operator is at byte offset `header` in the module, and all loops around it. Each is given by
/// the offset of its operator, outermost first. Returns `None` if the function has no such loop. `defined` is the
/// function's index without imported functions.
pub fn enclosing_loops(module: &Module, defined: u32, header: u32) -> Result<Option<Vec<u32>>> {
    let mut ops = wp::OperatorsReader::new(body(module, defined)?.1);
    // For each open control structure, the offset of its operator if it is a loop.
    let mut open = Vec::new();
    while !ops.eof() {
        let at = ops.original_position() as u32;
        match ops.read()? {
            Operator::Loop { .. } => {
                open.push(Some(at));
                if at == header {
                    return Ok(Some(open.into_iter().flatten().collect()));
                }
            }
            Operator::Block { .. } | Operator::If { .. } | Operator::TryTable { .. } => open.push(None),
            Operator::End => _ = open.pop(),
            _ => {}
        }
    }
    Ok(None)
}

fn val_type(module: &Module, ty: wp::ValType) -> ValType {
    crate::decode::val_type(ty, |index| type_id(module, index))
}

fn type_id(module: &Module, index: wp::UnpackedIndex) -> TypeId {
    match index {
        wp::UnpackedIndex::Module(i) => module.types[i as usize],
        _ => TypeId(0),
    }
}

/// The number of scratch slots of a function that begins with `global.get`. Compiled C functions with a stack frame in
/// linear memory begin by reading the stack pointer global.
const SCRATCH_SLOTS: Slot = 16;

/// The opcode of `global.get`.
const GLOBAL_GET: u8 = 0x23;

fn canonical_frame(types: &[ValType], params: usize, results: &[ValType], operators: &wp::BinaryReader<'_>) -> Frame {
    let mut slot = 0;
    let locals = types.iter().zip(0..).map(|(ty, index)| {
        let local = Local { index, ty: *ty, slot };
        slot += ty.slots();
        local
    });
    let locals = locals.collect();
    let reads_global = operators.clone().read_u8().is_ok_and(|byte| byte == GLOBAL_GET);
    let operands = slot + if reads_global { SCRATCH_SLOTS } else { 0 };
    Frame { locals, params, scratch: slot, operands, results: results.to_vec() }
}

/// A node in the linked list of operands that alias the same local.
#[derive(Clone, Copy)]
struct Alias {
    local: u32,
    /// The stack index of the next older operand in the list.
    older: Option<usize>,
}

struct Walk<'m, 'e, E: Emit> {
    module: &'m Module,
    emit: &'e mut E,
    frame: Frame,
    stack: Vec<Operand<E::Value>>,
    /// For each operand, its alias node if it aliases a local.
    aliases: Vec<Option<Alias>>,
    /// For each local, the stack index of the newest operand that aliases it.
    newest_alias: Vec<Option<usize>>,
    /// Operands below this height do not alias a local.
    unaliased: usize,
    /// Operands below this height are in their canonical slots.
    spilled: usize,
    /// The stack indices of GC-managed operands.
    gc_managed: Vec<usize>,
    /// The number of GC-managed operands that are live across calls so far, summed over the calls.
    live_references: usize,
    controls: Vec<ControlFrame<E>>,
    /// Whether the next operator is reachable.
    reachable: bool,
    /// The nesting depth of control structures inside unreachable code.
    unreachable_depth: usize,
    metering: Option<&'m Metering>,
    segment: Option<E::Mark>,
    cost: u64,
    results: Vec<E::Value>,
    /// The number of operands that open `if`s save for their `else` arms.
    else_operands: usize,
}

impl<'m, 'e, E: Emit> Walk<'m, 'e, E> {
    fn new(
        module: &'m Module,
        frame: Frame,
        metering: Option<&'m Metering>,
        emit: &'e mut E,
    ) -> Result<Walk<'m, 'e, E>> {
        emit.begin(&frame);
        let label = emit.label(LabelKind::Return, &frame.results, frame.operands);
        let mut walk = Walk {
            module,
            emit,
            newest_alias: vec![None; if E::ALIASES_LOCALS { frame.locals.len() } else { 0 }],
            frame,
            stack: Vec::new(),
            aliases: Vec::new(),
            unaliased: 0,
            spilled: 0,
            gc_managed: Vec::new(),
            live_references: 0,
            controls: vec![ControlFrame::function(label)],
            reachable: true,
            unreachable_depth: 0,
            metering,
            segment: None,
            cost: 0,
            results: Vec::new(),
            else_operands: 0,
        };
        walk.open_segment();
        walk.emit.check(CheckPosition::Entry, &[]);
        Ok(walk)
    }

    fn run(&mut self, mut ops: wp::OperatorsReader<'_>) -> Result<()> {
        while !ops.eof() {
            let at = ops.original_position() as u32;
            let op = ops.read()?;
            self.step(&op, at)?;
        }
        Ok(())
    }

    fn step(&mut self, op: &Operator<'_>, at: u32) -> Result<()> {
        if !self.reachable {
            return self.skip(op, at);
        }
        self.emit.set_offset(at);
        self.op(op)?;
        if self.emit.uses_canonical_slots() {
            self.preserve_all();
        }
        if self.emit.has_bailed_out() {
            return Err(Error::limit("the tier bailed out of this function"));
        }
        if self.next_slot() > MAX_FRAME_SLOTS {
            return Err(Error::impossible("the frame is too large"));
        }
        Ok(())
    }

    fn op(&mut self, op: &Operator<'_>) -> Result<()> {
        if self.control_op(op)? || self.variable_op(op)? || self.memory_op(op)? {
            return Ok(());
        }
        if self.numeric_op(op)? || self.vector_op(op)? || self.reference_op(op)? {
            return Ok(());
        }
        Err(Error::impossible(&format!("an operator without a row: {:?}", crate::outline::token_of(op))))
    }

    // The operand stack.

    fn next_slot(&self) -> Slot {
        self.stack.last().map_or(self.frame.operands, |top| top.slot + top.ty.slots())
    }

    fn push(&mut self, value: E::Value, ty: ValType) {
        let slot = self.next_slot();
        if ty.is_gc_managed() {
            self.gc_managed.push(self.stack.len());
        }
        self.stack.push(Operand { value, ty, slot });
        if E::ALIASES_LOCALS {
            self.aliases.push(None);
        }
    }

    fn push_alias(&mut self, value: E::Value, local: Local) {
        self.push(value, local.ty);
        if E::ALIASES_LOCALS {
            let newest = &mut self.newest_alias[local.index as usize];
            let at = self.stack.len() - 1;
            self.aliases[at] = Some(Alias { local: local.index, older: *newest });
            *newest = Some(at);
        }
    }

    fn pop(&mut self) -> Result<Operand<E::Value>> {
        let operand = self.stack.pop().ok_or_else(|| Error::impossible("the operand stack is empty"))?;
        if E::ALIASES_LOCALS
            && let Some(Some(alias)) = self.aliases.pop()
        {
            self.newest_alias[alias.local as usize] = alias.older;
        }
        self.gc_managed.pop_if(|index| *index == self.stack.len());
        self.unaliased = self.unaliased.min(self.stack.len());
        self.spilled = self.spilled.min(self.stack.len());
        Ok(operand)
    }

    fn pop_n<const N: usize>(&mut self) -> Result<[Operand<E::Value>; N]> {
        let popped = self.stack.last_chunk().copied().ok_or_else(|| Error::impossible("the operand stack is empty"))?;
        self.truncate(self.stack.len() - N);
        Ok(popped)
    }

    fn pop_many(&mut self, n: usize) -> Result<Vec<Operand<E::Value>>> {
        let mut popped = Vec::with_capacity(n);
        for _ in 0..n {
            popped.push(self.pop()?);
        }
        popped.reverse();
        Ok(popped)
    }

    fn truncate(&mut self, height: usize) {
        while self.stack.len() > height {
            let _ = self.pop();
        }
    }

    /// Returns the GC-managed operands on the stack, for the stack map of an operation that may collect garbage.
    fn live(&mut self) -> Result<Vec<Operand<E::Value>>> {
        self.live_references += self.gc_managed.len();
        if self.live_references > MAX_LIVE_REFERENCES {
            return Err(Error::limit("too many references are live across calls"));
        }
        Ok(self.gc_managed.iter().map(|index| self.stack[*index]).collect())
    }

    /// Returns the top `n` operands.
    fn top(&self, n: usize) -> Result<&[Operand<E::Value>]> {
        let from = self.stack.len().checked_sub(n).ok_or_else(|| Error::impossible("too few operands"))?;
        Ok(&self.stack[from..])
    }

    /// Makes all operands that alias a local independent of it, before the local changes.
    fn preserve_local(&mut self, local: u32) {
        if !E::ALIASES_LOCALS {
            return;
        }
        let mut next = self.newest_alias[local as usize].take();
        while let Some(at) = next {
            self.emit.preserve(&mut self.stack[at]);
            next = self.aliases[at].take().and_then(|alias| alias.older);
        }
    }

    /// Makes all operands independent of locals, before control flow splits.
    fn preserve_all(&mut self) {
        if !E::ALIASES_LOCALS {
            return;
        }
        for at in self.unaliased..self.stack.len() {
            if let Some(alias) = self.aliases[at].take() {
                self.newest_alias[alias.local as usize] = None;
                self.emit.preserve(&mut self.stack[at]);
            }
        }
        self.unaliased = self.stack.len();
    }

    /// Spills every operand below `height` to its canonical slot, before a loop whose parameters begin there.
    fn spill_below(&mut self, height: usize) {
        self.preserve_all();
        for operand in self.stack[..height].iter_mut().skip(self.spilled) {
            self.emit.spill(operand);
        }
        self.spilled = self.spilled.max(height);
    }

    // Gas. A segment is a sequence of operators with a single entry. Its cost is charged on entry.

    fn charge(&mut self, op: impl Into<Op>) {
        if let Some(metering) = self.metering {
            self.open_segment();
            self.cost = self.cost.saturating_add(metering.cost(op.into()));
        }
    }

    fn open_segment(&mut self) {
        if self.metering.is_some() && self.segment.is_none() {
            self.segment = Some(self.emit.gas());
            self.cost = 0;
        }
    }

    fn end_segment(&mut self) {
        if let Some(mark) = self.segment.take() {
            self.emit.gas_cost(mark, self.cost);
        }
    }

    /// Adds the cost of an operator to the current segment and ends the segment.
    fn charge_last(&mut self, op: Structural) {
        self.charge(op);
        self.end_segment();
    }
}
