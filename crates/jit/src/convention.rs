//! How values travel: Cranelift types of WebAssembly's, signatures of the native (`tail`), array and libcall
//! conventions, and the 8-byte slots of argument arrays and canonical frames (an `i32`, `f32` or traced reference is
//! zero-extended). Everything that reads or writes a slot in machine code goes through here.

use cranelift_codegen::ir::{
    AbiParam, AliasRegion, AliasRegionData, ArgumentExtension, ArgumentPurpose, Function, InstBuilder, MemFlagsData,
    Signature as ClifSignature, Type, Value, types,
};
use cranelift_codegen::isa::CallConv;
use cranelift_frontend::FunctionBuilder;
use kinglet_wasm::Module;
use kinglet_wasm::types::{FuncType, HeapType, Hierarchy, TypeRegistry, ValType};
use target_lexicon::Architecture;

/// What machine code knows of a value's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    I32,
    I64,
    F32,
    F64,
    V128,
    /// A pointer to a function reference.
    Func,
    /// A reference the collector knows and may change.
    Traced,
}

impl Kind {
    /// All of them; their places are their numbers where code is kept.
    const ALL: [Kind; 7] = [Kind::I32, Kind::I64, Kind::F32, Kind::F64, Kind::V128, Kind::Func, Kind::Traced];

    pub(crate) fn new(ty: ValType, types: &TypeRegistry) -> Kind {
        match ty {
            ValType::I32 => Kind::I32,
            ValType::I64 => Kind::I64,
            ValType::F32 => Kind::F32,
            ValType::F64 => Kind::F64,
            ValType::V128 => Kind::V128,
            ValType::Ref(r) if r.heap == HeapType::I31 => Kind::I32,
            ValType::Ref(r) => match types.hierarchy(r.heap) {
                Hierarchy::Func => Kind::Func,
                _ => Kind::Traced,
            },
        }
    }

    pub(crate) fn clif(self) -> Type {
        match self {
            Kind::I32 | Kind::Traced => types::I32,
            Kind::I64 | Kind::Func => types::I64,
            Kind::F32 => types::F32,
            Kind::F64 => types::F64,
            Kind::V128 => types::I8X16,
        }
    }

    pub(crate) fn slots(self) -> u32 {
        if self == Kind::V128 { 2 } else { 1 }
    }
}

/// A function's type as far as machine code cares: functions of the same signature share bridges and trampolines.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Signature {
    pub(crate) params: Box<[Kind]>,
    pub(crate) results: Box<[Kind]>,
}

impl Signature {
    /// Of a function type.
    pub fn new(ty: &FuncType, types: &TypeRegistry) -> Signature {
        let kinds = |list: &[ValType]| list.iter().map(|ty| Kind::new(*ty, types)).collect();
        Signature { params: kinds(ty.params()), results: kinds(ty.results()) }
    }

    /// As numbers, to be kept.
    pub(crate) fn to_words(&self) -> Vec<u32> {
        let kinds = self.params.iter().chain(&self.results).map(|kind| *kind as u32);
        [self.params.len() as u32, self.results.len() as u32].into_iter().chain(kinds).collect()
    }

    /// From such numbers; none if they are others.
    pub(crate) fn from_words(words: &[u32]) -> Option<Signature> {
        let (&[params, results], kinds) = words.split_first_chunk()?;
        let kinds: Box<[Kind]> =
            kinds.iter().map(|kind| Kind::ALL.get(*kind as usize).copied()).collect::<Option<_>>()?;
        if kinds.len() as u64 != u64::from(params) + u64::from(results) {
            return None;
        }
        let (params, results) = kinds.split_at(params as usize);
        Some(Signature { params: params.into(), results: results.into() })
    }

    /// The native convention: callee's and caller's instances, then the parameters.
    pub(crate) fn native(&self) -> ClifSignature {
        let mut signature = tail(&[types::I64, types::I64]);
        signature.params[0].purpose = ArgumentPurpose::VMContext;
        signature.params.extend(self.params.iter().map(|kind| AbiParam::new(kind.clif())));
        signature.returns.extend(self.results.iter().map(|kind| AbiParam::new(kind.clif())));
        signature
    }

