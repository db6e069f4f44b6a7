//! The end of the program.

use super::Call;
use super::types::{Errno, Result, Stop};

pub(super) fn proc_exit(_call: &mut Call<'_>, code: u32) -> Result<()> {
    Err(Stop::Exit(code.cast_signed()))
}

/// A guest has no signals: ENOTSUP. A guest's signal never reaches the host process.
pub(super) fn proc_raise(_call: &mut Call<'_>, _signal: u32) -> Result<()> {
    Err(Errno::NOTSUP.into())
}
