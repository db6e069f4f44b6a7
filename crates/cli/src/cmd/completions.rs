//! `kinglet completions`: prints completions for a shell.

use crate::fault::{Fault, Outcome};
use crate::options::Options;
use crate::{completions, print};

pub(super) fn run(options: &Options) -> Outcome {
    let shell = options.positional.first().map_or("", String::as_str);
    match completions::text(shell) {
        Some(text) => print(&text).map(|()| 0),
        None => {
            let known = completions::SHELLS.join(", ");
            Err(Fault::refused(format!("no completions for `{shell}`"))
                .hint(format!("the supported shells are {known}")))
        }
    }
}
