//! Without the native tier nothing is kept for the next start.

use kinglet::{Config, Module};

use crate::options::Options;

pub(crate) fn add(_: &mut Config, _: &Options) {}

pub(crate) fn settle(_: &Options) {}

pub(crate) fn is_left_behind(_: &Options) -> bool {
    false
}

pub(crate) struct Keeper;

impl Keeper {
    pub(crate) fn start<'a>(_: impl Iterator<Item = &'a Module>) -> Keeper {
        Keeper
    }

    pub(crate) fn finish(self, _: &Options, _: bool) {}

    pub(crate) fn compile_instead(&self, _: &Options) -> bool {
        false
    }
}
