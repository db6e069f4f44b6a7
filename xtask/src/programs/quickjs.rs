//! QuickJS-NG's command, which runs JavaScript files. Its C source is in the crate `rquickjs-sys`, which cargo fetches.

use std::path::PathBuf;
use std::process::Command;

use super::{Compile, OUTPUT, Program, Recipe, c, words};
use crate::process::{Context, output};
use crate::tool;

/// A manifest that makes cargo fetch the source; cargo does not build it.
const MANIFEST: &str = "[package]\nname = \"quickjs\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
                        [lib]\npath = \"lib.rs\"\n\n[dependencies]\nrquickjs-sys = \"=0.14.0\"\n";

/// The C files of the command. Two of them contain its own JavaScript in compiled form.
const SOURCES: &[&str] = &[
    "qjs.c",
    "quickjs.c",
    "quickjs-libc.c",
    "libregexp.c",
    "libunicode.c",
    "dtoa.c",
    "gen/repl.c",
    "gen/standalone.c",
];

/// The compiler's options. wasi-libc emulates process clocks and signals in separate libraries.
const OPTIONS: &[&str] = &[
    "-O2",
    "-w",
    "-D_GNU_SOURCE",
    "-DQUICKJS_NG_BUILD",
    "-D_WASI_EMULATED_PROCESS_CLOCKS",
    "-D_WASI_EMULATED_SIGNAL",
    "-lwasi-emulated-process-clocks",
    "-lwasi-emulated-signal",
    // Recursive scripts need a large stack. It is first in memory, so that an overflow cannot overwrite data.
    "-Wl,--stack-first,-z,stack-size=4194304",
    "-o",
    OUTPUT,
];

pub(super) fn program(context: &Context) -> Program {
    let inputs: Vec<PathBuf> = SOURCES.iter().map(|name| source(context).join(name)).collect();
    let mut args = words(&[c::TARGET]);
    args.extend(inputs.iter().map(|path| path.display().to_string()));
    args.extend(words(OPTIONS));
    let recipe = Recipe::Compile(Compile { tool: "clang-19".into(), directory: None, args, env: Vec::new() });
    Program { file: "qjs.wasm".to_string(), source: "crate rquickjs-sys 0.14.0".to_string(), inputs, recipe }
}

/// Returns whether the source of the manifest's version has been fetched.
pub(crate) fn present(context: &Context) -> bool {
    std::fs::read_to_string(directory(context).join("Cargo.toml")).is_ok_and(|manifest| manifest == MANIFEST)
        && SOURCES.iter().all(|name| source(context).join(name).exists())
}

/// Fetches the source.
pub(crate) fn fetch(context: &Context) -> Result<(), String> {
    let directory = directory(context);
    let write = |name: &str, text: &str| {
        std::fs::write(directory.join(name), text)
            .map_err(|error| format!("cannot write {}: {error}", directory.display()))
    };
    std::fs::create_dir_all(&directory).map_err(|error| format!("cannot create {}: {error}", directory.display()))?;
    println!("fetching the source of QuickJS");
    write("Cargo.toml", MANIFEST)?;
    write("lib.rs", "")?;
    output(Command::new("cargo").current_dir(&directory).args(["vendor", "--quiet", "vendor"])).map(drop)
}

fn source(context: &Context) -> PathBuf {
    directory(context).join("vendor/rquickjs-sys/quickjs")
}

fn directory(context: &Context) -> PathBuf {
    tool::directory(context).join("quickjs")
}
