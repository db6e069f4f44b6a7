//! `kinglet validate`: validates modules, binary or text.

use crate::fault::{Outcome, REFUSED};
use crate::message::{Level, say};
use crate::options::Options;
use crate::{guest, print, source};

pub(super) fn run(options: &Options) -> Outcome {
    // No code runs, so none needs a stack.
    let engine = guest::engine(options, 0)?;
    let mut status = 0;
    for file in &options.positional {
        match source::validate(&engine, file, options) {
            Ok(()) if options.dialect.is_wasmedge() => say(Level::Info, "Validation succeeded."),
            Ok(()) => print(&format!("{}: valid\n", source::shown(file)))?,
            Err(fault) => {
                fault.report(options.dialect);
                status = REFUSED;
            }
        }
    }
    Ok(status)
}
