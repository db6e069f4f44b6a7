//! Range analysis of memory indices within one function.
//!
//! An index that is a sum with a constant and cannot wrap becomes an address with a displacement. A shifted index
//! becomes an address with a scale. Compilers leave such sums when they cannot prove the range, for example in table
//! lookups by masked bytes.

use cranelift_codegen::ir::{DataFlowGraph, InstBuilder, InstructionData, Opcode, Value, ValueDef, types};
use cranelift_frontend::FunctionBuilder;

/// The number of operations that the analysis follows.
const DEPTH: u32 = 8;

/// The largest scale of an address, as a power of two.
const LARGEST_SCALE: u64 = 3;

/// Extends a 32-bit index to 64 bits and splits off a constant displacement, which is still to be added.
pub(super) fn widen(builder: &mut FunctionBuilder<'_>, index: Value) -> (Value, u32) {
    let dfg = &builder.func.dfg;
    let (index, displacement) = split(dfg, index).unwrap_or((index, 0));
    let scaled = operation(dfg, index).and_then(|operation| match operation {
        (Opcode::Ishl, [a, b]) => {
            let scale = constant(dfg, b).filter(|scale| *scale <= LARGEST_SCALE)?;
            let bounded = bound(dfg, a, DEPTH) << scale <= u64::from(u32::MAX);
            bounded.then_some((a, scale))
        }
        _ => None,
    });
    let wide = match scaled {
        Some((index, scale)) => {
            let wide = builder.ins().uextend(types::I64, index);
            builder.ins().ishl_imm_u(wide, scale as i64)
        }
        None => builder.ins().uextend(types::I64, index),
    };
    (wide, displacement)
}

/// Splits a sum with a constant that cannot wrap.
fn split(dfg: &DataFlowGraph, index: Value) -> Option<(Value, u32)> {
    let (Opcode::Iadd, [a, b]) = operation(dfg, index)? else { return None };
    let (rest, constant) = constant(dfg, b).map(|c| (a, c)).or_else(|| Some((b, constant(dfg, a)?)))?;
    let largest = bound(dfg, rest, DEPTH) + constant;
    (largest <= u64::from(u32::MAX)).then_some((rest, constant as u32))
}

/// Returns an upper bound of a value of at most 32 bits, interpreted as unsigned.
fn bound(dfg: &DataFlowGraph, value: Value, depth: u32) -> u64 {
    let bits = dfg.value_type(value).bits();
    let max = if bits < 32 { (1 << bits) - 1 } else { u64::from(u32::MAX) };
    let Some(depth) = depth.checked_sub(1) else { return max };
    let operand_bound = |value| bound(dfg, value, depth);
    let shift = |value| constant(dfg, value).filter(|shift| *shift < 32);
    let upper = match operation(dfg, value) {
        None => constant(dfg, value),
        Some((Opcode::Band, [a, b])) => Some(operand_bound(a).min(operand_bound(b))),
        Some((Opcode::Ushr, [a, b])) => shift(b).map(|shift| operand_bound(a) >> shift),
        Some((Opcode::Ishl, [a, b])) => shift(b).map(|shift| operand_bound(a) << shift),
        Some((Opcode::Iadd, [a, b])) => Some(operand_bound(a) + operand_bound(b)),
        Some((Opcode::Uload8, _)) => Some(0xff),
        Some((Opcode::Uload16, _)) => Some(0xffff),
        Some((Opcode::Uextend, [a, _])) => Some(operand_bound(a)),
        Some(_) => None,
    };
    // A computation with a larger bound may wrap, so its result can be any value.
    upper.filter(|upper| *upper <= max).unwrap_or(max)
}

/// Returns the value of a 32-bit constant.
fn constant(dfg: &DataFlowGraph, value: Value) -> Option<u64> {
    let ValueDef::Result(inst, _) = dfg.value_def(dfg.resolve_aliases(value)) else { return None };
    match dfg.insts[inst] {
        InstructionData::UnaryImm { opcode: Opcode::Iconst, imm } => Some(u64::from(imm.bits() as u32)),
        _ => None,
    }
}

/// Returns the operation that defines a value and its operands. A single operand is repeated.
fn operation(dfg: &DataFlowGraph, value: Value) -> Option<(Opcode, [Value; 2])> {
    let ValueDef::Result(inst, _) = dfg.value_def(dfg.resolve_aliases(value)) else { return None };
    match dfg.insts[inst] {
        InstructionData::Binary { opcode, args } => Some((opcode, args)),
        InstructionData::Unary { opcode, arg } | InstructionData::Load { opcode, arg, .. } => Some((opcode, [arg; 2])),
        _ => None,
    }
}
