//! `kinglet wasm`: a module in the binary format, from text. A terminal is not sent binary.

use std::io::IsTerminal;

use crate::fault::{Fault, Outcome};
use crate::options::Options;
use crate::{source, write};

pub(super) fn run(options: &Options) -> Outcome {
    let file = options.positional.first().map_or("-", String::as_str);
    let bytes = source::binary(file)?;
    super::wat::write(file, &bytes, false, &mut Nowhere)?;
    match options.output.as_deref() {
        None | Some("-") => to_output(&bytes, &format!("kinglet wasm {file} -o OUTPUT"))?,
        Some(_) => save(options, &bytes)?,
    }
    Ok(0)
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

/// Writes to the file of `--output`, or to standard output, which is `-` too.
pub(super) fn save(options: &Options, bytes: &[u8]) -> Outcome<()> {
    match options.output.as_deref() {
        Some(file) if file != "-" => {
            std::fs::write(file, bytes).map_err(|error| Fault::refused(format!("cannot write {file}: {error}")))
        }
        _ => write(bytes),
    }
}
