//! Control instructions: blocks, branches, calls and exceptions. The walk passes the live operands to the emitter at
//! every label. It skips unreachable code, so emitters never see any.

use wasmparser as wp;
use wasmparser::Operator;

use super::Walk;
use crate::emit::*;
use crate::error::{Error, Result};
use crate::limits::MAX_ELSE_OPERANDS;
use crate::module::Module;
use crate::op::Structural;
use crate::types::*;

/// The type of a block.
#[derive(Clone, Copy)]
pub(super) enum BlockType {
    /// The type of a function body: no parameters, and the function's results.
    Function,
    Empty,
    /// One result.
    Result(ValType),
    /// The function type at a type index.
    Func(u32),
}

impl BlockType {
    fn params<'m>(&self, module: &'m Module) -> &'m [ValType] {
        match self {
            BlockType::Func(ty) => module.func_type_at(*ty).params(),
            _ => &[],
        }
    }

    fn results<'a>(&'a self, module: &'a Module, function: &'a [ValType]) -> &'a [ValType] {
        match self {
            BlockType::Function => function,
            BlockType::Empty => &[],
            BlockType::Result(ty) => std::slice::from_ref(ty),
            BlockType::Func(ty) => module.func_type_at(*ty).results(),
        }
    }
}

enum ControlKind<E: Emit> {
    Function,
    Block,
    Loop,
    /// An `if` before its `else`, with the label of the `else` arm and the operands that the arm starts with.
    If(E::Label, Vec<Operand<E::Value>>),
    Try,
}

/// An entry of the control stack (core specification, "Validation Algorithm").
pub(super) struct ControlFrame<E: Emit> {
    kind: ControlKind<E>,
    block_type: BlockType,
    /// The target of branches to this structure.
    label: E::Label,
    /// Whether a branch targets the label.
    targeted: bool,
    /// The height of the operand stack below its parameters.
    height: usize,
    /// The number of operands that were in their canonical slots at its entry.
    spilled: usize,
}

impl<E: Emit> ControlFrame<E> {
    pub(super) fn function(label: E::Label) -> ControlFrame<E> {
        let (kind, block_type) = (ControlKind::Function, BlockType::Function);
        ControlFrame { kind, block_type, label, targeted: false, height: 0, spilled: 0 }
    }
}

