//! Which operator an instruction of a function's machine code belongs to, where that is ever asked: behind calls, and
//! where code may fault.
//!
//! Processors whose instructions take operands from memory have a load folded into the instruction that uses its value,
//! and Cranelift gives that instruction the place of the latter. A fault there is the load's, whose place is put back. So
//! is that of an `unreachable` to which a branch leads: of both Cranelift makes a trap under a condition, at the branch.
//! Operations without an effect have no place once they are optimized, so that many look alike: before machine code is
//! made they get those of the loads that may be folded into them.

use cranelift_codegen::entity::SecondaryMap;
use cranelift_codegen::ir::{DataFlowGraph, Function, Inst, InstructionData, Opcode, TrapCode, Value};
use cranelift_codegen::{Final, MachBufferFinalized};
use kinglet_abi::Trap;
use kinglet_abi::image::{NO_SOURCE, Site};

/// How many operations may lie between a load and the instruction it is folded into: a conversion and an operation before
/// a store to the same address.
const BETWEEN: usize = 4;

/// Calls and what may fault, each with its operator.
pub(crate) fn sites(function: &Function, buffer: &MachBufferFinalized<Final>, unreachable: &Unreachable) -> Vec<Site> {
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
    unfold(function, &mut sites);
    unreachable.restore(&mut sites);
    sites
}

/// The places of branches, and of the `unreachable` each leads to and to nothing before it.
pub(crate) struct Unreachable(Vec<(u32, u32)>);

impl Unreachable {
    /// Those of a function that is not optimized yet.
    pub(crate) fn behind_branches(function: &Function) -> Unreachable {
        let dfg = &function.dfg;
        let trap_of_block = |block| {
            let acts = |op: Opcode| op.is_terminator() || op.is_call() || op.can_store() || op.other_side_effects();
            let first = function.layout.block_insts(block).find(|inst| acts(dfg.insts[*inst].opcode()))?;
            let InstructionData::Trap { opcode: Opcode::Trap, code } = dfg.insts[first] else { return None };
            (trap_of(code) == Some(Trap::Unreachable)).then(|| function.srcloc(first).bits())
        };
        let branches = function.layout.blocks().filter_map(|block| function.layout.last_inst(block));
        let led = branches.filter_map(|inst| {
            let InstructionData::Brif { blocks, .. } = dfg.insts[inst] else { return None };
            let to = blocks.map(|call| trap_of_block(call.block(&dfg.value_lists)));
            Some((function.srcloc(inst).bits(), to[0].or(to[1])?))
        });
        let mut led: Vec<_> = led.collect();
        led.sort_unstable();
        Unreachable(led)
    }

    fn restore(&self, sites: &mut [Site]) {
        for site in sites.iter_mut().filter(|site| site.trap == Trap::Unreachable as u32) {
            if let Ok(found) = self.0.binary_search_by_key(&site.source, |(branch, _)| *branch) {
                site.source = self.0[found].1;
            }
        }
    }
}

/// Gives operations that optimization has left without a place the places of the loads that may be folded into them.
///
/// Of several loads it is the last; [`unfold`] gives the others their places.
pub(crate) fn place_folding(function: &mut Function) {
    let stencil = &mut function.stencil;
    let (dfg, layout) = (&stencil.dfg, &stencil.layout);
    // The load in the block that a value was made of, and the steps from it.
    let mut made_of: SecondaryMap<Value, Option<(Inst, usize)>> = SecondaryMap::with_capacity(dfg.num_values());
    let mut places = Vec::new();
    for block in layout.blocks() {
        for inst in layout.block_insts(block) {
            let origin = if fault_of_load(dfg, inst).is_some() {
                Some((inst, 0))
            } else if stencil.srclocs[inst].is_default() {
                let loads = dfg.inst_values(inst).filter_map(|value| made_of[dfg.resolve_aliases(value)]);
                let loads = loads.filter(|(load, steps)| layout.inst_block(*load) == Some(block) && *steps < BETWEEN);
                let last = loads.max_by(|(a, _), (b, _)| layout.pp_cmp(*a, *b));
                last.inspect(|(load, _)| places.push((inst, *load))).map(|(load, steps)| (load, steps + 1))
            } else {
                None
            };
            for result in dfg.inst_results(inst) {
                made_of[*result] = origin;
            }
        }
    }
    for (inst, load) in places {
        stencil.srclocs[inst] = stencil.srclocs[load];
    }
}

/// Gives faults of loads that have no instruction of their own the places of the loads.
fn unfold(function: &Function, sites: &mut [Site]) {
    let dfg = &function.dfg;
    let all = || function.layout.blocks().flat_map(|block| function.layout.block_insts(block));
    let place = |inst| function.srcloc(inst).bits();
    // Sites by place and trap, and then in the order of the code.
    let mut by_place: Vec<(u32, u32, usize)> =
        sites.iter().enumerate().map(|(index, site)| (site.source, site.trap, index)).collect();
    by_place.sort_unstable();
    let sites_at = |at: u32, trap: u32| {
        let [from, to] = [0, usize::MAX].map(|index| by_place.partition_point(|site| *site < (at, trap, index)));
        by_place[from..to].iter().map(|(_, _, index)| *index)
    };
    let folded = |inst: Inst| {
        let trap = fault_of_load(dfg, inst)? as u32;
        let loaded = dfg.inst_results(inst).first()?;
        let known = place(inst) == NO_SOURCE || sites_at(place(inst), trap).next().is_some();
        (!known).then_some((*loaded, place(inst), trap))
    };
    let folded: Vec<(Value, u32, u32)> = all().filter_map(folded).collect();
    if folded.is_empty() {
        return;
    }
    // A load is folded only if there is no other user.
    let mut users: SecondaryMap<Value, Option<Inst>> = SecondaryMap::with_capacity(dfg.num_values());
    for inst in all() {
        dfg.inst_values(inst).for_each(|value| users[dfg.resolve_aliases(value)] = Some(inst));
    }
    let is_access = |inst: &Inst| fault_of_access(dfg, *inst).is_some();
    let mut accesses: Vec<u32> = all().filter(is_access).map(place).collect();
    accesses.sort_unstable();
    for (loaded, source, trap) in folded {
        let mut value = Some(loaded);
        for _ in 0..BETWEEN {
            let Some(user) = value.and_then(|value| users[value]) else { break };
            let at = place(user);
            // Of several loads in one operation a later one becomes a part of an earlier instruction. An access of the
            // operation's own comes last, or is made by the same instruction.
            let mut matching = sites_at(at, trap).rev().filter(|site| sites[*site].source == at);
            let last = matching.next();
            let before = accesses.binary_search(&at).ok().and_then(|_| matching.next());
            if let Some(site) = before.or(last) {
                sites[site].source = source;
                break;
            }
            value = dfg.inst_results(user).first().copied();
        }
    }
}

/// The trap of a load that may fault.
fn fault_of_load(dfg: &DataFlowGraph, inst: Inst) -> Option<Trap> {
    fault_of_access(dfg, inst).filter(|_| dfg.insts[inst].opcode().can_load())
}

/// The trap of a load or store that may fault.
fn fault_of_access(dfg: &DataFlowGraph, inst: Inst) -> Option<Trap> {
    // Casts have flags of accesses too.
    let access = Some(&dfg.insts[inst]).filter(|data| data.opcode().can_load() || data.opcode().can_store())?;
    trap_of(access.memflags_trap_code(dfg)?)
}

/// The trap that a mark means; none for what cannot be reached.
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
