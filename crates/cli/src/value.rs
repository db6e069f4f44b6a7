//! Values at the command line: arguments are read by the function's parameter types, results are written one per line
//! as WasmEdge writes them.

use kinglet::{HeapType, Ref, RefType, V128, Val, ValType};

/// Reads an argument as a value of type `ty`. The error is what was expected, with an example: `an i32, for example 42`.
pub(crate) fn read(text: &str, ty: &ValType) -> Result<Val, String> {
    let value = match ty {
        ValType::I32 => integer(text, i32::MIN.into(), u32::MAX.into()).map(|value| Val::I32(value as i32)),
        ValType::I64 => integer(text, i64::MIN.into(), u64::MAX.into()).map(|value| Val::I64(value as i64)),
        ValType::F32 => text.parse::<f32>().ok().map(|value| Val::F32(value.to_bits())),
        ValType::F64 => text.parse::<f64>().ok().map(|value| Val::F64(value.to_bits())),
        ValType::V128 => bits(text).map(|bits| Val::V128(V128::from_u128(bits))),
        ValType::Ref(ty) => null(ty).filter(|_| text == "null").map(Val::from),
    };
    value.ok_or_else(|| expected(ty))
}

/// A type in a sentence, with an example of it.
fn expected(ty: &ValType) -> String {
    let example = match ty {
        ValType::I32 => "42, -1 or 0xff",
        ValType::I64 => "42, -1 or 0xffffffffff",
        ValType::F32 | ValType::F64 => "1.5, -2e10, inf or nan",
        ValType::V128 => "1 or 0x000102030405060708090a0b0c0d0e0f, all 128 bits as one number",
        ValType::Ref(ty) if null(ty).is_some() => "null, the only one that can be written on the command line",
        ValType::Ref(_) => return format!("a {ty}, which cannot be written on the command line"),
    };
    let name = ty.to_string();
    let article = if name.starts_with(['i', 'e', 'a', 'f']) && name != "funcref" { "an" } else { "a" };
    format!("{article} {name}, for example {example}")
}

/// The null of a reference type, if it has one that can be handed in.
pub(crate) fn null(ty: &RefType) -> Option<Ref> {
    match ty.heap {
        _ if !ty.nullable => None,
        HeapType::Func | HeapType::NoFunc | HeapType::Concrete(_) => Some(Ref::Func(None)),
        HeapType::Extern | HeapType::NoExtern => Some(Ref::Extern(None)),
        HeapType::Exn | HeapType::NoExn => None,
        _ => Some(Ref::Any(None)),
    }
}

fn bits(text: &str) -> Option<u128> {
    match text.strip_prefix("0x").or(text.strip_prefix("0X")) {
        Some(hex) if !hex.starts_with('+') => u128::from_str_radix(hex, 16).ok(),
        Some(_) => None,
        None => text.parse().ok(),
    }
}

/// A whole number, decimal or hexadecimal with `0x`, signed or unsigned.
fn integer(text: &str, least: i128, most: i128) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let magnitude = match digits.strip_prefix("0x").or(digits.strip_prefix("0X")) {
        Some(hex) => i128::from(u64::from_str_radix(hex, 16).ok()?),
        None => i128::from(digits.parse::<u64>().ok()?),
    };
    let value = if negative { -magnitude } else { magnitude };
    (digits.starts_with(|c: char| c.is_ascii_digit()) && (least..=most).contains(&value)).then_some(value)
}

/// A result as it is printed.
pub(crate) fn show(value: &Val) -> String {
    match value {
        Val::I32(value) => value.to_string(),
        Val::I64(value) => value.to_string(),
        Val::F32(bits) => float(f32::from_bits(*bits).is_sign_negative(), &f32::from_bits(*bits)),
        Val::F64(bits) => float(f64::from_bits(*bits).is_sign_negative(), &f64::from_bits(*bits)),
        Val::V128(value) => value.to_u128().to_string(),
        Val::FuncRef(None) => "<null funcref>".into(),
        Val::FuncRef(Some(_)) => "<funcref>".into(),
        Val::ExternRef(None) => "<null externref>".into(),
        Val::ExternRef(Some(_)) => "<externref>".into(),
        Val::AnyRef(None) => "<null anyref>".into(),
        Val::AnyRef(Some(_)) => "<anyref>".into(),
    }
}

