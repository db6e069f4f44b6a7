//! Estimates the cost of compiling a function before Cranelift runs, and compares it with limits.
//!
//! Cranelift cannot be stopped while it compiles a function. A body of a few kilobytes can take gigabytes of memory and
//! minutes of time. Examples are blocks with many parameters and predecessors, variables that are live through many
//! blocks, and GC references that are live across many calls.
//!
//! Invariants: the estimate depends on the function alone, so every machine and any number of threads skip the same
//! functions. [`CostMeter::check`] stops the walk soon after a function is known to be too large; [`CostMeter::finish`]
//! decides.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

use cranelift_codegen::dominator_tree::DominatorTree;
use cranelift_codegen::entity::{EntityRef, EntitySet, SecondaryMap};
use cranelift_codegen::flowgraph::ControlFlowGraph;
use cranelift_codegen::ir::{Block, Function, Inst, Value, ValueDef};
use cranelift_codegen::loop_analysis::{Loop, LoopAnalysis};
use cranelift_frontend::Variable;

use crate::compile::CompileError;
use crate::convention::ValueRepr;

/// The limits of a compilation.
#[derive(Clone, Copy, Debug)]
pub struct CompileLimits<'a> {
    /// The estimated memory for compiling one function, in bytes. Functions compiled at the same time share it.
    pub memory: usize,
    /// Whether the compilation is cancelled. The remaining functions are then skipped.
    pub cancelled: Option<&'a AtomicBool>,
}

impl Default for CompileLimits<'_> {
    /// Returns no limits.
    fn default() -> Self {
        CompileLimits { memory: usize::MAX, cancelled: None }
    }
}

impl CompileLimits<'_> {
    pub(crate) fn check(&self, needed: usize) -> Result<(), CompileError> {
        if self.cancelled.is_some_and(|cancelled| cancelled.load(Ordering::Relaxed)) {
            return Err(CompileError::Cancelled);
        }
        if needed > self.memory { Err(CompileError::TooLarge(self.memory)) } else { Ok(()) }
    }
}

/// The cost of an instruction in bytes of memory, without its operands and results. All costs are estimates.
const INST: usize = 150;
/// The cost of an instruction's result.
const RESULT: usize = 200;
/// The cost of an instruction's operand.
const OPERAND: usize = 50;
/// The cost of a call's result. Most results are loaded from the stack.
const CALL_RESULT: usize = 1000;
/// The cost of a call's operand.
const CALL_OPERAND: usize = 500;
/// The cost of a block parameter.
const PARAM: usize = 600;
/// The cost of a branch's argument for a block parameter.
const BRANCH_OPERAND: usize = 450;
/// The cost of a block.
const BLOCK: usize = 400;
/// The cost of a value, even an unused one: its entries in dense tables.
const VALUE: usize = 64;
/// The cost of a value live at a block's start: a sparse set entry there and at the end of each predecessor.
const LIVE: usize = 64;
/// The cost of a variable in each block up to the last that uses it: an element of an array that grows by doubling.
const DEFINITION: usize = 8;
/// The cost of a GC reference that is live across a call: an entry in the call's stack map.
const STACK_MAP_ENTRY: usize = 48;

/// The number of dominator tree levels above instructions that cost as much as one byte. For each instruction,
/// Cranelift searches the dominating blocks for an equal value. The estimate counts the time for this as memory.
const DEPTH_INSTS_PER_BYTE: usize = 2;

/// The number of steps between nested loops that cost as much as one byte. For each operand, Cranelift tests whether
/// each enclosing loop contains the operand's block, with one step for each loop in between.
const LOOP_STEPS_PER_BYTE: usize = 2;

/// The number of instructions in live ranges that cost as much as one byte. Register allocation compares each value
/// with all values that are live at the same time.
const LIVE_INSTS_PER_BYTE: usize = 1;

/// The number of scanned branch arguments that cost as much as one byte. For each block in a live range, register
/// allocation scans branch arguments. It starts after those of the last value whose live range has gaps.
const SCANNED_OPERANDS_PER_BYTE: usize = 32;

/// The factor by which the cost during the walk may exceed the limit, because some of these costs may not arise.
const SLACK: usize = 8;

/// The highest cost, in bytes, after which a thread reuses its buffers.
pub(crate) const MAX_REUSED_COST: usize = 16 << 20;

