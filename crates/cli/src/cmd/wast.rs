//! `kinglet wast`: runs test scripts. One failed directive makes the command fail.

use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result};

use kinglet_testing::wast::{self, Report};

use crate::fault::{Fault, Outcome};
use crate::message::counted;
use crate::options::Options;
use crate::print;

/// The greatest size of a script, in bytes.
const MAX_SCRIPT_BYTES: u64 = 1 << 28;

pub(super) fn run(options: &Options) -> Outcome {
    let mut all = Report::default();
    let mut scripts = wast::Options::new(options.features());
    scripts
        .config
        .run_mode(options.run_mode)
        .nan_canonicalization(options.nan_canonicalization)
        .tier_thresholds(options.tier_thresholds);
    for file in &options.positional {
        let text = read(file).map_err(|error| Fault::refused(format!("cannot read `{file}`: {error}")))?;
        let report = wast::run(&scripts, file, &text);
        let (passed, failed, skipped) = (report.passed, report.failed.len(), report.out_of_scope);
        print(&format!("{file}: {passed} passed, {failed} failed, {skipped} out of scope\n"))?;
        all.add(report);
    }
    if all.failed.is_empty() {
        return Ok(0);
    }
    let failures: Vec<String> = all.failed.iter().map(|failure| failure.to_string()).collect();
    let count = counted(failures.len() as u64, "directive");
    Err(Fault::refused(format!("{count} failed:\n{}", failures.join("\n"))))
}

fn read(file: &str) -> Result<String> {
    let mut text = String::new();
    if File::open(file)?.take(MAX_SCRIPT_BYTES + 1).read_to_string(&mut text)? as u64 > MAX_SCRIPT_BYTES {
        return Err(Error::new(ErrorKind::FileTooLarge, format!("larger than {MAX_SCRIPT_BYTES} bytes")));
    }
    Ok(text)
}
