//! Programs in Go, compiled by the standard toolchain for `wasip1`.

use super::{Compile, OUTPUT, Program, one_file, sources, words};
use crate::process::Context;
use crate::tool;

pub(super) fn list(context: &Context) -> Vec<Program> {
    sources(context, "go", "go").iter().map(|path| one_file(context, path, |go| compile(context, go))).collect()
}

fn compile(context: &Context, source: String) -> Compile {
    let mut args = words(&["build", "-trimpath", "-ldflags=-s -w", "-o", OUTPUT]);
    args.push(source);
    let mut env: Vec<(&str, String)> =
        [("GOOS", "wasip1"), ("GOARCH", "wasm"), ("GOTOOLCHAIN", "local"), ("GOFLAGS", ""), ("GOWORK", "off")]
            .map(|(name, value)| (name, value.to_string()))
            .into();
    for (name, folder) in [("GOCACHE", "go-cache"), ("GOPATH", "go-path")] {
        env.push((name, tool::folder(context).join(folder).display().to_string()));
    }
    Compile { tool: tool::go(context).unwrap_or("go".into()), folder: None, args, env }
}
