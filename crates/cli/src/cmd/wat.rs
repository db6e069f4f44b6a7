//! `kinglet wat`: a module in the text format, whatever form it is in.

use wasmprinter::{Config, PrintFmtWrite};

use super::wasm::save;
use crate::fault::{Fault, Outcome};
use crate::options::Options;
use crate::source;

pub(super) fn run(options: &Options) -> Outcome {
    let file = options.positional.first().map_or("-", String::as_str);
    let bytes = source::binary(file)?;
    let mut text = String::new();
    let printed = Config::new().print_offsets(options.offsets).print(&bytes, &mut PrintFmtWrite(&mut text));
    printed.map_err(|error| Fault::refused(format!("{}: {error:#}", source::shown(file))))?;
    save(options, text.as_bytes()).map(|()| 0)
}