/// Tracks the cost of a function while the walk builds it.
pub(crate) struct CostMeter<'a> {
    limits: CompileLimits<'a>,
    /// For each variable, the number of blocks that the frontend's table covers.
    covered: Vec<u32>,
    definitions: usize,
    /// The capacity of the value list pool at the start of the function. A reused pool keeps its capacity.
    pool: usize,
}

impl<'a> CostMeter<'a> {
    pub(crate) fn new(limits: CompileLimits<'a>, function: &Function) -> CostMeter<'a> {
        CostMeter { limits, covered: Vec::new(), definitions: 0, pool: function.dfg.value_lists.capacity() }
    }

    /// Records a use or definition of a variable in a block.
    pub(crate) fn touch(&mut self, variable: Variable, block: Block) {
        let (variable, blocks) = (variable.index(), block.as_u32() + 1);
        if self.covered.len() <= variable {
            self.covered.resize(variable + 1, 0);
        }
        let covered = &mut self.covered[variable];
        self.definitions += blocks.saturating_sub(*covered) as usize;
        *covered = blocks.max(*covered);
    }

    /// Checks the cost so far.
    ///
    /// # Errors
    /// If the function is too large or the compilation is cancelled.
    pub(crate) fn check(&self, function: &Function) -> Result<(), CompileError> {
        let operands = (function.dfg.value_lists.capacity() - self.pool) / SLACK;
        self.limits.check(self.base_cost(function) + operands * OPERAND)
    }

    /// Checks the cost with an instruction that has this many operands.
    pub(crate) fn check_operands(&self, function: &Function, operands: usize) -> Result<(), CompileError> {
        self.limits.check(self.base_cost(function).saturating_add(operands.saturating_mul(BRANCH_OPERAND)))
    }

    /// Checks the cost of sealing blocks, which may add up to this many branch arguments.
    pub(crate) fn check_seal(&self, operands: usize) -> Result<(), CompileError> {
        self.limits.check((operands / SLACK).saturating_mul(BRANCH_OPERAND))
    }

    /// Computes the cost of the whole function. All blocks are sealed, but the function is not finalized yet. At most
    /// `nested` loops are nested in each other.
    pub(crate) fn finish(&self, function: &Function, gc_refs: &GcRefs, nested: usize) -> Result<usize, CompileError> {
        let (mut needed, mut operands) = (self.base_cost(function), 0);
        for block in function.layout.blocks() {
            let (cost, to_params) = block_cost(function, block);
            (needed, operands) = (needed + cost, operands + to_params);
        }
        self.limits.check(needed)?;
        let (dfg, rest) = (&function.dfg, (self.limits.memory - needed) / 8);
        let [values, insts, blocks] = [dfg.num_values(), dfg.num_insts(), dfg.num_blocks()];
        let product = |a: usize, b: usize, share: usize| a.saturating_mul(b) / share;
        // If there are few values and blocks, the product is a sufficient bound.
        let live = product(values, blocks, 1).saturating_mul(LIVE).max(product(values, insts, LIVE_INSTS_PER_BYTE));
        if live.max(product(values, operands, SCANNED_OPERANDS_PER_BYTE)) > rest || gc_refs.any() {
            needed = needed.saturating_add(Liveness::new(function).cost(gc_refs, self.limits.memory - needed));
            self.limits.check(needed)?;
        }
        let loops = product(insts, nested.saturating_mul(nested), LOOP_STEPS_PER_BYTE);
        if product(insts, blocks, DEPTH_INSTS_PER_BYTE).max(loops) > rest {
            needed = needed.saturating_add(nesting_cost(function));
        }
        self.limits.check(needed)?;
        Ok(needed)
    }

    /// Returns the cost that does not depend on operands.
    fn base_cost(&self, function: &Function) -> usize {
        let dfg = &function.dfg;
        let [values, insts, blocks] = [dfg.num_values() * VALUE, dfg.num_insts() * INST, dfg.num_blocks() * BLOCK];
        values + insts + blocks + self.definitions * DEFINITION
    }
}

/// Returns the cost of a block's parameters and instructions, and the number of its branch arguments.
fn block_cost(function: &Function, block: Block) -> (usize, usize) {
    let dfg = &function.dfg;
    let mut operands = 0;
    let inst_cost = |inst: Inst| {
        let data = &dfg.insts[inst];
        let targets = data.branch_destination(&dfg.jump_tables, &dfg.exception_tables);
        let to_params: usize = targets.iter().map(|target| target.len(&dfg.value_lists)).sum();
        operands += to_params;
        let [operand, result] = if data.opcode().is_call() { [CALL_OPERAND, CALL_RESULT] } else { [OPERAND, RESULT] };
        let own_cost = dfg.inst_args(inst).len() * operand + dfg.inst_results(inst).len() * result;
        own_cost + targets.len() * OPERAND + to_params * BRANCH_OPERAND
    };
    let cost = dfg.block_params(block).len() * PARAM + function.layout.block_insts(block).map(inst_cost).sum::<usize>();
    (cost, operands)
}

/// The GC references of a function, which need stack map entries.
#[derive(Default)]
pub(crate) struct GcRefs {
    /// The values declared as GC references.
    pub(crate) values: EntitySet<Value>,
    /// Whether any variable holds GC references. The frontend turns such variables into block parameters.
    pub(crate) variables: bool,
}

impl GcRefs {
    fn any(&self) -> bool {
        self.variables || !self.values.is_empty()
    }

