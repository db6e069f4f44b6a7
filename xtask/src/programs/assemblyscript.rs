//! Programs in AssemblyScript. The compiler is an npm package, pinned by `guests/assemblyscript/package-lock.json`; it is
//! installed into cargo's target folder.

use std::path::PathBuf;

use super::{Compile, OUTPUT, Program, one_file, sources, words};
use crate::process::{Context, output};
use crate::tool;

/// What npm reads.
const MANIFESTS: [&str; 2] = ["package.json", "package-lock.json"];

pub(super) fn list(context: &Context) -> Vec<Program> {
    let sources = sources(context, "assemblyscript", "ts");
    sources.iter().map(|path| one_file(context, path, |source| compile(context, source))).collect()
}

/// The compiler runs in its own folder, where it finds the library for WASI by itself.
fn compile(context: &Context, source: String) -> Compile {
    let options = ["--config", "node_modules/@assemblyscript/wasi-shim/asconfig.json", "--path", "node_modules"];
    let mut args = words(&["node_modules/assemblyscript/bin/asc.js"]);
    args.push(context.root.join(source).display().to_string());
    args.extend(words(&options));
    args.extend(words(&["--optimize", "--noColors", "-o", OUTPUT]));
    Compile { tool: tool::node(context).unwrap_or("node".into()), folder: Some(folder(context)), args, env: Vec::new() }
}

/// Whether the compiler is there, in the version of the lock file.
pub(crate) fn present(context: &Context) -> bool {
    let same = |name: &str| {
        let [here, there] = [source(context, name), folder(context).join(name)].map(|path| std::fs::read(path).ok());
        here.is_some() && here == there
    };
    MANIFESTS.iter().all(|name| same(name)) && folder(context).join("node_modules/assemblyscript/bin/asc.js").exists()
}

/// Installs the compiler.
pub(crate) fn install(context: &Context) -> Result<(), String> {
    let folder = folder(context);
    let cannot = |error: std::io::Error| format!("cannot write {}: {error}", folder.display());
    std::fs::create_dir_all(&folder).map_err(cannot)?;
    println!("installing the AssemblyScript compiler");
    std::fs::copy(source(context, MANIFESTS[0]), folder.join(MANIFESTS[0])).map_err(cannot)?;
    std::fs::copy(source(context, MANIFESTS[1]), folder.join(MANIFESTS[1])).map_err(cannot)?;
    let arguments = ["ci", "--silent", "--ignore-scripts", "--no-audit", "--no-fund"];
    output(tool::npm(context)?.current_dir(&folder).args(arguments)).map(drop)
}

fn source(context: &Context, name: &str) -> PathBuf {
    context.root.join("guests/assemblyscript").join(name)
}

fn folder(context: &Context) -> PathBuf {
    tool::folder(context).join("assemblyscript")
}
