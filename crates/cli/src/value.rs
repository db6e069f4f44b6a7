//! Values on the command line. Arguments are parsed by the function's parameter types, in the notation of the text format
//! (core specification, "Text Format", "Values"), and decimals also in Rust's. Results are printed one per line in
//! WasmEdge's notation.

use kinglet::{HeapType, Ref, RefType, V128, Val, ValType};

/// Why a text is not a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Problem {
    Malformed,
    OutOfRange,
}

/// Parses an argument as a value of type `ty`.
///
/// # Errors
/// A sentence about the text, with an example: `three is not an i32; for example 42`.
pub(crate) fn read(text: &str, ty: &ValType) -> Result<Val, String> {
    let value = match ty {
        ValType::I32 => integer(text, 32).map(|bits| Val::I32(bits as i32)),
        ValType::I64 => integer(text, 64).map(|bits| Val::I64(bits as i64)),
        ValType::F32 => f32(text).map(Val::F32).ok_or(Problem::Malformed),
        ValType::F64 => f64(text).map(Val::F64).ok_or(Problem::Malformed),
        ValType::V128 => vector(text).map(|bits| Val::V128(V128::from_u128(bits))).ok_or(Problem::Malformed),
        ValType::Ref(ty) => null(ty).filter(|_| text == "null").map(Val::from).ok_or(Problem::Malformed),
    };
    value.map_err(|problem| match problem {
        Problem::OutOfRange => format!("{text} is out of range for {ty}"),
        Problem::Malformed => format!("`{text}` is not {}", expected(ty)),
    })
}

/// A type in a sentence, with an example.
fn expected(ty: &ValType) -> String {
    let example = match ty {
        ValType::I32 => "42, -1 or 0xff",
        ValType::I64 => "42, -1 or 0xffffffffff",
        ValType::F32 | ValType::F64 => "1.5, -2e10, 0x1.8p3, inf, nan or nan:0x400001",
        ValType::V128 => "1 or 0x000102030405060708090a0b0c0d0e0f, all 128 bits as one number, or \"i32x4 1 2 3 4\"",
        ValType::Ref(ty) if null(ty).is_some() => "null, its only value on the command line",
        ValType::Ref(_) => return format!("a {ty}, which has no values on the command line"),
    };
    let name = ty.to_string();
    let article = if name.starts_with(['i', 'e', 'a', 'f']) && name != "funcref" { "an" } else { "a" };
    format!("{article} {name}; for example {example}")
}

/// The null of a reference type, if it has one that can be passed as an argument.
pub(crate) fn null(ty: &RefType) -> Option<Ref> {
    match ty.heap {
        _ if !ty.nullable => None,
        HeapType::Func | HeapType::NoFunc | HeapType::Concrete(_) => Some(Ref::Func(None)),
        HeapType::Extern | HeapType::NoExtern => Some(Ref::Extern(None)),
        HeapType::Exn | HeapType::NoExn => None,
        _ => Some(Ref::Any(None)),
    }
}