    /// An adapter's: instances, then an array of the parameters.
    pub(crate) fn adapter(&self) -> ClifSignature {
        let mut signature = tail(&[types::I64, types::I64, types::I64]);
        signature.returns.extend(self.results.iter().map(|kind| AbiParam::new(kind.clif())));
        signature
    }

    /// Whether a function of it has its first argument in the first register for such on every processor. Where results
    /// do not all fit registers, the address of a place for them comes before it.
    pub(crate) fn begins_with_callee(&self) -> bool {
        self.results.len() <= 2 && !self.results.contains(&Kind::V128)
    }

    /// Whether host functions of it are called in registers.
    pub(crate) fn in_registers(&self) -> bool {
        let vectors = self.params.iter().chain(&self.results).any(|kind| *kind == Kind::V128);
        kinglet_abi::in_registers(self.params.len(), self.results.len(), vectors)
    }

    /// The bytes of an argument array.
    pub(crate) fn array_size(&self) -> u32 {
        8 * slots_of(&self.params).max(slots_of(&self.results))
    }
}

fn slots_of(kinds: &[Kind]) -> u32 {
    kinds.iter().map(|kind| kind.slots()).sum()
}

/// A function of the native convention that takes what is listed and returns nothing.
pub(crate) fn tail(params: &[Type]) -> ClifSignature {
    let mut signature = ClifSignature::new(CallConv::Tail);
    signature.params.extend(params.iter().map(|ty| AbiParam::new(*ty)));
    signature
}

/// A function of the runtime that returns a 32-bit number.
pub(crate) fn runtime(params: &[Type]) -> ClifSignature {
    let mut signature = ClifSignature::new(CallConv::SystemV);
    signature.params.extend(params.iter().map(|ty| AbiParam::new(*ty)));
    signature.returns.push(AbiParam::new(types::I32));
    signature
}

/// Has a function's signature and those of what it calls extend what is shorter than a register as the platform's
/// convention has it for `u32`: by its sign on RISC-V (psABI 2.1), with zeros on s390x. x86-64 and AArch64 leave the rest
/// of the register open, as the native convention does everywhere.
pub(crate) fn extend(function: &mut Function, architecture: Architecture) {
    let extension = match architecture {
        Architecture::Riscv64(_) => ArgumentExtension::Sext,
        Architecture::S390x => ArgumentExtension::Uext,
        _ => return,
    };
    let stencil = &mut function.stencil;
    let signatures = stencil.dfg.signatures.values_mut().chain([&mut stencil.signature]);
    for signature in signatures.filter(|signature| signature.call_conv == CallConv::SystemV) {
        let short = signature.params.iter_mut().chain(&mut signature.returns);
        short.filter(|param| param.value_type == types::I32).for_each(|param| param.extension = extension);
    }
}

/// A loop's native code: instances, then the canonical frame; returns a status.
pub(crate) fn loop_entry() -> ClifSignature {
    let mut signature = tail(&[types::I64, types::I64, types::I64]);
    signature.params[0].purpose = ArgumentPurpose::VMContext;
    signature.returns.push(AbiParam::new(types::I32));
    signature
}

/// Flags of accesses to the runtime's own memory: instances, globals, tables, argument arrays.
pub(crate) fn trusted() -> MemFlagsData {
    MemFlagsData::new().with_notrap().with_alias_region(Some(AliasRegion::from_u32(RUNTIME)))
}

/// The region of [`trusted`] accesses, the first of every function; those of linear memories follow.
const RUNTIME: u32 = 0;

/// Names what does not overlap in memory, so that a store to one keeps what is known of the others: the runtime's own
/// memory, and linear memories. Imports may be the same memory under several indices, and are one region.
pub(crate) fn declare_regions(function: &mut Function, module: Option<&Module>) {
    let mut declare = |user_id, description: &'static str| {
        function.dfg.alias_regions.insert(AliasRegionData { user_id, description: description.into() });
    };
    declare(RUNTIME, "runtime");
    if let Some(module) = module {
        (0..module.memories.len() as u32).for_each(|memory| declare(memory_region(module, memory).as_u32(), "memory"));
    }
}

