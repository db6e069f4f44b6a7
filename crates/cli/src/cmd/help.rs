//! `kinglet help`: the help of a command, the proposals, or the reference in another form.

use std::io::IsTerminal;

use super::COMMANDS;
use crate::fault::{Fault, Outcome};
use crate::help::PROPOSALS;
use crate::options::{Options, nearest};
use crate::{help, print, reference, write};

pub(super) fn run(options: &Options) -> Outcome {
    let terminal = std::io::stdout().is_terminal();
    let command = match options.positional.first() {
        None => None,
        Some(topic) if topic == PROPOSALS => return print(&help::proposals(terminal, options.dialect)).map(|()| 0),
        Some(name) => Some(COMMANDS.iter().find(|row| row.name == *name).ok_or_else(|| {
            let fault = Fault::refused(format!("there is no command `{name}`"));
            match nearest(name, COMMANDS.iter().map(|row| row.name.to_string()).chain([PROPOSALS.to_string()])) {
                Some(name) => fault.hint(format!("did you mean `{name}`?")),
                None => fault.hint("`kinglet --help` lists the commands"),
            }
        })?),
    };
    if options.man && !options.markdown {
        let page = reference::man(command).map_err(|error| Fault::refused(error.to_string()))?;
        return write(&page).map(|()| 0);
    }
    let text = match options.markdown {
        true => reference::markdown(),
        false => help::text(command, false, terminal, options.dialect),
    };
    print(&text).map(|()| 0)
}
