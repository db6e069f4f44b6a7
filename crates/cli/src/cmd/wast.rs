//! `kinglet wast`: runs test scripts; any directive that does not do what its script says makes the command fail.

use kinglet_testing::wast::{self, Report};

use crate::fault::{Fault, Outcome};
use crate::options::Options;
use crate::print;

pub(super) fn run(options: &Options) -> Outcome {
    let mut all = Report::default();
    for file in &options.positional {
        let text =
            std::fs::read_to_string(file).map_err(|error| Fault::refused(format!("cannot read `{file}`: {error}")))?;
        let report = wast::run(&wast::Options::new(options.features()), file, &text);
        let (passed, failed, skipped) = (report.passed, report.failed.len(), report.out_of_scope);
        print(&format!("{file}: {passed} passed, {failed} failed, {skipped} out of scope\n"))?;
        all.add(report);
    }
    if all.failed.is_empty() {
        return Ok(0);
    }
    let failures: Vec<String> = all.failed.iter().map(|failure| failure.to_string()).collect();
    Err(Fault::refused(format!("{} of the directives failed:\n{}", failures.len(), failures.join("\n"))))
}
