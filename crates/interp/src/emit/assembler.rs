//! Writes instructions.
//!
//! It implements top-of-stack caching. The result of an operation stays in the accumulator of its class (`cached_top`).
//! If the next instruction consumes the result, it is never stored. Otherwise the assembler rewrites the operation so
//! that it stores the result. `local.set` after an operation is thus free, and chains of operations do not touch
//! memory.
//!
//! Invariant: only the last result may be cached. Every other operand is in a slot or constant.

use kinglet_wasm::emit::{Operand, Slot};
use kinglet_wasm::op::{Binary, Compare};
use kinglet_wasm::types::ValType;

use super::ValueLocation;
use super::forwarding::Forwarding;
use crate::exec::{HANDLER_WORDS, Handler, OperandKind, handler_address, handlers};

/// Value classes. Integers and references share one accumulator, and each float type has its own.
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

    /// Returns whether an immediate takes two words.
    pub(crate) fn is_wide(self) -> bool {
        matches!(self, Class::I64 | Class::F64)
    }
}

/// A result that exists only in an accumulator: the cached top of stack.
#[derive(Clone, Copy, Debug)]
struct CachedTop {
    slot: Slot,
    class: Class,
    /// The word offset of its instruction.
    start: usize,
    /// The variant of the instruction's handler that stores the result.
    storing: Handler,
}

/// The last instruction, if the next may replace or extend it.
#[derive(Clone, Copy, Debug)]
pub(super) enum LastInstruction {
    /// An instruction whose last word is the slot to which it stores its result.
    Stores(Slot),
    /// A comparison with a cached result, and the kinds of its operands.
    Compare(usize, Compare, OperandKind, OperandKind),
    /// `i32.eqz` with a cached result. If the flag is `true`, `i64.eqz` or `ref.is_null`.
    Eqz(usize, bool, OperandKind),
    /// A copy of one slot.
    Copy(usize),
    /// An unconditional jump to this label.
    Jump(usize, usize),
}

/// The last instruction, if it can become the first half of a superinstruction. Reset when another instruction starts
/// or a label is bound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct FusionCandidate {
    /// Its word offset.
    pub(super) start: usize,
    pub(super) shape: InstructionShape,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum InstructionShape {
    /// `global.get` of an `i32`.
    GlobalGet,
    /// `global.get`, a constant, and `i32.add` or `i32.sub`. The word is the global's encoded location.
    GlobalAdd(u32),
    /// `GlobalAdd` with `global.set` of the sum to the same global.
    GlobalAddSet,
    /// `i32.add` of a slot and this constant.
    SlotAdd(u32),
    /// `SlotAdd` with `global.set` of the sum.
    GlobalSetSum,
    /// A 32-bit constant that is stored to a slot.
    Constant,
    /// `i32.load` with the address in a slot.
    Load,
    /// `i32.store` of a slot to the address in the accumulator, with a copy of the value to another slot.
    Store,
    /// `i32.add` of two slots.
    Sum,
    /// `f64.load` with the address in a slot.
    F64Load,
    /// `f64.add`, `f64.sub` or `f64.mul`.
    F64Binary(Binary, OperandKind, OperandKind),
}

/// The instruction that moves a call's last argument into place.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ArgumentMove {
    Copy,
    Load,
    Constant,
}

/// A line of a listing.
#[derive(Debug)]
pub(super) struct ListingLine {
    pub(super) at: usize,
    pub(super) text: String,
}

#[derive(Default)]
pub(super) struct Assembler {
    pub(super) words: Vec<u32>,
    cached_top: Option<CachedTop>,
    /// A slot whose value is also in an accumulator.
    mirrored: Option<(Slot, Class)>,
    pub(super) last: Option<LastInstruction>,
    pub(super) candidate: Option<FusionCandidate>,
    /// The candidate before the last instruction.
    previous_candidate: Option<FusionCandidate>,
    pub(super) forwarding: Forwarding,
    pub(super) listing: Option<Vec<ListingLine>>,
}

impl Assembler {
    /// Starts an instruction.
    pub(super) fn inst(&mut self, handler: Handler, name: impl FnOnce() -> String) {
        if let Some(listing) = &mut self.listing {
            listing.push(ListingLine { at: self.words.len(), text: name() });
        }
        self.last = None;
        self.previous_candidate = self.candidate.take();
        self.words.extend(handler_words(handler));
    }

    /// Replaces an instruction's handler.
    pub(super) fn rewrite(&mut self, start: usize, handler: Handler) {
        self.words[start..start + HANDLER_WORDS].copy_from_slice(&handler_words(handler));
    }

    /// Fuses the last instruction with the next into a superinstruction. The operand words of the next follow.
    pub(super) fn fuse(&mut self, start: usize, handler: Handler, name: impl FnOnce() -> String) {
        self.rewrite(start, handler);
        self.append_listing(|| format!("; {}", name()));
        self.last = None;
        self.candidate = None;
    }

