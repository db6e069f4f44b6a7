//! QuickJS-NG's command, which runs JavaScript files. Its C source is part of the crate `rquickjs-sys`; cargo fetches it.

use std::path::PathBuf;
use std::process::Command;

use super::{Compile, OUTPUT, Program, Recipe, c, words};
use crate::process::{Context, output};
use crate::tool;

/// Brings the source in; nothing of it is built by cargo.
const MANIFEST: &str = "[package]\nname = \"quickjs\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
                        [lib]\npath = \"lib.rs\"\n\n[dependencies]\nrquickjs-sys = \"=0.14.0\"\n";

/// What the command consists of; two of the files are its own JavaScript, compiled.
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

/// wasi-libc has clocks of the process and signals only as imitations that one has to ask for.
const OPTIONS: &[&str] = &[
    "-O2",
    "-w",
    "-D_GNU_SOURCE",
    "-DQUICKJS_NG_BUILD",
    "-D_WASI_EMULATED_PROCESS_CLOCKS",
    "-D_WASI_EMULATED_SIGNAL",
    "-lwasi-emulated-process-clocks",
    "-lwasi-emulated-signal",
    // Deep scripts need a deep stack; below it is nothing that it could run over.
    "-Wl,--stack-first,-z,stack-size=4194304",
    "-o",
    OUTPUT,
];

pub(super) fn program(context: &Context) -> Program {
    let inputs: Vec<PathBuf> = SOURCES.iter().map(|name| source(context).join(name)).collect();
    let mut args = words(&[c::TARGET]);
    args.extend(inputs.iter().map(|path| path.display().to_string()));
    args.extend(words(OPTIONS));
    let recipe = Recipe::Compile(Compile { tool: "clang-19".into(), folder: None, args, env: Vec::new() });
    Program { file: "qjs.wasm".to_string(), source: "crate rquickjs-sys 0.14.0".to_string(), inputs, recipe }
}

/// Whether the source is there, in the version of the manifest.
pub(crate) fn present(context: &Context) -> bool {
    std::fs::read_to_string(folder(context).join("Cargo.toml")).is_ok_and(|manifest| manifest == MANIFEST)
        && SOURCES.iter().all(|name| source(context).join(name).exists())
}

/// Fetches the source.
pub(crate) fn fetch(context: &Context) -> Result<(), String> {
    let folder = folder(context);
    let write = |name: &str, text: &str| {
        std::fs::write(folder.join(name), text).map_err(|error| format!("cannot write {}: {error}", folder.display()))
    };
    std::fs::create_dir_all(&folder).map_err(|error| format!("cannot create {}: {error}", folder.display()))?;
    println!("fetching the source of QuickJS");
    write("Cargo.toml", MANIFEST)?;
    write("lib.rs", "")?;
    output(Command::new("cargo").current_dir(&folder).args(["vendor", "--quiet", "vendor"])).map(drop)
}

fn source(context: &Context) -> PathBuf {
    folder(context).join("vendor/rquickjs-sys/quickjs")
}

fn folder(context: &Context) -> PathBuf {
    tool::folder(context).join("quickjs")
}
