//! Random bytes, straight from the operating system's cryptographic generator.

use super::{Result, Wait};
use std::io;

/// How much is drawn between two looks at whether the call is to end.
const CHUNK: usize = 1 << 20;

/// Fills `bytes`.
pub(crate) fn fill(bytes: &mut [u8], wait: &dyn Wait) -> Result<()> {
    for chunk in bytes.chunks_mut(CHUNK) {
        getrandom::fill(chunk).map_err(io::Error::other)?;
        wait.check()?;
    }
    Ok(())
}
