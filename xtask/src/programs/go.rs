//! Programs in Go, compiled with the standard toolchain for `wasip1`.

use super::{Compile, OUTPUT, Program, single_source, sources, words};
use crate::process::Context;
use crate::tool;

pub(super) fn list(context: &Context) -> Vec<Program> {
    sources(context, "go", "go").iter().map(|path| single_source(context, path, |go| compile(context, go))).collect()
}

fn compile(context: &Context, source: String) -> Compile {
    let mut args = words(&["build", "-trimpath", "-ldflags=-s -w", "-o", OUTPUT]);
    args.push(source);
    let mut env: Vec<(&str, String)> =
        [("GOOS", "wasip1"), ("GOARCH", "wasm"), ("GOTOOLCHAIN", "local"), ("GOFLAGS", ""), ("GOWORK", "off")]
            .map(|(name, value)| (name, value.to_string()))
            .into();
    for (name, directory) in [("GOCACHE", "go-cache"), ("GOPATH", "go-path")] {
        env.push((name, tool::directory(context).join(directory).display().to_string()));
    }
    Compile { tool: tool::go(context).unwrap_or("go".into()), directory: None, args, env }
}
