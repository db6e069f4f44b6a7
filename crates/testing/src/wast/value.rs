//! Values and patterns of scripts: converts arguments to API values, and compares results with NaN, lane, reference and
//! `either` patterns (spec repository, "interpreter/README", "Scripts": `<const>` and `<result>`).

use kinglet::{ExternRef, Store, V128, Val};
use wast::core::{AbstractHeapType, HeapType, NanPattern, V128Pattern, WastArgCore, WastRetCore};
use wast::token::{F32, F64};
use wast::{WastArg, WastRet};

/// Converts a script's argument to an API value. Returns `None` for arguments that need an unfinished feature.
pub(super) fn argument(store: &mut Store<()>, arg: &WastArg<'_>) -> Option<Val> {
    let WastArg::Core(arg) = arg else { return None };
    Some(match arg {
        WastArgCore::I32(value) => Val::I32(*value),
        WastArgCore::I64(value) => Val::I64(*value),
        WastArgCore::F32(value) => Val::F32(value.bits),
        WastArgCore::F64(value) => Val::F64(value.bits),
        WastArgCore::V128(value) => Val::V128(V128(value.to_le_bytes())),
        WastArgCore::RefNull(HeapType::Abstract { ty, .. }) => match ty {
            AbstractHeapType::Func | AbstractHeapType::NoFunc => Val::FuncRef(None),
            AbstractHeapType::Extern | AbstractHeapType::NoExtern => Val::ExternRef(None),
            _ => return None,
        },
        WastArgCore::RefExtern(number) => Val::ExternRef(Some(ExternRef::new(store, *number).ok()?)),
        WastArgCore::RefNull(_) | WastArgCore::RefHost(_) => return None,
    })
}

