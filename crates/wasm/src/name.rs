//! Demangles the names of Rust functions. Names come from modules and are untrusted, so input and output are bounded.

use std::borrow::Cow;
use std::fmt::{self, Write};

/// The maximum length of a demangled name, in bytes.
const MAX_OUTPUT: usize = 4096;
/// The maximum length of a name that is demangled, in bytes. Longer names stay as they are.
const MAX_INPUT: usize = 16 * MAX_OUTPUT;

/// Demangles a function name of either of Rust's mangling schemes and removes the hash at its end. Returns any other
/// name unchanged.
pub fn demangle(name: &str) -> Cow<'_, str> {
    // A cheap test for the prefixes of both schemes.
    if name.len() > MAX_INPUT || !name.trim_start_matches('_').starts_with(['R', 'Z']) {
        return name.into();
    }
    let Ok(path) = rustc_demangle::try_demangle(name) else { return name.into() };
    let mut text = BoundedString(String::new());
    // Fails only if the text is truncated.
    let _ = write!(text, "{path:#}");
    text.0.into()
}

/// A string of at most [`MAX_OUTPUT`] bytes. Back references let a short mangled name expand to a very long one.
struct BoundedString(String);

impl Write for BoundedString {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let remaining = MAX_OUTPUT.saturating_sub(self.0.len());
        if text.len() > remaining {
            self.0.push_str(&text[..text.floor_char_boundary(remaining)]);
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_rust_schemes_are_demangled_and_other_names_stay_unchanged() {
        for (encoded, shown) in [
            ("_RNvNtCs1234_7mycrate3foo3bar", "mycrate::foo::bar"),
            ("_RNCNvCs4fqI2P2rA04_4main4main0B3_", "main::main::{closure#0}"),
            ("_ZN4core9panicking5panic17h0123456789abcdefE", "core::panicking::panic"),
            ("_ZN3foo3barEv", "_ZN3foo3barEv"),
            ("_start", "_start"),
            ("_Reset", "_Reset"),
            ("Run", "Run"),
            ("", ""),
            ("naïve", "naïve"),
        ] {
            assert_eq!(demangle(encoded), shown, "{encoded}");
        }
    }

    #[test]
    fn a_name_that_expands_too_far_is_truncated() {
        // Each tuple contains the previous tuple twice.
        let mut name = String::from("_RIC1a");
        let start = name.len() - 2;
        name.push_str("TuuE");
        let mut last = start + 2;
        for _ in 0..40 {
            let at = name.len() - 2;
            let back = base62(last - 2);
            name.push_str(&format!("TB{back}B{back}E"));
            last = at + 2;
        }
        name.push('E');
        let shown = demangle(&name);
        assert!(shown.starts_with("a::<((), ()), (((), ()), ((), ())), ") && shown.len() == MAX_OUTPUT, "{shown}");
    }

    fn base62(number: usize) -> String {
        const DIGITS: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
        let Some(mut rest) = number.checked_sub(1) else { return "_".into() };
        let mut digits = vec![b'_'];
        loop {
            digits.push(DIGITS[rest % 62]);
            rest /= 62;
            if rest == 0 {
                break;
            }
        }
        digits.reverse();
        String::from_utf8(digits).unwrap()
    }
}