/// Splits off an optional sign; true is negative.
fn signed(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// The text after the prefix of hexadecimal numbers.
fn hexadecimal(text: &str) -> Option<&str> {
    text.strip_prefix("0x").or(text.strip_prefix("0X"))
}

/// Removes the underscores between digits. None without digits, or with any other character.
fn digits(text: &str, radix: u32) -> Option<String> {
    let groups: Vec<&str> = text.split('_').collect();
    let valid = |group: &&str| !group.is_empty() && group.chars().all(|digit| digit.is_digit(radix));
    groups.iter().all(valid).then(|| groups.concat())
}

/// Parses an unsigned integer, decimal or hexadecimal.
fn natural(text: &str) -> Result<u128, Problem> {
    let (text, radix) = hexadecimal(text).map_or((text, 10), |hex| (hex, 16));
    let digits = digits(text, radix).ok_or(Problem::Malformed)?;
    u128::from_str_radix(&digits, radix).map_err(|_| Problem::OutOfRange)
}

/// Parses an integer of `bits` bits, signed or unsigned. Returns the bits.
fn integer(text: &str, bits: u32) -> Result<u64, Problem> {
    let (negative, rest) = signed(text);
    let magnitude = natural(rest)?;
    let most = if negative { 1_u128 << (bits - 1) } else { (1 << bits) - 1 };
    let value = if negative { magnitude.wrapping_neg() } else { magnitude };
    if magnitude <= most { Ok(value as u64) } else { Err(Problem::OutOfRange) }
}

/// The widths of the fields of a float type.
struct FloatFormat {
    /// Bits of the fraction.
    fraction: u32,
    /// Bits of the exponent.
    exponent: u32,
}

const F32: FloatFormat = FloatFormat { fraction: 23, exponent: 8 };
const F64: FloatFormat = FloatFormat { fraction: 52, exponent: 11 };

fn f32(text: &str) -> Option<u32> {
    let decimal = |text: &str| Some(text.parse::<f32>().ok().filter(|value| value.is_finite())?.to_bits().into());
    float_bits(text, &F32, decimal)?.try_into().ok()
}

fn f64(text: &str) -> Option<u64> {
    float_bits(text, &F64, |text| Some(text.parse::<f64>().ok().filter(|value| value.is_finite())?.to_bits()))
}

/// Parses a float into its bits. `decimal` parses decimal digits with an optional point and exponent. None if the number
/// would be rounded to infinity.
fn float_bits(text: &str, format: &FloatFormat, decimal: impl Fn(&str) -> Option<u64>) -> Option<u64> {
    let (negative, rest) = signed(text);
    let infinity = ((1 << format.exponent) - 1) << format.fraction;
    let lower = rest.to_ascii_lowercase();
    let magnitude = match lower.as_str() {
        "inf" | "infinity" => infinity,
        "nan" => infinity | 1 << (format.fraction - 1),
        _ if rest.starts_with("nan:") => {
            let payload = hexadecimal(&rest[4..]).and_then(|_| natural(&rest[4..]).ok())?;
            let most = (1_u128 << format.fraction) - 1;
            infinity | u64::try_from(payload).ok().filter(|_| (1..=most).contains(&payload))?
        }
        _ => match hexadecimal(rest) {
            Some(hex) => hexadecimal_float(hex, format)?,
            None => decimal(&plain(rest)?)?,
        },
    };
    Some(u64::from(negative) << (format.fraction + format.exponent) | magnitude)
}

/// Removes the underscores of a decimal float. As in Rust, either side of the point may be empty.
fn plain(text: &str) -> Option<String> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let part = |text: &str| if text.is_empty() { Some(String::new()) } else { digits(text, 10) };
    let mantissa = match mantissa.split_once('.') {
        Some((whole, fraction)) => format!("{}.{}", part(whole)?, part(fraction)?),
        None => part(mantissa)?,
    };
    let Some(exponent) = exponent else { return Some(mantissa) };
    let (negative, exponent) = signed(exponent);
    Some(format!("{mantissa}e{}{}", if negative { "-" } else { "" }, digits(exponent, 10)?))
}

/// Parses a hexadecimal float without a sign, rounding to nearest, ties to even.
fn hexadecimal_float(text: &str, format: &FloatFormat) -> Option<u64> {
    let (mantissa, exponent) = match text.split_once(['p', 'P']) {
        Some((mantissa, exponent)) => (mantissa, exponent),
        None => (text, "0"),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        // A point may end the number.
        Some((whole, "")) => (digits(whole, 16)?, String::new()),
        Some((whole, fraction)) => (digits(whole, 16)?, digits(fraction, 16)?),
        None => (digits(mantissa, 16)?, String::new()),
    };
    let (negative, power) = signed(exponent);
    let power = digits(power, 10)?.parse::<i64>().unwrap_or(i64::MAX).min(i64::MAX / 4);
    let power = if negative { -power } else { power };

    // Digits that do not fit only matter for whether all of them are zero.
    let (mut value, mut scale, mut rest) = (0_u64, 0_i64, false);
    for digit in whole.chars().chain(fraction.chars()) {
        let digit = u64::from(digit.to_digit(16)?);
        match value >> 60 {
            0 => value = value << 4 | digit,
            _ => (scale, rest) = (scale + 4, rest || digit != 0),
        }
    }
    if value == 0 {
        return Some(0);
    }
    let scale = power.saturating_add(scale).saturating_sub(4 * fraction.len() as i64);
    round(value, scale, rest, format)
}