/// Compares results with the script's expected results.
pub(super) fn compare(store: &Store<()>, actual: &[Val], expected: &[WastRet<'_>]) -> Result<(), String> {
    if actual.len() != expected.len() {
        return Err(format!("expected {} results, got {}", expected.len(), actual.len()));
    }
    for (index, (actual, expected)) in actual.iter().zip(expected).enumerate() {
        let WastRet::Core(pattern) = expected else { return Err("expected the result of a component".into()) };
        if !matches(store, actual, pattern) {
            return Err(format!("result {index}: expected {}, got {}", show_pattern(pattern), show(actual)));
        }
    }
    Ok(())
}

fn matches(store: &Store<()>, actual: &Val, expected: &WastRetCore<'_>) -> bool {
    match (actual, expected) {
        (_, WastRetCore::Either(patterns)) => patterns.iter().any(|pattern| matches(store, actual, pattern)),
        (Val::I32(value), WastRetCore::I32(expected)) => value == expected,
        (Val::I64(value), WastRetCore::I64(expected)) => value == expected,
        (Val::F32(bits), WastRetCore::F32(pattern)) => matches_f32(*bits, pattern),
        (Val::F64(bits), WastRetCore::F64(pattern)) => matches_f64(*bits, pattern),
        (Val::V128(value), WastRetCore::V128(pattern)) => matches_v128(value.0, pattern),
        (Val::FuncRef(None), WastRetCore::RefNull(heap)) => {
            null_of(heap, &[AbstractHeapType::Func, AbstractHeapType::NoFunc])
        }
        (Val::ExternRef(None), WastRetCore::RefNull(heap)) => {
            null_of(heap, &[AbstractHeapType::Extern, AbstractHeapType::NoExtern])
        }
        (Val::FuncRef(Some(_)), WastRetCore::RefFunc(_)) => true,
        (Val::ExternRef(Some(_)), WastRetCore::RefExtern(None)) => true,
        (Val::ExternRef(Some(value)), WastRetCore::RefExtern(Some(number))) => {
            value.data(store).ok().flatten().and_then(|data| data.downcast_ref::<u32>()) == Some(number)
        }
        _ => false,
    }
}

/// Returns whether `ref.null` of a heap type matches a null reference of a hierarchy. A type index is that of a function.
fn null_of(heap: &Option<HeapType<'_>>, hierarchy: &[AbstractHeapType]) -> bool {
    match heap {
        Some(HeapType::Abstract { ty, .. }) => hierarchy.contains(ty),
        Some(HeapType::Concrete(_) | HeapType::Exact(_)) => hierarchy.contains(&AbstractHeapType::Func),
        None => true,
    }
}

fn matches_f32(bits: u32, pattern: &NanPattern<F32>) -> bool {
    match pattern {
        NanPattern::CanonicalNan => bits & 0x7fff_ffff == 0x7fc0_0000,
        NanPattern::ArithmeticNan => bits & 0x7fc0_0000 == 0x7fc0_0000,
        NanPattern::Value(value) => bits == value.bits,
    }
}

fn matches_f64(bits: u64, pattern: &NanPattern<F64>) -> bool {
    match pattern {
        NanPattern::CanonicalNan => bits & 0x7fff_ffff_ffff_ffff == 0x7ff8_0000_0000_0000,
        NanPattern::ArithmeticNan => bits & 0x7ff8_0000_0000_0000 == 0x7ff8_0000_0000_0000,
        NanPattern::Value(value) => bits == value.bits,
    }
}

fn matches_v128(bytes: [u8; 16], pattern: &V128Pattern) -> bool {
    match pattern {
        V128Pattern::I8x16(lanes) => lanes_of(bytes, i8::from_le_bytes) == *lanes,
        V128Pattern::I16x8(lanes) => lanes_of(bytes, i16::from_le_bytes) == *lanes,
        V128Pattern::I32x4(lanes) => lanes_of(bytes, i32::from_le_bytes) == *lanes,
        V128Pattern::I64x2(lanes) => lanes_of(bytes, i64::from_le_bytes) == *lanes,
        V128Pattern::F32x4(lanes) => {
            let actual: [u32; 4] = lanes_of(bytes, u32::from_le_bytes);
            actual.iter().zip(lanes).all(|(bits, lane)| matches_f32(*bits, lane))
        }
        V128Pattern::F64x2(lanes) => {
            let actual: [u64; 2] = lanes_of(bytes, u64::from_le_bytes);
            actual.iter().zip(lanes).all(|(bits, lane)| matches_f64(*bits, lane))
        }
    }
}

fn lanes_of<T, const SIZE: usize, const COUNT: usize>(bytes: [u8; 16], read: fn([u8; SIZE]) -> T) -> [T; COUNT] {
    std::array::from_fn(|lane| read(std::array::from_fn(|byte| bytes[lane * SIZE + byte])))
}

/// Formats a value for failure messages. Floats include their bits, because the text of a NaN omits its payload.
pub(super) fn show(value: &Val) -> String {
    match value {
        Val::I32(value) => format!("i32 {value} (0x{value:x})"),
        Val::I64(value) => format!("i64 {value} (0x{value:x})"),
        Val::F32(bits) => format!("f32 {} (bits 0x{bits:08x})", f32::from_bits(*bits)),
        Val::F64(bits) => format!("f64 {} (bits 0x{bits:016x})", f64::from_bits(*bits)),
        Val::V128(value) => format!("v128 0x{:032x}", value.to_u128()),
        Val::FuncRef(None) => "null funcref".into(),
        Val::FuncRef(Some(_)) => "a funcref".into(),
        Val::ExternRef(None) => "null externref".into(),
        Val::ExternRef(Some(_)) => "an externref".into(),
        other => format!("{other:?}"),
    }
}

fn show_pattern(pattern: &WastRetCore<'_>) -> String {
    match pattern {
        WastRetCore::I32(value) => show(&Val::I32(*value)),
        WastRetCore::I64(value) => show(&Val::I64(*value)),
        WastRetCore::F32(NanPattern::Value(value)) => show(&Val::F32(value.bits)),
        WastRetCore::F64(NanPattern::Value(value)) => show(&Val::F64(value.bits)),
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nan_patterns_distinguish_canonical_and_arithmetic() {
        assert!(matches_f32(0xffc0_0000, &NanPattern::CanonicalNan));
        assert!(!matches_f32(0x7fc0_0001, &NanPattern::CanonicalNan));
        assert!(matches_f32(0x7fc0_0001, &NanPattern::ArithmeticNan));
        assert!(!matches_f32(0x7fa0_0000, &NanPattern::ArithmeticNan));
        assert!(matches_f64(0x7ff8_0000_0000_0000, &NanPattern::CanonicalNan));
        assert!(!matches_f64(0x7ff0_0000_0000_0001, &NanPattern::ArithmeticNan));
    }

    #[test]
    fn zeros_with_different_signs_do_not_match() {
        assert!(!matches_f32((-0.0_f32).to_bits(), &NanPattern::Value(F32 { bits: 0 })));
    }

    #[test]
    fn lanes_are_little_endian() {
        let mut bytes = [0; 16];
        bytes[4] = 1;
        bytes[15] = 0x80;
        assert!(matches_v128(bytes, &V128Pattern::I32x4([0, 1, 0, i32::MIN])));
        assert!(!matches_v128(bytes, &V128Pattern::I32x4([1, 0, 0, i32::MIN])));
    }
}
