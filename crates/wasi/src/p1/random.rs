//! Random bytes.

use super::Call;
use super::types::Result;
use crate::host::random;

pub(super) fn random_get(call: &mut Call<'_>, buf: u32, buf_len: u32) -> Result<()> {
    Ok(random::fill(call.memory.bytes_mut(buf, buf_len)?, call.wait)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::WasiCtx;
    use crate::p1::types::{CallError, Errno};
    use crate::tests::{AlwaysInterrupted, BUFFER, Guest, fails};

    #[test]
    fn random_bytes_fill_the_buffer_and_nothing_else() {
        let mut guest = Guest::new(WasiCtx::builder().build().unwrap());
        guest.call(|call| random_get(call, BUFFER, 64)).unwrap();
        assert_ne!(guest.buffer(64), [0; 64]);
        assert_eq!(guest.read_u64(BUFFER + 64), 0);
        assert_eq!(guest.call(|call| random_get(call, 1, 65536)), fails(Errno::FAULT));
        assert_eq!(guest.call_with(&AlwaysInterrupted, |call| random_get(call, 0, 8)), Err(CallError::Interrupted));
    }
}
