//! What compiling a function takes, estimated before Cranelift begins, and the bounds that it is compared with. Cranelift
//! cannot be stopped in the middle, and a body of some kilobytes can have it take gigabytes and minutes: blocks with many
//! parameters and many ways in, variables that live through many blocks, references that live over many calls.
//!
//! Invariants: the estimate depends on the function alone, so that the same functions are refused on every machine and by
//! any number of threads. [`Meter`] stops the walk soon after the function is known to be too large; [`estimate`] decides.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

use cranelift_codegen::dominator_tree::DominatorTree;
use cranelift_codegen::entity::{EntityRef, EntitySet, SecondaryMap};
use cranelift_codegen::flowgraph::ControlFlowGraph;
use cranelift_codegen::ir::{Block, Function, Inst, Value, ValueDef};
use cranelift_codegen::loop_analysis::{Loop, LoopAnalysis};
use cranelift_frontend::Variable;

use crate::compile::Error;
use crate::convention::Kind;

/// What a compilation may take, and whether it is still wanted.
#[derive(Clone, Copy, Debug)]
pub struct Limits<'a> {
    /// About how many bytes of memory compiling a function may take; functions that are compiled at the same time share
    /// them.
    pub memory: usize,
    /// Whether nobody waits for the result any more. Functions that are not compiled by then are left out.
    pub abandoned: Option<&'a AtomicBool>,
}

impl Default for Limits<'_> {
    /// None.
    fn default() -> Self {
        Limits { memory: usize::MAX, abandoned: None }
    }
}

impl Limits<'_> {
    pub(crate) fn check(&self, needed: usize) -> Result<(), Error> {
        if self.abandoned.is_some_and(|abandoned| abandoned.load(Ordering::Relaxed)) {
            return Err(Error::Abandoned);
        }
        if needed > self.memory { Err(Error::TooLarge(self.memory)) } else { Ok(()) }
    }
}

/// What Cranelift takes for an instruction, about, in bytes, beside its operands and results.
const INST: usize = 150;
/// For a result of an instruction.
const RESULT: usize = 200;
/// For an operand of an instruction.
const OPERAND: usize = 50;
/// For a result of a call, most of which are loaded from the stack.
const CALL_RESULT: usize = 1000;
/// For an operand of a call.
const CALL_OPERAND: usize = 500;
/// For a parameter of a block.
const PARAM: usize = 600;
/// For an operand of a branch that a parameter gets.
const BRANCH_OPERAND: usize = 450;
/// For a block.
const BLOCK: usize = 400;
/// For a value that was ever made, even if it is not used: entries of dense tables.
const VALUE: usize = 64;
/// For a value that lives where a block begins: an entry of a sparse set, at that block's start and its predecessors' end.
const LIVE: usize = 64;
/// For a variable in a block up to the last one where it is used: an element of an array that grows by doubling.
const DEFINITION: usize = 8;
/// For a reference that lives over a call: an entry of the call's stack map.
const STACK_MAP_ENTRY: usize = 48;

/// How many blocks deep an instruction may be, in the tree of which block dominates which, for a byte: Cranelift looks
/// through the blocks above it for where its value is there already. This takes time, and counts as if it were memory.
const INSTS_OF_DEPTH: usize = 2;

/// How many steps from a loop to the one around it, for a byte: for each operand Cranelift asks of each loop around it
/// whether that has the operand's block in it, which takes a step for each loop between the two. Time, too.
const STEPS_OF_LOOPS: usize = 2;

/// For how many instructions values may live, all of them added up, for a byte: the allocation of registers compares each
/// value with those that live at the same time. Time, too.
const INSTS_ALIVE: usize = 1;

/// How many operands of branches to blocks with parameters are looked through, for a byte: the allocation of registers
/// begins, at each block where a value lives, behind those of the last value that lives with gaps. Time, too.
const OPERANDS_SCANNED: usize = 32;

/// By how much more the walk may exceed the bound in what may yet turn out to be unnecessary.
const SLACK: usize = 8;

/// Functions that take more leave no memory to the next one.
pub(crate) const MOST_REUSED: usize = 16 << 20;

/// Watches a function grow.
pub(crate) struct Meter<'a> {
    limits: Limits<'a>,
    /// How many blocks the frontend's table of each variable covers.
    covered: Vec<u32>,
    definitions: usize,
    /// How large the pool of lists was when the function was begun: one that was used before keeps its memory.
    pool: usize,
}

