//! Control instructions.

use std::collections::HashMap;

use kinglet_wasm::emit::*;
use kinglet_wasm::types::{FuncType, ValType};

use super::assembler::{Class, InstructionShape, LastInstruction};
use super::{Lowering, ValueLocation};
use crate::access::encode_indexed_location;
use crate::exec::{OperandKind, handlers};

/// The minimum number of consecutive values that are moved as a block.
const MIN_BLOCK_MOVE: usize = 3;

impl Lowering<'_> {
    pub(super) fn emit_label(&mut self, label: usize) {
        self.asm.flush();
        if let Some(LastInstruction::Jump(start, to)) = self.asm.last
            && to == label
        {
            // Remove a jump that only skips to the next instruction.
            self.labels[label].uses.retain(|word| *word < start);
            self.asm.truncate(start);
        }
        self.asm.join();
        if self.labels[label].kind != LabelKind::Loop {
            self.assigned.roll_back(self.labels[label].assigned);
        }
        self.labels[label].at = Some(self.asm.words.len());
    }

    fn is_back(&self, label: usize) -> bool {
        self.labels[label].kind == LabelKind::Loop && self.labels[label].at.is_some()
    }

    fn write_target(&mut self, label: usize) {
        self.labels[label].uses.push(self.asm.words.len());
        self.asm.word(0);
    }

    /// Returns the first slot of arguments that are all in their canonical slots.
    fn own_slots_start(args: &[Operand<ValueLocation>]) -> Option<Slot> {
        let is_in_own_slot = |arg: &Operand<ValueLocation>| arg.value == ValueLocation::Slot(arg.slot);
        args.first().filter(|_| args.iter().all(is_in_own_slot)).map(|first| first.slot)
    }

    /// Returns whether a branch must move arguments.
    fn needs_moves(&self, target: usize, args: &[Operand<ValueLocation>]) -> bool {
        !args.is_empty() && Self::own_slots_start(args) != Some(self.labels[target].slot)
    }

    /// Moves values to consecutive slots. Runs of values in consecutive slots move as one block.
    ///
    /// Ascending order is safe: a value is a constant, in a local below, or in its canonical slot, which is not below
    /// its destination.
    fn move_to_consecutive(&mut self, args: &[Operand<ValueLocation>], mut to: Slot) {
        if args.len() > 1 {
            self.asm.flush();
        }
        let mut rest = args;
        while let [first, ..] = rest {
            let is_in_own_slot = |arg: &&Operand<ValueLocation>| arg.value == ValueLocation::Slot(arg.slot);
            let run = rest.iter().take_while(is_in_own_slot).count();
            let moved = if run >= MIN_BLOCK_MOVE { run } else { 1 };
            let slots = rest[..moved].iter().map(|arg| arg.ty.slots()).sum::<Slot>();
            if run >= MIN_BLOCK_MOVE {
                self.asm.move_block(first.slot, to, slots);
            } else {
                self.asm.move_to(*first, to);
            }
            to += slots;
            rest = &rest[moved..];
        }
        self.asm.flush();
        self.reserve_slots(to);
    }

    /// Moves branch arguments to the parameters of the target.
    fn move_args(&mut self, target: usize, args: &[Operand<ValueLocation>]) {
        self.move_to_consecutive(args, self.labels[target].slot);
    }

    pub(super) fn emit_jump(&mut self, target: usize, args: &[Operand<ValueLocation>]) {
        self.move_args(target, args);
        self.asm.flush();
        let start = self.asm.words.len();
        self.asm.inst(handlers::jump(self.is_back(target)), || "jump".to_string());
        self.write_target(target);
        self.asm.last = Some(LastInstruction::Jump(start, target));
    }

    /// Emits a jump, or a return if the target is the function's end.
    fn jump_or_return(&mut self, target: usize, args: &[Operand<ValueLocation>]) {
        match self.labels[target].kind {
            LabelKind::Return => self.emit_return(args),
            _ => self.emit_jump(target, args),
        }
    }

    /// Emits a conditional branch to `label`, taken if the condition's truth equals `when`.
    fn emit_conditional_jump(&mut self, condition: Operand<ValueLocation>, when: bool, label: usize) {
        let back = self.is_back(label);
        if let Some((comparison, operands, text)) = self.asm.take_condition(condition) {
            let name = || format!("jump_{} {text}", if when { "if" } else { "unless" });
            let step = self.asm.candidate_loop_step();
            match comparison {
                LastInstruction::Compare(_, op, a, b)
                    if when && back && handlers::step_and_branch(op, a, b).is_some() && step.is_some() =>
                {
                    if let (Some(start), Some(handler)) = (step, handlers::step_and_branch(op, a, b)) {
                        self.asm.fuse(start, handler, name);
                    }
                }
                LastInstruction::Compare(_, op, a, b) => {
                    self.asm.inst(handlers::compare_branch(op, a, b, when, back), name);
                }
                LastInstruction::Eqz(_, wide, a) => self.asm.inst(handlers::jump_if(a, wide, !when, back), name),
                _ => {}
            }
            self.asm.words.extend(operands);
            self.write_target(label);
            return;
        }
        let name = || format!("jump_{}", if when { "if" } else { "unless" });
        if let Some((start, kind)) = self.asm.candidate_result(InstructionShape::Load, condition) {
            self.asm.take_operand(condition);
            self.asm.fuse(start, handlers::load_and_jump_if(kind, when, back), name);
            self.write_target(label);
            return;
        }
        let kind = self.asm.take_operand_no_imm(condition);
        self.asm.flush();
        match self.asm.candidate_loop_step() {
            Some(start) if kind == OperandKind::Acc && when && back => {
                self.asm.fuse(start, handlers::step_and_jump(), name);
            }
            _ => self.asm.inst(handlers::jump_if(kind, false, when, back), name),
        }
        self.asm.write_operand(condition, kind);
        self.write_target(label);
    }

    /// Creates a label that skips the argument moves of a conditional branch.
    fn skip_label(&mut self) -> usize {
        self.label(LabelKind::Block, &[], 0)
    }

    pub(super) fn emit_jump_if(
        &mut self,
        condition: Operand<ValueLocation>,
        when: bool,
        target: usize,
        args: &[Operand<ValueLocation>],
    ) {
        if !self.needs_moves(target, args) {
            return self.emit_conditional_jump(condition, when, target);
        }
        let skip = self.skip_label();
        self.emit_conditional_jump(condition, !when, skip);
        self.jump_or_return(target, args);
        // The next label must not remove the jump, because it is conditional.
        self.asm.last = None;
        self.emit_label(skip);
    }

    pub(super) fn emit_jump_if_null(
        &mut self,
        value: Operand<ValueLocation>,
        when: bool,
        target: usize,
        args: &[Operand<ValueLocation>],
    ) {
        // The reference stays on the stack or becomes an argument.
        self.asm.ensure_in_slot(value);
        self.asm.flush();
        let moves = self.needs_moves(target, args);
        let skip = moves.then(|| self.skip_label());
        let label = skip.unwrap_or(target);
        let jumps_if_null = when != moves;
        self.asm.inst(handlers::jump_if(OperandKind::Slot, true, !jumps_if_null, self.is_back(label)), || {
            format!("jump_{}null", if jumps_if_null { "if_" } else { "unless_" })
        });
        self.asm.write_operand(value, OperandKind::Slot);
        self.write_target(label);
        if let Some(skip) = skip {
            self.jump_or_return(target, args);
            self.asm.last = None;
            self.emit_label(skip);
        }
    }

    pub(super) fn emit_jump_table(
        &mut self,
        index: Operand<ValueLocation>,
        targets: &[usize],
        args: &[Operand<ValueLocation>],
    ) {
        for arg in args {
            self.asm.ensure_in_slot(*arg);
        }
        let kind = self.asm.take_operand_no_imm(index);
        self.asm.flush();
        self.asm.inst(handlers::jump_table(kind), || "jump_table".to_string());
        self.asm.write_operand(index, kind);
        self.asm.word(targets.len() as u32 - 1);
        // A target that needs argument moves gets a stub that makes them.
        let mut stubs = HashMap::new();
        let mut order = Vec::new();
        let in_place = Self::own_slots_start(args);
        for target in targets {
            if args.is_empty() || in_place == Some(self.labels[*target].slot) {
                self.write_target(*target);
                continue;
            }
            let stub = *stubs.entry(*target).or_insert_with(|| {
                let stub = self.label(LabelKind::Block, &[], 0);
                order.push((*target, stub));
                stub
            });
            self.write_target(stub);
        }
        for (target, stub) in order {
            self.asm.last = None;
            self.emit_label(stub);
            self.jump_or_return(target, args);
        }
        self.asm.last = None;
    }

    /// Moves values to the start of the frame, the place of results and of a tail call's arguments.
    ///
    /// The canonical slots lie above. After the values that alias locals are copied, moving in ascending order
    /// overwrites no value that is still needed.
    fn move_to_frame_start(&mut self, args: &[Operand<ValueLocation>]) {
        let aliasing = args.iter().any(|a| matches!(a.value, ValueLocation::Slot(s) if s < self.frame.operands));
        let mut args = args.to_vec();
        if aliasing && args.len() > 1 {
            for arg in &mut args {
                self.reserve_slots(arg.slot + arg.ty.slots());
                self.asm.move_to_own_slot(*arg);
                arg.value = ValueLocation::Slot(arg.slot);
            }
        }
        self.asm.flush();
        self.move_to_consecutive(&args, 0);
    }

    pub(super) fn emit_return(&mut self, args: &[Operand<ValueLocation>]) {
        if let [value] = args
            && value.ty != ValType::V128
        {
            let name = || "return".to_string();
            if let (Some((start, kind)), ValType::I32) =
                (self.asm.candidate_result(InstructionShape::Load, *value), value.ty)
            {
                self.asm.take_operand(*value);
                self.asm.fuse(start, handlers::load_and_return(kind), name);
                return;
            }
            let kind = self.asm.take_operand(*value);
            self.asm.flush();
            if let (Some(start), OperandKind::Slot, ValType::I32) = (self.candidate_global_set(), kind, value.ty) {
                self.asm.fuse(start, handlers::global_set_sum_and_return_slot(), name);
            } else {
                self.asm.inst(handlers::return_value(Class::of(value.ty), kind), name);
            }
            self.asm.write_operand(*value, kind);
            return;
        }
        self.move_to_frame_start(args);
        self.asm.flush();
        let name = || "return".to_string();
        match self.candidate_global_set() {
            Some(start) => self.asm.fuse(start, handlers::global_set_sum_and_return(), name),
            None => self.asm.inst(handlers::ret(), name),
        }
    }

    /// Returns the start of the last instruction if it set a global to the sum of a slot and a constant.
    fn candidate_global_set(&self) -> Option<usize> {
        self.asm
            .candidate
            .filter(|candidate| candidate.shape == InstructionShape::GlobalSetSum)
            .map(|candidate| candidate.start)
    }

    /// Writes the words for the table and type of an indirect call.
    fn write_indirect_callee(&mut self, table: u32, ty: u32) {
        let table_type = self.environment.module.tables[table as usize];
        self.asm.word(encode_indexed_location(self.environment.layout.table(table), table_type.index));
        self.asm.word(self.environment.module.types[ty as usize].0);
        self.asm.append_listing(|| format!(" table {table} type {ty}"));
    }

    pub(super) fn emit_call(
        &mut self,
        callee: Callee<ValueLocation>,
        ty: &FuncType,
        args: &[Operand<ValueLocation>],
        live: &[Operand<ValueLocation>],
        to: Slot,
        results: &mut Vec<ValueLocation>,
    ) {
        let gc_operands: Vec<_> = live.iter().filter(|o| self.is_gc_managed(o.ty)).copied().collect();
        for operand in gc_operands {
            self.asm.ensure_in_slot(operand);
        }
        let index = match callee {
            Callee::Func(_) => None,
            Callee::Indirect { index, .. } => Some(index),
            Callee::Ref { func, .. } => Some(func),
        };
        // The callee's frame starts at its arguments, which are on top of the stack in their canonical slots. Moving
        // them leaves the accumulators unchanged, so the index may still be cached.
        for arg in args {
            self.reserve_slots(arg.slot + arg.ty.slots());
            self.asm.move_to_own_slot(*arg);
        }
        let kind = index.map(|index| self.asm.take_operand_no_imm(index));
        self.asm.flush();
        let module = &self.environment.module;
        match callee {
            Callee::Func(func) => match func.checked_sub(module.imported_funcs) {
                Some(defined) => {
                    let name = || format!("call {func} s{to}");
                    match self.asm.candidate_argument_move() {
                        Some((start, argument)) => {
                            self.asm.fuse(start, handlers::argument_and_call(argument), name);
                        }
                        None => self.asm.inst(handlers::call(), name),
                    }
                    self.asm.double_word(self.environment.cell(defined) as usize as u64);
                }
                None => {
                    self.asm.inst(handlers::call_import(), || format!("call_import {func} s{to}"));
                    self.asm.word(self.environment.layout.import(func));
                }
            },
            Callee::Indirect { table, ty, index } => {
                let kind = kind.unwrap_or(OperandKind::Slot);
                self.asm.inst(handlers::call_indirect(kind), || format!("call_indirect s{to}"));
                self.write_indirect_callee(table, ty);
                self.asm.write_operand(index, kind);
            }
            Callee::Ref { func, .. } => {
                let kind = kind.unwrap_or(OperandKind::Slot);
                self.asm.inst(handlers::call_ref(kind), || format!("call_ref s{to}"));
                self.asm.write_operand(func, kind);
            }
        }
        self.asm.slot_word(to);
        self.asm.clear_mirror();
        self.asm.forwarding.invalidate_all();
        self.record_safepoint(live);
        let mut slot = to;
        for ty in ty.results() {
            results.push(ValueLocation::Slot(slot));
            slot += ty.slots();
        }
        self.reserve_slots(slot);
    }

    pub(super) fn emit_tail_call(
        &mut self,
        callee: Callee<ValueLocation>,
        _: &FuncType,
        args: &[Operand<ValueLocation>],
    ) {
        match callee {
            Callee::Func(_) => {}
            Callee::Indirect { table, ty, index } => {
                let kind = self.asm.take_operand_no_imm(index);
                self.asm.flush();
                self.asm.inst(handlers::resolve_indirect(kind), || "resolve_indirect".to_string());
                self.write_indirect_callee(table, ty);
                self.asm.write_operand(index, kind);
            }
            Callee::Ref { func, .. } => {
                let kind = self.asm.take_operand_no_imm(func);
                self.asm.flush();
                self.asm.inst(handlers::resolve_ref(kind), || "resolve_ref".to_string());
                self.asm.write_operand(func, kind);
            }
        }
        self.move_to_frame_start(args);
        self.asm.flush();
        let module = &self.environment.module;
        match callee {
            Callee::Func(func) => match func.checked_sub(module.imported_funcs) {
                Some(defined) => {
                    self.asm.inst(handlers::tail_call(), || format!("tail_call {func}"));
                    self.asm.double_word(self.environment.cell(defined) as usize as u64);
                }
                None => {
                    self.asm.inst(handlers::tail_call_import(), || format!("tail_call_import {func}"));
                    self.asm.word(self.environment.layout.import(func));
                }
            },
            _ => self.asm.inst(handlers::tail_call_resolved(), || "tail_call_resolved".to_string()),
        }
    }

    pub(super) fn emit_throw(&mut self, tag: u32, args: &[Operand<ValueLocation>], live: &[Operand<ValueLocation>]) {
        let to = args.first().map_or(self.frame.operands, |arg| arg.slot);
        for arg in args {
            self.reserve_slots(arg.slot + arg.ty.slots());
            self.asm.move_to_own_slot(*arg);
        }
        self.asm.flush();
        self.asm.inst(handlers::throw(), || format!("throw {tag} s{to}"));
        self.asm.word(tag);
        self.asm.slot_word(to);
        self.record_safepoint(live);
    }
}
