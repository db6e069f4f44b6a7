//! The programs in Rust. The modules of those directly in `guests` are committed, and `cargo xtask guests` rebuilds
//! them. Those in `guests/rust` are compiled here.

use std::path::Path;

use super::{Compile, OUTPUT, Program, Recipe, single_source, sources, words};
use crate::guests;
use crate::process::Context;

pub(super) fn list(context: &Context) -> Vec<Program> {
    sources(context, "rust", "rs").iter().map(|path| single_source(context, path, compile)).collect()
}

pub(super) fn list_committed(context: &Context) -> Vec<Program> {
    let committed = |name: String| {
        let source = format!("guests/{name}.rs");
        let recipe = Recipe::Committed(Path::new("guests").join(format!("{name}.wasm")));
        Program { file: format!("{name}.wasm"), source, inputs: Vec::new(), recipe }
    };
    guests::names(&context.root).into_iter().map(committed).collect()
}

fn compile(source: String) -> Compile {
    let mut args = words(&["--edition", "2024", "--target", guests::TARGET, "-O", "-C", "strip=symbols"]);
    if let Some(sysroot) = guests::sysroot() {
        args.extend(["--sysroot".to_string(), sysroot.to_string_lossy().into_owned()]);
    }
    args.extend([source, "-o".to_string(), OUTPUT.to_string()]);
    Compile { tool: "rustc".into(), directory: None, args, env: Vec::new() }
}
