//! Programs in C and C++, compiled with clang and wasi-libc.

use super::{Compile, OUTPUT, Program, single_source, sources, words};
use crate::process::Context;

/// The compiler's option for the target, whose name is that of wasi-libc's directories in Debian.
pub(crate) const TARGET: &str = "--target=wasm32-wasi";

pub(super) fn list(context: &Context) -> Vec<Program> {
    let options = ["-std=gnu17", "-O2", "-Wall", "-Wextra", "-Werror", "-lc-printscan-long-double"];
    sources(context, "c", "c")
        .iter()
        .map(|path| single_source(context, path, |c| clang("clang-19", &options, c)))
        .collect()
}

pub(super) fn list_cpp(context: &Context) -> Vec<Program> {
    let options = ["-std=c++20", "-fno-exceptions", "-O2", "-Wall", "-Wextra", "-Werror"];
    let sources = sources(context, "cpp", "cpp");
    sources.iter().map(|path| single_source(context, path, |cpp| clang("clang++-19", &options, cpp))).collect()
}

fn clang(tool: &str, options: &[&str], source: String) -> Compile {
    let mut args = words(&[TARGET]);
    args.extend(words(options));
    args.extend([source, "-o".to_string(), OUTPUT.to_string()]);
    Compile { tool: tool.into(), directory: None, args, env: Vec::new() }
}
