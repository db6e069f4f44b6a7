//! The one walk over a function body. It owns what the specification's structure says: the typed operand stack, the
//! control stack, block types, unreachable code, which operands alias a local, where gas is charged and where checks
//! stand. What an operation does is the emitter's.
//!
//! Invariant: bodies walked here are validated, so the stacks have what an operation needs; where this rests on
//! far-away reasoning a missing piece becomes an error, never a panic. Two drivers share the code: [`function`] and
//! [`constant`] trust an engine's own validation, [`checked`] keeps in lock-step with wasmparser's validator and
//! compares the stacks after every operator (core specification, "Validation Algorithm").

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
use control::Control;

/// What every operation costs, if gas is metered.
#[derive(Clone, Debug, Default)]
pub struct Metering {
    costs: HashMap<u16, u64>,
}

impl Metering {
    /// Every operation costs 1.
    pub fn new() -> Metering {
        Metering::default()
    }

    /// Sets the cost of one operation.
    pub fn set_cost(&mut self, op: Op, cost: u64) {
        self.costs.insert(op.gas_index(), cost);
    }

    /// The costs as text: the same for the same costs only.
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

/// Walks the body of a function defined by the module, by its place among those.
pub fn function<E: Emit>(module: &Module, defined: u32, metering: Option<&Metering>, emit: &mut E) -> Result<()> {
    let ty = module.func_type(module.imported_funcs + defined);
    let (locals, operators) = body(module, defined)?;
    let frame = canonical_frame(&locals, ty.params().len(), ty.results(), &operators);
    let mut walk = Walk::new(module, frame, metering, emit)?;
    walk.run(wp::OperatorsReader::new(operators))
}

/// Walks a constant expression as a function without parameters.
pub fn constant<E: Emit>(module: &Module, index: u32, metering: Option<&Metering>, emit: &mut E) -> Result<()> {
    let body = module.const_bodies.get(index as usize).ok_or_else(|| Error::impossible("no such expression"))?;
    let reader = wp::BinaryReader::new(&module.bytes[body.range.clone()], body.range.start as u64);
    let mut walk = Walk::new(module, canonical_frame(&[], 0, &[body.ty], &reader), metering, emit)?;
    walk.run(wp::OperatorsReader::new(reader))
}

/// Validates all bodies of a module again, walking each in lock-step with the validator and comparing the heights of
/// both operand and control stacks after every operator. `emitter` makes the emitter of a function, by its place among
/// the defined ones.
pub fn checked<E: Emit>(module: &Module, features: Features, mut emitter: impl FnMut(u32) -> E) -> Result<()> {
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
            if walk.dead == 0 && walk.reachable {
                let (ours, theirs) = (walk.stack.len() as u32, func.operand_stack_height());
                if ours != theirs || walk.controls.len() as u32 != func.control_stack_height() {
                    return Err(Error::impossible(&format!("at byte {at:#x}: {ours} operands, validator {theirs}")));
                }
            }
        }
        defined += 1;
    }
    Ok(())
}

/// The canonical frame of a function defined by the module.
pub fn frame(module: &Module, defined: u32) -> Result<Frame> {
    let ty = module.func_type(module.imported_funcs + defined);
    let (locals, operators) = body(module, defined)?;
    Ok(canonical_frame(&locals, ty.params().len(), ty.results(), &operators))
}

/// The types of a function's parameters and locals, and its operators.
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

/// The byte offset in the module of the first operator of a function, by its place among those the module defines.
pub fn start(module: &Module, defined: u32) -> Option<u32> {
    u32::try_from(body(module, defined).ok()?.1.original_position()).ok()
}

