//! Source locations of machine instructions: the operator of each call, and of each instruction that may fault.
//!
//! On processors with memory operands, Cranelift folds a load into the instruction that uses its value, and gives that
//! instruction the location of the user. The load causes a fault there, so its location is restored. The same applies
//! to a branch to an `unreachable`. Cranelift turns it into a conditional trap with the branch's location.
//!
//! Optimization removes the locations of operations without side effects, after which many of them are
//! indistinguishable. Before code generation, such operations get the locations of the loads that may be folded into
//! them.

use cranelift_codegen::entity::SecondaryMap;
use cranelift_codegen::ir::{DataFlowGraph, Function, Inst, InstructionData, Opcode, TrapCode, Value};
use cranelift_codegen::{Final, MachBufferFinalized};
use kinglet_abi::Trap;
use kinglet_abi::image::{NO_SOURCE, Site};

/// The maximum number of operations between a load and the instruction into which it is folded: a conversion and an
/// operation before a store to the same address.
const MAX_FOLD_DISTANCE: usize = 4;

/// Returns the calls and the instructions that may fault, with their source locations.
pub(crate) fn sites(function: &Function, buffer: &MachBufferFinalized<Final>, branched: &BranchedTraps) -> Vec<Site> {
    let sources = buffer.get_srclocs_sorted();
    let source = |at: u32| {
        let after = sources.partition_point(|source| source.start <= at);
        let source = after.checked_sub(1).map(|index| &sources[index]);
        source.filter(|s| at < s.end && !s.loc.is_default()).map_or(NO_SOURCE, |s| s.loc.bits())
    };
    let calls = buffer.call_sites().map(|call| Site { at: call.ret_addr, source: source(call.ret_addr - 1), trap: 0 });
    let traps = buffer.traps().iter().filter_map(|trap| {
        let code = trap_of(trap.code)? as u32;
        Some(Site { at: trap.offset + 1, source: source(trap.offset), trap: code })
    });
    let mut sites: Vec<Site> = calls.chain(traps).collect();
    sites.sort_by_key(|site| site.at);
    separate_folded_loads(function, &mut sites);
    branched.restore(&mut sites);
    sites
}

/// The locations of branches that lead directly to an `unreachable`, each with the location of the `unreachable`.
pub(crate) struct BranchedTraps(Vec<(u32, u32)>);

impl BranchedTraps {
    /// Finds the branches to an `unreachable` in a function that is not optimized yet.
    pub(crate) fn find(function: &Function) -> BranchedTraps {
        let dfg = &function.dfg;
        let trap_of_block = |block| {
            let has_effect =
                |op: Opcode| op.is_terminator() || op.is_call() || op.can_store() || op.other_side_effects();
            let first = function.layout.block_insts(block).find(|inst| has_effect(dfg.insts[*inst].opcode()))?;
            let InstructionData::Trap { opcode: Opcode::Trap, code } = dfg.insts[first] else { return None };
            (trap_of(code) == Some(Trap::Unreachable)).then(|| function.srcloc(first).bits())
        };
        let branches = function.layout.blocks().filter_map(|block| function.layout.last_inst(block));
        let unreachables = branches.filter_map(|inst| {
            let InstructionData::Brif { blocks, .. } = dfg.insts[inst] else { return None };
            let traps = blocks.map(|call| trap_of_block(call.block(&dfg.value_lists)));
            Some((function.srcloc(inst).bits(), traps[0].or(traps[1])?))
        });
        let mut unreachables: Vec<_> = unreachables.collect();
        unreachables.sort_unstable();
        BranchedTraps(unreachables)
    }

    fn restore(&self, sites: &mut [Site]) {
        for site in sites.iter_mut().filter(|site| site.trap == Trap::Unreachable as u32) {
            if let Ok(found) = self.0.binary_search_by_key(&site.source, |(branch, _)| *branch) {
                site.source = self.0[found].1;
            }
        }
    }
}

/// Assigns locations to operations that lost theirs in optimization: those of the loads that may be folded into them.
///
/// If an operation may contain several loads, it gets the location of the last. [`separate_folded_loads`] finds the
/// others.
pub(crate) fn assign_folded_locations(function: &mut Function) {
    let stencil = &mut function.stencil;
    let (dfg, layout) = (&stencil.dfg, &stencil.layout);
    // For each value, the load in the same block from which it was computed, and the number of operations since then.
    let mut origins: SecondaryMap<Value, Option<(Inst, usize)>> = SecondaryMap::with_capacity(dfg.num_values());
    let mut locations = Vec::new();
    for block in layout.blocks() {
        for inst in layout.block_insts(block) {
            let origin = if fault_of_load(dfg, inst).is_some() {
                Some((inst, 0))
            } else if stencil.srclocs[inst].is_default() {
                let loads = dfg.inst_values(inst).filter_map(|value| origins[dfg.resolve_aliases(value)]);
                let loads =
                    loads.filter(|(load, steps)| layout.inst_block(*load) == Some(block) && *steps < MAX_FOLD_DISTANCE);
                let last = loads.max_by(|(a, _), (b, _)| layout.pp_cmp(*a, *b));
                last.inspect(|(load, _)| locations.push((inst, *load))).map(|(load, steps)| (load, steps + 1))
            } else {
                None
            };
            for result in dfg.inst_results(inst) {
                origins[*result] = origin;
            }
        }
    }
    for (inst, load) in locations {
        stencil.srclocs[inst] = stencil.srclocs[load];
    }
}