impl<'m, E: Emit> Walk<'m, '_, E> {
    pub(super) fn control_op(&mut self, op: &Operator<'_>) -> Result<bool> {
        use Structural as S;
        match *op {
            Operator::Nop => self.charge(S::Nop),
            Operator::Unreachable => {
                self.charge_last(S::Unreachable);
                self.emit.unreachable();
                self.reachable = false;
            }
            Operator::Block { blockty } => self.block(blockty)?,
            Operator::Loop { blockty } => self.loop_block(blockty)?,
            Operator::If { blockty } => self.if_block(blockty)?,
            Operator::Else => {
                self.charge_last(S::Else);
                self.else_arm()?;
            }
            Operator::End => {
                self.charge_last(S::End);
                self.end()?;
            }
            Operator::Br { relative_depth } => {
                self.charge_last(S::Br);
                self.branch(relative_depth)?;
            }
            Operator::BrIf { relative_depth } => {
                self.charge_last(S::BrIf);
                let condition = self.pop()?;
                let (label, arity) = self.target(relative_depth)?;
                let args = self.stack.len() - arity;
                self.emit.jump_if(condition, true, label, &self.stack[args..]);
            }
            Operator::BrTable { ref targets } => self.branch_table(targets)?,
            Operator::BrOnNull { relative_depth } => {
                self.charge_last(S::BrOnNull);
                let value = *self.top(1)?.first().ok_or_else(|| Error::impossible("no reference"))?;
                let (label, arity) = self.target_below(relative_depth, 1)?;
                let end = self.stack.len() - 1;
                self.emit.jump_if_null(value, true, label, &self.stack[end - arity..end]);
                if let Some(Operand { ty: ValType::Ref(ty), .. }) = self.stack.last_mut() {
                    ty.nullable = false;
                }
            }
            Operator::BrOnNonNull { relative_depth } => {
                self.charge_last(S::BrOnNonNull);
                let (label, arity) = self.target(relative_depth)?;
                let value = *self.top(1)?.first().ok_or_else(|| Error::impossible("no reference"))?;
                let args = self.stack.len() - arity;
                self.emit.jump_if_null(value, false, label, &self.stack[args..]);
                self.pop()?;
            }
            Operator::Return => {
                self.charge_last(S::Return);
                self.ret()?;
            }
            Operator::TryTable { ref try_table } => self.try_block(try_table)?,
            Operator::Throw { tag_index } => {
                self.charge_last(S::Throw);
                let arity = self.module.func_type_at(self.module.tags[tag_index as usize]).params().len();
                let args = self.pop_many(arity)?;
                let live = self.live()?;
                self.emit.throw(tag_index, &args, &live);
                self.reachable = false;
            }
            Operator::ThrowRef => {
                self.charge_last(S::ThrowRef);
                let exception = self.pop()?;
                self.emit.throw_ref(exception);
                self.reachable = false;
            }
            _ => return self.call_op(op),
        }
        Ok(true)
    }

    fn call_op(&mut self, op: &Operator<'_>) -> Result<bool> {
        use Structural as S;
        let (row, ty, tail) = match *op {
            Operator::Call { function_index } => (S::Call, self.module.funcs[function_index as usize], false),
            Operator::ReturnCall { function_index } => {
                (S::ReturnCall, self.module.funcs[function_index as usize], true)
            }
            Operator::CallIndirect { type_index, .. } => (S::CallIndirect, type_index, false),
            Operator::ReturnCallIndirect { type_index, .. } => (S::ReturnCallIndirect, type_index, true),
            Operator::CallRef { type_index } => (S::CallRef, type_index, false),
            Operator::ReturnCallRef { type_index } => (S::ReturnCallRef, type_index, true),
            _ => return Ok(false),
        };
        self.charge_last(row);
        let callee = match *op {
            Operator::Call { function_index } | Operator::ReturnCall { function_index } => Callee::Func(function_index),
            Operator::CallIndirect { type_index, table_index }
            | Operator::ReturnCallIndirect { type_index, table_index } => {
                Callee::Indirect { table: table_index, ty: type_index, index: self.pop()? }
            }
            _ => Callee::Ref { ty, func: self.pop()? },
        };
        let func_type = self.module.func_type_at(ty);
        let args = self.pop_many(func_type.params().len())?;
        if tail {
            self.emit.tail_call(callee, func_type, &args);
            self.reachable = false;
            return Ok(true);
        }
        let mut results = std::mem::take(&mut self.results);
        let to = self.next_slot();
        let live = self.live()?;
        self.emit.call(callee, func_type, &args, &live, to, &mut results);
        for (value, ty) in results.drain(..).zip(func_type.results()) {
            self.push(value, *ty);
        }
        self.results = results;
        Ok(true)
    }

    fn block_type(&self, ty: wp::BlockType) -> BlockType {
        match ty {
            wp::BlockType::Empty => BlockType::Empty,
            wp::BlockType::Type(ty) => BlockType::Result(super::val_type(self.module, ty)),
            wp::BlockType::FuncType(index) => BlockType::Func(index),
        }
    }

    /// Returns the label and arity of the branch target at this depth.
    fn target(&mut self, depth: u32) -> Result<(E::Label, usize)> {
        self.target_below(depth, 0)
    }

    /// Like [`Walk::target`], with `above` operands on top of the branch's arguments.
    fn target_below(&mut self, depth: u32, above: usize) -> Result<(E::Label, usize)> {
        let at = self.controls.len().checked_sub(depth as usize + 1);
        let at = at.ok_or_else(|| Error::impossible("branch depth"))?;
        let control = &mut self.controls[at];
        control.targeted = true;
        let arity = match control.kind {
            ControlKind::Loop => control.block_type.params(self.module).len(),
            _ => control.block_type.results(self.module, &self.frame.results).len(),
        };
        let label = control.label;
        self.top(arity + above)?;
        Ok((label, arity))
    }

    fn height_below(&self, params: usize) -> Result<usize> {
        self.stack.len().checked_sub(params).ok_or_else(|| Error::impossible("too few block parameters"))
    }

    /// Returns the canonical slot of the operand at a height of the stack.
    fn slot_at(&self, height: usize) -> Slot {
        self.stack.get(height).map_or_else(|| self.next_slot(), |operand| operand.slot)
    }

    fn open(&mut self, kind: ControlKind<E>, block_type: BlockType, label: E::Label, height: usize) {
        let spilled = self.spilled;
        self.controls.push(ControlFrame { kind, block_type, label, targeted: false, height, spilled });
    }

    fn end_label(&mut self, block_type: BlockType, height: usize) -> E::Label {
        let slot = self.slot_at(height);
        self.emit.label(LabelKind::Block, block_type.results(self.module, &self.frame.results), slot)
    }

    fn block(&mut self, ty: wp::BlockType) -> Result<()> {
        self.charge(Structural::Block);
        let block_type = self.block_type(ty);
        let height = self.height_below(block_type.params(self.module).len())?;
        self.preserve_all();
        let label = self.end_label(block_type, height);
        self.open(ControlKind::Block, block_type, label, height);
        Ok(())
    }

    fn loop_block(&mut self, ty: wp::BlockType) -> Result<()> {
        self.charge_last(Structural::Loop);
        let block_type = self.block_type(ty);
        let params = block_type.params(self.module);
        let height = self.height_below(params.len())?;
        self.spill_below(height);
        let slot = self.slot_at(height);
        let label = self.emit.label(LabelKind::Loop, params, slot);
        self.emit.jump(label, &self.stack[height..]);
        self.truncate(height);
        self.open(ControlKind::Loop, block_type, label, height);
        self.bind_label(LabelKind::Loop, label, params);
        self.spilled = self.stack.len();
        self.open_segment();
        self.emit.check(CheckPosition::Loop, &self.stack);
        Ok(())
    }

    fn if_block(&mut self, ty: wp::BlockType) -> Result<()> {
        self.charge_last(Structural::If);
        let condition = self.pop()?;
        let block_type = self.block_type(ty);
        let height = self.height_below(block_type.params(self.module).len())?;
        // The condition may still alias a local. The jump reads it before any local changes.
        self.preserve_all();
        for operand in &mut self.stack[height..] {
            self.emit.hold(operand);
        }
        let slot = self.next_slot();
        let else_label = self.emit.label(LabelKind::Else, &[], slot);
        let label = self.end_label(block_type, height);
        self.emit.jump_if(condition, false, else_label, &[]);
        let params = self.stack[height..].to_vec();
        self.else_operands += params.len();
        if self.else_operands > MAX_ELSE_OPERANDS {
            return Err(Error::limit("nested `if`s have too many parameters"));
        }
        self.open(ControlKind::If(else_label, params), block_type, label, height);
        Ok(())
    }

    fn try_block(&mut self, try_table: &wp::TryTable) -> Result<()> {
        self.charge_last(Structural::TryTable);
        let block_type = self.block_type(try_table.ty);
        let height = self.height_below(block_type.params(self.module).len())?;
        self.preserve_all();
        let mut clauses = Vec::with_capacity(try_table.catches.len());
        for catch in &try_table.catches {
            let (tag, with_ref, depth) = match *catch {
                wp::Catch::One { tag, label } => (Some(tag), false, label),
                wp::Catch::OneRef { tag, label } => (Some(tag), true, label),
                wp::Catch::All { label } => (None, false, label),
                wp::Catch::AllRef { label } => (None, true, label),
            };
            let at = self.controls.len().checked_sub(depth as usize + 1);
            let at = at.ok_or_else(|| Error::impossible("catch depth"))?;
            self.controls[at].targeted = true;
            clauses.push(Clause { tag, with_ref, target: self.controls[at].label });
        }
        let label = self.end_label(block_type, height);
        self.open(ControlKind::Try, block_type, label, height);
        self.emit.enter_try(&clauses);
        Ok(())
    }

    /// Binds a label to the current position and pushes its parameters.
    fn bind_label(&mut self, kind: LabelKind, label: E::Label, params: &[ValType]) {
        self.emit.bind_label(kind, label, &mut self.stack);
        for (index, ty) in params.iter().enumerate() {
            let slot = self.next_slot();
            let value = self.emit.param(label, index, *ty, slot);
            self.push(value, *ty);
        }
    }

    fn else_arm(&mut self) -> Result<()> {
        let control = self.controls.last_mut().ok_or_else(|| Error::impossible("else without if"))?;
        let ControlKind::If(else_label, params) = std::mem::replace(&mut control.kind, ControlKind::Block) else {
            return Err(Error::impossible("else without if"));
        };
        self.else_operands -= params.len();
        let (label, height, spilled) = (control.label, control.height, control.spilled);
        if self.reachable {
            control.targeted = true;
            self.emit.jump(label, &self.stack[height..]);
        }
        self.truncate(height);
        params.iter().for_each(|p| self.push(p.value, p.ty));
        self.unaliased = self.unaliased.min(height);
        self.spilled = spilled.min(height);
        self.emit.bind_label(LabelKind::Else, else_label, &mut self.stack);
        self.reachable = true;
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        if let Some(ControlFrame { kind: ControlKind::If(..), .. }) = self.controls.last() {
            self.else_arm()?;
        }
        let control = self.controls.pop().ok_or_else(|| Error::impossible("end without block"))?;
        match control.kind {
            ControlKind::Loop => {
                // Only backward branches target a loop's label. Fallthrough leaves the results on the stack.
                self.spilled = control.spilled.min(self.stack.len());
                self.emit.end_loop(control.label);
                return Ok(());
            }
            ControlKind::Function => return self.end_function(&control),
            _ => {}
        }
        let results = control.block_type.results(self.module, &self.frame.results).to_vec();
        if self.reachable {
            self.emit.jump(control.label, &self.stack[control.height..]);
        }
        if let ControlKind::Try = control.kind {
            self.emit.exit_try();
        }
        self.truncate(control.height);
        self.spilled = control.spilled.min(self.stack.len());
        self.reachable |= control.targeted;
        if self.reachable {
            self.bind_label(LabelKind::Block, control.label, &results);
        }
        Ok(())
    }

    fn end_function(&mut self, control: &ControlFrame<E>) -> Result<()> {
        if self.reachable {
            self.ret()?;
        }
        if control.targeted {
            let results = self.frame.results.clone();
            self.truncate(0);
            self.bind_label(LabelKind::Return, control.label, &results);
            self.ret()?;
        }
        self.reachable = false;
        Ok(())
    }

    fn ret(&mut self) -> Result<()> {
        let args = self.height_below(self.frame.results.len())?;
        self.emit.ret(&self.stack[args..]);
        self.reachable = false;
        Ok(())
    }

    fn branch(&mut self, depth: u32) -> Result<()> {
        if depth as usize + 1 == self.controls.len() {
            return self.ret();
        }
        let (label, arity) = self.target(depth)?;
        let args = self.stack.len() - arity;
        self.emit.jump(label, &self.stack[args..]);
        self.reachable = false;
        Ok(())
    }

    fn branch_table(&mut self, table: &wp::BrTable<'_>) -> Result<()> {
        self.charge_last(Structural::BrTable);
        let index = self.pop()?;
        let mut targets = Vec::with_capacity(table.len() as usize + 1);
        let mut arity = 0;
        for depth in table.targets().chain(std::iter::once(Ok(table.default()))) {
            let (label, n) = self.target(depth?)?;
            arity = n;
            targets.push(label);
        }
        let args = self.stack.len() - arity;
        self.emit.jump_table(index, &targets, &self.stack[args..]);
        self.reachable = false;
        Ok(())
    }

    /// Skips an operator of unreachable code and tracks its nesting.
    pub(super) fn skip(&mut self, op: &Operator<'_>, at: u32) -> Result<()> {
        match op {
            Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } | Operator::TryTable { .. } => {
                self.unreachable_depth += 1;
            }
            Operator::End if self.unreachable_depth > 0 => self.unreachable_depth -= 1,
            Operator::End => {
                self.emit.set_offset(at);
                if let Some(control) = self.controls.last() {
                    let height = control.height;
                    self.truncate(height);
                }
                self.end_segment();
                self.end()?;
            }
            Operator::Else if self.unreachable_depth == 0 => {
                self.emit.set_offset(at);
                self.end_segment();
                self.else_arm()?;
            }
            _ => {}
        }
        Ok(())
    }
}
