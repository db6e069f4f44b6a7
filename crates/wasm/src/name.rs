//! Names of functions as people read them: what compilers of Rust have made of a path is turned back into it. Names come
//! from modules, and can be anything.

use std::borrow::Cow;
use std::fmt::{self, Write};

/// More characters than a name has in any message.
const MOST: usize = 4096;
/// The longest name that is read.
const LONGEST: usize = 16 * MOST;

/// A function's name, in readable form if it is one that a compiler of Rust has encoded, of either scheme; without the
/// hash at its end.
pub fn readable(name: &str) -> Cow<'_, str> {
    // Anything else is not looked at twice, nor is what no compiler writes.
    if name.len() > LONGEST || !name.trim_start_matches('_').starts_with(['R', 'Z']) {
        return name.into();
    }
    let Ok(path) = rustc_demangle::try_demangle(name) else { return name.into() };
    let mut text = Short(String::new());
    // Fails only if it is cut.
    let _ = write!(text, "{path:#}");
    text.0.into()
}

/// Text that takes no more than [`MOST`] bytes: what a few characters stand for can be very long.
struct Short(String);

impl Write for Short {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = MOST.saturating_sub(self.0.len());
        if text.len() > room {
            self.0.push_str(&text[..text.floor_char_boundary(room)]);
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
    fn both_schemes_of_rust_are_read_and_other_names_left_alone() {
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
            assert_eq!(readable(encoded), shown, "{encoded}");
        }
    }

    #[test]
    fn a_name_that_stands_for_much_is_cut() {
        // Each tuple has the one before it twice.
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
        let shown = readable(&name);
        assert!(shown.starts_with("a::<((), ()), (((), ()), ((), ())), ") && shown.len() == MOST, "{shown}");
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
