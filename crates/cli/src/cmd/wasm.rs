//! `kinglet wasm`: a module in the binary format, from text. A terminal is not sent binary.

use std::io::IsTerminal;

use crate::fault::{Fault, Outcome};
use crate::options::Options;
use crate::output::{self, Output};
use crate::{source, write};

pub(super) fn run(options: &Options) -> Outcome {
    let file = options.positional.first().map_or("-", String::as_str);
    let bytes = source::read(file)?;
    output::spare_text(file, &bytes, options.output.as_deref())?;
    let bytes = source::to_binary(file, bytes)?;
    super::wat::write(file, &bytes, false, &mut Nowhere)?;
    match Output::new(options.output.as_deref())? {
        Some(place) => place.save(&bytes, false),
        None => to_output(&bytes, &format!("kinglet wasm {file} -o OUTPUT")),
    }
    .map(|()| 0)
}

/// Writes what is not text to standard output; what to do instead is said if that is a terminal.
pub(super) fn to_output(bytes: &[u8], hint: &str) -> Outcome<()> {
    if std::io::stdout().is_terminal() {
        return Err(Fault::refused("a binary module is not written to a terminal").hint(hint));
    }
    write(bytes)
}

/// Takes text and keeps nothing of it.
struct Nowhere;

impl std::fmt::Write for Nowhere {
    fn write_str(&mut self, _: &str) -> std::fmt::Result {
        Ok(())
    }
}
