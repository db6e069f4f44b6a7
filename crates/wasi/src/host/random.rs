//! Random bytes from the operating system's cryptographic generator.

use super::{Result, Wait};
use std::io;

/// The number of bytes generated between two checks for an interrupt.
const CHUNK: usize = 1 << 20;

/// Fills `bytes`.
pub(crate) fn fill(bytes: &mut [u8], wait: &dyn Wait) -> Result<()> {
    for chunk in bytes.chunks_mut(CHUNK) {
        getrandom::fill(chunk).map_err(io::Error::other)?;
        wait.check()?;
    }
    Ok(())
}
