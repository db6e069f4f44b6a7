//! Programs in AssemblyScript. The compiler is an npm package, which `guests/assemblyscript/package-lock.json` pins. It
//! is installed into cargo's target directory.

use std::path::PathBuf;

use super::{Compile, OUTPUT, Program, single_source, sources, words};
use crate::process::{Context, output};
use crate::tool;

/// The files that npm reads.
const MANIFESTS: [&str; 2] = ["package.json", "package-lock.json"];

pub(super) fn list(context: &Context) -> Vec<Program> {
    let sources = sources(context, "assemblyscript", "ts");
    sources.iter().map(|path| single_source(context, path, |source| compile(context, source))).collect()
}

/// Returns the compiler's command line. It runs in its own directory, where it finds its library for WASI.
fn compile(context: &Context, source: String) -> Compile {
    let options = ["--config", "node_modules/@assemblyscript/wasi-shim/asconfig.json", "--path", "node_modules"];
    let mut args = words(&["node_modules/assemblyscript/bin/asc.js"]);
    args.push(context.root.join(source).display().to_string());
    args.extend(words(&options));
    args.extend(words(&["--optimize", "--noColors", "-o", OUTPUT]));
    Compile {
        tool: tool::node(context).unwrap_or("node".into()),
        directory: Some(directory(context)),
        args,
        env: Vec::new(),
    }
}

/// Returns whether the compiler is installed in the version of the lock file.
pub(crate) fn present(context: &Context) -> bool {
    let is_current = |name: &str| {
        let [source, copy] =
            [source(context, name), directory(context).join(name)].map(|path| std::fs::read(path).ok());
        source.is_some() && source == copy
    };
    MANIFESTS.iter().all(|name| is_current(name))
        && directory(context).join("node_modules/assemblyscript/bin/asc.js").exists()
}

/// Installs the compiler.
pub(crate) fn install(context: &Context) -> Result<(), String> {
    let directory = directory(context);
    let cannot = |error: std::io::Error| format!("cannot write {}: {error}", directory.display());
    std::fs::create_dir_all(&directory).map_err(cannot)?;
    println!("installing the AssemblyScript compiler");
    std::fs::copy(source(context, MANIFESTS[0]), directory.join(MANIFESTS[0])).map_err(cannot)?;
    std::fs::copy(source(context, MANIFESTS[1]), directory.join(MANIFESTS[1])).map_err(cannot)?;
    let arguments = ["ci", "--silent", "--ignore-scripts", "--no-audit", "--no-fund"];
    output(tool::npm(context)?.current_dir(&directory).args(arguments)).map(drop)
}

fn source(context: &Context, name: &str) -> PathBuf {
    context.root.join("guests/assemblyscript").join(name)
}

fn directory(context: &Context) -> PathBuf {
    tool::directory(context).join("assemblyscript")
}
