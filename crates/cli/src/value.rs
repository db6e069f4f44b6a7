//! Values at the command line: arguments are read by the function's parameter types, results are written one per line
//! as WasmEdge writes them.

use kinglet::{V128, Val, ValType};

/// Reads an argument as a value of type `ty`. The error says what was expected.
pub(crate) fn read(text: &str, ty: &ValType) -> Result<Val, String> {
    let value = match ty {
        ValType::I32 => integer(text, i32::MIN.into(), u32::MAX.into()).map(|value| Val::I32(value as i32)),
        ValType::I64 => integer(text, i64::MIN.into(), u64::MAX.into()).map(|value| Val::I64(value as i64)),
        ValType::F32 => text.parse::<f32>().ok().map(|value| Val::F32(value.to_bits())),
        ValType::F64 => text.parse::<f64>().ok().map(|value| Val::F64(value.to_bits())),
        ValType::V128 => text.parse().ok().map(|bits| Val::V128(V128::from_u128(bits))),
        _ => return Err(format!("a {ty} cannot be written on the command line")),
    };
    value.ok_or_else(|| format!("`{text}` is not an {ty}"))
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
        #[allow(unreachable_patterns, reason = "references of unfinished proposals")]
        _ => "<anyref>".into(),
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
    }
}
