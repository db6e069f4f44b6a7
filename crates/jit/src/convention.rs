//! Calling conventions and value representation: Cranelift types for WebAssembly types, signatures of the native
//! (`tail`), array and libcall conventions, and access to 8-byte slots.
//!
//! Slots make up argument arrays and canonical frames. An `i32`, `f32` or GC reference is zero-extended to a slot. All
//! generated code reads and writes slots through this module.

use cranelift_codegen::ir::{
    AbiParam, AliasRegion, AliasRegionData, ArgumentExtension, ArgumentPurpose, Function, InstBuilder, MemFlagsData,
    Signature as ClifSignature, Type, Value, types,
};
use cranelift_codegen::isa::CallConv;
use cranelift_frontend::FunctionBuilder;
use kinglet_wasm::Module;
use kinglet_wasm::types::{FuncType, HeapType, Hierarchy, TypeRegistry, ValType};
use target_lexicon::Architecture;

/// The representation of a value in machine code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ValueRepr {
    I32,
    I64,
    F32,
    F64,
    V128,
    /// A pointer to a function reference.
    Func,
    /// A GC-managed reference, which the collector may change.
    GcRef,
}

impl ValueRepr {
    /// All representations. A position in this array is the encoding in the code cache.
    pub(crate) const ALL: [ValueRepr; 7] = [
        ValueRepr::I32,
        ValueRepr::I64,
        ValueRepr::F32,
        ValueRepr::F64,
        ValueRepr::V128,
        ValueRepr::Func,
        ValueRepr::GcRef,
    ];

    pub(crate) fn new(ty: ValType, types: &TypeRegistry) -> ValueRepr {
        match ty {
            ValType::I32 => ValueRepr::I32,
            ValType::I64 => ValueRepr::I64,
            ValType::F32 => ValueRepr::F32,
            ValType::F64 => ValueRepr::F64,
            ValType::V128 => ValueRepr::V128,
            ValType::Ref(r) if r.heap == HeapType::I31 => ValueRepr::I32,
            ValType::Ref(r) => match types.hierarchy(r.heap) {
                Hierarchy::Func => ValueRepr::Func,
                _ => ValueRepr::GcRef,
            },
        }
    }

    pub(crate) fn clif(self) -> Type {
        match self {
            ValueRepr::I32 | ValueRepr::GcRef => types::I32,
            ValueRepr::I64 | ValueRepr::Func => types::I64,
            ValueRepr::F32 => types::F32,
            ValueRepr::F64 => types::F64,
            ValueRepr::V128 => types::I8X16,
        }
    }

    pub(crate) fn slots(self) -> u32 {
        if self == ValueRepr::V128 { 2 } else { 1 }
    }
}

/// A function signature in machine code. Functions with equal signatures share trampolines.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NativeSignature {
    pub(crate) params: Box<[ValueRepr]>,
    pub(crate) results: Box<[ValueRepr]>,
}

impl NativeSignature {
    /// Creates the signature of a function type.
    pub fn new(ty: &FuncType, types: &TypeRegistry) -> NativeSignature {
        let reprs = |list: &[ValType]| list.iter().map(|ty| ValueRepr::new(*ty, types)).collect();
        NativeSignature { params: reprs(ty.params()), results: reprs(ty.results()) }
    }

    /// Encodes the signature for the code cache.
    pub(crate) fn to_words(&self) -> Vec<u32> {
        let reprs = self.params.iter().chain(&self.results).map(|repr| *repr as u32);
        [self.params.len() as u32, self.results.len() as u32].into_iter().chain(reprs).collect()
    }

    /// Decodes a signature; `None` if the words are invalid.
    pub(crate) fn from_words(words: &[u32]) -> Option<NativeSignature> {
        let (&[params, results], reprs) = words.split_first_chunk()?;
        let reprs: Box<[ValueRepr]> =
            reprs.iter().map(|repr| ValueRepr::ALL.get(*repr as usize).copied()).collect::<Option<_>>()?;
        if reprs.len() as u64 != u64::from(params) + u64::from(results) {
            return None;
        }
        let (params, results) = reprs.split_at(params as usize);
        Some(NativeSignature { params: params.into(), results: results.into() })
    }