impl<'a> Meter<'a> {
    pub(crate) fn new(limits: Limits<'a>, function: &Function) -> Meter<'a> {
        Meter { limits, covered: Vec::new(), definitions: 0, pool: function.dfg.value_lists.capacity() }
    }

    /// A variable is read or written in this block.
    pub(crate) fn touch(&mut self, variable: Variable, block: Block) {
        let (variable, blocks) = (variable.index(), block.as_u32() + 1);
        if self.covered.len() <= variable {
            self.covered.resize(variable + 1, 0);
        }
        let covered = &mut self.covered[variable];
        self.definitions += blocks.saturating_sub(*covered) as usize;
        *covered = blocks.max(*covered);
    }

    /// Fails if the function has become too large, or nobody wants it any more.
    pub(crate) fn check(&self, function: &Function) -> Result<(), Error> {
        let operands = (function.dfg.value_lists.capacity() - self.pool) / SLACK;
        self.limits.check(self.known(function) + operands * OPERAND)
    }

    /// The same before an instruction is made that has many operands.
    pub(crate) fn check_operands(&self, function: &Function, operands: usize) -> Result<(), Error> {
        self.limits.check(self.known(function).saturating_add(operands.saturating_mul(BRANCH_OPERAND)))
    }

    /// The same before blocks are sealed, of which each parameter may get an operand of each branch to it.
    pub(crate) fn check_seal(&self, operands: usize) -> Result<(), Error> {
        self.limits.check((operands / SLACK).saturating_mul(BRANCH_OPERAND))
    }

    /// The cost of the whole function. It is not finalized yet, but all its blocks are sealed. At most `nested` of its loops
    /// are in one another.
    pub(crate) fn finish(&self, function: &Function, traced: &Traced, nested: usize) -> Result<usize, Error> {
        let (mut needed, mut operands) = (self.known(function), 0);
        for block in function.layout.blocks() {
            let (cost, to_params) = block_cost(function, block);
            (needed, operands) = (needed + cost, operands + to_params);
        }
        self.limits.check(needed)?;
        let (dfg, rest) = (&function.dfg, (self.limits.memory - needed) / 8);
        let [values, insts, blocks] = [dfg.num_values(), dfg.num_insts(), dfg.num_blocks()];
        let product = |a: usize, b: usize, share: usize| a.saturating_mul(b) / share;
        // Few values in few blocks need no closer look.
        let alive = product(values, blocks, 1).saturating_mul(LIVE).max(product(values, insts, INSTS_ALIVE));
        if alive.max(product(values, operands, OPERANDS_SCANNED)) > rest || traced.any() {
            needed = needed.saturating_add(Lives::new(function).cost(traced, self.limits.memory - needed));
            self.limits.check(needed)?;
        }
        let loops = product(insts, nested.saturating_mul(nested), STEPS_OF_LOOPS);
        if product(insts, blocks, INSTS_OF_DEPTH).max(loops) > rest {
            needed = needed.saturating_add(depths(function));
        }
        self.limits.check(needed)?;
        Ok(needed)
    }

    /// What the function takes already, whatever its instructions are.
    fn known(&self, function: &Function) -> usize {
        let dfg = &function.dfg;
        let [values, insts, blocks] = [dfg.num_values() * VALUE, dfg.num_insts() * INST, dfg.num_blocks() * BLOCK];
        values + insts + blocks + self.definitions * DEFINITION
    }
}

/// The cost of a block's parameters, and of the operands and results of its instructions; and how many operands its
/// branches have for parameters.
fn block_cost(function: &Function, block: Block) -> (usize, usize) {
    let dfg = &function.dfg;
    let mut operands = 0;
    let of = |inst: Inst| {
        let data = &dfg.insts[inst];
        let targets = data.branch_destination(&dfg.jump_tables, &dfg.exception_tables);
        let to_params: usize = targets.iter().map(|target| target.len(&dfg.value_lists)).sum();
        operands += to_params;
        let [operand, result] = if data.opcode().is_call() { [CALL_OPERAND, CALL_RESULT] } else { [OPERAND, RESULT] };
        let own = dfg.inst_args(inst).len() * operand + dfg.inst_results(inst).len() * result;
        own + targets.len() * OPERAND + to_params * BRANCH_OPERAND
    };
    let cost = dfg.block_params(block).len() * PARAM + function.layout.block_insts(block).map(of).sum::<usize>();
    (cost, operands)
}

/// The references of a function that stack maps are for.
#[derive(Default)]
pub(crate) struct Traced {
    /// Those that operations have made.
    pub(crate) values: EntitySet<Value>,
    /// Whether there are variables of the kind, which the frontend makes parameters of blocks.
    pub(crate) variables: bool,
}

impl Traced {
    fn any(&self) -> bool {
        self.variables || !self.values.is_empty()
    }

