//! Runs every example in the tests' profile. An example with an exit status other than 0 fails.

use std::process::Command;

use crate::build::{self, Profile};
use crate::process::{Context, Tally, count};

pub(crate) fn tally(context: &Context) -> Tally {
    if let Err(failed) = build::executables(context, Profile::Dev) {
        return failed;
    }
    let directory = context.target.join(Profile::Dev.directory()).join("examples");
    let mut total = Tally::default();
    for name in names(context) {
        total.add(count(context, Command::new(directory.join(name)).current_dir(&context.root)));
    }
    total
}

/// Returns the names of the examples: the files in the directory `examples`.
fn names(context: &Context) -> Vec<String> {
    let entries = std::fs::read_dir(context.root.join("examples")).into_iter().flatten().flatten();
    let files = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = files.filter_map(|file| file.strip_suffix(".rs").map(str::to_string)).collect();
    names.sort();
    names
}