    /// Returns whether a value may be a GC reference.
    fn contains(&self, function: &Function, value: Value) -> bool {
        let is_param = || matches!(function.dfg.value_def(value), ValueDef::Param(..));
        let may_be = || self.variables && function.dfg.value_type(value) == ValueRepr::GcRef.clif() && is_param();
        self.values.contains(value) || may_be()
    }
}

/// Returns the cost that grows with the dominator depth of instructions and with the loop depth of their operands.
fn nesting_cost(function: &Function) -> usize {
    let graph = ControlFlowGraph::with_function(function);
    let tree = DominatorTree::with_function(function, &graph);
    let mut loops = LoopAnalysis::new();
    loops.compute(function, &graph, &tree);
    let mut loop_depths: SecondaryMap<Loop, usize> = SecondaryMap::new();
    for inner in loops.loops() {
        loop_depths[inner] = loops.loop_parent(inner).map_or(1, |outer| loop_depths[outer] + 1);
    }
    let (dfg, layout) = (&function.dfg, &function.layout);
    let loops_of = |value: Value| {
        let block = match dfg.value_def(dfg.resolve_aliases(value)) {
            ValueDef::Result(inst, _) => layout.inst_block(inst),
            ValueDef::Param(block, _) => Some(block),
            ValueDef::Union(..) => None,
        };
        block.and_then(|block| loops.innermost_loop(block)).map_or(0, |innermost| loop_depths[innermost])
    };
    let loop_steps = |inst: Inst| {
        let opcode = dfg.insts[inst].opcode();
        let moves = !opcode.is_call() && !opcode.is_branch() && !opcode.can_store();
        let operands = if moves { dfg.inst_args(inst) } else { &[] };
        operands.iter().map(|operand| loops_of(*operand)).map(|depth| depth * (depth + 1) / 2).sum::<usize>()
    };
    let mut depths: SecondaryMap<Block, usize> = SecondaryMap::new();
    let (mut sum, mut steps) = (0_usize, 0_usize);
    for block in tree.cfg_postorder().iter().rev().copied() {
        let depth = tree.idom(block).map_or(0, |above| depths[above] + 1);
        depths[block] = depth;
        let insts = layout.block_insts(block);
        let (count, in_loops) =
            insts.fold((0, 0), |(count, all), inst| (count + 1, loop_steps(inst).saturating_add(all)));
        (sum, steps) = (sum.saturating_add(depth * count), steps.saturating_add(in_loops));
    }
    sum / DEPTH_INSTS_PER_BYTE + steps / LOOP_STEPS_PER_BYTE
}

/// A use of a value outside its defining block, or any use of a GC reference.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct ValueUse {
    value: Value,
    block: Block,
    /// The number of calls in the block before the use.
    calls: u32,
}

/// Computes the live ranges of a function's values.
struct Liveness<'a> {
    function: &'a Function,
    predecessors: SecondaryMap<Block, Vec<Block>>,
    /// The number of calls in each block.
    calls: SecondaryMap<Block, u32>,
    /// For each instruction, the number of preceding calls in its block.
    before: SecondaryMap<Inst, u32>,
    /// The index of each block in the layout, and its number of instructions.
    positions: SecondaryMap<Block, (u32, u32)>,
}