    /// Returns the start of the last instruction if it has this shape and this operand as its result. Also returns
    /// whether the result is in the accumulator alone or in a slot too.
    pub(super) fn candidate_result(
        &self,
        shape: InstructionShape,
        operand: Operand<ValueLocation>,
    ) -> Option<(usize, OperandKind)> {
        let candidate = self.candidate.filter(|candidate| candidate.shape == shape)?;
        if self.candidate_in_acc(operand).is_some() {
            Some((candidate.start, OperandKind::Acc))
        } else if self.last_stores(operand) {
            Some((candidate.start, OperandKind::Slot))
        } else {
            None
        }
    }

    /// Returns the start of the last instruction if it is an [`InstructionShape::Load`] that stored its result.
    pub(super) fn candidate_stored_load(&self) -> Option<usize> {
        match (self.candidate?, self.last, self.cached_top) {
            (FusionCandidate { start, shape: InstructionShape::Load }, Some(LastInstruction::Stores(_)), None) => {
                Some(start)
            }
            _ => None,
        }
    }

    /// Returns the start of the last instruction if it is `i32.add` of a slot and a constant that stored its result.
    pub(super) fn candidate_loop_step(&self) -> Option<usize> {
        match self.candidate? {
            FusionCandidate { start, shape: InstructionShape::SlotAdd(_) }
                if self.words.len() == start + HANDLER_WORDS + 3 =>
            {
                Some(start)
            }
            _ => None,
        }
    }

    /// Returns the start and kind of the last instruction if it may move an argument into place.
    pub(super) fn candidate_argument_move(&self) -> Option<(usize, ArgumentMove)> {
        match (self.last, self.candidate) {
            (Some(LastInstruction::Copy(start)), _) => Some((start, ArgumentMove::Copy)),
            (_, Some(FusionCandidate { start, shape: InstructionShape::Constant })) => {
                Some((start, ArgumentMove::Constant))
            }
            _ => self.candidate_stored_load().map(|start| (start, ArgumentMove::Load)),
        }
    }

    /// Records the shape of the instruction just written.
    pub(super) fn set_candidate(&mut self, start: usize, shape: InstructionShape) {
        self.candidate = Some(FusionCandidate { start, shape });
    }

