//! Writes instructions. It decides late where a result goes: an operation's result stays in its class's accumulator
//! (`pending`) until the next instruction either takes it from there or needs the accumulator, in which case the
//! operation is rewritten to store it. So `local.set` costs nothing after an operation, and chains of operations never
//! touch memory.
//!
//! Invariant: at most one operand on the walk's stack is pending, the last one produced; every other is in a slot or a
//! constant.

use kinglet_wasm::emit::{Operand, Slot};
use kinglet_wasm::op::{Binary, Compare};
use kinglet_wasm::types::ValType;

use super::Value;
use super::known::Known;
use crate::exec::{HANDLER_WORDS, Handler, Kind, handler_address, handlers};

/// The classes of values: one accumulator serves integers and references, one each float type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    I32,
    I64,
    F32,
    F64,
    Vector,
}

impl Class {
    pub(crate) fn of(ty: ValType) -> Class {
        match ty {
            ValType::I32 => Class::I32,
            ValType::I64 | ValType::Ref(_) => Class::I64,
            ValType::F32 => Class::F32,
            ValType::F64 => Class::F64,
            ValType::V128 => Class::Vector,
        }
    }

    /// Whether an immediate of it takes two words.
    pub(crate) fn is_wide(self) -> bool {
        matches!(self, Class::I64 | Class::F64)
    }
}

/// A result that is only in its accumulator.
#[derive(Clone, Copy, Debug)]
struct Pending {
    slot: Slot,
    class: Class,
    /// Where its instruction starts.
    start: usize,
    /// The handler of the same instruction that also stores.
    storing: Handler,
}

/// What the last instruction was, if the next may change it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Last {
    /// Stores its result to the slot its last word names.
    Stores(Slot),
    /// A comparison that is pending: its operands' kinds.
    Compare(usize, Compare, Kind, Kind),
    /// `i32.eqz` or (wide) `i64.eqz` or `ref.is_null` that is pending.
    Eqz(usize, bool, Kind),
    /// A copy of one slot.
    Copy(usize),
    /// An unconditional jump to this label.
    Jump(usize, usize),
}

/// What the last instruction is, for the next to become one with it. Taken back when another instruction starts or
/// control can come from elsewhere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Recent {
    /// Where it starts.
    pub(super) start: usize,
    pub(super) shape: Shape,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Shape {
    /// `global.get` of an `i32`.
    GlobalGet,
    /// `global.get`, a constant, `i32.add` or `i32.sub`; of which global, by its place.
    GlobalPlus(u32),
    /// The same, and `global.set` of it.
    GlobalMoved,
    /// `i32.add` of a slot and this constant.
    SlotPlus(u32),
    /// The same, and `global.set` of it.
    GlobalSetPlus,
    /// A constant of 32 bits to a slot.
    Constant,
    /// `i32.load` with the address in a slot.
    Load,
    /// `i32.store` of a slot to the address in the accumulator, and to another slot.
    Store,
    /// `i32.add` of two slots.
    Sum,
    /// `f64.load` with the address in a slot.
    F64Load,
    /// `f64.add`, `f64.sub` or `f64.mul`.
    F64Binary(Binary, Kind, Kind),
}

/// What put a call's last argument in place.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Argument {
    Copy,
    Load,
    Constant,
}

/// A line of a listing.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) at: usize,
    pub(super) text: String,
}

#[derive(Default)]
pub(super) struct Assembler {
    pub(super) words: Vec<u32>,
    pending: Option<Pending>,
    /// A slot whose value an accumulator also holds.
    cached: Option<(Slot, Class)>,
    pub(super) last: Option<Last>,
    pub(super) recent: Option<Recent>,
    /// What `recent` was of the instruction before.
    before: Option<Recent>,
    pub(super) known: Known,
    pub(super) listing: Option<Vec<Line>>,
}

impl Assembler {
    /// Starts an instruction.
    pub(super) fn inst(&mut self, handler: Handler, name: impl FnOnce() -> String) {
        if let Some(listing) = &mut self.listing {
            listing.push(Line { at: self.words.len(), text: name() });
        }
        self.last = None;
        self.before = self.recent.take();
        self.words.extend(handler_words(handler));
    }

    /// Changes what an instruction does.
    pub(super) fn rewrite(&mut self, start: usize, handler: Handler) {
        self.words[start..start + HANDLER_WORDS].copy_from_slice(&handler_words(handler));
    }

    /// Makes one instruction of the last and the next, whose operand words follow.
    pub(super) fn fuse(&mut self, start: usize, handler: Handler, name: impl FnOnce() -> String) {
        self.rewrite(start, handler);
        self.note(|| format!("; {}", name()));
        self.last = None;
        self.recent = None;
    }