    /// Whether a value may be one.
    fn contains(&self, function: &Function, value: Value) -> bool {
        let is_param = || matches!(function.dfg.value_def(value), ValueDef::Param(..));
        let may_be = || self.variables && function.dfg.value_type(value) == Kind::Traced.clif() && is_param();
        self.values.contains(value) || may_be()
    }
}

/// The cost of a function's instructions that grows with the blocks above theirs in the tree of dominators, and with the
/// loops around their operands.
fn depths(function: &Function) -> usize {
    let graph = ControlFlowGraph::with_function(function);
    let tree = DominatorTree::with_function(function, &graph);
    let mut loops = LoopAnalysis::new();
    loops.compute(function, &graph, &tree);
    let mut around: SecondaryMap<Loop, usize> = SecondaryMap::new();
    for inner in loops.loops() {
        around[inner] = loops.loop_parent(inner).map_or(1, |outer| around[outer] + 1);
    }
    let (dfg, layout) = (&function.dfg, &function.layout);
    let loops_of = |value: Value| {
        let block = match dfg.value_def(dfg.resolve_aliases(value)) {
            ValueDef::Result(inst, _) => layout.inst_block(inst),
            ValueDef::Param(block, _) => Some(block),
            ValueDef::Union(..) => None,
        };
        block.and_then(|block| loops.innermost_loop(block)).map_or(0, |innermost| around[innermost])
    };
    let steps_of = |inst: Inst| {
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
            insts.fold((0, 0), |(count, all), inst| (count + 1, steps_of(inst).saturating_add(all)));
        (sum, steps) = (sum.saturating_add(depth * count), steps.saturating_add(in_loops));
    }
    sum / INSTS_OF_DEPTH + steps / STEPS_OF_LOOPS
}

/// A use of a value in a block where it is not defined, or of a reference anywhere.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Use {
    value: Value,
    block: Block,
    /// How many calls of the block come before the use.
    calls: u32,
}

/// Through which blocks the values of a function live.
struct Lives<'a> {
    function: &'a Function,
    predecessors: SecondaryMap<Block, Vec<Block>>,
    /// How many calls each block has.
    calls: SecondaryMap<Block, u32>,
    /// For each instruction, how many calls of its block come before it.
    before: SecondaryMap<Inst, u32>,
    /// Where each block is in the code, and how many instructions it has.
    places: SecondaryMap<Block, (u32, u32)>,
}

/// In how many blocks a value lives from the start, and which of them come first and last in the code.
#[derive(Clone, Copy, Default)]
struct Span {
    blocks: u32,
    first: u32,
    last: u32,
}

impl Span {
    fn add(&mut self, place: u32) {
        self.first = if self.blocks == 0 { place } else { self.first.min(place) };
        self.last = self.last.max(place);
        self.blocks += 1;
    }

    /// Whether the value, which is defined in the block at this place, does not live in some block between others where it
    /// does.
    fn has_gaps(self, home: u32) -> bool {
        self.blocks > 0 && (self.first <= home || self.last - home != self.blocks)
    }
}

