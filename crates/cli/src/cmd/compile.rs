//! `kinglet compile`: refused as a whole until there is native code to make; its options are known, so that the message
//! is about that and not about them.

use crate::fault::{Fault, Outcome};
use crate::options::Options;
use crate::source;

pub(super) fn run(options: &Options) -> Outcome {
    let file = options.positional.first().map_or("", |file| source::shown(file));
    let fault = Fault::refused("`compile` is refused: compiling to native code is not in this version yet");
    Err(fault.hint(format!("run the module itself: kinglet {file}")))
}
