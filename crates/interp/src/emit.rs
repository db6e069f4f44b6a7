//! Lowering: the walk's emitter for bytecode.
//!
//! An operand is a slot of the frame or a constant. `local.get` yields the local's own slot without a copy. Files
//! correspond to the instruction chapters, as in `exec`.

mod assembler;
mod control;
mod forwarding;
mod memory;
mod numeric;
mod table;
mod variable;
mod vector;

use kinglet_abi::Libcall;
use kinglet_wasm::emit::*;
use kinglet_wasm::limits::{MAX_WORDS_PER_BODY_BYTE, MIN_WORDS_LIMIT};
use kinglet_wasm::op::*;
use kinglet_wasm::types::{FuncType, Hierarchy, ValType};
use kinglet_wasm::{Error, Result};

pub(crate) use assembler::{ArgumentMove, Class};
use assembler::{Assembler, double_words};
use forwarding::Forwarding;

use crate::code::{CatchClause, Code, ModuleEnvironment, Safepoint, TryRange};
use crate::exec::{HANDLER_WORDS, handlers};

/// A value on the walk's operand stack.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum ValueLocation {
    Slot(Slot),
    /// The bits of a scalar, zero-extended.
    Const(u64),
}

/// The words that [`Lowering::write_prologue`] may need.
const PROLOGUE_WORDS: usize = 1 + HANDLER_WORDS + 2;

/// A label.
#[derive(Debug)]
struct LabelState {
    kind: LabelKind,
    /// The slot of the label's first parameter.
    slot: Slot,
    /// The word offset, once it is known.
    at: Option<usize>,
    /// The words to patch with the distance from the word to the label.
    uses: Vec<usize>,
    /// The length of the [`DefiniteAssignment`] log at the start of the block.
    assigned: usize,
}

/// Definite assignment analysis. Code clears a local at function entry only if it may be read before it is assigned, or
/// if it holds GC references.
#[derive(Debug, Default)]
struct DefiniteAssignment {
    /// Whether each slot is assigned on every path to the current position.
    is: Vec<bool>,
    /// Slots in order of assignment. At a label, the assignments since the start of its block are rolled back.
    log: Vec<Slot>,
    /// The range of slots to clear.
    cleared: Option<(Slot, Slot)>,
}

impl DefiniteAssignment {
    fn clear(&mut self, local: Local) {
        let end = local.slot + local.ty.slots();
        let (first, last) = self.cleared.unwrap_or((local.slot, end));
        self.cleared = Some((first.min(local.slot), last.max(end)));
        self.is[local.slot as usize] = true;
    }

    fn assign(&mut self, slot: Slot) {
        let is = &mut self.is[slot as usize];
        if !*is {
            *is = true;
            self.log.push(slot);
        }
    }

    fn roll_back(&mut self, len: usize) {
        for slot in self.log.drain(len.min(self.log.len())..) {
            self.is[slot as usize] = false;
        }
    }
}

/// An open or complete `try_table`.
struct TryBlock {
    start: usize,
    end: usize,
    clauses: Vec<Clause<usize>>,
}

pub(crate) struct Lowering<'e> {
    environment: &'e ModuleEnvironment,
    /// The code size, in words, at which lowering stops. It prevents a small module from using a lot of memory.
    max_words: usize,
    /// Whether every operand is in its canonical slot. A branch then moves all arguments at once, and code takes only a
    /// few words per byte of the body.
    canonical_slots: bool,
    asm: Assembler,
    frame: Frame,
    /// The highest slot in use, plus 1.
    slots: Slot,
    labels: Vec<LabelState>,
    assigned: DefiniteAssignment,
    open_tries: Vec<TryBlock>,
    tries: Vec<TryBlock>,
    safepoints: Vec<Safepoint>,
    sources: Option<Vec<(u32, u32)>>,
    /// Pairs of a loop header's word offset and the loop's byte offset in the module.
    loops: Vec<(u32, u32)>,
    offset: u32,
}

