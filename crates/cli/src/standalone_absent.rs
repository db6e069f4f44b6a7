//! Without native code no command carries a program.

use std::ffi::OsString;

use kinglet::{Engine, Module};

use crate::fault::Outcome;
use crate::options::Request;

/// There is none.
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
