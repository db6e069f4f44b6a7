//! `kinglet compile`, `targets`, `explore` and `warm` without the native tier: refused.

use crate::fault::{Fault, Outcome};
use crate::options::Options;

pub(super) fn run(_: &Options) -> Outcome {
    Err(Fault::refused("this `kinglet` was built without native code (Cargo feature `jit`)"))
}
