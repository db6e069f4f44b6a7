//! The Cargo features of the published crates, with one row each. The test group builds every crate with each feature
//! alone, with no feature, and with all features. It compares the README's table and the manifests with the rows.

use std::process::Command;

use crate::process::{Context, Tally, count};

/// A Cargo feature.
struct FeatureRow {
    package: &'static str,
    feature: &'static str,
    default: bool,
    about: &'static str,
}

#[rustfmt::skip]
const ROWS: &[FeatureRow] = &[
    FeatureRow { package: "kinglet", feature: "addr2line", default: true, about: "files and lines in backtraces, from DWARF sections" },
    FeatureRow { package: "kinglet", feature: "wat", default: true, about: "modules in the text format, wherever bytes are accepted" },
    FeatureRow { package: "kinglet", feature: "jit", default: true, about: "machine code by Cranelift; without it everything is interpreted" },
    FeatureRow { package: "kinglet", feature: "all-targets", default: false, about: "ahead-of-time compilation for x86-64, AArch64, RISC-V and s390x, on any host" },
    FeatureRow { package: "kinglet-cli", feature: "jit", default: true, about: "the same in the command" },
    FeatureRow { package: "kinglet-cli", feature: "all-targets", default: true, about: "the same in the command" },
    FeatureRow { package: "kinglet-jit", feature: "all-targets", default: false, about: "back ends of all targets, for the crates above" },
    FeatureRow { package: "kinglet-wasm", feature: "wat", default: false, about: "the text format, for the crates above" },
];

pub(crate) fn tally(context: &Context) -> Tally {
    let mut total = Tally::default();
    total.add(report("the manifests match the table", manifests(context)));
    total.add(report("the README contains the table", readme(context)));
    for row in ROWS {
        total.add(check(context, row.package, &["--features", row.feature]));
    }
    let mut packages: Vec<&str> = ROWS.iter().map(|row| row.package).collect();
    packages.dedup();
    for package in packages {
        total.add(check(context, package, &[]));
        total.add(check(context, package, &["--all-features"]));
    }
    total
}

fn check(context: &Context, package: &str, features: &[&str]) -> Tally {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.current_dir(&context.root).args(["clippy", "--package", package, "--no-default-features"]).args(features);
    count(context, cargo.args(["--", "-D", "warnings"]))
}

fn report(condition: &str, outcome: Result<(), String>) -> Tally {
    match outcome {
        Ok(()) => {
            println!("features: {condition} ... ok");
            Tally::PASSED
        }
        Err(reason) => {
            println!("features: {condition} ... FAILED\n{reason}");
            Tally::FAILED
        }
    }
}

fn manifests(context: &Context) -> Result<(), String> {
    let directories = std::fs::read_dir(context.root.join("crates")).map_err(|error| error.to_string())?;
    let mut found = Vec::new();
    for directory in directories.flatten().filter(|entry| entry.path().is_dir()) {
        let path = directory.path().join("Cargo.toml");
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        found.extend(features(&text));
    }
    let mut expected: Vec<(String, String, bool)> =
        ROWS.iter().map(|row| (row.package.to_string(), row.feature.to_string(), row.default)).collect();
    found.sort();
    expected.sort();
    if found == expected { Ok(()) } else { Err(format!("manifests: {found:?}\nxtask/src/features.rs: {expected:?}")) }
}

/// Returns the features of a manifest: package, feature, and whether it is on by default.
fn features(manifest: &str) -> Vec<(String, String, bool)> {
    let value =
        |line: &str| line.split_once('=').map(|(key, value)| (key.trim().to_string(), value.trim().to_string()));
    let mut section = "";
    let (mut package, mut defaults, mut names) = (String::new(), String::new(), Vec::new());
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line.trim();
        } else if let Some((key, value)) = value(line) {
            match (section, key.as_str()) {
                ("[package]", "name") => package = value.trim_matches('"').to_string(),
                ("[features]", "default") => defaults = value,
                ("[features]", _) => names.push(key),
                _ => {}
            }
        }
    }
    let is_default = |name: &String| defaults.contains(&format!("\"{name}\""));
    names.iter().map(|name| (package.clone(), name.clone(), is_default(name))).collect()
}

fn readme(context: &Context) -> Result<(), String> {
    let text = std::fs::read_to_string(context.root.join("README.md")).map_err(|error| error.to_string())?;
    let table = table();
    if text.contains(&table) { Ok(()) } else { Err(format!("README.md should have\n\n{table}")) }
}

/// Returns the README's table.
fn table() -> String {
    let mut table = "| Crate | Feature | Default | What it adds |\n|---|---|---|---|\n".to_string();
    for row in ROWS {
        let default = if row.default { "on" } else { "off" };
        table += &format!("| `{}` | `{}` | {default} | {} |\n", row.package, row.feature, row.about);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_parsed_from_a_manifest() {
        let manifest = "[package]\nname = \"a\"\n\n[dependencies]\nb = \"1\"\n\n[features]\ndefault = [\"c\"]\nc = []\nd = [\"dep:b\"]\n";
        let found = features(manifest);
        assert_eq!(found, [("a".into(), "c".into(), true), ("a".into(), "d".into(), false)]);
        assert!(features("[package]\nname = \"a\"\n").is_empty());
    }
}
