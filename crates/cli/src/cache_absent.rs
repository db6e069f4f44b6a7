//! The cache without the native tier: nothing is kept for the next start.

use kinglet::{Config, Module};

use crate::options::Options;

pub(crate) fn add(_: &mut Config, _: &Options) {}

pub(crate) fn set_up(_: &Options) {}

pub(crate) fn compiles_only(_: &Options) -> bool {
    false
}

pub(crate) struct CacheWriter;

impl CacheWriter {
    pub(crate) fn start<'a>(_: impl Iterator<Item = &'a Module>) -> CacheWriter {
        CacheWriter
    }

    pub(crate) fn finish(self, _: &Options, _: bool) {}

    pub(crate) fn compile_instead(&self, _: &Options) -> bool {
        false
    }
}