    /// The last instruction, if it is of this shape and its result, this operand, is in the accumulator: where it starts,
    /// and where else the result is.
    pub(super) fn recent_result(&self, shape: Shape, operand: Operand<Value>) -> Option<(usize, Kind)> {
        let recent = self.recent.filter(|recent| recent.shape == shape)?;
        if self.recent_pending(operand).is_some() {
            Some((recent.start, Kind::Acc))
        } else if self.last_stores(operand) {
            Some((recent.start, Kind::Slot))
        } else {
            None
        }
    }

    /// Where the last instruction starts, if it is a [`Shape::Load`] that stored its result.
    pub(super) fn recent_stored_load(&self) -> Option<usize> {
        match (self.recent?, self.last, self.pending) {
            (Recent { start, shape: Shape::Load }, Some(Last::Stores(_)), None) => Some(start),
            _ => None,
        }
    }

    /// Where the last instruction starts, if it is `i32.add` of a slot and a constant and has stored its result.
    pub(super) fn recent_step(&self) -> Option<usize> {
        match self.recent? {
            Recent { start, shape: Shape::SlotPlus(_) } if self.words.len() == start + HANDLER_WORDS + 3 => Some(start),
            _ => None,
        }
    }

    /// The last instruction, if it is what puts an argument in place: where it starts, and what it is.
    pub(super) fn recent_argument(&self) -> Option<(usize, Argument)> {
        match (self.last, self.recent) {
            (Some(Last::Copy(start)), _) => Some((start, Argument::Copy)),
            (_, Some(Recent { start, shape: Shape::Constant })) => Some((start, Argument::Constant)),
            _ => self.recent_stored_load().map(|start| (start, Argument::Load)),
        }
    }

    /// Notes what the instruction just written is.
    pub(super) fn remember(&mut self, start: usize, shape: Shape) {
        self.recent = Some(Recent { start, shape });
    }

    /// The last instruction, if its result is pending and is this operand.
    pub(super) fn recent_pending(&self, operand: Operand<Value>) -> Option<Recent> {
        let recent = self.recent?;
        let pending = self.pending?;
        (operand.value == Value::Slot(pending.slot) && pending.start == recent.start).then_some(recent)
    }

    pub(super) fn word(&mut self, word: u32) {
        self.words.push(word);
    }

    pub(super) fn double_word(&mut self, word: u64) {
        self.words.extend(double_words(word));
    }

    pub(super) fn slot_word(&mut self, slot: Slot) {
        self.words.push(slot * 8);
    }

    /// Adds to the listing's last line.
    pub(super) fn note(&mut self, text: impl FnOnce() -> String) {
        if let Some(line) = self.listing.as_mut().and_then(|l| l.last_mut()) {
            line.text.push_str(&text());
        }
    }

    /// Where an operand is to be taken from. If it is pending it no longer is: whoever asks takes it.
    pub(super) fn source(&mut self, operand: Operand<Value>) -> Kind {
        match operand.value {
            Value::Const(_) => Kind::Imm,
            Value::Slot(slot) => {
                let class = Class::of(operand.ty);
                if self.pending.is_some_and(|p| p.slot == slot) {
                    self.pending = None;
                    self.last = None;
                    Kind::Acc
                } else if self.cached == Some((slot, class)) {
                    Kind::Acc
                } else {
                    Kind::Slot
                }
            }
        }
    }

    /// Like [`Self::source`] for an instruction that can have a constant only in a slot.
    pub(super) fn source_no_imm(&mut self, operand: Operand<Value>) -> Kind {
        if let Value::Const(_) = operand.value {
            self.own_slot(operand);
            return Kind::Slot;
        }
        self.source(operand)
    }

    /// The word of an operand taken from where [`Self::source`] said.
    pub(super) fn operand_words(&mut self, operand: Operand<Value>, kind: Kind) {
        match (kind, operand.value) {
            (Kind::Acc, _) => self.note(|| " acc".to_string()),
            (_, Value::Slot(slot)) => {
                self.slot_word(slot);
                self.note(|| format!(" s{slot}"));
            }
            (_, Value::Const(bits)) if kind == Kind::Imm => {
                if Class::of(operand.ty).is_wide() {
                    self.double_word(bits);
                } else {
                    self.word(bits as u32);
                }
                self.note(|| format!(" #{}", constant_text(bits, Class::of(operand.ty))));
            }
            // A constant that was put into its own slot.
            (_, Value::Const(_)) => {
                self.slot_word(operand.slot);
                self.note(|| format!(" s{}", operand.slot));
            }
        }
    }