/// The region of a linear memory.
pub(crate) fn memory_region(module: &Module, memory: u32) -> AliasRegion {
    let imports = u32::from(module.imported_memories > 0);
    let own = memory.checked_sub(module.imported_memories).map_or(0, |own| imports + own);
    AliasRegion::from_u32(RUNTIME + 1 + own)
}

/// Reads a pointer.
pub(crate) fn load_pointer(builder: &mut FunctionBuilder<'_>, base: Value, offset: usize) -> Value {
    builder.ins().load(types::I64, trusted(), base, offset as i32)
}

/// Reads a pointer that stays what it is while the function runs, so that it may be read before a loop, and once.
pub(crate) fn load_constant(builder: &mut FunctionBuilder<'_>, base: Value, offset: usize) -> Value {
    builder.ins().load(types::I64, constant(), base, offset as i32)
}

/// Flags of reading what stays as it is while the function runs.
pub(crate) fn constant() -> MemFlagsData {
    trusted().with_readonly().with_can_move()
}

/// Writes a value of its own size.
pub(crate) fn store(builder: &mut FunctionBuilder<'_>, value: Value, base: Value, offset: usize) {
    builder.ins().store(trusted(), value, base, offset as i32);
}

/// Reads a slot.
pub(crate) fn load_slot(builder: &mut FunctionBuilder<'_>, base: Value, offset: u32, kind: Kind) -> Value {
    let offset = offset as i32;
    match kind {
        Kind::I32 | Kind::Traced | Kind::F32 => {
            let slot = builder.ins().load(types::I64, trusted(), base, offset);
            from_slot(builder, slot, kind)
        }
        _ => builder.ins().load(kind.clif(), trusted(), base, offset),
    }
}

/// The value in a slot that was read as a number; no vector.
pub(crate) fn from_slot(builder: &mut FunctionBuilder<'_>, slot: Value, kind: Kind) -> Value {
    match kind {
        Kind::I32 | Kind::Traced => builder.ins().ireduce(types::I32, slot),
        Kind::F32 => {
            let bits = builder.ins().ireduce(types::I32, slot);
            builder.ins().bitcast(types::F32, MemFlagsData::new(), bits)
        }
        Kind::F64 => builder.ins().bitcast(types::F64, MemFlagsData::new(), slot),
        _ => slot,
    }
}

/// A value as the number that is its slot; no vector.
pub(crate) fn to_slot(builder: &mut FunctionBuilder<'_>, value: Value, kind: Kind) -> Value {
    match kind {
        Kind::I32 | Kind::Traced => builder.ins().uextend(types::I64, value),
        Kind::F32 => {
            let bits = builder.ins().bitcast(types::I32, MemFlagsData::new(), value);
            builder.ins().uextend(types::I64, bits)
        }
        Kind::F64 => builder.ins().bitcast(types::I64, MemFlagsData::new(), value),
        _ => value,
    }
}

/// Writes a slot.
pub(crate) fn store_slot(builder: &mut FunctionBuilder<'_>, value: Value, base: Value, offset: u32, kind: Kind) {
    let value = match kind {
        Kind::I32 | Kind::Traced | Kind::F32 => to_slot(builder, value, kind),
        _ => value,
    };
    builder.ins().store(trusted(), value, base, offset as i32);
}

/// Reads consecutive slots.
pub(crate) fn load_slots(builder: &mut FunctionBuilder<'_>, base: Value, kinds: &[Kind]) -> Vec<Value> {
    let mut offset = 0;
    let mut load = |kind: &Kind| {
        let value = load_slot(builder, base, offset, *kind);
        offset += 8 * kind.slots();
        value
    };
    kinds.iter().map(&mut load).collect()
}

/// Writes consecutive slots.
pub(crate) fn store_slots(builder: &mut FunctionBuilder<'_>, values: &[Value], base: Value, kinds: &[Kind]) {
    let mut offset = 0;
    for (value, kind) in values.iter().zip(kinds) {
        store_slot(builder, *value, base, offset, *kind);
        offset += 8 * kind.slots();
    }
}
