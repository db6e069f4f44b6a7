//! Without the native tier nothing is kept for the next start.

use kinglet::{Config, Module};

use crate::options::Options;

pub(crate) fn add(_: &mut Config, _: &Options) {}

pub(crate) fn is_left_behind() -> bool {
    false
}

pub(crate) struct Keeper;

impl Keeper {
    pub(crate) fn start<'a>(_: impl Iterator<Item = &'a Module>) -> Keeper {
        Keeper
    }

    pub(crate) fn finish(self, _: &Options) {}

    pub(crate) fn compile_instead(&self) -> bool {
        false
    }
}
