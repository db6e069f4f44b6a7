//! `kinglet wasm`: a module in the binary format, from text. A terminal is not sent binary.

use std::io::IsTerminal;

use crate::fault::{Fault, Outcome};
use crate::options::Options;
use crate::{source, write};

pub(super) fn run(options: &Options) -> Outcome {
    let file = options.positional.first().map_or("-", String::as_str);
    let bytes = source::binary(file)?;
    if options.output.is_none() && std::io::stdout().is_terminal() {
        let hint = format!("kinglet wasm {file} -o OUTPUT");
        return Err(Fault::refused("a binary module is not written to a terminal").hint(hint));
    }
    save(options, &bytes).map(|()| 0)
}

/// Writes to the file of `--output`, or to standard output.
pub(super) fn save(options: &Options, bytes: &[u8]) -> Outcome<()> {
    match &options.output {
        Some(file) => {
            std::fs::write(file, bytes).map_err(|error| Fault::refused(format!("cannot write {file}: {error}")))
        }
        None => write(bytes),
    }
}