impl<'a> Lives<'a> {
    fn new(function: &'a Function) -> Lives<'a> {
        let (mut predecessors, mut calls) = (SecondaryMap::<Block, Vec<Block>>::new(), SecondaryMap::new());
        let (mut before, mut places) = (SecondaryMap::new(), SecondaryMap::new());
        let dfg = &function.dfg;
        for (place, block) in function.layout.blocks().enumerate() {
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
            places[block] = (place as u32, insts);
        }
        Lives { function, predecessors, calls, before, places }
    }

    /// Where a value is defined, and how many calls of the block come before that.
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

    /// What there is to count, value by value.
    fn uses(&self, traced: &Traced) -> Vec<Use> {
        let (function, dfg) = (self.function, &self.function.dfg);
        let mut uses = Vec::new();
        for block in function.layout.blocks() {
            for inst in function.layout.block_insts(block) {
                for value in dfg.inst_values(inst) {
                    let is_traced = traced.contains(self.function, value);
                    let value = dfg.resolve_aliases(value);
                    let is_local = self.defined(value).is_none_or(|(defined, _)| defined == block);
                    if !is_local || is_traced || traced.contains(self.function, value) {
                        uses.push(Use { value, block, calls: self.before[inst] });
                    }
                }
            }
        }
        uses.sort_unstable();
        uses
    }

    /// For how many instructions values live in the blocks where they are defined, up to their last uses there.
    fn insts_at_home(&self) -> usize {
        let (dfg, layout) = (&self.function.dfg, &self.function.layout);
        let (mut sum, mut until) = (0, SecondaryMap::<Value, u32>::new());
        for block in layout.blocks() {
            for (place, inst) in (0..).zip(layout.block_insts(block)) {
                for value in dfg.inst_values(inst).map(|value| dfg.resolve_aliases(value)) {
                    if self.defined(value).is_some_and(|(home, _)| home == block) {
                        sum += (place - until[value]) as usize;
                        until[value] = place;
                    }
                }
                dfg.inst_results(inst).iter().for_each(|result| until[*result] = place);
            }
        }
        sum
    }

    /// How many operands for parameters are looked through, if values live where these say.
    fn operands_scanned(&self, spans: &SecondaryMap<Value, Span>) -> usize {
        let (dfg, layout) = (&self.function.dfg, &self.function.layout);
        // How many there are up to the value at hand, and were up to the last one that lives with gaps.
        let (mut operands, mut passed, mut sum) = (0_usize, 0, 0_usize);
        for block in layout.blocks() {
            let home = self.places[block].0;
            let ways = self.predecessors[block].len();
            let params = dfg.block_params(block).iter().map(|param| (*param, ways, 1));
            let results =
                layout.block_insts(block).flat_map(|inst| dfg.inst_results(inst)).map(|result| (*result, 0, 0));
            for (value, ways, own) in params.chain(results) {
                operands += ways;
                let span = spans[value];
                sum = sum.saturating_add((operands - passed) * (span.blocks as usize + own));
                if span.has_gaps(home) {
                    passed = operands;
                }
            }
        }
        sum
    }

    /// What values cost by living, no further than a bit beyond `most`.
    fn cost(&self, traced: &Traced, most: usize) -> usize {
        let mut cost = self.insts_at_home() / INSTS_ALIVE;
        let mut spans: SecondaryMap<Value, Span> = SecondaryMap::new();
        // For each block the value that was last found to live at its start, and at its end.
        let mut at_start: SecondaryMap<Block, Option<Value>> = SecondaryMap::new();
        let mut at_end = at_start.clone();
        let mut waiting = Vec::new();
        for uses in self.uses(traced).chunk_by(|a, b| a.value == b.value) {
            let value = uses[0].value;
            let Some((home, defined)) = self.defined(value) else { continue };
            let per_call = if traced.contains(self.function, value) { STACK_MAP_ENTRY } else { 0 };
            waiting.extend(uses.iter().map(|it| it.block).filter(|block| *block != home));
            while let Some(block) = waiting.pop() {
                if at_start[block].replace(value) == Some(value) {
                    continue;
                }
                let (place, insts) = self.places[block];
                spans[value].add(place);
                cost += LIVE + insts as usize / INSTS_ALIVE;
                for from in &self.predecessors[block] {
                    if at_end[*from].replace(value) == Some(value) {
                        continue;
                    }
                    let calls = self.calls[*from] - if *from == home { defined } else { 0 };
                    cost += per_call * calls as usize;
                    if *from != home {
                        waiting.push(*from);
                    }
                }
                if cost > most {
                    return cost;
                }
            }
            // Where it does not live on, it lives up to its last use there.
            for in_block in uses.chunk_by(|a, b| a.block == b.block) {
                let block = in_block[0].block;
                if at_end[block] != Some(value) {
                    let last = in_block.last().map_or(0, |it| it.calls);
                    let calls = last.saturating_sub(if block == home { defined } else { 0 });
                    cost += per_call * calls as usize;
                }
            }
        }
        cost.saturating_add(self.operands_scanned(&spans) / OPERANDS_SCANNED)
    }
}

/// Memory that functions share which are compiled at the same time.
pub(crate) struct Budget {
    memory: usize,
    used: Mutex<usize>,
    freed: Condvar,
}

/// A part of it, until it is dropped.
pub(crate) struct Share<'a> {
    budget: &'a Budget,
    memory: usize,
}

impl Budget {
    pub(crate) fn new(memory: usize) -> Budget {
        Budget { memory, used: Mutex::new(0), freed: Condvar::new() }
    }

    /// Waits until there is so much, or all of it.
    pub(crate) fn share(&self, memory: usize) -> Share<'_> {
        let memory = memory.min(self.memory);
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        while *used > self.memory - memory {
            used = self.freed.wait(used).unwrap_or_else(PoisonError::into_inner);
        }
        *used += memory;
        Share { budget: self, memory }
    }
}

impl Drop for Share<'_> {
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
    fn what_is_shared_is_waited_for_and_all_of_it_can_be_had() {
        let budget = Budget::new(100);
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
