//! Entering a loop with the interpreter's frame.
//!
//! Whoever comes with a frame goes through the headers of the loops around that one, from outside, each of which sends
//! him on. So each of them is entered at its header alone, as in the function itself. If the inner header were a second
//! way into them, they would be no loops to the compiler, which knows only natural ones (Aho, Lam, Sethi, Ullman,
//! "Compilers", section 9.6.6), and what is needed in them would be weighed as if they ran once.

use std::collections::HashMap;

use cranelift_codegen::ir::{Block, BlockArg, InstBuilder, Value, types};
use cranelift_frontend::Variable;

use super::{Emitter, Entry, Op1, PENDING, V};
use crate::convention::*;

/// The way of those who come with a frame, as far as it is still to be laid.
#[derive(Clone, Copy)]
pub(super) struct Way<'a> {
    /// The loops to go through: their operators' byte offsets in the module.
    loops: &'a [u32],
    /// Where one comes from to the first of them.
    from: Block,
    /// Where one meets those who come from the code before it.
    meeting: Option<Block>,
    /// Whether one is on the way, and not yet at its end.
    on_it: Variable,
    /// No and yes: the same values everywhere, so that no parameter of a block tells one no from another.
    whether: [Value; 2],
    /// How many pending operands have been taken from the frame.
    operands: usize,
}

impl<'a> Emitter<'a> {
    /// Takes the locals from the frame. What follows is the function's own beginning, which is walked too, but nothing
    /// reaches it.
    pub(super) fn begin_way(&mut self, loops: &'a [u32], frame: Value) {
        for (variable, local) in self.locals.clone() {
            let kind = self.kind(local.ty);
            let value = self.take_over(frame, 8 * local.slot, kind);
            self.write(variable, value);
        }
        let on_it = self.builder.declare_var(types::I32);
        let whether = [0, 1].map(|whether| self.builder.ins().iconst(types::I32, whether));
        let from = self.builder.create_block();
        self.builder.ins().jump(from, &[]);
        self.way = Some(Way { loops, from, meeting: None, on_it, whether, operands: 0 });
        self.frame_base = Some(frame);
        let unreached = self.builder.create_block();
        self.switch_to(unreached);
        self.write(on_it, whether[0]);
    }

    /// Where code before a loop goes to get there. Before one that the way leads through, that is the block where it
    /// meets those who come with a frame: so what the loop leaves alone is not the header's to merge, and can be computed
    /// before it.
    pub(super) fn way_to(&mut self, label: Block) -> Block {
        self.way_through().map_or(label, |way| self.meeting(way, label))
    }

    /// The way, if the loop whose operator is at hand is the next that it leads through.
    fn way_through(&self) -> Option<Way<'a>> {
        self.way.filter(|way| way.loops.first() == Some(&self.offset))
    }

    fn meeting(&mut self, way: Way<'a>, label: Block) -> Block {
        if let Some(block) = way.meeting {
            return block;
        }
        let (kinds, _) = self.label_slots.get(&label).cloned().unwrap_or_default();
        let block = self.block_with_params(&kinds);
        self.way = Some(Way { meeting: Some(block), ..way });
        block
    }

    /// A loop's header is next. If the way leads through it, those who come with a frame get a way there.
    pub(super) fn lead_to(&mut self, label: Block, live: &[Op1]) {
        let (Some(way), Some(frame)) = (self.way_through(), self.frame_base) else { return };
        let Entry::Loop { variables, .. } = self.entry else { return };
        if !live.is_empty() && !variables {
            self.refuse(PENDING);
            return;
        }
        let meeting = self.meeting(way, label);
        let [no, yes] = way.whether;
        let is_last = way.loops.len() == 1;
        self.switch_to(way.from);
        self.write(way.on_it, if is_last { no } else { yes });
        for operand in live.iter().skip(way.operands) {
            let kind = self.kind(operand.ty);
            let value = self.take_over(frame, 8 * operand.slot, kind);
            if let V::Variable(variable) = operand.value {
                self.write(variable, value);
            }
        }
        let (kinds, slot) = self.label_slots.get(&label).cloned().unwrap_or_default();
        let params: Vec<Value> = if is_last {
            let base = self.builder.ins().iadd_imm_u(frame, 8 * i64::from(slot));
            load_slots(&mut self.builder, base, &kinds)
        } else {
            // Of a loop around the one to enter, the frame has the parameters only as far as they are still operands.
            let mut zeros = HashMap::new();
            kinds.iter().map(|kind| *zeros.entry(kind.clif()).or_insert_with(|| self.zero(*kind))).collect()
        };
        let args: Vec<BlockArg> = params.into_iter().map(BlockArg::Value).collect();
        self.builder.ins().jump(meeting, &args);
        self.switch_to(meeting);
        let args: Vec<BlockArg> = self.builder.block_params(meeting).iter().copied().map(BlockArg::Value).collect();
        self.builder.ins().jump(label, &args);
    }

    /// At a loop's header: whoever is on the way goes on to the next loop.
    pub(super) fn lead_on(&mut self, live: &[Op1]) {
        let Some(way) = self.way_through() else { return };
        self.way = None;
        let [_, loops @ ..] = way.loops else { return };
        if loops.is_empty() {
            return;
        }
        let (from, next) = (self.builder.create_block(), self.builder.create_block());
        let is_on_it = self.read(way.on_it);
        self.builder.ins().brif(is_on_it, from, &[], next, &[]);
        self.builder.set_cold_block(from);
        self.way = Some(Way { loops, from, meeting: None, operands: live.len(), ..way });
        self.switch_to(next);
        let [no, _] = way.whether;
        self.write(way.on_it, no);
    }

    /// A local or operand of the frame. An integer of 32 bits is made the result of an operation, an `or` with nothing:
    /// of that Cranelift knows that the register's upper half is clear. Of a load it does not, and where the integer is an
    /// address, often for the whole of the loop, it would take two registers, the other one for the number extended.
    fn take_over(&mut self, frame: Value, offset: u32, kind: Kind) -> Value {
        let value = load_slot(&mut self.builder, frame, offset, kind);
        if kind != Kind::I32 {
            return value;
        }
        // What Cranelift cannot tell: no address of the host's has its highest bit set.
        let nothing = self.builder.ins().ushr_imm_u(frame, 63);
        let nothing = self.builder.ins().ireduce(types::I32, nothing);
        self.builder.ins().bor(value, nothing)
    }
}
