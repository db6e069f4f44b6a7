//! Program arguments.

use super::types::Result;
use super::{Call, strings};

pub(super) fn args_get(call: &mut Call<'_>, argv: u32, argv_buf: u32) -> Result<()> {
    strings::get(&call.ctx.args, &mut call.memory, argv, argv_buf)
}

pub(super) fn args_sizes_get(call: &mut Call<'_>, argc: u32, argv_buf_size: u32) -> Result<()> {
    strings::sizes_get(&call.ctx.args, &mut call.memory, argc, argv_buf_size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::WasiCtx;
    use crate::p1::types::Errno;
    use crate::tests::{Guest, fails};

    #[test]
    fn arguments_are_consecutive_zero_terminated_strings() {
        let mut guest = Guest::new(WasiCtx::builder().args(["tour", "é"]).build().unwrap());
        guest.call(|call| args_sizes_get(call, 0, 4)).unwrap();
        assert_eq!((guest.read_u32(0), guest.read_u32(4)), (2, 8));
        guest.call(|call| args_get(call, 0, 100)).unwrap();
        assert_eq!((guest.read_u32(0), guest.read_u32(4)), (100, 105));
        assert_eq!(&guest.memory[100..108], "tour\0é\0".as_bytes());
    }

    #[test]
    fn arguments_beyond_the_end_of_memory_fail_with_efault() {
        let mut guest = Guest::new(WasiCtx::builder().arg("tour").build().unwrap());
        assert_eq!(guest.call(|call| args_get(call, 65533, 0)), fails(Errno::FAULT));
        assert_eq!(guest.call(|call| args_get(call, 0, u32::MAX - 3)), fails(Errno::FAULT));
    }
}
