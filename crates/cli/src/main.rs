//! The command `kinglet`: reads its arguments by the table in `options`, runs one of the commands in `cmd`, and turns
//! what comes of it into a message on standard error and an exit status. Nothing a guest or a user does may panic here.

#![forbid(unsafe_code)]

mod cmd;
mod deadline;
mod excerpt;
mod fault;
mod options;
mod value;

use std::io::{ErrorKind, Write};

use fault::{Fault, Outcome};
use options::Request;

fn main() {
    let outcome = options::parse(std::env::args_os().skip(1)).and_then(|request| answer(&request));
    std::process::exit(outcome.unwrap_or_else(|fault| report(&fault)));
}

fn answer(request: &Request) -> Outcome {
    match request {
        Request::Help(command) => print(&options::help(*command)).map(|()| 0),
        Request::Version => print(&format!("kinglet version {}\n", env!("CARGO_PKG_VERSION"))).map(|()| 0),
        Request::Run(command, options) => {
            options.unfinished().for_each(|switch| warn(&switch));
            (command.run)(options)
        }
    }
}

/// Writes a result to standard output. A reader that has gone away is no error: there is nobody left to tell.
fn print(text: &str) -> Outcome<()> {
    let mut out = std::io::stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Fault::refused(format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Says that a switch turns on what is only half there, before a trap does.
fn warn(switch: &str) {
    let warning = "not finished in this version: what it adds may trap";
    let _ = writeln!(std::io::stderr(), "kinglet: warning: {switch}: {warning}");
}

/// Says what went wrong and gives the exit status for it.
fn report(fault: &Fault) -> i32 {
    let _ = writeln!(std::io::stderr(), "kinglet: error: {}", fault.message.trim_end());
    fault.code
}
