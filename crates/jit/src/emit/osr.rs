//! OSR entry: enters a loop with the interpreter's frame.
//!
//! Control passes through the headers of all enclosing loops, outermost first, up to the loop itself. Each loop is thus
//! entered only at its header, as in the function itself. A second entry into an enclosing loop would make it
//! irreducible. Cranelift recognizes only natural loops (Aho, Lam, Sethi, Ullman, "Compilers", section 9.6.6), and
//! treats the body of any other loop as code that runs once.

use std::collections::HashMap;

use cranelift_codegen::ir::{Block, BlockArg, InstBuilder, Value, types};
use cranelift_frontend::Variable;

use super::{ClifOperand, ClifValue, Emitter, EntryPoint, LIVE_OPERANDS};
use crate::convention::*;

/// The remaining part of the path from the OSR entry to its loop.
#[derive(Clone, Copy)]
pub(super) struct OsrPath<'a> {
    /// The loops ahead, as byte offsets of their operators in the module.
    loops: &'a [u32],
    /// The block from which the path enters the first of them.
    predecessor: Block,
    /// The block that merges the path and the code before that loop.
    merge: Option<Block>,
    /// Whether control is on the path and has not reached its end.
    on_path: Variable,
    /// False and true. Each is defined only once, so block parameters never merge copies of them.
    flags: [Value; 2],
    /// The number of operands already loaded from the frame.
    operands: usize,
}

impl<'a> Emitter<'a> {
    /// Loads the locals from the frame and starts the path. The walk then emits the function's own entry code, which is
    /// unreachable.
    pub(super) fn begin_osr(&mut self, loops: &'a [u32], frame: Value) {
        for (variable, local) in self.locals.clone() {
            let repr = self.repr(local.ty);
            let value = self.load_frame_slot(frame, 8 * local.slot, repr);
            self.define_variable(variable, value);
        }
        let on_path = self.builder.declare_var(types::I32);
        let flags = [0, 1].map(|flag| self.builder.ins().iconst(types::I32, flag));
        let predecessor = self.builder.create_block();
        self.builder.ins().jump(predecessor, &[]);
        self.osr_path = Some(OsrPath { loops, predecessor, merge: None, on_path, flags, operands: 0 });
        self.frame_base = Some(frame);
        let unreachable = self.builder.create_block();
        self.switch_to_sealed(unreachable);
        self.define_variable(on_path, flags[0]);
    }

    /// Returns the target of a branch to a loop from the code before it.
    ///
    /// If the path enters that loop, this is the merge block. The header then does not merge values that the loop
    /// leaves unchanged, so they stay loop invariant.
    pub(super) fn branch_target(&mut self, label: Block) -> Block {
        self.next_osr_loop().map_or(label, |path| self.merge_block(path, label))
    }

    /// Returns the path if it enters the current loop next.
    fn next_osr_loop(&self) -> Option<OsrPath<'a>> {
        self.osr_path.filter(|path| path.loops.first() == Some(&self.offset))
    }

    fn merge_block(&mut self, path: OsrPath<'a>, label: Block) -> Block {
        if let Some(block) = path.merge {
            return block;
        }
        let (reprs, _) = self.label_slots.get(&label).cloned().unwrap_or_default();
        let block = self.block_with_params(&reprs);
        self.osr_path = Some(OsrPath { merge: Some(block), ..path });
        block
    }

    /// Connects the path to the header of the next loop.
    pub(super) fn join_osr_path(&mut self, label: Block, live: &[ClifOperand]) {
        let (Some(path), Some(frame)) = (self.next_osr_loop(), self.frame_base) else { return };
        let EntryPoint::Osr { variables, .. } = self.entry else { return };
        if !live.is_empty() && !variables {
            self.bail_out(LIVE_OPERANDS);
            return;
        }
        let merge = self.merge_block(path, label);
        let [no, yes] = path.flags;
        let is_last = path.loops.len() == 1;
        self.switch_to_sealed(path.predecessor);
        self.define_variable(path.on_path, if is_last { no } else { yes });
        for operand in live.iter().skip(path.operands) {
            let repr = self.repr(operand.ty);
            let value = self.load_frame_slot(frame, 8 * operand.slot, repr);
            if let ClifValue::Variable(variable) = operand.value {
                self.define_variable(variable, value);
            }
        }
        let (reprs, slot) = self.label_slots.get(&label).cloned().unwrap_or_default();
        let params: Vec<Value> = if is_last {
            let base = self.builder.ins().iadd_imm_u(frame, 8 * i64::from(slot));
            load_slots(&mut self.builder, base, &reprs)
        } else {
            // For an enclosing loop, the frame holds only parameters that are still operands. The others are not used.
            let mut zeros = HashMap::new();
            reprs.iter().map(|repr| *zeros.entry(repr.clif()).or_insert_with(|| self.zero(*repr))).collect()
        };
        let args: Vec<BlockArg> = params.into_iter().map(BlockArg::Value).collect();
        self.builder.ins().jump(merge, &args);
        self.switch_to_sealed(merge);
        let args: Vec<BlockArg> = self.builder.block_params(merge).iter().copied().map(BlockArg::Value).collect();
        self.builder.ins().jump(label, &args);
    }

    /// Branches from a loop's header to the next loop if control is on the path.
    pub(super) fn extend_osr_path(&mut self, live: &[ClifOperand]) {
        let Some(path) = self.next_osr_loop() else { return };
        self.osr_path = None;
        let [_, loops @ ..] = path.loops else { return };
        if loops.is_empty() {
            return;
        }
        let (predecessor, next) = (self.builder.create_block(), self.builder.create_block());
        let is_on_path = self.use_variable(path.on_path);
        self.builder.ins().brif(is_on_path, predecessor, &[], next, &[]);
        self.builder.set_cold_block(predecessor);
        self.osr_path = Some(OsrPath { loops, predecessor, merge: None, operands: live.len(), ..path });
        self.switch_to_sealed(next);
        let [no, _] = path.flags;
        self.define_variable(path.on_path, no);
    }

    /// Loads a local or operand from the frame.
    ///
    /// A 32-bit integer passes through an `or` with zero. From this, but not from a load, Cranelift concludes that the
    /// upper half of the register is zero. Otherwise an integer used as an address would occupy a second register for
    /// its extended value, often throughout the loop.
    fn load_frame_slot(&mut self, frame: Value, offset: u32, repr: ValueRepr) -> Value {
        let value = load_slot(&mut self.builder, frame, offset, repr);
        if repr != ValueRepr::I32 {
            return value;
        }
        // Cranelift cannot see that this is zero: host addresses have a clear highest bit.
        let zero = self.builder.ins().ushr_imm_u(frame, 63);
        let zero = self.builder.ins().ireduce(types::I32, zero);
        self.builder.ins().bor(value, zero)
    }
}