/// Rounds `value` times two to the power of `scale` to a float. With `rest`, the exact number is slightly larger.
fn round(value: u64, scale: i64, rest: bool, format: &FloatFormat) -> Option<u64> {
    let bias = (1_i64 << (format.exponent - 1)) - 1;
    let lead = 63 - i64::from(value.leading_zeros());
    // The exponent of the last bit; subnormal numbers all have the same.
    let last = (scale.saturating_add(lead) - i64::from(format.fraction)).max(1 - bias - i64::from(format.fraction));
    let dropped = last.saturating_sub(scale);
    let (kept, half, below) = match dropped {
        ..=0 => (value << -dropped, false, rest),
        1..=64 => {
            let (value, half) = (u128::from(value), 1_u128 << (dropped - 1));
            let below = value & (half - 1) != 0 || rest;
            ((value >> dropped) as u64, value & half != 0, below)
        }
        _ => (0, false, true),
    };
    let kept = kept + u64::from(half && (below || kept & 1 != 0));
    // A carry out of the fraction increments the exponent.
    let exponent = last + i64::from(format.fraction) + bias;
    if exponent >= 1 << format.exponent {
        return None;
    }
    let bits = kept + ((exponent as u64 - 1) << format.fraction);
    let infinity = ((1_u64 << format.exponent) - 1) << format.fraction;
    (bits < infinity).then_some(bits)
}

/// Parses a vector: one number, or a shape followed by its lanes.
fn vector(text: &str) -> Option<u128> {
    let mut words = text.split_whitespace();
    let lanes: fn(&str) -> Option<u64> = match words.next()? {
        "i8x16" => |text| integer(text, 8).ok(),
        "i16x8" => |text| integer(text, 16).ok(),
        "i32x4" => |text| integer(text, 32).ok(),
        "i64x2" => |text| integer(text, 64).ok(),
        "f32x4" => |text| f32(text).map(u64::from),
        "f64x2" => f64,
        number => return natural(number).ok().filter(|_| words.next().is_none()),
    };
    let values: Vec<u64> = words.map(lanes).collect::<Option<_>>()?;
    let count: usize = text.split_whitespace().next()?.split_once('x')?.1.parse().ok()?;
    let width = 128 / count;
    let mask = (1_u128 << width) - 1;
    let place = |all, (lane, value): (usize, &u64)| all | (u128::from(*value) & mask) << (lane * width);
    (values.len() == count).then(|| values.iter().enumerate().fold(0, place))
}

/// The printed form of a result.
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

