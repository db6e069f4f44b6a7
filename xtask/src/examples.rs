//! Runs every example. They are built as the group `unit` has built them; one that exits with a status other than 0 fails.

use std::process::Command;

use crate::group::{self, UNIT_PACKAGES};
use crate::process::{Context, Tally, count, prepare};

pub(crate) fn tally(context: &Context) -> Tally {
    let mut total = prepare(group::cargo(context, &["build", "--examples"]).args(UNIT_PACKAGES));
    for name in names(context) {
        let program = context.target.join("debug/examples").join(name);
        total.add(count(Command::new(program).current_dir(&context.root)));
    }
    total
}

/// The examples by name: the files of the folder `examples`.
fn names(context: &Context) -> Vec<String> {
    let entries = std::fs::read_dir(context.root.join("examples")).into_iter().flatten().flatten();
    let files = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = files.filter_map(|file| file.strip_suffix(".rs").map(str::to_string)).collect();
    names.sort();
    names
}
