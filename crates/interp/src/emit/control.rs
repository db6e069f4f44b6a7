//! Control instructions.

use std::collections::HashMap;

use kinglet_wasm::emit::*;
use kinglet_wasm::types::{FuncType, ValType};

use super::assembler::{Class, Last, Shape};
use super::{Lower, Value};
use crate::access::encode_indexed_place;
use crate::exec::{Kind, handlers};

/// So many values in a row are moved as a block.
const BLOCK_MOVE_FROM: usize = 3;

impl Lower<'_> {
    pub(super) fn emit_label(&mut self, label: usize) {
        self.asm.flush();
        if let Some(Last::Jump(start, to)) = self.asm.last
            && to == label
        {
            // The jump that falls through to its target.
            self.labels[label].uses.retain(|word| *word < start);
            self.asm.truncate(start);
        }
        self.asm.join();
        if self.labels[label].kind != LabelKind::Loop {
            self.assigned.back_to(self.labels[label].assigned);
        }
        self.labels[label].at = Some(self.asm.words.len());
    }

    fn is_back(&self, label: usize) -> bool {
        self.labels[label].kind == LabelKind::Loop && self.labels[label].at.is_some()
    }

    fn target_word(&mut self, label: usize) {
        self.labels[label].uses.push(self.asm.words.len());
        self.asm.word(0);
    }

    /// Where the arguments of a branch are, if they are in consecutive slots of their own.
    fn in_place(args: &[Operand<Value>]) -> Option<Slot> {
        let own = |arg: &Operand<Value>| arg.value == Value::Slot(arg.slot);
        args.first().filter(|_| args.iter().all(own)).map(|first| first.slot)
    }

    /// Whether a branch with these arguments has to move any.
    fn has_moves(&self, target: usize, args: &[Operand<Value>]) -> bool {
        !args.is_empty() && Self::in_place(args) != Some(self.labels[target].slot)
    }

    /// Moves values to consecutive slots, those that are in consecutive slots of their own in one go. In ascending order
    /// no move overwrites what a later one reads: a value is in a local below, constant, or in its own slot, which is
    /// not below its destination.
    fn move_all(&mut self, args: &[Operand<Value>], mut to: Slot) {
        if args.len() > 1 {
            self.asm.flush();
        }
        let mut rest = args;
        while let [first, ..] = rest {
            let own = |arg: &&Operand<Value>| arg.value == Value::Slot(arg.slot);
            let run = rest.iter().take_while(own).count();
            let taken = if run >= BLOCK_MOVE_FROM { run } else { 1 };
            let slots = rest[..taken].iter().map(|arg| arg.ty.slots()).sum::<Slot>();
            if run >= BLOCK_MOVE_FROM {
                self.asm.move_block(first.slot, to, slots);
            } else {
                self.asm.move_to(*first, to);
            }
            to += slots;
            rest = &rest[taken..];
        }
        self.asm.flush();
        self.grow(to);
    }

    /// Moves branch arguments to where the target wants them.
    fn move_args(&mut self, target: usize, args: &[Operand<Value>]) {
        self.move_all(args, self.labels[target].slot);
    }

    pub(super) fn emit_jump(&mut self, target: usize, args: &[Operand<Value>]) {
        self.move_args(target, args);
        self.asm.flush();
        let start = self.asm.words.len();
        self.asm.inst(handlers::jump(self.is_back(target)), || "jump".to_string());
        self.target_word(target);
        self.asm.last = Some(Last::Jump(start, target));
    }

    /// A jump, or a return if that is where it goes.
    fn leave(&mut self, target: usize, args: &[Operand<Value>]) {
        match self.labels[target].kind {
            LabelKind::Return => self.emit_return(args),
            _ => self.emit_jump(target, args),
        }
    }

    /// A conditional branch: writes one that is taken `when`, to `label`.
    fn condition(&mut self, condition: Operand<Value>, when: bool, label: usize) {
        let back = self.is_back(label);
        if let Some((taken_back, operands, text)) = self.asm.take_condition(condition) {
            let name = || format!("jump_{} {text}", if when { "if" } else { "unless" });
            let step = self.asm.recent_step();
            match taken_back {
                Last::Compare(_, op, a, b)
                    if when && back && handlers::step_and_branch(op, a, b).is_some() && step.is_some() =>
                {
                    if let (Some(start), Some(handler)) = (step, handlers::step_and_branch(op, a, b)) {
                        self.asm.fuse(start, handler, name);
                    }
                }
                Last::Compare(_, op, a, b) => {
                    self.asm.inst(handlers::compare_branch(op, a, b, when, back), name);
                }
                Last::Eqz(_, wide, a) => self.asm.inst(handlers::jump_if(a, wide, !when, back), name),
                _ => {}
            }
            self.asm.words.extend(operands);
            self.target_word(label);
            return;
        }
        let name = || format!("jump_{}", if when { "if" } else { "unless" });
        if let Some((start, kind)) = self.asm.recent_result(Shape::Load, condition) {
            self.asm.source(condition);
            self.asm.fuse(start, handlers::load_and_jump_if(kind, when, back), name);
            self.target_word(label);
            return;
        }
        let kind = self.asm.source_no_imm(condition);
        self.asm.flush();
        match self.asm.recent_step() {
            Some(start) if kind == Kind::Acc && when && back => {
                self.asm.fuse(start, handlers::step_and_jump(), name);
            }
            _ => self.asm.inst(handlers::jump_if(kind, false, when, back), name),
        }
        self.asm.operand_words(condition, kind);
        self.target_word(label);
    }

    /// A branch around what moves the arguments of a conditional branch.
    fn skip_label(&mut self) -> usize {
        self.label(LabelKind::Block, &[], 0)
    }

    pub(super) fn emit_jump_if(
        &mut self,
        condition: Operand<Value>,
        when: bool,
        target: usize,
        args: &[Operand<Value>],
    ) {
        if !self.has_moves(target, args) {
            return self.condition(condition, when, target);
        }
        let skip = self.skip_label();
        self.condition(condition, !when, skip);
        self.leave(target, args);
        // No truncation here: the jump is conditional.
        self.asm.last = None;
        self.emit_label(skip);
    }

    pub(super) fn emit_jump_if_null(
        &mut self,
        value: Operand<Value>,
        when: bool,
        target: usize,
        args: &[Operand<Value>],
    ) {
        // The reference stays on the stack, or goes along as an argument.
        self.asm.in_slot(value);
        self.asm.flush();
        let moves = self.has_moves(target, args);
        let skip = moves.then(|| self.skip_label());
        let label = skip.unwrap_or(target);
        let jumps_if_null = when != moves;
        self.asm.inst(handlers::jump_if(Kind::Slot, true, !jumps_if_null, self.is_back(label)), || {
            format!("jump_{}null", if jumps_if_null { "if_" } else { "unless_" })
        });
        self.asm.operand_words(value, Kind::Slot);
        self.target_word(label);
        if let Some(skip) = skip {
            self.leave(target, args);
            self.asm.last = None;
            self.emit_label(skip);
        }
    }

    pub(super) fn emit_jump_table(&mut self, index: Operand<Value>, targets: &[usize], args: &[Operand<Value>]) {
        for arg in args {
            self.asm.in_slot(*arg);
        }
        let kind = self.asm.source_no_imm(index);
        self.asm.flush();
        self.asm.inst(handlers::jump_table(kind), || "jump_table".to_string());
        self.asm.operand_words(index, kind);
        self.asm.word(targets.len() as u32 - 1);
        // Targets that want arguments moved get a piece of code of their own that moves them.
        let mut pieces = HashMap::new();
        let mut order = Vec::new();
        let in_place = Self::in_place(args);
        for target in targets {
            if args.is_empty() || in_place == Some(self.labels[*target].slot) {
                self.target_word(*target);
                continue;
            }
            let piece = *pieces.entry(*target).or_insert_with(|| {
                let piece = self.label(LabelKind::Block, &[], 0);
                order.push((*target, piece));
                piece
            });
            self.target_word(piece);
        }
        for (target, piece) in order {
            self.asm.last = None;
            self.emit_label(piece);
            self.leave(target, args);
        }
        self.asm.last = None;
    }

    /// Puts values at the frame's start, where results are returned and a tail call's arguments go. Their own slots
    /// are above, so once none is read from a local, ascending order overwrites nothing that is still to be read.
    fn move_to_start(&mut self, args: &[Operand<Value>]) {
        let aliasing = args.iter().any(|a| matches!(a.value, Value::Slot(s) if s < self.frame.operands));
        let mut args = args.to_vec();
        if aliasing && args.len() > 1 {
            for arg in &mut args {
                self.grow(arg.slot + arg.ty.slots());
                self.asm.own_slot(*arg);
                arg.value = Value::Slot(arg.slot);
            }
        }
        self.asm.flush();
        self.move_all(&args, 0);
    }

    pub(super) fn emit_return(&mut self, args: &[Operand<Value>]) {
        if let [value] = args
            && value.ty != ValType::V128
        {
            let name = || "return".to_string();
            if let (Some((start, kind)), ValType::I32) = (self.asm.recent_result(Shape::Load, *value), value.ty) {
                self.asm.source(*value);
                self.asm.fuse(start, handlers::load_and_return(kind), name);
                return;
            }
            let kind = self.asm.source(*value);
            self.asm.flush();
            if let (Some(start), Kind::Slot, ValType::I32) = (self.recent_global_set(), kind, value.ty) {
                self.asm.fuse(start, handlers::global_set_plus_and_return_slot(), name);
            } else {
                self.asm.inst(handlers::return_value(Class::of(value.ty), kind), name);
            }
            self.asm.operand_words(*value, kind);
            return;
        }
        self.move_to_start(args);
        self.asm.flush();
        let name = || "return".to_string();
        match self.recent_global_set() {
            Some(start) => self.asm.fuse(start, handlers::global_set_plus_and_return(), name),
            None => self.asm.inst(handlers::ret(), name),
        }
    }

    /// Where the last instruction starts, if it set a global to a slot plus a constant.
    fn recent_global_set(&self) -> Option<usize> {
        self.asm.recent.filter(|recent| recent.shape == Shape::GlobalSetPlus).map(|recent| recent.start)
    }

    /// The words that say which function an indirect call may find.
    fn indirect_words(&mut self, table: u32, ty: u32) {
        let table_type = self.environment.module.tables[table as usize];
        self.asm.word(encode_indexed_place(self.environment.layout.table(table), table_type.index));
        self.asm.word(self.environment.module.types[ty as usize].0);
        self.asm.note(|| format!(" table {table} type {ty}"));
    }

    pub(super) fn emit_call(
        &mut self,
        callee: Callee<Value>,
        ty: &FuncType,
        args: &[Operand<Value>],
        live: &[Operand<Value>],
        to: Slot,
        results: &mut Vec<Value>,
    ) {
        let live_pending: Vec<_> = live.iter().filter(|o| self.is_traced(o.ty)).copied().collect();
        for operand in live_pending {
            self.asm.in_slot(operand);
        }
        let index = match callee {
            Callee::Func(_) => None,
            Callee::Indirect { index, .. } => Some(index),
            Callee::Ref { func, .. } => Some(func),
        };
        // The callee's frame starts at its arguments: they are the top of the stack, each in its own slot. Moving
        // them leaves the accumulator alone, so that the index may still be there.
        for arg in args {
            self.grow(arg.slot + arg.ty.slots());
            self.asm.own_slot(*arg);
        }
        let kind = index.map(|index| self.asm.source_no_imm(index));
        self.asm.flush();
        let module = &self.environment.module;
        match callee {
            Callee::Func(func) => match func.checked_sub(module.imported_funcs) {
                Some(defined) => {
                    let name = || format!("call {func} s{to}");
                    match self.asm.recent_argument() {
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
                let kind = kind.unwrap_or(Kind::Slot);
                self.asm.inst(handlers::call_indirect(kind), || format!("call_indirect s{to}"));
                self.indirect_words(table, ty);
                self.asm.operand_words(index, kind);
            }
            Callee::Ref { func, .. } => {
                let kind = kind.unwrap_or(Kind::Slot);
                self.asm.inst(handlers::call_ref(kind), || format!("call_ref s{to}"));
                self.asm.operand_words(func, kind);
            }
        }
        self.asm.slot_word(to);
        self.asm.clobber();
        self.asm.known.forget_all();
        self.safepoint(live);
        let mut slot = to;
        for ty in ty.results() {
            results.push(Value::Slot(slot));
            slot += ty.slots();
        }
        self.grow(slot);
    }

    pub(super) fn emit_tail_call(&mut self, callee: Callee<Value>, _: &FuncType, args: &[Operand<Value>]) {
        match callee {
            Callee::Func(_) => {}
            Callee::Indirect { table, ty, index } => {
                let kind = self.asm.source_no_imm(index);
                self.asm.flush();
                self.asm.inst(handlers::resolve_indirect(kind), || "resolve_indirect".to_string());
                self.indirect_words(table, ty);
                self.asm.operand_words(index, kind);
            }
            Callee::Ref { func, .. } => {
                let kind = self.asm.source_no_imm(func);
                self.asm.flush();
                self.asm.inst(handlers::resolve_ref(kind), || "resolve_ref".to_string());
                self.asm.operand_words(func, kind);
            }
        }
        self.move_to_start(args);
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

    pub(super) fn emit_throw(&mut self, tag: u32, args: &[Operand<Value>], live: &[Operand<Value>]) {
        let to = args.first().map_or(self.frame.operands, |arg| arg.slot);
        for arg in args {
            self.grow(arg.slot + arg.ty.slots());
            self.asm.own_slot(*arg);
        }
        self.asm.flush();
        self.asm.inst(handlers::throw(), || format!("throw {tag} s{to}"));
        self.asm.word(tag);
        self.asm.slot_word(to);
        self.safepoint(live);
    }
}