/// The shortest text that parses as the same number, with an exponent below -4 or above 15.
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

    fn shown(text: &str, ty: ValType) -> String {
        show(&read(text, &ty).unwrap_or_else(|why| panic!("{text}: {why}")))
    }

    #[test]
    fn integers_are_signed_or_unsigned_and_in_range() {
        for (text, value) in [
            ("-2147483648", "-2147483648"),
            ("4294967295", "-1"),
            ("0xffffffff", "-1"),
            ("-0x8000_0000", "-2147483648"),
            ("+1", "1"),
            ("1_000_000", "1000000"),
            ("-0", "0"),
        ] {
            assert_eq!(shown(text, ValType::I32), value, "{text}");
        }
        for wrong in [
            "",
            "-",
            "+",
            "4294967296",
            "-2147483649",
            "1.0",
            "x",
            "--1",
            "0x",
            "+-1",
            "-+1",
            "1__0",
            "_1",
            "1_",
            "0x_1",
            " 1",
            "1e3",
            "0b1",
            "٣",
        ] {
            assert!(read(wrong, &ValType::I32).is_err(), "{wrong}");
        }
        assert_eq!(shown("18446744073709551615", ValType::I64), "-1");
        assert_eq!(shown("-9223372036854775808", ValType::I64), "-9223372036854775808");
        assert_eq!(shown("-0x8000000000000000", ValType::I64), "-9223372036854775808");
        for wrong in ["18446744073709551616", "-9223372036854775809", &"9".repeat(60), &format!("0x{}", "f".repeat(33))]
        {
            assert!(read(wrong, &ValType::I64).is_err(), "{wrong}");
        }
    }

    #[test]
    fn floats_read_back() {
        let f64 = |text| shown(text, ValType::F64);
        let cases = [("1", "1"), ("-0", "-0"), ("0.1", "0.1"), ("1e20", "1e+20"), ("1e15", "1000000000000000")];
        cases.iter().for_each(|(text, shown)| assert_eq!(f64(text), *shown));
        let more = [("1.5e-7", "1.5e-07"), ("0.0001", "0.0001"), ("inf", "inf"), ("-inf", "-inf"), ("nan", "nan")];
        more.iter().for_each(|(text, shown)| assert_eq!(f64(text), *shown));
        assert_eq!(shown("0.1", ValType::F32), "0.1");
    }

    #[test]
    fn floats_are_read_in_every_form_of_the_text_format() {
        let bits = |text: &str| match (read(text, &ValType::F32).unwrap(), read(text, &ValType::F64).unwrap()) {
            (Val::F32(single), Val::F64(double)) => (single, double),
            _ => panic!("{text}"),
        };
        let number = |value: f64| ((value as f32).to_bits(), value.to_bits());
        for (text, value) in [
            ("1_000.5", 1000.5),
            ("+.5", 0.5),
            ("5.", 5.0),
            ("1_0e+1_0", 1e11),
            ("1E-2", 0.01),
            ("0x1p3", 8.0),
            ("-0x1.8P+1", -3.0),
            ("0xf_f.8", 255.5),
            ("0x1.", 1.0),
            ("0x0p9999999999999999999999", 0.0),
            ("-0x0.0", -0.0),
            ("0x0000000000000000000000000000000001", 1.0),
            ("0x100000000000000000000p-80", 1.0),
            ("infinity", f64::INFINITY),
            ("-inf", f64::NEG_INFINITY),
        ] {
            assert_eq!(bits(text), number(value), "{text}");
        }
        assert_eq!(bits("nan"), (0x7fc0_0000, 0x7ff8_0000_0000_0000));
        assert_eq!(bits("-nan"), (0xffc0_0000, 0xfff8_0000_0000_0000));
        assert_eq!(bits("nan:0x40_0001"), (0x7fc0_0001, 0x7ff0_0000_0040_0001));
        assert_eq!(bits("-nan:0x1"), (0xff80_0001, 0xfff0_0000_0000_0001));
        for wrong in [
            "",
            "-",
            "1e",
            "e1",
            ".",
            "1__0",
            "_1.0",
            "1._5",
            "0x",
            "0x.8",
            "0x1.8p",
            "0x1p+-1",
            "nan:",
            "nan:0x0",
            "nan:1",
            "nan:0x10000000000000",
            "inf1",
            "1f",
            "0x1e+1",
            "1 2",
            "--1",
            "nan:canonical",
        ] {
            assert!(read(wrong, &ValType::F64).is_err(), "{wrong}");
        }
        for (ty, wrong) in [
            (ValType::F32, "nan:0x800000"),
            (ValType::F32, "1e39"),
            (ValType::F32, "0x1p128"),
            (ValType::F32, "0x1.ffffffp127"),
            (ValType::F64, "1e309"),
            (ValType::F64, "0x1.fffffffffffff8p1023"),
            (ValType::F64, "0x1p3072"),
            (ValType::F64, "0x1p3073"),
            (ValType::F64, "0x1p9223372036854775807"),
            (ValType::F64, "0x1p99999999999999999999"),
            (ValType::F32, "0x1p384"),
            (ValType::F32, "0x1p385"),
            (ValType::F32, "0x1p3073"),
            (ValType::F32, "0x1p99999999999999999999"),
        ] {
            assert!(read(wrong, &ty).is_err(), "{ty} {wrong}");
        }
    }

    #[test]
    fn hexadecimal_floats_are_rounded_to_the_nearest_even() {
        for (text, bits) in [
            ("0x1.000001p0", 0x3f80_0000),
            ("0x1.0000010000000000000000001p0", 0x3f80_0001),
            ("0x1.000003p0", 0x3f80_0002),
            ("0x1.ffffffp0", 0x4000_0000),
            ("0x1.fffffep127", 0x7f7f_ffff),
            ("0x1.fffffefffp127", 0x7f7f_ffff),
            ("0x1p-126", 0x0080_0000),
            ("0x0.ffffffp-126", 0x0080_0000),
            ("0x1p-149", 1),
            ("0x1p-150", 0),
            ("0x1.00000000000000000001p-150", 1),
            ("0x1.8p-149", 2),
            ("0x1p-99999999999999999999", 0),
            ("0x1p-9223372036854775807", 0),
        ] {
            assert_eq!(f32(text), Some(bits), "{text}");
        }
        for (text, bits) in [
            ("0x1.fffffffffffffp1023", 0x7fef_ffff_ffff_ffff),
            ("0x1p-1074", 1),
            ("0x1p-1075", 0),
            ("0x1.8p-1075", 1),
            ("0x0.fffffffffffff8p-1022", 0x0010_0000_0000_0000),
            ("0x1.00000000000008p0", 0x3ff0_0000_0000_0000),
            ("0x1.00000000000018p0", 0x3ff0_0000_0000_0002),
        ] {
            assert_eq!(f64(text), Some(bits), "{text}");
        }
    }

    #[test]
    fn vectors_can_be_written_by_lanes() {
        let read = |text: &str| match read(text, &ValType::V128) {
            Ok(Val::V128(value)) => Some(value.to_u128()),
            _ => None,
        };
        assert_eq!(read("i32x4 1 -1 0x10 +3"), Some(0x0000_0003_0000_0010_ffff_ffff_0000_0001));
        assert_eq!(read("i8x16 255 -128 2 3 4 5 6 7 8 9 10 11 12 13 14 15"), Some(0x0f0e0d0c0b0a090807060504030280ff));
        assert_eq!(read("i64x2  -1 0x0_1"), Some(0x1_ffff_ffff_ffff_ffff));
        assert_eq!(read("f32x4 1 -0x1p1 nan:0x1 inf"), Some(0x7f800000_7f800001_c0000000_3f800000));
        assert_eq!(read("f64x2 nan 0.5"), Some(0x3fe0000000000000_7ff8000000000000));
        assert_eq!(read("i16x8 65535 -1 0 0 0 0 0 1"), Some(0x0001_0000_0000_0000_0000_0000_ffff_ffff));
        for wrong in
            ["i32x4", "i32x4 1 2 3", "i32x4 1 2 3 4 5", "i32x4 1 2 3 4294967296", "i32x3 1 2 3", "1 2", "f32x4 a b c d"]
        {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn vectors_are_one_unsigned_number() {
        let all = u128::MAX.to_string();
        assert_eq!(show(&read(&all, &ValType::V128).unwrap()), all);
        assert_eq!(show(&read(&format!("0x{:x}", u128::MAX), &ValType::V128).unwrap()), all);
        assert!(read("0x+1", &ValType::V128).is_err() && read("-1", &ValType::V128).is_err());
    }

    #[test]
    fn null_references_can_be_written() {
        assert_eq!(show(&read("null", &ValType::Ref(RefType::FUNCREF)).unwrap()), "<null funcref>");
        assert_eq!(show(&read("null", &ValType::Ref(RefType::EXTERNREF)).unwrap()), "<null externref>");
        let strict = RefType { nullable: false, heap: HeapType::Func };
        assert!(read("null", &ValType::Ref(strict)).unwrap_err().contains("which has no values on the command line"));
        assert!(read("0", &ValType::Ref(RefType::EXTERNREF)).unwrap_err().contains("for example null"));
    }

    #[test]
    fn an_error_has_an_example_that_parses() {
        for ty in [ValType::I32, ValType::I64, ValType::F32, ValType::F64, ValType::V128] {
            let message = read("x", &ty).unwrap_err();
            let example = message.split("for example ").nth(1).unwrap();
            let first = example.split([',', ' ']).next().unwrap();
            assert!(read(first, &ty).is_ok(), "{message}");
        }
        for (text, ty) in
            [("4294967296", ValType::I32), ("-0x8000_0000_0000_0001", ValType::I64), (&"9".repeat(60), ValType::I32)]
        {
            assert_eq!(read(text, &ty).unwrap_err(), format!("{text} is out of range for {ty}"));
        }
    }
}
