//! `kinglet targets`: lists the targets of `kinglet compile` and their CPU features.

use crate::fault::Outcome;
use crate::options::Options;
use crate::print;

/// The width of lines.
const WIDTH: usize = 100;

pub(super) fn run(_: &Options) -> Outcome {
    let mut out = String::new();
    for target in kinglet::targets() {
        let here = if target.is_host() { ", this machine's" } else { "" };
        out += &format!("{}{here}\n", target.triple());
        let mut line = String::new();
        for (name, used) in target.features() {
            let word = if used { format!("  {name}*") } else { format!("  {name}") };
            if line.len() + word.len() > WIDTH {
                out += &format!("{}\n", std::mem::take(&mut line));
            }
            line += &word;
        }
        out += &format!("{line}\n\n");
    }
    out += "Features with a * are enabled by default; --cpu-features +NAME,-NAME changes them.\n";
    print(&out).map(|()| 0)
}