/// The loops around the one whose operator has this byte offset in the module, outermost first, and that: the offsets
/// of their operators. None if the function, by its place among the defined ones, has no such loop.
pub fn loops_to(module: &Module, defined: u32, header: u32) -> Result<Option<Vec<u32>>> {
    let mut ops = wp::OperatorsReader::new(body(module, defined)?.1);
    // Of every open structure, where it starts if it is a loop.
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

/// How many scratch slots a function has that begins by reading a global, as one does that has a stack frame of C in
/// linear memory.
const SCRATCH_SLOTS: Slot = 16;

/// The first byte of `global.get`.
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

/// An operand's place in the list of operands that alias the same local.
#[derive(Clone, Copy)]
struct Alias {
    local: u32,
    /// The next older operand aliasing it.
    older: Option<usize>,
}

struct Walk<'m, 'e, E: Emit> {
    module: &'m Module,
    emit: &'e mut E,
    frame: Frame,
    stack: Vec<Operand<E::Value>>,
    /// For every operand, whether it aliases a local.
    aliases: Vec<Option<Alias>>,
    /// For every local, the newest operand that aliases it.
    newest_alias: Vec<Option<usize>>,
    /// Operands below this height alias nothing.
    settled: usize,
    /// Operands below this height are in their canonical slots.
    spilled: usize,
    /// Heights of the operands that a collector traces.
    gc_operands: Vec<usize>,
    /// How many of them were live over the calls so far, added up.
    live_references: usize,
    controls: Vec<Control<E>>,
    /// Whether the next operator can be reached.
    reachable: bool,
    /// Depth of control structures entered in unreachable code.
    dead: usize,
    metering: Option<&'m Metering>,
    segment: Option<E::Mark>,
    cost: u64,
    results: Vec<E::Value>,
    /// How many operands open `if`s keep for their second arms.
    kept: usize,
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
            settled: 0,
            spilled: 0,
            gc_operands: Vec::new(),
            live_references: 0,
            controls: vec![Control::function(label)],
            reachable: true,
            dead: 0,
            metering,
            segment: None,
            cost: 0,
            results: Vec::new(),
            kept: 0,
        };
        walk.open_segment();
        walk.emit.check(Check::Entry, &[]);
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
        self.emit.at(at);
        self.op(op)?;
        if self.emit.settles() {
            self.preserve_all();
        }
        if self.emit.stopped() {
            return Err(Error::limit("the tier has ended its work on this function"));
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
            self.gc_operands.push(self.stack.len());
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
        self.gc_operands.pop_if(|height| *height == self.stack.len());
        self.settled = self.settled.min(self.stack.len());
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

    /// The operands that a collector traces, for something that may collect.
    fn live(&mut self) -> Result<Vec<Operand<E::Value>>> {
        self.live_references += self.gc_operands.len();
        if self.live_references > MAX_LIVE_REFERENCES {
            return Err(Error::limit("too many references are live over calls"));
        }
        Ok(self.gc_operands.iter().map(|height| self.stack[*height]).collect())
    }

    /// The top `n` operands.
    fn top(&self, n: usize) -> Result<&[Operand<E::Value>]> {
        let from = self.stack.len().checked_sub(n).ok_or_else(|| Error::impossible("too few operands"))?;
        Ok(&self.stack[from..])
    }

    /// Before a local changes: no operand may alias it any more.
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

    /// Before control can part: no operand may alias any local.
    fn preserve_all(&mut self) {
        if !E::ALIASES_LOCALS {
            return;
        }
        for at in self.settled..self.stack.len() {
            if let Some(alias) = self.aliases[at].take() {
                self.newest_alias[alias.local as usize] = None;
                self.emit.preserve(&mut self.stack[at]);
            }
        }
        self.settled = self.stack.len();
    }

    /// Before a loop: every operand below its parameters is in its canonical slot.
    fn spill_below(&mut self, height: usize) {
        self.preserve_all();
        for operand in self.stack[..height].iter_mut().skip(self.spilled) {
            self.emit.spill(operand);
        }
        self.spilled = self.spilled.max(height);
    }

    // Gas: a segment is a run of operators with one entry, charged when it is entered.

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

    /// Charges an operator that ends its segment.
    fn charge_last(&mut self, op: Structural) {
        self.charge(op);
        self.end_segment();
    }
}
