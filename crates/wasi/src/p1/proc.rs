//! Exit and signals.

use super::Call;
use super::types::{CallError, Errno, Result, signal};

pub(super) fn proc_exit(_call: &mut Call<'_>, code: u32) -> Result<()> {
    Err(CallError::Exit(code.cast_signed()))
}

/// Performs the default action of a signal, because a guest cannot install handlers. The signal is ignored, or it ends the
/// guest with an exit code of 128 plus its number, as a shell reports it. Signals that stop a process fail with ENOTSUP,
/// because nothing could continue the guest. Unknown numbers fail with EINVAL. The host process receives no signal.
pub(super) fn proc_raise(_call: &mut Call<'_>, signal: u32) -> Result<()> {
    match signal {
        signal::NONE | signal::CHLD | signal::CONT | signal::URG | signal::WINCH => Ok(()),
        signal::STOP | signal::TSTP | signal::TTIN | signal::TTOU => Err(Errno::NOTSUP.into()),
        signal::HUP..=signal::SYS => Err(CallError::Exit(128 + signal.cast_signed())),
        _ => Err(Errno::INVAL.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::WasiCtx;
    use crate::tests::{Guest, fails};

    #[test]
    fn proc_raise_performs_the_default_action_of_a_signal() {
        let mut guest = Guest::new(WasiCtx::builder().build().unwrap());
        let mut raise = |signal| guest.call(|call| proc_raise(call, signal));
        for (signal, code) in [(6, 134), (9, 137), (11, 139), (15, 143), (30, 158)] {
            assert_eq!(raise(signal), Err(CallError::Exit(code)));
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
