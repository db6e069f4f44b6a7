//! `kinglet wat`: converts a module, binary or text, to the text format.

use std::fmt::Write;

use wasmprinter::{Config, PrintFmtWrite};

use crate::fault::{Fault, Outcome};
use crate::options::Options;
use crate::output::{self, Output};
use crate::source;

pub(super) fn run(options: &Options) -> Outcome {
    let file = options.positional.first().map_or("-", String::as_str);
    let bytes = source::read(file)?;
    output::protect_text(file, &bytes, options.output.as_deref())?;
    let bytes = source::to_binary(file, bytes)?;
    let mut text = String::new();
    write(file, &bytes, options.offsets, &mut text)?;
    match Output::new(options.output.as_deref())? {
        Some(destination) => destination.save(text.as_bytes(), false),
        None => crate::print(&text),
    }
    .map(|()| 0)
}

/// Writes a module as text. A malformed module is refused.
pub(super) fn write(file: &str, bytes: &[u8], offsets: bool, out: &mut impl Write) -> Outcome<()> {
    // Not every error of the printer has an offset.
    source::outline(file, bytes, None)?;
    let printed = Config::new().print_offsets(offsets).print(bytes, &mut PrintFmtWrite(out));
    printed.map_err(|error| Fault::refused(format!("{}: {error:#}", source::shown(file))))
}
