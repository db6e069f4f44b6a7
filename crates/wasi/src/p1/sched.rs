//! Scheduling.

use super::Call;
use super::types::Result;

pub(super) fn sched_yield(call: &mut Call<'_>) -> Result<()> {
    std::thread::yield_now();
    Ok(call.wait.check()?)
}
