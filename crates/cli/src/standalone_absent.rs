//! Standalone executables without the native tier: there are none.

use std::ffi::OsString;

use kinglet::{Engine, Module};

use crate::fault::Outcome;
use crate::options::Request;

/// A program that cannot exist.
#[derive(Debug)]
pub(crate) enum Program {}

pub(crate) fn program() -> Option<Outcome<Program>> {
    None
}

impl Program {
    pub(crate) fn request(self, _: &str, _: impl Iterator<Item = OsString>) -> Outcome<Request> {
        match self {}
    }

    pub(crate) fn load(&self, _: &Engine, _: &str) -> Outcome<Module> {
        match *self {}
    }
}