/// The number of blocks at whose start a value is live, and the first and last of them in the layout.
#[derive(Clone, Copy, Default)]
struct BlockSpan {
    blocks: u32,
    first: u32,
    last: u32,
}

impl BlockSpan {
    fn add(&mut self, position: u32) {
        self.first = if self.blocks == 0 { position } else { self.first.min(position) };
        self.last = self.last.max(position);
        self.blocks += 1;
    }

    /// Returns whether the live range has gaps: blocks in which the value is not live, between blocks in which it is
    /// live. `home` is the index of its defining block.
    fn has_gaps(self, home: u32) -> bool {
        self.blocks > 0 && (self.first <= home || self.last - home != self.blocks)
    }
}

impl<'a> Liveness<'a> {
    fn new(function: &'a Function) -> Liveness<'a> {
        let (mut predecessors, mut calls) = (SecondaryMap::<Block, Vec<Block>>::new(), SecondaryMap::new());
        let (mut before, mut positions) = (SecondaryMap::new(), SecondaryMap::new());
        let dfg = &function.dfg;
        for (position, block) in function.layout.blocks().enumerate() {
            let (mut count, mut insts) = (0, 0);
            for inst in function.layout.block_insts(block) {
                before[inst] = count;
                insts += 1;
                count += u32::from(dfg.insts[inst].opcode().is_safepoint());
                for call in dfg.insts[inst].branch_destination(&dfg.jump_tables, &dfg.exception_tables) {
                    let from = &mut predecessors[call.block(&dfg.value_lists)];
                    if from.last() != Some(&block) {
                        from.push(block);
                    }
                }
            }
            calls[block] = count;
            positions[block] = (position as u32, insts);
        }
        Liveness { function, predecessors, calls, before, positions }
    }

    /// Returns a value's defining block, and the number of calls in that block before the definition.
    fn defined(&self, value: Value) -> Option<(Block, u32)> {
        match self.function.dfg.value_def(value) {
            ValueDef::Result(inst, _) => {
                let calls = self.before[inst] + u32::from(self.function.dfg.insts[inst].opcode().is_safepoint());
                Some((self.function.layout.inst_block(inst)?, calls))
            }
            ValueDef::Param(block, _) => Some((block, 0)),
            ValueDef::Union(..) => None,
        }
    }

    /// Returns the uses to count, sorted by value.
    fn uses(&self, gc_refs: &GcRefs) -> Vec<ValueUse> {
        let (function, dfg) = (self.function, &self.function.dfg);
        let mut uses = Vec::new();
        for block in function.layout.blocks() {
            for inst in function.layout.block_insts(block) {
                for value in dfg.inst_values(inst) {
                    let is_gc_ref = gc_refs.contains(self.function, value);
                    let value = dfg.resolve_aliases(value);
                    let is_local = self.defined(value).is_none_or(|(defined, _)| defined == block);
                    if !is_local || is_gc_ref || gc_refs.contains(self.function, value) {
                        uses.push(ValueUse { value, block, calls: self.before[inst] });
                    }
                }
            }
        }
        uses.sort_unstable();
        uses
    }

    /// Returns the number of instructions across which values are live in their defining blocks, up to the last use
    /// there.
    fn local_live_insts(&self) -> usize {
        let (dfg, layout) = (&self.function.dfg, &self.function.layout);
        let (mut sum, mut last_use) = (0, SecondaryMap::<Value, u32>::new());
        for block in layout.blocks() {
            for (position, inst) in (0..).zip(layout.block_insts(block)) {
                for value in dfg.inst_values(inst).map(|value| dfg.resolve_aliases(value)) {
                    if self.defined(value).is_some_and(|(home, _)| home == block) {
                        sum += (position - last_use[value]) as usize;
                        last_use[value] = position;
                    }
                }
                dfg.inst_results(inst).iter().for_each(|result| last_use[*result] = position);
            }
        }
        sum
    }

    /// Returns the number of branch arguments that register allocation scans for these live ranges.
    fn scanned_operands(&self, spans: &SecondaryMap<Value, BlockSpan>) -> usize {
        let (dfg, layout) = (&self.function.dfg, &self.function.layout);
        // `operands` counts the arguments up to the current value. `passed` counts the arguments up to the last value
        // with gaps.
        let (mut operands, mut passed, mut sum) = (0_usize, 0, 0_usize);
        for block in layout.blocks() {
            let block_position = self.positions[block].0;
            let branches = self.predecessors[block].len();
            let params = dfg.block_params(block).iter().map(|param| (*param, branches, 1));
            let results =
                layout.block_insts(block).flat_map(|inst| dfg.inst_results(inst)).map(|result| (*result, 0, 0));
            for (value, branches, own) in params.chain(results) {
                operands += branches;
                let span = spans[value];
                sum = sum.saturating_add((operands - passed) * (span.blocks as usize + own));
                if span.has_gaps(block_position) {
                    passed = operands;
                }
            }
        }
        sum
    }

    /// Returns the cost of live ranges. Stops soon after the cost exceeds `limit`.
    fn cost(&self, gc_refs: &GcRefs, limit: usize) -> usize {
        let mut cost = self.local_live_insts() / LIVE_INSTS_PER_BYTE;
        let mut spans: SecondaryMap<Value, BlockSpan> = SecondaryMap::new();
        // For each block, the value most recently found live at its start and at its end.
        let mut at_start: SecondaryMap<Block, Option<Value>> = SecondaryMap::new();
        let mut at_end = at_start.clone();
        let mut worklist = Vec::new();
        for uses in self.uses(gc_refs).chunk_by(|a, b| a.value == b.value) {
            let value = uses[0].value;
            let Some((home, defined)) = self.defined(value) else { continue };
            let per_call = if gc_refs.contains(self.function, value) { STACK_MAP_ENTRY } else { 0 };
            worklist.extend(uses.iter().map(|it| it.block).filter(|block| *block != home));
            while let Some(block) = worklist.pop() {
                if at_start[block].replace(value) == Some(value) {
                    continue;
                }
                let (position, insts) = self.positions[block];
                spans[value].add(position);
                cost += LIVE + insts as usize / LIVE_INSTS_PER_BYTE;
                for from in &self.predecessors[block] {
                    if at_end[*from].replace(value) == Some(value) {
                        continue;
                    }
                    let calls = self.calls[*from] - if *from == home { defined } else { 0 };
                    cost += per_call * calls as usize;
                    if *from != home {
                        worklist.push(*from);
                    }
                }
                if cost > limit {
                    return cost;
                }
            }
            // In a block where the value is not live at the end, it is live up to its last use.
            for in_block in uses.chunk_by(|a, b| a.block == b.block) {
                let block = in_block[0].block;
                if at_end[block] != Some(value) {
                    let last = in_block.last().map_or(0, |it| it.calls);
                    let calls = last.saturating_sub(if block == home { defined } else { 0 });
                    cost += per_call * calls as usize;
                }
            }
        }
        cost.saturating_add(self.scanned_operands(&spans) / SCANNED_OPERANDS_PER_BYTE)
    }
}

/// A memory budget shared by functions that compile at the same time.
pub(crate) struct MemoryBudget {
    memory: usize,
    used: Mutex<usize>,
    freed: Condvar,
}

/// A share of a budget, released on drop.
pub(crate) struct BudgetShare<'a> {
    budget: &'a MemoryBudget,
    memory: usize,
}

