//! `kinglet instantiate`: does the same as `run` until the entry point would be called.

use kinglet::Trap;

use crate::deadline::{self, Deadline};
use crate::fault::{Fault, Outcome, own_status};
use crate::message::{Level, say};
use crate::options::Options;
use crate::{guest, print, source};

pub(super) fn run(options: &Options) -> Outcome {
    guest::with_stack(options, run_here)
}

fn run_here(options: &Options, stack: usize) -> Outcome {
    let (file, args) = options.positional.split_first().ok_or_else(|| Fault::refused("no file given"))?;
    let deadline = Deadline::start(options.time_limit, options.dialect)?;
    let engine = guest::engine(options, stack)?;
    let module = source::load(&engine, file, options)?;
    let modules = guest::modules(&engine, options)?;
    let mut store = guest::store(&engine, options, file, args)?;
    let mut linker = guest::linker(&engine, &module, &modules)?;
    let missing = options.unknown_imports;
    let handle = store.interrupt_handle();
    let result = deadline.guest(handle, || {
        guest::register(&mut linker, &mut store, &modules, missing)?;
        guest::define_missing(&mut linker, &mut store, &module, missing)?;
        linker.instantiate(&mut store, &module)
    });
    match result {
        Ok(_) if options.dialect.is_wasmedge() => say(Level::Info, "Instantiation succeeded."),
        Ok(_) => print(&format!("{}: instantiated\n", source::shown(file)))?,
        Err(error) => match (error.downcast_ref::<kinglet_wasi::I32Exit>(), error.downcast_ref()) {
            (Some(exit), _) => return Ok(own_status(exit.0, options.dialect)),
            (None, Some(Trap::Interrupted)) if options.time_limit > 0 => {
                return Err(deadline::stopped(&error, options.time_limit));
            }
            (None, Some(trap)) => return Err(Fault::stopped_early(&error, *trap, options.dialect)),
            (None, None) => return Err(guest::unlinked(file, &error, options)),
        },
    }
    Ok(0)
}
