//! `kinglet validate`: reads modules, binary or text, and says which are valid.

use kinglet::{Config, Engine, Module};

use crate::fault::{Fault, Outcome};
use crate::options::Options;
use crate::print;

pub(super) fn run(options: &Options) -> Outcome {
    let engine = Engine::new(Config::new().features(options.features()))
        .map_err(|error| Fault::refused(format!("cannot set up the engine: {error:#}")))?;
    let mut invalid = Vec::new();
    for file in &options.positional {
        match Module::from_file(&engine, file) {
            Ok(_) => print(&format!("{file}: valid\n"))?,
            Err(error) => invalid.push(Fault::unloaded(file, &error).message),
        }
    }
    if invalid.is_empty() { Ok(0) } else { Err(Fault::refused(invalid.join("\nkinglet: error: "))) }
}
