//! The end of the program.

use super::Call;
use super::types::{Errno, Result, Stop, signal};

pub(super) fn proc_exit(_call: &mut Call<'_>, code: u32) -> Result<()> {
    Err(Stop::Exit(code.cast_signed()))
}

/// A guest cannot catch a signal, so each does what it does to a program that does not: it is ignored, or it ends the
/// guest with 128 more than its number, which is how a shell tells. What would stop the guest until someone lets it go
/// on is ENOTSUP, since nobody could; an unknown number is EINVAL. The host process never notices.
pub(super) fn proc_raise(_call: &mut Call<'_>, signal: u32) -> Result<()> {
    match signal {
        signal::NONE | signal::CHLD | signal::CONT | signal::URG | signal::WINCH => Ok(()),
        signal::STOP | signal::TSTP | signal::TTIN | signal::TTOU => Err(Errno::NOTSUP.into()),
        signal::HUP..=signal::SYS => Err(Stop::Exit(128 + signal.cast_signed())),
        _ => Err(Errno::INVAL.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::WasiCtx;
    use crate::tests::{Guest, fails};

    #[test]
    fn a_signal_ends_the_guest_as_it_ends_a_program_that_does_not_catch_it() {
        let mut guest = Guest::new(WasiCtx::builder().build().unwrap());
        let mut raise = |signal| guest.call(|call| proc_raise(call, signal));
        for (signal, code) in [(6, 134), (9, 137), (11, 139), (15, 143), (30, 158)] {
            assert_eq!(raise(signal), Err(Stop::Exit(code)));
        }
        for ignored in [0, 16, 17, 22, 27] {
            assert_eq!(raise(ignored), Ok(()));
        }
        for stops in 18..=21 {
            assert_eq!(raise(stops), fails(Errno::NOTSUP));
        }
        for unknown in [31, u32::MAX] {
            assert_eq!(raise(unknown), fails(Errno::INVAL));
        }
    }
}
