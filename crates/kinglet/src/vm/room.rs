//! Room for the host: what guests take of the system's memory leaves some for all that the host allocates and that cannot
//! fail, whether a message or a list. Where the process may have as much as it likes nobody asks the system.

#[cfg(unix)]
use std::sync::OnceLock;

use super::region::Region;

/// Bytes that guests leave when they grow something.
const FOR_THE_HOST: usize = 16 << 20;

/// Bytes without which nothing begins.
const TO_BEGIN: usize = 4 << 20;

/// Whether the system would give the process so many bytes, and leave enough for the host. Nobody holds them for the
/// caller: this is for sizes that guests choose, whose allocation can fail as well.
pub(crate) fn is_there(bytes: usize) -> bool {
    !is_limited() || bytes.checked_add(FOR_THE_HOST).is_some_and(|bytes| Region::new(bytes).is_ok())
}

/// Whether there is enough left for a guest to begin with what was just made for it.
pub(crate) fn is_left() -> bool {
    is_there_for_the_host(TO_BEGIN)
}

/// Whether the system would give the process so many bytes, whatever is left then.
pub(crate) fn is_there_for_the_host(bytes: usize) -> bool {
    !is_limited() || Region::new(bytes).is_ok()
}

/// Whether memory can be refused: limits of the process can change while it runs.
#[cfg(unix)]
fn is_limited() -> bool {
    use rustix::process::{Resource, getrlimit};
    let limited = |resource| getrlimit(resource).current.is_some();
    limited(Resource::As) || limited(Resource::Data) || is_strict()
}

/// Whether the system promises no more memory than it has.
#[cfg(unix)]
fn is_strict() -> bool {
    static STRICT: OnceLock<bool> = OnceLock::new();
    *STRICT.get_or_init(|| {
        let mode = std::fs::read_to_string("/proc/sys/vm/overcommit_memory");
        mode.is_ok_and(|mode| mode.trim() == "2")
    })
}

#[cfg(not(unix))]
fn is_limited() -> bool {
    false
}
