//! `kinglet help`: the help of a command, or all of it in another form.

use std::io::IsTerminal;

use super::COMMANDS;
use crate::fault::{Fault, Outcome};
use crate::options::{Options, nearest};
use crate::{help, print, reference};

pub(super) fn run(options: &Options) -> Outcome {
    let command = match options.positional.first() {
        None => None,
        Some(name) => Some(COMMANDS.iter().find(|row| row.name == *name).ok_or_else(|| {
            let fault = Fault::refused(format!("there is no command `{name}`"));
            match nearest(name, COMMANDS.iter().map(|row| row.name.to_string())) {
                Some(name) => fault.hint(format!("did you mean `{name}`?")),
                None => fault.hint("kinglet help lists them"),
            }
        })?),
    };
    let text = match (options.markdown, options.man) {
        (true, _) => reference::markdown(),
        (_, true) => reference::man(command),
        _ => help::text(command, std::io::stdout().is_terminal(), options.dialect),
    };
    print(&text).map(|()| 0)
}