impl<'e> Lowering<'e> {
    /// Creates a lowering that keeps operands in place as long as possible. It stops if the code becomes far larger
    /// than the body.
    pub(crate) fn new(environment: &'e ModuleEnvironment, body_bytes: usize) -> Lowering<'e> {
        let max_words = MIN_WORDS_LIMIT.max(body_bytes.saturating_mul(MAX_WORDS_PER_BODY_BYTE));
        Lowering { max_words, ..Lowering::unlimited(environment) }
    }

    /// Creates a lowering that moves every operand to its canonical slot.
    pub(crate) fn canonical_slots(environment: &'e ModuleEnvironment) -> Lowering<'e> {
        Lowering { canonical_slots: true, ..Lowering::unlimited(environment) }
    }

    /// Creates a lowering without a size limit.
    pub(crate) fn unlimited(environment: &'e ModuleEnvironment) -> Lowering<'e> {
        Lowering {
            environment,
            max_words: usize::MAX,
            canonical_slots: false,
            asm: Assembler::default(),
            frame: Frame::default(),
            slots: 0,
            labels: Vec::new(),
            assigned: DefiniteAssignment::default(),
            open_tries: Vec::new(),
            tries: Vec::new(),
            safepoints: Vec::new(),
            sources: None,
            loops: Vec::new(),
            offset: 0,
        }
    }

    /// Starts recording source locations.
    pub(crate) fn record_sources(&mut self) {
        self.sources = Some(Vec::new());
    }

    /// Returns pairs of a word offset and a byte offset in the module, sorted.
    pub(crate) fn sources(&self) -> &[(u32, u32)] {
        self.sources.as_deref().unwrap_or(&[])
    }

    /// Returns whether the collector may change values of this type. Concrete function types are not on the heap.
    fn is_gc_managed(&self, ty: ValType) -> bool {
        match ty {
            ValType::Ref(r) => ty.is_gc_managed() && self.environment.types.hierarchy(r.heap) != Hierarchy::Func,
            _ => false,
        }
    }

    fn reserve_slots(&mut self, slots: Slot) {
        self.slots = self.slots.max(slots);
    }

    pub(crate) fn finish(mut self) -> Result<Code> {
        self.asm.join();
        // Validated code never reaches this point. If control gets here nevertheless, it traps.
        self.asm.inst(handlers::unreachable(), || "end".to_string());
        let locals: Slot = self.frame.operands;
        let params: Slot = self.frame.locals[..self.frame.params].iter().map(|l| l.ty.slots()).sum();
        let results: Slot = self.frame.results.iter().map(|t| t.slots()).sum();
        self.reserve_slots(locals.max(results).max(params));
        let size = (self.slots as usize + 1) * 8 + crate::frame::MARGIN;
        let size = u32::try_from(size).map_err(|_| Error::impossible("the frame is too large"))?;
        let entry = self.write_prologue(size);
        for label in &self.labels {
            let Some(at) = label.at else { continue };
            for word in &label.uses {
                self.asm.words[*word] = (at as i64 - *word as i64) as i32 as u32;
            }
        }
        let handlers = self.tries.iter().map(|t| self.try_range(t)).collect::<Result<_>>()?;
        let gc_locals = self.frame.locals.iter().filter(|l| self.is_gc_managed(l.ty)).map(|l| l.slot).collect();
        Ok(Code {
            entry,
            words: self.asm.words.into(),
            handlers,
            gc_locals,
            safepoints: self.safepoints.into(),
            loops: self.loops.into(),
        })
    }

    /// Writes the words before the first operator and returns the offset of the first instruction.
    ///
    /// These are the frame size and, if necessary, an instruction that clears locals.
    fn write_prologue(&mut self, size: u32) -> usize {
        let Some((first, end)) = self.assigned.cleared else {
            self.asm.words[PROLOGUE_WORDS - 1] = size;
            return PROLOGUE_WORDS;
        };
        self.asm.words[0] = size;
        self.asm.rewrite(1, handlers::clear());
        self.asm.words[1 + HANDLER_WORDS..PROLOGUE_WORDS].copy_from_slice(&[first * 8, end - first]);
        1
    }

    fn try_range(&self, t: &TryBlock) -> Result<TryRange> {
        let clauses = t.clauses.iter().map(|clause| {
            let label = &self.labels[clause.target];
            let module = &self.environment.module;
            let slots = clause.tag.map(|tag| {
                let ty = module.func_type_at(module.tags[tag as usize]);
                ty.params().iter().map(|t| t.slots()).sum()
            });
            Ok(CatchClause {
                tag: clause.tag.map(|tag| self.environment.layout.tag(tag)),
                slots: slots.unwrap_or(0),
                target: label.at.ok_or_else(|| Error::impossible("a catch without target"))? as u32,
                to: label.slot * 8,
            })
        });
        Ok(TryRange { start: t.start as u32, end: t.end as u32, clauses: clauses.collect::<Result<_>>()? })
    }

    /// Records the GC references among the operands for the call just emitted.
    fn record_safepoint(&mut self, live: &[Operand<ValueLocation>]) {
        let operands = live.iter().filter(|o| self.is_gc_managed(o.ty)).filter_map(|o| match o.value {
            ValueLocation::Slot(slot) => Some(slot),
            ValueLocation::Const(_) => None,
        });
        // Aliases of locals are recorded with the locals.
        let mut slots: Vec<Slot> = operands.filter(|slot| *slot >= self.frame.operands).collect();
        if !slots.is_empty() {
            slots.sort_unstable();
            slots.dedup();
            self.safepoints.push(Safepoint { at: self.asm.words.len() as u32, slots: slots.into() });
        }
    }

    /// Emits a libcall. The operands go to their canonical slots, which are consecutive. The result replaces the first.
    fn emit_libcall(
        &mut self,
        libcall: Libcall,
        args: &[Operand<ValueLocation>],
        to: Slot,
        a: u32,
        b: u32,
    ) -> ValueLocation {
        for arg in args {
            self.asm.move_to_own_slot(*arg);
        }
        self.asm.flush();
        self.asm.clear_mirror();
        self.asm.invalidate_mirror(to);
        self.asm.forwarding.invalidate_all();
        self.reserve_slots(to + 1);
        self.asm.inst(handlers::call_libcall(), || format!("libcall {} s{to} {a} {b}", libcall.text()));
        self.asm.word(libcall as u32);
        self.asm.slot_word(to);
        self.asm.word(a);
        self.asm.word(b);
        ValueLocation::Slot(to)
    }
}

/// Returns a readable listing of a function's bytecode.
pub fn listing(code: &crate::ModuleCode, defined: u32) -> Result<String> {
    let environment = code.environment();
    let (mut lower, walked) = environment.lower(defined, |lower| lower.asm.listing = Some(Vec::new()));
    walked?;
    lower.asm.join();
    let mut targets: Vec<usize> = lower.labels.iter().filter(|l| !l.uses.is_empty()).filter_map(|l| l.at).collect();
    targets.sort_unstable();
    targets.dedup();
    let name = |at: usize| targets.binary_search(&at).map_or("?".to_string(), |i| format!("@{i}"));
    let mut text = String::new();
    for (i, line) in lower.asm.listing.iter().flatten().enumerate() {
        if targets.contains(&line.at) {
            text.push_str(&format!("{}:\n", name(line.at)));
        }
        text.push_str("  ");
        text.push_str(&line.text);
        let end = lower.asm.listing.iter().flatten().nth(i + 1).map_or(usize::MAX, |l| l.at);
        for label in &lower.labels {
            for _ in label.uses.iter().filter(|word| line.at <= **word && **word < end) {
                text.push(' ');
                text.push_str(&label.at.map_or("?".to_string(), name));
            }
        }
        text.push('\n');
    }
    Ok(text)
}

impl Emit for Lowering<'_> {
    type Value = ValueLocation;
    type Label = usize;
    type Mark = usize;

    const ALIASES_LOCALS: bool = true;

    fn has_bailed_out(&self) -> bool {
        self.asm.words.len() > self.max_words
    }

    fn uses_canonical_slots(&self) -> bool {
        self.canonical_slots
    }

    fn begin(&mut self, frame: &Frame) {
        self.frame = frame.clone();
        self.asm.words.extend([0; PROLOGUE_WORDS]);
        if !self.canonical_slots {
            self.asm.forwarding = Forwarding::new(frame);
        }
        self.assigned.is.resize(frame.operands as usize, false);
        for (index, local) in frame.locals.iter().enumerate() {
            if index < frame.params {
                self.assigned.is[local.slot as usize] = true;
            } else if self.is_gc_managed(local.ty) {
                self.assigned.clear(*local);
            }
        }
    }

    fn set_offset(&mut self, offset: u32) {
        self.offset = offset;
        let word = self.asm.words.len() as u32;
        if let Some(sources) = &mut self.sources {
            // A later operator owns the words of instructions that it has replaced.
            while sources.last().is_some_and(|(last, _)| *last >= word) {
                sources.pop();
            }
            sources.push((word, offset));
        }
    }

    fn gas(&mut self) -> usize {
        self.asm.flush();
        self.asm.inst(handlers::gas(), || "gas".to_string());
        self.asm.double_word(0);
        self.asm.words.len() - 2
    }

    fn gas_cost(&mut self, mark: usize, cost: u64) {
        self.asm.words[mark..mark + 2].copy_from_slice(&double_words(cost));
        if let Some(line) = self.asm.listing.iter_mut().flatten().rfind(|line| line.at <= mark) {
            line.text.push_str(&format!(" {cost}"));
        }
    }

    fn check(&mut self, _: CheckPosition, _: &[Operand<ValueLocation>]) {
        // Without gas, function entries and back-edges check for interrupts themselves.
        if self.environment.settings.metering.is_some() {
            self.asm.flush();
            self.asm.inst(handlers::check(), || "check".to_string());
        }
    }

    fn preserve(&mut self, operand: &mut Operand<ValueLocation>) {
        self.reserve_slots(operand.slot + operand.ty.slots());
        // The copy leaves accumulators unchanged, so the cached top of stack survives.
        self.preserve_operand(operand);
    }

    fn spill(&mut self, operand: &mut Operand<ValueLocation>) {
        self.reserve_slots(operand.slot + operand.ty.slots());
        self.asm.move_to_own_slot(*operand);
        // A branch around this code does not write the canonical slot. A constant has the same value there, and a
        // scratch slot keeps its value as long as an operand uses it.
        if let ValueLocation::Slot(slot) = operand.value
            && !self.asm.forwarding.is_scratch(slot)
        {
            operand.value = ValueLocation::Slot(operand.slot);
        }
    }

    fn hold(&mut self, operand: &mut Operand<ValueLocation>) {
        if let ValueLocation::Slot(slot) = operand.value
            && self.asm.forwarding.is_scratch(slot)
        {
            self.spill(operand);
            operand.value = ValueLocation::Slot(operand.slot);
        }
    }

    fn local_get(&mut self, local: Local) -> ValueLocation {
        if !self.assigned.is[local.slot as usize] {
            self.assigned.clear(local);
        }
        ValueLocation::Slot(local.slot)
    }

    fn local_set(&mut self, local: Local, value: Operand<ValueLocation>) {
        self.assigned.assign(local.slot);
        self.emit_local_set(local, value);
    }

    fn global_get(&mut self, global: u32, ty: ValType, to: Slot) -> ValueLocation {
        self.emit_global_get(global, ty, to)
    }

    fn global_set(&mut self, global: u32, value: Operand<ValueLocation>) {
        self.emit_global_set(global, value);
    }

    fn store_ref(&mut self, target: RefStore<ValueLocation>, value: Operand<ValueLocation>) {
        match target {
            RefStore::Global(global) => self.emit_global_set(global, value),
            RefStore::Table { table, index } => {
                self.emit_libcall(Libcall::TableSet, &[index, value], index.slot, table, 0);
            }
            RefStore::Field { ty, field, object } => {
                self.emit_libcall(Libcall::StructSet, &[object, value], object.slot, ty, field);
            }
        }
    }

    fn constant(&mut self, constant: Constant, to: Slot) -> ValueLocation {
        let value = self.emit_constant(constant, to);
        if !self.canonical_slots || !matches!(value, ValueLocation::Const(_)) {
            return value;
        }
        self.reserve_slots(to + 1);
        ValueLocation::Slot(self.asm.move_to_own_slot(Operand { value, ty: constant.ty(), slot: to }))
    }

    fn unary(&mut self, op: Unary, a: Operand<ValueLocation>, to: Slot) -> ValueLocation {
        let value = self.emit_unary(op, a, to);
        self.canonicalize_nan(op.arithmetic(), value, to)
    }

    fn convert(&mut self, op: Convert, a: Operand<ValueLocation>, to: Slot) -> ValueLocation {
        let value = self.emit_convert(op, a, to);
        self.canonicalize_nan(op.arithmetic(), value, to)
    }

    fn binary(&mut self, op: Binary, a: Operand<ValueLocation>, b: Operand<ValueLocation>, to: Slot) -> ValueLocation {
        let value = self.emit_binary(op, a, b, to);
        self.canonicalize_nan(op.arithmetic(), value, to)
    }

    fn compare(
        &mut self,
        op: Compare,
        a: Operand<ValueLocation>,
        b: Operand<ValueLocation>,
        to: Slot,
    ) -> ValueLocation {
        self.emit_compare(op, a, b, to)
    }

    fn wide(&mut self, op: Wide, args: &[Operand<ValueLocation>], to: Slot) -> [ValueLocation; 2] {
        self.emit_wide(op, args, to)
    }

    fn select(
        &mut self,
        a: Operand<ValueLocation>,
        b: Operand<ValueLocation>,
        condition: Operand<ValueLocation>,
        to: Slot,
    ) -> ValueLocation {
        self.emit_select(a, b, condition, to)
    }

    fn drop_value(&mut self, value: Operand<ValueLocation>) {
        // This discards a cached result, which is then never stored.
        self.asm.take_operand(value);
    }

    fn load(&mut self, op: Load, mem: MemArg, addr: Operand<ValueLocation>, to: Slot) -> ValueLocation {
        self.emit_load(op, mem, addr, to)
    }

    fn store(&mut self, op: Store, mem: MemArg, addr: Operand<ValueLocation>, value: Operand<ValueLocation>) {
        self.emit_store(op, mem, addr, value);
    }

    fn memory_size(&mut self, memory: u32, to: Slot) -> ValueLocation {
        self.emit_memory_size(memory, to)
    }

    fn memory_grow(&mut self, memory: u32, delta: Operand<ValueLocation>, to: Slot) -> ValueLocation {
        self.emit_libcall(Libcall::MemoryGrow, &[delta], to, memory, 0)
    }

    fn memory_fill(&mut self, memory: u32, args: [Operand<ValueLocation>; 3]) {
        self.emit_libcall(Libcall::MemoryFill, &args, args[0].slot, memory, 0);
    }

    fn memory_copy(&mut self, dst: u32, src: u32, args: [Operand<ValueLocation>; 3]) {
        self.emit_libcall(Libcall::MemoryCopy, &args, args[0].slot, dst, src);
    }

    fn memory_init(&mut self, memory: u32, data: u32, args: [Operand<ValueLocation>; 3]) {
        self.emit_libcall(Libcall::MemoryInit, &args, args[0].slot, memory, data);
    }

    fn data_drop(&mut self, data: u32) {
        let to = self.frame.operands;
        self.emit_libcall(Libcall::DataDrop, &[], to, data, 0);
    }

    fn table_get(&mut self, table: u32, index: Operand<ValueLocation>, to: Slot) -> ValueLocation {
        self.emit_table_get(table, index, to)
    }

    fn table_size(&mut self, table: u32, to: Slot) -> ValueLocation {
        self.emit_table_size(table, to)
    }

    fn table_grow(
        &mut self,
        table: u32,
        init: Operand<ValueLocation>,
        delta: Operand<ValueLocation>,
        to: Slot,
    ) -> ValueLocation {
        self.emit_libcall(Libcall::TableGrow, &[init, delta], to, table, 0)
    }

    fn table_fill(&mut self, table: u32, args: [Operand<ValueLocation>; 3]) {
        self.emit_libcall(Libcall::TableFill, &args, args[0].slot, table, 0);
    }

    fn table_copy(&mut self, dst: u32, src: u32, args: [Operand<ValueLocation>; 3]) {
        self.emit_libcall(Libcall::TableCopy, &args, args[0].slot, dst, src);
    }

    fn table_init(&mut self, table: u32, elem: u32, args: [Operand<ValueLocation>; 3]) {
        self.emit_libcall(Libcall::TableInit, &args, args[0].slot, table, elem);
    }

    fn elem_drop(&mut self, elem: u32) {
        let to = self.frame.operands;
        self.emit_libcall(Libcall::ElemDrop, &[], to, elem, 0);
    }

    fn ref_func(&mut self, func: u32, to: Slot) -> ValueLocation {
        self.emit_libcall(Libcall::RefFunc, &[], to, func, 0)
    }

    fn ref_is_null(&mut self, value: Operand<ValueLocation>, to: Slot) -> ValueLocation {
        self.emit_is_null(value, to)
    }

    fn ref_as_non_null(&mut self, value: Operand<ValueLocation>, to: Slot) -> ValueLocation {
        self.emit_as_non_null(value, to)
    }

    fn struct_new(
        &mut self,
        ty: u32,
        fields: &[Operand<ValueLocation>],
        live: &[Operand<ValueLocation>],
        to: Slot,
    ) -> ValueLocation {
        let value = self.emit_libcall(Libcall::StructNew, fields, to, ty, 0);
        self.record_safepoint(live);
        value
    }

    fn struct_get(&mut self, ty: u32, field: u32, object: Operand<ValueLocation>, to: Slot) -> ValueLocation {
        self.reserve_slots(to + 2);
        self.emit_libcall(Libcall::StructGet, &[object], to, ty, field)
    }

    fn struct_set(&mut self, ty: u32, field: u32, object: Operand<ValueLocation>, value: Operand<ValueLocation>) {
        self.emit_libcall(Libcall::StructSet, &[object, value], object.slot, ty, field);
    }

    fn vector_unary(&mut self, op: VectorUnary, a: Operand<ValueLocation>, to: Slot) -> ValueLocation {
        let value = self.emit_vector(handlers::vector_unary(op), op.text(), &[a], to);
        self.canonicalize_nan(op.arithmetic(), value, to)
    }

    fn vector_binary(
        &mut self,
        op: VectorBinary,
        a: Operand<ValueLocation>,
        b: Operand<ValueLocation>,
        to: Slot,
    ) -> ValueLocation {
        let value = self.emit_vector(handlers::vector_binary(op), op.text(), &[a, b], to);
        self.canonicalize_nan(op.arithmetic(), value, to)
    }

    fn vector_ternary(&mut self, op: VectorTernary, args: [Operand<ValueLocation>; 3], to: Slot) -> ValueLocation {
        self.emit_vector(handlers::vector_ternary(op), op.text(), &args, to)
    }

    fn vector_test(&mut self, op: VectorTest, a: Operand<ValueLocation>, to: Slot) -> ValueLocation {
        self.emit_to_scalar(op.text(), |d| handlers::vector_test(op, d), a, 0, op.result().into(), to)
    }

    fn vector_shift(
        &mut self,
        op: VectorShift,
        a: Operand<ValueLocation>,
        by: Operand<ValueLocation>,
        to: Slot,
    ) -> ValueLocation {
        self.emit_with_scalar(op.text(), |b| handlers::vector_shift(op, b), a, 0, by, to)
    }

    fn vector_splat(&mut self, op: VectorSplat, a: Operand<ValueLocation>, to: Slot) -> ValueLocation {
        self.emit_splat(op, a, to)
    }

    fn vector_extract(&mut self, op: VectorExtract, lane: u8, a: Operand<ValueLocation>, to: Slot) -> ValueLocation {
        self.emit_to_scalar(op.text(), |d| handlers::vector_extract(op, d), a, lane, op.result().into(), to)
    }

    fn vector_replace(
        &mut self,
        op: VectorReplace,
        lane: u8,
        a: Operand<ValueLocation>,
        b: Operand<ValueLocation>,
        to: Slot,
    ) -> ValueLocation {
        self.emit_with_scalar(op.text(), |kind| handlers::vector_replace(op, kind), a, lane, b, to)
    }

    fn vector_shuffle(
        &mut self,
        lanes: [u8; 16],
        a: Operand<ValueLocation>,
        b: Operand<ValueLocation>,
        to: Slot,
    ) -> ValueLocation {
        self.emit_shuffle(lanes, a, b, to)
    }

    fn vector_load_lane(
        &mut self,
        op: VectorLoadLane,
        mem: MemArg,
        lane: u8,
        addr: Operand<ValueLocation>,
        a: Operand<ValueLocation>,
        to: Slot,
    ) -> ValueLocation {
        self.emit_lane_access(handlers::load_lane(op), op.text(), mem, lane, addr, a);
        self.reserve_slots(to + 2);
        self.asm.store_result(to)
    }

    fn vector_store_lane(
        &mut self,
        op: VectorStoreLane,
        mem: MemArg,
        lane: u8,
        addr: Operand<ValueLocation>,
        a: Operand<ValueLocation>,
    ) {
        self.emit_lane_access(handlers::store_lane(op), op.text(), mem, lane, addr, a);
    }

    fn label(&mut self, kind: LabelKind, _: &[ValType], slot: Slot) -> usize {
        let assigned = self.assigned.log.len();
        self.labels.push(LabelState { kind, slot, at: None, uses: Vec::new(), assigned });
        self.labels.len() - 1
    }

    fn bind_label(&mut self, kind: LabelKind, label: usize, _: &mut [Operand<ValueLocation>]) {
        self.emit_label(label);
        if kind == LabelKind::Loop {
            self.loops.push((self.asm.words.len() as u32, self.offset));
        }
    }

    fn param(&mut self, _: usize, _: usize, ty: ValType, slot: Slot) -> ValueLocation {
        self.reserve_slots(slot + ty.slots());
        ValueLocation::Slot(slot)
    }

    fn jump(&mut self, target: usize, args: &[Operand<ValueLocation>]) {
        self.emit_jump(target, args);
    }

    fn jump_if(
        &mut self,
        condition: Operand<ValueLocation>,
        when: bool,
        target: usize,
        args: &[Operand<ValueLocation>],
    ) {
        self.emit_jump_if(condition, when, target, args);
    }

    fn jump_if_null(
        &mut self,
        value: Operand<ValueLocation>,
        when: bool,
        target: usize,
        args: &[Operand<ValueLocation>],
    ) {
        self.emit_jump_if_null(value, when, target, args);
    }

    fn jump_table(&mut self, index: Operand<ValueLocation>, targets: &[usize], args: &[Operand<ValueLocation>]) {
        self.emit_jump_table(index, targets, args);
    }

    fn ret(&mut self, args: &[Operand<ValueLocation>]) {
        self.emit_return(args);
    }

    fn unreachable(&mut self) {
        self.asm.flush();
        self.asm.inst(handlers::unreachable(), || "unreachable".to_string());
    }

    fn call(
        &mut self,
        callee: Callee<ValueLocation>,
        ty: &FuncType,
        args: &[Operand<ValueLocation>],
        live: &[Operand<ValueLocation>],
        to: Slot,
        results: &mut Vec<ValueLocation>,
    ) {
        self.emit_call(callee, ty, args, live, to, results);
    }

    fn tail_call(&mut self, callee: Callee<ValueLocation>, ty: &FuncType, args: &[Operand<ValueLocation>]) {
        self.emit_tail_call(callee, ty, args);
    }

    fn enter_try(&mut self, clauses: &[Clause<usize>]) {
        self.asm.flush();
        self.open_tries.push(TryBlock { start: self.asm.words.len(), end: 0, clauses: clauses.to_vec() });
    }

    fn exit_try(&mut self) {
        // Keeps the jump around the clauses, because its words are part of the range.
        self.asm.last = None;
        if let Some(mut done) = self.open_tries.pop() {
            done.end = self.asm.words.len();
            self.tries.push(done);
        }
    }

    fn throw(&mut self, tag: u32, args: &[Operand<ValueLocation>], live: &[Operand<ValueLocation>]) {
        self.emit_throw(tag, args, live);
    }

    fn throw_ref(&mut self, exception: Operand<ValueLocation>) {
        self.asm.take_operand(exception);
        self.asm.flush();
        self.asm.inst(handlers::unsupported(), || "throw_ref".to_string());
    }
}
