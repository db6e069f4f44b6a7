//! `kinglet wasm`: converts a text module to the binary format. It never writes binary to a terminal.

use std::io::IsTerminal;

use crate::fault::{Fault, Outcome};
use crate::options::Options;
use crate::output::{self, Output};
use crate::{source, write};

pub(super) fn run(options: &Options) -> Outcome {
    let file = options.positional.first().map_or("-", String::as_str);
    let bytes = source::read(file)?;
    output::protect_text(file, &bytes, options.output.as_deref())?;
    let bytes = source::to_binary(file, bytes)?;
    super::wat::write(file, &bytes, false, &mut Sink)?;
    match Output::new(options.output.as_deref())? {
        Some(destination) => destination.save(&bytes, false),
        None => to_output(&bytes, &format!("kinglet wasm {file} -o OUTPUT")),
    }
    .map(|()| 0)
}

/// Writes a binary to standard output. If that is a terminal, the failure has a hint.
pub(super) fn to_output(bytes: &[u8], hint: &str) -> Outcome<()> {
    if std::io::stdout().is_terminal() {
        return Err(Fault::refused("a binary module is not written to a terminal").hint(hint));
    }
    write(bytes)
}

/// Discards text.
struct Sink;

impl std::fmt::Write for Sink {
    fn write_str(&mut self, _: &str) -> std::fmt::Result {
        Ok(())
    }
}