    /// Returns the signature in the native convention: the callee's and the caller's instances, then the parameters.
    pub(crate) fn native(&self) -> ClifSignature {
        let mut signature = native_signature(&[types::I64, types::I64]);
        signature.params[0].purpose = ArgumentPurpose::VMContext;
        signature.params.extend(self.params.iter().map(|repr| AbiParam::new(repr.clif())));
        signature.returns.extend(self.results.iter().map(|repr| AbiParam::new(repr.clif())));
        signature
    }

    /// Returns the signature of the tail-call trampoline: both instances, then an array of the parameters.
    pub(crate) fn tail_call_trampoline(&self) -> ClifSignature {
        let mut signature = native_signature(&[types::I64, types::I64, types::I64]);
        signature.returns.extend(self.results.iter().map(|repr| AbiParam::new(repr.clif())));
        signature
    }

    /// Returns whether the first argument is in the first argument register on every processor.
    ///
    /// If the results do not all fit in registers, the address of a return area precedes the arguments.
    pub(crate) fn passes_callee_in_first_register(&self) -> bool {
        self.results.len() <= 2 && !self.results.contains(&ValueRepr::V128)
    }

    /// Returns whether host functions with this signature are called in registers.
    pub(crate) fn fits_in_registers(&self) -> bool {
        let vectors = self.params.iter().chain(&self.results).any(|repr| *repr == ValueRepr::V128);
        kinglet_abi::fits_in_registers(self.params.len(), self.results.len(), vectors)
    }

    /// Returns the size of an argument array, in bytes.
    pub(crate) fn array_size(&self) -> u32 {
        8 * slots_of(&self.params).max(slots_of(&self.results))
    }
}

fn slots_of(reprs: &[ValueRepr]) -> u32 {
    reprs.iter().map(|repr| repr.slots()).sum()
}

/// Creates a signature in the native convention, without results.
pub(crate) fn native_signature(params: &[Type]) -> ClifSignature {
    let mut signature = ClifSignature::new(CallConv::Tail);
    signature.params.extend(params.iter().map(|ty| AbiParam::new(*ty)));
    signature
}

/// Creates the signature of a runtime function that returns a 32-bit number.
pub(crate) fn runtime_signature(params: &[Type]) -> ClifSignature {
    let mut signature = ClifSignature::new(CallConv::SystemV);
    signature.params.extend(params.iter().map(|ty| AbiParam::new(*ty)));
    signature.returns.push(AbiParam::new(types::I32));
    signature
}

/// Sets the extension of 32-bit arguments and results in the function's signature and in those it calls.
///
/// The extension is that of `u32` in the platform's convention: sign extension on RISC-V (psABI 2.1), zero extension on
/// s390x. x86-64 and AArch64 leave the upper bits undefined, as the native convention does everywhere.
pub(crate) fn set_argument_extensions(function: &mut Function, architecture: Architecture) {
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

/// Returns the signature of OSR code: both instances and the canonical frame. OSR code returns a status.
pub(crate) fn osr_signature() -> ClifSignature {
    let mut signature = native_signature(&[types::I64, types::I64, types::I64]);
    signature.params[0].purpose = ArgumentPurpose::VMContext;
    signature.returns.push(AbiParam::new(types::I32));
    signature
}

/// Returns the flags for accesses to the runtime's own memory: instances, globals, tables and argument arrays.
pub(crate) fn runtime_flags() -> MemFlagsData {
    MemFlagsData::new().with_notrap().with_alias_region(Some(AliasRegion::from_u32(RUNTIME)))
}

/// The alias region of [`runtime_flags`] accesses. The regions of linear memories follow it.
const RUNTIME: u32 = 0;

/// Declares the alias regions: the runtime's own memory, and each linear memory.
///
/// A store to one region does not invalidate values loaded from another. Imported memories share one region, because
/// two imports may be the same memory.
pub(crate) fn declare_regions(function: &mut Function, module: Option<&Module>) {
    let mut declare = |user_id, description: &'static str| {
        function.dfg.alias_regions.insert(AliasRegionData { user_id, description: description.into() });
    };
    declare(RUNTIME, "runtime");
    if let Some(module) = module {
        (0..module.memories.len() as u32).for_each(|memory| declare(memory_region(module, memory).as_u32(), "memory"));
    }
}

