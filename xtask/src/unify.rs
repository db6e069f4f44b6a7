//! Checks that every crate has the same set of features, regardless of the packages that cargo builds. Otherwise the
//! tests, the command alone, and the published library would each build Cranelift again.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use crate::process::{Context, Tally, output};

/// Selections of packages that are built in the same profile.
const SELECTIONS: &[&[&str]] = &[&["--workspace"], &["--package", "kinglet-cli"], &["--package", "kinglet-tests"]];

pub(crate) fn tally(context: &Context) -> Tally {
    let name = "tidy: each crate is built with one set of features";
    match check(context) {
        Ok(()) => {
            println!("{name} ... ok");
            Tally::PASSED
        }
        Err(reason) => {
            println!("{name} ... FAILED\n{reason}");
            Tally::FAILED
        }
    }
}

fn check(context: &Context) -> Result<(), String> {
    let mut seen: BTreeMap<String, (String, &[&str])> = BTreeMap::new();
    let mut differences = Vec::new();
    for selection in SELECTIONS {
        for (package, features) in packages(context, selection)? {
            let (first, other) = seen.entry(package.clone()).or_insert_with(|| (features.clone(), selection));
            if *first != features {
                let [other, selection] = [other, *selection].map(|words| words.join(" "));
                differences.push(format!("{package}: `{first}` with {other}, `{features}` with {selection}"));
            }
        }
    }
    if differences.is_empty() { Ok(()) } else { Err(differences.join("\n")) }
}

/// Returns the packages that a selection builds, with their features. A package with two feature sets is listed twice.
fn packages(context: &Context, selection: &[&str]) -> Result<BTreeSet<(String, String)>, String> {
    let mut tree = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    tree.current_dir(&context.root)
        .args(["tree", "--locked", "--prefix", "none", "--format", "{p}|{f}"])
        .args(selection);
    // Dependencies of tests count only if tests are built, which needs all packages.
    let edges = if selection == ["--workspace"] { "normal,build,dev" } else { "normal,build" };
    Ok(parse(&output(tree.args(["--edges", edges]))?))
}

/// Parses lines `NAME VERSION …|FEATURES`, some of them marked as repeated.
fn parse(tree: &str) -> BTreeSet<(String, String)> {
    let line = |line: &str| {
        let (package, features) = line.trim_end_matches(" (*)").split_once('|')?;
        let mut words = package.split(' ');
        Some((format!("{} {}", words.next()?, words.next()?), features.to_string()))
    };
    tree.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_and_features_are_parsed_from_cargos_tree() {
        let tree = "a v1.0.0 (/w/a)|default,x\nb v0.2.0|std\nb v0.2.0|std (*)\n\nc v3.0.0 (proc-macro)|\n";
        let found: Vec<_> = parse(tree).into_iter().collect();
        let expected = [("a v1.0.0", "default,x"), ("b v0.2.0", "std"), ("c v3.0.0", "")];
        assert_eq!(found, expected.map(|(package, features)| (package.to_string(), features.to_string())));
    }
}