    /// Puts an operand into a slot if it is not in one: its own. Returns the slot it is in.
    pub(super) fn in_slot(&mut self, operand: Operand<Value>) -> Slot {
        match operand.value {
            Value::Const(_) => self.own_slot(operand),
            Value::Slot(slot) => {
                if self.pending.is_some_and(|p| p.slot == slot) {
                    self.flush();
                }
                slot
            }
        }
    }

    /// Puts an operand into its own slot if it is elsewhere.
    pub(super) fn own_slot(&mut self, operand: Operand<Value>) -> Slot {
        self.move_to(operand, operand.slot);
        operand.slot
    }

    /// Copies an operand to a slot. Accumulators keep their values.
    pub(super) fn move_to(&mut self, operand: Operand<Value>, to: Slot) {
        let class = Class::of(operand.ty);
        match operand.value {
            Value::Slot(from) if self.pending.is_some_and(|p| p.slot == from) => {
                self.redirect(to);
                self.flush();
            }
            Value::Slot(from) if from == to => {}
            Value::Slot(from) if self.known.is_scratch(from) && self.last_stores(operand) => {
                // What was just loaded is wanted elsewhere: let it be loaded there.
                self.known.drop_slot(from);
                self.store_elsewhere(from, to);
            }
            Value::Slot(from) => {
                self.flush();
                self.copy(from, to, class);
            }
            Value::Const(bits) => {
                self.flush();
                self.forget(to);
                let start = self.words.len();
                self.inst(handlers::constant(class.is_wide()), || "const".to_string());
                if class.is_wide() {
                    self.double_word(bits)
                } else {
                    self.word(bits as u32);
                    self.remember(start, Shape::Constant);
                }
                self.slot_word(to);
                self.note(|| format!(" #{} -> s{to}", constant_text(bits, class)));
            }
        }
    }

    /// Copies slots that do not lie below their destination. Accumulators keep their values.
    pub(super) fn move_block(&mut self, from: Slot, to: Slot, slots: Slot) {
        self.flush();
        if from == to {
            return;
        }
        self.cached = None;
        self.inst(handlers::copy_block(), || format!("copy s{from}..{} -> s{to}", from + slots));
        self.slot_word(from);
        self.slot_word(to);
        self.word(slots);
    }

    fn copy(&mut self, from: Slot, to: Slot, class: Class) {
        self.forget(to);
        if class != Class::Vector
            && let Some(Last::Copy(start)) = self.last
        {
            self.rewrite(start, handlers::copy2());
            self.slot_word(from);
            self.slot_word(to);
            self.note(|| format!(", s{from} -> s{to}"));
            self.last = None;
            return;
        }
        let start = self.words.len();
        let handler = if class == Class::Vector { handlers::copy_vector() } else { handlers::copy() };
        self.inst(handler, || if class == Class::Vector { "copy.v128".into() } else { "copy".into() });
        self.slot_word(from);
        self.slot_word(to);
        self.note(|| format!(" s{from} -> s{to}"));
        if class != Class::Vector {
            self.last = Some(Last::Copy(start));
        }
    }

    /// The pending result is wanted in `to`.
    fn redirect(&mut self, to: Slot) {
        if let Some(pending) = &mut self.pending {
            if let Some(Last::Stores(slot)) = &mut self.last
                && *slot == pending.slot
            {
                *slot = to;
            }
            pending.slot = to;
        }
    }

    /// Copies the local an operand aliases to the operand's own slot. A pending result stays pending.
    pub(super) fn preserve(&mut self, operand: Operand<Value>) {
        if let Value::Slot(from) = operand.value
            && from != operand.slot
        {
            self.copy(from, operand.slot, Class::of(operand.ty));
        }
    }

    fn pending_is_last(&self) -> bool {
        matches!((self.pending, self.last), (Some(p), Some(Last::Compare(at, ..) | Last::Eqz(at, ..))) if p.start == at)
            || matches!((self.pending, self.last), (Some(p), Some(Last::Stores(slot))) if p.slot == slot)
    }

    /// Whether the last instruction stored this operand to the slot where it is.
    pub(super) fn last_stores(&self, operand: Operand<Value>) -> bool {
        matches!((operand.value, self.last), (Value::Slot(from), Some(Last::Stores(to))) if from == to)
            && self.pending.is_none()
    }

    /// The pending result, if any, is stored to its slot.
    pub(super) fn flush(&mut self) {
        let Some(pending) = self.pending else { return };
        let last = self.pending_is_last();
        self.pending = None;
        self.forget(pending.slot);
        if last {
            self.rewrite(pending.start, pending.storing);
        } else {
            self.inst(handlers::keep(pending.class), || "keep acc".to_string());
        }
        self.slot_word(pending.slot);
        self.note(|| format!(" -> s{}", pending.slot));
        self.last = Some(Last::Stores(pending.slot));
        self.cached = Some((pending.slot, pending.class));
    }

