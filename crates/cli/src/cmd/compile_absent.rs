//! `kinglet compile` and `kinglet targets` where Kinglet is built without the native tier: refused.

use crate::fault::{Fault, Outcome};
use crate::options::Options;

pub(super) fn run(_: &Options) -> Outcome {
    Err(Fault::refused("this `kinglet` is built without native code (Cargo feature `jit`)"))
}