/// Assigns faults of folded loads to the locations of the loads. Such loads have no instruction of their own.
fn separate_folded_loads(function: &Function, sites: &mut [Site]) {
    let dfg = &function.dfg;
    let insts = || function.layout.blocks().flat_map(|block| function.layout.block_insts(block));
    let location = |inst| function.srcloc(inst).bits();
    // Sites sorted by location, trap and code order.
    let mut by_location: Vec<(u32, u32, usize)> =
        sites.iter().enumerate().map(|(index, site)| (site.source, site.trap, index)).collect();
    by_location.sort_unstable();
    let sites_at = |at: u32, trap: u32| {
        let [from, to] = [0, usize::MAX].map(|index| by_location.partition_point(|site| *site < (at, trap, index)));
        by_location[from..to].iter().map(|(_, _, index)| *index)
    };
    let folded = |inst: Inst| {
        let trap = fault_of_load(dfg, inst)? as u32;
        let loaded = dfg.inst_results(inst).first()?;
        let has_site = location(inst) == NO_SOURCE || sites_at(location(inst), trap).next().is_some();
        (!has_site).then_some((*loaded, location(inst), trap))
    };
    let folded: Vec<(Value, u32, u32)> = insts().filter_map(folded).collect();
    if folded.is_empty() {
        return;
    }
    // A load is folded only if its value has one user.
    let mut users: SecondaryMap<Value, Option<Inst>> = SecondaryMap::with_capacity(dfg.num_values());
    for inst in insts() {
        dfg.inst_values(inst).for_each(|value| users[dfg.resolve_aliases(value)] = Some(inst));
    }
    let is_access = |inst: &Inst| fault_of_access(dfg, *inst).is_some();
    let mut accesses: Vec<u32> = insts().filter(is_access).map(location).collect();
    accesses.sort_unstable();
    for (loaded, source, trap) in folded {
        let mut value = Some(loaded);
        for _ in 0..MAX_FOLD_DISTANCE {
            let Some(user) = value.and_then(|value| users[value]) else { break };
            let at = location(user);
            // If an operation contains several loads, a later load is folded into an earlier instruction. The
            // operation's own memory access comes last or shares that instruction.
            let mut matching = sites_at(at, trap).rev().filter(|site| sites[*site].source == at);
            let last_site = matching.next();
            let previous_site = accesses.binary_search(&at).ok().and_then(|_| matching.next());
            if let Some(site) = previous_site.or(last_site) {
                sites[site].source = source;
                break;
            }
            value = dfg.inst_results(user).first().copied();
        }
    }
}

/// Returns the trap of a load that may fault.
fn fault_of_load(dfg: &DataFlowGraph, inst: Inst) -> Option<Trap> {
    fault_of_access(dfg, inst).filter(|_| dfg.insts[inst].opcode().can_load())
}

/// Returns the trap of a load or store that may fault.
fn fault_of_access(dfg: &DataFlowGraph, inst: Inst) -> Option<Trap> {
    // Bitcasts have memory flags too.
    let access = Some(&dfg.insts[inst]).filter(|data| data.opcode().can_load() || data.opcode().can_store())?;
    trap_of(access.memflags_trap_code(dfg)?)
}

/// Returns the trap for a trap code; `None` for unreachable instructions.
fn trap_of(code: TrapCode) -> Option<Trap> {
    match code {
        TrapCode::STACK_OVERFLOW => Some(Trap::StackOverflow),
        TrapCode::HEAP_OUT_OF_BOUNDS => Some(Trap::MemoryOutOfBounds),
        TrapCode::INTEGER_OVERFLOW => Some(Trap::IntegerOverflow),
        TrapCode::INTEGER_DIVISION_BY_ZERO => Some(Trap::IntegerDivideByZero),
        TrapCode::BAD_CONVERSION_TO_INTEGER => Some(Trap::InvalidConversionToInteger),
        code => Trap::from_code(code.as_raw().get().into()),
    }
}