/// The shortest text that reads back as the same number, with an exponent when it is below -4 or above 15.
fn float(negative: bool, value: &(impl std::fmt::Display + std::fmt::LowerExp)) -> String {
    let scientific = format!("{value:e}");
    match scientific.split_once('e') {
        None if scientific == "NaN" => if negative { "-nan" } else { "nan" }.into(),
        None => scientific,
        Some((digits, exponent)) => match exponent.parse::<i32>() {
            Ok(exponent) if !(-4..16).contains(&exponent) => {
                format!("{digits}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
            }
            _ => value.to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_signed_or_unsigned_and_in_range() {
        let i32 = |text| read(text, &ValType::I32).map(|value| show(&value));
        assert_eq!(i32("-2147483648").unwrap(), "-2147483648");
        assert_eq!(i32("4294967295").unwrap(), "-1");
        assert_eq!(i32("0xffffffff").unwrap(), "-1");
        for wrong in ["", "-", "4294967296", "-2147483649", "1.0", "x", "--1", "0x", "+-1", "+1", "-+1"] {
            assert!(i32(wrong).is_err(), "{wrong}");
        }
        let i64 = |text| read(text, &ValType::I64).map(|value| show(&value));
        assert_eq!(i64("18446744073709551615").unwrap(), "-1");
        assert_eq!(i64("-9223372036854775808").unwrap(), "-9223372036854775808");
        assert!(i64("18446744073709551616").is_err());
    }

    #[test]
    fn floats_read_back() {
        let f64 = |text| show(&read(text, &ValType::F64).unwrap());
        let cases = [("1", "1"), ("-0", "-0"), ("0.1", "0.1"), ("1e20", "1e+20"), ("1e15", "1000000000000000")];
        cases.iter().for_each(|(text, shown)| assert_eq!(f64(text), *shown));
        let more = [("1.5e-7", "1.5e-07"), ("0.0001", "0.0001"), ("inf", "inf"), ("-inf", "-inf"), ("nan", "nan")];
        more.iter().for_each(|(text, shown)| assert_eq!(f64(text), *shown));
        assert_eq!(show(&read("0.1", &ValType::F32).unwrap()), "0.1");
    }

    #[test]
    fn vectors_are_one_unsigned_number() {
        let all = u128::MAX.to_string();
        assert_eq!(show(&read(&all, &ValType::V128).unwrap()), all);
        assert_eq!(show(&read(&format!("0x{:x}", u128::MAX), &ValType::V128).unwrap()), all);
        assert!(read("0x+1", &ValType::V128).is_err() && read("-1", &ValType::V128).is_err());
    }

    #[test]
    fn of_references_null_can_be_written() {
        assert_eq!(show(&read("null", &ValType::Ref(RefType::FUNCREF)).unwrap()), "<null funcref>");
        assert_eq!(show(&read("null", &ValType::Ref(RefType::EXTERNREF)).unwrap()), "<null externref>");
        let strict = RefType { nullable: false, heap: HeapType::Func };
        assert!(read("null", &ValType::Ref(strict)).unwrap_err().contains("cannot be written"));
        assert!(read("0", &ValType::Ref(RefType::EXTERNREF)).unwrap_err().contains("for example null"));
    }

    #[test]
    fn an_error_has_an_example_that_can_be_read() {
        for ty in [ValType::I32, ValType::I64, ValType::F32, ValType::F64, ValType::V128] {
            let message = read("x", &ty).unwrap_err();
            let example = message.split("for example ").nth(1).unwrap();
            let first = example.split([',', ' ']).next().unwrap();
            assert!(read(first, &ty).is_ok(), "{message}");
        }
    }
}
