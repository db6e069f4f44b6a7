//! `kinglet warm`: compiles modules into the cache, with the same settings as `run` with the same options.

use super::compile::Progress;
use crate::fault::{Fault, Outcome};
use crate::message::{Level, say};
use crate::options::Options;
use crate::statistics::stages;
use crate::{cache, guest, source};

pub(super) fn run(options: &Options) -> Outcome {
    // Without a cache the command has no effect.
    cache::required(options)?;
    let engine = guest::engine(options, usize::MAX)?;
    for file in &options.positional {
        let module = source::load(&engine, file, options)?;
        let mut progress = Progress::new();
        let compiled = module.compile_all(|ready, all| progress.show(ready, all));
        progress.end();
        let kept = compiled.and_then(|()| module.update_cache());
        kept.map_err(|error| Fault::refused(format!("{}: {error:#}", source::shown(file))))?;
        if options.statistics.stages {
            stages(&[&module], None).iter().for_each(|line| say(Level::Info, line));
        }
        std::mem::forget(module);
    }
    Ok(0)
}
