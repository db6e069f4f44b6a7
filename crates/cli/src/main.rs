//! The command `kinglet`: reads its arguments by the table in `options`, runs one of the commands in `cmd`, and turns
//! what comes of it into a message on standard error and an exit status. Nothing a guest or a user does may panic here.

#![forbid(unsafe_code)]

mod cmd;
mod fault;
mod options;
mod value;

use std::io::Write;

use fault::Fault;
use options::Request;

fn main() {
    let code = match options::parse(std::env::args_os().skip(1)) {
        Ok(Request::Help(command)) => {
            print(&options::help(command));
            0
        }
        Ok(Request::Version) => {
            print(&format!("kinglet version {}\n", env!("CARGO_PKG_VERSION")));
            0
        }
        Ok(Request::Run(command, options)) => (command.run)(&options).unwrap_or_else(|fault| report(&fault)),
        Err(fault) => report(&fault),
    };
    std::process::exit(code);
}

/// Writes a result to standard output. A reader that has gone away is no error: there is nobody left to tell.
fn print(text: &str) {
    let mut out = std::io::stdout();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Says what went wrong and gives the exit status for it.
fn report(fault: &Fault) -> i32 {
    let _ = writeln!(std::io::stderr(), "kinglet: error: {}", fault.message.trim_end());
    fault.code
}
