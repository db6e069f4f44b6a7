//! Pinned versions. Cache keys of validated modules and native code contain a hash of some crates' manifests. Therefore
//! these manifests pin every external crate that affects validation or code generation to the version in the lock file.
//! The candidates are the dependencies of wasmparser and Cranelift, according to the lock file, except those listed
//! here as neutral.

use std::collections::{BTreeMap, BTreeSet};

use crate::tree::File;

/// The manifests, and the external crates with which the search starts in each.
const MANIFESTS: &[(&str, &[&str])] = &[
    ("crates/wasm/Cargo.toml", &["wasmparser"]),
    ("crates/jit/Cargo.toml", &["cranelift-codegen", "cranelift-frontend", "cranelift-native", "target-lexicon"]),
];

/// Dependencies that do not affect the result. These are collections and allocators, because the compiler's output does
/// not depend on iteration order or addresses, and diagnostics. Kinglet does not use serialisation and unwinding. Some
/// crates only generate Rust code when the compiler is built.
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
            let closure = closure(&lock, (root.to_string(), version.to_string()));
            let relevant = closure.iter().filter(|(name, _)| !NEUTRAL.contains(&name.as_str()));
            for (name, version) in relevant {
                if pins.get(name.as_str()) != Some(&version.as_str()) {
                    findings.push(format!("{path}: {name} affects code; pin it to `={version}`, as in Cargo.lock"));
                }
            }
        }
    }
    findings.sort();
    findings.dedup();
    findings
}

/// Returns the exact versions in a manifest.
fn pins(manifest: &str) -> BTreeMap<&str, &str> {
    manifest.lines().filter_map(pin).collect()
}

fn pin(line: &str) -> Option<(&str, &str)> {
    let (name, rest) = line.split_once(" = ")?;
    let (_, version) = rest.split_once("\"=")?;
    Some((name, version.split_once('"')?.0))
}

type Package = (String, String);

/// Returns the packages of a lock file with their dependencies.
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

/// Returns a package and its transitive dependencies.
fn closure(lock: &BTreeMap<Package, Vec<String>>, root: Package) -> BTreeSet<Package> {
    let (mut found, mut open) = (BTreeSet::new(), vec![root]);
    while let Some(package) = open.pop() {
        if !found.insert(package.clone()) {
            continue;
        }
        for dependency in lock.get(&package).into_iter().flatten() {
            // Cargo.lock contains a dependency's version only if there are several.
            let mut words = dependency.split(' ');
            let (name, version) = (words.next().unwrap_or_default(), words.next());
            let matches = |(other, number): &&Package| other == name && version.is_none_or(|version| number == version);
            open.extend(lock.keys().find(matches).cloned());
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
    fn an_unpinned_relevant_crate_is_found_at_any_depth() {
        let found = findings("wasmparser = { version = \"=0.263.0\", features = [] }\nwide = \"=2.0.0\"\n");
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("deep affects code; pin it to `=3.0.0`"), "{found:?}");
        let all = "wasmparser = { version = \"=0.263.0\" }\nwide = \"=2.0.0\"\ndeep = \"=3.0.0\"\n";
        assert_eq!(findings(all), [""; 0]);
    }

    #[test]
    fn a_pin_that_differs_from_the_lock_file_is_found() {
        let all = "wasmparser = { version = \"=0.263.0\" }\nwide = \"=1.0.0\"\ndeep = \"=3.0.0\"\n";
        assert_eq!(findings(all).len(), 1);
        assert_eq!(findings("wasmparser = \"0.263.0\"\n").len(), 1);
    }
}