impl MemoryBudget {
    pub(crate) fn new(memory: usize) -> MemoryBudget {
        MemoryBudget { memory, used: Mutex::new(0), freed: Condvar::new() }
    }

    /// Waits until the budget has this many bytes left, and acquires a share of that size. A request that exceeds the
    /// budget gets the whole budget.
    pub(crate) fn share(&self, memory: usize) -> BudgetShare<'_> {
        let memory = memory.min(self.memory);
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        while *used > self.memory - memory {
            used = self.freed.wait(used).unwrap_or_else(PoisonError::into_inner);
        }
        *used += memory;
        BudgetShare { budget: self, memory }
    }
}

impl Drop for BudgetShare<'_> {
    fn drop(&mut self) {
        *self.budget.used.lock().unwrap_or_else(PoisonError::into_inner) -= self.memory;
        self.budget.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_share_waits_for_memory_and_may_take_the_whole_budget() {
        let budget = MemoryBudget::new(100);
        let small = [budget.share(30), budget.share(60)];
        std::thread::scope(|scope| {
            let large = scope.spawn(|| drop(budget.share(1000)));
            std::thread::sleep(Duration::from_millis(20));
            assert!(!large.is_finished());
            drop(small);
            large.join().unwrap();
        });
        assert_eq!(*budget.used.lock().unwrap(), 0);
    }
}