/// Returns the alias region of a linear memory.
pub(crate) fn memory_region(module: &Module, memory: u32) -> AliasRegion {
    let imports = u32::from(module.imported_memories > 0);
    let index = memory.checked_sub(module.imported_memories).map_or(0, |index| imports + index);
    AliasRegion::from_u32(RUNTIME + 1 + index)
}

/// Loads a pointer.
pub(crate) fn load_pointer(builder: &mut FunctionBuilder<'_>, base: Value, offset: usize) -> Value {
    builder.ins().load(types::I64, runtime_flags(), base, offset as i32)
}

/// Loads a pointer that does not change while the function runs. Cranelift may hoist and deduplicate the load.
pub(crate) fn load_invariant(builder: &mut FunctionBuilder<'_>, base: Value, offset: usize) -> Value {
    builder.ins().load(types::I64, invariant_flags(), base, offset as i32)
}

/// Returns the flags for loads of values that do not change while the function runs.
pub(crate) fn invariant_flags() -> MemFlagsData {
    runtime_flags().with_readonly().with_can_move()
}

/// Stores a value in its own size.
pub(crate) fn store(builder: &mut FunctionBuilder<'_>, value: Value, base: Value, offset: usize) {
    builder.ins().store(runtime_flags(), value, base, offset as i32);
}

/// Loads a value from a slot.
pub(crate) fn load_slot(builder: &mut FunctionBuilder<'_>, base: Value, offset: u32, repr: ValueRepr) -> Value {
    let offset = offset as i32;
    match repr {
        ValueRepr::I32 | ValueRepr::GcRef | ValueRepr::F32 => {
            let slot = builder.ins().load(types::I64, runtime_flags(), base, offset);
            from_slot(builder, slot, repr)
        }
        _ => builder.ins().load(repr.clif(), runtime_flags(), base, offset),
    }
}

/// Converts a slot's 64 bits to a value. Does not support vectors.
pub(crate) fn from_slot(builder: &mut FunctionBuilder<'_>, slot: Value, repr: ValueRepr) -> Value {
    match repr {
        ValueRepr::I32 | ValueRepr::GcRef => builder.ins().ireduce(types::I32, slot),
        ValueRepr::F32 => {
            let bits = builder.ins().ireduce(types::I32, slot);
            builder.ins().bitcast(types::F32, MemFlagsData::new(), bits)
        }
        ValueRepr::F64 => builder.ins().bitcast(types::F64, MemFlagsData::new(), slot),
        _ => slot,
    }
}

/// Converts a value to a slot's 64 bits. Does not support vectors.
pub(crate) fn to_slot(builder: &mut FunctionBuilder<'_>, value: Value, repr: ValueRepr) -> Value {
    match repr {
        ValueRepr::I32 | ValueRepr::GcRef => builder.ins().uextend(types::I64, value),
        ValueRepr::F32 => {
            let bits = builder.ins().bitcast(types::I32, MemFlagsData::new(), value);
            builder.ins().uextend(types::I64, bits)
        }
        ValueRepr::F64 => builder.ins().bitcast(types::I64, MemFlagsData::new(), value),
        _ => value,
    }
}

/// Stores a value to a slot.
pub(crate) fn store_slot(builder: &mut FunctionBuilder<'_>, value: Value, base: Value, offset: u32, repr: ValueRepr) {
    let value = match repr {
        ValueRepr::I32 | ValueRepr::GcRef | ValueRepr::F32 => to_slot(builder, value, repr),
        _ => value,
    };
    builder.ins().store(runtime_flags(), value, base, offset as i32);
}

/// Loads values from consecutive slots.
pub(crate) fn load_slots(builder: &mut FunctionBuilder<'_>, base: Value, reprs: &[ValueRepr]) -> Vec<Value> {
    let mut offset = 0;
    let mut load = |repr: &ValueRepr| {
        let value = load_slot(builder, base, offset, *repr);
        offset += 8 * repr.slots();
        value
    };
    reprs.iter().map(&mut load).collect()
}

/// Stores values to consecutive slots.
pub(crate) fn store_slots(builder: &mut FunctionBuilder<'_>, values: &[Value], base: Value, reprs: &[ValueRepr]) {
    let mut offset = 0;
    for (value, repr) in values.iter().zip(reprs) {
        store_slot(builder, *value, base, offset, *repr);
        offset += 8 * repr.slots();
    }
}