    /// Returns the last instruction if this operand is its cached result.
    pub(super) fn candidate_in_acc(&self, operand: Operand<ValueLocation>) -> Option<FusionCandidate> {
        let candidate = self.candidate?;
        let top = self.cached_top?;
        (operand.value == ValueLocation::Slot(top.slot) && top.start == candidate.start).then_some(candidate)
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

    /// Appends text to the last line of the listing.
    pub(super) fn append_listing(&mut self, text: impl FnOnce() -> String) {
        if let Some(line) = self.listing.as_mut().and_then(|l| l.last_mut()) {
            line.text.push_str(&text());
        }
    }

    /// Consumes an operand and returns its location. A cached result is no longer cached.
    pub(super) fn take_operand(&mut self, operand: Operand<ValueLocation>) -> OperandKind {
        match operand.value {
            ValueLocation::Const(_) => OperandKind::Imm,
            ValueLocation::Slot(slot) => {
                let class = Class::of(operand.ty);
                if self.cached_top.is_some_and(|p| p.slot == slot) {
                    self.cached_top = None;
                    self.last = None;
                    OperandKind::Acc
                } else if self.mirrored == Some((slot, class)) {
                    OperandKind::Acc
                } else {
                    OperandKind::Slot
                }
            }
        }
    }

    /// Consumes an operand like [`Self::take_operand`], but moves constants to a slot.
    pub(super) fn take_operand_no_imm(&mut self, operand: Operand<ValueLocation>) -> OperandKind {
        if let ValueLocation::Const(_) = operand.value {
            self.move_to_own_slot(operand);
            return OperandKind::Slot;
        }
        self.take_operand(operand)
    }

    /// Writes the words of an operand for the location that [`Self::take_operand`] returned.
    pub(super) fn write_operand(&mut self, operand: Operand<ValueLocation>, kind: OperandKind) {
        match (kind, operand.value) {
            (OperandKind::Acc, _) => self.append_listing(|| " acc".to_string()),
            (_, ValueLocation::Slot(slot)) => {
                self.slot_word(slot);
                self.append_listing(|| format!(" s{slot}"));
            }
            (_, ValueLocation::Const(bits)) if kind == OperandKind::Imm => {
                if Class::of(operand.ty).is_wide() {
                    self.double_word(bits);
                } else {
                    self.word(bits as u32);
                }
                self.append_listing(|| format!(" #{}", constant_text(bits, Class::of(operand.ty))));
            }
            // A constant that was moved to its canonical slot.
            (_, ValueLocation::Const(_)) => {
                self.slot_word(operand.slot);
                self.append_listing(|| format!(" s{}", operand.slot));
            }
        }
    }

    /// Moves an operand to its canonical slot unless it is in a slot. Returns the operand's slot.
    pub(super) fn ensure_in_slot(&mut self, operand: Operand<ValueLocation>) -> Slot {
        match operand.value {
            ValueLocation::Const(_) => self.move_to_own_slot(operand),
            ValueLocation::Slot(slot) => {
                if self.cached_top.is_some_and(|p| p.slot == slot) {
                    self.flush();
                }
                slot
            }
        }
    }

    /// Moves an operand to its canonical slot.
    pub(super) fn move_to_own_slot(&mut self, operand: Operand<ValueLocation>) -> Slot {
        self.move_to(operand, operand.slot);
        operand.slot
    }

    /// Copies an operand to a slot. Accumulators are unchanged.
    pub(super) fn move_to(&mut self, operand: Operand<ValueLocation>, to: Slot) {
        let class = Class::of(operand.ty);
        match operand.value {
            ValueLocation::Slot(from) if self.cached_top.is_some_and(|p| p.slot == from) => {
                self.redirect(to);
                self.flush();
            }
            ValueLocation::Slot(from) if from == to => {}
            ValueLocation::Slot(from) if self.forwarding.is_scratch(from) && self.last_stores(operand) => {
                // Let the load write to the new slot instead.
                self.forwarding.invalidate_slot(from);
                self.retarget_store(from, to);
            }
            ValueLocation::Slot(from) => {
                self.flush();
                self.copy(from, to, class);
            }
            ValueLocation::Const(bits) => {
                self.flush();
                self.invalidate_mirror(to);
                let start = self.words.len();
                self.inst(handlers::constant(class.is_wide()), || "const".to_string());
                if class.is_wide() {
                    self.double_word(bits)
                } else {
                    self.word(bits as u32);
                    self.set_candidate(start, InstructionShape::Constant);
                }
                self.slot_word(to);
                self.append_listing(|| format!(" #{} -> s{to}", constant_text(bits, class)));
            }
        }
    }

    /// Copies slots to slots that are not above them. Accumulators are unchanged.
    pub(super) fn move_block(&mut self, from: Slot, to: Slot, slots: Slot) {
        self.flush();
        if from == to {
            return;
        }
        self.mirrored = None;
        self.inst(handlers::copy_block(), || format!("copy s{from}..{} -> s{to}", from + slots));
        self.slot_word(from);
        self.slot_word(to);
        self.word(slots);
    }

    fn copy(&mut self, from: Slot, to: Slot, class: Class) {
        self.invalidate_mirror(to);
        if class != Class::Vector
            && let Some(LastInstruction::Copy(start)) = self.last
        {
            self.rewrite(start, handlers::copy2());
            self.slot_word(from);
            self.slot_word(to);
            self.append_listing(|| format!(", s{from} -> s{to}"));
            self.last = None;
            return;
        }
        let start = self.words.len();
        let handler = if class == Class::Vector { handlers::copy_vector() } else { handlers::copy() };
        self.inst(handler, || if class == Class::Vector { "copy.v128".into() } else { "copy".into() });
        self.slot_word(from);
        self.slot_word(to);
        self.append_listing(|| format!(" s{from} -> s{to}"));
        if class != Class::Vector {
            self.last = Some(LastInstruction::Copy(start));
        }
    }

    /// Changes the slot of the cached result.
    fn redirect(&mut self, to: Slot) {
        if let Some(top) = &mut self.cached_top {
            if let Some(LastInstruction::Stores(slot)) = &mut self.last
                && *slot == top.slot
            {
                *slot = to;
            }
            top.slot = to;
        }
    }

    /// Copies the local that an operand aliases to the operand's canonical slot. A cached result stays cached.
    pub(super) fn preserve(&mut self, operand: Operand<ValueLocation>) {
        if let ValueLocation::Slot(from) = operand.value
            && from != operand.slot
        {
            self.copy(from, operand.slot, Class::of(operand.ty));
        }
    }

    fn cached_top_is_last(&self) -> bool {
        matches!((self.cached_top, self.last), (Some(p), Some(LastInstruction::Compare(at, ..) | LastInstruction::Eqz(at, ..))) if p.start == at)
            || matches!((self.cached_top, self.last), (Some(p), Some(LastInstruction::Stores(slot))) if p.slot == slot)
    }

    /// Returns whether the last instruction stored this operand to its current slot.
    pub(super) fn last_stores(&self, operand: Operand<ValueLocation>) -> bool {
        matches!((operand.value, self.last), (ValueLocation::Slot(from), Some(LastInstruction::Stores(to))) if from == to)
            && self.cached_top.is_none()
    }

    /// Stores the cached result, if any, to its slot.
    pub(super) fn flush(&mut self) {
        let Some(top) = self.cached_top else { return };
        let last = self.cached_top_is_last();
        self.cached_top = None;
        self.invalidate_mirror(top.slot);
        if last {
            self.rewrite(top.start, top.storing);
        } else {
            self.inst(handlers::store_accumulator(top.class), || "store acc".to_string());
        }
        self.slot_word(top.slot);
        self.append_listing(|| format!(" -> s{}", top.slot));
        self.last = Some(LastInstruction::Stores(top.slot));
        self.mirrored = Some((top.slot, top.class));
    }

    /// Records that a slot's value changes.
    pub(super) fn invalidate_mirror(&mut self, slot: Slot) {
        if self.mirrored.is_some_and(|(cached, _)| cached == slot) {
            self.mirrored = None;
        }
    }

    /// Records that control may come from elsewhere, so the contents of accumulators and memory are unknown.
    pub(super) fn join(&mut self) {
        self.flush();
        self.mirrored = None;
        self.last = None;
        self.candidate = None;
        self.forwarding.invalidate_all();
    }

    /// Records that accumulators may be overwritten.
    pub(super) fn clear_mirror(&mut self) {
        self.mirrored = None;
    }

    /// Ends an instruction whose scalar result is cached. `storing` is the handler that also stores it.
    pub(super) fn cache_result(&mut self, start: usize, storing: Handler, class: Class, to: Slot) -> ValueLocation {
        self.mirrored = None;
        self.cached_top = Some(CachedTop { slot: to, class, start, storing });
        self.last = Some(LastInstruction::Stores(to));
        ValueLocation::Slot(to)
    }

    /// Ends an instruction that stores its result to slots.
    pub(super) fn store_result(&mut self, to: Slot) -> ValueLocation {
        self.invalidate_mirror(to);
        self.slot_word(to);
        self.append_listing(|| format!(" -> s{to}"));
        self.last = Some(LastInstruction::Stores(to));
        ValueLocation::Slot(to)
    }

    /// Emits `local.set`.
    pub(super) fn set_local(&mut self, operand: Operand<ValueLocation>, to: Slot) {
        if let (ValueLocation::Slot(from), Some(LastInstruction::Stores(slot)), None) =
            (operand.value, self.last, self.cached_top)
            && from == slot
            && from == operand.slot
            && from != to
        {
            // The last instruction computed the value and nothing else uses it, so let that instruction write to the
            // local.
            self.retarget_store(from, to);
            return;
        }
        self.move_to(operand, to);
    }

    /// Changes the slot to which the last instruction stores.
    fn retarget_store(&mut self, from: Slot, to: Slot) {
        self.invalidate_mirror(to);
        let end = self.words.len() - 1;
        self.words[end] = to * 8;
        self.append_listing(|| format!(" (s{to})"));
        self.last = Some(LastInstruction::Stores(to));
        if let Some((cached, class)) = self.mirrored
            && cached == from
        {
            self.mirrored = Some((to, class));
        }
    }

    /// Keeps the last instruction's store if an operand now uses that scratch slot.
    pub(super) fn pin_store(&mut self, value: ValueLocation) {
        if let (ValueLocation::Slot(slot), Some(LastInstruction::Stores(to))) = (value, self.last)
            && slot == to
        {
            self.last = None;
            self.candidate = None;
        }
    }

    /// Records that an accumulator and a slot hold the same value.
    pub(super) fn set_mirror(&mut self, slot: Slot, class: Class) {
        self.mirrored = Some((slot, class));
    }

    /// Removes a comparison with a cached result, to fuse it with a branch. Returns the comparison, its operand words,
    /// and its line of the listing.
    pub(super) fn take_condition(
        &mut self,
        condition: Operand<ValueLocation>,
    ) -> Option<(LastInstruction, Vec<u32>, String)> {
        let ValueLocation::Slot(slot) = condition.value else { return None };
        let top = self.cached_top.filter(|p| p.slot == slot)?;
        let last @ (LastInstruction::Compare(start, ..) | LastInstruction::Eqz(start, ..)) = self.last? else {
            return None;
        };
        if start != top.start {
            return None;
        }
        let operands = self.words[start + HANDLER_WORDS..].to_vec();
        let text = self.listing.as_ref().and_then(|l| l.last()).map_or(String::new(), |line| line.text.clone());
        let previous = self.previous_candidate;
        self.truncate(start);
        self.cached_top = None;
        self.candidate = previous;
        Some((last, operands, text))
    }

    pub(super) fn truncate(&mut self, start: usize) {
        self.words.truncate(start);
        if let Some(listing) = &mut self.listing {
            listing.retain(|line| line.at < start);
        }
        self.last = None;
        self.candidate = None;
    }
}

/// Returns the two words of a 64-bit operand in memory order.
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
