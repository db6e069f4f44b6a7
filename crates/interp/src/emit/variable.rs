//! Locals, globals, constants, `select`, references.

use kinglet_wasm::emit::*;
use kinglet_wasm::types::ValType;

use super::assembler::{Class, Last, Recent, Shape};
use super::{Lower, Value};
use crate::access::encode_place;
use crate::exec::{HANDLER_WORDS, Kind, handlers};

impl Lower<'_> {
    /// Copies the local an operand aliases to the operand's own slot. A pending result stays pending.
    pub(super) fn preserve_operand(&mut self, operand: &mut Operand<Value>) {
        let own = operand.slot;
        self.asm.preserve(*operand);
        operand.value = Value::Slot(own);
    }

    pub(super) fn emit_local_set(&mut self, local: Local, value: Operand<Value>) {
        self.asm.known.local_changes(local.slot);
        let plus = self.asm.recent.is_some_and(|recent| matches!(recent.shape, Shape::GlobalPlus(_)));
        self.asm.set_local(value, local.slot);
        if plus && self.asm.last_stores(Operand { value: Value::Slot(local.slot), ..value }) {
            self.asm.known.set_base(local.slot);
        }
    }

    pub(super) fn emit_constant(&mut self, constant: Constant, to: Slot) -> Value {
        match constant {
            Constant::I32(value) => Value::Const(value as u32 as u64),
            Constant::I64(value) => Value::Const(value as u64),
            Constant::F32(bits) => Value::Const(bits.into()),
            Constant::F64(bits) => Value::Const(bits),
            Constant::Null(_) => Value::Const(0),
            Constant::V128(value) => {
                self.grow(to + 2);
                self.asm.flush();
                self.asm.inst(handlers::vector_constant(), || format!("v128.const {:#034x}", value.to_u128()));
                self.asm.double_word(value.to_u128() as u64);
                self.asm.double_word((value.to_u128() >> 64) as u64);
                self.asm.stored(to)
            }
        }
    }

    pub(super) fn emit_global_get(&mut self, global: u32, ty: ValType, to: Slot) -> Value {
        self.grow(to + ty.slots());
        self.asm.flush();
        let place = encode_place(self.environment.layout.global(global));
        let class = Class::of(ty);
        let start = self.asm.words.len();
        self.asm.inst(handlers::global_get(class, Kind::Acc), || format!("global.get {global}"));
        self.asm.word(place);
        if class == Class::Vector {
            return self.asm.stored(to);
        }
        let value = self.asm.result(start, handlers::global_get(class, Kind::Slot), class, to);
        if class == Class::I32 {
            self.asm.remember(start, Shape::GlobalGet);
        }
        value
    }

    /// `i32.add` of what a `global.get` just before left and a constant, in one instruction: how C programs move their
    /// stack pointer.
    pub(super) fn global_plus(&mut self, a: Operand<Value>, constant: u32, to: Slot) -> Option<Value> {
        let Recent { start, shape: Shape::GlobalGet } = self.asm.recent_pending(a)? else { return None };
        self.grow(to + 1);
        let place = *self.asm.words.last()?;
        self.asm.source(a);
        self.asm.rewrite(start, handlers::global_plus(Kind::Acc));
        self.asm.word(constant);
        self.asm.note(|| format!(" + {}", constant as i32));
        let value = self.asm.result(start, handlers::global_plus(Kind::Slot), Class::I32, to);
        self.asm.remember(start, Shape::GlobalPlus(place));
        Some(value)
    }

    /// `global.set` of what was just computed from the same global, or is a slot plus a constant, in one instruction.
    fn global_moved(&mut self, place: u32, value: Operand<Value>) -> Option<()> {
        let recent = self.asm.recent?;
        let pending = self.asm.recent_pending(value).is_some();
        match recent.shape {
            Shape::GlobalPlus(from) if from == place => {
                if pending {
                    self.asm.source(value);
                    self.asm.rewrite(recent.start, handlers::global_move(Kind::Acc));
                    self.asm.recent = None;
                } else if self.asm.last_stores(value) {
                    self.asm.rewrite(recent.start, handlers::global_move(Kind::Slot));
                    self.asm.remember(recent.start, Shape::GlobalMoved);
                } else {
                    return None;
                }
                self.asm.note(|| " and set".to_string());
            }
            Shape::SlotPlus(constant) if pending => {
                self.asm.source(value);
                self.asm.words.truncate(recent.start + HANDLER_WORDS + 1);
                self.asm.rewrite(recent.start, handlers::global_set_plus());
                self.asm.word(constant);
                self.asm.word(place);
                self.asm.note(|| " to global".to_string());
                self.asm.remember(recent.start, Shape::GlobalSetPlus);
                self.asm.clobber();
            }
            _ => return None,
        }
        Some(())
    }

    pub(super) fn emit_global_set(&mut self, global: u32, value: Operand<Value>) {
        let place = encode_place(self.environment.layout.global(global));
        let class = Class::of(value.ty);
        if class == Class::I32 && self.global_moved(place, value).is_some() {
            return;
        }
        let kind = if class == Class::Vector { self.vector_source(value) } else { self.asm.source(value) };
        self.asm.flush();
        self.asm.inst(handlers::global_set(class, kind), || format!("global.set {global}"));
        self.asm.word(place);
        self.asm.operand_words(value, kind);
    }

    fn vector_source(&mut self, value: Operand<Value>) -> Kind {
        self.asm.in_slot(value);
        Kind::Slot
    }

    pub(super) fn emit_select(
        &mut self,
        a: Operand<Value>,
        b: Operand<Value>,
        condition: Operand<Value>,
        to: Slot,
    ) -> Value {
        let class = Class::of(a.ty);
        self.grow(to + a.ty.slots());
        if class == Class::Vector {
            for operand in [a, b, condition] {
                self.asm.in_slot(operand);
            }
            self.asm.flush();
            self.asm.inst(handlers::select(class, Kind::Slot, Kind::Slot, Kind::Slot, Kind::Slot), || {
                "select.v128".to_string()
            });
            for operand in [a, b, condition] {
                self.asm.operand_words(operand, Kind::Slot);
            }
            return self.asm.stored(to);
        }
        // Only the condition may come from an accumulator: it is the last value made.
        for operand in [a, b] {
            if let Value::Slot(_) = operand.value {
                self.asm.in_slot(operand);
            }
        }
        let c = self.asm.source_no_imm(condition);
        self.asm.flush();
        let kind = |operand: Operand<Value>| match operand.value {
            Value::Const(_) => Kind::Imm,
            Value::Slot(_) => Kind::Slot,
        };
        let (ka, kb) = (kind(a), kind(b));
        let start = self.asm.words.len();
        self.asm.inst(handlers::select(class, ka, kb, c, Kind::Acc), || "select".to_string());
        self.asm.operand_words(a, ka);
        self.asm.operand_words(b, kb);
        self.asm.operand_words(condition, c);
        self.asm.result(start, handlers::select(class, ka, kb, c, Kind::Slot), class, to)
    }

    pub(super) fn emit_is_null(&mut self, value: Operand<Value>, to: Slot) -> Value {
        self.grow(to + 1);
        let kind = self.asm.source_no_imm(value);
        self.asm.flush();
        let start = self.asm.words.len();
        self.asm.inst(handlers::is_null(kind, Kind::Acc), || "ref.is_null".to_string());
        self.asm.operand_words(value, kind);
        let result = self.asm.result(start, handlers::is_null(kind, Kind::Slot), Class::I32, to);
        self.asm.last = Some(Last::Eqz(start, true, kind));
        result
    }

    pub(super) fn emit_as_non_null(&mut self, value: Operand<Value>, to: Slot) -> Value {
        self.grow(to + 1);
        self.asm.in_slot(value);
        self.asm.flush();
        self.asm.inst(handlers::as_non_null(), || "ref.as_non_null".to_string());
        self.asm.operand_words(value, Kind::Slot);
        self.asm.stored(to)
    }
}
