//! Environment variables.

use super::types::Result;
use super::{Call, strings};

pub(super) fn environ_get(call: &mut Call<'_>, environ: u32, environ_buf: u32) -> Result<()> {
    strings::get(&call.ctx.environ, &mut call.memory, environ, environ_buf)
}

pub(super) fn environ_sizes_get(call: &mut Call<'_>, environc: u32, environ_buf_size: u32) -> Result<()> {
    strings::sizes_get(&call.ctx.environ, &mut call.memory, environc, environ_buf_size)
}
