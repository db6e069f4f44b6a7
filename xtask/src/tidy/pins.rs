//! Native code and validated modules are kept from one start to the next under a key that has a hash of some crates'
//! manifests in it. So every outside crate that decides what is valid, or what code is made, is pinned in one of them to
//! the version in the lock file. Which crates there are to decide is what the lock file says that wasmparser and Cranelift
//! depend on; those that do not decide are listed here.

use std::collections::{BTreeMap, BTreeSet};

use crate::tree::File;

/// The manifests, and the outside crates with which the search begins in each.
const MANIFESTS: &[(&str, &[&str])] = &[
    ("crates/wasm/Cargo.toml", &["wasmparser"]),
    ("crates/jit/Cargo.toml", &["cranelift-codegen", "cranelift-frontend", "cranelift-native", "target-lexicon"]),
];

/// What those depend on and what decides nothing: collections and memory, whose order or place the compiler does not let
/// its result depend on; diagnostics; what derives and serves code for serialisation and unwinding, neither of which is
/// used; and what the compiler's own build needs to write Rust.
const NEUTRAL: &[&str] = &[
    "allocator-api2",
    "anyhow",
    "arbitrary",
    "bitflags",
    "bumpalo",
    "equivalent",
    "fnv",
    "foldhash",
    "gimli",
    "hashbrown",
    "heck",
    "indexmap",
    "libc",
    "log",
    "proc-macro2",
    "quote",
    "rustc-hash",
    "semver",
    "serde",
    "serde_core",
    "serde_derive",
    "smallvec",
    "stable_deref_trait",
    "syn",
    "unicode-ident",
];

pub(super) fn check(files: &[File]) -> Vec<String> {
    let text = |path: &str| files.iter().find(|file| file.path == path).map(|file| file.text.as_str());
    let Some(lock) = text("Cargo.lock") else { return vec!["Cargo.lock is missing".into()] };
    let lock = packages(lock);
    let mut findings = Vec::new();
    for (path, roots) in MANIFESTS {
        let Some(manifest) = text(path) else {
            findings.push(format!("{path} is missing"));
            continue;
        };
        let pins = pins(manifest);
        for root in *roots {
            let Some(version) = pins.get(root) else {
                findings.push(format!("{path}: {root} is not pinned by `=`"));
                continue;
            };
            let reached = reached(&lock, (root.to_string(), version.to_string()));
            let deciding = reached.iter().filter(|(name, _)| !NEUTRAL.contains(&name.as_str()));
            for (name, version) in deciding {
                if pins.get(name.as_str()) != Some(&version.as_str()) {
                    findings.push(format!("{path}: {name} decides too; pin it by `={version}`, as Cargo.lock has it"));
                }
            }
        }
    }
    findings.sort();
    findings.dedup();
    findings
}

/// The exact versions in a manifest.
fn pins(manifest: &str) -> BTreeMap<&str, &str> {
    manifest.lines().filter_map(pin).collect()
}

fn pin(line: &str) -> Option<(&str, &str)> {
    let (name, rest) = line.split_once(" = ")?;
    let (_, version) = rest.split_once("\"=")?;
    Some((name, version.split_once('"')?.0))
}

type Package = (String, String);

/// The packages of a lock file, and what each depends on.
fn packages(lock: &str) -> BTreeMap<Package, Vec<String>> {
    let mut found = BTreeMap::new();
    for part in lock.split("[[package]]").skip(1) {
        let value = |key: &str| {
            let line = part.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "))?;
            Some(line.trim_matches('"').to_string())
        };
        let list = part.split_once("dependencies = [").and_then(|(_, rest)| rest.split_once(']'));
        let dependencies =
            list.map_or("", |(list, _)| list).split(',').map(|it| it.trim().trim_matches('"').to_string());
        if let (Some(name), Some(version)) = (value("name"), value("version")) {
            found.insert((name, version), dependencies.filter(|it| !it.is_empty()).collect());
        }
    }
    found
}

/// A package and all that it depends on, also by way of others.
fn reached(lock: &BTreeMap<Package, Vec<String>>, root: Package) -> BTreeSet<Package> {
    let (mut found, mut open) = (BTreeSet::new(), vec![root]);
    while let Some(package) = open.pop() {
        if !found.insert(package.clone()) {
            continue;
        }
        for dependency in lock.get(&package).into_iter().flatten() {
            // A version is only said where there are several.
            let mut words = dependency.split(' ');
            let (name, version) = (words.next().unwrap_or_default(), words.next());
            let is_it = |(known, number): &&Package| known == name && version.is_none_or(|version| number == version);
            open.extend(lock.keys().find(is_it).cloned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = "version = 4\n\n[[package]]\nname = \"wasmparser\"\nversion = \"0.228.0\"\n\n\
        [[package]]\nname = \"wasmparser\"\nversion = \"0.263.0\"\ndependencies = [\n \"bitflags\",\n \"wide 2.0.0\",\n]\n\n\
        [[package]]\nname = \"bitflags\"\nversion = \"2.0.0\"\n\n[[package]]\nname = \"wide\"\nversion = \"1.0.0\"\n\n\
        [[package]]\nname = \"wide\"\nversion = \"2.0.0\"\ndependencies = [\n \"deep\",\n]\n\n\
        [[package]]\nname = \"deep\"\nversion = \"3.0.0\"\n";

    fn findings(wasm: &str) -> Vec<String> {
        let files = [File::new("Cargo.lock", LOCK), File::new("crates/wasm/Cargo.toml", wasm)];
        check(&files).into_iter().filter(|finding| finding.starts_with("crates/wasm")).collect()
    }

    #[test]
    fn a_crate_that_decides_and_is_not_pinned_is_found_however_deep() {
        let found = findings("wasmparser = { version = \"=0.263.0\", features = [] }\nwide = \"=2.0.0\"\n");
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("deep decides too; pin it by `=3.0.0`"), "{found:?}");
        let all = "wasmparser = { version = \"=0.263.0\" }\nwide = \"=2.0.0\"\ndeep = \"=3.0.0\"\n";
        assert_eq!(findings(all), [""; 0]);
    }

    #[test]
    fn another_version_than_the_locked_one_is_found() {
        let all = "wasmparser = { version = \"=0.263.0\" }\nwide = \"=1.0.0\"\ndeep = \"=3.0.0\"\n";
        assert_eq!(findings(all).len(), 1);
        assert_eq!(findings("wasmparser = \"0.263.0\"\n").len(), 1);
    }
}
