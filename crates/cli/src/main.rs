//! The command `kinglet`: parses its arguments by the table in `options`, runs one of the commands in `cmd`, and reports
//! the outcome as a message and an exit status. No guest and no user can cause a panic here.

#![deny(unsafe_code)]

mod allocator;
#[cfg(feature = "jit")]
mod cache;
#[cfg(not(feature = "jit"))]
#[path = "cache_absent.rs"]
mod cache;
mod cmd;
mod completions;
mod deadline;
#[cfg(feature = "jit")]
mod descriptor;
mod dialect;
mod excerpt;
mod fault;
mod file_size;
mod guest;
mod help;
mod message;
mod options;
mod output;
#[cfg(feature = "jit")]
mod precompiled;
#[cfg(feature = "jit")]
mod priority;
mod reference;
mod signal;
mod source;
#[cfg(feature = "jit")]
mod standalone;
#[cfg(not(feature = "jit"))]
#[path = "standalone_absent.rs"]
mod standalone;
mod statistics;
mod value;
mod version;

use std::io::{ErrorKind, IsTerminal, Write};

use dialect::Dialect;
use fault::{Fault, Outcome};
use message::Level;
use options::Request;

fn main() {
    allocator::set_up();
    signal::set_up();
    file_size::set_up();
    let mut args = std::env::args_os();
    let name = args.next().unwrap_or_default().to_string_lossy().into_owned();
    let own = standalone::program();
    let (dialect, is_standalone) = match own {
        Some(_) => (Dialect::Kinglet, true),
        None => (Dialect::of(&name), false),
    };
    let request = match own {
        Some(program) => program.and_then(|program| program.request(&name, args)),
        None => options::parse(dialect, args),
    };
    let outcome = request.and_then(|request| answer(&request, dialect, &name));
    std::process::exit(outcome.unwrap_or_else(|fault| {
        // Has no effect if the options have already set the level.
        message::set_up(dialect, Level::Info, false);
        let fault = if is_standalone { fault.of_a_program() } else { fault };
        fault.report(dialect)
    }));
}

fn answer(request: &Request, dialect: Dialect, name: &str) -> Outcome {
    match request {
        Request::Help(command, short) => {
            let terminal = std::io::stdout().is_terminal();
            print(&help::text(*command, *short, terminal, dialect)).map(|()| 0)
        }
        Request::Version(verbose) => print(&version::text(dialect, name, *verbose)).map(|()| 0),
        Request::Run(command, options) => {
            let level = options.log_level.or_else(Level::of_environment);
            message::set_up(dialect, level.unwrap_or(Level::Info), level.is_some());
            options::warn(options);
            (command.run)(options)
        }
    }
}

/// Writes text to standard output.
fn print(text: &str) -> Outcome<()> {
    write(text.as_bytes())
}

/// Writes bytes to standard output. A closed pipe is not an error, because nobody reads it.
fn write(bytes: &[u8]) -> Outcome<()> {
    let mut out = std::io::stdout();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Fault::refused(format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}
