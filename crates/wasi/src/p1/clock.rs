//! Clocks.

use super::Call;
use super::types::{Errno, Result};
use crate::host::clock::Clock;

/// Returns the clock with the number `id` (`clockid`). Fails with EINVAL for an unknown number.
pub(super) fn clock(id: u32) -> Result<Clock> {
    match id {
        0 => Ok(Clock::Realtime),
        1 => Ok(Clock::Monotonic),
        2 => Ok(Clock::ProcessCputime),
        3 => Ok(Clock::ThreadCputime),
        _ => Err(Errno::INVAL.into()),
    }
}

pub(super) fn clock_res_get(call: &mut Call<'_>, id: u32, resolution: u32) -> Result<()> {
    let step = call.ctx.clocks.resolution(clock(id)?);
    call.memory.write_u64(resolution, step)
}

/// Ignores the precision, which is a hint.
pub(super) fn clock_time_get(call: &mut Call<'_>, id: u32, _precision: u64, time: u32) -> Result<()> {
    let now = call.ctx.clocks.now(clock(id)?);
    call.memory.write_u64(time, now)
}
