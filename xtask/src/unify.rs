//! Each crate of ours, and all that it depends on, has one set of features, whichever packages cargo is asked for:
//! otherwise the tests, the command alone, and the published library would each build Cranelift again.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use crate::process::{Context, Tally, output};

/// Choices of packages that are built in the same profile.
const CHOICES: &[&[&str]] = &[&["--workspace"], &["--package", "kinglet-cli"], &["--package", "kinglet-tests"]];

pub(crate) fn tally(context: &Context) -> Tally {
    let name = "tidy: each crate is built with one set of features";
    match check(context) {
        Ok(()) => {
            println!("{name} ... ok");
            Tally::PASSED
        }
        Err(why) => {
            println!("{name} ... FAILED\n{why}");
            Tally::FAILED
        }
    }
}

fn check(context: &Context) -> Result<(), String> {
    let mut seen: BTreeMap<String, (String, &[&str])> = BTreeMap::new();
    let mut differences = Vec::new();
    for choice in CHOICES {
        for (package, features) in packages(context, choice)? {
            let (first, by) = seen.entry(package.clone()).or_insert_with(|| (features.clone(), choice));
            if *first != features {
                let [by, choice] = [by, *choice].map(|words| words.join(" "));
                differences.push(format!("{package}: `{first}` with {by}, `{features}` with {choice}"));
            }
        }
    }
    if differences.is_empty() { Ok(()) } else { Err(differences.join("\n")) }
}

/// The packages that a choice builds, with their features; one with two sets of them is there twice.
fn packages(context: &Context, choice: &[&str]) -> Result<BTreeSet<(String, String)>, String> {
    let mut tree = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    tree.current_dir(&context.root).args(["tree", "--locked", "--prefix", "none", "--format", "{p}|{f}"]).args(choice);
    // Dependencies of tests count only where tests are built: with all packages.
    let edges = if choice == ["--workspace"] { "normal,build,dev" } else { "normal,build" };
    Ok(parse(&output(tree.args(["--edges", edges]))?))
}

/// Lines `NAME VERSION …|FEATURES`, some of them marked as repeated.
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
    fn packages_and_features_are_read_from_cargos_tree() {
        let tree = "a v1.0.0 (/w/a)|default,x\nb v0.2.0|std\nb v0.2.0|std (*)\n\nc v3.0.0 (proc-macro)|\n";
        let found: Vec<_> = parse(tree).into_iter().collect();
        let expected = [("a v1.0.0", "default,x"), ("b v0.2.0", "std"), ("c v3.0.0", "")];
        assert_eq!(found, expected.map(|(package, features)| (package.to_string(), features.to_string())));
    }
}