    /// A slot's value changes: what an accumulator held of it is stale.
    pub(super) fn forget(&mut self, slot: Slot) {
        if self.cached.is_some_and(|(cached, _)| cached == slot) {
            self.cached = None;
        }
    }

    /// Control can come from elsewhere: nothing is known of accumulators.
    pub(super) fn join(&mut self) {
        self.flush();
        self.cached = None;
        self.last = None;
        self.recent = None;
        self.known.forget_all();
    }

    /// Accumulators may have been overwritten.
    pub(super) fn clobber(&mut self) {
        self.cached = None;
    }

    /// Ends an instruction whose scalar result has an accumulating and a storing handler, written as accumulating.
    pub(super) fn result(&mut self, start: usize, storing: Handler, class: Class, to: Slot) -> Value {
        self.cached = None;
        self.pending = Some(Pending { slot: to, class, start, storing });
        self.last = Some(Last::Stores(to));
        Value::Slot(to)
    }

    /// Ends an instruction that stores its result to slots.
    pub(super) fn stored(&mut self, to: Slot) -> Value {
        self.forget(to);
        self.slot_word(to);
        self.note(|| format!(" -> s{to}"));
        self.last = Some(Last::Stores(to));
        Value::Slot(to)
    }

    /// `local.set`
    pub(super) fn set_local(&mut self, operand: Operand<Value>, to: Slot) {
        if let (Value::Slot(from), Some(Last::Stores(slot)), None) = (operand.value, self.last, self.pending)
            && from == slot
            && from == operand.slot
            && from != to
        {
            // The last instruction made it, and nobody else wants it: let it be made in place.
            self.store_elsewhere(from, to);
            return;
        }
        self.move_to(operand, to);
    }

    /// The last instruction, which stores to one slot, is to store to another.
    fn store_elsewhere(&mut self, from: Slot, to: Slot) {
        self.forget(to);
        let end = self.words.len() - 1;
        self.words[end] = to * 8;
        self.note(|| format!(" (s{to})"));
        self.last = Some(Last::Stores(to));
        if let Some((cached, class)) = self.cached
            && cached == from
        {
            self.cached = Some((to, class));
        }
    }

    /// An operand means what a scratch slot holds: the instruction that stored it there must go on doing that.
    pub(super) fn reuse(&mut self, value: Value) {
        if let (Value::Slot(slot), Some(Last::Stores(to))) = (value, self.last)
            && slot == to
        {
            self.last = None;
            self.recent = None;
        }
    }

    /// An accumulator and this slot hold the same value.
    pub(super) fn holds(&mut self, slot: Slot, class: Class) {
        self.cached = Some((slot, class));
    }

    /// Takes back a pending comparison to fuse it with a branch: what it compared, the words of its operands, and its
    /// line of the listing.
    pub(super) fn take_condition(&mut self, condition: Operand<Value>) -> Option<(Last, Vec<u32>, String)> {
        let Value::Slot(slot) = condition.value else { return None };
        let pending = self.pending.filter(|p| p.slot == slot)?;
        let last @ (Last::Compare(start, ..) | Last::Eqz(start, ..)) = self.last? else { return None };
        if start != pending.start {
            return None;
        }
        let operands = self.words[start + HANDLER_WORDS..].to_vec();
        let text = self.listing.as_ref().and_then(|l| l.last()).map_or(String::new(), |line| line.text.clone());
        let before = self.before;
        self.truncate(start);
        self.pending = None;
        self.recent = before;
        Some((last, operands, text))
    }

    pub(super) fn truncate(&mut self, start: usize) {
        self.words.truncate(start);
        if let Some(listing) = &mut self.listing {
            listing.retain(|line| line.at < start);
        }
        self.last = None;
        self.recent = None;
    }
}

/// Two operand words in the machine's order, since they are read as one number.
pub(super) fn double_words(number: u64) -> [u32; 2] {
    let [low, high] = [number as u32, (number >> 32) as u32];
    if cfg!(target_endian = "big") { [high, low] } else { [low, high] }
}

pub(super) fn handler_words(handler: Handler) -> [u32; HANDLER_WORDS] {
    let bytes = handler_address(handler).to_ne_bytes();
    std::array::from_fn(|i| u32::from_ne_bytes(std::array::from_fn(|j| bytes[i * 4 + j])))
}

fn constant_text(bits: u64, class: Class) -> String {
    match class {
        Class::I32 => (bits as i32).to_string(),
        Class::F32 => format!("{:?}", f32::from_bits(bits as u32)),
        Class::F64 => format!("{:?}", f64::from_bits(bits)),
        _ => (bits as i64).to_string(),
    }
}
